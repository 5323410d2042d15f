//! A mock whose method was not told what to give: its result is another mock, which is used as a value.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{Spot, between, target};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{ExprKind, Function, Span, StmtKind};

/// What a test tells a mock's attribute: `gateway.fetch.return_value = 1`.
struct Told {
    object: String,
    attr: String,
    span: Span,
}

/// A mock that stands where a value is meant.
pub(in crate::diagnose::rules) fn unconfigured(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let assertion = case.assertion();
    let texts = [
        Some(root.message.as_str()),
        assertion.map(|a| a.left.as_str()),
        assertion.and_then(|a| a.right.as_deref()),
    ];
    if !texts.iter().flatten().any(|text| text.contains("Mock")) {
        return None;
    }
    let named = texts.iter().flatten().find_map(|text| between(text, "Mock name='", "'"));
    let is_type = root.short_type() == "TypeError"
        && (root.message.contains("Mock'") || root.message.contains("Mock "));
    if named.is_none() && !is_type {
        return None;
    }
    let definition = case.definition()?;
    let source = case.workspace.source(&definition.path)?;
    let test = source.module().enclosing_function(definition.line)?.qualified_name.clone();
    let test = source.module().function(&test)?;
    let told = told(&source, test);
    let method = match named {
        // `client.rain().amount()`: the last one that was called.
        Some(name) => {
            let parts =
                name.split('.').skip(1).filter(|part| part.ends_with("()") && !part.starts_with("__"));
            parts.last()?.trim_end_matches("()").to_owned()
        }
        None => only_call(case, &told)?,
    };
    if told.iter().any(|told| told.attr == method) || hides(&source, test) {
        return None;
    }
    // What is told of an attribute that the code does not ask for is probably meant for this one.
    let called = |attr: &str| {
        let call = format!(".{attr}(");
        let frames = root.frames.iter().filter_map(|frame| frame.place.as_ref());
        let mut paths: Vec<_> =
            frames.map(|place| &place.path).filter(|path| **path != definition.path).collect();
        paths
            .extend(case.operands().into_iter().flat_map(|operands| operands.called.iter().map(|c| &c.path)));
        paths
            .iter()
            .any(|path| case.workspace.source(path).is_some_and(|source| source.text().contains(&call)))
    };
    let spare: Vec<&Told> = told.iter().filter(|told| !called(&told.attr)).collect();
    let value = named.map_or_else(String::new, |name| format!(" ({})", code(name)));
    let sentence = format!(
        "`{method}` of the mock has no `return_value`, so that calling it gives another mock{value} instead of a value"
    );
    let confidence = if named.is_some() { 0.85 } else { 0.75 };
    let finding = Finding::new("mock-unconfigured", Category::AssertionFailure, Severity::Medium, confidence);
    let advice =
        |object: &str| format!("Set `{object}.{method}.return_value` in the test ({})", line_of(&definition));
    if let [spare] = spare.as_slice() {
        let place = Place { function: Some(test.qualified_name.clone()), ..source.place(spare.span) };
        let object = &spare.object;
        return Some(
            finding
                .because(format!(
                    "{sentence}: {} configures `{object}.{}`, which the code does not call",
                    at(&place),
                    spare.attr
                ))
                .suggest(format!("Configure `{object}.{method}` instead ({})", line_of(&place)))
                .suspect(&place, confidence, "configures another method")
                .mend(Draft::edits(
                    target(&place),
                    format!("Configure `{method}` instead of `{}` ({})", spare.attr, line_of(&place)),
                    format!("The code calls `{method}`"),
                    vec![TextEdit::replace(&place.path, spare.span, method.clone())],
                )),
        );
    }
    let (object, span) = made(&source, test)?;
    let place = Place { function: Some(test.qualified_name.clone()), ..source.place(span) };
    Some(
        finding
            .because(format!("{sentence} ({})", at(&place)))
            .suggest(advice(&object))
            .suspect(&place, confidence, "makes the mock")
            .mend(Draft::advice(
                target(&place),
                advice(&object),
                "A mock's methods give mocks unless they are told otherwise",
            )),
    )
}

/// The only method called at the failing line that the test tells nothing of.
fn only_call(case: &Case<'_>, told: &[Told]) -> Option<String> {
    let spot = Spot::nearest(case)?;
    let mut found: Vec<String> = Vec::new();
    for expr in spot.expressions() {
        if let ExprKind::Call { func, .. } = &expr.kind
            && let ExprKind::Attribute { attr, value, .. } = &func.kind
            && !matches!(value.kind, ExprKind::Str(_) | ExprKind::FString(_))
            && !told.iter().any(|told| told.attr == **attr)
            && !found.contains(&attr.to_string())
        {
            found.push(attr.to_string());
        }
    }
    let [method] = found.as_slice() else { return None };
    Some(method.clone())
}

