//! The workspace: its configuration, where its results lie, its sources and their syntax. Holds no live state;
//! a [`Workspace`] is a snapshot that the engine replaces when something changes.

pub mod config;
pub mod discovery;
pub mod git;
mod imports;
pub mod members;
pub mod paths;
pub mod python;
pub mod resolve;
pub mod source;
pub mod symbols;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashmap::DashMap;

use crate::model::maps::Hashing;
use crate::model::{Place, RelPath, TestId};
pub use config::Config;
pub use source::SourceFile;

/// A folder with Python code and tests, seen at one moment: files on disk, overlaid by unsaved editor text.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    /// The root as given and, if that is another path, without symbolic links.
    roots: Vec<PathBuf>,
    config: Arc<Config>,
    overlay: HashMap<RelPath, Arc<str>>,
    sources: DashMap<RelPath, Option<Arc<SourceFile>>, Hashing>,
    index: std::sync::OnceLock<Arc<paths::FileIndex>>,
    /// What raw paths mean, by path and then by the run's root.
    resolved: DashMap<Box<str>, Vec<Resolved>, Hashing>,
    /// Which folders (`/`-separated, relative) are or lie in a virtual environment.
    environments: DashMap<Box<str>, bool, Hashing>,
    symbols: std::sync::OnceLock<symbols::Symbols>,
    /// The files of modules, by level, name and folder of the importing file.
    modules: DashMap<Box<str>, Option<RelPath>, Hashing>,
    /// Sources of an earlier look, which count where the text is still the same: they may have been parsed.
    earlier: HashMap<RelPath, Arc<SourceFile>>,
}

/// The run's root, and the file that a raw path means in a run there.
type Resolved = (Option<Box<str>>, Option<RelPath>);

impl Workspace {
    /// The workspace at `root`, whose files are read when they are first asked for.
    pub fn new(root: impl Into<PathBuf>, config: Arc<Config>) -> Self {
        let root = root.into();
        let mut roots = vec![root.clone()];
        roots.extend(root.canonicalize().ok().filter(|real| *real != root));
        Self {
            root,
            roots,
            config,
            overlay: HashMap::new(),
            sources: DashMap::default(),
            index: std::sync::OnceLock::new(),
            resolved: DashMap::default(),
            environments: DashMap::default(),
            symbols: std::sync::OnceLock::new(),
            modules: DashMap::default(),
            earlier: HashMap::new(),
        }
    }

    /// The same workspace with the sources that an earlier one has read: where a file still has the same text,
    /// its syntax tree is taken over.
    #[must_use]
    pub fn with_earlier(mut self, sources: HashMap<RelPath, Arc<SourceFile>>) -> Self {
        self.earlier = sources;
        self
    }

    /// The sources that have been read, for [`Self::with_earlier`].
    pub fn sources(&self) -> HashMap<RelPath, Arc<SourceFile>> {
        let known = self.sources.iter();
        known.filter_map(|entry| Some((entry.key().clone(), entry.value().clone()?))).collect()
    }

    /// The workspace at the same root with another configuration, which keeps the list of files of this one:
    /// right as long as no file has come or gone.
    #[must_use]
    pub fn with_config(&self, config: Arc<Config>) -> Self {
        let next = Self { overlay: self.overlay.clone(), ..Self::new(self.root.clone(), config) };
        if let Some(index) = self.index.get() {
            let _ = next.index.set(Arc::clone(index));
        }
        next
    }

