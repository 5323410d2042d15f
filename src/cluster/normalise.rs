//! Messages without what changes from run to run, machine to machine and parameter to parameter.
//!
//! One pass over the bytes, whatever they are: long lines cost no more than their length.

use std::borrow::Cow;

/// Most bytes of a normalised message: what comes later does not tell two causes apart any more.
const MAX: usize = 400;

/// How quoted values are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoted {
    /// They are names of the program (attributes, modules, keys).
    Keep,
    /// They are data.
    Replace,
}

/// The first non-empty line of `message` with what varies replaced by stable tokens: numbers (with their
/// signs, units, dates, times, versions and ports), addresses, UUIDs and other long hexadecimal digits,
/// temporary and absolute paths, object addresses, redaction placeholders, and quoted values if they are data.
pub fn message(message: &str, quoted: Quoted) -> String {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut out = String::with_capacity(line.len().min(MAX));
    let bytes = line.as_bytes();
    let mut at = 0;
    // Whether the byte before `at` belongs to a word, so that `utf8` keeps its digit.
    let mut in_word = false;
    while at < bytes.len() && out.len() < MAX {
        let byte = bytes[at];
        let (token, end): (Cow<'_, str>, usize) = if let Some(end) = placeholder(bytes, at) {
            ("<redacted>".into(), end)
        } else if matches!(byte, b'\'' | b'"' | b'`')
            && !in_word
            && let Some(end) = quoted_end(bytes, at)
        {
            let inner = &line[at + 1..end - 1];
            (quoted_token(inner, quoted), end)
        } else if !in_word && let Some(end) = uuid(bytes, at) {
            ("<uuid>".into(), end)
        } else if !in_word && byte == b'0' && matches!(bytes.get(at + 1), Some(b'x' | b'X')) {
            ("<address>".into(), run(bytes, at + 2, u8::is_ascii_hexdigit))
        } else if !in_word && let Some(end) = path(bytes, at) {
            (path_token(&line[at..end]), end)
        } else if !in_word && let Some(end) = hexadecimal(bytes, at) {
            ("<hex>".into(), end)
        } else if byte.is_ascii_digit() && !in_word {
            let end = number(bytes, at);
            (number_token(&mut out), end)
        } else {
            let length = line[at..].chars().next().map_or(1, char::len_utf8);
            in_word = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
            push_blank_once(&mut out, &line[at..at + length]);
            at += length;
            continue;
        };
        out.push_str(&token);
        in_word = false;
        at = end;
    }
    out
}

/// Runs of blanks count as one.
fn push_blank_once(out: &mut String, text: &str) {
    if text.chars().all(char::is_whitespace) {
        if !out.ends_with(' ') {
            out.push(' ');
        }
    } else {
        out.push_str(text);
    }
}

/// Neighbouring numbers (`1, 2, 3`, `-1`, `2024-01-02 10:00`) are one token: how many there are is data too.
fn number_token(out: &mut String) -> Cow<'static, str> {
    let kept = out.trim_end_matches([' ', ',', '-', '+', ':', '/', '.']).len();
    if out[..kept].ends_with('#') {
        out.truncate(kept);
        return Cow::Borrowed("");
    }
    if out.ends_with(['-', '+']) && !out[..out.len() - 1].ends_with(|c: char| c.is_alphanumeric()) {
        out.pop();
    }
    Cow::Borrowed("#")
}

fn run(bytes: &[u8], start: usize, fits: impl Fn(&u8) -> bool) -> usize {
    start + bytes[start..].iter().take_while(|byte| fits(byte)).count()
}

/// `[REDACTED:kind]`
fn placeholder(bytes: &[u8], at: usize) -> Option<usize> {
    const START: &[u8] = b"[REDACTED:";
    bytes[at..].starts_with(START).then(|| {
        let end = run(bytes, at + START.len(), |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if bytes.get(end) == Some(&b']') { end + 1 } else { end }
    })
}

/// One past the closing quote, if there is one on the line. A quote between letters is an apostrophe and does
/// not close. Long texts are not searched: they are not names, and searching each quote to the end of a long
/// line would be quadratic.
fn quoted_end(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    let limit = bytes.len().min(start + 2 + MAX);
    let mut at = start + 1;
    while at < limit {
        if bytes[at] == b'\\' {
            at += 2;
            continue;
        }
        let inside_word = bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
            && bytes[at - 1].is_ascii_alphanumeric()
            && quote == b'\'';
        if bytes[at] == quote && !inside_word {
            return Some(at + 1);
        }
        at += 1;
    }
    None
}

fn quoted_token(inner: &str, quoted: Quoted) -> Cow<'static, str> {
    let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '[' | ']');
    let digits = inner.bytes().filter(u8::is_ascii_digit).count();
    let varies = digits * 2 > inner.len() || inner.contains("/tmp/") || inner.starts_with('/');
    if quoted == Quoted::Keep && !inner.is_empty() && !varies && inner.chars().all(name) {
        Cow::Owned(format!("'{inner}'"))
    } else if quoted == Quoted::Keep && inner.contains('/') && !inner.contains(' ') {
        Cow::Owned(format!("'{}'", path_token(inner)))
    } else {
        Cow::Borrowed("'…'")
    }
}