/// What the test tells mocks to give.
fn told(source: &SourceFile, test: &Function) -> Vec<Told> {
    let mut found = Vec::new();
    for stmt in &test.body {
        stmt.walk(false, &mut |stmt| {
            let StmtKind::Assign { targets, .. } = &stmt.kind else { return };
            for target in targets {
                let ExprKind::Attribute { value, attr, .. } = &target.kind else { continue };
                if !matches!(&**attr, "return_value" | "side_effect") {
                    continue;
                }
                if let ExprKind::Attribute { value: object, attr, attr_span } = &value.kind {
                    let object = object.span.of(source.text()).to_owned();
                    found.push(Told { object, attr: attr.to_string(), span: *attr_span });
                }
            }
        });
    }
    found
}

/// Whether the test tells mocks in another way than is looked for.
fn hides(source: &SourceFile, test: &Function) -> bool {
    let (Some(first), Some(last)) = (test.body.first(), test.body.last()) else { return false };
    let text = Span { start: first.span.start, end: last.span.end }.of(source.text());
    text.contains("configure_mock") || text.contains("**{")
}

/// The only mock that the test makes, and where.
fn made(source: &SourceFile, test: &Function) -> Option<(String, Span)> {
    let mut found = Vec::new();
    for stmt in &test.body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Assign { targets, value } = &stmt.kind
                && let [target] = targets.as_slice()
                && let ExprKind::Call { func, .. } = &value.kind
                && func.dotted().is_some_and(|name| {
                    matches!(
                        name.rsplit('.').next(),
                        Some("Mock" | "MagicMock" | "create_autospec" | "AsyncMock")
                    )
                })
            {
                found.push((target.span.of(source.text()).to_owned(), stmt.span));
            }
        });
    }
    let [one] = found.as_slice() else { return None };
    Some(one.clone())
}

#[cfg(test)]
mod tests {
    use super::unconfigured;
    use crate::diagnose::rules::testing::scene;

    const CODE: &str = "def to_euro(gateway, amount):\n    return amount * gateway.rate('USD')\n\ndef label(gateway):\n    return gateway.name()\n";

    #[test]
    fn what_a_mock_was_not_told() {
        for (test, exception, compared, place, fixed) in [
            (
                "from unittest.mock import Mock\nfrom app import to_euro\n\ndef test_it():\n    gateway = Mock()\n    gateway.fetch.return_value = 2\n    assert to_euro(gateway, 1) == 2\n",
                "TypeError: unsupported operand type(s) for *: 'int' and 'Mock'",
                None,
                "tests/test_it.py:6",
                Some("gateway.rate.return_value = 2"),
            ),
            (
                "from unittest.mock import Mock\nfrom app import label\n\ndef test_it():\n    bank = Mock()\n    assert label(bank) == 'x'\n",
                "AssertionError: assert <Mock name='mock.name()' id='1'> == 'x'",
                Some(("<Mock name='mock.name()' id='1'>", "'x'")),
                "tests/test_it.py:5",
                None,
            ),
        ] {
            let files = [("app.py", CODE), ("tests/test_it.py", test)];
            let through: &[(&str, &str)] = if compared.is_some() {
                &[("tests/test_it.py", "assert")]
            } else {
                &[("tests/test_it.py", "assert"), ("app.py", "gateway.rate(")]
            };
            let mut scene = scene(&files, exception, through);
            if let Some((left, right)) = compared {
                scene = scene.compared(left, right);
            }
            scene.check(unconfigured, &["return_value"], place, fixed.map(|text| ("tests/test_it.py", text)));
        }
    }

    #[test]
    fn silent_where_it_was_told_or_no_mock_is_used() {
        for (test, exception) in [
            (
                "from unittest.mock import Mock\nfrom app import to_euro\n\ndef test_it():\n    gateway = Mock()\n    gateway.rate.return_value = None\n    assert to_euro(gateway, 1) == 2\n",
                "TypeError: unsupported operand type(s) for *: 'int' and 'Mock'",
            ),
            (
                "from app import to_euro\n\ndef test_it():\n    assert to_euro(None, 1) == 2\n",
                "TypeError: unsupported operand type(s) for *: 'int' and 'str'",
            ),
        ] {
            let files = [("app.py", CODE), ("tests/test_it.py", test)];
            scene(&files, exception, &[("tests/test_it.py", "assert"), ("app.py", "gateway.rate(")])
                .silent(unconfigured);
        }
    }
}
