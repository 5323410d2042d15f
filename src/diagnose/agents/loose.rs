//! Reads JSON the way models write it: with prose, fences and `<think>` around it, trailing or missing commas,
//! single or typographic quotes, quotes inside of strings, Python's constants, comments, and an end that never
//! came. What is valid JSON gives what a strict reader gives.

/// Largest answer that is looked at, in bytes; the rest is left out.
pub const MAX_ANSWER: usize = 256 << 10;
/// Deepest nesting; what is deeper is left out.
const MAX_DEPTH: usize = 32;
/// Most places at which an object is looked for.
const MAX_STARTS: usize = 64;

/// A value as a model wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `None`, or a number that is none.
    Null,
    /// A truth value.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// Text, quoted or bare.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// Fields in their order; a name may occur twice.
    Object(Vec<(String, Self)>),
}

/// The objects (and lists) that stand at the outermost level of `answer`, in their order.
pub fn objects(answer: &str) -> Vec<Value> {
    let text = without_thoughts(bounded(answer.trim_start_matches('\u{feff}')));
    let mut found = Vec::new();
    let mut from = 0;
    for _ in 0..MAX_STARTS {
        let Some(at) = text.get(from..).and_then(|rest| rest.find(['{', '['])).map(|at| from + at) else {
            break;
        };
        let (value, end) = strict(&text[at..]).map_or_else(
            || {
                let mut reader = Reader { text, at };
                (reader.value(0, Within::Nothing), reader.at)
            },
            |(value, length)| (value, at + length),
        );
        let is_empty = match &value {
            Value::Object(fields) => fields.is_empty(),
            Value::List(items) => !items.iter().any(|item| matches!(item, Value::Object(_))),
            _ => true,
        };
        if is_empty {
            from = at + 1;
        } else {
            from = end.max(at + 1);
            found.push(value);
        }
    }
    found
}

