//! From a cluster's evidence to a diagnosis.

pub mod case;
pub mod difference;
pub mod draft;
pub mod expression;
pub mod origin;
pub mod rules;
pub mod taxonomy;
pub mod value;

pub use case::Case;
pub use draft::Draft;

use crate::model::{Category, Place, Severity};

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
    /// What would mend it, preferred first.
    pub fixes: Vec<Draft>,
    /// What is missing to be sure.
    pub notes: Vec<String>,
}

/// Diagnoses one cluster: the most confident of the rules that speak (of equals the first), or 'not enough
/// evidence'.
pub fn diagnose(case: &Case<'_>) -> Finding {
    rules::all()
        .iter()
        .filter_map(|rule| rule.examine(case))
        .reduce(|best, next| if next.confidence > best.confidence { next } else { best })
        .unwrap_or_else(|| rules::unexplained(case))
}
