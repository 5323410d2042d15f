//! Arguments as other calls give them, and arguments that come from a mapping.

use super::Call;
use crate::diagnose::case::{at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, target};
use crate::diagnose::{Draft, Finding};
use crate::model::Place;
use crate::workspace::python::{Expr, ExprKind, Function, Param};

/// The argument for `name` as another call in the file gives it, if its variables are at hand here; else the
/// attribute of that name of what other arguments are attributes of.
pub(super) fn as_elsewhere(
    spot: &Spot<'_>,
    call: &Call<'_>,
    function: &Function,
    name: &str,
) -> Option<String> {
    let params = call.callee.params(function);
    let position = params.iter().position(|param| *param.name == *name)?;
    let visible = spot.module().visible(spot.place.line);
    let known = |name: &str| visible.iter().any(|binding| *binding.name == *name);
    let by_name = !call.keywords.is_empty() || position != call.args.len();
    let said = |text: &str| if by_name { format!("{name}={text}") } else { text.to_owned() };
    let mut found: Vec<String> = Vec::new();
    let wanted = spot.text(call.func.span);
    spot.module().walk(&mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                let ExprKind::Call { func, args, keywords, .. } = &part.kind else { return };
                if part.span == call.expr.span || spot.text(func.span) != wanted {
                    return;
                }
                let named = keywords.iter().find(|k| k.name.as_deref() == Some(name)).map(|k| &k.value);
                let Some(argument) = named.or(args.get(position)) else { return };
                let mut free = Vec::new();
                argument.walk(&mut |inner| free.extend(inner.as_name().map(str::to_owned)));
                let text = spot.text(argument.span).to_owned();
                // The values of a test are its own.
                let is_own = free.is_empty() && crate::diagnose::case::in_tests(spot.place);
                if !is_own && free.iter().all(|name| known(name)) && !found.contains(&text) {
                    found.push(text);
                }
            });
        }
    });
    if let [only] = found.as_slice() {
        return Some(said(only));
    }
    let owners = call.args.iter().filter_map(|arg| match &arg.kind {
        ExprKind::Attribute { value, .. } => value.as_name(),
        _ => None,
    });
    let mut owners: Vec<&str> = owners.collect();
    owners.dedup();
    match owners.as_slice() {
        [owner] => Some(said(&format!("{owner}.{name}"))),
        _ => None,
    }
}

/// A keyword that is not written in the call but is a key of the mapping that `**` spreads.
pub(super) fn by_mapping(
    spot: &Spot<'_>,
    call: &Call<'_>,
    params: &[Param],
    name: &str,
    new: &dyn Fn(f64) -> Finding,
) -> Option<Finding> {
    if call.keywords.iter().any(|k| k.name.as_deref() == Some(name)) {
        return None;
    }
    let spread = call.keywords.iter().find(|k| k.name.is_none())?;
    let found = near(name, params.iter().map(|param| (param.name.to_string(), ())))?;
    // The only key of the file that is written so.
    let mut keys: Vec<&Expr> = Vec::new();
    spot.module().walk(&mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Dict(items) = &part.kind {
                    keys.extend(
                        items
                            .iter()
                            .filter_map(|(key, _)| key.as_ref())
                            .filter(|key| key.as_str() == Some(name)),
                    );
                }
            });
        }
    });
    let here = spot.place_of(call.expr.span);
    let callee = &call.callee;
    let base = format!(
        "{} spreads {} into {}, which has no parameter `{name}`: {} ({}) is meant",
        at(spot.place),
        code(spot.text(spread.value.span)),
        code(&callee.name),
        code(&found.name),
        line_of(&callee.place)
    );
    let confidence = if found.is_certain { 0.9 } else { 0.7 };
    let [key] = keys.as_slice() else {
        return Some(
            new(confidence - 0.05)
                .because(base)
                .suggest(format!("Call the key `{}`, not `{name}`", found.name))
                .suspect(&here, 0.7, "spreads a mapping with another key"),
        );
    };
    let place = Place { columns: None, ..spot.place_of(key.span) };
    let text = spot.text(key.span).replacen(name, &found.name, 1);
    Some(
        new(confidence)
            .because(format!("{base}, the key is written at {}", line_of(&place)))
            .suggest(format!("Change the key `{name}` to `{}` ({})", found.name, line_of(&place)))
            .suspect(&place, 0.88, format!("the parameter is `{}`", found.name))
            .suspect(&here, 0.5, "spreads the mapping")
            .mend(Draft::edits(
                target(&place),
                format!("Change the key `{name}` to `{}` ({})", found.name, line_of(&place)),
                format!("`{}` has the parameter `{}`", callee.name, found.name),
                vec![TextEdit::replace(&spot.place.path, key.span, text)],
            )),
    )
}
