//! What to do about an assertion that does not hold: an edit of the test, and advice.

use super::Verdict;
use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::difference::Way;
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::origin::Operands;
use crate::diagnose::value::Value;
use crate::model::{Assertion, FixTarget, Place};
use crate::workspace::SourceFile;
use crate::workspace::python::StmtKind;

/// The edit of the test that makes it accept the value: right for rounding, otherwise one of two ways out.
pub(super) fn edit(
    case: &Case<'_>,
    place: &Place,
    operands: &Operands,
    verdict: &Verdict,
    assertion: &Assertion,
) -> Option<Draft> {
    let source = case.workspace.source(&place.path)?;
    let span = operands.expected_span?;
    let old = span.of(source.text());
    let rounding = verdict.differences.iter().all(|difference| difference.way == Way::Rounding);
    if rounding && !verdict.differences.is_empty() {
        let approx = TextEdit::replace(&place.path, span, format!("pytest.approx({old})"));
        let edits = std::iter::once(approx).chain(import_pytest(&source)).collect();
        let title = format!("compare with pytest.approx({old}) ({})", line_of(place));
        return Some(Draft::edits(
            FixTarget::Test,
            title,
            "Floats that were calculated differ in their last digits",
            edits,
        ));
    }
    if assertion.operator != "==" {
        return None;
    }
    let actual = if operands.actual_is_left { &assertion.left } else { assertion.right.as_ref()? };
    let value = Value::parse(actual).filter(|value| !value.is_cut() && value.is_literal())?;
    let new = value.repr();
    let title = format!("expect {new:.60} instead of {old:.60} ({})", line_of(place));
    let edits = vec![TextEdit::replace(&place.path, span, new)];
    Some(Draft::edits(FixTarget::Test, title, "Right only if the code gives what it should", edits))
}

/// The import that `pytest.approx` needs, if the file has none: after the first imports.
fn import_pytest(source: &SourceFile) -> Option<TextEdit> {
    let module = source.module();
    if module.imports().iter().any(|import| import.bound_name() == "pytest") {
        return None;
    }
    let first = module.body().iter().find(|stmt| {
        let docstring = matches!(&stmt.kind, StmtKind::Expr(expr) if expr.as_str().is_some());
        let future = matches!(&stmt.kind, StmtKind::Import(imports) if imports.iter().any(|i| &*i.module == "__future__"));
        !docstring && !future
    })?;
    let break_ = if source.text().contains("\r\n") { "\r\n" } else { "\n" };
    let blank = if matches!(first.kind, StmtKind::Import(_)) { "" } else { break_ };
    Some(TextEdit::insert(source.path(), first.span.start, format!("import pytest{break_}{blank}")))
}

/// Both ways out: mend the code, or the expectation.
pub(super) fn advise(
    finding: Finding,
    suspect: Option<&Place>,
    place: Option<&Place>,
    operands: &Operands,
    assertion: &Assertion,
    test: &str,
) -> Finding {
    let actual =
        if operands.actual_is_left { Some(assertion.left.as_str()) } else { assertion.right.as_deref() };
    let literal =
        actual.and_then(Value::parse).filter(|value| !value.is_cut() && !matches!(value, Value::Opaque(_)));
    let expect = match (place, literal) {
        (Some(place), Some(value)) if assertion.operator == "==" => {
            format!("expect {} at {}", code(&value.to_string()), line_of(place))
        }
        (Some(place), _) => format!("change the expectation at {}", line_of(place)),
        (None, _) => "change the expectation in the test".to_owned(),
    };
    let finding = match suspect {
        Some(suspect) => finding.suggest(format!(
            "If the test is right, correct {}; if the code is right, {expect}",
            at(suspect)
        )),
        None => finding.suggest(format!(
            "If the test is right, correct the code that made the value; if the code is right, {expect}"
        )),
    };
    finding.note(format!(
        "The traceback ends in the test: the function that made the value had already returned. What would settle it: the values along the way (`failscope trace {}`)",
        crate::diagnose::rules::shell_word(test)
    ))
}
