//! `--verify` and `trace --fix`: fixes are tried on copies before they are shown, and searched.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::output::{Progress, note};
use super::project::Project;
use crate::fix::verify::Setting;
use crate::fix::{all, search};
use crate::front;
use crate::front::trace::{Found, Wish};
use crate::model::{Analysis, Cluster, Culprit, Fix, Place, Redacted, Site, VerificationState};
use crate::report::text::counted;
use crate::system::System;

/// Tries the fixes of `analysis`. Ctrl-C ends the trials, not the program: what is known is shown.
pub fn verify(analysis: &mut Analysis, project: &Project, system: &System) {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return note(&format!("fixes are not tried: cannot start a runtime: {error}")),
    };
    let setting = Setting::new(&project.root, &project.config, system);
    let shown = Progress::start("trying fixes on a copy");
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let progress = |number, total, step| shown.say(format!("fix {number} of {total}: {step}"));
        let work = all::verify(analysis, &setting, &cancel, &progress);
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = &mut work => break,
                () = asked_to_end(), if !cancel.is_cancelled() => cancel.cancel(),
            }
        }
    });
    shown.stop();
}

/// Searches fixes of the clusters that were traced, in the places that were found. Ctrl-C ends the search.
pub fn search(analysis: &mut Analysis, traced: &Found, wish: &Wish, project: &Project, system: &System) {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return note(&format!("no fix is searched: cannot start a runtime: {error}")),
    };
    let workspace = project.workspace();
    let options = front::analysis_options(&project.root, &project.config, system);
    let shown = Progress::start("searching for a fix");
    for cluster in &mut analysis.clusters {
        let is_wanted = wish.clusters.is_empty() || wish.clusters.contains(&cluster.fingerprint);
        let is_mended = cluster.fixes.iter().any(|fix| fix.verification.state == VerificationState::Verified);
        if !is_wanted || is_mended {
            continue;
        }
        let ranking = traced.rankings.iter().find(|(of, _)| *of == cluster.fingerprint);
        let ranked = ranking.into_iter().flat_map(|(_, ranking)| &ranking.places);
        let mut places: Vec<Place> = ranked.map(|ranked| ranked.place.clone()).collect();
        places.extend(search::suspects(cluster));
        let wish = search::Wish {
            setting: Setting::new(&project.root, &project.config, system),
            workspace: &workspace,
            options: &options,
            budget: Duration::from_secs_f64(wish.seconds),
        };
        let cancel = CancellationToken::new();
        let progress =
            |tried, total| shown.say(format!("searching for a fix: {tried} of {total} edits tried"));
        let found = runtime.block_on(async {
            let work = search::search(&places, cluster, &wish, &cancel, &progress);
            tokio::pin!(work);
            loop {
                tokio::select! {
                    found = &mut work => break found,
                    () = asked_to_end(), if !cancel.is_cancelled() => cancel.cancel(),
                }
            }
        });
        let what = match (found.fixes.len(), &found.note) {
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
        cluster.fixes.extend(found.fixes);
        all::prefer(cluster);
        note(&what);
        if cancel.is_cancelled() {
            break;
        }
    }
    shown.stop();
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

/// Waits for Ctrl-C, or a polite request to end.
pub(super) async fn asked_to_end() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
