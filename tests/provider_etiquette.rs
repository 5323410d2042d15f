//! How we behave towards a provider that has trouble, judged by llmock, a server made for that: it gives its
//! verdict on waits, retries and giving up.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use failscope::diagnose::providers::{Limits, Request, Settings, choose::choose_with};
use failscope::model::Redacted;
use failscope::system::System;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// llmock; ends with its standard input, that is with the test.
struct Judge {
    process: Child,
    address: String,
    client: reqwest::Client,
}

impl Judge {
    #[expect(
        clippy::disallowed_methods,
        reason = "a server for the test, with the Python that a variable names"
    )]
    fn start() -> Self {
        let python = std::env::var("FAILSCOPE_TEST_SDK_PYTHON").unwrap_or_else(|_| {
            concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv-providers/bin/python").to_owned()
        });
        let mut process = std::process::Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/providers/etiquette.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/run.sh makes the environment");
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { process, address: address.trim().to_owned(), client }
    }

    async fn post(&self, path: &str, body: Value) {
        let url = format!("http://{}/_llmock/{path}", self.address);
        self.client.post(url).body(body.to_string()).send().await.unwrap().error_for_status().unwrap();
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}/_llmock/{path}", self.address);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Our client at this server, in the place of `provider`.
    fn system(&self, provider: &str) -> System {
        let (variable, path) = match provider {
            "openai" => ("OPENAI_BASE_URL", "v1"),
            "groq" => ("GROQ_BASE_URL", "groq"),
            _ => ("ANTHROPIC_BASE_URL", "anthropic"),
        };
        let environment = [
            (variable.to_owned(), format!("http://{}/{path}", self.address)),
            (format!("{}_API_KEY", provider.to_uppercase()), "a-key-for-tests".to_owned()),
        ];
        System::fixed(std::time::UNIX_EPOCH, environment, std::env::temp_dir())
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn the_judge_has_nothing_to_say_against_us() {
    let judge = Judge::start();
    // What it does, whether an answer comes in the end, and how many requests that takes.
    let rows = [
        (json!({"type": "fail", "status": 429, "retry_after": 0.4, "times": 2}), true, 3),
        (json!({"type": "fail", "status": 429, "times": 2}), true, 3),
        (json!({"type": "fail", "status": 429, "retry_after": 0.05, "times": null}), false, 10),
        (json!({"type": "fail", "status": 503, "retry_after": 0.3, "times": 1}), true, 2),
        (json!({"type": "fail", "status": 503, "times": null}), false, 3),
        (json!({"type": "fail", "status": 500, "times": 2}), true, 3),
        (json!({"type": "fail", "status": 529, "times": 2}), true, 3),
        (json!({"type": "fail", "status": 408, "times": 1}), true, 2),
        (json!({"type": "fail", "status": 409, "times": 1}), true, 2),
        (json!({"type": "fail", "status": 400, "times": null}), false, 1),
        (json!({"type": "fail", "status": 401, "times": null}), false, 1),
        (json!({"type": "fail", "status": 403, "times": null}), false, 1),
        (json!({"type": "fail", "status": 404, "times": null}), false, 1),
        (json!({"type": "fail", "status": 422, "times": null}), false, 1),
    ];
    for provider in ["openai", "groq", "anthropic"] {
        for (behaviour, answers, requests) in &rows {
            judge.post("reset", json!({})).await;
            judge.post("scenario", json!({"behaviors": [behaviour]})).await;
            let limits = Limits { first_wait: Duration::from_millis(120), ..Limits::default() };
            let settings =
                Settings { provider: Some(provider.to_owned()), model: Some("any-model".to_owned()), limits };
            let choice = choose_with(&settings, &judge.system(provider), &|_| None).unwrap();
            let request = Request {
                system: Redacted::fixed("You find root causes."),
                user: Redacted::fixed("a log"),
                schema: None,
                temperature: Some(0.4),
                max_tokens: 100,
            };
            let result = choice.provider.complete(&request, &CancellationToken::new()).await;
            assert_eq!(result.is_ok(), *answers, "{provider}: {behaviour}: {result:?}");
            let verdict = judge.get("verdict").await;
            // A client that never tries again is warned about too: warnings count.
            assert_eq!(verdict["findings"], json!([]), "{provider}: {behaviour}: {verdict}");
            let seen = judge.get("requests").await;
            let posts = seen["requests"].as_array().unwrap().iter().filter(|r| r["method"] == "POST").count();
            assert_eq!(posts, *requests, "{provider}: {behaviour}: {seen}");
        }
    }
}
