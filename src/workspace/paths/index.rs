//! The files of a workspace, by the ends of their paths.

use std::path::Path;

use crate::model::RelPath;
use crate::model::maps::Map;

/// Most files that are kept; a workspace with more is served by the first ones found.
const MAX_FILES: usize = 200_000;
/// Most folder entries that are looked at.
const MAX_ENTRIES: usize = 1_000_000;
/// Deepest folder that is entered.
const MAX_DEPTH: usize = 64;

/// The files of a workspace: a tree of path parts read from the end, so that the longest common end of a
/// path with any of them is found in as many steps as it has parts. Parts are compared without case; see
/// [`FileIndex::longest_suffix`].
#[derive(Debug, Default)]
pub struct FileIndex {
    files: Vec<RelPath>,
    parts: Map<Box<str>, u32>,
    children: Map<(u32, u32), u32>,
    nodes: Vec<Node>,
}

/// All files that share an end.
#[derive(Debug, Default)]
struct Node {
    /// How many.
    count: u32,
    /// One of them.
    any: u32,
    /// Those whose whole path it is (several only where names differ by case).
    whole: Vec<u32>,
}

/// The file whose path shares the longest end with another path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suffix<'a> {
    /// The file.
    pub path: &'a RelPath,
    /// Number of parts that are shared.
    pub parts: usize,
    /// Whether that is the whole path of the file.
    pub is_whole: bool,
}

impl FileIndex {
    /// Walks `root`. Git-ignored files are found too; hidden folders, virtual environments, installed and
    /// generated code are left out.
    pub fn scan(root: &Path) -> Self {
        let mut index = Self::default();
        for entry in walk(root, MAX_DEPTH).take(MAX_ENTRIES) {
            if index.files.len() >= MAX_FILES {
                tracing::warn!(root = %root.display(), "more than {MAX_FILES} files: the others cannot be found");
                break;
            }
            let is_file = entry.file_type().is_some_and(|t| t.is_file())
                || (entry.path_is_symlink() && entry.path().is_file());
            if !is_file {
                continue;
            }
            let relative = entry.path().strip_prefix(root).ok().and_then(Path::to_str);
            if let Some(path) = relative.and_then(RelPath::new) {
                index.add(path);
            }
        }
        index
    }

    /// All files, in no particular order.
    pub fn files(&self) -> &[RelPath] {
        &self.files
    }

    /// Adds a file.
    pub fn add(&mut self, path: RelPath) {
        let file = self.files.len() as u32;
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let mut node = 0;
        for part in path.as_str().rsplit('/') {
            let next_part = self.parts.len() as u32;
            let part = *self.parts.entry(part.to_lowercase().into()).or_insert(next_part);
            let next_node = self.nodes.len() as u32;
            node = *self.children.entry((node, part)).or_insert(next_node);
            if node == next_node {
                self.nodes.push(Node { count: 0, any: file, whole: Vec::new() });
            }
            self.nodes[node as usize].count += 1;
        }
        self.nodes[node as usize].whole.push(file);
        self.files.push(path);
    }

    /// The file whose path has the longest end in common with `parts`; `None` if no file has the last part,
    /// or if several are equally good and none of them is that end as a whole. With `ignore_case`, upper and
    /// lower case count as equal where nothing matches better.
    pub fn longest_suffix(&self, parts: &[&str], ignore_case: bool) -> Option<Suffix<'_>> {
        let mut node = 0;
        let mut shared = 0;
        for part in parts.iter().rev() {
            let Some(next) = self
                .parts
                .get(part.to_lowercase().as_str())
                .and_then(|&part| self.children.get(&(node, part)))
            else {
                break;
            };
            node = *next;
            shared += 1;
        }
        if shared == 0 {
            return None;
        }
        let same_case = |file: u32| {
            let path = self.files[file as usize].as_str();
            path.rsplit('/').take(shared).eq(parts.iter().rev().take(shared).copied())
        };
        let found = &self.nodes[node as usize];
        let file = match (found.whole.as_slice(), found.count) {
            ([], 1) => found.any,
            ([], _) => return None,
            ([only], _) => *only,
            (whole, _) => *whole.iter().find(|&&file| same_case(file))?,
        };
        (ignore_case || same_case(file)).then(|| Suffix {
            path: &self.files[file as usize],
            parts: shared,
            is_whole: !found.whole.is_empty(),
        })
    }
}

/// Walks `root` down to `depth` without entering what [`super::is_skipped_folder`] names. Errors (folders
/// that may not be read) are passed over.
pub(in crate::workspace) fn walk(root: &Path, depth: usize) -> impl Iterator<Item = ignore::DirEntry> {
    ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .max_depth(Some(depth))
        .filter_entry(|entry| {
            let is_folder = entry.file_type().is_some_and(|t| t.is_dir());
            !is_folder || entry.depth() == 0 || !super::is_skipped_folder(entry.path())
        })
        .build()
        .filter_map(Result::ok)
}
