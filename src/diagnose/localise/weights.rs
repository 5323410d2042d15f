//! The weights of the evidence: one table for all projects.

use super::features::{COUNT, Feature, NAMES, Vector};

/// Weights by feature.
///
/// Learned by `benches/localise/learn.py` from the 98 mutants of the development half (boltons, cachetools, inflection,
/// isodate, parse, sqlparse, toolz) that had been traced, with a penalty that keeps them near what was set by hand before
/// (`PRIOR` there). What edits show (`Mended` to `Healed`) is weighed by hand: from 3 to 6 the places of `Mended`'s faults
/// are the same. That edits were tried in vain says nothing: many bugs are mended by none. `Changed` and `InTest` are set by hand: mutants are never in a checkout with a history, and never in
/// tests.
const WEIGHTS: &[(Feature, f64)] = &[
    (Feature::Ochiai, 3.34),
    (Feature::OchiaiTop, 0.37),
    (Feature::Share, 0.21),
    (Feature::Slice, 1.92),
    (Feature::SliceOchiai, 2.03),
    (Feature::InSlice, -0.16),
    (Feature::Frame, -0.12),
    (Feature::FrameDeepest, 0.83),
    (Feature::MadeReturn, 0.98),
    (Feature::Guarded, 1.49),
    (Feature::Omitted, 0.41),
    (Feature::Literal, 0.22),
    (Feature::LiteralText, 0.12),
    (Feature::Changed, 1.00),
    (Feature::Rule, 0.56),
    (Feature::FunctionOchiai, 0.21),
    (Feature::FunctionSlice, 0.13),
    (Feature::Size, 0.54),
    (Feature::Compares, 0.21),
    (Feature::Arithmetic, 0.11),
    (Feature::Logic, 0.10),
    (Feature::Numbers, 0.13),
    (Feature::Strings, 0.27),
    (Feature::Constants, 0.23),
    (Feature::Outside, -0.06),
    (Feature::Rare, 0.06),
    (Feature::Shallow, -0.05),
    (Feature::IsReturn, -0.08),
    (Feature::IsYield, -0.02),
    (Feature::IsCondition, 0.09),
    (Feature::IsLoop, 0.07),
    (Feature::IsEffect, 0.13),
    (Feature::IsRaise, -0.21),
    (Feature::IsDef, -1.01),
    (Feature::IsOther, -0.95),
    (Feature::InTest, -6.00),
    (Feature::OnlyByFailing, 0.09),
    (Feature::Recent, -0.03),
    (Feature::Escaped, 2.04),
    (Feature::MessageText, 0.05),
    (Feature::Named, 0.27),
    (Feature::FunctionShare, -0.08),
    (Feature::SliceNear, -0.12),
    (Feature::MadeOnly, -0.04),
    (Feature::Mended, 3.00),
    (Feature::MendedUnchecked, 1.00),
    (Feature::MendedShare, 1.00),
    (Feature::MendedCost, -0.30),
    (Feature::Healed, 0.70),
];

/// The score of a statement, to be compared within one cluster.
pub fn score(vector: &Vector) -> f64 {
    WEIGHTS.iter().map(|(feature, weight)| weight * vector[*feature as usize]).sum()
}

/// The features by name.
pub fn named(vector: &Vector) -> impl Iterator<Item = (&'static str, f64)> {
    (0..COUNT).map(|index| (NAMES[index], vector[index]))
}
