//! Python's syntax. The only module that knows the parser crates (in `lower`); the rest of the program sees
//! the plain types of [`syntax`] and the questions that [`Module`] answers.

mod brackets;
pub mod fixtures;
mod lower;
mod pieces;
pub mod scope;
pub mod syntax;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::{Arc, OnceLock};

use super::source::line_starts;
use crate::model::maps::{Map, Set};
use pieces::{Parsed, Piece, Pieces};

pub use brackets::{Brackets, bracket_list, brackets};
pub use fixtures::Fixture;
pub use scope::{Binding, BindingKind};
pub use syntax::{
    Class, ComprehensionFor, ComprehensionKind, Expr, ExprKind, Function, Handler, Import, Keyword,
    MatchCase, Name, Param, ParamKind, Pattern, Signature, Span, Stmt, StmtKind,
};

/// A function or class definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// `Route.length`; nested functions as `outer.inner`.
    pub qualified_name: Arc<str>,
    /// The line of the name after `def` or `class`.
    pub name_line: u32,
    /// First line, decorators included.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
    /// Whether it is a class.
    pub is_class: bool,
    /// Index of the enclosing definition in [`Module::definitions`].
    pub parent: Option<usize>,
}

/// A place where the text is not Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line.
    pub line: u32,
    /// The bytes concerned, possibly none.
    pub span: Span,
    /// What the parser expected or found.
    pub message: String,
}

/// The syntax of one file, of which no more is parsed than is asked for where that is possible.
#[derive(Debug)]
pub struct Module {
    text: Arc<str>,
    line_starts: Arc<[u32]>,
    pieces: Option<Pieces>,
    whole: OnceLock<Whole>,
    imports: OnceLock<Vec<Import>>,
    globals: OnceLock<Globals>,
}

/// The whole text, parsed.
#[derive(Debug)]
struct Whole {
    parsed: Parsed,
    errors: Vec<SyntaxError>,
    /// The last definition of each qualified name.
    by_name: Map<Name, usize>,
}

/// The names bound at module level, and those of them that are variables.
#[derive(Debug)]
struct Globals {
    all: Set<Name>,
    variables: Set<Name>,
}

impl Module {
    /// The syntax of `text`; what cannot be parsed is left out and listed in [`Self::errors`].
    pub fn parse(text: &str) -> Self {
        Self::of(text.into(), line_starts(text))
    }

    /// The syntax of `text`, whose lines begin at `line_starts`.
    pub(super) fn of(text: Arc<str>, line_starts: Arc<[u32]>) -> Self {
        let pieces = Pieces::of(&text, &line_starts);
        let (whole, imports, globals) = Default::default();
        Self { text, line_starts, pieces, whole, imports, globals }
    }

    fn whole(&self) -> &Whole {
        self.whole.get_or_init(|| {
            let (body, errors) = lower::parse(&self.text, &self.line_starts);
            let parsed = Parsed::new(body);
            let definitions = parsed.definitions.iter().enumerate();
            let by_name = definitions.map(|(at, def)| (Arc::clone(&def.qualified_name), at)).collect();
            Whole { parsed, errors, by_name }
        })
    }

    /// What `of_pieces` makes of the pieces; if there are none or one of those it needs does not parse, what
    /// `of_whole` makes of the whole.
    fn either<'a, R>(
        &'a self,
        of_pieces: impl FnOnce(&'a Pieces) -> Option<R>,
        of_whole: impl FnOnce(&'a Whole) -> R,
    ) -> R {
        let pieces = self.pieces.as_ref().filter(|_| self.whole.get().is_none());
        pieces.and_then(of_pieces).unwrap_or_else(|| of_whole(self.whole()))
    }

    fn parsed<'a>(&'a self, piece: &'a Piece) -> Option<&'a Parsed> {
        piece.parsed(&self.text, &self.line_starts)
    }

    /// What is around `line`: all that is at module level there and what it holds.
    fn around(&self, line: u32) -> &Parsed {
        self.either(|pieces| self.parsed(pieces.at(line)?), |whole| &whole.parsed)
    }

    /// The top-level statements of those pieces that `wanted` says, in source order; those of the whole if they are
    /// not all to be had.
    fn statements(&self, wanted: impl Fn(&Piece) -> bool) -> Vec<&Stmt> {
        self.either(
            |pieces| {
                let mut all = Vec::new();
                for piece in pieces.all().iter().filter(|piece| wanted(piece)) {
                    all.extend(&self.parsed(piece)?.body);
                }
                Some(all)
            },
            |whole| whole.parsed.body.iter().collect(),
        )
    }

    /// The statements at module level.
    pub fn body(&self) -> &[Stmt] {
        &self.whole().parsed.body
    }

    /// All definitions in source order, outer before inner.
    pub fn definitions(&self) -> &[Definition] {
        &self.whole().parsed.definitions
    }

    /// Where the text is not Python, in source order.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.whole().errors
    }

