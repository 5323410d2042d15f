//! Assertions that compare: which side is wrong and how, and which functions of the project made the value.
//!
//! Silent about assertions that the syntax tree or pytest's text cannot take apart. The place of a wrong value
//! whose traceback ends in the test is not known: called functions are suspects, with low confidence.

mod mend;

use std::borrow::Cow;

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, in_tests};
use crate::diagnose::difference::{self, Difference, Way};
use crate::diagnose::expression;
use crate::diagnose::origin::{self, Operands};
use crate::diagnose::value::Value;
use crate::model::{Assertion, Category, Exception, Severity};
use mend::{advise, edit};

/// What is said about an assertion.
struct Verdict {
    rule: &'static str,
    /// Continues the sentence after the subject.
    sentence: String,
    suggestion: Option<String>,
    confidence: f64,
    /// Whether the sentence is complete without the subject.
    whole: bool,
    /// Whether the assertion itself is what is to be changed.
    test_at_fault: bool,
    differences: Vec<Difference>,
}

impl Verdict {
    fn new(rule: &'static str, sentence: String) -> Self {
        Self {
            rule,
            sentence,
            suggestion: None,
            confidence: 0.35,
            whole: false,
            test_at_fault: false,
            differences: Vec::new(),
        }
    }

    fn settled(mut self, confidence: f64, suggestion: impl Into<String>) -> Self {
        self.confidence = confidence;
        self.suggestion = Some(suggestion.into());
        self.test_at_fault = true;
        self
    }
}

/// A comparison or truth test that did not hold.
pub(super) fn comparison(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let assertion = taken_apart(root)?;
    let frame = case.frame();
    let place = frame.map(|(_, place)| place);
    let told;
    let operands = if let Some(operands) = case.operands() {
        operands
    } else {
        told = from_text(&assertion);
        &told
    };
    let verdict = judge(&assertion, operands)?;
    let subject = subject(operands, &verdict.differences);
    let message = assertion.message.as_deref().map(str::trim).filter(|message| !message.is_empty());
    let said = message.map_or_else(String::new, |message| format!(" (the test says: {})", code(message)));

    let mut finding =
        Finding::new(verdict.rule, Category::AssertionFailure, Severity::Medium, verdict.confidence).because(
            if verdict.whole {
                format!("{}{said}", verdict.sentence)
            } else {
                format!("{subject} {}{said}", verdict.sentence)
            },
        );
    if let (Some((frame, _)), Some(place)) = (frame, place)
        && let Some(statement) = case.statement(frame, place)
    {
        finding = finding.shown(format!("{} did not hold", code(&statement)), Some(place));
    }
    for difference in verdict.differences.iter().skip(1).take(5) {
        finding = finding.shown(listed(difference, operands), place);
    }
    // What an attribute of an object is called again says nothing.
    let tells = |(value, expression): &&(String, String)| !expression.ends_with(&format!(".{value}"));
    for (value, expression) in assertion.wheres.iter().filter(tells).take(4) {
        finding = finding.shown(format!("{} gave {}", code(expression), code(value)), place);
    }
    let suspects = if verdict.test_at_fault {
        Vec::new()
    } else {
        origin::suspects(case.workspace, operands, &verdict.differences)
    };
    for suspect in &suspects {
        let line = case.workspace.source(&suspect.place.path);
        let line = line.as_ref().and_then(|source| source.line(suspect.place.line)).map(str::trim);
        if let Some(line) = line.filter(|line| !line.is_empty()) {
            finding = finding.shown(format!("{}: {}", suspect.reason, code(line)), Some(&suspect.place));
        }
        finding = finding.suspect(&suspect.place, suspect.score, suspect.reason.clone());
    }
    let best = suspects.first().map_or(0.0, |suspect| suspect.score);
    // Measured: where the place is guessed from the calls alone, about three in ten are right.
    finding.confidence = finding.confidence.max(best.min(0.5) * 0.8);
    if let Some(place) = place {
        let score = if verdict.test_at_fault {
            verdict.confidence
        } else if best > 0.0 {
            0.2
        } else {
            0.3
        };
        let reason = if in_tests(place) {
            "the assertion that failed: its expectation may be wrong"
        } else {
            "the assertion that failed"
        };
        finding = finding.suspect(place, score, reason);
    }
    let finding = match place {
        Some(place) => finding.mend(edit(case, place, operands, &verdict, &assertion)),
        None => finding,
    };
    if let Some(suggestion) = verdict.suggestion {
        return Some(finding.suggest(suggestion));
    }
    let test = case.representative().test.as_str();
    let suspect = suspects.first().map(|suspect| &suspect.place);
    Some(advise(finding, suspect, place, operands, &assertion, test))
}

