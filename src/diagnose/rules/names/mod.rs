//! Names that are not there: variables, attributes, imported names, keys.

mod variable;

pub(super) use variable::{unbound, variable};
