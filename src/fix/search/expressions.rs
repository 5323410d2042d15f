//! Candidate edits of one expression.

use super::calls;
use super::templates::{Context, is_identifier};
use crate::workspace::python::{BindingKind, Class, Expr, ExprKind, Module, Name, Span};

/// Most other names that a name is replaced by.
const MAX_NAMES: usize = 8;

/// Methods and functions that are taken for each other.
const ALIKE: &[&[&str]] = &[
    &["append", "extend"],
    &["append", "add"],
    &["append", "insert"],
    &["update", "add"],
    &["find", "index", "rfind"],
    &["index", "rindex"],
    &["lower", "upper", "casefold"],
    &["title", "capitalize"],
    &["startswith", "endswith"],
    &["strip", "lstrip", "rstrip"],
    &["split", "rsplit"],
    &["partition", "rpartition"],
    &["removeprefix", "removesuffix"],
    &["ljust", "rjust"],
    &["keys", "values", "items"],
    &["min", "max"],
    &["any", "all"],
    &["sum", "max", "len"],
    &["floor", "ceil", "trunc"],
    &["int", "round", "float"],
    &["union", "intersection", "difference"],
    &["issubset", "issuperset"],
    &["pop", "popleft"],
    &["appendleft", "append"],
    &["isdigit", "isalpha", "isalnum"],
    &["match", "search", "fullmatch"],
    &["group", "groups"],
    &["remove", "discard"],
    &["sort", "reverse"],
    &["sorted", "reversed"],
    &["enumerate", "zip"],
    &["days", "seconds"],
    &["bisect_left", "bisect_right"],
    &["today", "now", "utcnow"],
    &["dumps", "dump"],
    &["loads", "load"],
    &["encode", "decode"],
];

/// The candidates for one expression, its parts left out.
pub(super) fn expression(context: &mut Context<'_>, expr: &Expr) {
    match &expr.kind {
        ExprKind::Compare { left, rest } => compared(context, left, rest),
        ExprKind::BinOp { left, op, right } => arithmetic(context, expr, left, op, right),
        ExprKind::BoolOp { op, values } => logic(context, expr, op, values),
        ExprKind::UnaryOp { op: "not" | "-", operand } => {
            let text = context.of(operand.span).to_owned();
            if let Ok(value) = text.parse::<i64>() {
                context.replace(expr.span, (1 - value).to_string(), 2.0);
                context.replace(expr.span, (-1 - value).to_string(), 2.0);
            }
            context.replace(expr.span, text, 2.5);
        }
        ExprKind::Tuple(items) | ExprKind::List(items) => {
            for pair in items.windows(2).take(3) {
                swapped(context, &pair[0], &pair[1], 3.0);
            }
        }
        ExprKind::If { test, body, orelse } => {
            let (body, orelse) = (context.of(body.span).to_owned(), context.of(orelse.span).to_owned());
            let text = format!("{orelse} if {} else {body}", context.of(test.span));
            context.replace(expr.span, text, 2.5);
        }
        ExprKind::Bool(value) => context.replace(expr.span, if *value { "False" } else { "True" }, 2.0),
        ExprKind::Int(text) => number(context, expr.span, text),
        ExprKind::Float(_) => expected(context, expr),
        ExprKind::Str(text) => {
            expected(context, expr);
            calls::misspelt(context, expr, text);
        }
        ExprKind::Call { func, args, keywords, .. } => {
            call(context, expr, func, args);
            calls::missing(context, expr, args, keywords);
        }
        ExprKind::Subscript { value, index } => subscript(context, expr, value, index),
        ExprKind::Name(name) => variable(context, expr.span, name),
        ExprKind::Attribute { value, attr, attr_span } => attribute(context, value, attr, *attr_span),
        ExprKind::Comprehension { fors, .. } => {
            for test in fors.iter().flat_map(|clause| &clause.ifs) {
                if !matches!(test.kind, ExprKind::Compare { .. } | ExprKind::UnaryOp { .. }) {
                    let text = format!("not {}", context.of(test.span));
                    context.replace(test.span, text, 2.5);
                }
            }
        }
        _ => {}
    }
}

