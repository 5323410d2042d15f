//! Text: `repr`, `str`, f-strings, format specifications.

use std::fmt::Write as _;
use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Kind, Value};
use crate::workspace::python::{Expr, Span};

/// A piece of an f-string.
pub(super) enum Piece<'s> {
    Text(String),
    Value {
        /// Index of the interpolated expression.
        index: usize,
        /// For `{x=}`: the text that is shown before the value.
        shown: Option<&'s str>,
        convert: Option<char>,
        spec: Spec,
    },
}

/// A format specification; at most one part of it is an expression itself.
pub(super) enum Spec {
    Plain(String),
    Nested(String, usize, String),
}

impl<'a> Machine<'a> {
    pub(super) fn repr(&mut self, value: &Value<'a>) -> Res<'a, String> {
        self.step()?;
        Ok(match value {
            Value::None => "None".into(),
            Value::Ellipsis => "Ellipsis".into(),
            Value::NotImplemented => "NotImplemented".into(),
            Value::Bool(b) => if *b { "True" } else { "False" }.into(),
            Value::Int(n) => n.to_string(),
            Value::Float(x) => float(*x),
            Value::Str(text) => quoted(text),
            Value::Bytes(bytes) => {
                let text: String = bytes.iter().map(|&b| b as char).collect();
                if bytes.iter().any(|b| !(32..127).contains(b)) {
                    return Err(Stop::Unknown("the repr of bytes"));
                }
                format!("b{}", quoted(&text))
            }
            Value::List(items) => {
                let items = items.borrow().clone();
                format!("[{}]", self.joined(&items)?)
            }
            Value::Tuple(items) => {
                let items = Rc::clone(items);
                let comma = if items.len() == 1 { "," } else { "" };
                format!("({}{comma})", self.joined(&items)?)
            }
            Value::Set(items) => {
                let items = items.borrow().clone();
                if items.is_empty() { "set()".into() } else { format!("{{{}}}", self.joined(&items)?) }
            }
            Value::Dict(pairs) => {
                let pairs = pairs.borrow().clone();
                let mut all = Vec::new();
                for (key, value) in &pairs {
                    all.push(format!("{}: {}", self.repr(key)?, self.repr(value)?));
                }
                format!("{{{}}}", all.join(", "))
            }
            Value::Range(from, to, 1) => format!("range({from}, {to})"),
            Value::Range(from, to, step) => format!("range({from}, {to}, {step})"),
            Value::Class(class) => format!("<class '{}'>", class.name),
            Value::Object(object) => {
                if let Some(method) = self.method_of(value, "__repr__") {
                    let text = self.call(&method, Args::default())?;
                    return text.text().map(str::to_owned).ok_or(Stop::Unknown("a repr"));
                }
                if matches!(object.class.kind, Kind::Enum | Kind::IntEnum | Kind::StrEnum) {
                    let name = object.get("name").and_then(|name| name.text().map(str::to_owned));
                    let value = object.get("value").unwrap_or(Value::None);
                    return Ok(format!(
                        "<{}.{}: {}>",
                        object.class.name,
                        name.unwrap_or_default(),
                        self.repr(&value)?
                    ));
                }
                if object.class.kind == Kind::Exception {
                    let args = object.get("args").unwrap_or(Value::None);
                    let args = self.collect(&args)?;
                    return Ok(format!("{}({})", object.class.name, self.joined(&args)?));
                }
                if let Some(fields) = object.class.all_fields() {
                    let mut all = Vec::new();
                    for field in fields {
                        let value = object.get(&field.name).unwrap_or(Value::None);
                        all.push(format!("{}={}", field.name, self.repr(&value)?));
                    }
                    return Ok(format!("{}({})", object.class.name, all.join(", ")));
                }
                if let Some(items) = value.held() {
                    return self.repr(&items);
                }
                return Err(Stop::Unknown("the repr of an object"));
            }
            Value::Given(given) if &*given.0 == "defaultdict" => {
                let (dict, factory) = (given.1.pos[0].clone(), given.1.pos[1].clone());
                let factory = match &factory {
                    Value::Native(name) => format!("<class '{name}'>"),
                    _ => return Err(Stop::Unknown("the repr of a function")),
                };
                format!("defaultdict({factory}, {})", self.repr(&dict)?)
            }
            Value::Given(given) if &*given.0 == "Counter" => {
                let dict = given.1.pos[0].clone();
                format!("Counter({})", self.repr(&dict)?)
            }
            _ => return Err(Stop::Unknown("a repr")),
        })
    }

    fn joined(&mut self, items: &[Value<'a>]) -> Res<'a, String> {
        let mut all = String::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                all.push_str(", ");
            }
            all.push_str(&self.repr(item)?);
        }
        Ok(all)
    }

    /// `str(value)`.
    pub(super) fn string(&mut self, value: &Value<'a>) -> Res<'a, String> {
        match value {
            Value::Str(text) => Ok(text.to_string()),
            Value::Object(object) => {
                if let Some(method) = self.method_of(value, "__str__") {
                    let text = self.call(&method, Args::default())?;
                    return text.text().map(str::to_owned).ok_or(Stop::Unknown("a str"));
                }
                if object.class.kind == Kind::Enum {
                    let name = object.get("name").and_then(|name| name.text().map(str::to_owned));
                    return Ok(format!("{}.{}", object.class.name, name.unwrap_or_default()));
                }
                if matches!(object.class.kind, Kind::IntEnum | Kind::StrEnum) {
                    // `str(…)` of these changed with Python 3.11 and 3.12.
                    return Err(Stop::Unknown("the text of an enumeration's member"));
                }
                if object.class.kind == Kind::Exception {
                    let args = object.get("args").unwrap_or(Value::None);
                    let args = self.collect(&args)?;
                    return match args.as_slice() {
                        [] => Ok(String::new()),
                        [one] if object.class.is_a("KeyError") => self.repr(one),
                        [one] => self.string(one),
                        _ => self.repr(&Value::tuple(args)),
                    };
                }
                self.repr(value)
            }
            _ => self.repr(value),
        }
    }

    /// `format(value, spec)`.
    pub(super) fn format(&mut self, value: &Value<'a>, spec: &str) -> Res<'a, String> {
        if spec.is_empty() {
            return self.string(value);
        }
        if let Value::Object(_) = value
            && let Some(method) = self.method_of(value, "__format__")
        {
            let text = self.call(&method, Args::of(vec![Value::str(spec)]))?;
            return text.text().map(str::to_owned).ok_or(Stop::Unknown("a format"));
        }
        if matches!(value, Value::None | Value::List(_) | Value::Dict(_) | Value::Tuple(_)) {
            let message = format!("unsupported format string passed to {}.__format__", value.type_name());
            return self.raise("TypeError", message);
        }
        let chars: Vec<char> = spec.chars().collect();
        let mut at = 0;
        let (mut fill, mut align) = (' ', None);
        if chars.len() > 1 && "<>^=".contains(chars[1]) {
            (fill, align, at) = (chars[0], Some(chars[1]), 2);
        } else if "<>^=".contains(chars[0]) {
            (align, at) = (Some(chars[0]), 1);
        }
        let mut sign = '-';
        if let Some(&c) = chars.get(at)
            && "+- ".contains(c)
        {
            (sign, at) = (c, at + 1);
        }
        if chars.get(at) == Some(&'0') {
            (fill, at) = ('0', at + 1);
            align = align.or(Some('='));
        }
        let number = |at: &mut usize| {
            let start = *at;
            while chars.get(*at).is_some_and(char::is_ascii_digit) {
                *at += 1;
            }
            chars[start..*at].iter().collect::<String>().parse::<usize>().ok()
        };
        let width = number(&mut at).unwrap_or(0);
        let grouped = match chars.get(at) {
            Some(&c) if c == ',' || c == '_' => {
                at += 1;
                Some(c)
            }
            _ => None,
        };
        let precision = if chars.get(at) == Some(&'.') {
            at += 1;
            number(&mut at)
        } else {
            None
        };
        let kind = chars.get(at).copied();
        if at + usize::from(kind.is_some()) != chars.len()
            || width > 10_000
            || precision.is_some_and(|p| p > 100)
        {
            return Err(Stop::Unknown("a format"));
        }
        let (mut body, numeric) = match (value, kind) {
            (Value::Str(text), None | Some('s')) => {
                (precision.map_or_else(|| text.to_string(), |p| text.chars().take(p).collect()), false)
            }
            (Value::Int(n), None | Some('d')) if precision.is_none() => (n.to_string(), true),
            (Value::Int(n), Some('x')) => (format!("{n:x}"), true),
            (Value::Int(n), Some('X')) => (format!("{n:X}"), true),
            (Value::Int(n), Some('b')) => (format!("{n:b}"), true),
            (Value::Int(n), Some('o')) => (format!("{n:o}"), true),
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), Some('f' | 'F')) => {
                (fixed(value.number().unwrap_or(0.0), precision.unwrap_or(6)), true)
            }
            (Value::Int(_) | Value::Float(_), Some('%')) => {
                (fixed(value.number().unwrap_or(0.0) * 100.0, precision.unwrap_or(6)) + "%", true)
            }
            (Value::Float(x), None) if precision.is_none() => (float(*x), true),
            (Value::Str(_), Some(kind)) if "dfxX%".contains(kind) => {
                let message = format!("Unknown format code '{kind}' for object of type 'str'");
                return self.raise("ValueError", message);
            }
            (Value::Float(_), Some('d')) => {
                return self.raise("ValueError", "Unknown format code 'd' for object of type 'float'");
            }
            _ => return Err(Stop::Unknown("a format")),
        };
        if let Some(separator) = grouped {
            body = group(&body, separator);
        }
        if numeric && sign != '-' && !body.starts_with('-') {
            body.insert(0, sign);
        }
        let missing = width.saturating_sub(body.chars().count());
        let pad = |n: usize| fill.to_string().repeat(n);
        Ok(match align.unwrap_or(if numeric { '>' } else { '<' }) {
            '<' => body + &pad(missing),
            '^' => pad(missing / 2) + &body + &pad(missing - missing / 2),
            '=' => match body.strip_prefix(['-', '+']) {
                Some(rest) => format!("{}{}{rest}", &body[..1], pad(missing)),
                None => pad(missing) + &body,
            },
            _ => pad(missing) + &body,
        })
    }

    /// `format % value`.
    pub(super) fn percent(&mut self, format: &str, value: &Value<'a>) -> Res<'a> {
        let single = !matches!(value, Value::Tuple(_));
        let values = if single { vec![value.clone()] } else { self.collect(value)? };
        let mut values = values.into_iter();
        let mut made = String::new();
        let mut rest = format;
        let mut named = false;
        while let Some(at) = rest.find('%') {
            made.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let end = rest.find(|c: char| c.is_alphabetic() || c == '%' || c == '(').unwrap_or(0);
            let (flags, kind) = (&rest[..end], rest[end..].chars().next());
            let Some(kind) = kind else { return self.raise("ValueError", "incomplete format") };
            rest = &rest[end + kind.len_utf8()..];
            if kind == '%' {
                made.push('%');
                continue;
            }
            let (value, flags, kind) = if kind == '(' {
                let Some((name, after)) = rest.split_once(')') else {
                    return self.raise("ValueError", "incomplete format key");
                };
                if !single || !matches!(value, Value::Dict(_)) {
                    return self.raise("TypeError", "format requires a mapping");
                }
                named = true;
                let end = after.find(|c: char| c.is_alphabetic()).unwrap_or(0);
                let Some(kind) = after[end..].chars().next() else {
                    return self.raise("ValueError", "incomplete format");
                };
                rest = &after[end + kind.len_utf8()..];
                (self.item(value, &Value::str(name))?, &after[..end], kind)
            } else {
                let Some(value) = values.next() else {
                    return self.raise("TypeError", "not enough arguments for format string");
                };
                (value, flags, kind)
            };
            let (value, spec) = match kind {
                's' => (Value::str(self.string(&value)?), percent_spec(flags, "")),
                'r' => (Value::str(self.repr(&value)?), percent_spec(flags, "")),
                'd' | 'i' => match value.number() {
                    Some(x) => (Value::Int(x.trunc() as i128), percent_spec(flags, "d")),
                    None => return self.raise("TypeError", "%d format: a real number is required, not str"),
                },
                'f' => match value.number() {
                    Some(x) => (Value::Float(x), percent_spec(flags, "f")),
                    None => return self.raise("TypeError", "must be real number, not str"),
                },
                _ => return Err(Stop::Unknown("a format")),
            };
            made.push_str(&self.format(&value, &spec)?);
        }
        made.push_str(rest);
        if !named && values.next().is_some() {
            return self.raise("TypeError", "not all arguments converted during string formatting");
        }
        Ok(Value::str(made))
    }
}

fn percent_spec(flags: &str, kind: &str) -> String {
    match (flags.strip_prefix('-'), kind) {
        (Some(rest), _) => format!("<{rest}{kind}"),
        (None, "") if !flags.is_empty() => format!(">{flags}"),
        (None, _) => format!("{flags}{kind}"),
    }
}

/// A float as Python prints it: the shortest digits that give it back.
pub(super) fn float(x: f64) -> String {
    if x.is_nan() {
        return "nan".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.into();
    }
    let text = format!("{x:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if x != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{x}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// A float with `digits` after the point.
fn fixed(x: f64, digits: usize) -> String {
    format!("{x:.digits$}")
}

fn group(number: &str, separator: char) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut made = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            made.push(separator);
        }
        made.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{made}.{fraction}"),
        None => format!("{sign}{made}"),
    }
}

/// A string as Python's `repr` writes it.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut made = String::with_capacity(text.len() + 2);
    made.push(quote);
    for c in text.chars() {
        match c {
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            '\\' => made.push_str("\\\\"),
            c if c == quote => {
                made.push('\\');
                made.push(c);
            }
            c if (c as u32) < 32 || c as u32 == 127 => {
                let _ = write!(made, "\\x{:02x}", c as u32);
            }
            c => made.push(c),
        }
    }
    made.push(quote);
    made
}

