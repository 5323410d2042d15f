//! How the tests of a run are packed: a *roster* of names, which most runs share with the one before and which is
//! stored once, and beside it five bytes a test for how each ended and how long it took.
//!
//! Numbers of variable length are LEB128. A roster is its tests in order, each as the length of the beginning
//! it shares with the name before, the length of the rest, and the rest. Results are, in the order of the
//! roster, a byte each ([`Entry::code`]), then 0 or 1 for whether durations follow, then these as
//! little-endian `f32` seconds (negative: not known), then pairs of index and number of reruns.

use crate::model::{Outcome, Phase};

/// Most tests of one roster; a damaged number must not allocate the memory of the machine.
const MAX_TESTS: usize = 5_000_000;

/// How one test ended in one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The outcome.
    pub outcome: Outcome,
    /// A bit for each phase that failed: setup 1, call 2, teardown 4.
    pub phases: u8,
    /// Seconds.
    pub duration: Option<f32>,
    /// How often it was run again before it ended so.
    pub reruns: u32,
}

/// The bit of a phase in [`Entry::phases`].
pub fn phase_bit(phase: Phase) -> u8 {
    match phase {
        Phase::Collect => 0,
        Phase::Setup => 1,
        Phase::Call => 2,
        Phase::Teardown => 4,
    }
}

impl Entry {
    /// One byte: the outcome in the low three bits, then the phases.
    fn code(&self) -> u8 {
        self.outcome.code() | (self.phases & 7) << 3
    }

    fn of_code(code: u8) -> Option<Self> {
        let outcome = *Outcome::ALL.get(usize::from(code & 7))?;
        Some(Self { outcome, phases: code >> 3 & 7, duration: None, reruns: 0 })
    }

    /// Whether it failed unexpectedly.
    pub fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed | Outcome::Error)
    }
}

/// Packs names, which must be sorted.
pub fn roster<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut before: &[u8] = b"";
    for name in names {
        let name = name.as_bytes();
        let shared = before.iter().zip(name).take_while(|(a, b)| a == b).count();
        number(&mut out, shared as u64);
        number(&mut out, (name.len() - shared) as u64);
        out.extend_from_slice(&name[shared..]);
        before = name;
    }
    out
}

/// Unpacks names; `None` if the bytes are damaged.
pub fn names(mut packed: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut before: Vec<u8> = Vec::new();
    while !packed.is_empty() {
        let shared = usize::try_from(take_number(&mut packed)?).ok()?;
        let rest = usize::try_from(take_number(&mut packed)?).ok()?;
        if shared > before.len() || rest > packed.len() || names.len() >= MAX_TESTS {
            return None;
        }
        before.truncate(shared);
        let (head, tail) = packed.split_at(rest);
        before.extend_from_slice(head);
        packed = tail;
        names.push(String::from_utf8(before.clone()).ok()?);
    }
    Some(names)
}

/// Packs the entries of a roster's tests, in its order.
pub fn results(entries: &[Entry]) -> Vec<u8> {
    let timed = entries.iter().any(|entry| entry.duration.is_some());
    let mut out = Vec::with_capacity(entries.len() * if timed { 5 } else { 1 } + 1);
    out.extend(entries.iter().map(Entry::code));
    out.push(u8::from(timed));
    if timed {
        for entry in entries {
            out.extend_from_slice(&entry.duration.unwrap_or(-1.0).to_le_bytes());
        }
    }
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.reruns > 0) {
        number(&mut out, index as u64);
        number(&mut out, u64::from(entry.reruns));
    }
    out
}

/// Unpacks the entries of `count` tests; `None` if the bytes are damaged.
pub fn entries(packed: &[u8], count: usize) -> Option<Vec<Entry>> {
    let codes = packed.get(..count)?;
    let mut entries: Vec<Entry> = codes.iter().map(|code| Entry::of_code(*code)).collect::<Option<_>>()?;
    let mut rest = &packed[count..];
    let (timed, after) = rest.split_first()?;
    rest = after;
    if *timed == 1 {
        let bytes = rest.get(..count.checked_mul(4)?)?;
        rest = &rest[count * 4..];
        for (entry, bytes) in entries.iter_mut().zip(bytes.as_chunks::<4>().0) {
            entry.duration =
                Some(f32::from_le_bytes(*bytes)).filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        }
    }
    while !rest.is_empty() {
        let index = usize::try_from(take_number(&mut rest)?).ok()?;
        let reruns = take_number(&mut rest)?;
        entries.get_mut(index)?.reruns = u32::try_from(reruns).unwrap_or(u32::MAX);
    }
    Some(entries)
}

/// The same results without durations: what is kept of old runs.
pub fn compacted(packed: &[u8], count: usize) -> Option<Vec<u8>> {
    let mut entries = entries(packed, count)?;
    for entry in &mut entries {
        entry.duration = None;
    }
    Some(results(&entries))
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_number(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let outcome = prop_oneof![
            Just(Outcome::Passed),
            Just(Outcome::Failed),
            Just(Outcome::Error),
            Just(Outcome::Skipped),
            Just(Outcome::Xfailed),
            Just(Outcome::Xpassed)
        ];
        (outcome, 0u8..8, proptest::option::of(0f32..1e6), 0u32..300)
            .prop_map(|(outcome, phases, duration, reruns)| Entry { outcome, phases, duration, reruns })
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            names_in in proptest::collection::btree_set(".{0,40}", 0..60),
            list in proptest::collection::vec(entry(), 0..60),
        ) {
            let packed = roster(names_in.iter().map(String::as_str));
            prop_assert_eq!(names(&packed).unwrap(), names_in.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(entries(&results(&list), list.len()).unwrap(), list);
        }

        #[test]
        fn damaged_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), count in 0usize..400) {
            let _ = names(&bytes);
            let _ = entries(&bytes, count);
            let _ = compacted(&bytes, count);
        }
    }
}
