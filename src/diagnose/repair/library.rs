//! Edits of calls of the standard library and of what a program builds on it: rounding, patterns, orders, defaults,
//! keys of caches.

use super::candidates::Maker;
use crate::diagnose::rules::edits;
use crate::workspace::python::{Expr, ExprKind, Keyword, Span, Stmt, StmtKind};

/// Makes the candidates of an expression.
pub(super) fn expression<'a>(maker: &mut Maker<'a>, expr: &'a Expr, stmt: &'a Stmt) {
    match &expr.kind {
        ExprKind::Call { func, args, keywords, .. } => {
            let name = match &func.kind {
                ExprKind::Name(name) => &**name,
                ExprKind::Attribute { attr, .. } => &**attr,
                _ => return,
            };
            match name {
                "quantize" => quantized(maker, expr, args, keywords),
                "sorted" | "sort" => ordered(maker, keywords),
                "get" | "pop" | "getattr" | "next" => defaults(maker, name, args),
                "add_argument" => option_type(maker, expr, args, keywords),
                "replace" | "date" | "datetime" => within_month(maker, expr, func, args, keywords),
                "compile" | "match" | "search" | "fullmatch" | "findall" | "finditer" | "split" | "sub"
                    if args.first().is_some_and(|arg| matches!(arg.kind, ExprKind::Str(_))) =>
                {
                    any_character(maker, &args[0]);
                }
                _ => {}
            }
        }
        ExprKind::Subscript { index, .. } => folded(maker, index),
        ExprKind::BinOp { left, op: "*" | "//" | "%", right } => {
            for side in [left, right] {
                if matches!(side.kind, ExprKind::Name(_) | ExprKind::Attribute { .. }) {
                    let text = maker.text(side.span);
                    for op in ["-", "+"] {
                        let why = format!("`{text}` counts from one more or less than it is taken for");
                        maker.replace(side.span, format!("({text} {op} 1)"), 3, why);
                    }
                }
            }
        }
        _ => {}
    }
    if let StmtKind::Assign { value, .. } = &stmt.kind
        && value.span == expr.span
    {
        cache_key(maker, stmt, expr);
    }
}

/// `quantize` rounds halves to the even neighbour unless it is told how.
fn quantized(maker: &mut Maker<'_>, expr: &Expr, args: &[Expr], keywords: &[Keyword]) {
    const WAYS: &[&str] = &["ROUND_HALF_UP", "ROUND_HALF_EVEN", "ROUND_UP", "ROUND_DOWN"];
    let given =
        keywords.iter().find(|k| k.name.as_deref() == Some("rounding")).map(|k| &k.value).or(args.get(1));
    for (rank, way) in WAYS.iter().enumerate() {
        let cost = if rank == 0 { 2 } else { 4 };
        let (spelled, import) = maker.spelled("decimal", way);
        let (edit, why) = match given {
            Some(given) if maker.text(given.span).ends_with(way) => continue,
            Some(given) => ((given.span, spelled), format!("it is rounded the wrong way: `{way}` is meant")),
            None if *way == "ROUND_HALF_EVEN" => continue,
            None => {
                let added = edits::argument(maker.source, expr, &format!("rounding={spelled}"));
                let Some(added) = added else { continue };
                let why = format!("`quantize` rounds a half to the even digit: `{way}` is not asked for");
                ((added.span, added.new_text), why)
            }
        };
        maker.edits([edit].into_iter().chain(import).collect(), cost, why);
    }
}

/// A key of several parts with `reverse=True`, of which only some are meant to be reversed, or a part that is.
fn ordered(maker: &mut Maker<'_>, keywords: &[Keyword]) {
    let Some(key) = keywords.iter().find(|k| k.name.as_deref() == Some("key")) else { return };
    let ExprKind::Lambda { body, .. } = &key.value.kind else { return };
    let ExprKind::Tuple(parts) = &body.kind else { return };
    let reverse = keywords.iter().find(|k| k.name.as_deref() == Some("reverse"));
    let left_out = reverse.and_then(|reverse| {
        let before = keywords.iter().map(|k| k.span.end).filter(|end| *end < reverse.span.start).max()?;
        Some((Span { start: before, end: reverse.span.end }, String::new()))
    });
    for (rank, part) in parts.iter().enumerate() {
        let text = maker.text(part.span);
        let (new, why) = match text.strip_prefix('-') {
            Some(plain) => (plain.to_owned(), format!("`{plain}` is sorted the wrong way round")),
            None => {
                (format!("-{text}"), format!("`{text}` alone is sorted from high to low: `-` is missing"))
            }
        };
        match &left_out {
            // Where all parts are reversed, one of them should be, and the others not.
            Some(removed) if !text.starts_with('-') => {
                let why = format!("`reverse=True` reverses every part of the key, not only `{text}`");
                let edits = vec![(part.span, new), removed.clone()];
                let line = maker.source.line_of(part.span.start);
                maker.edits_at(line, edits, 2, why);
            }
            Some(_) => maker.replace(part.span, new, 2, why),
            None => maker.replace(part.span, new, if rank == 0 { 2 } else { 3 }, why),
        }
    }
}

