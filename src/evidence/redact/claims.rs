//! What a value says of itself: that it is none, a gap, a path, code, an example, a word about passwords.

use super::bytes::{self, ALNUM, BLANK, LOWER, UNDERSCORE};
use super::random::{self, Shape};
use super::structural::is_template;

/// Whether a token holds a sign besides letters that hardly anything but a password holds.
pub fn has_sign(token: &[u8]) -> bool {
    token.iter().any(|b| b"!#$%^&*@+~?".contains(b)) && token.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a value says itself that it is none: `test_api_key_1`, `my-token-2`, `YOUR_KEY_123`.
pub fn is_made_up(token: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"test",
        b"token",
        b"key",
        b"fake",
        b"dummy",
        b"example",
        b"sample",
        b"your",
        b"mock",
        b"placeholder",
        b"foo",
        b"value",
        b"name",
        b"user",
        b"default",
        b"invalid",
    ];
    let lower = token.to_ascii_lowercase();
    lower
        .split(|b| !bytes::is(*b, LOWER))
        .any(|word| WORDS.iter().any(|w| word.starts_with(w) || word.ends_with(w)))
}

/// Whether a value consists of nothing but words for what it stands in for: `YOUR_API_KEY_HERE`, `fake-api-key-12`.
pub fn is_stand_in(token: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"a",
        b"abc",
        b"access",
        b"api",
        b"auth",
        b"bar",
        b"client",
        b"dummy",
        b"enter",
        b"example",
        b"fake",
        b"foo",
        b"goes",
        b"here",
        b"id",
        b"insert",
        b"invalid",
        b"is",
        b"key",
        b"me",
        b"mock",
        b"my",
        b"name",
        b"new",
        b"not",
        b"old",
        b"other",
        b"placeholder",
        b"real",
        b"refresh",
        b"replace",
        b"sample",
        b"secret",
        b"some",
        b"test",
        b"the",
        b"this",
        b"token",
        b"user",
        b"valid",
        b"value",
        b"with",
        b"wrong",
        b"your",
    ];
    let lower = token.to_ascii_lowercase();
    lower.iter().filter(|b| b.is_ascii_digit()).count() <= 4
        && lower.iter().all(|b| bytes::is(*b, ALNUM | UNDERSCORE | BLANK | bytes::DASH | bytes::DOT))
        && lower
            .split(|b| !bytes::is(*b, LOWER))
            .filter(|word| !word.is_empty())
            .all(|word| WORDS.contains(&word))
}

/// Whether a literal was drawn from all signs of the keyboard, as salts of configurations are.
pub fn is_dense(token: &[u8], shape: &Shape) -> bool {
    let rare = || token.iter().filter(|b| b"!@#$%^&*+~?;{}<>|".contains(b)).count();
    shape.distinct >= 24
        && shape.digits > 0
        && shape.upper * 10 >= shape.len
        && shape.lower * 10 >= shape.len
        && rare() * 8 >= shape.len
        && bytes::count(token, b' ') * 8 < shape.len
}

/// Whether a literal speaks about a password rather than being one.
pub fn is_sentence(token: &[u8]) -> bool {
    token.split(|b| bytes::is(*b, BLANK)).filter(|w| !w.is_empty()).count() > 3
}

/// Values that say there is none.
pub fn is_nothing(token: &[u8]) -> bool {
    let mut lower = [0; 12];
    let Some(lower) = lower.get_mut(..token.len()) else { return false };
    lower.copy_from_slice(token);
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"none"
            | b"null"
            | b"nil"
            | b"true"
            | b"false"
            | b"undefined"
            | b"nan"
            | b"n/a"
            | b"na"
            | b"not set"
            | b"unset"
            | b"empty"
            | b"required"
            | b"optional"
            | b"str"
            | b"string"
            | b"int"
            | b"bool"
            | b"bytes"
            | b"any"
            | b"object"
            | b"missing"
            | b"password"
            | b"passwd"
            | b"secret"
            | b"token"
            | b"redacted"
            | b"hidden"
            | b"masked"
            | b"<redacted>"
            | b"[redacted]"
            | b"[filtered]"
            | b"filtered"
    )
}

