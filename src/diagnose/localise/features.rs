//! What speaks for and against each statement, as numbers. The names are those of the weights' table.

use std::collections::{HashMap, HashSet};

use super::edits::Tried;
use super::replay::Files;
use super::slice::Slice;
use super::spectrum::{Key, Spectrum, Users, is_outside};
use super::units::Kind;
use super::values::Wrong;
use crate::cluster::fingerprint::is_test_path;

macro_rules! features {
    ($($name:ident: $text:literal,)*) => {
        /// A kind of evidence.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Feature {
            $(#[doc = $text] $name,)*
        }

        /// Names of all, in the order of their numbers.
        pub const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

features! {
    Ochiai: "Ochiai's coefficient over the failing and the near passing tests.",
    OchiaiTop: "The same as a share of the greatest of all statements.",
    Share: "Share of the failing tests that execute the statement.",
    Slice: "Weight in the dynamic slice, mean over the failing tests followed closely.",
    SliceTop: "The same as a share of the greatest outside of tests.",
    SliceOchiai: "Product of the two.",
    InSlice: "Whether it is in any slice.",
    Frame: "1 for the deepest frame of the project outside of tests, less for its callers.",
    FrameDeepest: "Whether it is that deepest frame.",
    MadeHere: "The function returned the failing value, and nothing it called did.",
    MadeReturn: "The same, for a statement that is in the slice.",
    Passed: "The function returned the failing value, as something it called did.",
    Guarded: "How much more suspicious (Ochiai) a statement of its branches is than the condition itself.",
    Omitted: "Share of passing tests that take a branch of the condition that no failing test takes.",
    OnlyFailing: "Only failing tests take a branch of the condition.",
    Literal: "Holds a literal that the wrong value holds or differs by.",
    LiteralText: "Holds a text that the wrong value has and the expected one has not.",
    Changed: "Changed in the working tree or in one of the last commits.",
    Rule: "Suspicion of the rules, 0 to 1.",
    RuleFunction: "Suspicion of the rules that falls on the function.",
    FunctionOchiai: "Greatest Ochiai of the function.",
    FunctionSlice: "Greatest slice weight of the function.",
    Size: "ln(1 + names, operators, literals and calls).",
    Compares: "Comparisons, at most 3.",
    Arithmetic: "Arithmetic operators, at most 3.",
    Logic: "`and`, `or`, `not`, `if … else`, at most 3.",
    Numbers: "Number literals, at most 3.",
    Strings: "String literals, at most 3.",
    Constants: "`True`, `False`, `None`, at most 3.",
    Subscripts: "Subscripts, at most 3.",
    Calls: "Calls, at most 3.",
    Outside: "Runs on import.",
    Rare: "One over the number of tests that execute it.",
    Shallow: "One over one plus the number of calls between the test and the function.",
    IsReturn: "`return` with a value.",
    IsYield: "`yield`.",
    IsAssign: "Assignment.",
    IsAugmented: "`+=` and the like.",
    IsCondition: "`if`, `elif`.",
    IsLoop: "`for`, `while`.",
    IsEffect: "An expression for its effect.",
    IsRaise: "`raise`.",
    IsDef: "`def` or `class`.",
    IsOther: "`with`, `try`, `except`, `import`, `pass` and the like.",
    InTest: "Stands in a test file.",
    OnlyByFailing: "No passing test executes it.",
    Recent: "How late it was last executed before the failure: 1 for the last statement outside of tests.",
    Escaped: "An `except` that did not catch what went through its `try`.",
    MessageText: "Holds a text that the exception's message has as well.",
    Named: "The name of its function stands in the names of the failing tests: the share of them.",
    NamedRare: "The same where few functions are named so.",
    FunctionShare: "One over the number of statements of its function that failing tests execute.",
    SliceNear: "In the slice with nearly the greatest weight.",
    ThrownAway: "A value that is thrown away: it changes nothing that is known of, as where `return` is missing.",
    MadeOnly: "Its function is the only one that made the failing value.",
    OchiaiRank: "ln of the expected rank by Ochiai, outside of tests.",
    SliceRank: "The same by the weight in the slice.",
    Near: "Ochiai over the failing tests and the passing ones that are most like them.",
    NearRank: "ln of the expected rank by that.",
    Precision: "Share of failing tests among those that execute it.",
    SmallShare: "Share of the failing tests that execute it, those that execute little counting more.",
    During: "Share of the failing tests in which it ran while the test's failing statement did.",
    DuringOchiai: "Product with Ochiai.",
    DefSlice: "Weight in the slice of a `def`: its defaults were used.",
    ConditionOchiai: "Ochiai of a condition or loop.",
    SizeOchiai: "Product of size and Ochiai.",
    Discarded: "It throws away what a function of the project returned, in which share of the tests followed closely.",
    IsArm: "`except`, `case`.",
    ReturnMade: "`return` of the function that made the failing value.",
    Mended: "A small edit of it makes the failing tests pass and breaks none; several tests run it.",
    MendedUnchecked: "The same where no more than one test runs it.",
    MendedShare: "One over the number of statements of which that holds, if it is one of them.",
    MendedCost: "What the edit costs, above 1, if there is one.",
    Healed: "Share of the failing tests that pass with an edit of it that does not mend it all.",
    InVain: "ln(1 + edits of it that were tried), where none makes a failing test pass.",
}

/// The number of features.
pub const COUNT: usize = NAMES.len();

/// The features of one statement.
pub type Vector = [f64; COUNT];

/// Passing tests that count as near.
const NEAR: usize = 24;

/// All that the features are made from.
pub struct Evidence<'a> {
    /// Units.
    pub files: &'a Files,
    /// Who uses what runs on import.
    pub users: &'a Users,
    /// Counts.
    pub spectrum: &'a Spectrum,
    /// What each failing test executes, and each passing one.
    pub failing: &'a [&'a HashSet<Key>],
    /// See above.
    pub passing: &'a [&'a HashSet<Key>],
    /// Slices of the failing tests that were followed closely.
    pub slices: &'a [&'a Slice],
    /// Statements in the traceback outside of tests, deepest first.
    pub frames: &'a [Key],
    /// What is known of wrong values.
    pub wrong: &'a Wrong,
    /// Statements changed since the last commit, or lately: 0 to 1.
    pub changed: &'a HashMap<Key, f64>,
    /// Suspicion of the rules.
    pub rules: &'a HashMap<Key, f64>,
    /// How late each statement was last executed, mean over the tests followed closely.
    pub recent: &'a HashMap<Key, f64>,
    /// Share of the tests followed closely in which the statement ran while the test's failing statement did.
    pub during: &'a HashMap<Key, f64>,
    /// Share of them in which the statement threw away what a function of the project returned.
    pub discarded: &'a HashMap<Key, f64>,
    /// What trying edits has shown.
    pub tried: &'a HashMap<Key, Tried>,
    /// Messages of the exceptions.
    pub messages: &'a [&'a str],
    /// Names of the failing tests, without their files.
    pub tests: &'a [&'a str],
}

