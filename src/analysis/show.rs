//! From what was concluded to what may be shown: every text through the redactor, every place with its shown
//! path and source line.

use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::Options;
use super::redact::Log;
use crate::diagnose::Finding;
use crate::diagnose::draft::{Change, Draft, TextEdit};
use crate::evidence::preprocess;
use crate::model::maps::Map;
use crate::model::{
    Cluster, Comparison, Culprit, Diagnosis, Edit, EvidenceItem, Failure, FailureId, FailureRecord,
    Fingerprint, Fix, FrameRecord, Phase, Place, Problem, Redacted, RelPath, Run, RunSummary, Severity,
    ShownProblem, Site, Source, TestId, ValueRecord, Verification,
};
use crate::workspace::Workspace;

/// Most characters of a shown message, and of a shown value.
const MAX_MESSAGE: usize = 4000;
const MAX_VALUE: usize = 2000;
/// Most shared texts and sites that are remembered; they come again soon or not at all.
const MAX_KEPT: usize = 4096;
/// Most frames shown of one failure (recursion prints hundreds): so many from either end.
const MAX_FRAMES_END: usize = 50;

/// Makes shown records; remembers what many failures share (paths, sites).
pub(super) struct Shower<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    root: Option<&'a str>,
    texts: Map<String, Redacted>,
    sites: Map<Place, Site>,
    test_files: Map<String, Option<RelPath>>,
}

impl<'a> Shower<'a> {
    pub(super) fn new(workspace: &'a Workspace, options: &'a Options, root: Option<&'a str>) -> Self {
        Self {
            workspace,
            options,
            root,
            texts: Map::default(),
            sites: Map::default(),
            test_files: Map::default(),
        }
    }

    /// A cluster with all its records: of each failure, its texts, and where the test is defined.
    pub(super) fn cluster<'f>(
        &mut self,
        fingerprint: Fingerprint,
        finding: &Finding,
        members: impl Iterator<Item = (&'f Failure, &'f Log, Option<&'f Place>)>,
    ) -> Cluster {
        let mut phases = Vec::new();
        let failures: Vec<FailureRecord> = members
            .map(|(failure, log, definition)| {
                phases.push(failure.phase);
                self.failure(failure, log, definition)
            })
            .collect();
        let evidence = finding
            .evidence
            .iter()
            .enumerate()
            .map(|(index, (text, place))| EvidenceItem {
                id: format!("E{}", index + 1),
                text: self.long_text(text, MAX_VALUE),
                site: place.as_ref().map(|place| self.site(place)),
            })
            .collect();
        let culprits = finding
            .culprits
            .iter()
            .map(|(place, score, reasons)| Culprit {
                site: self.site(place),
                score: *score,
                reasons: reasons.iter().map(|reason| self.usual_text(reason)).collect(),
            })
            .collect();
        let diagnosis = Diagnosis {
            root_cause: self.long_text(&finding.root_cause, MAX_MESSAGE),
            category: finding.category,
            severity: reach(finding.severity, &phases),
            fix_suggestion: self.text(&finding.suggestion),
            confidence: finding.confidence,
            evidence,
            source: Source::Rule(finding.rule),
            was_critic_override: false,
            notes: finding.notes.iter().map(|note| self.usual_text(note)).collect(),
        };
        let fixes = finding.fixes.iter().filter_map(|draft| self.fix(draft)).collect();
        Cluster {
            fingerprint,
            failures,
            diagnosis,
            culprits,
            also: Vec::new(),
            parts: Vec::new(),
            since: None,
            fixes,
            stability: None,
            offline: None,
        }
    }

    /// The fix with its edits at lines and columns; `None` if an edit does not fit its file.
    pub(super) fn fix(&mut self, draft: &Draft) -> Option<Fix> {
        let mut edits = Vec::new();
        let mut command = None;
        match &draft.change {
            Change::Edits(all) => {
                for edit in all {
                    edits.push(self.edit(edit)?);
                }
            }
            Change::Command(text) => command = Some(self.text(text)),
            Change::Advice => {}
        }
        Some(Fix {
            title: self.text(&draft.title),
            rationale: self.usual_text(&draft.rationale),
            kind: draft.kind(),
            target: draft.target,
            edits,
            command,
            proposed_by: None,
            verification: Verification::default(),
        })
    }

