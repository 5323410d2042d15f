//! `ImportError: cannot import name …`.

use crate::diagnose::case::{Case, at, code, line_of};
use crate::diagnose::draft::TextEdit;
use crate::diagnose::rules::near::{loosely, near};
use crate::diagnose::rules::spot::{Spot, between, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, Severity};
use crate::workspace::python::{BindingKind, ExprKind, Import, StmtKind};
use crate::workspace::symbols::SymbolKind;

/// A name that the module does not have: a slip, or it lives elsewhere.
pub(in crate::diagnose::rules) fn imported(case: &Case<'_>) -> Option<Finding> {
    let exception = case.root().filter(|e| e.short_type() == "ImportError")?;
    let message = exception.message.as_str();
    let name = between(message, "cannot import name '", "'")?;
    let module = between(message, "' from '", "'")?;
    if message.contains("partially initialized") {
        return None;
    }
    let spot = Spot::nearest(case)?;
    let stmt = spot.module().statement(spot.place.line)?;
    let StmtKind::Import(imports) = &stmt.kind else { return None };
    let import = imports.iter().find(|i| i.name.as_deref() == Some(name))?;
    let here = spot.place_of(import.name_span);
    let new = |confidence| {
        Finding::new("imports-name", Category::ImportError, Severity::High, confidence).shown(
            format!("{} imports {} from {}", line_of(spot.place), code(name), code(module)),
            Some(&here),
        )
    };
    let Some(file) = spot.workspace.module_file(&spot.place.path, &import.module, import.level) else {
        return moved_in_python(&spot, import, imports.len(), name, module, &new);
    };
    let source = spot.workspace.source(&file)?;
    let globals = source.module().globals();
    if globals.iter().any(|b| *b.name == *name) {
        return None;
    }
    let candidates = globals.iter().map(|b| (b.name.to_string(), b.line));
    if let Some(near) = near(name, candidates).filter(|near| near.likeness >= 0.5) {
        let defined = line(&file, near.with);
        let edits = renamed(&spot, import, name, &near.name);
        return Some(
            new(if near.is_certain { 0.94 } else { 0.65 })
                .because(format!(
                    "{} imports {} from {}, which has no such name; {} ({}) is probably meant",
                    line_of(spot.place),
                    code(name),
                    code(module),
                    code(&near.name),
                    line_of(&defined)
                ))
                .suggest(format!("Import `{}` instead of `{name}`", near.name))
                .shown(format!("`{}` is defined here", near.name), Some(&defined))
                .suspect(&here, 0.92, format!("`{module}` has `{}`, not `{name}`", near.name))
                .suspect(&defined, 0.3, "the definition, if it was renamed by mistake")
                .mend((near.likeness >= 0.7).then(|| {
                    Draft::edits(
                        spot.target(),
                        format!("Change `{name}` to `{}` in {}", near.name, spot.place.path.as_str()),
                        format!("`{module}` defines `{}`", near.name),
                        edits,
                    )
                })),
        );
    }
    let elsewhere: Vec<_> = spot
        .workspace
        .symbols()
        .find(name)
        .iter()
        .filter(|s| {
            s.kind != SymbolKind::Method && !crate::cluster::fingerprint::is_test_path(s.path.as_str())
        })
        .collect();
    if let [only] = elsewhere[..] {
        let place = line(&only.path, only.line);
        let target = super::variable::module_name(only.path.as_str());
        let edit = TextEdit::replace(&spot.place.path, import.module_span, target.clone());
        return Some(
            new(0.9)
                .because(format!(
                    "{} imports {} from {}, but it is defined in {} ({})",
                    line_of(spot.place),
                    code(name),
                    code(module),
                    code(&target),
                    line_of(&place)
                ))
                .suggest(format!("Import it from there: `from {target} import {name}`"))
                .shown(format!("`{name}` is defined here"), Some(&place))
                .suspect(&here, 0.88, format!("`{module}` does not define `{name}`"))
                .suspect(&line(&file, 1), 0.3, format!("the module that no longer has `{name}`"))
                .mend((imports.len() == 1 && import.level == 0).then(|| {
                    Draft::edits(
                        spot.target(),
                        format!("Import `{name}` from `{target}` ({})", line_of(spot.place)),
                        format!("`{name}` is defined there"),
                        vec![edit],
                    )
                })),
        );
    }
    let public: Vec<(String, u32)> = globals
        .iter()
        .filter(|b| b.kind != BindingKind::Import && !b.name.starts_with('_'))
        .map(|b| (b.name.to_string(), b.line))
        .collect();
    let meant = loosely(name, &public).map(|near| {
        Draft::edits(
            spot.target(),
            format!("Import `{}` instead of `{name}` ({})", near.name, line_of(spot.place)),
            format!("`{module}` defines `{}` ({})", near.name, line_of(&line(&file, near.with))),
            renamed(&spot, import, name, &near.name),
        )
    });
    Some(
        new(0.7)
            .mend(meant)
            .because(format!(
                "{} imports {} from {}, which does not define it, nor does any other file of the project",
                at(spot.place),
                code(name),
                code(file.as_str())
            ))
            .suggest(format!("Define `{name}` in {}, or import what it defines now", file.as_str()))
            .suspect(&here, 0.6, format!("`{name}` does not exist"))
            .suspect(&line(&file, 1), 0.5, format!("the module that should define `{name}`")),
    )
}

