//! Edits of what is caught, of results that are thrown away, and of decorators.

use super::candidates::Maker;
use crate::workspace::python::{Expr, ExprKind, Function, Handler, Span, Stmt, StmtKind};

/// The builtin exceptions that programs catch.
const BUILTIN: &[&str] = &[
    "ArithmeticError",
    "AttributeError",
    "ConnectionError",
    "EOFError",
    "FileExistsError",
    "FileNotFoundError",
    "IndexError",
    "IsADirectoryError",
    "KeyError",
    "LookupError",
    "NotADirectoryError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PermissionError",
    "RuntimeError",
    "StopIteration",
    "TimeoutError",
    "TypeError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "ValueError",
    "ZeroDivisionError",
];

/// Makes the candidates of a statement.
pub(super) fn statement<'a>(maker: &mut Maker<'a>, stmt: &'a Stmt, body: &'a [Stmt]) {
    match &stmt.kind {
        StmtKind::Try { handlers, .. } => {
            for handler in handlers {
                too_narrow(maker, handler);
                too_wide(maker, handler);
            }
        }
        StmtKind::Expr(value) => thrown_away(maker, stmt, value, body),
        _ => {}
    }
}

/// An exception that passes by a handler that is meant for it.
fn too_narrow(maker: &mut Maker<'_>, handler: &Handler) {
    let raised = maker.hints.exception.clone();
    let known = BUILTIN.contains(&&*raised)
        || maker.source.module().globals().iter().any(|binding| *binding.name == *raised);
    let Some(type_) = handler.type_.as_ref().filter(|_| known) else { return };
    let shown = maker.text(type_.span);
    let why = format!("`except {shown}` does not catch the `{raised}` that is raised here");
    let new = match &type_.kind {
        ExprKind::Tuple(items) if items.iter().all(|item| item.dotted().as_deref() != Some(&raised)) => {
            let inner = shown.trim_start_matches('(').trim_end_matches(')').trim_end_matches([',', ' ']);
            format!("({inner}, {raised})")
        }
        ExprKind::Name(_) | ExprKind::Attribute { .. } if shown != raised => format!("({shown}, {raised})"),
        _ => return,
    };
    // The parentheses of a tuple may or may not be part of it.
    let before = Span { start: type_.span.start.saturating_sub(1), end: type_.span.start };
    let span = if maker.text(before) == "(" && !shown.starts_with('(') {
        Span { start: before.start, end: type_.span.end + 1 }
    } else {
        type_.span
    };
    maker.edits_at(handler.line, vec![(span, new)], 2, why);
}

/// An exception that is meant to be seen is swallowed.
fn too_wide(maker: &mut Maker<'_>, handler: &Handler) {
    if maker.hints.exception != "Failed" {
        return;
    }
    let Some(last) = handler.body.last() else { return };
    if matches!(last.kind, StmtKind::Raise { .. }) {
        return;
    }
    let what = handler.type_.as_ref().map_or("", |type_| maker.text(type_.span));
    let head = if what.is_empty() { "except".to_owned() } else { format!("except {what}") };
    let why = format!("`{head}` catches the exception that the caller is meant to see, and swallows it");
    if matches!(last.kind, StmtKind::Return(_) | StmtKind::Pass | StmtKind::Continue | StmtKind::Break) {
        maker.edits_at(handler.line, vec![(last.span, "raise".into())], 2, why);
    } else {
        let indent = maker.indent(last.start_line).to_owned();
        let at = Span { start: last.span.end, end: last.span.end };
        maker.edits_at(handler.line, vec![(at, format!("\n{indent}raise"))], 2, why);
    }
}

