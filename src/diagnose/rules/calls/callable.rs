//! `'X' object is not callable`.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::python_names::BUILTINS;
use crate::diagnose::rules::spot::{Spot, between, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Severity};
use crate::workspace::members::members;
use crate::workspace::python::{BindingKind, Expr, ExprKind, Span};
use crate::workspace::resolve::Symbol;

/// A property or value that is called: superfluous parentheses, a shadowed builtin or method, a missing comma.
pub(super) fn not_callable(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "TypeError")?;
    let kind = between(&exception.message, "'", "' object is not callable")?;
    let spot = Spot::of(case)?;
    let calls: Vec<(&Expr, &Expr, Span)> = spot
        .expressions()
        .into_iter()
        .filter_map(|e| match &e.kind {
            ExprKind::Call { func, arguments_span, .. } => Some((e, &**func, *arguments_span)),
            _ => None,
        })
        .collect();
    let new = |confidence| {
        Finding::new("calls-not-callable", Category::Other, Severity::High, confidence)
            .shown(format!("{} calls a `{kind}`", at(spot.place)), Some(spot.place))
    };
    calls.iter().find_map(|(call, func, arguments)| {
        let here = spot.place_of(call.span);
        let text = spot.text(func.span).to_owned();
        match &func.kind {
            ExprKind::Tuple(_) | ExprKind::List(_) | ExprKind::Str(_) | ExprKind::Dict(_) => {
                let first = spot.place_of(func.span);
                Some(
                    new(0.95)
                        .because(format!(
                            "A comma is missing after {} ({}), so that it is called with what follows",
                            code(&text),
                            line_of(&first)
                        ))
                        .suggest(format!("Put a comma after `{text}`"))
                        .suspect(&first, 0.95, "no comma after it")
                        .mend(Draft::edits(
                            spot.target(),
                            format!("Add the comma ({})", line_of(&first)),
                            "The two are items of their own",
                            vec![TextEdit::insert(&spot.place.path, func.span.end, ",")],
                        )),
                )
            }
            ExprKind::Attribute { value, attr, .. } => {
                let (Symbol::Instance(file, class) | Symbol::Class(file, class)) =
                    spot.resolver().infer(&spot.place.path, spot.place.line, value, 0)?
                else {
                    return None;
                };
                let (members, _) = members(spot.workspace, &file, &class);
                let own: Vec<_> = members.iter().filter(|m| m.name == **attr).collect();
                let method = own.iter().find(|m| m.kind == BindingKind::Function);
                let set = own.iter().find(|m| m.kind == BindingKind::Attribute);
                let is_property = method.is_some_and(|m| {
                    spot.workspace.source(&m.place.path).is_some_and(|s| {
                        let name = s.module().definitions().iter().find(|d| d.name_line == m.place.line).map(|d| d.qualified_name.clone());
                        name.and_then(|n| s.module().function(&n).map(|f| {
                            f.decorators.iter().filter_map(Expr::dotted).any(|d| matches!(d.rsplit('.').next(), Some("property" | "cached_property")))
                        }))
                        .unwrap_or(false)
                    })
                });
                match (method, set, is_property) {
                    (Some(method), _, true) => Some(
                        new(0.94)
                            .because(format!(
                                "{} calls {}, but it is a property ({}): its value is there without parentheses",
                                at(spot.place),
                                code(&text),
                                line_of(&method.place)
                            ))
                            .suggest(format!("Write `{text}` without parentheses"))
                            .shown(format!("`{attr}` is a property"), Some(&method.place))
                            .suspect(&here, 0.92, "calls the value of a property")
                            .mend((arguments.end - arguments.start == 2).then(|| {
                                Draft::edits(
                                    spot.target(),
                                    format!("Leave out the parentheses of `{text}()` ({})", line_of(spot.place)),
                                    format!("`{attr}` is a property"),
                                    vec![TextEdit::replace(&spot.place.path, *arguments, "")],
                                )
                            })),
                    ),
                    (Some(method), Some(set), false) => Some(
                        new(0.93)
                            .because(format!(
                                "{} sets the attribute {} of {}, which hides the method of that name ({})",
                                at(&set.place),
                                code(attr),
                                code(&class),
                                line_of(&method.place)
                            ))
                            .suggest("Give the attribute or the method another name")
                            .shown(format!("the method `{attr}`"), Some(&method.place))
                            .suspect(&set.place, 0.9, format!("hides the method `{attr}`"))
                            .suspect(&here, 0.3, "the call"),
                    ),
                    (None, Some(set), _) => Some(
                        new(0.85)
                            .because(format!(
                                "{} calls {}, but it is a value that {} sets, not a method",
                                at(spot.place),
                                code(&text),
                                at(&set.place)
                            ))
                            .suggest(format!("Write `{text}` without parentheses"))
                            .shown(format!("`{attr}` is set here"), Some(&set.place))
                            .suspect(&here, 0.85, format!("`{attr}` is a `{kind}`"))
                            .mend((arguments.end - arguments.start == 2).then(|| {
                                Draft::edits(
                                    spot.target(),
                                    format!("Leave out the parentheses of `{text}()` ({})", line_of(spot.place)),
                                    format!("`{attr}` is a value"),
                                    vec![TextEdit::replace(&spot.place.path, *arguments, "")],
                                )
                            })),
                    ),
                    _ => None,
                }
            }
            ExprKind::Name(name) => {
                let bound = spot.module().visible(spot.place.line).into_iter().find(|b| {
                    b.name == *name && matches!(b.kind, BindingKind::Variable | BindingKind::Parameter)
                })?;
                let place = line(&spot.place.path, bound.line);
                let hidden = BUILTINS.contains(&&**name);
                Some(
                    new(if hidden { 0.94 } else { 0.75 })
                        .because(if hidden {
                            format!(
                                "The variable {} of line {} hides the builtin `{name}`, which {} means to call",
                                code(name),
                                bound.line,
                                at(spot.place)
                            )
                        } else {
                            format!("{} calls {}, a `{kind}` that line {} sets", at(spot.place), code(name), bound.line)
                        })
                        .suggest(if hidden { format!("Give the variable of line {} another name", bound.line) } else { format!("Use `{name}` without parentheses, or call what was meant") })
                        .shown(format!("`{name}` is bound here"), Some(&place))
                        .suspect(if hidden { &place } else { &here }, 0.85, if hidden { "hides the builtin" } else { "the call" })
                        .suspect(if hidden { &here } else { &place }, 0.4, if hidden { "the call" } else { "the value" }),
                )
            }
            _ => None,
        }
    })
    .or_else(|| of_module(&spot, kind, &calls))
}

