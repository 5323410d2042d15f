//! Vendors' token formats: a table as data and a matcher for its shapes.
//!
//! `vendors.tsv` has one format a line: name, kind, shape, context, reference. A shape is a sequence of
//! quoted literals and classes with counts (`"ghp_" a36`, `"SG." s22 "." s43`, `a20..40`); see [`class`] for
//! the letters. The longest literal is the anchor that the prefilter looks for; what stands before it is
//! matched backwards. Formats whose anchor is not rare enough ([`is_prefiltered`]) are tried where a
//! long run begins. The context is a list of words of which one must stand before the token in the same or the
//! previous line (`-` for none); `!` asks that the token ends where the shape ends.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::bytes::{
    self, ALNUM, BASE32_DIGIT, BASE64, DASH, DIGIT, DOT, EQUALS, HEX_LOWER, HEX_UPPER, LOWER, UNDERSCORE,
    UPPER,
};
use super::kind::{self, Kind};
use super::random::Shape;

/// Longest token that is followed to its end.
const MAX_TOKEN: usize = 8192;

/// Whether an anchor is rare enough for the prefilter.
pub fn is_prefiltered(anchor: &str) -> bool {
    anchor.len() >= 3 || anchor.len() == 2 && !anchor.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A part of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// This text, exactly.
    Literal(&'static str),
    /// Between so many and so many bytes of these classes.
    Class(u16, usize, usize),
}

/// A row of the table.
#[derive(Debug)]
pub struct Format {
    /// The kind its tokens are shown as.
    pub kind: Kind,
    /// The shape.
    pub parts: Vec<Part>,
    /// Index of the anchor in `parts`.
    pub anchor: usize,
    /// Words of which one must stand before; empty for none.
    pub context: Vec<&'static str>,
    /// Whether the token must end where the shape ends.
    pub exact: bool,
}

/// The class that a letter of the table stands for.
pub fn class(letter: u8) -> Option<u16> {
    Some(match letter {
        b'd' => DIGIT,
        b'h' => DIGIT | HEX_LOWER,
        b'H' => DIGIT | HEX_UPPER,
        b'x' => DIGIT | HEX_LOWER | HEX_UPPER,
        b'c' => LOWER,
        b'C' => UPPER,
        b'L' => LOWER | UPPER,
        b'l' => LOWER | DIGIT,
        b'u' => UPPER | DIGIT,
        b'a' => ALNUM,
        b'w' => ALNUM | UNDERSCORE,
        b's' => ALNUM | UNDERSCORE | DASH,
        b'b' => ALNUM | BASE64,
        b'B' => ALNUM | BASE64 | EQUALS,
        b't' => ALNUM | UNDERSCORE | DASH | DOT,
        b'e' => ALNUM | UNDERSCORE | DASH | EQUALS,
        b'z' => UPPER | BASE32_DIGIT,
        b'y' => ALNUM | UNDERSCORE | DASH | BASE64 | EQUALS | DOT,
        b'v' => ALNUM | UNDERSCORE | DASH | BASE64 | EQUALS | DOT | bytes::PUNCTUATION,
        _ => return None,
    })
}

/// The table.
pub static FORMATS: LazyLock<Vec<Format>> =
    LazyLock::new(|| include_str!("vendors.tsv").lines().filter_map(parse).collect());

/// What tokens without need of a context begin with, by its first three bytes; the longest first.
static PREFIXES: LazyLock<HashMap<&'static [u8], Vec<&'static [u8]>>> = LazyLock::new(|| {
    let mut prefixes: HashMap<_, Vec<&[u8]>> = HashMap::new();
    for format in FORMATS.iter().filter(|f| f.anchor == 0 && f.context.is_empty()) {
        let prefix = format.anchor_literal().as_bytes();
        if prefix.len() >= 3 {
            prefixes.entry(&prefix[..3]).or_default().push(prefix);
        }
    }
    for alike in prefixes.values_mut() {
        alike.sort_by_key(|p| std::cmp::Reverse(p.len()));
    }
    prefixes
});

/// The longest prefix of a format that needs no context with which `token` begins.
pub fn longest_prefix(token: &[u8]) -> Option<&'static [u8]> {
    PREFIXES.get(token.get(..3)?)?.iter().find(|p| token.starts_with(p)).copied()
}

