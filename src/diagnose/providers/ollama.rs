//! Ollama's own chat interface (<https://docs.ollama.com/api/chat>). Its OpenAI-compatible one cannot set the size of
//! the context, and a prompt that does not fit loses its beginning without an error.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::error::ErrorKind;
use super::fault::Fault;
use super::keys::Key;
use super::wire::{self, Answer, Asked, Form, Manner, Wire};
use super::{Finish, Ordered, Request, Usage, openai};

/// The wire format.
#[derive(Debug, Clone, Copy)]
pub struct Ollama;

/// The least context that is asked for, in tokens: changing it makes the server load the model again, so small
/// prompts share one.
const LEAST_CONTEXT: u64 = 8192;
/// The largest context that is asked for: beyond it the memory for it alone is larger than that of most machines.
const MOST_CONTEXT: u64 = 131_072;
/// Bytes of a prompt that are one token at the least: source code and logs have fewer tokens than this only where
/// they are nearly empty.
const BYTES_PER_TOKEN: u64 = 3;
/// Bytes that are one token at the most. Fewer tokens than this makes were not the whole prompt.
const MOST_BYTES_PER_TOKEN: u64 = 12;
/// Tokens of the template around the messages.
const TEMPLATE: u64 = 256;

fn prompt_bytes(request: &Request) -> u64 {
    (request.system.as_str().len() + request.user.as_str().len()) as u64
}

/// The context for `request`: a power of two, so that prompts of like sizes share one.
fn context(request: &Request, least: u64) -> u64 {
    let needed = prompt_bytes(request) / BYTES_PER_TOKEN + TEMPLATE + u64::from(request.max_tokens);
    needed.max(least).max(LEAST_CONTEXT).next_power_of_two()
}

impl Wire for Ollama {
    fn manner(&self, _model: &str) -> Manner {
        Manner::default()
    }

    fn path(&self) -> &'static str {
        "api/chat"
    }

    fn models_path(&self) -> &'static str {
        "api/tags"
    }

    fn headers(&self, key: Option<&Key>) -> Vec<(HeaderName, HeaderValue)> {
        let value = key.and_then(|key| wire::secret(&format!("Bearer {}", key.expose())));
        value.map(|value| (AUTHORIZATION, value)).into_iter().collect()
    }

    fn body(&self, model: &str, request: &Request, manner: &Manner) -> Result<Ordered, Fault> {
        let context = context(request, manner.context);
        if context > MOST_CONTEXT {
            let detail =
                format!("it would need a context of {context} tokens; {MOST_CONTEXT} are the most asked for");
            return Err(Fault::new(ErrorKind::TooLong, detail));
        }
        let mut options = Ordered::object([]);
        options.set("num_ctx", context);
        options.set("num_predict", request.max_tokens);
        if let (true, Some(temperature)) = (manner.temperature, request.temperature) {
            options.set("temperature", openai::rounded(temperature));
        }
        let mut body = Ordered::object([]);
        body.set("model", model);
        let (system, user) = (manner.system_text(request), request.user.as_str());
        body.set(
            "messages",
            json!([{"role": "system", "content": system}, {"role": "user", "content": user}]),
        );
        body.set("stream", false);
        if let Some(schema) = &request.schema {
            let format = match manner.form {
                Form::Strict | Form::Schema => Some(schema.json.clone()),
                Form::Json => Some("json".into()),
                Form::Prompt => None,
            };
            if let Some(format) = format {
                body.set("format", format);
            }
        }
        if manner.no_think {
            // Thinking uses up the tokens of the answer, and can leave it empty.
            body.set("think", false);
        }
        body.set("options", options);
        Ok(body)
    }

    fn read(&self, body: &Value, asked: &Asked<'_>) -> Result<Answer, Fault> {
        let bad = |why: &str| Fault::new(ErrorKind::BadAnswer, why);
        let message = body.get("message").ok_or_else(|| bad("it holds no message"))?;
        if body.get("done") == Some(&Value::Bool(false)) {
            return Err(Fault::passing(ErrorKind::Interrupted, "it says that it is not done"));
        }
        let usage = Usage {
            input_tokens: wire::tokens(body.get("prompt_eval_count")),
            output_tokens: wire::tokens(body.get("eval_count")),
        };
        let sent = context(asked.request, asked.manner.context);
        if let Some(read) = usage.input_tokens {
            let bytes = prompt_bytes(asked.request);
            // More than that is no count.
            let is_full = (sent - 1..=sent).contains(&read);
            // The model's own context can be smaller than what was asked for.
            if is_full || read.saturating_mul(MOST_BYTES_PER_TOKEN) + 2048 < bytes {
                let detail = format!(
                    "the server read {read} tokens of a prompt of {bytes} bytes, and dropped the rest"
                );
                let fault = Fault::new(ErrorKind::TooLong, detail);
                return Err(Fault { context: is_full.then_some(sent), ..fault });
            }
        }
        let finish = match body.get("done_reason").and_then(Value::as_str) {
            Some("stop") => Finish::Stop,
            Some("length") => Finish::Length,
            _ => Finish::Other,
        };
        let text = wire::said(message).ok_or_else(|| {
            let thought = wire::text(message.get("thinking")).is_some_and(|text| !text.trim().is_empty());
            bad(if thought {
                "the model only thought, and its tokens were used up before the answer"
            } else {
                "it is empty"
            })
        })?;
        Ok(Answer { text, model: wire::name(body.get("model")), usage, finish })
    }

    fn models(&self, body: &Value) -> Vec<String> {
        wire::names(body, "models")
    }

    fn adapt(&self, fault: &Fault, manner: &mut Manner) -> bool {
        if let Some(context) = fault.context {
            let larger = context.saturating_mul(2);
            if larger <= MOST_CONTEXT {
                manner.context = manner.context.max(larger);
            }
            return larger <= MOST_CONTEXT;
        }
        if manner.no_think && fault.names("think") {
            manner.no_think = false;
            return true;
        }
        manner.relent(fault, &["format", "schema", "grammar"], &[Form::Json, Form::Prompt])
    }
}
