//! Keys and certificates between lines of dashes (RFC 7468, RFC 4716), with their end or without.

use super::bytes::{self, ALNUM, BASE64, BLANK, DASH, EQUALS, UNDERSCORE};
use super::engine::Span;
use super::kind;

/// Longest PEM block that is followed.
const MAX_PEM: usize = 64 * 1024;
/// Longest part of one of its lines in which the END is looked for: a block on one line, line ends escaped.
const MAX_PEM_LINE: usize = 16 * 1024;

/// Where the next line end and the next `---- END ` or `-----END ` stand: text full of beginnings is searched for them
/// once.
#[derive(Debug, Default)]
pub struct Ends {
    line: Option<usize>,
    end: Option<usize>,
}

impl Ends {
    /// The line end and the END after `at`, which must not go back.
    fn after(&mut self, text: &[u8], at: usize) -> (usize, usize) {
        let line = match self.line {
            Some(line) if line >= at => line,
            _ => memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |i| at + i),
        };
        let end = match self.end {
            Some(end) if end >= at => end,
            _ => pem_end_mark(&text[at..]).map_or(text.len(), |i| at + i),
        };
        (self.line, self.end) = (Some(line), Some(end));
        (line, end)
    }
}

/// Where the five or four dashes of an END line begin.
fn pem_end_mark(text: &[u8]) -> Option<usize> {
    let dashes = |at: usize| at - usize::from(at > 0 && text[at - 1] == b'-');
    let mut from = 0;
    loop {
        let word = from + memchr::memmem::find(&text[from..], b"END ")?;
        let before = &text[..word];
        if before.ends_with(b"-----") {
            return Some(word - 5);
        }
        if before.ends_with(b"---- ") {
            return Some(dashes(word - 5));
        }
        from = word + 4;
    }
}

/// Finds the PEM block whose first line has `-----BEGIN ` or `---- BEGIN ` at `at`; one span for each of its lines.
pub fn pem(text: &[u8], at: usize, ends: &mut Ends, spans: &mut Vec<Span>) -> usize {
    let start = at;
    let label_end = bytes::run_end(text, at + 11, ALNUM | BLANK | UNDERSCORE | DASH, 80);
    let label = &text[at + 11..label_end];
    // `---- BEGIN SSH2 … ----` has four dashes and blanks (RFC 4716).
    if !label.ends_with(b"-----") && !label.ends_with(b" ----") || label.len() <= 5 {
        return at + 11;
    }
    let private = memchr::memmem::find(label, b"PRIVATE").is_some()
        || memchr::memmem::find(label, b"SECRET").is_some()
        || memchr::memmem::find(label, b"KEY").is_some() && memchr::memmem::find(label, b"PUBLIC").is_none();
    let limit = text.len().min(start + MAX_PEM);
    let end = pem_end(&text[..limit], label_end, ends.after(text, label_end));
    let digest = super::registry::hash(&text[start..end]);
    let kind = if private { kind::PRIVATE_KEY } else { kind::PEM };
    let mut line = start;
    while line < end {
        let stop = memchr::memchr(b'\n', &text[line..end]).map_or(end, |i| line + i);
        let from = if line == start { line } else { pem_line_start(text, line, stop) };
        let to = if stop > from && text[stop - 1] == b'\r' { stop - 1 } else { stop };
        if from < to {
            spans.push(Span::new(from, to, kind, 9).with_secret(digest));
        }
        line = stop + 1;
    }
    end
}

