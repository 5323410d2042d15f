//! What a program keeps outside of itself, or leaves to chance: variables that are read when a file is imported, texts of
//! variables taken for truth values, the order of a set.

use super::{reached, with_test};
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{line, target};
use crate::diagnose::value::Value;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Function, Span, StmtKind};

/// Whether a test imports something, or imports it again, itself.
fn imports(function: &Function) -> bool {
    let mut found = false;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            found |= matches!(stmt.kind, StmtKind::Import(_));
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Call { func, .. } = &part.kind {
                        let name = func.dotted().unwrap_or_default();
                        found |= matches!(name.rsplit('.').next(), Some("reload" | "import_module"));
                    }
                });
            }
        });
    }
    found
}

/// What a test sets with `setenv("NAME", "value")` or `os.environ["NAME"] = "value"`; values that are no literals are empty.
fn set_by(function: &Function) -> Vec<(String, String)> {
    let mut set = Vec::new();
    let mut add = |name: &Expr, value: Option<&Expr>| {
        if let Some(name) = name.as_str() {
            set.push((name.to_owned(), value.and_then(Expr::as_str).unwrap_or_default().to_owned()));
        }
    };
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            if let StmtKind::Assign { targets, value } = &stmt.kind
                && let [Expr { kind: ExprKind::Subscript { value: of, index }, .. }] = targets.as_slice()
                && of.dotted().is_some_and(|name| name.ends_with("environ"))
            {
                add(index, Some(value));
            }
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Call { func, args, .. } = &part.kind
                        && matches!(&func.kind, ExprKind::Attribute { attr, .. } if &**attr == "setenv")
                        && let Some(name) = args.first()
                    {
                        add(name, args.get(1));
                    }
                });
            }
        });
    }
    set
}

/// The name of the variable that an expression reads from the environment, if it is one that does; the name is empty where
/// it is no literal.
fn variable(expr: &Expr) -> Option<&str> {
    let key = match &expr.kind {
        ExprKind::Subscript { value, index }
            if value.dotted().is_some_and(|name| name == "os.environ" || name == "environ") =>
        {
            &**index
        }
        ExprKind::Call { func, args, .. } => {
            let name = func.dotted()?;
            if !matches!(name.as_str(), "os.environ.get" | "environ.get" | "os.getenv" | "getenv") {
                return None;
            }
            args.first()?
        }
        _ => return None,
    };
    Some(key.as_str().unwrap_or_default())
}

/// `BASE = os.environ.get("API_URL", …)` at the top of a file, and a test that sets the variable after its import.
pub(super) fn read_at_import(case: &Case<'_>) -> Option<Finding> {
    let (asserted, reached) = reached(case)?;
    // A file that the test imports after it has set the variable is not read too early.
    let set = with_test(case, |_, test| (!imports(test)).then(|| set_by(test)))??;
    if set.is_empty() {
        return None;
    }
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        for stmt in source.module().body() {
            let (StmtKind::Assign { value, .. } | StmtKind::AnnAssign { value: Some(value), .. }) =
                &stmt.kind
            else {
                continue;
            };
            let names: Vec<&str> = match &stmt.kind {
                StmtKind::Assign { targets, .. } => targets.iter().filter_map(Expr::as_name).collect(),
                StmtKind::AnnAssign { target, .. } => target.as_name().into_iter().collect(),
                _ => Vec::new(),
            };
            let mut read = None;
            value.walk(&mut |part| {
                read = read.or(variable(part).filter(|name| set.iter().any(|(known, _)| known == name)));
            });
            let (Some(name), [constant]) = (read, names.as_slice()) else { continue };
            let uses = uses(function, constant);
            let place = line(source.path(), stmt.start_line);
            if uses.is_empty() || in_tests(&place) {
                continue;
            }
            let shown = value.span.of(source.text());
            // The expression stands alone in what it is put into.
            let new = if matches!(value.kind, ExprKind::Call { .. } | ExprKind::Subscript { .. }) {
                shown.to_owned()
            } else {
                format!("({shown})")
            };
            let changes =
                uses.iter().map(|span| TextEdit::replace(source.path(), *span, new.clone())).collect();
            let user = Place { function: Some(called.qualified_name.clone()), ..source.place(uses[0]) };
            return Some(
                Finding::new("environment-read-early", Category::EnvIssue, Severity::Medium, 0.85)
                    .because(format!(
                        "`{constant}` ({}) is read from the environment variable `{name}` once, when the file is imported: what the test sets later does not reach `{}`",
                        line_of(&place),
                        called.qualified_name
                    ))
                    .suggest(format!("Read `{name}` when it is needed ({}), or set `{constant}` in the test", line_of(&user)))
                    .shown(format!("{} made the asserted value", code(&called.text)), Some(asserted))
                    .suspect(&place, 0.85, "reads the variable at import")
                    .suspect(&user, 0.5, "uses what was read then")
                    .mend(Draft::edits(
                        target(&user),
                        format!("Read `{name}` where it is used ({})", line_of(&user)),
                        "The variable is then read at each call",
                        changes,
                    )),
            );
        }
    }
    None
}

