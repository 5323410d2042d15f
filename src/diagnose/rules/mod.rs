//! The offline rules, one file per family.

use super::{Case, Finding};
use crate::model::{Category, Severity};

/// A rule: says what is wrong when the evidence settles it, and stays silent otherwise.
pub trait Rule: Sync {
    /// Looks at a cluster.
    fn examine(&self, case: &Case<'_>) -> Option<Finding>;
}

/// All rules.
pub fn all() -> &'static [&'static dyn Rule] {
    &[]
}

/// The finding when no rule speaks: what is known, and what would settle it.
pub fn unexplained(case: &Case<'_>) -> Finding {
    let _ = case;
    Finding {
        rule: "unexplained",
        root_cause: "Not enough evidence to name a cause".to_owned(),
        category: Category::Other,
        severity: Severity::Medium,
        suggestion: "Run the test with `failscope run` to record its traceback and values".to_owned(),
        confidence: 0.0,
        evidence: Vec::new(),
        culprits: Vec::new(),
        fixes: Vec::new(),
        notes: Vec::new(),
    }
}
