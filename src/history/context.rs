//! What a run ran on, as far as it can still be known when it is recorded: code, machine, and which run of the CI
//! it is a part of.

use std::path::Path;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use crate::system::System;
use crate::workspace::git;

/// Most files that are looked at to tell whether the code is the same.
const MAX_FILES: usize = 20_000;
/// Largest changed file whose content is looked at.
const MAX_CONTENT: u64 = 4 << 20;
/// A run that ended longer ago is not a part of the CI job that records it.
const CI_AGE: Duration = Duration::from_hours(6);

/// The code as it is now. See [`Code::at`] for what of it holds for a run.
#[derive(Debug, Clone, Default)]
struct Code {
    commit: Option<String>,
    branch: Option<String>,
    /// Whether there are changes that are in no commit.
    dirty: Option<bool>,
    /// Identity of all that counts as code.
    tree: Option<String>,
    /// When the commit last changed, and when any file did that is not as in it.
    commit_since: Option<SystemTime>,
    tree_since: Option<SystemTime>,
}

/// What is known of the code of one run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodeOfRun {
    /// The commit.
    pub commit: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// Whether there were changes that are in no commit.
    pub dirty: Option<bool>,
    /// Equal for runs on the same code.
    pub tree: Option<String>,
}

/// Where runs are recorded.
#[derive(Debug, Clone)]
pub struct Context {
    /// The project, in a store that many share.
    pub project: String,
    /// The run of the CI that this is a part of.
    pub ci_run: Option<String>,
    /// Which part of it.
    pub shard: Option<String>,
    /// The machine.
    pub machine: Option<String>,
    /// The branch that the CI names; it has none checked out.
    ci_branch: Option<String>,
    code: Code,
    now: SystemTime,
}

impl Context {
    /// Looks at the workspace at `root` and at the environment.
    pub fn of(root: &Path, system: &System) -> Self {
        let host = system.env("HOSTNAME").map(str::to_owned).or_else(crate::system::host);
        Self {
            project: project(root, system),
            ci_run: ci_run(system),
            shard: shard(system),
            machine: host.filter(|name| !name.is_empty()),
            ci_branch: [
                "GITHUB_HEAD_REF",
                "GITHUB_REF_NAME",
                "CI_COMMIT_REF_NAME",
                "BUILDKITE_BRANCH",
                "CIRCLE_BRANCH",
                "BUILD_SOURCEBRANCHNAME",
                "BRANCH_NAME",
            ]
            .iter()
            .find_map(|name| system.env(name))
            .map(str::to_owned),
            code: Code::now(root, system),
            now: system.now(),
        }
    }

    /// The code of a run that began and ended then, in seconds since the Unix epoch.
    pub fn code_at(&self, started: Option<f64>, ended: f64) -> CodeOfRun {
        let Some(started) = started.or(Some(ended)).and_then(time_of) else { return CodeOfRun::default() };
        let mut code = self.code.at(started);
        if code.branch.is_none() && self.ci_run_at(ended).is_some() {
            code.branch.clone_from(&self.ci_branch);
        }
        code
    }

    /// The run of the CI that a run is a part of which ended then.
    pub fn ci_run_at(&self, ended: f64) -> Option<&str> {
        let ended = time_of(ended)?;
        let is_recent = self.now.duration_since(ended).is_ok_and(|age| age < CI_AGE) || ended >= self.now;
        self.ci_run.as_deref().filter(|_| is_recent)
    }
}

