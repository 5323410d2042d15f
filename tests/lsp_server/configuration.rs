//! Settings from everywhere, and what is wrong with them.

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, lines, uri};
use crate::fake::{Fake, Project};

async fn severity(client: &mut Client, project: &Project) -> Json {
    let on_test = client.diagnostics(&project.path("test_shop.py")).await;
    let on_source = client.diagnostics(&project.path("shop.py")).await;
    assert_eq!(on_test[0]["severity"], on_source[0]["severity"]);
    on_test[0]["severity"].clone()
}

#[tokio::test]
async fn settings_come_from_the_project_and_the_editors_win() {
    let project = Project::new();
    project.write("pyproject.toml", "[tool.failscope]\nseverity = \"warning\"\n");
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    assert_eq!(severity(&mut client, &project).await, 2);
    // The file changes.
    let file = project.write("pyproject.toml", "[tool.failscope]\nseverity = \"hint\"\n");
    client.touched(&[&file]).await;
    assert_eq!(severity(&mut client, &project).await, 4);
    // The editor's settings come over it, under their section's name or bare.
    let settings = json!({ "settings": { "failscope": { "severity": "information" } } });
    client.notify("workspace/didChangeConfiguration", settings).await;
    assert_eq!(severity(&mut client, &project).await, 3);
    client.notify("workspace/didChangeConfiguration", json!({ "settings": { "severity": "error" } })).await;
    assert_eq!(severity(&mut client, &project).await, 1);
    client.close().await;
}

#[tokio::test]
async fn initialization_options_are_settings() {
    for options in [json!({ "severity": "warning" }), json!({ "failscope": { "severity": "warning" } })] {
        let project = Project::new();
        let mut setup = Setup::new(project.root(), Fake::new());
        setup.initialization_options = options;
        let mut client = Client::start(setup).await;
        assert_eq!(severity(&mut client, &project).await, 2);
        client.close().await;
    }
}

#[tokio::test]
async fn settings_are_pulled_for_every_folder() {
    let (one, two) = (Project::new(), Project::new());
    let mut setup = Setup::new(one.root(), Fake::new()).with("/workspace/configuration", json!(true));
    setup.roots.push(two.root().to_path_buf());
    let mut client = Client::start(setup).await;
    for project in [&one, &two] {
        assert_eq!(severity(&mut client, project).await, 1);
    }
    let (id, params) = client.server_request("workspace/configuration").await;
    let items = params["items"].as_array().unwrap();
    let answers: Vec<Json> = items
        .iter()
        .map(|item| {
            let severity = if item["scopeUri"] == uri(one.root()) { "hint" } else { "warning" };
            json!({ "severity": severity, "python": null })
        })
        .collect();
    client.respond(id, json!(answers)).await;
    assert_eq!(severity(&mut client, &one).await, 4);
    assert_eq!(severity(&mut client, &two).await, 2);
    client.close().await;
}

#[tokio::test]
async fn watched_files_and_settings_are_registered_where_that_is_possible() {
    let project = Project::empty();
    let setup = Setup::new(project.root(), Fake::new())
        .with("/workspace/didChangeWatchedFiles/dynamicRegistration", json!(true))
        .with("/workspace/didChangeConfiguration/dynamicRegistration", json!(true));
    let mut client = Client::start(setup).await;
    let (id, params) = client.server_request("client/registerCapability").await;
    let methods: Vec<&str> =
        params["registrations"].as_array().unwrap().iter().map(|r| r["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["workspace/didChangeWatchedFiles", "workspace/didChangeConfiguration"]);
    client.respond(id, Json::Null).await;
    client.close().await;
}

#[tokio::test]
async fn problems_are_shown_on_their_line() {
    let project = Project::empty();
    let text = "[project]\nname = \"x\"\n\n[tool.failscope]\nseverity = \"loud\"\n";
    let file = project.write("pyproject.toml", text);
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    let shown = client.diagnostics(&file).await;
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert_eq!(shown[0]["range"]["start"]["line"], 4);
    assert_eq!((&shown[0]["severity"], &shown[0]["source"]), (&json!(2), &json!("failscope")));
    assert!(shown[0]["message"].as_str().unwrap().contains("severity"), "{}", shown[0]["message"]);
    // They move with unsaved text, and go when the file is right.
    client.open(&file, text).await;
    client.edit(&file, 2, ((0, 0), (0, 0)), "# head\n").await;
    assert_eq!(lines(&client.diagnostics(&file).await)[0].0, 5);
    project.write("pyproject.toml", "[tool.failscope]\nseverity = \"hint\"\n");
    client.touched(&[&file]).await;
    assert_eq!(client.diagnostics(&file).await, Vec::<Json>::new());
    client.close().await;
}

#[tokio::test]
async fn problems_of_the_editors_settings_are_said_once() {
    let project = Project::empty();
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    for _ in 0..3 {
        let settings = json!({ "settings": { "failscope": { "severity": 7 } } });
        client.notify("workspace/didChangeConfiguration", settings).await;
        client.analyze().await;
    }
    let message = client.notification("window/showMessage").await;
    assert!(message["message"].as_str().unwrap().contains("severity"), "{message}");
    client.close().await;
}
