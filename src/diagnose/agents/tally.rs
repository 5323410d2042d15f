//! What became of asking about all causes of a run, in numbers and reasons.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnose::providers::{Provider, Usage};
use crate::evidence::redact::Redactor;
use crate::model::{ModelRun, ModelState, Redacted};

/// Most notes.
const MAX_NOTES: usize = 8;

/// What became of asking about one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The model has answered.
    Answered {
        /// Whether the offline diagnosis stands all the same.
        kept: bool,
        /// Whether the answer was in the cache.
        cached: bool,
        /// What was done differently from what was asked.
        notes: Vec<String>,
    },
    /// It has not.
    Failed(Redacted),
}

/// The sum over causes.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    answered: u64,
    kept: u64,
    cached: u64,
    failed: BTreeMap<Redacted, u64>,
    notes: BTreeSet<String>,
    calls: u64,
    input_tokens: u64,
    output_tokens: u64,
}

/// Prices in US dollars per million tokens of prompts and of answers, by model.
pub type Prices = [(String, f64, f64)];

impl Tally {
    /// Adds what became of one cause.
    pub fn add(&mut self, told: &Told) {
        match told {
            Told::Answered { kept, cached, notes } => {
                *(if *kept { &mut self.kept } else { &mut self.answered }) += 1;
                self.cached += u64::from(*cached);
                self.notes.extend(notes.iter().cloned());
            }
            Told::Failed(reason) => *self.failed.entry(reason.clone()).or_default() += 1,
        }
    }

    /// Adds a call.
    pub fn called(&mut self, usage: Usage) {
        self.calls += 1;
        self.input_tokens += usage.input_tokens.unwrap_or_default();
        self.output_tokens += usage.output_tokens.unwrap_or_default();
    }

    /// Adds the calls of another round; its causes are counted by what they are now.
    pub fn calls_of(&mut self, other: &ModelRun) {
        self.calls += other.calls;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
    }

    /// What the report says, where there are `causes` causes; `otherwise` is why those were not asked about that
    /// were not.
    pub fn run(
        &self,
        causes: usize,
        otherwise: &str,
        provider: &dyn Provider,
        prices: &Prices,
        redactor: &Redactor,
    ) -> ModelRun {
        let heard = self.answered + self.kept;
        let failed: u64 = self.failed.values().sum();
        let silent = (causes as u64).saturating_sub(heard + failed);
        let state = match (heard, failed) {
            (0, 0) => ModelState::NotAsked,
            (0, _) => ModelState::Unavailable,
            (heard, _) if heard >= causes as u64 => ModelState::Complete,
            _ => ModelState::Partial,
        };
        // The reason that most causes have.
        let most = self.failed.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| reason.clone());
        let reason = match most {
            Some(reason) => reason,
            None if silent > 0 => redactor.text(otherwise),
            None => Redacted::default(),
        };
        let cost = if provider.is_local() {
            Some(0.0)
        } else {
            prices.iter().find(|(model, ..)| model == provider.model()).map(|(_, input, output)| {
                let cost = (self.input_tokens as f64 * input + self.output_tokens as f64 * output) / 1e6;
                (cost * 1e6).round() / 1e6
            })
        };
        ModelRun {
            state,
            provider: Some(provider.name().to_owned()),
            model: Some(redactor.text(provider.model())),
            reason,
            answered: self.answered,
            cached: self.cached,
            kept: self.kept,
            failed,
            calls: self.calls,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cost,
            notes: self.notes.iter().take(MAX_NOTES).map(|note| redactor.text(note)).collect(),
        }
    }
}
