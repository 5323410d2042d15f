//! `textDocument/codeLens`: the status of each test of the last run, and running it again.

use std::sync::Arc;

use serde_json::json;
use tower_lsp::lsp_types::{CodeLens, CodeLensParams, Command};

use super::commands;
use crate::engine::Snapshot;
use crate::engine::findings::{TestMark, cut, stability_label};
use crate::evidence::redact::Redactor;
use crate::lsp::backend::Session;
use crate::model::RelPath;
use crate::workspace::source::SourceFile;

/// Most characters of a cause in a lens.
const MAX_CAUSE: usize = 80;

/// The lenses of a file.
pub async fn code_lens(session: &Session, params: CodeLensParams) -> Option<Vec<CodeLens>> {
    let (snapshot, path) = session.file(&params.text_document.uri).await?;
    if !snapshot.config.surfaces.code_lens {
        return None;
    }
    let folder = session.outbox.uri(&snapshot.root)?;
    let encoding = session.outbox.capabilities().encoding;
    let failing = snapshot.file(&path).map(|f| f.tests.clone()).unwrap_or_default();
    let passed = {
        let (snapshot, path, failing) = (Arc::clone(&snapshot), path.clone(), failing.clone());
        // Parsing a large file takes its time.
        tokio::task::spawn_blocking(move || passed(&snapshot, &path, &failing)).await.unwrap_or_default()
    };
    let mut lenses = Vec::new();
    for mark in &failing {
        let range = encoding.range(&mark.span);
        let title = match mark.tests.len() {
            1 => format!("✗ {}", cut(&mark.root_cause, MAX_CAUSE)),
            n => format!("✗ {n} cases: {}", cut(&mark.root_cause, MAX_CAUSE)),
        };
        let title = match mark.stability.as_str() {
            "" => title,
            stability => format!("{title} · {stability}"),
        };
        let report = json!([{ "folder": folder, "fingerprint": mark.fingerprints.first() }]);
        lenses.push(lens(range, title, commands::OPEN_REPORT, report));
        if !session.restricted {
            let run = json!([{ "folder": folder, "tests": mark.tests }]);
            lenses.push(lens(range, "Run again".to_owned(), commands::RUN_TEST, run));
        }
    }
    for (line, source, test) in passed {
        let start =
            source.line(line).map_or(1, |t| t.chars().take_while(|c| c.is_whitespace()).count() as u32 + 1);
        let end = source.line(line).map_or(1, |t| t.trim_end().chars().count() as u32 + 1);
        let range = encoding.source_range(&source, (line, start), (line, end));
        let run = json!([{ "folder": folder, "tests": [test] }]);
        // A lens without a command is shown all the same, and cannot be clicked.
        let command = if session.restricted { "" } else { commands::RUN_TEST };
        let redacted = Redactor::default().text(&test);
        let title = match snapshot.graded.as_ref().and_then(|graded| graded.test(&redacted)) {
            Some(stability) => format!("✓ passed · {}", stability_label(stability)),
            None => "✓ passed".to_owned(),
        };
        lenses.push(lens(range, title, command, run));
    }
    lenses.sort_by_key(|lens| lens.range.start.line);
    Some(lenses)
}

fn lens(
    range: tower_lsp::lsp_types::Range,
    title: String,
    command: &str,
    mut arguments: serde_json::Value,
) -> CodeLens {
    let arguments = arguments.as_array_mut().map(std::mem::take);
    CodeLens { range, command: Some(Command { title, command: command.to_owned(), arguments }), data: None }
}

/// The tests of a file that are known to have passed: line, source, test id. Only tests whose id the source tells
/// (without parameters) can be looked up.
fn passed(snapshot: &Snapshot, path: &RelPath, failing: &[TestMark]) -> Vec<(u32, Arc<SourceFile>, String)> {
    let outcomes = &snapshot.results.outcomes;
    let Some(source) = snapshot.text(path).filter(|_| !outcomes.is_empty()) else { return Vec::new() };
    let known =
        snapshot.results.prefixes.iter().filter_map(|prefix| path.as_str().strip_prefix(prefix.as_str()));
    let mut files: Vec<&str> = known.collect();
    if files.is_empty() {
        files.push(path.as_str());
    }
    let mut found = Vec::new();
    for def in source.module().definitions().iter().filter(|d| !d.is_class) {
        if failing.iter().any(|mark| mark.span.line == def.name_line) {
            continue;
        }
        let name = def.qualified_name.replace('.', "::");
        let test = files.iter().map(|file| format!("{file}::{name}")).find(|id| outcomes.contains(id));
        if let Some(test) = test {
            found.push((def.name_line, Arc::clone(source), test));
        }
    }
    found
}
