//! From `initialize` to the end of the process.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup};
use crate::fake::{Fake, Project};

#[tokio::test]
async fn the_handshake_names_the_server_and_what_it_offers() {
    let project = Project::empty();
    let client = Client::start(Setup::new(project.root(), Fake::new())).await;
    assert_eq!(client.answer["serverInfo"]["name"], "failscope");
    let offered = &client.answer["capabilities"];
    assert_eq!(offered["positionEncoding"], "utf-16");
    assert_eq!(offered["hoverProvider"], true);
    assert_eq!(offered["textDocumentSync"]["change"], 2);
    assert_eq!(offered.get("diagnosticProvider"), None, "this client does not pull");
    let commands = offered["executeCommandProvider"]["commands"].as_array().unwrap();
    for name in ["analyze", "runTest", "runCluster", "runFailed", "openReport", "applyFix", "clear"] {
        assert!(commands.contains(&json!(format!("failscope.{name}"))), "{name}");
    }
    client.close().await;
}

#[tokio::test]
async fn shutdown_with_null_parameters_is_a_shutdown() {
    let project = Project::empty();
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    assert_eq!(client.request("shutdown", Json::Null).await, Ok(Json::Null));
    client.notify("exit", Json::Null).await;
    assert_eq!(client.ended().await, 0);
}

#[tokio::test]
async fn exit_without_shutdown_is_an_error() {
    let project = Project::empty();
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    client.notify("exit", Json::Null).await;
    assert_eq!(client.ended().await, 1);
}

#[tokio::test]
async fn exit_before_initialize_is_an_error() {
    let project = Project::empty();
    let mut client = Client::connect(&Setup::new(project.root(), Fake::new()));
    client.notify("exit", Json::Null).await;
    assert_eq!(client.ended().await, 1);
}

#[tokio::test]
async fn the_end_of_the_stream_is_the_end() {
    let project = Project::empty();
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    client.hang_up().await;
    assert_eq!(client.ended().await, 1);
}

#[tokio::test]
async fn requests_at_the_wrong_time_are_refused() {
    let project = Project::empty();
    let mut client = Client::connect(&Setup::new(project.root(), Fake::new()));
    let params = crate::client::position(&project.path("a.py"), 0, 0);
    let error = client.request("textDocument/hover", params.clone()).await.unwrap_err();
    assert_eq!(error["code"], -32002, "not initialised yet");
    let capabilities = json!({ "processId": null, "rootUri": null, "capabilities": {} });
    client.request("initialize", capabilities.clone()).await.unwrap();
    client.notify("initialized", Json::Null).await;
    let error = client.request("initialize", capabilities).await.unwrap_err();
    assert_eq!(error["code"], -32600, "only once");
    client.shutdown().await.unwrap();
    let error = client.request("textDocument/hover", params).await.unwrap_err();
    assert_eq!(error["code"], -32600, "shut down");
    client.notify("exit", Json::Null).await;
    assert_eq!(client.ended().await, 0);
}

#[tokio::test]
async fn what_is_not_known_gets_a_proper_answer() {
    let project = Project::empty();
    let mut client = Client::start(Setup::new(project.root(), Fake::new())).await;
    let error = client.request("textDocument/unheardOf", json!({})).await.unwrap_err();
    assert_eq!(error["code"], -32601);
    let error = client.request("textDocument/hover", json!({ "textDocument": 7 })).await.unwrap_err();
    assert_eq!(error["code"], -32602);
    let error = client.execute("failscope.unheardOf", json!({})).await.unwrap_err();
    assert_eq!(error["code"], -32602);
    assert!(error["message"].as_str().unwrap().contains("failscope.analyze"), "names what is known");
    let error = client.execute("failscope.analyze", json!("text")).await.unwrap_err();
    assert_eq!(error["code"], -32602);
    let error =
        client.execute("failscope.openReport", json!({ "folder": "file:///nowhere" })).await.unwrap_err();
    assert_eq!(error["code"], -32602);
    client.notify("$/unheardOf", json!({})).await;
    client.notify("$/setTrace", json!({ "value": "verbose" })).await;
    for uri in ["untitled:Untitled-1", "file:///nowhere/at_all.py", "vscode-notebook-cell:/a.ipynb#1"] {
        let document = json!({ "uri": uri, "languageId": "python", "version": 1, "text": "x = 1" });
        client.notify("textDocument/didOpen", json!({ "textDocument": document })).await;
        let params = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 0 } });
        assert_eq!(client.request("textDocument/hover", params).await, Ok(Json::Null), "{uri}");
        client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } })).await;
    }
    client.close().await;
}

#[expect(clippy::disallowed_methods, reason = "the binary is what is tested")]
fn command(program: &str) -> Command {
    Command::new(program)
}

/// The real binary with its input held open.
struct Server(Child);

impl Server {
    fn start(process_id: Option<u32>) -> Self {
        let mut server = Self(
            command(env!("CARGO_BIN_EXE_failscope"))
                .arg("lsp")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let params = json!({ "processId": process_id, "rootUri": null, "capabilities": {} });
        server.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }));
        let mut first = [0; 16];
        server.0.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        assert_eq!(&first, b"Content-Length: ");
        server
    }

    fn send(&mut self, message: &Json) {
        let body = message.to_string();
        write!(self.0.stdin.as_mut().unwrap(), "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    }

    /// Waits for the end with the input still open; gives the exit code.
    fn code(&mut self) -> Option<i32> {
        for _ in 0..3000 {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_process_ends_with_its_input_held_open() {
    let mut server = Server::start(None);
    server.send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "shutdown", "params": null }));
    server.send(&json!({ "jsonrpc": "2.0", "method": "exit", "params": null }));
    assert_eq!(server.code(), Some(0));
    let mut server = Server::start(None);
    server.send(&json!({ "jsonrpc": "2.0", "method": "exit" }));
    assert_eq!(server.code(), Some(1));
}

#[test]
#[cfg(unix)]
fn the_process_ends_when_its_client_dies() {
    let mut client = command("sleep").arg("600").spawn().unwrap();
    let mut server = Server::start(Some(client.id()));
    client.kill().unwrap();
    // Nobody has waited for the client yet: it is gone all the same.
    let code = server.code();
    client.wait().unwrap();
    assert_eq!(code, Some(1));
}
