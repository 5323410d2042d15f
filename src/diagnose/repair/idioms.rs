//! Edits of idioms that are often half right: copies that are not deep enough, texts that are iterable, what a
//! generator leaves undone, patterns that are too narrow.

use super::candidates::Maker;
use super::library;
use crate::workspace::python::{Class, Expr, ExprKind, Function, Span, Stmt, StmtKind};

/// Replacements within patterns of `re`: what is too narrow or too wide, and what was meant.
const PATTERNS: &[(&str, &str, &str)] = &[
    (r"\d+", r"\d+(?:\.\d+)?", "the pattern takes whole numbers only, without decimals"),
    (r"\d+", r"-?\d+", "the pattern takes no sign"),
    (r"\d", r"\d+", "the pattern takes one digit only"),
    (r"\w+", r"[\w-]+", "the pattern takes no dashes"),
    (r"\w+", r"[\w.]+", "the pattern takes no dots"),
    (r"\w+", r"\S+", "the pattern takes letters and digits only"),
    ("[a-z]", "[a-zA-Z]", "the pattern takes small letters only"),
    ("[A-Z]", "[a-zA-Z]", "the pattern takes capital letters only"),
    (".*", ".*?", "the pattern takes as much as it can instead of as little"),
    (".+", ".+?", "the pattern takes as much as it can instead of as little"),
    (r"\s", r"\s*", "the pattern takes one blank only"),
    (r"\s+", r"\s*", "the pattern wants a blank"),
    ("+", "*", "the pattern wants at least one"),
    ("*", "+", "the pattern takes nothing, too"),
];

/// Makes the candidates of an expression.
pub(super) fn expression<'a>(maker: &mut Maker<'a>, expr: &'a Expr, stmt: &'a Stmt) {
    library::expression(maker, expr, stmt);
    let shown = maker.text(expr.span);
    match &expr.kind {
        ExprKind::Call { func, args, .. } => {
            let name = func.dotted().unwrap_or_default();
            let last = name.rsplit('.').next().unwrap_or_default();
            if let ("isinstance", [what, kind]) = (last, args.as_slice())
                && matches!(
                    kind.dotted().as_deref().and_then(|name| name.rsplit('.').next()),
                    Some("Iterable" | "Sequence" | "Collection")
                )
            {
                let of = maker.text(what.span);
                let why =
                    format!("a text is iterable, too, and so are its characters: `{of}` can be a `str`");
                maker.replace(expr.span, format!("{shown} and not isinstance({of}, str)"), 1, why);
            }
            if let ("Decimal", [arg]) = (last, args.as_slice())
                && !matches!(arg.kind, ExprKind::Str(_) | ExprKind::Int(_))
            {
                let new = format!("str({})", maker.text(arg.span));
                maker.replace(
                    arg.span,
                    new,
                    2,
                    "a `float` is not exact, and so is the `Decimal` that is made of it",
                );
            }
            if matches!(last, "loads" | "load") && maker.hints.exception == "KeyError" {
                let new = format!("{{int(key): value for key, value in {shown}.items()}}");
                maker.replace(expr.span, new, 2, "JSON has text as keys only: numbers come back as text");
            }
            let copies = match (last, &func.kind, args.as_slice()) {
                ("copy", ExprKind::Attribute { value, .. }, []) => Some(maker.text(value.span)),
                ("copy" | "list" | "dict", _, [of]) => Some(maker.text(of.span)),
                _ => None,
            };
            if let Some(of) = copies {
                deeper(maker, expr, of);
            }
        }
        ExprKind::Subscript { value, index } => {
            if let ExprKind::Slice { parts } = &index.kind
                && parts.iter().all(Option::is_none)
            {
                let of = maker.text(value.span);
                let why = format!(
                    "only the outer list of `{of}` is copied: the lists in it are the same as before"
                );
                maker.replace(expr.span, format!("[item[:] for item in {of}]"), 2, why);
                maker.about_shared();
            }
        }
        ExprKind::Compare { left, rest } => {
            if let [("==" | "!=", right)] = rest.as_slice() {
                for (side, other) in [(&**left, right), (right, &**left)] {
                    if matches!(side.kind, ExprKind::Str(_) | ExprKind::Int(_))
                        && matches!(
                            other.kind,
                            ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Call { .. }
                        )
                    {
                        let of = maker.text(other.span);
                        let why =
                            format!("`{of}` is a member of an enumeration, which never equals its value");
                        maker.replace(other.span, format!("{of}.value"), 3, why);
                    }
                }
            }
        }
        ExprKind::BinOp { left, op: "*", right } => {
            if let ExprKind::BinOp { left: first, op: op @ ("//" | "/"), right: by } = &left.kind {
                let (a, b, c) = (maker.text(first.span), maker.text(by.span), maker.text(right.span));
                let why = format!("`{op}` drops the fraction before it is multiplied: multiply first");
                maker.replace(expr.span, format!("{a} * {c} {op} {b}"), 1, why);
            }
        }
        ExprKind::Attribute { attr, attr_span, .. } if &**attr == "seconds" => {
            let of = maker.text(Span { start: expr.span.start, end: attr_span.start });
            let why = "`.seconds` leaves out the days: `total_seconds()` has them";
            maker.replace(*attr_span, "total_seconds()", 2, why);
            maker.replace(expr.span, format!("int({of}total_seconds())"), 2, why);
        }
        ExprKind::BinOp { op: "+" | "-", .. } if holds(stmt, expr) => limited(maker, expr),
        ExprKind::Str(text) => {
            joined(maker, expr);
            if text.contains(['\\', '[', '*', '+']) && maker.text(expr.span).len() < 200 {
                pattern(maker, expr);
            }
        }
        ExprKind::Set(items) | ExprKind::List(items) | ExprKind::Tuple(items) => listed(maker, expr, items),
        _ => {}
    }
}

