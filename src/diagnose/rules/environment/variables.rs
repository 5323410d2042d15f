//! Environment variables that are not set.

use super::{located, quoted};
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::rules::near::near;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Place, RelPath, Severity};
use crate::workspace::python::{ExprKind, Span};

/// `os.environ['NAME']` without such a variable.
pub(in crate::diagnose::rules) fn missing_variable(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    if root.short_type() != "KeyError" {
        return None;
    }
    let name = quoted(root.message.lines().next()?)?;
    let (frame, place) = case.frame()?;
    let from_os = root
        .frames
        .last()
        .is_some_and(|last| !last.in_project && last.path.replace('\\', "/").ends_with("/os.py"));
    let by_source = || {
        let source = case.workspace.source(&place.path)?;
        let stmt = source.module().statement(place.line)?;
        let mut found = false;
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Subscript { value, .. } = &part.kind {
                    found |= value
                        .dotted()
                        .is_some_and(|dotted| dotted == "environ" || dotted.ends_with(".environ"));
                }
            });
        }
        Some(found)
    };
    if !from_os && by_source() != Some(true) {
        return None;
    }
    let statement = case.statement(frame, place).unwrap_or_default();
    if let Some(finding) = set_under_another_name(case, name, place) {
        return Some(finding);
    }
    let finding = Finding::new("environment-variable", Category::EnvIssue, Severity::High, 0.93)
        .because(format!("The environment variable {} is not set, and {} needs it at {}", code(name), at(place), code(&statement)))
        .suggest(format!("Set {name} where the tests run, or in the test with `monkeypatch.setenv(\"{name}\", …)`, or read it with a default at {}", line_of(place)))
        .mend(set_in_test(case, name))
        .mend(Draft::advice(
            FixTarget::Environment,
            format!("Set the environment variable {name} where the tests run"),
            format!("{} reads it", at(place)),
        ));
    Some(located(finding, case, place, 0.8, "reads the variable"))
}

/// The test, or a fixture that it sees, sets a variable that is nearly called so.
fn set_under_another_name(case: &Case<'_>, name: &str, place: &Place) -> Option<Finding> {
    let test = case.definition()?;
    let mut files = vec![test.path.clone()];
    files.extend(
        case.workspace
            .symbols()
            .files()
            .iter()
            .filter(|path| path.as_str().ends_with("conftest.py"))
            .cloned(),
    );
    let mut known: Vec<(String, (RelPath, Span))> = Vec::new();
    for path in files {
        let Some(source) = case.workspace.source(&path) else { continue };
        source.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    let given = match &part.kind {
                        ExprKind::Call { func, args, .. } => match &func.kind {
                            ExprKind::Attribute { attr, .. } if &**attr == "setenv" => args.first(),
                            _ => None,
                        },
                        ExprKind::Subscript { value, index }
                            if value.dotted().is_some_and(|name| name.ends_with("environ")) =>
                        {
                            Some(&**index)
                        }
                        _ => None,
                    };
                    if let Some(text) =
                        given.and_then(|key| key.as_str().map(|text| (text.to_owned(), key.span)))
                    {
                        known.push((text.0, (path.clone(), text.1)));
                    }
                });
            }
        });
    }
    if known.iter().any(|(other, _)| other == name) {
        return None;
    }
    let found = near(name, known).filter(|found| found.likeness >= 0.7)?;
    let (path, span) = &found.with;
    let source = case.workspace.source(path)?;
    let setter = Place { columns: None, ..source.place(*span) };
    Some(
        Finding::new("environment-variable-name", Category::EnvIssue, Severity::High, 0.9)
            .because(format!(
                "{} reads the environment variable {}, but the test sets {} ({}): the two names differ",
                at(place),
                code(name),
                code(&found.name),
                line_of(&setter)
            ))
            .suggest(format!("Use one name in both: {} or {}", line_of(&setter), line_of(place)))
            .suspect(&setter, 0.75, "sets another name")
            .suspect(place, 0.6, "reads the variable")
            .mend(Draft::edits(
                FixTarget::Test,
                format!("Set {name} instead of {} ({})", found.name, line_of(&setter)),
                "It is what the code reads",
                vec![TextEdit::replace(path, *span, edits::literal(&source, name))],
            ))
            .mend(rename_in_code(case, name, &found.name, place)),
    )
}

/// Reads the variable that the test sets.
fn rename_in_code(case: &Case<'_>, wrong: &str, right: &str, place: &Place) -> Option<Draft> {
    let source = case.workspace.source(&place.path)?;
    let mut spans = Vec::new();
    for expr in source.module().statement(place.line)?.expressions() {
        expr.walk(&mut |part| {
            if part.as_str() == Some(wrong) {
                spans.push(part.span);
            }
        });
    }
    let [span] = spans[..] else { return None };
    Some(Draft::edits(
        FixTarget::Code,
        format!("Read {right} instead of {wrong} ({})", line_of(place)),
        "It is what the test sets",
        vec![TextEdit::replace(&place.path, span, edits::literal(&source, right))],
    ))
}

/// Sets the variable at the beginning of the test.
fn set_in_test(case: &Case<'_>, name: &str) -> Option<Draft> {
    let place = case.definition()?;
    let source = case.workspace.source(&place.path)?;
    let function = source.module().function(place.function.as_deref()?)?;
    let first = function.body.first()?;
    let mut changes = Vec::new();
    if function.signature.param("monkeypatch").is_none() {
        let last = function.signature.params.iter().rfind(|p| p.default.is_none());
        let opening = function.signature.span.start + 1;
        changes.push(match last {
            Some(last) => TextEdit::insert(&place.path, last.span.end, ", monkeypatch"),
            None if function.signature.params.is_empty() => {
                TextEdit::insert(&place.path, opening, "monkeypatch")
            }
            None => TextEdit::insert(&place.path, opening, "monkeypatch, "),
        });
    }
    let indent = edits::indentation(&source, first.span.start);
    // The header and the first statement on one line leave no room.
    (source.line_of(first.span.start) > function.name_line).then_some(())?;
    let key = edits::literal(&source, name);
    let value = edits::literal(&source, "test");
    let newline = edits::newline(source.text());
    changes.push(TextEdit::insert(
        &place.path,
        first.span.start,
        format!("monkeypatch.setenv({key}, {value}){newline}{indent}"),
    ));
    Some(Draft::edits(
        FixTarget::Test,
        format!("Set {name} in `{}` with `monkeypatch.setenv` ({})", function.name, line_of(&place)),
        "The variable is set for this test only; put in the value that it needs",
        changes,
    ))
}
