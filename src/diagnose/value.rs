//! Python values out of their `repr`, as far as pytest's text shows them.

/// A value read from its `repr`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// An integer that fits.
    Int(i128),
    /// A float, `nan` and `inf` included.
    Float(f64),
    /// A string, unescaped.
    Str(String),
    /// Bytes, each as the character of its value.
    Bytes(String),
    /// `[…]`
    List(Vec<Value>),
    /// `(…)`
    Tuple(Vec<Value>),
    /// `{…}`, `set()`
    Set(Vec<Value>),
    /// `{…: …}`
    Dict(Vec<(Value, Value)>),
    /// `Name(…)`: positional and keyword arguments in order.
    Call(String, Vec<(Option<String>, Value)>),
    /// `<Name …>`, an enum member, an operator expression: its text without object addresses.
    Opaque(String),
    /// `...`: cut by pytest.
    Elided,
}

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 60;

/// The length from which pytest cuts the reprs of a comparison's operands.
const CUT_LENGTH: usize = 24;

impl Value {
    /// Reads `repr`; `None` if it is not the `repr` of one whole value.
    pub fn parse(repr: &str) -> Option<Self> {
        let mut parser = Parser { text: repr, at: 0 };
        let value = parser.value(0)?;
        parser.blanks();
        (parser.at == repr.len()).then_some(value)
    }

    /// Whether a part of it was cut, so that its absence means nothing.
    pub fn is_cut(&self) -> bool {
        match self {
            Self::Elided => true,
            Self::Str(text) | Self::Bytes(text) | Self::Opaque(text) => {
                text.len() >= CUT_LENGTH && text.contains("...")
            }
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => items.iter().any(Self::is_cut),
            Self::Dict(items) => items.iter().any(|(key, value)| key.is_cut() || value.is_cut()),
            Self::Call(_, arguments) => arguments.iter().any(|(_, value)| value.is_cut()),
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Float(_) => false,
        }
    }

    /// The name of its type as Python says it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Set(_) => "set",
            Self::Dict(_) => "dict",
            Self::Call(name, _) => name,
            Self::Opaque(text) => opaque_type(text),
            Self::Elided => "…",
        }
    }

    /// As a number, if it is one (booleans are not).
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Float(x) => Some(*x),
            _ => None,
        }
    }

    /// The items of a list, tuple or set.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    /// Whether it is `Name(…)` of a date or time with time zone information, or without; `None` if it is no
    /// date or time.
    pub fn has_zone(&self) -> Option<bool> {
        match self {
            Self::Call(name, arguments)
                if matches!(&**name, "datetime.datetime" | "datetime" | "datetime.time") =>
            {
                Some(arguments.iter().any(|(name, _)| name.as_deref() == Some("tzinfo")))
            }
            _ => None,
        }
    }
}

