//! What the history of runs says of one test. The definitions are in [`crate::history::stability`].

use serde::{Serialize, Serializer};

/// `A` to `F` by the share of the last twenty runs that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// At least 95 % passed.
    A,
    /// At least 80 %.
    B,
    /// At least 65 %.
    C,
    /// At least 50 %.
    D,
    /// Less than half.
    F,
    /// Fewer than five runs.
    #[default]
    Ungraded,
}

impl Grade {
    /// All of them, best first.
    pub const ALL: [Self; 6] = [Self::A, Self::B, Self::C, Self::D, Self::F, Self::Ungraded];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
            Self::Ungraded => "UNGRADED",
        }
    }
}

impl std::fmt::Display for Grade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of test it is, in two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Verdict {
    /// Always passes, or passes since it was mended.
    Stable,
    /// Both outcomes on the same code, now and then.
    MildlyFlaky,
    /// Both outcomes on the same code.
    Flaky,
    /// Nearly a coin flip.
    HighlyUnstable,
    /// Fails every time since some point, or always.
    Broken,
    /// Fails every time since the code changed.
    Regression,
    /// Fails with the others and passes alone, or the other way round.
    OrderDependent,
    /// Fails as it is expected to.
    ExpectedFailure,
    /// Never ran.
    Skipped,
    /// Too few runs to say.
    #[default]
    Unknown,
}

impl Verdict {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "Stable",
            Self::MildlyFlaky => "Mildly Flaky",
            Self::Flaky => "Flaky",
            Self::HighlyUnstable => "Highly Unstable",
            Self::Broken => "Broken",
            Self::Regression => "Regression",
            Self::OrderDependent => "Order Dependent",
            Self::ExpectedFailure => "Expected Failure",
            Self::Skipped => "Skipped",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether a failure of such a test need not mean that the code is wrong.
    pub fn is_flaky(self) -> bool {
        matches!(self, Self::MildlyFlaky | Self::Flaky | Self::HighlyUnstable)
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Where it is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trend {
    /// Passes more often than it did.
    Improving,
    /// As it was.
    #[default]
    Stable,
    /// Passes less often than it did.
    Degrading,
}

impl Trend {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Improving => "improving",
            Self::Stable => "stable",
            Self::Degrading => "degrading",
        }
    }
}

/// The run since which a test fails every time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Since {
    /// When the first failing run ended, in seconds since the Unix epoch.
    pub time: f64,
    /// Its commit.
    pub commit: Option<String>,
    /// The commit of the last run that passed before it.
    pub last_passed_commit: Option<String>,
    /// Failing runs since.
    pub runs: u32,
}

/// Stability of a test over its recent runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Stability {
    /// `A` to `F`, or `UNGRADED`.
    pub grade: Grade,
    /// 0 to 100: 0 if the outcome never changes on the same code, 100 for a coin flip.
    pub flakiness_score: u32,
    /// Between which scores the true one lies, with a probability of 95 %.
    pub flakiness_interval: (u32, u32),
    /// `Stable`, `Mildly Flaky`, `Flaky`, `Highly Unstable`, `Broken`, `Regression`, `Order Dependent`, …
    pub verdict: Verdict,
    /// Where it is going.
    pub trend: Trend,
    /// Share of the graded runs that passed, 0 to 1; `None` if there are none.
    pub pass_rate: Option<f64>,
    /// Interval in which the true pass rate lies with a probability of 95 %.
    pub pass_rate_interval: Option<(f64, f64)>,
    /// Probability that the test is flaky rather than that the code changed, 0 to 1.
    pub flaky_probability: f64,
    /// Runs looked at, oldest first: `P` passed, `F` failed, `R` passed when run again, `X` failed as expected,
    /// `S` skipped. At most 20.
    pub recent: String,
    /// Runs that count: it passed or failed. At most 20.
    pub total_runs: u32,
    /// Of these, how many failed.
    pub failed_runs: u32,
    /// Pairs of runs in the same environment on the same code with different outcomes, reruns included.
    pub same_code_flips: u32,
    /// Mean seconds of the graded runs.
    pub avg_duration: Option<f64>,
    /// Whether it takes long.
    pub slow: bool,
    /// The runs since which it fails every time, if it fails now.
    pub failing_since: Option<Since>,
}

