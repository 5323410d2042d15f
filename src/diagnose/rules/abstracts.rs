//! Objects of abstract classes.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::edits;
use crate::diagnose::rules::near::near;
use crate::diagnose::rules::spot::{Spot, line, target};
use crate::model::{Category, Place, RelPath, Severity};
use crate::workspace::members::{class_named, members};
use crate::workspace::python::{BindingKind, ExprKind, Function, StmtKind};
use crate::workspace::resolve::{Resolver, Symbol};

/// `Can't instantiate abstract class X with abstract method y`.
pub(super) fn instantiated(case: &Case<'_>) -> Option<Finding> {
    let root = case.root().filter(|root| root.short_type() == "TypeError")?;
    let rest = root.message.strip_prefix("Can't instantiate abstract class ")?;
    let name = rest.split_whitespace().next()?;
    let (_, listed) = rest.split_once(" abstract method")?;
    let missing: Vec<&str> = listed
        .trim_start_matches('s')
        .split([',', ' '])
        .map(|part| part.trim().trim_matches('\''))
        .filter(|part| !part.is_empty())
        .collect();
    let spot = Spot::nearest(case)?;
    let call = spot.expressions().into_iter().find_map(|expr| match &expr.kind {
        ExprKind::Call { func, .. } if func.dotted().is_some_and(|d| d.rsplit('.').next() == Some(name)) => {
            Some(&**func)
        }
        _ => None,
    });
    let (file, class) =
        class_named(spot.workspace, &spot.place.path, spot.place.line, None, name).or_else(|| {
            let symbol = spot.resolver().infer(&spot.place.path, spot.place.line, call?, 0)?;
            match symbol {
                Symbol::Class(file, class) => Some((file, class.to_string())),
                _ => None,
            }
        })?;
    let source = spot.workspace.source(&file)?;
    let definition = source.module().class(&class)?;
    let here = line(&file, definition.name_line);
    let all: Vec<String> = missing.iter().map(|name| code(name)).collect();
    let listed = all.join(", ");
    let (attributes, _) = members(spot.workspace, &file, &class);
    let declared: Vec<&crate::workspace::members::Member> =
        missing.iter().filter_map(|name| attributes.iter().find(|m| m.name == *name)).collect();
    let base = declared.first().map_or_else(String::new, |m| format!(" ({})", line_of(&m.place)));
    let own: Vec<&Function> = definition
        .body
        .iter()
        .filter_map(|stmt| match &stmt.kind {
            StmtKind::Function(function) => Some(&**function),
            _ => None,
        })
        .collect();
    if own.iter().any(|f| missing.contains(&&*f.name)) {
        return Some(itself(&spot, name, &here, &listed, &file, &class));
    }
    let finding = |confidence| {
        Finding::new("classes-abstract", Category::Other, Severity::High, confidence)
            .shown(format!("{} makes a `{name}`", at(spot.place)), Some(spot.place))
    };
    // Methods that override nothing: one of them may be the missing one under another name.
    let spare: Vec<&&Function> = own
        .iter()
        .filter(|f| !f.name.starts_with("__"))
        .filter(|f| {
            let same = |m: &&crate::workspace::members::Member| m.name == *f.name;
            attributes.iter().filter(same).count() == 1
        })
        .collect();
    let mut renames = Vec::new();
    for name in &missing {
        let Some(member) = attributes.iter().find(|m| m.name == *name && m.kind == BindingKind::Function)
        else {
            continue;
        };
        let near = near(name, spare.iter().map(|f| (f.name.to_string(), **f))).map(|near| near.with);
        let only = (spare.len() == 1 && missing.len() == 1).then(|| *spare[0]);
        let Some(function) = near.or_else(|| only.filter(|f| same_shape(&spot, f, member))) else { continue };
        renames.push((*name, function));
    }
    let mut found = finding(0.93)
        .because(format!(
            "`{name}` ({}) does not implement {listed}, which its base class declares abstract{base}, so that no object of it can be made",
            line_of(&here)
        ))
        .suggest(format!("Implement {listed} in `{name}`"));
    if let [(wanted, function)] = renames[..] {
        let place = line(&file, function.name_line);
        found = found
            .because(format!(
                "`{name}` ({}) does not implement {listed}, which its base class declares abstract{base}; it has {} ({}), which is probably meant to be {}",
                line_of(&here),
                code(&function.name),
                line_of(&place),
                code(wanted)
            ))
            .suspect(&place, 0.9, format!("overrides nothing; `{wanted}` is missing"))
            .suspect(&here, 0.6, format!("does not implement {listed}"))
            .mend(Draft::edits(
                target(&here),
                format!("Rename `{}` to `{wanted}` ({})", function.name, line_of(&place)),
                format!("The base class asks for `{wanted}`"),
                renamed(&spot, &file, &source, function, wanted),
            ));
    } else {
        found = found.suspect(&here, 0.85, format!("does not implement {listed}"));
        for member in &declared {
            found = found.suspect(&member.place, 0.3, "declared abstract here");
        }
    }
    found = found.suspect(spot.place, 0.3, "makes the object");
    Some(found.mend(Draft::advice(
        target(&here),
        format!("Implement {listed} in `{name}` ({})", line_of(&here)),
        "A class with abstract methods cannot be instantiated",
    )))
}