fn time_of(seconds: f64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

impl Code {
    fn now(root: &Path, system: &System) -> Self {
        match git::state(root) {
            Some(state) if state.commit.is_some() => Self::of_git(state),
            _ => {
                let commit = ["GITHUB_SHA", "CI_COMMIT_SHA", "BUILDKITE_COMMIT", "CIRCLE_SHA1", "GIT_COMMIT"]
                    .iter()
                    .find_map(|name| system.env(name))
                    .filter(|sha| sha.len() >= 7 && sha.chars().all(|c| c.is_ascii_hexdigit()));
                let mut code = Self::of_files(root);
                code.commit = commit.map(str::to_owned);
                code
            }
        }
    }

    fn of_git(state: git::State) -> Self {
        let mut hash = Sha256::new();
        hash.update(state.commit.as_deref().unwrap_or_default());
        let mut since = state.moved;
        let mut changed = state.changed;
        // New files beside the code, results for instance, do not make it other code.
        changed.retain(|(name, known)| *known || is_code(Path::new(name)));
        changed.sort();
        for (name, _) in changed.iter().take(MAX_FILES) {
            let path = state.top.join(name);
            hash.update([0]);
            hash.update(name);
            hash.update([0]);
            let Ok(meta) = std::fs::metadata(&path) else { continue };
            if let Ok(modified) = meta.modified() {
                since = since.max(Some(modified));
            }
            if meta.is_file()
                && meta.len() <= MAX_CONTENT
                && let Ok(content) = std::fs::read(&path)
            {
                hash.update(Sha256::digest(content));
            } else {
                hash.update(meta.len().to_le_bytes());
            }
        }
        let is_dirty = !changed.is_empty();
        Self {
            branch: state.branch,
            dirty: Some(is_dirty),
            tree: if is_dirty { Some(hex(&hash.finalize())) } else { state.commit.clone() },
            commit: state.commit,
            commit_since: state.moved,
            tree_since: since,
        }
    }

    /// Without git: the files by path, size and time.
    fn of_files(root: &Path) -> Self {
        let mut files = Vec::new();
        let walk = ignore::WalkBuilder::new(root)
            .standard_filters(true)
            .require_git(false)
            .filter_entry(|entry| {
                let name = entry.file_name();
                !(entry.path().join("pyvenv.cfg").exists()
                    || name == "node_modules"
                    || name == "site-packages")
            })
            .build();
        for entry in walk.filter_map(Result::ok).take(MAX_FILES * 5) {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            if !is_file || !is_code(entry.path()) {
                continue;
            }
            let Ok(meta) = entry.metadata() else { continue };
            let Ok(modified) = meta.modified() else { return Self::default() };
            let name = entry.path().strip_prefix(root).unwrap_or(entry.path()).display().to_string();
            files.push((name, meta.len(), modified));
            if files.len() > MAX_FILES {
                return Self::default();
            }
        }
        files.sort();
        let mut hash = Sha256::new();
        let mut since = None;
        for (name, length, modified) in &files {
            let age = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            hash.update(name);
            hash.update([0]);
            hash.update(length.to_le_bytes());
            hash.update(age.as_nanos().to_le_bytes());
            since = since.max(Some(*modified));
        }
        let tree = (!files.is_empty()).then(|| hex(&hash.finalize()));
        Self { tree, tree_since: since, ..Self::default() }
    }

    /// What holds for a run that began at `started`: the commit if no other was checked out since, the tree if no
    /// file changed since. Of a run whose code is gone nothing is claimed.
    fn at(&self, started: SystemTime) -> CodeOfRun {
        let commit_holds = self.commit_since.is_none_or(|since| since <= started);
        let tree_holds = commit_holds && self.tree_since.is_none_or(|since| since <= started);
        CodeOfRun {
            commit: self.commit.clone().filter(|_| commit_holds),
            branch: self.branch.clone().filter(|_| commit_holds),
            dirty: self.dirty.filter(|_| tree_holds),
            tree: self.tree.clone().filter(|_| tree_holds),
        }
    }
}

/// Whether a file can change what tests do, by its name.
fn is_code(path: &Path) -> bool {
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| {
        matches!(ending, "py" | "pyi" | "pyx" | "toml" | "cfg" | "ini" | "c" | "h" | "cpp" | "rs" | "sql")
    })
}

