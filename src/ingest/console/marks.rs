//! The lines of pytest's terminal output that structure it.

use crate::evidence::traceback::ruler_title;
use crate::model::{Counts, Outcome};

/// What a `=` ruler starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heading {
    SessionStart,
    Errors,
    Failures,
    Summary,
    RerunSummary,
    Durations,
    /// A section that holds no failures: passes, warnings, coverage.
    Other,
    /// The last line: numbers and time.
    Final,
}

/// A ruler of `=`; `width` is the terminal's width where known.
pub(super) fn heading(line: &str, width: Option<usize>) -> Option<Heading> {
    let title = ruler_title(line, '=')?;
    let heading = match title {
        "test session starts" => return Some(Heading::SessionStart),
        "ERRORS" => Heading::Errors,
        "FAILURES" => Heading::Failures,
        "short test summary info" => Heading::Summary,
        "rerun test summary info" => Heading::RerunSummary,
        "PASSES" | "XPASSES" | "XFAILURES" | "warnings summary" | "warnings summary (final)" | "RERUNS" => {
            Heading::Other
        }
        _ if title.starts_with("slowest ") && title.ends_with("durations") => Heading::Durations,
        _ if final_counts(title).is_some() => Heading::Final,
        _ if width.is_some_and(|width| fits(line, width)) => Heading::Other,
        _ => return None,
    };
    Some(heading)
}

/// Whether a ruler has the terminal's width: rulers are never narrower, and wider only when the title is.
pub(super) fn fits(line: &str, width: usize) -> bool {
    let count = line.trim_end().chars().count();
    count == width || count > width && line.as_bytes().get(1) == Some(&b' ')
}

/// The title of a failure: a `_` ruler.
pub(super) fn failure_title(line: &str, width: Option<usize>) -> Option<&str> {
    let title = ruler_title(line, '_')?;
    match width {
        Some(width) => fits(line, width).then_some(title),
        None => (line.trim_end().len() >= 40 && !title.starts_with('_')).then_some(title),
    }
}

/// Numbers and seconds of a final line: `1 failed, 2 passed in 0.12s`.
pub(super) fn final_counts(text: &str) -> Option<(Counts, Option<f64>)> {
    let (numbers, time) = text.rsplit_once(" in ")?;
    let seconds = time.split(' ').next()?.strip_suffix('s').or_else(|| time.strip_suffix(" seconds"))?;
    let seconds: f64 = seconds.parse().ok()?;
    let mut counts = Counts::default();
    if numbers == "no tests ran" || numbers == "no tests collected" {
        return Some((counts, Some(seconds)));
    }
    for part in numbers.split(", ") {
        let (number, what) = part.split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match what {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "error" | "errors" => counts.errors = number,
            "skipped" => counts.skipped = number,
            "xfailed" => counts.xfailed = number,
            "xpassed" => counts.xpassed = number,
            "rerun" | "reruns" => counts.reruns = number,
            _ if what.contains(|c: char| !(c.is_alphabetic() || c == ' ')) => return None,
            _ => {}
        }
    }
    Some((counts, Some(seconds)))
}

/// How a line of `-v` output or of the summary says that a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ended(Outcome),
    Rerun,
    SubtestFailed,
    /// Subtests that did not fail say nothing about the test.
    SubtestFine,
}

const VERDICTS: [(&str, Verdict); 15] = [
    ("PASSED", Verdict::Ended(Outcome::Passed)),
    ("FAILED", Verdict::Ended(Outcome::Failed)),
    ("ERROR", Verdict::Ended(Outcome::Error)),
    ("SKIPPED", Verdict::Ended(Outcome::Skipped)),
    ("XFAILED", Verdict::Ended(Outcome::Xfailed)),
    ("XFAIL", Verdict::Ended(Outcome::Xfailed)),
    ("XPASSED", Verdict::Ended(Outcome::Xpassed)),
    ("XPASS", Verdict::Ended(Outcome::Xpassed)),
    ("RERUN", Verdict::Rerun),
    ("SUBFAILED", Verdict::SubtestFailed),
    ("SUBFAIL", Verdict::SubtestFailed),
    ("SUBPASSED", Verdict::SubtestFine),
    ("SUBPASS", Verdict::SubtestFine),
    ("SUBSKIPPED", Verdict::SubtestFine),
    ("SUBSKIP", Verdict::SubtestFine),
];

