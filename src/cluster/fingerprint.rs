//! The fingerprint of a failure: SHA-256 over what makes two failures the same.
//!
//! It rests on what every result format tells: exception types, the place of the cause (path relative to the
//! workspace, function, the statement's text; never the line's number), and the normalised message.
//!
//! | failure | what identifies it |
//! |---|---|
//! | exception out of the project's code | root exception, the deepest project frame's function and statement, message |
//! | exception or assertion in the test itself | the test without parameters, function and statement |
//! | fixture, `setUp` | the function and statement that broke, whichever test asked for it |
//! | attribute that a class or module of the project lacks | that class or module and the attribute, whoever uses it |
//! | call that does not fit a signature of the project | that function, how, and the arguments' names |
//! | missing module or name of a module | that module and name, whoever imports it |
//! | collection error | the module that broke and the statement |
//! | recursion | the function that calls itself |
//! | time limit | the function that was running |
//! | exception group | its leaves |
//! | nothing but a name | the test without parameters |
//!
//! Formats that tell less give other fingerprints to some failures. `--tb=line` has no place for what fails
//! outside of a test's call, of a chain the last place only, of an exception out of a library the library's line,
//! and of recursion where it ended; a summary line cut before its message names no entry. `--tb=no`, CTRF and
//! `lastfailed` have no places at all.

use sha2::{Digest as _, Sha256};

use super::normalise::{self, Quoted};
use super::shared;
use crate::model::{Exception, Failure, FailureKind, Fingerprint, Frame, Link, Phase, Place};
use crate::workspace::Workspace;
use crate::workspace::python::ExprKind;

/// Version of the recipe; part of the digest, so that a changed recipe never matches old history by accident.
pub const VERSION: u32 = 1;

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

/// The fingerprint of `failure`, whose frames have been resolved by [`crate::evidence::collect`].
pub fn fingerprint(failure: &Failure, workspace: &Workspace) -> Fingerprint {
    let mut hasher = Sha256::new();
    hasher.update(format!("failscope {VERSION}\n"));
    for part in identity(failure, workspace) {
        hasher.update(part.as_bytes());
        hasher.update(b"\0");
    }
    Fingerprint(hex(&hasher.finalize()))
}

/// The exception of `chain` that came first: `raise … from` is followed back, and so is an exception raised
/// on purpose while another was handled; an accident in the handling code is a root of its own.
pub(crate) fn root_index(chain: &[Exception]) -> usize {
    let accident = |exception: &Exception| {
        let deepest = exception.frames.last();
        deepest.is_some_and(|frame| {
            let source = frame.source.as_deref().map(str::trim_start);
            frame.in_project
                && source.is_some_and(|source| !source.is_empty() && !source.starts_with("raise"))
        })
    };
    (1..chain.len())
        .rev()
        .find(|&index| chain[index - 1].link == Link::Context && accident(&chain[index]))
        .unwrap_or(0)
}

/// What is hashed, readable.
pub(super) fn identity(failure: &Failure, workspace: &Workspace) -> Vec<String> {
    let test = || failure.test.without_params().to_owned();
    match failure.kind {
        FailureKind::StrictXpass => return vec!["strict xpass".into(), test()],
        FailureKind::Crash => return vec!["crash".into(), test()],
        FailureKind::Internal => {
            let message = failure.exceptions.last().map_or(&failure.headline, |e| &e.message);
            return vec!["internal".into(), normalise::message(message, Quoted::Replace)];
        }
        FailureKind::Exception | FailureKind::Unknown => {}
    }
    if failure.exceptions.is_empty() {
        return vec!["name".into(), test(), normalise::message(&failure.headline, Quoted::Replace)];
    }
    chain_identity(&failure.exceptions, failure, workspace)
}