/// The statements that may be at fault, with their features, in the order of files and lines.
pub fn extract(evidence: &Evidence<'_>) -> Vec<(Key, Vector)> {
    let weights = slice_weights(evidence);
    let mut keys: Vec<&Key> =
        evidence.spectrum.counts.iter().filter(|(_, count)| count.0 > 0).map(|(key, _)| key).collect();
    keys.sort();
    let mut functions: HashMap<(&crate::model::RelPath, Option<&str>), (f64, f64)> = HashMap::new();
    let (mut top_ochiai, mut top_slice) = (0.0_f64, 0.0_f64);
    for key in &keys {
        let (ochiai, slice) = (evidence.spectrum.ochiai(key), weights.get(*key).copied().unwrap_or(0.0));
        let unit = &evidence.files[&key.0].units[key.1];
        let known = functions.entry((&key.0, unit.function.as_deref())).or_default();
        *known = (known.0.max(ochiai), known.1.max(slice));
        if !is_test_path(key.0.as_str()) {
            top_ochiai = top_ochiai.max(ochiai);
            top_slice = top_slice.max(slice);
        }
    }
    let mut rules: HashMap<(&crate::model::RelPath, Option<&str>), f64> = HashMap::new();
    for (key, score) in evidence.rules {
        if let Some(unit) = evidence.files.get(&key.0).and_then(|units| units.units.get(key.1)) {
            let known = rules.entry((&key.0, unit.function.as_deref())).or_default();
            *known = known.max(*score);
        }
    }
    let near = near(evidence);
    let outside = |key: &&&Key| !is_test_path(key.0.as_str());
    let ranked = |value: &dyn Fn(&Key) -> f64| -> HashMap<&Key, f64> {
        log_ranks(keys.iter().filter(outside).map(|key| (*key, value(key))).collect())
    };
    let ochiai_ranks = ranked(&|key| evidence.spectrum.ochiai(key));
    let slice_ranks = ranked(&|key| weights.get(key).copied().unwrap_or(0.0));
    let near_ranks = ranked(&|key| near.ochiai(key));
    let mended = evidence.tried.values().filter(|tried| tried.mended.is_some()).count().max(1) as f64;
    let last_rank = (keys.len().max(1) as f64).ln();
    let small = small_shares(evidence);
    let escaped = escaped(evidence);
    let named: HashMap<(&crate::model::RelPath, Option<&str>), f64> =
        functions.keys().map(|&function| (function, named(function.1, evidence.tests))).collect();
    let many = named.values().filter(|share| **share > 0.0).count().max(1) as f64;
    let mut sizes: HashMap<(&crate::model::RelPath, Option<&str>), u32> = HashMap::new();
    for key in &keys {
        *sizes.entry((&key.0, evidence.files[&key.0].units[key.1].function.as_deref())).or_default() += 1;
    }
    keys.into_iter()
        .filter(|key| {
            let kind = evidence.files[&key.0].units[key.1].kind;
            !matches!(kind, Kind::Docstring)
        })
        .map(|key| {
            let unit = &evidence.files[&key.0].units[key.1];
            let function = (&key.0, unit.function.as_deref());
            let mut vector = [0.0; COUNT];
            let mut set = |feature: Feature, value: f64| vector[feature as usize] = value;
            let ochiai = evidence.spectrum.ochiai(key);
            let slice = weights.get(key).copied().unwrap_or(0.0);
            let (function_ochiai, function_slice) = functions.get(&function).copied().unwrap_or_default();
            set(Feature::Ochiai, ochiai);
            set(Feature::OchiaiTop, if top_ochiai > 0.0 { ochiai / top_ochiai } else { 0.0 });
            set(Feature::Share, evidence.spectrum.share(key));
            set(Feature::Slice, slice);
            set(Feature::SliceTop, if top_slice > 0.0 { slice / top_slice } else { 0.0 });
            set(Feature::SliceOchiai, slice * ochiai);
            set(Feature::InSlice, f64::from(slice > 0.0));
            if let Some(depth) = evidence.frames.iter().position(|frame| frame == key) {
                set(Feature::Frame, 1.0 / (1.0 + depth as f64));
                set(Feature::FrameDeepest, f64::from(depth == 0));
            }
            let made = unit.function.as_ref().map_or(0.0, |f| evidence.wrong.made(&key.0, f));
            set(Feature::MadeHere, made);
            set(Feature::MadeReturn, made * slice);
            set(Feature::Passed, unit.function.as_ref().map_or(0.0, |f| evidence.wrong.passed(&key.0, f)));
            let (guarded, omitted, only) = branches(evidence, key, ochiai);
            set(Feature::Guarded, guarded);
            set(Feature::Omitted, omitted);
            set(Feature::OnlyFailing, only);
            set(Feature::Literal, evidence.wrong.literal(&unit.parts));
            set(Feature::LiteralText, evidence.wrong.text(&unit.parts));
            set(Feature::Changed, evidence.changed.get(key).copied().unwrap_or(0.0));
            set(Feature::Rule, evidence.rules.get(key).copied().unwrap_or(0.0));
            set(Feature::RuleFunction, rules.get(&function).copied().unwrap_or(0.0));
            set(Feature::FunctionOchiai, function_ochiai);
            set(Feature::FunctionSlice, function_slice);
            let parts = &unit.parts;
            let few = |count: u32| f64::from(count.min(3));
            set(Feature::Size, f64::from(parts.total()).ln_1p());
            set(Feature::Compares, few(parts.compares));
            set(Feature::Arithmetic, few(parts.arithmetic));
            set(Feature::Logic, few(parts.logic));
            set(Feature::Numbers, few(parts.numbers.len() as u32));
            set(Feature::Strings, few(parts.strings.len() as u32));
            set(Feature::Constants, few(parts.constants));
            set(Feature::Subscripts, few(parts.subscripts));
            set(Feature::Calls, few(parts.calls));
            set(Feature::Outside, f64::from(is_outside(unit)));
            let (failed, passed) = evidence.spectrum.counts.get(key).copied().unwrap_or_default();
            set(Feature::Rare, 1.0 / f64::from((failed + passed).max(1)));
            let depth = unit.function.as_ref().and_then(|f| evidence.wrong.depth(&key.0, f));
            set(Feature::Shallow, depth.map_or(0.0, |depth| 1.0 / (1.0 + f64::from(depth))));
            set(
                match unit.kind {
                    Kind::Return => Feature::IsReturn,
                    Kind::Yield => Feature::IsYield,
                    Kind::Assign => Feature::IsAssign,
                    Kind::Augmented => Feature::IsAugmented,
                    Kind::If => Feature::IsCondition,
                    Kind::For | Kind::While => Feature::IsLoop,
                    Kind::Effect => Feature::IsEffect,
                    Kind::Raise => Feature::IsRaise,
                    Kind::Def | Kind::Class => Feature::IsDef,
                    _ => Feature::IsOther,
                },
                1.0,
            );
            set(Feature::InTest, f64::from(is_test_path(key.0.as_str())));
            set(Feature::OnlyByFailing, f64::from(passed == 0));
            set(Feature::Recent, evidence.recent.get(key).copied().unwrap_or(0.0));
            set(Feature::Escaped, f64::from(escaped.contains(key)));
            set(Feature::MessageText, message_text(&parts.strings, evidence.messages));
            let named = named.get(&function).copied().unwrap_or(0.0);
            set(Feature::Named, named);
            set(Feature::NamedRare, named / many);
            set(Feature::FunctionShare, 1.0 / f64::from(sizes.get(&function).copied().unwrap_or(1)));
            set(Feature::ThrownAway, f64::from(unit.kind == Kind::Effect && unit.calls.is_empty()));
            set(Feature::Discarded, evidence.discarded.get(key).copied().unwrap_or(0.0));
            set(Feature::IsArm, f64::from(unit.kind == Kind::Arm));
            set(Feature::SliceNear, f64::from(top_slice > 0.0 && slice > 0.8 * top_slice));
            set(Feature::MadeOnly, f64::from(made > 0.0 && evidence.wrong.makers() == 1));
            let rank = |ranks: &HashMap<&Key, f64>| ranks.get(key).copied().unwrap_or(last_rank);
            set(Feature::OchiaiRank, rank(&ochiai_ranks));
            set(Feature::SliceRank, rank(&slice_ranks));
            set(Feature::Near, near.ochiai(key));
            set(Feature::NearRank, rank(&near_ranks));
            set(Feature::Precision, f64::from(failed) / f64::from((failed + passed).max(1)));
            set(Feature::SmallShare, small.get(key).copied().unwrap_or(0.0));
            let during = evidence.during.get(key).copied().unwrap_or(0.0);
            set(Feature::During, during);
            set(Feature::DuringOchiai, during * ochiai);
            let is = |kinds: &[Kind]| f64::from(kinds.contains(&unit.kind));
            set(Feature::DefSlice, is(&[Kind::Def]) * slice);
            set(Feature::ConditionOchiai, is(&[Kind::If, Kind::For, Kind::While]) * ochiai);
            set(Feature::SizeOchiai, f64::from(parts.total()).ln_1p() * ochiai);
            set(Feature::ReturnMade, is(&[Kind::Return, Kind::Yield]) * made);
            if let Some(tried) = evidence.tried.get(key) {
                if let Some(edit) = &tried.mended {
                    set(if edit.checked { Feature::Mended } else { Feature::MendedUnchecked }, 1.0);
                    set(Feature::MendedShare, 1.0 / mended);
                    set(Feature::MendedCost, (edit.cost - 1.0).max(0.0));
                } else {
                    set(Feature::Healed, tried.healed);
                    set(
                        Feature::InVain,
                        if tried.healed > 0.0 { 0.0 } else { f64::from(tried.edits).ln_1p() },
                    );
                }
            }
            (key.clone(), vector)
        })
        .collect()
}

