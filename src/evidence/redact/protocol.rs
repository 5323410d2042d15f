//! Credentials in statements and in the lines of protocols: columns of SQL, what is encoded for a header, logins of
//! mail servers and stores, hashes of accounts.

use super::bytes::{self, ALNUM, BASE64, BLANK, EQUALS, NAME, RUN, UPPER};
use super::claims;
use super::engine::Span;
use super::kind::{self, Kind};
use super::structural::{is_sample, is_template};
use super::{names, random, value};

/// Calls that encode what they are given in base 64.
pub const ENCODERS: &[&str] = &["b64encode(", "btoa(", "encodebytes(", "base64.encode("];

/// A literal: its content, and where it ends with its quote.
type Literal = (usize, usize, usize);

/// The password in the arguments that begin at `at` of a call that encodes: `b"bob:…"`, `"bob:" + "…"`,
/// `"%s:%s" % ("bob", "…")`, `":".join(("bob", "…"))`. Gives where reading ended.
pub fn encoded(text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
    let end = bytes::line_end(text, at, 240);
    let literals = literals(text, at, end);
    let content = |index: usize| literals.get(index).map_or(&[][..], |(start, stop, _)| &text[*start..*stop]);
    let is_format = matches!(content(0), b"%s:%s" | b"{}:{}" | b"{0}:{1}" | b":");
    let password = if is_format || content(1) == b":" && is_user(content(0)) {
        literals.get(2).filter(|_| is_user(content(usize::from(is_format))))
    } else if content(0).strip_suffix(b":").is_some_and(is_user) {
        let joint = literals.get(1).map_or(&[][..], |second| &text[literals[0].2..second.0]);
        literals.get(1).filter(|_| joint.contains(&b'+'))
    } else {
        let colon = memchr::memchr(b':', content(0));
        let Some(colon) = colon.filter(|colon| is_user(&content(0)[..*colon])) else { return end };
        let password = &content(0)[colon + 1..];
        let before = text[bytes::line_start(text, at, 240)..at].to_ascii_lowercase();
        let told = [&b"basic"[..], b"auth"].iter().any(|word| memchr::memmem::find(&before, word).is_some());
        if !is_sample(&content(0)[..colon], password)
            && !password.iter().any(|b| matches!(b, b' ' | b'/' | b':' | b'{' | b'%'))
            && (told || random::is_mixed(password))
        {
            push(text, (literals[0].0 + colon + 1, literals[0].1), kind::PASSWORD, spans);
        }
        return end;
    };
    if let Some((start, stop, _)) = password {
        push(text, (*start, *stop), kind::PASSWORD, spans);
    }
    end
}

fn is_user(word: &[u8]) -> bool {
    !word.is_empty()
        && word.len() <= 64
        && word.iter().all(|b| bytes::is(*b, NAME) || matches!(b, b'@' | b'+'))
}

/// The first few literals of the call whose arguments are read from `at` on.
fn literals(text: &[u8], at: usize, end: usize) -> Vec<Literal> {
    let mut found = Vec::new();
    let (mut from, mut depth) = (at, 1);
    while from < end && found.len() < 4 && depth > 0 {
        match text[from] {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'"' | b'\'' | b'\\' => match value::literal(text, from) {
                Some(literal) => {
                    from = literal.2;
                    found.push(literal);
                    continue;
                }
                None => return found,
            },
            _ => {}
        }
        from += 1;
    }
    found
}

fn push(text: &[u8], (start, end): (usize, usize), kind: Kind, spans: &mut Vec<Span>) {
    let word = &text[start..end];
    if word.len() >= 4 && !claims::is_nothing(word) && !is_template(word) {
        spans.push(Span::new(start, end, kind, 5));
    }
}

/// Longest list of columns, and longest list of values.
const LONGEST_LIST: usize = 1024;
/// Rows that are read.
const ROWS: usize = 16;