/// pytest's assertion, or unittest's `1 != 2 : message` brought into the same form.
fn taken_apart(root: &Exception) -> Option<Cow<'_, Assertion>> {
    if let Some(assertion) = &root.assertion {
        return Some(Cow::Borrowed(assertion));
    }
    if root.short_type() != "AssertionError" {
        return None;
    }
    let line = root.message.lines().next()?.trim();
    let line = ["Lists", "Tuples", "Sequences", "Sets"]
        .iter()
        .find_map(|kind| line.strip_prefix(kind)?.strip_prefix(" differ: "))
        .unwrap_or(line);
    let (operator, left, right) =
        ["!=", "not found in", "not less than", "not greater than"].iter().find_map(|words| {
            expression::split_operator(line, words).map(|(left, right)| (*words, left, right))
        })?;
    let (right, message) = match right.split_once(" : ") {
        Some((right, message)) => (right, Some(message.to_owned())),
        None => (right, None),
    };
    Value::parse(left)?;
    let operator = match operator {
        "!=" => "==",
        "not found in" => "in",
        "not less than" => "<",
        _ => ">",
    };
    Some(Cow::Owned(Assertion {
        operator: operator.to_owned(),
        left: left.to_owned(),
        right: Some(right.to_owned()),
        message,
        ..Assertion::default()
    }))
}

/// The operands as far as the traceback's text tells.
fn from_text(assertion: &Assertion) -> Operands {
    let (actual, expected) = expression::operands(assertion).unwrap_or_default();
    Operands {
        actual: actual.to_owned(),
        expected: expected.to_owned(),
        actual_is_left: true,
        ..Operands::default()
    }
}

/// `` `total` (`cart.total()`, line 12) ``
fn subject(operands: &Operands, differences: &[Difference]) -> String {
    if operands.actual.is_empty() {
        return "The asserted value".to_owned();
    }
    let path = differences.first().map_or("", |difference| match difference.way {
        // What is missing or too much is named in the sentence.
        Way::Missing | Way::Extra | Way::Duplicates => {
            difference.path.rsplit_once('[').map_or(difference.path.as_str(), |(path, _)| path)
        }
        _ => difference.path.as_str(),
    });
    let path = if path.starts_with(['[', '.']) { path } else { "" };
    match &operands.assigned {
        Some((value, line)) => {
            format!("{} ({}, line {line})", code(&format!("{}{path}", operands.actual)), code(value))
        }
        None => code(&format!("{}{path}", operands.actual)),
    }
}