/// `datetime(…)` after `import datetime`.
fn of_module(spot: &Spot<'_>, kind: &str, calls: &[(&Expr, &Expr, Span)]) -> Option<Finding> {
    const SAME_NAME: &[&str] =
        &["datetime", "time", "pprint", "copy", "glob", "tqdm", "uuid", "random", "array", "date", "decimal"];
    if kind != "module" {
        return None;
    }
    let imports = spot.module().imports();
    let (_, func, _) = calls.iter().find(|(_, func, _)| {
        func.as_name().is_some_and(|n| imports.iter().any(|i| i.name.is_none() && i.bound_name() == n))
    })?;
    let name = func.as_name()?;
    let here = spot.place_of(func.span);
    let has_same = match spot.workspace.module_file(&spot.place.path, name, 0) {
        Some(file) => spot.workspace.source(&file)?.module().has_global(name),
        None => SAME_NAME.contains(&name),
    };
    Some(
        Finding::new("calls-module", Category::Other, Severity::High, 0.93)
            .because(format!(
                "{} calls the module {} itself instead of something in it",
                at(spot.place),
                code(name)
            ))
            .suggest(if has_same {
                format!("Write `{name}.{name}(…)`")
            } else {
                format!("Call a function or class of `{name}`")
            })
            .suspect(&here, 0.92, "a module cannot be called")
            .mend(has_same.then(|| {
                Draft::edits(
                    spot.target(),
                    format!("Change `{name}(…)` to `{name}.{name}(…)` ({})", line_of(spot.place)),
                    format!("The module `{name}` holds `{name}`"),
                    vec![TextEdit::insert(&spot.place.path, func.span.end, format!(".{name}"))],
                )
            })),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::testing::scene;

    const SHOP: &str = "class Cart:\n    def __init__(self):\n        self.size = 3\n        self.check = 1\n\n    @property\n    def total(self):\n        return 1\n\n    def check(self):\n        pass\n";

    #[test]
    fn what_was_called_and_why_it_is_no_function() {
        let run = |statement: &str, kind: &str| {
            let test = format!(
                "import datetime\nfrom shop import Cart\n\ndef test_it():\n    cart = Cart()\n    list = [1]\n    assert {statement}\n"
            );
            scene(
                &[("src/shop.py", SHOP), ("tests/test_it.py", &test)],
                &format!("TypeError: '{kind}' object is not callable"),
                &[("tests/test_it.py", "assert")],
            )
        };
        let (test, at) = ("tests/test_it.py", "tests/test_it.py:7");
        run("cart.total() == 1", "int").check(
            not_callable,
            &["it is a property (src/shop.py:7)"],
            at,
            Some((test, "assert cart.total == 1")),
        );
        run("cart.size() == 1", "int").check(
            not_callable,
            &["a value that `Cart.__init__` (src/shop.py:3) sets"],
            at,
            Some((test, "assert cart.size == 1")),
        );
        run("cart.check()", "int").check(not_callable, &["hides the method"], "src/shop.py:4", None);
        run("list((1, 2))", "list").check(
            not_callable,
            &["hides the builtin `list`"],
            "tests/test_it.py:6",
            None,
        );
        run("[(1, 2) (3, 4)]", "tuple").check(
            not_callable,
            &["comma is missing after `(1, 2)`"],
            at,
            Some((test, "[(1, 2), (3, 4)]")),
        );
        run("datetime(2024, 1, 1)", "module").check(
            not_callable,
            &["the module `datetime` itself"],
            at,
            Some((test, "assert datetime.datetime(2024")),
        );
        run("unknown()", "int").silent(not_callable);
        run("cart.zebra()", "int").silent(not_callable);
    }
}
