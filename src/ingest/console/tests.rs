#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::*;
use crate::evidence::traceback;
use crate::model::{Detail, Exit, FailureKind};

/// Test id, phase, subtest.
type Key = (String, Phase, Option<String>);

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/results").join(path)).unwrap()
}

fn run_of(bytes: &[u8]) -> Run {
    read(bytes, "log", None, &ReadOptions::default()).unwrap()
}

fn key(failure: &Failure) -> Key {
    (failure.test.as_str().to_owned(), failure.phase, failure.subtest.clone())
}

/// What really failed, with the exception's type.
fn truth(suite: &str) -> BTreeMap<Key, String> {
    let rows: Vec<serde_json::Value> =
        serde_json::from_slice(&fixture(&format!("{suite}/truth.json"))).unwrap();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    rows.iter()
        .map(|row| {
            let phase: Phase = serde_json::from_value(row["phase"].clone()).unwrap();
            (
                (text(&row["id"]).unwrap(), phase, described(&row["subtest"])),
                text(&row["exception"]).unwrap_or_default(),
            )
        })
        .collect()
}

/// A subtest as pytest prints it: `[msg] (i=1)`, `(<subtest>)` if it has neither.
fn described(subtest: &serde_json::Value) -> Option<String> {
    let subtest = subtest.as_object()?;
    let message = subtest["msg"].as_str().map(|message| format!("[{message}]"));
    let values = subtest["kwargs"].as_object().unwrap();
    let values: Vec<String> =
        values.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
    let values = (!values.is_empty()).then(|| format!("({})", values.join(", ")));
    let parts: Vec<String> = message.into_iter().chain(values).collect();
    Some(if parts.is_empty() { "(<subtest>)".to_owned() } else { parts.join(" ") })
}

/// The type a failure's text or headline gives.
fn exception(failure: &Failure) -> Option<String> {
    let parsed = traceback::parse(&failure.text).exceptions.pop();
    parsed
        .or_else(|| traceback::parse_headline(&failure.headline))
        .map(|exception| exception.short_type().to_owned())
}

/// Collection errors are raised anew by pytest; what is printed is their cause.
const WRAPPERS: [&str; 2] = ["CollectError", "ConftestImportFailure"];

#[test]
fn every_failure_of_every_style_is_found() {
    let every = ["main", "short", "line", "no", "quiet", "color"];
    let newest = ["long", "native", "qq", "locals", "color-short", "xdist", "xdist-quiet"];
    let rows = every
        .iter()
        .flat_map(|run| [("pytest7/kinds", *run), ("pytest8/kinds", *run), ("pytest9/kinds", *run)])
        .chain(newest.iter().map(|run| ("pytest9/kinds", *run)))
        .chain([("pytest9/ids", "main"), ("pytest9/ids", "xunit1")]);
    for (suite, name) in rows {
        let truth = truth(suite);
        let bytes = fixture(&format!("{suite}/{name}.console.txt"));
        assert!(looks_like(&bytes[..bytes.len().min(4096)]), "{suite} {name}");
        let run = run_of(&bytes);
        let found: BTreeSet<Key> = run.failures.iter().map(key).collect();
        assert_eq!(found, truth.keys().cloned().collect(), "{suite} {name}");
        assert_eq!(run.problems, [], "{suite} {name}");
        assert_eq!(run.exit, if name == "qq" { Exit::Unknown } else { Exit::Code(1) }, "{suite} {name}");
        for failure in &run.failures {
            let expected = &truth[&key(failure)];
            let comparable = !expected.is_empty() && !WRAPPERS.contains(&&**expected);
            let got = exception(failure);
            if name == "no" {
                assert!(failure.detail <= Detail::Message);
                assert!(
                    !comparable || got.as_ref().is_none_or(|got| got == expected),
                    "{suite} {name}: {failure:?}"
                );
                continue;
            }
            let strict = failure.text.starts_with("[XPASS(strict)]");
            let kind = if strict { FailureKind::StrictXpass } else { FailureKind::Exception };
            // `--tb=line` shows of a doctest some of its lines only, and of plain messages nothing.
            let told = name != "line" || failure.detail == Detail::Traceback;
            if told && comparable && kind == FailureKind::Exception {
                assert_eq!(got.as_ref(), Some(expected), "{suite} {name}: {failure:?}");
            }
            if told {
                assert_eq!(failure.kind, kind, "{suite} {name}: {failure:?}");
            }
        }
    }
}

