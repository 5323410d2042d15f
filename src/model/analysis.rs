//! What is concluded and shown. Every free text here is [`Redacted`]; what must stay raw to act on it
//! (test ids to run, paths to open) is not serialisable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evidence::redact::Redactor;

use super::{
    Counts, Detail, Exit, FailureKind, HistorySummary, Phase, Redacted, ResultFormat, Site, Stability,
    TestId, ToolInfo,
};

/// The result of [`crate::analysis::analyze`].
#[derive(Debug, Clone, Default)]
pub struct Analysis {
    /// What was analysed.
    pub run: RunSummary,
    /// One per root cause, most affected tests first.
    pub clusters: Vec<Cluster>,
    /// What could not be read or used.
    pub problems: Vec<ShownProblem>,
    /// How many secrets of which kind were replaced.
    pub redactions: BTreeMap<String, u64>,
    /// What became of asking a model.
    pub model: ModelRun,
    /// Knows the secrets of the run: for what else is taken from the workspace and shown or sent.
    pub redactor: Redactor,
    /// What the history of runs says, where there is one.
    pub history: Option<HistorySummary>,
}

impl Analysis {
    /// Number of failures over all clusters.
    pub fn total_failures(&self) -> usize {
        self.clusters.iter().map(|c| c.failures.len()).sum()
    }
}

/// What became of asking a model about a run's causes.
#[derive(Debug, Clone, Default)]
pub struct ModelRun {
    /// How far it came.
    pub state: ModelState,
    /// The provider, if there is one.
    pub provider: Option<String>,
    /// The model, if there is a provider.
    pub model: Option<Redacted>,
    /// Why there is no model analysis, or not of every cause, and what to do; empty if there is nothing to say.
    pub reason: Redacted,
    /// Causes whose diagnosis is now the model's.
    pub answered: u64,
    /// Causes whose answer came from the cache.
    pub cached: u64,
    /// Causes for which the offline diagnosis stands although there is an answer.
    pub kept: u64,
    /// Causes for which no answer came.
    pub failed: u64,
    /// Calls made.
    pub calls: u64,
    /// Tokens of their prompts, as far as the provider says.
    pub input_tokens: u64,
    /// Tokens of their answers, as far as the provider says.
    pub output_tokens: u64,
    /// Calls of which the provider did not say how many tokens they took.
    pub unmetered: u64,
    /// What they cost in US dollars, if the price and the tokens of every call are known.
    pub cost: Option<f64>,
    /// What was done differently from what was asked, such as a temperature that the model does not take.
    pub notes: Vec<Redacted>,
    /// What became of each cause that was asked about.
    pub told: BTreeMap<Fingerprint, Told>,
}

/// What became of asking about one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The model has answered.
    Answered {
        /// Whether the offline diagnosis stands all the same.
        kept: bool,
        /// Whether the answer was in the cache.
        cached: bool,
        /// What was done differently from what was asked.
        notes: Vec<String>,
    },
    /// It has not.
    Failed(Redacted),
}

/// How far asking a model came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// It was not wanted: offline, switched off, or nobody has asked yet.
    #[default]
    NotAsked,
    /// There is no provider that could be asked.
    Unavailable,
    /// Some causes have no answer.
    Partial,
    /// Every cause has been answered.
    Complete,
}

impl ModelState {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::Unavailable => "unavailable",
            Self::Partial => "partial",
            Self::Complete => "complete",
        }
    }
}

/// The run as it may be shown.
#[derive(Debug, Clone, Default)]
pub struct RunSummary {
    /// Files read with their format, and the time they speak of in seconds since the epoch.
    pub sources: Vec<(Redacted, ResultFormat, Option<f64>)>,
    /// pytest's rootdir as given.
    pub root: Option<Redacted>,
    /// Start in seconds since the epoch.
    pub started: Option<f64>,
    /// Seconds of wall time.
    pub duration: Option<f64>,
    /// pytest's arguments.
    pub args: Vec<Redacted>,
    /// Versions of the tools.
    pub tools: ToolInfo,
    /// How it ended.
    pub exit: Exit,
    /// Numbers by outcome.
    pub counts: Counts,
}

/// A problem as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownProblem {
    /// The file.
    pub file: Redacted,
    /// Byte offset in it.
    pub offset: Option<u64>,
    /// What is wrong and what to do.
    pub message: Redacted,
}

/// What makes two failures the same failure: a version and a SHA-256, independent of machine, checkout
/// path, worker, test order and result format.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

