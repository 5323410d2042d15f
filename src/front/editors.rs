//! Which editors have opened a project, and what they can do: kept for `failscope doctor` in the user's own state, not
//! in the project, where a folder that nobody asked for would appear.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::evidence::redact::Redactor;
use crate::report::files::{Folder, WriteError};
use crate::system::System;

const VERSION: u32 = 1;
/// Bounds of what is kept: editors of one project, projects, and characters of what an editor calls itself.
const MAX_EDITORS: usize = 5;
const MAX_PROJECTS: usize = 100;
const MAX_NAME: usize = 60;

/// What makes a difference here, as the protocol names it, and what its lack means.
pub const ABILITIES: [(&str, &str); 18] = [
    ("hover.contentFormat: markdown", "hovers are plain text, without links"),
    (
        "publishDiagnostics.relatedInformation",
        "a diagnostic does not link to the other place; the hover names it",
    ),
    ("publishDiagnostics.codeDescriptionSupport", "a diagnostic does not link to its finding"),
    ("publishDiagnostics.versionSupport", "diagnostics do not name the version of the text they are for"),
    ("diagnostics.refreshSupport", "diagnostics are pushed, not pulled"),
    ("workspaceEdit.documentChanges", "a fix does not name the version of the text it is for"),
    ("codeAction.codeActionLiteralSupport", "fixes are commands, which the server applies"),
    ("codeAction.resolveSupport: edit", "the edits of fixes are sent with the menu"),
    ("codeAction.isPreferredSupport", "no fix is marked as the one to prefer"),
    ("workspace.applyEdit", "fixes cannot be applied by commands, nor all at once"),
    ("codeLens.refreshSupport", "code lenses may be old until the text is edited"),
    ("inlayHint.refreshSupport", "inlay hints may be old until the text is edited"),
    ("window.workDoneProgress", "progress is not shown"),
    (
        "didChangeWatchedFiles.dynamicRegistration",
        "the server alone watches files; over networks use `--poll`",
    ),
    ("didChangeConfiguration.dynamicRegistration", "changed settings count when the editor tells of them"),
    ("workspace.configuration", "settings come with the start, and from [tool.failscope]"),
    ("window.showDocument", "the report is not opened; its address is told"),
    ("experimental.failscopeFindingsChanged", "there is no view of findings"),
];

/// An editor as the language server last saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editor {
    /// What it calls itself; empty if it does not say.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// When it was seen, in seconds of Unix time.
    pub seen: u64,
    /// The unit of columns that was agreed on.
    pub position_encoding: String,
    /// Which of [`ABILITIES`] it has.
    pub capabilities: BTreeMap<String, bool>,
}

impl Editor {
    /// What it lacks, and what that means.
    pub fn lacks(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        ABILITIES.into_iter().filter(|(name, _)| self.capabilities.get(*name) == Some(&false))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    schema_version: u32,
    editors: Vec<Editor>,
}

/// Remembers that `editor` has opened the project at `root`, in place of what was known of that editor.
///
/// # Errors
/// When it cannot be written. Without a folder for the user's state nothing is kept.
pub fn note(root: &Path, mut editor: Editor, system: &System, redactor: &Redactor) -> Result<(), WriteError> {
    let Some(folder) = folder(system) else { return Ok(()) };
    editor.name = tidy(&editor.name, redactor);
    editor.version = editor.version.as_deref().map(|version| tidy(version, redactor));
    let mut editors = known(root, system);
    editors.retain(|other| other.name != editor.name);
    editors.insert(0, editor);
    editors.truncate(MAX_EDITORS);
    let text = serde_json::to_vec(&Document { schema_version: VERSION, editors }).unwrap_or_default();
    Folder::open(&folder)?.replace(&name(root), &text)?;
    prune(&folder);
    Ok(())
}

/// What an editor says, without secrets and without end.
fn tidy(text: &str, redactor: &Redactor) -> String {
    redactor.text(text).as_str().chars().take(MAX_NAME).collect()
}

/// The editors that have opened the project at `root`, the last one first.
pub fn known(root: &Path, system: &System) -> Vec<Editor> {
    let text = folder(system).and_then(|folder| std::fs::read(folder.join(name(root))).ok());
    text.and_then(|text| serde_json::from_slice::<Document>(&text).ok())
        .filter(|document| document.schema_version == VERSION)
        .map(|document| document.editors)
        .unwrap_or_default()
}

fn folder(system: &System) -> Option<PathBuf> {
    Some(system.state_dir()?.join("editors"))
}

/// The file of a project. Of its path only a digest is kept.
fn name(root: &Path) -> String {
    use sha2::{Digest as _, Sha256};
    let real = root.canonicalize();
    let digest = Sha256::digest(real.as_deref().unwrap_or(root).as_os_str().as_encoded_bytes());
    let hex = digest.iter().take(12).fold(String::new(), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex + ".json"
}

/// Removes the files of projects that were opened longest ago. Two servers may do so at once.
fn prune(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .collect();
    files.sort();
    for (_, path) in files.iter().take(files.len().saturating_sub(MAX_PROJECTS)) {
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn editor(name: &str, seen: u64) -> Editor {
        Editor {
            name: name.to_owned(),
            version: Some("1.2".to_owned()),
            seen,
            position_encoding: "utf-16".to_owned(),
            capabilities: ABILITIES.map(|(name, _)| (name.to_owned(), name.starts_with("window"))).into(),
        }
    }

    #[test]
    fn the_last_editors_of_a_project_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let variable = ("XDG_STATE_HOME".to_owned(), dir.path().display().to_string());
        let system = System::fixed(SystemTime::UNIX_EPOCH, [variable], dir.path().into());
        let redactor = Redactor::new(system.environment());
        let (one, two) = (Path::new("/home/dev/one"), Path::new("/home/dev/two"));
        assert_eq!(known(one, &system), []);
        let secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
        for (seen, name) in ["A", "B", "A", &"long ".repeat(1000), secret].into_iter().enumerate() {
            note(one, editor(name, seen as u64), &system, &redactor).unwrap();
        }
        let names: Vec<_> = known(one, &system).into_iter().map(|e| (e.name, e.seen)).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(!names[0].0.contains(&secret[4..]), "{names:?}");
        assert_eq!((names[1].0.len(), names[1].1), (MAX_NAME, 3));
        assert_eq!(names[2..], [("A".to_owned(), 2), ("B".to_owned(), 1)]);
        assert_eq!(known(two, &system), []);
        assert_eq!(known(one, &system)[0].lacks().count(), ABILITIES.len() - 2);
        for n in 0..20 {
            note(two, editor(&n.to_string(), n), &system, &redactor).unwrap();
        }
        assert_eq!(known(two, &system).len(), MAX_EDITORS);
        let folder = folder(&system).unwrap();
        assert!(!std::fs::read_to_string(folder.join(name(two))).unwrap().contains("/home/dev"));
        for n in 0..MAX_PROJECTS + 5 {
            note(Path::new(&format!("/home/dev/{n}")), editor("A", 1), &system, &redactor).unwrap();
        }
        let kept = std::fs::read_dir(&folder).unwrap().flatten();
        assert_eq!(kept.filter(|e| e.path().extension().is_some_and(|e| e == "json")).count(), MAX_PROJECTS);
        std::fs::write(folder.join(name(two)), "{").unwrap();
        assert_eq!(known(two, &system), []);
    }
}
