//! `KeyError` where the mapping's keys are known, from its value at the failure or from its literal.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, line};
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind};
use crate::workspace::resolve::assigned;

/// Most keys that are listed in a sentence.
const MAX_LISTED: usize = 8;

/// A key that the mapping does not have.
pub(in crate::diagnose::rules) fn key(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "KeyError")?;
    let wanted = Value::parse(exception.message.lines().next()?.trim())?;
    let spot = Spot::of(case)?;
    let accesses: Vec<(&Expr, &Expr)> = spot
        .expressions()
        .into_iter()
        .filter_map(|e| match &e.kind {
            ExprKind::Subscript { value, index } => Some((&**value, &**index)),
            ExprKind::Call { func, args, .. } => match (&func.kind, args.as_slice()) {
                (ExprKind::Attribute { value, attr, .. }, [first]) if matches!(&**attr, "pop" | "remove") => {
                    Some((&**value, first))
                }
                _ => None,
            },
            _ => None,
        })
        .filter(|(value, _)| value.dotted().as_deref() != Some("os.environ"))
        .collect();
    let literal = |index: &Expr| match (&index.kind, &wanted) {
        (ExprKind::Str(text), Value::Str(key)) => **text == **key,
        (ExprKind::Int(text), Value::Int(key)) => text.parse() == Ok(*key),
        _ => false,
    };
    // The access whose key is written there, or else the only one there is.
    let written = accesses.iter().find(|(_, index)| literal(index)).copied();
    let (value, index) = written.or(match accesses.as_slice() {
        [only] => Some(*only),
        _ => None,
    })?;
    let text = spot.text(value.span).to_owned();
    let (keys, from) = keys_of(&spot, value, &text)?;
    if keys.contains(&wanted) {
        return None;
    }
    let key = wanted.to_string();
    let here = spot.place_of(index.span);
    let new = |confidence| {
        let finding = Finding::new("names-key", Category::DataIssue, Severity::Medium, confidence)
            .shown(format!("{} reads {}", at(spot.place), code(&format!("{text}[{key}]"))), Some(spot.place));
        match &from {
            Some(place) => finding.shown(format!("`{text}` is made here"), Some(place)),
            None => finding.shown(format!("`{text}` had the keys {}", listed(&keys)), Some(spot.place)),
        }
    };
    // `1` for `'1'` and the other way round.
    let other_type = keys.iter().find(|known| match (known, &wanted) {
        (Value::Str(a), Value::Int(b)) => *a == b.to_string(),
        (Value::Int(a), Value::Str(b)) => *b == a.to_string(),
        _ => false,
    });
    if let Some(other) = other_type {
        return Some(
            new(0.92)
                .because(format!(
                    "{} looks for the key {} in {}, but the keys are {}: it has {}",
                    at(spot.place),
                    code(&key),
                    code(&text),
                    if matches!(other, Value::Str(_)) { "strings" } else { "integers" },
                    code(&other.to_string())
                ))
                .suggest("Use one type for the keys when they are written and when they are read")
                .suspect(&here, 0.85, format!("the key is {other}, not {key}"))
                .mend(written.map(|_| change(&spot, index, &key, &other.to_string()))),
        );
    }
    let Value::Str(name) = &wanted else { return None };
    if let Some(finding) = marked(&spot, &keys, name, &new) {
        return Some(finding);
    }
    let names = keys.iter().filter_map(|k| match k {
        Value::Str(name) => Some((name.clone(), ())),
        _ => None,
    });
    if let Some(near) = near(name, names).filter(|near| near.likeness >= 0.6) {
        let right = Value::Str(near.name.clone()).to_string();
        let mut finding = new(if near.is_certain { 0.9 } else { 0.6 })
            .because(format!(
                "{} reads the key {} of {}, which has no such key; {} is probably meant{}",
                at(spot.place),
                code(&key),
                code(&text),
                code(&right),
                if near.name.eq_ignore_ascii_case(name) {
                    ", which differs in upper and lower case only"
                } else {
                    ""
                }
            ))
            .suggest(format!("Change {key} to {right}, or make `{text}` with the key {key}"))
            .suspect(&here, 0.85, format!("`{text}` has {right}, not {key}"));
        if let Some(from) = &from {
            finding = finding.suspect(from, 0.45, "makes the mapping, with the other key");
        }
        return Some(finding.mend(written.map(|_| change(&spot, index, &key, &right))));
    }
    let mut finding = new(0.6)
        .because(format!(
            "{} reads the key {} of {}, which has only {}",
            at(spot.place),
            code(&key),
            code(&text),
            listed(&keys)
        ))
        .suggest(format!("Make `{text}` with the key {key}, or handle its absence"));
    finding = match &from {
        Some(from) => {
            finding.suspect(&here, 0.6, "reads the key").suspect(from, 0.5, "makes the mapping without it")
        }
        None => finding.suspect(&here, 0.6, "reads the key"),
    };
    Some(finding)
}

