//! Protocol positions, ranges and URIs from and to the engine's lines, columns and paths; the only place that
//! does this.

use std::path::{Path, PathBuf};

use tower_lsp::lsp_types::{Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent, Url};

use crate::engine::document::{ColumnToByte, TextEdit};
use crate::engine::findings::Span;
use crate::workspace::source::SourceFile;

/// The unit in which a client counts columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: what every client must understand.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

impl Encoding {
    /// The client's favourite among those known here.
    pub fn negotiate(offered: Option<&[PositionEncodingKind]>) -> Self {
        offered
            .unwrap_or_default()
            .iter()
            .find_map(|kind| match kind.as_str() {
                "utf-8" => Some(Self::Utf8),
                "utf-16" => Some(Self::Utf16),
                "utf-32" => Some(Self::Utf32),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// Its name in the protocol.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }

    /// See [`ColumnToByte`].
    pub fn column_to_byte(self) -> ColumnToByte {
        match self {
            Self::Utf8 => |line, column| byte(Self::Utf8, line, column),
            Self::Utf16 => |line, column| byte(Self::Utf16, line, column),
            Self::Utf32 => |line, column| byte(Self::Utf32, line, column),
        }
    }

    /// The protocol's column of a column that counts scalar values from 1; past the line's end, its length.
    fn column(self, line: &str, column: u32) -> u32 {
        line.chars().take(column.saturating_sub(1) as usize).map(|c| self.width(c)).sum::<usize>() as u32
    }

    /// The range of a span.
    pub fn range(self, span: &Span) -> Range {
        let line = span.line.saturating_sub(1);
        let (start, end) = span.columns;
        Range::new(
            Position::new(line, self.column(&span.text, start)),
            Position::new(line, self.column(&span.text, end.max(start))),
        )
    }

    /// The range from one line and column (both from 1, scalar values) to another in a source.
    pub fn source_range(self, source: &SourceFile, start: (u32, u32), end: (u32, u32)) -> Range {
        let position = |(line, column): (u32, u32)| {
            let text = source.line(line).unwrap_or_default();
            Position::new(line.saturating_sub(1), self.column(text, column))
        };
        Range::new(position(start), position(end))
    }

    /// The end of a span's line.
    pub fn line_end(self, span: &Span) -> Position {
        Position::new(span.line.saturating_sub(1), self.column(&span.text, u32::MAX))
    }
}

/// A column in the middle of a character means the character's start.
fn byte(encoding: Encoding, line: &str, column: u32) -> usize {
    let mut left = column as usize;
    for (at, c) in line.char_indices() {
        let width = encoding.width(c);
        if left < width {
            return at;
        }
        left -= width;
    }
    line.len()
}

/// The line, from 1, of a position.
pub fn line(position: Position) -> u32 {
    position.line.saturating_add(1)
}

/// The engine's edits for a change of the protocol.
pub fn edits(changes: Vec<TextDocumentContentChangeEvent>) -> Vec<TextEdit> {
    changes
        .into_iter()
        .map(|change| TextEdit {
            range: change.range.map(|r| ((r.start.line, r.start.character), (r.end.line, r.end.character))),
            text: change.text,
        })
        .collect()
}

/// The file that a URI means; `None` for unsaved documents and other schemes.
pub fn path(uri: &Url) -> Option<PathBuf> {
    if uri.scheme() != "file" {
        return None;
    }
    let path = uri.to_file_path().ok()?;
    // A folder's URI may end in a slash; its path must not, or it would not be the parent of its files.
    Some(path.components().collect())
}

/// The URI of a file; `None` for a relative path.
pub fn uri(path: &Path) -> Option<Url> {
    Url::from_file_path(path).ok()
}

/// The URI of a line in a file, as editors follow it from a hover.
pub fn line_uri(path: &Path, line: u32) -> Option<Url> {
    let mut uri = uri(path)?;
    uri.set_fragment(Some(&format!("L{line}")));
    Some(uri)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn columns_in_every_encoding() {
        // 'é' is 2 bytes and 1 unit, '😀' 4 bytes and 2 units.
        let text = "é😀x = 1";
        let span = Span { line: 3, columns: (3, 8), text: text.into() };
        for (encoding, start, end) in
            [(Encoding::Utf8, 6, 11), (Encoding::Utf16, 3, 8), (Encoding::Utf32, 2, 7)]
        {
            let range = encoding.range(&span);
            assert_eq!(
                (range.start, range.end),
                (Position::new(2, start), Position::new(2, end)),
                "{encoding:?}"
            );
            assert_eq!(encoding.column_to_byte()(text, start), 6, "{encoding:?}");
            assert_eq!(encoding.column_to_byte()(text, 99), text.len(), "{encoding:?}");
        }
        assert_eq!(Encoding::Utf16.column_to_byte()(text, 2), 2, "in the middle of a pair");
    }

    #[test]
    fn the_clients_first_known_choice_counts() {
        let offer = |kinds: &[&str]| -> Vec<PositionEncodingKind> {
            kinds.iter().map(|k| PositionEncodingKind::from((*k).to_owned())).collect()
        };
        let rows: &[(&[&str], Encoding)] = &[
            (&[], Encoding::Utf16),
            (&["utf-8", "utf-16"], Encoding::Utf8),
            (&["utf-7", "utf-32"], Encoding::Utf32),
            (&["utf-7"], Encoding::Utf16),
        ];
        for (offered, expected) in rows {
            assert_eq!(Encoding::negotiate(Some(&offer(offered))), *expected, "{offered:?}");
        }
        assert_eq!(Encoding::negotiate(None), Encoding::Utf16);
    }

    #[test]
    #[cfg(unix)]
    fn uris_and_paths() {
        let rows: &[(&str, Option<&str>)] = &[
            ("file:///a/b.py", Some("/a/b.py")),
            ("file:///a/b%20%C3%A9%23.py", Some("/a/b é#.py")),
            ("file:///a/folder/", Some("/a/folder")),
            ("untitled:Untitled-1", None),
            ("vscode-notebook-cell:/a/b.ipynb", None),
        ];
        for (text, expected) in rows {
            let found = path(&Url::parse(text).unwrap());
            assert_eq!(found.as_deref(), expected.map(Path::new), "{text}");
        }
        assert_eq!(uri(Path::new("/a/b é#.py")).unwrap().as_str(), "file:///a/b%20%C3%A9%23.py");
        assert_eq!(uri(Path::new("relative.py")), None);
    }
}
