//! What the protocol library has been seen to do wrong or leave undone: one test each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, lines, position, uri};
use crate::fake::{Fake, Project, Release, cluster, results};

async fn both(client: &mut Client, project: &Project) {
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await.len(), 1);
    }
}

/// Handlers interleave at every `.await`; only what comes before the first one runs in order of arrival.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_edits_stay_in_order() {
    const EDITS: u32 = 3000;
    let project = Project::empty();
    let text = "    assert total(items) == 3\n";
    let file = project.write("test_shop.py", text);
    let mut one = cluster();
    one["culprit"] = Json::Null;
    one["fixes"] = json!([]);
    one["evidence"] = json!([]);
    one["tests"][0]["at"] = json!(["test_shop.py", 1]);
    one["tests"][0]["def"] = json!(["test_shop.py", 1]);
    one["tests"][0]["frames"] = json!([]);
    project.write("run.results", &results(&[one]));
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    assert_eq!(lines(&client.diagnostics(&file).await)[0].0, 0);
    client.open(&file, text).await;
    // The marked line is line n when edit n comes. The edit puts a line before it; had a later one been taken
    // in first, that one would have ended up behind the marked line.
    for n in 0..EDITS {
        client.edit(&file, 2 + i32::try_from(n).unwrap(), ((n, 0), (n, 0)), &format!("# {n}\n")).await;
    }
    let mut last = Json::Null;
    while last["version"] != 1 + EDITS {
        last = client.publication(&file).await;
    }
    assert_eq!(lines(last["diagnostics"].as_array().unwrap())[0].0, u64::from(EDITS));
    client.close().await;
}

/// A handler that awaits an answer of the client stops the read loop.
#[tokio::test]
async fn a_client_that_answers_nothing_stops_nothing() {
    let project = Project::new();
    let setup = Setup::new(project.root(), Fake::new())
        .with("/workspace/configuration", json!(true))
        .with("/workspace/didChangeWatchedFiles/dynamicRegistration", json!(true))
        .with("/window/showDocument/support", json!(true));
    let mut client = Client::start(setup).await;
    both(&mut client, &project).await;
    client.analyze().await;
    for _ in 0..20 {
        client.notify("workspace/didChangeConfiguration", json!({ "settings": null })).await;
        client.execute("failscope.openReport", json!({})).await.unwrap();
        assert_ne!(client.hover(&project.path("shop.py"), 4, 5).await, Json::Null);
    }
    // Now it answers, all at once.
    let (id, _) = client.server_request("client/registerCapability").await;
    client.respond(id, Json::Null).await;
    for _ in 0..=20 {
        let (id, params) = client.server_request("workspace/configuration").await;
        assert_eq!(params["items"], json!([{ "scopeUri": uri(project.root()), "section": "failscope" }]));
        client.respond(id, json!([null])).await;
    }
    for _ in 0..20 {
        let (id, _) = client.server_request("window/showDocument").await;
        client.respond(id, json!({ "success": true })).await;
    }
    client.close().await;
}

/// An answer that comes when nobody waits for it any more breaks the library.
#[tokio::test]
async fn a_late_answer_breaks_nothing() {
    let project = Project::new();
    let mut setup = Setup::new(project.root(), Fake::new()).with("/workspace/configuration", json!(true));
    setup.patience = Duration::ZERO;
    let mut client = Client::start(setup).await;
    both(&mut client, &project).await;
    let (id, _) = client.server_request("workspace/configuration").await;
    client.respond(id, json!([{ "severity": "hint" }])).await;
    client.send(json!({ "jsonrpc": "2.0", "id": 4711, "result": null })).await;
    assert_ne!(client.hover(&project.path("shop.py"), 4, 5).await, Json::Null);
    client.close().await;
}

