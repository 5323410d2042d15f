//! Why a model could not be asked: what was being done, to whom, and what the user can do.

use std::fmt;
use std::time::Duration;

use crate::model::Redacted;

/// A call that failed. Its text names the provider and the model, and never holds a key.
#[derive(Debug, Clone, thiserror::Error)]
#[error("asking {provider} ({model}): {kind}{}", Detail(.detail))]
pub struct ProviderError {
    /// The provider's name.
    pub provider: &'static str,
    /// The model that was asked.
    pub model: String,
    /// What went wrong.
    pub kind: ErrorKind,
    /// What the provider or the network said, bounded; may be empty.
    pub detail: Redacted,
}

impl ProviderError {
    /// Whether the same call may succeed later without anybody doing anything.
    pub fn retryable(&self) -> bool {
        self.kind.retryable()
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection.
    Unreachable {
        /// Where to, without path, query and credentials.
        address: String,
    },
    /// The answer did not come, or not completely, in the time there was.
    TimedOut {
        /// The time there was.
        after: Duration,
    },
    /// The key was refused, or may not do this.
    Refused {
        /// Where the key came from, e.g. `GROQ_API_KEY`; `None` if there is none.
        key: Option<String>,
    },
    /// The model is not offered (any more).
    NoSuchModel {
        /// What the provider offers, as far as it says.
        offered: Vec<Redacted>,
    },
    /// Too many requests or tokens in a time.
    RateLimited {
        /// When the provider may be asked again.
        retry_after: Option<Duration>,
    },
    /// The account's credit or allowance is used up: waiting does not help.
    QuotaSpent,
    /// The provider has too much to do, or a fault of its own.
    Overloaded {
        /// HTTP status.
        status: u16,
    },
    /// The prompt does not fit into the model's context.
    TooLong,
    /// The provider did not understand or accept the request.
    BadRequest {
        /// HTTP status.
        status: u16,
    },
    /// The connection broke off in the middle of the answer.
    Interrupted,
    /// The answer is not what the provider's interface promises.
    BadAnswer,
    /// The address sends elsewhere; the key does not go there.
    Redirected,
    /// The call was cancelled.
    Cancelled,
    /// Requests cannot be made at all, e.g. a certificate file that cannot be read.
    Setup,
}

impl ErrorKind {
    /// Whether the same call may succeed later without anybody doing anything.
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::RateLimited { .. }
                | Self::Overloaded { .. }
                | Self::Interrupted
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address } => {
                write!(
                    f,
                    "{address} cannot be reached; check the network, the proxy and that the server runs"
                )
            }
            Self::TimedOut { after } => write!(f, "no complete answer within {} s", seconds(*after)),
            Self::Refused { key: Some(key) } => write!(f, "the key was refused; check {key}"),
            Self::Refused { key: None } => f.write_str("it wants a key and there is none"),
            Self::NoSuchModel { offered } if offered.is_empty() => {
                f.write_str("it does not offer this model; choose another with --model")
            }
            Self::NoSuchModel { offered } => {
                f.write_str("it does not offer this model; choose another with --model: ")?;
                for (index, model) in offered.iter().enumerate() {
                    write!(f, "{}{model}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::RateLimited { retry_after: Some(after) } => {
                write!(f, "its rate limit is reached; it takes requests again in {} s", seconds(*after))
            }
            Self::RateLimited { retry_after: None } => {
                f.write_str("its rate limit is reached; try again later")
            }
            Self::QuotaSpent => {
                f.write_str("the account's credit or allowance is used up; see the provider's billing page")
            }
            Self::Overloaded { status } => write!(f, "it is overloaded or out of order (HTTP {status})"),
            Self::TooLong => f.write_str(
                "the prompt is longer than the model's context; lower --max-log-size or choose another model",
            ),
            Self::BadRequest { status } => write!(f, "it rejected the request (HTTP {status})"),
            Self::Interrupted => f.write_str("the connection broke off before the answer was complete"),
            Self::BadAnswer => f.write_str("its answer could not be understood"),
            Self::Redirected => {
                f.write_str("its address sends elsewhere, and the key does not go there; check the base URL")
            }
            Self::Cancelled => f.write_str("cancelled"),
            Self::Setup => f.write_str("no request can be made"),
        }
    }
}

/// Seconds for people: never 0, at most one decimal.
fn seconds(time: Duration) -> String {
    let tenths = time.as_millis().div_ceil(100).max(1);
    if tenths.is_multiple_of(10) || tenths >= 100 {
        tenths.div_ceil(10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

struct Detail<'a>(&'a Redacted);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " ({})", self.0) }
    }
}
