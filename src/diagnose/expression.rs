//! Python expressions as text: split at their outermost operators and commas. For one-line texts out of
//! tracebacks; whole files are parsed by [`crate::workspace::python`].

use crate::model::Assertion;

/// The byte offsets of `text` that are outside brackets and string literals.
fn outer_offsets(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut offsets = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at = string_end(bytes, at, quote);
                continue;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => offsets.push(at),
            _ => {}
        }
        at += 1;
    }
    offsets
}

/// One past the end of the string literal that starts at `start`.
fn string_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let triple = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote && (!triple || bytes[at..].starts_with(&[quote; 3])) => {
                return at + if triple { 3 } else { 1 };
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The parts of `text` between its outermost commas, trimmed; empty parts are left out.
pub fn split_commas(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for at in outer_offsets(text) {
        if text.as_bytes()[at] == b',' {
            parts.push(text[start..at].trim());
            start = at + 1;
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// `text` before and after the first outermost `operator`. Word operators need blanks around them.
pub fn split_operator<'a>(text: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let word = operator.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    let bytes = text.as_bytes();
    outer_offsets(text).into_iter().find_map(|at| {
        let end = at + operator.len();
        if !bytes[at..].starts_with(operator.as_bytes()) {
            return None;
        }
        let (before, after) = (at.checked_sub(1).map(|i| bytes[i]), bytes.get(end).copied());
        let fits = if word {
            let blank =
                |b: Option<u8>| b.is_none_or(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'.'));
            blank(before) && blank(after)
        } else {
            // `<` is not the start of `<=`, nor `==` the end of `!==`.
            !matches!(after, Some(b'=' | b'>' | b'<')) && !matches!(before, Some(b'<' | b'>' | b'!' | b'='))
        };
        let (left, right) = (text[..at].trim(), text[end..].trim());
        (fits && !left.is_empty() && !right.is_empty()).then_some((left, right))
    })
}

/// The asserted expression of `assert EXPRESSION, MESSAGE`.
pub fn asserted(text: &str) -> Option<&str> {
    let rest = text.trim().strip_prefix("assert")?;
    if !rest.starts_with([' ', '(', '\t', '[', '\'', '"', '{', '-', '~']) {
        return None;
    }
    split_commas(rest).first().copied()
}

/// The source texts of an assertion's operands, where it is shown and can be split at its operator. For a bare
/// truth test the second is empty.
pub fn operands(assertion: &Assertion) -> Option<(&str, &str)> {
    let expression = assertion.expression.as_deref()?;
    let expression = asserted(expression).unwrap_or(expression);
    if assertion.operator.is_empty() {
        return Some((expression, ""));
    }
    split_operator(expression, &assertion.operator)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn operands_are_split_at_the_outermost_operator() {
        let rows = [
            ("assert a == b", "==", Some(("a", "b"))),
            ("assert f(a == 1) == [b, c]", "==", Some(("f(a == 1)", "[b, c]"))),
            ("assert 'a == b' == x, 'why'", "==", Some(("'a == b'", "x"))),
            ("assert x not in {1, 2}", "not in", Some(("x", "{1, 2}"))),
            ("assert index in min_index", "in", Some(("index", "min_index"))),
            ("assert a <= b", "<", None),
            ("assert a <= b", "<=", Some(("a", "b"))),
            ("assert x is not None", "is not", Some(("x", "None"))),
            ("assert f'{a[\"x\"]}' == 'ü'", "==", Some(("f'{a[\"x\"]}'", "'ü'"))),
            ("assert 'unclosed == b", "==", None),
            ("assert (a\n == b)", "==", None),
            ("assert ready(1)", "", Some(("ready(1)", ""))),
        ];
        for (text, operator, expected) in rows {
            let assertion = Assertion {
                expression: Some(text.to_owned()),
                operator: operator.to_owned(),
                ..Assertion::default()
            };
            assert_eq!(operands(&assertion), expected, "{text}");
        }
    }

    #[test]
    fn commas_inside_brackets_and_strings_do_not_split() {
        assert_eq!(split_commas("a, f(b, c), 'd, e', [g, h,],"), ["a", "f(b, c)", "'d, e'", "[g, h,]"]);
        assert_eq!(split_commas(""), Vec::<&str>::new());
    }

    #[test]
    fn asserted_needs_the_statement() {
        assert_eq!(asserted("assert(a)").unwrap(), "(a)");
        assert_eq!(asserted("assertion = 1"), None);
    }
}