/// Limiting the library to one handler at a time keeps order but loses `$/cancelRequest`; and a request that is
/// cancelled drops its future but not what it has started.
#[tokio::test]
async fn requests_can_be_cancelled_and_what_they_began_is_finished() {
    let project = Project::new();
    let fake = Fake::new();
    let _release = Release(Arc::clone(&fake));
    let mut client = Client::start(Setup::new(project.root(), fake.clone())).await;
    both(&mut client, &project).await;
    fake.hold();
    project.write("run.results", &results(&[]));
    let params = json!({ "command": "failscope.analyze", "arguments": [] });
    let id = client.ask("workspace/executeCommand", params).await;
    client.notify("$/cancelRequest", json!({ "id": id })).await;
    assert_eq!(client.answer(id).await.unwrap_err()["code"], -32800);
    fake.release();
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await, Vec::<Json>::new());
    }
    client.close().await;
}

/// One task polls all handlers: whatever blocks in one delays all others.
#[tokio::test]
async fn a_long_analysis_delays_nothing() {
    let project = Project::new();
    let fake = Fake::new();
    let _release = Release(Arc::clone(&fake));
    let mut client = Client::start(Setup::new(project.root(), fake.clone())).await;
    both(&mut client, &project).await;
    fake.hold();
    let params = json!({ "command": "failscope.analyze", "arguments": [] });
    // More than the library's own limit of handlers at a time.
    let mut asked = Vec::new();
    for _ in 0..20 {
        asked.push(client.ask("workspace/executeCommand", params.clone()).await);
    }
    let source = project.path("shop.py");
    client.open(&source, crate::fake::SHOP).await;
    client.edit(&source, 2, ((0, 0), (0, 0)), "\n").await;
    assert_eq!(lines(&client.diagnostics(&source).await)[0].0, 5);
    client.diagnostics(&project.path("test_shop.py")).await;
    assert_ne!(client.hover(&source, 5, 5).await, Json::Null);
    fake.release();
    for id in asked {
        client.answer(id).await.unwrap();
    }
    client.close().await;
}

/// Bursts are coalesced: one analysis runs, one waits.
#[tokio::test]
async fn a_burst_is_two_analyses() {
    let project = Project::new();
    let fake = Fake::new();
    let _release = Release(Arc::clone(&fake));
    let mut client = Client::start(Setup::new(project.root(), fake.clone())).await;
    both(&mut client, &project).await;
    let before = fake.analyses.load(Ordering::SeqCst);
    fake.hold();
    let params = json!({ "command": "failscope.analyze", "arguments": [] });
    let mut asked = Vec::new();
    for _ in 0..50 {
        asked.push(client.ask("workspace/executeCommand", params.clone()).await);
    }
    // All of them have been taken in when a later request is answered.
    client.hover(&project.path("shop.py"), 4, 5).await;
    fake.release();
    for id in asked {
        client.answer(id).await.unwrap();
    }
    assert_eq!(fake.analyses.load(Ordering::SeqCst) - before, 2);
    client.close().await;
}

/// A panic in a handler ends the library's read loop; one in an analysis must not end anything either.
#[tokio::test]
async fn a_broken_analysis_is_told_and_survived() {
    let project = Project::new();
    let fake = Fake::new();
    let mut client = Client::start(Setup::new(project.root(), fake.clone())).await;
    both(&mut client, &project).await;
    fake.break_next();
    client.execute("failscope.analyze", json!({})).await.unwrap();
    let message = client.notification("window/showMessage").await;
    assert!(message["message"].as_str().unwrap().contains("fault of Failscope"), "{message}");
    assert_ne!(client.hover(&project.path("shop.py"), 4, 5).await, Json::Null, "the old findings stay");
    let file = project.write("run.results", &results(&[]));
    client.touched(&[&file]).await;
    for name in ["test_shop.py", "shop.py"] {
        assert_eq!(client.diagnostics(&project.path(name)).await, Vec::<Json>::new());
    }
    client.close().await;
}

