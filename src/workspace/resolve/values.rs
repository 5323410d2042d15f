//! The statements that give a name its value.

use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Import, Stmt, StmtKind};

/// The last value assigned to the variable `name` in `body` before `line`, and its line.
pub fn assigned<'b>(body: &'b [Stmt], name: &str, line: u32, source: &SourceFile) -> Option<(u32, &'b Expr)> {
    let mut found = None;
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            if stmt.start_line >= line {
                return;
            }
            let is_target = |target: &Expr| target.as_name() == Some(name);
            let value = match &stmt.kind {
                StmtKind::Assign { targets, value } if targets.iter().any(is_target) => Some(value),
                StmtKind::AnnAssign { target, value: Some(value), .. } if is_target(target) => Some(value),
                StmtKind::With { items, .. } => items
                    .iter()
                    .find(|(_, target)| target.as_ref().is_some_and(is_target))
                    .map(|(context, _)| context),
                _ => None,
            };
            if let Some(value) = value {
                found = Some((source.line_of(value.span.start), value));
            }
        });
    }
    found
}

/// The value of `self.attr = …` in a method of a class's `body`.
pub(super) fn attribute_value<'b>(
    body: &'b [Stmt],
    attr: &str,
    source: &SourceFile,
) -> Option<(u32, &'b Expr)> {
    let mut found = None;
    for stmt in body {
        let StmtKind::Function(function) = &stmt.kind else { continue };
        let Some(this) = function.signature.params.first() else { continue };
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                let StmtKind::Assign { targets, value } = &stmt.kind else { return };
                let is_target = |target: &Expr| match &target.kind {
                    ExprKind::Attribute { value, attr: name, .. } => {
                        **name == *attr && value.as_name() == Some(&this.name)
                    }
                    _ => false,
                };
                if found.is_none() && targets.iter().any(is_target) {
                    found = Some((source.line_of(value.span.start), value));
                }
            });
        }
    }
    found
}

/// The import in a function's `body` that binds `name`.
pub(super) fn local_import<'b>(body: &'b [Stmt], name: &str) -> Option<&'b Import> {
    let mut found = None;
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Import(imports) = &stmt.kind {
                found = imports.iter().find(|import| import.bound_name() == name).or(found);
            }
        });
    }
    found
}
