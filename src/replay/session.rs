//! Runs the tests of a file: parameters, fixtures, set-up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::parameters::{Case, is_parametrize, product};
use super::scope::{Scope, yields};
use super::value::{Args, Kind, Value};
use super::{Program, Report, Results, Verdict, prelude};
use crate::model::RelPath;
use crate::workspace::python::{self, Expr, ExprKind, Name, Stmt, StmtKind};

/// A test that can be run.
struct Item<'a> {
    name: String,
    class: Option<Name>,
    function: &'a python::Function,
    params: Vec<(Name, Value<'a>)>,
    /// What fixtures get as `request.param`.
    indirect: Vec<(Name, Value<'a>)>,
}

/// The tests of a module, and its scope.
type Loaded<'a> = (Vec<Item<'a>>, Rc<Scope<'a>>);

/// Runs the tests; only `target` if `alone`.
pub(super) fn run(program: &Program, target: &str, alone: bool, fuel: u64) -> Results {
    let mut machine = Machine::new(program, fuel);
    let mut results = Results { tests: Vec::new(), ran: BTreeMap::new(), passed: BTreeSet::new(), steps: 0 };
    let (mut items, mut scope) = match machine.load() {
        Ok(found) => found,
        Err(stop) => {
            // The file cannot be imported: every one of its tests fails that way.
            results.ran = machine.lines();
            results.tests.push((target.to_owned(), machine.verdict(stop)));
            return results;
        }
    };
    // Functions that ran while modules were imported (decorators) belong to every test.
    let mut loaded = machine.lines();
    loaded.retain(|(path, line), _| {
        let source = program.files().find(|source| source.path() == path);
        source.is_some_and(|source| source.module().enclosing_function(*line).is_some())
    });
    let mut shared = HashMap::new();
    for index in 0..items.len() {
        if alone && items[index].name != target {
            continue;
        }
        if machine.left_open {
            // What a fixture would have undone is undone by beginning anew.
            machine.forget();
            shared.clear();
            let Ok(again) = machine.load() else { break };
            (items, scope) = again;
        }
        let Some(item) = items.get(index) else { break };
        machine.ran.clear();
        machine.done.clear();
        machine.compared = None;
        machine.calls.clear();
        machine.owners.clear();
        machine.printed = Default::default();
        let verdict = match machine.test(item, &scope, &mut shared) {
            Ok(()) => Verdict::Pass,
            Err(stop) => machine.verdict(stop),
        };
        while let Some((object, name, old)) = machine.undo.pop() {
            if let Some(old) = old {
                // What was set a moment ago can be set back.
                let _ = machine.set_attribute(&object, &name, old);
            }
        }
        while let Some((dict, key, old)) = machine.put_back.pop() {
            let _ = match old {
                Some(old) => machine.set_item(&dict, &key, old),
                None => machine.delete_item(&dict, &key),
            };
        }
        // What a test that could not be followed to its end has left is not known.
        machine.left_open |= matches!(verdict, Verdict::Unknown(_));
        if item.name == target {
            results.ran = machine.lines();
            for (key, order) in &loaded {
                results.ran.entry(key.clone()).or_insert(*order);
            }
        } else if verdict == Verdict::Pass {
            results.passed.extend(machine.lines().into_keys());
        }
        results.tests.push((item.name.clone(), verdict));
        if machine.fuel == 0 {
            break;
        }
    }
    if results.tests.iter().any(|(_, verdict)| *verdict == Verdict::Pass) {
        results.passed.extend(loaded.into_keys());
    }
    results.steps = fuel - machine.fuel;
    results
}

impl<'a> Machine<'a> {
    /// Runs the test file as a module; gives its tests and its scope.
    fn load(&mut self) -> Res<'a, Loaded<'a>> {
        let scope = self.module(0)?;
        Ok((self.tests(&scope)?, scope))
    }

    /// The path of a file of the project.
    fn path(&self, file: usize) -> Option<&RelPath> {
        self.program.files.get(file).map(|source| source.path()).filter(|path| !prelude::is_part(path))
    }

    fn lines(&self) -> BTreeMap<(RelPath, u32), u32> {
        let order = |key: &(usize, u32)| self.done.get(key).copied().unwrap_or(u32::MAX);
        let row = |key: &(usize, u32)| Some(((self.path(key.0)?.clone(), key.1), order(key)));
        self.ran.iter().filter_map(row).collect()
    }

    fn verdict(&mut self, stop: Stop<'a>) -> Verdict {
        match stop {
            Stop::Unknown(why) => Verdict::Unknown(why),
            Stop::Raise(raised) => {
                let trace = raised
                    .trace
                    .iter()
                    .filter_map(|&(file, line)| Some((self.path(file)?.clone(), line)))
                    .collect();
                let exception = raised.object.class.name.to_string();
                let compared = self.compared.take().filter(|_| exception == "AssertionError");
                let message = self.string(&Value::Object(raised.object)).unwrap_or_default();
                let compared = compared.map(|compared| (compared.left, compared.right));
                Verdict::Fail(Box::new(Report { exception, message, compared, trace }))
            }
        }
    }

    /// The tests of a module, in order, with their parameters.
    fn tests(&mut self, scope: &Rc<Scope<'a>>) -> Res<'a, Vec<Item<'a>>> {
        let program = self.program;
        let mut found = Vec::new();
        for stmt in program.files[0].module().body() {
            match &stmt.kind {
                StmtKind::Function(function) if function.name.starts_with("test") => {
                    self.cases(function, None, scope, &mut found)?;
                }
                StmtKind::Class(class) => {
                    let is_case =
                        matches!(scope.get(&class.name), Some(Value::Class(c)) if c.kind == Kind::TestCase);
                    if !is_case && !class.name.starts_with("Test") {
                        continue;
                    }
                    for stmt in &class.body {
                        if let StmtKind::Function(function) = &stmt.kind
                            && function.name.starts_with("test")
                        {
                            self.cases(function, Some(class.name.clone()), scope, &mut found)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn cases(
        &mut self,
        function: &'a python::Function,
        class: Option<Name>,
        scope: &Rc<Scope<'a>>,
        found: &mut Vec<Item<'a>>,
    ) -> Res<'a, ()> {
        let base = match &class {
            Some(class) => format!("{class}::{}", function.name),
            None => function.name.to_string(),
        };
        let mut cases = vec![Case::default()];
        // The mark nearest to the function changes last, and comes first in the name.
        for mark in function.decorators.iter().rev().filter(|decorator| is_parametrize(decorator)) {
            let values = self.parameters(mark, scope)?;
            cases = product(&cases, &values);
        }
        for name in self.asked_for(function) {
            let own = match cases.first() {
                Some(case) => case.params.iter().chain(&case.indirect).any(|(known, _)| *known == name),
                None => false,
            };
            let values = if own { None } else { self.fixture_parameters(&name)? };
            if let Some(values) = values {
                if cases.len() > 1 || cases.iter().any(|case| !case.id.is_empty()) {
                    return Err(Stop::Unknown("parameters of a test and of its fixtures"));
                }
                cases = product(&cases, &values);
            }
        }
        for Case { id, params, indirect } in cases {
            let name = if id.is_empty() { base.clone() } else { format!("{base}[{}]", id.join("-")) };
            found.push(Item { name, class: class.clone(), function, params, indirect });
        }
        Ok(())
    }

    fn test(
        &mut self,
        item: &Item<'a>,
        scope: &Rc<Scope<'a>>,
        shared: &mut HashMap<Name, Value<'a>>,
    ) -> Res<'a, ()> {
        let mut made = HashMap::new();
        self.indirect.clone_from(&item.indirect);
        made.extend(item.params.iter().cloned());
        for (name, _) in self.fixtures().into_iter().filter(|(_, autouse)| *autouse) {
            self.fixture(&name, &mut made, shared, 0)?;
        }
        let (callee, skip) = match &item.class {
            Some(class) => {
                let Some(class) = scope.get(class) else { return Err(Stop::Unknown("a test class")) };
                let object = self.call(&class, Args::default())?;
                for name in ["setup_method", "setUp"] {
                    if let Some(method) = self.method_of(&object, name) {
                        self.call(&method, Args::default())?;
                    }
                }
                let Some(method) = self.method_of(&object, &item.function.name) else {
                    return Err(Stop::Unknown("a test method"));
                };
                (method, 1)
            }
            None => (scope.get(&item.function.name).unwrap_or(Value::None), 0),
        };
        let is_async = item.function.is_async;
        if is_async && !item.function.decorators.iter().any(runs_coroutines) {
            return Err(Stop::Unknown("an async test"));
        }
        let mut args = Args::default();
        let skip = skip + super::parameters::patched(item.function);
        for param in item.function.signature.params.iter().skip(skip) {
            let value = match item.params.iter().find(|(name, _)| *name == param.name) {
                Some((_, value)) => value.clone(),
                None if param.default.is_some() => continue,
                None => self.fixture(&param.name, &mut made, shared, 0)?,
            };
            args.kw.push((param.name.clone(), value));
        }
        let value = self.call(&callee, args)?;
        if is_async {
            self.awaited(&value)?;
        }
        Ok(())
    }

    /// The fixtures that the test file sees, and whether every test uses them.
    fn fixtures(&self) -> Vec<(Name, bool)> {
        let program = self.program;
        let files = std::iter::once(0).chain(program.conftests.iter().copied());
        files
            .flat_map(|file| program.files[file].module().body())
            .filter_map(|stmt| match &stmt.kind {
                StmtKind::Function(function) => fixture_mark(function).map(|mark| {
                    let autouse =
                        keyword(mark, "autouse").is_some_and(|v| matches!(v.kind, ExprKind::Bool(true)));
                    (function.name.clone(), autouse)
                }),
                _ => None,
            })
            .collect()
    }

    fn fixture(
        &mut self,
        name: &Name,
        made: &mut HashMap<Name, Value<'a>>,
        shared: &mut HashMap<Name, Value<'a>>,
        depth: usize,
    ) -> Res<'a> {
        if let Some(known) = made.get(name).or_else(|| shared.get(name)) {
            return Ok(known.clone());
        }
        if depth > 20 {
            return Err(Stop::Unknown("fixtures that ask for each other"));
        }
        if matches!(&**name, "monkeypatch" | "capsys") {
            return Ok(Value::Given(Rc::new((name.clone(), Args::default()))));
        }
        if &**name == "tmp_path" {
            let made_now = self.temporary_folder()?;
            made.insert(name.clone(), made_now.clone());
            return Ok(made_now);
        }
        let program = self.program;
        let files = std::iter::once(0).chain(program.conftests.iter().copied());
        for file in files {
            let found = program.files[file].module().body().iter().find_map(|stmt| match &stmt.kind {
                StmtKind::Function(function) if function.name == *name => {
                    Some((function, fixture_mark(function)?))
                }
                _ => None,
            });
            let Some((function, mark)) = found else { continue };
            if function.is_async {
                return Err(Stop::Unknown("a fixture that is a coroutine"));
            }
            let generator = yields(&function.body);
            let ends = matches!(function.body.last(), Some(Stmt { kind: StmtKind::Expr(expr), .. }) if matches!(expr.kind, ExprKind::Yield(_)));
            let mut args = Args::default();
            for param in &function.signature.params {
                let value = match &*param.name {
                    "request" => self.request(name),
                    _ => self.fixture(&param.name, made, shared, depth + 1)?,
                };
                args.kw.push((param.name.clone(), value));
            }
            let module = self.module(file)?;
            let Some(callee) = module.get(name) else { return Err(Stop::Unknown("a fixture")) };
            let value = if generator && !ends {
                self.left_open = true;
                self.first_of(&callee, args)?
            } else {
                let value = self.call(&callee, args)?;
                if generator { self.next(&value)?.unwrap_or(Value::None) } else { value }
            };
            let wide = keyword(mark, "scope").is_some_and(|scope| scope.as_str() != Some("function"))
                && keyword(mark, "params").is_none();
            let target = if wide { &mut *shared } else { &mut *made };
            target.insert(name.clone(), value.clone());
            return Ok(value);
        }
        Err(Stop::Unknown("a fixture that is not known"))
    }
}

/// `@pytest.mark.asyncio` and its kind.
fn runs_coroutines(decorator: &Expr) -> bool {
    let name = match &decorator.kind {
        ExprKind::Call { func, .. } => func.dotted(),
        _ => decorator.dotted(),
    };
    name.is_some_and(|name| {
        ["mark.asyncio", "mark.anyio", "mark.trio"].iter().any(|mark| name.ends_with(mark))
    })
}

/// The decorator that makes a function a fixture.
pub(super) fn fixture_mark(function: &python::Function) -> Option<&Expr> {
    function.decorators.iter().find(|decorator| {
        let name = match &decorator.kind {
            ExprKind::Call { func, .. } => func.dotted(),
            _ => decorator.dotted(),
        };
        matches!(name.as_deref(), Some("pytest.fixture" | "fixture"))
    })
}

pub(super) fn keyword<'e>(call: &'e Expr, name: &str) -> Option<&'e Expr> {
    let ExprKind::Call { keywords, .. } = &call.kind else { return None };
    keywords.iter().find(|keyword| keyword.name.as_deref() == Some(name)).map(|keyword| &keyword.value)
}
