//! Edits of the code and of the test where an expected exception did not come. Which of them is wrong cannot be seen:
//! both are offered, the code first.

use std::sync::Arc;

use super::is_raises;
use crate::diagnose::case::{Case, code, in_tests, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::spot::target;
use crate::diagnose::rules::{edits, names};
use crate::model::{FixTarget, Place};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, StmtKind};
use crate::workspace::symbols::SymbolKind;

/// The `pytest.raises(…)` around the place.
fn call(source: &SourceFile, place: &Place) -> Option<Expr> {
    source.module().path_to(place.line).iter().rev().find_map(|stmt| match &stmt.kind {
        StmtKind::With { items, .. } => {
            items.iter().map(|(context, _)| context).find(|context| is_raises(context)).cloned()
        }
        StmtKind::Expr(expr) if is_raises(expr) => Some(expr.clone()),
        _ => None,
    })
}

/// The value of its `match=`.
fn pattern_of(case: &Case<'_>, place: &Place) -> Option<(Arc<SourceFile>, Expr)> {
    let source = case.workspace.source(&place.path)?;
    let call = call(&source, place)?;
    let ExprKind::Call { keywords, args, func, .. } = &call.kind else { return None };
    let regex = func.dotted().is_some_and(|d| d.ends_with("assertRaisesRegex"));
    let given = keywords.iter().find(|k| k.name.as_deref() == Some("match")).map(|k| &k.value);
    let value = given.or_else(|| args.get(1).filter(|_| regex))?.clone();
    Some((source, value))
}

/// Escapes the pattern.
pub(super) fn escaped(case: &Case<'_>, place: &Place) -> Option<Draft> {
    let (source, value) = pattern_of(case, place)?;
    if matches!(value.kind, ExprKind::Call { .. }) {
        return None;
    }
    let (escape, import) = match edits::spelled(&source, "re", "escape") {
        (_, Some(_)) => ("re.escape".to_owned(), Some(edits::import(&source, "import re"))),
        (spelled, None) => (spelled, None),
    };
    let text = value.span.of(source.text());
    let here = source.place(value.span);
    let changes = import
        .into_iter()
        .chain([TextEdit::replace(source.path(), value.span, format!("{escape}({text})"))])
        .collect();
    Some(Draft::edits(
        FixTarget::Test,
        format!("Escape the pattern: `re.escape(…)` ({})", line_of(&here)),
        "The text is then compared as it is",
        changes,
    ))
}

/// Expects the text that came.
pub(super) fn pattern(case: &Case<'_>, place: &Place, expected: &str, actual: &str) -> Option<Draft> {
    let (source, value) = pattern_of(case, place)?;
    if !matches!(value.kind, ExprKind::Str(_)) || actual.contains("[REDACTED") || actual.is_empty() {
        return None;
    }
    let here = source.place(value.span);
    let special = actual.chars().any(|c| "()[]{}.*+?|^$\\".contains(c));
    let mut changes = Vec::new();
    let new = if special {
        changes
            .extend(edits::spelled(&source, "re", "escape").1.map(|_| edits::import(&source, "import re")));
        format!("re.escape({})", edits::literal(&source, actual))
    } else {
        edits::literal(&source, actual)
    };
    changes.push(TextEdit::replace(source.path(), value.span, new));
    Some(Draft::edits(
        FixTarget::Test,
        format!("expect {} instead of {} ({})", code(actual), code(expected), line_of(&here)),
        "Right if the exception's text is right",
        changes,
    ))
}

/// Gives the exception the text that the test expects, where it is a plain literal.
pub(super) fn text(
    case: &Case<'_>,
    place: &Place,
    raised: Option<&Place>,
    expected: &str,
    actual: &str,
) -> Option<Draft> {
    let raised = raised.filter(|raised| !in_tests(raised))?;
    let source = case.workspace.source(&raised.path)?;
    let stmt = source.module().statement(raised.line)?;
    if !matches!(stmt.kind, StmtKind::Raise { .. }) || expected.chars().any(|c| "()[]{}.*+?|^$\\".contains(c))
    {
        return None;
    }
    let mut spans = Vec::new();
    for expr in stmt.expressions() {
        expr.walk(&mut |part| {
            if part.as_str() == Some(actual) {
                spans.push(part.span);
            }
        });
    }
    let [span] = spans[..] else { return None };
    let here = source.place(span);
    debug_assert!(in_tests(place) || !place.path.as_str().is_empty());
    Some(Draft::edits(
        target(raised),
        format!("Say {} instead of {} ({})", code(expected), code(actual), line_of(&here)),
        "Right if the test says what the text should be",
        vec![TextEdit::replace(&raised.path, span, edits::literal(&source, expected))],
    ))
}

/// Another exception than expected: raise that one, or expect this one.
pub(super) fn another(case: &Case<'_>, place: &Place, test: &Place, types: &[String]) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let Some(last) = case.last() else { return drafts };
    if let ([wanted], false) = (types, in_tests(place)) {
        drafts.extend(raise_it(case, place, test, last.short_type(), wanted));
    }
    drafts.extend(expect_it(case, test, last.short_type()));
    drafts
}

