//! What an answer that is no answer means: statuses and error bodies of the providers, put into our own words.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::error::ErrorKind;
use super::transport::{Incoming, SendError};
use super::wait;

/// Most characters of what a provider says that are kept.
const MAX_DETAIL: usize = 300;

/// A request that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What it means.
    pub kind: ErrorKind,
    /// What the provider or the network said: raw, bounded.
    pub detail: Box<str>,
    /// Whether the same request may be sent again.
    pub again: bool,
    /// How long the provider asked to be left alone.
    pub wait: Option<Duration>,
    /// The parameter that the provider names, if it does.
    pub parameter: Box<str>,
    /// The answer that the provider held back because it is not valid JSON.
    pub salvage: Option<Box<str>>,
    /// The context that was asked for and turned out to be too small, in tokens.
    pub context: Option<u64>,
}

impl Fault {
    /// A fault that would be the same again.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let detail = bounded(&detail.into()).into();
        Self {
            kind,
            detail,
            again: false,
            wait: None,
            parameter: Box::default(),
            salvage: None,
            context: None,
        }
    }

    /// A fault that may pass.
    pub fn passing(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { again: true, ..Self::new(kind, detail) }
    }

    /// Whether the provider said `word`, in its message or as the parameter.
    pub fn names(&self, word: &str) -> bool {
        self.parameter.contains(word) || self.detail.to_lowercase().contains(word)
    }
}

/// Cuts text of others to one line of a length that can be shown.
pub fn bounded(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if out.chars().count() >= MAX_DETAIL {
            out.push('…');
            break;
        }
        if !(c == ' ' && out.ends_with(' ')) {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// A request that got no answer. `address` and `is_loopback` are where it went.
pub fn unsent(error: SendError, address: &str, is_loopback: bool, read: Duration) -> Fault {
    match error {
        SendError::Connect(detail, refused) => {
            let kind = ErrorKind::Unreachable { address: address.to_owned() };
            // Certificates do not change within a second.
            if detail.contains("certificate") {
                let advice = if detail.contains("UnknownIssuer") {
                    "; SSL_CERT_FILE names a file with the authorities to trust"
                } else {
                    ""
                };
                return Fault::new(kind, detail + advice);
            }
            if detail.contains("corrupt message") {
                return Fault::new(kind, "the server does not speak TLS; is its address an http:// one?");
            }
            // Nor does what a proxy wants.
            if detail.contains("proxy authorization") {
                return Fault::new(ErrorKind::Setup, WANTS_CREDENTIALS);
            }
            // On this machine nobody listens, and will not a second later.
            Fault { again: !(refused && is_loopback), ..Fault::new(kind, detail) }
        }
        SendError::Broken(detail) => Fault::passing(ErrorKind::Interrupted, detail),
        SendError::Stalled => Fault::passing(
            ErrorKind::TimedOut { after: read },
            "the answer began and nothing more of it came",
        ),
        SendError::TooLarge => Fault::new(ErrorKind::BadAnswer, "it is larger than any answer may be"),
        SendError::Setup(detail) => Fault::new(ErrorKind::Setup, detail),
    }
}

/// What is said of a proxy's status 407.
const WANTS_CREDENTIALS: &str =
    "the proxy asks for a user name and a password; they go into HTTPS_PROXY or HTTP_PROXY";

/// What is said of a page of a gateway or a login: its markup helps nobody.
const A_PAGE: &str = "an HTML page, no answer of a model";

/// What is said of the body of a success that is no JSON.
pub fn no_json(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(64)]);
    match text.trim_start() {
        "" => "it is empty".to_owned(),
        text if text.starts_with('<') => format!("{A_PAGE}; does the base URL lead to a model's interface?"),
        text if text.starts_with("data:") || text.starts_with("event:") => {
            "an event stream, which was not asked for".to_owned()
        }
        _ => "it is no valid JSON".to_owned(),
    }
}

/// What the body of an error says, in any of the providers' shapes.
#[derive(Debug, Default)]
struct Said {
    message: String,
    /// Code and type, in small letters.
    code: String,
    parameter: String,
    salvage: Option<String>,
}

