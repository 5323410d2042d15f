//! More than forty secrets of all kinds planted in a project whose tests a real pytest runs: in names, values, parameter ids,
//! locals, output, files and the environment. A full run with a fake provider, every report, history, cache, log and
//! editor message is searched byte by byte, also for the forms in which secrets are encoded.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/python.rs"]
mod python;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

/// Longest piece of a secret that may survive, plus one.
const PIECE: usize = 12;

/// Draws characters: a linear congruential generator suffices.
struct Draw(u64);

impl Draw {
    fn text(&mut self, alphabet: &str, len: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..len)
            .map(|_| {
                self.0 =
                    self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                letters[(self.0 >> 33) as usize % letters.len()]
            })
            .collect()
    }
}

const HEX: &str = "0123456789abcdef";
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const SIGNS: &str = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%*+-_~";

/// The secrets by name; none is real.
fn secrets() -> BTreeMap<&'static str, String> {
    let mut draw = Draw(11);
    let mut all = BTreeMap::new();
    let prefixed = [
        ("github", "ghp_", LETTERS, 36),
        ("gitlab", "glpat-", LETTERS, 20),
        ("slack", "xoxb-731204958812-4410927735510-", LETTERS, 24),
        ("stripe", "sk_live_", LETTERS, 24),
        ("aws_id", "AKIA", UPPER, 16),
        ("npm", "npm_", LETTERS, 36),
        ("pypi", "pypi-AgEIcHlwaS5vcmc", LETTERS, 90),
        ("sendgrid", "SG.", LETTERS, 66),
        ("google", "AIza", LETTERS, 35),
        ("hugging", "hf_", LETTERS, 34),
        ("openai", "sk-proj-", LETTERS, 60),
        ("anthropic", "sk-ant-api03-", LETTERS, 90),
        ("databricks", "dapi", HEX, 32),
        ("shopify", "shpat_", HEX, 32),
        ("docker", "dckr_pat_", LETTERS, 27),
        ("vault", "hvs.", LETTERS, 40),
        ("telegram", "7103384421:AA", LETTERS, 33),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJ", LETTERS, 80),
        ("in_key", "gho_", LETTERS, 36),
        ("in_path", "ghu_", LETTERS, 36),
        ("in_test_name", "ghr_", LETTERS, 36),
        ("in_function_name", "rubygems_", HEX, 48),
    ];
    for (name, prefix, alphabet, len) in prefixed {
        all.insert(name, format!("{prefix}{}", draw.text(alphabet, len)));
    }
    let jwt = format!("{}.{}", all["jwt"], draw.text(LETTERS, 43));
    all.insert("jwt", jwt);
    let plain = [
        ("password", SIGNS, 16),
        ("other_password", SIGNS, 16),
        ("row_password", SIGNS, 14),
        ("id_token", LETTERS, 32),
        ("api_key", LETTERS, 40),
        ("hex_key", HEX, 32),
        ("aws_secret", LETTERS, 40),
        ("client_secret", LETTERS, 32),
        ("bearer", LETTERS, 48),
        ("cookie", LETTERS, 36),
        ("basic_password", LETTERS, 14),
        ("url_password", LETTERS, 16),
        ("curl_password", LETTERS, 14),
        ("login_password", SIGNS, 14),
        ("webhook", LETTERS, 40),
        ("env_password", LETTERS, 18),
        ("env_token", LETTERS, 24),
        ("env_key", HEX, 40),
        ("dotenv_secret", LOWER, 20),
        ("pem_line", LETTERS, 64),
        ("pem_other_line", LETTERS, 64),
        ("header_key", LETTERS, 32),
    ];
    for (name, alphabet, len) in plain {
        all.insert(name, draw.text(alphabet, len));
    }
    all.insert("email", "jo.maier@kontor-nord.de".to_owned());
    all.insert("card", "4929 3881 3326 6295".to_owned());
    assert!(all.len() >= 40, "{} secrets", all.len());
    all
}

