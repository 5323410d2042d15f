//! Candidate edits that concern a statement and those around it: their order, what is returned, what is missing before.

use super::expressions::off_by_one;
use super::templates::{Context, is_identifier};
use crate::workspace::python::{BindingKind, Expr, ExprKind, Function, Span, Stmt, StmtKind};

/// Exceptions that a value raises which should not have got so far.
const UNGUARDED: [&str; 5] = ["AttributeError", "TypeError", "IndexError", "KeyError", "ZeroDivisionError"];
/// Most variables that a `return` or a guard is tried with.
const MAX_NAMES: usize = 4;
/// Most statements of other methods that are put into one.
const MAX_CALLS: usize = 6;

/// Adds the candidates for `stmt`, which stands in `parent`.
pub(super) fn around(context: &mut Context<'_>, stmt: &Stmt, parent: Option<&Stmt>) {
    let body: &[Stmt] =
        parent.and_then(|parent| parent.bodies().into_iter().find(|b| at(b, stmt).is_some())).unwrap_or(&[]);
    let index = at(body, stmt);
    if let Some(index) = index {
        for pair in [index.checked_sub(1).map(|before| (before, index)), Some((index, index + 1))] {
            if let Some((one, other)) = pair
                && let (Some(one), Some(other)) = (body.get(one), body.get(other))
            {
                swapped(context, one, other);
            }
        }
    }
    match &stmt.kind {
        StmtKind::Expr(value) => thrown_away(context, value, index.is_some_and(|n| n + 1 == body.len())),
        StmtKind::Return(Some(value)) if matches!(value.kind, ExprKind::None) => {
            for (name, cost) in values(context) {
                context.replace(value.span, name, cost);
            }
        }
        StmtKind::Return(None) => {
            for (name, cost) in values(context) {
                context.replace(stmt.span, format!("return {name}"), cost + 1.0);
            }
        }
        StmtKind::Return(Some(value)) | StmtKind::Assign { value, .. } => off_by_one(context, value, 3.0),
        _ => {}
    }
    guard(context, stmt, parent);
    of_siblings(context, stmt);
}

fn at(body: &[Stmt], stmt: &Stmt) -> Option<usize> {
    body.iter().position(|other| other.span == stmt.span)
}

/// Whether a variable has been bound before the line in its function, so that it may have to be added to.
pub(super) fn is_bound_before(context: &Context<'_>, target: &Expr) -> bool {
    let (Some(function), Some(name)) = (context.function, target.as_name()) else { return false };
    context.module.locals(function).iter().any(|b| *b.name == *name && b.line < context.line)
}

/// Two statements in the wrong order.
fn swapped(context: &mut Context<'_>, one: &Stmt, other: &Stmt) {
    let is_simple = |stmt: &Stmt| {
        matches!(
            stmt.kind,
            StmtKind::Assign { .. } | StmtKind::AugAssign { .. } | StmtKind::Expr(_) | StmtKind::If(_)
        )
    };
    let between = Span { start: one.span.end, end: other.span.start };
    let is_apart = context.of(between).trim().is_empty() && context.of(between).contains('\n');
    if is_simple(one) && is_simple(other) && is_apart {
        let text = format!("{}{}{}", context.of(other.span), context.of(between), context.of(one.span));
        context.replace(Span { start: one.span.start, end: other.span.end }, text, 4.0);
    }
}

/// A value of which nothing is made.
fn thrown_away(context: &mut Context<'_>, value: &Expr, is_last: bool) {
    let start = Span { start: value.span.start, end: value.span.start };
    match &value.kind {
        ExprKind::Call { .. } if is_last => context.replace(start, "return ", 3.0),
        ExprKind::Call { .. }
        | ExprKind::Str(_)
        | ExprKind::Await(_)
        | ExprKind::Yield(_)
        | ExprKind::YieldFrom(_) => {}
        _ => context.replace(start, "return ", 1.0),
    }
}

/// What the function could return: itself a method, its object; then its variables, the last first; its parameters.
fn values(context: &Context<'_>) -> Vec<(String, f64)> {
    let Some(function) = context.function else { return Vec::new() };
    let mut bound = context.module.locals(function);
    bound.retain(|binding| binding.line <= context.line && *binding.name != *"cls");
    bound.sort_by_key(|binding| std::cmp::Reverse((binding.kind == BindingKind::Variable, binding.line)));
    let mut found: Vec<(String, f64)> = Vec::new();
    for binding in bound {
        let cost = match binding.kind {
            BindingKind::Variable => 2.5,
            BindingKind::Parameter => 3.5,
            _ => continue,
        };
        if found.len() < MAX_NAMES && found.iter().all(|(known, _)| *known != *binding.name) {
            found.push((binding.name.to_string(), cost));
        }
    }
    found
}

