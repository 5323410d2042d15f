//! `failscope history`: the life of each test over the runs that were recorded.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;
use owo_colors::OwoColorize as _;

use super::output;
use super::project::Project;
use super::{input, naming};
use crate::evidence::redact::Redactor;
use crate::history::life::{self, LifeRun};
use crate::history::recording::Recording;
use crate::history::session::History;
use crate::history::simulate;
use crate::history::summary::Graded;
use crate::history::target::Target;
use crate::ingest::IngestError;
use crate::model::stability::short;
use crate::model::{Grade, Outcome, Redacted, Stability};
use crate::report::stability::{self, Document};
use crate::report::text::{counted, cut, one_line};
use crate::report::time;
use crate::system::System;
use crate::{analysis, front};

/// Arguments of `failscope history`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// The test: its id, or enough of it to be found; without it, all tests in short
    #[arg(value_name = "TEST")]
    test: Option<String>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// The project's folder [default: the one around the working directory]
    #[arg(long, value_name = "DIR", global = true)]
    root: Option<PathBuf>,
    /// Print without colours (as with the variable `NO_COLOR`)
    #[arg(long)]
    no_color: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Take runs into the history from old result files, with the files' dates
    Import {
        /// Result files, folders or patterns
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<String>,
    },
    /// Grade simulated histories whose truth is known, and print how well flaky tests are told from others
    Simulate {
        /// Tests of each kind
        #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u32).range(10..=200_000))]
        tests: u32,
        /// Another seed gives other histories
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// The document that is written to `stability_report.json`
    Json,
}

/// Tests that are printed in the short form.
const SHOWN: usize = 40;
/// Runs of one test that are printed.
const RUNS_SHOWN: usize = 20;

/// Runs the subcommand; gives the exit code.
pub fn execute(args: &Args, system: &System) -> anyhow::Result<u8> {
    if let Some(Command::Simulate { tests, seed }) = &args.command {
        output::print(simulate::report(*tests as usize, *seed).as_bytes())?;
        return Ok(super::EXIT_OK);
    }
    let project = Project::open(args.root.as_deref(), system)?;
    let redactor = front::redactor(&project.root, &project.config, system);
    for line in project.problem_lines() {
        output::note(redactor.text(&line).as_str());
    }
    if let Some(Command::Import { paths }) = &args.command {
        return import(paths, &project, &redactor, system);
    }
    let target = Target::of(&project.root, &project.config, system);
    if target == Target::Off {
        output::note("the history is off (setting `history`, variable FAILSCOPE_HISTORY)");
        return Ok(super::EXIT_USAGE);
    }
    let Some(mut history) = History::open(&project.root, &project.config, system, false)? else {
        output::note(&format!(
            "there is no history in {} yet; every `failscope analyze`, `failscope run` and `pytest --failscope` adds \
             to it, and `failscope history import PATH…` takes old result files in",
            target.name()
        ));
        return Ok(super::EXIT_UNREADABLE);
    };
    let graded = history.graded(&redactor)?;
    if args.format == Format::Json {
        history.close();
        let meta = front::meta(&project.root, system);
        output::print(&Document::new(&graded, &meta).to_json()?)?;
        return Ok(super::EXIT_OK);
    }
    let mut text = Vec::new();
    let code = match &args.test {
        None => overview(&mut text, &graded).map(|()| super::EXIT_OK)?,
        Some(wanted) => {
            let found = matching(&graded, wanted);
            match found.as_slice() {
                [] => {
                    output::note(&format!("no test of the history matches {}", one_line(wanted)));
                    super::EXIT_USAGE
                }
                [(name, stability)] => {
                    let (store, project) = history.store();
                    let runs = life::of(store, project, name.as_str())?;
                    let shown = &runs[..runs.len().min(RUNS_SHOWN)];
                    let causes = life::causes(store, project, name.as_str(), shown)?;
                    one(&mut text, name, stability, (&runs, &causes))?;
                    super::EXIT_OK
                }
                several => {
                    for (name, stability) in several.iter().take(SHOWN) {
                        stability::line(&mut text, name.as_str(), stability, output::width())?;
                    }
                    if several.len() > SHOWN {
                        let more = counted(several.len() - SHOWN, "more test matches", "more tests match");
                        writeln!(text, "… and {more}; give a longer name")?;
                    }
                    super::EXIT_OK
                }
            }
        }
    };
    history.close();
    output::print_coloured(&text, args.no_color)?;
    Ok(code)
}