/// A first key that begins with a byte order mark: the file it was read from was not opened for one.
fn marked(spot: &Spot<'_>, keys: &[Value], name: &str, new: &dyn Fn(f64) -> Finding) -> Option<Finding> {
    let is_marked =
        |key: &Value| matches!(key, Value::Str(key) if key.strip_prefix('\u{feff}') == Some(name));
    keys.iter().find(|key| is_marked(key))?;
    let mut opened = Vec::new();
    let module = spot.module();
    module.walk(&mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                let ExprKind::Call { keywords, .. } = &part.kind else { return };
                for keyword in keywords.iter().filter(|k| k.name.as_deref() == Some("encoding")) {
                    let encoding = keyword.value.as_str().unwrap_or_default().to_ascii_lowercase();
                    if matches!(encoding.as_str(), "utf-8" | "utf8") {
                        opened.push((spot.place_of(part.span), keyword.value.span));
                    }
                }
            });
        }
    });
    opened.dedup();
    let sentence = format!(
        "The file that {} reads begins with a byte order mark (`\\ufeff`, BOM), which is taken for a part of the first key: `utf-8-sig` is the encoding that leaves it out",
        at(spot.place)
    );
    let finding = new(if opened.len() == 1 { 0.85 } else { 0.6 })
        .because(sentence)
        .suggest("Open the file with `encoding=\"utf-8-sig\"`");
    let [(place, span)] = opened.as_slice() else {
        return Some(finding.suspect(spot.place, 0.5, "reads the key"));
    };
    let quote = spot.text(*span).chars().next()?;
    let function = module.enclosing_function(place.line).map(|def| def.qualified_name.clone());
    let place = Place { function, ..place.clone() };
    Some(finding.suspect(&place, 0.85, "opens the file without minding its mark").mend(Draft::edits(
        spot.target(),
        format!("Open the file as `utf-8-sig` ({})", line_of(&place)),
        "A byte order mark at the beginning is left out then",
        vec![TextEdit::replace(&spot.place.path, *span, format!("{quote}utf-8-sig{quote}"))],
    )))
}

fn change(spot: &Spot<'_>, index: &Expr, wrong: &str, right: &str) -> Draft {
    // The quotes of the source are kept.
    let quote =
        if spot.text(index.span).starts_with('"') { right.replace('\'', "\"") } else { right.to_owned() };
    Draft::edits(
        spot.target(),
        format!("Change {wrong} to {right} ({})", line_of(spot.place)),
        format!("the mapping has the key {right}"),
        vec![TextEdit::replace(&spot.place.path, index.span, quote)],
    )
}

fn listed(keys: &[Value]) -> String {
    if keys.is_empty() {
        return "no keys: it is empty".to_owned();
    }
    let mut text = keys.iter().take(MAX_LISTED).map(|k| code(&k.to_string())).collect::<Vec<_>>().join(", ");
    if keys.len() > MAX_LISTED {
        text = format!("{text} and {} more", keys.len() - MAX_LISTED);
    }
    text
}

