//! Code actions and commands.

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, position, uri, whole};
use crate::fake::{Fake, Project, SHOP, cluster, results};

async fn started(project: &Project, setup: Setup) -> Client {
    let mut client = Client::start(setup).await;
    client.diagnostics(&project.path("test_shop.py")).await;
    client.diagnostics(&project.path("shop.py")).await;
    client
}

async fn actions(client: &mut Client, params: Json) -> Vec<Json> {
    let answer = client.request("textDocument/codeAction", params).await.unwrap();
    answer.as_array().cloned().unwrap_or_default()
}

fn titled<'a>(actions: &'a [Json], title: &str) -> &'a Json {
    actions.iter().find(|a| a["title"] == title).unwrap_or_else(|| panic!("no {title:?} in {actions:#?}"))
}

/// The edit that turns `    return sum_ + 1` into `    return sum_`.
fn edit_at(line: u32) -> Json {
    let range =
        json!({ "start": { "line": line, "character": 11 }, "end": { "line": line, "character": 19 } });
    json!([{ "range": range, "newText": "sum_" }])
}

#[tokio::test]
async fn a_fix_is_resolved_to_an_edit_of_a_version() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut client = started(&project, Setup::new(project.root(), Fake::new())).await;
    client.open(&source, SHOP).await;
    let all = actions(&mut client, whole(&source)).await;
    let fix = titled(&all, "Return `sum_`");
    assert_eq!(fix["kind"], "quickfix");
    assert_eq!(fix.get("edit"), None, "edits come when they are asked for");
    assert_eq!(fix.get("isPreferred"), None, "it is not verified");
    assert_eq!(fix["diagnostics"][0]["range"]["start"]["line"], 4);
    let resolved = client.request("codeAction/resolve", fix.clone()).await.unwrap();
    let document = json!({ "uri": uri(&source), "version": 1 });
    assert_eq!(
        resolved["edit"],
        json!({ "documentChanges": [{ "textDocument": document, "edits": edit_at(4) }] })
    );
    // The same from the test's failing line.
    let all = actions(&mut client, whole(&project.path("test_shop.py"))).await;
    titled(&all, "Return `sum_`");
    client.close().await;
}

#[tokio::test]
async fn a_fix_moves_with_the_text_and_goes_when_its_lines_change() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut client = started(&project, Setup::new(project.root(), Fake::new())).await;
    client.open(&source, SHOP).await;
    let all = actions(&mut client, whole(&source)).await;
    let old = titled(&all, "Return `sum_`").clone();
    client.edit(&source, 2, ((0, 0), (0, 0)), "import os\n").await;
    let resolved = client.request("codeAction/resolve", old.clone()).await.unwrap();
    assert_eq!(resolved["edit"]["documentChanges"][0]["textDocument"]["version"], 2);
    assert_eq!(resolved["edit"]["documentChanges"][0]["edits"], edit_at(5));
    client.edit(&source, 3, ((5, 11), (5, 15)), "total").await;
    let error = client.request("codeAction/resolve", old.clone()).await.unwrap_err();
    assert_eq!(error["code"], -32801, "content modified");
    let all = actions(&mut client, whole(&source)).await;
    assert!(!all.iter().any(|a| a["kind"] == "quickfix"), "{all:#?}");
    // New results, in which the cause is gone.
    let file = project.write("run.results", &results(&[]));
    client.touched(&[&file]).await;
    client.analyze().await;
    let error = client.request("codeAction/resolve", old).await.unwrap_err();
    assert_eq!(error["code"], -32801);
    // Typing, staleness, and the end: the last publication of each file is empty.
    for name in ["shop.py", "test_shop.py"] {
        while !client.diagnostics(&project.path(name)).await.is_empty() {}
    }
    client.close().await;
}

#[tokio::test]
async fn clients_that_cannot_resolve_get_the_edit_at_once_in_their_shape() {
    let project = Project::new();
    let source = project.path("shop.py");
    let setup = Setup::new(project.root(), Fake::new())
        .with("/textDocument/codeAction/resolveSupport", Json::Null)
        .with("/workspace/workspaceEdit", json!({}));
    let mut client = started(&project, setup).await;
    let all = actions(&mut client, whole(&source)).await;
    let fix = titled(&all, "Return `sum_`");
    assert_eq!(fix["edit"], json!({ "changes": { uri(&source): edit_at(4) } }));
    assert_eq!(fix.get("data"), None);
    client.close().await;
}

#[tokio::test]
async fn clients_without_literals_get_commands() {
    let project = Project::new();
    let source = project.path("shop.py");
    let setup = Setup::new(project.root(), Fake::new())
        .with("/textDocument/codeAction/codeActionLiteralSupport", Json::Null);
    let mut client = started(&project, setup).await;
    let all = actions(&mut client, whole(&source)).await;
    let fix = titled(&all, "Return `sum_`");
    assert_eq!(fix["command"], "failscope.applyFix");
    let argument = fix["arguments"][0].clone();
    assert_eq!(client.execute("failscope.applyFix", argument).await, Ok(Json::Null));
    let (id, params) = client.server_request("workspace/applyEdit").await;
    assert_eq!(params["edit"]["documentChanges"][0]["edits"], edit_at(4));
    client.respond(id, json!({ "applied": true })).await;
    client.close().await;
}

