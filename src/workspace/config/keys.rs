//! The one table of settings: their names and how each is taken over.

use super::setting::{Setting, Value};
use super::{Ai, Config, ConfigProblem, DiagnosticSeverity, Search, Surfaces, Trace, Verify, redaction};
use crate::history::target;

/// A setting.
pub struct Key {
    /// Its name in JSON; TOML also takes `max-log-size` and `max_log_size` for `maxLogSize`.
    pub name: &'static str,
    /// What it takes, for messages.
    pub expects: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    apply: fn(&mut Config, &Setting, &mut Report<'_>) -> Option<()>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("expects", &self.expects)
            .finish_non_exhaustive()
    }
}

/// All settings.
pub const KEYS: &[Key] = &[
    Key {
        name: "resultGlobs",
        expects: "an array of globs such as [\"reports/*.xml\"]",
        description: "Where result files lie, relative to the workspace, instead of the usual places",
        apply: |config, setting, report| {
            let mut globs = Vec::new();
            for (line, text) in texts(setting)? {
                match globset::Glob::new(&text) {
                    Ok(_) => globs.push(text),
                    Err(error) => report.add(line, format!("`resultGlobs`: {error}; the glob is left out")),
                }
            }
            config.result_globs = globs;
            Some(())
        },
    },
    Key {
        name: "pathMappings",
        expects: "a table of prefixes such as { \"/app\" = \"src\" }",
        description: "Prefixes of paths in results, and what they are in this workspace",
        apply: |config, setting, report| {
            let Value::Table(entries) = &setting.value else { return None };
            config.path_mappings.clear();
            for (from, to) in entries {
                match &to.value {
                    Value::Text(to) => config.path_mappings.push((from.clone(), to.clone())),
                    _ => report.add(
                        to.line,
                        format!(
                            "`pathMappings`: `{from}` must be a string, not {}; it is left out",
                            to.kind()
                        ),
                    ),
                }
            }
            Some(())
        },
    },
    Key {
        name: "python",
        expects: "the path of an interpreter",
        description: "The interpreter that runs the tests; otherwise the project's environment is looked for",
        apply: |config, setting, _| {
            config.python = optional_text(setting)?;
            Some(())
        },
    },
    Key {
        name: "pytestArgs",
        expects: "an array of arguments such as [\"-m\", \"not slow\"]",
        description: "Arguments added whenever Failscope runs pytest",
        apply: |config, setting, _| {
            let Value::List(items) = &setting.value else { return None };
            let args: Option<Vec<String>> = items.iter().map(text).collect();
            config.pytest_args = args?;
            Some(())
        },
    },
    Key {
        name: "ai",
        expects: "\"off\", \"onRequest\" or \"auto\"",
        description: "Whether a model may be asked: never, when you ask for it, or after every analysis",
        apply: |config, setting, _| {
            config.ai =
                choice(setting, &[("off", Ai::Off), ("onRequest", Ai::OnRequest), ("auto", Ai::Auto)])?;
            Some(())
        },
    },
    Key {
        name: "provider",
        expects: "\"groq\", \"openai\", \"anthropic\" or \"ollama\"",
        description: "The model provider; otherwise the first whose variable is set",
        apply: |config, setting, _| {
            const PROVIDERS: [&str; 4] = ["groq", "openai", "anthropic", "ollama"];
            config.provider = match optional_text(setting)? {
                None => None,
                Some(_) => Some(choice(setting, &PROVIDERS.map(|name| (name, name)))?.to_owned()),
            };
            Some(())
        },
    },
    Key {
        name: "model",
        expects: "the name of a model",
        description: "The model; otherwise the provider's default",
        apply: |config, setting, _| {
            config.model = optional_text(setting)?;
            Some(())
        },
    },
    Key {
        name: "aiBudgetCalls",
        expects: "a number of calls above 0",
        description: "Most calls of a model for one run of the tests",
        apply: |config, setting, _| bound(&mut config.ai_budget.calls, setting),
    },
    Key {
        name: "aiBudgetTokens",
        expects: "a number of tokens above 0",
        description: "Most tokens, of prompts and answers, for one run of the tests",
        apply: |config, setting, _| bound(&mut config.ai_budget.tokens, setting),
    },
    Key {
        name: "aiBudgetDailyCalls",
        expects: "a number of calls above 0",
        description: "Most calls of a model in a day (UTC), over all projects",
        apply: |config, setting, _| bound(&mut config.ai_budget.daily_calls, setting),
    },
    Key {
        name: "aiBudgetDailyTokens",
        expects: "a number of tokens above 0",
        description: "Most tokens, of prompts and answers, in a day (UTC), over all projects",
        apply: |config, setting, _| bound(&mut config.ai_budget.daily_tokens, setting),
    },
    Key {
        name: "aiPrices",
        expects: "a table of [dollars per million tokens of prompts, of answers] such as { \"gpt-4o\" = [2.5, 10] }",
        description: "What models cost, for the cost in the report",
        apply: |config, setting, report| {
            let Value::Table(entries) = &setting.value else { return None };
            config.ai_prices.clear();
            for (model, value) in entries {
                match prices(value) {
                    Some((input, output)) => config.ai_prices.push((model.clone(), input, output)),
                    None => report.add(
                        value.line,
                        format!(
                            "`aiPrices`: `{model}` must be two numbers that are not negative; it is left out"
                        ),
                    ),
                }
            }
            Some(())
        },
    },
    Key {
        name: "maxLogSize",
        expects: "a number of characters above 0",
        description: "Most characters of a failure's log that are kept and sent to a model",
        apply: |config, setting, _| {
            let Value::Integer(number) = setting.value else { return None };
            config.max_log_size = usize::try_from(number).ok().filter(|&n| n > 0)?;
            Some(())
        },
    },
    Key {
        name: "output",
        expects: "the path of a folder",
        description: "The folder of the reports",
        apply: |config, setting, _| {
            config.output = optional_text(setting)?.unwrap_or_else(|| Config::default().output);
            Some(())
        },
    },
    Key {
        name: "severity",
        expects: "\"error\", \"warning\", \"information\" or \"hint\"",
        description: "Severity of the findings in the editor",
        apply: |config, setting, _| {
            config.severity = choice(
                setting,
                &[
                    ("error", DiagnosticSeverity::Error),
                    ("warning", DiagnosticSeverity::Warning),
                    ("information", DiagnosticSeverity::Information),
                    ("info", DiagnosticSeverity::Information),
                    ("hint", DiagnosticSeverity::Hint),
                ],
            )?;
            Some(())
        },
    },
    Key {
        name: "surfaces",
        expects: "a table of booleans (testDiagnostics, culpritDiagnostics, hover, codeLens, inlayHints) or an \
                  array of those to show",
        description: "Where findings are shown in the editor",
        apply: surfaces,
    },
    Key {
        name: "verify",
        expects: "\"off\", \"onRequest\" or \"auto\"",
        description: "When fixes are tried on a copy of the workspace",
        apply: |config, setting, _| {
            let choices = [("off", Verify::Off), ("onRequest", Verify::OnRequest), ("auto", Verify::Auto)];
            config.verify = choice(setting, &choices)?;
            Some(())
        },
    },
    Key {
        name: "verifyModelFixes",
        expects: "true or false",
        description: "Whether fixes that a model wrote are tried too, which runs what it wrote",
        apply: |config, setting, _| {
            let Value::Bool(on) = setting.value else { return None };
            config.verify_model_fixes = on;
            Some(())
        },
    },
    Key {
        name: "trace",
        expects: "\"off\", \"onRequest\" or \"auto\"",
        description: "When failing tests are run traced to find the culprit",
        apply: |config, setting, _| {
            let choices = [("off", Trace::Off), ("onRequest", Trace::OnRequest), ("auto", Trace::Auto)];
            config.trace = choice(setting, &choices)?;
            Some(())
        },
    },
    Key {
        name: "search",
        expects: "\"off\", \"onRequest\" or \"auto\"",
        description: "When a fix is searched after tracing: with \"auto\" also in the background",
        apply: |config, setting, _| {
            let choices = [("off", Search::Off), ("onRequest", Search::OnRequest), ("auto", Search::Auto)];
            config.search = choice(setting, &choices)?;
            Some(())
        },
    },
    Key {
        name: "searchBudget",
        expects: "a number of seconds from 1 to 3600",
        description: "Seconds that the search for the fix of one cause may take",
        apply: |config, setting, _| {
            let Value::Integer(number) = setting.value else { return None };
            config.search_budget = u32::try_from(number).ok().filter(|n| (1..=3600).contains(n))?;
            Some(())
        },
    },
    Key {
        name: "redaction",
        expects: "a table (patterns, allow, kinds, exampleEmails)",
        description: "What is taken for a secret besides, and what is not; models are sent nothing of any kind",
        apply: |config, setting, report| redaction::apply(&mut config.redaction, setting, report),
    },
    Key {
        name: "history",
        expects: "\"off\", the path of a database or the URL of a PostgreSQL database",
        description: "Where the history of runs is kept; otherwise in the reports' folder",
        apply: |config, setting, report| {
            config.history = match &setting.value {
                Value::Bool(false) => Some("off".to_owned()),
                Value::Bool(true) => None,
                _ => optional_text(setting)?,
            };
            if config.history.as_deref().is_some_and(target::has_password) {
                let message = "`history` holds a password, and settings are often shared: put the URL into the \
                               variable FAILSCOPE_HISTORY instead; it is used all the same";
                report.add(setting.line, message.to_owned());
            }
            Some(())
        },
    },
];