/// `NotImplementedError` of a method that subclasses are to override, where the subclass has one of nearly its name.
pub(super) fn not_overridden(case: &Case<'_>) -> Option<Finding> {
    case.root().filter(|root| root.short_type() == "NotImplementedError")?;
    let spot = Spot::of(case)?;
    let hook = spot.function()?;
    let class = spot.module().enclosing_class(spot.place.line)?.qualified_name.clone();
    if !matches!(spot.module().statement(spot.place.line)?.kind, StmtKind::Raise { .. }) {
        return None;
    }
    let hooks: Vec<&str> =
        spot.module().class(&class)?.body.iter().filter_map(method).map(|f| &*f.name).collect();
    let resolver = Resolver::new(spot.workspace);
    let mut found = Vec::new();
    let name = class.rsplit('.').next().unwrap_or(&class);
    for path in spot.workspace.symbols().files() {
        let Some(text) = spot.workspace.text(path).filter(|text| text.contains(name)) else { continue };
        let source = crate::workspace::SourceFile::new(path.clone(), text);
        for stmt in source.module().body() {
            let StmtKind::Class(derived) = &stmt.kind else { continue };
            let derives = derived.bases.iter().any(|base| {
                resolver.infer(path, derived.name_line, base, 0)
                    == Some(Symbol::Class(spot.place.path.clone(), class.clone()))
            });
            let own: Vec<&Function> = derived.body.iter().filter_map(method).collect();
            if !derives || own.iter().any(|f| f.name == hook.name) {
                continue;
            }
            // What overrides nothing may be what is missing under another name.
            let spare = own.iter().filter(|f| {
                !f.name.starts_with("__")
                    && !hooks.contains(&&*f.name)
                    && f.signature.params.len() == hook.signature.params.len()
            });
            let near = near(&hook.name, spare.map(|f| (f.name.to_string(), *f)));
            if let Some(near) = near {
                let edits = renamed(&spot, path, &source, near.with, &hook.name);
                found.push((derived.name.to_string(), near.name, line(path, near.with.name_line), edits));
            }
        }
    }
    let [(derived, spare, place, changes)] = found.as_slice() else { return None };
    let wanted = &hook.name;
    Some(
        Finding::new("classes-not-overridden", Category::Other, Severity::High, 0.9)
            .because(format!(
                "`{derived}` does not implement `{wanted}`, which {} leaves to its subclasses (`NotImplementedError`); it has `{spare}` ({}), which is probably meant to be `{wanted}`",
                at(spot.place),
                line_of(place)
            ))
            .suggest(format!("Rename `{spare}` to `{wanted}` ({})", line_of(place)))
            .suspect(place, 0.9, format!("overrides nothing; `{wanted}` is missing"))
            .suspect(spot.place, 0.3, "is left to subclasses")
            .mend(Draft::edits(
                target(place),
                format!("Rename `{spare}` to `{wanted}` ({})", line_of(place)),
                format!("The base class calls `{wanted}`"),
                changes.clone(),
            )),
    )
}

fn method(stmt: &crate::workspace::python::Stmt) -> Option<&Function> {
    match &stmt.kind {
        StmtKind::Function(function) => Some(function),
        _ => None,
    }
}

/// The edits that rename a method: its definition and its uses in the file.
fn renamed(
    spot: &Spot<'_>,
    file: &RelPath,
    source: &crate::workspace::SourceFile,
    function: &Function,
    wanted: &str,
) -> Vec<TextEdit> {
    let mut changes = vec![TextEdit::replace(file, function.name_span, wanted)];
    source.module().walk(&mut |stmt| {
        for expr in stmt.expressions() {
            expr.walk(&mut |part| {
                if let ExprKind::Attribute { value, attr, attr_span } = &part.kind
                    && **attr == *function.name
                    && matches!(value.as_name(), Some("self" | "cls"))
                {
                    changes.push(TextEdit::replace(file, *attr_span, wanted));
                }
            });
        }
    });
    debug_assert!(spot.workspace.is_project(file));
    changes
}

/// Whether the method takes as many arguments as the abstract one.
fn same_shape(spot: &Spot<'_>, function: &Function, member: &crate::workspace::members::Member) -> bool {
    let source = spot.workspace.source(&member.place.path);
    source.is_some_and(|source| {
        let all = source.module().definitions();
        let declared = all.iter().find(|d| d.name_line == member.place.line);
        declared
            .and_then(|d| source.module().function(&d.qualified_name))
            .is_some_and(|f| f.signature.params.len() == function.signature.params.len())
    })
}

