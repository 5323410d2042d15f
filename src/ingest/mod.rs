//! One reader per result format, all giving the same [`Run`], chosen by content and never by file name.
//!
//! Readers stream: memory is bounded by the failures kept. Bad input yields what could be read plus
//! [`crate::model::Problem`]s with file and offset; it is an error only if nothing could be opened or nothing
//! in it is a result.
//!
//! | module | what it reads or does |
//! |---|---|
//! | `detect` | tells the format by the first bytes |
//! | `window`, `text`, `json`, `junit::xml` | bounded input, text helpers, JSON slices, XML tokens |
//! | `junit`, `reportlog`, `json_report`, `ctrf`, `lastfailed`, [`events`] | one format each |
//! | [`console`] | terminal output and CI logs |
//! | `longrepr` | pytest's structured failures as text |
//! | `sink` | counts, limits, reruns, repeats |
//! | [`merge`] | several files into one run |

pub mod console;
mod ctrf;
mod detect;
pub mod events;
mod json;
mod json_report;
mod junit;
mod lastfailed;
mod longrepr;
pub mod merge;
mod probe;
mod reportlog;
mod sink;
mod text;
mod window;

use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

pub use probe::FileProbe;

use crate::model::{ResultFormat, Run};

/// The test id of a failure of pytest itself (`INTERNALERROR`), which belongs to no test.
pub const INTERNAL_ERROR: &str = "INTERNALERROR";

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Keep the names, outcomes and durations of tests that did not fail (history needs them).
    pub keep_names: bool,
    /// Most bytes kept of one text (a failure's text, a captured section); the rest is cut from the middle
    /// and listed as a problem.
    pub max_text: usize,
    /// Most failures kept; further ones are counted and listed as a problem.
    pub max_failures: usize,
    /// Which files the workspace has. JUnit's `xunit2` family names tests by dotted names only; with this,
    /// modules and classes are told apart by what is there, else by how names usually look.
    pub files: Option<FileProbe>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { keep_names: false, max_text: 4 << 20, max_failures: 200_000, files: None }
    }
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file could not be opened or read at all.
    #[error("cannot read test results from {file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The content is of no known format.
    #[error(
        "{file} holds no test results that can be read (JUnit XML, pytest-reportlog, pytest-json-report, CTRF, \
         pytest's terminal output, pytest's cache or Failscope's events)"
    )]
    Unknown {
        /// The file.
        file: String,
    },
}

/// Reads one result file.
pub fn read_file(path: &Path, options: &ReadOptions) -> Result<Run, IngestError> {
    let file = path.display().to_string();
    let opened =
        std::fs::File::open(path).map_err(|source| IngestError::Io { file: file.clone(), source })?;
    let modified = opened.metadata().and_then(|m| m.modified()).ok();
    read(opened, &file, modified, options)
}

/// Reads results from `input`, which is called `name` in problems and sources. `modified` dates the results
/// when they do not say so themselves.
pub fn read(
    input: impl Read,
    name: &str,
    modified: Option<SystemTime>,
    options: &ReadOptions,
) -> Result<Run, IngestError> {
    // One record (a tag, a line, a test's object) may be as large as the texts that are kept of it, escaped.
    let most = options.max_text.saturating_mul(2).saturating_add(detect::HEAD * 2);
    let mut window = window::Window::new(window::decoded(input), most);
    window.want(detect::HEAD);
    if window.data().is_empty()
        && let Some(source) = window.take_failure()
    {
        return Err(IngestError::Io { file: name.to_owned(), source });
    }
    if events::matches(window.data()) {
        return events::read(window, name, modified, options);
    }
    let window = &mut window;
    let mut run = match detect::detect(window.data()) {
        Some(ResultFormat::Junit) => junit::read(window, name, modified, options),
        Some(ResultFormat::Reportlog) => reportlog::read(window, name, modified, options),
        Some(ResultFormat::JsonReport) => json_report::read(window, name, modified, options),
        Some(ResultFormat::Ctrf) => ctrf::read(window, name, modified, options),
        Some(ResultFormat::LastFailed) => lastfailed::read(window, name, modified, options),
        Some(ResultFormat::Console | ResultFormat::Events) | None => {
            return console::read(window, name, modified, options);
        }
    };
    if let Some(error) = window.take_failure() {
        run.problems.push(crate::model::Problem {
            file: name.to_owned(),
            offset: Some(window.end_offset()),
            message: format!("reading stopped: {error}; what came before was read"),
        });
    }
    Ok(run)
}
