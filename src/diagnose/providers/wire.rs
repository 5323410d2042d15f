//! What the wire formats have in common: how a request is put, how an answer is read, and what is put differently
//! once a model has rejected something.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;

use super::fault::Fault;
use super::keys::Key;
use super::{Finish, Ordered, Request, Usage};

/// A wire format: pure, so that it can be tested without a server.
pub trait Wire: Send + Sync + 'static {
    /// How `model` is asked at first.
    fn manner(&self, model: &str) -> Manner;
    /// The path of the completion call under the base URL.
    fn path(&self) -> &'static str;
    /// The path of the list of models.
    fn models_path(&self) -> &'static str;
    /// Headers of each request, with the key marked as sensitive.
    fn headers(&self, key: Option<&Key>) -> Vec<(HeaderName, HeaderValue)>;
    /// The body that asks `model`. An error if it cannot be asked that at all.
    fn body(&self, model: &str, request: &Request, manner: &Manner) -> Result<Ordered, Fault>;
    /// The answer in a body.
    fn read(&self, body: &Value, asked: &Asked<'_>) -> Result<Answer, Fault>;
    /// The names in a list of models.
    fn models(&self, body: &Value) -> Vec<String>;
    /// Puts things differently after `fault`; `false` if there is nothing to put differently.
    fn adapt(&self, fault: &Fault, manner: &mut Manner) -> bool;
}

/// What was asked, for judging the answer.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The request.
    pub request: &'a Request,
    /// How it was put.
    pub manner: &'a Manner,
}

/// An answer as the wire format has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Its text.
    pub text: String,
    /// The model, if it is said.
    pub model: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// Why it ended.
    pub finish: Finish,
}

/// How a model is asked: what it takes is known by its name, or learned when it rejects something, and remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact about a model")]
pub struct Manner {
    /// Whether a temperature is sent.
    pub temperature: bool,
    /// Whether the bound of the answer is `max_completion_tokens` rather than `max_tokens`.
    pub completion_tokens: bool,
    /// How the form of the answer is asked for.
    pub form: Form,
    /// Whether there is a message of the role `system`; otherwise it stands before the user's.
    pub system_role: bool,
    /// How long a model that reasons may do so.
    pub effort: Option<&'static str>,
    /// Whether it is said that a local model shall not think.
    pub no_think: bool,
    /// The least context that is asked for, in tokens.
    pub context: u64,
    /// Parameters whose name was already changed once.
    pub renamed: bool,
}

/// How the form of the answer is asked for, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// The provider holds the model to the schema.
    Strict,
    /// The provider shows the model the schema.
    Schema,
    /// The provider holds the model to JSON; the schema stands in the prompt.
    Json,
    /// The schema stands in the prompt.
    Prompt,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            temperature: true,
            completion_tokens: false,
            form: Form::Strict,
            system_role: true,
            effort: None,
            no_think: true,
            context: 0,
            renamed: false,
        }
    }
}

impl Manner {
    /// What was put differently from what `request` wants, for the report.
    pub fn notes(&self, model: &str, request: &Request) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.temperature && request.temperature.is_some() {
            notes.push(format!("temperature left out: {model} rejects it"));
        }
        if request.schema.is_some() {
            match self.form {
                Form::Strict | Form::Schema => {}
                Form::Json => {
                    notes.push(format!("{model} is held to JSON, and to its form by the prompt only"));
                }
                Form::Prompt => {
                    notes.push(format!("{model} is held to the form of the answer by the prompt only"));
                }
            }
        }
        notes
    }

    /// The system text, with the schema where the provider takes none.
    pub fn system_text(&self, request: &Request) -> String {
        let mut text = request.system.as_str().to_owned();
        if let (Form::Json | Form::Prompt, Some(schema)) = (self.form, &request.schema) {
            text.push_str(
                "\n\nAnswer with one JSON object that follows this JSON Schema, and with nothing else:\n",
            );
            text.push_str(&schema.json.to_string());
        }
        text
    }

    /// Changes after a fault that is the same for all formats: the rejected temperature and the rejected form.
    pub fn relent(&mut self, fault: &Fault, form_words: &[&str], forms: &[Form]) -> bool {
        if self.temperature && fault.names("temperature") {
            self.temperature = false;
            return true;
        }
        if form_words.iter().any(|word| fault.names(word))
            && let Some(next) = forms.iter().find(|form| **form > self.form)
        {
            self.form = *next;
            return true;
        }
        let rejects_system = fault.names("developer instruction")
            || fault.names("system")
                && ["role", "unsupported", "not supported"].iter().any(|word| fault.names(word));
        if self.system_role && rejects_system {
            self.system_role = false;
            return true;
        }
        false
    }
}