/// Whether the statement returns or assigns the expression as a whole.
fn holds(stmt: &Stmt, expr: &Expr) -> bool {
    match &stmt.kind {
        StmtKind::Return(Some(value)) | StmtKind::Assign { value, .. } => value.span == expr.span,
        _ => false,
    }
}

/// A sum that has a limit: what the class or function calls one.
fn limited(maker: &mut Maker<'_>, expr: &Expr) {
    const UPPER: &[&str] = &["max", "limit", "cap", "upper", "highest", "ceiling", "most", "top"];
    const LOWER: &[&str] = &["min", "lower", "floor", "lowest", "least"];
    let text = maker.text(expr.span);
    let mut names: Vec<String> = maker.names.clone();
    if let Some(class) = maker.class {
        let attributes = maker.source.module().attributes(class);
        names.extend(attributes.iter().map(|binding| format!("self.{}", binding.name)));
    }
    names.extend(maker.source.module().globals().iter().map(|binding| binding.name.to_string()));
    names.sort();
    names.dedup();
    let why = "the value is not kept within its limit";
    for name in names.iter().filter(|name| !text.contains(name.as_str())) {
        let words = name.to_lowercase();
        let short = words.rsplit('.').next().unwrap_or_default().to_owned();
        let has =
            |list: &[&str]| short.split('_').any(|word| list.iter().any(|known| word.starts_with(known)));
        if has(UPPER) {
            maker.replace(expr.span, format!("min({name}, {text})"), 2, format!("{why} `{name}` (`min`)"));
        }
        if has(LOWER) {
            maker.replace(expr.span, format!("max({name}, {text})"), 2, format!("{why} `{name}` (`max`)"));
        }
    }
    if matches!(expr.kind, ExprKind::BinOp { op: "-", .. }) {
        maker.replace(expr.span, format!("max(0, {text})"), 3, "the value can fall below zero");
    }
}

/// A copy of the outer container only.
fn deeper(maker: &mut Maker<'_>, expr: &Expr, of: &str) {
    let why = format!("only the outer container of `{of}` is copied: what it holds is the same as before");
    maker.replace(expr.span, format!("[item.copy() for item in {of}]"), 3, why.clone());
    maker.about_shared();
    let (deepcopy, import) = maker.spelled("copy", "deepcopy");
    let edits = [(expr.span, format!("{deepcopy}({of})"))].into_iter().chain(import).collect();
    maker.edits(edits, 3, why);
    maker.about_shared();
}

