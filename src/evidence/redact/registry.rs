//! The numbers that tell the secrets of a run apart.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher as _};

/// Most secrets whose placeholder is remembered.
const MAX_NUMBERED: usize = 100_000;

/// Digest of a secret within this process; never written anywhere.
pub fn hash(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(value);
    hasher.finish()
}

/// The shared state.
#[derive(Debug, Default)]
pub struct Registry {
    numbers: HashMap<u64, (String, u32)>,
    last: BTreeMap<String, u32>,
}

impl Registry {
    /// The kind and number of `secret`, which was just found as `kind`: those of its first occurrence.
    pub fn number(&mut self, secret: u64, kind: &str) -> (String, u32) {
        if let Some(found) = self.numbers.get(&secret) {
            return found.clone();
        }
        if self.numbers.len() >= MAX_NUMBERED {
            return (kind.to_owned(), 1);
        }
        let last = self.last.entry(kind.to_owned()).or_default();
        *last += 1;
        self.numbers.insert(secret, (kind.to_owned(), *last));
        (kind.to_owned(), *last)
    }
}
