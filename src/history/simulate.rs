//! Grades measured on histories whose truth is known: tests that fail with a given probability, tests that never
//! change, and tests that a change of the code broke for good or for some time.
//!
//! The area under the ROC curve (AUC) is the probability that a flaky test gets a greater flakiness score than one that
//! is not, ties counting half (Hanley and `McNeil` 1982). It is measured for the flaky tests that show both outcomes in
//! the window: those that do not, look like constant ones to everybody.

use std::fmt::Write as _;

use super::stability::{End, Observation, WINDOW, grade};

/// Failure rates of the flaky tests.
pub const RATES: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5];

/// A small generator of uniform numbers (xorshift64*, Vigna 2016), so that a seed gives the same histories everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// With this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// From 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to `below`, without it.
    pub fn below(&mut self, below: usize) -> usize {
        ((self.share() * below as f64) as usize).min(below.saturating_sub(1))
    }
}

/// A kind of test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Always passes.
    Passes,
    /// Always fails.
    Fails,
    /// Fails with this probability, whatever the code.
    Flaky(f64),
    /// Fails from some run on.
    Regression,
    /// Fails for some runs in a row, until it is mended.
    Mended,
}

/// What is known of the code in a simulated history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Nothing, as of imported files.
    Unknown,
    /// The commit; each run has its own.
    EveryRun,
    /// The commit; two runs on each, as with a pull request and its merge.
    TwoRuns,
}

/// A simulated history of one test over `runs` runs.
pub fn history(kind: Kind, code: Code, runs: usize, random: &mut Random) -> Vec<Observation> {
    let per_commit = if code == Code::TwoRuns { 2 } else { 1 };
    let commits = runs.div_ceil(per_commit);
    // Breaks at a commit, and not at the first one.
    let (mut from, mut until) = match kind {
        Kind::Regression | Kind::Mended => (1 + random.below(commits - 1), commits),
        _ => (0, 0),
    };
    if kind == Kind::Mended {
        until = 1 + random.below(commits - 1);
        while until == from {
            until = 1 + random.below(commits - 1);
        }
        (from, until) = (from.min(until), from.max(until));
    }
    (0..runs)
        .map(|run| {
            let commit = run / per_commit;
            let failed = match kind {
                Kind::Passes => false,
                Kind::Fails => true,
                Kind::Flaky(rate) => random.share() < rate,
                Kind::Regression | Kind::Mended => (from..until).contains(&commit),
            };
            let number = if code == Code::Unknown { 0 } else { commit as u32 + 1 };
            Observation {
                end: if failed { End::Failed } else { End::Passed },
                reruns: 0,
                code: number,
                tree: number,
                branch: 0,
                run: run as u32,
                alone: false,
                duration: None,
            }
        })
        .collect()
}

/// The area under the ROC curve: how often a number of `high` is greater than one of `low`, ties counting half.
pub fn auc(high: &[u32], low: &[u32]) -> f64 {
    let mut low = low.to_vec();
    low.sort_unstable();
    let wins: f64 = high
        .iter()
        .map(|score| {
            let less = low.partition_point(|other| other < score);
            let not_more = low.partition_point(|other| other <= score);
            f64::midpoint(less as f64, not_more as f64)
        })
        .sum();
    wins / (high.len() as f64 * low.len() as f64)
}

/// What one round of simulated histories gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// AUC of flaky tests that show both outcomes against constant ones.
    pub against_constant: f64,
    /// Against regressions that stay.
    pub against_regression: f64,
    /// Against failures that were mended.
    pub against_mended: f64,
    /// Share of always-failing tests that are called flaky.
    pub failing_called_flaky: f64,
    /// Share of regressions that are called flaky.
    pub regression_called_flaky: f64,
    /// For each of [`RATES`]: the share that shows both outcomes, and how many of these are called flaky.
    pub found: Vec<(f64, f64)>,
}

