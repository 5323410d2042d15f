//! The one owner of live state: events in, analyses and publications out. Names no protocol type.
//!
//! Everything that happens is an [`Event`] in one channel; one task ([`state`]) takes them in order and alone
//! changes state. What blocks runs elsewhere and comes back as an event. Readers take immutable
//! [`Snapshot`]s from a concurrent map and never wait for an analysis.

mod background;
mod cleared;
pub mod document;
pub mod findings;
pub mod job;
mod live;
pub mod queue;
pub mod shift;
pub mod snapshot;
mod state;
pub mod tools;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashmap::DashMap;
use serde_json::Value as Json;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::diagnose::agents::{Heard, Spent};
use crate::diagnose::providers::Choice;
use crate::history::summary::Graded;
use crate::model::{Also, Culprit, Fix, Part, Redacted, RelPath, Verification};
use crate::system::System;
use crate::workspace::source::SourceFile;
use document::{ColumnToByte, TextEdit};
use findings::FileFindings;
pub use snapshot::Snapshot;

/// Something that happened.
pub enum Event {
    /// The editor opened a document.
    Opened {
        /// Its file.
        path: PathBuf,
        /// Its version.
        version: i32,
        /// Its text.
        text: String,
    },
    /// The editor changed a document.
    Changed {
        /// Its file.
        path: PathBuf,
        /// The version after the change.
        version: i32,
        /// The edits, each made to the text that the one before it left.
        edits: Vec<TextEdit>,
    },
    /// The editor closed a document: the file's text counts again.
    Closed {
        /// Its file.
        path: PathBuf,
    },
    /// Files or folders may have been made, changed or removed.
    Files(Vec<PathBuf>),
    /// The editor's settings; for every folder if `root` is `None`.
    Settings {
        /// The folder.
        root: Option<PathBuf>,
        /// A JSON object with the keys of [`crate::workspace::Config`].
        value: Json,
    },
    /// Workspace folders came and went.
    Folders {
        /// New ones.
        added: Vec<PathBuf>,
        /// Closed ones.
        removed: Vec<PathBuf>,
    },
    /// Analyse again.
    Analyze {
        /// The folder; all if `None`.
        root: Option<PathBuf>,
        /// Whether files that have not changed are read again as well.
        anew: bool,
        /// Gets the outcome of every folder.
        reply: mpsc::UnboundedSender<Summary>,
    },
    /// Show nothing until there are new results.
    Clear {
        /// The folder; all if `None`.
        root: Option<PathBuf>,
    },
    /// Stop the folder's running analysis.
    Cancel {
        /// The folder.
        root: PathBuf,
    },
    /// A job has ended; `None` if it broke.
    Analysed {
        /// The folder.
        root: PathBuf,
        /// What it gave.
        outcome: Option<Box<job::Outcome>>,
    },
    /// A model has been heard about some causes.
    Heard {
        /// The folder.
        root: PathBuf,
        /// The analysis that it was asked about, by [`job::Results::serial`].
        serial: u64,
        /// The causes with what is concluded now.
        heard: Vec<Heard>,
        /// At the end of a round: what it has cost, whether it was cancelled, and who was asked.
        done: Option<(Spent, bool, Choice)>,
    },
    /// Reports have been written.
    Reported {
        /// The folder.
        root: PathBuf,
        /// What went wrong.
        complaints: Vec<String>,
        /// What the history of runs says, where there is one.
        graded: Option<Arc<Graded>>,
        /// What is to be shown with that.
        prepared: Option<Box<findings::Prepared>>,
    },
    /// A fix has been tried.
    Verified {
        /// The folder.
        root: PathBuf,
        /// The cluster.
        fingerprint: String,
        /// The fix, by its title.
        title: String,
        /// What came of it.
        verification: Verification,
    },
    /// Failing tests have been traced.
    Traced {
        /// The folder.
        root: PathBuf,
        /// What was found, by cluster.
        found: Vec<Traced>,
        /// The sources of the places.
        sources: Vec<Arc<SourceFile>>,
    },
    /// Look again for results.
    Again {
        /// The folder.
        root: PathBuf,
    },
    /// Sources have been read from disk.
    SourcesRead {
        /// The folder.
        root: PathBuf,
        /// Counts the readings, so that a late one does not overwrite a newer one.
        serial: u64,
        /// The texts; `None` for what is gone.
        texts: Vec<(RelPath, Option<Arc<SourceFile>>)>,
    },
    /// Answered when everything before it has been taken in.
    Settled(oneshot::Sender<()>),
    /// The end.
    Shutdown,
}

