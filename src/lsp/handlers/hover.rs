//! `textDocument/hover`: the root cause, why, the values, the tests, how sure, how old.

use std::collections::HashSet;

use tower_lsp::lsp_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

use crate::engine::Snapshot;
use crate::engine::findings::{FileFindings, Marker, cut, exception_line, one_line};
use crate::lsp::backend::Session;
use crate::lsp::convert;
use crate::lsp::markup::{Document, Part};
use crate::model::{
    Also, Cluster, Detail, FailureRecord, FixKind, Grade, ModelState, Site, Source, VerificationState,
};
use crate::report::human::parting;

/// Bounds of what one hover shows.
const MAX_CAUSES: usize = 3;
const MAX_EVIDENCE: usize = 8;
const MAX_VALUES: usize = 8;
const MAX_TESTS: usize = 5;
const MAX_TEXT: usize = 400;

/// What is known of the line under the cursor.
pub async fn hover(session: &Session, params: HoverParams) -> Option<Hover> {
    let at = params.text_document_position_params;
    let (snapshot, path) = session.file(&at.text_document.uri).await?;
    if !snapshot.config.surfaces.hover {
        return None;
    }
    let line = convert::line(at.position);
    let client = session.outbox.capabilities();
    let findings = snapshot.file(&path)?;
    let shown = on_line(findings, &snapshot, line);
    if shown.is_empty() {
        return None;
    }
    let mut document = Document::new(client.markdown);
    let now = session.system.unix_now();
    for (index, about) in shown.iter().take(MAX_CAUSES).enumerate() {
        if index > 0 {
            document.rule();
        }
        Writer { snapshot: &snapshot, document: &mut document, now }.about(about);
    }
    if shown.len() > MAX_CAUSES {
        document
            .paragraph(&[Part::Text(&format!("and {} more causes on this line", shown.len() - MAX_CAUSES))]);
    }
    let range = findings
        .markers
        .iter()
        .find(|m| m.span.line == line)
        .map(|m| &m.span)
        .or_else(|| findings.tests.iter().find(|t| t.span.line == line).map(|t| &t.span))
        .map(|span| client.encoding.range(span));
    let kind = if client.markdown { MarkupKind::Markdown } else { MarkupKind::PlainText };
    let contents = HoverContents::Markup(MarkupContent { kind, value: document.finish() });
    Some(Hover { contents, range })
}

/// A cause to tell of.
struct About<'a> {
    index: usize,
    cluster: &'a Cluster,
    failures: Vec<&'a FailureRecord>,
    stale: bool,
}

/// The causes at a line: of its markers, else of the test defined there.
fn on_line<'a>(findings: &FileFindings, snapshot: &'a Snapshot, line: u32) -> Vec<About<'a>> {
    let markers: Vec<&Marker> = findings.markers.iter().filter(|m| m.span.line == line).collect();
    if !markers.is_empty() {
        let about = |marker: &&Marker| {
            let (index, _) = snapshot.cluster(&marker.fingerprint)?;
            let (cluster, failures) = snapshot.failures(marker)?;
            Some(About { index, cluster, failures, stale: marker.stale })
        };
        return markers.iter().filter_map(about).collect();
    }
    let tests = findings.tests.iter().filter(|t| t.span.line == line);
    tests
        .flat_map(|test| {
            let ids: HashSet<&str> = test.tests.iter().map(String::as_str).collect();
            let about = move |fingerprint: &String| {
                let (index, cluster) = snapshot.cluster(fingerprint)?;
                let failures = cluster.failures.iter().filter(|f| ids.contains(f.test.as_str())).collect();
                Some(About { index, cluster, failures, stale: false })
            };
            test.fingerprints.iter().filter_map(about)
        })
        .collect()
}

struct Writer<'a> {
    snapshot: &'a Snapshot,
    document: &'a mut Document,
    now: f64,
}

