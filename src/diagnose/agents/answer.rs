//! A model's answer, field by field: each is taken as far as it can be understood, and an odd one never takes
//! the others with it.

use serde_json::json;

use super::loose::{self, Value};
use crate::diagnose::providers::Schema;
use crate::model::{Category, Severity};

/// Most characters of a text, of a quotation, and of either side of an edit.
const MAX_TEXT: usize = 1500;
const MAX_QUOTE: usize = 400;
const MAX_EDIT: usize = 20_000;
/// Most pieces of evidence, and most edits.
const MAX_EVIDENCE: usize = 20;
const MAX_EDITS: usize = 8;

/// What a model says about a cause. Nothing in it has been checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// One sentence or a few; empty if it says none.
    pub root_cause: String,
    /// Its category.
    pub category: Option<Category>,
    /// Its severity.
    pub severity: Option<Severity>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// What to do.
    pub suggestion: String,
    /// Where the cause is.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
    /// The function.
    pub function: Option<String>,
    /// What it rests on.
    pub evidence: Vec<Citation>,
    /// Changes that would mend it.
    pub edits: Vec<Replacement>,
    /// What is missing to be sure.
    pub missing: String,
    /// What could not be used, in words.
    pub oddities: Vec<String>,
}

/// A piece of evidence as cited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Citation {
    /// The number of the piece, e.g. `E3`.
    pub id: Option<String>,
    /// What is said to stand there; may be empty.
    pub quote: String,
}

/// A change as a model proposes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The file.
    pub file: String,
    /// The text that goes.
    pub search: String,
    /// The text that comes.
    pub replace: String,
}

/// The form that answers are asked for. Plain types only, and an empty value for nothing: so every provider's
/// strict mode takes it.
pub fn schema() -> Schema {
    let text = |what: &str| json!({ "type": "string", "description": what });
    let object = |properties: serde_json::Value| {
        let names: Vec<&String> = properties.as_object().map(|map| map.keys().collect()).unwrap_or_default();
        json!({ "type": "object", "additionalProperties": false, "required": names, "properties": properties })
    };
    let properties = json!({
        "root_cause": text("why it fails, in one sentence that names the place"),
        "category": { "type": "string", "enum": CATEGORIES.map(|(category, _)| category.name()) },
        "severity": { "type": "string", "enum": ["low", "medium", "high", "critical"] },
        "confidence": { "type": "number", "description": "0 to 1" },
        "affected_file": text("the file that has to change, as the evidence writes it; empty if not known"),
        "affected_line": { "type": "integer", "description": "0 if not known" },
        "affected_function": text("empty if not known"),
        "fix_suggestion": text("what to change, in one or two sentences"),
        "evidence": { "type": "array", "items": object(json!({
            "id": text("number of the piece of evidence, such as E3"),
            "quote": text("what stands there, word for word"),
        })) },
        "edits": { "type": "array", "items": object(json!({
            "file": text("a file of the evidence"),
            "search": text("lines of that file, word for word, without their numbers"),
            "replace": text("what shall stand there instead"),
        })) },
        "missing": text("what would have to be known to be sure; empty if nothing"),
    });
    Schema { name: "root_cause", json: object(properties) }
}

/// Reads an answer; `None` if nothing in it says what the cause is.
pub fn read(text: &str) -> Option<Answer> {
    let mut best: Option<(usize, &[(String, Value)])> = None;
    let found = loose::objects(text);
    for value in &found {
        richest(value, 0, &mut best);
    }
    let lines;
    let fields = if let Some((_, fields)) = best {
        fields
    } else {
        lines = by_lines(text);
        &lines
    };
    let answer = take(fields);
    (!answer.root_cause.is_empty() || !answer.missing.is_empty()).then_some(answer)
}

/// The object in `value` with most of the fields that are known; of equals the last.
fn richest<'a>(value: &'a Value, depth: usize, best: &mut Option<(usize, &'a [(String, Value)])>) {
    /// Deeper wrappers are not looked into.
    const MAX_DEPTH: usize = 4;
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::List(items) => items.iter().for_each(|item| richest(item, depth + 1, best)),
        Value::Object(fields) => {
            for (_, inner) in fields {
                richest(inner, depth + 1, best);
            }
            let known = fields.iter().filter(|(name, _)| field(name).is_some()).count();
            if known > 0 && best.is_none_or(|(most, _)| known >= most) {
                *best = Some((known, fields));
            }
        }
        _ => {}
    }
}

/// A field of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    RootCause,
    Category,
    Severity,
    Confidence,
    Suggestion,
    File,
    Line,
    Function,
    Evidence,
    Edits,
    Missing,
}

/// The names that models give to the fields, folded.
const FIELDS: &[(Field, &[&str])] = &[
    (
        Field::RootCause,
        &[
            "rootcause",
            "cause",
            "rootcauseanalysis",
            "diagnosis",
            "finalrootcause",
            "correctedrootcause",
            "reason",
        ],
    ),
    (Field::Category, &["category", "errorcategory", "failurecategory", "type", "errortype"]),
    (Field::Severity, &["severity", "priority", "impact"]),
    (Field::Confidence, &["confidence", "confidencescore", "confidencelevel", "certainty", "score"]),
    (
        Field::Suggestion,
        &[
            "fixsuggestion",
            "suggestion",
            "suggestedfix",
            "recommendation",
            "solution",
            "proposedfix",
            "remedy",
            "fix",
        ],
    ),
    (Field::File, &["affectedfile", "file", "filename", "filepath", "path", "culpritfile"]),
    (Field::Line, &["affectedline", "line", "linenumber", "lineno", "culpritline"]),
    (Field::Function, &["affectedfunction", "function", "functionname", "method", "culpritfunction"]),
    (
        Field::Evidence,
        &["evidence", "citations", "evidenceitems", "supportingevidence", "evidencelines", "quotes"],
    ),
    (Field::Edits, &["edits", "changes", "patch", "patches", "codechanges", "searchreplace"]),
    (Field::Missing, &["missing", "missinginformation", "missingevidence", "whatismissing", "needed"]),
];

fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn field(name: &str) -> Option<Field> {
    let name = folded(name);
    FIELDS.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(field, _)| *field)
}

/// An answer that is no JSON: `Root cause: …` on lines of their own, as in Markdown or YAML.
fn by_lines(text: &str) -> Vec<(String, Value)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut end = text.len().min(loose::MAX_ANSWER);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    for line in text[..end].lines() {
        let bare = line.trim().trim_start_matches(['#', '*', '-', '>', ' ', '`']);
        let named = bare.split_once(':').filter(|(name, _)| name.len() < 40 && field(name).is_some());
        match (named, fields.last_mut()) {
            (Some((name, value)), _) => {
                fields.push((name.to_owned(), value.trim_matches(['*', ' ', '"', ',']).to_owned()));
            }
            (None, Some((_, value))) if !bare.is_empty() && !bare.starts_with("```") => {
                if !value.is_empty() {
                    value.push('\n');
                }
                value.push_str(bare);
            }
            _ => {}
        }
    }
    fields.into_iter().map(|(name, value)| (name, Value::Text(value))).collect()
}

fn take(fields: &[(String, Value)]) -> Answer {
    let mut answer = Answer::default();
    for (name, value) in fields {
        let Some(field) = field(name) else { continue };
        let dropped = !match field {
            Field::RootCause => {
                place_of(value, &mut answer);
                fill(&mut answer.root_cause, value)
            }
            Field::Suggestion => {
                if let Value::Object(_) | Value::List(_) = value {
                    answer.edits.extend(edits(value));
                }
                fill(&mut answer.suggestion, value)
            }
            Field::Missing => fill(&mut answer.missing, value),
            Field::Category => set(&mut answer.category, category(&text(value))),
            Field::Severity => set(&mut answer.severity, severity(&text(value))),
            Field::Confidence => set(&mut answer.confidence, confidence(value)),
            Field::File => {
                let named = text(value);
                let (file, line) = file_and_line(&named);
                set(&mut answer.line, line);
                set(&mut answer.file, file)
            }
            Field::Line => set(&mut answer.line, line(value)) || is_nothing(value),
            Field::Function => {
                let name = cut(text(value).trim().trim_end_matches("()"), 200);
                set(&mut answer.function, (!name.is_empty()).then_some(name))
            }
            Field::Evidence => {
                answer.evidence.extend(citations(value));
                true
            }
            Field::Edits => {
                answer.edits.extend(edits(value));
                true
            }
        };
        if dropped && !is_nothing(value) {
            answer.oddities.push(format!("`{}` could not be used", cut(name, 40)));
        }
    }
    answer.evidence.truncate(MAX_EVIDENCE);
    answer.edits.truncate(MAX_EDITS);
    answer
}

/// A cause that is an object holds its place too.
fn place_of(value: &Value, answer: &mut Answer) {
    let Value::Object(fields) = value else { return };
    for (name, inner) in fields {
        match field(name) {
            Some(Field::File) => {
                let (file, line) = file_and_line(&text(inner));
                set(&mut answer.file, file);
                set(&mut answer.line, line);
            }
            Some(Field::Line) => {
                set(&mut answer.line, line(inner));
            }
            Some(Field::Function) => {
                let name = text(inner);
                set(&mut answer.function, (!name.is_empty()).then_some(name));
            }
            _ => {}
        }
    }
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let is_some = value.is_some();
    if slot.is_none() {
        *slot = value;
    }
    is_some
}

fn fill(slot: &mut String, value: &Value) -> bool {
    let new = cut(text(value).trim(), MAX_TEXT);
    let is_some = !new.is_empty();
    if slot.is_empty() {
        *slot = new;
    }
    is_some
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.trim().is_empty(),
        Value::Number(number) => *number == 0.0,
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

/// The value as text: of a list its items, of an object what describes it.
fn text(value: &Value) -> String {
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

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The names that models give to the categories, folded.
const CATEGORIES: [(Category, &[&str]); 9] = [
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
fn category(text: &str) -> Option<Category> {
    let all = folded(text);
    let exact = CATEGORIES.iter().find(|(_, names)| names.contains(&all.as_str()));
    exact.map(|(category, _)| *category).or_else(|| {
        let mut named = CATEGORIES.iter().filter(|(category, _)| all.contains(&folded(category.name())));
        named.next().filter(|_| named.next().is_none()).map(|(category, _)| *category)
    })
}

fn severity(text: &str) -> Option<Severity> {
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
fn confidence(value: &Value) -> Option<f64> {
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
fn line(value: &Value) -> Option<u32> {
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
fn file_and_line(named: &str) -> (Option<String>, Option<u32>) {
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

fn citations(value: &Value) -> Vec<Citation> {
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

fn edits(value: &Value) -> Vec<Replacement> {
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

#[cfg(test)]
mod tests;
