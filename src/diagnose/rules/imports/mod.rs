//! Modules that cannot be imported and files that cannot be collected.

mod circular;
mod hidden;
mod metadata;
mod missing;
mod relative;
mod removed;
mod syntax;

use super::Rule;

/// The rules of this family.
pub(super) const RULES: &[&dyn Rule] = &[
    &missing::missing_module,
    &circular::circular,
    &syntax::syntax,
    &removed::attribute,
    &relative::beyond,
    &metadata::not_installed,
    &hidden::not_a_package,
    &hidden::shadowed,
    &hidden::same_name,
];
