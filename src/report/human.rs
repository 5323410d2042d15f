//! Findings for people at a terminal. Colours are always written; the caller's stream strips them where they
//! are not wanted.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use owo_colors::{OwoColorize as _, Style};

use super::document::{affected_tests, place_text};
use super::text::{counted, cut, first_lines, one_line, visible, wrap};
use super::{Meta, time};
use crate::model::{
    Also, Analysis, Cluster, Culprit, Exit, FailureRecord, Fix, ModelRun, ModelState, Part, Phase, Severity,
    ShownProblem, Site, Source,
};

/// How findings are laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// Columns of the terminal.
    pub width: usize,
    /// The workspace's folder, if places shall be links (OSC 8).
    pub link_root: Option<&'a Path>,
    /// Everything that is known instead of the first few of each.
    pub full: bool,
}

/// Width of the labels in front of a finding's parts.
const LABEL: usize = 9;

/// Prints `analysis`: one block per cause, then problems and a summary.
pub fn write(out: &mut impl Write, analysis: &Analysis, meta: &Meta, layout: Layout<'_>) -> io::Result<()> {
    for cluster in &analysis.clusters {
        finding(out, cluster, layout)?;
        writeln!(out)?;
    }
    problems(out, &analysis.problems, layout)?;
    summary(out, analysis, meta)
}

/// Prints one finding.
pub fn finding(out: &mut impl Write, cluster: &Cluster, layout: Layout<'_>) -> io::Result<()> {
    let diagnosis = &cluster.diagnosis;
    let (mark, style) = severity_mark(diagnosis.severity);
    let mut lines =
        wrap(&one_line(diagnosis.root_cause.as_str()), layout.width.saturating_sub(2)).into_iter();
    writeln!(out, "{} {}", mark.style(style), lines.next().unwrap_or_default().bold())?;
    for line in lines {
        writeln!(out, "  {}", line.bold())?;
    }

    let facts = [
        diagnosis.severity.name().to_owned(),
        diagnosis.category.name().to_owned(),
        match diagnosis.source {
            Source::None => "not enough evidence".to_owned(),
            _ => format!("{:.0} % sure", diagnosis.confidence * 100.0),
        },
        diagnosis.source.to_string(),
    ];
    writeln!(out, "  {}", facts.join(" · ").dimmed())?;

    for (index, culprit) in cluster.culprits.iter().take(if layout.full { 5 } else { 1 }).enumerate() {
        let site = &culprit.site;
        let function = site.function.as_ref().map(|f| format!(" in {}", one_line(f.as_str())));
        let place = linked(site, layout);
        label(out, if index == 0 { "at" } else { "or at" })?;
        writeln!(out, "{}{}", place.cyan(), function.unwrap_or_default())?;
        if let Some(source) = &site.source {
            let gutter = format!("{} │ ", site.place.line);
            let room = layout.width.saturating_sub(2 + LABEL + gutter.len());
            writeln!(
                out,
                "{:1$}{2}{3}",
                "",
                2 + LABEL,
                gutter.dimmed(),
                cut(&one_line(source.as_str()), room)
            )?;
        }
    }

    let shown = if layout.full { usize::MAX } else { 6 };
    for (index, item) in diagnosis.evidence.iter().take(shown).enumerate() {
        let place = item.site.as_ref().filter(|s| !item.text.as_str().contains(&place_text(s)));
        let mut text: Vec<String> = item.text.as_str().lines().map(one_line).collect();
        if let (Some(last), Some(site)) = (text.last_mut(), place) {
            *last = format!("{last} ({})", place_text(site));
        }
        let text = first_lines(&text.join("\n"), if layout.full { 40 } else { 4 }, 2000).join("\n");
        block(out, if index == 0 { "why" } else { "" }, &text, layout)?;
    }

    if let Some(representative) = cluster.failures.first() {
        values(out, representative, layout)?;
    }
    fix(out, cluster, layout)?;
    for note in &diagnosis.notes {
        block(out, "note", &one_line(note.as_str()), layout)?;
    }
    tests(out, cluster, layout)?;
    for text in Also::sentences(&cluster.also) {
        block(out, "", &one_line(&text), layout)?;
    }
    if let Some(text) = parting(cluster) {
        block(out, "", &one_line(&text), layout)?;
    }
    if let Some(since) = &cluster.since {
        block(out, "since", &one_line(since.as_str()), layout)?;
    }
    if let Some(stability) = &cluster.stability {
        let text = format!("{} {}, {}", stability.strip(), stability.verdict, stability.sentence());
        block(out, "history", &text, layout)?;
    }
    if layout.full {
        block(out, "id", &cluster.fingerprint.0, layout)?;
    }
    Ok(())
}