#[tokio::test]
async fn columns_of_edits_are_in_the_clients_units() {
    for (encoding, start, end) in [("utf-8", 11, 24), ("utf-16", 11, 19), ("utf-32", 11, 17)] {
        let project = Project::new();
        let source = project.write("shop.py", &SHOP.replace("sum_ + 1", "'😀é😀'+1"));
        let mut one = cluster();
        one["fixes"][0]["columns"] = json!([12, 18]);
        project.write("run.results", &results(&[one]));
        let setup =
            Setup::new(project.root(), Fake::new()).with("/general/positionEncodings", json!([encoding]));
        let mut client = started(&project, setup).await;
        let all = actions(&mut client, whole(&source)).await;
        let resolved =
            client.request("codeAction/resolve", titled(&all, "Return `sum_`").clone()).await.unwrap();
        let range = &resolved["edit"]["documentChanges"][0]["edits"][0]["range"];
        assert_eq!(
            (&range["start"]["character"], &range["end"]["character"]),
            (&json!(start), &json!(end)),
            "{encoding}"
        );
        client.close().await;
    }
}

#[tokio::test]
async fn a_verified_fix_is_preferred_and_kinds_can_be_asked_for() {
    let project = Project::new();
    let mut one = cluster();
    one["fixes"][0]["verified"] = json!(true);
    project.write("run.results", &results(&[one]));
    let source = project.path("shop.py");
    let mut client = started(&project, Setup::new(project.root(), Fake::new())).await;
    let all = actions(&mut client, whole(&source)).await;
    let title = "Return `sum_` (verified: 0 tests pass, none newly fail)";
    assert_eq!(titled(&all, title)["isPreferred"], true);
    for (only, expected) in [
        ("quickfix", 1),
        ("failscope", 3),
        ("failscope.run", 3),
        ("refactor", 0),
        ("source.fixAll", 1),
        ("source", 1),
        ("", 4),
    ] {
        let mut params = whole(&source);
        params["context"]["only"] = json!([only]);
        assert_eq!(actions(&mut client, params).await.len(), expected, "{only}");
    }
    // Nothing where nothing is wrong.
    let mut params = whole(&source);
    params["range"] = json!({ "start": { "line": 7, "character": 0 }, "end": { "line": 8, "character": 0 } });
    assert_eq!(actions(&mut client, params).await, Vec::<Json>::new());
    client.close().await;
}

#[tokio::test]
async fn tests_can_be_run_from_where_they_fail() {
    let project = Project::new();
    let mut one = cluster();
    let mut second = one["tests"][0].clone();
    second["id"] = json!("test_shop.py::test_nothing");
    second["at"] = json!(["test_shop.py", 10]);
    second["frames"] = json!([]);
    second["bare"] = json!(true);
    one["tests"].as_array_mut().unwrap().push(second);
    project.write("run.results", &results(&[one]));
    let test = project.path("test_shop.py");
    let mut client = started(&project, Setup::new(project.root(), Fake::new())).await;
    let all = actions(&mut client, whole(&test)).await;
    let run = titled(&all, "Run this test again");
    assert_eq!(run["kind"], "failscope.run");
    assert_eq!(run["command"]["command"], "failscope.runTest");
    assert_eq!(run["command"]["arguments"][0]["tests"], json!(["test_shop.py::test_total"]));
    titled(&all, "Run this test for details");
    let cluster = titled(&all, "Run all 2 tests with this cause");
    assert_eq!(cluster["command"]["arguments"][0]["fingerprint"], "f1");
    client.close().await;
}

#[tokio::test]
async fn the_report_is_opened() {
    let project = Project::new();
    let setup = Setup::new(project.root(), Fake::new()).with("/window/showDocument/support", json!(true));
    let mut client = started(&project, setup).await;
    client.analyze().await;
    let report = uri(&project.path(".failscope/rca_report.html"));
    assert_eq!(client.execute("failscope.openReport", Json::Null).await, Ok(json!(report)));
    let (id, params) = client.server_request("window/showDocument").await;
    assert_eq!(params, json!({ "uri": report, "external": true }));
    client.respond(id, json!({ "success": true })).await;
    std::fs::remove_dir_all(project.path(".failscope")).unwrap();
    let error = client.execute("failscope.openReport", json!({})).await.unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("failscope analyze"), "{error}");
    client.close().await;
}

#[tokio::test]
async fn what_is_not_ours_is_refused() {
    let project = Project::new();
    let mut client = started(&project, Setup::new(project.root(), Fake::new())).await;
    let foreign = json!({ "title": "Foreign", "data": { "other": true } });
    assert_eq!(client.request("codeAction/resolve", foreign).await.unwrap_err()["code"], -32602);
    let without = json!({ "title": "No data" });
    assert_eq!(client.request("codeAction/resolve", without.clone()).await, Ok(without));
    assert_eq!(client.execute("failscope.applyFix", json!({})).await.unwrap_err()["code"], -32602);
    let elsewhere = std::path::Path::new("/nowhere/a.py");
    assert_eq!(client.request("textDocument/codeAction", whole(elsewhere)).await, Ok(Json::Null));
    assert_eq!(client.request("textDocument/hover", position(elsewhere, 0, 0)).await, Ok(Json::Null));
    client.close().await;
}
