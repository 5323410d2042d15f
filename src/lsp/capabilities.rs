//! What the client can do, and what the server says it can do.

use std::collections::BTreeMap;

use tower_lsp::lsp_types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions,
    DiagnosticOptions, DiagnosticServerCapabilities, ExecuteCommandOptions, HoverProviderCapability,
    MarkupKind, OneOf, SaveOptions, ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions,
    WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

use super::convert::Encoding;
use super::handlers::code_action::{FIX_ALL_KIND, RUN_KIND};
use super::handlers::commands;
use crate::front::editors::ABILITIES;

/// The client's capabilities, as far as they make a difference here.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a capability of its own")]
pub struct Client {
    /// The unit of columns.
    pub encoding: Encoding,
    /// Hovers may be Markdown.
    pub markdown: bool,
    /// Diagnostics may name related places.
    pub related_information: bool,
    /// A diagnostic's code may be a link.
    pub code_links: bool,
    /// Diagnostics may carry the document's version.
    pub version_support: bool,
    /// The client pulls diagnostics and can be told to pull again. Without the latter it would show old ones
    /// for as long as nobody types, so then they are pushed.
    pub pull: bool,
    /// Edits may name the version they are for.
    pub document_changes: bool,
    /// Code actions may be more than commands.
    pub action_literals: bool,
    /// A code action's edit may come later.
    pub resolves_edits: bool,
    /// A code action may be marked as preferred.
    pub is_preferred: bool,
    /// Edits may be sent by the server.
    pub apply_edit: bool,
    /// Code lenses can be refreshed.
    pub lens_refresh: bool,
    /// Inlay hints can be refreshed.
    pub hint_refresh: bool,
    /// The server may show progress of its own.
    pub progress: bool,
    /// Watched files can be registered.
    pub watches: bool,
    /// Configuration changes can be registered.
    pub registers_configuration: bool,
    /// Configuration can be asked for.
    pub configuration: bool,
    /// Documents can be shown.
    pub show_document: bool,
    /// The client shows findings in a view of its own and wants to be told when they change.
    pub findings_changed: bool,
}

impl Client {
    /// Reads the client's capabilities.
    pub fn new(all: &ClientCapabilities) -> Self {
        let text = all.text_document.as_ref();
        let workspace = all.workspace.as_ref();
        let window = all.window.as_ref();
        let published = text.and_then(|t| t.publish_diagnostics.as_ref());
        let action = text.and_then(|t| t.code_action.as_ref());
        let offered = all.general.as_ref().and_then(|g| g.position_encodings.as_deref());
        let hover = text.and_then(|t| t.hover.as_ref()).and_then(|h| h.content_format.as_ref());
        let resolves = action.and_then(|a| a.resolve_support.as_ref());
        let watched = workspace.and_then(|w| w.did_change_watched_files.as_ref());
        let changed = workspace.and_then(|w| w.did_change_configuration.as_ref());
        let refreshes = workspace.and_then(|w| w.diagnostic.as_ref()).and_then(|d| d.refresh_support);
        let edits = workspace.and_then(|w| w.workspace_edit.as_ref());
        Self {
            encoding: Encoding::negotiate(offered),
            markdown: hover.and_then(|formats| formats.first()) == Some(&MarkupKind::Markdown),
            related_information: is(published.and_then(|p| p.related_information)),
            code_links: is(published.and_then(|p| p.code_description_support)),
            version_support: is(published.and_then(|p| p.version_support)),
            pull: text.is_some_and(|t| t.diagnostic.is_some()) && is(refreshes),
            document_changes: is(edits.and_then(|e| e.document_changes)),
            action_literals: action.is_some_and(|a| a.code_action_literal_support.is_some()),
            resolves_edits: is(action.and_then(|a| a.data_support))
                && resolves.is_some_and(|r| r.properties.iter().any(|p| p == "edit")),
            is_preferred: is(action.and_then(|a| a.is_preferred_support)),
            apply_edit: is(workspace.and_then(|w| w.apply_edit)),
            lens_refresh: is(workspace.and_then(|w| w.code_lens.as_ref()).and_then(|c| c.refresh_support)),
            hint_refresh: is(workspace.and_then(|w| w.inlay_hint.as_ref()).and_then(|i| i.refresh_support)),
            progress: is(window.and_then(|w| w.work_done_progress)),
            watches: is(watched.and_then(|w| w.dynamic_registration)),
            registers_configuration: is(changed.and_then(|c| c.dynamic_registration)),
            configuration: is(workspace.and_then(|w| w.configuration)),
            show_document: window.and_then(|w| w.show_document.as_ref()).is_some_and(|s| s.support),
            findings_changed: all
                .experimental
                .as_ref()
                .is_some_and(|e| e.get("failscopeFindingsChanged") == Some(&serde_json::Value::Bool(true))),
        }
    }
}

impl Client {
    /// Which of [`ABILITIES`] the client has.
    pub fn abilities(&self) -> BTreeMap<String, bool> {
        let has: [bool; ABILITIES.len()] = [
            self.markdown,
            self.related_information,
            self.code_links,
            self.version_support,
            self.pull,
            self.document_changes,
            self.action_literals,
            self.resolves_edits,
            self.is_preferred,
            self.apply_edit,
            self.lens_refresh,
            self.hint_refresh,
            self.progress,
            self.watches,
            self.registers_configuration,
            self.configuration,
            self.show_document,
            self.findings_changed,
        ];
        ABILITIES.iter().zip(has).map(|((name, _), has)| ((*name).to_owned(), has)).collect()
    }
}

fn is(flag: Option<bool>) -> bool {
    flag == Some(true)
}

/// What the server offers this client.
pub fn server(client: &Client) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(client.encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, RUN_KIND, FIX_ALL_KIND]),
            resolve_provider: client.resolves_edits.then_some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
        inlay_hint_provider: Some(OneOf::Left(true)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: commands::NAMES.iter().map(|name| (*name).to_owned()).collect(),
            work_done_progress_options: WorkDoneProgressOptions { work_done_progress: Some(true) },
        }),
        diagnostic_provider: client.pull.then(|| {
            DiagnosticServerCapabilities::Options(DiagnosticOptions {
                identifier: Some("failscope".to_owned()),
                inter_file_dependencies: true,
                workspace_diagnostics: true,
                work_done_progress_options: WorkDoneProgressOptions::default(),
            })
        }),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}
