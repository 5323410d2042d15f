//! pytest that does not get as far as its tests: options it does not know, plugins it cannot import, hooks with
//! arguments that do not exist.

use crate::diagnose::case::{Case, code, line_of};
use crate::diagnose::rules::spot::{between, line};
use crate::diagnose::{Draft, Finding};
use crate::model::{Category, FailureKind, FixTarget, Place, RelPath, Severity};

/// Where pytest's options may be set, in the order in which it looks.
const CONFIG_FILES: &[&str] =
    &["pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"];

/// Options by their beginnings, and the distributions of the plugins that bring them (as their own manuals say).
const OPTIONS: &[(&str, &str)] = &[
    ("--cov", "pytest-cov"),
    ("--no-cov", "pytest-cov"),
    ("--numprocesses", "pytest-xdist"),
    ("--dist", "pytest-xdist"),
    ("-n", "pytest-xdist"),
    ("--reruns", "pytest-rerunfailures"),
    ("--only-rerun", "pytest-rerunfailures"),
    ("--timeout", "pytest-timeout"),
    ("--asyncio-mode", "pytest-asyncio"),
    ("--benchmark", "pytest-benchmark"),
    ("--html", "pytest-html"),
    ("--self-contained-html", "pytest-html"),
    ("--json-report", "pytest-json-report"),
    ("--report-log", "pytest-reportlog"),
    ("--ds", "pytest-django"),
    ("--reuse-db", "pytest-django"),
    ("--create-db", "pytest-django"),
    ("--nomigrations", "pytest-django"),
    ("--random-order", "pytest-random-order"),
    ("--randomly", "pytest-randomly"),
    ("--snapshot-update", "syrupy"),
    ("--alluredir", "allure-pytest"),
    ("--mypy", "pytest-mypy"),
    ("--ruff", "pytest-ruff"),
    ("--splits", "pytest-split"),
];

/// pytest refused its arguments or settings.
pub(super) fn refused(case: &Case<'_>) -> Option<Finding> {
    let failure = case.representative();
    let text = failure.text.strip_prefix("UsageError: ").filter(|_| failure.kind == FailureKind::Internal)?;
    let message = text.lines().next()?.trim();
    let base = Finding::new("startup-usage", Category::EnvIssue, Severity::Critical, 0.85);
    if let Some(all) = message.strip_prefix("unrecognized arguments: ") {
        let option = all.split_whitespace().next()?;
        let name = option.split('=').next().unwrap_or(option);
        let plugin = OPTIONS.iter().find(|(start, _)| name.starts_with(start)).map(|(_, plugin)| *plugin);
        let place = setting(case, option);
        let from =
            place.as_ref().map_or_else(String::new, |place| format!(", which {} sets", line_of(place)));
        let brought = plugin.map_or_else(
            || "no plugin that is installed has it".to_owned(),
            |plugin| format!("it belongs to {}, which is not installed where the tests ran", code(plugin)),
        );
        let mut finding = base
            .because(format!("pytest does not know the option {}{from}: {brought}", code(option)))
            .suggest(plugin.map_or_else(
                || format!("Install the plugin that brings `{name}`, or leave the option out"),
                |plugin| format!("Install {plugin}, or leave `{name}` out"),
            ));
        if let Some(place) = &place {
            finding = finding.shown(format!("sets {}", code(option)), Some(place)).suspect(
                place,
                0.85,
                format!("sets `{name}`"),
            );
        }
        return Some(finding.mend(plugin.map(|plugin| {
            Draft::command(
                FixTarget::Environment,
                format!("Install {plugin}"),
                format!("It brings the option `{name}`"),
                format!("pip install {plugin}"),
            )
        })));
    }
    if let Some(plugin) = between(message, "Error importing plugin \"", "\"") {
        let why = message.split_once("\": ").map_or("", |(_, why)| why);
        let place = mention(case, plugin);
        let from = place.as_ref().map_or_else(String::new, |place| format!(", named at {},", line_of(place)));
        let mut finding = base
            .because(format!("The plugin {}{from} cannot be imported: {}", code(plugin), code(why)))
            .suggest("Correct the plugin's name, or put its folder on the import path (`pythonpath`)");
        if let Some(place) = &place {
            finding = finding.shown(format!("names {}", code(plugin)), Some(place)).suspect(
                place,
                0.85,
                format!("names `{plugin}`"),
            );
        }
        return Some(finding);
    }
    if let Some(path) = message.strip_prefix("file or directory not found: ") {
        return Some(
            base.because(format!("pytest was given {}, and there is no such file or folder", code(path)))
                .suggest("Correct the path in the command or in `testpaths`"),
        );
    }
    let named = CONFIG_FILES.iter().find(|file| message.contains(&format!("{file}:")));
    let path = named.and_then(|file| RelPath::new(file)).filter(|path| case.workspace.is_file(path));
    let number = ["(at line ", ":"].iter().find_map(|before| {
        message.match_indices(before).find_map(|(at, _)| {
            let digits: String =
                message[at + before.len()..].chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u32>().ok().filter(|&number| number > 0)
        })
    });
    let mut finding = base
        .because(format!("pytest cannot use its settings: {}", code(message)))
        .suggest("Correct the settings file");
    if let Some(path) = path {
        finding =
            finding.suspect(&line(&path, number.unwrap_or(1)), 0.85, "the settings that pytest refuses");
    }
    Some(finding)
}