/// The valid JSON that `text` begins with, and its length in bytes.
fn strict(text: &str) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    let value = values.next()?.ok()?;
    Some((value.into(), values.byte_offset()))
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(truth) => Self::Bool(truth),
            serde_json::Value::Number(number) => number.as_f64().map_or(Self::Null, Self::Number),
            serde_json::Value::String(text) => Self::Text(text),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(fields) => {
                Self::Object(fields.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

/// The first bytes of `text`, up to [`MAX_ANSWER`].
fn bounded(text: &str) -> &str {
    let mut end = text.len().min(MAX_ANSWER);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What comes after a model's reasoning. Reasoning without an end is left in: the answer may be in it.
fn without_thoughts(text: &str) -> &str {
    let mut rest = text;
    for (open, close) in
        [("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<reasoning>", "</reasoning>")]
    {
        if let Some(at) = rest.rfind(close) {
            let after = &rest[at + close.len()..];
            // Some models answer before they think.
            rest = match rest.find(open) {
                Some(start) if !after.contains('{') && rest[..start].contains('{') => &rest[..start],
                _ if after.contains(['{', ':']) => after,
                _ => rest,
            };
        }
    }
    rest
}

/// What a value stands in: it says what may follow it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    Key,
    Object,
    List,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Skips white space and comments.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let skipped = rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("//") || trimmed.starts_with('#') {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map_or(trimmed.len(), |end| end + 2)
            } else {
                0
            };
            self.at += skipped + comment;
            if comment == 0 {
                return;
            }
        }
    }

    fn value(&mut self, depth: usize, within: Within) -> Value {
        self.space();
        match self.peek() {
            None => Value::Null,
            Some('{') if depth < MAX_DEPTH => self.object(depth),
            Some('[') if depth < MAX_DEPTH => self.list(depth),
            Some('{' | '[') => {
                self.at = self.text.len();
                Value::Null
            }
            Some(c) if closing(c).is_some() => Value::Text(self.string(within)),
            Some(_) => self.bare(within),
        }
    }

    fn object(&mut self, depth: usize) -> Value {
        self.take();
        let mut fields = Vec::new();
        loop {
            self.space();
            match self.peek() {
                Some('}') => {
                    self.take();
                    break;
                }
                // The end of the text, or of a list around this object whose own brace was forgotten.
                None | Some(']') => break,
                Some(',' | ';') => {
                    self.take();
                }
                Some(c) => {
                    let before = self.at;
                    let name = if closing(c).is_some() { self.string(Within::Key) } else { self.bare_name() };
                    self.space();
                    if matches!(self.peek(), Some(':' | '=')) {
                        self.take();
                        if self.peek() == Some('>') {
                            self.take();
                        }
                        // The text ends before the value: there is none.
                        self.space();
                        if self.peek().is_some() {
                            let value = self.value(depth + 1, Within::Object);
                            fields.push((name, value));
                        }
                    } else if self.at == before {
                        self.take();
                    }
                }
            }
        }
        Value::Object(fields)
    }

    fn list(&mut self, depth: usize) -> Value {
        self.take();
        let mut items = Vec::new();
        loop {
            self.space();
            match self.peek() {
                None | Some('}') => break,
                Some(']') => {
                    self.take();
                    break;
                }
                Some(',' | ';') => {
                    self.take();
                }
                Some(_) => {
                    let before = self.at;
                    items.push(self.value(depth + 1, Within::List));
                    if self.at == before {
                        self.take();
                    }
                }
            }
        }
        Value::List(items)
    }

    fn string(&mut self, within: Within) -> String {
        let open = self.take().unwrap_or('"');
        let close = closing(open).unwrap_or('"');
        let triple =
            open == close && self.rest().starts_with([open, open].iter().collect::<String>().as_str());
        // `""` alone is the empty string; `"""` opens a long one.
        if triple && self.rest().chars().nth(2).is_some_and(|c| !",:}]".contains(c)) {
            let fence: String = [open; 3].iter().collect();
            self.at += 2 * open.len_utf8();
            let (text, length) = match self.rest().find(&fence) {
                Some(end) => (self.rest()[..end].to_owned(), end + fence.len()),
                None => (self.rest().to_owned(), self.rest().len()),
            };
            self.at += length;
            return text;
        }
        let mut out = String::new();
        while let Some(c) = self.take() {
            if c == '\\' {
                self.escape(&mut out);
            } else if c == close && self.ends_here(within) {
                return out;
            } else {
                out.push(c);
            }
        }
        out
    }

    /// Whether a quote that was just read closes its string: what may follow it follows.
    fn ends_here(&self, within: Within) -> bool {
        let rest = self.rest().trim_start();
        let Some(next) = rest.chars().next() else { return true };
        match (within, next) {
            (Within::Key, ':' | '=')
            // Of the last two a brace or comma was forgotten.
            | (Within::Object | Within::Nothing, '}' | ']')
            | (Within::List, ',' | ']' | '}') => true,
            (Within::Key, _) => false,
            (Within::Object | Within::Nothing, ',') => {
                let after = rest[1..].trim_start();
                after.is_empty() || after.starts_with(['}', '/', '#']) || names_a_field(after)
            }
            _ => self.rest().trim_start_matches([' ', '\t', '\r']).starts_with('\n') && names_a_field(rest),
        }
    }

    fn escape(&mut self, out: &mut String) {
        let Some(c) = self.take() else { return };
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => self.unicode(out),
            '"' | '\\' | '/' | '\'' | '`' | '\n' => out.push(c),
            // No escape of JSON's, such as `\d` in a pattern or `C:\work`: the backslash was meant.
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }

    /// `\uXXXX`, possibly half of a pair. What is no character becomes U+FFFD.
    fn unicode(&mut self, out: &mut String) {
        let Some(first) = self.four_digits() else {
            out.push_str("\\u");
            return;
        };
        let is_high = (0xd800..0xdc00).contains(&first);
        if is_high && self.rest().starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            if let Some(second) = self.four_digits().filter(|low| (0xdc00..0xe000).contains(low)) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                return;
            }
            self.at = before;
        }
        out.push(char::from_u32(first).unwrap_or('\u{fffd}'));
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let code = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(code)
    }

    /// A name without quotes: `root_cause`.
    fn bare_name(&mut self) -> String {
        let end = self
            .rest()
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$')))
            .unwrap_or(self.rest().len());
        let name = self.rest()[..end].to_owned();
        self.at += end;
        name
    }

    /// A word or sentence without quotes, up to what ends it.
    fn bare(&mut self, within: Within) -> Value {
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|&(at, c)| match c {
                '\n' | '}' | ']' => true,
                '/' => rest[at..].starts_with("/*"),
                ',' => {
                    within == Within::List || names_a_field(rest[at + 1..].trim_start()) || {
                        let after = rest[at + 1..].trim_start_matches([' ', '\t', '\r']);
                        after.is_empty() || after.starts_with(['\n', '}', '/', '#'])
                    }
                }
                _ => false,
            })
            .map_or(rest.len(), |(at, _)| at);
        let mut word = &rest[..end];
        if let Some(comment) = word.find(" //").or_else(|| word.find(" #")) {
            word = &word[..comment];
        }
        let value = scalar(word.trim());
        self.at += end;
        value
    }
}

