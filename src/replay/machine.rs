//! The machine: its state, modules, names and functions.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::scope::{self, Names, Scope};
use super::value::{Body, Class, Cursor, Function, Kind, Object, Value};
use super::{Program, prelude};
use crate::workspace::python::{Expr, ExprKind, Function as FunctionDef, Name, Signature, Stmt, StmtKind};

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
    pub(super) depth: usize,
    /// The method around the `with`.
    pub(super) owner: Option<(Rc<Class<'a>>, Value<'a>)>,
    pub(super) hook: Option<Hook<'a>>,
    /// How the body ended.
    pub(super) flow: Option<Flow<'a>>,
    pub(super) value: Option<Value<'a>>,
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
    /// Which of them, by their depth, go on without end.
    pub without_end: BTreeSet<usize>,
    /// Classes whose method runs, for `super()`.
    pub owners: Vec<Option<(Rc<Class<'a>>, Value<'a>)>>,
    pub compared: Option<Compared>,
    /// What was printed to standard output and standard error.
    pub printed: [String; 2],
    /// Attributes to put back after the test (`monkeypatch`).
    pub undo: Vec<(Value<'a>, Name, Option<Value<'a>>)>,
    /// Items to put back after the test, likewise.
    pub put_back: Vec<(Value<'a>, Value<'a>, Option<Value<'a>>)>,
    pub handling: Vec<Rc<Object<'a>>>,
    pub(super) hooks: Vec<Waiting<'a>>,
    /// A fixture was left at its `yield`: what it would undo is not undone.
    pub left_open: bool,
    /// What fixtures of the running test get as `request.param`.
    pub indirect: Vec<(Name, Value<'a>)>,
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
            without_end: BTreeSet::new(),
            owners: Vec::new(),
            compared: None,
            printed: [String::new(), String::new()],
            undo: Vec::new(),
            put_back: Vec::new(),
            handling: Vec::new(),
            hooks: Vec::new(),
            left_open: false,
            indirect: Vec::new(),
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
        if super::builtins::NAMES.contains(&&**name)
            || (matches!(&**name, "__unknown__" | "__target__" | "__run__") && own())
        {
            return Ok(Value::Native(Name::clone(name)));
        }
        self.raise("NameError", format!("name '{name}' is not defined"))
    }

    pub(super) fn define(&mut self, def: &'a FunctionDef, scope: &Rc<Scope<'a>>) -> Res<'a> {
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
            attrs: RefCell::default(),
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
                    let depth = self.yielded.len();
                    if endless(body) {
                        self.without_end.insert(depth);
                    } else {
                        self.without_end.remove(&depth);
                    }
                }
                let flow = self.block(body, &scope);
                self.calls.pop();
                let made = if function.generator { self.yielded.pop() } else { None };
                // What goes on without end is taken for as long as anybody may ask.
                if let (Err(Stop::Unknown(super::expr::ENDLESS)), Some(made)) = (&flow, &made) {
                    return Ok(Value::iter(made.clone()));
                }
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
}

/// Whether a generator's body has a loop without a condition of its own.
fn endless(body: &[Stmt]) -> bool {
    let mut found = false;
    for stmt in body {
        stmt.walk(false, &mut |stmt| match &stmt.kind {
            StmtKind::While { test, .. } => {
                found |= matches!(test.kind, ExprKind::Bool(true) | ExprKind::Int(_));
            }
            StmtKind::For { iter, .. } => {
                found |= matches!(&iter.kind, ExprKind::Call { func, .. }
                    if func.dotted().is_some_and(|name| matches!(name.rsplit('.').next(), Some("count" | "cycle"))));
            }
            _ => {}
        });
    }
    found
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