/// How `source` spells the exception type, with the import it needs.
fn spelled(case: &Case<'_>, source: &SourceFile, name: &str) -> Option<(String, Option<TextEdit>)> {
    if super::super::python_names::BUILTINS.contains(&name) {
        return Some((name.to_owned(), None));
    }
    if source.module().has_global(name) || source.module().imports().iter().any(|i| i.bound_name() == name) {
        return Some((name.to_owned(), None));
    }
    let mut classes = case.workspace.symbols().find(name).iter().filter(|s| s.kind == SymbolKind::Class);
    let (Some(only), None) = (classes.next(), classes.next()) else { return None };
    Some(edits::spelled(source, &names::variable::module_name(only.path.as_str()), name))
}

fn raise_it(case: &Case<'_>, place: &Place, test: &Place, raised: &str, wanted: &str) -> Option<Draft> {
    let source = case.workspace.source(&place.path)?;
    let stmt = source.module().statement(place.line)?;
    let (new, import) = spelled(case, &source, wanted)?;
    let why = format!("The test expects it ({})", line_of(test));
    if let StmtKind::Raise { exc: Some(exc), .. } = &stmt.kind {
        let callee = match &exc.kind {
            ExprKind::Call { func, .. } => func,
            _ => exc,
        };
        if callee.dotted().is_none_or(|name| name.rsplit('.').next() != Some(raised)) {
            return None;
        }
        let changes = import.into_iter().chain([TextEdit::replace(&place.path, callee.span, new)]).collect();
        return Some(Draft::edits(
            target(place),
            format!("Raise `{wanted}` instead of `{raised}` ({})", line_of(place)),
            why,
            changes,
        ));
    }
    let is_simple = matches!(
        stmt.kind,
        StmtKind::Return(_)
            | StmtKind::Assign { .. }
            | StmtKind::AugAssign { .. }
            | StmtKind::AnnAssign { .. }
            | StmtKind::Expr(_)
            | StmtKind::Delete(_)
    );
    // The type of what was raised has to be in sight of the file too.
    let (caught, caught_import) = spelled(case, &source, raised)?;
    let multi_line_text =
        source.text().get(stmt.span.start as usize..stmt.span.end as usize)?.contains("\"\"\"");
    if !is_simple || multi_line_text || caught_import.is_some() {
        return None;
    }
    let newline = edits::newline(source.text());
    let indent = edits::indentation(&source, stmt.span.start);
    let step = if indent.contains('\t') { "\t" } else { "    " };
    let start = source.offset(stmt.start_line, 1)?;
    if source.text().get(start as usize..stmt.span.start as usize)?.trim() != "" {
        return None;
    }
    // Each line of the statement goes one step deeper.
    let mut changes: Vec<TextEdit> = import.into_iter().collect();
    changes.push(TextEdit::insert(&place.path, stmt.span.start, format!("try:{newline}{indent}{step}")));
    for line in stmt.start_line + 1..=stmt.end_line {
        changes.push(TextEdit::insert(&place.path, source.offset(line, 1)?, step));
    }
    let end = source.offset(stmt.end_line, 1)? + source.line(stmt.end_line)?.len() as u32;
    changes.push(TextEdit::insert(
        &place.path,
        end,
        format!("{newline}{indent}except {caught} as error:{newline}{indent}{step}raise {new}(str(error)) from error"),
    ));
    Some(Draft::edits(
        target(place),
        format!("Turn the `{raised}` into `{wanted}` ({})", line_of(place)),
        why,
        changes,
    ))
}

fn expect_it(case: &Case<'_>, test: &Place, raised: &str) -> Option<Draft> {
    let source = case.workspace.source(&test.path)?;
    let call = call(&source, test)?;
    let ExprKind::Call { args, keywords, .. } = &call.kind else { return None };
    let types = args.first().or_else(|| {
        keywords.iter().find(|k| k.name.as_deref() == Some("expected_exception")).map(|k| &k.value)
    })?;
    let (new, import) = spelled(case, &source, raised)?;
    let here = source.place(types.span);
    let old = types.span.of(source.text());
    let changes = import.into_iter().chain([TextEdit::replace(&test.path, types.span, new)]).collect();
    Some(Draft::edits(
        FixTarget::Test,
        format!("expect `{raised}` instead of {} ({})", code(old), line_of(&here)),
        "Right if the code raises what it should",
        changes,
    ))
}

/// Nothing was raised: both sides, as instructions.
pub(super) fn nothing(written: &str, target: Option<&str>, test: &Place) -> Vec<Draft> {
    let place = target.unwrap_or("the called code");
    vec![
        Draft::advice(
            FixTarget::Code,
            format!("Make {place} raise {} for this input", code(written)),
            "The test expects it",
        ),
        Draft::advice(
            FixTarget::Test,
            format!("expect no {} ({})", code(written), line_of(test)),
            "Right if the code may accept this input",
        ),
    ]
}
