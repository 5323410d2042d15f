//! Edits of conditions: what is taken for false, and what `and` and `or` join.

use super::candidates::Maker;
use crate::workspace::python::{Expr, ExprKind, Span, Stmt, StmtKind};

/// Makes the candidates of a statement's conditions.
pub(super) fn statement(maker: &mut Maker<'_>, stmt: &Stmt) {
    match &stmt.kind {
        StmtKind::If(branches) => {
            for test in branches.iter().filter_map(|(test, _)| test.as_ref()) {
                condition(maker, test);
            }
        }
        StmtKind::While { test, .. } => condition(maker, test),
        _ => {}
    }
}

/// Makes the candidates of an expression.
pub(super) fn expression(maker: &mut Maker<'_>, expr: &Expr) {
    match &expr.kind {
        ExprKind::If { test, .. } => condition(maker, test),
        ExprKind::Comprehension { fors, .. } => {
            for test in fors.iter().flat_map(|part| &part.ifs) {
                condition(maker, test);
            }
        }
        ExprKind::BoolOp { op: "or", values } => {
            fallback(maker, expr, values);
            alternatives(maker, expr, values);
            grouped(maker, values);
        }
        _ => {}
    }
}

/// Zero and what is empty are as false as `None` is.
fn condition(maker: &mut Maker<'_>, test: &Expr) {
    match &test.kind {
        ExprKind::BoolOp { values, .. } => {
            for value in values {
                condition(maker, value);
            }
        }
        ExprKind::UnaryOp { op: "not", operand } if is_value(operand) => {
            let of = maker.text(operand.span);
            let why = format!("`not {of}` holds for zero and what is empty, too, not for `None` only");
            maker.replace(test.span, format!("{of} is None"), cost(maker, of), why);
        }
        _ if is_value(test) => {
            let of = maker.text(test.span);
            let why = format!("`{of}` is false for zero and what is empty, too, not for `None` only");
            maker.replace(test.span, format!("{of} is not None"), cost(maker, of), why);
        }
        _ => {}
    }
}

/// Small where the file says that the value can be `None`.
fn cost(maker: &Maker<'_>, of: &str) -> u32 {
    let name = of.rsplit('.').next().unwrap_or(of);
    let text = maker.source.text();
    let optional = [format!("{name}=None"), format!("{name} = None"), format!("{name}: ")]
        .iter()
        .enumerate()
        .any(|(rank, start)| {
            text.match_indices(start.as_str()).any(|(at, _)| {
                let line = text[at..].lines().next().unwrap_or_default();
                rank < 2 || line.contains("None") || line.contains("Optional")
            })
        });
    if optional || of.contains(".get(") { 2 } else { 4 }
}

fn is_value(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => true,
        // What gives nothing but `True` and `False` is never `None`.
        ExprKind::Call { func, .. } => match &func.kind {
            ExprKind::Attribute { attr, .. } => {
                matches!(&**attr, "get" | "pop" | "find" | "first" | "getenv")
            }
            _ => false,
        },
        _ => false,
    }
}

/// `given or default`, where what is given may be zero or empty.
fn fallback(maker: &mut Maker<'_>, expr: &Expr, values: &[Expr]) {
    let [given, default] = values else { return };
    if !is_value(given) || matches!(default.kind, ExprKind::Compare { .. } | ExprKind::BoolOp { .. }) {
        return;
    }
    let (given, default) = (maker.text(given.span), maker.text(default.span));
    let why = format!("`{given} or {default}` takes `{default}` for zero and what is empty, too");
    let new = format!("{default} if {given} is None else {given}");
    let before = Span { start: expr.span.start.saturating_sub(1), end: expr.span.start };
    let new = if maker.text(before) == "(" { new } else { format!("({new})") };
    maker.replace(expr.span, new, 2, why);
}

/// `kind == "a" or "b"`: the second text is no comparison, and always true.
fn alternatives(maker: &mut Maker<'_>, expr: &Expr, values: &[Expr]) {
    let [first, others @ ..] = values else { return };
    let ExprKind::Compare { left, rest } = &first.kind else { return };
    let [("==", one)] = rest.as_slice() else { return };
    let literal = |value: &Expr| matches!(value.kind, ExprKind::Str(_) | ExprKind::Int(_));
    if !literal(one) || !others.iter().all(literal) {
        return;
    }
    let all: Vec<&str> = std::iter::once(one).chain(others).map(|value| maker.text(value.span)).collect();
    let of = maker.text(left.span);
    let why = format!("`{}` alone is always true: it is not compared with `{of}`", all[1]);
    maker.replace(expr.span, format!("{of} in ({})", all.join(", ")), 1, why);
}

/// `a and b or c`, where `a and (b or c)` is meant.
fn grouped(maker: &mut Maker<'_>, values: &[Expr]) {
    let Some(at) = values.iter().position(|value| matches!(value.kind, ExprKind::BoolOp { op: "and", .. }))
    else {
        return;
    };
    let (ExprKind::BoolOp { values: joined, .. }, Some(last)) = (&values[at].kind, values.last()) else {
        return;
    };
    let before = Span { start: values[at].span.start.saturating_sub(1), end: values[at].span.start };
    let open = before.end > before.start && maker.text(before) == "(";
    let Some(from) = joined.last().filter(|_| !open && at + 1 < values.len()) else { return };
    let edits = vec![
        (Span { start: from.span.start, end: from.span.start }, "(".to_owned()),
        (Span { start: last.span.end, end: last.span.end }, ")".to_owned()),
    ];
    maker.edits(edits, 2, "`and` binds before `or`: parentheses are missing");
}
