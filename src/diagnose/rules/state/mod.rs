//! State that is not what it is taken for: containers changed while they are iterated, containers that calls or objects
//! share without meaning to, and what a program keeps outside of itself or leaves to chance.

mod aliased;
mod changed;
mod closures;
mod committed;
mod outside;
mod shared;
mod unused;

use super::Rule;
use crate::diagnose::case::Case;
use crate::model::Place;
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Function, Span, Stmt, StmtKind};
use crate::workspace::resolve::{Called, Resolver};

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[
    &changed::while_iterating,
    &changed::items_skipped,
    &shared::default,
    &shared::attribute,
    &aliased::multiplied,
    &closures::late,
    &outside::read_at_import,
    &outside::truth_of_text,
    &outside::order_of_a_set,
    &committed::uncommitted,
    &unused::unused,
];

/// Calls `look` with the function of the test.
fn with_test<T>(case: &Case<'_>, look: impl FnOnce(&SourceFile, &Function) -> T) -> Option<T> {
    let test = case.definition()?;
    let source = case.workspace.source(&test.path)?;
    let name = source.module().enclosing_function(test.line)?.qualified_name.clone();
    Some(look(&source, source.module().function(&name)?))
}

/// Most functions that are looked at for one assertion, and how deep in calls of calls.
const MAX_REACHED: usize = 40;
const MAX_DEPTH: usize = 3;

/// The functions of the project that made the value of the failing assertion, those that they call included, nearest
/// first; and the assertion's place.
pub(super) fn reached<'a>(case: &Case<'a>) -> Option<(&'a Place, &'a [Called])> {
    case.root().filter(|root| root.short_type() == "AssertionError")?;
    let (_, place) = case.frame()?;
    let operands = case.operands()?;
    Some((place, case.reached(|| calls_of_calls(case, &operands.called))))
}

/// The functions `called`, and those that they call.
fn calls_of_calls(case: &Case<'_>, called: &[Called]) -> Vec<Called> {
    let resolver = Resolver::new(case.workspace);
    let mut found = called.to_vec();
    let mut from = 0;
    for _ in 0..MAX_DEPTH {
        let end = found.len();
        for index in from..end {
            let called = found[index].clone();
            let Some(source) = case.workspace.source(&called.path) else { continue };
            let Some(function) = source.module().function(&called.qualified_name) else { continue };
            for stmt in &function.body {
                stmt.walk(false, &mut |stmt| {
                    for expr in stmt.expressions() {
                        for inner in resolver.calls(&called.path, stmt.start_line, expr) {
                            let same = |known: &Called| {
                                known.path == inner.path && known.qualified_name == inner.qualified_name
                            };
                            if found.len() < MAX_REACHED && !found.iter().any(same) {
                                found.push(inner);
                            }
                        }
                    }
                });
            }
        }
        from = end;
    }
    found
}

/// Methods of built-in containers that change them.
const CHANGING: &[&str] = &[
    "add",
    "append",
    "appendleft",
    "clear",
    "discard",
    "extend",
    "extendleft",
    "insert",
    "pop",
    "popitem",
    "popleft",
    "remove",
    "setdefault",
    "update",
];

/// A statement's part that changes a container.
struct Change<'s> {
    stmt: &'s Stmt,
    /// The whole of what changes it: `del self.jobs[name]`.
    span: Span,
}

/// Where `body` changes the container that is written as `name`; nested functions are left out.
fn changes<'s>(body: &'s [Stmt], name: &str, source: &SourceFile) -> Vec<Change<'s>> {
    let is_it = |expr: &Expr| expr.span.of(source.text()) == name;
    let item_of = |expr: &Expr| matches!(&expr.kind, ExprKind::Subscript { value, .. } if is_it(value));
    let mut found = Vec::new();
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            let whole = match &stmt.kind {
                StmtKind::Delete(targets) | StmtKind::Assign { targets, .. } => targets.iter().any(item_of),
                StmtKind::AugAssign { target, .. } => is_it(target) || item_of(target),
                _ => false,
            };
            if whole {
                found.push(Change { stmt, span: stmt.span });
                return;
            }
            if matches!(stmt.kind, StmtKind::Function(_) | StmtKind::Class(_)) {
                return;
            }
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Call { func, .. } = &part.kind
                        && let ExprKind::Attribute { value, attr, .. } = &func.kind
                        && is_it(value)
                        && CHANGING.contains(&&**attr)
                    {
                        found.push(Change { stmt, span: part.span });
                    }
                });
            }
        });
    }
    found
}

/// Whether an expression makes a new container that can be changed.
fn makes_container(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::List(_) | ExprKind::Set(_) | ExprKind::Dict(_) | ExprKind::Comprehension { .. } => true,
        ExprKind::Call { func, .. } => func.dotted().is_some_and(|name| {
            matches!(
                name.rsplit('.').next().unwrap_or_default(),
                "list" | "dict" | "set" | "bytearray" | "defaultdict" | "OrderedDict" | "Counter" | "deque"
            )
        }),
        _ => false,
    }
}

/// The first statement of a function's body that is not its docstring, if it stands on a line of its own, with the
/// blanks before it.
fn first_statement<'s>(function: &'s Function, source: &'s SourceFile) -> Option<(&'s Stmt, &'s str)> {
    let docstring = |stmt: &Stmt| matches!(&stmt.kind, StmtKind::Expr(expr) if expr.as_str().is_some());
    let first = function.body.iter().find(|stmt| !docstring(stmt))?;
    let line = source.line(first.start_line)?;
    let indent = &line[..line.len() - line.trim_start().len()];
    let starts_line = line[indent.len()..].starts_with(first.span.of(source.text()).lines().next()?);
    (starts_line && !indent.is_empty()).then_some((first, indent))
}

/// How lines end in a file.
fn line_end(source: &SourceFile) -> &'static str {
    if source.text().contains("\r\n") { "\r\n" } else { "\n" }
}
