//! What git says of the workspace. The one place that starts git.

pub mod changes;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

/// How long git may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Most bytes of its answer that are read.
const MAX_ANSWER: u64 = 16 << 20;

/// The checkout around a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The commit that is checked out; `None` before the first one.
    pub commit: Option<String>,
    /// The branch; `None` if none is checked out.
    pub branch: Option<String>,
    /// The checkout's top folder.
    pub top: PathBuf,
    /// Files that are not as in the commit: path relative to `top`, and whether git knows them.
    pub changed: Vec<(String, bool)>,
    /// When another commit was last checked out or made here.
    pub moved: Option<SystemTime>,
}

/// The folder at or above `folder` that git has checked out.
pub fn top(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join(".git").exists())
}

/// The state of the checkout around `folder`; `None` if there is none, or git is missing, fails or takes too long.
pub fn state(folder: &Path) -> Option<State> {
    let top = top(folder)?;
    let args = ["--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all"];
    let answer = ask(top, &args)?;
    let mut state =
        State { commit: None, branch: None, top: top.to_owned(), changed: Vec::new(), moved: moved(top) };
    let mut parts = answer.split('\0');
    while let Some(part) = parts.next() {
        let Some((kind, rest)) = part.split_once(' ') else { continue };
        match kind {
            "#" => match rest.split_once(' ') {
                Some(("branch.oid", id)) if id != "(initial)" => state.commit = Some(id.to_owned()),
                Some(("branch.head", name)) if name != "(detached)" => state.branch = Some(name.to_owned()),
                _ => {}
            },
            // git-status(1): the path is the last field; a rename has its old path as the next part.
            "1" => state.changed.extend(rest.splitn(8, ' ').last().map(|path| (path.to_owned(), true))),
            "2" => {
                state.changed.extend(rest.splitn(9, ' ').last().map(|path| (path.to_owned(), true)));
                state.changed.extend(parts.next().map(|path| (path.to_owned(), true)));
            }
            "u" => state.changed.extend(rest.splitn(10, ' ').last().map(|path| (path.to_owned(), true))),
            "?" => state.changed.push((rest.to_owned(), false)),
            _ => {}
        }
    }
    Some(state)
}

/// The address that the checkout around `folder` came from.
pub fn origin(folder: &Path) -> Option<String> {
    let answer = ask(top(folder)?, &["config", "--get", "remote.origin.url"])?;
    Some(answer.trim().to_owned()).filter(|url| !url.is_empty())
}

/// When another commit was last checked out or made: git logs each such move.
fn moved(top: &Path) -> Option<SystemTime> {
    let git = top.join(".git");
    // In a worktree it is a file that names the folder.
    let folder = if git.is_file() {
        let text = std::fs::read_to_string(&git).ok()?;
        top.join(text.strip_prefix("gitdir:")?.trim())
    } else {
        git
    };
    let changed = |name: &str| std::fs::metadata(folder.join(name)).and_then(|m| m.modified()).ok();
    changed("logs/HEAD").or_else(|| changed("HEAD"))
}

/// What git answers to `args`, within [`LIMIT`].
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts git")]
fn ask(folder: &Path, args: &[&str]) -> Option<String> {
    let mut child = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        // A hook of git has these set for its own repository.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let pipe = child.stdout.take()?;
    let (send, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.take(MAX_ANSWER).read_to_end(&mut bytes);
        // Whoever asked may have given up.
        let _ = send.send(read.map(|_| bytes));
    });
    let answer = answer.recv_timeout(LIMIT).ok().and_then(Result::ok);
    if answer.is_none() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    answer.filter(|_| status.success()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn git(folder: &Path, args: &[&str]) {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
        ask(folder, &[&identity[..], args].concat()).unwrap_or_else(|| panic!("git {args:?}"));
    }

    #[test]
    fn tells_commit_branch_and_changes() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        assert_eq!(state(&top), None);
        // The first command makes what the others look for.
        ask(&top, &["init", "-q", "-b", "trunk", "."]).unwrap();
        assert_eq!(state(&top).unwrap().commit, None);
        std::fs::create_dir(top.join("sub")).unwrap();
        for name in ["a b.py", "old.py", "sub/c.py"] {
            std::fs::write(top.join(name), "x = 1\ny = 2\nz = 3\n").unwrap();
        }
        git(&top, &["add", "."]);
        git(&top, &["commit", "-q", "-m", "one"]);
        let clean = state(&top.join("sub")).unwrap();
        assert_eq!((clean.branch.as_deref(), clean.changed.len()), (Some("trunk"), 0));
        assert_eq!(clean.commit.as_ref().unwrap().len(), 40);
        assert!(clean.moved.is_some());

        std::fs::write(top.join("a b.py"), "x = 2\n").unwrap();
        std::fs::write(top.join("new.py"), "").unwrap();
        git(&top, &["mv", "old.py", "moved.py"]);
        let mut changed = state(&top).unwrap().changed;
        changed.sort();
        let names: Vec<(&str, bool)> = changed.iter().map(|(name, known)| (name.as_str(), *known)).collect();
        assert_eq!(names, [("a b.py", true), ("moved.py", true), ("new.py", false), ("old.py", true)]);
        assert_eq!(origin(&top), None);
        git(&top, &["remote", "add", "origin", "https://example.invalid/o/r.git"]);
        assert_eq!(origin(&top).as_deref(), Some("https://example.invalid/o/r.git"));
    }
}
