//! Open documents: texts as the editor has them.

use std::sync::Arc;

/// Gives the byte offset in `line` (without its line ending) of a column counted in the editor's units; past
/// the end it gives the line's length.
pub type ColumnToByte = fn(line: &str, column: u32) -> usize;

/// A change of a document. Lines and columns count from 0 here, in the editor's units: what they mean depends
/// on the text, which only the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// Start and end, each line and column; `None` replaces the whole text.
    pub range: Option<((u32, u32), (u32, u32))>,
    /// The new text.
    pub text: String,
}

/// An open document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The editor's version of it.
    pub version: i32,
    /// Its text.
    pub text: Arc<str>,
}

impl Document {
    /// Applies `edits` one after the other.
    pub fn apply(&mut self, version: i32, edits: &[TextEdit], column_to_byte: ColumnToByte) {
        let mut text = self.text.to_string();
        for edit in edits {
            match edit.range {
                None => text.clone_from(&edit.text),
                Some((start, end)) => {
                    let start = offset(&text, start, column_to_byte);
                    let end = offset(&text, end, column_to_byte).max(start);
                    text.replace_range(start..end, &edit.text);
                }
            }
        }
        self.version = version;
        self.text = text.into();
    }
}

/// The byte offset of a position; past the text's end it is the end.
fn offset(text: &str, (line, column): (u32, u32), column_to_byte: ColumnToByte) -> usize {
    let mut start = 0;
    for _ in 0..line {
        match line_end(&text[start..]) {
            Some((_, next)) => start += next,
            None => return text.len(),
        }
    }
    let rest = &text[start..];
    let length = line_end(rest).map_or(rest.len(), |(end, _)| end);
    start + column_to_byte(&rest[..length], column).min(length)
}

/// Where the first line of `text` ends and where the next one starts. The protocol's line endings are `\n`,
/// `\r\n` and `\r`.
fn line_end(text: &str) -> Option<(usize, usize)> {
    let at = memchr::memchr2(b'\n', b'\r', text.as_bytes())?;
    let crlf = text.as_bytes()[at..].starts_with(b"\r\n");
    Some((at, at + if crlf { 2 } else { 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(line: &str, column: u32) -> usize {
        line.char_indices().nth(column as usize).map_or(line.len(), |(at, _)| at)
    }

    #[test]
    fn edits_apply_in_order() {
        let replace = |start, end, text: &str| TextEdit { range: Some((start, end)), text: text.to_owned() };
        let rows: Vec<(&str, Vec<TextEdit>, &str)> = vec![
            ("ab\ncd\n", vec![replace((0, 1), (1, 1), "X")], "aXd\n"),
            ("ab", vec![replace((0, 2), (0, 2), "\n"), replace((1, 0), (1, 0), "c")], "ab\nc"),
            ("a\r\nb\rc", vec![replace((2, 0), (2, 1), "d")], "a\r\nb\rd"),
            ("é😀x", vec![replace((0, 1), (0, 2), "y")], "éyx"),
            ("ab", vec![replace((7, 0), (9, 9), "!")], "ab!"),
            ("ab\ncd", vec![replace((0, 99), (1, 0), "")], "abcd"),
            ("ab", vec![replace((0, 2), (0, 1), "x")], "abx"),
            ("ab", vec![TextEdit { range: None, text: "new".to_owned() }], "new"),
        ];
        for (text, edits, expected) in rows {
            let mut document = Document { version: 1, text: text.into() };
            document.apply(2, &edits, chars);
            assert_eq!(&*document.text, expected, "{edits:?}");
            assert_eq!(document.version, 2);
        }
    }
}