/// The lines of a key file whose first has `PuTTY-User-Key-File-` at `at`, up to that of its MAC; gives where they end.
pub fn putty(text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
    const LINES: usize = 200;
    let first = spans.len();
    let mut line = at;
    for _ in 0..LINES {
        let stop = bytes::line_end(text, line, 160);
        let begin = if line == at { at } else { pem_line_start(text, line, stop) };
        let content = &text[begin..stop];
        let colon = memchr::memmem::find(content, b": ").map_or(&[][..], |colon| &content[..colon]);
        let is_header =
            [&b"Encryption"[..], b"Comment", b"Public-Lines", b"Private-Lines", b"Key-Derivation"]
                .contains(&colon)
                || colon.starts_with(b"Argon2-");
        let is_end = colon == b"Private-MAC" || colon == b"Private-Hash";
        let is_body = !content.is_empty() && pem_body_len(content) == content.len();
        if line > at && !is_header && !is_end && !is_body {
            break;
        }
        spans.push(Span::new(begin, stop, kind::PRIVATE_KEY, 9));
        line = stop + 1;
        if is_end || stop >= text.len() || text[stop] != b'\n' {
            break;
        }
    }
    let end = spans.last().map_or(at, |span| span.end);
    let digest = super::registry::hash(&text[at..end]);
    for span in &mut spans[first..] {
        span.secret = Some(digest);
    }
    line.min(text.len())
}

/// Where the text of a line of a PEM block begins, after what pytest, diffs and quoting put before it.
fn pem_line_start(text: &[u8], line: usize, stop: usize) -> usize {
    let mut at = line;
    if text[at..stop].starts_with(b"E ") {
        at += 1;
    }
    while at < stop
        && (bytes::is(text[at], BLANK) || matches!(text[at], b'|' | b'>' | b'#' | b'\'' | b'"' | b'('))
    {
        at += 1;
    }
    if at < stop && matches!(text[at], b'+' | b'-') && bytes::is_at(text, at + 1, BLANK) {
        at += 1;
        while at < stop && (bytes::is(text[at], BLANK) || matches!(text[at], b'\'' | b'"' | b'(')) {
            at += 1;
        }
    }
    at
}

/// The end of a PEM block: its END line, or where its lines stop looking like one.
fn pem_end(text: &[u8], from: usize, (line, mark): (usize, usize)) -> usize {
    let mut at = from;
    let mut last = from;
    let mut rest_of_first = true;
    loop {
        let stop = if rest_of_first {
            line.min(text.len())
        } else {
            memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |i| at + i)
        };
        let begin = if rest_of_first { at } else { pem_line_start(text, at, stop) };
        let line = &text[begin..stop];
        let near = &line[..line.len().min(MAX_PEM_LINE)];
        let mark = if rest_of_first {
            mark.checked_sub(begin).filter(|m| *m < near.len())
        } else {
            pem_end_mark(near)
        };
        if let Some(end) = mark {
            let tail = bytes::run_end(text, begin + end + 9, ALNUM | BLANK | UNDERSCORE, 80);
            return bytes::run_end(text, tail, DASH, 5).min(stop);
        }
        let body = pem_body_len(line);
        let whole = trimmed(line) == 0 || body >= trimmed(line);
        last = if body > 0 { begin + body } else { last };
        let is_header = line.len() < 100 && memchr::memmem::find(line, b": ").is_some() && !rest_of_first;
        if (!whole && !is_header)
            || stop >= text.len()
            || (trimmed(line) == 0
                && at > from + 1
                && last < at - 1
                && !rest_of_first
                && bytes::count(&text[last..at], b'\n') > 2)
        {
            return last;
        }
        if is_header {
            last = stop;
        }
        rest_of_first = false;
        at = stop + 1;
    }
}

fn trimmed(line: &[u8]) -> usize {
    line.trim_ascii_end().len()
}

/// How much of a line can belong to a PEM block's body: base 64, escaped line ends, quotes and commas that
/// continue a literal.
fn pem_body_len(line: &[u8]) -> usize {
    let mut at = 0;
    while at < line.len() {
        let byte = line[at];
        if bytes::is(byte, ALNUM | BASE64 | EQUALS) {
            at += 1;
        } else if byte == b'\\' && at + 1 < line.len() && matches!(line[at + 1], b'n' | b'r' | b't' | b'\\') {
            at += 2;
        } else if matches!(byte, b'.' | b' ' | b'\t' | b'\r') {
            at += 1;
        } else {
            break;
        }
    }
    let body = &line[..at];
    // A line of prose is no body: it has spaces between short words.
    let words = body.split(|b| bytes::is(*b, BLANK)).filter(|w| !w.is_empty()).count();
    let trimmed = trimmed(body);
    if words > 1 && trimmed / words < 16 { 0 } else { trimmed }
}
