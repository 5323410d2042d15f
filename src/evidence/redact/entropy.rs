//! Random-looking tokens, by themselves or after the name of a service that issues keys.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::bytes::{self, ALNUM, BASE64, DOT, EQUALS, RUN};
use super::engine::Span;
use super::kind;
use super::random::{self, Shape};
use super::vendor;

/// Shortest run that is looked at.
const SHORTEST: usize = 16;
/// Longest run that is followed.
const LONGEST: usize = 8192;
/// How far before a token its context may begin.
const WINDOW: usize = 96;

static SERVICES: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| searcher(include_str!("services.txt").lines()));

/// Words that make a hexadecimal string an ordinary digest.
const DIGESTS: &[&str] = &[
    "commit",
    "sha",
    "md5",
    "hash",
    "digest",
    "checksum",
    "rev",
    "etag",
    "integrity",
    "blob",
    "tree",
    "snapshot",
    "crc",
    "blake",
    "fingerprint",
    "uuid",
    "guid",
    "version",
    "boundary",
];

static DIGEST_WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| searcher(DIGESTS.iter().copied()));

fn searcher(words: impl Iterator<Item = &'static str>) -> Option<AhoCorasick> {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(words.filter(|w| !w.is_empty() && !w.starts_with('#')))
        .ok()
}

/// Finds random-looking tokens.
pub fn find(text: &[u8], spans: &mut Vec<Span>) {
    let mut at = 0;
    while at + SHORTEST <= text.len() {
        // A run of the shortest length that begins at or after `at` covers this byte or begins after it.
        let probe = at + SHORTEST - 1;
        if !bytes::is(text[probe], RUN) {
            at = probe + 1;
            continue;
        }
        let start = bytes::run_start(text, probe, RUN, probe - at);
        let end = bytes::run_end(text, probe, RUN, LONGEST);
        if end - start >= SHORTEST {
            let start = start + bytes::escape_len(text, start);
            token(text, start, end, spans);
        }
        at = end;
    }
}

/// Formats too short of prefix for the prefilter.
static SHORT_FORMATS: LazyLock<Vec<&'static vendor::Format>> = LazyLock::new(|| {
    vendor::FORMATS.iter().filter(|f| f.anchor == 0 && !vendor::is_prefiltered(f.anchor_literal())).collect()
});

fn token(text: &[u8], start: usize, end: usize, spans: &mut Vec<Span>) {
    let token = &text[start..end];
    for format in SHORT_FORMATS.iter() {
        if let Some((start, end)) = format.match_at(text, start)
            && (format.context.is_empty() || has_word_before(text, start, &format.context))
        {
            spans.push(Span::new(start, end, format.kind, 8));
            return;
        }
    }
    if !token.iter().any(u8::is_ascii_digit) && !token.iter().any(u8::is_ascii_uppercase) {
        return;
    }
    if random::is_uuid(token) {
        return;
    }
    let shape = Shape::of(token);
    if shape.is_monotonous() || shape.digits == shape.len || shape.score < 6.0 {
        return;
    }
    let separators = token.iter().filter(|b| !bytes::is(**b, ALNUM)).count();
    if separators * 6 > shape.len {
        return;
    }
    let (start, end) = widen(text, start, end);
    if shape.hex {
        if shape.len >= 24 && has_service_before(text, start) && !has_digest_word(text, start) {
            spans.push(Span::new(start, end, kind::HEX, 1));
        }
        return;
    }
    if shape.digits == 0 && shape.len < 24 {
        return;
    }
    let all_classes = shape.digits > 0 && shape.lower > 0 && shape.upper > 0;
    let certain = if all_classes {
        shape.len >= 20 && shape.score > 16.0
    } else {
        shape.len >= 24 && shape.score > 18.0 && shape.digits >= 3
    };
    if certain && !has_digest_word(text, start) || shape.score > 8.0 && has_service_before(text, start) {
        spans.push(Span::new(start, end, kind::RANDOM, 1));
    }
}

/// Widens a random run over the base 64 text it is a part of.
fn widen(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let mut from = start;
    let mut to = end;
    // A path has words between its slashes; base 64 has not.
    let left = bytes::run_start(text, start, ALNUM | BASE64, 512);
    if left < start && Shape::of(&text[left..start]).score > 2.0 {
        from = left;
    }
    let right = bytes::run_end(text, end, ALNUM | BASE64, LONGEST);
    if right > end && (right - end < 6 || Shape::of(&text[end..right]).score > 0.0) {
        to = right;
    }
    to = bytes::run_end(text, to, EQUALS, 2);
    let dotted = bytes::run_end(text, to, RUN | DOT, 256);
    if dotted > to + 8 && text[to] == b'.' && Shape::of(&text[to + 1..dotted]).score > 6.0 {
        to = dotted;
    }
    (from, to)
}

/// The text before `at` in which a context is looked for: its line and the one before.
fn before(text: &[u8], at: usize) -> &[u8] {
    let line = bytes::line_start(text, at, WINDOW);
    let from = if line > 0 && at - line < WINDOW {
        bytes::line_start(text, line - 1, WINDOW - (at - line).min(WINDOW))
    } else {
        line
    };
    &text[from..at]
}

fn has_service_before(text: &[u8], at: usize) -> bool {
    SERVICES.as_ref().is_some_and(|s| s.is_match(before(text, at)))
}

fn has_digest_word(text: &[u8], at: usize) -> bool {
    let from = bytes::line_start(text, at, 32);
    DIGEST_WORDS.as_ref().is_some_and(|s| s.is_match(&text[from..at]))
}

/// Whether one of `words` (lower case) stands before `at` in its line or the one before.
pub fn has_word_before(text: &[u8], at: usize, words: &[&str]) -> bool {
    let before = before(text, at).to_ascii_lowercase();
    words.iter().any(|w| memchr::memmem::find(&before, w.as_bytes()).is_some())
}