/// A test file in which they stand where secrets stand in tests.
fn test_file(s: &BTreeMap<&str, String>) -> String {
    let quoted = |name: &str| serde_json::to_string(&s[name]).unwrap();
    let mut text = String::from("import json, logging, os, sys, warnings\nimport pytest\n\n");
    // By the vendor's form alone, in a test of its own each: values of locals, messages, output, logs, ids.
    let by_form = [
        "github",
        "gitlab",
        "slack",
        "stripe",
        "aws_id",
        "npm",
        "pypi",
        "sendgrid",
        "google",
        "hugging",
        "openai",
        "anthropic",
        "databricks",
        "shopify",
        "docker",
        "vault",
        "telegram",
        "jwt",
    ];
    for (number, name) in by_form.iter().enumerate() {
        let value = quoted(name);
        let body = match number % 6 {
            0 => format!("    value = {value}\n    assert value == value[::-1]\n"),
            1 => format!("    print('sent', {value})\n    raise RuntimeError('refused: ' + {value})\n"),
            2 => format!(
                "    logging.getLogger('app').error('got %s', {value})\n    assert {{'a': {value}}} == {{'a': 'b'}}\n"
            ),
            3 => format!(
                "    items = [1, {value}]\n    sys.stderr.write(json.dumps({{'k': {value}}}))\n    assert items[0] == items[1]\n"
            ),
            4 => format!("    warnings.warn('old key ' + {value})\n    assert 'x' in ({value}, 'y')\n"),
            _ => format!(
                "    found = {{'deep': [{{'k': {value}}}]}}\n    assert found == {{'deep': [{{'k': None}}]}}\n"
            ),
        };
        writeln!(text, "def test_form_{number}():\n{body}").unwrap();
    }
    let by_name = ["password", "api_key", "hex_key", "aws_secret", "client_secret", "id_token"];
    for (number, name) in by_name.iter().enumerate() {
        writeln!(
            text,
            "def test_named_{number}():\n    config = {{'user': 'bob', '{name}': {value}}}\n    print(repr(config), json.dumps(json.dumps(config)))\n    assert config == {{'user': 'bob', '{name}': ''}}\n",
            value = quoted(name),
        )
        .unwrap();
    }
    writeln!(
        text,
        "class Account:\n    def __init__(self):\n        self.password = {}\n\n\
         def test_attribute():\n    account = Account()\n    assert account.password == ''\n\n\
         def test_row():\n    password = {}\n    assert len(password) == 3\n\n\
         @pytest.mark.parametrize('id_token', [{}])\ndef test_id(id_token):\n    assert not id_token\n\n\
         def test_headers():\n    headers = {{'Authorization': 'Bearer ' + {}, 'X-Api-Key': {}, 'Cookie': 'theme=dark; session=' + {}}}\n    print(headers)\n    assert headers is None\n\n\
         def test_url():\n    url = 'postgresql+psycopg2://svc:' + {} + '@db.internal:5432/shop'\n    raise ConnectionError('cannot reach ' + url)\n\n\
         def test_commands():\n    command = 'curl -s -u bob:' + {} + ' https://api.internal/x'\n    print('+ ' + command)\n    raise OSError('exit 7: ' + command)\n\n\
         def test_basic():\n    import base64\n    value = base64.b64encode(('bob:' + {}).encode()).decode()\n    print('Authorization: Basic ' + value)\n    assert value == ''\n\n\
         def test_login():\n    print('client.login(%r, %r)' % ('bob', {}))\n    assert False\n\n\
         def test_webhook():\n    raise ValueError('POST https://hooks.slack.com/services/T03KX2M9A/B04QW7R1ZB/' + {})\n\n\
         def test_environment():\n    print('from outside', os.environ['CANARY_PASSWORD'], [os.environ['CANARY_TOKEN']])\n    assert os.environ['CANARY_API_KEY'].upper() == 'x', os.environ['CANARY_API_KEY']\n\n\
         def test_dotenv():\n    value = open('.env').read().split('=')[1].strip()\n    assert value == 'plain'\n\n\
         def test_pem():\n    pem = '-----BEGIN RSA PRIVATE KEY-----\\n' + {} + '\\n' + {} + '\\n-----END RSA PRIVATE KEY-----\\n'\n    print(pem)\n    assert pem == ''\n\n\
         def test_key():\n    counts = {{{}: 1}}\n    assert counts['total'] == 1\n\n\
         def test_path():\n    open('/nowhere/' + {} + '/x.cfg')\n\n\
         def test_{}():\n    raise KeyError('x')\n\n\
         def call_{}():\n    return [][0]\n\ndef test_function():\n    call_{}()\n\n\
         def test_encoded():\n    import base64\n    from urllib.parse import quote\n    known = [os.environ['CANARY_PASSWORD'], {}, {}]\n    print([base64.b64encode(b'x' * n + k.encode()) for k in known for n in range(3)])\n    print([quote(k, safe='') for k in known], json.dumps(json.dumps(known)))\n    assert [k[:-1] for k in known] == [repr(k) for k in known]\n\n\
         def test_person():\n    raise LookupError('no account of ' + {} + ' with card ' + {})\n",
        quoted("other_password"),
        quoted("row_password"),
        quoted("id_token"),
        quoted("bearer"),
        quoted("header_key"),
        quoted("cookie"),
        quoted("url_password"),
        quoted("curl_password"),
        quoted("basic_password"),
        quoted("login_password"),
        quoted("webhook"),
        quoted("pem_line"),
        quoted("pem_other_line"),
        quoted("in_key"),
        quoted("in_path"),
        s["in_test_name"],
        s["in_function_name"],
        s["in_function_name"],
        quoted("password"),
        quoted("client_secret"),
        quoted("email"),
        quoted("card"),
    )
    .unwrap();
    text
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|c| {
            let word = c.iter().fold(0_u32, |word, b| word << 8 | u32::from(*b)) << (8 * (3 - c.len()));
            [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(word >> shift & 63) as usize]))
        })
        .collect()
}

