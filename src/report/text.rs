//! Text from test output made fit to be shown: nothing in it can move a cursor, reverse the reading order or
//! pretend to be something else.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Whether `c` must not reach a terminal or a page as it is: control characters other than newline and tab,
/// and the characters that change the direction of text.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || (c as u32 & 0xfffe) == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

/// Makes hidden characters visible: C0 controls as their Unicode pictures (`␛`), others as `<U+202E>`.
/// `\r\n` becomes `\n`. Newlines and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Most text is plain, which is seen faster by bytes.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\u{7f}' => out.push('\u{2421}'),
            c if (c as u32) < 0x20 && is_hidden(c) => {
                out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'));
            }
            c if is_hidden(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "<U+{:04X}>", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// [`visible`] text on one line: runs of whitespace become one space.
pub fn one_line(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The first `max` characters of `text`, with `…` in place of the rest.
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.char_indices().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    let end = text.char_indices().nth(max.saturating_sub(1)).map_or(0, |(at, _)| at);
    Cow::Owned(format!("{}…", text[..end].trim_end()))
}

/// The first `max_lines` lines of `text`, each cut to `max_chars`, with a last line that says how many
/// more there are.
pub fn first_lines(text: &str, max_lines: usize, max_chars: usize) -> Vec<String> {
    let mut lines = text.lines();
    let mut shown: Vec<String> =
        lines.by_ref().take(max_lines).map(|line| cut(line, max_chars).into_owned()).collect();
    let more = lines.count();
    if more > 0 {
        shown.push(format!("… {}", counted(more, "more line", "more lines")));
    }
    shown
}

/// `1 failure`, `2 failures`.
pub fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Breaks one paragraph into lines of at most `width` columns, at spaces where there are some. A word that
/// is longer than a line is broken within.
pub fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in paragraph.split(' ') {
        let wide = word.width();
        if used > 0 && used + 1 + wide > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        if wide <= width {
            line.push_str(word);
            used += wide;
            continue;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += columns;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_visible() {
        let check = |input: &str, expected: &str| assert_eq!(visible(input), expected, "{input:?}");
        check("plain, tab\tand\nnewline", "plain, tab\tand\nnewline");
        check("\u{1b}[31mred\u{1b}]8;;http://x\u{7}", "␛[31mred␛]8;;http://x␇");
        check("a\r\nb\rc", "a\nb␍c");
        check("x\u{202e}gpj.exe", "x<U+202E>gpj.exe");
        check("nul\0del\u{7f}c1\u{9b}", "nul␀del␡c1<U+009B>");
        check("ü 漢字 🎈", "ü 漢字 🎈");
    }

    #[test]
    fn text_is_cut_at_characters() {
        let check = |input: &str, max, expected: &str| assert_eq!(cut(input, max), expected);
        check("short", 5, "short");
        check("longer", 5, "long…");
        check("üüüüüü", 3, "üü…");
        check("a", 0, "…");
        check("", 0, "");
    }

    #[test]
    fn paragraphs_are_wrapped() {
        let check =
            |input: &str, width, expected: &[&str]| assert_eq!(wrap(input, width), expected, "{input:?}");
        check("", 20, &[""]);
        check("one two three", 9, &["one two", "three"]);
        check("漢字漢字漢字", 8, &["漢字漢字", "漢字"]);
        check("abcdefghijklm", 8, &["abcdefgh", "ijklm"]);
        check("ab abcdefghijklm x", 8, &["ab", "abcdefgh", "ijklm x"]);
    }
}
