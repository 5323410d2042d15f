//! OpenAI's chat completions (<https://platform.openai.com/docs/api-reference/chat>), which Groq and most local
//! servers and gateways also speak.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::error::ErrorKind;
use super::fault::Fault;
use super::keys::Key;
use super::wire::{self, Answer, Asked, Form, Manner, Wire};
use super::{Finish, Ordered, Request, Usage};

/// Whose dialect is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI itself.
    OpenAi,
    /// Groq.
    Groq,
    /// Anything else that says it is compatible.
    Compatible,
}

/// The wire format.
#[derive(Debug, Clone, Copy)]
pub struct OpenAi {
    /// Whose dialect.
    pub dialect: Dialect,
}

/// Reasoning counts as output: an answer needs room besides it.
const ROOM_TO_REASON: u64 = 8192;

/// Models that reason, and reject a temperature: GPT-5 and later, and the o-series.
fn reasons(model: &str) -> bool {
    let model = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    let number = |prefix: &str| {
        let digits: String = model.strip_prefix(prefix)?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    };
    // `o1`, `o3-mini`; not `o200k`.
    let o_series = number("o").is_some_and(|n| n < 20);
    o_series || (number("gpt-").is_some_and(|n| (5..50).contains(&n)) && !model.contains("-chat"))
}

/// OpenAI's open models, which reason wherever they are served.
fn is_gpt_oss(model: &str) -> bool {
    model.to_ascii_lowercase().contains("gpt-oss")
}

impl Wire for OpenAi {
    fn manner(&self, model: &str) -> Manner {
        let reasoning = reasons(model) && self.dialect != Dialect::Groq;
        let form = match self.dialect {
            Dialect::Groq if is_gpt_oss(model) => Form::Strict,
            Dialect::Groq => Form::Json,
            Dialect::OpenAi | Dialect::Compatible => Form::Strict,
        };
        Manner {
            temperature: !reasoning,
            completion_tokens: self.dialect != Dialect::Compatible || reasoning,
            form,
            effort: (reasoning || (self.dialect == Dialect::Groq && is_gpt_oss(model))).then_some("low"),
            ..Manner::default()
        }
    }

