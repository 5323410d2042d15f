//! Names and where they are bound.

use super::{Class, Expr, ExprKind, Function, Import, Module, Name, Span, Stmt, StmtKind};

/// How a name comes to be bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindingKind {
    /// Assignment, loop variable, `with … as`, `except … as`, walrus or pattern.
    Variable,
    /// `def`.
    Function,
    /// `class`.
    Class,
    /// Import.
    Import,
    /// Parameter.
    Parameter,
    /// `self.x = …` in a method.
    Attribute,
}

/// A name and where it is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name.
    pub name: Name,
    /// Line of the binding.
    pub line: u32,
    /// Where the name stands.
    pub span: Span,
    /// How it is bound.
    pub kind: BindingKind,
}

impl Module {
    /// The names bound at module level, in source order (a name may occur several times).
    pub fn globals(&self) -> Vec<Binding> {
        self.either(
            |pieces| {
                let mut all = Vec::new();
                for piece in pieces.all() {
                    match piece.name {
                        // A walrus in a default binds at module level too.
                        Some((span, is_class)) if !piece.holds(&self.text, ":=") => {
                            let kind = if is_class { BindingKind::Class } else { BindingKind::Function };
                            all.push(self.binding(&span.of(&self.text).into(), span, kind));
                        }
                        _ => all.extend(self.bindings(&self.parsed(piece)?.body)),
                    }
                }
                Some(all)
            },
            |whole| self.bindings(&whole.parsed.body),
        )
    }

    /// The names bound in `function`: parameters, then its body; nested functions' own names are not among
    /// them.
    pub fn locals(&self, function: &Function) -> Vec<Binding> {
        let signature = &function.signature;
        let mut all: Vec<Binding> = signature
            .params
            .iter()
            .chain(&signature.vararg)
            .chain(&signature.kwarg)
            .map(|p| self.binding(&p.name, p.name_span, BindingKind::Parameter))
            .collect();
        all.extend(self.bindings(&function.body));
        all
    }

    /// The names that code on `line` can see, innermost scope first: locals of the enclosing functions, names
    /// of the class body the line itself stands in, module level. Builtins are not among them.
    pub fn visible(&self, line: u32) -> Vec<Binding> {
        let mut all = Vec::new();
        let mut innermost = true;
        for definition in self.enclosing(line) {
            match self.find(&definition.qualified_name).map(|stmt| &stmt.kind) {
                Some(StmtKind::Function(function)) => {
                    all.extend(self.locals(function));
                    innermost = false;
                }
                Some(StmtKind::Class(class)) if innermost => {
                    all.extend(self.bindings(&class.body));
                    innermost = false;
                }
                _ => {}
            }
        }
        all.extend(self.globals());
        all
    }

    /// The attributes that `class` itself gives its instances: names of its body, and what its methods
    /// assign to their first parameter. Inherited ones are not among them.
    pub fn attributes(&self, class: &Class) -> Vec<Binding> {
        let mut all = self.bindings(&class.body);
        for stmt in &class.body {
            stmt.walk(false, &mut |stmt| {
                let StmtKind::Function(method) = &stmt.kind else { return };
                let Some(this) = method.signature.params.first() else { return };
                for stmt in &method.body {
                    stmt.walk(true, &mut |stmt| self.assigned_to(stmt, &this.name, &mut all));
                }
            });
        }
        all
    }

    /// Adds the attributes that `stmt` assigns on the variable `this`.
    fn assigned_to(&self, stmt: &Stmt, this: &str, all: &mut Vec<Binding>) {
        let targets: Vec<&Expr> = match &stmt.kind {
            StmtKind::Assign { targets, .. } => targets.iter().collect(),
            StmtKind::AnnAssign { target, .. }
            | StmtKind::AugAssign { target, .. }
            | StmtKind::For { target, .. } => vec![target],
            StmtKind::With { items, .. } => items.iter().filter_map(|(_, target)| target.as_ref()).collect(),
            _ => return,
        };
        for target in targets {
            target.walk(&mut |part| {
                if let ExprKind::Attribute { value, attr, attr_span } = &part.kind
                    && value.as_name() == Some(this)
                {
                    all.push(self.binding(attr, *attr_span, BindingKind::Attribute));
                }
            });
        }
    }

    /// The names that the statements of one scope bind.
    pub fn bindings(&self, body: &[Stmt]) -> Vec<Binding> {
        let mut all = Vec::new();
        for stmt in body {
            stmt.walk(false, &mut |stmt| self.bound_by(stmt, &mut all));
        }
        all
    }

    fn bound_by(&self, stmt: &Stmt, all: &mut Vec<Binding>) {
        match &stmt.kind {
            StmtKind::Function(f) => all.push(self.binding(&f.name, f.name_span, BindingKind::Function)),
            StmtKind::Class(c) => all.push(self.binding(&c.name, c.name_span, BindingKind::Class)),
            StmtKind::Import(imports) => {
                all.extend(
                    imports.iter().filter(|i| i.name.as_deref() != Some("*")).map(|i| self.imported(i)),
                );
            }
            StmtKind::Assign { targets, .. } => targets.iter().for_each(|t| self.targets(t, all)),
            StmtKind::AugAssign { target, .. }
            | StmtKind::AnnAssign { target, .. }
            | StmtKind::For { target, .. } => self.targets(target, all),
            StmtKind::With { items, .. } => {
                items.iter().filter_map(|(_, t)| t.as_ref()).for_each(|t| self.targets(t, all));
            }
            StmtKind::Match { cases, .. } => {
                for (name, span) in cases.iter().flat_map(|case| &case.names) {
                    all.push(self.binding(name, *span, BindingKind::Variable));
                }
            }
            StmtKind::Try { handlers, .. } => {
                for (name, span) in handlers.iter().filter_map(|h| h.name.as_ref()) {
                    all.push(self.binding(name, *span, BindingKind::Variable));
                }
            }
            _ => {}
        }
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Named { target, .. } = &part.kind {
                    self.targets(target, all);
                }
            });
        }
    }

    fn imported(&self, import: &Import) -> Binding {
        self.binding(&import.bound_name().into(), import.name_span, BindingKind::Import)
    }

    fn targets(&self, target: &Expr, all: &mut Vec<Binding>) {
        match &target.kind {
            ExprKind::Name(name) => all.push(self.binding(name, target.span, BindingKind::Variable)),
            ExprKind::Tuple(parts) | ExprKind::List(parts) => parts.iter().for_each(|p| self.targets(p, all)),
            ExprKind::Starred(inner) => self.targets(inner, all),
            _ => {}
        }
    }

    fn binding(&self, name: &Name, span: Span, kind: BindingKind) -> Binding {
        Binding { name: name.clone(), line: self.line_of(span.start), span, kind }
    }
}
