//! What is shown in each file, computed from an analysis and the texts as they are now. No protocol types.

mod hints;
mod texts;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shift::LineMap;
use crate::history::summary::Graded;
use crate::model::{FailureRecord, RelPath, Stability};
use crate::workspace::config::{ConfigProblem, DiagnosticSeverity, Surfaces};
use crate::workspace::source::SourceFile;
pub use texts::{MapCache, Texts};
use texts::{span, squeeze};
use view::View;

/// A part of one line, with the line's text so that columns can be converted to any encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The line, from 1.
    pub line: u32,
    /// First and one-past-last column, from 1 in Unicode scalar values.
    pub columns: (u32, u32),
    /// The line's text now.
    pub text: Arc<str>,
}

/// What a marker marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The failing line of a test.
    Test,
    /// The line that is suspected to be the cause.
    Culprit,
}

/// A place that belongs to a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The file.
    pub path: RelPath,
    /// Where in it.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// One finding in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// What it marks.
    pub role: Role,
    /// Where.
    pub span: Span,
    /// The cluster.
    pub fingerprint: String,
    /// The failures of the cluster that it stands for: all of them for a culprit.
    pub failures: Vec<String>,
    /// The category's name.
    pub category: &'static str,
    /// How it is shown.
    pub severity: DiagnosticSeverity,
    /// The root cause on the first line, then what failed.
    pub message: String,
    /// The culprit or the tests, and the frames between.
    pub related: Vec<Related>,
    /// Whether the code has changed since the run in a way that makes the finding doubtful.
    pub stale: bool,
}

/// The definition of a test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestMark {
    /// The line of its `def`.
    pub span: Span,
    /// Test ids of its failing cases as they may be shown: they go to the client and come back to run them.
    pub tests: Vec<String>,
    /// Its clusters.
    pub fingerprints: Vec<String>,
    /// The first cluster's root cause.
    pub root_cause: String,
    /// What the history says of the first case, in short; empty if it knows nothing.
    pub stability: String,
}

/// Values at a failing line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The line.
    pub span: Span,
    /// Short text.
    pub label: String,
    /// All values, one per line: name and repr.
    pub values: Vec<(String, String)>,
}

/// A setting that could not be used, on its line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The line.
    pub span: Span,
    /// What is wrong.
    pub message: String,
}

/// Everything that is shown in one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileFindings {
    /// Findings, by line.
    pub markers: Vec<Marker>,
    /// Failing tests, by line.
    pub tests: Vec<TestMark>,
    /// Values, by line.
    pub hints: Vec<Hint>,
    /// Configuration problems.
    pub notices: Vec<Notice>,
}

impl FileFindings {
    /// Whether what is published as diagnostics is the same.
    pub fn same_diagnostics(&self, other: &Self) -> bool {
        self.markers == other.markers && self.notices == other.notices
    }

    /// Whether there is no diagnostic.
    pub fn no_diagnostics(&self) -> bool {
        self.markers.is_empty() && self.notices.is_empty()
    }
}

/// What is shown, per file, of the clusters that `wanted` says (by their index).
pub fn build(
    texts: &Texts<'_>,
    wanted: impl Fn(usize) -> bool,
    graded: Option<&Graded>,
    surfaces: Surfaces,
    severity: DiagnosticSeverity,
) -> BTreeMap<RelPath, FileFindings> {
    let mut files: BTreeMap<RelPath, FileFindings> = BTreeMap::new();
    let clusters = texts.results.analysis.clusters.iter().zip(&texts.results.stamps);
    for (_, (cluster, stamps)) in clusters.enumerate().filter(|(index, _)| wanted(*index)) {
        let view = View { texts, graded, cluster, stamps };
        view.markers(surfaces, severity, &mut files);
        view.tests(&mut files);
        if surfaces.inlay_hints {
            view.hints(&mut files);
        }
    }
    for file in files.values_mut() {
        file.markers.sort_by(|a, b| {
            (a.span.line, a.role, &a.fingerprint).cmp(&(b.span.line, b.role, &b.fingerprint))
        });
        file.tests.sort_by_key(|t| t.span.line);
        file.hints.sort_by_key(|h| h.span.line);
    }
    files
}

/// Notices for the problems of a configuration file.
pub fn notices(problems: &[ConfigProblem], basis: &str, now: &SourceFile) -> Vec<Notice> {
    let map = LineMap::between(basis, now.text());
    problems
        .iter()
        .filter_map(|problem| {
            let line = problem.line?;
            Some(Notice { span: span(now, map.line(line), None), message: problem.message.clone() })
        })
        .collect()
}

/// The exception's type and the first line of its message.
pub fn exception_line(failure: &FailureRecord) -> String {
    let message = failure.message.as_str().lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
    let exception = failure.exception.as_str();
    let line = match (exception.is_empty(), message.is_empty()) {
        (false, false) if message.starts_with(exception) => message.to_owned(),
        (false, false) => format!("{exception}: {message}"),
        (false, true) => exception.to_owned(),
        (true, _) => message.to_owned(),
    };
    cut(&one_line(&line), 300)
}

/// What a lens says of a test's stability: grade, strip, verdict.
pub fn stability_label(stability: &Stability) -> String {
    use crate::model::{Grade, Verdict};
    let grade = match stability.grade {
        Grade::Ungraded => String::new(),
        grade => format!("{grade} "),
    };
    let verdict = match stability.verdict {
        Verdict::Unknown => String::new(),
        verdict => format!(" {verdict}"),
    };
    // A lens has little room: the newest ten.
    let strip = stability.strip();
    let newest = strip.chars().count().saturating_sub(10);
    format!("{grade}{}{verdict}", strip.chars().skip(newest).collect::<String>())
}

/// `text` on one line, without control characters.
pub fn one_line(text: &str) -> String {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    squeeze(&visible)
}

/// At most `max` characters of `text`.
pub fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
