//! `failscope analyze`: which results are read, what is printed and written, and how it ends.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/project.rs"]
mod project;

use project::Project;

/// Standard output, standard error and exit code.
fn run(project: &Project, args: &[&str]) -> (String, String, i32) {
    let output = project.failscope(args).output().unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code().unwrap(),
    )
}

#[test]
fn finds_the_workspaces_results_and_says_where_it_breaks() {
    let project = Project::with_results();
    let (out, err, code) = run(&project, &["analyze"]);
    assert_eq!((err.as_str(), code), ("", 1));
    assert!(out.contains("at       src/depot/stock.py:20 in Shelf.put"), "{out}");
    assert!(out.contains("… and 17 more"), "{out}");
    assert!(out.contains("report: .failscope/rca_report.html"), "{out}");
    assert!(!out.contains('\u{1b}'), "no colours and links into a pipe");

    let report = project.report();
    let summary =
        format!("{} failures, {} root causes", report["total_failures"], report["unique_root_causes"]);
    assert!(out.contains(&summary), "{summary}");
    assert_eq!(report["analyses"][0]["affected_file"], "src/depot/stock.py");
    assert_eq!(report["analyses"][0]["affected_line"], 20);
    assert_eq!(report["analyses"][0]["occurrence_count"], 20);
    assert!(project.read(".failscope/rca_report.html").starts_with("<!doctype html>"));
    assert_eq!(project.read(".failscope/.gitignore"), "*\n");
}

#[test]
fn works_from_a_folder_below_the_root() {
    let project = Project::with_results();
    let output = project.failscope(&["analyze"]).current_dir(project.path("tests")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(project.path(".failscope/rca_report.json").is_file());
}

#[test]
fn exit_codes_say_what_happened() {
    let project = Project::with_results();
    let passing = project.path("passing.json");
    std::fs::write(&passing, PASSING).unwrap();
    let check = |args: &[&str], expected: i32, said: &str| {
        let (_, err, code) = run(&project, args);
        assert_eq!(code, expected, "{args:?}: {err}");
        assert!(err.contains(said), "{args:?}: {err}");
    };
    check(&["analyze", "passing.json"], 0, "");
    check(&["analyze", "results.xml"], 1, "");
    check(&["analyze", "--format", "nonsense"], 2, "nonsense");
    check(&["analyze", "--max-log-size", "many"], 2, "many");
    check(&["analyze", "--provider", "skynet"], 2, "skynet");
    check(&["analyze", "--root", "no/such/folder"], 3, "no/such/folder");
    check(&["analyze", "missing.xml"], 3, "missing.xml");
    check(&["analyze", "pyproject.toml"], 3, "pyproject.toml");
    check(&["analyze", "*.nothing"], 3, "no file matches");
    check(&["nonsense"], 2, "nonsense");
    let (_, err, code) = run(&Project::empty(), &["analyze"]);
    assert_eq!(code, 3);
    assert!(err.contains("no test results found") && err.contains("pytest --junitxml"), "{err}");
}

/// What pytest-reportlog writes for a run of one passing test.
const PASSING: &str = r#"{"pytest_version": "9.0.2", "$report_type": "SessionStart"}
{"nodeid": "tests/test_a.py::test_a", "location": ["tests/test_a.py", 0, "test_a"], "keywords": {}, "outcome": "passed", "longrepr": null, "when": "call", "user_properties": [], "sections": [], "duration": 0.01, "start": 1.0, "stop": 1.01, "$report_type": "TestReport"}
{"exitstatus": 0, "$report_type": "SessionFinish"}
"#;

#[test]
fn nothing_fails() {
    let project = Project::empty();
    std::fs::write(project.path("log.jsonl"), PASSING).unwrap();
    let (out, err, code) = run(&project, &["analyze", "log.jsonl"]);
    assert_eq!((err.as_str(), code), ("", 0));
    assert!(out.starts_with("no failures"), "{out}");
    assert_eq!(project.report()["total_failures"], 0);
}

#[test]
fn one_unreadable_file_does_not_hide_the_rest() {
    let project = Project::with_results();
    std::fs::write(project.path("broken.xml"), [0xff, 0xfe, 0x00, 0x01]).unwrap();
    let (out, _, code) = run(&project, &["analyze", "missing.xml", "broken.xml", "results.xml"]);
    assert_eq!(code, 1);
    assert!(out.contains("! cannot read test results from missing.xml"), "{out}");
    assert!(out.contains("! broken.xml holds no test results"), "{out}");
    let report = project.report();
    assert_eq!(report["problems"].as_array().unwrap().len(), 2);
    assert!(report["total_failures"].as_u64().unwrap() > 50);
}

#[test]
fn files_folders_patterns_and_standard_input_give_the_same() {
    let project = Project::empty();
    std::fs::create_dir_all(project.path("out/deep")).unwrap();
    project.add("main.xml", "out/deep/a.xml");
    std::fs::write(project.path("out/readme.txt"), "nothing to see").unwrap();
    let findings = |args: &[&str], input: Option<&str>| {
        let mut command = project.failscope(&["analyze", "--format", "json"]);
        command.args(args);
        if let Some(input) = input {
            command.write_stdin(std::fs::read(project.path(input)).unwrap());
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?} {}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report, project.report(), "what is printed is what is written");
        (report["analyses"].clone(), report["problems"].clone())
    };
    let expected = findings(&["out/deep/a.xml"], None);
    assert_eq!(findings(&["out"], None), expected);
    assert_eq!(findings(&["out/**/*.xml"], None), expected);
    assert_eq!(findings(&["out/deep/a.xml", "out/**/*.xml", "out"], None), expected, "each file once");
    assert_eq!(findings(&["-"], Some("out/deep/a.xml")), expected);
}

