//! Passwords and keys by what they are given to or with: after a user that machines have, to calls that sign or
//! encrypt, after the flags of a login.

use super::bytes::{self, BLANK, LOWER, NAME, UPPER};
use super::claims::{has_sign, is_nothing};
use super::engine::Span;
use super::kind::{self, Kind};
use super::structural::is_template;
use super::{random, value};

/// Users that machines have, as they stand before a password: `'root', '…'`, `admin / …`.
pub const USERS: &[&str] = &[
    "'root', ",
    "\"root\", ",
    "'admin', ",
    "\"admin\", ",
    "'administrator', ",
    "\"administrator\", ",
    "'scott', ",
    "'postgres', ",
    "\"postgres\", ",
    "'sa', ",
    "\"sa\", ",
    " root / ",
    " admin / ",
    " administrator / ",
];

/// Calls whose first argument is a key for encryption, if it is a literal of as many bytes as such keys have.
pub const CIPHERS: &[&str] = &["aes.new(", "des3.new(", "blowfish.new(", "arc4.new(", "chacha20.new("];

/// Calls whose second argument is the secret with which is signed.
pub const SIGNERS: &[&str] =
    &["jwt.sign(", "jwt.verify(", "jwt.decode(", "jwt.encode(", "jws.sign(", "jws.verify(", "jws.encode("];

/// The password after a user, which ends at `at`.
pub fn to_user(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let (start, end) = match value::literal(text, at) {
        Some((start, end, _)) => (start, end),
        None if text[..at].ends_with(b"/ ") => (at, word_end(text, at)),
        None => return,
    };
    let word = &text[start..end];
    let upper = word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
    if (8..=64).contains(&word.len()) && random::is_mixed(word) && (upper || has_sign(word)) && is_one(word) {
        push(text, start, end, kind::PASSWORD, spans);
    }
}

/// The key that is the first argument, at `at`.
pub fn to_cipher(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    if let Some((start, end, _)) = value::literal(text, at)
        && matches!(end - start, 16 | 24 | 32)
    {
        push(text, start, end, kind::SECRET, spans);
    }
}

/// The secret that is the second of the arguments that begin at `at`. Gives where reading ended.
pub fn to_signer(text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
    let limit = text.len().min(at + 160);
    let after = match (value::literal(text, at), text.get(at)) {
        (Some((_, _, after)), _) => after,
        (None, Some(b'{')) => {
            let Some(close) = memchr::memchr2(b'}', b'\n', &text[at..limit]) else { return limit };
            at + close + 1
        }
        _ => bytes::run_end(text, at, NAME, 64),
    };
    if after == at || text.get(after) != Some(&b',') {
        return after;
    }
    let Some((start, end, after)) = value::literal(text, bytes::run_end(text, after + 1, BLANK, 4)) else {
        return after;
    };
    let word = &text[start..end];
    if word.len() >= 6 && random::is_mixed(word) && is_one(word) {
        push(text, start, end, kind::SECRET, spans);
    }
    after
}

/// The password after ` -p `, which ends at `at`, of a command that was told the user as well: `-u bob -p …`.
pub fn to_flag(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let before = &text[bytes::line_start(text, at, 120)..at];
    let told = [&b" -u "[..], b" login ", b" --user", b" --username"];
    if !told.iter().any(|flag| memchr::memmem::find(before, flag).is_some()) {
        return;
    }
    let (start, end) = match value::literal(text, at) {
        Some((start, end, _)) => (start, end),
        None => (at, word_end(text, at)),
    };
    let word = &text[start..end];
    if word.len() >= 6 && random::is_mixed(word) && is_one(word) && !word.iter().any(|b| b"/:=".contains(b)) {
        push(text, start, end, kind::PASSWORD, spans);
    }
}

/// Where four groups of four letters end, of which the first is from `start` to `end`: how some mail services show
/// passwords of programs.
pub fn groups_end(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let is_group = |from: usize| bytes::run_end(text, from, LOWER | UPPER, 5) == from + 4;
    let last = start + 15;
    (end == start + 4
        && (0..4).all(|group| is_group(start + 5 * group))
        && (0..3).all(|group| text.get(start + 5 * group + 4) == Some(&b' '))
        && text.get(last + 4).is_none_or(|b| matches!(b, b'\n' | b'\r' | b'"' | b'\'')))
    .then_some(last + 4)
}

/// Whether `word` is one word rather than a sentence or an expression.
fn is_one(word: &[u8]) -> bool {
    !word.iter().any(|b| bytes::is(*b, BLANK) || matches!(b, b'(' | b'{' | b'/'))
}

fn word_end(text: &[u8], start: usize) -> usize {
    let limit = text.len().min(start + 65);
    let ends = |b: &u8| matches!(b, 0..=b' ' | b'"' | b'\'' | b'`' | b'\\' | b',' | b';' | b')');
    text[start..limit].iter().position(ends).map_or(limit, |i| start + i)
}

fn push(text: &[u8], start: usize, end: usize, kind: Kind, spans: &mut Vec<Span>) {
    let word = &text[start..end];
    if !is_nothing(word) && !is_template(word) {
        spans.push(Span::new(start, end, kind, 5));
    }
}
