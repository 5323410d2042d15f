//! What a model is told of one cause: numbered pieces of evidence, each redacted for providers, and what the rules
//! think. The same pieces are what its answer is checked against.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest as _, Sha256};

use crate::cluster::fingerprint::hex;
use crate::evidence::preprocess;
use crate::evidence::redact::Redactor;
use crate::model::{Cluster, FailureRecord, Phase, Redacted, RelPath, Site};
use crate::workspace::{SourceFile, Workspace};

/// Most values, and most characters of one.
const MAX_VALUES: usize = 30;
const MAX_VALUE: usize = 600;
/// Most characters of a line of source.
const MAX_LINE: usize = 300;
/// Most other tests that are named.
const MAX_TESTS: usize = 10;
/// Most suspected places that are named of the rules.
const MAX_SUSPECTS: usize = 5;

/// How much a model is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Most pieces of source.
    extracts: usize,
    /// Lines before and after a place, where its function is longer than twice that.
    around: u32,
    /// Most characters of the log, besides the setting.
    log: usize,
}

impl Size {
    /// For models with a large context.
    pub const FULL: Self = Self { extracts: 12, around: 30, log: usize::MAX };
    /// For small local models, whose context is small too.
    pub const SMALL: Self = Self { extracts: 4, around: 12, log: 4000 };
}

/// A piece of evidence.
#[derive(Debug, Clone)]
pub struct Piece {
    /// `E1`, `E2`, …
    pub id: String,
    /// What it is, e.g. `source of src/route.py, lines 40 to 62`.
    pub title: Redacted,
    /// The text as it is sent.
    pub text: Redacted,
    /// The place that it shows.
    pub site: Option<Site>,
    /// For source: the file and the lines.
    pub lines: Option<(RelPath, RangeInclusive<u32>)>,
}

/// All that a model is told of one cause.
#[derive(Debug, Clone)]
pub struct Dossier {
    /// The evidence.
    pub pieces: Vec<Piece>,
    /// What the rules think, a line each, without numbers.
    pub hypotheses: Vec<Redacted>,
    /// Identity of what is told, without what changes from run to run (times, addresses, temporary folders).
    pub digest: String,
    /// A word that occurs nowhere in it, for fences around the pieces.
    pub fence: String,
}

impl Dossier {
    /// What is to be told of `cluster`. `redactor` is the one of the run; `max_log` is in characters.
    pub fn new(
        cluster: &Cluster,
        workspace: &Workspace,
        redactor: &Redactor,
        max_log: usize,
        size: Size,
    ) -> Self {
        let redactor = redactor.for_provider();
        let mut maker = Maker { workspace, redactor: &redactor, size, pieces: Vec::new() };
        if let Some(failure) = cluster.failures.first() {
            maker.failure(cluster, failure);
            maker.values(failure);
            maker.sources(cluster, failure);
            maker.log(failure, max_log);
        }
        let pieces = maker.pieces;
        let hypotheses = hypotheses(cluster).iter().map(|text| redactor.text(text)).collect();
        let mut dossier = Self { pieces, hypotheses, digest: String::new(), fence: String::new() };
        let all = dossier.all();
        dossier.digest = hex(&Sha256::digest(lasting(&all).as_bytes()));
        dossier.fence = fence(&all);
        dossier
    }

    /// Everything that is told, in one piece.
    pub fn all(&self) -> String {
        let mut all = String::new();
        for piece in &self.pieces {
            let _ = writeln!(all, "{} {}\n{}", piece.id, piece.title, piece.text);
        }
        for hypothesis in &self.hypotheses {
            let _ = writeln!(all, "{hypothesis}");
        }
        all
    }

    /// The piece with this number, in any case.
    pub fn piece(&self, id: &str) -> Option<&Piece> {
        self.pieces.iter().find(|piece| piece.id.eq_ignore_ascii_case(id.trim()))
    }

    /// The pieces that show lines of a file of the workspace.
    pub fn sources(&self) -> impl Iterator<Item = (&Piece, &RelPath, &RangeInclusive<u32>)> {
        self.pieces.iter().filter_map(|piece| piece.lines.as_ref().map(|(path, lines)| (piece, path, lines)))
    }
}

struct Maker<'a> {
    workspace: &'a Workspace,
    redactor: &'a Redactor,
    size: Size,
    pieces: Vec<Piece>,
}

