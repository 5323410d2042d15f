//! Trying the fixes of a whole analysis.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::change::Change;
use super::verify::{Setting, Step, Test, Trial};
use crate::model::{Analysis, Cluster, Fix, FixKind, FixTarget, Verification, VerificationState};

/// Most fixes of one cluster that are tried.
const MAX_FIXES: usize = 6;
/// Most copies at a time, whatever the machine.
const MAX_WORKERS: usize = 4;

/// What is being tried: the number of the fix, the number of all, and the step.
pub type Progress<'a> = &'a (dyn Fn(usize, usize, Step) + Send + Sync);

/// Tries the fixes of all clusters that are edits, several clusters at a time, and writes down what came of them.
/// The fixes that helped come first afterwards.
pub async fn verify(
    analysis: &mut Analysis,
    setting: &Setting,
    cancel: &CancellationToken,
    progress: Progress<'_>,
) {
    let clusters = &analysis.clusters;
    let total = clusters.iter().map(|cluster| tried(cluster, setting).count()).sum();
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get() / 2);
    let workers = workers.clamp(1, MAX_WORKERS).min(clusters.len());
    let (next, begun) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let found: Mutex<Vec<(usize, usize, Verification)>> = Mutex::default();
    let work = || async {
        let mut trial = Trial::new(setting.clone());
        while let Some((index, cluster)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, clusters.get(i)?)))
        {
            let tests: Vec<Test> = cluster.failures.iter().map(Test::from).collect();
            for (n, edits) in tried(cluster, setting) {
                let number = begun.fetch_add(1, Ordering::Relaxed) + 1;
                let say = |step| progress(number, total, step);
                let verification = trial.attempt(&edits, &tests, cancel, &say).await;
                if let Ok(mut found) = found.lock() {
                    found.push((index, n, verification));
                }
            }
        }
    };
    join_all((0..workers).map(|_| work())).await;
    for (index, n, verification) in found.into_inner().unwrap_or_default() {
        if let Some(fix) = analysis.clusters.get_mut(index).and_then(|c| c.fixes.get_mut(n)) {
            fix.verification = verification;
        }
    }
    analysis.clusters.iter_mut().for_each(prefer);
}

/// The fixes that are edits. Trying one that a model wrote runs what it wrote, so the user must have said that this
/// may be done.
fn tried<'a>(
    cluster: &'a Cluster,
    setting: &Setting,
) -> impl Iterator<Item = (usize, Vec<Change>)> + use<'a> {
    let of_models = setting.config.verify_model_fixes;
    let edits = cluster.fixes.iter().enumerate();
    let edits =
        edits.filter(move |(_, fix)| fix.kind == FixKind::Edit && (of_models || fix.proposed_by.is_none()));
    edits.take(MAX_FIXES).map(|(n, fix)| (n, fix.edits.iter().map(Change::from).collect()))
}

/// Puts the fixes that helped first and those that did not last. A changed expectation makes any test pass, so
/// that it does says nothing for it.
pub fn prefer(cluster: &mut Cluster) {
    let offline = cluster.offline.as_mut().map(|offline| &mut offline.fixes);
    for fixes in std::iter::once(&mut cluster.fixes).chain(offline) {
        fixes.sort_by_key(|fix| match (fix.verification.state, fix.target) {
            (VerificationState::Verified, target) if target != FixTarget::Test => 0,
            (VerificationState::NoHelp | VerificationState::Breaks, _) => 2,
            _ => 1,
        });
    }
}

/// Takes over what came of the fixes of `known`, another conclusion about the same cause: one that does the same to the
/// same texts needs no second trial, whoever proposed it.
pub fn keep_trials(cluster: &mut Cluster, known: &Cluster) {
    let offline = known.offline.iter().flat_map(|offline| &offline.fixes);
    let tried = |fix: &&Fix| fix.verification.state != VerificationState::NotRun;
    let tried: Vec<&Fix> = known.fixes.iter().chain(offline).filter(tried).collect();
    let offline = cluster.offline.iter_mut().flat_map(|offline| &mut offline.fixes);
    for fix in cluster.fixes.iter_mut().chain(offline) {
        let is_open = fix.verification.state == VerificationState::NotRun;
        if let Some(same) = tried.iter().find(|known| is_open && fix.does_the_same(known)) {
            fix.verification = same.verification.clone();
        }
    }
    prefer(cluster);
}
