//! A throw-away copy of a workspace.
//!
//! Files are copied by the system's own call, which shares their blocks where the file system can (Btrfs, XFS,
//! APFS). Hard links would not do: a test that writes to a file would write to the original. What is no source of
//! the project is left out: version control, virtual environments, caches, reports, and large ignored files.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::model::RelPath;
use crate::pytest::inject;
use crate::system::{self, System};

/// Folders that are never copied, by name.
const NEVER: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".failscope",
    ".tox",
    ".nox",
    ".venv",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "__pycache__",
    "node_modules",
    "site-packages",
];
/// Folders that are not copied if git ignores them.
const GENERATED: &[&str] = &["target", "build", "dist", "htmlcov", "site", "wandb", "mlruns"];
/// Largest ignored file that is copied, in bytes: generated sources are, data and models are not.
const MAX_IGNORED: u64 = 1 << 20;
/// Deepest folder that is entered.
const MAX_DEPTH: usize = 64;

/// How large a workspace may be to be copied.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most files.
    pub files: usize,
    /// Most bytes of all files together.
    pub bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { files: 100_000, bytes: 2 << 30 }
    }
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It would be too large.
    #[error("the project is too large to be copied (more than {files} files or {megabytes} MB)")]
    TooLarge {
        /// Most files.
        files: usize,
        /// Most megabytes.
        megabytes: u64,
    },
    /// It was given up.
    #[error("cancelled")]
    Cancelled,
    /// A file could not be read or written.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// A copy; it is deleted when dropped.
#[derive(Debug)]
pub struct Copy {
    // Deleted in this order.
    scratch: TempDir,
    folder: TempDir,
    original: PathBuf,
    base: PathBuf,
    root: PathBuf,
}

impl Copy {
    /// Copies the workspace at `root`, with `unsaved` texts in place of the files'. The folder of the reports,
    /// `output`, is left out. Where pytest's configuration lies above `root`, the folder that holds it is copied.
    /// Blocks.
    pub fn make(
        root: &Path,
        output: &Path,
        unsaved: &HashMap<RelPath, Arc<str>>,
        bounds: Bounds,
        system: &System,
        cancel: &CancellationToken,
    ) -> Result<Self, CopyError> {
        let failed = |what: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| CopyError::Io { what, path, source }
        };
        let original = root.canonicalize().map_err(failed("read", root))?;
        let copies = inject::cache(system).join("copies");
        std::fs::create_dir_all(&copies).map_err(failed("make", &copies))?;
        sweep(&copies);
        let prefix = format!("{}@{}-", std::process::id(), system::host().unwrap_or_default());
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(&copies)
            .map_err(failed("make a folder in", &copies))?;
        // Short, because tests make sockets in it, whose paths have a limit.
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir()
            .map_err(failed("make a folder in", &std::env::temp_dir()))?;
        let note = folder.path().join("scratch");
        std::fs::write(&note, scratch.path().as_os_str().as_encoded_bytes())
            .map_err(failed("write", &note))?;