impl Maker<'_> {
    fn add(
        &mut self,
        title: &str,
        text: &str,
        site: Option<Site>,
        lines: Option<(RelPath, RangeInclusive<u32>)>,
    ) {
        let piece = Piece {
            id: format!("E{}", self.pieces.len() + 1),
            title: self.redactor.text(title),
            text: self.redactor.text(text.trim_end()),
            site,
            lines,
        };
        self.pieces.push(piece);
    }

    fn failure(&mut self, cluster: &Cluster, failure: &FailureRecord) {
        let phase = match failure.phase {
            Phase::Collect => "collect",
            Phase::Setup => "setup",
            Phase::Call => "call",
            Phase::Teardown => "teardown",
        };
        let mut text = format!("test: {}\nphase: {phase}\n", failure.test);
        if let Some(site) = &failure.failing {
            let _ = writeln!(text, "fails at: {}:{}", site.path, site.place.line);
        }
        if !failure.exception.is_empty() {
            let _ = writeln!(text, "exception: {}", failure.exception);
        }
        if !failure.message.is_empty() {
            let _ = writeln!(text, "message:\n{}", failure.message);
        }
        let mut others: Vec<&str> = cluster.failures.iter().skip(1).map(|f| f.test.as_str()).collect();
        others.dedup();
        if !others.is_empty() {
            let _ = writeln!(
                text,
                "{} more failures with the same cause, among them:",
                cluster.failures.len() - 1
            );
            for test in others.iter().take(MAX_TESTS) {
                let _ = writeln!(text, "- {test}");
            }
        }
        self.add("the failure", &text, failure.failing.clone().or_else(|| failure.definition.clone()), None);
    }

    fn values(&mut self, failure: &FailureRecord) {
        let mut text = String::new();
        if let Some(comparison) = &failure.comparison {
            let _ = writeln!(
                text,
                "the assertion compares {} {} {}",
                cut(comparison.left.as_str(), MAX_VALUE),
                comparison.operator,
                cut(comparison.right.as_str(), MAX_VALUE)
            );
        }
        for value in failure.values.iter().take(MAX_VALUES) {
            let _ = writeln!(text, "{} = {}", value.name, cut(value.repr.as_str(), MAX_VALUE));
        }
        if !text.is_empty() {
            let site = failure.values.iter().find_map(|value| value.site.clone());
            self.add("values at the failure", &text, site, None);
        }
    }

    /// The functions that the failure went through and those that are suspected, nearest to the failure first.
    fn sources(&mut self, cluster: &Cluster, failure: &FailureRecord) {
        let frames = failure.frames.iter().filter(|f| f.in_project).filter_map(|f| f.site.as_ref());
        // Those of the last exception come first, outermost call first; the deepest tells most.
        let frames: Vec<&Site> = frames.collect();
        let places = frames
            .iter()
            .rev()
            .copied()
            .chain(cluster.culprits.iter().take(MAX_SUSPECTS).map(|culprit| &culprit.site))
            .chain(cluster.diagnosis.evidence.iter().filter_map(|item| item.site.as_ref()))
            .chain(failure.failing.as_ref())
            .chain(failure.definition.as_ref());
        let mut ranges: Vec<(RelPath, RangeInclusive<u32>, Site)> = Vec::new();
        let mut marks: BTreeMap<RelPath, Vec<u32>> = BTreeMap::new();
        for site in places {
            let (path, line) = (&site.place.path, site.place.line);
            let Some(source) = self.workspace.source(path).filter(|source| line <= source.line_count())
            else {
                continue;
            };
            if site.path.as_str() != path.as_str() {
                // A path with a secret in it can neither be named nor found again.
                continue;
            }
            let lines = marks.entry(path.clone()).or_default();
            if !lines.contains(&line) {
                lines.push(line);
            }
            let covered = ranges.iter().any(|(known, range, _)| known == path && range.contains(&line));
            if !covered && ranges.len() < self.size.extracts {
                ranges.push((path.clone(), self.around(&source, line), site.clone()));
            }
        }
        for (path, range, site) in ranges {
            let Some(source) = self.workspace.source(&path) else { continue };
            let marked = marks.get(&path).map(Vec::as_slice).unwrap_or_default();
            let mut text = String::new();
            for line in range.clone() {
                let mark = if marked.contains(&line) { '>' } else { ' ' };
                let _ = writeln!(
                    text,
                    "{mark}{line:>4}| {}",
                    cut(source.line(line).unwrap_or_default(), MAX_LINE)
                );
            }
            let title =
                format!("source of {path}, lines {} to {}", range.start(), range.end(), path = path.as_str());
            self.add(&title, &text, Some(site), Some((path, range)));
        }
    }

    /// The function around `line` if it is not too long, else the lines around it.
    fn around(&self, source: &SourceFile, line: u32) -> RangeInclusive<u32> {
        let around = self.size.around;
        let last = source.line_count();
        match source.module().enclosing_function(line) {
            Some(def) if def.end_line - def.start_line <= 2 * around => {
                def.start_line..=def.end_line.min(last)
            }
            Some(def) => {
                line.saturating_sub(around).max(def.start_line)..=(line + around).min(def.end_line).min(last)
            }
            None => line.saturating_sub(around).max(1)..=(line + around).min(last),
        }
    }

    fn log(&mut self, failure: &FailureRecord, max_log: usize) {
        let log = preprocess::preprocess(&failure.log, max_log.min(self.size.log));
        if !log.as_str().trim().is_empty() {
            self.add("what pytest printed", log.as_str(), None, None);
        }
    }
}

