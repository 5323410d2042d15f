//! What small edits say about suspected places: the worker of the search tries the edits of one cause after the other,
//! and tells of each statement whether an edit of it makes the failing tests pass, and whether the passing tests that
//! run the statement go on passing. Nothing is offered as a fix here, so nothing is tried once more.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::worker::{Answer, Request, Worker};
use super::{Candidate, Hints, WORSE, all_candidates, changed};
use crate::diagnose::localise::edits::{Mended, Tried};
use crate::fix::copy::Copy;
use crate::fix::verify::{Setting, Trial};
use crate::model::{Place, RelPath};
use crate::workspace::Workspace;

/// Most failing tests of one cause that are run.
const MOST_FAILING: usize = 30;
/// Most passing tests that are run with an edit that makes the failing ones pass.
const MOST_PASSING: usize = 100;
/// Most edits of one cause.
const MOST_EDITS: usize = 400;
/// When edits of so many statements do as well, more would say nothing.
const ENOUGH: usize = 4;
/// How much later edits come for which the project is imported anew: those of statements that run on import.
const ANEW: f64 = 1.5;
/// Longest time of the tests as they are, and of the passing tests with an edit.
const LIMIT: Limit = Limit { seconds: 15.0, processor: None };
/// How many times as much processor time the failing tests may take with an edit; a second in any case.
const SLOWER: f64 = 4.0;
/// Least time by the clock that is given to the failing tests with an edit, in seconds.
const WAITS: f64 = 5.0;
/// How many times longer than processor time is used the edits of one cause may take: tests wait, machines are busy.
const WAITING: f64 = 3.0;

/// How long tests may run: by the clock, and their processor time.
#[derive(Debug, Clone, Copy)]
struct Limit {
    seconds: f64,
    processor: Option<f64>,
}

/// What is asked of one cause.
pub struct Question<'a> {
    /// Suspected places, best first.
    pub places: &'a [Place],
    /// What is known of the failure.
    pub hints: &'a Hints,
    /// Its failing tests, in the order in which they are run.
    pub failing: &'a [String],
    /// The passing tests that run the statement at a line, in the order in which they are run.
    pub passing: &'a dyn Fn(&RelPath, u32) -> Vec<String>,
    /// Seconds of processor time after which no other edit is begun.
    pub seconds: f64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Evidence {
    /// By suspected statement.
    pub tried: Vec<Tried>,
    /// The cheapest edit with which all tests pass, of those that more than one test checks if there are any.
    pub best: Option<Candidate>,
    /// Whether more than one test checks it.
    pub checked: bool,
    /// Processor time that it has taken, in seconds.
    pub used: f64,
}

/// A worker that has the tests of some files collected, in a copy of the project.
#[derive(Debug)]
pub struct Bench<'a> {
    worker: Worker,
    copy: Copy,
    workspace: &'a Workspace,
    cancel: &'a CancellationToken,
    collected: HashSet<String>,
    /// Whether tests that pass in the project pass in the copy as it is, where that is known.
    passes: HashMap<String, bool>,
}

impl<'a> Bench<'a> {
    /// Copies the project and starts a worker that collects the tests of `files`.
    ///
    /// # Errors
    /// Why that cannot be done, in words for the user.
    pub async fn start(
        setting: &Setting,
        workspace: &'a Workspace,
        files: &[String],
        cancel: &'a CancellationToken,
    ) -> Result<Self, String> {
        let mut trial = Trial::new(setting.clone());
        let start = trial.start().await?;
        let copy = trial.copy(cancel).await?;
        let worker = Worker::start(&copy, &start, files, setting.limits.time, cancel).await?;
        let collected = worker.tests.iter().cloned().collect();
        Ok(Self { worker, copy, workspace, cancel, collected, passes: HashMap::new() })
    }

    /// Ends the worker and all that it has started, and deletes the copy.
    pub async fn end(self) {
        self.worker.end().await;
    }

