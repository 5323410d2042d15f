//! What is written and printed from an [`crate::model::Analysis`]. Accepts no unredacted text.
//!
//! Every format is a pure function of an analysis and a [`Meta`]: the same two give the same bytes.
//! [`files`] puts the results on disk.

pub mod document;
pub mod files;
pub mod human;
pub mod text;
pub mod time;

use std::path::PathBuf;

/// What a report says besides the analysis.
#[derive(Debug, Clone)]
pub struct Meta {
    /// `failscope X.Y.Z`.
    pub generator: String,
    /// When the report was made, in seconds since the Unix epoch.
    pub timestamp: u64,
    /// The workspace's folder on this machine, for links that open a file; never written into a report
    /// unless the user asks for editor links.
    pub root: PathBuf,
}

impl Meta {
    /// The meta data of a report made at `timestamp` for the workspace at `root`.
    pub fn new(timestamp: u64, root: PathBuf) -> Self {
        Self { generator: concat!("failscope ", env!("CARGO_PKG_VERSION")).to_owned(), timestamp, root }
    }
}
