//! `failscope trace`: finds the culprit where the traceback does not show it.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use owo_colors::OwoColorize as _;

use tokio_util::sync::CancellationToken;

use super::output::{self, OutputArgs, Report};
use super::project::Project;
use super::{explain, input, run};
use crate::front::trace::{self, EDITS, Found, Recording, Wish};
use crate::model::{Analysis, Cluster, Fingerprint};
use crate::pytest::runner::Runner;
use crate::report::document::Document;
use crate::report::human;
use crate::report::text::{counted, one_line};
use crate::system::System;
use crate::workspace::config::{Search, Verify};

/// Arguments of `failscope trace`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Args {
    /// The root cause (its id or the beginning of it) or the failing test to look into [default: all]
    #[arg(value_name = "CLUSTER|TEST")]
    what: Option<String>,
    /// Result files, folders or patterns [default: the workspace's newest results, or a run of all tests]
    #[arg(long = "results", value_name = "PATH")]
    paths: Vec<String>,
    /// Seconds for the tests that are compared with; the failing tests are always run
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = seconds)]
    budget: f64,
    /// Compare with all tests of the project instead of those close to the failing ones
    #[arg(long)]
    all_tests: bool,
    /// Seconds of processor time for trying small edits of each cause's suspected statements on a copy, as evidence;
    /// 0 for none [default: 4, or 0 if the setting `search` or `verify` is off]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    edits: Option<f64>,
    /// Search for a fix: try small edits of the suspected statements, for as many seconds as `--budget` gives
    #[arg(long)]
    fix: bool,
    /// Print the document that is written to `rca_report.json`
    #[arg(long)]
    json: bool,
    /// The project's folder [default: the one around the working directory]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print without colours and links (as with the variable `NO_COLOR`)
    #[arg(long)]
    no_color: bool,
    /// Write all candidates with their features to this file, for measurements
    #[arg(long, hide = true, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Keep the recorded run in this file, for measurements
    #[arg(long, hide = true, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Rank what was kept in this file instead of running the tests, for measurements
    #[arg(long, hide = true, value_name = "FILE")]
    recorded: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("give a number of seconds from 0 to 86400".to_owned()),
    }
}

