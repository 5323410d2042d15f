//! From `initialize` to the end of the process.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::client::{Client, Setup, uri, whole};
use crate::fake::{Fake, Project, SHOP, cluster, results};

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

/// A whole session, with a text that no stream takes in one piece and more answers than any holds.
#[cfg(unix)]
fn session(answered: u32) -> Vec<u8> {
    let text = "x = 1\n".repeat(200_000);
    let document = json!({ "uri": "untitled:a", "languageId": "python", "version": 1, "text": text });
    let capabilities = json!({ "processId": null, "rootUri": null, "capabilities": {} });
    let mut messages = vec![
        json!({ "id": 0, "method": "initialize", "params": capabilities }),
        json!({ "method": "initialized", "params": {} }),
        json!({ "method": "textDocument/didOpen", "params": { "textDocument": document } }),
    ];
    messages.extend(
        (1..answered).map(|id| json!({ "id": id, "method": "textDocument/unheardOf", "params": {} })),
    );
    messages.extend([json!({ "id": answered, "method": "shutdown" }), json!({ "method": "exit" })]);
    let framed = |mut message: Json| {
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    messages.into_iter().flat_map(framed).collect()
}

/// The ids of the answers in what a server has written, which must be whole messages and nothing else.
#[cfg(unix)]
fn answers(mut written: &[u8]) -> Vec<u64> {
    let mut ids = Vec::new();
    while !written.is_empty() {
        let end = written.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        let header = std::str::from_utf8(&written[..end]).unwrap();
        let length: usize = header.trim().strip_prefix("Content-Length: ").unwrap().parse().unwrap();
        let message: Json = serde_json::from_slice(&written[end..end + length]).unwrap();
        ids.extend(message["id"].as_u64());
        written = &written[end + length..];
    }
    ids.sort_unstable();
    ids
}

#[test]
#[cfg(unix)]
fn streams_of_every_kind_serve() {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    type Far = (Box<dyn Write + Send>, Box<dyn Read>);

    let sent = session(3000);
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    std::fs::write(&input, &sent).unwrap();
    let tcp = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    };
    for kind in ["pipes", "sockets", "one socket", "TCP", "files"] {
        let (near_in, near_out, far): (Stdio, Stdio, Option<Far>) = match kind {
            "pipes" => {
                let ((near_in, far_in), (far_out, near_out)) =
                    (std::io::pipe().unwrap(), std::io::pipe().unwrap());
                (near_in.into(), near_out.into(), Some((Box::new(far_in), Box::new(far_out))))
            }
            "sockets" => {
                let ((near_in, far_in), (near_out, far_out)) =
                    (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
                let (near_in, near_out) = (OwnedFd::from(near_in), OwnedFd::from(near_out));
                (near_in.into(), near_out.into(), Some((Box::new(far_in), Box::new(far_out))))
            }
            "one socket" => {
                let (near, far) = UnixStream::pair().unwrap();
                let both = (OwnedFd::from(near.try_clone().unwrap()), OwnedFd::from(near));
                (both.0.into(), both.1.into(), Some((Box::new(far.try_clone().unwrap()), Box::new(far))))
            }
            "TCP" => {
                let (near, far) = tcp();
                let both = (OwnedFd::from(near.try_clone().unwrap()), OwnedFd::from(near));
                (both.0.into(), both.1.into(), Some((Box::new(far.try_clone().unwrap()), Box::new(far))))
            }
            _ => {
                let files = (std::fs::File::open(&input).unwrap(), std::fs::File::create(&output).unwrap());
                (files.0.into(), files.1.into(), None)
            }
        };
        let mut started = command(env!("CARGO_BIN_EXE_failscope"));
        started.arg("lsp").stdin(near_in).stdout(near_out).stderr(Stdio::null());
        let mut server = Server(started.spawn().unwrap());
        // It holds the server's ends of the streams.
        drop(started);
        let mut written = Vec::new();
        if let Some((mut to, mut from)) = far {
            let sent = sent.clone();
            // The input stays open until the server has ended.
            let writing = std::thread::spawn(move || to.write_all(&sent).map(|()| to));
            from.read_to_end(&mut written).unwrap();
            writing.join().unwrap().unwrap();
        }
        assert_eq!(server.code(), Some(0), "{kind}");
        if kind == "files" {
            written = std::fs::read(&output).unwrap();
        }
        assert_eq!(answers(&written), (0..=3000).collect::<Vec<_>>(), "{kind}");
    }
}

/// A client that says nothing of what it can do gets what the protocol has had from the beginning, and is asked for
/// nothing: closing it fails if there is a message that was not expected.
#[tokio::test]
async fn a_client_without_any_capability_gets_what_everybody_understands() {
    let project = Project::new();
    let (source, test) = (project.path("shop.py"), project.path("test_shop.py"));
    // A column behind a letter that is one in UTF-32, two in UTF-16 and four in UTF-8.
    let text = SHOP.replace("    return sum_ + 1", "    return ('😀', sum_ + 1)[1]");
    project.write("shop.py", &text);
    let mut one = cluster();
    one["fixes"][0]["columns"] = json!([18, 26]);
    project.write("run.results", &results(&[one]));
    let mut client = Client::connect(&Setup::new(project.root(), Fake::new()));
    let params = json!({ "processId": null, "rootUri": uri(project.root()), "capabilities": {} });
    let offered = client.request("initialize", params).await.unwrap()["capabilities"].take();
    assert_eq!((&offered["positionEncoding"], offered.get("diagnosticProvider")), (&json!("utf-16"), None));
    assert_eq!(offered["codeActionProvider"].get("resolveProvider"), None);
    client.notify("initialized", json!({})).await;
    client.open(&source, &text).await;

    // Pushed, in UTF-16, and nothing in it that came later than version 3.0.
    client.diagnostics(&test).await;
    let mut publication = client.publication(&source).await;
    while publication["diagnostics"] == json!([]) {
        publication = client.publication(&source).await;
    }
    assert_eq!(publication.get("version"), None);
    let diagnostic = &publication["diagnostics"][0];
    let line = text.lines().nth(4).unwrap().encode_utf16().count();
    assert_eq!(diagnostic["range"]["end"], json!({ "line": 4, "character": line }));
    for later in ["relatedInformation", "codeDescription", "tags"] {
        assert_eq!(diagnostic.get(later), None, "{diagnostic}");
    }

    let hover = client.hover(&source, 4, 6).await;
    let said = hover["contents"]["value"].as_str().unwrap();
    assert_eq!(hover["contents"]["kind"], "plaintext");
    assert!(said.contains("total adds 1 to the sum") && !said.contains(['*', '`', '\\']), "{said}");

    // Commands only, none of which it could not follow.
    let all = client.request("textDocument/codeAction", whole(&source)).await.unwrap();
    let commands: Vec<&str> =
        all.as_array().unwrap().iter().map(|one| one["command"].as_str().unwrap()).collect();
    assert!(commands.contains(&"failscope.runTest") && !commands.contains(&"failscope.applyFix"), "{all:#}");

    // New results are pushed without anything being refreshed.
    project.write("run.results", &results(&[]));
    client.analyze().await;
    assert!(client.diagnostics(&source).await.is_empty() && client.diagnostics(&test).await.is_empty());
    client.close().await;
}