    fn edit(&mut self, edit: &TextEdit) -> Option<Edit> {
        let source = self.workspace.source(&edit.path)?;
        let text = source.text();
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        if start > end || !text.is_char_boundary(start) || !text.is_char_boundary(end) {
            return None;
        }
        let (line, column) = source.position(edit.span.start);
        let (end_line, end_column) = source.position(edit.span.end);
        let function = source.module().enclosing_function(line).map(|d| Arc::clone(&d.qualified_name));
        let columns = Some((column, end_column));
        let place = Place { path: edit.path.clone(), line, end_line, columns, function };
        let first = source.offset(line, 1)? as usize;
        let last = source.offset(end_line, 1)? as usize + source.line(end_line)?.len();
        let before = text.get(first..last)?;
        let after = format!("{}{}{}", text.get(first..start)?, edit.new_text, text.get(end..last.max(end))?);
        let lines = Some((self.long_text(before, MAX_VALUE), self.long_text(&after, MAX_VALUE)));
        // New lines end as the file's do.
        let new_text = if text.contains("\r\n") {
            edit.new_text.replace("\r\n", "\n").replace('\n', "\r\n")
        } else {
            edit.new_text.clone()
        };
        Some(Edit {
            site: self.site(&place),
            new_text,
            shown: self.text(&edit.new_text),
            lines,
            digest: source.digest().to_owned(),
        })
    }

    fn failure(&mut self, failure: &Failure, log: &Log, definition: Option<&Place>) -> FailureRecord {
        let last = failure.exceptions.last();
        let definition = definition.map(|place| self.site(place));
        let failing = self.failing(failure).or_else(|| definition.clone());
        let exception = last.map_or_else(Redacted::default, |e| self.shared_text(&e.type_name));
        let message = match last {
            Some(last) => self.long_text(&last.message, MAX_MESSAGE),
            None => self.long_text(&failure.headline, MAX_MESSAGE),
        };
        FailureRecord {
            id: failure_id(failure),
            test_id: failure.test.clone(),
            test: self.text(failure.test.as_str()),
            phase: failure.phase,
            subtest: failure.subtest.as_deref().map(|subtest| self.text(subtest)),
            kind: failure.kind,
            values: self.values(failure, failing.as_ref()),
            comparison: self.comparison(failure),
            failing,
            definition,
            exception,
            message,
            frames: self.frames(failure),
            log: self.log(log),
            duration: failure.duration,
            reruns: failure.reruns,
            detail: failure.detail,
        }
    }

    /// The deepest frame in the test's own file: of the last exception, else of the nearest cause.
    fn failing(&mut self, failure: &Failure) -> Option<Site> {
        let file = self.test_file(&failure.test)?;
        let place = failure
            .exceptions
            .iter()
            .rev()
            .flat_map(|exception| exception.frames.iter().rev())
            .find_map(|frame| frame.place.as_ref().filter(|place| place.path == file))?;
        Some(self.site(place))
    }

    fn test_file(&mut self, test: &TestId) -> Option<RelPath> {
        if let Some(known) = self.test_files.get(test.file()) {
            return known.clone();
        }
        let found = self.workspace.resolve(test.file(), self.root);
        self.test_files.insert(test.file().to_owned(), found.clone());
        found
    }

