//! The service: notifications become events before anything is awaited, requests go to their handler.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use serde_json::Value as Json;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, DidChangeConfigurationParams,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentDiagnosticParams, DocumentDiagnosticReportResult, ExecuteCommandParams, Hover, HoverParams,
    InitializeParams, InitializeResult, InitializedParams, InlayHint, InlayHintParams, ServerInfo, Url,
    WorkDoneProgressCancelParams, WorkspaceDiagnosticParams, WorkspaceDiagnosticReportResult,
};
use tower_lsp::{Client, LanguageServer, async_trait};

use super::asker::Asker;
use super::order::Written;
use super::outbox::{EngineSide, Outbox};
use super::transport::Ending;
use super::{Options, alone, capabilities, convert, handlers};
use crate::engine::{Event, Handle, Setup, Snapshot};
use crate::evidence::redact::Redactor;
use crate::front::editors::{self, Editor};
use crate::model::RelPath;
use crate::pytest::runner::Runner;
use crate::system::System;

/// The server's state: the way to the engine and the way to the client, nothing else.
pub struct Backend {
    outbox: Arc<Outbox>,
    options: Options,
    ending: Ending,
    session: OnceLock<Session>,
}

/// The key of `initializationOptions` by which a client says that the workspace is not trusted.
const RESTRICTED: &str = "restricted";
/// The key by which a client says how it writes the URI of a finding: `{fingerprint}` in it is replaced.
const FINDING_LINK: &str = "findingLink";

/// What is known once the client has said who it is.
pub struct Session {
    /// The engine.
    pub engine: Handle,
    /// The way to the client.
    pub outbox: Arc<Outbox>,
    /// Asks models.
    pub asker: Arc<Asker>,
    /// The world.
    pub system: System,
    /// Runs tests, one run at a time in each folder.
    pub runners: DashMap<PathBuf, Runner>,
    /// What the run of each folder has printed that is going or was the last. It may hold secrets.
    pub printed: DashMap<PathBuf, Arc<handlers::run::Printed>>,
    /// Tries fixes, one at a time.
    pub trials: Arc<handlers::verify::Trials>,
    /// Finds culprits.
    pub tracers: Arc<handlers::trace::Tracers>,
    /// The workspace is not trusted: results are read and shown; nothing is run, and nothing is changed but
    /// what the user picks.
    pub restricted: bool,
    /// The editor opened no folder: each file brings the project it is in.
    pub alone: bool,
    /// `initializationOptions`, under which later settings are laid.
    pub initial: Option<Json>,
    /// The editor, as `failscope doctor` tells of it.
    pub editor: Editor,
}

impl Session {
    /// Remembers that the editor has opened these folders. Nobody waits for it.
    fn remember(&self, folders: Vec<PathBuf>) {
        let (editor, system) = (self.editor.clone(), self.system.clone());
        tokio::task::spawn_blocking(move || {
            let redactor = Redactor::new(system.environment());
            for folder in folders {
                if let Err(error) = editors::note(&folder, editor.clone(), &system, &redactor) {
                    tracing::info!("`failscope doctor` will not know this editor: {error}");
                }
            }
        });
    }

    /// What is known of a document, when everything that came before has been taken in.
    pub async fn file(&self, uri: &Url) -> Option<(Arc<Snapshot>, RelPath)> {
        self.engine.settled().await;
        self.engine.find(&convert::path(uri)?)
    }
}

impl Backend {
    /// A backend for `client`.
    pub fn new(client: Client, options: Options, ending: Ending, written: Written) -> Self {
        let outbox = Outbox::new(client, options.patience, written);
        Self { outbox, options, ending, session: OnceLock::new() }
    }

    fn session(&self) -> Result<&Session> {
        // The library answers requests that come before `initialize` by itself.
        self.session.get().ok_or_else(Error::internal_error)
    }

    fn send(&self, event: Event) {
        if let Some(session) = self.session.get() {
            session.engine.send(event);
        }
    }

    /// `window/workDoneProgress/cancel`.
    #[expect(clippy::unused_async, reason = "the library wants a future")]
    pub async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        if let Some(cancel) = self.outbox.cancel_of(&params.token) {
            cancel.cancel();
        } else if let Some(root) = self.outbox.folder_of(&params.token) {
            self.send(Event::Cancel { root });
        }
    }

    /// `$/setTrace`: there is no trace beyond the log on standard error.
    #[expect(clippy::unused_async, reason = "the library wants a future")]
    pub async fn set_trace(&self, _params: Json) {}
}

/// The workspace's folders: the list, or the one root of older clients.
#[expect(deprecated, reason = "older clients send only these")]
fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    match &params.workspace_folders {
        Some(folders) if !folders.is_empty() => {
            folders.iter().filter_map(|f| convert::path(&f.uri)).collect()
        }
        _ => {
            let root = params.root_uri.as_ref().and_then(convert::path);
            root.or_else(|| params.root_path.as_deref().filter(|p| !p.is_empty()).map(PathBuf::from))
                .into_iter()
                .collect()
        }
    }
}

