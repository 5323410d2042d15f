//! Modules that import each other.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::draft::{Draft, TextEdit};
use crate::diagnose::rules::edits;
use crate::diagnose::rules::spot::{between, target};
use crate::model::{Category, FixTarget, Place, Severity};
use crate::workspace::python::{Expr, Span, Stmt, StmtKind};

/// `partially initialized module 'm'`: the way of the imports back to the module that is not ready.
pub(super) fn circular(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| matches!(e.short_type(), "ImportError" | "AttributeError"))?;
    let message = exception.message.as_str();
    let module = between(message, "partially initialized module '", "'")?;
    if !message.contains("circular import") {
        return None;
    }
    let places: Vec<&Place> =
        exception.frames.iter().filter(|f| f.in_project).filter_map(|f| f.place.as_ref()).collect();
    let last = places.last()?;
    let file = case.workspace.module_file(&last.path, module, 0)?;
    // From the import in the unfinished module to the one that comes back to it.
    let from = places.iter().position(|p| p.path == file)?;
    let way = &places[from..];
    if way.len() < 2 && last.path != file {
        return None;
    }
    let name =
        between(message, "cannot import name '", "'").or_else(|| between(message, "has no attribute '", "'"));
    let steps = way.iter().map(|p| line_of(p)).collect::<Vec<_>>().join(" → ");
    let what = name.map_or_else(String::new, |name| format!(", before {} is defined there", code(name)));
    let mut finding = Finding::new("imports-circular", Category::ImportError, Severity::High, 0.93)
        .because(format!(
            "Circular import: {steps} comes back to {} ({}) while it is still being imported{what}",
            code(module),
            file.as_str()
        ))
        .suggest(format!(
            "Move the import of {} into the function that uses it, or the shared definitions into a module of their own",
            line_of(last)
        ))
        .suspect(last, 0.8, format!("imports from `{module}`, which is not ready yet"));
    for place in way.iter().rev().skip(1) {
        finding = finding.suspect(place, 0.6, "the import that leads there");
    }
    for place in way {
        finding = finding.shown("an import of the circle", Some(place));
    }
    for place in way.iter().rev() {
        finding = finding.mend(later(case, place));
    }
    Some(finding.mend(Draft::advice(
        FixTarget::Code,
        format!("Break the circle {steps}: import inside the function that needs it, or move what both need"),
        "Neither module can be finished before the other",
    )))
}

/// Moves the import at `place` to where its names are used, if that is in functions and annotations only.
fn later(case: &Case<'_>, place: &Place) -> Option<Draft> {
    let source = case.workspace.source(&place.path)?;
    let module = source.module();
    let stmt = module.body().iter().find(|s| (s.start_line..=s.end_line).contains(&place.line))?;
    let StmtKind::Import(imports) = &stmt.kind else { return None };
    let names: Vec<&str> = imports.iter().map(crate::workspace::python::Import::bound_name).collect();
    if names.contains(&"*") || imports.iter().any(|import| import.alias.is_some() && import.name.is_none()) {
        return None;
    }
    let mut uses = Uses::default();
    for other in module.body().iter().filter(|other| other.span != stmt.span) {
        uses.of(other, &names);
    }
    if uses.at_once {
        return None;
    }
    let newline = edits::newline(source.text());
    let text = stmt.span.of(source.text());
    let gone = Span { start: stmt.span.start, end: source.offset(stmt.end_line + 1, 1)? };
    if text.contains(';') || source.line(stmt.end_line)?.contains('#') {
        return None;
    }
    let mut changes = Vec::new();
    let here = line_of(place);
    let title = if uses.functions.is_empty() {
        if !uses.annotates {
            return None;
        }
        let future = module.imports().iter().any(|i| *i.module == *"__future__");
        let (typing, typing_import) = edits::spelled(&source, "typing", "TYPE_CHECKING");
        let mut new = String::new();
        if !future {
            new.push_str("from __future__ import annotations");
            new.push_str(newline);
            new.push_str(newline);
        }
        if typing_import.is_some() {
            new.push_str("from typing import TYPE_CHECKING");
            new.push_str(newline);
            new.push_str(newline);
        }
        // `from __future__` has to come first.
        let is_first =
            module.body().iter().all(|s| s.span.start >= stmt.span.start || edits::is_docstring(&s.kind));
        if !is_first && !future {
            let first = module.body().iter().find(|s| !edits::is_docstring(&s.kind))?;
            changes.push(TextEdit::insert(
                &place.path,
                first.span.start,
                format!("from __future__ import annotations{newline}"),
            ));
            new = new.replace(&format!("from __future__ import annotations{newline}{newline}"), "");
        }
        new.push_str(&format!("if {typing}:{newline}    {text}{newline}"));
        changes.push(TextEdit::replace(&place.path, gone, new));
        format!("Import {} for annotations only ({here})", code(&names.join(", ")))
    } else {
        if uses.annotates && !module.imports().iter().any(|i| *i.module == *"__future__") {
            return None;
        }
        changes.push(TextEdit::replace(&place.path, gone, ""));
        for start in &uses.functions {
            let indent = edits::indentation(&source, *start);
            changes.push(TextEdit::insert(&place.path, *start, format!("{text}{newline}{indent}")));
        }
        format!("Import {} inside the function that uses it ({here})", code(&names.join(", ")))
    };
    Some(Draft::edits(
        target(place),
        title,
        "The circle is then not closed while the modules are imported",
        changes,
    ))
}

