//! A mock with fewer answers than it is asked for.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::spot::Spot;
use crate::model::{Category, FixTarget, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, StmtKind};

/// `StopIteration` (`StopAsyncIteration`) of a mock whose `side_effect` is a list that is used up.
pub(in crate::diagnose::rules) fn exhausted(case: &Case<'_>) -> Option<Finding> {
    let root =
        case.root().filter(|root| matches!(root.short_type(), "StopIteration" | "StopAsyncIteration"))?;
    let spot = Spot::nearest(case)?;
    let own_raise = matches!(
        spot.module().statement(spot.place.line).map(|stmt| &stmt.kind),
        Some(StmtKind::Raise { .. })
    );
    if own_raise {
        return None;
    }
    let through_mock =
        root.frames.iter().any(|frame| frame.path.replace('\\', "/").ends_with("unittest/mock.py"));
    let called: Vec<String> = spot
        .expressions()
        .into_iter()
        .filter_map(|expr| match &expr.kind {
            ExprKind::Call { func, .. } => func.dotted(),
            _ => None,
        })
        .collect();
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let test = case.test_frame()?.1;
    let source = case.workspace.source(&test.path)?;
    let mut found: Vec<(String, Place, Vec<crate::workspace::python::Span>)> = Vec::new();
    let mut take = |owner: String, list: &Expr| {
        if let ExprKind::List(items) | ExprKind::Tuple(items) = &list.kind {
            let place = Place { columns: None, ..source.place(list.span) };
            found.push((owner, place, items.iter().map(|item| item.span).collect()));
        }
    };
    source.module().walk(&mut |stmt| {
        if let StmtKind::Assign { targets, value } = &stmt.kind {
            for target in targets {
                if let Some(owner) =
                    target.dotted().and_then(|name| Some(name.strip_suffix(".side_effect")?.to_owned()))
                {
                    take(owner, value);
                }
            }
        }
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Call { args, keywords, .. } = &part.kind
                    && let Some(keyword) = keywords.iter().find(|k| k.name.as_deref() == Some("side_effect"))
                {
                    let patched = args.first().and_then(Expr::as_str).unwrap_or_default().to_owned();
                    take(patched, &keyword.value);
                }
            });
        }
    });
    let in_test = case.definition();
    let near = |place: &Place| {
        in_test.as_ref().is_none_or(|definition| {
            source
                .module()
                .find(definition.function.as_deref().unwrap_or_default())
                .is_none_or(|stmt| (stmt.start_line..=stmt.end_line).contains(&place.line))
        })
    };
    let fits = |(owner, ..): &&(String, Place, Vec<_>)| {
        owner.is_empty() || called.iter().any(|name| last(name) == last(owner))
    };
    let mut fitting: Vec<_> = found.iter().filter(fits).filter(|(_, place, _)| near(place)).collect();
    if fitting.is_empty() && through_mock {
        fitting = found.iter().filter(|(_, place, _)| near(place)).collect();
    }
    let [(owner, place, items)] = fitting.as_slice() else { return None };
    let name = if owner.is_empty() { called.first().cloned().unwrap_or_default() } else { owner.clone() };
    let count = items.len();
    let end = items.last()?;
    let again = end.of(source.text()).to_owned();
    let confidence = if through_mock { 0.9 } else { 0.8 };
    let answers = if count == 1 { "one answer".to_owned() } else { format!("{count} answers") };
    Some(
        Finding::new("mock-exhausted", Category::AssertionFailure, Severity::Medium, confidence)
            .because(format!(
                "The mock {} has {answers} (`side_effect`, {}), and {} calls it once more",
                code(&name),
                line_of(place),
                at(spot.place)
            ))
            .suggest(format!(
                "Give the mock an answer for every call ({}), or make the code call it less often ({})",
                line_of(place),
                line_of(spot.place)
            ))
            .suspect(spot.place, 0.7, "calls the mock once more than it has answers")
            .suspect(place, 0.65, "gives too few answers")
            .mend(in_tests(place).then(|| {
                Draft::edits(
                    FixTarget::Test,
                    format!("give {} another answer: {} ({})", code(&name), code(&again), line_of(place)),
                    "Right if the code is right to call it so often",
                    vec![TextEdit::insert(source.path(), end.end, format!(", {again}"))],
                )
            })),
    )
}
