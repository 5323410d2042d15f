//! Calls that do not fit what is called.

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[];
