//! Regular expressions: those that mean the same to Python and to the `regex` crate. Others end the replay.

use std::rc::Rc;

use super::machine::{Machine, Res, Stop};
use super::value::{Args, Value};

/// `re.escape`.
pub(super) fn escaped(text: &str) -> String {
    let special = |c: &char| "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(*c);
    text.chars().flat_map(|c| special(&c).then_some('\\').into_iter().chain([c])).collect()
}

impl<'a> Machine<'a> {
    /// `re.FUNCTION(pattern, …)`.
    pub(super) fn regex(&mut self, function: &str, args: &[Value<'a>]) -> Res<'a> {
        let (pattern, flags) = match args.first() {
            Some(Value::Given(given)) if &*given.0 == "Pattern" => {
                (given.1.pos[0].clone(), given.1.pos.get(1).and_then(Value::int).unwrap_or(0))
            }
            Some(other) => {
                (other.clone(), args.get(2).filter(|_| function != "sub").and_then(Value::int).unwrap_or(0))
            }
            None => return Err(Stop::Unknown("a regular expression")),
        };
        let (Some(pattern), Some(text)) = (pattern.text(), args.get(if function == "sub" { 2 } else { 1 }))
        else {
            return Err(Stop::Unknown("a regular expression"));
        };
        let Some(text) = text.text().map(str::to_owned) else {
            let message = format!("expected string or bytes-like object, got '{}'", text.type_name());
            return self.raise("TypeError", message);
        };
        // `pattern.match(text, pos)`: what is before is left out, and counted.
        let skipped = match (args.first(), args.get(2).and_then(Value::int)) {
            (Some(Value::Given(_)), Some(at)) if function != "sub" && function != "split" => {
                at.clamp(0, text.chars().count() as i128) as usize
            }
            _ => 0,
        };
        // These look at what stands before.
        if skipped > 0 && ["^", "\\b", "\\B", "\\A"].iter().any(|sign| pattern.contains(sign)) {
            return Err(Stop::Unknown("a regular expression that begins within a text"));
        }
        let text: String = if skipped > 0 { text.chars().skip(skipped).collect() } else { text };
        self.spend(text.len() / 16 + 50)?;
        let whole = match function {
            "fullmatch" => format!("^(?:{pattern})$"),
            "match" => format!("^(?:{pattern})"),
            _ => pattern.to_owned(),
        };
        let on = |flag: i128| flags & flag != 0;
        if on(8) && matches!(function, "match" | "fullmatch") {
            return Err(Stop::Unknown("a regular expression of several lines"));
        }
        let made = regex::RegexBuilder::new(&whole)
            .size_limit(1 << 20)
            .case_insensitive(on(2))
            .multi_line(on(8))
            .dot_matches_new_line(on(16))
            .ignore_whitespace(on(64))
            .build();
        let Ok(regex) = made else { return Err(Stop::Unknown("a regular expression")) };
        Ok(match function {
            "match" | "fullmatch" | "search" => match regex.captures(&text) {
                Some(found) => matched(&regex, &text, &found, skipped),
                None => Value::None,
            },
            "finditer" => {
                let all: Vec<Value<'a>> =
                    regex.captures_iter(&text).map(|found| matched(&regex, &text, &found, skipped)).collect();
                self.spend(all.len())?;
                Value::iter(all)
            }
            "findall" => {
                let groups = regex.captures_len() - 1;
                let part = |found: &regex::Captures<'_>, at: usize| {
                    Value::str(found.get(at).map_or("", |part| part.as_str()))
                };
                let row = |found: regex::Captures<'_>| match groups {
                    0 => part(&found, 0),
                    1 => part(&found, 1),
                    _ => Value::tuple((1..=groups).map(|at| part(&found, at)).collect()),
                };
                Value::list(regex.captures_iter(&text).map(row).collect())
            }
            "split" if regex.captures_len() == 1 => Value::list(regex.split(&text).map(Value::str).collect()),
            "sub" => {
                let most = args.get(3).and_then(Value::int).filter(|most| *most > 0);
                let mut made = String::new();
                let mut from = 0;
                for (count, found) in regex.captures_iter(&text).enumerate() {
                    if most.is_some_and(|most| count as i128 >= most) {
                        break;
                    }
                    let Some(whole) = found.get(0) else { continue };
                    made.push_str(&text[from..whole.start()]);
                    from = whole.end();
                    if let Some(by) = args[1].text() {
                        made.push_str(&expanded(by, &found).ok_or(Stop::Unknown("a replacement"))?);
                    } else {
                        let match_ = matched(&regex, &text, &found, 0);
                        let by = self.call(&args[1], Args::of(vec![match_]))?;
                        made.push_str(by.text().ok_or(Stop::Unknown("a replacement"))?);
                    }
                }
                made.push_str(&text[from..]);
                Value::str(made)
            }
            _ => return Err(Stop::Unknown("a regular expression")),
        })
    }

