//! Imports followed from file to file, by names alone: nothing is executed.

use super::{SourceFile, Workspace};
use crate::model::RelPath;

/// Re-exports of re-exports (or circles of them) beyond this many are not followed.
const MAX_HOPS: u32 = 8;

/// See [`Workspace::imported`].
pub(super) fn lookup(workspace: &Workspace, source: &SourceFile, name: &str) -> Option<(RelPath, String)> {
    follow(workspace, source, name, 0)
}

fn follow(workspace: &Workspace, source: &SourceFile, name: &str, hops: u32) -> Option<(RelPath, String)> {
    if hops > MAX_HOPS {
        return None;
    }
    let first = name.split('.').next().unwrap_or(name);
    for import in source.module().imports().into_iter().rev() {
        let (module, rest) = match &import.name {
            Some(what) if &**what == "*" => {
                let Some(file) = module_file(workspace, source.path(), &import.module, import.level) else {
                    continue;
                };
                if binds(workspace, &file, first) {
                    return Some(settle(workspace, file, name, hops));
                }
                continue;
            }
            Some(what) if import.bound_name() == first => {
                let rest = format!("{what}{}", &name[first.len()..]);
                (import.module.to_string(), rest)
            }
            None if import.alias.as_deref() == Some(first) => {
                (import.module.to_string(), name[first.len()..].trim_start_matches('.').to_owned())
            }
            None if import.alias.is_none() && import.bound_name() == first => {
                // `import a.b` binds `a`: as much of the name as is a module is the module.
                (String::new(), name.to_owned())
            }
            _ => continue,
        };
        // `from a import b`: `b` may itself be a module.
        let mut parts: Vec<&str> = module.split('.').filter(|p| !p.is_empty()).collect();
        let least = parts.len();
        parts.extend(rest.split('.').filter(|p| !p.is_empty()));
        let found = (least..=parts.len()).rev().find_map(|n| {
            let file = module_file(workspace, source.path(), &parts[..n].join("."), import.level)?;
            Some((file, parts[n..].join(".")))
        });
        if let Some((file, rest)) = found {
            return Some(settle(workspace, file, &rest, hops));
        }
    }
    None
}

/// The place where `name` of `file` is really defined, if `file` only imports it.
fn settle(workspace: &Workspace, file: RelPath, name: &str, hops: u32) -> (RelPath, String) {
    let first = name.split('.').next().unwrap_or(name);
    if !first.is_empty()
        && let Some(source) = workspace.source(&file)
        && source.module().definition_exact(first).is_none()
        && let Some(further) = follow(workspace, &source, name, hops + 1)
    {
        return further;
    }
    (file, name.to_owned())
}

fn binds(workspace: &Workspace, file: &RelPath, name: &str) -> bool {
    workspace.source(file).is_some_and(|s| s.module().has_global(name))
}

/// See [`Workspace::module_file`].
pub(super) fn module_file(workspace: &Workspace, from: &RelPath, name: &str, level: u32) -> Option<RelPath> {
    let folder = from.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
    let key = format!("{level}:{name}:{folder}");
    if let Some(known) = workspace.modules.get(key.as_str()) {
        return known.clone();
    }
    let found = find_module(workspace, from, name, level);
    workspace.modules.insert(key.into(), found.clone());
    found
}

fn find_module(workspace: &Workspace, from: &RelPath, name: &str, level: u32) -> Option<RelPath> {
    let relative = name.replace('.', "/");
    let folders: Vec<&str> = from.as_str().split('/').collect();
    if level > 0 {
        let kept = folders.len().checked_sub(level as usize)?;
        return file_in(workspace, &folders[..kept].join("/"), &relative);
    }
    if relative.is_empty() {
        return None;
    }
    // Import roots are the workspace, the usual source folders, and those folders around the importing file
    // that are no packages (pytest puts the first one of them on the path; which one needs no guess here).
    let around = (0..folders.len())
        .rev()
        .map(|n| folders[..n].join("/"))
        .filter(|folder| !is_package(workspace, folder));
    around
        .chain(["src", "lib", "python"].map(str::to_owned))
        .find_map(|folder| file_in(workspace, &folder, &relative))
        .or_else(|| only_one(workspace, &relative))
}

fn is_package(workspace: &Workspace, folder: &str) -> bool {
    !folder.is_empty()
        && RelPath::new(&format!("{folder}/__init__.py")).is_some_and(|init| workspace.is_file(&init))
}

/// The module's file, if the whole workspace has only one that could be it: in a folder that may be an import
/// root by some setting.
fn only_one(workspace: &Workspace, relative: &str) -> Option<RelPath> {
    [format!("{relative}/__init__.py"), format!("{relative}.py")].iter().find_map(|wanted| {
        let parts: Vec<&str> = wanted.split('/').collect();
        let found = workspace.index().longest_suffix(&parts, false).filter(|f| f.parts == parts.len())?;
        let root = found.path.as_str().strip_suffix(wanted.as_str())?.trim_end_matches('/');
        (workspace.is_project(found.path) && !is_package(workspace, root)).then(|| found.path.clone())
    })
}

