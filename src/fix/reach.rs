//! Which test files reach a file: those that import it, by whatever way. Dynamic imports are not seen.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::model::RelPath;
use crate::workspace::{SourceFile, Workspace};

/// Most files whose imports are looked at.
const MAX_FILES: usize = 5_000;

/// Which files import a file.
#[derive(Debug, Default)]
pub struct Importers {
    importers: HashMap<RelPath, Vec<RelPath>>,
    tests: BTreeSet<RelPath>,
}

impl Importers {
    /// Looks at the imports of the workspace's Python files. Blocks.
    pub fn of(workspace: &Workspace) -> Self {
        let mut all = Self::default();
        for path in workspace.symbols().files().iter().take(MAX_FILES) {
            // Not through the workspace, which would keep the text of every file.
            let Some(text) = workspace.text(path) else { continue };
            let source = SourceFile::new(path.clone(), text);
            for imported in imported(workspace, &source) {
                let importers = all.importers.entry(imported).or_default();
                if importers.last() != Some(path) {
                    importers.push(path.clone());
                }
            }
            if is_test_file(path) {
                all.tests.insert(path.clone());
            }
        }
        all
    }

    /// The test files that reach any of `files`, nearest first.
    pub fn test_files(&self, files: &BTreeSet<RelPath>) -> Vec<RelPath> {
        let mut seen: BTreeSet<&RelPath> = files.iter().collect();
        let mut waiting: VecDeque<&RelPath> = files.iter().collect();
        let mut found = Vec::new();
        while let Some(path) = waiting.pop_front() {
            if self.tests.contains(path) {
                found.push(path.clone());
            }
            let below = name(path) == "conftest.py";
            let folder = path.as_str().strip_suffix("conftest.py").unwrap_or_default();
            // pytest imports it for every test beside and below it.
            let guarded = self.tests.iter().filter(|test| below && test.as_str().starts_with(folder));
            for next in self.importers.get(path).into_iter().flatten().chain(guarded) {
                if seen.insert(next) {
                    waiting.push_back(next);
                }
            }
        }
        found
    }
}

/// Whether pytest takes the file for tests, by its default `python_files`.
pub fn is_test_file(path: &RelPath) -> bool {
    name(path).strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}

fn name(path: &RelPath) -> &str {
    path.as_str().rsplit('/').next().unwrap_or_default()
}

/// The files of the workspace that are run when `source` is imported.
fn imported(workspace: &Workspace, source: &SourceFile) -> BTreeSet<RelPath> {
    let mut files = BTreeSet::new();
    for import in source.module().imports() {
        // `import a.b.c` runs `a`, `a.b` and `a.b.c`; `from a import b` may mean the module `a.b`.
        let mut parts: Vec<&str> = import.module.split('.').filter(|part| !part.is_empty()).collect();
        let named = import.name.as_deref().filter(|name| *name != "*");
        parts.extend(named);
        let least = usize::from(import.level == 0);
        for end in least..=parts.len() {
            files.extend(workspace.module_file(source.path(), &parts[..end].join("."), import.level));
        }
    }
    files.remove(source.path());
    files
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use super::*;
    use crate::workspace::Config;

    #[test]
    fn tests_are_found_through_imports() {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("src/shop/__init__.py", "from .cart import Cart\n"),
            ("src/shop/cart.py", "from shop import prices\n"),
            ("src/shop/prices.py", ""),
            ("src/shop/lonely.py", ""),
            ("tests/conftest.py", "import shop.lonely\n"),
            ("tests/test_cart.py", "import shop\n"),
            ("tests/test_prices.py", "def test():\n    from shop import prices\n"),
            ("tests/helpers.py", "from shop.prices import *\n"),
            ("tests/unit/deep_test.py", "from ..helpers import x\n"),
            ("tests/unit/__init__.py", ""),
            ("tests/__init__.py", ""),
            ("test_none.py", "import os\n"),
        ] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let workspace = Workspace::new(root.path(), Arc::new(Config::default()));
        let importers = Importers::of(&workspace);
        let all = ["tests/test_cart.py", "tests/test_prices.py", "tests/unit/deep_test.py"];
        for (file, expected) in [
            ("src/shop/prices.py", &all[..]),
            ("src/shop/cart.py", &["tests/test_cart.py", "tests/test_prices.py", "tests/unit/deep_test.py"]),
            ("tests/helpers.py", &["tests/unit/deep_test.py"]),
            ("src/shop/lonely.py", &all),
            ("tests/test_cart.py", &["tests/test_cart.py"]),
            ("test_none.py", &["test_none.py"]),
        ] {
            let mut found = importers.test_files(&BTreeSet::from([RelPath::new(file).unwrap()]));
            found.sort();
            let found: Vec<&str> = found.iter().map(RelPath::as_str).collect();
            assert_eq!(found, expected, "{file}");
        }
    }
}
