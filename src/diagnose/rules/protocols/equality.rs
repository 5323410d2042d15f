//! Objects that look the same and are not equal, and objects that have no hash.

use super::{Known, defines, is_plain};
use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::rules::spot::{Spot, between};
use crate::model::{Category, Severity};
use crate::workspace::python::{Class, ExprKind, Function, StmtKind};

/// Both sides of `==` are shown alike, and hold objects of a class without `__eq__`.
pub(in crate::diagnose::rules) fn unequal(case: &Case<'_>) -> Option<Finding> {
    let assertion = case.assertion().filter(|assertion| assertion.operator == "==")?;
    let (left, right) = (assertion.left.trim(), assertion.right.as_deref()?.trim());
    let (_, place) = case.frame()?;
    let (names, alike) = if left == right {
        (written(left), true)
    } else {
        let (a, b) = (addressed(left)?, addressed(right)?);
        (vec![a].into_iter().filter(|name| *name == b).collect(), false)
    };
    if left.ends_with("...") || left.is_empty() {
        return None;
    }
    let known = names.into_iter().find_map(|name| {
        let known = Known::of(case.workspace, place, name)?;
        let plain = is_plain(known.class()?) || turned_off(&known);
        (plain && !known.has(case.workspace, "__eq__")?).then_some(known)
    })?;
    let name = known.name.clone();
    let attributes = known.attributes();
    let sides = |of: &str| {
        let all: Vec<String> = attributes.iter().map(|attribute| format!("{of}.{attribute}")).collect();
        if all.len() == 1 { all.join("") } else { format!("({})", all.join(", ")) }
    };
    let edit = (!attributes.is_empty()).then(|| {
        let compared = format!("    return {} == {}", sides("self"), sides("other"));
        known.method(&[
            "def __eq__(self, other):",
            &format!("    if not isinstance(other, {}):", name.rsplit('.').next().unwrap_or(&name)),
            "        return NotImplemented",
            &compared,
        ])
    });
    let fix = known.fix(
        &format!("Let objects of `{name}` be equal by their values (`__eq__`)"),
        "Without `__eq__` an object is equal to itself only",
        edit.flatten(),
    );
    let looks = if alike { ", though both sides look the same" } else { "" };
    Some(
        Finding::new("protocols-equal", Category::AssertionFailure, Severity::Medium, if alike { 0.92 } else { 0.8 })
            .because(format!(
                "`{name}` ({}) does not define `__eq__`, so that two of its objects are never equal{looks}: `==` compares their identity",
                line_of(&known.place)
            ))
            .suggest(format!("Define `__eq__` in `{name}`, or compare the values in the test ({})", line_of(place)))
            .shown(format!("{} is not equal to {}", code(left), code(right)), Some(place))
            .suspect(&known.place, 0.9, "the class without `__eq__`")
            .suspect(place, 0.4, "compares the objects")
            .mend(fix),
    )
}

/// Names of classes that a `repr` is written with: `Point(3, 1)`, `<plot.Point object at 0x7f>`.
fn written(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = addressed(text).into_iter().collect();
    for (at, _) in text.match_indices(['(', ' ']) {
        let before = &text[..at];
        let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
        let word = &before[start..];
        if word.starts_with(|c: char| c.is_ascii_uppercase()) && !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// The class of `<plot.point.Point object at 0x7f12>`.
fn addressed(text: &str) -> Option<&str> {
    let name = between(text, "<", " object at 0x")?;
    name.rsplit('.').next().filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// `@dataclass(eq=False)`.
fn turned_off(known: &Known) -> bool {
    matches!(known.dataclass().map(|decorator| &decorator.kind), Some(ExprKind::Call { keywords, .. })
        if keywords.iter().any(|k| k.name.as_deref() == Some("eq") && matches!(k.value.kind, ExprKind::Bool(false))))
}

/// `unhashable type: 'Tag'`.
pub(in crate::diagnose::rules) fn unhashable(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?;
    let name = between(message, "unhashable type: '", "'")?;
    let spot = Spot::nearest(case)?;
    let known = Known::of(spot.workspace, spot.place, name)?;
    if defines(&known, "__hash__").is_some() {
        return None;
    }
    let frozen = known.dataclass().is_some();
    let equal = defines(&known, "__eq__");
    let (why, place, fix) = if let Some(equal) = &equal {
        let compared = compared(known.class()?, &known);
        let values: Vec<String> = compared.iter().map(|name| format!("self.{name}")).collect();
        let hashed = match values.as_slice() {
            [one] => one.clone(),
            all => format!("({})", all.join(", ")),
        };
        let edit = (!values.is_empty())
            .then(|| known.method(&["def __hash__(self):", &format!("    return hash({hashed})")]));
        let fix = known.fix(
            &format!("Define `__hash__` of `{name}` by what `__eq__` compares"),
            "Objects that are equal must have the same hash",
            edit.flatten(),
        );
        ("defines `__eq__` without `__hash__`, which takes its hash away", equal.clone(), fix)
    } else if frozen {
        let fix = known.fix(
            &format!("Make `{name}` a frozen dataclass"),
            "A dataclass has a hash when its fields cannot be changed",
            known.option("frozen=True"),
        );
        (
            "is a dataclass that can be changed, and so has no hash (`frozen=True` gives it one)",
            known.place.clone(),
            fix,
        )
    } else {
        return None;
    };
    Some(
        Finding::new("protocols-hash", Category::Other, Severity::High, 0.93)
            .because(format!(
                "`{name}` ({}) {why}, and {} puts it into a set or uses it as a key",
                line_of(&place),
                at(spot.place)
            ))
            .suggest(format!("Define `__hash__` in `{name}`, or use a list at {}", line_of(spot.place)))
            .shown(code(message), Some(spot.place))
            .suspect(&place, 0.88, "takes the hash away")
            .suspect(spot.place, 0.5, "needs a hash")
            .mend(fix),
    )
}

/// The attributes that `__eq__` compares.
fn compared(class: &Class, known: &Known) -> Vec<String> {
    let equal: Option<&Function> = class.body.iter().find_map(|stmt| match &stmt.kind {
        StmtKind::Function(function) if &*function.name == "__eq__" => Some(&**function),
        _ => None,
    });
    let other = equal.and_then(|f| f.signature.params.get(1)).map_or("other", |param| &*param.name);
    let mut found: Vec<String> = Vec::new();
    for stmt in equal.into_iter().flat_map(|function| &function.body) {
        stmt.walk(false, &mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |part| {
                    if let ExprKind::Attribute { value, attr, .. } = &part.kind
                        && value.as_name() == Some(other)
                        && !attr.starts_with("__")
                        && !found.contains(&attr.to_string())
                    {
                        found.push(attr.to_string());
                    }
                });
            }
        });
    }
    if found.is_empty() { known.attributes() } else { found }
}
