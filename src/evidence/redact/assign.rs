//! Secrets by the name before them: `password = "…"` in every notation.
//!
//! A keyword that the prefilter found is widened to its identifier; the identifier says how much the value
//! must look like a secret ([`Strength`]); then the separator, an opening quote and the value are read.

use super::bytes::{self, ALNUM, BLANK, LOWER, NAME, RUN, UNDERSCORE, UPPER};
use super::engine::Span;
use super::kind::{self, Kind};
use super::random::{self, Shape};
use super::structural::is_template;

/// How much a name promises that its value is secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Its value must be random beyond doubt (`key`, `session`, `token_id`).
    Weak,
    /// Its value must look generated (`token`, `api_key`).
    Medium,
    /// Any literal is a secret (`password`).
    Strong,
}

/// A keyword of the prefilter.
#[derive(Debug)]
pub struct Keyword {
    /// Lower-case text.
    pub text: &'static str,
    /// The kind of its values.
    pub kind: Kind,
    /// Its strength.
    pub strength: Strength,
    /// Whether it may be a part of a longer word (`dbpassword`).
    pub inside: bool,
}

const fn keyword(text: &'static str, kind: Kind, strength: Strength, inside: bool) -> Keyword {
    Keyword { text, kind, strength, inside }
}

/// The keywords.
pub static KEYWORDS: &[Keyword] = &[
    keyword("password", kind::PASSWORD, Strength::Strong, true),
    keyword("passwd", kind::PASSWORD, Strength::Strong, true),
    keyword("passphrase", kind::PASSWORD, Strength::Strong, true),
    keyword("pass_phrase", kind::PASSWORD, Strength::Strong, true),
    keyword("passcode", kind::PASSWORD, Strength::Strong, true),
    keyword("passwort", kind::PASSWORD, Strength::Strong, true),
    keyword("pwd", kind::PASSWORD, Strength::Strong, true),
    keyword("pass", kind::PASSWORD, Strength::Strong, false),
    keyword("pw", kind::PASSWORD, Strength::Strong, false),
    keyword("identified by", kind::PASSWORD, Strength::Strong, true),
    keyword("secret", kind::SECRET, Strength::Strong, true),
    keyword("credential", kind::SECRET, Strength::Medium, true),
    keyword("creds", kind::SECRET, Strength::Medium, false),
    keyword("token", kind::TOKEN, Strength::Medium, true),
    keyword("jwt", kind::TOKEN, Strength::Weak, false),
    keyword("bearer", kind::BEARER, Strength::Medium, false),
    keyword("api_key", kind::API_KEY, Strength::Medium, true),
    keyword("apikey", kind::API_KEY, Strength::Medium, true),
    keyword("api-key", kind::API_KEY, Strength::Medium, true),
    keyword("api key", kind::API_KEY, Strength::Medium, true),
    keyword("access_key", kind::API_KEY, Strength::Medium, true),
    keyword("private_key", kind::PRIVATE_KEY, Strength::Medium, true),
    keyword("signing_key", kind::SECRET, Strength::Medium, true),
    keyword("encryption_key", kind::SECRET, Strength::Medium, true),
    keyword("key", kind::API_KEY, Strength::Weak, false),
    keyword("auth", kind::AUTHORIZATION, Strength::Weak, false),
    keyword("authorization", kind::AUTHORIZATION, Strength::Weak, false),
    keyword("session", kind::TOKEN, Strength::Weak, false),
    keyword("sessionid", kind::TOKEN, Strength::Weak, false),
    keyword("cookie", kind::COOKIE, Strength::Weak, false),
    keyword("csrf", kind::TOKEN, Strength::Weak, true),
    keyword("signature", kind::SECRET, Strength::Weak, false),
    keyword("sig", kind::SECRET, Strength::Weak, false),
    keyword("salt", kind::SECRET, Strength::Weak, false),
    keyword("otp", kind::PASSWORD, Strength::Weak, false),
    keyword("seed", kind::SECRET, Strength::Weak, false),
    keyword("webhook", kind::SECRET, Strength::Weak, false),
    keyword("hmac", kind::SECRET, Strength::Weak, false),
    keyword("dsn", kind::CONNECTION, Strength::Weak, false),
    keyword("license", kind::API_KEY, Strength::Weak, false),
];

