//! Restricted Mode: results are read and shown; nothing is run, and the server changes nothing by itself. And
//! what an editor asks for that shows findings in a view of its own.

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, uri, whole};
use crate::fake::{Fake, Project, results};

fn commands(answer: &Json) -> Vec<&str> {
    let all = answer.as_array().unwrap();
    all.iter().filter_map(|a| a["command"]["command"].as_str()).filter(|c| !c.is_empty()).collect()
}

#[tokio::test]
async fn nothing_runs_in_restricted_mode() {
    for restricted in [true, false] {
        let project = Project::new();
        let test = project.path("test_shop.py");
        let mut setup = Setup::new(project.root(), Fake::new());
        setup.initialization_options = json!({ "restricted": restricted });
        let mut client = Client::start(setup).await;
        client.diagnostics(&test).await;
        client.diagnostics(&project.path("shop.py")).await;
        let mut offered = Vec::new();
        for method in ["textDocument/codeLens", "textDocument/codeAction"] {
            let answer = client.request(method, whole(&test)).await.unwrap();
            offered.extend(commands(&answer).into_iter().map(str::to_owned));
        }
        let runs = offered.iter().any(|c| c.starts_with("failscope.run"));
        assert_eq!(runs, !restricted, "{offered:?}");
        assert!(offered.iter().any(|c| c == "failscope.openReport"), "{offered:?}");
        if restricted {
            for command in
                ["failscope.runTest", "failscope.runCluster", "failscope.runFailed", "failscope.applyFix"]
            {
                let error = client.execute(command, json!({})).await.unwrap_err();
                assert!(error["message"].as_str().unwrap().contains("Restricted Mode"), "{error}");
            }
        }
        client.close().await;
    }
}

#[tokio::test]
async fn findings_are_told_and_their_changes_announced() {
    let project = Project::new();
    let setup = Setup::new(project.root(), Fake::new())
        .with("/experimental/failscopeFindingsChanged", json!(true))
        .with("/textDocument/diagnostic", json!({}))
        .with("/workspace/diagnostic/refreshSupport", json!(true));
    let mut client = Client::start(setup).await;
    client.notification("failscope/findingsChanged").await;
    let (id, _) = client.server_request("workspace/diagnostic/refresh").await;
    client.respond(id, Json::Null).await;
    let findings = client.execute("failscope.findings", json!({})).await.unwrap();
    assert_eq!(findings[0]["root"], uri(project.root()));
    assert_eq!(findings[0]["report"]["analyses"].as_array().unwrap().len(), 1);
    let file = project.write("run.results", &results(&[]));
    client.touched(&[&file]).await;
    client.notification("failscope/findingsChanged").await;
    let (id, _) = client.server_request("workspace/diagnostic/refresh").await;
    client.respond(id, Json::Null).await;
    let findings = client.execute("failscope.findings", json!({})).await.unwrap();
    assert_eq!(findings[0]["report"]["analyses"], json!([]));
    client.close().await;
}
