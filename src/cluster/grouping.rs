//! Failures into clusters.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::fingerprint::fingerprint;
use crate::model::{Failure, Fingerprint};
use crate::workspace::Workspace;

/// Groups failures that share one root cause: indexes into `failures`, the representative (most is known of it)
/// first, in a stable order that does not depend on the order of the failures. Merging two bugs is the worse
/// error.
pub fn group(failures: &[Failure], workspace: &Workspace) -> Vec<(Fingerprint, Vec<usize>)> {
    let mut groups: BTreeMap<Fingerprint, Vec<usize>> = BTreeMap::new();
    for (index, failure) in failures.iter().enumerate() {
        groups.entry(fingerprint(failure, workspace)).or_default().push(index);
    }
    for members in groups.values_mut() {
        members.sort_by(|&a, &b| order(&failures[a]).cmp(&order(&failures[b])));
    }
    groups.into_iter().collect()
}

/// Total order of the failures of a cluster by content.
fn order(failure: &Failure) -> impl Ord + '_ {
    (
        Reverse(failure.detail),
        Reverse(failure.exceptions.len()),
        &failure.test,
        failure.phase,
        failure.subtest.as_deref(),
        failure.reruns,
        failure.text.as_str(),
        failure.headline.as_str(),
    )
}
