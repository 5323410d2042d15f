//! How much may be asked: calls and tokens, of one run and of a day. What is under way counts as if it were spent.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::system::System;

/// Seconds of a day; days begin at midnight UTC.
const DAY: f64 = 86_400.0;

/// The bounds; `None` for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Calls of one run.
    pub calls: Option<u64>,
    /// Tokens of one run, of prompts and answers.
    pub tokens: Option<u64>,
    /// Calls of a day.
    pub daily_calls: Option<u64>,
    /// Tokens of a day.
    pub daily_tokens: Option<u64>,
}

/// What is left of the bounds.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    /// Where the day's calls are noted, if a bound wants it.
    ledger: Option<PathBuf>,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    calls: u64,
    tokens: u64,
    /// Calls that are allowed and not made yet or under way, and their tokens as estimated.
    reserved: (u64, u64),
    /// Of the day before this run began.
    earlier: (u64, u64),
}

/// Calls that were allowed. Each is settled when it has been made; those that are left are given back when the ticket
/// is dropped.
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    budget: Arc<Budget>,
    calls: u64,
    /// Tokens of each, as estimated.
    estimate: u64,
}

impl Ticket {
    /// Calls that are left.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Takes note of what a call has cost; of what it was estimated at if that is not known. A call that was never
    /// sent has cost nothing.
    pub fn settle(&mut self, tokens: Option<u64>, sent: bool) {
        if self.calls == 0 {
            return;
        }
        self.calls -= 1;
        self.budget.settle(self.estimate, tokens, sent);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        for _ in 0..self.calls {
            self.budget.settle(self.estimate, None, false);
        }
    }
}

impl Budget {
    /// The budget of a run that begins now.
    pub fn new(limits: Limits, system: &System) -> Arc<Self> {
        let daily = limits.daily_calls.is_some() || limits.daily_tokens.is_some();
        let day = (system.unix_now() / DAY) as u64;
        let ledger = system
            .state_dir()
            .filter(|_| daily)
            .map(|state| state.join("usage").join(format!("day-{day}.txt")));
        let earlier =
            ledger.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).map(|text| sum(&text));
        let spent = Spent { earlier: earlier.unwrap_or_default(), ..Spent::default() };
        Arc::new(Self { limits, ledger, spent: Mutex::new(spent) })
    }

    fn spent(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allows so many calls of about so many tokens each, or says which bound is reached.
    pub fn reserve(self: &Arc<Self>, wanted: u64, estimate: u64) -> Result<Ticket, String> {
        let mut spent = self.spent();
        let calls = spent.calls + spent.reserved.0 + wanted;
        let tokens = spent.tokens + spent.reserved.1 + wanted * estimate;
        let bounds = [
            (self.limits.calls, calls, "calls", "of one run (`aiBudgetCalls`)"),
            (self.limits.tokens, tokens, "tokens", "of one run (`aiBudgetTokens`)"),
            (self.limits.daily_calls, calls + spent.earlier.0, "calls", "a day (`aiBudgetDailyCalls`)"),
            (self.limits.daily_tokens, tokens + spent.earlier.1, "tokens", "a day (`aiBudgetDailyTokens`)"),
        ];
        for (limit, wanted, what, whose) in bounds {
            if let Some(limit) = limit.filter(|limit| wanted > *limit) {
                return Err(format!("the budget of {limit} {what} {whose} is spent"));
            }
        }
        spent.reserved.0 += wanted;
        spent.reserved.1 += wanted * estimate;
        Ok(Ticket { budget: Arc::clone(self), calls: wanted, estimate })
    }

    /// Whether nothing was asked in this run so far.
    pub fn is_untouched(&self) -> bool {
        let spent = self.spent();
        spent.calls == 0 && spent.reserved.0 == 0
    }

    fn settle(&self, estimate: u64, tokens: Option<u64>, sent: bool) {
        let tokens = if sent { tokens.unwrap_or(estimate) } else { 0 };
        {
            let mut spent = self.spent();
            spent.reserved.0 = spent.reserved.0.saturating_sub(1);
            spent.reserved.1 = spent.reserved.1.saturating_sub(estimate);
            spent.tokens += tokens;
            spent.calls += u64::from(sent);
        }
        if sent {
            self.note(tokens);
        }
    }

    /// Adds a call to the day's ledger: one short line, appended at once, so that two processes lose nothing.
    fn note(&self, tokens: u64) {
        let Some(path) = &self.ledger else { return };
        let folder = path.parent().map(std::fs::create_dir_all);
        let open = std::fs::OpenOptions::new().append(true).create(true).open(path);
        let mut line = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(line, "1 {tokens}");
        if folder.is_none_or(|made| made.is_err())
            || open.and_then(|mut file| file.write_all(line.as_bytes())).is_err()
        {
            tracing::warn!("the day's use of models cannot be noted in {}", path.display());
        }
    }
}

