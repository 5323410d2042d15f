//! Trying fixes on a copy: `failscope.verifyFix`, and in the background where the settings say so.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{ProgressToken, Url};

use super::commands::failed;
use super::{background, code_action, run};
use crate::engine::{Event, Front as _, Handle, Level, News, Snapshot};
use crate::fix::change::Change;
use crate::fix::verify::{Setting, Step, Test, Trial};
use crate::lsp::backend::Session;
use crate::lsp::convert;
use crate::lsp::outbox::{EngineSide, Outbox, Shown};
use crate::model::{Fix, FixKind, Verification, VerificationState};
use crate::system::System;
use crate::workspace::config::Verify;

/// What `failscope.verifyFix` is given: one fix, or a cause whose fixes are all tried.
#[derive(Debug, Deserialize)]
struct Wish {
    folder: Option<Url>,
    fingerprint: String,
    fix: Option<usize>,
    title: Option<String>,
}

/// Tries fixes, one at a time.
pub struct Trials {
    engine: Handle,
    outbox: Arc<Outbox>,
    system: System,
    turn: tokio::sync::Mutex<()>,
}

/// A fix to try.
struct Task {
    fingerprint: String,
    title: String,
    edits: Option<Vec<Change>>,
    tests: Vec<Test>,
}

/// `failscope.verifyFix`.
pub async fn verify(session: &Session, argument: Option<Json>, token: Option<ProgressToken>) -> Result<Json> {
    let wish: Wish = serde_json::from_value(argument.unwrap_or_default()).map_err(|error| {
        Error::invalid_params(format!("the command's argument names no fix and no cause: {error}"))
    })?;
    session.engine.settled().await;
    let root = wish.folder.as_ref().and_then(convert::path);
    let known = session.engine.folders();
    let snapshot = match &root {
        Some(root) => session.engine.folder(root),
        None => known.into_iter().find(|snapshot| snapshot.cluster(&wish.fingerprint).is_some()),
    };
    let gone = || failed("this cause is no longer among the results".to_owned());
    let snapshot = snapshot.ok_or_else(gone)?;
    if snapshot.config.verify == Verify::Off {
        return Err(failed("trying fixes is switched off by the setting `verify`".to_owned()));
    }
    let (index, cluster) = snapshot.cluster(&wish.fingerprint).ok_or_else(gone)?;
    let chosen = match (wish.fix, &wish.title) {
        (fix, Some(title)) => {
            let found = code_action::named(cluster, fix.unwrap_or_default(), title);
            vec![found.ok_or_else(gone)?.0]
        }
        (Some(fix), None) => vec![fix],
        (None, None) => (0..cluster.fixes.len()).collect(),
    };
    let tasks = tasks(&snapshot, index, &chosen).await?;
    if tasks.is_empty() {
        return Err(failed("there is no fix to try: none is an edit".to_owned()));
    }
    let cancel = CancellationToken::new();
    // When the request is cancelled its future is dropped.
    let _stop = cancel.clone().drop_guard();
    let title =
        if tasks.len() == 1 { "Trying a fix".to_owned() } else { format!("Trying {} fixes", tasks.len()) };
    let shown = session.outbox.progress(token, &title, Some(&cancel));
    let tried = session.trials.tried(&snapshot, tasks, &cancel, shown.as_ref()).await;
    // The answer comes when the reports say so as well.
    run::looked(session, &snapshot.root).await;
    drop(shown);
    let answers: Vec<Json> = tried.iter().map(|(title, verification)| answer(title, verification)).collect();
    if !cancel.is_cancelled() {
        let lines: Vec<String> =
            tried.iter().map(|(title, verification)| said(title, verification)).collect();
        EngineSide(Arc::clone(&session.outbox)).say(Level::Answer, lines.join("\n"));
    }
    Ok(json!({ "cancelled": cancel.is_cancelled(), "fixes": answers }))
}

fn answer(title: &str, verification: &Verification) -> Json {
    let mut answer = serde_json::to_value(verification).unwrap_or_default();
    answer["title"] = json!(title);
    answer["summary"] = json!(verification.summary());
    answer
}

fn said(title: &str, verification: &Verification) -> String {
    let reason = verification.reason.as_ref().map(|reason| reason.as_str().to_owned());
    match (verification.summary(), reason) {
        (Some(summary), Some(reason)) if verification.state == VerificationState::NoHelp => {
            format!("{title}: {summary} ({reason})")
        }
        (Some(summary), _) => format!("{title}: {summary}"),
        (None, reason) => format!("{title}: not tried: {}", reason.unwrap_or_default()),
    }
}

/// What there is to try of the fixes with these numbers.
async fn tasks(snapshot: &Arc<Snapshot>, index: usize, chosen: &[usize]) -> Result<Vec<Task>> {
    let (snapshot, chosen) = (Arc::clone(snapshot), chosen.to_vec());
    tokio::task::spawn_blocking(move || {
        let Some(cluster) = snapshot.results.analysis.clusters.get(index) else { return Vec::new() };
        let tests: Vec<Test> = cluster.failures.iter().map(Test::from).collect();
        let fixes = chosen.iter().filter_map(|&n| cluster.fixes.get(n));
        let edits = fixes.filter(|fix| fix.kind == FixKind::Edit);
        edits
            .map(|fix| Task {
                fingerprint: cluster.fingerprint.0.clone(),
                title: fix.title.as_str().to_owned(),
                edits: code_action::changes(&snapshot, index, fix),
                tests: tests.clone(),
            })
            .collect()
    })
    .await
    .map_err(|_| Error::internal_error())
}

