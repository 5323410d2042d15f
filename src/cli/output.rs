//! From a run to what the user asked to see: shared by the subcommands that analyse.

use std::io::{self, IsTerminal as _, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::ValueEnum;

use super::input::Results;
use super::project::Project;
use super::{ask, verify};
use crate::diagnose::providers;
use crate::evidence::redact::Redactor;
use crate::front::Written;
use crate::front::model::{self, Standing};
use crate::history::recording::Recording;
use crate::history::session;
use crate::history::summary::Graded;
use crate::model::{Analysis, Cluster, Redacted, Run};
use crate::report::document::Document;
use crate::report::{Editor, Meta, ctrf, github, human, markdown, sarif, stability, terminal_section};
use crate::system::System;
use crate::workspace::Workspace;
use crate::{analysis, front};

/// What is printed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Findings for people
    #[default]
    Human,
    /// The document that is written to `rca_report.json`
    Json,
    /// Workflow commands of GitHub Actions: annotations on the lines that fail
    Github,
    /// A step summary or pull-request comment
    Markdown,
    /// SARIF 2.1.0
    Sarif,
    /// Common Test Report Format
    Ctrf,
    /// The section of pytest's summary, for the plugin
    #[value(hide = true)]
    Pytest,
}

/// Options of analysis and output.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct OutputArgs {
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Use the offline rules only; no model is asked
    #[arg(long)]
    offline: bool,
    /// Add the stability report to the output
    #[arg(long)]
    report: bool,
    /// Model provider
    #[arg(long, value_enum, value_name = "NAME")]
    provider: Option<Provider>,
    /// Model to ask instead of the provider's default
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Most characters of a failure's log that are kept [default: 80000]
    #[arg(long, value_name = "CHARACTERS", value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    max_log_size: Option<u64>,
    /// Folder of the reports [default: .failscope in the project's folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Try proposed fixes on a copy of the project
    #[arg(long)]
    verify: bool,
    /// Make places in the HTML report links that open this editor; they hold the project's path on this machine
    #[arg(long, value_enum, value_name = "EDITOR")]
    editor: Option<Editor>,
    /// Print without colours and links (as with the variable `NO_COLOR`)
    #[arg(long)]
    no_color: bool,
    /// Most seconds that models may take, with all causes
    #[arg(long, hide = true, value_name = "SECONDS")]
    patience: Option<u64>,
    /// Columns to use, where standard output is no terminal
    #[arg(long, hide = true)]
    width: Option<u16>,
}

/// The providers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Provider {
    Groq,
    #[value(name = "openai")]
    OpenAi,
    Anthropic,
    Ollama,
}

impl Provider {
    fn name(self) -> &'static str {
        match self {
            Self::Groq => "groq",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Ollama => "ollama",
        }
    }
}

/// An analysis with what a report says besides.
#[derive(Debug)]
pub struct Report {
    /// The analysis.
    pub analysis: Analysis,
    /// When and where it was made.
    pub meta: Meta,
    /// What the history says, where there is one.
    pub graded: Option<Graded>,
    /// What it was made of.
    workspace: Arc<Workspace>,
    /// Whether a model can be asked.
    standing: Standing,
}

impl Report {
    /// What would be sent to a model about `cluster`.
    pub fn prompt(&self, cluster: &Cluster, project: &Project) -> Redacted {
        let redactor = &self.analysis.redactor;
        model::prompt(cluster, &self.standing, &self.workspace, redactor, &project.root, &project.config)
    }
}

impl OutputArgs {
    /// The defaults, but for the folder of the reports.
    pub fn into_folder(output: Option<PathBuf>) -> Self {
        Self { output, ..Self::default() }
    }

    /// Puts the options over the project's settings.
    pub fn apply(&self, project: &mut Project, system: &System) {
        let config = &mut project.config;
        if let Some(size) = self.max_log_size {
            config.max_log_size = size as usize;
        }
        if let Some(output) = &self.output {
            // Relative to where the user is, as with any command; the setting is relative to the project.
            config.output = system.current_dir().join(output).display().to_string();
        }
        if let Some(provider) = self.provider {
            config.provider = Some(provider.name().to_owned());
        }
        if let Some(model) = &self.model {
            config.model = Some(model.clone());
        }
    }

    /// Analyses `run`, read for `project`, and takes `recordings` into the history.
    pub fn analysed(
        &self,
        run: Run,
        recordings: Vec<Recording>,
        project: &Project,
        system: &System,
    ) -> Report {
        let options = front::analysis_options(&project.root, &project.config, system);
        let mut meta = front::meta(&project.root, system);
        meta.editor = self.editor;
        let workspace = Arc::new(project.workspace());
        let mut analysis = analysis::analyze(run, &workspace, &options);
        let standing = if self.offline || analysis.clusters.is_empty() {
            Standing::offline()
        } else {
            let wanted = self.provider.is_some() || self.model.is_some();
            let settings = providers::Settings::of(&project.config);
            Standing::new(&project.config, wanted, || providers::choose(&settings, system))
        };
        model::recall(&mut analysis, &standing, &workspace, &project.root, &project.config);
        let (root, config) = (&project.root, &project.config);
        let (graded, complaints) =
            session::update(root, config, system, &options.redactor, recordings, &mut analysis);
        for complaint in complaints {
            note(&complaint);
        }
        Report { analysis, meta, graded, workspace, standing }
    }

