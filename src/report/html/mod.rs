//! `rca_report.html`: one page in one file. It asks no server for anything, a strict content-security policy
//! allows only its own style and script (by hash), and test output is text wherever it stands.
//!
//! In a long report the details of a finding are inert text in a `<script type="text/plain">` until it is
//! opened, so that thousands of findings load at once. Their markup holds no `<script` or `<!--` of its own, and
//! all text in it is escaped, so nothing can end that element early. What they have in common stands once, see
//! [`pieces`].

mod chart;
mod finding;
mod pieces;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::{fmt, io};

use askama::Template as _;
use base64::Engine as _;
use sha2::Digest as _;

use self::pieces::Pieces;
use super::text::{counted, one_line, visible};
use super::{Meta, document, human, time};
use crate::history::stability::FEWEST;
use crate::model::{Analysis, Cluster, Counts, Grade, HistorySummary, Severity, Source};

const CSS: &str = include_str!("report.css");
const JS: &str = include_str!("report.js");
/// Runs before anything is laid out: what needs the script is shown only if there is one.
const EARLY: &str = "document.documentElement.classList.add(\"js\")";

/// Up to this many findings are written out in full, so that the page also works without its script.
const MAX_INLINE: usize = 100;
/// Findings that are laid out at once, as in `report.js`.
const MAX_FIRST: usize = 200;
/// Bytes of pytest's output over all findings; each gets its share. Browsers read about 40 MB a second.
const LOG_BUDGET: usize = 8 << 20;
/// Most files in the filter.
const MAX_FILES: usize = 500;

#[derive(askama::Template)]
#[template(path = "page.html", config = "src/report/html/askama.toml")]
struct Page<'a> {
    policy: String,
    css: &'static str,
    js: &'static str,
    early: &'static str,
    generator: &'a str,
    title: String,
    made: String,
    headline: String,
    subline: String,
    total: usize,
    affected: usize,
    outcomes: Vec<(u64, &'static str)>,
    problems: Vec<String>,
    more_problems: usize,
    redacted: Option<String>,
    model: Option<String>,
    /// Numbers of the history with what they count, and the charts of its runs and grades.
    history: Option<HistoryCharts>,
    new: Option<usize>,
    flaky: usize,
    by_category: String,
    by_severity: String,
    categories: Vec<(&'static str, usize)>,
    severities: Vec<(&'static str, usize)>,
    files: Vec<(Cow<'a, str>, usize)>,
    inline: bool,
    pieces: &'a RefCell<Pieces>,
    first: usize,
    rows: Vec<Row<'a>>,
    run: Vec<(&'static str, String)>,
}

struct HistoryCharts {
    facts: String,
    pass_rates: Option<String>,
    durations: Option<String>,
    /// None as long as no test has a grade.
    grades: Option<String>,
}

struct Row<'a> {
    anchor: String,
    is_new: bool,
    /// `new`, `flaky`, both or nothing: what the filter looks at.
    state: String,
    /// The verdict where it is not that of a stable test.
    verdict: Option<&'static str>,
    category: &'static str,
    severity: &'static str,
    file: Cow<'a, str>,
    place: String,
    cause: String,
    sure: String,
    percent: u32,
    /// 0 to 100, as in the history.
    flakiness: u32,
    tests: usize,
    tests_text: String,
    details: finding::Details<'a>,
}

/// The page for `analysis`.
pub fn render(analysis: &Analysis, meta: &Meta) -> askama::Result<String> {
    page(analysis, meta, &RefCell::new(Pieces::new())).render()
}

/// Writes the page for `analysis`, a finding at a time.
pub fn write(analysis: &Analysis, meta: &Meta, out: &mut dyn io::Write) -> io::Result<()> {
    let mut chunks = Chunks { text: String::with_capacity(CHUNK + (CHUNK >> 2)), out, failed: None };
    let rendered = page(analysis, meta, &RefCell::new(Pieces::new())).render_into(&mut chunks);
    let Chunks { text, out, failed } = chunks;
    match (failed, rendered) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(io::Error::other(error)),
        (None, Ok(())) => out.write_all(text.as_bytes()),
    }
}

/// Bytes that are handed on at once.
const CHUNK: usize = 32 << 10;

/// Collects the many small pieces of a page.
struct Chunks<'a> {
    text: String,
    out: &'a mut dyn io::Write,
    failed: Option<io::Error>,
}

impl fmt::Write for Chunks<'_> {
    #[inline]
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.text.push_str(piece);
        if self.text.len() >= CHUNK {
            let written = self.out.write_all(self.text.as_bytes());
            self.text.clear();
            self.failed = written.err();
        }
        if self.failed.is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Escapes what askama's own escaper does, in the same way; most texts hold nothing of the kind, which is seen of
/// many bytes at once.
#[derive(Debug, Clone, Copy, Default)]
struct Html;

impl askama::filters::Escaper for Html {
    fn write_escaped_str<W: fmt::Write>(&self, mut out: W, text: &str) -> fmt::Result {
        let is_special = |byte: u8| matches!(byte, b'"' | b'&' | b'\'' | b'<' | b'>');
        if !text.bytes().fold(false, |any, byte| any | is_special(byte)) {
            return out.write_str(text);
        }
        // In one piece, which may come again.
        let mut escaped = String::with_capacity(text.len() + (text.len() >> 2) + 32);
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| is_special(*byte)) {
            escaped.push_str(&text[from..at]);
            escaped.push_str(match byte {
                b'"' => "&#34;",
                b'&' => "&#38;",
                b'\'' => "&#39;",
                b'<' => "&#60;",
                _ => "&#62;",
            });
            from = at + 1;
        }
        escaped.push_str(&text[from..]);
        out.write_str(&escaped)
    }
}

