//! Watches a folder for results and sources that change, without the editor's help: clients such as Neovim
//! on Linux do not watch files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use notify::event::{CreateKind, EventKind, ModifyKind};
use notify::{RecursiveMode, Watcher as _};

use super::{Event, Handle, Level};

/// Folders that are never watched: installed code, and tools' own files that change all the time. The cache of
/// pytest is not among them, for it tells what failed last.
const SKIPPED: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    ".idea",
    "site-packages",
    ".eggs",
    "target",
];
/// Most folders that are watched; beyond it the rest is left to the editor's notices.
const MAX_FOLDERS: usize = 8192;

/// Keeps a watch until it is dropped.
#[derive(Debug)]
pub struct Watch {
    messages: mpsc::Sender<Message>,
}

enum Message {
    Notice(notify::Result<notify::Event>),
    Stop,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread may have ended already.
        let _ = self.messages.send(Message::Stop);
    }
}

/// Starts watching `root`. Everything that may have changed is sent to `engine`, the root itself first, when the
/// watch is in place. Problems are told through `complain`.
pub fn start(
    root: PathBuf,
    engine: Handle,
    complain: impl Fn(Level, String) + Send + 'static,
) -> Option<Watch> {
    let (messages, inbox) = mpsc::channel();
    let sender = messages.clone();
    let thread = std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
        let notices = sender.clone();
        let watcher = notify::recommended_watcher(move |notice| {
            // After the end nobody listens.
            let _ = notices.send(Message::Notice(notice));
        });
        match watcher {
            Ok(watcher) => Folders { root, watcher, watched: HashSet::new(), full: false }
                .run(&inbox, &engine, &complain),
            Err(error) => complain(Level::Warning, unwatchable(&root, &error)),
        }
    });
    thread.ok().map(|_| Watch { messages })
}

fn unwatchable(root: &Path, error: &notify::Error) -> String {
    format!(
        "cannot watch {} for new test results: {error}; start the server with `failscope lsp --poll 2` to look \
         for them every 2 seconds",
        root.display()
    )
}

struct Folders {
    root: PathBuf,
    watcher: notify::RecommendedWatcher,
    watched: HashSet<PathBuf>,
    full: bool,
}

impl Folders {
    fn run(mut self, inbox: &mpsc::Receiver<Message>, engine: &Handle, complain: &impl Fn(Level, String)) {
        let root = self.root.clone();
        if let Err(error) = self.add(&root) {
            complain(Level::Warning, unwatchable(&root, &error));
        }
        engine.send(Event::Files(vec![root]));
        while let Ok(Message::Notice(notice)) = inbox.recv() {
            match notice {
                Ok(event) => {
                    let paths = self.changed(event);
                    if !paths.is_empty() {
                        engine.send(Event::Files(paths));
                    }
                }
                Err(error) => complain(Level::Log, format!("watching {}: {error}", self.root.display())),
            }
        }
    }

    /// The paths of a notice, with what is in new folders.
    fn changed(&mut self, event: notify::Event) -> Vec<PathBuf> {
        if matches!(event.kind, EventKind::Access(_)) {
            return Vec::new();
        }
        if event.need_rescan() {
            return vec![self.root.clone()];
        }
        let mut paths = event.paths;
        let may_be_folder = matches!(
            event.kind,
            EventKind::Any
                | EventKind::Create(CreateKind::Any | CreateKind::Folder | CreateKind::Other)
                | EventKind::Modify(ModifyKind::Name(_))
        );
        if may_be_folder {
            let folders: Vec<PathBuf> = paths.iter().filter(|p| p.is_dir()).cloned().collect();
            for folder in folders {
                // What was put there before the watch was in place gives no notice of its own; the engine
                // looks into a folder that it is told of.
                if let Err(error) = self.add(&folder) {
                    tracing::debug!("cannot watch {}: {error}", folder.display());
                }
            }
        }
        if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
            for path in &paths {
                self.watched.remove(path);
            }
        }
        paths.retain(|path| !is_skipped(path, &self.root));
        paths
    }

    /// Watches `folder` and all that is in it.
    fn add(&mut self, folder: &Path) -> notify::Result<()> {
        let mut waiting = vec![folder.to_path_buf()];
        while let Some(folder) = waiting.pop() {
            if self.full || is_skipped(&folder, &self.root) || is_environment(&folder) {
                continue;
            }
            if self.watched.insert(folder.clone()) {
                if self.watched.len() > MAX_FOLDERS {
                    self.full = true;
                    return Err(notify::Error::generic("there are too many folders"));
                }
                self.watcher.watch(&folder, RecursiveMode::NonRecursive)?;
            }
            // Folders that vanish while they are listed need no watch.
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            waiting.extend(
                entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()),
            );
        }
        Ok(())
    }
}

/// Whether a part of `path` below `root` is never watched.
fn is_skipped(path: &Path, root: &Path) -> bool {
    path.strip_prefix(root)
        .is_ok_and(|below| below.iter().filter_map(|part| part.to_str()).any(|part| SKIPPED.contains(&part)))
}

/// A virtual environment under any name.
fn is_environment(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file()
}