/// Two texts in a row on two lines: the comma between them is missing.
fn joined(maker: &mut Maker<'_>, expr: &Expr) {
    let text = maker.text(expr.span);
    for (at, _) in text.match_indices('\n') {
        let before = text[..at].trim_end();
        let rest = text[at..].trim_start();
        let quote = |c: Option<char>| matches!(c, Some('"' | '\''));
        if !quote(before.chars().last())
            || !quote(rest.chars().next())
            || before.len() < 2
            || before.ends_with("\"\"\"")
        {
            continue;
        }
        let start = expr.span.start + before.len() as u32;
        let line = maker.source.line_of(start);
        let piece = before.rsplit('\n').next().unwrap_or(before).trim();
        let next = rest.lines().next().unwrap_or(rest).trim_end_matches(',').trim();
        let why = format!("a comma is missing between `{piece}` and `{next}`, which so are one text");
        maker.edits_at(line, vec![(Span { start, end: start }, ",".into())], 1, why);
    }
}

/// What a pattern leaves out.
fn pattern(maker: &mut Maker<'_>, expr: &Expr) {
    let shown = maker.text(expr.span).to_owned();
    let raw = shown.starts_with(['r', 'R']);
    for (old, new, why) in PATTERNS {
        if old.contains('\\') && !raw {
            continue;
        }
        for (at, _) in shown.match_indices(old).take(4) {
            // Not a part of what is there already.
            if at == 0 || shown[at + old.len()..].starts_with(['+', '*', '?']) || shown[..at].ends_with('\\')
            {
                continue;
            }
            let text = format!("{}{new}{}", &shown[..at], &shown[at + old.len()..]);
            maker.replace(expr.span, text, 3, *why);
        }
    }
}

/// An item that the exception's message names and a table lacks.
fn listed(maker: &mut Maker<'_>, expr: &Expr, items: &[Expr]) {
    if maker.hints.message.is_empty() || maker.function.is_some() || items.is_empty() {
        return;
    }
    let own: Vec<&str> = items.iter().filter_map(Expr::as_str).collect();
    if own.len() != items.len() {
        return;
    }
    let words: Vec<String> = maker
        .hints
        .message
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .filter(|word| word.len() > 1 && !own.contains(word))
        .map(str::to_owned)
        .collect();
    let Some(last) = items.last() else { return };
    let quote = if maker.text(last.span).starts_with('\'') { '\'' } else { '"' };
    let whole = maker.source.text();
    for word in words {
        // Only words that the program itself writes as a text somewhere.
        if !whole.contains(&format!("\"{word}\"")) && !whole.contains(&format!("'{word}'")) {
            continue;
        }
        let line = maker.source.line_of(expr.span.start);
        let at = Span { start: last.span.end, end: last.span.end };
        let why = format!("`{word}` is not listed here");
        maker.edits_at(line, vec![(at, format!(", {quote}{word}{quote}"))], 3, why);
    }
}

/// What a function as a whole lacks.
pub(super) fn function<'a>(maker: &mut Maker<'a>, function: &'a Function) {
    unfinished(maker, function);
    visited(maker, function);
    step_of_another(maker, function);
}

