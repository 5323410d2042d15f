//! What statements read, bind and change, and what their expressions are made of.

use std::collections::HashSet;

use crate::workspace::python::{Expr, ExprKind, Name, Stmt, StmtKind};

/// Something that can hold a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Use {
    /// A variable.
    Name(Name),
    /// An attribute of whatever object.
    Attr(Name),
}

/// Something that is bound or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Def {
    /// What.
    pub what: Use,
    /// Whether the old value is gone.
    pub kills: bool,
}

impl Def {
    /// A variable gets a new value.
    pub fn name(name: &Name) -> Self {
        Self { what: Use::Name(name.clone()), kills: true }
    }
}

/// A call within a statement.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The last part of what is called: `add` of `cart.add(…)`.
    pub name: Name,
    /// What the receiver depends on: `cart`.
    pub receiver: Vec<Use>,
    /// What each positional argument depends on.
    pub positional: Vec<Vec<Use>>,
    /// What each keyword argument depends on.
    pub keywords: Vec<(Name, Vec<Use>)>,
    /// Whether there are `*args` or `**kwargs`, so that positions say little.
    pub unpacks: bool,
}

/// What an expression is made of: the things that a slip of the pen changes.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Comparisons.
    pub compares: u32,
    /// `+`, `-`, `*` and the like.
    pub arithmetic: u32,
    /// `and`, `or`, `not`.
    pub logic: u32,
    /// Numbers, as written.
    pub numbers: Vec<Name>,
    /// Strings.
    pub strings: Vec<Name>,
    /// `True`, `False`, `None`.
    pub constants: u32,
    /// Subscripts and slices.
    pub subscripts: u32,
    /// Calls.
    pub calls: u32,
    /// Names and attributes.
    pub names: u32,
}

impl Parts {
    /// Counts an operator.
    pub fn operator(&mut self, op: &str) {
        match op {
            "and" | "or" | "not" => self.logic += 1,
            _ => self.arithmetic += 1,
        }
    }

    /// Everything that could have been written wrongly.
    pub fn total(&self) -> u32 {
        self.compares
            + self.arithmetic
            + self.logic
            + self.constants
            + self.subscripts
            + self.calls
            + self.names
            + (self.numbers.len() + self.strings.len()) as u32
    }
}

/// Methods of Python's containers that change them.
const CHANGING: [&str; 22] = [
    "append",
    "appendleft",
    "add",
    "extend",
    "extendleft",
    "insert",
    "update",
    "pop",
    "popleft",
    "popitem",
    "remove",
    "discard",
    "clear",
    "setdefault",
    "sort",
    "reverse",
    "rotate",
    "write",
    "writelines",
    "put",
    "push",
    "send",
];

/// Adds what the value of `expr` depends on.
pub fn read(expr: &Expr, uses: &mut Vec<Use>, calls: &mut Vec<Call>, parts: &mut Parts) {
    match &expr.kind {
        ExprKind::Name(name) => {
            parts.names += 1;
            uses.push(Use::Name(name.clone()));
            return;
        }
        ExprKind::Attribute { attr, .. } => {
            parts.names += 1;
            uses.push(Use::Attr(attr.clone()));
        }
        ExprKind::Call { func, args, keywords, .. } => {
            parts.calls += 1;
            calls.push(call(func, args, keywords));
            // A method's name is no attribute that somebody has written, but what it is called on is read.
            if let ExprKind::Attribute { value, attr, .. } = &func.kind {
                parts.names += 1;
                uses.push(Use::Attr(attr.clone()));
                read(value, uses, calls, parts);
            } else {
                read(func, uses, calls, parts);
            }
            for value in args.iter().chain(keywords.iter().map(|keyword| &keyword.value)) {
                read(value, uses, calls, parts);
            }
            return;
        }
        ExprKind::Subscript { .. } => parts.subscripts += 1,
        ExprKind::Compare { rest, .. } => parts.compares += rest.len() as u32,
        ExprKind::BinOp { op, .. } | ExprKind::UnaryOp { op, .. } | ExprKind::BoolOp { op, .. } => {
            parts.operator(op);
        }
        ExprKind::Int(text) | ExprKind::Float(text) => parts.numbers.push(text.clone()),
        ExprKind::Str(text) => parts.strings.push(text.clone()),
        ExprKind::Bool(_) | ExprKind::None => parts.constants += 1,
        ExprKind::If { .. } => parts.logic += 1,
        _ => {}
    }
    for child in expr.children() {
        read(child, uses, calls, parts);
    }
}

