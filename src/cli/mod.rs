//! The command line: one file per subcommand. Analyses nothing by itself.

pub mod analyze;
pub mod ask;
pub mod doctor;
pub mod explain;
pub mod history;
pub mod input;
pub mod lsp;
mod naming;
pub mod output;
pub mod project;
pub mod redact;
pub mod report;
pub mod run;
pub mod setup;
pub mod trace;
pub mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::system::System;

/// Exit code: nothing fails.
pub const EXIT_OK: u8 = 0;
/// Exit code: failures were found.
pub const EXIT_FAILURES: u8 = 1;
/// Exit code: wrong usage.
pub const EXIT_USAGE: u8 = 2;
/// Exit code: input could not be read, or a report not be written.
pub const EXIT_UNREADABLE: u8 = 3;

/// Root causes of pytest failures, in the editor, the terminal and CI.
#[derive(Debug, Parser)]
#[command(name = "failscope", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find the root causes in test results and write the reports
    Analyze(analyze::Args),
    /// Explain why a test fails
    Explain(explain::Args),
    /// Write the reports again, or compare with an earlier run
    Report(report::Args),
    /// Show how tests ended over time, their grades, and which are flaky
    History(history::Args),
    /// Say what Failscope sees of a project and what stands in its way
    Doctor(doctor::Args),
    /// Run the language server on standard input and output
    Lsp(lsp::Args),
    /// Run pytest with the plugin and analyse what fails
    Run(run::Args),
    /// Find the culprit where the traceback does not show it
    Trace(trace::Args),
    /// Switch the plugin on for every pytest run of a project, or off again
    Setup(setup::Args),
    /// Replace secrets in text from standard input
    Redact(redact::Args),
}

/// Runs the subcommand and gives the process's exit code. Errors are printed to standard error.
pub fn execute(cli: Cli, system: &System) -> ExitCode {
    let result = match cli.command {
        Command::Analyze(args) => analyze::execute(&args, system),
        Command::Explain(args) => explain::execute(&args, system),
        Command::Report(args) => report::execute(&args, system),
        Command::History(args) => history::execute(&args, system),
        Command::Doctor(args) => doctor::execute(&args, system),
        Command::Lsp(args) => lsp::execute(args, system),
        Command::Run(args) => run::execute(&args, system),
        Command::Trace(args) => trace::execute(&args, system),
        Command::Setup(args) => setup::execute(&args, system),
        Command::Redact(args) => redact::execute(args, system),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            anstream::eprintln!("failscope: {error:#}");
            ExitCode::from(EXIT_UNREADABLE)
        }
    }
}
