//! Analyzer and critic: what a model is asked, and what is left of its answer when code has checked it.

pub mod answer;
pub mod claims;
pub mod conclude;
pub mod dossier;
pub mod edits;
pub mod ground;
pub mod loose;
pub mod prompt;
