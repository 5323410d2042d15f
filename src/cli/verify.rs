//! `--verify` and `trace --fix`: fixes are tried on copies before they are shown, and searched.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::output::{Progress, note};
use super::project::Project;
use crate::fix::all;
use crate::fix::verify::Setting;
use crate::front::trace::{Found, Wish};
use crate::front::{self, mend};
use crate::model::Analysis;
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
    let setting = Setting::new(&project.root, &project.config, system);
    let shown = Progress::start("searching for a fix");
    let wanted = &wish.clusters;
    let wish = mend::Wish {
        setting: &setting,
        workspace: &workspace,
        options: &options,
        budget: Duration::from_secs_f64(wish.seconds),
    };
    let groups = mend::groups(&analysis.clusters, |cluster| {
        wanted.is_empty() || wanted.contains(&cluster.fingerprint)
    });
    let mut outcomes = Vec::new();
    for (at, members) in groups.iter().enumerate() {
        let cancel = CancellationToken::new();
        let progress = |tried, total| {
            shown.say(format!("cause {} of {}: {tried} of {total} edits tried", at + 1, groups.len()));
        };
        let outcome = runtime.block_on(async {
            let work = mend::search(&mut analysis.clusters, members, traced, &wish, &cancel, &progress);
            tokio::pin!(work);
            loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    () = asked_to_end(), if !cancel.is_cancelled() => cancel.cancel(),
                }
            }
        });
        outcomes.extend(outcome);
        if cancel.is_cancelled() {
            break;
        }
    }
    shown.stop();
    for said in mend::said(&outcomes) {
        note(&said);
    }
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
