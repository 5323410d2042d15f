//! Texts that cannot be read as the number or date that the code takes them for.

use super::{origin, with_origin};
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::Spot;
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Severity};
use crate::workspace::python::{Expr, ExprKind};

/// The one call in the failing statement of a function or method of this name.
fn call_of<'s>(spot: &'s Spot<'_>, name: &str) -> Option<(&'s Expr, &'s [Expr])> {
    let mut found = spot.expressions().into_iter().filter_map(|expr| match &expr.kind {
        ExprKind::Call { func, args, .. } => {
            let called = func.dotted().is_some_and(|dotted| dotted.rsplit('.').next() == Some(name));
            called.then_some((expr, args.as_slice()))
        }
        _ => None,
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// `invalid literal for int() with base 10: '12.5'`, `could not convert string to float: 'abc'`.
pub(super) fn number(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "ValueError")?;
    let message = root.message.lines().next()?.trim();
    let (function, repr) =
        if let Some((_, repr)) = message.split_once("invalid literal for int() with base 10: ") {
            ("int", repr)
        } else {
            ("float", message.strip_prefix("could not convert string to float: ")?)
        };
    let Some(Value::Str(given)) = Value::parse(repr) else { return None };
    let spot = Spot::of(case)?;
    let (_, args) = call_of(&spot, function)?;
    let arg = args.first()?;
    let text = spot.text(arg.span);
    let made = origin(case, &spot, arg).filter(|made| made.text != text);
    let from = made.as_ref().map_or_else(String::new, |made| format!(" (from {})", made.said()));
    let is_fraction = function == "int" && given.trim().parse::<f64>().is_ok_and(f64::is_finite);
    let why = if given.trim().is_empty() {
        "is empty"
    } else if is_fraction {
        "is a number with a fraction"
    } else if given.replace([',', '_', ' ', '\'', '.'], "").parse::<f64>().is_ok() {
        "holds separators"
    } else if given.chars().any(|c| c.is_ascii_digit()) {
        "holds more than a number"
    } else {
        "is no number"
    };
    // What was raised while this one was handled may be the fault.
    let confidence = if case.representative().exceptions.len() > 1 { 0.5 } else { 0.68 };
    let mut finding = Finding::new("types-number", Category::DataIssue, Severity::High, confidence)
        .because(format!(
            "{} calls `{function}` with {}{from}, which is {} and {why}",
            at(spot.place),
            code(text),
            code(repr)
        ))
        .shown(format!("`{message}`"), Some(spot.place))
        .suspect(spot.place, 0.8, format!("takes the text for an `{function}` without a check"))
        .suggest(format!(
            "Handle such a text before {}, or correct where it comes from",
            line_of(spot.place)
        ));
    if is_fraction {
        finding = finding
            .mend(Draft::edits(
                spot.target(),
                format!("Read it as a fraction: float({text}) ({})", line_of(spot.place)),
                "`float` reads fractions",
                call_of(&spot, "int").and_then(|(call, _)| match &call.kind {
                    ExprKind::Call { func, .. } => {
                        Some(vec![TextEdit::replace(&spot.place.path, func.span, "float")])
                    }
                    _ => None,
                })?,
            ))
            .mend(Draft::edits(
                spot.target(),
                format!("Cut the fraction off: int(float({text})) ({})", line_of(spot.place)),
                "`float` reads fractions, `int` cuts them off",
                vec![TextEdit::replace(&spot.place.path, arg.span, format!("float({text})"))],
            ));
    }
    if let Some(made) = &made {
        finding = with_origin(finding, made, &spot, 0.5, "gives the text");
    }
    Some(finding)
}

/// `time data '2024-03-01' does not match format '%d/%m/%Y'`.
pub(super) fn date(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "ValueError")?;
    let message = root.message.lines().next()?.trim();
    let (given, format) = message.strip_prefix("time data ")?.split_once(" does not match format ")?;
    let (Some(Value::Str(text)), Some(Value::Str(pattern))) = (Value::parse(given), Value::parse(format))
    else {
        return None;
    };
    // The standard library raises it: the project's call is the nearest frame.
    let spot = Spot::nearest(case)?;
    let (_, args) = call_of(&spot, "strptime")?;
    let [arg, wanted, ..] = args else { return None };
    let shown = spot.text(arg.span);
    let made = origin(case, &spot, arg).filter(|made| made.text != shown);
    let from = made.as_ref().map_or_else(String::new, |made| format!(" (from {})", made.said()));
    let fitting = format_of(&text);
    let mut finding = Finding::new("types-date", Category::DataIssue, Severity::High, 0.82)
        .because(format!(
            "{} reads {}{from} with the format {}, but it is {}{}",
            at(spot.place),
            code(shown),
            code(&format!("{pattern:?}")),
            code(given),
            fitting.as_ref().map_or_else(String::new, |format| format!(
                ", which has the format {}",
                code(&format!("{format:?}"))
            ))
        ))
        .shown(format!("`{message}`"), Some(spot.place))
        .suspect(spot.place, 0.82, "expects another format")
        .suggest(format!(
            "Use the format that the text has, or correct the text, at {}",
            line_of(spot.place)
        ));
    if let (Some(format), Some(literal)) = (&fitting, wanted.as_str())
        && literal == pattern
    {
        finding = finding.mend(Draft::edits(
            spot.target(),
            format!("Read it with {format:?} ({})", line_of(spot.place)),
            "the text has that format",
            vec![TextEdit::replace(&spot.place.path, wanted.span, format!("\"{format}\""))],
        ));
    }
    if let Some(made) = &made {
        finding = with_origin(finding, made, &spot, 0.5, "gives the text");
    }
    Some(finding)
}

