//! `stability_report.json`: a grade for every test of the history. The schema is published as
//! `stability_report.schema.json` beside this file; what the grades mean is defined in
//! [`crate::history::stability`].

use std::collections::BTreeMap;
use std::io::{self, Write};

use owo_colors::OwoColorize as _;
use serde::Serialize;

use super::Meta;
use super::text::{counted, cut, one_line};
use crate::history::summary::Graded;
use crate::model::{Grade, Redacted, RunPoint, Since, Stability, Trend, Verdict};

/// Version of the document's form. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON Schema (draft 2020-12) of the document.
pub const SCHEMA: &str = include_str!("stability_report.schema.json");

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    schema_version: u32,
    generator: &'a str,
    timestamp: u64,
    summary: Summary<'a>,
    tests: Vec<Test<'a>>,
    runs: &'a [RunPoint],
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    total_tests: usize,
    grades: BTreeMap<&'static str, usize>,
    flaky_tests: Vec<&'a str>,
    broken_tests: Vec<&'a str>,
    order_dependent_tests: Vec<&'a str>,
    slow_tests: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Test<'a> {
    test_name: &'a str,
    grade: Grade,
    /// `"72.0%"`.
    pass_rate: Option<String>,
    pass_rate_interval: Option<[String; 2]>,
    flakiness_score: u32,
    flakiness_interval: [u32; 2],
    flaky_probability: f64,
    verdict: Verdict,
    trend: Trend,
    total_runs: u32,
    failed_runs: u32,
    same_code_flips: u32,
    recent: &'a str,
    avg_duration: Option<f64>,
    slow: bool,
    failing_since: Option<&'a Since>,
    explanation: String,
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

impl<'a> Document<'a> {
    /// The document of `graded`.
    pub fn new(graded: &'a Graded, meta: &'a Meta) -> Self {
        let mut tests: Vec<(&Redacted, &Stability)> = graded.tests.iter().collect();
        tests.sort_unstable_by_key(|(name, _)| *name);
        let named = |of: &dyn Fn(&Stability) -> bool| -> Vec<&'a str> {
            tests.iter().filter(|(_, s)| of(s)).map(|(name, _)| name.as_str()).collect()
        };
        let mut slow: Vec<(&Redacted, &Stability)> = tests.iter().filter(|(_, s)| s.slow).copied().collect();
        let duration = |s: &Stability| s.avg_duration.unwrap_or(0.0);
        slow.sort_by(|a, b| duration(b.1).total_cmp(&duration(a.1)));
        Self {
            schema_version: SCHEMA_VERSION,
            generator: &meta.generator,
            timestamp: meta.timestamp,
            summary: Summary {
                total_tests: tests.len(),
                grades: graded.grades().into_iter().map(|(grade, n)| (grade.name(), n)).collect(),
                flaky_tests: named(&|s| s.verdict.is_flaky()),
                broken_tests: named(&|s| matches!(s.verdict, Verdict::Broken | Verdict::Regression)),
                order_dependent_tests: named(&|s| s.verdict == Verdict::OrderDependent),
                slow_tests: slow.iter().map(|(name, _)| name.as_str()).collect(),
            },
            tests: tests.iter().map(|(name, stability)| Test::new(name, stability)).collect(),
            runs: &graded.runs,
        }
    }

    /// The document as indented JSON with a newline at its end.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut out = serde_json::to_vec_pretty(self)?;
        out.push(b'\n');
        Ok(out)
    }
}

impl<'a> Test<'a> {
    fn new(name: &'a Redacted, stability: &'a Stability) -> Self {
        Self {
            test_name: name.as_str(),
            grade: stability.grade,
            pass_rate: stability.pass_rate.map(percent),
            pass_rate_interval: stability.pass_rate_interval.map(|(low, high)| [percent(low), percent(high)]),
            flakiness_score: stability.flakiness_score,
            flakiness_interval: stability.flakiness_interval.into(),
            flaky_probability: stability.flaky_probability,
            verdict: stability.verdict,
            trend: stability.trend,
            total_runs: stability.total_runs,
            failed_runs: stability.failed_runs,
            same_code_flips: stability.same_code_flips,
            recent: &stability.recent,
            avg_duration: stability.avg_duration.map(|seconds| (seconds * 1e6).round() / 1e6),
            slow: stability.slow,
            failing_since: stability.failing_since.as_ref(),
            explanation: stability.sentence(),
        }
    }
}

