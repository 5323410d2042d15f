//! `workspace/executeCommand`.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::request::{ApplyWorkspaceEdit, ShowDocument};
use tower_lsp::lsp_types::{
    ApplyWorkspaceEditParams, ExecuteCommandParams, ProgressToken, ShowDocumentParams, Url, WorkspaceEdit,
};

use super::code_action::{self, FixRef};
use super::{findings, run, trace, verify};
use crate::engine::{Event, Front as _, Level, Snapshot};
use crate::lsp::backend::Session;
use crate::lsp::convert;
use crate::lsp::outbox::EngineSide;

/// Reads all results anew.
pub const ANALYZE: &str = "failscope.analyze";
/// Runs tests.
pub const RUN_TEST: &str = "failscope.runTest";
/// Runs the tests of one cause.
pub const RUN_CLUSTER: &str = "failscope.runCluster";
/// Runs everything that failed.
pub const RUN_FAILED: &str = "failscope.runFailed";
/// Gives what pytest has printed in the run that is going, or in the last one.
pub const RUN_OUTPUT: &str = "failscope.runOutput";
/// Opens the report.
pub const OPEN_REPORT: &str = "failscope.openReport";
/// Tries a fix on a copy, or all fixes of a cause.
pub const VERIFY_FIX: &str = "failscope.verifyFix";
/// Traces the failing tests of a cause, or of all causes of a folder, to find the culprit.
pub const FIND_CULPRIT: &str = "failscope.findCulprit";
/// Applies the best fix of one cause, or of all causes of a folder.
pub const FIX_ALL: &str = "failscope.fixAll";
/// Applies a fix, for clients whose code actions cannot hold edits.
pub const APPLY_FIX: &str = "failscope.applyFix";
/// Asks a model about a cause, or about all that have no answer.
pub const ASK_MODEL: &str = "failscope.askModel";
/// Opens what would be sent to a model about a cause.
pub const SHOW_PROMPT: &str = "failscope.showPrompt";
/// Tells what is known now.
pub const FINDINGS: &str = "failscope.findings";
/// Shows nothing until there are new results.
pub const CLEAR: &str = "failscope.clear";

/// The commands that are offered.
pub const NAMES: &[&str] = &[
    ANALYZE,
    RUN_TEST,
    RUN_CLUSTER,
    RUN_FAILED,
    RUN_OUTPUT,
    OPEN_REPORT,
    APPLY_FIX,
    VERIFY_FIX,
    FIND_CULPRIT,
    FIX_ALL,
    ASK_MODEL,
    SHOW_PROMPT,
    CLEAR,
    FINDINGS,
];

/// The commands that run code of the workspace or change its files: not in Restricted Mode.
pub const RUNNING: &[&str] =
    &[RUN_TEST, RUN_CLUSTER, RUN_FAILED, APPLY_FIX, VERIFY_FIX, FIND_CULPRIT, FIX_ALL];

/// The argument of most commands. Unknown keys are left alone: editors add their own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    /// The workspace folder; all, or the first that fits, if missing.
    folder: Option<Url>,
    /// Test ids.
    tests: Vec<String>,
    /// A cause.
    fingerprint: Option<String>,
}

