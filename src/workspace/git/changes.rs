//! Which lines git says were changed lately. Nothing here fails: without git, outside of a checkout, or when git
//! takes too long, nothing is known.

use std::path::Path;

use super::ask;
use crate::model::RelPath;

/// Commits that count as the last ones.
pub const LAST_COMMITS: u32 = 5;

/// When lines were changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Since the last commit.
    WorkingTree,
    /// In one of the last [`LAST_COMMITS`] commits.
    LastCommits,
}

/// Lines of the files as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The file.
    pub path: RelPath,
    /// First line, from 1.
    pub first: u32,
    /// Last line; where lines were only taken away, that before them and that after.
    pub last: u32,
    /// When.
    pub when: When,
}

/// The lines of Python files below `root` that were changed in the working tree and in the last commits.
pub fn changed(root: &Path) -> Vec<Changed> {
    let mut all = since(root, "HEAD", &When::WorkingTree);
    for changed in since(root, &format!("HEAD~{LAST_COMMITS}"), &When::LastCommits) {
        let known = all.iter().any(|known| {
            known.path == changed.path && known.first <= changed.first && changed.last <= known.last
        });
        if !known {
            all.push(changed);
        }
    }
    all
}

/// The lines of Python files below `root` that differ from those of `commit`, changes in no commit included.
pub fn since_commit(root: &Path, commit: &str) -> Vec<Changed> {
    if is_id(commit) { since(root, commit, &When::LastCommits) } else { Vec::new() }
}

/// Number of commits from `commit` to the one checked out; `None` if it is no ancestor of that, as on another branch.
pub fn commits_since(root: &Path, commit: &str) -> Option<u32> {
    if !is_id(commit) {
        return None;
    }
    ask(root, &["merge-base", "--is-ancestor", commit, "HEAD"])?;
    ask(root, &["rev-list", "--count", &format!("{commit}..HEAD")])?.trim().parse().ok()
}

/// Whether it is the id of a commit, and no option or range.
fn is_id(commit: &str) -> bool {
    commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn since(root: &Path, commit: &str, when: &When) -> Vec<Changed> {
    let diff = ask(
        root,
        &[
            "--no-optional-locks",
            // A repository's settings must not start programs or wait for anything.
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.quotepath=false",
            "diff",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--relative",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            "--unified=0",
            commit,
            "--",
            "*.py",
        ],
    );
    diff.map_or_else(Vec::new, |diff| hunks(&diff, when))
}

/// The changed lines of a diff without context.
fn hunks(diff: &str, when: &When) -> Vec<Changed> {
    let mut all = Vec::new();
    let mut path = None;
    // Lines of the hunk that are still to come: one of them may look like a header.
    let mut rest = 0_u32;
    for line in diff.lines() {
        if rest > 0 && line.starts_with(['+', '-']) {
            rest -= 1;
            continue;
        }
        if let Some(name) = line.strip_prefix("+++ ") {
            path = name.strip_prefix("b/").and_then(RelPath::new);
        } else if let Some(header) = line.strip_prefix("@@ ") {
            let mut parts = header.split_whitespace();
            let (Some(old), Some(new)) = (parts.next().and_then(range), parts.next().and_then(range)) else {
                continue;
            };
            rest = old.1.saturating_add(new.1);
            let Some(path) = &path else { continue };
            let (first, last) = match new {
                (line, 0) => (line.max(1), line.saturating_add(1)),
                (line, count) => (line, line.saturating_add(count - 1)),
            };
            all.push(Changed { path: path.clone(), first, last, when: when.clone() });
        }
    }
    all
}

/// `+12,3` or `-12`.
fn range(text: &str) -> Option<(u32, u32)> {
    let text = text.get(1..)?;
    let (line, count) = text.split_once(',').unwrap_or((text, "1"));
    Some((line.parse().ok()?, count.parse().ok()?))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn hunks_give_the_lines_as_they_are_now() {
        let diff = "diff --git a/a/b.py b/a/b.py\nindex 1..2 100644\n--- a/a/b.py\n+++ b/a/b.py\n\
                    @@ -3 +3,2 @@ def f():\n-x\n+y\n+++ b/evil.py\n@@ -9,2 +10,0 @@\n-p\n-q\n\
                    diff --git a/gone.py b/gone.py\n--- a/gone.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
        let found = hunks(diff, &When::WorkingTree);
        let lines: Vec<(&str, u32, u32)> = found.iter().map(|c| (c.path.as_str(), c.first, c.last)).collect();
        assert_eq!(lines, [("a/b.py", 3, 4), ("a/b.py", 10, 11)]);
    }

    #[test]
    fn outside_of_a_checkout_nothing_is_known() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(changed(folder.path()), []);
    }
}
