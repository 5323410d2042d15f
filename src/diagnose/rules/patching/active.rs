//! The patches that are in force at a line of a test: decorators, `with`, and calls before it.

use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Span, Stmt, StmtKind};

/// One replacement that a test makes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Patch {
    /// `shop.tax.rate`, or `tax.rate` for `patch.object(tax, "rate")`.
    pub shown: String,
    /// The object, where it is given as one.
    pub object: Option<Span>,
    /// The attribute's name, where the object is given.
    pub attribute: Option<String>,
    /// The string that names the target or the attribute.
    pub name_span: Span,
    /// The whole call.
    pub span: Span,
    /// `.object` of `patch.object`.
    pub dot_object: Option<Span>,
}

/// The patches of the function around `line` that are in force there.
pub(super) fn patches(source: &SourceFile, line: u32) -> Vec<Patch> {
    let mut found = Vec::new();
    let path = source.module().path_to(line);
    for stmt in &path {
        match &stmt.kind {
            StmtKind::Function(function) => {
                found.extend(function.decorators.iter().filter_map(|d| of(source, d)));
                before(source, &function.body, line, &mut found);
            }
            StmtKind::Class(class) => found.extend(class.decorators.iter().filter_map(|d| of(source, d))),
            StmtKind::With { items, .. } => {
                found.extend(items.iter().filter_map(|(expr, _)| of(source, expr)));
            }
            _ => {}
        }
    }
    found.dedup();
    found
}

/// Calls in statements up to `line`, and `with` blocks that have ended: what ran in them is over, but its result may
/// be what is looked at.
fn before(source: &SourceFile, body: &[Stmt], line: u32, found: &mut Vec<Patch>) {
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            if stmt.start_line > line {
                return;
            }
            if let StmtKind::With { items, .. } = &stmt.kind {
                let all: Vec<Patch> = items.iter().filter_map(|(expr, _)| of(source, expr)).collect();
                found.extend(all.into_iter().filter(|patch| !found.contains(patch)).collect::<Vec<_>>());
                return;
            }
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let Some(patch) = of(source, part)
                        && !found.contains(&patch)
                    {
                        found.push(patch);
                    }
                });
            }
        });
    }
}

/// The patch that a call makes.
fn of(source: &SourceFile, expr: &Expr) -> Option<Patch> {
    let ExprKind::Call { func, args, .. } = &expr.kind else { return None };
    let dotted = func.dotted()?;
    let parts: Vec<&str> = dotted.rsplit('.').collect();
    let by_object = |object: &Expr, name: &Expr, dot_object: Option<Span>| {
        let attribute = name.as_str()?.to_owned();
        let shown = format!("{}.{attribute}", object.span.of(source.text()));
        Some(Patch {
            shown,
            object: Some(object.span),
            attribute: Some(attribute),
            name_span: name.span,
            span: expr.span,
            dot_object,
        })
    };
    let by_name = |target: &Expr| {
        let shown = target.as_str()?.to_owned();
        shown.contains('.').then_some(Patch {
            shown,
            object: None,
            attribute: None,
            name_span: target.span,
            span: expr.span,
            dot_object: None,
        })
    };
    match parts.as_slice() {
        ["object", "patch", ..] => {
            let end = func.span.end;
            by_object(args.first()?, args.get(1)?, Some(Span { start: end - ".object".len() as u32, end }))
        }
        ["patch", ..] => by_name(args.first()?),
        ["setattr" | "delattr", "monkeypatch" | "mp" | "m", ..] => match &args.first()?.kind {
            ExprKind::Str(_) => by_name(args.first()?),
            _ => by_object(args.first()?, args.get(1)?, None),
        },
        _ => None,
    }
}