/// An option of the command line, which is text unless it is told otherwise.
fn option_type(maker: &mut Maker<'_>, expr: &Expr, args: &[Expr], keywords: &[Keyword]) {
    let takes_text =
        keywords.iter().all(|k| !matches!(k.name.as_deref(), None | Some("type" | "action" | "choices")));
    let Some(name) = args.first().and_then(Expr::as_str).filter(|_| takes_text) else { return };
    for kind in ["int", "float"] {
        let Some(added) = edits::argument(maker.source, expr, &format!("type={kind}")) else { continue };
        let why = format!("what is given as `{name}` stays a `str`: `type={kind}` is missing");
        maker.edits(vec![(added.span, added.new_text)], if kind == "int" { 2 } else { 3 }, why);
    }
}

/// A day that the month does not have: `day.replace(month=…)`, `date(year, month, day)`.
fn within_month(maker: &mut Maker<'_>, expr: &Expr, func: &Expr, args: &[Expr], keywords: &[Keyword]) {
    if maker.hints.exception != "ValueError" || !maker.hints.message.contains("day ") {
        return;
    }
    let (monthrange, import) = maker.spelled("calendar", "monthrange");
    let named = |name: &str| {
        keywords.iter().find(|k| k.name.as_deref() == Some(name)).map(|k| maker.text(k.value.span))
    };
    let (edit, day) = match (&func.kind, args) {
        (ExprKind::Attribute { value, attr, .. }, []) if &**attr == "replace" => {
            if named("day").is_some() || named("year").or(named("month")).is_none() {
                return;
            }
            let of = maker.text(value.span);
            let (year, month) = (
                named("year").map_or_else(|| format!("{of}.year"), str::to_owned),
                named("month").map_or_else(|| format!("{of}.month"), str::to_owned),
            );
            let new = format!("day=min({of}.day, {monthrange}({year}, {month})[1])");
            let Some(added) = edits::argument(maker.source, expr, &new) else { return };
            ((added.span, added.new_text), format!("{of}.day"))
        }
        (_, [year, month, day, ..]) if !matches!(day.kind, ExprKind::Int(_)) => {
            let (year, month, shown) = (maker.text(year.span), maker.text(month.span), maker.text(day.span));
            ((day.span, format!("min({shown}, {monthrange}({year}, {month})[1])")), shown.to_owned())
        }
        _ => return,
    };
    let why = format!("the month may be shorter: it need not have the day `{day}`");
    maker.edits([edit].into_iter().chain(import).collect(), 1, why);
}

/// A default of `get` and the like that a constant of the file is meant for.
fn defaults(maker: &mut Maker<'_>, name: &str, args: &[Expr]) {
    let at = if name == "getattr" { 2 } else { 1 };
    let Some(given) = args.get(at) else { return };
    let shown = maker.text(given.span);
    let mut constants: Vec<String> = maker
        .source
        .module()
        .globals()
        .iter()
        .map(|binding| binding.name.to_string())
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit()))
        .filter(|name| name != shown)
        .collect();
    constants.extend(maker.names.iter().filter(|name| *name != shown).cloned());
    constants.truncate(12);
    for constant in constants {
        let why = format!("the default `{shown}` of `{name}` is wrong: `{constant}` is there for it");
        maker.replace(given.span, constant, 3, why);
    }
}

/// `.` in a pattern between letters stands for any character.
fn any_character(maker: &mut Maker<'_>, expr: &Expr) {
    let shown = maker.text(expr.span).to_owned();
    if !shown.starts_with(['r', 'R']) || shown.len() > 200 {
        return;
    }
    let bytes = shown.as_bytes();
    let mut dots: Vec<usize> = Vec::new();
    let mut in_set = false;
    for (at, byte) in bytes.iter().enumerate() {
        let escaped = at > 0 && bytes[at - 1] == b'\\';
        match byte {
            b'[' if !escaped => in_set = true,
            b']' if !escaped => in_set = false,
            b'.' if !escaped && !in_set && !matches!(bytes.get(at + 1), Some(b'*' | b'+' | b'?' | b'{')) => {
                dots.push(at);
            }
            _ => {}
        }
    }
    let escape = |of: &[usize]| {
        let mut text = shown.clone();
        for at in of.iter().rev() {
            text.insert(*at, '\\');
        }
        text
    };
    let why = "`.` in a pattern is any character: the dot itself is `\\.`";
    for dot in &dots {
        maker.replace(expr.span, escape(&[*dot]), 3, why);
    }
    if dots.len() > 1 {
        maker.replace(expr.span, escape(&dots), 3, why);
    }
}

