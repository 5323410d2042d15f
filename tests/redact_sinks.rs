//! Every place through which text leaves the process is known: the sources are searched for what writes, sends or
//! logs, and each hit must stand in the table, with how it is kept clean.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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
    ("cli/lsp.rs", "io::stdout", "the server's stream: see the `lsp` rows"),
    ("cli/setup.rs", "NamedTempFile::", "the user's own file, edited"),
    ("lsp/outbox.rs", "client.show_message", "messages of the engine"),
    ("lsp/outbox.rs", "client.log_message", "messages of the engine"),
    ("lsp/outbox.rs", "client.publish_diagnostics", "made of an `Analysis`, whose texts are `Redacted`"),
    ("lsp/outbox.rs", "client.send_notification", "fixed text and counts"),
    ("lsp/outbox.rs", "client.send_request", "refreshes and tokens without text"),
    ("main.rs", "io::stderr", "the log: see the other test"),
    ("pytest/inject.rs", "fs::write(", "a fixed `.gitignore`"),
    ("pytest/inject.rs", "NamedTempFile::", "our plugin's own files"),
    ("report/files.rs", "tempfile_in(", "reports of an `Analysis`, whose texts are `Redacted`"),
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
            let call = &rest[open + 2..rest.find(");").unwrap()];
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
