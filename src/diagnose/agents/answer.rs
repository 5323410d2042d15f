//! A model's answer, field by field: each is taken as far as it can be understood, and an odd one never takes
//! the others with it.

mod values;

use serde_json::json;

use super::loose::{self, Value};
use crate::diagnose::providers::{Ordered, Schema};
use crate::model::{Category, Severity};
use values::{
    CATEGORIES, category, citations, confidence, cut, edits, file_and_line, is_nothing, line, severity, text,
};

/// Most characters of a text.
const MAX_TEXT: usize = 1500;
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

/// The form that answers are asked for: the cause first, since models write the fields in this order and an answer may be
/// cut off. Plain types only, and an empty value for nothing: so every provider's strict mode takes it.
pub fn schema() -> Schema {
    let of_type = |kind: &str, more: Ordered| {
        let mut schema = Ordered::object([("type", kind.into())]);
        if let Ordered::Object(fields) = more {
            for (name, value) in fields {
                schema.set(&name, value);
            }
        }
        schema
    };
    let described = |kind: &str, what: &str| of_type(kind, Ordered::object([("description", what.into())]));
    let text = |what: &str| described("string", what);
    let one_of = |names: &[&str]| of_type("string", Ordered::object([("enum", json!(names).into())]));
    let list_of = |item: Ordered| of_type("array", Ordered::object([("items", item)]));
    let citation = object([
        ("id", text("number of the piece of evidence, such as E3")),
        ("quote", text("what stands there, word for word")),
    ]);
    let edit = object([
        ("file", text("a file of the evidence")),
        ("search", text("lines of that file, word for word, without their numbers")),
        ("replace", text("what shall stand there instead")),
    ]);
    let whole = object([
        ("root_cause", text("why it fails, in one sentence that names the place")),
        ("category", one_of(&CATEGORIES.map(|(category, _)| category.name()))),
        ("severity", one_of(&["low", "medium", "high", "critical"])),
        ("confidence", described("number", "0 to 1")),
        ("affected_file", text("the file that has to change, as the evidence writes it; empty if not known")),
        ("affected_line", described("integer", "0 if not known")),
        ("affected_function", text("empty if not known")),
        ("fix_suggestion", text("what to change, in one or two sentences")),
        ("evidence", list_of(citation)),
        ("edits", list_of(edit)),
        ("missing", text("what would have to be known to be sure; empty if nothing")),
    ]);
    Schema { name: "root_cause", json: whole }
}

/// A closed object, all of whose properties are required.
fn object<const N: usize>(properties: [(&str, Ordered); N]) -> Ordered {
    let names = properties.each_ref().map(|(name, _)| Ordered::from(*name));
    Ordered::object([
        ("type", "object".into()),
        ("properties", Ordered::object(properties)),
        ("required", Ordered::List(names.into())),
        ("additionalProperties", false.into()),
    ])
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

#[cfg(test)]
mod tests;
