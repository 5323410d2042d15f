//! How fast results are read, beside a bare XML pass, a plain line split, and reading the bytes alone; and how
//! much memory a gigabyte takes. `cargo bench --bench reading`. Numbers of one run are comparable with each
//! other, not between machines.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use failscope::ingest::{ReadOptions, read, read_file};

const TESTS: usize = 100_000;
const FAILURE: &str = "def test_x():\n&gt;       assert f(1) == 2\nE       assert 1 == 2\nE        +  where 1 = f(1)\n\ntests/test_x.py:3: AssertionError";

/// One test case of a JUnit file: every 200th fails; `output` bytes of captured text on each.
fn case(out: &mut String, n: usize, output: usize) {
    // Tests come module by module.
    let (folder, module) = (n / 5000, n / 50);
    let _ = write!(
        out,
        "<testcase classname=\"tests.unit.part{folder}.test_module_{module}.TestThings\" name=\"test_number[{n}-value]\" time=\"0.001\""
    );
    if n.is_multiple_of(200) {
        let _ = write!(out, "><failure message=\"assert 1 == 2&#10; +  where 1 = f(1)\">{FAILURE}</failure>");
    } else if output == 0 {
        out.push_str(" />");
        return;
    } else {
        out.push('>');
    }
    if output > 0 {
        out.push_str("<system-out>");
        let line = "INFO     app.module:module.py:42 handled request id=1234 &lt;ok&gt; in 3 ms\n";
        for _ in 0..output / line.len() {
            out.push_str(line);
        }
        out.push_str("</system-out>");
    }
    out.push_str("</testcase>");
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites><testsuite name=\"pytest\" timestamp=\"2026-01-01T00:00:00+00:00\" time=\"9\">";
const TAIL: &str = "</testsuite></testsuites>";

fn junit(path: &Path, output: usize) {
    let mut file = File::create(path).unwrap();
    let mut text = HEAD.to_owned();
    for n in 0..TESTS {
        case(&mut text, n, output);
        if text.len() > 1 << 20 {
            file.write_all(text.as_bytes()).unwrap();
            text.clear();
        }
    }
    text.push_str(TAIL);
    file.write_all(text.as_bytes()).unwrap();
}

fn reportlog(path: &Path) {
    let mut text = "{\"pytest_version\": \"9.0.2\", \"$report_type\": \"SessionStart\"}\n".to_owned();
    for n in 0..TESTS {
        let id = format!(
            "tests/unit/part{}/test_module_{}.py::TestThings::test_number[{n}-value]",
            n / 5000,
            n / 50
        );
        for when in ["setup", "call", "teardown"] {
            let failed = when == "call" && n % 200 == 0;
            let (outcome, longrepr) = if failed {
                (
                    "failed",
                    "\"def test_x():\\n>       assert f(1) == 2\\nE       assert 1 == 2\\n\\ntests/test_x.py:3: AssertionError\"",
                )
            } else {
                ("passed", "null")
            };
            let _ = writeln!(
                text,
                "{{\"nodeid\": \"{id}\", \"location\": [\"tests/unit/test_module.py\", {n}, \"TestThings.test_number[{n}-value]\"], \"keywords\": {{\"test_number[{n}-value]\": 1, \"TestThings\": 1, \"test_module.py\": 1, \"unit\": 1, \"tests\": 1, \"project\": 1, \"\": 1}}, \"outcome\": \"{outcome}\", \"longrepr\": {longrepr}, \"when\": \"{when}\", \"user_properties\": [], \"sections\": [], \"duration\": 0.000123, \"start\": 1795351766.66, \"stop\": 1795351766.67, \"$report_type\": \"TestReport\"}}"
            );
        }
    }
    text.push_str("{\"exitstatus\": 1, \"$report_type\": \"SessionFinish\"}\n");
    std::fs::write(path, text).unwrap();
}

fn cat(path: &Path) -> usize {
    let mut file = File::open(path).unwrap();
    let mut buffer = vec![0; 128 << 10];
    let mut total = 0;
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return total,
            count => total += count,
        }
    }
}

fn bare_xml(path: &Path) -> usize {
    let mut reader =
        quick_xml::Reader::from_reader(BufReader::with_capacity(128 << 10, File::open(path).unwrap()));
    let mut buffer = Vec::new();
    let mut events = 0;
    loop {
        match reader.read_event_into(&mut buffer).unwrap() {
            quick_xml::events::Event::Eof => return events,
            _ => events += 1,
        }
        buffer.clear();
    }
}

