//! Anthropic's messages (<https://platform.claude.com/docs/en/api/messages>), version 2023-06-01: later versions
//! take no temperature at all.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::error::ErrorKind;
use super::fault::Fault;
use super::keys::Key;
use super::wire::{self, Answer, Asked, Form, Manner, Wire};
use super::{Finish, Ordered, Request, Usage, openai};

/// The wire format.
#[derive(Debug, Clone, Copy)]
pub struct Anthropic;

/// The version of the interface.
const VERSION: &str = "2023-06-01";

/// Models that reject a temperature: Opus from 4.7, and every model from generation 5.
fn rejects_temperature(model: &str) -> bool {
    let mut parts = model.split(['-', '.', '@', ':']).skip_while(|part| !part.ends_with("claude")).skip(1);
    // `claude-opus-4-7`, `claude-haiku-4-5-20251001`; before generation 4 the numbers came first.
    let Some(family) = parts.next().filter(|part| part.parse::<u32>().is_err()) else { return false };
    let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok()).filter(|n| *n < 1000);
    let (major, minor) = (number(), number());
    match major {
        Some(major) if major >= 5 => true,
        Some(4) => family == "opus" && minor.is_some_and(|minor| minor >= 7),
        _ => false,
    }
}

impl Wire for Anthropic {
    fn manner(&self, model: &str) -> Manner {
        Manner { temperature: !rejects_temperature(model), ..Manner::default() }
    }

    fn path(&self) -> &'static str {
        "messages"
    }

    fn models_path(&self) -> &'static str {
        "models"
    }

    fn headers(&self, key: Option<&Key>) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers =
            vec![(HeaderName::from_static("anthropic-version"), HeaderValue::from_static(VERSION))];
        if let Some(value) = key.and_then(|key| wire::secret(key.expose())) {
            headers.push((HeaderName::from_static("x-api-key"), value));
        }
        headers
    }

    fn body(&self, model: &str, request: &Request, manner: &Manner) -> Result<Ordered, Fault> {
        let mut body = Ordered::object([]);
        body.set("model", model);
        body.set("max_tokens", request.max_tokens);
        let system = manner.system_text(request);
        if !system.trim().is_empty() {
            body.set("system", system);
        }
        body.set("messages", json!([{"role": "user", "content": request.user.as_str()}]));
        if let (true, Some(temperature)) = (manner.temperature, request.temperature) {
            body.set("temperature", openai::rounded(temperature));
        }
        if let (Form::Strict, Some(schema)) = (manner.form, &request.schema) {
            let schema = wire::strict_schema(&schema.json);
            let format = Ordered::object([("type", "json_schema".into()), ("schema", schema)]);
            body.set("output_config", Ordered::object([("format", format)]));
        }
        Ok(body)
    }

    fn read(&self, body: &Value, _asked: &Asked<'_>) -> Result<Answer, Fault> {
        let bad = |why: &str| Fault::new(ErrorKind::BadAnswer, why);
        let content = body.get("content").ok_or_else(|| bad("it holds no content"))?;
        let finish = match body.get("stop_reason").and_then(Value::as_str) {
            Some("end_turn" | "stop_sequence") => Finish::Stop,
            Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
            Some("refusal") => Finish::Filter,
            _ => Finish::Other,
        };
        let call = || {
            let input = content.as_array()?.iter().find_map(|part| part.get("input"));
            wire::object(input)
        };
        let text = wire::text(Some(content)).filter(|text| !text.trim().is_empty());
        let text = text.or_else(|| wire::object(Some(content))).or_else(call).ok_or_else(|| {
            bad(match finish {
                Finish::Filter => "the model refused",
                Finish::Length => "its tokens were used up before the answer began",
                _ => "it holds no text",
            })
        })?;
        let usage = body.get("usage");
        let usage = |name: &str| wire::tokens(usage.and_then(|usage| usage.get(name)));
        // What was read from or written to the cache is counted apart.
        let cached =
            usage("cache_creation_input_tokens").unwrap_or(0) + usage("cache_read_input_tokens").unwrap_or(0);
        Ok(Answer {
            text,
            model: wire::name(body.get("model")),
            usage: Usage {
                input_tokens: usage("input_tokens").map(|tokens| tokens.saturating_add(cached)),
                output_tokens: usage("output_tokens"),
            },
            finish,
        })
    }

    fn models(&self, body: &Value) -> Vec<String> {
        wire::names(body, "data")
    }

    fn adapt(&self, fault: &Fault, manner: &mut Manner) -> bool {
        manner.relent(
            fault,
            &["output_config", "output_format", "schema", "structured output"],
            &[Form::Prompt],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::rejects_temperature;

    #[test]
    fn models_that_take_no_temperature_are_known_by_their_names() {
        let rows = [
            ("claude-haiku-4-5-20251001", false),
            ("claude-opus-4-7", true),
            ("claude-opus-4-7-20260401", true),
            ("claude-opus-4-6", false),
            ("claude-opus-4-20250514", false),
            ("claude-sonnet-4-8", false),
            ("claude-sonnet-5", true),
            ("claude-haiku-5-20260901", true),
            ("claude-opus-10-1", true),
            ("claude-3-5-sonnet-20241022", false),
            ("claude-3-opus-20240229", false),
            ("claude", false),
            ("anthropic.claude-opus-4-8-v1:0", true),
            ("anthropic/claude-sonnet-5.1", true),
            ("gpt-5", false),
            ("", false),
        ];
        for (model, expected) in rows {
            // Of a name that is not understood nothing is assumed: the provider will say so.
            assert_eq!(rejects_temperature(model), expected, "{model}");
        }
    }
}
