//! A coroutine that is kept and awaited more than once.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{Spot, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Span, StmtKind};

/// `cannot reuse already awaited coroutine`.
pub(super) fn awaited_again(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "RuntimeError")?;
    if !root.message.contains("cannot reuse already awaited coroutine") {
        return None;
    }
    let spot = Spot::nearest(case)?;
    let awaits: Vec<(&Expr, &Expr)> = spot
        .expressions()
        .into_iter()
        .filter_map(|expr| match &expr.kind {
            ExprKind::Await(value) => Some((expr, &**value)),
            _ => None,
        })
        .collect();
    let [(whole, value)] = awaits.as_slice() else { return None };
    let text = spot.text(value.span);
    // Where the same expression, or the same variable or container, is given the result of a call.
    let container = match &value.kind {
        ExprKind::Subscript { value, .. } => spot.text(value.span),
        _ => text,
    };
    let mut stored: Option<(u32, Span, bool)> = None;
    spot.module().walk(&mut |stmt| {
        let StmtKind::Assign { targets, value: made } = &stmt.kind else { return };
        if !matches!(made.kind, ExprKind::Call { .. }) {
            return;
        }
        for target in targets {
            let of = match &target.kind {
                ExprKind::Subscript { value, .. } => spot.text(value.span),
                _ => spot.text(target.span),
            };
            if of == container && stored.is_none() {
                let exact = spot.text(target.span) == text;
                stored = Some((stmt.start_line, made.span, exact));
            }
        }
    });
    let new = |confidence| {
        Finding::new("calls-awaited-again", Category::Other, Severity::High, confidence)
            .shown(code(root.message.lines().next().unwrap_or_default()), Some(spot.place))
    };
    let Some((stored_line, made, _)) = stored else {
        return Some(
            new(0.7)
                .because(format!(
                    "{} awaits {} a second time: a coroutine can be awaited once only, its result has to be kept instead",
                    at(spot.place),
                    code(text)
                ))
                .suggest(format!("Keep the result of `await {text}`, not the coroutine"))
                .suspect(spot.place, 0.75, "awaits it again"),
        );
    };
    let place = Place { function: spot.place.function.clone(), ..line(&spot.place.path, stored_line) };
    let inside = spot.module().enclosing_function(stored_line).is_some_and(|definition| {
        spot.module().function(&definition.qualified_name).is_some_and(|function| function.is_async)
    });
    let shown = spot.text(made);
    let fix = inside.then(|| {
        Draft::edits(
            spot.target(),
            format!("Keep the result: `await {shown}` ({})", line_of(&place)),
            "A coroutine can be awaited once, its result can be read again and again",
            vec![
                TextEdit::insert(&spot.place.path, made.start, "await "),
                TextEdit::replace(
                    &spot.place.path,
                    Span { start: whole.span.start, end: value.span.start },
                    "",
                ),
            ],
        )
    });
    Some(
        new(0.92)
            .because(format!(
                "{} keeps the coroutine of {} instead of its result (`await` is missing), and {} awaits it again",
                at(&place),
                code(shown),
                line_of(spot.place)
            ))
            .suggest(format!("Write `await {shown}` at {}, and read what is kept without `await`", line_of(&place)))
            .suspect(&place, 0.9, "keeps a coroutine that is not awaited")
            .suspect(spot.place, 0.6, "awaits it again")
            .mend(fix),
    )
}
