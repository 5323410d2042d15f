//! What is known of a workspace folder.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use tokio::sync::mpsc;

use crate::engine::background::Background;
use crate::engine::cleared;
use crate::engine::findings::{self, FileFindings, Maps, Prepared, Texts};
use crate::engine::job::{Memory, Results};
use crate::engine::queue::Queue;
use crate::engine::tools::Candidate;
use crate::engine::{Publication, Summary, watch};
use crate::history::summary::Graded;
use crate::model::{Cluster, RelPath};
use crate::workspace::Config;
use crate::workspace::config::ConfigProblem;
use crate::workspace::source::SourceFile;

/// Gets the outcome of an analysis.
pub type Reply = mpsc::UnboundedSender<Summary>;

/// What is known of a workspace folder.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent notes of what is to be done next")]
pub(super) struct Folder {
    pub(super) settings: Option<Json>,
    pub(super) config: Arc<Config>,
    pub(super) problems: Vec<ConfigProblem>,
    pub(super) pyproject: Option<Arc<str>>,
    pub(super) results: Arc<Results>,
    /// What the history of runs says, and whether that is news.
    pub(super) graded: Option<Arc<Graded>>,
    pub(super) regraded: bool,
    /// Result files that the history is still to be told of.
    pub(super) unrecorded: Vec<PathBuf>,
    /// The state of the result files, and the one that the user has cleared.
    pub(super) state: Option<String>,
    pub(super) cleared: Option<String>,
    pub(super) memory: Option<Memory>,
    /// Whether the next job analyses anew what has been read.
    pub(super) again_anew: bool,
    /// Whether the next job reads everything anew.
    pub(super) forget: bool,
    pub(super) queue: Queue<Reply>,
    /// Whether the next job looks for results everywhere. If not, only these files have changed.
    pub(super) look: bool,
    pub(super) changed: HashSet<PathBuf>,
    /// Whether the reports do not tell of the results yet.
    pub(super) unreported: bool,
    /// Writing of reports, with those who wait for an analysis to be complete.
    pub(super) reports: Queue<(Reply, Summary)>,
    /// Which paths may be results; `None` before the configuration is known.
    pub(super) candidate: Option<Candidate>,
    /// Sources named in the analysis, as they are on disk.
    pub(super) disk: HashMap<RelPath, Option<Arc<SourceFile>>>,
    pub(super) reads: u64,
    pub(super) last_read: HashMap<RelPath, u64>,
    pub(super) maps: Arc<Maps>,
    /// What is to be shown of all files, if it was made aside.
    pub(super) prepared: Option<Box<Prepared>>,
    /// Reports are written, and what is no longer needed is dropped, where nobody waits for it.
    pub(super) background: Background,
    pub(super) published: BTreeMap<RelPath, Arc<FileFindings>>,
    /// The clusters that name each file, by index: what an edit there may change.
    pub(super) by_path: HashMap<RelPath, Vec<usize>>,
    pub(super) said: HashSet<String>,
    pub(super) watch: Option<watch::Watch>,
    /// Folders outside of this one in which results may appear, with their watches.
    pub(super) elsewhere: Vec<(PathBuf, Option<watch::Watch>)>,
    pub(super) poll: Option<Task>,
    /// The next look at files that are being written.
    pub(super) again: Option<Task>,
    /// Whether all findings must be computed anew.
    pub(super) dirty: bool,
    /// Files whose text has changed: what is shown of them must be computed anew, and what is shown with it.
    pub(super) edited: BTreeSet<RelPath>,
    /// Whether only the texts of documents changed.
    pub(super) touched: bool,
}

