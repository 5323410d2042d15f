//! Analyzer and critic: what a model is asked, and what is left of its answer when code has checked it.

pub mod answer;
pub mod loose;
