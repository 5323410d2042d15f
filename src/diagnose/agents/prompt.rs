//! Questions to a model, made from templates in `prompts/`. Whoever changes a template, or how it is filled, raises
//! [`VERSION`]: answers in the cache belong to a version.

use std::fmt::Write as _;

use super::answer::{self, Answer};
use super::dossier::Dossier;
use crate::diagnose::providers::Request;
use crate::evidence::redact::Redactor;

/// The version of the questions.
pub const VERSION: u32 = 1;

/// Most tokens of an answer.
const MAX_TOKENS: u32 = 2000;
/// The analyzer's and the critic's temperature, as documented.
const ANALYZER: f32 = 0.4;
const CRITIC: f32 = 0.0;

const ANALYZER_TEMPLATE: &str = include_str!("prompts/analyzer.md");
const CRITIC_TEMPLATE: &str = include_str!("prompts/critic.md");
const SINGLE_TEMPLATE: &str = include_str!("prompts/single.md");

/// All instructions, to tell an answer from an echo of them.
pub(super) const INSTRUCTIONS: [&str; 3] = [ANALYZER_TEMPLATE, CRITIC_TEMPLATE, SINGLE_TEMPLATE];

/// The analyzer's question.
pub fn analyzer(dossier: &Dossier, redactor: &Redactor) -> Request {
    request(ANALYZER_TEMPLATE, dossier, "", ANALYZER, redactor)
}

/// The one question for small local models.
pub fn single(dossier: &Dossier, redactor: &Redactor) -> Request {
    request(SINGLE_TEMPLATE, dossier, "", CRITIC, redactor)
}

/// The critic's question about the analyzer's answer, of which `remarks` say what was not found.
pub fn critic(dossier: &Dossier, analyzer: &Answer, remarks: &[String], redactor: &Redactor) -> Request {
    let fence = &dossier.fence;
    let mut more =
        format!("\nThe diagnosis to be checked:\n\n<<<D1 {fence}\n{}\nD1 {fence}>>>\n", json(analyzer));
    if !remarks.is_empty() {
        more.push_str("\nRemarks of the checking program:\n");
        for remark in remarks {
            let _ = writeln!(more, "- {remark}");
        }
    }
    // What the analyzer wrote may hold the fence; then its copy of it is not one.
    request(CRITIC_TEMPLATE, dossier, &more, CRITIC, redactor)
}

fn request(template: &str, dossier: &Dossier, more: &str, temperature: f32, redactor: &Redactor) -> Request {
    let fence = &dossier.fence;
    let mut user = String::from("The evidence:\n");
    for piece in &dossier.pieces {
        let (id, title, text) = (&piece.id, &piece.title, &piece.text);
        let _ = write!(user, "\n<<<{id} {fence}: {title}\n{text}\n{id} {fence}>>>\n");
    }
    if !dossier.hypotheses.is_empty() {
        let _ = write!(user, "\nThe hypotheses:\n\n<<<H {fence}\n");
        for (index, hypothesis) in dossier.hypotheses.iter().enumerate() {
            let _ = writeln!(user, "H{}: {hypothesis}", index + 1);
        }
        let _ = writeln!(user, "H {fence}>>>");
    }
    user.push_str(more);
    user.push_str("\nAnswer now with the JSON object.\n");
    let redactor = redactor.for_provider();
    Request {
        system: redactor.text(&template.replace("{{fence}}", fence)),
        user: redactor.text(&user),
        schema: Some(answer::schema()),
        temperature: Some(temperature),
        max_tokens: MAX_TOKENS,
    }
}

/// The answer in the form that was asked for.
fn json(answer: &Answer) -> String {
    let evidence: Vec<_> = answer
        .evidence
        .iter()
        .map(|citation| serde_json::json!({ "id": citation.id, "quote": citation.quote }))
        .collect();
    let edits: Vec<_> = answer
        .edits
        .iter()
        .map(|edit| serde_json::json!({ "file": edit.file, "search": edit.search, "replace": edit.replace }))
        .collect();
    let all = serde_json::json!({
        "root_cause": answer.root_cause,
        "category": answer.category,
        "severity": answer.severity,
        "confidence": answer.confidence,
        "affected_file": answer.file.as_deref().unwrap_or_default(),
        "affected_line": answer.line.unwrap_or_default(),
        "affected_function": answer.function.as_deref().unwrap_or_default(),
        "fix_suggestion": answer.suggestion,
        "evidence": evidence,
        "edits": edits,
        "missing": answer.missing,
    });
    format!("{all:#}")
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_version_changes_with_the_templates() {
        let digest = crate::cluster::fingerprint::hex(&Sha256::digest(INSTRUCTIONS.concat().as_bytes()));
        assert_eq!(
            (VERSION, &digest[..16]),
            (1, "aad51c2521d94075"),
            "raise VERSION when a template changes"
        );
    }

    #[test]
    fn templates_name_every_field_and_choice() {
        let schema = answer::schema().json;
        let properties = schema["properties"].as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
        for template in INSTRUCTIONS {
            for name in properties.iter().flatten() {
                assert!(template.contains(name.as_str()), "{name}");
            }
            for name in schema["properties"]["category"]["enum"].as_array().into_iter().flatten() {
                assert!(template.contains(name.as_str().unwrap_or_default()), "{name}");
            }
            assert!(template.contains("{{fence}}"));
        }
    }
}
