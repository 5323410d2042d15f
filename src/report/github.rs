//! Workflow commands of GitHub Actions
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>): annotations on the lines
//! that fail, and all findings in a folded group of the log.

use std::io::{self, Write};

use sha2::Digest as _;

use super::document::{affected_tests, place_text};
use super::text::{counted, cut, one_line, visible};
use super::{Meta, human};
use crate::model::{Analysis, Cluster, Severity};

/// GitHub shows ten annotations of a step; further ones are lost without a word.
const MAX_ANNOTATIONS: usize = 10;

/// Writes the annotations, then all findings as a group.
pub fn write(out: &mut impl Write, analysis: &Analysis, meta: &Meta) -> io::Result<()> {
    let clusters = &analysis.clusters;
    let own = if clusters.len() > MAX_ANNOTATIONS { MAX_ANNOTATIONS - 1 } else { clusters.len() };
    for cluster in &clusters[..own] {
        annotation(out, cluster, meta)?;
    }
    let rest = &clusters[own..];
    if !rest.is_empty() {
        let list = rest
            .iter()
            .take(50)
            .map(|c| format!("- {}", cut(&one_line(c.diagnosis.root_cause.as_str()), 200)))
            .collect::<Vec<_>>()
            .join("\n");
        let title = counted(rest.len(), "more root cause", "more root causes");
        writeln!(out, "::error title={}::{}", property(&title), data(&list))?;
    }

    // Test output may hold lines that look like commands. The token depends on all that is printed, so output
    // cannot know it.
    let mut text = Vec::new();
    human::write(&mut text, analysis, meta, human::Layout { width: 120, link_root: None, full: false })?;
    let token = format!("failscope-{:x}", sha2::Sha256::digest(&text));
    writeln!(out, "::group::{}", data(&human::headline(analysis)))?;
    writeln!(out, "::stop-commands::{token}")?;
    out.write_all(&text)?;
    writeln!(out, "::{token}::")?;
    writeln!(out, "::endgroup::")
}

fn annotation(out: &mut impl Write, cluster: &Cluster, meta: &Meta) -> io::Result<()> {
    let diagnosis = &cluster.diagnosis;
    let command = match diagnosis.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
    };
    let site = super::place_of(cluster);
    let mut properties = Vec::new();
    if let Some(site) = site {
        properties.push(format!("file={}{}", property(&meta.prefix), property(site.path.as_str())));
        properties.push(format!("line={}", site.place.line));
        properties.push(format!("endLine={}", site.place.end_line));
    }
    properties.push(format!("title={}", property(diagnosis.category.name())));
    let tests = affected_tests(cluster);
    let mut message = visible(diagnosis.root_cause.as_str()).into_owned();
    if !diagnosis.fix_suggestion.is_empty() {
        message = format!("{message}\nFix: {}", visible(diagnosis.fix_suggestion.as_str()));
    }
    for item in diagnosis.evidence.iter().take(3) {
        let at = item.site.as_ref().map(|s| format!(" ({})", place_text(s))).unwrap_or_default();
        message = format!("{message}\n- {}{at}", one_line(item.text.as_str()));
    }
    let named: Vec<String> = tests.iter().take(3).map(|t| one_line(t)).collect();
    message = format!("{message}\n{}: {}", counted(tests.len(), "test", "tests"), named.join(", "));
    if tests.len() > 3 {
        message = format!("{message} and {} more", tests.len() - 3);
    }
    writeln!(out, "::{command} {}::{}", properties.join(","), data(&cut(&message, 4000)))
}

/// The text of a command: one line, `%` and line ends escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value: `:` and `,` too would end it.
fn property(text: &str) -> String {
    data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_escaped() {
        assert_eq!(data("50%\n::error::x\r"), "50%25%0A::error::x%0D");
        assert_eq!(property("a,b:c\n"), "a%2Cb%3Ac%0A");
    }
}
