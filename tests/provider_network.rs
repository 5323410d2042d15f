//! How requests travel, and what is put into them: proxies, certificates, slots, cancelling, and what each kind of
//! model is asked.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/models/mod.rs"]
mod models;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use failscope::diagnose::providers::{
    Choice, ErrorKind, Limits, Request, Schema, Settings, choose::choose_with,
};
use failscope::evidence::redact::Redactor;
use failscope::model::Redacted;
use failscope::system::System;
use models::vendor::KEY;
use models::{Server, Vendor, answer};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

fn request() -> Request {
    Request {
        system: Redacted::fixed("You find root causes."),
        user: Redacted::fixed("a log"),
        schema: None,
        temperature: Some(0.4),
        max_tokens: 600,
    }
}

fn choice(environment: &[(&str, &str)], model: Option<&str>) -> Choice {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let system = System::fixed(std::time::UNIX_EPOCH, environment, std::env::temp_dir());
    let limits = Limits { first_wait: Duration::from_millis(1), retries: 0, ..Limits::default() };
    let settings = Settings { provider: None, model: model.map(str::to_owned), limits };
    choose_with(&settings, &system, &|_| None).unwrap()
}

async fn good() -> Server {
    Server::start(|_, _| answer(200, &[], Vendor::OpenAi.reply("m", "said").to_string())).await
}

/// The variable of the proxy, the address of the provider, more of the environment, and whether the proxy is used.
type ProxyRow<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], bool);

#[tokio::test]
async fn proxies_are_used_but_never_for_this_machine() {
    // Names under `.invalid` are never resolved, so that only the proxy can have answered.
    let elsewhere = "http://models.invalid/v1";
    let rows: &[ProxyRow<'_>] = &[
        ("HTTP_PROXY", elsewhere, &[], true),
        ("http_proxy", elsewhere, &[], true),
        ("ALL_PROXY", elsewhere, &[], true),
        ("HTTPS_PROXY", elsewhere, &[], false),
        ("HTTP_PROXY", elsewhere, &[("NO_PROXY", "models.invalid")], false),
        ("HTTP_PROXY", elsewhere, &[("no_proxy", "example.org,.invalid")], false),
        ("HTTP_PROXY", elsewhere, &[("NO_PROXY", "*")], false),
        ("HTTP_PROXY", elsewhere, &[("NO_PROXY", "example.org")], true),
        // A header of a request to a CGI program, not a setting (https://httpoxy.org).
        ("HTTP_PROXY", elsewhere, &[("REQUEST_METHOD", "GET")], false),
    ];
    for (variable, base, more, used) in rows {
        let proxy = good().await;
        let address = format!("http://{}", proxy.address);
        let mut environment = vec![("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base), (variable, &address)];
        environment.extend_from_slice(more);
        let choice = choice(&environment, None);
        let result = choice.provider.complete(&request(), &CancellationToken::new()).await;
        assert_eq!(result.is_ok(), *used, "{environment:?}: {result:?}");
        let seen = proxy.seen();
        let expected: &[&str] = &["models", "chat/completions"];
        let paths: Vec<&str> =
            seen.iter().map(|seen| seen.path.trim_start_matches("http://models.invalid/v1/")).collect();
        assert_eq!(paths, if *used { expected } else { &[] }, "{environment:?}");
        if let Err(error) = result {
            let expected = ErrorKind::Unreachable { address: "http://models.invalid".to_owned() };
            assert_eq!(error.kind, expected, "{error}");
        }
    }
    // This machine is reached directly, whatever the proxies say.
    let server = good().await;
    for host in ["127.0.0.1", "localhost"] {
        let base = format!("http://{host}:{}/v1", server.address.port());
        let choice = choice(
            &[
                ("OPENAI_BASE_URL", &base),
                ("HTTP_PROXY", "http://127.0.0.1:9"),
                ("ALL_PROXY", "http://127.0.0.1:9"),
            ],
            None,
        );
        choice.provider.complete(&request(), &CancellationToken::new()).await.unwrap();
    }
}

#[tokio::test]
async fn a_proxy_learns_where_to_and_not_the_key() {
    let proxy = Server::start(|_, _| answer(502, &[], "no")).await;
    let address = format!("http://someone:pass-of-the-proxy@{}", proxy.address);
    let choice = choice(&[("OPENAI_API_KEY", KEY), ("HTTPS_PROXY", &address)], None);
    let error = choice.provider.complete(&request(), &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Unreachable { .. }), "{error}");
    let shown = format!("{error} {error:?} {choice:?}");
    assert!(!shown.contains("pass-of-the-proxy") && !shown.contains(KEY), "{shown}");
    let seen = proxy.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("CONNECT", "api.openai.com:443"));
    assert!(!format!("{seen:?}").contains(KEY));
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pem").display().to_string();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate\n").unwrap();
    for file in [missing, empty.display().to_string()] {
        let choice = choice(&[("OPENAI_API_KEY", KEY), ("SSL_CERT_FILE", &file)], None);
        let error = choice.provider.complete(&request(), &CancellationToken::new()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Setup);
        assert!(error.to_string().contains(&format!("SSL_CERT_FILE: {file} cannot be used")), "{error}");
    }
}

