//! Calls, and contexts that are entered and left.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::machine::{Machine, Raised, Res, Stop};
use super::value::{Args, Function, Object, Value};
use crate::workspace::python::{Name, ParamKind};

impl<'a> Machine<'a> {
    pub(super) fn call(&mut self, callee: &Value<'a>, args: Args<'a>) -> Res<'a> {
        self.step()?;
        match callee {
            Value::Function(function) => {
                if function.is_async {
                    self.bound_arguments(function, &args)?;
                    let kind = if function.generator { "async-generator" } else { "coroutine" };
                    let started = Value::Given(Rc::new(("started".into(), Args::of(vec![callee.clone()]))));
                    let mut pos = if function.generator { vec![] } else { vec![started] };
                    pos.extend(args.pos.iter().cloned());
                    if function.generator {
                        let items = self.run_function(function, &args)?;
                        pos = vec![items];
                        return Ok(Value::Given(Rc::new((kind.into(), Args::of(pos)))));
                    }
                    return Ok(Value::Given(Rc::new((kind.into(), Args { pos, kw: args.kw }))));
                }
                self.run_function(function, &args)
            }
            Value::Bound(bound) => {
                let mut all = Args { pos: vec![bound.0.clone()], kw: args.kw };
                all.pos.extend(args.pos);
                self.call(&bound.1, all)
            }
            Value::Method(method) => self.builtin_method(&method.0, &method.1, &args),
            Value::Class(class) => self.instantiate(class, args),
            Value::Native(name) => self.native(name, args),
            Value::Given(given) => match &*given.0 {
                "started" => match &given.1.pos[0] {
                    Value::Function(function) => self.run_function(function, &args),
                    _ => Err(Stop::Unknown("a coroutine")),
                },
                _ => self.given(&given.0, &given.1, args),
            },
            Value::StaticMethod(inner) => self.call(inner, args),
            Value::Object(_) => {
                if let Some(method) = self.method_of(callee, "__call__") {
                    self.call(&method, args)
                } else {
                    let message = format!("'{}' object is not callable", callee.type_name());
                    self.raise("TypeError", message)
                }
            }
            other => {
                let message = format!("'{}' object is not callable", other.type_name());
                self.raise("TypeError", message)
            }
        }
    }

    fn run_function(&mut self, function: &Rc<Function<'a>>, args: &Args<'a>) -> Res<'a> {
        let vars = self.bound_arguments(function, args)?;
        let owner = function.owner.borrow().clone();
        let this = args.pos.first().cloned();
        self.owners.push(owner.zip(this));
        let result = self.run(function, vars);
        self.owners.pop();
        result
    }

    /// Arguments by parameter name.
    fn bound_arguments(
        &mut self,
        function: &Rc<Function<'a>>,
        args: &Args<'a>,
    ) -> Res<'a, HashMap<Name, Value<'a>>> {
        let signature = function.signature;
        let mut vars: HashMap<Name, Value<'a>> = HashMap::new();
        let positional: Vec<&Name> =
            signature.params.iter().filter(|p| p.kind != ParamKind::KeywordOnly).map(|p| &p.name).collect();
        if args.pos.len() > positional.len() && signature.vararg.is_none() {
            let message = format!(
                "{}() takes {} positional arguments but {} were given",
                function.name,
                positional.len(),
                args.pos.len()
            );
            return self.raise("TypeError", message);
        }
        for (name, value) in positional.iter().zip(&args.pos) {
            vars.insert(Name::clone(name), value.clone());
        }
        if let Some(vararg) = &signature.vararg {
            let rest = args.pos.iter().skip(positional.len()).cloned().collect();
            vars.insert(vararg.name.clone(), Value::tuple(rest));
        }
        let mut extra = Vec::new();
        for (name, value) in &args.kw {
            let known =
                signature.params.iter().any(|p| p.name == *name && p.kind != ParamKind::PositionalOnly);
            if known {
                if vars.insert(name.clone(), value.clone()).is_some() {
                    let message = format!("{}() got multiple values for argument '{name}'", function.name);
                    return self.raise("TypeError", message);
                }
            } else if signature.kwarg.is_some() {
                extra.push((Value::str(name), value.clone()));
            } else {
                let message = format!("{}() got an unexpected keyword argument '{name}'", function.name);
                return self.raise("TypeError", message);
            }
        }
        if let Some(kwarg) = &signature.kwarg {
            vars.insert(kwarg.name.clone(), Value::dict(extra));
        }
        for (param, default) in signature.params.iter().zip(&function.defaults) {
            if !vars.contains_key(&param.name) {
                if let Some(default) = default {
                    vars.insert(param.name.clone(), default.clone());
                } else {
                    let message = format!("{}() missing required argument: '{}'", function.name, param.name);
                    return self.raise("TypeError", message);
                }
            }
        }
        Ok(vars)
    }

    /// Enters a `with`.
    pub(super) fn enter(&mut self, context: &Value<'a>) -> Res<'a> {
        match context {
            Value::Object(_) => match self.method_of(context, "__enter__") {
                Some(method) => self.call(&method, Args::default()),
                None => Err(Stop::Unknown("a context that is not known")),
            },
            Value::Given(given)
                if matches!(&*given.0, "pytest.raises" | "contextlib.suppress" | "unittest.assertRaises") =>
            {
                let class = self.exception("Exception");
                Ok(Value::Object(Rc::new(Object { class, attrs: RefCell::default() })))
            }
            _ => Err(Stop::Unknown("a context that is not known")),
        }
    }

    /// Leaves a `with`; tells whether the exception is swallowed.
    pub(super) fn leave(
        &mut self,
        context: &Value<'a>,
        entered: &Value<'a>,
        raised: Option<&Raised<'a>>,
    ) -> Res<'a, bool> {
        match context {
            Value::Object(_) => {
                let Some(method) = self.method_of(context, "__exit__") else {
                    return Err(Stop::Unknown("a context that is not known"));
                };
                let args = match raised {
                    Some(raised) => vec![
                        Value::Class(Rc::clone(&raised.object.class)),
                        Value::Object(Rc::clone(&raised.object)),
                        Value::None,
                    ],
                    None => vec![Value::None, Value::None, Value::None],
                };
                let value = self.call(&method, Args::of(args))?;
                self.truth(&value)
            }
            Value::Given(given) => {
                let Some(type_) = given.1.pos.last().cloned() else { return Err(Stop::Unknown("raises")) };
                let suppress = &*given.0 == "contextlib.suppress";
                let Some(raised) = raised else {
                    return if suppress { Ok(false) } else { self.raise("Failed", "DID NOT RAISE") };
                };
                let type_ = if suppress { Value::tuple(given.1.pos.clone()) } else { type_ };
                if !self.caught(&raised.object, &type_) {
                    return Ok(false);
                }
                if let Some(pattern) = given.1.named("match") {
                    let shown = self.string(&Value::Object(Rc::clone(&raised.object)))?;
                    if !self.matches(&pattern, &shown)? {
                        return self.raise("AssertionError", "Regex pattern did not match.");
                    }
                }
                if let Value::Object(info) = entered {
                    info.set("value", Value::Object(Rc::clone(&raised.object)));
                    info.set("exception", Value::Object(Rc::clone(&raised.object)));
                }
                Ok(true)
            }
            _ => Err(Stop::Unknown("a context that is not known")),
        }
    }
}
