//! Secrets that are known by the structure around them: URLs with credentials, HTTP headers and JSON web tokens.

use super::bytes::{self, ALNUM, BASE64, BLANK, DASH, DOT, EQUALS, RUN, UNDERSCORE};
use super::engine::Span;
use super::kind;

/// Schemes whose URLs are connection strings of databases, queues and the like.
const CONNECTION_SCHEMES: &[&str] = &[
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "redis",
    "rediss",
    "amqp",
    "amqps",
    "jdbc",
    "mssql",
    "sqlserver",
    "oracle",
    "cockroachdb",
    "cassandra",
    "clickhouse",
    "couchbase",
    "couchdb",
    "neo4j",
    "bolt",
    "db2",
    "snowflake",
    "redshift",
    "presto",
    "trino",
    "hive",
    "influxdb",
    "memcached",
    "nats",
    "kafka",
    "ldap",
    "ldaps",
    "smtp",
    "smtps",
    "imap",
    "imaps",
    "mqtt",
    "mqtts",
    "vertica",
    "firebird",
    "sqlite",
    "cloudsql",
    "pgsql",
    "odbc",
    "stomp",
    "timescaledb",
    "tds",
    "sybase",
    "teradata",
    "databricks",
    "crate",
    "yugabytedb",
];

/// Finds the credentials of the URL whose `://` is at `at`.
pub fn url(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let scheme_start = bytes::run_start(text, at, ALNUM | DASH | DOT | BASE64, 40);
    let scheme_start =
        scheme_start + text[scheme_start..at].iter().rposition(|b| *b == b'/').map_or(0, |i| i + 1);
    let scheme_start = scheme_start + bytes::escape_len(text, scheme_start);
    if scheme_start >= at {
        return;
    }
    let from = at + 3;
    let mut end = from;
    let limit = text.len().min(from + 1024);
    let mut last_at = None;
    let mut colon = None;
    while end < limit {
        let byte = text[end];
        match byte {
            b'@' => last_at = Some(end),
            b':' if colon.is_none() => colon = Some(end),
            b'/' | b'?' | b'#' if last_at.is_some() || colon.is_none_or(|c| end - c < 2) => break,
            b'/' if text[end..].starts_with(b"//") => break,
            0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'{' | b'}' | b'|' => break,
            _ => {}
        }
        end += 1;
    }
    let Some(sign) = last_at else { return };
    let scheme = text[scheme_start..at].to_ascii_lowercase();
    let base = scheme.split(|b| matches!(b, b'+' | b':' | b'.')).next().unwrap_or(&scheme);
    let colon = colon.filter(|c| *c < sign);
    let secret = match colon {
        Some(colon) => &text[colon + 1..sign],
        None => &text[from..sign],
    };
    if secret.is_empty() || secret.starts_with(super::PLACEHOLDER.as_bytes()) || is_template(secret) {
        return;
    }
    if colon.is_some_and(|colon| is_sample(&text[from..colon], secret)) {
        return;
    }
    if CONNECTION_SCHEMES.iter().any(|s| s.as_bytes() == base) && colon.is_some() {
        let stop = text[end..limit.max(end)]
            .iter()
            .position(|b| {
                matches!(b, 0..=b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'|' | b')' | b',')
            })
            .map_or(limit.max(end), |i| end + i);
        let stop = if text[..stop].ends_with(b".") { stop - 1 } else { stop };
        spans.push(Span::new(scheme_start, stop, kind::CONNECTION, 8));
        return;
    }
    if let Some(colon) = colon {
        // `https://TOKEN:x-oauth-basic@host` has its secret in the user's place.
        let user = &text[from..colon];
        if user.len() >= 16 && super::random::Shape::of(user).is_likely_random() {
            spans.push(Span::new(from, colon, kind::TOKEN, 7));
        }
        spans.push(Span::new(colon + 1, sign, kind::PASSWORD, 7));
    } else {
        let shape = super::random::Shape::of(secret);
        if shape.len >= 16 && shape.is_likely_random() {
            spans.push(Span::new(from, sign, kind::TOKEN, 7));
        }
    }
}

