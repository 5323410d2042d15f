//! Edits of numbers and operators.

use super::candidates::Maker;
use super::expressions::wrapped;
use crate::workspace::python::{Expr, ExprKind, Span};

/// `n` may be meant one more or one less.
pub(super) fn off_by_one(maker: &mut Maker<'_>, expr: &Expr, cost: u32) {
    let text = maker.text(expr.span);
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Call { .. } => {
            for op in ["+", "-"] {
                maker.replace(expr.span, format!("{text} {op} 1"), cost, "it is off by one");
            }
        }
        ExprKind::BinOp { left, op: "+" | "-", right } if matches!(&right.kind, ExprKind::Int(n) if &**n == "1") =>
        {
            // Somebody has written the one on purpose.
            maker.replace(expr.span, maker.text(left.span), cost + 1, "it is off by one");
        }
        ExprKind::BinOp { .. } => {
            for op in ["+", "-"] {
                maker.replace(expr.span, format!("{text} {op} 1"), cost + 1, "it is off by one");
            }
        }
        _ => {}
    }
}

pub(super) fn binary<'a>(maker: &mut Maker<'a>, expr: &'a Expr, left: &'a Expr, op: &str, right: &'a Expr) {
    let gap = Span { start: left.span.end, end: right.span.start };
    let between = maker.text(gap);
    let (others, why): (&[&str], &str) = match op {
        "+" => (&["-", "*"], "the operator is wrong"),
        "-" => (&["+", "/"], "the operator is wrong"),
        "*" => (&["/", "+", "**"], "the operator is wrong"),
        "/" => (&["//", "*", "-"], "the operator is wrong"),
        "//" => (&["/", "%"], "integer division drops the fraction"),
        "%" => (&["//", "/"], "the operator is wrong"),
        "**" => (&["*"], "the operator is wrong"),
        "|" => (&["&"], "the operator is wrong"),
        "&" => (&["|"], "the operator is wrong"),
        _ => (&[], ""),
    };
    for (rank, other) in others.iter().enumerate() {
        if between.matches(op).count() == 1 {
            maker.replace(gap, between.replacen(op, other, 1), if rank == 0 { 2 } else { 4 }, why);
        }
    }
    let (a, b) = (maker.text(left.span), maker.text(right.span));
    if matches!(op, "-" | "/" | "//" | "%" | "+" | "|") {
        let edits = vec![(left.span, b.to_owned()), (right.span, a.to_owned())];
        let cost = if matches!(op, "-" | "/" | "//" | "|") { 2 } else { 5 };
        maker.edits(edits, cost, "the operands are in the wrong order");
    }
    let source = std::sync::Arc::clone(maker.source);
    let plain = |span: Span| {
        !Span { start: span.start.saturating_sub(1), end: span.start }.of(source.text()).starts_with('(')
    };
    if let ExprKind::BinOp { left: inner, op: inner_op, right: last } = &right.kind
        && plain(right.span)
        && weight(inner_op) > weight(op)
    {
        let new = format!("({a} {op} {}) {inner_op} {}", maker.text(inner.span), maker.text(last.span));
        maker.replace(
            expr.span,
            new,
            2,
            format!("`{inner_op}` binds before `{op}`: parentheses are missing"),
        );
    }
    if let ExprKind::BinOp { left: first, op: inner_op, right: inner } = &left.kind
        && plain(left.span)
        && weight(inner_op) > weight(op)
    {
        let new = format!("{} {inner_op} ({} {op} {b})", maker.text(first.span), maker.text(inner.span));
        maker.replace(
            expr.span,
            new,
            2,
            format!("`{inner_op}` binds before `{op}`: parentheses are missing"),
        );
    }
    if op == "//" {
        let new = format!("-(-{} // {b})", atom(a, left));
        maker.replace(expr.span, new, 2, "`//` rounds down where what is begun counts as a whole");
    }
    if op == "/" && a.len() < 60 {
        let why = "the fraction is kept where it is meant to be rounded";
        maker.replace(expr.span, format!("round({a} / {b})"), 4, why);
    }
    // `[[0] * n] * m`: the same row m times.
    if op == "*"
        && let ExprKind::List(items) = &left.kind
        && let [item] = items.as_slice()
    {
        let new = format!("[{} for _ in range({b})]", maker.text(item.span));
        maker.replace(expr.span, new, 1, "every row is the same list, shared");
        maker.about_shared();
    }
    for side in [left, right] {
        if !matches!(side.kind, ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Float(_))
            && matches!(&*maker.hints.exception, "TypeError")
        {
            wrapped(maker, side, 2);
        }
    }
    let one = b == "1" && matches!(op, "+" | "-");
    maker.replace(
        expr.span,
        a,
        if one { 3 } else { 5 },
        if one { "it is off by one".to_owned() } else { format!("`{op} {b}` is too much") },
    );
    maker.replace(expr.span, b, 6, format!("`{a} {op}` is too much"));
    // Division by the length of something empty.
    if matches!(op, "/" | "//") && maker.hints.exception == "ZeroDivisionError" {
        let divisor = match &right.kind {
            ExprKind::Call { func, args, .. } if func.as_name() == Some("len") && args.len() == 1 => {
                maker.text(args[0].span)
            }
            _ => b,
        };
        let whole = maker.text(expr.span);
        for fallback in maker.hints.fallbacks.clone() {
            let new = format!("({whole} if {divisor} else {fallback})");
            maker.replace(
                expr.span,
                new,
                3,
                if divisor == b {
                    format!("`{divisor}` can be zero")
                } else {
                    format!("`{divisor}` can be empty")
                },
            );
        }
    }
}

