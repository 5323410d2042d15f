//! The search for a fix where no rule proposes one: small edits of the suspected statements, each tried in memory by
//! a worker that has the tests collected, those that make the tests pass and break no other tried once more as a
//! user's edit would be.
//!
//! Against fitting the test instead of the bug: no candidate compares with a value of the test or adds a condition
//! on one; all other tests that reach the file must go on passing; the smallest and most usual edit comes first; and
//! where several do as well, each says so.

mod calls;
pub mod evidence;
mod expressions;
mod statements;
mod templates;
mod worker;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::change::{self, Change};
use super::reach::is_test_file;
use super::verify::{Setting, Test, Trial};
use crate::analysis;
use crate::diagnose::draft::{Draft, TextEdit};
use crate::model::{Cluster, Fix, FixTarget, Phase, Place, RelPath, VerificationState};
use crate::workspace::Workspace;
use crate::workspace::python::StmtKind;
pub use templates::{Candidate, Hints, candidates};
use worker::{Request, Worker};

/// Places that are looked at one by one.
const MAX_PLACES: usize = 12;
/// Places whose whole function is looked at after them.
const FUNCTIONS: usize = 3;
/// How much later the other statements of a function come than its suspected one.
const LATER: usize = 5;
/// Most candidates.
const MAX_CANDIDATES: usize = 4_000;
/// When so many do as well there is no telling which is meant.
const ENOUGH: usize = 6;
/// Once one is found, those that cost so much more are not tried.
const WORSE: f64 = 1.0;
/// Fixes that are shown.
const MAX_FIXES: usize = 3;
/// Share of the budget that is kept for trying what was found.
const FOR_TRIALS: f64 = 0.3;
/// Test files that are collected besides those that failed.
const MAX_FILES: usize = 20;

/// How to search.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Where, and how tests are run.
    pub setting: Setting,
    /// The sources, with the same unsaved texts.
    pub workspace: &'a Workspace,
    /// How texts are shown.
    pub options: &'a analysis::Options,
    /// Time for all of it; what is being tried when it is over is seen to its end.
    pub budget: Duration,
}

/// What came of a search.
#[derive(Debug, Default)]
pub struct Found {
    /// Verified fixes, best first.
    pub fixes: Vec<Fix>,
    /// Number of candidates that were tried.
    pub tried: usize,
    /// What candidates were kept from: `processes`, `time`, `memory`, `file size`, `network`, `files`.
    pub contained: Vec<String>,
    /// Why there was no search.
    pub note: Option<String>,
}

/// Is told how many candidates of how many have been tried.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Send + Sync);

/// The places that an analysis itself suspects: its culprits, then the project's frames, deepest first.
pub fn suspects(cluster: &Cluster) -> Vec<Place> {
    let culprits = cluster.culprits.iter().map(|culprit| culprit.site.place.clone());
    let frames = cluster.failures.first().into_iter().flat_map(|failure| failure.frames.iter().rev());
    let frames = frames.filter(|frame| frame.in_project).filter_map(|frame| frame.site.as_ref());
    let mut seen = HashSet::new();
    let places = culprits.chain(frames.map(|site| site.place.clone()));
    places.filter(|place| seen.insert((place.path.clone(), place.line))).collect()
}

/// Searches a fix of `cluster` in the suspected `places`, best first. Nothing of the workspace is written.
pub async fn search(
    places: &[Place],
    cluster: &Cluster,
    wish: &Wish<'_>,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) -> Found {
    let mut found = Found::default();
    if let Err(because) = searched(places, cluster, wish, cancel, progress, &mut found).await {
        found.note = Some(wish.setting.redactor.text(&because).as_str().to_owned());
    }
    found
}

