//! Places in the workspace.

use std::sync::Arc;

use super::Redacted;

/// A path relative to the workspace root, `/`-separated on every platform, without `.` or `..` parts.
///
/// Not serialisable on purpose: a path can hold a secret, so writers take [`Site::path`] instead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelPath(Arc<str>);

impl RelPath {
    /// Makes a relative path from `/`- or `\`-separated text; `None` if it is empty, absolute or climbs out
    /// of the workspace.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.replace('\\', "/");
        if text.starts_with('/') || text.as_bytes().get(1) == Some(&b':') {
            return None;
        }
        let parts: Vec<&str> = text.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
        if parts.is_empty() || parts.contains(&"..") {
            return None;
        }
        Some(Self(parts.join("/").into()))
    }

    /// The path as text, `/`-separated, unredacted.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path joined to `root` with the platform's separators.
    pub fn under(&self, root: &std::path::Path) -> std::path::PathBuf {
        self.0.split('/').fold(root.to_path_buf(), |path, part| path.join(part))
    }
}

/// A place in a file of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub path: RelPath,
    /// First line, from 1.
    pub line: u32,
    /// Last line, inclusive; equal to `line` for a place within one line.
    pub end_line: u32,
    /// First and one-past-last column (from 1, in Unicode scalar values) where known: `column` is on `line`,
    /// the end on `end_line`.
    pub columns: Option<(u32, u32)>,
    /// The qualified name of the enclosing function, e.g. `Route.length`; `None` at module level or unknown.
    pub function: Option<Arc<str>>,
}

impl Place {
    /// A whole line.
    pub fn line(path: RelPath, line: u32) -> Self {
        Self { path, line, end_line: line, columns: None, function: None }
    }
}

/// A [`Place`] with the texts that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The place itself, for looking up the file; its texts are unredacted.
    pub place: Place,
    /// The path as it may be shown.
    pub path: Redacted,
    /// The enclosing function as it may be shown.
    pub function: Option<Redacted>,
    /// The source text of `place.line` (trimmed) as it may be shown, where the file is at hand.
    pub source: Option<Redacted>,
}
