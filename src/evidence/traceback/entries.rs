//! pytest's own styles: entries of one frame each. A long entry shows arguments, the function's source with
//! a `>` at the failing line, `E` lines, locals, and ends in `path:line: Type`; a short one starts with
//! `path:line: in name`. `--tb=auto` mixes both.

use super::lines::{Rest, indent, is_caret_line, is_identifier, is_separator, location, native_file};
use super::message;
use crate::evidence::assertion;
use crate::model::{Exception, Frame, Value};

/// The entries of one exception; `None` if there is neither a frame nor an `E` line.
pub(super) fn parse(lines: &[&str]) -> Option<Exception> {
    let mut reader = Reader::default();
    for line in lines {
        reader.line(line);
    }
    reader.finish()
}

#[derive(Default)]
struct Entry<'a> {
    /// Path, line and function of a short entry.
    head: Option<(&'a str, u32, &'a str)>,
    args: Vec<Value>,
    /// Source lines without the four columns of margin.
    source: Vec<&'a str>,
    /// Index into `source` of the failing line.
    marked: Option<usize>,
    errors: usize,
    locals: Vec<Value>,
}

#[derive(Default)]
struct Reader<'a> {
    entry: Entry<'a>,
    frames: Vec<Frame>,
    /// `E` lines of the exception without the `E`.
    errors: Vec<&'a str>,
    /// The statement of the last frame, for taking an assertion apart.
    statement: String,
    type_name: Option<&'a str>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        if line == "E" || line.starts_with("E ") && !self.is_local_named_e(line) {
            if self.entry.errors == 0 {
                self.errors.clear();
            }
            self.errors.push(&line[1..]);
            self.entry.errors += 1;
        } else if line == ">" || line.starts_with("> ") {
            self.entry.marked.get_or_insert(self.entry.source.len());
            self.entry.source.push(line.get(4..).unwrap_or(""));
        } else if line.starts_with("    ") {
            self.indented(line);
        } else if line.trim().is_empty() {
            if !self.entry.source.is_empty() && self.entry.errors == 0 && self.entry.marked.is_none() {
                self.entry.source.push("");
            }
        } else if is_separator(line) {
            self.flush();
        } else if let Some((path, number, rest)) = location(line) {
            match rest {
                Rest::In(name) => {
                    self.flush();
                    self.entry.head = Some((path, number, name));
                }
                Rest::Type(name) => self.end(path, number, Some(name)),
                Rest::None => self.end(path, number, None),
                Rest::Message(text) => self.one_line(path, number, text, line),
            }
        } else if line == "Traceback:" {
            self.entry = Entry::default();
        } else {
            self.flush_left(line);
        }
    }

    /// A local variable named `E` looks almost like an error line.
    fn is_local_named_e(&self, line: &str) -> bool {
        line.starts_with("E          = ") && self.entry.errors > 0
    }

    /// Whether there is nothing yet but an exception's message.
    fn is_line_style(&self) -> bool {
        let entry = &self.entry;
        entry.errors > 0 && entry.source.is_empty() && entry.head.is_none() && self.frames.is_empty()
    }

    fn indented(&mut self, line: &'a str) {
        if self.entry.head.is_some() && !self.entry.source.is_empty() && line.starts_with("        ") {
            let text = &line[8..];
            let padded = text.find(" = ").is_some_and(|at| at >= 10 && is_name(text[..at].trim_end()));
            if padded
                && (self.entry.errors > 0 || !self.entry.locals.is_empty() || text.as_bytes()[9] == b' ')
            {
                push_local(&mut self.entry.locals, text);
                return;
            }
        }
        if self.is_line_style() {
            // `--tb=line` marks only the first line of the message.
            self.errors.push(&line[1..]);
        } else if self.entry.errors > 0 || !self.entry.locals.is_empty() {
            continue_local(&mut self.entry.locals, line);
        } else {
            self.entry.source.push(&line[4..]);
        }
    }

    /// A line that starts at the left margin: arguments before the source, locals after it.
    fn flush_left(&mut self, line: &'a str) {
        if self.entry.head.is_some() || line.starts_with("!!! ") || line.starts_with("  Displaying first") {
            continue_local(&mut self.entry.locals, line);
        } else if self.entry.source.is_empty() && self.entry.errors == 0 {
            let first = self.frames.is_empty() && self.entry.args.is_empty();
            if first && (definition(line).is_some() || line.starts_with('@')) {
                // Where the whole text has been stripped, as in JUnit files, its first line has no margin.
                self.entry.source.push(line);
                return;
            }
            push_arguments(&mut self.entry.args, line);
        } else if local(line).is_some() {
            push_local(&mut self.entry.locals, line);
        } else {
            continue_local(&mut self.entry.locals, line);
        }
    }

    /// `path:line: Type` ends a long entry.
    fn end(&mut self, path: &str, line: u32, type_name: Option<&'a str>) {
        if self.entry.head.is_some() {
            self.flush();
        }
        if type_name.is_some() {
            self.type_name = type_name;
        }
        let function = function_name(&self.entry.source, self.entry.marked);
        self.push_frame(path, line, function);
    }

    /// `--tb=line`: `path:line: message`, all on one line. Inside an entry it is a value's text.
    fn one_line(&mut self, path: &str, line: u32, text: &'a str, whole: &'a str) {
        let fresh = self.frames.is_empty() && self.entry.source.is_empty() && self.entry.head.is_none();
        if fresh {
            if self.errors.is_empty() {
                self.errors.push(text);
            }
            self.push_frame(path, line, None);
        } else {
            self.flush_left(whole);
        }
    }

    fn push_frame(&mut self, path: &str, line: u32, function: Option<String>) {
        let entry = std::mem::take(&mut self.entry);
        let failing =
            entry.marked.or(if entry.head.is_some() && !entry.source.is_empty() { Some(0) } else { None });
        let mut frame = super::frame(path, line);
        frame.function = function;
        self.statement.clear();
        if let Some(at) = failing {
            frame.source = Some(entry.source[at].trim())
                .filter(|text| !text.is_empty() && *text != "???")
                .map(str::to_owned);
            for line in &entry.source[at..] {
                if !is_caret_line(line) {
                    self.statement.push_str(line.trim());
                    self.statement.push('\n');
                }
            }
        }
        frame.locals = entry.args;
        for value in entry.locals {
            match frame.locals.iter_mut().take(64).find(|known| known.name == value.name) {
                Some(known) => *known = value,
                None => frame.locals.push(value),
            }
        }
        if self.frames.is_empty() {
            // Most failures have one frame.
            self.frames.reserve_exact(1);
        }
        self.frames.push(frame);
    }

    /// Ends a short entry; what an unfinished long one holds has no place and is dropped.
    fn flush(&mut self) {
        if let Some((path, line, name)) = self.entry.head {
            self.push_frame(path, line, Some(name.to_owned()));
        } else {
            self.entry = Entry::default();
        }
    }

    fn finish(mut self) -> Option<Exception> {
        if self.entry.head.is_none()
            && self.frames.is_empty()
            && let Some(at) = self.entry.marked
        {
            // Cut off before its place: the statement still tells what was asserted.
            self.statement = self.entry.source[at..].join("\n");
        }
        self.flush();
        if self.frames.is_empty() && self.errors.is_empty() {
            return None;
        }
        let lines = message::dedent(&self.errors);
        let mut exception = build(&lines, &mut self.frames);
        if exception.type_name.is_empty()
            && let Some(name) = self.type_name
        {
            name.clone_into(&mut exception.type_name);
        }
        exception.frames = self.frames;
        let statement = Some(self.statement.trim()).filter(|s| !s.is_empty());
        if exception.short_type() == "AssertionError" {
            exception.assertion = assertion::take_apart(&exception.message, statement);
        }
        Some(exception)
    }
}