fn page<'a>(analysis: &'a Analysis, meta: &'a Meta, pieces: &'a RefCell<Pieces>) -> Page<'a> {
    let clusters = &analysis.clusters;
    let inline = clusters.len() <= MAX_INLINE;
    let log_share = (LOG_BUDGET / clusters.len().max(1)).clamp(1000, 64_000);
    let mut anchors = HashSet::new();
    let history = analysis.history.as_ref();
    let details = |cluster, tests| finding::Details {
        cluster,
        tests,
        meta,
        log_share,
        pieces: (!inline).then_some(pieces),
    };
    let rows: Vec<Row<'_>> =
        clusters.iter().map(|cluster| row(cluster, history, details, &mut anchors)).collect();

    let mut categories: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut severities: BTreeMap<Severity, usize> = BTreeMap::new();
    let mut files: BTreeMap<Cow<'_, str>, usize> = BTreeMap::new();
    for (cluster, row) in clusters.iter().zip(&rows) {
        *categories.entry(row.category).or_default() += 1;
        *severities.entry(cluster.diagnosis.severity).or_default() += 1;
        if !row.file.is_empty() {
            *files.entry(row.file.clone()).or_default() += 1;
        }
    }
    let severities: Vec<(&'static str, usize)> =
        severities.iter().rev().map(|(severity, n)| (severity.name(), *n)).collect();
    let mut categories: Vec<(&'static str, usize)> = categories.into_iter().collect();
    categories.sort_by_key(|(_, n)| std::cmp::Reverse(*n));

    let tests: BTreeSet<&str> = clusters.iter().flat_map(|c| &c.failures).map(|f| f.test.as_str()).collect();
    let headline = human::headline(analysis);
    Page {
        policy: policy(),
        css: CSS,
        js: JS,
        early: EARLY,
        generator: &meta.generator,
        title: format!("{headline} · Failscope"),
        made: time::utc(meta.timestamp as f64),
        headline: if clusters.is_empty() { "No failures".to_owned() } else { headline },
        subline: subline(analysis),
        total: analysis.total_failures(),
        affected: tests.len(),
        outcomes: outcomes(analysis.run.counts),
        problems: analysis.problems.iter().take(50).map(human::problem_text).collect(),
        more_problems: analysis.problems.len().saturating_sub(50),
        redacted: human::redactions(&analysis.redactions),
        model: human::model_line(&analysis.model).map(|line| one_line(&line)),
        history: analysis.history.as_ref().map(history_charts),
        new: analysis
            .history
            .as_ref()
            .and_then(|history| history.new_causes.as_ref())
            .map(|_| rows.iter().filter(|row| row.is_new).count()),
        flaky: clusters.iter().filter(|c| is_flaky(c)).count(),
        by_category: chart::bars(&categories),
        by_severity: chart::bars(&severities),
        categories,
        severities,
        files: files.into_iter().take(MAX_FILES).collect(),
        first: MAX_FIRST,
        inline,
        pieces,
        rows,
        run: run_facts(analysis),
    }
}

fn is_flaky(cluster: &Cluster) -> bool {
    cluster.stability.as_ref().is_some_and(|stability| stability.verdict.is_flaky())
}

fn history_charts(history: &HistorySummary) -> HistoryCharts {
    let graded: usize = history.grades.iter().map(|(_, n)| n).sum();
    let has_grades = history.grades.iter().any(|(grade, n)| *grade != Grade::Ungraded && *n > 0);
    let mut facts = vec![
        counted(graded, "test", "tests"),
        counted(history.flaky, "flaky test", "flaky tests"),
        counted(history.slow, "slow test", "slow tests"),
        format!("{} shown", counted(history.runs.len(), "run", "runs")),
    ];
    if !has_grades {
        facts.push(format!("tests are graded from their {FEWEST}th run on"));
    }
    let rows: Vec<(&'static str, usize)> =
        history.grades.iter().map(|(grade, n)| (grade.name(), *n)).collect();
    let over_runs = history.runs.len() > 1;
    let timed = history.runs.iter().filter(|run| run.duration.is_some()).count() > 1;
    HistoryCharts {
        facts: facts.join(" · "),
        pass_rates: over_runs.then(|| chart::pass_rates(&history.runs)),
        durations: timed.then(|| chart::durations(&history.runs)),
        grades: has_grades.then(|| chart::bars(&rows)),
    }
}

fn row<'a>(
    cluster: &'a Cluster,
    history: Option<&HistorySummary>,
    details: impl Fn(&'a Cluster, usize) -> finding::Details<'a>,
    anchors: &mut HashSet<String>,
) -> Row<'a> {
    let diagnosis = &cluster.diagnosis;
    let site = super::place_of(cluster);
    let tests = document::affected_tests(cluster);
    let mut tests_text = counted(tests.len(), "test", "tests");
    if cluster.failures.len() > tests.len() {
        tests_text = format!("{tests_text}, {} failures", cluster.failures.len());
    }
    let percent = (diagnosis.confidence * 100.0).round() as u32;
    let new_causes = history.and_then(|history| history.new_causes.as_ref());
    let is_new = new_causes.is_some_and(|new| new.contains(&cluster.fingerprint.0));
    let states = [is_new.then_some("new"), is_flaky(cluster).then_some("flaky")];
    let verdict = cluster.stability.as_ref().map(|stability| stability.verdict);
    Row {
        is_new,
        state: states.into_iter().flatten().collect::<Vec<_>>().join(" "),
        verdict: verdict
            .filter(|verdict| {
                use crate::model::Verdict;
                verdict.is_flaky() || matches!(verdict, Verdict::OrderDependent | Verdict::Regression)
            })
            .map(crate::model::Verdict::name),
        anchor: anchor(&cluster.fingerprint.0, anchors),
        category: diagnosis.category.name(),
        severity: diagnosis.severity.name(),
        file: site.map_or(Cow::Borrowed(""), |s| visible(s.path.as_str())),
        place: site.map(|s| one_line(&document::place_text(s))).unwrap_or_default(),
        cause: prose(diagnosis.root_cause.as_str()),
        sure: match diagnosis.source {
            Source::None => "not enough evidence".to_owned(),
            _ => format!("{percent} % sure"),
        },
        percent,
        flakiness: cluster.stability.as_ref().map_or(0, |stability| stability.flakiness_score),
        tests: tests.len(),
        tests_text,
        details: details(cluster, tests.len()),
    }
}

/// The id of a finding's element: short, safe in a URL, unique on the page.
fn anchor(fingerprint: &str, taken: &mut HashSet<String>) -> String {
    let short: String = fingerprint.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    let mut anchor = format!("f-{short}");
    let mut n = 1;
    while !taken.insert(anchor.clone()) {
        n += 1;
        anchor = format!("f-{short}-{n}");
    }
    anchor
}

/// Only this page's own style and script; nothing may be loaded or sent.
fn policy() -> String {
    let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}' 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(CSS),
        hash(EARLY),
        hash(JS)
    )
}