impl Trials {
    /// The way to try fixes of an engine's folders.
    pub fn new(engine: &Handle, outbox: &Arc<Outbox>, system: &System) -> Arc<Self> {
        Arc::new(Self {
            engine: engine.clone(),
            outbox: Arc::clone(outbox),
            system: system.clone(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// Tries the fixes one after the other and tells the engine; stops when it is cancelled.
    async fn tried(
        &self,
        snapshot: &Arc<Snapshot>,
        tasks: Vec<Task>,
        cancel: &CancellationToken,
        shown: Option<&Shown>,
    ) -> Vec<(String, Verification)> {
        let mut found = Vec::new();
        let turn = tokio::select! {
            turn = self.turn.lock() => turn,
            () = cancel.cancelled() => return found,
        };
        let (snapshot, system) = (Arc::clone(snapshot), self.system.clone());
        let root = snapshot.root.clone();
        let setting = tokio::task::spawn_blocking(move || {
            let mut setting = Setting::new(&snapshot.root, &snapshot.config, &system);
            let unsaved = snapshot.documents.iter();
            setting.unsaved =
                unsaved.map(|(path, (_, text))| (path.clone(), Arc::clone(text.text()))).collect();
            setting
        });
        let Ok(setting) = setting.await else { return found };
        let mut trial = Trial::new(setting);
        let total = tasks.len();
        for (number, task) in tasks.into_iter().enumerate() {
            let say = |step: Step| {
                if let Some(shown) = shown {
                    let count =
                        if total > 1 { format!("{} of {total}: ", number + 1) } else { String::new() };
                    shown.update(format!("{count}{step}"), None);
                }
            };
            let verification = match &task.edits {
                Some(edits) => trial.attempt(edits, &task.tests, cancel, &say).await,
                None => Verification {
                    reason: Some(crate::model::Redacted::fixed("the code has been edited since the run")),
                    ..Verification::default()
                },
            };
            if cancel.is_cancelled() {
                break;
            }
            let Task { fingerprint, title, .. } = task;
            let event = Event::Verified {
                root: root.clone(),
                fingerprint,
                title: title.clone(),
                verification: verification.clone(),
            };
            self.engine.send(event);
            self.engine.settled().await;
            found.push((title, verification));
        }
        drop(turn);
        found
    }

    /// Tries the fixes of new results in the background, in folders whose setting says so, and those that a model adds.
    /// Newer results of a folder end what is being tried of the ones before.
    pub fn follow(self: &Arc<Self>) {
        let trials = Arc::clone(self);
        background::on_news(&self.engine, move |news, cancel| {
            let trials = Arc::clone(&trials);
            async move { trials.in_background(&news, &cancel).await }
        });
    }

    async fn in_background(&self, news: &News, cancel: &CancellationToken) {
        self.engine.settled().await;
        let folder = self.engine.folder(&news.root);
        let Some(snapshot) = folder.filter(|s| s.config.verify == Verify::Auto) else { return };
        let of_models = snapshot.config.verify_model_fixes;
        let mut all = Vec::new();
        for index in 0..snapshot.results.analysis.clusters.len() {
            let fixes = snapshot.results.analysis.clusters[index].fixes.iter().enumerate();
            let chosen: Vec<usize> = fixes
                .filter(|(_, fix)| is_tried_unasked(fix, of_models, news.of_model))
                .map(|(n, _)| n)
                .collect();
            all.extend(tasks(&snapshot, index, &chosen).await.unwrap_or_default());
        }
        if all.is_empty() {
            return;
        }
        let shown = self.outbox.progress(None, "Trying fixes", Some(cancel));
        self.tried(&snapshot, all, cancel, shown.as_ref()).await;
    }
}

/// Whether a fix is tried in the background when there are new results, or when a model has said something of those
/// there are. What a model wrote is run only where the user has said that this may be (`of_models`).
fn is_tried_unasked(fix: &Fix, of_models: bool, heard_model: bool) -> bool {
    match &fix.proposed_by {
        Some(_) => of_models && fix.verification.state == VerificationState::NotRun,
        None => !heard_model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FixTarget, Redacted};

    #[test]
    fn what_a_model_wrote_is_tried_unasked_only_where_the_settings_say_so() {
        let fix = |by: Option<&'static str>, state| Fix {
            title: Redacted::fixed("change it"),
            rationale: Redacted::fixed(""),
            kind: FixKind::Edit,
            target: FixTarget::Code,
            edits: Vec::new(),
            command: None,
            verification: Verification { state, ..Verification::default() },
            proposed_by: by.map(Redacted::fixed),
        };
        let (model, untried, helps) =
            (Some("groq/wise-1"), VerificationState::NotRun, VerificationState::Verified);
        // The fix, whether those of models may be tried, whether a model has been heard, and what is done.
        let rows = [
            (fix(None, untried), false, false, true),
            (fix(None, untried), true, false, true),
            (fix(None, untried), true, true, false),
            (fix(model, untried), false, false, false),
            (fix(model, untried), false, true, false),
            (fix(model, untried), true, false, true),
            (fix(model, untried), true, true, true),
            (fix(model, helps), true, true, false),
        ];
        for (fix, of_models, heard, expected) in rows {
            let case = format!("{fix:?}, {of_models}, {heard}");
            assert_eq!(is_tried_unasked(&fix, of_models, heard), expected, "{case}");
        }
        assert!(!crate::workspace::Config::default().verify_model_fixes, "it is off unless it is set");
    }
}
