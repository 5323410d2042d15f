//! Replays small pure Python programs on their syntax trees, to see whether a failure is reproduced and which edit
//! would mend it. Nothing is executed outside of this machine: no file, no network, no clock, no process.
//!
//! The replay knows a part of Python and stops at everything else ([`Verdict::Unknown`]). Its results are
//! trusted only where it first reproduces a failure that pytest reported. Steps are counted, so that endless
//! programs end.

#![expect(
    clippy::unused_self,
    clippy::self_only_used_in_recursion,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    clippy::wrong_self_convention,
    reason = "one form for all operations of the machine reads better than the least each could take"
)]
#![expect(clippy::assigning_clones, reason = "the old scope is what the new one is read from")]
#![expect(clippy::float_cmp, reason = "Python compares floats exactly, and so must its replay")]
#![expect(
    clippy::similar_names,
    clippy::many_single_char_names,
    clippy::match_same_arms,
    reason = "Python's own words and operators, one line each"
)]

mod attributes;
mod builtins;
mod call;
mod classes;
mod compare;
mod copies;
mod expr;
mod given;
mod items;
mod json;
mod library;
mod machine;
mod methods;
mod ops;
mod parameters;
mod patterns;
mod prelude;
mod regexes;
mod scope;
mod sequences;
mod session;
mod statements;
#[cfg(test)]
mod tests;
mod text;
mod value;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{RelPath, TestId};
use crate::workspace::python::Stmt;
use crate::workspace::{SourceFile, Workspace};

/// Most files that a replay loads.
const MAX_FILES: usize = 40;
/// Largest file that is loaded, in bytes.
const MAX_BYTES: usize = 60_000;

/// What a replayed test does.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It passes.
    Pass,
    /// It fails.
    Fail(Box<Report>),
    /// The replay met something it does not know.
    Unknown(&'static str),
}

/// How a replayed test fails.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The exception's type.
    pub exception: String,
    /// Its message, where known.
    pub message: String,
    /// The `repr` of both sides of the assertion that did not hold; the right one is empty if there is none.
    pub compared: Option<(String, String)>,
    /// File and line of each frame, outermost first.
    pub trace: Vec<(RelPath, u32)>,
}

/// The results of the tests of one file, run in order.
#[derive(Debug, Clone)]
pub struct Results {
    /// Test name (`Class::test[param]`) and what it does.
    pub tests: Vec<(String, Verdict)>,
    /// Lines that ran while the target ran, by file, and which of them was done first: 0 for the first.
    pub ran: BTreeMap<(RelPath, u32), u32>,
    /// Lines that ran in tests that pass.
    pub passed: BTreeSet<(RelPath, u32)>,
    /// Steps that were made.
    pub steps: u64,
}

impl Results {
    /// What the test `name` does.
    pub fn of(&self, name: &str) -> Option<&Verdict> {
        self.tests.iter().find(|(known, _)| known == name).map(|(_, verdict)| verdict)
    }
}

/// The files of a program: a test file and what it imports, directly and indirectly.
#[derive(Debug, Clone)]
pub struct Program {
    files: Vec<Arc<SourceFile>>,
    index: Arc<HashMap<RelPath, usize>>,
    /// Importing file, dotted name and leading dots → imported file.
    imports: Arc<HashMap<(usize, String, u32), usize>>,
    /// `conftest.py` files that the test file sees, nearest first.
    conftests: Arc<[usize]>,
}

