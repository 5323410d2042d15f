//! JUnit XML as pytest writes it in every `junit_family`, and as other writers do where they follow the same
//! shape. Format: <https://docs.pytest.org/en/stable/how-to/output.html#creating-junitxml-format-files>.

mod ids;
mod subtests;
pub(crate) mod xml;

use std::borrow::Cow;
use std::time::SystemTime;

use ids::{Ids, unspelled};
use xml::{Tag, Token, Tokens, unescape, value};

use super::ReadOptions;
use super::sink::{Sink, add_section, headline};
use super::text::{Bounded, crashed_worker, first_line, iso_time, seconds, without_ansi};
use super::window::Window;
use crate::model::{Detail, Exit, Failure, FailureKind, Outcome, Phase, ResultFormat, Run, Section, TestId};

/// Reads a whole document from `window`.
pub(crate) fn read(
    window: &mut Window<'_>,
    name: &str,
    modified: Option<SystemTime>,
    options: &ReadOptions,
) -> Run {
    let mut reader = Reader::new(name, options);
    let mut tokens = Tokens::new(window);
    loop {
        tokens.want_text = reader.wants_text();
        let offset = tokens.offset();
        match tokens.next() {
            Token::Open(tag) => reader.open(&tag, offset),
            Token::Close(name) => reader.close(name),
            Token::Text(text) => reader.text(text, true),
            Token::Data(text) => reader.text(text, false),
            Token::Broken(offset, what) => reader.broken(offset, what),
            Token::End(cut) => {
                reader.end(cut, tokens.offset());
                break;
            }
        }
    }
    let bytes = window.end_offset();
    reader.sink.finish(ResultFormat::Junit, bytes, modified.filter(|_| !reader.dated))
}

/// What a child element of a test case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Child {
    Failure,
    Error,
    /// An execution that was repeated: `rerunFailure`, `flakyError`, …
    Repeat,
    Skipped,
    Output,
    Errors,
}

/// A failure or error element of the current test case.
struct Told {
    error: bool,
    message: String,
    type_name: String,
    text: String,
    sections: Vec<Section>,
    offset: u64,
}

/// The test case being read. Its strings are kept from one to the next, so that a passed test costs no
/// allocation.
#[derive(Default)]
struct Case {
    open: bool,
    offset: u64,
    classname: String,
    name: String,
    file: String,
    /// `classname` and `file` as written, to see quickly that they are those of the test before.
    raw: (Vec<u8>, Vec<u8>),
    named: bool,
    line: Option<u32>,
    /// As written: it is of interest for few tests.
    time: Vec<u8>,
    told: Vec<Told>,
    skipped: Option<Outcome>,
    collection_skipped: bool,
    repeats: u32,
    /// Output that came before any failure.
    early: Vec<Section>,
}

impl Case {
    fn seconds(&self) -> Option<f64> {
        value(&self.time).trim().parse().ok().and_then(seconds)
    }
}

struct Reader<'a> {
    sink: Sink<'a>,
    ids: Ids<'a>,
    /// Open elements that are not within a test case.
    depth: u32,
    case: Case,
    child: Option<Child>,
    /// Open elements within the child (or, without one, within the test case).
    inner: u32,
    text: Bounded,
    dated: bool,
    lossy: bool,
    seen_root: bool,
}

impl<'a> Reader<'a> {
    fn new(name: &'a str, options: &'a ReadOptions) -> Self {
        Self {
            sink: Sink::new(name, options),
            ids: Ids::new(options.files.as_ref()),
            depth: 0,
            case: Case::default(),
            child: None,
            inner: 0,
            text: Bounded::new(options.max_text),
            dated: false,
            lossy: false,
            seen_root: false,
        }
    }

    fn wants_text(&self) -> bool {
        match self.child {
            Some(Child::Failure | Child::Error) => true,
            // Output comes after the failure it belongs to, from pytest. Other writers put it before, where it
            // is only known later whether it is needed.
            Some(Child::Output | Child::Errors) => self.case.skipped.is_none(),
            _ => false,
        }
    }

    fn broken(&mut self, offset: u64, what: &'static str) {
        self.sink.problem(Some(offset), what);
    }

    fn text(&mut self, raw: &[u8], escaped: bool) {
        if !self.lossy && std::str::from_utf8(raw).is_err() {
            self.lossy = true;
            let offset = self.case.offset;
            self.sink.problem(
                Some(offset),
                "the text of a test is not valid UTF-8; the bytes in question are replaced",
            );
        }
        let text = &mut self.text;
        if escaped {
            unescape(raw, |piece| text.push(piece));
        } else {
            text.push(raw);
        }
    }