/// Replaces an operator that stands between two operands.
fn operator(context: &mut Context<'_>, between: Span, old: &str, others: &[(&str, f64)]) {
    let gap = context.of(between);
    let Some(at) = gap.find(old) else { return };
    let start = between.start + at as u32;
    let span = Span { start, end: start + old.len() as u32 };
    for (new, cost) in others {
        context.replace(span, *new, *cost);
    }
}

fn compared(context: &mut Context<'_>, left: &Expr, rest: &[(&'static str, Expr)]) {
    let mut from = left;
    for (op, right) in rest {
        let others: &[(&str, f64)] = match *op {
            "<" => &[("<=", 1.0), (">", 2.5), (">=", 3.0)],
            "<=" => &[("<", 1.0), (">=", 2.5), (">", 3.0)],
            ">" => &[(">=", 1.0), ("<", 2.5), ("<=", 3.0)],
            ">=" => &[(">", 1.0), ("<=", 2.5), ("<", 3.0)],
            "==" => &[("!=", 1.5), (">=", 3.0), ("<=", 3.0)],
            "!=" => &[("==", 1.5)],
            "in" => &[("not in", 1.5), ("==", 3.5)],
            "not in" => &[("in", 1.5)],
            "is" => &[("is not", 1.5), ("==", 2.5)],
            "is not" => &[("is", 1.5), ("!=", 2.5)],
            _ => &[],
        };
        operator(context, Span { start: from.span.end, end: right.span.start }, op, others);
        for operand in [from, right] {
            off_by_one(context, operand, 2.5);
        }
        from = right;
    }
    if let [(_, right)] = rest
        && let (Some(one), Some(other)) = (simple(context, left), simple(context, right))
    {
        // Compared the wrong way round is covered by the operators; with `in` it is not.
        if rest[0].0.ends_with("in") {
            let (one, other) = (one.to_owned(), other.to_owned());
            context.replace(
                Span { start: left.span.start, end: right.span.end },
                format!("{other} {} {one}", rest[0].0),
                4.0,
            );
        }
    }
}

/// The text of a name or attribute.
fn simple<'a>(context: &'a Context<'_>, expr: &Expr) -> Option<&'a str> {
    matches!(expr.kind, ExprKind::Name(_) | ExprKind::Attribute { .. }).then(|| context.of(expr.span))
}

fn arithmetic(context: &mut Context<'_>, expr: &Expr, left: &Expr, op: &str, right: &Expr) {
    let others: &[(&str, f64)] = match op {
        "+" => &[("-", 1.5), ("*", 3.5)],
        "-" => &[("+", 1.5)],
        "*" => &[("/", 2.5), ("+", 3.0), ("**", 3.5)],
        "/" => &[("//", 1.5), ("*", 2.5), ("%", 3.5)],
        "//" => &[("/", 1.5), ("%", 2.5)],
        "%" => &[("//", 2.5), ("/", 3.0)],
        "**" => &[("*", 2.5)],
        "&" => &[("|", 2.0), ("^", 3.0)],
        "|" => &[("&", 2.0), ("^", 3.0)],
        "^" => &[("|", 2.5), ("&", 2.5)],
        "<<" => &[(">>", 2.0)],
        ">>" => &[("<<", 2.0)],
        _ => &[],
    };
    operator(context, Span { start: left.span.end, end: right.span.start }, op, others);
    let whole = (context.of(left.span).to_owned(), context.of(right.span).to_owned());
    if matches!(op, "-" | "/" | "//" | "%" | "**" | "+") && is_plain(left) && is_plain(right) {
        context.replace(expr.span, format!("{} {op} {}", whole.1, whole.0), 3.0);
    }
    if is_plain(left) && !matches!(left.kind, ExprKind::Int(_)) {
        context.replace(expr.span, whole.0, 3.0);
    }
    if is_plain(right) && !matches!(right.kind, ExprKind::Int(_)) {
        context.replace(expr.span, whole.1.clone(), 3.5);
    }
    if matches!(op, "+" | "-") && matches!(&right.kind, ExprKind::Int(one) if **one == *"1") {
        let text = context.of(left.span).to_owned();
        context.replace(Span { start: left.span.start, end: right.span.end }, text, 1.2);
    }
    if matches!(op, "/" | "//" | "%") && context.hints.exception == "ZeroDivisionError" {
        let text = format!("({} if {} else 0)", context.of(expr.span), whole.1);
        context.replace(expr.span, text, 3.0);
    }
}

