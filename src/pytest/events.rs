//! The event stream that the plugin writes: `.failscope/runs/<time>-<pid>.jsonl`.
//!
//! One JSON object per line, one key per object: the kind of event, whose value is one of the types below.
//! Lines are ASCII (everything else is escaped) and each is appended with one write, so that a reader may follow
//! the file while it grows; a killed process leaves at most its last line half-written. The first line is
//! `session`. A reader skips kinds and fields that it does not know: within one `version` they are only added.
//!
//! ```text
//! {"session":{"version":1,"pid":4711,"host":"box","time":1795352160.4,"root":"/w","args":["-q"],…}}
//! {"collected":{"count":120,"deselected":3}}
//! {"begin":{"id":"tests/test_a.py::test_b"}}
//! {"failure":{"outcome":"failed","id":"tests/test_a.py::test_b","phase":"call","exceptions":[…],…}}
//! {"end":{"id":"tests/test_a.py::test_b","outcome":"failed","seconds":[0.001,0.002,0.001]}}
//! {"trace":{"id":"tests/test_a.py::test_b","files":[["a.py","3-5,9"]],"codes":[…],"values":["1"],"cut":false}}
//! {"steps":{"id":"tests/test_a.py::test_b","next":0,"stack":[],"steps":[-1,0,0,3,4,-2,1]}}
//! {"interrupted":{"reason":"KeyboardInterrupt"}}
//! {"finish":{"exit":1,"seconds":2.5}}
//! ```
//!
//! Texts are raw: they may hold secrets.

use serde::Deserialize;

use crate::model::{Outcome, Phase};

/// The version of the schema this program reads. The plugin writes the same number.
pub const VERSION: u32 = 1;

/// How every stream begins; formats are told apart by it.
pub const MAGIC: &[u8] = br#"{"session":{"version":"#;

/// One line of a stream.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The run begins. Always the first line.
    Session(Session),
    /// Collection is complete.
    Collected(Collected),
    /// A test begins.
    Begin(Begin),
    /// A phase, a subtest or a collector failed, or pytest broke.
    Failure(Box<FailureEvent>),
    /// A test has ended, all its phases and reruns included.
    End(End),
    /// What the project's code did while a test ran; only in runs that are traced, after the test's `end`.
    Trace(Box<Trace>),
    /// A part of the steps of the test whose `trace` came last.
    Steps(Box<Steps>),
    /// The run was interrupted; `finish` may still come.
    Interrupted(Interrupted),
    /// The run is over. Always the last line.
    Finish(Finish),
}

/// See [`Event::Session`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Version of the schema.
    pub version: u32,
    /// Process that writes.
    pub pid: u32,
    /// Name of the machine (or container) it runs on.
    pub host: String,
    /// Start in seconds since the Unix epoch.
    pub time: f64,
    /// pytest's rootdir.
    pub root: String,
    /// Folder pytest was called in.
    pub cwd: String,
    /// pytest's arguments.
    pub args: Vec<String>,
    /// Python's version.
    pub python: String,
    /// pytest's version.
    pub pytest: String,
    /// `sys.platform`.
    pub platform: String,
    /// Plugins as `name-version`.
    pub plugins: Vec<String>,
    /// The style of `text` in failures: `--tb`.
    pub tbstyle: String,
}

/// See [`Event::Collected`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Collected {
    /// Tests that will be run.
    pub count: u64,
    /// Tests left out by `-k`, `-m` and the like.
    pub deselected: u64,
}

/// See [`Event::Begin`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Begin {
    /// Test id.
    pub id: String,
}

/// See [`Event::End`].
#[derive(Debug, Clone, Deserialize)]
pub struct End {
    /// Test id.
    pub id: String,
    /// What counts of all phases: failed in call before error before the rest.
    pub outcome: Outcome,
    /// Seconds in setup, call and teardown.
    #[serde(default)]
    pub seconds: (f64, f64, f64),
    /// xdist worker.
    #[serde(default)]
    pub worker: Option<String>,
    /// Executions before the last.
    #[serde(default)]
    pub reruns: u32,
    /// Why it was skipped or expected to fail.
    #[serde(default)]
    pub reason: Option<String>,
}

/// See [`Event::Interrupted`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Interrupted {
    /// What pytest says of it.
    pub reason: String,
}

/// See [`Event::Finish`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Finish {
    /// pytest's exit status.
    pub exit: i32,
    /// Seconds since the start of the run.
    pub seconds: f64,
}