/// The forms in which `secret` may stand somewhere.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![
        secret.to_owned(),
        secret.bytes().fold(String::new(), |mut text, byte| {
            let _ = match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    write!(text, "{}", byte as char)
                }
                _ => write!(text, "%{byte:02X}"),
            };
            text
        }),
        secret.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
        serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
        serde_json::to_string(&serde_json::to_string(secret).unwrap())
            .unwrap()
            .trim_matches(['"', '\\'])
            .to_owned(),
        secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    ];
    // Whatever stands before it, base 64 has one of three alignments; the ends depend on what stands around.
    for shift in 0..3 {
        let mut bytes = vec![b'x'; shift];
        bytes.extend_from_slice(secret.as_bytes());
        let text = base64(&bytes);
        let inner = &text[4.min(text.len())..text.len() - 4];
        forms.push(inner.to_owned());
        forms.push(inner.replace('+', "-").replace('/', "_"));
    }
    forms
}

/// The pieces of all forms of the secrets, by their bytes.
struct Pieces {
    of: HashMap<[u8; PIECE], &'static str>,
    /// Whether a piece begins with these two bytes.
    begins: Vec<bool>,
}

impl Pieces {
    fn of(secrets: &BTreeMap<&'static str, String>) -> Self {
        let mut of = HashMap::new();
        for (name, secret) in secrets {
            assert!(secret.len() >= PIECE, "{name} is too short");
            for form in forms(secret) {
                of.extend(
                    form.as_bytes()
                        .windows(PIECE)
                        .filter_map(|w| w.first_chunk::<PIECE>())
                        .map(|piece| (*piece, *name)),
                );
            }
        }
        let mut begins = vec![false; 1 << 16];
        for piece in of.keys() {
            begins[usize::from(piece[0]) << 8 | usize::from(piece[1])] = true;
        }
        Self { of, begins }
    }