/// What may stand before `key`, `pass` and their like without a boundary.
const COMPOUNDS: &[&str] = &[
    "api",
    "access",
    "secret",
    "auth",
    "app",
    "private",
    "shared",
    "master",
    "account",
    "service",
    "license",
    "encryption",
    "signing",
    "consumer",
    "client",
    "ssh",
    "deploy",
    "subscription",
    "project",
    "write",
    "read",
    "admin",
    "host",
    "user",
    "db",
    "my",
    "storage",
    "server",
    "root",
    "ftp",
    "smtp",
    "mail",
    "ldap",
    "http",
    "proxy",
    "push",
    "integration",
    "ingest",
    "rest",
    "public",
    "web",
    "bot",
    "jwt",
    "php",
    "oauth",
];

/// Parts after the keyword that make a name speak of something about the secret.
const ABOUT: &[&str] = &[
    "type",
    "name",
    "url",
    "uri",
    "file",
    "path",
    "len",
    "length",
    "count",
    "field",
    "error",
    "class",
    "format",
    "expiry",
    "expires",
    "expiration",
    "ttl",
    "timeout",
    "size",
    "limit",
    "index",
    "kind",
    "version",
    "hint",
    "policy",
    "header",
    "prefix",
    "suffix",
    "endpoint",
    "regex",
    "pattern",
    "required",
    "valid",
    "validator",
    "reset",
    "manager",
    "provider",
    "factory",
    "func",
    "function",
    "var",
    "env",
    "store",
    "alg",
    "algorithm",
    "id",
    "ids",
    "min",
    "max",
    "arg",
    "args",
    "param",
    "params",
    "backend",
    "generator",
    "column",
    "label",
    "text",
    "strength",
    "scheme",
    "method",
    "used",
    "is",
    "at",
    "date",
    "change",
    "changed",
    "changer",
    "input",
    "form",
    "widget",
    "list",
    "set",
    "map",
    "enabled",
    "exists",
    "missing",
    "invalid",
    "status",
    "state",
    "mode",
    "position",
    "dir",
    "directory",
    "filename",
    "location",
    "message",
    "msg",
    "exception",
    "test",
    "tests",
    "config",
    "settings",
    "options",
    "info",
    "data",
    "context",
    "handler",
    "middleware",
    "view",
    "model",
    "schema",
    "table",
    "hash",
    "hasher",
    "hashers",
    "digest",
    "fn",
    "callback",
    "char",
    "chars",
    "bytes",
    "bits",
    "number",
    "num",
    "usage",
    "stream",
    "end",
    "start",
    "line",
    "lineno",
    "rotation",
    "age",
    "created",
    "updated",
    "scope",
    "scopes",
    "group",
    "source",
    "issuer",
    "audience",
    "lifetime",
    "flow",
    "request",
    "response",
    "client",
    "server",
    "ref",
    "arn",
];

/// Longest identifier and value that are read.
const MAX_NAME: usize = 80;
const MAX_VALUE: usize = 8192;
const MAX_BARE: usize = 2048;

/// A keyword widened to the name it stands in.
struct Name {
    start: usize,
    end: usize,
    strength: Strength,
}

