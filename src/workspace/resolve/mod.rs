//! Which definition of the project a name, an attribute or a call means, as far as the syntax trees show it:
//! imports, assignments, annotations, fixtures, base classes. Nothing is guessed by similarity.

mod values;

use std::sync::Arc;

use crate::model::{Place, RelPath};
use crate::workspace::python::{Expr, ExprKind, Function, Import, Name, Stmt, StmtKind};
use crate::workspace::{SourceFile, Workspace};
pub use values::assigned;
use values::{attribute_value, local_import};

/// How many steps (imports of imports, results of results) are followed.
const MAX_DEPTH: usize = 12;

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbol {
    /// A file.
    Module(RelPath),
    /// A class, by file and qualified name.
    Class(RelPath, Name),
    /// An object of that class.
    Instance(RelPath, Name),
    /// A function or method.
    Function(RelPath, Name),
}

/// A function of the project that an expression calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The file.
    pub path: RelPath,
    /// `Route.length`
    pub qualified_name: Name,
    /// The call as written: `route.length()`.
    pub text: String,
    /// The line of the call.
    pub line: u32,
}

/// Resolves names in the sources of a workspace.
#[derive(Debug, Clone, Copy)]
pub struct Resolver<'a> {
    workspace: &'a Workspace,
}

impl<'a> Resolver<'a> {
    /// For the sources of `workspace`.
    pub fn new(workspace: &'a Workspace) -> Self {
        Self { workspace }
    }

    fn source(self, path: &RelPath) -> Option<Arc<SourceFile>> {
        self.workspace.source(path)
    }

    /// The place of `qualified_name`'s definition in `path`.
    pub fn place(self, path: &RelPath, qualified_name: &str) -> Option<Place> {
        let source = self.source(path)?;
        let definition = source.module().definition_exact(qualified_name)?;
        Some(Place {
            function: Some(definition.qualified_name.clone()),
            ..Place::line(path.clone(), definition.name_line)
        })
    }

    /// The project's functions that `expr` (on a line of `path`) calls, outermost first; properties count.
    pub fn calls(self, path: &RelPath, line: u32, expr: &Expr) -> Vec<Called> {
        let Some(source) = self.source(path) else { return Vec::new() };
        let mut found = Vec::new();
        expr.walk(&mut |part| {
            let symbol = match &part.kind {
                ExprKind::Call { func, .. } => self.infer(path, line, func, 0),
                ExprKind::Attribute { .. } => match self.infer_raw(path, line, part, 0) {
                    Some(Symbol::Function(file, name)) if self.is_property(&file, &name) => {
                        Some(Symbol::Function(file, name))
                    }
                    _ => None,
                },
                _ => None,
            };
            let (file, name) = match symbol {
                Some(Symbol::Function(file, name)) => (file, name),
                Some(Symbol::Class(file, name)) => match self.member(&file, &name, "__init__", 0) {
                    Some(Symbol::Function(file, name)) => (file, name),
                    _ => return,
                },
                Some(Symbol::Instance(file, name)) => match self.member(&file, &name, "__call__", 0) {
                    Some(Symbol::Function(file, name)) => (file, name),
                    _ => return,
                },
                _ => return,
            };
            let called = Called {
                path: file,
                qualified_name: name,
                text: part.span.of(source.text()).to_owned(),
                line: source.line_of(part.span.start),
            };
            if !found.contains(&called) {
                found.push(called);
            }
        });
        found
    }

    /// What `expr` means; of a property, its value.
    pub fn infer(self, path: &RelPath, line: u32, expr: &Expr, depth: usize) -> Option<Symbol> {
        match self.infer_raw(path, line, expr, depth)? {
            Symbol::Function(file, name)
                if matches!(expr.kind, ExprKind::Attribute { .. }) && self.is_property(&file, &name) =>
            {
                self.result(&file, &name, depth + 1)
            }
            symbol => Some(symbol),
        }
    }

    fn infer_raw(self, path: &RelPath, line: u32, expr: &Expr, depth: usize) -> Option<Symbol> {
        if depth > MAX_DEPTH {
            return None;
        }
        match &expr.kind {
            ExprKind::Name(name) => self.lookup(path, line, name, depth + 1),
            ExprKind::Attribute { value, attr, .. } => match self.infer(path, line, value, depth + 1)? {
                Symbol::Module(file) => {
                    self.global(&file, attr, depth + 1).or_else(|| self.submodule(&file, attr))
                }
                Symbol::Class(file, name) | Symbol::Instance(file, name) => {
                    self.member(&file, &name, attr, depth + 1)
                }
                Symbol::Function(..) => None,
            },
            ExprKind::Call { func, .. } => match self.infer(path, line, func, depth + 1)? {
                Symbol::Class(file, name) => Some(Symbol::Instance(file, name)),
                Symbol::Function(file, name) => self.result(&file, &name, depth + 1),
                _ => None,
            },
            ExprKind::Await(value) | ExprKind::Named { value, .. } => {
                self.infer(path, line, value, depth + 1)
            }
            ExprKind::Str(text) => {
                // A quoted annotation.
                let plain = text.chars().all(|c| c.is_alphanumeric() || c == '_');
                plain.then(|| self.lookup(path, line, text, depth + 1)).flatten()
            }
            _ => None,
        }
    }

