//! The engine's jobs: analyses, and the reports that are written of them.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Engine;
use super::folder::{Reply, Task};
use crate::diagnose::agents::{Heard, Spent};
use crate::diagnose::providers::Choice;
use crate::engine::findings::Prepared;
use crate::engine::job::{Job, Memory, Outcome, Results};
use crate::engine::{Event, Level, News, Summary, Traced};
use crate::fix::all;
use crate::front::model;
use crate::history::summary::Graded;
use crate::model::{Cluster, Fix, Verification, VerificationState};
use crate::workspace::SourceFile;

impl Engine {
    pub(super) fn ask(&mut self, root: &Path) {
        if let Some(folder) = self.folders.get_mut(root) {
            folder.look = true;
            folder.queue.ask(None);
        }
        self.start_job(root);
    }

    pub(super) fn start_job(&mut self, root: &Path) {
        let Some(folder) = self.folders.get_mut(root) else { return };
        let Some(cancel) = folder.queue.start() else { return };
        let mut memory = folder.memory.take().unwrap_or_default();
        if std::mem::take(&mut folder.forget) {
            memory.forget_files();
        }
        if std::mem::take(&mut folder.again_anew) {
            memory.forget_results();
        }
        let changed = std::mem::take(&mut folder.changed);
        let job = Job {
            root: root.to_path_buf(),
            only: (!std::mem::take(&mut folder.look)).then_some(changed),
            settings: folder.settings.clone(),
            memory,
            graded: folder.graded.clone(),
            maps: Arc::clone(&folder.maps),
            cancel,
            tools: Arc::clone(&self.setup.tools),
            system: self.setup.system.clone(),
        };
        self.front.busy(root, true);
        let engine = self.handle.clone();
        let root = root.to_path_buf();
        tokio::spawn(async move {
            let outcome = tokio::task::spawn_blocking(move || Box::new(job.run())).await;
            if let Err(error) = &outcome {
                tracing::error!("the analysis of {} broke: {error}", root.display());
            }
            engine.send(Event::Analysed { root, outcome: outcome.ok() });
        });
    }

