//! One run as it is recorded: what is kept of it, and what tells it from every other run.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::context::hex;
use super::pack::{self, Entry, phase_bit};
use crate::evidence::redact::Redactor;
use crate::model::maps::{Hashing, Map};
use crate::model::{Analysis, Counts, Exit, Outcome, Phase, Redacted, ResultFormat, Run, TestId};
use crate::system;

/// A record that stops in the middle is taken as the whole only when nothing was written to it for so long.
const SETTLED: Duration = Duration::from_mins(1);

/// A run as read from one file, before anything is merged.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Start and end in seconds since the Unix epoch.
    pub started: Option<f64>,
    /// End.
    pub ended: f64,
    /// Seconds.
    pub duration: Option<f64>,
    /// The Python, pytest and platform it ran with.
    pub environment: Option<String>,
    /// The format it was read from.
    pub format: ResultFormat,
    /// How it ended.
    pub exit: Exit,
    /// The tests by name (raw), sorted, each once.
    pub tests: Vec<(TestId, Entry)>,
    /// What failed.
    pub failures: Vec<Failed>,
}

/// A failure by name (raw) and cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The test.
    pub test: TestId,
    /// The phase.
    pub phase: Phase,
    /// The subtest.
    pub subtest: Option<String>,
    /// The cause's fingerprint, where the run was analysed.
    pub fingerprint: Option<String>,
}

/// A failure as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFailure {
    /// The test as it may be shown.
    pub test: String,
    /// The phase.
    pub phase: Phase,
    /// The subtest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtest: Option<String>,
    /// The fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// A recording ready to be stored.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The names that may be shown, packed.
    pub roster: Vec<u8>,
    /// Number of names.
    pub tests: usize,
    /// How they ended, packed.
    pub results: Vec<u8>,
    /// Failures as they may be shown.
    pub failures: Vec<StoredFailure>,
}

impl Recording {
    /// Takes what is recorded out of `run`, which was read with [`crate::ingest::ReadOptions::keep_names`].
    /// `None` if it is not the whole of a run: a list of what failed last, terminal output that does not
    /// name what passed, or, unless `is_over`, a record that is still being written.
    pub fn take(run: &mut Run, now: SystemTime, is_over: bool) -> Option<Self> {
        let named = std::mem::take(&mut run.outcomes.named);
        let source = run.sources.first()?;
        if source.format == ResultFormat::LastFailed {
            return None;
        }
        let time = source.time.unwrap_or(now);
        let settled = now.duration_since(time).is_ok_and(|age| age > SETTLED);
        if run.exit == Exit::Unfinished && !is_over && !settled {
            return None;
        }
        let format = source.format;
        let mut tests: Map<TestId, Entry> =
            Map::with_capacity_and_hasher(named.len() + run.failures.len(), Hashing::default());
        for (test, outcome, duration) in named {
            let reruns = run.outcomes.reruns.get(&test).copied().unwrap_or(0);
            let duration = duration.map(|seconds| seconds as f32);
            tests.insert(test, Entry { outcome, phases: 0, duration, reruns });
        }
        for failure in run.failures.iter().filter(|f| f.phase != Phase::Collect) {
            let reruns = run.outcomes.reruns.get(&failure.test).copied().unwrap_or(failure.reruns);
            let entry = tests.entry(failure.test.clone()).or_insert(Entry {
                outcome: Outcome::Error,
                phases: 0,
                duration: None,
                reruns,
            });
            entry.phases |= phase_bit(failure.phase);
            let in_call = entry.phases & phase_bit(Phase::Call) != 0;
            entry.outcome = if in_call { Outcome::Failed } else { Outcome::Error };
            let more = failure.duration.map(|seconds| seconds as f32);
            entry.duration = match (entry.duration, more) {
                (Some(a), Some(b)) => Some(a.max(b)),
                (a, b) => a.or(b),
            };
        }
        if !is_complete(&run.counts, &tests) {
            return None;
        }
        let mut tests: Vec<(TestId, Entry)> = tests.into_iter().collect();
        tests.retain(|(test, _)| test.as_str() != crate::ingest::INTERNAL_ERROR);
        tests.sort_by(|a, b| a.0.cmp(&b.0));
        let failures: Vec<Failed> = run
            .failures
            .iter()
            .map(|failure| Failed {
                test: failure.test.clone(),
                phase: failure.phase,
                subtest: failure.subtest.clone(),
                fingerprint: None,
            })
            .collect();
        if tests.is_empty() && failures.is_empty() {
            return None;
        }
        let tools = [&run.tools.platform, &run.tools.python, &run.tools.pytest];
        let environment: Vec<&str> = tools.iter().filter_map(|tool| tool.as_deref()).collect();
        let duration = run.duration.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        let ended = seconds(time);
        let started = run.started.map(seconds);
        Some(Self {
            // A file's own time may be that of its copying.
            ended: started.zip(duration).map_or(ended, |(start, length)| start + length),
            started: started.or_else(|| duration.map(|length| ended - length)),
            duration,
            environment: (!environment.is_empty()).then(|| environment.join(" · ")),
            format,
            exit: run.exit,
            tests,
            failures,
        })
    }

