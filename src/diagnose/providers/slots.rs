//! How many calls may be under way, and how soon one may follow another: what a provider bears is found out by
//! asking it. Additive increase and multiplicative decrease (Chiu and Jain, 1989), of the number of calls when
//! the provider is overloaded and of their rate when it limits that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::clock::Clock;

/// Calls to a provider elsewhere before anything is known.
const FIRST: usize = 8;
/// Most calls under way.
const MOST: usize = 32;
/// The first gap between requests after a rate limit was met, and the least that counts.
const FIRST_GAP: Duration = Duration::from_millis(5);
/// How the gap grows with each limit that is met, and shrinks with each answer. Of the values that were tried on the
/// servers of the tests these waste the least time.
const MORE: f64 = 1.1;
const LESS: f64 = 0.99;
/// The largest gap.
const MAX_GAP: Duration = Duration::from_secs(10);

/// The slots of one provider.
pub struct Slots {
    clock: Arc<dyn Clock>,
    semaphore: Semaphore,
    /// Turns were moved.
    rearranged: Notify,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Slots there are; those above it that are still in use go when they are given back.
    limit: usize,
    /// The limit that was last too much.
    ceiling: usize,
    /// Slots to take away when they are given back.
    excess: usize,
    /// Answers since the last change of `limit`.
    answers: usize,
    /// When the next request may be sent.
    next: Duration,
    /// The time between two requests.
    gap: Duration,
    /// When `gap` or `limit` was last changed for the worse: what was sent before says nothing new.
    changed: Duration,
    /// When an answer last came.
    answered: Duration,
}

/// A slot. Given back when it is dropped.
pub struct Slot<'a> {
    slots: &'a Slots,
    permit: Option<SemaphorePermit<'a>>,
}

impl Slots {
    /// Slots of a provider elsewhere.
    pub fn adaptive(clock: Arc<dyn Clock>) -> Self {
        Self::new(FIRST, MOST, clock)
    }

    /// A fixed number of slots, for a server that works on so many calls at once.
    pub fn fixed(number: usize, clock: Arc<dyn Clock>) -> Self {
        Self::new(number.max(1), number.max(1), clock)
    }

    fn new(first: usize, most: usize, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let state = State {
            limit: first,
            ceiling: usize::MAX,
            excess: 0,
            answers: 0,
            next: now,
            gap: Duration::ZERO,
            changed: now,
            answered: now,
        };
        Self {
            clock,
            semaphore: Semaphore::new(first),
            rearranged: Notify::new(),
            most,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Slots there are now.
    pub fn limit(&self) -> usize {
        self.state().limit
    }

    /// Waits for a slot; first come, first served.
    pub async fn acquire(&self) -> Slot<'_> {
        // It is never closed.
        Slot { slots: self, permit: self.semaphore.acquire().await.ok() }
    }

    /// Waits until a request may be sent; gives the time at which it is.
    pub async fn turn(&self) -> Duration {
        loop {
            // Made before the state is looked at, so that no change after it goes by unnoticed.
            let changed = self.rearranged.notified();
            let (turn, now) = {
                let mut state = self.state();
                let now = self.clock.now();
                let turn = state.next.max(now);
                state.next = turn + state.gap;
                (turn, now)
            };
            if turn <= now {
                return now;
            }
            tokio::select! {
                () = self.clock.sleep_until(turn) => return turn,
                // All that wait for their turn are given a new one.
                () = changed => {}
            }
        }
    }

    /// When an answer last came.
    pub fn last_answer(&self) -> Duration {
        self.state().answered
    }

    /// An answer came.
    pub fn answered(&self) {
        let mut state = self.state();
        state.answered = self.clock.now();
        state.gap = state.gap.mul_f64(LESS);
        if state.gap < FIRST_GAP {
            state.gap = Duration::ZERO;
        }
        state.answers += 1;
        // Slowly up to where it was too much before, and more slowly beyond.
        let needed = if state.limit + 1 >= state.ceiling { state.limit * 10 } else { state.limit };
        if state.answers >= needed && state.limit < self.most {
            state.answers = 0;
            state.limit += 1;
            if state.excess > 0 {
                state.excess -= 1;
            } else {
                self.semaphore.add_permits(1);
            }
        }
    }

    /// A request sent at `sent` met a rate limit, and none is to follow for `wait`.
    pub fn limited(&self, sent: Duration, wait: Duration) {
        let mut state = self.state();
        let now = self.clock.now();
        if sent >= state.changed {
            state.gap = state.gap.mul_f64(MORE).clamp(FIRST_GAP, MAX_GAP);
            state.changed = now;
        }
        state.next = now + wait;
        drop(state);
        self.rearranged.notify_waiters();
    }

    /// A request sent at `sent` found the provider overloaded.
    pub fn overloaded(&self, sent: Duration) {
        let mut state = self.state();
        if sent >= state.changed {
            let limit = (state.limit * 3 / 4).max(1);
            state.ceiling = state.limit;
            state.excess += state.limit - limit;
            state.limit = limit;
            state.answers = 0;
            state.changed = self.clock.now();
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        if state.excess > 0
            && let Some(permit) = self.permit.take()
        {
            state.excess -= 1;
            permit.forget();
        }
    }
}
