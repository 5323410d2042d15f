//! Scanning of opening tags.

use memchr::memchr2;

#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) name: (usize, usize),
    pub(super) value: (usize, usize),
}

/// The tag last scanned. Those of a class's tests differ in values only, and what is the same in the next need
/// not be scanned again.
#[derive(Default)]
pub(super) struct Shape {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// End of the element's name.
    pub(super) name: usize,
    pub(super) empty: bool,
}

impl Shape {
    /// The length of the tag that `data` begins with, if it is this one but for the values behind the first.
    pub(super) fn find(&self, data: &[u8], spans: &mut Vec<Span>) -> Option<usize> {
        let first = self.spans.first()?;
        let mut same = first.value.1;
        let mut rest = data.strip_prefix(&self.bytes[..same])?;
        spans.push(*first);
        for span in &self.spans[1..] {
            let (start, end) = span.value;
            rest = rest.strip_prefix(&self.bytes[same..start])?;
            let quote = self.bytes[end];
            // What a `<` means there is left to the scan.
            let len = memchr2(quote, b'<', rest).filter(|at| rest[*at] == quote)?;
            let moved = data.len() - rest.len();
            let name = (moved - (start - span.name.0), moved - (start - span.name.1));
            spans.push(Span { name, value: (moved, moved + len) });
            rest = &rest[len..];
            same = end;
        }
        let rest = rest.strip_prefix(&self.bytes[same..])?;
        Some(data.len() - rest.len())
    }

    /// Keeps `tag`, if it is of a size worth keeping and all its values are in quotes.
    pub(super) fn remember(&mut self, tag: &[u8], spans: &[Span], name: usize, empty: bool) {
        let quoted = |span: &Span| matches!(tag[span.value.0 - 1], b'"' | b'\'');
        if spans.is_empty() || tag.len() > LARGEST_SHAPE || !spans.iter().all(quoted) {
            return;
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(tag);
        self.spans.clear();
        self.spans.extend_from_slice(spans);
        (self.name, self.empty) = (name, empty);
    }
}

/// Size of the largest tag whose shape is remembered.
const LARGEST_SHAPE: usize = 1000;

pub(super) enum Scan {
    Whole { len: usize, name: usize, empty: bool },
    More,
    Broken(usize),
}

/// Whether `data`, which begins with `<`, begins an element of a result file (so that the attribute value it
/// was found in was never closed).
fn is_markup(data: &[u8]) -> bool {
    const NAMES: [&[u8]; 8] = [
        b"testcase ",
        b"testcase>",
        b"testsuite",
        b"failure ",
        b"failure>",
        b"error ",
        b"error>",
        b"system-",
    ];
    let rest = data[1..].strip_prefix(b"/").unwrap_or(&data[1..]);
    NAMES.iter().any(|name| rest.starts_with(name))
}

/// The index of the first byte from `from` on at which to `stop`.
#[inline]
fn end_of(data: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> Option<usize> {
    data.get(from..)?.iter().position(|b| stop(*b)).map(|at| from + at)
}

/// Scans the opening tag that `data` begins with.
pub(super) fn scan(data: &[u8], spans: &mut Vec<Span>) -> Scan {
    let Some(name) = end_of(data, 1, |b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b'<')) else {
        return Scan::More;
    };
    let mut at = name;
    loop {
        let Some(next) = end_of(data, at, |b| !b.is_ascii_whitespace()) else { return Scan::More };
        at = next;
        match data[at] {
            b'>' => return Scan::Whole { len: at + 1, name, empty: false },
            b'/' => match data.get(at + 1) {
                Some(b'>') => return Scan::Whole { len: at + 2, name, empty: true },
                Some(_) => at += 1,
                None => return Scan::More,
            },
            b'<' => return Scan::Broken(at),
            _ => {
                let stop = |b: u8| b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'<' | b'/');
                let Some(end) = end_of(data, at + 1, stop) else { return Scan::More };
                let key = (at, end);
                let Some(next) = end_of(data, end, |b| !b.is_ascii_whitespace()) else { return Scan::More };
                if data[next] != b'=' {
                    at = next;
                    continue;
                }
                let Some(next) = end_of(data, next + 1, |b| !b.is_ascii_whitespace()) else {
                    return Scan::More;
                };
                let quote = data[next];
                if quote != b'"' && quote != b'\'' {
                    let Some(end) =
                        end_of(data, next, |b| b.is_ascii_whitespace() || matches!(b, b'>' | b'<'))
                    else {
                        return Scan::More;
                    };
                    spans.push(Span { name: key, value: (next, end) });
                    at = end;
                    continue;
                }
                let mut from = next + 1;
                let end = loop {
                    let Some(found) = memchr2(quote, b'<', &data[from..]) else { return Scan::More };
                    let found = from + found;
                    if data[found] == quote {
                        break found;
                    }
                    if is_markup(&data[found..]) {
                        return Scan::Broken(found);
                    }
                    from = found + 1;
                };
                spans.push(Span { name: key, value: (next + 1, end) });
                at = end + 1;
            }
        }
    }
}
