//! Coroutines that are not awaited, and `await` of what is none.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::spot::{Spot, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Span, StmtKind};
use crate::workspace::resolve::Symbol;

use super::arguments::enclosing_def;

/// A coroutine where its result was meant: in a comparison, an operation, an attribute.
pub(super) fn not_awaited(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root()?;
    let assertion = case.assertion();
    let is_shown = exception.message.contains("'coroutine' object")
        || exception.message.contains("'coroutine' and")
        || exception.message.contains("and 'coroutine'")
        || assertion.is_some_and(|a| {
            a.left.contains("<coroutine object ")
                || a.right.as_deref().is_some_and(|r| r.contains("<coroutine object "))
        });
    if !is_shown || exception.message.contains("can't be used in 'await'") {
        return None;
    }
    let spot = Spot::of(case)?;
    let (call, source, name, definition) = culprit(&spot)?;
    let here = Place { columns: None, ..source.place(call) };
    let text = call.of(source.text()).to_owned();
    let holder = enclosing_def(&spot);
    let is_async = holder.is_some_and(|f| f.is_async);
    let finding = Finding::new("calls-not-awaited", Category::Other, Severity::High, 0.95)
        .because(format!(
            "{} uses {} without `await`: {} is `async` ({}), so that the call gives a coroutine and not its result",
            at(&here),
            code(&text),
            code(&name),
            line_of(&definition)
        ))
        .shown(format!("`{name}` is defined with `async def`"), Some(&definition))
        .suspect(&here, 0.95, "the coroutine is made here and never awaited");
    if is_async {
        let inner = parenthesised(&spot, call);
        let (before, after) = if inner { ("(await ", ")") } else { ("await ", "") };
        let mut edits = vec![TextEdit::insert(source.path(), call.start, before)];
        if inner {
            edits.push(TextEdit::insert(source.path(), call.end, after));
        }
        return Some(finding.suggest(format!("Write `await {text}`")).mend(Draft::edits(
            spot.target(),
            format!("Await `{text}` ({})", line_of(&here)),
            format!("`{name}` is a coroutine function"),
            edits,
        )));
    }
    let function = holder.map_or_else(|| "the test".to_owned(), |f| format!("`{}`", f.name));
    Some(
        finding
            .suggest(format!("Make {function} `async def` (with pytest-asyncio or anyio) and write `await {text}`, or run it: `asyncio.run({text})`"))
            .mend(Draft::advice(
                spot.target(),
                format!("Make {function} `async def` and await `{text}`"),
                "Only a coroutine function can await",
            )),
    )
}

/// Functions of `asyncio` whose result is there only after `await`.
const FUTURES: &[&str] =
    &["gather", "create_task", "ensure_future", "wait_for", "wait", "to_thread", "shield", "run_in_executor"];

/// A future or task of `asyncio` where its result was meant.
pub(super) fn future_not_awaited(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root()?;
    let message = exception.message.as_str();
    let is_it = message.contains("await wasn't used with future")
        || ["_GatheringFuture", "_asyncio.Future", "_asyncio.Task", "Task", "Future"]
            .iter()
            .any(|kind| message.contains(&format!("'{kind}'")));
    if !is_it {
        return None;
    }
    let spot = Spot::nearest(case)?;
    let function = enclosing_def(&spot).filter(|function| function.is_async)?;
    let made = |expr: &Expr| -> Option<(Span, String)> {
        let (mut found, mut awaited) = (Vec::new(), Vec::new());
        expr.walk(&mut |part| match &part.kind {
            ExprKind::Await(inner) => awaited.push(inner.span),
            ExprKind::Call { func, .. } => {
                let name = func.dotted().unwrap_or_default();
                if FUTURES.contains(&name.rsplit('.').next().unwrap_or_default())
                    && !awaited.contains(&part.span)
                {
                    found.push((part.span, name));
                }
            }
            _ => {}
        });
        found.into_iter().next()
    };
    let stmt = spot.module().statement(spot.place.line)?;
    let here = stmt.expressions().into_iter().find_map(made);
    let (call, name) = here.or_else(|| {
        let mut names: Vec<&str> = Vec::new();
        for expr in stmt.expressions() {
            expr.walk(&mut |part| names.extend(part.as_name()));
        }
        names.into_iter().find_map(|name| {
            let (_, value) =
                crate::workspace::resolve::assigned(&function.body, name, spot.place.line, &spot.source)?;
            made(value)
        })
    })?;
    let place = Place { columns: None, ..spot.place_of(call) };
    let text = spot.text(call);
    let (before, after) = if parenthesised(&spot, call) { ("(await ", ")") } else { ("await ", "") };
    let mut edits = vec![TextEdit::insert(&spot.place.path, call.start, before)];
    if !after.is_empty() {
        edits.push(TextEdit::insert(&spot.place.path, call.end, after));
    }
    Some(
        Finding::new("calls-not-awaited", Category::Other, Severity::High, 0.93)
            .because(format!(
                "{} uses {} without `await`: `{name}` gives a future and not its results",
                at(&place),
                code(text)
            ))
            .shown(code(message.lines().next().unwrap_or_default()), Some(spot.place))
            .suspect(&place, 0.93, "what is made here is never awaited")
            .suspect(spot.place, 0.5, "uses it as the result")
            .suggest(format!("Write `await {}`", code(text).trim_matches('`')))
            .mend(Draft::edits(
                spot.target(),
                format!("Await `{name}` ({})", line_of(&place)),
                format!("`{name}` has its results after `await` only"),
                edits,
            )),
    )
}

