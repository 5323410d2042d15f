//! The statements of a file as units that are suspected: simple statements whole, compound ones by their headers,
//! each `elif`, `except` and `case` by itself; with what each defines, uses and depends on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::names::{self, Def, Use};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Function, Module, Name, Stmt, StmtKind};

/// What kind of statement a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `return` with a value.
    Return,
    /// `yield` as a statement of its own, or assigned.
    Yield,
    /// `=`, `: T =`.
    Assign,
    /// `+=` and the like.
    Augmented,
    /// `if`, `elif`.
    If,
    /// `while`.
    While,
    /// `for`.
    For,
    /// An expression for its effect.
    Effect,
    /// `raise`.
    Raise,
    /// `assert`.
    Assert,
    /// `with`, `match`.
    Block,
    /// `except`, `case`.
    Arm,
    /// `def`: decorators and defaults.
    Def,
    /// `class`: bases.
    Class,
    /// `return` without a value, `pass`, `break`, `continue`, `global`, `del`, `try`.
    Plain,
    /// `import`.
    Import,
    /// A string by itself.
    Docstring,
}

/// One way that a compound statement can go.
#[derive(Debug, Clone, Default)]
pub struct Branch {
    /// First unit in it.
    pub first: Option<usize>,
    /// What it would define: names, and attributes with a dot before them.
    pub defines: HashSet<Name>,
    /// Whether it ends by `return`, `break`, `continue` or `raise`.
    pub leaves: bool,
    /// Whether it holds a `raise`.
    pub raises: bool,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Unit {
    /// First line.
    pub line: u32,
    /// Last line; of a compound statement that of its header.
    pub end_line: u32,
    /// The enclosing function, qualified; `None` at module level and in class bodies outside of functions.
    pub function: Option<Arc<str>>,
    /// Kind.
    pub kind: Kind,
    /// What it binds or changes.
    pub defs: Vec<Def>,
    /// What its value or effect depends on.
    pub uses: Vec<Use>,
    /// Calls: name of what is called, and the names used by receiver, by position and by keyword.
    pub calls: Vec<names::Call>,
    /// The compound statement of the same function that it stands in, and in which of its branches.
    pub parent: Option<(usize, usize)>,
    /// Its own branches, if it is compound.
    pub branches: Vec<Branch>,
    /// What its expressions are made of.
    pub parts: names::Parts,
    /// Whether it stands directly in a class body.
    pub in_class: bool,
}

/// The units of one file.
#[derive(Debug, Default)]
pub struct FileUnits {
    /// In source order, outer before inner.
    pub units: Vec<Unit>,
    /// Names that each function binds, by its qualified name.
    pub locals: HashMap<Arc<str>, HashSet<Name>>,
    /// The `def` unit of each function.
    pub functions: HashMap<Arc<str>, usize>,
    by_line: HashMap<u32, usize>,
}

impl FileUnits {
    /// The units of `source`.
    pub fn of(source: &SourceFile) -> Self {
        let mut builder = Builder { module: source.module(), source, found: Self::default() };
        builder.body(source.module().body(), &Scope::default());
        builder.found
    }

    /// The unit that `line` belongs to.
    pub fn at(&self, line: u32) -> Option<usize> {
        self.by_line.get(&line).copied()
    }

    /// The branch of unit `header` in which unit `inner` stands.
    pub fn branch_of(&self, header: usize, inner: usize) -> Option<usize> {
        let mut at = inner;
        // Each step goes to an enclosing statement.
        while let Some((parent, branch)) = self.units.get(at)?.parent {
            if parent == header {
                return Some(branch);
            }
            at = parent;
        }
        None
    }
}

#[derive(Debug, Clone, Default)]
struct Scope {
    function: Option<Arc<str>>,
    parent: Option<(usize, usize)>,
    in_class: bool,
}

impl Scope {
    fn within(&self, header: usize, branch: usize) -> Self {
        Self { parent: Some((header, branch)), ..self.clone() }
    }
}

/// Variables that are another name of an attribute: `items = self.items`. What changes the one changes the other.
fn aliases(body: &[Stmt]) -> HashMap<Name, Name> {
    let mut found: HashMap<Name, Option<Name>> = HashMap::new();
    for stmt in body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Assign { targets, value } = &stmt.kind
                && let [target] = targets.as_slice()
                && let Some(name) = target.as_name()
            {
                let attr = match &value.kind {
                    ExprKind::Attribute { attr, .. } => Some(attr.clone()),
                    _ => None,
                };
                // Bound twice, it is no longer told which it is.
                found.entry(name.into()).and_modify(|known| *known = None).or_insert(attr);
            }
        });
    }
    found.into_iter().filter_map(|(name, attr)| Some((name, attr?))).collect()
}

struct Builder<'a> {
    module: &'a Module,
    source: &'a SourceFile,
    found: FileUnits,
}