/// Markup of a text of ours: what stands between two backticks is shown as code, all else as it is.
fn prose(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest: &str = &text;
    while let Some((before, after)) = rest.split_once('`') {
        // Code does not go over lines: an odd backtick stays what it is.
        let line = after.split('\n').next().unwrap_or_default();
        let Some((code, _)) = line.split_once('`').filter(|(code, _)| !code.is_empty()) else {
            escape(before, &mut out);
            out.push('`');
            rest = after;
            continue;
        };
        escape(before, &mut out);
        out.push_str("<code class=\"in\">");
        escape(code, &mut out);
        out.push_str("</code>");
        rest = &after[code.len() + 1..];
    }
    escape(rest, &mut out);
    out
}

fn escape(text: &str, out: &mut String) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(escaped);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}

fn outcomes(counts: Counts) -> Vec<(u64, &'static str)> {
    [
        (counts.passed, "passed", "passed"),
        (counts.skipped, "skipped", "skipped"),
        (counts.xfailed, "expected failure", "expected failures"),
        (counts.xpassed, "unexpected pass", "unexpected passes"),
        (counts.reruns, "rerun", "reruns"),
    ]
    .into_iter()
    .filter(|(n, ..)| *n > 0)
    .map(|(n, one, many)| (n, if n == 1 { one } else { many }))
    .collect()
}

