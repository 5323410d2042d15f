//! Which provider is asked, and why: the one that is named, else the first for which there is a key.

use super::{Limits, SharedProvider};
use crate::system::System;
use crate::workspace::Config;

/// What the user has settled. Keys and addresses are no settings: they come from the environment.
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
    /// What decided, e.g. ``GROQ_API_KEY is set``; no key.
    pub why: String,
}

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Choice")
            .field("provider", &self.provider.name())
            .field("model", &self.provider.model())
            .field("why", &self.why)
            .finish()
    }
}

/// There is no provider to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no model is asked: {reason}")]
pub struct NoProvider {
    /// Why, and what the user can do.
    pub reason: String,
}

/// Chooses a provider. Sends nothing, but may ask the key ring of the operating system for a short while: not for
/// an async task.
pub fn choose(settings: &Settings, system: &System) -> Result<Choice, NoProvider> {
    let _ = (settings, system);
    Err(NoProvider { reason: "no provider can be asked by this version yet".to_owned() })
}
