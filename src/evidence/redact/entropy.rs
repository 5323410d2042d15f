//! Random-looking tokens, by themselves or after the name of a service that issues keys.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::bytes::{self, ALNUM, EQUALS, RUN};
use super::engine::Span;
use super::kind;
use super::random::{self, Shape};
use super::vendor;

/// Shortest run that is looked at.
const SHORTEST: usize = 14;
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

/// Finds random-looking tokens besides those of `spans`, which are sorted.
pub fn find(text: &[u8], spans: &mut Vec<Span>) {
    let mut at = 0;
    let told = spans.len();
    let mut next = 0;
    while at + SHORTEST <= text.len() {
        // A run of the shortest length that begins at or after `at` covers this byte or begins after it.
        let probe = at + SHORTEST - 1;
        if !bytes::is(text[probe], RUN) {
            at = probe + 1;
            continue;
        }
        let start = bytes::run_start(text, probe, RUN, probe - at);
        let end = bytes::run_end(text, probe, RUN, LONGEST);
        at = end;
        while next < told && spans[next].end < end {
            next += 1;
        }
        let apart = |byte: Option<&u8>| byte.is_none_or(|b| !joins(*b));
        if next < told
            && spans[next].start <= start
            && spans[next].priority > 1
            && (spans[next].start < start || apart(start.checked_sub(1).map(|i| &text[i])))
            && (spans[next].end > end || apart(text.get(end)))
        {
            continue;
        }
        if end - start >= SHORTEST {
            let start = start + bytes::escape_len(text, start);
            let before = spans.len();
            token(text, start, end, spans);
            // What a token was widened to is not looked at again.
            at = spans[before..].iter().map(|s| s.end).fold(at, usize::max);
        }
    }
}

/// Formats too short of prefix for the prefilter, by their first byte.
static SHORT_FORMATS: LazyLock<Vec<Vec<&'static vendor::Format>>> = LazyLock::new(|| {
    let mut formats = vec![Vec::new(); 256];
    for format in vendor::FORMATS.iter().filter(|f| f.anchor == 0) {
        if let Some(first) = format.anchor_literal().bytes().next()
            && !vendor::is_prefiltered(format.anchor_literal())
        {
            formats[usize::from(first)].push(format);
        }
    }
    formats
});

/// Formats with a short anchor between two parts, tried where a long run ends.
static MIDDLE_FORMATS: LazyLock<Vec<&'static vendor::Format>> = LazyLock::new(|| {
    vendor::FORMATS
        .iter()
        .filter(|f| f.anchor > 0 && !vendor::is_prefiltered(f.anchor_literal()))
        .filter(|f| f.anchor_literal().bytes().next().is_some_and(|b| !bytes::is(b, RUN)))
        .collect()
});