fn subline(analysis: &Analysis) -> String {
    let run = &analysis.run;
    let mut parts = Vec::new();
    if let Some(started) = run.started.map(time::utc).filter(|t| !t.is_empty()) {
        parts.push(format!("Run of {started}"));
    }
    if let Some(duration) = run.duration {
        parts.push(format!("took {}", time::duration(duration)));
    }
    if let Some(pytest) = &run.tools.pytest {
        parts.push(format!("pytest {}", one_line(pytest)));
    }
    if let Some(python) = &run.tools.python {
        parts.push(format!("Python {}", one_line(python)));
    }
    parts.join(" · ")
}

fn run_facts(analysis: &Analysis) -> Vec<(&'static str, String)> {
    use crate::model::Exit;
    let run = &analysis.run;
    let text = |value: &Option<String>| value.as_deref().map(one_line);
    let facts = [
        ("Started", run.started.map(time::utc).filter(|t| !t.is_empty())),
        ("Took", run.duration.map(time::duration)),
        (
            "Ended",
            match run.exit {
                Exit::Unknown => None,
                Exit::Code(code) => Some(format!("with exit code {code}")),
                Exit::Interrupted => Some("interrupted".to_owned()),
                Exit::Unfinished => Some("its record stops in the middle".to_owned()),
            },
        ),
        ("Folder", run.root.as_ref().map(|r| one_line(r.as_str()))),
        (
            "Arguments",
            (!run.args.is_empty())
                .then(|| run.args.iter().map(|a| one_line(a.as_str())).collect::<Vec<_>>().join(" ")),
        ),
        ("pytest", text(&run.tools.pytest)),
        ("Python", text(&run.tools.python)),
        ("Platform", text(&run.tools.platform)),
        ("Plugins", (!run.tools.plugins.is_empty()).then(|| one_line(&run.tools.plugins.join(", ")))),
        (
            "Read from",
            (!run.sources.is_empty()).then(|| {
                let mut names: Vec<String> = run
                    .sources
                    .iter()
                    .take(20)
                    .map(|(file, format, _)| format!("{} ({})", one_line(file.as_str()), format.name()))
                    .collect();
                if run.sources.len() > 20 {
                    names.push(format!("… and {} more", run.sources.len() - 20));
                }
                names.join(", ")
            }),
        ),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_in_prose_is_marked() {
        let check = |text: &str, expected: &str| assert_eq!(prose(text), expected, "{text:?}");
        check("plain", "plain");
        check("`a < b` is false", "<code class=\"in\">a &lt; b</code> is false");
        check("one ` alone", "one ` alone");
        check("`` two", "`` two");
        check("`a` and `b`.", "<code class=\"in\">a</code> and <code class=\"in\">b</code>.");
        check("not `over\nlines`", "not `over\nlines`");
        check("<q>'\"&", "&lt;q&gt;&#39;&quot;&amp;");
    }

    #[test]
    fn anchors_are_unique() {
        let mut taken = HashSet::new();
        let check = |fingerprint: &str, taken: &mut HashSet<String>, expected: &str| {
            assert_eq!(anchor(fingerprint, taken), expected);
        };
        check("0123456789abcdef99", &mut taken, "f-0123456789abcdef");
        check("0123456789abcdef77", &mut taken, "f-0123456789abcdef-2");
        check("\"><script>", &mut taken, "f-script");
    }
}