/// Keys of the editors' own extensions, which arrive with ours.
const EDITOR_KEYS: &[&str] = &["server", "path", "serverpath", "serverargs", "enable", "enabled"];

type SurfaceSwitch = (&'static str, fn(&mut Surfaces) -> &mut bool);

const SURFACES: &[SurfaceSwitch] = &[
    ("testDiagnostics", |s| &mut s.test_diagnostics),
    ("culpritDiagnostics", |s| &mut s.culprit_diagnostics),
    ("hover", |s| &mut s.hover),
    ("codeLens", |s| &mut s.code_lens),
    ("inlayHints", |s| &mut s.inlay_hints),
];

fn surfaces(config: &mut Config, setting: &Setting, report: &mut Report<'_>) -> Option<()> {
    let wanted: Vec<(String, Option<u32>, bool)> = match &setting.value {
        Value::List(_) => {
            for (_, switch) in SURFACES {
                *switch(&mut config.surfaces) = false;
            }
            texts(setting)?.into_iter().map(|(line, name)| (name, line, true)).collect()
        }
        Value::Table(entries) => {
            let mut wanted = Vec::new();
            for (name, value) in entries {
                match value.value {
                    Value::Bool(on) => wanted.push((name.clone(), value.line, on)),
                    Value::Null => {}
                    _ => report.add(
                        value.line,
                        format!(
                            "`surfaces.{name}` must be true or false, not {}; it is left out",
                            value.kind()
                        ),
                    ),
                }
            }
            wanted
        }
        _ => return None,
    };
    for (name, line, on) in wanted {
        if let Some((_, switch)) = SURFACES.iter().find(|(known, _)| folded(known) == folded(&name)) {
            *switch(&mut config.surfaces) = on;
        } else {
            let near = near_name(&name, SURFACES.iter().map(|(known, _)| *known));
            report.add(line, format!("`surfaces.{name}` is not known{near}; it is left out"));
        }
    }
    Some(())
}

/// Where problems go.
pub(super) struct Report<'a> {
    problems: &'a mut Vec<ConfigProblem>,
}

