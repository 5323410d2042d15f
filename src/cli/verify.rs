//! `--verify`: fixes are tried on copies before they are shown.

use tokio_util::sync::CancellationToken;

use super::output::{Progress, note};
use super::project::Project;
use crate::fix::all;
use crate::fix::verify::Setting;
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

/// Waits for Ctrl-C, or a polite request to end.
async fn asked_to_end() {
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