#[test]
fn several_files_are_merged() {
    let project = Project::empty();
    let failing = PASSING.replace("\"passed\"", "\"failed\"");
    std::fs::write(project.path("shard-1.jsonl"), &failing).unwrap();
    std::fs::write(project.path("shard-2.jsonl"), failing.replace("test_a", "test_b")).unwrap();
    let (_, _, code) = run(&project, &["analyze", "shard-*.jsonl"]);
    assert_eq!(code, 1);
    let report = project.report();
    assert_eq!(report["total_failures"], 2);
    let files: Vec<&str> =
        report["run"]["sources"].as_array().unwrap().iter().map(|s| s["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["shard-1.jsonl", "shard-2.jsonl"], "named from the project's folder");
}

#[test]
fn code_hosts_get_paths_from_the_repository() {
    let project = Project::with_results();
    std::fs::create_dir(project.path("repo")).unwrap();
    std::fs::create_dir(project.path("repo/.git")).unwrap();
    for name in ["src", "tests", "pyproject.toml", "results.xml"] {
        std::fs::create_dir_all(project.path("repo/libs/kinds")).unwrap();
        std::fs::rename(project.path(name), project.path("repo/libs/kinds").join(name)).unwrap();
    }
    let output = |format: &str| {
        let mut command = project.failscope(&["analyze", "--root", "repo/libs/kinds", "--format", format]);
        command.env("GITHUB_STEP_SUMMARY", project.path("summary.md"));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let text = output("github");
    assert!(
        text.starts_with("::error file=libs/kinds/src/depot/stock.py,line=20,endLine=20,"),
        "{text:.200}"
    );
    assert!(project.read("summary.md").starts_with("## Failscope: "));
    let sarif: serde_json::Value = serde_json::from_str(&output("sarif")).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "libs/kinds/src/depot/stock.py");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let project = Project::with_results();
    let formats = ["human", "json", "github", "markdown", "sarif", "ctrf"];
    let all = || -> Vec<Vec<u8>> {
        let mut bytes: Vec<Vec<u8>> = formats
            .iter()
            .map(|format| project.failscope(&["analyze", "--format", format]).output().unwrap().stdout)
            .collect();
        bytes.push(std::fs::read(project.path(".failscope/rca_report.json")).unwrap());
        bytes.push(std::fs::read(project.path(".failscope/rca_report.html")).unwrap());
        bytes
    };
    let first = all();
    assert!(first.iter().all(|bytes| bytes.len() > 1000));
    assert_eq!(first, all());
}

#[test]
fn wishes_that_cannot_be_fulfilled_are_said_so() {
    let project = Project::with_results();
    let check = |args: &[&str], expected: &str| {
        let mut all = vec!["analyze"];
        all.extend(args);
        let (out, err, code) = run(&project, &all);
        assert_eq!(code, 1, "{args:?}");
        assert!(out.contains("root causes"), "the offline diagnosis stands");
        assert_eq!(err.lines().count(), usize::from(!expected.is_empty()), "{args:?}: {err}");
        assert!(err.contains(expected), "{args:?}: {err}");
    };
    check(&["--provider", "openai", "--offline"], "");
    check(&["--offline", "--max-log-size", "2000"], "");
    check(&["--provider", "ollama", "--model", "llama3.2"], "asking ollama (llama3.2) about 70 causes");
}

#[test]
fn output_names_the_folder() {
    let project = Project::with_results();
    let (_, _, code) = run(&project, &["analyze", "--output", "reports/rca", "--format", "sarif"]);
    assert_eq!(code, 1);
    for name in ["rca_report.json", "rca_report.html", "rca_report.sarif"] {
        assert!(project.path("reports/rca").join(name).is_file(), "{name}");
    }
    assert!(!project.path(".failscope").exists());
    // The setting means the same, relative to the project.
    std::fs::write(project.path("pyproject.toml"), "[tool.failscope]\noutput = \"from-setting\"\n").unwrap();
    run(&project, &["analyze", "results.xml"]);
    assert!(project.path("from-setting/rca_report.json").is_file());
}

#[test]
fn bad_settings_are_named_with_their_line() {
    let project = Project::with_results();
    std::fs::write(project.path("pyproject.toml"), "[tool.failscope]\nmaxLogSize = \"big\"\n").unwrap();
    let (_, err, code) = run(&project, &["analyze"]);
    assert_eq!(code, 1);
    assert!(err.contains("pyproject.toml:2:") && err.contains("maxLogSize"), "{err}");
}

#[test]
fn an_old_report_survives_a_failed_write() {
    let project = Project::with_results();
    // A folder where the page should go makes its replacement fail, for every user.
    std::fs::create_dir_all(project.path(".failscope/rca_report.html/x")).unwrap();
    let (out, err, code) = run(&project, &["analyze"]);
    assert_eq!(code, 3);
    assert!(out.contains("root causes"), "the findings are shown all the same");
    assert!(err.contains("rca_report.html") && err.contains("--output"), "{err}");
    assert!(project.path(".failscope/rca_report.html/x").is_dir());
    let left: Vec<_> = std::fs::read_dir(project.path(".failscope"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".tmp"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let project = Project::with_results();
    for format in ["human", "json"] {
        let program = assert_cmd::cargo::cargo_bin("failscope");
        let script = format!(
            "'{}' analyze --format {format} | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}",
            program.display()
        );
        let output = assert_cmd::Command::new("bash")
            .args(["-c", &script])
            .current_dir(project.path("."))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n", "{format}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
    }
}

#[test]
fn secrets_do_not_reach_any_report() {
    let project = Project::empty();
    let secret = "hunter2-Zx81-Quartz";
    let log = PASSING.replace("\"passed\"", "\"failed\"").replace(
        "\"longrepr\": null",
        &format!(r#""longrepr": "tests/test_a.py:3: ConnectionError\nE   ConnectionError: login failed with password={secret}""#),
    );
    std::fs::write(project.path("log.jsonl"), log).unwrap();
    for format in ["human", "json", "github", "markdown", "sarif", "ctrf"] {
        let (out, err, code) = run(&project, &["analyze", "log.jsonl", "--format", format]);
        assert_eq!(code, 1);
        assert!(!out.contains(secret) && !err.contains(secret), "{format}");
        if format == "human" {
            let line = out.lines().find(|line| line.starts_with("redacted: ")).unwrap();
            assert!(line.ends_with(" password"), "{line}");
        }
    }
    assert!(!project.read(".failscope/rca_report.html").contains(secret));
    assert!(!project.read(".failscope/rca_report.json").contains(secret));
}

/// The snippets for CI in the README: their commands run, and the files that they name are there afterwards.
#[test]
fn the_ci_snippets_work() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let section = readme.split("\n## CI\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let file = regex::Regex::new(r"\.failscope/[\w.*]*").unwrap();
    let snippets: Vec<&str> =
        section.split("```yaml\n").skip(1).map(|text| text.split("```").next().unwrap()).collect();
    assert_eq!(snippets.len(), 2, "GitHub and GitLab");
    for snippet in snippets {
        let project = Project::empty();
        project.add("main.xml", "report.xml");
        let mut commands = 0;
        for line in snippet.lines().filter(|line| line.contains("failscope analyze ")) {
            let command = &line[line.find("failscope analyze ").unwrap()..];
            let end = command.find(" #").or(command.find(" ||")).unwrap_or(command.len());
            let args: Vec<&str> = command[..end].split_whitespace().skip(1).collect();
            let (_, err, code) = run(&project, &args);
            assert_eq!((err.as_str(), code), ("", 1), "{line}");
            commands += 1;
        }
        assert!(commands > 0, "{snippet}");
        for name in file.find_iter(snippet).map(|found| found.as_str()) {
            let begin = project.path(name.trim_end_matches('*')).display().to_string();
            let folder = std::fs::read_dir(project.path(".failscope")).unwrap();
            let mut paths = folder.map(|entry| entry.unwrap().path().display().to_string());
            assert!(paths.any(|path| path.starts_with(&begin)), "{name} is not there");
            // The folder as a whole holds records, which are not redacted.
            assert_ne!(name, ".failscope/");
        }
        // The action leaves out what lies in folders that begin with a dot.
        let uploads = snippet.contains("actions/upload-artifact");
        assert_eq!(uploads, snippet.contains("include-hidden-files: true"), "{snippet}");
    }
}
