//! `textDocument/codeAction` and `codeAction/resolve`: fixes as edits, and running tests again.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse, Command,
    DocumentChanges, OneOf, OptionalVersionedTextDocumentIdentifier, TextDocumentEdit, TextEdit, Url,
    WorkspaceEdit,
};

use super::{commands, diagnostics};
use crate::engine::Snapshot;
use crate::engine::findings::{Marker, cut, one_line};
use crate::fix::change::Change;
use crate::front::model;
use crate::lsp::backend::Session;
use crate::lsp::convert;
use crate::model::{Cluster, Detail, Edit, Fix, FixKind, FixTarget, Phase, RelPath, VerificationState};
use crate::workspace::config::{Ai, Trace, Verify};
use crate::workspace::source::SourceFile;

/// The kind of the actions that run something.
pub const RUN_KIND: CodeActionKind = CodeActionKind::new("failscope.run");
/// The kind of the action that applies all fixes of a file that have been tried and help.
pub const FIX_ALL_KIND: CodeActionKind = CodeActionKind::new("source.fixAll.failscope");

/// Most characters of a title.
const MAX_TITLE: usize = 120;

/// Which fix an action stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FixRef {
    /// The folder.
    pub folder: Url,
    /// The cluster.
    pub fingerprint: String,
    /// Its place in the cluster's list.
    pub fix: usize,
    /// Its title, so that another analysis in between is noticed.
    pub title: String,
}

/// The actions for a range.
pub async fn code_action(session: &Session, params: CodeActionParams) -> Option<CodeActionResponse> {
    let (snapshot, path) = session.file(&params.text_document.uri).await?;
    let folder = session.outbox.uri(&snapshot.root)?;
    let lines = convert::line(params.range.start)..=convert::line(params.range.end);
    let findings = snapshot.file(&path)?;
    let markers: Vec<&Marker> = findings.markers.iter().filter(|m| lines.contains(&m.span.line)).collect();
    let wanted = |kind: &CodeActionKind| {
        params.context.only.as_ref().is_none_or(|only| {
            only.iter().any(|k| {
                let (k, kind) = (k.as_str(), kind.as_str());
                k.is_empty() || k == kind || kind.strip_prefix(k).is_some_and(|rest| rest.starts_with('.'))
            })
        })
    };
    let mut maker = Maker { session, snapshot: &snapshot, folder: &folder, actions: Vec::new() };
    let fits = if markers.is_empty() {
        HashMap::new()
    } else {
        let snapshot = Arc::clone(&snapshot);
        // Checking that an edit still fits compares and hashes texts.
        let fingerprints: Vec<String> = markers.iter().map(|m| m.fingerprint.clone()).collect();
        tokio::task::spawn_blocking(move || fitting(&snapshot, &fingerprints)).await.unwrap_or_default()
    };
    if wanted(&CodeActionKind::QUICKFIX) {
        for marker in &markers {
            maker.fixes(marker, &fits);
        }
    }
    // For the whole file, so only where actions on whole files are asked for.
    let is_source = |kind: &CodeActionKind| kind.as_str().starts_with("source");
    if params.context.only.iter().flatten().any(is_source) && wanted(&FIX_ALL_KIND) {
        let mut fingerprints: Vec<String> = findings.markers.iter().map(|m| m.fingerprint.clone()).collect();
        fingerprints.sort_unstable();
        fingerprints.dedup();
        if let Ok((titles, Some(edit))) = best(session, &snapshot, fingerprints, false).await {
            let title = match titles.as_slice() {
                [one] => one.clone(),
                many => format!("Fix {} root causes", many.len()),
            };
            maker.fix_all(&title, edit);
        }
    }
    if wanted(&RUN_KIND) {
        for marker in &markers {
            maker.trials(marker, &fits);
            maker.runs(marker);
        }
        for marker in &markers {
            maker.asks(marker);
        }
        let on_definition = findings.tests.iter().filter(|t| lines.contains(&t.span.line));
        for test in on_definition.filter(|_| markers.is_empty()) {
            let arguments = json!([{ "folder": folder, "tests": test.tests }]);
            maker.command("Run this test again".to_owned(), commands::RUN_TEST, arguments, None);
        }
    }
    Some(maker.actions)
}

