//! Secrets and personal data out, typed placeholders in.
//!
//! [`Redacted`] is the only text type that providers, reports, caches, logs and the editor accept, and only
//! this module can make one from text that came from outside.
//!
//! A [`Redactor`] finds secrets by vendors' token formats (`vendors.tsv`), by the names before them
//! (`password = …`), by structure (PEM, URLs, headers, JSON web tokens), by randomness, and by value: what has
//! once been found in a run, and what the environment holds under secret-like names, is masked wherever it or
//! a piece of it occurs. It keeps lines and structure, gives one secret one placeholder, and leaves
//! placeholders alone.

mod asserted;
mod assign;
mod bounds;
mod bytes;
mod claims;
mod columns;
mod elsewhere;
mod engine;
mod entropy;
mod forms;
mod given;
mod inner;
mod kind;
mod known;
mod names;
mod pem;
mod personal;
mod place;
mod protocol;
mod random;
mod registry;
mod settings;
mod structural;
mod value;
mod vendor;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::Serialize;

pub use kind::ALL as KINDS;
pub use settings::{RedactionSettings, check_pattern, digest};

use engine::Span;
use registry::Registry;

/// Makes what every search needs and the first would have to wait for.
pub fn warm_up() {
    engine::warm_up();
}

/// How every placeholder begins.
const PLACEHOLDER: &str = "[REDACTED:";

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

    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A part of the text, chosen by `choose`, which must return a slice of its argument: truncation and
    /// trimming keep what is redacted redacted. An end that would cut a placeholder is moved out of it, so
    /// that the part begins after it or ends before it.
    #[must_use]
    pub fn slice(&self, choose: impl for<'a> FnOnce(&'a str) -> &'a str) -> Self {
        let text: &str = &self.0;
        let part = choose(text);
        let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        let Some(end) = start.checked_add(part.len()).filter(|end| *end <= text.len()) else {
            // Not a slice of the text (an empty literal, for instance): only emptiness is surely clean.
            return if part.is_empty() { Self::default() } else { self.clone() };
        };
        let mut range = (start, end);
        for (from, to) in engine::placeholders(text) {
            if from < range.0 && range.0 < to {
                range.0 = to.min(range.1);
            }
            if from < range.1 && range.1 < to {
                range.1 = from.max(range.0);
            }
        }
        Self(text.get(range.0..range.1).unwrap_or_default().into())
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

/// What a text gave away by itself when it was learned.
#[derive(Debug, Default)]
pub struct Learned(Vec<Span>);

/// A replacement that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The kind in the placeholder.
    pub kind: &'static str,
    /// First byte in the text that was given.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The placeholder.
    pub placeholder: String,
}

/// Replaces secrets in text and counts what it replaced. Clones share what they know and count.
#[derive(Clone, Default)]
pub struct Redactor {
    settings: Arc<RedactionSettings>,
    custom: Arc<Vec<(&'static str, regex::Regex)>>,
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
    registry: Arc<Mutex<Registry>>,
    known: Arc<RwLock<known::Known>>,
}

impl std::fmt::Debug for Redactor {
    /// Leaves what is known out: it is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor that also knows the values of secret-like variables of `environment` and masks them
    /// wherever they occur.
    pub fn new(environment: &BTreeMap<String, String>) -> Self {
        let redactor = Self::default();
        redactor.know_environment(environment);
        redactor
    }

    /// Like [`Redactor::new`], with settings. The error names the pattern that is no regular expression.
    pub fn with_settings(
        environment: &BTreeMap<String, String>,
        settings: RedactionSettings,
    ) -> Result<Self, regex::Error> {
        let custom = settings
            .patterns
            .iter()
            .map(|(name, pattern)| Ok((kind::interned(name), regex::Regex::new(pattern)?)))
            .collect::<Result<Vec<_>, _>>()?;
        let redactor = Self { settings: Arc::new(settings), custom: Arc::new(custom), ..Self::default() };
        redactor.know_environment(environment);
        Ok(redactor)
    }

    /// A redactor for one run: it knows what this one knows and counts with it, but what it learns and how it
    /// numbers secrets stay with the run, so that the same run gives the same text whatever came before.
    #[must_use]
    pub fn for_run(&self) -> Self {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        Self { registry: Arc::default(), known: Arc::new(RwLock::new(known)), ..self.clone() }
    }

    /// This redactor with every kind on, whatever the settings turn off: for text that goes to a provider of
    /// models, which must pass through it even if it was redacted before.
    #[must_use]
    pub fn for_provider(&self) -> Self {
        let settings = RedactionSettings { off: BTreeSet::new(), ..(*self.settings).clone() };
        Self { settings: Arc::new(settings), ..self.clone() }
    }

    /// Masks the values of secret-like variables from now on.
    pub fn know_environment(&self, environment: &BTreeMap<String, String>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in environment {
            if let Some(kind) = names::secret_name(name)
                && value.len() >= known::SHORTEST
                && !claims::is_ordinary_value(value)
            {
                known.add(value, kind);
            }
        }
    }

