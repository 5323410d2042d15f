//! Modules that cannot be imported and files that cannot be collected.

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[];
