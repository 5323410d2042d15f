//! Calls, classes and attributes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::machine::{Machine, Raised, Res, Stop};
use super::prelude;
use super::scope::Scope;
use super::value::{Args, Class, Field, Function, ITEMS, Kind, Object, Value};
use crate::workspace::python::{Class as ClassDef, Expr, ExprKind, Name, ParamKind, StmtKind};

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

    pub(super) fn class(&mut self, def: &'a ClassDef, scope: &Rc<Scope<'a>>) -> Res<'a> {
        let mut bases = Vec::new();
        let mut kind = Kind::Plain;
        let mut is_abc = false;
        for base in &def.bases {
            match self.eval(base, scope)? {
                Value::Class(class) => {
                    if class.kind != Kind::Plain && kind != Kind::StrEnum {
                        kind = class.kind;
                    }
                    is_abc |= class.is_abc.get();
                    bases.push(class);
                }
                Value::Native(name) => match &*name {
                    "object" | "typing.Protocol" | "typing.Generic" => {}
                    "enum.Enum" if kind == Kind::StrEnum || kind == Kind::IntEnum => {}
                    "enum.Enum" => kind = Kind::Enum,
                    "enum.IntEnum" => kind = Kind::IntEnum,
                    "enum.StrEnum" => kind = Kind::StrEnum,
                    // With `Enum` only, or the members are not made and the replay ends where they are used.
                    "str" if def.bases.len() > 1 => kind = Kind::StrEnum,
                    "int" if def.bases.len() > 1 => kind = Kind::IntEnum,
                    "dict" | "collections.OrderedDict" => kind = Kind::Dict,
                    "list" => kind = Kind::List,
                    "typing.NamedTuple" => kind = Kind::NamedTuple,
                    "abc.ABC" => is_abc = true,
                    "unittest.TestCase" => kind = Kind::TestCase,
                    _ => return Err(Stop::Unknown("a base class that is not known")),
                },
                _ => return Err(Stop::Unknown("a base class that is not known")),
            }
        }
        let enumeration = matches!(kind, Kind::Enum | Kind::IntEnum | Kind::StrEnum);
        if def.keywords.iter().any(|keyword| {
            keyword.name.as_deref() != Some("metaclass")
                || keyword.value.dotted().is_none_or(|name| !matches!(&*name, "ABCMeta" | "abc.ABCMeta"))
        }) {
            return Err(Stop::Unknown("a metaclass"));
        }
        let inner = Rc::new(Scope {
            vars: RefCell::default(),
            // Functions look through it: a class body is no scope of theirs.
            outer: scope.own.as_ref().map(|_| Rc::clone(scope)),
            file: scope.file,
            own: None,
        });
        let mut order: Vec<Name> = Vec::new();
        let mut fields = Vec::new();
        for stmt in &def.body {
            self.block(std::slice::from_ref(stmt), &inner)?;
            match &stmt.kind {
                StmtKind::AnnAssign { target, value, .. } => {
                    if let ExprKind::Name(name) = &target.kind {
                        fields.push(self.field(name, value.is_some(), &inner));
                        order.push(name.clone());
                    }
                }
                StmtKind::Assign { targets, .. } => {
                    for target in targets {
                        if let ExprKind::Name(name) = &target.kind {
                            order.push(name.clone());
                        }
                    }
                }
                StmtKind::Function(function) => order.push(function.name.clone()),
                StmtKind::Class(class) => order.push(class.name.clone()),
                _ => {}
            }
        }
        let class = Rc::new(Class {
            name: def.name.clone(),
            bases,
            attrs: RefCell::default(),
            kind,
            fields: RefCell::new((kind == Kind::NamedTuple).then(|| fields.clone())),
            is_abc: is_abc.into(),
            ordered: false.into(),
            frozen: false.into(),
        });
        for name in order {
            let Some(value) = inner.get(&name) else { continue };
            own(&value, &class);
            let value = match (enumeration, &value) {
                (
                    true,
                    Value::Function(_) | Value::Property(_) | Value::StaticMethod(_) | Value::ClassMethod(_),
                ) => value,
                (true, _) if !name.starts_with('_') => {
                    let value = match &value {
                        Value::Given(given) if &*given.0 == "enum.auto" && kind == Kind::StrEnum => {
                            Value::str(name.to_lowercase())
                        }
                        Value::Given(given) if &*given.0 == "enum.auto" => {
                            Value::Int(members(&class).len() as i128 + 1)
                        }
                        _ => value,
                    };
                    let attrs = vec![("name".into(), Value::str(&name)), ("value".into(), value)];
                    Value::Object(Rc::new(Object { class: Rc::clone(&class), attrs: RefCell::new(attrs) }))
                }
                _ => value,
            };
            let mut attrs = class.attrs.borrow_mut();
            attrs.retain(|(known, _)| *known != name);
            attrs.push((name, value));
        }
        let mut value = Value::Class(Rc::clone(&class));
        for decorator in def.decorators.iter().rev() {
            match decorator_name(decorator).as_deref() {
                Some("dataclass" | "dataclasses.dataclass") => {
                    *class.fields.borrow_mut() = Some(fields.clone());
                    let on = |name| {
                        super::session::keyword(decorator, name)
                            .is_some_and(|value| matches!(value.kind, ExprKind::Bool(true)))
                    };
                    class.ordered.set(on("order"));
                    class.frozen.set(on("frozen"));
                    // Class attributes without a value are made by `field` only.
                    class.attrs.borrow_mut().retain(
                        |(_, value)| !matches!(value, Value::Given(given) if &*given.0 == "dataclasses.field"),
                    );
                }
                _ => value = self.decorated(decorator, value, scope)?,
            }
        }
        Ok(value)
    }

    fn field(&self, name: &Name, has_value: bool, scope: &Rc<Scope<'a>>) -> Field<'a> {
        let default = if has_value { scope.get(name) } else { None };
        match &default {
            Some(Value::Given(given)) if &*given.0 == "dataclasses.field" => Field {
                name: name.clone(),
                init: !matches!(given.1.named("init"), Some(Value::Bool(false))),
                compare: !matches!(given.1.named("compare"), Some(Value::Bool(false))),
                default: given.1.named("default"),
                factory: given.1.named("default_factory"),
            },
            _ => Field { name: name.clone(), init: true, compare: true, default, factory: None },
        }
    }

    pub(super) fn decorated(
        &mut self,
        decorator: &'a Expr,
        value: Value<'a>,
        scope: &Rc<Scope<'a>>,
    ) -> Res<'a> {
        match decorator_name(decorator).as_deref() {
            Some("property" | "functools.cached_property" | "cached_property") => {
                return Ok(Value::Property(Rc::new((value, None))));
            }
            Some("staticmethod") => return Ok(Value::StaticMethod(Rc::new(value))),
            Some("classmethod") => return Ok(Value::ClassMethod(Rc::new(value))),
            Some("abstractmethod" | "abc.abstractmethod" | "override" | "typing.override") => {
                return Ok(value);
            }
            Some(name) if name.starts_with("pytest.") || name.starts_with("mark.") => return Ok(value),
            Some(name) if name.ends_with(".setter") => {
                if let ExprKind::Attribute { value: object, .. } = &decorator.kind
                    && let Value::Property(old) = self.eval(object, scope)?
                {
                    return Ok(Value::Property(Rc::new((old.0.clone(), Some(value)))));
                }
                return Err(Stop::Unknown("a setter"));
            }
            Some("contextmanager" | "contextlib.contextmanager") => {
                return Ok(Value::Given(Rc::new(("contextmanager".into(), Args::of(vec![value])))));
            }
            _ => {}
        }
        let decorator = self.eval(decorator, scope)?;
        self.call(&decorator, Args::of(vec![value]))
    }

    fn instantiate(&mut self, class: &Rc<Class<'a>>, args: Args<'a>) -> Res<'a> {
        if matches!(class.kind, Kind::Enum | Kind::IntEnum | Kind::StrEnum) {
            let wanted = args.get(0, "value").unwrap_or(Value::None);
            for member in members(class) {
                if let Value::Object(object) = &member
                    && let Some(value) = object.get("value")
                    && self.equal(&value, &wanted)?
                {
                    return Ok(member);
                }
            }
            let message = format!("{} is not a valid {}", self.repr(&wanted)?, class.name);
            return self.raise("ValueError", message);
        }
        if class.is_abc.get()
            && let Some(method) = abstract_method(class)
        {
            let message =
                format!("Can't instantiate abstract class {} with abstract method {method}", class.name);
            return self.raise("TypeError", message);
        }
        if class.find("__new__").is_some() {
            return Err(Stop::Unknown("__new__"));
        }
        let object = Rc::new(Object { class: Rc::clone(class), attrs: RefCell::default() });
        match class.kind {
            Kind::Exception => object.set("args", Value::tuple(args.pos.clone())),
            Kind::Dict => object.set(ITEMS, Value::dict(Vec::new())),
            Kind::List => object.set(ITEMS, Value::list(Vec::new())),
            _ => {}
        }
        let this = Value::Object(Rc::clone(&object));
        if let Some((_, init)) = class.find("__init__") {
            let mut all = Args { pos: vec![this.clone()], kw: args.kw };
            all.pos.extend(args.pos);
            self.call(&init, all)?;
            return Ok(this);
        }
        if let Some(fields) = class.all_fields() {
            self.fill(&object, &fields, args)?;
            if let Some(method) = self.method_of(&this, "__post_init__") {
                self.call(&method, Args::default())?;
            }
            return Ok(this);
        }
        if matches!(class.kind, Kind::Dict | Kind::List) {
            self.derived(&object, args)?;
            return Ok(this);
        }
        if class.kind != Kind::Exception && !(args.pos.is_empty() && args.kw.is_empty()) {
            return self.raise("TypeError", format!("{}() takes no arguments", class.name));
        }
        Ok(this)
    }

    /// Sets the items of an object derived from a built-in collection.
    pub(super) fn derived(&mut self, object: &Rc<Object<'a>>, args: Args<'a>) -> Res<'a, ()> {
        let base = if object.class.kind == Kind::Dict { "dict" } else { "list" };
        let items = self.native(&base.into(), args)?;
        object.set(ITEMS, items);
        Ok(())
    }

    fn fill(&mut self, object: &Rc<Object<'a>>, fields: &[Field<'a>], args: Args<'a>) -> Res<'a, ()> {
        let class = &object.class.name;
        if args.pos.len() > fields.len() {
            let message = format!("{class}.__init__() takes {} positional arguments", fields.len() + 1);
            return self.raise("TypeError", message);
        }
        if let Some((name, _)) =
            args.kw.iter().find(|(name, _)| !fields.iter().any(|field| field.name == *name))
        {
            let message = format!("{class}.__init__() got an unexpected keyword argument '{name}'");
            return self.raise("TypeError", message);
        }
        let given: Vec<&Field<'a>> = fields.iter().filter(|field| field.init).collect();
        for field in fields {
            let index = given.iter().position(|known| known.name == field.name);
            let found = index.and_then(|index| args.get(index, &field.name));
            let value = match (found, &field.default, &field.factory) {
                (Some(value), ..) => value,
                (None, Some(value), _) => value.clone(),
                (None, None, Some(factory)) => self.call(factory, Args::default())?,
                (None, None, None) if !field.init => continue,
                (None, None, None) => {
                    let message = format!("{class}.__init__() missing required argument: '{}'", field.name);
                    return self.raise("TypeError", message);
                }
            };
            object.set(&field.name, value);
        }
        Ok(())
    }

    /// A method of an object's class (or an attribute of a class), bound.
    pub(super) fn method_of(&mut self, value: &Value<'a>, name: &str) -> Option<Value<'a>> {
        let Value::Object(object) = value else { return None };
        let (_, found) = object.class.find(name)?;
        Some(bind(found, value, &object.class))
    }

    pub(super) fn attribute(&mut self, value: &Value<'a>, name: &Name) -> Res<'a> {
        match value {
            Value::Object(object) => {
                if let Some((_, Value::Property(property))) = object.class.find(name) {
                    return self.call(&property.0, Args::of(vec![value.clone()]));
                }
                if let Some(found) = object.get(name) {
                    return Ok(found);
                }
                if let Some((_, found)) = object.class.find(name) {
                    return Ok(bind(found, value, &object.class));
                }
                if &**name == "__class__" {
                    return Ok(Value::Class(Rc::clone(&object.class)));
                }
                if &**name == "__dict__" {
                    let shown =
                        |(k, v): &(Name, Value<'a>)| (&**k != ITEMS).then(|| (Value::str(k), v.clone()));
                    let pairs = object.attrs.borrow().iter().filter_map(shown).collect();
                    return Ok(Value::dict(pairs));
                }
                if object.class.kind == Kind::TestCase && (name.starts_with("assert") || &**name == "subTest")
                {
                    return Ok(Value::Native(format!("unittest.{name}").into()));
                }
                if let Some(items) = value.held()
                    && super::methods::known(&items, name)
                {
                    return Ok(Value::Method(Rc::new((items, Name::clone(name)))));
                }
                if let Some((_, getter)) = object.class.find("__getattr__") {
                    return self.call(&getter, Args::of(vec![value.clone(), Value::str(name)]));
                }
                if object.class.kind == Kind::NamedTuple && matches!(&**name, "_asdict" | "_replace") {
                    let method = format!("dataclasses.{}", name.trim_start_matches('_'));
                    return Ok(Value::Bound(Rc::new((value.clone(), Value::Native(method.into())))));
                }
                self.no_attribute(value, name)
            }
            Value::Class(class) => {
                if let Some((_, found)) = class.find(name) {
                    return Ok(match found {
                        Value::StaticMethod(inner) => (*inner).clone(),
                        Value::ClassMethod(inner) => Value::Bound(Rc::new((value.clone(), (*inner).clone()))),
                        other => other,
                    });
                }
                if &**name == "__name__" || &**name == "__qualname__" {
                    return Ok(Value::str(&class.name));
                }
                if class.kind == Kind::Exception && &**name == "__init__" {
                    return Ok(Value::Native("exception.__init__".into()));
                }
                let message = format!("type object '{}' has no attribute '{name}'", class.name);
                self.raise("AttributeError", message)
            }
            Value::Module(file) => {
                let module = self.module(*file)?;
                if let Some(found) = module.get(name) {
                    return Ok(found);
                }
                let program = self.program;
                if let Some(sub) = program.submodule(*file, name) {
                    return Ok(Value::Module(sub));
                }
                if let Some(library) = prelude::name_of(program.files[*file].path()) {
                    return self.native_member(library, name);
                }
                let message = format!("module has no attribute '{name}'");
                self.raise("AttributeError", message)
            }
            Value::Function(function) => match &**name {
                "__name__" | "__qualname__" => Ok(Value::str(&function.name)),
                _ => self.no_attribute(value, name),
            },
            Value::Native(module) => self.native_attribute(module, name),
            Value::Given(given) => self.given_attribute(&given.0, &given.1, name),
            Value::Super(of) => {
                let mro = match &of.1 {
                    Value::Object(object) => object.class.mro(),
                    Value::Class(class) => class.mro(),
                    _ => return Err(Stop::Unknown("super")),
                };
                let after = mro.iter().position(|class| Rc::ptr_eq(class, &of.0)).map_or(0, |at| at + 1);
                for class in &mro[after..] {
                    let found =
                        class.attrs.borrow().iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
                    if let Some(found) = found {
                        return Ok(bind(found, &of.1, class));
                    }
                }
                if &**name == "__init__" {
                    return Ok(Value::Bound(Rc::new((
                        of.1.clone(),
                        Value::Native("exception.__init__".into()),
                    ))));
                }
                if let Some(items) = of.1.held()
                    && super::methods::known(&items, name)
                {
                    return Ok(Value::Method(Rc::new((items, Name::clone(name)))));
                }
                if matches!(
                    &**name,
                    "__getitem__" | "__setitem__" | "__delitem__" | "__contains__" | "__len__" | "__iter__"
                ) && let Some(items) = of.1.held()
                {
                    return Ok(Value::Bound(Rc::new((items, Value::Native(format!("held.{name}").into())))));
                }
                if &**name == "__setattr__" {
                    return Ok(Value::Bound(Rc::new((
                        of.1.clone(),
                        Value::Native("object.__setattr__".into()),
                    ))));
                }
                self.raise("AttributeError", format!("'super' object has no attribute '{name}'"))
            }
            other if super::methods::known(other, name) => {
                Ok(Value::Method(Rc::new((other.clone(), Name::clone(name)))))
            }
            Value::Slice(_) | Value::Iter(_) | Value::Property(_) => Err(Stop::Unknown("an attribute")),
            other if name.starts_with("__") => {
                let _ = other;
                Err(Stop::Unknown("a special attribute"))
            }
            other => self.no_attribute(other, name),
        }
    }

    fn no_attribute(&mut self, value: &Value<'a>, name: &str) -> Res<'a> {
        let message = format!("'{}' object has no attribute '{name}'", value.type_name());
        self.raise("AttributeError", message)
    }

    pub(super) fn set_attribute(&mut self, object: &Value<'a>, name: &str, value: Value<'a>) -> Res<'a, ()> {
        match object {
            Value::Object(target) => {
                if let Some((_, setter)) = target.class.find("__setattr__") {
                    self.call(&setter, Args::of(vec![object.clone(), Value::str(name), value]))?;
                    return Ok(());
                }
                match target.class.find(name) {
                    Some((_, Value::Property(property))) => {
                        if let Some(setter) = &property.1 {
                            self.call(setter, Args::of(vec![object.clone(), value]))?;
                        } else {
                            let class = &target.class.name;
                            let message = format!("property '{name}' of '{class}' object has no setter");
                            return self.raise("AttributeError", message);
                        }
                    }
                    _ if target.class.frozen.get() => {
                        return self.raise("FrozenInstanceError", format!("cannot assign to field '{name}'"));
                    }
                    _ => target.set(name, value),
                }
                Ok(())
            }
            Value::Class(class) => {
                let mut attrs = class.attrs.borrow_mut();
                attrs.retain(|(known, _)| **known != *name);
                attrs.push((name.into(), value));
                Ok(())
            }
            Value::Module(file) => {
                self.module(*file)?.set(name, value);
                Ok(())
            }
            _ => Err(Stop::Unknown("an attribute that is set")),
        }
    }

    /// `super()`, if that is what is called.
    pub(super) fn super_call(&mut self, func: &Expr, bare: bool, _scope: &Rc<Scope<'a>>) -> Option<Res<'a>> {
        if !bare || func.as_name() != Some("super") {
            return None;
        }
        Some(match self.owners.last() {
            Some(Some((class, this))) => Ok(Value::Super(Rc::new((Rc::clone(class), this.clone())))),
            _ => Err(Stop::Unknown("super")),
        })
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

/// Makes `super()` in a method look from `class` on.
fn own<'a>(value: &Value<'a>, class: &Rc<Class<'a>>) {
    match value {
        Value::Function(function) => *function.owner.borrow_mut() = Some(Rc::clone(class)),
        Value::Property(property) => {
            own(&property.0, class);
            if let Some(setter) = &property.1 {
                own(setter, class);
            }
        }
        Value::StaticMethod(inner) | Value::ClassMethod(inner) => own(inner, class),
        _ => {}
    }
}

fn bind<'a>(found: Value<'a>, this: &Value<'a>, class: &Rc<Class<'a>>) -> Value<'a> {
    match found {
        Value::Function(_) | Value::Native(_) => Value::Bound(Rc::new((this.clone(), found))),
        Value::Given(ref given) if &*given.0 == "contextmanager" => {
            Value::Bound(Rc::new((this.clone(), found)))
        }
        Value::StaticMethod(inner) => (*inner).clone(),
        Value::ClassMethod(inner) => {
            let class = match this {
                Value::Object(object) => Value::Class(Rc::clone(&object.class)),
                _ => Value::Class(Rc::clone(class)),
            };
            Value::Bound(Rc::new((class, (*inner).clone())))
        }
        other => other,
    }
}

/// The members of an enumeration in order.
pub(super) fn members<'a>(class: &Rc<Class<'a>>) -> Vec<Value<'a>> {
    class
        .attrs
        .borrow()
        .iter()
        .filter(|(_, value)| matches!(value, Value::Object(object) if Rc::ptr_eq(&object.class, class)))
        .map(|(_, value)| value.clone())
        .collect()
}