impl Report<'_> {
    pub(super) fn add(&mut self, line: Option<u32>, message: String) {
        self.problems.push(ConfigProblem { line, message });
    }
}

/// Takes the entries over into `config`, reporting what cannot be used.
pub(super) fn apply(config: &mut Config, entries: &[(String, Setting)], problems: &mut Vec<ConfigProblem>) {
    let mut report = Report { problems };
    for (name, setting) in entries {
        // `trace.server` is the setting of a language client, which stands beside our own `trace`.
        let is_of_client =
            setting.line.is_none() && name == "trace" && matches!(setting.value, Value::Table(_));
        if matches!(setting.value, Value::Null) || is_of_client {
            continue;
        }
        let Some(key) = KEYS.iter().find(|key| folded(key.name) == folded(name)) else {
            unknown(name, setting, &mut report);
            continue;
        };
        let before = config.clone();
        if (key.apply)(config, setting, &mut report).is_none() {
            *config = before;
            let given = match &setting.value {
                Value::Text(text) if text.chars().count() <= 40 => format!("{text:?}"),
                Value::Integer(number) => number.to_string(),
                _ => setting.kind().to_owned(),
            };
            report.add(
                setting.line,
                format!("`{name}` must be {}, not {given}; it is left as it was", key.expects),
            );
        }
    }
}