    /// The secrets of which a piece stands in `bytes`, with the first of these pieces.
    fn survivors(&self, bytes: &[u8]) -> BTreeMap<&'static str, String> {
        let mut found = BTreeMap::new();
        for piece in bytes.windows(PIECE).filter_map(|w| w.first_chunk::<PIECE>()) {
            if self.begins[usize::from(piece[0]) << 8 | usize::from(piece[1])]
                && let Some(name) = self.of.get(piece)
            {
                found.entry(*name).or_insert_with(|| String::from_utf8_lossy(piece).into_owned());
            }
        }
        found
    }
}

/// A provider that answers with what it was told, and keeps it.
struct Provider {
    address: String,
    told: Arc<Mutex<Vec<u8>>>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || while answer(&stream, &kept).is_some() {});
            }
        });
        Self { address, told }
    }
}

/// Answers one request on `stream`; `None` at its end.
fn answer(stream: &TcpStream, told: &Mutex<Vec<u8>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        // The provider's own key is what it must be given.
        if !line.to_ascii_lowercase().starts_with("authorization:") {
            head.push_str(&line);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let asked: Json = serde_json::from_slice(&body).ok()?;
    let prompt: String = asked["messages"].as_array()?.iter().filter_map(|m| m["content"].as_str()).collect();
    {
        let mut told = told.lock().unwrap();
        told.extend_from_slice(head.as_bytes());
        told.extend_from_slice(&body);
        // As text too: JSON escapes it.
        told.extend_from_slice(prompt.as_bytes());
    }
    let echo: String = prompt.chars().rev().take(2000).collect::<Vec<_>>().into_iter().rev().collect();
    let content = json!({ "root_cause": echo, "category": "assertion_failure", "severity": "high", "confidence": 0.9,
        "fix_suggestion": echo, "evidence": [{ "id": "E1", "quote": echo }] });
    let body = json!({
        "id": "c1", "object": "chat.completion", "created": 1, "model": asked["model"],
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": content.to_string() } }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    })
    .to_string();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .ok()
}

/// A language server in a process of its own; everything that it says is kept.
struct Server {
    process: std::process::Child,
    output: BufReader<std::process::ChildStdout>,
    said: Vec<u8>,
    next: u64,
}

impl Server {
    fn send(&mut self, message: &Json) {
        let text = message.to_string();
        let input = self.process.stdin.as_mut().unwrap();
        write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        input.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: &Json) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request and reads on until its answer; answers what the server asks.
    fn request(&mut self, method: &str, params: &Json) -> Json {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.read();
            if message.get("method").is_some() && message.get("id").is_some() {
                self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": null }));
            } else if message["id"] == id {
                return message;
            }
        }
    }

    fn read(&mut self) -> Json {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server hung up");
            match line.trim().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        let message: Json = serde_json::from_slice(&body).unwrap();
        self.said.extend_from_slice(&body);
        // As text too: JSON escapes it.
        texts(&message, &mut self.said);
        message
    }
}

/// Adds all texts of `value` to `said`.
fn texts(value: &Json, said: &mut Vec<u8>) {
    match value {
        Json::String(text) => {
            said.extend_from_slice(text.as_bytes());
            said.push(b'\n');
        }
        Json::Array(items) => items.iter().for_each(|item| texts(item, said)),
        Json::Object(fields) => fields.values().for_each(|field| texts(field, said)),
        _ => {}
    }
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_under(&path, found) } else { found.push(path) }
    }
}

/// What one place of the text that was written or sent is called, and what it holds.
type Told = Vec<(String, Vec<u8>)>;

