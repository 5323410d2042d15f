//! Everything that can go wrong between Failscope and a provider: each row is something a server does, and what
//! has to come of it. Always an answer or an error that says why, never the key, never without end.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../support/models/mod.rs"]
mod models;
mod rows;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use failscope::diagnose::providers::{
    Choice, ErrorKind, Limits, ProviderError, Reply, Request, Schema, Settings, choose::choose_with,
};
use failscope::evidence::redact::Redactor;
use failscope::model::Redacted;
use futures::{FutureExt as _, StreamExt as _};
use models::vendor::KEY;
use models::{Server, Vendor};
use rows::Row;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Limits that no row reaches unless it is about them.
fn limits() -> Limits {
    Limits {
        total: Duration::from_mins(1),
        read: Duration::from_mins(1),
        connect: Duration::from_mins(1),
        retries: 2,
        first_wait: Duration::from_millis(1),
        max_body: 256 << 10,
    }
}

fn request() -> Request {
    Request {
        system: Redacted::fixed("You explain failures. Answer in JSON."),
        user: Redactor::default().text("E       assert 3 == 4\n\ntests/test_a.py:7: AssertionError"),
        schema: Some(Schema {
            name: "diagnosis",
            json: json!({"type": "object", "properties": {"root_cause": {"type": "string"},
                "confidence": {"type": "number", "minimum": 0, "maximum": 1}},
                "required": ["root_cause", "confidence"], "additionalProperties": false})
            .into(),
        }),
        temperature: Some(0.4),
        max_tokens: 800,
    }
}

fn choice(vendor: Vendor, address: impl std::fmt::Display, limits: Limits) -> Choice {
    let settings = Settings { provider: Some(vendor.name().to_owned()), model: None, limits };
    choose_with(&settings, &vendor.system(address), &|_| None).unwrap()
}

/// The kind of an error by its name.
fn name(kind: &ErrorKind) -> String {
    format!("{kind:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn outcome(result: &Result<Reply, ProviderError>) -> String {
    match result {
        Ok(_) => "Ok".to_owned(),
        Err(error) => name(&error.kind),
    }
}

/// What must hold of every result.
fn check(result: &Result<Reply, ProviderError>) {
    let shown = match result {
        Ok(reply) => {
            assert!(!reply.text.trim().is_empty());
            format!("{reply:?}")
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(error.provider) && text.contains(&error.model), "{text}");
            assert!(text.chars().count() < 1500 && !text.contains(['\n', '\u{1b}']), "{text:?}");
            format!("{text} {error:?}")
        }
    };
    assert!(!shown.contains(KEY), "the key is in {shown}");
}

async fn run(row: Arc<Row>, vendor: Vendor) {
    let elsewhere = Server::start(|_, _| models::answer(200, &[], "{}")).await;
    let target = elsewhere.address;
    let server = Server::start({
        let row = Arc::clone(&row);
        move |_, seen| {
            if seen.path == vendor.models_path() {
                return models::answer(
                    200,
                    &[],
                    vendor.models(&["offered-one", "text-embedding-3"]).to_string(),
                );
            }
            (row.script)(vendor, seen, target)
        }
    })
    .await;
    let mut limits = limits();
    (row.limits)(&mut limits);
    let choice = choice(vendor, server.address, limits);
    let patience = Duration::from_mins(2);
    let result =
        tokio::time::timeout(patience, choice.provider.complete(&request(), &CancellationToken::new()))
            .await
            .unwrap_or_else(|_| panic!("{} with {vendor:?} does not end", row.name));
    check(&result);
    let expected = (row.expect)(vendor);
    assert_eq!(outcome(&result), expected, "{} with {vendor:?}: {result:?}", row.name);
    assert!(elsewhere.seen().is_empty(), "{}: the redirect was followed", row.name);
    let seen = server.seen();
    let posts: Vec<_> = seen.iter().filter(|seen| seen.method == "POST").collect();
    if let Some(number) = row.posts {
        assert_eq!(posts.len(), number, "{} with {vendor:?}: {result:?}", row.name);
    }
    for post in posts {
        assert_eq!(vendor.complaints(post), Vec::<String>::new(), "{}", row.name);
        // Nobody on this machine needs the key of Ollama's cloud.
        let has_key = post.headers.iter().any(|(_, value)| value.contains(KEY));
        assert_eq!(has_key, vendor != Vendor::Ollama, "{}", row.name);
        assert!(!String::from_utf8_lossy(&post.body).contains(KEY));
    }
}