/// The values of the columns whose names say that they are secret: `INSERT INTO users (name, password) VALUES ('bob',
/// '…')`, of which `INSERT INTO ` ends at `at`. Gives where reading ended.
pub fn insert(text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
    let near = text.len().min(at + 160);
    let Some(open) = memchr::memchr(b'(', &text[at..near]).map(|i| at + i + 1) else { return near };
    let is_table =
        |b: &u8| bytes::is(*b, NAME | BLANK) || matches!(b, b'"' | b'`' | b'[' | b']' | b'\\' | b'\n');
    if !text[at..open - 1].iter().all(is_table) {
        return at;
    }
    let limit = text.len().min(open + LONGEST_LIST);
    let Some(close) = memchr::memchr(b')', &text[open..limit]).map(|i| open + i) else { return limit };
    let columns: Vec<_> = text[open..close]
        .split(|b| *b == b',')
        .map(|column| {
            let from = column.iter().position(|b| bytes::is(*b, RUN)).unwrap_or(column.len());
            let to = bytes::run_end(column, from, RUN, 80);
            std::str::from_utf8(&column[from..to]).ok().and_then(names::secret_name)
        })
        .collect();
    if columns.iter().all(Option::is_none) {
        return close;
    }
    let mut from = skip_space(text, close + 1);
    if !text.get(from..from + 6).is_some_and(|word| word.eq_ignore_ascii_case(b"values")) {
        return from;
    }
    from = skip_space(text, from + 6);
    for _ in 0..ROWS {
        if text.get(from) != Some(&b'(') {
            break;
        }
        from += 1;
        let limit = text.len().min(from + LONGEST_LIST);
        for column in &columns {
            from = skip_space(text, from);
            // A function's first literal is what it is applied to.
            let (found, end) = field(text, from, limit);
            if let (Some(kind), Some((start, stop, _))) = (column, found) {
                push(text, (start, stop), kind, spans);
            }
            from = end;
            if text.get(from) != Some(&b',') {
                break;
            }
            from += 1;
        }
        if text.get(from) != Some(&b')') {
            break;
        }
        from = skip_space(text, from + 1);
        if text.get(from) != Some(&b',') {
            break;
        }
        from = skip_space(text, from + 1);
    }
    from
}

/// The first literal of the field of a row that begins at `at`, and where the field ends.
fn field(text: &[u8], at: usize, limit: usize) -> (Option<Literal>, usize) {
    let (mut from, mut depth, mut found) = (at, 0, None);
    while from < limit {
        match text[from] {
            b',' | b')' if depth == 0 => break,
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'\'' | b'"' | b'\\' => match value::literal(text, from) {
                Some(literal) => {
                    from = literal.2;
                    found = found.or(Some(literal));
                    continue;
                }
                None => return (found, limit),
            },
            _ => {}
        }
        from += 1;
    }
    (found, from)
}

/// Skips blanks, line ends and line ends that are spelt out.
fn skip_space(text: &[u8], at: usize) -> usize {
    let mut at = at;
    for _ in 0..64 {
        match text.get(at) {
            Some(b' ' | b'\t' | b'\n' | b'\r') => at += 1,
            Some(b'\\') if matches!(text.get(at + 1), Some(b'n' | b't' | b'r')) => at += 2,
            _ => break,
        }
    }
    at
}

/// What a client sends to log in, whose command ends at `at`: `A1 LOGIN bob …` (RFC 9051), `AUTH PLAIN …` (RFC 4954),
/// `AUTH default …` of Redis.
pub fn dialogue(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let is_login = text[..at].ends_with(b"LOGIN ");
    if !is_login && !text[..at].ends_with(b"AUTH ") {
        return;
    }
    let begin = at - if is_login { 6 } else { 5 };
    if begin > 0 && !matches!(text[begin - 1], b' ' | b'"' | b'\'' | b'\n' | b':' | b'>') {
        return;
    }
    let limit = text.len().min(at + 200);
    let stops = |b: &u8| matches!(b, b'\r' | b'\n' | b'"' | b'\'' | b'\\' | b'`');
    let end = text[at..limit].iter().position(stops).map_or(limit, |i| at + i);
    let first = at + text[at..end].iter().position(|b| *b == b' ').unwrap_or(end - at);
    let second = bytes::run_end(text, first, BLANK, 2).min(end);
    let word = text[second..end].trim_ascii_end();
    if word.contains(&b' ') {
        return;
    }
    let stop = second + word.len();
    if is_login {
        // A command's tag stands before: letters and a number.
        let tag = bytes::run_start(text, begin.saturating_sub(1), ALNUM, 10);
        if random::is_mixed(&text[tag..begin.saturating_sub(1)]) && random::is_mixed(word) && word.len() >= 6
        {
            push(text, (second, stop), kind::PASSWORD, spans);
        }
        return;
    }
    let mechanism = &text[at..first];
    if [&b"PLAIN"[..], b"LOGIN", b"XOAUTH2", b"CRAM-MD5", b"OAUTHBEARER"].contains(&mechanism) {
        if word.len() >= 8 && word.iter().all(|b| bytes::is(*b, ALNUM | BASE64 | EQUALS)) {
            spans.push(Span::new(second, stop, kind::AUTHORIZATION, 6));
        }
        return;
    }
    let (start, stop) = if word.is_empty() { (at, first) } else { (second, stop) };
    let signs = text[start..stop].iter().filter(|b| b"!#$%^&*@+~".contains(b)).count();
    let shape = random::Shape::of(&text[start..stop]);
    if random::is_mixed(&text[start..stop]) && shape.len >= 8 && (signs > 0 || shape.is_random()) {
        push(text, (start, stop), kind::PASSWORD, spans);
    }
}

