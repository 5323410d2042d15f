//! One reader per result format, all giving the same [`Run`], chosen by content and never by file name.
//!
//! Readers stream: memory is bounded by the failures kept. Bad input yields what could be read plus
//! [`crate::model::Problem`]s with file and offset; it is an error only if nothing could be opened or nothing
//! in it is a result.

pub mod events;
pub mod merge;

use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use crate::model::{ResultFormat, Run};

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
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { keep_names: false, max_text: 4 << 20, max_failures: 200_000 }
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
    let _ = (input, modified, options, ResultFormat::Junit);
    Err(IngestError::Unknown { file: name.to_owned() })
}
