//! Reads the value that belongs to a name: the separator, wrappers, the quote, and where the value ends.

use super::bytes::{self, BLANK, LOWER, NAME, UPPER};
use super::elsewhere::{self, attribute};

/// Longest literal and longest value without quotes that are read.
const MAX_VALUE: usize = 8192;
const MAX_BARE: usize = 2048;
/// Longest rest of a password after a bracket in it.
const MAX_PASSWORD: usize = 128;

/// How a value stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a notation")]
pub struct Value {
    /// Its range, without quotes.
    pub start: usize,
    /// End of the range.
    pub end: usize,
    /// Whether it stands in quotes.
    pub quoted: bool,
    /// Whether the key stands in quotes.
    pub quoted_key: bool,
    /// First byte of the separator.
    pub separator: u8,
    /// Whether blanks stand around the separator.
    pub spaced: bool,
    /// Whether the closing quote was found.
    pub closed: bool,
    /// Whether it stands on the line after its name.
    pub next_line: bool,
}

/// Reads the value that belongs to the name that ends at `at`.
pub fn value_after(text: &[u8], at: usize, flag: bool) -> Option<Value> {
    let mut at = at;
    let mut quoted_key = false;
    let close = at;
    while at < text.len()
        && at < close + 12
        && matches!(text[at], b'"' | b'\'' | b'\\' | b'`' | b']' | b')')
        && spelt_quote(text, at).is_none()
    {
        quoted_key |= matches!(text[at], b'"' | b'\'');
        at += 1;
    }
    if let Some(quote) = spelt_quote(text, at) {
        quoted_key = true;
        at += quote.len();
    }
    at = skip_colour(text, skip_subscript(text, at));
    let blanks = bytes::run_end(text, at, BLANK, 48);
    let mut spaced = blanks > at;
    at = blanks;
    let (mut separator, after) = match elsewhere::element(text, close) {
        Some(after) => (b'>', after),
        None => separator(text, at, spaced, flag, quoted_key)?,
    };
    at = after;
    let mut next_line = false;
    let blanks = bytes::run_end(text, at, BLANK, 48);
    spaced |= blanks > at && separator != b' ';
    at = skip_colour(text, blanks);
    // A type between name and value: `x: str = "…"`, `var x string = "…"`.
    if separator == b':' || separator == b' ' {
        let word = bytes::run_end(text, at, NAME | bytes::PUNCTUATION, 40);
        let word = if text.get(word) == Some(&b'[') {
            memchr::memchr(b']', &text[word..text.len().min(word + 40)]).map_or(word, |i| word + i + 1)
        } else {
            word
        };
        // `String?` and `String!` are types as well.
        let word = word + usize::from(matches!(text.get(word), Some(b'?' | b'!')));
        let equals = bytes::run_end(text, word, BLANK, 4);
        if word > at
            && equals > word
            && text.get(equals) == Some(&b'=')
            && text.get(equals + 1) != Some(&b'=')
        {
            separator = b'=';
            at = bytes::run_end(text, equals + 1, BLANK, 8);
        }
    }
    if separator == b':'
        && let Some(default) = elsewhere::declared_default(text, at)
    {
        at = default;
    }
    // YAML's block scalars and XML's elements may hold the value on the next line.
    let mark = at + text[at..].iter().take(2).take_while(|b| matches!(b, b'|' | b'>' | b'-')).count();
    let line = bytes::run_end(text, mark, BLANK, 8);
    if matches!(separator, b':' | b'>' | b'=') && text.get(line) == Some(&b'\n') {
        at = bytes::run_end(text, line + 1, BLANK, 48);
        if text[at..].starts_with(b"E ") {
            at = bytes::run_end(text, at + 1, BLANK, 48);
        }
        next_line = true;
    }
    at = elsewhere::skip_wrapper(text, at);
    if matches!(separator, b'=' | b':')
        && let Some(literal) = elsewhere::fallback(text, at)
    {
        at = literal;
    }
    if let Some(quote) = spelt_quote(text, at) {
        let start = at + quote.len();
        let near = &text[start..text.len().min(start + MAX_SPELT)];
        if let Some(length) = memchr::memmem::find(near, quote) {
            let end = start + length;
            return Some(Value {
                start,
                end,
                quoted: true,
                quoted_key,
                separator,
                spaced,
                closed: true,
                next_line,
            });
        }
    }
    let backslashes = text[at..].iter().take(4).take_while(|b| **b == b'\\').count();
    let open = at + backslashes;
    let (start, end, quoted, closed) = if let Some(&quote @ (b'"' | b'\'' | b'`')) = text.get(open) {
        let start = open + if text[open..].starts_with(&[quote; 3]) { 3 } else { 1 };
        let (end, closed) = quoted_end(text, start, quote, backslashes);
        (start, end, true, closed)
    } else {
        (at, bare_end(text, at, separator), false, true)
    };
    Some(Value { start, end, quoted, quoted_key, separator, spaced, closed, next_line })
}

