//! `failscope explain`, `report` and `doctor`.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/project.rs"]
mod project;

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use project::Project;
use serde_json::{Value as Json, json};

fn run(project: &Project, args: &[&str]) -> (String, String, i32) {
    let output = project.failscope(args).output().unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code().unwrap(),
    )
}

#[test]
fn a_test_is_found_by_as_much_as_is_given() {
    let project = Project::with_results();
    for name in [
        "tests/unit/test_pricing.py::test_with_tax[third]",
        "tests/unit/test_pricing.py::test_with_tax",
        "test_with_tax",
        "test_with_tax[third]",
        "with_tax[thi",
    ] {
        let (out, err, code) = run(&project, &["explain", name]);
        assert_eq!(code, 1, "{name}: {err}");
        assert!(out.contains("src/depot/pricing.py:23 in with_tax"), "{name}: {out}");
        assert!(out.contains("E       assert 39 == 40"), "{name}: what pytest printed is shown");
        let values = out.lines().filter(|line| line.trim() == "expected = 40").count();
        assert_eq!(values, 1, "{name}: each value once");
        assert_eq!(out.matches("root cause").count(), 0, "one finding only");
    }
}

#[test]
fn what_a_model_would_be_sent_is_shown_and_not_sent() {
    let project = Project::with_results();
    let (out, err, code) = run(&project, &["explain", "test_with_tax", "--show-prompt"]);
    assert_eq!(code, 1, "{err}");
    for part in [
        "Nothing would be sent",
        "=== material ===",
        "return int(cents * (1 + RATES[kind]))",
        "E assert 39 == 40",
    ] {
        let squeezed = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed.contains(part), "{part}: {out}");
    }
}