fn name(text: &[u8], at: usize, len: usize, keyword: &Keyword) -> Option<Name> {
    let start = bytes::run_start(text, at, NAME, MAX_NAME);
    let start = start + bytes::escape_len(text, start).min(at - start);
    let end = at + len;
    if !keyword.inside && !stands_alone(text, start, at) {
        return None;
    }
    // What follows the keyword within the same word: `tokenizer` and `passing` are other words.
    let mut tail = end;
    if bytes::is_at(text, tail, LOWER) {
        let upper = bytes::is(text[end - 1], UPPER);
        if text[tail] == b's' && !bytes::is_at(text, tail + 1, LOWER) {
            tail += 1;
        } else if !upper || bytes::is_at(text, tail + 1, LOWER) {
            let rest = bytes::run_end(text, tail, LOWER, 12);
            let word = &text[tail..rest];
            let compound = [&b"value"[..], b"string", b"str", b"key", b"text", b"base", b"id", b"data"]
                .contains(&word)
                && keyword.strength > Strength::Weak;
            if !compound {
                return None;
            }
            tail = rest;
        }
    } else if bytes::is_at(text, tail, UPPER)
        && bytes::is(text[end - 1], UPPER)
        && !bytes::is_at(text, tail + 1, LOWER)
    {
        let rest = bytes::run_end(text, tail, UPPER, 12);
        if &text[tail..rest] != b"S" && !keyword.inside {
            return None;
        }
        if [&b"IZER"[..], b"IZE", b"IZED"].contains(&&text[tail..rest]) {
            return None;
        }
        tail = rest;
    }
    let name_end = bytes::run_end(text, tail, RUN, MAX_NAME);
    // The shell's working directory.
    if text[start..name_end].eq_ignore_ascii_case(b"pwd") && text[start].is_ascii_uppercase()
        || text[start..name_end].eq_ignore_ascii_case(b"oldpwd")
    {
        return None;
    }
    let mut strength = keyword.strength;
    if is_about(&text[tail..name_end]) {
        strength = Strength::Weak;
    }
    if text[start..at].eq_ignore_ascii_case(b"public_") || text[start..at].eq_ignore_ascii_case(b"public") {
        strength = Strength::Weak;
    }
    Some(Name { start, end: name_end, strength })
}

/// Whether the word at `at` begins a part of the name that starts at `start`.
fn stands_alone(text: &[u8], start: usize, at: usize) -> bool {
    if at == start || !bytes::is(text[at - 1], ALNUM) {
        return true;
    }
    let camel = bytes::is(text[at], UPPER) && bytes::is(text[at - 1], LOWER | bytes::DIGIT);
    if camel {
        return true;
    }
    let before = bytes::run_start(text, at, LOWER | UPPER, 16).max(start);
    let word = text[before..at].to_ascii_lowercase();
    COMPOUNDS.iter().any(|c| word.ends_with(c.as_bytes()))
}

fn is_about(tail: &[u8]) -> bool {
    let mut word = Vec::with_capacity(16);
    let mut previous = 0;
    for &byte in tail.iter().chain(b"_") {
        let boundary =
            !bytes::is(byte, LOWER | UPPER) || (bytes::is(byte, UPPER) && bytes::is(previous, LOWER));
        if boundary && !word.is_empty() {
            if ABOUT.iter().any(|a| a.as_bytes() == word) {
                return true;
            }
            word.clear();
        }
        if bytes::is(byte, LOWER | UPPER) {
            word.push(byte.to_ascii_lowercase());
        }
        previous = byte;
    }
    false
}

/// How a value stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// Its range, without quotes.
    pub start: usize,
    /// End of the range.
    pub end: usize,
    /// Whether it stands in quotes.
    pub quoted: bool,
    /// Whether the key stands in quotes.
    pub quoted_key: bool,
    /// First byte of the separator.
    pub separator: u8,
    /// Whether blanks stand around the separator.
    pub spaced: bool,
    /// Whether the closing quote was found.
    pub closed: bool,
    /// Whether it stands on the line after its name.
    pub next_line: bool,
}

