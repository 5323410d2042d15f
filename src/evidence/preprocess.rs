//! Noise stripping and the documented truncation (first 10 %, last 90 %).

use std::ops::Range;

use crate::evidence::traceback::ruler_title;
use crate::model::Redacted;

/// The default of `--max-log-size`, in characters.
pub const DEFAULT_MAX_LOG_SIZE: usize = 80_000;

/// Below this many characters a marker would leave no room for the log itself.
const MIN_FOR_MARKER: usize = 200;

/// Shorter rulers are drawn by programs, not by pytest over the width of a terminal.
const MIN_RULER: usize = 40;

/// Strips pytest's noise (rulers, progress, passed lines) and keeps at most `max` characters: the first tenth
/// and the last nine tenths, with a line between them that says how much was cut. Takes redacted text, so
/// that a cut never frees half a secret; placeholders (`[REDACTED:api_key]`) are kept or dropped whole.
pub fn preprocess(log: &Redacted, max: usize) -> Redacted {
    truncate(&strip_noise(log), max)
}

/// Removes lines that say nothing about the failure; runs of blank lines become one.
pub fn strip_noise(log: &Redacted) -> Redacted {
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut offset = 0;
    let mut blank_before = true;
    for line in log.as_str().split_inclusive('\n') {
        let range = offset..offset + line.len();
        offset = range.end;
        let bare = line.trim_end();
        if (bare.is_empty() && blank_before) || is_noise(bare) {
            continue;
        }
        blank_before = bare.is_empty();
        match kept.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => kept.push(range),
        }
    }
    match &kept[..] {
        [only] if *only == (0..log.as_str().len()) => log.clone(),
        _ => Redacted::join(kept.into_iter().map(|range| log.slice(|text| &text[range])), ""),
    }
}

/// Lines of pytest's terminal output that are not about any failure.
fn is_noise(line: &str) -> bool {
    if line.len() >= MIN_RULER && line.starts_with('=') && ruler_title(line, '=').is_some() {
        return true;
    }
    let bytes = line.as_bytes();
    // Most lines begin like none of the headers and hold no percentage.
    let begins = bytes.first().is_some_and(|first| b"prc".contains(first));
    let header = ["platform ", "rootdir: ", "cachedir: ", "plugins: ", "configfile: ", "collecting ... "];
    if begins
        && header.iter().any(|start| line.starts_with(start))
        && (line.contains("pytest-") || !line.contains(" = "))
    {
        return true;
    }
    // `tests/test_a.py ...F.s  [ 50%]`, `[gw0] [ 50%] PASSED tests/test_a.py::test_b`, `… PASSED [ 50%]`.
    let sign = memchr::memrchr_iter(b'%', bytes).find(|at| bytes.get(at + 1) == Some(&b']'));
    let Some(at) = sign else { return false };
    let percent = line[..at].rsplit_once('[').is_some_and(|(_, digits)| {
        digits.len() <= 4 && !digits.trim().is_empty() && digits.trim().bytes().all(|b| b.is_ascii_digit())
    });
    percent && {
        let rest = line[at + 2..].trim();
        let before = line[..at].rsplit_once('[').map_or("", |(before, _)| before.trim_end());
        rest.starts_with("PASSED ")
            || before.ends_with(" PASSED")
            || rest.is_empty()
                && before
                    .rsplit(' ')
                    .next()
                    .is_some_and(|dots| !dots.is_empty() && dots.bytes().all(|b| b".FEsxXRu,".contains(&b)))
    }
}

/// Keeps at most `max` characters.
fn truncate(log: &Redacted, max: usize) -> Redacted {
    let text = log.as_str();
    // A text of at most `max` bytes has at most `max` characters.
    let count = if text.len() <= max { text.len() } else { text.chars().count() };
    if count <= max {
        return log.clone();
    }
    if max < MIN_FOR_MARKER {
        let start = after_placeholder(text, byte_of(text, count - max));
        return log.slice(|text| &text[start..]);
    }
    // The marker's own length is taken off the tail, for the greatest number it may show.
    let room = max - marker(count).as_str().len();
    let head = max / 10;
    let tail = room - head;
    let end = before_placeholder(text, byte_of(text, head));
    let start = after_placeholder(text, byte_of(text, count - tail)).max(end);
    let cut = text[end..start].chars().count();
    Redacted::join([log.slice(|text| &text[..end]), marker(cut), log.slice(|text| &text[start..])], "")
}