fn failscope(root: &Path, home: &Path, environment: &BTreeMap<&str, String>) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the test starts the binary")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_failscope"));
    command
        .current_dir(root)
        .env("HOME", home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("FAILSCOPE_LOG", "trace")
        .env_remove("GITHUB_ACTIONS")
        .envs(environment);
    command
}

fn printed(name: &str, mut command: Command, told: &mut Told) {
    let output = command.output().unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{name}: {:?} {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!output.stdout.is_empty(), "{name} prints nothing");
    told.push((format!("output of {name}"), output.stdout));
    told.push((format!("log of {name}"), output.stderr));
}

/// All that the server says of the test file.
fn editor(root: &Path, command: &mut Command, lines: usize, told: &mut Told) {
    let mut process = command
        .arg("lsp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    let mut log = process.stderr.take().unwrap();
    let logged = std::thread::spawn(move || {
        let mut text = Vec::new();
        log.read_to_end(&mut text).map(|_| text)
    });
    let mut server = Server { process, output, said: Vec::new(), next: 0 };
    let folder = format!("file://{}", root.display());
    let file = format!("{folder}/test_shop.py");
    let capabilities = json!({ "textDocument": {
        "publishDiagnostics": { "relatedInformation": true, "dataSupport": true },
        "hover": { "contentFormat": ["markdown"] },
        "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } },
            "dataSupport": true, "resolveSupport": { "properties": ["edit"] } },
    }, "workspace": { "applyEdit": true } });
    server.request(
        "initialize",
        &json!({ "processId": null, "rootUri": folder, "capabilities": capabilities,
            "workspaceFolders": [{ "uri": folder, "name": "shop" }] }),
    );
    server.notify("initialized", &json!({}));
    let text = std::fs::read_to_string(root.join("test_shop.py")).unwrap();
    server.notify(
        "textDocument/didOpen",
        &json!({ "textDocument": { "uri": file, "languageId": "python", "version": 1, "text": text } }),
    );
    server.request("workspace/executeCommand", &json!({ "command": "failscope.analyze", "arguments": [] }));
    let document = json!({ "uri": file });
    for line in 0..lines {
        server.request(
            "textDocument/hover",
            &json!({ "textDocument": document, "position": { "line": line, "character": 6 } }),
        );
    }
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": lines, "character": 0 } });
    server.request("textDocument/codeLens", &json!({ "textDocument": document }));
    server.request("textDocument/inlayHint", &json!({ "textDocument": document, "range": whole }));
    let actions = server.request(
        "textDocument/codeAction",
        &json!({ "textDocument": document, "range": whole, "context": { "diagnostics": [] } }),
    );
    for action in actions["result"].as_array().into_iter().flatten().take(60) {
        if action.get("data").is_some() {
            server.request("codeAction/resolve", action);
        }
    }
    for command in ["failscope.findings", "failscope.showPrompt"] {
        server.request("workspace/executeCommand", &json!({ "command": command, "arguments": [{}] }));
    }
    server.request("shutdown", &Json::Null);
    server.notify("exit", &Json::Null);
    server.output.read_to_end(&mut server.said).unwrap();
    assert!(server.process.wait().unwrap().success());
    assert!(
        memchr::memmem::find(&server.said, b"[REDACTED:").is_some(),
        "the editor was told of nothing redacted"
    );
    told.push(("messages to the editor".to_owned(), server.said));
    told.push(("log of the server".to_owned(), logged.join().unwrap().unwrap()));
}

/// What the plugin records is not redacted: it is what is analysed. It is readable by its owner only and kept out of git.
fn records_are_their_owners(output: &Path, streams: &[PathBuf], secrets: &BTreeMap<&str, String>) {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(streams.len(), 1, "{streams:?}");
    assert_eq!((mode(&output.join("runs")), mode(&streams[0])), (0o700, 0o600));
    assert_eq!(std::fs::read_to_string(output.join(".gitignore")).unwrap(), "*\n");
    // What is looked for was there.
    let recorded = std::fs::read_to_string(&streams[0]).unwrap();
    assert!(recorded.contains(&secrets["github"]) && recorded.contains(&secrets["env_key"]));
}

