//! How two values differ: where in their structure, and in what way.

use super::value::Value;
use crate::model::Assertion;

/// Most differences that are listed.
const MAX_DIFFERENCES: usize = 12;
/// Largest product of the sizes of two sets or mappings that are compared key by key.
const MAX_PAIRS: usize = 4_000_000;
/// Deepest structure that is compared.
const MAX_DEPTH: usize = 40;

/// One difference between the left and the right value.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where in the values: `['a'][2].name`; empty for the values themselves.
    pub path: String,
    /// In what way.
    pub way: Way,
    /// The left part, if there is one.
    pub left: Option<Value>,
    /// The right part, if there is one.
    pub right: Option<Value>,
}

/// In what way two values differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    /// Just different.
    Other,
    /// Integers: left minus right is 1 or -1.
    OffByOne(i8),
    /// Numbers: left is minus right.
    Sign,
    /// Numbers: left is right times this well-known factor.
    Factor(f64, &'static str),
    /// Floats that differ by rounding only.
    Rounding,
    /// Numbers: left is right before rounding or truncation, or the other way round.
    Rounded,
    /// Both are NaN, which is not equal to itself.
    NotANumber,
    /// The same content as another type.
    Type,
    /// Only one of them is `None`.
    None,
    /// Booleans that are opposites.
    Negated,
    /// Texts that differ in case only.
    Case,
    /// Texts that differ in blanks only.
    Blanks,
    /// Texts that differ in line breaks at the end only.
    FinalNewline,
    /// Texts that differ in `\r\n` and `\n` only.
    LineEnds,
    /// Text decoded with the wrong encoding.
    Encoding,
    /// Texts of which one contains the other.
    Part,
    /// The same items in another order.
    Order,
    /// Items of the right that the left has not.
    Missing,
    /// Items of the left that the right has not.
    Extra,
    /// A key of the right that has another, similar name on the left.
    Renamed,
    /// The left has items twice that the right has once.
    Duplicates,
    /// One date or time has a zone, the other has none.
    Zone,
    /// Times that differ by whole hours.
    Hours(i32),
}

/// The differences between two values; none if they are equal as far as they are shown. Parts that pytest cut
/// are not compared.
pub fn compare(left: &Value, right: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(left, right, &mut String::new(), 0, &mut found);
    found
}

/// The differences that an assertion shows: from the operands where they are whole, else from pytest's own
/// explanation of what differs.
pub fn of_assertion(assertion: &Assertion) -> Vec<Difference> {
    let operands = assertion
        .right
        .as_deref()
        .and_then(|right| Some((Value::parse(&assertion.left)?, Value::parse(right)?)))
        .filter(|(left, right)| !left.is_cut() && !right.is_cut());
    match operands {
        Some((left, right)) => compare(&left, &right),
        None => explained(&assertion.explanation),
    }
}

fn push(found: &mut Vec<Difference>, path: &str, way: Way, left: Option<&Value>, right: Option<&Value>) {
    if found.len() < MAX_DIFFERENCES {
        found.push(Difference { path: path.to_owned(), way, left: left.cloned(), right: right.cloned() });
    }
}

