//! The values of an answer's fields, in the many ways in which models write them.

use super::super::loose::Value;
use super::{Citation, MAX_EDITS, MAX_EVIDENCE, Replacement, folded};
use crate::model::{Category, Severity};

/// Most characters of a quotation, and of either side of an edit.
const MAX_QUOTE: usize = 400;
const MAX_EDIT: usize = 20_000;

/// Whether the value says nothing.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.trim().is_empty(),
        Value::Number(number) => *number == 0.0,
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

/// The value as text: of a list its items, of an object what describes it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(items) => {
            let texts: Vec<String> = items.iter().map(text).filter(|t| !t.trim().is_empty()).collect();
            texts.join(if texts.iter().all(|t| t.trim_end().ends_with(['.', '!', '?'])) { " " } else { "; " })
        }
        Value::Object(fields) => {
            const TELLING: [&str; 8] =
                ["description", "text", "summary", "rootcause", "value", "explanation", "message", "name"];
            let telling =
                fields.iter().find(|(name, v)| TELLING.contains(&folded(name).as_str()) && !is_nothing(v));
            telling.map(|(_, inner)| text(inner)).unwrap_or_default()
        }
    }
}

/// The first characters of `text`.
pub(super) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The names that models give to the categories, folded.
pub(super) const CATEGORIES: [(Category, &[&str]); 9] = [
    (
        Category::AssertionFailure,
        &["assertionfailure", "assertionerror", "assertion", "logicerror", "bug", "codebug", "valueerror"],
    ),
    (Category::Timeout, &["timeout", "timeouterror", "deadlineexceeded"]),
    (Category::ConnectionError, &["connectionerror", "networkerror", "network", "connection"]),
    (
        Category::EnvIssue,
        &[
            "envissue",
            "environmentissue",
            "environment",
            "environmenterror",
            "configuration",
            "configurationerror",
        ],
    ),
    (Category::FlakyTest, &["flakytest", "flaky", "racecondition"]),
    (Category::DataIssue, &["dataissue", "data", "dataerror", "keyerror", "validationerror"]),
    (Category::ImportError, &["importerror", "modulenotfounderror", "syntaxerror"]),
    (Category::PermissionError, &["permissionerror", "permission", "permissiondenied", "accessdenied"]),
    (Category::Other, &["other", "unknown"]),
];

/// The one category that `text` names; a list of several is the question's own and says nothing.
pub(super) fn category(text: &str) -> Option<Category> {
    let all = folded(text);
    let exact = CATEGORIES.iter().find(|(_, names)| names.contains(&all.as_str()));
    exact.map(|(category, _)| *category).or_else(|| {
        let mut named = CATEGORIES.iter().filter(|(category, _)| all.contains(&folded(category.name())));
        named.next().filter(|_| named.next().is_none()).map(|(category, _)| *category)
    })
}

/// The one severity that `text` names.
pub(super) fn severity(text: &str) -> Option<Severity> {
    const NAMES: [(Severity, &[&str]); 4] = [
        (Severity::Low, &["low", "minor", "trivial"]),
        (Severity::Medium, &["medium", "moderate", "normal"]),
        (Severity::High, &["high", "major", "severe"]),
        (Severity::Critical, &["critical", "blocker", "fatal"]),
    ];
    let all = text.to_lowercase();
    let mut named = NAMES
        .iter()
        .filter(|(_, names)| all.split(|c: char| !c.is_alphanumeric()).any(|word| names.contains(&word)));
    named.next().filter(|_| named.next().is_none()).map(|(severity, _)| *severity)
}

/// A share from 0 to 1: a number, per cent, `9/10`, or a word.
pub(super) fn confidence(value: &Value) -> Option<f64> {
    let share = match value {
        Value::Number(number) if *number > 10.0 => number / 100.0,
        Value::Number(number) => *number,
        Value::Text(_) | Value::List(_) | Value::Object(_) => {
            let all = text(value).to_lowercase();
            let all = all.trim();
            let end = all.find(|c: char| !(c.is_ascii_digit() || ".,+-".contains(c))).unwrap_or(all.len());
            let Ok(number) = all[..end].replace(',', ".").parse::<f64>() else {
                return match all {
                    "very high" | "certain" | "very confident" => Some(0.95),
                    "high" | "confident" | "likely" => Some(0.8),
                    "medium" | "moderate" => Some(0.5),
                    "low" | "unsure" => Some(0.25),
                    "very low" | "none" => Some(0.1),
                    _ => None,
                };
            };
            let rest = all[end..].trim_start();
            let of = rest.strip_prefix('/').or_else(|| rest.strip_prefix("out of"));
            let of = of.and_then(|of| of.split_whitespace().next()?.parse::<f64>().ok());
            match of {
                Some(of) if of > 0.0 => number / of,
                _ if rest.starts_with('%') || rest.starts_with("percent") || number > 10.0 => number / 100.0,
                _ => number,
            }
        }
        Value::Null | Value::Bool(_) => return None,
    };
    (0.0..=1.0).contains(&share).then_some(share)
}

