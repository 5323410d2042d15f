//! Charts as SVG. Sizes are attributes, not styles: the page's policy allows no inline style.

use std::fmt::Write as _;

use super::escape;
use crate::model::RunPoint;
use crate::model::stability::short;
use crate::report::time;

const ROW: usize = 26;
const LABEL: usize = 150;
const BAR: usize = 250;
const WIDTH: usize = LABEL + BAR + 50;

/// A bar chart with one row per name; the bar's class is the name, so that severities get their colours. The
/// names are ours and need no escaping.
pub(super) fn bars(rows: &[(&'static str, usize)]) -> String {
    let most = rows.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let summary = rows.iter().map(|(name, n)| format!("{name} {n}")).collect::<Vec<_>>().join(", ");
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {}" role="img" aria-label="{summary}">"#,
        (rows.len() * ROW).max(ROW)
    );
    for (index, (name, n)) in rows.iter().enumerate() {
        let y = index * ROW;
        let length = if *n == 0 { 0 } else { (n * BAR / most).max(3) };
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            r#"<text x="0" y="{text}">{name}</text><rect class="track" x="{LABEL}" y="{bar}" width="{BAR}" height="12" rx="6"/><rect class="bar-fill {name}" x="{LABEL}" y="{bar}" width="{length}" height="12" rx="6"/><text class="dim" x="{number}" y="{text}">{n}</text>"#,
            text = y + 17,
            bar = y + 7,
            number = LABEL + BAR + 10,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The frame of a chart over runs: width, height, and what is left free at the left, top and bottom.
const OVER: (f64, f64) = (560.0, 170.0);
const LEFT: f64 = 52.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 24.0;

/// How far from the left the middle of run `at` of `of` is, and how wide its place is.
fn place(at: usize, of: usize) -> (f64, f64) {
    let width = (OVER.0 - LEFT - 6.0) / of.max(1) as f64;
    (LEFT + width * (at as f64 + 0.5), width)
}

/// What is said of a run where the pointer rests on it.
fn about(run: &RunPoint, what: &str) -> String {
    let mut text = format!("{}: {what}", time::utc(run.time));
    if let Some(commit) = &run.commit {
        let changes = if run.dirty == Some(true) { " with changes" } else { "" };
        let _ = write!(text, ", commit {}{changes}", short(commit));
    }
    let mut out = String::new();
    escape(&text, &mut out);
    out
}

/// The frame with its highest and lowest value, and the days of the first and the last run.
fn frame(runs: &[RunPoint], label: &str, high: &str, low: &str) -> String {
    let day = |run: Option<&RunPoint>| {
        run.map(|run| time::utc(run.time).chars().take(10).collect::<String>()).unwrap_or_default()
    };
    let (width, height) = OVER;
    format!(
        r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}"><line class="axis" x1="{LEFT}" y1="{base}" x2="{width}" y2="{base}"/><text class="dim" x="0" y="{top}">{high}</text><text class="dim" x="0" y="{base}">{low}</text><text class="dim" x="{LEFT}" y="{below}">{first}</text><text class="dim" x="{width}" y="{below}" text-anchor="end">{last}</text>"#,
        base = height - BOTTOM,
        top = TOP - 8.0,
        below = height - 6.0,
        first = day(runs.first()),
        last = if runs.len() > 1 { day(runs.last()) } else { String::new() },
    )
}

/// The share of tests that passed in each run, as a line.
pub(super) fn pass_rates(runs: &[RunPoint]) -> String {
    let share = |run: &RunPoint| run.passed as f64 / (run.passed + run.failed).max(1) as f64;
    let least = runs.iter().map(share).fold(1.0, f64::min);
    // The scale begins at a whole tenth below the least.
    let low = ((least * 10.0).ceil() - 1.0).clamp(0.0, 9.0) / 10.0;
    let height = OVER.1 - TOP - BOTTOM;
    let y = |value: f64| TOP + height * (1.0 - (value - low) / (1.0 - low));
    let newest = runs.last().map_or(0.0, share) * 100.0;
    let label =
        format!("Pass rate of {} runs, lowest {:.1} %, newest {newest:.1} %", runs.len(), least * 100.0);
    let mut svg = frame(runs, &label, "100 %", &format!("{:.0} %", low * 100.0));
    let line: Vec<String> = runs
        .iter()
        .enumerate()
        .map(|(at, run)| format!("{:.1},{:.1}", place(at, runs.len()).0, y(share(run))))
        .collect();
    let base = OVER.1 - BOTTOM;
    let (first_x, last_x) = (place(0, runs.len()).0, place(runs.len().saturating_sub(1), runs.len()).0);
    let line = line.join(" ");
    let _ = write!(
        svg,
        r#"<polygon class="area" points="{first_x:.1},{base} {line} {last_x:.1},{base}"/><polyline class="line" points="{line}"/>"#
    );
    for (at, run) in runs.iter().enumerate() {
        let class = if run.failed > 0 { "high" } else { "good" };
        let what = format!("{:.1} % passed, {} failed", share(run) * 100.0, run.failed);
        let _ = write!(
            svg,
            r#"<circle class="{class}" cx="{:.1}" cy="{:.1}" r="3.2"><title>{}</title></circle>"#,
            place(at, runs.len()).0,
            y(share(run)),
            about(run, &what)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// How long each run took, as bars.
pub(super) fn durations(runs: &[RunPoint]) -> String {
    let most = runs.iter().filter_map(|run| run.duration).fold(0.0, f64::max).max(1e-3);
    let height = OVER.1 - TOP - BOTTOM;
    let label = format!("Duration of {} runs, longest {}", runs.len(), time::duration(most));
    let mut svg = frame(runs, &label, &time::duration(most), "0 s");
    for (at, run) in runs.iter().enumerate() {
        let Some(duration) = run.duration.filter(|duration| duration.is_finite()) else { continue };
        let (x, width) = place(at, runs.len());
        let tall = (height * duration / most).max(1.0);
        let _ = write!(
            svg,
            r#"<rect class="bar-fill" x="{:.1}" y="{:.1}" width="{:.1}" height="{tall:.1}" rx="1.5"><title>{}</title></rect>"#,
            x - width * 0.36,
            OVER.1 - BOTTOM - tall,
            (width * 0.72).clamp(1.0, 40.0),
            about(run, &time::duration(duration))
        );
    }
    svg.push_str("</svg>");
    svg
}

/// How a test ended in its recent runs, oldest first, as a row of boxes.
pub(super) fn strip(recent: &str) -> String {
    let count = recent.chars().count();
    let of = |wanted: char| recent.chars().filter(|c| *c == wanted).count();
    let mut svg = format!(
        r#"<svg class="strip" viewBox="0 0 {width} 18" width="{width}" height="18" role="img" aria-label="The last {count} runs, oldest first: {} passed, {} failed">"#,
        of('P') + of('R'),
        of('F'),
        width = (count * 12).max(12),
    );
    for (at, sign) in recent.chars().enumerate() {
        let (class, title, height) = match sign {
            'P' => ("good", "passed", 18),
            'F' => ("critical", "failed", 18),
            'R' => ("medium", "passed when run again", 18),
            'X' => ("idle", "failed as expected", 8),
            _ => ("idle", "skipped", 8),
        };
        let _ = write!(
            svg,
            r#"<rect class="{class}" x="{}" y="{}" width="10" height="{height}" rx="2"><title>{title}</title></rect>"#,
            at * 12,
            18 - height
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_of_few_runs_have_no_holes() {
        let run = RunPoint {
            time: 0.0,
            duration: None,
            passed: 0,
            failed: 0,
            other: 0,
            commit: Some("\"><script>".to_owned()),
            dirty: Some(true),
        };
        for runs in [Vec::new(), vec![run.clone()], vec![run.clone(), run]] {
            for svg in [pass_rates(&runs), durations(&runs)] {
                assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<script"), "{svg}");
                assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
            }
        }
        assert_eq!(strip("PFRXS").matches("<rect").count(), 5);
    }

    #[test]
    fn what_there_is_none_of_has_no_bar() {
        let svg = bars(&[("none", 0), ("one", 1), ("many", 1000)]);
        for (name, width) in [("none", 0), ("one", 3), ("many", BAR)] {
            let bar = svg.split(&format!("bar-fill {name}\"")).nth(1).unwrap_or_default();
            assert!(bar.contains(&format!(" width=\"{width}\"")), "{name}: {svg}");
        }
    }
}
