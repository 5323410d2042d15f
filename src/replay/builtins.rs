//! Built-in functions and types.

use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Cursor, Value, View};
use crate::workspace::python::Name;

/// What is known without an import.
pub(super) const NAMES: &[&str] = &[
    "abs",
    "all",
    "any",
    "bin",
    "bool",
    "bytes",
    "callable",
    "chr",
    "dict",
    "divmod",
    "enumerate",
    "filter",
    "float",
    "frozenset",
    "getattr",
    "hasattr",
    "hex",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "object",
    "oct",
    "ord",
    "pow",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "sorted",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "zip",
    "NotImplemented",
    "ExceptionGroup",
    "id",
    "hash",
    "open",
    "input",
    "vars",
    "bytearray",
    "complex",
    "format",
    "globals",
    "locals",
    "property",
    "staticmethod",
    "classmethod",
];

impl<'a> Machine<'a> {
    pub(super) fn native(&mut self, name: &Name, args: Args<'a>) -> Res<'a> {
        let first = args.pos.first().cloned();
        let count = args.pos.len();
        Ok(match (&**name, first) {
            ("len", Some(value)) => Value::Int(self.len(&value)? as i128),
            ("str", None) => Value::str(""),
            ("str", Some(value)) if count == 1 => Value::str(self.string(&value)?),
            ("repr", Some(value)) => Value::str(self.repr(&value)?),
            ("format", Some(value)) => {
                let spec =
                    args.get(1, "").and_then(|spec| spec.text().map(str::to_owned)).unwrap_or_default();
                Value::str(self.format(&value, &spec)?)
            }
            ("int", None) => Value::Int(0),
            ("int", Some(value)) => return self.to_int(&value, args.get(1, "base")),
            ("float", None) => Value::Float(0.0),
            ("float", Some(value)) => return self.to_float(&value),
            ("bool", None) => Value::Bool(false),
            ("bool", Some(value)) => Value::Bool(self.truth(&value)?),
            ("list", None) => Value::list(Vec::new()),
            ("list", Some(value)) => Value::list(self.collect(&value)?),
            ("tuple", None) => Value::tuple(Vec::new()),
            ("tuple", Some(value)) => Value::tuple(self.collect(&value)?),
            ("set" | "frozenset", None) => Value::set(Vec::new()),
            ("set" | "frozenset", Some(value)) => {
                let items = self.collect(&value)?;
                self.set_of(items)?
            }
            ("dict" | "collections.OrderedDict", value) => {
                let dict = Value::dict(Vec::new());
                if let Some(value) = value {
                    self.update(&dict, &value)?;
                }
                for (name, value) in args.kw {
                    self.set_item(&dict, &Value::str(&name), value)?;
                }
                dict
            }
            ("range", Some(_)) => {
                let mut numbers = Vec::new();
                for arg in &args.pos {
                    if let Some(n) = arg.int() {
                        numbers.push(n);
                    } else {
                        let message =
                            format!("'{}' object cannot be interpreted as an integer", arg.type_name());
                        return self.raise("TypeError", message);
                    }
                }
                match numbers[..] {
                    [to] => Value::Range(0, to, 1),
                    [from, to] => Value::Range(from, to, 1),
                    [from, to, step] if step != 0 => Value::Range(from, to, step),
                    _ => return self.raise("ValueError", "range() arg 3 must not be zero"),
                }
            }
            ("abs", Some(value)) => match value {
                Value::Float(x) => Value::Float(x.abs()),
                Value::Object(_) => self.by(&value, "__abs__")?,
                other => {
                    if let Some(n) = other.int() {
                        Value::Int(n.abs())
                    } else {
                        let message = format!("bad operand type for abs(): '{}'", other.type_name());
                        return self.raise("TypeError", message);
                    }
                }
            },
            ("round", Some(value)) => return self.round(&value, args.get(1, "ndigits")),
            ("sum", Some(value)) => {
                let mut total = args.get(1, "start").unwrap_or(Value::Int(0));
                for item in self.collect(&value)? {
                    total = self.binary("+", &total, &item)?;
                }
                total
            }
            ("min" | "max", Some(_)) => return self.extreme(name, args),
            ("sorted", Some(value)) => {
                let mut items = self.collect(&value)?;
                self.sort(&mut items, &args)?;
                Value::list(items)
            }
            ("reversed", Some(value)) => {
                if self.method_of(&value, "__reversed__").is_some() {
                    return self.by(&value, "__reversed__");
                }
                let mut items = self.collect(&value)?;
                items.reverse();
                Value::iter(items)
            }
            ("enumerate", Some(value)) => {
                let start = args.get(1, "start").and_then(|start| start.int()).unwrap_or(0);
                let items = self.collect(&value)?.into_iter().enumerate();
                Value::iter(items.map(|(n, item)| Value::tuple(vec![Value::Int(start + n as i128), item])))
            }
            ("zip", _) => {
                // One row at a time, as some iterators are endless.
                let mut iterators = Vec::new();
                for arg in &args.pos {
                    iterators.push(self.iterate(arg)?);
                }
                let strict = match args.named("strict") {
                    Some(strict) => self.truth(&strict)?,
                    None => false,
                };
                let mut rows = Vec::new();
                'rows: while !iterators.is_empty() {
                    let mut row = Vec::new();
                    for (at, iterator) in iterators.iter().enumerate() {
                        match self.next(iterator)? {
                            Some(item) => row.push(item),
                            None if strict && at > 0 => {
                                return self.raise(
                                    "ValueError",
                                    format!("zip() argument {} is shorter than argument {at}", at + 1),
                                );
                            }
                            None if strict => {
                                for (at, other) in iterators.iter().enumerate().skip(1) {
                                    if self.next(other)?.is_some() {
                                        let longer =
                                            format!("zip() argument {} is longer than argument {at}", at + 1);
                                        return self.raise("ValueError", longer);
                                    }
                                }
                                break 'rows;
                            }
                            None => break 'rows,
                        }
                    }
                    rows.push(Value::tuple(row));
                }
                Value::iter(rows)
            }
            ("map", Some(function)) => {
                let mut columns = Vec::new();
                for arg in &args.pos[1..] {
                    columns.push(self.collect(arg)?);
                }
                let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
                let mut made = Vec::new();
                for row in 0..rows {
                    let args = columns.iter().map(|column| column[row].clone()).collect();
                    made.push(self.call(&function, Args::of(args))?);
                }
                Value::iter(made)
            }
            ("filter", Some(function)) if count == 2 => {
                let mut made = Vec::new();
                for item in self.collect(&args.pos[1])? {
                    let keep = match &function {
                        Value::None => item.clone(),
                        function => self.call(function, Args::of(vec![item.clone()]))?,
                    };
                    if self.truth(&keep)? {
                        made.push(item);
                    }
                }
                Value::iter(made)
            }
            ("any" | "all", Some(value)) => {
                let wanted = &**name == "any";
                for item in self.collect(&value)? {
                    if self.truth(&item)? == wanted {
                        return Ok(Value::Bool(wanted));
                    }
                }
                Value::Bool(!wanted)
            }
            ("isinstance", Some(value)) if count == 2 => Value::Bool(self.is_instance(&value, &args.pos[1])?),
            ("issubclass", Some(Value::Class(class))) if count == 2 => match &args.pos[1] {
                Value::Class(base) => Value::Bool(class.derives(base)),
                _ => return Err(Stop::Unknown("issubclass")),
            },
            ("callable", Some(value @ Value::Object(_))) => {
                Value::Bool(self.method_of(&value, "__call__").is_some())
            }
            ("callable", Some(value)) => Value::Bool(matches!(
                value,
                Value::Function(_) | Value::Bound(_) | Value::Class(_) | Value::Native(_) | Value::Method(_)
            )),
            ("hash", Some(value)) => {
                self.hashable(&value)?;
                return Err(Stop::Unknown("hash"));
            }
            ("vars", Some(value @ Value::Object(_))) => self.attribute(&value, &"__dict__".into())?,
            ("iter", Some(value)) => self.iterate(&value)?,
            ("next", Some(iterator)) => match self.next(&iterator)? {
                Some(item) => item,
                None => match args.pos.get(1) {
                    Some(default) => default.clone(),
                    None => return self.raise("StopIteration", ""),
                },
            },
            ("getattr" | "hasattr", Some(value)) if count >= 2 => {
                let Some(attr) = args.pos[1].text().map(Name::from) else {
                    return Err(Stop::Unknown("getattr"));
                };
                let found = self.attribute(&value, &attr);
                match (found, args.pos.get(2)) {
                    (Err(Stop::Raise(raised)), default) if raised.object.class.is_a("AttributeError") => {
                        match (&**name, default) {
                            ("hasattr", _) => Value::Bool(false),
                            (_, Some(default)) => default.clone(),
                            _ => return Err(Stop::Raise(raised)),
                        }
                    }
                    (Ok(_), _) if &**name == "hasattr" => Value::Bool(true),
                    (result, _) => return result,
                }
            }
            ("setattr", Some(value)) if count == 3 => {
                let Some(attr) = args.pos[1].text().map(str::to_owned) else {
                    return Err(Stop::Unknown("setattr"));
                };
                self.set_attribute(&value, &attr, args.pos[2].clone())?;
                Value::None
            }
            ("type", Some(value)) if count == 1 => match value {
                Value::Object(object) => Value::Class(Rc::clone(&object.class)),
                other => Value::Native(other.type_name().into()),
            },
            ("print", _) => {
                let mut shown = Vec::new();
                for arg in &args.pos {
                    shown.push(self.string(arg)?);
                }
                let text = |name: &str, default: &str| {
                    args.named(name)
                        .and_then(|v| v.text().map(str::to_owned))
                        .unwrap_or_else(|| default.into())
                };
                let line = shown.join(&text("sep", " ")) + &text("end", "\n");
                match args.named("file") {
                    None | Some(Value::None) => self.printed[0].push_str(&line),
                    Some(Value::Native(stream)) if &*stream == "sys.stderr" => {
                        self.printed[1].push_str(&line);
                    }
                    Some(Value::Native(stream)) if &*stream == "sys.stdout" => {
                        self.printed[0].push_str(&line);
                    }
                    Some(_) => return Err(Stop::Unknown("print to a file")),
                }
                Value::None
            }
            ("ord", Some(Value::Str(text))) if text.chars().count() == 1 => {
                Value::Int(text.chars().next().map_or(0, |c| i128::from(c as u32)))
            }
            ("chr", Some(value)) => {
                match value.int().and_then(|n| u32::try_from(n).ok()).and_then(char::from_u32) {
                    Some(c) => Value::str(c.to_string()),
                    None => return self.raise("ValueError", "chr() arg not in range(0x110000)"),
                }
            }
            ("divmod", Some(value)) if count == 2 => {
                let quotient = self.binary("//", &value, &args.pos[1])?;
                let rest = self.binary("%", &value, &args.pos[1])?;
                Value::tuple(vec![quotient, rest])
            }
            ("bin" | "hex" | "oct", Some(value)) => {
                let Some(n) = value.int() else {
                    let message =
                        format!("'{}' object cannot be interpreted as an integer", value.type_name());
                    return self.raise("TypeError", message);
                };
                let digits = match &**name {
                    "bin" => format!("0b{:b}", n.unsigned_abs()),
                    "hex" => format!("0x{:x}", n.unsigned_abs()),
                    _ => format!("0o{:o}", n.unsigned_abs()),
                };
                Value::str(if n < 0 { format!("-{digits}") } else { digits })
            }
            ("object", None) => Value::Object(Rc::new(super::value::Object {
                class: Rc::new(super::value::Class {
                    name: "object".into(),
                    bases: Vec::new(),
                    attrs: std::cell::RefCell::default(),
                    kind: super::value::Kind::Plain,
                    fields: std::cell::RefCell::default(),
                    ordered: false.into(),
                    frozen: false.into(),
                    is_abc: false.into(),
                }),
                attrs: std::cell::RefCell::default(),
            })),
            ("pow", Some(value)) if count == 3 => {
                let (Some(base), Some(exponent), Some(modulus)) =
                    (value.int(), args.pos[1].int(), args.pos[2].int())
                else {
                    return Err(Stop::Unknown("pow"));
                };
                if exponent < 0 || !(1..1 << 60).contains(&modulus) {
                    return Err(Stop::Unknown("pow"));
                }
                let (mut result, mut base, mut exponent) = (1, base.rem_euclid(modulus), exponent);
                while exponent > 0 {
                    if exponent & 1 == 1 {
                        result = result * base % modulus;
                    }
                    base = base * base % modulus;
                    exponent >>= 1;
                }
                Value::Int(result % modulus)
            }
            ("pow", Some(value)) if count == 2 => self.binary("**", &value, &args.pos[1])?,
            ("object.__setattr__", Some(Value::Object(object))) if count == 3 => {
                let Some(attr) = args.pos[1].text().map(str::to_owned) else {
                    return Err(Stop::Unknown("setattr"));
                };
                object.set(&attr, args.pos[2].clone());
                Value::None
            }
            ("held.__getitem__", Some(items)) if count == 2 => self.item(&items, &args.pos[1])?,
            ("held.__setitem__", Some(items)) if count == 3 => {
                self.set_item(&items, &args.pos[1], args.pos[2].clone())?;
                Value::None
            }
            ("held.__delitem__", Some(items)) if count == 2 => {
                self.delete_item(&items, &args.pos[1])?;
                Value::None
            }
            ("held.__contains__", Some(items)) if count == 2 => {
                Value::Bool(self.compare("in", &args.pos[1], &items)?)
            }
            ("held.__len__", Some(items)) => Value::Int(self.len(&items)? as i128),
            ("held.__iter__", Some(items)) => self.iterate(&items)?,
            ("open", Some(_)) => return self.opened(args),
            ("__run__", Some(value)) => return self.awaited(&value),
            ("__target__", Some(Value::Str(path))) => return self.target(&path),
            ("__nothing__", _) => Value::None,
            ("__unknown__", _) => return Err(Stop::Unknown("a part of the library")),
            ("exception.__init__", Some(Value::Object(object)))
                if matches!(object.class.kind, super::value::Kind::Dict | super::value::Kind::List) =>
            {
                self.derived(&object, super::expr::tail(&args))?;
                Value::None
            }
            ("exception.__init__", Some(Value::Object(object))) => {
                if object.class.kind == super::value::Kind::Exception {
                    object.set("args", Value::tuple(args.pos[1..].to_vec()));
                } else if count > 1 {
                    return self.raise("TypeError", "object.__init__() takes exactly one argument");
                }
                Value::None
            }
            (name, _) if name.contains('.') => return self.library(name, args),
            _ => return Err(Stop::Unknown("a builtin")),
        })
    }