    fn open(&mut self, tag: &Tag<'_>, offset: u64) {
        let name = local(tag.name);
        if name == b"testcase" {
            if self.case.open {
                // The one before was never closed.
                self.end_child();
                self.end_case();
            }
            self.begin_case(tag, offset);
            if tag.empty {
                self.end_case();
            }
            return;
        }
        match name {
            b"testsuite" | b"testsuites" => {
                if self.case.open {
                    self.end_child();
                    self.end_case();
                }
                self.seen_root = true;
                self.suite(tag);
                self.depth += u32::from(!tag.empty);
                return;
            }
            _ if !self.case.open => {
                self.depth += u32::from(!tag.empty);
                return;
            }
            _ => {}
        }
        if self.child.is_some() || self.inner > 0 {
            self.inner += u32::from(!tag.empty);
            return;
        }
        let child = match name {
            b"failure" => Child::Failure,
            b"error" => Child::Error,
            b"rerunFailure" | b"rerunError" | b"flakyFailure" | b"flakyError" => Child::Repeat,
            b"skipped" => Child::Skipped,
            b"system-out" => Child::Output,
            b"system-err" => Child::Errors,
            _ => {
                self.inner += u32::from(!tag.empty);
                return;
            }
        };
        match child {
            Child::Failure | Child::Error => {
                let mut told = Told {
                    error: child == Child::Error,
                    message: String::new(),
                    type_name: String::new(),
                    text: String::new(),
                    sections: Vec::new(),
                    offset,
                };
                for (key, raw) in tag.attributes() {
                    match key {
                        b"message" => told.message = value(raw).into_owned(),
                        b"type" => told.type_name = value(raw).into_owned(),
                        _ => {}
                    }
                }
                self.case.told.push(told);
            }
            Child::Repeat => self.case.repeats += 1,
            Child::Skipped => {
                let xfail = tag.attributes().any(|(key, raw)| key == b"type" && raw == b"pytest.xfail");
                self.case.skipped = Some(if xfail { Outcome::Xfailed } else { Outcome::Skipped });
                self.case.collection_skipped =
                    tag.attributes().any(|(key, raw)| key == b"message" && raw == b"collection skipped");
            }
            Child::Output | Child::Errors => {}
        }
        if !tag.empty {
            self.child = Some(child);
            self.inner = 0;
        }
    }

    fn suite(&mut self, tag: &Tag<'_>) {
        let mut start = None;
        let mut time = None;
        for (key, raw) in tag.attributes() {
            match key {
                b"timestamp" => start = iso_time(&value(raw)),
                b"time" => time = value(raw).trim().parse().ok().and_then(seconds),
                _ => {}
            }
        }
        let run = &mut self.sink.run;
        if let Some((start, zoned)) = start {
            run.started = Some(run.started.map_or(start, |known| known.min(start)));
            // A time without a zone may be hours off; the file's own time is better then.
            if zoned {
                let end = start + std::time::Duration::from_secs_f64(time.unwrap_or(0.0));
                self.sink.ended = Some(self.sink.ended.map_or(end, |known| known.max(end)));
                self.dated = true;
            }
            if let Some(time) = time {
                *self.sink.run.duration.get_or_insert(0.0) += time;
            }
        }
    }

    fn begin_case(&mut self, tag: &Tag<'_>, offset: u64) {
        let case = &mut self.case;
        case.open = true;
        case.offset = offset;
        case.name.clear();
        case.named = false;
        case.line = None;
        case.time.clear();
        case.skipped = None;
        case.collection_skipped = false;
        case.repeats = 0;
        self.inner = 0;
        let (mut classname, mut file): (&[u8], &[u8]) = (b"", b"");
        for (key, raw) in tag.attributes() {
            // By first letter, so that each name is compared once.
            match key.first() {
                Some(b'c') if key == b"classname" => {
                    classname = raw;
                    case.named = true;
                }
                Some(b'n') if key == b"name" => {
                    // Names are so short that comparing all bytes at once beats a search.
                    let special = raw.iter().filter(|b| matches!(b, b'&' | b'#')).count();
                    match std::str::from_utf8(raw) {
                        Ok(plain) if special == 0 => case.name.push_str(plain),
                        _ => case.name.push_str(&unspelled(&value(raw))),
                    }
                    case.named = true;
                }
                Some(b't') if key == b"time" => case.time.extend_from_slice(raw),
                Some(b'f') if key == b"file" => file = raw,
                Some(b'l') if key == b"line" => {
                    case.line = std::str::from_utf8(raw).ok().and_then(|text| text.trim().parse().ok());
                }
                _ => {}
            }
        }
        // Empty slices are told by their length: comparing none of the bytes at a dangling address costs more
        // than all else here (a masked vector load from an unmapped page takes an assist).
        let differ = |a: &[u8], b: &[u8]| a.len() != b.len() || !a.is_empty() && a != b;
        if differ(&case.raw.0, classname) || differ(&case.raw.1, file) {
            case.raw.0.clear();
            case.raw.0.extend_from_slice(classname);
            case.raw.1.clear();
            case.raw.1.extend_from_slice(file);
            case.classname.clear();
            case.classname.push_str(&value(classname));
            case.file.clear();
            case.file.push_str(&value(file));
            self.ids.forget();
        }
    }