/// Executes a command.
pub async fn execute(session: &Session, params: ExecuteCommandParams) -> Result<Option<Json>> {
    let argument = params.arguments.into_iter().next();
    let token = params.work_done_progress_params.work_done_token;
    if session.restricted && RUNNING.contains(&params.command.as_str()) {
        return Err(failed(
            "the workspace is in Restricted Mode: no tests are run and no fix is applied".to_owned(),
        ));
    }
    match params.command.as_str() {
        ANALYZE => {
            let _shown =
                token.and_then(|token| session.outbox.progress(Some(token), "Analysing test results", None));
            analyze(session, target(argument)?).await.map(Some)
        }
        CLEAR => {
            session.engine.send(Event::Clear { root: root(&target(argument)?)? });
            session.engine.settled().await;
            Ok(None)
        }
        OPEN_REPORT => open_report(session, &target(argument)?).await.map(Some),
        APPLY_FIX => apply_fix(session, argument).await,
        VERIFY_FIX => verify::verify(session, argument, token).await.map(Some),
        FIND_CULPRIT => {
            let target = target(argument)?;
            session.engine.settled().await;
            let snapshot = folder(session, &target)?;
            trace::find_culprit(session, &snapshot, target.fingerprint, token).await.map(Some)
        }
        FIX_ALL => fix_all(session, target(argument)?).await.map(Some),
        ASK_MODEL => ask_model(session, &target(argument)?, token).await.map(Some),
        SHOW_PROMPT => {
            let target = target(argument)?;
            session.engine.settled().await;
            let snapshot = folder(session, &target)?;
            let fingerprint = target.fingerprint.as_deref();
            let fingerprint = fingerprint
                .ok_or_else(|| Error::invalid_params("the command's argument names no `fingerprint`"))?;
            let (uri, text) = session.asker.show_prompt(&snapshot, fingerprint).await.map_err(failed)?;
            Ok(Some(json!({ "uri": uri, "text": text })))
        }
        RUN_OUTPUT => {
            let target = target(argument)?;
            run::output(session, &folder(session, &target)?).await.map(Some)
        }
        FINDINGS => findings::findings(session).await.map(Some),
        RUN_TEST | RUN_CLUSTER | RUN_FAILED => {
            let target = target(argument)?;
            session.engine.settled().await;
            let mut snapshot = folder(session, &target)?;
            if !snapshot.loaded {
                run::looked(session, &snapshot.root).await;
                snapshot = folder(session, &target)?;
            }
            let tests = run::tests(&snapshot, &params.command, &target.tests, target.fingerprint.as_deref())?;
            run::run(session, &snapshot, tests, token).await.map(Some)
        }
        other => Err(Error {
            code: ErrorCode::InvalidParams,
            message: format!("there is no command {other:?}; known are {}", NAMES.join(", ")).into(),
            data: None,
        }),
    }
}

fn target(argument: Option<Json>) -> Result<Target> {
    match argument {
        None | Some(Json::Null) => Ok(Target::default()),
        Some(argument) => serde_json::from_value(argument).map_err(|error| {
            Error::invalid_params(format!(
                "the command's argument is not an object with `folder`, `tests` or `fingerprint`: {error}"
            ))
        }),
    }
}

/// The folder's path.
fn root(target: &Target) -> Result<Option<PathBuf>> {
    match &target.folder {
        None => Ok(None),
        Some(uri) => convert::path(uri)
            .map(Some)
            .ok_or_else(|| Error::invalid_params(format!("{uri} is not the URI of a folder"))),
    }
}

async fn analyze(session: &Session, target: Target) -> Result<Json> {
    let (reply, mut summaries) = tokio::sync::mpsc::unbounded_channel();
    session.engine.send(Event::Analyze { root: root(&target)?, anew: true, reply });
    let (mut failures, mut causes, mut cancelled) = (0, 0, false);
    // Ends when every folder has answered, for then nobody holds the other half any more.
    while let Some(summary) = summaries.recv().await {
        failures += summary.failures;
        causes += summary.causes;
        cancelled |= summary.cancelled;
    }
    Ok(json!({ "failures": failures, "rootCauses": causes, "cancelled": cancelled }))
}

/// The folder that is meant: the one named, the one with the cause, or the first with failures.
fn folder(session: &Session, target: &Target) -> Result<Arc<Snapshot>> {
    let none = || failed("no workspace folder is open".to_owned());
    if let Some(root) = root(target)? {
        return session
            .engine
            .folder(&root)
            .ok_or_else(|| Error::invalid_params(format!("{} is not a workspace folder", root.display())));
    }
    let folders = session.engine.folders();
    let with_cause =
        target.fingerprint.as_ref().and_then(|f| folders.iter().find(|s| s.cluster(f).is_some()));
    let with_failures = folders.iter().find(|s| !s.results.analysis.clusters.is_empty());
    with_cause.or(with_failures).or(folders.first()).cloned().ok_or_else(none)
}