/// What the rules and the search for the culprit say, as guesses to be tried.
fn hypotheses(cluster: &Cluster) -> Vec<String> {
    let diagnosis = &cluster.diagnosis;
    let mut all = Vec::new();
    if diagnosis.confidence > 0.0 {
        all.push(format!(
            "{:.0} %, {}: {}",
            diagnosis.confidence * 100.0,
            diagnosis.category.name(),
            diagnosis.root_cause
        ));
    }
    for culprit in cluster.culprits.iter().take(MAX_SUSPECTS) {
        let site = &culprit.site;
        let function = site.function.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let reasons: Vec<&str> = culprit.reasons.iter().map(Redacted::as_str).take(3).collect();
        all.push(format!("suspected: {}:{}{function} ({})", site.path, site.place.line, reasons.join("; ")));
    }
    all
}

/// `text` cut after `most` characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// `text` without what differs between two runs of the same code: object addresses, times, durations, temporary
/// folders and random identifiers.
fn lasting(text: &str) -> String {
    static VARYING: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"0x[0-9a-fA-F]+",
            r"|\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z|[+-]\d\d:?\d\d)?)?",
            r"|\b\d\d:\d\d:\d\d([.,]\d+)?",
            r"|\b\d+(\.\d+)? ?(s|ms|seconds|sec)\b",
            r"|(/private)?/(tmp|var/folders)/[^\s'\x22:,)\]]+",
            r"|\bpytest-(of-\w+|\d+)\b",
            r"|\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b",
        ))
        .ok()
    });
    match &*VARYING {
        Some(varying) => varying.replace_all(text, "~").into_owned(),
        None => text.to_owned(),
    }
}

/// A short word that is not in `text` and cannot be guessed by who wrote a part of it.
fn fence(text: &str) -> String {
    const LENGTH: usize = 6;
    for salt in 0_u32.. {
        let mut hasher = Sha256::new();
        hasher.update(salt.to_le_bytes());
        hasher.update(text.as_bytes());
        let word: String =
            hasher.finalize()[..LENGTH].iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        if !text.contains(&word) {
            return word;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_between_runs_is_no_part_of_the_digest() {
        let rows = [
            ("<Cart object at 0x7f00aa>", "<Cart object at 0x7f11bb>", true),
            (
                "tmp_path = /tmp/pytest-of-a/pytest-3/test_x0",
                "tmp_path = /tmp/pytest-of-b/pytest-12/test_x0",
                true,
            ),
            ("2026-01-02 10:11:12,333 INFO x", "2026-03-04 11:12:13,444 INFO x", true),
            ("took 0.31s", "took 1.2s", true),
            ("assert 100 == 119", "assert 100 == 120", false),
            ("E   KeyError: 'a'", "E   KeyError: 'b'", false),
            ("version 1.2.3", "version 1.2.4", false),
        ];
        for (a, b, same) in rows {
            assert_eq!(lasting(a) == lasting(b), same, "{a} / {b}");
        }
    }

    #[test]
    fn a_fence_is_not_in_the_text() {
        for text in ["", "abcd", "x".repeat(1000).as_str()] {
            assert!(!text.contains(&fence(text)));
            assert_eq!(fence(text).len(), 6);
        }
    }
}
