//! Failures into clusters.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::fingerprint::fingerprint;
use crate::model::maps::Map;
use crate::model::{Failure, Fingerprint, TestId};
use crate::workspace::Workspace;

/// Groups failures that share one root cause: indexes into `failures`, the representative (most is known of it)
/// first, in a stable order that does not depend on the order of the failures. Merging two bugs is the worse
/// error.
pub fn group(failures: &[Failure], workspace: &Workspace) -> Vec<(Fingerprint, Vec<usize>)> {
    let mut groups: BTreeMap<Fingerprint, Vec<usize>> = BTreeMap::new();
    for (index, failure) in failures.iter().enumerate() {
        groups.entry(fingerprint(failure, workspace)).or_default().push(index);
    }
    join_summaries(failures, &mut groups);
    for members in groups.values_mut() {
        members.sort_by(|&a, &b| order(&failures[a]).cmp(&order(&failures[b])));
    }
    groups.into_iter().collect()
}

/// pytest 9 fails a test once more because its subtests failed: that is no cause of its own, but goes with the
/// largest cluster of those subtests.
fn join_summaries(failures: &[Failure], groups: &mut BTreeMap<Fingerprint, Vec<usize>>) {
    let mut of_subtests: Map<&TestId, BTreeMap<&Fingerprint, usize>> = Map::default();
    let mut summaries = Vec::new();
    for (fingerprint, members) in &*groups {
        for &index in members {
            let failure = &failures[index];
            if failure.subtest.is_some() {
                *of_subtests.entry(&failure.test).or_default().entry(fingerprint).or_default() += 1;
            } else if is_summary(failure) {
                summaries.push((index, fingerprint.clone()));
            }
        }
    }
    let moves: Vec<(usize, Fingerprint, Fingerprint)> = summaries
        .into_iter()
        .filter_map(|(index, from)| {
            let found = of_subtests.get(&failures[index].test)?.iter();
            let (to, _) = found.max_by_key(|(to, count)| (**count, groups[**to].len(), Reverse(**to)))?;
            Some((index, from, (*to).clone()))
        })
        .collect();
    for (index, from, to) in moves {
        if let Some(members) = groups.get_mut(&from) {
            members.retain(|&member| member != index);
        }
        groups.entry(to).or_default().push(index);
    }
    groups.retain(|_, members| !members.is_empty());
}

/// Whether all that the failure says is that subtests failed.
fn is_summary(failure: &Failure) -> bool {
    let message = failure.exceptions.last().map_or(failure.headline.as_str(), |e| e.message.as_str()).trim();
    let message = message.strip_prefix("Failed: ").unwrap_or(message);
    message.strip_prefix("contains ").is_some_and(|rest| {
        let count = rest.strip_suffix(" failed subtests").or_else(|| rest.strip_suffix(" failed subtest"));
        count.is_some_and(|count| count.parse::<u32>().is_ok())
    })
}

/// Total order of the failures of a cluster by content.
fn order(failure: &Failure) -> impl Ord + '_ {
    (
        is_summary(failure),
        Reverse(failure.detail),
        Reverse(failure.exceptions.len()),
        &failure.test,
        failure.phase,
        failure.subtest.as_deref(),
        failure.reruns,
        &*failure.text,
        failure.headline.as_str(),
    )
}
