//! Failures without an exception of the project's: a strict xfail that passed, a dead process, a broken pytest.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::model::{Category, FailureKind, FixTarget, Place, Severity, TestId};
use crate::workspace::python::{ExprKind, Span};

/// A test marked `xfail(strict=True)` passed: the mark has outlived its reason.
pub(super) fn strict_xpass(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    if failure.kind != FailureKind::StrictXpass {
        return None;
    }
    let place = case.definition();
    let name = failure.test.names().last().copied().unwrap_or_default();
    let reason = [&*failure.text, &failure.headline]
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
            .suspect(place, 0.95, "carries the `xfail` mark")
            .mend(without_mark(case, place, name));
    }
    Some(finding)
}

/// Takes the `xfail` decorator away, if it has its lines for itself.
fn without_mark(case: &Case<'_>, place: &Place, name: &str) -> Option<Draft> {
    let source = case.workspace.source(&place.path)?;
    let function = source.module().function(place.function.as_deref()?)?;
    let mark = function.decorators.iter().find(|mark| {
        let called = match &mark.kind {
            ExprKind::Call { func, .. } => func.dotted(),
            _ => mark.dotted(),
        };
        called.is_some_and(|called| called.ends_with("mark.xfail"))
    })?;
    let (first, last) = (source.line_of(mark.span.start), source.line_of(mark.span.end));
    let alone = source.line(first)?.trim_start().starts_with('@');
    let span = Span { start: source.offset(first, 1)?, end: source.offset(last + 1, 1)? };
    let edits = vec![TextEdit::replace(&place.path, span, "")];
    let title = format!("Remove the `xfail` mark of `{name}` ({})", line_of(place));
    alone.then(|| Draft::edits(FixTarget::Test, title, "What the test waited for works now", edits))
}