/// Longest literal between quotes that are spelt out.
const MAX_SPELT: usize = 256;

/// The quote at `at` as HTML, URLs and JSON spell it out.
fn spelt_quote(text: &[u8], at: usize) -> Option<&'static [u8]> {
    const QUOTES: &[&[u8]] =
        &[b"&quot;", b"&#34;", b"&#39;", b"&apos;", b"%22", b"%27", b"\\u0022", b"\\u0027"];
    let first = matches!(text.get(at), Some(b'&' | b'%' | b'\\'));
    QUOTES.iter().find(|quote| first && text[at..].starts_with(quote)).copied()
}

/// Reads the separator at `at`; gives its first significant byte and where it ends.
fn separator(text: &[u8], at: usize, spaced: bool, flag: bool, quoted_key: bool) -> Option<(u8, usize)> {
    const SEPARATORS: &[&str] = &[
        ":::=", "===", "!==", "::=", "||=", "??=", ":=", "=>", "->", "==", "!=", "?=", "+=", ".=", "<=",
        "||", "??", "<-", "=", ":", "\u{ff1a}", "\u{ff1d}", "&#61;", "&#58;", "%3D", "%3d", "%3A", "%3a",
    ];
    let rest = &text[at..];
    if let Some(literal) = elsewhere::called(text, at) {
        return Some((b'(', literal));
    }
    // The parts of a test id: `TestPassOriginal::test_many`.
    if rest.starts_with(b"::") && rest.get(2).is_some_and(|b| bytes::is(*b, NAME)) {
        return None;
    }
    if let Some(found) = SEPARATORS.iter().find(|s| rest.starts_with(s.as_bytes())) {
        let first = match *found {
            ":" | "\u{ff1a}" | "&#58;" | "%3A" | "%3a" => b':',
            "==" | "!=" | "===" | "!==" => b'~',
            _ => b'=',
        };
        return Some((first, at + found.len()));
    }
    match rest.first() {
        Some(b',') => {
            // `"name": "token", "value": "…"` and `name="token" value="…"`.
            attribute(text, at + 1).or_else(|| elsewhere::default(text, at + 1)).or(Some((b',', at + 1)))
        }
        Some(b'>') if !spaced => Some((b'>', at + 1)),
        Some(b'(') if !spaced => Some((b'(', at + 1)),
        Some(b'|') => {
            let cell = bytes::run_end(text, at + 1, BLANK, 24);
            let sign = if is_generated(&text[cell..]) { b':' } else { b',' };
            Some((sign, at + 1))
        }
        // `- name: DB_PASSWORD`, and on the next line `value: …`.
        // A field of a form as it is sent.
        Some(b'\n' | b'\r') if quoted_key && (rest.starts_with(b"\n\n") || rest.starts_with(b"\r\n\r\n")) => {
            let line = &text[bytes::line_start(text, at, 120)..at];
            let gap = if rest[0] == b'\n' { 2 } else { 4 };
            memchr::memmem::find(line, b"form-data").map(|_| (b':', at + gap))
        }
        Some(b'\n') if elsewhere::is_named(text, at) => attribute(text, at).map(|(_, after)| (b':', after)),
        Some(_) if spaced => {
            if quoted_key && let Some(found) = attribute(text, at) {
                return Some(found);
            }
            // `<password encrypted="false">…`: the attributes of an element.
            let near = &rest[..rest.len().min(80)];
            if !quoted_key
                && let Some(end) = memchr::memchr3(b'>', b'<', b'\n', near)
                && near[end] == b'>'
                && near[..end].ends_with(b"\"")
                && memchr::memmem::find(&near[..end], b"=\"").is_some()
            {
                return Some((b'>', at + end + 1));
            }
            if let Some(literal) = super::protocol::told_of_someone(text, at) {
                return Some((b'i', literal));
            }
            for word in ["is ", "was ", "to ", "of ", "- ", "are ", "equals ", "set to "] {
                if rest.starts_with(word.as_bytes()) {
                    return Some((b'i', at + word.len()));
                }
            }
            // `ConvertTo-SecureString -String "…"`, `… -AsPlainText "…"`.
            if rest.starts_with(b"-") {
                let mut after = 0;
                for option in [&b"-AsPlainText "[..], b"-Force ", b"-String "] {
                    if rest[after..].starts_with(option) {
                        after += option.len();
                    }
                }
                if matches!(rest.get(after), Some(b'"' | b'\'')) {
                    return Some((b' ', at + after));
                }
            }
            // `os.getenv("PASSWORD") or "…"`, `IDENTIFIED WITH native_password BY '…'`.
            for word in [&b"or "[..], b"BY ", b"by "] {
                if rest.starts_with(word) && matches!(rest.get(word.len()), Some(b'"' | b'\'')) {
                    return Some((b'i', at + word.len()));
                }
            }
            // `user: bob, password …`.
            if is_password_of_user(text, at) {
                return Some((b'i', at));
            }
            if rest.starts_with(b"is: ") {
                return Some((b':', at + 3));
            }
            // `Dim password As String = "…"`.
            if rest.starts_with(b"As ") {
                let word = bytes::run_end(text, at + 3, NAME, 40);
                let equals = bytes::run_end(text, word, BLANK, 4);
                return (text.get(equals) == Some(&b'=')).then_some((b'=', equals + 1));
            }
            // `variable "password" {`, and on one of the lines below `default = "…"`.
            if quoted_key && rest.starts_with(b"{\n") {
                return elsewhere::block_default(text, at + 2).map(|after| (b'=', after));
            }
            (flag
                || is_generated(rest)
                || matches!(rest.first(), Some(b'"' | b'\'' | b'`'))
                || rest.starts_with(b"string =")
                || rest.starts_with(b"String ="))
            .then_some((b' ', at))
        }
        _ => None,
    }
}