    fn to_int(&mut self, value: &Value<'a>, base: Option<Value<'a>>) -> Res<'a> {
        if let Some(n) = value.int() {
            return Ok(Value::Int(n));
        }
        match value {
            Value::Float(x) if x.is_finite() => Ok(Value::Int(x.trunc() as i128)),
            Value::Str(text) => {
                let radix = base.and_then(|base| base.int()).unwrap_or(10) as u32;
                let digits = text.trim().replace('_', "");
                if let Ok(n) = i128::from_str_radix(&digits, radix.clamp(2, 36)) {
                    Ok(Value::Int(n))
                } else {
                    let shown = super::text::quoted(text);
                    self.raise("ValueError", format!("invalid literal for int() with base {radix}: {shown}"))
                }
            }
            Value::Object(_) if self.method_of(value, "__int__").is_some() => self.by(value, "__int__"),
            Value::Object(_) | Value::Given(_) | Value::Bytes(_) => Err(Stop::Unknown("int")),
            other => {
                let message = format!(
                    "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                    other.type_name()
                );
                self.raise("TypeError", message)
            }
        }
    }

    fn to_float(&mut self, value: &Value<'a>) -> Res<'a> {
        if let Some(x) = value.number() {
            return Ok(Value::Float(x));
        }
        match value {
            Value::Str(text) => match text.trim().replace('_', "").to_lowercase().as_str() {
                "nan" => Ok(Value::Float(f64::NAN)),
                "inf" | "infinity" => Ok(Value::Float(f64::INFINITY)),
                "-inf" => Ok(Value::Float(f64::NEG_INFINITY)),
                digits => match digits.parse() {
                    Ok(x) if digits.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
                        Ok(Value::Float(x))
                    }
                    _ => {
                        let shown = super::text::quoted(text);
                        self.raise("ValueError", format!("could not convert string to float: {shown}"))
                    }
                },
            },
            Value::Object(_) if self.method_of(value, "__float__").is_some() => self.by(value, "__float__"),
            Value::Object(_) | Value::Given(_) => Err(Stop::Unknown("float")),
            other => {
                let message = format!(
                    "float() argument must be a string or a real number, not '{}'",
                    other.type_name()
                );
                self.raise("TypeError", message)
            }
        }
    }

    fn round(&mut self, value: &Value<'a>, digits: Option<Value<'a>>) -> Res<'a> {
        let digits = digits.filter(|digits| !matches!(digits, Value::None));
        match (value, digits.as_ref().map(Value::int)) {
            (Value::Float(x), None) => Ok(Value::Int(x.round_ties_even() as i128)),
            (Value::Float(x), Some(Some(n))) if (0..=15).contains(&n) => {
                // Rust formats with correct rounding of the exact value, as Python's `round` does.
                let text = format!("{x:.*}", n as usize);
                Ok(Value::Float(text.parse().unwrap_or(*x)))
            }
            (Value::Int(n), None) => Ok(Value::Int(*n)),
            (Value::Int(n), Some(Some(digits))) if digits >= 0 => Ok(Value::Int(*n)),
            (Value::Int(n), Some(Some(digits @ -15..=-1))) => {
                let unit = 10_i128.pow(digits.unsigned_abs() as u32);
                let (down, rest) = (n.div_euclid(unit), n.rem_euclid(unit));
                let up = rest * 2 > unit || rest * 2 == unit && down % 2 != 0;
                Ok(Value::Int((down + i128::from(up)) * unit))
            }
            (Value::Object(_), _) => match self.method_of(value, "__round__") {
                Some(method) => self.call(&method, Args::of(digits.into_iter().collect())),
                None => Err(Stop::Unknown("round")),
            },
            (Value::Str(_) | Value::None | Value::List(_), _) => {
                let message = format!("type {} doesn't define __round__ method", value.type_name());
                self.raise("TypeError", message)
            }
            _ => Err(Stop::Unknown("round")),
        }
    }

    pub(super) fn is_instance(&mut self, value: &Value<'a>, type_: &Value<'a>) -> Res<'a, bool> {
        Ok(match type_ {
            Value::Tuple(types) => {
                for type_ in types.iter() {
                    if self.is_instance(value, type_)? {
                        return Ok(true);
                    }
                }
                false
            }
            Value::Class(class) => matches!(value, Value::Object(object) if object.class.derives(class)),
            Value::Native(name) if value.held().is_some() => match (&**name, value) {
                ("dict" | "list" | "str" | "object", _) => {
                    value.held().is_some_and(|held| held.type_name() == &**name) || &**name == "object"
                }
                ("int" | "float" | "bool" | "tuple" | "set" | "bytes", _) => false,
                _ => return Err(Stop::Unknown("isinstance")),
            },
            Value::Native(name) => match (&**name, value) {
                ("collections.abc.Callable" | "typing.Callable", _) => {
                    return self
                        .native(&"callable".into(), Args::of(vec![value.clone()]))
                        .map(|held| matches!(held, Value::Bool(true)));
                }
                ("collections.abc.Mapping" | "typing.Mapping" | "typing.Dict", _) => {
                    matches!(value, Value::Dict(_))
                }
                ("collections.abc.Sequence" | "typing.Sequence", _) => {
                    matches!(value, Value::List(_) | Value::Tuple(_) | Value::Str(_))
                }
                ("frozenset", _) => matches!(value, Value::Set(_)),
                ("NoneType", _) => matches!(value, Value::None),
                ("int", Value::Bool(_)) | ("object", _) => true,
                ("collections.abc.Iterable" | "typing.Iterable", _) => self.cursor_of(value).is_some(),
                (
                    "str" | "int" | "float" | "bool" | "list" | "tuple" | "set" | "dict" | "bytes" | "range",
                    _,
                ) => value.type_name() == &**name,
                _ => return Err(Stop::Unknown("isinstance")),
            },
            _ => return Err(Stop::Unknown("isinstance")),
        })
    }

    /// `dict.update` with a mapping or pairs.
    pub(super) fn update(&mut self, dict: &Value<'a>, with: &Value<'a>) -> Res<'a, ()> {
        let with = with.held().unwrap_or_else(|| with.clone());
        if let Value::Dict(pairs) = &with {
            let pairs = pairs.borrow().clone();
            for (key, value) in pairs {
                self.set_item(dict, &key, value)?;
            }
            return Ok(());
        }
        for pair in self.collect(&with)? {
            let pair = self.collect(&pair)?;
            let [key, value] = pair.as_slice() else {
                return self.raise("ValueError", "dictionary update sequence element has the wrong length");
            };
            self.set_item(dict, key, value.clone())?;
        }
        Ok(())
    }

    /// A view of a dictionary that follows its changes.
    pub(super) fn view(&self, dict: &Value<'a>, view: View) -> Option<Value<'a>> {
        let Value::Dict(pairs) = dict else { return None };
        let len = pairs.borrow().len();
        let cursor = Cursor::Dict(Rc::clone(pairs), 0, len, view);
        Some(Value::Iter(Rc::new(std::cell::RefCell::new(cursor))))
    }
}
