//! The same work for many things on all processors. What is made does not depend on how many there are.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most threads besides the caller's.
const MAX_HELPERS: usize = 7;
/// Fewest things that are worth a thread.
const LEAST: usize = 4;
/// Stack of a thread, in bytes: as much as a main thread has.
const STACK: usize = 8 << 20;

/// Does `work` for each of `items`, in any order, and `meanwhile` at the same time on the caller's thread, which
/// then helps with what is left.
pub(crate) fn beside<T: Sync, R>(items: &[T], work: impl Fn(&T) + Sync, meanwhile: impl FnOnce() -> R) -> R {
    let next = AtomicUsize::new(0);
    let work_off = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(item);
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let helpers = (processors - 1).min(items.len() / LEAST).min(MAX_HELPERS);
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            let helper = std::thread::Builder::new().name("analysis".to_owned()).stack_size(STACK);
            // Without another thread the caller's does it all.
            if helper.spawn_scoped(scope, work_off).is_err() {
                break;
            }
        }
        let result = meanwhile();
        work_off();
        result
    })
}

/// What `work` makes of each of `items`, in their order.
pub(crate) fn map<T: Sync, R: Send + Sync>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    map_beside(items, work, || ())
}

/// Like [`map`], with something else to do `meanwhile`, see [`beside`].
pub(crate) fn map_beside<T: Sync, R: Send + Sync>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    meanwhile: impl FnOnce(),
) -> Vec<R> {
    let jobs: Vec<(&T, OnceLock<R>)> = items.iter().map(|item| (item, OnceLock::new())).collect();
    beside(&jobs, |(item, made)| drop(made.set(work(item))), meanwhile);
    // Each is made once, so none is left out.
    jobs.into_iter().filter_map(|(_, made)| made.into_inner()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_nothing_is_left_out() {
        for length in [0, 1, 3, 4, 9, 1000] {
            let items: Vec<usize> = (0..length).collect();
            let expected: Vec<usize> = items.iter().map(|n| n * n).collect();
            assert_eq!(map(&items, |n| n * n), expected, "{length}");
        }
    }

    #[test]
    fn all_is_done_when_it_returns() {
        let items: Vec<usize> = (1..=100).collect();
        let sum = AtomicUsize::new(0);
        let add = |n: &usize| {
            sum.fetch_add(*n, Ordering::Relaxed);
        };
        assert_eq!(beside(&items, add, || "answer"), "answer");
        assert_eq!(sum.into_inner(), 5050);
    }
}
