//! The engine's task: takes events one by one and alone changes state.

mod folder;
mod jobs;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use tokio::sync::{mpsc, oneshot};

use super::document::Document;
use super::job::Memory;
use super::{Event, Front, Handle, Setup, Snapshot, Watching, relative, watch};
use crate::model::RelPath;
use crate::workspace::source::{self, SourceFile};
use folder::{Folder, Task, empty};

/// Most events taken in before their effects are shown.
const BATCH: usize = 256;

pub struct Engine {
    setup: Setup,
    front: Arc<dyn Front>,
    handle: Handle,
    folders: BTreeMap<PathBuf, Folder>,
    documents: HashMap<PathBuf, Open>,
    settings: Option<Json>,
}

struct Open {
    document: Document,
    source: Arc<SourceFile>,
}

impl Engine {
    pub fn new(setup: Setup, front: Arc<dyn Front>, handle: Handle) -> Self {
        Self { setup, front, handle, folders: BTreeMap::new(), documents: HashMap::new(), settings: None }
    }

    /// Runs until [`Event::Shutdown`].
    pub async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Event>) {
        while let Some(first) = inbox.recv().await {
            let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
            let mut next = Some(first);
            let mut taken = 0;
            while let Some(event) = next {
                match event {
                    Event::Settled(reply) => waiting.push(reply),
                    Event::Shutdown => return,
                    event => self.take(event),
                }
                taken += 1;
                next = if taken < BATCH { inbox.try_recv().ok() } else { None };
            }
            self.show();
            for reply in waiting {
                // Whoever asked may have been cancelled.
                let _ = reply.send(());
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Opened { path, version, text } => {
                let document = Document { version, text: text.into() };
                self.set_document(&path, document);
            }
            Event::Changed { path, version, edits } => {
                if let Some(open) = self.documents.get(&path) {
                    let mut document = open.document.clone();
                    document.apply(version, &edits, self.setup.column_to_byte);
                    self.set_document(&path, document);
                }
            }
            Event::Closed { path } => {
                if self.documents.remove(&path).is_some() {
                    self.touch(&path);
                    self.read_sources(std::slice::from_ref(&path));
                }
            }
            Event::Files(paths) => self.files_changed(&paths),
            Event::Settings { root, value } => self.set_settings(root, value),
            Event::Folders { added, removed } => self.set_folders(added, &removed),
            Event::Analyze { root, anew, reply } => {
                let roots = self.roots(root);
                for root in roots {
                    if let Some(folder) = self.folders.get_mut(&root) {
                        if anew {
                            folder.forget = true;
                            folder.unclear(&root);
                        }
                        folder.look = true;
                        folder.queue.ask(Some(reply.clone()));
                    }
                    self.start_job(&root);
                }
            }
            Event::Clear { root } => {
                for root in self.roots(root) {
                    if let Some(folder) = self.folders.get_mut(&root) {
                        folder.clear(&root);
                    }
                }
            }
            Event::Cancel { root } => {
                if let Some(folder) = self.folders.get(&root) {
                    folder.queue.cancel();
                }
            }
            Event::Analysed { root, outcome } => self.analysed(&root, outcome),
            Event::Heard { root, serial, heard, done } => self.heard(&root, serial, heard, done),
            Event::Verified { root, fingerprint, title, verification } => {
                self.verified(&root, &fingerprint, &title, verification);
            }
            Event::Reported { root, complaints, graded, prepared } => {
                self.reported(&root, complaints, graded, prepared);
            }
            Event::Traced { root, found, sources } => self.traced(&root, found, &sources),
            Event::Again { root } => self.ask(&root),
            Event::SourcesRead { root, serial, texts } => {
                if let Some(folder) = self.folders.get_mut(&root) {
                    folder.sources_read(serial, texts);
                }
            }
            Event::Settled(_) | Event::Shutdown => {}
        }
    }

    fn roots(&self, root: Option<PathBuf>) -> Vec<PathBuf> {
        match root {
            Some(root) => vec![root],
            None => self.folders.keys().cloned().collect(),
        }
    }

    /// The innermost folder that holds `path`.
    fn root_of(&self, path: &Path) -> Option<(PathBuf, RelPath)> {
        path.ancestors().skip(1).find_map(|root| {
            self.folders.contains_key(root).then(|| Some((root.to_path_buf(), relative(root, path)?)))?
        })
    }

    fn set_document(&mut self, path: &Path, document: Document) {
        let known = self.root_of(path);
        let name = known
            .as_ref()
            .map(|(_, relative)| relative.clone())
            .or_else(|| RelPath::new(&path.file_name()?.to_string_lossy()));
        let Some(name) = name else { return };
        let source = Arc::new(SourceFile::new(name, Arc::clone(&document.text)));
        self.documents.insert(path.to_path_buf(), Open { document, source });
        self.touch(path);
    }

    /// Notes that the text of `path` has changed.
    fn touch(&mut self, path: &Path) {
        let Some((root, relative)) = self.root_of(path) else { return };
        if let Some(folder) = self.folders.get_mut(&root) {
            folder.touched = true;
            folder.dirty |= relative.as_str() == "pyproject.toml";
            if folder.disk.contains_key(&relative) {
                folder.edited.insert(relative);
            }
        }
    }

    fn set_settings(&mut self, root: Option<PathBuf>, value: Json) {
        let everywhere = root.is_none();
        for (name, folder) in &mut self.folders {
            if root.as_ref().is_none_or(|root| root == name) {
                folder.settings = Some(value.clone());
            }
        }
        let roots = self.roots(root);
        if everywhere {
            self.settings = Some(value);
        }
        for root in roots {
            self.ask(&root);
        }
    }

    fn set_folders(&mut self, added: Vec<PathBuf>, removed: &[PathBuf]) {
        for root in removed {
            if let Some(folder) = self.folders.remove(root) {
                folder.queue.cancel();
                self.handle.snapshots.remove(root);
                let cleared = folder.published.iter().filter(|(_, f)| !f.no_diagnostics());
                self.front.publish(cleared.map(|(path, _)| empty(root, path)).collect());
            }
        }
        for root in added {
            if self.folders.contains_key(&root) {
                continue;
            }
            let mut folder = Folder {
                settings: self.settings.clone(),
                memory: Some(Memory::default()),
                dirty: true,
                ..Folder::default()
            };
            self.watch(&root, &mut folder);
            self.folders.insert(root.clone(), folder);
            self.ask(&root);
        }
    }

    fn watch(&self, root: &Path, folder: &mut Folder) {
        let engine = self.handle.clone();
        match self.setup.watching {
            Watching::Off => {}
            Watching::Native => {
                let front = Arc::clone(&self.front);
                let complain = move |level, message| front.say(level, message);
                folder.watch = watch::start(root.to_path_buf(), engine, complain);
            }
            Watching::Poll(every) => {
                let root = root.to_path_buf();
                folder.poll = Some(Task(tokio::spawn(async move {
                    loop {
                        tokio::time::sleep(every).await;
                        engine.send(Event::Files(vec![root.clone()]));
                    }
                })));
            }
        }
    }

    /// Watches what the settings name outside of the folder. Polling looks there anyway.
    fn watch_elsewhere(&mut self, root: &Path, elsewhere: Vec<PathBuf>) {
        let native = self.setup.watching == Watching::Native;
        let watched = elsewhere
            .into_iter()
            .map(|place| {
                let front = Arc::clone(&self.front);
                let complain = move |level, message| front.say(level, message);
                let start = || watch::start(place.clone(), self.handle.clone(), complain);
                let watch = native.then(start).flatten();
                (place, watch)
            })
            .collect();
        if let Some(folder) = self.folders.get_mut(root) {
            folder.elsewhere = watched;
        }
    }

    fn files_changed(&mut self, paths: &[PathBuf]) {
        let mut sources = Vec::new();
        for (root, folder) in &mut self.folders {
            let mut results = false;
            for path in paths {
                let elsewhere = folder.elsewhere.iter().any(|(place, _)| path.starts_with(place));
                if !path.starts_with(root) && !root.starts_with(path) && !elsewhere {
                    continue;
                }
                let known = folder.disk.keys().map(|k| k.under(root)).filter(|k| k.starts_with(path));
                sources.extend(known);
                if folder.concerned_by(root, path) {
                    results = true;
                    if path.extension().is_some_and(|ending| ending == "jsonl") {
                        folder.changed.insert(path.clone());
                    } else {
                        folder.look = true;
                    }
                }
            }
            if results {
                folder.queue.ask(None);
            }
        }
        let roots: Vec<PathBuf> = self.folders.keys().cloned().collect();
        for root in roots {
            self.start_job(&root);
        }
        self.read_sources(&sources);
    }

    /// Reads sources again that the analysis names.
    fn read_sources(&mut self, paths: &[PathBuf]) {
        let mut by_root: BTreeMap<PathBuf, HashSet<RelPath>> = BTreeMap::new();
        for path in paths {
            if let Some((root, relative)) = self.root_of(path)
                && self.folders.get(&root).is_some_and(|f| f.disk.contains_key(&relative))
            {
                by_root.entry(root).or_default().insert(relative);
            }
        }
        for (root, files) in by_root {
            let Some(folder) = self.folders.get_mut(&root) else { continue };
            folder.reads += 1;
            let serial = folder.reads;
            let engine = self.handle.clone();
            tokio::task::spawn_blocking(move || {
                let texts = files
                    .into_iter()
                    .map(|path| {
                        let text = source::read(&path.under(&root));
                        let source = text.map(|text| Arc::new(SourceFile::new(path.clone(), text)));
                        (path, source)
                    })
                    .collect();
                engine.send(Event::SourcesRead { root, serial, texts });
            });
        }
    }

    /// Replaces the snapshots of the folders that changed and publishes the differences.
    fn show(&mut self) {
        let mut refresh = false;
        for (root, folder) in &mut self.folders {
            if !folder.dirty && !folder.touched && folder.edited.is_empty() {
                continue;
            }
            let documents: HashMap<RelPath, (i32, Arc<SourceFile>)> = self
                .documents
                .iter()
                .filter_map(|(path, open)| {
                    Some((relative(root, path)?, (open.document.version, Arc::clone(&open.source))))
                })
                .collect();
            let mut texts = folder.disk.clone();
            for (path, (_, source)) in &documents {
                if let Some(text) = texts.get_mut(path) {
                    *text = Some(Arc::clone(source));
                }
            }
            refresh |= std::mem::take(&mut folder.regraded);
            let results = if folder.cleared.is_some() { Arc::default() } else { Arc::clone(&folder.results) };
            if folder.dirty || !folder.edited.is_empty() {
                let (files, only) = match folder.findings_of_edited(&results, &texts) {
                    Some((files, concerned)) => (files, Some(concerned)),
                    None => (folder.findings(&results, &texts, &documents), None),
                };
                let (publications, changed) = folder.replace(root, files, only.as_ref(), &documents);
                refresh |= changed;
                if !publications.is_empty() {
                    self.front.publish(publications);
                }
            }
            let snapshot = Snapshot {
                root: root.clone(),
                loaded: folder.candidate.is_some(),
                config: Arc::clone(&folder.config),
                graded: folder.graded.clone(),
                results,
                files: folder.published.clone(),
                texts,
                documents,
                maps: Arc::clone(&folder.maps),
            };
            let old = self.handle.snapshots.insert(root.clone(), Arc::new(snapshot));
            if let Some(old) = old.filter(|old| !Arc::ptr_eq(&old.results, &folder.results)) {
                // There may be a great deal in it.
                folder.background.run(move || drop(old));
            }
            (folder.dirty, folder.touched) = (false, false);
            folder.edited.clear();
        }
        if refresh {
            self.front.refresh();
        }
    }
}