/// The call of a coroutine function in the failing statement, or in the assignment of a variable it uses.
fn culprit(spot: &Spot<'_>) -> Option<(Span, std::sync::Arc<crate::workspace::SourceFile>, String, Place)> {
    let resolver = spot.resolver();
    let coroutine = |at: u32, expr: &Expr| -> Option<(Span, String, Place)> {
        let mut found = None;
        let mut awaited: Vec<Span> = Vec::new();
        expr.walk(&mut |e| {
            if let ExprKind::Await(inner) = &e.kind {
                awaited.push(inner.span);
            }
            let ExprKind::Call { func, .. } = &e.kind else { return };
            if found.is_some() || awaited.contains(&e.span) {
                return;
            }
            if let Some(Symbol::Function(path, name)) = resolver.infer(&spot.place.path, at, func, 0)
                && let Some(source) = spot.workspace.source(&path)
                && let Some(function) = source.module().function(&name)
                && function.is_async
                && !is_generator(function)
            {
                found = Some((e.span, name.to_string(), line(&path, function.name_line)));
            }
        });
        found
    };
    let stmt = spot.module().statement(spot.place.line)?;
    for expr in stmt.expressions() {
        if let Some((span, name, place)) = coroutine(spot.place.line, expr) {
            return Some((span, spot.source.clone(), name, place));
        }
    }
    let function = enclosing_def(spot)?;
    let names: Vec<&str> = spot.expressions().into_iter().filter_map(Expr::as_name).collect();
    names.into_iter().find_map(|name| {
        let (at, value) =
            crate::workspace::resolve::assigned(&function.body, name, spot.place.line, &spot.source)?;
        let (span, name, place) = coroutine(at, value)?;
        Some((span, spot.source.clone(), name, place))
    })
}

fn is_generator(function: &crate::workspace::python::Function) -> bool {
    let mut found = false;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |e| found |= matches!(e.kind, ExprKind::Yield(_)));
            }
        });
    }
    found
}

/// Whether `await` needs parentheses around it: something follows the call as an attribute, index or call.
fn parenthesised(spot: &Spot<'_>, call: Span) -> bool {
    spot.source.text()[call.end as usize..].starts_with(['.', '[', '('])
}

