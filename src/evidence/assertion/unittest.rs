//! The messages of `unittest`'s assertion methods.

use super::scan::{Style, call_arguments, find_top_level};
use crate::model::Assertion;

/// Method, the words between the operands in its message, the operator that was asserted.
const BINARY: [(&str, &str, &str); 18] = [
    ("assertEqual", " != ", "=="),
    ("assertEquals", " != ", "=="),
    ("assertListEqual", " != ", "=="),
    ("assertTupleEqual", " != ", "=="),
    ("assertDictEqual", " != ", "=="),
    ("assertSequenceEqual", " != ", "=="),
    ("assertMultiLineEqual", " != ", "=="),
    ("assertAlmostEqual", " != ", "=="),
    ("assertNotEqual", " == ", "!="),
    ("assertIn", " not found in ", "in"),
    ("assertNotIn", " unexpectedly found in ", "not in"),
    ("assertIs", " is not ", "is"),
    ("assertGreater", " not greater than ", ">"),
    ("assertGreaterEqual", " not greater than or equal to ", ">="),
    ("assertLess", " not less than ", "<"),
    ("assertLessEqual", " not less than or equal to ", "<="),
    ("assertIsInstance", " is not an instance of ", "isinstance"),
    ("assertIsNone", " is not ", "is"),
];

/// Method, the words after its operand, the operator.
const UNARY: [(&str, &str, &str); 2] =
    [("assertTrue", " is not true", ""), ("assertFalse", " is not false", "not")];

/// Takes apart the message of the method that `statement` calls.
pub(super) fn take_apart(message: &str, statement: &str) -> Option<Assertion> {
    let statement = statement.trim();
    let call = statement.split_once('(')?.0.trim();
    let method = call.rsplit('.').next()?;
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    let arguments = call_arguments(statement);

    let mut assertion = Assertion { expression: Some(statement.to_owned()), ..Assertion::default() };
    let (text, user) = if let Some((_, words, operator)) = UNARY.iter().find(|row| row.0 == method) {
        let at = find_top_level(first, &[words], Style::Values).first().map(|found| found.0);
        let at = at.or_else(|| first.find(words))?;
        (*operator).clone_into(&mut assertion.operator);
        first[..at].clone_into(&mut assertion.left);
        (None, first[at + words.len()..].strip_prefix(" : "))
    } else {
        let (_, words, operator) = BINARY.iter().find(|row| row.0 == method)?;
        let found = find_top_level(first, &[words], Style::Values);
        let at = found.first().map(|found| found.0).or_else(|| first.find(words))?;
        (*operator).clone_into(&mut assertion.operator);
        first[..at].clone_into(&mut assertion.left);
        let right = &first[at + words.len()..];
        let two = arguments.as_ref().is_some_and(|a| a.len() <= if method == "assertIsNone" { 1 } else { 2 });
        if two || !right.contains(" : ") {
            (Some(right), None)
        } else {
            let (right, user) = right.split_once(" : ").unwrap_or((right, ""));
            (Some(right), Some(user))
        }
    };
    assertion.right = text.map(|right| match method {
        "assertAlmostEqual" => right.split(" within ").next().unwrap_or(right).to_owned(),
        _ => right.to_owned(),
    });
    assertion.message = user.filter(|user| !user.is_empty()).map(str::to_owned);
    assertion.explanation =
        rest.lines().skip_while(|line| line.trim().is_empty()).map(str::to_owned).collect();
    Some(assertion)
}
