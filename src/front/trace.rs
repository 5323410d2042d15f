//! Finding culprits: the failing tests and those close to them are run traced, and what was recorded ranks the
//! statements of each cluster.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{analysis_options, edits};
use crate::analysis::{self, culprits};
use crate::cluster::fingerprint::is_test_path;
use crate::diagnose::localise::{CLOSELY, Known, Ranking, Traced, Traces, cause};
use crate::ingest::events::Assembler;
use crate::model::{Analysis, Cluster, Failure, Fingerprint, Phase, Place, RelPath, TestId};
use crate::pytest::events::Event;
use crate::pytest::runner::{Canceller, RunError, Runner};
use crate::pytest::trace::{self, Plan};
use crate::system::System;
use crate::workspace::git::changes::{self, When};
use crate::workspace::{Config, Workspace};

/// Failing tests that are followed closely, of all clusters together.
const MOST_CLOSELY: usize = 48;
/// Files with tests that may run beside those of the failing tests.
const NEAR_FILES: usize = 40;
/// Seconds beyond the budget that the failing tests may take themselves.
const GRACE: f64 = 60.0;

/// Seconds for trying edits, see [`Wish::edits`], unless other ones are asked for.
pub const EDITS: f64 = 4.0;

/// What to do.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The clusters to look into; none for all.
    pub clusters: Vec<Fingerprint>,
    /// Seconds after which no more passing tests are begun.
    pub seconds: f64,
    /// Whether every test of the project is to be compared with, instead of those close to the failing ones.
    pub all_tests: bool,
    /// Whether there is to be a ranking of all failures together as well, under the fingerprint [`POOLED`]: for
    /// measurements of what is known to be one fault.
    pub pooled: bool,
    /// What is done with the recorded run.
    pub recording: Recording,
    /// Seconds of processor time for trying small edits of the suspected statements of one cause, which become part
    /// of the evidence; `None` if none are to be tried.
    pub edits: Option<f64>,
    /// Ends the trying of edits.
    pub cancel: CancellationToken,
}

/// What is done with the recorded run: for measurements it can be ranked again without being run again.
#[derive(Debug, Clone, Default)]
pub enum Recording {
    /// It is removed.
    #[default]
    Dropped,
    /// It is kept in this file.
    Kept(PathBuf),
    /// The one in this file is used, and nothing is run.
    Used(PathBuf),
}

/// See [`Wish::pooled`].
pub const POOLED: &str = "all";

/// Where to do it.
#[derive(Debug, Clone, Copy)]
pub struct Project<'a> {
    /// Its folder.
    pub root: &'a Path,
    /// Its settings.
    pub config: &'a Config,
    /// Its sources.
    pub workspace: &'a Workspace,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Found {
    /// Rankings by cluster.
    pub rankings: Vec<(Fingerprint, Ranking)>,
    /// What stood in the way, for the user.
    pub notes: Vec<String>,
    /// Failing tests that failed again under the tracer, and tests that passed beside them.
    pub traced: (usize, usize),
    /// Small edits that were tried.
    pub edits: usize,
    /// Whether the user has cancelled.
    pub cancelled: bool,
}

/// Clusters with one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// As indices, at least one.
    pub(super) members: Vec<usize>,
    /// Why they are joined, if there are several.
    pub(super) reason: String,
}

/// Tests that point to a place together.
type Parted = (Vec<TestId>, Place);

