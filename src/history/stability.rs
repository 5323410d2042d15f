//! Grades: what a test's recent runs say of it.
//!
//! **Grade.** The share of the last [`WINDOW`] runs that passed, of those in which the test passed or failed: `A`
//! from 95 %, `B` from 80 %, `C` from 65 %, `D` from 50 %, `F` below; `UNGRADED` with fewer than [`FEWEST`]. Skips
//! and expected failures are neither; a pass after a rerun is a pass. Beside it stands the interval in which the true
//! share lies ([`super::beta::interval`]), which says how much few runs leave open.
//!
//! **Flaky or changed.** A test fails for two kinds of reason: the code changed, or the test is flaky, that is, it gives
//! both outcomes on the same code (Luo et al., *An Empirical Analysis of Flaky Tests*, 2014). Two explanations of the
//! sequence of outcomes are compared by their probability (a Bayes factor; Kass and Raftery 1995):
//!
//! - *flaky*: each run fails with one unknown probability, whose prior is Beta(½, 2): most flaky tests fail
//!   seldom. Its probability has a closed form (the Beta-binomial);
//! - *changed*: the outcome stays as it was, but for a change, which happens between two runs with probability
//!   [`CHANGE`] where the code changed or it is not known whether it did, and [`CHANGE_ON_SAME_CODE`] where it did not
//!   (what is outside of the code changed). What came first is compared within its branch.
//!
//! One test in five that shows both outcomes is taken to be flaky before anything is seen ([`PRIOR`]). So one flip
//! that stays is a change (a regression, or a repair), and flips to and fro are flakiness, as with the flip rate
//! (Apple's, Kowalczyk et al., *Modeling and Ranking Flaky Tests at Apple*, 2020), but without a
//! threshold, and different outcomes on the same code, or on a rerun, settle it at once.
//!
//! **Flakiness score.** 100 × probability of being flaky × twice the share of the rarer outcome: 0 for what never
//! changes, 100 for a coin flip. Beside it stand the scores at the ends of the interval of the failure rate. It is 0 for a test that always fails. What was flaky and then was constant for so
//! long that chance does not explain it counts by the share of its runs before.
//!
//! **Verdict.** If flaky with a probability of at least one half: `Mildly Flaky` below 20, `Flaky` below 60, `Highly
//! Unstable` from there. Otherwise `Broken` if it failed every time since some point, at least twice; `Regression` if
//! the code is known to have changed at that point; else `Stable`. `Order Dependent`: on one and the same code it
//! failed each time it ran with others and passed each time it ran alone (or the other way round; Lam et al.,
//! *iDFlakies*, 2019), and no run since tells otherwise. Below [`FEWEST`] runs it is `Unknown`, unless both outcomes were seen on the same code.
//!
//! **Trend.** The newer half of the runs against the older: `degrading` or `improving` if the two shares differ by
//! more than 1.28 standard deviations of their posteriors (nine to one that the difference is real), else `stable`.
//!
//! How well this tells flaky tests from constant ones and from regressions is measured by
//! [`super::simulate`].

use super::beta;
use crate::model::{Grade, Since, Stability, Trend, Verdict};

/// Most runs that count.
pub const WINDOW: usize = 20;
/// Fewest runs for a grade.
pub const FEWEST: usize = 5;
/// Probability that a test's outcome changes with the code from one run to the next.
pub const CHANGE: f64 = 0.03;
/// The same where the code is known to be the same.
pub const CHANGE_ON_SAME_CODE: f64 = 1e-4;
/// Share of flaky tests among those that show both outcomes.
pub const PRIOR: f64 = 0.2;
/// Prior of a flaky test's failure rate: Beta(`.0`, `.1`).
const RATE_PRIOR: (f64, f64) = (0.5, 2.0);
/// Probability that a test passes to begin with.
const PASSES_FIRST: f64 = 0.9;

