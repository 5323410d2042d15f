//! The machine: modules, scopes, statements.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::scope::{self, Names, Scope};
use super::value::{Args, Body, Class, Cursor, Function, Kind, Object, Value};
use super::{Program, prelude};
use crate::workspace::python::{
    Expr, ExprKind, Function as FunctionDef, Handler, Import, Name, Signature, Stmt, StmtKind,
};

/// Deepest nesting of calls; Python's own limit is 1000, which needs no more to be seen.
const MAX_CALLS: usize = 60;

/// An exception on its way.
pub(super) struct Raised<'a> {
    pub object: Rc<Object<'a>>,
    /// File and line of each frame, outermost first.
    pub trace: Vec<(usize, u32)>,
}

/// Why evaluation stops.
pub(super) enum Stop<'a> {
    /// The program raises.
    Raise(Box<Raised<'a>>),
    /// The replay does not know what happens here.
    Unknown(&'static str),
}

pub(super) type Res<'a, T = Value<'a>> = Result<T, Stop<'a>>;

/// How a statement ends.
pub(super) enum Flow<'a> {
    Next,
    Return(Value<'a>),
    Break,
    Continue,
}

/// The sides of the comparison that an `assert` made last.
#[derive(Clone)]
pub(super) struct Compared {
    pub left: String,
    pub right: String,
}

/// What is to be done where a generator yields.
pub(super) enum Hook<'a> {
    /// The rest of a `with` statement.
    Body {
        target: Option<&'a Expr>,
        rest: &'a [(Expr, Option<Expr>)],
        body: &'a [Stmt],
        scope: Rc<Scope<'a>>,
    },
    /// Nothing more: only the value is wanted.
    First,
}

/// A generator that runs for what is done where it yields.
pub(super) struct Waiting<'a> {
    /// How many generators are open when it runs.
    depth: usize,
    /// The method around the `with`.
    owner: Option<(Rc<Class<'a>>, Value<'a>)>,
    hook: Option<Hook<'a>>,
    /// How the body ended.
    flow: Option<Flow<'a>>,
    value: Option<Value<'a>>,
}

