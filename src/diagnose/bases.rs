//! What a project's own exception is, by the classes that it is derived from.

use super::taxonomy::{self, Kind};
use crate::model::{Exception, RelPath};
use crate::workspace::Workspace;
use crate::workspace::members::class_named;
use crate::workspace::python::Module;
use crate::workspace::resolve::{Resolver, Symbol};

/// Longer hierarchies (or circles) are not followed.
const MAX_DEPTH: usize = 12;

/// The kind of the nearest base class that has one, if the type of `exception` is a class of the project.
pub(super) fn kind(workspace: &Workspace, exception: &Exception) -> Option<Kind> {
    let frames = exception.frames.iter().rev();
    let place = frames.filter(|frame| frame.in_project).find_map(|frame| frame.place.as_ref())?;
    let (file, class) = named(workspace, &place.path, exception.type_name.as_str())
        .or_else(|| class_named(workspace, &place.path, place.line, None, exception.short_type()))?;
    of_class(workspace, &file, &class, 0)
}

/// The class with the qualified name `shop.errors.StockError`.
fn named(workspace: &Workspace, from: &RelPath, name: &str) -> Option<(RelPath, String)> {
    let dots = name.match_indices('.').rev();
    dots.map(|(at, _)| (&name[..at], &name[at + 1..])).find_map(|(module, class)| {
        let file = workspace.module_file(from, module, 0)?;
        workspace.source(&file)?.module().class(class)?;
        Some((file, class.to_owned()))
    })
}

fn of_class(workspace: &Workspace, file: &RelPath, class: &str, depth: usize) -> Option<Kind> {
    if depth > MAX_DEPTH {
        return None;
    }
    let source = workspace.source(file)?;
    let module = source.module();
    let definition = module.class(class)?;
    let resolver = Resolver::new(workspace);
    definition.bases.iter().find_map(|base| match resolver.infer(file, definition.name_line, base, 0) {
        Some(Symbol::Class(file, class)) => of_class(workspace, &file, &class, depth + 1),
        Some(_) => None,
        None => taxonomy::of_name(&imported_name(module, &base.dotted()?)),
    })
}

/// `name` with what it is called where it comes from: `Timeout` after `from requests import Timeout` is
/// `requests.Timeout`.
fn imported_name(module: &Module, name: &str) -> String {
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let Some(import) = module.imports().into_iter().rfind(|import| import.bound_name() == first) else {
        return name.to_owned();
    };
    let origin = match (&import.name, &import.alias) {
        (Some(what), _) => format!("{}.{what}", import.module),
        (None, Some(_)) => import.module.to_string(),
        (None, None) => first.to_owned(),
    };
    rest.map_or(origin.clone(), |rest| format!("{origin}.{rest}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::Category;

    #[test]
    fn a_class_is_what_its_bases_are() {
        let errors = "import socket\nimport requests.exceptions as http\nfrom requests import Timeout as Late\nfrom .base import ShopError, PermissionError\nclass StockError(ValueError): ...\nclass Empty(StockError): ...\nclass Down(ShopError, ConnectionError): ...\nclass Slow(Late): ...\nclass Gone(http.ConnectionError): ...\nclass Name(socket.gaierror): ...\nclass Plain(Exception): ...\nclass Own(PermissionError): ...\nclass Loop(Loop): ...\nclass Foreign(missing.Thing): ...\n";
        let base = "class ShopError(Exception): ...\nclass PermissionError(ShopError): ...\n";
        let files: HashMap<RelPath, Arc<str>> =
            [("shop/__init__.py", ""), ("shop/errors.py", errors), ("shop/base.py", base)]
                .into_iter()
                .map(|(path, text)| (RelPath::new(path).unwrap(), text.into()))
                .collect();
        let workspace = Workspace::new("/no/such/folder", Arc::default()).with_overlay(files);
        let from = RelPath::new("shop/errors.py").unwrap();
        let rows = [
            ("StockError", Some(Category::DataIssue)),
            ("Empty", Some(Category::DataIssue)),
            ("Down", Some(Category::ConnectionError)),
            ("Slow", Some(Category::Timeout)),
            ("Gone", Some(Category::ConnectionError)),
            ("Name", Some(Category::ConnectionError)),
            // A base that only has the name of Python's own.
            ("Own", None),
            ("Plain", None),
            ("Loop", None),
            ("Foreign", None),
            ("Unknown", None),
        ];
        for (class, expected) in rows {
            let (name, known) = (format!("shop.errors.{class}"), class != "Unknown");
            let found = named(&workspace, &from, &name);
            assert_eq!(found.is_some(), known, "{class}");
            let kind = found.and_then(|(file, class)| of_class(&workspace, &file, &class, 0));
            assert_eq!(kind.map(|kind| kind.category), expected, "{class}");
        }
    }
}
