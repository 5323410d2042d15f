//! Names and their values while a program is replayed.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::workspace::python::{Expr, ExprKind, Name, Signature, Stmt, StmtKind};

use super::value::Value;

/// The variables of a module, a function call or a class body.
pub(super) struct Scope<'a> {
    pub vars: RefCell<HashMap<Name, Value<'a>>>,
    /// The scope around it, of functions only.
    pub outer: Option<Rc<Scope<'a>>>,
    /// The module it belongs to.
    pub file: usize,
    /// Names that are bound here; `None` for modules and class bodies, where every name is looked up outside
    /// too.
    pub own: Option<Rc<Names<'a>>>,
}

/// The names that a function binds.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub bound: HashSet<&'a str>,
    pub globals: HashSet<&'a str>,
    pub nonlocals: HashSet<&'a str>,
}

impl<'a> Scope<'a> {
    pub(super) fn module(file: usize) -> Rc<Self> {
        Rc::new(Self { vars: RefCell::default(), outer: None, file, own: None })
    }

    pub(super) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.vars.borrow().get(name).cloned()
    }

    pub(super) fn set(&self, name: &str, value: Value<'a>) {
        self.vars.borrow_mut().insert(name.into(), value);
    }
}

/// What the function binds: parameters and everything assigned in its body.
pub(super) fn names<'a>(signature: &'a Signature, body: &'a [Stmt]) -> Names<'a> {
    let mut found = Names::default();
    for param in signature.params.iter().chain(&signature.vararg).chain(&signature.kwarg) {
        found.bound.insert(&*param.name);
    }
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            match &stmt.kind {
                StmtKind::Function(function) => {
                    found.bound.insert(&*function.name);
                }
                StmtKind::Class(class) => {
                    found.bound.insert(&*class.name);
                }
                StmtKind::Assign { targets, .. } => targets.iter().for_each(|t| target(t, &mut found)),
                StmtKind::AugAssign { target: to, .. }
                | StmtKind::AnnAssign { target: to, .. }
                | StmtKind::For { target: to, .. } => target(to, &mut found),
                StmtKind::With { items, .. } => {
                    items.iter().filter_map(|(_, to)| to.as_ref()).for_each(|to| target(to, &mut found));
                }
                StmtKind::Try { handlers, .. } => {
                    for handler in handlers {
                        found.bound.extend(handler.name.as_ref().map(|(name, _)| &**name));
                    }
                }
                StmtKind::Import(imports) => {
                    found.bound.extend(imports.iter().map(crate::workspace::python::Import::bound_name));
                }
                StmtKind::Global(names) => found.globals.extend(names.iter().map(|name| &**name)),
                StmtKind::Nonlocal(names) => found.nonlocals.extend(names.iter().map(|name| &**name)),
                _ => {}
            }
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Named { target: to, .. } = &part.kind {
                        target(to, &mut found);
                    }
                });
            }
        });
    }
    for name in found.globals.iter().chain(&found.nonlocals) {
        found.bound.remove(name);
    }
    found
}

fn target<'a>(expr: &'a Expr, found: &mut Names<'a>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            found.bound.insert(name);
        }
        ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().for_each(|item| target(item, found)),
        ExprKind::Starred(inner) => target(inner, found),
        _ => {}
    }
}

/// Whether the function is a generator.
pub(super) fn yields(body: &[Stmt]) -> bool {
    let mut found = false;
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    found |= matches!(part.kind, ExprKind::Yield(_) | ExprKind::YieldFrom(_));
                });
            }
        });
    }
    found
}
