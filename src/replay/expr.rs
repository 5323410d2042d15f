//! Expressions.

use std::collections::HashMap;
use std::rc::Rc;

use super::machine::{Compared, Machine, Res, Stop};
use super::scope::Scope;
use super::text;
use super::value::{Args, Body, Cursor, Value, View};
use crate::workspace::python::{ComprehensionFor, ComprehensionKind, Expr, ExprKind};

/// Deepest nesting of expressions, over all calls that are open: bounds the stack.
const MAX_DEPTH: usize = 800;

/// Most values that are taken from a generator: one that goes on without end is asked for fewer.
const MOST_YIELDED: usize = 120;
/// Why a generator was left.
pub(super) const ENDLESS: &str = "a generator that goes on";

impl<'a> Machine<'a> {
    pub(super) fn eval(&mut self, expr: &'a Expr, scope: &Rc<Scope<'a>>) -> Res<'a> {
        self.step()?;
        if self.depth >= MAX_DEPTH {
            return Err(Stop::Unknown("nested too deeply"));
        }
        self.depth += 1;
        let value = self.evaluate(expr, scope);
        self.depth -= 1;
        value
    }

    fn evaluate(&mut self, expr: &'a Expr, scope: &Rc<Scope<'a>>) -> Res<'a> {
        Ok(match &expr.kind {
            ExprKind::Name(name) => self.variable(name, scope)?,
            ExprKind::Str(text) => Value::str(text),
            ExprKind::Int(text) => match parse_int(text) {
                Some(n) => Value::Int(n),
                None => return Err(Stop::Unknown("a large number")),
            },
            ExprKind::Float(text) => match text.replace('_', "").parse() {
                Ok(x) => Value::Float(x),
                Err(_) => return Err(Stop::Unknown("a complex number")),
            },
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::None => Value::None,
            ExprKind::Ellipsis => Value::Ellipsis,
            ExprKind::Bytes => {
                let program = self.program;
                match text::bytes_literal(expr.span.of(program.files[scope.file].text())) {
                    Some(bytes) => Value::Bytes(bytes.into()),
                    None => return Err(Stop::Unknown("a bytes literal")),
                }
            }
            ExprKind::FString(parts) => self.fstring(expr, parts, scope)?,
            ExprKind::List(items) => Value::list(self.items(items, scope)?),
            ExprKind::Tuple(items) => Value::tuple(self.items(items, scope)?),
            ExprKind::Set(items) => {
                let items = self.items(items, scope)?;
                self.set_of(items)?
            }
            ExprKind::Dict(items) => {
                let dict = Value::dict(Vec::new());
                for (key, value) in items {
                    if let Some(key) = key {
                        let key = self.eval(key, scope)?;
                        let value = self.eval(value, scope)?;
                        self.set_item(&dict, &key, value)?;
                    } else {
                        let more = self.eval(value, scope)?;
                        let more = more.held().unwrap_or(more);
                        let Value::Dict(pairs) = &more else {
                            return Err(Stop::Unknown("** of no dict"));
                        };
                        let pairs = pairs.borrow().clone();
                        for (key, value) in pairs {
                            self.set_item(&dict, &key, value)?;
                        }
                    }
                }
                dict
            }
            ExprKind::Attribute { value, attr, .. } => {
                let value = self.eval(value, scope)?;
                self.attribute(&value, attr)?
            }
            ExprKind::Subscript { value, index } => {
                let value = self.eval(value, scope)?;
                let index = self.eval(index, scope)?;
                self.item(&value, &index)?
            }
            ExprKind::Slice { parts } => {
                let mut made = [Value::None, Value::None, Value::None];
                for (part, made) in parts.iter().zip(&mut made) {
                    if let Some(part) = part {
                        *made = self.eval(part, scope)?;
                    }
                }
                Value::Slice(Rc::new(made))
            }
            ExprKind::Call { func, args, keywords, .. } => {
                if let Some(value) = self.super_call(func, args.is_empty(), scope) {
                    return value;
                }
                let callee = self.eval(func, scope)?;
                let mut given = Args::of(self.items(args, scope)?);
                for keyword in keywords {
                    let value = self.eval(&keyword.value, scope)?;
                    if let Some(name) = &keyword.name {
                        given.kw.push((name.clone(), value));
                    } else {
                        let value = value.held().unwrap_or(value);
                        let Value::Dict(pairs) = &value else {
                            return Err(Stop::Unknown("** of no dict"));
                        };
                        for (key, value) in pairs.borrow().iter() {
                            let Some(name) = key.text() else {
                                return Err(Stop::Unknown("** of no names"));
                            };
                            given.kw.push((name.into(), value.clone()));
                        }
                    }
                }
                let line = self.program.files[scope.file].line_of(expr.span.start);
                if let Some(call) = self.calls.last_mut()
                    && call.0 == scope.file
                {
                    call.1 = call.1.max(line.min(call.1));
                }
                self.call(&callee, given)?
            }
            ExprKind::BinOp { left, op, right } => {
                let left = self.eval(left, scope)?;
                let right = self.eval(right, scope)?;
                self.binary(op, &left, &right)?
            }
            ExprKind::UnaryOp { op, operand } => {
                let value = self.eval(operand, scope)?;
                self.unary(op, &value)?
            }
            ExprKind::BoolOp { op, values } => {
                let mut last = Value::None;
                for value in values {
                    last = self.eval(value, scope)?;
                    if self.truth(&last)? == (*op == "or") {
                        break;
                    }
                }
                last
            }
            ExprKind::Compare { left, rest } => {
                let mut left = self.eval(left, scope)?;
                for (op, right) in rest {
                    let right = self.eval(right, scope)?;
                    if !self.compare(op, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Value::Bool(true)
            }
            ExprKind::If { test, body, orelse } => {
                let test = self.eval(test, scope)?;
                if self.truth(&test)? { self.eval(body, scope)? } else { self.eval(orelse, scope)? }
            }
            ExprKind::Lambda { signature, body } => {
                let name = "<lambda>".into();
                Value::Function(self.function(&name, signature, Body::Lambda(body), scope, None)?)
            }
            ExprKind::Named { target, value } => {
                let value = self.eval(value, scope)?;
                self.assign(target, value.clone(), scope)?;
                value
            }
            ExprKind::Comprehension { kind, element, fors } => {
                let mut made = Vec::new();
                let inner = Rc::new(Scope {
                    vars: std::cell::RefCell::new(HashMap::new()),
                    outer: Some(Rc::clone(scope)),
                    file: scope.file,
                    own: Some(Rc::default()),
                });
                self.comprehend(element, fors, &inner, scope, &mut made)?;
                match kind {
                    ComprehensionKind::List => Value::list(made.into_iter().map(|(_, v)| v).collect()),
                    ComprehensionKind::Generator => Value::iter(made.into_iter().map(|(_, v)| v)),
                    ComprehensionKind::Set => self.set_of(made.into_iter().map(|(_, v)| v).collect())?,
                    ComprehensionKind::Dict => {
                        let dict = Value::dict(Vec::new());
                        for (key, value) in made {
                            self.set_item(&dict, &key, value)?;
                        }
                        dict
                    }
                }
            }
            ExprKind::Yield(value) => {
                let value = value.as_ref().map_or(Ok(Value::None), |value| self.eval(value, scope))?;
                if let Some(done) = self.resumed(&value) {
                    done?;
                    return Ok(Value::None);
                }
                let is_endless = self.without_end.contains(&self.yielded.len());
                match self.yielded.last_mut() {
                    Some(made) => {
                        made.push(value);
                        if is_endless && made.len() >= MOST_YIELDED {
                            return Err(Stop::Unknown(ENDLESS));
                        }
                    }
                    None => return Err(Stop::Unknown("yield")),
                }
                Value::None
            }
            ExprKind::YieldFrom(value) => {
                let value = self.eval(value, scope)?;
                let items = self.collect(&value)?;
                match self.yielded.last_mut() {
                    Some(made) => made.extend(items),
                    None => return Err(Stop::Unknown("yield")),
                }
                Value::None
            }
            ExprKind::Await(value) => {
                let value = self.eval(value, scope)?;
                self.awaited(&value)?
            }
            ExprKind::Starred(_) | ExprKind::Other => return Err(Stop::Unknown("an expression")),
        })
    }

    /// What `await` gives. A coroutine runs to its end at once: nothing runs meanwhile.
    pub(super) fn awaited(&mut self, value: &Value<'a>) -> Res<'a> {
        match value {
            Value::Given(given) if &*given.0 == "coroutine" => self.call(&given.1.pos[0], tail(&given.1)),
            Value::Given(given) if &*given.0 == "ready" => Ok(given.1.pos[0].clone()),
            Value::Object(_) => match self.method_of(value, "__awaited__") {
                Some(method) => self.call(&method, Args::default()),
                None if self.method_of(value, "__await__").is_some() => Err(Stop::Unknown("__await__")),
                None => self.raise("TypeError", "object can't be used in 'await' expression"),
            },
            _ => self.raise("TypeError", "object can't be used in 'await' expression"),
        }
    }

    fn comprehend(
        &mut self,
        element: &'a [Expr],
        fors: &'a [ComprehensionFor],
        scope: &Rc<Scope<'a>>,
        first: &Rc<Scope<'a>>,
        made: &mut Vec<(Value<'a>, Value<'a>)>,
    ) -> Res<'a, ()> {
        let Some((for_, rest)) = fors.split_first() else {
            match element {
                [key, value] => {
                    let key = self.eval(key, scope)?;
                    made.push((key, self.eval(value, scope)?));
                }
                [value] => made.push((Value::None, self.eval(value, scope)?)),
                _ => return Err(Stop::Unknown("a comprehension")),
            }
            return Ok(());
        };
        let iterable = self.eval(&for_.iter, first)?;
        let cursor = self.iterate(&iterable)?;
        'items: while let Some(item) = self.next(&cursor)? {
            self.step()?;
            self.assign(&for_.target, item, scope)?;
            for test in &for_.ifs {
                let value = self.eval(test, scope)?;
                if !self.truth(&value)? {
                    continue 'items;
                }
            }
            self.comprehend(element, rest, scope, scope, made)?;
        }
        Ok(())
    }

    fn items(&mut self, exprs: &'a [Expr], scope: &Rc<Scope<'a>>) -> Res<'a, Vec<Value<'a>>> {
        let mut all = Vec::new();
        for expr in exprs {
            match &expr.kind {
                ExprKind::Starred(inner) => {
                    let value = self.eval(inner, scope)?;
                    all.extend(self.collect(&value)?);
                }
                _ => all.push(self.eval(expr, scope)?),
            }
        }
        Ok(all)
    }

    fn fstring(&mut self, expr: &'a Expr, parts: &'a [Expr], scope: &Rc<Scope<'a>>) -> Res<'a> {
        let program = self.program;
        let source = program.files[scope.file].text();
        let Some(pieces) = text::fstring(source, expr.span, parts) else {
            return Err(Stop::Unknown("an f-string"));
        };
        let mut all = String::new();
        for piece in pieces {
            match piece {
                text::Piece::Text(text) => all.push_str(&text),
                text::Piece::Value { index, shown, convert, spec } => {
                    let value = self.eval(&parts[index], scope)?;
                    all.push_str(shown.unwrap_or_default());
                    let spec = match spec {
                        text::Spec::Plain(spec) => spec,
                        text::Spec::Nested(before, index, after) => {
                            let value = self.eval(&parts[index], scope)?;
                            format!("{before}{}{after}", self.string(&value)?)
                        }
                    };
                    let value = match convert {
                        Some('r') => Value::str(self.repr(&value)?),
                        Some('s') => Value::str(self.string(&value)?),
                        Some(_) => return Err(Stop::Unknown("a conversion")),
                        None if shown.is_some() && spec.is_empty() => Value::str(self.repr(&value)?),
                        None => value,
                    };
                    all.push_str(&self.format(&value, &spec)?);
                }
            }
        }
        Ok(Value::str(all))
    }

    /// Evaluates the condition of an `assert` and keeps the sides of its comparison.
    pub(super) fn asserted(&mut self, test: &'a Expr, scope: &Rc<Scope<'a>>) -> Res<'a> {
        let ExprKind::Compare { left, rest } = &test.kind else {
            let value = self.eval(test, scope)?;
            let left = self.repr(&value).unwrap_or_default();
            self.compared = Some(Compared { left, right: String::new() });
            return Ok(value);
        };
        let [(op, right)] = rest.as_slice() else { return self.eval(test, scope) };
        let left = self.eval(left, scope)?;
        let right = self.eval(right, scope)?;
        let holds = self.compare(op, &left, &right)?;
        if !holds {
            let left = self.repr(&left).unwrap_or_default();
            let right = self.repr(&right).unwrap_or_default();
            self.compared = Some(Compared { left, right });
        }
        Ok(Value::Bool(holds))
    }

    pub(super) fn assign(
        &mut self,
        target: &'a Expr,
        value: Value<'a>,
        scope: &Rc<Scope<'a>>,
    ) -> Res<'a, ()> {
        match &target.kind {
            ExprKind::Name(name) => {
                self.bind(name, value, scope);
                Ok(())
            }
            ExprKind::Attribute { value: object, attr, .. } => {
                let object = self.eval(object, scope)?;
                self.set_attribute(&object, attr, value)
            }
            ExprKind::Subscript { value: object, index } => {
                if let ExprKind::Attribute { value: owner, attr, .. } = &object.kind
                    && &**attr == "__dict__"
                {
                    let (owner, index) = (self.eval(owner, scope)?, self.eval(index, scope)?);
                    let (Value::Object(owner), Some(name)) = (&owner, index.text()) else {
                        return Err(Stop::Unknown("__dict__"));
                    };
                    owner.set(name, value);
                    return Ok(());
                }
                let object = self.eval(object, scope)?;
                let index = self.eval(index, scope)?;
                self.set_item(&object, &index, value)
            }
            ExprKind::Tuple(targets) | ExprKind::List(targets) => {
                let mut items = self.collect(&value)?;
                let star = targets.iter().position(|target| matches!(target.kind, ExprKind::Starred(_)));
                let wanted = targets.len();
                if let Some(star) = star {
                    if items.len() + 1 < wanted {
                        return self.raise("ValueError", "not enough values to unpack");
                    }
                    let rest = items.len() + 1 - wanted;
                    let middle: Vec<Value<'a>> = items.drain(star..star + rest).collect();
                    items.insert(star, Value::list(middle));
                } else if items.len() > wanted {
                    return self
                        .raise("ValueError", format!("too many values to unpack (expected {wanted})"));
                } else if items.len() < wanted {
                    let got = items.len();
                    let message = format!("not enough values to unpack (expected {wanted}, got {got})");
                    return self.raise("ValueError", message);
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item, scope)?;
                }
                Ok(())
            }
            ExprKind::Starred(inner) => self.assign(inner, value, scope),
            _ => Err(Stop::Unknown("a target")),
        }
    }

    /// An iterator over `value`.
    pub(super) fn iterate(&mut self, value: &Value<'a>) -> Res<'a> {
        if let Value::Iter(_) = value {
            return Ok(value.clone());
        }
        if let Some(cursor) = self.cursor_of(value) {
            return Ok(Value::Iter(Rc::new(std::cell::RefCell::new(cursor))));
        }
        match value {
            Value::Range(from, to, step) => {
                let mut all = Vec::new();
                let mut at = *from;
                while if *step > 0 { at < *to } else { at > *to } {
                    self.step()?;
                    all.push(Value::Int(at));
                    at += step;
                }
                Ok(Value::iter(all))
            }
            Value::Object(object) => {
                if let Some(method) = self.method_of(value, "__iter__") {
                    let iterator = self.call(&method, Args::default())?;
                    return if self.method_of(&iterator, "__next__").is_some() {
                        Ok(iterator)
                    } else {
                        self.iterate(&iterator)
                    };
                }
                if let Some(fields) =
                    object.class.all_fields().filter(|_| object.class.kind == super::value::Kind::NamedTuple)
                {
                    return Ok(Value::iter(
                        fields.iter().map(|f| object.get(&f.name).unwrap_or(Value::None)),
                    ));
                }
                if let Some(items) = value.held() {
                    return self.iterate(&items);
                }
                if self.method_of(value, "__getitem__").is_some() {
                    return Err(Stop::Unknown("iterates by index"));
                }
                self.not_iterable(value)
            }
            Value::Given(_) if value.held().is_some() => {
                let items = value.held().unwrap_or(Value::None);
                self.iterate(&items)
            }
            Value::Class(class)
                if matches!(
                    class.kind,
                    super::value::Kind::Enum | super::value::Kind::IntEnum | super::value::Kind::StrEnum
                ) =>
            {
                Ok(Value::iter(super::classes::members(class)))
            }
            Value::Native(_) | Value::Given(_) if !self.known_not_iterable(value) => {
                Err(Stop::Unknown("iterates what is not known"))
            }
            _ => self.not_iterable(value),
        }
    }

    fn known_not_iterable(&self, value: &Value<'a>) -> bool {
        matches!(value, Value::Given(given) if matches!(&*given.0, "async-generator" | "coroutine"))
    }

    fn not_iterable(&mut self, value: &Value<'a>) -> Res<'a> {
        let message = format!("'{}' object is not iterable", value.type_name());
        self.raise("TypeError", message)
    }

    /// The next value of an iterator.
    pub(super) fn next(&mut self, iterator: &Value<'a>) -> Res<'a, Option<Value<'a>>> {
        self.step()?;
        let Value::Iter(cursor) = iterator else {
            let Some(method) = self.method_of(iterator, "__next__") else {
                return Err(Stop::Unknown("next"));
            };
            return match self.call(&method, Args::default()) {
                Ok(value) => Ok(Some(value)),
                Err(Stop::Raise(raised)) if raised.object.class.is_a("StopIteration") => Ok(None),
                Err(stop) => Err(stop),
            };
        };
        let mut changed = None;
        let item = match &mut *cursor.borrow_mut() {
            Cursor::Ready(items) => items.pop_front(),
            Cursor::List(items, at) => {
                *at += 1;
                items.borrow().get(*at - 1).cloned()
            }
            Cursor::Set(items, at, len) => {
                if items.borrow().len() != *len {
                    changed = Some("Set changed size during iteration");
                }
                *at += 1;
                items.borrow().get(*at - 1).cloned()
            }
            Cursor::Dict(pairs, at, len, view) => {
                if pairs.borrow().len() != *len {
                    changed = Some("dictionary changed size during iteration");
                }
                *at += 1;
                pairs.borrow().get(*at - 1).map(|(key, value)| match view {
                    View::Keys => key.clone(),
                    View::Values => value.clone(),
                    View::Items => Value::tuple(vec![key.clone(), value.clone()]),
                })
            }
        };
        match changed {
            Some(message) => self.raise("RuntimeError", message),
            None => Ok(item),
        }
    }

    /// All values of an iterable.
    pub(super) fn collect(&mut self, value: &Value<'a>) -> Res<'a, Vec<Value<'a>>> {
        let iterator = self.iterate(value)?;
        let mut all = Vec::new();
        while let Some(item) = self.next(&iterator)? {
            all.push(item);
        }
        Ok(all)
    }
}

/// The arguments after the first.
pub(super) fn tail<'a>(args: &Args<'a>) -> Args<'a> {
    Args { pos: args.pos[1..].to_vec(), kw: args.kw.clone() }
}

fn parse_int(text: &str) -> Option<i128> {
    let text = text.replace('_', "").to_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return i128::from_str_radix(digits, radix).ok();
        }
    }
    text.parse().ok()
}
