//! Fixtures that are missing or misused.

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[];
