//! Special methods that a class of the project lacks or gets wrong: order, equality, hash, iteration, contexts.
//!
//! Each rule needs Python's own message (or, for equality, two sides that look the same) and the class in the
//! project, with all its base classes known. Silent where a base class is not the project's.

mod contexts;
mod equality;

pub(super) use contexts::{mutable_default, wrong_context};
pub(super) use equality::{unequal, unhashable};

use std::sync::Arc;

use super::edits;
use super::spot::{Spot, between, line, target};
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Place, RelPath, Severity};
use crate::workspace::members::{class_named, members};
use crate::workspace::python::{BindingKind, Class, Expr, ExprKind, StmtKind};
use crate::workspace::{SourceFile, Workspace};

/// A class of the project.
struct Known {
    path: RelPath,
    name: String,
    source: Arc<SourceFile>,
    place: Place,
}

impl Known {
    /// The class called `name` in a message about a line of `from`.
    fn of(workspace: &Workspace, from: &Place, name: &str) -> Option<Self> {
        let short = name.rsplit('.').next().unwrap_or(name);
        let (path, name) = class_named(workspace, &from.path, from.line, None, short)?;
        let source = workspace.source(&path)?;
        let definition = source.module().definition_exact(&name)?;
        let place = Place { function: Some(name.as_str().into()), ..line(&path, definition.name_line) };
        Some(Self { path, name, source, place })
    }

    fn class(&self) -> Option<&Class> {
        self.source.module().class(&self.name)
    }

    /// Whether the class or a base defines `method`; `None` if not all bases are known.
    fn has(&self, workspace: &Workspace, method: &str) -> Option<bool> {
        let (members, is_complete) = members(workspace, &self.path, &self.name);
        let found = members.iter().any(|member| member.name == method);
        (found || is_complete).then_some(found)
    }

    /// Attributes that `__init__` sets, in order; the fields of a dataclass.
    fn attributes(&self) -> Vec<String> {
        let Some(class) = self.class() else { return Vec::new() };
        let mut names: Vec<String> = Vec::new();
        for stmt in &class.body {
            match &stmt.kind {
                StmtKind::AnnAssign { target, .. } => names.extend(target.as_name().map(str::to_owned)),
                StmtKind::Function(function) if &*function.name == "__init__" => {
                    for stmt in &function.body {
                        let targets: &[Expr] = match &stmt.kind {
                            StmtKind::Assign { targets, .. } => targets,
                            StmtKind::AnnAssign { target, .. } => std::slice::from_ref(target),
                            _ => &[],
                        };
                        let flat = targets.iter().flat_map(|target| match &target.kind {
                            ExprKind::Tuple(items) => items.iter().collect(),
                            _ => vec![target],
                        });
                        for target in flat {
                            let name =
                                target.dotted().and_then(|name| Some(name.strip_prefix("self.")?.to_owned()));
                            names.extend(name.filter(|name| !name.contains('.')));
                        }
                    }
                }
                _ => {}
            }
        }
        names.dedup();
        names
    }

    /// The `@dataclass` of the class.
    fn dataclass(&self) -> Option<&Expr> {
        self.class()?.decorators.iter().find(|decorator| {
            let name = match &decorator.kind {
                ExprKind::Call { func, .. } => func.dotted(),
                _ => decorator.dotted(),
            };
            matches!(name.as_deref(), Some("dataclass" | "dataclasses.dataclass"))
        })
    }

    /// Adds an option to `@dataclass`.
    fn option(&self, option: &str) -> Option<TextEdit> {
        let decorator = self.dataclass()?;
        edits::argument(&self.source, decorator, option)
            .or_else(|| Some(TextEdit::insert(&self.path, decorator.span.end, format!("({option})"))))
    }

    /// Adds a method at the end of the class; `lines` are indented within it.
    fn method(&self, lines: &[&str]) -> Option<TextEdit> {
        let class = self.class()?;
        let (first, last) = (class.body.first()?, class.body.last()?);
        if self.source.line_of(first.span.start) == class.name_line {
            return None;
        }
        let newline = edits::newline(self.source.text());
        let indent = edits::indentation(&self.source, first.span.start);
        let mut text = newline.to_owned();
        for line in lines {
            text.push_str(newline);
            text.push_str(&indent);
            text.push_str(line);
        }
        Some(TextEdit::insert(&self.path, last.span.end, text))
    }

    fn fix(&self, title: &str, why: &str, edit: Option<TextEdit>) -> Option<Draft> {
        Some(Draft::edits(
            target(&self.place),
            format!("{title} ({})", line_of(&self.place)),
            why,
            vec![edit?],
        ))
    }
}

