//! The same run gives the same report, byte for byte but for its time, from the command line, from the language
//! server and from `failscope run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use failscope::engine::tools::Pipeline;

use crate::client::{Client, Setup};
use crate::kinds::Project;

/// A value that only the project's `.env` file gives away as secret.
const SECRET: &str = "plum tarragon orchard";

/// The report without its time. What it says must not depend on what else was written before.
fn taken(project: &Project) -> String {
    let path = project.path(".failscope/rca_report.json");
    let report = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    let (times, rest): (Vec<&str>, Vec<&str>) =
        report.lines().partition(|line| line.trim_start().starts_with("\"timestamp\""));
    assert_eq!(times.len(), 1, "{report}");
    rest.join("\n")
}

async fn by_server(project: &Project) -> String {
    let mut client = Client::start(Setup::new(&project.path(""), Arc::new(Pipeline::default()))).await;
    client.analyze().await;
    let report = taken(project);
    client.discard();
    client.close().await;
    report
}

fn by_command(project: &Project, args: &[&str]) -> String {
    let output = project.failscope(args).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    taken(project)
}

#[tokio::test]
async fn command_line_and_server_give_the_same_report() {
    for results in [
        &["main.xml"][..],
        &["xunit1.xml"],
        &["main.reportlog.jsonl"],
        &["main.json-report.json"],
        &["main.ctrf.json"],
        &["main.console.txt"],
        // Shards and repeated tellings.
        &["main.console.txt", "main.xml", "collect.xml", "first.reportlog.jsonl", "doctest.json-report.json"],
    ] {
        let project = Project::empty();
        std::fs::write(project.path(".env"), format!("export SHOP_PASSWORD='{SECRET}'\n")).unwrap();
        std::fs::create_dir(project.path("reports")).unwrap();
        for name in results {
            project.add(name, &format!("reports/pytest-output-{name}"));
        }
        // One of the tests tells the secret.
        let first = project.path(&format!("reports/pytest-output-{}", results[0]));
        let text = std::fs::read_to_string(&first).unwrap();
        assert!(text.contains("AssertionError"), "{results:?}");
        std::fs::write(&first, text.replace("AssertionError", &format!("AssertionError {SECRET}"))).unwrap();

        let command = by_command(&project, &["analyze"]);
        assert!(command.contains("\"unique_root_causes\"") && !command.contains(SECRET), "{results:?}");
        let server = by_server(&project).await;
        assert_eq!(command, server, "{results:?}");
    }
}

/// A Python that has pytest: `tests/run.sh` makes one and names it.
#[expect(clippy::disallowed_methods, reason = "tests are told which Python to use by a variable")]
fn python() -> String {
    std::env::var("FAILSCOPE_TEST_PYTHON").unwrap_or_else(|_| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python").display().to_string()
    })
}

#[tokio::test]
#[cfg(unix)]
async fn a_run_and_reading_it_later_give_the_same_report() {
    let project = Project::empty();
    let suite = project.read("pyproject.toml");
    assert!(Path::new(&python()).is_file(), "{} is missing; see tests/run.sh", python());
    let settings = format!("{suite}\n[tool.failscope]\npython = '{}'\n", python());
    std::fs::write(project.path("pyproject.toml"), settings).unwrap();
    std::fs::write(project.path(".env"), format!("SHOP_PASSWORD={SECRET}\n")).unwrap();
    let test =
        "def test_login():\n    said = 'plum tarragon ' + 'orchard'\n    assert said == 'mint', said\n";
    std::fs::write(project.path("tests/test_secret.py"), test).unwrap();
    let run = by_command(&project, &["run", "tests"]);
    assert!(run.contains("test_login") && !run.contains(SECRET), "{run}");
    assert_eq!(run, by_command(&project, &["analyze"]));
    assert_eq!(run, by_server(&project).await);
}
