//! Operators on values.

use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Value};

impl<'a> Machine<'a> {
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