/// The tests that `wanted` names, by name: see [`naming`].
fn matching<'a>(graded: &'a Graded, wanted: &str) -> Vec<(&'a Redacted, &'a Stability)> {
    let mut found = naming::matching(&graded.tests, |(name, _), means| means(name.as_str(), wanted));
    found.sort_by_key(|(name, _)| *name);
    found
}

/// All tests in short: numbers, what is not stable, what is slow.
fn overview(out: &mut impl Write, graded: &Graded) -> io::Result<()> {
    let width = output::width();
    stability::write(out, Some(graded), width)?;
    let mut slow: Vec<_> = graded.tests.iter().filter(|(_, s)| s.slow).collect();
    slow.sort_by(|a, b| b.1.avg_duration.unwrap_or(0.0).total_cmp(&a.1.avg_duration.unwrap_or(0.0)));
    for (name, stability) in slow.iter().take(5) {
        let mean = time::duration(stability.avg_duration.unwrap_or(0.0));
        writeln!(out, "    {mean:>10}  {}", cut(&one_line(name.as_str()), width.saturating_sub(16)))?;
    }
    if let (Some(first), Some(last)) = (graded.runs.first(), graded.runs.last()) {
        let rates: Vec<f64> = graded
            .runs
            .iter()
            .map(|run| run.passed as f64 / (run.passed + run.failed).max(1) as f64)
            .collect();
        writeln!(
            out,
            "{} {} from {} to {}  {}",
            "runs".bold(),
            graded.runs.len(),
            time::utc(first.time),
            time::utc(last.time),
            sparkline(&rates)
        )?;
    }
    Ok(())
}

/// Shares as a row of bars of eight heights; the scale begins at the least, unless all are alike.
fn sparkline(shares: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let height =
        |share: f64| if most > least { ((share - least) / (most - least) * 7.0).round() } else { 7.0 };
    shares.iter().map(|share| BARS[(height(*share) as usize).min(7)]).collect()
}

/// One test and its runs, newest first, with the causes of what failed by the part of the run.
fn one(
    out: &mut impl Write,
    name: &Redacted,
    stability: &Stability,
    (runs, causes): (&[LifeRun], &HashMap<String, String>),
) -> io::Result<()> {
    writeln!(out, "{}", one_line(name.as_str()).bold())?;
    let rate = match (stability.pass_rate, stability.pass_rate_interval) {
        // Of few runs no number is true.
        (Some(_), Some((low, high))) if stability.grade == Grade::Ungraded => {
            format!(", passes in {:.0} to {:.0} % of runs, likely", low * 100.0, high * 100.0)
        }
        (Some(rate), Some((low, high))) => format!(
            ", passes in {:.1} % (likely between {:.0} % and {:.0} %)",
            rate * 100.0,
            low * 100.0,
            high * 100.0
        ),
        _ => String::new(),
    };
    let grade = match stability.grade {
        Grade::Ungraded => "not graded yet".to_owned(),
        grade => format!("grade {}", grade.bold()),
    };
    writeln!(out, "  {grade}, {}{rate}", stability.verdict.bold())?;
    writeln!(out, "  {}", stability.sentence())?;
    writeln!(out, "  flakiness {}, trend {}", flakiness(stability), stability.trend.name())?;
    if let Some(mean) = stability.avg_duration {
        let slow = if stability.slow { ", slow" } else { "" };
        writeln!(out, "  takes {} on average{slow}", time::duration(mean))?;
    }
    writeln!(out, "\n  {}  oldest to newest\n", stability::strip(stability))?;
    let width = output::width();
    let mut said = None;
    for run in runs.iter().take(RUNS_SHOWN) {
        let (sign, word) = match run.entry.outcome {
            Outcome::Passed if run.entry.reruns > 0 => ("↻".yellow().to_string(), "passed when run again"),
            Outcome::Passed => ("✓".green().to_string(), "passed"),
            Outcome::Xpassed => ("✓".green().to_string(), "passed unexpectedly"),
            Outcome::Failed => ("✗".red().to_string(), "failed"),
            Outcome::Error => ("✗".red().to_string(), phase(&run.entry)),
            Outcome::Skipped => ("·".dimmed().to_string(), "skipped"),
            Outcome::Xfailed => ("x".dimmed().to_string(), "failed as expected"),
        };
        let part = &run.part;
        let commit = part.commit.as_deref().map(|commit| {
            format!("{}{}", short(commit), if part.dirty == Some(true) { "+changes" } else { "" })
        });
        let facts: Vec<String> = [
            run.entry.duration.map(|seconds| time::duration(f64::from(seconds))),
            commit,
            part.branch.clone(),
            part.shard.clone(),
            part.machine.clone(),
            part.environment.clone(),
        ]
        .into_iter()
        .flatten()
        .map(|fact| one_line(&fact))
        .collect();
        writeln!(out, "  {sign} {} {word}  {}", time::utc(part.ended), facts.join(" · ").dimmed())?;
        // What failed for the same cause as in the run above is not told again.
        let cause = causes.get(&part.id);
        if let Some(cause) = cause.filter(|_| cause != said) {
            writeln!(out, "      {}", cut(&one_line(cause), width.saturating_sub(6).max(40)))?;
        }
        said = cause.or(said);
    }
    if runs.len() > RUNS_SHOWN {
        writeln!(out, "  … and {}", counted(runs.len() - RUNS_SHOWN, "earlier run", "earlier runs"))?;
    }
    Ok(())
}