/// The name of the project: the path of its repository, else of its folder.
fn project(root: &Path, system: &System) -> String {
    let repository = ["FAILSCOPE_PROJECT", "GITHUB_REPOSITORY", "CI_PROJECT_PATH"]
        .iter()
        .find_map(|name| system.env(name))
        .map(str::to_owned)
        .or_else(|| repository(&git::origin(root)?));
    let folder = || root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name = repository.unwrap_or_else(|| match git::top(root) {
        Some(top) => top.file_name().map_or_else(folder, |name| name.to_string_lossy().into_owned()),
        None => folder(),
    });
    match git::top(root).and_then(|top| root.strip_prefix(top).ok()) {
        Some(inside) if inside.as_os_str().is_empty() => name,
        Some(inside) => format!("{name}/{}", inside.display().to_string().replace('\\', "/")),
        None => name,
    }
}

/// `owner/name` of a repository's address: `https://host/owner/name.git`, `git@host:owner/name`.
fn repository(address: &str) -> Option<String> {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => address.split_once(':').map_or(address, |(_, path)| path),
    };
    let path = path.trim_matches('/').trim_end_matches(".git");
    (!path.is_empty()).then(|| path.to_owned())
}

/// The run of the CI, the same in all its jobs.
fn ci_run(system: &System) -> Option<String> {
    if let Some(id) = system.env("FAILSCOPE_RUN_ID") {
        return Some(id.to_owned());
    }
    if let Some(id) = system.env("GITHUB_RUN_ID") {
        let attempt = system.env("GITHUB_RUN_ATTEMPT").unwrap_or("1");
        return Some(format!("github:{id}.{attempt}"));
    }
    [
        ("CI_PIPELINE_ID", "gitlab"),
        ("BUILDKITE_BUILD_ID", "buildkite"),
        ("CIRCLE_WORKFLOW_ID", "circle"),
        ("BUILD_BUILDID", "azure"),
        ("BUILD_TAG", "jenkins"),
    ]
    .iter()
    .find_map(|(name, kind)| system.env(name).map(|id| format!("{kind}:{id}")))
}

/// The part of the CI's run.
fn shard(system: &System) -> Option<String> {
    if let Some(shard) = system.env("FAILSCOPE_SHARD") {
        return Some(shard.to_owned());
    }
    let index = ["CI_NODE_INDEX", "CIRCLE_NODE_INDEX", "BUILDKITE_PARALLEL_JOB"]
        .iter()
        .find_map(|name| system.env(name));
    let job = ["GITHUB_JOB", "CI_JOB_NAME", "CIRCLE_JOB", "BUILDKITE_LABEL"]
        .iter()
        .find_map(|name| system.env(name));
    match (job, index) {
        (None, None) => None,
        (job, index) => Some([job, index].into_iter().flatten().collect::<Vec<_>>().join(" ")),
    }
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_by_their_path() {
        let rows = [
            ("https://example.invalid/o/r.git", Some("o/r")),
            ("https://user:token@example.invalid/group/sub/r", Some("group/sub/r")),
            ("git@example.invalid:o/r.git", Some("o/r")),
            ("ssh://git@example.invalid:22/o/r.git", Some("o/r")),
            ("/srv/git/r.git", Some("srv/git/r")),
            ("https://example.invalid", None),
        ];
        for (address, expected) in rows {
            assert_eq!(repository(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn nothing_is_claimed_of_code_that_is_gone() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let code = Code {
            commit: Some("c".to_owned()),
            branch: Some("b".to_owned()),
            dirty: Some(true),
            tree: Some("t".to_owned()),
            commit_since: Some(at(100)),
            tree_since: Some(at(200)),
        };
        assert_eq!(code.at(at(50)), CodeOfRun::default());
        let between = code.at(at(150));
        assert_eq!((between.commit.as_deref(), between.tree, between.dirty), (Some("c"), None, None));
        let after = code.at(at(250));
        assert_eq!((after.tree.as_deref(), after.dirty), (Some("t"), Some(true)));
    }
}
