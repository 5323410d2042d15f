//! Reads the value that belongs to a name: the separator, wrappers, the quote, and where the value ends.

use super::bytes::{self, BLANK, LOWER, NAME, UPPER};

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
    let (mut separator, after) = match element(text, close) {
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
    at = skip_wrapper(text, at);
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
        "||", "<-", "=", ":", "&#61;", "&#58;", "%3D", "%3d", "%3A", "%3a",
    ];
    let rest = &text[at..];
    if let Some(literal) = called(text, at) {
        return Some((b'(', literal));
    }
    // The parts of a test id: `TestPassOriginal::test_many`.
    if rest.starts_with(b"::") && rest.get(2).is_some_and(|b| bytes::is(*b, NAME)) {
        return None;
    }
    if let Some(found) = SEPARATORS.iter().find(|s| rest.starts_with(s.as_bytes())) {
        let first = match *found {
            ":" | "&#58;" | "%3A" | "%3a" => b':',
            "==" | "!=" | "===" | "!==" => b'~',
            _ => b'=',
        };
        return Some((first, at + found.len()));
    }
    match rest.first() {
        Some(b',') => {
            // `"name": "token", "value": "…"` and `name="token" value="…"`.
            attribute(text, at + 1).or_else(|| default(text, at + 1)).or(Some((b',', at + 1)))
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
        Some(b'\n') if is_named(text, at) => attribute(text, at).map(|(_, after)| (b':', after)),
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
            // `os.getenv("PASSWORD") or "…"`, `IDENTIFIED WITH native_password BY '…'`.
            for word in [&b"or "[..], b"BY ", b"by "] {
                if rest.starts_with(word) && matches!(rest.get(word.len()), Some(b'"' | b'\'')) {
                    return Some((b'i', at + word.len()));
                }
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
                return block_default(text, at + 2).map(|after| (b'=', after));
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

/// Where the literal begins that a call is given which goes on after a name at `at`: `Password::from("…")`,
/// `(password).toBe("…")`, `'#password').type('…')`.
fn called(text: &[u8], at: usize) -> Option<usize> {
    const CALLS: &[&[u8]] = &[
        b"from",
        b"new",
        b"of",
        b"parse",
        b"from_str",
        b"type",
        b"fill",
        b"send_keys",
        b"sendKeys",
        b"setValue",
        b"set_value",
        b"clear_and_type",
        b"to eq",
        b"toBe",
        b"toEqual",
        b"toStrictEqual",
        b"isEqualTo",
        b"equals",
    ];
    let from = match (text.get(at), text.get(at + 1)) {
        (Some(b':'), Some(b':')) => at + 2,
        (Some(b'.'), Some(_)) => at + 1,
        _ => return None,
    };
    let name = CALLS
        .iter()
        .find(|name| text[from..].starts_with(name) && text.get(from + name.len()) == Some(&b'('))?;
    let literal = from + name.len() + 1;
    matches!(text.get(literal), Some(b'"' | b'\'' | b'`' | b'\\')).then_some(literal)
}

/// The literal after `default=` in `"PASSWORD", default="…"`, if that stands at `at`.
fn default(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let word = bytes::run_end(text, at, BLANK, 4);
    text[word..].starts_with(b"default=").then_some((b',', word + 8))
}

/// Where the value of `default` begins in the block of settings whose lines begin at `at`.
fn block_default(text: &[u8], at: usize) -> Option<usize> {
    const LONGEST: usize = 400;
    let limit = text.len().min(at + LONGEST);
    let mut line = at;
    while line < limit {
        let word = bytes::run_end(text, line, BLANK, 16);
        let equals = bytes::run_end(text, word + 7, BLANK, 16);
        if text[word..].starts_with(b"default") && text.get(equals) == Some(&b'=') {
            return Some(equals + 1);
        }
        if text.get(word) == Some(&b'}') {
            return None;
        }
        line = memchr::memchr(b'\n', &text[line..limit])? + line + 1;
    }
    None
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

/// The separator after `value` in `"name": "token", "value": "…"`, if that stands at `at`.
fn attribute(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let limit = text.len().min(at + 48);
    let mut from = at;
    while from < limit && (bytes::is(text[from], BLANK) || matches!(text[from], b'\n' | b'"' | b'\'' | b'\\'))
    {
        from += 1;
    }
    let word = [&b"value"[..], b"content"]
        .into_iter()
        .find(|w| text.get(from..from + w.len()).is_some_and(|t| t.eq_ignore_ascii_case(w)))?;
    let mut end = from + word.len();
    while end < limit && matches!(text[end], b'"' | b'\'' | b'\\') {
        end += 1;
    }
    end = bytes::run_end(text, end, BLANK, 4);
    matches!(text.get(end), Some(b':' | b'=')).then_some((b'=', end + 1))
}

/// Whether the line that ends at `end` is `name: …` or `key: …`.
fn is_named(text: &[u8], end: usize) -> bool {
    let line = &text[bytes::line_start(text, end, 120)..end];
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"- ").unwrap_or(line);
    [&b"name:"[..], b"key:", b"\"name\":", b"\"key\":"].iter().any(|key| line.starts_with(key))
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
    let number = if close == b']' { bytes::run_end(text, at + 1, bytes::DIGIT, 6) } else { at + 1 };
    if text.get(number) == Some(&close) { number + 1 } else { at }
}

/// Where the value begins of which the name ends at `at` and stands in an element or attribute of XML before it:
/// `<key>password</key><string>…`, `<property name="password"><value>…`.
fn element(text: &[u8], at: usize) -> Option<usize> {
    const VALUES: &[&[u8]] =
        &[b"value", b"string", b"data", b"text", b"val", b"param-value", b"env-entry-value"];
    let mut quote = at + usize::from(matches!(text.get(at), Some(b'"' | b'\'')));
    if quote > at && text.get(quote) == Some(&b' ') {
        // Further attributes.
        let near = &text[quote..text.len().min(quote + 80)];
        let end = memchr::memchr3(b'>', b'<', b'\n', near)?;
        quote += end;
        if text[quote] != b'>' {
            return None;
        }
    }
    let close = match text.get(quote) {
        Some(b'>') => quote + 1,
        Some(b'<') if text.get(at + 1) == Some(&b'/') => {
            let end = bytes::run_end(text, at + 2, NAME, 40);
            (text.get(end) == Some(&b'>')).then_some(end + 1)?
        }
        _ => return None,
    };
    let gap = text[close..].iter().take(64).take_while(|b| b.is_ascii_whitespace()).count();
    let open = close + gap;
    if text.get(open) != Some(&b'<') {
        return None;
    }
    let end = bytes::run_end(text, open + 1, NAME, 20);
    let name = text[open + 1..end].to_ascii_lowercase();
    (text.get(end) == Some(&b'>') && VALUES.contains(&&name[..])).then_some(end + 1)
}

/// Skips what may stand before a literal: brackets, string prefixes, wrappers such as `SecretStr(` and the
/// scheme of a header.
fn skip_wrapper(text: &[u8], at: usize) -> usize {
    const WRAPPERS: &[&str] = &[
        "SecretStr(",
        "SecretBytes(",
        "Secret(",
        "str(",
        "bytes(",
        "quote(",
        "bytearray(",
        "Password(",
        "Token(",
        "[]byte(",
    ];
    let mut at = at;
    for wrapper in WRAPPERS {
        if text[at..].starts_with(wrapper.as_bytes()) {
            at += wrapper.len();
        }
    }
    // `lambda *_: "…"`.
    if text[at..].starts_with(b"lambda")
        && let Some(colon) = memchr::memchr(b':', &text[at..text.len().min(at + 32)])
    {
        at = bytes::run_end(text, at + colon + 1, BLANK, 2);
    }
    let bracket = bytes::run_end(text, at, BLANK, 2);
    if matches!(text.get(bracket), Some(b'(' | b'[' | b'{'))
        && matches!(text.get(bracket + 1), Some(b'"' | b'\'' | b'b'))
    {
        at = bracket + 1;
    }
    // How PHP shows a string: `string(12) "…"`.
    if text[at..].starts_with(b"string(") {
        let end = bytes::run_end(text, at + 7, bytes::DIGIT, 6);
        if text[end..].starts_with(b") \"") {
            at = end + 2;
        }
    }
    // A tag of YAML: `!vault …`, `!!str …`.
    if text.get(at) == Some(&b'!') {
        let word = bytes::run_end(text, at + 1, NAME | bytes::PUNCTUATION, 24);
        let blank = bytes::run_end(text, word, BLANK, 4);
        if blank > word && text[at + 1..word].iter().all(|b| bytes::is(*b, LOWER | UPPER) || *b == b'!') {
            at = blank;
        }
    }
    if text.get(at) == Some(&b'@') && matches!(text.get(at + 1), Some(b'"' | b'\'')) {
        at += 1;
    }
    for scheme in ["Bearer ", "bearer ", "Basic ", "basic ", "Token ", "token ", "ApiKey "] {
        if text[at..].starts_with(scheme.as_bytes()) {
            at += scheme.len();
        }
    }
    let prefix = bytes::run_end(text, at, LOWER | UPPER, 2);
    if prefix > at
        && matches!(text.get(prefix), Some(b'"' | b'\''))
        && text[at..prefix].iter().all(|b| b"bBrRfFuUNL@".contains(b))
    {
        at = prefix;
    }
    at
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
    if at < limit && !another && matches!(text[at], b')' | b']' | b'}' | b'<' | b'>' | b';') {
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
