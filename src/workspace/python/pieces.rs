//! A text in pieces that are parsed one by one, when they are first asked for: of a file with a thousand tests, three
//! of which fail, three functions are parsed.
//!
//! A piece is a definition at the module's level with its decorators, or what stands between two of them. Where one
//! ends is seen from strings, comments, brackets and indentation alone. A text in which that is in doubt (a bracket
//! or a string is not closed, there are line ends of their own kind) has no pieces: it is parsed as a whole, as is one
//! with a piece that does not parse.

use std::sync::OnceLock;

use super::syntax::{Span, Stmt};
use super::{Definition, collect_definitions, lower};
use crate::model::hash;

/// The pieces of a text, which lie side by side and cover it.
#[derive(Debug)]
pub(super) struct Pieces {
    all: Vec<Piece>,
    defining: OnceLock<Defining>,
}

/// Indices of pieces in which something is defined.
#[derive(Debug)]
struct Defining {
    /// Those that are definitions with the hash of their name, sorted by it and then by place: names of tests begin
    /// alike, so that comparing them takes long.
    by_name: Vec<(u64, usize)>,
    /// Others in which there may be one, in an `if` or a `try`.
    others: Vec<usize>,
}

/// A piece.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) span: Span,
    first_line: u32,
    /// Where the name of the definition stands that it is, and whether that is a class.
    pub(super) name: Option<(Span, bool)>,
    /// `None` if it does not parse.
    parsed: OnceLock<Option<Parsed>>,
}

/// What a piece, or a whole text, consists of.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) body: Vec<Stmt>,
    pub(super) definitions: Vec<Definition>,
}

impl Parsed {
    pub(super) fn new(body: Vec<Stmt>) -> Self {
        let mut definitions = Vec::new();
        collect_definitions(&body, None, &mut definitions);
        Self { body, definitions }
    }
}

impl Piece {
    /// What it consists of; `None` if it does not parse.
    pub(super) fn parsed(&self, text: &str, line_starts: &[u32]) -> Option<&Parsed> {
        let parse = || lower::parse_piece(text, self.span, line_starts).map(Parsed::new);
        self.parsed.get_or_init(parse).as_ref()
    }

    /// Whether `word` stands anywhere in it.
    pub(super) fn holds(&self, text: &str, word: &str) -> bool {
        memchr::memmem::find(self.span.of(text).as_bytes(), word.as_bytes()).is_some()
    }
}

impl Pieces {
    /// Takes `text` apart; `None` if it has to be parsed as a whole.
    pub(super) fn of(text: &str, line_starts: &[u32]) -> Option<Self> {
        let all = split(text, line_starts)?;
        Some(Self { all, defining: OnceLock::new() })
    }

    /// All, in source order.
    pub(super) fn all(&self) -> &[Piece] {
        &self.all
    }

    /// The piece that holds `line`.
    pub(super) fn at(&self, line: u32) -> Option<&Piece> {
        self.all.get(self.all.partition_point(|piece| piece.first_line <= line).checked_sub(1)?)
    }

    /// The pieces in which something can be defined whose qualified name begins with `name`, last first.
    pub(super) fn defining(&self, text: &str, name: &str) -> impl Iterator<Item = &Piece> {
        let named = |at: usize| self.all[at].name.map_or("", |(span, _)| span.of(text));
        let Defining { by_name, others } = self.defining.get_or_init(|| {
            let (definitions, mut others): (Vec<usize>, Vec<usize>) =
                (0..self.all.len()).partition(|&at| self.all[at].name.is_some());
            let mut by_name: Vec<(u64, usize)> =
                definitions.into_iter().map(|at| (hash(named(at)), at)).collect();
            by_name.sort_unstable();
            others.retain(|&at| self.all[at].holds(text, "def") || self.all[at].holds(text, "class"));
            Defining { by_name, others }
        });
        let wanted = hash(name);
        let first = by_name.partition_point(|(hash, _)| *hash < wanted);
        let same = by_name[first..].iter().take_while(|(hash, _)| *hash == wanted);
        let mut found: Vec<usize> = same.map(|(_, at)| *at).filter(|&at| named(at) == name).collect();
        found.extend(others);
        found.sort_unstable();
        found.into_iter().rev().map(|at| &self.all[at])
    }
}

