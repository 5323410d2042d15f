//! The search for fixes after tests have been traced: in the places that were found, cluster by cluster.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::trace::Found;
use crate::analysis::Options;
use crate::fix::verify::Setting;
use crate::fix::{all, search};
use crate::model::{Cluster, Culprit, Fix, Place, Redacted, Site, VerificationState};
use crate::report::text::counted;
use crate::workspace::Workspace;

/// How to search.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Where, and how tests are run.
    pub setting: &'a Setting,
    /// The sources.
    pub workspace: &'a Workspace,
    /// How texts are shown.
    pub options: &'a Options,
    /// Time for each cluster.
    pub budget: Duration,
}

/// Searches fixes of `cluster`, if it has none that is verified, and puts them into it, best first; gives what is to
/// be said of the search. Nothing of the workspace is written.
pub async fn search(
    cluster: &mut Cluster,
    traced: &Found,
    wish: &Wish<'_>,
    cancel: &CancellationToken,
    progress: search::Progress<'_>,
) -> Option<String> {
    if cluster.fixes.iter().any(|fix| fix.verification.state == VerificationState::Verified) {
        return None;
    }
    let ranking = traced.rankings.iter().find(|(of, _)| *of == cluster.fingerprint);
    let ranked = ranking.into_iter().flat_map(|(_, ranking)| &ranking.places);
    let mut places: Vec<Place> = ranked.map(|ranked| ranked.place.clone()).collect();
    places.extend(search::suspects(cluster));
    let wish = search::Wish {
        setting: wish.setting.clone(),
        workspace: wish.workspace,
        options: wish.options,
        budget: wish.budget,
    };
    let found = search::search(&places, cluster, &wish, cancel, progress).await;
    let said = match (found.fixes.len(), &found.note) {
        (0, Some(because)) => format!("no fix was searched: {because}"),
        (0, None) => format!("no fix found: none of {} small edits makes the tests pass", found.tried),
        (n, _) => format!(
            "{} found by trying {} small edits (contained: {})",
            counted(n, "fix", "fixes"),
            found.tried,
            found.contained.join(", ")
        ),
    };
    promote(cluster, &found.fixes);
    // One that a rule has proposed as well is now known to help.
    cluster.fixes.retain(|known| found.fixes.iter().all(|fix| fix.title != known.title));
    cluster.fixes.extend(found.fixes);
    all::prefer(cluster);
    Some(said)
}

/// Where all fixes that were found change the same line, that is the culprit.
fn promote(cluster: &mut Cluster, fixes: &[Fix]) {
    let mut sites = fixes.iter().filter_map(|fix| Some(&fix.edits.first()?.site));
    let Some(site) = sites.next() else { return };
    let is_same = |other: &Site| other.place.path == site.place.path && other.place.line == site.place.line;
    if !sites.all(is_same) {
        return;
    }
    let score = cluster.culprits.first().map_or(1.0, |first| first.score);
    let known = cluster.culprits.iter().position(|culprit| is_same(&culprit.site));
    let mut culprit = match known {
        Some(at) => cluster.culprits.remove(at),
        None => Culprit { site: site.clone(), score, reasons: Vec::new() },
    };
    culprit.score = culprit.score.max(score);
    culprit.reasons.insert(0, Redacted::fixed("a small edit here makes the tests pass and breaks no other"));
    cluster.culprits.insert(0, culprit);
}
