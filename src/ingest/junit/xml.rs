//! A pull tokenizer for XML result files: streaming, bounded, and tolerant where a parser would give up.
//!
//! It is not a validating parser. Entities of a document type are never expanded, a tag larger than the window
//! is skipped, text comes in pieces and is not copied unless it is wanted, and a tag that breaks off where the
//! next begins loses only itself.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use crate::ingest::window::Window;

/// What comes next in the document.
#[derive(Debug)]
pub(crate) enum Token<'t> {
    /// `<name …>` or `<name …/>`.
    Open(Tag<'t>),
    /// `</name>`.
    Close(&'t [u8]),
    /// A piece of text, entities and all; only while text is wanted.
    Text(&'t [u8]),
    /// A piece of a CDATA section; only while text is wanted.
    Data(&'t [u8]),
    /// Something that was left out: offset and what it was.
    Broken(u64, &'static str),
    /// The end of the input; `true` if it ends within markup.
    End(bool),
}

/// An opening tag.
#[derive(Debug)]
pub(crate) struct Tag<'t> {
    /// The element's name, with its prefix.
    pub(crate) name: &'t [u8],
    /// Whether the element is empty: `<name/>`.
    pub(crate) empty: bool,
    data: &'t [u8],
    spans: &'t [Span],
}

impl<'t> Tag<'t> {
    /// Names and raw values of the attributes in order.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'t [u8], &'t [u8])> {
        let data = self.data;
        self.spans.iter().map(move |s| (&data[s.name.0..s.name.1], &data[s.value.0..s.value.1]))
    }
}

#[derive(Debug, Clone, Copy)]
struct Span {
    name: (usize, usize),
    value: (usize, usize),
}

/// The tag last scanned. Those of a class's tests differ in values only, and what is the same in the next need
/// not be scanned again.
#[derive(Default)]
struct Shape {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// End of the element's name.
    name: usize,
    empty: bool,
}

impl Shape {
    /// The length of the tag that `data` begins with, if it is this one but for the values behind the first.
    fn find(&self, data: &[u8], spans: &mut Vec<Span>) -> Option<usize> {
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
    fn remember(&mut self, tag: &[u8], spans: &[Span], name: usize, empty: bool) {
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

/// The end of something that is skipped or passed through in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Markup,
    Cdata,
    Comment,
    Instruction,
    /// A document type: depth of `[`, and the quote that is open.
    Doctype(u32, u8),
    /// The rest of a tag that is too large: the quote that is open.
    Tag(u8),
}

/// The tokenizer.
pub(crate) struct Tokens<'w, 'i> {
    window: &'w mut Window<'i>,
    spans: Vec<Span>,
    last: Shape,
    /// Bytes of the last token, dropped when the next is asked for.
    used: usize,
    until: Until,
    /// Whether text is given out.
    pub(crate) want_text: bool,
}

enum Scan {
    Whole { len: usize, name: usize, empty: bool },
    More,
    Broken(usize),
}

const OVERLONG: &str = "a tag that is too large to be read was left out";

impl<'w, 'i> Tokens<'w, 'i> {
    /// Tokens of what `window` holds and will hold.
    pub(crate) fn new(window: &'w mut Window<'i>) -> Self {
        Self {
            window,
            spans: Vec::new(),
            last: Shape::default(),
            used: 0,
            until: Until::Markup,
            want_text: false,
        }
    }

    /// Offset after the last token.
    pub(crate) fn offset(&self) -> u64 {
        self.window.offset() + self.used as u64
    }

    /// The next token.
    pub(crate) fn next(&mut self) -> Token<'_> {
        loop {
            self.window.drop_front(std::mem::take(&mut self.used));
            if self.window.data().is_empty() && !self.window.more() {
                return Token::End(self.until != Until::Markup);
            }
            match self.until {
                Until::Markup => {}
                Until::Cdata => {
                    if let Some(piece) = self.piece(b"]]>") {
                        return Token::Data(&self.window.data()[..piece]);
                    }
                    continue;
                }
                Until::Comment => {
                    self.skip(b"-->");
                    continue;
                }
                Until::Instruction => {
                    self.skip(b"?>");
                    continue;
                }
                Until::Doctype(depth, quote) => {
                    self.skip_doctype(depth, quote);
                    continue;
                }
                Until::Tag(quote) => {
                    self.skip_tag(quote);
                    continue;
                }
            }
            if self.window.data()[0] != b'<' {
                let len = self.text();
                self.used = len;
                if self.want_text {
                    return Token::Text(&self.window.data()[..len]);
                }
                continue;
            }
            self.window.want(2);
            let start = self.window.offset();
            match self.window.data().get(1) {
                None => {
                    self.used = 1;
                    return Token::End(true);
                }
                Some(b'/') => match self.close() {
                    Some((name, len)) => {
                        self.used = len;
                        return Token::Close(&self.window.data()[2..name]);
                    }
                    None if self.window.ended() => {
                        self.used = self.window.data().len();
                        return Token::End(true);
                    }
                    None => {
                        self.until = Until::Tag(0);
                        return Token::Broken(start, OVERLONG);
                    }
                },
                Some(b'!') => self.declaration(),
                Some(b'?') => {
                    self.used = 2;
                    self.until = Until::Instruction;
                }
                Some(b) if b.is_ascii_alphabetic() || *b == b'_' || *b >= 0x80 => match self.open() {
                    Scan::Whole { len, name, empty } => {
                        self.used = len;
                        let data = self.window.data();
                        return Token::Open(Tag { name: &data[1..name], empty, data, spans: &self.spans });
                    }
                    Scan::Broken(at) => {
                        self.used = at;
                        return Token::Broken(start, "a tag that is not closed was left out");
                    }
                    Scan::More if self.window.ended() => {
                        self.used = self.window.data().len();
                        return Token::End(true);
                    }
                    Scan::More => {
                        self.until = Until::Tag(0);
                        return Token::Broken(start, OVERLONG);
                    }
                },
                Some(_) => {
                    // A bare `<`: not allowed, but plainly text.
                    self.used = 1;
                    if self.want_text {
                        return Token::Text(b"<");
                    }
                }
            }
        }
    }

    /// Length of the text up to the next `<`, or of the piece of it that can be given out now. An entity and a
    /// character are never split.
    fn text(&mut self) -> usize {
        loop {
            let data = self.window.data();
            if let Some(at) = memchr(b'<', data) {
                return at;
            }
            let len = data.len();
            if !self.want_text {
                return len;
            }
            let tail = &data[len.saturating_sub(32)..];
            let mut hold = memchr::memrchr(b'&', tail).map_or(0, |at| tail.len() - at);
            if memchr(b';', &tail[tail.len() - hold..]).is_some() {
                hold = 0;
            }
            let partial = data.iter().rev().take(3).position(|b| *b >= 0xC0).map_or(0, |at| at + 1);
            let hold = hold.max(partial);
            if hold < len {
                return len - hold;
            }
            if !self.window.more() {
                return self.window.data().len();
            }
        }
    }

    /// The next piece of a section that ends with `end`; `None` if the section ended without one.
    fn piece(&mut self, end: &[u8]) -> Option<usize> {
        self.window.want(16);
        let data = self.window.data();
        let (len, done) = match memmem::find(data, end) {
            Some(at) => (at, true),
            None if self.window.ended() => (data.len(), false),
            None => {
                let mut keep = data.len().saturating_sub(end.len() - 1);
                // A character is never split.
                while keep > 0 && data.get(keep).is_some_and(|b| b & 0xC0 == 0x80) {
                    keep -= 1;
                }
                (keep.max(1), false)
            }
        };
        if done {
            self.until = Until::Markup;
            self.used = len + end.len();
        } else {
            self.used = len;
        }
        (self.want_text && len > 0).then_some(len)
    }

    fn skip(&mut self, end: &[u8]) {
        self.window.want(end.len());
        let data = self.window.data();
        match memmem::find(data, end) {
            Some(at) => {
                self.used = at + end.len();
                self.until = Until::Markup;
            }
            None if self.window.ended() => self.used = data.len(),
            None => self.used = data.len().saturating_sub(end.len() - 1).max(1),
        }
    }

    fn declaration(&mut self) {
        self.window.want(9);
        let data = self.window.data();
        (self.used, self.until) = if data.starts_with(b"<!--") {
            (4, Until::Comment)
        } else if data.starts_with(b"<![CDATA[") {
            (9, Until::Cdata)
        } else {
            (2, Until::Doctype(0, 0))
        };
    }

    fn skip_doctype(&mut self, mut depth: u32, mut quote: u8) {
        let data = self.window.data();
        for (at, &b) in data.iter().enumerate() {
            match b {
                _ if b == quote => quote = 0,
                _ if quote != 0 => {}
                b'"' | b'\'' => quote = b,
                b'[' => depth = depth.saturating_add(1),
                b']' => depth = depth.saturating_sub(1),
                b'>' if depth == 0 => {
                    self.used = at + 1;
                    self.until = Until::Markup;
                    return;
                }
                _ => {}
            }
        }
        self.used = data.len();
        self.until = Until::Doctype(depth, quote);
    }

    fn skip_tag(&mut self, mut quote: u8) {
        let data = self.window.data();
        let mut at = 0;
        while at < data.len() {
            if quote != 0 {
                let Some(end) = memchr(quote, &data[at..]) else { break };
                at += end + 1;
                quote = 0;
                continue;
            }
            match data[at] {
                b'>' => {
                    self.used = at + 1;
                    self.until = Until::Markup;
                    return;
                }
                b @ (b'"' | b'\'') => quote = b,
                _ => {}
            }
            at += 1;
        }
        self.used = data.len();
        self.until = Until::Tag(quote);
    }

    /// A closing tag: end of its name and its whole length.
    fn close(&mut self) -> Option<(usize, usize)> {
        loop {
            let data = self.window.data();
            if let Some(at) = memchr(b'>', data) {
                let name = data[2..at].iter().position(u8::is_ascii_whitespace).map_or(at, |end| end + 2);
                return Some((name, at + 1));
            }
            if !self.double() {
                return None;
            }
        }
    }

    /// Reads until there is twice as much as now, so that scanning again from the start stays linear.
    fn double(&mut self) -> bool {
        let before = self.window.data().len();
        self.window.want(before * 2);
        self.window.data().len() > before
    }

    fn open(&mut self) -> Scan {
        loop {
            let data = self.window.data();
            self.spans.clear();
            if let Some(len) = self.last.find(data, &mut self.spans) {
                return Scan::Whole { len, name: self.last.name, empty: self.last.empty };
            }
            self.spans.clear();
            match scan(data, &mut self.spans) {
                Scan::More => {
                    if !self.double() {
                        return Scan::More;
                    }
                }
                Scan::Whole { len, name, empty } => {
                    self.last.remember(&data[..len], &self.spans, name, empty);
                    return Scan::Whole { len, name, empty };
                }
                broken @ Scan::Broken(_) => return broken,
            }
        }
    }
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
fn scan(data: &[u8], spans: &mut Vec<Span>) -> Scan {
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

/// Appends `raw` to `out` with the predefined and numeric entities replaced. Other entities stay as they are.
pub(crate) fn unescape(raw: &[u8], mut out: impl FnMut(&[u8])) {
    let mut rest = raw;
    while let Some(at) = memchr(b'&', rest) {
        out(&rest[..at]);
        rest = &rest[at..];
        let end = memchr(b';', &rest[..rest.len().min(16)]);
        let replaced = end.and_then(|end| match &rest[1..end] {
            b"lt" => Some('<'),
            b"gt" => Some('>'),
            b"amp" => Some('&'),
            b"quot" => Some('"'),
            b"apos" => Some('\''),
            [b'#', digits @ ..] => {
                let digits = std::str::from_utf8(digits).ok()?;
                let code = match digits.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => digits.parse().ok()?,
                };
                Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            _ => None,
        });
        if let (Some(c), Some(end)) = (replaced, end) {
            out(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[end + 1..];
        } else {
            out(b"&");
            rest = &rest[1..];
        }
    }
    out(rest);
}

/// An attribute's value as text.
pub(crate) fn value(raw: &[u8]) -> Cow<'_, str> {
    if memchr(b'&', raw).is_none() {
        return match std::str::from_utf8(raw) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(raw),
        };
    }
    let mut bytes = Vec::with_capacity(raw.len());
    unescape(raw, |piece| bytes.extend_from_slice(piece));
    Cow::Owned(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// The document as a list of tokens in short form, read with windows of several sizes.
    fn tokens(document: &[u8], most: usize) -> Vec<String> {
        let mut window = Window::new(document, most);
        let mut tokens = Tokens::new(&mut window);
        tokens.want_text = true;
        let mut out: Vec<String> = Vec::new();
        loop {
            let token = match tokens.next() {
                Token::Open(tag) => {
                    let mut attributes = String::new();
                    for (key, raw) in tag.attributes() {
                        let _ = write!(attributes, " {}={}", String::from_utf8_lossy(key), value(raw));
                    }
                    let slash = if tag.empty { "/" } else { "" };
                    format!("<{}{attributes}{slash}>", String::from_utf8_lossy(tag.name))
                }
                Token::Close(name) => format!("</{}>", String::from_utf8_lossy(name)),
                Token::Text(text) => {
                    let mut bytes = Vec::new();
                    unescape(text, |piece| bytes.extend_from_slice(piece));
                    format!("T{}", String::from_utf8_lossy(&bytes))
                }
                Token::Data(text) => format!("T{}", String::from_utf8_lossy(text)),
                Token::Broken(at, _) => format!("!{at}"),
                Token::End(cut) => {
                    out.push(format!("end{}", if cut { " cut" } else { "" }));
                    return out;
                }
            };
            match out.last_mut() {
                Some(last) if last.starts_with('T') && token.starts_with('T') => last.push_str(&token[1..]),
                _ => out.push(token),
            }
        }
    }

    #[test]
    fn documents() {
        let cases: &[(&str, &str)] = &[
            ("", "end"),
            ("<a/>", "<a/> end"),
            ("<a b='1' c = \"2\"><d/></a >", "<a b=1 c=2> <d/> </a> end"),
            ("<a>x &lt;&#65;&#x42;&amp;amp; y</a>", "<a> Tx <AB&amp; y </a> end"),
            ("<a>&unknown; & &#xFFFFFFFF; &#0;</a>", "<a> T&unknown; & \u{FFFD} \u{0} </a> end"),
            ("<a><![CDATA[<x> ]] &lt;]]>y</a>", "<a> T<x> ]] &lt;y </a> end"),
            ("<?xml version='1.0'?><!-- <b> -- > --><a/>", "<a/> end"),
            (
                "<!DOCTYPE a [<!ENTITY l \"]>&k;&k;\"><!ENTITY m '>'>]><a b='&l;'>&m;</a>",
                "<a b=&l;> T&m; </a> end",
            ),
            ("<a>1 < 2 <= 3</a>", "<a> T1 < 2 <= 3 </a> end"),
            ("<a b=c d>x", "<a b=c> Tx end"),
            ("<a b='x", "end cut"),
            ("<a", "end cut"),
            ("<", "end cut"),
            ("<a></a", "<a> end cut"),
            ("<a><!-- x", "<a> end cut"),
            ("<a><![CDATA[x", "<a> Tx end cut"),
            ("<a <b/>", "!0 <b/> end"),
            ("<testcase name='x><testcase name='y'/>", "!0 <testcase name=y/> end"),
            ("<a b='1<2>3'/>", "<a b=1<2>3/> end"),
            ("<größe ä='ö'>ü</größe>", "<größe ä=ö> Tü </größe> end"),
        ];
        for (document, expected) in cases {
            let found = tokens(document.as_bytes(), 1 << 20).join(" ");
            assert_eq!(&found, expected, "{document}");
        }
    }

    #[test]
    fn a_tag_is_read_the_same_after_one_that_begins_like_it() {
        let tags = [
            "<c a='1' b='2' c=\"3\"/>",
            "<c a='1' b='' c=\"it's\"/>",
            "<c a='1' b='2' c='3'/>",
            "<c a='1' b='2' c=\"3\" d='4'/>",
            "<c a='1' b='2'/>",
            "<c a='1' b='2'>",
            "<c a='1' bb='2'>",
            "<c a='12' b='2'>",
            "<c a='1' b=2>",
            "<c a='1' b='x>y'>",
            "<c a='1' b='x<y' >",
            "<c a='1' b='x<testcase d='y'>",
            "<c a='1' b='&lt;'>",
            "<c a=1 b='2'>",
            "<c a='1'>",
            "<cc a='1'>",
            "<c>",
        ];
        for first in tags {
            for second in tags {
                // Offsets aside, which tell where a tag was broken.
                let short = |document: &str| -> Vec<String> {
                    let found = tokens(document.as_bytes(), 1 << 20);
                    let found = found[..found.len() - 1].iter();
                    found
                        .map(|token| if token.starts_with('!') { "!".to_owned() } else { token.clone() })
                        .collect()
                };
                assert_eq!(
                    short(&format!("{first}{second}")),
                    [short(first), short(second)].concat(),
                    "{first} {second}"
                );
            }
        }
    }

    #[test]
    fn pieces_are_put_together() {
        let document = format!("<a>{}<![CDATA[{}]]></a>", "ö&amp;✓ ".repeat(40), "]]✓".repeat(40));
        let expected = format!("<a> T{}{} </a> end", "ö&✓ ".repeat(40), "]]✓".repeat(40));
        for most in [64, 65, 66, 67, 100, 1000] {
            assert_eq!(tokens(document.as_bytes(), most).join(" "), expected, "{most}");
        }
    }

    #[test]
    fn an_overlong_tag_loses_only_itself() {
        let document = format!("<a/><b c='{}>' d='x'/><e/>", "y".repeat(500));
        assert_eq!(tokens(document.as_bytes(), 64).join(" "), "<a/> !4 <e/> end");
        let document = format!("<a/><b c='{}", "y".repeat(500));
        assert_eq!(tokens(document.as_bytes(), 64).join(" "), "<a/> !4 end cut");
    }
}
