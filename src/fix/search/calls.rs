//! Candidate edits that rest on what a name, an attribute or a call of the project means: arguments that are missing,
//! variables that should be attributes, texts that are written otherwise elsewhere.

use super::expressions::of_the_same_kind;
use super::templates::Context;
use crate::workspace::python::{Expr, ExprKind, Function, Keyword, Name, Span, StmtKind};
use crate::workspace::resolve::{Resolver, Symbol};

/// Most texts of the file that a text is replaced by.
const MAX_TEXTS: usize = 3;
/// Letters in which two ways to write a text differ at most.
const MISSPELT: usize = 2;

/// Arguments that the called function takes and that are not given, where the caller has what is meant: a variable of the
/// same name, or a parameter of which it makes no use.
pub(super) fn missing(context: &mut Context<'_>, expr: &Expr, args: &[Expr], keywords: &[Keyword]) {
    if args.iter().any(|arg| matches!(arg.kind, ExprKind::Starred(_)))
        || keywords.iter().any(|keyword| keyword.name.is_none())
    {
        return;
    }
    let Some(function) = context.function else { return };
    let end = Span { start: expr.span.end - 1, end: expr.span.end - 1 };
    let comma = if args.is_empty() && keywords.is_empty() { "" } else { ", " };
    if context.of(Span { start: expr.span.start, end: end.start }).trim_end().ends_with(',') {
        return;
    }
    let unused = unused(context, function);
    for name in &unused {
        context.replace(end, format!("{comma}{name}={name}"), 2.5);
        if keywords.is_empty() {
            context.replace(end, format!("{comma}{name}"), 2.2);
        }
    }
    let Some((called, is_method)) = called(context, expr) else { return };
    let locals = context.module.locals(function);
    let shift = usize::from(is_method);
    let open: Vec<Name> = called
        .signature
        .params
        .iter()
        .enumerate()
        .skip(shift + args.len())
        .filter(|(_, param)| keywords.iter().all(|keyword| keyword.name.as_ref() != Some(&param.name)))
        .map(|(_, param)| param.name.clone())
        .collect();
    for name in open {
        if !unused.contains(&name) && locals.iter().any(|b| b.name == name && b.line <= context.line) {
            context.replace(end, format!("{comma}{name}={name}"), 2.0);
        }
        let default = called.signature.param(&name).and_then(|param| param.default.as_ref());
        if let Some(Expr { kind: ExprKind::Bool(value), .. }) = default {
            let other = if *value { "False" } else { "True" };
            context.replace(end, format!("{comma}{name}={other}"), 3.5);
        }
    }
}

/// The parameters that the function does not mention.
fn unused(context: &Context<'_>, function: &Function) -> Vec<Name> {
    let mut names: Vec<Name> = function.signature.params.iter().map(|param| param.name.clone()).collect();
    names.retain(|name| !matches!(&**name, "self" | "cls") && !name.starts_with('_'));
    for part in &function.body {
        part.walk(true, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Name(used) = &part.kind {
                        names.retain(|name| name != used);
                    }
                });
            }
        });
    }
    let is_used_in_text = |name: &Name| {
        let whole = function.body.first().zip(function.body.last());
        whole.is_some_and(|(first, last)| {
            let body = context.of(Span { start: first.span.start, end: last.span.end });
            body.contains("locals()") || body.contains(&format!("{{{name}"))
        })
    };
    names.retain(|name| !is_used_in_text(name));
    names.truncate(2);
    names
}

/// The function of the project that is called, and whether its first parameter is the object.
fn called(context: &Context<'_>, expr: &Expr) -> Option<(Function, bool)> {
    let text = context.of(expr.span);
    let calls = Resolver::new(context.workspace).calls(context.path, context.line, expr);
    let called = calls.into_iter().find(|called| called.text == text)?;
    let source = context.workspace.source(&called.path)?;
    let function = source.module().function(&called.qualified_name)?.clone();
    let first = function.signature.params.first();
    let is_method = first.is_some_and(|first| matches!(&*first.name, "self" | "cls"));
    Some((function, is_method))
}

/// An attribute of an object whose class is known: another one of that class.
pub(super) fn of_other_object(context: &mut Context<'_>, value: &Expr, attr: &Name, span: Span) {
    let resolver = Resolver::new(context.workspace);
    let Some(Symbol::Instance(path, class)) = resolver.infer(context.path, context.line, value, 0) else {
        return;
    };
    let Some(source) = context.workspace.source(&path) else { return };
    let Some(class) = source.module().class(&class) else { return };
    for other in of_the_same_kind(source.module(), class, attr) {
        context.replace(span, other, 3.5);
    }
}

/// A variable that has the name of an attribute of the object.
pub(super) fn of_self(context: &mut Context<'_>, span: Span, name: &Name) {
    let is_method =
        |function: &Function| function.signature.params.first().is_some_and(|first| *first.name == *"self");
    if !context.function.is_some_and(is_method) || **name == *"self" {
        return;
    }
    let Some(class) = context.module.enclosing_class(context.line) else { return };
    let Some(class) = context.module.class(&class.qualified_name) else { return };
    if context.module.attributes(class).iter().any(|binding| binding.name == *name) {
        context.replace(span, format!("self.{name}"), 3.0);
    }
}

/// A text that differs little from another one of the file: one of them is misspelt.
pub(super) fn misspelt(context: &mut Context<'_>, expr: &Expr, text: &Name) {
    if text.len() < 3 || text.len() > 60 || text.contains(char::is_whitespace) {
        return;
    }
    let mut near: Vec<(usize, Name)> = Vec::new();
    for stmt in context.module.body() {
        stmt.walk(true, &mut |stmt| {
            if let StmtKind::Expr(Expr { kind: ExprKind::Str(_), .. }) = stmt.kind {
                return;
            }
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Str(other) = &part.kind
                        && other != text
                        && other.len() > 1
                        && other.len().abs_diff(text.len()) <= MISSPELT
                        && near.iter().all(|(_, known)| known != other)
                    {
                        let apart = strsim::levenshtein(other, text);
                        if apart <= MISSPELT && apart * 3 <= text.len() {
                            near.push((apart, other.clone()));
                        }
                    }
                });
            }
        });
    }
    near.sort();
    let written = context.of(expr.span).to_owned();
    if written.matches(&**text).count() != 1 {
        return;
    }
    for (_, other) in near.into_iter().take(MAX_TEXTS) {
        context.replace(expr.span, written.replacen(&**text, &other, 1), 3.0);
    }
}
