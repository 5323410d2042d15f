//! Secrets by the name before them: `password = "…"` in every notation.
//!
//! A keyword that the prefilter found is widened to its identifier ([`names`]); the identifier says how much the
//! value must look like a secret ([`Strength`]); then the separator, an opening quote and the value are read
//! ([`value`]).

use super::bytes::{self, ALNUM, BLANK, LOWER, UNDERSCORE, UPPER};
use super::claims::{
    STATES, STOP, has_sign, is_dense, is_made_up, is_nothing, is_path_or_code, is_sentence, is_stand_in,
    is_told_in_prose, looks_like_identifier,
};
use super::engine::Span;
use super::names::{self, Keyword, Name, Strength};
use super::random::{self, Shape};
use super::structural::is_template;
use super::value::{self, Value};
use super::{columns, elsewhere, given, kind};

/// How far the text after a keyword was read.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// One past the last byte that was read; of a secret, its end.
    pub end: usize,
    /// Whether a secret was found: the text is spoken for up to its end.
    pub found: bool,
}

/// Looks at the keyword at `at` and adds the span of its value, if it is a secret.
pub fn assignment(text: &[u8], at: usize, keyword: &'static Keyword, spans: &mut Vec<Span>) -> Look {
    let nothing = |end| Look { end, found: false };
    // What was redacted before, which is what most names are followed by where a text is looked at again.
    let after = at + keyword.text.len();
    let signs = |b: &&u8| matches!(**b, b'=' | b':' | b' ' | b'"' | b'\'' | b'\\');
    let value = after + text[after..].iter().take(4).take_while(signs).count();
    if value > after && text[value..].starts_with(super::PLACEHOLDER.as_bytes()) {
        return nothing(after);
    }
    let Some(name) = names::name(text, at, keyword.text.len(), keyword) else {
        return nothing(at + keyword.text.len());
    };
    let flag = is_flag(text, &name) || keyword.text == "identified by";
    let value = value::value_after(text, name.end, flag);
    let Some(value) = value.filter(|v| is_secret(text, &name, v, &text[v.start..v.end], keyword, flag))
    else {
        if let Some((start, end)) = value.and_then(|v| second_of_pair(text, &name, v.end)) {
            spans.push(Span::new(start, end, keyword.kind, 2));
        }
        return nothing(value.map_or(name.end, |v| v.end.max(at)) + around(text, &name, keyword, spans));
    };
    let mut range = (value.start, value.end);
    let bytes_of_value = &text[range.0..range.1];
    if name.strength == Strength::Strong
        && let Some(end) = given::groups_end(text, value.start, value.end)
    {
        range.1 = end;
    }
    if !value.closed && value.quoted {
        // A literal that was cut off: to the end of the line, less an ellipsis and what follows it.
        if let Some(cut) = memchr::memmem::find(bytes_of_value, b"...") {
            range.1 = range.0 + cut;
        }
        while range.1 > range.0 && bytes::is(text[range.1 - 1], BLANK) {
            range.1 -= 1;
        }
    }
    if range.0 < range.1 {
        let mut span = Span::new(range.0, range.1, keyword.kind, 2);
        // A bare JSON number becomes a string, so that JSON stays JSON.
        span.quote = !value.quoted
            && value.quoted_key
            && value.separator == b':'
            && text[range.0..range.1]
                .iter()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
        spans.push(span);
    }
    Look { end: range.1, found: true }
}

/// Looks at what stands before the name and in the lines below. Gives how many bytes were read.
fn around(text: &[u8], name: &Name, keyword: &Keyword, spans: &mut Vec<Span>) -> usize {
    if name.strength == Strength::Weak {
        return 0;
    }
    if let Some((start, end)) = elsewhere::compared_before(text, name.start) {
        let token = &text[start..end];
        if !is_template(token) && !is_nothing(token) && is_told(name, token) {
            spans.push(Span::new(start, end, keyword.kind, 2));
        }
        return end - start;
    }
    if name.strength < Strength::Strong {
        return 0;
    }
    let (cells, read) = columns::below(text, name.start, name.end);
    for (start, end) in cells {
        if !is_template(&text[start..end]) && !is_path_or_code(&text[start..end]) {
            spans.push(Span::new(start, end, keyword.kind, 2));
        }
    }
    read
}

