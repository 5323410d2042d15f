//! Running tests from the editor, with a real pytest and the real pipeline.

use std::sync::Arc;

use failscope::engine::tools::Pipeline;
use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, whole};
use crate::fake::{Fake, Project};
pub use crate::python::python;

fn project() -> Project {
    let project = Project::empty();
    project.write("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = [\".\"]\n");
    project.write("shop.py", "def total(items):\n    return sum(itms)\n");
    project.write(
        "test_shop.py",
        "from shop import total\n\n\ndef test_total():\n    assert total([1]) == 1\n\n\ndef test_other():\n    assert True\n",
    );
    project
}

fn setup(project: &Project, python: &str) -> Setup {
    let mut setup = Setup::new(project.root(), Arc::new(Pipeline::default()));
    setup.initialization_options = json!({ "python": python });
    setup.environment = vec![("HOME".to_owned(), project.path("home").display().to_string())];
    setup
}

#[tokio::test]
#[cfg(unix)]
async fn a_run_shows_what_fails_and_clears_what_passes() {
    let project = project();
    let (test, source) = (project.path("test_shop.py"), project.path("shop.py"));
    let mut client = Client::start(setup(&project, &python())).await;
    let argument = json!({ "tests": ["test_shop.py"] });
    let params = json!({ "command": "failscope.runTest", "arguments": [argument], "workDoneToken": 7 });
    let answer = client.request("workspace/executeCommand", params.clone()).await.unwrap();
    assert_eq!(answer, json!({ "exitCode": 1, "cancelled": false, "passed": 1, "failed": 1 }));
    let on_test = client.diagnostics(&test).await;
    assert_eq!(on_test[0]["range"]["start"]["line"], 4);
    assert!(on_test[0]["message"].as_str().unwrap().contains("itms"), "{}", on_test[0]["message"]);
    let on_source = client.diagnostics(&source).await;
    assert_eq!(on_source[0]["range"]["start"]["line"], 1);
    // Progress under the client's own token, from begin to end.
    let mut shown = Vec::new();
    while shown.last().is_none_or(|last: &Json| last["kind"] != "end") {
        let progress = client.notification("$/progress").await;
        assert_eq!(progress["token"], 7);
        shown.push(progress["value"].clone());
    }
    assert_eq!(shown[0]["kind"], "begin");
    // Only the newest count is sent on; the last one is.
    let last = &shown[shown.len() - 2];
    assert_eq!((&last["message"], &last["percentage"]), (&json!("2 of 2, 1 failed"), &json!(100)));
    // What pytest has printed is there for those who ask.
    let output = client.execute("failscope.runOutput", json!({})).await.unwrap();
    let text = output["text"].as_str().unwrap();
    assert!(text.contains("1 failed, 1 passed"), "{text}");
    let logged = client.notification("window/logMessage").await;
    assert_eq!(logged["message"], output["text"]);
    // Mended and run again from the action that is offered.
    let actions = client.request("textDocument/codeAction", whole(&test)).await.unwrap();
    let run =
        actions.as_array().unwrap().iter().find(|a| a["command"]["command"] == "failscope.runTest").unwrap();
    let command = run["command"].clone();
    project.write("shop.py", "def total(items):\n    return sum(items)\n");
    client.touched(&[&source]).await;
    let stale = client.diagnostics(&source).await;
    assert_eq!(stale[0]["data"]["stale"], true);
    let params = json!({ "command": command["command"], "arguments": command["arguments"] });
    let answer = client.request("workspace/executeCommand", params).await.unwrap();
    assert_eq!(answer, json!({ "exitCode": 0, "cancelled": false, "passed": 1, "failed": 0 }));
    for path in [&test, &source] {
        while !client.diagnostics(path).await.is_empty() {}
    }
    client.close().await;
}