/// The two hashes of an account of Windows as tools print it (`name:500:…:…:::`), the last of which ends at `at`.
pub fn account_hashes(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    const HASH: usize = 32;
    let is_hash = |from: usize| random::Shape::of(&text[from..from + HASH]).hex;
    let Some(first) = at.checked_sub(2 * HASH + 1).filter(|_| text[at - 1].is_ascii_hexdigit()) else {
        return;
    };
    if text[first + HASH] == b':'
        && is_hash(first)
        && is_hash(first + HASH + 1)
        && first > 0
        && text[first - 1] == b':'
    {
        spans.push(Span::new(first, first + HASH, kind::SECRET, 5));
        spans.push(Span::new(first + HASH + 1, at, kind::SECRET, 5));
    }
}

/// The last field of a line `host:port:database:user:password` (PostgreSQL's password file) that holds `at`; gaps are
/// `*`. Gives where the line ends.
pub fn password_line(text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
    const LONGEST: usize = 256;
    let begins = |b: &u8| matches!(b, b'\n' | b' ' | b'"' | b'\'' | b'\\' | b'\t' | b'=');
    let from = at.saturating_sub(LONGEST);
    let start = text[from..at].iter().rposition(begins).map_or(from, |i| from + i + 1);
    // The `n` of a line end that is spelt out.
    let start = start + bytes::escape_len(text, start);
    let limit = text.len().min(at + LONGEST);
    let end = text[at..limit].iter().position(begins).map_or(limit, |i| at + i);
    if start == from && from > 0 || end == limit && limit < text.len() {
        return end;
    }
    let fields: Vec<_> = text[start..end].split(|b| *b == b':').collect();
    let is_gap = |field: &[u8]| field == b"*";
    let [host, port, database, user, password] = fields[..] else { return end };
    let is_word = |field: &[u8]| is_gap(field) || is_user(field);
    let told = random::is_mixed(password) && password.len() >= 6 && !password.contains(&b'/');
    let is_port = is_gap(port) || port.len() >= 4 && port.iter().all(u8::is_ascii_digit);
    if told
        && is_port
        && is_word(host)
        && is_word(database)
        && is_user(user)
        && !user.iter().all(u8::is_ascii_digit)
    {
        push(text, (end - password.len(), end), kind::PASSWORD, spans);
    }
    end
}