/// The fixes of the clusters that can be applied to the texts as they are now, with their edits.
fn fitting(snapshot: &Snapshot, fingerprints: &[String]) -> HashMap<(String, usize), Vec<Placed>> {
    let mut fits = HashMap::new();
    for fingerprint in fingerprints {
        let Some((index, cluster)) = snapshot.cluster(fingerprint) else { continue };
        for (n, fix) in cluster.fixes.iter().enumerate().filter(|(_, fix)| fix.kind == FixKind::Edit) {
            if let Some(edits) = place(snapshot, index, fix) {
                fits.insert((fingerprint.clone(), n), edits);
            }
        }
    }
    fits
}

struct Maker<'a> {
    session: &'a Session,
    snapshot: &'a Snapshot,
    folder: &'a Url,
    actions: Vec<CodeActionOrCommand>,
}

impl Maker<'_> {
    fn fixes(&mut self, marker: &Marker, fits: &HashMap<(String, usize), Vec<Placed>>) {
        let client = self.session.outbox.capabilities();
        let Some((_, cluster)) = self.snapshot.cluster(&marker.fingerprint) else { return };
        for (n, fix) in cluster.fixes.iter().enumerate() {
            let Some(edits) = fits.get(&(marker.fingerprint.clone(), n)) else { continue };
            let reference = self.reference(marker, n, fix);
            let mut title = cut(&one_line(fix.title.as_str()), MAX_TITLE);
            if let Some(summary) = fix.verification.summary() {
                title = format!("{title} ({})", cut(&one_line(&summary), MAX_TITLE));
            }
            let data = serde_json::to_value(&reference).unwrap_or_default();
            if !client.action_literals {
                if client.apply_edit {
                    self.command(title, commands::APPLY_FIX, json!([data]), None);
                }
                continue;
            }
            let verified = is_proven(fix);
            let edit =
                if client.resolves_edits { None } else { workspace_edit(self.session, self.snapshot, edits) };
            self.actions.push(CodeActionOrCommand::CodeAction(CodeAction {
                title,
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![diagnostics::diagnostic(
                    &self.session.outbox,
                    &self.snapshot.root,
                    marker,
                )]),
                edit,
                is_preferred: (verified && client.is_preferred).then_some(true),
                data: client.resolves_edits.then_some(data),
                ..CodeAction::default()
            }));
        }
    }

    fn reference(&self, marker: &Marker, n: usize, fix: &Fix) -> FixRef {
        FixRef {
            folder: self.folder.clone(),
            fingerprint: marker.fingerprint.clone(),
            fix: n,
            title: fix.title.as_str().to_owned(),
        }
    }

    fn fix_all(&mut self, title: &str, edit: WorkspaceEdit) {
        let title = cut(&one_line(title), MAX_TITLE);
        if self.session.outbox.capabilities().action_literals {
            self.actions.push(CodeActionOrCommand::CodeAction(CodeAction {
                title,
                kind: Some(FIX_ALL_KIND),
                edit: Some(edit),
                ..CodeAction::default()
            }));
        }
    }

    /// The fixes that have not been tried can be.
    fn trials(&mut self, marker: &Marker, fits: &HashMap<(String, usize), Vec<Placed>>) {
        let Some((_, cluster)) = self.snapshot.cluster(&marker.fingerprint) else { return };
        let untried = |fix: &Fix| fix.verification.state == VerificationState::NotRun;
        let waiting: Vec<(usize, &Fix)> = cluster
            .fixes
            .iter()
            .enumerate()
            .filter(|(n, fix)| untried(fix) && fits.contains_key(&(marker.fingerprint.clone(), *n)))
            .collect();
        if self.snapshot.config.verify == Verify::Off {
            return;
        }
        let (title, argument) = match waiting.as_slice() {
            [] => return,
            [(n, fix)] => {
                ("Try this fix on a copy".to_owned(), serde_json::to_value(self.reference(marker, *n, fix)))
            }
            many => {
                let all = json!({ "folder": self.folder, "fingerprint": marker.fingerprint });
                (format!("Try these {} fixes on a copy", many.len()), Ok(all))
            }
        };
        self.command(title, commands::VERIFY_FIX, json!([argument.unwrap_or_default()]), None);
    }

    /// What a model can be asked, where there is one.
    fn asks(&mut self, marker: &Marker) {
        let analysis = &self.snapshot.results.analysis;
        let Some((_, cluster)) = self.snapshot.cluster(&marker.fingerprint) else { return };
        let (Some(provider), Some(model)) = (&analysis.model.provider, &analysis.model.model) else { return };
        if self.session.restricted || self.snapshot.config.ai == Ai::Off {
            return;
        }
        let again = if model::is_answered(analysis, cluster) { " again" } else { "" };
        let title = cut(&one_line(&format!("Ask the model{again} ({provider}/{model})")), MAX_TITLE);
        let arguments = json!([{ "folder": self.folder, "fingerprint": marker.fingerprint }]);
        self.command(title, commands::ASK_MODEL, arguments.clone(), None);
        self.command("Show what the model would be sent".to_owned(), commands::SHOW_PROMPT, arguments, None);
    }

    fn runs(&mut self, marker: &Marker) {
        let Some((cluster, failures)) = self.snapshot.failures(marker) else { return };
        let mut tests: Vec<&str> = failures.iter().map(|f| f.test.as_str()).collect();
        tests.dedup();
        let total = tests_of(cluster);
        let bare = failures.iter().all(|f| f.detail == Detail::Name);
        let title = match (tests.len(), bare) {
            (1, true) => "Run this test for details".to_owned(),
            (n, true) => format!("Run these {n} tests for details"),
            (1, false) => "Run this test again".to_owned(),
            (n, false) => format!("Run these {n} tests again"),
        };
        let diagnostic = diagnostics::diagnostic(&self.session.outbox, &self.snapshot.root, marker);
        let arguments = json!([{ "folder": self.folder, "tests": tests }]);
        self.command(title, commands::RUN_TEST, arguments, Some(diagnostic.clone()));
        if total > tests.len() {
            let title = format!("Run all {total} tests with this cause");
            let arguments = json!([{ "folder": self.folder, "fingerprint": marker.fingerprint }]);
            self.command(title, commands::RUN_CLUSTER, arguments, Some(diagnostic));
        }
        let arguments = json!([{ "folder": self.folder, "fingerprint": marker.fingerprint }]);
        let ran = cluster.failures.iter().any(|failure| failure.phase != Phase::Collect);
        if ran && self.snapshot.config.trace != Trace::Off {
            self.command("Find the culprit".to_owned(), commands::FIND_CULPRIT, arguments.clone(), None);
        }
        self.command("Open the report".to_owned(), commands::OPEN_REPORT, arguments, None);
    }

    fn command(
        &mut self,
        title: String,
        command: &str,
        mut arguments: Json,
        diagnostic: Option<tower_lsp::lsp_types::Diagnostic>,
    ) {
        let arguments = arguments.as_array_mut().map(std::mem::take);
        let command = Command { title: title.clone(), command: command.to_owned(), arguments };
        if self.session.restricted && commands::RUNNING.contains(&command.command.as_str()) {
            return;
        }
        self.actions.push(if self.session.outbox.capabilities().action_literals {
            CodeActionOrCommand::CodeAction(CodeAction {
                title,
                kind: Some(RUN_KIND),
                diagnostics: diagnostic.map(|d| vec![d]),
                command: Some(command),
                ..CodeAction::default()
            })
        } else {
            CodeActionOrCommand::Command(command)
        });
    }
}

