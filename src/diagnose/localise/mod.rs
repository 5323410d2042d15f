//! Where the fault is, from what a traced run recorded: a ranking of statements with reasons that can be checked.
//!
//! [`trace`] holds what was recorded, [`units`] the statements of the files, [`replay`] the timeline of a test,
//! [`slice`] what the failing value depends on, [`spectrum`] which tests execute what, [`values`] which functions
//! returned the wrong value, [`edits`] what trying edits has shown; [`features`] makes numbers of all that and [`weights`] one score of the numbers.

pub mod cause;
pub mod edits;
pub mod features;
pub mod names;
mod reasons;
pub mod replay;
pub mod slice;
pub mod spectrum;
pub mod trace;
pub mod units;
mod values;
pub mod weights;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use edits::Tried;
use features::{Evidence, Vector};
use replay::{Files, Timeline};
use slice::{Criterion, Slice};
use spectrum::{Key, Spectrum, Users};
pub use trace::{TestTrace, Traces};
use values::Wrong;

use super::origin;
use crate::cluster::fingerprint::is_test_path;
use crate::model::{Failure, Place, RelPath, TestId};
use crate::workspace::Workspace;

/// Failing tests of one cluster whose steps are looked at.
pub const CLOSELY: usize = 8;
/// Places that are kept.
const KEPT: usize = 10;

/// A suspected statement.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// The statement.
    pub place: Place,
    /// How likely it is to be at fault, compared with the others of the ranking: all of them together make 1.
    pub score: f64,
    /// Why, each checkable.
    pub reasons: Vec<String>,
}

/// The suspects of one cluster.
#[derive(Debug, Clone, Default)]
pub struct Ranking {
    /// Best first.
    pub places: Vec<Ranked>,
    /// What limits the ranking.
    pub notes: Vec<String>,
    /// All candidates with their features and score, best first: for measurements.
    pub candidates: Vec<(Place, Vector, f64)>,
}

/// What a traced run is known to have shown.
pub struct Traced<'a> {
    /// Sources.
    pub workspace: &'a Workspace,
    /// Traces by test.
    pub traces: &'a Traces,
    /// Tests that passed.
    pub passed: &'a HashSet<TestId>,
    /// Units of all files touched.
    files: Files,
    users: Users,
    executed: HashMap<TestId, HashSet<Key>>,
    /// What following a test closely has shown: each is followed once, however many rankings it is part of.
    followed: Mutex<HashMap<TestId, Arc<Followed>>>,
}

/// What the steps of one failing test show.
#[derive(Debug)]
struct Followed {
    slice: Slice,
    wrong: Wrong,
    /// How late each statement outside of tests was last executed: 1 for the last, then 1/2, 1/3, …
    recent: HashMap<Key, f64>,
    /// Statements outside of tests that ran while the failing statement of the test did.
    during: HashSet<Key>,
    /// Statements outside of tests that threw away what a function of the project returned.
    discarded: HashSet<Key>,
}

/// What is known of one cluster besides.
#[derive(Debug, Default)]
pub struct Known<'a> {
    /// The failures, from the traced run.
    pub failures: Vec<&'a Failure>,
    /// Suspicion of the rules: place, score, reasons.
    pub rules: Vec<(Place, f64, Vec<String>)>,
    /// Lines changed lately, by file: line and how surely it matters, 0 to 1, with the reason.
    pub changed: Vec<(RelPath, u32, u32, f64, String)>,
    /// What trying edits has shown; empty if none were tried.
    pub tried: Vec<Tried>,
}

impl<'a> Traced<'a> {
    /// Prepares what all clusters share.
    pub fn new(workspace: &'a Workspace, traces: &'a Traces, passed: &'a HashSet<TestId>) -> Self {
        let files = spectrum::files_of(traces.tests.values(), workspace);
        let users = Users::of(&files, workspace);
        let executed = traces
            .tests
            .iter()
            .map(|(test, trace)| {
                let mut executed = spectrum::executed(trace, &files);
                spectrum::with_imports(&mut executed, &files, &users);
                (test.clone(), executed)
            })
            .collect();
        Self { workspace, traces, passed, files, users, executed, followed: Mutex::default() }
    }

