//! Edits of texts and dictionaries.

use super::candidates::Maker;
use crate::workspace::python::{Expr, Span};

pub(super) fn string<'a>(maker: &mut Maker<'a>, expr: &'a Expr, text: &str, shown: &str) {
    if maker.hints.keys.contains(text)
        || (text.len() < 30 && text.chars().all(|c| c.is_alphanumeric() || c == '_'))
    {
        let known = maker.hints.keys.contains(text);
        let mut others: Vec<String> = maker.hints.keys.iter().filter(|key| **key != *text).cloned().collect();
        let closeness =
            |key: &String| (strsim::jaro_winkler(&text.to_lowercase(), &key.to_lowercase()) * 1e6) as i64;
        others.sort_by_key(|key| std::cmp::Reverse(closeness(key)));
        let missing = maker.hints.exception == "KeyError" && maker.hints.message == format!("'{text}'");
        for key in others.iter().take(16) {
            let likeness = strsim::jaro_winkler(&text.to_lowercase(), &key.to_lowercase());
            let near = likeness > 0.75;
            if !known && likeness < 0.85 {
                break;
            }
            let cost = match (missing, near) {
                (true, true) => 1,
                (false, true) if !known => 2,
                (true, false) | (false, true) => 3,
                (false, false) => 4,
            };
            let new = shown.replacen(text, key, 1);
            maker.replace(expr.span, new, cost, format!("the key `{key}` is meant, not `{text}`"));
        }
    }
    directives(maker, expr);
    if let Some((wrong, right)) = maker.hints.swapped.clone()
        && !wrong.is_empty()
        && shown.matches(&*wrong).count() == 1
    {
        // A whole other text is what the test happens to expect, not what was meant.
        let alike = strsim::jaro_winkler(&wrong.to_lowercase(), &right.to_lowercase()) > 0.6;
        let cost = match (text == wrong, alike || wrong.chars().count() < 4) {
            (true, true) => 2,
            (false, true) => 3,
            (_, false) => 5,
        };
        maker.replace(expr.span, shown.replacen(&*wrong, &right, 1), cost, "the text is wrong");
    }
}

pub(super) fn fstring<'a>(maker: &mut Maker<'a>, expr: &'a Expr, parts: &'a [Expr]) {
    directives(maker, expr);
    fields(maker, expr, parts);
    for pair in parts.windows(2) {
        let (a, b) = (maker.text(pair[0].span).to_owned(), maker.text(pair[1].span).to_owned());
        maker.edits(vec![(pair[0].span, b), (pair[1].span, a)], 2, "the parts are in the wrong order");
    }
    if let Some((wrong, right)) = maker.hints.swapped.clone()
        && !wrong.is_empty()
    {
        let shown = maker.text(expr.span);
        if shown.matches(&*wrong).count() == 1 {
            maker.replace(expr.span, shown.replacen(&*wrong, &right, 1), 3, "the text is wrong");
        }
    }
}

/// Directives of `strftime` and digits of formats: `%m` for `%d`, `.1f` for `.2f`.
fn directives(maker: &mut Maker<'_>, expr: &Expr) {
    const CODES: &str = "YymdHIMSBb";
    let shown = maker.text(expr.span).to_owned();
    let found: Vec<(usize, char)> = shown
        .match_indices('%')
        .filter_map(|(at, _)| Some((at + 1, shown[at + 1..].chars().next()?)))
        .filter(|(_, code)| CODES.contains(*code))
        .collect();
    let with = |changes: &[(usize, char)]| {
        let mut text = shown.clone();
        for (at, code) in changes {
            text.replace_range(at..&(at + 1), &code.to_string());
        }
        text
    };
    for (rank, &(at, code)) in found.iter().enumerate() {
        for &(other_at, other) in &found[rank + 1..] {
            if other != code {
                let why = format!("`%{code}` and `%{other}` are swapped in the format");
                maker.replace(expr.span, with(&[(at, other), (other_at, code)]), 2, why);
            }
        }
        for other in CODES.chars().filter(|other| *other != code) {
            let alike = other.eq_ignore_ascii_case(&code) || matches!((code, other), ('I', 'H') | ('H', 'I'));
            let why = format!("`%{other}` is meant in the format, not `%{code}`");
            maker.replace(expr.span, with(&[(at, other)]), if alike { 2 } else { 4 }, why);
        }
    }
    for (at, _) in shown.match_indices('.') {
        let Some(digit) = shown[at + 1..].chars().next().and_then(|c| c.to_digit(10)) else { continue };
        if !shown[at + 2..].starts_with(['f', '%']) {
            continue;
        }
        for other in [digit + 1, digit.wrapping_sub(1), 2].into_iter().filter(|n| *n < 7 && *n != digit) {
            let mut text = shown.clone();
            text.replace_range(at + 1..at + 2, &other.to_string());
            maker.replace(
                expr.span,
                text,
                3,
                format!("the number is shown with {digit} digits instead of {other}"),
            );
        }
    }
}

/// Fields of an f-string that are shown without leading zeros or with too many digits: `{minutes}` for `{minutes:02}`.
fn fields(maker: &mut Maker<'_>, expr: &Expr, parts: &[Expr]) {
    let Some((wrong, right)) = maker.hints.swapped.clone() else { return };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | ' '));
    if !digits(&wrong) || !digits(&right) {
        return;
    }
    for part in parts {
        let after = Span { start: part.span.end, end: part.span.end + 1 };
        if maker.text(after) != "}" || !(expr.span.start..expr.span.end).contains(&after.start) {
            continue;
        }
        let shown = maker.text(part.span);
        for (format, why) in [
            (":02", "is shown without leading zeros"),
            (":03", "is shown without leading zeros"),
            (":.2f", "is not shown with two digits after the point"),
            (":.1f", "is not shown with one digit after the point"),
        ] {
            let at = Span { start: after.start, end: after.start };
            maker.replace(at, format, 3, format!("`{shown}` {why} (`{format}`)"));
        }
    }
}

pub(super) fn dict<'a>(maker: &mut Maker<'a>, expr: &'a Expr, items: &'a [(Option<Expr>, Expr)]) {
    for pair in items.windows(2) {
        let (a, b) = (maker.text(pair[0].1.span).to_owned(), maker.text(pair[1].1.span).to_owned());
        let edits = vec![(pair[0].1.span, b.clone()), (pair[1].1.span, a.clone())];
        if pair.iter().all(|(key, _)| key.is_none()) {
            let why = format!("what comes last counts: `{b}` takes the place of what is in `{a}`");
            maker.edits(edits, 1, why);
        } else {
            maker.edits(edits, 4, "the values are swapped");
        }
    }
    let Some((_, last)) = items.last() else { return };
    for key in maker.hints.missing_keys.clone() {
        let mut values = vec![format!("self.{key}")];
        values.extend(maker.names.iter().filter(|name| **name == key).cloned());
        for name in maker.names.clone() {
            values.push(format!("{name}[\"{key}\"]"));
            values.push(format!("{name}.{key}"));
        }
        for value in values {
            let after = Span { start: last.span.end, end: last.span.end };
            let line = maker.source.line_of(expr.span.start);
            let new = format!(", \"{key}\": {value}");
            maker.edits_at(line, vec![(after, new)], 2, format!("the key `{key}` is left out"));
        }
    }
}