    fn close(&mut self, name: &[u8]) {
        let name = local(name);
        if !self.case.open {
            self.depth = self.depth.saturating_sub(1);
        } else if name == b"testcase" {
            self.end_child();
            self.end_case();
        } else if matches!(name, b"testsuite" | b"testsuites") {
            self.end_child();
            self.end_case();
            self.depth = self.depth.saturating_sub(1);
        } else if self.inner > 0 {
            self.inner -= 1;
        } else {
            self.end_child();
        }
    }

    fn end_child(&mut self) {
        let Some(child) = self.child.take() else { return };
        self.inner = 0;
        if !matches!(child, Child::Failure | Child::Error | Child::Output | Child::Errors) {
            return;
        }
        if self.text.is_empty() {
            return;
        }
        let (text, dropped) = self.text.take();
        self.sink.cut(dropped, self.case.told.last().map_or(self.case.offset, |told| told.offset));
        let text = kept(unspelled(&text)).unwrap_or(text);
        let text = kept(without_ansi(&text)).unwrap_or(text);
        match child {
            Child::Failure | Child::Error => {
                if let Some(told) = self.case.told.last_mut() {
                    told.text = text;
                }
            }
            _ => {
                let name = if child == Child::Errors { "Captured stderr" } else { "Captured stdout" };
                let sections = match self.case.told.last_mut() {
                    Some(told) => &mut told.sections,
                    None => &mut self.case.early,
                };
                split_sections(&text, name, sections);
            }
        }
    }

    fn end_case(&mut self) {
        let case = &mut self.case;
        if !case.open {
            return;
        }
        case.open = false;
        self.child = None;
        self.inner = 0;
        if !case.named && case.told.is_empty() {
            // pytest leaves a nameless case behind for the test that was interrupted.
            self.sink.run.exit = Exit::Interrupted;
            case.early.clear();
            return;
        }
        if case.told.is_empty() {
            case.early.clear();
            if case.collection_skipped {
                return;
            }
            let id = self.ids.test(&case.classname, &case.name, &case.file, "");
            for _ in 0..case.repeats {
                self.sink.rerun(id);
            }
            let time = if self.sink.options.keep_names { case.seconds() } else { None };
            self.sink.ended_well(id, case.skipped.unwrap_or(Outcome::Passed), time);
            return;
        }
        let mut told = std::mem::take(&mut case.told);
        told[0].sections.splice(0..0, case.early.drain(..));
        let several = told.len() > 1;
        let classified: Vec<(Phase, FailureKind, String)> =
            told.iter().map(|told| classify(case, told)).collect();
        // Several failures of one call are subtests, and perhaps the test itself, which pytest 9 then fails with
        // a message of this form.
        let is_summary = |message: &str| {
            message.starts_with("contains ") && message.ends_with(" failed subtests")
                || message == "contains 1 failed subtest"
        };
        let is_part = |(phase, _, message): &(Phase, FailureKind, String)| {
            several && *phase == Phase::Call && !is_summary(message)
        };
        let parts = told.iter().zip(&classified).filter(|(_, classified)| is_part(classified));
        let places: Vec<_> = parts.map(|(told, _)| subtests::within(&told.text)).collect();
        let mut names = subtests::names(&places).into_iter();
        for (told, classified) in told.into_iter().zip(classified) {
            let part = is_part(&classified);
            let (phase, kind, message) = classified;
            let id = match phase {
                Phase::Collect => {
                    TestId::new(&self.ids.collected(&case.classname, &case.name, &case.file, &told.text))
                }
                _ if kind == FailureKind::Internal => TestId::new(super::INTERNAL_ERROR),
                _ => TestId::new(self.ids.test(&case.classname, &case.name, &case.file, &told.text)),
            };
            for _ in 0..case.repeats {
                self.sink.rerun(id.as_str());
            }
            let mut failure = Failure::bare(id, phase);
            if part {
                failure.subtest = names.next().flatten();
            }
            failure.kind = kind;
            failure.location = (!case.file.is_empty()).then(|| {
                // pytest counts these from 0, but not for collection errors, which have none.
                (case.file.clone(), case.line.and_then(|line| line.checked_add(1)))
            });
            failure.detail = if told.text.is_empty() { Detail::Message } else { Detail::Traceback };
            failure.headline = if message.is_empty() { headline(&told.text) } else { message };
            if kind == FailureKind::Crash {
                failure.worker = crashed_worker(&failure.headline).map(str::to_owned);
            }
            failure.text = if told.text.is_empty() { told.message } else { told.text }.into();
            failure.sections = told.sections;
            failure.duration = case.seconds();
            self.sink.failed(failure);
        }
    }

