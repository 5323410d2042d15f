//! Asking a model, alike for all fronts: who is asked, what is already known, and what the report says of it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::diagnose::agents::dossier::{Dossier, Size};
use crate::diagnose::agents::prompt;
use crate::diagnose::agents::{Agents, Budget, Cache, Heard, Round, Spent, tally};
use crate::diagnose::providers::{Choice, NoProvider};
use crate::evidence::redact::Redactor;
use crate::model::{Analysis, Cluster, Fingerprint, ModelRun, ModelState, Redacted, Told};
use crate::system::System;
use crate::workspace::config::Ai;
use crate::workspace::{Config, Workspace};

/// Why causes have no answer that could be asked about.
const NOT_YET: &str =
    "nobody has asked it; `failscope analyze` does, and in the editor the action \"Ask the model\"";
/// Why they have none after a round that was cancelled.
const CANCELLED: &str = "asking was cancelled, or took too long";

/// Whether a model can be asked.
#[derive(Debug, Clone)]
pub enum Standing {
    /// This one.
    Ready(Choice),
    /// None: how the report calls that, and why.
    Not(ModelState, String),
}

impl Standing {
    /// Rules only, because the user wants it so.
    pub fn offline() -> Self {
        Self::Not(ModelState::NotAsked, "rules only, as asked for".to_owned())
    }

    /// By the settings; `wanted` is a wish that counts more than `ai = "off"`. `choose` may block for a short while.
    pub fn new(config: &Config, wanted: bool, choose: impl FnOnce() -> Result<Choice, NoProvider>) -> Self {
        if config.ai == Ai::Off && !wanted {
            return Self::Not(
                ModelState::NotAsked,
                "switched off in the settings (`ai = \"off\"`)".to_owned(),
            );
        }
        match choose() {
            Ok(choice) => Self::Ready(choice),
            Err(none) => Self::Not(ModelState::Unavailable, none.reason),
        }
    }
}

/// What asking needs.
pub fn agents(
    choice: &Choice,
    workspace: Arc<Workspace>,
    redactor: &Redactor,
    root: &Path,
    config: &Config,
) -> Agents {
    Agents {
        provider: Arc::clone(&choice.provider),
        workspace,
        redactor: redactor.clone(),
        max_log: config.max_log_size,
        cache: Cache::new(&root.join(&config.output)),
    }
}

/// Puts earlier answers into `analysis`, and how things stand. Sends nothing.
pub fn recall(
    analysis: &mut Analysis,
    standing: &Standing,
    workspace: &Arc<Workspace>,
    root: &Path,
    config: &Config,
) {
    if analysis.clusters.is_empty() {
        return;
    }
    let choice = match standing {
        Standing::Ready(choice) => choice,
        Standing::Not(state, reason) => {
            let reason = analysis.redactor.text(reason);
            analysis.model = ModelRun { state: *state, reason, ..ModelRun::default() };
            return;
        }
    };
    let agents = agents(choice, Arc::clone(workspace), &analysis.redactor, root, config);
    analysis.model.told.clear();
    if agents.cache.is_there() {
        for cluster in &mut analysis.clusters {
            if let Some(told) = agents.recall(cluster) {
                analysis.model.told.insert(cluster.fingerprint.clone(), told);
            }
        }
    }
    conclude(analysis, Spent::default(), false, choice, config);
}

/// Whether there is an answer about `cluster`, of whatever worth.
pub fn is_answered(analysis: &Analysis, cluster: &Cluster) -> bool {
    matches!(analysis.model.told.get(&cluster.fingerprint), Some(Told::Answered { .. }))
}

/// What would be sent about `cluster`, for people to read; without a provider, what would be sent to one in the cloud.
pub fn prompt(
    cluster: &Cluster,
    standing: &Standing,
    workspace: &Arc<Workspace>,
    redactor: &Redactor,
    root: &Path,
    config: &Config,
) -> Redacted {
    let (head, request) = match standing {
        Standing::Ready(choice) => {
            let agents = agents(choice, Arc::clone(workspace), redactor, root, config);
            let mut cluster = cluster.clone();
            cluster.restore();
            let (provider, model) = (choice.provider.name(), choice.provider.model());
            let what = if choice.provider.single_pass() {
                "This is all that is sent."
            } else {
                "A critic is then sent the same evidence with the answer."
            };
            let head = format!(
                "To {provider} ({model}) at {} would be sent, because {}. {what}",
                choice.address, choice.why
            );
            (head, agents.question(&agents.dossier(&cluster)))
        }
        Standing::Not(_, reason) => {
            let mut cluster = cluster.clone();
            cluster.restore();
            let dossier = Dossier::new(&cluster, workspace, redactor, config.max_log_size, Size::FULL);
            let head = format!("Nothing would be sent: {reason}. With a provider it would be:");
            (head, prompt::analyzer(&dossier, redactor))
        }
    };
    let parts = [
        redactor.text(&head),
        Redacted::fixed("\n\n=== instructions ===\n"),
        request.system,
        Redacted::fixed("\n=== material ===\n"),
        request.user,
    ];
    Redacted::join(parts, "")
}

/// Asks about the causes that have no answer yet; `progress` hears how many of how many have been heard.
pub async fn ask(
    analysis: &mut Analysis,
    choice: &Choice,
    agents: Agents,
    config: &Config,
    system: &System,
    cancel: &CancellationToken,
    mut progress: impl FnMut(usize, usize),
) {
    let open = analysis.clusters.iter().filter(|cluster| !is_answered(analysis, cluster));
    let clusters: Vec<Cluster> = open.cloned().collect();
    let (mut done, total) = (0, clusters.len());
    let round = Round::new(Arc::new(agents), Budget::new(config.ai_budget, system), cancel.clone(), false);
    let mut places: HashMap<Fingerprint, usize> = HashMap::new();
    for (index, cluster) in analysis.clusters.iter().enumerate() {
        places.insert(cluster.fingerprint.clone(), index);
    }
    let take = |heard: Heard| {
        done += 1;
        progress(done, total);
        let place = places.get(&heard.cluster.fingerprint);
        if let Some(slot) = place.and_then(|at| analysis.clusters.get_mut(*at)) {
            analysis.model.told.insert(heard.cluster.fingerprint.clone(), heard.told);
            *slot = heard.cluster;
        }
    };
    let spent = round.ask(clusters, take, system).await;
    conclude(analysis, spent, cancel.is_cancelled(), choice, config);
}

/// Says in `analysis.model` how things stand, by what has become of each cause.
pub fn conclude(analysis: &mut Analysis, spent: Spent, cancelled: bool, choice: &Choice, config: &Config) {
    let otherwise = if cancelled { CANCELLED } else { NOT_YET };
    let (causes, redactor) = (analysis.clusters.len(), &analysis.redactor);
    let before = std::mem::take(&mut analysis.model);
    let spent = Spent {
        calls: before.calls + spent.calls,
        input_tokens: before.input_tokens + spent.input_tokens,
        output_tokens: before.output_tokens + spent.output_tokens,
        unmetered: before.unmetered + spent.unmetered,
    };
    let told = before.told;
    let provider = &*choice.provider;
    let mut run = tally::run(told, causes, otherwise, spent, provider, &config.ai_prices, redactor);
    run.notes.splice(0..0, choice.notes.iter().map(|note| redactor.text(note)));
    analysis.model = run;
}