pub(super) struct Machine<'a> {
    pub program: &'a Program,
    modules: HashMap<usize, Rc<Scope<'a>>>,
    names: HashMap<*const Stmt, Rc<Names<'a>>>,
    exceptions: HashMap<Name, Rc<Class<'a>>>,
    /// Steps that may still be made.
    pub fuel: u64,
    /// File and line of the calls that are open.
    pub calls: Vec<(usize, u32)>,
    /// Lines that ran.
    pub ran: BTreeSet<(usize, u32)>,
    /// Lines that were done, and as the how many-th.
    pub done: HashMap<(usize, u32), u32>,
    /// Values that generators being run have yielded.
    pub yielded: Vec<Vec<Value<'a>>>,
    /// Classes whose method runs, for `super()`.
    pub owners: Vec<Option<(Rc<Class<'a>>, Value<'a>)>>,
    pub compared: Option<Compared>,
    /// What was printed to standard output and standard error.
    pub printed: [String; 2],
    /// Attributes to put back after the test (`monkeypatch`).
    pub undo: Vec<(Value<'a>, Name, Option<Value<'a>>)>,
    pub handling: Vec<Rc<Object<'a>>>,
    hooks: Vec<Waiting<'a>>,
    /// A fixture was left at its `yield`: what it would undo is not undone.
    pub left_open: bool,
    /// Expressions that are open.
    pub depth: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(program: &'a Program, fuel: u64) -> Self {
        Self {
            program,
            modules: HashMap::new(),
            names: HashMap::new(),
            exceptions: HashMap::new(),
            fuel,
            calls: Vec::new(),
            ran: BTreeSet::new(),
            done: HashMap::new(),
            yielded: Vec::new(),
            owners: Vec::new(),
            compared: None,
            printed: [String::new(), String::new()],
            undo: Vec::new(),
            handling: Vec::new(),
            hooks: Vec::new(),
            left_open: false,
            depth: 0,
        }
    }

    pub(super) fn step(&mut self) -> Res<'a, ()> {
        self.spend(1)
    }

    pub(super) fn spend(&mut self, steps: usize) -> Res<'a, ()> {
        match self.fuel.checked_sub(steps as u64) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => Err(Stop::Unknown("takes too long")),
        }
    }

    /// Raises a built-in exception.
    pub(super) fn raise<T>(&mut self, kind: &str, message: impl AsRef<str>) -> Res<'a, T> {
        let class = self.exception(kind);
        let object = self.error(&class, vec![Value::str(message)]);
        Err(self.thrown(object))
    }

    pub(super) fn raise_with<T>(&mut self, kind: &str, value: Value<'a>) -> Res<'a, T> {
        let class = self.exception(kind);
        let object = self.error(&class, vec![value]);
        Err(self.thrown(object))
    }

    pub(super) fn error(&self, class: &Rc<Class<'a>>, args: Vec<Value<'a>>) -> Rc<Object<'a>> {
        let attrs = vec![("args".into(), Value::tuple(args))];
        Rc::new(Object { class: Rc::clone(class), attrs: RefCell::new(attrs) })
    }

    pub(super) fn thrown(&self, object: Rc<Object<'a>>) -> Stop<'a> {
        Stop::Raise(Box::new(Raised { object, trace: self.calls.clone() }))
    }

    /// The class of a built-in exception.
    pub(super) fn exception(&mut self, name: &str) -> Rc<Class<'a>> {
        if let Some(class) = self.exceptions.get(name) {
            return Rc::clone(class);
        }
        let bases = base_of(name).map(|base| self.exception(base)).into_iter().collect();
        let class = Rc::new(Class {
            name: name.into(),
            bases,
            attrs: RefCell::default(),
            kind: Kind::Exception,
            fields: RefCell::default(),
            is_abc: false.into(),
            ordered: false.into(),
            frozen: false.into(),
        });
        self.exceptions.insert(name.into(), Rc::clone(&class));
        class
    }

    /// Forgets what modules hold, as if the program began anew.
    pub(super) fn forget(&mut self) {
        self.modules.clear();
        self.left_open = false;
    }

    /// The module of a file, run once.
    pub(super) fn module(&mut self, file: usize) -> Res<'a, Rc<Scope<'a>>> {
        if let Some(scope) = self.modules.get(&file) {
            return Ok(Rc::clone(scope));
        }
        let scope = Scope::module(file);
        self.modules.insert(file, Rc::clone(&scope));
        let program = self.program;
        let module = program.files[file].module();
        if !module.errors().is_empty() {
            return Err(Stop::Unknown("a file with a syntax error"));
        }
        let dotted = program.files[file].path().as_str().trim_end_matches(".py").replace('/', ".");
        scope.set("__name__", Value::str(dotted));
        scope.set("__file__", Value::str(program.files[file].path().as_str()));
        self.calls.push((file, 1));
        let flow = self.block(module.body(), &scope);
        self.calls.pop();
        match flow {
            Ok(_) => Ok(scope),
            Err(stop) => {
                self.modules.remove(&file);
                Err(stop)
            }
        }
    }

    pub(super) fn block(&mut self, body: &'a [Stmt], scope: &Rc<Scope<'a>>) -> Res<'a, Flow<'a>> {
        for stmt in body {
            let flow = self.stmt(stmt, scope);
            let order = self.done.len() as u32;
            self.done.entry((scope.file, stmt.start_line)).or_insert(order);
            match flow? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn stmt(&mut self, stmt: &'a Stmt, scope: &Rc<Scope<'a>>) -> Res<'a, Flow<'a>> {
        self.step()?;
        if let Some(call) = self.calls.last_mut() {
            *call = (scope.file, stmt.start_line);
        }
        self.ran.insert((scope.file, stmt.start_line));
        match &stmt.kind {
            StmtKind::Expr(expr) => {
                self.eval(expr, scope)?;
            }
            StmtKind::Pass => {}
            StmtKind::Break => return Ok(Flow::Break),
            StmtKind::Continue => return Ok(Flow::Continue),
            StmtKind::Return(value) => {
                let value = value.as_ref().map_or(Ok(Value::None), |value| self.eval(value, scope))?;
                return Ok(Flow::Return(value));
            }
            StmtKind::Assign { targets, value } => {
                let value = self.eval(value, scope)?;
                for target in targets {
                    self.assign(target, value.clone(), scope)?;
                }
            }
            StmtKind::AnnAssign { target, value, .. } => {
                if let Some(value) = value {
                    let value = self.eval(value, scope)?;
                    self.assign(target, value, scope)?;
                }
            }
            StmtKind::AugAssign { target, op, value } => {
                let old = self.eval(target, scope)?;
                let by = self.eval(value, scope)?;
                let new = self.in_place(op, old, by)?;
                self.assign(target, new, scope)?;
            }
            StmtKind::If(branches) => {
                for (test, body) in branches {
                    let taken = match test {
                        Some(test) => {
                            let value = self.eval(test, scope)?;
                            self.truth(&value)?
                        }
                        None => true,
                    };
                    if taken {
                        return self.block(body, scope);
                    }
                }
            }
            StmtKind::While { test, body, orelse } => loop {
                self.step()?;
                let value = self.eval(test, scope)?;
                if !self.truth(&value)? {
                    return self.block(orelse, scope);
                }
                match self.block(body, scope)? {
                    Flow::Break => break,
                    Flow::Return(value) => return Ok(Flow::Return(value)),
                    Flow::Next | Flow::Continue => {}
                }
            },
            StmtKind::For { target, iter, body, orelse, is_async } => {
                let iterable = self.eval(iter, scope)?;
                if *is_async != matches!(&iterable, Value::Given(given) if &*given.0 == "async-generator") {
                    let kind = if *is_async { "__aiter__" } else { "iterable" };
                    return self.raise("TypeError", format!("object is not {kind}"));
                }
                let iterable = match iterable {
                    Value::Given(given) if *is_async => given.1.pos[0].clone(),
                    other => other,
                };
                let cursor = self.iterate(&iterable)?;
                loop {
                    self.step()?;
                    let Some(item) = self.next(&cursor)? else { return self.block(orelse, scope) };
                    self.assign(target, item, scope)?;
                    match self.block(body, scope)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::Next | Flow::Continue => {}
                    }
                }
            }
            StmtKind::Function(def) => {
                let value = self.define(def, scope)?;
                self.bind(&def.name, value, scope);
            }
            StmtKind::Class(def) => {
                let value = self.class(def, scope)?;
                self.bind(&def.name, value, scope);
            }
            StmtKind::Import(imports) => {
                for import in imports {
                    self.import(import, scope)?;
                }
            }
            StmtKind::Global(_) | StmtKind::Nonlocal(_) => {}
            StmtKind::Delete(targets) => {
                for target in targets {
                    self.delete(target, scope)?;
                }
            }
            StmtKind::Assert { test, msg } => {
                self.compared = None;
                let value = self.asserted(test, scope)?;
                if !self.truth(&value)? {
                    let message = msg.as_ref().map(|msg| self.eval(msg, scope)).transpose()?;
                    let class = self.exception("AssertionError");
                    let object = self.error(&class, message.into_iter().collect());
                    return Err(self.thrown(object));
                }
            }
            StmtKind::Raise { exc, .. } => return self.raise_stmt(exc.as_ref(), scope),
            StmtKind::Try { body, handlers, orelse, finalbody } => {
                let mut result = self.block(body, scope);
                match result {
                    Err(Stop::Raise(raised)) => result = self.handle(*raised, handlers, scope),
                    Ok(Flow::Next) => result = self.block(orelse, scope),
                    _ => {}
                }
                if !matches!(result, Err(Stop::Unknown(_))) {
                    match self.block(finalbody, scope)? {
                        Flow::Next => {}
                        flow => return Ok(flow),
                    }
                }
                return result;
            }
            StmtKind::With { items, body, is_async: false } => return self.with(items, body, scope),
            StmtKind::With { .. } | StmtKind::Match { .. } | StmtKind::Other => {
                return Err(Stop::Unknown("a statement that is not replayed"));
            }
        }
        Ok(Flow::Next)
    }

    fn raise_stmt(&mut self, exc: Option<&'a Expr>, scope: &Rc<Scope<'a>>) -> Res<'a, Flow<'a>> {
        let object = match exc {
            Some(exc) => match self.eval(exc, scope)? {
                Value::Object(object) => object,
                class @ Value::Class(_) => match self.call(&class, Args::default())? {
                    Value::Object(object) => object,
                    _ => return Err(Stop::Unknown("raises no exception")),
                },
                _ => return self.raise("TypeError", "exceptions must derive from BaseException"),
            },
            None => match self.handling.last() {
                Some(object) => Rc::clone(object),
                None => return self.raise("RuntimeError", "No active exception to reraise"),
            },
        };
        Err(self.thrown(object))
    }

    fn handle(
        &mut self,
        raised: Raised<'a>,
        handlers: &'a [Handler],
        scope: &Rc<Scope<'a>>,
    ) -> Res<'a, Flow<'a>> {
        for handler in handlers {
            let fits = match &handler.type_ {
                Some(type_) => {
                    let type_ = self.eval(type_, scope)?;
                    self.caught(&raised.object, &type_)
                }
                None => true,
            };
            if fits {
                if let Some((name, _)) = &handler.name {
                    self.bind(name, Value::Object(Rc::clone(&raised.object)), scope);
                }
                self.handling.push(raised.object);
                let flow = self.block(&handler.body, scope);
                self.handling.pop();
                return flow;
            }
        }
        Err(Stop::Raise(Box::new(raised)))
    }

    /// Whether an `except` of `type_` takes the exception.
    pub(super) fn caught(&self, object: &Rc<Object<'a>>, type_: &Value<'a>) -> bool {
        match type_ {
            Value::Class(class) => object.class.derives(class),
            Value::Tuple(types) => types.iter().any(|type_| self.caught(object, type_)),
            _ => false,
        }
    }

    fn with(
        &mut self,
        items: &'a [(Expr, Option<Expr>)],
        body: &'a [Stmt],
        scope: &Rc<Scope<'a>>,
    ) -> Res<'a, Flow<'a>> {
        let Some(((context, target), rest)) = items.split_first() else { return self.block(body, scope) };
        let context = self.eval(context, scope)?;
        if let Value::Given(given) = &context
            && &*given.0 == "context"
        {
            let hook = Hook::Body { target: target.as_ref(), rest, body, scope: Rc::clone(scope) };
            return self.with_generator(&given.1, hook);
        }
        let entered = self.enter(&context)?;
        if let Some(target) = target {
            self.assign(target, entered.clone(), scope)?;
        }
        match self.with(rest, body, scope) {
            Err(Stop::Raise(raised)) => {
                if self.leave(&context, &entered, Some(&raised))? {
                    Ok(Flow::Next)
                } else {
                    Err(Stop::Raise(raised))
                }
            }
            Ok(flow) => {
                self.leave(&context, &entered, None)?;
                Ok(flow)
            }
            unknown => unknown,
        }
    }

    /// `with` of what `@contextmanager` made: the generator runs, and where it yields, the body.
    fn with_generator(&mut self, made: &Args<'a>, hook: Hook<'a>) -> Res<'a, Flow<'a>> {
        let Some(function) = made.pos.first().cloned() else { return Err(Stop::Unknown("a context")) };
        let outer = self.yielded.len();
        let owner = self.owners.last().cloned().flatten();
        self.hooks.push(Waiting { depth: outer + 1, owner, hook: Some(hook), flow: None, value: None });
        let ended = self.call(&function, super::expr::tail(made));
        let waited = self.hooks.pop();
        ended?;
        match waited {
            Some(Waiting { hook: None, flow, .. }) => Ok(flow.unwrap_or(Flow::Next)),
            _ => self.raise("RuntimeError", "generator didn't yield"),
        }
    }

    /// Runs a generator up to its first `yield`; gives what it yields. What comes after is not run.
    pub(super) fn first_of(&mut self, function: &Value<'a>, args: Args<'a>) -> Res<'a> {
        let depth = self.yielded.len();
        let (calls, owners) = (self.calls.len(), self.owners.len());
        self.hooks.push(Waiting {
            depth: depth + 1,
            owner: None,
            hook: Some(Hook::First),
            flow: None,
            value: None,
        });
        let ended = self.call(function, args);
        let waited = self.hooks.pop();
        match waited.and_then(|waited| waited.value) {
            Some(value) => {
                self.yielded.truncate(depth);
                self.calls.truncate(calls);
                self.owners.truncate(owners);
                Ok(value)
            }
            None => ended.and(Err(Stop::Unknown("a generator without a value"))),
        }
    }

    /// What is done where a generator yields `value`, if something waits for it; `None` if nothing does.
    pub(super) fn resumed(&mut self, value: &Value<'a>) -> Option<Res<'a, ()>> {
        let depth = self.yielded.len();
        let at = self.hooks.iter().rposition(|waiting| waiting.depth == depth)?;
        let waiting = self.hooks.get_mut(at)?;
        let owner = waiting.owner.clone();
        match waiting.hook.take() {
            None => Some(self.raise("RuntimeError", "generator didn't stop")),
            Some(Hook::First) => {
                waiting.value = Some(value.clone());
                Some(Err(Stop::Unknown("the rest of a generator")))
            }
            Some(Hook::Body { target, rest, body, scope }) => {
                // The body belongs to the function around the `with`, not to the generator.
                let generator = self.yielded.pop();
                let own = self.hooks.len();
                self.calls.push((scope.file, 0));
                self.owners.push(owner);
                let assigned = target.map_or(Ok(()), |target| self.assign(target, value.clone(), &scope));
                let flow = assigned.and_then(|()| self.with(rest, body, &scope));
                self.owners.pop();
                self.calls.pop();
                self.yielded.extend(generator);
                self.hooks.truncate(own);
                Some(flow.map(|flow| {
                    if let Some(waiting) = self.hooks.get_mut(at) {
                        waiting.flow = Some(flow);
                    }
                }))
            }
        }
    }

    fn import(&mut self, import: &'a Import, scope: &Rc<Scope<'a>>) -> Res<'a, ()> {
        let program = self.program;
        let file = |name: &str| program.import(scope.file, name, import.level);
        let Some(what) = &import.name else {
            // `import a.b` runs both and binds `a`; with an alias, it binds `a.b`.
            let bound = import.bound_name();
            let wanted = if import.alias.is_some() { &*import.module } else { bound };
            let value = match (file(wanted), file(&import.module)) {
                (Some(first), Some(whole)) => {
                    self.module(first)?;
                    self.module(whole)?;
                    Value::Module(first)
                }
                (None, None) => Value::Native(wanted.into()),
                (Some(first), None) if prelude::is_part(program.files[first].path()) => {
                    self.module(first)?;
                    Value::Module(first)
                }
                _ => return Err(Stop::Unknown("a namespace package")),
            };
            self.bind(bound, value, scope);
            return Ok(());
        };
        if &**what == "*" {
            return Err(Stop::Unknown("import *"));
        }
        let full =
            if import.module.is_empty() { what.to_string() } else { format!("{}.{what}", import.module) };
        let value = match file(&import.module).filter(|_| !import.module.is_empty() || import.level > 0) {
            Some(module) => {
                let members = self.module(module)?;
                let member = members.get(what);
                match (member, file(&full)) {
                    (Some(member), _) => member,
                    (None, Some(module)) => {
                        self.module(module)?;
                        Value::Module(module)
                    }
                    (None, None) if prelude::is_part(program.files[module].path()) => {
                        self.native_member(&import.module, what)?
                    }
                    (None, None) => {
                        let message = format!("cannot import name '{what}' from '{}'", import.module);
                        return self.raise("ImportError", message);
                    }
                }
            }
            None => match file(&full) {
                Some(module) => {
                    self.module(module)?;
                    Value::Module(module)
                }
                None if import.level > 0 || program.is_own(&import.module) => {
                    return Err(Stop::Unknown("an import that is not found"));
                }
                None => self.native_member(&import.module, what)?,
            },
        };
        self.bind(import.bound_name(), value, scope);
        Ok(())
    }

    /// Binds a name in a scope, or where `global` or `nonlocal` says.
    pub(super) fn bind(&mut self, name: &str, value: Value<'a>, scope: &Rc<Scope<'a>>) {
        if let Some(own) = &scope.own {
            if own.globals.contains(name) {
                if let Some(module) = self.modules.get(&scope.file) {
                    module.set(name, value);
                }
                return;
            }
            if own.nonlocals.contains(name) {
                let mut outer = scope.outer.clone();
                while let Some(around) = outer {
                    if around.own.as_ref().is_some_and(|own| own.bound.contains(name)) {
                        around.set(name, value);
                        return;
                    }
                    outer = around.outer.clone();
                }
                return;
            }
        }
        scope.set(name, value);
    }

    /// The value of a variable.
    pub(super) fn variable(&mut self, name: &Name, scope: &Rc<Scope<'a>>) -> Res<'a> {
        let global = scope.own.as_ref().is_some_and(|own| own.globals.contains(&**name));
        if !global {
            let mut here = Some(Rc::clone(scope));
            while let Some(scope) = here {
                if let Some(value) = scope.get(name) {
                    return Ok(value);
                }
                if scope.own.as_ref().is_some_and(|own| own.bound.contains(&**name)) {
                    let message = format!(
                        "cannot access local variable '{name}' where it is not associated with a value"
                    );
                    return self.raise("UnboundLocalError", message);
                }
                here = scope.outer.clone();
            }
        }
        if let Some(value) = self.modules.get(&scope.file).and_then(|module| module.get(name)) {
            return Ok(value);
        }
        if base_of(name).is_some() || &**name == "BaseException" {
            return Ok(Value::Class(self.exception(name)));
        }
        if &**name == "NotImplemented" {
            return Ok(Value::NotImplemented);
        }
        let own = || self.program.files.get(scope.file).is_some_and(|file| prelude::is_part(file.path()));
        if super::builtins::NAMES.contains(&&**name) || (&**name == "__unknown__" && own()) {
            return Ok(Value::Native(Name::clone(name)));
        }
        self.raise("NameError", format!("name '{name}' is not defined"))
    }

    fn define(&mut self, def: &'a FunctionDef, scope: &Rc<Scope<'a>>) -> Res<'a> {
        let function = self.function(&def.name, &def.signature, Body::Block(&def.body), scope, Some(def))?;
        let mut value = Value::Function(function);
        for decorator in def.decorators.iter().rev() {
            value = self.decorated(decorator, value, scope)?;
        }
        Ok(value)
    }

    pub(super) fn function(
        &mut self,
        name: &Name,
        signature: &'a Signature,
        body: Body<'a>,
        scope: &Rc<Scope<'a>>,
        def: Option<&'a FunctionDef>,
    ) -> Res<'a, Rc<Function<'a>>> {
        let mut defaults = Vec::new();
        for param in &signature.params {
            defaults.push(param.default.as_ref().map(|default| self.eval(default, scope)).transpose()?);
        }
        // Names in a class body are not seen by its methods.
        let around = match &scope.own {
            Some(_) => Rc::clone(scope),
            None => scope.outer.clone().unwrap_or_else(|| Scope::module(scope.file)),
        };
        Ok(Rc::new(Function {
            name: Name::clone(name),
            file: scope.file,
            signature,
            body,
            defaults,
            scope: around,
            owner: RefCell::new(None),
            is_async: def.is_some_and(|def| def.is_async),
            generator: matches!(body, Body::Block(body) if scope::yields(body)),
            def,
        }))
    }

    /// Runs the body of a function whose arguments are bound in `vars`.
    pub(super) fn run(&mut self, function: &Rc<Function<'a>>, vars: HashMap<Name, Value<'a>>) -> Res<'a> {
        self.step()?;
        if self.calls.len() >= MAX_CALLS {
            return self.raise("RecursionError", "maximum recursion depth exceeded");
        }
        let own = match function.body {
            Body::Block(body) => {
                let key = body.as_ptr();
                let known = self.names.get(&key).map(Rc::clone);
                known.unwrap_or_else(|| {
                    let names = Rc::new(scope::names(function.signature, body));
                    self.names.insert(key, Rc::clone(&names));
                    names
                })
            }
            Body::Lambda(_) => Rc::new(scope::names(function.signature, &[])),
        };
        let scope = Rc::new(Scope {
            vars: RefCell::new(vars),
            outer: Some(Rc::clone(&function.scope)),
            file: function.file,
            own: Some(own),
        });
        match function.body {
            Body::Lambda(body) => {
                let line = self.program.files[function.file].line_of(body.span.start);
                self.calls.push((function.file, line));
                self.ran.insert((function.file, line));
                let value = self.eval(body, &scope);
                self.calls.pop();
                let order = self.done.len() as u32;
                self.done.entry((function.file, line)).or_insert(order);
                value
            }
            Body::Block(body) => {
                self.calls.push((function.file, 0));
                if function.generator {
                    self.yielded.push(Vec::new());
                }
                let flow = self.block(body, &scope);
                self.calls.pop();
                let made = if function.generator { self.yielded.pop() } else { None };
                let value = match flow? {
                    Flow::Return(value) => value,
                    _ => Value::None,
                };
                Ok(made.map_or(value, Value::iter))
            }
        }
    }

    /// What a value iterates over.
    pub(super) fn cursor_of(&self, value: &Value<'a>) -> Option<Cursor<'a>> {
        Some(match value {
            Value::List(items) => Cursor::List(Rc::clone(items), 0),
            Value::Dict(pairs) => {
                Cursor::Dict(Rc::clone(pairs), 0, pairs.borrow().len(), super::value::View::Keys)
            }
            Value::Set(items) => Cursor::Set(Rc::clone(items), 0, items.borrow().len()),
            Value::Tuple(items) => Cursor::Ready(items.iter().cloned().collect()),
            Value::Str(text) => Cursor::Ready(text.chars().map(|c| Value::str(c.to_string())).collect()),
            Value::Bytes(bytes) => Cursor::Ready(bytes.iter().map(|&b| Value::Int(i128::from(b))).collect()),
            _ => return None,
        })
    }

    fn delete(&mut self, target: &'a Expr, scope: &Rc<Scope<'a>>) -> Res<'a, ()> {
        match &target.kind {
            ExprKind::Name(name) => {
                if scope.vars.borrow_mut().remove(&**name).is_none() {
                    return self.raise("NameError", format!("name '{name}' is not defined"));
                }
                Ok(())
            }
            ExprKind::Subscript { value, index } => {
                let value = self.eval(value, scope)?;
                let index = self.eval(index, scope)?;
                self.delete_item(&value, &index)
            }
            _ => Err(Stop::Unknown("del of an attribute")),
        }
    }
}

