//! Functions made in a loop that all see the loop variable's last value.

use super::reached;
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::target;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Signature, StmtKind};

/// `[lambda x: x * factor for factor in factors]`, where an asserted value came from.
pub(super) fn late(case: &Case<'_>) -> Option<Finding> {
    let (asserted, reached) = reached(case)?;
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        let mut found = None;
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                if let StmtKind::For { target, body, .. } = &stmt.kind {
                    for inner in body {
                        inner.walk(false, &mut |inner| {
                            for expr in inner.expressions() {
                                found = found.or_else(|| kept(expr, target));
                            }
                        });
                    }
                }
                for expr in stmt.expressions() {
                    expr.walk(&mut |part| {
                        if let ExprKind::Comprehension { element, fors, .. } = &part.kind {
                            for clause in fors {
                                found = found.or_else(|| {
                                    element.iter().find_map(|element| in_element(element, &clause.target))
                                });
                            }
                        }
                    });
                }
            });
        }
        let Some(Late { lambda, signature, name }) = found else { continue };
        let place = Place { function: Some(called.qualified_name.clone()), ..source.place(lambda.span) };
        if in_tests(&place) {
            continue;
        }
        let text = lambda.span.of(source.text());
        // Behind the parameters; after `lambda` where there are none.
        let edit = match signature.params.last() {
            Some(last) => TextEdit::insert(source.path(), last.span.end, format!(", {name}={name}")),
            None => TextEdit::insert(source.path(), lambda.span.start + 6, format!(" {name}={name}")),
        };
        let can_be_mended = signature.vararg.is_none() && signature.kwarg.is_none();
        return Some(
            Finding::new("state-late-binding", Category::Other, Severity::High, 0.75)
                .because(format!(
                    "{} makes {} in a loop: each looks {} up when it is called, and finds the value of the loop's last \
                     round",
                    at(&place),
                    code(text),
                    code(name)
                ))
                .suggest(format!("Bind the value where the function is made: `{name}={name}` as a default"))
                .shown(format!("{} is among what made the asserted value", code(&called.text)), Some(asserted))
                .suspect(&place, 0.75, "the variable is looked up when the function is called, after the loop")
                .mend(can_be_mended.then(|| {
                    Draft::edits(
                        target(&place),
                        format!("Bind {name} where the function is made ({})", line_of(&place)),
                        "a default is evaluated when the function is made",
                        vec![edit],
                    )
                })),
        );
    }
    None
}

#[derive(Clone, Copy)]
struct Late<'e> {
    lambda: &'e Expr,
    signature: &'e Signature,
    name: &'e str,
}

/// A lambda that a loop's body stores: an argument of `append` and its like, or assigned to an item or attribute.
fn kept<'e>(expr: &'e Expr, target: &'e Expr) -> Option<Late<'e>> {
    let mut found = None;
    expr.walk(&mut |part| match &part.kind {
        ExprKind::Call { func, args, .. } => {
            let stores = matches!(&func.kind, ExprKind::Attribute { attr, .. }
                if matches!(&**attr, "append" | "add" | "insert" | "setdefault" | "register" | "connect" | "subscribe"));
            if stores {
                found = found.or_else(|| args.iter().find_map(|arg| free_in(arg, target)));
            }
        }
        // `actions[name] = lambda: …`: the value is an expression of the statement by itself.
        ExprKind::Lambda { .. } if std::ptr::eq(part, expr) => found = found.or_else(|| free_in(part, target)),
        _ => {}
    });
    found
}

/// A lambda that is an element of a comprehension, alone or in a tuple.
fn in_element<'e>(element: &'e Expr, target: &'e Expr) -> Option<Late<'e>> {
    match &element.kind {
        ExprKind::Tuple(parts) | ExprKind::List(parts) => parts.iter().find_map(|part| free_in(part, target)),
        _ => free_in(element, target),
    }
}

/// The loop's variable that `lambda` uses without binding it.
fn free_in<'e>(lambda: &'e Expr, target: &'e Expr) -> Option<Late<'e>> {
    let ExprKind::Lambda { signature, body } = &lambda.kind else { return None };
    let mut found = None;
    for variable in std::iter::once(target).chain(target.children()).filter_map(Expr::as_name) {
        if signature.param(variable).is_some() {
            continue;
        }
        body.walk(&mut |part| {
            if part.as_name() == Some(variable) {
                found = Some(Late { lambda, signature, name: variable });
            }
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::late;
    use crate::diagnose::rules::testing::{Scene, scene};

    fn failing(shop: &str) -> Scene {
        let test = "from shop import make\ndef test_it():\n    table = make([1, 2])\n    assert [f(10) for f in table] == [10, 20]\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", test)],
            "AssertionError: assert [20, 20] == [10, 20]",
            &[("tests/test_it.py", "assert [f")],
        )
    }

    #[test]
    fn the_last_value_for_all() {
        failing("def make(factors):\n    return [lambda x: x * factor for factor in factors]\n").check(
            late,
            &["`lambda x: x * factor`", "`factor`"],
            "shop.py:2",
            Some(("shop.py", "lambda x, factor=factor: x * factor for")),
        );
        failing(
            "def make(factors):\n    table = []\n    for factor in factors:\n        table.append(lambda x: x * factor)\n    return table\n",
        )
        .check(late, &["`factor`"], "shop.py:4", Some(("shop.py", "lambda x, factor=factor: x * factor)")));
    }

    #[test]
    fn functions_that_bind_or_are_used_at_once() {
        for shop in [
            "def make(factors):\n    return [lambda x, factor=factor: x * factor for factor in factors]\n",
            "def make(factors):\n    return [lambda x: x * 2 for factor in factors]\n",
            "def make(factors):\n    return [sorted(f, key=lambda x: x * f) for f in factors]\n",
            "def make(factors):\n    for factor in factors:\n        factors.sort(key=lambda x: x * factor)\n    return factors\n",
        ] {
            failing(shop).silent(late);
        }
    }
}
