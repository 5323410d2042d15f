//! Dates and times with a zone and without one in one comparison or subtraction.

use super::{origin, with_origin};
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{Spot, target};
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Module};

/// `can't compare offset-naive and offset-aware datetimes` and its like.
pub(super) fn mixed(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?.trim();
    if !(message.contains("offset-naive") && message.contains("offset-aware")) {
        return None;
    }
    let spot = Spot::of(case)?;
    let subtracts = message.contains("subtract");
    let mut pairs: Vec<(&Expr, &Expr)> = Vec::new();
    for part in spot.expressions() {
        match &part.kind {
            ExprKind::BinOp { left, op: "-", right } if subtracts => pairs.push((left, right)),
            ExprKind::Compare { left, rest } if !subtracts && rest.len() == 1 => {
                pairs.push((left, &rest[0].1));
            }
            _ => {}
        }
    }
    let [(left, right)] = pairs.as_slice() else { return None };
    let zone = |expr: &Expr| zone_of(case, &spot, expr);
    let naive_is_left = match (zone(left), zone(right)) {
        (Some(false), Some(true) | None) | (None, Some(true)) => true,
        (Some(true), Some(false) | None) | (None, Some(false)) => false,
        _ => return None,
    };
    let (naive, aware) = if naive_is_left { (*left, *right) } else { (*right, *left) };
    let made = origin(case, &spot, naive);
    let from = made
        .as_ref()
        .filter(|made| made.text != spot.text(naive.span))
        .map_or_else(String::new, |made| format!(", which is {},", made.said()));
    let mut finding = Finding::new("types-zones", Category::Other, Severity::High, 0.85)
        .because(format!(
            "{}{from} has no time zone, and {} {} {}, which has one",
            code(spot.text(naive.span)),
            at(spot.place),
            if subtracts { "subtracts it and" } else { "compares it with" },
            code(spot.text(aware.span)),
        ))
        .shown(format!("`{message}`"), Some(spot.place))
        .suggest(format!(
            "Give {} a time zone where it is made, for example `datetime.now(timezone.utc)`, or use neither with one",
            code(spot.text(naive.span))
        ));
    if let Some(made) = &made {
        finding = with_origin(finding, made, &spot, 0.85, "makes a time without zone");
        if let Some(source) = case.workspace.source(&made.place.path) {
            finding = finding.mend(given_zone(&source, &made.text, made.place.line));
        }
    }
    Some(finding.suspect(spot.place, 0.6, "uses times with and without zone together"))
}

/// Whether the value has a zone, by what is shown or by how it is made.
fn zone_of(case: &Case<'_>, spot: &Spot<'_>, expr: &Expr) -> Option<bool> {
    if let Some(repr) = spot.frame.shown(spot.text(expr.span)) {
        return Value::parse(repr)?.has_zone();
    }
    let made = origin(case, spot, expr)?;
    let module = Module::parse(&made.text);
    let expr = module.body().first()?.expressions().into_iter().next()?;
    let ExprKind::Call { func, args, keywords, .. } = &expr.kind else { return None };
    let name = func.dotted()?;
    let has_keyword = |name: &str| keywords.iter().any(|keyword| keyword.name.as_deref() == Some(name));
    match name.rsplit('.').next()? {
        "now" => Some(!args.is_empty() || has_keyword("tz")),
        "fromtimestamp" => Some(args.len() > 1 || has_keyword("tz")),
        "utcnow" | "utcfromtimestamp" | "today" => Some(false),
        "astimezone" | "localize" => Some(true),
        "datetime" => Some(args.len() > 7 || has_keyword("tzinfo")),
        "replace" if has_keyword("tzinfo") => Some(true),
        "strptime" => args.get(1)?.as_str().map(|format| format.contains("%z")),
        _ => None,
    }
}