fn walk(left: &Value, right: &Value, path: &mut String, depth: usize, found: &mut Vec<Difference>) {
    if same(left, right)
        || left.is_cut()
        || right.is_cut()
        || depth > MAX_DEPTH
        || found.len() >= MAX_DIFFERENCES
    {
        return;
    }
    let way = match (left, right) {
        (Value::None, _) | (_, Value::None) => Way::None,
        (Value::Bool(_), Value::Bool(_)) => Way::Negated,
        (Value::Dict(a), Value::Dict(b)) if a.len().saturating_mul(b.len()) <= MAX_PAIRS => {
            return mappings(a, b, path, depth, found);
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            return sequences(a, b, path, depth, found, left, right);
        }
        (Value::Set(a), Value::Set(b)) if a.len().saturating_mul(b.len()) <= MAX_PAIRS => {
            for item in b.iter().filter(|item| !a.iter().any(|other| same(other, item))) {
                push(found, path, Way::Missing, None, Some(item));
            }
            for item in a.iter().filter(|item| !b.iter().any(|other| same(other, item))) {
                push(found, path, Way::Extra, Some(item), None);
            }
            return;
        }
        (Value::Call(a, of_a), Value::Call(b, of_b)) if a == b => {
            if let Some(way) = times(a, of_a, of_b) {
                way
            } else if of_a.len() == of_b.len() && of_a.iter().zip(of_b).all(|(x, y)| x.0 == y.0) {
                for (index, ((name, x), (_, y))) in of_a.iter().zip(of_b).enumerate() {
                    let length = path.len();
                    match name {
                        Some(name) => path.extend([".", name]),
                        None if of_a.len() > 1 => path.extend([" argument ", &(index + 1).to_string()]),
                        None => {}
                    }
                    walk(x, y, path, depth + 1, found);
                    path.truncate(length);
                }
                return;
            } else {
                Way::Other
            }
        }
        (Value::Str(a), Value::Str(b)) | (Value::Bytes(a), Value::Bytes(b)) => texts(a, b),
        (Value::Int(a), Value::Int(b)) if a.abs_diff(*b) == 1 => Way::OffByOne(if a > b { 1 } else { -1 }),
        _ => match (left.number(), right.number()) {
            (Some(a), Some(b)) => numbers(a, b),
            _ if same_content(left, right) => Way::Type,
            _ => Way::Other,
        },
    };
    push(found, path, way, Some(left), Some(right));
}

/// Equality as Python has it for what can be read (NaN is not itself).
#[expect(clippy::float_cmp, reason = "the comparison that failed was exact")]
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => {
            left.number() == right.number()
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => left == right,
    }
}

#[expect(clippy::float_cmp, reason = "a sign is exact")]
fn numbers(a: f64, b: f64) -> Way {
    if a.is_nan() && b.is_nan() {
        return Way::NotANumber;
    }
    if !a.is_finite() || !b.is_finite() {
        return Way::Other;
    }
    let scale = a.abs().max(b.abs());
    if (a - b).abs() <= scale * 1e-12 || (scale > 1e-9 && (a - b).abs() <= scale * 1e-9) {
        return Way::Rounding;
    }
    if a == -b {
        return Way::Sign;
    }
    // What one would have been if it had been rounded to the digits of the other.
    let digits = |x: f64| {
        let text = x.to_string();
        text.split_once('.').map_or(0, |(_, digits)| i32::try_from(digits.len()).unwrap_or(i32::MAX))
    };
    let rounded = |whole: f64, short: f64| {
        let n = digits(short);
        let power = 10_f64.powi(n);
        n < digits(whole)
            && n <= 6
            && [
                (whole * power).round(),
                (whole * power).trunc(),
                (whole * power).floor(),
                (whole * power).ceil(),
            ]
            .iter()
            .any(|x| (x / power - short).abs() <= scale * 1e-12)
    };
    if rounded(a, b) || rounded(b, a) {
        return Way::Rounded;
    }
    // Small integers have too many ratios in common for one to mean anything.
    if b != 0.0 && a != 0.0 && (scale >= 10.0 || digits(a).saturating_add(digits(b)) >= 2) {
        const FACTORS: [(f64, &str); 19] = [
            (10.0, "ten"),
            (100.0, "a hundred"),
            (1000.0, "a thousand"),
            (1_000_000.0, "a million"),
            (1024.0, "1024"),
            (60.0, "seconds or minutes to the next unit"),
            (3600.0, "seconds in an hour"),
            (24.0, "hours in a day"),
            (86_400.0, "seconds in a day"),
            (0.3048, "metres in a foot"),
            (0.9144, "metres in a yard"),
            (1.609_344, "kilometres in a mile"),
            (1.852, "kilometres in a nautical mile"),
            (2.54, "centimetres in an inch"),
            (0.453_592_37, "kilograms in a pound"),
            (std::f64::consts::PI / 180.0, "radians in a degree"),
            (std::f64::consts::TAU, "2π"),
            (2.0, "two"),
            (8.0, "bits in a byte"),
        ];
        let ratio = a / b;
        for (factor, name) in FACTORS {
            for (factor, whole) in [(factor, ratio), (1.0 / factor, ratio)] {
                if (whole / factor - 1.0).abs() < 1e-6 {
                    return Way::Factor(factor, name);
                }
            }
        }
    }
    Way::Other
}

