//! `rca_report.json`: a versioned envelope around the documented fields of each finding. The schema is
//! published as `rca_report.schema.json` beside this file.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::Meta;
use crate::model::{
    Analysis, Category, Cluster, Counts, Culprit, EvidenceItem, Exit, FailureRecord, Fix, FixKind, FixTarget,
    ModelRun, ModelState, Phase, Redacted, RunSummary, Severity, ShownProblem, Site, Stability, Verification,
};

/// Version of the document's form. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON Schema (draft 2020-12) of the document.
pub const SCHEMA: &str = include_str!("rca_report.schema.json");

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    schema_version: u32,
    generator: &'a str,
    timestamp: u64,
    run: Run<'a>,
    total_failures: usize,
    unique_root_causes: usize,
    problems: &'a [ShownProblem],
    redactions: &'a BTreeMap<String, u64>,
    #[serde(serialize_with = "findings")]
    analyses: &'a [Cluster],
}

#[derive(Debug, Serialize)]
struct Run<'a> {
    sources: Vec<RunSource<'a>>,
    root: Option<&'a str>,
    started: Option<f64>,
    duration: Option<f64>,
    args: Vec<&'a str>,
    python: Option<&'a str>,
    pytest: Option<&'a str>,
    platform: Option<&'a str>,
    plugins: &'a [String],
    exit: ExitState,
    counts: Counts,
    model: Asked<'a>,
}

/// What became of asking a model.
#[derive(Debug, Serialize)]
struct Asked<'a> {
    state: ModelState,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    reason: &'a str,
    answered: u64,
    cached: u64,
    kept: u64,
    failed: u64,
    calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: Option<f64>,
    notes: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct RunSource<'a> {
    file: &'a str,
    format: &'static str,
    time: Option<f64>,
}

#[derive(Debug, Serialize)]
struct ExitState {
    state: &'static str,
    code: Option<i32>,
}

#[derive(Debug, Serialize)]
struct Finding<'a> {
    fingerprint_hash: &'a str,
    root_cause: &'a str,
    category: Category,
    severity: Severity,
    fix_suggestion: &'a str,
    affected_file: Option<&'a str>,
    affected_line: Option<u32>,
    affected_function: Option<&'a str>,
    confidence: f64,
    evidence: Vec<String>,
    was_critic_override: bool,
    affected_tests: Vec<&'a str>,
    occurrence_count: usize,
    source: String,
    notes: Vec<&'a str>,
    failures: Vec<Failure<'a>>,
    culprits: Vec<Suspect<'a>>,
    also_explains: Vec<Explained<'a>>,
    parts: Vec<Parted<'a>>,
    changed_since: Option<&'a str>,
    fixes: Vec<Proposal<'a>>,
    stability: Option<&'a Stability>,
}

#[derive(Debug, Serialize)]
struct Failure<'a> {
    test: &'a str,
    phase: Phase,
    subtest: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    exception: &'a str,
    message: &'a str,
}

/// Tests of a finding that point to another place than its others.
#[derive(Debug, Serialize)]
struct Parted<'a> {
    tests: Vec<&'a str>,
    file: &'a str,
    line: u32,
}

/// Another finding with the same cause.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    fingerprint_hash: &'a str,
    tests: usize,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct Suspect<'a> {
    file: &'a str,
    line: u32,
    end_line: u32,
    function: Option<&'a str>,
    score: f64,
    reasons: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Proposal<'a> {
    title: &'a str,
    rationale: &'a str,
    kind: FixKind,
    target: FixTarget,
    command: Option<&'a str>,
    proposed_by: Option<&'a str>,
    edits: Vec<EditText<'a>>,
    verification: &'a Verification,
}

#[derive(Debug, Serialize)]
struct EditText<'a> {
    file: &'a str,
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
    new_text: &'a str,
}

