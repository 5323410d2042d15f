//! The history of runs, and what it says of each test.
//!
//! | module | what it holds |
//! |---|---|
//! | [`stability`] | the definition of grades, flakiness and verdicts |
//! | [`beta`] | intervals |
//! | [`pack`] | how a run's tests are packed |

pub mod baseline;
pub mod beta;
pub mod context;
pub mod life;
pub mod pack;
pub mod recording;
pub mod session;
pub mod simulate;
pub mod stability;
pub mod store;
pub mod summary;
pub mod target;
pub mod why;
