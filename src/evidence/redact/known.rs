//! Values known to be secret, masked wherever they or pieces of them occur.
//!
//! The index holds every 8-byte window of every known value; the text is sampled at every fifth byte, so that
//! any common piece of 12 bytes is met. A hit is widened to the longest common piece, which is masked if it is
//! the whole value or at least [`PIECE`] bytes long. Shorter values are looked up as whole words, by their first six
//! bytes.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use super::bytes::{self, ALNUM};
use super::engine::Span;
use super::kind::Kind;
use super::registry::{self, NumberHasher, Numbers};

/// Bytes of a window.
const WINDOW: usize = 8;
/// Distance between samples of the text.
const STEP: usize = 5;
/// Shortest piece of a value that is masked: `WINDOW + STEP - 1`.
pub const PIECE: usize = 12;
/// Shortest value that is masked at all.
pub const SHORTEST: usize = 6;
/// The bits of the first bytes of a short value.
const SHORT_MASK: u64 = (1 << (8 * SHORTEST)) - 1;
/// Longest part of a value that is indexed.
const LONGEST: usize = 512;
/// Most bytes of values that are indexed.
const MAX_INDEXED: usize = 1 << 19;
/// Most forms of values; of what is found after so many only the value itself is looked for.
const MAX_FORMS: usize = 4096;
/// Most forms at all.
const MAX_VALUES: usize = 12_000;
/// Most places remembered for one window.
const MAX_PLACES: u16 = 4;
/// More places than the forms of one value: a window of the beginning that all tokens of a vendor share, or of text
/// that repeats itself, gives no value away.
const COMMON: u16 = 64;
/// Most beginnings of short values.
const MAX_SHORT: usize = 8192;
/// Most short values with the same beginning.
const MAX_ALIKE: usize = 64;
const FILTER_BITS: u32 = 18;

/// A known value in one of its forms.
#[derive(Debug, Clone)]
struct Form {
    text: Arc<[u8]>,
    secret: u64,
    kind: Kind,
}

/// A place of a window: in which form, where, and one more than the index of the next place of the same window.
#[derive(Debug, Clone, Copy)]
struct Place {
    form: u32,
    at: u16,
    next: u32,
}

/// The known values of a run.
#[derive(Debug, Clone, Default)]
pub struct Known {
    forms: Vec<Form>,
    /// Digests of the secrets that have been looked at, whether or not they are worth knowing.
    met: HashSet<u64, BuildHasherDefault<NumberHasher>>,
    /// Digests of the forms.
    seen: HashSet<u64, BuildHasherDefault<NumberHasher>>,
    /// One more than the index of the first place of a window, and how many places it has.
    windows: Numbers<(u32, u16)>,
    places: Vec<Place>,
    filter: Vec<u64>,
    /// Forms shorter than [`PIECE`] by their first bytes, the longest first.
    short: Numbers<Vec<u32>>,
    short_filter: Vec<u64>,
    indexed: usize,
}

impl Known {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Whether `value` has not been met before and there is room for what it tells.
    pub fn meets(&mut self, value: &str) -> bool {
        self.forms.len() < MAX_VALUES
            && self.indexed < MAX_INDEXED
            && self.met.insert(registry::hash(value.as_bytes()))
    }

    /// Adds `value` in all forms in which it may be printed.
    pub fn add(&mut self, value: &str, kind: Kind) {
        let secret = registry::hash(value.as_bytes());
        self.add_form(value.as_bytes(), secret, kind);
        for line in value.lines().map(str::trim).filter(|l| l.len() >= PIECE && l.len() < value.len()) {
            self.add_form(line.as_bytes(), secret, kind);
        }
        // What is longer is no password that someone would encode once more.
        if value.len() <= LONGEST && self.forms.len() < MAX_FORMS {
            for form in super::forms::of(value) {
                self.add_form(form.as_bytes(), secret, kind);
            }
        }
    }

    /// Adds a piece of the value `secret`.
    pub fn add_piece(&mut self, piece: &str, secret: u64, kind: Kind) {
        self.add_form(piece.as_bytes(), secret, kind);
    }

