//! Credentials that are told by their place: the second argument of a login, what follows a flag of a command, the
//! fields of a password file, the words of a recovery phrase.

use super::bytes::{self, ALNUM, BLANK, DIGIT, LOWER, UNDERSCORE};
use super::claims;
use super::engine::Span;
use super::kind::{self, Kind};
use super::structural::is_template;
use super::value;

/// What opens a list of a user's name and a password.
pub const PAIRS: &[&str] = &[
    "basicauth(",
    "networkcredential(",
    "passwordauthentication(",
    "usernamepasswordcredentials(",
    "plainauthenticator(",
    "basic_auth(",
    "digestauth(",
    "auth=(",
    "auth = (",
    "auth': (",
    "auth\": (",
    ".login(",
    ".authenticate(",
    "wifi.begin(",
    "createhmac(",
];

/// The same, where only a password that can be told from a word is one.
pub const PLAIN_PAIRS: &[&str] = &[
    "login(",
    "authenticate(",
    "signin(",
    "log_in(",
    "sp_addlogin ",
    "credentials(",
    "oracle.connect(",
    "oracledb.connect(",
];

/// How a command takes a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The word after the flag.
    After,
    /// The rest of the flag's word.
    Joined,
    /// What stands after this sign in the word after the flag: `user:password`.
    User(u8),
    /// The argument of this number, without a flag.
    Nth(usize),
    /// The same, if it can be told from a word of prose: by digits or signs in it.
    NthMixed(usize),
    /// The second word after the flag.
    Second,
    /// What stands after this sign in the first argument, up to an `@`.
    Login(u8),
}

/// Commands, the flags with which they take passwords, and how. The name of a command may go on (`mysqldump`).
pub const COMMANDS: &[(&str, &[(&str, Form)])] = &[
    ("curl", &[("-u", Form::User(b':')), ("--user", Form::User(b':')), ("--proxy-user", Form::User(b':'))]),
    ("sshpass", &[("-p", Form::After), ("-p", Form::Joined)]),
    ("psexec", &[("-p", Form::After)]),
    ("mysql", &[("-p", Form::Joined)]),
    ("mariadb", &[("-p", Form::Joined)]),
    ("mongo", &[("-p", Form::After)]),
    ("redis-cli", &[("-a", Form::After)]),
    ("docker login", &[("-p", Form::After)]),
    ("podman login", &[("-p", Form::After)]),
    ("az login", &[("-p", Form::After)]),
    ("ldapsearch", &[("-w", Form::After)]),
    ("ldapmodify", &[("-w", Form::After)]),
    ("smbclient", &[("-U", Form::User(b'%'))]),
    ("plink", &[("-pw", Form::After)]),
    ("sqlcmd", &[("-P", Form::After)]),
    ("openssl", &[("pass:", Form::Joined), ("-k", Form::After)]),
    ("gpg", &[("--passphrase", Form::After)]),
    ("password 7", &[("", Form::NthMixed(0))]),
    ("password 0", &[("", Form::NthMixed(0))]),
    ("secret 5", &[("", Form::NthMixed(0))]),
    ("secret 0", &[("", Form::NthMixed(0))]),
    ("key 7", &[("", Form::NthMixed(0))]),
    ("schtasks", &[("/rp", Form::After)]),
    ("cmdkey", &[("/pass:", Form::Joined)]),
    ("doctl", &[("-t", Form::After)]),
    ("connect", &[("", Form::Login(b'/'))]),
    ("net user", &[("", Form::Nth(1))]),
    ("net use", &[("", Form::NthMixed(2)), ("", Form::NthMixed(1))]),
    ("snyk auth", &[("", Form::Nth(0))]),
    ("sqlplus", &[("", Form::Login(b'/'))]),
    ("lftp", &[("-u", Form::User(b','))]),
    ("requirepass", &[("", Form::NthMixed(0))]),
    ("masterauth", &[("", Form::NthMixed(0))]),
    ("wpa_passphrase", &[("", Form::NthMixed(1))]),
    ("snmp-server community", &[("", Form::NthMixed(0))]),
    (
        "htpasswd",
        &[("-nb", Form::Second), ("-bn", Form::Second), ("-nbB", Form::Second), ("-nbBC", Form::Second)],
    ),
    ("chpasswd", &[("<<<", Form::User(b':'))]),
    ("useradd", &[("-p", Form::After)]),
    ("rootpw", &[("--plaintext", Form::After)]),
    ("etcdctl", &[("--user", Form::User(b':'))]),
    ("rabbitmqctl add_user", &[("", Form::Nth(1))]),
    ("rabbitmqctl change_password", &[("", Form::Nth(1))]),
    ("mc alias set", &[("", Form::NthMixed(3))]),
    ("unzip", &[("-P", Form::After)]),
    ("zip", &[("-P", Form::After)]),
    ("7z", &[("-p", Form::Joined)]),
    ("ssh-keygen", &[("-N", Form::After)]),
    ("bcp", &[("-P", Form::After)]),
    ("cqlsh", &[("-p", Form::After)]),
    ("xfreerdp", &[("/p:", Form::Joined)]),
    ("rclone", &[("pass", Form::After)]),
    ("enable secret", &[("", Form::NthMixed(0)), ("", Form::NthMixed(1))]),
    ("enable password", &[("", Form::NthMixed(0)), ("", Form::NthMixed(1))]),
];

