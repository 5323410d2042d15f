//! The history as a whole: a grade for each test, the newest runs for charts, and what an analysis gets of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use super::pack::{self, Entry};
use super::stability::{self, End, Observation};
use super::store::{HistoryError, Store, StoredPart};
use crate::evidence::redact::Redactor;
use crate::model::maps::{Hashing, Map};
use crate::model::{Analysis, Grade, HistorySummary, Outcome, Redacted, RunPoint, Stability};
use crate::system;

/// Runs that are read for each run that counts: tests that are new or seldom run need some more.
const RUNS_READ: usize = 25;
/// Results that are read in any case, so that runs of single tests do not hide the suite's.
const READ_ANYWAY: usize = 50_000;
/// Runs shown in charts.
const CHARTED: usize = 40;
/// Seconds from which a test may be slow, and from which it is.
const MAYBE_SLOW: f64 = 1.0;
const SLOW: f64 = 10.0;
/// How many times the median of the suite a test takes that is slow for it.
const SLOWER: f64 = 3.0;

/// What the history says of a project.
#[derive(Debug, Clone, Default)]
pub struct Graded {
    /// Grades by test, as it may be shown.
    pub tests: Map<Redacted, Stability>,
    /// The newest runs of (nearly) the whole suite, oldest first.
    pub runs: Vec<RunPoint>,
    /// Root causes, by fingerprint, that were seen before the newest run.
    pub earlier: HashSet<String>,
    /// When the newest run ended (the first of its parts), and whether there were others before it.
    pub newest: Option<(f64, bool)>,
    /// By root cause: what has changed since its test passed, see [`super::why`].
    pub since: HashMap<String, Redacted>,
}