fn call(func: &Expr, args: &[Expr], keywords: &[crate::workspace::python::Keyword]) -> Call {
    let of = |expr: &Expr| {
        let mut uses = Vec::new();
        read(expr, &mut uses, &mut Vec::new(), &mut Parts::default());
        uses
    };
    let (name, receiver) = match &func.kind {
        ExprKind::Attribute { value, attr, .. } => (attr.clone(), of(value)),
        ExprKind::Name(name) => (name.clone(), Vec::new()),
        _ => (Name::from(""), of(func)),
    };
    Call {
        name,
        receiver,
        positional: args.iter().map(of).collect(),
        keywords: keywords.iter().filter_map(|k| Some((k.name.clone()?, of(&k.value)))).collect(),
        unpacks: keywords.iter().any(|k| k.name.is_none())
            || args.iter().any(|arg| matches!(arg.kind, ExprKind::Starred(_))),
    }
}

/// Adds what assigning to `target` binds or changes, and what it reads for that.
pub fn bind(
    target: &Expr,
    defs: &mut Vec<Def>,
    uses: &mut Vec<Use>,
    calls: &mut Vec<Call>,
    parts: &mut Parts,
) {
    match &target.kind {
        ExprKind::Name(name) => defs.push(Def::name(name)),
        ExprKind::Tuple(items) | ExprKind::List(items) => {
            for item in items {
                bind(item, defs, uses, calls, parts);
            }
        }
        ExprKind::Starred(inner) => bind(inner, defs, uses, calls, parts),
        ExprKind::Attribute { value, attr, .. } => {
            defs.push(Def { what: Use::Attr(attr.clone()), kills: false });
            read(value, uses, calls, parts);
        }
        ExprKind::Subscript { value, index } => {
            changed(value, defs);
            read(value, uses, calls, parts);
            read(index, uses, calls, parts);
        }
        _ => {}
    }
}

/// The object that `expr` stands for is changed.
fn changed(expr: &Expr, defs: &mut Vec<Def>) {
    match &expr.kind {
        ExprKind::Name(name) => defs.push(Def { what: Use::Name(name.clone()), kills: false }),
        ExprKind::Attribute { attr, .. } => {
            defs.push(Def { what: Use::Attr(attr.clone()), kills: false });
        }
        ExprKind::Subscript { value, .. } => changed(value, defs),
        ExprKind::Call { func, .. } => {
            // `self.items.setdefault(key, []).append(value)`
            if let ExprKind::Attribute { value, .. } = &func.kind {
                changed(value, defs);
            }
        }
        _ => {}
    }
}

/// Adds what a statement that is nothing but `expr` may change.
pub fn effects(expr: &Expr, defs: &mut Vec<Def>) {
    match &expr.kind {
        ExprKind::Await(inner) => effects(inner, defs),
        ExprKind::Call { func, args, .. } => {
            match &func.kind {
                ExprKind::Attribute { value, attr, .. } if CHANGING.contains(&&**attr) => {
                    changed(value, defs);
                }
                _ => {}
            }
            // Its value is thrown away: it can only have been called for what it does to these.
            for arg in args {
                changed(arg, defs);
            }
        }
        _ => {}
    }
}

/// Adds the variables that `:=` binds in `expr`.
pub fn walrus(expr: &Expr, defs: &mut Vec<Def>) {
    expr.walk(&mut |part| {
        if let ExprKind::Named { target, .. } = &part.kind
            && let Some(name) = target.as_name()
        {
            defs.push(Def::name(&name.into()));
        }
        // A method that changes its object within a larger expression: `x = stack.pop()`.
        if let ExprKind::Call { func, .. } = &part.kind
            && let ExprKind::Attribute { value, attr, .. } = &func.kind
            && CHANGING.contains(&&**attr)
        {
            changed(value, defs);
        }
    });
}

/// The names that the statements of `body` bind or change; attributes with a dot before them.
pub fn defined(body: &[Stmt]) -> HashSet<Name> {
    let mut defs = Vec::new();
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            let (mut uses, mut calls, mut parts) = (Vec::new(), Vec::new(), Parts::default());
            let mut to = |target: &Expr| bind(target, &mut defs, &mut uses, &mut calls, &mut parts);
            match &stmt.kind {
                StmtKind::Assign { targets, .. } | StmtKind::Delete(targets) => {
                    targets.iter().for_each(&mut to);
                }
                StmtKind::AugAssign { target, .. }
                | StmtKind::AnnAssign { target, value: Some(_), .. }
                | StmtKind::For { target, .. } => to(target),
                StmtKind::With { items, .. } => items.iter().filter_map(|(_, t)| t.as_ref()).for_each(to),
                StmtKind::Expr(expr) => effects(expr, &mut defs),
                _ => {}
            }
        });
    }
    defs.into_iter()
        .map(|def| match def.what {
            Use::Name(name) => name,
            Use::Attr(name) => format!(".{name}").into(),
        })
        .collect()
}
