//! `failscope analyze`: finds the root causes in result files and writes the reports.

use std::path::PathBuf;

use super::input;
use super::output::{self, OutputArgs};
use super::project::Project;
use crate::system::System;

/// Arguments of `failscope analyze`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Result files, folders or patterns; `-` reads standard input [default: the workspace's newest results]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// The project's folder [default: the one around the working directory]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the subcommand; gives the exit code.
pub fn execute(args: &Args, system: &System) -> anyhow::Result<u8> {
    let mut project = Project::open(args.root.as_deref(), system)?;
    args.output.apply(&mut project, system);
    output::warn_of(&project);

    let progress = output::Progress::start("reading test results");
    let results = input::read_for_history(&args.paths, &project, system);
    if results.readable == 0 {
        progress.stop();
        return Ok(output::nothing_readable(&results, &args.paths, &project, system));
    }
    progress.say("finding root causes");
    let report = args.output.analysed(results.run, results.recordings, &project, system);
    progress.stop();
    let report = args.output.completed(report, &project, system);
    let code = args.output.present(&report, &project, system);
    // The process is about to end, which frees everything at once: taking a large report apart piece by piece
    // would take as long as reading the results did.
    std::mem::forget(report);
    code
}