    /// What `name` means on `line`: local variables and parameters, then the module's names.
    pub fn lookup(self, path: &RelPath, line: u32, name: &str, depth: usize) -> Option<Symbol> {
        if depth > MAX_DEPTH {
            return None;
        }
        let source = self.source(path)?;
        let module = source.module();
        if let Some(definition) = module.enclosing_function(line)
            && let Some(function) = module.function(&definition.qualified_name)
        {
            if let Some((value_line, value)) = assigned(&function.body, name, line, &source) {
                return self.infer(path, value_line, value, depth + 1);
            }
            if let Some(import) = local_import(&function.body, name) {
                return self.imported(path, import, depth + 1);
            }
            if function.signature.params.iter().any(|param| *param.name == *name) {
                return self.parameter(path, function, name, depth + 1);
            }
            let nested = format!("{}.{name}", definition.qualified_name);
            if let Some(symbol) = defined(path, module.find(&nested)) {
                return Some(symbol);
            }
        }
        self.global(path, name, depth + 1)
    }

    fn parameter(self, path: &RelPath, function: &Function, name: &str, depth: usize) -> Option<Symbol> {
        let source = self.source(path)?;
        let module = source.module();
        let class = function.qualified_name.rsplit_once('.').map(|(class, _)| class);
        let first = function.signature.params.first().is_some_and(|param| *param.name == *name);
        if first && let Some(class) = class.and_then(|class| module.class(class)) {
            return Some(Symbol::Instance(path.clone(), class.qualified_name.clone()));
        }
        let param = function.signature.param(name)?;
        if let Some(annotation) = &param.annotation {
            return self.instance(path, function.name_line, annotation, depth + 1);
        }
        self.fixture(path, name, depth + 1)
    }

    /// What the fixture `name` gives to a test in `path`.
    fn fixture(self, path: &RelPath, name: &str, depth: usize) -> Option<Symbol> {
        let (file, function) = self.fixture_function(path, name)?;
        self.result(&file, &function, depth)
    }

    /// The function of the fixture `name` that a test in `path` sees: of its own file, then of the `conftest.py`
    /// files upwards.
    pub fn fixture_function(self, path: &RelPath, name: &str) -> Option<(RelPath, Name)> {
        let mut folder = path.as_str();
        let own = std::iter::once(path.clone());
        let upwards = std::iter::from_fn(|| {
            if folder.is_empty() {
                return None;
            }
            folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
            let file =
                if folder.is_empty() { "conftest.py".to_owned() } else { format!("{folder}/conftest.py") };
            RelPath::new(&file)
        });
        own.chain(upwards).find_map(|file| {
            let source = self.source(&file)?;
            let fixtures = source.module().fixtures();
            let found = fixtures.iter().rfind(|fixture| *fixture.name == *name)?;
            Some((file, found.function.qualified_name.clone()))
        })
    }

