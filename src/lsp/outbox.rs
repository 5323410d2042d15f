//! Sends what the engine shows. Publications wait here, the newest of each file only, until the client has said
//! `initialized` and while it does not read; nobody else waits for it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tower_lsp::Client;
use tower_lsp::lsp_types::notification::Progress;
use tower_lsp::lsp_types::request::{
    CodeLensRefresh, InlayHintRefreshRequest, Request, WorkDoneProgressCreate, WorkspaceDiagnosticRefresh,
};
use tower_lsp::lsp_types::{
    MessageType, NumberOrString, ProgressParams, ProgressParamsValue, ProgressToken, Url, WorkDoneProgress,
    WorkDoneProgressBegin, WorkDoneProgressCreateParams, WorkDoneProgressEnd, WorkDoneProgressReport,
};

use super::capabilities;
use super::convert;
use super::handlers::diagnostics;
use super::handlers::findings::FindingsChanged;
use super::order::Written;
use crate::engine::{Front, Level, Publication};

/// How long an analysis may take before its progress is shown.
const SHOW_PROGRESS: Duration = Duration::from_millis(500);

/// The way to the client.
pub struct Outbox {
    client: Client,
    patience: Duration,
    written: Written,
    capabilities: OnceLock<capabilities::Client>,
    waiting: Mutex<Waiting>,
    more: Notify,
    /// The URIs that the client uses for its open documents: they may be written differently from ours.
    uris: Mutex<HashMap<PathBuf, Url>>,
    /// How the client writes links to a finding, with `{fingerprint}` where that belongs.
    finding_link: OnceLock<String>,
    /// Who is told of new results.
    analyses: OnceLock<mpsc::UnboundedSender<PathBuf>>,
}

#[derive(Default)]
struct Waiting {
    ready: bool,
    order: Vec<PathBuf>,
    publications: HashMap<PathBuf, Publication>,
    /// Publications that have left here since the start.
    sent: u64,
    messages: Vec<(Level, String)>,
    refresh: bool,
    busy: HashMap<PathBuf, Busy>,
    next_token: u64,
    cancels: HashMap<ProgressToken, CancellationToken>,
}

struct Busy {
    number: u64,
    shown: bool,
}

impl Outbox {
    /// An outbox that holds everything back until [`Self::open`].
    ///
    /// `patience` is the longest wait for the client's answer to a request of the server.
    pub fn new(client: Client, patience: Duration, written: Written) -> Arc<Self> {
        let outbox = Arc::new(Self {
            client,
            patience,
            written,
            capabilities: OnceLock::new(),
            waiting: Mutex::default(),
            more: Notify::new(),
            uris: Mutex::default(),
            finding_link: OnceLock::new(),
            analyses: OnceLock::new(),
        });
        tokio::spawn(Arc::clone(&outbox).send_all());
        outbox
    }

    /// Tells `news` the folder whenever there are new results.
    pub fn tell_of_analyses(&self, news: mpsc::UnboundedSender<PathBuf>) {
        // There is one session.
        let _ = self.analyses.set(news);
    }

    /// Takes note of what the client can do.
    pub fn set_capabilities(&self, capabilities: capabilities::Client) {
        // `initialize` comes once; the library refuses a second one.
        let _ = self.capabilities.set(capabilities);
    }

    /// What the client can do.
    pub fn capabilities(&self) -> &capabilities::Client {
        static NOTHING: OnceLock<capabilities::Client> = OnceLock::new();
        self.capabilities.get().unwrap_or_else(|| NOTHING.get_or_init(capabilities::Client::default))
    }

    /// Sends from now on: the client is initialised.
    pub fn open(&self) {
        self.waiting().ready = true;
        self.more.notify_one();
    }

