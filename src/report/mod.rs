//! What is written and printed from an [`crate::model::Analysis`]. Accepts no unredacted text.
//!
//! Every format is a pure function of an analysis and a [`Meta`]: the same two give the same bytes.
//! [`files`] puts the results on disk.

pub mod compare;
pub mod ctrf;
pub mod diff;
pub mod document;
pub mod files;
pub mod github;
pub mod html;
pub mod human;
pub mod markdown;
pub mod sarif;
pub mod stability;
pub mod terminal_section;
pub mod text;
pub mod time;

use std::path::PathBuf;

use crate::model::{Cluster, FailureRecord, RelPath, Site, ValueRecord};

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
    /// The workspace's path in its repository, `/` at its end, empty if it is all of it: what code hosts count
    /// paths from.
    pub prefix: String,
    /// The address of the analysed commit's files at the code host (`https://…/blob/SHA/`), if it is known.
    pub code_host: Option<String>,
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
            prefix: String::new(),
            code_host: None,
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

    /// The URL of `path` at `line` at the code host.
    pub fn code_link(&self, path: &RelPath, line: u32) -> Option<String> {
        let host = self.code_host.as_ref()?;
        Some(format!("{host}{}{}#L{line}", relative_uri(&self.prefix), relative_uri(path.as_str())))
    }
}

/// The place a finding is shown at: its first suspect, else where its test fails, else where that is defined.
fn place_of(cluster: &Cluster) -> Option<&Site> {
    let failure = cluster.failures.first();
    let first = cluster.culprits.first().map(|culprit| &culprit.site);
    first.or_else(|| failure.and_then(|f| f.failing.as_ref().or(f.definition.as_ref())))
}

/// The values at a failure, each once: an operand of the assertion may be a local variable too.
fn values_of(failure: &FailureRecord) -> Vec<&ValueRecord> {
    let mut seen = std::collections::HashSet::new();
    failure.values.iter().filter(|value| seen.insert((&value.name, &value.repr))).collect()
}

/// A relative path as a URI reference: all but unreserved characters and `/` percent-encoded (RFC 3986).
fn relative_uri(path: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
