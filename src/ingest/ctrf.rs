//! CTRF JSON (Common Test Report Format, <https://ctrf.io>), as pytest's CTRF plugins write it. The format
//! holds one failure per test, no collection errors, and no subtests.

use std::time::SystemTime;

use super::ReadOptions;
use super::json::{Piece, Splitter, field, items, number, string, text};
use super::sink::{Sink, headline};
use super::text::{crashed_worker, iso_time, unix_time};
use super::window::Window;
use crate::model::{Detail, Failure, FailureKind, Outcome, Phase, ResultFormat, Run, TestId};

/// Reads the whole document from `window`.
pub(crate) fn read(
    window: &mut Window<'_>,
    name: &str,
    modified: Option<SystemTime>,
    options: &ReadOptions,
) -> Run {
    let mut sink = Sink::new(name, options);
    let mut pieces = Splitter::new(window, &["results", "tests"]);
    loop {
        match pieces.next() {
            Piece::Field(b"tool", raw, _) => {
                if text(raw, "name").as_deref() == Some("pytest") {
                    sink.run.tools.pytest = text(raw, "version").map(Into::into);
                }
            }
            Piece::Field(b"summary", raw, _) => {
                let time = |name| field(raw, name).and_then(number).and_then(|ms| unix_time(ms / 1000.0));
                sink.run.started = time("start").filter(|at| *at > SystemTime::UNIX_EPOCH);
                sink.ended = time("stop").filter(|at| *at > SystemTime::UNIX_EPOCH);
                if let (Some(start), Some(stop)) = (sink.run.started, sink.ended) {
                    sink.run.duration = stop.duration_since(start).ok().map(|d| d.as_secs_f64());
                }
            }
            Piece::Field(b"timestamp", raw, _) if sink.ended.is_none() => {
                sink.ended = string(raw).and_then(|text| iso_time(&text)).map(|(time, _)| time);
            }
            Piece::Item(b"tests", raw, offset) => test(&mut sink, raw, offset),
            Piece::Field(..) | Piece::Item(..) => {}
            Piece::Oversize(_, head, offset) => match (text(head, "name"), text(head, "status").as_deref()) {
                (Some(name), Some("failed")) => {
                    sink.failed(Failure::bare(TestId::new(&id(head, &name)), Phase::Call));
                    let message = "a failure's record is too large to be read; only the test's name was kept";
                    sink.problem(Some(offset), message);
                }
                _ => sink.problem(Some(offset), "a record that is too large to be read was left out"),
            },
            Piece::Broken(offset) => sink.problem(Some(offset), "something that is no JSON was left out"),
            Piece::End(whole) => {
                if !whole {
                    sink.unfinished(window.end_offset(), "of the document");
                }
                break;
            }
        }
    }
    sink.finish(ResultFormat::Ctrf, window.end_offset(), modified)
}

fn test(sink: &mut Sink<'_>, raw: &[u8], offset: u64) {
    let (Some(name), Some(status)) = (text(raw, "name"), text(raw, "status")) else {
        sink.problem(Some(offset), "a test without name or status was left out");
        return;
    };
    let id = id(raw, &name);
    let duration =
        field(raw, "duration").and_then(number).map(|ms| ms / 1000.0).and_then(super::text::seconds);
    for attempt in field(raw, "retryAttempts").into_iter().flat_map(items) {
        if text(attempt, "status").as_deref() == Some("failed") {
            sink.rerun(&id);
        }
    }
    match &*status {
        "passed" => return sink.ended_well(&id, Outcome::Passed, duration),
        "skipped" | "pending" => return sink.ended_well(&id, Outcome::Skipped, duration),
        "failed" => {}
        // `other`: neither passed nor failed.
        _ => return,
    }
    let stage = text(raw, "rawStatus").unwrap_or_default();
    let phase = match &*stage {
        "setup_failed" => Phase::Setup,
        "teardown_failed" => Phase::Teardown,
        _ if id.contains("::") => Phase::Call,
        _ => Phase::Collect,
    };
    let mut failure = Failure::bare(TestId::new(&id), phase);
    let message = sink.text(&text(raw, "message").unwrap_or_default(), offset);
    failure.text = sink.text(&text(raw, "trace").unwrap_or_default(), offset).into();
    failure.kind = if crashed_worker(&message).is_some() {
        FailureKind::Crash
    } else if message.starts_with("[XPASS(strict)]") {
        FailureKind::StrictXpass
    } else if message.is_empty() && failure.text.is_empty() {
        FailureKind::Unknown
    } else {
        FailureKind::Exception
    };
    failure.detail = match (failure.text.is_empty(), message.is_empty()) {
        (false, _) => Detail::Traceback,
        (true, false) => Detail::Message,
        (true, true) => Detail::Name,
    };
    failure.headline = if message.is_empty() { headline(&failure.text) } else { message };
    if failure.kind == FailureKind::Crash {
        failure.phase = Phase::Call;
        failure.worker = crashed_worker(&failure.headline).map(str::to_owned);
    }
    if let Some(extra) = field(raw, "extra")
        && failure.worker.is_none()
    {
        failure.worker = text(extra, "worker").map(Into::into);
    }
    failure.location = text(raw, "filePath").filter(|path| !path.is_empty()).map(|path| {
        let line = field(raw, "line").and_then(number).filter(|n| (1.0..4e9).contains(n)).map(|n| n as u32);
        (path.into_owned(), line)
    });
    for (key, name) in [("stdout", "Captured stdout"), ("stderr", "Captured stderr")] {
        let lines: Vec<_> = field(raw, key).into_iter().flat_map(items).filter_map(string).collect();
        let output = sink.text(&lines.join("\n"), offset);
        super::sink::add_section(&mut failure.sections, name, output);
    }
    failure.duration = duration;
    sink.failed(failure);
}

/// The test id: pytest's own where the name is one, else put together from file, suites and name.
fn id(raw: &[u8], name: &str) -> String {
    let file = text(raw, "filePath").unwrap_or_default().replace('\\', "/");
    if name.contains("::") || file.is_empty() {
        return name.to_owned();
    }
    let suite = field(raw, "suite").unwrap_or_default();
    let mut parts: Vec<String> = match string(suite) {
        Some(one) => one.split([' ', '>']).filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        None => items(suite).filter_map(string).map(Into::into).collect(),
    };
    // The file itself, or its dotted name, is often the first suite.
    let module = file.strip_suffix(".py").unwrap_or(&file).replace('/', ".");
    parts.retain(|part| part.replace('\\', "/") != file && *part != module && !part.is_empty());
    if name == file || file.ends_with(&format!("/{name}")) {
        return file;
    }
    parts.insert(0, file);
    parts.push(name.to_owned());
    parts.join("::")
}