fn chain_identity(chain: &[Exception], failure: &Failure, workspace: &Workspace) -> Vec<String> {
    let chain = &chain[root_index(chain).min(chain.len())..];
    let (Some(root), Some(last)) = (chain.first(), chain.last()) else { return Vec::new() };
    if let Some(parts) = import_identity(chain) {
        return parts;
    }
    if let Some(group) = chain.iter().find(|exception| !exception.group.is_empty()) {
        let mut leaves: Vec<Vec<String>> =
            group.group.iter().map(|chain| chain_identity(chain, failure, workspace)).collect();
        leaves.sort();
        leaves.dedup();
        return std::iter::once("group".to_owned()).chain(leaves.into_iter().flatten()).collect();
    }
    if let Some(parts) = shared::identity(root, workspace) {
        return parts;
    }
    if last.short_type() == "FixtureLookupError" {
        return vec!["fixture lookup".into(), normalise::message(&last.message, Quoted::Keep)];
    }
    let mut parts = vec![root.short_type().to_owned()];
    if chain.len() > 1 {
        parts.push(last.short_type().to_owned());
    }
    let timeout = is_time_limit(last);
    let frames = || chain.iter().map(|exception| exception.frames.as_slice());
    let cause = if root.short_type() == "RecursionError" {
        frames().find_map(recurring_frame)
    } else {
        frames().find_map(|frames| frames.iter().rfind(|frame| in_project(frame)))
    };
    let untraced = root.short_type() == "Failed" && cause.is_some_and(|frame| is_untraced(frame, workspace));
    let cause = cause.filter(|_| !untraced);
    let test_owned = match cause.and_then(place) {
        Some((frame, place)) => {
            parts.push(place.path.as_str().to_owned());
            parts.push(function(frame, place).unwrap_or_default().to_owned());
            if !timeout && root.short_type() != "RecursionError" {
                parts.push(statement(frame, place, workspace));
            }
            is_test_code(place.path.as_str(), failure) && !in_fixture(chain, failure)
        }
        None => !matches!(failure.phase, Phase::Setup | Phase::Collect),
    };
    if test_owned {
        parts.push(failure.test.without_params().to_owned());
        parts.extend(calling_statement(chain, failure, cause, workspace).filter(|_| !untraced));
    }
    if !(test_owned && cause.is_some() && is_assertion(root)) && root.short_type() != "RecursionError" {
        parts.push(message_identity(root, failure));
    }
    parts
}

/// A missing module, or a missing name of a module: mended in one place for all who import it.
fn import_identity(chain: &[Exception]) -> Option<Vec<String>> {
    let exception = chain.iter().find(|e| matches!(e.short_type(), "ModuleNotFoundError" | "ImportError"))?;
    let message = normalise::message(&exception.message, Quoted::Keep);
    let named = message.starts_with("No module named ") || message.starts_with("cannot import name ");
    // What follows in brackets is where the module was found.
    let end = message.find(" (").unwrap_or(message.len());
    named.then(|| vec!["import".into(), message[..end].to_owned()])
}

fn in_project(frame: &Frame) -> bool {
    frame.in_project && frame.place.is_some()
}

fn place(frame: &Frame) -> Option<(&Frame, &Place)> {
    Some((frame, frame.place.as_ref()?))
}

fn function<'f>(frame: &'f Frame, place: &'f Place) -> Option<&'f str> {
    place.function.as_deref().or(frame.function.as_deref()).filter(|name| *name != "<module>")
}

/// The first function of the project that is on the stack more than once; else the deepest frame.
fn recurring_frame(frames: &[Frame]) -> Option<&Frame> {
    let mut seen = std::collections::HashSet::new();
    frames
        .iter()
        .filter(|frame| in_project(frame))
        .find(|frame| {
            let key = place(frame).map(|(frame, place)| (place.path.clone(), function(frame, place)));
            !seen.insert(key)
        })
        .or_else(|| frames.iter().rfind(|frame| in_project(frame)))
}

/// The statement's text without needless blanks, and which of the equal statements of its function it is.
fn statement(frame: &Frame, place: &Place, workspace: &Workspace) -> String {
    let source = workspace.source(&place.path);
    let line = source.as_ref().and_then(|source| source.line(place.line)).map(str::trim);
    let Some(text) = frame.source.as_deref().map(str::trim).filter(|s| !s.is_empty()).or(line) else {
        return String::new();
    };
    let mut normal = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let (Some(source), Some(line)) = (&source, line)
        && line == text
    {
        let start = source.module().enclosing_function(place.line).map_or(place.line, |def| def.start_line);
        let earlier =
            (start..place.line).filter(|&n| source.line(n).is_some_and(|l| l.trim() == text)).count();
        if earlier > 0 {
            normal = format!("{normal} #{earlier}");
        }
    }
    normal
}