/// 8-4-4-4-12 hexadecimal digits.
fn uuid(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            if bytes.get(at) != Some(&b'-') {
                return None;
            }
            at += 1;
        }
        let part = bytes.get(at..at + length)?;
        if !part.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        at += length;
    }
    (!bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)).then_some(at)
}

/// Twelve and more hexadecimal digits, some of them decimal: a digest or an id, not a word.
fn hexadecimal(bytes: &[u8], start: usize) -> Option<usize> {
    if !bytes[start].is_ascii_hexdigit() {
        return None;
    }
    // Longer runs are found in steps of this size, so that a long word costs no more than its length.
    let end = run(&bytes[..bytes.len().min(start + 128)], start, u8::is_ascii_hexdigit);
    let digits = bytes[start..end].iter().any(u8::is_ascii_digit);
    let closed = end == start + 128 || !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (end - start >= 12 && digits && closed).then_some(end)
}

/// Digits with what ties them to further digits (`1_000.5e-3`, `10:22:01.5`, `2024-01-02T10:00Z`, `3/4`), and
/// a unit.
fn number(bytes: &[u8], start: usize) -> usize {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = start;
    loop {
        at = run(bytes, at, u8::is_ascii_digit);
        match bytes.get(at) {
            Some(b'.' | b'_' | b':' | b'-' | b'/' | b'T' | b'e' | b'E' | b'+') if digit(at + 1) => at += 1,
            Some(b'e' | b'E') if matches!(bytes.get(at + 1), Some(b'-' | b'+')) && digit(at + 2) => at += 2,
            _ => break,
        }
    }
    // A unit or a suffix such as `ms`, `Z`, `th`.
    let end = run(bytes, at, u8::is_ascii_alphabetic);
    if end - at <= 3 && !bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
        end
    } else {
        at
    }
}

/// An absolute path: `/a/b`, `C:\a\b`, `C:/a`.
fn path(bytes: &[u8], start: usize) -> Option<usize> {
    let letter = bytes[start].is_ascii_alphabetic();
    let drive =
        letter && bytes.get(start + 1) == Some(&b':') && matches!(bytes.get(start + 2), Some(b'\\' | b'/'));
    let rooted =
        bytes[start] == b'/' && bytes.get(start + 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    if !drive && !rooted {
        return None;
    }
    let part = |b: &u8| {
        !b.is_ascii_whitespace()
            && !matches!(b, b'\'' | b'"' | b'`' | b')' | b'(' | b',' | b';' | b'<' | b'>')
    };
    let body = start + if drive { 2 } else { 0 };
    let end = run(bytes, body, |b| part(b) && *b != b':');
    Some(end)
}

/// The last part of a path says what it is about; where it lies differs between machines. In a temporary
/// folder even names are made up, but for a plain file name.
fn path_token(path: &str) -> Cow<'static, str> {
    let last = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    let made_up = last.is_empty() || last.bytes().any(|b| b.is_ascii_digit()) || last.starts_with("tmp");
    if made_up { Cow::Borrowed("<path>") } else { Cow::Owned(format!("<path>/{last}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_replaced_and_words_stay() {
        let rows = [
            ("could not connect to 127.0.0.1:54321", "could not connect to #"),
            ("retry 3 of 5 after 0.25s", "retry # of # after #"),
            ("<app.User object at 0x7f3a2c1b9d30> is stale", "<app.User object at <address>> is stale"),
            ("job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 lost", "job <uuid> lost"),
            ("at 2024-01-02T10:22:01.123Z in utf8", "at # in utf8"),
            ("at 2024-01-02 10:22:01,123 +0100 done", "at # done"),
            ("[1, 2, 3] is not sorted", "[#] is not sorted"),
            ("[1, -2] is not sorted", "[#] is not sorted"),
            ("no file /tmp/pytest-of-me/pytest-3/test_a0/out.csv", "no file <path>/out.csv"),
            ("no file C:\\Users\\me\\AppData\\Local\\Temp\\tmpab\\out.csv", "no file <path>/out.csv"),
            ("no folder /tmp/tmpx8_3kq", "no folder <path>"),
            ("token [REDACTED:api_key] is expired", "token <redacted> is expired"),
            ("digest d41d8cd98f00b204e9800998ecf8427e differs", "digest <hex> differs"),
            ("unit 'furlong' is unknown, isn't it", "unit '…' is unknown, isn't it"),
            ("first\nsecond 2", "first"),
            ("\n\n  x  ", "x"),
            ("", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(message(text, Quoted::Replace), expected, "{text}");
        }
        let kept = [
            ("'NoneType' object has no attribute 'total'", "'NoneType' object has no attribute 'total'"),
            ("No module named 'a.b'", "No module named 'a.b'"),
            ("[Errno 2] No such file: '/home/me/app/data/a.csv'", "[Errno #] No such file: '<path>/a.csv'"),
            ("bad value 'some long text'", "bad value '…'"),
            ("bad value '2024-01-02'", "bad value '…'"),
        ];
        for (text, expected) in kept {
            assert_eq!(message(text, Quoted::Keep), expected, "{text}");
        }
    }

    #[test]
    fn long_hostile_lines_are_cut() {
        for unit in ["x", "1 ", "'", "a'", "/a", "deadbeef0", "[REDACTED:", "é", "-", "0x"] {
            let text = unit.repeat((1 << 20) / unit.len());
            assert!(message(&text, Quoted::Replace).len() <= 2 * MAX, "{unit}");
        }
    }
}
