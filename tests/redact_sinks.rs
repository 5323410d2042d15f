//! Every place through which text leaves the process is known: the sources are searched for what writes, sends or
//! logs, and each hit must stand in the table, with how it is kept clean.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "made for several test programs")]
#[path = "support/scripted.rs"]
mod scripted;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use failscope::front;
use failscope::system::System;
use failscope::workspace::{Config, Workspace};
use scripted::{Scripted, choice};

/// What lets text out.
const DOORS: &[&str] = &[
    "io::stdout",
    "io::stderr",
    "anstream::eprintln!",
    "anstream::stderr",
    "anstream::stdout",
    "fs::write(",
    "fs::File::create",
    "File::create(",
    "OpenOptions::new",
    "NamedTempFile::",
    "tempfile_in(",
    "TcpStream",
    "UnixStream",
    "reqwest::",
    "ureq::",
    "hyper::",
    "client.show_message",
    "client.log_message",
    "client.publish_diagnostics",
    "client.send_notification",
    "client.send_request",
    "client.apply_edit(",
    "client.telemetry_event",
];

/// `(file, door, how what passes is clean)`.
const SINKS: &[(&str, &str, &str)] = &[
    ("cli/doctor.rs", "tempfile_in(", "an empty file, to see whether the folder can be written to"),
    ("cli/mod.rs", "anstream::eprintln!", "errors of our own: what was being done and to which file"),
    ("cli/output.rs", "anstream::stderr", "`note`: our own text, or through the redactor"),
    ("cli/output.rs", "io::stdout", "documents made of an `Analysis`, whose texts are `Redacted`"),
    ("cli/output.rs", "io::stderr", "a progress bar of fixed text; a question whether it is a terminal"),
    ("cli/output.rs", "OpenOptions::new", "the job summary of an `Analysis`"),
    ("cli/redact.rs", "io::stdout", "`Redacted` only"),
    ("cli/redact.rs", "io::stderr", "counts, and numbers of lines"),
    ("cli/run.rs", "io::stderr", "what pytest prints to the same person, who asked for it to be run"),
    ("cli/setup.rs", "NamedTempFile::", "the user's own file, edited"),
    ("cli/trace.rs", "fs::write(", "numbers of the ranking and paths, into a file that the user names"),
    ("diagnose/agents/budget.rs", "OpenOptions::new", "numbers of calls and tokens, in the user's state"),
    (
        "diagnose/providers/anthropic.rs",
        "reqwest::",
        "a `Request`, whose texts are `Redacted`: see the last test",
    ),
    (
        "diagnose/providers/client.rs",
        "reqwest::",
        "a `Request`, whose texts are `Redacted`, and the key to its provider",
    ),
    ("diagnose/providers/ollama.rs", "reqwest::", "a `Request`, whose texts are `Redacted`"),
    ("diagnose/providers/openai.rs", "reqwest::", "a `Request`, whose texts are `Redacted`"),
    ("diagnose/providers/transport.rs", "reqwest::", "what the wire formats made of a `Request`"),
    ("diagnose/providers/wait.rs", "reqwest::", "headers of an answer"),
    ("diagnose/providers/wire.rs", "reqwest::", "statuses and headers of an answer"),
    ("fix/copy.rs", "fs::write(", "the project's own files, into a copy of it that is thrown away"),
    ("fix/ran.rs", "fs::write(", "a fixed module, into that copy"),
    ("lsp/streams.rs", "io::stdout", "the server's stream: see the other `lsp` rows"),
    ("lsp/streams.rs", "UnixStream", "the same stream, if it is a socket"),
    ("lsp/outbox.rs", "client.show_message", "messages of the engine"),
    ("lsp/outbox.rs", "client.log_message", "messages of the engine"),
    ("lsp/outbox.rs", "client.publish_diagnostics", "made of an `Analysis`, whose texts are `Redacted`"),
    ("lsp/outbox.rs", "client.send_notification", "fixed text and counts"),
    ("lsp/outbox.rs", "client.send_request", "refreshes and tokens without text"),
    ("main.rs", "io::stderr", "the log: see the other test"),
    ("pytest/inject.rs", "fs::write(", "a fixed `.gitignore`"),
    ("pytest/inject.rs", "NamedTempFile::", "our plugin's own files"),
    ("pytest/trace.rs", "fs::write(", "which files and functions to follow, for our own plugin"),
    (
        "report/files.rs",
        "tempfile_in(",
        "reports of an `Analysis`, whose texts are `Redacted`; editors' names, redacted",
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// `(file under src, code before its tests, without comments)`.
fn code() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("\nmod tests {").next().unwrap();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            (name, lines.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

#[test]
fn every_sink_is_in_the_table() {
    let mut found = BTreeSet::new();
    for (file, text) in code() {
        found.extend(DOORS.iter().filter(|door| text.contains(**door)).map(|door| (file.clone(), *door)));
    }
    let table: BTreeSet<_> = SINKS.iter().map(|(file, door, _)| ((*file).to_owned(), *door)).collect();
    let unknown: Vec<_> = found.difference(&table).collect();
    let gone: Vec<_> = table.difference(&found).collect();
    assert!(
        unknown.is_empty(),
        "text leaves here as well; make sure that it is redacted, then add: {unknown:?}"
    );
    assert!(gone.is_empty(), "no longer there: {gone:?}");
    assert!(SINKS.iter().all(|(.., clean)| !clean.is_empty()));
}

/// What the log may hold besides fixed text: paths, names of methods, numbers and the errors of the system.
const LOGGED: &[&str] = &[
    "error",
    "path.display()",
    "folder.display()",
    "root.display()",
    "method",
    "id",
    "MAX_FILES",
    "R::METHOD",
];

#[test]
fn the_log_holds_no_text_of_tests() {
    let mut calls = 0;
    for (file, text) in code() {
        for (at, _) in text.match_indices("tracing::") {
            let rest = &text[at..];
            let Some(open) = rest.find("!(").filter(|open| *open < "tracing::error".len() + 1) else {
                continue;
            };
            // To the parenthesis that closes the call.
            let mut depth = 0;
            let close = rest[open + 1..].find(|sign| {
                depth += i32::from(sign == '(') - i32::from(sign == ')');
                depth == 0
            });
            let call = &rest[open + 2..open + 1 + close.unwrap()];
            calls += 1;
            let quote = call.find('"').unwrap();
            let (fields, message) = call.split_at(quote);
            let (message, arguments) = message[1..].split_once('"').unwrap();
            let inline = message.split('{').skip(1).map(|part| part.split(['}', ':']).next().unwrap());
            let passed = arguments.split(',').chain(fields.split(','));
            for value in inline.chain(passed).map(str::trim).filter(|value| !value.is_empty()) {
                let value = value.rsplit('%').next().unwrap();
                assert!(LOGGED.contains(&value), "{file} logs {value:?}: is it without secrets? {call}");
            }
        }
    }
    assert!(calls >= 10, "{calls} calls were found");
}

/// Longest piece of a secret that may be sent, plus one.
const PIECE: usize = 12;

/// Secrets that a real pytest printed, in sources, in `.env` and in the environment, with every kind that can be turned
/// off turned off: none that is known is in any question to a model, and none of the kinds in any cache.
#[tokio::test]
async fn no_secret_reaches_a_provider() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/redact");
    let secrets = std::fs::read_to_string(fixtures.join("secrets.json")).unwrap();
    let mut planted: Vec<String> = serde_json::from_str(&secrets).unwrap();
    let known = [
        "correct-horse-battery-staple",
        "tok_9f8Kq2LmZx7Vb4Nw",
        "plum tarragon orchard",
        "jo.maier@kontor-nord.de",
    ];
    planted.extend(known.map(str::to_owned));
    let environment = [("CANARY_PASSWORD", known[0]), ("CANARY_TOKEN", known[1])];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));

    let (mut situations, mut seen) = (0, Vec::new());
    // Each takes long; the ways in which secrets are printed are all in `tests/redact.rs`.
    for name in ["locals", "log", "headers", "chained"] {
        let text = std::fs::read_to_string(fixtures.join(format!("rendered/{name}.txt"))).unwrap();
        let told = format!("E       AssertionError: {}\n", known.join(" "));
        let text = text.replacen("\ntest_it.py:", &format!("\n{told}\ntest_it.py:"), 1);
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join("results.txt"), text).unwrap();
        std::fs::write(root.join(".env"), format!("SHOP_PASSWORD='{}'\n", known[2])).unwrap();
        let lines =
            (0..40).map(|line| format!("api_key = \"{}\"  # {line}\n", planted[line % planted.len()]));
        std::fs::write(root.join("test_it.py"), lines.collect::<String>()).unwrap();
        let off = "[tool.failscope.redaction.kinds]\nemail = false\napi_key = false\npassword = false\n";
        let (config, _) = Config::from_pyproject(off);
        assert!(!config.redaction.off.is_empty());

        let system = System::fixed(std::time::SystemTime::UNIX_EPOCH, environment.clone(), root.into());
        let run = front::gather(vec![front::read(root, &root.join("results.txt")).unwrap()], Vec::new());
        let workspace = Arc::new(Workspace::new(root, Arc::new(config.clone())));
        let options = front::analysis_options(root, &config, &system);
        let mut analysis = failscope::analysis::analyze(run, &workspace, &options);
        assert!(!analysis.clusters.is_empty());
        // A model that repeats what it was told.
        let model = Arc::new(Scripted::new(|request, _| {
            let told: String = request.user.as_str().chars().take(3000).collect();
            Ok(serde_json::json!({ "root_cause": told, "evidence": [told] }).to_string())
        }));
        let choice = choice(&model);
        let agents = front::model::agents(&choice, workspace, &analysis.redactor, root, &config);
        let cancel = tokio_util::sync::CancellationToken::new();
        front::model::ask(&mut analysis, &choice, agents, &config, &system, &cancel, |_, _| {}).await;

        let mut sent = String::new();
        for request in model.asked.lock().unwrap().iter() {
            sent.push_str(request.system.as_str());
            sent.push_str(request.user.as_str());
        }
        assert!(sent.contains("[REDACTED:") && sent.contains("source of test_it.py"), "{sent}");
        for entry in std::fs::read_dir(root.join(".failscope/cache")).unwrap() {
            sent.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
        }
        let survives = |secret: &&String| {
            let size = PIECE.min(secret.len());
            secret
                .as_bytes()
                .windows(size)
                .any(|piece| memchr::memmem::find(sent.as_bytes(), piece).is_some())
        };
        seen.extend(planted.iter().filter(survives).cloned());
        situations += 1;
    }
    assert!(seen.iter().all(|secret| !known.contains(&secret.as_str())), "{seen:#?}");
    // As in `tests/redact.rs`, a few are not to be known.
    assert!(seen.len() * 100 <= situations * planted.len(), "{seen:#?}");
    assert_eq!(situations, 4);
}