/// The keys of the mapping `value`: as it was at the failure, or as its literal in this file says; then with the
/// place of the literal.
fn keys_of(spot: &Spot<'_>, value: &Expr, text: &str) -> Option<(Vec<Value>, Option<Place>)> {
    let shown = spot.frame.local(text);
    if let Some(parsed) = shown.and_then(|v| Value::parse(&v.repr)) {
        let Value::Dict(items) = &parsed else { return None };
        let whole = !items.iter().any(|(k, _)| matches!(k, Value::Elided));
        return whole.then(|| (items.iter().map(|(k, _)| k.clone()).collect(), None));
    }
    let name = value.as_name()?;
    let module = spot.module();
    let local = spot.function().and_then(|f| assigned(&f.body, name, spot.place.line, &spot.source));
    let (at, literal) = local.or_else(|| {
        let is_own = spot.function().is_some_and(|f| module.locals(f).iter().any(|b| *b.name == *name));
        (!is_own).then(|| assigned(module.body(), name, u32::MAX, &spot.source)).flatten()
    })?;
    let ExprKind::Dict(items) = &literal.kind else { return None };
    let keys: Option<Vec<Value>> = items
        .iter()
        .map(|(key, _)| match &key.as_ref()?.kind {
            ExprKind::Str(text) => Some(Value::Str(text.to_string())),
            ExprKind::Int(text) => text.parse().ok().map(Value::Int),
            _ => None,
        })
        .collect();
    // A mapping that is filled later has other keys as well.
    let keys = keys?;
    let filled = (1..=spot.source.line_count()).filter_map(|n| spot.source.line(n)).any(|l| {
        let l = l.trim_start();
        l.strip_prefix(name).is_some_and(|rest| {
            (rest.starts_with('[') && rest.contains("] ="))
                || rest.starts_with(".update(")
                || rest.starts_with(".setdefault(")
                || rest.starts_with(" |=")
        })
    });
    (!filled).then(|| (keys, Some(line(&spot.place.path, at))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::testing::scene;

    #[test]
    fn near_keys_by_value_and_by_literal() {
        scene(
            &[("a.py", "def f(order):\n    return order[\"totl\"] + 1\n")],
            "KeyError: 'totl'",
            &[("a.py", "return")],
        )
        .locals(&[("order", "{'total': 3, 'id': 7}")])
        .check(
            key,
            &["`'totl'` of `order`", "`'total'`"],
            "a.py:2",
            Some(("a.py", "order[\"total\"]")),
        );
        scene(
            &[("a.py", "RATES = {\n    'standard': 1,\n    'reduced': 2,\n}\n\ndef f():\n    return RATES['standart']\n")],
            "KeyError: 'standart'",
            &[("a.py", "return")],
        )
        .check(key, &["`'standard'` is probably meant"], "a.py:7", Some(("a.py", "RATES['standard']")));
        scene(
            &[("a.py", "def f(xs, name):\n    return xs[name]\n")],
            "KeyError: 'colour'",
            &[("a.py", "return")],
        )
        .locals(&[("xs", "{'color': 1}"), ("name", "'colour'")])
        .check(key, &["`'color'`"], "a.py:2", None);
        scene(&[("a.py", "def f(xs):\n    return xs['1']\n")], "KeyError: '1'", &[("a.py", "return")])
            .locals(&[("xs", "{1: 'a'}")])
            .check(key, &["the keys are integers"], "a.py:2", Some(("a.py", "xs[1]")));
        scene(
            &[("a.py", "def f(xs):\n    return xs.pop('zebra')\n")],
            "KeyError: 'zebra'",
            &[("a.py", "return")],
        )
        .locals(&[("xs", "{}")])
        .check(key, &["no keys: it is empty"], "a.py:2", None);
    }

    #[test]
    fn silent_where_the_keys_are_not_known() {
        let one = |text: &str| scene(&[("a.py", text)], "KeyError: 'totl'", &[("a.py", "return")]);
        one("def f(order):\n    return order['totl']\n").silent(key);
        one("def f(order):\n    return order['totl']\n").locals(&[("order", "{'a': 1, ...}")]).silent(key);
        one("D = {'total': 1}\nD['x'] = 2\ndef f():\n    return D['totl']\n").silent(key);
        one("D = dict(total=1)\ndef f():\n    return D['totl']\n").silent(key);
        one("import os\ndef f():\n    return os.environ['totl']\n").silent(key);
        one("def f(a, b):\n    return a[b] + b[a]\n").locals(&[("a", "{'total': 1}")]).silent(key);
    }
}