/// Where gateways put an error: into a list or a choice, or under a name of their own.
const ELSEWHERE: &[&str] =
    &["/0/error", "/choices/0/error", "/errors/0", "/detail/0", "/detail/error", "/fault"];

impl Said {
    fn read(body: &[u8]) -> Self {
        let Some(json) = json(body) else {
            let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
            let text = text.trim();
            let message = if text.starts_with('<') { A_PAGE } else { text };
            return Self { message: message.to_owned(), ..Self::default() };
        };
        let error = match json.get("error") {
            Some(error @ Value::Object(_)) => error,
            // A text beside a longer one is only a name for it.
            Some(error @ Value::String(_))
                if json.get("message").or_else(|| json.get("error_description")).is_none() =>
            {
                error
            }
            // Some gateways put it into a list or into a choice, call it otherwise, or write it without an envelope.
            _ => ELSEWHERE.iter().find_map(|at| json.pointer(at)).unwrap_or(&json),
        };
        let field = |names: &[&str]| {
            names.iter().find_map(|name| match error.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        let details =
            error.get("details").and_then(|details| details.get("error_code")).and_then(Value::as_str);
        let code: Vec<String> = ["code", "type"]
            .iter()
            .filter_map(|name| field(&[name]))
            .chain(details.map(str::to_owned))
            .collect();
        Self {
            message: match error {
                Value::String(text) => text.clone(),
                _ => field(&[
                    "message",
                    "Message",
                    "error_description",
                    "detail",
                    "msg",
                    "faultstring",
                    "error",
                    "title",
                ])
                .unwrap_or_default(),
            },
            code: code.join(" ").to_lowercase(),
            parameter: field(&["param"]).unwrap_or_default().to_lowercase(),
            salvage: field(&["failed_generation"]).filter(|text| !text.trim().is_empty()),
        }
    }
}

/// A body as JSON: UTF-8 with what is not UTF-8 replaced, without a byte order mark, with halves of surrogate pairs
/// replaced, and with `null` for numbers that are none (`NaN`, `1e999`): some servers send all of these.
pub fn json(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if let Ok(value) = serde_json::from_slice(body) {
        return Some(value);
    }
    let text = without_lone_surrogates(&String::from_utf8_lossy(body));
    serde_json::from_str(&without_odd_numbers(&text)).ok()
}

/// Replaces what stands for numbers that JSON does not have by `null`.
fn without_odd_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if c == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|c: char| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            });
            end.map_or(rest.len(), |end| end + 2)
        } else {
            let is_word = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
            rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(c.len_utf8())
        };
        let (piece, more) = rest.split_at(length);
        let is_odd = c != '"' && piece.parse::<f64>().is_ok_and(|number| !number.is_finite());
        out.push_str(if is_odd { "null" } else { piece });
        rest = more;
    }
    out
}

/// Replaces the escapes of lone surrogates (`\ud83d` without a `\udc00`–`\udfff` behind it) in JSON text.
fn without_lone_surrogates(text: &str) -> String {
    let bytes = text.as_bytes();
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut out = String::with_capacity(text.len());
    let (mut at, mut from) = (0, 0);
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        at += found;
        let length = match unit(at) {
            Some(0xD800..=0xDBFF) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                out.push_str(&text[from..at]);
                out.push_str("\\ufffd");
                from = at + 6;
                6
            }
            // An escaped backslash is two bytes, so that what follows it is no escape.
            _ => 2,
        };
        at = (at + length).min(bytes.len());
    }
    out.push_str(&text[from..]);
    out
}

/// Codes and types of a spent allowance.
const QUOTA_CODE: &[&str] = &["insufficient_quota", "billing", "credit", "spend_limit", "quota_spent"];
/// How a spent allowance is put where there is no code. That a message speaks of billing says nothing: those about
/// rate limits advise to buy more.
const QUOTA_TEXT: &[&str] = &[
    "exceeded your current quota",
    "credit balance",
    "insufficient credit",
    "insufficient balance",
    "out of credits",
    "spend limit",
    "spending limit",
];
const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "context length",
    "context window",
    "context size",
    "prompt is too long",
    "request too large",
    "request_too_large",
    "too many tokens",
    "input is too long",
    "input length",
    "reduce the length",
];
const NO_MODEL: &[&str] =
    &["model_not_found", "model_decommissioned", "decommissioned", "model_not_available"];
