//! The weights of the evidence: one table for all projects.

use super::features::{COUNT, Feature, NAMES, Vector};

/// Weights by feature.
///
/// Learned by the method of `benches/localise/learn.py` (in numpy) from the 45 mutants of the development half (toolz,
/// parse, cachetools, sqlparse) that had been traced, with a penalty that keeps them near what was set by hand before (`PRIOR` there).
/// `Changed` and `InTest` are set by hand: mutants are never in a checkout with a history, and never in tests.
const WEIGHTS: &[(Feature, f64)] = &[
    (Feature::Ochiai, 3.43),
    (Feature::OchiaiTop, 0.49),
    (Feature::Share, 0.38),
    (Feature::Slice, 1.66),
    (Feature::SliceTop, -0.19),
    (Feature::SliceOchiai, 1.89),
    (Feature::InSlice, -0.13),
    (Feature::Frame, -0.04),
    (Feature::FrameDeepest, 0.90),
    (Feature::MadeHere, 0.10),
    (Feature::MadeReturn, 1.08),
    (Feature::Passed, -0.10),
    (Feature::Guarded, 1.59),
    (Feature::Omitted, 0.35),
    (Feature::OnlyFailing, -0.24),
    (Feature::Literal, 0.07),
    (Feature::Changed, 1.00),
    (Feature::Rule, 0.61),
    (Feature::RuleFunction, -0.05),
    (Feature::FunctionOchiai, 0.47),
    (Feature::FunctionSlice, 0.10),
    (Feature::Size, 0.45),
    (Feature::Compares, 0.19),
    (Feature::Arithmetic, 0.30),
    (Feature::Logic, 0.12),
    (Feature::Numbers, 0.31),
    (Feature::Strings, -0.16),
    (Feature::Constants, 0.52),
    (Feature::Subscripts, 0.11),
    (Feature::Calls, -0.12),
    (Feature::Outside, -0.23),
    (Feature::Rare, -0.52),
    (Feature::Shallow, -0.33),
    (Feature::IsReturn, 0.06),
    (Feature::IsYield, 0.23),
    (Feature::IsAssign, -0.14),
    (Feature::IsAugmented, -0.13),
    (Feature::IsLoop, -0.16),
    (Feature::IsEffect, 0.49),
    (Feature::IsRaise, -0.45),
    (Feature::IsDef, -1.08),
    (Feature::IsOther, -0.85),
    (Feature::InTest, -6.00),
];

/// The score of a statement, to be compared within one cluster.
pub fn score(vector: &Vector) -> f64 {
    WEIGHTS.iter().map(|(feature, weight)| weight * vector[*feature as usize]).sum()
}

/// The features by name.
pub fn named(vector: &Vector) -> impl Iterator<Item = (&'static str, f64)> {
    (0..COUNT).map(|index| (NAMES[index], vector[index]))
}
