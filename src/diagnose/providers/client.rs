//! A call from its request to its answer: a slot, a turn, the request, and what is done when it fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::circuit::Circuit;
use super::clock::Clock;
use super::error::{ErrorKind, ProviderError};
use super::fault::{self, Fault};
use super::keys::{self, Key};
use super::slots::Slots;
use super::transport::{Outgoing, Transport};
use super::wire::{Asked, Manner, Wire};
use super::{Finish, Limits, Provider, Reply, Request, Usage};
use crate::evidence::redact::Redactor;
use crate::system::System;

/// Most requests of one call, whatever they end with: the providers' own libraries send far fewer.
const MOST_REQUESTS: u32 = 10;
/// Times that one call is put differently: each changes something else.
const MOST_CHANGES: u32 = 6;
/// Models that are named when the wanted one is not offered.
const MOST_MODELS: usize = 12;
/// How long the list of models may take.
const LISTING: Duration = Duration::from_secs(10);
/// The longest wait between two requests of one call.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Words in the names of models that are not for conversation.
const OTHER: &[&str] = &[
    "whisper",
    "tts",
    "embed",
    "moderation",
    "guard",
    "dall-e",
    "image",
    "audio",
    "realtime",
    "transcribe",
    "sora",
    "babbage",
    "davinci",
    "safeguard",
    "rerank",
];

/// Whom is asked, and how.
pub struct Setup {
    /// The provider's name.
    pub name: &'static str,
    /// The model.
    pub model: String,
    /// Whether the model is the one that Failscope asks if none is chosen.
    pub is_default: bool,
    /// Whether another model is asked instead if it is the only one that is offered.
    pub seeks_model: bool,
    /// Where.
    pub address: Address,
    /// The key, and where it came from.
    pub key: Option<(Key, String)>,
    /// Whether one prompt has to do.
    pub single_pass: bool,
    /// Bounds.
    pub limits: Limits,
    /// Slots.
    pub slots: Slots,
}

/// A provider over a wire format.
pub struct Client {
    setup: Setup,
    wire: Box<dyn Wire>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    circuit: Circuit,
    manner: Mutex<Manner>,
    /// The model that is asked instead of the one that was set up, and what is to be said of it.
    found: OnceCell<Found>,
    redactor: Redactor,
    secrets: Vec<Key>,
    system: System,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.setup.name)
            .field("model", &self.setup.model)
            .finish_non_exhaustive()
    }
}

/// What a server of one's own offers.
#[derive(Debug, Default)]
struct Found {
    /// The only model that there is, if it is another.
    model: Option<String>,
    /// What the user may want to know of the choice.
    note: Option<String>,
}

/// What one call has used up.
struct Effort {
    requests: u32,
    changes: u32,
    /// Time for requests and for waiting after faults; waiting for the rate limit is not in it.
    left: Duration,
    /// When the call first met a rate limit.
    limited: Option<Duration>,
    /// Waits after faults.
    waits: ExponentialBackoff,
    /// Waits for a rate limit that does not say how long.
    limit_waits: ExponentialBackoff,
}

impl Client {
    /// A client over `transport`.
    pub fn new(
        setup: Setup,
        wire: Box<dyn Wire>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        system: &System,
    ) -> Self {
        let redactor = Redactor::new(system.environment());
        if let Some((key, _)) = &setup.key {
            let known = [("API_KEY".to_owned(), key.expose().to_owned())];
            redactor.know_environment(&known.into());
        }
        let manner = Mutex::new(wire.manner(&setup.model));
        let secrets = setup.key.iter().map(|(key, _)| key.clone()).chain(keys::all_in(system)).collect();
        Self {
            secrets,
            setup,
            wire,
            transport,
            clock,
            circuit: Circuit::default(),
            manner,
            found: OnceCell::new(),
            redactor,
            system: system.clone(),
        }
    }

    /// The model that is asked, as far as that is known.
    fn asked(&self) -> &str {
        self.found.get().and_then(|found| found.model.as_deref()).unwrap_or(&self.setup.model)
    }

