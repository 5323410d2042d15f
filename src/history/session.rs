//! What all fronts do with the history: record what was read, and put what is known into the analysis.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::context::Context;
use super::recording::{self, Recording};
use super::store::{HistoryError, NewRun, Store};
use super::summary::Graded;
use super::target::Target;
use super::why;
use crate::evidence::redact::Redactor;
use crate::model::Analysis;
use crate::system::System;
use crate::workspace::Config;

/// The project's name in a database of its own.
const ALONE: &str = "";

/// The history of the workspace at one place.
#[derive(Debug)]
pub struct History {
    store: Store,
    project: String,
    context: Option<Context>,
}

impl History {
    /// Opens the history of the workspace at `root`; `None` if it is off, or there is none yet and `create` is false.
    pub fn open(
        root: &Path,
        config: &Config,
        system: &System,
        create: bool,
    ) -> Result<Option<Self>, HistoryError> {
        let target = Target::of(root, config, system);
        let Some(store) = Store::open(&target, create)? else { return Ok(None) };
        let (project, context) = match target {
            Target::Postgres(_) => {
                let context = Context::of(root, system);
                (context.project.clone(), Some(context))
            }
            Target::Off | Target::File(_) => (ALONE.to_owned(), None),
        };
        Ok(Some(Self { store, project, context }))
    }

    /// Records runs of this machine or job that are not recorded yet; gives how many that was. `analysis` says what
    /// their failures mean.
    pub fn record(
        &mut self,
        root: &Path,
        system: &System,
        redactor: &Redactor,
        mut recordings: Vec<Recording>,
        analysis: &Analysis,
    ) -> Result<usize, HistoryError> {
        for recording in &mut recordings {
            recording.explain(analysis);
        }
        self.take_in(root, system, redactor, recordings, analysis, true)
    }

    /// Records old runs of anywhere, whose failures are explained already; `analysis` holds the causes.
    pub fn import(
        &mut self,
        root: &Path,
        system: &System,
        redactor: &Redactor,
        recordings: Vec<Recording>,
        analysis: &Analysis,
    ) -> Result<usize, HistoryError> {
        self.take_in(root, system, redactor, recordings, analysis, false)
    }

    fn take_in(
        &mut self,
        root: &Path,
        system: &System,
        redactor: &Redactor,
        mut recordings: Vec<Recording>,
        analysis: &Analysis,
        from_this_job: bool,
    ) -> Result<usize, HistoryError> {
        let digests: Vec<String> = recordings.iter().map(Recording::digest).collect();
        let known = self.store.known(&self.project, &digests)?;
        let mut is_known = known.iter();
        recordings.retain(|_| !is_known.next().copied().unwrap_or(false));
        if recordings.is_empty() {
            return Ok(0);
        }
        recordings.sort_by(|a, b| a.ended.total_cmp(&b.ended));
        let context = self.context.get_or_insert_with(|| Context::of(root, system));
        let keys = keys(&recordings, context, from_this_job);
        let causes = recording::causes(analysis);
        let redactor = redactor.for_run();
        let shown = |text: Option<&str>| text.map(|text| redactor.text(text).to_string());
        let (shard, machine) = (shown(context.shard.as_deref()), shown(context.machine.as_deref()));
        let mut new = 0;
        for (recording, key) in recordings.iter().zip(&keys) {
            let packed = recording.packed(&redactor);
            let mut code = context.code_at(recording.started, recording.ended);
            code.branch = shown(code.branch.as_deref());
            let is_part = from_this_job && context.ci_run_at(recording.ended).is_some();
            new += usize::from(self.store.record(&NewRun {
                project: &self.project,
                key,
                shard: shard.as_deref().filter(|_| is_part),
                machine: machine.as_deref().filter(|_| from_this_job),
                code,
                recording,
                packed: &packed,
                causes: &causes,
            })?);
        }
        if new > 0 {
            self.store.clean(&self.project, system.unix_now())?;
        }
        Ok(new)
    }

    /// The grades of all tests.
    pub fn graded(&mut self, redactor: &Redactor) -> Result<Graded, HistoryError> {
        Graded::read(&mut self.store, &self.project, redactor)
    }

    /// Closes it.
    pub fn close(self) {
        self.store.close();
    }

    /// The store, and the project's name in it.
    pub fn store(&mut self) -> (&mut Store, &str) {
        (&mut self.store, &self.project)
    }
}

/// Records `recordings` and puts what the history says into `analysis`; gives the grades and what went wrong. A
/// history that cannot be used changes nothing else.
pub fn update(
    root: &Path,
    config: &Config,
    system: &System,
    redactor: &Redactor,
    recordings: Vec<Recording>,
    analysis: &mut Analysis,
) -> (Option<Graded>, Vec<String>) {
    let work = || -> Result<Option<Graded>, HistoryError> {
        let create = !recordings.is_empty();
        let Some(mut history) = History::open(root, config, system, create)? else { return Ok(None) };
        history.record(root, system, redactor, recordings, analysis)?;
        let graded = history.graded(redactor);
        history.close();
        graded.map(Some)
    };
    match work() {
        Ok(mut graded) => {
            if let Some(graded) = &mut graded {
                graded.attach(analysis);
                graded.since = why::attach(analysis, root, redactor);
            }
            (graded, Vec::new())
        }
        Err(error) => (None, vec![redactor.text(&error.to_string()).to_string()]),
    }
}

/// The run that each recording is, or is a part of: that of the CI; else what ran at the same time with other tests
/// is one run, as shards are.
fn keys(recordings: &[Recording], context: &Context, from_this_job: bool) -> Vec<String> {
    let mut keys: Vec<String> = Vec::with_capacity(recordings.len());
    // By key: the end of the last that began, and the tests so far.
    let mut groups: BTreeMap<String, (f64, HashSet<&str>)> = BTreeMap::new();
    for recording in recordings {
        if from_this_job && let Some(run) = context.ci_run_at(recording.ended) {
            keys.push(run.to_owned());
            continue;
        }
        let start = recording.started.unwrap_or(recording.ended);
        let names = || recording.tests.iter().map(|(test, _)| test.as_str());
        let found = groups
            .iter_mut()
            .find(|(_, (end, tests))| start < *end && !names().any(|name| tests.contains(name)));
        if let Some((key, (end, tests))) = found {
            *end = end.max(recording.ended);
            tests.extend(names());
            keys.push(key.clone());
        } else {
            let key = format!("local:{}", recording.digest());
            groups.insert(key.clone(), (recording.ended, names().collect()));
            keys.push(key);
        }
    }
    keys
}
