//! `failscope doctor`: what Failscope sees of a project, and what stands in its way.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output;
use super::project::Project;
use crate::diagnose::providers;
use crate::evidence::redact::Redactor;
use crate::front;
use crate::front::editors::{self, ABILITIES, Editor};
use crate::history::session::History;
use crate::history::target::Target;
use crate::model::Redacted;
use crate::pytest::interpreter;
use crate::report::text::{counted, visible};
use crate::report::time;
use crate::system::System;
use crate::workspace::discovery;

/// Arguments of `failscope doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder [default: the one around the working directory]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print for programs
    #[arg(long)]
    json: bool,
}

/// Result files that are read; older ones are only counted.
const MAX_READ: usize = 20;

#[derive(Debug, Serialize)]
struct Findings {
    failscope: &'static str,
    root: Redacted,
    python: Option<Python>,
    pytest: Option<String>,
    /// The version of our own plugin in the project's environment.
    plugin: Option<String>,
    plugins: Vec<String>,
    output: Output,
    model: Model,
    results: Vec<ResultFile>,
    results_not_read: usize,
    path_mappings: Vec<(Redacted, Redacted)>,
    history: HistoryState,
    editors: Vec<SeenEditor>,
    problems: Vec<Redacted>,
}

#[derive(Debug, Serialize)]
struct Python {
    command: Redacted,
    why: Redacted,
    version: Option<String>,
}

#[derive(Debug, Serialize)]
struct Output {
    folder: Redacted,
    is_writable: bool,
}

/// The history of runs.
#[derive(Debug, Serialize)]
struct HistoryState {
    place: Redacted,
    /// `None` if it is off, not there yet, or cannot be read.
    tests: Option<usize>,
    newest_age_seconds: Option<u64>,
    problem: Option<Redacted>,
}

impl HistoryState {
    fn of(project: &Project, system: &System, redactor: &Redactor) -> Self {
        let target = Target::of(&project.root, &project.config, system);
        let mut state = Self {
            place: redactor.text(&target.name()),
            tests: None,
            newest_age_seconds: None,
            problem: None,
        };
        if target == Target::Off {
            return state;
        }
        let read = History::open(&project.root, &project.config, system, false).and_then(|history| {
            let Some(mut history) = history else { return Ok(None) };
            let graded = history.graded(redactor);
            history.close();
            graded.map(Some)
        });
        match read {
            Ok(graded) => {
                let newest = graded.as_ref().and_then(|graded| graded.newest);
                state.newest_age_seconds = newest.map(|(at, _)| (system.unix_now() - at).max(0.0) as u64);
                state.tests = graded.map(|graded| graded.tests.len());
            }
            Err(error) => state.problem = Some(redactor.text(&error.to_string())),
        }
        state
    }
}

/// An editor whose language server has worked here.
#[derive(Debug, Serialize)]
struct SeenEditor {
    name: Redacted,
    version: Option<Redacted>,
    seen_seconds_ago: u64,
    position_encoding: Redacted,
    capabilities: BTreeMap<String, bool>,
    lacks: Vec<Lack>,
}

/// Something that an editor cannot do, and what that means.
#[derive(Debug, Serialize)]
struct Lack {
    capability: &'static str,
    meaning: &'static str,
}

impl SeenEditor {
    fn of(editor: Editor, now: f64, redactor: &Redactor) -> Self {
        Self {
            name: redactor.text(&editor.name),
            version: editor.version.as_deref().map(|version| redactor.text(version)),
            seen_seconds_ago: (now - editor.seen as f64).max(0.0) as u64,
            position_encoding: redactor.text(&editor.position_encoding),
            lacks: editor.lacks().map(|(capability, meaning)| Lack { capability, meaning }).collect(),
            // What stands in the file may have been put there by anybody.
            capabilities: editor
                .capabilities
                .into_iter()
                .filter(|(name, _)| ABILITIES.iter().any(|(known, _)| known == name))
                .collect(),
        }
    }
}

/// Which model would be asked. Nothing is sent to find out.
#[derive(Debug, Serialize)]
struct Model {
    provider: Option<&'static str>,
    name: Option<Redacted>,
    address: Option<Redacted>,
    /// Why this one, or why none.
    why: Redacted,
    notes: Vec<Redacted>,
}

