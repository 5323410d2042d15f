//! Causes that lie in what several callers use: an attribute that a class or module of the project does not
//! have, a signature of the project that a call does not fit. Whichever line shows it first, it is one cause.
//!
//! Only where the syntax tree at the failing line shows the use and leads to a definition of the project; where
//! it does not, the place tells failures apart as usual.

use crate::model::{Exception, Frame, Place, RelPath};
use crate::workspace::Workspace;
use crate::workspace::members::{class_named, members};
use crate::workspace::python::{BindingKind, Expr, ExprKind};
use crate::workspace::resolve::{Resolver, Symbol};
use crate::workspace::symbols::SymbolKind;

/// What identifies `exception` whatever the place of its use is; `None` if the place counts.
pub(super) fn identity(exception: &Exception, workspace: &Workspace) -> Option<Vec<String>> {
    let frame = exception.frames.iter().rfind(|frame| frame.in_project && frame.place.is_some())?;
    let site = Site::of(frame, workspace)?;
    let message = exception.message.lines().next()?.trim();
    match exception.short_type() {
        "AttributeError" => attribute(&site, message),
        "TypeError" => signature(&site, message),
        _ => None,
    }
}

/// The failing line.
struct Site<'a> {
    workspace: &'a Workspace,
    place: &'a Place,
}

impl<'a> Site<'a> {
    fn of(frame: &'a Frame, workspace: &'a Workspace) -> Option<Self> {
        let place = frame.place.as_ref()?;
        let raises = frame.source.as_deref().is_some_and(|text| text.trim_start().starts_with("raise "));
        (!raises).then_some(Self { workspace, place })
    }

    /// The first expression on the line that `choose` takes to something.
    fn find<T>(&self, choose: impl FnMut(&Expr) -> Option<T>) -> Option<T> {
        let source = self.workspace.source(&self.place.path)?;
        source.module().expressions_at(self.place.line).into_iter().find_map(choose)
    }
}

/// `'Basket' object has no attribute 'getlist'`, `type object 'Basket' has …`, `module 'shop.cart' has …`
fn attribute(site: &Site<'_>, message: &str) -> Option<Vec<String>> {
    let (owner, rest) = message.split_once(" has no attribute '")?;
    let (name, _) = rest.split_once('\'')?;
    let quoted = |text: &'_ str| -> Option<String> { Some(text.strip_suffix('\'')?.to_owned()) };
    let (kind, owner) = if let Some(module) = owner.strip_prefix("module '") {
        ("module", quoted(module)?)
    } else if let Some(class) = owner.strip_prefix("type object '") {
        ("class", quoted(class)?)
    } else {
        ("object", quoted(owner.strip_suffix(" object")?.strip_prefix('\'')?)?)
    };
    let place = site.place;
    let (path, owner) = site.find(|expr| {
        let ExprKind::Attribute { value, attr, .. } = &expr.kind else { return None };
        if **attr != *name {
            return None;
        }
        if kind == "module" {
            return Some((site.workspace.module_file(&place.path, &owner, 0)?, String::new()));
        }
        class_named(site.workspace, &place.path, place.line, Some(value), &owner)
    })?;
    if kind != "module" {
        // What a method sets later is missing for the reason that this object was used too early: that is told
        // by the place. What is made up as it is asked for has reasons of its own.
        let (members, _) = members(site.workspace, &path, &owner);
        let own = members.iter().any(|m| {
            (m.name == name && m.kind == BindingKind::Attribute)
                || matches!(m.name.as_str(), "__getattr__" | "__getattribute__")
        });
        if own {
            return None;
        }
    }
    Some(vec!["no attribute".into(), kind.into(), path.as_str().into(), owner, name.to_owned()])
}

/// How a call does not fit: the beginnings of Python's messages.
const MISFITS: [&str; 5] = [
    "missing ",
    "takes ",
    "got an unexpected keyword argument ",
    "got multiple values for ",
    "got some positional-only arguments ",
];

/// `Basket.add() missing 1 required positional argument: 'price'` and its like.
fn signature(site: &Site<'_>, message: &str) -> Option<Vec<String>> {
    let (called, rest) = message.split_once("() ")?;
    let misfit = MISFITS.into_iter().find(|start| rest.starts_with(start))?;
    let called = called.replace("<locals>.", "");
    if called.contains(['<', ' ']) {
        return None;
    }
    let (path, name) = site.find(|expr| {
        let ExprKind::Call { func, .. } = &expr.kind else { return None };
        callable(site, func, &called)
    })?;
    let mut parts = vec!["signature".into(), path.as_str().to_owned(), name, misfit.trim_end().to_owned()];
    // How many were given differs from caller to caller; the names are the signature's.
    if misfit != "takes " {
        let names = rest.split('\'').skip(1).step_by(2).map(str::to_owned);
        parts.extend(names.take(if misfit.starts_with("missing") { usize::MAX } else { 1 }));
    }
    Some(parts)
}

/// The function of the project that a call of `func` reaches, if that is what Python calls `called` (before
/// Python 3.10 without the class).
fn callable(site: &Site<'_>, func: &Expr, called: &str) -> Option<(RelPath, String)> {
    let resolver = Resolver::new(site.workspace);
    let Place { path, line, .. } = site.place;
    let fits =
        |name: &str| name == called || name.strip_suffix(called).is_some_and(|rest| rest.ends_with('.'));
    let method = |file: &RelPath, class: &str, method: &str| match resolver.member(file, class, method, 0) {
        Some(Symbol::Function(file, name)) => (file, name.to_string()),
        // A data class and its like make the method up.
        _ => (file.clone(), format!("{class}.{method}")),
    };
    let found = match resolver.infer(path, *line, func, 0) {
        Some(Symbol::Function(file, name)) => Some((file, name.to_string())),
        Some(Symbol::Class(file, name)) => Some(method(&file, &name, "__init__")),
        Some(Symbol::Instance(file, name)) => Some(method(&file, &name, "__call__")),
        Some(Symbol::Module(_)) => return None,
        None => None,
    };
    if let Some((file, name)) = found {
        return fits(&name).then_some((file, name));
    }
    // The object's class is not known: the method's qualified name tells if there is only one such class.
    let (class, name) = called.rsplit_once('.')?;
    let ExprKind::Attribute { value, attr, .. } = &func.kind else { return None };
    if **attr != *name {
        return None;
    }
    let short = class.rsplit('.').next().unwrap_or(class);
    let (file, class) = class_named(site.workspace, path, *line, Some(value), short)?;
    let known = site.workspace.symbols().find(name);
    let defined = known.iter().any(|s| s.kind == SymbolKind::Method && s.path == file);
    (defined && fits(&format!("{class}.{name}"))).then(|| (file, format!("{class}.{name}")))
}

#[cfg(test)]
mod tests;