/// Traces the failing tests of `analysis` and puts what was found into it.
///
/// # Errors
/// When pytest cannot be run.
pub async fn find(
    analysis: &mut Analysis,
    project: Project<'_>,
    wish: &Wish,
    runner: &Runner,
    system: &System,
    cancel: impl FnOnce(Canceller),
) -> Result<Found, RunError> {
    let Project { root, config, workspace } = project;
    let wanted: Vec<&Cluster> = analysis
        .clusters
        .iter()
        .filter(|c| wish.clusters.is_empty() || wish.clusters.contains(&c.fingerprint))
        .filter(|c| c.failures.iter().any(|failure| failure.phase != Phase::Collect))
        .collect();
    let mut found = Found::default();
    if wanted.is_empty() {
        found.notes.push(
            "nothing to trace: what fails here fails before any test runs (see the diagnosis)".to_owned(),
        );
        return Ok(found);
    }
    let plan = plan(&wanted, config, workspace, wish);
    let mut traces = Traces::default();
    let mut assembler = Assembler::new("traced run", super::read_options(root));
    let mut traced_root = None;
    let mut ended_tests: BTreeSet<TestId> = BTreeSet::new();
    let each = |event: &Event| match event {
        Event::Trace(_) | Event::Steps(_) => traces.push(event, workspace, traced_root.as_deref()),
        event => {
            if let Event::Session(session) = event {
                traced_root = Some(session.root.clone());
            }
            if let Event::End(end) = event {
                ended_tests.insert(TestId::new(&end.id));
            }
            assembler.push(event.clone());
        }
    };
    let ended = match &wish.recording {
        Recording::Used(path) => trace::replay(path, each)?,
        _ => trace::record(runner, root.to_path_buf(), &plan, system, cancel, each).await?,
    };
    if ended.timed_out {
        found.notes.push(format!(
            "the traced run was ended after {:.0} s; what it had recorded by then was used",
            plan.limit.as_secs_f64()
        ));
    }
    found.cancelled = ended.cancelled && !ended.timed_out;
    if traces.tests.is_empty() {
        let last = ended.output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        found.notes.push(format!("no test was traced; the last that pytest said: {last}"));
        return Ok(found);
    }
    let options = analysis_options(root, config, system);
    let run = analysis::prepared(assembler.finish(None), workspace, &options);
    let successes: HashSet<TestId> =
        ended_tests.into_iter().filter(|test| run.outcomes.contains(test.as_str())).collect();
    let evidence = Traced::new(workspace, &traces, &successes);
    let mut failures: BTreeMap<&TestId, &Failure> = BTreeMap::new();
    for failure in &run.failures {
        failures.entry(&failure.test).or_insert(failure);
    }
    found.traced = (failures.len(), successes.len());
    let changed = changed(root);
    let mut knowns: Vec<Known<'_>> = Vec::new();
    for cluster in wanted {
        let mut known = Known { rules: rules(cluster), changed: changed.clone(), ..Known::default() };
        let mut tests: BTreeSet<&TestId> = BTreeSet::new();
        for failure in &cluster.failures {
            if let Some(again) = failures.get(&failure.test_id)
                && tests.insert(&failure.test_id)
            {
                known.failures.push(*again);
            }
        }
        found.rankings.push((cluster.fingerprint.clone(), evidence.rank(&known)));
        knowns.push(known);
    }
    let parted: Vec<(Fingerprint, Vec<Parted>)> = found
        .rankings
        .iter()
        .zip(&knowns)
        .filter_map(|((fingerprint, _), known)| Some((fingerprint.clone(), apart(known, &evidence)?)))
        .collect();
    let mut groups = together(&mut found.rankings, &knowns, &evidence);
    let mut pooled = wish.pooled.then(|| {
        let rules = analysis.clusters.iter().flat_map(rules).collect();
        Known { failures: failures.values().copied().collect(), rules, ..Known::default() }
    });
    if let Some(seconds) = wish.edits
        && !found.cancelled
    {
        let trying = edits::Trying { project, system, evidence: &evidence, cancel: &wish.cancel, seconds };
        let mut causes = edits::Causes { knowns: &mut knowns, groups: &mut groups, pooled: pooled.as_mut() };
        if let Err(because) = trying.weigh(&mut causes, &mut found).await
            && !wish.cancel.is_cancelled()
        {
            found.notes.push(format!("no small edits were tried: {because}"));
        }
        found.cancelled |= wish.cancel.is_cancelled();
    }
    if let Some(known) = pooled {
        found.rankings.push((Fingerprint(POOLED.to_owned()), evidence.rank(&known)));
    }
    for (fingerprint, ranking) in &found.rankings {
        if let Some(cluster) = analysis.clusters.iter_mut().find(|c| c.fingerprint == *fingerprint) {
            culprits::apply(cluster, ranking, workspace, &options);
        }
    }
    for (fingerprint, parts) in parted {
        culprits::part(analysis, &fingerprint, &parts, workspace, &options);
    }
    for group in groups.iter().filter(|group| group.members.len() > 1) {
        let members: Vec<Fingerprint> =
            group.members.iter().map(|&at| found.rankings[at].0.clone()).collect();
        culprits::join(analysis, &members, &group.reason, &options);
    }
    Ok(found)
}

/// The groups of the tests of one cluster that point to unlike places; `None` if they are at one.
fn apart(known: &Known<'_>, evidence: &Traced<'_>) -> Option<Vec<Parted>> {
    let tests: Vec<&&Failure> = known.failures.iter().take(CLOSELY).collect();
    if tests.len() < 2 {
        return None;
    }
    let rankings: Vec<Ranking> = tests
        .iter()
        .map(|failure| {
            let (rules, changed) = (known.rules.clone(), known.changed.clone());
            evidence.rank(&Known { failures: vec![**failure], rules, changed, ..Known::default() })
        })
        .collect();
    let groups = cause::parts(&rankings.iter().collect::<Vec<_>>());
    if groups.len() < 2 {
        return None;
    }
    let of = |group: &Vec<usize>| {
        let failures = group.iter().map(|&at| *tests[at]).collect();
        let (rules, changed) = (known.rules.clone(), known.changed.clone());
        let ranking = evidence.rank(&Known { failures, rules, changed, ..Known::default() });
        let first = ranking.places.first()?.place.clone();
        Some((group.iter().map(|&at| tests[at].test.clone()).collect(), first))
    };
    groups.iter().map(of).collect()
}