/// Reads the value that belongs to the name that ends at `at`.
pub fn value_after(text: &[u8], at: usize, flag: bool) -> Option<Value> {
    let mut at = at;
    let mut quoted_key = false;
    let close = at;
    while at < text.len() && at < close + 12 && matches!(text[at], b'"' | b'\'' | b'\\' | b'`' | b']' | b')')
    {
        quoted_key |= matches!(text[at], b'"' | b'\'');
        at += 1;
    }
    let blanks = bytes::run_end(text, at, BLANK, 48);
    let mut spaced = blanks > at;
    at = blanks;
    let (mut separator, after) = separator(text, at, spaced, flag, quoted_key)?;
    at = after;
    let mut next_line = false;
    let blanks = bytes::run_end(text, at, BLANK, 48);
    spaced |= blanks > at && separator != b' ';
    at = blanks;
    // A type between name and value: `x: str = "…"`, `var x string = "…"`.
    if separator == b':' || separator == b' ' {
        let word = bytes::run_end(text, at, NAME | bytes::PUNCTUATION, 40);
        let word = if text.get(word) == Some(&b'[') {
            memchr::memchr(b']', &text[word..text.len().min(word + 40)]).map_or(word, |i| word + i + 1)
        } else {
            word
        };
        let equals = bytes::run_end(text, word, BLANK, 4);
        if word > at
            && equals > word
            && text.get(equals) == Some(&b'=')
            && text.get(equals + 1) != Some(&b'=')
        {
            separator = b'=';
            at = bytes::run_end(text, equals + 1, BLANK, 8);
        }
    }
    // YAML's block scalars and XML's elements may hold the value on the next line.
    let mark = at + text[at..].iter().take(2).take_while(|b| matches!(b, b'|' | b'>' | b'-')).count();
    let line = bytes::run_end(text, mark, BLANK, 8);
    if matches!(separator, b':' | b'>' | b'=') && text.get(line) == Some(&b'\n') {
        at = bytes::run_end(text, line + 1, BLANK, 48);
        if text[at..].starts_with(b"E ") {
            at = bytes::run_end(text, at + 1, BLANK, 48);
        }
        next_line = true;
    }
    at = skip_wrapper(text, at);
    let backslashes = text[at..].iter().take(4).take_while(|b| **b == b'\\').count();
    let open = at + backslashes;
    match text.get(open) {
        Some(&quote @ (b'"' | b'\'' | b'`')) => {
            let triple = text[open..].starts_with(&[quote; 3]);
            let start = open + if triple { 3 } else { 1 };
            let (end, closed) = quoted_end(text, start, quote, backslashes);
            Some(Value { start, end, quoted: true, quoted_key, separator, spaced, closed, next_line })
        }
        _ => {
            let end = bare_end(text, at, separator);
            Some(Value {
                start: at,
                end,
                quoted: false,
                quoted_key,
                separator,
                spaced,
                closed: true,
                next_line,
            })
        }
    }
}

/// Reads the separator at `at`; gives its first significant byte and where it ends.
fn separator(text: &[u8], at: usize, spaced: bool, flag: bool, quoted_key: bool) -> Option<(u8, usize)> {
    const SEPARATORS: &[&str] = &[
        ":::=", "===", "!==", "::=", "||=", "??=", ":=", "=>", "->", "==", "!=", "?=", "+=", ".=", "<=",
        "||", "=", ":", "&#61;", "&#58;", "%3D", "%3d", "%3A", "%3a",
    ];
    let rest = &text[at..];
    if let Some(found) = SEPARATORS.iter().find(|s| rest.starts_with(s.as_bytes())) {
        let first = match *found {
            ":" | "&#58;" | "%3A" | "%3a" => b':',
            "==" | "!=" | "===" | "!==" => b'~',
            _ => b'=',
        };
        return Some((first, at + found.len()));
    }
    match rest.first() {
        Some(b',') => {
            // `"name": "token", "value": "…"` and `name="token" value="…"`.
            attribute(text, at + 1).or(Some((b',', at + 1)))
        }
        Some(b'>') if !spaced => Some((b'>', at + 1)),
        Some(b'(') if !spaced => Some((b'(', at + 1)),
        Some(b'|') => Some((b',', at + 1)),
        Some(_) if spaced => {
            if quoted_key && let Some(found) = attribute(text, at) {
                return Some(found);
            }
            for word in ["is ", "was ", "to ", "of ", "- ", "are ", "equals ", "set to ", "is: "] {
                if rest.starts_with(word.as_bytes()) {
                    return Some((b'i', at + word.len()));
                }
            }
            (flag
                || matches!(rest.first(), Some(b'"' | b'\'' | b'`'))
                || rest.starts_with(b"string =")
                || rest.starts_with(b"String ="))
            .then_some((b' ', at))
        }
        _ => None,
    }
}