/// Where a function reads a global name.
fn uses(function: &Function, name: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if part.as_name() == Some(name) && !found.contains(&part.span) {
                        found.push(part.span);
                    }
                });
            }
        });
    }
    found
}

/// `bool(os.environ.get("DEBUG"))` where the test sets it to `"0"`.
pub(super) fn truth_of_text(case: &Case<'_>) -> Option<Finding> {
    let (asserted, reached) = reached(case)?;
    let no = ["0", "false", "no", "off"];
    let set = with_test(case, |_, test| set_by(test))?;
    let (variable_name, value) = set.iter().find(|(_, value)| no.contains(&value.to_lowercase().as_str()))?;
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        let mut found: Vec<(Span, Span, bool)> = Vec::new();
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                let reads =
                    |expr: &Expr| variable(expr).is_some_and(|name| name.is_empty() || name == variable_name);
                let or_text =
                    |expr: &Expr| matches!(&expr.kind, ExprKind::Call { args, .. } if args.len() > 1);
                if let StmtKind::If(branches) = &stmt.kind {
                    for test in
                        branches.iter().filter_map(|(test, _)| test.as_ref()).filter(|test| reads(test))
                    {
                        found.push((test.span, test.span, or_text(test)));
                    }
                }
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| {
                        if let ExprKind::Call { func, args, .. } = &part.kind
                            && func.as_name() == Some("bool")
                            && let [arg] = args.as_slice()
                            && reads(arg)
                        {
                            found.push((part.span, arg.span, or_text(arg)));
                        }
                    });
                }
            });
        }
        let [(whole, read, has_default)] = found.as_slice() else { continue };
        let place = Place { function: Some(called.qualified_name.clone()), ..source.place(*whole) };
        if in_tests(&place) {
            continue;
        }
        let shown = read.of(source.text());
        let text = if *has_default { shown.to_owned() } else { format!("({shown} or \"\")") };
        let new = format!("{text}.lower() not in (\"\", \"0\", \"false\", \"no\", \"off\")");
        return Some(
            Finding::new("environment-truth", Category::AssertionFailure, Severity::Medium, 0.88)
                .because(format!(
                    "{} takes the text of the environment variable `{variable_name}` for a truth value: `'{value}'` is a non-empty text, and so true",
                    at(&place)
                ))
                .suggest(format!("Compare the text ({})", line_of(&place)))
                .shown(format!("{} made the asserted value", code(&called.text)), Some(asserted))
                .suspect(&place, 0.88, "any text that is not empty is true")
                .mend(Draft::edits(
                    target(&place),
                    format!("Compare the text with what means no ({})", line_of(&place)),
                    "`bool` of a text asks only whether it is empty",
                    vec![TextEdit::replace(source.path(), *whole, new)],
                )),
        );
    }
    None
}