/// Finds the clusters whose failing values come from the same place, and ranks the suspects of all their failures
/// together. Gives all groups, those of one cluster too.
fn together(
    rankings: &mut [(Fingerprint, Ranking)],
    knowns: &[Known<'_>],
    evidence: &Traced<'_>,
) -> Vec<Group> {
    let tops: Vec<&Ranking> = rankings.iter().map(|(_, ranking)| ranking).collect();
    let groups = cause::groups(&tops, |a, b| {
        evidence.rank(&all_of(knowns, &[a, b])).places.first().map(|ranked| ranked.place.clone())
    });
    let mut found = Vec::new();
    for members in groups {
        let mut reason = String::new();
        if members.len() > 1 {
            let ranking = evidence.rank(&all_of(knowns, &members));
            let Some(first) = ranking.places.first() else {
                found
                    .extend(members.into_iter().map(|at| Group { members: vec![at], reason: String::new() }));
                continue;
            };
            let place = &first.place;
            reason = format!("the failing values of both come from {}:{}", place.path.as_str(), place.line);
            for &at in &members {
                rankings[at].1 = ranking.clone();
            }
        }
        found.push(Group { members, reason });
    }
    found
}

/// What is known of the clusters of a group together.
pub(super) fn all_of<'a>(knowns: &[Known<'a>], members: &[usize]) -> Known<'a> {
    Known {
        failures: members.iter().flat_map(|&at| knowns[at].failures.iter().copied()).collect(),
        rules: members.iter().flat_map(|&at| knowns[at].rules.iter().cloned()).collect(),
        changed: members.first().map(|&at| knowns[at].changed.clone()).unwrap_or_default(),
        tried: Vec::new(),
    }
}

/// The lines that git says were changed lately.
fn changed(root: &Path) -> Vec<(RelPath, u32, u32, f64, String)> {
    changes::changed(root)
        .into_iter()
        .map(|changed| {
            let (weight, why) = match changed.when {
                When::WorkingTree => (1.0, "changed since the last commit".to_owned()),
                When::LastCommits => (0.5, format!("changed in the last {} commits", changes::LAST_COMMITS)),
            };
            (changed.path, changed.first, changed.last, weight, why)
        })
        .collect()
}

fn rules(cluster: &Cluster) -> Vec<(crate::model::Place, f64, Vec<String>)> {
    cluster
        .culprits
        .iter()
        .map(|culprit| {
            let reasons = culprit.reasons.iter().map(|reason| reason.as_str().to_owned()).collect();
            (culprit.site.place.clone(), culprit.score * cluster.diagnosis.confidence, reasons)
        })
        .collect()
}

/// Which tests to run: the failing ones closely, and those in the same files and in files that import the same
/// modules of the project beside them.
fn plan(wanted: &[&Cluster], config: &Config, workspace: &Workspace, wish: &Wish) -> Plan {
    let mut closely: Vec<TestId> = Vec::new();
    for cluster in wanted {
        let before = closely.len();
        for failure in &cluster.failures {
            if closely.len() - before >= CLOSELY || closely.len() >= MOST_CLOSELY {
                break;
            }
            if failure.phase != Phase::Collect && !closely.contains(&failure.test_id) {
                closely.push(failure.test_id.clone());
            }
        }
    }
    let mut files: Vec<RelPath> = Vec::new();
    for failure in wanted.iter().flat_map(|cluster| &cluster.failures) {
        if let Some(path) = workspace.resolve(failure.test_id.file(), None)
            && !files.contains(&path)
        {
            files.push(path);
        }
    }
    let args = if wish.all_tests {
        Vec::new()
    } else {
        let near = near(&files, workspace);
        files.iter().chain(&near).map(|path| path.as_str().to_owned()).collect()
    };
    Plan {
        closely,
        files: args,
        seconds: wish.seconds,
        limit: Duration::from_secs_f64(wish.seconds + GRACE),
        pytest_args: config.pytest_args.clone(),
        python: config.python.clone(),
        keep: match &wish.recording {
            Recording::Kept(path) => Some(path.clone()),
            Recording::Dropped | Recording::Used(_) => None,
        },
    }
}

/// Test files that import modules of the project which `files` import too, those with most in common first.
fn near(files: &[RelPath], workspace: &Workspace) -> Vec<RelPath> {
    let imports = |path: &RelPath| -> BTreeSet<RelPath> {
        let Some(source) = workspace.source(path) else { return BTreeSet::new() };
        let found = source.module().imports().into_iter().flat_map(|import| {
            let name = import.name.as_deref().map(|name| format!("{}.{name}", import.module));
            [Some(import.module.to_string()), name]
                .into_iter()
                .flatten()
                .filter_map(|name| workspace.module_file(path, name.trim_start_matches('.'), import.level))
                .collect::<Vec<_>>()
        });
        found.filter(|file| !is_test_path(file.as_str())).collect()
    };
    let own: BTreeSet<RelPath> = files.iter().flat_map(imports).collect();
    let mut scored: Vec<(usize, RelPath)> = workspace
        .index()
        .files()
        .iter()
        .filter(|path| is_test_file(path.as_str()) && !files.contains(path) && workspace.is_project(path))
        .map(|path| (imports(path).intersection(&own).count(), path.clone()))
        .filter(|(common, _)| *common > 0)
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    scored.into_iter().take(NEAR_FILES).map(|(_, path)| path).collect()
}

fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}
