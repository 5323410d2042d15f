//! pytest-json-report: one JSON document with `collectors` and `tests`, each with its phases. The format tells
//! no subtests: of a test with several, it keeps what the test itself reported last.

use std::fmt::Write as _;
use std::time::SystemTime;

use memchr::memmem;

use super::ReadOptions;
use super::json::{Piece, Splitter, field, fields, items, number, string, text, unescaped};
use super::sink::{Sink, add_section, headline};
use super::text::{crashed_worker, seconds, unix_time};
use super::window::Window;
use crate::model::{Detail, Exit, Failure, FailureKind, Outcome, Phase, ResultFormat, Run, TestId};

/// Reads the whole document from `window`.
pub(crate) fn read(
    window: &mut Window<'_>,
    name: &str,
    modified: Option<SystemTime>,
    options: &ReadOptions,
) -> Run {
    let mut sink = Sink::new(name, options);
    let mut created = None;
    let mut pieces = Splitter::new(window, &["tests", "collectors"]);
    loop {
        match pieces.next() {
            Piece::Field(key, raw, _) => match key {
                b"created" => created = number(raw).and_then(unix_time),
                b"duration" => sink.run.duration = number(raw).and_then(seconds),
                b"exitcode" => {
                    sink.run.exit = match number(raw) {
                        Some(2.0) => Exit::Interrupted,
                        Some(code) => Exit::Code(code as i32),
                        None => Exit::Unknown,
                    }
                }
                b"root" => sink.run.root = string(raw).map(Into::into),
                b"environment" => environment(&mut sink, raw),
                _ => {}
            },
            Piece::Item(b"tests", raw, offset) => test(&mut sink, raw, offset),
            Piece::Item(b"collectors", raw, offset) => collector(&mut sink, raw, offset),
            Piece::Item(..) => {}
            Piece::Oversize(key, head, offset) => oversize(&mut sink, key, head, offset),
            Piece::Broken(offset) => sink.problem(Some(offset), "something that is no JSON was left out"),
            Piece::End(whole) => {
                if !whole {
                    sink.unfinished(window.end_offset(), "of the document");
                }
                break;
            }
        }
    }
    // `created` is when the report was made, that is when the run ended.
    sink.ended = created;
    if let (Some(end), Some(duration)) = (created, sink.run.duration) {
        sink.run.started = end.checked_sub(std::time::Duration::from_secs_f64(duration));
    }
    sink.finish(ResultFormat::JsonReport, window.end_offset(), modified)
}

/// Keeps what can be told of a record larger than may be held.
fn oversize(sink: &mut Sink<'_>, key: &[u8], head: &[u8], offset: u64) {
    let outcome = text(head, "outcome");
    let phase = match outcome.as_deref() {
        Some("failed") if key == b"collectors" => Some(Phase::Collect),
        Some("failed") => Some(Phase::Call),
        Some("error") => Some(Phase::Setup),
        _ => None,
    };
    match (phase, text(head, "nodeid")) {
        (Some(phase), Some(id)) => {
            sink.failed(Failure::bare(TestId::new(&id), phase));
            let message = "a failure's record is too large to be read; only the test's name was kept";
            sink.problem(Some(offset), message);
        }
        _ => sink.problem(Some(offset), "a record that is too large to be read was left out"),
    }
}

fn environment(sink: &mut Sink<'_>, raw: &[u8]) {
    let tools = &mut sink.run.tools;
    tools.python = text(raw, "Python").map(Into::into);
    tools.platform = text(raw, "Platform").map(Into::into);
    tools.pytest = field(raw, "Packages").and_then(|packages| text(packages, "pytest")).map(Into::into);
    for (name, version) in field(raw, "Plugins").into_iter().flat_map(fields) {
        tools.plugins.push(format!("{}-{}", unescaped(name), string(version).unwrap_or_default()));
    }
}

fn collector(sink: &mut Sink<'_>, raw: &[u8], offset: u64) {
    if memmem::find(raw, b"\"failed\"").is_none() || text(raw, "outcome").as_deref() != Some("failed") {
        return;
    }
    let Some(id) = text(raw, "nodeid") else {
        sink.problem(Some(offset), "a collection error without its id was left out");
        return;
    };
    let mut failure = Failure::bare(TestId::new(&id), Phase::Collect);
    fill(sink, &mut failure, raw, offset);
    sink.failed(failure);
}

