//! Which provider is asked, and why: the one that is named, else the first that the environment speaks of, in the
//! order `OLLAMA_HOST`, `GROQ_API_KEY`, `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`.

use std::sync::Arc;

use super::address::Address;
use super::anthropic::Anthropic;
use super::client::{Client, Setup};
use super::clock::{Clock, Monotonic};
use super::keys::{self, Found, Ring};
use super::ollama::Ollama;
use super::openai::{Dialect, OpenAi};
use super::slots::Slots;
use super::transport::Http;
use super::wire::Wire;
use super::{Limits, SharedProvider};
use crate::system::System;
use crate::workspace::Config;

/// What the user has settled. Keys and addresses are no settings: they come from the environment, since a key that
/// follows the settings of a cloned repository is soon elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// `groq`, `openai`, `anthropic` or `ollama`; `None` to detect.
    pub provider: Option<String>,
    /// The model; `None` for the provider's default.
    pub model: Option<String>,
    /// Bounds of every call.
    pub limits: Limits,
}

impl Settings {
    /// The settings of a workspace, over which the command line has been put.
    pub fn of(config: &Config) -> Self {
        Self { provider: config.provider.clone(), model: config.model.clone(), limits: Limits::default() }
    }
}

/// A provider, and why it is this one.
#[derive(Clone)]
pub struct Choice {
    /// The provider.
    pub provider: SharedProvider,
    /// Where it answers: scheme, host and port.
    pub address: String,
    /// What decided, e.g. `GROQ_API_KEY is set`; no key.
    pub why: String,
    /// What the user may want to change.
    pub notes: Vec<String>,
}

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Choice")
            .field("provider", &self.provider.name())
            .field("model", &self.provider.model())
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

/// There is no provider to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no model can be asked: {reason}")]
pub struct NoProvider {
    /// Why, and what the user can do.
    pub reason: String,
}

/// A provider as it is known before anything is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Groq,
    OpenAi,
    Anthropic,
    Ollama,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Groq, Self::OpenAi, Self::Anthropic, Self::Ollama];

    fn name(self) -> &'static str {
        match self {
            Self::Groq => "groq",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Ollama => "ollama",
        }
    }

    fn default_model(self) -> &'static str {
        match self {
            Self::Groq => "llama-3.3-70b-versatile",
            Self::OpenAi => "gpt-4o",
            Self::Anthropic => "claude-haiku-4-5-20251001",
            Self::Ollama => "llama3.2",
        }
    }

    fn key_variable(self) -> &'static str {
        match self {
            Self::Groq => "GROQ_API_KEY",
            Self::OpenAi => "OPENAI_API_KEY",
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::Ollama => "OLLAMA_API_KEY",
        }
    }

    fn address_variable(self) -> &'static str {
        match self {
            Self::Groq => "GROQ_BASE_URL",
            Self::OpenAi => "OPENAI_BASE_URL",
            Self::Anthropic => "ANTHROPIC_BASE_URL",
            Self::Ollama => "OLLAMA_HOST",
        }
    }

    fn address(self, system: &System) -> Result<Address, NoProvider> {
        type Form = fn(&str) -> Result<Address, String>;
        let (form, otherwise): (Form, &str) = match self {
            Self::Groq => (Address::groq, "https://api.groq.com"),
            Self::OpenAi => (Address::openai, "https://api.openai.com/v1"),
            Self::Anthropic => (Address::anthropic, "https://api.anthropic.com"),
            Self::Ollama => (Address::ollama, "http://localhost:11434"),
        };
        let variable = self.address_variable();
        form(system.env(variable).unwrap_or(otherwise))
            .map_err(|error| NoProvider { reason: format!("{variable}: {error}") })
    }
}

/// Chooses a provider. Sends nothing, but may ask the key ring of the operating system for a short while: not for
/// an async task.
///
/// # Errors
/// When no provider is named and none has a key, or the named one lacks what it needs.
pub fn choose(settings: &Settings, system: &System) -> Result<Choice, NoProvider> {
    choose_with(settings, system, &keys::os_ring(system))
}

/// Like [`choose`], with the key ring to ask.
pub fn choose_with(settings: &Settings, system: &System, ring: &Ring<'_>) -> Result<Choice, NoProvider> {
    let broken = |reason| NoProvider { reason };
    let Some(name) = &settings.provider else { return detect(settings, system, ring) };
    let wanted = name.trim().to_ascii_lowercase();
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == wanted)
        .ok_or_else(|| broken("the provider must be groq, openai, anthropic or ollama".to_owned()))?;
    let why = "it was chosen".to_owned();
    if kind == Kind::Ollama {
        return build(kind, None, why, settings, system);
    }
    let variable = kind.key_variable();
    let key = keys::find(kind.name(), variable, system, ring).map_err(broken)?;
    if key.is_none() && !works_without_key(kind, system) {
        return Err(NoProvider {
            reason: format!(
                "{} was chosen and has no key; set {variable}, or {variable}_FILE to the path of a file that holds it",
                kind.name()
            ),
        });
    }
    build(kind, key, why, settings, system)
}