fn token(text: &[u8], start: usize, end: usize, spans: &mut Vec<Span>) {
    let token = &text[start..end];
    for format in &SHORT_FORMATS[usize::from(token[0])] {
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
    for format in MIDDLE_FORMATS.iter().filter(|f| text.get(end) == f.anchor_literal().as_bytes().first()) {
        if let Some((start, end)) = format.match_at(text, end)
            && (format.context.is_empty() || has_word_before(text, start, &format.context))
        {
            spans.push(Span::new(start, end, format.kind, 8));
            return;
        }
    }
    if random::is_uuid(token) {
        if names_a_secret(text, start) {
            spans.push(Span::new(start, end, kind::TOKEN, 1));
        }
        return;
    }
    let shape = Shape::of(token);
    if shape.is_monotonous() || shape.lower + shape.upper == 0 || shape.score < 4.0 {
        return;
    }
    // The name of a test: `test_it.py::test_ghsa_ffqj_6fqr_9h24`.
    if token.starts_with(b"test_") && (text[..start].ends_with(b"::") || text[..start].ends_with(b"def ")) {
        return;
    }
    // What browsers put between the parts of a form.
    if memchr::memmem::find(token, b"FormBoundary").is_some() {
        return;
    }
    if token.starts_with(b"0x") && token[2..].iter().all(u8::is_ascii_hexdigit) {
        return;
    }
    let separators = token.iter().filter(|b| !bytes::is(**b, ALNUM)).count();
    if separators * 4 > shape.len {
        return;
    }
    if shape.hex || is_named_digest(token) {
        // A commit of a repository: `git+https://…/name@8f3c…`.
        if start > 0 && text[start - 1] == b'@' && shape.len == 40 {
            return;
        }
        let named = !shape.hex;
        if (shape.len >= 24 || shape.len >= 20 && is_assigned(text, start))
            && has_service_before(text, start, !named)
            && !has_digest_word(text, start)
        {
            let (start, end) = widen(text, start, end);
            spans.push(Span::new(start, end, kind::HEX, 1));
        }
        return;
    }
    if shape.digits == 0 && shape.len < 20 {
        return;
    }
    let all_classes = shape.digits > 0 && shape.lower > 0 && shape.upper > 0;
    let certain = if all_classes {
        shape.len >= 20 && shape.score > 16.0
    } else {
        shape.len >= 24 && shape.score > 18.0 && shape.digits >= 3
    };
    let near = shape.score > if shape.len < 20 { 6.0 } else { 8.0 }
        && (shape.digits > 0 || shape.len >= 20 && shape.lower > 3 && shape.upper > 3 && shape.score > 16.0);
    if certain && !has_digest_word(text, start) || near && has_service_before(text, start, shape.len >= 20) {
        let (start, end) = widen(text, start, end);
        spans.push(Span::new(start, end, kind::RANDOM, 1));
    }
}

/// Whether `token` is a hexadecimal string after a word, such as `template_0beec7b5ea3f0fdb`.
pub fn is_named_digest(token: &[u8]) -> bool {
    let tail = token.iter().rposition(|b| !bytes::is(*b, ALNUM)).map_or(0, |i| i + 1);
    let (name, tail) = token.split_at(tail);
    !name.is_empty() && tail.len() >= 7 && Shape::of(tail).hex && Shape::of(name).score < 2.0
}

/// What may stand between the parts of a token.
fn joins(byte: u8) -> bool {
    matches!(byte, b'+' | b'/' | b'=' | b'.' | b'~' | b'%' | b'|' | b':')
}

/// Whether a part next to a random one belongs to the same token rather than to a name, a path or a sentence.
fn belongs(part: &[u8], joint: u8) -> bool {
    if part.is_empty() {
        return matches!(joint, b'+' | b'/' | b'=');
    }
    let shape = Shape::of(part);
    match joint {
        b'+' | b'~' => shape.len < 4 || shape.score > -1.0,
        b'/' | b'%' => (shape.len < 3 && part[0] != b'.') || shape.score > 1.0,
        b'=' | b':' | b'|' => shape.len >= 8 && (shape.score > 4.0 || shape.digits == shape.len),
        _ => shape.len >= 6 && shape.score > 3.0 && shape.digits > 0,
    }
}

/// Widens a random run over the token that it is a part of.
fn widen(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let (mut from, mut to) = (start, end);
    while from > 1 && start - from < LONGEST && joins(text[from - 1]) {
        let part = bytes::run_start(text, from - 1, RUN, 256);
        let part = part + bytes::escape_len(text, part).min(from - 1 - part);
        if part == from - 1 || !belongs(&text[part..from - 1], text[from - 1]) {
            break;
        }
        from = part;
    }
    while to + 1 < text.len() && to - end < LONGEST && joins(text[to]) {
        let part = bytes::run_end(text, to + 1, RUN, 256);
        if !belongs(&text[to + 1..part], text[to]) {
            break;
        }
        to = part;
    }
    to = bytes::run_end(text, to, EQUALS, 2);
    (from, to)
}

/// Whether the name right before `at` in its line is one of a secret: for values that are none by themselves,
/// such as a UUID.
fn names_a_secret(text: &[u8], at: usize) -> bool {
    const IDENTITIES: &[&[u8]] = &[b"id", b"uuid", b"guid", b"sid"];
    let from = bytes::line_start(text, at, 48);
    let before = &text[from..at];
    let is_near = |window: &[u8]| SERVICES.as_ref().is_some_and(|s| s.is_match(window));
    let mut end = before.len();
    while end > 0 && !bytes::is(before[end - 1], ALNUM) {
        end -= 1;
    }
    let start = bytes::run_start(before, end, ALNUM, 48);
    let name = before[start..end].to_ascii_lowercase();
    // `[service]`, and on the next line `key = …`.
    let told = [&b"key"[..], b"token", b"secret"].iter().any(|word| name.ends_with(word));
    if !(is_near(before) || told && is_near(self::before(text, at))) {
        return false;
    }
    if IDENTITIES.iter().any(|i| name.ends_with(i)) {
        return false;
    }
    let assigned = before[end..].iter().any(|b| matches!(b, b'=' | b':' | b'>' | b'"' | b'\'' | b','));
    assigned || before[end..] == *b" " && is_key_of_uuid_service(&before[..start], &name)
}

/// Whether `name` is that of a service whose keys are UUIDs, or stands for a key after one.
fn is_key_of_uuid_service(before: &[u8], name: &[u8]) -> bool {
    const SERVICES: &[&[u8]] = &[
        b"snyk",
        b"hubspot",
        b"statuspage",
        b"statuspal",
        b"heroku",
        b"postmark",
        b"codecov",
        b"splunk",
        b"loggly",
        b"sauce",
        b"docusign",
        b"onesignal",
        b"scaleway",
    ];
    const KEYS: &[&[u8]] =
        &[b"key", b"apikey", b"token", b"secret", b"api", b"oauth", b"auth", b"password", b"hec"];
    if SERVICES.contains(&name) {
        return true;
    }
    let before = before.trim_ascii_end().to_ascii_lowercase();
    KEYS.contains(&name) && SERVICES.iter().any(|service| memchr::memmem::find(&before, service).is_some())
}

/// Whether a sign of assignment stands before the token at `at`, which may be in quotes.
fn is_assigned(text: &[u8], at: usize) -> bool {
    let line = bytes::line_start(text, at, 8);
    let signs = |b: &&u8| matches!(**b, b' ' | b'"' | b'\'');
    text[line..at].iter().rev().find(|b| !signs(b)).is_some_and(|b| matches!(b, b'=' | b':'))
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

/// Whether a service's name stands before `at` in its line, or in the one before if `above`.
fn has_service_before(text: &[u8], at: usize, above: bool) -> bool {
    let window = if above { before(text, at) } else { &text[bytes::line_start(text, at, WINDOW)..at] };
    SERVICES.as_ref().is_some_and(|s| s.is_match(window))
}

/// Whether `text` holds the name of a service that issues keys and no word for a digest.
pub fn names_a_service(text: &[u8]) -> bool {
    SERVICES.as_ref().is_some_and(|s| s.is_match(text))
        && !DIGEST_WORDS.as_ref().is_some_and(|s| s.is_match(text))
}

fn has_digest_word(text: &[u8], at: usize) -> bool {
    // `sha512-…` of subresource integrity, of which this may be a part.
    let whole = bytes::run_start(text, at, RUN | bytes::BASE64, 96);
    if [&b"sha256-"[..], b"sha384-", b"sha512-", b"sha1-"].iter().any(|p| text[whole..].starts_with(p)) {
        return true;
    }
    let from = bytes::line_start(text, at, 32);
    DIGEST_WORDS.as_ref().is_some_and(|s| s.is_match(&text[from..at]))
}

/// Whether one of `words` (lower case) stands before `at` in its line or the one before.
pub fn has_word_before(text: &[u8], at: usize, words: &[&str]) -> bool {
    let before = before(text, at).to_ascii_lowercase();
    words.iter().any(|w| memchr::memmem::find(&before, w.as_bytes()).is_some())
}