/// `'<' not supported between instances of 'A' and 'A'`.
pub(super) fn unordered(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?;
    let operator = between(message, "'", "' not supported between instances of ")?;
    let names = message.split(" instances of ").nth(1)?;
    let (left, right) = names.split_once(" and ")?;
    let name = left.trim_matches('\'');
    if left != right || !matches!(operator, "<" | ">" | "<=" | ">=") {
        return None;
    }
    let spot = Spot::nearest(case)?;
    let known = Known::of(spot.workspace, spot.place, name)?;
    let method = match operator {
        "<" => "__lt__",
        ">" => "__gt__",
        "<=" => "__le__",
        _ => "__ge__",
    };
    if known.has(spot.workspace, method)? {
        return None;
    }
    let mut by = None;
    for expr in spot.expressions() {
        if let ExprKind::Call { func, args, .. } = &expr.kind
            && let Some(called) = func.dotted().and_then(|name| Some(name.rsplit('.').next()?.to_owned()))
        {
            let heap = called.starts_with("heap") || matches!(called.as_str(), "insort" | "put");
            let tuple = args.iter().any(|arg| matches!(arg.kind, ExprKind::Tuple(_)));
            if heap || matches!(called.as_str(), "sorted" | "sort" | "min" | "max" | "nlargest" | "nsmallest")
            {
                by = Some((called, heap, tuple));
                break;
            }
        }
    }
    let why = match &by {
        Some((called, true, _)) => {
            format!(": `{called}` compares them when what stands before them in the tuples is equal")
        }
        Some((called, false, _)) => format!(": `{called}` needs a `key`, or objects with an order"),
        None => String::new(),
    };
    let advice = match &by {
        Some((_, true, _)) => {
            "Put a number that is never the same before the object (`itertools.count()`), or"
        }
        Some((_, false, _)) => "Give a `key`, or",
        None => "Compare what is meant, or",
    };
    let attributes = known.attributes();
    let first = attributes.first().map_or("", String::as_str);
    let ordered = if known.dataclass().is_some() {
        known.fix(
            &format!("Make `{name}` a dataclass with an order"),
            "`order=True` defines `<` and its kind",
            known.option("order=True"),
        )
    } else if first.is_empty() {
        None
    } else {
        let body = format!("    return self.{first} {operator} other.{first}");
        let edit = known.method(&[&format!("def {method}(self, other):"), &body]);
        known.fix(
            &format!("Let objects of `{name}` be compared by `{first}` (`{method}`)"),
            "Sorting and heaps compare objects",
            edit,
        )
    };
    Some(
        Finding::new("protocols-order", Category::Other, Severity::High, 0.9)
            .because(format!(
                "{} compares two objects of `{name}` with `{operator}`, but `{name}` ({}) does not define `{method}`{why}",
                at(spot.place),
                line_of(&known.place)
            ))
            .suggest(format!("{advice} define `{method}` in `{name}` ({})", line_of(&known.place)))
            .shown(code(message), Some(spot.place))
            .suspect(spot.place, 0.85, "compares the objects")
            .suspect(&known.place, 0.7, format!("the class without `{method}`"))
            .mend(ordered),
    )
}

/// `iter() returned non-iterator of type 'list'`.
pub(super) fn no_iterator(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let message = root.message.lines().next()?;
    let kind = between(message, "iter() returned non-iterator of type '", "'")?;
    let spot = Spot::nearest(case)?;
    // The only `__iter__` of the files at hand that returns something as it is.
    let mut found = Vec::new();
    for symbol in spot.workspace.symbols().find("__iter__") {
        let Some(source) = spot.workspace.source(&symbol.path) else { continue };
        let definitions = source.module().definitions().iter().filter(|d| d.name_line == symbol.line);
        for definition in definitions {
            let Some(function) = source.module().function(&definition.qualified_name) else { continue };
            let mut returned = None;
            for stmt in &function.body {
                stmt.walk(false, &mut |stmt| {
                    if let StmtKind::Return(Some(value)) = &stmt.kind {
                        returned = Some((value.span, matches!(&value.kind, ExprKind::Call { func, .. } if func.as_name() == Some("iter"))));
                    }
                });
            }
            if let Some((span, false)) = returned
                && span.of(source.text()) != "self"
            {
                found.push((Arc::clone(&source), definition.qualified_name.clone(), span));
            }
        }
    }
    let [(source, name, span)] = found.as_slice() else { return None };
    let place = Place { function: Some(name.clone()), columns: None, ..source.place(*span) };
    let text = span.of(source.text());
    Some(
        Finding::new("protocols-iterator", Category::Other, Severity::High, 0.92)
            .because(format!(
                "`{name}` ({}) returns {}, a `{kind}`, which is no iterator: `__iter__` must return one, and {} iterates over it",
                line_of(&place),
                code(text),
                at(spot.place)
            ))
            .suggest(format!("Return `iter({text})` ({})", line_of(&place)))
            .shown(code(message), Some(spot.place))
            .suspect(&place, 0.9, "returns no iterator")
            .suspect(spot.place, 0.4, "iterates over it")
            .mend(Draft::edits(
                target(&place),
                format!("Return `iter({text})` ({})", line_of(&place)),
                "`__iter__` must return an iterator",
                vec![TextEdit::replace(source.path(), *span, format!("iter({text})"))],
            )),
    )
}

/// Whether a class has a base class or decorator that could define its special methods.
fn is_plain(class: &Class) -> bool {
    class.decorators.is_empty() && class.keywords.is_empty()
}

/// Whether attributes of the class are bound as methods of that name.
fn defines(known: &Known, name: &str) -> Option<Place> {
    let class = known.class()?;
    let found = known.source.module().attributes(class).into_iter();
    let binding = found.into_iter().find(|b| *b.name == *name && b.kind != BindingKind::Attribute)?;
    Some(Place {
        function: Some(format!("{}.{name}", known.name).as_str().into()),
        ..line(&known.path, binding.line)
    })
}