    fn path(&self) -> &'static str {
        "chat/completions"
    }

    fn models_path(&self) -> &'static str {
        "models"
    }

    fn headers(&self, key: Option<&Key>) -> Vec<(HeaderName, HeaderValue)> {
        let value = key.and_then(|key| wire::secret(&format!("Bearer {}", key.expose())));
        value.map(|value| (AUTHORIZATION, value)).into_iter().collect()
    }

    fn body(&self, model: &str, request: &Request, manner: &Manner) -> Result<Ordered, Fault> {
        let system = manner.system_text(request);
        let user = request.user.as_str();
        let messages = if manner.system_role {
            json!([{"role": "system", "content": system}, {"role": "user", "content": user}])
        } else {
            json!([{"role": "user", "content": format!("{system}\n\n{user}")}])
        };
        let mut body = Ordered::object([]);
        body.set("model", model);
        body.set("messages", messages);
        let bound = if manner.completion_tokens { "max_completion_tokens" } else { "max_tokens" };
        let room = if manner.effort.is_some() { ROOM_TO_REASON } else { 0 };
        body.set(bound, u64::from(request.max_tokens) + room);
        if let (true, Some(temperature)) = (manner.temperature, request.temperature) {
            body.set("temperature", rounded(temperature));
        }
        if let Some(effort) = manner.effort {
            body.set("reasoning_effort", effort);
        }
        if let Some(schema) = &request.schema {
            let named = |form: Ordered, strict: bool| {
                let named = [("name", schema.name.into()), ("schema", form), ("strict", strict.into())];
                Ordered::object([("type", "json_schema".into()), ("json_schema", Ordered::object(named))])
            };
            let format = match manner.form {
                Form::Strict => Some(named(wire::strict_schema(&schema.json), true)),
                Form::Schema => Some(named(schema.json.clone(), false)),
                Form::Json => Some(Ordered::object([("type", "json_object".into())])),
                Form::Prompt => None,
            };
            if let Some(format) = format {
                body.set("response_format", format);
            }
        }
        body.set("stream", false);
        Ok(body)
    }

    fn read(&self, body: &Value, _asked: &Asked<'_>) -> Result<Answer, Fault> {
        let bad = |why: &str| Fault::new(ErrorKind::BadAnswer, why);
        let choice = body
            .get("choices")
            .and_then(Value::as_array)
            .and_then(|choices| choices.first())
            .ok_or_else(|| bad("it holds no choices"))?;
        // A piece of a stream, of servers that know nothing else.
        let message = choice.get("message").or_else(|| choice.get("delta"));
        let content = message.and_then(wire::said).or_else(|| {
            // Old completion servers; and servers that take an answer in JSON for a part of the reasoning.
            let reasoning = ["reasoning_content", "reasoning"];
            let reasoned = reasoning.iter().find_map(|name| wire::text(message?.get(name)));
            wire::text(choice.get("text"))
                .filter(|text| !text.trim().is_empty())
                .or_else(|| reasoned.filter(|text| text.trim_end().ends_with('}')))
        });
        let refusal = wire::text(message.and_then(|message| message.get("refusal")));
        let said = choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default();
        let mut finish = match said {
            "stop" | "eos" | "end_turn" => Finish::Stop,
            "length" | "max_tokens" => Finish::Length,
            "content_filter" => Finish::Filter,
            _ => Finish::Other,
        };
        let text = match (content, refusal) {
            (Some(text), _) => text,
            (None, Some(refusal)) => {
                finish = Finish::Filter;
                refusal
            }
            (None, None) if finish == Finish::Length => {
                return Err(bad("its tokens were used up before the answer began"));
            }
            (None, None) if finish == Finish::Filter => return Err(bad("its content filter withheld it")),
            (None, None) => return Err(bad("it is empty")),
        };
        let usage = body.get("usage");
        let usage = |name: &str| wire::tokens(usage.and_then(|usage| usage.get(name)));
        Ok(Answer {
            text,
            model: wire::name(body.get("model")),
            usage: Usage { input_tokens: usage("prompt_tokens"), output_tokens: usage("completion_tokens") },
            finish,
        })
    }

    fn models(&self, body: &Value) -> Vec<String> {
        wire::names(body, "data")
    }

    fn adapt(&self, fault: &Fault, manner: &mut Manner) -> bool {
        const FORM: &[&str] = &[
            "response_format",
            "json_schema",
            "json_object",
            "json mode",
            "structured output",
            "schema",
            "grammar",
            "guided",
        ];
        if !manner.renamed && (fault.names("max_tokens") || fault.names("max_completion_tokens")) {
            let wants_other = if manner.completion_tokens {
                // Servers that do not know the newer name.
                fault.names("max_completion_tokens")
            } else {
                fault.names("max_completion_tokens") || fault.names("unsupported")
            };
            if wants_other && !fault.names("less than") && !fault.names("at most") {
                manner.renamed = true;
                manner.completion_tokens = !manner.completion_tokens;
                return true;
            }
        }
        if manner.effort.is_some() && fault.names("reasoning_effort") {
            manner.effort = None;
            return true;
        }
        let forms: &[Form] = match self.dialect {
            Dialect::Compatible => &[Form::Json, Form::Prompt],
            Dialect::OpenAi | Dialect::Groq => &[Form::Schema, Form::Json, Form::Prompt],
        };
        manner.relent(fault, FORM, forms)
    }
}

/// 0.4, not 0.4000000059604645.
pub(super) fn rounded(temperature: f32) -> Value {
    let rounded = (f64::from(temperature) * 1000.0).round() / 1000.0;
    serde_json::Number::from_f64(rounded).map_or(Value::from(0), Value::Number)
}
