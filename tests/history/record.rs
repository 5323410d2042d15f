//! What is recorded, and that it is recorded once.

use crate::suite::Suite;

#[test]
fn a_run_is_recorded_once_however_often_it_is_analysed() {
    let suite = Suite::new();
    suite.junit("reports/junit.xml", 1, "+a -b");
    for _ in 0..3 {
        suite.run(&["analyze"], 1);
    }
    // The same file by another name, as a copy of a CI artifact has it.
    std::fs::copy(suite.path("reports/junit.xml"), suite.path("copy.xml")).unwrap();
    suite.run(&["analyze", "copy.xml"], 1);
    let said = suite.run(&["history", "import", "copy.xml"], 0);
    assert_eq!(said, "imported 0 runs; 1 of the files told of runs that were known\n");
    assert_eq!(suite.test("tests/test_a.py::b")["recent"], "F");
    assert!(suite.path(".failscope/history.db").is_file());
    // What SQLite keeps beside it goes when it is closed.
    assert!(!suite.path(".failscope/history.db-wal").exists());
}

#[test]
fn two_tellings_of_one_execution_are_one_run() {
    let suite = Suite::new();
    suite.junit("one.xml", 1, "+a -b");
    // Another writer rounds durations otherwise.
    let text = std::fs::read_to_string(suite.path("one.xml")).unwrap();
    std::fs::write(suite.path("two.xml"), text.replace("time=\"0.002\"", "time=\"0.0024\"")).unwrap();
    suite.run(&["analyze", "one.xml"], 1);
    suite.run(&["analyze", "two.xml"], 1);
    assert_eq!(suite.test("tests/test_a.py::a")["recent"], "P");
    // A minute later it is another run.
    suite.junit("three.xml", 2, "+a -b");
    suite.run(&["analyze", "three.xml"], 1);
    assert_eq!(suite.test("tests/test_a.py::a")["recent"], "PP");
}

#[test]
fn old_files_are_imported_with_their_dates() {
    let suite = Suite::new();
    for day in 0..6 {
        // In an order that is not that of time.
        let tests = if day < 3 { "+a +b" } else { "+a -b" };
        suite.junit(&format!("artifacts/{}/report.xml", 9 - day), day * 1440, tests);
    }
    std::fs::write(suite.path("artifacts/notes.txt"), "nothing of tests").unwrap();
    let said = suite.run(&["history", "import", "artifacts/**/*.xml"], 0);
    assert_eq!(said, "imported 6 runs\n");
    let test = suite.test("tests/test_a.py::b");
    assert_eq!(test["recent"], "PPPFFF");
    assert_eq!(test["verdict"], "Broken");
    let shown = suite.run(&["history", "b"], 0);
    assert!(shown.contains("2026-03-06 00:00:09 UTC failed"), "{shown}");
    assert!(shown.contains("failed in each of the last 3 runs; passed before"), "{shown}");
    // The cause once, below the newest run that failed for it.
    let lines: Vec<&str> = shown.lines().collect();
    let newest = lines.iter().position(|line| line.contains("2026-03-06")).unwrap();
    assert!(lines[newest + 1].starts_with("      ") && lines[newest + 1].contains("expected `2`"), "{shown}");
    assert_eq!(shown.matches("expected `2`").count(), 1, "{shown}");
    // Folders, and files that hold no results.
    let output = suite.failscope(&["history", "import", "artifacts/notes.txt"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_history_can_be_off() {
    let mut suite = Suite::new();
    suite.history = Some("off".to_owned());
    suite.junit("junit.xml", 1, "+a");
    suite.run(&["analyze"], 0);
    assert!(!suite.path(".failscope/history.db").exists());
    suite.history = None;
    std::fs::write(suite.path("pyproject.toml"), "[tool.failscope]\nhistory = false\n").unwrap();
    suite.run(&["analyze"], 0);
    assert!(!suite.path(".failscope/history.db").exists());
}

#[test]
fn a_damaged_history_costs_nothing_else() {
    let suite = Suite::new();
    suite.junit("junit.xml", 1, "-a");
    std::fs::create_dir(suite.path(".failscope")).unwrap();
    std::fs::write(suite.path(".failscope/history.db"), "this is no database, but some text\n".repeat(100))
        .unwrap();
    let output = suite.failscope(&["analyze", "--report"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("history.db") && error.contains("move the file away"), "{error}");
    assert!(suite.path(".failscope/rca_report.html").is_file());
    assert!(suite.path(".failscope/stability_report.json").is_file());
}

#[test]
fn shards_of_a_ci_run_are_one_run() {
    let suite = Suite::new();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (shard, tests) in [("1", "+a +b"), ("2", "+c -d")] {
        let path = suite.junit("junit.xml", 1, tests);
        // Results of now: an older one belongs to no job of today.
        let text = std::fs::read_to_string(&path).unwrap();
        let from = text.find("timestamp=\"").unwrap();
        let to = from + text[from + 11..].find('"').unwrap() + 12;
        std::fs::write(&path, format!("{}{}", &text[..from], &text[to..])).unwrap();
        let output = suite
            .failscope(&["analyze", "junit.xml"])
            .env("GITHUB_RUN_ID", "77")
            .env("GITHUB_JOB", format!("tests {shard}"))
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let report = suite.stability();
    let runs = report["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!((&runs[0]["passed"], &runs[0]["failed"]), (&3.into(), &1.into()));
    assert!(runs[0]["time"].as_f64().unwrap() > now as f64 - 100.0);
    let shown = suite.run(&["history", "d"], 0);
    assert!(shown.contains("tests 2"), "{shown}");
}

#[test]
fn secrets_in_test_names_are_not_stored() {
    let suite = Suite::new();
    let key = ["ghp_", "9fK2mQ7xW4vR8tY3", "uJ6nB1zC5dL0eS2aPqHg"].concat();
    suite.junit("junit.xml", 1, &format!("+a[{key}] -b"));
    suite.run(&["analyze"], 1);
    for name in [".failscope/history.db", ".failscope/rca_report.json"] {
        let bytes = std::fs::read(suite.path(name)).unwrap();
        assert!(!bytes.windows(key.len()).any(|part| part == key.as_bytes()), "{name}");
    }
}