fn judge(assertion: &Assertion, operands: &Operands) -> Option<Verdict> {
    let left = Value::parse(&assertion.left);
    let right = assertion.right.as_deref().and_then(Value::parse);
    let shown =
        |value: Option<&Value>, raw: &str| value.map_or_else(|| code(raw), |value| code(&value.to_string()));
    let right_text = assertion.right.as_deref().unwrap_or_default();
    let (actual, expected) = if operands.actual_is_left {
        (shown(left.as_ref(), &assertion.left), shown(right.as_ref(), right_text))
    } else {
        (shown(right.as_ref(), right_text), shown(left.as_ref(), &assertion.left))
    };
    let new = Verdict::new;
    Some(match assertion.operator.as_str() {
        "==" if right_text.contains(" ± ") || assertion.left.contains(" ± ") => {
            new("assertion-approx", format!("is {actual}, outside of the expected {expected}"))
        }
        "==" => {
            return Some(equality(assertion, operands, &actual, &expected, left.as_ref(), right.as_ref()));
        }
        "!=" => new("assertion-equal", format!("is {actual}, which it should not be")),
        "in" => membership(&actual_text(assertion), left.as_ref(), right.as_ref(), operands, right_text),
        "not in" => Verdict {
            whole: true,
            ..new(
                "assertion-contains",
                format!(
                    "{} is in {}, which must not contain it",
                    code(&assertion.left),
                    code(&operands.expected)
                ),
            )
        },
        "is" if left.is_some() && left == right && !matches!(left, Some(Value::None | Value::Bool(_))) => {
            new(
                "assertion-identity",
                format!("equals the expected {expected} but is another object: `is` compares identity"),
            )
            .settled(0.8, "Compare with `==` instead of `is`")
        }
        "is" => new("assertion-identity", format!("is {actual} where {expected} is expected")),
        "is not" => new("assertion-identity", format!("is {actual}, which it should not be")),
        operator @ ("<" | "<=" | ">" | ">=") => {
            let mut verdict = new(
                "assertion-order",
                format!("is {}, not {operator} {}", code(&assertion.left), code(right_text)),
            );
            if let (Some(a), Some(b)) = (left.as_ref(), right.as_ref())
                && a == b
            {
                verdict.sentence =
                    format!("is exactly {}, where it must be {operator} that", code(&assertion.left));
            }
            verdict
        }
        "" => truth(assertion, operands, left.as_ref())?,
        _ => return None,
    })
}

fn actual_text(assertion: &Assertion) -> String {
    code(&assertion.left)
}

fn membership(
    item: &str,
    left: Option<&Value>,
    right: Option<&Value>,
    operands: &Operands,
    right_text: &str,
) -> Verdict {
    let container = if operands.expected.is_empty() { code(right_text) } else { code(&operands.expected) };
    let near = match (left, right) {
        (Some(Value::Str(wanted)), Some(Value::Str(text))) => {
            let lower = text.to_lowercase().contains(&wanted.to_lowercase());
            lower.then(|| "it is there in another case".to_owned())
        }
        (Some(Value::Str(wanted)), Some(container)) => {
            let keys: Vec<&Value> = match container {
                Value::Dict(items) => items.iter().map(|(key, _)| key).collect(),
                other => other.items().map(|items| items.iter().collect()).unwrap_or_default(),
            };
            keys.into_iter()
                .filter_map(|key| match key {
                    Value::Str(text) => Some((strsim::damerau_levenshtein(text, wanted), text)),
                    _ => None,
                })
                .filter(|(distance, text)| *distance * 3 <= text.len().max(wanted.len()))
                .min()
                .map(|(_, text)| format!("the nearest is {}", code(&format!("'{text}'"))))
        }
        _ => None,
    };
    let near = near.map_or_else(String::new, |near| format!("; {near}"));
    let holds = if right_text.is_empty()
        || container == code(right_text)
        || literal(right_text, &operands.expected)
    {
        String::new()
    } else {
        format!(", which is {}", code(right_text))
    };
    Verdict {
        whole: true,
        ..Verdict::new("assertion-membership", format!("{item} is not in {container}{holds}{near}"))
    }
}

/// Whether `source` spells the value whose `repr` is `repr`.
fn literal(repr: &str, source: &str) -> bool {
    Value::parse(repr).is_some_and(|value| Value::parse(source).is_some_and(|other| other == value))
}

fn truth(assertion: &Assertion, operands: &Operands, left: Option<&Value>) -> Option<Verdict> {
    if let Some((_, call)) = assertion.wheres.first()
        && let Some(arguments) = call.strip_prefix("isinstance(").and_then(|rest| rest.strip_suffix(')'))
        && let [object, class] = expression::split_commas(arguments).as_slice()
    {
        let kind = Value::parse(object).map(|value| value.type_name().to_owned());
        let kind = kind.map_or_else(|| code(object), |kind| format!("of type {}", code(&kind)));
        return Some(Verdict::new(
            "assertion-type",
            format!("is false: the object is {kind}, not a {}", code(class)),
        ));
    }
    if let Some(Value::Tuple(items)) = left
        && !items.is_empty()
    {
        return None;
    }
    let negated = assertion
        .expression
        .as_deref()
        .and_then(expression::asserted)
        .is_some_and(|text| text.starts_with("not "));
    let value = left.map_or_else(|| code(&assertion.left), |value| code(&value.to_string()));
    let state = match left {
        Some(Value::Bool(_)) => format!("is {value}"),
        Some(Value::None) => "is `None`".to_owned(),
        Some(other) if !negated && other.items().is_some_and(<[Value]>::is_empty) => {
            format!("is empty ({value})")
        }
        _ if assertion.left.is_empty() => return None,
        _ => format!("is {value}"),
    };
    let wanted = if negated { "false" } else { "true" };
    let _ = operands;
    Some(Verdict::new("assertion-truth", format!("{state} where something {wanted} is expected")))
}

