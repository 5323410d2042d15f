//! Trying a fix: on a copy, the tests that failed are run with and without it, then the other tests of the files
//! it touches and those that reach them through imports.
//!
//! ```no_run
//! # async fn example(root: &std::path::Path, system: &failscope::system::System,
//! #     fix: &failscope::model::Fix, cluster: &failscope::model::Cluster) {
//! use failscope::fix::verify::{Setting, VerifyRequest, try_fix};
//! use failscope::workspace::Config;
//!
//! let request = VerifyRequest {
//!     setting: Setting::new(root, &Config::default(), system),
//!     edits: fix.edits.iter().map(Into::into).collect(),
//!     tests: cluster.failures.iter().map(Into::into).collect(),
//! };
//! let verification = try_fix(&request, &Default::default()).await;
//! # }
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::change::{self, Change};
use super::copy::{Bounds, Copy};
use super::ran::{self, Ran, Start};
use super::reach::Importers;
use crate::evidence::redact::Redactor;
use crate::front;
use crate::model::{FailureRecord, Redacted, RelPath, Verification, VerificationState};
use crate::pytest::{interpreter, process, runner};
use crate::system::System;
use crate::workspace::{Config, Workspace};

/// Most test ids on a command line; beyond it their files are run.
const MAX_IDS: usize = 200;
/// A run with the fix may take this many times as long as the run without it.
const SLOWER: u32 = 5;
/// But this long in any case.
const LEAST_TIME: Duration = Duration::from_secs(10);

/// What a trial may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time of one run of pytest.
    pub time: Duration,
    /// Most test files that are run besides those that failed, the nearest to the change first.
    pub files: usize,
    /// Size of the copy.
    pub copy: Bounds,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_mins(1), files: 40, copy: Bounds::default() }
    }
}

/// Where and how fixes are tried.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The workspace.
    pub root: PathBuf,
    /// Its settings: interpreter, arguments, folder of the reports.
    pub config: Config,
    /// Unsaved texts of an editor, which count instead of the files'.
    pub unsaved: HashMap<RelPath, Arc<str>>,
    /// Limits.
    pub limits: Limits,
    /// Replaces secrets in what is shown.
    pub redactor: Redactor,
    /// The world.
    pub system: System,
}

impl Setting {
    /// The workspace at `root` as it is on disk.
    pub fn new(root: &Path, config: &Config, system: &System) -> Self {
        Self {
            root: root.to_owned(),
            config: config.clone(),
            unsaved: HashMap::new(),
            limits: Limits::default(),
            redactor: front::redactor(root, config, system),
            system: system.clone(),
        }
    }
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its id in the results; a file's or folder's for a failed collection.
    pub id: String,
    /// Its id as pytest takes it in the workspace's folder.
    pub arg: String,
    /// Its id as it may be shown.
    pub shown: Redacted,
    /// The type of the exception that it failed with; empty if unknown.
    pub exception: String,
}

impl From<&FailureRecord> for Test {
    fn from(failure: &FailureRecord) -> Self {
        // A conftest.py has no tests: it is mended when those of its folder are collected and run.
        let folder = |id: &str| match id.strip_suffix("conftest.py")? {
            "" => Some(".".to_owned()),
            above => above.strip_suffix('/').map(str::to_owned),
        };
        let (id, arg) = (failure.test_id.as_str().to_owned(), failure.id_in_workspace());
        Self {
            id: folder(&id).unwrap_or(id),
            arg: folder(&arg).unwrap_or(arg),
            shown: failure.test.clone(),
            exception: failure.exception.as_str().to_owned(),
        }
    }
}

impl Test {
    pub(super) fn file(&self) -> &str {
        self.arg.split("::").next().unwrap_or(&self.arg)
    }

    /// What is known under this test's id in a run, whose root may be another.
    pub(super) fn of<'a, V>(&self, all: &'a BTreeMap<String, V>) -> Option<(&'a str, &'a V)> {
        let found = all.get_key_value(&self.id).or_else(|| all.get_key_value(&self.arg));
        found.or_else(|| all.iter().find(|(id, _)| is_end(id, &self.arg))).map(|(id, v)| (id.as_str(), v))
    }

    /// Whether a run has shown that it passes: if its collection had failed, all tests that are collected now.
    fn passes(&self, ran: &Ran) -> bool {
        if let Some((id, _)) = self.of(&ran.ends) {
            return ran.passed(id);
        }
        let is_mine = |id: &str| {
            [&self.id, &self.arg].iter().any(|mine| {
                **mine == "."
                    || id == **mine
                    || id.strip_prefix(mine.as_str()).is_some_and(|r| r.starts_with(['/', ':']))
            })
        };
        let mut tests = ran.ends.keys().filter(|id| is_mine(id)).peekable();
        !self.id.contains("::")
            && tests.peek().is_some()
            && tests.all(|id| !ran.failed(id))
            && !ran.uncollected.iter().any(|id| is_mine(id))
    }
}