fn texts(a: &str, b: &str) -> Way {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let breaks = |text: &str| text.trim_end_matches(['\n', '\r']).len();
    if a.replace("\r\n", "\n") == b.replace("\r\n", "\n") {
        Way::LineEnds
    } else if a[..breaks(a)] == b[..breaks(b)] {
        Way::FinalNewline
    } else if squeezed(a) == squeezed(b) {
        Way::Blanks
    } else if a.to_lowercase() == b.to_lowercase() {
        Way::Case
    } else if mistaken_encoding(a).as_deref() == Some(b) || mistaken_encoding(b).as_deref() == Some(a) {
        Way::Encoding
    } else if !a.is_empty() && !b.is_empty() && (a.contains(b) || b.contains(a)) {
        Way::Part
    } else {
        Way::Other
    }
}

/// `text` if it was UTF-8 that had been read as Latin-1.
fn mistaken_encoding(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    String::from_utf8(bytes?).ok()
}

/// `1` and `'1'`, `[1]` and `(1,)`, `b'x'` and `'x'`, `1` and `Decimal('1')`.
fn same_content(left: &Value, right: &Value) -> bool {
    if let (Some(a), Some(b)) = (left.items(), right.items()) {
        let set = matches!(left, Value::Set(_)) || matches!(right, Value::Set(_));
        return a.len() == b.len()
            && if set {
                a.iter().all(|x| b.iter().any(|y| same(x, y)))
            } else {
                a.iter().zip(b).all(|(x, y)| same(x, y))
            };
    }
    let text = |value: &Value| match value {
        Value::Str(text) | Value::Bytes(text) => Some(text.clone()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Call(_, arguments) => match arguments.as_slice() {
            [(None, Value::Str(text))] => Some(text.clone()),
            [(None, number)] => number.number().map(|_| number.to_string()),
            _ => None,
        },
        // `<Status.OPEN: 'open'>`
        Value::Opaque(text) => {
            let inner = text.strip_prefix('<')?.strip_suffix('>')?.split_once(": ")?.1;
            Value::parse(inner).map(|value| match value {
                Value::Str(text) => text,
                other => other.to_string(),
            })
        }
        _ => None,
    };
    let different = std::mem::discriminant(left) != std::mem::discriminant(right);
    different && text(left).is_some_and(|a| text(right).is_some_and(|b| a == b))
}

fn mappings(
    a: &[(Value, Value)],
    b: &[(Value, Value)],
    path: &mut String,
    depth: usize,
    found: &mut Vec<Difference>,
) {
    let of = |items: &'_ [(Value, Value)], key: &Value| items.iter().position(|(k, _)| same(k, key));
    let mut missing: Vec<&(Value, Value)> = Vec::new();
    for pair in b {
        let (key, right) = pair;
        match of(a, key) {
            Some(index) => {
                let length = path.len();
                path.extend(["[", &key.to_string(), "]"]);
                walk(&a[index].1, right, path, depth + 1, found);
                path.truncate(length);
            }
            None => missing.push(pair),
        }
    }
    let mut extra: Vec<&(Value, Value)> = a.iter().filter(|(key, _)| of(b, key).is_none()).collect();
    missing.retain(|(key, value)| {
        // The same value under another spelling of the key.
        let twin = extra.iter().position(|(other, of_other)| {
            same(value, of_other) && (same_content(key, other) || similar_keys(key, other))
        });
        match twin {
            Some(index) => {
                let (other, _) = extra.remove(index);
                let way = if same_content(key, other) { Way::Type } else { Way::Renamed };
                push(found, &format!("{path} key"), way, Some(other), Some(key));
                false
            }
            None => true,
        }
    });
    for (key, value) in missing {
        push(found, &format!("{path}[{key}]"), Way::Missing, None, Some(value));
    }
    for (key, value) in extra {
        push(found, &format!("{path}[{key}]"), Way::Extra, Some(value), None);
    }
}

fn similar_keys(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => {
            let plain =
                |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
            plain(a) == plain(b) || (a.len().min(b.len()) >= 4 && strsim::damerau_levenshtein(a, b) <= 2)
        }
        _ => false,
    }
}