fn equality(
    assertion: &Assertion,
    operands: &Operands,
    actual: &str,
    expected: &str,
    left: Option<&Value>,
    right: Option<&Value>,
) -> Verdict {
    let differences = difference::of_assertion(assertion);
    let Some(first) = differences.first() else {
        let same = left.is_some() && left == right && !left.is_some_and(Value::is_cut);
        if same && matches!(left, Some(Value::Opaque(_))) {
            let kind = left.map(Value::type_name).unwrap_or_default();
            let mut verdict = Verdict::new(
                "assertion-no-equality",
                format!(
                    "and the expected object look the same ({actual}) but do not compare equal: does {} define `__eq__`?",
                    code(kind)
                ),
            );
            verdict.confidence = 0.5;
            return verdict;
        }
        return Verdict::new("assertion-value", format!("is {actual} where {expected} is expected"));
    };
    let (got, want) =
        if operands.actual_is_left { (&first.left, &first.right) } else { (&first.right, &first.left) };
    let show = |value: &Option<Value>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| code(&value.to_string()))
    };
    let kind = |value: &Option<Value>| value.as_ref().map_or("", |value| value.type_name()).to_owned();
    let (g, w) = (show(got), show(want));
    let plain = format!("is {g} where {w} is expected");
    // Which way round the difference is, seen from the actual value.
    let way = if operands.actual_is_left { first.way } else { reversed(first.way) };
    let more = match differences.len() - 1 {
        0 => String::new(),
        1 => "; one more difference".to_owned(),
        n => format!("; {n} more differences"),
    };
    let (rule, sentence) = match way {
        Way::OffByOne(1) => ("assertion-off-by-one", format!("is {g}, one more than the expected {w}")),
        Way::OffByOne(_) => ("assertion-off-by-one", format!("is {g}, one less than the expected {w}")),
        Way::Sign => ("assertion-sign", format!("is {g}, the expected {w} with the wrong sign")),
        Way::Factor(_, name) => {
            ("assertion-factor", format!("{plain}: the two differ by a factor of {name}"))
        }
        Way::Rounding => (
            "assertion-float",
            format!("is {g}, which differs from the expected {w} by floating-point rounding only"),
        ),
        Way::Rounded => ("assertion-rounding", format!("{plain}: they differ by rounding or truncation")),
        Way::NotANumber => ("assertion-nan", format!("is {g}, and NaN is never equal to itself")),
        Way::Type if first.path.ends_with(" key") => (
            "assertion-type",
            format!("has the key {g} ({}) where {w} ({}) is expected", kind(got), kind(want)),
        ),
        Way::Type => (
            "assertion-type",
            format!(
                "is {g} ({}) where {w} ({}) is expected: the same content as another type",
                kind(got),
                kind(want)
            ),
        ),
        Way::None => ("assertion-none", plain),
        Way::Negated => ("assertion-negated", format!("is {g} where the opposite is expected")),
        Way::Case => (
            "assertion-case",
            format!("is {g} where {w} is expected: they differ in upper and lower case only"),
        ),
        Way::Blanks => {
            ("assertion-blanks", format!("is {g} where {w} is expected: they differ in blanks only"))
        }
        Way::FinalNewline => {
            let more = matches!((got, want), (Some(Value::Str(a)), Some(Value::Str(b))) if a.len() > b.len());
            let which = if more {
                "a line break at its end that is not expected"
            } else {
                "no line break at its end where one is expected"
            };
            ("assertion-newline", format!("is {g}: it has {which}"))
        }
        Way::LineEnds => (
            "assertion-newline",
            format!("is {g} where {w} is expected: they differ in line ends (`\\r\\n` and `\\n`) only"),
        ),
        Way::Encoding => {
            ("assertion-encoding", format!("is {g} where {w} is expected: UTF-8 was read as Latin-1"))
        }
        Way::Part => ("assertion-text", plain),
        Way::Order => (
            "assertion-sequence",
            format!("has the expected items in another order: {g} where {w} is expected"),
        ),
        Way::Missing => ("assertion-items", format!("lacks {w}{}", key_of(first))),
        Way::Extra => ("assertion-items", format!("has {g}{} too much", key_of(first))),
        Way::Renamed => ("assertion-key", format!("has the key {g} where {w} is expected")),
        Way::Duplicates => ("assertion-items", format!("has {g} more than once")),
        Way::Zone => {
            let naive = got.as_ref().and_then(Value::has_zone) == Some(false);
            let which = if naive {
                "has no time zone where one is expected"
            } else {
                "has a time zone where none is expected"
            };
            ("assertion-time-zone", format!("is {g} where {w} is expected: it {which}"))
        }
        Way::Hours(n) => (
            "assertion-time-zone",
            format!("is {g} where {w} is expected: they are {} hours apart, as time zones are", n.abs()),
        ),
        Way::Other => match (got, want) {
            (Some(Value::Str(got)), Some(Value::Str(want))) if got.len().max(want.len()) > 40 => {
                ("assertion-text", texts(got, want))
            }
            _ => ("assertion-value", plain),
        },
    };
    let mut verdict = Verdict::new(rule, format!("{sentence}{more}"));
    match first.way {
        Way::Rounding => {
            verdict = verdict.settled(
                0.85,
                format!(
                    "Compare with `pytest.approx({})`",
                    want.as_ref().map_or_else(|| operands.expected.clone(), ToString::to_string)
                ),
            );
        }
        Way::NotANumber => {
            verdict = verdict.settled(0.8, "Use `math.isnan(…)` or `pytest.approx(…, nan_ok=True)`");
        }
        _ => {}
    }
    verdict.differences = differences;
    verdict
}

