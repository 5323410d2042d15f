//! What stands in many findings of a long report stands once in the page: pieces of markup that come again are
//! written as their number in a table at the end of the page, which its script puts in their place.
//!
//! A reference is `<12>`. Nothing else looks like that: names of elements begin with a letter, and the `<` of text is
//! escaped.

use std::fmt;

use crate::model::hash;
use crate::model::maps::Map;

/// Shorter pieces are not worth a reference, longer ones hardly ever come again.
const SHORTEST: usize = 12;
const LONGEST: usize = 400;
/// Most pieces in the table.
const MAX_PIECES: usize = 10_000;
/// Digests of pieces that are remembered from their first time on, by their lowest bits.
const REMEMBERED: usize = 1 << 15;

/// The pieces that have come twice.
pub(super) struct Pieces {
    /// The pieces in the order of their numbers.
    table: Vec<String>,
    /// Number by digest.
    numbers: Map<u64, u32>,
    seen: Vec<u64>,
}

impl Pieces {
    pub(super) fn new() -> Self {
        Self { table: Vec::new(), numbers: Map::default(), seen: vec![0; REMEMBERED] }
    }

    /// The number of `piece` if it has come before.
    fn number(&mut self, piece: &str) -> Option<u32> {
        // The same in every process, so that the same report is the same bytes.
        let digest = hash(piece);
        if let Some(&number) = self.numbers.get(&digest) {
            return (self.table[number as usize] == piece).then_some(number);
        }
        let slot = &mut self.seen[digest as usize % REMEMBERED];
        if *slot != digest {
            *slot = digest;
            return None;
        }
        if self.table.len() >= MAX_PIECES {
            return None;
        }
        let number = self.table.len() as u32;
        self.numbers.insert(digest, number);
        self.table.push(piece.to_owned());
        Some(number)
    }

    /// The table as JSON that may stand in a `<script>`.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(&self.table).unwrap_or_default().replace('<', "\\u003c")
    }
}

/// Writes markup with references to what stands in the table.
pub(super) struct Referring<'a> {
    pub(super) text: &'a mut String,
    pub(super) pieces: &'a mut Pieces,
}

impl fmt::Write for Referring<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let fits = (SHORTEST..=LONGEST).contains(&piece.len());
        match fits.then(|| self.pieces.number(piece)).flatten() {
            Some(number) => {
                self.text.push('<');
                // The longest number has five digits.
                let digits = [10_000, 1000, 100, 10].map(|unit| (number >= unit).then(|| number / unit % 10));
                let digits = digits.into_iter().flatten().chain([number % 10]);
                self.text.extend(digits.map(|digit| char::from(b'0' + digit as u8)));
                self.text.push('>');
            }
            None => self.text.push_str(piece),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// What the page's script makes of `text`.
    fn resolved(text: &str, pieces: &Pieces) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            out.push_str(before);
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            match after[..digits].parse::<usize>() {
                Ok(number) if after[digits..].starts_with('>') => {
                    out.push_str(&pieces.table[number]);
                    rest = &after[digits + 1..];
                }
                _ => {
                    out.push('<');
                    rest = after;
                }
            }
        }
        out + rest
    }

    #[test]
    fn what_comes_again_is_referred_to_and_comes_back() {
        let mut pieces = Pieces::new();
        let mut text = String::new();
        let mut whole = String::new();
        for number in 0..2000 {
            let own = format!("<code>value {}</code>", number % 700);
            for piece in ["<section class=\"a\"><h3>Where</h3>", "<b>", &own, "</section>\n", &own] {
                whole.push_str(piece);
                let mut out = Referring { text: &mut text, pieces: &mut pieces };
                out.write_str(piece).unwrap_or_default();
            }
        }
        assert_eq!(resolved(&text, &pieces), whole);
        assert!(text.len() * 2 < whole.len(), "{} of {}", text.len(), whole.len());
        assert!(!pieces.to_json().contains('<'));
        let table: Vec<String> = serde_json::from_str(&pieces.to_json()).unwrap_or_default();
        assert_eq!(table, pieces.table);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut pieces = Pieces::new();
        let mut text = String::new();
        for number in 0..3 * MAX_PIECES {
            let piece = format!("a piece of text, number {number}");
            for _ in 0..2 {
                let mut out = Referring { text: &mut text, pieces: &mut pieces };
                out.write_str(&piece).unwrap_or_default();
            }
        }
        assert_eq!(pieces.table.len(), MAX_PIECES);
    }
}
