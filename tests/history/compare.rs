//! Comparing with a branch, and between which commits a test broke.

use std::path::Path;
use std::process::Command;

use failscope::history::life;
use failscope::history::store::Store;
use failscope::history::target::Target;

use crate::suite::Suite;

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
        .args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A JUnit file of a run that began now: after what was last committed.
fn run_now(suite: &Suite, tests: &str) {
    let path = suite.junit("junit.xml", 1, tests);
    let text = std::fs::read_to_string(&path).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64() + 1.0;
    let stamp = failscope::report::time::rfc3339(now).replace('Z', "+00:00");
    let from = text.find("timestamp=\"").unwrap() + 11;
    let to = from + text[from..].find('"').unwrap();
    // Durations that no other run has.
    let mut text = format!("{}{stamp}{}", &text[..from], &text[to..]);
    text = text.replace("time=\"9.0\"", &format!("time=\"{}\"", 1.0 + now % 1.0));
    std::fs::write(&path, text).unwrap();
    let output = suite.failscope(&["analyze", "junit.xml"]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_branch_is_something_to_compare_with() {
    let suite = Suite::new();
    let top = suite.path("");
    git(&top, &["init", "-q", "-b", "main", "."]);
    std::fs::write(suite.path("a.py"), "x = 1\n").unwrap();
    git(&top, &["add", "a.py", "pyproject.toml"]);
    git(&top, &["commit", "-q", "-m", "one"]);
    let good = git(&top, &["rev-parse", "HEAD"]);
    run_now(&suite, "+broken -mended -old");
    git(&top, &["checkout", "-q", "-b", "topic"]);
    std::fs::write(suite.path("a.py"), "x = 2\n").unwrap();
    git(&top, &["commit", "-q", "-a", "-m", "two"]);
    let bad = git(&top, &["rev-parse", "HEAD"]);
    run_now(&suite, "-broken +mended -old");

    for name in ["main", &good[..10]] {
        let said = suite.run(&["report", "junit.xml", "--against", name], 1);
        for part in ["new:", "fixed:", "still failing:"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(said.contains("1 new, 1 fixed, 1 still failing"), "{said}");
    }
    let output = suite.failscope(&["report", "junit.xml", "--against", "nowhere"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("knows no run on a branch"), "{error}");

    let target = Target::File(suite.path(".failscope/history.db"));
    let mut store = Store::open(&target, false).unwrap().unwrap();
    let since = |store: &mut Store, name: &str| {
        life::since_last_pass(store, "", &format!("tests/test_a.py::{name}")).unwrap()
    };
    let found = since(&mut store, "broken").unwrap();
    assert_eq!(found.last_pass.unwrap().part.commit.as_deref(), Some(good.as_str()));
    assert_eq!(found.first_failure.part.commit.as_deref(), Some(bad.as_str()));
    assert_eq!(found.failures, 1);
    let old = since(&mut store, "old").unwrap();
    assert!(old.last_pass.is_none() && old.failures == 2);
    assert!(since(&mut store, "mended").is_none());
    assert!(since(&mut store, "unknown").is_none());
    store.close();
}