/// Whether two values have the same parts in another order.
fn other_order(left: &Value, right: &Value) -> bool {
    fn parts(value: &Value) -> Option<Vec<String>> {
        match value {
            Value::Str(text) => {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                let words = text.split(|c| !word(c)).filter(|word| !word.is_empty());
                Some(words.map(str::to_owned).collect())
            }
            other => Some(other.items()?.iter().map(ToString::to_string).collect()),
        }
    }
    let (Some(mut left), Some(mut right)) = (parts(left), parts(right)) else { return false };
    let differ = left != right && left.len() > 1;
    left.sort();
    right.sort();
    differ && left == right
}

/// `list(set(names))` where the order matters.
pub(super) fn order_of_a_set(case: &Case<'_>) -> Option<Finding> {
    let assertion = case.assertion().filter(|assertion| assertion.operator == "==")?;
    let (left, right) = (Value::parse(&assertion.left)?, Value::parse(assertion.right.as_deref()?)?);
    if !other_order(&left, &right) {
        return None;
    }
    let (asserted, reached) = reached(case)?;
    let mut found = Vec::new();
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| {
                        if let Some((set, of)) = listed_set(part) {
                            let place = Place {
                                function: Some(called.qualified_name.clone()),
                                ..source.place(part.span)
                            };
                            found.push((
                                place,
                                part.span.of(source.text()).to_owned(),
                                set,
                                of,
                                called.text.clone(),
                            ));
                        }
                    });
                }
            });
        }
    }
    found.dedup_by(|a, b| a.0 == b.0);
    let [(place, shown, set, of, through)] = found.as_slice() else { return None };
    if in_tests(place) {
        return None;
    }
    let source = case.workspace.source(&place.path)?;
    let new = format!("dict.fromkeys({})", of.of(source.text()));
    Some(
        Finding::new("state-set-order", Category::AssertionFailure, Severity::Medium, 0.85)
            .because(format!(
                "{} makes {} of a set, which has no order: the items come in any order, not in that of `{}`",
                at(place),
                code(shown),
                of.of(source.text())
            ))
            .suggest(format!("Write `{new}`, which keeps the order, or sort the items ({})", line_of(place)))
            .shown(format!("{} made the asserted value", code(through)), Some(asserted))
            .suspect(place, 0.85, "a set has no order")
            .mend(Draft::edits(
                target(place),
                format!("Keep the order with `dict.fromkeys` ({})", line_of(place)),
                "The keys of a dict are unique and keep their order",
                vec![TextEdit::replace(&place.path, *set, new.clone())],
            )),
    )
}

