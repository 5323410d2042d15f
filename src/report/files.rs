//! Reports on disk: each file is replaced as a whole by rename, so that a reader never sees half a report and
//! an old one survives a failed write.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::system::Pausing;

/// How the names of files begin and end that are being written.
const UNFINISHED: &str = ".unfinished-";
const UNFINISHED_END: &str = ".tmp";

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}; check its permissions or choose another folder with --output", .path.display())]
pub struct WriteError {
    /// What was being done.
    action: &'static str,
    /// To what.
    path: PathBuf,
    /// The cause.
    source: io::Error,
}

/// Bytes that are handed to the system at once.
const BUFFER: usize = 32 << 10;

/// The folder that reports are written to.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`, making it if there is none. A folder made here, or called `.failscope`, gets
    /// a `.gitignore` that keeps all of it out of git.
    pub fn open(path: &Path) -> Result<Self, WriteError> {
        let is_new = !path.exists();
        std::fs::create_dir_all(path).map_err(|source| WriteError {
            action: "make the folder",
            path: path.to_owned(),
            source,
        })?;
        let folder = Self { path: path.to_owned() };
        let is_ours = is_new || path.file_name().is_some_and(|name| name == ".failscope");
        if is_ours && !path.join(".gitignore").exists() {
            folder.replace(".gitignore", b"*\n")?;
        }
        folder.clear();
        Ok(folder)
    }

    /// Removes what writers have left that were killed while they wrote. A writer holds a lock on its file.
    fn clear(&self) {
        for entry in std::fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(UNFINISHED) && name.ends_with(UNFINISHED_END) {
                let Ok(file) = std::fs::File::open(entry.path()) else { continue };
                // The lock is held until the file is gone: a writer who has just made it waits for the lock and
                // then sees that it is.
                if file.try_lock().is_ok() {
                    // If it cannot be removed now, the next writer tries again.
                    let _ = std::fs::remove_file(entry.path());
                }
            }
        }
    }

    /// Writes `name` in this folder, replacing what was there in one step; gives its path.
    pub fn replace(&self, name: &str, content: &[u8]) -> Result<PathBuf, WriteError> {
        Ok(self.replace_with(name, |out| out.write_all(content))?.0)
    }

    /// Like [`Self::replace`] with what `write` writes, which is never in memory as a whole. Gives the file as well,
    /// at its end.
    pub fn replace_with(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(PathBuf, std::fs::File), WriteError> {
        let path = self.path.join(name);
        let failed = |source| WriteError { action: "write", path: path.clone(), source };
        let mut out = BufWriter::with_capacity(BUFFER, Pausing(self.unfinished().map_err(failed)?));
        write(&mut out).map_err(failed)?;
        let Pausing(file) = out.into_inner().map_err(|error| failed(error.into_error()))?;
        let file = file.persist(&path).map_err(|error| failed(error.error))?;
        Ok((path, file))
    }

    /// A new file to write to, locked.
    fn unfinished(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED).suffix(UNFINISHED_END);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // Less the umask, like any file that is simply created.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        loop {
            let file = builder.tempfile_in(&self.path)?;
            // Where the file system knows no locks nothing is ever removed.
            let is_locked = file.as_file().lock().is_ok();
            // Between the two another process may have taken it for a file that was left.
            if !is_locked || file.path().exists() {
                return Ok(file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let target = dir.path().join(".failscope");
        for content in ["one", "two"] {
            Folder::open(&target)?.replace("a.json", content.as_bytes())?;
            assert_eq!(std::fs::read_to_string(target.join("a.json"))?, content);
        }
        let mut names: Vec<_> =
            std::fs::read_dir(&target)?.map(|e| e.map(|e| e.file_name())).collect::<Result<_, _>>()?;
        names.sort();
        assert_eq!(names, [".gitignore", "a.json"]);
        assert_eq!(std::fs::read_to_string(target.join(".gitignore"))?, "*\n");
        Ok(())
    }

    #[test]
    fn what_a_killed_writer_has_left_goes_and_what_is_being_written_stays()
    -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let left = dir.path().join(".unfinished-x.tmp");
        std::fs::write(&left, "half a rep")?;
        std::fs::write(dir.path().join(".mine.tmp"), "")?;
        let writer = Folder { path: dir.path().to_owned() }.unfinished()?;
        Folder::open(dir.path())?.replace("a.json", b"x")?;
        assert!(!left.exists() && writer.path().exists() && dir.path().join(".mine.tmp").exists());
        Ok(())
    }

    #[test]
    fn writers_at_work_at_the_same_time_take_nothing_from_each_other()
    -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8)
                .map(|writer| {
                    let path = dir.path();
                    scope.spawn(move || {
                        (0..300).try_for_each(|round| {
                            Folder::open(path)?.replace(&format!("{writer}-{round}.json"), b"x").map(drop)
                        })
                    })
                })
                .collect();
            writers.into_iter().try_for_each(|writer| writer.join().unwrap_or(Ok(())))
        })?;
        assert_eq!(std::fs::read_dir(dir.path())?.count(), 8 * 300);
        Ok(())
    }

    #[test]
    fn a_folder_of_the_user_is_not_hidden_from_git() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        Folder::open(dir.path())?.replace("a.json", b"x")?;
        assert!(!dir.path().join(".gitignore").exists());
        Ok(())
    }

    #[test]
    fn an_old_file_survives_a_failed_write() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        // A folder in the file's place makes the rename fail, for root too.
        std::fs::create_dir(dir.path().join("a.json"))?;
        std::fs::write(dir.path().join("a.json/old"), "old")?;
        let error = Folder::open(dir.path())?.replace("a.json", b"new").err().ok_or("written")?;
        assert!(error.to_string().contains("a.json"), "{error}");
        assert_eq!(std::fs::read_to_string(dir.path().join("a.json/old"))?, "old");
        assert_eq!(std::fs::read_dir(dir.path())?.count(), 1, "the temporary file is gone");
        Ok(())
    }
}