/// The spectrum of the failing tests and of the passing ones that execute most of the same (Jaccard's index, greatest
/// over the failing tests that were followed or come first).
fn near(evidence: &Evidence<'_>) -> Spectrum {
    let failing = &evidence.failing[..evidence.failing.len().min(super::CLOSELY)];
    let alike = |one: &HashSet<Key>, other: &HashSet<Key>| {
        let (small, large) = if one.len() < other.len() { (one, other) } else { (other, one) };
        let both = small.iter().filter(|key| large.contains(*key)).count() as f64;
        both / ((one.len() + other.len()) as f64 - both).max(1.0)
    };
    let mut scored: Vec<(f64, &HashSet<Key>)> = evidence
        .passing
        .iter()
        .map(|test| (failing.iter().map(|one| alike(one, test)).fold(0.0, f64::max), *test))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let least = scored.get(NEAR).map_or(0.0, |(alike, _)| *alike);
    // Those that are as much alike as the last one count as well: their order says nothing.
    let near = scored.iter().take_while(|(alike, _)| *alike >= least).map(|(_, test)| *test);
    Spectrum::count(evidence.failing.iter().copied(), near)
}

/// ln of the expected rank of each, greatest value first, ties in random order.
fn log_ranks(mut values: Vec<(&Key, f64)>) -> HashMap<&Key, f64> {
    values.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut ranks = HashMap::new();
    let mut at = 0;
    while at < values.len() {
        let tied = values[at..].iter().take_while(|other| other.1.total_cmp(&values[at].1).is_eq()).count();
        let rank = at as f64 + f64::midpoint(tied as f64, 1.0);
        ranks.extend(values[at..at + tied].iter().map(|(key, _)| (*key, rank.ln())));
        at += tied;
    }
    ranks
}

