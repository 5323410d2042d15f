//! Asks models for the editor: when the user asks for it or has allowed it, never in the way of anything else. What is
//! heard goes to the engine, which shows it if the run is still current.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower_lsp::lsp_types::request::{ShowDocument, ShowMessageRequest};
use tower_lsp::lsp_types::{
    MessageActionItem, MessageType, ProgressToken, ShowDocumentParams, ShowMessageRequestParams,
};

use super::convert;
use super::outbox::{EngineSide, Outbox};
use crate::diagnose::agents::{Agents, Budget, Heard, Round};
use crate::diagnose::providers::Choice;
use crate::engine::tools::Tools;
use crate::engine::{Event, Front as _, Handle, Level, Snapshot};
use crate::front::consent::{Allowed, Consent};
use crate::front::model::{self, Standing};
use crate::model::{Cluster, Redacted, RelPath, Told};
use crate::report::files::Folder;
use crate::report::text::counted;
use crate::system::System;
use crate::workspace::Workspace;
use crate::workspace::config::Ai;

/// How long results must stay as they are before a model is asked by itself: while tests run they change.
const SETTLED: Duration = Duration::from_millis(1500);
/// How often answers are shown while more come.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// The longest wait for the user's answer.
const ANSWER: Duration = Duration::from_mins(10);

/// The answers to the question whether something may be sent.
const ALLOW: &str = "Allow for this folder";
const SHOW: &str = "Show what would be sent";
const NOT_NOW: &str = "Not now";

/// Asks models.
pub struct Asker {
    engine: Handle,
    outbox: Arc<Outbox>,
    system: System,
    tools: Arc<dyn Tools>,
    /// The workspace is not trusted: nothing of it is sent.
    restricted: bool,
    consent: Consent,
    /// What was allowed or refused in this session.
    said: Mutex<HashMap<(PathBuf, String, String), bool>>,
    /// One round at a time in each folder.
    turns: DashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>,
    /// Rounds that began by themselves.
    own: Mutex<HashMap<PathBuf, CancellationToken>>,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// Causes that were asked about.
    pub asked: usize,
    /// Causes whose diagnosis is the model's now.
    pub answered: usize,
    /// Causes for which no answer came.
    pub failed: usize,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

impl Asker {
    /// An asker that asks by itself, where that is allowed, whenever there are new results.
    pub fn start(
        engine: Handle,
        outbox: Arc<Outbox>,
        system: System,
        tools: Arc<dyn Tools>,
        restricted: bool,
    ) -> Arc<Self> {
        let consent = Consent::new(&system);
        let asker = Arc::new(Self {
            engine,
            outbox,
            system,
            tools,
            restricted,
            consent,
            said: Mutex::default(),
            turns: DashMap::new(),
            own: Mutex::default(),
        });
        let (news, inbox) = mpsc::unbounded_channel();
        asker.outbox.tell_of_analyses(news);
        tokio::spawn(Arc::clone(&asker).follow(inbox));
        asker
    }