impl Model {
    fn of(project: &Project, system: &System, redactor: &Redactor) -> Self {
        match providers::choose(&providers::Settings::of(&project.config), system) {
            Ok(choice) => Self {
                provider: Some(choice.provider.name()),
                name: Some(redactor.text(choice.provider.model())),
                address: Some(redactor.text(&choice.address)),
                why: redactor.text(&choice.why),
                notes: choice.notes.iter().map(|note| redactor.text(note)).collect(),
            },
            Err(none) => Self {
                provider: None,
                name: None,
                address: None,
                why: redactor.text(&none.reason),
                notes: Vec::new(),
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct ResultFile {
    file: Redacted,
    format: Option<&'static str>,
    age_seconds: Option<u64>,
    tests: u64,
    failures: usize,
    /// Failures whose test file is in this workspace.
    mapped: usize,
    problems: Vec<Redacted>,
}

/// Runs the subcommand; gives the exit code: 0 if nothing stands in the way, 1 otherwise.
pub fn execute(args: &Args, system: &System) -> anyhow::Result<u8> {
    let project = Project::open(args.root.as_deref(), system)?;
    let redactor = front::redactor(&project.root, &project.config, system);
    let findings = examine(&project, system, &redactor);
    let text = if args.json { serde_json::to_string_pretty(&findings)? + "\n" } else { findings.text() };
    output::print(text.as_bytes())?;
    Ok(if findings.problems.is_empty() { super::EXIT_OK } else { super::EXIT_FAILURES })
}

fn examine(project: &Project, system: &System, redactor: &Redactor) -> Findings {
    let mut problems: Vec<String> = project.problem_lines();
    let python = interpreter::find(&project.root, project.config.python.as_deref(), system);
    let installed = python.as_ref().and_then(|python| environment_of(Path::new(python.command.first()?)));
    if python.is_none() {
        problems.push("no Python was found; set `python` in [tool.failscope]".to_owned());
    }
    let packages = installed.as_ref().map(|folder| packages(folder)).unwrap_or_default();
    let version_of =
        |wanted: &str| packages.iter().find(|(name, _)| name == wanted).map(|(_, version)| version.clone());
    let (pytest, plugin) = (version_of("pytest"), version_of("failscope"));
    if installed.is_some() && pytest.is_none() {
        problems.push("pytest is not installed in the project's environment".to_owned());
    }
    let plugins = packages
        .iter()
        .filter(|(name, _)| name.starts_with("pytest_") || name.starts_with("pytest-"))
        .map(|(name, version)| format!("{name} {version}"))
        .collect();

    let output = project.output();
    let is_writable = is_writable(&output);
    if !is_writable {
        problems.push(format!("{} cannot be written to; set `output` or use --output", output.display()));
    }
    let files = discovery::find(&project.root, &project.config);
    if files.is_empty() {
        problems.push(
            "no test results were found; make some with `pytest --junitxml=.failscope/junit.xml`, or set \
             `resultGlobs`"
                .to_owned(),
        );
    }
    let results: Vec<ResultFile> =
        files.iter().take(MAX_READ).map(|file| result_file(file, project, system, redactor)).collect();
    let (failures, mapped) = results.iter().fold((0, 0), |(f, m), r| (f + r.failures, m + r.mapped));
    if failures > mapped {
        problems.push(format!(
            "the test files of {} of {failures} failures were not found in this workspace; set `pathMappings` if \
             the tests ran elsewhere",
            failures - mapped
        ));
    }
    let history = HistoryState::of(project, system, redactor);
    if let Some(problem) = &history.problem {
        problems.push(format!("the history cannot be read: {problem}; see the setting `history`"));
    }
    let version = python.as_ref().and(installed.as_ref()).and_then(|folder| python_version(folder));
    Findings {
        failscope: env!("CARGO_PKG_VERSION"),
        root: redactor.text(&project.root.display().to_string()),
        python: python.map(|python| Python {
            command: redactor.text(&python.command.join(" ")),
            why: redactor.text(&python.why),
            version,
        }),
        pytest,
        plugin,
        plugins,
        output: Output { folder: redactor.text(&output.display().to_string()), is_writable },
        model: Model::of(project, system, redactor),
        path_mappings: project
            .config
            .path_mappings
            .iter()
            .map(|(from, to)| (redactor.text(from), redactor.text(to)))
            .collect(),
        history,
        editors: editors::known(&project.root, system)
            .into_iter()
            .map(|editor| SeenEditor::of(editor, system.unix_now(), redactor))
            .collect(),
        results_not_read: files.len().saturating_sub(MAX_READ),
        results,
        problems: problems.iter().map(|text| redactor.text(text)).collect(),
    }
}

fn result_file(path: &Path, project: &Project, system: &System, redactor: &Redactor) -> ResultFile {
    let name = front::name(&project.root, path);
    let mut file = ResultFile {
        file: redactor.text(&name),
        format: None,
        age_seconds: None,
        tests: 0,
        failures: 0,
        mapped: 0,
        problems: Vec::new(),
    };
    match front::read(&project.root, path) {
        Ok(run) => {
            let workspace = project.workspace();
            let counts = run.counts;
            file.format = run.sources.first().map(|source| source.format.name());
            let time = run.sources.iter().filter_map(|source| source.time).max();
            file.age_seconds = time.map(|t| system.now().duration_since(t).map_or(0, |age| age.as_secs()));
            file.tests = counts.passed
                + counts.failed
                + counts.errors
                + counts.skipped
                + counts.xfailed
                + counts.xpassed;
            file.failures = run.failures.len();
            let root = run.root.as_deref();
            let is_here =
                |test: &str| workspace.resolve(test, root).is_some() || project.root.join(test).is_dir();
            file.mapped = run.failures.iter().filter(|f| is_here(f.test.file())).count();
            file.problems = run.problems.iter().take(5).map(|p| redactor.text(&p.message)).collect();
        }
        Err(error) => file.problems.push(redactor.text(&error.to_string())),
    }
    file
}

/// Whether a file can be made in `folder`, or in the nearest folder above it that exists.
fn is_writable(folder: &Path) -> bool {
    let nearest = folder.ancestors().find(|folder| folder.exists());
    nearest.is_some_and(|folder| tempfile::Builder::new().prefix(".failscope-").tempfile_in(folder).is_ok())
}

/// The folder of the environment that `python` belongs to.
fn environment_of(python: &Path) -> Option<PathBuf> {
    let environment = python.parent()?.parent()?;
    // A program that starts another Python (a shim of pyenv, `uv run`) has no packages beside it.
    site_packages(environment).iter().any(|folder| folder.is_dir()).then(|| environment.to_owned())
}

/// The installed packages of an environment by name and version, from the names of their `.dist-info` folders.
fn packages(environment: &Path) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = site_packages(environment)
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (package, version) = name.strip_suffix(".dist-info")?.split_once('-')?;
            Some((package.to_lowercase(), version.to_owned()))
        })
        .collect();
    found.sort();
    found
}

fn site_packages(environment: &Path) -> Vec<PathBuf> {
    let mut folders = vec![environment.join("Lib").join("site-packages")];
    if let Ok(entries) = std::fs::read_dir(environment.join("lib")) {
        let versions = entries.filter_map(Result::ok).map(|entry| entry.path().join("site-packages"));
        folders.extend(versions.filter(|folder| folder.is_dir()));
    }
    folders
}

/// Python's version as its environment says: `pyvenv.cfg`, else the name of its library's folder.
fn python_version(environment: &Path) -> Option<String> {
    if let Ok(text) = std::fs::read_to_string(environment.join("pyvenv.cfg")) {
        let version = text.lines().filter_map(|line| line.split_once('=')).find_map(|(key, value)| {
            matches!(key.trim(), "version" | "version_info").then(|| value.trim().to_owned())
        });
        if version.is_some() {
            return version;
        }
    }
    let library = site_packages(environment).into_iter().find(|folder| folder.is_dir())?;
    library.parent()?.file_name()?.to_str()?.strip_prefix("python").map(ToOwned::to_owned)
}

impl Findings {
    fn write_editors(&self, out: &mut String) {
        // Writing to a string cannot fail.
        if self.editors.is_empty() {
            out.push_str("editors    none has opened this project\n");
        }
        for (index, editor) in self.editors.iter().enumerate() {
            let label = if index == 0 { "editors" } else { "" };
            let name = match editor.name.as_str() {
                "" => "an editor that does not say its name".to_owned(),
                name => visible(name).into_owned(),
            };
            let version = editor.version.as_ref().map(|v| format!(" {}", visible(v.as_str())));
            let age = time::age(editor.seen_seconds_ago as f64);
            let columns = visible(editor.position_encoding.as_str());
            let _ = writeln!(
                out,
                "{label:<11}{name}{}, {age}; columns in {columns}",
                version.unwrap_or_default()
            );
            for Lack { capability, meaning } in &editor.lacks {
                let _ = writeln!(out, "             without {capability}: {meaning}");
            }
        }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(out, "failscope  {}", self.failscope);
        let _ = writeln!(out, "project    {}", visible(self.root.as_str()));
        match &self.python {
            Some(python) => {
                let version = python.version.as_deref().map(|v| format!("{v}, ")).unwrap_or_default();
                let (command, why) = (visible(python.command.as_str()), visible(python.why.as_str()));
                let _ = writeln!(out, "python     {version}{command} ({why})");
            }
            None => out.push_str("python     none\n"),
        }
        let _ = writeln!(out, "pytest     {}", self.pytest.as_deref().unwrap_or("not known"));
        let plugin = match (&self.plugin, &self.pytest) {
            (Some(version), _) => format!("{version}, installed"),
            (None, Some(_)) => "not installed; `failscope run` and the editor bring it along".to_owned(),
            (None, None) => "not known; `failscope run` and the editor bring it along".to_owned(),
        };
        let _ = writeln!(out, "plugin     {plugin}");
        if !self.plugins.is_empty() {
            let _ = writeln!(out, "plugins    {}", self.plugins.join(", "));
        }
        let writable = if self.output.is_writable { "writable" } else { "not writable" };
        let _ = writeln!(out, "reports    {} ({writable})", visible(self.output.folder.as_str()));
        let why = visible(self.model.why.as_str());
        match (self.model.provider, &self.model.name, &self.model.address) {
            (Some(provider), Some(model), Some(address)) => {
                let (model, address) = (visible(model.as_str()), visible(address.as_str()));
                let _ = writeln!(out, "model      {provider}, {model} at {address} ({why})");
            }
            _ => {
                let _ = writeln!(out, "model      none: {why}");
            }
        }
        for note in &self.model.notes {
            let _ = writeln!(out, "             ! {}", visible(note.as_str()));
        }
        let _ = writeln!(
            out,
            "results    {}",
            counted(self.results.len() + self.results_not_read, "file", "files")
        );
        for result in &self.results {
            let age = result.age_seconds.map(|s| format!(", {}", time::age(s as f64))).unwrap_or_default();
            let _ = writeln!(
                out,
                "           {}: {}, {}, {}{age}",
                visible(result.file.as_str()),
                result.format.unwrap_or("not readable"),
                counted(result.tests as usize, "test", "tests"),
                counted(result.failures, "failure", "failures"),
            );
            for problem in &result.problems {
                let _ = writeln!(out, "             ! {}", visible(problem.as_str()));
            }
        }
        if self.results_not_read > 0 {
            let _ = writeln!(out, "           and {} older ones", self.results_not_read);
        }
        for (index, (from, to)) in self.path_mappings.iter().enumerate() {
            let label = if index == 0 { "paths" } else { "" };
            let _ = writeln!(out, "{label:<11}{} is {} here", visible(from.as_str()), visible(to.as_str()));
        }
        let place = visible(self.history.place.as_str());
        let tests = match self.history.tests {
            Some(tests) => format!(": {}", counted(tests, "test", "tests")),
            None if self.history.problem.is_some() || *place == *"off" => String::new(),
            None => ": nothing yet".to_owned(),
        };
        let newest = self.history.newest_age_seconds.map(|s| format!(", newest run {}", time::age(s as f64)));
        let _ = writeln!(out, "history    {place}{tests}{}", newest.unwrap_or_default());
        self.write_editors(&mut out);
        if self.problems.is_empty() {
            out.push_str("\nnothing stands in the way\n");
        } else {
            out.push('\n');
            for problem in &self.problems {
                let _ = writeln!(out, "! {}", visible(problem.as_str()));
            }
        }
        out
    }
}
