//! Providers of language models: one small module per wire format, over one way to send a request.
//!
//! What is sent is [`Redacted`]; the only other thing that leaves is the provider's own key, to the provider's own
//! address. Nothing here publishes, and nothing here waits for ever: each call ends with an answer or with an
//! error that says why, within [`Limits::total`] from the moment it has a slot.

mod address;
mod anthropic;
pub mod choose;
mod circuit;
mod client;
mod clock;
pub mod error;
mod fault;
mod keys;
mod ollama;
mod openai;
mod ordered;
mod slots;
mod transport;
mod wait;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use choose::{Choice, NoProvider, Settings, choose};
pub use error::{ErrorKind, ProviderError};
pub use ordered::Ordered;

use crate::model::Redacted;

/// What a model is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The instructions.
    pub system: Redacted,
    /// The material and the question.
    pub user: Redacted,
    /// The form that the answer must have. Each provider is held to it by the strongest means it has; the answer
    /// may still break it.
    pub schema: Option<Schema>,
    /// 0 to 1; `None` for the provider's own. Left out, with a note, where the model rejects it.
    pub temperature: Option<f32>,
    /// Most tokens of the answer.
    pub max_tokens: u32,
}

/// A JSON Schema for the answer.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its name: letters, digits, `_` and `-`, at most 64.
    pub name: &'static str,
    /// An object schema. For the strict modes of the providers every property is in `required` and
    /// `additionalProperties` is false. Models answer in the order of its properties.
    pub json: Ordered,
}

/// What a model answered. The text is untrusted, and not redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub text: String,
    /// The model that answered, as the provider names it; often more exact than what was asked for.
    pub model: String,
    /// What it cost.
    pub usage: Usage,
    /// Why it ended.
    pub finish: Finish,
    /// What was done differently from what was asked, for the report.
    pub notes: Vec<String>,
}

/// Tokens of a call, as far as the provider says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, with those of its reasoning.
    pub output_tokens: Option<u64>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Finish {
    /// The model was done.
    Stop,
    /// [`Request::max_tokens`] was reached: the text is cut off.
    Length,
    /// The provider withheld it, or the model refused.
    Filter,
    /// Something else, or not said.
    #[default]
    Other,
}

/// Bounds of every call.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// From getting a slot to the answer, with all retries.
    pub total: Duration,
    /// Between two pieces of an answer that has begun.
    pub read: Duration,
    /// To connect.
    pub connect: Duration,
    /// Times a call is tried again after what may pass (a rate limit has its own wait, and does not count).
    pub retries: usize,
    /// The first wait before trying again; doubles each time, with jitter.
    pub first_wait: Duration,
    /// Most bytes of an answer, after decompression.
    pub max_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: Duration::from_mins(2),
            read: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            retries: 2,
            first_wait: Duration::from_millis(500),
            max_body: 8 << 20,
        }
    }
}

/// A provider with a model, ready to be asked. Calls may be made from many tasks at once: each waits for a slot,
/// and there are as many slots as the provider has shown to bear.
#[async_trait]
pub trait Provider: Send + Sync {
    /// `groq`, `openai`, `anthropic` or `ollama`.
    fn name(&self) -> &'static str;
    /// The model that is asked.
    fn model(&self) -> &str;
    /// Whether one prompt has to do, without a critic: small local models.
    fn single_pass(&self) -> bool;
    /// Whether it runs on this machine, so that nothing leaves it.
    fn is_local(&self) -> bool;
    /// Calls that it makes sense to have under way at once, by what the provider has shown so far.
    fn slots(&self) -> usize;
    /// Finds out which model is asked, where that is still open: [`Provider::model`] gives it afterwards. Sends no
    /// evidence, and is done by [`Provider::complete`] too.
    async fn settle(&self, _cancel: &CancellationToken) {}
    /// Asks. Ends at once with [`ErrorKind::Cancelled`] when `cancel` is cancelled; no further request is sent
    /// then.
    async fn complete(&self, request: &Request, cancel: &CancellationToken) -> Result<Reply, ProviderError>;
}

/// A provider shared between tasks.
pub type SharedProvider = Arc<dyn Provider>;