const NO_MODEL_TEXT: &[&str] = &[
    "does not exist",
    "not found",
    "not_found",
    "no longer supported",
    "is not supported",
    "not available",
    "deprecated",
    "retired",
    "unknown model",
    "invalid model",
    "does not have access",
];

/// What the error status of an answer means. `key` is where the key came from.
pub fn of_status(answer: &Incoming, key: Option<&str>, now: SystemTime) -> Fault {
    let said = Said::read(&answer.body);
    let lower = format!("{} {}", said.code, said.message.to_lowercase());
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let status = answer.status;
    let wait = wait::asked_for(&answer.headers, now);
    let no_model =
        says(NO_MODEL) || ((lower.contains("model") || said.parameter == "model") && says(NO_MODEL_TEXT));
    // A provider that says when to come back expects one back.
    let spent = QUOTA_CODE.iter().any(|code| said.code.contains(code))
        || (says(QUOTA_TEXT) && wait.is_none() && !said.code.contains("rate_limit_exceeded"));
    let refused = || ErrorKind::Refused { key: key.map(str::to_owned) };
    let (kind, again) = match status {
        300..=399 => (ErrorKind::Redirected, false),
        403 | 404 | 410 if no_model => (ErrorKind::NoSuchModel { offered: Vec::new() }, false),
        402 | 403 | 429 if status == 402 || spent => (ErrorKind::QuotaSpent, false),
        401 | 403 => (refused(), false),
        407 => (ErrorKind::Setup, false),
        408 => (ErrorKind::TimedOut { after: Duration::ZERO }, true),
        413 => (ErrorKind::TooLong, false),
        429 if says(&["request too large"]) => (ErrorKind::TooLong, false),
        429 => (ErrorKind::RateLimited { retry_after: wait }, true),
        400..=499 if says(TOO_LONG) => (ErrorKind::TooLong, false),
        400 | 422 if said.salvage.is_some() || lower.contains("json_validate_failed") => {
            (ErrorKind::BadAnswer, said.salvage.is_none())
        }
        400 | 422 if spent => (ErrorKind::QuotaSpent, false),
        400 | 422
            if says(NO_MODEL)
                || (no_model
                    && (said.parameter == "model"
                        || says(&["model not found", "invalid model", "unknown model"]))) =>
        {
            (ErrorKind::NoSuchModel { offered: Vec::new() }, false)
        }
        400 if says(&["api key not valid", "invalid api key", "api_key_invalid", "incorrect api key"]) => {
            (refused(), false)
        }
        409 | 425 | 498 => (ErrorKind::Overloaded { status }, true),
        400..=499 | 501 | 505 => (ErrorKind::BadRequest { status }, false),
        // What a local server says when the machine is too small for the model.
        500 if says(&["more system memory", "out of memory"]) => (ErrorKind::BadRequest { status }, false),
        500..=599 => (ErrorKind::Overloaded { status }, true),
        _ => (ErrorKind::BadAnswer, false),
    };
    let detail = match (status, &kind) {
        (404 | 405, ErrorKind::BadRequest { .. }) => {
            format!(
                "{}; does the base URL lead to a model's interface?",
                or(&said.message, "nothing is there")
            )
        }
        (407, _) => WANTS_CREDENTIALS.to_owned(),
        (408, _) => or(&said.message, "the server waited too long for the request"),
        (300..=399, _) => format!("HTTP {status}"),
        (_, ErrorKind::BadAnswer) if !(400..=499).contains(&status) => {
            or(&said.message, &format!("HTTP {status}"))
        }
        _ => said.message.clone(),
    };
    let again = again && header(answer, "x-should-retry") != Some("false");
    Fault {
        again,
        wait,
        parameter: said.parameter.into(),
        salvage: said.salvage.map(Into::into),
        ..Fault::new(kind, detail)
    }
}

fn or(text: &str, otherwise: &str) -> String {
    if text.trim().is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

fn header<'a>(answer: &'a Incoming, name: &str) -> Option<&'a str> {
    answer.headers.get(name)?.to_str().ok()
}
