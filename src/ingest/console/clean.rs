//! From bytes of a terminal or CI log to plain lines: colours and hyperlinks, overwritten progress, and what
//! CI systems put in front of each line.

use std::borrow::Cow;

/// Removes escape sequences (ECMA-48: CSI, OSC, DCS, APC, PM, SOS and two-character ones), what a carriage
/// return has overwritten, and other control characters except tabs.
pub(super) fn clean(line: &str) -> Cow<'_, str> {
    let plain = |b: u8| b >= 0x20 && b != 0x7f || b == b'\t';
    if line.bytes().all(plain) && !line.contains('\u{9b}') {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    // Where the text after the last carriage return starts, and what it overwrites.
    let mut chars = line.chars().peekable();
    let mut overwritten = 0..0;
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => skip_csi(&mut chars),
                Some(']' | 'P' | '_' | '^' | 'X') => skip_string(&mut chars),
                Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
                    chars.next();
                }
                _ => {}
            },
            '\u{9b}' => skip_csi(&mut chars),
            '\r' => {
                if out.len() > overwritten.end || overwritten.is_empty() {
                    overwritten = 0..out.len();
                }
            }
            '\t' => out.push('\t'),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {}
            c => out.push(c),
        }
    }
    if out.len() > overwritten.end && overwritten.end > 0 {
        return Cow::Owned(out.split_off(overwritten.end));
    }
    Cow::Owned(out)
}

fn skip_csi(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(&c) = chars.peek() {
        // Parameters and intermediates run up to the final byte; anything else is not part of a sequence.
        if !(' '..='~').contains(&c) {
            return;
        }
        chars.next();
        if ('@'..='~').contains(&c) {
            return;
        }
    }
}

/// Skips to the string terminator (BEL or ESC `\`).
fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = chars.next() {
        if c == '\u{7}' || c == '\u{9c}' {
            return;
        }
        if c == '\u{1b}' {
            if chars.peek() == Some(&'\\') {
                chars.next();
            }
            return;
        }
    }
}

/// What is put in front of the lines of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `gh run view --log`: job, tab, step, tab.
    JobStep,
    /// `2026-11-22T10:00:00.1234567Z `, `[2026-11-22 10:00:00] `.
    Timestamp,
    /// `[10:00:00] `, `10:00:00 `.
    Time,
    /// GitLab's `00O ` and `00O+` after a timestamp.
    Stream,
    /// `service_1  | `.
    Service,
    /// Docker build: `#12 3.456 `.
    Step,
}

impl Prefix {
    const ALL: [Self; 6] =
        [Self::JobStep, Self::Timestamp, Self::Time, Self::Stream, Self::Service, Self::Step];

    /// The length of the prefix, if the line has it.
    fn length(self, line: &str) -> Option<usize> {
        let bytes = line.as_bytes();
        match self {
            Self::JobStep => {
                let job = memchr::memchr(b'\t', bytes).filter(|&at| at > 0)?;
                let step = job + 1 + memchr::memchr(b'\t', &bytes[job + 1..]).filter(|&at| at > 0)?;
                let rest = &line[step + 1..];
                timestamp(rest.trim_start_matches('\u{feff}').as_bytes())?;
                Some(step + 1)
            }
            Self::Timestamp => {
                let bom = if line.starts_with('\u{feff}') { 3 } else { 0 };
                bracketed(&bytes[bom..], timestamp).map(|length| bom + length)
            }
            Self::Time => bracketed(bytes, time),
            Self::Stream => {
                let [a, b, stream, mark, ..] = bytes else { return None };
                let known = a.is_ascii_hexdigit() && b.is_ascii_hexdigit() && matches!(stream, b'O' | b'E');
                (known && matches!(mark, b' ' | b'+')).then_some(4)
            }
            Self::Service => {
                let name = bytes
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/'))
                    .count();
                let spaces = bytes[name..].iter().take_while(|b| **b == b' ').count();
                let bar = name + spaces;
                (name > 0 && spaces > 0 && bytes.get(bar) == Some(&b'|')).then(|| with_space(bytes, bar + 1))
            }
            Self::Step => {
                let rest = bytes.strip_prefix(b"#")?;
                let step = digits(rest);
                let rest = rest[step..].strip_prefix(b" ")?;
                let seconds = digits(rest);
                let rest = rest[seconds..].strip_prefix(b".")?;
                let fraction = digits(rest);
                let length = 1 + step + 1 + seconds + 1 + fraction;
                (step > 0 && seconds > 0 && fraction > 0).then(|| with_space(bytes, length))
            }
        }
    }
}

