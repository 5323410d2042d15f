//! Edits of statements, signatures and classes.

use super::calls;
use super::candidates::Maker;
use crate::workspace::python::{Class, Expr, ExprKind, Function, Span, Stmt, StmtKind};

/// Methods of strings whose result is their only effect.
const PURE: &[&str] = &[
    "replace",
    "strip",
    "lstrip",
    "rstrip",
    "lower",
    "upper",
    "title",
    "capitalize",
    "format",
    "removeprefix",
    "removesuffix",
    "zfill",
    "ljust",
    "rjust",
    "union",
    "difference",
    "intersection",
];

/// Makes the candidates of a statement; those of its expressions are made elsewhere.
pub(super) fn statement<'a>(maker: &mut Maker<'a>, stmt: &'a Stmt, body: &'a [Stmt]) {
    swapped(maker, stmt, body);
    match &stmt.kind {
        StmtKind::Break => maker.replace(stmt.span, "continue", 3, "the loop ends where it should go on"),
        StmtKind::Continue => maker.replace(stmt.span, "break", 3, "the loop goes on where it should end"),
        StmtKind::AugAssign { target, op, value } => {
            let gap = Span { start: target.span.end, end: value.span.start };
            let other = match *op {
                "+" => "-",
                "*" => "/",
                _ => "+",
            };
            maker.replace(gap, format!(" {other}= "), 2, "the operator is wrong");
            maker.replace(gap, " = ", 4, "it adds up where it should replace");
            removed(maker, stmt, body, 4);
        }
        StmtKind::Assign { targets, value } => {
            if let [target] = targets.as_slice() {
                assignment(maker, stmt, target, value);
            }
            if body.len() > 1 {
                removed(maker, stmt, body, 5);
            }
        }
        StmtKind::Expr(value) => {
            if let ExprKind::Compare { left, rest } = &value.kind
                && let [("==", right)] = rest.as_slice()
            {
                let gap = Span { start: left.span.end, end: right.span.start };
                let why = "`==` compares, and the result is thrown away: an assignment is meant";
                for (new, cost) in [(" = ", 1), (" += ", 3), (" -= ", 3)] {
                    maker.replace(gap, new, cost, why);
                }
            }
            if let ExprKind::BinOp { left, op, right } = &value.kind
                && matches!(
                    left.kind,
                    ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Subscript { .. }
                )
            {
                let gap = Span { start: left.span.end, end: right.span.start };
                let why = format!("the result is thrown away: `{op}=` is meant");
                maker.replace(gap, format!(" {op}= "), 1, why);
            }
            if let ExprKind::Call { func, .. } = &value.kind
                && let ExprKind::Attribute { value: object, attr, .. } = &func.kind
                && PURE.contains(&&**attr)
            {
                let new = format!("{} = {}", maker.text(object.span), maker.text(value.span));
                maker.replace(value.span, new, 1, format!("the result of `{attr}` is thrown away"));
            }
            if !matches!(value.kind, ExprKind::Str(_)) {
                removed(maker, stmt, body, 4);
            }
            if matches!(value.kind, ExprKind::Call { .. })
                && let Some(function) = maker.function
                && function.body.last().is_none_or(|last| last.span != stmt.span)
                && body.last().is_some_and(|last| last.span == stmt.span)
            {
                let name = function.name.to_string();
                let before = Span { start: stmt.span.start, end: stmt.span.start };
                let why =
                    format!("the result is thrown away, so that `{name}` gives `None`: `return` is missing");
                maker.edits_at(stmt.start_line, vec![(before, "return ".into())], 2, why);
            }
        }
        StmtKind::If(branches) => {
            for (test, _) in branches {
                let Some(test) = test else { continue };
                if !matches!(
                    test.kind,
                    ExprKind::Compare { .. } | ExprKind::UnaryOp { .. } | ExprKind::BoolOp { .. }
                ) {
                    maker.replace(
                        test.span,
                        format!("not {}", maker.text(test.span)),
                        3,
                        "the condition is inverted",
                    );
                }
            }
        }
        StmtKind::For { target, iter, body: inner, .. } => {
            calls::iterated(maker, target, iter);
            returns_early(maker, stmt, inner);
        }
        StmtKind::While { body: inner, .. } => returns_early(maker, stmt, inner),
        StmtKind::Return(Some(value)) => {
            if let ExprKind::Call { func, args, .. } = &value.kind
                && let ExprKind::Attribute { value: object, attr, .. } = &func.kind
            {
                let object_text = maker.text(object.span);
                let arguments = maker.text(Span { start: func.span.end + 1, end: value.span.end });
                let in_place = match &**attr {
                    "sort" => Some(format!(
                        "sorted({object_text}{}{arguments}",
                        if arguments == ")" { "" } else { ", " }
                    )),
                    "reverse" if args.is_empty() => Some(format!("list(reversed({object_text}))")),
                    _ => None,
                };
                if let Some(new) = in_place {
                    maker.replace(
                        value.span,
                        new,
                        1,
                        format!("`{attr}` changes its object in place and gives `None`"),
                    );
                }
                if matches!(&**attr, "append" | "extend" | "update" | "add" | "insert" | "remove" | "clear") {
                    let indent = maker.indent(stmt.start_line);
                    let new = format!("{}\n{indent}return {object_text}", maker.text(value.span));
                    maker.replace(
                        stmt.span,
                        new,
                        2,
                        format!("`{attr}` changes its object in place and gives `None`"),
                    );
                }
            }
        }
        _ => {}
    }
}

