//! The workspace: its configuration, where its results lie, its sources and their syntax. Holds no live state;
//! a [`Workspace`] is a snapshot that the engine replaces when something changes.

pub mod config;
pub mod discovery;
pub mod paths;
pub mod python;
pub mod source;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashmap::DashMap;

use crate::model::{Place, RelPath, TestId};
pub use config::Config;
pub use source::SourceFile;

/// A folder with Python code and tests, seen at one moment: files on disk, overlaid by unsaved editor text.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    config: Arc<Config>,
    overlay: HashMap<RelPath, Arc<str>>,
    sources: DashMap<RelPath, Option<Arc<SourceFile>>>,
    index: std::sync::OnceLock<paths::FileIndex>,
}

impl Workspace {
    /// The workspace at `root`, whose files are read when they are first asked for.
    pub fn new(root: impl Into<PathBuf>, config: Arc<Config>) -> Self {
        Self {
            root: root.into(),
            config,
            overlay: HashMap::new(),
            sources: DashMap::new(),
            index: std::sync::OnceLock::new(),
        }
    }

    /// The same workspace with unsaved texts from an editor in front of the files.
    #[must_use]
    pub fn with_overlay(mut self, overlay: HashMap<RelPath, Arc<str>>) -> Self {
        self.overlay = overlay;
        self.sources.clear();
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
        let source = text.map(|text| Arc::new(SourceFile::new(path.clone(), text)));
        self.sources.insert(path.clone(), source.clone());
        source
    }

    /// The file of this workspace that `raw` means: a path from a result file, of this machine or another, `/`
    /// or `\`. `run_root` is pytest's rootdir on the machine that ran. See [`paths`].
    pub fn resolve(&self, raw: &str, run_root: Option<&str>) -> Option<RelPath> {
        paths::resolve(self, raw, run_root)
    }

    /// Whether `path` is the project's own code: not installed, generated or a tool's.
    pub fn is_project(&self, path: &RelPath) -> bool {
        paths::is_project(path)
    }

    /// Where `test` is defined: the `def` line of its function, or of its class or file as far as found.
    pub fn definition(&self, test: &TestId, run_root: Option<&str>) -> Option<Place> {
        let path = self.resolve(test.file(), run_root)?;
        let source = self.source(&path)?;
        let found = source.module().definition(&test.names());
        Some(match found {
            Some(def) => {
                Place { function: Some(def.qualified_name.clone()), ..Place::line(path, def.name_line) }
            }
            None => Place::line(path, 1),
        })
    }

    fn index(&self) -> &paths::FileIndex {
        self.index.get_or_init(|| paths::FileIndex::scan(&self.root))
    }
}