/// Whether `token` is a path, a call, an attribute or a format rather than a generated value.
pub fn is_path_or_code(token: &[u8]) -> bool {
    let signs = token.iter().filter(|b| matches!(b, b'$' | b'#' | b'!' | b'^' | b'~' | b'@')).count();
    if !token.contains(&b' ') && (signs >= 2 || brackets_are_odd(token)) {
        return false;
    }
    token.iter().any(|b| matches!(b, b'(' | b'[' | b'{' | b' '))
        || token.starts_with(b"/") && bytes::count(token, b'/') > 1 && Shape::of(token).score < 12.0
        || token.starts_with(b"http")
        || token.starts_with(b"self.")
        || token.windows(2).any(|w| w == b"::")
        || token.starts_with(b"0x")
}

/// Whether brackets stand in `token` as they do in no code: closed before they are opened, in the middle of a
/// word, or never closed.
fn brackets_are_odd(token: &[u8]) -> bool {
    let mut open = 0_i32;
    for (at, byte) in token.iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open -= 1,
            _ => {}
        }
        let closed = matches!(byte, b')' | b']' | b'}');
        let goes_on =
            closed && token.get(at + 1).is_some_and(|b| bytes::is(*b, ALNUM) || b"_!#$~@?".contains(b));
        if open < 0 || goes_on {
            return true;
        }
    }
    open > 0 && token.len() <= 24 && random::is_mixed(token) && token.iter().any(u8::is_ascii_uppercase)
}

pub fn looks_like_identifier(token: &[u8]) -> bool {
    token.iter().all(|b| bytes::is(*b, ALNUM | UNDERSCORE | bytes::DOT)) && Shape::of(token).score < 4.0
}

/// Whether a word in a sentence is a password: letters and at least two digits or a sign, no name of an algorithm.
pub fn is_told_in_prose(token: &[u8]) -> bool {
    const ALGORITHMS: &[&[u8]] = &[
        b"sha", b"md5", b"base", b"pbkdf", b"argon", b"utf", b"bcrypt", b"scrypt", b"latin", b"aes", b"rsa",
    ];
    let lower = token.to_ascii_lowercase();
    let digits = token.iter().filter(|b| b.is_ascii_digit()).count();
    token.len() >= 8
        && random::is_mixed(token)
        && (digits >= 2 && token.iter().all(|b| bytes::is(*b, ALNUM))
            || digits >= 3 && token.iter().all(|b| bytes::is(*b, bytes::RUN))
            || has_sign(token))
        && !ALGORITHMS.iter().any(|a| lower.starts_with(a))
        && !token.iter().any(|b| b"()[]{}<>=,;:/".contains(b))
}

/// Words that stand after a flag in help texts.
pub const STOP: &[&str] =
    &["option", "required", "argument", "string", "password", "should", "cannot", "without"];

/// Words that say what a password is or how it fares.
pub const STATES: &[&str] = &[
    "accepted",
    "boolean",
    "changed",
    "changeme",
    "correct",
    "default",
    "disabled",
    "enabled",
    "encrypted",
    "expired",
    "failed",
    "hashed",
    "hidden",
    "incorrect",
    "integer",
    "invalid",
    "matched",
    "mismatch",
    "number",
    "object",
    "optional",
    "passwd",
    "password",
    "plaintext",
    "prompt",
    "provided",
    "rejected",
    "required",
    "secret",
    "string",
    "success",
    "unchanged",
    "unknown",
    "updated",
    "varchar",
    "visible",
];

/// Whether a variable's value is too ordinary to be masked wherever it occurs: a number, a switch, a path, an
/// address without credentials, a single word.
pub fn is_ordinary_value(value: &str) -> bool {
    let token = value.trim().as_bytes();
    let shape = Shape::of(token);
    is_nothing(token)
        || is_template(token)
        || token.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'-'))
        || token.starts_with(b"/") && bytes::count(token, b'/') > 1
        || value.contains("://") && !value.contains('@')
        || token.iter().all(|b| bytes::is(*b, LOWER)) && shape.len < 12 && shape.score < 2.0
        || shape.is_monotonous()
}
