//! Several result files into one run: shards side by side, newer files over older ones.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use crate::model::{Detail, Exit, Failure, FailureKind, Outcome, Phase, Run, TestId, TestOutcomes};

/// How far a file's own time, which is all there is where no duration is told, may lag behind the run.
const LAG: Duration = Duration::from_secs(2);

/// Merges `runs`. For every test id the newest run that mentions it decides (by [`crate::model::ResultSource::time`]);
/// for one execution told twice, the telling with more detail. Runs that overlap in time are shards of one run,
/// or tellings of one execution: what failed in any of them failed. A collection error is over once a newer
/// run knows a test from there. Bare names (`lastfailed`) add tests, and never take details away.
pub fn merge(mut runs: Vec<Run>) -> Run {
    if runs.len() < 2 {
        return runs.pop().unwrap_or_default();
    }
    // Newest first; the order given is kept among equals.
    runs.sort_by_key(|run| std::cmp::Reverse(ended(run)));
    let mut merged = Run::default();
    let mut newer = Known::default();
    let mut names: Vec<Failure> = Vec::new();
    for (age, mut group) in groups(runs).into_iter().enumerate() {
        for run in &mut group {
            describe(&mut merged, run, age == 0);
        }
        let best = best_tellings(&group);
        let mut known = Known::default();
        for (index, run) in group.into_iter().enumerate() {
            for failure in run.failures {
                if newer.decides(&failure.test, &merged.outcomes)
                    || (age > 0 && failure.kind == FailureKind::Internal)
                {
                    continue;
                }
                if failure.detail == Detail::Name {
                    names.push(failure);
                } else if best.get(&(failure.test.clone(), failure.phase)) == Some(&index) {
                    known.add(&failure);
                    merged.failures.push(failure);
                }
            }
            known.outcomes.push(run.outcomes);
        }
        newer.take(known, &mut merged.outcomes);
    }
    let detailed: HashSet<TestId> = merged.failures.iter().map(|failure| failure.test.clone()).collect();
    let mut seen = HashSet::new();
    for name in names {
        if !detailed.contains(&name.test) && seen.insert((name.test.clone(), name.phase)) {
            merged.failures.push(name);
        }
    }
    merged.count();
    merged
}

/// What newer runs say.
#[derive(Default)]
struct Known {
    failed: HashSet<TestId>,
    /// Files and folders of tests that failed otherwise than by not being collected.
    files: TestOutcomes,
    outcomes: Vec<TestOutcomes>,
}

impl Known {
    fn add(&mut self, failure: &Failure) {
        self.failed.insert(failure.test.clone());
        if failure.phase != Phase::Collect {
            self.files.add(failure.test.as_str(), Outcome::Failed, None, false);
        }
    }

    fn decides(&self, test: &TestId, passed: &TestOutcomes) -> bool {
        self.failed.contains(test)
            || passed.contains(test.as_str())
            || passed.has_tests_in(test.as_str())
            || self.files.has_tests_in(test.as_str())
    }

    fn take(&mut self, other: Self, outcomes: &mut TestOutcomes) {
        self.failed.extend(other.failed);
        self.files.extend(other.files);
        for more in other.outcomes {
            outcomes.extend(more);
        }
    }
}

/// When the run ended, as far as is known.
fn ended(run: &Run) -> SystemTime {
    run.sources.iter().filter_map(|source| source.time).max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Runs that overlap in time, newest group first. `runs` is sorted by end, newest first.
fn groups(runs: Vec<Run>) -> Vec<Vec<Run>> {
    let mut groups: Vec<Vec<Run>> = Vec::new();
    let mut start = SystemTime::UNIX_EPOCH;
    for run in runs {
        let end = ended(&run);
        let length = run.duration.map_or(LAG, |seconds| Duration::from_secs_f64(seconds.clamp(0.0, 1e6)));
        let begin = end.checked_sub(length).unwrap_or(SystemTime::UNIX_EPOCH);
        match groups.last_mut() {
            Some(group) if end >= start => {
                start = start.min(begin);
                group.push(run);
            }
            _ => {
                start = begin;
                groups.push(vec![run]);
            }
        }
    }
    groups
}

/// How much a run tells of one test in one phase; more is better, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    detail: Option<Detail>,
    failures: usize,
    named_subtests: usize,
    sections: usize,
    text: usize,
}

/// Which run of the group tells most of each test and phase.
fn best_tellings(group: &[Run]) -> HashMap<(TestId, Phase), usize> {
    let mut best: HashMap<(TestId, Phase), (Score, usize)> = HashMap::new();
    for (index, run) in group.iter().enumerate() {
        let mut scores: HashMap<(TestId, Phase), Score> = HashMap::new();
        for failure in &run.failures {
            let score = scores.entry((failure.test.clone(), failure.phase)).or_default();
            score.detail = score.detail.max(Some(failure.detail));
            score.failures += 1;
            score.named_subtests +=
                usize::from(failure.subtest.as_ref().is_some_and(|s| !s.starts_with('#')));
            score.sections += failure.sections.len();
            score.text += failure.text.len();
        }
        for (key, score) in scores {
            let entry = best.entry(key).or_insert((score, index));
            if score > entry.0 {
                *entry = (score, index);
            }
        }
    }
    best.into_iter().map(|(key, (_, index))| (key, index)).collect()
}

