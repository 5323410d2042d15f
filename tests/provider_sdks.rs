//! The fake server and our requests, judged by the providers' own Python libraries: they must understand what the
//! fake sends, the fake must accept what they send, and our requests must be of the types that they document.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/models/mod.rs"]
mod models;

use std::process::Output;
use std::sync::{Arc, Mutex};

use failscope::diagnose::providers::{Limits, Request, Schema, Settings, choose::choose_with};
use failscope::evidence::redact::Redactor;
use models::{Server, Vendor, answer};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// The interpreter with the libraries of `tests/providers/requirements.txt`; `tests/run.sh` makes its environment.
#[expect(clippy::disallowed_methods, reason = "tests are told which Python to use by a variable")]
fn python() -> String {
    std::env::var("FAILSCOPE_TEST_SDK_PYTHON").unwrap_or_else(|_| {
        let default = concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv-providers/bin/python");
        assert!(std::path::Path::new(default).exists(), "make the environment with tests/run.sh first");
        default.to_owned()
    })
}

async fn sdks(args: Vec<String>) -> Output {
    tokio::task::spawn_blocking(move || {
        assert_cmd::Command::new(python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/providers/sdks.py"))
            .args(args)
            .env_remove("http_proxy")
            .env_remove("HTTP_PROXY")
            .env_remove("all_proxy")
            .env_remove("ALL_PROXY")
            .output()
            .unwrap()
    })
    .await
    .unwrap()
}

fn assert_content(output: &Output, about: &str) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{about}:\n{out}\n{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_libraries_of_the_providers_understand_the_fake_and_it_them() {
    for vendor in Vendor::ALL {
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let server = Server::start({
            let complaints = Arc::clone(&complaints);
            move |_, seen| {
                if seen.path.split('?').next() == Some(vendor.models_path()) {
                    return answer(200, &[], vendor.models(&["one", "two"]).to_string());
                }
                complaints.lock().unwrap().extend(vendor.complaints(seen));
                let body = seen.json();
                match body["model"].as_str().and_then(|model| model.parse().ok()) {
                    Some(status) => answer(
                        status,
                        &[("retry-after", "7")],
                        vendor.error("invalid_request_error", None, "what happened").to_string(),
                    ),
                    None => answer(200, &[], vendor.reply("right", "said").to_string()),
                }
            }
        })
        .await;
        let args = ["answers".to_owned(), vendor.name().to_owned(), server.address.to_string()];
        assert_content(&sdks(args.to_vec()).await, vendor.name());
        assert_eq!(*complaints.lock().unwrap(), Vec::<String>::new(), "{vendor:?}");
        assert!(server.seen().len() >= 5, "{vendor:?}");
    }
}

/// A schema with everything that ours may hold.
fn schema() -> Schema {
    Schema {
        name: "diagnosis",
        json: json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Diagnosis", "type": "object",
            "properties": {
                "root_cause": {"type": "string", "maxLength": 300},
                "category": {"type": "string", "enum": ["timeout", "other"]},
                "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                "line": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
                "evidence": {"type": "array", "maxItems": 9, "items": {"type": "object",
                    "properties": {"id": {"type": "string", "pattern": "^E[0-9]+$"}}, "required": ["id"],
                    "additionalProperties": false}}},
            "required": ["root_cause", "category", "confidence", "line", "evidence"], "additionalProperties": false}).into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_requests_are_of_the_types_that_the_libraries_have() {
    let mut recorded = serde_json::Map::new();
    for vendor in Vendor::ALL {
        let models: &[&str] = match vendor {
            Vendor::OpenAi => &["gpt-4o", "gpt-5.2-mini", "o3", "qwen2.5-coder"],
            Vendor::Groq => &["llama-3.3-70b-versatile", "openai/gpt-oss-20b"],
            Vendor::Anthropic => &["claude-haiku-4-5-20251001", "claude-opus-4-7", "claude-sonnet-5"],
            Vendor::Ollama => &["llama3.2", "qwen3:4b"],
        };
        let mut bodies = Vec::new();
        for model in models {
            // What is rejected is put differently: every such form is recorded too.
            let refusals = [
                "temperature is not supported",
                "response_format, output_config and format with a schema are not supported",
                "response_format json_object is not supported; nor is the schema",
                "max_completion_tokens is unknown; use max_tokens, or max_completion_tokens",
            ];
            let server = Server::start(move |number, _| match refusals.get(number) {
                Some(message) => {
                    answer(400, &[], vendor.error("invalid_request_error", None, message).to_string())
                }
                None => answer(200, &[], vendor.reply("m", "{}").to_string()),
            })
            .await;
            let settings = Settings {
                provider: Some(vendor.name().to_owned()),
                model: Some((*model).to_owned()),
                limits: Limits::default(),
            };
            let choice = choose_with(&settings, &vendor.system(server.address), &|_| None).unwrap();
            for (schema, temperature) in [(Some(schema()), Some(0.4)), (None, Some(0.0)), (None, None)] {
                let redactor = Redactor::default();
                let request = Request {
                    system: redactor.text("You find root causes."),
                    user: redactor.text("a log"),
                    schema,
                    temperature,
                    max_tokens: 700,
                };
                // A refusal that nothing can be done about ends the call; what was sent is recorded all the same.
                let _ = choice.provider.complete(&request, &CancellationToken::new()).await;
            }
            for seen in server.seen() {
                assert_eq!(vendor.complaints(&seen), Vec::<String>::new(), "{model}: {}", seen.json());
                bodies.push(seen.json());
            }
        }
        assert!(bodies.len() > 3 * models.len(), "{vendor:?}: {}", bodies.len());
        recorded.insert(vendor.name().to_owned(), bodies.into());
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), serde_json::Value::Object(recorded).to_string()).unwrap();
    let args = ["requests".to_owned(), file.path().display().to_string()];
    assert_content(&sdks(args.to_vec()).await, "requests");
}
