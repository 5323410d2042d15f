//! One run of pytest in a copy, and what came of each test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::copy::Copy;
use crate::model::{Outcome, Phase};
use crate::pytest::events::{Event, Kind, Verdict};
use crate::pytest::interpreter::Interpreter;
use crate::pytest::runner::{Canceller, Output, Progress, Request, RunError, Runner};

/// How pytest is started in copies of one workspace.
#[derive(Debug, Clone)]
pub struct Start {
    /// Python.
    pub interpreter: Interpreter,
    /// The folder of the plugin.
    pub plugin: PathBuf,
    /// The user's own arguments.
    pub args: Vec<String>,
    /// The user's `PYTHONPATH`.
    pub python_path: Option<String>,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Ran {
    /// How each test ended, by its id.
    pub ends: BTreeMap<String, Outcome>,
    /// The last exception's type and the first line of what went wrong, of each test or file that failed.
    pub failures: BTreeMap<String, (String, String)>,
    /// What could not be collected.
    pub uncollected: BTreeSet<String>,
    /// pytest's rootdir; `None` if it never got as far as to begin.
    pub root: Option<PathBuf>,
    /// pytest broke, or a worker of its died.
    pub broke: bool,
    /// It was stopped because its time was over.
    pub timed_out: bool,
    /// It was cancelled.
    pub cancelled: bool,
    /// Modules that came from the original.
    pub foreign: BTreeSet<String>,
    /// The end of what was printed.
    pub output: String,
}

impl Ran {
    /// Whether a test has passed.
    pub fn passed(&self, id: &str) -> bool {
        matches!(self.ends.get(id), Some(Outcome::Passed | Outcome::Xpassed))
    }

    /// Whether a test has failed, or could not be run because its file no longer can be collected.
    pub fn failed(&self, id: &str) -> bool {
        match self.ends.get(id) {
            Some(outcome) => matches!(outcome, Outcome::Failed | Outcome::Error),
            None => self.broke || self.uncollected.contains(id.split("::").next().unwrap_or(id)),
        }
    }
}

/// The module that Python imports when it starts.
const IN_PROGRAMS: &str = "from failscope import copied\n\ncopied.in_program(__file__)\n";

/// Ends a run that nobody waits for any more.
struct EndOnDrop(Canceller);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// What pytest is started with in a copy.
#[derive(Debug)]
pub struct Prepared {
    /// Variables besides this process's own.
    pub environment: Vec<(String, String)>,
    /// `PYTHONPATH`, without the plugin's folder.
    pub python_path: String,
    /// Arguments, without the tests.
    pub args: Vec<String>,
    /// Where modules are reported that came from the original.
    pub report: PathBuf,
}

/// Makes a copy ready for pytest.
pub fn prepare(copy: &Copy, start: &Start) -> Result<Prepared, RunError> {
    let place = |name: &str| copy.scratch().join(name);
    let (temporary, site, report) = (place("tmp"), place("site"), place("foreign"));
    // Programs that tests start are to find the copy's modules as well.
    let made = std::fs::create_dir_all(&temporary)
        .and_then(|()| std::fs::create_dir_all(&site))
        .and_then(|()| std::fs::write(site.join("sitecustomize.py"), IN_PROGRAMS));
    made.map_err(|source| RunError::File { what: "write", path: site.clone(), source })?;
    // Left by the run before; that there is none is all the better.
    let _ = std::fs::remove_file(&report);
    let text = |path: &Path| path.display().to_string();
    let mut python_path = text(&site);
    if let Some(given) = &start.python_path {
        python_path.push(if cfg!(windows) { ';' } else { ':' });
        python_path.push_str(&copy.moved(given));
    }
    let environment = [
        ("FAILSCOPE_ORIGINAL", text(copy.original())),
        ("FAILSCOPE_COPY", text(copy.base())),
        ("FAILSCOPE_COPY_REPORT", text(&report)),
        // Nothing outside of the copy and its scratch folder is written, where the kernel can see to it.
        ("FAILSCOPE_COPY_CONFINE", "1".to_owned()),
        // A changed source of the same length within the same second would be taken for its old bytecode.
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("TMPDIR", text(&temporary)),
        ("TEMP", text(&temporary)),
        ("TMP", text(&temporary)),
        ("COVERAGE_FILE", text(&place("coverage"))),
    ];
    let mut args: Vec<String> = start.args.iter().map(|arg| copy.moved(arg)).collect();
    // Imported by what `site` runs, before pytest could rewrite it: an error where a project makes errors of warnings.
    args.push("-Wignore:Module already imported:pytest.PytestAssertRewriteWarning".to_owned());
    args.extend(["-o".to_owned(), format!("cache_dir={}", text(&place("cache"))), "--maxfail=0".to_owned()]);
    let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
    Ok(Prepared { environment, python_path, args, report })
}

/// Runs pytest with `args` in `copy`, for at most `time`; ends it and all it has started in any case.
pub async fn run(
    copy: &Copy,
    start: &Start,
    args: &[String],
    time: Duration,
    cancel: &CancellationToken,
) -> Result<Ran, RunError> {
    let Prepared { mut environment, python_path, args: mut all, report } = prepare(copy, start)?;
    environment.push(("FAILSCOPE_PARENT".to_owned(), std::process::id().to_string()));
    all.extend_from_slice(args);
    let stream = copy.scratch().join("run.jsonl");
    let _ = std::fs::remove_file(&stream);
    let request = Request {
        root: copy.root().to_owned(),
        interpreter: start.interpreter.clone(),
        args: all,
        stream,
        plugin: start.plugin.clone(),
        python_path: Some(python_path),
        output: Output::Captured,
        environment,
        kills_rest: true,
    };
    let mut handle = Runner::default().start(request)?;
    let canceller = handle.canceller();
    let _end = EndOnDrop(handle.canceller());
    let mut ran = Ran::default();
    let end = tokio::time::sleep(time);
    tokio::pin!(end);
    loop {
        tokio::select! {
            progress = handle.next() => match progress {
                Some(Progress::Event(event)) => take(&mut ran, *event),
                Some(Progress::Output(_)) => {}
                None => break,
            },
            () = &mut end, if !ran.timed_out => {
                ran.timed_out = true;
                canceller.cancel();
            }
            () = cancel.cancelled(), if !ran.cancelled => {
                ran.cancelled = true;
                canceller.cancel();
            }
        }
    }
    let finished = handle.wait().await?;
    ran.output = finished.output;
    ran.broke |= finished.signal.is_some() && !finished.cancelled;
    if let Ok(reported) = tokio::fs::read_to_string(&report).await {
        let lines = reported.lines().filter_map(|line| serde_json::from_str::<Vec<String>>(line).ok());
        ran.foreign = lines.flatten().collect();
    }
    Ok(ran)
}

fn take(ran: &mut Ran, event: Event) {
    match event {
        Event::Session(session) => ran.root = Some(session.root.into()),
        Event::End(end) => {
            ran.ends.insert(end.id, end.outcome);
        }
        Event::Failure(failure) if failure.outcome == Verdict::Failed => {
            ran.broke |= matches!(failure.kind, Kind::Crash | Kind::Internal);
            if failure.phase == Phase::Collect {
                ran.uncollected.insert(failure.id.clone());
            }
            let exception = failure.exceptions.last().map_or("", |last| last.type_name.as_str()).to_owned();
            ran.failures.insert(failure.id, (exception, failure.headline));
        }
        _ => {}
    }
}
