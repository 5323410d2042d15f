//! The pipeline: a run in, an analysis out. Pure: no clock, no environment, no network.
//!
//! The order of the run's failures (workers, shuffled tests) does not show in the analysis: failures are
//! sorted within their cluster, and clusters by reach, severity and fingerprint.

pub mod culprits;
pub mod fixes;
pub(crate) mod parallel;
mod redact;
mod show;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::cluster::grouping;
use crate::diagnose::case::Memo;
use crate::diagnose::{self, Case, Draft, Finding};
use crate::evidence;
use crate::evidence::redact::Redactor;
use crate::model::{Analysis, Cluster, Failure, Fingerprint, Fix, ModelRun, Place, Run, Site, TestId};
use crate::workspace::Workspace;

/// Runs with more causes than this are not replayed: that would take seconds.
const MAX_REPLAYED: usize = 60;
/// Clusters that are looked at on all processors while those before them are made ready to be shown, in order, on
/// one: what was found of all of them would take as much memory as they do.
const AT_ONCE: usize = 128;

/// What the pipeline is told besides the run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most characters of a failure's log that are kept.
    pub max_log_size: usize,
    /// Replaces secrets.
    pub redactor: Redactor,
    /// Whether failures may be replayed on the syntax tree. While a run is going they are not: each new failure
    /// would have all before it replayed again, and somebody waits for it.
    pub replay: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_log_size: crate::evidence::preprocess::DEFAULT_MAX_LOG_SIZE,
            redactor: Redactor::default(),
            replay: true,
        }
    }
}

/// Analyses `run` against the sources of `workspace`.
pub fn analyze(mut run: Run, workspace: &Workspace, options: &Options) -> Analysis {
    let options = &Options { redactor: options.redactor.for_run(), ..options.clone() };
    let counts = options.redactor.counts();
    let (files, root) = (tests_by_file(&run), run.root.clone());
    let definitions: Vec<OnceLock<Option<Place>>> = run.failures.iter().map(|_| OnceLock::new()).collect();
    let logs = parallel::beside(
        &files,
        |tests| {
            for (index, test) in tests {
                // Each is looked up once.
                let _ = definitions[*index].set(workspace.definition(test, root.as_deref()));
            }
        },
        || redact::redact_run(&mut run, &options.redactor),
    );
    evidence::collect(&mut run, workspace);
    let groups = grouping::group(&run.failures, workspace);
    let mut shower = show::Shower::new(workspace, options, run.root.as_deref());
    let replay = options.replay && groups.len() <= MAX_REPLAYED;
    let mut clusters: Vec<Cluster> = Vec::with_capacity(groups.len());
    let mut show = |(some, findings): (&[(Fingerprint, Vec<usize>)], Vec<Finding>)| {
        for ((fingerprint, members), finding) in some.iter().zip(findings) {
            let definition = |at: usize| definitions[at].get().and_then(Option::as_ref);
            let members = members.iter().map(|&i| (&run.failures[i], &logs[i], definition(i)));
            clusters.push(shower.cluster(fingerprint.clone(), &finding, members));
        }
    };
    let mut before: Option<(&[_], Vec<Finding>)> = None;
    for some in groups.chunks(AT_ONCE) {
        let look = |(_, members): &(Fingerprint, Vec<usize>)| {
            let failures: Vec<&Failure> = members.iter().map(|&index| &run.failures[index]).collect();
            let memo = Memo::default();
            diagnose::diagnose(&Case { failures: &failures, workspace, replay, memo: &memo })
        };
        let meanwhile = || {
            if let Some(before) = before.take() {
                show(before);
            }
        };
        let findings = parallel::map_beside(some, look, meanwhile);
        before = Some((some, findings));
    }
    if let Some(last) = before {
        show(last);
    }
    clusters.sort_by(|a, b| {
        let key = |c: &Cluster| (Reverse(c.failures.len()), Reverse(c.diagnosis.severity));
        key(a).cmp(&key(b)).then_with(|| a.fingerprint.cmp(&b.fingerprint))
    });
    Analysis {
        run: shower.run(&run),
        clusters,
        problems: shower.problems(&run.problems),
        redactions: difference(&options.redactor.counts(), &counts),
        model: ModelRun::default(),
        redactor: options.redactor.clone(),
        history: None,
    }
}

/// `run` as [`analyze`] sees it after its first steps: without secrets, its frames looked up in the workspace.
pub fn prepared(mut run: Run, workspace: &Workspace, options: &Options) -> Run {
    redact::redact_run(&mut run, &options.redactor);
    evidence::collect(&mut run, workspace);
    run
}

/// `draft` as a fix that may be shown; `None` if an edit does not fit its file.
pub(crate) fn shown_fix(draft: &Draft, workspace: &Workspace, redactor: &Redactor) -> Option<Fix> {
    let options = Options { redactor: redactor.clone(), ..Options::default() };
    show::Shower::new(workspace, &options, None).fix(draft)
}

/// `place` as it may be shown.
pub(crate) fn shown_site(place: &Place, workspace: &Workspace, redactor: &Redactor) -> Site {
    let options = Options { redactor: redactor.clone(), ..Options::default() };
    show::Shower::new(workspace, &options, None).site(place)
}

/// The tests that failed with the indices of their failures, by file.
fn tests_by_file(run: &Run) -> Vec<Vec<(usize, TestId)>> {
    let mut files: BTreeMap<&str, Vec<(usize, TestId)>> = BTreeMap::new();
    for (index, failure) in run.failures.iter().enumerate() {
        files.entry(failure.test.file()).or_default().push((index, failure.test.clone()));
    }
    files.into_values().collect()
}

/// What was added to the counts since `before`: one redactor may serve many analyses.
fn difference(after: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    after
        .iter()
        .map(|(kind, count)| (kind.clone(), count - before.get(kind).copied().unwrap_or(0).min(*count)))
        .filter(|&(_, count)| count > 0)
        .collect()
}