    /// Tells it from every other run, whatever its file is called and whenever it was copied.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let timed = self.tests.iter().any(|(_, entry)| entry.duration.is_some_and(|d| d > 0.0));
        match (self.started.filter(|_| self.format != ResultFormat::Console), timed) {
            (Some(started), _) if self.duration.is_some() => hash.update(started.to_le_bytes()),
            (_, true) => {}
            _ => hash.update(self.ended.floor().to_le_bytes()),
        }
        for (test, entry) in &self.tests {
            system::pause();
            hash.update(test.as_str());
            hash.update([0, entry.outcome as u8, entry.phases]);
            hash.update(entry.duration.unwrap_or(-1.0).to_le_bytes());
        }
        for failure in &self.failures {
            hash.update(failure.test.as_str());
            hash.update([1]);
        }
        hex(&hash.finalize()[..16])
    }

    /// Whether the run at `other` in which the same tests ended as `theirs` says is the same execution, told in
    /// another format for instance.
    pub fn is_same_execution(&self, other: Times, theirs: &[Entry], ours: &Packed) -> bool {
        let (Some(start), Some(their_start)) = (self.started, other.started) else { return false };
        let overlap = self.ended.min(other.ended) - start.max(their_start);
        let length = (self.ended - start).max(other.ended - their_start);
        if overlap < length * 0.8 - 0.5 || (start - their_start).abs() > 2.0 {
            return false;
        }
        let Some(mine) = pack::entries(&ours.results, ours.tests) else { return false };
        mine.len() == theirs.len()
            && mine.iter().zip(theirs).all(|(a, b)| {
                let close = match (a.duration, b.duration) {
                    // Formats round, and some leave the fixtures out.
                    (Some(a), Some(b)) => (a - b).abs() <= 0.01 + 0.05 * a.max(b),
                    _ => true,
                };
                a.outcome == b.outcome && close
            })
    }

    /// Notes which cause each failure has, as `analysis` found.
    pub fn explain(&mut self, analysis: &Analysis) {
        let causes: Map<(&TestId, Phase), &str> = analysis
            .clusters
            .iter()
            .flat_map(|c| c.failures.iter().map(|f| ((&f.test_id, f.phase), c.fingerprint.0.as_str())))
            .collect();
        for failure in &mut self.failures {
            failure.fingerprint = causes.get(&(&failure.test, failure.phase)).map(|&f| f.to_owned());
        }
    }

    /// Packs it, all text through `redactor`.
    pub fn packed(&self, redactor: &Redactor) -> Packed {
        let names = redactor.names(self.tests.iter().map(|(test, _)| test.as_str()));
        let is_sorted = names.is_sorted_by(|a, b| a.as_str() < b.as_str());
        let (roster, tests, results) = if is_sorted {
            let entries: Vec<Entry> = self.tests.iter().map(|(_, entry)| *entry).collect();
            (pack::roster(names.iter().map(Redacted::as_str)), entries.len(), pack::results(&entries))
        } else {
            // Names that differ in what was redacted are one now: the worst of their ends counts.
            let mut by_name: BTreeMap<&str, Entry> = BTreeMap::new();
            for (name, (_, entry)) in names.iter().zip(&self.tests) {
                let kept = by_name.entry(name.as_str()).or_insert(*entry);
                if entry.failed() && !kept.failed() {
                    *kept = *entry;
                }
            }
            let entries: Vec<Entry> = by_name.values().copied().collect();
            (pack::roster(by_name.keys().copied()), entries.len(), pack::results(&entries))
        };
        // The tests are sorted.
        let shown = |test: &TestId| match self.tests.binary_search_by(|(known, _)| known.cmp(test)) {
            Ok(at) => names[at].to_string(),
            Err(_) => redactor.text(test.as_str()).to_string(),
        };
        let failures = self
            .failures
            .iter()
            .map(|failure| StoredFailure {
                test: shown(&failure.test),
                phase: failure.phase,
                subtest: failure.subtest.as_ref().map(|text| redactor.text(text).to_string()),
                fingerprint: failure.fingerprint.clone(),
            })
            .collect();
        Packed { roster, tests, results, failures }
    }

    /// Numbers by outcome.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (_, entry) in &self.tests {
            *match entry.outcome {
                Outcome::Passed => &mut counts.passed,
                Outcome::Failed => &mut counts.failed,
                Outcome::Error => &mut counts.errors,
                Outcome::Skipped => &mut counts.skipped,
                Outcome::Xfailed => &mut counts.xfailed,
                Outcome::Xpassed => &mut counts.xpassed,
            } += 1;
        }
        counts
    }
}

/// When a run took place, in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Its start.
    pub started: Option<f64>,
    /// Its end.
    pub ended: f64,
}

/// Root causes by fingerprint, as they may be shown.
pub fn causes(analysis: &Analysis) -> BTreeMap<String, String> {
    analysis.clusters.iter().map(|c| (c.fingerprint.0.clone(), c.diagnosis.root_cause.to_string())).collect()
}

/// Whether all tests are named that were counted as passed.
fn is_complete(counts: &Counts, tests: &Map<TestId, Entry>) -> bool {
    let passed = tests.values().filter(|entry| entry.outcome == Outcome::Passed).count() as u64;
    passed >= counts.passed
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |age| age.as_secs_f64())
}