    pub(super) fn analysed(&mut self, root: &Path, outcome: Option<Box<Outcome>>) {
        self.front.busy(root, false);
        let Some(folder) = self.folders.get_mut(root) else { return };
        let replies = folder.queue.done();
        let mut cancelled = false;
        let mut report = false;
        let mut news = false;
        let mut elsewhere = None;
        if let Some(outcome) = outcome {
            cancelled = outcome.cancelled;
            folder.look |= cancelled;
            let live = outcome.memory.is_live();
            folder.memory = Some(outcome.memory);
            for problem in outcome.config_problems.iter().filter(|p| p.line.is_none()) {
                if folder.said.insert(problem.message.clone()) {
                    self.front.say(Level::Warning, problem.message.clone());
                }
            }
            folder.dirty |= folder.config != outcome.config
                || folder.problems != outcome.config_problems
                || folder.pyproject != outcome.pyproject;
            if folder.candidate.is_none() || folder.config != outcome.config {
                folder.candidate = Some(self.setup.tools.candidates(root, &outcome.config));
                folder.touched = true;
                elsewhere = Some(self.setup.tools.elsewhere(root, &outcome.config));
            }
            folder.config = outcome.config;
            folder.problems = outcome.config_problems;
            folder.pyproject = outcome.pyproject;
            if let Some(state) = outcome.state {
                folder.has_state(root, state, outcome.cleared);
            }
            if outcome.changed {
                folder.unreported = !outcome.results.analysis.run.sources.is_empty();
                news = true;
                folder.unrecorded.extend(outcome.read);
                folder.results = with_trials(outcome.results, &folder.results);
                folder.disk.clone_from(&folder.results.disk);
                folder.maps.keep(&folder.results.bases);
                (folder.dirty, folder.prepared) = (true, outcome.prepared);
                // Nobody may be listening.
                let _ = self.handle.news.send(News { root: root.to_path_buf(), of_model: false });
            }
            // Of a run that is going reports are written when it is over or somebody asks: they take as long as all
            // the rest.
            if !live || !replies.is_empty() {
                report = std::mem::take(&mut folder.unreported);
            }
            if let Some(wait) = outcome.again {
                let engine = self.handle.clone();
                let root = root.to_path_buf();
                folder.again = Some(Task(tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    engine.send(Event::Again { root });
                })));
            }
        } else {
            folder.memory = Some(Memory::default());
            folder.look = true;
            let message = format!(
                "analysing the test results in {} broke; this is a fault of Failscope",
                root.display()
            );
            self.front.say(Level::Warning, message);
        }
        if let Some(elsewhere) = elsewhere {
            self.watch_elsewhere(root, elsewhere);
        }
        let Some(folder) = self.folders.get_mut(root) else { return };
        let summary = Summary {
            root: root.to_path_buf(),
            failures: folder.results.analysis.total_failures(),
            causes: folder.results.analysis.clusters.len(),
            cancelled,
        };
        // The answer comes when all is done that can be seen: shown, and the reports written.
        let replies = replies.into_iter().map(|reply| (reply, summary.clone()));
        if report {
            folder.reports.ask(None);
        }
        if folder.reports.is_idle() {
            let replies: Vec<_> = replies.collect();
            self.show();
            answer(replies);
        } else {
            replies.for_each(|reply| folder.reports.ask(Some(reply)));
            self.show();
            self.start_report(root);
        }
        self.start_job(root);
        if news {
            self.front.analysed(root);
        }
    }

    /// Takes over what a model has said, if the analysis is still the one that it was asked about. Else the answers
    /// are in the cache, and the next analysis finds those that still hold.
    pub(super) fn heard(
        &mut self,
        root: &Path,
        serial: u64,
        heard: Vec<Heard>,
        done: Option<(Spent, bool, Choice)>,
    ) {
        let Some(folder) = self.folders.get_mut(root) else { return };
        if folder.results.serial != serial {
            if done.is_some() {
                folder.again_anew = true;
                self.ask(root);
            }
            return;
        }
        let mut results = Results::clone(&folder.results);
        for Heard { cluster, told } in heard {
            let place = results.by_fingerprint.get(&cluster.fingerprint.0).copied();
            if let Some(slot) = place.and_then(|at| results.analysis.clusters.get_mut(at)) {
                results.analysis.model.told.insert(cluster.fingerprint.clone(), told);
                let before = std::mem::replace(slot, cluster);
                all::keep_trials(slot, &before);
            }
        }
        let is_done = done.is_some();
        if let Some((spent, cancelled, choice)) = done {
            model::conclude(&mut results.analysis, spent, cancelled, &choice, &folder.config);
        }
        folder.results = Arc::new(results);
        folder.dirty = true;
        if is_done {
            folder.reports.ask(None);
            self.show();
            self.start_report(root);
            // Nobody may be listening.
            let _ = self.handle.news.send(News { root: root.to_path_buf(), of_model: true });
        }
    }

    /// Notes what came of trying a fix. If there are other results by now, it was a trial of something else.
    pub(super) fn verified(
        &mut self,
        root: &Path,
        fingerprint: &str,
        title: &str,
        verification: Verification,
    ) {
        let Some(folder) = self.folders.get_mut(root) else { return };
        let Some(&index) = folder.results.by_fingerprint.get(fingerprint) else { return };
        let mut results = Results::clone(&folder.results);
        let Some(cluster) = results.analysis.clusters.get_mut(index) else { return };
        let Some(fix) = cluster.fixes.iter_mut().find(|fix| fix.title.as_str() == title) else { return };
        fix.verification = verification;
        let known = cluster.clone();
        all::keep_trials(cluster, &known);
        folder.results = Arc::new(results);
        folder.dirty = true;
        folder.reports.ask(None);
        self.start_report(root);
    }

    /// Puts what tracing has found in the place of the suspects known before.
    pub(super) fn traced(&mut self, root: &Path, found: Vec<Traced>, sources: &[Arc<SourceFile>]) {
        let Some(folder) = self.folders.get_mut(root) else { return };
        let mut results = Results::clone(&folder.results);
        let mut any = false;
        for traced in found {
            let Some(&index) = results.by_fingerprint.get(&traced.fingerprint) else { continue };
            let stamps = results.stamps.get(index).cloned().unwrap_or_default();
            let Some(cluster) = results.analysis.clusters.get_mut(index) else { continue };
            for source in sources {
                for stamp in &stamps {
                    let key = (*stamp, source.path().clone());
                    results.bases.entry(key).or_insert_with(|| Arc::clone(source));
                }
            }
            cluster.culprits = traced.culprits;
            cluster.also = traced.also;
            cluster.parts = traced.parts;
            cluster.diagnosis.notes = traced.notes;
            take_fixes(cluster, traced.fixes);
            any = true;
        }
        if !any {
            return;
        }
        for source in sources {
            let path = source.path().clone();
            results.disk.entry(path.clone()).or_insert_with(|| Some(Arc::clone(source)));
            folder.disk.entry(path).or_insert_with(|| Some(Arc::clone(source)));
        }
        folder.results = Arc::new(results);
        folder.dirty = true;
        folder.reports.ask(None);
        self.start_report(root);
    }

    fn start_report(&mut self, root: &Path) {
        let Some(folder) = self.folders.get_mut(root) else { return };
        if folder.reports.start().is_none() {
            return;
        }
        let (results, config) = (Arc::clone(&folder.results), Arc::clone(&folder.config));
        let (tools, system) = (Arc::clone(&self.setup.tools), self.setup.system.clone());
        let (engine, root) = (self.handle.clone(), root.to_path_buf());
        let files = std::mem::take(&mut folder.unrecorded);
        let (maps, snapshot) = (Arc::clone(&folder.maps), self.handle.folder(&root));
        let (done, written) = oneshot::channel();
        let place = root.clone();
        folder.background.run(move || {
            let mut analysis = results.analysis.clone();
            let (graded, mut complaints) = tools.history(&place, &config, &files, &mut analysis, &system);
            complaints.extend(tools.write_reports(&place, &config, &analysis, &system));
            drop(analysis);
            let graded = graded.map(Arc::new);
            let prepared = snapshot.filter(|_| graded.is_some()).map(|snapshot| {
                let texts = snapshot.texts.clone();
                Box::new(Prepared::new(results, texts, graded.clone(), config, &maps))
            });
            // Nobody listens any more at the end.
            let _ = done.send((graded, complaints, prepared));
        });
        tokio::spawn(async move {
            let written = written.await;
            let (graded, complaints, prepared) =
                written.unwrap_or_else(|_| (None, vec!["writing the reports broke".to_owned()], None));
            engine.send(Event::Reported { root, complaints, graded, prepared });
        });
    }

    pub(super) fn reported(
        &mut self,
        root: &Path,
        complaints: Vec<String>,
        graded: Option<Arc<Graded>>,
        prepared: Option<Box<Prepared>>,
    ) {
        let Some(folder) = self.folders.get_mut(root) else { return };
        for complaint in complaints {
            // What is wrong with a database stays wrong run after run.
            if folder.said.insert(complaint.clone()) {
                self.front.say(Level::Warning, complaint);
            }
        }
        if graded.is_some() {
            (folder.graded, folder.prepared) = (graded, prepared);
            (folder.dirty, folder.regraded) = (true, true);
            // What is shown is whole before it is said that all is done.
            self.show();
        }
        let Some(folder) = self.folders.get_mut(root) else { return };
        answer(folder.reports.done());
        self.start_report(root);
    }
}

