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
    "asyncio.gather",
    "asyncio.run",
    "asyncio.sleep",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.abc.Iterable",
    "collections.defaultdict",
    "collections.namedtuple",
    "contextlib.contextmanager",
    "contextlib.suppress",
    "copy.copy",
    "copy.deepcopy",
    "dataclasses.asdict",
    "dataclasses.astuple",
    "dataclasses.dataclass",
    "dataclasses.field",
    "dataclasses.replace",
    "enum.Enum",
    "enum.IntEnum",
    "enum.StrEnum",
    "enum.auto",
    "enum.unique",
    "functools.cached_property",
    "functools.partial",
    "functools.reduce",
    "functools.wraps",
    "itertools.chain",
    "itertools.chain.from_iterable",
    "itertools.pairwise",
    "json.dumps",
    "json.loads",
    "math.ceil",
    "math.comb",
    "math.e",
    "math.exp",
    "math.fabs",
    "math.factorial",
    "math.floor",
    "math.gcd",
    "math.hypot",
    "math.inf",
    "math.isclose",
    "math.isinf",
    "math.isnan",
    "math.isqrt",
    "math.lcm",
    "math.log",
    "math.log10",
    "math.nan",
    "math.pi",
    "math.prod",
    "math.sqrt",
    "math.tau",
    "math.trunc",
    "operator.add",
    "operator.attrgetter",
    "operator.eq",
    "operator.floordiv",
    "operator.ge",
    "operator.gt",
    "operator.itemgetter",
    "operator.le",
    "operator.lt",
    "operator.mod",
    "operator.mul",
    "operator.ne",
    "operator.neg",
    "operator.not_",
    "operator.pow",
    "operator.sub",
    "operator.truediv",
    "os.environ",
    "os.getenv",
    "pytest.approx",
    "pytest.fixture",
    "pytest.mark",
    "pytest.param",
    "pytest.raises",
    "re.DOTALL",
    "re.I",
    "re.IGNORECASE",
    "re.M",
    "re.MULTILINE",
    "re.S",
    "re.VERBOSE",
    "re.X",
    "re.compile",
    "re.escape",
    "re.findall",
    "re.finditer",
    "re.fullmatch",
    "re.match",
    "re.search",
    "re.split",
    "re.sub",
    "string.ascii_letters",
    "string.ascii_lowercase",
    "string.ascii_uppercase",
    "string.digits",
    "string.hexdigits",
    "string.punctuation",
    "string.whitespace",
    "sys.stderr",
    "sys.stdout",
    "time.sleep",
    "unittest.TestCase",
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
            "math.tau" => Value::Float(std::f64::consts::TAU),
            "math.e" => Value::Float(std::f64::consts::E),
            "re.I" | "re.IGNORECASE" => Value::Int(2),
            "re.M" | "re.MULTILINE" => Value::Int(8),
            "re.S" | "re.DOTALL" => Value::Int(16),
            "re.X" | "re.VERBOSE" => Value::Int(64),
            "string.hexdigits" => Value::str("0123456789abcdefABCDEF"),
            "string.whitespace" => Value::str(" \t\n\r\x0b\x0c"),
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
            ("itertools.chain", "from_iterable") => Ok(Value::Native("itertools.chain.from_iterable".into())),
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
            ("itertools.chain.from_iterable", Some(items)) => {
                let mut all = Vec::new();
                for part in self.collect(&items)? {
                    all.extend(self.collect(&part)?);
                }
                Value::iter(all)
            }
            ("enum.unique", Some(class)) => class,
            ("itertools.pairwise", Some(items)) => {
                let items = self.collect(&items)?;
                Value::iter(items.windows(2).map(|pair| Value::tuple(pair.to_vec())).collect::<Vec<_>>())
            }
            ("copy.copy", Some(value)) => self.shallow(&value)?,
            ("copy.deepcopy", Some(value)) => self.deep(&value, &mut Vec::new())?,
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
                let field = |name: String| Field {
                    name: name.as_str().into(),
                    init: true,
                    compare: true,
                    default: None,
                    factory: None,
                };
                let fields = names.into_iter().map(field).collect();
                Value::Class(Rc::new(Class {
                    name: name.text().unwrap_or("tuple").into(),
                    bases: Vec::new(),
                    attrs: RefCell::default(),
                    kind: Kind::NamedTuple,
                    fields: RefCell::new(Some(fields)),
                    is_abc: false.into(),
                    ordered: false.into(),
                    frozen: false.into(),
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
                let mut all = vec![pattern];
                all.extend(args.get(1, "flags"));
                Value::Given(Rc::new(("Pattern".into(), Args::of(all))))
            }
            ("re.escape", Some(Value::Str(text))) => Value::str(super::regexes::escaped(&text)),
            (name, Some(_)) if name.starts_with("re.") => {
                let mut all = args.pos.clone();
                if let Some(flags) = args.named("flags") {
                    all[0] = Value::Given(Rc::new(("Pattern".into(), Args::of(vec![all[0].clone(), flags]))));
                }
                return self.regex(&name[3..], &all);
            }
            ("json.loads", Some(text)) => return self.json_read(&text),
            ("json.dumps", Some(_)) => return self.json_written(&args),
            ("dataclasses.asdict", Some(value)) => return self.as_plain(&value, true),
            ("dataclasses.astuple", Some(value)) => return self.as_plain(&value, false),
            ("dataclasses.replace", Some(value)) => return self.replaced(&value, &args),
            ("time.sleep", Some(_)) => Value::None,
            ("functools.lru_cache" | "functools.cache", _) => return Err(Stop::Unknown("a cache")),
            ("math.trunc", first) => match number(&first) {
                Some(x) => Value::Int(x.trunc() as i128),
                None => return self.raise("TypeError", "must be real number"),
            },
            ("math.isinf", first) => Value::Bool(number(&first).is_some_and(f64::is_infinite)),
            ("math.fabs", first) if number(&first).is_some() => {
                Value::Float(number(&first).unwrap_or(0.0).abs())
            }
            ("math.gcd" | "math.lcm", Some(_)) if args.pos.len() == 2 => {
                let (Some(a), Some(b)) = (args.pos[0].int(), args.pos[1].int()) else {
                    return self.raise("TypeError", "integers are wanted");
                };
                let (mut x, mut y) = (a.abs(), b.abs());
                while y != 0 {
                    (x, y) = (y, x % y);
                }
                Value::Int(if name == "math.gcd" {
                    x
                } else if x == 0 {
                    0
                } else {
                    (a / x * b).abs()
                })
            }
            ("math.isqrt", Some(value)) if value.int().is_some_and(|n| (0..1 << 50).contains(&n)) => {
                Value::Int((value.int().unwrap_or(0) as f64).sqrt() as i128)
            }
            ("math.factorial", Some(value)) => match value.int() {
                Some(n @ 0..=30) => Value::Int((1..=n).product()),
                Some(n) if n < 0 => {
                    return self.raise("ValueError", "factorial() not defined for negative values");
                }
                _ => return Err(Stop::Unknown("a large number")),
            },
            ("math.comb", Some(_)) if args.pos.len() == 2 => {
                let (Some(n), Some(k)) = (args.pos[0].int(), args.pos[1].int()) else {
                    return self.raise("TypeError", "integers are wanted");
                };
                if !(0..=60).contains(&n) || k < 0 {
                    return Err(Stop::Unknown("a large number"));
                }
                Value::Int((0..k).fold(1, |made, at| made * (n - at) / (at + 1)))
            }
            ("operator.sub", Some(a)) if args.pos.len() == 2 => self.binary("-", &a, &args.pos[1])?,
            ("operator.truediv", Some(a)) if args.pos.len() == 2 => self.binary("/", &a, &args.pos[1])?,
            ("operator.floordiv", Some(a)) if args.pos.len() == 2 => self.binary("//", &a, &args.pos[1])?,
            ("operator.mod", Some(a)) if args.pos.len() == 2 => self.binary("%", &a, &args.pos[1])?,
            ("operator.pow", Some(a)) if args.pos.len() == 2 => self.binary("**", &a, &args.pos[1])?,
            ("operator.neg", Some(a)) => self.unary("-", &a)?,
            ("operator.not_", Some(a)) => self.unary("not", &a)?,
            (
                "operator.eq" | "operator.ne" | "operator.lt" | "operator.le" | "operator.gt" | "operator.ge",
                Some(a),
            ) if args.pos.len() == 2 => {
                let op = match &name[9..] {
                    "eq" => "==",
                    "ne" => "!=",
                    "lt" => "<",
                    "le" => "<=",
                    "gt" => ">",
                    _ => ">=",
                };
                Value::Bool(self.compare(op, &a, &args.pos[1])?)
            }
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
            ("contextmanager", _) => {
                let mut all = made.pos.clone();
                all.extend(args.pos);
                Value::Given(Rc::new(("context".into(), Args { pos: all, kw: args.kw })))
            }
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
            "defaultdict" | "Counter"
                if !matches!(
                    &**attr,
                    "most_common" | "elements" | "total" | "update" | "subtract" | "copy"
                ) || (name == "defaultdict" && &**attr != "copy") =>
            {
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
                let mut all = vec![target.clone()];
                all.extend(args.pos);
                self.regex(method, &all)?
            }
            ("Match", method, _) => self.match_method(made, method, &args)?,
            ("Counter", "elements", _) => {
                let Value::Dict(pairs) = &made.pos[0] else { return Err(Stop::Unknown("a Counter")) };
                let pairs = pairs.borrow().clone();
                let mut all = Vec::new();
                for (key, count) in pairs {
                    let times = count.int().unwrap_or(0).clamp(0, 10_000) as usize;
                    self.spend(times)?;
                    all.extend(std::iter::repeat_n(key, times));
                }
                Value::iter(all)
            }
            ("Counter", "total", _) => {
                let counts = self.view(&made.pos[0].clone(), super::value::View::Values);
                self.native(&"sum".into(), Args::of(counts.into_iter().collect()))?
            }
            ("Counter", "update" | "subtract", Some(with)) => {
                let dict = made.pos[0].clone();
                let op = if method == "update" { "+" } else { "-" };
                let counted: Vec<(Value<'a>, Value<'a>)> = match with.held().unwrap_or(with) {
                    Value::Dict(pairs) => pairs.borrow().clone(),
                    items => self.collect(&items)?.into_iter().map(|item| (item, Value::Int(1))).collect(),
                };
                for (key, count) in counted {
                    let old = self.find(&dict, &key)?.unwrap_or(Value::Int(0));
                    let new = self.binary(op, &old, &count)?;
                    self.set_item(&dict, &key, new)?;
                }
                Value::None
            }
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