fn sequences(
    a: &[Value],
    b: &[Value],
    path: &mut String,
    depth: usize,
    found: &mut Vec<Difference>,
    left: &Value,
    right: &Value,
) {
    /// Longest sequences that are searched for reordered items.
    const MAX_SEARCH: usize = 2000;
    let small = a.len().max(b.len()) <= MAX_SEARCH;
    if small && a.len() == b.len() {
        let sorted = |items: &[Value]| {
            let mut texts: Vec<String> = items.iter().map(sort_key).collect();
            texts.sort();
            texts
        };
        if sorted(a) == sorted(b) {
            return push(found, path, Way::Order, Some(left), Some(right));
        }
    }
    let prefix = a.iter().zip(b).take_while(|(x, y)| same(x, y)).count();
    let suffix =
        a[prefix..].iter().rev().zip(b[prefix..].iter().rev()).take_while(|(x, y)| same(x, y)).count();
    let (rest_a, rest_b) = (&a[prefix..a.len() - suffix], &b[prefix..b.len() - suffix]);
    if rest_b.is_empty() || rest_a.is_empty() {
        let duplicates = small && rest_b.is_empty() && rest_a.iter().all(|x| b.iter().any(|y| same(x, y)));
        for (index, item) in rest_a.iter().enumerate() {
            let way = if duplicates { Way::Duplicates } else { Way::Extra };
            push(found, &format!("{path}[{}]", prefix + index), way, Some(item), None);
        }
        for (index, item) in rest_b.iter().enumerate() {
            push(found, &format!("{path}[{}]", prefix + index), Way::Missing, None, Some(item));
        }
        return;
    }
    if a.len() == b.len() {
        for (index, (x, y)) in a.iter().zip(b).enumerate() {
            let length = path.len();
            path.extend(["[", &index.to_string(), "]"]);
            walk(x, y, path, depth + 1, found);
            path.truncate(length);
        }
        return;
    }
    if small {
        let lacks = |items: &[Value], item: &Value| !items.iter().any(|other| same(item, other));
        for item in rest_b.iter().filter(|item| lacks(a, item)) {
            push(found, path, Way::Missing, None, Some(item));
        }
        for item in rest_a.iter().filter(|item| lacks(b, item)) {
            push(found, path, Way::Extra, Some(item), None);
        }
        if !found.is_empty() {
            return;
        }
    }
    push(found, path, Way::Other, Some(left), Some(right));
}

fn sort_key(value: &Value) -> String {
    match value {
        Value::Int(n) => format!("{:?}", *n as f64),
        Value::Float(x) => format!("{x:?}"),
        other => format!("{other:?}"),
    }
}