#[test]
fn no_planted_secret_is_written_or_sent() {
    let secrets = secrets();
    let environment = BTreeMap::from([
        ("CANARY_PASSWORD", secrets["env_password"].clone()),
        ("CANARY_TOKEN", secrets["env_token"].clone()),
        ("CANARY_API_KEY", secrets["env_key"].clone()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let (root, home) = (folder.path().join("shop"), folder.path().join("home"));
    std::fs::create_dir_all(&root).unwrap();
    std::fs::create_dir_all(&home).unwrap();
    let source = test_file(&secrets);
    std::fs::write(root.join("test_shop.py"), &source).unwrap();
    std::fs::write(root.join(".env"), format!("SHOP_SECRET={}\n", secrets["dotenv_secret"])).unwrap();
    let python = python::python();
    std::fs::write(
        root.join("pyproject.toml"),
        format!("[tool.failscope]\npython = {python:?}\n[tool.pytest.ini_options]\naddopts = \"--showlocals -p no:cacheprovider\"\n"),
    )
    .unwrap();

    let provider = Provider::start();
    let mut told: Told = Vec::new();
    let mut run = failscope(&root, &home, &environment);
    run.env("OPENAI_API_KEY", "sk-proj-for-the-fake").env("OPENAI_BASE_URL", &provider.address);
    run.args(["run", "--provider", "openai", "--model", "gpt-4o", "--report", "--format", "json"]);
    let output = run.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    // On standard error pytest speaks to the person who runs it.
    told.push(("output of run".to_owned(), output.stdout));
    let asked = std::mem::take(&mut *provider.told.lock().unwrap());
    assert!(memchr::memmem::find(&asked, b"test_shop.py").is_some(), "the provider was told nothing");
    told.push(("what the provider was told".to_owned(), asked));

    for format in ["human", "json", "github", "markdown", "sarif", "ctrf"] {
        let mut analyze = failscope(&root, &home, &environment);
        analyze.args(["analyze", "--offline", "--report", "--format", format]);
        printed(&format!("analyze --format {format}"), analyze, &mut told);
    }
    for arguments in [
        &["explain", "test_attribute"][..],
        &["explain", "test_headers", "--show-prompt"],
        &["history"],
        &["history", "test_id"],
        &["history", "--format", "json"],
        &["report", "--against", ".failscope/rca_report.json"],
    ] {
        let mut command = failscope(&root, &home, &environment);
        command.args(arguments);
        printed(&arguments.join(" "), command, &mut told);
    }
    editor(&root, &mut failscope(&root, &home, &environment), source.lines().count(), &mut told);

    let summary = home.join("summary.md");
    let mut analyze = failscope(&root, &home, &environment);
    analyze.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary).args([
        "analyze",
        "--offline",
        "--format",
        "github",
    ]);
    printed("analyze in a job", analyze, &mut told);

    let mut written = Vec::new();
    files_under(&root.join(".failscope"), &mut written);
    files_under(&home, &mut written);
    let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    for part in
        ["rca_report.html", "rca_report.json", "stability_report.json", "history", "cache", "summary.md"]
    {
        assert!(names.iter().any(|name| name.contains(part)), "no {part} among {names:#?}");
    }
    let streams: Vec<_> =
        written.extract_if(.., |path| path.extension().is_some_and(|e| e == "jsonl")).collect();
    records_are_their_owners(&root.join(".failscope"), &streams, &secrets);
    for path in written {
        told.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    let pieces = Pieces::of(&secrets);
    let found: Vec<_> = told
        .iter()
        .flat_map(|(place, bytes)| pieces.survivors(bytes).into_iter().map(move |found| (place, found)))
        .collect();
    assert!(found.is_empty(), "{} survive: {found:#?}", found.len());
}