    /// A method of a match: its whole text, groups, named groups, start and end are kept.
    pub(super) fn match_method(&mut self, made: &Args<'a>, method: &str, args: &Args<'a>) -> Res<'a> {
        let which = args.pos.first().cloned().unwrap_or(Value::Int(0));
        match (method, &which) {
            ("groups", _) => Ok(made.pos[1].clone()),
            ("groupdict", _) => Ok(made.pos[2].clone()),
            ("group", _) if args.pos.len() > 1 => {
                let mut all = Vec::new();
                for which in &args.pos {
                    all.push(self.group(made, which)?);
                }
                Ok(Value::tuple(all))
            }
            ("group", which) => self.group(made, which),
            ("start", Value::Int(0)) => Ok(made.pos[3].clone()),
            ("end", Value::Int(0)) => Ok(made.pos[4].clone()),
            ("span", Value::Int(0)) => Ok(Value::tuple(made.pos[3..5].to_vec())),
            _ => Err(Stop::Unknown("a method of a match")),
        }
    }

    pub(super) fn group(&mut self, made: &Args<'a>, which: &Value<'a>) -> Res<'a> {
        match which {
            Value::Int(0) => Ok(made.pos[0].clone()),
            Value::Int(n) if *n > 0 => match &made.pos[1] {
                Value::Tuple(groups) if (*n as usize) <= groups.len() => Ok(groups[*n as usize - 1].clone()),
                _ => self.raise("IndexError", "no such group"),
            },
            name => match self.find(&made.pos[2].clone(), name)? {
                Some(found) => Ok(found),
                None => self.raise("IndexError", "no such group"),
            },
        }
    }

    /// Whether `pattern` is found in `text`.
    pub(super) fn matches(&mut self, pattern: &Value<'a>, text: &str) -> Res<'a, bool> {
        let found = self.regex("search", &[pattern.clone(), Value::str(text)])?;
        Ok(!matches!(found, Value::None))
    }
}

fn matched<'a>(regex: &regex::Regex, text: &str, found: &regex::Captures<'_>, skipped: usize) -> Value<'a> {
    let value = |part: Option<regex::Match<'_>>| part.map_or(Value::None, |m| Value::str(m.as_str()));
    let groups = found.iter().skip(1).map(value).collect();
    let named = regex.capture_names().flatten();
    let pairs = named.map(|name| (Value::str(name), value(found.name(name)))).collect();
    let at = |byte: usize| Value::Int((skipped + text[..byte].chars().count()) as i128);
    let (start, end) = found.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()));
    let made = vec![value(found.get(0)), Value::tuple(groups), Value::dict(pairs), at(start), at(end)];
    Value::Given(Rc::new(("Match".into(), Args::of(made))))
}

/// A replacement with `\1` and `\g<name>` filled in; `None` if it has another escape.
fn expanded(by: &str, found: &regex::Captures<'_>) -> Option<String> {
    let mut made = String::new();
    let mut rest = by;
    while let Some((before, after)) = rest.split_once('\\') {
        made.push_str(before);
        if let Some(digit) = after.chars().next().and_then(|c| c.to_digit(10)) {
            made.push_str(found.get(digit as usize).map_or("", |part| part.as_str()));
            rest = &after[1..];
        } else if let Some(named) = after.strip_prefix("g<") {
            let (name, tail) = named.split_once('>')?;
            let part = name.parse::<usize>().map_or_else(|_| found.name(name), |at| found.get(at));
            made.push_str(part.map_or("", |part| part.as_str()));
            rest = tail;
        } else if let Some(tail) = after.strip_prefix('\\') {
            made.push('\\');
            rest = tail;
        } else {
            return None;
        }
    }
    made.push_str(rest);
    Some(made)
}
