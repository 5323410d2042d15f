//! What the recorded values say: which functions returned the failing value, and which literals it shows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::names::Parts;
use super::replay::{Moment, Timeline};
use super::trace::TestTrace;
use crate::cluster::fingerprint::is_test_path;
use crate::diagnose::value::Value;
use crate::model::{Failure, RelPath};

type FunctionKey = (RelPath, Arc<str>);

/// What is known of the wrong values of a cluster.
#[derive(Debug, Default)]
pub struct Wrong {
    made: HashMap<FunctionKey, f64>,
    passed: HashMap<FunctionKey, f64>,
    depths: HashMap<FunctionKey, u32>,
    numbers: HashSet<u64>,
    texts: HashSet<String>,
    /// The failing value and the function that made it, for reasons: text of the value by function.
    pub shown: HashMap<FunctionKey, String>,
}

/// Texts of values that say nothing about where they came from.
fn telling(text: &str) -> f64 {
    match text {
        "None" | "True" | "False" | "0" | "1" | "''" | "[]" | "{}" | "()" | "set()" => 0.4,
        _ if text.len() <= 2 => 0.6,
        _ => 1.0,
    }
}

impl Wrong {
    /// Adds what is known of one of `tests` failing tests.
    pub fn merge(&mut self, other: &Self, tests: usize) {
        let share = 1.0 / tests.max(1) as f64;
        for (key, weight) in &other.made {
            *self.made.entry(key.clone()).or_default() += weight * share;
        }
        for (key, weight) in &other.passed {
            *self.passed.entry(key.clone()).or_default() += weight * share;
        }
        for (key, depth) in &other.depths {
            let known = self.depths.entry(key.clone()).or_insert(*depth);
            *known = (*known).min(*depth);
        }
        self.numbers.extend(&other.numbers);
        self.texts.extend(other.texts.iter().cloned());
        for (key, text) in &other.shown {
            self.shown.entry(key.clone()).or_insert_with(|| text.clone());
        }
    }

    /// Adds one failing test with its timeline.
    pub fn add(&mut self, failure: &Failure, actual: Option<&str>, trace: &TestTrace, timeline: &Timeline) {
        let base = timeline
            .frames
            .iter()
            .filter(|frame| frame.file.as_ref().is_some_and(|file| is_test_path(file.as_str())))
            .map(|frame| frame.depth)
            .min()
            .unwrap_or(0);
        for frame in &timeline.frames {
            if let (Some(path), Some(function)) = (&frame.file, &frame.function) {
                let depth = frame.depth.saturating_sub(base) as u32;
                let known = self.depths.entry((path.clone(), Arc::clone(function))).or_insert(depth);
                *known = (*known).min(depth);
            }
        }
        if let Some(actual) = actual {
            self.returns(actual, trace, timeline);
        }
        let Some(assertion) = failure.exceptions.last().and_then(|e| e.assertion.as_ref()) else { return };
        let Some(right) = &assertion.right else { return };
        let (wrong, expected) =
            if actual == Some(right.as_str()) { (right, &assertion.left) } else { (&assertion.left, right) };
        self.literals(wrong, expected);
    }

    fn returns(&mut self, actual: &str, trace: &TestTrace, timeline: &Timeline) {
        let weight = telling(actual);
        // Frames whose callee has returned the same value only pass it on.
        let mut passing_on: HashSet<usize> = HashSet::new();
        let mut found: Vec<usize> = Vec::new();
        for moment in &timeline.moments {
            let Moment::Leave(frame, value) = *moment else { continue };
            let Some(text) = trace.value(value) else { continue };
            let fits = text == actual
                || (text.len() > 30 && text.contains('…') && {
                    let head = text.split('…').next().unwrap_or_default();
                    head.len() > 20 && actual.starts_with(head)
                });
            if !fits {
                continue;
            }
            found.push(frame);
            let caller = timeline.frames[frame].caller.map(|instance| timeline.instances[instance].frame);
            passing_on.extend(caller);
        }
        let mut made: HashSet<FunctionKey> = HashSet::new();
        let mut handed: HashSet<FunctionKey> = HashSet::new();
        for frame in found {
            let data = &timeline.frames[frame];
            let (Some(path), Some(function)) = (&data.file, &data.function) else { continue };
            if is_test_path(path.as_str()) {
                continue;
            }
            let key = (path.clone(), Arc::clone(function));
            self.shown.entry(key.clone()).or_insert_with(|| actual.to_owned());
            if passing_on.contains(&frame) {
                handed.insert(key)
            } else {
                made.insert(key)
            };
        }
        for key in made {
            *self.made.entry(key).or_default() += weight;
        }
        for key in handed {
            *self.passed.entry(key).or_default() += weight;
        }
    }