    /// Ranks the statements that the failing tests of a cluster have executed.
    pub fn rank(&self, known: &Known<'_>) -> Ranking {
        let mut tests: Vec<&TestId> = known.failures.iter().map(|failure| &failure.test).collect();
        tests.sort();
        tests.dedup();
        let failing: Vec<&HashSet<Key>> = tests.iter().filter_map(|test| self.executed.get(*test)).collect();
        let passing: Vec<&HashSet<Key>> =
            self.executed.iter().filter(|(test, _)| self.passed.contains(*test)).map(|(_, e)| e).collect();
        if failing.is_empty() {
            return Ranking {
                notes: vec!["the failing tests did not fail when they were traced".to_owned()],
                ..Ranking::default()
            };
        }
        let spectrum = Spectrum::count(failing.iter().copied(), passing.iter().copied());
        let followed = self.follow(known);
        let count = followed.len();
        let slices: Vec<&Slice> = followed.iter().map(|one| &one.slice).collect();
        let mut wrong = Wrong::default();
        let mut recent: HashMap<Key, f64> = HashMap::new();
        let mut during: HashMap<Key, f64> = HashMap::new();
        let mut discarded: HashMap<Key, f64> = HashMap::new();
        for one in &followed {
            wrong.merge(&one.wrong, count);
            for (key, late) in &one.recent {
                *recent.entry(key.clone()).or_default() += late / count as f64;
            }
            for (of, shares) in [(&one.during, &mut during), (&one.discarded, &mut discarded)] {
                for key in of {
                    *shares.entry(key.clone()).or_default() += 1.0 / count as f64;
                }
            }
        }
        let messages: Vec<&str> = known
            .failures
            .iter()
            .take(CLOSELY)
            .flat_map(|failure| &failure.exceptions)
            .map(|exception| exception.message.as_str())
            .collect();
        let names: Vec<&str> =
            tests.iter().map(|test| test.as_str().split_once("::").map_or("", |(_, name)| name)).collect();
        let frames = self.frames(known.failures[0]);
        let rules = known
            .rules
            .iter()
            .filter_map(|(place, score, _)| Some((self.key(&place.path, place.line)?, *score)))
            .fold(HashMap::new(), |mut all: HashMap<Key, f64>, (key, score)| {
                let known = all.entry(key).or_default();
                *known = known.max(score);
                all
            });
        let mut changed: HashMap<Key, f64> = HashMap::new();
        for (path, first, last, weight, _) in &known.changed {
            for key in (*first..=*last).take(2000).filter_map(|line| self.key(path, line)) {
                let known = changed.entry(key).or_default();
                *known = known.max(*weight);
            }
        }
        let tried = edits::by_statement(&known.tried, |path, line| self.key(path, line));
        let evidence = Evidence {
            files: &self.files,
            users: &self.users,
            spectrum: &spectrum,
            failing: &failing,
            passing: &passing,
            slices: &slices,
            frames: &frames,
            wrong: &wrong,
            changed: &changed,
            rules: &rules,
            recent: &recent,
            during: &during,
            discarded: &discarded,
            tried: &tried,
            messages: &messages,
            tests: &names,
        };
        let mut scored: Vec<(Key, Vector, f64)> = features::extract(&evidence)
            .into_iter()
            .map(|(key, vector)| {
                let score = weights::score(&vector);
                (key, vector, score)
            })
            .collect();
        // What weighs the same stands in the order of the source, which says nothing: see `separation`.
        scored.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
        let best = scored.first().map_or(0.0, |first| first.2);
        let total: f64 = scored.iter().map(|(.., score)| (score - best).exp()).sum();
        let shares: Vec<f64> = scored.iter().map(|(.., score)| (score - best).exp() / total).collect();
        let places: Vec<Ranked> = scored
            .iter()
            .zip(&shares)
            .take(KEPT)
            .map(|((key, vector, _), share)| Ranked {
                place: self.place(key),
                score: *share,
                reasons: reasons::of(self, key, vector, &evidence, known),
            })
            .collect();
        let mut notes = Vec::new();
        if !slices.is_empty() && !slices.iter().any(|slice| slice.found) {
            notes.push(
                "the failing line was not among the traced steps; what it depends on is not known".to_owned(),
            );
        }
        if passing.is_empty() {
            notes.push(
                "no passing test was traced beside the failing ones, so nothing could be compared".to_owned(),
            );
        }
        notes.extend(separation(&places));
        let candidates =
            scored.iter().map(|(key, vector, score)| (self.place(key), *vector, *score)).collect();
        Ranking { places, notes, candidates }
    }