/// The password of `user:password@host` without a scheme, whose `@` is at `at`: what stands before it holds letters and
/// digits, and the host is an address or has a name with dots.
pub fn login(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let stops = |b: &u8| {
        matches!(b, 0..=b' ' | b'"' | b'\'' | b'`' | b'/' | b'\\' | b'(' | b'[' | b']' | b',' | b'=' | b'@')
    };
    let from = at.saturating_sub(96);
    let Some(start) =
        text[from..at].iter().rposition(stops).map(|i| from + i + 1).or((from == 0).then_some(0))
    else {
        return;
    };
    let Some(colon) = memchr::memchr(b':', &text[start..at]).map(|i| start + i) else { return };
    let password = &text[colon + 1..at];
    let is_user = colon > start && bytes::run_end(text, start, bytes::NAME, 64) == colon;
    if !is_user || password.len() < 6 || !super::random::is_mixed(password) || password.starts_with(b":") {
        return;
    }
    let end = bytes::run_end(text, at + 1, ALNUM | DOT | DASH, 80);
    let host = text[at + 1..end].strip_suffix(b".").unwrap_or(&text[at + 1..end]);
    let is_address =
        host.split(|b| *b == b'.').count() == 4 && host.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    let last = host.rsplit(|b| *b == b'.').next().unwrap_or_default();
    let is_name = host.contains(&b'.') && last.len() >= 2 && last.iter().all(u8::is_ascii_alphabetic);
    if is_address || is_name || host == b"localhost" {
        spans.push(Span::new(colon + 1, at, kind::PASSWORD, 4));
    }
}

/// Whether a user and a password are but these words, as in documentation and in tests of what reads URLs.
pub fn is_sample(user: &[u8], password: &[u8]) -> bool {
    const USERS: &[&[u8]] = &[b"user", b"username", b"usr", b"name", b"login", b"u", b"me", b"foo"];
    const PASSWORDS: &[&[u8]] =
        &[b"pass", b"password", b"passwd", b"pass%20word", b"pwd", b"pw", b"p", b"bar", b"word"];
    let is_one = |words: &[&[u8]], word: &[u8]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    is_one(USERS, user) && is_one(PASSWORDS, password)
}

/// Looks at the URL-encoded URL whose `%3A%2F%2F` is at `at`: `scheme://user:pass@host` as a parameter of another.
/// Gives where what was found ends.
pub fn encoded_url(text: &[u8], at: usize, spans: &mut Vec<Span>) -> Option<usize> {
    let is_part = |b: &u8| bytes::is(*b, ALNUM | UNDERSCORE | DASH) || matches!(b, b'.' | b'%' | b'+' | b'~');
    let from = at + b"%3A%2F%2F".len();
    let (mut colon, mut sign) = (None, None);
    let mut end = from;
    // No further than the host's name, so that text full of such URLs is looked at once.
    while end < text.len().min(from + 512) && is_part(&text[end]) && sign.is_none() {
        match text.get(end..end + 3) {
            Some(b"%2F" | b"%2f") => return None,
            Some(b"%3A" | b"%3a") if colon.is_none() => colon = Some(end),
            Some(b"%40") => sign = Some(end),
            _ => {}
        }
        end += 1;
    }
    let (colon, sign) = (colon? + 3, sign?);
    let start = at - text[..at].iter().rev().take(32).take_while(|b| is_part(b)).count();
    let scheme = text[start..at].to_ascii_lowercase();
    let base = scheme.split(|b| !bytes::is(*b, ALNUM)).next().unwrap_or_default();
    if CONNECTION_SCHEMES.iter().any(|s| s.as_bytes() == base) {
        end = sign + text[sign..].iter().take(512).take_while(|b| is_part(b)).count();
        spans.push(Span::new(start, end, kind::CONNECTION, 8));
    } else if colon < sign {
        spans.push(Span::new(colon, sign, kind::PASSWORD, 7));
    }
    Some(end)
}

