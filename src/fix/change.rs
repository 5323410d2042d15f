//! Edits applied to texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::model::{Edit, RelPath};
use crate::workspace::source::SourceFile;

/// A text edit by lines and columns, both from 1, columns in Unicode scalar values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: RelPath,
    /// Where it begins.
    pub start: (u32, u32),
    /// Where it ends, exclusive; a column beyond the line's end means its end.
    pub end: (u32, u32),
    /// The replacement.
    pub new_text: String,
    /// SHA-256 (hex) of the text that it was made for, if only that will do.
    pub digest: Option<String>,
}

impl From<&Edit> for Change {
    fn from(edit: &Edit) -> Self {
        let place = &edit.site.place;
        let (start, end) = place.columns.unwrap_or((1, u32::MAX));
        Self {
            path: place.path.clone(),
            start: (place.line, start),
            end: (place.end_line, end),
            new_text: edit.new_text.clone(),
            digest: Some(edit.digest.clone()).filter(|digest| !digest.is_empty()),
        }
    }
}

/// The changes by file.
pub fn by_file(changes: &[Change]) -> BTreeMap<&RelPath, Vec<&Change>> {
    let mut files: BTreeMap<&RelPath, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        files.entry(&change.path).or_default().push(change);
    }
    files
}

/// `text` with the changes made; `None` if it is not the text that they were made for, or they lie outside of it
/// or overlap.
pub fn apply(path: &RelPath, text: &Arc<str>, changes: &[&Change]) -> Option<String> {
    let known = digest(text);
    if changes.iter().any(|change| change.digest.as_ref().is_some_and(|wanted| *wanted != known)) {
        return None;
    }
    let source = SourceFile::new(path.clone(), Arc::clone(text));
    let mut spans = Vec::with_capacity(changes.len());
    for change in changes {
        let (start, end) = (offset(&source, change.start)?, offset(&source, change.end)?);
        if start > end {
            return None;
        }
        spans.push((start, end, change.new_text.as_str()));
    }
    // Insertions at one place keep their order.
    spans.sort_by_key(|&(start, end, _)| (start, end));
    let mut result = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for (start, end, new_text) in spans {
        result.push_str(text.get(at..start)?);
        result.push_str(new_text);
        at = end;
    }
    result.push_str(text.get(at..)?);
    Some(result)
}

fn offset(source: &SourceFile, (line, column): (u32, u32)) -> Option<usize> {
    let length = source.line(line)?.chars().count() as u32;
    source.offset(line, column.min(length + 1)).map(|at| at as usize)
}

/// SHA-256 of a text, in hex.
pub fn digest(text: &str) -> String {
    format!("{:x}", Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn change(start: (u32, u32), end: (u32, u32), new_text: &str) -> Change {
        let path = RelPath::new("a.py").unwrap();
        Change { path, start, end, new_text: new_text.to_owned(), digest: None }
    }

    #[test]
    fn texts_keep_all_other_bytes() {
        let path = RelPath::new("a.py").unwrap();
        for (text, changes, expected) in [
            ("a\r\nbé c\r\n", vec![change((2, 4), (2, 5), "d")], Some("a\r\nbé d\r\n")),
            ("\tx = 1", vec![change((1, 6), (1, 7), "2")], Some("\tx = 2")),
            ("x", vec![change((1, 1), (1, u32::MAX), "yy")], Some("yy")),
            (
                "ab\ncd",
                vec![change((2, 1), (2, 2), "X"), change((1, 2), (1, 3), "Y"), change((1, 1), (1, 1), "Z")],
                Some("ZaY\nXd"),
            ),
            ("\u{feff}x = 𝔸\n", vec![change((1, 6), (1, 7), "b")], Some("\u{feff}x = b\n")),
            ("ab", vec![change((1, 1), (1, 3), "X"), change((1, 2), (1, 3), "Y")], None),
            ("ab", vec![change((7, 1), (7, 2), "X")], None),
            ("ab", vec![change((1, 2), (1, 1), "X")], None),
        ] {
            let changes: Vec<&Change> = changes.iter().collect();
            assert_eq!(apply(&path, &text.into(), &changes).as_deref(), expected, "{text:?}");
        }
        let other = Change { digest: Some(digest("b")), ..change((1, 1), (1, 2), "X") };
        assert_eq!(apply(&path, &"a".into(), &[&other]), None);
        assert_eq!(apply(&path, &"b".into(), &[&other]).as_deref(), Some("X"));
    }
}