    /// Masks the secrets of a `.env` file from now on.
    pub fn know_dotenv(&self, text: &str) {
        let environment = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("export ").unwrap_or(line.trim()).split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
            .collect();
        self.know_environment(&environment);
    }

    /// Masks the secrets of the `.env` files of `directory` (`.env`, `.env.local`, …) from now on. A file that
    /// cannot be read holds nothing that could be known.
    pub fn know_dotenv_files(&self, directory: &std::path::Path) {
        let Ok(entries) = std::fs::read_dir(directory) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_dotenv = name.to_str().is_some_and(|n| n == ".env" || n.starts_with(".env."));
            let small = entry.metadata().is_ok_and(|m| m.is_file() && m.len() <= 1 << 20);
            if is_dotenv
                && small
                && let Ok(text) = std::fs::read_to_string(entry.path())
            {
                self.know_dotenv(&text);
            }
        }
    }

    /// Collects the secrets of `text`, so that they are masked in every text of the run, also where they
    /// stand cut off or without context. Numbers secrets in the order in which they are learned; counts nothing.
    /// What it gives spares [`Self::learned_text`] the search.
    pub fn learn(&self, text: &str) -> Learned {
        if text.is_empty() {
            return Learned::default();
        }
        let own = self.own(text);
        let spans = self.with_known(text, own.clone());
        if !spans.is_empty() {
            let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
            for span in &spans {
                registry.number(span.secret(text), span.kind);
            }
        }
        Learned(own)
    }

    /// Redacts `text`, of which `learned` was learned. Gives what [`Self::text`] gives, without a copy where
    /// nothing is to be replaced.
    pub fn learned_text(&self, text: &Arc<str>, learned: Learned) -> Redacted {
        match self.with_known(text, learned.0) {
            spans if spans.is_empty() => Redacted(Arc::clone(text)),
            spans => self.replaced(text, &spans).0,
        }
    }

    /// As [`Self::learned_text`], with a copy.
    pub fn learned(&self, text: &str, learned: Learned) -> Redacted {
        if text.is_empty() {
            return Redacted::default();
        }
        self.replaced(text, &self.with_known(text, learned.0)).0
    }

    /// Redacts `text`. Idempotent: placeholders are left alone.
    pub fn text(&self, text: &str) -> Redacted {
        self.text_with_finds(text).0
    }

    /// Redacts each of `names`. Names of tests hardly ever hold a secret, so one look at all of them together mostly
    /// does.
    pub fn names<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Vec<Redacted> {
        let mut together = String::new();
        for name in names.clone() {
            together.push_str(name);
            together.push('\n');
        }
        if self.find(&together).is_empty() {
            return names.map(|name| Redacted(name.into())).collect();
        }
        names.map(|name| self.text(name)).collect()
    }

    /// Redacts `text` and says what was replaced.
    pub fn text_with_finds(&self, text: &str) -> (Redacted, Vec<Found>) {
        self.replaced(text, &self.find(text))
    }

    /// `text` with `spans` replaced, and what comes to light by that.
    fn replaced(&self, text: &str, spans: &[Span]) -> (Redacted, Vec<Found>) {
        if spans.is_empty() {
            return (Redacted(text.into()), Vec::new());
        }
        let (mut current, finds) = self.replace(text, spans);
        // What was replaced can bring other things into reach of a context; a few rounds settle it, over no
        // more than the lines around.
        let mut changed = around(&current, engine::placeholders(&current));
        for _ in 0..3 {
            let mut next = String::with_capacity(current.len());
            let mut from = 0;
            let mut again = Vec::new();
            for (start, end) in changed {
                next.push_str(&current[from..start]);
                let block = &current[start..end];
                let spans = self.find(block);
                if spans.is_empty() {
                    next.push_str(block);
                } else {
                    let mut begin = next.len();
                    let (replaced, finds) = self.replace(block, &spans);
                    next.push_str(&replaced);
                    // Where the new placeholders stand; quotes that some have come on top.
                    for found in finds {
                        // Longer secrets than placeholders make `begin` less than nothing.
                        let start = begin.wrapping_add(found.start);
                        let end = start.wrapping_add(found.placeholder.len());
                        again.push((start.min(next.len()), end.min(next.len())));
                        begin =
                            begin.wrapping_add(found.placeholder.len()).wrapping_sub(found.end - found.start);
                    }
                }
                from = end;
            }
            next.push_str(&current[from..]);
            current = next;
            if again.is_empty() {
                break;
            }
            changed = around(&current, again);
        }
        (Redacted(current.into()), finds)
    }

    /// Redacts the `repr` of the value of `name`: the name says as much as the text.
    pub fn value(&self, name: &str, repr: &str) -> Redacted {
        let start = name.len() + 3;
        let whole = self.text(&format!("{name} = {repr}"));
        match whole.as_str().get(start..) {
            Some(rest) if whole.as_str().starts_with(name) => Redacted(rest.into()),
            _ => self.text(repr),
        }
    }

