//! Attributes, methods and `super()`.

use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::prelude;
use super::scope::Scope;
use super::value::{Args, Class, ITEMS, Kind, Value};
use crate::workspace::python::{Expr, Name};

impl<'a> Machine<'a> {
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
                if let Some((_, descriptor @ Value::Object(_))) = object.class.find(name)
                    && (object.get(name).is_none() || self.method_of(&descriptor, "__set__").is_some())
                    && let Some(method) = self.method_of(&descriptor, "__get__")
                {
                    let owner = Value::Class(Rc::clone(&object.class));
                    return self.call(&method, Args::of(vec![value.clone(), owner]));
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
                    if let Some(method) = self.method_of(&found, "__get__") {
                        return self.call(&method, Args::of(vec![Value::None, value.clone()]));
                    }
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
            Value::Function(function) if function.attr(name).is_some() => {
                Ok(function.attr(name).unwrap_or(Value::None))
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
                if &**name == "__init_subclass__" {
                    return Ok(Value::Native("__nothing__".into()));
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
            other if &**name == "__class__" => Ok(Value::Native(other.type_name().into())),
            other if name.starts_with("__") => {
                let _ = other;
                Err(Stop::Unknown("a special attribute"))
            }
            other => self.no_attribute(other, name),
        }
    }

    pub(super) fn no_attribute(&mut self, value: &Value<'a>, name: &str) -> Res<'a> {
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
                if let Some((_, descriptor @ Value::Object(_))) = target.class.find(name)
                    && let Some(method) = self.method_of(&descriptor, "__set__")
                {
                    self.call(&method, Args::of(vec![object.clone(), value]))?;
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
            Value::Function(function) => {
                let mut attrs = function.attrs.borrow_mut();
                attrs.retain(|(known, _)| **known != *name);
                attrs.push((name.into(), value));
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
}

/// Makes `super()` in a method look from `class` on.
pub(super) fn own<'a>(value: &Value<'a>, class: &Rc<Class<'a>>) {
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