/// See [`Event::Trace`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// Test id.
    pub id: String,
    /// Files (as in frames) with the lines that ran, as ranges: `1-3,7`.
    pub files: Vec<(String, String)>,
    /// The functions and other blocks of code that the steps name by their index.
    pub codes: Vec<Code>,
    /// Texts of values, which the steps name by their index, from 1.
    pub values: Vec<String>,
    /// Whether the first of the steps are left out.
    pub cut: bool,
}

/// A function, lambda, comprehension, class body or module.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Code {
    /// File, as in frames.
    pub file: String,
    /// First line, decorators included.
    pub line: u32,
    /// Name: qualified from Python 3.11 on.
    pub name: String,
    /// Names of the parameters, `*args` and `**kwargs` left out.
    pub args: Vec<String>,
}

/// See [`Event::Steps`].
///
/// `steps` is a sequence of: a line that the running frame comes to (positive); `-1, code, n, value × n` a call,
/// which is a frame of the next number; `-2, value` the running frame returns; `-3, value` it yields or awaits;
/// `-4, frame, code` a frame goes on; `-5` an exception leaves the running frame. The value 0 was not recorded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Steps {
    /// Test id.
    pub id: String,
    /// Number of the next frame that is called.
    pub next: u32,
    /// The frames that run at the beginning of this part, outermost first: number and code.
    pub stack: Vec<(u32, u32)>,
    /// The steps.
    pub steps: Vec<i64>,
}

/// Whether a failing phase counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It counts.
    #[default]
    Failed,
    /// A plugin runs the test again: the later execution counts.
    Rerun,
}

/// What kind of failure was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An exception, or a message of pytest's own.
    #[default]
    Exception,
    /// A test that had to fail has passed.
    StrictXpass,
    /// The xdist worker died.
    Crash,
    /// pytest broke.
    Internal,
}

/// See [`Event::Failure`].
#[derive(Debug, Clone, Deserialize)]
pub struct FailureEvent {
    /// Test id; of a collection error the file's or folder's; empty for an internal error outside a test.
    pub id: String,
    /// Phase.
    pub phase: Phase,
    /// Whether it counts.
    #[serde(default)]
    pub outcome: Verdict,
    /// Kind.
    #[serde(default)]
    pub kind: Kind,
    /// How the subtest describes itself: `[message] (i=1)`.
    #[serde(default)]
    pub subtest: Option<String>,
    /// xdist worker.
    #[serde(default)]
    pub worker: Option<String>,
    /// Executions before this one.
    #[serde(default)]
    pub reruns: u32,
    /// Seconds in the phase.
    #[serde(default)]
    pub seconds: f64,
    /// File (relative to the root) and first line (from 1) of the test.
    #[serde(default)]
    pub location: Option<(String, Option<u32>)>,
    /// First line of what went wrong, as pytest's summary has it.
    #[serde(default)]
    pub headline: String,
    /// The failure as pytest prints it under `--tb=<tbstyle>`.
    #[serde(default)]
    pub text: String,
    /// The chain, first cause first; empty where only `text` tells.
    #[serde(default)]
    pub exceptions: Vec<ExceptionEvent>,
    /// Captured output: title and text.
    #[serde(default)]
    pub sections: Vec<(String, String)>,
    /// Fixtures in use.
    #[serde(default)]
    pub fixtures: Vec<Fixture>,
    /// Parameters: name and `repr`.
    #[serde(default)]
    pub params: Vec<(String, String)>,
    /// Names of marks.
    #[serde(default)]
    pub marks: Vec<String>,
    /// Why details are missing.
    #[serde(default)]
    pub note: Option<String>,
}

/// How an exception is tied to the next of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkEvent {
    /// It is the last.
    Last,
    /// The next was raised `from` it.
    Cause,
    /// The next was raised while it was handled.
    Context,
}

/// One exception of a chain.
#[derive(Debug, Clone, Deserialize)]
pub struct ExceptionEvent {
    /// The type, with its module unless that is `builtins`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// `str()` of it; for a syntax error the bare message.
    #[serde(default)]
    pub message: String,
    /// Tie to the next.
    pub link: LinkEvent,
    /// Frames, outermost first; pytest's own are left out.
    #[serde(default)]
    pub frames: Vec<FrameEvent>,
    /// The two sides of the comparison that failed, before pytest cuts them.
    #[serde(default)]
    pub operands: Option<Operands>,
    /// Notes added to it.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Members of a group: each is a chain.
    #[serde(default)]
    pub group: Vec<Vec<ExceptionEvent>>,
}