/// What follows the `yield` of a context manager is not done when the body raises.
fn unfinished(maker: &mut Maker<'_>, function: &Function) {
    let manager = function.decorators.iter().any(|decorator| {
        decorator
            .dotted()
            .is_some_and(|name| name.rsplit('.').next().is_some_and(|name| name.ends_with("contextmanager")))
    });
    let is_yield = |stmt: &Stmt| match &stmt.kind {
        StmtKind::Expr(expr) => matches!(expr.kind, ExprKind::Yield(_)),
        _ => false,
    };
    let Some(at) = function.body.iter().position(is_yield).filter(|_| manager) else { return };
    let (stmt, Some(last)) = (&function.body[at], function.body.last()) else { return };
    if at + 1 == function.body.len() {
        return;
    }
    let indent = maker.indent(stmt.start_line).to_owned();
    let body = Span { start: stmt.span.start, end: last.span.end };
    let yielded = maker.text(stmt.span);
    let after = maker.text(Span { start: function.body[at + 1].span.start, end: last.span.end });
    let after = after.replace(&format!("\n{indent}"), &format!("\n{indent}    "));
    let new = format!("try:\n{indent}    {yielded}\n{indent}finally:\n{indent}    {after}");
    let line = stmt.start_line;
    let why = "what follows the `yield` is not done when the body raises: `try` and `finally` are missing";
    maker.edits_at(line, vec![(body, new)], 1, why);
    maker.about_shared();
}

/// A search that goes in circles: what was visited is noted too late, or not asked for.
fn visited(maker: &mut Maker<'_>, function: &Function) {
    if maker.hints.exception != "RecursionError" {
        return;
    }
    let Some(first) = Maker::first(function) else { return };
    for stmt in &function.body {
        let StmtKind::Expr(expr) = &stmt.kind else { continue };
        let ExprKind::Call { func, args, .. } = &expr.kind else { continue };
        let (ExprKind::Attribute { value, attr, .. }, [arg]) = (&func.kind, args.as_slice()) else {
            continue;
        };
        let param = function.signature.params.iter().any(|param| Some(&*param.name) == arg.as_name());
        if !matches!(&**attr, "add" | "append") || !param {
            continue;
        }
        let (seen, item) = (maker.text(value.span), maker.text(arg.span));
        let indent = maker.indent(first.start_line).to_owned();
        let guard =
            format!("{indent}if {item} in {seen}:\n{indent}    return\n{indent}{}\n", maker.text(stmt.span));
        let old =
            Span { start: maker.start(stmt.start_line).start, end: maker.start(stmt.end_line + 1).start };
        let at = maker.start(first.start_line);
        let why = format!("`{item}` is visited again and again: that it is in `{seen}` is not asked before");
        let edits = if stmt.span == first.span {
            vec![(at, format!("{indent}if {item} in {seen}:\n{indent}    return\n"))]
        } else {
            vec![(at, guard), (old, String::new())]
        };
        maker.edits_at(first.start_line, edits, 1, why);
    }
}

/// A step on an attribute that another method of the class makes, with the same names, and this one leaves out:
/// `self._items.move_to_end(key)`.
fn step_of_another(maker: &mut Maker<'_>, function: &Function) {
    let Some(class) = maker.class else { return };
    let Some(last) = function.body.last().filter(|_| &*function.name != "__init__") else { return };
    let own: Vec<&str> = function.signature.params.iter().map(|param| &*param.name).collect();
    let mut text = String::new();
    for stmt in &function.body {
        text.push_str(maker.text(stmt.span));
        text.push('\n');
    }
    let mut steps: Vec<(String, String)> = Vec::new();
    for (name, stmt) in simple_steps(class) {
        let shown = maker.text(stmt.span).to_owned();
        let mut free = Vec::new();
        for expr in stmt.expressions() {
            expr.walk(&mut |part| free.extend(part.as_name().map(str::to_owned)));
        }
        let fits = free.iter().all(|name| own.contains(&name.as_str()) || name == "self");
        if name != *function.name
            && fits
            && !text.contains(&shown)
            && !steps.iter().any(|(_, known)| *known == shown)
        {
            steps.push((name, shown));
        }
    }
    let indent = maker.indent(last.start_line).to_owned();
    for (name, step) in steps.into_iter().take(8) {
        let why = format!("`{step}` is left out here, which `{name}` does");
        if matches!(last.kind, StmtKind::Return(_)) {
            let at = Span { start: last.span.start, end: last.span.start };
            maker.edits_at(last.start_line, vec![(at, format!("{step}\n{indent}"))], 4, why);
        } else {
            let at = Span { start: last.span.end, end: last.span.end };
            maker.edits_at(last.start_line, vec![(at, format!("\n{indent}{step}"))], 4, why);
        }
        maker.about_shared();
    }
}

