//! A container that is changed while it is iterated.
//!
//! Python notices for dictionaries, sets and deques and says so. For lists it skips items silently: there the rule
//! speaks only where an assertion's value came from a function with such a loop.

use super::{Change, changes, reached};
use crate::diagnose::case::{Case, at, code, in_tests, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{Spot, target};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::SourceFile;
use crate::workspace::python::{Expr, ExprKind, Stmt, StmtKind};

/// `RuntimeError: dictionary changed size during iteration` and the like.
pub(super) fn while_iterating(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "RuntimeError")?;
    let message = root.message.lines().next()?.trim();
    if !["changed size during iteration", "changed during iteration", "mutated during iteration"]
        .iter()
        .any(|words| message.ends_with(words))
    {
        return None;
    }
    let spot = Spot::of(case)?;
    let stmt = spot.module().statement(spot.place.line)?;
    let (iterated, body) = loop_of(&spot, stmt)?;
    let container = bare(iterated);
    let name = spot.text(container.span);
    let statement = code(spot.text(iterated.span));
    let found = body.map(|body| changes(body, name, &spot.source)).unwrap_or_default();
    let mut finding = Finding::new("state-changed", Category::Other, Severity::High, 0.75);
    finding = match found.first() {
        Some(change) => {
            let place = spot.source.place(change.span);
            finding.confidence = 0.93;
            finding
                .because(format!(
                    "{} iterates over {statement} itself, not a copy, and changes {} in the loop: {} (line {})",
                    at(spot.place),
                    code(name),
                    code(spot.text(change.span)),
                    place.line
                ))
                .suspect(spot.place, 0.9, format!("iterates over {statement} itself, not over a copy"))
                .shown(format!("{} changes what is iterated", code(spot.text(change.span))), Some(&place))
                .suspect(&place, 0.6, "changes the container in the loop")
        }
        None => finding
            .because(format!(
                "{} iterates over {statement}, and something that the loop calls changes {}",
                at(spot.place),
                code(name)
            ))
            .suspect(spot.place, 0.75, format!("iterates over {statement} itself, not over a copy")),
    };
    finding = finding.shown(format!("`{message}`"), Some(spot.place)).suggest(format!(
        "Iterate over a copy at {}: `list({})`",
        line_of(spot.place),
        spot.text(iterated.span)
    ));
    Some(finding.mend(copied(&spot.source, spot.place, iterated)))
}

/// What the loop at the spot iterates, and its body; a comprehension has none.
fn loop_of<'s>(spot: &'s Spot<'_>, stmt: &'s Stmt) -> Option<(&'s Expr, Option<&'s [Stmt]>)> {
    if let StmtKind::For { iter, body, .. } = &stmt.kind {
        return Some((iter, Some(body)));
    }
    let mut found = spot.expressions().into_iter().filter_map(|expr| match &expr.kind {
        ExprKind::Comprehension { fors, .. } => fors.first().map(|clause| &clause.iter),
        _ => None,
    });
    let first = found.next()?;
    found.next().is_none().then_some((first, None))
}

/// The container of `jobs.items()`, `enumerate(jobs)` and `jobs`.
fn bare(iterated: &Expr) -> &Expr {
    let ExprKind::Call { func, args, keywords, .. } = &iterated.kind else { return iterated };
    match (&func.kind, args.as_slice()) {
        (ExprKind::Attribute { value, attr, .. }, []) if matches!(&**attr, "items" | "keys" | "values") => {
            value
        }
        (ExprKind::Name(name), [only]) if keywords.is_empty() && matches!(&**name, "enumerate" | "iter") => {
            bare(only)
        }
        _ => iterated,
    }
}

/// Iterates over a copy.
fn copied(source: &SourceFile, place: &Place, iterated: &Expr) -> Draft {
    let inner = match &iterated.kind {
        // The copy belongs inside: `enumerate(list(jobs))`.
        ExprKind::Call { func, args, .. } if func.as_name() == Some("enumerate") => {
            args.first().unwrap_or(iterated)
        }
        _ => iterated,
    };
    let text = inner.span.of(source.text());
    Draft::edits(
        target(place),
        format!("Iterate over a copy: list({text}) ({})", line_of(place)),
        "the copy stays as it is while the container changes",
        vec![TextEdit::replace(source.path(), inner.span, format!("list({text})"))],
    )
}