/// Runs the subcommand; gives the exit code.
pub fn execute(args: &Args, system: &System) -> anyhow::Result<u8> {
    let project = Project::open(args.root.as_deref(), system)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime that watches pytest")?;
    let mut results = input::read(&args.paths, &project, system);
    if results.readable == 0 {
        if !args.paths.is_empty() {
            return Ok(output::nothing_readable(&results, &args.paths, &project, system));
        }
        output::note("no results found: running the tests first");
        let Some(run) = runtime.block_on(run::quietly(&project, system))? else {
            output::note("pytest has recorded nothing; see what `failscope doctor` says");
            return Ok(super::EXIT_UNREADABLE);
        };
        results.run = run;
    }
    let mut report = OutputArgs::default().analysed(results.run, Vec::new(), &project, system);
    if report.analysis.clusters.is_empty() {
        output::print(b"nothing fails in these results\n")?;
        return Ok(super::EXIT_OK);
    }
    let clusters = match &args.what {
        None => Vec::new(),
        Some(what) => match chosen(&report.analysis, what) {
            found if found.is_empty() => {
                let what = one_line(what);
                output::note(&format!("no root cause and no failing test in these results matches {what}"));
                return Ok(super::EXIT_USAGE);
            }
            found => found,
        },
    };
    let recording = match (&args.recorded, &args.keep) {
        (Some(path), _) => Recording::Used(path.clone()),
        (None, Some(path)) => Recording::Kept(path.clone()),
        (None, None) => Recording::Dropped,
    };
    let config = &project.config;
    let default = if config.search == Search::Off || config.verify == Verify::Off { 0.0 } else { EDITS };
    let wish = Wish {
        clusters,
        seconds: args.budget,
        all_tests: args.all_tests,
        pooled: args.features.is_some(),
        recording,
        edits: Some(args.edits.unwrap_or(default)).filter(|seconds| *seconds > 0.0),
        cancel: CancellationToken::new(),
    };
    let progress = output::Progress::start("tracing the failing tests");
    let workspace = project.workspace();
    let found = runtime.block_on(async {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let stop = async {
            if let Ok(canceller) = receiver.await {
                let canceller: crate::pytest::runner::Canceller = canceller;
                asked_to_stop().await;
                wish.cancel.cancel();
                canceller.cancel();
            }
            std::future::pending::<()>().await;
        };
        let cancel = |canceller| {
            let _ = sender.send(canceller);
        };
        let runner = Runner::default();
        let find = trace::find(
            &mut report.analysis,
            trace::Project { root: &project.root, config: &project.config, workspace: &workspace },
            &wish,
            &runner,
            system,
            cancel,
        );
        tokio::select! {
            found = find => found,
            () = stop => std::future::pending().await,
        }
    });
    progress.stop();
    let found = found?;
    if found.cancelled {
        output::note("cancelled; the reports are as they were");
        return Ok(130);
    }
    if args.fix {
        super::verify::search(&mut report.analysis, &found, &wish, &project, system);
    }
    let redactor = crate::front::redactor(&project.root, &project.config, system);
    crate::history::why::attach(&mut report.analysis, &project.root, &redactor);
    if let Some(path) = &args.features {
        std::fs::write(path, features(&found, &report.analysis))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    OutputArgs::default().write_files(&report, &project)?;
    if args.json {
        output::print(&Document::new(&report.analysis, &report.meta).to_json()?)?;
    } else {
        print(args, &wish, &report, &found)?;
    }
    Ok(super::EXIT_FAILURES)
}

/// Waits for Ctrl-C or the signal that asks programs to end.
async fn asked_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// The clusters that `what` names: by the beginning of their id, else by a test.
fn chosen(analysis: &Analysis, what: &str) -> Vec<Fingerprint> {
    let is_id = what.len() >= 4 && what.chars().all(|c| c.is_ascii_hexdigit() || c == ':' || c == 'v');
    let by_id: Vec<&Cluster> = analysis
        .clusters
        .iter()
        .filter(|c| {
            let id = c.fingerprint.0.as_str();
            is_id && (id.starts_with(what) || id.rsplit(':').next().is_some_and(|hex| hex.starts_with(what)))
        })
        .collect();
    let found = if by_id.is_empty() { explain::matching(analysis, what) } else { by_id };
    found.into_iter().map(|cluster| cluster.fingerprint.clone()).collect()
}

fn print(args: &Args, wish: &Wish, report: &Report, found: &Found) -> anyhow::Result<()> {
    let layout = output::layout(&report.meta, args.no_color, false);
    let mut text = Vec::new();
    for cluster in &report.analysis.clusters {
        if !wish.clusters.is_empty() && !wish.clusters.contains(&cluster.fingerprint) {
            continue;
        }
        human::finding(&mut text, cluster, layout)?;
        if found.rankings.iter().any(|(of, ranking)| *of == cluster.fingerprint && !ranking.places.is_empty())
        {
            writeln!(text, "  {}", "suspects".dimmed())?;
            for (index, culprit) in cluster.culprits.iter().enumerate() {
                human::suspect(&mut text, index + 1, culprit, layout)?;
            }
        }
        writeln!(text)?;
    }
    for note in &found.notes {
        writeln!(text, "note: {}", one_line(note))?;
    }
    let (failing, passing) = found.traced;
    write!(
        text,
        "traced {} and {}",
        counted(failing, "failing test", "failing tests"),
        counted(passing, "passing test", "passing tests")
    )?;
    if found.edits > 0 {
        write!(text, ", tried {}", counted(found.edits, "small edit", "small edits"))?;
    }
    writeln!(text)?;
    output::print_coloured(&text, args.no_color)
}

/// All candidates of all clusters with their features, as JSON.
fn features(found: &Found, analysis: &Analysis) -> String {
    use crate::diagnose::localise::features::NAMES;

    let clusters: Vec<serde_json::Value> = found
        .rankings
        .iter()
        .map(|(fingerprint, ranking)| {
            let tests: Vec<&str> = analysis
                .clusters
                .iter()
                .filter(|c| c.fingerprint == *fingerprint)
                .flat_map(|c| c.failures.iter().map(|f| f.test_id.as_str()))
                .collect();
            let candidates: Vec<serde_json::Value> = ranking
                .candidates
                .iter()
                .map(|(place, vector, score)| {
                    serde_json::json!([
                        place.path.as_str(),
                        place.line,
                        place.end_line,
                        place.function,
                        score,
                        vector.to_vec()
                    ])
                })
                .collect();
            serde_json::json!({"fingerprint": fingerprint, "tests": tests, "candidates": candidates})
        })
        .collect();
    serde_json::json!({"names": NAMES, "clusters": clusters}).to_string()
}