impl<'a> Document<'a> {
    /// The document of `analysis`.
    pub fn new(analysis: &'a Analysis, meta: &'a Meta) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            generator: &meta.generator,
            timestamp: meta.timestamp,
            run: Run::new(&analysis.run, &analysis.model),
            total_failures: analysis.total_failures(),
            unique_root_causes: analysis.clusters.len(),
            problems: &analysis.problems,
            redactions: &analysis.redactions,
            analyses: &analysis.clusters,
        }
    }

    /// Writes the document as indented JSON with a newline at its end.
    pub fn write(&self, out: impl io::Write) -> io::Result<()> {
        let mut out = Chunks { bytes: Vec::with_capacity(CHUNK + (CHUNK >> 2)), out };
        serde_json::to_writer_pretty(&mut out, self)?;
        out.bytes.push(b'\n');
        out.out.write_all(&out.bytes)
    }

    /// What [`Self::write`] writes.
    pub fn to_json(&self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write(&mut out)?;
        Ok(out)
    }
}

/// Bytes that are handed on at once.
const CHUNK: usize = 64 << 10;

/// Collects the many small pieces that JSON is made of where adding one costs next to nothing.
struct Chunks<W> {
    bytes: Vec<u8>,
    out: W,
}

impl<W: io::Write> io::Write for Chunks<W> {
    #[inline]
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece).map(|()| piece.len())
    }

    #[inline]
    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() >= CHUNK {
            self.out.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        self.out.flush()
    }
}

/// One finding at a time: those of all clusters would take as much memory again as the analysis.
fn findings<S: serde::Serializer>(clusters: &[Cluster], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(clusters.iter().map(Finding::new))
}

impl<'a> Run<'a> {
    fn new(run: &'a RunSummary, model: &'a ModelRun) -> Self {
        let (state, code) = match run.exit {
            Exit::Unknown => ("unknown", None),
            Exit::Code(code) => ("finished", Some(code)),
            Exit::Interrupted => ("interrupted", None),
            Exit::Unfinished => ("unfinished", None),
        };
        Self {
            sources: run
                .sources
                .iter()
                .map(|(file, format, time)| RunSource {
                    file: file.as_str(),
                    format: format.name(),
                    time: time.filter(|t| t.is_finite()),
                })
                .collect(),
            root: run.root.as_ref().map(Redacted::as_str),
            started: run.started.filter(|t| t.is_finite()),
            duration: run.duration.filter(|t| t.is_finite()),
            args: run.args.iter().map(Redacted::as_str).collect(),
            python: run.tools.python.as_deref(),
            pytest: run.tools.pytest.as_deref(),
            platform: run.tools.platform.as_deref(),
            plugins: &run.tools.plugins,
            exit: ExitState { state, code },
            counts: run.counts,
            model: Asked::new(model),
        }
    }
}

impl<'a> Asked<'a> {
    fn new(run: &'a ModelRun) -> Self {
        Self {
            state: run.state,
            provider: run.provider.as_deref(),
            model: run.model.as_ref().map(Redacted::as_str),
            reason: run.reason.as_str(),
            answered: run.answered,
            cached: run.cached,
            kept: run.kept,
            failed: run.failed,
            calls: run.calls,
            input_tokens: run.input_tokens,
            output_tokens: run.output_tokens,
            cost_usd: run.cost.filter(|cost| cost.is_finite()),
            notes: run.notes.iter().map(Redacted::as_str).collect(),
        }
    }
}

