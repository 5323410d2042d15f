//! The history of runs: what is recorded, what is made of it, and that nothing of it is lost.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the tests start what they test against")]

mod compare;
mod concurrency;
mod grades;
mod postgres;
#[path = "../support/python.rs"]
mod python;
mod record;
mod suite;
