//! Length, order and extremes.

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Cursor, Value};
use crate::workspace::python::Name;

impl<'a> Machine<'a> {
    pub(super) fn len(&mut self, value: &Value<'a>) -> Res<'a, usize> {
        Ok(match value {
            Value::Str(text) => text.chars().count(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) | Value::Set(items) => items.borrow().len(),
            Value::Tuple(items) => items.len(),
            Value::Dict(pairs) => pairs.borrow().len(),
            Value::Range(..) => self.collect(value)?.len(),
            Value::Iter(_) => self.viewed(value)?,
            Value::Given(_) if value.held().is_some() => {
                let items = value.held().unwrap_or(Value::None);
                self.len(&items)?
            }
            Value::Given(_) | Value::Native(_) => return Err(Stop::Unknown("len")),
            other => {
                if let Some(method) = self.method_of(other, "__len__") {
                    let len = self.call(&method, Args::default())?;
                    len.int().and_then(|n| usize::try_from(n).ok()).ok_or(Stop::Unknown("len"))?
                } else if let Some(items) = other.held() {
                    self.len(&items)?
                } else {
                    let message = format!("object of type '{}' has no len()", other.type_name());
                    return self.raise("TypeError", message);
                }
            }
        })
    }

    /// The length of a view of a dictionary; generators have none.
    fn viewed(&mut self, value: &Value<'a>) -> Res<'a, usize> {
        if let Value::Iter(cursor) = value
            && let Cursor::Dict(pairs, 0, ..) = &*cursor.borrow()
        {
            return Ok(pairs.borrow().len());
        }
        self.raise("TypeError", "object of type 'generator' has no len()")
    }

    /// What the special method `name` of an object gives.
    pub(super) fn by(&mut self, value: &Value<'a>, name: &str) -> Res<'a> {
        match self.method_of(value, name) {
            Some(method) => self.call(&method, Args::default()),
            None => Err(Stop::Unknown("a special method")),
        }
    }

    pub(super) fn extreme(&mut self, name: &Name, args: Args<'a>) -> Res<'a> {
        let items = match args.pos.as_slice() {
            [one] => self.collect(one)?,
            many => many.to_vec(),
        };
        let key = args.named("key").filter(|key| !matches!(key, Value::None));
        let mut best: Option<(Value<'a>, Value<'a>)> = None;
        for item in items {
            let rank = match &key {
                Some(key) => self.call(key, Args::of(vec![item.clone()]))?,
                None => item.clone(),
            };
            let better = match &best {
                Some((_, known)) => {
                    let op = if &**name == "max" { ">" } else { "<" };
                    self.compare(op, &rank, known)?
                }
                None => true,
            };
            if better {
                best = Some((item, rank));
            }
        }
        match (best, args.named("default")) {
            (Some((item, _)), _) | (None, Some(item)) => Ok(item),
            (None, None) => self.raise("ValueError", format!("{name}() arg is an empty sequence")),
        }
    }

    /// Sorts by `key` and `reverse` of `args`; a stable merge by insertion, as order may raise.
    pub(super) fn sort(&mut self, items: &mut Vec<Value<'a>>, args: &Args<'a>) -> Res<'a, ()> {
        let key = args.named("key").filter(|key| !matches!(key, Value::None));
        let reverse = match args.named("reverse") {
            Some(reverse) => self.truth(&reverse)?,
            None => false,
        };
        let mut sorted: Vec<(Value<'a>, Value<'a>)> = Vec::new();
        for item in std::mem::take(items) {
            let rank = match &key {
                Some(key) => self.call(key, Args::of(vec![item.clone()]))?,
                None => item.clone(),
            };
            let mut at = sorted.len();
            while at > 0 {
                let before = sorted[at - 1].1.clone();
                let moves = if reverse {
                    self.compare("<", &before, &rank)?
                } else {
                    self.compare("<", &rank, &before)?
                };
                if !moves {
                    break;
                }
                at -= 1;
            }
            sorted.insert(at, (item, rank));
        }
        items.extend(sorted.into_iter().map(|(item, _)| item));
        Ok(())
    }
}