/// The value that the statement cannot do with is dealt with before.
fn guard(context: &mut Context<'_>, stmt: &Stmt, parent: Option<&Stmt>) {
    if !UNGUARDED.contains(&context.hints.exception.as_str()) || context.function.is_none() {
        return;
    }
    let mut names: Vec<String> = Vec::new();
    for expr in stmt.expressions() {
        expr.walk(&mut |part| {
            if let ExprKind::Attribute { value, .. } | ExprKind::Subscript { value, .. } = &part.kind
                && let Some(name) = value.as_name()
                && !matches!(name, "self" | "cls")
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        });
    }
    let is_loop = matches!(parent.map(|p| &p.kind), Some(StmtKind::For { .. } | StmtKind::While { .. }));
    let indent = context.indent(stmt.span.start).to_owned();
    let start = Span { start: stmt.span.start, end: stmt.span.start };
    names.retain(|name| is_local(context, name));
    for name in names.into_iter().take(2) {
        let leave = if is_loop { "continue".to_owned() } else { format!("return {name}") };
        let inner = format!("{indent}    ");
        context.replace(start, format!("if not {name}:\n{inner}{leave}\n{indent}"), 5.0);
    }
}

fn is_local(context: &Context<'_>, name: &str) -> bool {
    let local = |function: &Function| context.module.locals(function).iter().any(|b| *b.name == *name);
    context.function.is_some_and(local)
}

/// What other methods of the class do with their object as a statement by itself, and this one does not: it forgets a
/// cached value, marks what has changed, or calls a method without arguments.
fn of_siblings(context: &mut Context<'_>, stmt: &Stmt) {
    let Some(function) = context.function else { return };
    let Some(last) = function.body.last() else { return };
    // Once for the whole function.
    if last.span != stmt.span && function.name_line != context.line {
        return;
    }
    let Some((class, name)) = function.qualified_name.rsplit_once('.') else { return };
    let Some(class) = context.module.class(class) else { return };
    if name == "__init__" {
        return;
    }
    let own = own_statements(context, function);
    let mut found: Vec<String> = Vec::new();
    for method in &class.body {
        let StmtKind::Function(method) = &method.kind else { continue };
        if *method.name == *"__init__" || method.qualified_name == function.qualified_name {
            continue;
        }
        for text in own_statements(context, method) {
            if !own.contains(&text) && !found.contains(&text) && found.len() < MAX_CALLS {
                found.push(text);
            }
        }
    }
    let newline = if context.text.contains("\r\n") { "\r\n" } else { "\n" };
    for text in found {
        let indent = context.indent(last.span.start).to_owned();
        if let StmtKind::Return(_) | StmtKind::Raise { .. } = last.kind {
            let start = Span { start: last.span.start, end: last.span.start };
            context.replace(start, format!("{text}{newline}{indent}"), 3.5);
        } else {
            let end = Span { start: last.span.end, end: last.span.end };
            context.replace(end, format!("{newline}{indent}{text}"), 3.5);
        }
    }
}

/// The statements `self.x = None` (or another constant), `self.x.clear()` and `self.forget()` of a method.
fn own_statements(context: &Context<'_>, function: &Function) -> Vec<String> {
    let mut found = Vec::new();
    for part in &function.body {
        part.walk(false, &mut |stmt| {
            let is_its = |expr: &Expr| {
                let dotted = expr.dotted();
                dotted.is_some_and(|name| {
                    name.strip_prefix("self.").is_some_and(|rest| rest.split('.').all(is_identifier))
                })
            };
            let is_wanted = match &stmt.kind {
                StmtKind::Assign { targets, value } => {
                    let is_constant = match &value.kind {
                        ExprKind::None | ExprKind::Bool(_) | ExprKind::Int(_) => true,
                        ExprKind::List(items) | ExprKind::Tuple(items) => items.is_empty(),
                        _ => false,
                    };
                    is_constant && matches!(targets.as_slice(), [target] if is_its(target))
                }
                StmtKind::Expr(Expr { kind: ExprKind::Call { func, args, keywords, .. }, .. }) => {
                    args.is_empty() && keywords.is_empty() && is_its(func)
                }
                _ => false,
            };
            if is_wanted {
                found.push(context.of(stmt.span).to_owned());
            }
        });
    }
    found
}
