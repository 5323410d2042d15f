//! What is written and printed from an [`crate::model::Analysis`]. Accepts no unredacted text.
//!
//! Every format is a pure function of an analysis and a [`Meta`]: the same two give the same bytes.
//! [`files`] puts the results on disk.

pub mod document;
pub mod files;
pub mod html;
pub mod human;
pub mod text;
pub mod time;

use std::path::PathBuf;

use crate::model::RelPath;

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
    /// The editor that places in the HTML report are links for, if that was asked for.
    pub editor: Option<Editor>,
}

/// An editor that opens files by URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Editor {
    /// Visual Studio Code
    Vscode,
    /// `VSCodium`
    Vscodium,
    /// Cursor
    Cursor,
    /// Zed
    Zed,
    /// `PyCharm`
    Pycharm,
}

impl Meta {
    /// The meta data of a report made at `timestamp` for the workspace at `root`.
    pub fn new(timestamp: u64, root: PathBuf) -> Self {
        Self {
            generator: concat!("failscope ", env!("CARGO_PKG_VERSION")).to_owned(),
            timestamp,
            root,
            editor: None,
        }
    }

    /// The URL that opens `path` at `line` in the user's editor. The path is percent-encoded, so it can add
    /// nothing to the URL.
    pub fn editor_link(&self, path: &RelPath, line: u32) -> Option<String> {
        let editor = self.editor?;
        let file = url::Url::from_file_path(path.under(&self.root)).ok()?;
        let file = file.path();
        Some(match editor {
            Editor::Vscode => format!("vscode://file{file}:{line}"),
            Editor::Vscodium => format!("vscodium://file{file}:{line}"),
            Editor::Cursor => format!("cursor://file{file}:{line}"),
            Editor::Zed => format!("zed://file{file}:{line}"),
            Editor::Pycharm => format!("pycharm://open?file={}&line={line}", file.replace('&', "%26")),
        })
    }
}