fn tests_of(cluster: &Cluster) -> usize {
    cluster.failures.iter().map(|f| f.test_id.as_str()).collect::<std::collections::HashSet<_>>().len()
}

/// `codeAction/resolve`: the edit, made for the texts as they are now.
pub async fn resolve(session: &Session, mut action: CodeAction) -> Result<CodeAction> {
    let Some(data) = action.data.clone() else { return Ok(action) };
    let reference: FixRef = serde_json::from_value(data)
        .map_err(|e| Error::invalid_params(format!("the code action's data are not Failscope's: {e}")))?;
    action.edit = Some(edit(session, &reference).await?);
    Ok(action)
}

/// The edit of a fix.
pub async fn edit(session: &Session, reference: &FixRef) -> Result<WorkspaceEdit> {
    session.engine.settled().await;
    let gone = || modified("the failures were analysed again meanwhile; ask for the code actions again");
    let root = convert::path(&reference.folder).ok_or_else(gone)?;
    let snapshot = session.engine.folder(&root).ok_or_else(gone)?;
    let placed = {
        let (snapshot, reference) = (Arc::clone(&snapshot), reference.clone());
        tokio::task::spawn_blocking(move || {
            let (index, cluster) = snapshot.cluster(&reference.fingerprint)?;
            let (_, fix) = named(cluster, reference.fix, &reference.title)?;
            Some(place(&snapshot, index, fix))
        })
        .await
        .map_err(|_| Error::internal_error())?
        .ok_or_else(gone)?
    };
    let placed =
        placed.ok_or_else(|| modified("the code that the fix changes has been edited since the run"))?;
    workspace_edit(session, &snapshot, &placed).ok_or_else(Error::internal_error)
}

