//! Putting the places that a traced run found into an analysis.

use super::Options;
use super::show::Shower;
use crate::diagnose::localise::Ranking;
use crate::model::{Also, Analysis, Cluster, Culprit, Fingerprint, Part, Place, TestId};
use crate::workspace::Workspace;

/// A rule this sure has seen the fault itself: what was traced comes after the place it names.
const CERTAIN: f64 = 0.85;
/// Places that are shown.
const SHOWN: usize = 5;

/// Replaces the suspects of `cluster` by those of `ranking`, if there are any.
pub fn apply(cluster: &mut Cluster, ranking: &Ranking, workspace: &Workspace, options: &Options) {
    let mut shower = Shower::new(workspace, options, None);
    let mut culprits: Vec<Culprit> = ranking
        .places
        .iter()
        .map(|ranked| Culprit {
            site: shower.site(&ranked.place),
            score: ranked.score,
            reasons: ranked.reasons.iter().map(|reason| shower.text(reason)).collect(),
        })
        .collect();
    if culprits.is_empty() {
        cluster.diagnosis.notes.extend(ranking.notes.iter().map(|note| shower.text(note)));
        return;
    }
    if cluster.diagnosis.confidence >= CERTAIN
        && let Some(known) = cluster.culprits.first()
    {
        let same = |culprit: &Culprit| {
            let place = &culprit.site.place;
            place.path == known.site.place.path
                && (place.line..=place.end_line).contains(&known.site.place.line)
        };
        let mut first = known.clone();
        for traced in culprits.extract_if(.., |culprit| same(culprit)) {
            // The ranking tells the rule's reasons too.
            for reason in traced.reasons {
                if !first.reasons.contains(&reason) {
                    first.reasons.push(reason);
                }
            }
        }
        culprits.insert(0, first);
    } else {
        cluster.diagnosis.notes.extend(ranking.notes.iter().map(|note| shower.text(note)));
    }
    culprits.truncate(SHOWN);
    cluster.culprits = culprits;
}

/// Notes in the cluster that groups of its tests point to unlike places.
pub fn part(
    analysis: &mut Analysis,
    fingerprint: &Fingerprint,
    parts: &[(Vec<TestId>, Place)],
    workspace: &Workspace,
    options: &Options,
) {
    let Some(cluster) = analysis.clusters.iter_mut().find(|c| c.fingerprint == *fingerprint) else { return };
    let mut shower = Shower::new(workspace, options, None);
    cluster.parts = parts
        .iter()
        .map(|(tests, place)| Part {
            tests: tests.iter().map(|test| shower.text(test.as_str())).collect(),
            site: shower.site(place),
        })
        .collect();
}

/// Notes in each of the clusters `members` that they have one cause.
pub fn join(analysis: &mut Analysis, members: &[Fingerprint], reason: &str, options: &Options) {
    let tests: Vec<(Fingerprint, usize)> = analysis
        .clusters
        .iter()
        .filter(|cluster| members.contains(&cluster.fingerprint))
        .map(|cluster| {
            let mut ids: Vec<&str> = cluster.failures.iter().map(|f| f.test_id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            (cluster.fingerprint.clone(), ids.len())
        })
        .collect();
    let reason = options.redactor.text(reason);
    for cluster in &mut analysis.clusters {
        if members.contains(&cluster.fingerprint) {
            let others = tests.iter().filter(|(fingerprint, _)| *fingerprint != cluster.fingerprint);
            cluster.also = others
                .map(|(fingerprint, tests)| Also {
                    fingerprint: fingerprint.clone(),
                    tests: *tests,
                    reason: reason.clone(),
                })
                .collect();
        }
    }
}
