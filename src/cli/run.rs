//! `failscope run`: runs pytest with the plugin and analyses what fails.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::output::{self, OutputArgs};
use super::project::Project;
use crate::front;
use crate::history::recording::Recording;
use crate::ingest::{self, events::Assembler};
use crate::model::Run;
use crate::pytest::follow::Follower;
use crate::pytest::runner::{Finished, Output, Progress, Request, Runner};
use crate::system::System;

/// Arguments of `failscope run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    output: OutputArgs,
    /// Arguments for pytest: tests and options. Options of failscope come before them
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the subcommand; gives pytest's exit code.
pub fn execute(args: &Args, system: &System) -> anyhow::Result<u8> {
    let mut project = Project::open(None, system)?;
    args.output.apply(&mut project, system);
    output::warn_of(&project);

    let mut request = Request::new(
        system.current_dir(),
        &[project.config.pytest_args.as_slice(), &args.args].concat(),
        project.config.python.as_deref(),
        system,
    )?;
    request.stream = crate::pytest::runner::new_stream(&project.output(), system)?;
    let python = request.interpreter.clone();
    if args.output.is_for_people() {
        request.output = Output::Inherited;
    }
    let finished = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime that watches pytest")?
        .block_on(watched(request))?;

    let code = exit_code(&finished);
    let Some(mut run) = recorded(&finished.stream, &project.root)? else {
        output::note(&format!(
            "pytest has recorded nothing; it was run with {} ({})",
            python.command.join(" "),
            python.why
        ));
        // Python ends with the code of a run with failures where there is no pytest.
        return Ok(if code == super::EXIT_FAILURES { super::EXIT_UNREADABLE } else { code });
    };
    let recordings = Recording::take(&mut run, system.now(), true).into_iter().collect();
    let run = front::gather(vec![run], Vec::new());
    let report = args.output.analysed(run, recordings, &project, system);
    let report = args.output.completed(report, &project, system);
    args.output.present(&report, &project, system)?;
    Ok(code)
}

/// Runs all tests of the project for what is recorded only; `None` if nothing was.
pub(super) async fn quietly(project: &Project, system: &System) -> anyhow::Result<Option<Run>> {
    let python = project.config.python.as_deref();
    let mut request = Request::new(project.root.clone(), &project.config.pytest_args, python, system)?;
    request.stream = crate::pytest::runner::new_stream(&project.output(), system)?;
    let finished = watched(request).await?;
    recorded(&finished.stream, &project.root)
}

/// Runs pytest to its end. Ctrl-C is pytest's business: it ends its run, and then there is something to analyse.
async fn watched(request: Request) -> anyhow::Result<Finished> {
    let mut run = Runner::default().start(request)?;
    loop {
        tokio::select! {
            progress = run.next() => match progress {
                // Standard output is for the document that was asked for.
                Some(Progress::Output(text)) => {
                    let _ = std::io::stderr().write_all(text.as_bytes());
                }
                Some(Progress::Event(_)) => {}
                None => break,
            },
            Ok(()) = tokio::signal::ctrl_c() => {}
        }
    }
    Ok(run.wait().await?)
}

fn exit_code(finished: &Finished) -> u8 {
    match (finished.exit, finished.signal) {
        (Some(code), _) => u8::try_from(code).unwrap_or(super::EXIT_FAILURES),
        // As shells have it.
        (None, Some(signal)) => u8::try_from(128 + signal).unwrap_or(super::EXIT_FAILURES),
        (None, None) => super::EXIT_FAILURES,
    }
}

/// What the plugin has recorded; the process that wrote it is gone. `None` if it has not even begun.
fn recorded(stream: &Path, root: &Path) -> anyhow::Result<Option<Run>> {
    let name = front::name(root, stream);
    let mut assembler = Assembler::new(&name, front::read_options_for_history(root));
    let mut follower = Follower::new(stream);
    let mut begun = false;
    loop {
        let news =
            follower.poll().map_err(|source| ingest::IngestError::Io { file: name.clone(), source })?;
        for event in news.events {
            begun = true;
            assembler.push(event);
        }
        if !news.more {
            break;
        }
    }
    assembler.process_is_gone();
    // Dated as the file would be if it were read later.
    let modified = std::fs::metadata(stream).and_then(|meta| meta.modified()).ok();
    Ok(begun.then(|| assembler.finish(modified)))
}
