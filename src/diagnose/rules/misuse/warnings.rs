//! Warnings of another category than the test expects.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::edits;
use crate::diagnose::rules::spot::target;
use crate::model::{Category, FixTarget, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Span, StmtKind};
use crate::workspace::resolve::Resolver;

/// The called function warns, but with another category.
pub(super) fn other_category(
    case: &Case<'_>,
    at: &Place,
    name: &str,
    test: &Place,
    wanted: &str,
) -> Option<Finding> {
    let (at, name) = &warning(case, at, name, 0)?;
    let source = case.workspace.source(&at.path)?;
    let function = source.module().function(name)?;
    let mut found: Vec<(Span, Option<Span>, String)> = Vec::new();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Call { func, args, keywords, .. } = &part.kind
                        && func.dotted().is_some_and(|d| d == "warn" || d.ends_with("warnings.warn"))
                    {
                        let category = args.get(1).or_else(|| {
                            keywords.iter().find(|k| k.name.as_deref() == Some("category")).map(|k| &k.value)
                        });
                        let shown =
                            category.and_then(Expr::dotted).unwrap_or_else(|| "UserWarning".to_owned());
                        let end = args.first().map(|a| Span { start: a.span.end, end: a.span.end });
                        found.push((part.span, category.map(|c| c.span).or(end), shown));
                    }
                });
            }
        });
    }
    let [(call, category, shown)] = found.as_slice() else { return None };
    let short = shown.rsplit('.').next().unwrap_or(shown);
    if short == wanted {
        return None;
    }
    let category = (*category)?;
    let place = Place { columns: None, ..source.place(*call) };
    let new = if category.start == category.end { format!(", {wanted}") } else { wanted.to_owned() };
    let known = super::super::python_names::BUILTINS.contains(&wanted);
    let in_code = known.then(|| {
        Draft::edits(
            target(&place),
            format!("Warn with `{wanted}` instead of `{short}` ({})", line_of(&place)),
            format!("The test expects it ({})", line_of(test)),
            vec![TextEdit::replace(&at.path, category, new)],
        )
    });
    Some(
        Finding::new("testing-warning-category", Category::AssertionFailure, Severity::Medium, 0.8)
            .because(format!(
                "`{name}` warns with `{short}` ({}) where the test expects `{wanted}`",
                line_of(&place)
            ))
            .suggest(format!(
                "Warn with `{wanted}` at {}, or expect `{short}` ({})",
                line_of(&place),
                line_of(test)
            ))
            .shown(format!("`{name}` runs {}", code(call.of(source.text()))), Some(&place))
            .suspect(&place, 0.7, format!("warns with `{short}`"))
            .suspect(test, 0.4, format!("expects `{wanted}`"))
            .mend(in_code)
            .mend(expected(case, test, short, wanted)),
    )
}

/// The function itself if it calls `warnings.warn`, else the one of those it calls that does.
fn warning(case: &Case<'_>, at: &Place, name: &str, depth: usize) -> Option<(Place, String)> {
    let source = case.workspace.source(&at.path)?;
    let function = source.module().function(name)?;
    let resolver = Resolver::new(case.workspace);
    let mut own = false;
    let mut called = Vec::new();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Call { func, .. } = &part.kind {
                        own |= func.dotted().is_some_and(|d| d == "warn" || d.ends_with("warnings.warn"));
                    }
                });
                called.extend(resolver.calls(&at.path, stmt.start_line, expr));
            }
        });
    }
    if own {
        return Some((at.clone(), name.to_owned()));
    }
    if depth > 1 {
        return None;
    }
    called.into_iter().take(8).find_map(|called| {
        let place = resolver.place(&called.path, &called.qualified_name)?;
        warning(case, &place, &called.qualified_name, depth + 1)
    })
}

/// Expects the category that came.
fn expected(case: &Case<'_>, test: &Place, short: &str, wanted: &str) -> Option<Draft> {
    let source = case.workspace.source(&test.path)?;
    let path = source.module().path_to(test.line);
    let items = path.iter().rev().find_map(|stmt| match &stmt.kind {
        StmtKind::With { items, .. } => Some(items),
        _ => None,
    })?;
    let spans: Vec<Span> =
        items.iter().flat_map(|(context, _)| edits::words(&source, context.span, wanted)).collect();
    let [span] = spans[..] else { return None };
    super::super::python_names::BUILTINS.contains(&short).then(|| {
        Draft::edits(
            FixTarget::Test,
            format!("expect `{short}` instead of `{wanted}` ({})", line_of(test)),
            "Right if the code warns as it should",
            vec![TextEdit::replace(&test.path, span, short)],
        )
    })
}