/// The separator after `value` in `"name": "token", "value": "…"`, if that stands at `at`.
fn attribute(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let limit = text.len().min(at + 48);
    let mut from = at;
    while from < limit && (bytes::is(text[from], BLANK) || matches!(text[from], b'\n' | b'"' | b'\'' | b'\\'))
    {
        from += 1;
    }
    let word = text.get(from..from + 5)?;
    if !word.eq_ignore_ascii_case(b"value") {
        return None;
    }
    let mut end = from + 5;
    while end < limit && matches!(text[end], b'"' | b'\'' | b'\\') {
        end += 1;
    }
    end = bytes::run_end(text, end, BLANK, 4);
    matches!(text.get(end), Some(b':' | b'=')).then_some((b'=', end + 1))
}

/// Skips what may stand before a literal: brackets, string prefixes, wrappers such as `SecretStr(` and the
/// scheme of a header.
fn skip_wrapper(text: &[u8], at: usize) -> usize {
    const WRAPPERS: &[&str] = &[
        "SecretStr(",
        "SecretBytes(",
        "Secret(",
        "str(",
        "bytes(",
        "quote(",
        "bytearray(",
        "Password(",
        "Token(",
    ];
    let mut at = at;
    for wrapper in WRAPPERS {
        if text[at..].starts_with(wrapper.as_bytes()) {
            at += wrapper.len();
        }
    }
    let bracket = bytes::run_end(text, at, BLANK, 2);
    if matches!(text.get(bracket), Some(b'(' | b'[' | b'{'))
        && matches!(text.get(bracket + 1), Some(b'"' | b'\'' | b'b'))
    {
        at = bracket + 1;
    }
    for scheme in ["Bearer ", "bearer ", "Basic ", "basic ", "Token ", "token ", "ApiKey "] {
        if text[at..].starts_with(scheme.as_bytes()) {
            at += scheme.len();
        }
    }
    let prefix = bytes::run_end(text, at, LOWER | UPPER, 2);
    if prefix > at
        && matches!(text.get(prefix), Some(b'"' | b'\''))
        && text[at..prefix].iter().all(|b| b"bBrRfFuU@".contains(b))
    {
        at = prefix;
    }
    at
}

/// The end of a literal whose quote is preceded by `backslashes` of them; whether the quote was found.
fn quoted_end(text: &[u8], start: usize, quote: u8, backslashes: usize) -> (usize, bool) {
    let limit = text.len().min(start + MAX_VALUE);
    let mut at = start;
    while at < limit {
        let byte = text[at];
        if byte == b'\n' {
            return (at, false);
        }
        if byte == b'\\' {
            let run = text[at..limit].iter().take_while(|b| **b == b'\\').count();
            if text.get(at + run) == Some(&quote) && run == backslashes {
                return (at, true);
            }
            at += run + usize::from(run % 2 == 1 || backslashes > 0);
            continue;
        }
        if byte == quote {
            return (at, true);
        }
        at += 1;
    }
    (at.min(limit), false)
}

