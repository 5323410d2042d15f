//! Operators, comparisons and items.

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

    fn same_or_equal(&mut self, left: &Value<'a>, right: &Value<'a>) -> Res<'a, bool> {
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
                    return Err(Stop::Unknown("an order of objects"));
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

    pub(super) fn unary(&mut self, op: &str, value: &Value<'a>) -> Res<'a> {
        if op == "not" {
            return Ok(Value::Bool(!self.truth(value)?));
        }
        match (op, value, value.int()) {
            ("-", Value::Float(x), _) => Ok(Value::Float(-x)),
            ("+", Value::Float(x), _) => Ok(Value::Float(*x)),
            ("-", _, Some(n)) => Ok(Value::Int(-n)),
            ("+", _, Some(n)) => Ok(Value::Int(n)),
            ("~", _, Some(n)) => Ok(Value::Int(!n)),
            (_, Value::Object(_), _) => {
                let method = match op {
                    "-" => "__neg__",
                    "+" => "__pos__",
                    _ => "__invert__",
                };
                match self.method_of(value, method) {
                    Some(method) => self.call(&method, Args::default()),
                    None => Err(Stop::Unknown("an operator of an object")),
                }
            }
            _ => {
                let message = format!("bad operand type for unary {op}: '{}'", value.type_name());
                self.raise("TypeError", message)
            }
        }
    }

    pub(super) fn in_place(&mut self, op: &str, old: Value<'a>, by: Value<'a>) -> Res<'a> {
        match (&old, op) {
            (Value::List(items), "+") => {
                let more = self.collect(&by)?;
                items.borrow_mut().extend(more);
                Ok(old)
            }
            (Value::Set(items), "|" | "&" | "-" | "^") => {
                if let Value::Set(made) = self.binary(op, &old, &by)? {
                    let made = made.borrow().clone();
                    *items.borrow_mut() = made;
                }
                Ok(old)
            }
            (Value::Dict(_), "|") => {
                self.update(&old, &by)?;
                Ok(old)
            }
            (Value::Object(_), _) => {
                let name = operator_name(op).ok_or(Stop::Unknown("an operator"))?;
                match self.method_of(&old, &format!("__i{name}__")) {
                    Some(method) => self.call(&method, Args::of(vec![by])),
                    None => self.binary(op, &old, &by),
                }
            }
            _ => self.binary(op, &old, &by),
        }
    }

    pub(super) fn binary(&mut self, op: &str, left: &Value<'a>, right: &Value<'a>) -> Res<'a> {
        self.step()?;
        if let (Some(a), Some(b)) = (left.int(), right.int()) {
            return self.integers(op, a, b);
        }
        if let (Some(a), Some(b)) = (left.number(), right.number()) {
            return self.floats(op, a, b);
        }
        match (op, left, right) {
            ("+", Value::Str(a), Value::Str(b)) => {
                self.spend((a.len() + b.len()) / 64)?;
                Ok(Value::str(format!("{a}{b}")))
            }
            ("+", Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([&**a, &**b].concat().into())),
            ("+", Value::List(a), Value::List(b)) => {
                let mut all = a.borrow().clone();
                all.extend(b.borrow().iter().cloned());
                self.spend(all.len() / 16)?;
                Ok(Value::list(all))
            }
            ("+", Value::Tuple(a), Value::Tuple(b)) => Ok(Value::tuple([&**a, &**b].concat())),
            ("*", Value::Str(_) | Value::List(_) | Value::Tuple(_), _) if right.int().is_some() => {
                self.repeat(left, right.int().unwrap_or(0))
            }
            ("*", _, Value::Str(_) | Value::List(_) | Value::Tuple(_)) if left.int().is_some() => {
                self.repeat(right, left.int().unwrap_or(0))
            }
            ("%", Value::Str(format), _) => {
                let format = Rc::clone(format);
                self.percent(&format, right)
            }
            ("|" | "&" | "-" | "^", Value::Set(_) | Value::Iter(_), Value::Set(_) | Value::Iter(_))
            | ("&" | "-" | "^", Value::Iter(_), _) => {
                // Views of a dictionary's keys and items are sets, too.
                let (a, b) = (self.collect(left)?, self.collect(right)?);
                let mut all = Vec::new();
                for item in &a {
                    let inside = self.has(&b, item)?;
                    if op == "|" || inside == (op == "&") {
                        all.push(item.clone());
                    }
                }
                if matches!(op, "|" | "^") {
                    for item in &b {
                        if !self.has(&a, item)? {
                            all.push(item.clone());
                        }
                    }
                }
                Ok(Value::set(all))
            }
            ("|", Value::Dict(a), Value::Dict(b)) => {
                let dict = Value::dict(a.borrow().clone());
                let more = b.borrow().clone();
                for (key, value) in more {
                    self.set_item(&dict, &key, value)?;
                }
                Ok(dict)
            }
            (_, Value::Object(_), _) | (_, _, Value::Object(_)) => self.operator_method(op, left, right),
            (_, Value::Given(_), _) | (_, _, Value::Given(_))
                if left.held().is_some() || right.held().is_some() =>
            {
                self.counted(op, left, right)
            }
            (_, Value::Given(_) | Value::Native(_), _) | (_, _, Value::Given(_) | Value::Native(_)) => {
                Err(Stop::Unknown("an operator"))
            }
            ("+", Value::Str(_), _) => {
                let message = format!("can only concatenate str (not \"{}\") to str", right.type_name());
                self.raise("TypeError", message)
            }
            _ => self.unsupported(op, left, right),
        }
    }

    fn unsupported(&mut self, op: &str, left: &Value<'a>, right: &Value<'a>) -> Res<'a> {
        let message = format!(
            "unsupported operand type(s) for {op}: '{}' and '{}'",
            left.type_name(),
            right.type_name()
        );
        self.raise("TypeError", message)
    }

    fn operator_method(&mut self, op: &str, left: &Value<'a>, right: &Value<'a>) -> Res<'a> {
        let Some(name) = operator_name(op) else { return Err(Stop::Unknown("an operator")) };
        if let (Some(items), Value::Object(_)) = (left.held(), left)
            && self.method_of(left, &format!("__{name}__")).is_none()
        {
            return self.binary(op, &items, right);
        }
        for (this, that, name) in
            [(left, right, format!("__{name}__")), (right, left, format!("__r{name}__"))]
        {
            if let Some(method) = self.method_of(this, &name) {
                let value = self.call(&method, Args::of(vec![that.clone()]))?;
                if !matches!(value, Value::NotImplemented) {
                    return Ok(value);
                }
            }
        }
        self.unsupported(op, left, right)
    }

    /// `+` and `-` of counters, `|` of other dictionaries.
    fn counted(&mut self, op: &str, left: &Value<'a>, right: &Value<'a>) -> Res<'a> {
        let counter = |value: &Value<'a>| matches!(value, Value::Given(given) if &*given.0 == "Counter");
        let (Some(a), Some(b)) = (left.held(), right.held()) else {
            return Err(Stop::Unknown("an operator"));
        };
        if !counter(left) || !counter(right) || !matches!(op, "+" | "-") {
            return Err(Stop::Unknown("an operator"));
        }
        let (Value::Dict(a), Value::Dict(b)) = (a, b) else { return Err(Stop::Unknown("an operator")) };
        let sum = Value::dict(a.borrow().clone());
        let more = b.borrow().clone();
        for (key, count) in more {
            let old = self.find(&sum, &key)?.unwrap_or(Value::Int(0));
            let new = self.binary(op, &old, &count)?;
            self.set_item(&sum, &key, new)?;
        }
        if let Value::Dict(pairs) = &sum {
            pairs.borrow_mut().retain(|(_, count)| count.int().is_none_or(|n| n > 0));
        }
        Ok(Value::Given(Rc::new(("Counter".into(), Args::of(vec![sum])))))
    }

    fn repeat(&mut self, value: &Value<'a>, times: i128) -> Res<'a> {
        let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
        let len = match value {
            Value::Str(text) => text.len(),
            Value::List(items) => items.borrow().len(),
            Value::Tuple(items) => items.len(),
            _ => 1,
        };
        self.spend(len.saturating_mul(times).max(times))?;
        Ok(match value {
            Value::Str(text) => Value::str(text.repeat(times)),
            Value::List(items) => Value::list(repeated(&items.borrow(), times)),
            Value::Tuple(items) => Value::tuple(repeated(items, times)),
            _ => return Err(Stop::Unknown("a repetition")),
        })
    }

    fn integers(&mut self, op: &str, a: i128, b: i128) -> Res<'a> {
        let made = match op {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            "/" => return self.floats(op, a as f64, b as f64),
            "//" | "%" if b == 0 => {
                return self.raise("ZeroDivisionError", "integer division or modulo by zero");
            }
            "//" => a.checked_div_euclid(b).map(|_| floor_div(a, b)),
            "%" => a.checked_rem(b).map(|_| a - floor_div(a, b) * b),
            "**" => match u32::try_from(b) {
                Ok(b) => a.checked_pow(b),
                Err(_) => return self.floats(op, a as f64, b as f64),
            },
            "&" => Some(a & b),
            "|" => Some(a | b),
            "^" => Some(a ^ b),
            "<<" => u32::try_from(b).ok().filter(|&b| b < 64).and_then(|b| a.checked_mul(1 << b)),
            ">>" => u32::try_from(b).ok().map(|b| a >> b.min(127)),
            _ => None,
        };
        made.map(Value::Int).ok_or(Stop::Unknown("a large number"))
    }

    fn floats(&mut self, op: &str, a: f64, b: f64) -> Res<'a> {
        if b == 0.0 && matches!(op, "/" | "//" | "%") {
            return self
                .raise("ZeroDivisionError", if op == "/" { "division by zero" } else { "float modulo" });
        }
        Ok(Value::Float(match op {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "//" => (a / b).floor(),
            "%" => a - (a / b).floor() * b,
            "**" => a.powf(b),
            _ => return self.raise("TypeError", format!("unsupported operand type(s) for {op}: 'float'")),
        }))
    }

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

/// The middle of the names of the methods for an operator: `add` of `__add__`, `__radd__` and `__iadd__`.
fn operator_name(op: &str) -> Option<&'static str> {
    Some(match op {
        "+" => "add",
        "-" => "sub",
        "*" => "mul",
        "/" => "truediv",
        "//" => "floordiv",
        "%" => "mod",
        "**" => "pow",
        "|" => "or",
        "&" => "and",
        "^" => "xor",
        "@" => "matmul",
        "<<" => "lshift",
        ">>" => "rshift",
        _ => return None,
    })
}

fn repeated<'a>(items: &[Value<'a>], times: usize) -> Vec<Value<'a>> {
    (0..times).flat_map(|_| items.iter().cloned()).collect()
}

fn floor_div(a: i128, b: i128) -> i128 {
    let quotient = a / b;
    if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient }
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
