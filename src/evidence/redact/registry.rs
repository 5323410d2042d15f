//! The numbers that tell the secrets of a run apart.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::kind::Kind;

/// Most secrets whose placeholder is remembered.
const MAX_NUMBERED: usize = 100_000;

/// Digest of a secret within this process; never written anywhere.
pub fn hash(value: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut sum = value.len() as u64;
    let (chunks, rest) = value.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    for chunk in chunks.iter().chain([&last]) {
        // Both halves of the product, so that every bit of what was read counts.
        let product = u128::from(sum ^ u64::from_le_bytes(*chunk)) * u128::from(FACTOR);
        sum = (product as u64 ^ (product >> 64) as u64).rotate_left(23).wrapping_add(FACTOR);
    }
    sum
}

/// Hashes digests and windows, which are numbers of 64 bits, by one multiplication.
#[derive(Debug, Default, Clone, Copy)]
pub struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }
}

/// A map from such numbers.
pub type Numbers<T> = HashMap<u64, T, BuildHasherDefault<NumberHasher>>;

/// The shared state.
#[derive(Debug, Default)]
pub struct Registry {
    numbers: Numbers<(Kind, u32)>,
    last: BTreeMap<Kind, u32>,
}

impl Registry {
    /// The kind and number of `secret`, which was just found as `kind`: those of its first occurrence.
    pub fn number(&mut self, secret: u64, kind: Kind) -> (Kind, u32) {
        if let Some(found) = self.numbers.get(&secret) {
            return *found;
        }
        if self.numbers.len() >= MAX_NUMBERED {
            return (kind, 1);
        }
        let last = self.last.entry(kind).or_default();
        *last += 1;
        self.numbers.insert(secret, (kind, *last));
        (kind, *last)
    }
}
