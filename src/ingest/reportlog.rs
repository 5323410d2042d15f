//! pytest-reportlog: one JSON report per line. Lines of passed tests are told by a substring and not parsed.

use std::time::SystemTime;

use memchr::{memchr, memmem};

use super::ReadOptions;
use super::json::{field, fields, is_whole, items, number, string, text, unescaped};
use super::longrepr::{crash_message, rendered};
use super::sink::{Sink, add_section, headline};
use super::text::{crashed_worker, first_line, seconds, unix_time};
use super::window::Window;
use crate::model::{Detail, Exit, Failure, FailureKind, Outcome, Phase, ResultFormat, Run, TestId};

/// Reads all lines from `window`.
pub(crate) fn read(
    window: &mut Window<'_>,
    name: &str,
    modified: Option<SystemTime>,
    options: &ReadOptions,
) -> Run {
    let mut reader = Reader {
        sink: Sink::new(name, options),
        outcome: memmem::Finder::new("\"outcome\":"),
        when: memmem::Finder::new("\"when\":"),
        subtest: memmem::Finder::new("\"_subtest.context\""),
        xfail: memmem::Finder::new("\"wasxfail\":"),
        last: Vec::new(),
        finished: false,
        first: true,
    };
    let mut searched = 0;
    loop {
        let data = window.data();
        if let Some(at) = memchr(b'\n', &data[searched..]) {
            let len = searched + at;
            reader.line(&data[..len], window.offset(), true);
            window.drop_front(len + 1);
            searched = 0;
            continue;
        }
        searched = data.len();
        if window.more() {
            continue;
        }
        if window.ended() {
            reader.line(window.data(), window.offset(), false);
            break;
        }
        reader.oversize(window.data(), window.offset());
        // The rest of the line.
        loop {
            if let Some(at) = memchr(b'\n', window.data()) {
                window.drop_front(at + 1);
                break;
            }
            window.drop_front(usize::MAX / 2);
            if !window.more() {
                break;
            }
        }
        searched = 0;
    }
    let Reader { mut sink, finished, last, .. } = reader;
    if let Some(stop) = field(&last, "stop").and_then(number).and_then(unix_time) {
        sink.ended = Some(sink.ended.map_or(stop, |known| known.max(stop)));
    }
    if !finished && sink.run.exit == Exit::Unknown {
        sink.unfinished(window.end_offset(), "of the run");
    }
    let bytes = window.end_offset();
    sink.finish(ResultFormat::Reportlog, bytes, modified)
}

/// The string value of the first field `key` in `line` that has one of `values`; the rest of the line behind
/// it. Quotes within strings are escaped, so what is found is a key. pytest writes a report's own fields before
/// what plugins and users put into it.
fn early<'l>(
    line: &'l [u8],
    key: &memmem::Finder<'_>,
    values: &[&'static str],
) -> Option<(&'static str, &'l [u8])> {
    let mut rest = line;
    loop {
        rest = &rest[key.find(rest)? + key.needle().len()..];
        let value = rest.strip_prefix(b" ").unwrap_or(rest);
        let found = values.iter().find_map(|name| {
            let behind = value.strip_prefix(b"\"")?.strip_prefix(name.as_bytes())?.strip_prefix(b"\"")?;
            Some((*name, behind))
        });
        if found.is_some() {
            return found;
        }
    }
}

struct Reader<'a> {
    sink: Sink<'a>,
    outcome: memmem::Finder<'static>,
    when: memmem::Finder<'static>,
    subtest: memmem::Finder<'static>,
    xfail: memmem::Finder<'static>,
    /// The last line of a passed test, which may be the last to tell the time.
    last: Vec<u8>,
    finished: bool,
    first: bool,
}