    fn literals(&mut self, wrong: &str, expected: &str) {
        let (Some(wrong), Some(expected)) = (Value::parse(wrong), Value::parse(expected)) else { return };
        let (mut have, mut want) = (Vec::new(), Vec::new());
        let (mut is, mut should) = (Vec::new(), Vec::new());
        scalars(&wrong, &mut have, &mut is);
        scalars(&expected, &mut want, &mut should);
        if let ([one], [other]) = (have.as_slice(), want.as_slice()) {
            self.numbers.insert((one - other).abs().to_bits());
        }
        self.numbers.extend(have.iter().filter(|n| !want.contains(n)).map(|n| n.abs().to_bits()));
        let expected: String = should.concat();
        for text in is.iter().filter(|text| !should.contains(text)) {
            self.texts.insert(text.clone());
        }
        self.texts.retain(|text| !expected.contains(text.as_str()));
    }

    /// How surely the function made the failing value: 0 to 1.
    pub fn made(&self, path: &RelPath, function: &Arc<str>) -> f64 {
        self.made.get(&(path.clone(), Arc::clone(function))).copied().unwrap_or(0.0)
    }

    /// The number of functions that made the failing value.
    pub fn makers(&self) -> usize {
        self.made.len()
    }

    /// How surely it only passed the failing value on.
    pub fn passed(&self, path: &RelPath, function: &Arc<str>) -> f64 {
        self.passed.get(&(path.clone(), Arc::clone(function))).copied().unwrap_or(0.0)
    }

    /// Calls between the test and the function.
    pub fn depth(&self, path: &RelPath, function: &Arc<str>) -> Option<u32> {
        self.depths.get(&(path.clone(), Arc::clone(function))).copied()
    }

    /// 1 if a number of the statement is one that the wrong value has and the expected one has not, or the
    /// difference of the two.
    pub fn literal(&self, parts: &Parts) -> f64 {
        let hit = parts.numbers.iter().any(|text| {
            let number: Option<f64> = text.replace('_', "").parse().ok();
            number.is_some_and(|n| n != 0.0 && self.numbers.contains(&n.abs().to_bits()))
        });
        f64::from(hit)
    }

    /// 1 if a string of the statement stands in a wrong text.
    pub fn text(&self, parts: &Parts) -> f64 {
        let hit = parts.strings.iter().any(|literal| {
            !literal.trim().is_empty() && self.texts.iter().any(|text| text.contains(&**literal))
        });
        f64::from(hit)
    }
}

/// The numbers and strings in a value, at most a hundred of each.
fn scalars(value: &Value, numbers: &mut Vec<f64>, texts: &mut Vec<String>) {
    if numbers.len() + texts.len() > 100 {
        return;
    }
    match value {
        Value::Str(text) => texts.push(text.clone()),
        Value::Dict(items) => {
            for (key, item) in items {
                scalars(key, numbers, texts);
                scalars(item, numbers, texts);
            }
        }
        Value::Call(_, arguments) => {
            for (_, item) in arguments {
                scalars(item, numbers, texts);
            }
        }
        Value::Bool(_) => {}
        other => match (other.number(), other.items()) {
            (Some(number), _) => numbers.push(number),
            (None, Some(items)) => items.iter().for_each(|item| scalars(item, numbers, texts)),
            _ => {}
        },
    }
}
