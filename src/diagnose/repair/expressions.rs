//! Edits of expressions.

use super::calls::{call, iterated};
use super::candidates::Maker;
use super::numbers::{binary, integer, off_by_one};
use super::texts::{dict, fstring, string};
use crate::workspace::python::{ComprehensionKind, Expr, ExprKind, Span, Stmt, StmtKind};

/// Names that are taken for one another.
pub(super) const TWINS: &[(&str, &str)] = &[
    ("min", "max"),
    ("any", "all"),
    ("lower", "upper"),
    ("lstrip", "rstrip"),
    ("strip", "lstrip"),
    ("strip", "rstrip"),
    ("append", "extend"),
    ("ceil", "floor"),
    ("startswith", "endswith"),
    ("add", "append"),
    ("add", "update"),
    ("title", "capitalize"),
    ("title", "upper"),
    ("ljust", "rjust"),
    ("find", "rfind"),
    ("split", "rsplit"),
    ("partition", "rpartition"),
    ("keys", "values"),
    ("keys", "items"),
    ("values", "items"),
    ("int", "float"),
    ("int", "round"),
    ("remove", "pop"),
    ("remove", "discard"),
    ("replace", "strip"),
    ("union", "intersection"),
    ("isdigit", "isalpha"),
    ("isdigit", "isalnum"),
    ("isalpha", "isalnum"),
    ("len", "sum"),
    ("max", "sum"),
    ("pop", "popleft"),
    ("append", "appendleft"),
    ("append", "insert"),
    ("update", "setdefault"),
    ("floor", "round"),
    ("ceil", "round"),
    ("find", "index"),
    ("search", "match"),
    ("match", "fullmatch"),
    ("search", "fullmatch"),
    ("bisect_left", "bisect_right"),
    ("difference", "intersection"),
    ("total_seconds", "seconds"),
    ("seconds", "total_seconds"),
    ("isoformat", "strftime"),
];

/// Makes the candidates of an expression and of all within it.
pub(super) fn walk<'a>(maker: &mut Maker<'a>, expr: &'a Expr, stmt: &'a Stmt) {
    one(maker, expr, stmt);
    for part in expr.children() {
        walk(maker, part, stmt);
    }
}

