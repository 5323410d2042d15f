//! The weights of the evidence: one table for all projects.

use super::features::{COUNT, Feature, NAMES, Vector};

/// Weights by feature.
const WEIGHTS: &[(Feature, f64)] = &[
    (Feature::Ochiai, 3.0),
    (Feature::Slice, 2.0),
    (Feature::SliceOchiai, 2.0),
    (Feature::FrameDeepest, 1.0),
    (Feature::MadeReturn, 1.0),
    (Feature::Guarded, 1.5),
    (Feature::Literal, 0.7),
    (Feature::Size, 0.3),
    (Feature::Rule, 1.0),
    (Feature::IsDef, -1.0),
    (Feature::IsOther, -1.0),
    (Feature::InTest, -6.0),
];

/// The score of a statement, to be compared within one cluster.
pub fn score(vector: &Vector) -> f64 {
    WEIGHTS.iter().map(|(feature, weight)| weight * vector[*feature as usize]).sum()
}

/// The features by name.
pub fn named(vector: &Vector) -> impl Iterator<Item = (&'static str, f64)> {
    (0..COUNT).map(|index| (NAMES[index], vector[index]))
}
