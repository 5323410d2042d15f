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

/// Tests that are named where several searches ended alike.
const NAMED: usize = 3;

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

/// What came of the search for one cause.
#[derive(Debug)]
pub struct Outcome {
    /// A test that the cause makes fail.
    pub test: String,
    /// Verified fixes.
    pub fixes: usize,
    /// Edits that were tried.
    pub tried: usize,
    /// What candidates were kept from.
    pub contained: Vec<String>,
    /// Why there was no search.
    pub note: Option<String>,
}

/// The clusters to search fixes for, those with one cause together, as indices; `wanted` says which are asked for.
pub fn groups(clusters: &[Cluster], wanted: impl Fn(&Cluster) -> bool) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, cluster) in clusters.iter().enumerate() {
        let is_one = |members: &Vec<usize>| {
            members
                .iter()
                .any(|&one| cluster.also.iter().any(|also| also.fingerprint == clusters[one].fingerprint))
        };
        match groups.iter_mut().find(|members| is_one(members)) {
            Some(members) => members.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups.retain(|members| members.iter().any(|&at| wanted(&clusters[at])));
    groups
}

/// Searches fixes of the clusters `members`, which have one cause, if none has one that is verified, and puts them into
/// each, best first. Nothing of the workspace is written.
pub async fn search(
    clusters: &mut [Cluster],
    members: &[usize],
    traced: &Found,
    wish: &Wish<'_>,
    cancel: &CancellationToken,
    progress: search::Progress<'_>,
) -> Option<Outcome> {
    let is_mended = |cluster: &Cluster| {
        cluster.fixes.iter().any(|fix| fix.verification.state == VerificationState::Verified)
    };
    let &first = members.first()?;
    if members.iter().any(|&at| is_mended(&clusters[at])) {
        return None;
    }
    let mut all = clusters[first].clone();
    for &other in &members[1..] {
        all.failures.extend(clusters[other].failures.iter().cloned());
    }
    let ranking = traced.rankings.iter().find(|(of, _)| *of == all.fingerprint);
    let ranked = ranking.into_iter().flat_map(|(_, ranking)| &ranking.places);
    let mut places: Vec<Place> = ranked.map(|ranked| ranked.place.clone()).collect();
    places.extend(search::suspects(&all));
    let test = all.failures.first().map_or("", |failure| failure.test_id.as_str());
    let test = wish.setting.redactor.text(test).as_str().to_owned();
    let wish = search::Wish {
        setting: wish.setting.clone(),
        workspace: wish.workspace,
        options: wish.options,
        budget: wish.budget,
    };
    let found = search::search(&places, &all, &wish, cancel, progress).await;
    for &at in members {
        let cluster = &mut clusters[at];
        promote(cluster, &found.fixes);
        // One that a rule has proposed as well is now known to help.
        cluster.fixes.retain(|known| found.fixes.iter().all(|fix| fix.title != known.title));
        cluster.fixes.extend(found.fixes.iter().cloned());
        all::prefer(cluster);
    }
    let search::Found { fixes, tried, contained, note } = found;
    Some(Outcome { test, fixes: fixes.len(), tried, contained, note })
}

/// What is to be said of the searches: of each that found something, and of the others together.
pub fn said(outcomes: &[Outcome]) -> Vec<String> {
    let mut said = Vec::new();
    for found in outcomes.iter().filter(|outcome| outcome.fixes > 0) {
        said.push(format!(
            "{} found by trying {} for {} (contained: {})",
            counted(found.fixes, "fix", "fixes"),
            counted(found.tried, "small edit", "small edits"),
            found.test,
            found.contained.join(", ")
        ));
    }
    let mut reasons: Vec<Option<&str>> = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.fixes == 0) {
        if !reasons.contains(&outcome.note.as_deref()) {
            reasons.push(outcome.note.as_deref());
        }
    }
    for reason in reasons {
        let of: Vec<&Outcome> =
            outcomes.iter().filter(|o| o.fixes == 0 && o.note.as_deref() == reason).collect();
        let mut what = of.iter().take(NAMED).map(|o| o.test.as_str()).collect::<Vec<_>>().join(", ");
        if of.len() > NAMED {
            what = format!("{what} and {} more", of.len() - NAMED);
        }
        let tried = of.iter().map(|o| o.tried).sum();
        said.push(match reason {
            Some(because) => format!("no fix was searched for {what}: {because}"),
            None if tried == 0 => format!("no fix found for {what}: there was no time to try an edit"),
            None => format!(
                "no fix found for {what}: none of {} makes the tests pass",
                counted(tried, "small edit", "small edits")
            ),
        });
    }
    said
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_that_ended_alike_are_spoken_of_once() {
        type Row<'a> = (Vec<Outcome>, &'a [&'a str]);
        let outcome = |test: &str, fixes, tried, note: Option<&str>| Outcome {
            test: test.to_owned(),
            fixes,
            tried,
            contained: vec!["time".to_owned()],
            note: note.map(str::to_owned),
        };
        let rows: [Row<'_>; 4] = [
            (Vec::new(), &[]),
            (
                vec![outcome("t::a", 1, 9, None)],
                &["1 fix found by trying 9 small edits for t::a (contained: time)"],
            ),
            (
                vec![outcome("t::a", 0, 7, None), outcome("t::b", 2, 1, None), outcome("t::c", 0, 4, None)],
                &[
                    "2 fixes found by trying 1 small edit for t::b (contained: time)",
                    "no fix found for t::a, t::c: none of 11 small edits makes the tests pass",
                ],
            ),
            (
                vec![
                    outcome("t::a", 0, 0, Some("why")),
                    outcome("t::b", 0, 0, Some("why")),
                    outcome("t::c", 0, 0, Some("why")),
                    outcome("t::d", 0, 0, Some("why")),
                    outcome("t::e", 0, 0, None),
                ],
                &[
                    "no fix was searched for t::a, t::b, t::c and 1 more: why",
                    "no fix found for t::e: there was no time to try an edit",
                ],
            ),
        ];
        for (outcomes, expected) in rows {
            assert_eq!(said(&outcomes), expected);
        }
    }
}
