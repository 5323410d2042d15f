//! Analyzer and critic: what a model is asked, and what is left of its answer when code has checked it.
//!
//! | file | what it does |
//! |---|---|
//! | [`dossier`] | the evidence of one cause, numbered, redacted for providers |
//! | [`prompt`] | the questions, from versioned templates |
//! | [`loose`], [`answer`] | reading what came back, field by field |
//! | [`claims`], [`ground`], [`edits`] | looking up what it claims; striking what is not there |
//! | [`conclude`] | the model's diagnosis, or the offline one with the reason |
//! | [`cache`], [`budget`], [`tally`] | earlier answers, bounds, numbers |
//! | [`asking`] | all causes at once, until done or cancelled |
//!
//! What a model writes is untrusted, and so is what tests print: no field of an answer is shown that code has not
//! looked up, and nothing here runs anything.

pub mod answer;
pub mod asking;
pub mod budget;
pub mod cache;
pub mod claims;
pub mod conclude;
pub mod dossier;
pub mod edits;
pub mod ground;
pub mod loose;
pub mod prompt;
pub mod tally;

pub use asking::{Agents, Heard, Round};
pub use budget::Budget;
pub use cache::Cache;
pub use tally::Spent;