fn one<'a>(maker: &mut Maker<'a>, expr: &'a Expr, stmt: &'a Stmt) {
    let shown = maker.text(expr.span);
    match &expr.kind {
        ExprKind::Compare { left, rest } => {
            let mut before = left.span.end;
            for (op, right) in rest {
                let between = Span { start: before, end: right.span.start };
                before = right.span.end;
                let (new, cost, why): (&[&str], u32, &str) = match *op {
                    "<" => (&["<=", ">", ">="], 1, "the boundary or direction of the comparison is wrong"),
                    "<=" => (&["<", ">=", ">"], 1, "the boundary or direction of the comparison is wrong"),
                    ">" => (&[">=", "<", "<="], 1, "the boundary or direction of the comparison is wrong"),
                    ">=" => (&[">", "<=", "<"], 1, "the boundary or direction of the comparison is wrong"),
                    "==" => (&["!=", ">=", "<="], 2, "the condition is inverted or too narrow"),
                    "!=" => (&["=="], 2, "the condition is inverted"),
                    "in" => (&["not in"], 2, "the condition is inverted"),
                    "not in" => (&["in"], 2, "the condition is inverted"),
                    "is" => (&["is not", "=="], 2, "the condition is inverted"),
                    "is not" => (&["is"], 2, "the condition is inverted"),
                    _ => continue,
                };
                let text = maker.text(between);
                for (rank, new) in new.iter().enumerate() {
                    if text.matches(op).count() == 1 {
                        maker.replace(between, text.replacen(op, new, 1), cost + u32::from(rank > 0), why);
                    }
                }
                // Next to a number it is the number that is off.
                let literal = [&**left, right].iter().any(|side| {
                    let inner = match &side.kind {
                        ExprKind::UnaryOp { operand, .. } => &**operand,
                        _ => side,
                    };
                    matches!(inner.kind, ExprKind::Int(_) | ExprKind::Float(_))
                });
                for side in [&**left, right] {
                    if !literal {
                        off_by_one(maker, side, 2);
                    }
                    if !matches!(side.kind, ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Float(_)) {
                        wrapped(maker, side, 4);
                    }
                }
            }
        }
        ExprKind::BoolOp { op, values } => {
            let other = if *op == "and" { "or" } else { "and" };
            let gaps =
                values.windows(2).map(|pair| Span { start: pair[0].span.end, end: pair[1].span.start });
            let edits: Vec<(Span, String)> =
                gaps.map(|gap| (gap, maker.text(gap).replacen(op, other, 1))).collect();
            maker.edits(edits, 2, format!("the condition is joined with `{op}` instead of `{other}`"));
        }
        ExprKind::UnaryOp { op: "not", operand } => {
            maker.replace(expr.span, maker.text(operand.span), 2, "the condition is inverted");
        }
        ExprKind::UnaryOp { op: "-", operand } => {
            maker.replace(expr.span, maker.text(operand.span), 3, "the sign is wrong");
        }
        ExprKind::BinOp { left, op, right } => binary(maker, expr, left, op, right),
        ExprKind::Int(text) => {
            integer(maker, expr, text, matches!(stmt.kind, StmtKind::AugAssign { .. }));
        }
        ExprKind::Float(text) => {
            if maker.hints.exception == "TypeError" && maker.hints.message.contains("'Decimal'") {
                decimal(maker, expr);
            }
            if let Ok(x) = text.parse::<f64>() {
                for factor in [10.0, 100.0, 0.1, 0.01, 2.0, 0.5] {
                    let new = format!("{:?}", (x * factor * 1e9).round() / 1e9);
                    maker.replace(expr.span, new, 5, "the constant is wrong");
                }
            }
        }
        ExprKind::Bool(b) => {
            maker.replace(
                expr.span,
                if *b { "False" } else { "True" },
                3,
                "the truth value is the wrong way round",
            );
        }
        ExprKind::If { test, body, orelse } => {
            let (body_text, else_text) =
                (maker.text(body.span).to_owned(), maker.text(orelse.span).to_owned());
            let edits = vec![(body.span, else_text), (orelse.span, body_text)];
            maker.edits(edits, 2, "the branches of the condition are swapped");
            if !matches!(test.kind, ExprKind::Compare { .. } | ExprKind::UnaryOp { .. }) {
                maker.replace(
                    test.span,
                    format!("not {}", maker.text(test.span)),
                    4,
                    "the condition is inverted",
                );
            }
        }
        ExprKind::Name(_) if matches!(stmt.kind, StmtKind::Try { .. }) => {}
        ExprKind::Name(name) => {
            let others: Vec<String> = maker.names.iter().filter(|other| **other != **name).cloned().collect();
            for other in others.iter().take(10) {
                let near = strsim::jaro_winkler(name, other) > 0.85;
                maker.replace(
                    expr.span,
                    other.clone(),
                    if near { 2 } else { 4 },
                    format!("`{other}` is meant, not `{name}`"),
                );
            }
        }
        ExprKind::Attribute { value, attr, attr_span } => attribute(maker, expr, value, attr, *attr_span),
        ExprKind::Str(text) => string(maker, expr, text, shown),
        ExprKind::FString(parts) => fstring(maker, expr, parts),
        ExprKind::Subscript { value, index } => {
            match &index.kind {
                ExprKind::Slice { parts } => {
                    for part in parts.iter().take(2).flatten() {
                        off_by_one(maker, part, 1);
                    }
                    sliced(maker, index, &parts[..]);
                }
                ExprKind::Str(_) => {}
                _ => off_by_one(maker, index, 2),
            }
            let name = maker.text(value.span);
            let load = !matches!(&stmt.kind, StmtKind::Assign { targets, .. } if targets.iter().any(|t| t.span == expr.span));
            if maker.hints.exception == "KeyError" && load && !matches!(index.kind, ExprKind::Slice { .. }) {
                let key = maker.text(index.span);
                for fallback in maker.hints.fallbacks.clone() {
                    let new = format!("{name}.get({key}, {fallback})");
                    maker.replace(expr.span, new, 3, format!("`{key}` can be missing in `{name}`"));
                }
            }
            if value.as_name().is_some() && maker.hints.exception == "IndexError" {
                for fallback in maker.hints.fallbacks.clone() {
                    let new = format!("{shown} if {name} else {fallback}");
                    maker.replace(expr.span, new, 3, format!("`{name}` can be empty"));
                }
            }
        }
        ExprKind::Call { func, args, keywords, .. } => call(maker, expr, func, args, keywords, stmt),
        ExprKind::Comprehension { kind, fors, element } => {
            for element in element {
                if matches!(
                    element.kind,
                    ExprKind::Name(_)
                        | ExprKind::Attribute { .. }
                        | ExprKind::Subscript { .. }
                        | ExprKind::Call { .. }
                ) {
                    wrapped(maker, element, 3);
                }
            }
            for for_ in fors {
                iterated(maker, &for_.target, &for_.iter);
                for test in &for_.ifs {
                    let text = maker.text(test.span);
                    if !matches!(test.kind, ExprKind::Compare { .. } | ExprKind::UnaryOp { .. }) {
                        maker.replace(test.span, format!("not {text}"), 3, "the condition is inverted");
                    }
                }
            }
            if *kind == ComprehensionKind::Generator && shown.starts_with('(') {
                let new = format!("[{}]", &shown[1..shown.len() - 1]);
                maker.replace(expr.span, new, 4, "the generator is consumed by its first use");
                maker.about_shared();
            }
        }
        ExprKind::Lambda { signature, body } => {
            if matches!(
                body.kind,
                ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. }
            ) {
                let new = format!("-{}", maker.text(body.span));
                maker.replace(body.span, new, 3, "the order is the wrong way round");
            }
            let own: Vec<&str> = signature.params.iter().map(|param| &*param.name).collect();
            let mut free = Vec::new();
            body.walk(&mut |part| {
                if let ExprKind::Name(name) = &part.kind
                    && !own.contains(&&**name)
                    && !free.contains(&&**name)
                {
                    free.push(&**name);
                }
            });
            for name in free {
                let head = Span { start: expr.span.start, end: body.span.start };
                let text = maker.text(head);
                let Some((params, _)) = text.rsplit_once(':') else { continue };
                let comma = if own.is_empty() { " " } else { ", " };
                let new = format!("{}{comma}{name}={name}: ", params.trim_end());
                maker.replace(head, new, 2, format!("the lambda reads `{name}` when it is called, so that every one sees the last value of the loop"));
            }
        }
        ExprKind::Dict(items) => dict(maker, expr, items),
        ExprKind::Tuple(items) if items.len() == 1 => {
            let new = maker.text(items[0].span);
            maker.replace(expr.span, new, 1, "the comma at the end makes a tuple of one");
        }
        ExprKind::Tuple(items)
            if items.len() > 2
                && matches!(
                    &stmt.kind,
                    StmtKind::Expr(_) | StmtKind::Assign { .. } | StmtKind::Return(_)
                ) =>
        {
            for pair in items.windows(2) {
                let (a, b) = (maker.text(pair[0].span).to_owned(), maker.text(pair[1].span).to_owned());
                maker.edits(vec![(pair[0].span, b), (pair[1].span, a)], 3, "the two are in the wrong order");
            }
        }
        ExprKind::Tuple(items) if items.len() == 2 => {
            if matches!(&stmt.kind, StmtKind::Return(Some(value)) if value.span == expr.span) {
                for item in items {
                    wrapped(maker, item, 3);
                }
            }
            let (a, b) = (maker.text(items[0].span).to_owned(), maker.text(items[1].span).to_owned());
            maker.edits(vec![(items[0].span, b), (items[1].span, a)], 3, "the two are in the wrong order");
        }
        _ => {}
    }
    // What a function gives back, or keeps, as another type or form.
    let whole = match &stmt.kind {
        StmtKind::Return(Some(value)) | StmtKind::Assign { value, .. } => value.span == expr.span,
        _ => false,
    };
    let display = matches!(expr.kind, ExprKind::List(_) | ExprKind::Dict(_) | ExprKind::Set(_));
    if whole
        && !display
        && !matches!(expr.kind, ExprKind::None | ExprKind::Bool(_) | ExprKind::Compare { .. })
    {
        wrapped(maker, expr, 3);
        replaced(maker, expr);
        for factor in ["* 100", "/ 100", "* 1000", "/ 1000", "* 60", "/ 60", "+ 1", "- 1"] {
            let new = match expr.kind {
                ExprKind::Name(_)
                | ExprKind::Call { .. }
                | ExprKind::Attribute { .. }
                | ExprKind::Subscript { .. } => {
                    format!("{shown} {factor}")
                }
                ExprKind::BinOp { op: "*" | "/", .. } if !factor.starts_with(['+', '-']) => {
                    format!("{shown} {factor}")
                }
                ExprKind::BinOp { .. } => format!("({shown}) {factor}"),
                _ => continue,
            };
            let why = if factor.ends_with(" 1") {
                "the result is off by one"
            } else {
                "the result is in another unit"
            };
            maker.replace(expr.span, new, 4, why);
        }
    }
}