/// Whether the statement is `pytest.fail(…, pytrace=False)`, whose place most formats do not tell.
fn is_untraced(frame: &Frame, workspace: &Workspace) -> bool {
    let source = frame.place.as_ref().and_then(|place| Some((workspace.source(&place.path)?, place.line)));
    source.is_some_and(|(source, line)| {
        source.module().expressions_at(line).iter().any(|expr| match &expr.kind {
            ExprKind::Call { func, keywords, .. } => {
                let name = func.dotted();
                name.is_some_and(|name| name.rsplit('.').next() == Some("fail"))
                    && keywords.iter().any(|keyword| {
                        keyword.name.as_deref() == Some("pytrace")
                            && matches!(keyword.value.kind, ExprKind::Bool(false))
                    })
            }
            _ => false,
        })
    })
}

/// A failure below the test's own function (in a helper of the test code): the test's statement tells which
/// of several calls it was.
fn calling_statement(
    chain: &[Exception],
    failure: &Failure,
    cause: Option<&Frame>,
    workspace: &Workspace,
) -> Option<String> {
    let names = failure.test.names();
    let name = names.last()?;
    let frames = chain.iter().flat_map(|exception| &exception.frames).filter(|frame| in_project(frame));
    let (frame, place) = frames
        .filter_map(place)
        .find(|(frame, place)| function(frame, place).is_some_and(|f| f.rsplit('.').next() == Some(name)))?;
    (!cause.is_some_and(|cause| std::ptr::eq(cause, frame))).then(|| statement(frame, place, workspace))
}

/// Whether `path` holds tests or their helpers, whose failures say something about the calling test first.
pub(crate) fn is_test_code(path: &str, failure: &Failure) -> bool {
    is_test_path(path) || path == failure.test.file()
}

/// Whether `path` holds tests or their helpers, by pytest's naming conventions.
pub(crate) fn is_test_path(path: &str) -> bool {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let name = file.strip_suffix(".py").unwrap_or(file);
    name == "conftest"
        || name.starts_with("test_")
        || name.ends_with("_test")
        || name == "tests"
        || folders.split('/').any(|folder| matches!(folder, "tests" | "test" | "testing"))
}

/// Whether the failure is a fixture's or a `setUp`'s own: it is then the same for every test.
fn in_fixture(chain: &[Exception], failure: &Failure) -> bool {
    const SETUP: [&str; 14] = [
        "setUp",
        "asyncSetUp",
        "setUpClass",
        "setUpModule",
        "setup",
        "setup_method",
        "setup_class",
        "setup_module",
        "setup_function",
        "tearDown",
        "asyncTearDown",
        "tearDownClass",
        "teardown_method",
        "teardown_class",
    ];
    failure.phase != Phase::Call
        || chain.iter().flat_map(|exception| &exception.frames).filter(|f| in_project(f)).any(|frame| {
            let name = place(frame).and_then(|(frame, place)| function(frame, place)).unwrap_or_default();
            SETUP.contains(&name.rsplit('.').next().unwrap_or_default())
        })
}

/// Whether the message is about the compared values rather than about the defect.
fn is_assertion(exception: &Exception) -> bool {
    exception.assertion.is_some() || exception.short_type() == "AssertionError"
}

/// pytest-timeout, asyncio and the like: which line was running is chance.
fn is_time_limit(exception: &Exception) -> bool {
    exception.short_type() == "Failed" && exception.message.starts_with("Timeout")
}

fn message_identity(exception: &Exception, failure: &Failure) -> String {
    let names = matches!(
        exception.short_type(),
        "AttributeError"
            | "NameError"
            | "UnboundLocalError"
            | "ImportError"
            | "TypeError"
            | "FileNotFoundError"
    );
    let keys = exception.short_type() == "KeyError" && failure.test.params().is_none();
    normalise::message(&exception.message, if names || keys { Quoted::Keep } else { Quoted::Replace })
}
