//! Time as calls see it: it only goes forward, and tests let it pass.

use std::time::Duration;

use async_trait::async_trait;

/// A clock. Its times are since some moment of its own.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Duration;
    /// Waits until it is `time`.
    async fn sleep_until(&self, time: Duration);
}

/// The machine's clock.
#[derive(Debug)]
pub struct Monotonic(tokio::time::Instant);

impl Default for Monotonic {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

#[async_trait]
impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep_until(&self, time: Duration) {
        tokio::time::sleep_until(self.0 + time).await;
    }
}
