//! The names of secrets: keywords, and what the identifier that a keyword stands in says about its value.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::bytes::{self, ALNUM, LOWER, NAME, RUN, UPPER};
use super::kind::{self, Kind};

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
    keyword("kennwort", kind::PASSWORD, Strength::Strong, true),
    keyword("contrase\u{f1}a", kind::PASSWORD, Strength::Strong, true),
    keyword("contrasena", kind::PASSWORD, Strength::Strong, true),
    keyword("mot de passe", kind::PASSWORD, Strength::Strong, false),
    keyword("mot_de_passe", kind::PASSWORD, Strength::Strong, true),
    keyword("motdepasse", kind::PASSWORD, Strength::Strong, true),
    keyword("senha", kind::PASSWORD, Strength::Strong, false),
    keyword("has\u{142}o", kind::PASSWORD, Strength::Strong, false),
    keyword("\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}", kind::PASSWORD, Strength::Strong, true),
    keyword("\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}", kind::PASSWORD, Strength::Strong, true),
    keyword("\u{5bc6}\u{7801}", kind::PASSWORD, Strength::Strong, true),
    keyword("\u{5bc6}\u{78bc}", kind::PASSWORD, Strength::Strong, true),
    keyword("\u{53e3}\u{4ee4}", kind::PASSWORD, Strength::Strong, true),
    keyword("\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}", kind::PASSWORD, Strength::Strong, true),
    keyword("\u{be44}\u{bc00}\u{bc88}\u{d638}", kind::PASSWORD, Strength::Strong, true),
    keyword("\u{be44}\u{bc88}", kind::PASSWORD, Strength::Strong, true),
    keyword("\u{d328}\u{c2a4}\u{c6cc}\u{b4dc}", kind::PASSWORD, Strength::Strong, true),
    keyword("pwd", kind::PASSWORD, Strength::Strong, true),
    keyword("pass", kind::PASSWORD, Strength::Strong, false),
    keyword("pw", kind::PASSWORD, Strength::Strong, false),
    keyword("passw", kind::PASSWORD, Strength::Strong, false),
    keyword("pin_code", kind::PASSWORD, Strength::Medium, true),
    keyword("pincode", kind::PASSWORD, Strength::Medium, true),
    keyword("psk", kind::PASSWORD, Strength::Strong, false),
    keyword("_authtoken", kind::TOKEN, Strength::Strong, true),
    keyword("recovery_code", kind::PASSWORD, Strength::Strong, true),
    keyword("recovery code", kind::PASSWORD, Strength::Strong, true),
    keyword("backup_code", kind::PASSWORD, Strength::Strong, true),
    keyword("backup code", kind::PASSWORD, Strength::Strong, true),
    keyword("convertto-securestring", kind::PASSWORD, Strength::Strong, true),
    keyword("identified by", kind::PASSWORD, Strength::Strong, true),
    keyword("secret", kind::SECRET, Strength::Strong, true),
    keyword("credential", kind::SECRET, Strength::Medium, true),
    keyword("creds", kind::SECRET, Strength::Medium, false),
    keyword("cred", kind::SECRET, Strength::Medium, false),
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
    keyword("account_key", kind::API_KEY, Strength::Medium, true),
    keyword("accountkey", kind::API_KEY, Strength::Medium, true),
    keyword("subscription_key", kind::API_KEY, Strength::Medium, true),
    keyword("subscription-key", kind::API_KEY, Strength::Medium, true),
    keyword("instrumentationkey", kind::API_KEY, Strength::Medium, true),
    keyword("instrumentation_key", kind::API_KEY, Strength::Medium, true),
    keyword("shared_key", kind::API_KEY, Strength::Medium, true),
    keyword("license_key", kind::API_KEY, Strength::Medium, true),
    keyword("licensekey", kind::API_KEY, Strength::Medium, true),
    keyword("auth_key", kind::API_KEY, Strength::Medium, true),
    keyword("authkey", kind::API_KEY, Strength::Medium, true),
    keyword("consumer_key", kind::API_KEY, Strength::Medium, true),
    keyword("encryption_key", kind::SECRET, Strength::Medium, true),
    keyword("key", kind::API_KEY, Strength::Weak, false),
    keyword("auth", kind::AUTHORIZATION, Strength::Weak, false),
    keyword("authorization", kind::AUTHORIZATION, Strength::Weak, false),
    keyword("session", kind::TOKEN, Strength::Weak, false),
    keyword("sessionid", kind::TOKEN, Strength::Weak, true),
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
static COMPOUNDS: LazyLock<Vec<&[u8]>> =
    LazyLock::new(|| words(include_str!("names_compound.txt")).collect());

