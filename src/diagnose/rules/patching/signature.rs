//! Calls that a mock made with `autospec` does not accept: they would fail on the real function as well.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, line};
use crate::model::{Category, Severity};
use crate::workspace::python::ExprKind;
use crate::workspace::resolve::Symbol;

/// `got an unexpected keyword argument 'x'` without a function's name: `inspect`'s words for a call of a mock.
pub(in crate::diagnose::rules) fn not_accepted(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?.trim();
    let wrong =
        message.strip_prefix("got an unexpected keyword argument '").and_then(|rest| rest.split('\'').next());
    let missing =
        message.strip_prefix("missing a required argument: '").and_then(|rest| rest.split('\'').next());
    let many = message == "too many positional arguments";
    if wrong.is_none() && missing.is_none() && !many {
        return None;
    }
    let spot = Spot::nearest(case)?;
    let found = spot.expressions().into_iter().find_map(|expr| {
        let ExprKind::Call { func, args, keywords, .. } = &expr.kind else { return None };
        if wrong.is_some_and(|wrong| !keywords.iter().any(|k| k.name.as_deref() == Some(wrong))) {
            return None;
        }
        match spot.resolver().infer(&spot.place.path, spot.place.line, func, 0)? {
            Symbol::Function(file, name) => Some((expr, args, keywords, file, name)),
            _ => None,
        }
    });
    let (call, args, keywords, file, name) = found?;
    let source = case.workspace.source(&file)?;
    let function = source.module().function(&name)?;
    let defined = line(&file, function.name_line);
    let params: Vec<&str> = function
        .signature
        .params
        .iter()
        .map(|p| &*p.name)
        .filter(|n| !matches!(*n, "self" | "cls"))
        .collect();
    let what = match (wrong, missing) {
        (Some(wrong), _) => format!("has no parameter {}", code(wrong)),
        (_, Some(missing)) => format!("needs {}, which the call does not give", code(missing)),
        _ => format!("takes {} arguments, and the call gives {}", params.len(), args.len() + keywords.len()),
    };
    let mut finding = Finding::new("calls-autospec", Category::Other, Severity::High, 0.9)
        .because(format!(
            "{} calls {}, but `{name}` ({}) {what}; its parameters are {}",
            at(spot.place),
            code(spot.text(call.span)),
            line_of(&defined),
            params.iter().map(|p| code(p)).collect::<Vec<_>>().join(", ")
        ))
        .suggest(format!("Call `{name}` with its parameters at {}", line_of(spot.place)))
        .shown("the mock has the real signature (`autospec`)", Some(spot.place))
        .suspect(spot.place, 0.88, "does not fit the signature")
        .suspect(&defined, 0.4, "the signature");
    if let Some(wrong) = wrong
        && let Some(keyword) = keywords.iter().find(|k| k.name.as_deref() == Some(wrong))
    {
        // Of the parameters that the call does not give: one of a similar name, or the only one.
        let free: Vec<(String, ())> = params
            .iter()
            .skip(args.len())
            .filter(|p| !keywords.iter().any(|k| k.name.as_deref() == Some(**p)))
            .map(|p| ((*p).to_owned(), ()))
            .collect();
        let only = match free.as_slice() {
            [(only, ())] => Some(only.clone()),
            _ => None,
        };
        let meant = near(wrong, free).map(|near| near.name).or(only);
        finding = finding.mend(meant.map(|meant| {
            Draft::edits(
                spot.target(),
                format!("Change `{wrong}` to `{meant}` ({})", line_of(spot.place)),
                format!("`{name}` has that parameter"),
                vec![TextEdit::replace(&spot.place.path, keyword.name_span, meant)],
            )
        }));
    }
    Some(finding)
}
