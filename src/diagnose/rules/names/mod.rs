//! Names that are not there: variables, attributes, imported names, keys.

mod attribute;
mod imported;
mod key;
mod space;
pub(super) mod variable;

pub(super) use attribute::attribute;
pub(super) use imported::imported;
pub(super) use key::key;
pub(super) use space::namespace;
pub(super) use variable::{unbound, variable};

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[&variable, &unbound, &attribute, &namespace, &imported, &key];