impl Writer<'_> {
    fn about(&mut self, about: &About<'_>) {
        let diagnosis = &about.cluster.diagnosis;
        self.document.paragraph(&[Part::Strong(&one_line(diagnosis.root_cause.as_str()))]);
        if about.stale {
            let note = "Stale: the code here has changed since the run, so this may no longer hold.";
            self.document.paragraph(&[Part::Text(note)]);
        }
        self.exception(about);
        self.why(about);
        self.values(about);
        self.fix(about.cluster);
        self.history(about);
        self.since(about);
        self.tests(about);
        self.together(about);
        for note in diagnosis.notes.iter().take(3) {
            self.document.paragraph(&[Part::Text(&cut(&one_line(note.as_str()), MAX_TEXT))]);
        }
        let has_answer = matches!(diagnosis.source, Source::Model(..)) || about.cluster.offline.is_some();
        if !has_answer {
            self.model();
        }
        self.footer(about);
    }

    /// Why there is no model analysis, where a model could say more.
    fn model(&mut self) {
        let run = &self.snapshot.results.analysis.model;
        if run.reason.is_empty() || run.state == ModelState::Complete {
            return;
        }
        let text = format!("No model analysis: {}", run.reason);
        self.document.paragraph(&[Part::Text(&cut(&one_line(&text), MAX_TEXT))]);
    }

    fn exception(&mut self, about: &About<'_>) {
        let Some(failure) = about.failures.first() else { return };
        let line = exception_line(failure);
        if !line.is_empty() && line != about.cluster.diagnosis.root_cause.as_str() {
            self.document.paragraph(&[Part::Code(&line)]);
        }
        if failure.detail == Detail::Name {
            let note = "Only the names of the failed tests are known; run the test for details.";
            self.document.paragraph(&[Part::Text(note)]);
        }
    }

    fn why(&mut self, about: &About<'_>) {
        let evidence = &about.cluster.diagnosis.evidence;
        if evidence.is_empty() && about.cluster.culprits.is_empty() {
            return;
        }
        self.document.paragraph(&[Part::Strong("Why")]);
        for item in evidence.iter().take(MAX_EVIDENCE) {
            let text = cut(&one_line(item.text.as_str()), MAX_TEXT);
            match &item.site {
                Some(site) => self.with_place(about.index, site, &text),
                None => self.document.item(&[Part::Text(&text)]),
            }
        }
        let culprit = about.cluster.culprits.first().map(|c| &c.site.place);
        let is_culprit =
            |site: &Site| culprit.is_some_and(|c| c.path == site.place.path && c.line == site.place.line);
        // The suspected place, unless a line of evidence has named it.
        if let Some(culprit) = about.cluster.culprits.first()
            && !evidence.iter().take(MAX_EVIDENCE).any(|e| e.site.as_ref().is_some_and(is_culprit))
        {
            let reasons: Vec<&str> =
                culprit.reasons.iter().map(crate::model::Redacted::as_str).take(2).collect();
            let text = if reasons.is_empty() {
                "suspected place".to_owned()
            } else {
                format!("suspected place: {}", one_line(&reasons.join("; ")))
            };
            self.with_place(about.index, &culprit.site, &cut(&text, MAX_TEXT));
        }
    }

    fn with_place(&mut self, index: usize, site: &Site, text: &str) {
        let line = self.snapshot.line_now(index, &site.place);
        let path = site.place.path.under(&self.snapshot.root);
        // A sentence that names the place need not hear it again.
        let mut name = format!("{}:{line}", one_line(site.path.as_str()));
        if text.contains(&name) {
            name = format!("line {line}");
        }
        self.document.item(&[
            Part::Text(text),
            Part::Text(" ("),
            Part::Place(&name, &path, line),
            Part::Text(")"),
        ]);
    }

    fn values(&mut self, about: &About<'_>) {
        let Some(failure) = about.failures.first().filter(|f| !f.values.is_empty()) else { return };
        self.document.paragraph(&[Part::Strong("Values at the failure")]);
        for value in failure.values.iter().take(MAX_VALUES) {
            let text = format!(
                "{} = {}",
                cut(&one_line(value.name.as_str()), MAX_TEXT / 4),
                cut(&one_line(value.repr.as_str()), MAX_TEXT)
            );
            self.document.item(&[Part::Code(&text)]);
        }
        if failure.values.len() > MAX_VALUES {
            self.document.item(&[Part::Text(&format!("and {} more", failure.values.len() - MAX_VALUES))]);
        }
    }

    fn fix(&mut self, cluster: &Cluster) {
        let suggestion = cluster.diagnosis.fix_suggestion.as_str();
        let first = cluster.fixes.first();
        if suggestion.is_empty() && first.is_none() {
            return;
        }
        let title = first.map(|fix| fix.title.as_str()).unwrap_or_default();
        let text = if suggestion.is_empty() { title } else { suggestion };
        self.document.paragraph(&[
            Part::Strong("Fix:"),
            Part::Text(" "),
            Part::Text(&cut(&one_line(text), MAX_TEXT)),
        ]);
        if let Some(command) = first.filter(|f| f.kind == FixKind::Command).and_then(|f| f.command.as_ref()) {
            self.document.paragraph(&[Part::Code(&cut(&one_line(command.as_str()), MAX_TEXT))]);
        }
        if let Some(fix) = first.filter(|f| f.verification.state == VerificationState::Verified) {
            let n = fix.verification.passed.len();
            self.document.paragraph(&[Part::Text(&format!(
                "Verified: {} with it, none newly fail.",
                counted(n, "test passes", "tests pass")
            ))]);
        }
    }

    /// What the history says of the first of the tests.
    fn history(&mut self, about: &About<'_>) {
        let Some(graded) = &self.snapshot.graded else { return };
        let Some(stability) = about.failures.first().and_then(|f| graded.test(&f.test)) else { return };
        let grade = match stability.grade {
            Grade::Ungraded => String::new(),
            grade => format!("grade {grade}, "),
        };
        self.document.paragraph(&[
            Part::Strong("History:"),
            Part::Text(&format!(" {grade}{} ", stability.verdict)),
            Part::Code(&stability.strip()),
            Part::Text(&format!(" ({})", stability.sentence())),
        ]);
    }

    /// What has changed in the suspected places since the test passed.
    fn since(&mut self, about: &About<'_>) {
        let graded = self.snapshot.graded.as_ref();
        if let Some(since) = graded.and_then(|graded| graded.since.get(&about.cluster.fingerprint.0)) {
            let text = cut(&one_line(since.as_str()), MAX_TEXT);
            self.document.paragraph(&[Part::Strong("Since:"), Part::Text(" "), Part::Text(&text)]);
        }
    }

    /// Which other findings have the same cause, and whether this one has several.
    fn together(&mut self, about: &About<'_>) {
        for text in Also::sentences(&about.cluster.also).into_iter().chain(parting(about.cluster)) {
            self.document.paragraph(&[Part::Text(&cut(&one_line(&text), MAX_TEXT))]);
        }
    }

    fn tests(&mut self, about: &About<'_>) {
        let mut names: Vec<&str> = about.cluster.failures.iter().map(|f| f.test.as_str()).collect();
        let mut known = HashSet::new();
        names.retain(|name| known.insert(*name));
        self.document.paragraph(&[Part::Strong(&counted(names.len(), "affected test", "affected tests"))]);
        for name in names.iter().take(MAX_TESTS) {
            let failure = about.cluster.failures.iter().find(|f| f.test.as_str() == *name);
            let name = cut(&one_line(name), MAX_TEXT / 2);
            match failure.and_then(|f| f.failing.as_ref().or(f.definition.as_ref())) {
                Some(site) => {
                    let line = self.snapshot.line_now(about.index, &site.place);
                    let path = site.place.path.under(&self.snapshot.root);
                    let place = format!("line {line}");
                    self.document.item(&[
                        Part::Code(&name),
                        Part::Text(" ("),
                        Part::Place(&place, &path, line),
                        Part::Text(")"),
                    ]);
                }
                None => self.document.item(&[Part::Code(&name)]),
            }
        }
        if names.len() > MAX_TESTS {
            self.document.item(&[Part::Text(&format!("and {} more", names.len() - MAX_TESTS))]);
        }
    }

    fn footer(&mut self, about: &About<'_>) {
        let diagnosis = &about.cluster.diagnosis;
        let mut parts = vec![
            format!("{} ({:.0} %)", certainty(diagnosis.confidence), diagnosis.confidence * 100.0),
            format!(
                "{}, {} severity",
                diagnosis.category.name().replace('_', " "),
                diagnosis.severity.name()
            ),
        ];
        if let Some(at) = self.snapshot.results_time() {
            parts.push(format!("run {}", age(self.now - at)));
        }
        self.document.paragraph(&[Part::Text(&parts.join(" · "))]);
    }
}

/// How sure a diagnosis is, in words.
fn certainty(confidence: f64) -> &'static str {
    match confidence {
        c if c >= 0.9 => "almost certain",
        c if c >= 0.7 => "likely",
        c if c >= 0.4 => "possible",
        c if c > 0.0 => "a guess",
        _ => "not known",
    }
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// How long ago, in words. `seconds` may be negative when clocks differ.
fn age(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (n, unit) = match seconds {
        0..=59 => return "just now".to_owned(),
        60..=3599 => (seconds / 60, "minute"),
        3600..=86_399 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_in_words() {
        let rows = [
            (-5.0, "just now"),
            (59.0, "just now"),
            (60.0, "1 minute ago"),
            (7199.0, "1 hour ago"),
            (7200.0, "2 hours ago"),
            (200_000.0, "2 days ago"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(age(seconds), expected);
        }
    }
}