/// Failures without what differs between two readings of the same text.
fn told(run: &Run) -> Vec<(Key, String, String)> {
    run.failures
        .iter()
        .map(|failure| (key(failure), failure.text.to_string(), failure.headline.clone()))
        .collect()
}

/// Puts something in front of a line, given its number.
type Wrap = fn(usize, &str) -> String;

#[test]
fn what_ci_systems_put_in_front_is_taken_off() {
    let plain = String::from_utf8(fixture("pytest9/kinds/short.console.txt")).unwrap();
    let expected = told(&run_of(plain.as_bytes()));
    let wrappers: [(&str, Wrap); 11] = [
        ("GitHub", |n, line| format!("2026-11-22T10:{:02}:00.1234567Z {line}", n / 60 % 60)),
        ("gh run view", |_, line| format!("test (3.11)\tRun tests\t2026-11-22T10:00:00.1234567Z {line}")),
        ("GitLab", |_, line| format!("2026-11-22T10:00:00.123456Z 01O {line}")),
        ("Jenkins", |_, line| format!("[2026-11-22T10:00:00.123Z] {line}")),
        ("Jenkins, time only", |_, line| format!("10:00:59  {line}").replacen("59  ", "59 ", 1)),
        ("time in brackets", |_, line| format!("[10:00:59] {line}")),
        ("compose", |_, line| format!("tests_1  | {line}")),
        ("compose on GitHub", |_, line| format!("2026-11-22T10:00:00.1234567Z tests-1  | {line}")),
        ("docker build", |n, line| format!("#12 {}.{} {line}", n / 10, n % 10)),
        ("Windows line ends", |_, line| format!("{line}\r")),
        ("Buildkite", |n, line| format!("\u{1b}_bk;t=17{n:08}\u{7}{line}")),
    ];
    for (name, wrap) in wrappers {
        let wrapped: Vec<String> = plain.lines().enumerate().map(|(n, line)| wrap(n, line)).collect();
        let wrapped = wrapped.join("\n");
        assert!(looks_like(&wrapped.as_bytes()[..8192]), "{name}");
        assert_eq!(told(&run_of(wrapped.as_bytes())), expected, "{name}");
    }
}

#[test]
fn commands_of_ci_systems_and_other_programs_around_do_not_matter() {
    let plain = String::from_utf8(fixture("pytest9/kinds/main.console.txt")).unwrap();
    let expected = told(&run_of(plain.as_bytes()));
    let around = format!(
        "##[group]Run make test\nmake test\n##[endgroup]\ngcc -c a.c\nsrc/a.c:12: warning: unused\n\
         ::group::pytest\n{plain}::endgroup::\n::error file=a.py,line=1::assert 1\nmake: *** [Makefile:3: test] Error 1\n\
         ##[error]Process completed with exit code 2.\n"
    );
    assert_eq!(told(&run_of(around.as_bytes())), expected);
    let gitlab = format!(
        "section_start:1700000000:step\r\u{1b}[0K\u{1b}[32;1m$ pytest\u{1b}[0;m\n{plain}section_end:1700000001:step\r\u{1b}[0K\n"
    );
    assert_eq!(told(&run_of(gitlab.as_bytes())), expected);
}