fn marker(cut: usize) -> Redacted {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let digits = cut.to_string();
    let number = digits.bytes().map(|digit| Redacted::fixed(DIGITS[usize::from(digit - b'0')]));
    Redacted::join(
        [Redacted::fixed("\n[... "), Redacted::join(number, ""), Redacted::fixed(" characters cut ...]\n")],
        "",
    )
}

/// The byte at which the character of this index starts.
fn byte_of(text: &str, index: usize) -> usize {
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

/// The placeholder that holds `at` in its middle.
fn placeholder_at(text: &str, at: usize) -> Option<Range<usize>> {
    const OPEN: &str = "[REDACTED:";
    /// Longer than any placeholder.
    const LONGEST: usize = 80;
    let mut from = at.saturating_sub(LONGEST);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let mut to = (at + LONGEST).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    let near = &text[from..to];
    near.match_indices(OPEN).find_map(|(start, _)| {
        let name = &near[start + OPEN.len()..];
        let length = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))?;
        let range = from + start..from + start + OPEN.len() + length + 1;
        (name[length..].starts_with(']') && range.start < at && at < range.end).then_some(range)
    })
}

fn before_placeholder(text: &str, at: usize) -> usize {
    placeholder_at(text, at).map_or(at, |range| range.start)
}

fn after_placeholder(text: &str, at: usize) -> usize {
    placeholder_at(text, at).map_or(at, |range| range.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::redact::Redactor;

    fn redacted(text: &str) -> Redacted {
        Redactor::default().text(text)
    }

    #[test]
    fn noise_goes_and_evidence_stays() {
        let rows = [
            (
                "=================================== FAILURES ===================================\nE   KeyError: 'x'\n",
                "E   KeyError: 'x'\n",
            ),
            ("tests/test_a.py ..F.s          [ 50%]\nleft\n", "left\n"),
            (
                "[gw0] [ 50%] PASSED tests/test_a.py::test_b\n[gw0] [ 50%] FAILED t.py::b\n",
                "[gw0] [ 50%] FAILED t.py::b\n",
            ),
            ("tests/test_a.py::test_b PASSED    [ 50%]\n", ""),
            ("downloaded [ 50%]\n", "downloaded [ 50%]\n"),
            ("platform linux -- Python 3.11.7, pytest-8.4.2\nplugins: a-1\nrootdir: /x\nend", "end"),
            ("platform = 'linux'\n", "platform = 'linux'\n"),
            ("a\n\n\n\nb\n", "a\n\nb\n"),
            ("x == y\n-- Captured stdout call --\n", "x == y\n-- Captured stdout call --\n"),
            ("", ""),
        ];
        for (text, expected) in rows {
            assert_eq!(strip_noise(&redacted(text)).as_str(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_log_keeps_its_first_tenth_and_the_rest_from_the_end() {
        let text: String = (0..1000).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        let cut = preprocess(&redacted(&text), 500);
        assert!((495..=500).contains(&cut.as_str().chars().count()));
        let (head, rest) = cut.as_str().split_once("\n[... ").unwrap_or_default();
        let (number, tail) = rest.split_once(" characters cut ...]\n").unwrap_or_default();
        assert_eq!(head, &text[..50]);
        assert!(text.ends_with(tail));
        assert_eq!(number.parse(), Ok(1000 - head.len() - tail.len()));
        assert_eq!(preprocess(&redacted(&text), 1000).as_str(), text);
    }

    #[test]
    fn small_limits_keep_the_end() {
        for max in 0..MIN_FOR_MARKER {
            let cut = preprocess(&redacted(&"é".repeat(300)), max);
            assert_eq!(cut.as_str().chars().count(), max);
        }
    }

    #[test]
    fn placeholders_are_never_cut_in_half() {
        let text = "0123456789[REDACTED:api_key]ü".repeat(60);
        for max in 0..900 {
            let cut = preprocess(&redacted(&text), max);
            let rest = cut.as_str().replace("[REDACTED:api_key]", "");
            let rest = rest.replace("\n[... ", "").replace("...]\n", "");
            assert!(!rest.contains(['[', ']', ':', '_']), "{max}: {rest}");
            assert!(cut.as_str().chars().count() <= max);
        }
    }
}