/// The score, and between which the true one lies; of few runs only that.
fn flakiness(stability: &Stability) -> String {
    let (low, high) = stability.flakiness_interval;
    match stability.grade {
        _ if low == high => format!("{low} of 100"),
        Grade::Ungraded => format!("between {low} and {high} of 100, likely"),
        _ => format!("{} of 100 (likely between {low} and {high})", stability.flakiness_score),
    }
}

fn phase(entry: &crate::history::pack::Entry) -> &'static str {
    match entry.phases {
        1 => "failed in setup",
        4 => "failed in teardown",
        5 => "failed in setup and teardown",
        _ => "failed",
    }
}

/// Takes the files that `paths` name into the history.
fn import(paths: &[String], project: &Project, redactor: &Redactor, system: &System) -> anyhow::Result<u8> {
    let progress = output::Progress::start("importing test results");
    let mut history = History::open(&project.root, &project.config, system, true)?
        .context("the history is off (setting `history`, variable FAILSCOPE_HISTORY)")?;
    let (mut runs, mut known, mut left_out) = (0, 0, Vec::new());
    let mut recordings = Vec::new();
    let mut analyses = crate::model::Analysis::default();
    let workspace = project.workspace();
    let options = front::analysis_options(&project.root, &project.config, system);
    let read_options = front::read_options_for_history(&project.root);
    let files = input::files(paths, project, system);
    for (file, is_named) in &files.files {
        let name = front::name(&project.root, file);
        match front::read_with(&project.root, file, &read_options) {
            Ok(mut run) => {
                let is_over = true;
                match Recording::take(&mut run, system.now(), is_over) {
                    Some(mut recording) => {
                        if !run.failures.is_empty() {
                            let found = analysis::analyze(run, &workspace, &options);
                            recording.explain(&found);
                            analyses.clusters.extend(found.clusters.into_iter().map(slim));
                        }
                        recordings.push(recording);
                    }
                    None => left_out.push(format!("{name}: it does not name all tests that passed")),
                }
            }
            // A folder holds other files too.
            Err(IngestError::Unknown { .. }) if !is_named => {}
            Err(error) => left_out.push(error.to_string()),
        }
    }
    let read = recordings.len();
    if read > 0 {
        runs = history.import(&project.root, system, redactor, recordings, &analyses)?;
        known = read - runs;
    }
    history.close();
    progress.stop();
    for problem in files.problems.iter().map(|p| format!("{}: {}", p.file, p.message)).chain(left_out) {
        output::note(redactor.text(&problem).as_str());
    }
    let mut text = format!("imported {}", counted(runs, "run", "runs"));
    if known > 0 {
        text = format!("{text}; {known} of the files told of runs that were known");
    }
    output::print(format!("{text}\n").as_bytes())?;
    Ok(if read == 0 { super::EXIT_UNREADABLE } else { super::EXIT_OK })
}

/// What is needed of a cluster to know its cause.
fn slim(mut cluster: crate::model::Cluster) -> crate::model::Cluster {
    cluster.failures.clear();
    cluster.culprits.clear();
    cluster.fixes.clear();
    cluster
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparklines() {
        assert_eq!(sparkline(&[1.0, 1.0]), "██");
        assert_eq!(sparkline(&[0.5, 0.75, 1.0]), "▁▅█");
        assert_eq!(sparkline(&[]), "");
    }
}