/// Whether `value` is a gap to be filled in rather than a value.
pub fn is_template(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    value.iter().all(|b| matches!(b, b'*' | b'x' | b'X' | b'.' | b'#' | b'?' | b'-' | b'_'))
        || (value.starts_with(b"$")
            && value.len() > 1
            && value[1..].iter().all(|b| bytes::is(*b, RUN) || matches!(b, b'{' | b'}' | b'(' | b')' | b'.'))
            && !value[1..].iter().any(u8::is_ascii_digit))
        || (value.starts_with(b"${") && value.ends_with(b"}"))
        || (value.starts_with(b"{")
            && value.ends_with(b"}")
            && value.iter().all(|b| {
                bytes::is(*b, RUN | DOT | BLANK)
                    || matches!(
                        b,
                        b'{' | b'}' | b'|' | b'(' | b')' | b'[' | b']' | b'\'' | b':' | b'!' | b','
                    )
            }))
        || (value.starts_with(b"<") && value.ends_with(b">"))
        || (value.starts_with(b"%(") && value.ends_with(b")s"))
        || value.starts_with(b"[REDACTED")
        || value == b"%s"
        || value == b"%r"
}

/// Finds the JSON web token that starts with `eyJ` at `at`.
pub fn jwt(text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
    const PART: u16 = RUN;
    if !bytes::starts_word(text, at) {
        return at + 3;
    }
    let header = bytes::run_end(text, at, PART | EQUALS, 4096);
    if header - at < 12 {
        return header;
    }
    let mut end = header;
    let mut parts = 1;
    while parts < 5 && text.get(end) == Some(&b'.') {
        let next = bytes::run_end(text, end + 1, PART | EQUALS, 16 * 1024);
        if next == end + 1 && parts != 1 {
            break;
        }
        end = next;
        parts += 1;
    }
    // A header alone is one cut off by an ellipsis, if it is none of the many things that begin so.
    if parts >= 2 && end > header + 4 || text[header..].starts_with(b"...") && header - at >= 16 {
        spans.push(Span::new(at, end, kind::JWT, 8));
    }
    end
}

