//! Which failures are the same failure: one run told by any format gives the same clusters, whatever the order
//! of its failures and wherever it was checked out.

#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "made for several test programs")]
#[path = "support/project.rs"]
mod project;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use failscope::analysis::{Options, analyze};
use failscope::ingest;
use failscope::model::{Analysis, Run};
use failscope::workspace::Workspace;
use proptest::prelude::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn read(version: &str, file: &str) -> Run {
    read_suite("kinds", version, file)
}

fn read_suite(suite: &str, version: &str, file: &str) -> Run {
    let path = fixtures().join("results").join(version).join(suite).join(file);
    ingest::read_file(&path, &ingest::ReadOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn analysis(run: Run) -> Analysis {
    analysis_of("kinds", run)
}

fn analysis_of(suite: &str, run: Run) -> Analysis {
    let workspace = Workspace::new(fixtures().join("suites").join(suite), Arc::default());
    analyze(run, &workspace, &Options::default())
}

/// The fingerprints of each (test, phase). Subtests, which formats name differently or leave out, are left out.
fn fingerprints(analysis: &Analysis) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for cluster in &analysis.clusters {
        for failure in &cluster.failures {
            if !failure.test_id.as_str().contains("subtests")
                && !failure.test_id.as_str().contains("many_discounts")
            {
                let key = (failure.test_id.as_str().to_owned(), format!("{:?}", failure.phase));
                found.entry(key).or_default().insert(cluster.fingerprint.0.clone());
            }
        }
    }
    found
}

#[test]
fn every_format_and_style_gives_the_same_clusters() {
    let rows: &[(&str, &[&str])] = &[
        ("pytest7", &["main.xml", "main.json-report.json", "xunit1.xml"]),
        ("pytest8", &["main.xml", "main.json-report.json", "xunit1.xml"]),
        (
            "pytest9",
            &[
                "main.xml",
                "main.json-report.json",
                "xunit1.xml",
                "legacy.xml",
                "short-junit.xml",
                "native-junit.xml",
                "native-junit.reportlog.jsonl",
                "xdist.xml",
                "main.console.txt",
                "short.console.txt",
                "native.console.txt",
                "locals.console.txt",
                "long.console.txt",
                "xdist.console.txt",
                "plugin.xml",
                "plugin.events.jsonl",
            ],
        ),
    ];
    for (version, files) in rows {
        let expected = fingerprints(&analysis(read(version, "main.reportlog.jsonl")));
        assert!(expected.len() > 100, "{version}: only {} failures", expected.len());
        for file in *files {
            let found = fingerprints(&analysis(read(version, file)));
            for (key, fingerprint) in &expected {
                assert_eq!(found.get(key), Some(fingerprint), "{version}/{file}: {key:?}");
            }
            assert_eq!(found.len(), expected.len(), "{version}/{file}");
        }
    }
}

#[test]
fn one_line_tracebacks_give_the_same_clusters_where_they_tell_the_place() {
    // A doctest; a unittest assertion, whose line is the library's; a chain; recursion; captured logs that name a
    // line of their own.
    let untold =
        ["guide.txt", "test_cents", "test_bad_json_from", "test_recursion", "test_captured_everywhere"];
    let expected = fingerprints(&analysis(read("pytest9", "main.reportlog.jsonl")));
    let found = fingerprints(&analysis(read("pytest9", "line.console.txt")));
    let mut equal = 0;
    for (key, fingerprint) in expected.iter().filter(|((_, phase), _)| phase == "Call") {
        if !untold.iter().any(|name| key.0.ends_with(name)) {
            assert_eq!(found.get(key), Some(fingerprint), "{key:?}");
            equal += 1;
        }
    }
    assert!(equal > 70, "{equal}");
}

/// The members of the cluster that holds `test`, as (test, phase).
fn members(analysis: &Analysis, test: &str) -> Vec<String> {
    let cluster = analysis
        .clusters
        .iter()
        .find(|cluster| cluster.failures.iter().any(|failure| failure.test_id.as_str() == test))
        .unwrap_or_else(|| panic!("{test} is in no cluster"));
    cluster.failures.iter().map(|failure| failure.test_id.as_str().to_owned()).collect()
}

#[test]
fn one_cause_is_one_cluster() {
    let analysis = analysis(read("pytest9", "main.xml"));
    let rows = [
        ("tests/unit/test_stock.py::test_reserve_within_capacity[5]", 20),
        ("tests/test_fixtures.py::test_query[q0]", 12),
        ("tests/unit/test_pricing.py::test_with_tax[third]", 2),
        ("tests/test_ids.py::test_value[a::b]", 11),
    ];
    for (test, expected) in rows {
        assert_eq!(members(&analysis, test).len(), expected, "{test}");
    }
}

#[test]
fn one_change_that_many_callers_meet_is_one_cluster() {
    let expected = analysis_of("callers", read_suite("callers", "pytest9", "main.xml"));
    let rows = [
        ("tests/test_attributes.py::test_list", 3),
        ("tests/test_attributes.py::test_list_of_stall", 1),
        ("tests/test_attributes.py::test_other_attribute", 1),
        ("tests/test_attributes.py::test_early_receipt", 1),
        ("tests/test_attributes.py::test_moved", 2),
        ("tests/test_attributes.py::test_class_method", 2),
        // Which of the two classes `Basket` it is given is not told by its source.
        ("tests/test_attributes.py::test_checkout", 1),
        ("tests/test_attributes.py::test_builtin", 1),
        ("tests/test_signatures.py::test_new", 3),
        ("tests/test_signatures.py::test_put", 2),
        ("tests/test_signatures.py::test_scale", 2),
        ("tests/test_signatures.py::test_no_scale", 1),
        ("tests/test_signatures.py::test_line", 2),
        ("tests/test_signatures.py::test_own_helper", 1),
    ];
    for (test, count) in rows {
        assert_eq!(members(&expected, test).len(), count, "{test}");
    }
    let expected = fingerprints(&expected);
    for file in [
        "main.reportlog.jsonl",
        "main.json-report.json",
        "main.console.txt",
        "short.console.txt",
        "native.console.txt",
        "plugin.events.jsonl",
    ] {
        let found = fingerprints(&analysis_of("callers", read_suite("callers", "pytest9", file)));
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn the_failure_of_a_test_with_failed_subtests_joins_them() {
    for file in ["main.xml", "main.reportlog.jsonl", "main.console.txt", "plugin.events.jsonl"] {
        let analysis = analysis(read("pytest9", file));
        let test = "tests/test_subtests.py::test_discounts";
        assert_eq!(members(&analysis, test), [test; 3], "{file}");
        let causes = analysis
            .clusters
            .iter()
            .filter(|cluster| cluster.failures.iter().any(|failure| failure.test_id.as_str() == test));
        assert_eq!(causes.count(), 1, "{file}");
        assert!(
            !analysis.clusters.iter().any(|c| c.diagnosis.source.to_string() == "rule:outcome-subtests"),
            "{file}"
        );
    }
}

#[test]
fn different_causes_are_different_clusters() {
    let analysis = analysis(read("pytest9", "main.xml"));
    // The same message out of two functions; two assertions of one file; call and teardown of one test.
    let rows = [
        (
            "tests/unit/test_stock.py::TestTake::test_take_too_many",
            "tests/unit/test_stock.py::TestTake::TestNested::test_reserve_nothing",
        ),
        ("tests/unit/test_asserts.py::test_less", "tests/unit/test_asserts.py::test_equal_numbers"),
        ("tests/unit/test_stock.py::test_capacity", "tests/unit/test_stock.py::test_error_is_raised"),
        (
            "tests/unit/test_pricing.py::PriceCase::test_bad_text",
            "tests/unit/test_pricing.py::BrokenSetUp::test_never_runs",
        ),
    ];
    for (one, other) in rows {
        assert!(!members(&analysis, one).contains(&other.to_owned()), "{one} and {other} were merged");
    }
    let twice = analysis.clusters.iter().filter(|c| {
        c.failures.iter().any(|f| f.test_id.as_str() == "tests/test_fixtures.py::test_call_and_teardown")
    });
    assert_eq!(twice.count(), 2);
}

#[test]
fn the_place_of_the_checkout_does_not_matter() {
    let here = fingerprints(&analysis(read("pytest9", "main.reportlog.jsonl")));
    let elsewhere = tempfile::tempdir().unwrap();
    let root = elsewhere.path().join("deep/er/kinds copy");
    project::copy(&fixtures().join("suites/kinds"), &root);
    let path = fixtures().join("results/pytest9/kinds/main.reportlog.jsonl");
    let text = std::fs::read_to_string(path).unwrap().replace("/home/dev/kinds", "/builds/x-7/kinds");
    let run = ingest::read(text.as_bytes(), "run", None, &ingest::ReadOptions::default()).unwrap();
    let workspace = Workspace::new(root, Arc::default());
    assert_eq!(fingerprints(&analyze(run, &workspace, &Options::default())), here);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_order_of_the_failures_does_not_matter(
        order in Just((0..read("pytest9", "main.xml").failures.len()).collect::<Vec<_>>()).prop_shuffle()
    ) {
        let run = read("pytest9", "main.xml");
        let expected = format!("{:?}", analysis(run.clone()));
        let mut shuffled = run.clone();
        shuffled.failures = order.iter().map(|&index| run.failures[index].clone()).collect();
        prop_assert!(format!("{:?}", analysis(shuffled)) == expected, "the analysis depends on the order");
    }
}
