//! What became of asking about all causes of a run, in numbers and reasons.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnose::providers::{Provider, Usage};
use crate::evidence::redact::Redactor;
use crate::model::{Fingerprint, ModelRun, ModelState, Redacted, Told};

/// Most notes.
const MAX_NOTES: usize = 8;

/// Calls and what they used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Calls.
    pub calls: u64,
    /// Tokens of their prompts.
    pub input_tokens: u64,
    /// Tokens of their answers.
    pub output_tokens: u64,
    /// Calls of which it is not known how many tokens they took.
    pub unmetered: u64,
}

impl Spent {
    /// Adds a call.
    pub fn add(&mut self, usage: Usage) {
        self.calls += 1;
        self.input_tokens += usage.input_tokens.unwrap_or_default();
        self.output_tokens += usage.output_tokens.unwrap_or_default();
        self.unmetered += u64::from(usage.input_tokens.is_none() || usage.output_tokens.is_none());
    }
}

/// Prices in US dollars per million tokens of prompts and of answers, by model.
pub type Prices = [(String, f64, f64)];

/// What the report says: `told` is what became of each cause that was asked about, of `causes` in all; `otherwise` is
/// why the others were not.
pub fn run(
    told: BTreeMap<Fingerprint, Told>,
    causes: usize,
    otherwise: &str,
    spent: Spent,
    provider: &dyn Provider,
    prices: &Prices,
    redactor: &Redactor,
) -> ModelRun {
    let (mut answered, mut kept, mut cached) = (0, 0, 0);
    let mut failed: BTreeMap<&Redacted, u64> = BTreeMap::new();
    let mut notes: BTreeSet<&str> = BTreeSet::new();
    for told in told.values() {
        match told {
            Told::Answered { kept: stands, cached: earlier, notes: more } => {
                *(if *stands { &mut kept } else { &mut answered }) += 1;
                cached += u64::from(*earlier);
                notes.extend(more.iter().map(String::as_str));
            }
            Told::Failed(reason) => *failed.entry(reason).or_default() += 1,
        }
    }
    let failures: u64 = failed.values().sum();
    let heard = answered + kept;
    let state = match (heard, failures) {
        (0, 0) => ModelState::NotAsked,
        (0, _) => ModelState::Unavailable,
        (heard, _) if heard >= causes as u64 => ModelState::Complete,
        _ => ModelState::Partial,
    };
    // The reason that most causes have.
    let most = failed.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| (*reason).clone());
    let reason = match most {
        Some(reason) => reason,
        None if (causes as u64) > heard => redactor.text(otherwise),
        None => Redacted::default(),
    };
    let cost = if provider.is_local() {
        Some(0.0)
    } else if spent.unmetered > 0 {
        // Half a sum would be taken for the whole.
        None
    } else {
        prices.iter().find(|(model, ..)| model == provider.model()).map(|(_, input, output)| {
            let cost = (spent.input_tokens as f64 * input + spent.output_tokens as f64 * output) / 1e6;
            (cost * 1e6).round() / 1e6
        })
    };
    let mut notes: Vec<Redacted> =
        notes.into_iter().take(MAX_NOTES).map(|note| redactor.text(note)).collect();
    if spent.unmetered > 0 {
        let calls =
            if spent.unmetered == 1 { "1 call".to_owned() } else { format!("{} calls", spent.unmetered) };
        notes.push(redactor.text(&format!("how many tokens {calls} took is not known")));
    }
    ModelRun {
        state,
        provider: Some(provider.name().to_owned()),
        model: Some(redactor.text(provider.model())),
        reason,
        answered,
        cached,
        kept,
        failed: failures,
        calls: spent.calls,
        input_tokens: spent.input_tokens,
        output_tokens: spent.output_tokens,
        unmetered: spent.unmetered,
        cost,
        notes,
        told,
    }
}