    /// Remembers how the client writes the URI of an open document.
    pub fn opened(&self, path: PathBuf, uri: Url) {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).insert(path, uri);
    }

    /// Forgets it.
    pub fn closed(&self, path: &Path) {
        self.uris.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// The URI of a file as the client writes it.
    pub fn uri(&self, path: &Path) -> Option<Url> {
        let known = self.uris.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        known.or_else(|| convert::uri(path))
    }

    /// Takes note of how the client writes links to a finding.
    pub fn set_finding_link(&self, link: String) {
        // `initialize` comes once.
        let _ = self.finding_link.set(link);
    }

    /// Where a client that can follow it finds more about a finding: where it says itself. A
    /// report is not linked to, since editors show its source.
    pub fn finding_link(&self, fingerprint: &str) -> Option<Url> {
        let link = self.finding_link.get().filter(|_| self.capabilities().code_links)?;
        Url::parse(&link.replace("{fingerprint}", fingerprint)).ok()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send_all(self: Arc<Self>) {
        loop {
            self.more.notified().await;
            loop {
                let next = {
                    let mut waiting = self.waiting();
                    if !waiting.ready {
                        break;
                    }
                    Next::take(&mut waiting)
                };
                match next {
                    Next::Publication(publication) => self.send(&publication).await,
                    Next::Message(Level::Warning, text) => {
                        self.client.show_message(MessageType::WARNING, text).await;
                    }
                    Next::Message(Level::Answer, text) => {
                        self.client.show_message(MessageType::INFO, text).await;
                    }
                    Next::Message(Level::Log, text) => self.client.log_message(MessageType::LOG, text).await,
                    Next::Refresh => self.send_refresh().await,
                    Next::Nothing => break,
                }
            }
        }
    }

    /// Waits until all that is to be published now comes before an answer given after this. Emacs 28 needs it: it
    /// forgets what comes right after the answer it waits for, until there is another message.
    pub async fn published(&self) {
        let count = {
            let waiting = self.waiting();
            if !waiting.ready {
                return;
            }
            waiting.sent + waiting.publications.len() as u64
        };
        if tokio::time::timeout(self.patience, self.written.reach(count)).await.is_err() {
            tracing::warn!("the client does not read what is published");
        }
    }

    async fn send(&self, publication: &Publication) {
        let Some(uri) = self.uri(&publication.path) else {
            self.written.count();
            return;
        };
        let diagnostics = diagnostics::of_file(self, &publication.root, &publication.findings);
        let version = publication.version.filter(|_| self.capabilities().version_support);
        self.client.publish_diagnostics(uri, diagnostics, version).await;
    }

    async fn send_refresh(self: &Arc<Self>) {
        let capabilities = self.capabilities();
        if capabilities.findings_changed {
            self.client.send_notification::<FindingsChanged>(serde_json::Map::new()).await;
        }
        if capabilities.lens_refresh {
            self.tell::<CodeLensRefresh>();
        }
        if capabilities.hint_refresh {
            self.tell::<InlayHintRefreshRequest>();
        }
        if capabilities.pull {
            self.tell::<WorkspaceDiagnosticRefresh>();
        }
    }

    /// Asks for something whose answer makes no difference.
    fn tell<R>(self: &Arc<Self>)
    where
        R: Request<Params = (), Result = ()> + 'static,
    {
        let outbox = Arc::clone(self);
        tokio::spawn(async move { outbox.ask::<R>(()).await });
    }

    /// Asks the client for something; `None` if it refuses or does not answer in time.
    pub async fn ask<R>(&self, params: R::Params) -> Option<R::Result>
    where
        R: Request,
        R::Params: Send + 'static,
        R::Result: Send + 'static,
    {
        self.ask_within::<R>(params, self.patience).await
    }

    /// Like [`Self::ask`], with the longest wait: people answer later than programs.
    ///
    /// The request runs in a task of its own that is never dropped: the library breaks when the answer to a
    /// request comes whose asker is gone. An answer after the longest wait is not used, also when it and the end of
    /// the wait are seen in the same moment.
    pub async fn ask_within<R>(&self, params: R::Params, patience: Duration) -> Option<R::Result>
    where
        R: Request,
        R::Params: Send + 'static,
        R::Result: Send + 'static,
    {
        let client = self.client.clone();
        let asked_at = Instant::now();
        let asked = tokio::spawn(async move { client.send_request::<R>(params).await });
        match tokio::time::timeout(patience, asked).await {
            Ok(Ok(Ok(answer))) if asked_at.elapsed() < patience => Some(answer),
            Ok(Ok(Err(error))) => {
                tracing::warn!("the client refused {}: {error}", R::METHOD);
                None
            }
            Ok(Ok(Ok(_)) | Err(_)) | Err(_) => {
                tracing::warn!("the client does not answer {}", R::METHOD);
                None
            }
        }
    }

    /// Shows progress until the value is dropped: under the client's own token if it gave one, else under a new
    /// one if the client can show it. `cancel` is triggered when the user cancels.
    pub fn progress(
        self: &Arc<Self>,
        token: Option<ProgressToken>,
        title: &str,
        cancel: Option<&CancellationToken>,
    ) -> Option<Shown> {
        let given = token.is_some();
        let token = match token {
            Some(token) => token,
            None if self.capabilities().progress => {
                let mut waiting = self.waiting();
                waiting.next_token += 1;
                NumberOrString::String(format!("failscope/work/{}", waiting.next_token))
            }
            None => return None,
        };
        if let Some(cancel) = cancel {
            self.waiting().cancels.insert(token.clone(), cancel.clone());
        }
        let begin = begin(title.to_owned(), cancel.is_some());
        let (updates, mut news) = mpsc::unbounded_channel::<WorkDoneProgressReport>();
        let outbox = Arc::clone(self);
        tokio::spawn(async move {
            let params = WorkDoneProgressCreateParams { token: token.clone() };
            let shown = given || outbox.ask::<WorkDoneProgressCreate>(params).await.is_some();
            if shown {
                outbox.report(token.clone(), begin).await;
            }
            while let Some(mut update) = news.recv().await {
                // Only the newest counts while the client was busy.
                while let Ok(newer) = news.try_recv() {
                    update = newer;
                }
                if shown {
                    outbox.report(token.clone(), WorkDoneProgress::Report(update)).await;
                }
            }
            outbox.waiting().cancels.remove(&token);
            if shown {
                outbox.report(token, WorkDoneProgress::End(WorkDoneProgressEnd { message: None })).await;
            }
        });
        Some(Shown { updates })
    }

    /// What is to be triggered when the user cancels the work shown under `token`.
    pub fn cancel_of(&self, token: &ProgressToken) -> Option<CancellationToken> {
        self.waiting().cancels.get(token).cloned()
    }

    async fn report(&self, token: ProgressToken, value: WorkDoneProgress) {
        let value = ProgressParamsValue::WorkDone(value);
        self.client.send_notification::<Progress>(ProgressParams { token, value }).await;
    }

    /// The folder whose analysis is shown under `token`.
    pub fn folder_of(&self, token: &ProgressToken) -> Option<PathBuf> {
        let waiting = self.waiting();
        waiting.busy.iter().find(|(_, busy)| *token == name(busy.number)).map(|(root, _)| root.clone())
    }

    async fn show_progress(&self, root: PathBuf, number: u64) {
        tokio::time::sleep(SHOW_PROGRESS).await;
        let token = name(number);
        let is_current = |waiting: &Waiting| {
            waiting.ready && waiting.busy.get(&root).is_some_and(|busy| busy.number == number)
        };
        if !is_current(&self.waiting()) {
            return;
        }
        let params = WorkDoneProgressCreateParams { token: token.clone() };
        if self.ask::<WorkDoneProgressCreate>(params).await.is_none() {
            return;
        }
        match self.waiting().busy.get_mut(&root) {
            Some(busy) if busy.number == number => busy.shown = true,
            // It ended meanwhile: a token that was made but never begun needs no end.
            _ => return,
        }
        self.report(token, begin("Analysing test results".to_owned(), true)).await;
    }
}

/// Progress that is being shown.
pub struct Shown {
    updates: mpsc::UnboundedSender<WorkDoneProgressReport>,
}

impl Shown {
    /// Says how far it is: words, and per cent where known.
    pub fn update(&self, message: String, percentage: Option<u32>) {
        let report = WorkDoneProgressReport { cancellable: None, message: Some(message), percentage };
        // The other side ends with this value only.
        let _ = self.updates.send(report);
    }
}

fn begin(title: String, cancellable: bool) -> WorkDoneProgress {
    WorkDoneProgress::Begin(WorkDoneProgressBegin {
        title,
        cancellable: Some(cancellable),
        message: None,
        percentage: None,
    })
}

fn name(number: u64) -> ProgressToken {
    NumberOrString::String(format!("failscope/analysis/{number}"))
}

enum Next {
    Publication(Publication),
    Message(Level, String),
    Refresh,
    Nothing,
}

impl Next {
    fn take(waiting: &mut Waiting) -> Self {
        if !waiting.order.is_empty() {
            let path = waiting.order.remove(0);
            if let Some(publication) = waiting.publications.remove(&path) {
                waiting.sent += 1;
                return Self::Publication(publication);
            }
        }
        if !waiting.messages.is_empty() {
            let (level, text) = waiting.messages.remove(0);
            return Self::Message(level, text);
        }
        if std::mem::take(&mut waiting.refresh) {
            return Self::Refresh;
        }
        Self::Nothing
    }
}

/// The engine's side: it has no `Arc` of the outbox, and progress needs one.
pub struct EngineSide(pub Arc<Outbox>);

impl Front for EngineSide {
    fn publish(&self, publications: Vec<Publication>) {
        let mut waiting = self.0.waiting();
        if self.0.capabilities().pull {
            waiting.refresh = true;
        } else {
            for publication in publications {
                let path = publication.path.clone();
                if waiting.publications.insert(path.clone(), publication).is_none() {
                    waiting.order.push(path);
                }
            }
        }
        drop(waiting);
        self.0.more.notify_one();
    }

    fn analysed(&self, root: &Path) {
        if let Some(news) = self.0.analyses.get() {
            // Nobody listens any more at the end.
            let _ = news.send(root.to_path_buf());
        }
    }

    fn refresh(&self) {
        self.0.waiting().refresh = true;
        self.0.more.notify_one();
    }

    fn busy(&self, root: &Path, busy: bool) {
        if !self.0.capabilities().progress {
            return;
        }
        let mut waiting = self.0.waiting();
        if busy {
            waiting.next_token += 1;
            let number = waiting.next_token;
            waiting.busy.insert(root.to_path_buf(), Busy { number, shown: false });
            drop(waiting);
            let outbox = Arc::clone(&self.0);
            let root = root.to_path_buf();
            tokio::spawn(async move { outbox.show_progress(root, number).await });
        } else if let Some(Busy { number, shown: true }) = waiting.busy.remove(root) {
            drop(waiting);
            let outbox = Arc::clone(&self.0);
            tokio::spawn(async move {
                let end = WorkDoneProgress::End(WorkDoneProgressEnd { message: None });
                outbox.report(name(number), end).await;
            });
        }
    }

    fn say(&self, level: Level, message: String) {
        self.0.waiting().messages.push((level, message));
        self.0.more.notify_one();
    }
}