/// Two statements in the wrong order.
fn swapped(maker: &mut Maker<'_>, stmt: &Stmt, body: &[Stmt]) {
    let simple = |stmt: &Stmt| {
        stmt.start_line == stmt.end_line
            && matches!(
                stmt.kind,
                StmtKind::Expr(_)
                    | StmtKind::Assign { .. }
                    | StmtKind::AugAssign { .. }
                    | StmtKind::Return(_)
            )
    };
    let Some(at) = body.iter().position(|known| known.span == stmt.span) else { return };
    let Some(next) = body.get(at + 1).filter(|next| simple(stmt) && simple(next)) else { return };
    if maker.function.is_none()
        || matches!(next.kind, StmtKind::Return(_))
        || next.start_line == stmt.start_line
    {
        return;
    }
    let (a, b) = (maker.text(stmt.span).to_owned(), maker.text(next.span).to_owned());
    maker.edits(vec![(stmt.span, b), (next.span, a)], 4, "the two statements are in the wrong order");
}

/// A statement that should not be there.
fn removed(maker: &mut Maker<'_>, stmt: &Stmt, body: &[Stmt], cost: u32) {
    if stmt.start_line != stmt.end_line {
        return;
    }
    let what = maker.text(stmt.span).trim().to_owned();
    let why = format!("`{what:.60}` is too much");
    if body.len() == 1 {
        maker.replace(stmt.span, "pass", cost, why);
    } else {
        let span =
            Span { start: maker.start(stmt.start_line).start, end: maker.start(stmt.start_line + 1).start };
        maker.edits_at(stmt.start_line, vec![(span, String::new())], cost, why);
    }
}