/// Grades `tests` simulated histories of each kind.
pub fn measure(code: Code, tests: usize, seed: u64) -> Measured {
    let mut random = Random::new(seed);
    let mut graded = |kind: Kind| -> Vec<(u32, bool, bool)> {
        (0..tests)
            .map(|_| {
                let runs = history(kind, code, WINDOW, &mut random);
                let stability = grade(&runs, |_| (0.0, None));
                let both = stability.failed_runs > 0 && stability.failed_runs < stability.total_runs;
                (stability.flakiness_score, stability.verdict.is_flaky(), both)
            })
            .collect()
    };
    let scores = |of: &[(u32, bool, bool)]| of.iter().map(|(score, ..)| *score).collect::<Vec<u32>>();
    let share = |of: &[(u32, bool, bool)], test: &dyn Fn(&(u32, bool, bool)) -> bool| {
        of.iter().filter(|one| test(one)).count() as f64 / of.len().max(1) as f64
    };
    let (passing, failing) = (graded(Kind::Passes), graded(Kind::Fails));
    let (regressions, mended) = (graded(Kind::Regression), graded(Kind::Mended));
    let mut flaky = Vec::new();
    let mut found = Vec::new();
    for rate in RATES {
        let all = graded(Kind::Flaky(rate));
        let shown: Vec<_> = all.iter().filter(|(.., both)| *both).copied().collect();
        found.push((share(&all, &|one| one.2), share(&shown, &|one| one.1)));
        flaky.extend(shown.iter().map(|(score, ..)| *score));
    }
    let constant = [scores(&passing), scores(&failing)].concat();
    Measured {
        against_constant: auc(&flaky, &constant),
        against_regression: auc(&flaky, &scores(&regressions)),
        against_mended: auc(&flaky, &scores(&mended)),
        failing_called_flaky: share(&failing, &|one| one.1),
        regression_called_flaky: share(&regressions, &|one| one.1),
        found,
    }
}

/// The measurements for people.
pub fn report(tests: usize, seed: u64) -> String {
    let mut text = format!(
        "{tests} simulated tests of each kind, {WINDOW} runs each, seed {seed}.\n\
         AUC of the flakiness score, for flaky tests that show both outcomes (failure rates {} to {} %):\n\n\
         {:<34} {:>9} {:>11} {:>7}   called flaky: {:>14} {:>11}\n",
        RATES[0] * 100.0,
        RATES[RATES.len() - 1] * 100.0,
        "the code is",
        "constant",
        "regression",
        "mended",
        "always failing",
        "regression"
    );
    let kinds = [
        (Code::Unknown, "not known"),
        (Code::EveryRun, "known, another one in each run"),
        (Code::TwoRuns, "known, the same in two runs each"),
    ];
    for (code, name) in kinds {
        let measured = measure(code, tests, seed);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name:<34} {:>9.4} {:>11.4} {:>7.4}                 {:>14} {:>11}",
            measured.against_constant,
            measured.against_regression,
            measured.against_mended,
            format!("{:.1} %", measured.failing_called_flaky * 100.0),
            format!("{:.1} %", measured.regression_called_flaky * 100.0)
        );
        if code == Code::TwoRuns {
            text.push_str("\nWith the code known, the same in two runs each, by failure rate:\n");
            for (rate, (shown, called)) in RATES.iter().zip(&measured.found) {
                let _ = writeln!(
                    text,
                    "  {:>5.1} %: {:>5.1} % show both outcomes; of these {:>5.1} % are called flaky",
                    rate * 100.0,
                    shown * 100.0,
                    called * 100.0
                );
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaky_tests_are_told_from_others() {
        for code in [Code::Unknown, Code::EveryRun, Code::TwoRuns] {
            let measured = measure(code, 600, 7);
            assert!(measured.against_constant >= 0.99, "{code:?} {measured:?}");
            assert!(measured.against_regression >= 0.99, "{code:?} {measured:?}");
            assert!(measured.failing_called_flaky == 0.0, "{code:?} {measured:?}");
        }
    }

    #[test]
    fn areas() {
        assert!((auc(&[2, 3], &[0, 1]) - 1.0).abs() < 1e-12);
        assert!((auc(&[0, 1], &[2, 3])).abs() < 1e-12);
        assert!((auc(&[1, 1], &[1]) - 0.5).abs() < 1e-12);
    }
}
