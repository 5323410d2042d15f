//! What is shown in each file, computed from an analysis and the texts as they are now. No protocol types.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::job::{BasisKey, Results};
use super::shift::LineMap;
use crate::model::{Cluster, FailureRecord, Place, Redacted, RelPath, Site, ValueRecord};
use crate::workspace::config::{ConfigProblem, DiagnosticSeverity, Surfaces};
use crate::workspace::source::SourceFile;

/// Most related places of one marker.
const MAX_RELATED: usize = 10;
/// Most characters of one value in a hint, and of the whole hint.
const MAX_VALUE: usize = 32;
const MAX_HINT: usize = 90;
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
    /// Raw test ids of its failing cases, for running them.
    pub tests: Vec<String>,
    /// Its clusters.
    pub fingerprints: Vec<String>,
    /// The first cluster's root cause.
    pub root_cause: String,
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

/// The texts of now beside those of the run.
pub struct Texts<'a> {
    results: &'a Results,
    current: &'a HashMap<RelPath, Option<Arc<SourceFile>>>,
    maps: &'a RefCell<MapCache>,
}

/// Line maps by basis, with the text they lead to.
pub type MapCache = HashMap<BasisKey, (Arc<str>, Arc<LineMap>)>;

struct Located {
    span: Span,
    stale: bool,
}

impl<'a> Texts<'a> {
    /// Puts them together.
    pub fn new(
        results: &'a Results,
        current: &'a HashMap<RelPath, Option<Arc<SourceFile>>>,
        maps: &'a RefCell<MapCache>,
    ) -> Self {
        Self { results, current, maps }
    }

    /// Where `place` of the run `stamp` is now; `None` if its file is gone. `seen` is the source line that the
    /// traceback showed there.
    fn locate(&self, stamp: u64, place: &Place, seen: Option<&str>) -> Option<Located> {
        let now = self.current.get(&place.path)?.as_ref()?;
        let key = (stamp, place.path.clone());
        let Some(basis) = self.results.bases.get(&key) else {
            return Some(Located { span: span(now, place.line, None), stale: false });
        };
        let (line, doubtful) = match seen {
            Some(seen) => settle(basis, place.line, seen),
            None => (place.line, place.line > basis.line_count()),
        };
        let map = self.map(key, basis, now.text());
        let (first, last) = basis
            .module()
            .enclosing_function(line)
            .map_or((line, line), |def| (def.start_line, def.end_line.max(line)));
        let stale = doubtful || !map.keeps(first, last);
        let here = map.line(line);
        let columns = place.columns.filter(|_| {
            line == place.line && basis.line(line).is_some() && basis.line(line) == now.line(here)
        });
        let columns =
            columns.map(|(start, end)| (start, if place.end_line == place.line { end } else { u32::MAX }));
        Some(Located { span: span(now, here, columns), stale })
    }

    fn map(&self, key: BasisKey, basis: &SourceFile, now: &Arc<str>) -> Arc<LineMap> {
        let mut maps = self.maps.borrow_mut();
        match maps.get(&key) {
            Some((text, map)) if Arc::ptr_eq(text, now) => Arc::clone(map),
            _ => {
                let map = Arc::new(LineMap::between(basis.text(), now));
                maps.insert(key, (Arc::clone(now), Arc::clone(&map)));
                map
            }
        }
    }
}

/// The line of `basis` that the traceback's source line `seen` stands on, starting from the line it named, and
/// whether it cannot be found: then the file was changed after the run and before it was first read here.
fn settle(basis: &SourceFile, line: u32, seen: &str) -> (u32, bool) {
    let wanted = squeeze(seen);
    if wanted.is_empty() || wanted.contains("[REDACTED") {
        return (line, line > basis.line_count());
    }
    let is_at = |at: u32| basis.line(at).is_some_and(|text| squeeze(text) == wanted);
    if is_at(line) {
        return (line, false);
    }
    // The nearest line with that text; of two equally near ones neither can be trusted.
    let mut nearest: Option<(u32, u32)> = None;
    let mut tie = false;
    for at in (1..=basis.line_count()).filter(|&at| is_at(at)) {
        let distance = at.abs_diff(line);
        match nearest {
            Some((best, _)) if best < distance => {}
            Some((best, _)) if best == distance => tie = true,
            _ => (nearest, tie) = (Some((distance, at)), false),
        }
    }
    match nearest {
        Some((_, at)) if !tie => (at, false),
        _ => (line, true),
    }
}