/// Adds fixes that were found to those known by now, in the place of those with the same title.
fn take_fixes(cluster: &mut Cluster, fixes: Vec<Fix>) {
    if fixes.is_empty() {
        return;
    }
    cluster.fixes.retain(|known| fixes.iter().all(|fix| fix.title != known.title));
    cluster.fixes.extend(fixes);
    all::prefer(cluster);
}

fn answer(replies: Vec<(Reply, Summary)>) {
    for (reply, summary) in replies {
        // Whoever asked may have been cancelled.
        let _ = reply.send(summary);
    }
}

/// `results`, with what came of trying fixes while `old` were shown, if both are of the same run: it is then analysed
/// anew because a model has been heard or a setting has changed.
fn with_trials(results: Arc<Results>, old: &Results) -> Arc<Results> {
    let tried = |fix: &Fix| fix.verification.state != VerificationState::NotRun;
    let is_worth_it = results.analysis.run.sources == old.analysis.run.sources
        && old.analysis.clusters.iter().any(|cluster| cluster.fixes.iter().any(tried));
    if !is_worth_it {
        return results;
    }
    let mut results = Arc::unwrap_or_clone(results);
    for cluster in &mut results.analysis.clusters {
        let before = old.by_fingerprint.get(&cluster.fingerprint.0);
        if let Some(before) = before.and_then(|at| old.analysis.clusters.get(*at)) {
            all::keep_trials(cluster, before);
        }
    }
    Arc::new(results)
}
