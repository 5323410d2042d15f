//! Secrets by the name before them: `password = "…"` in every notation.
//!
//! A keyword that the prefilter found is widened to its identifier ([`names`]); the identifier says how much the
//! value must look like a secret ([`Strength`]); then the separator, an opening quote and the value are read
//! ([`value`]).

use super::bytes::{self, ALNUM, BLANK, LOWER, UNDERSCORE, UPPER};
use super::engine::Span;
use super::names::{self, Keyword, Name, Strength};
use super::random::{self, Shape};
use super::structural::is_template;
use super::value::{self, Value};

/// How far the text after a keyword was read.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// One past the last byte that was read; of a secret, its end.
    pub end: usize,
    /// Whether a secret was found: the text is spoken for up to its end.
    pub found: bool,
}

/// Looks at the keyword at `at` and adds the span of its value, if it is a secret.
pub fn assignment(text: &[u8], at: usize, keyword: &'static Keyword, spans: &mut Vec<Span>) -> Look {
    let nothing = |end| Look { end, found: false };
    let Some(name) = names::name(text, at, keyword.text.len(), keyword) else {
        return nothing(at + keyword.text.len());
    };
    let flag = is_flag(text, &name) || keyword.text == "identified by";
    let Some(value) = value::value_after(text, name.end, flag) else { return nothing(name.end) };
    let mut range = (value.start, value.end);
    let bytes_of_value = &text[range.0..range.1];
    if !is_secret(text, &name, &value, bytes_of_value, keyword, flag) {
        return nothing(range.1.max(at));
    }
    if !value.closed && value.quoted {
        // A literal that was cut off: to the end of the line, less an ellipsis and what follows it.
        if let Some(cut) = memchr::memmem::find(bytes_of_value, b"...") {
            range.1 = range.0 + cut;
        }
        while range.1 > range.0 && bytes::is(text[range.1 - 1], BLANK) {
            range.1 -= 1;
        }
    }
    if range.0 < range.1 {
        let mut span = Span::new(range.0, range.1, keyword.kind, 2);
        // A bare JSON number becomes a string, so that JSON stays JSON.
        span.quote = !value.quoted
            && value.quoted_key
            && value.separator == b':'
            && text[range.0..range.1]
                .iter()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
        spans.push(span);
    }
    Look { end: range.1, found: true }
}

/// Whether the name is a flag of a command (`--password`, `-storepass`) or what a line sets without a sign
/// (`ENV PASSWORD …`, `setenv PASSWORD …`).
fn is_flag(text: &[u8], name: &Name) -> bool {
    let before = &text[bytes::line_start(text, name.start, 16)..name.start];
    let dashes = text[name.start..].iter().take_while(|b| **b == b'-').count();
    match dashes {
        0 => [&b"ENV "[..], b"setenv ", b"SetEnv "].iter().any(|word| before.ends_with(word)),
        1 => {
            bytes::is_at(text, name.start + 1, LOWER | UPPER)
                && before.last().is_some_and(|b| matches!(b, b' ' | b'"' | b'\''))
        }
        _ => name.start > 0,
    }
}