/// The provider, the model, parameters of the request by JSON pointer, and the notes of the reply.
type ModelRow<'a> = (Vendor, &'a str, &'a [(&'a str, Value)], &'a [&'a str]);

#[tokio::test]
async fn what_a_model_is_asked_depends_on_the_model() {
    let schema = || Schema {
        name: "answer",
        json:
            json!({"type": "object", "properties": {"a": {"type": "number", "minimum": 0}}, "required": ["a"],
            "additionalProperties": false})
            .into(),
    };
    // Parameters by JSON pointer; `null` is for what must not be there.
    let rows: &[ModelRow<'_>] = &[
        (
            Vendor::OpenAi,
            "gpt-4o",
            &[
                ("/temperature", json!(0.4)),
                ("/max_tokens", json!(600)),
                ("/response_format/json_schema/strict", json!(true)),
                ("/reasoning_effort", json!(null)),
            ],
            &[],
        ),
        (
            Vendor::OpenAi,
            "gpt-5.2",
            &[
                ("/temperature", json!(null)),
                ("/max_tokens", json!(null)),
                ("/max_completion_tokens", json!(8792)),
                ("/reasoning_effort", json!("low")),
            ],
            &["temperature left out: gpt-5.2 rejects it"],
        ),
        (
            Vendor::OpenAi,
            "o4-mini",
            &[("/temperature", json!(null)), ("/max_completion_tokens", json!(8792))],
            &["temperature left out: o4-mini rejects it"],
        ),
        (Vendor::OpenAi, "gpt-5-chat-latest", &[("/temperature", json!(0.4))], &[]),
        (Vendor::OpenAi, "olmo-2-7b", &[("/temperature", json!(0.4)), ("/max_tokens", json!(600))], &[]),
        (
            Vendor::Groq,
            "llama-3.3-70b-versatile",
            &[
                ("/temperature", json!(0.4)),
                ("/max_completion_tokens", json!(600)),
                ("/response_format", json!({"type": "json_object"})),
            ],
            &["llama-3.3-70b-versatile is held to JSON, and to its form by the prompt only"],
        ),
        (
            Vendor::Groq,
            "openai/gpt-oss-20b",
            &[("/response_format/json_schema/strict", json!(true)), ("/temperature", json!(0.4))],
            &[],
        ),
        (
            Vendor::Anthropic,
            "claude-haiku-4-5-20251001",
            &[
                ("/temperature", json!(0.4)),
                ("/max_tokens", json!(600)),
                ("/output_config/format/type", json!("json_schema")),
                ("/output_config/format/schema/properties/a", json!({"type": "number"})),
            ],
            &[],
        ),
        (
            Vendor::Anthropic,
            "claude-sonnet-5",
            &[("/temperature", json!(null))],
            &["temperature left out: claude-sonnet-5 rejects it"],
        ),
        (
            Vendor::Ollama,
            "llama3.2",
            &[
                ("/options/temperature", json!(0.4)),
                ("/options/num_ctx", json!(8192)),
                ("/options/num_predict", json!(600)),
                ("/think", json!(false)),
                ("/format/properties/a/minimum", json!(0)),
                ("/stream", json!(false)),
            ],
            &[],
        ),
    ];
    for (vendor, model, parameters, notes) in rows {
        let vendor = *vendor;
        let server = Server::start(move |_, _| answer(200, &[], vendor.reply("m", "{}").to_string())).await;
        let settings = Settings {
            provider: Some(vendor.name().to_owned()),
            model: Some((*model).to_owned()),
            ..Settings::default()
        };
        let choice = choose_with(&settings, &vendor.system(server.address), &|_| None).unwrap();
        let request = Request { schema: Some(schema()), ..request() };
        let reply = choice.provider.complete(&request, &CancellationToken::new()).await.unwrap();
        let body = server.seen()[0].json();
        for (pointer, expected) in *parameters {
            assert_eq!(body.pointer(pointer).unwrap_or(&Value::Null), expected, "{model} {pointer}: {body}");
        }
        assert_eq!(reply.notes, *notes, "{model}");
        assert_eq!((reply.usage.input_tokens, reply.usage.output_tokens), (Some(19), Some(10)), "{model}");
    }
}