/// The prefixes of a log, outer before inner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Prefixes(Vec<Prefix>);

impl Prefixes {
    /// Finds the prefixes that most of `lines` have. Few lines prove nothing.
    pub(super) fn of<'a, I: Iterator<Item = &'a str>>(lines: impl Fn() -> I) -> Self {
        const MIN_LINES: usize = 4;
        const MAX_DEPTH: usize = 4;
        let mut found = Self::default();
        while found.0.len() < MAX_DEPTH {
            let rest: Vec<&str> =
                lines().map(|line| found.strip(line)).filter(|line| !line.trim().is_empty()).collect();
            let prefix = Prefix::ALL.into_iter().filter(|prefix| !found.0.contains(prefix)).find(|prefix| {
                let having = rest.iter().filter(|line| prefix.length(line).is_some()).count();
                having >= MIN_LINES && having * 10 >= rest.len() * 7
            });
            match prefix {
                Some(prefix) => found.0.push(prefix),
                None => break,
            }
        }
        found
    }

    /// The line without the prefixes; lines that lack one keep their text.
    pub(super) fn strip<'a>(&self, line: &'a str) -> &'a str {
        let mut rest = line;
        for prefix in &self.0 {
            if let Some(length) = prefix.length(rest) {
                rest = rest.get(length..).unwrap_or("");
            }
        }
        rest
    }
}

/// Lines by which CI systems fold their logs or repeat messages.
pub(super) fn is_ci_command(line: &str) -> bool {
    let github =
        ["::group::", "::endgroup::", "::error", "::warning", "::notice", "::debug::", "::add-mask::"];
    github.iter().any(|start| line.starts_with(start))
        || line.starts_with("##[") && line.contains(']')
        || line.starts_with("section_start:")
        || line.starts_with("section_end:")
}

fn with_space(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at) == Some(&b' ') { at + 1 } else { at }
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// `[x] ` or `x `, where `inner` gives the length of `x`.
fn bracketed(bytes: &[u8], inner: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    if let Some(rest) = bytes.strip_prefix(b"[") {
        let length = inner(rest)?;
        return (rest.get(length) == Some(&b']')).then(|| with_space(bytes, length + 2));
    }
    let length = inner(bytes)?;
    match bytes.get(length) {
        None => Some(length),
        Some(b' ') => Some(length + 1),
        Some(_) => None,
    }
}

/// An ISO 8601 date and time.
fn timestamp(bytes: &[u8]) -> Option<usize> {
    const SHAPE: &[u8] = b"dddd-dd-ddT";
    let shaped = bytes.len() > SHAPE.len()
        && SHAPE.iter().zip(bytes).all(|(shape, b)| match shape {
            b'd' => b.is_ascii_digit(),
            b'T' => matches!(b, b'T' | b' '),
            other => b == other,
        });
    shaped.then_some(())?;
    let mut at = SHAPE.len() + time(&bytes[SHAPE.len()..])?;
    match bytes.get(at) {
        Some(b'Z') => at += 1,
        Some(b'+' | b'-') => {
            let zone = &bytes[at + 1..];
            let zone = zone.iter().take_while(|b| b.is_ascii_digit() || **b == b':').count();
            at += if matches!(zone, 2 | 4 | 5) { 1 + zone } else { 0 };
        }
        _ => {}
    }
    Some(at)
}

/// `hh:mm:ss` with an optional fraction.
fn time(bytes: &[u8]) -> Option<usize> {
    let shaped = bytes.len() >= 8
        && b"dd:dd:dd"
            .iter()
            .zip(bytes)
            .all(|(shape, b)| if *shape == b'd' { b.is_ascii_digit() } else { b == shape });
    shaped.then_some(())?;
    let fraction = match bytes.get(8) {
        Some(b'.' | b',') => digits(&bytes[9..]),
        _ => 0,
    };
    Some(if fraction > 0 { 9 + fraction } else { 8 })
}