/// How a test ended in one run, as far as grading goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Passed, possibly although expected to fail.
    Passed,
    /// Failed.
    Failed,
    /// Failed as expected.
    Xfailed,
    /// Skipped.
    Skipped,
}

/// One run of one test.
#[derive(Debug, Clone, Copy)]
pub struct Observation {
    /// How it ended.
    pub end: End,
    /// How often it was run again in that run before it ended so.
    pub reruns: u32,
    /// A number for the code and the environment it ran in; 0 if the code is not known.
    pub code: u32,
    /// A number for the code alone, or for its commit if changes in no commit are not known; 0 if neither is.
    pub tree: u32,
    /// A number for the branch; 0 if it is not known.
    pub branch: u32,
    /// A number for the run, so that [`grade`]'s caller can say which it was.
    pub run: u32,
    /// Whether it was the only test that ran.
    pub alone: bool,
    /// Seconds.
    pub duration: Option<f32>,
}

/// Grades a test from its runs, oldest first; `run` says when the numbered run ended and on which commit.
pub fn grade(all: &[Observation], run: impl Fn(u32) -> (f64, Option<String>)) -> Stability {
    let recent: String = all[all.len().saturating_sub(WINDOW)..].iter().map(sign).collect();
    let mut seen: Vec<Observation> = all.iter().rev().filter(|o| counts(o)).take(WINDOW).copied().collect();
    seen.reverse();
    let total = seen.len() as u32;
    let failed = seen.iter().filter(|o| o.end == End::Failed).count() as u32;
    let passed = total - failed;
    let mut stability = Stability {
        recent,
        total_runs: total,
        failed_runs: failed,
        avg_duration: mean_duration(&seen),
        ..Stability::default()
    };
    if total == 0 {
        stability.verdict = match all.iter().any(|o| o.end == End::Xfailed) {
            true => Verdict::ExpectedFailure,
            false if all.is_empty() => Verdict::Unknown,
            false => Verdict::Skipped,
        };
        return stability;
    }
    let rate = f64::from(passed) / f64::from(total);
    stability.pass_rate = Some(rate);
    stability.pass_rate_interval = Some(beta::interval(passed, total));
    stability.grade = letter(passed, total);
    stability.trend = trend(&seen);
    stability.same_code_flips = same_code_flips(&seen);

    let trials = trials(&seen);
    let tail = seen.iter().rev().take_while(|o| o.end == End::Failed).count();
    let flaky = Flakiness::of(&trials);
    stability.flaky_probability = (flaky.probability * 1000.0).round() / 1000.0;
    stability.flakiness_score = flaky.score();
    stability.flakiness_interval = flaky.interval(failed, total);
    let is_flaky = flaky.probability >= 0.5 && flaky.score() > 0;
    if tail > 0 {
        let first = seen.len() - tail;
        let (time, commit) = run(seen[first].run);
        let last_passed = first.checked_sub(1).map(|at| run(seen[at].run).1);
        stability.failing_since =
            Some(Since { time, commit, last_passed_commit: last_passed.flatten(), runs: tail as u32 });
    }
    let graded = stability.grade != Grade::Ungraded;
    stability.verdict = if order_dependent(&seen) {
        Verdict::OrderDependent
    } else if is_flaky && !flaky.is_over && (graded || stability.same_code_flips > 0) {
        match flaky.score() {
            // How flaky cannot be said from so few.
            _ if !graded => Verdict::Flaky,
            0..20 => Verdict::MildlyFlaky,
            20..60 => Verdict::Flaky,
            _ => Verdict::HighlyUnstable,
        }
    } else if !graded {
        Verdict::Unknown
    } else if tail >= 2 {
        let change = seen.len() - tail;
        let known = |o: &Observation| o.tree != 0;
        let changed = change > 0
            && known(&seen[change - 1])
            && known(&seen[change])
            && seen[change - 1].tree != seen[change].tree;
        if changed { Verdict::Regression } else { Verdict::Broken }
    } else {
        Verdict::Stable
    };
    stability
}

