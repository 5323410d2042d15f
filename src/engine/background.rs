//! Work that nobody waits for, on one thread that gets out of the way of all others.

use std::sync::mpsc;

use crate::system;

type Work = Box<dyn FnOnce() + Send>;

/// Takes work off in its order. The thread is started with the first of it and ends after this value.
#[derive(Debug, Default)]
pub struct Background(Option<mpsc::Sender<Work>>);

impl Background {
    /// Does `work` when all before it is done. It is dropped if no thread can be had.
    pub fn run(&mut self, work: impl FnOnce() + Send + 'static) {
        let work: Work = Box::new(work);
        let left = match &self.0 {
            Some(thread) => thread.send(work).err().map(|error| error.0),
            None => Some(work),
        };
        let Some(work) = left else { return };
        // There is no thread yet, or its work broke.
        let (sender, inbox) = mpsc::channel::<Work>();
        let thread = std::thread::Builder::new().name("background".to_owned()).spawn(move || {
            system::give_way();
            for work in inbox {
                work();
            }
        });
        if let Err(error) = thread {
            tracing::error!("there is no thread for work in the background: {error}");
        } else if sender.send(work).is_ok() {
            self.0 = Some(sender);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_in_order_and_goes_on_after_some_that_broke() {
        let (done, seen) = mpsc::channel();
        let mut background = Background::default();
        for n in 0..3 {
            let done = done.clone();
            background.run(move || {
                let _ = done.send(n);
            });
        }
        assert_eq!(seen.iter().take(3).collect::<Vec<_>>(), [0, 1, 2]);
        let (ended, end) = mpsc::channel::<()>();
        background.run(move || {
            let _held = ended;
            std::panic::panic_any("broken on purpose");
        });
        // It ends when the thread has let go of what it held.
        assert!(end.recv().is_err());
        while background.0.as_ref().is_some_and(|thread| thread.send(Box::new(|| ())).is_ok()) {
            std::thread::yield_now();
        }
        background.run(move || {
            let _ = done.send(7);
        });
        assert_eq!(seen.recv(), Ok(7));
    }
}