/// The password of `id/pw: bob / …`, where the user's name ends at `end`.
fn second_of_pair(text: &[u8], name: &Name, end: usize) -> Option<(usize, usize)> {
    let users = [&b"id/"[..], b"user/", b"username/", b"login/", b"account/"];
    let before = text[name.start.saturating_sub(9)..name.start].to_ascii_lowercase();
    users.iter().find(|user| before.ends_with(user))?;
    let sign = bytes::run_end(text, end, BLANK, 2);
    if !matches!(text.get(sign), Some(b'/' | b',')) {
        return None;
    }
    let start = bytes::run_end(text, sign + 1, BLANK, 2);
    let limit = text.len().min(start + 64);
    let stop = text[start..limit]
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b')' | b'<' | b'\\'))
        .map_or(limit, |i| start + i);
    let word = &text[start..stop];
    (word.len() >= 6 && random::is_mixed(word) && !is_template(word)).then_some((start, stop))
}

/// Whether a literal without an assignment is what a name promises: letters and digits or signs.
fn is_told(name: &Name, token: &[u8]) -> bool {
    let least = if name.strength == Strength::Strong || has_sign(token) { 6 } else { 8 };
    token.len() >= least
        && (name.strength == Strength::Strong || name.owned && !is_made_up(token))
        && (random::is_mixed(token) || has_sign(token))
        && !is_path_or_code(token)
        && !token.iter().any(|b| bytes::is(*b, BLANK))
}

/// Whether the name is a flag of a command (`--password`, `-storepass`) or what a line sets without a sign
/// (`ENV PASSWORD …`, `setenv PASSWORD …`).
fn is_flag(text: &[u8], name: &Name) -> bool {
    let before = &text[bytes::line_start(text, name.start, 16)..name.start];
    let dashes = text[name.start..].iter().take_while(|b| **b == b'-').count();
    match dashes {
        0 => [&b"ENV "[..], b"setenv ", b"SetEnv "].iter().any(|word| before.ends_with(word)),
        1 => {
            bytes::is_at(text, name.start + 1, LOWER | UPPER)
                && before.last().is_some_and(|b| matches!(b, b' ' | b'"' | b'\''))
        }
        _ => dashes == 2,
    }
}

fn is_secret(
    text: &[u8],
    name: &Name,
    value: &Value,
    bytes_of_value: &[u8],
    keyword: &Keyword,
    flag: bool,
) -> bool {
    let token = bytes_of_value.trim_ascii();
    if token.is_empty()
        || is_template(token)
        || is_nothing(token)
        || value.quoted && !value.quoted_key && goes_on_after_literal(text, name, value, token)
        || names_itself(&text[name.start..name.end], token)
        || token.starts_with(super::PLACEHOLDER.as_bytes())
        || name.strength < Strength::Strong && is_stand_in(token)
        || value.separator == b',' && value.quoted && is_key(text, value.end)
    {
        return false;
    }
    let shape = Shape::of(token);
    let core = shape.len >= 12
        && !token.iter().any(|b| bytes::is(*b, BLANK))
        && shape.is_likely_random()
        && !is_path_or_code(token);
    let literal = value.quoted
        && name.strength == Strength::Strong
        && random::is_mixed(token)
        && !token.iter().any(|b| bytes::is(*b, BLANK));
    if value.next_line && !core && !literal {
        return false;
    }
    if value.quoted && (32..=128).contains(&token.len()) && is_dense(token, &shape) {
        return true;
    }
    if random::is_uuid(token) {
        // The identifier of a secret of an AppRole is the secret.
        return (name.strength >= Strength::Medium || text[..name.end].ends_with(b"secret_id"))
            && !matches!(value.separator, b',' | b'i' | b'(' | b'>' if name.strength < Strength::Strong);
    }
    match name.strength {
        // `generate_password_hash("…")`: what is hashed.
        Strength::Weak
            if value.separator == b'('
                && value.quoted
                && keyword.strength == Strength::Strong
                && text[name.start..name.end].ends_with(b"_hash") =>
        {
            shape.len >= 6 && random::is_mixed(token) && !is_path_or_code(token)
        }
        Strength::Weak => {
            core && !is_fingerprint(&text[name.start..name.end], token)
                && (shape.is_random() || (shape.hex && shape.len >= 24))
                && shape.digits > 0
                && !looks_like_identifier(token)
                && !super::entropy::is_named_digest(token)
        }
        Strength::Medium | Strength::Strong if !value.quoted => {
            if core && (shape.digits > 0 || shape.score > 10.0) {
                return true;
            }
            if name.strength == Strength::Medium {
                return bare_token(text, name, value, token, flag);
            }
            name.strength == Strength::Strong && bare_password(text, name, value, token, keyword, flag)
        }
        Strength::Medium => {
            if value.separator == b',' {
                return core || elsewhere::is_given_to_a_call(text, name.start) && is_told(name, token);
            }
            if core || name.owned && is_told(name, token) {
                return true;
            }
            let signs = name.owned && shape.len >= 6 && has_sign(token) && !is_made_up(token);
            // One word with a number at its end, longer than words are.
            let word = shape.len >= 16 && shape.digits >= 3 && token.iter().all(|b| bytes::is(*b, ALNUM));
            !is_path_or_code(token)
                && (signs
                    || word && !is_made_up(token)
                    || random::is_mixed(token) && shape.len >= 8 && shape.score > -6.0)
        }
        Strength::Strong => {
            if matches!(value.separator, b',' | b'i' | b'(' | b' ' | b'>') && !flag {
                return core
                    || ((random::is_mixed(token) || has_sign(token))
                        && shape.len >= 6
                        && !is_path_or_code(token)
                        && !token.iter().any(|b| bytes::is(*b, BLANK)));
            }
            let owned =
                name.owned || text[..name.end].ends_with(b"_pass") || text[..name.end].ends_with(b"Pass");
            if keyword.text == "secret" || keyword.text == "pass" && !owned {
                let word =
                    token.iter().all(|b| bytes::is(*b, LOWER | UPPER | UNDERSCORE | BLANK | bytes::DASH));
                return shape.len >= 4
                    && (!word || core || shape.len >= 6 && !token.iter().any(|b| bytes::is(*b, BLANK)));
            }
            shape.len >= 3 && !is_sentence(token)
        }
    }
}

