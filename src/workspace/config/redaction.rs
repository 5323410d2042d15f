//! `[tool.failscope.redaction]`: what is replaced besides or not.

use super::keys::{Report, folded, near_name, texts};
use super::setting::{Setting, Value};
use crate::evidence::redact::{KINDS, RedactionSettings, check_pattern};

/// Its keys, as JSON spells them.
const KEYS: [&str; 4] = ["patterns", "allow", "kinds", "exampleEmails"];

/// Takes the table over into `settings`; `None` if it is no table.
pub(super) fn apply(
    settings: &mut RedactionSettings,
    setting: &Setting,
    report: &mut Report<'_>,
) -> Option<()> {
    let Value::Table(entries) = &setting.value else { return None };
    // Kinds may name patterns, wherever those stand.
    let (kinds, others): (Vec<_>, Vec<_>) =
        entries.iter().partition(|(name, _)| folded(name) == folded("kinds"));
    for (name, value) in others.into_iter().chain(kinds) {
        let expects = match KEYS.iter().find(|key| folded(key) == folded(name)) {
            _ if matches!(value.value, Value::Null) => continue,
            Some(&"patterns") => match &value.value {
                Value::Table(entries) => {
                    settings.patterns = patterns(entries, report);
                    continue;
                }
                _ => "a table of kinds and regular expressions such as { badge = \"B-[0-9]{4}\" }",
            },
            Some(&"allow") => match texts(value) {
                Some(digests) => {
                    settings.allow = allowed(digests, report);
                    continue;
                }
                None => "an array of SHA-256 digests of values",
            },
            Some(&"kinds") => match &value.value {
                Value::Table(entries) => {
                    switch(settings, entries, report);
                    continue;
                }
                _ => "a table of booleans such as { email = false }",
            },
            Some(_) => match value.value {
                Value::Bool(on) => {
                    settings.example_emails = on;
                    continue;
                }
                _ => "true or false",
            },
            None => {
                let near = near_name(name, KEYS.into_iter());
                report.add(value.line, format!("`redaction.{name}` is not known{near}; it is left out"));
                continue;
            }
        };
        // What was given is not repeated: it may be a secret.
        report.add(
            value.line,
            format!("`redaction.{name}` must be {expects}, not {}; it is left as it was", value.kind()),
        );
    }
    Some(())
}

fn patterns(entries: &[(String, Setting)], report: &mut Report<'_>) -> Vec<(String, String)> {
    let mut patterns = Vec::new();
    for (kind, pattern) in entries {
        let problem = match &pattern.value {
            Value::Text(text) => match check_pattern(text) {
                Ok(()) => {
                    patterns.push((kind.clone(), text.clone()));
                    continue;
                }
                Err(reason) => reason,
            },
            _ => format!("must be a regular expression, not {}", pattern.kind()),
        };
        report.add(pattern.line, format!("`redaction.patterns.{kind}` {problem}; it is left out"));
    }
    patterns
}

fn allowed(
    digests: Vec<(Option<u32>, String)>,
    report: &mut Report<'_>,
) -> std::collections::BTreeSet<String> {
    let mut allowed = std::collections::BTreeSet::new();
    for (line, digest) in digests {
        if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            allowed.insert(digest.to_ascii_lowercase());
        } else {
            report.add(
                line,
                "`redaction.allow` takes hex SHA-256 digests of values, not the values; this one is left out"
                    .to_owned(),
            );
        }
    }
    allowed
}

fn switch(settings: &mut RedactionSettings, entries: &[(String, Setting)], report: &mut Report<'_>) {
    settings.off.clear();
    for (name, value) in entries {
        let own = settings.patterns.iter().any(|(kind, _)| kind == name);
        match value.value {
            _ if !own && !KINDS.contains(&name.as_str()) => {
                let near = near_name(name, KINDS.iter().copied());
                report
                    .add(value.line, format!("`redaction.kinds.{name}` is not a kind{near}; it is left out"));
            }
            Value::Bool(false) => {
                settings.off.insert(name.clone());
            }
            Value::Bool(true) | Value::Null => {}
            _ => report.add(
                value.line,
                format!(
                    "`redaction.kinds.{name}` must be true or false, not {}; it is left out",
                    value.kind()
                ),
            ),
        }
    }
}
