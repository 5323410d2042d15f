//! The pipeline as the engine sees it: a small trait, so that the engine and the protocol are tested with a
//! pipeline of known results, and the pipeline without a protocol.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::analysis::{self, Options};
use crate::diagnose::providers::{self, Choice, NoProvider};
use crate::front;
use crate::front::model::{self, Standing};
use crate::history::recording::Recording;
use crate::history::session;
use crate::history::summary::Graded;
use crate::history::target::Target;
use crate::ingest::IngestError;
use crate::model::{Analysis, Problem, Run, TestOutcomes};
use crate::system::System;
use crate::workspace::{Config, Workspace, discovery};

/// Says whether a path would be taken for a result file. Touches no disk.
pub type Candidate = Box<dyn Fn(&Path) -> bool + Send>;

/// What the engine needs done. Everything here blocks.
pub trait Tools: Send + Sync + 'static {
    /// The result files under `root`, newest first.
    fn find(&self, root: &Path, config: &Config) -> Vec<PathBuf>;

    /// Which paths would be taken for result files.
    fn candidates(&self, root: &Path, config: &Config) -> Candidate;

    /// Folders outside of `root` in which results may appear.
    fn elsewhere(&self, root: &Path, config: &Config) -> Vec<PathBuf>;

    /// Reads one result file of the folder `root`.
    fn read(&self, root: &Path, path: &Path) -> Result<Run, IngestError>;

    /// Merges and analyses; `problems` are what could not be read at all. `live` says that a run is still going:
    /// then what takes long is left for its end.
    fn analyze(
        &self,
        runs: Vec<Run>,
        problems: Vec<Problem>,
        workspace: &Arc<Workspace>,
        config: &Config,
        live: bool,
        system: &System,
    ) -> (Analysis, TestOutcomes);

    /// Takes the result files `files` into the history of runs and puts what that says into `analysis`; gives the
    /// grades and what went wrong.
    fn history(
        &self,
        _root: &Path,
        _config: &Config,
        _files: &[PathBuf],
        _analysis: &mut Analysis,
        _system: &System,
    ) -> (Option<Graded>, Vec<String>) {
        (None, Vec::new())
    }

    /// The model that may be asked. Sends nothing.
    fn choose(&self, config: &Config, system: &System) -> Result<Choice, NoProvider>;

    /// Writes the reports; gives what went wrong.
    fn write_reports(
        &self,
        root: &Path,
        config: &Config,
        analysis: &Analysis,
        system: &System,
    ) -> Vec<String>;
}

/// The real pipeline.
#[derive(Debug, Default)]
pub struct Pipeline {
    /// The last choice of a model: a key ring may take its time, and no analysis shall wait for it twice.
    chosen: Mutex<Option<(providers::Settings, Result<Choice, NoProvider>)>>,
}

impl Pipeline {
    fn chosen(&self, config: &Config, system: &System) -> Result<Choice, NoProvider> {
        let settings = providers::Settings::of(config);
        let known = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((of, choice)) if *of == settings => choice.clone(),
            _ => {
                drop(known);
                self.choose(config, system)
            }
        }
    }
}

impl Tools for Pipeline {
    fn find(&self, root: &Path, config: &Config) -> Vec<PathBuf> {
        discovery::find(root, config)
    }

    fn candidates(&self, root: &Path, config: &Config) -> Candidate {
        let places = discovery::Places::new(root, config);
        let root = root.to_path_buf();
        Box::new(move |path| places.is_candidate(&root, path))
    }

    fn elsewhere(&self, root: &Path, config: &Config) -> Vec<PathBuf> {
        let mut roots = discovery::watch_roots(root, config);
        roots.retain(|folder| !folder.starts_with(root));
        roots
    }

    fn read(&self, root: &Path, path: &Path) -> Result<Run, IngestError> {
        front::read(root, path)
    }

    fn analyze(
        &self,
        runs: Vec<Run>,
        problems: Vec<Problem>,
        workspace: &Arc<Workspace>,
        config: &Config,
        live: bool,
        system: &System,
    ) -> (Analysis, TestOutcomes) {
        let mut run = front::gather(runs, problems);
        let outcomes = std::mem::take(&mut run.outcomes);
        let options = Options { replay: !live, ..front::analysis_options(workspace.root(), config, system) };
        let mut analysis = analysis::analyze(run, workspace, &options);
        let standing = if analysis.clusters.is_empty() {
            Standing::offline()
        } else {
            Standing::new(config, false, || self.chosen(config, system))
        };
        model::recall(&mut analysis, &standing, workspace, workspace.root(), config);
        (analysis, outcomes)
    }

    fn choose(&self, config: &Config, system: &System) -> Result<Choice, NoProvider> {
        let settings = providers::Settings::of(config);
        let choice = providers::choose(&settings, system);
        *self.chosen.lock().unwrap_or_else(PoisonError::into_inner) = Some((settings, choice.clone()));
        choice
    }

    fn history(
        &self,
        root: &Path,
        config: &Config,
        files: &[PathBuf],
        analysis: &mut Analysis,
        system: &System,
    ) -> (Option<Graded>, Vec<String>) {
        if Target::of(root, config, system) == Target::Off {
            return (None, Vec::new());
        }
        // Read again, with the names of what passed: nobody waits for it here.
        let options = front::read_options_for_history(root);
        let recordings = files
            .iter()
            .filter_map(|file| {
                Recording::take(&mut front::read_with(root, file, &options).ok()?, system.now(), false)
            })
            .collect();
        session::update(root, config, system, &front::redactor(root, config, system), recordings, analysis)
    }

    fn write_reports(
        &self,
        root: &Path,
        config: &Config,
        analysis: &Analysis,
        system: &System,
    ) -> Vec<String> {
        front::write_reports(&root.join(&config.output), analysis, &front::meta(root, system))
            .err()
            .map(|error| format!("the reports were not written: {error}"))
            .into_iter()
            .collect()
    }
}