/// Most tests that are printed of each kind.
const SHOWN: usize = 10;

/// Prints the grades in numbers, and the tests that are not stable, on `width` columns.
pub fn write(out: &mut impl Write, graded: Option<&Graded>, width: usize) -> io::Result<()> {
    let Some(graded) = graded.filter(|graded| !graded.tests.is_empty()) else {
        return writeln!(out, "stability: the history holds no runs yet");
    };
    let numbers: Vec<String> = graded
        .grades()
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|(grade, n)| {
            format!("{} {n}", if *grade == Grade::Ungraded { "ungraded" } else { grade.name() })
        })
        .collect();
    let tests = counted(graded.tests.len(), "test", "tests");
    writeln!(out, "{} {tests}: {}", "stability".bold(), numbers.join(" · "))?;
    let mut unstable: Vec<(&Redacted, &Stability)> =
        graded.tests.iter().filter(|(_, s)| !matches!(rank(s), 9)).collect();
    unstable.sort_by(|a, b| {
        (rank(a.1), std::cmp::Reverse(a.1.flakiness_score), a.0).cmp(&(
            rank(b.1),
            std::cmp::Reverse(b.1.flakiness_score),
            b.0,
        ))
    });
    for (name, stability) in unstable.iter().take(SHOWN) {
        line(out, name.as_str(), stability, width)?;
    }
    if unstable.len() > SHOWN {
        writeln!(out, "  … and {}: failscope history", counted(unstable.len() - SHOWN, "more", "more"))?;
    }
    let slow = graded.tests.values().filter(|s| s.slow).count();
    if slow > 0 {
        writeln!(out, "  {}", counted(slow, "slow test", "slow tests"))?;
    }
    Ok(())
}

/// The order in which tests are shown that are not stable; 9 for those that are.
pub fn rank(stability: &Stability) -> u8 {
    match stability.verdict {
        Verdict::HighlyUnstable | Verdict::Flaky | Verdict::MildlyFlaky => 0,
        Verdict::OrderDependent => 1,
        Verdict::Regression => 2,
        Verdict::Broken => 3,
        Verdict::Stable | Verdict::ExpectedFailure | Verdict::Skipped | Verdict::Unknown => 9,
    }
}

/// Prints one test on a line: grade, strip, name, verdict.
pub fn line(out: &mut impl Write, name: &str, stability: &Stability, width: usize) -> io::Result<()> {
    let grade = if stability.grade == Grade::Ungraded { "–" } else { stability.grade.name() };
    let strip = strip(stability);
    let verdict = match stability.verdict {
        // Of few runs no number is true.
        verdict if verdict.is_flaky() && stability.grade == Grade::Ungraded => {
            let (low, high) = stability.flakiness_interval;
            format!("{verdict} {low}–{high}")
        }
        verdict if verdict.is_flaky() => format!("{verdict} {}", stability.flakiness_score),
        verdict => verdict.to_string(),
    };
    let pad = " ".repeat(20usize.saturating_sub(stability.recent.chars().count()));
    let room = width.saturating_sub(2 + 2 + 20 + 2 + 20).max(20);
    writeln!(out, "  {} {pad}{strip}  {verdict:<18}  {}", grade.bold(), cut(&one_line(name), room))
}

/// The recent runs as coloured signs.
pub fn strip(stability: &Stability) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for sign in stability.strip().chars() {
        // Writing to a string cannot fail.
        let _ = match sign {
            '✓' => write!(text, "{}", sign.green()),
            '✗' => write!(text, "{}", sign.red()),
            '↻' => write!(text, "{}", sign.yellow()),
            _ => write!(text, "{}", sign.dimmed()),
        };
    }
    text
}