fn file_in(workspace: &Workspace, folder: &str, relative: &str) -> Option<RelPath> {
    let base = [folder, relative].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    let package = if base.is_empty() { "__init__.py".to_owned() } else { format!("{base}/__init__.py") };
    [package, format!("{base}.py")]
        .iter()
        .filter_map(|text| RelPath::new(text))
        .find(|path| workspace.is_file(path))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use crate::model::{RelPath, TestId};
    use crate::workspace::{Config, Workspace};

    fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, Workspace) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let workspace = Workspace::new(root.path(), Arc::new(Config::default()));
        (root, workspace)
    }

    #[test]
    fn imported_names_lead_to_their_file() {
        let (_root, workspace) = workspace(&[
            ("src/shop/__init__.py", "from .cart import Cart as Basket\nfrom shop.deep import *\n"),
            ("src/shop/cart.py", "class Cart: pass\n"),
            ("src/shop/deep.py", "def dig(): pass\n"),
            ("src/shop/loop.py", "from .pool import thing\n"),
            ("src/shop/pool.py", "from .loop import thing\n"),
            ("names/space/mod.py", "def f(): pass\n"),
            ("services/api/code/billing/vat.py", "def rate(): pass\n"),
            ("store/json.py", "def loads(): pass\n"),
            ("store/__init__.py", ""),
            ("one/twin.py", "x = 1\n"),
            ("two/twin.py", "x = 1\n"),
            ("tests/helpers.py", "X = 1\n"),
            (
                "tests/test_a.py",
                "import shop, shop.cart as cart\nimport names.space.mod\nfrom shop import Basket, dig, deep\n\
                 import helpers\nimport os.path\nimport json, twin, billing.vat as vat\nfrom shop.loop import thing\nfrom . import helpers as h\n",
            ),
        ]);
        let source = workspace.source(&RelPath::new("tests/test_a.py").unwrap()).unwrap();
        for (name, expected) in [
            ("Basket", Some(("src/shop/cart.py", "Cart"))),
            ("Basket.add", Some(("src/shop/cart.py", "Cart.add"))),
            ("dig", Some(("src/shop/deep.py", "dig"))),
            ("deep.dig", Some(("src/shop/deep.py", "dig"))),
            ("cart.Cart", Some(("src/shop/cart.py", "Cart"))),
            ("shop.cart.Cart", Some(("src/shop/cart.py", "Cart"))),
            ("shop.Basket", Some(("src/shop/cart.py", "Cart"))),
            ("names.space.mod.f", Some(("names/space/mod.py", "f"))),
            ("helpers.X", Some(("tests/helpers.py", "X"))),
            ("h.X", Some(("tests/helpers.py", "X"))),
            ("helpers", Some(("tests/helpers.py", ""))),
            ("os.path.join", None),
            ("vat.rate", Some(("services/api/code/billing/vat.py", "rate"))),
            ("json.loads", None),
            ("twin.x", None),
            ("unknown", None),
        ] {
            let found = workspace.imported(&source, name);
            let found = found.as_ref().map(|(file, rest)| (file.as_str(), rest.as_str()));
            assert_eq!(found, expected, "{name}");
        }
        assert!(workspace.imported(&source, "thing").is_some(), "circles end");
    }

    #[test]
    fn tests_are_found_where_they_are_inherited_from() {
        let (_root, workspace) = workspace(&[
            ("tests/__init__.py", ""),
            (
                "tests/base.py",
                "class Root:\n    def test_deep(self): pass\nclass Base(Root):\n    def test_x(self): pass\n",
            ),
            (
                "tests/test_a.py",
                "from tests.base import Base as B\nfrom . import base\nclass TestA(B, Generic[T]):\n    \
                 def test_own(self): pass\nclass TestB(base.Base): pass\n",
            ),
        ]);
        for (id, expected) in [
            ("tests/test_a.py::TestA::test_own[1::2]", Some(("tests/test_a.py", 4, Some("TestA.test_own")))),
            ("tests/test_a.py::TestA::test_x", Some(("tests/base.py", 4, Some("Base.test_x")))),
            ("tests/test_a.py::TestB::test_deep", Some(("tests/base.py", 2, Some("Root.test_deep")))),
            ("tests/test_a.py::TestA::test_gone", Some(("tests/test_a.py", 3, Some("TestA")))),
            ("tests/test_a.py::test_gone", Some(("tests/test_a.py", 1, None))),
            ("tests/test_a.py", Some(("tests/test_a.py", 1, None))),
            ("tests/test_gone.py::test_x", None),
        ] {
            let found = workspace.definition(&TestId::new(id), None);
            let found = found.as_ref().map(|p| (p.path.as_str(), p.line, p.function.as_deref()));
            assert_eq!(found, expected, "{id}");
        }
    }
}