/// The fix of a cluster that is meant: fixes that have been tried change places.
pub fn named<'a>(cluster: &'a Cluster, n: usize, title: &str) -> Option<(usize, &'a Fix)> {
    let is_it = |fix: &Fix| fix.title.as_str() == title;
    match cluster.fixes.get(n).filter(|fix| is_it(fix)) {
        Some(fix) => Some((n, fix)),
        None => cluster.fixes.iter().enumerate().find(|(_, fix)| is_it(fix)),
    }
}

/// Whether a fix has been tried and is one to be preferred: that a test passes whose expectation was changed
/// proves nothing.
fn is_proven(fix: &Fix) -> bool {
    fix.verification.state == VerificationState::Verified && fix.target != FixTarget::Test
}

/// The best fixes of several causes, one of each, as one edit, with their titles; `None` if there are none. What
/// has not been tried is only taken if it is the one fix of code of a cause that the user has `named`.
pub async fn best(
    session: &Session,
    snapshot: &Arc<Snapshot>,
    fingerprints: Vec<String>,
    named: bool,
) -> Result<(Vec<String>, Option<WorkspaceEdit>)> {
    let known = Arc::clone(snapshot);
    let chosen = tokio::task::spawn_blocking(move || {
        let (mut titles, mut all): (Vec<String>, Vec<Placed>) = (Vec::new(), Vec::new());
        for fingerprint in &fingerprints {
            let Some((index, cluster)) = known.cluster(fingerprint) else { continue };
            let fixes = || cluster.fixes.iter().filter(|fix| fix.kind == FixKind::Edit);
            // What a model wrote is taken here only once it has been tried.
            let of_code: Vec<&Fix> =
                fixes().filter(|fix| fix.target != FixTarget::Test && fix.proposed_by.is_none()).collect();
            let only = match of_code.as_slice() {
                [one] if named && is_open(one) => Some(*one),
                _ => None,
            };
            let Some(fix) = fixes().find(|fix| is_proven(fix)).or(only) else { continue };
            let Some(placed) = place(&known, index, fix) else { continue };
            if placed.iter().any(|one| all.iter().any(|other| one.touches(other))) {
                continue;
            }
            titles.push(fix.title.as_str().to_owned());
            all.extend(placed);
        }
        (titles, all)
    });
    let (titles, all) = chosen.await.map_err(|_| Error::internal_error())?;
    let edit = if all.is_empty() { None } else { workspace_edit(session, snapshot, &all) };
    Ok((titles, edit))
}