/// Whether a word with digits stands at `at`, in a line that has told of a user or a login just before.
fn is_password_of_user(text: &[u8], at: usize) -> bool {
    let end = bytes::run_end(text, at, bytes::ALNUM, 40);
    if end - at < 8 || !text[at..end].iter().any(u8::is_ascii_digit) {
        return false;
    }
    let before = text[bytes::line_start(text, at, 48)..at].to_ascii_lowercase();
    [&b"user"[..], b"login", b"account"].iter().any(|word| memchr::memmem::find(&before, word).is_some())
}

/// Whether `rest` begins with a word that no one would write but for a password: letters, digits and signs.
fn is_generated(rest: &[u8]) -> bool {
    let rest = &rest[..rest.len().min(65)];
    let end = rest.iter().position(|b| matches!(b, 0..=b' ' | b'"' | b'\'' | b'\\')).unwrap_or(rest.len());
    let word = &rest[..end];
    (8..=64).contains(&end)
        && word.iter().any(u8::is_ascii_digit)
        && word.iter().any(u8::is_ascii_alphabetic)
        && word.iter().any(|b| b"!#$%^&*@+~".contains(b))
        && !word.iter().any(|b| b"()=[]{}<>,;`/".contains(b))
}

/// Skips what sets a terminal's colour: `\x1b[33m`.
fn skip_colour(text: &[u8], at: usize) -> usize {
    if text.get(at) != Some(&0x1b) || text.get(at + 1) != Some(&b'[') {
        return at;
    }
    let end =
        at + 2 + text[at + 2..].iter().take(12).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    if text.get(end) == Some(&b'm') { bytes::run_end(text, end + 1, BLANK, 8) } else { at }
}

