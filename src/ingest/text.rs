//! Small helpers on the texts that result files hold.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// Text collected piece by piece of which at most `most` bytes are kept: the first half and the last half.
#[derive(Debug, Default)]
pub(crate) struct Bounded {
    most: usize,
    head: Vec<u8>,
    tail: Vec<u8>,
    dropped: u64,
}

impl Bounded {
    /// An empty text of at most about `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(64), ..Self::default() }
    }

    /// Appends a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let half = self.most / 2;
        let room = half.saturating_sub(self.head.len()).min(piece.len());
        // Once something went to the tail, nothing may go to the head any more.
        let room = if self.tail.is_empty() { room } else { 0 };
        self.head.extend_from_slice(&piece[..room]);
        let rest = &piece[room..];
        if rest.len() > half {
            self.dropped += (self.tail.len() + rest.len() - half) as u64;
            self.tail.clear();
            self.tail.extend_from_slice(&rest[rest.len() - half..]);
            return;
        }
        self.tail.extend_from_slice(rest);
        if self.tail.len() > self.most {
            let surplus = self.tail.len() - half;
            self.tail.drain(..surplus);
            self.dropped += surplus as u64;
        }
    }

    /// Whether nothing was appended.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// Takes the text out, leaving this empty: the text (invalid UTF-8 replaced) and how many bytes were left
    /// out of its middle.
    pub(crate) fn take(&mut self) -> (String, u64) {
        let mut dropped = std::mem::take(&mut self.dropped);
        let surplus = self.tail.len().saturating_sub(self.most / 2 + 4);
        if surplus > 0 && (dropped > 0 || self.head.len() + self.tail.len() > self.most) {
            self.tail.drain(..surplus);
            dropped += surplus as u64;
        }
        if dropped == 0 && self.tail.is_empty() {
            // The room is kept for the next text, which would have to make it step by step again.
            let text = String::from_utf8_lossy(&self.head).into_owned();
            self.head.clear();
            return (text, 0);
        }
        let mut bytes = std::mem::take(&mut self.head);
        if dropped > 0 {
            // A cut within a character would leave halves of it on both sides.
            while bytes.last().is_some_and(|b| b & 0xC0 == 0x80) {
                bytes.pop();
                dropped += 1;
            }
            if bytes.last().is_some_and(|b| *b >= 0xC0) {
                bytes.pop();
                dropped += 1;
            }
            let rest = self.tail.iter().take_while(|b| **b & 0xC0 == 0x80).count().min(3);
            dropped += rest as u64;
            bytes.extend_from_slice(format!("\n… {dropped} bytes left out …\n").as_bytes());
            bytes.extend_from_slice(&self.tail[rest..]);
        } else {
            bytes.extend_from_slice(&self.tail);
        }
        self.tail.clear();
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        (text, dropped)
    }
}

/// `text` without terminal control sequences (CSI, OSC and single escapes) and without other control
/// characters than newline and tab.
pub(crate) fn without_ansi(text: &str) -> Cow<'_, str> {
    let is_plain = |b: u8| b >= 0x20 && b != 0x7F || b == b'\n' || b == b'\t';
    // Many bytes at once, where stopping at the first that is not would look at one after another.
    if text.as_bytes().chunks(4096).all(|part| part.iter().fold(true, |all, b| all & is_plain(*b))) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    // Parameters and intermediates, then one final character.
                    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
                    chars.next_if(|c| ('@'..='~').contains(c));
                }
                Some(']') => {
                    while let Some(c) = chars.next_if(|c| *c != '\n') {
                        if c == '\u{7}' || c == '\u{1b}' && chars.next_if_eq(&'\\').is_some() {
                            break;
                        }
                    }
                }
                Some('(' | ')') => {
                    chars.next();
                    chars.next();
                }
                Some('=' | '>' | '7' | '8') => {
                    chars.next();
                }
                _ => {}
            },
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\t' => out.push(c),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A time such as `2026-11-22T12:49:46.037813+00:00`, and whether it named its zone. Without a zone it is
/// taken as UTC. Source: RFC 3339, and ISO 8601 as Python's `isoformat` writes it.
pub(crate) fn iso_time(text: &str) -> Option<(SystemTime, bool)> {
    let text = text.trim();
    if !text.is_ascii() || text.len() < 19 || text.len() > 64 {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let separators = [(4, b"-" as &[u8]), (7, b"-"), (10, b"T "), (13, b":"), (16, b":")];
    if separators.iter().any(|(at, allowed)| !allowed.contains(&text.as_bytes()[*at]))
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 24
        || minute > 59
        || second > 60
    {
        return None;
    }
    // Days since 1970-01-01 in the proleptic Gregorian calendar, with years that begin in March so that the
    // leap day is the last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
        - 1
        - 719_468;
    let mut seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    let rest = &text[19..];
    let (fraction, zone) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (format!("0.{}", &rest[..digits]).parse::<f64>().unwrap_or(0.0), &rest[digits..])
        }
        None => (0.0, rest),
    };
    let zoned = match zone.as_bytes() {
        [] => false,
        [b'Z' | b'z'] => true,
        [sign @ (b'+' | b'-'), digits @ ..] => {
            let digits: Vec<i64> =
                digits.iter().filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0')).collect();
            let [h1, h2, rest @ ..] = digits.as_slice() else { return None };
            let minutes = match rest {
                [m1, m2, ..] => m1 * 10 + m2,
                _ => 0,
            };
            let shift = (h1 * 10 + h2) * 3_600 + minutes * 60;
            seconds += if *sign == b'+' { -shift } else { shift };
            true
        }
        _ => return None,
    };
    unix_time(seconds as f64 + fraction).map(|time| (time, zoned))
}