        let top = base_of(&original);
        let name = top.file_name().unwrap_or_else(|| "w".as_ref());
        let base = folder.path().join("copy").join(name);
        let place = original.strip_prefix(&top).map(Path::to_owned).unwrap_or_default();
        let output = root.join(output);
        let output = output.canonicalize().unwrap_or(output);
        Copier { top: &top, base: &base, output: &output, bounds, cancel, files: 0, bytes: 0 }.copy()?;
        let root = if place.as_os_str().is_empty() { base.clone() } else { base.join(place) };
        for (path, text) in unsaved {
            let path = path.under(&root);
            write(&path, text).map_err(failed("write", &path))?;
        }
        Ok(Self { scratch, folder, original: top, base, root })
    }

    /// The workspace's folder in the copy.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What was copied.
    pub fn original(&self) -> &Path {
        &self.original
    }

    /// Where it was copied to: the copy's root, or a folder around it.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// A folder outside of the copy that is deleted with it.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The text of a file of the copy.
    pub fn read(&self, path: &RelPath) -> Option<Arc<str>> {
        crate::workspace::source::read(&path.under(&self.root))
    }

    /// Replaces or makes a file of the copy.
    pub fn write(&self, path: &RelPath, text: &str) -> Result<(), CopyError> {
        let path = path.under(&self.root);
        write(&path, text).map_err(|source| CopyError::Io { what: "write", path, source })
    }

    /// `text` with the original's path replaced by the copy's, as in `--rootdir=/home/me/project`.
    pub fn moved(&self, text: &str) -> String {
        match (self.original.to_str(), self.base.to_str()) {
            (Some(original), Some(base)) if original.len() > 1 => replace_path(text, original, base),
            _ => text.to_owned(),
        }
    }

    /// Deletes the copy and waits until it is gone. Blocks.
    pub fn delete(self) {
        for folder in [self.scratch, self.folder] {
            let path = folder.path().to_owned();
            if let Err(error) = folder.close() {
                tracing::warn!("cannot delete {}: {error}", path.display());
            }
        }
    }
}

const SCRATCH: &str = "fs-";

/// `text` with `from` replaced by `to` wherever it is a whole path or the beginning of one.
fn replace_path(text: &str, from: &str, to: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let after = &rest[at + from.len()..];
        let is_path = after.chars().next().is_none_or(|c| !(c.is_alphanumeric() || "-_.".contains(c)));
        result.push_str(&rest[..at]);
        result.push_str(if is_path { to } else { from });
        rest = after;
    }
    result + rest
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// Deletes copies whose process was killed before it could.
fn sweep(copies: &Path) {
    let Ok(entries) = std::fs::read_dir(copies) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.split_once('@'));
        let owner = owner.and_then(|(id, rest)| Some((id.parse().ok()?, rest.rsplit_once('-')?.0)));
        let Some((id, host)) = owner else { continue };
        if system::is_running(host, id) != Some(false) {
            continue;
        }
        let scratch = std::fs::read_to_string(entry.path().join("scratch")).map(PathBuf::from);
        if let Ok(scratch) = scratch
            && scratch.parent() == Some(&std::env::temp_dir())
            && scratch.file_name().is_some_and(|name| name.to_string_lossy().starts_with(SCRATCH))
        {
            let _ = std::fs::remove_dir_all(scratch);
        }
        let _ = std::fs::remove_dir_all(entry.path());
    }
}

/// The folder to copy so that pytest finds its configuration and the packages their names: `root`, or one above.
fn base_of(root: &Path) -> PathBuf {
    let mut base = root;
    if !is_configured(root) && !root.join(".git").exists() {
        for folder in root.ancestors().skip(1) {
            if is_configured(folder) {
                base = folder;
                break;
            }
            if folder.join(".git").exists() {
                break;
            }
        }
    }
    while base.join("__init__.py").is_file() {
        let Some(parent) = base.parent().filter(|parent| parent.parent().is_some()) else { break };
        base = parent;
    }
    base.to_owned()
}

/// Whether pytest would take its configuration from a file in `folder`:
/// <https://docs.pytest.org/en/stable/reference/customize.html>.
fn is_configured(folder: &Path) -> bool {
    let holds = |name: &str, section: &str| {
        std::fs::read_to_string(folder.join(name)).is_ok_and(|text| text.contains(section))
    };
    folder.join("pytest.ini").is_file()
        || folder.join(".pytest.ini").is_file()
        || folder.join("pytest.toml").is_file()
        || holds("pyproject.toml", "[tool.pytest")
        || holds("tox.ini", "[pytest]")
        || holds("setup.cfg", "[tool:pytest]")
}

struct Copier<'a> {
    top: &'a Path,
    base: &'a Path,
    output: &'a Path,
    bounds: Bounds,
    cancel: &'a CancellationToken,
    files: usize,
    bytes: u64,
}