fn assignment<'a>(maker: &mut Maker<'a>, stmt: &'a Stmt, target: &'a Expr, value: &'a Expr) {
    let gap = Span { start: target.span.end, end: value.span.start };
    if matches!(target.kind, ExprKind::Subscript { .. } | ExprKind::Attribute { .. } | ExprKind::Name(_)) {
        maker.replace(gap, " += ", 2, "the value is overwritten instead of added up");
        maker.replace(gap, " -= ", 4, "the value is overwritten instead of counted down");
    }
    // A local variable where the attribute is meant.
    if let ExprKind::Name(name) = &target.kind
        && let (Some(class), Some(function)) = (maker.class, maker.function)
        && function.signature.params.first().is_some_and(|param| &*param.name == "self")
        && maker.source.module().attributes(class).iter().any(|binding| binding.name == *name)
    {
        let why = format!("`{name}` is a local variable: the attribute `self.{name}` is not changed");
        let at = Span { start: target.span.start, end: target.span.start };
        maker.edits(vec![(at, "self.".into())], 1, why);
    }
    if let ExprKind::Subscript { value: dict, index } = &target.kind {
        let (dict, key, shown) = (maker.text(dict.span), maker.text(index.span), maker.text(value.span));
        if let ExprKind::List(items) = &value.kind
            && let [item] = items.as_slice()
        {
            let new = format!("{dict}.setdefault({key}, []).append({})", maker.text(item.span));
            let why = format!("the list under `{key}` is overwritten instead of added to");
            maker.replace(stmt.span, new, 1, why);
        }
        if !matches!(index.kind, ExprKind::Int(_) | ExprKind::Slice { .. }) {
            let new = format!("{dict}.get({key}, 0) + {shown}");
            let why = format!("what is under `{key}` is overwritten instead of added up");
            maker.replace(value.span, new, 3, why);
        }
    }
    if let Some(name) = value.as_name() {
        // The class that a plain value is meant to be made of: `self.status = Status(status)`.
        let class = maker.source.module().globals().iter().find_map(|binding| {
            let upper =
                binding.name.starts_with(char::is_uppercase) && binding.name.chars().any(char::is_lowercase);
            (upper && binding.name.to_lowercase() == name.replace('_', "")).then(|| binding.name.to_string())
        });
        if let Some(class) = class {
            let why = format!("`{name}` is kept as it is given, not as a `{class}`");
            maker.replace(value.span, format!("{class}({name})"), 2, why);
        }
    }
    let shown = maker.text(value.span);
    if value.as_name().is_some() {
        maker.replace(
            value.span,
            format!("{shown}.copy()"),
            2,
            format!("`{shown}` is shared: changing it changes the original for every caller"),
        );
        maker.about_shared();
        for empty in ["[]", "{}", "\"\"", "0"] {
            let why = format!("`{shown}` can be `None`");
            maker.replace(value.span, format!("{shown} or {empty}"), 2, why);
        }
    }
    // A cache that is not told: `self.table[key] = value` beside `self._cache`.
    if let ExprKind::Subscript { index, .. } = &target.kind
        && let Some(class) = maker.class
    {
        let mut caches = Vec::new();
        for stmt in &class.body {
            stmt.walk(true, &mut |stmt| {
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| {
                        if let ExprKind::Attribute { attr, .. } = &part.kind
                            && attr.contains("cache")
                            && !caches.contains(&attr.to_string())
                        {
                            caches.push(attr.to_string());
                        }
                    });
                }
            });
        }
        for cache in caches {
            let indent = maker.indent(stmt.start_line);
            let key = maker.text(index.span);
            let new = format!("{}\n{indent}self.{cache}.pop({key}, None)", maker.text(stmt.span));
            maker.replace(stmt.span, new, 2, format!("`{cache}` keeps the old value"));
        }
    }
}

/// A `return` that ends the loop in its first round.
fn returns_early<'a>(maker: &mut Maker<'a>, stmt: &'a Stmt, inner: &'a [Stmt]) {
    let Some(last) = inner.last() else { return };
    if !matches!(last.kind, StmtKind::Return(_)) || last.start_line != last.end_line {
        return;
    }
    let why = "the `return` stands in the loop, which so ends in its first round";
    let indent = Span { start: maker.start(last.start_line).start, end: last.span.start };
    let outer = maker.indent(stmt.start_line).to_owned();
    if inner.len() > 1 {
        maker.replace(indent, outer, 1, why);
        let line = Span { start: indent.start, end: maker.start(last.start_line + 1).start };
        maker.edits_at(last.start_line, vec![(line, String::new())], 2, why);
    }
}