/// A hook of a `conftest.py` or plugin asks for arguments that the hook does not have.
pub(super) fn hook_arguments(case: &Case<'_>) -> Option<Finding> {
    let exception = case.last().filter(|e| e.short_type() == "PluginValidationError")?;
    let message = &exception.message;
    let (path, hook) = (between(message, "Plugin '", "'")?, between(message, "for hook '", "'")?);
    let arguments = between(message, "Argument(s) {", "}")?;
    let file = case.workspace.resolve(path, None)?;
    let source = case.workspace.source(&file)?;
    let definition = source.module().definition_exact(hook)?;
    let place =
        Place { function: Some(definition.qualified_name.clone()), ..line(&file, definition.name_line) };
    Some(
        Finding::new("startup-hook-arguments", Category::EnvIssue, Severity::Critical, 0.95)
            .because(format!(
                "The hook `{hook}` ({}) asks for {}, which pytest does not give to this hook",
                line_of(&place),
                code(arguments)
            ))
            .suggest(format!("Remove {} from the parameters of `{hook}`", code(arguments)))
            .shown(message.lines().next().unwrap_or_default(), Some(&place))
            .suspect(&place, 0.95, "declares an argument that the hook does not have"),
    )
}

/// The line of pytest's settings that holds the option.
fn setting(case: &Case<'_>, option: &str) -> Option<Place> {
    CONFIG_FILES.iter().find_map(|file| containing(case, &RelPath::new(file)?, option))
}

/// The line that names a plugin: in a `conftest.py` or in the settings.
fn mention(case: &Case<'_>, plugin: &str) -> Option<Place> {
    let conftest = RelPath::new("conftest.py").and_then(|path| containing(case, &path, plugin));
    conftest.or_else(|| setting(case, plugin))
}

/// The first line of `path` that holds `text`, comments aside.
fn containing(case: &Case<'_>, path: &RelPath, text: &str) -> Option<Place> {
    let source = case.workspace.source(path)?;
    let holds = |number: &u32| {
        source.line(*number).is_some_and(|l| l.contains(text) && !l.trim_start().starts_with(['#', ';']))
    };
    (1..=source.line_count()).find(holds).map(|number| line(path, number))
}

#[cfg(test)]
mod tests {
    use super::{hook_arguments, refused};
    use crate::diagnose::Case;
    use crate::diagnose::case::Memo;
    use crate::diagnose::rules::testing::scene;
    use crate::model::{FailureKind, Run};

    /// Cause and first place of what pytest says in a project with these files.
    fn said(files: &[(&'static str, &str)], text: &str) -> Option<(String, Option<String>)> {
        let workspace = scene(files, "", &[]).workspace();
        let mut run = Run::default();
        let read = crate::ingest::read(text.as_bytes(), "-", None, &crate::ingest::ReadOptions::default());
        run.failures = read.map(|run| run.failures).unwrap_or_default();
        crate::evidence::collect(&mut run, &workspace);
        let failure = run.failures.first()?;
        assert_eq!(failure.kind, FailureKind::Internal, "{text}");
        let memo = Memo::default();
        let case = Case { failures: &[failure], workspace: &workspace, replay: false, memo: &memo };
        let finding = refused(&case).or_else(|| hook_arguments(&case))?;
        let place = finding.culprits.first().map(|(p, ..)| format!("{}:{}", p.path.as_str(), p.line));
        Some((finding.root_cause, place))
    }

    /// Texts as pytest 9.2 prints them, tracebacks with fewer frames.
    #[test]
    fn what_pytest_refuses() {
        let usage = |args: &str| {
            format!(
                "ERROR: usage: pytest [options] [file_or_dir] [file_or_dir] [...]\npytest: error: unrecognized arguments: {args}\n  inifile: /w/pytest.ini\n"
            )
        };
        let ini = ("pytest.ini", "[pytest]\n# --cov=src was here\naddopts = --cov=src -q\n");
        let conftest = (
            "conftest.py",
            "import pytest\n\ndef pytest_configure(config, nonsense):\n    pass\n\npytest_plugins = ['tests.fixtures_db']\n",
        );
        let hook = "Traceback (most recent call last):\n  File \"/v/bin/pytest\", line 8, in <module>\n    sys.exit(console_main())\npluggy._manager.PluginValidationError: Plugin '/no/such/folder/conftest.py' for hook 'pytest_configure'\nhookimpl definition: pytest_configure(config, nonsense)\nArgument(s) {'nonsense'} are declared in the hookimpl but can not be found in the hookspec\n";
        for (text, part, place) in [
            (usage("--cov=src"), "belongs to `pytest-cov`", Some("pytest.ini:3")),
            (usage("--frobnicate"), "no plugin that is installed", None),
            (
                "ERROR: Error importing plugin \"tests.fixtures_db\": No module named 'tests'\n".to_owned(),
                "`No module named 'tests'`",
                Some("conftest.py:6"),
            ),
            (
                "ERROR: /w/pytest.ini:2: unexpected line: 'addopts'\n".to_owned(),
                "cannot use its settings",
                Some("pytest.ini:2"),
            ),
            (hook.to_owned(), "asks for `'nonsense'`", Some("conftest.py:3")),
        ] {
            let (cause, first) = said(&[ini, conftest], &text).unwrap_or_else(|| panic!("silent: {text}"));
            assert!(cause.contains(part), "{cause}");
            assert_eq!(first.as_deref(), place, "{cause}");
        }
        // A program's own words, and an error inside of a hook.
        assert_eq!(said(&[ini], "ERROR: unrecognized arguments: --cov\n"), None);
        let inside = hook.replace("pluggy._manager.PluginValidationError: Plugin", "ValueError: Plugin");
        assert_eq!(said(&[conftest], &inside), None);
    }
}