/// Whether an operand can stand anywhere without parentheses.
fn is_plain(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Name(_)
            | ExprKind::Attribute { .. }
            | ExprKind::Call { .. }
            | ExprKind::Subscript { .. }
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Str(_)
    )
}

fn logic(context: &mut Context<'_>, expr: &Expr, op: &str, values: &[Expr]) {
    let other = if op == "and" { "or" } else { "and" };
    for pair in values.windows(2) {
        let between = Span { start: pair[0].span.end, end: pair[1].span.start };
        operator(context, between, op, &[(other, 1.5)]);
    }
    for n in 0..values.len() {
        let kept = values.iter().enumerate().filter(|(at, _)| *at != n);
        let kept: Vec<&str> = kept.map(|(_, value)| context.of(value.span)).collect();
        let text = kept.join(&format!(" {op} "));
        context.replace(expr.span, text, 3.0);
        if !matches!(values[n].kind, ExprKind::Compare { .. } | ExprKind::UnaryOp { .. }) {
            let text = format!("not {}", context.of(values[n].span));
            context.replace(values[n].span, text, 2.5);
        }
    }
}

fn number(context: &mut Context<'_>, span: Span, text: &Name) {
    let Ok(value) = text.parse::<i64>() else { return };
    context.replace(span, (value.saturating_add(1)).to_string(), 2.0);
    if value > 1 {
        context.replace(span, (value - 1).to_string(), 2.0);
    }
    let before = context.text[..span.start as usize].trim_end();
    let is_idle = value == 1 && before.ends_with(['+', '-', '*', '/']);
    if (value == 0 || value == 1) && !is_idle {
        context.replace(span, (1 - value).to_string(), 1.5);
    }
    if value == 0 && context.is_default {
        context.replace(span, "None", 2.5);
    }
    // A literal that is returned as it is would become what one test expects.
    if context.returned != Some(span)
        && let Some((actual, wanted)) = &context.hints.values
        && let (Ok(actual), Ok(wanted)) = (actual.parse::<i64>(), wanted.parse::<i64>())
        && let Some(difference) = wanted.checked_sub(actual).filter(|by| by.abs() > 1)
    {
        for new in [value.checked_add(difference), value.checked_sub(difference)].into_iter().flatten() {
            if new >= 0 {
                context.replace(span, new.to_string(), 3.0);
            }
        }
    }
    if value >= 10 {
        // A digit too many or too few.
        context.replace(span, (value / 10).to_string(), 3.5);
        context.replace(span, value.saturating_mul(10).to_string(), 3.5);
    }
}

/// The literal that is the wrong value itself becomes the one that is expected.
fn expected(context: &mut Context<'_>, expr: &Expr) {
    let Some((actual, wanted)) = context.hints.values.clone() else { return };
    if context.returned == Some(expr.span) {
        return;
    }
    let bare = |text: &str| text.trim_matches(['\'', '"']).to_owned();
    let is_text = |text: &str| text.len() >= 2 && text.starts_with(['\'', '"']) && text.is_ascii();
    match &expr.kind {
        ExprKind::Float(text) if **text == *actual && wanted.parse::<f64>().is_ok() => {
            context.replace(expr.span, wanted, 4.0);
        }
        ExprKind::Str(text) if is_text(&actual) && is_text(&wanted) && !text.is_empty() => {
            let (actual, wanted) = (bare(&actual), bare(&wanted));
            // What the two have in common stays; what differs must be this literal, or lie in it.
            let start = actual.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
            let end = actual[start..].bytes().rev().zip(wanted[start..].bytes().rev());
            let end = end.take_while(|(a, b)| a == b).count();
            let (old, new) = (&actual[start..actual.len() - end], &wanted[start..wanted.len() - end]);
            let written = context.of(expr.span);
            let is_plain = !new.contains(['\\', '\'', '"', '{', '}']);
            if old.is_empty() || new.len() > 12 || !is_plain || text.matches(old).count() != 1 {
                return;
            }
            let new_text = written.replacen(old, new, 1);
            context.replace(expr.span, new_text, 4.0);
        }
        _ => {}
    }
}