/// Failures that share one root cause.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Identity of the cause over runs.
    pub fingerprint: Fingerprint,
    /// The failures; the first is the representative.
    pub failures: Vec<FailureRecord>,
    /// The conclusion.
    pub diagnosis: Diagnosis,
    /// Suspected places, best first; the first is the diagnosis's place.
    pub culprits: Vec<Culprit>,
    /// Other clusters whose failing values come from the same place, as far as tests have been traced.
    pub also: Vec<Also>,
    /// Groups of its tests that point to unlike places, as far as they have been traced; none if they are at one.
    pub parts: Vec<Part>,
    /// What has changed in the suspected places since the representative test passed.
    pub since: Option<Redacted>,
    /// What would mend it, preferred first.
    pub fixes: Vec<Fix>,
    /// Stability of the representative test, where history knows it.
    pub stability: Option<Stability>,
    /// What the rules concluded, once a model has been heard.
    pub offline: Option<Box<Conclusion>>,
}

impl Cluster {
    /// The places of what was concluded, those of the failures left out.
    pub fn concluded_sites(&self) -> impl Iterator<Item = &Site> {
        let culprits = self.culprits.iter().map(|culprit| &culprit.site);
        let edits = self.fixes.iter().flat_map(|fix| &fix.edits).map(|edit| &edit.site);
        culprits.chain(edits).chain(self.diagnosis.evidence.iter().filter_map(|item| item.site.as_ref()))
    }

    /// All places that it names; some come several times.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.concluded_sites().chain(self.failures.iter().flat_map(FailureRecord::sites))
    }

    /// Takes what a model has said out again: what the rules concluded stands.
    pub fn restore(&mut self) {
        if let Some(offline) = self.offline.take() {
            let Conclusion { diagnosis, culprits, fixes } = *offline;
            (self.diagnosis, self.culprits, self.fixes) = (diagnosis, culprits, fixes);
        }
    }

    /// Keeps what the rules concluded, before a model is heard.
    pub fn keep_offline(&mut self) {
        self.restore();
        self.offline = Some(Box::new(Conclusion {
            diagnosis: self.diagnosis.clone(),
            culprits: self.culprits.clone(),
            fixes: self.fixes.clone(),
        }));
    }
}

/// What was concluded about a cluster.
#[derive(Debug, Clone)]
pub struct Conclusion {
    /// The diagnosis.
    pub diagnosis: Diagnosis,
    /// Suspected places, best first.
    pub culprits: Vec<Culprit>,
    /// What would mend it, preferred first.
    pub fixes: Vec<Fix>,
}

/// Identity of one failure within a workspace: hex digest over test id, phase and subtest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FailureId(pub String);

/// One failure as it may be shown.
#[derive(Debug, Clone)]
pub struct FailureRecord {
    /// Its identity.
    pub id: FailureId,
    /// The raw test id, for running it again.
    pub test_id: TestId,
    /// The test id as it may be shown.
    pub test: Redacted,
    /// The phase.
    pub phase: Phase,
    /// The subtest.
    pub subtest: Option<Redacted>,
    /// What kind of failure.
    pub kind: FailureKind,
    /// Where it failed in the test's own file: the deepest frame there, else the test's definition.
    pub failing: Option<Site>,
    /// Where the test is defined.
    pub definition: Option<Site>,
    /// The last exception's type, e.g. `AssertionError`; empty if unknown.
    pub exception: Redacted,
    /// Its message, bounded.
    pub message: Redacted,
    /// The frames of the last exception and then of its causes, in-project frames marked.
    pub frames: Vec<FrameRecord>,
    /// Values at the failure: assertion operands, `where` clauses, locals of the deepest in-project frame.
    pub values: Vec<ValueRecord>,
    /// The two sides of the assertion that failed, if it compares two.
    pub comparison: Option<Comparison>,
    /// The failure's text after redaction, noise stripping and truncation.
    pub log: Redacted,
    /// Seconds.
    pub duration: Option<f64>,
    /// Executions before this one in the same run.
    pub reruns: u32,
    /// How much is known.
    pub detail: Detail,
}

impl FailureRecord {
    /// All places that it names; some come several times.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        let own = [&self.failing, &self.definition].into_iter().flatten();
        let frames = self.frames.iter().filter_map(|frame| frame.site.as_ref());
        own.chain(frames).chain(self.values.iter().filter_map(|value| value.site.as_ref()))
    }

    /// The test's id as pytest takes it in the workspace's folder: its file may have been relative to another
    /// root.
    pub fn id_in_workspace(&self) -> String {
        let id = self.test_id.as_str();
        let site = self.definition.as_ref().or(self.failing.as_ref());
        match (site, id.strip_prefix(self.test_id.file())) {
            (Some(site), Some(rest)) if site.place.path.as_str().ends_with(self.test_id.file()) => {
                format!("{}{rest}", site.place.path.as_str())
            }
            _ => id.to_owned(),
        }
    }
}