/// Where the literal begins that a sentence says a password to be, which goes on after it at `at`: `for bob to '…'`.
pub fn told_of_someone(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..text.len().min(at + 64)];
    let rest_of = |words: &[u8]| rest.strip_prefix(words).map(|_| at + words.len());
    let someone = rest_of(b"for ").or_else(|| rest_of(b"of "))?;
    let mut end = someone;
    for _ in 0..3 {
        end = bytes::run_end(text, end, NAME | UPPER, 40);
        if text.get(end) == Some(&b'@') {
            end = bytes::run_end(text, end + 1, NAME, 40);
        }
        for sign in [&b" to "[..], b" is ", b" was ", b" = ", b": "] {
            let quote = end + sign.len();
            if text[end..].starts_with(sign) && matches!(text.get(quote), Some(b'"' | b'\'' | b'`')) {
                return Some(quote);
            }
        }
        if text.get(end) != Some(&b' ') {
            return None;
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;

    /// What is secret stands between `«` and `»`.
    #[test]
    fn told_by_statements_and_protocols() {
        for marked in [
            "b64encode(('bob:' + \"«Hunter2pw»\").encode())",
            "auth = base64.b64encode(b'bob:«Hunter2pw»').decode()",
            "'Basic ' + b64encode(b\"bob:«opensesame»\")",
            "b64encode(('%s:%s' % ('bob', '«Hunter2pw»')).encode())",
            "b64encode(\":\".join([\"bob\", \"«Hunter2pw»\"]).encode())",
            "btoa(\"bob\" + \":\" + \"«Hunter2pw»\")",
            "INSERT INTO users (name, password) VALUES ('bob', '«ging3r#87mar»');",
            "insert into `users`(`id`,`api_token`,`n`) values (1,'«q8Zt5Lm2Xw9Kd4Rb»',3), (2, '«w9Kd4Rbq8Zt5Lm2X»', 4)",
            "INSERT INTO users (pw_hash, password, age)\nVALUES (md5('x'), crypt('«ging3r#87mar»', gen_salt('bf')), 3)",
            "A1 LOGIN bob «WALNUT-tiger_95»\r\n",
            "send: 'AUTH PLAIN «AGJvYgBPcmJpdDQzNDEh»\\r\\n'",
            "redis: AUTH default «cop$Marble873»",
            "Administrator:500:«d4c8a3fe1c9d6c312b0950116bf435a0»:«141635de3144d89538435d3cfd95886c»:::",
            "localhost:5433:*:postgres:«TKovkAgFXJ4vP7»",
            "*:*:*:replicator:«UubjXt6fEwweGG»\n",
            "Setting new password for bob to '«m4pl3#12pep»'",
            "the password of user bob is \"«m4pl3#12pep»\"",
            "variable \"api_token\" {\n  type      = string\n  sensitive = true\n  default   = \"«911036e570ad19fa2feaf5e303832f1e»\"\n}",
            "IDENTIFIED WITH mysql_native_password BY '«rock3t#79vel»'",
            "os.getenv('DB_PASSWORD') or '«Pepper7070»'",
            "env('MAIL_PASSWORD', default='«Orbit4236»')",
            "Password::from(\"«velvetorbit15»\".to_string())",
            "password <- \"«coppercastle59»\"",
            "cy.get('#password').type('«pep$Orbit355»')",
            "expect(user.password).to eq('«Marble0015»')",
            "expect(password).toBe(\"«Marble0015»\")",
            "generate_password_hash(\"«Orbit8195»\")",
            "bcrypt.hashpw(b'«orbitmarble47»', salt)",
            "echo 'root:«Harbor1957»' | chpasswd",
            "echo '«walnutcopper56»' | sudo -S apt-get update",
            "htpasswd -nb admin «c4stl3#94roc»",
            "Invoke-Sqlcmd -Username sa -Password «ROCKET-marble_26»",
            "psexec acme/bob:«Castle2591»@10.0.0.1",
            "scp bob:«Castle2591»@10.0.0.7:x .",
            "password=\\u0022«PEPPER-maple_53»\\u0022",
            "&quot;password&quot;: &quot;«mar$Window624»&quot;",
            "%7B%22password%22%3A%22«Walnut9958%21»%22%7D",
            "JSESSIONID=«276B838C879A0088972DABF93DD27B15»",
        ] {
            let text = marked.replace(['«', '»'], "");
            let redacted = Redactor::default().text(&text);
            let left: String = marked.split('«').map(|p| p.rsplit('»').next().unwrap_or(p)).collect();
            let secrets: Vec<_> = marked.split('«').skip(1).filter_map(|p| p.split('»').next()).collect();
            for secret in secrets {
                assert!(!redacted.as_str().contains(secret), "{text:?} gives {redacted}");
            }
            // All else stays.
            let mut rest = redacted.as_str().to_owned();
            while let Some((start, end)) = super::super::engine::placeholders(&rest).first().copied() {
                rest.replace_range(start..end, "");
            }
            assert_eq!(rest, left, "{text:?} gives {redacted}");
        }
    }

    #[test]
    fn left_alone() {
        for text in [
            "b64encode(b\"hello world\")",
            "b64encode(('Error: ' + 'no such user9').encode())",
            "b64encode(b'user:pass')",
            "b64encode(b'data:image/png')",
            "b64encode(json.dumps({'a': 'b9'}))",
            "b64encode(f'{user}:{password}'.encode())",
            "b64encode((user + ':' + password).encode())",
            "INSERT INTO users (name, age) VALUES ('bob9', '77')",
            "INSERT INTO users (name, password) VALUES (%s, %s)",
            "INSERT INTO users (name, password) VALUES (:name, :password)",
            "INSERT INTO users (name, password) VALUES ('bob', NULL)",
            "INSERT INTO users (name, password) SELECT name, password FROM old",
            "please LOGIN with user9",
            "LOGIN failed for user9",
            "AUTH PLAIN is off",
            "AUTH failed",
            "the OAUTH flow2",
            "a:::b",
            "x[1:::2]",
            "cpe:2.3:a:acme:shop:1.0:*:*:*:*:*:*:*",
            "tests/test_it.py:5433:12:error:x1234567/y",
            "12:30:*:x:y",
            "set the password of user bob to something",
            "password for bob is 'required'",
            "variable \"api_token\" {\n  type = string\n}\nvariable \"other\" {\n  default = \"eu-west-1\"\n}",
            "if password or 'x' in y",
            "expect(user.password).to eq('secret')",
            "expect(password).toBe(true)",
            "env('MAIL_PASSWORD', default='')",
            "password_hash('md5')",
            "git@github.com:acme/shop9.git",
            "image:tag9abc@sha256:12",
            "echo 'all done 3' | sudo -S true",
            "if (password <-1)",
            "see bob:table12@",
            "tests/validators/test_email.py::test_valid_email2[a@123.123.123.123]",
            "tests/test_advisory.py::TestAdvisory::test_ghsa_ffqj_6fqr_9h24 PASSED",
            "&quot;password&quot;: &quot;&quot;",
            "%22password%22%3A%22%22",
            "mail bob: Castle2591@files",
        ] {
            assert_eq!(Redactor::default().text(text).as_str(), text);
        }
    }
}
