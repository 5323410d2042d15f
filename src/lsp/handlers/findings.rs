//! `failscope.findings`: what is known now, as `rca_report.json` tells it, for editors that show findings in
//! a view of their own. `failscope/findingsChanged` tells clients with the experimental capability
//! `failscopeFindingsChanged` when to ask again.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::notification::Notification;

use crate::engine::Snapshot;
use crate::lsp::backend::Session;
use crate::report::Meta;
use crate::report::document::Document;

/// Sent when the findings of any folder have changed; has no parameters.
pub enum FindingsChanged {}

impl Notification for FindingsChanged {
    /// Always empty: the protocol's parameters are an object, an array, or left out.
    type Params = serde_json::Map<String, Json>;
    const METHOD: &'static str = "failscope/findingsChanged";
}

/// `[{"root": URI, "stale": [fingerprint], "report": the document}]`, one for each workspace folder, sorted by folder.
/// `stale` names the findings whose code has changed since the run.
pub async fn findings(session: &Session) -> Result<Json> {
    session.engine.settled().await;
    let folders: Vec<_> = session
        .engine
        .folders()
        .into_iter()
        .filter_map(|snapshot| Some((session.outbox.uri(&snapshot.root)?, snapshot)))
        .collect();
    let documents = tokio::task::spawn_blocking(move || {
        let mut documents: Vec<Json> = folders
            .iter()
            .map(|(uri, snapshot)| {
                let time = snapshot.results_time().unwrap_or_default();
                let meta = Meta::new(time as u64, snapshot.root.clone());
                let stale: BTreeSet<&str> = snapshot
                    .files
                    .values()
                    .flat_map(|file| &file.markers)
                    .filter(|marker| marker.stale)
                    .map(|marker| marker.fingerprint.as_str())
                    .collect();
                let mut report = json!(Document::new(&snapshot.results.analysis, &meta));
                tell_history(&mut report, snapshot);
                json!({ "root": uri, "stale": stale, "report": report })
            })
            .collect();
        documents.sort_by(|a, b| a["root"].as_str().cmp(&b["root"].as_str()));
        documents
    });
    documents.await.map(Json::Array).map_err(|_| Error::internal_error())
}

/// Puts what the history says into the findings of `report`: the results, which it comes after, do not hold it.
fn tell_history(report: &mut Json, snapshot: &Snapshot) {
    let Some(graded) = &snapshot.graded else { return };
    let findings = report["analyses"].as_array_mut().into_iter().flatten();
    for (finding, cluster) in findings.zip(&snapshot.results.analysis.clusters) {
        if let Some(stability) = cluster.failures.first().and_then(|failure| graded.test(&failure.test)) {
            finding["stability"] = json!(stability);
        }
        if let Some(since) = graded.since.get(&cluster.fingerprint.0) {
            finding["changed_since"] = json!(since.as_str());
        }
    }
}
