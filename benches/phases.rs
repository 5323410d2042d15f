//! Where the time of an analysis goes, on one core: failures of a given size in JUnit, each of its own test and with
//! its own cause, or of so many causes. `cargo bench --bench phases [-- FAILURES BYTES [CAUSES]]`. Time on the processor
//! of this thread, the least of five; the text part is all that needs no syntax tree: reading, redaction, tracebacks and
//! assertions, fingerprints.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use failscope::analysis::{self, Options};
use failscope::cluster::grouping;
use failscope::ingest::{ReadOptions, read};
use failscope::model::{Analysis, Run};
use failscope::report::document::Document;
use failscope::report::{Meta, html};
use failscope::workspace::{Config, Workspace};

const ROUNDS: usize = 5;
const WORDS: [&str; 12] = [
    "connecting",
    "retry",
    "payload",
    "order",
    "0x7f3c",
    "ready",
    "worker",
    "accepted",
    "ms",
    "status",
    "cache",
    "miss",
];

/// What went wrong with a test, on one line, as it stands in XML.
fn headline(test: usize, causes: usize) -> String {
    if causes > 0 {
        return format!("ValueError: cannot convert {test} with scale {}", 3 + test % 4);
    }
    let wanted = test * (test + 1);
    format!("assert {} == {wanted}", wanted as i64 - 1)
}

/// The text of one failure from a seed: an assertion, or an exception out of one of `causes` broken functions, and
/// captured output to about `size` bytes.
fn failure(file: usize, test: usize, causes: usize, size: usize, random: &mut u64) -> String {
    let mut next = |below: usize| {
        // Numerical Recipes' linear congruential generator.
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 33) as usize % below
    };
    let (wanted, line, headline) = (test * (test + 1), 6 + test * 5, headline(test, causes));
    let mut text = if causes > 0 {
        let cause = (file * 100 + test) % causes;
        format!(
            "    def test_compute_{test}():\n&gt;       result = app.part{cause}.convert_{cause}({test})\n\n\
             tests/test_mod{file}.py:{}: \n{}\n\nvalue = {test}\n\n    def convert_{cause}(value):\n\
             \x20       scale = 3 + value % 4\n&gt;       raise ValueError(f\"cannot convert {{value}} with scale {{scale}}\")\n\
             E       {headline}\n\nsrc/app/part{cause}.py:3: ValueError\n",
            line - 1,
            "_ ".repeat(40)
        )
    } else {
        format!(
            "    def test_compute_{test}():\n        result = compute_{test}({test})\n&gt;       assert result == {wanted}\n\
             E       {headline}\n\ntests/test_mod{file}.py:{line}: AssertionError\n"
        )
    };
    text.push_str("----------------------------- Captured stdout call -----------------------------\n");
    while text.len() < size {
        let _ = write!(text, "2026-01-01 10:{:02}:{:02} INFO", test % 60, next(60));
        for _ in 0..8 {
            let _ = write!(text, " {}", WORDS[next(WORDS.len())]);
        }
        text.push('\n');
    }
    text
}