/// What tracing has found of one cluster.
#[derive(Debug, Clone)]
pub struct Traced {
    /// The cluster.
    pub fingerprint: String,
    /// Its suspects, best first.
    pub culprits: Vec<Culprit>,
    /// Other clusters that it explains.
    pub also: Vec<Also>,
    /// Groups of its tests that point to unlike places.
    pub parts: Vec<Part>,
    /// Its notes.
    pub notes: Vec<Redacted>,
    /// Fixes that were found by trying them.
    pub fixes: Vec<Fix>,
}

/// What an analysis found, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The folder.
    pub root: PathBuf,
    /// Failures.
    pub failures: usize,
    /// Root causes.
    pub causes: usize,
    /// Whether it was ended early.
    pub cancelled: bool,
}

/// A folder has something new.
#[derive(Debug, Clone)]
pub struct News {
    /// The folder.
    pub root: PathBuf,
    /// Whether it is what a model has said of results that were there before; else there are new results.
    pub of_model: bool,
}

/// What is to be shown in one file from now on.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The file.
    pub path: PathBuf,
    /// What to show; empty to clear it.
    pub findings: Arc<FileFindings>,
    /// The folder, for the paths of related places.
    pub root: PathBuf,
    /// The version of the open document that the places belong to.
    pub version: Option<i32>,
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something is wrong that the user can mend.
    Warning,
    /// What the user has asked for.
    Answer,
    /// Worth knowing when looking for a reason.
    Log,
}

/// The side that shows things. Its methods return at once.
pub trait Front: Send + Sync + 'static {
    /// Shows what changed.
    fn publish(&self, publications: Vec<Publication>);
    /// Says that status, values or lenses have changed.
    fn refresh(&self);
    /// There are new results.
    fn analysed(&self, root: &Path);
    /// An analysis of the folder began or ended.
    fn busy(&self, root: &Path, busy: bool);
    /// Tells the user.
    fn say(&self, level: Level, message: String);
}

/// How files are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watching {
    /// By the operating system's notices.
    #[default]
    Native,
    /// By looking again and again, for file systems without notices (NFS, some containers).
    Poll(std::time::Duration),
    /// Not at all.
    Off,
}

/// What the engine is made with.
pub struct Setup {
    /// The world.
    pub system: System,
    /// The pipeline.
    pub tools: Arc<dyn tools::Tools>,
    /// How files are watched.
    pub watching: Watching,
    /// Converts the editor's columns.
    pub column_to_byte: ColumnToByte,
}

/// The way to a running engine.
#[derive(Clone)]
pub struct Handle {
    events: mpsc::UnboundedSender<Event>,
    snapshots: Arc<DashMap<PathBuf, Arc<Snapshot>>>,
    /// Folders with something new, as it comes.
    news: broadcast::Sender<News>,
}

/// News that a slow listener may miss.
const NEWS: usize = 64;

impl Handle {
    /// Starts an engine on the current runtime.
    pub fn start(setup: Setup, front: Arc<dyn Front>) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        let handle = Self { events, snapshots: Arc::default(), news: broadcast::Sender::new(NEWS) };
        tokio::spawn(state::Engine::new(setup, front, handle.clone()).run(inbox));
        handle
    }

    /// Forwards an event; never waits. After the engine's end nothing happens.
    pub fn send(&self, event: Event) {
        if self.events.send(event).is_err() {
            tracing::debug!("an event came after the end");
        }
    }

    /// Says which folder has something new, from now on.
    pub fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Waits until every event sent before has been taken in (not until analyses are done).
    pub async fn settled(&self) {
        let (reply, done) = oneshot::channel();
        self.send(Event::Settled(reply));
        // An error means that the engine has ended: then there is nothing left to wait for.
        let _ = done.await;
    }

    /// The folder that holds `path` (the innermost one) and the path in it.
    pub fn find(&self, path: &Path) -> Option<(Arc<Snapshot>, RelPath)> {
        path.ancestors().skip(1).find_map(|root| {
            let snapshot = Arc::clone(self.snapshots.get(root)?.value());
            let relative = relative(root, path)?;
            Some((snapshot, relative))
        })
    }

    /// The snapshot of a folder.
    pub fn folder(&self, root: &Path) -> Option<Arc<Snapshot>> {
        self.snapshots.get(root).map(|s| Arc::clone(s.value()))
    }

    /// All folders, sorted by path.
    pub fn folders(&self) -> Vec<Arc<Snapshot>> {
        let mut all: Vec<_> = self.snapshots.iter().map(|s| Arc::clone(s.value())).collect();
        all.sort_by(|a, b| a.root.cmp(&b.root));
        all
    }
}

/// The path of `path` in `root`.
pub fn relative(root: &Path, path: &Path) -> Option<RelPath> {
    RelPath::new(path.strip_prefix(root).ok()?.to_str()?)
}