/// Parameters: defaults that are shared, values that are consumed.
pub(super) fn signature<'a>(maker: &mut Maker<'a>, function: &'a Function) {
    let Some(first) = Maker::first(function) else { return };
    let one_line = first.start_line == function.name_line;
    let indent = maker.indent(first.start_line);
    let at = maker.start(first.start_line);
    for param in &function.signature.params {
        let name = &param.name;
        if let Some(default) = &param.default
            && !one_line
        {
            let shared = match &default.kind {
                ExprKind::List(_) | ExprKind::Dict(_) | ExprKind::Set(_) => true,
                ExprKind::Call { func, args, .. } => {
                    args.is_empty() && matches!(func.as_name(), Some("list" | "dict" | "set"))
                }
                _ => false,
            };
            if shared {
                let text = maker.text(default.span);
                let edits = vec![
                    (default.span, "None".to_owned()),
                    (at, format!("{indent}if {name} is None:\n{indent}    {name} = {text}\n")),
                ];
                let why = format!(
                    "the default value of `{name}` is made once and shared between calls: what one call puts in, the next one sees (mutable default argument)"
                );
                maker.edits(edits, 1, why);
                maker.about_shared();
            }
        }
        if &**name == "self" || &**name == "cls" || one_line {
            continue;
        }
        if matches!(&*maker.hints.exception, "ValueError" | "AssertionError" | "StopIteration") {
            let new = format!("{indent}{name} = list({name})\n");
            let line = function.name_line + 1;
            maker.edits_at(
                line,
                vec![(at, new)],
                4,
                format!("`{name}` is an iterator that its first use consumes: it is exhausted then"),
            );
        }
        if maker.hints.message.contains("unhashable") {
            let new = format!("{indent}{name} = tuple({name})\n");
            maker.edits_at(
                first.start_line,
                vec![(at, new)],
                3,
                format!("a list cannot be a key: `{name}` has no hash"),
            );
        }
    }
    if maker.hints.exception == "UnboundLocalError"
        && let Some(name) = maker.hints.message.split('\'').nth(1).map(str::to_owned)
        && !one_line
    {
        let globals = maker.source.module().globals();
        if of_enclosing(maker, function, &name) {
            let new = format!("{indent}nonlocal {name}\n");
            let line = assigned_line(function, &name).unwrap_or(first.start_line);
            let why = format!(
                "assigning to `{name}` makes it local to the inner function: `nonlocal {name}` is missing"
            );
            maker.edits_at(line, vec![(at, new)], 1, why);
        } else if globals.iter().any(|binding| *binding.name == *name) {
            let new = format!("{indent}global {name}\n");
            let line = assigned_line(function, &name).unwrap_or(first.start_line);
            maker.edits_at(
                line,
                vec![(at, new)],
                1,
                format!("assigning to `{name}` makes it local to the function: `global {name}` is missing"),
            );
        } else {
            for fallback in maker.hints.fallbacks.clone() {
                let new = format!("{indent}{name} = {fallback}\n");
                let line = maker.line;
                maker.edits_at(
                    line,
                    vec![(at, new)],
                    3,
                    format!("`{name}` is assigned on some branches only"),
                );
            }
        }
    }
}

/// Whether `name` belongs to the function that `function` stands in.
fn of_enclosing(maker: &Maker<'_>, function: &Function, name: &str) -> bool {
    let Some((outer, _)) = function.qualified_name.rsplit_once('.') else { return false };
    let module = maker.source.module();
    let mut found = false;
    module.walk(&mut |stmt| {
        if let StmtKind::Function(around) = &stmt.kind
            && *around.qualified_name == *outer
        {
            found |= module.locals(around).iter().any(|binding| *binding.name == *name);
        }
    });
    found
}

fn assigned_line(function: &Function, name: &str) -> Option<u32> {
    let mut found = None;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            let target = match &stmt.kind {
                StmtKind::AugAssign { target, .. } => Some(target),
                StmtKind::Assign { targets, .. } => targets.first(),
                _ => None,
            };
            if target.and_then(Expr::as_name) == Some(name) && found.is_none() {
                found = Some(stmt.start_line);
            }
        });
    }
    found
}