/// Skips a subscript without content or with a number, and an empty list of arguments: `secret[25]`, `token()`.
fn skip_subscript(text: &[u8], at: usize) -> usize {
    let close = match text.get(at) {
        Some(b'[') => b']',
        Some(b'(') => b')',
        _ => return at,
    };
    let index = if close == b']' { bytes::run_end(text, at + 1, NAME, 24) } else { at + 1 };
    if text.get(index) != Some(&close) {
        return at;
    }
    // `passwords[user] = "…"`, but not `token[x]` in the middle of something.
    let number = text[at + 1..index].iter().all(u8::is_ascii_digit);
    let equals = bytes::run_end(text, index + 1, BLANK, 2);
    let set = text.get(equals) == Some(&b'=') && text.get(equals + 1) != Some(&b'=');
    if number || set { index + 1 } else { at }
}

/// The string literal at `at`, with any prefix and its quotes escaped or not: its content, and where it ends.
pub fn literal(text: &[u8], at: usize) -> Option<(usize, usize, usize)> {
    let prefix = bytes::run_end(text, at, LOWER | UPPER, 2);
    let backslashes = text.get(prefix..)?.iter().take(4).take_while(|b| **b == b'\\').count();
    let open = prefix + backslashes;
    let quote = *text.get(open).filter(|q| matches!(q, b'"' | b'\''))?;
    let (end, closed) = quoted_end(text, open + 1, quote, backslashes);
    closed.then_some((open + 1, end, end + backslashes + 1))
}

/// The end of a literal whose quote is preceded by `backslashes` of them; whether the quote was found.
fn quoted_end(text: &[u8], start: usize, quote: u8, backslashes: usize) -> (usize, bool) {
    let limit = text.len().min(start + MAX_VALUE);
    let mut at = start;
    while at < limit {
        let byte = text[at];
        if byte == b'\n' {
            return (at, false);
        }
        if byte == b'\\' {
            let run = text[at..limit].iter().take_while(|b| **b == b'\\').count();
            if text.get(at + run) == Some(&quote) && run == backslashes {
                return (at, true);
            }
            at += run + usize::from(run % 2 == 1 || backslashes > 0);
            continue;
        }
        if byte == quote {
            return (at, true);
        }
        at += 1;
    }
    (at.min(limit), false)
}

/// The end of a value without quotes.
fn bare_end(text: &[u8], start: usize, separator: u8) -> usize {
    let limit = text.len().min(start + MAX_BARE);
    let mut at = start;
    while at < limit {
        match text[at] {
            0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | b';' | b',' | b')' | b']' | b'}' | b'\\' => break,
            b'&' if separator == b'=' => break,
            b'[' if at == start => break,
            _ => at += 1,
        }
    }
    // `Pwd=…;Encrypt=yes`: another setting begins.
    let next_name = bytes::run_end(text, at + 1, NAME | BLANK, 40);
    let another = text.get(at) == Some(&b';') && next_name > at + 1 && text.get(next_name) == Some(&b'=');
    let closed = separator == b'>' && text[at..].starts_with(b"</");
    if at < limit && !another && !closed && matches!(text[at], b')' | b']' | b'}' | b'<' | b'>' | b';') {
        // Passwords of many signs: brackets belong to them when what goes on to the next blank is no code.
        let stop = text[at..limit.min(at + MAX_PASSWORD)]
            .iter()
            .position(|b| matches!(b, 0..=b' ' | b'"' | b'\'' | b'`' | b'\\'))
            .map_or(limit.min(at + MAX_PASSWORD), |i| at + i);
        let signs =
            text[start..stop].iter().filter(|b| matches!(b, b'$' | b'#' | b'!' | b'^' | b'~' | b'@')).count();
        if signs >= 2 {
            at = stop;
        }
    }
    while at > start && matches!(text[at - 1], b'.' | b':' | b'?' | b'|') {
        at -= 1;
    }
    at
}