fn is_secret(
    text: &[u8],
    name: &Name,
    value: &Value,
    bytes_of_value: &[u8],
    keyword: &Keyword,
    flag: bool,
) -> bool {
    let token = bytes_of_value.trim_ascii();
    if token.is_empty()
        || is_template(token)
        || is_nothing(token)
        || value.quoted && !value.quoted_key && goes_on_after_literal(text, name, value, token)
        || names_itself(&text[name.start..name.end], token)
        || token.starts_with(super::PLACEHOLDER.as_bytes())
    {
        return false;
    }
    let shape = Shape::of(token);
    let core = shape.len >= 12
        && !token.iter().any(|b| bytes::is(*b, BLANK))
        && shape.is_likely_random()
        && !is_path_or_code(token);
    let literal = value.quoted
        && name.strength == Strength::Strong
        && random::is_mixed(token)
        && !token.iter().any(|b| bytes::is(*b, BLANK));
    if value.next_line && !core && !literal {
        return false;
    }
    if value.quoted && (32..=128).contains(&token.len()) && is_dense(token, &shape) {
        return true;
    }
    if random::is_uuid(token) {
        return name.strength >= Strength::Medium
            && !matches!(value.separator, b',' | b'i' | b'(' | b'>' if name.strength < Strength::Strong);
    }
    match name.strength {
        // `generate_password_hash("…")`: what is hashed.
        Strength::Weak
            if value.separator == b'('
                && value.quoted
                && keyword.strength == Strength::Strong
                && text[name.start..name.end].ends_with(b"_hash") =>
        {
            shape.len >= 6 && random::is_mixed(token) && !is_path_or_code(token)
        }
        Strength::Weak => {
            core && !is_fingerprint(&text[name.start..name.end], token)
                && (shape.is_random() || (shape.hex && shape.len >= 24))
                && shape.digits > 0
                && !looks_like_identifier(token)
                && !super::entropy::is_named_digest(token)
        }
        Strength::Medium | Strength::Strong if !value.quoted => {
            if core && (shape.digits > 0 || shape.score > 10.0) {
                return true;
            }
            name.strength == Strength::Strong && bare_password(text, name, value, token, keyword, flag)
        }
        Strength::Medium => {
            if shape.len < 8 || value.separator == b',' && !core {
                return core;
            }
            let no_blanks = !token.iter().any(|b| bytes::is(*b, BLANK));
            no_blanks
                && (core
                    || (random::is_mixed(token)
                        && !is_path_or_code(token)
                        && shape.len >= 8
                        && shape.score > -6.0))
        }
        Strength::Strong => {
            if matches!(value.separator, b',' | b'i' | b'(' | b' ' | b'>') && !flag {
                return core
                    || (random::is_mixed(token)
                        && shape.len >= 6
                        && !is_path_or_code(token)
                        && !token.iter().any(|b| bytes::is(*b, BLANK)));
            }
            if keyword.text == "secret" || keyword.text == "pass" {
                let word =
                    token.iter().all(|b| bytes::is(*b, LOWER | UPPER | UNDERSCORE | BLANK | bytes::DASH));
                return shape.len >= 4
                    && (!word || core || shape.len >= 6 && !token.iter().any(|b| bytes::is(*b, BLANK)));
            }
            shape.len >= 3 && !is_sentence(token)
        }
    }
}

/// Whether a key is named by its fingerprint: `GPG_KEY=A035…`.
fn is_fingerprint(name: &[u8], token: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    token.len() == 40 && Shape::of(token).hex && [&b"gpg"[..], b"pgp"].iter().any(|n| name.starts_with(n))
}

/// Whether a literal was drawn from all signs of the keyboard, as salts of configurations are.
fn is_dense(token: &[u8], shape: &Shape) -> bool {
    let rare = token.iter().filter(|b| b"!@#$%^&*+~?;{}<>|".contains(b)).count();
    shape.distinct >= 24
        && rare * 8 >= shape.len
        && shape.upper * 10 >= shape.len
        && shape.lower * 10 >= shape.len
        && shape.digits > 0
        && bytes::count(token, b' ') * 8 < shape.len
}

/// Whether a literal speaks about a password rather than being one.
fn is_sentence(token: &[u8]) -> bool {
    token.split(|b| bytes::is(*b, BLANK)).filter(|w| !w.is_empty()).count() > 3
}

/// Whether the quote after the separator ends a literal that holds the name rather than begins the value, as in
/// `"…?token=" + quote(token)`.
fn goes_on_after_literal(text: &[u8], name: &Name, value: &Value, token: &[u8]) -> bool {
    let quote = text[value.start - 1];
    let line = bytes::line_start(text, name.start, 512);
    let before = &text[line..name.start];
    // Within a literal that is escaped itself only such quotes count.
    let quotes = if text[..value.start - 1].ends_with(b"\\") {
        memchr::memmem::find_iter(before, &[b'\\', quote]).count()
    } else {
        bytes::count(before, quote)
    };
    matches!(token[0], b'+' | b',' | b')' | b'%' | b'.' | b']' | b'}') && quotes % 2 == 1
}

/// Whether a value is but the name again, as in `secret_key="secret-key"`.
fn names_itself(name: &[u8], token: &[u8]) -> bool {
    let letters = |word: &'_ [u8]| -> Vec<u8> {
        word.iter().filter(|b| bytes::is(**b, ALNUM)).map(u8::to_ascii_lowercase).collect()
    };
    token.len() <= 2 * name.len() && letters(name) == letters(token)
}

/// Values that say there is none.
pub fn is_nothing(token: &[u8]) -> bool {
    const NOTHING: &[&str] = &[
        "none",
        "null",
        "nil",
        "true",
        "false",
        "undefined",
        "nan",
        "n/a",
        "na",
        "not set",
        "unset",
        "empty",
        "required",
        "optional",
        "str",
        "string",
        "int",
        "bool",
        "bytes",
        "any",
        "object",
        "missing",
        "password",
        "passwd",
        "secret",
        "token",
        "redacted",
        "hidden",
        "masked",
        "<redacted>",
        "[redacted]",
        "[filtered]",
        "filtered",
    ];
    token.len() <= 12
        && std::str::from_utf8(token).is_ok_and(|t| NOTHING.iter().any(|n| t.eq_ignore_ascii_case(n)))
}