/// `list(set(x))`, `tuple(set(x))`, `"".join(set(x))`: the set, and what it is made of.
fn listed_set(expr: &Expr) -> Option<(Span, Span)> {
    let ExprKind::Call { func, args, keywords, .. } = &expr.kind else { return None };
    let keeps = match &func.kind {
        ExprKind::Name(name) => matches!(&**name, "list" | "tuple"),
        ExprKind::Attribute { attr, .. } => &**attr == "join",
        _ => false,
    };
    let ([inner], []) = (args.as_slice(), keywords.as_slice()) else { return None };
    let ExprKind::Call { func, args, .. } = &inner.kind else { return None };
    let is_set = matches!(func.as_name(), Some("set" | "frozenset"));
    match args.as_slice() {
        [of] if keeps && is_set => Some((inner.span, of.span)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{order_of_a_set, read_at_import, truth_of_text};
    use crate::diagnose::rules::testing::scene;

    const TEST: &str = "tests/test_it.py";

    #[test]
    fn variables_that_are_read_too_early() {
        let test = "from shop import url\n\ndef test_it(monkeypatch):\n    monkeypatch.setenv('SHOP', 'b')\n    assert url('x') == 'bx'\n";
        for (shop, fixed) in [
            (
                "import os\n\nBASE = os.environ.get('SHOP', 'a')\n\ndef url(path):\n    return BASE + path\n",
                Some("return os.environ.get('SHOP', 'a') + path"),
            ),
            (
                "import os\n\nBASE: str = os.getenv('SHOP') or 'a'\n\ndef url(path):\n    return f(BASE) + path\n",
                Some("f((os.getenv('SHOP') or 'a'))"),
            ),
            ("import os\n\ndef url(path):\n    return os.environ.get('SHOP', 'a') + path\n", None),
            ("import os\n\nBASE = os.getenv('OTHER', 'a')\n\ndef url(path):\n    return BASE + path\n", None),
            ("import os\n\nBASE = os.getenv('SHOP', 'a')\n\ndef url(path):\n    return 'a' + path\n", None),
        ] {
            let scene =
                scene(&[("shop.py", shop), (TEST, test)], "AssertionError: assert", &[(TEST, "assert url")])
                    .compared("'ax'", "'bx'");
            match fixed {
                Some(fixed) => scene.check(
                    read_at_import,
                    &["once, when the file is imported", "`SHOP`"],
                    "shop.py:3",
                    Some(("shop.py", fixed)),
                ),
                None => scene.silent(read_at_import),
            }
        }
    }

    #[test]
    fn what_is_imported_after_a_variable_is_set_is_not_read_too_early() {
        let shop =
            "import os\n\nBASE = os.environ.get('SHOP', 'a')\n\ndef url(path):\n    return BASE + path\n";
        for again in ["importlib.reload(shop)", "from shop import url"] {
            let test = format!(
                "import importlib\nimport shop\nfrom shop import url\n\ndef test_it(monkeypatch):\n    monkeypatch.setenv('SHOP', 'b')\n    {again}\n    assert url('x') == 'bx'\n"
            );
            scene(&[("shop.py", shop), (TEST, &test)], "AssertionError: assert", &[(TEST, "assert url")])
                .compared("'ax'", "'bx'")
                .silent(read_at_import);
        }
    }

    #[test]
    fn texts_taken_for_truth() {
        let shop = "import os\n\ndef debug():\n    return bool(os.environ.get('DEBUG'))\n";
        for (value, fixed) in
            [("false", Some("return (os.environ.get('DEBUG') or \"\").lower() not in")), ("1", None)]
        {
            let test = format!(
                "from shop import debug\n\ndef test_it(monkeypatch):\n    monkeypatch.setenv('DEBUG', '{value}')\n    assert debug() == False\n"
            );
            let scene = scene(
                &[("shop.py", shop), (TEST, &test)],
                "AssertionError: assert",
                &[(TEST, "assert debug")],
            )
            .compared("True", "False");
            match fixed {
                Some(fixed) => scene.check(
                    truth_of_text,
                    &["`'false'` is a non-empty text"],
                    "shop.py:4",
                    Some(("shop.py", fixed)),
                ),
                None => scene.silent(truth_of_text),
            }
        }
    }

    #[test]
    fn the_order_of_a_set() {
        let test = "from shop import names\n\ndef test_it():\n    assert names(['b', 'a']) == ['b', 'a']\n";
        for (made, left, right, fixed) in [
            ("list(set(all))", "['a', 'b']", "['b', 'a']", Some("list(dict.fromkeys(all))")),
            ("', '.join(set(all))", "'a, b'", "'b, a'", Some("join(dict.fromkeys(all))")),
            ("tuple(frozenset(all))", "('a', 'b')", "('b', 'a')", Some("tuple(dict.fromkeys(all))")),
            // Other items; sorted afterwards.
            ("list(set(all))", "['a', 'c']", "['b', 'a']", None),
            ("sorted(set(all))", "['a', 'b']", "['b', 'a']", None),
        ] {
            let shop = format!("def names(all):\n    return {made}\n");
            let scene = scene(
                &[("shop.py", &shop), (TEST, test)],
                "AssertionError: assert",
                &[(TEST, "assert names")],
            )
            .compared(left, right);
            match fixed {
                Some(fixed) => scene.check(
                    order_of_a_set,
                    &["a set, which has no order"],
                    "shop.py:2",
                    Some(("shop.py", fixed)),
                ),
                None => scene.silent(order_of_a_set),
            }
        }
    }
}
