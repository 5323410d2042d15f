//! What a rule may look at, and how it says what it found.

use std::sync::OnceLock;

use super::origin::{self, Operands};
use super::{Draft, Finding, bases, taxonomy};
use crate::cluster::fingerprint::{is_test_path, root_index};
use crate::model::{Assertion, Category, Exception, Failure, Frame, Place, Severity};
use crate::workspace::Workspace;
use crate::workspace::resolve::Called;

/// Longest message quoted in a sentence, in characters.
const MAX_QUOTED: usize = 160;
/// Most other places that are looked for in a cluster.
const MAX_PLACES: usize = 100;

/// What a rule may look at: the cluster's failures (texts already redacted, representative first), and the
/// workspace's sources and syntax trees.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The failures of the cluster, the representative first.
    pub failures: &'a [&'a Failure],
    /// Sources and syntax.
    pub workspace: &'a Workspace,
    /// Whether the failure may be replayed, which takes some milliseconds.
    pub replay: bool,
    /// What several rules ask for.
    pub memo: &'a Memo,
}

/// What is found out once for all rules that look at a case.
#[derive(Debug, Default)]
pub struct Memo {
    operands: OnceLock<Option<Operands>>,
    reached: OnceLock<Vec<Called>>,
}

impl<'a> Case<'a> {
    /// The failure that stands for the cluster.
    pub fn representative(&self) -> &'a Failure {
        self.failures[0]
    }

    /// The exception that came first: not a wrapper.
    pub fn root(&self) -> Option<&'a Exception> {
        let chain = &self.representative().exceptions;
        chain.get(root_index(chain))
    }

    /// The exception that pytest reported.
    pub fn last(&self) -> Option<&'a Exception> {
        self.representative().exceptions.last()
    }

    /// The assertion that failed, if that is the root of the failure.
    pub fn assertion(&self) -> Option<&'a Assertion> {
        self.root()?.assertion.as_ref()
    }

    /// The deepest frame of the project that the root exception went through; where it has none (it was raised
    /// and wrapped in libraries), of the next exception that has one.
    pub fn frame(&self) -> Option<(&'a Frame, &'a Place)> {
        frame_of(self.representative())
    }

    /// The operands of the assertion that failed, as the source has them at [`Self::frame`].
    pub fn operands(&self) -> Option<&'a Operands> {
        let find = || origin::operands(self.workspace, self.frame()?.1);
        self.memo.operands.get_or_init(find).as_ref()
    }

    /// What `find` finds, the first time: the functions that made the asserted value.
    pub(super) fn reached(&self, find: impl FnOnce() -> Vec<Called>) -> &'a [Called] {
        self.memo.reached.get_or_init(find)
    }

    /// The statement's text at `frame`: as the traceback shows it, else from the file.
    pub fn statement(&self, frame: &Frame, place: &Place) -> Option<String> {
        let shown = frame.source.as_deref().map(str::trim).filter(|source| !source.is_empty());
        shown.map(str::to_owned).or_else(|| {
            let source = self.workspace.source(&place.path)?;
            source.line(place.line).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
        })
    }

    /// The deepest frame of the project in test code: the test's own statement, as a rule.
    pub fn test_frame(&self) -> Option<(&'a Frame, &'a Place)> {
        self.representative().exceptions.iter().rev().find_map(|exception| {
            exception.frames.iter().rev().find_map(|frame| {
                let place = frame.place.as_ref().filter(|place| frame.in_project && in_tests(place))?;
                Some((frame, place))
            })
        })
    }

    /// Where the test is defined.
    pub fn definition(&self) -> Option<Place> {
        self.workspace.definition(&self.representative().test, None)
    }

    /// The category of the root exception, of the next one whose type says something otherwise.
    pub fn kind(&self) -> Option<taxonomy::Kind> {
        let chain = &self.representative().exceptions;
        chain[root_index(chain).min(chain.len())..].iter().find_map(|exception| {
            let known = taxonomy::of_exception(exception);
            known.or_else(|| bases::kind(self.workspace, exception))
        })
    }

    /// The other places that show the cluster's cause, each once, in the order of the failures.
    pub fn other_places(&self) -> Vec<&'a Place> {
        let own = frame_of(self.representative()).map(|(_, place)| place);
        let mut found: Vec<&Place> = Vec::new();
        for (_, place) in self.failures.iter().skip(1).filter_map(|failure| frame_of(failure)) {
            let same = |known: &Place| known.path == place.path && known.line == place.line;
            if !own.is_some_and(same) && !found.iter().any(|known| same(known)) {
                found.push(place);
            }
            if found.len() >= MAX_PLACES {
                break;
            }
        }
        found
    }
}

