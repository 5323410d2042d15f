//! `failscope lsp`: the language server on standard input and output.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::engine::Watching;
use crate::lsp::{self, streams};
use crate::system::System;

/// Arguments of `failscope lsp`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look for changed files every SECONDS instead of waiting for the system's notices (for NFS, WSL and some
    /// containers)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    poll: Option<u64>,
    /// Append every message to FILE as JSON lines
    #[arg(long, value_name = "FILE", hide = true)]
    log_messages: Option<PathBuf>,
    /// Accepted because many clients pass it; standard streams are the only transport
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Runs the subcommand; gives the exit code.
pub fn execute(args: Args, system: &System) -> anyhow::Result<u8> {
    let _ = args.stdio;
    let mut options = lsp::Options::new(system.clone());
    options.log_messages = args.log_messages;
    if let Some(seconds) = args.poll {
        options.watching = Watching::Poll(Duration::from_secs(seconds));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the language server's runtime")?;
    // On a worker, which then waits for the streams itself; this thread would have to be woken by it.
    let served = runtime
        .block_on(async { tokio::spawn(lsp::serve(streams::input(), streams::output(), options)).await });
    // Standard input may be held open, and a thread that reads it cannot be interrupted: nobody waits for it.
    runtime.shutdown_background();
    served.context("the language server broke; this is a fault of Failscope")
}
