//! The one place where the clock, the environment and the working directory come in.
//!
//! Everything that depends on them takes a [`System`], so that a test decides what time it is and which
//! variables are set, and so that two analyses of one run cannot differ by when they were made.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How long a thread that gives way works before it lets others on.
const TURN: Duration = Duration::from_micros(200);

/// What the process knows of the world outside, taken once at its start (the clock excepted).
#[derive(Clone)]
pub struct System {
    environment: Arc<BTreeMap<String, String>>,
    current_dir: Arc<PathBuf>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl std::fmt::Debug for System {
    /// Leaves the environment's values out: they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").field("current_dir", &self.current_dir).finish_non_exhaustive()
    }
}

impl System {
    /// The real clock, environment and working directory. Variables that are not Unicode are left out.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn real() -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        Self {
            environment: Arc::new(environment),
            current_dir: Arc::new(std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))),
            clock: Arc::new(SystemTime::now),
        }
    }

    /// A controlled world for tests: a fixed clock, the given variables and working directory.
    pub fn fixed(
        now: SystemTime,
        environment: impl IntoIterator<Item = (String, String)>,
        current_dir: PathBuf,
    ) -> Self {
        Self {
            environment: Arc::new(environment.into_iter().collect()),
            current_dir: Arc::new(current_dir),
            clock: Arc::new(move || now),
        }
    }

    /// The current time.
    pub fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// The current time in seconds since the Unix epoch.
    pub fn unix_now(&self) -> f64 {
        self.now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
    }

    /// The variable `name`, if it is set and not empty.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// All variables, sorted by name.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The folder for what is kept of this user over all projects; `None` if the environment does not tell.
    /// `XDG_STATE_HOME` counts where it is set (<https://specifications.freedesktop.org/basedir-spec/latest/>).
    pub fn state_dir(&self) -> Option<PathBuf> {
        let absolute = |name| self.env(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || absolute("HOME");
        let base = absolute("XDG_STATE_HOME").or_else(|| {
            if cfg!(windows) {
                absolute("LOCALAPPDATA")
            } else if cfg!(target_os = "macos") {
                Some(home()?.join("Library/Application Support"))
            } else {
                Some(home()?.join(".local/state"))
            }
        })?;
        Some(base.join("failscope"))
    }

    /// The working directory at the process's start.
    pub fn current_dir(&self) -> &std::path::Path {
        &self.current_dir
    }
}

/// Whether the process `id` of the machine `host` is still there; `None` if that cannot be known. `host` is
/// compared with this machine's own name: of a process elsewhere, in a container for instance, nothing is known.
#[cfg(unix)]
pub fn is_running(host: &str, id: u32) -> Option<bool> {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw)?;
    if host.is_empty() || rustix::system::uname().nodename().to_bytes() != host.as_bytes() {
        return None;
    }
    // Any other error says that it is there and belongs to somebody else.
    Some(rustix::process::test_kill_process(id) != Err(rustix::io::Errno::SRCH))
}

/// Whether the process `id` of the machine `host` is still there: not known how on this platform.
#[cfg(not(unix))]
pub fn is_running(_host: &str, _id: u32) -> Option<bool> {
    None
}

thread_local! {
    /// When this thread has last let others on, if it has said [`give_way`].
    static LET_OTHERS_ON: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Lets other threads go before the calling one and those that it starts, where the system can do that for a thread.
pub fn give_way() {
    // Elsewhere it would slow down the whole process. If it is refused nothing is lost but a little time.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(5);
    LET_OTHERS_ON.set(Some(Instant::now()));
}

/// Lets other threads on if the calling one has said [`give_way`]; to be called again and again in long work. Linux
/// takes a processor from no thread, of whatever priority, before its slice of some milliseconds is over.
pub fn pause() {
    if LET_OTHERS_ON.get().is_some_and(|last| last.elapsed() >= TURN) {
        std::thread::yield_now();
        LET_OTHERS_ON.set(Some(Instant::now()));
    }
}

/// A stream that lets other threads on, see [`pause`], each time that it is read or written.
#[derive(Debug)]
pub struct Pausing<T>(pub T);

impl<T: Read> Read for Pausing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        pause();
        self.0.read(bytes)
    }
}

impl<T: Write> Write for Pausing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        pause();
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The name of this machine; `None` if it has none or it is not known how to ask.
pub fn host() -> Option<String> {
    #[cfg(unix)]
    return Some(rustix::system::uname().nodename().to_string_lossy().into_owned());
    #[cfg(not(unix))]
    return None;
}
