//! Which files there are: what a reader needs to tell modules from classes in a dotted name.

use std::path::Path;
use std::sync::Arc;

/// Answers whether a path (relative, `/`-separated) is a file or folder of the workspace that the results
/// belong to.
#[derive(Clone)]
pub struct FileProbe(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl FileProbe {
    /// A probe that asks `exists`.
    pub fn new(exists: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(exists))
    }

    /// A probe for what lies under `root`.
    pub fn under(root: &Path) -> Self {
        let root = root.to_path_buf();
        Self::new(move |path| crate::model::RelPath::new(path).is_some_and(|path| path.under(&root).exists()))
    }

    /// Whether there is such a file or folder.
    pub fn exists(&self, path: &str) -> bool {
        (self.0)(path)
    }
}

impl std::fmt::Debug for FileProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileProbe")
    }
}
