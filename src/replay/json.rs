//! `json.loads` and `json.dumps`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Value};

/// A JSON value with its keys in order.
enum Json {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Json, E> {
        Ok(Json::Bool(b))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Json, E> {
        Ok(Json::Int(n.into()))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Json, E> {
        Ok(Json::Int(n.into()))
    }

    fn visit_f64<E>(self, x: f64) -> Result<Json, E> {
        Ok(Json::Float(x))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Json::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Json, A::Error> {
        let mut all: Vec<(String, Json)> = Vec::new();
        while let Some((key, value)) = pairs.next_entry::<String, Json>()? {
            match all.iter_mut().find(|(known, _)| *known == key) {
                Some(known) => known.1 = value,
                None => all.push((key, value)),
            }
        }
        Ok(Json::Map(all))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

fn value<'a>(json: Json) -> Value<'a> {
    match json {
        Json::Null => Value::None,
        Json::Bool(b) => Value::Bool(b),
        Json::Int(n) => Value::Int(n),
        Json::Float(x) => Value::Float(x),
        Json::Text(text) => Value::str(text),
        Json::List(items) => Value::list(items.into_iter().map(value).collect()),
        Json::Map(pairs) => Value::dict(pairs.into_iter().map(|(k, v)| (Value::str(k), value(v))).collect()),
    }
}

/// How a value is written.
struct Style {
    indent: Option<usize>,
    sorted: bool,
    item: String,
    key: String,
    ascii: bool,
}

impl<'a> Machine<'a> {
    /// `json.loads(text)`.
    pub(super) fn json_read(&mut self, text: &Value<'a>) -> Res<'a> {
        let Some(text) = text.text() else {
            let kind = text.type_name();
            let message = format!("the JSON object must be str, bytes or bytearray, not {kind}");
            return self.raise("TypeError", message);
        };
        self.spend(text.len() / 8 + 1)?;
        match serde_json::from_str::<Json>(text) {
            Ok(json) => Ok(value(json)),
            // Its class is the library's own, which no program here could have.
            Err(_) => Err(Stop::Unknown("a text that is no JSON")),
        }
    }

    /// `json.dumps(value, …)`.
    pub(super) fn json_written(&mut self, args: &Args<'a>) -> Res<'a> {
        let known = ["indent", "sort_keys", "separators", "ensure_ascii"];
        if args.kw.iter().any(|(name, _)| !known.contains(&&**name)) {
            return Err(Stop::Unknown("an option of dumps"));
        }
        let indent = args.named("indent").and_then(|n| n.int()).map(|n| n.max(0) as usize);
        let mut style = Style {
            indent,
            sorted: matches!(args.named("sort_keys"), Some(Value::Bool(true))),
            item: if indent.is_some() { ",".into() } else { ", ".into() },
            key: ": ".into(),
            ascii: !matches!(args.named("ensure_ascii"), Some(Value::Bool(false))),
        };
        if let Some(Value::Tuple(parts)) = args.named("separators")
            && let [item, key] = &*parts
        {
            style.item = item.text().unwrap_or(", ").to_owned();
            style.key = key.text().unwrap_or(": ").to_owned();
        }
        let mut made = String::new();
        self.json_part(&args.pos[0], &style, 0, &mut made)?;
        Ok(Value::str(made))
    }

    fn json_part(&mut self, value: &Value<'a>, style: &Style, depth: usize, out: &mut String) -> Res<'a, ()> {
        self.step()?;
        if depth > 50 {
            return Err(Stop::Unknown("nested too deeply"));
        }
        let value = &value.held().unwrap_or_else(|| value.clone());
        let line =
            |depth: usize| style.indent.map_or_else(String::new, |n| format!("\n{}", " ".repeat(n * depth)));
        match value {
            Value::None => out.push_str("null"),
            Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Value::Int(n) => out.push_str(&n.to_string()),
            Value::Float(x) if x.is_finite() => out.push_str(&self.repr(value)?),
            Value::Str(text) => quoted(text, style.ascii, out),
            Value::List(_) | Value::Tuple(_) => {
                let items = self.collect(value)?;
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { &style.item } else { "" });
                    out.push_str(&line(depth + 1));
                    self.json_part(item, style, depth + 1, out)?;
                }
                out.push_str(&if items.is_empty() { String::new() } else { line(depth) });
                out.push(']');
            }
            Value::Dict(pairs) => {
                let mut pairs = pairs.borrow().clone();
                // JSON has text as keys only.
                for (key, _) in &mut pairs {
                    *key = match key {
                        Value::Str(_) => continue,
                        Value::Int(n) => Value::str(n.to_string()),
                        Value::Bool(b) => Value::str(if *b { "true" } else { "false" }),
                        Value::None => Value::str("null"),
                        _ => return Err(Stop::Unknown("keys that are no text")),
                    };
                }
                if style.sorted {
                    pairs.sort_by(|(a, _), (b, _)| a.text().cmp(&b.text()));
                }
                out.push('{');
                for (index, (key, item)) in pairs.iter().enumerate() {
                    out.push_str(if index > 0 { &style.item } else { "" });
                    out.push_str(&line(depth + 1));
                    quoted(key.text().unwrap_or_default(), style.ascii, out);
                    out.push_str(&style.key);
                    self.json_part(item, style, depth + 1, out)?;
                }
                out.push_str(&if pairs.is_empty() { String::new() } else { line(depth) });
                out.push('}');
            }
            Value::Set(_) | Value::Object(_) | Value::Bytes(_) | Value::Function(_) => {
                let message = format!("Object of type {} is not JSON serializable", value.type_name());
                return self.raise("TypeError", message);
            }
            _ => return Err(Stop::Unknown("dumps")),
        }
        Ok(())
    }
}

fn quoted(text: &str, ascii: bool, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 32 || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