impl Graded {
    /// Reads what the store has of `project`.
    pub fn read(store: &mut Store, project: &str, redactor: &Redactor) -> Result<Self, HistoryError> {
        let budget = store.largest_run(project)? * RUNS_READ + READ_ANYWAY;
        let mut parts = Vec::new();
        let mut read = 0;
        store.parts(project, |part| {
            read += part.tests.max(1);
            parts.push(part);
            if read > budget { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let mut digests: Vec<String> = parts.iter().map(|part| part.roster.clone()).collect();
        digests.sort();
        digests.dedup();
        let rosters = store.rosters(&digests)?;
        let mut graded = Self::of(&parts, &rosters, redactor);
        if let Some((newest, _)) = graded.newest {
            graded.earlier = store.causes_before(project, newest)?;
        }
        Ok(graded)
    }

    /// Grades every test of `parts`, which are sorted newest first.
    pub fn of(parts: &[StoredPart], rosters: &HashMap<String, Vec<String>>, redactor: &Redactor) -> Self {
        let mut numbers: Map<&str, usize> = Map::default();
        let mut names: Vec<&str> = Vec::new();
        let mut numbered: Map<&str, Vec<usize>> = Map::default();
        for (digest, roster) in rosters {
            let list = roster.iter().map(|name| {
                *numbers.entry(name).or_insert_with(|| {
                    names.push(name);
                    names.len() - 1
                })
            });
            numbered.insert(digest, list.collect());
        }
        let mut ids = Ids::default();
        let parts_of_run = parts.iter().fold(Map::<&str, usize>::default(), |mut counts, part| {
            *counts.entry(&part.run).or_default() += 1;
            counts
        });
        let mut series: Vec<Vec<Observation>> = vec![Vec::new(); names.len()];
        for (at, part) in parts.iter().enumerate() {
            let Some(numbers) = numbered.get(part.roster.as_str()) else { continue };
            let Some(entries) = pack::entries(&part.results, numbers.len()) else { continue };
            let (code, tree, branch) = ids.of(part);
            let alone = part.tests == 1 && parts_of_run.get(part.run.as_str()) == Some(&1);
            for (&number, entry) in numbers.iter().zip(&entries) {
                let known = &mut series[number];
                // Some that do not count stand between those that do.
                if known.len() < stability::WINDOW * 2 {
                    known.push(observation(entry, (code, tree, branch), at as u32, alone));
                }
            }
        }
        let run =
            |at: u32| parts.get(at as usize).map_or((0.0, None), |part| (part.ended, part.commit.clone()));
        let mut tests: Map<Redacted, Stability> =
            Map::with_capacity_and_hasher(names.len(), Hashing::default());
        // They were redacted when they were written; this says so to the types, and applies what is known since.
        for (name, mut series) in redactor.names(names.into_iter()).into_iter().zip(series) {
            system::pause();
            series.reverse();
            tests.insert(name, stability::grade(&series, run));
        }
        mark_slow(&mut tests);
        let (runs, newest) = runs(parts);
        Self { tests, runs, earlier: HashSet::new(), newest, since: HashMap::new() }
    }

    /// The stability of a test by its name as it may be shown, if there is more than one run to tell it by.
    pub fn test(&self, shown: &Redacted) -> Option<&Stability> {
        self.tests.get(shown).filter(|stability| stability.recent.chars().count() > 1)
    }

    /// Number of tests by grade, best first.
    pub fn grades(&self) -> Vec<(Grade, usize)> {
        let mut counts: BTreeMap<Grade, usize> = Grade::ALL.into_iter().map(|grade| (grade, 0)).collect();
        for stability in self.tests.values() {
            *counts.entry(stability.grade).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    /// Puts what is known into `analysis`.
    pub fn attach(&self, analysis: &mut Analysis) {
        for cluster in &mut analysis.clusters {
            let first = cluster.failures.first();
            cluster.stability = first.and_then(|f| self.test(&f.test)).cloned();
        }
        let Some((_, has_earlier)) = self.newest else { return };
        let prints = analysis.clusters.iter().map(|cluster| &cluster.fingerprint.0);
        let new_causes = prints.filter(|print| !self.earlier.contains(*print)).cloned().collect();
        analysis.history = Some(HistorySummary {
            runs: self.runs.clone(),
            grades: self.grades(),
            flaky: self.tests.values().filter(|s| s.verdict.is_flaky()).count(),
            slow: self.tests.values().filter(|s| s.slow).count(),
            new_causes: has_earlier.then_some(new_causes),
        });
    }
}

fn observation(entry: &Entry, (code, tree, branch): (u32, u32, u32), run: u32, alone: bool) -> Observation {
    let end = match entry.outcome {
        Outcome::Passed | Outcome::Xpassed => End::Passed,
        Outcome::Failed | Outcome::Error => End::Failed,
        Outcome::Skipped => End::Skipped,
        Outcome::Xfailed => End::Xfailed,
    };
    Observation { end, reruns: entry.reruns, code, tree, branch, run, alone, duration: entry.duration }
}

/// Numbers for code and branches.
#[derive(Default)]
struct Ids<'a> {
    codes: Map<(&'a str, &'a str), u32>,
    trees: Map<&'a str, u32>,
    branches: Map<&'a str, u32>,
}

impl<'a> Ids<'a> {
    fn of(&mut self, part: &'a StoredPart) -> (u32, u32, u32) {
        fn number<K: std::hash::Hash + Eq>(map: &mut Map<K, u32>, key: Option<K>) -> u32 {
            let next = map.len() as u32 + 1;
            key.map_or(0, |key| *map.entry(key).or_insert(next))
        }
        let environment = part.environment.as_deref().unwrap_or("");
        let code = number(&mut self.codes, part.tree.as_deref().map(|tree| (tree, environment)));
        let tree = number(&mut self.trees, part.tree.as_deref().or(part.commit.as_deref()));
        (code, tree, number(&mut self.branches, part.branch.as_deref()))
    }
}

fn mark_slow(tests: &mut Map<Redacted, Stability>) {
    let mut means: Vec<f64> = tests.values().filter_map(|s| s.avg_duration).collect();
    if means.is_empty() {
        return;
    }
    let middle = means.len() / 2;
    let (_, median, _) = means.select_nth_unstable_by(middle, f64::total_cmp);
    let median = *median;
    for stability in tests.values_mut() {
        stability.slow = stability
            .avg_duration
            .is_some_and(|mean| mean >= SLOW || (mean >= MAYBE_SLOW && mean >= SLOWER * median));
    }
}

/// The runs for charts, and when the newest of all ended and whether there was one before it. `parts` are sorted
/// newest first.
fn runs(parts: &[StoredPart]) -> (Vec<RunPoint>, Option<(f64, bool)>) {
    let mut order: Vec<&str> = Vec::new();
    let mut by_run: Map<&str, (RunPoint, f64, Option<f64>)> = Map::default();
    for part in parts {
        let (point, first_end, start) = by_run.entry(&part.run).or_insert_with(|| {
            order.push(&part.run);
            let point = RunPoint {
                time: part.ended,
                duration: None,
                passed: 0,
                failed: 0,
                other: 0,
                commit: part.commit.clone(),
                dirty: part.dirty,
            };
            (point, part.ended, part.started)
        });
        point.passed += part.passed;
        point.failed += part.failed;
        point.other += part.other;
        *first_end = first_end.min(part.ended);
        *start = start.zip(part.started).map(|(a, b)| a.min(b)).or(part.started);
        // Parts run side by side.
        point.duration = start.map(|start| point.time - start).or(part.duration);
    }
    let newest = order.first().map(|run| (by_run[run].1, order.len() > 1));
    let size = |point: &RunPoint| point.passed + point.failed + point.other;
    let largest = by_run.values().map(|(point, ..)| size(point)).max().unwrap_or(0);
    let mut shown: Vec<RunPoint> = order
        .iter()
        .map(|run| by_run[run].0.clone())
        .filter(|point| size(point) * 2 >= largest)
        .take(CHARTED)
        .collect();
    shown.reverse();
    (shown, newest)
}
