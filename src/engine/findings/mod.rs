//! What is shown in each file, computed from an analysis and the texts as they are now. No protocol types.

mod hints;
mod texts;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::job::Results;
use super::shift::LineMap;
use crate::analysis::parallel;
use crate::history::summary::Graded;
use crate::model::{FailureRecord, RelPath, Stability};
use crate::workspace::Config;
use crate::workspace::config::{ConfigProblem, DiagnosticSeverity, Surfaces};
use crate::workspace::source::SourceFile;
pub use texts::{Maps, Texts};
use texts::{span, squeeze};
use view::View;

/// Clusters that are looked at in one go where there are several processors.
const AT_ONCE: usize = 32;

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
    /// Adds what other clusters show in the same file, as if it had been made after this.
    fn add(&mut self, more: Self) {
        self.markers.extend(more.markers);
        for mark in more.tests {
            match self.tests.iter_mut().find(|known| known.span.line == mark.span.line) {
                Some(known) => {
                    known.tests.extend(mark.tests);
                    known.fingerprints.extend(mark.fingerprints);
                }
                None => self.tests.push(mark),
            }
        }
        for hint in more.hints {
            if !self.hints.iter().any(|known| known.span.line == hint.span.line) {
                self.hints.push(hint);
            }
        }
        self.notices.extend(more.notices);
    }

    /// Whether what is published as diagnostics is the same.
    pub fn same_diagnostics(&self, other: &Self) -> bool {
        self.markers == other.markers && self.notices == other.notices
    }

    /// Whether there is no diagnostic.
    pub fn no_diagnostics(&self) -> bool {
        self.markers.is_empty() && self.notices.is_empty()
    }
}

/// What is shown of one state of all texts, made where nobody waits for it.
#[derive(Debug)]
pub struct Prepared {
    /// What was looked at.
    pub results: Arc<Results>,
    /// The texts.
    pub texts: HashMap<RelPath, Option<Arc<SourceFile>>>,
    /// What the history said.
    pub graded: Option<Arc<Graded>>,
    /// The settings.
    pub config: Arc<Config>,
    /// What is shown.
    pub files: BTreeMap<RelPath, FileFindings>,
}

impl Prepared {
    /// Makes it.
    pub fn new(
        results: Arc<Results>,
        texts: HashMap<RelPath, Option<Arc<SourceFile>>>,
        graded: Option<Arc<Graded>>,
        config: Arc<Config>,
        maps: &Maps,
    ) -> Self {
        let all: Vec<usize> = (0..results.analysis.clusters.len()).collect();
        let some: Vec<&[usize]> = all.chunks(AT_ONCE).collect();
        let now = Texts::new(&results, &texts, maps);
        let made = parallel::map(&some, |clusters| {
            let clusters = clusters.iter().copied();
            part(&now, clusters, graded.as_deref(), config.surfaces, config.severity)
        });
        let mut files: BTreeMap<RelPath, FileFindings> = BTreeMap::new();
        for (path, more) in made.into_iter().flatten() {
            files.entry(path).or_default().add(more);
        }
        finish(&mut files);
        Self { results, texts, graded, config, files }
    }

    /// Whether it was made of these.
    pub fn is_of(&self, results: &Arc<Results>, graded: Option<&Arc<Graded>>, config: &Arc<Config>) -> bool {
        let same_grades = match (&self.graded, graded) {
            (Some(mine), Some(other)) => Arc::ptr_eq(mine, other),
            (None, None) => true,
            _ => false,
        };
        same_grades && Arc::ptr_eq(&self.results, results) && Arc::ptr_eq(&self.config, config)
    }