    /// What takes longer: asks a model, if there is one, and tries the fixes, if that was asked for.
    pub fn completed(&self, mut report: Report, project: &Project, system: &System) -> Report {
        if let Standing::Ready(choice) = &report.standing {
            let manner = ask::Manner { for_people: self.is_for_people(), patience: self.patience };
            ask::ask(&mut report.analysis, choice, &report.workspace, project, system, manner);
        }
        if self.verify {
            verify::verify(&mut report.analysis, project, system);
        }
        report
    }

    /// Whether standard output gets text for people, which other text may stand beside.
    pub fn is_for_people(&self) -> bool {
        self.format == Format::Human
    }

    /// Writes the reports and prints what was asked for; gives the exit code.
    pub fn present(&self, report: &Report, project: &Project, system: &System) -> anyhow::Result<u8> {
        let written = self.write_files(report, project);
        if self.format == Format::Github
            && let Some(path) = system.env("GITHUB_STEP_SUMMARY")
            && let Err(error) = append(Path::new(path), &markdown::render(&report.analysis, &report.meta))
        {
            note(&format!("cannot add to the step summary {path}: {error}"));
        }
        finished(self.print(report, written.as_ref().ok()))?;
        written?;
        Ok(if report.analysis.clusters.is_empty() { super::EXIT_OK } else { super::EXIT_FAILURES })
    }

    /// Writes the files of the report folder.
    pub fn write_files(&self, report: &Report, project: &Project) -> anyhow::Result<Written> {
        let Report { analysis, meta, graded, .. } = report;
        let written =
            front::write_reports(&project.output(), analysis, meta).map_err(anyhow::Error::from_boxed)?;
        let folder = &written.folder;
        if self.report {
            let none = Graded::default();
            let document = stability::Document::new(graded.as_ref().unwrap_or(&none), meta);
            folder.replace("stability_report.json", &document.to_json()?)?;
        }
        let extra = match self.format {
            Format::Markdown => Some("rca_report.md"),
            Format::Sarif => Some("rca_report.sarif"),
            Format::Ctrf => Some("ctrf-report.json"),
            Format::Human | Format::Json | Format::Github | Format::Pytest => None,
        };
        if let (Some(name), Some(_)) = (extra, &self.output) {
            let mut bytes = Vec::new();
            self.format.write(&mut bytes, analysis, meta)?;
            folder.replace(name, &bytes)?;
        }
        Ok(written)
    }

    fn print(&self, report: &Report, written: Option<&Written>) -> io::Result<()> {
        let Report { analysis, meta, graded, .. } = report;
        if self.format == Format::Human {
            let mut out = Vec::new();
            human::write(&mut out, analysis, meta, layout(meta, self.no_color, false))?;
            if self.report {
                stability::write(&mut out, graded.as_ref(), width())?;
            }
            if let Some(path) = written.map(|written| written.page.as_path()) {
                writeln!(out, "report: {}", path.strip_prefix(&meta.root).unwrap_or(path).display())?;
            }
            return write_coloured(&out, self.no_color);
        }
        if self.format == Format::Pytest {
            return self.print_section(report, written.map(|written| written.page.as_path()));
        }
        if self.format == Format::Json {
            if let Some(mut document) = written.map(|written| &written.document) {
                // The same bytes: the system copies them faster than they are made once more.
                document.rewind()?;
                io::copy(&mut document, &mut io::stdout().lock())?;
                return Ok(());
            }
            let mut out = io::BufWriter::with_capacity(128 << 10, io::stdout().lock());
            Document::new(analysis, meta).write(&mut out)?;
            return out.flush();
        }
        // One write at the end: a half-written document helps nobody.
        let mut bytes = Vec::new();
        self.format.write(&mut bytes, analysis, meta)?;
        write_out(&bytes)
    }
}

impl OutputArgs {
    /// Prints the section of pytest's summary. Standard output is the plugin's pipe: whether there are colours
    /// is for the plugin to say, and whether the terminal has links is to be seen from its variables only.
    fn print_section(&self, report: &Report, written: Option<&Path>) -> io::Result<()> {
        let Report { analysis, meta, graded, .. } = report;
        let links = !self.no_color && supports_hyperlinks::supports_hyperlinks();
        let layout = human::Layout {
            width: self.width.map_or(100, usize::from).clamp(40, 120),
            link_root: links.then_some(meta.root.as_path()),
            full: false,
        };
        let mut coloured = Vec::new();
        terminal_section::write(&mut coloured, analysis, meta, written, layout)?;
        if self.report {
            stability::write(&mut coloured, graded.as_ref(), layout.width)?;
        }
        let mut bytes = coloured;
        if self.no_color {
            let mut plain = Vec::new();
            anstream::StripStream::new(&mut plain).write_all(&bytes)?;
            bytes = plain;
        }
        let mut out = io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()
    }
}

