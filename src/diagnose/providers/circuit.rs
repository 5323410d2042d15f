//! What one call found out about a provider spares the others: when the key is refused there is no point in having
//! it refused a thousand times.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::ErrorKind;
use super::fault::Fault;

/// Calls in a row that have to fail by time or overload before no more are made for a while.
const IN_A_ROW: u32 = 3;

/// What is known of a provider that cannot be asked now.
#[derive(Debug, Default)]
pub struct Circuit {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open: Option<(Duration, Fault)>,
}

impl Circuit {
    /// Why no call is to be made at `now`, if none is.
    pub fn check(&self, now: Duration) -> Option<Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, fault) = state.open.as_ref()?;
        let left = until.saturating_sub(now);
        if left.is_zero() {
            state.open = None;
            return None;
        }
        let mut fault = fault.clone();
        if let ErrorKind::RateLimited { retry_after } = &mut fault.kind {
            *retry_after = Some(left);
        }
        Some(fault)
    }

    /// A call succeeded.
    pub fn succeeded(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// A call failed for good at `now`.
    pub fn failed(&self, fault: &Fault, now: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = match &fault.kind {
            ErrorKind::Refused { .. }
            | ErrorKind::NoSuchModel { .. }
            | ErrorKind::QuotaSpent
            | ErrorKind::Redirected
            | ErrorKind::Setup => Duration::from_secs(30),
            // A server that is being started is there in a moment.
            ErrorKind::Unreachable { .. } => Duration::from_secs(5),
            ErrorKind::RateLimited { .. } => fault.wait.unwrap_or(Duration::from_secs(5)),
            ErrorKind::TimedOut { .. } | ErrorKind::Overloaded { .. } | ErrorKind::Interrupted => {
                state.failures += 1;
                if state.failures < IN_A_ROW {
                    return;
                }
                Duration::from_secs(30)
            }
            _ => return,
        };
        state.open = Some((now + pause, fault.clone()));
    }
}