    /// What was done differently from what `request` wants.
    fn notes(&self, manner: &Manner, request: &Request) -> Vec<String> {
        let mut notes = manner.notes(self.asked(), request);
        notes.extend(self.found.get().and_then(|found| found.note.clone()));
        notes
    }

    /// Looks for the model to ask. Of a server that does not say what it offers nothing is found out.
    async fn find(&self) -> Found {
        let (wanted, address) = (&self.setup.model, self.setup.address.shown());
        let models = self.listed().await;
        match models.as_slice() {
            [] => Found::default(),
            models if models.contains(wanted) => Found::default(),
            [only] => {
                *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = self.wire.manner(only);
                let note = format!("{only} was asked: no model is chosen, and {address} offers no other");
                Found { model: Some(only.clone()), note: Some(note) }
            }
            models => {
                let named: Vec<&str> = models.iter().take(MOST_MODELS).map(String::as_str).collect();
                let note = format!(
                    "no model is chosen, and {address} does not list {wanted}; choose one with --model: {}",
                    named.join(", ")
                );
                Found { model: None, note: Some(note) }
            }
        }
    }

    fn manner(&self) -> Manner {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = self.wire.headers(self.setup.key.as_ref().map(|(key, _)| key));
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        headers.push((ACCEPT, HeaderValue::from_static("application/json")));
        headers
    }

