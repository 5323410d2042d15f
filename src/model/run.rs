//! What came out of pytest, before anything is concluded from it. Raw: may contain secrets.

use std::sync::Arc;
use std::time::SystemTime;

use super::maps::Map;
use super::{Place, TestOutcomes};

/// pytest's node id relative to the run's rootdir, `/`-separated, e.g. `tests/test_a.py::TestB::test_c[1-x]`.
///
/// A collection error has the id of what could not be collected (`tests/test_a.py`). Raw text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TestId(Arc<str>);

impl TestId {
    /// Takes the id as it stands. Windows separators in the file part become `/`.
    pub fn new(text: &str) -> Self {
        match text.split_once("::") {
            Some((file, rest)) if file.contains('\\') => {
                Self(format!("{}::{rest}", file.replace('\\', "/")).into())
            }
            None if text.contains('\\') => Self(text.replace('\\', "/").into()),
            _ => Self(text.into()),
        }
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file part: everything before the first `::`.
    pub fn file(&self) -> &str {
        self.0.split_once("::").map_or(&self.0, |(file, _)| file)
    }

    /// The id without its parameter part: `a.py::test_b[x::y]` gives `a.py::test_b`.
    pub fn without_params(&self) -> &str {
        let start = self.file().len();
        match self.0[start..].find('[') {
            Some(at) if self.0.ends_with(']') => &self.0[..start + at],
            _ => &self.0,
        }
    }

    /// The parameter part without its brackets, if there is one.
    pub fn params(&self) -> Option<&str> {
        let bare = self.without_params().len();
        (bare < self.0.len()).then(|| &self.0[bare + 1..self.0.len() - 1])
    }

    /// The names between the file and the parameters: classes, then the function.
    pub fn names(&self) -> Vec<&str> {
        self.without_params().split("::").skip(1).collect()
    }
}

impl std::fmt::Display for TestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// When in a test's life something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Importing or collecting a file or package.
    Collect,
    /// Fixtures before the test.
    Setup,
    /// The test itself, its subtests included.
    Call,
    /// Fixtures after the test.
    Teardown,
}

/// What kind of failure a format reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// An exception ended the phase.
    Exception,
    /// A test marked `xfail(strict=True)` passed.
    StrictXpass,
    /// The process or xdist worker that ran the test died.
    Crash,
    /// pytest itself broke (`INTERNALERROR`).
    Internal,
    /// Only known to have failed (`lastfailed`, console summary without a traceback).
    Unknown,
}

/// How much is known of a failure; a later source never replaces more detail by less for the same execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// The id only.
    Name,
    /// A one-line message.
    Message,
    /// A traceback as text or structure.
    Traceback,
    /// Live frames with values, from the plugin.
    Values,
}

/// One (test id, phase, subtest) that failed or errored.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The test.
    pub test: TestId,
    /// The phase.
    pub phase: Phase,
    /// The description of the subtest within `call`, e.g. `[msg] (i=1)` as printed.
    pub subtest: Option<String>,
    /// What kind of failure.
    pub kind: FailureKind,
    /// The test's file and first line as the format gives them (raw path, line from 1 if known).
    pub location: Option<(String, Option<u32>)>,
    /// The exceptions, first cause first. Empty until [`crate::evidence::collect`] has parsed `text`, unless
    /// the format has structure of its own.
    pub exceptions: Vec<Exception>,
    /// The one-line message of the format (JUnit's `message`, the console summary), possibly empty.
    pub headline: String,
    /// The failure as pytest printed it (`longrepr`), ANSI codes removed, possibly empty.
    pub text: Arc<str>,
    /// Captured output and logs by section.
    pub sections: Vec<Section>,
    /// Seconds spent in the phase.
    pub duration: Option<f64>,
    /// xdist worker (`gw0`).
    pub worker: Option<String>,
    /// How many times the test had been run before in this run (rerunfailures).
    pub reruns: u32,
    /// Fixtures in use, from the plugin.
    pub fixtures: Vec<FixtureUse>,
    /// Parameter names and their `repr`, from the plugin.
    pub params: Vec<(String, String)>,
    /// Mark names, from the plugin.
    pub marks: Vec<String>,
    /// How much is known.
    pub detail: Detail,
}