/// The time `seconds` after the epoch; `None` if it is not a sensible one.
pub(crate) fn unix_time(seconds: f64) -> Option<SystemTime> {
    (0.0..1e12).contains(&seconds).then(|| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds))
}

/// A duration in seconds; `None` if it is negative, not finite or longer than a century.
pub(crate) fn seconds(value: f64) -> Option<f64> {
    (0.0..3.2e9).contains(&value).then_some(value)
}

/// The first line of `text`, at most `most` bytes long.
pub(crate) fn first_line(text: &str, most: usize) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let mut end = line.len().min(most);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

/// The worker's name in `worker 'gw0' crashed while running 'a.py::test'`, which xdist reports as a failure.
pub(crate) fn crashed_worker(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("worker '")?;
    let (worker, rest) = rest.split_once('\'')?;
    rest.starts_with(" crashed while running ").then_some(worker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_times() {
        let cases = [
            ("2026-11-22T12:49:46.037813+00:00", Some((1_795_351_786.037_813, true))),
            ("2026-11-22T13:49:46+01:00", Some((1_795_351_786.0, true))),
            ("2026-11-22T13:49:46+0100", Some((1_795_351_786.0, true))),
            ("2026-11-22T04:49:46-08:00", Some((1_795_351_786.0, true))),
            ("2026-11-22 12:49:46Z", Some((1_795_351_786.0, true))),
            ("2026-11-22T12:49:46", Some((1_795_351_786.0, false))),
            ("2000-02-29T00:00:00Z", Some((951_782_400.0, true))),
            ("1970-01-01T00:00:00Z", Some((0.0, true))),
            ("1969-12-31T23:59:59Z", None),
            ("2026-13-22T12:49:46", None),
            ("2026-11-22T12:49:46+x", None),
            ("2026-11-22", None),
            ("größe-größe-größe-größe", None),
        ];
        for (text, expected) in cases {
            let found = iso_time(text).map(|(time, zoned)| {
                (time.duration_since(SystemTime::UNIX_EPOCH).map_or(-1.0, |d| d.as_secs_f64()), zoned)
            });
            match (found, expected) {
                (Some((a, x)), Some((b, y))) => assert!((a - b).abs() < 1e-3 && x == y, "{text}: {found:?}"),
                _ => assert_eq!(found, expected, "{text}"),
            }
        }
    }

    #[test]
    fn control_sequences_go() {
        let cases = [
            ("plain\n\ttext", "plain\n\ttext"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;2;1;2;3mrgb\u{1b}[K", "rgb"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{7}", "link"),
            ("a\r\nb\u{0}c", "a\nbc"),
            ("cut \u{1b}[", "cut "),
            ("größe \u{1b}(B✓", "größe ✓"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_ansi(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_text_keeps_both_ends() {
        let mut text = Bounded::new(100);
        for i in 0..10_000 {
            text.push(format!("{i} ").as_bytes());
        }
        let (kept, dropped) = text.take();
        assert!(kept.starts_with("0 1 2 ") && kept.ends_with("9998 9999 "), "{kept}");
        assert!(kept.len() < 200 && dropped > 40_000, "{dropped}");
        text.push("ö".repeat(500).as_bytes());
        let (kept, _) = text.take();
        assert!(!kept.contains('\u{FFFD}') && kept.starts_with('ö') && kept.ends_with('ö'), "{kept}");
        text.push(&[b'a'; 100]);
        assert_eq!(text.take(), ("a".repeat(100), 0));
    }
}
