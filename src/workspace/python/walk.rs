//! Going through statements and expressions.

use super::{Expr, ExprKind, Stmt, StmtKind};

impl Expr {
    /// The direct parts, in source order as far as the kinds allow.
    pub fn children(&self) -> Vec<&Self> {
        let mut all: Vec<&Self> = Vec::new();
        match &self.kind {
            ExprKind::Call { func, args, keywords, .. } => {
                all.push(func);
                all.extend(args);
                all.extend(keywords.iter().map(|k| &k.value));
            }
            ExprKind::Subscript { value, index } => all.extend([&**value, &**index]),
            ExprKind::FString(parts)
            | ExprKind::List(parts)
            | ExprKind::Tuple(parts)
            | ExprKind::Set(parts)
            | ExprKind::BoolOp { values: parts, .. } => all.extend(parts),
            ExprKind::Dict(items) => {
                for (key, value) in items {
                    all.extend(key);
                    all.push(value);
                }
            }
            ExprKind::BinOp { left, right, .. } => all.extend([&**left, &**right]),
            ExprKind::Compare { left, rest } => {
                all.push(left);
                all.extend(rest.iter().map(|(_, right)| right));
            }
            ExprKind::If { test, body, orelse } => all.extend([&**body, &**test, &**orelse]),
            ExprKind::Lambda { signature, body } => {
                all.extend(signature.params.iter().filter_map(|p| p.default.as_ref()));
                all.push(body);
            }
            ExprKind::Named { target, value } => all.extend([&**target, &**value]),
            ExprKind::Attribute { value, .. }
            | ExprKind::Await(value)
            | ExprKind::YieldFrom(value)
            | ExprKind::Starred(value)
            | ExprKind::UnaryOp { operand: value, .. } => all.push(value),
            ExprKind::Yield(value) => all.extend(value.as_deref()),
            ExprKind::Comprehension { element, fors, .. } => {
                all.extend(element);
                for clause in fors {
                    all.extend([&clause.target, &clause.iter]);
                    all.extend(&clause.ifs);
                }
            }
            ExprKind::Slice { parts } => all.extend(parts.iter().flatten()),
            ExprKind::Name(_)
            | ExprKind::Str(_)
            | ExprKind::Bytes
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::None
            | ExprKind::Ellipsis
            | ExprKind::Other => {}
        }
        all
    }

    /// This expression and all within it, outer before inner.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }
}

impl Stmt {
    /// The expressions that belong to the statement itself: for a compound statement those of its header and
    /// not those of its body.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut all: Vec<&Expr> = Vec::new();
        match &self.kind {
            StmtKind::Function(function) => {
                all.extend(&function.decorators);
                let signature = &function.signature;
                for param in signature.params.iter().chain(&signature.vararg).chain(&signature.kwarg) {
                    all.extend(&param.annotation);
                    all.extend(&param.default);
                }
                all.extend(&function.returns);
            }
            StmtKind::Class(class) => {
                all.extend(&class.decorators);
                all.extend(&class.bases);
                all.extend(class.keywords.iter().map(|k| &k.value));
            }
            StmtKind::Return(value) => all.extend(value),
            StmtKind::Delete(targets) => all.extend(targets),
            StmtKind::Assign { targets, value } => {
                all.extend(targets);
                all.push(value);
            }
            StmtKind::AugAssign { target, value, .. } => all.extend([target, value]),
            StmtKind::AnnAssign { target, annotation, value } => {
                all.extend([target, annotation]);
                all.extend(value);
            }
            StmtKind::For { target, iter, .. } => all.extend([target, iter]),
            StmtKind::While { test, .. } => all.push(test),
            StmtKind::If(branches) => all.extend(branches.iter().filter_map(|(test, _)| test.as_ref())),
            StmtKind::With { items, .. } => {
                for (context, target) in items {
                    all.push(context);
                    all.extend(target);
                }
            }
            StmtKind::Match { subject, cases } => {
                all.push(subject);
                for case in cases {
                    case.form.expressions(&mut all);
                    all.extend(case.guard.as_ref());
                }
            }
            StmtKind::Raise { exc, cause } => {
                all.extend(exc);
                all.extend(cause);
            }
            StmtKind::Try { handlers, .. } => all.extend(handlers.iter().filter_map(|h| h.type_.as_ref())),
            StmtKind::Assert { test, msg } => {
                all.push(test);
                all.extend(msg);
            }
            StmtKind::Expr(value) => all.push(value),
            StmtKind::Import(_)
            | StmtKind::Global(_)
            | StmtKind::Nonlocal(_)
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue
            | StmtKind::Other => {}
        }
        all
    }

    /// The bodies of a compound statement, in source order.
    pub fn bodies(&self) -> Vec<&[Self]> {
        match &self.kind {
            StmtKind::Function(function) => vec![&function.body],
            StmtKind::Class(class) => vec![&class.body],
            StmtKind::For { body, orelse, .. } | StmtKind::While { body, orelse, .. } => vec![body, orelse],
            StmtKind::If(branches) => branches.iter().map(|(_, body)| body.as_slice()).collect(),
            StmtKind::With { body, .. } => vec![body],
            StmtKind::Match { cases, .. } => cases.iter().map(|case| case.body.as_slice()).collect(),
            StmtKind::Try { body, handlers, orelse, finalbody } => {
                let mut all = vec![body.as_slice()];
                all.extend(handlers.iter().map(|h| h.body.as_slice()));
                all.extend([orelse.as_slice(), finalbody.as_slice()]);
                all
            }
            _ => Vec::new(),
        }
    }

    /// This statement and all within it, outer before inner. Nested functions and classes are entered only
    /// if `into_definitions`.
    pub fn walk<'a>(&'a self, into_definitions: bool, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        if !into_definitions && matches!(self.kind, StmtKind::Function(_) | StmtKind::Class(_)) {
            return;
        }
        for body in self.bodies() {
            for stmt in body {
                stmt.walk(into_definitions, visit);
            }
        }
    }
}