fn unknown(name: &str, setting: &Setting, report: &mut Report<'_>) {
    let folded_name = folded(name);
    if setting.line.is_none() && EDITOR_KEYS.contains(&folded_name.as_str()) {
        return;
    }
    let secret = ["apikey", "accesskey", "secret", "password", "credential"];
    let is_secret = secret.iter().any(|word| folded_name.contains(word)) || folded_name.ends_with("token");
    let message = if is_secret || looks_like_key(setting) {
        format!(
            "`{name}` is not used: keys of model providers are taken from the environment (GROQ_API_KEY, \
             OPENAI_API_KEY, ANTHROPIC_API_KEY) or the key ring, never from settings, which are often shared; remove it here, \
             and replace the key if this file has been shared"
        )
    } else {
        let near = near_name(name, KEYS.iter().map(|key| key.name));
        format!("`{name}` is not a setting of Failscope{near}; it is left out")
    };
    report.add(setting.line, message);
}

fn looks_like_key(setting: &Setting) -> bool {
    matches!(&setting.value, Value::Text(text) if text.len() >= 20
        && ["sk-", "gsk_", "xai-"].iter().any(|prefix| text.starts_with(prefix)))
}

/// The name without case, `-` and `_`: how `maxLogSize`, `max-log-size` and `max_log_size` are one.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// `: did you mean …?` for the known name that is near, if one is.
pub(super) fn near_name(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let wanted = folded(name);
    known
        .map(|known| (strsim::normalized_damerau_levenshtein(&wanted, &folded(known)), known))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, known)| format!(" (did you mean `{known}`?)"))
}

fn text(setting: &Setting) -> Option<String> {
    match &setting.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// A bound: a whole number above 0.
fn bound(slot: &mut Option<u64>, setting: &Setting) -> Option<()> {
    let Value::Integer(number) = setting.value else { return None };
    *slot = Some(u64::try_from(number).ok().filter(|&n| n > 0)?);
    Some(())
}

/// Two prices.
fn prices(setting: &Setting) -> Option<(f64, f64)> {
    let Value::List(items) = &setting.value else { return None };
    let number = |item: &Setting| match item.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    };
    let [input, output] = items.as_slice() else { return None };
    let (input, output) = (number(input)?, number(output)?);
    (input >= 0.0 && output >= 0.0 && input.is_finite() && output.is_finite()).then_some((input, output))
}

/// A string; the empty one means that the key is not set.
#[expect(clippy::option_option, reason = "not a string, not set, and set are three cases")]
fn optional_text(setting: &Setting) -> Option<Option<String>> {
    text(setting).map(|text| Some(text).filter(|text| !text.trim().is_empty()))
}

/// The strings of an array, or one string alone.
pub(super) fn texts(setting: &Setting) -> Option<Vec<(Option<u32>, String)>> {
    match &setting.value {
        Value::Text(text) => Some(vec![(setting.line, text.clone())]),
        Value::List(items) => items.iter().map(|item| Some((item.line, text(item)?))).collect(),
        _ => None,
    }
}

fn choice<T: Copy>(setting: &Setting, choices: &[(&str, T)]) -> Option<T> {
    let wanted = match &setting.value {
        Value::Text(text) => folded(text.trim()),
        // `false` for `off` is what people try, and cannot mean anything else.
        Value::Bool(false) => "off".to_owned(),
        _ => return None,
    };
    choices.iter().find(|(name, _)| folded(name) == wanted).map(|(_, value)| *value)
}