#[tokio::test]
async fn a_prompt_that_ollama_would_cut_is_never_passed_off_as_read() {
    // The context that the server really has, and what comes of prompts of different lengths.
    let rows = [
        (131_072_u64, 1_000_usize, Some(8_192_u64)),
        (131_072, 60_000, Some(32_768)),
        // Text with far more tokens than text usually has: more is asked for, until it fits.
        (131_072, 8_150 * 3 - 2_700, Some(32_768)),
        // A model whose own context is smaller than what is asked for.
        (2_048, 60_000, None),
        // More than any machine is asked for: nothing is sent.
        (131_072, 600_000, None),
    ];
    for (index, (limit, length, expected)) in rows.into_iter().enumerate() {
        let server = Server::start(move |_, seen| {
            let body = seen.json();
            let context = body["options"]["num_ctx"].as_u64().unwrap().min(limit);
            let bytes = body["messages"][1]["content"].as_str().unwrap().len() as u64;
            // One token a byte in the third row, one for four bytes in the others.
            let tokens = if index == 2 { bytes } else { bytes / 4 };
            let mut reply = Vendor::Ollama.reply("m", "said");
            reply["prompt_eval_count"] = tokens.min(context).into();
            answer(200, &[], reply.to_string())
        })
        .await;
        let choice = choose_with(
            &Settings { provider: Some("ollama".to_owned()), ..Settings::default() },
            &Vendor::Ollama.system(server.address),
            &|_| None,
        )
        .unwrap();
        let user = Redactor::default().text(&"words and more words ".repeat(length / 21 + 1)[..length]);
        let result =
            choice.provider.complete(&Request { user, ..request() }, &CancellationToken::new()).await;
        let contexts: Vec<u64> =
            server.seen().iter().map(|seen| seen.json()["options"]["num_ctx"].as_u64().unwrap()).collect();
        match expected {
            Some(context) => {
                let _ = result.unwrap();
                assert_eq!(contexts.last(), Some(&context), "row {index}: {contexts:?}");
            }
            None => assert_eq!(result.unwrap_err().kind, ErrorKind::TooLong, "row {index}"),
        }
    }
}

#[tokio::test]
async fn a_server_on_this_machine_is_asked_one_thing_at_a_time() {
    for (number, expected) in [(None, 1), (Some("3"), 3)] {
        let most = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let under_way = Arc::clone(&most);
        let server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let under_way = Arc::clone(&under_way);
                connections.spawn(async move {
                    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                    let mut buffer = [0; 8192];
                    while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                        let now = under_way.0.fetch_add(1, Ordering::SeqCst) + 1;
                        under_way.1.fetch_max(now, Ordering::SeqCst);
                        // Others have every opportunity to come in between.
                        for _ in 0..100 {
                            tokio::task::yield_now().await;
                        }
                        under_way.0.fetch_sub(1, Ordering::SeqCst);
                        let reply = Vendor::Ollama.reply("m", "said").to_string();
                        stream.write_all(&models::http(200, &[], reply)).await.unwrap();
                    }
                });
            }
        });
        let mut environment = vec![("OLLAMA_HOST", host.as_str())];
        environment.extend(number.map(|number| ("OLLAMA_NUM_PARALLEL", number)));
        let choice = choice(&environment, None);
        assert_eq!(choice.provider.slots(), expected);
        let (request, cancel) = (request(), CancellationToken::new());
        let calls = (0..20).map(|_| choice.provider.complete(&request, &cancel));
        let results = futures::future::join_all(calls).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(most.1.load(Ordering::SeqCst), expected);
        server.abort();
    }
}

