//! Environment variables that are not set.

use super::{located, quoted};
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Severity};
use crate::workspace::python::ExprKind;

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