fn counts(observation: &Observation) -> bool {
    matches!(observation.end, End::Passed | End::Failed)
}

fn sign(observation: &Observation) -> char {
    match observation.end {
        End::Passed if observation.reruns > 0 => 'R',
        End::Passed => 'P',
        End::Failed => 'F',
        End::Xfailed => 'X',
        End::Skipped => 'S',
    }
}

fn letter(passed: u32, total: u32) -> Grade {
    if (total as usize) < FEWEST {
        return Grade::Ungraded;
    }
    // In whole numbers: 95 % of 20 is 19, whatever a division makes of it.
    let at_least = |percent: u32| passed * 100 >= percent * total;
    match () {
        () if at_least(95) => Grade::A,
        () if at_least(80) => Grade::B,
        () if at_least(65) => Grade::C,
        () if at_least(50) => Grade::D,
        () => Grade::F,
    }
}

fn mean_duration(seen: &[Observation]) -> Option<f64> {
    let known: Vec<f64> = seen.iter().filter_map(|o| o.duration.map(f64::from)).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

fn trend(seen: &[Observation]) -> Trend {
    if seen.len() < FEWEST + 1 {
        return Trend::Stable;
    }
    let (older, newer) = seen.split_at(seen.len() / 2);
    let share = |part: &[Observation]| {
        let failed = part.iter().filter(|o| o.end == End::Failed).count() as f64;
        let (a, b) = (failed + 1.0, part.len() as f64 - failed + 1.0);
        (a / (a + b), a * b / ((a + b).powi(2) * (a + b + 1.0)))
    };
    let ((before, v), (now, w)) = (share(older), share(newer));
    let difference = (now - before) / (v + w).sqrt();
    match () {
        () if difference > 1.28 => Trend::Degrading,
        () if difference < -1.28 => Trend::Improving,
        () => Trend::Stable,
    }
}

/// Reruns that passed in the end, and runs whose outcome is another than that of the run before on the same code.
fn same_code_flips(seen: &[Observation]) -> u32 {
    let mut last: Vec<(u32, End)> = Vec::new();
    let mut flips = 0;
    for observation in seen {
        flips += u32::from(observation.end == End::Passed && observation.reruns > 0);
        if observation.code == 0 {
            continue;
        }
        match last.iter_mut().find(|(code, _)| *code == observation.code) {
            Some((_, end)) => {
                flips += u32::from(*end != observation.end);
                *end = observation.end;
            }
            None => last.push((observation.code, observation.end)),
        }
    }
    flips
}

/// One execution: whether it failed, and the probability that the outcome changed before it if nothing is flaky.
#[derive(Debug, Clone, Copy)]
struct Trial {
    failed: bool,
    /// Whether the outcome is another than the one it is compared with; `None` for the first.
    flipped: Option<bool>,
    hazard: f64,
}

fn trials(seen: &[Observation]) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::with_capacity(seen.len());
    for (at, observation) in seen.iter().enumerate() {
        let failed = observation.end == End::Failed;
        let before = &seen[..at];
        let same_code = before.iter().rev().find(|o| observation.code != 0 && o.code == observation.code);
        let same_branch =
            before.iter().rev().find(|o| observation.branch != 0 && o.branch == observation.branch);
        let compared = same_code.or(same_branch).or(before.last());
        // What was run again failed before.
        let reran = observation.reruns > 0;
        let first = failed || reran;
        trials.push(Trial {
            failed: first,
            flipped: compared.map(|o| (o.end == End::Failed) != first),
            hazard: if same_code.is_some() { CHANGE_ON_SAME_CODE } else { CHANGE },
        });
        if reran {
            trials.push(Trial { failed, flipped: Some(!failed), hazard: CHANGE_ON_SAME_CODE });
        }
    }
    trials
}

