//! JSON whose fields stay in the order in which they are put: models write the fields of an answer in the order of the
//! schema, so that of an answer that is cut off the last ones are missing. `serde_json` sorts them by name.

use std::fmt;

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A JSON value that is only written.
#[derive(Debug, Clone, PartialEq)]
pub enum Ordered {
    /// Fields in their order.
    Object(Vec<(String, Self)>),
    /// A list.
    List(Vec<Self>),
    /// Anything else, or an object whose order says nothing.
    Plain(Value),
}

impl Ordered {
    /// An object with these fields.
    pub fn object<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Adds a field to an object; a value that is none becomes one with this field.
    pub fn set(&mut self, name: &str, value: impl Into<Self>) {
        let field = (name.to_owned(), value.into());
        match self {
            Self::Object(fields) => fields.push(field),
            Self::List(_) | Self::Plain(_) => *self = Self::Object(vec![field]),
        }
    }

    /// The names of the fields.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Object(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Plain(Value::Object(map)) => map.keys().map(String::as_str).collect(),
            Self::List(_) | Self::Plain(_) => Vec::new(),
        }
    }
}

impl From<Value> for Ordered {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(map) => {
                Self::Object(map.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            other => Self::Plain(other),
        }
    }
}

impl From<&str> for Ordered {
    fn from(text: &str) -> Self {
        Self::Plain(text.into())
    }
}

impl From<String> for Ordered {
    fn from(text: String) -> Self {
        Self::Plain(text.into())
    }
}

impl From<bool> for Ordered {
    fn from(truth: bool) -> Self {
        Self::Plain(truth.into())
    }
}

impl From<u64> for Ordered {
    fn from(number: u64) -> Self {
        Self::Plain(number.into())
    }
}

impl From<u32> for Ordered {
    fn from(number: u32) -> Self {
        Self::Plain(number.into())
    }
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Plain(value) => value.serialize(serializer),
        }
    }
}

/// As JSON text; with `{:#}` on lines of their own.
impl fmt::Display for Ordered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            if f.alternate() { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}