/// Where two long texts begin to differ.
fn texts(got: &str, want: &str) -> String {
    let same = got.chars().zip(want.chars()).take_while(|(a, b)| a == b).count();
    let line = got.chars().take(same).filter(|c| *c == '\n').count() + 1;
    let part = |text: &str| {
        let start = same.saturating_sub(12);
        let shown: String = text.chars().skip(start).take(40).collect();
        let more = if text.chars().count() > start + 40 { "…" } else { "" };
        code(&format!("{}{shown}{more}", if start > 0 { "…" } else { "" }))
    };
    let lines = if got.contains('\n') { format!(" (line {line})") } else { String::new() };
    format!(
        "differs from the expected text from character {} on{lines}: {} instead of {}",
        same + 1,
        part(got),
        part(want)
    )
}

fn key_of(difference: &Difference) -> String {
    let key = difference.path.rsplit_once('[').map(|(_, key)| key.trim_end_matches(']'));
    match key {
        Some(key) if key.parse::<usize>().is_err() => format!(" under the key {}", code(key)),
        Some(index) => format!(" at index {index}"),
        None => String::new(),
    }
}

fn reversed(way: Way) -> Way {
    match way {
        Way::OffByOne(n) => Way::OffByOne(-n),
        Way::Missing => Way::Extra,
        Way::Extra => Way::Missing,
        Way::Hours(n) => Way::Hours(-n),
        other => other,
    }
}

fn listed(difference: &Difference, operands: &Operands) -> String {
    let (got, want) = if operands.actual_is_left {
        (&difference.left, &difference.right)
    } else {
        (&difference.right, &difference.left)
    };
    let show = |value: &Option<Value>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| code(&value.to_string()))
    };
    let place = if difference.path.is_empty() { "it".to_owned() } else { code(&difference.path) };
    let holder =
        if difference.path.is_empty() { String::new() } else { format!(" ({})", code(&difference.path)) };
    match (got, want) {
        (None, Some(_)) => format!("{} is missing{holder}", show(want)),
        (Some(_), None) => format!("{} is not expected{holder}", show(got)),
        _ => format!("{place} is {} where {} is expected", show(got), show(want)),
    }
}
