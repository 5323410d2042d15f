//! Assertions taken apart: operator, operands, the user's message, pytest's explanation.
//!
//! pytest prints the values where the source has expressions, and both may contain anything. So the operator is
//! taken from the source, outside of its strings and brackets, and then looked for in the printed line, outside
//! of the strings and brackets of the values.

mod scan;
#[cfg(test)]
mod tests;
mod unittest;

use crate::model::{Assertion, Frame};

pub(crate) use scan::top_level_commas;
use scan::{Operator, Shape, Style};

/// Takes apart the message of an `AssertionError`. `statement` is the source of the failing statement as far
/// as shown. `None` if the message has neither pytest's explanation (`assert …`) nor the text of a `unittest`
/// assertion. Linear in the text's length.
///
/// For `and`/`or`, `right` is the operand evaluated last, which decided, and `left` is everything before it.
pub fn take_apart(message: &str, statement: Option<&str>) -> Option<Assertion> {
    let lines: Vec<&str> = message.lines().collect();
    let Some(at) = lines.iter().rposition(|line| line.starts_with("assert ")) else {
        return unittest::take_apart(message, statement?);
    };
    let shape = statement.and_then(Shape::of);
    let printed = lines[at]["assert ".len()..].trim();

    let mut wheres = Vec::new();
    let mut explanation = Vec::new();
    for line in &lines[at + 1..] {
        match where_clause(line) {
            Some(clause) => wheres.push(clause),
            None if explanation.is_empty() && line.trim().is_empty() => {}
            None => explanation.push((*line).to_owned()),
        }
    }
    let (operator, left, right) = operands(printed, shape.as_ref(), &wheres);
    let user = lines[..at].join("\n");
    Some(Assertion {
        expression: shape.map(|shape| format!("assert {}", shape.text)),
        operator: operator.to_owned(),
        left: left.to_owned(),
        right: right.map(str::to_owned),
        message: Some(user).filter(|text| !text.is_empty()),
        explanation,
        wheres,
    })
}

/// Takes apart the message of an `AssertionError` raised at the last of `frames`; the assertion methods of
/// `unittest` raise a few frames below the statement that called them.
pub(crate) fn of_frames(message: &str, frames: &[Frame]) -> Option<Assertion> {
    const DEEPEST: usize = 6;
    let last = frames.last().and_then(|frame| frame.source.as_deref());
    take_apart(message, last).or_else(|| {
        let above = frames.iter().rev().skip(1).take(DEEPEST);
        above.filter_map(|frame| frame.source.as_deref()).find_map(|source| take_apart(message, Some(source)))
    })
}

type Operands<'a> = (&'static str, &'a str, Option<&'a str>);

fn operands<'a>(printed: &'a str, shape: Option<&Shape<'_>>, wheres: &[(String, String)]) -> Operands<'a> {
    if let Some(shape) = shape {
        return match &shape.operator {
            Operator::Bare => ("", printed, None),
            Operator::Not => match printed.strip_prefix("not ") {
                Some(rest) => ("not", rest, None),
                None => ("", printed, None),
            },
            Operator::Boolean(word) => boolean(printed, word).unwrap_or(("", printed, None)),
            Operator::Compare { names, left, right } => {
                compare(printed, names, Some((left, right)), wheres).unwrap_or(("", printed, None))
            }
        };
    }
    if let Some(rest) = printed.strip_prefix("not ") {
        return ("not", rest, None);
    }
    boolean(printed, "and")
        .or_else(|| boolean(printed, "or"))
        .or_else(|| compare(printed, &scan::COMPARISONS, None, wheres))
        .unwrap_or(("", printed, None))
}

/// `(1 and 0 == 1)`: split before the operand that was evaluated last.
fn boolean<'a>(printed: &'a str, word: &'static str) -> Option<Operands<'a>> {
    let inner = printed.strip_prefix('(')?.strip_suffix(')')?;
    let separator: &str = if word == "and" { " and " } else { " or " };
    let at = *scan::find_top_level(inner, &[separator], Style::Values).last()?;
    Some((word, inner[..at.0].trim(), Some(inner[at.0 + separator.len()..].trim())))
}

/// `3.5 == 4.5`: of several places where the operator may stand, the one that fits what is known.
fn compare<'a>(
    printed: &'a str,
    names: &[&'static str],
    source: Option<(&str, &str)>,
    wheres: &[(String, String)],
) -> Option<Operands<'a>> {
    let separators: Vec<String> = names.iter().map(|name| format!(" {name} ")).collect();
    let separators: Vec<&str> = separators.iter().map(String::as_str).collect();
    let mut found = scan::find_top_level(printed, &separators, Style::Values);
    if found.is_empty() && source.is_some() {
        found = scan::find_anywhere(printed, &separators);
    }
    let split = |&(at, which): &(usize, usize)| {
        (names[which], printed[..at].trim(), Some(printed[at + separators[which].len()..].trim()))
    };
    if let [only] = &found[..] {
        return Some(split(only));
    }
    let (first, last) = (*found.first()?, *found.last()?);
    let Some((left, right)) = source else {
        // Without the source nothing tells the values' text from the operator.
        return None;
    };
    let fits = |candidate: &&(usize, usize)| {
        let (_, shown_left, shown_right) = split(candidate);
        shown_left == left.trim()
            || shown_right == Some(right.trim())
            || wheres.iter().any(|(value, expression)| {
                value == shown_left && expression.starts_with(left.split('(').next().unwrap_or(left).trim())
                    || Some(value.as_str()) == shown_right
            })
    };
    let exact = |literal: &str| literal.starts_with(|c: char| c.is_ascii_digit() || c == '\'' || c == '"');
    // A literal on one side of the source stands there unchanged.
    if exact(right.trim()) && split(&last).2 == Some(right.trim()) {
        return Some(split(&last));
    }
    if exact(left.trim()) && split(&first).1 == left.trim() {
        return Some(split(&first));
    }
    // Few candidates are worth comparing: each comparison reads the whole line.
    Some(split(found.iter().take(16).find(fits).unwrap_or(&first)))
}

/// ` +  where 3.5 = total()` and ` +    and   2 = len(x)`.
fn where_clause(line: &str) -> Option<(String, String)> {
    let rest = line.trim_start().strip_prefix('+')?.strip_prefix("  ")?.trim_start();
    let clause = rest.strip_prefix("where ").or_else(|| rest.strip_prefix("and "))?.trim_start();
    let found = scan::find_top_level(clause, &[" = "], Style::Values);
    let at = found.first().map(|found| found.0).or_else(|| clause.find(" = "))?;
    Some((clause[..at].to_owned(), clause[at + 3..].to_owned()))
}