    fn frames(&mut self, failure: &Failure) -> Vec<FrameRecord> {
        let all = failure.exceptions.iter().map(|exception| exception.frames.len().min(2 * MAX_FRAMES_END));
        let mut records = Vec::with_capacity(all.sum());
        for (index, exception) in failure.exceptions.iter().enumerate().rev() {
            let frames = &exception.frames;
            let (head, tail) = if frames.len() > 2 * MAX_FRAMES_END {
                (&frames[..MAX_FRAMES_END], &frames[frames.len() - MAX_FRAMES_END..])
            } else {
                (&frames[..], &frames[..0])
            };
            for frame in head.iter().chain(tail) {
                records.push(FrameRecord {
                    path: self.shared_text(&frame.path),
                    line: frame.line,
                    function: frame.function.as_deref().map(|name| self.shared_text(name)),
                    source: frame.source.as_deref().map(|line| self.shared_text(line)),
                    site: frame.place.as_ref().map(|place| self.site(place)),
                    in_project: frame.in_project,
                    exception: index,
                });
            }
        }
        records
    }

    /// Assertion operands and `where` clauses, then the locals of the deepest frame of the project.
    fn values(&mut self, failure: &Failure, failing: Option<&Site>) -> Vec<ValueRecord> {
        let Some(last) = failure.exceptions.last() else { return Vec::new() };
        let mut records = Vec::new();
        if let Some(assertion) = &last.assertion {
            let (left, right) = diagnose_operand_names(assertion);
            let operands = [
                (left, Some(assertion.left.as_str()).filter(|repr| !repr.is_empty())),
                (right, assertion.right.as_deref()),
            ];
            records.reserve_exact(2 + assertion.wheres.len());
            let wheres =
                assertion.wheres.iter().map(|(value, expression)| (expression.as_str(), Some(&**value)));
            for (name, repr) in operands.into_iter().chain(wheres) {
                let Some(repr) = repr else { continue };
                // A literal says nothing that the source does not.
                if name == repr || records.iter().any(|r: &ValueRecord| r.name.as_str() == name) {
                    continue;
                }
                records.push(ValueRecord {
                    name: self.text(name),
                    repr: self.long_text(repr, MAX_VALUE),
                    site: failing.cloned(),
                });
            }
        }
        let deepest = failure
            .exceptions
            .iter()
            .rev()
            .find_map(|e| e.frames.iter().rev().find(|f| f.in_project && !f.locals.is_empty()));
        if let Some(frame) = deepest {
            let site = frame.place.as_ref().map(|place| self.site(place));
            for value in &frame.locals {
                records.push(ValueRecord {
                    name: self.shared_text(&value.name),
                    repr: self.long_text(&value.repr, MAX_VALUE),
                    site: site.clone(),
                });
            }
        }
        records
    }

    fn comparison(&mut self, failure: &Failure) -> Option<Comparison> {
        let assertion = failure.exceptions.last()?.assertion.as_ref()?;
        let right = assertion.right.as_deref()?;
        if assertion.operator.is_empty() {
            return None;
        }
        Some(Comparison {
            operator: self.shared_text(&assertion.operator),
            left: self.long_text(&assertion.left, MAX_VALUE),
            right: self.long_text(right, MAX_VALUE),
        })
    }

    fn log(&self, log: &Log) -> Redacted {
        let whole = if log.sections.is_empty() {
            log.text.clone()
        } else {
            let sections = log.sections.iter().flat_map(|(name, text)| {
                let title = [Redacted::fixed("-----"), name.clone(), Redacted::fixed("-----")];
                [Redacted::join(title, " "), text.clone()]
            });
            Redacted::join(std::iter::once(log.text.clone()).chain(sections), "\n")
        };
        preprocess::preprocess(&whole, self.options.max_log_size)
    }

    /// The run as it may be shown.
    pub(super) fn run(&mut self, run: &Run) -> RunSummary {
        let seconds = |time: SystemTime| {
            time.duration_since(SystemTime::UNIX_EPOCH)
                .map_or_else(|e| -e.duration().as_secs_f64(), |d| d.as_secs_f64())
        };
        RunSummary {
            sources: run
                .sources
                .iter()
                .map(|source| (self.text(&source.name), source.format, source.time.map(seconds)))
                .collect(),
            root: run.root.as_deref().map(|root| self.text(root)),
            started: run.started.map(seconds),
            duration: run.duration,
            args: run.args.iter().map(|arg| self.text(arg)).collect(),
            tools: run.tools.clone(),
            exit: run.exit,
            counts: run.counts,
        }
    }