impl Format {
    /// Writes `analysis` in this format, without colours.
    fn write(self, out: &mut Vec<u8>, analysis: &Analysis, meta: &Meta) -> io::Result<()> {
        match self {
            Self::Human | Self::Pytest => {
                let layout = human::Layout { width: 100, link_root: None, full: false };
                human::write(&mut anstream::StripStream::new(out), analysis, meta, layout)?;
            }
            Self::Json => out.extend(Document::new(analysis, meta).to_json()?),
            Self::Github => github::write(&mut anstream::StripStream::new(out), analysis, meta)?,
            Self::Markdown => out.extend(markdown::render(analysis, meta).into_bytes()),
            Self::Sarif | Self::Ctrf => {
                let value = if self == Self::Sarif {
                    sarif::log(analysis, meta)
                } else {
                    ctrf::report(analysis, meta)
                };
                serde_json::to_writer_pretty(&mut *out, &value)?;
                out.push(b'\n');
            }
        }
        Ok(())
    }
}

/// Adds `text` to the end of the file at `path`, which other steps add to as well.
fn append(path: &Path, text: &str) -> io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}

/// How findings are laid out on this terminal.
pub fn layout(meta: &Meta, no_color: bool, full: bool) -> human::Layout<'_> {
    let links = !no_color && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout);
    human::Layout { width: width(), link_root: links.then_some(meta.root.as_path()), full }
}

/// Says on standard error which settings could not be used.
pub fn warn_of(project: &Project) {
    let redactor = Redactor::default();
    for line in project.problem_lines() {
        note(redactor.text(&line).as_str());
    }
}

/// Says on standard error why there is nothing to analyse and what to do; gives the exit code.
pub fn nothing_readable(results: &Results, paths: &[String], project: &Project, system: &System) -> u8 {
    let redactor = front::redactor(&project.root, &project.config, system);
    for problem in &results.run.problems {
        let text = if problem.message.contains(&problem.file) {
            problem.message.clone()
        } else {
            format!("{}: {}", problem.file, problem.message)
        };
        note(redactor.text(&text).as_str());
    }
    if paths.is_empty() {
        let message = format!(
            "no test results found in {}; make some with `pytest --junitxml=.failscope/junit.xml`, or name the \
             files: failscope analyze PATH…",
            project.root.display()
        );
        note(redactor.text(&message).as_str());
    } else if results.run.problems.is_empty() {
        note("none of the files holds test results that can be read");
    }
    super::EXIT_UNREADABLE
}

/// A line for the user on standard error. There is nobody left to tell if that is closed.
pub fn note(text: &str) {
    let text = crate::report::text::visible(text);
    let _ = writeln!(anstream::stderr(), "failscope: {text}");
}

/// Standard output, which passes colours on if it is a terminal that shows them.
pub fn stdout(no_color: bool) -> anstream::AutoStream<io::StdoutLock<'static>> {
    let choice = if no_color { anstream::ColorChoice::Never } else { anstream::ColorChoice::Auto };
    anstream::AutoStream::new(io::stdout(), choice).lock()
}

/// Columns to use: the terminal's, at most 120 so that lines stay readable; 100 if it is none.
pub fn width() -> usize {
    terminal_size::terminal_size_of(io::stdout())
        .map_or(100, |(width, _)| usize::from(width.0).clamp(40, 120))
}

/// Prints `text` on standard output as it is.
pub fn print(text: &[u8]) -> anyhow::Result<()> {
    finished(write_out(text))
}

/// Prints `text` on standard output, its colours only where they are shown.
pub fn print_coloured(text: &[u8], no_color: bool) -> anyhow::Result<()> {
    finished(write_coloured(text, no_color))
}

/// Writes `text`, its colours only where they are shown. In one piece: what takes colours out of a stream passes on
/// every piece between two of them by itself, each a call of the system.
fn write_coloured(text: &[u8], no_color: bool) -> io::Result<()> {
    let shown = !no_color && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    if !shown {
        let mut plain = Vec::with_capacity(text.len());
        anstream::StripStream::new(&mut plain).write_all(text)?;
        return write_out(&plain);
    }
    let mut out = stdout(no_color);
    out.write_all(text)?;
    out.flush()
}

fn write_out(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

/// What became of printing. Whoever closed the pipe has seen enough.
fn finished(printed: io::Result<()>) -> anyhow::Result<()> {
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// A spinner on standard error while something takes long; nothing if that is not a terminal.
#[derive(Debug)]
pub struct Progress(Option<indicatif::ProgressBar>);

impl Progress {
    /// Starts with what is being done.
    pub fn start(what: &'static str) -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let bar = indicatif::ProgressBar::new_spinner().with_message(what);
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        }))
    }

    /// Goes on to something else.
    pub fn say(&self, what: impl Into<std::borrow::Cow<'static, str>>) {
        if let Some(bar) = &self.0 {
            bar.set_message(what);
        }
    }

    /// Takes the spinner away.
    pub fn stop(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
