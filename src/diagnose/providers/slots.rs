//! How many calls may be under way, and how soon one may follow another: what a provider bears is found out by
//! asking it. Additive increase and multiplicative decrease (Chiu and Jain, 1989), of the number of calls when
//! the provider is overloaded and of their rate when it limits that. A server on this machine refuses nothing: it lets
//! calls wait. There the number of calls is doubled as long as more answers come in a time.

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
/// How it shrinks once it is near the gap that was last too small, as in CUBIC (RFC 9438): a limit is met less often.
const LITTLE_LESS: f64 = 0.999;
const NEAR: f64 = 1.02;
/// The largest gap.
const MAX_GAP: Duration = Duration::from_secs(10);
/// How many times as many answers must come in a time when twice as many calls are under way, for that to be of use.
const WORTH_IT: f64 = 1.3;
/// After so many answers for each slot it is tried again whether more are of use.
const TRY_AGAIN: usize = 20;

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
    /// The gap that was last too small.
    too_small: Duration,
    /// When `gap` or `limit` was last changed for the worse: what was sent before says nothing new.
    changed: Duration,
    /// When an answer last came.
    answered: Duration,
    /// Calls that wait for a slot.
    waiting: usize,
    /// How it is found out what a server on this machine bears; `None` for the others.
    trial: Option<Trial>,
}

/// How many answers come in a time with so many slots.
#[derive(Debug, Clone, Copy, Default)]
struct Trial {
    /// When it was begun to count.
    began: Duration,
    /// Answers, from when the number of slots was last changed.
    answers: usize,
    /// The number of slots before, and the answers a second with them.
    before: Option<(usize, f64)>,
    /// Answers until more is tried, after it was of no use.
    rest: usize,
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

    /// Slots of a server on this machine, of which it is not known how many calls it works on at once.
    pub fn tried(clock: Arc<dyn Clock>) -> Self {
        let slots = Self::new(1, MOST, clock);
        slots.state().trial = Some(Trial::default());
        slots
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
            too_small: Duration::ZERO,
            changed: now,
            answered: now,
            waiting: 0,
            trial: None,
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
        /// Counts a call that waits, until it does not any more.
        struct Waiting<'a>(&'a Slots);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.state().waiting -= 1;
            }
        }
        self.state().waiting += 1;
        let waiting = Waiting(self);
        // It is never closed.
        let permit = self.semaphore.acquire().await.ok();
        drop(waiting);
        Slot { slots: self, permit }
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
        let is_near = state.gap <= state.too_small.mul_f64(NEAR);
        state.gap = state.gap.mul_f64(if is_near { LITTLE_LESS } else { LESS });
        if state.gap < FIRST_GAP {
            state.gap = Duration::ZERO;
        }
        if let Some(trial) = state.trial {
            let wanted = self.after(trial, &mut state);
            self.resize(&mut state, wanted);
            return;
        }
        state.answers += 1;
        // Slowly up to where it was too much before, and more slowly beyond.
        let needed = if state.limit + 1 >= state.ceiling { state.limit * 10 } else { state.limit };
        if state.answers >= needed && state.limit < self.most {
            state.answers = 0;
            let more = state.limit + 1;
            self.resize(&mut state, more);
        }
    }

    /// The number of slots that is right after one more answer.
    fn after(&self, mut trial: Trial, state: &mut State) -> usize {
        let (now, limit) = (state.answered, state.limit);
        let mut wanted = limit;
        trial.answers += 1;
        if trial.rest > 0 {
            trial.rest -= 1;
            trial.answers = 0;
        } else if state.waiting == 0 || trial.answers <= limit {
            // With nobody waiting nothing can be found out; and the first answers are to earlier calls, or wait for
            // the server to get ready.
            trial.answers = trial.answers.min(limit);
            trial.began = now;
        } else if trial.answers >= limit + counted(limit) {
            let rate =
                (trial.answers - limit) as f64 / (now.saturating_sub(trial.began)).as_secs_f64().max(1e-3);
            trial.answers = 0;
            match trial.before {
                Some((before, earlier)) if rate < earlier * WORTH_IT => {
                    wanted = before;
                    trial.before = None;
                    trial.rest = before * TRY_AGAIN;
                }
                _ => {
                    wanted = (limit * 2).min(self.most);
                    trial.before = Some((limit, rate));
                    if wanted == limit {
                        trial.rest = usize::MAX;
                    }
                }
            }
        }
        state.trial = Some(trial);
        wanted
    }

    /// Makes it so many slots; those too many go when they are given back.
    fn resize(&self, state: &mut State, wanted: usize) {
        if wanted < state.limit {
            state.excess += state.limit - wanted;
        } else {
            let more = wanted - state.limit;
            let kept = more.min(state.excess);
            state.excess -= kept;
            self.semaphore.add_permits(more - kept);
        }
        state.limit = wanted;
    }

    /// A request sent at `sent` met a rate limit, and none is to follow for `wait`.
    pub fn limited(&self, sent: Duration, wait: Duration) {
        let mut state = self.state();
        let now = self.clock.now();
        // Who limits the rate says so, and need not be found out about.
        if state.trial.take().is_some() {
            let more = state.limit.max(FIRST).min(self.most);
            self.resize(&mut state, more);
        }
        if sent >= state.changed {
            state.too_small = state.gap;
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
        state.trial = None;
        if sent >= state.changed {
            let limit = (state.limit * 3).div_ceil(4).min(state.limit - 1).max(1);
            state.ceiling = state.limit;
            self.resize(&mut state, limit);
            state.answers = 0;
            state.changed = self.clock.now();
        }
    }
}

/// Answers that are counted before it is judged how many come in a time: they often come in bursts of as many as the
/// server works on, so that few say little. To begin with it matters more to get on.
fn counted(limit: usize) -> usize {
    if limit < 8 { limit.max(2) } else { limit * 2 }
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
