//! Diagnostics that the client pulls.

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, lines, uri, whole};
use crate::fake::{Fake, Project, SHOP, results};

fn pulling(project: &Project) -> Setup {
    Setup::new(project.root(), Fake::new())
        .with("/textDocument/diagnostic", json!({ "dynamicRegistration": true }))
        .with("/workspace/diagnostics/refreshSupport", json!(true))
}

async fn refreshed(client: &mut Client) {
    let (id, _) = client.server_request("workspace/diagnostic/refresh").await;
    client.respond(id, Json::Null).await;
}

#[tokio::test]
async fn a_client_that_pulls_is_told_when_and_pushed_nothing() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut client = Client::start(pulling(&project)).await;
    refreshed(&mut client).await;
    let report = client.request("textDocument/diagnostic", whole(&source)).await.unwrap();
    assert_eq!(report["kind"], "full");
    assert_eq!(lines(report["items"].as_array().unwrap()), [(4, "total adds 1 to the sum".to_owned())]);
    let mut again = whole(&source);
    again["previousResultId"] = report["resultId"].clone();
    let same = client.request("textDocument/diagnostic", again.clone()).await.unwrap();
    assert_eq!(same, json!({ "kind": "unchanged", "resultId": report["resultId"] }));
    // What was typed before the question counts in the answer.
    client.open(&source, SHOP).await;
    client.edit(&source, 2, ((0, 0), (0, 0)), "\n").await;
    let moved = client.request("textDocument/diagnostic", again).await.unwrap();
    assert_eq!(lines(moved["items"].as_array().unwrap())[0].0, 5);
    refreshed(&mut client).await;
    client.close().await;
}

#[tokio::test]
async fn the_whole_workspace_can_be_pulled() {
    let project = Project::new();
    let mut client = Client::start(pulling(&project)).await;
    refreshed(&mut client).await;
    let all = client.request("workspace/diagnostic", json!({ "previousResultIds": [] })).await.unwrap();
    let items = all["items"].as_array().unwrap();
    let found: Vec<&str> = items.iter().map(|i| i["uri"].as_str().unwrap()).collect();
    assert_eq!(found, [uri(&project.path("shop.py")), uri(&project.path("test_shop.py"))]);
    assert_eq!(items[0]["version"], Json::Null);
    let ids: Vec<Json> = items.iter().map(|i| json!({ "uri": i["uri"], "value": i["resultId"] })).collect();
    let again = client.request("workspace/diagnostic", json!({ "previousResultIds": ids })).await.unwrap();
    assert!(again["items"].as_array().unwrap().iter().all(|i| i["kind"] == "unchanged"), "{again}");
    // What is gone is told as empty.
    let file = project.write("run.results", &results(&[]));
    client.touched(&[&file]).await;
    refreshed(&mut client).await;
    let gone = client.request("workspace/diagnostic", json!({ "previousResultIds": ids })).await.unwrap();
    let gone = gone["items"].as_array().unwrap();
    assert_eq!(gone.len(), 2);
    assert!(gone.iter().all(|i| i["kind"] == "full" && i["items"] == json!([])), "{gone:#?}");
    client.close().await;
}

#[tokio::test]
async fn a_client_that_cannot_be_told_to_pull_is_pushed() {
    let project = Project::new();
    let setup = Setup::new(project.root(), Fake::new()).with("/textDocument/diagnostic", json!({}));
    let mut client = Client::start(setup).await;
    assert_eq!(client.answer["capabilities"].get("diagnosticProvider"), None);
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await.len(), 1);
    }
    // It is answered all the same.
    let report = client.request("textDocument/diagnostic", whole(&project.path("shop.py"))).await.unwrap();
    assert_eq!(report["items"].as_array().unwrap().len(), 1);
    let nothing = client.request("textDocument/diagnostic", whole(&project.path("other.py"))).await.unwrap();
    assert_eq!((&nothing["kind"], &nothing["items"]), (&json!("full"), &json!([])));
    client.close().await;
}