    /// The same workspace with unsaved texts from an editor in front of the files.
    #[must_use]
    pub fn with_overlay(mut self, overlay: HashMap<RelPath, Arc<str>>) -> Self {
        self.overlay = overlay;
        self.sources.clear();
        self.resolved.clear();
        self.modules.clear();
        self
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The source at `path`: unsaved text if there is some, else the file's. `None` if there is no such file,
    /// or it is not text or larger than [`source::MAX_SOURCE`].
    pub fn source(&self, path: &RelPath) -> Option<Arc<SourceFile>> {
        if let Some(known) = self.sources.get(path) {
            return known.clone();
        }
        let text = match self.overlay.get(path) {
            Some(text) => Some(Arc::clone(text)),
            None => source::read(&path.under(&self.root)),
        };
        let source = text.map(|text| match self.earlier.get(path) {
            Some(earlier) if *earlier.text() == text => Arc::clone(earlier),
            _ => Arc::new(SourceFile::new(path.clone(), text)),
        });
        self.sources.insert(path.clone(), source.clone());
        source
    }

    /// The text at `path`, as [`Self::source`] would give it, without keeping it.
    pub fn text(&self, path: &RelPath) -> Option<Arc<str>> {
        match self.overlay.get(path) {
            Some(text) => Some(Arc::clone(text)),
            None => source::read(&path.under(&self.root)),
        }
    }

    /// The file of this workspace that `raw` means: a path from a result file, of this machine or another, `/`
    /// or `\`. `run_root` is pytest's rootdir on the machine that ran. See [`paths`].
    pub fn resolve(&self, raw: &str, run_root: Option<&str>) -> Option<RelPath> {
        if let Some(known) = self.resolved.get(raw)
            && let Some((_, path)) = known.iter().find(|(root, _)| root.as_deref() == run_root)
        {
            return path.clone();
        }
        let path = paths::resolve(self, raw, run_root);
        self.resolved.entry(raw.into()).or_default().push((run_root.map(Into::into), path.clone()));
        path
    }

    /// Whether `path` is the project's own code: not installed, generated or a tool's.
    pub fn is_project(&self, path: &RelPath) -> bool {
        let folder = path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        paths::is_project(path) && !self.is_environment(folder)
    }

    /// Whether `folder` (relative, `/`-separated) is or lies in a virtual environment; the root never is.
    fn is_environment(&self, folder: &str) -> bool {
        if folder.is_empty() {
            return false;
        }
        if let Some(known) = self.environments.get(folder) {
            return *known;
        }
        let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        let found = self.is_environment(parent) || paths::is_virtual_environment(&self.root.join(folder));
        self.environments.insert(folder.into(), found);
        found
    }

    /// Whether there is such a file, on disk or unsaved.
    pub fn is_file(&self, path: &RelPath) -> bool {
        self.overlay.contains_key(path) || path.under(&self.root).is_file()
    }

    /// The files of the workspace, found once, when first asked for.
    pub fn index(&self) -> &paths::FileIndex {
        self.index.get_or_init(|| Arc::new(paths::FileIndex::scan(&self.root)))
    }

    /// Where the project defines which name, found once, when first asked for.
    pub fn symbols(&self) -> &symbols::Symbols {
        self.symbols.get_or_init(|| symbols::Symbols::scan(self))
    }

    /// The root as given and, if that is another path, without symbolic links (last).
    fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Where `test` is defined: the `def` line of its function, or of its class or file as far as found. A
    /// method that a test class inherits is looked for in its base classes, in other files too.
    pub fn definition(&self, test: &TestId, run_root: Option<&str>) -> Option<Place> {
        let path = self.resolve(test.file(), run_root)?;
        let source = self.source(&path)?;
        let names = test.names();
        let found = source.module().definition(&names);
        if let [classes @ .., method] = names.as_slice()
            && found.is_some_and(|def| def.is_class)
            && let Some(inherited) = self.inherited(&source, &classes.join("."), method, 0)
        {
            return Some(inherited);
        }
        Some(match found {
            Some(def) => {
                Place { function: Some(def.qualified_name.clone()), ..Place::line(path, def.name_line) }
            }
            None => Place::line(path, 1),
        })
    }

    /// The method of a base class, bases that are imported from other files of the workspace included.
    fn inherited(&self, source: &SourceFile, class: &str, method: &str, depth: u32) -> Option<Place> {
        /// Longer ways (or circles) are not followed.
        const MAX_BASES: u32 = 16;
        if depth > MAX_BASES {
            return None;
        }
        let module = source.module();
        if let Some(def) = module.definition_exact(&format!("{class}.{method}")) {
            let function = Some(Arc::clone(&def.qualified_name));
            return Some(Place { function, ..Place::line(source.path().clone(), def.name_line) });
        }
        module.class(class)?.bases.iter().find_map(|base| {
            let base = match &base.kind {
                // `Generic[T]` style bases.
                python::ExprKind::Subscript { value, .. } => value.dotted()?,
                _ => base.dotted()?,
            };
            if module.class(&base).is_some() {
                return self.inherited(source, &base, method, depth + 1);
            }
            let (file, name) = self.imported(source, &base)?;
            self.inherited(&*self.source(&file)?, &name, method, depth + 1)
        })
    }

    /// What the dotted name `name` means in `source` if it is imported from a file of the workspace: that file
    /// and the rest of the name in it (empty for the module itself). Re-exports are followed.
    pub fn imported(&self, source: &SourceFile, name: &str) -> Option<(RelPath, String)> {
        imports::lookup(self, source, name)
    }

    /// The file of the module `name` (`a.b.c`) as `from` would import it: `level` leading dots, or else from
    /// the folders that are import roots. A package gives its `__init__.py`.
    pub fn module_file(&self, from: &RelPath, name: &str, level: u32) -> Option<RelPath> {
        imports::module_file(self, from, name, level)
    }
}
