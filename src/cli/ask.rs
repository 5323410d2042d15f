//! Asking a model from the command line: until all causes are heard, or Ctrl-C.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::output::{Progress, note};
use super::project::Project;
use super::verify::asked_to_end;
use crate::diagnose::providers::Choice;
use crate::front::model;
use crate::model::Analysis;
use crate::system::System;
use crate::workspace::Workspace;

/// How it is gone about.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Whether it is said who is asked.
    pub for_people: bool,
    /// Most seconds that it may take.
    pub patience: Option<u64>,
}

/// Asks about the causes of `analysis` that have no answer yet. Ctrl-C ends the asking, not the program: what is
/// known is shown.
pub fn ask(
    analysis: &mut Analysis,
    choice: &Choice,
    workspace: &Arc<Workspace>,
    project: &Project,
    system: &System,
    manner: Manner,
) {
    let open = analysis.clusters.iter().filter(|cluster| !model::is_answered(analysis, cluster)).count();
    if open == 0 {
        return;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return note(&format!("no model is asked: cannot start a runtime: {error}")),
    };
    let cancel = CancellationToken::new();
    let deadline = manner.patience.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let too_long = async || match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    };
    runtime.block_on(async {
        tokio::select! {
            () = choice.provider.settle(&cancel) => {}
            () = asked_to_end() => cancel.cancel(),
            () = too_long() => cancel.cancel(),
        }
    });
    let name = analysis.redactor.text(&format!("{} ({})", choice.provider.name(), choice.provider.model()));
    if manner.for_people {
        let why = analysis.redactor.text(&choice.why);
        let causes = crate::report::text::counted(open, "cause", "causes");
        note(&format!("asking {name} about {causes}: {why}; --offline asks no model"));
    }
    let shown = Progress::start("asking a model");
    let agents =
        model::agents(choice, Arc::clone(workspace), &analysis.redactor, &project.root, &project.config);
    runtime.block_on(async {
        let progress = |done, total| shown.say(format!("asking {name}: {done} of {total} causes"));
        let work = model::ask(analysis, choice, agents, &project.config, system, &cancel, progress);
        let too_long = too_long();
        tokio::pin!(work, too_long);
        loop {
            tokio::select! {
                () = &mut work => break,
                () = asked_to_end(), if !cancel.is_cancelled() => cancel.cancel(),
                () = &mut too_long, if !cancel.is_cancelled() => cancel.cancel(),
            }
        }
    });
    shown.stop();
}
