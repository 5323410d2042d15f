//! Why a statement is suspected, in sentences that can be checked against the recorded run.

use super::edits::Mended;
use super::features::{Evidence, Feature, Vector};
use super::spectrum::Key;
use super::{Known, Traced};
use crate::diagnose::case::code;

/// The reasons that weigh, strongest first.
pub(super) fn of(
    traced: &Traced<'_>,
    key: &Key,
    vector: &Vector,
    evidence: &Evidence<'_>,
    known: &Known<'_>,
) -> Vec<String> {
    let unit = &traced.files[&key.0].units[key.1];
    let value = |feature: Feature| vector[feature as usize];
    let mut reasons = Vec::new();
    reasons.extend(evidence.tried.get(key).and_then(|tried| tried.mended.as_ref()).map(Mended::reason));
    if value(Feature::FrameDeepest) > 0.0 {
        let name = known.failures[0].exceptions.last().map_or("exception", |e| e.short_type());
        reasons.push(format!("the {name} came from here"));
    } else if value(Feature::Frame) > 0.0 {
        reasons.push("it is in the traceback".to_owned());
    }
    if let Some(function) = &unit.function {
        let shown = evidence.wrong.shown.get(&(key.0.clone(), function.clone()));
        if let Some(shown) = shown
            && value(Feature::MadeHere) > 0.0
        {
            reasons.push(format!(
                "{} returned {}, which is the failing value, and nothing that it called returned it",
                code(function),
                code(shown)
            ));
        } else if let Some(shown) = shown {
            reasons.push(format!("{} passed on the failing value {}", code(function), code(shown)));
        }
    }
    if value(Feature::Slice) > 0.0 {
        let weight = value(Feature::Slice);
        let closely = if weight > 0.7 {
            "closely"
        } else if weight > 0.3 {
            ""
        } else {
            "from afar"
        };
        let failing = known.failures[0]
            .exceptions
            .last()
            .and_then(|e| e.frames.iter().rev().find_map(|f| f.place.as_ref().filter(|_| f.in_project)));
        let at = failing.map(|place| format!(" at {}:{}", place.path.as_str(), place.line));
        let what = format!("what fails{} depends on it {closely}", at.unwrap_or_default());
        reasons.push(what.trim_end().to_owned());
    }
    let (failed, passed) = evidence.spectrum.counts.get(key).copied().unwrap_or_default();
    let spectrum = evidence.spectrum;
    if spectrum.passing > 0 {
        reasons.push(format!(
            "it runs in {failed} of {} failing and {passed} of {} passing tests that were traced",
            spectrum.failing, spectrum.passing
        ));
    }
    if value(Feature::Omitted) > 0.0 {
        reasons.push("passing tests take a branch of it that no failing test takes".to_owned());
    } else if value(Feature::OnlyFailing) > 0.0 {
        reasons.push("only failing tests take one of its branches".to_owned());
    }
    if value(Feature::Literal) > 0.0 {
        reasons.push("a number in it is the wrong value or the difference to the expected one".to_owned());
    }
    if value(Feature::LiteralText) > 0.0 {
        reasons.push("a text in it stands in the wrong value and not in the expected one".to_owned());
    }
    for (path, first, last, _, why) in &known.changed {
        if *path == key.0 && *first <= unit.end_line && unit.line <= *last {
            reasons.push(why.clone());
            break;
        }
    }
    for (place, _, why) in &known.rules {
        if place.path == key.0 && unit.line <= place.line && place.line <= unit.end_line {
            reasons.extend(why.iter().filter(|why| !reasons.contains(why)).cloned().collect::<Vec<_>>());
        }
    }
    reasons
}
