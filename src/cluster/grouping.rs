//! Failures into clusters.

use crate::model::{Failure, Fingerprint};

/// Groups failures that share one root cause: indexes into `failures`, the representative first, in a stable
/// order that does not depend on the order of the failures. Merging two bugs is the worse error.
pub fn group(failures: &[Failure]) -> Vec<(Fingerprint, Vec<usize>)> {
    let mut groups: std::collections::BTreeMap<Fingerprint, Vec<usize>> =
        std::collections::BTreeMap::default();
    for (index, failure) in failures.iter().enumerate() {
        groups.entry(super::fingerprint::fingerprint(failure)).or_default().push(index);
    }
    groups.into_iter().collect()
}