/// Whether `id` is `arg` with folders before it.
fn is_end(id: &str, arg: &str) -> bool {
    id.strip_suffix(arg).is_some_and(|before| before.ends_with('/'))
}

/// What is to be tried.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// Where and how.
    pub setting: Setting,
    /// The fix.
    pub edits: Vec<Change>,
    /// The tests that it is to mend.
    pub tests: Vec<Test>,
}

/// Tries one fix. Needs a Tokio runtime. Nothing of the workspace is written; when this returns or is dropped, the
/// processes it started are killed and the copy is deleted.
pub async fn try_fix(request: &VerifyRequest, cancel: &CancellationToken) -> Verification {
    Trial::new(request.setting.clone()).attempt(&request.edits, &request.tests, cancel, &|_| {}).await
}

/// What is being done, for progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The project is copied.
    Copying,
    /// The tests are run as they are.
    Before,
    /// The tests that failed are run with the fix.
    With,
    /// Other tests are run with the fix: that many files.
    Others(usize),
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Copying => f.write_str("copying the project"),
            Self::Before => f.write_str("running the tests without the fix"),
            Self::With => f.write_str("running the tests with the fix"),
            Self::Others(1) => f.write_str("running the tests of 1 file that the fix may reach"),
            Self::Others(n) => write!(f, "running the tests of {n} files that the fix may reach"),
        }
    }
}

/// Is told each step as it begins.
pub type Say<'a> = &'a (dyn Fn(Step) + Send + Sync);

/// Tries fixes of one workspace as it is at one moment: what fails without them is found out once.
#[derive(Debug)]
pub struct Trial {
    setting: Arc<Setting>,
    start: Option<Start>,
    importers: Option<Arc<Importers>>,
    before: Before,
}

/// What is known of the tests without a fix.
#[derive(Debug, Default)]
struct Before {
    files: BTreeSet<String>,
    ran: Ran,
    took: Duration,
}

/// Why nothing can be said.
type Because = String;

impl Trial {
    /// Nothing is done yet.
    pub fn new(setting: Setting) -> Self {
        Self { setting: Arc::new(setting), start: None, importers: None, before: Before::default() }
    }

    /// Tries one fix.
    pub async fn attempt(
        &mut self,
        edits: &[Change],
        tests: &[Test],
        cancel: &CancellationToken,
        say: Say<'_>,
    ) -> Verification {
        let tried = self.tried(edits, tests, cancel, say).await;
        if cancel.is_cancelled() {
            return not_run(Redacted::fixed("cancelled"));
        }
        tried.unwrap_or_else(|because| not_run(self.setting.redactor.text(&because)))
    }

