//! `with` where `async with` is meant and the other way round, and defaults that a dataclass refuses.

use super::Known;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::rules::spot::{Spot, between, line, target};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{ExprKind, StmtKind};

/// Asynchronous context managers of `asyncio`.
const ASYNCIO: &[&str] = &["Lock", "Semaphore", "BoundedSemaphore", "Condition", "Timeout", "TaskGroup"];

/// `'Pool' object does not support the (asynchronous) context manager protocol`, `AttributeError: __enter__`.
pub(in crate::diagnose::rules) fn wrong_context(case: &Case<'_>) -> Option<Finding> {
    let root = case.root()?;
    let message = root.message.lines().next()?.trim();
    let spot = Spot::of(case)?;
    let path = spot.module().path_to(spot.place.line);
    let stmt = path.iter().rev().find(|stmt| matches!(stmt.kind, StmtKind::With { .. }))?;
    let StmtKind::With { is_async, items, .. } = &stmt.kind else { return None };
    let name = match root.short_type() {
        "TypeError" => between(message, "'", "' object does not support the ")
            .filter(|_| message.contains("context manager protocol"))?,
        "AttributeError" if matches!(message, "__enter__" | "__aenter__" | "__exit__" | "__aexit__") => {
            // The message has no class: the first context that is one of the project's.
            ""
        }
        _ => return None,
    };
    let known = if name.is_empty() { None } else { Known::of(spot.workspace, spot.place, name) };
    let (context, _) = items.first()?;
    let text = spot.text(context.span);
    let shown = if name.is_empty() { code(text) } else { format!("`{name}`") };
    let (own, other, word) = if *is_async {
        ("__aenter__", "__enter__", "`with`")
    } else {
        ("__enter__", "__aenter__", "`async with`")
    };
    let new = |confidence| {
        Finding::new("protocols-context", Category::Other, Severity::High, confidence)
            .shown(code(message), Some(spot.place))
            .suspect(spot.place, 0.85, "the `with`")
    };
    // Of `asyncio` itself, where no class of the project has the name; newer Pythons say it themselves.
    let of_library = !is_async
        && known.is_none()
        && (message.contains("async with") || ASYNCIO.contains(&name))
        && spot.function().is_some_and(|function| function.is_async);
    let has_other =
        of_library || known.as_ref().and_then(|known| known.has(spot.workspace, other)) == Some(true);
    if has_other {
        let inside = spot.function().is_some_and(|function| function.is_async);
        let edit = if *is_async {
            let start = spot.source.text().get(stmt.span.start as usize..)?;
            let gap = start.find("with")? as u32;
            Some(TextEdit::replace(
                &spot.place.path,
                crate::workspace::python::Span { start: stmt.span.start, end: stmt.span.start + gap },
                "",
            ))
        } else {
            inside.then(|| TextEdit::insert(&spot.place.path, stmt.span.start, "async "))
        };
        let fix = edit.map(|edit| {
            Draft::edits(
                spot.target(),
                format!("Use {word} ({})", line_of(spot.place)),
                format!("{shown} has `{other}`"),
                vec![edit],
            )
        });
        let manager = if *is_async { "a context manager" } else { "an asynchronous context manager" };
        return Some(
            new(0.95)
                .because(format!(
                    "{shown} is {manager} (it defines `{other}`, not `{own}`), so that {} must use {word}",
                    at(spot.place)
                ))
                .suggest(format!("Use {word} at {}", line_of(spot.place)))
                .mend(fix),
        );
    }
    let known = known?;
    if known.has(spot.workspace, own)? && known.has(spot.workspace, &own.replace("enter", "exit"))? {
        return None;
    }
    let missing = if known.has(spot.workspace, own)? { own.replace("enter", "exit") } else { own.to_owned() };
    Some(
        new(0.85)
            .because(format!(
                "{} uses {} in a `with`, but `{}` ({}) does not define `{missing}`",
                at(spot.place),
                code(text),
                known.name,
                line_of(&known.place)
            ))
            .suspect(&known.place, 0.6, format!("the class without `{missing}`"))
            .suggest(format!(
                "Define `{own}` and `{}` in `{}`, or do not use it in a `with`",
                own.replace("enter", "exit"),
                known.name
            )),
    )
}

/// `mutable default <class 'list'> for field lines is not allowed: use default_factory`.
pub(in crate::diagnose::rules) fn mutable_default(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "ValueError")?;
    let message = root.message.lines().next()?;
    let field = between(message, " for field ", " is not allowed: use default_factory")?;
    let kind = between(message, "mutable default <class '", "'>").unwrap_or("object");
    let spot = Spot::nearest(case)?;
    let mut found = Vec::new();
    spot.module().walk(&mut |stmt| {
        let StmtKind::Class(class) = &stmt.kind else { return };
        for stmt in &class.body {
            if let StmtKind::AnnAssign { target, value: Some(value), .. } = &stmt.kind
                && target.as_name() == Some(field)
                && !matches!(&value.kind, ExprKind::Call { func, .. } if func.dotted().is_some_and(|name| name.ends_with("field")))
            {
                let near = class.decorators.iter().any(|decorator| {
                    spot.source.line_of(decorator.span.start).abs_diff(spot.place.line) <= 3
                });
                found.push((near, class.name.clone(), stmt.start_line, value.span));
            }
        }
    });
    if found.len() > 1 {
        found.retain(|(near, ..)| *near);
    }
    let [(_, class, at_line, value)] = found.as_slice() else { return None };
    let place = Place { function: spot.place.function.clone(), ..line(&spot.place.path, *at_line) };
    let text = spot.text(*value);
    let factory = match text.trim() {
        "[]" | "list()" => "list".to_owned(),
        "{}" | "dict()" => "dict".to_owned(),
        "set()" => "set".to_owned(),
        other => format!("lambda: {other}"),
    };
    let (spelled, import) = edits::spelled(&spot.source, "dataclasses", "field");
    let mut changes =
        vec![TextEdit::replace(&spot.place.path, *value, format!("{spelled}(default_factory={factory})"))];
    changes.extend(import);
    Some(
        Finding::new("protocols-dataclass-default", Category::Other, Severity::High, 0.95)
            .because(format!(
                "The field `{field}` of the dataclass `{class}` ({}) has {} as its default, one `{kind}` that all objects would share: dataclasses want a `default_factory`",
                line_of(&place),
                code(text)
            ))
            .suggest(format!("Write `{field}: … = field(default_factory={factory})` ({})", line_of(&place)))
            .shown(code(message), Some(spot.place))
            .suspect(&place, 0.93, "the default that would be shared")
            .mend(Draft::edits(
                target(&place),
                format!("Make the default with `field(default_factory={factory})` ({})", line_of(&place)),
                "Each object then gets its own",
                changes,
            )),
    )
}
