//! What readers see of a folder: immutable, replaced as a whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::findings::{FileFindings, Maps, Marker};
use super::job::Results;
use super::shift::LineMap;
use crate::history::summary::Graded;
use crate::model::{Cluster, FailureRecord, Place, RelPath};
use crate::workspace::Config;
use crate::workspace::source::SourceFile;

/// One folder at one moment.
#[derive(Debug)]
pub struct Snapshot {
    /// The folder.
    pub root: PathBuf,
    /// Whether the configuration and the results have been read for the first time.
    pub loaded: bool,
    /// The configuration in force; the defaults before it has been read.
    pub config: Arc<Config>,
    /// What the history of runs says, once it has been read.
    pub graded: Option<Arc<Graded>>,
    /// The results; empty ones before the first analysis or after clearing.
    pub results: Arc<Results>,
    /// What is shown, by file.
    pub files: BTreeMap<RelPath, Arc<FileFindings>>,
    /// The texts as they are now of the files that the analysis names.
    pub texts: HashMap<RelPath, Option<Arc<SourceFile>>>,
    /// Open documents with their versions.
    pub documents: HashMap<RelPath, (i32, Arc<SourceFile>)>,
    /// Where the lines of the run's texts are in those of now; shared with the engine and other snapshots.
    pub maps: Arc<Maps>,
}

impl Snapshot {
    /// What is shown in a file.
    pub fn file(&self, path: &RelPath) -> Option<&Arc<FileFindings>> {
        self.files.get(path)
    }

    /// A file's text as it is now, if it is open or named in the analysis.
    pub fn text(&self, path: &RelPath) -> Option<&Arc<SourceFile>> {
        match self.documents.get(path) {
            Some((_, source)) => Some(source),
            None => self.texts.get(path)?.as_ref(),
        }
    }

    /// A document's version, if it is open.
    pub fn version(&self, path: &RelPath) -> Option<i32> {
        self.documents.get(path).map(|(version, _)| *version)
    }

    /// The cluster with a fingerprint, and its index.
    pub fn cluster(&self, fingerprint: &str) -> Option<(usize, &Cluster)> {
        let index = *self.results.by_fingerprint.get(fingerprint)?;
        Some((index, self.results.analysis.clusters.get(index)?))
    }

    /// A marker's cluster and its failures.
    pub fn failures(&self, marker: &Marker) -> Option<(&Cluster, Vec<&FailureRecord>)> {
        let (_, cluster) = self.cluster(&marker.fingerprint)?;
        let wanted: HashSet<&str> = marker.failures.iter().map(String::as_str).collect();
        let failures = cluster.failures.iter().filter(|f| wanted.contains(f.id.0.as_str())).collect();
        Some((cluster, failures))
    }

    /// The text that a place of a cluster's run belongs to, and the map from there to the text as it is now; `None`
    /// if either is not known.
    pub fn shift(&self, cluster: usize, path: &RelPath) -> Option<(&Arc<SourceFile>, Arc<LineMap>)> {
        let stamp = self.results.stamps.get(cluster).and_then(|s| s.first()).copied().unwrap_or_default();
        let key = (stamp, path.clone());
        let basis = self.results.bases.get(&key)?;
        Some((basis, self.maps.get(&key, basis, self.text(path)?.text())))
    }

    /// The line where a place of a cluster's run is now.
    pub fn line_now(&self, cluster: usize, place: &Place) -> u32 {
        self.shift(cluster, &place.path).map_or(place.line, |(_, map)| map.line(place.line))
    }

    /// When the newest results were made, in seconds since the epoch.
    pub fn results_time(&self) -> Option<f64> {
        self.results.analysis.run.sources.iter().filter_map(|(_, _, time)| *time).reduce(f64::max)
    }
}
