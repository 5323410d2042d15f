//! Tests that did not fail: a set that stays small for millions of them.

use std::collections::HashSet;

use super::{Counts, Outcome, TestId};

/// Entries that are not sorted yet are looked through one by one, so there are few.
const UNSORTED: usize = 4096;
const OUTCOME: u64 = 7;

/// Tests that did not fail. Ids are kept as hashes of 61 bits unless names were asked for: eight bytes a test,
/// so that memory is bounded by the failures kept even for millions of passing tests.
#[derive(Debug, Clone, Default)]
pub struct TestOutcomes {
    /// Sorted lists of entries, each less than half as long as the one before: a binary counter of merged
    /// lists (Bentley and Saxe's logarithmic method). An entry in a later list replaces one in an earlier.
    lists: Vec<Vec<u64>>,
    /// The newest entries, as they came.
    unsorted: Vec<u64>,
    /// Files and folders that tests were recorded from.
    places: HashSet<u64>,
    last_file: String,
    /// Names with outcome and duration, when the reader was asked to keep them.
    pub named: Vec<(TestId, Outcome, Option<f64>)>,
}

impl TestOutcomes {
    /// Records that `test` ended without failure. The last record of a test counts.
    pub fn add(&mut self, test: &str, outcome: Outcome, duration: Option<f64>, keep_name: bool) {
        self.unsorted.push(hash(test) & !OUTCOME | code(outcome));
        if self.unsorted.len() >= UNSORTED {
            self.sort();
        }
        let same_file = test.strip_prefix(&*self.last_file).is_some_and(|rest| rest.starts_with("::"));
        if !same_file && let Some((file, _)) = test.split_once("::") {
            self.last_file.clear();
            self.last_file.push_str(file);
            let mut place = file;
            // The folders above are known if the place is.
            while self.places.insert(hash(place)) {
                place = place.rsplit_once('/').map_or("", |(folder, _)| folder);
            }
        }
        if keep_name {
            self.named.push((TestId::new(test), outcome, duration));
        }
    }

    /// Takes `tests` back, where they are known.
    pub fn remove<'t>(&mut self, tests: impl IntoIterator<Item = &'t str>) {
        let keys: HashSet<u64> = tests.into_iter().map(|test| hash(test) & !OUTCOME).collect();
        if keys.is_empty() || self.is_empty() {
            return;
        }
        for list in self.lists.iter_mut().chain([&mut self.unsorted]) {
            list.retain(|entry| !keys.contains(&(entry & !OUTCOME)));
        }
        self.named.retain(|(name, ..)| !keys.contains(&(hash(name.as_str()) & !OUTCOME)));
    }

    /// Whether `test` is known to have ended without failure.
    pub fn contains(&self, test: &str) -> bool {
        let key = hash(test) & !OUTCOME;
        let known = |list: &Vec<u64>| {
            let at = list.partition_point(|entry| entry & !OUTCOME < key);
            list.get(at).is_some_and(|entry| entry & !OUTCOME == key)
        };
        self.unsorted.iter().any(|entry| entry & !OUTCOME == key) || self.lists.iter().any(known)
    }

    /// Whether a test of the file or folder `place` was recorded; the empty path is the whole project.
    pub fn has_tests_in(&self, place: &str) -> bool {
        self.places.contains(&hash(place))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.unsorted.is_empty() && self.lists.iter().all(Vec::is_empty)
    }

    /// Takes over all of `other` that is not known yet.
    pub fn extend(&mut self, mut other: Self) {
        let mut named: HashSet<TestId> = self.named.iter().map(|(test, ..)| test.clone()).collect();
        self.named.extend(other.named.drain(..).filter(|(test, ..)| named.insert(test.clone())));
        self.places.extend(other.places.drain());
        other.compact();
        self.compact();
        // What is known here comes last, so that it counts.
        let own = self.lists.pop().unwrap_or_default();
        let theirs = other.lists.pop().unwrap_or_default();
        self.lists.push(merged(theirs, &own));
    }

    /// Numbers by outcome.
    pub fn counts(&mut self) -> Counts {
        self.compact();
        let mut numbers = [0; 6];
        for entry in self.lists.iter().flatten() {
            if let Some(number) = numbers.get_mut((entry & OUTCOME) as usize) {
                *number += 1;
            }
        }
        let [passed, failed, errors, skipped, xfailed, xpassed] = numbers;
        Counts { passed, failed, errors, skipped, xfailed, xpassed, reruns: 0 }
    }

    fn sort(&mut self) {
        if self.unsorted.is_empty() {
            return;
        }
        // Stable, so that of entries for one test the last stays behind the others.
        self.unsorted.sort_by_key(|entry| entry & !OUTCOME);
        let mut list = merged(self.unsorted.clone(), &[]);
        self.unsorted.clear();
        while self.lists.last().is_some_and(|last| last.len() < list.len() * 2) {
            list = merged(self.lists.pop().unwrap_or_default(), &list);
        }
        self.lists.push(list);
    }

    fn compact(&mut self) {
        self.sort();
        while self.lists.len() > 1 {
            let (Some(newer), Some(older)) = (self.lists.pop(), self.lists.pop()) else { break };
            self.lists.push(merged(older, &newer));
        }
    }
}