    /// Tries the edits of the places in question, what costs least first.
    ///
    /// # Errors
    /// Why nothing can be said, in words for the user.
    pub async fn attempt(&mut self, question: &Question<'_>) -> Result<Evidence, String> {
        let mut failing = self.known(question.failing);
        failing.truncate(MOST_FAILING);
        // What the worker itself has used is what importing the project takes.
        let imported = self.ask(None, &[], true, LIMIT).await?.used;
        let at = Instant::now();
        let before = self.ask(None, &failing, true, LIMIT).await?;
        let seconds = (at.elapsed().as_secs_f64() * SLOWER).clamp(WAITS, LIMIT.seconds);
        let slow = (before.used - imported).max(0.0) * SLOWER;
        failing.retain(|id| before.failed.contains(id));
        if failing.is_empty() {
            return Err(
                "the tests that failed pass in a copy of the project, or are not found there".to_owned()
            );
        }
        let outside: HashSet<(&RelPath, u32)> = question
            .places
            .iter()
            .filter(|place| place.function.is_none())
            .map(|place| (&place.path, place.line))
            .collect();
        let mut all = all_candidates(question.places, question.hints, self.workspace);
        for candidate in &mut all {
            if outside.contains(&(&candidate.path, candidate.line)) {
                candidate.cost += ANEW;
            }
        }
        all.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        let until = Instant::now() + Duration::from_secs_f64(question.seconds * WAITING);
        let mut found = Evidence::default();
        let mut mended: HashSet<(RelPath, u32)> = HashSet::new();
        let mut runners: HashMap<(RelPath, u32), Vec<String>> = HashMap::new();
        for candidate in all.into_iter().take(MOST_EDITS) {
            let best = found.best.as_ref().filter(|_| found.checked);
            let is_worse = best.is_some_and(|best| candidate.cost > best.cost + WORSE);
            if found.used > question.seconds || Instant::now() > until || mended.len() >= ENOUGH || is_worse {
                break;
            }
            let place = (candidate.path.clone(), candidate.line);
            if mended.contains(&place) {
                continue;
            }
            let Some(source) = changed(self.workspace, &candidate) else { continue };
            let edited = Some((&candidate.path, source.as_str()));
            let is_outside = outside.contains(&(&candidate.path, candidate.line));
            let processor = Some(slow + if is_outside { imported } else { 0.0 });
            let answer = self.ask(edited, &failing, false, Limit { seconds, processor }).await?;
            found.used = answer.used - before.used;
            if answer.ended != "done" {
                continue;
            }
            let healed = failing.iter().filter(|id| answer.passed.contains(id)).count();
            let heals = healed == failing.len();
            let mut edit = None;
            if heals {
                let passing = runners
                    .entry(place)
                    .or_insert_with(|| (question.passing)(&candidate.path, candidate.line));
                let mut passing = self.known(passing);
                passing.truncate(MOST_PASSING);
                if let Some(number) = self.go_on(edited, &passing, &mut found.used, before.used).await? {
                    edit = Some(self.mended(&candidate, failing.len() + number > 1));
                }
            }
            let checked = edit.as_ref().map(|edit| edit.checked);
            let share = healed as f64 / failing.len() as f64;
            note(&mut found.tried, &candidate, share, edit);
            if let Some(checked) = checked {
                mended.insert((candidate.path.clone(), candidate.line));
                // What costs less has been tried before.
                if found.best.is_none() || checked && !found.checked {
                    (found.best, found.checked) = (Some(candidate), checked);
                }
            }
        }
        Ok(found)
    }

    /// Whether tests that fail in the copy as it is all pass with an edit.
    ///
    /// # Errors
    /// When the worker is gone.
    pub async fn heals(&mut self, edit: &Candidate, failing: &[String]) -> Result<bool, String> {
        let mut failing = self.known(failing);
        failing.truncate(MOST_FAILING);
        let Some(source) = changed(self.workspace, edit) else { return Ok(false) };
        let before = self.ask(None, &failing, true, LIMIT).await?;
        failing.retain(|id| before.failed.contains(id));
        if failing.is_empty() {
            return Ok(false);
        }
        let with = self.ask(Some((&edit.path, &source)), &failing, false, LIMIT).await?;
        Ok(with.ended == "done" && failing.iter().all(|id| with.passed.contains(id)))
    }

    /// The number of the tests that pass with and without the edit; `None` if one that passes without it fails.
    async fn go_on(
        &mut self,
        edited: Option<(&RelPath, &str)>,
        passing: &[String],
        used: &mut f64,
        from: f64,
    ) -> Result<Option<usize>, String> {
        if passing.is_empty() {
            return Ok(Some(0));
        }
        let mut with = self.ask(edited, passing, false, LIMIT).await?;
        let mut kept = passing.to_vec();
        if with.ended == "done" && !with.failed.is_empty() {
            // It may fail in any copy: what passes there as it is is found out when it matters.
            let open: Vec<String> =
                passing.iter().filter(|id| !self.passes.contains_key(*id)).cloned().collect();
            if !open.is_empty() {
                let before = self.ask(None, &open, true, LIMIT).await?;
                for id in open {
                    let good = before.passed.contains(&id);
                    self.passes.insert(id, good);
                }
            }
            kept.retain(|id| self.passes.get(id) == Some(&true));
            if with.failed.iter().all(|id| !kept.contains(id)) && !kept.is_empty() {
                with = self.ask(edited, &kept, false, LIMIT).await?;
            }
        }
        *used = with.used - from;
        let good = with.ended == "done" && with.failed.iter().all(|id| !kept.contains(id));
        Ok(good.then_some(kept.len()))
    }

    fn mended(&self, candidate: &Candidate, checked: bool) -> Mended {
        let source = self.workspace.source(&candidate.path);
        let old = source.map(|source| candidate.span.of(source.text()).to_owned()).unwrap_or_default();
        Mended { cost: candidate.own, checked, old, new: candidate.new_text.clone() }
    }

    /// Those of the tests that the worker has collected.
    fn known(&self, tests: &[String]) -> Vec<String> {
        tests.iter().filter(|id| self.collected.contains(*id)).cloned().collect()
    }

    async fn ask(
        &mut self,
        edited: Option<(&RelPath, &str)>,
        tests: &[String],
        all: bool,
        limit: Limit,
    ) -> Result<Answer, String> {
        let path = edited.map(|(path, _)| path.under(self.copy.root()).display().to_string());
        let source = edited.map_or("", |(_, source)| source);
        let Limit { seconds, processor } = limit;
        let path = path.as_deref();
        let request = Request { path, source, first: &[], then: tests, all, seconds, processor };
        self.worker.ask(&request, self.cancel).await
    }
}

/// Adds what one edit has shown to what is known of its statement.
fn note(tried: &mut Vec<Tried>, candidate: &Candidate, healed: f64, mended: Option<Mended>) {
    let is_same = |known: &&mut Tried| known.path == candidate.path && known.line == candidate.line;
    let Some(known) = tried.iter_mut().find(is_same) else {
        let (path, line) = (candidate.path.clone(), candidate.line);
        tried.push(Tried { path, line, edits: 1, healed, mended });
        return;
    };
    known.edits += 1;
    known.healed = known.healed.max(healed);
    // What costs less has been tried before.
    known.mended = known.mended.take().or(mended);
}