/// A sign that is kept where another is expected, or none: `+` for a blank.
fn replaced(maker: &mut Maker<'_>, expr: &Expr) {
    let Some((wrong, right)) = maker.hints.swapped.clone() else { return };
    let is_sign = |text: &str| text.chars().count() < 4 && !text.contains(char::is_alphanumeric);
    let atom = matches!(
        expr.kind,
        ExprKind::Name(_) | ExprKind::Call { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. }
    );
    if !atom || wrong.is_empty() || wrong == " " || !is_sign(&wrong) || !is_sign(&right) {
        return;
    }
    let text = maker.text(expr.span);
    let why = format!("`{wrong}` stays in `{text}`, where {right:?} is expected");
    maker.replace(expr.span, format!("{text}.replace(\"{wrong}\", \"{right}\")"), 4, why);
}

fn attribute<'a>(maker: &mut Maker<'a>, expr: &'a Expr, value: &'a Expr, attr: &str, span: Span) {
    let missing =
        maker.hints.exception == "AttributeError" && maker.hints.message.ends_with(&format!("'{attr}'"));
    let own: Vec<String> = maker.hints.attributes.iter().filter(|other| **other != *attr).cloned().collect();
    let of_self = value.as_name() == Some("self");
    for other in own {
        let near = strsim::jaro_winkler(attr, &other);
        let cost = match (missing, near > 0.85) {
            (true, true) => 1,
            (true, false) | (false, true) => 3,
            (false, false) if of_self => 4,
            _ => continue,
        };
        maker.replace(span, other.clone(), cost, format!("`{other}` is meant, not `{attr}`"));
    }
    for (a, b) in TWINS {
        let other = if *a == attr {
            b
        } else if *b == attr {
            a
        } else {
            continue;
        };
        maker.replace(span, *other, 2, format!("`{other}` is meant, not `{attr}`"));
    }
    let text = maker.text(expr.span);
    if maker.text(Span { start: expr.span.end, end: expr.span.end + 1 }) != "(" {
        maker.replace(expr.span, format!("{text}()"), 2, format!("`{attr}` is not called"));
    }
}