    /// The line (from 1) that holds byte `offset`.
    pub fn line_of(&self, offset: u32) -> u32 {
        self.line_starts.partition_point(|&start| start <= offset) as u32
    }

    /// The definition named by `names` (classes, then the function). A method that the class does not define
    /// itself is looked for in its base classes of this module; failing that, the definition of the longest
    /// prefix that is found.
    pub fn definition(&self, names: &[&str]) -> Option<&Definition> {
        if let Some(exact) = self.definition_exact(&names.join(".")) {
            return Some(exact);
        }
        if let [classes @ .., method] = names
            && let Some(inherited) = self.inherited(&classes.join("."), method, 0)
        {
            return Some(inherited);
        }
        (1..names.len()).rev().find_map(|n| self.definition_exact(&names[..n].join(".")))
    }

    /// The last definition of exactly this qualified name.
    pub fn definition_exact(&self, qualified_name: &str) -> Option<&Definition> {
        let first = qualified_name.split('.').next().unwrap_or(qualified_name);
        self.either(
            |pieces| {
                for piece in pieces.defining(&self.text, first) {
                    let definitions = &self.parsed(piece)?.definitions;
                    if let Some(found) = definitions.iter().rfind(|d| *d.qualified_name == *qualified_name) {
                        return Some(Some(found));
                    }
                }
                Some(None)
            },
            |whole| whole.by_name.get(qualified_name).map(|&at| &whole.parsed.definitions[at]),
        )
    }

    fn inherited(&self, class: &str, method: &str, depth: u32) -> Option<&Definition> {
        /// Deeper hierarchies (or circles of bases) are not followed.
        const MAX_BASES: u32 = 16;
        if depth > MAX_BASES {
            return None;
        }
        self.class(class)?.bases.iter().filter_map(Expr::dotted).find_map(|base| {
            self.definition_exact(&format!("{base}.{method}"))
                .or_else(|| self.inherited(&base, method, depth + 1))
        })
    }

    /// The innermost function that holds `line` (from 1), decorators included.
    pub fn enclosing_function(&self, line: u32) -> Option<&Definition> {
        self.enclosing(line).find(|d| !d.is_class)
    }

    /// The innermost class that holds `line` (from 1), decorators included.
    pub fn enclosing_class(&self, line: u32) -> Option<&Definition> {
        self.enclosing(line).find(|d| d.is_class)
    }

    /// The definitions that hold `line`, innermost first.
    pub fn enclosing(&self, line: u32) -> impl Iterator<Item = &Definition> {
        // Whatever holds the line begins at or before it, so that it is the last definition that does or one
        // of that one's parents.
        let definitions = &self.around(line).definitions;
        let last = definitions.partition_point(|d| d.start_line <= line).checked_sub(1);
        std::iter::successors(last, |&at| definitions[at].parent)
            .map(|at| &definitions[at])
            .filter(move |d| line <= d.end_line)
    }

    /// The function of this qualified name (the last, if there are several).
    pub fn function(&self, qualified_name: &str) -> Option<&Function> {
        match &self.find(qualified_name)?.kind {
            StmtKind::Function(function) => Some(function),
            _ => None,
        }
    }

    /// The class of this qualified name (the last, if there are several).
    pub fn class(&self, qualified_name: &str) -> Option<&Class> {
        match &self.find(qualified_name)?.kind {
            StmtKind::Class(class) => Some(class),
            _ => None,
        }
    }

    /// The `def` or `class` statement of this qualified name (the last, if there are several).
    pub fn find(&self, qualified_name: &str) -> Option<&Stmt> {
        let definition = self.definition_exact(qualified_name)?;
        self.path_to(definition.name_line).into_iter().find(|stmt| match &stmt.kind {
            StmtKind::Function(f) => *f.qualified_name == *qualified_name,
            StmtKind::Class(c) => *c.qualified_name == *qualified_name,
            _ => false,
        })
    }

    /// The statements that hold `line`, outermost first.
    pub fn path_to(&self, line: u32) -> Vec<&Stmt> {
        let mut path = Vec::new();
        let mut bodies = vec![self.around(line).body.as_slice()];
        while let Some(stmt) = bodies.iter().find_map(|body| holding(body, line)) {
            path.push(stmt);
            bodies = stmt.bodies();
        }
        path
    }