/// Dates and times: with and without zone, or whole hours apart.
fn times(name: &str, a: &[(Option<String>, Value)], b: &[(Option<String>, Value)]) -> Option<Way> {
    if !matches!(name, "datetime.datetime" | "datetime" | "datetime.time") {
        return None;
    }
    let zone =
        |parts: &[(Option<String>, Value)]| parts.iter().any(|(name, _)| name.as_deref() == Some("tzinfo"));
    if zone(a) != zone(b) {
        return Some(Way::Zone);
    }
    let part = |parts: &[(Option<String>, Value)], index: usize| match parts.get(index) {
        Some((None, Value::Int(n))) => i64::try_from(*n).unwrap_or(0),
        _ => 0,
    };
    let seconds = |parts: &[(Option<String>, Value)]| {
        // Days by the civil calendar are not needed: neighbouring days of one month suffice.
        ((part(parts, 2) * 24 + part(parts, 3)) * 60 + part(parts, 4)) * 60 + part(parts, 5)
    };
    let month = |parts: &[(Option<String>, Value)]| (part(parts, 0), part(parts, 1), part(parts, 6));
    let apart = seconds(a) - seconds(b);
    (name != "datetime.time"
        && month(a) == month(b)
        && apart != 0
        && apart % 3600 == 0
        && apart.abs() <= 14 * 3600)
        .then(|| Way::Hours(i32::try_from(apart / 3600).unwrap_or(0)))
}

/// What pytest's explanation says about operands that it shows cut.
fn explained(lines: &[String]) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut section = "";
    for line in lines {
        let line = line.trim();
        let line = line.strip_suffix("...").unwrap_or(line);
        if let Some(rest) = line.strip_prefix("At index ")
            && let Some((index, pair)) = rest.split_once(" diff: ")
        {
            explained_pair(pair, &format!("[{index}]"), &mut found);
        } else if let Some((side, rest)) = line.split_once(" contains ")
            && matches!(side, "Left" | "Right")
            && let Some((_, item)) = rest.split_once("item")
        {
            section = side;
            if let Some(value) = item.rsplit_once(": ").and_then(|(_, item)| Value::parse(item.trim())) {
                one_sided(side, "", value, &mut found);
            }
        } else if line.starts_with("Extra items in the ") {
            section = if line.contains(" left ") { "Left" } else { "Right" };
        } else if line == "Differing items:" {
            section = "pairs";
        } else if let Some(rest) = line.strip_prefix("Drill down into differing attribute ") {
            let _ = rest;
            section = "attributes";
        } else if line.starts_with("Use -v") || line.starts_with("Full diff") || line.is_empty() {
            section = "";
        } else {
            match section {
                "pairs" => explained_pair(line, "", &mut found),
                "attributes" => {
                    if let Some((name, pair)) = line.split_once(": ")
                        && pair.contains(" != ")
                    {
                        explained_pair(pair, &format!(".{name}"), &mut found);
                    }
                }
                "Left" | "Right" => match Value::parse(line) {
                    Some(Value::Dict(items)) => {
                        for (key, value) in items {
                            one_sided(section, &format!("[{key}]"), value, &mut found);
                        }
                    }
                    Some(value) => one_sided(section, "", value, &mut found),
                    None => {}
                },
                _ => {}
            }
        }
    }
    found.truncate(MAX_DIFFERENCES);
    found
}

fn one_sided(side: &str, path: &str, value: Value, found: &mut Vec<Difference>) {
    if value.is_cut() {
        return;
    }
    let (way, left, right) =
        if side == "Left" { (Way::Extra, Some(value), None) } else { (Way::Missing, None, Some(value)) };
    found.push(Difference { path: path.to_owned(), way, left, right });
}

/// `3 != 4`, `{'a': 1} != {'a': 2}`
fn explained_pair(text: &str, path: &str, found: &mut Vec<Difference>) {
    let Some((left, right)) = super::expression::split_operator(text, "!=") else { return };
    if let (Some(left), Some(right)) = (Value::parse(left), Value::parse(right)) {
        let mut nested = compare(&left, &right);
        for difference in &mut nested {
            difference.path.insert_str(0, path);
        }
        found.append(&mut nested);
    }
}

#[cfg(test)]
mod tests;
