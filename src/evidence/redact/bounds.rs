//! What keeps hostile input linear: bounds on how much is read and how often something is tried.

use super::bytes;

/// Bounds how many bytes are read after keywords to a multiple of the length of the text, which keeps hostile input
/// linear: nested and overlapping values are each read to their end.
#[derive(Debug)]
pub struct Fuel {
    /// Bytes that may still be read; below zero after a long look.
    left: isize,
    at: usize,
    /// Bytes that were read in vain.
    pub spent: usize,
}

impl Default for Fuel {
    fn default() -> Self {
        Self { left: Self::RESERVE, at: 0, spent: 0 }
    }
}

impl Fuel {
    /// Bytes that may be read for each byte of text. Ordinary text takes less than one.
    pub const RATE: isize = 3;
    /// What a look costs besides the bytes that are read.
    pub const LOOK: usize = 24;
    /// Most bytes that can be saved up.
    pub const RESERVE: isize = 128 << 10;

    /// Whether something may be looked at that stands at `at`.
    pub fn suffices(&mut self, at: usize) -> bool {
        let gained = at.saturating_sub(self.at) as isize * Self::RATE;
        self.left = (self.left + gained).min(Self::RESERVE);
        self.at = self.at.max(at);
        self.left > 0
    }

    /// Takes off what a look at `bytes` bytes costs.
    pub fn spend(&mut self, bytes: usize) {
        self.left -= bytes as isize;
        self.spent += bytes;
    }
}

/// Bounds how often something is tried within one run of text without blanks, which keeps hostile input linear.
#[derive(Debug, Default)]
pub struct Attempts {
    until: usize,
    left: u32,
}

impl Attempts {
    /// Attempts within one run before it is left alone.
    const MOST: u32 = 12;
    /// Longest run that is measured at once.
    const LONGEST: usize = 4096;

    pub fn allow(&mut self, text: &[u8], at: usize, mask: u16) -> bool {
        if at >= self.until {
            self.until = bytes::run_end(text, at, mask, Self::LONGEST).max(at + 1);
            self.left = Self::MOST;
        }
        // Short runs are what real text consists of.
        if self.until - at < 512 && self.left == Self::MOST {
            return true;
        }
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }
}