fn squeeze(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The given columns of a line, or the line without its margins.
fn span(source: &SourceFile, line: u32, columns: Option<(u32, u32)>) -> Span {
    let line = line.clamp(1, source.line_count().max(1));
    let text = source.line(line).unwrap_or_default();
    let length = text.chars().count() as u32 + 1;
    let first = text.chars().take_while(|c| c.is_whitespace()).count() as u32 + 1;
    let trimmed = text.trim_end().chars().count() as u32 + 1;
    let columns = match columns {
        Some((start, end)) if start < length => (start, end.min(trimmed.max(start))),
        _ => (first.min(trimmed), trimmed),
    };
    Span { line, columns, text: text.into() }
}

/// What is shown, per file.
pub fn build(
    texts: &Texts<'_>,
    surfaces: Surfaces,
    severity: DiagnosticSeverity,
) -> BTreeMap<RelPath, FileFindings> {
    let mut files: BTreeMap<RelPath, FileFindings> = BTreeMap::new();
    for (cluster, stamps) in texts.results.analysis.clusters.iter().zip(&texts.results.stamps) {
        let view = View { texts, cluster, stamps };
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

/// One cluster with the stamps of its failures' results.
struct View<'a> {
    texts: &'a Texts<'a>,
    cluster: &'a Cluster,
    stamps: &'a [u64],
}

impl View<'_> {
    fn failures(&self) -> impl Iterator<Item = (&FailureRecord, u64)> {
        self.cluster.failures.iter().zip(self.stamps.iter().copied())
    }

    fn culprit(&self) -> Option<&Site> {
        self.cluster.culprits.first().map(|c| &c.site)
    }

    fn markers(
        &self,
        surfaces: Surfaces,
        severity: DiagnosticSeverity,
        files: &mut BTreeMap<RelPath, FileFindings>,
    ) {
        // Cases of one test that fail on the same line are one marker.
        let mut by_place: BTreeMap<(&RelPath, u32), Vec<(&FailureRecord, u64)>> = BTreeMap::new();
        for (failure, stamp) in self.failures() {
            if let Some(site) = failure.failing.as_ref().or(failure.definition.as_ref()) {
                by_place.entry((&site.place.path, site.place.line)).or_default().push((failure, stamp));
            }
        }
        let culprit = self.culprit();
        let on_test = culprit.is_some_and(|site| by_place.contains_key(&(&site.place.path, site.place.line)));
        if surfaces.test_diagnostics {
            for failures in by_place.values() {
                if let Some((path, marker)) = self.test_marker(failures, severity) {
                    files.entry(path).or_default().markers.push(marker);
                }
            }
        }
        if let Some(site) = culprit.filter(|_| surfaces.culprit_diagnostics)
            && !(on_test && surfaces.test_diagnostics)
            && let Some(marker) = self.culprit_marker(site, &by_place, severity)
        {
            files.entry(site.place.path.clone()).or_default().markers.push(marker);
        }
    }

    fn test_marker(
        &self,
        failures: &[(&FailureRecord, u64)],
        severity: DiagnosticSeverity,
    ) -> Option<(RelPath, Marker)> {
        let (first, stamp) = *failures.first()?;
        let site = first.failing.as_ref().or(first.definition.as_ref())?;
        let found = self.texts.locate(stamp, &site.place, seen(first, &site.place))?;
        let mut message = one_line(self.cluster.diagnosis.root_cause.as_str());
        let exception = exception_line(first);
        if !exception.is_empty() && !message.contains(&exception) {
            let _ = write!(message, "\n{exception}");
        }
        if failures.len() > 1 {
            let _ = write!(message, "\n{} cases fail here", failures.len());
        }
        let mut related = Vec::new();
        if let Some(culprit) =
            self.culprit().filter(|c| c.place.path != site.place.path || c.place.line != site.place.line)
        {
            self.relate(&mut related, stamp, culprit, first, "suspected cause");
        }
        self.relate_frames(&mut related, first, stamp, &[&site.place]);
        Some((site.place.path.clone(), self.marker(Role::Test, found, failures, severity, message, related)))
    }

    fn culprit_marker(
        &self,
        site: &Site,
        by_place: &BTreeMap<(&RelPath, u32), Vec<(&FailureRecord, u64)>>,
        severity: DiagnosticSeverity,
    ) -> Option<Marker> {
        let (representative, stamp) = self.failures().next()?;
        let found = self.texts.locate(stamp, &site.place, seen(representative, &site.place))?;
        let mut message = one_line(self.cluster.diagnosis.root_cause.as_str());
        let tests = self.tests_of_cluster();
        let _ = match tests.as_slice() {
            [only] => write!(message, "\nmakes {} fail", one_line(only.as_str())),
            [first, rest @ ..] => {
                write!(message, "\nmakes {} and {} more fail", one_line(first.as_str()), rest.len())
            }
            [] => Ok(()),
        };
        let mut related = Vec::new();
        for failures in by_place.values().take(MAX_RELATED / 2) {
            let (failure, stamp) = failures[0];
            if let Some(site) = failure.failing.as_ref().or(failure.definition.as_ref()) {
                let what = format!("{} fails here", one_line(failure.test.as_str()));
                self.relate(&mut related, stamp, site, failure, &what);
            }
        }
        self.relate_frames(&mut related, representative, stamp, &[&site.place]);
        let all: Vec<_> = self.failures().collect();
        Some(self.marker(Role::Culprit, found, &all, severity, message, related))
    }

    fn marker(
        &self,
        role: Role,
        found: Located,
        failures: &[(&FailureRecord, u64)],
        severity: DiagnosticSeverity,
        mut message: String,
        related: Vec<Related>,
    ) -> Marker {
        if found.stale {
            message.push_str("\nstale: the code here has changed since the run");
        }
        Marker {
            role,
            span: found.span,
            fingerprint: self.cluster.fingerprint.0.clone(),
            failures: failures.iter().map(|(f, _)| f.id.0.clone()).collect(),
            category: self.cluster.diagnosis.category.name(),
            severity: if found.stale { doubted(severity) } else { severity },
            message,
            related,
            stale: found.stale,
        }
    }

    fn relate(
        &self,
        related: &mut Vec<Related>,
        stamp: u64,
        site: &Site,
        failure: &FailureRecord,
        what: &str,
    ) {
        let Some(found) = self.texts.locate(stamp, &site.place, seen(failure, &site.place)) else { return };
        let known = related.iter().any(|r| r.path == site.place.path && r.span.line == found.span.line);
        if !known && related.len() < MAX_RELATED {
            let message = what.to_owned();
            related.push(Related { path: site.place.path.clone(), span: found.span, message });
        }
    }

    /// The project's frames of the last exception, in the order of the calls.
    fn relate_frames(
        &self,
        related: &mut Vec<Related>,
        failure: &FailureRecord,
        stamp: u64,
        except: &[&Place],
    ) {
        for frame in failure.frames.iter().filter(|f| f.in_project) {
            let Some(site) = &frame.site else { continue };
            if except.iter().any(|p| p.path == site.place.path && p.line == site.place.line) {
                continue;
            }
            let function = frame.function.as_ref().or(site.function.as_ref());
            let what = function.map_or_else(
                || "on the way to the failure".to_owned(),
                |name| format!("in {}", one_line(name.as_str())),
            );
            self.relate(related, stamp, site, failure, &what);
        }
    }

    fn tests_of_cluster(&self) -> Vec<&Redacted> {
        let mut known = HashSet::new();
        self.cluster.failures.iter().map(|f| &f.test).filter(|t| known.insert(*t)).collect()
    }

    fn tests(&self, files: &mut BTreeMap<RelPath, FileFindings>) {
        for (failure, stamp) in self.failures() {
            let Some(site) = &failure.definition else { continue };
            let Some(found) = self.texts.locate(stamp, &site.place, None) else { continue };
            let tests = &mut files.entry(site.place.path.clone()).or_default().tests;
            let id = failure.test_id.as_str();
            let fingerprint = &self.cluster.fingerprint.0;
            match tests.iter_mut().find(|t| t.span.line == found.span.line) {
                Some(mark) => {
                    if !mark.tests.iter().any(|t| t == id) {
                        mark.tests.push(id.to_owned());
                    }
                    if !mark.fingerprints.contains(fingerprint) {
                        mark.fingerprints.push(fingerprint.clone());
                    }
                }
                None => tests.push(TestMark {
                    span: found.span,
                    tests: vec![id.to_owned()],
                    fingerprints: vec![fingerprint.clone()],
                    root_cause: one_line(self.cluster.diagnosis.root_cause.as_str()),
                }),
            }
        }
    }

    fn hints(&self, files: &mut BTreeMap<RelPath, FileFindings>) {
        let mut cases: HashMap<(RelPath, u32), usize> = HashMap::new();
        for (failure, stamp) in self.failures() {
            let mut by_site: Vec<(&Site, Vec<&ValueRecord>)> = Vec::new();
            for value in &failure.values {
                let Some(site) = value.site.as_ref().or(failure.failing.as_ref()) else { continue };
                match by_site.iter_mut().find(|(s, _)| s.place == site.place) {
                    Some((_, values)) => values.push(value),
                    None => by_site.push((site, vec![value])),
                }
            }
            for (site, values) in by_site {
                let count = cases.entry((site.place.path.clone(), site.place.line)).or_default();
                *count += 1;
                // The first case speaks for the line; a line with values of twenty cases helps nobody.
                if *count > 1 {
                    continue;
                }
                let Some(found) = self.texts.locate(stamp, &site.place, seen(failure, &site.place)) else {
                    continue;
                };
                let hints = &mut files.entry(site.place.path.clone()).or_default().hints;
                if found.stale || hints.iter().any(|h| h.span.line == found.span.line) {
                    continue;
                }
                hints.push(Hint { label: label(&values), values: pairs(&values), span: found.span });
            }
        }
    }
}

fn seen<'a>(failure: &'a FailureRecord, place: &Place) -> Option<&'a str> {
    let at = |site: &Site| site.place.path == place.path && site.place.line == place.line;
    failure
        .frames
        .iter()
        .rev()
        .find(|f| f.site.as_ref().is_some_and(at))
        .and_then(|f| f.source.as_ref())
        .map(Redacted::as_str)
}

fn pairs(values: &[&ValueRecord]) -> Vec<(String, String)> {
    values.iter().map(|v| (one_line(v.name.as_str()), one_line(v.repr.as_str()))).collect()
}

fn label(values: &[&ValueRecord]) -> String {
    let mut label = String::new();
    for (name, repr) in pairs(values) {
        let part = format!("{} = {}", cut(&name, MAX_VALUE), cut(&repr, MAX_VALUE));
        if !label.is_empty() && label.chars().count() + part.chars().count() > MAX_HINT {
            label.push_str(", …");
            break;
        }
        if !label.is_empty() {
            label.push_str(", ");
        }
        label.push_str(&part);
    }
    label
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

/// How a finding is shown that may no longer hold: as information at most.
fn doubted(severity: DiagnosticSeverity) -> DiagnosticSeverity {
    match severity {
        DiagnosticSeverity::Hint => DiagnosticSeverity::Hint,
        _ => DiagnosticSeverity::Information,
    }
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
