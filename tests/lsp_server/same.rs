//! The same run gives the same report, byte for byte but for its time, from the command line, from the language
//! server and from `failscope run`.

use std::path::Path;
use std::sync::Arc;

use failscope::engine::tools::Pipeline;

use crate::client::{Client, Setup};
use crate::kinds::Project;
use crate::python::python;

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

/// A server of a model on this machine that always gives the same answer.
fn model_server() -> String {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let answer = serde_json::json!({
        "root_cause": "`with_tax` cuts half a cent off with `int` instead of rounding up",
        "category": "assertion_failure", "severity": "high", "confidence": 0.9,
        "affected_file": "src/depot/pricing.py", "affected_line": 23, "affected_function": "with_tax",
        "fix_suggestion": "Round before converting to `int`.",
        "evidence": [{ "id": "E3", "quote": "return int(cents * (1 + RATES[kind]))" }],
        "edits": [{
            "file": "src/depot/pricing.py",
            "search": "    return int(cents * (1 + RATES[kind]))",
            "replace": "    return int(cents * (1 + RATES[kind]) + 0.5)",
        }],
        "missing": "",
    });
    let body = serde_json::json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o",
        "choices": [{
            "index": 0,
            "finish_reason": "stop",
            "message": { "role": "assistant", "content": answer.to_string() },
        }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 },
    })
    .to_string();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let body = body.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut length = 0;
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                let text = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                // A client that was ended listens no more.
                let _ = reader.get_mut().write_all(text.as_bytes());
            });
        }
    });
    format!("http://{address}/v1")
}

#[tokio::test]
async fn answers_from_the_cache_are_the_same_in_every_front() {
    let project = Project::empty();
    std::fs::create_dir(project.path("reports")).unwrap();
    project.add("main.xml", "reports/pytest-output-main.xml");
    std::fs::write(project.path("pyproject.toml"), "[tool.failscope]\nhistory = \"off\"\n").unwrap();
    let environment = [("OPENAI_API_KEY", "sk-proj-nobody".to_owned()), ("OPENAI_BASE_URL", model_server())];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    let command = || {
        let output = project.failscope(&["analyze"]).envs(environment.clone()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        taken(&project)
    };
    let first = command();
    assert!(first.contains("model:openai/gpt-4o") && first.contains("\"proposed_by\": \"openai/gpt-4o\""));
    let again = command();
    assert!(again.contains("\"calls\": 0") && again.contains("\"state\": \"complete\""));

    let mut setup = Setup::new(&project.path(""), Arc::new(Pipeline::default()));
    setup.environment = environment.to_vec();
    let mut client = Client::start(setup).await;
    client.analyze().await;
    let server = taken(&project);
    client.discard();
    client.close().await;
    assert_eq!(again, server);
}