    fn add_form(&mut self, text: &[u8], secret: u64, kind: Kind) {
        let text = &text[..text.len().min(LONGEST)];
        if text.len() < SHORTEST
            || self.indexed + text.len() > MAX_INDEXED
            || self.forms.len() >= MAX_VALUES
            || !self.seen.insert(registry::hash(text))
        {
            return;
        }
        let text: Arc<[u8]> = text.into();
        let id = self.forms.len();
        self.indexed += text.len();
        self.forms.push(Form { text: Arc::clone(&text), secret, kind });
        if text.len() < PIECE {
            let begin = load(&text[..SHORTEST]);
            if self.short.len() >= MAX_SHORT && !self.short.contains_key(&begin) {
                return;
            }
            let alike = self.short.entry(begin).or_default();
            if alike.len() < MAX_ALIKE {
                let place =
                    alike.partition_point(|other| self.forms[*other as usize].text.len() >= text.len());
                alike.insert(place, id as u32);
            }
            set(&mut self.short_filter, begin);
            return;
        }
        for (at, window) in text.windows(WINDOW).enumerate() {
            let window = load(window);
            let (first, count) = self.windows.entry(window).or_default();
            *count = count.saturating_add(1);
            if *count <= MAX_PLACES {
                self.places.push(Place { form: id as u32, at: at as u16, next: *first });
                *first = self.places.len() as u32;
            }
            set(&mut self.filter, window);
        }
    }

    /// Finds known values and pieces of them.
    pub fn find(&self, text: &[u8], spans: &mut Vec<Span>) {
        self.find_short(text, spans);
        if self.filter.is_empty() {
            return;
        }
        let mut at = 0;
        let mut measured = Measured::default();
        while at + WINDOW <= text.len() {
            let window = text[at..].first_chunk::<WINDOW>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            at += STEP;
            if !may_hold(&self.filter, window) {
                continue;
            }
            let (piece, read_to) = self.widen(text, at - STEP, window, &mut measured);
            // A long piece that gives nothing away is not read again from each of its windows.
            at = at.max(read_to.saturating_sub(PIECE));
            if let Some((start, end, form)) = piece {
                spans.push(Span::new(start, end, form.kind, 10).with_secret(form.secret));
                at = at.max(end);
            }
        }
    }

    /// Finds the short values that stand as words of their own.
    fn find_short(&self, text: &[u8], spans: &mut Vec<Span>) {
        if self.short_filter.is_empty() {
            return;
        }
        // The bytes before a place, of which the last are the beginning that is looked up.
        let mut read = 0;
        let mut at = 0;
        for (end, &byte) in text.iter().enumerate() {
            read = read << 8 | u64::from(byte);
            let begin = read & SHORT_MASK;
            if end + 1 < at + SHORTEST || !may_hold(&self.short_filter, begin) {
                continue;
            }
            let start = end + 1 - SHORTEST;
            let Some(alike) = self.short.get(&begin).filter(|_| bytes::starts_word(text, start)) else {
                continue;
            };
            let found = alike.iter().map(|id| &self.forms[*id as usize]).find(|f| {
                text[start..].starts_with(&f.text) && !bytes::is_at(text, start + f.text.len(), ALNUM)
            });
            if let Some(form) = found {
                at = start + form.text.len();
                spans.push(Span::new(start, at, form.kind, 10).with_secret(form.secret));
            }
        }
    }