    /// The files whose text is another one by now.
    pub fn changed(&self, texts: &HashMap<RelPath, Option<Arc<SourceFile>>>) -> BTreeSet<RelPath> {
        let is_same = |path: &RelPath, now: &Option<Arc<SourceFile>>| match (self.texts.get(path), now) {
            (Some(Some(before)), Some(now)) => Arc::ptr_eq(before, now) || before.text() == now.text(),
            (Some(None), None) => true,
            _ => false,
        };
        texts.iter().filter(|(path, now)| !is_same(path, now)).map(|(path, _)| path.clone()).collect()
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
    let clusters = (0..texts.results.analysis.clusters.len()).filter(|index| wanted(*index));
    let mut files = part(texts, clusters, graded, surfaces, severity);
    finish(&mut files);
    files
}

/// The same of these clusters, not in order yet.
fn part(
    texts: &Texts<'_>,
    clusters: impl Iterator<Item = usize>,
    graded: Option<&Graded>,
    surfaces: Surfaces,
    severity: DiagnosticSeverity,
) -> BTreeMap<RelPath, FileFindings> {
    let mut files: BTreeMap<RelPath, FileFindings> = BTreeMap::new();
    let (all, stamps) = (&texts.results.analysis.clusters, &texts.results.stamps);
    for (cluster, stamps) in clusters.filter_map(|index| Some((all.get(index)?, stamps.get(index)?))) {
        let view = View { texts, graded, cluster, stamps };
        view.markers(surfaces, severity, &mut files);
        view.tests(&mut files);
        if surfaces.inlay_hints {
            view.hints(&mut files);
        }
    }
    files
}

/// Puts what is shown in its order.
fn finish(files: &mut BTreeMap<RelPath, FileFindings>) {
    for file in files.values_mut() {
        file.markers.sort_by(|a, b| {
            (a.span.line, a.role, &a.fingerprint).cmp(&(b.span.line, b.role, &b.fingerprint))
        });
        for mark in &mut file.tests {
            keep_first(&mut mark.tests);
            keep_first(&mut mark.fingerprints);
        }
        file.tests.sort_by_key(|t| t.span.line);
        file.hints.sort_by_key(|h| h.span.line);
    }
}

/// Leaves out what has come before.
fn keep_first(texts: &mut Vec<String>) {
    if texts.len() > 1 {
        let mut known = HashSet::with_capacity(texts.len());
        let is_first: Vec<bool> = texts.iter().map(|text| known.insert(text.as_str())).collect();
        let mut is_first = is_first.into_iter();
        texts.retain(|_| is_first.next().unwrap_or(true));
    }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::path::Path;

    use super::*;
    use crate::model::Fingerprint;
    use crate::system::System;
    use crate::workspace::Workspace;
    use crate::{analysis, front};

    #[test]
    fn what_is_made_in_parts_is_what_is_made_at_once() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let root = fixtures.join("suites/kinds");
        let config = Arc::new(Config::default());
        let system = System::fixed(std::time::UNIX_EPOCH, [], root.clone());
        let workspace = Arc::new(Workspace::new(root.clone(), Arc::clone(&config)));
        let run = front::read(&root, &fixtures.join("results/pytest9/kinds/main.xml")).unwrap();
        let options = front::analysis_options(&root, &config, &system);
        let one = analysis::analyze(front::gather(vec![run], Vec::new()), &workspace, &options);
        // Each cause many times over: on every line are causes of several parts.
        let mut results = Results { analysis: one.clone(), ..Results::default() };
        results.analysis.clusters = (0..10 * AT_ONCE)
            .map(|number| {
                let mut cluster = one.clusters[number % one.clusters.len()].clone();
                cluster.fingerprint = Fingerprint(format!("{number:064x}"));
                cluster
            })
            .collect();
        let clusters = &results.analysis.clusters;
        results.stamps = clusters.iter().map(|cluster| vec![0; cluster.failures.len()]).collect();
        let sites = clusters.iter().flat_map(crate::model::Cluster::sites);
        let texts: HashMap<_, _> =
            sites.map(|site| (site.place.path.clone(), workspace.source(&site.place.path))).collect();
        let (results, maps) = (Arc::new(results), Maps::default());
        let at_once = {
            let texts = Texts::new(&results, &texts, &maps);
            build(&texts, |_| true, None, config.surfaces, config.severity)
        };
        assert!(at_once.values().any(|file| file.tests.iter().any(|mark| mark.fingerprints.len() > 5)));
        let prepared = Prepared::new(Arc::clone(&results), texts, None, config, &maps);
        assert_eq!(prepared.files, at_once);
    }
}