/// Whether a key is named by its fingerprint: `GPG_KEY=A035…`.
fn is_fingerprint(name: &[u8], token: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    token.len() == 40 && Shape::of(token).hex && [&b"gpg"[..], b"pgp"].iter().any(|n| name.starts_with(n))
}

/// Whether the quote after the separator ends a literal that holds the name rather than begins the value, as in
/// `"…?token=" + quote(token)`.
fn goes_on_after_literal(text: &[u8], name: &Name, value: &Value, token: &[u8]) -> bool {
    if !matches!(token[0], b'+' | b',' | b')' | b'%' | b'.' | b']' | b'}') {
        return false;
    }
    let quote = text[value.start - 1];
    let line = bytes::line_start(text, name.start, 512);
    let before = &text[line..name.start];
    // Within a literal that is escaped itself only such quotes count.
    let quotes = if text[..value.start - 1].ends_with(b"\\") {
        memchr::memmem::find_iter(before, &[b'\\', quote]).count()
    } else {
        bytes::count(before, quote)
    };
    quotes % 2 == 1
}

/// Whether a value is but the name again, as in `secret_key="secret-key"`.
fn names_itself(name: &[u8], token: &[u8]) -> bool {
    let letters = |word: &'_ [u8]| -> Vec<u8> {
        word.iter().filter(|b| bytes::is(**b, ALNUM)).map(u8::to_ascii_lowercase).collect()
    };
    token.len() <= 2 * name.len() && letters(name) == letters(token)
}

/// A value without quotes after a name that may hold a secret, which is not random beyond doubt.
fn bare_token(text: &[u8], name: &Name, value: &Value, token: &[u8], flag: bool) -> bool {
    if !(name.owned || flag) || !is_told(name, token) || is_made_up(token) {
        return false;
    }
    if value.separator == b'>' {
        return text[value.end..].starts_with(b"</");
    }
    let assigned = matches!(value.separator, b'=' | b':') || flag && value.separator == b' ';
    let line = bytes::line_end(text, value.end, 8);
    let ends_line = text[value.end..line].trim_ascii().is_empty();
    assigned && (flag || has_sign(token) && ends_line || is_whole_literal(text, name, value))
}

/// Whether a literal whose closing quote stands at `end` is the name of an object's field.
fn is_key(text: &[u8], end: usize) -> bool {
    let escapes = text[end..].iter().take(4).take_while(|b| **b == b'\\').count();
    text.get(bytes::run_end(text, end + escapes + 1, BLANK, 2)) == Some(&b':')
}

/// Whether a literal consists of the name and its value: `"db_password=…"`.
fn is_whole_literal(text: &[u8], name: &Name, value: &Value) -> bool {
    let quote = name.start.checked_sub(1).map(|i| text[i]).filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    quote.is_some() && text.get(value.end).copied() == quote
}