#[tokio::test]
async fn what_one_call_finds_out_is_not_found_out_again() {
    for (status, message) in [(401, "bad key"), (404, "the model does not exist"), (402, "no credit")] {
        let server = Server::start(move |_, _| {
            answer(status, &[], Vendor::OpenAi.error("error", None, message).to_string())
        })
        .await;
        let base = format!("http://{}/v1", server.address);
        let choice = choice(&[("OPENAI_BASE_URL", &base), ("OPENAI_API_KEY", KEY)], None);
        let (request, cancel) = (request(), CancellationToken::new());
        let results =
            futures::future::join_all((0..50).map(|_| choice.provider.complete(&request, &cancel))).await;
        let texts: Vec<String> = results.into_iter().map(|result| result.unwrap_err().to_string()).collect();
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:#?}");
        let posts = server.seen().iter().filter(|seen| seen.method == "POST").count();
        assert!(posts <= 2, "{status}: {posts}");
    }
}

#[tokio::test]
async fn a_model_that_is_gone_is_named_with_what_there_is_instead() {
    let offered = ["whisper-large-v3", "llama-3.3-70b-specdec", "openai/gpt-oss-120b", "llama-guard-4"];
    let server = Server::start(move |_, seen| {
        if seen.method == "GET" {
            return answer(200, &[], Vendor::Groq.models(&offered).to_string());
        }
        let message =
            "The model `llama-3.3-70b-versatile` has been decommissioned and is no longer supported.";
        answer(
            400,
            &[],
            Vendor::Groq.error("invalid_request_error", Some("model_decommissioned"), message).to_string(),
        )
    })
    .await;
    let system = Vendor::Groq.system(server.address);
    let choice = choose_with(&Settings::default(), &system, &|_| None).unwrap();
    let error =
        choice.provider.complete(&request(), &CancellationToken::new()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "asking groq (llama-3.3-70b-versatile): it does not offer this model; choose another with --model: \
         llama-3.3-70b-specdec, openai/gpt-oss-120b (it is what Failscope asks where no model is chosen; groq says: \
         The model `llama-3.3-70b-versatile` has been decommissioned and is no longer supported.)"
    );
}

/// What a server lists, whether it has the model that is asked, the model that is asked, and what is said.
type OfferRow<'a> = (Option<&'a [&'a str]>, Option<&'a str>, &'a str, &'a str);

#[tokio::test]
async fn a_server_of_ones_own_is_asked_for_the_model_that_it_has() {
    const MODEL: &str = "qwen2.5-coder-7b-instruct";
    let only: &[&str] = &[MODEL];
    let with_others: &[&str] = &["text-embedding-3", MODEL, "whisper-1"];
    let several: &[&str] = &["llama-3.1-8b", MODEL, "gpt-4o-mini"];
    let rows: &[OfferRow<'_>] = &[
        (
            Some(only),
            None,
            MODEL,
            "qwen2.5-coder-7b-instruct was asked: no model is chosen, and SERVER offers no other",
        ),
        (
            Some(with_others),
            None,
            MODEL,
            "qwen2.5-coder-7b-instruct was asked: no model is chosen, and SERVER offers no other",
        ),
        (
            Some(several),
            None,
            "gpt-4o",
            "no model is chosen, and SERVER does not list gpt-4o; choose one with --model: gpt-4o-mini, \
             llama-3.1-8b, qwen2.5-coder-7b-instruct",
        ),
        (Some(&["gpt-4o", "gpt-4o-mini"]), None, "gpt-4o", ""),
        // A server that lists nothing, or cannot list.
        (Some(&[]), None, "gpt-4o", ""),
        (None, None, "gpt-4o", ""),
        // Who chooses a model gets it.
        (Some(only), Some("other"), "other", ""),
    ];
    for (offered, chosen, asked, said) in rows {
        let offered: Option<Vec<String>> =
            offered.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let server = Server::start(move |_, seen| match (seen.method.as_str(), &offered) {
            ("GET", Some(names)) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                answer(200, &[], Vendor::OpenAi.models(&names).to_string())
            }
            ("GET", None) => answer(404, &[], "no such page"),
            _ => answer(200, &[], Vendor::OpenAi.reply("m", "said").to_string()),
        })
        .await;
        let base = format!("http://{}/v1", server.address);
        let choice = choice(&[("OPENAI_BASE_URL", &base)], *chosen);
        for _ in 0..2 {
            let reply = choice.provider.complete(&request(), &CancellationToken::new()).await.unwrap();
            let said = said.replace("SERVER", &format!("http://{}", server.address));
            assert_eq!(reply.notes.join("; "), said, "{asked}");
        }
        assert_eq!(choice.provider.model(), *asked);
        let (gets, posts): (Vec<_>, Vec<_>) =
            server.seen().into_iter().partition(|seen| seen.method == "GET");
        // It is looked for once, and only where it is open.
        assert_eq!(gets.len(), usize::from(chosen.is_none()), "{asked}");
        assert!(posts.len() == 2 && posts.iter().all(|post| post.json()["model"] == *asked), "{asked}");
    }
}

