//! The shapes of the four providers: their answers, their errors, and what they accept.

use failscope::system::System;
use serde_json::{Value, json};

use super::Seen;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    OpenAi,
    Groq,
    Anthropic,
    Ollama,
}

/// The key that the tests use: nothing that a redactor would know by its form.
pub const KEY: &str = "plainlookingkey.of.the.tests.0451";

impl Vendor {
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Groq, Self::Anthropic, Self::Ollama];

    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Groq => "groq",
            Self::Anthropic => "anthropic",
            Self::Ollama => "ollama",
        }
    }

    /// A world in which this provider is at `address` (`host:port`) and has its key.
    pub fn system(self, address: impl std::fmt::Display) -> System {
        let (variable, url) = match self {
            Self::OpenAi => ("OPENAI_BASE_URL", format!("http://{address}/v1")),
            Self::Groq => ("GROQ_BASE_URL", format!("http://{address}")),
            Self::Anthropic => ("ANTHROPIC_BASE_URL", format!("http://{address}")),
            Self::Ollama => ("OLLAMA_HOST", address.to_string()),
        };
        let key = format!("{}_API_KEY", self.name().to_uppercase());
        let environment = [(variable.to_owned(), url), (key, KEY.to_owned())];
        System::fixed(std::time::UNIX_EPOCH, environment, std::env::temp_dir())
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Groq => "/openai/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
            Self::Ollama => "/api/chat",
        }
    }

    pub fn models_path(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Anthropic => "/v1/models",
            Self::Groq => "/openai/v1/models",
            Self::Ollama => "/api/tags",
        }
    }

    /// A full answer with this text, as the provider's documentation shows one.
    pub fn reply(self, model: &str, text: &str) -> Value {
        match self {
            Self::OpenAi => json!({
                "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion", "created": 1_795_350_000,
                "model": model,
                "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null,
                    "message": {"role": "assistant", "content": text, "refusal": null, "annotations": []}}],
                "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
                    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                        "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}},
                "service_tier": "default", "system_fingerprint": "fp_44709d6fcb"
            }),
            Self::Groq => json!({
                "id": "chatcmpl-f51b2cd2-bef7-417e-964e-a08f0b513c22", "object": "chat.completion",
                "created": 1_795_350_000, "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text},
                    "logprobs": null, "finish_reason": "stop"}],
                "usage": {"queue_time": 0.037, "prompt_tokens": 19, "prompt_time": 0.0006,
                    "completion_tokens": 10, "completion_time": 0.46, "total_tokens": 29, "total_time": 0.46},
                "system_fingerprint": "fp_179b0f92c9", "x_groq": {"id": "req_01jbd6g2qdfw2adyrt2az8hz4w"}
            }),
            Self::Anthropic => json!({
                "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF", "type": "message", "role": "assistant", "model": model,
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
                "usage": {"input_tokens": 19, "output_tokens": 10, "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0}
            }),
            Self::Ollama => json!({
                "model": model, "created_at": "2026-11-22T12:00:00.000000Z",
                "message": {"role": "assistant", "content": text}, "done": true, "done_reason": "stop",
                "total_duration": 5_191_566_416_u64, "load_duration": 2_154_458, "prompt_eval_count": 19,
                "prompt_eval_duration": 383_809_000, "eval_count": 10, "eval_duration": 4_799_921_000_u64
            }),
        }
    }

    /// An error in the provider's shape.
    pub fn error(self, kind: &str, code: Option<&str>, message: &str) -> Value {
        match self {
            Self::OpenAi => json!({"error": {"message": message, "type": kind, "param": null, "code": code}}),
            Self::Groq => json!({"error": {"message": message, "type": kind, "code": code}}),
            Self::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message},
                "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}),
            Self::Ollama => json!({"error": message}),
        }
    }

    /// The list of models.
    pub fn models(self, names: &[&str]) -> Value {
        match self {
            Self::OpenAi | Self::Groq => {
                let models: Vec<Value> = names
                    .iter()
                    .map(|name| json!({"id": name, "object": "model", "created": 1_795_000_000, "owned_by": "system"}))
                    .collect();
                json!({"object": "list", "data": models})
            }
            Self::Anthropic => {
                let models: Vec<Value> = names
                    .iter()
                    .map(|name| {
                        json!({"id": name, "type": "model", "display_name": name, "created_at": "2026-02-19T00:00:00Z",
                            "capabilities": null, "max_input_tokens": 200_000, "max_tokens": 64_000})
                    })
                    .collect();
                json!({"data": models, "has_more": false, "first_id": names.first(), "last_id": names.last()})
            }
            Self::Ollama => {
                let models: Vec<Value> = names
                    .iter()
                    .map(|name| {
                        json!({"name": name, "model": name, "modified_at": "2026-10-03T23:34:03.409490317-07:00",
                            "size": 2_019_393_189_u64, "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
                            "details": {"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"],
                                "parameter_size": "3.2B", "quantization_level": "Q4_K_M"}})
                    })
                    .collect();
                json!({"models": models})
            }
        }
    }

    /// What is wrong with a completion request, as far as the provider would say so.
    pub fn complaints(self, seen: &Seen) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut must = |holds: bool, what: &str| {
            if !holds {
                wrong.push(what.to_owned());
            }
        };
        let body = seen.json();
        must(seen.method == "POST", "method");
        must(seen.path == self.path(), "path");
        must(seen.header("content-type").is_some_and(|t| t.starts_with("application/json")), "content type");
        must(seen.header("host").is_some(), "host");
        let bearer = seen.header("authorization").is_some_and(|value| value.starts_with("Bearer "));
        match self {
            Self::OpenAi | Self::Groq => must(bearer, "authorization"),
            Self::Anthropic => {
                // The later versions of the interface take the key like the others do.
                must(bearer || seen.header("x-api-key").is_some_and(|key| !key.is_empty()), "x-api-key");
                must(
                    seen.header("anthropic-version").is_some_and(|v| v.len() == 10 && v.starts_with("202")),
                    "anthropic-version",
                );
                must(body["max_tokens"].as_u64().is_some_and(|n| n > 0), "max_tokens");
            }
            Self::Ollama => {}
        }
        must(body["model"].as_str().is_some_and(|model| !model.is_empty()), "model");
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        must(!messages.is_empty(), "messages");
        for message in &messages {
            let role = message["role"].as_str().unwrap_or_default();
            let roles: &[&str] = if self == Self::Anthropic {
                &["user", "assistant"]
            } else {
                &["system", "user", "assistant"]
            };
            must(roles.contains(&role), "role");
            must(message["content"].is_string(), "content");
        }
        let temperature =
            if self == Self::Ollama { &body["options"]["temperature"] } else { &body["temperature"] };
        must(
            temperature.is_null() || temperature.as_f64().is_some_and(|t| (0.0..=1.0).contains(&t)),
            "temperature",
        );
        must(
            !(body.get("max_tokens").is_some() && body.get("max_completion_tokens").is_some()),
            "two bounds",
        );
        let schema = match self {
            Self::OpenAi | Self::Groq => match body["response_format"]["type"].as_str() {
                Some("json_schema") => {
                    let schema = &body["response_format"]["json_schema"];
                    must(
                        schema["name"].as_str().is_some_and(|name| {
                            !name.is_empty()
                                && name.len() <= 64
                                && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
                        }),
                        "schema's name",
                    );
                    (schema["strict"] == true).then(|| &schema["schema"])
                }
                Some("json_object") => {
                    let asks = messages.iter().any(|message| {
                        message["content"].as_str().is_some_and(|text| text.to_lowercase().contains("json"))
                    });
                    must(asks, "the word JSON in the messages");
                    None
                }
                None => None,
                Some(_) => {
                    must(false, "response_format");
                    None
                }
            },
            Self::Anthropic => body["output_config"]["format"].get("schema"),
            Self::Ollama => None,
        };
        if let Some(schema) = schema {
            must(strict(schema), "a schema that the strict mode takes");
        }
        wrong
    }
}

/// Whether the strict modes take a schema: closed objects whose properties are all required, no bounds.
fn strict(schema: &Value) -> bool {
    const REFUSED: &[&str] =
        &["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "default"];
    let Some(map) = schema.as_object() else { return false };
    if REFUSED.iter().any(|keyword| map.contains_key(*keyword)) {
        return false;
    }
    let properties = schema["properties"].as_object();
    if let Some(properties) = properties {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if schema["additionalProperties"] != false
            || !properties.keys().all(|name| required.contains(&name.as_str()))
        {
            return false;
        }
    }
    properties.is_none_or(|properties| properties.values().all(strict))
        && map.get("items").is_none_or(strict)
        && map.get("anyOf").and_then(Value::as_array).is_none_or(|options| options.iter().all(strict))
}
