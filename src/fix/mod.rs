//! Fixes: their edits applied to texts, and tried on a throw-away copy of the workspace, which itself is never
//! written.
//!
//! [`search::search`] looks for one where no rule proposes any. [`verify::try_fix`] tries one fix; [`verify::Trial`] tries several of one workspace and remembers what fails
//! without them; [`all::verify`] tries those of a whole analysis.

pub mod all;
pub mod change;
pub mod copy;
pub mod ran;
pub mod reach;
pub mod search;
pub mod verify;
