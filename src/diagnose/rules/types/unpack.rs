//! `a, b = value` where the value has more or fewer parts.

use super::{origin, with_origin};
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{Spot, between};
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Severity};
use crate::workspace::python::{Expr, ExprKind, StmtKind};
use crate::workspace::resolve::{Resolver, assigned};

/// `not enough values to unpack (expected 2, got 1)`, `too many values to unpack (expected 2)`.
pub(super) fn counts(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "ValueError")?;
    let message = root.message.lines().next()?.trim();
    if !message.contains("values to unpack (expected ") {
        return None;
    }
    let wanted: usize = between(message, "expected ", ")")
        .and_then(|text| text.trim_start_matches("at least ").split(',').next()?.trim().parse().ok())?;
    let spot = Spot::of(case)?;
    let stmt = spot.module().statement(spot.place.line)?;
    let (target, value, is_loop) = match &stmt.kind {
        StmtKind::Assign { targets, value } => {
            (targets.iter().find(|target| is_pattern(target))?, value, false)
        }
        StmtKind::For { target, iter, .. } if is_pattern(target) => (target, iter, true),
        _ => {
            let clause = spot.expressions().into_iter().find_map(|expr| match &expr.kind {
                ExprKind::Comprehension { fors, .. } => fors.iter().find(|clause| is_pattern(&clause.target)),
                _ => None,
            })?;
            (&clause.target, &clause.iter, true)
        }
    };
    let text = spot.text(value.span);
    let new = |confidence| {
        Finding::new("types-unpack", Category::DataIssue, Severity::High, confidence)
            .shown(format!("`{message}`"), Some(spot.place))
    };
    if is_loop && let Some(finding) = keys_only(case, &spot, target, value, &new) {
        return Some(finding);
    }
    let got = between(message, "got ", ")").map_or_else(|| format!("more than {wanted}"), str::to_owned);
    let said = parts(case, &spot, value);
    let (why, confidence) = match &said {
        Some((why, _)) => (format!(": {why}"), 0.78),
        None => (String::new(), 0.6),
    };
    let mut finding = new(confidence)
        .because(format!(
            "{} unpacks {} into {wanted} names, but gets {got}{why}",
            at(spot.place),
            code(text)
        ))
        .suspect(spot.place, confidence, "expects another number of parts")
        .suggest(format!(
            "Handle values with another number of parts at {}, or correct the value",
            line_of(spot.place)
        ));
    if let Some((draft, sentence)) = by_names(case, &spot, target, value) {
        finding.confidence = finding.confidence.max(0.88);
        finding.root_cause.push_str(&sentence);
        finding = finding.mend(draft);
    }
    if let Some(made) = said.and_then(|(_, made)| made) {
        finding = with_origin(finding, &made, &spot, 0.55, "gives the value that is unpacked");
    }
    Some(finding)
}

/// What the called function returns has more parts, of which some are called as the names are: the others are
/// taken as `_`.
fn by_names(
    case: &Case<'_>,
    spot: &Spot<'_>,
    target: &Expr,
    value: &Expr,
) -> Option<(Option<Draft>, String)> {
    let (ExprKind::Tuple(names) | ExprKind::List(names)) = &target.kind else { return None };
    let names: Vec<&str> = names.iter().filter_map(Expr::as_name).collect();
    let calls = Resolver::new(case.workspace).calls(&spot.place.path, spot.place.line, value);
    let called = calls.into_iter().find(|called| called.text == spot.text(value.span))?;
    let source = case.workspace.source(&called.path)?;
    let function = source.module().function(&called.qualified_name)?;
    let mut returned: Vec<&[Expr]> = Vec::new();
    let mut others = false;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                match &value.kind {
                    ExprKind::Tuple(items) => returned.push(items),
                    _ => others = true,
                }
            }
        });
    }
    let parts = *returned.first()?;
    if others || returned.iter().any(|items| items.len() != parts.len()) || parts.len() == names.len() {
        return None;
    }
    let sentence = format!(
        "; {} ({}:{}) returns {} values: {}",
        code(&called.qualified_name),
        called.path.as_str(),
        source.line_of(parts[0].span.start),
        parts.len(),
        code(&parts.iter().map(|part| part.span.of(source.text())).collect::<Vec<_>>().join(", "))
    );
    let said = |part: &Expr, name: &str| {
        let mut found = false;
        part.walk(&mut |inner| {
            found |= match &inner.kind {
                ExprKind::Name(known) => **known == *name,
                ExprKind::Attribute { attr, .. } => **attr == *name,
                ExprKind::Str(text) => **text == *name,
                _ => false,
            };
        });
        found
    };
    // Names in the order of the parts; what has no name is left out.
    let mut next = 0;
    let mut taken: Vec<&str> = Vec::new();
    for part in parts {
        if names.get(next).is_some_and(|name| said(part, name)) {
            taken.push(names[next]);
            next += 1;
        } else {
            taken.push("_");
        }
    }
    let matched = next == names.len() && parts.len() > names.len();
    let draft = matched.then(|| {
        let new = taken.join(", ");
        Draft::edits(
            spot.target(),
            format!("Unpack it into {} ({})", code(&new), line_of(spot.place)),
            format!("`{}` returns {} values", called.qualified_name, parts.len()),
            vec![TextEdit::replace(&spot.place.path, target.span, new)],
        )
    });
    Some((draft, sentence))
}

