//! Edits of calls and of what loops go through.

use super::candidates::Maker;
use super::expressions::{TWINS, wrapped};
use super::numbers::off_by_one;
use crate::workspace::python::{Expr, ExprKind, Span, Stmt, StmtKind};

pub(super) fn call<'a>(
    maker: &mut Maker<'a>,
    expr: &'a Expr,
    func: &'a Expr,
    args: &'a [Expr],
    keywords: &'a [crate::workspace::python::Keyword],
    stmt: &'a Stmt,
) {
    let name = match &func.kind {
        ExprKind::Name(name) => &**name,
        ExprKind::Attribute { attr, .. } => &**attr,
        _ => "",
    };
    let shown = maker.text(expr.span);
    if let ExprKind::Name(_) = &func.kind {
        // Another function of the file that takes as many arguments.
        let functions: Vec<String> = maker
            .source
            .module()
            .body()
            .iter()
            .filter_map(|stmt| match &stmt.kind {
                StmtKind::Function(function) => Some(function),
                _ => None,
            })
            .filter(|function| {
                *function.name != *name && function.signature.params.len() == args.len() + keywords.len()
            })
            .map(|function| function.name.to_string())
            .collect();
        let own = maker
            .source
            .module()
            .body()
            .iter()
            .any(|stmt| matches!(&stmt.kind, StmtKind::Function(f) if *f.name == *name));
        for other in functions.into_iter().filter(|_| own).take(8) {
            let why = format!("`{other}` is meant, not `{name}`");
            maker.replace(func.span, other, 4, why);
        }
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
    if let [arg] = args
        && keywords.is_empty()
        && matches!(arg.kind, ExprKind::Name(_) | ExprKind::Attribute { .. })
    {
        let text = maker.text(arg.span);
        let raised = matches!(&*maker.hints.exception, "TypeError" | "AttributeError" | "ValueError");
        let why = format!("`{text}` is passed as one argument: the star is missing (`*{text}`)");
        maker.replace(arg.span, format!("*{text}"), if raised { 2 } else { 3 }, why);
    }
    for keyword in keywords {
        const UNITS: &[&str] = &["days", "hours", "minutes", "seconds", "weeks", "milliseconds"];
        if let Some(unit) = keyword.name.as_deref().filter(|unit| UNITS.contains(unit)) {
            let value = maker.text(keyword.value.span);
            for other in UNITS.iter().filter(|other| **other != unit) {
                let why = format!("the unit is wrong: `{other}` is meant, not `{unit}`");
                maker.replace(keyword.span, format!("{other}={value}"), 3, why);
            }
        }
    }
    let given_too_often = maker.hints.message.contains("multiple values for argument");
    if let Some(last) = args.last().filter(|_| given_too_often) {
        let params = maker.hints.params.get(name).cloned().unwrap_or_default();
        let value = maker.text(last.span);
        for param in params {
            if !keywords.iter().any(|keyword| keyword.name.as_deref() == Some(&*param)) {
                let why = format!(
                    "`{value}` is given by position, where another parameter stands: `{param}` is meant"
                );
                maker.replace(last.span, format!("{param}={value}"), 2, why);
            }
        }
    }
    let close = Span { start: expr.span.end - 1, end: expr.span.end };
    let comma = if args.is_empty() && keywords.is_empty() { "" } else { ", " };
    match name {
        "range" => {
            if let Some(stop) = args.get(1).or(args.first()) {
                off_by_one(maker, stop, 1);
            }
            if let [stop] = args {
                let stop = maker.text(stop.span);
                let span = args[0].span;
                maker.replace(
                    span,
                    format!("1, {stop} + 1"),
                    2,
                    "`range` begins at 0: it is meant to begin at 1",
                );
                maker.replace(
                    span,
                    format!("1, {stop}"),
                    3,
                    "`range` begins at 0: it is meant to begin at 1",
                );
            }
        }
        "sorted" | "sort" if !shown.contains("reverse") => {
            maker.replace(close, format!("{comma}reverse=True)"), 2, "the order is the wrong way round");
        }
        "len" if args.len() == 1 => {
            let of = maker.text(args[0].span);
            let why = format!("`len` counts the keys of `{of}`: the sum of its values is meant");
            maker.replace(expr.span, format!("sum({of}.values())"), 3, why);
        }
        "enumerate" if args.len() == 1 && keywords.is_empty() => {
            maker.replace(close, ", 1)", 2, "`enumerate` counts from 0: the first is meant to be 1");
        }
        "enumerate" => {
            let end = args.first().map_or(expr.span.end - 1, |arg| arg.span.end);
            let span = Span { start: end, end: expr.span.end - 1 };
            maker.replace(span, "", 3, "`enumerate` does not count from 0 here");
        }
        "next" if args.len() == 1 => {
            maker.replace(close, ", None)", 2, "no item fits, and `next` has no default");
        }
        "pop" if args.is_empty() => {
            maker.replace(close, "0)", 2, "`pop()` takes the last item: the first is meant (`pop(0)`)");
        }
        "pop" if args.len() == 1 && maker.text(args[0].span) == "0" => {
            maker.replace(args[0].span, "", 2, "`pop(0)` takes the first item: the last is meant (`pop()`)");
        }
        "round" if args.len() == 1 => {
            for digits in ["2", "1", "3"] {
                let cost = if digits == "2" { 2 } else { 4 };
                let why = "`round` without digits gives a whole number";
                maker.replace(close, format!(", {digits})"), cost, why);
            }
        }
        "get" if args.len() == 1 => {
            let key = maker.text(args[0].span);
            let why = "the key can be missing, and `get` has no default, so that it gives `None`";
            maker.replace(close, format!(", {key})"), 3, why);
            for fallback in maker.hints.fallbacks.clone() {
                maker.replace(
                    close,
                    format!(", {fallback})"),
                    3,
                    "the key can be missing, and `get` has no default",
                );
            }
        }
        "get" if args.len() == 2 => {
            for fallback in maker.hints.fallbacks.clone() {
                let why = format!("the default `{}` of `get` is wrong", maker.text(args[1].span));
                maker.replace(args[1].span, fallback, 4, why);
            }
        }
        "min" | "max" if args.len() == 1 && maker.hints.exception == "ValueError" => {
            maker.replace(close, format!("{comma}default=0)"), 3, "there may be no items");
        }
        "split" if args.len() == 1 => {
            if args[0].as_str() == Some(" ") {
                maker.replace(
                    args[0].span,
                    "",
                    2,
                    "`split(\" \")` gives empty texts where there are several blanks",
                );
            }
            if args[0].as_str() == Some("\n")
                && let ExprKind::Attribute { attr_span, .. } = &func.kind
            {
                let span = Span { start: attr_span.start, end: expr.span.end };
                let why = "`split(\"\\n\")` gives an empty text after the last line: `splitlines()` does not";
                maker.replace(span, "splitlines()", 2, why);
            }
            if let StmtKind::Assign { targets, .. } = &stmt.kind
                && let [Expr { kind: ExprKind::Tuple(names), .. }] = targets.as_slice()
                && names.len() > 2
            {
                let why =
                    "the separator can come more often than there are names: split only as often as needed";
                maker.replace(close, format!(", {})", names.len() - 1), 1, why);
            }
            maker.replace(close, ", 1)", 2, "the separator can come more than once: split only at the first");
        }
        "open" => mode(maker, func, args, keywords),
        "split" if args.is_empty() && keywords.is_empty() => {
            maker.replace(close, "\",\")", 4, "the parts are divided by commas");
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
    if matches!(name, "sorted" | "sort" | "min" | "max") && args.len() <= 1 && keywords.is_empty() {
        let key = "lambda item: [int(part) if part.isdigit() else part for part in item.split(\".\")]";
        let why = if name.starts_with("sort") {
            "numbers are sorted as text"
        } else {
            "numbers are compared as text"
        };
        maker.replace(close, format!("{comma}key={key})"), 3, why);
        maker.replace(close, format!("{comma}key=int)"), if name == "sorted" { 2 } else { 3 }, why);
        maker.replace(close, format!("{comma}key=str.lower)"), 4, "capital letters come before small ones");
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
    if maker.hints.exception == "ValueError" {
        let why = "the first row is a header, not one of the items";
        maker.replace(iter.span, format!("list({text})[1:]"), 2, why);
    }
    maker.replace(iter.span, format!("reversed({text})"), 3, "the order is the wrong way round");
    maker.replace(iter.span, format!("sorted({text})"), 3, "the order is not sorted");
}

/// The mode in which a file is opened.
fn mode(maker: &mut Maker<'_>, func: &Expr, args: &[Expr], keywords: &[crate::workspace::python::Keyword]) {
    let named = keywords.iter().find(|keyword| keyword.name.as_deref() == Some("mode")).map(|k| &k.value);
    // `open(path, mode)`, `gzip.open(path, mode)` and `path.open(mode)`.
    let at = usize::from(func.as_name().is_some() || args.len() > 1);
    let is_mode = |text: &str| {
        (1..4).contains(&text.len())
            && text.chars().all(|c| matches!(c, 'r' | 'w' | 'a' | 'x' | 'b' | 't' | '+'))
    };
    let given = args.get(at).filter(|arg| arg.as_str().is_some_and(is_mode));
    let Some(given) = named.or(given) else { return };
    let (Some(mode), shown) = (given.as_str(), maker.text(given.span).to_owned()) else { return };
    // A log that is emptied is the usual slip, a file that is never emptied the rare one.
    let (other, cost, why) = match mode.chars().next() {
        Some('w') => {
            ("a", 1, "empties the file each time it is opened: what was written before is lost (`a` appends)")
        }
        Some('a') => ("w", 4, "keeps what was in the file before (`w` writes it anew)"),
        _ => return,
    };
    let new = shown.replacen(&mode[..1], other, 1);
    maker.replace(given.span, new, cost, format!("the mode {shown} {why}"));
    maker.about_shared();
}