#[derive(Debug, Clone, Copy)]
struct Flakiness {
    probability: f64,
    /// Share of the rarer outcome.
    rarer: f64,
    /// Whether it was flaky and then became constant.
    is_over: bool,
}

impl Flakiness {
    fn of(trials: &[Trial]) -> Self {
        let (probability, rarer) = Self::of_all(trials);
        let whole = Self { probability, rarer, is_over: false };
        // Constant for so long at the end that a flaky test would hardly be: something changed.
        let Some(last) = trials.last() else { return whole };
        let tail = trials.iter().rev().take_while(|t| t.failed == last.failed).count();
        let earlier = &trials[..trials.len() - tail];
        if tail < 4 || earlier.len() < 2 {
            return whole;
        }
        let alike = earlier.iter().filter(|t| t.failed == last.failed).count() as f64 + 0.5;
        let chance = (alike / (earlier.len() as f64 + 1.0)).powf(tail as f64);
        if chance >= 0.01 {
            return whole;
        }
        let (probability, rarer) = Self::of_all(earlier);
        let share = earlier.len() as f64 / trials.len() as f64;
        Self { probability, rarer: rarer * share, is_over: true }
    }

    fn of_all(trials: &[Trial]) -> (f64, f64) {
        let failures = trials.iter().filter(|t| t.failed).count() as f64;
        let passes = trials.len() as f64 - failures;
        if failures == 0.0 || passes == 0.0 {
            return (0.0, 0.0);
        }
        let (a, b) = RATE_PRIOR;
        let flaky = (beta::ln_beta(a + failures, b + passes) - beta::ln_beta(a, b)).exp();
        let changed: f64 = trials
            .iter()
            .map(|trial| match trial.flipped {
                None if trial.failed => 1.0 - PASSES_FIRST,
                None => PASSES_FIRST,
                Some(true) => trial.hazard,
                Some(false) => 1.0 - trial.hazard,
            })
            .product();
        let weight = PRIOR * flaky;
        let probability = weight / (weight + (1.0 - PRIOR) * changed);
        (probability, failures.min(passes) / (failures + passes))
    }

    /// Between which scores the true one lies: the score at the ends of the interval of the failure rate.
    fn interval(self, failed: u32, total: u32) -> (u32, u32) {
        let (low, high) = beta::interval(failed, total);
        let at = |rate: f64| Self { rarer: rate.min(1.0 - rate), ..self }.score();
        let (a, b) = (at(low), at(high));
        // Between them may lie the coin flip, which scores most.
        let most = if low <= 0.5 && high >= 0.5 { at(0.5) } else { a.max(b) };
        (a.min(b), most)
    }

    fn score(self) -> u32 {
        (100.0 * self.probability * 2.0 * self.rarer).round().clamp(0.0, 100.0) as u32
    }
}

/// Whether, on the newest code on which it ran both ways, it failed each time it ran with others and passed each time
/// it ran alone, or the other way round, and no run since tells otherwise: an edit elsewhere leaves a test as it was.
fn order_dependent(seen: &[Observation]) -> bool {
    let ran_both_ways = |code: u32| {
        let ran = |alone: bool| seen.iter().any(|o| o.code == code && o.alone == alone);
        code != 0 && ran(true) && ran(false)
    };
    let Some(last) = seen.iter().rposition(|o| ran_both_ways(o.code)) else { return false };
    let code = seen[last].code;
    let since = &seen[last + 1..];
    let told = || seen[..=last].iter().filter(|o| o.code == code).chain(since);
    if told().any(|o| o.reruns > 0 && o.end == End::Passed) {
        return false;
    }
    let only = |alone: bool| -> Option<End> {
        let mut ends = told().filter(|o| o.alone == alone).map(|o| o.end);
        let first = ends.next()?;
        ends.all(|end| end == first).then_some(first)
    };
    matches!((only(true), only(false)), (Some(alone), Some(among)) if alone != among)
}

#[cfg(test)]
mod tests;
