#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::*;
use crate::evidence::traceback;
use crate::model::{Detail, Exit, FailureKind};

/// Test id, phase, subtest.
type Key = (String, Phase, Option<String>);

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/results").join(path)).unwrap()
}

fn run_of(bytes: &[u8]) -> Run {
    read(bytes, "log", None, &ReadOptions::default()).unwrap()
}

fn key(failure: &Failure) -> Key {
    (failure.test.as_str().to_owned(), failure.phase, failure.subtest.clone())
}

/// What really failed, with the exception's type.
fn truth(suite: &str) -> BTreeMap<Key, String> {
    let rows: Vec<serde_json::Value> =
        serde_json::from_slice(&fixture(&format!("{suite}/truth.json"))).unwrap();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    rows.iter()
        .map(|row| {
            let phase: Phase = serde_json::from_value(row["phase"].clone()).unwrap();
            (
                (text(&row["id"]).unwrap(), phase, described(&row["subtest"])),
                text(&row["exception"]).unwrap_or_default(),
            )
        })
        .collect()
}

/// A subtest as pytest prints it: `[msg] (i=1)`, `(<subtest>)` if it has neither.
fn described(subtest: &serde_json::Value) -> Option<String> {
    let subtest = subtest.as_object()?;
    let message = subtest["msg"].as_str().map(|message| format!("[{message}]"));
    let values = subtest["kwargs"].as_object().unwrap();
    let values: Vec<String> =
        values.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
    let values = (!values.is_empty()).then(|| format!("({})", values.join(", ")));
    let parts: Vec<String> = message.into_iter().chain(values).collect();
    Some(if parts.is_empty() { "(<subtest>)".to_owned() } else { parts.join(" ") })
}

/// The type a failure's text or headline gives.
fn exception(failure: &Failure) -> Option<String> {
    let parsed = traceback::parse(&failure.text).exceptions.pop();
    parsed
        .or_else(|| traceback::parse_headline(&failure.headline))
        .map(|exception| exception.short_type().to_owned())
}

/// Collection errors are raised anew by pytest; what is printed is their cause.
const WRAPPERS: [&str; 2] = ["CollectError", "ConftestImportFailure"];

#[test]
fn every_failure_of_every_style_is_found() {
    let every = ["main", "short", "line", "no", "quiet", "color"];
    let newest = ["long", "native", "qq", "locals", "color-short", "xdist", "xdist-quiet"];
    let rows = every
        .iter()
        .flat_map(|run| [("pytest7/kinds", *run), ("pytest8/kinds", *run), ("pytest9/kinds", *run)])
        .chain(newest.iter().map(|run| ("pytest9/kinds", *run)))
        .chain([("pytest9/ids", "main"), ("pytest9/ids", "xunit1")]);
    for (suite, name) in rows {
        let truth = truth(suite);
        let bytes = fixture(&format!("{suite}/{name}.console.txt"));
        assert!(looks_like(&bytes[..bytes.len().min(4096)]), "{suite} {name}");
        let run = run_of(&bytes);
        let found: BTreeSet<Key> = run.failures.iter().map(key).collect();
        assert_eq!(found, truth.keys().cloned().collect(), "{suite} {name}");
        assert_eq!(run.problems, [], "{suite} {name}");
        assert_eq!(run.exit, if name == "qq" { Exit::Unknown } else { Exit::Code(1) }, "{suite} {name}");
        for failure in &run.failures {
            let expected = &truth[&key(failure)];
            let comparable = !expected.is_empty() && !WRAPPERS.contains(&&**expected);
            let got = exception(failure);
            if name == "no" {
                assert!(failure.detail <= Detail::Message);
                assert!(
                    !comparable || got.as_ref().is_none_or(|got| got == expected),
                    "{suite} {name}: {failure:?}"
                );
                continue;
            }
            let kind = match failure.text.starts_with("[XPASS(strict)]") {
                true => FailureKind::StrictXpass,
                false => FailureKind::Exception,
            };
            // `--tb=line` shows of a doctest some of its lines only, and of plain messages nothing.
            let told = name != "line" || failure.detail == Detail::Traceback;
            if told && comparable && kind == FailureKind::Exception {
                assert_eq!(got.as_ref(), Some(expected), "{suite} {name}: {failure:?}");
            }
            if told {
                assert_eq!(failure.kind, kind, "{suite} {name}: {failure:?}");
            }
        }
    }
}
