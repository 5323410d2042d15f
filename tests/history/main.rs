//! The history of runs: what is recorded, what is made of it, and that nothing of it is lost.
#![expect(clippy::unwrap_used, reason = "tests")]

mod compare;
mod concurrency;
mod grades;
mod postgres;
mod record;
mod suite;
