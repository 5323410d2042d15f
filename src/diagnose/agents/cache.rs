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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A folder with files of these names, ages in seconds, and sizes; without taking their room on the disk.
    fn filled(
        files: impl IntoIterator<Item = (String, u64, u64)>,
        now: SystemTime,
    ) -> (tempfile::TempDir, Cache) {
        let output = tempfile::tempdir().unwrap();
        let cache = Cache::new(output.path());
        std::fs::create_dir(&cache.folder).unwrap();
        for (name, age, size) in files {
            let file = std::fs::File::create(cache.folder.join(name)).unwrap();
            file.set_len(size).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        }
        (output, cache)
    }

    fn left(cache: &Cache) -> Vec<String> {
        let files = std::fs::read_dir(&cache.folder).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn no_more_than_so_many_entries_are_kept_and_the_oldest_go() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let named = |number: usize| format!("{number:05}.json");
        // In an order that says nothing: the higher the number, the older.
        let all = (0..MAX_ENTRIES + 25).rev().map(|number| (named(number), number as u64, 10));
        let (_output, cache) = filled(all, now);
        cache.prune(now);
        assert_eq!(left(&cache), (0..MAX_ENTRIES).map(named).collect::<Vec<_>>());
        // Once more changes nothing.
        cache.prune(now);
        assert_eq!(left(&cache).len(), MAX_ENTRIES);
    }

    #[test]
    fn no_more_than_so_many_bytes_are_kept_and_what_writers_left_behind_goes() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let fitting = (MAX_BYTES / MAX_ENTRY) as usize;
        let entries = (0..fitting + 4).map(|n| (format!("{n:03}.json"), n as u64 * 60, MAX_ENTRY));
        let others = [
            ("fresh.tmp", 60, 5),
            ("abandoned.tmp", 2 * 3600, 5),
            ("of-another-clock.tmp", 0, 5),
            (".gitignore", 9_000_000, 2),
            ("notes.txt", 9_000_000, MAX_BYTES),
        ]
        .map(|(name, age, size)| (name.to_owned(), age, size));
        let (_output, cache) = filled(entries.chain(others), now);
        cache.prune(now);
        let mut expected: Vec<String> = (0..fitting).map(|n| format!("{n:03}.json")).collect();
        // What is not ours is left alone.
        expected.extend([".gitignore", "fresh.tmp", "notes.txt", "of-another-clock.tmp"].map(str::to_owned));
        expected.sort();
        assert_eq!(left(&cache), expected);
        // Nothing to prune is no error.
        Cache::new(Path::new("/nowhere/at/all")).prune(now);
    }
}