/// Statements of the class's methods that call something for its effect, with the method's name.
fn simple_steps(class: &Class) -> Vec<(String, &Stmt)> {
    let mut found = Vec::new();
    for stmt in &class.body {
        let StmtKind::Function(method) = &stmt.kind else { continue };
        for stmt in &method.body {
            stmt.walk(false, &mut |stmt| {
                if let StmtKind::Expr(expr) = &stmt.kind
                    && let ExprKind::Call { func, .. } = &expr.kind
                    && func.dotted().is_some_and(|name| name.starts_with("self."))
                    && stmt.start_line == stmt.end_line
                {
                    found.push((method.name.to_string(), stmt));
                }
            });
        }
    }
    found
}

/// A descriptor that keeps the value of every object in itself.
pub(super) fn descriptor<'a>(maker: &mut Maker<'a>, class: &'a Class) {
    let method = |name: &str| {
        class.body.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Function(function) if *function.name == *name => Some(&**function),
            _ => None,
        })
    };
    let (Some(get), Some(set)) = (method("__get__"), method("__set__")) else { return };
    let (Some(instance), Some(value)) = (set.signature.params.get(1), set.signature.params.get(2)) else {
        return;
    };
    let named = method("__set_name__").and_then(|function| {
        function.body.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Assign { targets, .. } => targets.first().and_then(Expr::dotted),
            _ => None,
        })
    });
    let Some(key) = named else { return };
    let stored = set.body.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Assign { targets, value: given } if given.as_name() == Some(&*value.name) => {
            let target = targets.first()?;
            Some((target.span, target.dotted()?.strip_prefix("self.")?.to_owned(), stmt.start_line))
        }
        _ => None,
    });
    let Some((span, attr, line)) = stored else { return };
    let Some(object) = get.signature.params.get(1) else { return };
    let mut edits = vec![(span, format!("{}.__dict__[{key}]", instance.name))];
    for stmt in &get.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| match &part.kind {
                    ExprKind::Attribute { .. }
                        if part.dotted().as_deref() == Some(&format!("self.{attr}")) =>
                    {
                        edits.push((part.span, format!("{}.__dict__[{key}]", object.name)));
                    }
                    ExprKind::Call { func, args, .. } if func.as_name() == Some("getattr") => {
                        if let [of, name, default] = args.as_slice()
                            && of.as_name() == Some("self")
                            && name.as_str() == Some(&attr)
                        {
                            let default = maker.text(default.span);
                            edits
                                .push((part.span, format!("{}.__dict__.get({key}, {default})", object.name)));
                        }
                    }
                    _ => {}
                });
            }
        });
    }
    if edits.len() > 1 {
        let why = format!("the descriptor keeps `{attr}` in itself, so that all instances share one value");
        maker.edits_at(line, edits, 1, why);
        maker.about_shared();
    }
}

/// A fixture that is made once for several tests.
pub(super) fn scope<'a>(maker: &mut Maker<'a>, function: &'a Function) {
    for decorator in &function.decorators {
        let ExprKind::Call { func, args, keywords, arguments_span } = &decorator.kind else { continue };
        if !func.dotted().is_some_and(|name| name == "fixture" || name.ends_with(".fixture")) {
            continue;
        }
        let Some(scope) = keywords.iter().find(|k| k.name.as_deref() == Some("scope")) else { continue };
        let Some(wide) = scope.value.as_str().filter(|scope| *scope != "function") else { continue };
        let name = &function.name;
        let why = format!(
            "the fixture `{name}` is made once for all tests of its scope (`{wide}`): what one test changes, the next one sees (shared state)"
        );
        let line = maker.source.line_of(decorator.span.start);
        let span = if args.is_empty() && keywords.len() == 1 { *arguments_span } else { scope.value.span };
        let new =
            if args.is_empty() && keywords.len() == 1 { String::new() } else { "\"function\"".to_owned() };
        maker.edits_at(line, vec![(span, new)], 1, why);
        maker.about_shared();
    }
}
