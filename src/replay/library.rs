//! The parts of the standard library and of pytest that the replay knows.

use std::cell::RefCell;
use std::rc::Rc;

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
    "functools.partial",
    "functools.reduce",
    "functools.wraps",
    "itertools.chain",
    "itertools.chain.from_iterable",
    "itertools.pairwise",
    "json.dump",
    "json.dumps",
    "json.load",
    "json.loads",
    "math.atan",
    "math.atan2",
    "math.ceil",
    "math.comb",
    "math.copysign",
    "math.cos",
    "math.degrees",
    "math.dist",
    "math.e",
    "math.exp",
    "math.fabs",
    "math.factorial",
    "math.floor",
    "math.fmod",
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
    "math.log2",
    "math.nan",
    "math.pi",
    "math.pow",
    "math.prod",
    "math.radians",
    "math.sin",
    "math.sqrt",
    "math.tan",
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
        // What a type is called: `type(value).__name__`.
        if matches!(&**name, "__name__" | "__qualname__") && !module.starts_with('?') {
            return Ok(Value::str(module.rsplit('.').next().unwrap_or(module)));
        }
        if let Some(file) = self.program.library(&format!("{module}.{name}")) {
            self.module(file)?;
            return Ok(Value::Module(file));
        }
        match (&**module, &**name) {
            ("dict", "fromkeys") | ("str", _) | ("object", "__setattr__") => {
                Ok(Value::Native(format!("{module}.{name}").into()))
            }
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
            ("str.maketrans", Some(first)) => return self.translation(&first, &args),
            ("dict.fromkeys", Some(keys)) => {
                let dict = Value::dict(Vec::new());
                let value = args.get(1, "value").unwrap_or(Value::None);
                for key in self.collect(&keys)? {
                    self.set_item(&dict, &key, value.clone())?;
                }
                dict
            }
            (
                "math.sin" | "math.cos" | "math.tan" | "math.radians" | "math.degrees" | "math.log2"
                | "math.atan",
                Some(value),
            ) => {
                let Some(x) = value.number() else { return self.raise("TypeError", "must be real number") };
                Value::Float(match &name[5..] {
                    "sin" => x.sin(),
                    "cos" => x.cos(),
                    "tan" => x.tan(),
                    "atan" => x.atan(),
                    "radians" => x.to_radians(),
                    "degrees" => x.to_degrees(),
                    _ if x <= 0.0 => return self.raise("ValueError", "math domain error"),
                    _ => x.log2(),
                })
            }
            ("math.atan2" | "math.copysign" | "math.pow" | "math.fmod", Some(a)) if args.pos.len() == 2 => {
                let (Some(a), Some(b)) = (a.number(), args.pos[1].number()) else {
                    return self.raise("TypeError", "must be real number");
                };
                Value::Float(match &name[5..] {
                    "atan2" => a.atan2(b),
                    "copysign" => a.copysign(b),
                    "pow" => a.powf(b),
                    _ => a % b,
                })
            }
            ("math.dist", Some(a)) if args.pos.len() == 2 => {
                let (a, b) = (self.collect(&a)?, self.collect(&args.pos[1])?);
                let mut sum = 0.0;
                for (a, b) in a.iter().zip(&b) {
                    let (Some(a), Some(b)) = (a.number(), b.number()) else {
                        return self.raise("TypeError", "must be real number");
                    };
                    sum += (a - b) * (a - b);
                }
                Value::Float(sum.sqrt())
            }
            ("functools.wraps", Some(wrapped)) => {
                Value::Given(Rc::new(("wraps".into(), Args::of(vec![wrapped]))))
            }
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
                let mut fields: Vec<Field<'a>> = names.into_iter().map(field).collect();
                if let Some(defaults) = args.named("defaults") {
                    let defaults = self.collect(&defaults)?;
                    let from = fields.len().saturating_sub(defaults.len());
                    for (field, default) in fields[from..].iter_mut().zip(defaults) {
                        field.default = Some(default);
                    }
                }
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
            ("asyncio.run", Some(value)) => self.awaited(&value)?,
            ("asyncio.sleep", _) => Value::Given(Rc::new(("ready".into(), Args::of(vec![Value::None])))),
            ("asyncio.gather", _) if args.kw.is_empty() => {
                let mut all = Vec::new();
                for arg in &args.pos {
                    all.push(self.awaited(arg)?);
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
            ("json.load", Some(file)) => {
                let read = self.attribute(&file, &"read".into())?;
                let text = self.call(&read, Args::default())?;
                return self.json_read(&text);
            }
            ("json.dump", Some(value)) if args.pos.len() == 2 => {
                let text = self.json_written(&Args { pos: vec![value], kw: args.kw.clone() })?;
                let write = self.attribute(&args.pos[1], &"write".into())?;
                return self.call(&write, Args::of(vec![text]));
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
            (name, Some(text @ Value::Str(_)))
                if super::methods::known(&text, name.strip_prefix("str.").unwrap_or("")) =>
            {
                return self.builtin_method(&text, &name[4..], &super::expr::tail(&args));
            }
            (name, Some(_)) if name.starts_with("unittest.assert") => return self.unittest(&name[9..], args),
            _ => return Err(Stop::Unknown("a function of the library")),
        })
    }
}
