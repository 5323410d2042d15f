//! Copies of values, and objects as plain dictionaries and tuples.

use std::cell::RefCell;
use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Object, Value};

impl<'a> Machine<'a> {
    /// `copy.copy`.
    pub(super) fn shallow(&mut self, value: &Value<'a>) -> Res<'a> {
        Ok(match value {
            Value::List(items) => Value::list(items.borrow().clone()),
            Value::Dict(pairs) => Value::dict(pairs.borrow().clone()),
            Value::Set(items) => Value::set(items.borrow().clone()),
            Value::Object(object) => {
                if self.method_of(value, "__copy__").is_some() || value.held().is_some() {
                    return Err(Stop::Unknown("copy"));
                }
                let attrs = RefCell::new(object.attrs.borrow().clone());
                Value::Object(Rc::new(Object { class: Rc::clone(&object.class), attrs }))
            }
            Value::Given(_) | Value::Iter(_) => return Err(Stop::Unknown("copy")),
            other => other.clone(),
        })
    }

    /// `copy.deepcopy`; `known` has the objects that are copied already, with their copies.
    pub(super) fn deep(
        &mut self,
        value: &Value<'a>,
        known: &mut Vec<(Rc<Object<'a>>, Rc<Object<'a>>)>,
    ) -> Res<'a> {
        self.step()?;
        Ok(match value {
            Value::List(items) => {
                let items = items.borrow().clone();
                Value::list(self.deep_all(&items, known)?)
            }
            Value::Set(items) => Value::set(items.borrow().clone()),
            Value::Tuple(items) => {
                let items = Rc::clone(items);
                Value::tuple(self.deep_all(&items, known)?)
            }
            Value::Dict(pairs) => {
                let pairs = pairs.borrow().clone();
                let mut made = Vec::new();
                for (key, value) in pairs {
                    made.push((key, self.deep(&value, known)?));
                }
                Value::dict(made)
            }
            Value::Object(object) if super::classes::is_member(object) => value.clone(),
            Value::Object(object) => {
                if let Some((_, copy)) = known.iter().find(|(old, _)| Rc::ptr_eq(old, object)) {
                    return Ok(Value::Object(Rc::clone(copy)));
                }
                if self.method_of(value, "__deepcopy__").is_some() {
                    return Err(Stop::Unknown("deepcopy"));
                }
                let class = Rc::clone(&object.class);
                let copy = Rc::new(Object { class, attrs: RefCell::default() });
                known.push((Rc::clone(object), Rc::clone(&copy)));
                let attrs = object.attrs.borrow().clone();
                for (name, value) in attrs {
                    let value = self.deep(&value, known)?;
                    copy.set(&name, value);
                }
                Value::Object(copy)
            }
            Value::Given(_) | Value::Iter(_) => return Err(Stop::Unknown("deepcopy")),
            other => other.clone(),
        })
    }

    fn deep_all(
        &mut self,
        items: &[Value<'a>],
        known: &mut Vec<(Rc<Object<'a>>, Rc<Object<'a>>)>,
    ) -> Res<'a, Vec<Value<'a>>> {
        items.iter().map(|item| self.deep(item, known)).collect()
    }

    /// `dataclasses.asdict` and `astuple`, of named tuples `_asdict`.
    pub(super) fn as_plain(&mut self, value: &Value<'a>, dict: bool) -> Res<'a> {
        self.step()?;
        Ok(match value {
            Value::Object(object) => {
                let Some(fields) = object.class.all_fields() else {
                    return self.deep(value, &mut Vec::new());
                };
                let mut pairs = Vec::new();
                for field in fields {
                    let held = object.get(&field.name).unwrap_or(Value::None);
                    pairs.push((Value::str(&field.name), self.as_plain(&held, dict)?));
                }
                if dict {
                    Value::dict(pairs)
                } else {
                    Value::tuple(pairs.into_iter().map(|(_, value)| value).collect())
                }
            }
            Value::List(items) => {
                let items = items.borrow().clone();
                let made: Res<'a, Vec<_>> = items.iter().map(|item| self.as_plain(item, dict)).collect();
                Value::list(made?)
            }
            Value::Dict(pairs) => {
                let pairs = pairs.borrow().clone();
                let mut made = Vec::new();
                for (key, value) in pairs {
                    made.push((key, self.as_plain(&value, dict)?));
                }
                Value::dict(made)
            }
            Value::Tuple(_) | Value::Given(_) => return Err(Stop::Unknown("asdict")),
            other => other.clone(),
        })
    }

    /// `dataclasses.replace` and `_replace`.
    pub(super) fn replaced(&mut self, value: &Value<'a>, args: &Args<'a>) -> Res<'a> {
        let Value::Object(object) = value else {
            return self.raise("TypeError", "replace() should be called on dataclass instances");
        };
        let Some(fields) = object.class.all_fields() else { return Err(Stop::Unknown("replace")) };
        let mut all = Args { pos: Vec::new(), kw: args.kw.clone() };
        for field in fields.iter().filter(|field| field.init) {
            if all.named(&field.name).is_none() {
                let old = object.get(&field.name).unwrap_or(Value::None);
                all.kw.push((field.name.clone(), old));
            }
        }
        self.call(&Value::Class(Rc::clone(&object.class)), all)
    }
}