    async fn follow(self: Arc<Self>, mut inbox: mpsc::UnboundedReceiver<PathBuf>) {
        while let Some(root) = inbox.recv().await {
            // What was asked about may have changed: answers that still hold are found in the cache.
            let cancel = CancellationToken::new();
            if let Some(old) = lock(&self.own).insert(root.clone(), cancel.clone()) {
                old.cancel();
            }
            let asker = Arc::clone(&self);
            tokio::spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(SETTLED) => {}
                    () = cancel.cancelled() => return,
                }
                let is_wanted = asker.engine.folder(&root).is_some_and(|s| s.config.ai == Ai::Auto);
                if is_wanted && let Err(reason) = asker.ask(&root, &[], false, &cancel, None).await {
                    EngineSide(Arc::clone(&asker.outbox))
                        .say(Level::Log, format!("no model is asked: {reason}"));
                }
            });
        }
    }

    /// Asks about the causes with these fingerprints, or about all that have no answer. An error says why not.
    pub async fn ask(
        self: &Arc<Self>,
        root: &Path,
        fingerprints: &[String],
        by_user: bool,
        cancel: &CancellationToken,
        token: Option<ProgressToken>,
    ) -> Result<Asked, String> {
        if self.restricted {
            return Err("the workspace is in Restricted Mode: nothing of it is sent to a model".to_owned());
        }
        let turn = Arc::clone(&self.turns.entry(root.to_path_buf()).or_default());
        let _turn = turn.lock().await;
        let snapshot = self.engine.folder(root).ok_or("the folder is no longer open")?;
        if snapshot.config.ai == Ai::Off {
            return Err("asking models is switched off in the settings (`failscope.ai`)".to_owned());
        }
        let clusters = wanted(&snapshot, fingerprints);
        if clusters.is_empty() {
            return match fingerprints {
                [] => Ok(Asked::default()),
                _ => Err("this cause is no longer among the results".to_owned()),
            };
        }
        let choice = self.choice(&snapshot).await?;
        self.may_send(&snapshot, &choice, &clusters, by_user).await?;
        if cancel.is_cancelled() {
            return Ok(Asked { cancelled: true, ..Asked::default() });
        }
        // The round is a task of its own: it is seen to its end even if nobody waits for it any more.
        let asker = Arc::clone(self);
        let (cancel, fresh) = (cancel.clone(), !fingerprints.is_empty());
        tokio::spawn(async move { asker.round(&snapshot, choice, clusters, fresh, cancel, token).await })
            .await
            .map_err(|_| "asking broke; this is a fault of Failscope".to_owned())
    }

    async fn choice(&self, snapshot: &Arc<Snapshot>) -> Result<Choice, String> {
        let (tools, config, system) =
            (Arc::clone(&self.tools), Arc::clone(&snapshot.config), self.system.clone());
        tokio::task::spawn_blocking(move || tools.choose(&config, &system))
            .await
            .map_err(|_| "the choice of a model broke".to_owned())?
            .map_err(|none| none.reason)
    }

    async fn round(
        &self,
        snapshot: &Arc<Snapshot>,
        choice: Choice,
        clusters: Vec<Cluster>,
        fresh: bool,
        cancel: CancellationToken,
        token: Option<ProgressToken>,
    ) -> Asked {
        let (root, serial) = (snapshot.root.clone(), snapshot.results.serial);
        let total = clusters.len();
        choice.provider.settle(&cancel).await;
        let title = format!(
            "Asking {} ({}) about {}",
            choice.provider.name(),
            choice.provider.model(),
            counted(total, "cause", "causes")
        );
        let title = snapshot.results.analysis.redactor.text(&title);
        let shown = self.outbox.progress(token, title.as_str(), Some(&cancel));
        let agents = agents(snapshot, &choice);
        let budget = Budget::new(snapshot.config.ai_budget, &self.system);
        let round = Round::new(Arc::new(agents), budget, cancel.clone(), fresh);
        let mut asked = Asked { asked: total, ..Asked::default() };
        let mut waiting: Vec<Heard> = Vec::new();
        let (mut done, mut last) = (0, None::<Instant>);
        let send = |heard: Vec<Heard>, done| {
            self.engine.send(Event::Heard { root: root.clone(), serial, heard, done });
        };
        let take = |heard: Heard| {
            match heard.told {
                Told::Answered { kept: false, .. } => asked.answered += 1,
                Told::Answered { kept: true, .. } => {}
                Told::Failed(_) => asked.failed += 1,
            }
            done += 1;
            if let Some(shown) = &shown {
                let percentage = u32::try_from(done * 100 / total.max(1)).ok();
                shown.update(format!("{done} of {total}"), percentage);
            }
            waiting.push(heard);
            if last.is_none_or(|last| last.elapsed() > SHOW_EVERY) {
                last = Some(Instant::now());
                send(std::mem::take(&mut waiting), None);
            }
        };
        let spent = round.ask(clusters, take, &self.system).await;
        asked.cancelled = cancel.is_cancelled();
        send(waiting, Some((spent, asked.cancelled, choice)));
        self.engine.settled().await;
        asked
    }

    /// Whether the evidence may go where it would go; asks the user the first time. An error says why not.
    async fn may_send(
        &self,
        snapshot: &Arc<Snapshot>,
        choice: &Choice,
        clusters: &[Cluster],
        by_user: bool,
    ) -> Result<(), String> {
        if choice.provider.is_local() {
            return Ok(());
        }
        let (provider, model) = (choice.provider.name(), choice.provider.model());
        let wanted = Allowed {
            folder: snapshot.root.clone(),
            provider: provider.to_owned(),
            address: choice.address.clone(),
        };
        let key = (wanted.folder.clone(), wanted.provider.clone(), wanted.address.clone());
        let said = lock(&self.said).get(&key).copied();
        let before = {
            let (consent, wanted) = (self.consent.clone(), wanted.clone());
            tokio::task::spawn_blocking(move || consent.allows(&wanted)).await.unwrap_or_default()
        };
        if before || said == Some(true) {
            return Ok(());
        }
        if said == Some(false) && !by_user {
            return Err("you have not allowed it".to_owned());
        }
        let message = format!(
            "Failscope would send redacted evidence of failing tests (source lines, values, output) of {} to {provider} \
             ({model}) at {}. Is that allowed?",
            snapshot.root.file_name().map_or_else(|| "this folder".into(), |name| name.to_string_lossy()),
            choice.address,
        );
        let action = |title: &str| MessageActionItem { title: title.to_owned(), properties: HashMap::new() };
        let params = ShowMessageRequestParams {
            typ: MessageType::INFO,
            message: snapshot.results.analysis.redactor.text(&message).to_string(),
            actions: Some([ALLOW, SHOW, NOT_NOW].map(action).into()),
        };
        let answer = self.outbox.ask_within::<ShowMessageRequest>(params, ANSWER).await.flatten();
        match answer.as_ref().map(|answer| answer.title.as_str()) {
            Some(ALLOW) => {
                lock(&self.said).insert(key, true);
                let consent = self.consent.clone();
                let kept = tokio::task::spawn_blocking(move || consent.allow(wanted)).await;
                if !matches!(kept, Ok(Ok(()))) {
                    let text = "that a model may be asked is remembered for this session only".to_owned();
                    EngineSide(Arc::clone(&self.outbox)).say(Level::Log, text);
                }
                Ok(())
            }
            Some(SHOW) => {
                if let Some(first) = clusters.first() {
                    self.show(snapshot, first).await?;
                }
                Err("nothing was sent; ask again to allow it".to_owned())
            }
            _ => {
                lock(&self.said).insert(key, false);
                Err("you have not allowed it".to_owned())
            }
        }
    }

    /// Opens what would be sent about the cause, as a file; gives the file and the text.
    pub async fn show_prompt(
        &self,
        snapshot: &Arc<Snapshot>,
        fingerprint: &str,
    ) -> Result<(tower_lsp::lsp_types::Url, Redacted), String> {
        let cluster = snapshot.cluster(fingerprint).map(|(_, cluster)| cluster.clone());
        self.show(snapshot, &cluster.ok_or("this cause is no longer among the results")?).await
    }

    async fn show(
        &self,
        snapshot: &Arc<Snapshot>,
        cluster: &Cluster,
    ) -> Result<(tower_lsp::lsp_types::Url, Redacted), String> {
        let (tools, system) = (Arc::clone(&self.tools), self.system.clone());
        let (snapshot, cluster) = (Arc::clone(snapshot), cluster.clone());
        let made = tokio::task::spawn_blocking(move || {
            let config = &snapshot.config;
            let standing = Standing::new(config, false, || tools.choose(config, &system));
            let workspace = workspace(&snapshot);
            let redactor = &snapshot.results.analysis.redactor;
            let text = model::prompt(&cluster, &standing, &workspace, redactor, &snapshot.root, config);
            let folder =
                Folder::open(&snapshot.root.join(&config.output)).map_err(|error| error.to_string())?;
            let path =
                folder.replace("prompt.txt", text.as_str().as_bytes()).map_err(|error| error.to_string())?;
            Ok::<_, String>((path, text))
        });
        let (path, text) = made.await.map_err(|_| "making the prompt broke".to_owned())??;
        let uri = convert::uri(&path).ok_or("the prompt's file has no URI")?;
        if self.outbox.capabilities().show_document {
            let outbox = Arc::clone(&self.outbox);
            let params = ShowDocumentParams {
                uri: uri.clone(),
                external: None,
                take_focus: Some(true),
                selection: None,
            };
            tokio::spawn(async move { outbox.ask::<ShowDocument>(params).await });
        }
        Ok((uri, text))
    }
}