/// Takes what describes `run` into `merged`; the newest group says how the run went.
fn describe(merged: &mut Run, run: &mut Run, newest: bool) {
    merged.sources.append(&mut run.sources);
    merged.problems.append(&mut run.problems);
    if merged.root.is_none() {
        merged.root = run.root.take();
    }
    if merged.args.is_empty() {
        merged.args = std::mem::take(&mut run.args);
    }
    let (tools, own) = (&mut merged.tools, std::mem::take(&mut run.tools));
    tools.python = tools.python.take().or(own.python);
    tools.pytest = tools.pytest.take().or(own.pytest);
    tools.platform = tools.platform.take().or(own.platform);
    if tools.plugins.is_empty() {
        tools.plugins = own.plugins;
    }
    if newest {
        merged.counts.reruns = merged.counts.reruns.max(run.counts.reruns);
        merged.started = match (merged.started, run.started) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        merged.duration = match (merged.duration, run.duration) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        merged.exit = worse(merged.exit, run.exit);
    }
}

/// The exit that says more is wrong.
fn worse(a: Exit, b: Exit) -> Exit {
    let rank = |exit: &Exit| match exit {
        Exit::Unknown => (0, 0),
        Exit::Code(code) => (1, *code),
        Exit::Interrupted => (2, 0),
        Exit::Unfinished => (3, 0),
    };
    if rank(&b) > rank(&a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ResultFormat, ResultSource};

    /// A run from a short form: end in seconds, duration, then `+id` passed, `-id` failed with a traceback,
    /// `?id` known to have failed, `!file` not collected.
    fn run(end: u64, duration: Option<f64>, tests: &str) -> Run {
        let mut run = Run { duration, ..Run::default() };
        run.sources.push(ResultSource {
            name: format!("{end}.xml"),
            format: ResultFormat::Junit,
            time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(end)),
            bytes: 0,
        });
        for test in tests.split_whitespace() {
            let (kind, id) = test.split_at(1);
            let (phase, detail) = match kind {
                "+" => {
                    run.outcomes.add(id, Outcome::Passed, None, true);
                    continue;
                }
                "-" => (Phase::Call, Detail::Traceback),
                "!" => (Phase::Collect, Detail::Traceback),
                _ => (Phase::Call, Detail::Name),
            };
            let mut failure = Failure::bare(TestId::new(id), phase);
            failure.detail = detail;
            failure.headline = format!("at {end}");
            run.failures.push(failure);
        }
        run.count();
        run
    }

    fn check(runs: &[(u64, Option<f64>, &str)], expected: &[&str], passed: u64) {
        let orders = [runs.to_vec(), runs.iter().rev().copied().collect()];
        for order in orders {
            let merged =
                merge(order.iter().map(|(end, duration, tests)| run(*end, *duration, tests)).collect());
            let mut found: Vec<String> =
                merged.failures.iter().map(|f| format!("{} {}", f.test, f.headline)).collect();
            found.sort();
            assert_eq!(found, expected, "{runs:?}");
            assert_eq!(merged.counts.passed, passed, "{runs:?}");
        }
    }

    #[test]
    fn the_newest_word_on_each_test_counts() {
        let d = Some(5.0);
        // Shards of one run.
        check(&[(100, d, "-a::x +a::y"), (101, d, "-b::x +b::y")], &["a::x at 100", "b::x at 101"], 2);
        // A newer run of one test.
        check(&[(100, d, "-a::x -a::y"), (200, d, "+a::x")], &["a::y at 100"], 1);
        check(&[(100, d, "+a::x -a::y"), (200, d, "-a::x")], &["a::x at 200", "a::y at 100"], 0);
        check(&[(100, d, "-a::x"), (200, d, "-a::x")], &["a::x at 200"], 0);
        // Three generations.
        check(&[(100, d, "-a::x"), (200, d, "+a::x"), (300, d, "-b::x")], &["b::x at 300"], 1);
        // At the same time with different outcomes: two platforms, say.
        check(&[(100, d, "-a::x"), (100, d, "+a::x")], &["a::x at 100"], 0);
        // Names add, and take no details away.
        check(&[(100, d, "-a::x"), (500, None, "?a::x ?a::y")], &["a::x at 100", "a::y at 500"], 0);
        check(&[(100, None, "?a::x"), (200, d, "+a::x")], &[], 1);
        check(&[(100, d, "+a::x"), (200, None, "?a::x")], &["a::x at 200"], 0);
        // A collection error is over once there are tests from that file or folder.
        check(&[(100, d, "!t/a.py"), (200, d, "+t/a.py::x")], &[], 1);
        check(&[(100, d, "!t/a.py !t"), (200, d, "-t/a.py::x")], &["t/a.py::x at 200"], 0);
        check(&[(100, d, "!t/a.py"), (200, d, "+t/b.py::x")], &["t/a.py at 100"], 1);
        check(&[(100, d, "-t/a.py::x"), (200, d, "!t/a.py")], &["t/a.py at 200", "t/a.py::x at 100"], 0);
    }

    #[test]
    fn of_two_tellings_the_fuller_is_kept() {
        let mut full = run(100, Some(5.0), "-a::x");
        full.failures[0].sections.push(crate::model::Section { name: "log".into(), text: "line".into() });
        let plain = run(101, Some(5.0), "-a::x");
        for runs in [vec![full.clone(), plain.clone()], vec![plain, full]] {
            let merged = merge(runs);
            assert_eq!(merged.failures.len(), 1);
            assert_eq!(merged.failures[0].headline, "at 100");
            assert_eq!(merged.sources.len(), 2);
        }
    }
}