/// A line: `57`, `"57"`, `"line 57"`, `"57-60"`, `[57, 60]`.
pub(super) fn line(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) if (1.0..=10_000_000.0).contains(number) => Some(*number as u32),
        Value::Text(text) => {
            let digits = text.find(|c: char| c.is_ascii_digit())?;
            if text[..digits].contains('-') {
                return None;
            }
            let rest = &text[digits..];
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..end].parse().ok().filter(|line| (1..=10_000_000).contains(line))
        }
        Value::List(items) => line(items.first()?),
        _ => None,
    }
}

/// `src/a.py:57` and `src/a.py, line 57` name a line too.
pub(super) fn file_and_line(named: &str) -> (Option<String>, Option<u32>) {
    let first = named.split(['\n', ';']).next().unwrap_or_default().trim().trim_matches(['`', '"', '\'']);
    let (file, rest) = match first.find(".py") {
        Some(at) => {
            let end = first[at..].find([':', ',', ' ', '(']).map_or(first.len(), |length| at + length);
            (&first[..end], &first[end..])
        }
        None => (first, ""),
    };
    let line = line(&Value::Text(rest.to_owned()));
    (Some(cut(file.trim(), 300)).filter(|file| !file.is_empty()), line)
}

/// Pieces of evidence, as a list, as objects or as lines of text.
pub(super) fn citations(value: &Value) -> Vec<Citation> {
    match value {
        Value::List(items) => items.iter().take(4 * MAX_EVIDENCE).flat_map(citations).collect(),
        Value::Object(fields) => {
            let find =
                |names: &[&str]| fields.iter().find(|(name, _)| names.contains(&folded(name).as_str()));
            let id = find(&["id", "ref", "reference", "citation", "source", "number"]).map(|(_, v)| text(v));
            let quote =
                find(&["quote", "text", "content", "excerpt", "evidence", "line", "snippet", "value"]);
            let quote = quote.map(|(_, v)| text(v)).unwrap_or_default();
            let known = id.as_deref().and_then(|id| split_id(id).0);
            if known.is_none() && quote.is_empty() {
                // An object of another form: `{"E3": "assert 1 == 2"}`.
                return fields
                    .iter()
                    .take(MAX_EVIDENCE)
                    .filter_map(|(name, v)| {
                        Some(Citation { id: Some(split_id(name).0?), quote: cut(&text(v), MAX_QUOTE) })
                    })
                    .collect();
            }
            vec![Citation {
                id: known.or_else(|| split_id(&quote).0),
                quote: cut(split_id(&quote).1, MAX_QUOTE),
            }]
        }
        Value::Text(all) => all
            .lines()
            .map(|line| line.trim().trim_start_matches(['-', '*', '•']).trim())
            .filter(|line| !line.is_empty())
            .take(MAX_EVIDENCE)
            .map(|line| {
                let (id, quote) = split_id(line);
                Citation { id, quote: cut(quote, MAX_QUOTE) }
            })
            .collect(),
        Value::Number(number) if *number >= 1.0 => {
            vec![Citation { id: Some(format!("E{}", *number as u32)), quote: String::new() }]
        }
        _ => Vec::new(),
    }
}

/// The number in front of a quotation (`[E3] …`, `E3: …`, `(E3)`), and the rest.
fn split_id(text: &str) -> (Option<String>, &str) {
    let bare = text.trim_start().trim_start_matches(['[', '(', '`', '"']);
    let Some(rest) = bare.strip_prefix(['E', 'e']) else { return (None, text.trim()) };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let after = &rest[end..];
    if end == 0 || end > 4 || after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return (None, text.trim());
    }
    (
        Some(format!("E{}", &rest[..end])),
        after.trim_start_matches([']', ')', '`', '"', ':', '-', '–', '.', ' ']).trim(),
    )
}

/// Changes, as far as they say what goes and what comes.
pub(super) fn edits(value: &Value) -> Vec<Replacement> {
    match value {
        Value::List(items) => items.iter().take(4 * MAX_EDITS).flat_map(edits).collect(),
        Value::Object(fields) => {
            let find = |names: &[&str]| {
                fields.iter().find(|(name, _)| names.contains(&folded(name).as_str())).map(|(_, value)| {
                    match value {
                        // Lines as a list.
                        Value::List(lines) => lines.iter().map(text).collect::<Vec<_>>().join("\n"),
                        other => text(other),
                    }
                })
            };
            let file = find(&["file", "path", "filepath", "filename", "affectedfile"]);
            let search = find(&["search", "find", "old", "oldtext", "before", "original", "oldcode", "from"]);
            let replace =
                find(&["replace", "replacement", "new", "newtext", "after", "newcode", "with", "to"]);
            match (file, search, replace) {
                (Some(file), Some(search), Some(replace))
                    if search.chars().count() <= MAX_EDIT && replace.chars().count() <= MAX_EDIT =>
                {
                    let file = file_and_line(&file).0.unwrap_or_default();
                    vec![Replacement { file, search, replace }]
                }
                _ => fields
                    .iter()
                    .take(MAX_EDITS)
                    .filter(|(_, v)| matches!(v, Value::List(_)))
                    .flat_map(|(_, v)| edits(v))
                    .collect(),
            }
        }
        _ => Vec::new(),
    }
}