/// Whether `token` is a path, a call, an attribute or a format rather than a generated value.
fn is_path_or_code(token: &[u8]) -> bool {
    let signs = token.iter().filter(|b| matches!(b, b'$' | b'#' | b'!' | b'^' | b'~' | b'@')).count();
    if signs >= 2 && !token.contains(&b' ') {
        return false;
    }
    token.iter().any(|b| matches!(b, b'(' | b'[' | b'{' | b' '))
        || token.starts_with(b"/") && bytes::count(token, b'/') > 1 && Shape::of(token).score < 12.0
        || token.starts_with(b"http")
        || token.starts_with(b"self.")
        || token.windows(2).any(|w| w == b"::")
        || token.starts_with(b"0x")
}

fn looks_like_identifier(token: &[u8]) -> bool {
    token.iter().all(|b| bytes::is(*b, ALNUM | UNDERSCORE | bytes::DOT)) && Shape::of(token).score < 4.0
}

/// A value without quotes after a name that always holds a secret.
fn bare_password(
    text: &[u8],
    name: &Name,
    value: &Value,
    token: &[u8],
    keyword: &Keyword,
    flag: bool,
) -> bool {
    if is_path_or_code(token) || token.len() < 3 || matches!(value.separator, b',' | b'i' | b'(' | b'~') {
        return false;
    }
    if matches!(text.get(value.end), Some(b'(' | b'[' | b'.')) {
        return false;
    }
    if value.separator == b'>' {
        return text[value.end..].starts_with(b"</");
    }
    let number = token.iter().all(u8::is_ascii_digit);
    let identifier =
        token.iter().all(|b| bytes::is(*b, ALNUM | UNDERSCORE | bytes::DOT)) && !token[0].is_ascii_digit();
    let word = token.iter().all(|b| bytes::is(*b, LOWER | UPPER | UNDERSCORE | bytes::DASH | bytes::DOT));
    let code = matches!(text.get(value.end), Some(b')' | b',' | b']' | b'}' | b':')) && identifier;
    if code {
        return false;
    }
    let key = &text[name.start..name.end];
    let environment = value.separator == b'='
        && !value.spaced
        && key.iter().all(|b| !bytes::is(*b, LOWER))
        && (name.start == 0 || !bytes::is(text[name.start - 1], ALNUM));
    if number {
        return token.len() >= 6 && value.separator == b'=' && !value.spaced
            || token.len() >= 4 && (value.quoted_key || environment);
    }
    let before = name.start.checked_sub(1).map(|i| text[i]);
    let query = matches!(before, Some(b'?' | b'&' | b';')) && value.separator == b'=' && !value.spaced;
    if word {
        let shouting = token.iter().all(|b| bytes::is(*b, UPPER | UNDERSCORE));
        return (environment && token.len() >= 4 && !shouting)
            || (is_property(text, name, value) && token.len() >= 4 && !shouting)
            || (query && token.len() >= 4)
            || (flag
                && token.len() >= 6
                && !shouting
                && !STOP.iter().any(|s| s.as_bytes() == token)
                && value.separator == b'=');
    }
    let line_end = bytes::line_end(text, value.end, 8);
    let ends_line = text[value.end..line_end].trim_ascii().is_empty();
    if identifier {
        return environment
            || query
            || flag
            || (value.separator == b':' && ends_line && keyword.text != "secret")
            || (value.separator == b'=' && !value.spaced && ends_line);
    }
    true
}

/// Whether the line is one of a properties file and nothing else: `datasource.password=…`, `_authToken=…`.
fn is_property(text: &[u8], name: &Name, value: &Value) -> bool {
    const OBJECTS: &[&[u8]] = &[b"self", b"cls", b"args", b"options", b"opts", b"obj", b"this", b"user"];
    let key = &text[name.start..name.end];
    let object = key.split(|b| *b == b'.').next().unwrap_or_default();
    value.separator == b'='
        && !value.spaced
        && (name.start == 0 || text[name.start - 1] == b'\n' || text[name.start - 1] == b':')
        && (key.contains(&b'.') || key.starts_with(b"_auth"))
        && !OBJECTS.contains(&object)
        && bytes::line_end(text, value.end, 1) == value.end
        && (value.end == text.len() || text[value.end] == b'\n')
}

/// Words that stand after a flag in help texts.
const STOP: &[&str] =
    &["option", "required", "argument", "string", "password", "should", "cannot", "without"];
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
