//! Questions to a model, made from templates in `prompts/`. Whoever changes a template, or how it is filled, raises
//! [`VERSION`]: answers in the cache belong to a version.

use std::fmt::Write as _;

use super::answer::{self, Answer, Replacement};
use super::dossier::Dossier;
use crate::diagnose::providers::{Ordered, Request};
use crate::evidence::redact::Redactor;

/// The version of the questions.
pub const VERSION: u32 = 2;

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

/// The answer in the form, and with its fields in the order, that was asked for.
fn json(answer: &Answer) -> String {
    let text = |text: &str| Ordered::from(text);
    let plain = |value: serde_json::Value| Ordered::from(value);
    let evidence = answer.evidence.iter().map(|citation| {
        let id = citation.id.as_deref().unwrap_or_default();
        Ordered::object([("id", text(id)), ("quote", text(&citation.quote))])
    });
    let edits = answer.edits.iter().map(|edit| {
        let Replacement { file, search, replace } = edit;
        Ordered::object([("file", text(file)), ("search", text(search)), ("replace", text(replace))])
    });
    let all = Ordered::object([
        ("root_cause", text(&answer.root_cause)),
        ("category", plain(serde_json::json!(answer.category))),
        ("severity", plain(serde_json::json!(answer.severity))),
        ("confidence", plain(serde_json::json!(answer.confidence))),
        ("affected_file", text(answer.file.as_deref().unwrap_or_default())),
        ("affected_line", answer.line.unwrap_or_default().into()),
        ("affected_function", text(answer.function.as_deref().unwrap_or_default())),
        ("fix_suggestion", text(&answer.suggestion)),
        ("evidence", Ordered::List(evidence.collect())),
        ("edits", Ordered::List(edits.collect())),
        ("missing", text(&answer.missing)),
    ]);
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
            (2, "aad51c2521d94075"),
            "raise VERSION when a template changes"
        );
    }

    #[test]
    fn templates_name_every_field_in_the_order_of_the_schema_and_every_choice() {
        let schema = answer::schema().json.to_string();
        let parsed: serde_json::Value = serde_json::from_str(&schema).unwrap_or_default();
        let properties = parsed["required"].as_array().cloned().unwrap_or_default();
        let properties: Vec<&str> = properties.iter().filter_map(serde_json::Value::as_str).collect();
        assert_eq!((properties.first(), properties.len()), (Some(&"root_cause"), 11));
        let mut at = 0;
        for name in &properties {
            at += schema[at..].find(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name} in {schema}"));
        }
        // An answer of which only the beginning has come says the cause.
        let shown = json(&Answer { root_cause: "x".to_owned(), ..Answer::default() });
        assert!(shown.trim_start_matches(['{', '\n', ' ']).starts_with("\"root_cause\""), "{shown}");
        for template in INSTRUCTIONS {
            for name in &properties {
                assert!(template.contains(name), "{name}");
            }
            for name in parsed["properties"]["category"]["enum"].as_array().into_iter().flatten() {
                assert!(template.contains(name.as_str().unwrap_or_default()), "{name}");
            }
            assert!(template.contains("{{fence}}"));
        }
    }
}