/// A key that is looked up, or kept, in one case only.
fn folded(maker: &mut Maker<'_>, index: &Expr) {
    if maker.hints.exception != "KeyError" {
        return;
    }
    let text = maker.text(index.span);
    let plain = matches!(
        index.kind,
        ExprKind::Name(_) | ExprKind::Attribute { .. } | ExprKind::Call { .. } | ExprKind::Subscript { .. }
    );
    if plain && !text.ends_with("lower()") {
        for (method, why) in [
            ("lower()", "as a key, upper and lower case are not the same"),
            ("strip()", "as a key, it has blanks around it"),
        ] {
            maker.replace(index.span, format!("{text}.{method}"), 3, format!("`{text}`: {why}"));
        }
    }
}

/// What a cache is asked for leaves out a parameter that the value depends on: `key = city`.
fn cache_key(maker: &mut Maker<'_>, stmt: &Stmt, value: &Expr) {
    let StmtKind::Assign { targets, .. } = &stmt.kind else { return };
    let Some(name) = targets.first().and_then(Expr::as_name) else { return };
    if !name.contains("key") {
        return;
    }
    let Some(function) = maker.function else { return };
    let mut used = Vec::new();
    value.walk(&mut |part| used.extend(part.as_name().map(str::to_owned)));
    let shown = maker.text(value.span);
    let parts = match &value.kind {
        ExprKind::Tuple(parts) => {
            parts.iter().map(|part| maker.text(part.span)).collect::<Vec<_>>().join(", ")
        }
        _ => shown.to_owned(),
    };
    let params = function.signature.params.iter().map(|param| param.name.to_string());
    for param in params.filter(|name| name != "self" && name != "cls" && !used.contains(name)) {
        let why =
            format!("the key `{name}` leaves out `{param}`: what was cached for another `{param}` is given");
        maker.replace(value.span, format!("({parts}, {param})"), 1, why);
        maker.about_shared();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use crate::diagnose::repair::candidates::{Hints, of_file};
    use crate::diagnose::repair::edited;
    use crate::model::RelPath;
    use crate::workspace::SourceFile;

    /// What the candidates for a file make of it, and why.
    fn made(text: &str) -> Vec<(String, String)> {
        let source = Arc::new(SourceFile::new(RelPath::new("a.py").unwrap(), text.into()));
        let lines = (1..=text.lines().count() as u32).collect();
        let candidates = of_file(&source, &lines, &Hints::default());
        candidates.into_iter().filter_map(|c| Some((edited(text, &c.edits)?, c.why))).collect()
    }

    #[test]
    fn arguments_and_imports_are_put_where_they_belong() {
        for (text, expected) in [
            (
                "\"\"\"Prices.\"\"\"\nfrom __future__ import annotations\nfrom decimal import Decimal\n\ndef f(x):\n    return x.quantize(Decimal('0.01'))\n",
                "\"\"\"Prices.\"\"\"\nfrom __future__ import annotations\nfrom decimal import Decimal\nfrom decimal import ROUND_HALF_UP\n\ndef f(x):\n    return x.quantize(Decimal('0.01'), rounding=ROUND_HALF_UP)\n",
            ),
            (
                "import decimal\n\ndef f(x, y):\n    return x.quantize(\n        y,  # cents\n    )\n",
                "import decimal\n\ndef f(x, y):\n    return x.quantize(\n        y, rounding=decimal.ROUND_HALF_UP,  # cents\n    )\n",
            ),
            (
                "import os\r\n\r\ndef f(rows):\r\n    return list(rows)\r\n",
                "import os\r\nfrom copy import deepcopy\r\n\r\ndef f(rows):\r\n    return deepcopy(rows)\r\n",
            ),
        ] {
            assert!(made(text).iter().any(|(new, _)| new == expected), "{expected}\n{:#?}", made(text));
        }
    }

    #[test]
    fn keys_get_the_parameter_that_they_leave_out() {
        for (key, new) in [
            ("city", "(city, unit)"),
            ("(city, str(day))", "(city, str(day), unit)"),
            ("(str(city), day,)", "(str(city), day, unit)"),
            ("city, day", "(city, day, unit)"),
        ] {
            let text = |key: &str| {
                format!("def f(self, city, day, unit):\n    key = {key}\n    return self.kept[key]\n")
            };
            let made = made(&text(key));
            assert!(made.iter().any(|(made, _)| *made == text(new)), "{key}: {made:#?}");
        }
        // Nothing is left out; no key.
        for line in ["key = (city, day, unit)", "name = (city, day)"] {
            let text = format!("def f(self, city, day, unit):\n    {line}\n    return self.kept\n");
            assert!(!made(&text).iter().any(|(_, why)| why.contains("leaves out")), "{line}");
        }
    }
}