/// The quote that closes what `open` opens.
fn closing(open: char) -> Option<char> {
    match open {
        '"' | '\'' | '`' => Some(open),
        '“' | '”' | '„' => Some('”'),
        '‘' => Some('’'),
        _ => None,
    }
}

/// Whether `text` begins with the name of a field and a colon.
fn names_a_field(text: &str) -> bool {
    /// No field's name is longer.
    const LONGEST: usize = 40;
    let quote = text.chars().next().filter(|&c| closing(c).is_some());
    let body = quote.map_or(text, |quote| &text[quote.len_utf8()..]);
    let end = body
        .char_indices()
        .take(LONGEST)
        .find(|&(_, c)| !(c.is_alphanumeric() || matches!(c, '_' | '-' | ' ')))
        .map(|(at, _)| at);
    // The text may end in the middle of a name.
    let Some(end) = end else { return body.len() < LONGEST };
    let mut after = &body[end..];
    if let Some(quote) = quote {
        let Some(rest) = after.strip_prefix(closing(quote).unwrap_or(quote)) else { return false };
        after = rest;
    } else if end == 0 {
        return false;
    }
    let after = after.trim_start();
    after.is_empty() || after.starts_with([':', '='])
}

fn scalar(word: &str) -> Value {
    match word.to_ascii_lowercase().as_str() {
        "" | "null" | "none" | "nil" | "undefined" | "nan" | "infinity" | "-infinity" | "inf" | "-inf" => {
            Value::Null
        }
        "true" | "yes" => Value::Bool(true),
        "false" | "no" => Value::Bool(false),
        _ => match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            Ok(_) => Value::Null,
            Err(_) => Value::Text(word.to_owned()),
        },
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn what_models_write() {
        let rows: Vec<(&str, Vec<(&str, Value)>)> = vec![
            (r#"{"a": "x", "b": 2}"#, vec![("a", text("x")), ("b", Value::Number(2.0))]),
            ("\u{feff}{\"a\": 1}", vec![("a", Value::Number(1.0))]),
            ("Sure! Here it is:\n```json\n{\"a\": \"x\"}\n```\nHope that helps {x}.", vec![("a", text("x"))]),
            ("<think>maybe {\"a\": \"wrong\"}</think>\n{\"a\": \"right\"}", vec![("a", text("right"))]),
            ("maybe {\"a\": \"wrong\"}</think>{\"a\": \"right\"}", vec![("a", text("right"))]),
            ("<think>hm, {\"a\": \"x\"}", vec![("a", text("x"))]),
            ("{\"a\": \"x\"}<think>done</think>", vec![("a", text("x"))]),
            (
                "{'a': 'it is', 'b': None, 'c': True,}",
                vec![("a", text("it is")), ("b", Value::Null), ("c", Value::Bool(true))],
            ),
            (
                "{a: 1, b: two words, c: 3}",
                vec![("a", Value::Number(1.0)), ("b", text("two words")), ("c", Value::Number(3.0))],
            ),
            (
                "{\"a\": \"the \"x\" is, well, \"gone\"\", \"b\": 1}",
                vec![("a", text("the \"x\" is, well, \"gone\"")), ("b", Value::Number(1.0))],
            ),
            ("{\"a\": \"line one\nline two\"}", vec![("a", text("line one\nline two"))]),
            ("{\"a\": \"x\" \"b\": \"y\"}", vec![("a", text("x\" \"b\": \"y"))]),
            ("{\"a\": \"x\"\n \"b\": \"y\"}", vec![("a", text("x")), ("b", text("y"))]),
            ("{\"a\": \"never ends", vec![("a", text("never ends"))]),
            (
                "{\"a\": \"x\", \"b\": [1, 2",
                vec![("a", text("x")), ("b", Value::List(vec![Value::Number(1.0), Value::Number(2.0)]))],
            ),
            ("{\"a\": \"x\", \"b\":", vec![("a", text("x"))]),
            ("{\"a\": \"x\", \"b", vec![("a", text("x"))]),
            (
                "{\"a\": NaN, \"b\": -Infinity, \"c\": 1e999}",
                vec![("a", Value::Null), ("b", Value::Null), ("c", Value::Null)],
            ),
            ("{\"a\": 87%}", vec![("a", text("87%"))]),
            (
                r#"{"a": "\ud83d", "b": "\ud83d\ude00", "c": "\ud83dx", "d": "\udc00"}"#,
                vec![
                    ("a", text("\u{fffd}")),
                    ("b", text("😀")),
                    ("c", text("\u{fffd}x")),
                    ("d", text("\u{fffd}")),
                ],
            ),
            (r#"{"a": "C:\work \d+ \x \u12"}"#, vec![("a", text(r"C:\work \d+ \x \u12"))]),
            (
                "{\"a\": 1, // why\n \"b\": 2 /* not */, # so\n \"c\": 3}",
                vec![("a", Value::Number(1.0)), ("b", Value::Number(2.0)), ("c", Value::Number(3.0))],
            ),
            ("{“a”: “typographic”}", vec![("a", text("typographic"))]),
            (
                "{\"a\": \"\"\"long \"text\" here\"\"\", \"b\": \"\"}",
                vec![("a", text("long \"text\" here")), ("b", text(""))],
            ),
            ("{\"a\": `x`, \"b\": \"y\"]", vec![("a", text("x")), ("b", text("y"))]),
        ];
        for (answer, expected) in rows {
            let expected = expected.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
            assert_eq!(objects(answer).first(), Some(&Value::Object(expected)), "{answer}");
        }
    }

    #[test]
    fn nothing_is_nothing() {
        for answer in ["", "   ", "I cannot help with that.", "{}", "[]", "{", "[[[[", "[1, 2]", "<think>"] {
            assert_eq!(objects(answer), Vec::new(), "{answer}");
        }
    }

    #[test]
    fn hostile_answers_end() {
        let deep = "{\"a\":".repeat(50_000);
        let lists = "[".repeat(300_000);
        let braces = "{ ".repeat(200_000);
        let quotes = "{\"a\": \"".to_owned() + &"\" , ".repeat(50_000);
        let commas = "{a: ".to_owned() + &",".repeat(200_000);
        for answer in [deep, lists, braces, quotes, commas] {
            objects(&answer);
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            ".*".prop_map(Into::into),
            r#"[ "',:{}\[\]/#\\nu0-9a-c]{0,12}"#.prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::btree_map("[a-z_ ]{1,9}|.{1,6}", inner, 0..5)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn valid_json_is_read_as_it_is(value in json()) {
            let outer = serde_json::json!({ "first": value, "last": 1 });
            for text in [serde_json::to_string(&outer).unwrap(), serde_json::to_string_pretty(&outer).unwrap()] {
                prop_assert_eq!(&objects(&text), &[Value::from(outer.clone())], "{}", text);
            }
        }

        #[test]
        fn anything_at_all_is_read(text in r#"[\PC\n]{0,200}|[{}\[\]"':,\\/#a-c `“”\n]{0,80}"#) {
            objects(&text);
        }

        #[test]
        fn a_cut_keeps_what_came_before_it(value in json(), part in 0.0..1.0f64) {
            let text = serde_json::to_string(&serde_json::json!({ "first": "kept", "second": value })).unwrap();
            let at = "{\"first\":\"kept\",".len();
            let mut end = at + ((text.len() - at) as f64 * part) as usize;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let found = objects(&text[..end]);
            let Some(Value::Object(fields)) = found.first() else { panic!("{text}") };
            prop_assert_eq!(&fields[0], &("first".to_owned(), Value::Text("kept".to_owned())));
        }
    }
}
