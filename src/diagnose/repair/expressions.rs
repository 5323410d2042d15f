//! Edits of expressions.

use super::candidates::Maker;
use crate::workspace::python::{ComprehensionKind, Expr, ExprKind, Span, Stmt, StmtKind};

/// Names that are taken for one another.
const TWINS: &[(&str, &str)] = &[
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
    ("remove", "pop"),
    ("remove", "discard"),
    ("replace", "strip"),
    ("union", "intersection"),
    ("isdigit", "isalpha"),
    ("isdigit", "isalnum"),
    ("isalpha", "isalnum"),
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
                for side in [&**left, right] {
                    off_by_one(maker, side, 2);
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
        ExprKind::Int(text) => integer(maker, expr, text),
        ExprKind::Float(text) => {
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
                }
                ExprKind::Str(_) => {}
                _ => off_by_one(maker, index, 2),
            }
            let name = maker.text(value.span);
            if value.as_name().is_some() && maker.hints.exception == "IndexError" {
                for fallback in maker.hints.fallbacks.clone() {
                    let new = format!("{shown} if {name} else {fallback}");
                    maker.replace(expr.span, new, 3, format!("`{name}` can be empty"));
                }
            }
        }
        ExprKind::Call { func, args, keywords, .. } => call(maker, expr, func, args, keywords),
        ExprKind::Comprehension { kind, fors, .. } => {
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
            }
        }
        ExprKind::Lambda { signature, body } => {
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
        ExprKind::Tuple(items) if items.len() == 2 => {
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

/// `n` may be meant one more or one less.
fn off_by_one(maker: &mut Maker<'_>, expr: &Expr, cost: u32) {
    let text = maker.text(expr.span);
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Call { .. } => {
            for op in ["+", "-"] {
                maker.replace(expr.span, format!("{text} {op} 1"), cost, "it is off by one");
            }
        }
        ExprKind::BinOp { left, op: "+" | "-", right } if matches!(&right.kind, ExprKind::Int(n) if &**n == "1") =>
        {
            maker.replace(expr.span, maker.text(left.span), cost, "it is off by one");
        }
        ExprKind::BinOp { .. } => {
            for op in ["+", "-"] {
                maker.replace(expr.span, format!("{text} {op} 1"), cost + 1, "it is off by one");
            }
        }
        _ => {}
    }
}

fn binary<'a>(maker: &mut Maker<'a>, expr: &'a Expr, left: &'a Expr, op: &str, right: &'a Expr) {
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
    if matches!(op, "-" | "/" | "//" | "%" | "+") {
        let edits = vec![(left.span, b.to_owned()), (right.span, a.to_owned())];
        maker.edits(edits, 4, "the operands are in the wrong order");
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
    // `[[0] * n] * m`: the same row m times.
    if op == "*"
        && let ExprKind::List(items) = &left.kind
        && let [item] = items.as_slice()
    {
        let new = format!("[{} for _ in range({b})]", maker.text(item.span));
        maker.replace(expr.span, new, 1, "every row is the same list, shared");
    }
    for side in [left, right] {
        if !matches!(side.kind, ExprKind::Str(_) | ExprKind::Int(_) | ExprKind::Float(_))
            && matches!(&*maker.hints.exception, "TypeError")
        {
            wrapped(maker, side, 2);
        }
    }
    maker.replace(expr.span, a, 5, format!("`{op} {b}` is too much"));
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

fn weight(op: &str) -> u32 {
    match op {
        "*" | "/" | "//" | "%" => 2,
        "**" => 3,
        _ => 1,
    }
}

fn integer(maker: &mut Maker<'_>, expr: &Expr, text: &str) {
    let Ok(n) = text.replace('_', "").parse::<i64>() else { return };
    for new in [n + 1, n - 1] {
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

fn string<'a>(maker: &mut Maker<'a>, expr: &'a Expr, text: &str, shown: &str) {
    if maker.hints.keys.contains(text) {
        let others: Vec<String> = maker.hints.keys.iter().filter(|key| **key != *text).cloned().collect();
        let missing = maker.hints.exception == "KeyError" && maker.hints.message == format!("'{text}'");
        for key in others.iter().take(16) {
            let near = strsim::jaro_winkler(&text.to_lowercase(), &key.to_lowercase()) > 0.75;
            let cost = if missing { if near { 1 } else { 3 } } else { 4 };
            let new = shown.replacen(text, key, 1);
            maker.replace(expr.span, new, cost, format!("the key `{key}` is meant, not `{text}`"));
        }
    }
    if let Some((wrong, right)) = maker.hints.swapped.clone()
        && !wrong.is_empty()
        && shown.matches(&*wrong).count() == 1
    {
        let cost = if text == wrong { 2 } else { 3 };
        maker.replace(expr.span, shown.replacen(&*wrong, &right, 1), cost, "the text is wrong");
    }
}

fn fstring<'a>(maker: &mut Maker<'a>, expr: &'a Expr, parts: &'a [Expr]) {
    for pair in parts.windows(2) {
        let (a, b) = (maker.text(pair[0].span).to_owned(), maker.text(pair[1].span).to_owned());
        maker.edits(vec![(pair[0].span, b), (pair[1].span, a)], 2, "the parts are in the wrong order");
    }
    if let Some((wrong, right)) = maker.hints.swapped.clone()
        && !wrong.is_empty()
    {
        let shown = maker.text(expr.span);
        if shown.matches(&*wrong).count() == 1 {
            maker.replace(expr.span, shown.replacen(&*wrong, &right, 1), 3, "the text is wrong");
        }
    }
}

fn dict<'a>(maker: &mut Maker<'a>, expr: &'a Expr, items: &'a [(Option<Expr>, Expr)]) {
    for pair in items.windows(2) {
        let (a, b) = (maker.text(pair[0].1.span).to_owned(), maker.text(pair[1].1.span).to_owned());
        maker.edits(vec![(pair[0].1.span, b), (pair[1].1.span, a)], 4, "the values are swapped");
    }
    let Some((_, last)) = items.last() else { return };
    for key in maker.hints.missing_keys.clone() {
        let mut values = vec![format!("self.{key}")];
        values.extend(maker.names.iter().filter(|name| **name == key).cloned());
        for name in maker.names.clone() {
            values.push(format!("{name}[\"{key}\"]"));
            values.push(format!("{name}.{key}"));
        }
        for value in values {
            let after = Span { start: last.span.end, end: last.span.end };
            let line = maker.source.line_of(expr.span.start);
            let new = format!(", \"{key}\": {value}");
            maker.edits_at(line, vec![(after, new)], 2, format!("the key `{key}` is left out"));
        }
    }
}

/// An expression in another type or form.
fn wrapped(maker: &mut Maker<'_>, expr: &Expr, cost: u32) {
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
        let why = match function {
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
        ] {
            maker.replace(expr.span, format!("{text}.{method}"), cost, why);
        }
    }
}

