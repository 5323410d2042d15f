//! Tracebacks as pytest and Python print them, in every `--tb` style.
//!
//! [`parse`] takes the text of one failure (pytest calls it `longrepr`). The text is split into captured
//! sections and into the exceptions of the chain; each exception is then read in the style it is printed in:
//! pytest's own ([`entries`]), Python's ([`native`]), or one of the texts that pytest prints without a
//! traceback ([`special`]). Everything works line by line and in linear time.

mod entries;
mod lines;
pub(crate) mod message;
mod native;
mod special;
#[cfg(test)]
mod tests;

use crate::model::{Exception, Frame, Link, Section};

pub(crate) use lines::{Rest, location, ruler_title};
pub(crate) use native::MAX_GROUP_DEPTH;
pub(crate) use special::is_worker_crash;

/// What a failure's text holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// The chain, first cause first.
    pub exceptions: Vec<Exception>,
    /// Captured sections found in the text.
    pub sections: Vec<Section>,
}

const CAUSE: &str = "The above exception was the direct cause of the following exception:";
const CONTEXT: &str = "During handling of the above exception, another exception occurred:";

/// Parses the text of one failure (`longrepr`): `--tb` auto, long, short, line and native, collection
/// errors, syntax errors, chains, exception groups, doctests, `fixture … not found`. Never fails: what it
/// does not know is left out. Linear in the text's length.
pub fn parse(text: &str) -> Parsed {
    let (body, sections) = split_sections(text);
    Parsed {
        exceptions: parse_body(body),
        sections: sections
            .into_iter()
            .map(|(name, text)| Section { name: name.to_owned(), text: text.to_owned() })
            .collect(),
    }
}

/// The exceptions of [`parse`] alone, without a copy of the captured output.
pub(crate) fn exceptions(text: &str) -> Vec<Exception> {
    parse_body(split_sections(text).0)
}

/// Reads a one-line account such as JUnit's `message` or the console summary: `KeyError: 'x'`,
/// `assert 1 == 2`. `None` if it names no exception.
pub fn parse_headline(headline: &str) -> Option<Exception> {
    let lines: Vec<&str> = headline.lines().collect();
    let (type_name, message) = message::split(&lines);
    let named = type_name.contains('.') || type_name.starts_with(|c: char| c.is_uppercase());
    if !named {
        return None;
    }
    let mut exception = exception(type_name, message);
    exception.assertion = super::assertion::take_apart(&exception.message, None);
    Some(exception)
}

/// Cuts captured sections (`---- Captured stdout call ----`) off the end of a failure's text: titles and texts.
fn split_sections(text: &str) -> (&str, Vec<(&str, &str)>) {
    let mut sections: Vec<(&str, &str)> = Vec::new();
    let mut body = text;
    let mut start = None;
    let end = |from: usize, to: usize| text[from..to].trim_end_matches(['\n', '\r']);
    // Only a line that begins like a ruler can be one.
    let rulers = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
    for offset in std::iter::once(0).chain(rulers).filter(|&at| text[at..].starts_with('-')) {
        let line = text[offset..].split('\n').next().unwrap_or_default();
        if let Some(title) = section_title(line.trim_end_matches('\r')) {
            match (start, sections.last_mut()) {
                (Some(from), Some(last)) => last.1 = end(from, offset),
                _ => body = &text[..offset],
            }
            sections.push((title, ""));
            start = Some((offset + line.len() + 1).min(text.len()));
        }
    }
    if let (Some(from), Some(last)) = (start, sections.last_mut()) {
        last.1 = end(from, text.len());
    }
    (body, sections)
}

/// The title of a section ruler that pytest (or a plugin it lets speak) puts after a traceback.
pub(crate) fn section_title(line: &str) -> Option<&str> {
    let title = ruler_title(line, '-')?;
    let known = title.strip_prefix("Captured ").is_some_and(|rest| {
        rest.ends_with(" setup") || rest.ends_with(" call") || rest.ends_with(" teardown")
    }) || matches!(title, "Captured stdout" | "Captured stderr" | "Captured log" | "Hypothesis");
    known.then_some(title)
}

fn parse_body(body: &str) -> Vec<Exception> {
    let lines: Vec<&str> = body.lines().map(strip_internal_prefix).collect();
    let lines = trim_blank(&lines);
    if lines.is_empty() {
        return Vec::new();
    }
    let lines = special::skip_preamble(lines);
    if let Some(exceptions) = special::parse(lines) {
        return exceptions;
    }
    let blocks = split_chain(lines);
    let mut exceptions: Vec<Exception> = Vec::with_capacity(blocks.len());
    let last = blocks.len() - 1;
    for (index, (block, link)) in blocks.into_iter().enumerate() {
        let block = trim_blank(block);
        if native::is_native(block) {
            exceptions.extend(native::parse(block));
        } else if let Some(exception) = entries::parse(block) {
            exceptions.push(exception);
        } else if index == last && exceptions.is_empty() && !block.is_empty() {
            exceptions.push(special::plain(block));
        }
        if let Some(exception) = exceptions.last_mut() {
            exception.link = link;
        }
    }
    if let Some(exception) = exceptions.last_mut() {
        exception.link = Link::Last;
    }
    exceptions
}

/// Splits at the sentences that tie the exceptions of a chain, each block with its tie to the next. Inside
/// the triple quotes of a remote traceback (`multiprocessing`, `concurrent.futures`) they are text.
fn split_chain<'a, 'b>(lines: &'b [&'a str]) -> Vec<(&'b [&'a str], Link)> {
    let mut blocks = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    for (at, line) in lines.iter().enumerate() {
        if *line == "\"\"\"" {
            quoted = !quoted;
        }
        let link = match *line {
            _ if quoted => continue,
            CAUSE => Link::Cause,
            CONTEXT => Link::Context,
            _ => continue,
        };
        blocks.push((&lines[start..at], link));
        start = at + 1;
    }
    blocks.push((&lines[start..], Link::Last));
    blocks
}

fn strip_internal_prefix(line: &str) -> &str {
    line.strip_prefix("INTERNALERROR>").map_or(line, |rest| rest.strip_prefix(' ').unwrap_or(rest))
}

fn trim_blank<'a, 'b>(mut lines: &'b [&'a str]) -> &'b [&'a str] {
    while let [first, rest @ ..] = lines {
        if !first.trim().is_empty() {
            break;
        }
        lines = rest;
    }
    while let [rest @ .., last] = lines {
        if !last.trim().is_empty() {
            break;
        }
        lines = rest;
    }
    lines
}

fn exception(type_name: String, message: String) -> Exception {
    Exception {
        type_name,
        message,
        link: Link::Last,
        frames: Vec::new(),
        assertion: None,
        group: Vec::new(),
        notes: Vec::new(),
    }
}

fn frame(path: &str, line: u32) -> Frame {
    Frame {
        path: path.to_owned(),
        line,
        span: None,
        function: None,
        source: None,
        locals: Vec::new(),
        place: None,
        in_project: false,
    }
}
