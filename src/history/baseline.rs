//! What failed on a branch, or at a commit, as the history has it: something to compare with.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::store::{HistoryError, Store, StoredPart};
use crate::report::compare::{Baseline, Earlier};

/// Most parts of runs that are put together: the newest word on each test counts, as runs may be of some tests only.
const MAX_PARTS: usize = 60;
/// Fewest digits by which a commit is recognised.
const COMMIT_DIGITS: usize = 7;

/// What failed in the newest runs on the branch `name`, or at the commit that begins so; `None` if the history knows
/// neither.
pub fn of(store: &mut Store, project: &str, name: &str) -> Result<Option<Baseline>, HistoryError> {
    let is_commit = name.len() >= COMMIT_DIGITS && name.chars().all(|c| c.is_ascii_hexdigit());
    let mut parts: Vec<StoredPart> = Vec::new();
    store.parts(project, |mut part| {
        let at_commit = is_commit && part.commit.as_deref().is_some_and(|commit| commit.starts_with(name));
        if part.branch.as_deref() == Some(name) || at_commit {
            part.results.clear();
            parts.push(part);
        }
        if parts.len() < MAX_PARTS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let Some(newest) = parts.first().map(|part| part.ended) else { return Ok(None) };
    let largest = parts.iter().map(|part| part.tests).max().unwrap_or(0);
    let causes = store.causes(project)?;
    let mut decided: HashSet<String> = HashSet::new();
    let mut failed = Vec::new();
    for part in &parts {
        let names =
            store.rosters(std::slice::from_ref(&part.roster))?.remove(&part.roster).unwrap_or_default();
        for failure in store.failures(std::slice::from_ref(&part.id))? {
            if decided.contains(&failure.test) {
                continue;
            }
            let fingerprint = failure.fingerprint.unwrap_or_default();
            let root_cause = causes.get(&fingerprint).map_or_else(
                || "the cause is not known any more".to_owned(),
                |(root_cause, ..)| root_cause.clone(),
            );
            failed.push(Earlier {
                test: failure.test,
                phase: failure.phase,
                subtest: failure.subtest,
                fingerprint,
                root_cause,
            });
        }
        decided.extend(names);
        // All of the suite has been seen.
        if part.tests * 10 >= largest * 9 {
            break;
        }
    }
    Ok(Some(Baseline::from_history(newest, failed)))
}