async fn searched(
    places: &[Place],
    cluster: &Cluster,
    wish: &Wish<'_>,
    cancel: &CancellationToken,
    progress: Progress<'_>,
    found: &mut Found,
) -> Result<(), String> {
    let begun = Instant::now();
    let tests: Vec<Test> = cluster.failures.iter().map(Test::from).collect();
    if tests.is_empty() || cluster.failures.iter().any(|failure| failure.phase == Phase::Collect) {
        return Err("what fails here fails before any test runs".to_owned());
    }
    let all = all_candidates(places, &hints(cluster), wish.workspace);
    if all.is_empty() {
        return Err("no suspected statement can be changed in one of the usual ways".to_owned());
    }
    let mut trial = Trial::new(wish.setting.clone());
    let start = trial.start().await?;
    let copy = trial.copy(cancel).await?;
    let own: BTreeSet<String> = tests.iter().map(|test| test.file().to_owned()).collect();
    let touched: BTreeSet<RelPath> = all.iter().map(|candidate| candidate.path.clone()).collect();
    let reached = trial.reached(&touched).await?.into_iter().filter(|file| !own.contains(file));
    let files: Vec<String> = own.iter().cloned().chain(reached.take(MAX_FILES)).collect();

    let mut worker = Worker::start(&copy, &start, &files, wish.setting.limits.time, cancel).await?;
    found.contained.clone_from(&worker.contained);
    let until = begun + wish.budget.mul_f64(1.0 - FOR_TRIALS);
    let asked = Asked { tests: &tests, all, root: copy.root(), until };
    let plausible = plausible(&mut worker, asked, wish, cancel, progress, found).await;
    // Whatever came of it, its processes are gone before the copy is.
    worker.end().await;
    drop(copy);
    let plausible = plausible?;
    let others = plausible.len().saturating_sub(1);
    for candidate in plausible {
        if found.fixes.len() >= MAX_FIXES
            || (!found.fixes.is_empty() && begun.elapsed() > wish.budget)
            || cancel.is_cancelled()
        {
            break;
        }
        let draft = draft(wish.workspace, &candidate, found.tried, others);
        let Some(mut fix) =
            draft.and_then(|draft| analysis::fixes::show(&draft, wish.workspace, wish.options))
        else {
            continue;
        };
        let edits: Vec<Change> = fix.edits.iter().map(Change::from).collect();
        let verification = trial.attempt(&edits, &tests, cancel, &|_| {}).await;
        if verification.state == VerificationState::Verified {
            fix.verification = verification;
            found.fixes.push(fix);
        }
    }
    Ok(())
}

/// What a worker is asked for.
struct Asked<'a> {
    tests: &'a [Test],
    /// The candidates, in the order in which they are tried.
    all: Vec<Candidate>,
    /// The folder of the copy.
    root: &'a std::path::Path,
    until: Instant,
}

/// The candidates with which the tests pass and no other fails, best first.
async fn plausible(
    worker: &mut Worker,
    asked: Asked<'_>,
    wish: &Wish<'_>,
    cancel: &CancellationToken,
    progress: Progress<'_>,
    found: &mut Found,
) -> Result<Vec<Candidate>, String> {
    let collected: BTreeMap<String, usize> =
        worker.tests.iter().enumerate().map(|(n, id)| (id.clone(), n)).collect();
    let failing: Vec<String> =
        asked.tests.iter().filter_map(|test| Some(test.of(&collected)?.0.to_owned())).collect();
    let request = Request {
        path: None,
        source: "",
        first: &[],
        then: &worker.tests.clone(),
        all: true,
        seconds: wish.setting.limits.time.as_secs_f64(),
        processor: None,
    };
    let at = Instant::now();
    let before = worker.ask(&request, cancel).await?;
    let took = at.elapsed();
    let passing: HashSet<&String> = before.passed.iter().collect();
    let failing: Vec<String> = unique(failing).into_iter().filter(|id| !passing.contains(id)).collect();
    let Some((first, more)) = failing.split_first() else {
        return Err("the tests that failed pass here, or are not found".to_owned());
    };
    let mut then = more.to_vec();
    then.extend(before.passed.iter().cloned());
    let seconds = (took.as_secs_f64() * 4.0).clamp(2.0, 15.0);
    let total = asked.all.len();
    let mut plausible: Vec<Candidate> = Vec::new();
    for candidate in asked.all {
        let best = plausible.first().map(|best| best.cost);
        if Instant::now() > asked.until
            || plausible.len() >= ENOUGH
            || best.is_some_and(|best| candidate.cost > best + WORSE)
        {
            break;
        }
        let Some(source) = changed(wish.workspace, &candidate) else { continue };
        let path = candidate.path.under(asked.root).display().to_string();
        let request = Request {
            path: Some(&path),
            source: &source,
            first: std::slice::from_ref(first),
            then: &then,
            all: false,
            seconds,
            processor: None,
        };
        let answer = worker.ask(&request, cancel).await?;
        found.tried += 1;
        progress(found.tried, total);
        if answer.ended == "done" && answer.failed.is_empty() && answer.passed.contains(first) {
            plausible.push(candidate);
        }
    }
    Ok(plausible)
}