/// Reads a row; `None` for comments, empty and malformed lines (a test sees to it that there is none of the
/// latter).
pub fn parse(line: &'static str) -> Option<Format> {
    let mut columns = line.split('\t');
    let name = columns.next().filter(|n| !n.is_empty() && !n.starts_with('#'))?;
    let kind = kind::named(columns.next()?)?;
    let parts = columns.next()?.split(' ').map(parse_part).collect::<Option<Vec<_>>>()?;
    let literal_len = |part: &Part| match part {
        Part::Literal(text) => text.len(),
        Part::Class(..) => 0,
    };
    let anchor = (0..parts.len()).rev().max_by_key(|i| literal_len(&parts[*i]))?;
    if literal_len(&parts[anchor]) == 0 {
        return None;
    }
    let mut context: Vec<_> = columns.next()?.split(',').filter(|c| *c != "-").collect();
    let exact = context.contains(&"!");
    context.retain(|c| *c != "!");
    // The reference is for readers of the table; a row without one is malformed.
    columns.next().filter(|reference| !name.is_empty() && reference.contains('.'))?;
    Some(Format { kind, parts, anchor, context, exact })
}

fn parse_part(text: &'static str) -> Option<Part> {
    if let Some(literal) = text.strip_prefix('"') {
        return Some(Part::Literal(literal.strip_suffix('"')?));
    }
    let mask = class(*text.as_bytes().first()?)?;
    let (min, max) = match text[1..].split_once("..") {
        Some((min, "")) => (min.parse().ok()?, MAX_TOKEN),
        Some((min, max)) => (min.parse().ok()?, max.parse().ok()?),
        None => {
            let count = text[1..].parse().ok()?;
            (count, count)
        }
    };
    Some(Part::Class(mask, min, max))
}

impl Format {
    /// The literal that the prefilter looks for.
    pub fn anchor_literal(&self) -> &'static str {
        match self.parts[self.anchor] {
            Part::Literal(text) => text,
            Part::Class(..) => "",
        }
    }

    /// Matches the shape around its anchor, which begins at `at`. Gives the token's range.
    pub fn match_at(&self, text: &[u8], at: usize) -> Option<(usize, usize)> {
        let anchor = self.anchor_literal();
        if !text.get(at..)?.starts_with(anchor.as_bytes()) {
            return None;
        }
        let mut start = at;
        for part in self.parts[..self.anchor].iter().rev() {
            match *part {
                Part::Literal(literal) => {
                    start = start
                        .checked_sub(literal.len())
                        .filter(|s| text[*s..].starts_with(literal.as_bytes()))?;
                }
                Part::Class(mask, min, max) => {
                    let from = bytes::run_start(text, start, mask, max);
                    if start - from < min {
                        return None;
                    }
                    start = from;
                }
            }
        }
        start += bytes::escape_len(text, start).min(at - start);
        let distinctive = anchor.len() >= 6 && self.anchor == 0;
        if !distinctive && !bytes::starts_word(text, start) {
            return None;
        }
        let mut end = at + anchor.len();
        let mut last = 0;
        for (index, part) in self.parts.iter().enumerate().skip(self.anchor + 1) {
            match *part {
                Part::Literal(literal) => {
                    if !text[end..].starts_with(literal.as_bytes()) {
                        return None;
                    }
                    end += literal.len();
                }
                Part::Class(mask, min, max) => {
                    // A class that runs into the literal after it gives back what the literal needs.
                    let to = bytes::run_end(text, end, mask, max);
                    let to = match self.parts.get(index + 1) {
                        Some(Part::Literal(next)) => (end + min..=to)
                            .rev()
                            .take(64)
                            .find(|t| text[*t..].starts_with(next.as_bytes()))?,
                        _ => to,
                    };
                    if to - end < min {
                        return None;
                    }
                    end = to;
                    last = mask;
                }
            }
        }
        if self.exact && bytes::is_at(text, end, ALNUM) {
            return None;
        }
        // What follows in the same alphabet belongs to the token or is worth nothing without it.
        end = bytes::run_end(text, end, last & !(DOT | DASH), MAX_TOKEN);
        // `AccountKey=…`: the name stays.
        if self.parts.len() == 2
            && self.anchor == 0
            && anchor.ends_with(['=', ':'])
            && anchor.len() > 4
            && !anchor.contains('/')
        {
            start = at + anchor.len();
        }
        if anchor.len() < 5 {
            let from = if self.anchor + 1 == self.parts.len() { start } else { at };
            let body = Shape::of(&text[from..end]);
            if body.is_monotonous() || (body.digits < 2 && body.score < 4.0) {
                return None;
            }
        }
        Some((start, end))
    }
}
