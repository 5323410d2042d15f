//! From a cluster's evidence to a diagnosis.

pub mod agents;
mod bases;
pub mod case;
pub mod difference;
pub mod draft;
pub mod expression;
pub mod localise;
pub mod origin;
pub mod providers;
mod repair;
pub mod rules;
pub mod taxonomy;
pub mod value;

pub use case::Case;
pub use draft::Draft;

use crate::model::{Category, Place, Severity};

/// Most places listed that show the same cause.
const MAX_OTHERS: usize = 4;

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
    let mut finding = rules::all()
        .iter()
        .filter_map(|rule| rule.examine(case))
        .reduce(|best, next| if next.confidence > best.confidence { next } else { best })
        .unwrap_or_else(|| rules::unexplained(case));
    if case.replay && !outside(finding.rule) {
        finding = repair::improve(case, finding);
    }
    if !finding.rule.starts_with("fixtures-")
        && finding.rule != "replayed"
        && let Some((text, place)) = rules::fixtures::context(case)
        && !finding.root_cause.contains(&case::line_of(&place))
    {
        finding.root_cause.push_str(&text);
        finding = finding.shown("the fixture that was running", Some(&place));
    }
    let others = case.other_places();
    let (shown, rest) = others.split_at(others.len().min(MAX_OTHERS));
    for place in shown {
        finding = finding.shown(format!("the same at {}", case::at(place)), Some(place));
    }
    if !rest.is_empty() {
        finding = finding.shown(format!("and in {} more places", rest.len()), None);
    }
    finding
}

/// Whether the cause lies outside of the code, or in what a test expects of an exception or a mock: an edit of the
/// lines that ran would only hide it.
fn outside(rule: &str) -> bool {
    ["environment-", "connection", "database-schema", "raises-another", "mock-target", "json-file"]
        .iter()
        .any(|family| rule.starts_with(family))
}