fn test(sink: &mut Sink<'_>, raw: &[u8], offset: u64) {
    let (Some(id), Some(outcome)) = (text(raw, "nodeid"), text(raw, "outcome")) else {
        sink.problem(Some(offset), "a test without id or outcome was left out");
        return;
    };
    let phases = [
        ("setup", Phase::Setup),
        ("call", Phase::Call),
        ("teardown", Phase::Teardown),
        // A test whose worker crashed has this phase only.
        ("???", Phase::Call),
    ];
    let mut failed = false;
    let mut duration = 0.0;
    for (name, phase) in phases {
        let Some(part) = field(raw, name) else { continue };
        let time = field(part, "duration").and_then(number).and_then(seconds);
        duration += time.unwrap_or(0.0);
        if text(part, "outcome").as_deref() != Some("failed") {
            continue;
        }
        failed = true;
        let mut failure = Failure::bare(TestId::new(&id), phase);
        failure.duration = time;
        failure.location = Some((
            failure.test.file().to_owned(),
            // Counted from 0.
            field(raw, "lineno").and_then(number).filter(|n| (0.0..4e9).contains(n)).map(|n| n as u32 + 1),
        ));
        fill(sink, &mut failure, part, offset);
        sink.failed(failure);
    }
    if failed {
        return;
    }
    let outcome = match &*outcome {
        "passed" | "subtests passed" => Outcome::Passed,
        "rerun" => {
            sink.rerun(&id);
            Outcome::Passed
        }
        "skipped" => Outcome::Skipped,
        "xfailed" => Outcome::Xfailed,
        "xpassed" => Outcome::Xpassed,
        "failed" | "error" => {
            // The stages were left out (`--json-report-omit`), or are of an unknown kind.
            let phase = if outcome == "error" { Phase::Setup } else { Phase::Call };
            sink.failed(Failure::bare(TestId::new(&id), phase));
            return;
        }
        _ => return,
    };
    sink.ended_well(&id, outcome, Some(duration));
}

/// Fills in what a stage or collector tells of its failure.
fn fill(sink: &mut Sink<'_>, failure: &mut Failure, raw: &[u8], offset: u64) {
    failure.text = sink.text(&text(raw, "longrepr").unwrap_or_default(), offset).into();
    let crash = field(raw, "crash").and_then(|crash| text(crash, "message")).unwrap_or_default();
    failure.headline = sink.text(&crash, offset);
    if failure.headline.is_empty() {
        failure.headline = headline(&failure.text);
    }
    failure.kind = FailureKind::Exception;
    if crashed_worker(&failure.text).is_some() {
        failure.kind = FailureKind::Crash;
        failure.worker = crashed_worker(&failure.text).map(str::to_owned);
    } else if failure.text.starts_with("[XPASS(strict)]") {
        failure.kind = FailureKind::StrictXpass;
    }
    failure.detail = match (failure.text.is_empty(), failure.headline.is_empty()) {
        (false, _) => Detail::Traceback,
        (true, false) => Detail::Message,
        (true, true) => Detail::Name,
    };
    for (key, name) in [("stdout", "Captured stdout"), ("stderr", "Captured stderr")] {
        let output = sink.text(&text(raw, key).unwrap_or_default(), offset);
        let name =
            if failure.phase == Phase::Collect { name.to_owned() } else { titled(name, failure.phase) };
        add_section(&mut failure.sections, &name, output);
    }
    let mut log = String::new();
    for record in field(raw, "log").into_iter().flat_map(items) {
        let part = |name| text(record, name).unwrap_or_default();
        let line = field(record, "lineno").and_then(number).unwrap_or(0.0);
        let _ = writeln!(
            log,
            "{:8} {}:{}:{line} {}",
            part("levelname"),
            part("name"),
            part("filename"),
            part("msg")
        );
    }
    let log = sink.text(&log, offset);
    add_section(&mut failure.sections, &titled("Captured log", failure.phase), log);
}

fn titled(name: &str, phase: Phase) -> String {
    let phase = match phase {
        Phase::Collect => "collect",
        Phase::Setup => "setup",
        Phase::Call => "call",
        Phase::Teardown => "teardown",
    };
    format!("{name} {phase}")
}
