//! Running tests for `failscope.runTest`, `.runCluster` and `.runFailed`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::ProgressToken;

use super::commands::{self, failed};
use crate::engine::findings::{cut, one_line};
use crate::engine::{Event, Front as _, Level, Snapshot};
use crate::front;
use crate::lsp::backend::Session;
use crate::lsp::outbox::EngineSide;
use crate::model::{FailureRecord, Outcome};
use crate::pytest::events;
use crate::pytest::runner::{self, Finished, Progress, Request, RunError, RunHandle};
use crate::workspace::Config;

/// Most test ids on a command line; beyond it their files are run.
const MAX_IDS: usize = 500;
/// How much of pytest's own words is shown when it could not run.
const MAX_LINES: usize = 6;
/// Bytes of a run's output that are kept at least.
const MAX_PRINTED: usize = 1 << 20;
/// pytest's exit codes: <https://docs.pytest.org/en/stable/reference/exit-codes.html>.
const NOTHING_COLLECTED: i32 = 5;

/// The arguments for pytest that a command means.
pub fn tests(
    snapshot: &Snapshot,
    command: &str,
    named: &[String],
    fingerprint: Option<&str>,
) -> Result<Vec<String>> {
    let clusters = &snapshot.results.analysis.clusters;
    let failures: Vec<&FailureRecord> = match (command, fingerprint) {
        (commands::RUN_FAILED, _) => clusters.iter().flat_map(|c| &c.failures).collect(),
        (commands::RUN_CLUSTER, Some(fingerprint)) => match snapshot.cluster(fingerprint) {
            Some((_, cluster)) => cluster.failures.iter().collect(),
            None => return Err(failed("this cause is no longer among the results".to_owned())),
        },
        (commands::RUN_CLUSTER, None) => {
            return Err(Error::invalid_params("the command's argument names no `fingerprint`"));
        }
        _ if named.is_empty() => {
            return Err(Error::invalid_params("the command's argument names no `tests`"));
        }
        _ => Vec::new(),
    };
    let all = clusters.iter().flat_map(|c| &c.failures);
    let mut ids: BTreeSet<String> = failures.iter().map(|f| f.id_in_workspace()).collect();
    for name in named.iter().filter(|_| command == commands::RUN_TEST) {
        // The client knows ids as they may be shown; a shown id may stand for several that differ in a secret.
        let known = all.clone().filter(|f| f.test.as_str() == name || f.test_id.as_str() == name);
        let known: Vec<String> = known.map(FailureRecord::id_in_workspace).collect();
        // A test that has not failed is known by its own id.
        ids.extend(if known.is_empty() { vec![name.clone()] } else { known });
    }
    if ids.iter().any(|id| id.starts_with('-')) {
        return Err(Error::invalid_params("a test id cannot begin with '-'"));
    }
    if ids.is_empty() {
        return Err(failed("no test has failed".to_owned()));
    }
    if ids.len() > MAX_IDS {
        ids = ids.iter().map(|id| id.split("::").next().unwrap_or(id).to_owned()).collect();
    }
    Ok(ids.into_iter().collect())
}

/// Runs tests and waits until what they gave is shown.
pub async fn run(
    session: &Session,
    snapshot: &Arc<Snapshot>,
    tests: Vec<String>,
    token: Option<ProgressToken>,
) -> Result<Json> {
    let runner = session.runners.entry(snapshot.root.clone()).or_default().clone();
    let ticket = runner.ticket();
    let (root, config, system) =
        (snapshot.root.clone(), Arc::clone(&snapshot.config), session.system.clone());
    let count = tests.len();
    let request = tokio::task::spawn_blocking(move || {
        let args: Vec<String> = config.pytest_args.iter().cloned().chain(tests).collect();
        let mut request = Request::new(&root, &args, config.python.as_deref(), &system)?;
        if config.output != Config::default().output {
            request.stream = runner::new_stream(&root.join(&config.output), &system)?;
        }
        Ok(request)
    });
    let request = request.await.map_err(|_| Error::internal_error())?.map_err(|e: RunError| not_run(&e))?;

    let cancel = CancellationToken::new();
    // When the request is cancelled its future is dropped.
    let _stop = cancel.clone().drop_guard();
    let title = if count == 1 { "Running a test".to_owned() } else { format!("Running {count} tests") };
    let shown = session.outbox.progress(token, &title, Some(&cancel));
    let started = tokio::select! {
        started = runner.start_in_turn(ticket, request) => started,
        () = cancel.cancelled() => {
            return Ok(json!({ "exitCode": null, "cancelled": true, "passed": 0, "failed": 0 }));
        }
    };
    let handle = started.map_err(|e| not_run(&e))?;
    let printed = Arc::<Printed>::default();
    session.printed.insert(snapshot.root.clone(), Arc::clone(&printed));
    // The run goes on in a task of its own: it must be seen to its end even if nobody waits for the answer.
    let watched = tokio::spawn(watch(handle, cancel, shown, printed));
    let (finished, numbers) = watched.await.map_err(|_| Error::internal_error())?;
    let finished = finished.map_err(|e| not_run(&e))?;

    looked(session, &snapshot.root).await;
    let stream = finished.stream.clone();
    let recorded = tokio::task::spawn_blocking(move || stream.is_file()).await.unwrap_or_default();
    if !recorded && !finished.cancelled {
        return Err(failed(said(session, snapshot, "pytest could not run the tests", &finished)));
    }
    if finished.exit == Some(NOTHING_COLLECTED) {
        return Err(failed(
            "pytest found none of these tests; they may have been renamed or removed".to_owned(),
        ));
    }
    Ok(json!({
        "exitCode": finished.exit,
        "cancelled": finished.cancelled,
        "passed": numbers.passed,
        "failed": numbers.failed,
    }))
}

