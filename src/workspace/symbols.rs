//! Where the project defines which name, found by a scan of its lines: quick enough to be made when the first
//! rule asks, and good enough to say where to look (the syntax tree of that file then decides).

use super::{Workspace, source};
use crate::model::RelPath;
use crate::model::maps::Map;

/// Most files that are scanned.
const MAX_FILES: usize = 5000;
/// Most bytes that are scanned.
const MAX_BYTES: usize = 48 << 20;

/// What kind of definition a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolKind {
    /// `class`, at any depth.
    Class,
    /// `def` at module level.
    Function,
    /// `def` deeper down.
    Method,
    /// `NAME = …` or `NAME: …` at module level.
    Variable,
}

/// A definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The file.
    pub path: RelPath,
    /// The line.
    pub line: u32,
    /// What kind.
    pub kind: SymbolKind,
}

/// The definitions of the project's files by name.
#[derive(Debug, Default)]
pub struct Symbols {
    names: Map<Box<str>, Vec<Symbol>>,
    files: Vec<RelPath>,
}

impl Symbols {
    pub(super) fn scan(workspace: &Workspace) -> Self {
        let mut symbols = Self::default();
        let mut bytes = 0;
        for path in python_files(workspace).into_iter().take(MAX_FILES) {
            // Not through the workspace, which would keep the text of every file.
            let unsaved = workspace.overlay.get(&path).cloned();
            let Some(text) = unsaved.or_else(|| source::read(&path.under(workspace.root()))) else {
                continue;
            };
            bytes += text.len();
            if bytes > MAX_BYTES {
                break;
            }
            for (at, line) in text.lines().enumerate() {
                if let Some((name, kind)) = definition(line) {
                    let symbol = Symbol { path: path.clone(), line: at as u32 + 1, kind };
                    symbols.names.entry(name.into()).or_default().push(symbol);
                }
            }
            symbols.files.push(path);
        }
        symbols
    }

    /// The definitions of `name`, by file and line.
    pub fn find(&self, name: &str) -> &[Symbol] {
        self.names.get(name).map_or(&[], Vec::as_slice)
    }

    /// The project's Python files, sorted.
    pub fn files(&self) -> &[RelPath] {
        &self.files
    }
}

/// The project's own Python files, unsaved ones included, sorted.
fn python_files(workspace: &Workspace) -> Vec<RelPath> {
    let on_disk = workspace.index().files().iter();
    let mut files: Vec<RelPath> = on_disk
        .chain(workspace.overlay.keys())
        .filter(|path| path.as_str().strip_suffix(".py").is_some() && workspace.is_project(path))
        .cloned()
        .collect();
    files.sort_unstable();
    files.dedup();
    files
}

fn definition(line: &str) -> Option<(&str, SymbolKind)> {
    let bare = line.trim_start();
    let is_outer = bare.len() == line.len();
    let bare = bare.trim_start_matches('\u{feff}');
    let name = |rest: &'_ str| -> usize {
        rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
    };
    let bare_def = bare.strip_prefix("async ").map_or(bare, str::trim_start);
    if let Some(rest) = bare_def.strip_prefix("def ") {
        let rest = rest.trim_start();
        let kind = if is_outer { SymbolKind::Function } else { SymbolKind::Method };
        return Some((&rest[..name(rest)], kind));
    }
    if let Some(rest) = bare.strip_prefix("class ") {
        let rest = rest.trim_start();
        return Some((&rest[..name(rest)], SymbolKind::Class));
    }
    let end = name(bare);
    let after = bare[end..].trim_start();
    let is_assignment = (after.starts_with('=') && !after.starts_with("==")) || after.starts_with(':');
    let is_name = end > 0 && !bare.starts_with(|c: char| c.is_ascii_digit());
    let is_keyword = matches!(&bare[..end], "else" | "try" | "finally" | "lambda");
    (is_outer && is_name && is_assignment && !is_keyword).then(|| (&bare[..end], SymbolKind::Variable))
}
