//! Settings: the same keys in `initializationOptions`, `didChangeConfiguration` (under `failscope`) and
//! `[tool.failscope]` of `pyproject.toml`. Unknown or ill-typed keys are reported, never fatal.

mod keys;
mod redaction;
mod setting;
#[cfg(test)]
mod tests;

use crate::diagnose::agents::budget::Limits;
use crate::evidence::redact::RedactionSettings;
pub use keys::{KEYS, Key};
use setting::{Lines, Setting, Value};

/// The settings in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Globs of result files, relative to the workspace; empty for the default places.
    pub result_globs: Vec<String>,
    /// Prefixes of paths in results and what they are here (relative to the workspace or absolute).
    pub path_mappings: Vec<(String, String)>,
    /// The project's interpreter; `None` to look for it.
    pub python: Option<String>,
    /// Arguments added to every pytest run.
    pub pytest_args: Vec<String>,
    /// Whether models may be asked.
    pub ai: Ai,
    /// `groq`, `openai`, `anthropic`, `ollama`; `None` to detect.
    pub provider: Option<String>,
    /// Model name; `None` for the provider's default.
    pub model: Option<String>,
    /// How much models may be asked.
    pub ai_budget: Limits,
    /// Dollars per million tokens of prompts and of answers, by model.
    pub ai_prices: Vec<(String, f64, f64)>,
    /// Most characters of a failure's log.
    pub max_log_size: usize,
    /// Folder of the reports, relative to the workspace or absolute.
    pub output: String,
    /// Severity of diagnostics in the editor.
    pub severity: DiagnosticSeverity,
    /// Where findings are shown in the editor.
    pub surfaces: Surfaces,
    /// When fixes are verified.
    pub verify: Verify,
    /// Whether fixes that a model wrote are verified like the others.
    pub verify_model_fixes: bool,
    /// When failing tests are traced to find their culprit.
    pub trace: Trace,
    /// When a fix is searched after tracing.
    pub search: Search,
    /// Seconds that the search for the fix of one cause may take.
    pub search_budget: u32,
    /// What is taken for a secret besides, and what is not.
    pub redaction: RedactionSettings,
    /// Where history is kept: `None` for `.failscope/history.db`, or a database URL, or `off`.
    pub history: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            result_globs: Vec::new(),
            path_mappings: Vec::new(),
            python: None,
            pytest_args: Vec::new(),
            ai: Ai::default(),
            provider: None,
            model: None,
            ai_budget: Limits::default(),
            ai_prices: Vec::new(),
            max_log_size: crate::evidence::preprocess::DEFAULT_MAX_LOG_SIZE,
            output: ".failscope".to_owned(),
            severity: DiagnosticSeverity::default(),
            surfaces: Surfaces::default(),
            verify: Verify::default(),
            verify_model_fixes: false,
            trace: Trace::default(),
            search: Search::default(),
            search_budget: 20,
            redaction: RedactionSettings::default(),
            history: None,
        }
    }
}

/// Whether models may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ai {
    /// Never.
    Off,
    /// When the user asks.
    #[default]
    OnRequest,
    /// After every analysis.
    Auto,
}

/// Severity of diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiagnosticSeverity {
    /// Error.
    #[default]
    Error,
    /// Warning.
    Warning,
    /// Information.
    Information,
    /// Hint.
    Hint,
}

/// Where findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the user's")]
pub struct Surfaces {
    /// Diagnostics on the failing line of the test.
    pub test_diagnostics: bool,
    /// Diagnostics on the culprit line in the source.
    pub culprit_diagnostics: bool,
    /// Hovers.
    pub hover: bool,
    /// Code lenses.
    pub code_lens: bool,
    /// Inlay hints.
    pub inlay_hints: bool,
}

impl Default for Surfaces {
    fn default() -> Self {
        Self {
            test_diagnostics: true,
            culprit_diagnostics: true,
            hover: true,
            code_lens: true,
            inlay_hints: true,
        }
    }
}

/// When fixes are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Never.
    Off,
    /// When the user asks.
    #[default]
    OnRequest,
    /// In the background after an analysis.
    Auto,
}

/// When failing tests are traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trace {
    /// Never.
    Off,
    /// When the user asks.
    #[default]
    OnRequest,
    /// In the background after a run with failures.
    Auto,
}

/// When a fix is searched after tracing, where no other is known to help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Search {
    /// Never.
    Off,
    /// When the user asks for the culprit.
    #[default]
    OnRequest,
    /// Also when tests were traced in the background.
    Auto,
}

/// A setting that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Line (from 1) in `pyproject.toml`, where it came from there.
    pub line: Option<u32>,
    /// What is wrong with which key, and what is used instead.
    pub message: String,
}

impl Config {
    /// Reads `[tool.failscope]` from the text of a `pyproject.toml`, over the defaults.
    pub fn from_pyproject(text: &str) -> (Self, Vec<ConfigProblem>) {
        let mut config = Self::default();
        let mut problems = Vec::new();
        let lines = Lines(text);
        // The parser counts a byte order mark as text.
        let document = match toml_edit::Document::parse(text.strip_prefix('\u{feff}').unwrap_or(text)) {
            Ok(document) => document,
            Err(error) => {
                let line = error.span().map(|span| lines.of(span.start));
                let reason = error.message().lines().next().unwrap_or_default().to_owned();
                let message =
                    format!("pyproject.toml is not valid TOML: {reason}; the default settings are in force");
                problems.push(ConfigProblem { line, message });
                return (config, problems);
            }
        };
        let tool = document.as_table().get("tool").and_then(toml_edit::Item::as_table_like);
        let Some((key, item)) = tool.and_then(|tool| tool.get_key_value("failscope")) else {
            return (config, problems);
        };
        let span = item.span().or_else(|| key.span());
        let line = span.map_or(1, |span| lines.of(span.start));
        match item.as_table_like() {
            Some(table) => {
                let entries = Setting::entries(table, &lines, line);
                keys::apply(&mut config, &entries, &mut problems);
            }
            None => problems.push(ConfigProblem {
                line: Some(line),
                message: "`tool.failscope` must be a table; the default settings are in force".to_owned(),
            }),
        }
        problems.sort_by_key(|problem| problem.line);
        (config, problems)
    }

    /// Puts the settings of an editor (a JSON object with the camel-case keys, alone or under `failscope`) over
    /// these.
    #[must_use]
    pub fn overlaid(mut self, settings: &serde_json::Value) -> (Self, Vec<ConfigProblem>) {
        let mut problems = Vec::new();
        let settings = settings.get("failscope").unwrap_or(settings);
        let setting = Setting::from_json(settings);
        match &setting.value {
            Value::Table(entries) => keys::apply(&mut self, entries, &mut problems),
            Value::Null => {}
            // Lua cannot tell an empty table from an empty list, so Neovim sends `[]` for "nothing set".
            Value::List(items) if items.is_empty() => {}
            _ => problems.push(ConfigProblem {
                line: None,
                message: format!(
                    "the settings under `failscope` must be an object, not {}; they are left out",
                    setting.kind()
                ),
            }),
        }
        (self, problems)
    }
}