/// Servers of one's own behind an OpenAI-compatible address often want no key.
fn works_without_key(kind: Kind, system: &System) -> bool {
    kind == Kind::OpenAi && system.env(kind.address_variable()).is_some()
}

fn detect(settings: &Settings, system: &System, ring: &Ring<'_>) -> Result<Choice, NoProvider> {
    let broken = |reason| NoProvider { reason };
    if system.env("OLLAMA_HOST").is_some() {
        return build(Kind::Ollama, None, "OLLAMA_HOST is set".to_owned(), settings, system);
    }
    let with_keys = [Kind::Groq, Kind::OpenAi, Kind::Anthropic];
    for kind in with_keys {
        if let Some(found) = keys::find_in_environment(kind.key_variable(), system).map_err(broken)? {
            let why = if found.origin == kind.key_variable() {
                format!("{} is set", found.origin)
            } else {
                format!("{}_FILE is set", kind.key_variable())
            };
            return build(kind, Some(found), why, settings, system);
        }
    }
    if works_without_key(Kind::OpenAi, system) {
        return build(Kind::OpenAi, None, "OPENAI_BASE_URL is set".to_owned(), settings, system);
    }
    for kind in with_keys {
        if let Some(found) = keys::find(kind.name(), kind.key_variable(), system, ring).map_err(broken)? {
            let why = format!("its key is in the key ring ({}/{})", keys::RING_SERVICE, kind.name());
            return build(kind, Some(found), why, settings, system);
        }
    }
    Err(NoProvider {
        reason: "there is no key; set GROQ_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY, or run Ollama and choose it \
                 with --provider=ollama or OLLAMA_HOST"
            .to_owned(),
    })
}

/// Most characters of a model's name.
const LONGEST_NAME: usize = 200;

fn build(
    kind: Kind,
    key: Option<Found>,
    why: String,
    settings: &Settings,
    system: &System,
) -> Result<Choice, NoProvider> {
    let mut address = kind.address(system)?;
    let mut notes = Vec::new();
    let named = settings.model.as_deref().map(str::trim).filter(|model| !model.is_empty());
    let of_environment = (kind == Kind::Ollama).then(|| system.env("OLLAMA_MODEL")).flatten();
    let model = named.or(of_environment).unwrap_or(kind.default_model()).to_owned();
    if model.len() > LONGEST_NAME || model.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(NoProvider { reason: "the name of the model holds spaces or is too long".to_owned() });
    }
    // A key for Ollama's own cloud has no business on this machine.
    let key = match key {
        None if kind == Kind::Ollama && !address.is_loopback() => {
            keys::find_in_environment(kind.key_variable(), system).map_err(|reason| NoProvider { reason })?
        }
        key => key,
    };
    if let Some(found) = &key {
        address = address.without_credentials();
        notes.extend(found.note.clone());
        if address.is_open() {
            notes.push(format!(
                "the key goes to {} without encryption; give {} an https address",
                address.shown(),
                kind.address_variable()
            ));
        }
    }
    let is_theirs = address.host() == "api.openai.com" || address.host().ends_with(".api.openai.com");
    let is_compatible = kind == Kind::OpenAi && !is_theirs;
    let wire: Box<dyn Wire> = match kind {
        Kind::Groq => Box::new(OpenAi { dialect: Dialect::Groq }),
        Kind::OpenAi if is_theirs => Box::new(OpenAi { dialect: Dialect::OpenAi }),
        Kind::OpenAi => Box::new(OpenAi { dialect: Dialect::Compatible }),
        Kind::Anthropic => Box::new(Anthropic),
        Kind::Ollama => Box::new(Ollama),
    };
    let is_local = address.is_loopback();
    let mut limits = settings.limits.clone();
    if is_local {
        // A model on a small machine writes a few words a second.
        limits.total *= 5;
        limits.read *= 5;
    }
    let clock: Arc<dyn Clock> = Arc::new(Monotonic::default());
    let slots = if kind == Kind::Ollama {
        let number = system.env("OLLAMA_NUM_PARALLEL").and_then(|text| text.parse().ok()).unwrap_or(1);
        Slots::fixed(number.min(64), Arc::clone(&clock))
    } else if is_local {
        Slots::tried(Arc::clone(&clock))
    } else {
        Slots::adaptive(Arc::clone(&clock))
    };
    let is_default = named.is_none() && of_environment.is_none();
    let seeks_model = is_default && is_compatible;
    let why = if seeks_model {
        format!("{why}; no model is chosen: the only one that the server offers is asked, else {model}")
    } else {
        why
    };
    let setup = Setup {
        name: kind.name(),
        is_default,
        seeks_model,
        model,
        single_pass: kind == Kind::Ollama,
        key: key.map(|found| (found.key, found.origin)),
        limits,
        slots,
        address,
    };
    let transport = Arc::new(Http::new(&setup.address, &setup.limits, system));
    let address = setup.address.shown();
    let provider = Arc::new(Client::new(setup, wire, transport, clock, system));
    Ok(Choice { provider, address, why, notes })
}
