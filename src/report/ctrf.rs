//! Common Test Report Format (<https://ctrf.io>): the tests that failed, each with its root cause under `extra`.
//! Tests that passed are counted, not listed: an analysis does not hold their names.

use serde_json::{Value, json};

use super::Meta;
use super::text::visible;
use crate::model::{Analysis, Cluster, FailureRecord, Phase};

/// The report as a JSON value.
pub fn report(analysis: &Analysis, meta: &Meta) -> Value {
    let run = &analysis.run;
    let counts = run.counts;
    let tests: Vec<Value> = analysis
        .clusters
        .iter()
        .flat_map(|cluster| cluster.failures.iter().map(move |failure| test(cluster, failure)))
        .collect();
    let failed = tests.len() as u64;
    let passed = counts.passed + counts.xpassed;
    let skipped = counts.skipped + counts.xfailed;
    let start = milliseconds(run.started.unwrap_or(meta.timestamp as f64));
    let stop = start + milliseconds(run.duration.unwrap_or(0.0));
    let mut tool = json!({ "name": "pytest" });
    if let Some(version) = &run.tools.pytest {
        tool["version"] = version.as_str().into();
    }
    json!({
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "timestamp": super::time::rfc3339(meta.timestamp as f64),
        "generatedBy": meta.generator,
        "results": {
            "tool": tool,
            "summary": {
                "tests": failed + passed + skipped,
                "passed": passed, "failed": failed, "skipped": skipped, "pending": 0, "other": 0,
                "start": start, "stop": stop,
            },
            "tests": tests,
        },
    })
}

fn test(cluster: &Cluster, failure: &FailureRecord) -> Value {
    let diagnosis = &cluster.diagnosis;
    let mut test = json!({
        "name": if failure.test.is_empty() { "(a test without a name)" } else { failure.test.as_str() },
        "status": "failed",
        "duration": milliseconds(failure.duration.unwrap_or(0.0)),
        "rawStatus": match failure.phase {
            Phase::Call => "failed",
            Phase::Collect => "error in collection",
            Phase::Setup => "error in setup",
            Phase::Teardown => "error in teardown",
        },
        "message": format!("{}: {}", failure.exception, failure.message),
        "trace": visible(failure.log.as_str()),
        "retries": failure.reruns,
        "extra": { "failscope": {
            "root_cause": diagnosis.root_cause.as_str(),
            "category": diagnosis.category.name(),
            "severity": diagnosis.severity.name(),
            "confidence": diagnosis.confidence,
            "fix_suggestion": diagnosis.fix_suggestion.as_str(),
            "fingerprint": cluster.fingerprint.0,
            "subtest": failure.subtest.as_ref().map(crate::model::Redacted::as_str),
        } },
    });
    // The format means the place of the test's definition.
    if let Some(site) = failure.definition.as_ref().or(failure.failing.as_ref()) {
        test["filePath"] = site.path.as_str().into();
        test["line"] = site.place.line.into();
    }
    test
}

/// Whole milliseconds, 0 for what is no time.
fn milliseconds(seconds: f64) -> u64 {
    if seconds.is_finite() && seconds > 0.0 { (seconds * 1000.0).round() as u64 } else { 0 }
}
