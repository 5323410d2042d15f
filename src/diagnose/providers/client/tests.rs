//! Many calls at once against servers that limit them, on a clock that passes only when nothing else happens.

#![expect(clippy::unwrap_used, reason = "tests")]

mod pipeline;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use reqwest::header::HeaderMap;
use serde_json::json;

use super::super::openai::{Dialect, OpenAi};
use super::super::transport::{Incoming, SendError};
use super::*;
use crate::model::Redacted;

/// A clock that stands still while anything can be done, and then jumps to the next time somebody waits for.
#[derive(Default)]
struct Virtual(Mutex<Times>);

#[derive(Default)]
struct Times {
    now: Duration,
    waiting: BTreeMap<(Duration, u64), Waker>,
    number: u64,
}

#[async_trait]
impl Clock for Virtual {
    fn now(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    async fn sleep_until(&self, time: Duration) {
        let mut entry = None;
        std::future::poll_fn(|context| {
            let mut times = self.0.lock().unwrap();
            if times.now >= time {
                return Poll::Ready(());
            }
            if let Some(key) = entry {
                times.waiting.remove(&key);
            }
            times.number += 1;
            let key = (time, times.number);
            entry = Some(key);
            times.waiting.insert(key, context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Virtual {
    /// Runs `work` to its end.
    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut work = pin!(work);
        loop {
            while woken.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return done;
                }
            }
            let next = {
                let mut times = self.0.lock().unwrap();
                let ((time, _), waker) = times.waiting.pop_first().expect("it waits for nothing");
                times.now = times.now.max(time);
                waker
            };
            next.wake();
        }
    }
}

/// How a server limits what it takes.
enum Rule {
    /// So many at once, and this many more each second; says exactly when the next is taken.
    Bucket { capacity: f64, per_second: f64 },
    /// So many in each second of the clock; says in whole seconds when to come back.
    Window { most: usize },
    /// So many at the same time; says nothing.
    Parallel { most: usize },
    /// Works on so many at the same time, and lets the others wait: a server on this machine.
    Queue { most: usize },
}

struct Limited {
    clock: Arc<Virtual>,
    rule: Rule,
    /// Tokens and when they were counted, or requests and their window.
    state: Mutex<(f64, f64)>,
    /// When each of the places of a queue is free again.
    free: Mutex<Vec<Duration>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    requests: AtomicUsize,
    /// What the model says.
    says: String,
}

impl Limited {
    fn new(clock: &Arc<Virtual>, rule: Rule) -> Arc<Self> {
        Self::saying(clock, rule, "{}")
    }

    fn saying(clock: &Arc<Virtual>, rule: Rule, says: &str) -> Arc<Self> {
        let tokens = if let Rule::Bucket { capacity, .. } = rule { capacity } else { 0.0 };
        Arc::new(Self {
            says: says.to_owned(),
            clock: Arc::clone(clock),
            rule,
            state: Mutex::new((tokens, 0.0)),
            free: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        })
    }

    /// The refusal of a request, if it is refused.
    fn refuse(&self) -> Option<(u16, Option<(&'static str, String)>)> {
        let now = self.clock.now().as_secs_f64();
        let mut state = self.state.lock().unwrap();
        match self.rule {
            Rule::Bucket { capacity, per_second } => {
                let tokens = (state.0 + (now - state.1) * per_second).min(capacity);
                if tokens >= 1.0 {
                    *state = (tokens - 1.0, now);
                    return None;
                }
                *state = (tokens, now);
                let wait = ((1.0 - tokens) / per_second * 1000.0).ceil();
                Some((429, Some(("retry-after-ms", wait.to_string()))))
            }
            Rule::Window { most } => {
                if now.floor() > state.1 {
                    *state = (0.0, now.floor());
                }
                if (state.0 as usize) < most {
                    state.0 += 1.0;
                    return None;
                }
                Some((429, Some(("retry-after", "1".to_owned()))))
            }
            Rule::Queue { .. } => None,
            Rule::Parallel { most } => (self.under_way.load(Ordering::SeqCst) > most).then_some((503, None)),
        }
    }
}

#[async_trait]
impl Transport for Limited {
    async fn send(&self, _request: Outgoing) -> Result<Incoming, SendError> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        let refused = self.refuse();
        let latency = Duration::from_millis(if refused.is_some() { 20 } else { 200 });
        let done = match self.rule {
            Rule::Queue { most } => {
                let mut free = self.free.lock().unwrap();
                free.resize(most, Duration::ZERO);
                let next = free.iter_mut().min().unwrap();
                *next = (*next).max(self.clock.now()) + latency;
                *next
            }
            _ => self.clock.now() + latency,
        };
        self.clock.sleep_until(done).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        let mut headers = HeaderMap::new();
        let (status, body) = match refused {
            None => {
                let choice = json!({"message": {"content": self.says}, "finish_reason": "stop"});
                let usage = json!({"prompt_tokens": 1000, "completion_tokens": 100});
                (200, json!({"choices": [choice], "usage": usage}).to_string())
            }
            Some((status, header)) => {
                if let Some((name, value)) = header {
                    headers.insert(name, value.parse().unwrap());
                }
                (status, r#"{"error": {"message": "slower"}}"#.to_owned())
            }
        };
        Ok(Incoming { status, headers, body: body.into() })
    }
}

fn client(
    clock: &Arc<Virtual>,
    server: &Arc<Limited>,
    slots: impl FnOnce(Arc<dyn Clock>) -> Slots,
) -> Client {
    let wire = OpenAi { dialect: Dialect::OpenAi };
    let dynamic: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let setup = Setup {
        name: "openai",
        model: "gpt-4o".to_owned(),
        is_default: true,
        address: Address::openai("https://api.openai.com/v1").unwrap(),
        key: None,
        single_pass: false,
        seeks_model: false,
        limits: Limits::default(),
        slots: slots(Arc::clone(&dynamic)),
    };
    let system = System::fixed(std::time::UNIX_EPOCH, [], std::path::PathBuf::new());
    Client::new(setup, Box::new(wire), Arc::clone(server) as Arc<dyn Transport>, dynamic, &system)
}

fn request() -> Request {
    Request {
        system: Redacted::fixed("s"),
        user: Redacted::fixed("u"),
        schema: None,
        temperature: None,
        max_tokens: 10,
    }
}

#[test]
fn a_thousand_calls_take_little_longer_than_the_limit_makes_them() {
    // The rule, and the seconds that a client would take that knows it.
    let rows = [
        (Rule::Bucket { capacity: 1.0, per_second: 50.0 }, 1000.0 / 50.0),
        (Rule::Bucket { capacity: 60.0, per_second: 1.0 }, 940.0),
        (Rule::Bucket { capacity: 10.0, per_second: 5.0 }, 990.0 / 5.0),
        (Rule::Bucket { capacity: 100.0, per_second: 100.0 }, 900.0 / 100.0),
        (Rule::Window { most: 50 }, 1000.0 / 50.0),
        (Rule::Window { most: 10 }, 1000.0 / 10.0),
        (Rule::Parallel { most: 16 }, 1000.0 / 16.0 * 0.2),
        (Rule::Parallel { most: 4 }, 1000.0 / 4.0 * 0.2),
    ];
    for (index, (rule, ideal)) in rows.into_iter().enumerate() {
        // An overloaded server does not say when to come back.
        let most = if matches!(rule, Rule::Parallel { .. }) { 1.25 } else { 1.15 };
        let clock = Arc::new(Virtual::default());
        let server = Limited::new(&clock, rule);
        let client = client(&clock, &server, Slots::adaptive);
        let (request, cancel) = (request(), CancellationToken::new());
        let calls: FuturesUnordered<_> = (0..1000).map(|_| client.complete(&request, &cancel)).collect();
        let results: Vec<_> = clock.run(calls.collect());
        let failed = results.iter().filter(|result| result.is_err()).count();
        let (took, requests) = (clock.now().as_secs_f64(), server.requests.load(Ordering::SeqCst));
        let first = results.iter().find_map(|result| result.as_ref().err());
        let summary = format!(
            "row {index}: {took:.1} s of {ideal:.1}, {requests} requests, {failed} failed: {first:?}"
        );
        assert!(failed == 0 && took <= ideal * most && requests < 1600, "{summary}");
        assert!(server.most_under_way.load(Ordering::SeqCst) <= 32, "{summary}");
    }
}

#[test]
fn a_server_on_this_machine_is_given_what_it_can_work_on() {
    // The rule, the seconds that a client would take that knows it, and the most calls that may be under way.
    let rows = [
        (Rule::Queue { most: 1 }, 1000.0 * 0.2, 2),
        (Rule::Queue { most: 2 }, 500.0 * 0.2, 4),
        (Rule::Queue { most: 6 }, 1000.0 / 6.0 * 0.2, 16),
        (Rule::Queue { most: 32 }, 1000.0 / 32.0 * 0.2, 32),
        (Rule::Bucket { capacity: 1.0, per_second: 50.0 }, 1000.0 / 50.0, 32),
        (Rule::Bucket { capacity: 60.0, per_second: 5.0 }, 940.0 / 5.0, 32),
        (Rule::Window { most: 20 }, 1000.0 / 20.0, 32),
    ];
    for (index, (rule, ideal, bound)) in rows.into_iter().enumerate() {
        // The fastest is through before much can be found out.
        let most = if ideal < 10.0 { 1.4 } else { 1.15 };
        let clock = Arc::new(Virtual::default());
        let server = Limited::new(&clock, rule);
        let client = client(&clock, &server, Slots::tried);
        let (request, cancel) = (request(), CancellationToken::new());
        let calls: FuturesUnordered<_> = (0..1000).map(|_| client.complete(&request, &cancel)).collect();
        let results: Vec<_> = clock.run(calls.collect());
        assert!(results.iter().all(Result::is_ok), "row {index}");
        let (took, under_way) = (clock.now().as_secs_f64(), server.most_under_way.load(Ordering::SeqCst));
        let summary = format!("row {index}: {took:.1} s of {ideal:.1}, {under_way} at once");
        assert!(took <= ideal * most && under_way <= bound, "{summary}");
    }
}

#[test]
fn one_call_after_another_is_no_trial_of_what_a_server_can_work_on() {
    let clock = Arc::new(Virtual::default());
    let server = Limited::new(&clock, Rule::Queue { most: 32 });
    let client = client(&clock, &server, Slots::tried);
    let (request, cancel) = (request(), CancellationToken::new());
    for _ in 0..30 {
        clock.run(client.complete(&request, &cancel)).unwrap();
    }
    assert_eq!(client.slots(), 1);
    // When there is more to do it is found out all the same.
    let calls: FuturesUnordered<_> = (0..200).map(|_| client.complete(&request, &cancel)).collect();
    assert!(clock.run(calls.collect::<Vec<_>>()).iter().all(Result::is_ok));
    assert!(client.slots() >= 16, "{}", client.slots());
}

#[test]
fn nothing_more_is_sent_once_the_calls_are_cancelled() {
    let clock = Arc::new(Virtual::default());
    let server = Limited::new(&clock, Rule::Bucket { capacity: 5.0, per_second: 20.0 });
    let client = client(&clock, &server, Slots::adaptive);
    let (request, cancel) = (request(), CancellationToken::new());
    let calls: FuturesUnordered<_> = (0..1000).map(|_| client.complete(&request, &cancel)).collect();
    let stop = async {
        clock.sleep_until(Duration::from_secs(3)).await;
        cancel.cancel();
        server.requests.load(Ordering::SeqCst)
    };
    let (results, sent) = clock.run(futures::future::join(calls.collect::<Vec<_>>(), stop));
    assert_eq!(server.requests.load(Ordering::SeqCst), sent);
    assert!(clock.now() < Duration::from_secs(4), "{:?}", clock.now());
    let cancelled = |r: &Result<Reply, ProviderError>| matches!(r, Err(e) if e.kind == ErrorKind::Cancelled);
    assert!(results.iter().filter(|r| cancelled(r)).count() > 900);
    assert!(results.iter().all(|r| r.is_ok() || cancelled(r)));
    // A call that comes later sends nothing either.
    let late = clock.run(client.complete(&request, &cancel));
    assert!(cancelled(&late) && server.requests.load(Ordering::SeqCst) == sent);
}