/// The abstract class itself was meant to be used through a subclass.
fn itself(spot: &Spot<'_>, name: &str, here: &Place, listed: &str, file: &RelPath, class: &str) -> Finding {
    let resolver = Resolver::new(spot.workspace);
    // Classes of the project that derive from it and are in sight of the place.
    let mut concrete: Vec<(String, Place)> = Vec::new();
    for path in spot.workspace.symbols().files() {
        let Some(text) = spot.workspace.text(path).filter(|text| text.contains(name)) else { continue };
        let source = crate::workspace::SourceFile::new(path.clone(), text);
        for stmt in source.module().body() {
            let StmtKind::Class(derived) = &stmt.kind else { continue };
            let derives = derived.bases.iter().any(|base| {
                resolver.infer(path, derived.name_line, base, 0)
                    == Some(Symbol::Class(file.clone(), class.into()))
            });
            if derives {
                concrete.push((derived.name.to_string(), line(path, derived.name_line)));
            }
        }
    }
    let others = if concrete.is_empty() {
        String::new()
    } else {
        let all: Vec<String> = concrete.iter().map(|(n, p)| format!("`{n}` ({})", line_of(p))).collect();
        format!("; {} implement{} it", all.join(", "), if all.len() == 1 { "s" } else { "" })
    };
    let mut finding = Finding::new("classes-abstract-itself", Category::Other, Severity::High, 0.9)
        .because(format!(
            "{} makes an object of the abstract class `{name}` ({}), which leaves {listed} to its subclasses{others}",
            at(spot.place),
            line_of(here)
        ))
        .suggest(format!("Use a class that implements {listed}"))
        .suspect(spot.place, 0.85, format!("`{name}` is abstract"))
        .suspect(here, 0.4, "the abstract class");
    if let [(only, place)] = concrete.as_slice() {
        let spans: Vec<_> = spot
            .expressions()
            .into_iter()
            .filter_map(|expr| match &expr.kind {
                ExprKind::Call { func, .. } if func.as_name() == Some(name) => Some(func.span),
                _ => None,
            })
            .collect();
        let module = super::names::variable::module_name(place.path.as_str());
        let (spelled, import) = if place.path == spot.place.path {
            (only.clone(), None)
        } else {
            edits::spelled(&spot.source, &module, only)
        };
        let mut changes: Vec<TextEdit> =
            spans.iter().map(|span| TextEdit::replace(&spot.place.path, *span, spelled.clone())).collect();
        changes.extend(import);
        if !spans.is_empty() {
            finding = finding.mend(Draft::edits(
                spot.target(),
                format!("Use `{only}` instead of `{name}` ({})", line_of(spot.place)),
                format!("`{only}` implements what `{name}` leaves open"),
                changes,
            ));
        }
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::not_overridden;
    use crate::diagnose::rules::testing::scene;

    const BASE: &str = "class Base:\n    def run(self, row):\n        return self.render_row(row)\n\n    def render_row(self, row):\n        raise NotImplementedError\n";
    const TEST: &str = "from app.csv import Csv\n\ndef test_it():\n    assert Csv().run(1)\n";

    #[test]
    fn a_hook_under_another_name() {
        for (code, place, fixed) in [
            (
                "from app.base import Base\n\nclass Csv(Base):\n    def render_rows(self, row):\n        return row\n",
                Some("app/csv.py:4"),
                "def render_row(self, row):",
            ),
            // Nothing near; other parameters; implemented.
            (
                "from app.base import Base\n\nclass Csv(Base):\n    def header(self, row):\n        return row\n",
                None,
                "",
            ),
            (
                "from app.base import Base\n\nclass Csv(Base):\n    def render_rows(self):\n        return 1\n",
                None,
                "",
            ),
            (
                "from app.base import Base\n\nclass Csv(Base):\n    def render_row(self, row):\n        return super().render_row(row)\n    def render_rows(self, row):\n        return 1\n",
                None,
                "",
            ),
        ] {
            let files = [("app/base.py", BASE), ("app/csv.py", code), ("tests/test_it.py", TEST)];
            let through = [
                ("tests/test_it.py", "assert"),
                ("app/base.py", "return self.render_row"),
                ("app/base.py", "raise"),
            ];
            let scene = scene(&files, "NotImplementedError", &through);
            match place {
                Some(place) => scene.check(
                    not_overridden,
                    &["`Csv` does not implement `render_row`"],
                    place,
                    Some(("app/csv.py", fixed)),
                ),
                None => scene.silent(not_overridden),
            }
        }
    }
}
