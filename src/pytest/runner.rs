//! Running pytest with the plugin injected, whether or not it is installed.
//!
//! ```no_run
//! # async fn example(system: &failscope::system::System) -> Result<(), failscope::pytest::runner::RunError> {
//! use failscope::pytest::runner::{Output, Progress, Request, Runner};
//!
//! let runner = Runner::default(); // one per workspace
//! let request = Request::new("/w", &["tests/test_a.py::test_b".into()], None, system)?;
//! let mut run = runner.start(request)?; // an error if another run is going
//! let cancel = run.canceller(); // `cancel.cancel()` from anywhere ends the whole process group
//! while let Some(progress) = run.next().await {
//!     match progress {
//!         Progress::Event(event) => { /* feed an `ingest::events::Assembler`, show the counts */ }
//!         Progress::Output(text) => { /* a piece of what pytest prints */ }
//!     }
//! }
//! let finished = run.wait().await?;
//! # Ok(()) }
//! ```
//!
//! The run's record stays in `finished.stream`, so whoever watches `.failscope/runs/` sees it as well.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::io::AsyncReadExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::events::Event;
use super::follow::Follower;
pub use super::inject::{new_stream, plugin_folder};
use super::interpreter::{self, Interpreter};
use crate::system::System;

/// How often the stream of a running pytest is looked at.
const TICK: Duration = Duration::from_millis(20);
/// How long a cancelled pytest may take to run its teardowns before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is awaited after pytest has ended: a process it left behind may hold the pipe for ever.
const LAST_OUTPUT: Duration = Duration::from_millis(500);
/// Most bytes of output that are kept: the last ones.
const MAX_OUTPUT: usize = 1 << 20;

/// What pytest prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// It comes as [`Progress::Output`], and its end is kept in [`Finished::output`]. pytest is the leader of a
    /// process group of its own.
    #[default]
    Captured,
    /// It goes where this process's own output goes, and input is passed on, so that debuggers work. pytest
    /// stays in this process's group: the terminal's Ctrl-C reaches both.
    Inherited,
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Request {
    /// Working directory.
    pub root: PathBuf,
    /// Python.
    pub interpreter: Interpreter,
    /// pytest's arguments: test ids, options.
    pub args: Vec<String>,
    /// The event stream that will be written. Its folder is made if need be.
    pub stream: PathBuf,
    /// Folder that holds the plugin as a package `failscope`, see [`plugin_folder`].
    pub plugin: PathBuf,
    /// `PYTHONPATH` of this process.
    pub python_path: Option<String>,
    /// What happens to the output.
    pub output: Output,
    /// Variables besides this process's own.
    pub environment: Vec<(String, String)>,
    /// Whether what pytest has started and left behind is killed when it has ended.
    pub kills_rest: bool,
}

impl Request {
    /// Runs pytest with `args` in `root` with its interpreter (see [`interpreter::find`], which is given
    /// `python`); the stream goes to `.failscope/runs/`.
    pub fn new(
        root: impl Into<PathBuf>,
        args: &[String],
        python: Option<&str>,
        system: &System,
    ) -> Result<Self, RunError> {
        let root = root.into();
        let interpreter = interpreter::find(&root, python, system).ok_or(RunError::NoPython)?;
        let stream = new_stream(&root.join(".failscope"), system)?;
        Ok(Self {
            interpreter,
            args: args.to_vec(),
            stream,
            plugin: plugin_folder(system)?,
            python_path: system.env("PYTHONPATH").map(ToOwned::to_owned),
            output: Output::default(),
            environment: Vec::new(),
            kills_rest: false,
            root,
        })
    }
}