/// Calls and tokens of a ledger; a line that was cut off counts as a call.
fn sum(ledger: &str) -> (u64, u64) {
    ledger.lines().fold((0, 0), |(calls, tokens), line| {
        let mut numbers = line.split_whitespace().map(|word| word.parse::<u64>().unwrap_or_default());
        (
            calls + numbers.next().unwrap_or(1).min(1),
            tokens.saturating_add(numbers.next().unwrap_or_default()),
        )
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn system(state: &std::path::Path, day: u64) -> System {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400 + 5);
        System::fixed(now, [("XDG_STATE_HOME".to_owned(), state.display().to_string())], state.into())
    }

    #[test]
    fn bounds_of_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { calls: Some(2), tokens: Some(100), ..Limits::default() };
        let budget = Budget::new(limits, &system(dir.path(), 1));
        let mut first = budget.reserve(1, 60).unwrap();
        assert!(budget.reserve(1, 60).unwrap_err().contains("100 tokens"), "what is under way counts");
        first.settle(Some(10), true);
        drop(budget.reserve(1, 60).unwrap());
        budget.reserve(1, 60).unwrap().settle(None, false);
        budget.reserve(1, 60).unwrap().settle(None, true);
        assert!(budget.reserve(1, 1).unwrap_err().contains("2 calls"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is noted that no bound wants");
    }

    #[test]
    fn calls_that_belong_together_are_allowed_together_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { calls: Some(5), ..Limits::default() };
        let budget = Budget::new(limits, &system(dir.path(), 1));
        assert!(budget.is_untouched());
        let mut pairs = [budget.reserve(2, 0).unwrap(), budget.reserve(2, 0).unwrap()];
        assert!(!budget.is_untouched() && budget.reserve(2, 0).is_err());
        pairs[0].settle(None, true);
        assert!(budget.reserve(2, 0).is_err(), "the second call of each is still to come");
        // The second of this one is not made.
        drop(pairs);
        let _ = budget.reserve(2, 0).unwrap();
        assert_eq!(budget.spent().calls, 1);
    }

    #[test]
    fn bounds_of_a_day_hold_over_runs_and_end_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { daily_calls: Some(3), daily_tokens: Some(1000), ..Limits::default() };
        for run in 0..3 {
            let budget = Budget::new(limits, &system(dir.path(), 7));
            budget.reserve(1, 5).unwrap().settle(Some(100 + run), true);
        }
        let error = Budget::new(limits, &system(dir.path(), 7)).reserve(1, 5).unwrap_err();
        assert!(error.contains("3 calls a day"), "{error}");
        let _ = Budget::new(limits, &system(dir.path(), 8)).reserve(1, 5).unwrap();
        let tokens = Limits { daily_tokens: Some(303), ..Limits::default() };
        assert!(Budget::new(tokens, &system(dir.path(), 7)).reserve(1, 1).is_err());
    }
}