impl Reader<'_> {
    fn line(&mut self, line: &[u8], offset: u64, terminated: bool) {
        let first = std::mem::take(&mut self.first);
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        if line.starts_with(b"{\"nodeid\":")
            && line.ends_with(b"}")
            && let Some(("passed", rest)) =
                early(line, &self.outcome, &["passed", "failed", "skipped", "rerun", "error"])
        {
            if early(rest, &self.when, &["call"]).is_some() {
                self.passed(line, rest);
            }
            return;
        }
        if !is_whole(line) {
            if !terminated {
                self.sink.unfinished(offset, "of a line");
            } else if first && !line.starts_with(b"{") {
                self.sink
                    .problem(Some(offset), "the file begins in the middle of a line, which was left out");
            } else {
                self.sink.problem(Some(offset), "a line that is no whole JSON object was left out");
            }
            return;
        }
        if std::str::from_utf8(line).is_err() {
            self.sink.problem(Some(offset), "a line is not valid UTF-8; the bytes in question are replaced");
        }
        match text(line, "$report_type").as_deref() {
            Some("TestReport" | "CollectReport" | "SubTestReport" | "SubtestReport") => {
                self.report(line, offset);
            }
            Some("SessionStart") => {
                self.sink.run.tools.pytest = text(line, "pytest_version").map(Into::into);
            }
            Some("SessionFinish") => {
                self.finished = true;
                self.sink.run.exit = match field(line, "exitstatus").and_then(number) {
                    Some(2.0) => Exit::Interrupted,
                    Some(code) => Exit::Code(code as i32),
                    None => Exit::Unknown,
                };
            }
            // Warnings, and what plugins add.
            _ => {}
        }
    }

    /// The `call` of a passed test, without parsing more than the id.
    fn passed(&mut self, line: &[u8], rest: &[u8]) {
        if self.subtest.find(rest).is_some() {
            return;
        }
        self.last.clear();
        self.last.extend_from_slice(line);
        let id = line
            .strip_prefix(b"{\"nodeid\": \"")
            .and_then(|rest| Some(unescaped(&rest[..string_len(rest)?])))
            .or_else(|| text(line, "nodeid"));
        let Some(id) = id else { return };
        let outcome = if self.xfail.find(rest).is_some() && field(line, "wasxfail").is_some() {
            Outcome::Xpassed
        } else {
            Outcome::Passed
        };
        let duration =
            self.sink.options.keep_names.then(|| field(line, "duration").and_then(number).and_then(seconds));
        self.sink.ended_well(&id, outcome, duration.flatten());
        if self.sink.run.started.is_none() {
            self.sink.run.started = field(line, "start").and_then(number).and_then(unix_time);
        }
    }

    /// What can be told of a line larger than may be held.
    fn oversize(&mut self, head: &[u8], offset: u64) {
        self.first = false;
        let id = text(head, "nodeid");
        match id {
            Some(id) if text(head, "outcome").as_deref() == Some("failed") => {
                let message = "a failure's record is too large to be read; only the test's name was kept";
                let collected = !id.contains("::");
                let phase = if collected { Phase::Collect } else { Phase::Call };
                self.sink.failed(Failure::bare(TestId::new(&id), phase));
                self.sink.problem(Some(offset), message);
            }
            _ => self.sink.problem(Some(offset), "a line that is too large to be read was left out"),
        }
    }

    fn report(&mut self, line: &[u8], offset: u64) {
        let (Some(id), Some(outcome)) = (text(line, "nodeid"), text(line, "outcome")) else {
            self.sink.problem(Some(offset), "a report without id or outcome was left out");
            return;
        };
        let collect = text(line, "$report_type").as_deref() == Some("CollectReport");
        if let Some(stop) = field(line, "stop").and_then(number).and_then(unix_time) {
            self.sink.ended = Some(self.sink.ended.map_or(stop, |known| known.max(stop)));
        }
        if self.sink.run.started.is_none() {
            self.sink.run.started = field(line, "start").and_then(number).and_then(unix_time);
        }
        let duration = field(line, "duration").and_then(number).and_then(seconds);
        let subtest = field(line, "_subtest.context").map(subtest_name);
        match &*outcome {
            "failed" => {}
            "rerun" => return self.sink.rerun(&id),
            "skipped" if collect || subtest.is_some() => return,
            "skipped" => {
                let xfail = field(line, "wasxfail").is_some();
                let outcome = if xfail { Outcome::Xfailed } else { Outcome::Skipped };
                return self.sink.ended_well(&id, outcome, duration);
            }
            "passed" => {
                if text(line, "when").as_deref() == Some("call") {
                    self.passed(line, line);
                }
                return;
            }
            _ => return,
        }
        let when = text(line, "when");
        let phase = match when.as_deref() {
            _ if collect => Phase::Collect,
            Some("setup") => Phase::Setup,
            Some("teardown") => Phase::Teardown,
            _ => Phase::Call,
        };
        let mut failure = Failure::bare(TestId::new(&id), phase);
        failure.subtest = subtest;
        failure.duration = duration;
        failure.worker = text(line, "worker_id")
            .or_else(|| text(line, "node").filter(|name| name.starts_with("gw")))
            .map(Into::into);
        failure.location = field(line, "location").and_then(|location| {
            let mut parts = items(location);
            let path = string(parts.next()?)?.into_owned();
            // Counted from 0.
            let line = parts.next().and_then(number).filter(|n| (0.0..4e9).contains(n)).map(|n| n as u32 + 1);
            Some((path, line))
        });
        let longrepr = field(line, "longrepr").unwrap_or_default();
        failure.text = self.sink.text(&rendered(longrepr), offset).into();
        failure.kind = FailureKind::Exception;
        if let Some(worker) = crashed_worker(&failure.text) {
            failure.kind = FailureKind::Crash;
            failure.worker = Some(worker.to_owned());
        } else if failure.text.starts_with("[XPASS(strict)]") {
            failure.kind = FailureKind::StrictXpass;
        } else if failure.text.is_empty() {
            failure.kind = FailureKind::Unknown;
        }
        failure.headline = match crash_message(longrepr) {
            Some(message) => self.sink.text(&message, offset),
            None if failure.kind == FailureKind::Exception => headline(&failure.text),
            None => first_line(&failure.text, 1000).to_owned(),
        };
        failure.detail = if failure.text.is_empty() { Detail::Name } else { Detail::Traceback };
        for section in field(line, "sections").into_iter().flat_map(items) {
            let mut parts = items(section).filter_map(string);
            if let (Some(name), Some(body)) = (parts.next(), parts.next()) {
                let body = self.sink.text(&body, offset);
                add_section(&mut failure.sections, &name, body);
            }
        }
        self.sink.failed(failure);
    }
}

