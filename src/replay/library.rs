//! The parts of the standard library and of pytest that the replay knows.

use std::cell::RefCell;
use std::rc::Rc;

use super::expr::tail;
use super::machine::{Machine, Res, Stop};
use super::value::{Args, Class, Field, Kind, Value};
use crate::workspace::python::Name;

/// Members that are functions, types or values here. Everything else stops the replay.
const KNOWN: &[&str] = &[
    "abc.ABC",
    "abc.abstractmethod",
    "asyncio.run",
    "asyncio.sleep",
    "asyncio.gather",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.namedtuple",
    "contextlib.suppress",
    "copy.copy",
    "copy.deepcopy",
    "dataclasses.dataclass",
    "dataclasses.field",
    "enum.Enum",
    "enum.auto",
    "functools.partial",
    "functools.reduce",
    "functools.wraps",
    "functools.cached_property",
    "functools.lru_cache",
    "functools.cache",
    "itertools.accumulate",
    "itertools.chain",
    "itertools.pairwise",
    "math.ceil",
    "math.exp",
    "math.floor",
    "math.hypot",
    "math.inf",
    "math.isclose",
    "math.isnan",
    "math.log",
    "math.log10",
    "math.nan",
    "math.pi",
    "math.sqrt",
    "math.gcd",
    "math.prod",
    "operator.attrgetter",
    "operator.itemgetter",
    "operator.add",
    "operator.mul",
    "os.environ",
    "os.getenv",
    "pytest.approx",
    "pytest.fixture",
    "pytest.mark",
    "pytest.param",
    "pytest.raises",
    "re.compile",
    "re.findall",
    "re.fullmatch",
    "re.match",
    "re.search",
    "re.split",
    "re.sub",
    "statistics.mean",
    "string.ascii_letters",
    "string.ascii_lowercase",
    "string.ascii_uppercase",
    "string.digits",
    "string.punctuation",
    "sys.stderr",
    "sys.stdout",
    "unittest.TestCase",
    "collections.abc.Iterable",
];

impl<'a> Machine<'a> {
    pub(super) fn native_member(&mut self, module: &str, name: &str) -> Res<'a> {
        if matches!(module, "typing" | "__future__" | "collections.abc" | "typing_extensions") {
            return Ok(Value::Native(format!("typing.{name}").into()));
        }
        let full = format!("{module}.{name}");
        if !KNOWN.contains(&full.as_str()) {
            return Ok(Value::Native(format!("?{full}").into()));
        }
        Ok(match full.as_str() {
            "math.pi" => Value::Float(std::f64::consts::PI),
            "math.inf" => Value::Float(f64::INFINITY),
            "math.nan" => Value::Float(f64::NAN),
            "string.ascii_lowercase" => Value::str("abcdefghijklmnopqrstuvwxyz"),
            "string.ascii_uppercase" => Value::str("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            "string.ascii_letters" => Value::str("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            "string.digits" => Value::str("0123456789"),
            "string.punctuation" => Value::str("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
            "os.environ" => Value::Given(Rc::new(("os.environ".into(), Args::default()))),
            _ => Value::Native(full.into()),
        })
    }

    /// An attribute of a module or type of the library.
    pub(super) fn native_attribute(&mut self, module: &Name, name: &Name) -> Res<'a> {
        match (&**module, &**name) {
            ("dict", "fromkeys") | ("str", _) => Ok(Value::Native(format!("{module}.{name}").into())),
            (known, _) if known.contains('.') && !known.starts_with("pytest.mark") && known != "os.path" => {
                Err(Stop::Unknown("a member of the library"))
            }
            ("list" | "int" | "float" | "set" | "tuple" | "dict", _) => {
                Err(Stop::Unknown("a method of a type"))
            }
            _ => self.native_member(module, name),
        }
    }

