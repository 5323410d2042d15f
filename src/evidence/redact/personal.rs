//! Personal data: e-mail addresses, payment cards, bank accounts.

use super::bytes::{self, ALNUM, DASH, DIGIT, DOT, UNDERSCORE, UPPER};
use super::engine::Span;
use super::kind;

/// Generic top-level domains that are taken for the end of an address; two-letter ones are taken as well,
/// except those in [`NOT_TOP_LEVEL`].
const TOP_LEVEL: &[&str] = &[
    "com",
    "org",
    "net",
    "edu",
    "gov",
    "mil",
    "int",
    "info",
    "biz",
    "name",
    "pro",
    "dev",
    "app",
    "cloud",
    "tech",
    "online",
    "site",
    "xyz",
    "email",
    "mail",
    "company",
    "agency",
    "digital",
    "solutions",
    "systems",
    "world",
    "team",
    "group",
    "bank",
    "health",
    "museum",
    "travel",
    "jobs",
    "store",
    "shop",
    "blog",
    "live",
    "life",
    "software",
];

/// Two-letter ends that are file extensions or code rather than countries.
const NOT_TOP_LEVEL: &[&str] =
    &["py", "rs", "sh", "md", "so", "js", "ts", "cc", "pl", "ps", "rb", "go", "db", "id"];

/// Domains kept for documentation (RFC 2606 and RFC 6761).
fn is_documentation(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    ["example.com", "example.org", "example.net"]
        .iter()
        .any(|d| domain == *d || domain.strip_suffix(d).is_some_and(|rest| rest.ends_with('.')))
        || ["test", "example", "invalid", "localhost"].iter().any(|t| domain.rsplit('.').next() == Some(t))
}