    /// The problems as they may be shown.
    pub(super) fn problems(&self, problems: &[Problem]) -> Vec<ShownProblem> {
        problems
            .iter()
            .map(|problem| ShownProblem {
                file: self.text(&problem.file),
                offset: problem.offset,
                message: self.text(&problem.message),
            })
            .collect()
    }

    pub(super) fn site(&mut self, place: &Place) -> Site {
        if let Some(known) = self.sites.get(place) {
            return known.clone();
        }
        if self.sites.len() >= MAX_KEPT {
            self.sites.clear();
        }
        let source = self.workspace.source(&place.path);
        let line = source.as_ref().and_then(|source| source.line(place.line)).map(str::trim);
        let site = Site {
            place: place.clone(),
            path: self.shared_text(place.path.as_str()),
            function: place.function.as_deref().map(|name| self.shared_text(name)),
            source: line.filter(|line| !line.is_empty()).map(|line| self.long_text(line, MAX_VALUE)),
        };
        self.sites.insert(place.clone(), site.clone());
        site
    }

    pub(super) fn text(&self, text: &str) -> Redacted {
        self.options.redactor.text(text)
    }

    /// Redacted before it is cut.
    fn long_text(&self, text: &str, max: usize) -> Redacted {
        let redacted = self.text(text);
        // Fewer bytes than `max` are fewer characters too.
        if redacted.as_str().len() <= max {
            return redacted;
        }
        match redacted.as_str().char_indices().nth(max).map(|(at, _)| at) {
            None => redacted,
            Some(at) => Redacted::join([redacted.slice(|text| &text[..at]), Redacted::fixed("…")], ""),
        }
    }

    /// For texts that are mostly the same, and hold no secret.
    fn usual_text(&mut self, text: &str) -> Redacted {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let redacted = self.text(text);
        // What was replaced is counted each time.
        if redacted.as_str() == text {
            if self.texts.len() >= MAX_KEPT {
                self.texts.clear();
            }
            self.texts.insert(text.to_owned(), redacted.clone());
        }
        redacted
    }

    /// For texts that many failures share.
    fn shared_text(&mut self, text: &str) -> Redacted {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        if self.texts.len() >= MAX_KEPT {
            self.texts.clear();
        }
        let redacted = self.text(text);
        self.texts.insert(text.to_owned(), redacted.clone());
        redacted
    }
}

/// The source texts of an assertion's operands where it can be split at its operator.
fn diagnose_operand_names(assertion: &crate::model::Assertion) -> (&str, &str) {
    crate::diagnose::expression::operands(assertion).unwrap_or(("left", "right"))
}

/// The first 16 hexadecimal digits of SHA-256 over test id, phase and subtest.
fn failure_id(failure: &Failure) -> FailureId {
    let phase = match failure.phase {
        Phase::Collect => "collect",
        Phase::Setup => "setup",
        Phase::Call => "call",
        Phase::Teardown => "teardown",
    };
    let mut hasher = Sha256::new();
    for part in [failure.test.as_str(), phase, failure.subtest.as_deref().unwrap_or_default()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    FailureId(hex(&hasher.finalize()[..8]))
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    crate::cluster::fingerprint::hex(bytes)
}

/// Severity with the reach taken into account: what stops a whole file or many tests matters more.
fn reach(base: Severity, phases: &[Phase]) -> Severity {
    let collection = phases.contains(&Phase::Collect);
    let fixture = phases.iter().filter(|phase| **phase == Phase::Setup).count();
    let least = match phases.len() {
        n if collection && n > 1 => Severity::Critical,
        _ if collection => Severity::High,
        _ if fixture >= 10 => Severity::Critical,
        _ if fixture >= 2 => Severity::High,
        n if n >= 10 => Severity::High,
        _ => Severity::Low,
    };
    base.max(least)
}