    async fn tried(
        &mut self,
        edits: &[Change],
        tests: &[Test],
        cancel: &CancellationToken,
        say: Say<'_>,
    ) -> Result<Verification, Because> {
        if edits.is_empty() {
            return Err("there is no edit to try".to_owned());
        }
        if tests.is_empty() || tests.iter().any(|test| test.arg.is_empty() || test.arg.starts_with('-')) {
            return Err("the tests that failed have no ids that pytest takes".to_owned());
        }
        say(Step::Copying);
        let start = self.start().await?;
        let copy = self.copy(cancel).await?;
        let touched = patch(&copy, edits)?;
        let own: BTreeSet<String> = tests.iter().map(|test| test.file().to_owned()).collect();
        let mut others = self.reached(&touched).await?;
        others.retain(|file| !own.contains(file));
        let left_out = others.len().saturating_sub(self.setting.limits.files);
        others.truncate(self.setting.limits.files);

        say(Step::Before);
        self.run_before(&start, &own, &others, cancel).await?;
        let before = &self.before.ran;
        let name = &tests[0].shown;
        let failing: Vec<Test> = tests.iter().filter(|test| !test.passes(before)).cloned().collect();
        if failing.is_empty() {
            return Err(format!(
                "{name} passes without the fix as well: the results are old, or the test is flaky"
            ));
        }
        let tests = failing.as_slice();
        for test in tests {
            let is_known = test.of(&before.ends).is_some() || test.of(&before.failures).is_some();
            if !is_known && !before.timed_out && !before.broke && before.root.is_some() {
                return Err(format!("pytest does not find {}", test.shown));
            }
        }

        say(Step::With);
        let limit = (self.before.took * SLOWER).max(LEAST_TIME).min(self.setting.limits.time);
        let ids: BTreeSet<&str> = tests.iter().map(|test| test.arg.as_str()).collect();
        let files = || own.iter().cloned().collect::<Vec<_>>();
        let args = if ids.len() > MAX_IDS { files() } else { ids.iter().map(|&id| id.to_owned()).collect() };
        let mut with = run(&copy, &start, &args, limit, cancel).await?;
        if with.ends.is_empty() && with.failures.is_empty() && !with.timed_out && with.root.is_some() {
            // The fix may have changed the ids of parameters: then pytest refuses them all.
            with = run(&copy, &start, &files(), limit, cancel).await?;
        }
        if let Some(told) = self.refuted(tests, &with)? {
            return Ok(told);
        }
        say(Step::Others(own.len() + others.len()));
        let mut all = files();
        all.extend(others);
        let with = run(&copy, &start, &all, limit, cancel).await?;
        if let Some(told) = self.refuted(tests, &with)? {
            return Ok(told);
        }
        let before = &self.before.ran;
        let broken = before.ends.keys().filter(|id| before.passed(id) && with.failed(id));
        let broken: Vec<Redacted> = broken.map(|id| self.setting.redactor.text(id)).collect();
        tokio::task::spawn_blocking(move || copy.delete()).await.map_err(|error| error.to_string())?;
        let reason = (left_out > 0)
            .then(|| self.setting.redactor.text(&format!("{left_out} more test files were not run")));
        let state = if broken.is_empty() { VerificationState::Verified } else { VerificationState::Breaks };
        Ok(Verification { state, passed: shown(tests), broken, reason })
    }

    /// What a run with the fix has shown against it: that it does not help, or takes too long.
    fn refuted(&self, tests: &[Test], with: &Ran) -> Result<Option<Verification>, Because> {
        let before = &self.before.ran;
        let passed: Vec<Redacted> = {
            let passing: Vec<Test> = tests.iter().filter(|test| test.passes(with)).cloned().collect();
            shown(&passing)
        };
        let told = |state, reason| Ok(Some(Verification { state, passed, broken: Vec::new(), reason }));
        if with.timed_out {
            return told(VerificationState::TimedOut, None);
        }
        if with.root.is_none() && before.root.is_none() {
            return Err(no_start(with));
        }
        let Some(failing) = tests.iter().find(|test| !test.passes(with)) else { return Ok(None) };
        if let Some((_, (exception, headline))) = failing.of(&before.failures)
            && !exception.is_empty()
            && !failing.exception.is_empty()
            && last_name(exception) != last_name(&failing.exception)
        {
            return Err(format!(
                "without the fix {} fails in another way on a copy of the project: {headline}",
                failing.shown
            ));
        }
        let how = match failing.of(&with.failures) {
            Some((_, (_, headline))) => headline.clone(),
            None if with.root.is_none() => no_start(with),
            None => "it did not run".to_owned(),
        };
        told(
            VerificationState::NoHelp,
            Some(self.setting.redactor.text(&format!("{}: {how}", failing.shown))),
        )
    }