impl Copier<'_> {
    fn copy(mut self) -> Result<(), CopyError> {
        let wanted: HashSet<PathBuf> = self.walk(None).map(ignore::DirEntry::into_path).collect();
        let wanted = Arc::new(wanted);
        for entry in self.walk(Some(Arc::clone(&wanted))) {
            if self.cancel.is_cancelled() {
                return Err(CopyError::Cancelled);
            }
            let from = entry.path();
            let Ok(below) = from.strip_prefix(self.top) else { continue };
            let to = self.base.join(below);
            let is_ignored = !wanted.contains(from);
            let copied = match entry.file_type() {
                Some(kind) if kind.is_dir() => std::fs::create_dir_all(&to),
                Some(kind) if kind.is_symlink() => self.link(from, &to),
                Some(kind) if kind.is_file() => self.file(from, &to, is_ignored)?,
                // Sockets, pipes, devices.
                _ => Ok(()),
            };
            copied.map_err(|source| CopyError::Io { what: "copy", path: from.to_owned(), source })?;
        }
        Ok(())
    }

    /// What git does not ignore; or else everything, given what that is.
    fn walk(&self, wanted: Option<Arc<HashSet<PathBuf>>>) -> impl Iterator<Item = ignore::DirEntry> + use<> {
        let output = self.output.to_owned();
        let top = self.top.to_owned();
        let mut walk = ignore::WalkBuilder::new(self.top);
        walk.standard_filters(false).max_depth(Some(MAX_DEPTH));
        if wanted.is_none() {
            walk.git_ignore(true).git_exclude(true).git_global(true).parents(true).require_git(false);
        }
        walk.filter_entry(move |entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            if !is_folder || entry.path() == top {
                return true;
            }
            let name = entry.file_name().to_string_lossy();
            let is_environment =
                entry.path().join("pyvenv.cfg").is_file() || entry.path().join("conda-meta").is_dir();
            !NEVER.contains(&&*name)
                && !is_environment
                && entry.path() != output
                && wanted.as_ref().is_none_or(|wanted| {
                    wanted.contains(entry.path())
                        || !GENERATED.contains(&&*name)
                        || entry.path().join("__init__.py").is_file()
                })
        });
        walk.build().filter_map(Result::ok)
    }

    fn file(&mut self, from: &Path, to: &Path, is_ignored: bool) -> Result<io::Result<()>, CopyError> {
        let Ok(length) = std::fs::metadata(from).map(|meta| meta.len()) else {
            // It has gone meanwhile.
            return Ok(Ok(()));
        };
        if is_ignored && length > MAX_IGNORED {
            return Ok(Ok(()));
        }
        self.files += 1;
        self.bytes += length;
        let Bounds { files, bytes } = self.bounds;
        if self.files > files || self.bytes > bytes {
            return Err(CopyError::TooLarge { files, megabytes: bytes >> 20 });
        }
        Ok(match std::fs::copy(from, to) {
            // What the user may not read, tests do not need.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound) =>
            {
                Ok(())
            }
            copied => copied.map(|_| ()),
        })
    }

    /// A link within the project leads to the copy; a link out of it to where it led.
    #[cfg(unix)]
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let target = std::fs::read_link(from)?;
        let full = from.parent().map(|folder| folder.join(&target)).unwrap_or_default();
        let target = match full.canonicalize() {
            Ok(real) => match real.strip_prefix(self.top) {
                Ok(below) => self.base.join(below),
                Err(_) => real,
            },
            // It leads nowhere, and shall lead nowhere.
            Err(_) => return Ok(()),
        };
        std::os::unix::fs::symlink(target, to)
    }

    #[cfg(not(unix))]
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let inside = from.canonicalize().is_ok_and(|real| real.is_file());
        if inside { std::fs::copy(from, to).map(|_| ()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn make(root: &Path, home: &Path) -> Result<Copy, CopyError> {
        let home = [("XDG_CACHE_HOME".to_owned(), home.display().to_string())];
        let system = System::fixed(std::time::UNIX_EPOCH, home, root.to_owned());
        let unsaved = HashMap::from([(RelPath::new("pkg/new.py").unwrap(), Arc::from("unsaved"))]);
        let bounds = Bounds { files: 20, bytes: 4 << 20 };
        Copy::make(root, Path::new("out"), &unsaved, bounds, &system, &CancellationToken::new())
    }

    fn put(root: &Path, path: &str, text: &[u8]) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn sources_are_copied_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (root, home) = (folder.path().join("w"), folder.path().join("home"));
        let big = vec![0; 2 << 20];
        for (path, text) in [
            ("pkg/a.py", &b"a\r\n"[..]),
            ("pkg/_version.py", b"1"),
            (".gitignore", b"_version.py\n*.bin\nbuild/\n"),
            ("data.bin", &big),
            ("small.bin", b"x"),
            ("build/x.py", b"x"),
            (".git/HEAD", b"x"),
            ("env/pyvenv.cfg", b"x"),
            ("pkg/__pycache__/a.pyc", b"x"),
            ("out/rca_report.json", b"{}"),
            (".env", b"A=1"),
        ] {
            put(&root, path, text);
        }
        std::fs::create_dir(root.join("empty")).unwrap();
        std::os::unix::fs::symlink(root.join("pkg/a.py"), root.join("link.py")).unwrap();
        let copy = make(&root, &home).unwrap();
        let mut found: Vec<String> = ignore::WalkBuilder::new(copy.root())
            .standard_filters(false)
            .build()
            .map(|entry| entry.unwrap().path().strip_prefix(copy.root()).unwrap().display().to_string())
            .collect();
        found.sort();
        let expected = [
            "",
            ".env",
            ".gitignore",
            "empty",
            "link.py",
            "pkg",
            "pkg/_version.py",
            "pkg/a.py",
            "pkg/new.py",
            "small.bin",
        ];
        assert_eq!(found, expected);
        std::fs::write(copy.root().join("link.py"), "changed").unwrap();
        assert_eq!(std::fs::read(root.join("pkg/a.py")).unwrap(), b"a\r\n");
        let places = [copy.root().to_owned(), copy.scratch().to_owned()];
        copy.delete();
        assert!(places.iter().all(|place| !place.exists()));
    }

    #[test]
    fn what_is_too_large_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (root, home) = (folder.path().join("w"), folder.path().join("home"));
        for n in 0..21 {
            put(&root, &format!("{n}.py"), b"");
        }
        assert!(matches!(make(&root, &home), Err(CopyError::TooLarge { .. })));
        assert_eq!(std::fs::read_dir(home.join("failscope/copies")).unwrap().count(), 0);
    }

    #[test]
    fn paths_in_arguments_move() {
        for (text, expected) in [
            ("--rootdir=/w/a", "--rootdir=/c/a"),
            ("/w/a/x:/w/ab:/w/a", "/c/a/x:/w/ab:/c/a"),
            ("tests", "tests"),
        ] {
            assert_eq!(replace_path(text, "/w/a", "/c/a"), expected);
        }
    }

    #[test]
    fn the_folder_with_the_configuration_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        put(top, "repo/.git/HEAD", b"");
        put(top, "repo/pyproject.toml", b"[tool.pytest.ini_options]\n");
        put(top, "repo/app/a.py", b"");
        put(top, "repo/own/pytest.ini", b"");
        put(top, "other/.git/HEAD", b"");
        put(top, "other/app/pkg/__init__.py", b"");
        put(top, "pytest.ini", b"");
        for (root, expected) in [
            ("repo/app", "repo"),
            ("repo/own", "repo/own"),
            ("other/app/pkg", "other/app"),
            ("other", "other"),
        ] {
            assert_eq!(base_of(&top.join(root)), top.join(expected), "{root}");
        }
    }
}