/// Everything that any library logs while the tests run.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn whatever_a_server_does_there_is_a_result_or_a_reason() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let rows: Vec<Arc<Row>> = rows::all().into_iter().map(Arc::new).collect();
    assert!(rows.len() >= 100, "{}", rows.len());
    let cases = rows.iter().flat_map(|row| Vendor::ALL.map(|vendor| (Arc::clone(row), vendor)));
    // All rows are run, so that all that fail are seen.
    let failed: Vec<String> = futures::stream::iter(cases)
        .map(|(row, vendor)| async move {
            let name = format!("{} with {vendor:?}", row.name);
            AssertUnwindSafe(run(row, vendor)).catch_unwind().await.err().map(|_| name)
        })
        .buffer_unordered(16)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(failed.is_empty(), "{} failed: {failed:#?}", failed.len());
    let log = log.0.lock().unwrap();
    assert!(!log.is_empty());
    assert!(memchr::memmem::find(&log, KEY.as_bytes()).is_none(), "the key was logged");
}

/// Everything that a field may hold instead of what it should.
fn wrong_values() -> Vec<Option<Value>> {
    let long = "x".repeat(5_000);
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0.5),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("wrong"),
        json!(long),
        json!("\u{0}\u{1b}[2J\u{202e}"),
        json!([]),
        json!([1, "a", null]),
        json!({}),
        json!({"type": "text", "text": 1}),
        deep,
    ];
    std::iter::once(None).chain(values.into_iter().map(Some)).collect()
}

/// The paths of all values in `value`, itself included.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), out));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| pointers(value, &format!("{at}/{i}"), out));
        }
        _ => {}
    }
}

fn replaced(mut value: Value, pointer: &str, new: Option<&Value>) -> Value {
    if let Some(new) = new {
        *value.pointer_mut(pointer).unwrap() = new.clone();
        return value;
    }
    let (parent, field) = pointer.rsplit_once('/').unwrap_or(("", ""));
    match value.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.remove(field)),
        Value::Array(items) => drop(items.remove(field.parse().unwrap())),
        other => *other = Value::Null,
    }
    value
}

#[tokio::test]
async fn every_field_may_be_wrong_in_every_way() {
    for vendor in Vendor::ALL {
        let right = vendor.reply("some-model", "{\"root_cause\": \"x\"}");
        let mut paths = Vec::new();
        pointers(&right, "", &mut paths);
        let bodies: Vec<String> = paths
            .iter()
            .flat_map(|path| {
                wrong_values()
                    .into_iter()
                    .map(|value| replaced(right.clone(), path, value.as_ref()).to_string())
            })
            .collect();
        assert!(bodies.len() >= 200);
        let bodies = Arc::new(bodies);
        let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let server = Server::start({
            let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
            move |_, _| {
                let body = &bodies[next.load(std::sync::atomic::Ordering::SeqCst)];
                models::answer(200, &[], body)
            }
        })
        .await;
        let choice = choice(vendor, server.address, Limits { retries: 0, ..limits() });
        let mut answers = 0;
        for (index, body) in bodies.iter().enumerate() {
            next.store(index, std::sync::atomic::Ordering::SeqCst);
            let result = choice.provider.complete(&request(), &CancellationToken::new()).await;
            check(&result);
            match &result {
                Ok(_) => answers += 1,
                // Some of these say that the call would fail for other reasons; none says that it may pass.
                Err(error) => assert!(
                    matches!(
                        error.kind,
                        ErrorKind::BadAnswer
                            | ErrorKind::TooLong
                            | ErrorKind::Interrupted
                            | ErrorKind::BadRequest { .. }
                    ),
                    "{vendor:?}: {error} after {}",
                    &body[..body.len().min(400)]
                ),
            }
        }
        // A field that is not needed for the answer does not cost it.
        assert!(answers * 2 > bodies.len(), "{vendor:?}: {answers} of {}", bodies.len());
    }
}