/// The edits that import `right` instead of `name`, and use it below.
fn renamed(spot: &Spot<'_>, import: &Import, name: &str, right: &str) -> Vec<TextEdit> {
    let mut edits = vec![TextEdit::replace(&spot.place.path, import.name_span, right)];
    if import.alias.is_none() {
        spot.module().walk(&mut |stmt| {
            for expr in stmt.expressions() {
                expr.walk(&mut |e| {
                    if matches!(&e.kind, ExprKind::Name(used) if **used == *name) {
                        edits.push(TextEdit::replace(&spot.place.path, e.span, right));
                    }
                });
            }
        });
    }
    edits
}

/// Names of the standard library that live elsewhere since: (module, names, new module, since). From Python's
/// release notes.
const MOVED: &[(&str, &str, &str, &str)] = &[
    (
        "collections",
        "Awaitable Coroutine AsyncIterable AsyncIterator AsyncGenerator Hashable Iterable Iterator Generator \
         Reversible Container Collection Callable Set MutableSet Mapping MutableMapping MappingView KeysView ItemsView \
         ValuesView Sequence MutableSequence ByteString",
        "collections.abc",
        "3.10",
    ),
    ("fractions", "gcd", "math", "3.9"),
];

fn moved_in_python(
    spot: &Spot<'_>,
    import: &Import,
    count: usize,
    name: &str,
    module: &str,
    new: &dyn Fn(f64) -> Finding,
) -> Option<Finding> {
    let (_, _, target, since) = MOVED
        .iter()
        .find(|(from, names, ..)| *from == module && names.split_whitespace().any(|n| n == name))?;
    let here = spot.place_of(import.name_span);
    let edit = TextEdit::replace(&spot.place.path, import.module_span, *target);
    Some(
        new(0.97)
            .because(format!(
                "{} imports {} from {}; since Python {since} it is in {} only",
                line_of(spot.place),
                code(name),
                code(module),
                code(target)
            ))
            .suggest(format!("Write `from {target} import {name}`"))
            .suspect(&here, 0.95, format!("`{module}.{name}` was removed in Python {since}"))
            .mend((count == 1).then(|| {
                Draft::edits(
                    spot.target(),
                    format!("Import `{name}` from `{target}` ({})", line_of(spot.place)),
                    format!("It moved there in Python {since} at the latest"),
                    vec![edit],
                )
            })),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::rules::testing::scene;
    use crate::model::Phase;

    #[test]
    fn near_moved_and_missing_names() {
        let shop = [
            ("src/shop/__init__.py", ""),
            ("src/shop/cart.py", "class Cart: ...\n"),
            ("src/shop/tax.py", "def vat(): ...\n"),
        ];
        let with = |test: &str, message: &str| {
            let mut files = shop.to_vec();
            files.push(("tests/test_it.py", test));
            scene(&files, &format!("ImportError: {message}"), &[("tests/test_it.py", "import")])
                .phase(Phase::Collect)
        };
        with(
            "from shop.cart import (\n    Crat)\n\ndef test_it():\n    assert Crat()\n"
                .replace("(\n    Crat)", "Crat")
                .as_str(),
            "cannot import name 'Crat' from 'shop.cart' (/x/src/shop/cart.py)",
        )
        .check(
            imported,
            &["`Crat` from `shop.cart`", "`Cart` (src/shop/cart.py:1)"],
            "tests/test_it.py:1",
            Some(("tests/test_it.py", "from shop.cart import Cart\n\ndef test_it():\n    assert Cart()")),
        );
        with(
            "from shop.cart import vat\n",
            "cannot import name 'vat' from 'shop.cart' (/x/src/shop/cart.py)",
        )
        .check(
            imported,
            &["defined in `shop.tax` (src/shop/tax.py:1)"],
            "tests/test_it.py:1",
            Some(("tests/test_it.py", "from shop.tax import vat")),
        );
        with(
            "from shop.cart import Zebra\n",
            "cannot import name 'Zebra' from 'shop.cart' (/x/src/shop/cart.py)",
        )
        .check(imported, &["nor does any other file"], "tests/test_it.py:1", None);
        with(
            "from collections import Mapping as M\n",
            "cannot import name 'Mapping' from 'collections' (/usr/lib/python3.11/collections/__init__.py)",
        )
        .check(
            imported,
            &["since Python 3.10"],
            "tests/test_it.py:1",
            Some(("tests/test_it.py", "from collections.abc import Mapping as M")),
        );
        for message in [
            "cannot import name 'Cart' from partially initialized module 'shop.cart' (most likely due to a circular import) (/x)",
            "cannot import name 'thing' from 'requests' (/x/requests/__init__.py)",
            "DLL load failed",
        ] {
            with("from requests import thing\n", message).silent(imported);
        }
    }
}