/// Whether nothing speaks against a fix.
fn is_open(fix: &Fix) -> bool {
    matches!(fix.verification.state, VerificationState::NotRun | VerificationState::Verified)
}

/// The changes of a fix to the texts as they are now.
pub fn changes(snapshot: &Snapshot, cluster: usize, fix: &Fix) -> Option<Vec<Change>> {
    let placed = place(snapshot, cluster, fix)?;
    let change = |placed: Placed| Change {
        path: placed.path,
        start: placed.start,
        end: placed.end,
        new_text: placed.new_text,
        digest: None,
    };
    Some(placed.into_iter().map(change).collect())
}

/// The protocol's `ContentModified`.
fn modified(message: &'static str) -> Error {
    Error { code: ErrorCode::ContentModified, message: message.into(), data: None }
}

/// An edit with the text it belongs to and where it goes in it.
#[derive(Debug, Clone)]
struct Placed {
    path: RelPath,
    source: Arc<SourceFile>,
    start: (u32, u32),
    end: (u32, u32),
    new_text: String,
}

impl Placed {
    /// Whether two edits are at the same place.
    fn touches(&self, other: &Self) -> bool {
        self.path == other.path && self.start <= other.end && other.start <= self.end
    }
}

/// Finds the edits' places in the texts as they are now; `None` if any of the lines they change is not what it
/// was when the fix was made.
fn place(snapshot: &Snapshot, cluster: usize, fix: &Fix) -> Option<Vec<Placed>> {
    fix.edits.iter().map(|edit| place_edit(snapshot, cluster, edit)).collect()
}

fn place_edit(snapshot: &Snapshot, cluster: usize, edit: &Edit) -> Option<Placed> {
    let place = &edit.site.place;
    let source = Arc::clone(snapshot.text(&place.path)?);
    let shift = if source.digest() == edit.digest {
        0
    } else {
        let (basis, map) = snapshot.shift(cluster, &place.path)?;
        if basis.digest() != edit.digest || !map.keeps(place.line, place.end_line) {
            return None;
        }
        i64::from(map.line(place.line)) - i64::from(place.line)
    };
    let moved = |line: u32| u32::try_from(i64::from(line) + shift).ok();
    let (start, end) = place.columns.unwrap_or((1, u32::MAX));
    let (start, end) = ((moved(place.line)?, start), (moved(place.end_line)?, end));
    let path = place.path.clone();
    Some(Placed { path, source, start, end, new_text: edit.new_text.clone() })
}

/// The protocol's edit, in the shape the client takes.
fn workspace_edit(session: &Session, snapshot: &Snapshot, placed: &[Placed]) -> Option<WorkspaceEdit> {
    let client = session.outbox.capabilities();
    let mut files: Vec<(Url, Option<i32>, Vec<TextEdit>)> = Vec::new();
    for edit in placed {
        let uri = session.outbox.uri(&edit.path.under(&snapshot.root))?;
        let range = client.encoding.source_range(&edit.source, edit.start, edit.end);
        let text_edit = TextEdit { range, new_text: edit.new_text.clone() };
        match files.iter_mut().find(|(known, ..)| *known == uri) {
            Some((_, _, edits)) => edits.push(text_edit),
            None => files.push((uri, snapshot.version(&edit.path), vec![text_edit])),
        }
    }
    Some(if client.document_changes {
        let edits = files.into_iter().map(|(uri, version, edits)| TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier { uri, version },
            edits: edits.into_iter().map(OneOf::Left).collect(),
        });
        WorkspaceEdit {
            document_changes: Some(DocumentChanges::Edits(edits.collect())),
            ..WorkspaceEdit::default()
        }
    } else {
        let changes = files.into_iter().map(|(uri, _, edits)| (uri, edits)).collect();
        WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
    })
}
