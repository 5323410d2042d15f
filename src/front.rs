//! What all fronts do alike: the command line, the language server and `failscope run` read, analyse and report
//! through these functions, so that the same run gives the same analysis, byte for byte, in each of them.

pub mod consent;
pub mod editors;
mod edits;
pub mod mend;
pub mod model;
pub mod trace;

use std::path::{Path, PathBuf};

use crate::analysis::Options;
use crate::evidence::redact::Redactor;
use crate::ingest::{self, FileProbe, IngestError, ReadOptions};
use crate::model::{Analysis, Problem, Run};
use crate::report::document::Document;
use crate::report::files::Folder;
use crate::report::{Meta, html};
use crate::system::{Pausing, System};
use crate::workspace::Config;

/// How results of the workspace at `root` are read.
pub fn read_options(root: &Path) -> ReadOptions {
    ReadOptions { files: Some(FileProbe::under(root)), ..ReadOptions::default() }
}

/// How they are read for the history, which keeps the names of tests that passed.
pub fn read_options_for_history(root: &Path) -> ReadOptions {
    ReadOptions { keep_names: true, ..read_options(root) }
}

/// Replaces secrets as the settings say, also those that the environment and the workspace's `.env` files give
/// away.
pub fn redactor(root: &Path, config: &Config, system: &System) -> Redactor {
    // The settings were checked when they were read; should a pattern be wrong after all, the rest is still
    // replaced, with nothing turned off.
    let redactor = Redactor::with_settings(system.environment(), config.redaction.clone())
        .unwrap_or_else(|_| Redactor::new(system.environment()));
    redactor.know_dotenv_files(root);
    redactor
}

/// How a run of the workspace at `root` is analysed.
pub fn analysis_options(root: &Path, config: &Config, system: &System) -> Options {
    Options {
        max_log_size: config.max_log_size,
        redactor: redactor(root, config, system),
        ..Options::default()
    }
}

/// What the result file at `path` is called: by its path from the workspace's folder where it lies in it.
pub fn name(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// Reads one result file of the workspace at `root`.
pub fn read(root: &Path, path: &Path) -> Result<Run, IngestError> {
    read_with(root, path, &read_options(root))
}

/// Reads one result file of the workspace at `root`, as `options` say.
pub fn read_with(root: &Path, path: &Path, options: &ReadOptions) -> Result<Run, IngestError> {
    let name = name(root, path);
    let failed = |source| IngestError::Io { file: name.clone(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let modified = file.metadata().map_err(failed)?.modified().ok();
    ingest::read(Pausing(file), &name, modified, options)
}

/// What could not be read at all, as a problem of the run.
pub fn problem(error: &IngestError) -> Problem {
    let (IngestError::Io { file, .. } | IngestError::Unknown { file }) = error;
    Problem { file: file.clone(), offset: None, message: error.to_string() }
}

/// One run of all that was read, and of what could not be; the order in which files were found or named does
/// not show in it.
pub fn gather(mut runs: Vec<Run>, mut problems: Vec<Problem>) -> Run {
    let name = |run: &Run| run.sources.first().map(|source| source.name.clone());
    runs.sort_by_cached_key(name);
    let mut run = ingest::merge::merge(runs);
    problems.sort_by(|a, b| (&a.file, &a.message).cmp(&(&b.file, &b.message)));
    run.problems.extend(problems);
    run
}

/// What a report of the workspace at `root` says besides the analysis.
pub fn meta(root: &Path, system: &System) -> Meta {
    let mut meta = Meta::new(timestamp(system), root.to_path_buf());
    meta.code_host = code_host(system);
    meta.prefix = prefix(root);
    meta
}

/// Reports that have been written.
#[derive(Debug)]
pub struct Written {
    /// The folder.
    pub folder: Folder,
    /// The path of the page for people.
    pub page: PathBuf,
    /// The document that was written, even if another process has replaced it by now.
    pub document: std::fs::File,
}

/// Writes `rca_report.json` and `rca_report.html` into `folder`, which is made if need be.
///
/// # Errors
/// When the folder or a file in it cannot be written.
pub fn write_reports(
    folder: &Path,
    analysis: &Analysis,
    meta: &Meta,
) -> Result<Written, Box<dyn std::error::Error + Send + Sync>> {
    let folder = Folder::open(folder)?;
    let (_, document) =
        folder.replace_with("rca_report.json", |out| Document::new(analysis, meta).write(out))?;
    let (page, _) = folder.replace_with("rca_report.html", |out| html::write(analysis, meta, out))?;
    Ok(Written { folder, page, document })
}

/// The time that reports carry: `SOURCE_DATE_EPOCH` (<https://reproducible-builds.org/specs/source-date-epoch/>)
/// where it is set, else now.
fn timestamp(system: &System) -> u64 {
    system
        .env("SOURCE_DATE_EPOCH")
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| system.unix_now() as u64)
}

/// The path of `root` in its git checkout, with a `/` at its end; empty if it is the checkout or in none.
fn prefix(root: &Path) -> String {
    let checkout = root.ancestors().find(|folder| folder.join(".git").exists());
    let inside = checkout.and_then(|checkout| root.strip_prefix(checkout).ok());
    let mut prefix = String::new();
    for part in inside.into_iter().flat_map(Path::iter) {
        prefix.push_str(&part.to_string_lossy());
        prefix.push('/');
    }
    prefix
}

/// Where the files of this commit can be read, in a job of GitHub Actions.
fn code_host(system: &System) -> Option<String> {
    let server = system.env("GITHUB_SERVER_URL").filter(|url| url.starts_with("https://"))?;
    let (repository, commit) = (system.env("GITHUB_REPOSITORY")?, system.env("GITHUB_SHA")?);
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c));
    (plain(repository) && plain(commit)).then(|| format!("{server}/{repository}/blob/{commit}/"))
}
