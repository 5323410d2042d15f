//! Tells generated tokens from words and identifiers.
//!
//! The measure is a log-likelihood ratio: how much less probable the token's pairs of characters are in
//! identifiers and words than in a uniformly random string over the token's own alphabet. `bigrams.txt`
//! holds the costs of pairs, counted over the identifiers of the Python standard library: 64 rows and columns
//! in the order `a–z A–Z 0–9 _ -`, each a character of the same order for sixths of a nat.

use std::sync::LazyLock;

use super::bytes::{self, DIGIT, HEX_LOWER, HEX_UPPER, LOWER, UPPER};

static COSTS: LazyLock<Box<[f32; 64 * 64]>> = LazyLock::new(|| {
    let mut table = Box::new([0.0; 64 * 64]);
    for (row, line) in include_str!("bigrams.txt").lines().take(64).enumerate() {
        for (column, cost) in line.bytes().take(64).enumerate() {
            table[row * 64 + column] = f32::from(index(cost).min(63)) / 6.0;
        }
    }
    table
});

const fn index(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => byte - b'a',
        b'A'..=b'Z' => byte - b'A' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'_' => 62,
        b'-' => 63,
        _ => OTHER,
    }
}

/// The index of bytes that the table of costs has none for.
const OTHER: u8 = 64;

static INDEX: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = index(byte as u8);
        byte += 1;
    }
    table
};

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// Bytes.
    pub len: usize,
    /// Digits.
    pub digits: usize,
    /// Lower-case letters.
    pub lower: usize,
    /// Upper-case letters.
    pub upper: usize,
    /// Whether all bytes are hexadecimal digits, letters of one case.
    pub hex: bool,
    /// Different bytes.
    pub distinct: u32,
    /// Log-likelihood ratio in nats: above zero, random is the better explanation.
    pub score: f32,
}

impl Shape {
    /// Measures `token`, of which no more than 256 bytes are looked at.
    pub fn of(token: &[u8]) -> Self {
        let token = &token[..token.len().min(256)];
        let costs = &COSTS;
        let (mut cost, mut pairs) = (0.0, 0_u16);
        let mut seen = [0_u64; 4];
        // How often each class occurs, twelve bits each: 256 bytes at the most, so that none runs over.
        let mut counts = 0_u64;
        let mut last = OTHER;
        for &byte in token {
            let class = bytes::classes_of(byte);
            let bit = |mask: u16| u64::from(class & mask != 0);
            counts += bit(LOWER)
                | bit(UPPER) << 12
                | bit(DIGIT) << 24
                | bit(HEX_LOWER) << 36
                | bit(HEX_UPPER) << 48;
            seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
            let index = INDEX[byte as usize];
            if index != OTHER && last != OTHER {
                cost += costs[usize::from(last) * 64 + usize::from(index)];
                pairs += 1;
            }
            last = index;
        }
        let count = |at: u32| (counts >> at & 0xFFF) as usize;
        let (lower, upper, digits) = (count(0), count(12), count(24));
        let (hex_lower, hex_upper) = (count(36), count(48));
        let distinct = seen.iter().map(|s| s.count_ones()).sum();
        let len = token.len();
        let hex = len > 0 && (digits + hex_lower == len || digits + hex_upper == len);
        let letters: f32 = match (lower > 0, upper > 0) {
            (true, true) => 52.0,
            _ if hex => 6.0,
            (false, false) => 0.0,
            _ => 26.0,
        };
        let alphabet = (letters + if digits > 0 { 10.0 } else { 0.0 }).max(2.0).ln();
        let score = cost - f32::from(pairs) * alphabet;
        Self { len, digits, lower, upper, hex, distinct, score }
    }

    /// Whether the token repeats too few characters to be generated (`aaaaaaaa`, `12121212`).
    pub fn is_monotonous(&self) -> bool {
        (self.distinct as usize) < 6.min(self.len) && self.len >= 8
    }

    /// Whether the token is more probably random than not: fit for values in a secret's context.
    pub fn is_likely_random(&self) -> bool {
        self.len >= 8 && !self.is_monotonous() && self.digits < self.len && self.score > 2.0
    }

    /// Whether the token is random enough to be taken for a secret near a weak context.
    pub fn is_random(&self) -> bool {
        self.len >= 16 && !self.is_monotonous() && self.digits < self.len && self.score > 6.0
    }
}

/// Whether `token` has the form of a UUID.
pub fn is_uuid(token: &[u8]) -> bool {
    token.len() == 36
        && token
            .iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

/// Whether `token` holds letters as well as digits.
pub fn is_mixed(token: &[u8]) -> bool {
    token.iter().any(u8::is_ascii_digit) && token.iter().any(u8::is_ascii_alphabetic)
}