/// The other end of a sequence: `[:n]` for `[-n:]`, and the like.
fn sliced(maker: &mut Maker<'_>, index: &Expr, parts: &[Option<Expr>]) {
    let why = "the other end of the sequence is meant";
    match parts {
        [None, Some(to), None] | [None, Some(to)] => {
            let n = maker.text(to.span).to_owned();
            match n.strip_prefix('-') {
                Some(n) => maker.replace(index.span, format!("{n}:"), 3, why),
                None => maker.replace(index.span, format!("-{n}:"), 2, why),
            }
            maker.replace(index.span, format!("{n}:"), 3, why);
        }
        [Some(from), None, None] | [Some(from), None] => {
            let n = maker.text(from.span).to_owned();
            if let Some(n) = n.strip_prefix('-') {
                maker.replace(index.span, format!(":{n}"), 2, why);
            }
            maker.replace(index.span, format!(":{n}"), 3, why);
        }
        _ => {}
    }
}

/// A float among decimals.
fn decimal(maker: &mut Maker<'_>, expr: &Expr) {
    let text = maker.text(expr.span).to_owned();
    let (decimal, import) = maker.spelled("decimal", "Decimal");
    let edits = [(expr.span, format!("{decimal}(\"{text}\")"))].into_iter().chain(import).collect();
    let why = format!("`{text}` is a `float`, which cannot be used with a `Decimal`");
    maker.edits(edits, 1, why);
}

