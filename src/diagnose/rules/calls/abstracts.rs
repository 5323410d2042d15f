//! A class that cannot be instantiated: an abstract method is not implemented.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FixTarget, Severity};
use crate::workspace::members::{class_named, members};

/// `TypeError: Can't instantiate abstract class C …`.
pub(in crate::diagnose::rules) fn instantiated(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|exception| exception.short_type() == "TypeError")?;
    let rest = exception.message.lines().next()?.strip_prefix("Can't instantiate abstract class ")?;
    let (class, rest) = rest.split_once(' ')?;
    // `with abstract methods a, b`, since Python 3.12 `without an implementation for abstract methods 'a', 'b'`.
    let (_, listed) = rest.split_once("abstract method")?;
    let missing: Vec<&str> = listed
        .trim_start_matches('s')
        .split(',')
        .map(|name| name.trim().trim_matches('\''))
        .filter(|name| !name.is_empty())
        .collect();
    let first = *missing.first()?;
    let spot = Spot::of(case)?;
    let (file, name) = class_named(spot.workspace, &spot.place.path, spot.place.line, None, class)?;
    let source = spot.workspace.source(&file)?;
    let definition = source.module().definition_exact(&name)?;
    let place = line(&file, definition.name_line);
    let listed = missing.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
    let (all, _) = members(spot.workspace, &file, &name);
    let base = all.iter().find(|member| member.name == first).map(|member| member.place.clone());
    let finding = |confidence| {
        Finding::new("calls-abstract", Category::Other, Severity::High, confidence)
            .shown(format!("{} makes a {}", at(spot.place), code(class)), Some(spot.place))
    };
    // A method of the class itself that is called nearly so.
    let own = all.iter().filter(|member| {
        member.place.path == file
            && source.module().function(&format!("{name}.{}", member.name)).is_some()
            && !missing.contains(&member.name.as_str())
    });
    let near = near(first, own.map(|member| (member.name.clone(), member.place.clone())))
        .filter(|_| missing.len() == 1);
    if let Some(near) = near {
        let method = source.module().function(&format!("{name}.{}", near.name))?;
        return Some(
            finding(if near.is_certain { 0.9 } else { 0.65 })
                .because(format!(
                    "{} ({}) does not implement the abstract method {listed}, so that it cannot be instantiated; its {} ({}) is probably meant to",
                    code(&name),
                    line_of(&place),
                    code(&near.name),
                    line_of(&near.with)
                ))
                .suggest(format!("Rename `{}` to `{first}` ({})", near.name, line_of(&near.with)))
                .suspect(&near.with, 0.9, format!("is probably meant to be `{first}`"))
                .suspect(&place, 0.5, format!("lacks `{first}`"))
                .mend(Draft::edits(
                    FixTarget::Code,
                    format!("Rename `{}` to `{first}` ({})", near.name, line_of(&near.with)),
                    format!("`{name}` has to implement `{first}`"),
                    vec![TextEdit::replace(&file, method.name_span, first)],
                )),
        );
    }
    let declared = base.as_ref().map(|base| format!(" ({})", line_of(base))).unwrap_or_default();
    Some(
        finding(0.75)
            .because(format!(
                "{} ({}) does not implement the abstract method {listed}{declared}, so that it cannot be instantiated",
                code(&name),
                line_of(&place)
            ))
            .suggest(format!("Define {listed} in {}", code(&name)))
            .suspect(&place, 0.8, format!("lacks {listed}"))
            .suspect(spot.place, 0.4, "makes the object")
            .mend(Draft::advice(
                FixTarget::Code,
                format!("Define {listed} in `{name}` ({})", line_of(&place)),
                "Abstract methods have to be implemented",
            )),
    )
}