async fn ask_model(session: &Session, target: &Target, token: Option<ProgressToken>) -> Result<Json> {
    session.engine.settled().await;
    let snapshot = folder(session, target)?;
    let cancel = CancellationToken::new();
    // When the request is cancelled nothing more is asked.
    let _stop = cancel.clone().drop_guard();
    let fingerprints: Vec<String> = target.fingerprint.iter().cloned().collect();
    let asked = session
        .asker
        .ask(&snapshot.root, &fingerprints, true, &cancel, token)
        .await
        .map_err(|reason| failed(format!("no model is asked: {reason}")))?;
    Ok(json!({
        "asked": asked.asked,
        "answered": asked.answered,
        "failed": asked.failed,
        "cancelled": asked.cancelled,
    }))
}

async fn open_report(session: &Session, target: &Target) -> Result<Json> {
    session.engine.settled().await;
    let snapshot = folder(session, target)?;
    let path = snapshot.root.join(&snapshot.config.output).join("rca_report.html");
    let exists = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || path.is_file()).await.unwrap_or_default()
    };
    if !exists {
        let text =
            format!("there is no report at {}; run the tests or `failscope analyze` first", path.display());
        return Err(failed(text));
    }
    let mut uri = convert::uri(&path).ok_or_else(Error::internal_error)?;
    if let Some(fingerprint) = &target.fingerprint {
        uri.set_fragment(Some(fingerprint));
    }
    if session.outbox.capabilities().show_document {
        let outbox = Arc::clone(&session.outbox);
        let params =
            ShowDocumentParams { uri: uri.clone(), external: Some(true), take_focus: None, selection: None };
        tokio::spawn(async move {
            if outbox.ask::<ShowDocument>(params).await.is_none_or(|answer| !answer.success) {
                EngineSide(outbox).say(Level::Log, "the editor could not open the report".to_owned());
            }
        });
    }
    Ok(json!(uri))
}

async fn apply_fix(session: &Session, argument: Option<Json>) -> Result<Option<Json>> {
    let reference: FixRef = serde_json::from_value(argument.unwrap_or_default()).map_err(|error| {
        Error::invalid_params(format!("the command's argument does not name a fix: {error}"))
    })?;
    if !session.outbox.capabilities().apply_edit {
        return Err(failed("this editor does not let servers change documents".to_owned()));
    }
    let edit = code_action::edit(session, &reference).await?;
    apply(session, reference.title, edit);
    Ok(None)
}

/// Has the editor apply an edit, which is one step to undo.
fn apply(session: &Session, label: String, edit: WorkspaceEdit) {
    let outbox = Arc::clone(&session.outbox);
    tokio::spawn(async move {
        let params = ApplyWorkspaceEditParams { label: Some(label), edit };
        if outbox.ask::<ApplyWorkspaceEdit>(params).await.is_none_or(|answer| !answer.applied) {
            EngineSide(outbox).say(Level::Warning, "the editor did not apply the fix".to_owned());
        }
    });
}

/// Applies the best fix of a cause, or of every cause of the folder that has one, as one edit.
async fn fix_all(session: &Session, target: Target) -> Result<Json> {
    if !session.outbox.capabilities().apply_edit {
        return Err(failed("this editor does not let servers change documents".to_owned()));
    }
    session.engine.settled().await;
    let snapshot = folder(session, &target)?;
    let fingerprints = match target.fingerprint {
        Some(fingerprint) => vec![fingerprint],
        None => snapshot.results.analysis.clusters.iter().map(|c| c.fingerprint.0.clone()).collect(),
    };
    let named = fingerprints.len() == 1;
    let (titles, edit) = code_action::best(session, &snapshot, fingerprints, named).await?;
    let Some(edit) = edit else {
        return Err(failed(
            "there is no fix that has been tried and helps; try the fixes on a copy first".to_owned(),
        ));
    };
    let label = match titles.as_slice() {
        [one] => one.clone(),
        many => format!("Fix {} root causes", many.len()),
    };
    apply(session, label, edit);
    Ok(json!({ "applied": titles }))
}

/// The protocol's `RequestFailed`: the request was right and could not be met.
pub fn failed(message: String) -> Error {
    Error { code: ErrorCode::ServerError(-32803), message: message.into(), data: None }
}
