//! The pipeline as the engine sees it: a small trait, so that the engine and the protocol are tested with a
//! pipeline of known results, and the pipeline without a protocol.

use std::path::{Path, PathBuf};

use crate::analysis;
use crate::evidence::redact::Redactor;
use crate::ingest::{self, IngestError, ReadOptions};
use crate::model::{Analysis, Run, TestOutcomes};
use crate::system::System;
use crate::workspace::{Config, Workspace, discovery};

/// What the engine needs done. Everything here blocks.
pub trait Tools: Send + Sync + 'static {
    /// The result files under `root`, newest first.
    fn find(&self, root: &Path, config: &Config) -> Vec<PathBuf>;

    /// Whether a change of `path` (a file or a folder) may change what [`Self::find`] gives, what is in it, or
    /// the configuration. Quick, and when in doubt yes.
    fn concerns(&self, root: &Path, path: &Path, config: &Config) -> bool;

    /// Reads one result file.
    fn read(&self, path: &Path) -> Result<Run, IngestError>;

    /// Merges and analyses.
    fn analyze(
        &self,
        runs: Vec<Run>,
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

    fn concerns(&self, root: &Path, path: &Path, config: &Config) -> bool {
        let _ = config;
        // A folder may hold results; whether the path was one can no longer be seen once it is gone.
        path.file_name().is_some_and(|name| name == "pyproject.toml")
            || path
                .extension()
                .is_none_or(|e| !e.eq_ignore_ascii_case("py") && !e.eq_ignore_ascii_case("pyc"))
            || root.starts_with(path)
    }

    fn read(&self, path: &Path) -> Result<Run, IngestError> {
        ingest::read_file(path, &ReadOptions::default())
    }

    fn analyze(
        &self,
        runs: Vec<Run>,
        workspace: &Workspace,
        config: &Config,
        system: &System,
    ) -> (Analysis, TestOutcomes) {
        let run = ingest::merge::merge(runs);
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
        let _ = (root, config, analysis, system);
        Vec::new()
    }
}
