//! The `failscope` binary: arguments, logging to standard error, exit codes; nothing else.

use clap::Parser as _;

/// Reading, analysing and reporting make and drop many small texts, which the system's allocator is slow at. Without
/// huge pages: they double the memory of an idle server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let system = failscope::system::System::real();
    // The protocol's library logs whole messages, which hold people's files.
    let filter = format!("{},tower_lsp=warn", system.env("FAILSCOPE_LOG").unwrap_or("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    failscope::cli::execute(failscope::cli::Cli::parse(), &system)
}
