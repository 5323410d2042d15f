//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>): one result per root cause, on
//! its culprit, with the tests as related locations, the way to the failure as a code flow and edits as fixes.

use serde_json::{Value, json};

use super::document::{affected_tests, evidence_text};
use super::text::{counted, visible};
use super::{Meta, human};
use crate::model::{Analysis, Category, Cluster, Fix, FixKind, Severity, Site};

/// Related locations of one result.
const MAX_RELATED: usize = 50;

const RULES: [(Category, &str); 9] = [
    (Category::AssertionFailure, "The code under test gave a wrong result"),
    (Category::Timeout, "Something took too long"),
    (Category::ConnectionError, "A peer could not be reached or broke the connection"),
    (Category::EnvIssue, "The machine, its variables, files or fixtures are not as needed"),
    (Category::FlakyTest, "The outcome changes on the same code"),
    (Category::DataIssue, "The data are not as the code expects"),
    (Category::ImportError, "A module or name could not be imported"),
    (Category::PermissionError, "The operating system refused"),
    (Category::Other, "A failure of another kind"),
];

/// The log as a JSON value.
pub fn log(analysis: &Analysis, meta: &Meta) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|(category, text)| {
            json!({ "id": category.name(), "shortDescription": { "text": text },
                    "defaultConfiguration": { "level": "error" } })
        })
        .collect();
    let notifications: Vec<Value> = analysis
        .problems
        .iter()
        .map(|problem| json!({ "level": "warning", "message": { "text": human::problem_text(problem) } }))
        .collect();
    let version = meta.generator.rsplit(' ').next().unwrap_or_default();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "failscope", "version": version, "semanticVersion": version, "rules": rules } },
            "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notifications }],
            "columnKind": "unicodeCodePoints",
            "results": analysis.clusters.iter().map(|cluster| result(cluster, meta)).collect::<Vec<_>>(),
        }],
    })
}

fn result(cluster: &Cluster, meta: &Meta) -> Value {
    let diagnosis = &cluster.diagnosis;
    let tests = affected_tests(cluster);
    let mut text = visible(diagnosis.root_cause.as_str()).into_owned();
    for item in &diagnosis.evidence {
        text = format!("{text}\n- {}", visible(&evidence_text(item)));
    }
    if !diagnosis.fix_suggestion.is_empty() {
        text = format!("{text}\nFix: {}", visible(diagnosis.fix_suggestion.as_str()));
    }
    text = format!("{text}\n{}", counted(tests.len(), "test is affected", "tests are affected"));

    let mut result = json!({
        "ruleId": diagnosis.category.name(),
        "ruleIndex": RULES.iter().position(|(category, _)| *category == diagnosis.category),
        "level": match diagnosis.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "note",
        },
        "message": { "text": text },
        "locations": super::place_of(cluster).map(|site| location(site, None, meta)).into_iter().collect::<Vec<_>>(),
        "relatedLocations": related(cluster, meta),
        "partialFingerprints": { "failscopeCause/v1": cluster.fingerprint.0 },
        "occurrenceCount": cluster.failures.len(),
        "rank": (diagnosis.confidence * 100.0).clamp(0.0, 100.0),
        "properties": {
            "severity": diagnosis.severity.name(),
            "confidence": diagnosis.confidence,
            "source": diagnosis.source.to_string(),
            "tests": tests,
        },
    });
    let fixes: Vec<Value> = cluster.fixes.iter().filter_map(|proposed| fix(proposed, meta)).collect();
    if !fixes.is_empty() {
        result["fixes"] = fixes.into();
    }
    let steps: Vec<Value> = way(cluster, meta);
    if !steps.is_empty() {
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
    }
    result
}

/// Where the tests fail, each place once.
fn related(cluster: &Cluster, meta: &Meta) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    let tests = cluster.failures.iter().filter_map(|failure| {
        let site = failure.failing.as_ref().or(failure.definition.as_ref())?;
        Some((site, failure.test.as_str()))
    });
    tests
        .filter(|(site, _)| seen.insert((site.path.as_str(), site.place.line)))
        .take(MAX_RELATED)
        .enumerate()
        .map(|(index, (site, test))| {
            let mut location = location(site, Some(&visible(test)), meta);
            location["id"] = (index + 1).into();
            location
        })
        .collect()
}

/// The project's frames of what was reported, outermost call first.
fn way(cluster: &Cluster, meta: &Meta) -> Vec<Value> {
    let Some(failure) = cluster.failures.first() else { return Vec::new() };
    let Some(last) = failure.frames.first().map(|frame| frame.exception) else { return Vec::new() };
    failure
        .frames
        .iter()
        .filter(|frame| frame.exception == last)
        .filter_map(|frame| {
            let site = frame.site.as_ref()?;
            let text = frame.source.as_ref().or(site.source.as_ref()).map(|s| visible(s.as_str()));
            Some(json!({ "location": location(site, text.as_deref(), meta) }))
        })
        .collect()
}

fn location(site: &Site, message: Option<&str>, meta: &Meta) -> Value {
    let mut region = json!({ "startLine": site.place.line.max(1) });
    if let Some((start, end)) = site.place.columns {
        region["startColumn"] = start.into();
        region["endLine"] = site.place.end_line.into();
        region["endColumn"] = end.into();
    } else if site.place.end_line > site.place.line {
        region["endLine"] = site.place.end_line.into();
    }
    let mut location =
        json!({ "physicalLocation": { "artifactLocation": artifact(site, meta), "region": region } });
    if let Some(function) = &site.function {
        location["logicalLocations"] =
            json!([{ "fullyQualifiedName": visible(function.as_str()), "kind": "function" }]);
    }
    if let Some(message) = message {
        location["message"] = json!({ "text": message });
    }
    location
}

fn artifact(site: &Site, meta: &Meta) -> Value {
    json!({ "uri": super::relative_uri(&format!("{}{}", meta.prefix, site.path)), "uriBaseId": "%SRCROOT%" })
}

fn fix(fix: &Fix, meta: &Meta) -> Option<Value> {
    if fix.kind != FixKind::Edit || fix.edits.is_empty() {
        return None;
    }
    let changes: Vec<Value> = fix
        .edits
        .iter()
        .map(|edit| {
            let place = &edit.site.place;
            let (start, end) = place.columns.unwrap_or((1, 1));
            json!({
                "artifactLocation": artifact(&edit.site, meta),
                "replacements": [{
                    "deletedRegion": { "startLine": place.line, "startColumn": start,
                                       "endLine": place.end_line, "endColumn": end },
                    "insertedContent": { "text": edit.shown.as_str() },
                }],
            })
        })
        .collect();
    Some(json!({
        "description": { "text": format!("{}{}", visible(fix.title.as_str()), human::verification(fix)) },
        "artifactChanges": changes,
    }))
}