/// One frame.
#[derive(Debug, Clone, Deserialize)]
pub struct FrameEvent {
    /// Relative to the root if it is below it, else absolute; `/`-separated.
    pub path: String,
    /// Line, from 1; 0 if unknown.
    pub line: u32,
    /// Last line, first column and one past the last column (from 1, scalar values) of what was evaluated.
    #[serde(default)]
    pub span: Option<(u32, u32, u32)>,
    /// Function: qualified from Python 3.11 on.
    #[serde(default)]
    pub function: Option<String>,
    /// The source line, trimmed.
    #[serde(default)]
    pub source: Option<String>,
    /// Values of local variables: name, `repr`, type's name. Only of project frames.
    #[serde(default)]
    pub locals: Vec<(String, String, String)>,
}

/// See [`ExceptionEvent::operands`].
#[derive(Debug, Clone, Deserialize)]
pub struct Operands {
    /// The operator as pytest names it: `==`, `in`, `not in`, `<`, …
    pub op: String,
    /// `repr` of the left side.
    pub left: String,
    /// `repr` of the right side.
    pub right: String,
    /// Type's name of the left side.
    #[serde(default)]
    pub left_type: String,
    /// Type's name of the right side.
    #[serde(default)]
    pub right_type: String,
}

/// A fixture: `[name, scope]` or `[name, scope, path, line]`.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Name.
    pub name: String,
    /// `function`, `class`, `module`, `package` or `session`.
    pub scope: String,
    /// Path (as in frames) and line, from 1, of its definition, decorators included.
    pub location: Option<(String, u32)>,
}

impl<'de> Deserialize<'de> for Fixture {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fixture;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("[name, scope] or [name, scope, path, line]")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Fixture, A::Error> {
                let missing = |what| serde::de::Error::custom(format!("a fixture without {what}"));
                let name = seq.next_element()?.ok_or_else(|| missing("a name"))?;
                let scope = seq.next_element()?.ok_or_else(|| missing("a scope"))?;
                let path: Option<String> = seq.next_element()?;
                let line: Option<u32> = seq.next_element()?;
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Fixture { name, scope, location: path.zip(line) })
            }
        }
        deserializer.deserialize_seq(Visitor)
    }
}

/// Takes one line apart. `Ok(None)` for a kind of event that this version does not know.
pub fn parse(line: &[u8]) -> Result<Option<Event>, serde_json::Error> {
    match serde_json::from_slice(line) {
        Ok(event) => Ok(Some(event)),
        Err(error) if is_unknown_kind(line) => {
            tracing::debug!("unknown event skipped: {error}");
            Ok(None)
        }
        Err(error) => match without_lone_surrogates(line) {
            Some(line) => serde_json::from_slice(&line).map(Some),
            None => Err(error),
        },
    }
}

/// `line` with U+FFFD in the place of escaped surrogates that have no partner, which texts of Python may hold (a file
/// name that is no UTF-8, for one) and Rust's may not; `None` if there are none.
fn without_lone_surrogates(line: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| {
        let digits = line.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut mended = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = line.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += found;
        let step = match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                mended.extend_from_slice(&line[from..at]);
                mended.extend_from_slice(b"\\ufffd");
                from = at + 6;
                6
            }
            _ => 2,
        };
        at += step;
    }
    if from == 0 {
        return None;
    }
    mended.extend_from_slice(&line[from..]);
    Some(mended)
}

/// Whether `line` is a whole object with one key that names no event.
fn is_unknown_kind(line: &[u8]) -> bool {
    const KNOWN: [&str; 9] =
        ["session", "collected", "begin", "failure", "end", "trace", "steps", "interrupted", "finish"];
    let object: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(line);
    object.is_ok_and(|o| o.len() == 1 && o.keys().all(|key| !KNOWN.contains(&key.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surrogates_without_a_partner_cost_no_event() {
        for (written, read) in [
            (r"caf\udce9.py", "caf\u{fffd}.py"),
            (r"\ud83d\ude00 \ud83d", "\u{1f600} \u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
            (r"\\ud83d \uDC00\n", "\\ud83d \u{fffd}\n"),
        ] {
            let line = format!(r#"{{"begin":{{"id":"{written}"}}}}"#);
            let event = parse(line.as_bytes());
            assert!(matches!(&event, Ok(Some(Event::Begin(begin))) if begin.id == read), "{event:?}");
        }
        assert!(parse(br#"{"begin":{"id":"\ud83d"#).is_err(), "half a line");
        assert!(parse(br#"{"begin":{"id":"\ud8"#).is_err(), "half an escape");
    }

    #[test]
    fn plugin_and_program_have_the_same_version() {
        let plugin = include_str!("../../python/failscope/stream.py");
        assert!(plugin.lines().any(|line| line == format!("VERSION = {VERSION}")));
    }
}