/// The process or the xdist worker died.
pub(super) fn crash(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    if failure.kind != FailureKind::Crash {
        return None;
    }
    let place = case.frame().map(|(_, place)| place.clone()).or_else(|| case.definition());
    let process = failure
        .worker
        .as_deref()
        .map_or_else(|| "Python process".to_owned(), |worker| format!("worker process `{worker}`"));
    let mut finding = Finding::new("outcome-crash", Category::EnvIssue, Severity::Critical, 0.6)
        .because(format!(
            "The {process} died while it ran `{}`: the interpreter was killed or crashed, it did not raise",
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

/// pytest 9 reports a test whose subtests failed once more: the subtests' own failures tell why.
pub(super) fn subtests(case: &Case<'_>) -> Option<Finding> {
    let last = case.last().filter(|last| last.short_type() == "Failed")?;
    let line = last.message.lines().next()?.trim();
    let count = line.strip_prefix("contains ")?.split(' ').next()?.parse::<usize>().ok()?;
    if !line.contains("failed subtest") {
        return None;
    }
    let name = case.representative().test.names().last().copied().unwrap_or_default();
    let mut finding = Finding::new("outcome-subtests", Category::AssertionFailure, Severity::Low, 0.9)
        .because(format!("`{name}` itself ran to its end; {count} of its subtests failed"))
        .suggest("See the failures of the subtests themselves");
    if let Some(place) = case.definition() {
        finding = finding.shown(line, Some(&place)).suspect(&place, 0.4, "holds the subtests that failed");
    }
    Some(finding)
}

/// `@pytest.mark.parametrize` with a case that has more or fewer values than there are names.
pub(super) fn parametrize(case: &Case<'_>) -> Option<Finding> {
    let last = case.last().filter(|last| last.short_type() == "Failed")?;
    let (test, rest) = last.message.split_once(": in \"parametrize\" the number of names (")?;
    let (names, rest) = rest.split_once("):")?;
    let (shown_names, rest) = rest.split_once("must be equal to the number of values (")?;
    let (values, shown_values) = rest.split_once("):")?;
    let count = |number: &str, noun: &str| format!("{number} {noun}{}", if number == "1" { "" } else { "s" });
    let name = test.rsplit("::").next().unwrap_or(test);
    let place = case.workspace.definition(&TestId::new(test.trim()), None);
    let here = place.as_ref().map_or_else(String::new, |place| format!(" ({})", line_of(place)));
    let values_shown = shown_values.trim().lines().next().unwrap_or_default();
    let mut finding = Finding::new("outcome-parametrize", Category::DataIssue, Severity::Medium, 0.95)
        .because(format!(
            "`parametrize` of `{name}`{here} has {} {}, but a case with {}: {}",
            count(names, "name"),
            code(shown_names.trim()),
            count(values, "value"),
            code(values_shown)
        ))
        .suggest(format!("Give every case of `{name}` as many values as there are names"));
    if let Some(place) = &place {
        finding = finding.shown(format!("`{name}` is parametrized here"), Some(place));
        if let Some((names_place, missing, edit)) = short_names(case, place, values.trim().parse().ok()?) {
            let listed: Vec<String> = missing.iter().map(|name| code(name)).collect();
            let listed = listed.join(", ");
            finding.root_cause.push_str(&format!("; every case has {values}: the names lack {listed}"));
            finding = finding.suspect(&names_place, 0.95, "has fewer names than every case has values").mend(
                Draft::edits(
                    FixTarget::Test,
                    format!("Add {listed} to the names ({})", line_of(&names_place)),
                    "Every case has a value for it, and the test a parameter",
                    vec![edit],
                ),
            );
        } else if let Some(row) = short_row(case, place, names.parse().ok()?) {
            finding = finding.suspect(&row, 0.92, "the case with another number of values than names");
        }
        finding = finding.suspect(place, 0.5, "a case with another number of values than names");
        finding = finding.mend(Draft::advice(
            FixTarget::Test,
            format!("Give the case {} {} ({})", code(values_shown), count(names, "value"), line_of(place)),
            format!("The names are {}", code(shown_names.trim())),
        ));
    }
    Some(finding)
}

/// The names of `parametrize` where every case has `values` values and the test a parameter for each of them: where they
/// stand, which are missing, and the edit that adds them.
fn short_names(case: &Case<'_>, place: &Place, values: usize) -> Option<(Place, Vec<String>, TextEdit)> {
    let source = case.workspace.source(&place.path)?;
    let function = source.module().function(place.function.as_deref()?)?;
    let marks = function.decorators.iter().filter(|mark| {
        matches!(&mark.kind, ExprKind::Call { func, .. } if func.dotted().is_some_and(|d| d.ends_with("parametrize")))
    });
    let [mark] = marks.collect::<Vec<_>>()[..] else { return None };
    let ExprKind::Call { args, .. } = &mark.kind else { return None };
    let [given, cases, ..] = args.as_slice() else { return None };
    let (ExprKind::List(rows) | ExprKind::Tuple(rows)) = &cases.kind else { return None };
    let all = rows.iter().all(|row| match &row.kind {
        ExprKind::Tuple(row) | ExprKind::List(row) => row.len() == values,
        _ => false,
    });
    let names: Vec<&str> = given.as_str().filter(|_| all)?.split(',').map(str::trim).collect();
    let params: Vec<&str> =
        function.signature.params.iter().map(|param| &*param.name).filter(|name| *name != "self").collect();
    let missing: Vec<String> =
        params.iter().filter(|param| !names.contains(param)).map(|name| (*name).to_owned()).collect();
    if params.len() != values || !names.iter().all(|name| params.contains(name)) || missing.is_empty() {
        return None;
    }
    let shown = given.span.of(source.text());
    let quote = shown.chars().last().filter(|c| matches!(c, '"' | '\''))?;
    let edit = TextEdit::replace(&place.path, given.span, format!("{quote}{}{quote}", params.join(", ")));
    let place = Place { function: place.function.clone(), columns: None, ..source.place(given.span) };
    Some((place, missing, edit))
}

/// The case of `parametrize` that has another number of values than there are names.
fn short_row(case: &Case<'_>, place: &Place, names: usize) -> Option<Place> {
    let source = case.workspace.source(&place.path)?;
    let function = source.module().function(place.function.as_deref()?)?;
    for mark in &function.decorators {
        let ExprKind::Call { func, args, .. } = &mark.kind else { continue };
        if !func.dotted().is_some_and(|d| d.ends_with("parametrize")) {
            continue;
        }
        let (ExprKind::List(rows) | ExprKind::Tuple(rows)) = &args.get(1)?.kind else { continue };
        let wrong = rows.iter().find(|row| match &row.kind {
            ExprKind::Tuple(values) | ExprKind::List(values) => values.len() != names,
            ExprKind::Call { func, args, .. } => {
                func.dotted().is_some_and(|d| d.ends_with("param")) && args.len() != names
            }
            _ => names != 1,
        });
        if let Some(row) = wrong {
            return Some(Place { function: place.function.clone(), columns: None, ..source.place(row.span) });
        }
    }
    None
}

/// An example in a docstring or text file gave something else.
pub(super) fn doctest(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    let text = if failure.text.is_empty() { &*failure.headline } else { &failure.text };
    if !text.contains("Expected") {
        return None;
    }
    let after = |title: &str, ends: &[&str]| {
        let mut lines = text.lines().skip_while(|line| line.trim() != title).skip(1).peekable();
        lines.peek()?;
        let found: Vec<&str> = lines
            .take_while(|line| {
                (line.starts_with("    ") || line.trim().is_empty()) && !ends.contains(&line.trim())
            })
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        Some(found.join("\n"))
    };
    let expected =
        after("Expected:", &["Got:"]).or_else(|| after("Expected nothing", &[]).map(|_| String::new()))?;
    let got = after("Got:", &[]).or_else(|| after("Got nothing", &[]))?;
    let example = text.lines().rfind(|line| line.contains(">>> "))?;
    let example = example.split_once(">>> ")?.1.trim();
    // `/path/file.py:39: DocTestFailure`
    let place = case.frame().map(|(_, place)| place.clone()).or_else(|| case.definition());
    let raw = (expected.clone(), got.clone());
    let (expected, got) = (
        if expected.is_empty() { "nothing".to_owned() } else { code(&expected) },
        if got.is_empty() { "nothing".to_owned() } else { code(&got) },
    );
    let here = place
        .as_ref()
        .map_or_else(String::new, |place| format!(" ({})", crate::diagnose::case::line_of(place)));
    let mut finding = Finding::new("outcome-doctest", Category::AssertionFailure, Severity::Medium, 0.5)
        .because(format!(
            "The documented example {} gives {got} where its text says {expected}{here}",
            code(example)
        ))
        .suggest(format!("Correct the code if the example is right, or write {got} into the example"));
    if let Some(place) = &place {
        finding = finding.shown(format!("{} gave {got}", code(example)), Some(place)).suspect(
            place,
            0.4,
            "the example",
        );
        finding = finding
            .mend(Draft::advice(
                FixTarget::Code,
                format!("Make {} give {expected} again", code(example)),
                "Right if the example says what the code should do",
            ))
            .mend(other_output(case, place, example, &raw.0, &raw.1));
    }
    Some(finding)
}

/// Writes what the example gives into the text.
fn other_output(case: &Case<'_>, place: &Place, example: &str, expected: &str, got: &str) -> Option<Draft> {
    if expected.is_empty() || got.is_empty() || expected.contains('\n') || got.contains('\n') {
        return None;
    }
    let source = case.workspace.source(&place.path)?;
    let near = place.line.saturating_sub(3)..=place.line + 3;
    let line = near.clone().find(|&n| {
        let is_example =
            source.line(n).is_some_and(|l| l.trim_start().starts_with(">>> ") && l.contains(example));
        is_example && source.line(n + 1).is_some_and(|l| l.trim() == expected)
    })? + 1;
    let text = source.line(line)?;
    let start = source.offset(line, 1)? + (text.len() - text.trim_start().len()) as u32;
    let span = Span { start, end: start + expected.len() as u32 };
    let here = Place::line(place.path.clone(), line);
    Some(Draft::edits(
        FixTarget::Test,
        format!("expect {} instead of {} ({})", code(got), code(expected), line_of(&here)),
        "Right if the code is right and its example is old",
        vec![TextEdit::replace(&place.path, span, got)],
    ))
}

/// `pytest.fail(…)` says itself what is wrong.
pub(super) fn failed_on_purpose(case: &Case<'_>) -> Option<Finding> {
    let last = case.last().filter(|last| last.short_type() == "Failed")?;
    let line = last.message.lines().next()?.trim();
    let known = ["DID NOT RAISE", "Timeout", "contains ", "DID NOT WARN", "async def functions"];
    if line.is_empty() || known.iter().any(|start| line.starts_with(start)) || line.contains("parametrize") {
        return None;
    }
    let (frame, place) = case.frame()?;
    let statement = case.statement(frame, place)?;
    if !statement.contains("fail(") {
        return None;
    }
    Some(
        Finding::new("outcome-fail", Category::AssertionFailure, Severity::Medium, 0.45)
            .because(format!("The test fails on purpose at {}: {}", at(place), code(line)))
            .suggest(format!("Look at what leads to {} in {}", code(&statement), at(place)))
            .shown(format!("{} was reached", code(&statement)), Some(place))
            .suspect(place, 0.4, "fails on purpose"),
    )
}

#[cfg(test)]
mod tests {
    use super::parametrize;
    use crate::diagnose::rules::testing::scene;

    /// Names, cases, the test's parameters, the line that is named first, and the names after the edit.
    #[test]
    fn names_that_lack_one_and_cases_that_do() {
        for (names, cases, params, line, fixed) in [
            ("'w, h'", "[(2, 3, 6), (1, 1, 1)]", "w, h, area", 2, Some("'w, h, area'")),
            ("\"w, area\"", "[(2, 3, 6)]", "w, h, area", 2, Some("\"w, h, area\"")),
            // One case only is longer; a parameter is a fixture; the test has no parameter for it.
            ("'w, h'", "[(2, 3, 6), (1, 1)]", "w, h, area", 3, None),
            ("'w, h'", "[(2, 3, 6)]", "w, h, tmp_path, area", 3, None),
            ("'w, h'", "[(2, 3, 6)]", "w, h", 3, None),
        ] {
            let test = format!(
                "import pytest\n@pytest.mark.parametrize({names},\n    {cases})\ndef test_it({params}):\n    assert w\n"
            );
            let message = "Failed: tests/test_it.py::test_it: in \"parametrize\" the number of names (2):\n  ['w', 'h']\nmust be equal to the number of values (3):\n  (2, 3, 6)";
            scene(&[("tests/test_it.py", &test)], message, &[("tests/test_it.py", "def test_it")]).check(
                parametrize,
                &["a case with 3 values"],
                &format!("tests/test_it.py:{line}"),
                fixed.map(|text| ("tests/test_it.py", text)),
            );
        }
    }
}
