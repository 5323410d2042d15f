//! `failscope explain`: all that is known about why one test fails.

use std::io::Write as _;
use std::path::PathBuf;

use super::output::{self, OutputArgs};
use super::project::Project;
use super::{input, naming};
use crate::model::{Analysis, Cluster};
use crate::report::human;
use crate::report::text::{counted, one_line, visible};
use crate::system::System;

/// Arguments of `failscope explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The test: its id, or enough of it to be found (`test_login`, `tests/test_api.py`)
    #[arg(value_name = "TEST")]
    test: String,
    /// Result files, folders or patterns; `-` reads standard input [default: the workspace's newest results]
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// The project's folder [default: the one around the working directory]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print what would be sent to a model about it; nothing is sent
    #[arg(long)]
    show_prompt: bool,
    /// Print without colours and links (as with the variable `NO_COLOR`)
    #[arg(long)]
    no_color: bool,
}

/// Findings that are printed in full.
const MAX_FINDINGS: usize = 5;

/// Runs the subcommand; gives the exit code.
pub fn execute(args: &Args, system: &System) -> anyhow::Result<u8> {
    let project = Project::open(args.root.as_deref(), system)?;
    let results = input::read(&args.paths, &project, system);
    if results.readable == 0 {
        return Ok(output::nothing_readable(&results, &args.paths, &project, system));
    }
    let outcomes = results.run.outcomes.clone();
    let report = OutputArgs::default().analysed(results.run, Vec::new(), &project, system);
    let found = matching(&report.analysis, &args.test);
    if found.is_empty() {
        let shown = one_line(&args.test);
        if outcomes.contains(&args.test) {
            output::print(format!("{shown} does not fail in these results\n").as_bytes())?;
            return Ok(super::EXIT_OK);
        }
        let mut message = format!("no failing test in these results matches {shown}");
        if let Some(near) = nearest(&report.analysis, &args.test) {
            message = format!("{message}; did you mean {}?", one_line(near));
        }
        output::note(&message);
        return Ok(super::EXIT_USAGE);
    }
    if args.show_prompt {
        for cluster in found.iter().take(MAX_FINDINGS) {
            let prompt = report.prompt(cluster, &project);
            output::print(format!("{}\n", visible(prompt.as_str())).as_bytes())?;
        }
        return Ok(super::EXIT_FAILURES);
    }
    let mut text = Vec::new();
    let layout = output::layout(&report.meta, args.no_color, true);
    for (index, cluster) in found.iter().take(MAX_FINDINGS).enumerate() {
        if index > 0 {
            writeln!(text)?;
        }
        human::finding(&mut text, cluster, layout)?;
        if let Some(failure) = cluster.failures.iter().find(|f| naming::holds(f.test_id.as_str(), &args.test))
        {
            human::printed(&mut text, failure, layout)?;
        }
    }
    if found.len() > MAX_FINDINGS {
        let more = counted(found.len() - MAX_FINDINGS, "more root cause", "more root causes");
        writeln!(text, "\n… and {more} of tests that match; give a longer name")?;
    }
    writeln!(text, "\n{}", human::run_line(&report.analysis, &report.meta))?;
    output::print_coloured(&text, args.no_color)?;
    Ok(super::EXIT_FAILURES)
}

/// The findings of the tests that `wanted` names: see [`naming`].
pub(super) fn matching<'a>(analysis: &'a Analysis, wanted: &str) -> Vec<&'a Cluster> {
    naming::matching(&analysis.clusters, |cluster, means| {
        cluster.failures.iter().any(|f| means(f.test_id.as_str(), wanted) || means(f.test.as_str(), wanted))
    })
}

/// The failing test whose name is most like `wanted`, if one is like it at all.
fn nearest<'a>(analysis: &'a Analysis, wanted: &str) -> Option<&'a str> {
    let name = |id: &str| -> String {
        let bare = id.split_once('[').map_or(id, |(bare, _)| bare);
        bare.rsplit("::").next().unwrap_or(bare).chars().take(100).collect()
    };
    let wanted = name(wanted);
    analysis
        .clusters
        .iter()
        .flat_map(|c| &c.failures)
        .map(|f| (strsim::jaro_winkler(&name(f.test.as_str()), &wanted), f.test.as_str()))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, test)| test)
}