/// Names of the words from which a wallet can be recovered (BIP 39).
pub const PHRASES: &[&str] =
    &["mnemonic", "seed phrase", "seed_phrase", "recovery phrase", "recovery_phrase", "secret phrase"];

/// The second of the literals that begin at `at`, after the parenthesis: `auth=('user', 'password')`. Gives where
/// reading ended.
pub fn pair(text: &[u8], at: usize, plain: bool, spans: &mut Vec<Span>) -> usize {
    let Some((_, _, user)) = value::literal(text, at) else { return at };
    let comma = bytes::run_end(text, user, BLANK, 2);
    if text.get(comma) != Some(&b',') {
        return comma;
    }
    let Some((start, end, after)) = value::literal(text, bytes::run_end(text, comma + 1, BLANK, 2)) else {
        return comma;
    };
    let word = &text[start..end];
    let told = !plain || is_password(word) && super::random::is_mixed(word) && !word.contains(&b' ');
    if end - start >= 4 && told {
        push(text, start, end, kind::PASSWORD, spans);
    }
    after
}

/// What the command whose name begins at `at` is given after `flags`. Gives where reading ended.
pub fn command(text: &[u8], at: usize, name: usize, flags: &[(&str, Form)], spans: &mut Vec<Span>) -> usize {
    const LONGEST: usize = 400;
    if !bytes::starts_word(text, at) {
        return at + name;
    }
    let from = bytes::run_end(text, at + name, LOWER, 12);
    let from = from + if text[from..].starts_with(b".exe") { 4 } else { 0 };
    let line = bytes::line_end(text, from, LONGEST);
    let end = text[from..line].iter().position(|b| matches!(b, b';' | b'|')).map_or(line, |i| from + i);
    if !matches!(text.get(from), Some(b' ' | b'"' | b'\'')) {
        return from;
    }
    for (flag, form) in flags {
        if flag.is_empty() {
            let number = match form {
                Form::Nth(number) | Form::NthMixed(number) => *number,
                _ => 0,
            };
            let mut word = argument(text, from, end);
            for _ in 0..number {
                word = word.and_then(|(_, before)| argument(text, before, end));
            }
            let Some((mut start, mut stop)) = word else { continue };
            if let Form::Login(sign) = form {
                let Some(sign) = memchr::memchr(*sign, &text[start..stop]) else { continue };
                start += sign + 1;
                let Some(host) = memchr::memrchr(b'@', &text[start..stop]) else { continue };
                stop = start + host;
            }
            let word = &text[start..stop];
            let told = !matches!(form, Form::NthMixed(_) | Form::Login(_))
                || super::random::is_mixed(word)
                    && !word.iter().any(|b| matches!(b, b'\\' | b':' | b'/' | b'='));
            if told && is_password(word) {
                push(text, start, stop, kind::PASSWORD, spans);
            }
            continue;
        }
        for found in memchr::memmem::find_iter(&text[from..end], flag.as_bytes()).take(8) {
            let begin = from + found;
            let stop = begin + flag.len();
            if !matches!(text[begin - 1], b' ' | b'"' | b'\'') {
                continue;
            }
            let word = match form {
                Form::Joined => Some((stop, word_end(text, stop, end, None))).filter(|(s, e)| s < e),
                _ if matches!(text.get(stop), Some(b' ' | b'=' | b'"' | b'\'')) => argument(text, stop, end),
                _ => None,
            };
            let word = match (form, word) {
                (Form::Second, Some((_, user))) => argument(text, user, end),
                _ => word,
            };
            let Some((mut start, stop)) = word else { continue };
            if let Form::User(sign) = form {
                let Some(sign) = memchr::memchr(*sign, &text[start..stop]) else { continue };
                start += sign + 1;
            }
            if is_password(&text[start..stop]) {
                push(text, start, stop, kind::PASSWORD, spans);
            }
        }
    }
    end
}

