//! Secrets in a column of a table whose head names it: tables of Markdown, values apart by commas or tabs.

use super::bytes::{self, BLANK, RUN};
use super::random;

/// Longest line that is read.
const LONGEST: usize = 320;
/// Rows that are read.
const ROWS: usize = 16;
/// Longest name of a column.
const HEAD: usize = 32;

/// The cells below the name from `start` to `end`, which is one of several of a table's head, that look as passwords
/// do; how many bytes were read.
pub fn below(text: &[u8], start: usize, end: usize) -> (Vec<(usize, usize)>, usize) {
    let Some(delimiter) = delimiter(text, start, end) else { return (Vec::new(), 0) };
    let line_end = bytes::line_end(text, end, LONGEST);
    if text.get(line_end) != Some(&b'\n') {
        return (Vec::new(), 0);
    }
    let line = bytes::line_start(text, start, LONGEST);
    let head = &text[line..line_end];
    let is_name = |cell: &[u8]| {
        let cell = trimmed(cell);
        cell.len() <= HEAD && cell.iter().all(|b| bytes::is(*b, RUN | BLANK | bytes::DOT))
    };
    let mut read = head.len();
    // Values apart by commas stand at the beginning of a line; what is indented is code.
    if delimiter != b'|' && head.first().is_some_and(|b| bytes::is(*b, BLANK)) {
        return (Vec::new(), read);
    }
    let cells = head.split(|b| *b == delimiter).count();
    if cells < 2 || !head.split(|b| *b == delimiter).all(is_name) {
        return (Vec::new(), read);
    }
    let column = bytes::count(&text[line..start], delimiter);
    let mut found = Vec::new();
    let mut from = line_end + 1;
    for _ in 0..ROWS {
        let to = bytes::line_end(text, from, LONGEST);
        read += to - from;
        let row = &text[from..to];
        if bytes::count(row, delimiter) + 1 != cells {
            break;
        }
        let before: usize = row.split(|b| *b == delimiter).take(column).map(|cell| cell.len() + 1).sum();
        let cell = row.split(|b| *b == delimiter).nth(column).unwrap_or_default();
        let value = trimmed(cell);
        let begin = from + before + cell.len() - cell.trim_ascii_start().len();
        let begin = begin + usize::from(matches!(text.get(begin), Some(b'"' | b'\'' | b'`')));
        let is_code = |b: &u8| bytes::is(*b, BLANK) || matches!(b, b'=' | b'"' | b'\'' | b'(' | b')');
        if value.len() >= 6 && random::is_mixed(value) && !value.iter().any(is_code) {
            found.push((begin, begin + value.len()));
        }
        if to >= text.len() {
            break;
        }
        from = to + 1;
    }
    (found, read)
}

/// A cell without blanks and quotes around it.
fn trimmed(cell: &[u8]) -> &[u8] {
    let cell = cell.trim_ascii();
    match cell {
        [first @ (b'"' | b'\'' | b'`'), inner @ .., last] if first == last => inner,
        _ => cell,
    }
}

/// What stands between the cell from `start` to `end` and its neighbours, on both sides if it has two.
fn delimiter(text: &[u8], start: usize, end: usize) -> Option<u8> {
    let skip = |b: &&u8| matches!(**b, b' ' | b'"' | b'\'' | b'`');
    let is_delimiter = |b: &u8| matches!(b, b'|' | b',' | b'\t' | b';');
    let line = bytes::line_start(text, start, 8);
    let before = text[line..start].iter().rev().find(|b| !skip(b)).copied().filter(is_delimiter);
    let after = text[end..text.len().min(end + 8)].iter().find(|b| !skip(b)).copied();
    let after = after.filter(|b| is_delimiter(b) || matches!(b, b'\n' | b'\r'));
    match (before, after?) {
        (Some(before), b'\n' | b'\r') => Some(before),
        (Some(before), after) => Some(before).filter(|b| *b == after),
        (None, b'\n' | b'\r') => None,
        (None, after) => Some(after).filter(|_| text[line..start].iter().all(|b| skip(&b))),
    }
}
