//! A reader of what is nearly JSON. Whatever stands there, it gives a value and goes on.

use super::Value;

/// Deepest nesting; what is deeper is left out.
const MAX_DEPTH: usize = 32;

/// What a value stands in: it says what may follow it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// The text itself.
    Nothing,
    /// The name of a field.
    Key,
    /// The value of a field.
    Object,
    /// An item of a list.
    List,
}

/// A place in a text.
pub struct Reader<'a> {
    /// The text.
    pub text: &'a str,
    /// Bytes of it that have been read.
    pub at: usize,
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

    /// The value that stands here, at this depth of nesting.
    pub fn value(&mut self, depth: usize, within: Within) -> Value {
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