impl<'a> Finding<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        let diagnosis = &cluster.diagnosis;
        let place = cluster.culprits.first().map(|c| &c.site);
        Self {
            fingerprint_hash: &cluster.fingerprint.0,
            root_cause: diagnosis.root_cause.as_str(),
            category: diagnosis.category,
            severity: diagnosis.severity,
            fix_suggestion: diagnosis.fix_suggestion.as_str(),
            affected_file: place.map(|s| s.path.as_str()),
            affected_line: place.map(|s| s.place.line),
            affected_function: place.and_then(|s| s.function.as_ref()).map(Redacted::as_str),
            confidence: share(diagnosis.confidence),
            evidence: diagnosis.evidence.iter().map(evidence_text).collect(),
            was_critic_override: diagnosis.was_critic_override,
            affected_tests: affected_tests(cluster),
            occurrence_count: cluster.failures.len(),
            source: diagnosis.source.to_string(),
            notes: diagnosis.notes.iter().map(Redacted::as_str).collect(),
            failures: cluster.failures.iter().map(Failure::new).collect(),
            culprits: cluster.culprits.iter().map(Suspect::new).collect(),
            also_explains: cluster
                .also
                .iter()
                .map(|also| Explained {
                    fingerprint_hash: &also.fingerprint.0,
                    tests: also.tests,
                    reason: also.reason.as_str(),
                })
                .collect(),
            parts: cluster
                .parts
                .iter()
                .map(|part| Parted {
                    tests: part.tests.iter().map(Redacted::as_str).collect(),
                    file: part.site.path.as_str(),
                    line: part.site.place.line,
                })
                .collect(),
            changed_since: cluster.since.as_ref().map(Redacted::as_str),
            fixes: cluster.fixes.iter().map(Proposal::new).collect(),
            stability: cluster.stability.as_ref(),
        }
    }
}

/// A number from 0 to 1, whatever came in: JSON knows no infinity.
fn share(number: f64) -> f64 {
    if number.is_finite() { number.clamp(0.0, 1.0) } else { 0.0 }
}

/// The tests of a cluster as they may be shown, each once, in the order of its failures.
pub fn affected_tests(cluster: &Cluster) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    cluster.failures.iter().map(|f| f.test.as_str()).filter(|test| seen.insert(*test)).collect()
}

/// `path:line` of a site.
pub fn place_text(site: &Site) -> String {
    format!("{}:{}", site.path, site.place.line)
}

/// An item of evidence in one piece: its text, and its place unless the text names it already.
pub fn evidence_text(item: &EvidenceItem) -> String {
    match item.site.as_ref().map(place_text) {
        Some(place) if !item.text.as_str().contains(&place) => format!("{} ({place})", item.text),
        _ => item.text.to_string(),
    }
}

impl<'a> Failure<'a> {
    fn new(failure: &'a FailureRecord) -> Self {
        let site = failure.failing.as_ref().or(failure.definition.as_ref());
        Self {
            test: failure.test.as_str(),
            phase: failure.phase,
            subtest: failure.subtest.as_ref().map(Redacted::as_str),
            file: site.map(|s| s.path.as_str()),
            line: site.map(|s| s.place.line),
            exception: failure.exception.as_str(),
            message: failure.message.as_str(),
        }
    }
}

impl<'a> Suspect<'a> {
    fn new(culprit: &'a Culprit) -> Self {
        Self {
            file: culprit.site.path.as_str(),
            line: culprit.site.place.line,
            end_line: culprit.site.place.end_line,
            function: culprit.site.function.as_ref().map(Redacted::as_str),
            score: share(culprit.score),
            reasons: culprit.reasons.iter().map(Redacted::as_str).collect(),
        }
    }
}

impl<'a> Proposal<'a> {
    fn new(fix: &'a Fix) -> Self {
        Self {
            title: fix.title.as_str(),
            rationale: fix.rationale.as_str(),
            kind: fix.kind,
            target: fix.target,
            command: fix.command.as_ref().map(Redacted::as_str),
            proposed_by: fix.proposed_by.as_ref().map(Redacted::as_str),
            edits: fix
                .edits
                .iter()
                .map(|edit| {
                    let (start, end) = edit.site.place.columns.unwrap_or((1, 1));
                    EditText {
                        file: edit.site.path.as_str(),
                        start_line: edit.site.place.line,
                        start_column: start,
                        end_line: edit.site.place.end_line,
                        end_column: end,
                        new_text: edit.shown.as_str(),
                    }
                })
                .collect(),
            verification: &fix.verification,
        }
    }
}