/// The causes with these fingerprints, or all without an answer.
fn wanted(snapshot: &Snapshot, fingerprints: &[String]) -> Vec<Cluster> {
    let analysis = &snapshot.results.analysis;
    let named: HashSet<&str> = fingerprints.iter().map(String::as_str).collect();
    let clusters = analysis.clusters.iter().filter(|cluster| match fingerprints {
        [] => !model::is_answered(analysis, cluster),
        _ => named.contains(cluster.fingerprint.0.as_str()),
    });
    clusters.cloned().collect()
}

fn agents(snapshot: &Arc<Snapshot>, choice: &Choice) -> Agents {
    let redactor = &snapshot.results.analysis.redactor;
    model::agents(choice, workspace(snapshot), redactor, &snapshot.root, &snapshot.config)
}

/// The workspace as it was when the tests ran, as far as that is known: what has been typed since does not count.
fn workspace(snapshot: &Snapshot) -> Arc<Workspace> {
    let mut bases: Vec<_> = snapshot.results.bases.iter().collect();
    bases.sort_by_key(|(key, _)| *key);
    let texts: HashMap<RelPath, Arc<str>> =
        bases.into_iter().map(|((_, path), source)| (path.clone(), Arc::clone(source.text()))).collect();
    Arc::new(Workspace::new(&snapshot.root, Arc::clone(&snapshot.config)).with_overlay(texts))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