/// A line of `-v` output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verbose<'a> {
    /// The id (with a subtest's description behind it), or what the line shows of it.
    pub(super) id: &'a str,
    pub(super) verdict: Verdict,
    pub(super) worker: Option<&'a str>,
}

/// Reads `ID PASSED [ 50%]`, `[gw0] [ 50%] PASSED ID`.
pub(super) fn verbose(line: &str) -> Option<Verbose<'_>> {
    if let Some(rest) = line.strip_prefix("[gw") {
        let (number, rest) = rest.split_once("] ")?;
        if number.bytes().any(|b| !b.is_ascii_digit()) {
            return None;
        }
        let worker = Some(&line[1..3 + number.len()]);
        let rest = match rest.strip_prefix('[') {
            Some(percent) => percent.split_once("] ")?.1,
            None => rest,
        };
        let (word, id) = rest.split_once(' ')?;
        let verdict = VERDICTS.iter().find(|(name, _)| *name == word)?.1;
        return Some(Verbose { id: id.trim_end(), verdict, worker });
    }
    let rest = without_progress(line);
    // The last word that is a verdict, with at most a reason in brackets behind it.
    let mut end = rest.len();
    let mut tries = 0;
    while let Some(at) = rest[..end].rfind(' ') {
        let word_and_more = &rest[at + 1..];
        let word = word_and_more.split([' ', '(', '[']).next().unwrap_or_default();
        if let Some((name, verdict)) = VERDICTS.iter().find(|(name, _)| *name == word) {
            let more = word_and_more[name.len()..].trim_start();
            let reason = more.is_empty() || more.starts_with('(') && more.ends_with(')');
            let subtest = matches!(verdict, Verdict::SubtestFailed | Verdict::SubtestFine);
            if reason || subtest && more.starts_with(['[', '(']) {
                return Some(Verbose { id: rest[..at].trim_end(), verdict: *verdict, worker: None });
            }
        }
        end = at;
        tries += 1;
        // A reason may have many words, but not any number of them.
        if tries > 64 {
            break;
        }
    }
    let word = rest.split([' ', '(']).next().unwrap_or_default();
    let verdict = VERDICTS.iter().find(|(name, _)| *name == word)?.1;
    rest[word.len()..].trim().is_empty().then_some(Verbose { id: "", verdict, worker: None })
}

/// Cuts `[ 50%]`, `[12/99]` or a time off the end.
fn without_progress(line: &str) -> &str {
    let line = line.trim_end();
    let Some(inner) = line.strip_suffix(']') else { return line };
    let Some(at) = inner.rfind('[') else { return line };
    let text = &inner[at + 1..];
    let progress = !text.is_empty()
        && (text.ends_with('%') || text.contains('/') || text.ends_with('s'))
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'%' | b'/' | b'.' | b's' | b'm'))
        && inner[..at].ends_with(' ');
    if progress { inner[..at].trim_end() } else { line }
}

/// A line of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SummaryLine<'a> {
    pub(super) verdict: Verdict,
    /// Id and message, not yet told apart.
    pub(super) rest: &'a str,
    /// A subtest's description where it stands before the verdict.
    pub(super) subtest: Option<&'a str>,
}

/// Reads `FAILED ID - message`, `SUBFAILED[msg] (i=1) ID - message`, `[msg] (i=1) SUBFAIL ID - message`.
pub(super) fn summary(line: &str) -> Option<SummaryLine<'_>> {
    for (name, verdict) in VERDICTS {
        let Some(rest) = line.strip_prefix(name) else { continue };
        if let Some(rest) = rest.strip_prefix(' ') {
            return Some(SummaryLine { verdict, rest: rest.trim_start(), subtest: None });
        }
        if rest.starts_with(['[', '(']) && matches!(verdict, Verdict::SubtestFailed | Verdict::SubtestFine) {
            return Some(SummaryLine { verdict, rest, subtest: None });
        }
    }
    if line.starts_with(['[', '(']) {
        for (name, verdict) in
            [("] SUBFAIL ", Verdict::SubtestFailed), (") SUBFAIL ", Verdict::SubtestFailed)]
        {
            if let Some(at) = line.find(name) {
                let subtest = Some(&line[..=at]);
                return Some(SummaryLine { verdict, rest: &line[at + name.len()..], subtest });
            }
        }
    }
    None
}

/// Whether text can be a test id: a file, or a file and names.
pub(super) fn is_id(text: &str) -> bool {
    let (file, names) = text.split_once("::").unwrap_or((text, ""));
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    !text.starts_with([' ', '-', '=', '>'])
        && (!names.is_empty() && !extension.is_empty() || matches!(extension, "py" | "txt" | "rst" | "md"))
}

