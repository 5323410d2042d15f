//! The life of one test: what became of it in each run, and since when it fails.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::pack::{self, Entry};
use super::store::{HistoryError, Store, StoredPart};

/// Most runs of one test that are looked at.
pub const MAX_RUNS: usize = 200;
/// Most tests' results that are read for it.
const MAX_READ: usize = 20_000_000;

/// One run of the test.
#[derive(Debug, Clone)]
pub struct LifeRun {
    /// The part of the run that it was in, without the results of the others.
    pub part: StoredPart,
    /// How it ended.
    pub entry: Entry,
}

/// The runs of the test `name` (as it may be shown), newest first.
pub fn of(store: &mut Store, project: &str, name: &str) -> Result<Vec<LifeRun>, HistoryError> {
    let mut parts = Vec::new();
    let mut read = 0;
    store.parts(project, |part| {
        read += part.tests.max(1);
        parts.push(part);
        if read > MAX_READ { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let mut places: HashMap<String, Option<(usize, usize)>> = HashMap::new();
    let mut runs = Vec::new();
    for mut part in parts {
        if !places.contains_key(&part.roster) {
            let rosters = store.rosters(std::slice::from_ref(&part.roster))?;
            let found = rosters.get(&part.roster).and_then(|names| {
                Some((names.binary_search_by(|n| n.as_str().cmp(name)).ok()?, names.len()))
            });
            places.insert(part.roster.clone(), found);
        }
        let Some(Some((at, count))) = places.get(&part.roster).copied() else { continue };
        let results = std::mem::take(&mut part.results);
        let Some(entry) = pack::entries(&results, count).and_then(|entries| entries.get(at).copied()) else {
            continue;
        };
        runs.push(LifeRun { part, entry });
        if runs.len() == MAX_RUNS {
            break;
        }
    }
    Ok(runs)
}

/// The root causes of the failures of the test `name` in `runs`, as they may be shown, by the part of the run that it
/// was in; a run whose cause is not known has none.
pub fn causes(
    store: &mut Store,
    project: &str,
    name: &str,
    runs: &[LifeRun],
) -> Result<HashMap<String, String>, HistoryError> {
    let known = store.causes(project)?;
    let mut causes = HashMap::new();
    for run in runs.iter().filter(|run| run.entry.failed()) {
        let failures = store.failures(std::slice::from_ref(&run.part.id))?;
        let mut prints = failures.iter().filter(|f| f.test == name).filter_map(|f| f.fingerprint.as_ref());
        if let Some((cause, ..)) = prints.find_map(|print| known.get(print)) {
            causes.insert(run.part.id.clone(), cause.clone());
        }
    }
    Ok(causes)
}

/// Between which two runs a test that fails now began to.
#[derive(Debug, Clone)]
pub struct SinceLastPass {
    /// The newest run in which it passed; `None` if the history knows none.
    pub last_pass: Option<LifeRun>,
    /// The oldest run since in which it failed.
    pub first_failure: LifeRun,
    /// Number of runs since in which it failed.
    pub failures: usize,
}

/// Since when the test `name` (as it may be shown) fails; `None` if its newest run did not, or none is known. Where
/// code goes from the commit of `last_pass` to that of `first_failure`, the cause is to be looked for.
pub fn since_last_pass(
    store: &mut Store,
    project: &str,
    name: &str,
) -> Result<Option<SinceLastPass>, HistoryError> {
    let runs = of(store, project, name)?;
    let counted = runs.into_iter().filter(|run| {
        use crate::model::Outcome;
        !matches!(run.entry.outcome, Outcome::Skipped | Outcome::Xfailed)
    });
    let mut first_failure = None;
    let mut failures = 0;
    let mut last_pass = None;
    for run in counted {
        if run.entry.failed() {
            failures += 1;
            first_failure = Some(run);
        } else {
            last_pass = Some(run);
            break;
        }
    }
    Ok(first_failure.map(|first_failure| SinceLastPass { last_pass, first_failure, failures }))
}