/// Whether the object is a member of an enumeration.
pub(super) fn is_member(object: &Rc<Object<'_>>) -> bool {
    matches!(object.class.kind, Kind::Enum | Kind::IntEnum | Kind::StrEnum)
}

/// `a.b` of `@a.b` and `@a.b(…)`.
fn decorator_name(decorator: &Expr) -> Option<String> {
    match &decorator.kind {
        ExprKind::Call { func, .. } => func.dotted(),
        _ => decorator.dotted(),
    }
}

/// An abstract method that no class nearer than its definition overrides.
fn abstract_method(class: &Rc<Class<'_>>) -> Option<Name> {
    let is_abstract = |value: &Value<'_>| {
        let function = match value {
            Value::Function(function) => Rc::clone(function),
            Value::Property(property) => match &property.0 {
                Value::Function(function) => Rc::clone(function),
                _ => return false,
            },
            _ => return false,
        };
        function.def.is_some_and(|def| {
            def.decorators.iter().filter_map(decorator_name).any(|name| name.ends_with("abstractmethod"))
        })
    };
    class.mro().iter().find_map(|base| {
        let names: Vec<Name> = base.attrs.borrow().iter().map(|(name, _)| name.clone()).collect();
        names.into_iter().find(|name| class.find(name).is_some_and(|(_, value)| is_abstract(&value)))
    })
}
