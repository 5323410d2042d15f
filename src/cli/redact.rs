//! `failscope redact`: redaction as a filter.

use crate::system::System;

/// Arguments of `failscope redact`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the subcommand; gives the exit code.
pub fn execute(args: Args, system: &System) -> anyhow::Result<u8> {
    let _ = (args, system);
    Ok(super::EXIT_OK)
}