/// The base of a built-in exception; `None` if there is no such exception.
pub(super) fn base_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "Exception" | "KeyboardInterrupt" | "SystemExit" | "GeneratorExit" => "BaseException",
        "ArithmeticError" | "AssertionError" | "AttributeError" | "BufferError" | "EOFError"
        | "ImportError" | "LookupError" | "MemoryError" | "NameError" | "OSError" | "ReferenceError"
        | "RuntimeError" | "StopIteration" | "StopAsyncIteration" | "SyntaxError" | "SystemError"
        | "TypeError" | "ValueError" | "Warning" => "Exception",
        "FrozenInstanceError" => "AttributeError",
        "ZeroDivisionError" | "OverflowError" | "FloatingPointError" => "ArithmeticError",
        "KeyError" | "IndexError" => "LookupError",
        "UnboundLocalError" => "NameError",
        "ModuleNotFoundError" => "ImportError",
        "NotImplementedError" | "RecursionError" => "RuntimeError",
        "FileNotFoundError" | "PermissionError" | "TimeoutError" | "ConnectionError" | "FileExistsError"
        | "IsADirectoryError" | "NotADirectoryError" => "OSError",
        "ConnectionRefusedError" | "ConnectionResetError" | "BrokenPipeError" | "ConnectionAbortedError" => {
            "ConnectionError"
        }
        "UnicodeError" => "ValueError",
        "UnicodeDecodeError" | "UnicodeEncodeError" => "UnicodeError",
        "DeprecationWarning" | "UserWarning" | "RuntimeWarning" | "FutureWarning" => "Warning",
        _ => return None,
    })
}
