//! Methods of strings, lists, dictionaries and sets.

use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Value, View};

const STR: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isspace",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
const LIST: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];
const DICT: &[&str] = &[
    "clear",
    "copy",
    "get",
    "items",
    "keys",
    "move_to_end",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];
const SET: &[&str] = &[
    "add",
    "clear",
    "copy",
    "difference",
    "difference_update",
    "discard",
    "intersection",
    "isdisjoint",
    "issubset",
    "issuperset",
    "pop",
    "remove",
    "union",
    "update",
];

/// Whether a value of a built-in type has the method.
pub(super) fn known(value: &Value<'_>, name: &str) -> bool {
    let names: &[&str] = match value {
        Value::Str(_) => STR,
        Value::List(_) => LIST,
        Value::Dict(_) => DICT,
        Value::Set(_) => SET,
        Value::Tuple(_) => &["count", "index"],
        Value::Bytes(_) => &["decode", "split", "startswith", "endswith", "strip"],
        Value::Int(_) | Value::Bool(_) => &["bit_length"],
        Value::Float(_) => &["is_integer"],
        _ => &[],
    };
    names.contains(&name)
}

impl<'a> Machine<'a> {
    pub(super) fn builtin_method(&mut self, value: &Value<'a>, name: &str, args: &Args<'a>) -> Res<'a> {
        match value {
            Value::Str(text) => {
                let text = Rc::clone(text);
                self.spend(text.len() / 64)?;
                self.str_method(&text, name, args)
            }
            Value::List(items) => {
                let items = Rc::clone(items);
                self.spend(items.borrow().len() / 16)?;
                self.list_method(value, &items, name, args)
            }
            Value::Dict(_) => self.dict_method(value, name, args),
            Value::Set(_) => self.set_method(value, name, args),
            Value::Tuple(_) => {
                let items = self.collect(value)?;
                let Some(wanted) = args.pos.first() else { return Err(Stop::Unknown("a method")) };
                let mut found = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    if self.equal(item, wanted)? {
                        found.push(at);
                    }
                }
                match (name, found.first()) {
                    ("count", _) => Ok(Value::Int(found.len() as i128)),
                    (_, Some(&at)) => Ok(Value::Int(at as i128)),
                    _ => self.raise("ValueError", "tuple.index(x): x not in tuple"),
                }
            }
            Value::Bytes(bytes) => self.bytes_method(&Rc::clone(bytes), name, args),
            Value::Float(x) => Ok(Value::Bool(x.fract() == 0.0)),
            _ => Err(Stop::Unknown("a method")),
        }
    }

    fn bytes_method(&mut self, bytes: &[u8], name: &str, args: &Args<'a>) -> Res<'a> {
        match (name, args.pos.first()) {
            ("decode", encoding) => {
                let encoding = encoding.and_then(Value::text).unwrap_or("utf-8").to_lowercase();
                match encoding.as_str() {
                    "utf-8" | "utf8" => match std::str::from_utf8(bytes) {
                        Ok(text) => Ok(Value::str(text)),
                        Err(_) => Err(Stop::Unknown("bytes that are not UTF-8")),
                    },
                    "latin-1" | "latin1" | "iso-8859-1" => {
                        Ok(Value::str(bytes.iter().map(|&b| b as char).collect::<String>()))
                    }
                    _ => Err(Stop::Unknown("an encoding")),
                }
            }
            ("split", Some(Value::Bytes(separator))) if separator.len() == 1 => {
                let parts = bytes.split(|b| *b == separator[0]);
                Ok(Value::list(parts.map(|part| Value::Bytes(part.into())).collect()))
            }
            ("startswith", Some(Value::Bytes(start))) => Ok(Value::Bool(bytes.starts_with(start))),
            ("endswith", Some(Value::Bytes(end))) => Ok(Value::Bool(bytes.ends_with(end))),
            _ => Err(Stop::Unknown("a method of bytes")),
        }
    }

    /// `str.maketrans`: characters and what takes their place.
    pub(super) fn translation(&mut self, first: &Value<'a>, args: &Args<'a>) -> Res<'a> {
        let table = Value::dict(Vec::new());
        let number = |c: char| Value::Int(i128::from(c as u32));
        match (first, args.pos.get(1), args.pos.get(2)) {
            (Value::Dict(pairs), None, None) => {
                for (key, value) in pairs.borrow().iter() {
                    let key =
                        key.text().and_then(|text| text.chars().next()).map_or_else(|| key.clone(), number);
                    self.set_item(&table, &key, value.clone())?;
                }
            }
            (Value::Str(from), Some(Value::Str(to)), removed) => {
                if from.chars().count() != to.chars().count() {
                    return self
                        .raise("ValueError", "the first two maketrans arguments must have equal length");
                }
                for (a, b) in from.chars().zip(to.chars()) {
                    self.set_item(&table, &number(a), Value::str(b.to_string()))?;
                }
                for c in removed.and_then(Value::text).unwrap_or_default().chars() {
                    self.set_item(&table, &number(c), Value::None)?;
                }
            }
            _ => return Err(Stop::Unknown("maketrans")),
        }
        Ok(table)
    }

    fn str_method(&mut self, text: &str, name: &str, args: &Args<'a>) -> Res<'a> {
        let arg = |index: usize| args.pos.get(index).and_then(Value::text).map(str::to_owned);
        let given = args.pos.first();
        // Wrong types first: what every one of these says to `None` or a number.
        let wants_text = [
            "startswith",
            "endswith",
            "split",
            "rsplit",
            "replace",
            "count",
            "find",
            "index",
            "partition",
            "strip",
        ];
        if let Some(given) = given
            && wants_text.contains(&name)
            && !matches!(given, Value::Str(_) | Value::None | Value::Tuple(_))
        {
            let message = format!("must be str, not {}", given.type_name());
            return self.raise("TypeError", message);
        }
        let bounded = match name {
            "count" | "startswith" | "endswith" | "rfind" | "rindex" => args.pos.len() > 1,
            "find" | "index" => args.pos.len() > 2,
            _ => false,
        };
        if bounded {
            return Err(Stop::Unknown("a part of a text"));
        }
        let chars = |set: Option<String>| {
            move |c: char| set.as_ref().map_or_else(|| c.is_whitespace(), |set| set.contains(c))
        };
        let title = |text: &str| {
            let mut upper = true;
            text.chars()
                .flat_map(|c| {
                    let made: Vec<char> =
                        if upper { c.to_uppercase().collect() } else { c.to_lowercase().collect() };
                    upper = !c.is_alphabetic();
                    made
                })
                .collect::<String>()
        };
        let all = |test: fn(char) -> bool| Value::Bool(!text.is_empty() && text.chars().all(test));
        let width = given.and_then(Value::int).map_or(0, |n| n.clamp(0, 10_000) as usize);
        let missing = width.saturating_sub(text.chars().count());
        let fill = arg(1).unwrap_or_else(|| " ".into());
        Ok(match name {
            "lower" | "casefold" => Value::str(text.to_lowercase()),
            "upper" => Value::str(text.to_uppercase()),
            "title" => Value::str(title(text)),
            "capitalize" => {
                let mut chars = text.chars();
                let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
                Value::str(first + &chars.as_str().to_lowercase())
            }
            "swapcase" => Value::str(
                text.chars()
                    .flat_map(|c| {
                        if c.is_uppercase() {
                            c.to_lowercase().collect::<Vec<_>>()
                        } else {
                            c.to_uppercase().collect()
                        }
                    })
                    .collect::<String>(),
            ),
            "strip" => Value::str(text.trim_matches(chars(arg(0)))),
            "lstrip" => Value::str(text.trim_start_matches(chars(arg(0)))),
            "rstrip" => Value::str(text.trim_end_matches(chars(arg(0)))),
            "startswith" | "endswith" => {
                let parts: Vec<String> = match given {
                    Some(Value::Tuple(parts)) => {
                        parts.iter().filter_map(Value::text).map(str::to_owned).collect()
                    }
                    _ => arg(0).into_iter().collect(),
                };
                let start = name == "startswith";
                Value::Bool(
                    parts.iter().any(|p| if start { text.starts_with(&**p) } else { text.ends_with(&**p) }),
                )
            }
            "removeprefix" => Value::str(arg(0).and_then(|p| text.strip_prefix(&*p)).unwrap_or(text)),
            "removesuffix" => Value::str(arg(0).and_then(|p| text.strip_suffix(&*p)).unwrap_or(text)),
            "replace" => match (arg(0), arg(1), args.pos.get(2).and_then(Value::int)) {
                (Some(from), Some(to), None) => Value::str(text.replace(&from, &to)),
                (Some(from), Some(to), Some(count)) if count >= 0 => {
                    Value::str(text.replacen(&from, &to, count as usize))
                }
                _ => return Err(Stop::Unknown("replace")),
            },
            "split" | "rsplit" => return self.split(text, name == "rsplit", args),
            "splitlines" => {
                let keep = args.get(0, "keepends").is_some_and(|keep| matches!(keep, Value::Bool(true)));
                let lines = text.split_inclusive('\n');
                Value::list(
                    lines
                        .map(|line| Value::str(if keep { line } else { line.trim_end_matches('\n') }))
                        .collect(),
                )
            }
            "partition" | "rpartition" => {
                let Some(separator) = arg(0) else { return Err(Stop::Unknown("partition")) };
                let right = name == "rpartition";
                let found = if right { text.rsplit_once(&*separator) } else { text.split_once(&*separator) };
                let (before, middle, after) = match found {
                    Some((before, after)) => (before, &*separator, after),
                    None if right => ("", "", text),
                    None => (text, "", ""),
                };
                Value::tuple(vec![Value::str(before), Value::str(middle), Value::str(after)])
            }
            "join" => {
                let Some(parts) = given else { return Err(Stop::Unknown("join")) };
                let mut made = Vec::new();
                for (index, part) in self.collect(parts)?.into_iter().enumerate() {
                    if let Some(part) = part.text() {
                        made.push(part.to_owned());
                    } else {
                        let found = part.type_name();
                        let message = format!("sequence item {index}: expected str instance, {found} found");
                        return self.raise("TypeError", message);
                    }
                }
                Value::str(made.join(text))
            }
            "format" => return self.str_format(text, args),
            "format_map" => {
                let Some(Value::Dict(pairs)) = args.pos.first() else {
                    return Err(Stop::Unknown("format_map"));
                };
                let pairs = pairs.borrow().clone();
                let kw =
                    pairs.into_iter().filter_map(|(key, value)| Some((key.text()?.into(), value))).collect();
                return self.str_format(text, &Args { pos: Vec::new(), kw });
            }
            "translate" => {
                let Some(table @ Value::Dict(_)) = args.pos.first() else {
                    return Err(Stop::Unknown("translate"));
                };
                let mut made = String::new();
                for c in text.chars() {
                    match self.find(table, &Value::Int(i128::from(c as u32)))? {
                        None => made.push(c),
                        Some(Value::None) => {}
                        Some(Value::Str(new)) => made.push_str(&new),
                        Some(_) => return Err(Stop::Unknown("translate")),
                    }
                }
                Value::str(made)
            }
            "expandtabs" => {
                let size = args.get(0, "tabsize").and_then(|n| n.int()).unwrap_or(8).clamp(0, 64) as usize;
                let (mut made, mut column) = (String::new(), 0);
                for c in text.chars() {
                    match c {
                        '\t' if size > 0 => {
                            let blanks = size - column % size;
                            made.push_str(&" ".repeat(blanks));
                            column += blanks;
                        }
                        '\t' => {}
                        '\n' | '\r' => {
                            made.push(c);
                            column = 0;
                        }
                        c => {
                            made.push(c);
                            column += 1;
                        }
                    }
                }
                Value::str(made)
            }
            "count" => Value::Int(arg(0).map_or(0, |part| text.matches(&*part).count()) as i128),
            "find" | "index" | "rfind" | "rindex" => {
                let part = arg(0).unwrap_or_default();
                let len = text.chars().count() as i128;
                let start = match args.pos.get(1).map(Value::int) {
                    None => 0,
                    Some(Some(n)) => (if n < 0 { n + len } else { n }).clamp(0, len) as usize,
                    Some(None) => return Err(Stop::Unknown("find")),
                };
                let from = text.char_indices().nth(start).map_or(text.len(), |(at, _)| at);
                let found = if name.starts_with('r') {
                    text.rfind(&*part)
                } else {
                    text[from..].find(&*part).map(|at| at + from)
                };
                match found {
                    Some(at) => Value::Int(text[..at].chars().count() as i128),
                    None if name.ends_with("index") => {
                        return self.raise("ValueError", "substring not found");
                    }
                    None => Value::Int(-1),
                }
            }
            "isdigit" | "isnumeric" | "isdecimal" => all(char::is_numeric),
            "isalpha" => all(char::is_alphabetic),
            "isalnum" => all(char::is_alphanumeric),
            "isspace" => all(char::is_whitespace),
            "isupper" => {
                Value::Bool(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))
            }
            "islower" => {
                Value::Bool(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
            }
            "isidentifier" => Value::Bool(
                text.chars().all(|c| c.is_alphanumeric() || c == '_')
                    && !text.starts_with(|c: char| c.is_ascii_digit())
                    && !text.is_empty(),
            ),
            "ljust" => Value::str(text.to_owned() + &fill.repeat(missing)),
            "rjust" => Value::str(fill.repeat(missing) + text),
            "center" => Value::str(fill.repeat(missing / 2) + text + &fill.repeat(missing - missing / 2)),
            "zfill" => match text.strip_prefix('-') {
                Some(rest) => Value::str(format!("-{}{rest}", "0".repeat(missing))),
                None => Value::str("0".repeat(missing) + text),
            },
            "encode" => {
                let encoding = arg(0).unwrap_or_else(|| "utf-8".into()).to_lowercase();
                match encoding.as_str() {
                    "utf-8" | "utf8" => Value::Bytes(text.as_bytes().into()),
                    "ascii" if text.is_ascii() => Value::Bytes(text.as_bytes().into()),
                    "ascii" => {
                        return self.raise("UnicodeEncodeError", "'ascii' codec can't encode character");
                    }
                    _ => return Err(Stop::Unknown("an encoding")),
                }
            }
            _ => return Err(Stop::Unknown("a method of str")),
        })
    }

    fn split(&mut self, text: &str, right: bool, args: &Args<'a>) -> Res<'a> {
        let most = args.get(1, "maxsplit").and_then(|n| n.int()).filter(|n| *n >= 0);
        let separator = args.get(0, "sep").and_then(|s| s.text().map(str::to_owned));
        let parts: Vec<String> = match (separator, most) {
            (Some(separator), _) if separator.is_empty() => {
                return self.raise("ValueError", "empty separator");
            }
            (Some(separator), None) => text.split(&*separator).map(str::to_owned).collect(),
            (Some(separator), Some(most)) if right => {
                let mut parts: Vec<String> =
                    text.rsplitn(most as usize + 1, &*separator).map(str::to_owned).collect();
                parts.reverse();
                parts
            }
            (Some(separator), Some(most)) => {
                text.splitn(most as usize + 1, &*separator).map(str::to_owned).collect()
            }
            (None, None) => text.split_whitespace().map(str::to_owned).collect(),
            (None, Some(most)) if !right => {
                let mut parts = Vec::new();
                let mut rest = text.trim_start();
                while !rest.is_empty() {
                    if let Some(at) = rest.find(char::is_whitespace).filter(|_| (parts.len() as i128) < most)
                    {
                        parts.push(rest[..at].to_owned());
                        rest = rest[at..].trim_start();
                    } else {
                        parts.push(rest.trim_end().to_owned());
                        rest = "";
                    }
                }
                parts
            }
            _ => return Err(Stop::Unknown("rsplit")),
        };
        Ok(Value::list(parts.into_iter().map(Value::str).collect()))
    }

    fn str_format(&mut self, text: &str, args: &Args<'a>) -> Res<'a> {
        let mut made = String::new();
        let mut rest = text;
        let mut next = 0;
        while let Some(at) = rest.find(['{', '}']) {
            made.push_str(&rest[..at]);
            rest = &rest[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                made.push_str(&rest[..1]);
                rest = &rest[2..];
                continue;
            }
            let Some(end) = rest.find('}').filter(|_| rest.starts_with('{')) else {
                return self.raise("ValueError", "Single '}' encountered in format string");
            };
            let field = &rest[1..end];
            let (name, spec) = field.split_once(':').unwrap_or((field, ""));
            rest = &rest[end + 1..];
            let found = if name.is_empty() {
                next += 1;
                args.pos.get(next - 1).cloned()
            } else if let Ok(index) = name.parse::<usize>() {
                args.pos.get(index).cloned()
            } else if name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                match args.named(name) {
                    Some(value) => Some(value),
                    None => return self.raise_with("KeyError", Value::str(name)),
                }
            } else {
                return Err(Stop::Unknown("a format field"));
            };
            let Some(value) = found else {
                return self.raise("IndexError", "Replacement index out of range for positional args tuple");
            };
            made.push_str(&self.format(&value, spec)?);
        }
        made.push_str(rest);
        Ok(Value::str(made))
    }

    fn list_method(
        &mut self,
        list: &Value<'a>,
        items: &super::value::Items<'a>,
        name: &str,
        args: &Args<'a>,
    ) -> Res<'a> {
        let first = args.pos.first().cloned();
        Ok(match (name, first) {
            ("append", Some(item)) => {
                items.borrow_mut().push(item);
                Value::None
            }
            ("extend", Some(more)) => {
                let more = self.collect(&more)?;
                items.borrow_mut().extend(more);
                Value::None
            }
            ("insert", Some(at)) if args.pos.len() == 2 => {
                let len = items.borrow().len() as i128;
                let at = at.int().unwrap_or(0);
                let at = (if at < 0 { at + len } else { at }).clamp(0, len);
                items.borrow_mut().insert(at as usize, args.pos[1].clone());
                Value::None
            }
            ("pop", at) => {
                let len = items.borrow().len() as i128;
                let at = at.and_then(|at| at.int()).unwrap_or(-1);
                let at = if at < 0 { at + len } else { at };
                if len == 0 {
                    return self.raise("IndexError", "pop from empty list");
                }
                if at < 0 || at >= len {
                    return self.raise("IndexError", "pop index out of range");
                }
                items.borrow_mut().remove(at as usize)
            }
            ("remove" | "index" | "count", Some(wanted)) => {
                let all = items.borrow().clone();
                let mut found = Vec::new();
                for (at, item) in all.iter().enumerate() {
                    if self.equal(item, &wanted)? {
                        found.push(at);
                    }
                }
                match (name, found.first()) {
                    ("count", _) => Value::Int(found.len() as i128),
                    ("index", Some(&at)) => Value::Int(at as i128),
                    ("remove", Some(&at)) => {
                        items.borrow_mut().remove(at);
                        Value::None
                    }
                    ("index", None) => {
                        let shown = self.repr(&wanted)?;
                        return self.raise("ValueError", format!("{shown} is not in list"));
                    }
                    _ => return self.raise("ValueError", "list.remove(x): x not in list"),
                }
            }
            ("sort", _) => {
                let mut all = items.borrow().clone();
                self.sort(&mut all, args)?;
                *items.borrow_mut() = all;
                Value::None
            }
            ("reverse", _) => {
                items.borrow_mut().reverse();
                Value::None
            }
            ("copy", _) => Value::list(self.collect(list)?),
            ("clear", _) => {
                items.borrow_mut().clear();
                Value::None
            }
            _ => return self.raise("TypeError", format!("list.{name}() takes other arguments")),
        })
    }

    fn dict_method(&mut self, dict: &Value<'a>, name: &str, args: &Args<'a>) -> Res<'a> {
        let Value::Dict(pairs) = dict else { return Err(Stop::Unknown("a dict")) };
        let pairs = Rc::clone(pairs);
        let first = args.pos.first().cloned();
        let default = args.pos.get(1).cloned();
        Ok(match (name, first) {
            ("get", Some(key)) => self.find(dict, &key)?.or(default).unwrap_or(Value::None),
            ("keys", _) => self.view(dict, View::Keys).unwrap_or(Value::None),
            ("values", _) => self.view(dict, View::Values).unwrap_or(Value::None),
            ("items", _) => self.view(dict, View::Items).unwrap_or(Value::None),
            ("setdefault", Some(key)) => {
                if let Some(found) = self.find(dict, &key)? {
                    found
                } else {
                    let made = default.unwrap_or(Value::None);
                    self.set_item(dict, &key, made.clone())?;
                    made
                }
            }
            ("update", with) => {
                if let Some(with) = with {
                    self.update(dict, &with)?;
                }
                for (name, value) in &args.kw {
                    self.set_item(dict, &Value::str(name), value.clone())?;
                }
                Value::None
            }
            ("pop", Some(key)) => match (self.find(dict, &key)?, default) {
                (Some(found), _) => {
                    self.delete_item(dict, &key)?;
                    found
                }
                (None, Some(default)) => default,
                (None, None) => return self.raise_with("KeyError", key),
            },
            ("move_to_end", Some(key)) => {
                let Some(found) = self.find(dict, &key)? else { return self.raise_with("KeyError", key) };
                self.delete_item(dict, &key)?;
                if matches!(args.get(1, "last"), Some(Value::Bool(false))) {
                    pairs.borrow_mut().insert(0, (key, found));
                } else {
                    pairs.borrow_mut().push((key, found));
                }
                Value::None
            }
            ("popitem", first) => {
                let first = matches!(first.or_else(|| args.named("last")), Some(Value::Bool(false)));
                if pairs.borrow().is_empty() {
                    return self.raise_with("KeyError", Value::str("popitem(): dictionary is empty"));
                }
                let at = if first { 0 } else { pairs.borrow().len() - 1 };
                let (key, value) = pairs.borrow_mut().remove(at);
                Value::tuple(vec![key, value])
            }
            ("copy", _) => Value::dict(pairs.borrow().clone()),
            ("clear", _) => {
                pairs.borrow_mut().clear();
                Value::None
            }
            _ => return Err(Stop::Unknown("a method of dict")),
        })
    }

    fn set_method(&mut self, set: &Value<'a>, name: &str, args: &Args<'a>) -> Res<'a> {
        let Value::Set(items) = set else { return Err(Stop::Unknown("a set")) };
        let items = Rc::clone(items);
        let all = items.borrow().clone();
        let first = args.pos.first().cloned();
        Ok(match (name, first) {
            ("add", Some(item)) => {
                self.hashable(&item)?;
                if !self.has(&all, &item)? {
                    items.borrow_mut().push(item);
                }
                Value::None
            }
            ("remove" | "discard", Some(item)) => {
                for (at, known) in all.iter().enumerate() {
                    if self.equal(known, &item)? {
                        items.borrow_mut().remove(at);
                        return Ok(Value::None);
                    }
                }
                if name == "remove" {
                    return self.raise_with("KeyError", item);
                }
                Value::None
            }
            ("update", Some(more)) => {
                for item in self.collect(&more)? {
                    let all = items.borrow().clone();
                    if !self.has(&all, &item)? {
                        items.borrow_mut().push(item);
                    }
                }
                Value::None
            }
            ("union" | "intersection" | "difference", _) => {
                let op = match name {
                    "union" => "|",
                    "intersection" => "&",
                    _ => "-",
                };
                let mut made = Value::set(all);
                for arg in &args.pos {
                    let other = self.collect(arg)?;
                    made = self.binary(op, &made, &Value::set(other))?;
                }
                made
            }
            ("isdisjoint", Some(other)) => {
                for item in self.collect(&other)? {
                    if self.has(&all, &item)? {
                        return Ok(Value::Bool(false));
                    }
                }
                Value::Bool(true)
            }
            ("difference_update", Some(other)) => {
                let other = self.collect(&other)?;
                let mut kept = Vec::new();
                for item in all {
                    if !self.has(&other, &item)? {
                        kept.push(item);
                    }
                }
                *items.borrow_mut() = kept;
                Value::None
            }
            ("issubset", Some(other)) => {
                let other = self.collect(&other)?;
                for item in &all {
                    if !self.has(&other, item)? {
                        return Ok(Value::Bool(false));
                    }
                }
                Value::Bool(true)
            }
            ("copy", _) => Value::set(all),
            ("clear", _) => {
                items.borrow_mut().clear();
                Value::None
            }
            _ => return Err(Stop::Unknown("a method of set")),
        })
    }
}
