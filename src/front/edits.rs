//! Small edits of the suspected statements as evidence: they are tried cause by cause, and the places ranked anew.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::trace::{Found, Group, Project, all_of};
use crate::cluster::fingerprint::is_test_path;
use crate::diagnose::localise::{Known, Ranking, Traced};
use crate::fix::search::Hints;
use crate::fix::search::evidence::{Bench, Evidence, Question};
use crate::fix::verify::Setting;
use crate::model::{Place, RelPath, TestId};
use crate::system::System;

/// Suspected places of a cause that are looked at.
const PLACES: usize = 12;
/// Test files that are collected besides those that failed.
const MAX_FILES: usize = 20;
/// How many times the seconds of one cause all of them may take together.
const CAUSES: f64 = 3.0;
/// Most causes whose tests are run with the edit that helps another one.
const MOST_OTHERS: usize = 20;

/// How edits are tried.
pub(super) struct Trying<'a> {
    pub(super) project: Project<'a>,
    pub(super) system: &'a System,
    pub(super) evidence: &'a Traced<'a>,
    pub(super) cancel: &'a CancellationToken,
    /// Seconds of processor time for each cause.
    pub(super) seconds: f64,
}

/// For what.
pub(super) struct Causes<'c, 'f> {
    /// What is known of each cluster.
    pub(super) knowns: &'c mut [Known<'f>],
    /// The clusters with one cause.
    pub(super) groups: &'c mut Vec<Group>,
    /// All failures together, if they are to be ranked.
    pub(super) pooled: Option<&'c mut Known<'f>>,
}

impl Trying<'_> {
    /// Tries edits for the causes, ranks their places anew, and joins causes that one edit does away with.
    ///
    /// # Errors
    /// Why no edits could be tried.
    pub(super) async fn weigh(&self, causes: &mut Causes<'_, '_>, found: &mut Found) -> Result<(), String> {
        let setting = Setting::new(self.project.root, self.project.config, self.system);
        let mut places: Vec<Vec<Place>> = Vec::new();
        for group in causes.groups.iter() {
            places.push(suspects(&found.rankings[group.members[0]].1));
        }
        let files = self.files(causes.knowns, &places.concat());
        let mut bench = Bench::start(&setting, self.project.workspace, &files, self.cancel).await?;
        let weighed = self.with(&mut bench, causes, places, found).await;
        bench.end().await;
        weighed
    }

    async fn with(
        &self,
        bench: &mut Bench<'_>,
        causes: &mut Causes<'_, '_>,
        mut places: Vec<Vec<Place>>,
        found: &mut Found,
    ) -> Result<(), String> {
        let mut left = self.seconds * CAUSES;
        let mut first_error = None;
        let mut at = 0;
        while at < causes.groups.len() && left > 0.0 && !self.cancel.is_cancelled() {
            let known = all_of(causes.knowns, &causes.groups[at].members);
            let shown = match self.of(bench, &known, &places[at], left).await {
                Ok(shown) => shown,
                Err(because) => {
                    first_error.get_or_insert(because);
                    at += 1;
                    continue;
                }
            };
            left -= shown.used;
            if let Some(best) = &shown.best {
                // What one edit does away with has one cause.
                let mut other = at + 1;
                let mut asked = 0;
                while other < causes.groups.len() && asked < MOST_OTHERS && !self.cancel.is_cancelled() {
                    asked += 1;
                    let theirs = all_of(causes.knowns, &causes.groups[other].members);
                    let tests = names(&self.evidence.failing(&theirs));
                    if bench.heals(best, &tests).await.unwrap_or(false) {
                        let joined = causes.groups.remove(other);
                        places.remove(other);
                        causes.groups[at].members.extend(joined.members);
                        causes.groups[at].members.sort_unstable();
                        causes.groups[at].reason = format!(
                            "one small edit of {}:{} makes the tests of both pass",
                            best.path.as_str(),
                            best.line
                        );
                    } else {
                        other += 1;
                    }
                }
            }
            found.edits += shown.tried.iter().map(|tried| tried.edits as usize).sum::<usize>();
            let members = &causes.groups[at].members;
            for &member in members {
                causes.knowns[member].tried.clone_from(&shown.tried);
            }
            let all = Known { tried: shown.tried, ..all_of(causes.knowns, members) };
            let ranking = self.evidence.rank(&all);
            for &member in members {
                found.rankings[member].1 = ranking.clone();
            }
            at += 1;
        }
        if let Some(pooled) = causes.pooled.as_deref_mut() {
            pooled.tried = if let [only] = causes.groups.as_slice() {
                causes.knowns[only.members[0]].tried.clone()
            } else {
                let ranking = self.evidence.rank(pooled);
                let shown = self.of(bench, pooled, &suspects(&ranking), self.seconds).await;
                shown.map(|shown| shown.tried).unwrap_or_default()
            };
        }
        first_error.filter(|_| found.edits == 0).map_or(Ok(()), Err)
    }

    async fn of(
        &self,
        bench: &mut Bench<'_>,
        known: &Known<'_>,
        places: &[Place],
        left: f64,
    ) -> Result<Evidence, String> {
        let failing = self.evidence.failing(known);
        let of_first = known.failures.iter().find(|failure| Some(&&failure.test) == failing.first());
        let (exception, values) = of_first.map(|failure| self.evidence.compared(failure)).unwrap_or_default();
        let passing =
            |path: &RelPath, line: u32| -> Vec<String> { names(&self.evidence.passing_at(path, line)) };
        let question = Question {
            places,
            hints: &Hints { exception, values },
            failing: &names(&failing),
            passing: &passing,
            seconds: self.seconds.min(left),
        };
        bench.attempt(&question).await
    }

    /// The files with the failing tests, and with the passing tests that run most of the places.
    fn files(&self, knowns: &[Known<'_>], places: &[Place]) -> Vec<String> {
        let resolved = |test: &TestId| self.project.workspace.resolve(test.file(), None);
        let mut files: Vec<RelPath> = Vec::new();
        for file in knowns.iter().flat_map(|known| &known.failures).filter_map(|f| resolved(&f.test)) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        let mut others: BTreeMap<RelPath, usize> = BTreeMap::new();
        for place in places {
            for file in self.evidence.passing_at(&place.path, place.line).into_iter().filter_map(resolved) {
                *others.entry(file).or_default() += 1;
            }
        }
        let mut others: Vec<(usize, RelPath)> =
            others.into_iter().filter(|(file, _)| !files.contains(file)).map(|(f, n)| (n, f)).collect();
        others.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        files.extend(others.into_iter().take(MAX_FILES).map(|(_, file)| file));
        files.iter().map(|file| file.as_str().to_owned()).collect()
    }
}

fn suspects(ranking: &Ranking) -> Vec<Place> {
    let places = ranking.candidates.iter().map(|(place, ..)| place);
    places.filter(|place| !is_test_path(place.path.as_str())).take(PLACES).cloned().collect()
}

fn names(tests: &[&TestId]) -> Vec<String> {
    tests.iter().map(|test| test.as_str().to_owned()).collect()
}