/// The places at which `rest` may be split into id and message, likeliest first; the last is the whole text.
pub(super) fn id_splits(rest: &str) -> Vec<usize> {
    const MAX: usize = 32;
    let mut good = Vec::new();
    let mut poor = Vec::new();
    for (at, _) in rest.match_indices(" - ").take(MAX) {
        let id = &rest[..at];
        let parameters = id.find("::").is_some_and(|names| id[names..].contains('['));
        if parameters && !id.ends_with(']') { poor.push(at) } else { good.push(at) }
    }
    let whole = rest.trim_end().len();
    if rest.trim_end().ends_with(']') && !poor.is_empty() && good.is_empty() {
        good.push(whole);
    } else {
        poor.push(whole);
    }
    good.extend(poor);
    if good.is_empty() {
        good.push(whole);
    }
    good
}

/// The name of a test as pytest writes it above its failure: `tests/a.py::A::b[x]` gives `A.b[x]`.
pub(super) fn domain(id: &str) -> String {
    let Some((_, names)) = id.split_once("::") else { return id.to_owned() };
    let parameters = names.find('[').unwrap_or(names.len());
    format!("{}{}", names[..parameters].replace("::", "."), &names[parameters..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbose_lines() {
        let ended = Verdict::Ended;
        let rows = [
            ("a.py::b PASSED      [ 50%]", Some(("a.py::b", ended(Outcome::Passed), None))),
            ("a.py::b[x y] FAILED", Some(("a.py::b[x y]", ended(Outcome::Failed), None))),
            ("a.py::b SKIPPED (no fork here) [ 7%]", Some(("a.py::b", ended(Outcome::Skipped), None))),
            (
                "[gw11] [ 50%] ERROR a.py::b[ - FAILED ] ",
                Some(("a.py::b[ - FAILED ]", ended(Outcome::Error), Some("gw11"))),
            ),
            ("[gw0] PASSED a.py::b", Some(("a.py::b", ended(Outcome::Passed), Some("gw0")))),
            ("a.py::b [m] (i=1) SUBFAIL  [ 28%]", Some(("a.py::b [m] (i=1)", Verdict::SubtestFailed, None))),
            ("a.py::b SUBFAILED[m] (i=1)  [ 28%]", Some(("a.py::b", Verdict::SubtestFailed, None))),
            ("PASSED          [ 3%]", Some(("", ended(Outcome::Passed), None))),
            (
                "a.py::b[ - FAILED ] FAILED [ 64%]",
                Some(("a.py::b[ - FAILED ]", ended(Outcome::Failed), None)),
            ),
            ("a.py::b ", None),
            ("a.py ..F.s [ 50%]", None),
        ];
        for (line, expected) in rows {
            let got = verbose(line);
            assert_eq!(got.as_ref().map(|v| (v.id, v.verdict, v.worker)), expected, "{line}");
        }
    }

    #[test]
    fn summary_ids() {
        let rows = [
            ("a.py::b - KeyError: 'x'", "a.py::b"),
            ("a.py::b[x - y] - KeyError", "a.py::b[x - y]"),
            ("a.py::b[ - FAILED ] - AssertionError: a - b", "a.py::b[ - FAILED ]"),
            ("a.py::b[x - y]", "a.py::b[x - y]"),
            ("a.py::b", "a.py::b"),
            ("a.py - ImportError", "a.py"),
            ("a.py::b - assert [1] == [1 - 2]", "a.py::b"),
        ];
        for (rest, id) in rows {
            assert_eq!(&rest[..id_splits(rest)[0]], id, "{rest}");
        }
    }

    #[test]
    fn final_lines() {
        let rows = [
            ("1 failed, 5 passed, 2 errors, 1 rerun in 0.56s", Some((1, 5, 2, Some(0.56)))),
            ("2 failed, 2 subtests passed in 61.00s (0:01:01)", Some((2, 0, 0, Some(61.0)))),
            ("no tests ran in 0.01s", Some((0, 0, 0, Some(0.01)))),
            ("FAILURES", None),
            ("made in 3 days", None),
            ("3 pears in 2s, really", None),
        ];
        for (text, expected) in rows {
            let got = final_counts(text).map(|(c, seconds)| (c.failed, c.passed, c.errors, seconds));
            assert_eq!(got, expected, "{text}");
        }
    }
}