/// What is said of a cluster whose tests point to unlike places.
pub fn parting(cluster: &Cluster) -> Option<String> {
    let parts: Vec<String> = cluster.parts.iter().map(Part::sentence).collect();
    (!parts.is_empty()).then(|| format!("these may be several causes: {}", parts.join(", ")))
}

/// Prints a suspected place with its reasons.
pub fn suspect(out: &mut impl Write, number: usize, culprit: &Culprit, layout: Layout<'_>) -> io::Result<()> {
    let site = &culprit.site;
    let function = site.function.as_ref().map(|f| format!(" in {}", one_line(f.as_str())));
    let share = format!("{:.0} %", culprit.score * 100.0);
    let place = linked(site, layout);
    writeln!(out, "  {number:>2}. {}{}  {}", place.cyan(), function.unwrap_or_default(), share.dimmed())?;
    if let Some(source) = &site.source {
        writeln!(out, "      {}", cut(&one_line(source.as_str()), layout.width.saturating_sub(6)))?;
    }
    for reason in &culprit.reasons {
        for (index, line) in
            wrap(&one_line(reason.as_str()), layout.width.saturating_sub(8)).into_iter().enumerate()
        {
            writeln!(out, "      {} {line}", if index == 0 { "·" } else { " " })?;
        }
    }
    Ok(())
}

