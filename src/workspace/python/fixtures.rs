//! Functions that pytest takes as fixtures.

use super::{Expr, ExprKind, Function, Keyword, Module, Name, Param, Stmt, StmtKind};

/// A fixture.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixture<'a> {
    /// The name tests ask for: `name=` of the decorator, else the function's.
    pub name: Name,
    /// The function.
    pub function: &'a Function,
    /// `function`, `class`, `module`, `package` or `session`; `None` where it is computed.
    pub scope: Option<Name>,
    /// Whether it is used without being asked for.
    pub autouse: bool,
    /// Whether it has parameters of its own.
    pub has_params: bool,
    /// First line, decorators included.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
}

impl<'a> Fixture<'a> {
    /// The fixtures it asks for (`self`, `cls` and parameters with defaults left out).
    pub fn requests(&self) -> impl Iterator<Item = &'a Param> {
        requested(self.function)
    }
}

/// The parameters by which a test or fixture function asks for fixtures: those without a default, `self` and
/// `cls` left out.
pub fn requested(function: &Function) -> impl Iterator<Item = &Param> {
    let is_method = function.qualified_name.contains('.');
    function
        .signature
        .params
        .iter()
        .enumerate()
        .filter(move |(at, p)| {
            p.default.is_none() && !(is_method && *at == 0 && matches!(&*p.name, "self" | "cls"))
        })
        .map(|(_, p)| p)
}

impl Module {
    /// The fixtures that this file defines, in classes too, in source order.
    pub fn fixtures(&self) -> Vec<Fixture<'_>> {
        let mut all = Vec::new();
        for stmt in self.statements(|piece| piece.holds(&self.text, "fixture")) {
            stmt.walk(true, &mut |stmt| all.extend(fixture(stmt)));
        }
        all
    }
}

/// The fixture that `stmt` defines.
fn fixture(stmt: &Stmt) -> Option<Fixture<'_>> {
    let StmtKind::Function(function) = &stmt.kind else { return None };
    let keywords = function.decorators.iter().find_map(fixture_decorator)?;
    let keyword =
        |wanted: &str| keywords.iter().find(|k| k.name.as_deref() == Some(wanted)).map(|k| &k.value);
    Some(Fixture {
        name: keyword("name").and_then(Expr::as_str).map_or_else(|| function.name.clone(), Into::into),
        function,
        scope: match keyword("scope") {
            None => Some("function".into()),
            Some(value) => value.as_str().map(Into::into),
        },
        autouse: keyword("autouse").is_some_and(|value| value.kind == ExprKind::Bool(true)),
        has_params: keyword("params").is_some(),
        start_line: stmt.start_line,
        end_line: stmt.end_line,
    })
}

/// The keywords of a decorator that makes a fixture: `pytest.fixture`, `fixture`, `pytest_asyncio.fixture`,
/// `yield_fixture`, with or without a call.
fn fixture_decorator(decorator: &Expr) -> Option<&[Keyword]> {
    let (func, keywords): (&Expr, &[Keyword]) = match &decorator.kind {
        ExprKind::Call { func, keywords, .. } => (func, keywords),
        _ => (decorator, &[]),
    };
    let dotted = func.dotted()?;
    let last = dotted.rsplit('.').next().unwrap_or(&dotted);
    matches!(last, "fixture" | "yield_fixture").then_some(keywords)
}
