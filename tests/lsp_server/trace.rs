//! Finding the culprit from the editor, with a real pytest and the real pipeline.

#![cfg(unix)]

use std::sync::Arc;

use failscope::engine::tools::Pipeline;
use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, whole};
use crate::fake::Project;
use crate::run::python;

const STOCK: &str = "class Stock:\n    def __init__(self):\n        self.pieces = {}\n\n    def add(self, name, count):\n        self.pieces[name] = self.pieces.get(name, 0) + count\n\n    def take(self, name, count):\n        self.pieces[name] = self.pieces[name] - 1\n\n    def left(self, name):\n        return self.pieces.get(name, 0)\n";
const TEST: &str = "from stock import Stock\n\n\ndef test_add():\n    stock = Stock()\n    stock.add('a', 3)\n    assert stock.left('a') == 3\n\n\ndef test_take():\n    stock = Stock()\n    stock.add('a', 5)\n    stock.take('a', 3)\n    assert stock.left('a') == 2\n";

fn project() -> Project {
    let project = Project::empty();
    project.write(
        "pyproject.toml",
        "[tool.pytest.ini_options]\npythonpath = [\".\"]\naddopts = \"-p no:cacheprovider\"\n",
    );
    project.write("stock.py", STOCK);
    project.write("test_stock.py", TEST);
    project
}

fn setup(project: &Project, trace: &str, search: &str) -> Setup {
    let mut setup = Setup::new(project.root(), Arc::new(Pipeline::default()));
    setup.initialization_options =
        json!({ "python": python(), "trace": trace, "search": search, "searchBudget": 60 });
    let home = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
    setup.environment = vec![("HOME".to_owned(), home.display().to_string())];
    setup
}

async fn actions(client: &mut Client, project: &Project) -> Vec<Json> {
    let answer = client.request("textDocument/codeAction", whole(&project.path("test_stock.py"))).await;
    answer.unwrap().as_array().cloned().unwrap_or_default()
}

/// Waits for a diagnostic of `stock.py` on line `line` (from 0).
async fn marked(client: &mut Client, project: &Project, line: u32) -> Json {
    loop {
        let all = client.diagnostics(&project.path("stock.py")).await;
        if let Some(found) = all.into_iter().find(|d| d["range"]["start"]["line"] == line) {
            return found;
        }
    }
}

#[tokio::test]
async fn the_culprit_takes_the_place_of_the_guess() {
    let project = project();
    let mut client = Client::start(setup(&project, "onRequest", "off")).await;
    client.execute("failscope.runTest", json!({ "tests": ["test_stock.py"] })).await.unwrap();
    for name in ["test_stock.py", "stock.py"] {
        while client.diagnostics(&project.path(name)).await.is_empty() {}
    }
    let all = actions(&mut client, &project).await;
    let action = all.iter().find(|a| a["title"] == "Find the culprit").unwrap();
    let params = json!({
        "command": "failscope.findCulprit",
        "arguments": action["command"]["arguments"],
        "workDoneToken": "find",
    });
    let answer = client.request("workspace/executeCommand", params).await.unwrap();
    assert_eq!(answer["cancelled"], false, "{answer:#}");
    assert_eq!((&answer["failing"], &answer["passing"]), (&json!(1), &json!(1)), "{answer:#}");
    let found = marked(&mut client, &project, 8).await;
    let related = found["relatedInformation"].to_string();
    assert!(related.contains("also suspect"), "{found:#}");
    let report = std::fs::read_to_string(project.path(".failscope/rca_report.json")).unwrap();
    let report: Json = serde_json::from_str(&report).unwrap();
    assert_eq!(report["analyses"][0]["affected_line"], 9, "{report:#}");
    while client.notification("$/progress").await["value"]["kind"] != "end" {}
    client.discard();
    client.close().await;
}

/// The verified fixes of the only finding in the report.
fn verified(project: &Project) -> Vec<String> {
    let Ok(report) = std::fs::read_to_string(project.path(".failscope/rca_report.json")) else {
        return Vec::new();
    };
    let report: Json = serde_json::from_str(&report).unwrap();
    let fixes = report["analyses"][0]["fixes"].as_array().cloned().unwrap_or_default();
    let verified = fixes.into_iter().filter(|fix| fix["verification"]["state"] == "verified");
    verified.map(|fix| fix["title"].as_str().unwrap().to_owned()).collect()
}

/// The same with a fault that a small edit mends.
fn mendable() -> Project {
    let project = project();
    project.write("stock.py", &STOCK.replace("self.pieces[name] - 1", "self.pieces[name] + count"));
    project
}

const MENDED: &str = "self.pieces[name] = self.pieces[name] - count";

#[tokio::test]
async fn a_fix_is_searched_with_the_culprit_and_offered_as_verified() {
    let project = mendable();
    let before = std::fs::read_to_string(project.path("stock.py")).unwrap();
    let mut client = Client::start(setup(&project, "onRequest", "onRequest")).await;
    client.execute("failscope.runTest", json!({ "tests": ["test_stock.py"] })).await.unwrap();
    let answer = client.execute("failscope.findCulprit", json!({})).await.unwrap();
    assert_eq!(answer["cancelled"], false, "{answer:#}");
    assert!(answer["notes"].to_string().contains("found by trying"), "{answer:#}");
    let titles = verified(&project);
    assert!(titles.iter().any(|title| title.contains(MENDED)), "{titles:#?}");
    let all = actions(&mut client, &project).await;
    let offered = all.iter().find(|action| action["title"].as_str().unwrap().contains(MENDED));
    assert!(offered.is_some(), "{all:#?}");
    assert_eq!(std::fs::read_to_string(project.path("stock.py")).unwrap(), before);
    client.discard();
    client.close().await;
}

#[tokio::test]
async fn in_the_background_where_the_settings_say_so() {
    let project = mendable();
    let mut client = Client::start(setup(&project, "auto", "auto")).await;
    client.execute("failscope.runTest", json!({ "tests": ["test_stock.py"] })).await.unwrap();
    // The report is written anew after each step.
    while !verified(&project).iter().any(|title| title.contains(MENDED)) {
        actions(&mut client, &project).await;
        tokio::task::yield_now().await;
    }
    client.discard();
    client.close().await;
}

#[tokio::test]
async fn what_is_switched_off_is_not_offered_and_not_done() {
    let project = project();
    let mut client = Client::start(setup(&project, "off", "onRequest")).await;
    client.execute("failscope.runTest", json!({ "tests": ["test_stock.py"] })).await.unwrap();
    for name in ["test_stock.py", "stock.py"] {
        while client.diagnostics(&project.path(name)).await.is_empty() {}
    }
    let all = actions(&mut client, &project).await;
    assert!(!all.iter().any(|a| a["title"] == "Find the culprit"), "{all:#?}");
    let error = client.execute("failscope.findCulprit", json!({})).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("setting `trace`"), "{error}");
    client.close().await;
}
