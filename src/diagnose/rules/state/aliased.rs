//! `[[0] * n] * m`: the rows are one list, m times.

use super::{makes_container, reached};
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::target;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind};

/// A list of containers made by multiplication, where an asserted value came from.
pub(super) fn multiplied(case: &Case<'_>) -> Option<Finding> {
    let (asserted, reached) = reached(case)?;
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        let mut found = None;
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| found = found.or_else(|| repeated(part)));
                }
            });
        }
        let Some(Repeated { whole, item, count }) = found else { continue };
        let place = Place { function: Some(called.qualified_name.clone()), ..source.place(whole.span) };
        if in_tests(&place) {
            continue;
        }
        let text = |expr: &Expr| expr.span.of(source.text());
        let separate = format!("[{} for _ in range({})]", text(item), text(count));
        return Some(
            Finding::new("state-aliased", Category::Other, Severity::High, 0.75)
                .because(format!(
                    "{} makes {}: all items are the same object {}, so that a change of one shows in all",
                    at(&place),
                    code(text(whole)),
                    code(text(item))
                ))
                .suggest(format!("Make each item anew: `{separate}`"))
                .shown(
                    format!("{} is among what made the asserted value", code(&called.text)),
                    Some(asserted),
                )
                .suspect(&place, 0.75, "repeats one object instead of making several")
                .mend(Draft::edits(
                    target(&place),
                    format!("Make each item anew: {separate} ({})", line_of(&place)),
                    "a multiplied list holds the same object several times",
                    vec![TextEdit::replace(source.path(), whole.span, separate)],
                )),
        );
    }
    None
}

/// `[item] * count` where the item can be changed.
#[derive(Clone, Copy)]
struct Repeated<'e> {
    whole: &'e Expr,
    item: &'e Expr,
    count: &'e Expr,
}

fn repeated(expr: &Expr) -> Option<Repeated<'_>> {
    let ExprKind::BinOp { left, op: "*", right } = &expr.kind else { return None };
    let (list, count) = match (&left.kind, &right.kind) {
        (ExprKind::List(items), _) => (items, &**right),
        (_, ExprKind::List(items)) => (items, &**left),
        _ => return None,
    };
    let [item] = list.as_slice() else { return None };
    let nested = matches!(&item.kind, ExprKind::BinOp { left, op: "*", right }
        if matches!(left.kind, ExprKind::List(_)) || matches!(right.kind, ExprKind::List(_)));
    (nested || makes_container(item)).then_some(Repeated { whole: expr, item, count })
}

#[cfg(test)]
mod tests {
    use super::multiplied;
    use crate::diagnose::rules::testing::{Scene, scene};

    fn failing(shop: &str) -> Scene {
        let test = "from shop import board\ndef test_it():\n    rows = board(2)\n    rows[0][0] = 1\n    assert rows[1][0] == 0\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            "AssertionError: assert 1 == 0",
            &[("tests/test_it.py", "assert rows")],
        )
    }

    #[test]
    fn one_row_several_times() {
        failing("def board(n):\n    return [[0] * n] * n\n").check(
            multiplied,
            &["`[[0] * n] * n`", "same object `[0] * n`"],
            "shop.py:2",
            Some(("shop.py", "return [[0] * n for _ in range(n)]")),
        );
        failing(
            "def board(n):\n    return fill(n)\n\ndef fill(n):\n    cells = n * [dict()]\n    return cells\n",
        )
        .check(
            multiplied,
            &["`n * [dict()]`", "`fill` (shop.py:5)"],
            "shop.py:5",
            Some(("shop.py", "cells = [dict() for _ in range(n)]")),
        );
    }

    #[test]
    fn items_that_cannot_be_changed_or_are_made_anew() {
        for shop in [
            "def board(n):\n    return [0] * n\n",
            "def board(n):\n    return [(0, 0)] * n\n",
            "def board(n):\n    return [[0] * n for _ in range(n)]\n",
            "def board(n):\n    return [[0]] + [[1]]\n",
        ] {
            failing(shop).silent(multiplied);
        }
    }
}
