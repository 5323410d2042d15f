//! Every reader finds every failure of the captured runs, no more and no fewer.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use failscope::ingest::{FileProbe, ReadOptions, read_file};
use failscope::model::{Phase, Run};

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
            out.push_str(&format!("\n{key:?}: found {a}, expected {b}"));
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