#[test]
fn several_sessions_in_one_log() {
    let first = String::from_utf8(fixture("pytest9/kinds/short.console.txt")).unwrap();
    let second = String::from_utf8(fixture("pytest9/ids/main.console.txt")).unwrap();
    let log =
        format!("py310: commands[0]> pytest\n{first}py311: commands[0]> pytest\n{second}  py310: FAIL\n");
    let run = run_of(log.as_bytes());
    let mut expected = told(&run_of(first.as_bytes()));
    expected.extend(told(&run_of(second.as_bytes())));
    assert_eq!(told(&run), expected);
    assert_eq!(run.exit, Exit::Code(1));
    // The same session twice tells of the same failures.
    let twice = run_of(format!("{second}{second}").as_bytes());
    assert_eq!(told(&twice), told(&run_of(second.as_bytes())));
    assert_eq!(twice.counts.failed, 24);
}

#[test]
fn crashes_reruns_internal_errors_and_runs_that_stop() {
    let crash = run_of(&fixture("pytest9/crash/crash.console.txt"));
    let dead: Vec<&Failure> = crash.failures.iter().filter(|f| f.kind == FailureKind::Crash).collect();
    assert_eq!(dead.len(), 1, "{:?}", crash.failures);
    assert!(dead[0].test.as_str().starts_with("test_crash.py::"), "{:?}", dead[0]);
    assert!(dead[0].worker.is_some());

    for version in ["pytest7", "pytest8", "pytest9"] {
        let rerun = run_of(&fixture(&format!("{version}/ids/rerun.console.txt")));
        let never =
            rerun.failures.iter().find(|f| f.test.as_str() == "tests/test_flaky.py::test_never").unwrap();
        assert_eq!(never.reruns, 2, "{version}");
        assert!(rerun.outcomes.contains("tests/test_flaky.py::test_third_time"), "{version}");
        assert!(!rerun.failures.iter().any(|f| f.test.as_str().ends_with("::test_third_time")), "{version}");

        let internal = run_of(&fixture(&format!("{version}/internal/internal.console.txt")));
        let broken = internal.failures.iter().find(|f| f.kind == FailureKind::Internal).unwrap();
        let parsed = traceback::parse(&broken.text).exceptions.pop().unwrap();
        assert_eq!(
            (&*parsed.type_name, &*parsed.message),
            ("RuntimeError", "the reporter broke"),
            "{version}"
        );
        assert!(parsed.frames.last().unwrap().path.ends_with("/conftest.py"));
        assert_eq!(internal.exit, Exit::Code(3));
        assert_eq!(internal.failures.len(), 2, "{version}: {:?}", internal.failures);
    }

    let ids =
        |run: &Run| run.failures.iter().map(|f| (f.test.as_str().to_owned(), f.detail)).collect::<Vec<_>>();
    let interrupted = run_of(&fixture("pytest9/stop/interrupt.console.txt"));
    assert_eq!(interrupted.exit, Exit::Interrupted);
    let named = |detail| {
        vec![
            ("tests/test_stop.py::test_first".to_owned(), detail),
            ("tests/test_stop.py::test_second".to_owned(), detail),
        ]
    };
    assert_eq!(ids(&interrupted), named(Detail::Traceback));
    let killed = run_of(&fixture("pytest9/stop/kill.console.txt"));
    assert_eq!((killed.exit, ids(&killed)), (Exit::Unfinished, named(Detail::Name)));
    assert_eq!((killed.counts.failed, killed.counts.passed), (2, 0));

    let conftest = run_of(&fixture("pytest9/kinds/bad-conftest.console.txt"));
    assert_eq!(ids(&conftest), [("tests_broken/shelved/conftest.py".to_owned(), Detail::Traceback)]);
    assert_eq!(exception(&conftest.failures[0]).as_deref(), Some("AttributeError"));

    let passing = run_of(&fixture("pytest9/kinds/passing.console.txt"));
    assert_eq!((passing.counts.passed, passing.counts.failed, passing.exit), (1, 1, Exit::Code(1)));
    assert_eq!(passing.tools.pytest.as_deref(), Some("9.0.2"));
    assert_eq!(passing.tools.python.as_deref(), Some("3.11.7"));
    assert_eq!(passing.root.as_deref(), Some("/home/dev/kinds"));
    assert_eq!(run_of(&fixture("pytest9/kinds/none.console.txt")).exit, Exit::Code(5));
}