/// The share of the failing tests that execute each statement, each test counting one over the statements it executes.
fn small_shares<'a>(evidence: &Evidence<'a>) -> HashMap<&'a Key, f64> {
    let total: f64 = evidence.failing.iter().map(|test| 1.0 / test.len().max(1) as f64).sum();
    let mut shares = HashMap::new();
    for test in evidence.failing {
        for key in *test {
            *shares.entry(key).or_default() += 1.0 / test.len().max(1) as f64 / total;
        }
    }
    shares
}

/// The `except` clauses of those `try` statements that an exception went through, all the same.
fn escaped(evidence: &Evidence<'_>) -> HashSet<Key> {
    let mut found = HashSet::new();
    for key in evidence.frames {
        let units = &evidence.files[&key.0];
        let mut at = key.1;
        while let Some((parent, branch)) = units.units[at].parent {
            // Of the headers without expressions only `try` has branches; its body is the first.
            if units.units[parent].kind == Kind::Plain && branch == 0 {
                let arms = units.units.iter().enumerate().skip(parent).filter(|(_, unit)| {
                    unit.kind == Kind::Arm
                        && matches!(unit.parent, Some((of, arm)) if of == parent && arm > 0)
                });
                found.extend(arms.map(|(arm, _)| (key.0.clone(), arm)));
            }
            at = parent;
        }
    }
    found
}