/// The tests of one cause, and all that failed last.
#[tokio::test]
#[cfg(unix)]
async fn a_cause_and_what_failed_last_are_run() {
    let project = project();
    project.write("test_more.py", "def test_more():\n    assert len([]) == 2\n");
    let mut client = Client::start(setup(&project, &python())).await;
    let error = client.execute("failscope.runOutput", json!({})).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("no tests have been run"), "{error}");
    let all = json!({ "tests": ["test_shop.py", "test_more.py"] });
    client.execute("failscope.runTest", all).await.unwrap();
    let shown = client.diagnostics(&project.path("test_more.py")).await;
    let cause = &shown[0]["data"]["fingerprint"];
    let answer = client.execute("failscope.runCluster", json!({ "fingerprint": cause })).await.unwrap();
    assert_eq!(answer, json!({ "exitCode": 1, "cancelled": false, "passed": 0, "failed": 1 }));
    let answer = client.execute("failscope.runFailed", json!({})).await.unwrap();
    assert_eq!(answer, json!({ "exitCode": 1, "cancelled": false, "passed": 0, "failed": 2 }));
    client.discard();
    client.close().await;
}

#[tokio::test]
#[cfg(unix)]
async fn a_run_can_be_cancelled() {
    let project = project();
    project.write(
        "test_long.py",
        "import time\n\n\ndef test_long():\n    open('started', 'w').close()\n    time.sleep(600)\n",
    );
    let mut client = Client::start(setup(&project, &python())).await;
    let argument = json!({ "tests": ["test_long.py"] });
    let params =
        json!({ "command": "failscope.runTest", "arguments": [argument.clone()], "workDoneToken": "t" });
    let id = client.ask("workspace/executeCommand", params).await;
    let begin = client.notification("$/progress").await;
    assert_eq!(begin["value"]["cancellable"], true);
    while !project.path("started").exists() {
        client.hover(&project.path("shop.py"), 0, 0).await;
    }
    // Of those that wait the newest stays, and has its turn.
    let command = json!({ "command": "failscope.runTest", "arguments": [argument] });
    let waiting = client.ask("workspace/executeCommand", command).await;
    let other =
        json!({ "command": "failscope.runTest", "arguments": [{ "tests": ["test_shop.py::test_other"] }] });
    let newest = client.ask("workspace/executeCommand", other).await;
    let error = client.answer(waiting).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("newer request"), "{error}");
    client.notify("window/workDoneProgress/cancel", json!({ "token": "t" })).await;
    assert_eq!(client.answer(id).await.unwrap()["cancelled"], true);
    while client.notification("$/progress").await["value"]["kind"] != "end" {}
    let answer = client.answer(newest).await.unwrap();
    assert_eq!(answer, json!({ "exitCode": 0, "cancelled": false, "passed": 1, "failed": 0 }));
    client.close().await;
}

#[tokio::test]
async fn what_cannot_be_run_is_told() {
    let project = Project::new();
    let mut setup = Setup::new(project.root(), Fake::new());
    setup.initialization_options = json!({ "python": "no/such/python" });
    let mut client = Client::start(setup).await;
    for name in ["test_shop.py", "shop.py"] {
        client.diagnostics(&project.path(name)).await;
    }
    let rows = [
        ("failscope.runTest", json!({ "tests": ["test_shop.py::test_total"] }), "no/such/python"),
        ("failscope.runCluster", json!({ "fingerprint": "f1" }), "no/such/python"),
        ("failscope.runFailed", json!({}), "no/such/python"),
        ("failscope.runTest", json!({}), "names no `tests`"),
        ("failscope.runTest", json!({ "tests": ["--co"] }), "cannot begin with '-'"),
        ("failscope.runCluster", json!({}), "names no `fingerprint`"),
        ("failscope.runCluster", json!({ "fingerprint": "gone" }), "no longer"),
    ];
    for (command, argument, expected) in rows {
        let error = client.execute(command, argument.clone()).await.unwrap_err();
        assert!(error["message"].as_str().unwrap().contains(expected), "{command} {argument}: {error}");
    }
    client.close().await;
}