/// Whose `key` or `token` is a secret rather than a part of a table or of a text: the word before it.
const OWNERS: &[&str] = &[
    "access",
    "account",
    "admin",
    "api",
    "app",
    "application",
    "auth",
    "authentication",
    "authorization",
    "bearer",
    "bot",
    "client",
    "consumer",
    "crypt",
    "crypto",
    "database",
    "db",
    "deploy",
    "developer",
    "encrypt",
    "encryption",
    "jwt",
    "login",
    "master",
    "oauth",
    "personal",
    "priv",
    "private",
    "refresh",
    "root",
    "secret",
    "security",
    "server",
    "service",
    "session",
    "shared",
    "sign",
    "signing",
    "storage",
    "subscription",
    "user",
    "webhook",
];

/// Parts after the keyword that make a name speak of something about the secret.
static ABOUT: LazyLock<HashSet<&[u8]>> = LazyLock::new(|| words(include_str!("names_about.txt")).collect());

fn words(text: &'static str) -> impl Iterator<Item = &'static [u8]> {
    text.split_ascii_whitespace().map(str::as_bytes)
}

/// Longest identifier that is read.
const MAX_NAME: usize = 80;

/// A keyword widened to the name it stands in.
pub struct Name {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it promises.
    pub strength: Strength,
    /// Whether it says whose secret it is (`auth_token`, `dbKey`).
    pub owned: bool,
}

/// The name around the keyword of `len` bytes at `at`; `None` where the keyword is a part of another word.
pub fn name(text: &[u8], at: usize, len: usize, keyword: &Keyword) -> Option<Name> {
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
    // The shell's working directory, if it is no field of a connection string.
    if &text[start..name_end] == b"PWD" && (start == 0 || text[start - 1] != b';')
        || text[start..name_end].eq_ignore_ascii_case(b"oldpwd")
    {
        return None;
    }
    let owned = keyword.text.contains(['_', '-', ' '])
        || matches!(keyword.text, "apikey" | "credential" | "creds" | "cred")
        || matches!(keyword.text, "token" | "key" | "secret" | "pass") && is_owned(&text[start..at]);
    let mut strength = keyword.strength;
    if keyword.text == "key" && owned && !about_people(&text[start..at]) {
        strength = Strength::Medium;
    }
    if is_about(&text[tail..name_end]) {
        strength = Strength::Weak;
    }
    if text[start..at].eq_ignore_ascii_case(b"public_") || text[start..at].eq_ignore_ascii_case(b"public") {
        strength = Strength::Weak;
    }
    Some(Name { start, end: name_end, strength, owned })
}

/// Whether a key is likely one of a table: `user_key`, `sessionKey`.
fn about_people(before: &[u8]) -> bool {
    let before = before.to_ascii_lowercase();
    let before = before.strip_suffix(b"_").or_else(|| before.strip_suffix(b"-")).unwrap_or(&before);
    before.ends_with(b"user") || before.ends_with(b"session")
}

/// Whether the part of a name before the keyword ends with one of [`OWNERS`].
fn is_owned(before: &[u8]) -> bool {
    let end = before.len() - before.iter().rev().take_while(|b| !bytes::is(**b, ALNUM)).count();
    let start = bytes::run_start(before, end, LOWER, 16);
    // `dbKey`, `DB_KEY` and `Db_Key`.
    let start = if start == end { bytes::run_start(before, end, UPPER, 16) } else { start };
    let start = if bytes::is_at(before, start, LOWER) && start > 0 && bytes::is(before[start - 1], UPPER) {
        start - 1
    } else {
        start
    };
    let word = &before[start..end];
    (2..=14).contains(&word.len()) && OWNERS.iter().any(|owner| owner.as_bytes().eq_ignore_ascii_case(word))
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
    COMPOUNDS.iter().any(|c| word.ends_with(c))
}

fn is_about(tail: &[u8]) -> bool {
    if tail.is_empty() {
        return false;
    }
    let mut word = Vec::with_capacity(16);
    let mut previous = 0;
    for &byte in tail.iter().chain(b"_") {
        let boundary =
            !bytes::is(byte, LOWER | UPPER) || (bytes::is(byte, UPPER) && bytes::is(previous, LOWER));
        if boundary && !word.is_empty() {
            if ABOUT.contains(word.as_slice()) {
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
