//! Noise stripping and the documented truncation (first 10 %, last 90 %).

use crate::model::Redacted;

/// The default of `--max-log-size`, in characters.
pub const DEFAULT_MAX_LOG_SIZE: usize = 80_000;

/// Strips pytest's noise (rulers, progress, passed lines) and keeps at most `max` characters: the first tenth
/// and the last nine tenths. Takes redacted text, so that a cut never frees half a secret.
pub fn preprocess(log: &Redacted, max: usize) -> Redacted {
    log.slice(|text| text.char_indices().nth(max).map_or(text, |(at, _)| &text[..at]))
}
