//! A pull tokenizer for XML result files: streaming, bounded, and tolerant where a parser would give up.
//!
//! It is not a validating parser. Entities of a document type are never expanded, a tag larger than the window
//! is skipped, text comes in pieces and is not copied unless it is wanted, and a tag that breaks off where the
//! next begins loses only itself.

mod tags;

use std::borrow::Cow;

use memchr::{memchr, memmem};

use crate::ingest::window::Window;
use tags::{Scan, Shape, Span, scan};

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
mod tests;
