//! Fixes as rules propose them: plain texts and byte ranges. The pipeline makes [`crate::model::Fix`] of them,
//! with redacted texts and line and column places.

use crate::model::{FixKind, FixTarget, RelPath};
use crate::workspace::Workspace;
use crate::workspace::python::Span;

/// A proposed fix.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Imperative, with names and places.
    pub title: String,
    /// Why it would help.
    pub rationale: String,
    /// What it changes.
    pub target: FixTarget,
    /// How.
    pub change: Change,
}

/// How a fix changes something.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Text edits that do not overlap.
    Edits(Vec<TextEdit>),
    /// A command line for the user to run.
    Command(String),
    /// Something only the user can do.
    Advice,
}

/// A replacement of some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// The file.
    pub path: RelPath,
    /// The bytes that go.
    pub span: Span,
    /// The text that comes.
    pub new_text: String,
}

impl TextEdit {
    /// Replaces `span` of `path`.
    pub fn replace(path: &RelPath, span: Span, new_text: impl Into<String>) -> Self {
        Self { path: path.clone(), span, new_text: new_text.into() }
    }

    /// Inserts at byte `offset` of `path`.
    pub fn insert(path: &RelPath, offset: u32, new_text: impl Into<String>) -> Self {
        Self::replace(path, Span { start: offset, end: offset }, new_text)
    }
}

impl Draft {
    /// A fix by text edits.
    pub fn edits(
        target: FixTarget,
        title: impl Into<String>,
        rationale: impl Into<String>,
        edits: Vec<TextEdit>,
    ) -> Self {
        Self { title: title.into(), rationale: rationale.into(), target, change: Change::Edits(edits) }
    }

    /// A fix by a command line.
    pub fn command(
        target: FixTarget,
        title: impl Into<String>,
        rationale: impl Into<String>,
        command: impl Into<String>,
    ) -> Self {
        let change = Change::Command(command.into());
        Self { title: title.into(), rationale: rationale.into(), target, change }
    }

    /// Something only the user can do.
    pub fn advice(target: FixTarget, title: impl Into<String>, rationale: impl Into<String>) -> Self {
        Self { title: title.into(), rationale: rationale.into(), target, change: Change::Advice }
    }

    /// What kind of fix it is.
    pub fn kind(&self) -> FixKind {
        match self.change {
            Change::Edits(_) => FixKind::Edit,
            Change::Command(_) => FixKind::Command,
            Change::Advice => FixKind::Advice,
        }
    }

    /// The text of `path` with this fix's edits applied; `None` if an edit does not fit the text.
    pub fn applied(&self, workspace: &Workspace, path: &RelPath) -> Option<String> {
        let Change::Edits(edits) = &self.change else { return None };
        let source = workspace.source(path)?;
        edited(source.text(), edits.iter().filter(|edit| edit.path == *path))
    }
}

/// `text` with edits applied that do not overlap; `None` if one does not fit.
pub fn edited<'e>(text: &str, edits: impl IntoIterator<Item = &'e TextEdit>) -> Option<String> {
    let mut edits: Vec<&TextEdit> = edits.into_iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let mut result = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for edit in edits {
        result.push_str(text.get(from..edit.span.start as usize)?);
        result.push_str(&edit.new_text);
        from = edit.span.end as usize;
    }
    result.push_str(text.get(from..)?);
    Some(result)
}