/// An operand as it is, or in parentheses where it is made of several.
fn atom(text: &str, expr: &Expr) -> String {
    match expr.kind {
        ExprKind::BinOp { .. } | ExprKind::UnaryOp { .. } | ExprKind::If { .. } if !text.starts_with('(') => {
            format!("({text})")
        }
        _ => text.to_owned(),
    }
}

pub(super) fn weight(op: &str) -> u32 {
    match op {
        "*" | "/" | "//" | "%" => 2,
        "**" => 3,
        _ => 1,
    }
}

pub(super) fn integer(maker: &mut Maker<'_>, expr: &Expr, text: &str, counts: bool) {
    let Ok(n) = text.replace('_', "").parse::<i64>() else { return };
    if (0..=1).contains(&n) {
        // A count of one where the amount is given.
        let params: Vec<String> = maker.function.map_or_else(Vec::new, |function| {
            let params = function.signature.params.iter().map(|param| param.name.to_string());
            params.filter(|name| name != "self" && name != "cls").collect()
        });
        for name in params {
            let why = format!("`{name}` is meant, not `{n}`");
            maker.replace(expr.span, name, 3, why);
        }
    }
    // Counting up by nothing is no slip.
    for new in [n + 1, n - 1].into_iter().filter(|new| !counts || *new != 0) {
        // `-0` is no number that anybody writes.
        let negative = Span { start: expr.span.start.saturating_sub(1), end: expr.span.start };
        if new == 0 && maker.text(negative) == "-" {
            continue;
        }
        let cost = if n == 0 && new < 0 { 4 } else { 3 };
        maker.replace(expr.span, new.to_string(), cost, "the number is off by one");
    }
    for factor in [10, 100, 1000] {
        maker.replace(expr.span, (n * factor).to_string(), 4, "the constant is wrong");
        if n % factor == 0 && n != 0 {
            maker.replace(expr.span, (n / factor).to_string(), 4, "the constant is wrong");
        }
    }
    for usual in [2, 12, 24, 60, 100, 365, 1000, 1024, 3600, 86400] {
        if n > 1 && usual != n {
            maker.replace(expr.span, usual.to_string(), 5, "the constant is wrong");
        }
    }
    if n > 0 {
        maker.replace(expr.span, format!("-{n}"), 5, "the sign is wrong");
    }
}
