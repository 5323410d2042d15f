//! The entries of `--tb=line`: one line each, in the order of the run, that do not name their test.

use super::{Known, bare, kind_of, relative};
use crate::evidence::traceback;
use crate::ingest::console::session::Session;
use crate::model::{Detail, Failure, FailureKind, Phase, TestId};

/// Joins the entries of `--tb=line` with the failed tests.
pub(super) fn one_liners(session: &mut Session, known: &mut [Known], failures: &mut Vec<Failure>) {
    let entries = std::mem::take(&mut session.one_liners);
    let open: Vec<usize> = (0..known.len())
        .filter(|&index| !known[index].claimed && known[index].phase == Phase::Call)
        .collect();
    let told: Vec<&String> =
        entries.iter().filter(|text| !traceback::parse(text).exceptions.is_empty()).collect();
    let messages: Vec<&str> = open
        .iter()
        .map(|&index| {
            let message = known[index].message.lines().next().unwrap_or_default();
            message.strip_suffix("...").unwrap_or(message)
        })
        .collect();
    let positions = aligned(&messages, &told);
    for (&index, position) in open.iter().zip(positions) {
        let Some(position) = position else { continue };
        known[index].claimed = true;
        let mut failure = bare(known[index].clone());
        failure.kind = kind_of(told[position]);
        failure.text = told[position].as_str().into();
        failure.detail = Detail::Traceback;
        failures.push(failure);
    }
    if open.is_empty() {
        // Nothing names the tests: the file is all that is known.
        for text in told {
            let parsed = traceback::parse(text);
            let Some(path) = parsed.exceptions.last().and_then(|e| e.frames.last()).map(|f| f.path.clone())
            else {
                continue;
            };
            let mut failure =
                Failure::bare(TestId::new(&relative(&path, session.root.as_deref())), Phase::Call);
            failure.kind = FailureKind::Exception;
            failure.text = text.as_str().into();
            failure.detail = Detail::Traceback;
            failures.push(failure);
        }
    }
}

/// Which of the entries `told` belongs to which of the tests with these `messages` (empty where the summary had no
/// room for one), both in the order of the run. Some tests have no entry: what follows from the order alone is
/// joined, what could belong to two tests is not.
fn aligned(messages: &[&str], told: &[&String]) -> Vec<Option<usize>> {
    /// Entries that are searched for a message: a few may be missing, not many.
    const MAX_MISSING: usize = 64;
    if messages.len() == told.len() {
        return (0..told.len()).map(Some).collect();
    }
    let fits = |message: &str, at: usize| !message.is_empty() && told[at].contains(message);
    // The first way from the left and the first from the right: where they agree there is no other.
    let mut next = 0;
    let mut left = vec![None; messages.len()];
    for (index, message) in messages.iter().enumerate() {
        left[index] = (next..told.len().min(next + MAX_MISSING)).find(|&at| fits(message, at));
        next = left[index].map_or(next, |at| at + 1);
    }
    let mut end = told.len();
    let mut positions = vec![None; messages.len()];
    for (index, message) in messages.iter().enumerate().rev() {
        let right = (end.saturating_sub(MAX_MISSING)..end).rev().find(|&at| fits(message, at));
        end = right.unwrap_or(end);
        positions[index] = right.filter(|_| right == left[index]);
    }
    // Between two that are sure, as many entries as tests belong together in their order.
    let (mut from, mut first) = (0, 0);
    for index in 0..=messages.len() {
        let (sure, last) = match positions.get(index) {
            Some(None) => continue,
            Some(&Some(at)) => (at, index),
            None => (told.len(), messages.len()),
        };
        if sure >= first && sure - first == last - from {
            (from..last).zip(first..sure).for_each(|(index, at)| positions[index] = Some(at));
        }
        (from, first) = (last + 1, sure + 1);
    }
    positions
}

#[cfg(test)]
mod alignment {
    use super::aligned;

    #[test]
    fn entries_are_joined_where_their_order_settles_it() {
        // (messages, entries, positions)
        type Row = (&'static [&'static str], &'static [&'static str], &'static [Option<usize>]);
        let rows: &[Row] = &[
            (&["", "b"], &["x", "y"], &[Some(0), Some(1)]),
            // The second has no entry.
            (&["a", "none", "c"], &["a", "c"], &[Some(0), None, Some(1)]),
            // A test without a message between two that are sure, next to ones that look alike.
            (
                &["none", "key", "", "stock", "stock", "group"],
                &["key", "stock 1", "stock 2", "stock 3", "group"],
                &[None, Some(0), Some(1), Some(2), Some(3), Some(4)],
            ),
            // One of the two lacks its entry: which one is not told.
            (&["stock", "stock", "end"], &["stock 1", "end"], &[None, None, Some(1)]),
            (&["", "", "end"], &["x", "end"], &[None, None, Some(1)]),
            (&[], &["x"], &[]),
            (&["a"], &[], &[None]),
        ];
        for (messages, told, expected) in rows {
            let told: Vec<String> = told.iter().map(|text| (*text).to_owned()).collect();
            let told: Vec<&String> = told.iter().collect();
            assert_eq!(aligned(messages, &told), *expected, "{messages:?} {told:?}");
        }
    }
}