/// `datetime.now()` becomes `datetime.now(timezone.utc)` where `timezone` can be written.
fn given_zone(source: &SourceFile, text: &str, line: u32) -> Option<Draft> {
    let module = source.module();
    let whole = module.expressions_at(line).into_iter().find(|expr| expr.span.of(source.text()) == text)?;
    // `given or datetime.now()`: the call in it.
    let mut calls = Vec::new();
    whole.walk(&mut |part| {
        if let ExprKind::Call { func, .. } = &part.kind
            && func.dotted().is_some_and(|name| matches!(name.rsplit('.').next(), Some("now" | "utcnow")))
        {
            calls.push(part);
        }
    });
    let [call] = calls[..] else { return None };
    let ExprKind::Call { func, args, keywords, arguments_span } = &call.kind else { return None };
    let name = func.dotted()?;
    if !args.is_empty() || !keywords.is_empty() {
        return None;
    }
    let (prefix, method) = name.rsplit_once('.')?;
    if !matches!(method, "now" | "utcnow") {
        return None;
    }
    let imports = module.imports();
    let mut edits = Vec::new();
    let zone = match prefix {
        "datetime.datetime" => "datetime.timezone.utc".to_owned(),
        "datetime" => {
            let bound = |name: &str| imports.iter().any(|import| import.bound_name() == name);
            let own = imports
                .iter()
                .rfind(|import| &*import.module == "datetime" && import.bound_name() == "datetime")?;
            own.name.as_ref()?;
            if !bound("timezone") && !bound("UTC") {
                edits.push(TextEdit::insert(source.path(), own.name_span.end, ", timezone"));
            }
            if bound("UTC") && !bound("timezone") { "UTC".to_owned() } else { "timezone.utc".to_owned() }
        }
        _ => return None,
    };
    edits.push(TextEdit::replace(
        source.path(),
        crate::workspace::python::Span { start: func.span.start, end: arguments_span.end },
        format!("{prefix}.now({zone})"),
    ));
    let place = source.place(call.span);
    Some(Draft::edits(
        target(&place),
        format!("Make it with a zone: {prefix}.now({zone}) ({})", line_of(&place)),
        "times with a zone can only be compared with times that have one",
        edits,
    ))
}

#[cfg(test)]
mod tests {
    use super::mixed;
    use crate::diagnose::rules::testing::scene;

    const MESSAGE: &str = "TypeError: can't compare offset-naive and offset-aware datetimes";

    #[test]
    fn the_one_without_a_zone_is_named() {
        let shop = "from datetime import datetime, timezone\ndef late(due):\n    return due < datetime.now(timezone.utc)\n";
        let test = "from datetime import datetime\nfrom shop import late\ndef test_it():\n    due = datetime.now()\n    \
                    assert late(due)\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            MESSAGE,
            &[("tests/test_it.py", "assert late"), ("shop.py", "return due")],
        )
        .check(
            mixed,
            &["`due`", "`datetime.now()` (tests/test_it.py:4)", "`late` (shop.py:3)"],
            "tests/test_it.py:4",
            Some(("tests/test_it.py", "import datetime, timezone\n")),
        );
        let shop = "import datetime\nclass Ticket:\n    def age(self, now):\n        opened = datetime.datetime.utcnow()\n        \
                    return now - opened\n";
        let test = "from shop import Ticket\ndef test_it():\n    assert Ticket().age(NOW)\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            "TypeError: can't subtract offset-naive and offset-aware datetimes",
            &[("tests/test_it.py", "assert"), ("shop.py", "return now")],
        )
        .check(
            mixed,
            &["`opened`", "subtracts", "`now`"],
            "shop.py:4",
            Some(("shop.py", "datetime.datetime.now(datetime.timezone.utc)")),
        );
    }

    #[test]
    fn silent_when_neither_is_known() {
        let shop = "def late(due, now):\n    return due < now\n";
        let test = "from shop import late\ndef test_it():\n    assert late(*PAIR)\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            MESSAGE,
            &[("tests/test_it.py", "assert late"), ("shop.py", "return due")],
        )
        .silent(mixed);
    }
}