/// Something that happened in a run.
#[derive(Debug)]
pub enum Progress {
    /// An event of the stream.
    Event(Box<Event>),
    /// A piece of what pytest prints, of standard output and error as they come.
    Output(String),
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// pytest's exit code; `None` if a signal ended it.
    pub exit: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether [`Canceller::cancel`] ended it.
    pub cancelled: bool,
    /// The event stream; the file is missing if pytest never got as far as the plugin.
    pub stream: PathBuf,
    /// The end of what was printed, if it was captured.
    pub output: String,
}

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another run is going.
    #[error("another test run is going; wait for its end or cancel it")]
    Busy,
    /// While it waited for another run to end, a newer one was asked for.
    #[error("a newer request to run tests has taken this one's place")]
    Superseded,
    /// There is no interpreter.
    #[error(
        "no Python was found; make a virtual environment in the project's folder or set `python` in [tool.failscope]"
    )]
    NoPython,
    /// The process could not be started.
    #[error("cannot start {program} ({why}): {source}")]
    Start {
        /// The program.
        program: String,
        /// Why it was chosen.
        why: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A file could not be written or read.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    File {
        /// What was to be done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// Runs pytest, one run at a time.
#[derive(Debug, Clone)]
pub struct Runner {
    place: Arc<Semaphore>,
    /// How many tickets were drawn.
    drawn: Arc<watch::Sender<u64>>,
}

impl Default for Runner {
    fn default() -> Self {
        Self { place: Arc::new(Semaphore::new(1)), drawn: Arc::new(watch::Sender::new(0)) }
    }
}

/// The place of a request among those that wait: see [`Runner::start_in_turn`].
#[derive(Debug)]
pub struct Ticket(u64);

impl Runner {
    /// Whether a run is going.
    pub fn is_busy(&self) -> bool {
        self.place.available_permits() == 0
    }

    /// Starts a run. Needs a Tokio runtime; returns at once. [`RunError::Busy`] if another is going.
    pub fn start(&self, request: Request) -> Result<RunHandle, RunError> {
        let place = Arc::clone(&self.place).try_acquire_owned().map_err(|_| RunError::Busy)?;
        Self::start_in(place, request)
    }

    /// Draws a ticket when a run is asked for, before anything is prepared.
    pub fn ticket(&self) -> Ticket {
        let mut number = 0;
        self.drawn.send_modify(|drawn| {
            *drawn += 1;
            number = *drawn;
        });
        Ticket(number)
    }

    /// Starts a run as soon as no other is going. Of those that wait only the newest stays:
    /// [`RunError::Superseded`] for the others. Dropping the future gives up.
    pub async fn start_in_turn(&self, ticket: Ticket, request: Request) -> Result<RunHandle, RunError> {
        let mut drawn = self.drawn.subscribe();
        tokio::select! {
            biased;
            newer = drawn.wait_for(|drawn| *drawn > ticket.0), if self.is_busy() => match newer {
                Ok(_) => Err(RunError::Superseded),
                Err(_) => Err(RunError::Busy),
            },
            place = Arc::clone(&self.place).acquire_owned() => {
                Self::start_in(place.map_err(|_| RunError::Busy)?, request)
            }
        }
    }

    fn start_in(place: OwnedSemaphorePermit, request: Request) -> Result<RunHandle, RunError> {
        let child = spawn(&request)?;
        let (sender, events) = mpsc::channel(1024);
        let cancel = CancellationToken::new();
        let task = tokio::spawn(see_through(child, request, sender, cancel.clone(), place));
        Ok(RunHandle { events, cancel, task })
    }
}

/// A run that is going. Dropping it does not end the run.
#[derive(Debug)]
pub struct RunHandle {
    events: mpsc::Receiver<Progress>,
    cancel: CancellationToken,
    task: JoinHandle<Result<Finished, RunError>>,
}

impl RunHandle {
    /// What happens next; `None` when the run is over.
    pub async fn next(&mut self) -> Option<Progress> {
        self.events.recv().await
    }

    /// Ends this run from anywhere.
    pub fn canceller(&self) -> Canceller {
        Canceller(self.cancel.clone())
    }

    /// The end of the run. Progress that nobody has taken is dropped.
    pub async fn wait(mut self) -> Result<Finished, RunError> {
        let drain = async { while self.events.recv().await.is_some() {} };
        drain.await;
        self.task.await.unwrap_or_else(|error| {
            Err(RunError::File {
                what: "watch the run that writes",
                path: PathBuf::new(),
                source: std::io::Error::other(error),
            })
        })
    }
}

/// Ends a run.
#[derive(Debug, Clone)]
pub struct Canceller(CancellationToken);

impl Canceller {
    /// Interrupts pytest, as Ctrl-C does, so that teardowns are run; after two seconds its whole process group
    /// is killed. Returns at once.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place where tests are run")]
fn spawn(request: &Request) -> Result<Box<dyn ChildWrapper>, RunError> {
    let Some((program, before)) = request.interpreter.command.split_first() else {
        return Err(RunError::NoPython);
    };
    let mut path = request.plugin.clone().into_os_string();
    if let Some(more) = request.python_path.as_deref().filter(|more| !more.is_empty()) {
        path.push(if cfg!(windows) { ";" } else { ":" });
        path.push(more);
    }
    let mut command = tokio::process::Command::new(program);
    command
        .args(before)
        .args(["-m", "pytest", "-p", "failscope"])
        .args(&request.args)
        .current_dir(&request.root)
        .env("PYTHONPATH", path)
        .env("FAILSCOPE_STREAM", &request.stream)
        .envs(request.environment.iter().map(|(name, value)| (name, value)));
    let captured = request.output == Output::Captured;
    if captured {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Where the output is not a terminal Python would hold it back.
        command.env("PYTHONUNBUFFERED", "1");
    }
    let mut wrap = CommandWrap::from(command);
    wrap.wrap(KillOnDrop);
    #[cfg(unix)]
    if captured {
        wrap.wrap(process_wrap::tokio::ProcessGroup::leader());
    }
    #[cfg(windows)]
    wrap.wrap(process_wrap::tokio::JobObject);
    wrap.spawn().map_err(|source| RunError::Start {
        program: program.clone(),
        why: request.interpreter.why.clone(),
        source,
    })
}

/// Sees a run through: output and events out, cancellation in.
async fn see_through(
    mut child: Box<dyn ChildWrapper>,
    request: Request,
    sender: mpsc::Sender<Progress>,
    cancel: CancellationToken,
    place: OwnedSemaphorePermit,
) -> Result<Finished, RunError> {
    let pid = child.id();
    let (texts, mut text) = mpsc::channel::<Vec<u8>>(64);
    let readers = [
        child.stdout().take().map(|pipe| tokio::spawn(forward(pipe, texts.clone()))),
        child.stderr().take().map(|pipe| tokio::spawn(forward(pipe, texts.clone()))),
    ];
    drop(texts);
    let mut output = Tail::default();
    let mut follower = Follower::new(&request.stream);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut cancelled = false;
    let mut deadline = None;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            Some(piece) = text.recv() => pass_on(&sender, &cancel, &mut output, &piece).await,
            () = cancel.cancelled(), if !cancelled => {
                cancelled = true;
                deadline = Some(tokio::time::Instant::now() + GRACE);
                interrupt(&mut *child, pid);
            }
            () = until(deadline) => {
                deadline = None;
                kill_group(&request, pid);
                let _ = child.start_kill();
            }
            _ = tick.tick() => follower = pass_events(follower, &sender, &cancel).await,
        }
    };
    if cancelled || request.kills_rest {
        // What pytest started may outlive it.
        kill_group(&request, pid);
    }
    let last = async {
        while let Some(piece) = text.recv().await {
            pass_on(&sender, &cancel, &mut output, &piece).await;
        }
    };
    if tokio::time::timeout(LAST_OUTPUT, last).await.is_err() {
        tracing::debug!("a process that pytest left behind still holds its output");
    }
    for reader in readers.into_iter().flatten() {
        reader.abort();
    }
    pass_events(follower, &sender, &cancel).await;
    drop(place);
    let status = status.map_err(|source| RunError::File {
        what: "wait for the run of",
        path: request.root.clone(),
        source,
    })?;
    Ok(Finished {
        exit: status.code(),
        signal: signal(status),
        cancelled,
        stream: request.stream,
        output: output.into_text(),
    })
}

#[cfg(unix)]
fn signal(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: std::process::ExitStatus) -> Option<i32> {
    None
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn forward(mut pipe: impl tokio::io::AsyncRead + Unpin, to: mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        if to.send(buffer[..count].to_vec()).await.is_err() {
            return;
        }
    }
}

async fn pass_on(
    sender: &mpsc::Sender<Progress>,
    cancel: &CancellationToken,
    output: &mut Tail,
    piece: &[u8],
) {
    output.push(piece);
    deliver(sender, cancel, Progress::Output(String::from_utf8_lossy(piece).into_owned())).await;
}

/// A receiver that is gone has lost interest in the news, not in the run; one that is slow must not keep a run
/// from being cancelled.
async fn deliver(sender: &mpsc::Sender<Progress>, cancel: &CancellationToken, progress: Progress) {
    tokio::select! {
        biased;
        _ = sender.send(progress) => {}
        () = cancel.cancelled() => {}
    }
}

/// Reads what the stream has got since the last time; gives the follower back.
async fn pass_events(
    mut follower: Follower,
    sender: &mpsc::Sender<Progress>,
    cancel: &CancellationToken,
) -> Follower {
    loop {
        let path = follower.path().to_owned();
        let polled = tokio::task::spawn_blocking(move || {
            let news = follower.poll();
            (follower, news)
        })
        .await;
        let Ok((back, news)) = polled else { return Follower::new(path) };
        follower = back;
        let news = match news {
            Ok(news) => news,
            Err(error) => {
                tracing::warn!("cannot read {}: {error}", path.display());
                return follower;
            }
        };
        for event in news.events {
            deliver(sender, cancel, Progress::Event(Box::new(event))).await;
        }
        if !news.more {
            return follower;
        }
    }
}

/// Asks pytest to stop.
fn interrupt(child: &mut dyn ChildWrapper, pid: Option<u32>) {
    #[cfg(unix)]
    if let Some(pid) = group(pid) {
        // Only pytest: its workers would die of the signal before they could tear down.
        let sent = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        if sent.is_ok() {
            return;
        }
    }
    let _ = pid;
    let _ = child.start_kill();
}

/// Kills pytest and all it has started, if it leads a group of its own.
fn kill_group(request: &Request, pid: Option<u32>) {
    #[cfg(unix)]
    if request.output == Output::Captured
        && let Some(pid) = group(pid)
    {
        // An error says that there is nobody left.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    let _ = (request, pid);
}

#[cfg(unix)]
fn group(pid: Option<u32>) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(pid?).ok()?)
}

/// The last bytes of an output.
#[derive(Debug, Default)]
struct Tail(std::collections::VecDeque<u8>);

impl Tail {
    fn push(&mut self, piece: &[u8]) {
        self.0.extend(piece);
        let over = self.0.len().saturating_sub(MAX_OUTPUT);
        self.0.drain(..over);
    }

    fn into_text(self) -> String {
        String::from_utf8_lossy(&Vec::from(self.0)).into_owned()
    }
}
