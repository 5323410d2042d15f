//! Operators and loops over values of types that do not go with them: which operand it is, and where it came from.
//!
//! `None` and coroutines have rules of their own. Silent where several operators of the statement may be meant.

use super::{Origin, origin, type_of, with_origin};
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{Spot, between, quoted};
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Severity};
use crate::workspace::python::{Expr, ExprKind, StmtKind};

/// An operator and the types that it was given.
struct Mismatch<'m> {
    operator: &'m str,
    left: &'m str,
    right: &'m str,
}

fn mismatch(message: &str) -> Option<Mismatch<'_>> {
    if let Some((_, rest)) = message.split_once("unsupported operand type(s) for ") {
        let (operator, types) = rest.split_once(": ")?;
        let (left, right) = types.split_once(" and ")?;
        let operator = operator.split(" or ").next()?.trim_end_matches('=');
        return Some(Mismatch { operator, left: left.trim_matches('\''), right: right.trim_matches('\'') });
    }
    if let Some((operator, types)) = message.split_once(" not supported between instances of ") {
        let [left, right] = quoted(types)[..] else { return None };
        return Some(Mismatch { operator: operator.trim_matches('\''), left, right });
    }
    let rest = message.strip_prefix("can only concatenate ")?;
    let (left, _) = rest.split_once(' ')?;
    Some(Mismatch { operator: "+", left, right: between(rest, "(not \"", "\")")? })
}

/// The operands of the one operator of the statement that the message can mean.
fn operands<'s>(spot: &'s Spot<'_>, wrong: &Mismatch<'_>) -> Option<(&'s Expr, &'s Expr)> {
    let mut found: Vec<(&Expr, &Expr)> = Vec::new();
    for part in spot.expressions() {
        match &part.kind {
            ExprKind::BinOp { left, op, right } if *op == wrong.operator => found.push((left, right)),
            ExprKind::Compare { left, rest } if rest.len() == 1 && rest[0].0 == wrong.operator => {
                found.push((left, &rest[0].1));
            }
            _ => {}
        }
    }
    if let Some(stmt) = spot.module().statement(spot.place.line)
        && let StmtKind::AugAssign { target, op, value } = &stmt.kind
        && *op == wrong.operator
    {
        found.push((target, value));
    }
    // What is known of the types leaves out the others.
    let fits = |expr: &Expr, name: &str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        type_of(spot, expr).is_none_or(|known| known == last)
    };
    found.retain(|(left, right)| fits(left, wrong.left) && fits(right, wrong.right));
    let [only] = found.as_slice() else { return None };
    Some(*only)
}

/// `unsupported operand type(s) for -: 'datetime.date' and 'str'` and its like.
pub(super) fn unsupported(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?.trim();
    let wrong = mismatch(message)?;
    let special = |name: &str| matches!(name, "NoneType" | "coroutine" | "async_generator");
    if special(wrong.left) || special(wrong.right) {
        return None;
    }
    let spot = Spot::of(case)?;
    let (left, right) = operands(&spot, &wrong)?;
    if let Some(finding) = not_called(&spot, message, &wrong, left, right) {
        return Some(finding);
    }
    let odd_is_left = odd_is_left(&spot, &wrong, left);
    let (odd, odd_type, other, other_type) = if odd_is_left {
        (left, wrong.left, right, wrong.right)
    } else {
        (right, wrong.right, left, wrong.left)
    };
    let text = spot.text(odd.span);
    let value = spot.frame.shown(text).map_or_else(String::new, |repr| format!(" ({})", code(repr)));
    let made = origin(case, &spot, odd).filter(|made| made.text != text);
    let from = made.as_ref().map_or_else(String::new, |made| format!(" from {}", made.said()));
    let confidence = if made.is_some() || !value.is_empty() { 0.68 } else { 0.6 };
    let mut finding = Finding::new("types-operands", Category::Other, Severity::High, confidence)
        .because(format!(
            "{} is a `{odd_type}`{value}{from}, and {} uses `{}` with the `{other_type}` {}",
            code(text),
            at(spot.place),
            wrong.operator,
            code(spot.text(other.span)),
        ))
        .shown(format!("`{message}`"), Some(spot.place))
        .suggest(format!("Convert {} where it comes in, or at {}", code(text), line_of(spot.place)));
    finding = finding.mend(converted(&spot, &wrong, odd, odd_type, other_type, made.as_ref()));
    let handed_over = made.as_ref().is_some_and(|made| made.is_literal);
    if let Some(made) = made.as_ref().filter(|_| !handed_over) {
        finding = finding.suspect(spot.place, confidence, "uses values of types that do not go together");
        return Some(with_origin(finding, made, &spot, 0.6, "gives the value of that type"));
    }
    finding = finding.suspect(spot.place, confidence, "uses values of types that do not go together");
    match &made {
        Some(made) => Some(with_origin(finding, made, &spot, 0.6, "the literal of that type stands here")),
        None => Some(finding),
    }
}

