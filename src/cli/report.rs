//! `failscope report`: writes the reports again, and compares two runs.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde::Serialize;

use super::input;
use super::output::{self, OutputArgs};
use super::project::Project;
use crate::history::baseline;
use crate::history::session::History;
use crate::model::TestOutcomes;
use crate::report::compare::{Baseline, Comparison, compare};
use crate::report::{document, human, stability};
use crate::system::System;

/// Arguments of `failscope report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Result files, folders or patterns; `-` reads standard input [default: the workspace's newest results]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// Compare with an earlier `rca_report.json`, a result file, a run of `.failscope/runs` by name, or the newest runs
    /// of the history on a branch or at a commit
    #[arg(long, value_name = "FILE|RUN|BRANCH")]
    against: Option<String>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Print the JSON Schema of a report, and do nothing else
    #[arg(long, value_enum, value_name = "REPORT", exclusive = true)]
    schema: Option<Schema>,
    /// The project's folder [default: the one around the working directory]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Folder of the reports [default: .failscope in the project's folder]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

/// A report whose form is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Schema {
    /// Of `rca_report.json`
    Rca,
    /// Of `stability_report.json`
    Stability,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    schema_version: u32,
    headline: String,
    html: String,
    json: String,
    against: Option<&'a str>,
    comparison: Option<&'a Comparison>,
}

/// Runs the subcommand; gives the exit code.
pub fn execute(args: &Args, system: &System) -> anyhow::Result<u8> {
    if let Some(schema) = args.schema {
        let text = match schema {
            Schema::Rca => document::SCHEMA,
            Schema::Stability => stability::SCHEMA,
        };
        output::print(text.as_bytes())?;
        return Ok(super::EXIT_OK);
    }
    let mut project = Project::open(args.root.as_deref(), system)?;
    let output = OutputArgs::into_folder(args.output.clone());
    output.apply(&mut project, system);
    output::warn_of(&project);

    // Before anything is written: the report of last time is a good thing to compare with.
    let baseline = match &args.against {
        Some(name) => Some(
            open_baseline(name, &project, system).with_context(|| format!("cannot compare with {name}"))?,
        ),
        None => None,
    };
    let results = input::read(&args.paths, &project, system);
    if results.readable == 0 {
        return Ok(output::nothing_readable(&results, &args.paths, &project, system));
    }
    let outcomes = results.run.outcomes.clone();
    let report = output.analysed(results.run, Vec::new(), &project, system);
    let page = output.write_files(&report, &project)?.page;
    let comparison = baseline.map(|then| compared(&then, &report, &outcomes));

    let text = match args.format {
        Format::Human => {
            let mut text = format!("{}\n", human::headline(&report.analysis));
            if let Some(comparison) = &comparison {
                text = format!("{text}{}", comparison.text(5));
            }
            format!("{text}report: {}\n", page.strip_prefix(&project.root).unwrap_or(&page).display())
        }
        Format::Json => {
            let summary = Summary {
                schema_version: 1,
                headline: human::headline(&report.analysis),
                html: page.display().to_string(),
                json: page.with_extension("json").display().to_string(),
                against: args.against.as_deref(),
                comparison: comparison.as_ref(),
            };
            serde_json::to_string_pretty(&summary)? + "\n"
        }
    };
    output::print(text.as_bytes())?;
    Ok(if report.analysis.clusters.is_empty() { super::EXIT_OK } else { super::EXIT_FAILURES })
}

fn compared(then: &Baseline, report: &output::Report, outcomes: &TestOutcomes) -> Comparison {
    compare(then, &report.analysis, |test| outcomes.contains(test))
}

/// The run that `name` means: a file, or a run of the plugin.
fn open_baseline(name: &str, project: &Project, system: &System) -> anyhow::Result<Baseline> {
    let given = system.current_dir().join(name);
    let runs = project.output().join("runs");
    let path = [given, runs.join(name), runs.join(format!("{name}.jsonl"))].into_iter().find(|p| p.is_file());
    let Some(path) = path else {
        let history = History::open(&project.root, &project.config, system, false)?;
        if let Some(mut history) = history {
            let (store, project) = history.store();
            let found = baseline::of(store, project, name);
            history.close();
            if let Some(found) = found? {
                return Ok(found);
            }
        }
        bail!(
            "there is no such file, no such run in {}, and the history knows no run on a branch or at a commit of this \
             name; runs are recorded by `failscope analyze`, `failscope run` and `pytest --failscope`",
            runs.display()
        );
    };
    if is_report(&path)? {
        return Ok(Baseline::from_report(&std::fs::read(&path)?)?);
    }
    let results = input::read(&[path.display().to_string()], project, system);
    if results.readable == 0 {
        bail!("{} is neither a report of Failscope nor a result file", path.display());
    }
    let report = OutputArgs::default().analysed(results.run, Vec::new(), project, system);
    Ok(Baseline::from_analysis(&report.analysis))
}

/// Whether the file begins like an `rca_report.json`.
fn is_report(path: &Path) -> io::Result<bool> {
    use std::io::Read as _;
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(400).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    Ok(head.trim_start().starts_with('{') && head.contains("\"schema_version\""))
}