fn frame_of(failure: &Failure) -> Option<(&Frame, &Place)> {
    let chain = &failure.exceptions;
    chain[root_index(chain).min(chain.len())..].iter().find_map(|exception| {
        exception
            .frames
            .iter()
            .rev()
            .find_map(|frame| frame.place.as_ref().filter(|_| frame.in_project).map(|place| (frame, place)))
    })
}

/// Whether `place` is in test code.
pub fn in_tests(place: &Place) -> bool {
    is_test_path(place.path.as_str())
}

/// `` `Route.length` (src/route.py:57) ``, or the path and line alone.
pub fn at(place: &Place) -> String {
    let where_ = line_of(place);
    match place.function.as_deref() {
        Some(function) if function != "<module>" => format!("`{function}` ({where_})"),
        _ => where_,
    }
}

/// `src/route.py:57`
pub fn line_of(place: &Place) -> String {
    format!("{}:{}", place.path.as_str(), place.line)
}

/// `` `KeyError: 'total'` ``: the type's short name and the first line of the message.
pub fn named(exception: &Exception) -> String {
    let line = exception.message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.is_empty() {
        code(exception.short_type())
    } else {
        code(&format!("{}: {line}", exception.short_type()))
    }
}

/// Text as code in a sentence: one line, cut, in backquotes.
pub fn code(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = line.char_indices().nth(MAX_QUOTED) {
        line.truncate(at);
        line.push('…');
    }
    if line.contains('`') { format!("``{line}``") } else { format!("`{line}`") }
}

impl Finding {
    /// A finding with nothing but its name and weight.
    pub fn new(rule: &'static str, category: Category, severity: Severity, confidence: f64) -> Self {
        Self {
            rule,
            root_cause: String::new(),
            category,
            severity,
            suggestion: String::new(),
            confidence,
            evidence: Vec::new(),
            culprits: Vec::new(),
            fixes: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Says what is wrong, in one sentence.
    #[must_use]
    pub fn because(mut self, sentence: impl Into<String>) -> Self {
        self.root_cause = sentence.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn suggest(mut self, sentence: impl Into<String>) -> Self {
        self.suggestion = sentence.into();
        self
    }

    /// Adds a piece of evidence.
    #[must_use]
    pub fn shown(mut self, text: impl Into<String>, place: Option<&Place>) -> Self {
        self.evidence.push((text.into(), place.cloned()));
        self
    }

    /// Adds a suspected place, worse than those before.
    #[must_use]
    pub fn suspect(mut self, place: &Place, score: f64, reason: impl Into<String>) -> Self {
        match self.culprits.iter_mut().find(|(known, ..)| known == place) {
            Some((_, _, reasons)) => reasons.push(reason.into()),
            None => self.culprits.push((place.clone(), score, vec![reason.into()])),
        }
        self
    }

    /// Adds what would mend it, less preferred than those before.
    #[must_use]
    pub fn mend(mut self, fix: impl Into<Option<Draft>>) -> Self {
        self.fixes.extend(fix.into());
        self
    }

    /// Says what is missing to be sure.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }
}
