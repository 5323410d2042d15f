//! Byte classes, boundaries and runs that all detectors share.

/// Lower-case ASCII letter.
pub const LOWER: u16 = 1;
/// Upper-case ASCII letter.
pub const UPPER: u16 = 1 << 1;
/// ASCII digit.
pub const DIGIT: u16 = 1 << 2;
/// `a`–`f`.
pub const HEX_LOWER: u16 = 1 << 3;
/// `A`–`F`.
pub const HEX_UPPER: u16 = 1 << 4;
/// `_`.
pub const UNDERSCORE: u16 = 1 << 5;
/// `-`.
pub const DASH: u16 = 1 << 6;
/// `+` and `/`.
pub const BASE64: u16 = 1 << 7;
/// `=`.
pub const EQUALS: u16 = 1 << 8;
/// `.`.
pub const DOT: u16 = 1 << 9;
/// `2`–`7`, the digits of base 32.
pub const BASE32_DIGIT: u16 = 1 << 10;
/// `~`, `!`, `@`, `#`, `$`, `%`, `^`, `&`, `*`, `:` and `|`: what generated passwords mix in.
pub const PUNCTUATION: u16 = 1 << 11;
/// Space and tab.
pub const BLANK: u16 = 1 << 12;

/// Letters and digits.
pub const ALNUM: u16 = LOWER | UPPER | DIGIT;
/// Letters, digits, `_` and `-`.
pub const RUN: u16 = ALNUM | UNDERSCORE | DASH;
/// What an identifier or dotted or dashed key consists of.
pub const NAME: u16 = RUN | DOT;

const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        let mut class = 0;
        if byte.is_ascii_lowercase() {
            class |= LOWER;
            if byte <= b'f' {
                class |= HEX_LOWER;
            }
        }
        if byte.is_ascii_uppercase() {
            class |= UPPER;
            if byte <= b'F' {
                class |= HEX_UPPER;
            }
        }
        if byte.is_ascii_digit() {
            class |= DIGIT;
            if byte >= b'2' && byte <= b'7' {
                class |= BASE32_DIGIT;
            }
        }
        class |= match byte {
            b'_' => UNDERSCORE,
            b'-' => DASH,
            b'+' | b'/' => BASE64,
            b'=' => EQUALS,
            b'.' => DOT,
            b'~' | b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b':' | b'|' => PUNCTUATION,
            b' ' | b'\t' => BLANK,
            _ => 0,
        };
        table[at] = class;
        at += 1;
    }
    table
}

static CLASSES: [u16; 256] = classes();

/// All classes of `byte`.
#[inline]
pub fn classes_of(byte: u8) -> u16 {
    CLASSES[byte as usize]
}

/// Whether `byte` belongs to any class in `mask`.
#[inline]
pub fn is(byte: u8, mask: u16) -> bool {
    CLASSES[byte as usize] & mask != 0
}

/// Whether the byte at `at` exists and belongs to `mask`.
#[inline]
pub fn is_at(text: &[u8], at: usize, mask: u16) -> bool {
    text.get(at).is_some_and(|&b| is(b, mask))
}

/// End of the run of `mask` bytes that starts at `from`, looking at no more than `max` bytes.
#[inline]
pub fn run_end(text: &[u8], from: usize, mask: u16, max: usize) -> usize {
    let limit = text.len().min(from.saturating_add(max));
    let mut at = from;
    while at < limit && is(text[at], mask) {
        at += 1;
    }
    at
}

/// Start of the run of `mask` bytes that ends at `to`, looking at no more than `max` bytes.
#[inline]
pub fn run_start(text: &[u8], to: usize, mask: u16, max: usize) -> usize {
    let limit = to.saturating_sub(max);
    let mut at = to;
    while at > limit && is(text[at - 1], mask) {
        at -= 1;
    }
    at
}

/// How many bytes at the start of a run that begins at `at` belong to an escape before it (`n` of `\n`, the
/// digits of `\x1b` and `%3D`), looking back and forth no more than a few bytes.
pub fn escape_len(text: &[u8], at: usize) -> usize {
    if at == 0 {
        return 0;
    }
    let previous = text[at - 1];
    let hex = |n: usize| (0..n).all(|i| text.get(at + i).is_some_and(u8::is_ascii_hexdigit));
    match (previous, text.get(at)) {
        (b'\\', Some(b'n' | b't' | b'r' | b'b' | b'f')) => 1,
        (b'\\', Some(b'x')) if text.len() >= at + 3 => 3,
        (b'\\', Some(b'u')) if text.len() >= at + 5 => 5,
        (b'%', _) if hex(2) => 2,
        _ => 0,
    }
}

/// Whether something that starts at `at` is not the continuation of a word: the start of the text, a byte
/// that is no letter or digit before it, or an escape (`\n`, `%3D`, `\u003d`) before it.
pub fn starts_word(text: &[u8], at: usize) -> bool {
    if at == 0 || !is(text[at - 1], ALNUM) {
        return true;
    }
    for back in 1..=5 {
        let Some(start) = at.checked_sub(back) else { break };
        if start > 0 && escape_len(text, start) == back {
            return true;
        }
    }
    false
}

/// The start of the line that holds `at`, looking back no more than `max` bytes.
pub fn line_start(text: &[u8], at: usize, max: usize) -> usize {
    let from = at.saturating_sub(max);
    memchr::memrchr(b'\n', &text[from..at]).map_or(from, |i| from + i + 1)
}

/// The end of the line that holds `at`, looking on no more than `max` bytes.
pub fn line_end(text: &[u8], at: usize, max: usize) -> usize {
    let to = text.len().min(at.saturating_add(max));
    memchr::memchr(b'\n', &text[at..to]).map_or(to, |i| at + i)
}

/// How often `byte` stands in `text`.
pub fn count(text: &[u8], byte: u8) -> usize {
    memchr::memchr_iter(byte, text).count()
}