/// `<app.models.User object at …>` gives `app.models.User`; `<Status.OPEN: 1>` gives `Status`.
fn opaque_type(text: &str) -> &str {
    let inner = text.trim_start_matches('<');
    let end = inner.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(inner.len());
    let name = &inner[..end];
    if inner[end..].starts_with(':') { name.rsplit_once('.').map_or(name, |(class, _)| class) } else { name }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.eat("...") {
            return Some(Value::Elided);
        }
        self.blanks();
        match self.rest().chars().next()? {
            '[' => self.items("[", "]", depth).map(|(items, _)| Value::List(items)),
            '(' => self.items("(", ")", depth).map(|(mut items, comma)| {
                if items.len() == 1 && !comma { items.remove(0) } else { Value::Tuple(items) }
            }),
            '{' => self.braces(depth),
            '<' => self.angle(),
            '\'' | '"' => self.string().map(Value::Str),
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(),
            c if c.is_alphabetic() || c == '_' => self.word(depth),
            _ => None,
        }
    }

    /// Items between brackets, and whether there was a comma.
    fn items(&mut self, open: &str, close: &str, depth: usize) -> Option<(Vec<Value>, bool)> {
        self.eat(open);
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            if self.eat(close) {
                return Some((items, comma));
            }
            let item = self.value(depth + 1)?;
            items.push(self.operation(item, depth)?);
            if self.eat(",") {
                comma = true;
            } else if !self.eat(close) {
                return None;
            } else {
                return Some((items, comma));
            }
        }
    }

    /// `left + right`: pytest prints operations of an asserted expression with their operands' values.
    fn operation(&mut self, left: Value, depth: usize) -> Option<Value> {
        self.blanks();
        let Some(operator @ (b'+' | b'-' | b'*' | b'/')) = self.rest().bytes().next() else {
            return Some(left);
        };
        let double = self.rest().as_bytes().get(1) == Some(&operator);
        if double {
            return None;
        }
        self.at += 1;
        let right = self.value(depth + 1)?;
        if let (Value::Int(a), Value::Int(b)) = (&left, &right) {
            let exact = match operator {
                b'+' => a.checked_add(*b),
                b'-' => a.checked_sub(*b),
                b'*' => a.checked_mul(*b),
                _ => None,
            };
            if let Some(exact) = exact {
                return Some(Value::Int(exact));
            }
        }
        if let (Value::Str(a), Value::Str(b), b'+') = (&left, &right, operator) {
            return Some(Value::Str(format!("{a}{b}")));
        }
        let (a, b) = (left.number()?, right.number()?);
        Some(Value::Float(match operator {
            b'+' => a + b,
            b'-' => a - b,
            b'*' => a * b,
            _ if b == 0.0 => return None,
            _ => a / b,
        }))
    }

    fn braces(&mut self, depth: usize) -> Option<Value> {
        self.eat("{");
        let mut keys = Vec::new();
        let mut pairs = Vec::new();
        loop {
            if self.eat("}") {
                break;
            }
            let key = self.value(depth + 1)?;
            if self.eat(":") {
                pairs.push((key, self.value(depth + 1)?));
            } else if key == Value::Elided && keys.is_empty() {
                pairs.push((Value::Elided, Value::Elided));
            } else {
                keys.push(key);
            }
            if !self.eat(",") {
                if self.eat("}") {
                    break;
                }
                return None;
            }
        }
        match (keys.is_empty(), pairs.is_empty()) {
            (true, _) => Some(Value::Dict(pairs)),
            (false, true) => Some(Value::Set(keys)),
            // `{1, 2, ...}` would have been read as a set; this is neither.
            (false, false) => None,
        }
    }

    /// `<… at 0x7f…>` with nested angles.
    fn angle(&mut self) -> Option<Value> {
        let start = self.at;
        let mut depth = 0_usize;
        for (offset, c) in self.rest().char_indices() {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at = start + offset + 1;
                return Some(Value::Opaque(without_address(&self.text[start..self.at])));
            }
        }
        None
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|&(at, c)| {
                let exponent = matches!(c, '+' | '-') && at > 0 && rest[..at].ends_with(['e', 'E']);
                !(c.is_ascii_alphanumeric()
                    || matches!(c, '.' | '_')
                    || exponent
                    || (at == 0 && matches!(c, '-' | '+')))
            })
            .map_or(rest.len(), |(at, _)| at);
        let token = &rest[..end];
        self.at += end;
        let plain = token.replace('_', "");
        if let Ok(number) = plain.parse::<i128>() {
            return Some(Value::Int(number));
        }
        match plain.parse::<f64>() {
            Ok(number) if plain.contains(['.', 'e', 'E', 'n', 'i']) => Some(Value::Float(number)),
            _ if plain.chars().all(|c| c.is_ascii_digit() || c == '-') && plain.len() > 30 => {
                Some(Value::Opaque(token.to_owned()))
            }
            _ => None,
        }
    }

    fn word(&mut self, depth: usize) -> Option<Value> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(rest.len());
        let word = rest[..end].trim_end_matches('.');
        let next = rest[word.len()..].chars().next();
        if matches!(next, Some('\'' | '"')) && word.len() <= 2 {
            self.at += word.len();
            let text = self.string()?;
            return Some(if word.contains(['b', 'B']) { Value::Bytes(text) } else { Value::Str(text) });
        }
        self.at += word.len();
        match word {
            "None" => return Some(Value::None),
            "True" => return Some(Value::Bool(true)),
            "False" => return Some(Value::Bool(false)),
            "nan" => return Some(Value::Float(f64::NAN)),
            "inf" => return Some(Value::Float(f64::INFINITY)),
            _ => {}
        }
        if next != Some('(') {
            return Some(Value::Opaque(word.to_owned()));
        }
        self.at += 1;
        let mut arguments = Vec::new();
        loop {
            if self.eat(")") {
                break;
            }
            let name = self.keyword();
            arguments.push((name, self.value(depth + 1)?));
            if !self.eat(",") {
                if self.eat(")") {
                    break;
                }
                return None;
            }
        }
        Some(match (word, arguments.as_slice()) {
            ("set" | "frozenset", []) => Value::Set(Vec::new()),
            ("set" | "frozenset", [(None, Value::Set(items))]) => Value::Set(items.clone()),
            // Both print as the mapping they are.
            ("OrderedDict", [(None, items @ Value::Dict(_))])
            | ("defaultdict", [_, (None, items @ Value::Dict(_))]) => items.clone(),
            _ => Value::Call(word.to_owned(), arguments),
        })
    }

    /// `name=` before an argument.
    fn keyword(&mut self) -> Option<String> {
        self.blanks();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        let named = end > 0 && rest[end..].starts_with('=') && !rest[end..].starts_with("==");
        named.then(|| {
            self.at += end + 1;
            rest[..end].to_owned()
        })
    }

    fn string(&mut self) -> Option<String> {
        let rest = self.rest();
        let quote = rest.chars().next()?;
        let mut out = String::new();
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at += at + 1;
                return Some(out);
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            let (_, escape) = chars.next()?;
            let digits = match escape {
                'n' => {
                    out.push('\n');
                    0
                }
                't' => {
                    out.push('\t');
                    0
                }
                'r' => {
                    out.push('\r');
                    0
                }
                'x' => 2,
                'u' => 4,
                'U' => 8,
                other => {
                    out.push(other);
                    0
                }
            };
            if digits > 0 {
                let code: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                out.push(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).unwrap_or('\u{fffd}'));
            }
        }
        None
    }
}