/// Whether an expression is a call of a generator function of the file or of a lazy builtin.
fn gives_iterator(maker: &Maker<'_>, expr: &Expr) -> bool {
    let emptied = maker.hints.message.contains("empty");
    if maker.hints.exception != "AssertionError" && maker.hints.exception != "StopIteration" && !emptied {
        return false;
    }
    match &expr.kind {
        ExprKind::Comprehension { kind, .. } => *kind == ComprehensionKind::Generator,
        ExprKind::Call { func, .. } => func.dotted().is_some_and(|name| {
            let last = name.rsplit('.').next().unwrap_or_default();
            matches!(last, "map" | "filter" | "zip" | "iter" | "reversed")
                || maker.hints.generators.contains(last)
        }),
        _ => false,
    }
}

/// An expression in another type or form.
pub(super) fn wrapped(maker: &mut Maker<'_>, expr: &Expr, cost: u32) {
    let text = maker.text(expr.span);
    for function in ["str", "int", "float", "list", "tuple", "sorted", "set", "sum", "len"] {
        if text.starts_with(&format!("{function}(")) {
            continue;
        }
        let (text, cost) = match expr.kind {
            ExprKind::Comprehension { kind: ComprehensionKind::Generator, .. } => {
                (text.trim_matches(['(', ')']), cost)
            }
            _ => (text, cost),
        };
        let lazy = matches!(function, "list" | "tuple") && gives_iterator(maker, expr);
        let why = match function {
            _ if lazy => format!(
                "`{text}` is a generator or iterator: its first use consumes it, and the next one finds it exhausted"
            ),
            "sorted" => "the order is not kept: it is not sorted".to_owned(),
            "set" => "duplicates are kept".to_owned(),
            _ => format!("the type is wrong: it is no `{function}`"),
        };
        let more = u32::from(matches!(function, "sum" | "len" | "set"));
        maker.replace(expr.span, format!("{function}({text})"), cost + more, why);
    }
    if matches!(
        expr.kind,
        ExprKind::Name(_)
            | ExprKind::Call { .. }
            | ExprKind::Attribute { .. }
            | ExprKind::Subscript { .. }
            | ExprKind::Str(_)
    ) {
        for (method, why) in [
            ("strip()", "blanks around it are kept"),
            ("lower()", "upper and lower case are not made equal"),
            ("upper()", "upper and lower case are not made equal"),
            ("title()", "upper and lower case are not made equal"),
            ("rstrip()", "blanks at the end are kept"),
            ("copy()", "it is the same object, so that changing it changes the original"),
            ("decode(\"utf-8\")", "bytes are not decoded"),
            ("encode(\"utf-8\")", "text is not encoded"),
            ("items()", "only keys are iterated"),
            ("values()", "only keys are iterated"),
        ] {
            maker.replace(expr.span, format!("{text}.{method}"), cost, why);
            if method == "copy()" {
                maker.about_shared();
            }
        }
    }
}
