//! Classes: how they are made, and objects of them.

use std::cell::RefCell;
use std::rc::Rc;

use super::attributes::own;
use super::machine::{Machine, Res, Stop};
use super::scope::Scope;
use super::value::{Args, Class, Field, ITEMS, Kind, Object, Value};
use crate::workspace::python::{Class as ClassDef, Expr, ExprKind, Name, StmtKind};

impl<'a> Machine<'a> {
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
        let told = bases.iter().find_map(|base: &Rc<Class<'a>>| Some(base.find("__init_subclass__")?.1));
        let mut words = Args::default();
        for keyword in &def.keywords {
            match &keyword.name {
                Some(name) if &**name == "metaclass" => {
                    let known = keyword.value.dotted();
                    if !matches!(known.as_deref(), Some("ABCMeta" | "abc.ABCMeta")) {
                        return Err(Stop::Unknown("a metaclass"));
                    }
                }
                Some(name) if told.is_some() => {
                    words.kw.push((name.clone(), self.eval(&keyword.value, scope)?));
                }
                _ => return Err(Stop::Unknown("a metaclass")),
            }
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
        self.name_descriptors(&class)?;
        if let Some(told) = told {
            let function = match told {
                Value::ClassMethod(inner) => (*inner).clone(),
                other => other,
            };
            words.pos.push(Value::Class(Rc::clone(&class)));
            self.call(&function, words)?;
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

    /// Tells descriptors what they are called.
    fn name_descriptors(&mut self, class: &Rc<Class<'a>>) -> Res<'a, ()> {
        let attrs = class.attrs.borrow().clone();
        for (name, value) in attrs {
            if let Value::Object(object) = &value
                && !Rc::ptr_eq(&object.class, class)
                && let Some(method) = self.method_of(&value, "__set_name__")
            {
                let owner = Value::Class(Rc::clone(class));
                self.call(&method, Args::of(vec![owner, Value::str(&name)]))?;
            }
        }
        Ok(())
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
            Some("property") => {
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

    pub(super) fn instantiate(&mut self, class: &Rc<Class<'a>>, args: Args<'a>) -> Res<'a> {
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