/// `object int can't be used in 'await' expression`: the function that is awaited is not `async`.
pub(super) fn not_awaitable(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "TypeError")?;
    let message = exception.message.as_str();
    let is_it = message.contains("can't be used in 'await' expression")
        || message.contains("object can't be awaited");
    if !is_it {
        return None;
    }
    let given = message.split_whitespace().nth(1).unwrap_or("object").trim_matches('\'').to_owned();
    let spot = Spot::of(case)?;
    let awaited: Vec<(Span, &Expr)> = spot
        .expressions()
        .into_iter()
        .filter_map(|e| match &e.kind {
            ExprKind::Await(inner) => Some((e.span, &**inner)),
            _ => None,
        })
        .collect();
    let (outer, inner, path, name) = awaited.iter().find_map(|(outer, inner)| {
        let ExprKind::Call { func, .. } = &inner.kind else { return None };
        match spot.resolver().infer(&spot.place.path, spot.place.line, func, 0) {
            Some(Symbol::Function(path, name)) => {
                let source = spot.workspace.source(&path)?;
                (!source.module().function(&name)?.is_async).then_some((*outer, *inner, path, name))
            }
            _ => None,
        }
    })?;
    let source = spot.workspace.source(&path)?;
    let definition = line(&path, source.module().function(&name)?.name_line);
    let here = spot.place_of(outer);
    let is_none = given == "NoneType";
    Some(
        Finding::new("calls-not-awaitable", Category::Other, Severity::High, 0.9)
            .because(format!(
                "{} awaits {}, but {} is an ordinary function ({}) that gives {}",
                at(spot.place),
                code(spot.text(inner.span)),
                code(&name),
                line_of(&definition),
                if is_none { "None".to_owned() } else { format!("a `{given}`") }
            ))
            .suggest(format!("Leave out `await`, or define `{name}` with `async def`"))
            .shown(format!("`{name}` is not `async`"), Some(&definition))
            .suspect(&here, 0.8, "awaits an ordinary function")
            .suspect(&definition, 0.5, "the function, if it should be `async`")
            .mend(Draft::edits(
                spot.target(),
                format!("Leave out `await` ({})", line_of(spot.place)),
                format!("`{name}` gives its result at once"),
                vec![TextEdit::replace(&spot.place.path, Span { start: outer.start, end: inner.span.start }, "")],
            )),
    )
    .filter(|_| matches!(spot.module().statement(spot.place.line).map(|s| &s.kind), Some(kind) if !matches!(kind, StmtKind::Other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::testing::scene;

    const API: &str = "class Client:\n    async def get(self, path):\n        return {}\n    def close(self):\n        return None\n\nasync def load():\n    return 1\n";

    fn run(head: &str, statements: &str, message: &str) -> crate::diagnose::rules::testing::Scene {
        let test =
            format!("from api import Client, load\n\n{head} test_it():\n    client = Client()\n{statements}");
        scene(&[("src/api.py", API), ("tests/test_it.py", &test)], message, &[("tests/test_it.py", "assert")])
    }

    #[test]
    fn futures_in_place_of_results() {
        let code = |line: &str| format!("import asyncio\n\nasync def run(jobs):\n{line}");
        for (lines, at, message, place, fixed) in [
            (
                "    done = asyncio.gather(*jobs)\n    return [x for x in done]\n",
                "return",
                "RuntimeError: await wasn't used with future",
                "src/app.py:4",
                "done = await asyncio.gather(*jobs)",
            ),
            (
                "    return asyncio.create_task(jobs[0]).x + 1\n",
                "return",
                "AttributeError: '_asyncio.Task' object has no attribute 'x'",
                "src/app.py:4",
                "return (await asyncio.create_task(jobs[0])).x + 1",
            ),
            (
                "    a, b = asyncio.gather(*jobs)\n",
                "a, b",
                "RuntimeError: await wasn't used with future",
                "src/app.py:4",
                "a, b = await asyncio.gather(*jobs)",
            ),
        ] {
            let app = code(lines);
            let files =
                [("src/app.py", app.as_str()), ("tests/test_it.py", "def test_it():\n    assert run([])\n")];
            scene(&files, message, &[("tests/test_it.py", "assert"), ("src/app.py", at)]).check(
                future_not_awaited,
                &["without `await`"],
                place,
                Some(("src/app.py", fixed)),
            );
        }
        let awaited = code("    done = await asyncio.gather(*jobs)\n    return done.x\n");
        let files =
            [("src/app.py", awaited.as_str()), ("tests/test_it.py", "def test_it():\n    assert run([])\n")];
        scene(
            &files,
            "AttributeError: 'Task' object has no attribute 'x'",
            &[("tests/test_it.py", "assert"), ("src/app.py", "return")],
        )
        .silent(future_not_awaited);
    }

    #[test]
    fn coroutines_in_place_of_results() {
        let (test, at) = ("tests/test_it.py", "tests/test_it.py:5");
        run(
            "async def",
            "    assert client.get('/')['id'] == 1\n",
            "TypeError: 'coroutine' object is not subscriptable",
        )
        .check(
            not_awaited,
            &["`client.get('/')` without `await`", "src/api.py:2"],
            at,
            Some((test, "assert (await client.get('/'))['id']")),
        );
        run(
            "async def",
            "    assert load() + 1 == 2\n",
            "TypeError: unsupported operand type(s) for +: 'coroutine' and 'int'",
        )
        .check(not_awaited, &["`load()`"], at, Some((test, "assert await load() + 1")));
        run(
            "async def",
            "    data = load()\n    assert data.x\n",
            "AttributeError: 'coroutine' object has no attribute 'x'",
        )
        .check(not_awaited, &["`load()`"], at, Some((test, "data = await load()")));
        run("def", "    assert load().x\n", "AttributeError: 'coroutine' object has no attribute 'x'").check(
            not_awaited,
            &["`load()`"],
            at,
            None,
        );
        run(
            "async def",
            "    assert await client.close()\n",
            "TypeError: object NoneType can't be used in 'await' expression",
        )
        .check(
            not_awaitable,
            &["`Client.close` is an ordinary function (src/api.py:4)"],
            at,
            Some((test, "assert client.close()")),
        );
    }

    #[test]
    fn silent_otherwise() {
        run(
            "async def",
            "    assert (await load()).x\n",
            "AttributeError: 'int' object has no attribute 'x'",
        )
        .silent(not_awaited);
        run("async def", "    assert other().x\n", "AttributeError: 'coroutine' object has no attribute 'x'")
            .silent(not_awaited);
        run(
            "async def",
            "    assert await other()\n",
            "TypeError: object int can't be used in 'await' expression",
        )
        .silent(not_awaitable);
    }
}