/// A method in place of its result: the parentheses are missing.
fn not_called(
    spot: &Spot<'_>,
    message: &str,
    wrong: &Mismatch<'_>,
    left: &Expr,
    right: &Expr,
) -> Option<Finding> {
    let function = |name: &str| matches!(name, "method" | "function" | "builtin_function_or_method");
    let expr = match (function(wrong.left), function(wrong.right)) {
        (true, false) => left,
        (false, true) => right,
        _ => return None,
    };
    expr.dotted()?;
    let text = spot.text(expr.span);
    Some(
        Finding::new("types-not-called", Category::Other, Severity::High, 0.93)
            .because(format!(
                "{} uses {} itself and not what it gives: the call's parentheses are missing",
                at(spot.place),
                code(text)
            ))
            .shown(format!("`{message}`"), Some(spot.place))
            .suspect(spot.place, 0.93, "does not call it")
            .suggest(format!("Call it: `{text}()`"))
            .mend(Draft::edits(
                spot.target(),
                format!("Call it: {text}() ({})", line_of(spot.place)),
                "a function is not its result",
                vec![TextEdit::insert(&spot.place.path, expr.span.end, "()")],
            )),
    )
}

/// Which operand does not fit: a text among other things, unless a text is being put together.
fn odd_is_left(spot: &Spot<'_>, wrong: &Mismatch<'_>, left: &Expr) -> bool {
    let is_text = |name: &str| matches!(name, "str" | "bytes");
    match (is_text(wrong.left), is_text(wrong.right)) {
        (true, false) => {
            let literal = matches!(left.kind, ExprKind::Str(_) | ExprKind::FString(_) | ExprKind::Bytes)
                || matches!(&left.kind, ExprKind::BinOp { .. });
            let numeric =
                spot.frame.shown(spot.text(left.span)).is_some_and(|repr| number_of(repr).is_some());
            !(wrong.operator == "+" && (literal || !numeric))
        }
        _ => false,
    }
}

