//! What the objects of a class of the project have.

use crate::diagnose::resolve::{Resolver, Symbol};
use crate::model::{Place, RelPath};
use crate::workspace::Workspace;
use crate::workspace::python::BindingKind;

use super::spot::place;

/// An attribute or method.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub name: String,
    /// Where it is defined or set; the function is the method that sets it.
    pub place: Place,
    pub kind: BindingKind,
}

/// Longer hierarchies (or circles) are not followed.
const MAX_CLASSES: usize = 24;

/// The attributes and methods of `class` in `file` and of its base classes, the class's own first; and whether
/// all base classes are known.
pub(super) fn members(workspace: &Workspace, file: &RelPath, class: &str) -> (Vec<Member>, bool) {
    let resolver = Resolver::new(workspace);
    let mut all = Vec::new();
    let mut is_complete = true;
    let mut waiting = vec![(file.clone(), class.to_owned())];
    let mut seen: Vec<(RelPath, String)> = Vec::new();
    while let Some((file, class)) = waiting.pop() {
        if seen.contains(&(file.clone(), class.clone())) {
            continue;
        }
        if seen.len() >= MAX_CLASSES {
            is_complete = false;
            break;
        }
        seen.push((file.clone(), class.clone()));
        let Some(source) = workspace.source(&file) else { continue };
        let Some(definition) = source.module().class(&class) else {
            is_complete = false;
            continue;
        };
        for binding in source.module().attributes(definition) {
            let mut place = place(&source, binding.span);
            place.columns = None;
            place.end_line = place.line;
            all.push(Member { name: binding.name.to_string(), place, kind: binding.kind });
        }
        // Attributes that are made up as they are asked for.
        is_complete &=
            !all.iter().any(|m: &Member| matches!(m.name.as_str(), "__getattr__" | "__getattribute__"));
        for base in definition.bases.iter().rev() {
            let name = base.dotted();
            if matches!(
                name.as_deref(),
                Some("object" | "ABC" | "abc.ABC" | "Exception" | "Protocol" | "Generic")
            ) {
                continue;
            }
            match resolver.infer(&file, definition.name_line, base, 0) {
                Some(Symbol::Class(file, class)) => waiting.push((file, class.to_string())),
                _ => is_complete = false,
            }
        }
    }
    (all, is_complete)
}