/// One sorted list of both sorted lists, made in place; of entries for one test the last counts.
fn merged(mut older: Vec<u64>, newer: &[u64]) -> Vec<u64> {
    let (mut left, mut right) = (older.len(), newer.len());
    older.reserve_exact(right);
    older.extend_from_slice(newer);
    // From the back, where there is room.
    while right > 0 {
        let to = left + right - 1;
        if left > 0 && older[left - 1] & !OUTCOME > newer[right - 1] & !OUTCOME {
            older[to] = older[left - 1];
            left -= 1;
        } else {
            older[to] = newer[right - 1];
            right -= 1;
        }
    }
    let mut kept = 0;
    for at in 0..older.len() {
        if kept > 0 && (older[kept - 1] ^ older[at]) & !OUTCOME == 0 {
            kept -= 1;
        }
        older[kept] = older[at];
        kept += 1;
    }
    older.truncate(kept);
    older
}

fn code(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Passed => 0,
        Outcome::Failed => 1,
        Outcome::Error => 2,
        Outcome::Skipped => 3,
        Outcome::Xfailed => 4,
        Outcome::Xpassed => 5,
    }
}

/// A hash of `text` by folded multiplication (both halves of a 128-bit product, as in wyhash): as good as random
/// for texts that nobody chose to collide, and fast on the short texts that test ids are.
pub(crate) fn hash(text: &str) -> u64 {
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        (product as u64) ^ (product >> 64) as u64
    };
    let word = |bytes: &[u8]| {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(padded)
    };
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ text.len() as u64;
    let mut chunks = text.as_bytes().chunks_exact(16);
    for chunk in &mut chunks {
        let (a, b) = chunk.split_at(8);
        state = fold(word(a) ^ state, word(b) ^ 0xE703_7ED1_A0B4_28DB);
    }
    let rest = chunks.remainder();
    let (a, b) = rest.split_at(rest.len().min(8));
    state = fold(word(a) ^ state, word(b) ^ 0x8EBC_6AF0_9C88_C6E3);
    fold(state ^ 0x5899_65CC_7537_4CC3, 0x1D8E_4E27_C47D_124F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_tests() {
        let mut outcomes = TestOutcomes::default();
        for n in 0..10_000 {
            let outcome = if n % 10 == 0 { Outcome::Skipped } else { Outcome::Passed };
            outcomes.add(&format!("t/a{}.py::t{n}", n % 7), outcome, None, false);
        }
        // Again, with another outcome.
        for n in (0..10_000).step_by(10) {
            outcomes.add(&format!("t/a{}.py::t{n}", n % 7), Outcome::Xfailed, None, false);
        }
        assert!(outcomes.contains("t/a3.py::t3") && outcomes.contains("t/a3.py::t9999"));
        assert!(!outcomes.contains("t/a3.py::t4"));
        assert!(outcomes.has_tests_in("t/a3.py") && outcomes.has_tests_in("t") && outcomes.has_tests_in(""));
        assert!(!outcomes.has_tests_in("t/a7.py"));
        let removed = ["t/a3.py::t3", "t/a3.py::t9999", "none"];
        outcomes.remove(removed);
        assert!(!outcomes.contains("t/a3.py::t3") && !outcomes.contains("t/a3.py::t9999"));
        let counts = outcomes.counts();
        assert_eq!((counts.passed, counts.skipped, counts.xfailed), (8998, 0, 1000));
        assert!(outcomes.contains("t/a1.py::t1") && outcomes.contains("t/a2.py::t9998"));
    }

    #[test]
    fn what_is_known_stays() {
        let mut first = TestOutcomes::default();
        first.add("a::x", Outcome::Skipped, None, true);
        let mut second = TestOutcomes::default();
        second.add("a::x", Outcome::Passed, None, true);
        second.add("a::y", Outcome::Passed, Some(1.0), true);
        first.extend(second);
        let counts = first.counts();
        assert_eq!((counts.passed, counts.skipped, first.named.len()), (1, 1, 2));
    }
}