#[tokio::test]
async fn no_provider_is_asked_what_it_offers_before_something_fails() {
    for vendor in [Vendor::Groq, Vendor::Anthropic, Vendor::Ollama] {
        let server = Server::start(move |_, _| answer(200, &[], vendor.reply("m", "said").to_string())).await;
        let choice = choose_with(&Settings::default(), &vendor.system(server.address), &|_| None).unwrap();
        let model = choice.provider.model().to_owned();
        choice.provider.settle(&CancellationToken::new()).await;
        choice.provider.complete(&request(), &CancellationToken::new()).await.unwrap();
        assert_eq!(choice.provider.model(), model);
        assert!(server.seen().iter().all(|seen| seen.method == "POST"), "{vendor:?}");
    }
}

#[tokio::test]
async fn models_are_asked_for_the_cause_before_anything_else() {
    // Small models are often cut off: they write the fields in the order of the schema.
    for (vendor, model) in [
        (Vendor::OpenAi, "gpt-4o"),
        (Vendor::Groq, "openai/gpt-oss-20b"),
        (Vendor::Groq, "llama-3.3-70b-versatile"),
        (Vendor::Anthropic, "claude-haiku-4-5-20251001"),
        (Vendor::Ollama, "llama3.2"),
    ] {
        let server = Server::start(move |_, _| answer(200, &[], vendor.reply("m", "{}").to_string())).await;
        let settings = Settings {
            provider: Some(vendor.name().to_owned()),
            model: Some(model.to_owned()),
            ..Settings::default()
        };
        let choice = choose_with(&settings, &vendor.system(server.address), &|_| None).unwrap();
        let request = Request { schema: Some(failscope::diagnose::agents::answer::schema()), ..request() };
        choice.provider.complete(&request, &CancellationToken::new()).await.unwrap();
        // As text, since a parsed object has lost the order; in a prompt its quotes are escaped.
        let body = String::from_utf8(server.seen()[0].body.clone()).unwrap().replace('\\', "");
        let at = |name: &str| {
            body.find(&format!("\"{name}\":{{\"type\"")).unwrap_or_else(|| panic!("{name}: {body}"))
        };
        let order =
            ["root_cause", "category", "affected_file", "fix_suggestion", "evidence", "edits", "missing"];
        assert!(order.is_sorted_by_key(|name| at(name)), "{model}: {body}");
    }
}

#[tokio::test]
async fn a_cancelled_call_lets_go_of_its_connection() {
    let (gone, mut went) = tokio::sync::mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        use tokio::io::AsyncReadExt as _;
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 64];
        stream.read_exact(&mut buffer).await.unwrap();
        asked.send(()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        gone.send(()).unwrap();
    });
    let choice = choice(&[("OLLAMA_HOST", &host)], None);
    let cancel = CancellationToken::new();
    let (request, token) = (request(), cancel.clone());
    let call =
        tokio::spawn(async move { choice.provider.complete(&request, &token).await.unwrap_err().kind });
    was_asked.recv().await.unwrap();
    cancel.cancel();
    assert_eq!(call.await.unwrap(), ErrorKind::Cancelled);
    // The server sees it, and need not go on writing.
    went.recv().await.unwrap();
}
