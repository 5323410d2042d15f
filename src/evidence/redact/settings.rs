//! What people can set.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

/// Settings of redaction. The default has every kind on and nothing allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedactionSettings {
    /// Further patterns: the kind to name in the placeholder (lower-case letters, digits and `_`) and a
    /// regular expression; its first group, or else the whole match, is replaced.
    pub patterns: Vec<(String, String)>,
    /// Values that are left alone, as hex SHA-256 digests of the exact value, so that the list holds no
    /// secret.
    pub allow: BTreeSet<String>,
    /// Kinds that are off. Ignored for text that goes to a provider.
    pub off: BTreeSet<String>,
    /// Whether addresses at documentation domains (`example.com` and the like) are replaced too.
    pub example_emails: bool,
}

impl RedactionSettings {
    /// Whether `value` is on the list of allowed values.
    pub(super) fn allows(&self, value: &str) -> bool {
        !self.allow.is_empty() && self.allow.contains(&digest(value))
    }
}

/// The hex SHA-256 digest of `value`, as the list of allowed values wants it.
pub fn digest(value: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(value.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether `pattern` is a regular expression that can be used; the error says what is wrong with it.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    let reason = match regex::Regex::new(pattern) {
        Ok(regex) if regex.is_match("") => "matches the empty text".to_owned(),
        Ok(_) => return Ok(()),
        Err(regex::Error::CompiledTooBig(limit)) => {
            format!("is too big: more than {limit} bytes when compiled")
        }
        // The last line has the reason, the others show the pattern.
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("is no regular expression: {reason}")
        }
    };
    Err(reason)
}