/// `<User object at 0x7f…>` without the address.
fn without_address(text: &str) -> String {
    match text.find(" at 0x") {
        Some(at) => {
            let end =
                text[at + 6..].find(|c: char| !c.is_ascii_hexdigit()).map_or(text.len(), |n| at + 6 + n);
            format!("{}{}", &text[..at], &text[end..])
        }
        None => text.to_owned(),
    }
}

impl std::fmt::Display for Value {
    /// Close to Python's `repr`, cut to what fits into a sentence.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.repr();
        match text.char_indices().nth(80) {
            Some((at, _)) => write!(f, "{}…", &text[..at]),
            None => f.write_str(&text),
        }
    }
}

impl Value {
    /// Whether its `repr` is a Python literal that can stand in a source file.
    pub fn is_literal(&self) -> bool {
        match self {
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Str(_) => true,
            Self::Float(x) => x.is_finite(),
            Self::List(items) | Self::Tuple(items) => items.iter().all(Self::is_literal),
            Self::Set(items) => !items.is_empty() && items.iter().all(Self::is_literal),
            Self::Dict(items) => items.iter().all(|(key, value)| key.is_literal() && value.is_literal()),
            // Bytes are kept unescaped, and names would have to be imported.
            Self::Bytes(_) | Self::Call(..) | Self::Opaque(_) | Self::Elided => false,
        }
    }

    /// Its `repr`, whole.
    pub fn repr(&self) -> String {
        let list = |items: &[Self]| items.iter().map(Self::repr).collect::<Vec<_>>().join(", ");
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(n) => n.to_string(),
            Self::Float(x) if x.is_nan() => "nan".to_owned(),
            Self::Float(x) => float(*x),
            Self::Str(text) => quote(text),
            Self::Bytes(text) => format!("b{}", quote(text)),
            Self::List(items) => format!("[{}]", list(items)),
            Self::Tuple(items) if items.len() == 1 => format!("({},)", list(items)),
            Self::Tuple(items) => format!("({})", list(items)),
            Self::Set(items) if items.is_empty() => "set()".to_owned(),
            Self::Set(items) => format!("{{{}}}", list(items)),
            Self::Dict(items) => {
                let pairs: Vec<String> =
                    items.iter().map(|(k, v)| format!("{}: {}", k.repr(), v.repr())).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Self::Call(name, arguments) => {
                let arguments: Vec<String> = arguments
                    .iter()
                    .map(|(name, value)| match name {
                        Some(name) => format!("{name}={}", value.repr()),
                        None => value.repr(),
                    })
                    .collect();
                format!("{name}({})", arguments.join(", "))
            }
            Self::Opaque(text) => text.clone(),
            Self::Elided => "...".to_owned(),
        }
    }
}

/// A float as Python prints it: exponents have two digits.
fn float(x: f64) -> String {
    let text = format!("{x:?}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, power) = exponent.strip_prefix('-').map_or(('+', exponent), |power| ('-', power));
            format!("{digits}e{sign}{power:0>2}")
        }
        None => text,
    }
}

/// A string as Python quotes it.
fn quote(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(mark);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push(mark);
    out
}

#[cfg(test)]
mod tests;