impl Stability {
    /// What it means, in one sentence.
    pub fn sentence(&self) -> String {
        let runs = |n: u32| format!("{n} {}", if n == 1 { "run" } else { "runs" });
        let of = format!("{} of the last {}", self.failed_runs, runs(self.total_runs));
        match self.verdict {
            Verdict::Stable if self.failed_runs == 0 => {
                format!("passed in all of the last {}", runs(self.total_runs))
            }
            Verdict::Stable if self.failing_since.is_some() => {
                format!("failed in {of}; too new to tell a regression from a flake")
            }
            Verdict::Stable => format!("failed in {of}, every time until it was mended"),
            Verdict::MildlyFlaky | Verdict::Flaky | Verdict::HighlyUnstable if self.same_code_flips > 0 => {
                format!("failed in {of}; both outcomes on the same code")
            }
            Verdict::MildlyFlaky | Verdict::Flaky | Verdict::HighlyUnstable => {
                format!("failed in {of}, on and off")
            }
            Verdict::Broken | Verdict::Regression => match &self.failing_since {
                Some(since) if since.runs < self.total_runs => {
                    let commit = since.commit.as_deref().map(|c| format!("commit {}", short(c)));
                    let from = match (self.verdict == Verdict::Regression, commit) {
                        (true, Some(commit)) => format!(" since a change of the code ({commit})"),
                        (true, None) => " since a change of the code".to_owned(),
                        (false, Some(commit)) => format!(" since {commit}"),
                        (false, None) => String::new(),
                    };
                    format!("failed in each of the last {}{from}; passed before", runs(since.runs))
                }
                _ => format!("failed in all of the last {}", runs(self.total_runs)),
            },
            Verdict::OrderDependent => {
                if self.recent.ends_with('P') {
                    "fails when it runs with other tests and passes alone, on the same code".to_owned()
                } else {
                    "passes or fails by what runs with it, on the same code: not alone as with other tests"
                        .to_owned()
                }
            }
            Verdict::ExpectedFailure => "fails as it is expected to".to_owned(),
            Verdict::Skipped => "was skipped in every run".to_owned(),
            Verdict::Unknown if self.failed_runs == 0 => {
                format!("passed in {}; too few to grade", runs(self.total_runs))
            }
            Verdict::Unknown => format!("failed in {of}; too few to grade"),
        }
    }

    /// The recent runs as small signs for people: `✓✓✗✓`.
    pub fn strip(&self) -> String {
        self.recent
            .chars()
            .map(|c| match c {
                'P' => '✓',
                'F' => '✗',
                'R' => '↻',
                'X' => 'x',
                _ => '·',
            })
            .collect()
    }
}

/// The first characters of a commit's id.
pub fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// One run of the history, for charts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunPoint {
    /// When it ended, in seconds since the Unix epoch.
    pub time: f64,
    /// Seconds.
    pub duration: Option<f64>,
    /// Tests that passed, those that failed unexpectedly, and the rest.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Skipped, or failed as expected.
    pub other: u64,
    /// The commit.
    pub commit: Option<String>,
    /// Whether there were changes that are in no commit.
    pub dirty: Option<bool>,
}

/// What the history says of the project as a whole.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistorySummary {
    /// The newest runs, oldest first.
    pub runs: Vec<RunPoint>,
    /// Number of tests by grade.
    pub grades: Vec<(Grade, usize)>,
    /// Number of flaky tests.
    pub flaky: usize,
    /// Number of tests that take long.
    pub slow: usize,
    /// Root causes of this analysis that no earlier run of the history had, by fingerprint; `None` if there is
    /// no earlier run to say.
    pub new_causes: Option<Vec<String>>,
}