fn is_pattern(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Tuple(_) | ExprKind::List(_))
}

/// Iterating a dictionary gives its keys: `.items()` was meant.
fn keys_only(
    case: &Case<'_>,
    spot: &Spot<'_>,
    target: &Expr,
    value: &Expr,
    new: &impl Fn(f64) -> Finding,
) -> Option<Finding> {
    let (ExprKind::Tuple(names) | ExprKind::List(names)) = &target.kind else { return None };
    if names.len() != 2 {
        return None;
    }
    let text = spot.text(value.span);
    let by_value = spot.frame.shown(text).and_then(Value::parse).map(|value| matches!(value, Value::Dict(_)));
    let is_dict = by_value.unwrap_or_else(|| match &value.kind {
        ExprKind::Call { .. } => gives_dict(case, spot, value),
        _ => origin(case, spot, value).is_some_and(|made| spells_dict(&made.text)),
    });
    is_dict.then(|| {
        new(0.93)
            .because(format!(
                "{} iterates over the dictionary {}, which gives its keys only, and unpacks each key into {}: \
                 `.items()` is missing",
                at(spot.place),
                code(text),
                code(spot.text(target.span))
            ))
            .suspect(spot.place, 0.93, "iterates over the keys only")
            .suggest(format!("Iterate over `{text}.items()`"))
            .mend(Draft::edits(
                spot.target(),
                format!("Iterate over {text}.items() ({})", line_of(spot.place)),
                "the items are pairs of key and value",
                vec![TextEdit::insert(&spot.place.path, value.span.end, ".items()")],
            ))
    })
}

/// Whether the function of the project that is called returns a dictionary, as far as its `return`s tell.
fn gives_dict(case: &Case<'_>, spot: &Spot<'_>, call: &Expr) -> bool {
    let calls = Resolver::new(case.workspace).calls(&spot.place.path, spot.place.line, call);
    let Some(called) = calls.into_iter().find(|called| called.text == spot.text(call.span)) else {
        return false;
    };
    let Some(source) = case.workspace.source(&called.path) else { return false };
    let Some(function) = source.module().function(&called.qualified_name) else { return false };
    let mut returned = Vec::new();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Return(Some(value)) = &stmt.kind {
                let made =
                    value.as_name().and_then(|name| assigned(&function.body, name, stmt.start_line, &source));
                let made = made.map_or(value, |(_, made)| made);
                returned.push(spells_dict(made.span.of(source.text())));
            }
        });
    }
    !returned.is_empty() && returned.iter().all(|is_dict| *is_dict)
}

/// Whether an expression makes a dictionary.
fn spells_dict(text: &str) -> bool {
    text == "{}"
        || text.starts_with('{') && text.contains(':')
        || [
            "dict(",
            "defaultdict(",
            "Counter(",
            "OrderedDict(",
            "collections.Counter(",
            "collections.defaultdict(",
        ]
        .iter()
        .any(|name| text.starts_with(name))
}