#[test]
fn a_test_that_does_not_fail_or_does_not_exist() {
    let project = Project::with_results();
    let (_, err, code) = run(&project, &["explain", "test_with_taxx"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean tests/unit/test_pricing.py::test_with_tax["), "{err}");
    let (_, err, code) = run(&project, &["explain", "zzz"]);
    assert_eq!(code, 2);
    assert!(err.contains("matches zzz") && !err.contains("did you mean"), "{err}");
    let (_, _, code) = run(&Project::empty(), &["explain", "zzz"]);
    assert_eq!(code, 3);
}

/// A line of pytest-reportlog about one test.
fn line(test: &str, error: Option<&str>) -> String {
    let (outcome, longrepr) = match error {
        None => ("passed", Json::Null),
        Some(error) => ("failed", format!("E   {error}\n\ntests/test_a.py:3: {error}").into()),
    };
    let line = json!({
        "$report_type": "TestReport", "nodeid": test, "location": ["tests/test_a.py", 0, test], "keywords": {},
        "outcome": outcome, "longrepr": longrepr, "when": "call", "user_properties": [], "sections": [],
        "duration": 0.1, "start": 1.0, "stop": 1.1,
    });
    format!("{line}\n")
}

#[test]
fn two_runs_are_compared() {
    let project = Project::empty();
    let start = "{\"pytest_version\": \"9.0.2\", \"$report_type\": \"SessionStart\"}\n";
    let then = [
        line("tests/test_a.py::test_still", Some("KeyError: 'a'")),
        line("tests/test_a.py::test_fixed", Some("KeyError: 'b'")),
        line("tests/test_a.py::test_changed", Some("KeyError: 'c'")),
        line("tests/test_a.py::test_gone", Some("KeyError: 'd'")),
        line("tests/test_a.py::test_new", None),
    ];
    let now = [
        line("tests/test_a.py::test_still", Some("KeyError: 'a'")),
        line("tests/test_a.py::test_fixed", None),
        line("tests/test_a.py::test_changed", Some("ZeroDivisionError: division by zero")),
        line("tests/test_a.py::test_new", Some("TimeoutError: too late")),
    ];
    std::fs::write(project.path("then.jsonl"), format!("{start}{}", then.concat())).unwrap();
    std::fs::write(project.path("now.jsonl"), format!("{start}{}", now.concat())).unwrap();
    run(&project, &["analyze", "then.jsonl", "--output", "before"]);

    // A report and a result file of the same run mean the same.
    for against in ["before/rca_report.json", "then.jsonl"] {
        let (out, err, code) =
            run(&project, &["report", "now.jsonl", "--against", against, "--format", "json"]);
        assert_eq!((err.as_str(), code), ("", 1));
        let comparison = serde_json::from_str::<Json>(&out).unwrap()["comparison"].clone();
        let names = |list: &str| -> Vec<String> {
            comparison[list]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e["test"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names("new"), ["tests/test_a.py::test_new"], "{against}");
        assert_eq!(names("fixed"), ["tests/test_a.py::test_fixed"]);
        assert_eq!(names("still_failing"), ["tests/test_a.py::test_still"]);
        assert_eq!(names("changed_cause"), ["tests/test_a.py::test_changed"]);
        assert_eq!(names("not_run"), ["tests/test_a.py::test_gone"]);
        assert!(comparison["changed_cause"][0]["previous_root_cause"].as_str().unwrap().contains("KeyError"));
    }
    let (out, _, _) = run(&project, &["report", "now.jsonl", "--against", "before/rca_report.json"]);
    assert!(
        out.contains("1 new, 1 changed cause, 1 fixed, 1 not in these results, 1 still failing"),
        "{out}"
    );
    assert_eq!(project.report()["total_failures"], 3);
    assert!(project.read(".failscope/rca_report.html").contains("3 failures"));
}

#[test]
fn the_schemas_are_printed() {
    let project = Project::with_results();
    run(&project, &["analyze", "--report"]);
    for (name, file) in [("rca", "rca_report.json"), ("stability", "stability_report.json")] {
        let (out, err, code) = run(&project, &["report", "--schema", name]);
        assert_eq!((err.as_str(), code), ("", 0), "{name}");
        let schema: Json = serde_json::from_str(&out).unwrap();
        jsonschema::meta::validate(&schema).unwrap();
        let report: Json = serde_json::from_str(&project.read(&format!(".failscope/{file}"))).unwrap();
        let errors: Vec<String> = jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(&report)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
    let (_, err, code) = run(&project, &["report", "results.xml", "--schema", "rca"]);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn what_cannot_be_compared_with_is_said() {
    let project = Project::with_results();
    std::fs::write(project.path("new.json"), r#"{"schema_version": 99, "analyses": []}"#).unwrap();
    let check = |against: &str, expected: &str| {
        let (_, err, code) = run(&project, &["report", "--against", against]);
        assert_eq!(code, 3, "{against}");
        assert!(err.contains(against) && err.contains(expected), "{err}");
    };
    check("main", "the history knows no run on a branch");
    check("new.json", "schema version 99");
    check("pyproject.toml", "neither a report of Failscope nor a result file");
}

#[test]
fn the_doctor_says_what_there_is() {
    let project = Project::with_results();
    let (out, err, _) = run(&project, &["doctor", "--json"]);
    assert_eq!(err, "");
    let found: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(found["results"][0]["file"], "results.xml");
    assert_eq!(found["results"][0]["format"], "JUnit XML");
    assert_eq!(found["results"][0]["failures"], found["results"][0]["mapped"]);
    assert_eq!(found["output"]["is_writable"], true);
    assert!(!project.path(".failscope").exists(), "looking changes nothing");

    std::fs::write(project.path("pyproject.toml"), "[tool.failscope]\nnonsense = 1\n").unwrap();
    std::fs::write(project.path("results.xml"), "<testsuites").unwrap();
    let (out, _, code) = run(&project, &["doctor"]);
    assert_eq!(code, 1);
    assert!(out.contains("pyproject.toml:2:") && out.contains("nonsense"), "{out}");
}

/// The editors that the doctor knows.
fn known(project: &Project, home: &std::path::Path) -> Vec<Json> {
    let output = project.failscope(&["doctor", "--json"]).env("XDG_STATE_HOME", home).output().unwrap();
    let found: Json = serde_json::from_slice(&output.stdout).unwrap();
    found["editors"].as_array().unwrap().clone()
}

/// Lets an editor open the project, and close it again.
#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn visited(project: &Project, home: &std::path::Path, client: &Json, capabilities: &Json) {
    let mut server = std::process::Command::new(env!("CARGO_BIN_EXE_failscope"))
        .arg("lsp")
        .env_clear()
        .env("SOURCE_DATE_EPOCH", "1795350100")
        .env("XDG_STATE_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    let mut send = |mut message: Json| {
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    };
    let folder = url::Url::from_directory_path(project.path("")).unwrap();
    send(json!({ "id": 1, "method": "initialize", "params": {
        "processId": null, "rootUri": folder, "clientInfo": client, "capabilities": capabilities,
    } }));
    // It is written beside the answer, so the editor stays open until it is there.
    let name = client["name"].as_str().unwrap_or_default();
    let began = std::time::Instant::now();
    while !known(project, home).iter().any(|editor| editor["name"] == name) {
        assert!(began.elapsed().as_secs() < 30, "{name} is not known: {:?}", known(project, home));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    output.read_exact(&mut [0; 16]).unwrap();
    send(json!({ "id": 2, "method": "shutdown" }));
    let mut rest = String::new();
    send(json!({ "method": "exit" }));
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0), "{rest}");
}

#[test]
fn the_doctor_knows_the_editors_and_what_they_lack() {
    let project = Project::with_results();
    let home = tempfile::tempdir().unwrap();
    let doctor = |args: &[&str]| {
        let output = project.failscope(args).env("XDG_STATE_HOME", home.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(doctor(&["doctor"]).contains("editors    none has opened this project\n"));
    let capabilities = json!({
        "general": { "positionEncodings": ["utf-8"] },
        "textDocument": { "hover": { "contentFormat": ["markdown"] } },
        "workspace": { "workspaceEdit": { "documentChanges": true } },
    });
    visited(&project, home.path(), &json!({ "name": "Plain\u{1b}[31m", "version": "1.0" }), &json!({}));
    visited(&project, home.path(), &json!({ "name": "Ed" }), &capabilities);
    visited(&project, home.path(), &Json::Null, &capabilities);

    let editors = known(&project, home.path());
    let names: Vec<_> = editors.iter().map(|e| (&e["name"], &e["position_encoding"])).collect();
    assert_eq!(names[0].0, "", "{names:?}");
    assert_eq!(names[1], (&json!("Ed"), &json!("utf-8")));
    assert!(editors[1]["seen_seconds_ago"].as_u64().unwrap() < 3600);
    assert_eq!(editors[1]["capabilities"]["hover.contentFormat: markdown"], true);
    assert_eq!(editors[1]["capabilities"]["window.showDocument"], false);
    let lacks = |n: usize| editors[n]["lacks"].as_array().unwrap().len();
    assert_eq!((lacks(1), lacks(2)), (16, 18));

    let text = doctor(&["doctor"]);
    for part in [
        "editors    an editor that does not say its name, ",
        "           Ed, ",
        "; columns in utf-8\n             without publishDiagnostics.relatedInformation: a ",
        "without hover.contentFormat: markdown: hovers are plain text",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        text.contains(" 1.0, ") && text.contains("; columns in utf-16\n") && !text.contains('\u{1b}'),
        "{text}"
    );
    assert!(!project.path(".failscope/editors").exists(), "nothing of it is in the project");
}

#[test]
fn the_doctor_says_where_the_history_is_and_which_paths_are_mapped() {
    let project = Project::with_results();
    let config = "[tool.failscope]\npathMappings = { \"/app\" = \".\" }\n";
    std::fs::write(project.path("pyproject.toml"), config).unwrap();
    let (out, _, _) = run(&project, &["doctor"]);
    assert!(
        out.contains("/history.db: nothing yet\n") && out.contains("paths      /app is . here\n"),
        "{out}"
    );
    run(&project, &["analyze"]);
    let (out, _, _) = run(&project, &["doctor"]);
    assert!(out.contains("/history.db: 111 tests, newest run "), "{out}");
    let (out, _, _) = run(&project, &["doctor", "--json"]);
    let found: Json = serde_json::from_str(&out).unwrap();
    assert!(found["history"]["tests"].as_u64().unwrap() > 40, "{found}");
    assert_eq!(found["path_mappings"], json!([["/app", "."]]));
    std::fs::write(project.path(".failscope/history.db"), "no database".repeat(1000)).unwrap();
    let (out, _, code) = run(&project, &["doctor"]);
    assert!(out.contains("! the history cannot be read: ") && code == 1, "{out}");
    std::fs::write(project.path("pyproject.toml"), "[tool.failscope]\nhistory = \"off\"\n").unwrap();
    let (out, _, _) = run(&project, &["doctor"]);
    assert!(out.contains("history    off\n"), "{out}");
}

#[test]
fn the_doctor_reads_an_environment_without_running_it() {
    let project = Project::with_results();
    let packages = project.path(".venv/lib/python3.12/site-packages");
    std::fs::create_dir_all(packages.join("pytest-8.4.2.dist-info")).unwrap();
    std::fs::create_dir_all(packages.join("pytest_xdist-3.8.0.dist-info")).unwrap();
    std::fs::create_dir_all(project.path(".venv/bin")).unwrap();
    std::fs::write(project.path(".venv/bin/python"), "").unwrap();
    std::fs::write(project.path(".venv/pyvenv.cfg"), "home = /usr/bin\nversion = 3.12.4\n").unwrap();
    let (out, _, code) = run(&project, &["doctor"]);
    assert!(out.contains("pytest     8.4.2") && out.contains("plugins    pytest_xdist 3.8.0"), "{out}");
    assert!(out.contains("python     3.12.4, ") && out.contains("nothing stands in the way"), "{out}");
    assert!(out.contains("plugin     not installed; `failscope run`"), "{out}");
    assert_eq!(code, 0);
    std::fs::create_dir_all(packages.join("failscope-0.1.0.dist-info")).unwrap();
    let (out, _, _) = run(&project, &["doctor"]);
    assert!(out.contains("plugin     0.1.0, installed\n"), "{out}");
    let found: Json = serde_json::from_str(&run(&project, &["doctor", "--json"]).0).unwrap();
    assert_eq!((&found["plugin"], &found["pytest"]), (&json!("0.1.0"), &json!("8.4.2")));
}