    /// The innermost statement that holds `line`: for a line of a compound statement's header (or of its
    /// decorators, or a comment in its body) the compound statement itself.
    pub fn statement(&self, line: u32) -> Option<&Stmt> {
        self.path_to(line).pop()
    }

    /// First and last line of the statement that holds `line`; of a compound statement only the header (the
    /// decorators included) up to the line before its body.
    pub fn statement_lines(&self, line: u32) -> Option<(u32, u32)> {
        let stmt = self.statement(line)?;
        let Some(first) = stmt.bodies().iter().find_map(|body| body.first()) else {
            return Some((stmt.start_line, stmt.end_line));
        };
        let header_end = header_end(stmt, first, &self.line_starts);
        // Between the bodies: a comment, `else:`, `except …:` or `case …:`.
        Some(if line > header_end { (line, line) } else { (stmt.start_line, header_end) })
    }

    /// All expressions of the statement that holds `line` which touch that line, outer before inner.
    pub fn expressions_at(&self, line: u32) -> Vec<&Expr> {
        let (Some(&start), Some(stmt)) =
            (self.line_starts.get(line.wrapping_sub(1) as usize), self.statement(line))
        else {
            return Vec::new();
        };
        let end = self.line_starts.get(line as usize).map_or(u32::MAX, |next| next - 1);
        let mut found = Vec::new();
        for expr in stmt.expressions() {
            expr.walk(&mut |inner| {
                if inner.span.start <= end && inner.span.end >= start {
                    found.push(inner);
                }
            });
        }
        found
    }

    /// All imports of the file, in functions and branches too, in source order.
    pub fn imports(&self) -> Vec<&Import> {
        let imports = self.imports.get_or_init(|| {
            let mut all = Vec::new();
            for stmt in self.statements(|piece| piece.holds(&self.text, "import")) {
                stmt.walk(true, &mut |stmt| {
                    if let StmtKind::Import(found) = &stmt.kind {
                        all.extend(found.iter().cloned());
                    }
                });
            }
            all
        });
        imports.iter().collect()
    }

    /// Whether `name` is bound at module level.
    pub fn has_global(&self, name: &str) -> bool {
        self.global_names().all.contains(name)
    }

    /// Whether `name` is bound at module level by something else than an import or a definition.
    pub fn has_variable(&self, name: &str) -> bool {
        self.global_names().variables.contains(name)
    }

    fn global_names(&self) -> &Globals {
        self.globals.get_or_init(|| {
            let bindings = self.globals();
            let variables = bindings.iter().filter(|b| b.kind == BindingKind::Variable);
            Globals {
                variables: variables.map(|b| Arc::clone(&b.name)).collect(),
                all: bindings.into_iter().map(|b| b.name).collect(),
            }
        })
    }

    /// Visits every statement, outer before inner.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Stmt)) {
        for stmt in self.body() {
            stmt.walk(true, visit);
        }
    }
}

/// The statement of `body` that holds `line`; the first of several on one line.
fn holding(body: &[Stmt], line: u32) -> Option<&Stmt> {
    let at = body.partition_point(|stmt| stmt.end_line < line);
    body.get(at).filter(|stmt| stmt.start_line <= line)
}

/// The last line of a compound statement's header, given the first statement of its first body.
fn header_end(stmt: &Stmt, first: &Stmt, line_starts: &[u32]) -> u32 {
    let last = match &stmt.kind {
        StmtKind::Match { subject, .. } => subject.span.end,
        StmtKind::Try { .. } => stmt.span.start,
        kind => {
            let named = match kind {
                StmtKind::Function(f) => f.signature.span.end.max(f.name_span.end),
                StmtKind::Class(c) => c.name_span.end,
                _ => stmt.span.start,
            };
            let parts = stmt.expressions().into_iter().map(|e| e.span.end);
            parts.filter(|&end| end <= first.span.start).fold(named, u32::max)
        }
    };
    line_starts.partition_point(|&start| start < last.max(1)) as u32
}

fn collect_definitions(body: &[Stmt], parent: Option<usize>, all: &mut Vec<Definition>) {
    for stmt in body {
        let (name, name_line, is_class) = match &stmt.kind {
            StmtKind::Function(f) => (&f.qualified_name, f.name_line, false),
            StmtKind::Class(c) => (&c.qualified_name, c.name_line, true),
            _ => {
                for body in stmt.bodies() {
                    collect_definitions(body, parent, all);
                }
                continue;
            }
        };
        let index = all.len();
        all.push(Definition {
            qualified_name: Arc::clone(name),
            name_line,
            start_line: stmt.start_line,
            end_line: stmt.end_line,
            is_class,
            parent,
        });
        for body in stmt.bodies() {
            collect_definitions(body, Some(index), all);
        }
    }
}
