//! A file without a workspace folder, and files whose changes nobody tells of.

use std::time::Duration;

use failscope::engine::Watching;
use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, lines};
use crate::fake::{Fake, Project, SHOP, cluster, results};

const CAUSE: &str = "total adds 1 to the sum";

#[tokio::test]
async fn a_file_without_a_folder_brings_its_project() {
    let project = Project::new();
    project.write("pytest.ini", "");
    let source = project.path("shop.py");
    let mut setup = Setup::new(project.root(), Fake::new());
    setup.roots.clear();
    let mut client = Client::start(setup).await;
    client.open(&source, SHOP).await;
    assert_eq!(lines(&client.diagnostics(&project.path("test_shop.py")).await), [(5, CAUSE.to_owned())]);
    assert_eq!(lines(&client.diagnostics(&source).await), [(4, CAUSE.to_owned())]);
    let hover = client.hover(&source, 4, 10).await;
    assert!(hover.to_string().contains(CAUSE), "{hover}");
    client.close().await;
}

#[tokio::test]
async fn with_a_folder_a_file_elsewhere_brings_nothing() {
    let project = Project::empty();
    let elsewhere = Project::new();
    elsewhere.write("pytest.ini", "");
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    client.open(&elsewhere.path("shop.py"), SHOP).await;
    let findings = client.execute("failscope.findings", Json::Null).await.unwrap();
    assert_eq!(findings.as_array().unwrap().len(), 1, "{findings}");
    assert_eq!(client.hover(&elsewhere.path("shop.py"), 4, 10).await, Json::Null);
    client.close().await;
}

/// As on NFS or in WSL: the system tells of no change, and neither does the client.
#[tokio::test]
async fn changes_are_found_by_looking() {
    let project = Project::new();
    let (test, source) = (project.path("test_shop.py"), project.path("shop.py"));
    let mut setup = Setup::new(project.root(), Fake::new());
    setup.watching = Watching::Poll(Duration::from_millis(50));
    let mut client = Client::start(setup).await;
    assert_eq!(client.diagnostics(&test).await.len(), 1);
    assert_eq!(client.diagnostics(&source).await.len(), 1);
    project.write("run.results", &results(&[]));
    assert_eq!(client.diagnostics(&test).await, Vec::<Json>::new());
    assert_eq!(client.diagnostics(&source).await, Vec::<Json>::new());
    let mut other = cluster();
    other["root_cause"] = json!("something else");
    project.write("run.results", &results(&[other]));
    assert_eq!(client.diagnostics(&test).await.len(), 1);
    assert_eq!(client.diagnostics(&source).await.len(), 1);
    client.close().await;
}
