//! Reads JSON the way models write it: with prose, fences and `<think>` around it, trailing or missing commas,
//! single or typographic quotes, quotes inside of strings, Python's constants, comments, and an end that never
//! came. What is valid JSON gives what a strict reader gives.

mod reader;

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use reader::{Reader, Within};

/// Largest answer that is looked at, in bytes; the rest is left out.
pub const MAX_ANSWER: usize = 256 << 10;
/// Most places at which an object is looked for.
const MAX_STARTS: usize = 64;

/// A value as a model wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `None`, or a number that is none.
    Null,
    /// A truth value.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// Text, quoted or bare.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// Fields in their order; a name may occur twice.
    Object(Vec<(String, Self)>),
}

/// The objects (and lists) that stand at the outermost level of `answer`, in their order.
pub fn objects(answer: &str) -> Vec<Value> {
    let text = bounded(answer.trim_start_matches('\u{feff}'));
    // JSON that was written as a text of JSON.
    let within =
        Some(text.trim()).filter(|text| text.starts_with('"')).and_then(|t| serde_json::from_str(t).ok());
    let text: &str = within.as_ref().map_or(text, String::as_str);
    let text = without_thoughts(text);
    let mut found = Vec::new();
    let mut from = 0;
    for _ in 0..MAX_STARTS {
        let Some(at) = text.get(from..).and_then(|rest| rest.find(['{', '['])).map(|at| from + at) else {
            break;
        };
        let (value, end) = strict(&text[at..]).map_or_else(
            || {
                let mut reader = Reader { text, at };
                (reader.value(0, Within::Nothing), reader.at)
            },
            |(value, length)| (value, at + length),
        );
        let is_empty = match &value {
            Value::Object(fields) => fields.is_empty(),
            Value::List(items) => !items.iter().any(|item| matches!(item, Value::Object(_))),
            _ => true,
        };
        if is_empty {
            from = at + 1;
        } else {
            from = end.max(at + 1);
            found.push(value);
        }
    }
    found
}

/// The valid JSON that `text` begins with, and its length in bytes.
fn strict(text: &str) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

/// Of a field that occurs twice both are kept, unlike in `serde_json::Value`.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;

        impl<'de> Visitor<'de> for AnyValue {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
                Ok(Value::Bool(truth))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Number(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Value::Object(fields))
            }
        }

        deserializer.deserialize_any(AnyValue)
    }
}

/// The first bytes of `text`, up to [`MAX_ANSWER`].
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_ANSWER);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What comes after a model's reasoning. Reasoning without an end is left in: the answer may be in it.
fn without_thoughts(text: &str) -> &str {
    let mut rest = text;
    for (open, close) in
        [("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<reasoning>", "</reasoning>")]
    {
        if let Some(at) = rest.rfind(close) {
            let after = &rest[at + close.len()..];
            // Some models answer before they think.
            rest = match rest.find(open) {
                Some(start) if !after.contains('{') && rest[..start].contains('{') => &rest[..start],
                _ if after.contains(['{', ':']) => after,
                _ => rest,
            };
        }
    }
    rest
}

#[cfg(test)]
mod tests;
