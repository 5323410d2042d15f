//! Values known to be secret, masked wherever they or pieces of them occur.
//!
//! The index holds every 8-byte window of every known value; the text is sampled at every fifth byte, so that
//! any common piece of 12 bytes is met. A hit is widened to the longest common piece, which is masked if it is
//! the whole value or at least [`PIECE`] bytes long. Shorter values are looked up as wholes.

use std::collections::HashMap;
use std::sync::Arc;

use super::bytes::{self, ALNUM};
use super::engine::Span;
use super::kind::Kind;

/// Bytes of a window.
const WINDOW: usize = 8;
/// Distance between samples of the text.
const STEP: usize = 5;
/// Shortest piece of a value that is masked: `WINDOW + STEP - 1`.
pub const PIECE: usize = 12;
/// Shortest value that is masked at all.
pub const SHORTEST: usize = 6;
/// Longest part of a value that is indexed.
const LONGEST: usize = 512;
/// Most bytes of values that are indexed.
const MAX_INDEXED: usize = 1 << 20;
/// Most places remembered for one window.
const MAX_PLACES: usize = 4;
const FILTER_BITS: u32 = 18;

/// A known value in one of its forms.
#[derive(Debug, Clone)]
struct Form {
    text: Arc<[u8]>,
    secret: u64,
    kind: Kind,
}

/// The known values of a run.
#[derive(Debug, Clone, Default)]
pub struct Known {
    forms: Vec<Form>,
    seen: HashMap<Arc<[u8]>, usize>,
    windows: HashMap<u64, Vec<(u32, u32)>>,
    filter: Vec<u64>,
    short: Vec<usize>,
    short_searcher: Option<aho_corasick::AhoCorasick>,
    indexed: usize,
}

impl Known {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Adds `value` in all forms in which it may be printed.
    pub fn add(&mut self, value: &str, kind: Kind) {
        let secret = super::registry::hash(value.as_bytes());
        self.add_form(value.as_bytes(), secret, kind);
        for line in value.lines().map(str::trim).filter(|l| l.len() >= PIECE && l.len() < value.len()) {
            self.add_form(line.as_bytes(), secret, kind);
        }
        // What is longer is no password that someone would encode once more.
        if value.len() <= LONGEST {
            for form in super::forms::of(value) {
                self.add_form(form.as_bytes(), secret, kind);
            }
        }
    }

    fn add_form(&mut self, text: &[u8], secret: u64, kind: Kind) {
        let text = &text[..text.len().min(LONGEST)];
        if text.len() < SHORTEST || self.seen.contains_key(text) || self.indexed + text.len() > MAX_INDEXED {
            return;
        }
        let text: Arc<[u8]> = text.into();
        let id = self.forms.len();
        self.seen.insert(Arc::clone(&text), id);
        self.indexed += text.len();
        self.forms.push(Form { text: Arc::clone(&text), secret, kind });
        if text.len() < PIECE {
            self.short.push(id);
            self.short_searcher = None;
            return;
        }
        if self.filter.is_empty() {
            self.filter = vec![0; 1 << (FILTER_BITS - 6)];
        }
        for (at, window) in text.windows(WINDOW).enumerate() {
            let window = load(window);
            let places = self.windows.entry(window).or_default();
            if places.len() < MAX_PLACES {
                places.push((id as u32, at as u32));
            }
            let bit = filter_bit(window);
            self.filter[bit >> 6] |= 1 << (bit & 63);
        }
    }

    /// Makes ready for searching after values were added.
    pub fn prepare(&mut self) {
        if self.short_searcher.is_none() && !self.short.is_empty() {
            self.short_searcher = aho_corasick::AhoCorasick::builder()
                .match_kind(aho_corasick::MatchKind::LeftmostLongest)
                .build(self.short.iter().map(|id| &self.forms[*id].text[..]))
                .ok();
        }
    }

    /// Finds known values and pieces of them.
    pub fn find(&self, text: &[u8], spans: &mut Vec<Span>) {
        if let Some(searcher) = &self.short_searcher {
            for found in searcher.find_iter(text) {
                let form = &self.forms[self.short[found.pattern().as_usize()]];
                let bounded =
                    bytes::starts_word(text, found.start()) && !bytes::is_at(text, found.end(), ALNUM);
                if bounded {
                    spans.push(Span::new(found.start(), found.end(), form.kind, 10).with_secret(form.secret));
                }
            }
        }
        if self.filter.is_empty() {
            return;
        }
        let mut at = 0;
        while at + WINDOW <= text.len() {
            let window = load(&text[at..at + WINDOW]);
            let bit = filter_bit(window);
            if self.filter[bit >> 6] & (1 << (bit & 63)) != 0
                && let Some((start, end, form)) = self.widen(text, at, window)
            {
                spans.push(Span::new(start, end, form.kind, 10).with_secret(form.secret));
                at = end.max(at + STEP);
                continue;
            }
            at += STEP;
        }
    }

    /// The longest piece of a known value around the window at `at`.
    fn widen(&self, text: &[u8], at: usize, window: u64) -> Option<(usize, usize, &Form)> {
        let mut best: Option<(usize, usize, &Form)> = None;
        for &(id, place) in self.windows.get(&window)? {
            let form = &self.forms[id as usize];
            let place = place as usize;
            let back = text[..at]
                .iter()
                .rev()
                .zip(form.text[..place].iter().rev())
                .take_while(|(a, b)| a == b)
                .count();
            let on = text[at + WINDOW..]
                .iter()
                .zip(&form.text[place + WINDOW..])
                .take_while(|(a, b)| a == b)
                .count();
            let (start, end) = (at - back, at + WINDOW + on);
            if end - start >= PIECE
                && (end - start) * 4 < form.text.len() * 3
                && !is_telling(text, start, end)
            {
                continue;
            }
            if end - start >= PIECE && best.is_none_or(|(s, e, _)| end - start > e - s) {
                best = Some((start, end, form));
            }
        }
        best
    }
}

/// Whether a piece of a value gives it away: it is random, or an ellipsis says that the rest was cut off.
fn is_telling(text: &[u8], start: usize, end: usize) -> bool {
    let cut = |part: &[u8]| part.starts_with(b"...") || part.starts_with("\u{2026}".as_bytes());
    let before = &text[..start];
    super::random::Shape::of(&text[start..end]).is_likely_random()
        || cut(&text[end..])
        || before.ends_with(b"...")
        || before.ends_with("\u{2026}".as_bytes())
}

fn load(window: &[u8]) -> u64 {
    window.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn filter_bit(window: u64) -> usize {
    (window.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - FILTER_BITS)) as usize
}