/// The bytes of a literal as written.
pub(super) fn bytes_literal(source: &str) -> Option<Vec<u8>> {
    let body = source.strip_prefix(['b', 'B'])?;
    let quote = body.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let body = body.strip_prefix(quote)?.strip_suffix(quote)?;
    if body.starts_with(quote) || !body.is_ascii() {
        return None;
    }
    let mut made = Vec::new();
    let mut rest = body.bytes();
    while let Some(byte) = rest.next() {
        made.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                other @ (b'\\' | b'\'' | b'"') => other,
                _ => return None,
            },
            other => other,
        });
    }
    Some(made)
}

/// Takes an f-string apart. `None` for what is written in an unusual way.
pub(super) fn fstring<'s>(source: &'s str, span: Span, parts: &[Expr]) -> Option<Vec<Piece<'s>>> {
    let whole = span.of(source);
    let start = whole.find(['\'', '"'])?;
    let prefix = whole[..start].to_lowercase();
    if !matches!(prefix.as_str(), "f" | "rf" | "fr") {
        return None;
    }
    let raw = prefix.contains('r');
    let quote: String = {
        let first = whole[start..].chars().next()?;
        let triple = first.to_string().repeat(3);
        if whole[start..].starts_with(&triple) && whole.len() >= start + 6 {
            triple
        } else {
            first.to_string()
        }
    };
    let body_start = span.start as usize + start + quote.len();
    let body_end = span.end as usize - quote.len();
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut at = body_start;
    let mut next = 0;
    while at < body_end {
        let rest = source.get(at..body_end)?;
        let c = rest.chars().next()?;
        if rest.starts_with("{{") || rest.starts_with("}}") {
            text.push(c);
            at += 2;
        } else if c == '{' {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            let index = next;
            let part = parts.get(index)?;
            next += 1;
            let mut after = part.span.end as usize;
            // Parentheses around the expression are not part of its span.
            let open = source.get(at + 1..part.span.start as usize)?.matches('(').count();
            for _ in 0..open {
                after += source.get(after..body_end)?.find(')')? + 1;
            }
            let mut tail = source.get(after..body_end)?;
            let mut shown = None;
            let blanks = tail.len() - tail.trim_start().len();
            if tail[blanks..].starts_with('=') {
                let upto = after + blanks + 1;
                let more = source[upto..].len() - source[upto..].trim_start_matches(' ').len();
                shown = Some(&source[at + 1..upto + more]);
                tail = source.get(upto + more..body_end)?;
            } else {
                tail = &tail[blanks..];
            }
            let mut convert = None;
            if let Some(rest) = tail.strip_prefix('!') {
                convert = rest.chars().next();
                tail = rest.get(1..)?;
            }
            let mut spec = Spec::Plain(String::new());
            if let Some(rest) = tail.strip_prefix(':') {
                let close = match rest.find('{') {
                    Some(open) if open < rest.find('}')? => {
                        let inner_end = rest.find('}')?;
                        let end = inner_end + 1 + rest[inner_end + 1..].find('}')?;
                        spec = Spec::Nested(rest[..open].into(), next, rest[inner_end + 1..end].into());
                        next += 1;
                        end
                    }
                    _ => {
                        let end = rest.find('}')?;
                        spec = Spec::Plain(rest[..end].to_owned());
                        end
                    }
                };
                tail = &rest[close..];
            }
            tail = tail.strip_prefix('}')?;
            at = body_end - tail.len();
            pieces.push(Piece::Value { index, shown, convert, spec });
        } else if c == '\\' && !raw {
            let (escaped, len) = match rest.chars().nth(1)? {
                'n' => ("\n", 2),
                't' => ("\t", 2),
                'r' => ("\r", 2),
                '\\' => ("\\", 2),
                '\'' => ("'", 2),
                '"' => ("\"", 2),
                _ => return None,
            };
            text.push_str(escaped);
            at += len;
        } else {
            text.push(c);
            at += c.len_utf8();
        }
    }
    pieces.push(Piece::Text(text));
    Some(pieces)
}
