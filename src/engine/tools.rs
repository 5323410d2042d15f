//! The pipeline as the engine sees it: a small trait, so that the engine and the protocol are tested with a
//! pipeline of known results, and the pipeline without a protocol.

use std::path::{Path, PathBuf};

use crate::analysis;
use crate::evidence::redact::Redactor;
use crate::ingest::{self, IngestError, ReadOptions};
use crate::model::{Analysis, Problem, Run, TestOutcomes};
use crate::report::Meta;
use crate::report::document::Document;
use crate::report::files::Folder;
use crate::report::html;
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

    /// Merges and analyses; `problems` are what could not be read at all.
    fn analyze(
        &self,
        runs: Vec<Run>,
        problems: Vec<Problem>,
        workspace: &Workspace,
        config: &Config,
        system: &System,
    ) -> (Analysis, TestOutcomes);

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
pub struct Pipeline;

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
        // Named as the command line names it, so that both give the same analysis.
        let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
        let failed = |source| IngestError::Io { file: name.clone(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let modified = file.metadata().map_err(failed)?.modified().ok();
        ingest::read(file, &name, modified, &ReadOptions::default())
    }

    fn analyze(
        &self,
        runs: Vec<Run>,
        problems: Vec<Problem>,
        workspace: &Workspace,
        config: &Config,
        system: &System,
    ) -> (Analysis, TestOutcomes) {
        let mut run = ingest::merge::merge(runs);
        run.problems.extend(problems);
        let outcomes = run.outcomes.clone();
        let options = analysis::Options {
            max_log_size: config.max_log_size,
            redactor: Redactor::new(system.environment()),
        };
        (analysis::analyze(run, workspace, &options), outcomes)
    }

    fn write_reports(
        &self,
        root: &Path,
        config: &Config,
        analysis: &Analysis,
        system: &System,
    ) -> Vec<String> {
        let meta = Meta::new(system.unix_now() as u64, root.to_path_buf());
        let written = || -> Result<(), Box<dyn std::error::Error>> {
            let folder = Folder::open(&root.join(&config.output))?;
            folder.replace("rca_report.json", &Document::new(analysis, &meta).to_json()?)?;
            folder.replace("rca_report.html", html::render(analysis, &meta)?.as_bytes())?;
            Ok(())
        };
        written().err().map(|error| format!("the reports were not written: {error}")).into_iter().collect()
    }
}
