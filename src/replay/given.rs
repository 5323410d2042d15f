//! What pytest and `unittest` give to tests.

use std::rc::Rc;

use super::expr::tail;
use super::machine::{Machine, Res, Stop};
use super::value::{Args, Kind, Value};
use crate::workspace::python::Name;

impl<'a> Machine<'a> {
    /// Calls something that was made with arguments before.
    pub(super) fn given(&mut self, name: &str, made: &Args<'a>, args: Args<'a>) -> Res<'a> {
        let first = args.pos.first().cloned();
        Ok(match (name, first) {
            ("same", Some(value)) => value,
            ("wraps", Some(wrapper)) => {
                let [wrapped] = made.pos.as_slice() else { return Err(Stop::Unknown("wraps")) };
                if let (Value::Function(_), Value::Function(of)) = (&wrapper, wrapped) {
                    for (name, value) in of.attrs.borrow().iter() {
                        self.set_attribute(&wrapper, name, value.clone())?;
                    }
                    let name = of.attr("__name__").unwrap_or_else(|| Value::str(&of.name));
                    self.set_attribute(&wrapper, "__name__", name.clone())?;
                    self.set_attribute(&wrapper, "__qualname__", name)?;
                    self.set_attribute(&wrapper, "__wrapped__", wrapped.clone())?;
                }
                wrapper
            }
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
            "request" => match made.named(attr) {
                Some(value) => Ok(value),
                None if &**attr == "param" => {
                    self.raise("AttributeError", "'SubRequest' object has no attribute 'param'")
                }
                None => Err(Stop::Unknown("a member of request")),
            },
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
            ("monkeypatch", "setattr", Some(Value::Str(path))) if args.pos.len() == 2 => {
                let found = self.target(&path)?;
                let mut all = self.collect(&found)?;
                all.push(args.pos[1].clone());
                return self.given_method(target, method, Args::of(all));
            }
            ("monkeypatch", "setitem", Some(dict)) if args.pos.len() == 3 => {
                let old = self.find(&dict, &args.pos[1])?;
                self.put_back.push((dict.clone(), args.pos[1].clone(), old));
                self.set_item(&dict, &args.pos[1], args.pos[2].clone())?;
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

    /// The object and the name that a dotted path of a patch leads to: `("shop.orders", "send")`.
    pub(super) fn target(&mut self, path: &str) -> Res<'a> {
        let Some((mut module, mut rest)) = path.rsplit_once('.').map(|(module, name)| (module, vec![name]))
        else {
            return self.raise("TypeError", format!("Need a valid target to patch. You supplied: '{path}'"));
        };
        loop {
            if let Some(file) = self.program.module_named(module) {
                self.module(file)?;
                let mut object = Value::Module(file);
                let Some(last) = rest.pop() else { return Err(Stop::Unknown("a target")) };
                for part in rest {
                    object = self.attribute(&object, &part.into())?;
                }
                return Ok(Value::tuple(vec![object, Value::str(last)]));
            }
            let Some((outer, name)) = module.rsplit_once('.') else {
                return Err(Stop::Unknown("a target outside of the program"));
            };
            rest.insert(0, name);
            module = outer;
        }
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

    pub(super) fn unittest(&mut self, name: &str, args: Args<'a>) -> Res<'a> {
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