/// Waits until the folder's settings and results are known as they are now.
pub async fn looked(session: &Session, root: &Path) {
    let (reply, mut done) = tokio::sync::mpsc::unbounded_channel();
    session.engine.send(Event::Analyze { root: Some(root.to_path_buf()), anew: false, reply });
    while done.recv().await.is_some() {}
}

#[derive(Debug, Default, Clone, Copy)]
struct Numbers {
    total: u64,
    ended: u64,
    passed: u64,
    failed: u64,
}

async fn watch(
    mut handle: RunHandle,
    cancel: CancellationToken,
    shown: Option<crate::lsp::outbox::Shown>,
    printed: Arc<Printed>,
) -> (std::result::Result<Finished, RunError>, Numbers) {
    let canceller = handle.canceller();
    let mut numbers = Numbers::default();
    let mut asked = false;
    loop {
        let progress = tokio::select! {
            progress = handle.next() => progress,
            () = cancel.cancelled(), if !asked => {
                canceller.cancel();
                asked = true;
                continue;
            }
        };
        match progress {
            None => break,
            Some(Progress::Output(text)) => printed.push(&text),
            Some(Progress::Event(event)) => {
                match &*event {
                    events::Event::Collected(all) => numbers.total = all.count,
                    events::Event::End(end) => {
                        numbers.ended += 1;
                        match end.outcome {
                            Outcome::Passed => numbers.passed += 1,
                            Outcome::Failed | Outcome::Error => numbers.failed += 1,
                            _ => {}
                        }
                    }
                    _ => continue,
                }
                if let Some(shown) = &shown {
                    let text = format!("{} of {}, {} failed", numbers.ended, numbers.total, numbers.failed);
                    let percentage = (numbers.ended * 100).checked_div(numbers.total);
                    shown.update(text, percentage.and_then(|p| u32::try_from(p.min(100)).ok()));
                }
            }
        }
    }
    (handle.wait().await, numbers)
}

/// The end of what a run has printed so far.
#[derive(Debug, Default)]
pub struct Printed(Mutex<String>);

impl Printed {
    fn push(&self, text: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_str(text);
        // Only now and then, since what is kept is moved.
        if all.len() > 2 * MAX_PRINTED {
            let cut = all.ceil_char_boundary(all.len() - MAX_PRINTED);
            all.drain(..cut);
        }
    }
}

/// What pytest has printed in the folder's run that is going, or in its last one: as the answer, and among the
/// messages of the server, which every editor shows somewhere.
pub async fn output(session: &Session, snapshot: &Arc<Snapshot>) -> Result<Json> {
    let printed = session.printed.get(&snapshot.root).map(|printed| Arc::clone(printed.value()));
    let printed = printed.ok_or_else(|| failed("no tests have been run from the editor yet".to_owned()))?;
    let (root, config, system) =
        (snapshot.root.clone(), Arc::clone(&snapshot.config), session.system.clone());
    let redacted = tokio::task::spawn_blocking(move || {
        let text = printed.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        front::redactor(&root, &config, &system).text(&text)
    });
    let text = redacted.await.map_err(|_| Error::internal_error())?;
    EngineSide(Arc::clone(&session.outbox)).say(Level::Log, text.as_str().to_owned());
    Ok(json!({ "text": text.as_str() }))
}

fn not_run(error: &RunError) -> Error {
    failed(error.to_string())
}

/// The end of what pytest printed, without secrets.
fn said(session: &Session, snapshot: &Snapshot, what: &str, finished: &Finished) -> String {
    let redacted = front::redactor(&snapshot.root, &snapshot.config, &session.system).text(&finished.output);
    let lines: Vec<String> = redacted
        .as_str()
        .lines()
        .map(one_line)
        .filter(|line| !line.is_empty())
        .map(|l| cut(&l, 200))
        .collect();
    let last =
        lines.iter().skip(lines.len().saturating_sub(MAX_LINES)).cloned().collect::<Vec<_>>().join("\n");
    let code =
        finished.exit.map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}"));
    if last.is_empty() { format!("{what} ({code})") } else { format!("{what} ({code}):\n{last}") }
}