/// Where names are used.
#[derive(Default)]
struct Uses {
    /// While the module is imported: bases, decorators, defaults, statements.
    at_once: bool,
    annotates: bool,
    /// Starts of the first statements of the functions that use them.
    functions: Vec<u32>,
}

impl Uses {
    fn of(&mut self, stmt: &Stmt, names: &[&str]) {
        let used = |expr: &Expr| {
            let mut found = false;
            expr.walk(&mut |part| found |= part.as_name().is_some_and(|name| names.contains(&name)));
            found
        };
        match &stmt.kind {
            StmtKind::Function(function) => {
                let params = &function.signature;
                let all = params.params.iter().chain(&params.vararg).chain(&params.kwarg);
                for param in all {
                    self.annotates |= param.annotation.as_ref().is_some_and(used);
                    self.at_once |= param.default.as_ref().is_some_and(used);
                }
                self.annotates |= function.returns.as_ref().is_some_and(used);
                self.at_once |= function.decorators.iter().any(used);
                let mut inside = false;
                for inner in &function.body {
                    inner.walk(true, &mut |inner| inside |= inner.expressions().into_iter().any(used));
                }
                if inside {
                    let docstring = function.body.first().filter(|s| edits::is_docstring(&s.kind));
                    let first =
                        function.body.get(usize::from(docstring.is_some() && function.body.len() > 1));
                    self.functions.extend(first.map(|s| s.span.start));
                }
            }
            StmtKind::Class(class) => {
                self.at_once |= class.bases.iter().any(used)
                    || class.decorators.iter().any(used)
                    || class.keywords.iter().any(|k| used(&k.value));
                for inner in &class.body {
                    self.of(inner, names);
                }
            }
            StmtKind::AnnAssign { annotation, value, .. } => {
                self.annotates |= used(annotation);
                self.at_once |= value.as_ref().is_some_and(used);
            }
            _ => {
                let mut found = false;
                stmt.walk(true, &mut |inner| found |= inner.expressions().into_iter().any(used));
                self.at_once |= found;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::testing::scene;
    use crate::model::Phase;

    #[test]
    fn the_circle_is_named() {
        let files = [
            ("src/shop/__init__.py", ""),
            ("src/shop/cart.py", "from shop.tax import vat\n\nclass Cart: ...\n"),
            ("src/shop/tax.py", "import os\nfrom shop.cart import Cart\n\ndef vat(): ...\n"),
            ("tests/test_it.py", "from shop.cart import Cart\n"),
        ];
        let through = [
            ("tests/test_it.py", "from shop"),
            ("src/shop/cart.py", "from shop"),
            ("src/shop/tax.py", "from shop"),
        ];
        let message = "ImportError: cannot import name 'Cart' from partially initialized module 'shop.cart' (most likely due to a circular import) (/x/src/shop/cart.py)";
        scene(&files, message, &through).phase(Phase::Collect).check(
            circular,
            &[
                "src/shop/cart.py:1 → src/shop/tax.py:2",
                "`shop.cart` (src/shop/cart.py)",
                "before `Cart` is defined",
            ],
            "src/shop/tax.py:2",
            None,
        );
        let used = |tax: &'static str| {
            let mut files = files;
            files[2].1 = tax;
            scene(&files, message, &through).phase(Phase::Collect)
        };
        used("from shop.cart import Cart\n\ndef vat():\n    \"\"\"Tax.\"\"\"\n    return Cart()\n").check(
            circular,
            &["Circular import"],
            "src/shop/tax.py:1",
            Some((
                "src/shop/tax.py",
                "    \"\"\"Tax.\"\"\"\n    from shop.cart import Cart\n    return Cart()",
            )),
        );
        used("from shop.cart import Cart\n\ndef vat(cart: Cart):\n    return 1\n").check(
            circular,
            &["Circular import"],
            "src/shop/tax.py:1",
            Some(("src/shop/tax.py", "if TYPE_CHECKING:\n    from shop.cart import Cart")),
        );
        scene(&files, "ImportError: cannot import name 'Cart' from 'shop.cart' (/x)", &through)
            .silent(circular);
        scene(&files, message, &through[..1]).silent(circular);
    }
}