/// The credential after the name of an `Authorization` header or of a `Cookie` header that ends at `at`. Gives
/// where the value ends that was read.
pub fn header(text: &[u8], at: usize, cookie: bool, spans: &mut Vec<Span>) -> Option<usize> {
    let mut from = at;
    while from < text.len() && from < at + 8 && matches!(text[from], b'"' | b'\'' | b'\\' | b']' | b')') {
        from += 1;
    }
    from = bytes::run_end(text, from, BLANK, 8);
    if !matches!(text.get(from), Some(b':' | b'=' | b',')) {
        return None;
    }
    from = bytes::run_end(text, from + 1, BLANK, 8);
    let mut quote = None;
    while from < text.len() && matches!(text[from], b'"' | b'\'' | b'\\' | b'b' | b'f') {
        match text[from] {
            b'b' | b'f' if !matches!(text.get(from + 1), Some(b'"' | b'\'')) => break,
            b'"' | b'\'' => {
                quote = Some(text[from]);
                from += 1;
                break;
            }
            _ => from += 1,
        }
    }
    let limit = text.len().min(from + 8192);
    let mut end = from;
    while end < limit {
        match text[end] {
            b'\n' | b'\r' | b'"' | b'<' | b'`' | b'\\' => break,
            b'\'' if quote != Some(b'"') => break,
            b',' | b')' | b'}' if quote.is_none() && !cookie => break,
            _ => end += 1,
        }
    }
    while end > from && bytes::is(text[end - 1], BLANK) {
        end -= 1;
    }
    let value = &text[from..end];
    if value.is_empty() || is_template(value) {
        return Some(end);
    }
    if cookie {
        if memchr::memchr(b'=', value).is_some() {
            cookies(text, from, end, spans);
        }
        return Some(end);
    }
    // `Scheme credential`: the scheme stays.
    let scheme = bytes::run_end(text, from, ALNUM | DASH | UNDERSCORE, 40);
    let credential = bytes::run_end(text, scheme, BLANK, 4);
    // A scheme whose credential is added to the literal, or a challenge.
    if is_scheme(&text[from..scheme]) && (scheme == end || text[credential..].starts_with(b"realm=")) {
        return Some(end);
    }
    let (start, kind) = if credential > scheme && credential < end {
        let bearer = text[from..scheme].eq_ignore_ascii_case(b"bearer");
        (credential, if bearer { kind::BEARER } else { kind::AUTHORIZATION })
    } else {
        (from, kind::AUTHORIZATION)
    };
    if start == credential && takes_parameters(&text[from..scheme]) {
        let end = parameters_end(text, credential).max(end);
        spans.push(Span::new(start, end, kind, 6));
        return Some(end);
    }
    let value = &text[start..end];
    if is_template(value) || value.len() < 4 {
        return Some(end);
    }
    let bare_word = value.iter().all(|b| bytes::is(*b, bytes::LOWER | bytes::UPPER | UNDERSCORE | DOT));
    let random = value.len() >= 20 && super::random::Shape::of(value).is_random();
    if quote.is_none() && (bare_word && !random || memchr::memchr(b'(', value).is_some()) {
        return Some(end);
    }
    spans.push(Span::new(start, end, kind, 6));
    Some(end)
}

/// Whether `word` is the name of a scheme rather than a credential (RFC 7235 and the IANA registry).
fn is_scheme(word: &[u8]) -> bool {
    let schemes = [&b"bearer"[..], b"basic", b"digest", b"token", b"apikey", b"negotiate", b"oauth", b"hawk"];
    schemes.iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Whether a scheme's credential is a list of parameters, some of them in quotes.
fn takes_parameters(scheme: &[u8]) -> bool {
    [&b"digest"[..], b"oauth", b"hawk", b"mac", b"signature"].iter().any(|s| scheme.eq_ignore_ascii_case(s))
}

/// Where a list `name="value", name=value` ends that begins at `at`.
fn parameters_end(text: &[u8], at: usize) -> usize {
    let mut end = at;
    for _ in 0..32 {
        let name = bytes::run_end(text, end, RUN, 40);
        if name == end || text.get(name) != Some(&b'=') {
            break;
        }
        end = match super::value::literal(text, name + 1) {
            Some((_, _, after)) => after,
            None => bytes::run_end(text, name + 1, RUN | DOT | BASE64 | EQUALS | bytes::PUNCTUATION, 512),
        };
        let comma = bytes::run_end(text, end, BLANK, 2);
        if text.get(comma) != Some(&b',') {
            break;
        }
        end = bytes::run_end(text, comma + 1, BLANK, 2);
    }
    end
}

/// The values of a `name=value; name=value` list; attributes of `Set-Cookie` stay.
fn cookies(text: &[u8], from: usize, end: usize, spans: &mut Vec<Span>) {
    let mut at = from;
    while at < end {
        let stop = memchr::memchr(b';', &text[at..end]).map_or(end, |i| at + i);
        if let Some(equals) = memchr::memchr(b'=', &text[at..stop]) {
            let name = text[at..at + equals].trim_ascii().to_ascii_lowercase();
            let value = at + equals + 1;
            let attribute =
                [&b"path"[..], b"domain", b"expires", b"max-age", b"samesite", b"version", b"comment"];
            if !attribute.contains(&&name[..]) && stop - value >= 4 && !is_template(&text[value..stop]) {
                spans.push(Span::new(value, stop, kind::COOKIE, 6));
            }
        }
        at = stop + 1;
    }
}