/// Prints what pytest printed of `failure`, the end of it if it is long.
pub fn printed(out: &mut impl Write, failure: &FailureRecord, layout: Layout<'_>) -> io::Result<()> {
    const MOST: usize = 60;
    let text = visible(failure.log.as_str());
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.len().saturating_sub(MOST);
    if lines.iter().all(|line| line.trim().is_empty()) {
        return Ok(());
    }
    block(
        out,
        "output",
        &format!("{} ({})", one_line(failure.test.as_str()), phase_name(failure.phase)),
        layout,
    )?;
    if start > 0 {
        writeln!(out, "    {}", format_args!("… {start} lines before").dimmed())?;
    }
    for line in &lines[start..] {
        let line = cut(line, 1000);
        if line.starts_with('E') {
            writeln!(out, "    {}", line.red())?;
        } else {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

fn values(out: &mut impl Write, failure: &FailureRecord, layout: Layout<'_>) -> io::Result<()> {
    let shown = if layout.full { 30 } else { 5 };
    let all = super::values_of(failure);
    for (index, value) in all.iter().take(shown).enumerate() {
        let text = format!("{} = {}", one_line(value.name.as_str()), one_line(value.repr.as_str()));
        block(
            out,
            if index == 0 { "values" } else { "" },
            &cut(&text, if layout.full { 2000 } else { 160 }),
            layout,
        )?;
    }
    let more = all.len().saturating_sub(shown);
    if more > 0 {
        block(out, "", &format!("… and {more} more"), layout)?;
    }
    Ok(())
}

fn fix(out: &mut impl Write, cluster: &Cluster, layout: Layout<'_>) -> io::Result<()> {
    let suggestion = one_line(cluster.diagnosis.fix_suggestion.as_str());
    // The first fix often says the same and the place besides.
    let said_again =
        cluster.fixes.first().is_some_and(|fix| one_line(fix.title.as_str()).starts_with(&suggestion));
    let mut head = "fix";
    if !suggestion.is_empty() && !said_again {
        block(out, head, &suggestion, layout)?;
        head = "";
    }
    for fix in cluster.fixes.iter().take(if layout.full { 10 } else { 1 }) {
        block(out, head, &format!("{}{}", one_line(fix.title.as_str()), verification(fix)), layout)?;
        head = "";
        if let Some(command) = &fix.command {
            block(out, "", &format!("$ {}", one_line(command.as_str())), layout)?;
        }
        for edit in &fix.edits {
            let (from, to) = (edit.site.place.line, edit.site.place.end_line);
            let lines = if from == to { from.to_string() } else { format!("{from}-{to}") };
            block(out, "", &format!("{}:{lines}", edit.site.path), layout)?;
            let most = if layout.full { 100 } else { 6 };
            let (before, after) = match &edit.lines {
                Some((before, after)) => (before.as_str(), after.as_str()),
                None => ("", edit.shown.as_str()),
            };
            for line in first_lines(&visible(before), most, 400) {
                writeln!(out, "{:1$}{2}", "", 2 + LABEL, format_args!("- {line}").red())?;
            }
            for line in first_lines(&visible(after), most, 400) {
                writeln!(out, "{:1$}{2}", "", 2 + LABEL, format_args!("+ {line}").green())?;
            }
        }
    }
    Ok(())
}

/// What is known about a fix, as a clause behind its title.
pub fn verification(fix: &Fix) -> String {
    let summary = fix.verification.summary();
    let untried = || Some(format!("not tried: {}", one_line(fix.verification.reason.as_ref()?.as_str())));
    summary.or_else(untried).map_or_else(String::new, |text| format!(" ({text})"))
}

fn tests(out: &mut impl Write, cluster: &Cluster, layout: Layout<'_>) -> io::Result<()> {
    let all = affected_tests(cluster);
    let head = if all.len() == 1 { "test".to_owned() } else { format!("{} tests", all.len()) };
    let shown = if layout.full { 200 } else { 3 };
    for (index, test) in all.iter().take(shown).enumerate() {
        let mut phases: Vec<&str> = cluster
            .failures
            .iter()
            .filter(|f| f.test.as_str() == *test && f.phase != Phase::Call)
            .map(|f| phase_name(f.phase))
            .collect();
        phases.dedup();
        let phases = if phases.is_empty() { String::new() } else { format!(" ({})", phases.join(", ")) };
        label(out, if index == 0 { &head } else { "" })?;
        writeln!(out, "{}{phases}", cut(&one_line(test), 300))?;
    }
    if all.len() > shown {
        block(out, "", &format!("… and {} more", all.len() - shown), layout)?;
    }
    Ok(())
}

/// The phase in words.
pub fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Collect => "collection",
        Phase::Setup => "setup",
        Phase::Call => "call",
        Phase::Teardown => "teardown",
    }
}

fn problems(out: &mut impl Write, problems: &[ShownProblem], layout: Layout<'_>) -> io::Result<()> {
    let shown = if layout.full { 100 } else { 8 };
    for problem in problems.iter().take(shown) {
        let text = problem_text(problem);
        let mut lines = wrap(&text, layout.width.saturating_sub(2)).into_iter();
        writeln!(out, "{} {}", "!".yellow(), lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "  {line}")?;
        }
    }
    if problems.len() > shown {
        writeln!(out, "{} … and {} more, all in rca_report.json", "!".yellow(), problems.len() - shown)?;
    }
    if !problems.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// A problem in one line: `file at byte 17: message`.
pub fn problem_text(problem: &ShownProblem) -> String {
    let file = one_line(problem.file.as_str());
    let message = one_line(problem.message.as_str());
    match problem.offset {
        Some(offset) => format!("{file} at byte {offset}: {message}"),
        None if message.contains(&file) => message,
        None => format!("{file}: {message}"),
    }
}

/// `61 failures, 35 root causes`.
pub fn headline(analysis: &Analysis) -> String {
    let failures = analysis.total_failures();
    if failures == 0 {
        return "no failures".to_owned();
    }
    let causes = analysis.clusters.len();
    format!("{}, {}", counted(failures, "failure", "failures"), counted(causes, "root cause", "root causes"))
}

/// `redacted: 2 api_key, 1 password`; `None` if nothing was.
pub fn redactions(counts: &BTreeMap<String, u64>) -> Option<String> {
    let parts: Vec<String> =
        counts.iter().filter(|(_, n)| **n > 0).map(|(kind, n)| format!("{n} {kind}")).collect();
    (!parts.is_empty()).then(|| format!("redacted: {}", parts.join(", ")))
}

/// How the rest of the run went: `12 passed, 3 skipped, in 4.2 s, 5 minutes ago`; empty if nothing is known.
pub fn run_line(analysis: &Analysis, meta: &Meta) -> String {
    let run = &analysis.run;
    let counts = run.counts;
    let mut parts: Vec<String> = [
        (counts.passed, "passed"),
        (counts.skipped, "skipped"),
        (counts.xfailed, "xfailed"),
        (counts.xpassed, "xpassed"),
        (counts.reruns, "rerun"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    match run.exit {
        Exit::Interrupted => parts.push("the run was interrupted".to_owned()),
        Exit::Unfinished => parts.push("the record of the run stops in the middle".to_owned()),
        Exit::Unknown | Exit::Code(_) => {}
    }
    if let Some(duration) = run.duration {
        parts.push(format!("in {}", time::duration(duration)));
    }
    let newest = run
        .sources
        .iter()
        .filter_map(|(_, _, t)| *t)
        .fold(None, |a: Option<f64>, t| Some(a.map_or(t, |a| a.max(t))));
    if let Some(when) = newest.or(run.started) {
        parts.push(time::age(meta.timestamp as f64 - when));
    }
    parts.join(", ")
}

fn summary(out: &mut impl Write, analysis: &Analysis, meta: &Meta) -> io::Result<()> {
    let style = if analysis.clusters.is_empty() { Style::new().green() } else { Style::new().red() };
    write!(out, "{}", headline(analysis).style(style.bold()))?;
    let line = run_line(analysis, meta);
    if line.is_empty() {
        writeln!(out)?;
    } else {
        writeln!(out, " {}", format_args!("({line})").dimmed())?;
    }
    if let Some(redacted) = redactions(&analysis.redactions) {
        writeln!(out, "{}", redacted.yellow())?;
    }
    if let Some(line) = model_line(&analysis.model) {
        writeln!(out, "{}", one_line(&line).dimmed())?;
    }
    Ok(())
}

/// What became of asking a model, in one sentence; `None` if there is nothing to say.
pub fn model_line(run: &ModelRun) -> Option<String> {
    let reason = run.reason.as_str();
    let name = match (&run.provider, &run.model) {
        (Some(provider), Some(model)) => format!("{provider}/{model}"),
        _ => String::new(),
    };
    let heard = run.answered + run.kept;
    let causes = counted(heard as usize, "cause", "causes");
    let mut line = match run.state {
        ModelState::NotAsked if reason.is_empty() => return None,
        ModelState::NotAsked if name.is_empty() => return Some(format!("no model was asked: {reason}")),
        ModelState::NotAsked => return Some(format!("{name} was not asked: {reason}")),
        ModelState::Unavailable => format!("no model analysis: {reason}"),
        ModelState::Partial => format!("{name} has answered about {causes}, not about the others: {reason}"),
        ModelState::Complete => format!("{name} has answered about {causes}"),
    };
    if heard > 0 && run.kept > 0 {
        line.push_str(&format!("; for {} the offline diagnosis stands", run.kept));
    }
    if run.cached > 0 {
        line.push_str(&format!("; {} from the cache", run.cached));
    }
    if run.calls > 0 {
        let calls = counted(run.calls as usize, "call", "calls");
        line.push_str(&format!("; {calls}, {} + {} tokens", run.input_tokens, run.output_tokens));
    }
    if let Some(cost) = run.cost.filter(|cost| *cost > 0.0) {
        line.push_str(&format!(", ${cost:.4}"));
    }
    for note in &run.notes {
        line.push_str("; ");
        line.push_str(note.as_str());
    }
    Some(line)
}

fn severity_mark(severity: Severity) -> (&'static str, Style) {
    match severity {
        Severity::Critical => ("✖", Style::new().red().bold()),
        Severity::High => ("✖", Style::new().red()),
        Severity::Medium => ("▲", Style::new().yellow()),
        Severity::Low => ("●", Style::new().blue()),
    }
}

/// `path:line`, as a link to the file where the terminal can follow one.
fn linked(site: &Site, layout: Layout<'_>) -> String {
    let shown = visible(&place_text(site)).replace('\n', "␊");
    let Some(root) = layout.link_root else { return shown };
    match url::Url::from_file_path(site.place.path.under(root)) {
        Ok(mut target) => {
            target.set_fragment(Some(&site.place.line.to_string()));
            format!("\u{1b}]8;;{target}\u{1b}\\{shown}\u{1b}]8;;\u{1b}\\")
        }
        Err(()) => shown,
    }
}

fn label(out: &mut impl Write, label: &str) -> io::Result<()> {
    write!(out, "  {}", format_args!("{label:LABEL$}").dimmed())
}

/// A labelled text, wrapped, its further lines under its first. Empty lines are left out.
fn block(out: &mut impl Write, name: &str, text: &str, layout: Layout<'_>) -> io::Result<()> {
    let width = layout.width.saturating_sub(2 + LABEL);
    let text = visible(text);
    let lines = text.lines().filter(|l| !l.trim().is_empty()).flat_map(|line| wrap(line, width));
    for (index, line) in lines.enumerate() {
        label(out, if index == 0 { name } else { "" })?;
        writeln!(out, "{line}")?;
    }
    Ok(())
}