/// A number of tokens, however it is written; no number that no model can reach.
pub fn tokens(value: Option<&Value>) -> Option<u64> {
    let number = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (0.0..1e12).contains(&number).then_some(number as u64)
}

/// What a message says: its content, or what it calls a function with, as some servers and gateways answer who asks for
/// JSON. White space alone says nothing.
pub fn said(message: &Value) -> Option<String> {
    let content = message.get("content");
    let call = message.get("tool_calls").and_then(|calls| calls.get(0)?.get("function"));
    let call = call.or_else(|| message.get("function_call")).and_then(|call| call.get("arguments"));
    text(content)
        .filter(|text| !text.trim().is_empty())
        .or_else(|| object(content))
        .or_else(|| text(call).or_else(|| object(call)))
        .filter(|text| !text.trim().is_empty())
}

/// An object that a server has parsed already, as text.
pub fn object(value: Option<&Value>) -> Option<String> {
    value?.as_object().filter(|fields| !fields.is_empty() && !fields.contains_key("type"))?;
    Some(value?.to_string())
}

/// A text, or the joined texts of parts `{"type": "text", "text": …}`.
pub fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(part).collect();
            (!texts.is_empty()).then(|| texts.concat())
        }
        Value::Object(_) => part(value?).map(str::to_owned),
        _ => None,
    }
}

fn part(part: &Value) -> Option<&str> {
    match part.get("type").and_then(Value::as_str) {
        None | Some("text" | "output_text") => part.get("text").or(Some(part)).and_then(Value::as_str),
        Some(_) => None,
    }
}

/// A name that is said, if it can be one.
pub fn name(value: Option<&Value>) -> Option<String> {
    let name = value?.as_str()?.trim();
    (!name.is_empty() && name.len() <= 200 && !name.chars().any(char::is_control)).then(|| name.to_owned())
}

/// The names `id`, `name` or `model` in the list under `field`, under the name that another interface has for it, or in
/// a bare list.
pub fn names(body: &Value, field: &str) -> Vec<String> {
    let fields = [field, "data", "models"];
    let list = fields.iter().find_map(|field| body.get(field).filter(|list| list.is_array())).unwrap_or(body);
    let named = |model: &Value| {
        ["id", "name", "model"].iter().find_map(|field| name(model.get(field))).or_else(|| name(Some(model)))
    };
    list.as_array().into_iter().flatten().filter_map(named).collect()
}

/// A JSON Schema without what the strict modes do not take: bounds of numbers, texts and lists, patterns and
/// defaults. What they say is checked on the answer anyway.
pub fn strict_schema(schema: &Ordered) -> Ordered {
    const UNSUPPORTED: &[&str] = &[
        "$schema",
        "title",
        "default",
        "examples",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    ];
    match schema {
        Ordered::Object(fields) => Ordered::Object(
            fields
                .iter()
                .filter(|(key, _)| !UNSUPPORTED.contains(&key.as_str()))
                .map(|(key, value)| {
                    let value = match (key.as_str(), value) {
                        // Names of properties and definitions are no keywords.
                        ("properties" | "$defs" | "definitions", Ordered::Object(named)) => Ordered::Object(
                            named
                                .iter()
                                .map(|(name, schema)| (name.clone(), strict_schema(schema)))
                                .collect(),
                        ),
                        ("enum" | "const" | "required", value) => value.clone(),
                        (_, value) => strict_schema(value),
                    };
                    (key.clone(), value)
                })
                .collect(),
        ),
        Ordered::List(items) => Ordered::List(items.iter().map(strict_schema).collect()),
        Ordered::Plain(other) => Ordered::Plain(other.clone()),
    }
}

/// A header with a key in it, which no log shows.
pub fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