    /// Calls a function of the library.
    pub(super) fn library(&mut self, name: &str, args: Args<'a>) -> Res<'a> {
        let first = args.pos.first().cloned();
        let number = |value: &Option<Value<'a>>| value.as_ref().and_then(Value::number);
        Ok(match (name, first) {
            ("math.sqrt", first) => match number(&first) {
                Some(x) if x >= 0.0 => Value::Float(x.sqrt()),
                Some(_) => return self.raise("ValueError", "math domain error"),
                None => return self.raise("TypeError", "must be real number"),
            },
            ("math.floor" | "math.ceil", first) => match number(&first) {
                Some(x) => Value::Int(if name == "math.floor" { x.floor() } else { x.ceil() } as i128),
                None => return self.raise("TypeError", "must be real number"),
            },
            ("math.hypot", Some(_)) if args.pos.len() == 2 => {
                match (args.pos[0].number(), args.pos[1].number()) {
                    (Some(a), Some(b)) => Value::Float(a.hypot(b)),
                    _ => return self.raise("TypeError", "must be real number"),
                }
            }
            ("math.isnan", first) => Value::Bool(number(&first).is_some_and(f64::is_nan)),
            ("math.isclose", Some(a)) if args.pos.len() == 2 => {
                let (Some(a), Some(b)) = (a.number(), args.pos[1].number()) else {
                    return Err(Stop::Unknown("isclose"));
                };
                Value::Bool((a - b).abs() <= 1e-9 * a.abs().max(b.abs()))
            }
            ("math.prod", Some(items)) => {
                let mut total = Value::Int(1);
                for item in self.collect(&items)? {
                    total = self.binary("*", &total, &item)?;
                }
                total
            }
            ("statistics.mean", Some(items)) => {
                let items = self.collect(&items)?;
                let mut total = 0.0;
                for item in &items {
                    total += item.number().ok_or(Stop::Unknown("mean"))?;
                }
                Value::Float(total / items.len() as f64)
            }
            ("operator.add", Some(a)) if args.pos.len() == 2 => self.binary("+", &a, &args.pos[1])?,
            ("operator.mul", Some(a)) if args.pos.len() == 2 => self.binary("*", &a, &args.pos[1])?,
            ("functools.reduce", Some(function)) if args.pos.len() >= 2 => {
                let mut items = self.collect(&args.pos[1])?.into_iter();
                let start = args.pos.get(2).cloned().or_else(|| items.next());
                let Some(mut total) = start else {
                    return self.raise("TypeError", "reduce() of empty iterable with no initial value");
                };
                for item in items {
                    total = self.call(&function, Args::of(vec![total, item]))?;
                }
                total
            }
            ("functools.wraps", Some(_)) => Value::Given(Rc::new(("same".into(), Args::default()))),
            ("itertools.chain", _) => {
                let mut all = Vec::new();
                for arg in &args.pos {
                    all.extend(self.collect(arg)?);
                }
                Value::iter(all)
            }
            ("itertools.pairwise", Some(items)) => {
                let items = self.collect(&items)?;
                Value::iter(items.windows(2).map(|pair| Value::tuple(pair.to_vec())).collect::<Vec<_>>())
            }
            ("itertools.accumulate", Some(items)) if args.pos.len() == 1 => {
                let mut total: Option<Value<'a>> = None;
                let mut all = Vec::new();
                for item in self.collect(&items)? {
                    let next = match &total {
                        Some(total) => self.binary("+", total, &item)?,
                        None => item,
                    };
                    total = Some(next.clone());
                    all.push(next);
                }
                Value::iter(all)
            }
            ("copy.copy", Some(value)) => match value {
                Value::List(items) => Value::list(items.borrow().clone()),
                Value::Dict(pairs) => Value::dict(pairs.borrow().clone()),
                Value::Set(items) => Value::set(items.borrow().clone()),
                Value::Object(_) | Value::Given(_) => return Err(Stop::Unknown("copy")),
                other => other,
            },
            ("copy.deepcopy", Some(value)) => self.deep(&value)?,
            ("os.getenv", Some(_)) => args.get(1, "default").unwrap_or(Value::None),
            ("collections.defaultdict", first) => {
                let factory = first.unwrap_or(Value::None);
                let dict = Value::dict(Vec::new());
                Value::Given(Rc::new(("defaultdict".into(), Args::of(vec![dict, factory]))))
            }
            ("collections.Counter", first) => {
                let dict = Value::dict(Vec::new());
                match &first {
                    Some(Value::Dict(_)) => self.update(&dict, &first.clone().unwrap_or(Value::None))?,
                    Some(items) => {
                        for item in self.collect(items)? {
                            let count = self.find(&dict, &item)?.and_then(|n| n.int()).unwrap_or(0);
                            self.set_item(&dict, &item, Value::Int(count + 1))?;
                        }
                    }
                    None => {}
                }
                Value::Given(Rc::new(("Counter".into(), Args::of(vec![dict]))))
            }
            ("collections.namedtuple", Some(name)) if args.pos.len() == 2 => {
                let names: Vec<String> = match &args.pos[1] {
                    Value::Str(names) => {
                        names.replace(',', " ").split_whitespace().map(str::to_owned).collect()
                    }
                    other => self.collect(other)?.iter().filter_map(Value::text).map(str::to_owned).collect(),
                };
                let field = |name: String| Field { name: name.as_str().into(), default: None, factory: None };
                let fields = names.into_iter().map(field).collect();
                Value::Class(Rc::new(Class {
                    name: name.text().unwrap_or("tuple").into(),
                    bases: Vec::new(),
                    attrs: RefCell::default(),
                    kind: Kind::NamedTuple,
                    fields: RefCell::new(Some(fields)),
                    is_abc: false.into(),
                }))
            }
            ("asyncio.run", Some(Value::Given(given))) if &*given.0 == "coroutine" => {
                self.call(&given.1.pos[0].clone(), tail(&given.1))?
            }
            ("asyncio.sleep", _) => Value::Given(Rc::new(("ready".into(), Args::of(vec![Value::None])))),
            ("asyncio.gather", _) => {
                let mut all = Vec::new();
                for arg in &args.pos {
                    match arg {
                        Value::Given(given) if &*given.0 == "coroutine" => {
                            all.push(self.call(&given.1.pos[0].clone(), tail(&given.1))?);
                        }
                        _ => return Err(Stop::Unknown("gather")),
                    }
                }
                Value::Given(Rc::new(("ready".into(), Args::of(vec![Value::list(all)]))))
            }
            ("re.compile", Some(pattern)) => {
                Value::Given(Rc::new(("Pattern".into(), Args::of(vec![pattern]))))
            }
            (name, Some(_)) if name.starts_with("re.") => return self.regex(&name[3..], &args.pos),
            (
                "pytest.raises"
                | "contextlib.suppress"
                | "dataclasses.field"
                | "enum.auto"
                | "functools.partial"
                | "operator.itemgetter"
                | "operator.attrgetter"
                | "pytest.approx"
                | "pytest.param"
                | "pytest.fixture",
                _,
            ) => Value::Given(Rc::new((name.into(), args))),
            (name, _) if name.starts_with("pytest.mark") => {
                Value::Given(Rc::new(("same".into(), Args::default())))
            }
            (name, Some(_)) if name.starts_with("unittest.assert") => return self.unittest(&name[9..], args),
            _ => return Err(Stop::Unknown("a function of the library")),
        })
    }

    fn deep(&mut self, value: &Value<'a>) -> Res<'a> {
        self.step()?;
        Ok(match value {
            Value::List(items) => {
                let mut made = Vec::new();
                for item in items.borrow().clone() {
                    made.push(self.deep(&item)?);
                }
                Value::list(made)
            }
            Value::Dict(pairs) => {
                let mut made = Vec::new();
                for (key, value) in pairs.borrow().clone() {
                    made.push((key, self.deep(&value)?));
                }
                Value::dict(made)
            }
            Value::Object(_) | Value::Given(_) | Value::Set(_) => return Err(Stop::Unknown("deepcopy")),
            other => other.clone(),
        })
    }

    /// Calls something that was made with arguments before.
    pub(super) fn given(&mut self, name: &str, made: &Args<'a>, args: Args<'a>) -> Res<'a> {
        let first = args.pos.first().cloned();
        Ok(match (name, first) {
            ("same", Some(value)) => value,
            ("functools.partial", _) if !made.pos.is_empty() => {
                let mut all = tail(made);
                all.pos.extend(args.pos);
                all.kw.retain(|(name, _)| !args.kw.iter().any(|(given, _)| given == name));
                all.kw.extend(args.kw);
                self.call(&made.pos[0].clone(), all)?
            }
            ("operator.itemgetter", Some(value)) => match made.pos.as_slice() {
                [one] => self.item(&value, &one.clone())?,
                many => {
                    let mut all = Vec::new();
                    for key in many {
                        all.push(self.item(&value, key)?);
                    }
                    Value::tuple(all)
                }
            },
            ("operator.attrgetter", Some(value)) => match made.pos.first().and_then(Value::text) {
                Some(attr) if !attr.contains('.') => self.attribute(&value, &attr.into())?,
                _ => return Err(Stop::Unknown("attrgetter")),
            },
            ("method", _) => {
                let [target, Value::Str(method)] = made.pos.as_slice() else {
                    return Err(Stop::Unknown("a method"));
                };
                return self.given_method(&target.clone(), method.as_ref(), args);
            }
            _ => return Err(Stop::Unknown("a call")),
        })
    }

    /// An attribute of something the library made.
    pub(super) fn given_attribute(&mut self, name: &str, made: &Args<'a>, attr: &Name) -> Res<'a> {
        match name {
            "defaultdict" | "Counter" if &**attr != "most_common" => {
                Ok(Value::Method(Rc::new((made.pos[0].clone(), attr.clone()))))
            }
            "Counter" | "os.environ" | "Pattern" | "Match" | "monkeypatch" | "capsys" => {
                let this = Value::Given(Rc::new((name.into(), made.clone())));
                Ok(Value::Given(Rc::new(("method".into(), Args::of(vec![this, Value::str(attr)])))))
            }
            "coroutine" => {
                let message = format!("'coroutine' object has no attribute '{attr}'");
                self.raise("AttributeError", message)
            }
            _ => Err(Stop::Unknown("an attribute")),
        }
    }

    fn given_method(&mut self, target: &Value<'a>, method: &str, args: Args<'a>) -> Res<'a> {
        let Value::Given(given) = target else { return Err(Stop::Unknown("a method")) };
        let made = &given.1;
        let first = args.pos.first().cloned();
        Ok(match (&*given.0, method, first) {
            ("Counter", "most_common", count) => {
                let Value::Dict(pairs) = &made.pos[0] else { return Err(Stop::Unknown("a Counter")) };
                let mut all = pairs.borrow().clone();
                all.sort_by_key(|(_, count)| std::cmp::Reverse(count.int().unwrap_or(0)));
                let keep = count.and_then(|n| n.int()).map_or(all.len(), |n| n.max(0) as usize);
                Value::list(all.into_iter().take(keep).map(|(k, v)| Value::tuple(vec![k, v])).collect())
            }
            ("os.environ", "get", Some(_)) => args.get(1, "default").unwrap_or(Value::None),
            ("Pattern", method, Some(_)) => {
                let mut all = vec![made.pos[0].clone()];
                all.extend(args.pos);
                self.regex(method, &all)?
            }
            ("Match", "groups", _) => made.pos[1].clone(),
            ("Match", "group", which) => {
                let which = which.unwrap_or(Value::Int(0));
                self.group(made, &which)?
            }
            ("Match", "groupdict", _) => made.pos[2].clone(),
            ("monkeypatch", "setattr", Some(object)) if args.pos.len() == 3 => {
                let Some(attr) = args.pos[1].text().map(Name::from) else {
                    return Err(Stop::Unknown("setattr"));
                };
                let old = match self.attribute(&object, &attr) {
                    Ok(old) => old,
                    Err(Stop::Raise(_)) => {
                        return self.raise("AttributeError", format!("object has no attribute '{attr}'"));
                    }
                    Err(stop) => return Err(stop),
                };
                self.undo.push((object.clone(), attr.clone(), Some(old)));
                self.set_attribute(&object, &attr, args.pos[2].clone())?;
                Value::None
            }
            ("capsys", "readouterr", _) => {
                let [out, err] = std::mem::take(&mut self.printed);
                let class = self.exception("Exception");
                let object = self.error(&class, Vec::new());
                object.set("out", Value::str(out));
                object.set("err", Value::str(err));
                Value::Object(object)
            }
            _ => return Err(Stop::Unknown("a method")),
        })
    }

    fn group(&mut self, made: &Args<'a>, which: &Value<'a>) -> Res<'a> {
        match which {
            Value::Int(0) => Ok(made.pos[0].clone()),
            Value::Int(n) => self.item(&made.pos[1].clone(), &Value::Int(n - 1)),
            name => self.item(&made.pos[2].clone(), name),
        }
    }

