//! Which failures are the same failure.

pub mod fingerprint;
pub mod grouping;
pub mod normalise;
mod shared;