impl Failure {
    /// A failure of which nothing but its id and phase is known.
    pub fn bare(test: TestId, phase: Phase) -> Self {
        Self {
            test,
            phase,
            subtest: None,
            kind: FailureKind::Unknown,
            location: None,
            exceptions: Vec::new(),
            headline: String::new(),
            text: Arc::default(),
            sections: Vec::new(),
            duration: None,
            worker: None,
            reruns: 0,
            fixtures: Vec::new(),
            params: Vec::new(),
            marks: Vec::new(),
            detail: Detail::Name,
        }
    }
}

/// A captured section, e.g. `Captured stdout call`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its title without rulers.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A fixture that a test used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureUse {
    /// Its name.
    pub name: String,
    /// `function`, `class`, `module`, `package` or `session`.
    pub scope: String,
    /// Raw path and line (from 1) of its definition.
    pub location: Option<(String, u32)>,
}

/// How an exception is tied to the one *after* it in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Link {
    /// It is the last: what pytest reported.
    Last,
    /// The next was raised `from` it (`__cause__`).
    Cause,
    /// The next was raised while it was being handled (`__context__`).
    Context,
}

/// One exception of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    /// The type as printed: possibly qualified (`requests.exceptions.ConnectionError`), possibly not.
    pub type_name: String,
    /// The whole message; for assertions pytest's rewritten text from the words `assert …` on.
    pub message: String,
    /// Tie to the next exception of the chain.
    pub link: Link,
    /// Frames, outermost call first.
    pub frames: Vec<Frame>,
    /// The assertion taken apart, if it is one.
    pub assertion: Option<Assertion>,
    /// Members of an exception group: each is a chain of its own.
    pub group: Vec<Vec<Exception>>,
    /// `__notes__`.
    pub notes: Vec<String>,
}

impl Exception {
    /// The last part of the type's name: `requests.exceptions.ConnectionError` gives `ConnectionError`.
    pub fn short_type(&self) -> &str {
        self.type_name.rsplit('.').next().unwrap_or(&self.type_name)
    }
}

/// One frame of a traceback.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The path as the format gives it.
    pub path: String,
    /// The line, from 1; 0 if unknown.
    pub line: u32,
    /// Last line of the failing expression and its columns (from 1, scalar values), where known.
    pub span: Option<(u32, u32, u32)>,
    /// The function's name as given: bare in pytest's text, qualified from the plugin.
    pub function: Option<String>,
    /// The source line as shown by the traceback (trimmed), if any.
    pub source: Option<String>,
    /// Local values by name, where shown.
    pub locals: Vec<Value>,
    /// The place in the workspace, once resolved by [`crate::evidence::collect`].
    pub place: Option<Place>,
    /// Whether it is the project's own code: resolved, and not installed, generated or pytest's.
    pub in_project: bool,
}

impl Frame {
    /// The value shown under `name`: of a variable, or of an expression as it is written.
    pub fn local(&self, name: &str) -> Option<&Value> {
        self.locals.iter().find(|local| local.name == name)
    }

    /// Its `repr`.
    pub fn shown(&self, name: &str) -> Option<&str> {
        self.local(name).map(|local| local.repr.as_str())
    }
}

/// A value at the time of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Name of the variable or text of the expression.
    pub name: String,
    /// Its `repr`, possibly cut.
    pub repr: String,
    /// Its type's name where known.
    pub type_name: Option<String>,
}

/// An assertion taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assertion {
    /// The source of the assertion, if shown: `assert route.length() == 3.2`.
    pub expression: Option<String>,
    /// `==`, `in`, `is not`, …; empty for a bare truth test.
    pub operator: String,
    /// Left operand's repr (or the only one).
    pub left: String,
    /// Right operand's repr.
    pub right: Option<String>,
    /// The user's own message, if any.
    pub message: Option<String>,
    /// pytest's explanation lines after the first, without the `E` margin.
    pub explanation: Vec<String>,
    /// `where 10.5 = <bound method …>()` clauses: (value, expression).
    pub wheres: Vec<(String, String)>,
}

