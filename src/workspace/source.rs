//! One source file: text, lines, and its syntax tree when asked for.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

use super::python::{Module, Span};
use crate::model::{Place, RelPath};

/// Largest file that is read as source, in bytes.
pub const MAX_SOURCE: u64 = 8 << 20;

/// Reads a UTF-8 text file (a byte order mark is kept: offsets must match the editor's).
pub fn read(path: &Path) -> Option<Arc<str>> {
    if std::fs::metadata(path).ok()?.len() > MAX_SOURCE {
        return None;
    }
    std::fs::read_to_string(path).ok().map(Into::into)
}

/// Where each line of `text` begins.
pub(super) fn line_starts(text: &str) -> Arc<[u32]> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes());
    std::iter::once(0).chain(ends.map(|at| at as u32 + 1)).collect()
}

/// A source file of the workspace.
#[derive(Debug)]
pub struct SourceFile {
    path: RelPath,
    text: Arc<str>,
    line_starts: Arc<[u32]>,
    module: OnceLock<Module>,
    digest: OnceLock<String>,
}

impl SourceFile {
    /// Takes the text as it is.
    pub fn new(path: RelPath, text: Arc<str>) -> Self {
        let line_starts = line_starts(&text);
        Self { path, text, line_starts, module: OnceLock::new(), digest: OnceLock::new() }
    }

    /// The file.
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// SHA-256 of the text in hexadecimal digits.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| format!("{:x}", Sha256::digest(self.text.as_bytes())))
    }

    /// Number of lines.
    pub fn line_count(&self) -> u32 {
        self.line_starts.len() as u32
    }

    /// Line `line` (from 1) without its line ending.
    pub fn line(&self, line: u32) -> Option<&str> {
        let start = *self.line_starts.get(line.checked_sub(1)? as usize)? as usize;
        let end = self.line_starts.get(line as usize).map_or(self.text.len(), |&next| next as usize);
        Some(self.text[start..end].trim_end_matches('\n').trim_end_matches('\r'))
    }

    /// The line (from 1) that holds byte `offset`.
    pub fn line_of(&self, offset: u32) -> u32 {
        self.line_starts.partition_point(|&start| start <= offset) as u32
    }

    /// Line and column (both from 1, the column in Unicode scalar values) of byte `offset`.
    pub fn position(&self, offset: u32) -> (u32, u32) {
        let line = self.line_of(offset);
        let start = self.line_starts[line as usize - 1] as usize;
        (line, self.text[start..offset as usize].chars().count() as u32 + 1)
    }

    /// The byte offset of a line and column (as [`Self::position`] gives them); `None` outside the text.
    pub fn offset(&self, line: u32, column: u32) -> Option<u32> {
        let start = *self.line_starts.get(line.checked_sub(1)? as usize)?;
        let text = self.line(line)?;
        let skip = column.checked_sub(1)? as usize;
        match text.char_indices().nth(skip) {
            Some((at, _)) => Some(start + at as u32),
            None if text.chars().count() == skip => Some(start + text.len() as u32),
            None => None,
        }
    }

    /// The place of a range of the text.
    pub fn place(&self, span: Span) -> Place {
        let (line, column) = self.position(span.start);
        let (end_line, end_column) = self.position(span.end);
        let function = self.module().enclosing_function(line).map(|def| Arc::clone(&def.qualified_name));
        Place { path: self.path.clone(), line, end_line, columns: Some((column, end_column)), function }
    }

    /// The syntax tree, parsed as far as it is asked for and once; tolerant of errors.
    pub fn module(&self) -> &Module {
        self.module.get_or_init(|| Module::of(Arc::clone(&self.text), Arc::clone(&self.line_starts)))
    }
}