/// The exception that its printed lines tell of; a syntax error's place becomes the last of `frames`.
pub(super) fn build(lines: &[&str], frames: &mut Vec<Frame>) -> Exception {
    let mut lines = lines;
    if let Some((path, number, None)) = lines.first().and_then(|line| native_file(line)) {
        let mut place = super::frame(path, number);
        lines = &lines[1..];
        while let [first, rest @ ..] = lines {
            if indent(first) == 0 && !first.trim().is_empty() {
                break;
            }
            if !is_caret_line(first) && place.source.is_none() && !first.trim().is_empty() {
                place.source = Some(first.trim().to_owned());
            }
            lines = rest;
        }
        frames.push(place);
    }
    let (type_name, message) = message::split(lines);
    super::exception(type_name, message)
}

/// The function whose source is shown: the first `def` when the source starts with it or its decorators,
/// and the failing line lies within.
fn function_name(source: &[&str], marked: Option<usize>) -> Option<String> {
    let first = source.iter().find(|line| !line.trim().is_empty())?;
    let margin = indent(first);
    if !first.trim_start().starts_with('@') && definition(first).is_none() {
        return None;
    }
    let (at, name) = source
        .iter()
        .enumerate()
        .filter(|(_, line)| indent(line) == margin)
        .find_map(|(at, line)| definition(line).map(|name| (at, name)))?;
    let failing = marked?;
    let within = at == failing || at < failing && indent(source[failing]) > margin;
    within.then(|| name.to_owned())
}

/// The name that a `def`, `async def` or `class` line defines.
pub(super) fn definition(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").map_or(line, str::trim_start);
    let rest = line.strip_prefix("def ").or_else(|| line.strip_prefix("class "))?.trim_start();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

fn is_name(text: &str) -> bool {
    is_identifier(text) || text.starts_with(['.', '@']) && !text.contains(' ')
}

/// `name       = repr`.
fn local(text: &str) -> Option<(&str, &str)> {
    let (name, repr) = text.split_once(" = ")?;
    let name = name.trim_end();
    is_name(name).then_some((name, repr))
}

fn push_local(locals: &mut Vec<Value>, text: &str) {
    if let Some((name, repr)) = local(text) {
        locals.push(Value { name: name.to_owned(), repr: repr.to_owned(), type_name: None });
    }
}

fn continue_local(locals: &mut [Value], text: &str) {
    if let Some(last) = locals.last_mut() {
        last.repr.push('\n');
        last.repr.push_str(text);
    }
}

/// `a = 1, b = [1, 2]`: the arguments of a call, some lines of them.
fn push_arguments(args: &mut Vec<Value>, line: &str) {
    let line = line.trim_end().trim_end_matches(',');
    let mut start = 0;
    let mut parts = Vec::new();
    for at in assertion::top_level_commas(line) {
        let next = line[at + 1..].trim_start();
        if local(next).is_some() {
            parts.push(&line[start..at]);
            start = at + 1;
        }
    }
    parts.push(&line[start..]);
    if local(parts[0].trim_start()).is_none() {
        continue_local(args, line);
        return;
    }
    for part in parts {
        push_local(args, part.trim_start());
    }
}
