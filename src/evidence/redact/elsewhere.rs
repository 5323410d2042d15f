//! Values that do not stand right after their name: in another attribute or element, as the default of a block or of a
//! look-up in the environment, in a call, behind a wrapper.

use super::bytes::{self, BLANK, LOWER, NAME, UPPER};
use super::value::literal;

/// Where the literal begins that a call is given which goes on after a name at `at`: `Password::from("…")`,
/// `(password).toBe("…")`, `'#password').type('…')`.
pub fn called(text: &[u8], at: usize) -> Option<usize> {
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
        b"equalsIgnoreCase",
        b"compareTo",
        b"Equals",
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

/// Calls that compare their two arguments.
const COMPARISONS: &[&[u8]] = &[
    b"strcmp(",
    b"strncmp(",
    b"strcasecmp(",
    b"assert_eq!(",
    b"assert_ne!(",
    b"assertEqual(",
    b"assertEquals(",
    b"assertNotEqual(",
    b"assertSame(",
    b"compare_digest(",
    b"hash_equals(",
    b"Equal(",
    b"equal(",
    b"equals(",
    b"Equals(",
];

/// Calls that set what their first argument names to their second.
const SETTERS: &[&[u8]] = &[
    b".append(",
    b".put(",
    b".set(",
    b".add(",
    b".field(",
    b".header(",
    b".param(",
    b".queryParam(",
    b".formParam(",
    b".setProperty(",
    b".setRequestHeader(",
    b".setHeader(",
    b".addHeader(",
    b".setItem(",
    b".setParameter(",
    b".addParameter(",
    b".addProperty(",
    b".putString(",
    b".setString(",
    b".setenv(",
    b".env(",
    b".basic_auth(",
    b".property(",
    b".option(",
    b"define(",
    b"putenv(",
    b"setenv(",
];

/// Whether the names or literals that begin at `start` are the first argument of a call that compares or sets.
pub fn is_given_to_a_call(text: &[u8], start: usize) -> bool {
    let quotes = |b: &&u8| matches!(**b, b'"' | b'\'' | b'\\');
    let open = start - text[start.saturating_sub(4)..start].iter().rev().take_while(quotes).count();
    let near = &text[open.saturating_sub(24)..open];
    let near = near.trim_ascii_end();
    near.ends_with(b"(") && COMPARISONS.iter().chain(SETTERS).any(|call| near.ends_with(call))
}

/// The literal that is compared with the name that begins at `start` from the other side: `"…" == password`,
/// `"…".equals(password)`, `strcmp("…", password)`.
pub fn compared_before(text: &[u8], start: usize) -> Option<(usize, usize)> {
    const LONGEST: usize = 128;
    let mut at = bytes::run_start(text, start, BLANK, 2);
    let before = &text[at.saturating_sub(20)..at];
    let mut in_call = false;
    if before.ends_with(b"==") || before.ends_with(b"!=") {
        while at > 0 && matches!(text[at - 1], b'=' | b'!') && start - at < 6 {
            at -= 1;
        }
        at = bytes::run_start(text, at, BLANK, 2);
    } else if let Some(call) = [&b".equals("[..], b".equalsIgnoreCase(", b".Equals(", b".compareTo("]
        .iter()
        .find(|c| before.ends_with(c))
    {
        at -= call.len();
    } else if before.ends_with(b",") {
        at -= 1;
        in_call = true;
    } else {
        return None;
    }
    let quote = *text.get(at.checked_sub(1)?).filter(|q| matches!(q, b'"' | b'\''))?;
    let end = at - 1;
    let from = end.saturating_sub(LONGEST);
    let open = from + memchr::memrchr(quote, &text[from..end])?;
    // The backslashes before the quotes, if they are escaped themselves.
    let escapes = text[from..open].iter().rev().take(4).take_while(|b| **b == b'\\').count();
    let end = end.saturating_sub(escapes).max(open + 1);
    let inside = &text[open + 1..end];
    if inside.contains(&b'\n') || in_call && !is_given_to_a_call(text, open) {
        return None;
    }
    Some((open + 1, end))
}

/// The literal after `default=` in `"PASSWORD", default="…"`, if that stands at `at`.
pub fn default(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let word = bytes::run_end(text, at, BLANK, 4);
    text[word..].starts_with(b"default=").then_some((b',', word + 8))
}

/// Where the value of `default` begins in the block of settings whose lines begin at `at`.
pub fn block_default(text: &[u8], at: usize) -> Option<usize> {
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

/// Where the default of a template's parameter begins, whose declaration goes on after its name's colon at `at`:
/// `"DbPassword": {"Type": "String", "Default": "…"}`, and the same in lines of YAML.
pub fn declared_default(text: &[u8], at: usize) -> Option<usize> {
    const LONGEST: usize = 160;
    let near = &text[at..text.len().min(at + LONGEST)];
    let is_default =
        |word: &[u8]| word.eq_ignore_ascii_case(b"default") || word.eq_ignore_ascii_case(b"value");
    match near.first()? {
        b'{' => {
            let end = memchr::memchr(b'}', near).unwrap_or(near.len());
            let colon = memchr::memchr_iter(b':', &near[..end]).find(|colon| {
                let word = near[..*colon].trim_ascii_end();
                let word = word.strip_suffix(b"\"").unwrap_or(word);
                is_default(&word[bytes::run_start(word, word.len(), LOWER | UPPER, 12)..])
            })?;
            Some(bytes::run_end(text, at + colon + 1, BLANK, 8))
        }
        b'\n' => {
            let mut line = 1;
            for _ in 0..4 {
                let word = bytes::run_end(near, line, BLANK, 24);
                let colon = bytes::run_end(near, word, NAME, 24);
                if word == line || near.get(colon) != Some(&b':') {
                    return None;
                }
                if is_default(&near[word..colon]) {
                    return Some(at + bytes::run_end(near, colon + 1, BLANK, 8));
                }
                line = memchr::memchr(b'\n', &near[colon..])? + colon + 1;
            }
            None
        }
        _ => None,
    }
}

/// Where the literal begins that stands in for what is looked up at `at` in the environment or the settings:
/// `os.environ.get("X", "…")`, `ENV["X"] || "…"`, `env::var("X").unwrap_or("…")`.
pub fn fallback(text: &[u8], at: usize) -> Option<usize> {
    const LOOK_UPS: &[&[u8]] = &[
        b"os.environ.get(",
        b"os.getenv(",
        b"environ.get(",
        b"getenv(",
        b"ENV[",
        b"ENV.fetch(",
        b"System.getenv(",
        b"System.get_env(",
        b"System.getProperty(",
        b"process.env.",
        b"process.env[",
        b"import.meta.env.",
        b"env(",
        b"env.str(",
        b"env::var(",
        b"std::env::var(",
        b"config(",
        b"config.get(",
        b"settings.get(",
        b"conf.get(",
        b"Environment.GetEnvironmentVariable(",
        b"$_ENV[",
        b"$_SERVER[",
    ];
    if !text.get(at).is_some_and(|b| b"ceEgiopsS$".contains(b)) {
        return None;
    }
    let look_up = LOOK_UPS.iter().find(|l| text[at..].starts_with(l))?;
    let from = at + look_up.len();
    let mut from = match literal(text, from) {
        Some((_, _, after)) => after,
        None => bytes::run_end(text, from, NAME, 64),
    };
    if text.get(from) == Some(&b',') {
        from = bytes::run_end(text, from + 1, BLANK, 4);
        if text[from..].starts_with(b"default=") {
            from += 8;
        }
    } else {
        from += text[from..].iter().take(2).take_while(|b| matches!(b, b')' | b']')).count();
        from = bytes::run_end(text, from, BLANK, 2);
        let sign = [&b"or"[..], b"||", b"??", b"?:", b".unwrap_or(", b".orElse(", b".unwrap_or_else(|_| "]
            .into_iter()
            .find(|sign| text[from..].starts_with(sign))?;
        from = bytes::run_end(text, from + sign.len(), BLANK, 2);
    }
    let quote = from + usize::from(bytes::is_at(text, from, LOWER | UPPER));
    matches!(text.get(quote), Some(b'"' | b'\'' | b'`')).then_some(from)
}

/// What may stand between a name and the value in `"name": "token", "type": "text", "value": "…"`.
const BETWEEN: &[&[u8]] = &[
    b"type",
    b"enabled",
    b"disabled",
    b"description",
    b"encrypted",
    b"secure",
    b"sensitive",
    b"scope",
    b"format",
    b"kind",
    b"id",
    b"class",
    b"placeholder",
    b"autocomplete",
    b"required",
    b"in",
    b"protected",
    b"masked",
    b"secret",
    b"ispassword",
    b"issecret",
];

/// The separator after `value` in `"name": "token", "value": "…"`, if that stands at `at`.
pub fn attribute(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut from = at;
    for _ in 0..3 {
        let limit = text.len().min(from + 48);
        let skipped = |b: &u8| bytes::is(*b, BLANK) || matches!(b, b'\n' | b'"' | b'\'' | b'\\' | b',');
        from += text[from..limit].iter().take_while(|b| skipped(b)).count();
        let word_end = bytes::run_end(text, from, NAME, 20);
        let word = text[from..word_end].to_ascii_lowercase();
        let mut end = word_end;
        while end < text.len() && end < word_end + 4 && matches!(text[end], b'"' | b'\'' | b'\\') {
            end += 1;
        }
        end = bytes::run_end(text, end, BLANK, 4);
        if !matches!(text.get(end), Some(b':' | b'=')) {
            return None;
        }
        if [&b"value"[..], b"content", b"default", b"defaultvalue"].contains(&&word[..]) {
            return Some((b'=', end + 1));
        }
        if !BETWEEN.contains(&&word[..]) {
            return None;
        }
        // Over the other attribute's value.
        from = bytes::run_end(text, end + 1, BLANK, 4);
        let escapes = text[from..].iter().take(3).take_while(|b| **b == b'\\').count();
        from = match text.get(from + escapes) {
            Some(&quote @ (b'"' | b'\'')) => {
                let open = from + escapes + 1;
                open + memchr::memchr(quote, &text[open..text.len().min(open + 64)])? + 1
            }
            _ => bytes::run_end(text, from, NAME, 12),
        };
    }
    None
}

/// Whether the line that ends at `end` is `name: …` or `key: …`.
pub fn is_named(text: &[u8], end: usize) -> bool {
    let line = &text[bytes::line_start(text, end, 120)..end];
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"- ").unwrap_or(line);
    [&b"name:"[..], b"key:", b"\"name\":", b"\"key\":"].iter().any(|key| line.starts_with(key))
}

/// Where the value begins of which the name ends at `at` and stands in an element or attribute of XML before it:
/// `<key>password</key><string>…`, `<property name="password"><value>…`.
pub fn element(text: &[u8], at: usize) -> Option<usize> {
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
pub fn skip_wrapper(text: &[u8], at: usize) -> usize {
    let mut at = at;
    if text[at..].starts_with(b"new ") {
        at += 4;
    }
    for _ in 0..2 {
        let Some(inside) = wrapped(text, at) else { break };
        at = bytes::run_end(text, inside, BLANK, 1);
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
        && !is_object(text, bracket)
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

/// Whether an object with names begins at `at` rather than a set.
fn is_object(text: &[u8], at: usize) -> bool {
    let name = bytes::run_end(text, at + 2, NAME, 40);
    let colon = bytes::run_end(text, name + 1, BLANK, 2);
    text[at] == b'{' && matches!(text.get(name), Some(b'"' | b'\'')) && text.get(colon) == Some(&b':')
}

/// Where what a wrapper holds begins, if one stands at `at`: a constructor, a decoder, a cast.
fn wrapped(text: &[u8], at: usize) -> Option<usize> {
    const WRAPPERS: &[&[u8]] = &[
        b"SecretStr(",
        b"SecretBytes(",
        b"Secret(",
        b"str(",
        b"bytes(",
        b"quote(",
        b"bytearray(",
        b"Password(",
        b"Token(",
        b"[]byte(",
        b"String(",
        b"String.valueOf(",
        b"String::from(",
        b"std::string(",
        b"QString(",
        b"TEXT(",
        b"aws.String(",
        b"pulumi.secret(",
        b"Some(",
        b"Optional.of(",
        b"Buffer.from(",
        b"b64decode(",
        b"base64.b64decode(",
        b"bytes.fromhex(",
        b"unhexlify(",
        b"SecureString(",
        b"GuardedString(",
        b"to_bytes(",
    ];
    const CASTS: &[&[u8]] =
        &[b"(String)", b"(string)", b"(char *)", b"(char*)", b"(const char *)", b"(const char*)"];
    let rest = &text[at..text.len().min(at + 24)];
    match *rest.first()? {
        b'(' => CASTS.iter().find(|cast| rest.starts_with(cast)).map(|cast| at + cast.len()),
        first if bytes::is(first, LOWER | UPPER) || first == b'[' => {
            if let Some(word) = [&b"Just "[..], b"pack "].iter().find(|word| rest.starts_with(word)) {
                return Some(at + word.len());
            }
            let open = memchr::memchr(b'(', rest)?;
            WRAPPERS.contains(&&rest[..=open]).then_some(at + open + 1)
        }
        _ => None,
    }
}
