//! Calls that do not fit what is called.

mod arguments;
mod awaiting;
mod callable;
mod decorated;
mod reused;

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[
    &arguments::arguments,
    &awaiting::not_awaited,
    &awaiting::not_awaitable,
    &awaiting::future_not_awaited,
    &callable::not_callable,
    &decorated::gives_nothing,
    &reused::awaited_again,
];