/// A call of the function itself, or of a generator, whose result nobody takes.
fn thrown_away<'a>(maker: &mut Maker<'a>, stmt: &'a Stmt, value: &'a Expr, body: &'a [Stmt]) {
    let Some(function) = maker.function else { return };
    let at = Span { start: value.span.start, end: value.span.start };
    if let ExprKind::Yield(Some(given)) = &value.kind
        && let Some(name) = called(given).filter(|name| maker.hints.generators.contains(name))
        && !maker.text(value.span).starts_with("yield from")
    {
        let why =
            format!("`{name}` gives a generator, which is yielded as a whole: `yield from` yields its items");
        let at = Span { start: given.span.start, end: given.span.start };
        maker.edits(vec![(at, "from ".into())], 1, why);
    }
    let Some(name) = called(value) else { return };
    let yields = maker.hints.generators.contains(&*function.name);
    if maker.hints.generators.contains(&name) && yields {
        let why =
            format!("the call only makes a generator: nothing of `{name}` is yielded without `yield from`");
        maker.edits(vec![(at, "yield from ".into())], 1, why);
    }
    if name == *function.name && !yields {
        let why = format!("what `{name}` gives for the part is thrown away");
        maker.edits(vec![(at, "return ".into())], 2, why.clone());
        let mut lists = Vec::new();
        for stmt in &function.body {
            if let StmtKind::Assign { targets, value } = &stmt.kind
                && let [target] = targets.as_slice()
                && matches!(
                    value.kind,
                    ExprKind::List(_) | ExprKind::Int(_) | ExprKind::Set(_) | ExprKind::Dict(_)
                )
            {
                lists.extend(target.as_name().map(str::to_owned));
            }
        }
        let shown = maker.text(value.span);
        for list in lists {
            let new = match body.iter().find(|other| other.span == stmt.span) {
                Some(_) => format!("{list} += {shown}"),
                None => continue,
            };
            maker.replace(value.span, new, 2, why.clone());
        }
    }
}

/// The last part of the name of what is called.
fn called(expr: &Expr) -> Option<String> {
    let ExprKind::Call { func, .. } = &expr.kind else { return None };
    let name = func.dotted()?;
    Some(name.rsplit('.').next().unwrap_or(&name).to_owned())
}

/// Decorators that keep a value too long, or hand over another first argument.
pub(super) fn decorators(maker: &mut Maker<'_>, function: &Function) {
    for decorator in &function.decorators {
        let head = match &decorator.kind {
            ExprKind::Call { func, .. } => &**func,
            _ => decorator,
        };
        let Some(name) = head.dotted() else { continue };
        let own = &function.name;
        let line = maker.source.line_of(decorator.span.start);
        let all = Span { start: maker.start(line).start, end: maker.start(line + 1).start };
        match name.rsplit('.').next().unwrap_or(&name) {
            "cached_property" => {
                let why = format!(
                    "`{own}` is computed once and kept (`{name}`), though what it is made of changes"
                );
                maker.edits_at(line, vec![(decorator.span, "property".into())], 1, why);
                maker.about_shared();
            }
            "lru_cache" | "cache" => {
                let why = format!(
                    "what `{own}` gave first is given again (`{name}`), though what it depends on changes"
                );
                maker.edits_at(line, vec![(all, String::new())], 2, why);
                maker.about_shared();
            }
            "staticmethod" => {
                let why = format!("`{own}` is a `staticmethod`: it gets no class and no object");
                maker.edits_at(line, vec![(decorator.span, "classmethod".into())], 3, why.clone());
                maker.edits_at(line, vec![(all, String::new())], 3, why);
            }
            "classmethod" => {
                let why = format!("`{own}` is a `classmethod`: it gets the class, not the object");
                maker.edits_at(line, vec![(all, String::new())], 3, why);
            }
            _ => {}
        }
    }
    unwrapped(maker, function);
}

/// A decorator's wrapper that goes by its own name instead of that of the function it wraps.
fn unwrapped(maker: &mut Maker<'_>, function: &Function) {
    let params: Vec<&str> = function.signature.params.iter().map(|param| &*param.name).collect();
    let [wrapped] = params.as_slice() else { return };
    for stmt in &function.body {
        let StmtKind::Function(wrapper) = &stmt.kind else { continue };
        let mut calls = false;
        for inner in &wrapper.body {
            inner.walk(false, &mut |stmt| {
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| {
                        if let ExprKind::Call { func, .. } = &part.kind {
                            calls |= func.as_name() == Some(wrapped);
                        }
                    });
                }
            });
        }
        if !calls || !wrapper.decorators.is_empty() {
            continue;
        }
        let (wraps, import) = maker.spelled("functools", "wraps");
        let indent = maker.indent(stmt.start_line).to_owned();
        let at = maker.start(stmt.start_line);
        let edits = std::iter::once((at, format!("{indent}@{wraps}({wrapped})\n"))).chain(import).collect();
        let why = format!(
            "the wrapper `{}` keeps its own name and docstring: `functools.wraps({wrapped})` is missing",
            wrapper.name
        );
        maker.edits_at(stmt.start_line, edits, 2, why);
    }
}
