//! `match`: which `case` a value fits.

use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::scope::Scope;
use super::value::{Kind, Value};
use crate::workspace::python::{Expr, ExprKind, MatchCase, Name, Pattern};

/// Names that a pattern binds, and their values.
type Bound<'a> = Vec<(Name, Value<'a>)>;

/// Types that take their own value as the only pattern by position: `int(n)`.
const PLAIN: &[&str] = &["bool", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"];

impl<'a> Machine<'a> {
    /// The first case that fits `value`; its names are bound in `scope`.
    pub(super) fn case_for(
        &mut self,
        value: &Value<'a>,
        cases: &'a [MatchCase],
        scope: &Rc<Scope<'a>>,
    ) -> Res<'a, Option<&'a MatchCase>> {
        for case in cases {
            let mut bound = Vec::new();
            if !self.fits(&case.form, value, scope, &mut bound)? {
                continue;
            }
            for (name, value) in bound {
                self.bind(&name, value, scope);
            }
            if let Some(guard) = &case.guard {
                let held = self.eval(guard, scope)?;
                if !self.truth(&held)? {
                    continue;
                }
            }
            return Ok(Some(case));
        }
        Ok(None)
    }

    fn fits(
        &mut self,
        pattern: &'a Pattern,
        value: &Value<'a>,
        scope: &Rc<Scope<'a>>,
        bound: &mut Bound<'a>,
    ) -> Res<'a, bool> {
        self.step()?;
        match pattern {
            Pattern::Value(expr) => {
                let wanted = self.eval(expr, scope)?;
                if matches!(expr.kind, ExprKind::None | ExprKind::Bool(_)) {
                    return Ok(wanted.same(value));
                }
                self.equal(value, &wanted)
            }
            Pattern::As { pattern, name } => {
                if let Some(pattern) = pattern
                    && !self.fits(pattern, value, scope, bound)?
                {
                    return Ok(false);
                }
                bound.extend(name.as_ref().map(|name| (name.clone(), value.clone())));
                Ok(true)
            }
            Pattern::Or(patterns) => {
                for pattern in patterns {
                    let before = bound.len();
                    if self.fits(pattern, value, scope, bound)? {
                        return Ok(true);
                    }
                    bound.truncate(before);
                }
                Ok(false)
            }
            Pattern::Sequence(patterns) => self.fits_items(patterns, value, scope, bound),
            Pattern::Mapping { items, rest } => {
                let Value::Dict(_) = value.held().unwrap_or_else(|| value.clone()) else { return Ok(false) };
                let dict = value.held().unwrap_or_else(|| value.clone());
                let mut taken = Vec::new();
                for (key, pattern) in items {
                    let key = self.eval(key, scope)?;
                    let Some(found) = self.find(&dict, &key)? else { return Ok(false) };
                    if !self.fits(pattern, &found, scope, bound)? {
                        return Ok(false);
                    }
                    taken.push(key);
                }
                if let Some(name) = rest {
                    let left = Value::dict(Vec::new());
                    self.update(&left, &dict)?;
                    for key in taken {
                        self.delete_item(&left, &key)?;
                    }
                    bound.push((name.clone(), left));
                }
                Ok(true)
            }
            Pattern::Class { class, args, keywords } => {
                self.fits_class(class, args, keywords, value, scope, bound)
            }
            Pattern::Star(_) | Pattern::Other => Err(Stop::Unknown("a pattern")),
        }
    }

    fn fits_items(
        &mut self,
        patterns: &'a [Pattern],
        value: &Value<'a>,
        scope: &Rc<Scope<'a>>,
        bound: &mut Bound<'a>,
    ) -> Res<'a, bool> {
        let is_tuple = matches!(value, Value::Object(object) if object.class.kind == Kind::NamedTuple);
        let held = value.held().unwrap_or_else(|| value.clone());
        if !is_tuple && !matches!(held, Value::List(_) | Value::Tuple(_) | Value::Range(..)) {
            return Ok(false);
        }
        let mut items = self.collect(value)?;
        let star = patterns.iter().position(|pattern| matches!(pattern, Pattern::Star(_)));
        let fixed = patterns.len() - usize::from(star.is_some());
        if items.len() < fixed || (star.is_none() && items.len() > fixed) {
            return Ok(false);
        }
        if let Some(star) = star {
            let rest: Vec<Value<'a>> = items.drain(star..star + items.len() - fixed).collect();
            if let Pattern::Star(Some(name)) = &patterns[star] {
                bound.push((name.clone(), Value::list(rest)));
            }
        }
        let own = patterns.iter().filter(|pattern| !matches!(pattern, Pattern::Star(_)));
        for (pattern, item) in own.zip(&items) {
            if !self.fits(pattern, item, scope, bound)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fits_class(
        &mut self,
        class: &'a Expr,
        args: &'a [Pattern],
        keywords: &'a [(Name, Pattern)],
        value: &Value<'a>,
        scope: &Rc<Scope<'a>>,
        bound: &mut Bound<'a>,
    ) -> Res<'a, bool> {
        let class = self.eval(class, scope)?;
        if !self.is_instance(value, &class)? {
            return Ok(false);
        }
        if let Value::Native(name) = &class
            && PLAIN.contains(&&**name)
            && keywords.is_empty()
        {
            return match args {
                [] => Ok(true),
                [pattern] => self.fits(pattern, value, scope, bound),
                _ => self.raise("TypeError", format!("{name}() accepts 1 positional sub-pattern")),
            };
        }
        let names = if args.is_empty() { Vec::new() } else { self.match_args(&class)? };
        if args.len() > names.len() {
            let message = format!("accepts {} positional sub-patterns ({} given)", names.len(), args.len());
            return self.raise("TypeError", message);
        }
        let by_name = keywords.iter().map(|(name, pattern)| (name, pattern));
        for (name, pattern) in names.iter().zip(args).chain(by_name) {
            let found = match self.attribute(value, name) {
                Ok(found) => found,
                Err(Stop::Raise(raised)) if raised.object.class.is_a("AttributeError") => return Ok(false),
                Err(stop) => return Err(stop),
            };
            if !self.fits(pattern, &found, scope, bound)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The attributes that patterns by position stand for.
    fn match_args(&mut self, class: &Value<'a>) -> Res<'a, Vec<Name>> {
        let Value::Class(class) = class else { return Err(Stop::Unknown("a pattern of a type")) };
        if let Some((_, names)) = class.find("__match_args__") {
            return Ok(self.collect(&names)?.iter().filter_map(Value::text).map(Name::from).collect());
        }
        let fields = class.all_fields().unwrap_or_default();
        Ok(fields.into_iter().filter(|field| field.init).map(|field| field.name).collect())
    }
}
