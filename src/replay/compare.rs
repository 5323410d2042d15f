//! Truth, equality, order and membership.

use std::cmp::Ordering;
use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Kind, Value};

impl<'a> Machine<'a> {
    pub(super) fn truth(&mut self, value: &Value<'a>) -> Res<'a, bool> {
        Ok(match value {
            Value::None => false,
            Value::Bool(b) => *b,
            Value::Int(n) => *n != 0,
            Value::Float(x) => *x != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(items) | Value::Set(items) => !items.borrow().is_empty(),
            Value::Tuple(items) => !items.is_empty(),
            Value::Dict(pairs) => !pairs.borrow().is_empty(),
            Value::Range(from, to, step) => {
                if *step > 0 {
                    from < to
                } else {
                    from > to
                }
            }
            Value::Object(_) => {
                if let Some(method) = self.method_of(value, "__bool__") {
                    let value = self.call(&method, Args::default())?;
                    return Ok(matches!(value, Value::Bool(true)));
                }
                if let Some(method) = self.method_of(value, "__len__") {
                    let value = self.call(&method, Args::default())?;
                    return Ok(value.int() != Some(0));
                }
                match value.held() {
                    Some(items) => return self.truth(&items),
                    None => true,
                }
            }
            Value::Given(_) => match value.held() {
                Some(items) => return self.truth(&items),
                None => true,
            },
            _ => true,
        })
    }

    pub(super) fn equal(&mut self, left: &Value<'a>, right: &Value<'a>) -> Res<'a, bool> {
        self.step()?;
        if let (Some(a), Some(b)) = (left.int(), right.int()) {
            return Ok(a == b);
        }
        if let (Some(a), Some(b)) = (left.number(), right.number()) {
            return Ok(a == b);
        }
        Ok(match (left, right) {
            (Value::Given(given), other) | (other, Value::Given(given)) if &*given.0 == "pytest.approx" => {
                return self.approximately(other, &given.1);
            }
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => {
                let (a, b) = (a.borrow().clone(), b.borrow().clone());
                return self.equal_all(&a, &b);
            }
            (Value::Tuple(a), Value::Tuple(b)) => {
                let (a, b) = (Rc::clone(a), Rc::clone(b));
                return self.equal_all(&a, &b);
            }
            (Value::Set(a), Value::Set(b)) => {
                let (a, b) = (a.borrow().clone(), b.borrow().clone());
                if a.len() != b.len() {
                    return Ok(false);
                }
                for item in &a {
                    if !self.has(&b, item)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Dict(a), Value::Dict(b)) => {
                let (a, b) = (a.borrow().clone(), b.borrow().clone());
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (key, value) in &a {
                    let mut found = false;
                    for (other, theirs) in &b {
                        if self.equal(key, other)? {
                            found = self.same_or_equal(value, theirs)?;
                            break;
                        }
                    }
                    if !found {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Range(a, b, c), Value::Range(d, e, f)) => (a, b, c) == (d, e, f),
            (Value::Object(a), other) | (other, Value::Object(a)) => {
                for (this, that) in [(left, right), (right, left)] {
                    if let Some(method) = self.method_of(this, "__eq__") {
                        let value = self.call(&method, Args::of(vec![that.clone()]))?;
                        if !matches!(value, Value::NotImplemented) {
                            return self.truth(&value);
                        }
                    }
                }
                if let Value::Object(b) = other
                    && !matches!(a.class.kind, Kind::Dict | Kind::List | Kind::StrEnum)
                    && Rc::ptr_eq(&a.class, &b.class)
                    && !Rc::ptr_eq(a, b)
                    && let Some(fields) = a.class.all_fields()
                {
                    for field in fields.into_iter().filter(|field| field.compare) {
                        let (x, y) = (a.get(&field.name), b.get(&field.name));
                        let (Some(x), Some(y)) = (x, y) else { return Ok(false) };
                        if !self.same_or_equal(&x, &y)? {
                            return Ok(false);
                        }
                    }
                    return Ok(true);
                }
                if let (Kind::NamedTuple, Value::Tuple(_)) = (a.class.kind, other) {
                    let mine = self.collect(&Value::Object(Rc::clone(a)))?;
                    let theirs = self.collect(other)?;
                    return self.equal_all(&mine, &theirs);
                }
                match (left.held(), right.held()) {
                    (None, None) => left.same(right),
                    (a, b) => {
                        let (a, b) = (a.unwrap_or_else(|| left.clone()), b.unwrap_or_else(|| right.clone()));
                        return self.equal(&a, &b);
                    }
                }
            }
            (Value::Given(_), _) | (_, Value::Given(_))
                if left.held().is_some() || right.held().is_some() =>
            {
                let plain = |value: &Value<'a>| value.held().unwrap_or_else(|| value.clone());
                return self.equal(&plain(left), &plain(right));
            }
            (Value::Given(_), Value::None) | (Value::None, Value::Given(_)) => false,
            (Value::Given(_), _) | (_, Value::Given(_)) => {
                return Err(Stop::Unknown("compares what is not known"));
            }
            (Value::Bound(a), Value::Bound(b)) => a.0.same(&b.0) && a.1.same(&b.1),
            _ => left.same(right),
        })
    }

    pub(super) fn same_or_equal(&mut self, left: &Value<'a>, right: &Value<'a>) -> Res<'a, bool> {
        Ok(left.same(right) || self.equal(left, right)?)
    }

    fn equal_all(&mut self, left: &[Value<'a>], right: &[Value<'a>]) -> Res<'a, bool> {
        if left.len() != right.len() {
            return Ok(false);
        }
        for (a, b) in left.iter().zip(right) {
            if !self.same_or_equal(a, b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn has(&mut self, items: &[Value<'a>], wanted: &Value<'a>) -> Res<'a, bool> {
        for item in items {
            if self.same_or_equal(item, wanted)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn compare(&mut self, op: &str, left: &Value<'a>, right: &Value<'a>) -> Res<'a, bool> {
        Ok(match op {
            "==" => self.equal(left, right)?,
            "!=" => !self.equal(left, right)?,
            "is" => left.same(right),
            "is not" => !left.same(right),
            "in" => self.contains(right, left)?,
            "not in" => !self.contains(right, left)?,
            _ => {
                let Some(order) = self.order(left, right, op)? else { return Ok(false) };
                match op {
                    "<" => order == Ordering::Less,
                    "<=" => order != Ordering::Greater,
                    ">" => order == Ordering::Greater,
                    ">=" => order != Ordering::Less,
                    _ => return Err(Stop::Unknown("a comparison")),
                }
            }
        })
    }

    fn contains(&mut self, whole: &Value<'a>, part: &Value<'a>) -> Res<'a, bool> {
        match whole {
            Value::Str(text) => {
                if let Value::Str(part) = part {
                    Ok(text.contains(&**part))
                } else {
                    let message =
                        format!("'in <string>' requires string as left operand, not {}", part.type_name());
                    self.raise("TypeError", message)
                }
            }
            Value::Dict(pairs) => {
                self.hashable(part)?;
                let keys: Vec<Value<'a>> = pairs.borrow().iter().map(|(key, _)| key.clone()).collect();
                self.has(&keys, part)
            }
            Value::Set(items) => {
                self.hashable(part)?;
                let items = items.borrow().clone();
                self.has(&items, part)
            }
            Value::Range(from, to, step) => {
                let Some(n) = part.int() else { return Ok(false) };
                let inside = if *step > 0 { (*from..*to).contains(&n) } else { n <= *from && n > *to };
                Ok(inside && (n - from) % step == 0)
            }
            Value::Object(_) if self.method_of(whole, "__contains__").is_some() => {
                let Some(method) = self.method_of(whole, "__contains__") else { return Ok(false) };
                let value = self.call(&method, Args::of(vec![part.clone()]))?;
                self.truth(&value)
            }
            Value::Object(_) | Value::Given(_) if whole.held().is_some() => {
                let Some(items) = whole.held() else { return Ok(false) };
                self.contains(&items, part)
            }
            Value::None | Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Function(_) => {
                let message = format!("argument of type '{}' is not iterable", whole.type_name());
                self.raise("TypeError", message)
            }
            _ => {
                let items = self.collect(whole)?;
                self.has(&items, part)
            }
        }
    }

    /// How two values are ordered; `None` for NaN.
    pub(super) fn order(
        &mut self,
        left: &Value<'a>,
        right: &Value<'a>,
        op: &str,
    ) -> Res<'a, Option<Ordering>> {
        self.step()?;
        if let (Some(a), Some(b)) = (left.int(), right.int()) {
            return Ok(Some(a.cmp(&b)));
        }
        if let (Some(a), Some(b)) = (left.number(), right.number()) {
            return Ok(a.partial_cmp(&b));
        }
        let sequences = match (left, right) {
            (Value::Str(a), Value::Str(b)) => return Ok(Some(a.cmp(b))),
            (Value::Bytes(a), Value::Bytes(b)) => return Ok(Some(a.cmp(b))),
            (Value::List(a), Value::List(b)) => Some((a.borrow().clone(), b.borrow().clone())),
            (Value::Tuple(a), Value::Tuple(b)) => Some((a.to_vec(), b.to_vec())),
            (Value::Object(_), _) => {
                let name = match op {
                    "<" => "__lt__",
                    "<=" => "__le__",
                    ">" => "__gt__",
                    _ => "__ge__",
                };
                if let Some(method) = self.method_of(left, name) {
                    let value = self.call(&method, Args::of(vec![right.clone()]))?;
                    let holds = self.truth(&value)?;
                    let (yes, no) = match op {
                        "<" | "<=" => (Ordering::Less, Ordering::Greater),
                        _ => (Ordering::Greater, Ordering::Less),
                    };
                    return Ok(Some(if holds { yes } else { no }));
                }
                if let Value::Object(right) = right
                    && let Value::Object(left) = left
                    && Rc::ptr_eq(&left.class, &right.class)
                    && left.class.ordered.get()
                {
                    for field in left.class.all_fields().unwrap_or_default() {
                        let (Some(x), Some(y)) = (left.get(&field.name), right.get(&field.name)) else {
                            break;
                        };
                        if field.compare && !self.same_or_equal(&x, &y)? {
                            return self.order(&x, &y, op);
                        }
                    }
                    return Ok(Some(Ordering::Equal));
                }
                if let (Some(a), Some(b)) = (left.held(), right.held()) {
                    return self.order(&a, &b, op);
                }
                let plain = |value: &Value<'a>| match value {
                    Value::Object(object) => {
                        !matches!(object.class.kind, Kind::NamedTuple | Kind::StrEnum | Kind::List)
                            && !["__lt__", "__le__", "__gt__", "__ge__"]
                                .iter()
                                .any(|n| object.class.find(n).is_some())
                    }
                    _ => true,
                };
                if let (Value::Object(a), Value::Object(b)) = (left, right)
                    && (a.class.kind, b.class.kind) == (Kind::NamedTuple, Kind::NamedTuple)
                {
                    let (a, b) = (self.collect(left)?, self.collect(right)?);
                    return self.order(&Value::tuple(a), &Value::tuple(b), op);
                }
                if plain(left) && plain(right) {
                    None
                } else {
                    // `a > b` asks `b < a` where only `__lt__` is there.
                    let (asked, other, holds) = match op {
                        "<" => (left, right, Ordering::Less),
                        ">" => (right, left, Ordering::Greater),
                        _ => return Err(Stop::Unknown("an order of objects")),
                    };
                    let Some(method) = self.method_of(asked, "__lt__") else {
                        return Err(Stop::Unknown("an order of objects"));
                    };
                    let less = self.call(&method, Args::of(vec![other.clone()]))?;
                    if matches!(less, Value::NotImplemented) {
                        return Err(Stop::Unknown("an order of objects"));
                    }
                    let less = self.truth(&less)?;
                    return Ok(Some(if less { holds } else { Ordering::Equal }));
                }
            }
            (Value::Set(_), Value::Set(_)) | (Value::Given(_), _) | (_, Value::Given(_)) => {
                return Err(Stop::Unknown("an order"));
            }
            _ => None,
        };
        let Some((a, b)) = sequences else {
            let message = format!(
                "'{op}' not supported between instances of '{}' and '{}'",
                left.type_name(),
                right.type_name()
            );
            return self.raise("TypeError", message);
        };
        for (x, y) in a.iter().zip(&b) {
            if !self.same_or_equal(x, y)? {
                return self.order(x, y, op);
            }
        }
        Ok(Some(a.len().cmp(&b.len())))
    }
}