/// The `strptime` format of a date or time written in digits, where only one fits.
fn format_of(text: &str) -> Option<String> {
    let mut fields: Vec<(usize, u32)> = Vec::new();
    let mut separators: Vec<String> = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c.is_ascii_digit() {
            let mut digits = String::new();
            while let Some(c) = chars.next_if(char::is_ascii_digit) {
                digits.push(c);
            }
            fields.push((digits.len(), digits.parse().ok()?));
            separators.push(String::new());
        } else {
            separators.last_mut()?.push(c);
            chars.next();
        }
    }
    if !separators.first()?.is_empty() || fields.len() < 3 {
        return None;
    }
    let separator = separators[1].as_str();
    if separators[2] != separator || !matches!(separator, "-" | "/" | "." | " ") {
        return None;
    }
    let day = |field: (usize, u32)| field.0 <= 2 && (1..=31).contains(&field.1);
    let month = |field: (usize, u32)| field.0 <= 2 && (1..=12).contains(&field.1);
    let (a, b, c) = (fields[0], fields[1], fields[2]);
    let date = if a.0 == 4 && month(b) && day(c) {
        ["%Y", "%m", "%d"]
    } else if c.0 == 4 && day(a) && month(b) && !month(a) {
        ["%d", "%m", "%Y"]
    } else if c.0 == 4 && month(a) && day(b) && !month(b) {
        ["%m", "%d", "%Y"]
    } else {
        // Day and month cannot be told apart.
        return None;
    };
    let mut format = date.join(separator);
    let time = ["%H", "%M", "%S", "%f"];
    if fields.len() > 3 {
        if fields.len() < 5 || fields.len() > 7 || !matches!(separators[3].as_str(), " " | "T") {
            return None;
        }
        for (at, field) in fields[3..].iter().enumerate() {
            let wanted = if at == 0 {
                separators[3].as_str()
            } else if at == 3 {
                "."
            } else {
                ":"
            };
            if separators[3 + at] != wanted || at < 3 && field.0 != 2 {
                return None;
            }
            format.push_str(wanted);
            format.push_str(time[at]);
        }
    }
    match separators.last()?.as_str() {
        "" => Some(format),
        "Z" => Some(format + "Z"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{date, format_of, number};
    use crate::diagnose::rules::testing::{Scene, scene};

    fn failing(shop: &str, message: &str) -> Scene {
        let test = "from shop import run\ndef test_it():\n    assert run('12.5') == 2\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            &format!("ValueError: {message}"),
            &[("tests/test_it.py", "assert run"), ("shop.py", "return")],
        )
    }

    #[test]
    fn texts_that_are_no_numbers() {
        failing("def run(text):\n    return int(text)\n", "invalid literal for int() with base 10: '12.5'")
            .check(
                number,
                &["`run` (shop.py:2)", "`int`", "`'12.5'`", "fraction", "tests/test_it.py:3"],
                "shop.py:2",
                Some(("shop.py", "return float(text)")),
            );
        failing(
            "def run(row):\n    return float(row['price'])\n",
            "could not convert string to float: '1,200.00'",
        )
        .check(number, &["`row['price']`", "separators"], "shop.py:2", None);
        failing("def run(row):\n    return check(row)\n", "invalid literal").silent(number);
    }

    #[test]
    fn dates_in_another_format() {
        failing(
            "from datetime import datetime\ndef run(text):\n    return datetime.strptime(text, '%d/%m/%Y')\n",
            "time data '2024-03-01' does not match format '%d/%m/%Y'",
        )
        .check(
            date,
            &["`text`", "`\"%d/%m/%Y\"`", "`'2024-03-01'`", "`\"%Y-%m-%d\"`"],
            "shop.py:3",
            Some(("shop.py", "strptime(text, \"%Y-%m-%d\")")),
        );
    }

    #[test]
    fn formats() {
        for (text, format) in [
            ("2024-03-01", Some("%Y-%m-%d")),
            ("31.12.2024", Some("%d.%m.%Y")),
            ("12/31/2024", Some("%m/%d/%Y")),
            ("2024-03-01T10:20:30", Some("%Y-%m-%dT%H:%M:%S")),
            ("2024-03-01 10:20", Some("%Y-%m-%d %H:%M")),
            ("2024-03-01T10:20:30.123456Z", Some("%Y-%m-%dT%H:%M:%S.%fZ")),
            // Which is the month?
            ("01/02/2024", None),
            ("March 1, 2024", None),
            ("2024", None),
            ("2024-13-45", None),
        ] {
            assert_eq!(format_of(text).as_deref(), format, "{text}");
        }
    }
}
