//! Running tests traced: the plan that the plugin gets, and what comes back. Nothing of such a run stays: its
//! stream, plan and cache lie in a folder that is removed, and the results of the last real run are not replaced.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::events::{self, Event};
use super::runner::{Canceller, Progress, Request, RunError, Runner};
use crate::model::TestId;
use crate::system::System;

/// Version of the plan that the plugin understands.
const PLAN: u32 = 1;

/// What to trace.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Failing tests whose every step is recorded.
    pub closely: Vec<TestId>,
    /// Files with tests, those of the failing tests first.
    pub files: Vec<String>,
    /// Time after which no more of the other tests are begun.
    pub seconds: f64,
    /// Time after which the run is ended, whatever it does.
    pub limit: Duration,
    /// pytest's options of the project.
    pub pytest_args: Vec<String>,
    /// The project's interpreter, if one is set.
    pub python: Option<String>,
    /// Where the stream of the run is kept: for measurements.
    pub keep: Option<PathBuf>,
}

/// How a traced run ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether it was cancelled or ran out of time.
    pub cancelled: bool,
    /// Whether it ran out of time.
    pub timed_out: bool,
    /// The end of what pytest printed.
    pub output: String,
}

/// Gives `each` the events of a run that was kept, see [`Plan::keep`].
///
/// # Errors
/// When the file cannot be read.
pub fn replay(path: &Path, mut each: impl FnMut(&Event)) -> Result<Ended, RunError> {
    let failed = |source| RunError::File { what: "read", path: path.to_path_buf(), source };
    let text = std::fs::read(path).map_err(failed)?;
    for line in text.split(|&byte| byte == b'\n') {
        if let Ok(Some(event)) = events::parse(line) {
            each(&event);
        }
    }
    Ok(Ended { cancelled: false, timed_out: false, output: String::new() })
}

/// Runs the tests of `plan` in `root`; `each` gets every event. `cancel` is given what ends the run from anywhere.
///
/// # Errors
/// When Python is not found, a file cannot be written, or another run is going.
pub async fn record(
    runner: &Runner,
    root: PathBuf,
    plan: &Plan,
    system: &System,
    cancel: impl FnOnce(Canceller),
    mut each: impl FnMut(&Event),
) -> Result<Ended, RunError> {
    let folder = tempfile::Builder::new()
        .prefix("failscope-trace-")
        .tempdir()
        .map_err(|source| RunError::File { what: "make a folder in", path: std::env::temp_dir(), source })?;
    let path = folder.path().join("plan.json");
    let text = serde_json::json!({
        "version": PLAN,
        "closely": plan.closely.iter().map(TestId::as_str).collect::<Vec<_>>(),
        "seconds": plan.seconds,
    });
    std::fs::write(&path, text.to_string()).map_err(|source| RunError::File {
        what: "write",
        path: path.clone(),
        source,
    })?;
    let mut args = plan.pytest_args.clone();
    // The first failure must not end it, and what fails or passes here is nobody's last result.
    let cache = folder.path().join("cache");
    args.extend(["--maxfail=0".to_owned(), "-o".to_owned(), format!("cache_dir={}", cache.display())]);
    args.push("--continue-on-collection-errors".to_owned());
    args.extend(plan.files.iter().cloned());
    let mut request = Request::new(root, &args, plan.python.as_deref(), system)?;
    request.stream = folder.path().join("run.jsonl");
    request.environment = vec![
        ("FAILSCOPE_TRACE".to_owned(), path.display().to_string()),
        ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
    ];
    let mut run = runner.start(request)?;
    let canceller = run.canceller();
    cancel(run.canceller());
    let deadline = tokio::time::Instant::now() + plan.limit;
    let mut timed_out = false;
    loop {
        tokio::select! {
            progress = run.next() => match progress {
                Some(Progress::Event(event)) => each(&event),
                Some(Progress::Output(_)) => {}
                None => break,
            },
            () = tokio::time::sleep_until(deadline), if !timed_out => {
                timed_out = true;
                canceller.cancel();
            }
        }
    }
    let finished = run.wait().await?;
    if let Some(keep) = &plan.keep {
        std::fs::copy(&finished.stream, keep).map_err(|source| RunError::File {
            what: "write",
            path: keep.clone(),
            source,
        })?;
    }
    // Removed here rather than on the drop, so that a failure to do so is seen.
    if let Err(error) = folder.close() {
        tracing::warn!("cannot remove the folder of a traced run: {error}");
    }
    Ok(Ended { cancelled: finished.cancelled, timed_out, output: finished.output })
}
