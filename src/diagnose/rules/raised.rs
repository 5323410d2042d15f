//! An exception of any kind: what was raised, where, and by which call of the test. The rule of last resort
//! wherever there is a traceback.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, in_tests, line_of, named};
use crate::model::{Category, Phase, Severity};

/// States the exception and its place.
pub(super) fn raised(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    let (root, last) = (case.root()?, case.last()?);
    let kind = case.kind();
    let category = kind.map_or(Category::Other, |kind| kind.category);
    let severity = kind.map_or(Severity::Medium, |kind| kind.severity);
    let new = |confidence| Finding::new("raised", category, severity, confidence);
    let phase = match failure.phase {
        Phase::Collect => " while the file is imported",
        Phase::Setup => " while the test is set up",
        Phase::Call => "",
        Phase::Teardown => " while the test is torn down",
    };
    let wrapped = if std::ptr::eq(root, last) || root.short_type() == last.short_type() {
        String::new()
    } else {
        format!(", reported as {}", code(last.short_type()))
    };
    let Some((frame, place)) = case.frame() else {
        let mut finding = new(0.15)
            .because(format!("{}{wrapped}{phase}, in no line of the project", named(root)))
            .suggest("Run the test with `--full-trace` to see which code raises it")
            .note("What would settle it: a traceback with a frame of the project");
        if let Some(place) = case.definition() {
            finding = finding.suspect(&place, 0.1, "the test itself is the only place known");
        }
        return Some(finding);
    };
    let statement = case.statement(frame, place);
    let quoted = statement.as_deref().map_or_else(String::new, |text| format!(" at {}", code(text)));
    let finding = if in_tests(place) {
        let confidence = if root.assertion.is_some() { 0.2 } else { 0.3 };
        new(confidence)
            .because(format!(
                "{}{wrapped} in the test code itself{phase}, {}{quoted}",
                named(root),
                at(place)
            ))
            .suggest(format!(
                "Compare {} with what the called code gives now: either may be wrong",
                line_of(place)
            ))
            .note("What would settle it: the values at that line (run with the plugin, or with `-l`)")
    } else {
        new(0.5)
            .because(format!("{} raises {}{quoted}{wrapped}{phase}", at(place), named(root)))
            .suggest(format!("Prevent or handle the {} at {}", code(root.short_type()), line_of(place)))
    };
    let score = if in_tests(place) { 0.3 } else { 0.6 };
    let mut finding = finding.shown(format!("{} was raised{quoted}", named(root)), Some(place)).suspect(
        place,
        score,
        "deepest frame of the project that the exception went through",
    );
    for value in frame.locals.iter().take(8) {
        finding = finding.shown(format!("`{}` was {}", value.name, code(&value.repr)), Some(place));
    }
    if let Some((frame, test)) = case.test_frame().filter(|(_, test)| *test != place)
        && let Some(statement) = case.statement(frame, test)
    {
        finding = finding.shown(format!("called from the test by {}", code(&statement)), Some(test)).suspect(
            test,
            score / 2.0,
            "the call in the test",
        );
    }
    Some(finding)
}
