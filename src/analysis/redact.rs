//! Secrets out of a whole run before anything else looks at it: what is parsed, hashed and concluded later
//! can then hold none.

use crate::evidence::redact::{Learned, Redactor};
use crate::model::{Exception, Failure, Redacted, Run, Value};

/// The redacted texts of one failure, kept as such so that they need not be redacted again to be shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    /// `Failure::text`, or the headline where there is no text.
    pub(super) text: Redacted,
    /// Titles and texts of `Failure::sections`.
    pub(super) sections: Vec<(Redacted, Redacted)>,
}

/// Replaces the secrets in every free text of `run` in place. Test ids and paths stay raw: they are needed to
/// run tests and to open files, and are redacted where they are shown. Gives the log of each failure.
pub(super) fn redact_run(run: &mut Run, redactor: &Redactor) -> Vec<Log> {
    let learned = learn_run(run, redactor);
    let texts = run.failures.iter_mut().zip(learned);
    texts.map(|(failure, learned)| redact_failure(failure, learned, redactor)).collect()
}

/// What was learned of the texts of a failure that every failure has.
#[derive(Default)]
struct LearnedTexts {
    headline: Learned,
    text: Learned,
    sections: Vec<Learned>,
}

/// Collects the secrets of the whole run before any text is redacted: one that stands in full in a log is then
/// also masked where a test id or a message holds it cut off. In the order of test ids, so that the order of
/// the run does not show in how secrets are numbered.
fn learn_run(run: &Run, redactor: &Redactor) -> Vec<LearnedTexts> {
    let mut failures: Vec<(usize, &Failure)> = run.failures.iter().enumerate().collect();
    failures.sort_by(|(_, a), (_, b)| (&a.test, a.phase, &a.subtest).cmp(&(&b.test, b.phase, &b.subtest)));
    let mut all: Vec<LearnedTexts> = failures.iter().map(|_| LearnedTexts::default()).collect();
    for (index, failure) in failures {
        redactor.learn(failure.test.as_str());
        let learned = &mut all[index];
        learned.headline = redactor.learn(&failure.headline);
        learned.text = redactor.learn(&failure.text);
        learned.sections = failure.sections.iter().map(|section| redactor.learn(&section.text)).collect();
        for (name, repr) in &failure.params {
            redactor.learn(&format!("{name} = {repr}"));
        }
        learn_chain(&failure.exceptions, redactor);
    }
    all
}

fn learn_chain(chain: &[Exception], redactor: &Redactor) {
    for exception in chain {
        redactor.learn(&exception.message);
        for Value { name, repr, .. } in exception.frames.iter().flat_map(|frame| &frame.locals) {
            redactor.learn(&format!("{name} = {repr}"));
        }
        for chain in &exception.group {
            learn_chain(chain, redactor);
        }
    }
}

fn redact_failure(failure: &mut Failure, learned: LearnedTexts, redactor: &Redactor) -> Log {
    let headline = redactor.learned(&failure.headline, learned.headline);
    if headline.as_str() != failure.headline {
        headline.as_str().clone_into(&mut failure.headline);
    }
    let text = redactor.learned_text(&failure.text, learned.text);
    failure.text = text.shared();
    let sections = failure
        .sections
        .iter_mut()
        .zip(learned.sections)
        .map(|(section, learned)| {
            let text = std::mem::take(&mut section.text).into();
            let text = redactor.learned_text(&text, learned);
            text.as_str().clone_into(&mut section.text);
            (replace(&mut section.name, redactor), text)
        })
        .collect();
    if let Some(subtest) = &mut failure.subtest {
        replace(subtest, redactor);
    }
    for (name, repr) in &mut failure.params {
        replace_named(name, repr, redactor);
    }
    redact_chain(&mut failure.exceptions, redactor);
    Log { text: if text.is_empty() { headline } else { text }, sections }
}

fn redact_chain(chain: &mut [Exception], redactor: &Redactor) {
    for exception in chain {
        replace(&mut exception.message, redactor);
        for note in &mut exception.notes {
            replace(note, redactor);
        }
        for frame in &mut exception.frames {
            if let Some(source) = &mut frame.source {
                replace(source, redactor);
            }
            for Value { name, repr, .. } in &mut frame.locals {
                replace_named(name, repr, redactor);
            }
        }
        if let Some(assertion) = &mut exception.assertion {
            let optional = [&mut assertion.expression, &mut assertion.right, &mut assertion.message];
            for text in optional.into_iter().flatten() {
                replace(text, redactor);
            }
            replace(&mut assertion.left, redactor);
            for line in &mut assertion.explanation {
                replace(line, redactor);
            }
            for (value, expression) in &mut assertion.wheres {
                replace_named(expression, value, redactor);
            }
        }
        for chain in &mut exception.group {
            redact_chain(chain, redactor);
        }
    }
}

fn replace(text: &mut String, redactor: &Redactor) -> Redacted {
    if text.is_empty() {
        return Redacted::default();
    }
    let redacted = redactor.text(text);
    if redacted.as_str() != *text {
        redacted.as_str().clone_into(text);
    }
    redacted
}

/// A value whose variable's name may tell that it is a secret: seen together as `name = value`.
fn replace_named(name: &str, repr: &mut String, redactor: &Redactor) {
    let prefix = format!("{name} = ");
    let together = redactor.text(&format!("{prefix}{repr}"));
    match together.as_str().strip_prefix(&prefix) {
        Some(rest) if rest == *repr => {}
        Some(rest) => rest.clone_into(repr),
        // The name itself was changed: redact the value alone.
        None => {
            replace(repr, redactor);
        }
    }
}
