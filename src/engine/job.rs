//! One analysis of one folder: finds the result files, reads those that changed, merges, analyses. Blocking;
//! the engine runs it on a thread of its own and takes its outcome as an event.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value as Json;

use super::cleared;
use super::findings::{Maps, Prepared};
use super::live::{self, Live, News};
use super::queue::Cancel;
use super::tools::Tools;
use crate::history::summary::Graded;
use crate::ingest::IngestError;
use crate::model::{Analysis, Exit, Phase, Problem, RelPath, Run, TestId, TestOutcomes};
use crate::system::System;
use crate::workspace::config::ConfigProblem;
use crate::workspace::source::{self, SourceFile};
use crate::workspace::{Config, Workspace};

/// How long a file that looks unfinished must stay as it is before it is taken as it is.
pub const SETTLE: Duration = Duration::from_millis(600);
/// Age from which a file is taken as it is at first sight.
const OLD: Duration = Duration::from_secs(5);

/// A source text of the run: the stamp of the result file, and the file.
pub type BasisKey = (u64, RelPath);

/// Counts analyses.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// What is known of a folder's results, and what they rest on.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// Which analysis it is: what a model says about one is not put into another.
    pub serial: u64,
    /// The analysis.
    pub analysis: Analysis,
    /// Tests that did not fail.
    pub outcomes: TestOutcomes,
    /// For each cluster and failure of the analysis, the stamp of the result file that told of it.
    pub stamps: Vec<Vec<u64>>,
    /// Sources as they were when a result file was first read. An analysis that is repeated for another
    /// reason keeps them, so that what changed since the run stays known.
    pub bases: HashMap<BasisKey, Arc<SourceFile>>,
    /// What to put before a test id's file to get a path in the workspace, such as `backend/`, as seen in the
    /// failures.
    pub prefixes: BTreeSet<String>,
    /// The sources named in the analysis as they were when it was made; `None` for what cannot be read.
    pub disk: HashMap<RelPath, Option<Arc<SourceFile>>>,
    /// Clusters by fingerprint.
    pub by_fingerprint: HashMap<String, usize>,
}

/// Identity of a file's content as far as the file system tells without reading. Time and length alone do not
/// show that a file was replaced by another of the same length whose time was set, as copying tools do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Stat {
    modified: Option<SystemTime>,
    length: u64,
    /// Device, inode, and the time when the inode last changed, which no program can set.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

/// A result file that has been read.
#[derive(Debug, Clone)]
struct Known {
    stat: Stat,
    /// `None` if there is nothing in it that can be read.
    run: Option<Arc<Run>>,
    /// Whether it was followed while it was written. The sources of its run are those of its beginning,
    /// however often it has changed since.
    followed: bool,
}

/// What is kept from one job to the next.
#[derive(Debug, Default)]
pub struct Memory {
    files: HashMap<PathBuf, Known>,
    unsettled: HashMap<PathBuf, (Stat, Instant)>,
    /// Streams of runs that are going.
    live: HashMap<PathBuf, Live>,
    /// Files that could not be read at all.
    problems: Vec<Problem>,
    config: Option<Arc<Config>>,
    results: Option<Arc<Results>>,
    /// Whether the results are those of a run that was going, for which nothing was replayed.
    provisional: bool,
    /// Files read whole that nobody was told of.
    read: Vec<PathBuf>,
    /// The sources that the last analysis read.
    sources: HashMap<RelPath, Arc<SourceFile>>,
}

impl Memory {
    /// Makes the results be analysed again from what has been read.
    pub fn forget_results(&mut self) {
        self.config = None;
    }