/// A task that ends with its owner.
pub(super) struct Task(pub(super) tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Folder {
    /// Shows nothing until the result files have another state.
    pub(super) fn clear(&mut self, root: &Path) {
        self.cleared.clone_from(&self.state);
        self.dirty = true;
        if let Some(state) = self.state.as_ref().filter(|_| !self.results.analysis.run.sources.is_empty())
            && let Err(error) = cleared::note(&root.join(&self.config.output), state)
        {
            tracing::warn!("what was cleared is shown again after a restart: {error}");
        }
    }

    /// Shows again what was cleared.
    pub(super) fn unclear(&mut self, root: &Path) {
        if self.cleared.take().is_some() {
            self.dirty = true;
            cleared::forget(&root.join(&self.config.output));
        }
    }

    /// Takes note of the state of the result files. What was cleared is shown again if it is another one.
    pub(super) fn has_state(&mut self, root: &Path, state: String, cleared: Option<String>) {
        if self.state.is_none() {
            self.cleared = cleared;
        }
        if self.cleared.as_ref().is_some_and(|cleared| *cleared != state) {
            self.unclear(root);
        }
        self.state = Some(state);
    }

    /// Whether a change of `path` (a file or a folder) may change results or configuration. When in doubt, yes:
    /// whether a path was a folder can no longer be seen once it is gone.
    pub(super) fn concerned_by(&self, root: &Path, path: &Path) -> bool {
        root.starts_with(path)
            || path.extension().is_none()
            || path == root.join("pyproject.toml")
            || self.candidate.as_ref().is_none_or(|candidate| candidate(path))
    }

    /// What is to be shown in all files.
    pub(super) fn findings(
        &mut self,
        results: &Arc<Results>,
        texts: &HashMap<RelPath, Option<Arc<SourceFile>>>,
        documents: &HashMap<RelPath, (i32, Arc<SourceFile>)>,
    ) -> BTreeMap<RelPath, FileFindings> {
        self.by_path.clear();
        for (index, cluster) in results.analysis.clusters.iter().enumerate() {
            for site in cluster.sites() {
                let clusters = self.by_path.entry(site.place.path.clone()).or_default();
                if clusters.last() != Some(&index) {
                    clusters.push(index);
                }
            }
        }
        let prepared = self.prepared.take();
        let prepared = prepared.filter(|all| all.is_of(results, self.graded.as_ref(), &self.config));
        let mut files = match prepared {
            Some(prepared) => {
                let changed = prepared.changed(texts);
                let (anew, concerned) = self.of_edited(&changed, results, texts);
                let mut files = prepared.files;
                files.retain(|path, _| !concerned.contains(path));
                files.extend(anew);
                files
            }
            None => self.build(results, texts, |_| true),
        };
        if let (Some(basis), Some(path)) = (&self.pyproject, RelPath::new("pyproject.toml"))
            && !self.problems.is_empty()
        {
            let now = match documents.get(&path) {
                Some((_, source)) => Arc::clone(source),
                None => Arc::new(SourceFile::new(path.clone(), Arc::clone(basis))),
            };
            let notices = findings::notices(&self.problems, basis, &now);
            if !notices.is_empty() {
                files.entry(path).or_default().notices = notices;
            }
        }
        files
    }

    /// What is to be shown in the files that the edits concern: those, and all that the clusters there name. Of all
    /// other files the same is shown as before. `results` are those of the last look at all files. `None` if another
    /// look at all files is needed.
    pub(super) fn findings_of_edited(
        &self,
        results: &Results,
        texts: &HashMap<RelPath, Option<Arc<SourceFile>>>,
    ) -> Option<(BTreeMap<RelPath, FileFindings>, HashSet<RelPath>)> {
        if self.dirty {
            return None;
        }
        let (files, concerned) = self.of_edited(&self.edited, results, texts);
        // More than clusters is shown there.
        if concerned.iter().any(|path| path.as_str() == "pyproject.toml") {
            return None;
        }
        Some((files, concerned))
    }

    /// What is to be shown in the files that these concern: those, and all that the clusters there name.
    fn of_edited(
        &self,
        edited: &BTreeSet<RelPath>,
        results: &Results,
        texts: &HashMap<RelPath, Option<Arc<SourceFile>>>,
    ) -> (BTreeMap<RelPath, FileFindings>, HashSet<RelPath>) {
        let clusters_of = |path: &RelPath| self.by_path.get(path).into_iter().flatten().copied();
        let edited: HashSet<usize> = edited.iter().flat_map(clusters_of).collect();
        let clusters = edited.iter().filter_map(|&index| results.analysis.clusters.get(index));
        let concerned: HashSet<RelPath> =
            clusters.flat_map(Cluster::sites).map(|site| site.place.path.clone()).collect();
        let involved: HashSet<usize> = concerned.iter().flat_map(clusters_of).collect();
        let mut files = self.build(results, texts, |index| involved.contains(&index));
        files.retain(|path, _| concerned.contains(path));
        (files, concerned)
    }

    fn build(
        &self,
        results: &Results,
        texts: &HashMap<RelPath, Option<Arc<SourceFile>>>,
        wanted: impl Fn(usize) -> bool,
    ) -> BTreeMap<RelPath, FileFindings> {
        let texts = Texts::new(results, texts, &self.maps);
        let (surfaces, severity) = (self.config.surfaces, self.config.severity);
        findings::build(&texts, wanted, self.graded.as_deref(), surfaces, severity)
    }

    /// Takes over what is shown in all files, or in those of `only`, and gives what has to be published and whether
    /// tests or values have changed.
    pub(super) fn replace(
        &mut self,
        root: &Path,
        files: BTreeMap<RelPath, FileFindings>,
        only: Option<&HashSet<RelPath>>,
        documents: &HashMap<RelPath, (i32, Arc<SourceFile>)>,
    ) -> (Vec<Publication>, bool) {
        let mut publications = Vec::new();
        let mut old = std::mem::take(&mut self.published);
        if let Some(only) = only {
            let (kept, replaced) = old.into_iter().partition(|(path, _)| !only.contains(path));
            (self.published, old) = (kept, replaced);
        }
        let mut refresh = files.len() != old.len();
        for (path, new) in files {
            let before = old.remove(&path);
            let same = match &before {
                Some(before) => before.same_diagnostics(&new),
                None => new.no_diagnostics(),
            };
            refresh |= before.as_ref().is_none_or(|old| old.tests != new.tests || old.hints != new.hints);
            let new = match before {
                Some(before) if *before == new => before,
                _ => Arc::new(new),
            };
            if !same {
                publications.push(Publication {
                    path: path.under(root),
                    findings: Arc::clone(&new),
                    root: root.to_path_buf(),
                    version: documents.get(&path).map(|(version, _)| *version),
                });
            }
            self.published.insert(path, new);
        }
        let vanished = old.iter().filter(|(_, findings)| !findings.no_diagnostics());
        publications.extend(vanished.map(|(path, _)| empty(root, path)));
        (publications, refresh)
    }

    pub(super) fn sources_read(&mut self, serial: u64, texts: Vec<(RelPath, Option<Arc<SourceFile>>)>) {
        for (path, text) in texts {
            let last = self.last_read.entry(path.clone()).or_default();
            if *last > serial {
                continue;
            }
            *last = serial;
            if let Some(known) = self.disk.get_mut(&path) {
                let same = match (&known, &text) {
                    (Some(old), Some(new)) => old.text() == new.text(),
                    (None, None) => true,
                    _ => false,
                };
                if !same {
                    *known = text;
                    self.edited.insert(path);
                }
            }
        }
    }
}

/// The publication that clears a file.
pub(super) fn empty(root: &Path, path: &RelPath) -> Publication {
    Publication { path: path.under(root), findings: Arc::default(), root: root.to_path_buf(), version: None }
}