/// Cut at any line, what is whole is kept: where the end is missing with ids from `-v` lines, where the
/// beginning is missing with ids from the summary.
#[test]
fn a_cut_log_keeps_what_is_whole() {
    for name in ["main", "short", "native"] {
        let plain = String::from_utf8(fixture(&format!("pytest9/kinds/{name}.console.txt"))).unwrap();
        let lines: Vec<&str> = plain.lines().collect();
        let whole = told(&run_of(plain.as_bytes()));
        let places: Vec<(&Key, &str, usize)> = whole
            .iter()
            .filter_map(|(key, text, _)| {
                let text_lines: Vec<&str> = text.lines().collect();
                let start = lines.windows(text_lines.len()).position(|window| window == text_lines)?;
                (text_lines.len() > 3).then_some((key, &**text, start))
            })
            .collect();
        assert!(places.len() > 60, "{name}: {}", places.len());
        let step = lines.len() / 20;
        for cut in (1..lines.len()).step_by(step) {
            let head = lines[..cut].join("\n");
            let tail = lines[cut..].join("\n");
            let (head_run, tail_run) =
                (read(head.as_bytes(), "head", None, &ReadOptions::default()), run_of(tail.as_bytes()));
            for &(key, text, start) in &places {
                let end = start + text.lines().count();
                let has = |run: &Run| run.failures.iter().any(|f| *f.text == *text && f.phase == key.1);
                if end < cut {
                    assert!(has(head_run.as_ref().unwrap()), "{name}: {key:?} in the first {cut} lines");
                }
                if start > cut + 1 {
                    let found = tail_run.failures.iter().any(|f| self::key(f) == *key && *f.text == *text);
                    assert!(found, "{name}: {key:?} after line {cut}");
                }
            }
        }
    }
}

#[test]
fn ids_are_put_together_when_nothing_names_them() {
    let plain = String::from_utf8(fixture("pytest9/kinds/short.console.txt")).unwrap();
    let start = plain.find("=================================== FAILURES").unwrap();
    let end = plain.find("=========================== short test summary").unwrap();
    let run = run_of(&plain.as_bytes()[start..end]);
    let truth = truth("pytest9/kinds");
    let found: BTreeSet<Key> = run.failures.iter().map(key).collect();
    let calls: BTreeSet<Key> = truth.keys().filter(|key| key.1 == Phase::Call).cloned().collect();
    let missing: Vec<&Key> = calls
        .iter()
        .filter(|call| !found.iter().any(|found| found.0.ends_with(&call.0) && found.2 == call.2))
        .collect();
    // Texts without a traceback name no file.
    assert!(
        missing.iter().all(|key| ["test_fail_without_trace", "test_strict_xpass", "test_discounts", "setUp"]
            .iter()
            .any(|name| key.0.contains(name))),
        "{missing:?}"
    );
    assert_eq!(run.exit, Exit::Unknown);
}

#[test]
fn captured_pytest_output_is_not_taken_for_the_run() {
    let inner = "=".repeat(29)
        + " test session starts "
        + &"=".repeat(30)
        + "\ncollected 1 item\n\n"
        + &"=".repeat(35)
        + " FAILURES "
        + &"=".repeat(35)
        + "\n"
        + &"_".repeat(34)
        + " test_inner "
        + &"_".repeat(34)
        + "\n\n>   assert 0\nE   assert 0\n\ntest_x.py:1: AssertionError\n"
        + &"=".repeat(30)
        + " 1 failed in 0.01s "
        + &"=".repeat(31)
        + "\n";
    let outer = "=".repeat(29)
        + " test session starts "
        + &"=".repeat(30)
        + "\ncollected 2 items\n\n"
        + &"=".repeat(35)
        + " FAILURES "
        + &"=".repeat(35)
        + "\n"
        + &"_".repeat(34)
        + " test_outer "
        + &"_".repeat(34)
        + "\na.py:1: in test_outer\n    assert 1\nE   assert 1\n"
        + &"-".repeat(29)
        + " Captured stdout call "
        + &"-".repeat(29)
        + "\n"
        + &inner
        + &"_".repeat(34)
        + " test_other "
        + &"_".repeat(34)
        + "\na.py:2: in test_other\n    assert 2\nE   assert 2\n"
        + &"=".repeat(30)
        + " 2 failed in 0.02s "
        + &"=".repeat(31)
        + "\n";
    let run = run_of(outer.as_bytes());
    let ids: Vec<&str> = run.failures.iter().map(|f| f.test.as_str()).collect();
    assert_eq!(ids, ["a.py::test_outer", "a.py::test_other"]);
    assert!(run.failures[0].sections[0].text.contains("test_inner"));
    assert_eq!(run.counts.failed, 2);
}

