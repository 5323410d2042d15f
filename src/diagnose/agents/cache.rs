//! Answers on disk, so that an unchanged cause costs nothing the next time. What is kept is what the model wrote,
//! redacted: it is checked anew each time it is used. Entries are versioned, replaced by rename, and bounded in number
//! and size; one that cannot be read is no entry.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::dossier::Dossier;
use super::prompt;
use crate::cluster::fingerprint::hex;
use crate::diagnose::providers::Provider;
use crate::model::Fingerprint;
use crate::report::files::Folder;

/// The version of the entries' form.
const VERSION: u32 = 1;
/// Most entries, and most bytes of all of them and of one.
const MAX_ENTRIES: usize = 2000;
const MAX_BYTES: u64 = 32 << 20;
const MAX_ENTRY: u64 = 2 << 20;
/// Temporary files older than this were left by a process that died.
const ABANDONED: std::time::Duration = std::time::Duration::from_hours(1);

/// What is kept of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    version: u32,
    prompt: u32,
    fingerprint: String,
    provider: String,
    model: String,
    /// The analyzer's words, or those of the only pass.
    pub analyzer: String,
    /// The critic's words, if there was one.
    pub critic: Option<String>,
    /// What was done differently from what was asked.
    pub notes: Vec<String>,
}

/// The folder of the answers.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache beside the reports in `output`. It is made when something is first put into it.
    pub fn new(output: &Path) -> Self {
        Self { folder: output.join("cache") }
    }

    /// Whether there is anything in it, as far as can be seen without opening a file.
    pub fn is_there(&self) -> bool {
        self.folder.is_dir()
    }

    /// What was answered about a cause of this fingerprint and evidence by this model to these questions.
    pub fn get(
        &self,
        fingerprint: &Fingerprint,
        dossier: &Dossier,
        provider: &dyn Provider,
    ) -> Option<Entry> {
        let path = self.folder.join(name(fingerprint, dossier, provider));
        let meta = std::fs::metadata(&path).ok()?;
        if !meta.is_file() || meta.len() > MAX_ENTRY {
            return None;
        }
        let entry: Entry = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        let fits = entry.version == VERSION
            && entry.prompt == prompt::VERSION
            && entry.fingerprint == fingerprint.0
            && entry.provider == provider.name()
            && entry.model == provider.model()
            && entry.critic.is_none() == provider.single_pass();
        fits.then_some(entry)
    }

    /// Keeps an answer. The texts are redacted ones.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn put(
        &self,
        fingerprint: &Fingerprint,
        dossier: &Dossier,
        provider: &dyn Provider,
        (analyzer, critic): (String, Option<String>),
        notes: Vec<String>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let entry = Entry {
            version: VERSION,
            prompt: prompt::VERSION,
            fingerprint: fingerprint.0.clone(),
            provider: provider.name().to_owned(),
            model: provider.model().to_owned(),
            analyzer,
            critic,
            notes,
        };
        let bytes = serde_json::to_vec_pretty(&entry)?;
        if bytes.len() as u64 > MAX_ENTRY {
            return Ok(());
        }
        // The folder of the reports keeps itself out of git.
        if let Some(output) = self.folder.parent() {
            Folder::open(output)?;
        }
        Folder::open(&self.folder)?.replace(&name(fingerprint, dossier, provider), &bytes)?;
        Ok(())
    }

    /// Removes the oldest entries beyond the bounds, as of `now`.
    pub fn prune(&self, now: SystemTime) {
        let Ok(files) = std::fs::read_dir(&self.folder) else { return };
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for file in files.flatten() {
            let (path, name) = (file.path(), file.file_name());
            let Ok(meta) = file.metadata() else { continue };
            let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let name = name.to_string_lossy();
            if name.ends_with(".json") {
                entries.push((modified, meta.len(), path));
            } else if name.ends_with(".tmp") && now.duration_since(modified).is_ok_and(|age| age > ABANDONED)
            {
                // A file that is gone already is what was wanted.
                let _ = std::fs::remove_file(path);
            }
        }
        entries.sort_by(|a, b| b.cmp(a));
        let mut bytes = 0;
        for (index, (_, length, path)) in entries.into_iter().enumerate() {
            bytes += length;
            if index >= MAX_ENTRIES || bytes > MAX_BYTES {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// The name of an entry's file: a digest of everything that the answer depends on.
fn name(fingerprint: &Fingerprint, dossier: &Dossier, provider: &dyn Provider) -> String {
    let mut hasher = Sha256::new();
    let version = format!("failscope answers {VERSION} {}", prompt::VERSION);
    for part in [&version, fingerprint.0.as_str(), &dossier.digest, provider.name(), provider.model()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    format!("{}.json", &hex(&hasher.finalize())[..40])
}