/// The project, and the results of a run in which every test has failed.
fn workload(failures: usize, size: usize, causes: usize) -> (PathBuf, String) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("target/bench-phases-{causes}"));
    std::fs::create_dir_all(root.join("tests")).unwrap();
    std::fs::create_dir_all(root.join("src/app")).unwrap();
    let mut xml =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites><testsuite name=\"pytest\">".to_owned();
    let mut random = 1;
    for cause in 0..causes {
        let source = format!(
            "def convert_{cause}(value):\n    scale = 3 + value % 4\n    raise ValueError(f\"cannot convert {{value}} with scale {{scale}}\")\n"
        );
        std::fs::write(root.join(format!("src/app/part{cause}.py")), source).unwrap();
    }
    for file in 0..failures.div_ceil(100) {
        let (mut source, mut tests) = (String::from("\n\n"), format!("from app.mod{file} import *\n\n"));
        for test in 0..100 {
            let _ = write!(
                source,
                "\ndef compute_{test}(value):\n    scaled = value * {}\n    return scaled - 1\n\n",
                test + 1
            );
            let wanted = test * (test + 1);
            let called = match (file * 100 + test).checked_rem(causes) {
                Some(cause) => format!("app.part{cause}.convert_{cause}"),
                None => format!("compute_{test}"),
            };
            let _ = write!(
                tests,
                "\ndef test_compute_{test}():\n    result = {called}({test})\n    assert result == {wanted}\n\n"
            );
            let _ = write!(
                xml,
                "<testcase classname=\"tests.test_mod{file}\" name=\"test_compute_{test}\" file=\"tests/test_mod{file}.py\" \
                 time=\"0.001\"><failure message=\"{}\">{}</failure></testcase>",
                headline(test, causes),
                failure(file, test, causes, size, &mut random),
            );
        }
        std::fs::write(root.join(format!("src/app/mod{file}.py")), source).unwrap();
        std::fs::write(root.join(format!("tests/test_mod{file}.py")), tests).unwrap();
    }
    xml.push_str("</testsuite></testsuites>");
    (root, xml)
}

/// Time that this thread has spent on a processor (Linux; elsewhere none).
fn on_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// Prints how long `work` takes of the things that `make` makes, and gives that time and what it gives.
fn phase<T, R>(name: &str, failures: usize, make: impl Fn() -> T, work: impl Fn(T) -> R) -> (Duration, R) {
    let mut least = Duration::MAX;
    let mut last = None;
    for _ in 0..ROUNDS {
        let made = make();
        let begun = on_cpu();
        let result = work(made);
        least = least.min(on_cpu().saturating_sub(begun));
        last = Some(result);
    }
    println!(
        "{name:45} {:8.1} ms {:6.1} µs a failure",
        least.as_secs_f64() * 1e3,
        least.as_secs_f64() * 1e6 / failures as f64
    );
    (least, last.unwrap())
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let failures = numbers.first().copied().unwrap_or(10_000).div_ceil(100) * 100;
    let size = numbers.get(1).copied().unwrap_or(2_000);
    let causes = numbers.get(2).copied().unwrap_or(0);
    let (root, xml) = workload(failures, size, causes);
    let workspace = || Workspace::new(&root, Arc::new(Config::default()));
    let options = Options::default();
    println!(
        "{failures} failures of {size} bytes, {:.1} MB; one thread, the least of {ROUNDS}",
        xml.len() as f64 / 1e6
    );

    let read = || -> Run { read(xml.as_bytes(), "report.xml", None, &ReadOptions::default()).unwrap() };
    let (reading, run) = phase("reading", failures, || (), |()| read());
    assert_eq!(run.failures.len(), failures);
    let nowhere = || Workspace::new(root.join("src/nowhere"), Arc::new(Config::default()));
    let texts = |(run, workspace): (Run, Workspace)| {
        let run = analysis::prepared(run, &workspace, &options);
        (grouping::group(&run.failures, &workspace).len(), run)
    };
    let (text, (groups, _)) =
        phase("redaction, tracebacks, fingerprints", failures, || (run.clone(), nowhere()), texts);
    let rate = failures as f64 / (reading + text).as_secs_f64();
    println!("the text part: {rate:.0} failures a second on one core, {groups} causes");
    let (whole, analysis) = phase(
        "all of the analysis but reading (this thread)",
        failures,
        || (run.clone(), workspace()),
        |(run, workspace)| -> Analysis { analysis::analyze(run, &workspace, &options) },
    );
    let meta = Meta::new(0, root.clone());
    let (json, ()) =
        phase("JSON", failures, || (), |()| Document::new(&analysis, &meta).write(std::io::sink()).unwrap());
    let (page, ()) =
        phase("HTML", failures, || (), |()| html::write(&analysis, &meta, &mut std::io::sink()).unwrap());
    println!(
        "all: {:.0} failures a second by this thread's time",
        failures as f64 / (reading + whole + json + page).as_secs_f64()
    );
}