/// The word after `at`, in quotes or not, in a shell's line or a list of arguments.
fn argument(text: &[u8], at: usize, end: usize) -> Option<(usize, usize)> {
    let mut start = at;
    let mut quote = None;
    while start < end && start < at + 10 && matches!(text[start], b' ' | b',' | b'=' | b'"' | b'\'' | b'\\') {
        quote = Some(text[start]).filter(|b| matches!(b, b'"' | b'\''));
        start += 1;
    }
    let stop = word_end(text, start, end, quote);
    (start > at && start < stop && text[start] != b'-').then_some((start, stop))
}

fn word_end(text: &[u8], start: usize, end: usize, quote: Option<u8>) -> usize {
    let ends = |byte: u8| match quote {
        Some(quote) => byte == quote || byte == b'\\',
        None => matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'\\' | b'`' | b'\n'),
    };
    text[start..end].iter().position(|b| ends(*b)).map_or(end, |i| start + i)
}

/// Whether what stands in a password's place can be one rather than a port, a path or a gap.
fn is_password(word: &[u8]) -> bool {
    word.len() >= 4
        && !word.iter().all(|b| bytes::is(*b, DIGIT) || matches!(b, b':' | b'.'))
        && !matches!(word[0], b'-' | b'/' | b'$' | b'<' | b'{' | b'[')
}

fn push(text: &[u8], start: usize, end: usize, kind: Kind, spans: &mut Vec<Span>) {
    let word = &text[start..end];
    if !claims::is_nothing(word) && !is_template(word) {
        spans.push(Span::new(start, end, kind, 5));
    }
}

/// Calls whose third argument is a password, if it is a literal: `mysqli_connect(host, "user", "…")`.
pub const TRIPLES: &[&str] = &[
    "mysqli_connect(",
    "mysql_connect(",
    "mysql.connect(",
    "mysqldb.connect(",
    "getconnection(",
    "plainauth(",
    "create_user(",
    "create_superuser(",
    "new pdo(",
    "new sequelize(",
];

/// The third of the arguments that begin at `at`, after the parenthesis. Gives where reading ended.
pub fn triple(text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
    let mut from = at;
    for _ in 0..2 {
        let after = if let Some((_, _, after)) = value::literal(text, from) {
            after
        } else {
            let sigil = usize::from(matches!(text.get(from), Some(b'$' | b'&')));
            bytes::run_end(text, from + sigil, bytes::NAME, 64)
        };
        let comma = bytes::run_end(text, after, BLANK, 2);
        if after == from || text.get(comma) != Some(&b',') {
            return after;
        }
        from = bytes::run_end(text, comma + 1, BLANK, 4);
    }
    let Some((start, end, after)) = value::literal(text, from) else { return from };
    let word = &text[start..end];
    if super::random::is_mixed(word)
        && is_password(word)
        && !word.iter().any(|b| matches!(b, b' ' | b'/' | b'='))
    {
        push(text, start, end, kind::PASSWORD, spans);
    }
    after
}