#[async_trait]
impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let client = capabilities::Client::new(&params.capabilities);
        let (name, version) = params.client_info.clone().map(|c| (c.name, c.version)).unwrap_or_default();
        let editor = Editor {
            name,
            version,
            seen: self.options.system.unix_now() as u64,
            position_encoding: client.encoding.kind().as_str().to_owned(),
            capabilities: client.abilities(),
        };
        let offered = capabilities::server(&client);
        let setup = Setup {
            system: self.options.system.clone(),
            tools: Arc::clone(&self.options.tools),
            watching: self.options.watching,
            column_to_byte: client.encoding.column_to_byte(),
        };
        self.outbox.set_capabilities(client);
        if let Some(id) = params.process_id {
            self.ending.with_process(id);
        }
        let engine = Handle::start(setup, Arc::new(EngineSide(Arc::clone(&self.outbox))));
        let added = folders(&params);
        let mut initial = params.initialization_options.map(handlers::configuration::unwrapped);
        let restricted = initial.as_mut().and_then(Json::as_object_mut).and_then(|o| o.remove(RESTRICTED));
        let link = initial.as_mut().and_then(Json::as_object_mut).and_then(|o| o.remove(FINDING_LINK));
        if let Some(Json::String(link)) = link {
            self.outbox.set_finding_link(link);
        }
        if let Some(value) = initial.clone().filter(|v| !v.is_null()) {
            engine.send(Event::Settings { root: None, value });
        }
        let alone = added.is_empty();
        let opened = added.clone();
        engine.send(Event::Folders { added, removed: Vec::new() });
        let restricted = restricted == Some(Json::Bool(true));
        let trials = handlers::verify::Trials::new(&engine, &self.outbox, &self.options.system);
        if !restricted {
            trials.follow();
        }
        let asker = Asker::start(
            engine.clone(),
            Arc::clone(&self.outbox),
            self.options.system.clone(),
            Arc::clone(&self.options.tools),
            restricted,
        );
        let tracers = handlers::trace::Tracers::new(&engine, &self.outbox, &self.options.system);
        if !restricted {
            tracers.follow();
        }
        let session = Session {
            asker,
            engine,
            trials,
            tracers,
            outbox: Arc::clone(&self.outbox),
            system: self.options.system.clone(),
            runners: DashMap::new(),
            printed: DashMap::new(),
            restricted,
            alone,
            initial,
            editor,
        };
        session.remember(opened);
        if self.session.set(session).is_err() {
            return Err(Error::invalid_request());
        }
        Ok(InitializeResult {
            capabilities: offered,
            server_info: Some(ServerInfo {
                name: "failscope".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.outbox.open();
        if let Some(session) = self.session.get() {
            handlers::configuration::register(session);
            handlers::configuration::pull(session);
        }
    }

    async fn shutdown(&self) -> Result<()> {
        self.send(Event::Folders { added: Vec::new(), removed: Vec::new() });
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let Some(path) = convert::path(&document.uri) else { return };
        if let Some(session) = self.session.get().filter(|session| session.alone) {
            let home = session.system.env("HOME").or(session.system.env("USERPROFILE")).map(Path::new);
            if let Some(root) = alone::project(&path, home) {
                if session.engine.folder(&root).is_none() {
                    session.remember(vec![root.clone()]);
                }
                session.engine.send(Event::Folders { added: vec![root], removed: Vec::new() });
                handlers::configuration::pull(session);
            }
        }
        self.outbox.opened(path.clone(), document.uri);
        self.send(Event::Opened { path, version: document.version, text: document.text });
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        let Some(path) = convert::path(&document.uri) else { return };
        let edits = convert::edits(params.content_changes);
        self.send(Event::Changed { path, version: document.version, edits });
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        if let Some(path) = convert::path(&params.text_document.uri) {
            self.send(Event::Files(vec![path]));
        }
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        if let Some(path) = convert::path(&params.text_document.uri) {
            self.outbox.closed(&path);
            self.send(Event::Closed { path });
        }
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let paths = params.changes.iter().filter_map(|change| convert::path(&change.uri)).collect();
        self.send(Event::Files(paths));
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        if let Some(session) = self.session.get() {
            handlers::configuration::changed(session, params.settings);
        }
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let paths = |folders: &[tower_lsp::lsp_types::WorkspaceFolder]| {
            folders.iter().filter_map(|folder| convert::path(&folder.uri)).collect::<Vec<_>>()
        };
        let added = paths(&params.event.added);
        self.send(Event::Folders { added: added.clone(), removed: paths(&params.event.removed) });
        if let Some(session) = self.session.get() {
            session.remember(added);
            handlers::configuration::pull(session);
        }
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        Ok(handlers::hover::hover(self.session()?, params).await)
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        Ok(handlers::code_action::code_action(self.session()?, params).await)
    }

    async fn code_action_resolve(&self, action: CodeAction) -> Result<CodeAction> {
        handlers::code_action::resolve(self.session()?, action).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        Ok(handlers::code_lens::code_lens(self.session()?, params).await)
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        Ok(handlers::inlay_hint::inlay_hint(self.session()?, params).await)
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        Ok(handlers::diagnostics::document(self.session()?, params).await)
    }

    async fn workspace_diagnostic(
        &self,
        params: WorkspaceDiagnosticParams,
    ) -> Result<WorkspaceDiagnosticReportResult> {
        Ok(handlers::diagnostics::workspace(self.session()?, params).await)
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Json>> {
        let answer = handlers::commands::execute(self.session()?, params).await;
        // What a command has changed is seen before it is said to be done.
        self.outbox.published().await;
        answer
    }
}