    /// Text of others without the key, nor that of another provider.
    fn without_key(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret.expose()) {
                text = text.replace(secret.expose(), "[REDACTED:api_key]");
            }
        }
        text
    }

    fn error(&self, fault: &Fault) -> ProviderError {
        ProviderError {
            provider: self.setup.name,
            model: self.asked().to_owned(),
            kind: fault.kind.clone(),
            detail: self.redactor.text(&self.without_key(&fault.detail)),
        }
    }

    /// What comes of `work` in this time, if anything does.
    async fn within<T>(&self, time: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.clock.sleep_until(self.clock.now() + time) => None,
        }
    }

    /// One request.
    async fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Result<serde_json::Value, Fault> {
        let url = self.setup.address.join(path);
        let is_post = method == Method::POST;
        let outgoing = Outgoing { method, url, headers: self.headers(), body };
        let answer = self.transport.send(outgoing).await.map_err(|error| {
            let address = &self.setup.address;
            fault::unsent(error, &address.shown(), address.is_loopback(), self.setup.limits.read)
        })?;
        let key = self.setup.key.as_ref().map(|(_, origin)| origin.as_str());
        if !(200..300).contains(&answer.status) {
            return Err(fault::of_status(&answer, key, self.system.now()));
        }
        let json = fault::json(&answer.body)
            .ok_or_else(|| Fault::new(ErrorKind::BadAnswer, fault::no_json(&answer.body)))?;
        // Some gateways put it into a list. That of the models may well be one.
        let json = match json {
            serde_json::Value::Array(mut items) if items.len() == 1 && is_post => items.remove(0),
            other => other,
        };
        match error_within(&json) {
            // Gateways send the errors of others with a status of their own.
            Some(status) => Err(fault::of_status(
                &super::transport::Incoming { status, ..answer },
                key,
                self.system.now(),
            )),
            None => Ok(json),
        }
    }

    /// One try: a turn, a request, its answer.
    async fn attempt(&self, request: &Request, manner: &Manner) -> Result<Reply, Fault> {
        let body = self.wire.body(self.asked(), request, manner)?;
        let json = self.request(Method::POST, self.wire.path(), body.to_string().into_bytes()).await?;
        let answer = self.wire.read(&json, &Asked { request, manner })?;
        Ok(Reply {
            text: self.without_key(&answer.text),
            model: self.without_key(answer.model.as_deref().unwrap_or(self.asked())),
            usage: answer.usage,
            finish: answer.finish,
            notes: self.notes(manner, request),
        })
    }

    /// What is done about `fault`: nothing if the call goes on, the fault to give up with otherwise.
    async fn recover(&self, fault: Fault, sent: Duration, effort: &mut Effort) -> Result<(), Fault> {
        if matches!(fault.kind, ErrorKind::BadRequest { .. } | ErrorKind::TooLong)
            && effort.changes < MOST_CHANGES
        {
            let mut manner = self.manner.lock().unwrap_or_else(PoisonError::into_inner);
            let mut changed = manner.clone();
            if self.wire.adapt(&fault, &mut changed) {
                effort.changes += 1;
                *manner = changed;
                return Ok(());
            }
        }
        if !fault.again || effort.requests >= MOST_REQUESTS {
            return Err(fault);
        }
        let limits = &self.setup.limits;
        if let ErrorKind::RateLimited { .. } = fault.kind {
            let wait = fault.wait.unwrap_or_else(|| effort.limit_waits.next().unwrap_or(LONGEST_WAIT));
            let since = *effort.limited.get_or_insert(sent);
            let quiet = self.clock.now().saturating_sub(self.setup.slots.last_answer().max(since));
            if wait > limits.total || quiet > limits.total {
                return Err(fault);
            }
            self.setup.slots.limited(sent, wait);
            self.clock.sleep_until(self.clock.now() + wait).await;
            return Ok(());
        }
        if matches!(fault.kind, ErrorKind::Overloaded { .. }) {
            self.setup.slots.overloaded(sent);
        }
        let Some(wait) = effort.waits.next().map(|wait| fault.wait.unwrap_or(wait)) else {
            return Err(fault);
        };
        if wait >= effort.left {
            return Err(fault);
        }
        effort.left -= wait;
        self.clock.sleep_until(self.clock.now() + wait).await;
        Ok(())
    }

    async fn call(&self, request: &Request) -> Result<Reply, Fault> {
        let limits = &self.setup.limits;
        let waits = |times| {
            ExponentialBuilder::default()
                .with_min_delay(limits.first_wait)
                .with_max_delay(LONGEST_WAIT)
                .with_factor(2.5)
                .with_jitter()
                .with_max_times(times)
                .build()
        };
        let mut effort = Effort {
            requests: 0,
            changes: 0,
            left: limits.total,
            limited: None,
            waits: waits(limits.retries),
            limit_waits: waits(MOST_REQUESTS as usize),
        };
        let mut last: Option<Fault> = None;
        loop {
            // Given back while the call waits for anything but its answer.
            let slot = self.setup.slots.acquire().await;
            let sent = self.setup.slots.turn().await;
            if let Some(fault) = self.circuit.check(self.clock.now()) {
                return Err(fault);
            }
            let manner = self.manner();
            effort.requests += 1;
            let result = self.within(effort.left, self.attempt(request, &manner)).await;
            drop(slot);
            effort.left = effort.left.saturating_sub(self.clock.now().saturating_sub(sent));
            let fault = match result {
                Some(Ok(reply)) => {
                    self.setup.slots.answered();
                    self.circuit.succeeded();
                    return Ok(reply);
                }
                Some(Err(fault)) => fault,
                None => {
                    let detail = last.map_or_else(String::new, |last| format!("before: {}", last.kind));
                    return Err(self
                        .settled(Fault::new(ErrorKind::TimedOut { after: limits.total }, detail))
                        .await);
                }
            };
            if let Some(text) = &fault.salvage {
                let mut notes = self.notes(&manner, request);
                notes.push(format!(
                    "{} found that the answer is no valid JSON; it is used all the same",
                    self.setup.name
                ));
                return Ok(Reply {
                    text: self.without_key(text),
                    model: self.asked().to_owned(),
                    usage: Usage::default(),
                    finish: Finish::Other,
                    notes,
                });
            }
            last = Some(fault.clone());
            if let Err(fault) = self.recover(fault, sent, &mut effort).await {
                return Err(self.settled(fault).await);
            }
        }
    }

    /// A fault that a call ends with: says more where more is known, and is remembered for the calls that follow.
    async fn settled(&self, mut fault: Fault) -> Fault {
        if let ErrorKind::NoSuchModel { offered } = &mut fault.kind {
            *offered = self.offered().await;
            if self.setup.is_default && self.asked() == self.setup.model {
                let (name, said) = (self.setup.name, &fault.detail);
                let detail =
                    format!("it is what Failscope asks where no model is chosen; {name} says: {said}");
                fault.detail = fault::bounded(&detail).into();
            }
            if self.setup.name == "ollama" {
                fault.detail = fault::bounded(&format!("`ollama pull {}` gets it", self.asked())).into();
            }
        }
        self.circuit.failed(&fault, self.clock.now());
        fault
    }

    /// What the provider offers, nearest names first.
    async fn offered(&self) -> Vec<crate::model::Redacted> {
        let models = self.listed().await;
        models.iter().take(MOST_MODELS).map(|model| self.redactor.text(model)).collect()
    }

    /// The models for conversation that the provider lists, nearest names first; none if it lists none in time.
    async fn listed(&self) -> Vec<String> {
        let listing = self.request(Method::GET, self.wire.models_path(), Vec::new());
        let Some(Ok(json)) = self.within(LISTING.min(self.setup.limits.total), listing).await else {
            return Vec::new();
        };
        let mut models = self.wire.models(&json);
        models.retain(|model| {
            let lower = model.to_lowercase();
            model.len() <= 100 && !OTHER.iter().any(|word| lower.contains(word))
        });
        models.truncate(500);
        let wanted = self.asked();
        let likeness = |model: &str| strsim::normalized_damerau_levenshtein(wanted, model);
        models.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)).then_with(|| a.cmp(b)));
        models.dedup();
        models.into_iter().map(|model| self.without_key(&model)).collect()
    }
}