    /// `re.FUNCTION(pattern, …)`.
    fn regex(&mut self, function: &str, args: &[Value<'a>]) -> Res<'a> {
        let pattern = match &args[0] {
            Value::Given(given) if &*given.0 == "Pattern" => given.1.pos[0].clone(),
            other => other.clone(),
        };
        let (Some(pattern), Some(text)) = (pattern.text(), args.get(if function == "sub" { 2 } else { 1 }))
        else {
            return Err(Stop::Unknown("a regular expression"));
        };
        let Some(text) = text.text().map(str::to_owned) else {
            let message = format!("expected string or bytes-like object, got '{}'", text.type_name());
            return self.raise("TypeError", message);
        };
        self.spend(text.len() / 16 + 50)?;
        let whole = match function {
            "fullmatch" => format!("^(?:{pattern})$"),
            "match" => format!("^(?:{pattern})"),
            _ => pattern.to_owned(),
        };
        let Ok(regex) = regex::RegexBuilder::new(&whole).size_limit(1 << 20).build() else {
            return Err(Stop::Unknown("a regular expression"));
        };
        Ok(match function {
            "match" | "fullmatch" | "search" => match regex.captures(&text) {
                Some(found) => {
                    let value =
                        |part: Option<regex::Match<'_>>| part.map_or(Value::None, |m| Value::str(m.as_str()));
                    let groups = found.iter().skip(1).map(value).collect();
                    let named = regex.capture_names().flatten();
                    let pairs = named.map(|name| (Value::str(name), value(found.name(name)))).collect();
                    let made = vec![value(found.get(0)), Value::tuple(groups), Value::dict(pairs)];
                    Value::Given(Rc::new(("Match".into(), Args::of(made))))
                }
                None => Value::None,
            },
            "findall" if regex.captures_len() <= 2 => {
                let last = regex.captures_len() - 1;
                let found =
                    regex.captures_iter(&text).map(|c| Value::str(c.get(last).map_or("", |m| m.as_str())));
                Value::list(found.collect())
            }
            "split" => Value::list(regex.split(&text).map(Value::str).collect()),
            "sub" => match args[1].text() {
                Some(by) if !by.contains(['\\', '$']) => Value::str(regex.replace_all(&text, by)),
                _ => return Err(Stop::Unknown("a replacement")),
            },
            _ => return Err(Stop::Unknown("a regular expression")),
        })
    }

    /// Whether `pattern` is found in `text`.
    pub(super) fn matches(&mut self, pattern: &Value<'a>, text: &str) -> Res<'a, bool> {
        let found = self.regex("search", &[pattern.clone(), Value::str(text)])?;
        Ok(!matches!(found, Value::None))
    }

    /// Whether `value` is `pytest.approx(…)`.
    pub(super) fn approximately(&mut self, value: &Value<'a>, made: &Args<'a>) -> Res<'a, bool> {
        let number = |name: &str| made.named(name).and_then(|value| value.number());
        let (rel, abs) = (number("rel"), number("abs"));
        let Some(expected) = made.pos.first().cloned() else { return Err(Stop::Unknown("approx")) };
        match (&expected, value) {
            (Value::List(_) | Value::Tuple(_), Value::List(_) | Value::Tuple(_)) => {
                let (wanted, got) = (self.collect(&expected)?, self.collect(value)?);
                Ok(wanted.len() == got.len()
                    && wanted.iter().zip(&got).all(|(wanted, got)| match (wanted.number(), got.number()) {
                        (Some(wanted), Some(got)) => close(got, wanted, rel, abs),
                        _ => false,
                    }))
            }
            _ => match (expected.number(), value.number()) {
                (Some(wanted), Some(got)) => Ok(close(got, wanted, rel, abs)),
                _ => Err(Stop::Unknown("approx")),
            },
        }
    }

    fn unittest(&mut self, name: &str, args: Args<'a>) -> Res<'a> {
        // The first argument is the test case.
        let args = if matches!(args.pos.first(), Some(Value::Object(object)) if object.class.kind == Kind::TestCase)
        {
            tail(&args)
        } else {
            args
        };
        let pair = |args: &Args<'a>| Some((args.pos.first()?.clone(), args.pos.get(1)?.clone()));
        let holds = match (name, pair(&args)) {
            ("assertEqual" | "assertListEqual" | "assertDictEqual", Some((a, b))) => {
                self.compare("==", &a, &b)?
            }
            ("assertNotEqual", Some((a, b))) => self.compare("!=", &a, &b)?,
            ("assertIn", Some((a, b))) => self.compare("in", &a, &b)?,
            ("assertNotIn", Some((a, b))) => self.compare("not in", &a, &b)?,
            ("assertIs", Some((a, b))) => self.compare("is", &a, &b)?,
            ("assertGreater", Some((a, b))) => self.compare(">", &a, &b)?,
            ("assertLess", Some((a, b))) => self.compare("<", &a, &b)?,
            ("assertAlmostEqual", Some((a, b))) => match (a.number(), b.number()) {
                (Some(a), Some(b)) => (a - b).abs() < 5e-8,
                _ => return Err(Stop::Unknown("assertAlmostEqual")),
            },
            ("assertTrue" | "assertFalse" | "assertIsNone" | "assertIsNotNone", _) => {
                let Some(value) = args.pos.first().cloned() else { return Err(Stop::Unknown("unittest")) };
                match name {
                    "assertTrue" => self.truth(&value)?,
                    "assertFalse" => !self.truth(&value)?,
                    "assertIsNone" => matches!(value, Value::None),
                    _ => !matches!(value, Value::None),
                }
            }
            ("assertRaises", _) => return Ok(Value::Given(Rc::new(("unittest.assertRaises".into(), args)))),
            _ => return Err(Stop::Unknown("unittest")),
        };
        if holds {
            return Ok(Value::None);
        }
        if let Some((a, b)) = pair(&args) {
            let left = self.repr(&a).unwrap_or_default();
            let right = self.repr(&b).unwrap_or_default();
            self.compared = Some(super::machine::Compared { left, right });
        }
        self.raise("AssertionError", "")
    }
}

fn close(got: f64, wanted: f64, rel: Option<f64>, abs: Option<f64>) -> bool {
    // pytest's defaults; a relative tolerance counts only if none or it alone is given.
    let relative = match (rel, abs) {
        (None, Some(_)) => 0.0,
        _ => rel.unwrap_or(1e-6) * wanted.abs(),
    };
    got == wanted || (got - wanted).abs() <= relative.max(abs.unwrap_or(1e-12))
}
