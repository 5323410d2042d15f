//! Every reader finds every failure of the captured runs, no more and no fewer.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use failscope::ingest::merge::merge;
use failscope::ingest::{FileProbe, ReadOptions, read_file};
use failscope::model::{Counts, Exit, FailureKind, Phase, Run};

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn results(file: &str) -> PathBuf {
    fixtures().join("results").join(file)
}

/// Options that know the files of a suite.
fn options(suite: &str) -> ReadOptions {
    let files = FileProbe::under(&fixtures().join("suites").join(suite));
    ReadOptions { files: Some(files), ..ReadOptions::default() }
}

fn run(file: &str, options: &ReadOptions) -> Run {
    let run = read_file(&results(file), options).unwrap();
    assert_eq!(run.problems, [], "{file}");
    run
}

/// One thing that failed, as `truth.json` tells it.
#[derive(Debug, serde::Deserialize)]
struct Truth {
    id: String,
    phase: Phase,
    subtest: Option<Subtest>,
    exception: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
struct Subtest {
    msg: Option<String>,
    kwargs: BTreeMap<String, String>,
}

fn truth(folder: &str) -> Vec<Truth> {
    let text = std::fs::read_to_string(results(folder).join("truth.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

type Tally = BTreeMap<(String, Phase), usize>;

fn tally<T>(failures: &[T], key: impl Fn(&T) -> (String, Phase)) -> Tally {
    let mut tally = Tally::new();
    for failure in failures {
        *tally.entry(key(failure)).or_default() += 1;
    }
    tally
}

fn found(run: &Run) -> Tally {
    tally(&run.failures, |f| (f.test.as_str().to_owned(), f.phase))
}

fn difference(found: &Tally, expected: &Tally) -> String {
    let mut out = String::new();
    for key in found.keys().chain(expected.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (a, b) = (found.get(key).unwrap_or(&0), expected.get(key).unwrap_or(&0));
        if a != b {
            let _ = write!(out, "\n{key:?}: found {a}, expected {b}");
        }
    }
    out
}

const VERSIONS: [&str; 3] = ["pytest7", "pytest8", "pytest9"];

#[test]
fn junit_and_reportlog_tell_every_failure() {
    let mut cases: Vec<(String, String)> = Vec::new();
    for version in VERSIONS {
        for file in ["main.xml", "xunit1.xml", "main.reportlog.jsonl"] {
            cases.push((format!("{version}/kinds"), file.to_owned()));
        }
    }
    for file in
        ["legacy.xml", "native-junit.xml", "native-junit.reportlog.jsonl", "short-junit.xml", "xdist.xml"]
    {
        cases.push(("pytest9/kinds".to_owned(), file.to_owned()));
    }
    for file in ["main.xml", "xunit1.xml", "main.reportlog.jsonl", "main.json-report.json", "main.ctrf.json"]
    {
        cases.push(("pytest9/ids".to_owned(), file.to_owned()));
    }
    for (folder, file) in cases {
        let truth = truth(&folder);
        let expected = tally(&truth, |t| (t.id.clone(), t.phase));
        let suite = folder.rsplit('/').next().unwrap();
        let run = run(&format!("{folder}/{file}"), &options(suite));
        let found = found(&run);
        assert!(found == expected, "{folder}/{file}:{}", difference(&found, &expected));
    }
}

/// What a format cannot tell, as (id, phase) that the truth has and the format lacks.
fn untold(folder: &str, file: &str) -> Vec<(String, Phase, usize)> {
    let path = results(folder).join(file);
    let is = |kind: &str| path.to_string_lossy().ends_with(kind);
    let mut untold = Vec::new();
    let mut add = |id: &str, phase, count| untold.push((id.to_owned(), phase, count));
    let discounts = "tests/test_subtests.py::test_discounts";
    let unnamed = "tests/test_subtests.py::test_unnamed";
    let unittest = "tests/unit/test_pricing.py::PriceCase::test_many_discounts";
    // Both keep one report of a test: the last (json-report) or the first (CTRF).
    if is(".json-report.json") || is(".ctrf.json") {
        add(discounts, Phase::Call, if folder.starts_with("pytest9") { 2 } else { 1 });
        add(unnamed, Phase::Call, 2);
    }
    // pytest-subtests of pytest 7 is understood by json-report, later ones are not.
    if is(".json-report.json") && !folder.starts_with("pytest7") {
        add(unittest, Phase::Call, 1);
    }
    if is(".ctrf.json") {
        for t in truth(folder) {
            if t.phase == Phase::Collect {
                add(&t.id, Phase::Collect, 1);
            }
        }
        add("tests/test_fixtures.py::test_call_and_teardown", Phase::Teardown, 1);
        add("tests/test_fixtures.py::test_ledger_missing_file", Phase::Teardown, 1);
    }
    untold
}

#[test]
fn json_formats_tell_all_that_they_hold() {
    for version in VERSIONS {
        for file in ["main.json-report.json", "main.ctrf.json"] {
            let folder = format!("{version}/kinds");
            let mut expected = tally(&truth(&folder), |t| (t.id.clone(), t.phase));
            for (id, phase, count) in untold(&folder, file) {
                let left = expected.get_mut(&(id.clone(), phase)).unwrap_or_else(|| panic!("{id}"));
                *left -= count;
            }
            expected.retain(|_, count| *count > 0);
            let found = found(&run(&format!("{folder}/{file}"), &options("kinds")));
            assert!(found == expected, "{folder}/{file}:{}", difference(&found, &expected));
        }
    }
}

#[test]
fn lastfailed_tells_names() {
    for version in VERSIONS {
        let folder = format!("{version}/kinds");
        let run = run(&format!("{folder}/main.lastfailed"), &ReadOptions::default());
        // pytest does not list a test of which nothing but subtests failed.
        let own = truth(&folder).into_iter().filter(|t| t.subtest.is_none());
        let mut expected: Vec<String> = own.map(|t| t.id).collect();
        expected.sort();
        expected.dedup();
        let mut found: Vec<String> = run.failures.iter().map(|f| f.test.to_string()).collect();
        found.sort();
        assert_eq!(found, expected, "{version}");
        let collect = run.failures.iter().filter(|f| f.phase == Phase::Collect).count();
        assert!(collect >= 6, "{version}: {collect}");
    }
}

#[test]
fn headlines_name_the_exception() {
    for version in VERSIONS {
        let folder = format!("{version}/kinds");
        let truth = truth(&folder);
        for file in ["main.xml", "main.reportlog.jsonl", "main.json-report.json"] {
            let run = run(&format!("{folder}/{file}"), &options("kinds"));
            for failure in &run.failures {
                // What pytest's own reports are named by, or what is not an exception.
                let expected: Vec<&str> = truth
                    .iter()
                    .filter(|t| t.id == failure.test.as_str() && t.phase == failure.phase)
                    .filter_map(|t| t.exception.as_deref())
                    .filter(|name| {
                        ![
                            "AssertionError",
                            "Failed",
                            "CollectError",
                            "ConftestImportFailure",
                            "FixtureLookupError",
                        ]
                        .contains(name)
                    })
                    .filter(|name| *name != "DocTestFailure")
                    .collect();
                if let [only] = expected.as_slice()
                    && failure.kind == FailureKind::Exception
                    && !failure.headline.starts_with("contains ")
                {
                    assert!(failure.headline.contains(only), "{file} {}: {}", failure.test, failure.headline);
                }
            }
        }
    }
}

#[test]
fn one_failure_reads_the_same_from_every_format() {
    let junit = run("pytest9/kinds/main.xml", &options("kinds"));
    let others = ["main.reportlog.jsonl", "main.json-report.json"];
    for file in others {
        let other = run(&format!("pytest9/kinds/{file}"), &options("kinds"));
        let mut same = 0;
        for failure in &other.failures {
            let twins: Vec<_> = junit
                .failures
                .iter()
                .filter(|f| f.test == failure.test && f.phase == failure.phase)
                .collect();
            if let [twin] = twins.as_slice()
                && !failure.text.contains("\\x00")
                && failure.detail == twin.detail
            {
                same += 1;
                assert_eq!(failure.text.trim(), twin.text.trim(), "{file}: {}", failure.test);
                assert_eq!(failure.kind, twin.kind, "{file}: {}", failure.test);
            }
        }
        assert!(same > 90, "{file}: {same}");
    }
    // And in the styles that are laid out otherwise.
    for (xml, log) in
        [("native-junit.xml", "native-junit.reportlog.jsonl"), ("collect.xml", "collect.reportlog.jsonl")]
    {
        let xml = run(&format!("pytest9/kinds/{xml}"), &options("kinds"));
        let log = run(&format!("pytest9/kinds/{log}"), &options("kinds"));
        assert_eq!(xml.failures.len(), log.failures.len());
        for (a, b) in xml.failures.iter().zip(&log.failures).filter(|(a, _)| !a.text.contains("\\x00")) {
            assert_eq!((&a.test, a.text.trim()), (&b.test, b.text.trim()));
        }
    }
}

#[test]
fn subtests_are_named_as_pytest_names_them() {
    for version in VERSIONS {
        let run = run(&format!("{version}/kinds/main.reportlog.jsonl"), &ReadOptions::default());
        let found: Vec<&str> = run.failures.iter().filter_map(|f| f.subtest.as_deref()).collect();
        let expected: Vec<String> = truth(&format!("{version}/kinds"))
            .into_iter()
            .filter_map(|t| t.subtest)
            .map(|s| {
                let values: Vec<String> = s.kwargs.iter().map(|(k, v)| format!("{k}={v}")).collect();
                match (s.msg, values.is_empty()) {
                    (None, true) => "(<subtest>)".to_owned(),
                    (None, false) => format!("({})", values.join(", ")),
                    (Some(msg), true) => format!("[{msg}]"),
                    (Some(msg), false) => format!("[{msg}] ({})", values.join(", ")),
                }
            })
            .collect();
        assert_eq!(found, expected, "{version}");
    }
}

/// JUnit does not name subtests; where the traceback shows the `with` that began one, its name is known all the same.
#[test]
fn junit_names_the_subtests_that_its_tracebacks_show() {
    for version in VERSIONS {
        let named = |file: &str| {
            let run = run(&format!("{version}/kinds/{file}"), &options("kinds"));
            let own = run
                .failures
                .into_iter()
                .filter(|f| f.test.as_str() == "tests/test_subtests.py::test_unnamed");
            let mut names: Vec<Option<String>> = own.map(|f| f.subtest).collect();
            names.sort();
            names
        };
        let expected = named("main.reportlog.jsonl");
        assert_eq!(expected.len(), 3, "{version}");
        assert_eq!(named("main.xml"), expected, "{version}");
    }
}

/// Another reader of JUnit, which takes one failure for each test: others of the same test become tests of their own.
fn oracle(xml: &str) -> Vec<String> {
    let mut single = String::new();
    let mut failed = false;
    for (index, piece) in xml.split('<').enumerate() {
        if piece.starts_with("testcase ") {
            failed = false;
        } else if ["failure ", "error ", "skipped "].iter().any(|tag| piece.starts_with(tag))
            && std::mem::replace(&mut failed, true)
        {
            single.push_str("</testcase><testcase name=\"another\">");
        }
        if index > 0 {
            single.push('<');
        }
        // A time without a zone, as pytest 7 writes it, would not be taken.
        let mut piece =
            piece.replacen(" timestamp=", " began=", usize::from(piece.starts_with("testsuite ")));
        // A test that a worker died in may have no name.
        if piece.starts_with("testcase ") && !piece.contains(" name=") {
            piece.insert_str("testcase".len(), " name=\"\"");
        }
        single.push_str(&piece);
    }
    let report = quick_junit::Report::deserialize_from_str(&single).unwrap();
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    let texts = cases.filter_map(|case| match &case.status {
        quick_junit::TestCaseStatus::NonSuccess { message, description, .. } => {
            let text = description.as_ref().or(message.as_ref()).map_or("", |text| text.as_str());
            Some(text.trim().to_owned())
        }
        _ => None,
    });
    texts.collect()
}

/// The captured JUnit files, with the suite that each is of.
fn captured_junit() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for version in VERSIONS {
        for suite in std::fs::read_dir(results(version)).unwrap() {
            let suite = suite.unwrap();
            let name = suite.file_name().into_string().unwrap();
            for file in std::fs::read_dir(suite.path()).unwrap() {
                let file = file.unwrap().file_name().into_string().unwrap();
                if file.rsplit_once('.').is_some_and(|(_, ending)| ending == "xml") {
                    files.push((format!("{version}/{name}/{file}"), name.clone()));
                }
            }
        }
    }
    files.sort();
    files
}

#[test]
fn another_reader_of_junit_finds_the_same_texts() {
    let files = captured_junit();
    assert!(files.len() >= 30, "{}", files.len());
    let mut wrong = String::new();
    for (file, suite) in files {
        let xml = std::fs::read_to_string(results(&file)).unwrap();
        let mut expected = oracle(&xml);
        let mut found: Vec<String> =
            run(&file, &options(&suite)).failures.iter().map(|f| f.text.trim().to_owned()).collect();
        // Characters that pytest spells out, as if XML could not hold them, are read as themselves.
        let spelt = |text: &str| {
            text.contains("#x") || text.contains(r"\x1b") || text.chars().any(|c| c > '\u{ffff}')
        };
        for texts in [&mut expected, &mut found] {
            texts.retain(|text| !spelt(text));
            texts.sort();
            // Each worker collects, and tells the same errors.
            if file.ends_with("xdist.xml") {
                texts.dedup();
            }
        }
        // Of these runs nothing failed.
        let none = ["none.xml", "doctest.xml"].iter().any(|name| file.ends_with(name));
        if expected.is_empty() != none || found != expected {
            let _ = writeln!(wrong, "{file}:\n found {found:#?}\n expected {expected:#?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn captured_output_is_kept_in_sections() {
    for (file, names) in [
        ("main.xml", ["Captured log", "Captured stdout", "Captured stderr"]),
        ("main.reportlog.jsonl", ["Captured stdout call", "Captured stderr call", "Captured log call"]),
        ("main.json-report.json", ["Captured stdout call", "Captured stderr call", "Captured log call"]),
    ] {
        for version in VERSIONS {
            let run = run(&format!("{version}/kinds/{file}"), &options("kinds"));
            let failure = run
                .failures
                .iter()
                .find(|f| f.test.as_str().ends_with("::test_captured_everywhere"))
                .unwrap();
            let sections: Vec<&str> = failure.sections.iter().map(|s| s.name.as_str()).collect();
            assert_eq!(sections, names, "{version}/{file}");
            let texts: String = failure.sections.iter().map(|s| s.text.as_str()).collect();
            for text in ["on stdout: 50 % <done> & more", "on stderr", "logged at the end"] {
                assert!(texts.contains(text), "{version}/{file}: {texts}");
            }
        }
    }
}

#[test]
fn tests_that_did_not_fail_are_counted() {
    let plain = Counts { passed: 7, failed: 86, errors: 22, skipped: 1, xfailed: 1, xpassed: 1, reruns: 0 };
    // JUnit does not tell an xpass that is allowed from a pass; json-report not that subtests failed.
    let junit = Counts { passed: 8, xpassed: 0, ..plain };
    for (file, expected) in [("main.xml", junit), ("main.reportlog.jsonl", plain)] {
        assert_eq!(run(&format!("pytest9/kinds/{file}"), &options("kinds")).counts, expected, "{file}");
    }
}

#[test]
fn runs_that_end_early_and_tests_that_are_run_again() {
    use Exit::{Code, Interrupted, Unfinished, Unknown};
    use FailureKind::{Crash, Exception, Internal};
    use Phase::{Call, Setup};
    type Expected<'a> = &'a [(&'a str, Phase, FailureKind, u32)];
    let crash: Expected<'_> = &[
        ("test_crash.py::test_after", Call, Exception, 0),
        ("test_crash.py::test_before[4]", Call, Exception, 0),
        ("test_crash.py::test_dies", Call, Crash, 0),
    ];
    let stop: Expected<'_> = &[
        ("tests/test_stop.py::test_first", Call, Exception, 0),
        ("tests/test_stop.py::test_second", Call, Exception, 0),
    ];
    let flaky = |reruns: u32| {
        [
            ("tests/test_flaky.py::test_never", Call, Exception, reruns),
            ("tests/test_flaky.py::test_setup_never", Setup, Exception, reruns),
        ]
    };
    let cases: &[(&str, Exit, Expected<'_>)] = &[
        ("pytest9/crash/crash.xml", Unknown, crash),
        ("pytest9/crash/crash.reportlog.jsonl", Code(1), crash),
        ("pytest9/crash/crash.json-report.json", Code(1), crash),
        ("pytest9/crash/crash.ctrf.json", Unknown, crash),
        ("pytest9/stop/interrupt.xml", Interrupted, stop),
        ("pytest9/stop/interrupt.reportlog.jsonl", Interrupted, stop),
        ("pytest9/stop/interrupt.json-report.json", Interrupted, stop),
        ("pytest9/stop/exit.reportlog.jsonl", Code(7), stop),
        ("pytest9/stop/kill.reportlog.jsonl", Unfinished, stop),
        ("pytest9/ids/rerun.xml", Unknown, &flaky(0)),
        ("pytest9/ids/rerun.reportlog.jsonl", Code(1), &flaky(2)),
        ("pytest9/ids/rerun.json-report.json", Code(1), &flaky(0)),
        ("pytest9/ids/rerun.ctrf.json", Unknown, &flaky(2)),
        ("pytest9/kinds/none.xml", Unknown, &[]),
        ("pytest9/kinds/none.reportlog.jsonl", Code(5), &[]),
        ("pytest9/kinds/doctest.xml", Unknown, &[]),
        (
            "pytest9/internal/internal.xml",
            Unknown,
            &[("INTERNALERROR", Call, Internal, 0), ("test_internal.py::test_one", Call, Exception, 0)],
        ),
    ];
    for (file, exit, expected) in cases {
        let run = read_file(&results(file), &ReadOptions::default()).unwrap();
        let mut found: Vec<_> =
            run.failures.iter().map(|f| (f.test.as_str(), f.phase, f.kind, f.reruns)).collect();
        found.sort_by_key(|f| f.0);
        assert_eq!(&found, expected, "{file}");
        assert_eq!(run.exit, *exit, "{file}");
        assert_eq!(run.problems.len(), usize::from(*exit == Unfinished), "{file}: {:?}", run.problems);
    }
    let crashed = read_file(&results("pytest9/crash/crash.xml"), &ReadOptions::default()).unwrap();
    let workers: Vec<_> = crashed.failures.iter().filter_map(|f| f.worker.as_deref()).collect();
    assert_eq!(workers, ["gw0"]);
}

#[test]
fn all_tellings_of_one_run_merge_to_the_truth() {
    for version in VERSIONS {
        let folder = format!("{version}/kinds");
        let files = [
            "main.lastfailed",
            "main.ctrf.json",
            "main.xml",
            "main.json-report.json",
            "main.reportlog.jsonl",
        ];
        let expected = tally(&truth(&folder), |t| (t.id.clone(), t.phase));
        let read: Vec<Run> =
            files.iter().map(|file| run(&format!("{folder}/{file}"), &options("kinds"))).collect();
        for turn in 0..files.len() {
            let mut runs = read.clone();
            runs.rotate_left(turn);
            // The times of a checkout's files say nothing: those that date themselves by them are dated anew.
            let end =
                runs.iter().find(|r| r.sources[0].format.name() == "pytest-json-report").unwrap().sources[0]
                    .time;
            for run in &mut runs {
                if matches!(run.sources[0].format.name(), "pytest cache" | "JUnit XML") {
                    run.sources[0].time = end;
                }
            }
            let merged = merge(runs);
            let found = found(&merged);
            assert!(found == expected, "{folder}:{}", difference(&found, &expected));
            assert_eq!(merged.sources.len(), files.len());
        }
    }
}
