//! The section that `pytest --failscope` adds to pytest's summary.

use std::io::{self, Write};
use std::path::Path;

use owo_colors::OwoColorize as _;

use super::Meta;
use super::human::{self, Layout};
use super::text::{counted, one_line};
use crate::model::Analysis;

/// Most causes that are printed; the report has them all.
const SHOWN: usize = 15;

/// Prints the findings, the summary `N failures → M root causes`, a line if something was redacted, and where
/// the report is (as a link if `layout` has links).
pub fn write(
    out: &mut impl Write,
    analysis: &Analysis,
    meta: &Meta,
    report: Option<&Path>,
    layout: Layout<'_>,
) -> io::Result<()> {
    for cluster in analysis.clusters.iter().take(SHOWN) {
        human::finding(out, cluster, layout)?;
        if cluster.diagnosis.was_critic_override {
            writeln!(out, "  {}", "the critic has corrected the model's first answer".dimmed())?;
        }
        writeln!(out)?;
    }
    let more = analysis.clusters.len().saturating_sub(SHOWN);
    if more > 0 {
        writeln!(out, "… and {}, all in the report\n", counted(more, "more root cause", "more root causes"))?;
    }
    for problem in analysis.problems.iter().take(5) {
        writeln!(out, "{} {}", "!".yellow(), human::problem_text(problem))?;
    }
    let failures = analysis.total_failures();
    if failures == 0 {
        writeln!(out, "{}", "no failures".green())?;
    } else {
        let summary = format!(
            "{} → {}",
            counted(failures, "failure", "failures"),
            counted(analysis.clusters.len(), "root cause", "root causes")
        );
        writeln!(out, "{}", summary.bold())?;
    }
    if let Some(redacted) = human::redactions(&analysis.redactions) {
        writeln!(out, "{}", format_args!("warning: secrets were {redacted}").yellow())?;
    }
    if let Some(line) = human::model_line(&analysis.model) {
        writeln!(out, "{}", one_line(&line).dimmed())?;
    }
    if let Some(path) = report {
        let shown = path.strip_prefix(&meta.root).unwrap_or(path).display().to_string();
        let target = layout.link_root.and_then(|_| url::Url::from_file_path(path).ok());
        match target {
            Some(target) => writeln!(out, "report: \u{1b}]8;;{target}\u{1b}\\{shown}\u{1b}]8;;\u{1b}\\")?,
            None => writeln!(out, "report: {shown}")?,
        }
    }
    Ok(())
}