fn lines(path: &Path) -> usize {
    let mut reader = BufReader::with_capacity(128 << 10, File::open(path).unwrap());
    let mut line = Vec::new();
    let mut count = 0;
    while reader.read_until(b'\n', &mut line).unwrap() > 0 {
        count += 1;
        line.clear();
    }
    count
}

fn ours(path: &Path) -> usize {
    let run = read_file(path, &ReadOptions::default()).unwrap();
    assert_eq!(run.failures.len(), TESTS / 200);
    assert_eq!(run.counts.passed as usize, TESTS - TESTS / 200);
    run.failures.len()
}

/// A way to read a file.
type Way<'a> = (&'a str, fn(&Path) -> usize);

/// Time that this thread has spent on a processor, which other work on the machine does not add to (Linux).
fn on_cpu() -> Option<Duration> {
    // Reading this one brings the other up to date, which otherwise happens a few hundred times a second.
    let _ = std::fs::read("/proc/self/stat");
    let status = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(Duration::from_nanos(status.split(' ').next()?.parse().ok()?))
}

/// The least time of each of `ways`, taken in turn so that a busy machine treats them alike.
fn race(path: &Path, ways: &[Way<'_>]) {
    let size = std::fs::metadata(path).unwrap().len() as f64 / 1e6;
    let mut best = vec![Duration::MAX; ways.len()];
    for _ in 0..(1000.0 / size).clamp(7.0, 50.0) as usize {
        for (best, (_, way)) in best.iter_mut().zip(ways) {
            let (start, busy) = (Instant::now(), on_cpu());
            std::hint::black_box(way(path));
            let busy = on_cpu().zip(busy).map(|(end, start)| end.saturating_sub(start));
            *best = busy.unwrap_or_else(|| start.elapsed()).min(*best);
        }
    }
    println!("{} ({size:.0} MB)", path.file_name().unwrap().to_string_lossy());
    for (time, (name, _)) in best.iter().zip(ways) {
        let seconds = time.as_secs_f64();
        let ratio = best[1].as_secs_f64() / seconds * 100.0;
        println!(
            "  {name:16} {:8.1} ms {:7.0} MB/s {ratio:5.0} % of {}",
            seconds * 1e3,
            size / seconds,
            ways[1].0
        );
    }
}

/// A JUnit document of about `left` bytes, made while it is read.
struct Endless {
    left: usize,
    next: usize,
    output: usize,
    text: String,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
            if self.left == 0 {
                return Ok(0);
            }
            while self.text.len() < 64 << 10 {
                case(&mut self.text, self.next, self.output);
                self.next += 1;
            }
            self.left = self.left.saturating_sub(self.text.len());
            if self.left == 0 {
                self.text.push_str(TAIL);
            }
        }
        let count = out.len().min(self.text.len() - self.at);
        out[..count].copy_from_slice(&self.text.as_bytes()[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Peak resident memory in MB since the last call with `reset` (Linux).
fn peak(reset: bool) -> f64 {
    if reset {
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn memory(name: &str, output: usize) {
    peak(true);
    let start = Instant::now();
    let input = Endless { left: 1 << 30, next: 1, output, text: HEAD.to_owned(), at: 0 };
    let run = read(input, "generated", None, &ReadOptions::default()).unwrap();
    println!(
        "  1 GB, {name:12} {:9} tests {:6} failures kept: peak {:5.0} MB, {:.1} s with making it",
        run.counts.passed,
        run.failures.len(),
        peak(false),
        start.elapsed().as_secs_f64()
    );
}

fn main() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/bench-reading");
    std::fs::create_dir_all(&folder).unwrap();
    println!("memory");
    memory("text-heavy", 4096);
    memory("tiny cases", 0);
    let xml: &[Way<'_>] = &[("read the bytes", cat), ("bare quick-xml", bare_xml), ("failscope", ours)];
    let tiny = folder.join("tiny.xml");
    junit(&tiny, 0);
    race(&tiny, xml);
    let heavy = folder.join("heavy.xml");
    junit(&heavy, 2048);
    race(&heavy, xml);
    let log = folder.join("reportlog.jsonl");
    reportlog(&log);
    race(&log, &[("read the bytes", cat), ("split lines", lines), ("failscope", ours)]);
}
