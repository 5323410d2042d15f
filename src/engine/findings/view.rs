//! What one cluster shows: its findings, and the tests that it makes fail.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use super::texts::{Located, Texts};
use super::{FileFindings, Marker, Related, Role, TestMark, exception_line, one_line, stability_label};
use crate::history::summary::Graded;
use crate::model::{Cluster, FailureRecord, Place, Redacted, RelPath, Site, Stability, Verdict};
use crate::workspace::config::{DiagnosticSeverity, Surfaces};

/// Most other suspects shown beside the first.
const MAX_SUSPECTS: usize = 4;
/// Most related places of one marker.
const MAX_RELATED: usize = 10;

/// One cluster with the stamps of its failures' results.
pub(super) struct View<'a> {
    pub(super) texts: &'a Texts<'a>,
    pub(super) graded: Option<&'a Graded>,
    pub(super) cluster: &'a Cluster,
    pub(super) stamps: &'a [u64],
}

impl View<'_> {
    pub(super) fn failures(&self) -> impl Iterator<Item = (&FailureRecord, u64)> {
        self.cluster.failures.iter().zip(self.stamps.iter().copied())
    }

    fn culprit(&self) -> Option<&Site> {
        self.cluster.culprits.first().map(|c| &c.site)
    }

    pub(super) fn markers(
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
        for other in self.cluster.culprits.iter().skip(1).take(MAX_SUSPECTS) {
            let what = format!("also suspect ({:.0} %)", other.score * 100.0);
            self.relate(&mut related, stamp, &other.site, representative, &what);
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
        let mut severity = severity;
        if let Some(stability) = self.instability(failures) {
            // Writing to a string cannot fail.
            let _ = write!(
                message,
                "\n{}: {}",
                stability.verdict.to_string().to_lowercase(),
                stability.sentence()
            );
            if stability.verdict.is_flaky() {
                severity = lower(severity);
            }
        }
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

    /// The stability of the first of these tests, if all of them are flaky, or all fail by their order.
    fn instability(&self, failures: &[(&FailureRecord, u64)]) -> Option<&Stability> {
        let graded = self.graded?;
        let kind = |s: &Stability| (s.verdict.is_flaky(), s.verdict == Verdict::OrderDependent);
        let first = graded.test(&failures.first()?.0.test).filter(|s| kind(s) != (false, false))?;
        let alike = |f: &FailureRecord| graded.test(&f.test).is_some_and(|s| kind(s) == kind(first));
        failures.iter().all(|(failure, _)| alike(failure)).then_some(first)
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

    pub(super) fn tests(&self, files: &mut BTreeMap<RelPath, FileFindings>) {
        for (failure, stamp) in self.failures() {
            let Some(site) = &failure.definition else { continue };
            let Some(found) = self.texts.locate(stamp, &site.place, None) else { continue };
            let tests = &mut files.entry(site.place.path.clone()).or_default().tests;
            let id = failure.test.as_str();
            let fingerprint = &self.cluster.fingerprint.0;
            match tests.iter_mut().find(|t| t.span.line == found.span.line) {
                // What is in it twice goes at the end.
                Some(mark) => {
                    mark.tests.push(id.to_owned());
                    if mark.fingerprints.last() != Some(fingerprint) {
                        mark.fingerprints.push(fingerprint.clone());
                    }
                }
                None => tests.push(TestMark {
                    span: found.span,
                    tests: vec![id.to_owned()],
                    fingerprints: vec![fingerprint.clone()],
                    root_cause: one_line(self.cluster.diagnosis.root_cause.as_str()),
                    stability: self
                        .graded
                        .and_then(|graded| graded.test(&failure.test))
                        .map(stability_label)
                        .unwrap_or_default(),
                }),
            }
        }
    }
}

pub(super) fn seen<'a>(failure: &'a FailureRecord, place: &Place) -> Option<&'a str> {
    let at = |site: &Site| site.place.path == place.path && site.place.line == place.line;
    failure
        .frames
        .iter()
        .rev()
        .find(|f| f.site.as_ref().is_some_and(at))
        .and_then(|f| f.source.as_ref())
        .map(Redacted::as_str)
}

/// One step less than `severity`: a flaky test's failure need not mean that the code is wrong.
fn lower(severity: DiagnosticSeverity) -> DiagnosticSeverity {
    match severity {
        DiagnosticSeverity::Error => DiagnosticSeverity::Warning,
        DiagnosticSeverity::Warning => DiagnosticSeverity::Information,
        DiagnosticSeverity::Information | DiagnosticSeverity::Hint => DiagnosticSeverity::Hint,
    }
}

/// How a finding is shown that may no longer hold: as information at most.
fn doubted(severity: DiagnosticSeverity) -> DiagnosticSeverity {
    match severity {
        DiagnosticSeverity::Hint => DiagnosticSeverity::Hint,
        _ => DiagnosticSeverity::Information,
    }
}
