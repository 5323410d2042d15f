//! Modules that import each other.

use crate::diagnose::Finding;
use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::rules::spot::between;
use crate::model::{Category, Place, Severity};

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
    Some(finding)
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
        scene(&files, "ImportError: cannot import name 'Cart' from 'shop.cart' (/x)", &through)
            .silent(circular);
        scene(&files, message, &through[..1]).silent(circular);
    }
}
