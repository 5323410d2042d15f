//! From a cluster's evidence to a diagnosis.

pub mod expression;
pub mod rules;
pub mod taxonomy;
pub mod value;

use crate::model::{Category, Failure, Fix, Place, Severity};
use crate::workspace::Workspace;

/// What a rule may look at: the cluster's failures (texts already redacted, representative first), and the
/// workspace's sources and syntax trees.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The failures of the cluster, the representative first.
    pub failures: &'a [&'a Failure],
    /// Sources and syntax.
    pub workspace: &'a Workspace,
}

impl<'a> Case<'a> {
    /// The failure that stands for the cluster.
    pub fn representative(&self) -> &'a Failure {
        self.failures[0]
    }
}

/// What a rule concludes. Texts are plain; the pipeline redacts them once more on their way out.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule's name, `family-case`.
    pub rule: &'static str,
    /// One sentence.
    pub root_cause: String,
    /// Category.
    pub category: Category,
    /// Severity before the number of affected tests is taken into account.
    pub severity: Severity,
    /// What to do.
    pub suggestion: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Statement and place, in reading order.
    pub evidence: Vec<(String, Option<Place>)>,
    /// Suspected places with score and reasons, best first.
    pub culprits: Vec<(Place, f64, Vec<String>)>,
    /// What would mend it.
    pub fixes: Vec<Fix>,
    /// What is missing to be sure.
    pub notes: Vec<String>,
}

/// Diagnoses one cluster: the most confident of the rules that speak, or 'not enough evidence'.
pub fn diagnose(case: &Case<'_>) -> Finding {
    rules::all()
        .iter()
        .filter_map(|rule| rule.examine(case))
        .max_by(|a, b| a.confidence.total_cmp(&b.confidence))
        .unwrap_or_else(|| rules::unexplained(case))
}