/// Finds the address around the `@` at `at`.
pub fn email(text: &[u8], at: usize, examples_too: bool, spans: &mut Vec<Span>) {
    let mut start = at;
    while start > 0
        && at - start < 64
        && (bytes::is(text[start - 1], ALNUM | DASH | UNDERSCORE | DOT)
            || matches!(text[start - 1], b'+' | b'%'))
    {
        start -= 1;
    }
    start += bytes::escape_len(text, start);
    while start < at && matches!(text[start], b'.' | b'-' | b'+' | b'%') {
        start += 1;
    }
    if start >= at {
        return;
    }
    let mut end = bytes::run_end(text, at + 1, ALNUM | DASH | DOT, 253);
    while end > at + 1 && matches!(text[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let Ok(domain) = std::str::from_utf8(&text[at + 1..end]) else { return };
    let Some((host, top)) = domain.rsplit_once('.') else { return };
    let top_lower = top.to_ascii_lowercase();
    let known = TOP_LEVEL.contains(&top_lower.as_str())
        || (top.len() == 2
            && top.bytes().all(|b| b.is_ascii_alphabetic())
            && !NOT_TOP_LEVEL.contains(&top_lower.as_str()));
    if !known || host.is_empty() || host.starts_with('.') || host.contains("..") {
        return;
    }
    // `git@github.com:owner/repository` and other remotes of that form are no one's address.
    let local = &text[start..at];
    if local == b"git"
        || (text.get(end) == Some(&b':') && bytes::is_at(text, end + 1, ALNUM) && local.len() <= 4)
    {
        return;
    }
    if text.get(end) == Some(&b'(') || (!examples_too && is_documentation(domain)) {
        return;
    }
    spans.push(Span::new(start, end, kind::EMAIL, 3));
}

/// Digits that are read: one more than a card has.
const LONGEST_CARD: usize = 20;

/// Finds payment cards in the group of digits that starts at `at`: 13 to 19 digits, bare or in groups by
/// single spaces or dashes, with the prefix of an issuer (ISO/IEC 7812) and a valid Luhn sum.
pub fn card(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let begins = at == 0
        || !(bytes::is(text[at - 1], ALNUM | UNDERSCORE | DOT | DASH)
            || matches!(text[at - 1], b'+' | b'/' | b'\\' | b'#'))
        || bytes::starts_word(text, at) && bytes::is(text[at - 1], ALNUM);
    if !begins {
        return;
    }
    let mut digits = [0; LONGEST_CARD];
    let mut count = 0;
    let mut end = at;
    let mut separator = None;
    // As many groups as digits at the most.
    let mut groups = [0_usize; LONGEST_CARD + 1];
    let mut group = 0;
    while end < text.len() && count < LONGEST_CARD {
        let byte = text[end];
        if bytes::is(byte, DIGIT) {
            digits[count] = byte - b'0';
            count += 1;
            groups[group] += 1;
        } else if matches!(byte, b' ' | b'-')
            && bytes::is_at(text, end + 1, DIGIT)
            && separator.is_none_or(|s| s == byte)
        {
            separator = Some(byte);
            group += 1;
        } else {
            break;
        }
        end += 1;
    }
    let goes_on = bytes::is_at(text, end, ALNUM | UNDERSCORE)
        || text.get(end) == Some(&b'.') && bytes::is_at(text, end + 1, ALNUM)
        || text.get(end) == Some(&b'-') && bytes::is_at(text, end + 1, ALNUM | DASH);
    if !goes_on && is_card(&digits[..count], &groups[..=group]) {
        spans.push(Span::new(at, end, kind::CARD, 4));
    }
}

fn is_card(digits: &[u8], groups: &[usize]) -> bool {
    let prefix = |n: usize| digits.iter().take(n).fold(0_u32, |sum, d| sum * 10 + u32::from(*d));
    let length = digits.len();
    let issuer = match length {
        15 => matches!(prefix(2), 34 | 37),
        14 => matches!(prefix(2), 36 | 38 | 39) || matches!(prefix(3), 300..=305),
        16 => {
            matches!(prefix(1), 4)
                || matches!(prefix(2), 51..=55 | 65 | 62)
                || matches!(prefix(4), 2221..=2720 | 6011 | 3528..=3589)
                || matches!(prefix(3), 644..=649)
        }
        13 | 19 => prefix(1) == 4 && groups.len() > 1 || length == 19 && prefix(2) == 62 && groups.len() > 1,
        _ => false,
    };
    let grouped = match groups {
        [_] => length >= 14,
        [4, 4, 4, 4] | [4, 6, 5 | 4] | [4, 4, 4, 4, 3] | [6, 13] => true,
        _ => false,
    };
    issuer && grouped && digits.iter().any(|digit| *digit != digits[0]) && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| {
            let d = u32::from(*d);
            if i % 2 == 0 {
                d
            } else if d > 4 {
                d * 2 - 9
            } else {
                d * 2
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Lengths of bank account numbers by country (ISO 13616 registry).
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

/// Finds the bank account number that starts at `at`: country, two check digits, account; bare or in groups of
/// four; remainder 1 modulo 97.
pub fn iban(text: &[u8], at: usize, spans: &mut Vec<Span>) {
    let Some(country) = text.get(at..at + 2) else { return };
    if !bytes::is(country[0], UPPER) {
        return;
    }
    let Some((_, length)) = IBAN_LENGTHS.iter().find(|(c, _)| &c[..] == country) else { return };
    if !bytes::starts_word(text, at)
        || !bytes::is_at(text, at + 2, DIGIT)
        || !bytes::is_at(text, at + 3, DIGIT)
    {
        return;
    }
    let mut compact = Vec::with_capacity(*length);
    let mut end = at;
    while end < text.len() && compact.len() < *length {
        let byte = text[end];
        if bytes::is(byte, UPPER | DIGIT) {
            compact.push(byte);
        } else if !(byte == b' ' && compact.len().is_multiple_of(4)) {
            return;
        }
        end += 1;
    }
    if compact.len() != *length || bytes::is_at(text, end, ALNUM | UNDERSCORE) {
        return;
    }
    let remainder = compact[4..].iter().chain(&compact[..4]).fold(0_u32, |sum, byte| {
        if byte.is_ascii_digit() {
            (sum * 10 + u32::from(byte - b'0')) % 97
        } else {
            (sum * 100 + u32::from(byte - b'A') + 10) % 97
        }
    });
    if remainder == 1 {
        spans.push(Span::new(at, end, kind::IBAN, 5));
    }
}