/// What a loop goes through.
pub(super) fn iterated(maker: &mut Maker<'_>, target: &Expr, iter: &Expr) {
    let text = maker.text(iter.span);
    if matches!(target.kind, ExprKind::Tuple(_)) {
        maker.replace(iter.span, format!("{text}.items()"), 1, "iterating over a dict gives its keys only");
        maker.replace(iter.span, format!("enumerate({text})"), 2, "the index is missing");
    }
    maker.replace(
        iter.span,
        format!("list({text})"),
        2,
        "the loop iterates over what it changes: items are skipped",
    );
    maker.replace(iter.span, format!("range({text})"), 2, "an int is not iterable: `range` is missing");
    maker.replace(iter.span, format!("range(len({text}))"), 3, "indexes are meant");
    maker.replace(iter.span, format!("reversed({text})"), 3, "the order is the wrong way round");
    maker.replace(iter.span, format!("sorted({text})"), 3, "the order is not sorted");
}

fn call<'a>(
    maker: &mut Maker<'a>,
    expr: &'a Expr,
    func: &'a Expr,
    args: &'a [Expr],
    keywords: &'a [crate::workspace::python::Keyword],
) {
    let name = match &func.kind {
        ExprKind::Name(name) => &**name,
        ExprKind::Attribute { attr, .. } => &**attr,
        _ => "",
    };
    let shown = maker.text(expr.span);
    if let ExprKind::Name(_) = &func.kind {
        for (a, b) in TWINS {
            let other = if *a == name {
                b
            } else if *b == name {
                a
            } else {
                continue;
            };
            maker.replace(func.span, *other, 2, format!("`{other}` is meant, not `{name}`"));
        }
    }
    for pair in args.windows(2) {
        if matches!(pair[0].kind, ExprKind::Starred(_)) || matches!(pair[1].kind, ExprKind::Starred(_)) {
            continue;
        }
        let (a, b) = (maker.text(pair[0].span).to_owned(), maker.text(pair[1].span).to_owned());
        maker.edits(vec![(pair[0].span, b), (pair[1].span, a)], 2, "the arguments are in the wrong order");
    }
    for keyword in keywords {
        let start = args
            .last()
            .map(|arg| arg.span.end)
            .into_iter()
            .chain(keywords.iter().map(|k| k.span.end))
            .filter(|end| *end < keyword.span.start)
            .max();
        let span = Span { start: start.unwrap_or(keyword.span.start), end: keyword.span.end };
        maker.replace(span, "", 3, format!("`{}` is too much", maker.text(keyword.span)));
    }
    let close = Span { start: expr.span.end - 1, end: expr.span.end };
    let comma = if args.is_empty() && keywords.is_empty() { "" } else { ", " };
    match name {
        "range" => {
            if let Some(stop) = args.get(1).or(args.first()) {
                off_by_one(maker, stop, 1);
            }
        }
        "sorted" | "sort" if !shown.contains("reverse") => {
            maker.replace(close, format!("{comma}reverse=True)"), 2, "the order is the wrong way round");
        }
        "sorted" if args.len() == 1 && keywords.is_empty() => {
            maker.replace(close, ", key=int)", 2, "numbers are sorted as text");
        }
        "next" if args.len() == 1 => {
            maker.replace(close, ", None)", 2, "no item fits, and `next` has no default");
        }
        "get" if args.len() == 1 => {
            for fallback in maker.hints.fallbacks.clone() {
                maker.replace(
                    close,
                    format!(", {fallback})"),
                    3,
                    "the key can be missing, and `get` has no default",
                );
            }
        }
        "min" | "max" if args.len() == 1 && maker.hints.exception == "ValueError" => {
            maker.replace(close, format!("{comma}default=0)"), 3, "there may be no items");
        }
        "split" if args.len() == 1 => {
            maker.replace(close, ", 1)", 2, "the separator can come more than once: split only at the first");
        }
        "rstrip" | "lstrip" | "strip" if args.len() == 1 => {
            if let ExprKind::Attribute { attr_span, .. } = &func.kind {
                let new = if name == "lstrip" { "removeprefix" } else { "removesuffix" };
                let why = format!("`{name}` takes a set of characters, not a suffix or prefix");
                maker.replace(*attr_span, new, 1, why);
            }
        }
        _ => {}
    }
    if name == "sorted" && args.len() == 1 && keywords.is_empty() {
        let key = ", key=lambda item: [int(part) if part.isdigit() else part for part in item.split(\".\")])";
        maker.replace(close, key, 3, "numbers are sorted as text");
        maker.replace(close, ", key=int)", 2, "numbers are sorted as text");
    }
    for arg in args {
        if matches!(
            arg.kind,
            ExprKind::Name(_)
                | ExprKind::Attribute { .. }
                | ExprKind::Subscript { .. }
                | ExprKind::Call { .. }
        ) {
            wrapped(maker, arg, 4);
            if let ExprKind::Call { func, args, .. } = &arg.kind
                && args.is_empty()
            {
                let new = maker.text(func.span);
                maker.replace(
                    arg.span,
                    new,
                    3,
                    format!("`{new}` is called where the function itself is meant"),
                );
            }
        }
    }
    if args.is_empty() && keywords.is_empty() {
        let new = maker.text(func.span);
        let cost = if maker.hints.message.contains("not callable") { 1 } else { 4 };
        let why = if maker.hints.message.contains("NoneType") {
            format!("`{new}` is called where the function itself is meant")
        } else {
            format!("`{new}` is no function: it is a value or property")
        };
        maker.replace(expr.span, new, cost, why);
    } else if maker.hints.message.contains("positional argument") && !args.is_empty() {
        let from = args.len().checked_sub(2).map_or(func.span.end + 1, |at| args[at].span.end);
        let span = Span { start: from, end: args[args.len() - 1].span.end };
        maker.replace(span, "", 3, format!("`{}` is given too much", maker.text(args[args.len() - 1].span)));
    }
    if maker.function.is_some_and(|function| function.is_async) {
        maker.replace(
            expr.span,
            format!("await {shown}"),
            2,
            format!("the coroutine of `{name}` is not awaited (`await` is missing)"),
        );
    }
}
