//! Failures without an exception of the project's: a strict xfail that passed, a dead process, a broken pytest.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code};
use crate::model::{Category, FailureKind, Severity};

/// A test marked `xfail(strict=True)` passed: the mark has outlived its reason.
pub(super) fn strict_xpass(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    if failure.kind != FailureKind::StrictXpass {
        return None;
    }
    let place = case.definition();
    let name = failure.test.names().last().copied().unwrap_or_default();
    let reason = [&failure.text, &failure.headline]
        .into_iter()
        .filter_map(|text| text.trim().strip_prefix("[XPASS(strict)]"))
        .map(str::trim)
        .find(|reason| !reason.is_empty());
    let because = reason.map_or_else(String::new, |reason| format!(" (reason given: {})", code(reason)));
    let mut finding = Finding::new("outcome-strict-xpass", Category::AssertionFailure, Severity::Low, 0.95)
        .because(format!("`{name}` passes although it is marked `xfail(strict=True)`{because}: what it waited for works now"))
        .suggest(format!("Remove the `xfail` mark from `{name}`, or make the condition of the mark narrower"));
    if let Some(place) = &place {
        finding = finding
            .shown(format!("{} is marked as expected to fail, and passed", at(place)), Some(place))
            .suspect(place, 0.95, "carries the `xfail` mark");
    }
    Some(finding)
}

/// The process or the xdist worker died.
pub(super) fn crash(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    if failure.kind != FailureKind::Crash {
        return None;
    }
    let place = case.frame().map(|(_, place)| place.clone()).or_else(|| case.definition());
    let worker = failure.worker.as_deref().map_or_else(String::new, |worker| format!(" `{worker}`"));
    let mut finding = Finding::new("outcome-crash", Category::EnvIssue, Severity::Critical, 0.6)
        .because(format!(
            "The worker process{worker} died while it ran `{}`: the interpreter was killed or crashed, it did not raise",
            failure.test
        ))
        .suggest("Run this test alone with `python -X faulthandler -m pytest -p no:xdist` to see where the interpreter stops")
        .note("What would settle it: the output of faulthandler, or the system's log (out of memory, signal)");
    if let Some(place) = &place {
        finding = finding
            .shown(format!("{} was running when the process died", at(place)), Some(place))
            .suspect(place, 0.5, "was running when the process died");
    }
    Some(finding)
}

/// pytest or one of its plugins broke.
pub(super) fn internal(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    if failure.kind != FailureKind::Internal {
        return None;
    }
    let last = case.last();
    let what = last.map_or_else(
        || code(failure.headline.lines().next().unwrap_or_default()),
        crate::diagnose::case::named,
    );
    let base = Finding::new("outcome-internal-error", Category::EnvIssue, Severity::Critical, 0.6);
    Some(match case.frame() {
        Some((_, place)) => base
            .because(format!("pytest itself stopped with an internal error: {what} in {}, which a hook called", at(place)))
            .suggest(format!("Correct the hook code at {}", at(place)))
            .shown(format!("the deepest frame of the project is {}", at(place)), Some(place))
            .suspect(place, 0.8, "deepest frame of the project below pytest's hook call"),
        None => base
            .because(format!("pytest itself stopped with an internal error: {what}"))
            .suggest("Run with `-p no:NAME` for each plugin in turn to see which one breaks, and check that its version fits this pytest"),
    })
}
