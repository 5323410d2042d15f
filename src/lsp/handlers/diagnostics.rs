//! Diagnostics, pushed and pulled: `textDocument/publishDiagnostics`, `textDocument/diagnostic`,
//! `workspace/diagnostic`.

use std::collections::HashMap;
use std::path::Path;

use serde_json::json;
use tower_lsp::lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DocumentDiagnosticParams,
    DocumentDiagnosticReport, DocumentDiagnosticReportResult, FullDocumentDiagnosticReport, Location,
    NumberOrString, RelatedFullDocumentDiagnosticReport, RelatedUnchangedDocumentDiagnosticReport,
    UnchangedDocumentDiagnosticReport, WorkspaceDiagnosticParams, WorkspaceDiagnosticReport,
    WorkspaceDiagnosticReportResult, WorkspaceDocumentDiagnosticReport,
    WorkspaceFullDocumentDiagnosticReport, WorkspaceUnchangedDocumentDiagnosticReport,
};

use crate::engine::findings::{FileFindings, Marker, Notice};
use crate::lsp::backend::Session;
use crate::lsp::outbox::Outbox;
use crate::workspace::config;

/// The name under which diagnostics appear.
pub const SOURCE: &str = "failscope";
/// The code of configuration problems.
const CONFIGURATION: &str = "configuration";

/// The diagnostics of one file of the folder `root`.
pub fn of_file(outbox: &Outbox, root: &Path, findings: &FileFindings) -> Vec<Diagnostic> {
    let markers = findings.markers.iter().map(|marker| diagnostic(outbox, root, marker));
    markers.chain(findings.notices.iter().map(|n| notice(outbox, n))).collect()
}

/// The diagnostic of a marker.
pub fn diagnostic(outbox: &Outbox, root: &Path, marker: &Marker) -> Diagnostic {
    let client = outbox.capabilities();
    let related = marker.related.iter().filter_map(|related| {
        let uri = outbox.uri(&related.path.under(root))?;
        let location = Location { uri, range: client.encoding.range(&related.span) };
        Some(DiagnosticRelatedInformation { location, message: related.message.clone() })
    });
    let related: Vec<_> = if client.related_information { related.collect() } else { Vec::new() };
    Diagnostic {
        range: client.encoding.range(&marker.span),
        severity: Some(severity(marker.severity)),
        code: Some(NumberOrString::String(marker.category.to_owned())),
        code_description: outbox.finding_link(&marker.fingerprint).map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message: marker.message.clone(),
        related_information: (!related.is_empty()).then_some(related),
        tags: None,
        data: Some(json!({
            "fingerprint": marker.fingerprint,
            "failure": marker.failures.first(),
            "failures": marker.failures,
            "stale": marker.stale,
        })),
    }
}

fn notice(outbox: &Outbox, notice: &Notice) -> Diagnostic {
    Diagnostic {
        range: outbox.capabilities().encoding.range(&notice.span),
        severity: Some(DiagnosticSeverity::WARNING),
        code: Some(NumberOrString::String(CONFIGURATION.to_owned())),
        source: Some(SOURCE.to_owned()),
        message: notice.message.clone(),
        ..Diagnostic::default()
    }
}

fn severity(severity: config::DiagnosticSeverity) -> DiagnosticSeverity {
    match severity {
        config::DiagnosticSeverity::Error => DiagnosticSeverity::ERROR,
        config::DiagnosticSeverity::Warning => DiagnosticSeverity::WARNING,
        config::DiagnosticSeverity::Information => DiagnosticSeverity::INFORMATION,
        config::DiagnosticSeverity::Hint => DiagnosticSeverity::HINT,
    }
}

/// Names a list of diagnostics by its content, so that a client that has it need not get it again.
fn result_id(items: &[Diagnostic]) -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(serde_json::to_vec(items).unwrap_or_default());
    digest.iter().take(8).fold(String::new(), |mut id, byte| {
        use std::fmt::Write as _;
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// `textDocument/diagnostic`.
pub async fn document(session: &Session, params: DocumentDiagnosticParams) -> DocumentDiagnosticReportResult {
    let items = match session.file(&params.text_document.uri).await {
        Some((snapshot, path)) => {
            snapshot.file(&path).map(|f| of_file(&session.outbox, &snapshot.root, f)).unwrap_or_default()
        }
        None => Vec::new(),
    };
    let id = result_id(&items);
    let report = if params.previous_result_id.as_ref() == Some(&id) {
        DocumentDiagnosticReport::Unchanged(RelatedUnchangedDocumentDiagnosticReport {
            related_documents: None,
            unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport { result_id: id },
        })
    } else {
        DocumentDiagnosticReport::Full(RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id: Some(id), items },
        })
    };
    DocumentDiagnosticReportResult::Report(report)
}

/// `workspace/diagnostic`: every file with findings, and the ones the client still has but that have none now.
pub async fn workspace(
    session: &Session,
    params: WorkspaceDiagnosticParams,
) -> WorkspaceDiagnosticReportResult {
    session.engine.settled().await;
    let mut previous: HashMap<_, _> =
        params.previous_result_ids.into_iter().map(|p| (p.uri, p.value)).collect();
    let mut items = Vec::new();
    for snapshot in session.engine.folders() {
        for (path, findings) in &snapshot.files {
            let Some(uri) = session.outbox.uri(&path.under(&snapshot.root)) else { continue };
            let version = snapshot.version(path).map(i64::from);
            let diagnostics = of_file(&session.outbox, &snapshot.root, findings);
            let before = previous.remove(&uri);
            if diagnostics.is_empty() && before.is_none() {
                continue;
            }
            let id = result_id(&diagnostics);
            items.push(if before.as_ref() == Some(&id) {
                unchanged(uri, version, id)
            } else {
                full(uri, version, id, diagnostics)
            });
        }
    }
    for (uri, value) in previous {
        let id = result_id(&[]);
        items.push(if value == id { unchanged(uri, None, id) } else { full(uri, None, id, Vec::new()) });
    }
    WorkspaceDiagnosticReportResult::Report(WorkspaceDiagnosticReport { items })
}

fn full(
    uri: tower_lsp::lsp_types::Url,
    version: Option<i64>,
    id: String,
    items: Vec<Diagnostic>,
) -> WorkspaceDocumentDiagnosticReport {
    WorkspaceDocumentDiagnosticReport::Full(WorkspaceFullDocumentDiagnosticReport {
        uri,
        version,
        full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id: Some(id), items },
    })
}

fn unchanged(
    uri: tower_lsp::lsp_types::Url,
    version: Option<i64>,
    id: String,
) -> WorkspaceDocumentDiagnosticReport {
    WorkspaceDocumentDiagnosticReport::Unchanged(WorkspaceUnchangedDocumentDiagnosticReport {
        uri,
        version,
        unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport { result_id: id },
    })
}
