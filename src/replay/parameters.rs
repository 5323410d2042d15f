//! Parameters of tests and fixtures, and what fixtures are given.

use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::scope::Scope;
use super::session::{fixture_mark, keyword};
use super::value::{Args, Value};
use crate::workspace::python::{Expr, ExprKind, Function, Name, StmtKind};

/// Most cases of one test.
const MAX_CASES: usize = 200;
/// Deepest nesting of fixtures.
const MAX_DEPTH: usize = 20;

/// The arguments of one run of a test.
#[derive(Clone, Default)]
pub(super) struct Case<'a> {
    /// The parts of its name in brackets.
    pub id: Vec<String>,
    pub params: Vec<(Name, Value<'a>)>,
    /// What fixtures get as `request.param`.
    pub indirect: Vec<(Name, Value<'a>)>,
}

/// Each case with each of the others, which change last.
pub(super) fn product<'a>(cases: &[Case<'a>], more: &[Case<'a>]) -> Vec<Case<'a>> {
    let each = cases.iter().flat_map(|case| {
        more.iter().map(|other| {
            let mut both = case.clone();
            both.id.extend(other.id.iter().cloned());
            both.params.extend(other.params.iter().cloned());
            both.indirect.extend(other.indirect.iter().cloned());
            both
        })
    });
    each.take(MAX_CASES).collect()
}

/// `@pytest.mark.parametrize(…)`.
pub(super) fn is_parametrize(decorator: &Expr) -> bool {
    matches!(&decorator.kind, ExprKind::Call { func, .. } if func.dotted().is_some_and(|name| name.ends_with("mark.parametrize")))
}

/// How many leading parameters of a test decorators fill: `@patch("a.b")` without a replacement.
pub(super) fn patched(function: &Function) -> usize {
    let fills = |decorator: &&Expr| {
        let ExprKind::Call { func, args, keywords, .. } = &decorator.kind else { return false };
        let Some(name) = func.dotted() else { return false };
        let given = match name.rsplit("patch").next() {
            Some("") => 1,
            Some(".object") => 2,
            _ => return false,
        };
        name.contains("patch")
            && args.len() <= given
            && !keywords.iter().any(|keyword| keyword.name.as_deref() == Some("new"))
    };
    function.decorators.iter().filter(fills).count()
}

impl<'a> Machine<'a> {
    /// What a `parametrize` mark says.
    pub(super) fn parameters(&mut self, mark: &'a Expr, scope: &Rc<Scope<'a>>) -> Res<'a, Vec<Case<'a>>> {
        let ExprKind::Call { args, keywords, .. } = &mark.kind else { return Ok(Vec::new()) };
        let given = |index: usize, name: &str| {
            let by_name = keywords.iter().find(|keyword| keyword.name.as_deref() == Some(name));
            args.get(index).or(by_name.map(|keyword| &keyword.value))
        };
        let (Some(names), Some(values)) = (given(0, "argnames"), given(1, "argvalues")) else {
            return Err(Stop::Unknown("parametrize"));
        };
        let names: Vec<Name> = match self.eval(names, scope)? {
            Value::Str(names) => {
                names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Name::from).collect()
            }
            other => self.collect(&other)?.iter().filter_map(Value::text).map(Name::from).collect(),
        };
        let ids = given(3, "ids").map(|ids| self.eval(ids, scope)).transpose()?;
        let indirect: Vec<Name> =
            match given(2, "indirect").map(|given| self.eval(given, scope)).transpose()? {
                None | Some(Value::Bool(false)) => Vec::new(),
                Some(Value::Bool(true)) => names.clone(),
                Some(list) => self.collect(&list)?.iter().filter_map(Value::text).map(Name::from).collect(),
            };
        let values = self.eval(values, scope)?;
        let mut cases = self.cases_of(&names, &values, ids.as_ref())?;
        for case in &mut cases {
            let params = std::mem::take(&mut case.params);
            (case.indirect, case.params) = params.into_iter().partition(|(name, _)| indirect.contains(name));
        }
        Ok(cases)
    }

    /// One case for each of `values`.
    fn cases_of(
        &mut self,
        names: &[Name],
        values: &Value<'a>,
        ids: Option<&Value<'a>>,
    ) -> Res<'a, Vec<Case<'a>>> {
        let is_list = |ids: &&Value<'a>| matches!(ids, Value::List(_) | Value::Tuple(_));
        let listed = ids.filter(is_list).map(|list| self.collect(list)).transpose()?;
        // A function makes a part of the name of each value.
        let by = ids.filter(|ids| !is_list(ids) && !matches!(ids, Value::None));
        let mut cases = Vec::new();
        for (index, case) in self.collect(values)?.into_iter().enumerate() {
            let mut id =
                listed.as_ref().and_then(|ids| ids.get(index)).and_then(Value::text).map(str::to_owned);
            let case = match &case {
                Value::Given(given) if &*given.0 == "pytest.param" => {
                    id = given.1.named("id").and_then(|id| id.text().map(str::to_owned)).or(id);
                    match (names.len(), given.1.pos.first()) {
                        (1, Some(only)) => only.clone(),
                        _ => Value::tuple(given.1.pos.clone()),
                    }
                }
                _ => case,
            };
            let values = if names.len() == 1 { vec![case] } else { self.collect(&case)? };
            if values.len() != names.len() {
                return Err(Stop::Unknown("parameters that do not fit"));
            }
            let id = if let Some(id) = id {
                vec![id]
            } else {
                let mut parts = Vec::new();
                for (name, value) in names.iter().zip(&values) {
                    parts.push(self.part_of_name(name, value, index, by)?);
                }
                parts
            };
            let params = names.iter().cloned().zip(values).collect();
            cases.push(Case { id, params, indirect: Vec::new() });
        }
        Ok(cases)
    }

    /// What pytest calls a value in the name of a test.
    fn part_of_name(
        &mut self,
        name: &str,
        value: &Value<'a>,
        index: usize,
        by: Option<&Value<'a>>,
    ) -> Res<'a, String> {
        if let Some(by) = by {
            let made = self.call(by, Args::of(vec![value.clone()]))?;
            if !matches!(made, Value::None) {
                return self.string(&made);
            }
        }
        Ok(match value {
            Value::Str(text) if text.is_ascii() => {
                let shown = super::text::quoted(text);
                shown[1..shown.len() - 1].to_owned()
            }
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::None => self.string(value)?,
            Value::Function(function) => function.name.to_string(),
            Value::Class(class) => class.name.to_string(),
            Value::Object(object) if super::classes::is_member(object) => self.string(value)?,
            _ => format!("{name}{index}"),
        })
    }

    /// The fixtures that a test asks for, and those they ask for, in order.
    pub(super) fn asked_for(&self, function: &Function) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        let mut next: Vec<Name> = function.signature.params.iter().map(|param| param.name.clone()).collect();
        for _ in 0..MAX_DEPTH {
            let mut more = Vec::new();
            for name in std::mem::take(&mut next) {
                if names.contains(&name) {
                    continue;
                }
                if let Some((_, function)) = self.fixture_named(&name) {
                    more.extend(function.signature.params.iter().map(|param| param.name.clone()));
                }
                names.push(name);
            }
            next = more;
        }
        names
    }

    /// The file and definition of a fixture that the test file sees.
    pub(super) fn fixture_named(&self, name: &str) -> Option<(usize, &'a Function)> {
        let program = self.program;
        let files = std::iter::once(0).chain(program.conftests.iter().copied());
        let own = |file: usize| {
            program.files[file].module().body().iter().find_map(|stmt| match &stmt.kind {
                StmtKind::Function(function) if *function.name == *name => {
                    fixture_mark(function).map(|_| (file, &**function))
                }
                _ => None,
            })
        };
        files.into_iter().find_map(own)
    }

    /// The cases that a fixture's `params` make; `None` if it has none.
    pub(super) fn fixture_parameters(&mut self, name: &Name) -> Res<'a, Option<Vec<Case<'a>>>> {
        let Some((file, function)) = self.fixture_named(name) else { return Ok(None) };
        let Some(mark) = fixture_mark(function) else { return Ok(None) };
        let Some(values) = keyword(mark, "params") else { return Ok(None) };
        let scope = self.module(file)?;
        let values = self.eval(values, &scope)?;
        let ids = keyword(mark, "ids").map(|ids| self.eval(ids, &scope)).transpose()?;
        let mut cases = self.cases_of(std::slice::from_ref(name), &values, ids.as_ref())?;
        for case in &mut cases {
            case.indirect = std::mem::take(&mut case.params);
        }
        Ok(Some(cases))
    }

    /// What a fixture gets as `request`.
    pub(super) fn request(&self, fixture: &Name) -> Value<'a> {
        let param = self.indirect.iter().find(|(name, _)| name == fixture);
        let kw = param.map(|(_, value)| ("param".into(), value.clone())).into_iter().collect();
        Value::Given(Rc::new(("request".into(), Args { pos: Vec::new(), kw })))
    }

    /// What `tmp_path` gives: an empty folder.
    pub(super) fn temporary_folder(&mut self) -> Res<'a> {
        let Some(file) = self.program.library("pathlib") else { return Err(Stop::Unknown("tmp_path")) };
        let module = self.module(file)?;
        let Some(make) = module.get("_folder") else { return Err(Stop::Unknown("tmp_path")) };
        self.call(&make, Args::default())
    }

    /// `open`, of files that the test has written.
    pub(super) fn opened(&mut self, args: Args<'a>) -> Res<'a> {
        let Some(file) = self.program.library("pathlib") else { return Err(Stop::Unknown("open")) };
        let module = self.module(file)?;
        let Some(open) = module.get("_opened") else { return Err(Stop::Unknown("open")) };
        self.call(&open, args)
    }
}