/// The number that a text's `repr` spells.
fn number_of(repr: &str) -> Option<f64> {
    match Value::parse(repr)? {
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn converted(
    spot: &Spot<'_>,
    wrong: &Mismatch<'_>,
    odd: &Expr,
    odd_type: &str,
    other_type: &str,
    made: Option<&Origin>,
) -> Option<Draft> {
    let text = spot.text(odd.span);
    let into = match (odd_type, other_type) {
        ("int" | "float" | "bool", "str") if wrong.operator == "+" => "str",
        ("str", "int" | "float") => {
            // Only a text that is such a number can become one.
            let number = spot
                .frame
                .shown(text)
                .and_then(number_of)
                .or_else(|| made.filter(|made| made.is_literal).and_then(|made| number_of(&made.text)))?;
            if number.fract() == 0.0 && other_type == "int" { "int" } else { "float" }
        }
        ("list", "tuple") => "tuple",
        ("tuple", "list") => "list",
        _ => return None,
    };
    Some(Draft::edits(
        spot.target(),
        format!("Convert it: {into}({text}) ({})", line_of(spot.place)),
        "both operands then have types that go together",
        vec![TextEdit::replace(&spot.place.path, odd.span, format!("{into}({text})"))],
    ))
}

/// `'int' object is not iterable`.
pub(super) fn not_iterable(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?.trim();
    let kind = between(message, "'", "' object is not iterable")?;
    if matches!(kind, "NoneType" | "coroutine" | "async_generator" | "method" | "function") {
        return None;
    }
    let spot = Spot::of(case)?;
    let stmt = spot.module().statement(spot.place.line)?;
    let mut found: Vec<&Expr> = Vec::new();
    if let StmtKind::For { iter, .. } = &stmt.kind {
        found.push(iter);
    }
    for part in spot.expressions() {
        match &part.kind {
            ExprKind::Comprehension { fors, .. } => found.extend(fors.iter().map(|clause| &clause.iter)),
            ExprKind::Starred(value) => found.push(value),
            ExprKind::Call { func, args, .. }
                if matches!(
                    func.as_name(),
                    Some(
                        "list"
                            | "tuple"
                            | "set"
                            | "sorted"
                            | "sum"
                            | "max"
                            | "min"
                            | "enumerate"
                            | "any"
                            | "all"
                    )
                ) =>
            {
                found.extend(args.first());
            }
            _ => {}
        }
    }
    found.retain(|expr| type_of(&spot, expr).is_none_or(|known| known == kind));
    let [expr] = found.as_slice() else { return None };
    let text = spot.text(expr.span);
    let value = spot.frame.shown(text).map_or_else(String::new, |repr| format!(" ({})", code(repr)));
    let made = origin(case, &spot, expr).filter(|made| made.text != text);
    let from = made.as_ref().map_or_else(String::new, |made| format!(" from {}", made.said()));
    let counts = kind == "int"
        && (text.starts_with("len(") || made.as_ref().is_some_and(|made| made.text.starts_with("len(")));
    let mut finding =
        Finding::new("types-iterated", Category::Other, Severity::High, if counts { 0.9 } else { 0.75 })
            .because(format!(
                "{} iterates over {}, which is a `{kind}`{value}{from}{}",
                at(spot.place),
                code(text),
                if counts { ": `range` is missing" } else { "" }
            ))
            .shown(format!("`{message}`"), Some(spot.place))
            .suspect(spot.place, 0.75, "iterates over it")
            .suggest(if counts {
                format!("Iterate over `range({text})`")
            } else {
                format!(
                    "Give a list or another iterable for {}, or do not iterate at {}",
                    code(text),
                    line_of(spot.place)
                )
            });
    if counts {
        finding = finding.mend(Draft::edits(
            spot.target(),
            format!("Iterate over range({text}) ({})", line_of(spot.place)),
            "a number is not iterable, the range up to it is",
            vec![TextEdit::replace(&spot.place.path, expr.span, format!("range({text})"))],
        ));
    }
    if let Some(made) = &made {
        finding = with_origin(finding, made, &spot, 0.5, "gives the value that is iterated");
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::{not_iterable, unsupported};
    use crate::diagnose::rules::testing::{Scene, scene};

    const TEST: &str = "from shop import run\ndef test_it():\n    assert run('2026-01-01') == 2\n";

    fn failing(shop: &str, message: &str) -> Scene {
        scene(
            &[("shop.py", shop), ("tests/test_it.py", TEST)],
            &format!("TypeError: {message}"),
            &[("tests/test_it.py", "assert run"), ("shop.py", "return")],
        )
    }

    #[test]
    fn the_operand_that_does_not_fit() {
        for (shop, message, locals, parts, place, fixed) in [
            (
                "def run(start):\n    return (END - start).days\n",
                "unsupported operand type(s) for -: 'datetime.date' and 'str'",
                [("start", "'2026-01-01'")],
                vec!["`start` is a `str`", "'2026-01-01'", "tests/test_it.py:3", "`END`"],
                "shop.py:2",
                None,
            ),
            (
                "def run(count):\n    return 'n: ' + count\n",
                "can only concatenate str (not \"int\") to str",
                [("count", "3")],
                vec!["`count` is a `int`", "`'n: '`"],
                "shop.py:2",
                Some(("shop.py", "'n: ' + str(count)")),
            ),
            (
                "def run(price):\n    total = 4\n    return total < price\n",
                "'<' not supported between instances of 'int' and 'str'",
                [("price", "'12'")],
                vec!["`price` is a `str`"],
                "shop.py:3",
                Some(("shop.py", "total < int(price)")),
            ),
            (
                "def run(till):\n    cash = 4\n    return cash - till.total\n",
                "unsupported operand type(s) for -: 'int' and 'method'",
                [("cash", "4")],
                vec!["`till.total` itself"],
                "shop.py:3",
                Some(("shop.py", "cash - till.total()")),
            ),
        ] {
            failing(shop, message).locals(&locals).check(unsupported, &parts, place, fixed);
        }
    }

    #[test]
    fn what_others_say_or_nobody_can() {
        for (shop, message) in [
            ("def run(a):\n    return a + 1\n", "unsupported operand type(s) for +: 'NoneType' and 'int'"),
            ("def run(a):\n    return a + 1\n", "unsupported operand type(s) for +: 'coroutine' and 'int'"),
            ("def run(a):\n    return (a + B) + (C + a)\n", "unsupported operand type(s) for +: 'X' and 'Y'"),
            ("def run(a):\n    return a\n", "unsupported operand type(s) for +: 'X' and 'Y'"),
        ] {
            failing(shop, message).silent(unsupported);
        }
    }

    #[test]
    fn what_cannot_be_iterated() {
        failing("def run(rows):\n    return [i for i in len(rows)]\n", "'int' object is not iterable").check(
            not_iterable,
            &["`len(rows)`", "`range` is missing"],
            "shop.py:2",
            Some(("shop.py", "in range(len(rows))]")),
        );
        failing("def run(total):\n    return sum(total)\n", "'int' object is not iterable")
            .locals(&[("total", "7")])
            .check(not_iterable, &["`total`", "`int`", "`7`"], "shop.py:2", None);
        failing("def run(a):\n    return sum(a)\n", "'NoneType' object is not iterable").silent(not_iterable);
    }
}