    /// The longest telling piece of a known value around the window at `at`, and where the longest piece ends.
    fn widen(
        &self,
        text: &[u8],
        at: usize,
        window: u64,
        measured: &mut Measured,
    ) -> (Option<(usize, usize, &Form)>, usize) {
        let mut best: Option<(usize, usize, &Form)> = None;
        let mut read_to = at;
        let (mut next, count) = self.windows.get(&window).copied().unwrap_or_default();
        if count > COMMON {
            return (None, at);
        }
        while next > 0 {
            let place = self.places[next as usize - 1];
            next = place.next;
            let form_id = place.form;
            let form = &self.forms[form_id as usize];
            let place = usize::from(place.at);
            let back = common_end(&text[..at], &form.text[..place]);
            let on = common_start(&text[at + WINDOW..], &form.text[place + WINDOW..]);
            let (start, end) = (at - back, at + WINDOW + on);
            read_to = read_to.max(end);
            if end - start >= PIECE
                && best.is_none_or(|(s, e, other)| {
                    // Of a value that was cut, the longest that it can be a piece of.
                    end - start > e - s
                        || end - start == e - s
                            && form.text.len() > other.text.len()
                            && is_cut(text, start, end)
                })
                && ((end - start) * 4 >= form.text.len() * 3
                    || is_cut(text, start, end)
                    || measured.is_random((form_id, place - back, end - start), &text[start..end]))
            {
                best = Some((start, end, form));
            }
        }
        (best, read_to)
    }
}

/// Whether an ellipsis says that the rest of a value was cut off.
fn is_cut(text: &[u8], start: usize, end: usize) -> bool {
    let cut = |part: &[u8]| part.starts_with(b"...") || part.starts_with("\u{2026}".as_bytes());
    let before = &text[..start];
    cut(&text[end..]) || before.ends_with(b"...") || before.ends_with("\u{2026}".as_bytes())
}

/// A piece of a form: which, from where, how long.
type Piece = (u32, usize, usize);

/// The pieces whose randomness was measured: a text that repeats a value's beginning asks for the same again and again.
#[derive(Debug, Default)]
struct Measured(HashMap<Piece, bool, BuildHasherDefault<NumberHasher>>);

impl Measured {
    /// Most pieces that are remembered.
    const MOST: usize = 1 << 14;

    /// Whether `text`, which is this piece, is random.
    fn is_random(&mut self, piece: Piece, text: &[u8]) -> bool {
        if let Some(random) = self.0.get(&piece) {
            return *random;
        }
        let random = super::random::Shape::of(text).is_likely_random();
        if self.0.len() < Self::MOST {
            self.0.insert(piece, random);
        }
        random
    }
}

/// How many bytes are the same at the ends of `one` and `other`.
fn common_end(one: &[u8], other: &[u8]) -> usize {
    let mut same = 0;
    while let (Some((rest_of_one, a)), Some((rest_of_other, b))) =
        (one[..one.len() - same].split_last_chunk::<8>(), other[..other.len() - same].split_last_chunk::<8>())
    {
        let differ = u64::from_be_bytes(*a) ^ u64::from_be_bytes(*b);
        if differ != 0 {
            return same + differ.trailing_zeros() as usize / 8;
        }
        same = one.len() - rest_of_one.len();
        debug_assert_eq!(same, other.len() - rest_of_other.len());
    }
    let ends = one[..one.len() - same].iter().rev().zip(other[..other.len() - same].iter().rev());
    same + ends.take_while(|(a, b)| a == b).count()
}

/// How many bytes are the same at the beginnings of `one` and `other`.
fn common_start(one: &[u8], other: &[u8]) -> usize {
    let mut same = 0;
    while let (Some(a), Some(b)) = (one[same..].first_chunk::<8>(), other[same..].first_chunk::<8>()) {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return same + differ.trailing_zeros() as usize / 8;
        }
        same += 8;
    }
    same + one[same..].iter().zip(&other[same..]).take_while(|(a, b)| a == b).count()
}

fn load(window: &[u8]) -> u64 {
    window.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn filter_bit(window: u64) -> usize {
    (window.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - FILTER_BITS)) as usize
}

/// Notes `window` in a filter, which is made when the first one comes.
fn set(filter: &mut Vec<u64>, window: u64) {
    if filter.is_empty() {
        *filter = vec![0; 1 << (FILTER_BITS - 6)];
    }
    let bit = filter_bit(window);
    filter[bit >> 6] |= 1 << (bit & 63);
}

/// Whether `window` may have been noted.
fn may_hold(filter: &[u64], window: u64) -> bool {
    let bit = filter_bit(window);
    filter[bit >> 6] & (1 << (bit & 63)) != 0
}