/// The end of a function: a `return` may be missing.
pub(super) fn end<'a>(maker: &mut Maker<'a>, function: &'a Function) {
    let Some(last) = function.body.last() else { return };
    if matches!(last.kind, StmtKind::Return(_) | StmtKind::Raise { .. }) || &*function.name == "__init__" {
        return;
    }
    let indent = maker.indent(function.body[0].start_line);
    let at = Span { start: last.span.end, end: last.span.end };
    let mut returns = false;
    let mut assigned: Vec<String> = Vec::new();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| match &stmt.kind {
            StmtKind::Return(Some(_)) => returns = true,
            StmtKind::Assign { targets, .. } => {
                assigned.extend(targets.iter().filter_map(Expr::as_name).map(str::to_owned));
            }
            _ => {}
        });
    }
    forgotten(maker, function, last);
    let name = &function.name;
    if returns {
        for fallback in maker.hints.fallbacks.clone() {
            let new = format!("\n{indent}return {fallback}");
            maker.edits_at(
                function.name_line,
                vec![(at, new)],
                3,
                format!("`{name}` ends without a `return` when no branch returns, so that it gives `None`"),
            );
        }
    } else {
        for value in
            assigned.into_iter().chain(function.signature.params.first().map(|param| param.name.to_string()))
        {
            let new = format!("\n{indent}return {value}");
            maker.edits_at(
                last.start_line,
                vec![(at, new)],
                2,
                format!("`{name}` ends without `return {value}`, so that it gives `None`"),
            );
        }
        if let StmtKind::Expr(value) = &last.kind
            && !matches!(value.kind, ExprKind::Yield(_))
        {
            let before = Span { start: last.span.start, end: last.span.start };
            maker.edits_at(
                last.start_line,
                vec![(before, "return ".into())],
                2,
                format!("`{name}` has no `return`, so that it gives `None`"),
            );
        }
    }
}

/// What a method should reset: an attribute that other methods set to `None`.
fn forgotten(maker: &mut Maker<'_>, function: &Function, last: &Stmt) {
    let Some(class) = maker.class else { return };
    let mut reset: Vec<String> = Vec::new();
    let mut own = Vec::new();
    for stmt in &class.body {
        let StmtKind::Function(method) = &stmt.kind else { continue };
        stmt.walk(true, &mut |stmt| {
            let StmtKind::Assign { targets, value } = &stmt.kind else { return };
            for target in targets {
                let Some(attr) =
                    target.dotted().and_then(|name| name.strip_prefix("self.").map(str::to_owned))
                else {
                    continue;
                };
                if method.name == function.name {
                    own.push(attr);
                } else if matches!(value.kind, ExprKind::None) && !reset.contains(&attr) {
                    reset.push(attr);
                }
            }
        });
    }
    reset.retain(|attr| !own.contains(attr));
    let indent = maker.indent(function.body[0].start_line);
    let at = Span { start: last.span.end, end: last.span.end };
    for attr in reset {
        let why = format!("`self.{attr}` is not reset to `None`, so that the old value is kept");
        maker.edits_at(last.start_line, vec![(at, format!("\n{indent}self.{attr} = None"))], 3, why);
        maker.about_shared();
    }
}

/// Attributes of a class that all its objects share.
pub(super) fn class<'a>(maker: &mut Maker<'a>, class: &'a Class) {
    for stmt in &class.body {
        let StmtKind::Assign { targets, value } = &stmt.kind else { continue };
        let ([target], ExprKind::List(_) | ExprKind::Dict(_) | ExprKind::Set(_)) =
            (targets.as_slice(), &value.kind)
        else {
            continue;
        };
        let Some(name) = target.as_name() else { continue };
        let text = maker.text(value.span);
        let indent = maker.indent(stmt.start_line);
        let why = format!("`{name}` belongs to the class `{}`: all its objects share it", class.name);
        let init = class.body.iter().find_map(|stmt| match &stmt.kind {
            StmtKind::Function(function) if &*function.name == "__init__" => Some(function),
            _ => None,
        });
        if let Some(first) = init.and_then(|init| Maker::first(init)) {
            let line =
                Span { start: maker.start(stmt.start_line).start, end: maker.start(stmt.end_line + 1).start };
            let inner = maker.indent(first.start_line);
            let new = format!("{inner}self.{name} = {text}\n");
            let at = maker.start(first.start_line);
            maker.edits_at(stmt.start_line, vec![(line, String::new()), (at, new)], 1, why);
        } else {
            let new = format!("def __init__(self):\n{indent}    self.{name} = {text}");
            maker.replace(stmt.span, new, 1, why);
        }
        maker.about_shared();
    }
}
