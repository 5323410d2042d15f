//! Finding culprits: `failscope.findCulprit`, and in the background where the settings say so.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::ProgressToken;

use super::commands::failed;
use super::{background, run};
use crate::engine::{Event, Front as _, Handle, Level, Snapshot, Traced};
use crate::front::trace::{self, Found, Project, Recording, Wish};
use crate::lsp::backend::Session;
use crate::lsp::outbox::{EngineSide, Outbox};
use crate::model::Fingerprint;
use crate::pytest::runner::{Canceller, RunError, Runner};
use crate::system::System;
use crate::workspace::config::Trace;
use crate::workspace::{SourceFile, Workspace};

/// Seconds for the tests that the failing ones are compared with.
const SECONDS: f64 = 10.0;

/// Traces failing tests, one folder at a time.
pub struct Tracers {
    engine: Handle,
    outbox: Arc<Outbox>,
    system: System,
    turn: tokio::sync::Mutex<()>,
}

/// `failscope.findCulprit`.
pub async fn find_culprit(
    session: &Session,
    snapshot: &Arc<Snapshot>,
    fingerprint: Option<String>,
    token: Option<ProgressToken>,
) -> Result<Json> {
    if snapshot.config.trace == Trace::Off {
        return Err(failed("tracing is switched off by the setting `trace`".to_owned()));
    }
    if let Some(fingerprint) = &fingerprint
        && snapshot.cluster(fingerprint).is_none()
    {
        return Err(failed("this cause is no longer among the results".to_owned()));
    }
    if snapshot.results.analysis.clusters.is_empty() {
        return Err(failed("no test has failed".to_owned()));
    }
    let cancel = CancellationToken::new();
    // When the request is cancelled its future is dropped.
    let _stop = cancel.clone().drop_guard();
    let shown = session.outbox.progress(token, "Finding the culprit", Some(&cancel));
    let runner = session.runners.entry(snapshot.root.clone()).or_default().clone();
    let wanted = fingerprint.into_iter().map(Fingerprint).collect();
    let found = session.tracers.trace(snapshot, wanted, runner, &cancel).await;
    let found = found?.map_err(|error| failed(error.to_string()))?;
    // The answer comes when it is shown and the reports say so as well.
    run::looked(session, &snapshot.root).await;
    drop(shown);
    if !found.cancelled && !found.notes.is_empty() {
        EngineSide(Arc::clone(&session.outbox)).say(Level::Answer, found.notes.join("\n"));
    }
    let (failing, passing) = found.traced;
    Ok(json!({
        "cancelled": found.cancelled,
        "causes": found.rankings.iter().filter(|(_, ranking)| !ranking.places.is_empty()).count(),
        "failing": failing,
        "passing": passing,
        "notes": found.notes,
    }))
}

impl Tracers {
    /// The way to trace tests of an engine's folders.
    pub fn new(engine: &Handle, outbox: &Arc<Outbox>, system: &System) -> Arc<Self> {
        Arc::new(Self {
            engine: engine.clone(),
            outbox: Arc::clone(outbox),
            system: system.clone(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// Traces the tests of the clusters (of all if none is named) and tells the engine.
    async fn trace(
        &self,
        snapshot: &Arc<Snapshot>,
        clusters: Vec<Fingerprint>,
        runner: Runner,
        cancel: &CancellationToken,
    ) -> Result<std::result::Result<Found, RunError>> {
        let _turn = tokio::select! {
            turn = self.turn.lock() => turn,
            () = cancel.cancelled() => return Ok(Ok(Found { cancelled: true, ..Found::default() })),
        };
        let (snapshot, system, cancel) = (Arc::clone(snapshot), self.system.clone(), cancel.clone());
        let engine = self.engine.clone();
        let here = tokio::runtime::Handle::current();
        // Reading what was recorded and ranking take processor time: they must not hold up the server.
        let traced = tokio::task::spawn_blocking(move || {
            here.block_on(traced(&snapshot, clusters, &runner, &system, &cancel, &engine))
        });
        traced.await.map_err(|_| Error::internal_error())
    }

    /// Traces what fails in new results, in folders whose setting says so. Newer results of a folder end what is
    /// being traced of the ones before.
    pub fn follow(self: &Arc<Self>) {
        let tracers = Arc::clone(self);
        background::on_new_results(&self.engine, move |root, cancel| {
            let tracers = Arc::clone(&tracers);
            async move {
                tracers.engine.settled().await;
                let snapshot = tracers.engine.folder(&root);
                let Some(snapshot) = snapshot
                    .filter(|s| s.config.trace == Trace::Auto && !s.results.analysis.clusters.is_empty())
                else {
                    return;
                };
                let _shown = tracers.outbox.progress(None, "Finding the culprit", Some(&cancel));
                let found = tracers.trace(&snapshot, Vec::new(), Runner::default(), &cancel).await;
                if let Ok(Err(error)) = found {
                    EngineSide(Arc::clone(&tracers.outbox)).say(Level::Log, error.to_string());
                }
            }
        });
    }
}

async fn traced(
    snapshot: &Snapshot,
    clusters: Vec<Fingerprint>,
    runner: &Runner,
    system: &System,
    cancel: &CancellationToken,
    engine: &Handle,
) -> std::result::Result<Found, RunError> {
    let mut analysis = snapshot.results.analysis.clone();
    // The tests run the files, not what is being typed.
    let workspace = Workspace::new(snapshot.root.clone(), Arc::clone(&snapshot.config));
    let wish =
        Wish { clusters, seconds: SECONDS, all_tests: false, pooled: false, recording: Recording::Dropped };
    let project = Project { root: &snapshot.root, config: &snapshot.config, workspace: &workspace };
    let stop = cancel.clone();
    let ending = |canceller: Canceller| {
        tokio::spawn(async move {
            stop.cancelled().await;
            canceller.cancel();
        });
    };
    let found = trace::find(&mut analysis, project, &wish, runner, system, ending).await?;
    if found.cancelled || cancel.is_cancelled() {
        return Ok(Found { cancelled: true, ..found });
    }
    let news: Vec<Traced> = analysis
        .clusters
        .iter()
        .filter(|c| found.rankings.iter().any(|(of, _)| *of == c.fingerprint))
        .map(|c| Traced {
            fingerprint: c.fingerprint.0.clone(),
            culprits: c.culprits.clone(),
            also: c.also.clone(),
            parts: c.parts.clone(),
            notes: c.diagnosis.notes.clone(),
        })
        .collect();
    let mut sources: Vec<Arc<SourceFile>> = Vec::new();
    for culprit in news.iter().flat_map(|traced| &traced.culprits) {
        if !sources.iter().any(|known| *known.path() == culprit.site.place.path) {
            sources.extend(workspace.source(&culprit.site.place.path));
        }
    }
    engine.send(Event::Traced { root: snapshot.root.clone(), found: news, sources });
    engine.settled().await;
    Ok(found)
}