/// A frame as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRecord {
    /// The path as given (in-project frames also have a `site`).
    pub path: Redacted,
    /// The line.
    pub line: u32,
    /// The function.
    pub function: Option<Redacted>,
    /// The source line.
    pub source: Option<Redacted>,
    /// Its place in the workspace.
    pub site: Option<Site>,
    /// Whether it is the project's own code.
    pub in_project: bool,
    /// Index into the failure's exception chain: 0 is the first cause.
    pub exception: usize,
}

/// A value as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueRecord {
    /// Variable or expression.
    pub name: Redacted,
    /// Its `repr`.
    pub repr: Redacted,
    /// The line in the file of `FailureRecord::failing` (or of the culprit) the value belongs to.
    #[serde(skip)]
    pub site: Option<Site>,
}

/// The two sides of a failed assertion as they may be shown. By pytest's convention the left one is what the
/// code gave and the right one what the test expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// `==`, `in`, `is not`, …
    pub operator: Redacted,
    /// The left operand's `repr`.
    pub left: Redacted,
    /// The right operand's `repr`.
    pub right: Redacted,
}

/// The documented categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The code under test gave a wrong result.
    AssertionFailure,
    /// Something took too long.
    Timeout,
    /// A peer could not be reached or broke the connection.
    ConnectionError,
    /// The machine, its variables, files or fixtures are not as needed.
    EnvIssue,
    /// The outcome changes on the same code.
    FlakyTest,
    /// The data are not as the code expects.
    DataIssue,
    /// A module or name could not be imported.
    ImportError,
    /// The operating system refused.
    PermissionError,
    /// None of these.
    Other,
}

impl Category {
    /// The name in reports and as a diagnostic's code.
    pub fn name(self) -> &'static str {
        match self {
            Self::AssertionFailure => "assertion_failure",
            Self::Timeout => "timeout",
            Self::ConnectionError => "connection_error",
            Self::EnvIssue => "env_issue",
            Self::FlakyTest => "flaky_test",
            Self::DataIssue => "data_issue",
            Self::ImportError => "import_error",
            Self::PermissionError => "permission_error",
            Self::Other => "other",
        }
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A nuisance.
    Low,
    /// Wrong in a corner.
    Medium,
    /// Wrong in the main.
    High,
    /// Nothing works: many tests or the whole run.
    Critical,
}

impl Severity {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Who made a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nothing could be said.
    None,
    /// An offline rule by name.
    Rule(&'static str),
    /// A model: provider and model name.
    Model(String, String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Model(provider, model) => write!(f, "model:{provider}/{model}"),
        }
    }
}

/// The conclusion about a cluster.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// One sentence.
    pub root_cause: Redacted,
    /// Category.
    pub category: Category,
    /// Severity.
    pub severity: Severity,
    /// What to do, one or two sentences.
    pub fix_suggestion: Redacted,
    /// 0 to 1: how often a statement of this kind is right.
    pub confidence: f64,
    /// What it rests on, in reading order.
    pub evidence: Vec<EvidenceItem>,
    /// Who made it.
    pub source: Source,
    /// Whether the critic changed the analyzer's answer.
    pub was_critic_override: bool,
    /// What would settle it, when evidence does not suffice; why there is no model analysis; and the like.
    pub notes: Vec<Redacted>,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceItem {
    /// `E1`, `E2`, … within the cluster.
    pub id: String,
    /// What it shows.
    pub text: Redacted,
    /// Where.
    pub site: Option<Site>,
}

/// A cluster that has the same cause as another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Also {
    /// The other cluster.
    pub fingerprint: Fingerprint,
    /// Its failing tests.
    pub tests: usize,
    /// Why they are taken for one.
    pub reason: Redacted,
}

impl Also {
    /// What is said of all that a finding explains besides, one sentence for each reason.
    pub fn sentences(all: &[Self]) -> Vec<String> {
        let mut by_reason: Vec<(&Redacted, usize, usize)> = Vec::new();
        for also in all {
            match by_reason.iter_mut().find(|(reason, ..)| **reason == also.reason) {
                Some((_, tests, findings)) => {
                    *tests += also.tests;
                    *findings += 1;
                }
                None => by_reason.push((&also.reason, also.tests, 1)),
            }
        }
        let counted = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        by_reason
            .into_iter()
            .map(|(reason, tests, findings)| {
                format!(
                    "also explains {} of {}: {}",
                    counted(tests, "test", "tests"),
                    counted(findings, "other finding", "other findings"),
                    reason.as_str()
                )
            })
            .collect()
    }
}

