//! Finding culprits: `failscope.findCulprit`, and in the background where the settings say so.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::ProgressToken;

use super::commands::failed;
use super::{background, run};
use crate::engine::{Event, Front as _, Handle, Level, Snapshot, Traced};
use crate::fix::verify::Setting;
use crate::front::trace::{self, Found, Project, Recording, Wish};
use crate::front::{self, mend};
use crate::lsp::backend::Session;
use crate::lsp::outbox::{EngineSide, Outbox, Shown};
use crate::model::{Cluster, Fingerprint, Fix, VerificationState};
use crate::pytest::runner::{Canceller, RunError, Runner};
use crate::system::System;
use crate::workspace::config::{Search, Trace, Verify};
use crate::workspace::{SourceFile, Workspace};

/// Seconds for the tests that the failing ones are compared with.
const SECONDS: f64 = 10.0;

/// What is to be traced, and how.
struct Work {
    /// The clusters; none for all.
    clusters: Vec<Fingerprint>,
    runner: Runner,
    /// Whether fixes are searched as well.
    searches: bool,
}

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
    let work = Work { clusters: wanted, runner, searches: snapshot.config.search != Search::Off };
    let found = session.tracers.trace(snapshot, work, &cancel, shown.map(Arc::new).as_ref()).await;
    let found = found?.map_err(|error| failed(error.to_string()))?;
    // The answer comes when it is shown and the reports say so as well.
    run::looked(session, &snapshot.root).await;
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
        work: Work,
        cancel: &CancellationToken,
        shown: Option<&Arc<Shown>>,
    ) -> Result<std::result::Result<Found, RunError>> {
        let _turn = tokio::select! {
            turn = self.turn.lock() => turn,
            () = cancel.cancelled() => return Ok(Ok(Found { cancelled: true, ..Found::default() })),
        };
        let (snapshot, system, cancel) = (Arc::clone(snapshot), self.system.clone(), cancel.clone());
        let (engine, shown) = (self.engine.clone(), shown.cloned());
        let here = tokio::runtime::Handle::current();
        // Reading what was recorded and ranking take processor time: they must not hold up the server.
        let traced = tokio::task::spawn_blocking(move || {
            here.block_on(traced(&snapshot, work, &system, &cancel, &engine, shown.as_deref()))
        });
        traced.await.map_err(|_| Error::internal_error())
    }

    /// Traces what fails in new results, in folders whose setting says so. Newer results of a folder end what is
    /// being traced of the ones before.
    pub fn follow(self: &Arc<Self>) {
        let tracers = Arc::clone(self);
        background::on_news(&self.engine, move |news, cancel| {
            let tracers = Arc::clone(&tracers);
            async move {
                if news.of_model {
                    return;
                }
                tracers.engine.settled().await;
                let snapshot = tracers.engine.folder(&news.root);
                let Some(snapshot) = snapshot
                    .filter(|s| s.config.trace == Trace::Auto && !s.results.analysis.clusters.is_empty())
                else {
                    return;
                };
                let shown = tracers.outbox.progress(None, "Finding the culprit", Some(&cancel)).map(Arc::new);
                let searches = snapshot.config.search == Search::Auto;
                let work = Work { clusters: Vec::new(), runner: Runner::default(), searches };
                let found = tracers.trace(&snapshot, work, &cancel, shown.as_ref()).await;
                if let Ok(Err(error)) = found {
                    EngineSide(Arc::clone(&tracers.outbox)).say(Level::Log, error.to_string());
                }
            }
        });
    }
}