/// The status of an error that came as an answer, as a whole or in place of what was to be said.
fn error_within(json: &serde_json::Value) -> Option<u16> {
    let inner = json.get("choices").and_then(|choices| choices.get(0)).unwrap_or(json);
    let named = |place: &'_ serde_json::Value| {
        let is_one = |error: &serde_json::Value| !error.is_null() && error != &serde_json::json!([]);
        ["error", "errors", "fault", "detail"].into_iter().find(|name| place.get(name).is_some_and(is_one))
    };
    let error = [json, inner].into_iter().find_map(|place| place.get(named(place)?))?;
    let message = inner.get("message").filter(|message| message.is_object());
    let places = [message.and_then(|m| m.get("content")), inner.get("content"), inner.get("text")];
    let says = |value: &serde_json::Value| match value {
        serde_json::Value::Null => false,
        serde_json::Value::String(text) => !text.is_empty(),
        serde_json::Value::Array(parts) => !parts.is_empty(),
        _ => true,
    };
    if places.into_iter().flatten().any(says) {
        return None;
    }
    let status = [error.get("code"), error.get("status"), json.get("status"), json.get("statusCode")]
        .into_iter()
        .flatten()
        .find_map(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
    Some(status.filter(|status| (400..600).contains(status)).unwrap_or(400) as u16)
}

#[async_trait]
impl Provider for Client {
    fn name(&self) -> &'static str {
        self.setup.name
    }

    fn model(&self) -> &str {
        self.asked()
    }

    fn single_pass(&self) -> bool {
        self.setup.single_pass
    }

    fn is_local(&self) -> bool {
        self.setup.address.is_loopback()
    }

    fn slots(&self) -> usize {
        self.setup.slots.limit()
    }

    async fn settle(&self, cancel: &CancellationToken) {
        if !self.setup.seeks_model {
            return;
        }
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            _ = self.found.get_or_init(|| self.find()) => {}
        }
    }

    async fn complete(&self, request: &Request, cancel: &CancellationToken) -> Result<Reply, ProviderError> {
        self.settle(cancel).await;
        let answer = async { self.call(request).await.map_err(|fault| self.error(&fault)) };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(self.error(&Fault::new(ErrorKind::Cancelled, ""))),
            answer = answer => answer,
        }
    }
}

#[cfg(test)]
mod tests;
