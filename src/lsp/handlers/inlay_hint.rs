//! `textDocument/inlayHint`: the values at the failing line.

use tower_lsp::lsp_types::{InlayHint, InlayHintLabel, InlayHintParams, InlayHintTooltip};

use crate::lsp::backend::Session;
use crate::lsp::convert;

/// The hints in the asked range.
pub async fn inlay_hint(session: &Session, params: InlayHintParams) -> Option<Vec<InlayHint>> {
    let (snapshot, path) = session.file(&params.text_document.uri).await?;
    let encoding = session.outbox.capabilities().encoding;
    let lines = convert::line(params.range.start)..=convert::line(params.range.end);
    let findings = snapshot.file(&path)?;
    let hints = findings.hints.iter().filter(|hint| lines.contains(&hint.span.line));
    let hints = hints.map(|hint| {
        // Plain text: values may hold anything.
        let values = hint.values.iter().map(|(name, value)| format!("{name} = {value}"));
        let tooltip = format!("At the failure:\n{}", values.collect::<Vec<_>>().join("\n"));
        InlayHint {
            position: encoding.line_end(&hint.span),
            label: InlayHintLabel::String(hint.label.clone()),
            kind: None,
            text_edits: None,
            tooltip: Some(InlayHintTooltip::String(tooltip)),
            padding_left: Some(true),
            padding_right: None,
            data: None,
        }
    });
    Some(hints.collect())
}
