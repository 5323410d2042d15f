//! The kinds of secrets, as placeholders name them.

use std::collections::BTreeSet;

/// A kind as it stands in a placeholder.
pub type Kind = &'static str;

/// API keys and tokens, by a vendor's format or in the context of a name.
pub const API_KEY: Kind = "api_key";
/// Passwords and pass phrases.
pub const PASSWORD: Kind = "password";
/// What is called a secret.
pub const SECRET: Kind = "secret";
/// What is called a token.
pub const TOKEN: Kind = "token";
/// JSON web tokens.
pub const JWT: Kind = "jwt";
/// The credential of a `Bearer` scheme.
pub const BEARER: Kind = "bearer_token";
/// The credential of any other `Authorization` scheme.
pub const AUTHORIZATION: Kind = "authorization";
/// Cookies of a header.
pub const COOKIE: Kind = "cookie";
/// Access key ids and secret keys of AWS.
pub const AWS: Kind = "aws_key";
/// Database connection strings with credentials.
pub const CONNECTION: Kind = "connection_string";
/// Private keys.
pub const PRIVATE_KEY: Kind = "private_key";
/// Other PEM blocks.
pub const PEM: Kind = "pem";
/// E-mail addresses.
pub const EMAIL: Kind = "email";
/// Payment cards.
pub const CARD: Kind = "credit_card";
/// Bank accounts.
pub const IBAN: Kind = "iban";
/// Random hexadecimal strings.
pub const HEX: Kind = "high_entropy_hex";
/// Other random strings.
pub const RANDOM: Kind = "high_entropy";
/// Every kind, for resolving names of tables.
pub const ALL: &[Kind] = &[
    API_KEY,
    PASSWORD,
    SECRET,
    TOKEN,
    JWT,
    BEARER,
    AUTHORIZATION,
    COOKIE,
    AWS,
    CONNECTION,
    PRIVATE_KEY,
    PEM,
    EMAIL,
    CARD,
    IBAN,
    HEX,
    RANDOM,
];

/// The constant for `name`, if it is a kind.
pub fn named(name: &str) -> Option<Kind> {
    ALL.iter().find(|k| **k == name).copied()
}

/// The kind of a pattern from the settings: its name reduced to what a placeholder may hold. Every name is kept
/// once for the life of the process.
pub fn interned(name: &str) -> Kind {
    static NAMES: std::sync::Mutex<BTreeSet<Kind>> = std::sync::Mutex::new(BTreeSet::new());
    let name: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .take(40)
        .collect();
    let name = if name.is_empty() { "custom".to_owned() } else { name };
    if let Some(known) = named(&name) {
        return known;
    }
    let mut names = NAMES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let kept: Kind = Box::leak(name.into_boxed_str());
    names.insert(kept);
    kept
}
