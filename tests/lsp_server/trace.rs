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

#[tokio::test]
async fn hovers_say_what_has_changed_since_the_test_passed() {
    let project = project();
    let git = |args: &[&str]| {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
        let mut command = assert_cmd::Command::new("git");
        command.current_dir(project.root()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.args(identity).args(args).assert().success();
    };
    let good = STOCK.replace("- 1", "- count");
    project.write("stock.py", &good);
    git(&["init", "-q", "-b", "trunk", "."]);
    git(&["add", "stock.py", "test_stock.py"]);
    git(&["commit", "-q", "-m", "one"]);
    let mut client = Client::start(setup(&project, "onRequest", "off")).await;
    let run = json!({ "tests": ["test_stock.py"] });
    client.execute("failscope.runTest", run.clone()).await.unwrap();
    project.write("stock.py", STOCK);
    git(&["commit", "-q", "-a", "-m", "two"]);
    client.execute("failscope.runTest", run).await.unwrap();
    client.execute("failscope.findCulprit", json!({})).await.unwrap();
    marked(&mut client, &project, 8).await;
    let hover = client.hover(&project.path("stock.py"), 8, 8).await;
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("passed 1 commit ago; stock.py:9 changed since"), "{text}");
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

/// The processes that run somewhere below `folder`.
fn running(folder: &std::path::Path) -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let folders = processes.filter_map(|process| std::fs::read_link(process.path().join("cwd")).ok());
    folders.filter(|cwd| cwd.starts_with(folder)).count()
}

/// Every edit that changes what the function gives makes the test wait for ever, and says so by a file.
#[tokio::test]
async fn a_search_can_be_cancelled_and_leaves_nothing_behind() {
    let project = project();
    project.write("stock.py", "def total(n):\n    return n.bit_length() * 3 - 4\n");
    project.write("test_stock.py", "import time\n\nfrom stock import total\n\n\ndef test_total():\n    value = total(2)\n    if value != 2:\n        open('here', 'w').close()\n        time.sleep(600)\n    assert value == 300\n");
    let cache = tempfile::tempdir().unwrap();
    let copies = cache.path().join("failscope/copies");
    let mut setup = setup(&project, "onRequest", "onRequest");
    setup.environment.push(("XDG_CACHE_HOME".to_owned(), cache.path().display().to_string()));
    let mut client = Client::start(setup).await;
    client.execute("failscope.runTest", json!({ "tests": ["test_stock.py"] })).await.unwrap();
    let params = json!({ "command": "failscope.findCulprit", "arguments": [{}], "workDoneToken": "search" });
    let id = client.ask("workspace/executeCommand", params).await;
    let is_here = || {
        let files = ignore::WalkBuilder::new(&copies).standard_filters(false).build();
        files.flatten().any(|entry| entry.file_name() == "here")
    };
    while !is_here() {
        client.hover(&project.path("stock.py"), 0, 4).await;
        tokio::task::yield_now().await;
    }
    assert_ne!(running(&copies), 0);
    client.notify("window/workDoneProgress/cancel", json!({ "token": "search" })).await;
    assert_eq!(client.answer(id).await.unwrap()["cancelled"], true);
    assert_eq!(running(&copies), 0);
    assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 0);
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
