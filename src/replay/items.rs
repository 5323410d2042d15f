//! Items: of sequences, by key, and what may be a key.

use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Class, Kind, Value};

impl<'a> Machine<'a> {
    /// Raises for what has no hash.
    pub(super) fn hashable(&mut self, value: &Value<'a>) -> Res<'a, ()> {
        match value {
            Value::List(_) | Value::Dict(_) | Value::Set(_) => {
                let message = format!("unhashable type: '{}'", value.type_name());
                self.raise("TypeError", message)
            }
            Value::Tuple(items) => {
                let items = Rc::clone(items);
                items.iter().try_for_each(|item| self.hashable(item))
            }
            Value::Object(object) if unhashable(&object.class) => {
                self.raise("TypeError", format!("unhashable type: '{}'", object.class.name))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn set_of(&mut self, items: Vec<Value<'a>>) -> Res<'a> {
        let mut unique: Vec<Value<'a>> = Vec::new();
        for item in items {
            self.hashable(&item)?;
            if !self.has(&unique, &item)? {
                unique.push(item);
            }
        }
        Ok(Value::set(unique))
    }

    /// Looks `key` up in a dictionary.
    pub(super) fn find(&mut self, dict: &Value<'a>, key: &Value<'a>) -> Res<'a, Option<Value<'a>>> {
        self.hashable(key)?;
        let Value::Dict(pairs) = dict else { return Ok(None) };
        let pairs = Rc::clone(pairs);
        let len = pairs.borrow().len();
        for at in 0..len {
            let Some((known, value)) = pairs.borrow().get(at).cloned() else { break };
            if self.same_or_equal(&known, key)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    pub(super) fn item(&mut self, value: &Value<'a>, index: &Value<'a>) -> Res<'a> {
        match value {
            Value::Dict(_) => {
                if let Some(found) = self.find(value, index)? {
                    return Ok(found);
                }
                self.raise_with("KeyError", index.clone())
            }
            Value::List(_) | Value::Tuple(_) | Value::Str(_) | Value::Range(..) | Value::Bytes(_) => {
                self.sequence_item(value, index)
            }
            Value::Object(object) => {
                if let Some(method) = self.method_of(value, "__getitem__") {
                    return self.call(&method, Args::of(vec![index.clone()]));
                }
                if object.class.kind == Kind::NamedTuple {
                    let items = Value::tuple(self.collect(value)?);
                    return self.sequence_item(&items, index);
                }
                if let Some(items) = value.held() {
                    if let Some(method) = self.method_of(value, "__missing__")
                        && self.find(&items, index)?.is_none()
                    {
                        return self.call(&method, Args::of(vec![index.clone()]));
                    }
                    return self.item(&items, index);
                }
                let message = format!("'{}' object is not subscriptable", value.type_name());
                self.raise("TypeError", message)
            }
            Value::Class(class) if matches!(class.kind, Kind::Enum | Kind::IntEnum | Kind::StrEnum) => {
                match index.text().and_then(|name| class.find(name)) {
                    Some((_, member)) => Ok(member),
                    None => self.raise_with("KeyError", index.clone()),
                }
            }
            // `list[int]` and the like in annotations.
            Value::Native(_) | Value::Class(_) => Ok(value.clone()),
            Value::Given(given) if matches!(&*given.0, "defaultdict" | "Counter") => {
                let dict = given.1.pos[0].clone();
                if let Some(found) = self.find(&dict, index)? {
                    return Ok(found);
                }
                if &*given.0 == "Counter" {
                    return Ok(Value::Int(0));
                }
                let made = self.call(&given.1.pos[1].clone(), Args::default())?;
                self.set_item(&dict, index, made.clone())?;
                Ok(made)
            }
            Value::Given(given) if &*given.0 == "os.environ" => self.raise_with("KeyError", index.clone()),
            Value::Given(given) if &*given.0 == "coroutine" => {
                self.raise("TypeError", "'coroutine' object is not subscriptable")
            }
            Value::Given(given) if &*given.0 == "Match" => self.group(&given.1, index),
            Value::Given(_) => Err(Stop::Unknown("an item")),
            other => {
                let message = format!("'{}' object is not subscriptable", other.type_name());
                self.raise("TypeError", message)
            }
        }
    }

    fn sequence_item(&mut self, value: &Value<'a>, index: &Value<'a>) -> Res<'a> {
        let items = self.collect(value)?;
        if let Value::Slice(parts) = index {
            let Some(indexes) = slice(parts, items.len()) else { return Err(Stop::Unknown("a slice")) };
            let chosen: Vec<Value<'a>> =
                indexes.into_iter().filter_map(|at| items.get(at).cloned()).collect();
            return Ok(match value {
                Value::List(_) => Value::list(chosen),
                Value::Tuple(_) => Value::tuple(chosen),
                Value::Str(_) => Value::str(chosen.iter().filter_map(Value::text).collect::<String>()),
                Value::Bytes(_) => Value::Bytes(
                    chosen.iter().filter_map(Value::int).map(|b| b as u8).collect::<Vec<u8>>().into(),
                ),
                _ => return Err(Stop::Unknown("a slice")),
            });
        }
        let kind = if let Value::Str(_) = value { "string" } else { value.type_name() };
        let Some(n) = index.int() else {
            let message = format!("{kind} indices must be integers or slices, not {}", index.type_name());
            return self.raise("TypeError", message);
        };
        let at = if n < 0 { n + items.len() as i128 } else { n };
        match usize::try_from(at).ok().and_then(|at| items.get(at)) {
            Some(item) => Ok(item.clone()),
            None => self.raise("IndexError", format!("{kind} index out of range")),
        }
    }

    pub(super) fn set_item(
        &mut self,
        target: &Value<'a>,
        index: &Value<'a>,
        value: Value<'a>,
    ) -> Res<'a, ()> {
        match target {
            Value::Dict(pairs) => {
                self.hashable(index)?;
                let len = pairs.borrow().len();
                for at in 0..len {
                    let key = pairs.borrow()[at].0.clone();
                    if self.same_or_equal(&key, index)? {
                        pairs.borrow_mut()[at].1 = value;
                        return Ok(());
                    }
                }
                pairs.borrow_mut().push((index.clone(), value));
                Ok(())
            }
            Value::List(items) => {
                let Some(n) = index.int() else { return Err(Stop::Unknown("a slice that is set")) };
                let len = items.borrow().len() as i128;
                let at = if n < 0 { n + len } else { n };
                if at < 0 || at >= len {
                    return self.raise("IndexError", "list assignment index out of range");
                }
                items.borrow_mut()[at as usize] = value;
                Ok(())
            }
            Value::Given(given) if matches!(&*given.0, "defaultdict" | "Counter") => {
                let dict = given.1.pos[0].clone();
                self.set_item(&dict, index, value)
            }
            Value::Object(_) => {
                if let Some(method) = self.method_of(target, "__setitem__") {
                    self.call(&method, Args::of(vec![index.clone(), value])).map(|_| ())
                } else if let Some(items) = target.held() {
                    self.set_item(&items, index, value)
                } else {
                    let message = format!("'{}' object does not support item assignment", target.type_name());
                    self.raise("TypeError", message)
                }
            }
            Value::Given(_) | Value::Native(_) => Err(Stop::Unknown("an item that is set")),
            other => {
                let message = format!("'{}' object does not support item assignment", other.type_name());
                self.raise("TypeError", message)
            }
        }
    }

    pub(super) fn delete_item(&mut self, target: &Value<'a>, index: &Value<'a>) -> Res<'a, ()> {
        match target {
            Value::Dict(pairs) => {
                let len = pairs.borrow().len();
                for at in 0..len {
                    let key = pairs.borrow()[at].0.clone();
                    if self.same_or_equal(&key, index)? {
                        pairs.borrow_mut().remove(at);
                        return Ok(());
                    }
                }
                self.raise_with("KeyError", index.clone())
            }
            Value::List(items) => {
                let Some(n) = index.int() else { return Err(Stop::Unknown("a slice that is deleted")) };
                let len = items.borrow().len() as i128;
                let at = if n < 0 { n + len } else { n };
                if at < 0 || at >= len {
                    return self.raise("IndexError", "list assignment index out of range");
                }
                items.borrow_mut().remove(at as usize);
                Ok(())
            }
            Value::Object(_) | Value::Given(_) => {
                if let Some(method) = self.method_of(target, "__delitem__") {
                    return self.call(&method, Args::of(vec![index.clone()])).map(|_| ());
                }
                match target.held() {
                    Some(items) => self.delete_item(&items, index),
                    None => Err(Stop::Unknown("an item that is deleted")),
                }
            }
            _ => Err(Stop::Unknown("an item that is deleted")),
        }
    }
}

/// The indexes that a slice selects of `len` items.
fn slice(parts: &[Value<'_>; 3], len: usize) -> Option<Vec<usize>> {
    let len = len as i128;
    let number = |value: &Value<'_>| match value {
        Value::None => Some(None),
        other => other.int().map(Some),
    };
    let step = number(&parts[2])?.unwrap_or(1);
    let (from, to) = (number(&parts[0])?, number(&parts[1])?);
    if step == 0 {
        return None;
    }
    let clamp = |n: i128, low: i128, high: i128| (if n < 0 { n + len } else { n }).clamp(low, high);
    let mut found = Vec::new();
    if step > 0 {
        let (mut at, to) = (from.map_or(0, |n| clamp(n, 0, len)), to.map_or(len, |n| clamp(n, 0, len)));
        while at < to {
            found.push(at as usize);
            at += step;
        }
    } else {
        let mut at = from.map_or(len - 1, |n| clamp(n, -1, len - 1));
        let to = to.map_or(-1, |n| clamp(n, -1, len - 1));
        while at > to {
            found.push(at as usize);
            at += step;
        }
    }
    Some(found)
}

/// Whether a class says what is equal but not what the hash is.
fn unhashable(class: &Rc<Class<'_>>) -> bool {
    for base in class.mro() {
        let has = |name: &str| base.attrs.borrow().iter().any(|(known, _)| **known == *name);
        if has("__hash__") {
            return false;
        }
        let compares_fields =
            base.fields.borrow().is_some() && base.kind != Kind::NamedTuple && !base.frozen.get();
        if has("__eq__") || compares_fields {
            return true;
        }
    }
    false
}