/// The end of a value without quotes.
fn bare_end(text: &[u8], start: usize, separator: u8) -> usize {
    let limit = text.len().min(start + MAX_BARE);
    let mut at = start;
    while at < limit {
        match text[at] {
            0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | b';' | b',' | b')' | b']' | b'}' | b'\\' => break,
            b'&' if separator == b'=' => break,
            b'[' if at == start => break,
            _ => at += 1,
        }
    }
    if at < limit && matches!(text[at], b')' | b']' | b'}' | b'<' | b'>' | b';') {
        // Passwords of many signs: brackets belong to them when what goes on to the next blank is no code.
        let stop = text[at..limit]
            .iter()
            .position(|b| matches!(b, 0..=b' ' | b'"' | b'\'' | b'`' | b'\\'))
            .map_or(limit, |i| at + i);
        let signs =
            text[start..stop].iter().filter(|b| matches!(b, b'$' | b'#' | b'!' | b'^' | b'~' | b'@')).count();
        if signs >= 2 {
            at = stop;
        }
    }
    while at > start && matches!(text[at - 1], b'.' | b':' | b'?' | b'|') {
        at -= 1;
    }
    at
}

/// Looks at the keyword at `at` and adds the span of its value, if it is a secret. Gives the end of the value
/// that was read, so that a caller can see how far the text is spoken for.
pub fn assignment(text: &[u8], at: usize, keyword: &'static Keyword, spans: &mut Vec<Span>) -> Option<usize> {
    let name = name(text, at, keyword.text.len(), keyword)?;
    let flag = name.start > 0 && text[name.start..].starts_with(b"--") || keyword.text == "identified by";
    let value = value_after(text, name.end, flag)?;
    let mut range = (value.start, value.end);
    let bytes_of_value = &text[range.0..range.1];
    if !is_secret(text, &name, &value, bytes_of_value, keyword, flag) {
        return None;
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
    Some(range.1)
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
        || token.starts_with(super::PLACEHOLDER.as_bytes())
    {
        return false;
    }
    let shape = Shape::of(token);
    let core = shape.len >= 12
        && !token.iter().any(|b| bytes::is(*b, BLANK))
        && shape.is_likely_random()
        && !is_path_or_code(token);
    if value.next_line && !core {
        return false;
    }
    if random::is_uuid(token) {
        return name.strength >= Strength::Medium
            && !matches!(value.separator, b',' | b'i' | b'(' | b'>' if name.strength < Strength::Strong);
    }
    match name.strength {
        Strength::Weak => {
            core && (shape.is_random() || (shape.hex && shape.len >= 24))
                && shape.digits > 0
                && !looks_like_identifier(token)
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

/// Whether a literal speaks about a password rather than being one.
fn is_sentence(token: &[u8]) -> bool {
    token.split(|b| bytes::is(*b, BLANK)).filter(|w| !w.is_empty()).count() > 3
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
        || token.starts_with(b"/")
            && token.iter().filter(|b| **b == b'/').count() > 1
            && Shape::of(token).score < 12.0
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

/// Words that stand after a flag in help texts.
const STOP: &[&str] =
    &["option", "required", "argument", "string", "password", "should", "cannot", "without"];

/// The kind of the value of an environment variable whose name says that it is secret.
pub fn secret_name(variable: &str) -> Option<Kind> {
    let lower = variable.to_ascii_lowercase();
    KEYWORDS.iter().filter(|k| k.strength > Strength::Weak || k.text == "key" || k.text == "auth").find_map(
        |keyword| {
            let at = lower.find(keyword.text)?;
            let name = name(variable.as_bytes(), at, keyword.text.len(), keyword)?;
            (name.strength > Strength::Weak
                || keyword.strength == Strength::Weak
                    && !is_about(&variable.as_bytes()[at + keyword.text.len()..]))
            .then_some(keyword.kind)
        },
    )
}

/// Whether a variable's value is too ordinary to be masked wherever it occurs: a number, a switch, a path, an
/// address without credentials, a single word.
pub fn is_ordinary_value(value: &str) -> bool {
    let token = value.trim().as_bytes();
    let shape = Shape::of(token);
    is_nothing(token)
        || is_template(token)
        || token.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'-'))
        || token.starts_with(b"/") && token.iter().filter(|b| **b == b'/').count() > 1
        || value.contains("://") && !value.contains('@')
        || token.iter().all(|b| bytes::is(*b, LOWER)) && shape.len < 12 && shape.score < 2.0
        || shape.is_monotonous()
}
