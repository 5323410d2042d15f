//! Statements.

use std::rc::Rc;

use super::machine::{Flow, Hook, Machine, Raised, Res, Stop, Waiting};
use super::prelude;
use super::scope::Scope;
use super::value::{Args, Object, Value};
use crate::workspace::python::{Expr, ExprKind, Handler, Import, Stmt, StmtKind};

impl<'a> Machine<'a> {
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
            StmtKind::Match { subject, cases } => {
                let value = self.eval(subject, scope)?;
                if let Some(case) = self.case_for(&value, cases, scope)? {
                    return self.block(&case.body, scope);
                }
            }
            StmtKind::With { items, body, is_async: true } => return self.async_with(items, body, scope),
            StmtKind::Other => {
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

    fn async_with(
        &mut self,
        items: &'a [(Expr, Option<Expr>)],
        body: &'a [Stmt],
        scope: &Rc<Scope<'a>>,
    ) -> Res<'a, Flow<'a>> {
        let Some(((context, target), rest)) = items.split_first() else { return self.block(body, scope) };
        let context = self.eval(context, scope)?;
        let (enter, exit) =
            match (self.method_of(&context, "__aenter__"), self.method_of(&context, "__aexit__")) {
                (Some(enter), Some(exit)) => (enter, exit),
                _ if matches!(context, Value::Object(_)) => {
                    return self.raise(
                        "TypeError",
                        "object does not support the asynchronous context manager protocol",
                    );
                }
                _ => return Err(Stop::Unknown("a context that is not known")),
            };
        let started = self.call(&enter, Args::default())?;
        let entered = self.awaited(&started)?;
        if let Some(target) = target {
            self.assign(target, entered, scope)?;
        }
        let flow = self.async_with(rest, body, scope);
        let raised = match &flow {
            Err(Stop::Raise(raised)) => vec![
                Value::Class(Rc::clone(&raised.object.class)),
                Value::Object(Rc::clone(&raised.object)),
                Value::None,
            ],
            Ok(_) => vec![Value::None, Value::None, Value::None],
            Err(Stop::Unknown(_)) => return flow,
        };
        let ending = self.call(&exit, Args::of(raised))?;
        let swallowed = self.awaited(&ending)?;
        if flow.is_err() && self.truth(&swallowed)? { Ok(Flow::Next) } else { flow }
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
                // `import urllib.parse`: only the part is known, and found by its whole name.
                (None, Some(whole)) if prelude::is_part(program.files[whole].path()) => {
                    self.module(whole)?;
                    Value::Native(wanted.into())
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
            ExprKind::Attribute { value, attr, .. } => {
                let value = self.eval(value, scope)?;
                let Value::Object(object) = &value else {
                    return Err(Stop::Unknown("del of an attribute"));
                };
                if self.method_of(&value, "__delattr__").is_some() || object.class.frozen.get() {
                    return Err(Stop::Unknown("del of an attribute"));
                }
                let mut attrs = object.attrs.borrow_mut();
                if let Some(at) = attrs.iter().position(|(known, _)| known == attr) {
                    attrs.remove(at);
                    return Ok(());
                }
                drop(attrs);
                self.no_attribute(&value, attr)?;
                Ok(())
            }
            _ => Err(Stop::Unknown("a target of del")),
        }
    }
}