/// Length of a string's inside at the start of `rest`.
fn string_len(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', rest.get(at..)?)?;
        if rest[found] == b'"' {
            return Some(found);
        }
        at = found + 2;
    }
}

/// The name of a subtest as pytest prints it: `[msg] (i=1, name='x')`, or `(<subtest>)`.
fn subtest_name(context: &[u8]) -> String {
    let mut parts = Vec::new();
    if let Some(message) = text(context, "msg") {
        parts.push(format!("[{message}]"));
    }
    let values: Vec<String> = field(context, "kwargs")
        .into_iter()
        .flat_map(fields)
        .map(|(key, raw)| format!("{}={}", unescaped(key), python_repr(raw)))
        .collect();
    if !values.is_empty() {
        parts.push(format!("({})", values.join(", ")));
    }
    if parts.is_empty() { "(<subtest>)".to_owned() } else { parts.join(" ") }
}

/// A JSON value as Python prints it.
fn python_repr(raw: &[u8]) -> String {
    match raw {
        b"true" => "True".to_owned(),
        b"false" => "False".to_owned(),
        b"null" => "None".to_owned(),
        _ => match string(raw) {
            Some(text) if text.contains('\'') && !text.contains('"') => format!("\"{text}\""),
            Some(text) => {
                format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
            }
            None => String::from_utf8_lossy(raw).into_owned(),
        },
    }
}