#[test]
fn other_text_is_not_pytest_output() {
    for text in [
        "",
        "hello\n",
        "a,b,c\n1,2,3\n",
        "==== title ====\n",
        "gcc -c a.c\nerror: x\n",
        "___ a ___\n",
        "FAILED to connect\nERROR something\n",
        "PASSED\n",
        "1 failed in 3 tries\n",
    ] {
        assert!(!looks_like(text.as_bytes()), "{text}");
        assert!(
            matches!(
                read(text.as_bytes(), "x", None, &ReadOptions::default()),
                Err(IngestError::Unknown { .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn pytest_that_dies_before_its_session() {
    // As pytest 9.2 prints them, with fewer frames.
    let hook = "Traceback (most recent call last):\n  File \"<frozen runpy>\", line 198, in _run_module_as_main\n  File \"/v/lib/python3.11/site-packages/pytest/__main__.py\", line 9, in <module>\n    raise SystemExit(_console_main())\n                     ^^^^^^^^^^^^^^^\n  File \"/w/conftest.py\", line 5, in pytest_addoption\n    parser.addoption(\"--env\")\n  File \"/v/lib/python3.11/site-packages/_pytest/config/argparsing.py\", line 458, in addoption\n    raise ValueError(f\"option names {conflict} already added\")\nValueError: option names {'--env'} already added\n\nError: Process completed with exit code 1.\n";
    let plugin = "Traceback (most recent call last):\n  File \"/v/bin/pytest\", line 8, in <module>\n    sys.exit(console_main())\npluggy._manager.PluginValidationError: Plugin '/w/conftest.py' for hook 'pytest_configure'\nhookimpl definition: pytest_configure(config, nonsense)\nArgument(s) {'nonsense'} are declared in the hookimpl but can not be found in the hookspec\n";
    let usage = "ERROR: usage: python -m pytest [options] [file_or_dir] [file_or_dir] [...]\npython -m pytest: error: unrecognized arguments: --cov=src\n  inifile: /w/pytest.ini\n  rootdir: /w\n\n";
    for (text, exit, last) in [
        (hook, Exit::Unknown, "ValueError: option names {'--env'} already added"),
        (
            plugin,
            Exit::Unknown,
            "Argument(s) {'nonsense'} are declared in the hookimpl but can not be found in the hookspec",
        ),
        (usage, Exit::Code(4), "UsageError: unrecognized arguments: --cov=src"),
        (
            "ERROR: Error importing plugin \"tests.fixtures_db\": No module named 'tests'\n\n",
            Exit::Code(4),
            "UsageError: Error importing plugin \"tests.fixtures_db\": No module named 'tests'",
        ),
    ] {
        let run = run_of(text.as_bytes());
        let [failure] = &run.failures[..] else { panic!("{text}: {:?}", run.failures) };
        assert_eq!((failure.kind, failure.phase), (FailureKind::Internal, Phase::Collect), "{text}");
        assert_eq!(failure.text.lines().last(), Some(last), "{text}");
        assert!(run.exit == exit || run.exit == Exit::Code(3), "{text} {:?}", run.exit);
    }
    // A program's own traceback is not pytest's.
    let other = "Traceback (most recent call last):\n  File \"/w/manage.py\", line 8, in <module>\n    main()\nValueError: x\n";
    assert!(matches!(
        read(other.as_bytes(), "x", None, &ReadOptions::default()),
        Err(IngestError::Unknown { .. })
    ));
}

#[test]
fn long_texts_lose_their_middle_and_long_lists_their_end() {
    let plain = fixture("pytest9/kinds/native.console.txt");
    let options = ReadOptions { max_text: 1024, max_failures: 20, ..ReadOptions::default() };
    let run = read(&plain[..], "log", None, &options).unwrap();
    assert_eq!(run.failures.len(), 20);
    assert!(run.failures.iter().all(|f| f.text.len() <= 3 * 1024));
    assert!(run.problems.iter().any(|p| p.message.contains("left out of its middle") && p.offset.is_some()));
    assert!(run.problems.iter().any(|p| p.message.contains("further failures")));
}

/// A reader that fails after its text.
struct Torn<'a>(&'a [u8]);

impl Read for Torn<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer) {
            Ok(0) => Err(std::io::Error::other("the disk is gone")),
            read => read,
        }
    }
}

#[test]
fn what_was_read_before_an_error_counts() {
    let plain = fixture("pytest9/kinds/short.console.txt");
    let run = read(Torn(&plain), "log", None, &ReadOptions::default()).unwrap();
    assert_eq!(told(&run), told(&run_of(&plain)));
    assert!(run.problems[0].message.contains("the disk is gone"), "{:?}", run.problems);
    assert!(matches!(read(Torn(b""), "log", None, &ReadOptions::default()), Err(IngestError::Io { .. })));
}

proptest::proptest! {
    /// Pieces of real output in any order, with bytes of any kind between them.
    #[test]
    fn any_mixture_of_lines_is_read(picks in proptest::collection::vec((0..3_000_usize, 0..12_usize, "\\PC{0,20}"), 0..60)) {
        let plain = String::from_utf8(fixture("pytest9/ids/main.console.txt")).unwrap()
            + &String::from_utf8(fixture("pytest8/crash/crash.console.txt")).unwrap()
            + &String::from_utf8(fixture("pytest9/kinds/line.console.txt")).unwrap();
        let lines: Vec<&str> = plain.lines().collect();
        let mut log = Vec::new();
        for (at, count, noise) in picks {
            let from = at % lines.len();
            for line in &lines[from..(from + count).min(lines.len())] {
                log.extend_from_slice(line.as_bytes());
                log.push(b'\n');
            }
            log.extend_from_slice(noise.as_bytes());
            log.extend_from_slice(&[b'\r', 0xff, 0, 0x1b]);
        }
        let _ = looks_like(&log);
        if let Ok(run) = read(&log[..], "log", None, &ReadOptions { max_text: 1000, ..ReadOptions::default() }) {
            for failure in &run.failures {
                let _ = traceback::parse(&failure.text);
            }
        }
    }
}

/// Logs on which a reader that looks back for every line would never end.
#[test]
fn hostile_logs_end() {
    let start = String::from_utf8(fixture("pytest9/kinds/passing.console.txt")).unwrap();
    let failures = format!("{} FAILURES {}\n", "=".repeat(35), "=".repeat(35));
    let summary = format!("{} short test summary info {}\n", "=".repeat(27), "=".repeat(28));
    let lines = [
        "FAILED a.py::b[x - y - z - [ - ] - (\n",
        "SUBFAILED[a] (b) [c] ) ] a.py::b\n",
        "__ a b\n",
        "E   x\n",
        "a.py::b[\n",
        "a.py::b FAILED\n",
        "[gw0] [ 50%] FAILED a.py::b\n",
        "\u{1b}[",
        "\u{1b}]8;;",
        "\r",
        "- ",
        "a.py:1: in b\n",
        "a.py:1: x\n",
        "INTERNALERROR> x\n",
        "a.py F\n",
        "____ t ____\n",
        "---- Captured stdout call ----\n",
        "ImportError while loading conftest 'a'.\n",
        "ERROR: x\n",
    ];
    for line in lines {
        for head in [&start, &failures, &summary] {
            let log = format!("{head}{}", line.repeat(5_000));
            let _ = read(log.as_bytes(), "log", None, &ReadOptions::default());
        }
    }
}