async fn traced(
    snapshot: &Snapshot,
    work: Work,
    system: &System,
    cancel: &CancellationToken,
    engine: &Handle,
    shown: Option<&Shown>,
) -> std::result::Result<Found, RunError> {
    let mut analysis = snapshot.results.analysis.clone();
    // The tests run the files, not what is being typed.
    let workspace = Workspace::new(snapshot.root.clone(), Arc::clone(&snapshot.config));
    let wish = Wish {
        clusters: work.clusters,
        seconds: SECONDS,
        all_tests: false,
        pooled: false,
        recording: Recording::Dropped,
        edits: (work.searches && may_search(snapshot)).then_some(trace::EDITS),
        cancel: cancel.clone(),
    };
    let project = Project { root: &snapshot.root, config: &snapshot.config, workspace: &workspace };
    let stop = cancel.clone();
    let ending = |canceller: Canceller| {
        tokio::spawn(async move {
            stop.cancelled().await;
            canceller.cancel();
        });
    };
    let mut found = trace::find(&mut analysis, project, &wish, &work.runner, system, ending).await?;
    if found.cancelled || cancel.is_cancelled() {
        return Ok(Found { cancelled: true, ..found });
    }
    let is_traced = |cluster: &Cluster| found.rankings.iter().any(|(of, _)| *of == cluster.fingerprint);
    let traced = analysis.clusters.iter().filter(|cluster| is_traced(cluster));
    tell(snapshot, &workspace, engine, traced.map(|cluster| news(cluster, Vec::new())).collect()).await;
    if !work.searches || !may_search(snapshot) {
        return Ok(found);
    }
    let setting = Setting::new(&snapshot.root, &snapshot.config, system);
    let options = front::analysis_options(&snapshot.root, &snapshot.config, system);
    let budget = Duration::from_secs(snapshot.config.search_budget.into());
    let wish = mend::Wish { setting: &setting, workspace: &workspace, options: &options, budget };
    let groups = mend::groups(&analysis.clusters, |cluster| {
        found.rankings.iter().any(|(of, _)| *of == cluster.fingerprint)
    });
    let mut outcomes = Vec::new();
    for members in groups {
        let progress = |tried: usize, total: usize| {
            if let Some(shown) = shown {
                shown.update(format!("trying edits: {tried} of {total}"), None);
            }
        };
        let work = mend::search(&mut analysis.clusters, &members, &found, &wish, cancel, &progress);
        let Some(outcome) = work.await else { continue };
        let helps = |fix: &&Fix| fix.verification.state == VerificationState::Verified;
        if outcome.fixes > 0 {
            let mended = members.iter().map(|&at| &analysis.clusters[at]);
            let mended = mended.map(|c| news(c, c.fixes.iter().filter(helps).cloned().collect()));
            tell(snapshot, &workspace, engine, mended.collect()).await;
        }
        outcomes.push(outcome);
        if cancel.is_cancelled() {
            return Ok(Found { cancelled: true, ..found });
        }
    }
    found.notes.extend(mend::said(&outcomes));
    Ok(found)
}

/// Whether fixes may be tried at all.
fn may_search(snapshot: &Snapshot) -> bool {
    snapshot.config.verify != Verify::Off
}

/// What is known of a cluster that was traced.
fn news(cluster: &Cluster, fixes: Vec<Fix>) -> Traced {
    Traced {
        fingerprint: cluster.fingerprint.0.clone(),
        culprits: cluster.culprits.clone(),
        also: cluster.also.clone(),
        parts: cluster.parts.clone(),
        notes: cluster.diagnosis.notes.clone(),
        fixes,
    }
}

/// Tells the engine, and waits until it has taken it in.
async fn tell(snapshot: &Snapshot, workspace: &Workspace, engine: &Handle, found: Vec<Traced>) {
    let mut sources: Vec<Arc<SourceFile>> = Vec::new();
    let culprits = found.iter().flat_map(|traced| &traced.culprits).map(|culprit| &culprit.site);
    let edits = found.iter().flat_map(|traced| &traced.fixes).flat_map(|fix| &fix.edits);
    for site in culprits.chain(edits.map(|edit| &edit.site)) {
        if !sources.iter().any(|known| *known.path() == site.place.path) {
            sources.extend(workspace.source(&site.place.path));
        }
    }
    engine.send(Event::Traced { root: snapshot.root.clone(), found, sources });
    engine.settled().await;
}