/// The share of the tests whose name has the function's name in it.
fn named(function: Option<&str>, tests: &[&str]) -> f64 {
    let Some(name) = function.and_then(|function| function.rsplit('.').next()) else { return 0.0 };
    let name = name.trim_matches('_').to_lowercase();
    if name.len() < 3 || tests.is_empty() {
        return 0.0;
    }
    let flat = name.replace('_', "");
    let hits = tests.iter().filter(|test| test.to_lowercase().replace('_', "").contains(&flat)).count();
    hits as f64 / tests.len() as f64
}

/// 1 if a string of the statement, of some length, stands in a message.
fn message_text(strings: &[crate::workspace::python::Name], messages: &[&str]) -> f64 {
    let hit = strings.iter().any(|text| {
        let text = text.trim();
        text.len() >= 3 && messages.iter().any(|message| message.contains(text))
    });
    f64::from(hit)
}

/// The mean weight of each statement over the slices; what runs on import has the weight of its users.
fn slice_weights(evidence: &Evidence<'_>) -> HashMap<Key, f64> {
    let count = evidence.slices.len().max(1) as f64;
    let mut weights: HashMap<Key, f64> = HashMap::new();
    for slice in evidence.slices {
        let mut own: HashMap<Key, f64> = slice.weights.clone();
        let mut more: HashMap<Key, f64> = HashMap::new();
        for (key, _) in evidence.spectrum.counts.iter().filter(|(key, _)| !own.contains_key(*key)) {
            let unit = &evidence.files[&key.0].units[key.1];
            if !is_outside(unit) && unit.kind != Kind::Def {
                continue;
            }
            let mut weight = slice.defaults.get(key).copied().unwrap_or(0.0);
            if is_outside(unit) && !matches!(unit.kind, Kind::Def | Kind::Class | Kind::Import) {
                for user in evidence.users.of_key(key) {
                    let factor = if unit.in_class { 0.7 } else { 0.85 };
                    weight = weight.max(own.get(user).copied().unwrap_or(0.0) * factor);
                }
            }
            if weight > 0.0 {
                more.insert(key.clone(), weight);
            }
        }
        own.extend(more);
        for (key, weight) in own {
            *weights.entry(key).or_default() += weight / count;
        }
    }
    weights
}

/// How the branches of a condition differ between failing and passing tests.
fn branches(evidence: &Evidence<'_>, key: &Key, own: f64) -> (f64, f64, f64) {
    let units = &evidence.files[&key.0];
    let unit = &units.units[key.1];
    if !matches!(unit.kind, Kind::If | Kind::While | Kind::For | Kind::Arm) {
        return (0.0, 0.0, 0.0);
    }
    let (mut guarded, mut omitted, mut only) = (0.0_f64, 0.0_f64, 0.0_f64);
    for first in unit.branches.iter().filter_map(|branch| branch.first) {
        let inner: Key = (key.0.clone(), first);
        let failed = evidence.failing.iter().filter(|test| test.contains(&inner)).count();
        let passed = evidence.passing.iter().filter(|test| test.contains(&inner)).count();
        guarded = guarded.max(evidence.spectrum.ochiai(&inner) - own);
        let reached = evidence.passing.iter().filter(|test| test.contains(key)).count();
        if failed == 0 && reached > 0 {
            omitted = omitted.max(passed as f64 / reached as f64);
        }
        if passed == 0 && failed > 0 && reached > 0 {
            only = 1.0;
        }
    }
    (guarded.max(0.0), omitted, only)
}
