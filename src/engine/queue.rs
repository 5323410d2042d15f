//! One job running, one waiting, however many are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells a running job to stop early. Jobs look at it between files.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for the end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The queue of one folder's jobs. `R` is what those who asked get when it is done.
#[derive(Debug)]
pub struct Queue<R> {
    running: Option<(Cancel, Vec<R>)>,
    waiting: Option<Vec<R>>,
}

impl<R> Default for Queue<R> {
    fn default() -> Self {
        Self { running: None, waiting: None }
    }
}

impl<R> Queue<R> {
    /// Asks for a job that sees everything that has happened so far. A job that already runs may have missed
    /// the last of it, so the request is met by the next one.
    pub fn ask(&mut self, reply: Option<R>) {
        self.waiting.get_or_insert_default().extend(reply);
    }

    /// The job to start now, if one is wanted and none runs.
    pub fn start(&mut self) -> Option<Cancel> {
        if self.running.is_some() {
            return None;
        }
        let replies = self.waiting.take()?;
        let cancel = Cancel::default();
        self.running = Some((cancel.clone(), replies));
        Some(cancel)
    }

    /// Takes note that the running job has ended, and gives those who waited for it.
    pub fn done(&mut self) -> Vec<R> {
        self.running.take().map(|(_, replies)| replies).unwrap_or_default()
    }

    /// Asks the running job to stop.
    pub fn cancel(&self) {
        if let Some((cancel, _)) = &self.running {
            cancel.cancel();
        }
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_none()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_two_jobs() {
        let mut queue = Queue::default();
        queue.ask(Some(0));
        assert!(queue.start().is_some());
        for n in 1..=50 {
            queue.ask(Some(n));
            assert!(queue.start().is_none(), "one at a time");
        }
        assert_eq!(queue.done(), vec![0]);
        assert!(queue.start().is_some(), "the rest is one job");
        assert_eq!(queue.done(), (1..=50).collect::<Vec<_>>());
        assert!(queue.start().is_none());
        assert!(queue.is_idle());
    }

    #[test]
    fn cancelling_reaches_the_running_job_only() {
        let mut queue: Queue<()> = Queue::default();
        queue.cancel();
        queue.ask(None);
        let first = queue.start().unwrap();
        queue.ask(None);
        queue.cancel();
        assert!(first.is_cancelled());
        queue.done();
        assert!(!queue.start().unwrap().is_cancelled());
    }
}