/// How the value comes to have so many parts, for `text.split(…)` and values that are shown.
fn parts(case: &Case<'_>, spot: &Spot<'_>, value: &Expr) -> Option<(String, Option<super::Origin>)> {
    if let ExprKind::Call { func, args, .. } = &value.kind
        && let ExprKind::Attribute { value: object, attr, .. } = &func.kind
        && matches!(&**attr, "split" | "rsplit" | "partition" | "splitlines")
    {
        let name = spot.text(object.span);
        let repr = spot.frame.shown(name)?;
        let made = origin(case, spot, object).filter(|made| made.text != name);
        let separator = args.first().and_then(Expr::as_str);
        let count = match (Value::parse(repr), separator) {
            (Some(Value::Str(text)), Some(separator)) if !separator.is_empty() => {
                match text.matches(separator).count() {
                    0 => format!(" does not contain {}", code(&format!("{separator:?}"))),
                    1 => format!(" contains {} once", code(&format!("{separator:?}"))),
                    n => format!(" contains {} {n} times", code(&format!("{separator:?}"))),
                }
            }
            _ => String::new(),
        };
        return Some((
            format!(
                "{} is {}{}",
                code(name),
                code(repr),
                if count.is_empty() { count } else { format!(", which{count}") }
            ),
            made,
        ));
    }
    let name = spot.text(value.span);
    let repr = spot.frame.shown(name)?;
    let made = origin(case, spot, value).filter(|made| made.text != name);
    Some((format!("it is {}", code(repr)), made))
}

#[cfg(test)]
mod tests {
    use super::counts;
    use crate::diagnose::rules::testing::scene;

    #[test]
    fn parts_that_are_missing_or_too_many() {
        let shop = "def price(text):\n    whole, cents = text.split('.')\n    return int(whole)\n";
        let test = "from shop import price\ndef test_it():\n    assert price('12') == 12\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            "ValueError: not enough values to unpack (expected 2, got 1)",
            &[("tests/test_it.py", "assert"), ("shop.py", "whole, cents")],
        )
        .locals(&[("text", "'12'")])
        .check(
            counts,
            &["`price` (shop.py:2)", "into 2 names", "but gets 1", "`'12'`", "does not contain `\".\"`"],
            "shop.py:2",
            None,
        );
        let shop = "def run(row):\n    name, age = row\n";
        let test = "from shop import run\nROW = (1, 2, 3)\ndef test_it():\n    run(ROW)\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            "ValueError: too many values to unpack (expected 2)",
            &[("tests/test_it.py", "    run(ROW)"), ("shop.py", "name, age")],
        )
        .locals(&[("row", "(1, 2, 3)")])
        .check(counts, &["`row`", "more than 2", "(1, 2, 3)"], "shop.py:2", None);
    }

    #[test]
    fn the_keys_of_a_dictionary() {
        let shop = "def run(prices):\n    return [f'{name}:{price}' for name, price in prices]\n";
        let test = "from shop import run\ndef test_it():\n    run({'apple': 3})\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            "ValueError: too many values to unpack (expected 2)",
            &[("tests/test_it.py", "    run("), ("shop.py", "return")],
        )
        .locals(&[("prices", "{'apple': 3}")])
        .check(
            counts,
            &["`prices`", "`.items()`"],
            "shop.py:2",
            Some(("shop.py", "in prices.items()]")),
        );
    }

    #[test]
    fn the_keys_of_a_dictionary_that_a_function_gives() {
        let shop = "def tally(votes):\n    found = {}\n    for vote in votes:\n        found[vote] = 1\n    return found\n\ndef \
                    run(votes):\n    for name, count in tally(votes):\n        print(name)\n";
        let test = "from shop import run\ndef test_it():\n    run(['tea'])\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            "ValueError: too many values to unpack (expected 2)",
            &[("tests/test_it.py", "    run("), ("shop.py", "for name, count")],
        )
        .check(
            counts,
            &["`tally(votes)`", "`.items()`"],
            "shop.py:8",
            Some(("shop.py", "in tally(votes).items():")),
        );
    }

    #[test]
    fn other_value_errors() {
        let shop = "def run(row):\n    raise ValueError('too few values')\n";
        let test = "from shop import run\ndef test_it():\n    run(1)\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            "ValueError: too few values",
            &[("tests/test_it.py", "    run(1)"), ("shop.py", "raise")],
        )
        .silent(counts);
    }
}
