//! Tests that did not fail: a set that stays small for millions of them.

use std::collections::{HashMap, HashSet};

use super::{Counts, Outcome, TestId};

/// Entries are sorted in when there are this many, or 1/[`SHARE`] of those already sorted if that is more: each is
/// then moved about `SHARE` times in all, and little memory is needed beside the entries themselves.
const UNSORTED: usize = 64 << 10;
const SHARE: usize = 16;
const OUTCOME: u64 = 7;

/// Tests that did not fail. Ids are kept as hashes of 61 bits unless names were asked for: eight bytes a test,
/// so that memory is bounded by the failures kept even for millions of passing tests.
#[derive(Debug, Clone, Default)]
pub struct TestOutcomes {
    /// An entry for each test, by hash.
    sorted: Vec<u64>,
    /// The newest entries, as they came. They replace those in `sorted`.
    unsorted: Vec<u64>,
    /// Files and folders that tests were recorded from.
    places: HashSet<u64>,
    last_file: String,
    /// Names with outcome and duration, when the reader was asked to keep them.
    pub named: Vec<(TestId, Outcome, Option<f64>)>,
    /// How often a test was run again in this run before it ended as it did, where it was; also of tests that
    /// failed in the end.
    pub reruns: HashMap<TestId, u32>,
}

impl TestOutcomes {
    /// Records that `test` ended without failure. The last record of a test counts.
    pub fn add(&mut self, test: &str, outcome: Outcome, duration: Option<f64>, keep_name: bool) {
        self.add_hashed(hash(test), test, outcome, duration, keep_name);
    }

    /// As [`TestOutcomes::add`], with the [`hash`] of `test` where it is known.
    pub(crate) fn add_hashed(
        &mut self,
        hashed: u64,
        test: &str,
        outcome: Outcome,
        duration: Option<f64>,
        keep_name: bool,
    ) {
        if self.unsorted.len() >= UNSORTED.max(self.sorted.len() / SHARE) {
            self.compact();
        }
        self.unsorted.push(hashed & !OUTCOME | u64::from(outcome.code()));
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
        let mut keys: Vec<u64> = tests.into_iter().map(|test| hash(test) & !OUTCOME).collect();
        if keys.is_empty() || self.is_empty() {
            return;
        }
        keys.sort_unstable();
        self.compact();
        let mut at = 0;
        self.sorted.retain(|entry| {
            while keys.get(at).is_some_and(|key| *key < entry & !OUTCOME) {
                at += 1;
            }
            keys.get(at).is_none_or(|key| *key != entry & !OUTCOME)
        });
        self.named.retain(|(name, ..)| keys.binary_search(&(hash(name.as_str()) & !OUTCOME)).is_err());
    }

    /// Whether `test` is known to have ended without failure.
    pub fn contains(&self, test: &str) -> bool {
        let key = hash(test) & !OUTCOME;
        let at = self.sorted.partition_point(|entry| entry & !OUTCOME < key);
        self.sorted.get(at).is_some_and(|entry| entry & !OUTCOME == key)
            || self.unsorted.iter().any(|entry| entry & !OUTCOME == key)
    }

    /// Whether a test of the file or folder `place` was recorded; the empty path is the whole project.
    pub fn has_tests_in(&self, place: &str) -> bool {
        self.places.contains(&hash(place))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.unsorted.is_empty() && self.sorted.is_empty()
    }

    /// Takes over all of `other` that is not known yet.
    pub fn extend(&mut self, mut other: Self) {
        let mut named: HashSet<TestId> = self.named.iter().map(|(test, ..)| test.clone()).collect();
        self.named.extend(other.named.drain(..).filter(|(test, ..)| named.insert(test.clone())));
        self.places.extend(other.places.drain());
        for (test, times) in other.reruns.drain() {
            self.reruns.entry(test).or_insert(times);
        }
        other.compact();
        self.compact();
        // What is known here comes last, so that it counts.
        let own = std::mem::replace(&mut self.sorted, other.sorted);
        merge(&mut self.sorted, &own);
    }

    /// Numbers by outcome.
    pub fn counts(&mut self) -> Counts {
        self.compact();
        let mut numbers = [0; 6];
        for entry in &self.sorted {
            if let Some(number) = numbers.get_mut((entry & OUTCOME) as usize) {
                *number += 1;
            }
        }
        let [passed, failed, errors, skipped, xfailed, xpassed] = numbers;
        Counts { passed, failed, errors, skipped, xfailed, xpassed, reruns: 0 }
    }

    /// Sorts the newest entries in.
    fn compact(&mut self) {
        let newer = sorted(&self.unsorted);
        // Its memory is not needed beside that of many sorted entries.
        self.unsorted = Vec::new();
        merge(&mut self.sorted, &newer);
    }
}

/// `entries` by hash. Of entries for one test the last stays behind the others.
fn sorted(entries: &[u64]) -> Vec<u64> {
    // By the first byte in one pass, which leaves a half of the comparisons.
    let bucket = |entry: u64| (entry >> 56) as usize;
    let mut starts = [0; 257];
    for entry in entries {
        starts[bucket(*entry) + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts;
    let mut out = vec![0; entries.len()];
    for entry in entries {
        let place = &mut next[bucket(*entry)];
        out[*place] = *entry;
        *place += 1;
    }
    for ends in starts.windows(2) {
        out[ends[0]..ends[1]].sort_by_key(|entry| entry & !OUTCOME);
    }
    out
}

/// Puts the entries of `newer` into `list`, in place; both are sorted. Of entries for one test the last counts.
fn merge(list: &mut Vec<u64>, newer: &[u64]) {
    let (mut left, mut right) = (list.len(), newer.len());
    list.reserve_exact(right);
    list.extend_from_slice(newer);
    // From the back, where there is room.
    while right > 0 && left > 0 {
        let entry = newer[right - 1];
        while left > 0 && list[left - 1] & !OUTCOME > entry & !OUTCOME {
            list[left + right - 1] = list[left - 1];
            left -= 1;
        }
        right -= 1;
        list[left + right] = entry;
    }
    list[..right].copy_from_slice(&newer[..right]);
    // Keeps the last of each test in the place of the first.
    list.dedup_by(|later, kept| {
        let same = (*later ^ *kept) & !OUTCOME == 0;
        if same {
            *kept = *later;
        }
        same
    });
}

/// A hash of `text` by folded multiplication (both halves of a 128-bit product, as in wyhash): as good as random
/// for texts that nobody chose to collide, and fast on the short texts that test ids are.
pub(crate) fn hash(text: &str) -> u64 {
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        (product as u64) ^ (product >> 64) as u64
    };
    let halves = |chunk: &[u8; 16]| {
        let both = u128::from_le_bytes(*chunk);
        (both as u64, (both >> 64) as u64)
    };
    let bytes = text.as_bytes();
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ bytes.len() as u64;
    let mut padded = [0; 16];
    // The last step takes the last sixteen bytes, some of them for the second time.
    let last = bytes.last_chunk().unwrap_or_else(|| {
        padded[..bytes.len()].copy_from_slice(bytes);
        &padded
    });
    for chunk in bytes[..bytes.len().saturating_sub(1)].as_chunks().0 {
        let (a, b) = halves(chunk);
        state = fold(a ^ state, b ^ 0xE703_7ED1_A0B4_28DB);
    }
    let (a, b) = halves(last);
    state = fold(a ^ state, b ^ 0x8EBC_6AF0_9C88_C6E3);
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