fn hints(cluster: &Cluster) -> Hints {
    let failure = cluster.failures.first();
    let exception = failure.map_or("", |failure| failure.exception.as_str());
    let compared = failure.and_then(|failure| failure.comparison.as_ref());
    Hints {
        exception: exception.rsplit('.').next().unwrap_or_default().to_owned(),
        values: compared
            .filter(|compared| compared.operator.as_str() == "==")
            .map(|compared| (compared.left.as_str().to_owned(), compared.right.as_str().to_owned())),
    }
}

/// The candidates for all places, what costs least first.
fn all_candidates(places: &[Place], hints: &Hints, workspace: &Workspace) -> Vec<Candidate> {
    let mut ranked: Vec<(Place, usize)> = Vec::new();
    let mut seen: HashSet<(RelPath, u32)> = HashSet::new();
    let is_code = |path: &RelPath| {
        let name = path.as_str().rsplit('/').next().unwrap_or_default();
        path.as_str().strip_suffix(".py").is_some() && !is_test_file(path) && name != "conftest.py"
    };
    let code: Vec<&Place> = places.iter().filter(|place| is_code(&place.path)).take(MAX_PLACES).collect();
    for (rank, place) in code.iter().enumerate() {
        if seen.insert((place.path.clone(), place.line)) {
            ranked.push(((*place).clone(), rank));
        }
    }
    // Then the functions around them.
    for (rank, place) in code.iter().take(FUNCTIONS).enumerate() {
        let Some(source) = workspace.source(&place.path) else { continue };
        let module = source.module();
        let Some(definition) = module.enclosing_function(place.line) else { continue };
        let Some(function) = module.function(&definition.qualified_name) else { continue };
        let mut lines = vec![function.name_line];
        for part in &function.body {
            part.walk(false, &mut |stmt| match &stmt.kind {
                StmtKind::If(branches) => {
                    let tests = branches.iter().filter_map(|(test, _)| test.as_ref());
                    lines.extend(tests.map(|test| module.line_of(test.span.start)));
                }
                _ => lines.push(stmt.start_line),
            });
        }
        for line in lines {
            if seen.insert((place.path.clone(), line)) {
                ranked.push((Place::line(place.path.clone(), line), rank + LATER));
            }
        }
    }
    let mut all: Vec<Candidate> =
        ranked.iter().flat_map(|(place, rank)| candidates(workspace, place, *rank, hints)).collect();
    all.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let mut known = HashSet::new();
    all.retain(|c| known.insert((c.path.clone(), c.span, c.new_text.clone())));
    all.truncate(MAX_CANDIDATES);
    all
}

/// The whole text of the file with the candidate in it.
fn changed(workspace: &Workspace, candidate: &Candidate) -> Option<String> {
    let source = workspace.source(&candidate.path)?;
    let change = Change {
        path: candidate.path.clone(),
        start: source.position(candidate.span.start),
        end: source.position(candidate.span.end),
        new_text: candidate.new_text.clone(),
        digest: None,
    };
    change::apply(&candidate.path, &Arc::clone(source.text()), &[&change])
}

/// The candidate as a fix in words.
fn draft(workspace: &Workspace, candidate: &Candidate, tried: usize, others: usize) -> Option<Draft> {
    let source = workspace.source(&candidate.path)?;
    let (line, _) = source.position(candidate.span.start);
    let place = format!("{}:{line}", candidate.path.as_str());
    let added = candidate.new_text.trim();
    let title = if candidate.span.start == candidate.span.end && candidate.new_text.contains('\n') {
        format!("Add `{added}` ({place})")
    } else {
        let text = changed(workspace, candidate)?;
        let new = text.lines().nth(line as usize - 1)?.trim();
        let old = source.line(line)?.trim();
        if old == new {
            let (last, _) = source.position(candidate.span.end);
            format!("Change lines {line} to {last} ({place})")
        } else {
            format!("Change `{old}` to `{new}` ({place})")
        }
    };
    let alone = match others {
        0 => "no other one does".to_owned(),
        1 => "another one does as well, so make sure which is meant".to_owned(),
        n => format!("{n} others do as well, so make sure which is meant"),
    };
    let rationale = format!("found by trying {tried} small edits: with this one the tests pass; {alone}");
    let edit = TextEdit::replace(&candidate.path, candidate.span, candidate.new_text.clone());
    Some(Draft::edits(FixTarget::Code, title, rationale, vec![edit]))
}

fn unique(mut all: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    all.retain(|one| seen.insert(one.clone()));
    all
}