    /// The passing tests that run the statement at a line, those that run least first.
    pub fn passing_at(&self, path: &RelPath, line: u32) -> Vec<&TestId> {
        let Some(key) = self.key(path, line) else { return Vec::new() };
        let run =
            self.executed.iter().filter(|(test, run)| run.contains(&key) && self.passed.contains(*test));
        smallest_first(run.map(|(test, run)| (run.len(), test)).collect())
    }

    /// The failing tests that were traced, those that run least first.
    pub fn failing(&self, known: &Known<'_>) -> Vec<&TestId> {
        let traced = known.failures.iter().filter_map(|failure| self.executed.get_key_value(&failure.test));
        let mut tests = smallest_first(traced.map(|(test, run)| (run.len(), test)).collect());
        tests.dedup();
        tests
    }

    /// The exception of a failure and what was compared: the value that the code gave, and the expected one.
    pub fn compared(&self, failure: &Failure) -> (String, Option<(String, String)>) {
        let Some(exception) = failure.exceptions.last() else { return Default::default() };
        let assertion = exception.assertion.as_ref().filter(|assertion| assertion.operator == "==");
        let values = assertion.and_then(|assertion| {
            let (left, right) = (assertion.left.clone(), assertion.right.clone()?);
            let is_right = self.actual(failure).as_ref() == Some(&right);
            Some(if is_right { (right, left) } else { (left, right) })
        });
        (exception.short_type().to_owned(), values)
    }

    /// What the failing tests show that were recorded closely, at most [`CLOSELY`].
    fn follow(&self, known: &Known<'_>) -> Vec<Arc<Followed>> {
        let close = known
            .failures
            .iter()
            .filter_map(|failure| Some((failure, self.traces.tests.get(&failure.test)?)))
            .filter(|(_, trace)| !trace.parts.is_empty());
        close.take(CLOSELY).map(|(failure, trace)| self.followed(failure, trace)).collect()
    }

    fn followed(&self, failure: &Failure, trace: &TestTrace) -> Arc<Followed> {
        let known = || self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(followed) = known().get(&failure.test) {
            return Arc::clone(followed);
        }
        let timeline = Timeline::of(trace, &self.files);
        let mut wrong = Wrong::default();
        wrong.add(failure, self.actual(failure).as_deref(), trace, &timeline);
        let followed = Arc::new(Followed {
            slice: slice::slice(&timeline, &self.files, &criterion(failure)),
            wrong,
            recent: lately(&timeline),
            during: during(&timeline),
            discarded: self.discarded(trace, &timeline),
        });
        known().insert(failure.test.clone(), Arc::clone(&followed));
        followed
    }

    fn discarded(&self, trace: &TestTrace, timeline: &Timeline) -> HashSet<Key> {
        let thrown = timeline.moments.iter().filter_map(|moment| {
            let replay::Moment::Leave(frame, value) = *moment else { return None };
            let frame = &timeline.frames[frame];
            // What is no function gives its value to the statement it stands in.
            frame.function.as_ref()?;
            let instance = timeline.instances[frame.caller?];
            let key = key_outside(timeline, instance)?;
            let unit = self.files.get(&key.0)?.units.get(key.1)?;
            let is_only = matches!(unit.calls.as_slice(), [call] if !call.name.is_empty());
            let is_value = trace.value(value).is_some_and(|text| text != "None");
            (unit.kind == units::Kind::Effect && is_only && is_value).then_some(key)
        });
        thrown.collect()
    }