    /// How many replacements of which kind have been made so far.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds all secrets of `text` and remembers them.
    fn find(&self, text: &str) -> Vec<Span> {
        self.with_known(text, self.own(text))
    }

    /// The secrets of `text` that it gives away by itself, whatever else is known; settled.
    fn own(&self, text: &str) -> Vec<Span> {
        let mut spans = engine::find(text, &self.settings);
        for (kind, pattern) in self.custom.iter() {
            for captures in pattern.captures_iter(text) {
                if let Some(found) = captures.get(1).or_else(|| captures.get(0)) {
                    spans.push(Span::new(found.start(), found.end(), kind, 9));
                }
            }
        }
        if spans.is_empty() { spans } else { engine::settle(text, spans, &self.settings) }
    }

    /// Remembers `spans`, the own secrets of `text`, and adds what is known of others.
    fn with_known(&self, text: &str, spans: Vec<Span>) -> Vec<Span> {
        if !spans.is_empty() {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            for span in &spans {
                let value = &text[span.start..span.end];
                let is_worth = || engine::is_worth_knowing(value, span.kind);
                match span.secret {
                    // Pieces of a value that was cut, which stand for it elsewhere too.
                    Some(secret) if is_worth() => known.add_piece(value, secret, span.kind),
                    None if known.meets(value) => {
                        if is_worth() {
                            known.add(value, span.kind);
                        }
                        for (value, kind) in inner::of(value, span.kind) {
                            known.add(&value, kind);
                        }
                    }
                    _ => {}
                }
            }
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return spans;
        }
        let mut all = spans;
        known.find(text.as_bytes(), &mut all);
        if all.is_empty() {
            return all;
        }
        engine::settle(text, all, &self.settings)
    }

    fn replace(&self, text: &str, spans: &[Span]) -> (String, Vec<Found>) {
        let mut output = String::with_capacity(text.len());
        let mut finds = Vec::with_capacity(spans.len());
        let mut from = 0;
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted: Vec<(&'static str, u64)> = Vec::new();
        for span in spans {
            let (kind, number) = registry.number(span.secret(text), span.kind);
            match counted.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => counted.push((kind, 1)),
            }
            let mut placeholder = String::with_capacity(PLACEHOLDER.len() + kind.len() + 8);
            placeholder.push_str(PLACEHOLDER);
            placeholder.push_str(kind);
            if number > 1 {
                let _ = write!(placeholder, "#{number}");
            }
            placeholder.push(']');
            output.push_str(&text[from..span.start]);
            if span.quote {
                let _ = write!(output, "\"{placeholder}\"");
            } else {
                output.push_str(&placeholder);
            }
            from = span.end;
            finds.push(Found { kind, start: span.start, end: span.end, placeholder });
        }
        output.push_str(&text[from..]);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, count) in counted {
            *counts.entry(kind.to_owned()).or_default() += count;
        }
        (output, finds)
    }
}

/// The lines of `places` with two lines before and after, of long lines only what is near, joined where they touch.
fn around(text: &str, places: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let mut blocks: Vec<(usize, usize)> = Vec::new();
    for (start, end) in places {
        if blocks.last().is_some_and(|last| end <= last.1) {
            continue;
        }
        let (from, to) = (lines_before(text, start), lines_after(text, end));
        match blocks.last_mut() {
            Some(last) if from <= last.1 => last.1 = to.max(last.1),
            _ => blocks.push((from, to)),
        }
    }
    blocks
}

/// How many bytes around a change can be in reach of its context.
const REACH: usize = 8 << 10;

/// The start of the second line before that of `at`, or a gap between words no nearer than [`REACH`].
fn lines_before(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut from = at;
    for _ in 0..3 {
        let limit = at.saturating_sub(REACH);
        let Some(line) = memchr::memrchr(b'\n', &bytes[limit..from.saturating_sub(1).max(limit)]) else {
            let gap = memchr::memrchr2(b' ', b'\n', &bytes[limit.saturating_sub(REACH)..limit]);
            let near = gap.map_or(limit.saturating_sub(REACH), |i| limit.saturating_sub(REACH) + i + 1);
            return text.floor_char_boundary(near);
        };
        from = limit + line + 1;
    }
    from
}

/// The end of the second line after that of `at`, or a gap between words no nearer than [`REACH`].
fn lines_after(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut to = at;
    for _ in 0..3 {
        let limit = bytes.len().min(at + REACH);
        let Some(line) = memchr::memchr(b'\n', &bytes[to.min(limit)..limit]) else {
            let end = bytes.len().min(limit + REACH);
            let near = memchr::memchr2(b' ', b'\n', &bytes[limit..end]).map_or(end, |i| limit + i);
            return text.ceil_char_boundary(near);
        };
        to += line + 1;
    }
    to
}

#[cfg(test)]
mod notation_tests;
#[cfg(test)]
mod tests;