/// Two that stand side by side change places.
fn swapped(context: &mut Context<'_>, one: &Expr, other: &Expr, cost: f64) {
    let between = context.of(Span { start: one.span.end, end: other.span.start });
    let text = format!("{}{between}{}", context.of(other.span), context.of(one.span));
    context.replace(Span { start: one.span.start, end: other.span.end }, text, cost);
}

/// `x` → `x + 1`, `x - 1`.
pub(super) fn off_by_one(context: &mut Context<'_>, expr: &Expr, cost: f64) {
    if !matches!(
        expr.kind,
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Call { .. } | ExprKind::Subscript { .. }
    ) {
        return;
    }
    let text = context.of(expr.span).to_owned();
    context.replace(expr.span, format!("{text} + 1"), cost);
    context.replace(expr.span, format!("{text} - 1"), cost);
}

fn call(context: &mut Context<'_>, expr: &Expr, func: &Expr, args: &[Expr]) {
    let name = match &func.kind {
        ExprKind::Name(name) | ExprKind::Attribute { attr: name, .. } => name.to_string(),
        _ => String::new(),
    };
    for pair in args.windows(2) {
        swapped(context, &pair[0], &pair[1], 2.5);
    }
    if name == "range" {
        for arg in args {
            off_by_one(context, arg, 1.5);
        }
        if let [only] = args {
            let text = context.of(only.span).to_owned();
            context.replace(only.span, format!("1, {text}"), 2.5);
            context.replace(only.span, format!("1, {text} + 1"), 2.5);
        }
    }
    if let [only] = args
        && matches!(
            name.as_str(),
            "int"
                | "str"
                | "float"
                | "abs"
                | "round"
                | "list"
                | "set"
                | "sorted"
                | "reversed"
                | "len"
                | "tuple"
        )
        && is_plain(only)
    {
        let text = context.of(only.span).to_owned();
        context.replace(expr.span, text, 4.0);
    }
    if name == "pop" && args.is_empty() {
        let end = expr.span.end - 1;
        context.replace(Span { start: end, end }, "0", 2.5);
    }
    if name == "sorted" && args.len() == 1 || name == "sort" && args.is_empty() {
        let end = expr.span.end - 1;
        let text = if args.is_empty() { "reverse=True" } else { ", reverse=True" };
        context.replace(Span { start: end, end }, text, 3.0);
    }
    let is_async = context.function.is_some_and(|function| function.is_async);
    let before = context.text[..expr.span.start as usize].trim_end();
    if is_async && !before.ends_with("await") {
        let start = Span { start: expr.span.start, end: expr.span.start };
        context.replace(start, "await ", 3.0);
    }
}

fn subscript(context: &mut Context<'_>, expr: &Expr, value: &Expr, index: &Expr) {
    match &index.kind {
        ExprKind::Slice { parts } => slice(context, expr, value, parts),
        ExprKind::Int(text) => {
            let other = if **text == *"0" { "-1" } else { "0" };
            context.replace(index.span, other, 2.0);
        }
        ExprKind::UnaryOp { op: "-", .. } => context.replace(index.span, "0", 2.5),
        _ => {
            off_by_one(context, index, 2.0);
            if context.hints.exception == "KeyError" {
                let (value, index) = (context.of(value.span), context.of(index.span));
                let text = format!("{value}.get({index})");
                let with_default = format!("{value}.get({index}, 0)");
                context.replace(expr.span, text, 3.0);
                context.replace(expr.span, with_default, 3.5);
            }
        }
    }
}