    /// Runs the tests of files that have not been run without a fix yet.
    async fn run_before(
        &mut self,
        start: &Start,
        own: &BTreeSet<String>,
        others: &[String],
        cancel: &CancellationToken,
    ) -> Result<(), Because> {
        let is_new = |file: &&String| !self.before.files.contains(*file);
        let own: Vec<String> = own.iter().filter(is_new).cloned().collect();
        let others: Vec<String> = others.iter().filter(is_new).cloned().collect();
        let mut waiting = vec![[own.as_slice(), &others].concat()];
        while let Some(files) = waiting.pop().filter(|files| !files.is_empty()) {
            let copy = self.copy(cancel).await?;
            let begun = Instant::now();
            let ran = run(&copy, start, &files, self.setting.limits.time, cancel).await?;
            self.before.took = self.before.took.max(begun.elapsed());
            if ran.timed_out && !own.is_empty() && files.len() > own.len() {
                // It is what failed that takes for ever; the others are to be known all the same.
                waiting.push(others.clone());
            }
            self.before.add(ran);
            self.before.files.extend(files);
            tokio::task::spawn_blocking(move || copy.delete()).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub(super) async fn copy(&self, cancel: &CancellationToken) -> Result<Copy, Because> {
        let (setting, cancel) = (Arc::clone(&self.setting), cancel.clone());
        tokio::task::spawn_blocking(move || {
            let Setting { root, config, unsaved, limits, system, .. } = &*setting;
            Copy::make(root, Path::new(&config.output), unsaved, limits.copy, system, &cancel)
        })
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())
    }

    /// How pytest is started; found out once.
    pub(super) async fn start(&mut self) -> Result<Start, Because> {
        if let Some(start) = &self.start {
            return Ok(start.clone());
        }
        let Setting { root, config, system, .. } = &*self.setting;
        let found = interpreter::find(root, config.python.as_deref(), system)
            .ok_or_else(|| runner::RunError::NoPython.to_string())?;
        let start = Start {
            interpreter: process::resolved(found, root).await.map_err(|error| error.to_string())?,
            plugin: runner::plugin_folder(system).map_err(|error| error.to_string())?,
            args: config.pytest_args.clone(),
            python_path: system.env("PYTHONPATH").map(ToOwned::to_owned),
        };
        self.start = Some(start.clone());
        Ok(start)
    }

    /// The test files that reach the touched ones, nearest first.
    pub(super) async fn reached(&mut self, touched: &BTreeSet<RelPath>) -> Result<Vec<String>, Because> {
        let importers = if let Some(importers) = &self.importers {
            Arc::clone(importers)
        } else {
            let setting = Arc::clone(&self.setting);
            let found = tokio::task::spawn_blocking(move || {
                let workspace = Workspace::new(&setting.root, Arc::new(setting.config.clone()))
                    .with_overlay(setting.unsaved.clone());
                Arc::new(Importers::of(&workspace))
            });
            Arc::clone(self.importers.insert(found.await.map_err(|error| error.to_string())?))
        };
        Ok(importers.test_files(touched).iter().map(|path| path.as_str().to_owned()).collect())
    }
}

impl Before {
    fn add(&mut self, more: Ran) {
        let ran = &mut self.ran;
        ran.ends.extend(more.ends);
        ran.failures.extend(more.failures);
        ran.uncollected.extend(more.uncollected);
        ran.root = ran.root.take().or(more.root);
        ran.timed_out |= more.timed_out;
        ran.broke |= more.broke;
        ran.output = more.output;
    }
}

/// Runs tests in a copy, and makes sure that it was the copy's code that ran.
async fn run(
    copy: &Copy,
    start: &Start,
    args: &[String],
    time: Duration,
    cancel: &CancellationToken,
) -> Result<Ran, Because> {
    let ran = ran::run(copy, start, args, time, cancel).await.map_err(|error| error.to_string())?;
    if ran.cancelled {
        return Err("cancelled".to_owned());
    }
    if !ran.foreign.is_empty() {
        let shown = ran.foreign.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "the tests of the copy import {shown} from the project itself, so nothing can be tried on a copy"
        ));
    }
    let is_outside = |root: &PathBuf| {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        !real(root).starts_with(real(copy.base()))
    };
    if ran.root.as_ref().is_some_and(is_outside) {
        return Err(
            "pytest's configuration names the project's folder, so nothing can be tried on a copy".to_owned()
        );
    }
    Ok(ran)
}

/// Makes the changes in the copy; gives the files.
fn patch(copy: &Copy, edits: &[Change]) -> Result<BTreeSet<RelPath>, Because> {
    let mut texts = Vec::new();
    for (path, changes) in change::by_file(edits) {
        // A new file begins empty.
        let text = copy.read(path).or_else(|| (!path.under(copy.root()).exists()).then(|| Arc::from("")));
        let changed = text.and_then(|text| change::apply(path, &text, &changes));
        let changed =
            changed.ok_or_else(|| format!("{} has changed since the fix was made", path.as_str()))?;
        texts.push((path.clone(), changed));
    }
    for (path, text) in &texts {
        copy.write(path, text).map_err(|error| error.to_string())?;
    }
    Ok(texts.into_iter().map(|(path, _)| path).collect())
}

fn not_run(reason: Redacted) -> Verification {
    Verification { reason: Some(reason), ..Verification::default() }
}

fn no_start(ran: &Ran) -> String {
    let last = ran.output.lines().rev().map(str::trim).find(|line| !line.is_empty());
    format!("pytest could not run: {}", last.unwrap_or("it printed nothing"))
}

fn last_name(exception: &str) -> &str {
    exception.rsplit('.').next().unwrap_or(exception)
}

/// The tests as they may be shown, each once.
fn shown(tests: &[Test]) -> Vec<Redacted> {
    let mut seen = BTreeSet::new();
    tests.iter().filter(|test| seen.insert(&test.arg)).map(|test| test.shown.clone()).collect()
}
