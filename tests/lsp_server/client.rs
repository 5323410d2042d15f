//! A client over an in-memory stream. It waits for messages, never for time, and [`Client::close`] fails if the
//! server sent anything that the test did not read. Every message is recorded in `target/lsp-messages/`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use failscope::engine::Watching;
use failscope::engine::tools::Tools;
use failscope::lsp::{self, Options};
use failscope::system::System;
use serde_json::{Value as Json, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, WriteHalf,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use url::Url;

/// Bounds a broken run; no test waits for it.
const LIMIT: Duration = Duration::from_secs(30);

/// What a server is started with.
pub struct Setup {
    pub roots: Vec<PathBuf>,
    pub capabilities: Json,
    pub initialization_options: Json,
    pub tools: Arc<dyn Tools>,
    pub watching: Watching,
    pub patience: Duration,
    pub environment: Vec<(String, String)>,
}

impl Setup {
    /// A pushing client with most abilities but none that makes the server ask it for something.
    pub fn new(root: &Path, tools: Arc<dyn Tools>) -> Self {
        Self {
            roots: vec![root.to_path_buf()],
            capabilities: json!({
                "general": { "positionEncodings": ["utf-16"] },
                "textDocument": {
                    "publishDiagnostics": { "relatedInformation": true, "versionSupport": true, "dataSupport": true },
                    "hover": { "contentFormat": ["markdown", "plaintext"] },
                    "codeAction": {
                        "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } },
                        "isPreferredSupport": true,
                        "dataSupport": true,
                        "resolveSupport": { "properties": ["edit"] },
                    },
                },
                "workspace": { "workspaceEdit": { "documentChanges": true }, "applyEdit": true },
            }),
            initialization_options: Json::Null,
            tools,
            watching: Watching::Off,
            patience: LIMIT,
            environment: Vec::new(),
        }
    }

    /// With a capability set, e.g. `/workspace/configuration`.
    pub fn with(mut self, pointer: &str, value: Json) -> Self {
        let mut at = &mut self.capabilities;
        for key in pointer.split('/').skip(1) {
            if !at.is_object() {
                *at = json!({});
            }
            at = at.as_object_mut().unwrap().entry(key).or_insert(Json::Null);
        }
        *at = value;
        self
    }

    pub fn watching(mut self) -> Self {
        self.watching = Watching::Native;
        self
    }
}

pub struct Client {
    writer: Option<WriteHalf<DuplexStream>>,
    inbox: mpsc::UnboundedReceiver<Json>,
    unread: VecDeque<Json>,
    server: Option<JoinHandle<u8>>,
    log: File,
    /// Everything that the server has said, as it came.
    pub heard: String,
    next_id: i64,
    pub answer: Json,
    closed: bool,
}

impl Client {
    /// Starts a server without saying anything to it.
    pub fn connect(setup: &Setup) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/lsp-messages");
        std::fs::create_dir_all(&folder).unwrap();
        let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = File::create(folder.join(format!("{name}-{number}.jsonl"))).unwrap();

        let (near, far) = tokio::io::duplex(1 << 20);
        let (input, output) = tokio::io::split(far);
        let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_600);
        let mut options = Options::new(System::fixed(now, setup.environment.clone(), PathBuf::from("/")));
        options.tools = Arc::clone(&setup.tools);
        options.watching = setup.watching;
        options.patience = setup.patience;
        let server = tokio::spawn(lsp::serve(input, output, options));
        let (reader, writer) = tokio::io::split(near);
        let (sender, inbox) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut reader = BufReader::new(reader);
            while let Some(message) = read(&mut reader).await {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self {
            writer: Some(writer),
            inbox,
            unread: VecDeque::new(),
            server: Some(server),
            log,
            heard: String::new(),
            next_id: 0,
            answer: Json::Null,
            closed: false,
        }
    }

    /// Starts a server and goes through the handshake.
    pub async fn start(setup: Setup) -> Self {
        let mut client = Self::connect(&setup);
        let folders: Vec<Json> = setup
            .roots
            .iter()
            .map(|root| json!({ "uri": uri(root), "name": root.file_name().unwrap().to_str() }))
            .collect();
        client.answer = client
            .request(
                "initialize",
                json!({
                    "processId": null,
                    "rootUri": setup.roots.first().map(|r| uri(r)),
                    "workspaceFolders": folders,
                    "capabilities": setup.capabilities,
                    "initializationOptions": setup.initialization_options,
                }),
            )
            .await
            .unwrap();
        client.notify("initialized", json!({})).await;
        client
    }

    pub async fn send(&mut self, message: Json) {
        self.record("in", &message);
        let body = message.to_string();
        let text = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.writer.as_mut().unwrap().write_all(text.as_bytes()).await.unwrap();
    }

    pub async fn notify(&mut self, method: &str, params: Json) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Sends a request without waiting for its answer; gives its id.
    pub async fn ask(&mut self, method: &str, params: Json) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        id
    }

    /// The answer to a request: its result or its error.
    pub async fn answer(&mut self, id: i64) -> Result<Json, Json> {
        let is_answer = |m: &Json| m.get("method").is_none() && m["id"] == id;
        let mut message = self.next(&format!("the answer to {id}"), is_answer).await;
        match message.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(message["result"].take()),
        }
    }

    pub async fn request(&mut self, method: &str, params: Json) -> Result<Json, Json> {
        let id = self.ask(method, params).await;
        self.answer(id).await
    }

    /// The parameters of the next notification with this method.
    pub async fn notification(&mut self, method: &str) -> Json {
        let is_it = |m: &Json| m["method"] == method && m.get("id").is_none();
        self.next(method, is_it).await["params"].take()
    }

    /// The server's next request with this method: id and parameters.
    pub async fn server_request(&mut self, method: &str) -> (Json, Json) {
        let is_it = |m: &Json| m["method"] == method && m.get("id").is_some();
        let mut message = self.next(method, is_it).await;
        (message["id"].take(), message["params"].take())
    }

    pub async fn respond(&mut self, id: Json, result: Json) {
        self.send(json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
    }

    /// The next diagnostics of a file.
    pub async fn diagnostics(&mut self, path: &Path) -> Vec<Json> {
        self.publication(path).await["diagnostics"].as_array().unwrap().clone()
    }

    /// The next publication for a file.
    pub async fn publication(&mut self, path: &Path) -> Json {
        let uri = uri(path);
        let is_it = |m: &Json| m["method"] == "textDocument/publishDiagnostics" && m["params"]["uri"] == *uri;
        self.next(&format!("diagnostics of {uri}"), is_it).await["params"].take()
    }

    pub async fn open(&mut self, path: &Path, text: &str) {
        let document = json!({ "uri": uri(path), "languageId": "python", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document })).await;
    }

    /// Replaces the range of positions `((line, column), (line, column))`, from 0.
    pub async fn edit(&mut self, path: &Path, version: i32, range: ((u32, u32), (u32, u32)), text: &str) {
        let position = |(line, character)| json!({ "line": line, "character": character });
        let range = json!({ "start": position(range.0), "end": position(range.1) });
        let changes = json!([{ "range": range, "text": text }]);
        let document = json!({ "uri": uri(path), "version": version });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }))
            .await;
    }

    /// Says that files have changed on disk.
    pub async fn touched(&mut self, paths: &[&Path]) {
        let changes: Vec<Json> = paths.iter().map(|path| json!({ "uri": uri(path), "type": 2 })).collect();
        self.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes })).await;
    }

    pub async fn execute(&mut self, command: &str, argument: Json) -> Result<Json, Json> {
        let params = json!({ "command": command, "arguments": [argument] });
        self.request("workspace/executeCommand", params).await
    }

    /// Has all results analysed again; when this returns, everything is published.
    pub async fn analyze(&mut self) -> Json {
        self.execute("failscope.analyze", json!({})).await.unwrap()
    }

    pub async fn hover(&mut self, path: &Path, line: u32, column: u32) -> Json {
        self.request("textDocument/hover", position(path, line, column)).await.unwrap()
    }

    /// Shuts the server down as the specification says. Fails if there is a message that nobody read.
    pub async fn close(mut self) {
        assert_eq!(self.shutdown().await, Ok(Json::Null));
        self.notify("exit", Json::Null).await;
        assert_eq!(self.ended().await, 0, "exit code");
    }

    pub async fn shutdown(&mut self) -> Result<Json, Json> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": "shutdown" })).await;
        self.answer(id).await
    }

    /// Waits for the server's end, with the stream still open; gives the exit code.
    pub async fn ended(&mut self) -> u8 {
        let server = self.server.take().unwrap();
        let code = tokio::time::timeout(LIMIT, server).await.expect("the server ends").unwrap();
        self.closed = true;
        while let Some(message) = self.inbox.recv().await {
            self.received(message);
        }
        assert!(self.unread.is_empty(), "messages that nobody read: {:#?}", self.unread);
        code
    }

    /// Closes the stream without a word.
    pub async fn hang_up(&mut self) {
        self.writer.take().unwrap().shutdown().await.unwrap();
    }

    /// Everything that has come and was not read so far must be nothing.
    pub fn nothing_unread(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            self.received(message);
        }
        assert!(self.unread.is_empty(), "unexpected messages: {:#?}", self.unread);
    }

    /// The diagnostics of a file in the first publication of it that came before the last answer.
    pub fn published_before_the_answer(&mut self, path: &Path) -> Option<Vec<Json>> {
        let uri = uri(path);
        let is_it = |m: &Json| m["method"] == "textDocument/publishDiagnostics" && m["params"]["uri"] == *uri;
        let at = self.unread.iter().position(is_it)?;
        self.unread.remove(at)?["params"]["diagnostics"].as_array().cloned()
    }

    /// Drops what has come so far, for tests of something else than messages.
    pub fn discard(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            self.received(message);
        }
        self.unread.clear();
    }

    /// The first message that fits, now or later; the others stay unread.
    async fn next(&mut self, what: &str, fits: impl Fn(&Json) -> bool) -> Json {
        loop {
            if let Some(at) = self.unread.iter().position(&fits) {
                return self.unread.remove(at).unwrap();
            }
            match tokio::time::timeout(LIMIT, self.inbox.recv()).await {
                Ok(Some(message)) => self.received(message),
                Ok(None) => panic!("the server hung up; waited for {what}; unread: {:#?}", self.unread),
                Err(tokio::time::error::Elapsed { .. }) => {
                    panic!("waited in vain for {what}; unread: {:#?}", self.unread)
                }
            }
        }
    }

    fn received(&mut self, message: Json) {
        self.record("out", &message);
        self.heard.push_str(&message.to_string());
        self.heard.push('\n');
        self.unread.push_back(message);
    }

    fn record(&mut self, direction: &str, message: &Json) {
        writeln!(self.log, "{}", json!({ "direction": direction, "message": message })).unwrap();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        assert!(
            self.closed || std::thread::panicking(),
            "the client was not closed: unread messages would go unnoticed"
        );
    }
}

async fn read(reader: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Option<Json> {
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).await.ok()? == 0 {
            return None;
        }
        match header.trim().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

pub fn uri(path: &Path) -> String {
    Url::from_file_path(path).unwrap().to_string()
}

/// The parameters that name a position, from 0.
pub fn position(path: &Path, line: u32, column: u32) -> Json {
    json!({ "textDocument": { "uri": uri(path) }, "position": { "line": line, "character": column } })
}

/// The parameters that name a file and all of its lines.
pub fn whole(path: &Path) -> Json {
    json!({
        "textDocument": { "uri": uri(path) },
        "range": { "start": { "line": 0, "character": 0 }, "end": { "line": 10_000, "character": 0 } },
        "context": { "diagnostics": [] },
    })
}

/// The diagnostics' lines (from 0) with the first line of their messages.
pub fn lines(diagnostics: &[Json]) -> Vec<(u64, String)> {
    diagnostics
        .iter()
        .map(|d| {
            let message = d["message"].as_str().unwrap();
            (d["range"]["start"]["line"].as_u64().unwrap(), message.lines().next().unwrap().to_owned())
        })
        .collect()
}