impl Program {
    /// Loads the file of `test` and what it imports. `None` if it is too large or not there.
    pub fn load(workspace: &Workspace, path: &RelPath) -> Option<Self> {
        let mut files: Vec<Arc<SourceFile>> = Vec::new();
        let mut index: HashMap<RelPath, usize> = HashMap::new();
        let mut imports = HashMap::new();
        let mut add = |path: &RelPath, files: &mut Vec<Arc<SourceFile>>| -> Option<usize> {
            if let Some(&known) = index.get(path) {
                return Some(known);
            }
            let source = workspace.source(path).filter(|source| source.text().len() <= MAX_BYTES)?;
            files.push(source);
            index.insert(path.clone(), files.len() - 1);
            Some(files.len() - 1)
        };
        add(path, &mut files)?;
        let mut conftests = Vec::new();
        let mut folder = path.as_str();
        while let Some((above, _)) = folder.rsplit_once('/') {
            conftests.extend(
                RelPath::new(&format!("{above}/conftest.py")).and_then(|path| add(&path, &mut files)),
            );
            folder = above;
        }
        conftests.extend(RelPath::new("conftest.py").and_then(|path| add(&path, &mut files)));
        if files.iter().any(|file| file.text().contains("tmp_path")) {
            files.extend(prelude::module("pathlib"));
        }
        let mut has_dates = false;
        let mut at = 0;
        while at < files.len() {
            let source = Arc::clone(&files[at]);
            for import in source.module().imports() {
                let mut names = vec![import.module.to_string()];
                if let Some(name) = &import.name {
                    let dot = if import.module.is_empty() { "" } else { "." };
                    names.push(format!("{}{dot}{name}", import.module));
                } else {
                    names.push(import.bound_name().to_owned());
                }
                for name in names {
                    if name.is_empty() && import.level == 0 {
                        continue;
                    }
                    let file = workspace
                        .module_file(source.path(), &name, import.level)
                        .filter(|_| !prelude::is_part(source.path()));
                    let found = if let Some(file) = file {
                        if files.len() >= MAX_FILES {
                            return None;
                        }
                        add(&file, &mut files)?
                    } else if let Some(part) = prelude::module(&name).filter(|_| import.level == 0) {
                        files.iter().position(|known| known.path() == part.path()).unwrap_or_else(|| {
                            files.push(part);
                            files.len() - 1
                        })
                    } else {
                        continue;
                    };
                    imports.insert((at, name, import.level), found);
                }
            }
            at += 1;
            // What an edit of dates may need.
            if at == files.len()
                && !has_dates
                && files.iter().any(|file| prelude::name_of(file.path()) == Some("datetime"))
            {
                has_dates = true;
                if !files.iter().any(|file| prelude::name_of(file.path()) == Some("calendar")) {
                    files.extend(prelude::module("calendar"));
                }
            }
        }
        Some(Self { files, index: Arc::new(index), imports: Arc::new(imports), conftests: conftests.into() })
    }

    /// The files of the project.
    pub fn files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.files.iter().filter(|file| !prelude::is_part(file.path()))
    }

    /// The program with another text of one file.
    #[must_use]
    pub fn with(&self, path: &RelPath, text: &str) -> Option<Self> {
        let at = *self.index.get(path)?;
        let mut changed = self.clone();
        changed.files[at] = Arc::new(SourceFile::new(path.clone(), text.into()));
        Some(changed)
    }

    /// Runs all tests of the test file in order, with at most `fuel` steps.
    pub fn run(&self, target: &str, fuel: u64) -> Results {
        session::run(self, target, false, fuel)
    }

    /// Runs one test only.
    pub fn run_alone(&self, target: &str, fuel: u64) -> Results {
        session::run(self, target, true, fuel)
    }

    /// The file that `file` imports by `name`.
    fn import(&self, file: usize, name: &str, level: u32) -> Option<usize> {
        let known = self.imports.get(&(file, name.to_owned(), level)).copied();
        // An edit may import what another file has loaded.
        known.or_else(|| {
            let part = prelude::module(name).filter(|_| level == 0 && !self.is_own(name))?;
            self.files.iter().position(|file| file.path() == part.path())
        })
    }

    /// Whether a module's name begins like a folder of the program.
    fn is_own(&self, module: &str) -> bool {
        let first = module.split('.').next().unwrap_or(module);
        self.files().any(|file| file.path().as_str().split('/').any(|part| part == first))
    }

    /// The part of the library called `name`, if the program has it.
    fn library(&self, name: &str) -> Option<usize> {
        self.files.iter().position(|file| prelude::name_of(file.path()) == Some(name))
    }

    /// The file of the project's module called `name` in full.
    fn module_named(&self, name: &str) -> Option<usize> {
        let path = name.replace('.', "/");
        let fits = |known: &str, ending: &str| {
            known.strip_suffix(ending).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
        };
        self.files.iter().position(|file| {
            let known = file.path().as_str();
            !prelude::is_part(file.path())
                && (fits(known, &format!("{path}.py")) || fits(known, &format!("{path}/__init__.py")))
        })
    }

    fn submodule(&self, package: usize, name: &str) -> Option<usize> {
        let folder = self.files[package].path().as_str().strip_suffix("__init__.py")?;
        [format!("{folder}{name}.py"), format!("{folder}{name}/__init__.py")]
            .iter()
            .find_map(|path| self.index.get(&RelPath::new(path)?).copied())
    }
}

/// Whether the body of a function yields, which makes it a generator.
pub fn yields(body: &[Stmt]) -> bool {
    scope::yields(body)
}

/// The name of a test in [`Results`].
pub fn name_of(test: &TestId) -> String {
    test.as_str().split_once("::").map_or_else(String::new, |(_, name)| name.to_owned())
}