    /// What a function returns or yields: by its annotation, else by its return statements.
    fn result(self, path: &RelPath, qualified_name: &str, depth: usize) -> Option<Symbol> {
        if depth > MAX_DEPTH {
            return None;
        }
        let source = self.source(path)?;
        let function = source.module().function(qualified_name)?;
        if let Some(annotation) = &function.returns
            && let Some(symbol) = self.instance(path, function.name_line, annotation, depth + 1)
        {
            return Some(symbol);
        }
        let mut found = None;
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                let value = match &stmt.kind {
                    StmtKind::Return(Some(value)) => Some(value),
                    StmtKind::Expr(Expr { kind: ExprKind::Yield(Some(value)), .. }) => Some(&**value),
                    _ => None,
                };
                if let Some(value) = value
                    && found.is_none()
                {
                    found = self.infer(path, stmt.start_line, value, depth + 1);
                }
            });
        }
        found
    }

    /// An object of the class that `annotation` names; `Optional[X]`, `X | None` and `Iterator[X]` are `X`.
    fn instance(self, path: &RelPath, line: u32, annotation: &Expr, depth: usize) -> Option<Symbol> {
        match &annotation.kind {
            ExprKind::Subscript { value, index } => {
                let name = value.dotted()?;
                let wrapper = name.rsplit('.').next().unwrap_or_default();
                matches!(
                    wrapper,
                    "Optional" | "Iterator" | "Generator" | "Iterable" | "Annotated" | "Type" | "Awaitable"
                )
                .then_some(())?;
                let inner = match &index.kind {
                    ExprKind::Tuple(parts) => parts.first()?,
                    _ => index,
                };
                self.instance(path, line, inner, depth + 1)
            }
            ExprKind::BinOp { left, op: "|", right } => self
                .instance(path, line, left, depth + 1)
                .or_else(|| self.instance(path, line, right, depth + 1)),
            _ => match self.global_expr(path, line, annotation, depth)? {
                Symbol::Class(file, name) => Some(Symbol::Instance(file, name)),
                _ => None,
            },
        }
    }

    fn global_expr(self, path: &RelPath, line: u32, expr: &Expr, depth: usize) -> Option<Symbol> {
        match &expr.kind {
            ExprKind::Name(name) | ExprKind::Str(name) => self.global(path, name, depth + 1),
            _ => self.infer_raw(path, line, expr, depth + 1),
        }
    }

    /// What `name` means at the module level of `path`.
    pub fn global(self, path: &RelPath, name: &str, depth: usize) -> Option<Symbol> {
        if depth > MAX_DEPTH {
            return None;
        }
        let source = self.source(path)?;
        let module = source.module();
        if let Some(symbol) = defined(path, module.find(name)) {
            return Some(symbol);
        }
        if module.has_variable(name)
            && let Some((line, value)) = assigned(module.body(), name, u32::MAX, &source)
        {
            return self.infer(path, line, value, depth + 1);
        }
        let imports = module.imports();
        if let Some(import) = imports.iter().rfind(|import| import.bound_name() == name) {
            return self.imported(path, import, depth + 1);
        }
        if depth > MAX_DEPTH / 3 {
            // Files that import everything of each other would be searched again and again.
            return None;
        }
        imports.iter().filter(|import| import.name.as_deref() == Some("*")).find_map(|import| {
            let file = self.module_file(path, import)?;
            self.global(&file, name, depth + 1)
        })
    }

    fn imported(self, path: &RelPath, import: &Import, depth: usize) -> Option<Symbol> {
        let Some(name) = &import.name else {
            // `import a.b` binds `a`, `import a.b as c` binds the inner module.
            let whole = import.alias.is_some();
            let dotted = if whole { &*import.module } else { import.module.split('.').next()? };
            return self.workspace.module_file(path, dotted, 0).map(Symbol::Module);
        };
        if let Some(file) = self.module_file(path, import) {
            return self.global(&file, name, depth + 1).or_else(|| self.submodule(&file, name));
        }
        // A package without `__init__.py`.
        let dotted =
            if import.module.is_empty() { name.to_string() } else { format!("{}.{name}", import.module) };
        let file = self.workspace.module_file(path, &dotted, import.level);
        file.map(Symbol::Module)
    }

    /// The file of the module that `import` takes names from.
    fn module_file(self, path: &RelPath, import: &Import) -> Option<RelPath> {
        self.workspace.module_file(path, &import.module, import.level)
    }

    fn submodule(self, package: &RelPath, name: &str) -> Option<Symbol> {
        package.as_str().strip_suffix("__init__.py")?;
        self.workspace.module_file(package, name, 1).map(Symbol::Module)
    }

    /// The attribute `attr` of the class `name` of `path` or of its bases.
    pub fn member(self, path: &RelPath, name: &str, attr: &str, depth: usize) -> Option<Symbol> {
        if depth > MAX_DEPTH {
            return None;
        }
        let source = self.source(path)?;
        let module = source.module();
        let class = module.class(name)?;
        let qualified = format!("{name}.{attr}");
        if let Some(symbol) = defined(path, module.find(&qualified)) {
            return Some(symbol);
        }
        if let Some((line, value)) = assigned(&class.body, attr, u32::MAX, &source) {
            return self.infer(path, line, value, depth + 1);
        }
        if let Some((line, value)) = attribute_value(&class.body, attr, &source) {
            return self.infer(path, line, value, depth + 1);
        }
        class.bases.iter().find_map(|base| {
            match self.global_expr(path, class.name_line, base, depth + 1)? {
                Symbol::Class(file, name) => self.member(&file, &name, attr, depth + 1),
                _ => None,
            }
        })
    }

    fn is_property(self, path: &RelPath, qualified_name: &str) -> bool {
        self.source(path).is_some_and(|source| {
            source.module().function(qualified_name).is_some_and(|function| {
                function.decorators.iter().any(|decorator| {
                    decorator.dotted().is_some_and(|name| {
                        matches!(name.rsplit('.').next(), Some("property" | "cached_property"))
                    })
                })
            })
        })
    }
}

fn defined(path: &RelPath, stmt: Option<&Stmt>) -> Option<Symbol> {
    match &stmt?.kind {
        StmtKind::Function(function) => Some(Symbol::Function(path.clone(), function.qualified_name.clone())),
        StmtKind::Class(class) => Some(Symbol::Class(path.clone(), class.qualified_name.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
