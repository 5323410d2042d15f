//! Many processes write at once and some are killed: every run that was committed is there, and the store is whole.
//!
//! In the ordinary tests a few seconds' worth; `FAILSCOPE_TEST_LONG=1 cargo test --release --test history
//! concurrency` goes on for a minute.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::suite::Suite;

/// Processes that write at once.
pub const WRITERS: usize = 8;

/// Starts `failscope analyze` on a file of its own for run `number`.
fn start(suite: &Suite, number: u32) -> Child {
    let name = format!("runs/{number}.xml");
    suite.junit(&name, number, &format!("+a -b +only_{number}"));
    let program = assert_cmd::cargo::cargo_bin("failscope");
    let mut command = std::process::Command::new(program);
    command.current_dir(suite.path("")).env_clear().env("HOSTNAME", "here");
    if let Some(history) = &suite.history {
        command.env("FAILSCOPE_HISTORY", history);
    }
    // Each with reports of its own: they are not what is tested here.
    let output = format!("out/{number}");
    command.args(["analyze", &name, "--output", &output]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Keeps [`WRITERS`] processes writing for `time`, and at least until `least` runs have been tried; kills every third
/// at some moment of its life. Gives the numbers of the runs whose process ended by itself.
pub fn write_and_kill(suite: &Suite, time: Duration, least: u32) -> (BTreeSet<u32>, u32) {
    let begun = Instant::now();
    let mut next = 1;
    let mut committed = BTreeSet::new();
    while begun.elapsed() < time || next <= least {
        let mut batch: Vec<(u32, Child)> =
            (0..WRITERS as u32).map(|at| (next + at, start(suite, next + at))).collect();
        next += WRITERS as u32;
        for (number, child) in &mut batch {
            if *number % 3 == 0 {
                // At another moment each time: after that many of the others have ended.
                let _ = child.try_wait();
                for _ in 0..(*number * 7919 % 400) {
                    std::thread::yield_now();
                }
                let _ = child.kill();
            }
        }
        for (number, child) in batch {
            let output = child.wait_with_output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            if output.status.code() == Some(1) {
                assert_eq!(error, "", "run {number}");
                committed.insert(number);
            } else {
                assert_eq!(number % 3, 0, "run {number}: {error}");
            }
        }
    }
    (committed, next - 1)
}

/// That the history holds every run of `committed`, each once, and no run that was not tried.
pub fn all_are_there(suite: &Suite, committed: &BTreeSet<u32>, tried: u32) {
    let report = suite.stability();
    let names: BTreeSet<&str> =
        report["tests"].as_array().unwrap().iter().map(|test| test["test_name"].as_str().unwrap()).collect();
    for number in committed {
        assert!(names.contains(format!("tests/test_a.py::only_{number}").as_str()), "run {number} is lost");
    }
    assert!(names.len() as u32 <= tried + 2);
    for test in report["tests"].as_array().unwrap() {
        if test["test_name"].as_str().unwrap().contains("only_") {
            assert_eq!(test["recent"], "P", "{test}");
        }
    }
}

/// How long to go on.
pub fn time() -> Duration {
    if std::env::var_os("FAILSCOPE_TEST_LONG").is_some() { Duration::from_mins(1) } else { Duration::ZERO }
}

#[test]
fn nothing_is_lost_in_sqlite() {
    let mut suite = Suite::new();
    let path = suite.path("runs.db");
    suite.history = Some(path.display().to_string());
    let (committed, tried) = write_and_kill(&suite, time(), 40);
    assert!(!committed.is_empty() && (committed.len() as u32) < tried, "{committed:?} of {tried}");
    all_are_there(&suite, &committed, tried);
}