/// `for item in items: … items.remove(item)`: the item after each removed one is never looked at.
pub(super) fn items_skipped(case: &Case<'_>) -> Option<Finding> {
    let (test_place, reached) = reached(case)?;
    for called in reached {
        let Some(source) = case.workspace.source(&called.path) else { continue };
        let Some(function) = source.module().function(&called.qualified_name) else { continue };
        let mut found = None;
        for stmt in &function.body {
            stmt.walk(false, &mut |stmt| {
                let StmtKind::For { iter, body, .. } = &stmt.kind else { return };
                let container = bare(iter);
                // Of an attribute or name only; what a call gives is new each time.
                if found.is_some() || container.dotted().is_none() {
                    return;
                }
                let name = container.span.of(source.text());
                let removed =
                    changes(body, name, &source).into_iter().find(|change| removes(change, &source));
                if let Some(change) = removed.filter(|change| !leaves(body, change)) {
                    found = Some((iter, name, source.place(change.span), change.span.of(source.text())));
                }
            });
        }
        let Some((iter, name, removal, text)) = found else { continue };
        let place = Place { function: Some(called.qualified_name.clone()), ..source.place(iter.span) };
        if in_tests(&place) {
            continue;
        }
        return Some(
            Finding::new("state-skipped", Category::Other, Severity::High, 0.72)
                .because(format!(
                    "{} removes items from {} while it iterates over it ({}, line {}): the item after each removed \
                     one is skipped",
                    at(&place),
                    code(name),
                    code(text),
                    removal.line
                ))
                .suggest(format!("Iterate over a copy at {}: `list({name})`", line_of(&place)))
                .shown(format!("{} made the asserted value", code(&called.text)), Some(test_place))
                .suspect(&place, 0.72, format!("iterates over {} itself, not over a copy", code(name)))
                .shown(format!("{} shortens what is iterated", code(text)), Some(&removal))
                .suspect(&removal, 0.6, "removes items in the loop")
                .mend(copied(&source, &place, iter)),
        );
    }
    None
}

/// Whether the change takes items out of a list.
fn removes(change: &Change<'_>, source: &SourceFile) -> bool {
    if matches!(change.stmt.kind, StmtKind::Delete(_)) {
        return true;
    }
    let text = change.span.of(source.text());
    text.contains(".remove(") || text.contains(".pop(")
}

/// Whether the loop is left directly after the change: then nothing is skipped.
fn leaves(body: &[Stmt], change: &Change<'_>) -> bool {
    let Some(at) = body.iter().position(|stmt| std::ptr::eq(stmt, change.stmt)) else {
        return body.iter().flat_map(Stmt::bodies).any(|inner| leaves(inner, change));
    };
    body[at + 1..]
        .iter()
        .any(|stmt| matches!(stmt.kind, StmtKind::Break | StmtKind::Return(_) | StmtKind::Raise { .. }))
        || matches!(change.stmt.kind, StmtKind::Return(_))
}

#[cfg(test)]
mod tests {
    use super::{items_skipped, while_iterating};
    use crate::diagnose::rules::testing::scene;

    const TEST: &str =
        "from shop import run, Jobs\ndef test_it():\n    got = run()\n    assert got == [1, 3]\n";

    #[test]
    fn what_is_changed_in_the_loop_is_named() {
        for (shop, through, message, parts, place, fixed) in [
            (
                "JOBS = {}\ndef run():\n    for name, job in JOBS.items():\n        if job.done:\n            del JOBS[name]\n",
                "for name, job",
                "dictionary changed size during iteration",
                vec!["`JOBS.items()`", "del JOBS[name]"],
                "shop.py:3",
                "in list(JOBS.items()):",
            ),
            (
                "class Jobs:\n    def run(self):\n        for name in self.open:\n            self.open.discard(name)\n",
                "for name in",
                "Set changed size during iteration",
                vec!["`self.open`", "self.open.discard(name)"],
                "shop.py:3",
                "in list(self.open):",
            ),
            (
                "def run(queue):\n    for n, job in enumerate(queue):\n        queue.append(job)\n",
                "enumerate",
                "deque mutated during iteration",
                vec!["queue.append(job)"],
                "shop.py:2",
                "enumerate(list(queue))",
            ),
        ] {
            let exception = format!("RuntimeError: {message}");
            scene(
                &[("shop.py", shop), ("tests/test_it.py", TEST)],
                &exception,
                &[("tests/test_it.py", "got = run()"), ("shop.py", through)],
            )
            .check(while_iterating, &parts, place, Some(("shop.py", fixed)));
        }
    }

    #[test]
    fn other_runtime_errors_are_not_its_matter() {
        let shop = "def run():\n    for a in []:\n        raise RuntimeError('size')\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", TEST)],
            "RuntimeError: size",
            &[("tests/test_it.py", "got = run()"), ("shop.py", "raise")],
        )
        .silent(while_iterating);
    }

    #[test]
    fn skipped_items() {
        let shop = "def run():\n    items = [1, 2, 2, 3]\n    for item in items:\n        if item == 2:\n            \
                    items.remove(item)\n    return items\n";
        scene(
            &[("shop.py", shop), ("tests/test_it.py", TEST)],
            "AssertionError: assert [1, 2, 3] == [1, 3]",
            &[("tests/test_it.py", "assert got")],
        )
        .check(
            items_skipped,
            &["`items`", "skipped"],
            "shop.py:3",
            Some(("shop.py", "in list(items):")),
        );
    }

    #[test]
    fn loops_that_skip_nothing() {
        for shop in [
            // Left at once; over a copy; another list.
            "def run():\n    items = [1]\n    for item in items:\n        items.remove(item)\n        break\n    return items\n",
            "def run():\n    items = [1]\n    for item in list(items):\n        items.remove(item)\n    return items\n",
            "def run():\n    items = [1]\n    for item in items:\n        others.remove(item)\n    return items\n",
            "def run():\n    items = [1]\n    for item in items:\n        items[0] = 2\n    return items\n",
        ] {
            scene(
                &[("shop.py", shop), ("tests/test_it.py", TEST)],
                "AssertionError: assert [1, 2] == [1, 3]",
                &[("tests/test_it.py", "assert got")],
            )
            .silent(items_skipped);
        }
    }
}