impl Builder<'_> {
    fn body(&mut self, body: &[Stmt], scope: &Scope) -> Branch {
        let first = self.found.units.len();
        for stmt in body {
            self.stmt(stmt, scope);
        }
        let defines = names::defined(body);
        let leaves = body.last().is_some_and(|last| {
            matches!(
                last.kind,
                StmtKind::Return(_) | StmtKind::Raise { .. } | StmtKind::Break | StmtKind::Continue
            )
        });
        let mut raises = false;
        for stmt in body {
            stmt.walk(false, &mut |stmt| raises |= matches!(stmt.kind, StmtKind::Raise { .. }));
        }
        let first = (first < self.found.units.len()).then_some(first);
        Branch { first, defines, leaves, raises }
    }

    /// Adds a unit of the lines `first` to `last`.
    fn add(&mut self, (line, end_line): (u32, u32), kind: Kind, scope: &Scope) -> usize {
        let index = self.found.units.len();
        for line in line..=end_line.max(line) {
            self.found.by_line.entry(line).or_insert(index);
        }
        self.found.units.push(Unit {
            line,
            end_line: end_line.max(line),
            function: scope.function.clone(),
            kind,
            defs: Vec::new(),
            uses: Vec::new(),
            calls: Vec::new(),
            parent: scope.parent,
            branches: Vec::new(),
            parts: names::Parts::default(),
            in_class: scope.in_class,
        });
        index
    }

    fn lines(&self, expr: &Expr) -> (u32, u32) {
        (
            self.source.line_of(expr.span.start),
            self.source.line_of(expr.span.end.max(expr.span.start + 1) - 1),
        )
    }

    fn read(&mut self, unit: usize, expr: &Expr) {
        let unit = &mut self.found.units[unit];
        names::read(expr, &mut unit.uses, &mut unit.calls, &mut unit.parts);
        names::walrus(expr, &mut unit.defs);
    }

    fn bind(&mut self, unit: usize, target: &Expr) {
        let unit = &mut self.found.units[unit];
        names::bind(target, &mut unit.defs, &mut unit.uses, &mut unit.calls, &mut unit.parts);
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of statement")]
    fn stmt(&mut self, stmt: &Stmt, scope: &Scope) {
        let whole = (stmt.start_line, stmt.end_line);
        let header = self
            .module
            .statement_lines(stmt.start_line)
            .filter(|_| !stmt.bodies().is_empty())
            .unwrap_or(whole);
        match &stmt.kind {
            StmtKind::Function(function) => self.function(stmt, function, header, scope),
            StmtKind::Class(class) => {
                let at = self.add(header, Kind::Class, scope);
                for expr in stmt.expressions() {
                    self.read(at, expr);
                }
                self.found.units[at].defs.push(Def::name(&class.name));
                let inner = Scope { in_class: true, parent: None, function: scope.function.clone() };
                self.body(&class.body, &inner);
            }
            StmtKind::If(branches) => {
                let mut scope = scope.clone();
                let mut last = None;
                for (test, body) in branches {
                    if let Some(test) = test {
                        let (first, end) = self.lines(test);
                        let first = if last.is_none() { stmt.start_line } else { first };
                        let at = self.add((first, end), Kind::If, &scope);
                        self.read(at, test);
                        let branch = self.body(body, &scope.within(at, 0));
                        self.found.units[at].branches = vec![branch, Branch::default()];
                        scope = scope.within(at, 1);
                        if let Some(last) = last {
                            self.otherwise(last, at, &names::defined(body));
                        }
                        last = Some(at);
                    } else {
                        let branch = self.body(body, &scope);
                        if let Some(last) = last {
                            self.found.units[last].branches[1] = branch;
                        }
                    }
                }
            }
            StmtKind::For { target, iter, body, orelse, .. } => {
                let at = self.add(header, Kind::For, scope);
                self.read(at, iter);
                self.bind(at, target);
                self.loop_bodies(at, body, orelse, scope);
            }
            StmtKind::While { test, body, orelse } => {
                let at = self.add(header, Kind::While, scope);
                self.read(at, test);
                self.loop_bodies(at, body, orelse, scope);
            }
            StmtKind::With { items, body, .. } => {
                let at = self.add(header, Kind::Block, scope);
                for (context, target) in items {
                    self.read(at, context);
                    if let Some(target) = target {
                        self.bind(at, target);
                    }
                }
                let branch = self.body(body, &scope.within(at, 0));
                self.found.units[at].branches = vec![branch];
            }
            StmtKind::Match { subject, cases } => {
                let at = self.add(header, Kind::Block, scope);
                self.read(at, subject);
                for (index, case) in cases.iter().enumerate() {
                    let (first, last) = (
                        self.source.line_of(case.pattern.start),
                        self.source.line_of(case.guard.as_ref().map_or(case.pattern.end, |g| g.span.end)),
                    );
                    let arm = self.add((first, last), Kind::Arm, &scope.within(at, index));
                    self.read(arm, subject);
                    if let Some(guard) = &case.guard {
                        self.read(arm, guard);
                    }
                    let names = case.names.iter().map(|(name, _)| Def::name(name));
                    self.found.units[arm].defs.extend(names);
                    let branch = self.body(&case.body, &scope.within(arm, 0));
                    self.found.units[arm].branches = vec![branch.clone()];
                    self.found.units[at].branches.push(branch);
                }
            }
            StmtKind::Try { body, handlers, orelse, finalbody } => {
                let at = self.add((stmt.start_line, stmt.start_line), Kind::Plain, scope);
                let mut branches = vec![self.body(body, &scope.within(at, 0))];
                for (index, handler) in handlers.iter().enumerate() {
                    let arm = self.add((handler.line, handler.line), Kind::Arm, &scope.within(at, index + 1));
                    if let Some(kind) = &handler.type_ {
                        self.read(arm, kind);
                    }
                    if let Some((name, _)) = &handler.name {
                        self.found.units[arm].defs.push(Def::name(name));
                    }
                    let branch = self.body(&handler.body, &scope.within(arm, 0));
                    self.found.units[arm].branches = vec![branch.clone()];
                    branches.push(branch);
                }
                self.found.units[at].branches = branches;
                self.body(orelse, scope);
                self.body(finalbody, scope);
            }
            _ => self.simple(stmt, whole, scope),
        }
    }

    fn function(&mut self, stmt: &Stmt, function: &Function, header: (u32, u32), scope: &Scope) {
        let at = self.add(header, Kind::Def, scope);
        for expr in stmt.expressions() {
            self.read(at, expr);
        }
        self.found.units[at].defs.push(Def::name(&function.name));
        let name = Arc::clone(&function.qualified_name);
        let mut locals: HashSet<Name> =
            self.module.locals(function).into_iter().map(|binding| binding.name).collect();
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                if let StmtKind::Global(names) | StmtKind::Nonlocal(names) = &stmt.kind {
                    for name in names {
                        locals.remove(name);
                    }
                }
            });
        }
        self.found.locals.insert(Arc::clone(&name), locals);
        self.found.functions.insert(Arc::clone(&name), at);
        let inner = Scope { function: Some(name), parent: None, in_class: false };
        let first = self.found.units.len();
        self.body(&function.body, &inner);
        let aliases = aliases(&function.body);
        for unit in &mut self.found.units[first..] {
            let more: Vec<Def> = unit
                .defs
                .iter()
                .filter(|def| !def.kills)
                .filter_map(|def| match &def.what {
                    Use::Name(name) => aliases.get(name).cloned(),
                    Use::Attr(_) => None,
                })
                .map(|attr| Def { what: Use::Attr(attr), kills: false })
                .collect();
            unit.defs.extend(more);
        }
    }

    fn loop_bodies(&mut self, at: usize, body: &[Stmt], orelse: &[Stmt], scope: &Scope) {
        let branch = self.body(body, &scope.within(at, 0));
        self.found.units[at].branches = vec![branch];
        self.body(orelse, scope);
    }

    /// Unit `last` leads to the condition `next` where its own is false.
    fn otherwise(&mut self, last: usize, next: usize, defines: &HashSet<Name>) {
        let branch = &mut self.found.units[last].branches[1];
        branch.first = Some(next);
        branch.defines.extend(defines.iter().cloned());
    }

    fn simple(&mut self, stmt: &Stmt, lines: (u32, u32), scope: &Scope) {
        let is_yield = |expr: &Expr| matches!(expr.kind, ExprKind::Yield(_) | ExprKind::YieldFrom(_));
        let kind = match &stmt.kind {
            StmtKind::Return(Some(_)) => Kind::Return,
            StmtKind::Assign { value, .. } if is_yield(value) => Kind::Yield,
            StmtKind::Assign { .. } | StmtKind::AnnAssign { value: Some(_), .. } => Kind::Assign,
            StmtKind::AugAssign { .. } => Kind::Augmented,
            StmtKind::Raise { .. } => Kind::Raise,
            StmtKind::Assert { .. } => Kind::Assert,
            StmtKind::Import(_) => Kind::Import,
            StmtKind::Expr(expr) if expr.as_str().is_some() => Kind::Docstring,
            StmtKind::Expr(expr) if is_yield(expr) => Kind::Yield,
            StmtKind::Expr(_) => Kind::Effect,
            _ => Kind::Plain,
        };
        let at = self.add(lines, kind, scope);
        match &stmt.kind {
            StmtKind::Assign { targets, value } => {
                self.read(at, value);
                for target in targets {
                    self.bind(at, target);
                }
            }
            StmtKind::AugAssign { target, value, op } => {
                self.read(at, value);
                self.read(at, target);
                self.bind(at, target);
                self.found.units[at].parts.operator(op);
            }
            StmtKind::AnnAssign { target, value: Some(value), .. } => {
                self.read(at, value);
                self.bind(at, target);
            }
            StmtKind::Delete(targets) => {
                for target in targets {
                    self.bind(at, target);
                }
            }
            StmtKind::Import(imports) => {
                let names = imports.iter().map(|import| Def::name(&import.bound_name().into()));
                self.found.units[at].defs.extend(names);
            }
            StmtKind::Expr(expr) => {
                self.read(at, expr);
                names::effects(expr, &mut self.found.units[at].defs);
            }
            _ => {
                for expr in stmt.expressions() {
                    self.read(at, expr);
                }
            }
        }
    }
}