/// A value without quotes after a name that always holds a secret.
fn bare_password(
    text: &[u8],
    name: &Name,
    value: &Value,
    token: &[u8],
    keyword: &Keyword,
    flag: bool,
) -> bool {
    if value.separator == b'i' && keyword.kind == kind::PASSWORD {
        return is_told_in_prose(token);
    }
    if is_path_or_code(token) || token.len() < 3 || matches!(value.separator, b',' | b'i' | b'(' | b'~') {
        return false;
    }
    if matches!(text.get(value.end), Some(b'(' | b'[' | b'.')) {
        return false;
    }
    if value.separator == b'>' {
        return text[value.end..].starts_with(b"</");
    }
    let number = token.iter().all(u8::is_ascii_digit);
    let identifier =
        token.iter().all(|b| bytes::is(*b, ALNUM | UNDERSCORE | bytes::DOT)) && !token[0].is_ascii_digit();
    let word = token.iter().all(|b| bytes::is(*b, LOWER | UPPER | UNDERSCORE | bytes::DASH | bytes::DOT));
    let code = matches!(text.get(value.end), Some(b')' | b',' | b']' | b'}' | b':')) && identifier;
    if code {
        return false;
    }
    let key = &text[name.start..name.end];
    let environment = value.separator == b'='
        && !value.spaced
        && key.iter().all(|b| !bytes::is(*b, LOWER))
        && (name.start == 0 || !bytes::is(text[name.start - 1], ALNUM));
    let line_end = bytes::line_end(text, value.end, 80);
    let rest_of_line = text[value.end..line_end].trim_ascii();
    // Another setting may follow: `ansible_ssh_pass=… ansible_user=bob`.
    let next = bytes::run_end(rest_of_line, 0, bytes::NAME, 40);
    let ends_line = rest_of_line.is_empty() && line_end - value.end < 8
        || value.separator == b'='
            && next > 0
            && rest_of_line.get(next) == Some(&b'=')
            && text[value.end] == b' '
            && key.contains(&b'_');
    let begins_line = (name.start == 0 || text[name.start - 1] == b'\n') && !key.contains(&b'.');
    let setting = value.separator == b':' && value.spaced && !value.next_line && !value.quoted_key;
    let is_word_for_it =
        ["password", "passwd", "passphrase", "pwd"].iter().any(|w| key.ends_with(w.as_bytes()));
    if number {
        return token.len() >= 6
            && (value.separator == b'=' && !value.spaced || setting && ends_line && is_word_for_it)
            || token.len() >= 4 && (value.quoted_key || environment);
    }
    let before = name.start.checked_sub(1).map(|i| text[i]);
    let query = matches!(before, Some(b'?' | b'&' | b';')) && value.separator == b'=' && !value.spaced;
    if word {
        let shouting = token.iter().all(|b| bytes::is(*b, UPPER | UNDERSCORE));
        let lower = token.iter().all(|b| bytes::is(*b, LOWER));
        return (environment && token.len() >= 4 && !shouting)
            || lower
                && is_word_for_it
                && token.len() >= 6
                && ends_line
                && (setting && is_key_of_line(text, name)
                    || begins_line && value.separator == b'=' && !value.spaced)
                && !STATES.iter().any(|s| s.as_bytes() == token)
            || (is_property(text, name, value) && token.len() >= 4 && !shouting)
            || (query && token.len() >= 4)
            || (flag
                && token.len() >= 6
                && !shouting
                && !STOP.iter().any(|s| s.as_bytes() == token)
                && value.separator == b'=');
    }
    if identifier {
        return environment
            || query
            || flag
            || (value.separator == b':' && ends_line && keyword.text != "secret")
            || (value.separator == b'='
                && !value.spaced
                && (ends_line || is_generated_word(text, value, token)))
            || is_whole_literal(text, name, value) && random::is_mixed(token) && token.len() >= 6;
    }
    true
}

/// Whether a word of letters of both cases and digits ends at a blank, which no code does.
fn is_generated_word(text: &[u8], value: &Value, token: &[u8]) -> bool {
    let shape = Shape::of(token);
    shape.len >= 8
        && shape.digits > 0
        && shape.upper > 0
        && shape.lower > 0
        && bytes::is_at(text, value.end, BLANK)
}

/// Whether nothing but indentation or the sign of a list stands before the name in its line.
fn is_key_of_line(text: &[u8], name: &Name) -> bool {
    let line = bytes::line_start(text, name.start, 64);
    text[line..name.start].iter().all(|b| bytes::is(*b, BLANK) || *b == b'-')
}

/// Whether the line is one of a properties file and nothing else: `datasource.password=…`, `_authToken=…`.
fn is_property(text: &[u8], name: &Name, value: &Value) -> bool {
    const OBJECTS: &[&[u8]] = &[b"self", b"cls", b"args", b"options", b"opts", b"obj", b"this", b"user"];
    let key = &text[name.start..name.end];
    let object = key.split(|b| *b == b'.').next().unwrap_or_default();
    value.separator == b'='
        && !value.spaced
        && (name.start == 0 || text[name.start - 1] == b'\n' || text[name.start - 1] == b':')
        && (key.contains(&b'.') || key.starts_with(b"_auth"))
        && !OBJECTS.contains(&object)
        && bytes::line_end(text, value.end, 1) == value.end
        && (value.end == text.len() || text[value.end] == b'\n')
}