/// The password of an entry of `.netrc`, whose `machine ` ends at `at`: `machine … login … password …`, on one line or
/// several.
pub fn netrc(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let limit = text.len().min(at + 400);
    let mut from = at;
    let mut words = 0;
    let mut key: &[u8] = b"machine";
    while words < 8 && from < limit {
        from += text[from..limit].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let end = from + text[from..limit].iter().take_while(|b| !b.is_ascii_whitespace()).count();
        let word = &text[from..end];
        if key == b"password" {
            // Prose has no host between: `a machine login page password reset`.
            let host = text[at..limit].split(u8::is_ascii_whitespace).next().unwrap_or_default();
            if is_password(word) && words == 4 && (host.contains(&b'.') || super::random::is_mixed(word)) {
                let closes = |b: &u8| matches!(b, b'"' | b'\'' | b'\\' | b'<' | b',' | b')');
                let stop = word.iter().position(closes).map_or(end, |i| from + i);
                push(text, from, stop, kind::PASSWORD, spans);
            }
            return;
        }
        let is_key = words % 2 == 1;
        if is_key && !matches!(word, b"login" | b"password" | b"account") {
            return;
        }
        key = if is_key { word } else { b"" };
        if is_key && words == 1 && word != b"login" {
            return;
        }
        from = end;
        words += 1;
    }
}

/// The word that a shell hands to `--password-stdin`, which stands at `at`: `echo … | docker login --password-stdin`, or to `sudo -S`.
pub fn piped(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let line = bytes::line_start(text, at, 256);
    let Some(echo) = memchr::memmem::rfind(&text[line..at], b"echo ") else { return };
    let from = line + echo + 4;
    let told = |(start, end): &(usize, usize)| {
        let word = &text[*start..*end];
        is_password(word) && super::random::is_mixed(word) && !word.contains(&b' ')
    };
    // What changes passwords is told the user as well.
    let user = |(start, end): (usize, usize)| {
        let colon = memchr::memchr(b':', &text[start..end]).filter(|_| text[at..].starts_with(b"| chpasswd"));
        (start + colon.map_or(0, |i| i + 1), end)
    };
    if let Some((start, end)) = argument(text, from, at).map(user).filter(told) {
        push(text, start, end, kind::PASSWORD, spans);
    }
}

/// The last field of a line `host:5432:database:user:password` (PostgreSQL's password file) whose port ends at
/// `at`.
pub fn password_file(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let field = |from: usize| {
        let end = bytes::run_end(text, from, ALNUM | UNDERSCORE | bytes::DASH | bytes::DOT, 64);
        let end = if text.get(end) == Some(&b'*') { end + 1 } else { end };
        (end > from && text.get(end) == Some(&b':')).then_some(end + 1)
    };
    let Some(start) = field(at).and_then(field) else { return };
    let limit = text.len().min(start + 128);
    let end = text[start..limit]
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'\\' | b':'))
        .map_or(limit, |i| start + i);
    if is_password(&text[start..end]) {
        push(text, start, end, kind::PASSWORD, spans);
    }
}

/// The password of `jdbc:oracle:thin:user/password@…`; `at` is where the first part ends.
pub fn oracle(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let from = bytes::run_end(text, at, LOWER, 8);
    let limit = text.len().min(from + 160);
    let Some(stop) = text[from..limit]
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'@' | b'"' | b'\'' | b'\\'))
    else {
        return;
    };
    let stop = from + stop;
    if text[stop] == b'@'
        && let Some(slash) = memchr::memchr(b'/', &text[from..stop])
    {
        push(text, from + slash + 1, stop, kind::PASSWORD, spans);
    }
}

/// The words after the name of a recovery phrase that ends at `at`: twelve to twenty-four of them, by threes.
pub fn phrase(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let limit = text.len().min(at + 24);
    let Some(start) = text[at..limit].iter().position(|b| bytes::is(*b, LOWER)).map(|i| at + i) else {
        return;
    };
    // A separator or a quote stands between, and perhaps `is`.
    let between = &text[at..start];
    if between.is_empty() || between.iter().any(|b| bytes::is(*b, ALNUM) || *b == b'\n') {
        return;
    }
    let start = if text[start..].starts_with(b"is ") { start + 3 } else { start };
    let (mut words, mut end, mut next) = (0, start, start);
    while words < 25 {
        let stop = bytes::run_end(text, next, LOWER, 9);
        if !(3..=8).contains(&(stop - next)) {
            break;
        }
        words += 1;
        end = stop;
        if text.get(stop) != Some(&b' ') {
            break;
        }
        next = stop + 1;
    }
    if matches!(words, 12 | 15 | 18 | 21 | 24) {
        spans.push(Span::new(start, end, kind::SECRET, 5));
    }
}