    fn end(&mut self, cut: bool, offset: u64) {
        if self.case.open || cut || self.depth > 0 {
            let what = if self.case.open { "of a test" } else { "of the document" };
            self.end_child();
            if self.case.told.is_empty() {
                // Whether it would have failed is not known.
                self.case.open = false;
            }
            self.end_case();
            self.sink.unfinished(offset, what);
        } else if !self.seen_root {
            self.sink
                .problem(Some(offset), "the document has no <testsuite>; the tests found in it were read");
        }
    }
}

/// The text that was made, if it is another one.
fn kept(text: Cow<'_, str>) -> Option<String> {
    match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    }
}

/// An element's name without the prefix of a namespace, which is of no interest.
fn local(name: &[u8]) -> &[u8] {
    match name {
        b"testcase" => name,
        _ => name.iter().rposition(|b| *b == b':').map_or(name, |at| &name[at + 1..]),
    }
}

/// Phase, kind and headline of a failure from the messages that pytest writes.
fn classify(case: &Case, told: &Told) -> (Phase, FailureKind, String) {
    let clean = without_ansi(&unspelled(&told.message)).into_owned();
    let message = clean.trim();
    if crashed_worker(message).is_some() {
        let start = message.find("worker '").unwrap_or(0);
        return (Phase::Call, FailureKind::Crash, message[start..].trim_end_matches('"').to_owned());
    }
    let quoted = |prefix: &str| {
        let rest = message.strip_prefix(prefix)?;
        Some(rest.strip_suffix('"').unwrap_or(rest).to_owned())
    };
    if told.error {
        if matches!(message, "collection failure" | "collection error") {
            return (Phase::Collect, FailureKind::Exception, headline(&told.text));
        }
        if message == "internal error" && case.classname == "pytest" {
            let last = told.text.trim_end().lines().last().unwrap_or_default();
            return (Phase::Call, FailureKind::Internal, first_line(last, 1000).to_owned());
        }
        if let Some(rest) = quoted("failed on setup with \"") {
            return (Phase::Setup, FailureKind::Exception, rest);
        }
        if let Some(rest) = quoted("failed on teardown with \"") {
            return (Phase::Teardown, FailureKind::Exception, rest);
        }
        if message.starts_with("test setup failure") {
            return (Phase::Setup, FailureKind::Exception, headline(&told.text));
        }
        if message.starts_with("test teardown failure") {
            return (Phase::Teardown, FailureKind::Exception, headline(&told.text));
        }
    }
    if message.starts_with("[XPASS(strict)]") {
        return (Phase::Call, FailureKind::StrictXpass, message.to_owned());
    }
    // Other writers put the exception's type beside its message.
    let typed = !told.type_name.is_empty() && !message.starts_with(&told.type_name);
    let message = match (typed, message.is_empty()) {
        (true, true) => told.type_name.clone(),
        (true, false) => format!("{}: {message}", told.type_name),
        _ => message.to_owned(),
    };
    (Phase::Call, FailureKind::Exception, message)
}

/// Splits the text of `system-out` at the titles that `junit_logging` puts between logs and output.
fn split_sections(text: &str, name: &str, sections: &mut Vec<Section>) {
    let title = |line: &str| {
        let inner = line.trim_matches('-');
        (line.starts_with("-----") && line.ends_with("-----")).then(|| match inner.trim() {
            "Captured Log" => Some("Captured log"),
            "Captured Out" => Some("Captured stdout"),
            "Captured Err" => Some("Captured stderr"),
            _ => None,
        })?
    };
    let mut name = name;
    let mut body = String::new();
    for line in text.split_inclusive('\n') {
        if let Some(next) = title(line.trim_end()) {
            add_section(sections, name, std::mem::take(&mut body));
            name = next;
        } else {
            body.push_str(line);
        }
    }
    add_section(sections, name, body);
}