/// Some tests of a cluster that point to another place than its other tests do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The tests.
    pub tests: Vec<Redacted>,
    /// The place that they point to first.
    pub site: Site,
}

impl Part {
    /// `3 tests point to a.py:3 first`
    pub fn sentence(&self) -> String {
        let (n, word) = (self.tests.len(), if self.tests.len() == 1 { "test points" } else { "tests point" });
        format!("{n} {word} to {}:{} first", self.site.path.as_str(), self.site.place.line)
    }
}

/// A suspected place.
#[derive(Debug, Clone, PartialEq)]
pub struct Culprit {
    /// The place.
    pub site: Site,
    /// 0 to 1, comparable within the cluster.
    pub score: f64,
    /// Why, each checkable.
    pub reasons: Vec<Redacted>,
}

/// What kind of fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FixKind {
    /// Text edits.
    Edit,
    /// A command for the user to run.
    Command,
    /// An instruction.
    Advice,
}

/// What a fix changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FixTarget {
    /// Code under test.
    Code,
    /// The test.
    Test,
    /// Configuration.
    Config,
    /// The machine.
    Environment,
}

/// What would mend a cluster.
#[derive(Debug, Clone)]
pub struct Fix {
    /// Imperative, with names and places.
    pub title: Redacted,
    /// Why it would help.
    pub rationale: Redacted,
    /// Kind.
    pub kind: FixKind,
    /// What it changes.
    pub target: FixTarget,
    /// For `Edit`: non-overlapping edits.
    pub edits: Vec<Edit>,
    /// For `Command`: the command line.
    pub command: Option<Redacted>,
    /// The model that wrote it (`groq/llama-3.3-70b-versatile`); `None` for the rules' own. Trying such a fix runs
    /// code that a model wrote, so it is only ever done when the user asks for it.
    pub proposed_by: Option<Redacted>,
    /// What happened when it was tried.
    pub verification: Verification,
}

impl Fix {
    /// Whether it changes the same texts in the same way as `other`, or is the same command. Advice is never the same.
    pub fn does_the_same(&self, other: &Self) -> bool {
        let is_advice = self.edits.is_empty() && self.command.is_none();
        self.kind == other.kind && !is_advice && self.edits == other.edits && self.command == other.command
    }
}

/// A text edit. `new_text` is raw because it is written into the user's own file; reports show it redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// From `site.place.line` and `.columns.0` to `.end_line` and `.columns.1` (exclusive).
    pub site: Site,
    /// The replacement.
    pub new_text: String,
    /// The text as it may be shown.
    pub shown: Redacted,
    /// The whole lines from `site.place.line` to `.end_line` before and after the edit, as they may be shown,
    /// where the file was at hand.
    pub lines: Option<(Redacted, Redacted)>,
    /// SHA-256 (hex) of the file's text that the edit was made for.
    pub digest: String,
}

/// State of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationState {
    /// The cluster's tests pass and no other test newly fails.
    Verified,
    /// The cluster still fails.
    NoHelp,
    /// Something else newly fails.
    Breaks,
    /// Not tried.
    #[default]
    NotRun,
    /// Ran out of time.
    TimedOut,
}

/// What happened when a fix was tried on a copy.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verification {
    /// The outcome.
    pub state: VerificationState,
    /// Tests that now pass.
    pub passed: Vec<Redacted>,
    /// Tests that newly fail.
    pub broken: Vec<Redacted>,
    /// Why it was not tried, or what else is to be known of the trial.
    pub reason: Option<Redacted>,
}

impl Verification {
    /// What is known, in a few words for a title; `None` if it has not been tried.
    pub fn summary(&self) -> Option<String> {
        let count = self.passed.len();
        let name = |test: &Redacted| {
            let test = test.as_str();
            test.rsplit("::").next().unwrap_or(test).to_owned()
        };
        Some(match (self.state, self.broken.as_slice()) {
            (VerificationState::NotRun, _) => return None,
            (VerificationState::Verified, _) if count == 1 => {
                "verified: 1 test passes, none newly fail".to_owned()
            }
            (VerificationState::Verified, _) => format!("verified: {count} tests pass, none newly fail"),
            (VerificationState::NoHelp, _) => "does not help".to_owned(),
            (VerificationState::TimedOut, _) => "takes too long".to_owned(),
            (VerificationState::Breaks, []) => "breaks other tests".to_owned(),
            (VerificationState::Breaks, [one]) => format!("breaks {}", name(one)),
            (VerificationState::Breaks, [one, more @ ..]) => {
                format!("breaks {} and {} more", name(one), more.len())
            }
        })
    }
}