/// The result formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResultFormat {
    /// JUnit XML of any `junit_family`.
    Junit,
    /// pytest-reportlog JSON lines.
    Reportlog,
    /// pytest-json-report.
    JsonReport,
    /// Common Test Report Format.
    Ctrf,
    /// Captured terminal output.
    Console,
    /// `.pytest_cache/v/cache/lastfailed`.
    LastFailed,
    /// The plugin's event stream.
    Events,
}

impl ResultFormat {
    /// The name shown to people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Junit => "JUnit XML",
            Self::Reportlog => "pytest-reportlog",
            Self::JsonReport => "pytest-json-report",
            Self::Ctrf => "CTRF",
            Self::Console => "console output",
            Self::LastFailed => "pytest cache",
            Self::Events => "Failscope events",
        }
    }
}

/// Where results came from.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultSource {
    /// The file as named to the reader (`-` for standard input). Raw.
    pub name: String,
    /// Its format.
    pub format: ResultFormat,
    /// When the run it tells of ended, or else the file's modification time.
    pub time: Option<SystemTime>,
    /// Bytes read.
    pub bytes: u64,
}

/// Something that could not be read or used, and where. Raw text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Byte offset in the file, where it has a meaning.
    pub offset: Option<u64>,
    /// What is wrong, what was kept and what the user can do.
    pub message: String,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Passed.
    Passed,
    /// Failed in call.
    Failed,
    /// Failed in another phase.
    Error,
    /// Skipped.
    Skipped,
    /// Failed as expected.
    Xfailed,
    /// Passed although expected to fail (not strict).
    Xpassed,
}

impl Outcome {
    /// All, each at the index that is its code.
    pub const ALL: [Self; 6] =
        [Self::Passed, Self::Failed, Self::Error, Self::Skipped, Self::Xfailed, Self::Xpassed];

    /// A number of three bits. It is stored in histories: an outcome keeps its own.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Numbers of test ids by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed in call.
    pub failed: u64,
    /// Failed in another phase.
    pub errors: u64,
    /// Skipped.
    pub skipped: u64,
    /// Failed as expected.
    pub xfailed: u64,
    /// Passed unexpectedly, not strict.
    pub xpassed: u64,
    /// Extra executions by rerun plugins.
    pub reruns: u64,
}

/// How the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exit {
    /// Nothing says how.
    #[default]
    Unknown,
    /// With this exit code.
    Code(i32),
    /// Interrupted by the user or `-x`.
    Interrupted,
    /// The record stops in the middle: killed, crashed or still going.
    Unfinished,
}

/// The tools that made the run, as far as the format says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolInfo {
    /// Python's version.
    pub python: Option<String>,
    /// pytest's version.
    pub pytest: Option<String>,
    /// Platform as pytest prints it.
    pub platform: Option<String>,
    /// Plugins with versions.
    pub plugins: Vec<String>,
}

/// One execution of pytest, or several merged. Raw.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The files it was read from.
    pub sources: Vec<ResultSource>,
    /// pytest's rootdir on the machine that ran, as given.
    pub root: Option<String>,
    /// Start.
    pub started: Option<SystemTime>,
    /// Seconds of wall time.
    pub duration: Option<f64>,
    /// Command-line arguments of pytest, where known.
    pub args: Vec<String>,
    /// Tools.
    pub tools: ToolInfo,
    /// How it ended.
    pub exit: Exit,
    /// Numbers by outcome.
    pub counts: Counts,
    /// The failures, in the order of the run.
    pub failures: Vec<Failure>,
    /// What did not fail.
    pub outcomes: TestOutcomes,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Run {
    /// Counts the tests anew from failures and outcomes; a test that failed and passed (a teardown that broke)
    /// counts as failed. `reruns` stays.
    pub fn count(&mut self) {
        // By test: whether its call failed.
        let mut tests: Map<&TestId, bool> = Map::default();
        for failure in &self.failures {
            *tests.entry(&failure.test).or_default() |= failure.phase == Phase::Call;
        }
        self.outcomes.remove(tests.keys().map(|test| test.as_str()));
        let failed = tests.values().filter(|in_call| **in_call).count() as u64;
        let errors = tests.len() as u64 - failed;
        let counts = self.outcomes.counts();
        self.counts = Counts {
            failed: failed + counts.failed,
            errors: errors + counts.errors,
            reruns: self.counts.reruns,
            ..counts
        };
    }
}
