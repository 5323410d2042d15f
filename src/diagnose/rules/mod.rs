//! The offline rules, one file per family.

mod abstracts;
mod arithmetic;
mod assertions;
mod calls;
mod constant;
mod databases;
pub(super) mod edits;
mod environment;
pub(super) mod fixtures;
mod formats;
mod given;
mod groups;
mod imports;
mod marks;
mod misuse;
mod mocks;
mod names;
mod near;
#[cfg(test)]
mod near_misses;
mod none;
mod outcome;
mod patching;
mod plain;
mod protocols;
pub(super) mod python_names;
mod raised;
mod raises;
mod settings;
mod spot;
mod startup;
mod state;
#[cfg(test)]
mod testing;
mod types;

use super::Finding;
use super::case::{self, Case};
use crate::model::{Category, Detail, Severity};

/// A rule: says what is wrong when the evidence settles it, and stays silent otherwise.
pub trait Rule: Sync {
    /// Looks at a cluster.
    fn examine(&self, case: &Case<'_>) -> Option<Finding>;
}

/// A function is a rule.
impl<F: Fn(&Case<'_>) -> Option<Finding> + Sync> Rule for F {
    fn examine(&self, case: &Case<'_>) -> Option<Finding> {
        self(case)
    }
}

/// All rules.
pub fn all() -> &'static [&'static dyn Rule] {
    &[
        &outcome::strict_xpass,
        &outcome::crash,
        &startup::refused,
        &startup::hook_arguments,
        &outcome::internal,
        &outcome::subtests,
        &outcome::doctest,
        &outcome::parametrize,
        &marks::unknown,
        &misuse::not_requested,
        &misuse::no_argument,
        &misuse::returns,
        &misuse::asserts_tuple,
        &misuse::did_not_warn,
        &misuse::same_name,
        &outcome::failed_on_purpose,
        &groups::group,
        &mocks::calls,
        &mocks::exhausted,
        &mocks::unconfigured,
        &misuse::below_level,
        &protocols::unequal,
        &protocols::unhashable,
        &protocols::unordered,
        &protocols::no_iterator,
        &protocols::wrong_context,
        &protocols::mutable_default,
        &plain::field_order,
        &plain::frozen,
        &plain::future,
        &plain::no_assertion,
        &plain::added_path,
        &plain::cached_argument,
        &plain::process_bytes,
        &abstracts::instantiated,
        &abstracts::not_overridden,
        &databases::refused,
        &databases::order,
        &formats::not_json,
        &formats::not_serialisable,
        &formats::delimiter,
        &patching::no_such_target,
        &patching::not_in_spec,
        &patching::elsewhere,
        &patching::swapped,
        &patching::not_accepted,
        &environment::missing_variable,
        &environment::missing_file,
        &environment::refused_by_system,
        &environment::connection,
        &environment::time_limit,
        &environment::encoding,
        &arithmetic::division,
        &arithmetic::index,
        &arithmetic::recursion,
        &raises::did_not_raise,
        &raises::raised_another,
        &raises::match_differs,
        &none::none_used,
        &assertions::comparison,
        &looked_up,
        &raised::raised,
    ]
}

/// The best of the rules that look names up in the syntax trees.
fn looked_up(case: &Case<'_>) -> Option<Finding> {
    [names::RULES, calls::RULES, imports::RULES, fixtures::RULES, state::RULES, types::RULES]
        .into_iter()
        .flatten()
        .filter_map(|rule| rule.examine(case))
        .reduce(|best, next| if next.confidence > best.confidence { next } else { best })
}

/// The finding when no rule speaks: what is known, and what would settle it.
pub fn unexplained(case: &Case<'_>) -> Finding {
    let failure = case.representative();
    let category = case.kind().map_or(Category::Other, |kind| kind.category);
    let place = case.frame().map(|(_, place)| place.clone()).or_else(|| case.definition());
    let headline = failure.headline.lines().next().unwrap_or_default().trim();
    let known = if headline.is_empty() { String::new() } else { format!(" beyond {}", case::code(headline)) };
    let (what, missing) = if failure.detail <= Detail::Name {
        ("all that is known is that the test failed", "the result holds no message and no traceback")
    } else {
        ("the result holds no traceback that can be read", "there is no traceback")
    };
    let mut finding = Finding::new("unexplained", category, Severity::Medium, 0.0)
        .because(format!("Not enough evidence to name a cause{known}: {what}"))
        .suggest(format!(
            "Run `failscope run {}` to record the traceback and the values",
            shell_word(failure.test.as_str())
        ))
        .note(format!("What would settle it: a run with the plugin or with `--tb=auto -l`; {missing}"));
    if let Some(place) = place {
        finding = finding.suspect(&place, 0.1, "the test itself is the only place known");
    }
    finding
}

/// `text` as one word of a shell's command line.
pub(in crate::diagnose::rules) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:+=,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
