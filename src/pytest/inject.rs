//! Where the plugin comes from when pytest is run for somebody, and where its record goes.

use std::path::{Path, PathBuf};

use super::runner::RunError;
use crate::system::System;

/// The plugin's files, written to a folder of their own when pytest is run.
const PLUGIN: &[(&str, &str)] = &[
    ("__init__.py", include_str!("../../python/failscope/__init__.py")),
    ("__main__.py", include_str!("../../python/failscope/__main__.py")),
    ("confine.py", include_str!("../../python/failscope/confine.py")),
    ("copied.py", include_str!("../../python/failscope/copied.py")),
    ("frames.py", include_str!("../../python/failscope/frames.py")),
    ("handover.py", include_str!("../../python/failscope/handover.py")),
    ("plugin.py", include_str!("../../python/failscope/plugin.py")),
    ("record.py", include_str!("../../python/failscope/record.py")),
    ("search.py", include_str!("../../python/failscope/search.py")),
    ("session.py", include_str!("../../python/failscope/session.py")),
    ("stream.py", include_str!("../../python/failscope/stream.py")),
    ("text.py", include_str!("../../python/failscope/text.py")),
    ("trace.py", include_str!("../../python/failscope/trace.py")),
    ("values.py", include_str!("../../python/failscope/values.py")),
    ("watch.py", include_str!("../../python/failscope/watch.py")),
];

/// The path of a new stream in `output`/runs, whose folders are made and kept out of git.
pub fn new_stream(output: &Path, system: &System) -> Result<PathBuf, RunError> {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let runs = output.join("runs");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RunError::File { what: "write", path, source }
    };
    std::fs::create_dir_all(&runs).map_err(failed(&runs))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Streams hold what tests compared and printed, secrets too: they are their owner's. If the folder is somebody
        // else's, the files in it are not.
        let _ = std::fs::set_permissions(&runs, std::fs::Permissions::from_mode(0o700));
    }
    let ignore = output.join(".gitignore");
    if !ignore.exists() {
        std::fs::write(&ignore, "*\n").map_err(failed(&ignore))?;
    }
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("{:.3}-{}-{number}.jsonl", system.unix_now(), std::process::id());
    Ok(runs.join(name))
}

/// The folder that holds this version's plugin as a package, in the user's cache; written if it is not there.
pub fn plugin_folder(system: &System) -> Result<PathBuf, RunError> {
    use sha2::Digest as _;

    let mut hasher = sha2::Sha256::new();
    for (name, text) in PLUGIN {
        hasher.update(name);
        hasher.update([0]);
        hasher.update(text);
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let folder = cache(system).join(format!("plugin-{number:016x}"));
    let package = folder.join("failscope");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RunError::File { what: "write", path, source }
    };
    // What cleans up caches may have taken some of the files.
    let is_whole = PLUGIN
        .iter()
        .all(|(name, text)| std::fs::read_to_string(package.join(name)).is_ok_and(|there| there == *text));
    if !is_whole {
        std::fs::create_dir_all(&package).map_err(failed(&package))?;
        for (name, text) in PLUGIN {
            let path = package.join(name);
            // Another process may be writing the same.
            let written = tempfile::NamedTempFile::new_in(&package).and_then(|mut file| {
                std::io::Write::write_all(&mut file, text.as_bytes())?;
                file.persist(&path).map_err(|error| error.error)
            });
            written.map_err(failed(&path))?;
        }
    }
    Ok(folder)
}

/// The folder of Failscope in the user's cache.
pub(crate) fn cache(system: &System) -> PathBuf {
    let named = |name: &str| system.env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named("XDG_CACHE_HOME")
        .or_else(|| named("LOCALAPPDATA"))
        .or_else(|| named("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir);
    base.join("failscope")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::PLUGIN;

    #[test]
    fn every_file_of_the_plugin_is_carried() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/python/failscope");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the plugin's folder")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| std::path::Path::new(name).extension().is_some_and(|end| end == "py"))
            .collect();
        let carried: BTreeSet<String> = PLUGIN.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(carried, there);
    }
}
