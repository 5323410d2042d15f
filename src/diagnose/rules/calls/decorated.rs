//! Functions that their decorator replaces by nothing.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::edits;
use crate::diagnose::rules::spot::{Spot, target};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, Severity};
use crate::workspace::python::{Expr, ExprKind, Function, StmtKind};
use crate::workspace::resolve::Symbol;

/// `'NoneType' object is not callable`, of a function whose decorator returns nothing.
pub(super) fn gives_nothing(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "TypeError")?;
    if !exception.message.contains("'NoneType' object is not callable") {
        return None;
    }
    let spot = Spot::nearest(case)?;
    let funcs: Vec<&Expr> = spot
        .expressions()
        .into_iter()
        .filter_map(|expr| match &expr.kind {
            ExprKind::Call { func, .. } => Some(&**func),
            _ => None,
        })
        .collect();
    funcs.into_iter().find_map(|func| of_function(case, &spot, func))
}

fn of_function(case: &Case<'_>, spot: &Spot<'_>, func: &Expr) -> Option<Finding> {
    let Some(Symbol::Function(path, name)) =
        spot.resolver().infer(&spot.place.path, spot.place.line, func, 0)
    else {
        return None;
    };
    let source = case.workspace.source(&path)?;
    let function = source.module().function(&name)?;
    function.decorators.iter().find_map(|decorator| {
        let (applied, is_call) = match &decorator.kind {
            ExprKind::Call { func, .. } => (&**func, true),
            _ => (decorator, false),
        };
        let Some(Symbol::Function(path, maker)) = spot.resolver().infer(&path, function.name_line, applied, 0) else {
            return None;
        };
        let source = case.workspace.source(&path)?;
        let outer = source.module().function(&maker)?;
        // `@register("name")`: the function that the outer one returns is the decorator.
        let inner = if is_call { returned_function(outer) } else { None };
        let decorator = inner.or((!is_call).then_some(outer))?;
        if returns_something(decorator) {
            return None;
        }
        let (first, last) = (decorator.body.first()?, decorator.body.last()?);
        let place = Place {
            function: Some(decorator.qualified_name.clone()),
            ..Place::line(path.clone(), source.line_of(last.span.start))
        };
        let given = decorator.signature.params.first().map(|param| param.name.to_string())?;
        // A wrapper that is made and not returned is what was meant.
        let wrapper = decorator.body.iter().rev().find_map(|stmt| match &stmt.kind {
            StmtKind::Function(function) => Some(function.name.to_string()),
            _ => None,
        });
        let result = wrapper.unwrap_or(given);
        let room = source.line_of(first.span.start) > decorator.name_line;
        let indent = edits::indentation(&source, first.span.start);
        let newline = edits::newline(source.text());
        let fix = room.then(|| {
            Draft::edits(
                target(&place),
                format!("Add `return {result}` to `{}` ({})", decorator.qualified_name, line_of(&place)),
                "What a decorator returns takes the function's place",
                vec![TextEdit::insert(&path, last.span.end, format!("{newline}{indent}return {result}"))],
            )
        });
        Some(
            Finding::new("calls-decorator", Category::Other, Severity::High, 0.95)
                .because(format!(
                    "The decorator `{}` ({}) ends without `return {result}`, so that `{name}` is `None`, and {} calls it",
                    decorator.qualified_name,
                    line_of(&place),
                    at(spot.place)
                ))
                .suggest(format!("Return {} from `{}`", code(&result), decorator.qualified_name))
                .shown(format!("`{name}` is decorated with it"), Some(&Place::line(path.clone(), decorator.name_line)))
                .suspect(&place, 0.93, "a decorator that returns nothing")
                .suspect(spot.place, 0.3, "calls what the decorator left")
                .mend(fix),
        )
    })
}

/// The nested function that `outer` returns.
fn returned_function(outer: &Function) -> Option<&Function> {
    let name = outer.body.iter().rev().find_map(|stmt| match &stmt.kind {
        StmtKind::Return(Some(value)) => value.as_name(),
        _ => None,
    })?;
    outer.body.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Function(function) if *function.name == *name => Some(&**function),
        _ => None,
    })
}

fn returns_something(function: &Function) -> bool {
    let mut found = false;
    for stmt in &function.body {
        stmt.walk(false, &mut |stmt| found |= matches!(stmt.kind, StmtKind::Return(Some(_))));
    }
    found
}