/// See [`Pieces::of`].
fn split(text: &str, line_starts: &[u32]) -> Option<Vec<Piece>> {
    let bytes = text.as_bytes();
    let strange = |at: usize| bytes[at] == 0x0c || bytes.get(at + 1) != Some(&b'\n');
    if memchr::memchr2_iter(b'\r', 0x0c, bytes).any(strange) || u32::try_from(bytes.len()).is_err() {
        return None;
    }
    let mut all: Vec<Piece> = Vec::new();
    let mut decorated = false;
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    while at < bytes.len() {
        if !matches!(bytes[at], b' ' | b'\t' | b'\n' | b'\r' | b'#') {
            let name = match bytes[at] {
                b'@' => None,
                _ => header(text, at)?,
            };
            let is_definition = bytes[at] == b'@' || name.is_some();
            if decorated && !is_definition {
                return None;
            }
            let goes_on = decorated || !is_definition && all.last().is_some_and(|piece| piece.name.is_none());
            if !goes_on {
                // What stands before the first statement goes with it.
                let start = if all.is_empty() { 0 } else { at as u32 };
                if let Some(last) = all.last_mut() {
                    last.span.end = start;
                }
                let first_line = line_starts.partition_point(|&line| line <= start) as u32;
                let span = Span { start, end: 0 };
                all.push(Piece { span, first_line, name: None, parsed: OnceLock::new() });
            }
            decorated = is_definition && name.is_none();
            if let Some(last) = all.last_mut()
                && name.is_some()
            {
                last.name = name;
            }
        }
        let end = logical_line_end(bytes, at)?;
        let indented = matches!(bytes[at], b' ' | b'\t') && all.is_empty();
        if indented && !matches!(text[at..end].trim_start().as_bytes().first(), None | Some(b'#')) {
            return None;
        }
        at = end;
    }
    match all.last_mut() {
        Some(last) => last.span.end = bytes.len() as u32,
        None => all.push(Piece {
            span: Span { start: 0, end: bytes.len() as u32 },
            first_line: 1,
            name: None,
            parsed: OnceLock::new(),
        }),
    }
    (!decorated).then_some(all)
}

/// The name that the statement at `at` defines and whether it is a class, if it is a definition. Nothing at all if
/// that cannot be told.
#[expect(clippy::option_option, reason = "not known, no definition, a definition")]
fn header(text: &str, at: usize) -> Option<Option<(Span, bool)>> {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    let word_end = |from: usize| from + bytes[from..].iter().take_while(|byte| is_name(byte)).count();
    let after_blanks =
        |from: usize| from + bytes[from..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let mut start = at;
    let mut end = word_end(at);
    if &bytes[start..end] == b"async" {
        start = after_blanks(end);
        end = word_end(start);
        if &bytes[start..end] != b"def" {
            return Some(None);
        }
    }
    let is_class = match &bytes[start..end] {
        b"def" => false,
        b"class" => true,
        _ => return Some(None),
    };
    let from = after_blanks(end);
    let to = word_end(from);
    let name = &bytes[from..to];
    // Names beyond ASCII may be spelt in several ways.
    let is_plain = from > end && name.is_ascii() && name.first().is_some_and(|first| !first.is_ascii_digit());
    is_plain.then_some(Some((Span { start: from as u32, end: to as u32 }, is_class)))
}

/// One past the line end that ends the logical line at `at`, outside of brackets and strings; `None` if it does not
/// end as it should.
fn logical_line_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' if depth == 0 => return Some(at + 1),
            b'#' => {
                at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n);
                continue;
            }
            b'"' | b'\'' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            b'\\' => {
                let ends = usize::from(bytes.get(at + 1) == Some(&b'\r'));
                if bytes.get(at + 1 + ends) != Some(&b'\n') {
                    return None;
                }
                at += 1 + ends;
            }
            _ => {}
        }
        at += 1;
    }
    (depth == 0).then_some(at)
}

/// One past the string whose opening quote is at `at`; `None` if it is not closed.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let triple = bytes.get(at + 1) == Some(&quote) && bytes.get(at + 2) == Some(&quote);
    let mut now = at + if triple { 3 } else { 1 };
    loop {
        now += memchr::memchr3(quote, b'\\', b'\n', bytes.get(now..)?)?;
        match bytes[now] {
            b'\\' => now += 2,
            b'\n' if !triple => return None,
            b'\n' => now += 1,
            _ if !triple => return Some(now + 1),
            _ if bytes.get(now + 1) == Some(&quote) && bytes.get(now + 2) == Some(&quote) => {
                return Some(now + 3);
            }
            _ => now += 1,
        }
    }
}