    /// The text of the value that the code gave, where an assertion compares it with another.
    fn actual(&self, failure: &Failure) -> Option<String> {
        let exception = failure.exceptions.last()?;
        let assertion = exception.assertion.as_ref()?;
        let place = exception.frames.iter().rev().find_map(|f| f.place.as_ref().filter(|_| f.in_project))?;
        let left = origin::operands(self.workspace, place).is_none_or(|operands| operands.actual_is_left);
        if left { Some(assertion.left.clone()) } else { assertion.right.clone() }
    }

    /// The statements outside of tests that the exception went through, deepest first.
    fn frames(&self, failure: &Failure) -> Vec<Key> {
        let mut found = Vec::new();
        for exception in &failure.exceptions {
            for frame in exception.frames.iter().rev().filter(|frame| frame.in_project) {
                let Some(place) = &frame.place else { continue };
                if is_test_path(place.path.as_str()) {
                    continue;
                }
                let key = self.key(&place.path, place.line);
                found.extend(key.filter(|key| !found.contains(key)));
            }
        }
        found
    }

    fn key(&self, path: &RelPath, line: u32) -> Option<Key> {
        Some((path.clone(), self.files.get(path)?.at(line)?))
    }

    fn place(&self, key: &Key) -> Place {
        let unit = &self.files[&key.0].units[key.1];
        Place {
            end_line: unit.end_line,
            function: unit.function.clone(),
            ..Place::line(key.0.clone(), unit.line)
        }
    }
}

fn smallest_first(mut tests: Vec<(usize, &TestId)>) -> Vec<&TestId> {
    tests.sort();
    tests.into_iter().map(|(_, test)| test).collect()
}

fn lately(timeline: &Timeline) -> HashMap<Key, f64> {
    let mut recent = HashMap::new();
    for key in timeline.instances.iter().rev().filter_map(|instance| key_outside(timeline, *instance)) {
        let late = 1.0 / (recent.len() + 1) as f64;
        recent.entry(key).or_insert(late);
    }
    recent
}

/// What ran after the last statement of a test file had begun.
fn during(timeline: &Timeline) -> HashSet<Key> {
    let outside = timeline.instances.iter().rev().map(|instance| key_outside(timeline, *instance));
    outside.map_while(|key| key).collect()
}

fn key_outside(timeline: &Timeline, instance: replay::Instance) -> Option<Key> {
    let path = timeline.frames[instance.frame].file.as_ref()?;
    (!is_test_path(path.as_str())).then(|| (path.clone(), instance.unit))
}

/// Where the failure shows: the frames of the project, deepest first.
fn criterion(failure: &Failure) -> Criterion {
    let mut lines = Vec::new();
    if let Some(exception) = failure.exceptions.last() {
        for frame in exception.frames.iter().rev().filter(|frame| frame.in_project) {
            if let Some(place) = &frame.place {
                lines.push((place.path.clone(), place.line));
            }
        }
    }
    let missing = failure
        .exceptions
        .last()
        .is_some_and(|e| e.short_type() == "Failed" && e.message.starts_with("DID NOT RAISE"));
    Criterion { lines, missing }
}

/// Says plainly if the first place is hardly more suspicious than others.
fn separation(places: &[Ranked]) -> Option<String> {
    let first = places.first()?;
    let near = places[1..].iter().filter(|other| other.score > first.score * 0.7).count();
    match near {
        0 if first.score >= 0.2 => None,
        0 => Some("no place stands out clearly: look at the others as well".to_owned()),
        1 => Some("the second place is about as suspicious as the first".to_owned()),
        near => Some(format!("{near} other places are about as suspicious as the first")),
    }
}
