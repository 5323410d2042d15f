//! Code lenses and inlay hints, and the settings that turn things off.

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, whole};
use crate::fake::{Fake, Project, SHOP, TEST, cluster, results};

async fn lenses(client: &mut Client, params: Json) -> Vec<(u64, String, String)> {
    let answer = client.request("textDocument/codeLens", params).await.unwrap();
    let lenses = answer.as_array().cloned().unwrap_or_default();
    lenses
        .iter()
        .map(|lens| {
            let text = |key: &str| lens["command"][key].as_str().unwrap().to_owned();
            (lens["range"]["start"]["line"].as_u64().unwrap(), text("title"), text("command"))
        })
        .collect()
}

async fn started(project: &Project, setup: Setup) -> Client {
    let mut client = Client::start(setup).await;
    client.diagnostics(&project.path("test_shop.py")).await;
    client.diagnostics(&project.path("shop.py")).await;
    client
}

#[tokio::test]
async fn lenses_give_each_tests_status() {
    let project = Project::new();
    let test = project.path("test_shop.py");
    let mut client = started(&project, Setup::new(project.root(), Fake::new())).await;
    let lens = |line, title: &str, command: &str| (line, title.to_owned(), format!("failscope.{command}"));
    let all = |line| {
        [
            lens(line, "✗ total adds 1 to the sum", "openReport"),
            lens(line, "Run again", "runTest"),
            lens(line + 5, "✓ passed", "runTest"),
        ]
    };
    assert_eq!(lenses(&mut client, whole(&test)).await, all(3));
    client.open(&test, TEST).await;
    assert_eq!(lenses(&mut client, whole(&test)).await, all(3));
    // They move with the text.
    client.edit(&test, 2, ((0, 0), (0, 0)), "\n").await;
    client.diagnostics(&test).await;
    client.diagnostics(&project.path("shop.py")).await;
    assert_eq!(lenses(&mut client, whole(&test)).await, all(4));
    assert_eq!(lenses(&mut client, whole(&project.path("shop.py"))).await, []);
    client.close().await;
}

#[tokio::test]
async fn hints_give_the_values_at_the_failing_line() {
    let project = Project::new();
    let test = project.path("test_shop.py");
    let mut client = started(&project, Setup::new(project.root(), Fake::new())).await;
    let hints = client.request("textDocument/inlayHint", whole(&test)).await.unwrap();
    let [hint] = hints.as_array().unwrap().as_slice() else { panic!("{hints}") };
    assert_eq!(hint["position"], json!({ "line": 5, "character": 28 }));
    assert_eq!(hint["label"], "total(items) = 4, items = [1, 2]");
    assert_eq!(hint["tooltip"], "At the failure:\ntotal(items) = 4\nitems = [1, 2]");
    let mut elsewhere = whole(&test);
    elsewhere["range"]["end"] = json!({ "line": 3, "character": 0 });
    assert_eq!(client.request("textDocument/inlayHint", elsewhere).await, Ok(json!([])));
    // Values of a function that has changed since would be wrong.
    client.open(&test, TEST).await;
    client.edit(&test, 2, ((4, 12), (4, 18)), "[5]").await;
    client.diagnostics(&test).await;
    assert_eq!(client.request("textDocument/inlayHint", whole(&test)).await, Ok(json!([])));
    client.close().await;
}

#[tokio::test]
async fn long_values_are_cut() {
    let project = Project::new();
    let mut one = cluster();
    let long = "x".repeat(5000);
    one["tests"][0]["values"] =
        json!([["a", long], ["b", "1\n2"], ["c", long], ["d", "2"], ["e", long], ["f", "3"]]);
    project.write("run.results", &results(&[one]));
    let mut client = started(&project, Setup::new(project.root(), Fake::new())).await;
    let hints = client.request("textDocument/inlayHint", whole(&project.path("test_shop.py"))).await.unwrap();
    let label = hints[0]["label"].as_str().unwrap();
    assert!(label.chars().count() < 140 && label.ends_with('…') && label.contains("b = 1 2"), "{label}");
    client.close().await;
}

#[tokio::test]
async fn the_client_is_told_to_ask_again() {
    let project = Project::new();
    let setup = Setup::new(project.root(), Fake::new())
        .with("/workspace/codeLens/refreshSupport", json!(true))
        .with("/workspace/inlayHint/refreshSupport", json!(true));
    let mut client = started(&project, setup).await;
    for method in ["workspace/codeLens/refresh", "workspace/inlayHint/refresh"] {
        let (id, _) = client.server_request(method).await;
        client.respond(id, Json::Null).await;
    }
    client.close().await;
}

#[tokio::test]
async fn every_surface_can_be_turned_off() {
    let surfaces = ["testDiagnostics", "culpritDiagnostics", "hover", "codeLens", "inlayHints"];
    for off in surfaces {
        let project = Project::new();
        let (test, source) = (project.path("test_shop.py"), project.path("shop.py"));
        let mut setup = Setup::new(project.root(), Fake::new());
        setup.initialization_options = json!({ "surfaces": { off: false } });
        let mut client = Client::start(setup).await;
        client.analyze().await;
        client.open(&test, TEST).await;
        client.open(&source, SHOP).await;
        if off != "testDiagnostics" {
            assert_eq!(client.diagnostics(&test).await.len(), 1, "{off}");
        }
        if off != "culpritDiagnostics" {
            assert_eq!(client.diagnostics(&source).await.len(), 1, "{off}");
        }
        let hover = client.hover(&test, 5, 6).await;
        assert_eq!(hover.is_null(), off == "hover" || off == "testDiagnostics", "{off}: {hover}");
        assert_eq!(lenses(&mut client, whole(&test)).await.is_empty(), off == "codeLens", "{off}");
        let hints = client.request("textDocument/inlayHint", whole(&test)).await.unwrap();
        assert_eq!(hints.as_array().is_none_or(Vec::is_empty), off == "inlayHints", "{off}: {hints}");
        client.close().await;
    }
}