/// What is published before `initialized` is silently dropped.
#[tokio::test]
async fn what_is_found_before_the_client_is_ready_waits_for_it() {
    let project = Project::new();
    let fake = Fake::new();
    let setup = Setup::new(project.root(), fake.clone());
    let mut client = Client::connect(&setup);
    let folders = json!([{ "uri": uri(project.root()), "name": "w" }]);
    let params = json!({
        "processId": null,
        "rootUri": null,
        "workspaceFolders": folders,
        "capabilities": setup.capabilities,
    });
    client.request("initialize", params).await.unwrap();
    // Everything is found by now, and nothing may have been sent.
    client.analyze().await;
    client.nothing_unread();
    client.notify("initialized", json!({})).await;
    both(&mut client, &project).await;
    client.close().await;
}

/// There is no helper for progress.
#[tokio::test]
async fn progress_is_shown_under_the_clients_token() {
    let project = Project::new();
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    both(&mut client, &project).await;
    let params = json!({ "command": "failscope.analyze", "arguments": [], "workDoneToken": "mine" });
    client.request("workspace/executeCommand", params).await.unwrap();
    let begin = client.notification("$/progress").await;
    assert_eq!((&begin["token"], &begin["value"]["kind"]), (&json!("mine"), &json!("begin")));
    let end = client.notification("$/progress").await;
    assert_eq!((&end["token"], &end["value"]["kind"]), (&json!("mine"), &json!("end")));
    client.close().await;
}

/// Long analyses show progress of their own, which can be cancelled.
#[tokio::test]
async fn long_work_shows_progress_and_can_be_cancelled() {
    let project = Project::new();
    let fake = Fake::new();
    let _release = Release(Arc::clone(&fake));
    fake.hold();
    let setup = Setup::new(project.root(), fake.clone()).with("/window/workDoneProgress", json!(true));
    let mut client = Client::start(setup).await;
    let (id, params) = client.server_request("window/workDoneProgress/create").await;
    client.respond(id, Json::Null).await;
    let begin = client.notification("$/progress").await;
    assert_eq!(begin["token"], params["token"]);
    assert_eq!(begin["value"]["kind"], "begin");
    assert_eq!(begin["value"]["cancellable"], true);
    client.notify("window/workDoneProgress/cancel", json!({ "token": params["token"] })).await;
    client.hover(&project.path("shop.py"), 0, 0).await;
    fake.release();
    let end = client.notification("$/progress").await;
    assert_eq!(end["value"]["kind"], "end");
    client.analyze().await;
    both(&mut client, &project).await;
    client.close().await;
}

/// The client's capability is called `workspace.diagnostics`; the library reads another name.
#[tokio::test]
async fn the_refresh_of_pulled_diagnostics_is_known_by_its_right_name() {
    let project = Project::empty();
    let setup = Setup::new(project.root(), Fake::new())
        .with("/textDocument/diagnostic", json!({}))
        .with("/workspace/diagnostics/refreshSupport", json!(true));
    let client = Client::start(setup).await;
    assert_eq!(client.answer["capabilities"]["diagnosticProvider"]["workspaceDiagnostics"], true);
    client.close().await;
}

/// Positions of a request belong to the text that the messages before it left.
#[tokio::test]
async fn a_request_sees_all_edits_before_it() {
    let project = Project::new();
    let source = project.path("shop.py");
    let mut setup = Setup::new(project.root(), Fake::new());
    setup.initialization_options = json!({ "surfaces": { "testDiagnostics": false } });
    let mut client = Client::start(setup).await;
    client.diagnostics(&source).await;
    client.open(&source, crate::fake::SHOP).await;
    for n in 0..30 {
        client.edit(&source, 2 + n, ((0, 0), (0, 0)), "\n").await;
        let line = 5 + u32::try_from(n).unwrap();
        let hover = client.request("textDocument/hover", position(&source, line, 6)).await.unwrap();
        assert_eq!(hover["range"]["start"]["line"], line);
    }
    while client.publication(&source).await["version"] != 31 {}
    client.close().await;
}