    /// Names the state of the result files that have been read: which they are, how long, and how old.
    fn state(&self, root: &Path) -> String {
        use sha2::{Digest as _, Sha256};
        let mut files: Vec<_> = self.files.iter().filter(|(_, known)| known.run.is_some()).collect();
        files.sort_by_key(|(path, _)| *path);
        let mut digest = Sha256::new();
        for (path, Known { stat, .. }) in files {
            let since = stat.modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
            let name = path.strip_prefix(root).unwrap_or(path).as_os_str().as_encoded_bytes();
            digest.update((name.len() as u64).to_le_bytes());
            digest.update(name);
            digest.update(stat.length.to_le_bytes());
            digest.update(since.unwrap_or_default().as_nanos().to_le_bytes());
        }
        digest.finalize().iter().take(16).fold(String::new(), |mut hex, byte| {
            use std::fmt::Write as _;
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Whether a run is being followed.
    pub fn is_live(&self) -> bool {
        !self.live.is_empty()
    }

    /// Makes everything be read again. Until that is done, what was read before still counts.
    pub fn forget_files(&mut self) {
        for known in self.files.values_mut() {
            known.stat.modified = None;
            known.stat.length = u64::MAX;
        }
    }
}

/// What a job is given.
pub struct Job {
    /// The folder.
    pub root: PathBuf,
    /// The editor's settings.
    pub settings: Option<Json>,
    /// What the last job left.
    pub memory: Memory,
    /// The only files that have changed, if it is known. While a run goes on its stream changes all the time, and
    /// a look at every file of the project would take longer than to read on.
    pub only: Option<HashSet<PathBuf>>,
    /// What the history says, for what is shown.
    pub graded: Option<Arc<Graded>>,
    /// Where the lines of texts have gone.
    pub maps: Arc<Maps>,
    /// Ends it early.
    pub cancel: Cancel,
    /// The pipeline.
    pub tools: Arc<dyn Tools>,
    /// The world.
    pub system: System,
}

/// What a job gives.
pub struct Outcome {
    /// For the next job.
    pub memory: Memory,
    /// The configuration in force.
    pub config: Arc<Config>,
    /// Its problems, and the text of `pyproject.toml` that their lines refer to.
    pub config_problems: Vec<ConfigProblem>,
    /// The text of `pyproject.toml`.
    pub pyproject: Option<Arc<str>>,
    /// The results; the same `Arc` as before if nothing changed.
    pub results: Arc<Results>,
    /// Whether the results are new.
    pub changed: bool,
    /// What is to be shown of new results, with the texts as they are on disk.
    pub prepared: Option<Box<Prepared>>,
    /// When to look again at files that are still being written.
    pub again: Option<Duration>,
    /// Whether it was ended early: then nothing was changed.
    pub cancelled: bool,
    /// The result files that were read and are whole.
    pub read: Vec<PathBuf>,
    /// Names the state of the result files; `None` if it was ended early.
    pub state: Option<String>,
    /// The state that was cleared before this server was started, told by its first job.
    pub cleared: Option<String>,
}

impl Job {
    /// Does it.
    pub fn run(mut self) -> Outcome {
        let pyproject = source::read(&self.root.join("pyproject.toml"));
        let (config, config_problems) = configuration(pyproject.as_deref(), self.settings.as_ref());
        let config = Arc::new(config);
        let first = self.memory.config.is_none();
        let cleared = first.then(|| cleared::read(&self.root.join(&config.output))).flatten();
        let same_config = self.memory.config.as_ref() == Some(&config);
        let Some((changed_files, again)) = self.read(&config) else {
            let results = self.memory.results.clone().unwrap_or_default();
            return self.outcome(config, config_problems, pyproject, results, false, None, true);
        };
        let state = Some(self.memory.state(&self.root));
        self.memory.config = Some(Arc::clone(&config));
        // A run that is over without a word of its end has not changed its stream.
        let settled = !self.memory.provisional || self.memory.is_live();
        let as_before = same_config && !changed_files && settled;
        if let Some(results) = self.memory.results.clone().filter(|_| as_before) {
            let outcome = self.outcome(config, config_problems, pyproject, results, false, again, false);
            return Outcome { state, cleared, ..outcome };
        }
        let results = Arc::new(self.analyze(&config));
        self.memory.results = Some(Arc::clone(&results));
        self.memory.provisional = self.memory.is_live();
        let (texts, graded) = (results.disk.clone(), self.graded.take());
        let shown = Prepared::new(Arc::clone(&results), texts, graded, Arc::clone(&config), &self.maps);
        let outcome = self.outcome(config, config_problems, pyproject, results, true, again, false);
        Outcome { state, cleared, prepared: Some(Box::new(shown)), ..outcome }
    }

    #[expect(clippy::too_many_arguments, reason = "one call per way out of a job")]
    fn outcome(
        self,
        config: Arc<Config>,
        config_problems: Vec<ConfigProblem>,
        pyproject: Option<Arc<str>>,
        results: Arc<Results>,
        changed: bool,
        again: Option<Duration>,
        cancelled: bool,
    ) -> Outcome {
        let mut memory = self.memory;
        let read = if changed { std::mem::take(&mut memory.read) } else { Vec::new() };
        let (state, cleared) = (None, None);
        Outcome {
            memory,
            config,
            config_problems,
            pyproject,
            results,
            changed,
            prepared: None,
            again,
            cancelled,
            read,
            state,
            cleared,
        }
    }

    /// Reads the result files that changed: whether any did, and when to look again. `None` if cancelled.
    fn read(&mut self, config: &Config) -> Option<(bool, Option<Duration>)> {
        let is_live = |path: &PathBuf| self.memory.live.contains_key(path);
        let known = self.memory.config.as_deref() == Some(config)
            && self.only.as_ref().is_some_and(|only| only.iter().all(is_live));
        let found = if known {
            self.memory.files.keys().cloned().collect()
        } else {
            self.tools.find(&self.root, config)
        };
        let mut changed = false;
        let mut again: Option<Duration> = None;
        let mut files = HashMap::new();
        let mut problems = if known { self.memory.problems.clone() } else { Vec::new() };
        for path in found {
            if self.cancel.is_cancelled() {
                return None;
            }
            let old = self.memory.files.remove(&path);
            let Some(stat) = stat(&path) else {
                changed |= old.is_some();
                continue;
            };
            let is_live = self.memory.live.contains_key(&path);
            if let Some(old) = old.as_ref().filter(|old| old.stat == stat && !is_live) {
                files.insert(path, old.clone());
                continue;
            }
            let mut followed = old.as_ref().is_some_and(|old| old.followed);
            if let Some((known, news)) = self.follow(&path, stat, old.as_ref(), &files) {
                changed |= news;
                again = Some(again.map_or(live::LOOK, |other| other.min(live::LOOK)));
                files.insert(path, known);
                continue;
            }
            followed |= is_live;
            let run = match self.tools.read(&self.root, &path) {
                Ok(run) => Some(run),
                Err(error @ IngestError::Io { .. }) => {
                    let message = error.to_string();
                    let file = path.strip_prefix(&self.root).unwrap_or(&path).display().to_string();
                    problems.push(Problem { file, offset: None, message });
                    changed |= old.is_some();
                    continue;
                }
                Err(IngestError::Unknown { .. }) => None,
            };
            let whole = stat_is(&path, stat) && run.as_ref().is_some_and(is_whole);
            if !whole && let Some(wait) = self.wait(&path, stat) {
                again = Some(again.map_or(wait, |other| other.min(wait)));
                if let Some(old) = old {
                    files.insert(path, old);
                }
                continue;
            }
            self.memory.unsettled.remove(&path);
            changed = true;
            if run.is_some() {
                self.memory.read.push(path.clone());
            }
            files.insert(path, Known { stat, run: run.map(Arc::new), followed });
        }
        // What is left was not found any more. An empty file is about to be written anew.
        let left = std::mem::take(&mut self.memory.files);
        for (path, old) in left {
            if let Some(stat) = stat(&path).filter(|stat| stat.length == 0)
                && let Some(wait) = self.wait(&path, stat)
            {
                again = Some(again.map_or(wait, |other| other.min(wait)));
                files.insert(path, old);
            } else {
                changed = true;
            }
        }
        self.memory.unsettled.retain(|path, _| stat(path).is_some());
        self.memory.files = files;
        changed |= self.memory.problems != problems;
        self.memory.problems = problems;
        Some((changed, again))
    }

    /// What the stream at `path` tells so far, and whether that changes what fails; `None` if the file is not one
    /// that is being written.
    fn follow(
        &mut self,
        path: &Path,
        stat: Stat,
        old: Option<&Known>,
        files: &HashMap<PathBuf, Known>,
    ) -> Option<(Known, bool)> {
        if path.extension().is_none_or(|ending| ending != "jsonl") {
            return None;
        }
        let mut live = match self.memory.live.remove(path) {
            Some(live) => live,
            // A run that was not seen before and whose end is long past is read as it is.
            None if old.is_some_and(|old| !old.followed) => return None,
            None => Live::new(&self.root, path)?,
        };
        let others = self.memory.files.values().chain(files.values()).chain(old);
        let runs = others.filter_map(|known| known.run.as_deref());
        let failing = runs.flat_map(|run| &run.failures).map(|failure| failure.test.as_str()).collect();
        let silence =
            stat.modified.and_then(|at| self.system.now().duration_since(at).ok()).unwrap_or_default();
        let news = live.poll(&failing, silence);
        let run = match news {
            News::Over => return None,
            News::Results => Some(Arc::new(live.run(stat.modified))),
            News::Nothing => old.and_then(|old| old.run.clone()),
        };
        self.memory.live.insert(path.to_path_buf(), live);
        Some((Known { stat, run, followed: true }, news == News::Results))
    }

    /// How long to wait before a file that looks unfinished is taken as it is; `None` if it has settled.
    fn wait(&mut self, path: &Path, stat: Stat) -> Option<Duration> {
        let age = stat.modified.and_then(|at| self.system.now().duration_since(at).ok());
        if age.is_some_and(|age| age > OLD) {
            return None;
        }
        let now = Instant::now();
        let (seen, since) = self.memory.unsettled.entry(path.to_path_buf()).or_insert((stat, now));
        if *seen != stat {
            (*seen, *since) = (stat, now);
        }
        SETTLE.checked_sub(since.elapsed()).filter(|left| !left.is_zero())
    }

    fn analyze(&mut self, config: &Arc<Config>) -> Results {
        let mut known: Vec<(&PathBuf, &Known)> =
            self.memory.files.iter().filter(|(_, known)| known.run.is_some()).collect();
        known.sort_by_key(|(path, _)| *path);
        // Which file told of a failure: the newest that mentions it, as in merging.
        let mut told: HashMap<(TestId, Phase), (Option<SystemTime>, u64)> = HashMap::new();
        let mut runs = Vec::with_capacity(known.len());
        for (path, known) in known {
            let Some(run) = &known.run else { continue };
            let stamp = stamp(path, if known.followed { Stat::default() } else { known.stat });
            let time = run.sources.iter().filter_map(|s| s.time).max().or(known.stat.modified);
            for failure in &run.failures {
                let entry = told.entry((failure.test.clone(), failure.phase)).or_insert((time, stamp));
                if time > entry.0 {
                    *entry = (time, stamp);
                }
            }
            runs.push(Run::clone(run));
        }
        let workspace = Workspace::new(&self.root, Arc::clone(config))
            .with_earlier(std::mem::take(&mut self.memory.sources));
        let workspace = Arc::new(workspace);
        let (analysis, outcomes) = if runs.is_empty() {
            // There is time now, and none when results come.
            crate::evidence::redact::warm_up();
            (Analysis::default(), TestOutcomes::default())
        } else {
            let (problems, live) = (self.memory.problems.clone(), self.memory.is_live());
            self.tools.analyze(runs, problems, &workspace, config, live, &self.system)
        };
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let mut results = Results { serial, outcomes, ..Results::default() };
        let old = self.memory.results.as_deref();
        for (index, cluster) in analysis.clusters.iter().enumerate() {
            results.by_fingerprint.insert(cluster.fingerprint.0.clone(), index);
            let mut stamps = Vec::with_capacity(cluster.failures.len());
            for failure in &cluster.failures {
                let stamp =
                    told.get(&(failure.test_id.clone(), failure.phase)).map_or(0, |(_, stamp)| *stamp);
                stamps.push(stamp);
                for site in failure.sites().chain(cluster.concluded_sites()) {
                    let key = (stamp, site.place.path.clone());
                    if results.bases.contains_key(&key) {
                        continue;
                    }
                    let on_disk = workspace.source(&site.place.path);
                    results.disk.entry(site.place.path.clone()).or_insert_with(|| on_disk.clone());
                    let kept = old.and_then(|old| old.bases.get(&key).cloned());
                    if let Some(basis) = kept.or(on_disk) {
                        results.bases.insert(key, basis);
                    }
                }
                if let Some(site) = failure.definition.as_ref().or(failure.failing.as_ref())
                    && let Some(prefix) = site.place.path.as_str().strip_suffix(failure.test_id.file())
                    && (prefix.is_empty() || prefix.ends_with('/'))
                {
                    results.prefixes.insert(prefix.to_owned());
                }
            }
            results.stamps.push(stamps);
        }
        results.analysis = analysis;
        self.memory.sources = workspace.sources();
        results
    }
}

/// The configuration of `pyproject.toml` with the editor's settings over it.
fn configuration(pyproject: Option<&str>, settings: Option<&Json>) -> (Config, Vec<ConfigProblem>) {
    let (config, mut problems) = pyproject.map_or_else(Default::default, Config::from_pyproject);
    match settings {
        Some(settings) if !settings.is_null() => {
            let (config, more) = config.overlaid(settings);
            problems.extend(more);
            (config, problems)
        }
        _ => (config, problems),
    }
}

/// Whether a run reads as if its file were complete.
fn is_whole(run: &Run) -> bool {
    run.exit != Exit::Unfinished && run.problems.is_empty()
}

fn stat(path: &Path) -> Option<Stat> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some(Stat {
        modified: metadata.modified().ok(),
        length: metadata.len(),
        #[cfg(unix)]
        inode: {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        },
    })
}

fn stat_is(path: &Path, expected: Stat) -> bool {
    stat(path) == Some(expected)
}

/// A number for one state of one result file.
fn stamp(path: &Path, stat: Stat) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    (path, stat).hash(&mut hasher);
    hasher.finish()
}
