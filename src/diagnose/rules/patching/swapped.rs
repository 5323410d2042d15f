//! Mocks of stacked `@patch` decorators that are taken in the wrong order.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::near::likeness;
use crate::model::{Category, FixTarget, Place, Severity};
use crate::workspace::python::{Expr, ExprKind};

/// The parameters of the test are named like the patched names, in the order of the decorators; but the innermost
/// decorator's mock comes first.
pub(in crate::diagnose::rules) fn swapped(case: &Case<'_>) -> Option<Finding> {
    let definition = case.definition()?;
    let source = case.workspace.source(&definition.path)?;
    let function = source.module().function(definition.function.as_deref()?)?;
    // Mocks come from `patch("…")` and `patch.object(…, "…")` without a replacement of their own.
    let targets: Vec<&str> = function
        .decorators
        .iter()
        .filter_map(|mark| {
            let ExprKind::Call { func, args, keywords, .. } = &mark.kind else { return None };
            let dotted = func.dotted()?;
            let object = dotted.ends_with("patch.object");
            if !object && dotted.rsplit('.').next() != Some("patch") {
                return None;
            }
            let own = args.len() > if object { 2 } else { 1 }
                || keywords.iter().any(|k| matches!(k.name.as_deref(), Some("new")));
            let name = args.get(usize::from(object)).and_then(Expr::as_str)?;
            (!own).then(|| name.rsplit('.').next().unwrap_or(name))
        })
        .collect();
    let skip = usize::from(function.signature.params.first().is_some_and(|p| &*p.name == "self"));
    let params = function.signature.params.get(skip..skip + targets.len())?;
    if targets.len() < 2 {
        return None;
    }
    let fits = |param: &str, target: &str| {
        let param = param.trim_start_matches("mock_").trim_end_matches("_mock").trim_start_matches("fake_");
        likeness(param, target) >= 0.4
    };
    let as_written = params.iter().zip(&targets).all(|(p, t)| fits(&p.name, t));
    let as_given = params.iter().zip(targets.iter().rev()).filter(|(p, t)| fits(&p.name, t)).count();
    // With an odd number the one in the middle is the same both ways.
    if !as_written || as_given > targets.len() % 2 {
        return None;
    }
    let place = Place {
        function: definition.function.clone(),
        ..Place::line(definition.path.clone(), function.name_line)
    };
    let first = &params[0];
    let last_target = targets.last()?;
    let names: Vec<String> = params.iter().rev().map(|p| p.name.to_string()).collect();
    let changes = params
        .iter()
        .zip(&names)
        .filter(|(param, name)| *param.name != ***name)
        .map(|(param, name)| TextEdit::replace(source.path(), param.span, name.clone()))
        .collect();
    Some(
        Finding::new("mock-order", Category::AssertionFailure, Severity::Medium, 0.88)
            .because(format!(
                "The mocks of `{}` ({}) are taken in the wrong order: the innermost decorator's comes first, so that {} is the mock of {}",
                function.name,
                line_of(&place),
                code(&first.name),
                code(last_target)
            ))
            .suggest("Name the parameters in the order of the decorators from the lowest up")
            .shown(format!("the decorators patch {}", targets.iter().map(|t| code(t)).collect::<Vec<_>>().join(", ")), Some(&place))
            .suspect(&place, 0.88, "takes the mocks in the order of the decorators from the top")
            .mend(Draft::edits(
                FixTarget::Test,
                format!("Take the mocks as `{}` ({})", names.join(", "), line_of(&place)),
                "Decorators are applied from the innermost out",
                changes,
            )),
    )
}
