//! Credentials that are told by their place: the second argument of a login, what follows a flag of a command, the
//! fields of a password file, the words of a recovery phrase.

use super::assign;
use super::bytes::{self, ALNUM, BLANK, DIGIT, LOWER, UNDERSCORE};
use super::engine::Span;
use super::kind::{self, Kind};
use super::structural::is_template;
use super::value;

/// What opens a list of a user's name and a password.
pub const PAIRS: &[&str] = &[
    "basicauth(",
    "basic_auth(",
    "digestauth(",
    "auth=(",
    "auth = (",
    "auth': (",
    "auth\": (",
    ".login(",
    ".authenticate(",
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
    ("openssl", &[("pass:", Form::Joined)]),
    ("net user", &[("", Form::After)]),
    ("snyk auth", &[("", Form::After)]),
];

/// Names of the words from which a wallet can be recovered (BIP 39).
pub const PHRASES: &[&str] =
    &["mnemonic", "seed phrase", "seed_phrase", "recovery phrase", "recovery_phrase", "secret phrase"];

/// The second of the literals that begin at `at`, after the parenthesis: `auth=('user', 'password')`. Gives where
/// reading ended.
pub fn pair(text: &[u8], at: usize, spans: &mut Vec<Span>) -> usize {
    let Some((_, _, user)) = value::literal(text, at) else { return at };
    let comma = bytes::run_end(text, user, BLANK, 2);
    if text.get(comma) != Some(&b',') {
        return comma;
    }
    let Some((start, end, after)) = value::literal(text, bytes::run_end(text, comma + 1, BLANK, 2)) else {
        return comma;
    };
    if end - start >= 4 {
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
    let line = bytes::line_end(text, from, LONGEST);
    let end = text[from..line].iter().position(|b| matches!(b, b';' | b'|')).map_or(line, |i| from + i);
    if !matches!(text.get(from), Some(b' ' | b'"' | b'\'')) {
        return from;
    }
    for (flag, form) in flags {
        if flag.is_empty() {
            let word = argument(text, from, end);
            let last = if at + name == from && text[at..from].eq_ignore_ascii_case(b"net user") {
                word.and_then(|(_, end_of_user)| argument(text, end_of_user, end))
            } else {
                word
            };
            if let Some((start, stop)) = last.filter(|(s, e)| is_password(&text[*s..*e])) {
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
    if !assign::is_nothing(word) && !is_template(word) {
        spans.push(Span::new(start, end, kind, 5));
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
