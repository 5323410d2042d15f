//! What the objects of a class of the project have.

use crate::model::{Place, RelPath};
use crate::workspace::Workspace;
use crate::workspace::python::{BindingKind, Expr};
use crate::workspace::resolve::{Resolver, Symbol};
use crate::workspace::symbols::SymbolKind;

/// An attribute or method.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where it is defined or set; the function is the method that sets it.
    pub place: Place,
    /// How it comes to be.
    pub kind: BindingKind,
}

/// Longer hierarchies (or circles) are not followed.
const MAX_CLASSES: usize = 24;

/// The attributes and methods of `class` in `file` and of its base classes, the class's own first; and whether
/// all base classes are known.
pub fn members(workspace: &Workspace, file: &RelPath, class: &str) -> (Vec<Member>, bool) {
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
            let mut place = source.place(binding.span);
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

/// The class of the project that Python calls `name` in a message about `object`, an expression on `line` of
/// `path`: the one that the object is of as far as the syntax shows it, else the only class of that name, unless
/// the file takes that name from elsewhere.
pub fn class_named(
    workspace: &Workspace,
    path: &RelPath,
    line: u32,
    object: Option<&Expr>,
    name: &str,
) -> Option<(RelPath, String)> {
    let is_it = |qualified: &str| qualified.rsplit('.').next() == Some(name);
    let resolver = Resolver::new(workspace);
    let inferred = object.and_then(|object| resolver.infer(path, line, object, 0));
    if let Some(Symbol::Instance(file, class) | Symbol::Class(file, class)) = inferred
        && is_it(&class)
    {
        return Some((file, class.to_string()));
    }
    let source = workspace.source(path)?;
    let is_foreign = source.module().imports().iter().any(|import| import.bound_name() == name)
        && resolver.lookup(path, line, name, 0).is_none();
    let mut known = workspace.symbols().find(name).iter().filter(|s| s.kind == SymbolKind::Class);
    let (Some(only), None, false) = (known.next(), known.next(), is_foreign) else { return None };
    let source = workspace.source(&only.path)?;
    let definition = source.module().definitions().iter().find(|d| d.is_class && is_it(&d.qualified_name))?;
    Some((only.path.clone(), definition.qualified_name.to_string()))
}