fn slice(context: &mut Context<'_>, expr: &Expr, value: &Expr, parts: &[Option<Expr>; 3]) {
    let text = |part: &Option<Expr>| part.as_ref().map(|part| context.of(part.span).to_owned());
    let [lower, upper, step] = [text(&parts[0]), text(&parts[1]), text(&parts[2])];
    let value = context.of(value.span).to_owned();
    let mut add = |lower: Option<&str>, upper: Option<&str>, cost: f64| {
        let step = step.as_deref().map_or(String::new(), |step| format!(":{step}"));
        let text = format!("{value}[{}:{}{step}]", lower.unwrap_or(""), upper.unwrap_or(""));
        context.replace(expr.span, text, cost);
    };
    let more = |text: &str, by: i64| match text.parse::<i64>() {
        Ok(number) => (number + by).to_string(),
        Err(_) if by > 0 && text.ends_with(" - 1") => text[..text.len() - 4].to_owned(),
        Err(_) if by < 0 && text.ends_with(" + 1") => text[..text.len() - 4].to_owned(),
        Err(_) if by < 0 => format!("{text} - 1"),
        Err(_) => format!("{text} + 1"),
    };
    if let Some(lower) = &lower {
        for by in [1, -1] {
            add(Some(&more(lower, by)), upper.as_deref(), 1.5);
        }
        add(None, upper.as_deref(), 2.5);
    } else {
        add(Some("1"), upper.as_deref(), 2.5);
    }
    if let Some(upper) = &upper {
        for by in [1, -1] {
            add(lower.as_deref(), Some(&more(upper, by)), 1.5);
        }
        add(lower.as_deref(), None, 2.5);
    } else {
        add(lower.as_deref(), Some("-1"), 2.5);
    }
    if let (Some(lower), None) = (&lower, &upper) {
        add(None, Some(lower), 2.5);
        if let Some(bare) = lower.strip_prefix('-') {
            add(None, Some(bare), 2.5);
            add(Some(bare), None, 2.5);
        }
    }
    if let (None, Some(upper)) = (&lower, &upper) {
        add(Some(upper), None, 2.5);
        add(Some(&format!("-{upper}")), None, 2.5);
    }
}

/// Another variable of the function in its place.
fn variable(context: &mut Context<'_>, span: Span, name: &Name) {
    alike(context, span, name);
    let Some(function) = context.function else { return };
    let locals = context.module.locals(function);
    calls::of_self(context, span, name);
    // What the function calls or makes objects of is no variable of its.
    if !locals.iter().any(|binding| *binding.name == **name) || &**name == "self" {
        return;
    }
    let mut others: Vec<&str> = locals
        .iter()
        .filter(|b| matches!(b.kind, BindingKind::Variable | BindingKind::Parameter))
        .filter(|b| b.line <= context.line && b.span != span)
        .map(|b| &*b.name)
        .filter(|other| **other != **name && !matches!(*other, "self" | "cls" | "_"))
        .collect();
    others.sort_unstable();
    others.dedup();
    nearest(&mut others, name);
    let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
    for other in others {
        context.replace(span, other, 3.5);
    }
}

/// Another attribute of `self`, or another method that is taken for this one.
fn attribute(context: &mut Context<'_>, value: &Expr, attr: &Name, span: Span) {
    alike(context, span, attr);
    if value.as_name() != Some("self") {
        calls::of_other_object(context, value, attr, span);
        return;
    }
    let is_local = |function| context.module.locals(function).iter().any(|binding| binding.name == *attr);
    if context.function.is_some_and(is_local) {
        context.replace(Span { start: value.span.start, end: span.end }, attr.to_string(), 3.0);
    }
    let Some(class) = context.module.enclosing_class(context.line) else { return };
    let Some(class) = context.module.class(&class.qualified_name) else { return };
    for other in of_the_same_kind(context.module, class, attr) {
        context.replace(span, other, 3.5);
    }
}

/// The other attributes of a class that are of the kind of `attr`, those with the nearest names first.
pub(super) fn of_the_same_kind(module: &Module, class: &Class, attr: &Name) -> Vec<String> {
    let known = module.attributes(class);
    let Some(kind) = known.iter().find(|b| b.name == *attr).map(|b| b.kind) else { return Vec::new() };
    let mut others: Vec<&str> = known
        .iter()
        .filter(|b| b.kind == kind && b.name != *attr && !b.name.starts_with("__"))
        .map(|b| &*b.name)
        .collect();
    others.sort_unstable();
    others.dedup();
    nearest(&mut others, attr);
    others.into_iter().map(str::to_owned).collect()
}

fn alike(context: &mut Context<'_>, span: Span, name: &str) {
    for group in ALIKE.iter().filter(|group| group.contains(&name)) {
        for other in group.iter().filter(|other| **other != name && is_identifier(other)) {
            context.replace(span, *other, 2.5);
        }
    }
}

/// The names that are most like `name`, as many as are tried.
fn nearest(names: &mut Vec<&str>, name: &str) {
    names.sort_by(|a, b| strsim::jaro_winkler(b, name).total_cmp(&strsim::jaro_winkler(a, name)));
    names.truncate(MAX_NAMES);
}
