//! Charts as SVG. Sizes are attributes, not styles: the page's policy allows no inline style.

use std::fmt::Write as _;

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
        let length = (n * BAR / most).max(3);
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
