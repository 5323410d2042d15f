//! What the offline rules say about real failures of small programs (`fixtures/rules`), read from JUnit alone.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use failscope::analysis::{Options, analyze};
use failscope::ingest;
use failscope::model::{Analysis, Cluster};
use failscope::workspace::Workspace;

fn analysis(project: &str) -> Analysis {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules").join(project);
    let run = ingest::read_file(&root.join("results.xml"), &ingest::ReadOptions::default()).unwrap();
    analyze(run, &Workspace::new(root, Arc::default()), &Options::default())
}

fn cluster<'a>(analysis: &'a Analysis, test: &str) -> &'a Cluster {
    analysis
        .clusters
        .iter()
        .find(|cluster| cluster.failures[0].test_id.names().last() == Some(&test))
        .unwrap_or_else(|| panic!("{test} leads no cluster"))
}

/// (test, rule, part of the root cause, first culprit)
type Row = (&'static str, &'static str, &'static str, &'static str);

fn check(project: &str, rows: &[Row]) {
    let analysis = analysis(project);
    for (test, rule, cause, place) in rows {
        let cluster = cluster(&analysis, test);
        let diagnosis = &cluster.diagnosis;
        assert_eq!(diagnosis.source.to_string(), format!("rule:{rule}"), "{test}: {}", diagnosis.root_cause);
        assert!(diagnosis.root_cause.as_str().contains(cause), "{test}: {}", diagnosis.root_cause);
        let first = cluster.culprits.first().map(|c| format!("{}:{}", c.site.path, c.site.place.line));
        assert_eq!(first.as_deref(), Some(*place), "{test}: {}", diagnosis.root_cause);
        assert!(!diagnosis.evidence.is_empty() && !diagnosis.fix_suggestion.is_empty(), "{test}");
    }
}

#[test]
fn wrong_values_and_none() {
    check(
        "values",
        &[
            (
                "test_greeting",
                "none-used",
                "`find_user(ident)` calls `find_user`, which ends without a `return`",
                "src/shop/users.py:21",
            ),
            ("test_mail_host", "none-used", "finds no match", "src/shop/users.py:31"),
            (
                "test_port",
                "none-used",
                "the environment variable `\"SHOP_PORT\"` is not set",
                "src/shop/users.py:36",
            ),
            (
                "test_sorted",
                "none-used",
                "`names.sort()` changes its object in place",
                "src/shop/users.py:40",
            ),
            ("test_price", "none-used", "the key `sku` is missing", "src/shop/users.py:45"),
            (
                "test_discount",
                "none-used",
                "leaves out `rate`, whose default is `None`",
                "tests/test_users.py:22",
            ),
            ("test_shout", "none-used", "which ends without a `return`", "src/shop/users.py:57"),
            (
                "test_label",
                "none-used",
                "sets `address` to `None` until `move` is called",
                "src/shop/users.py:10",
            ),
            (
                "test_age",
                "raises-nothing",
                "the condition `age < 0` before the `raise` was not met",
                "src/shop/users.py:67",
            ),
            ("test_withdraw", "raises-another", "raises `KeyError: 'insufficient'`", "src/shop/users.py:74"),
            (
                "test_age_match",
                "raises-match",
                "`negative age` where the test expects a match",
                "src/shop/users.py:68",
            ),
            (
                "test_no_raise_inside",
                "raises-nothing",
                "contains no `raise` of `TypeError`",
                "src/shop/users.py:53",
            ),
            ("test_float", "assertion-float", "floating-point rounding only", "tests/test_users.py:47"),
            (
                "test_with_helper",
                "assertion-case",
                "differ in upper and lower case only",
                "src/shop/users.py:55",
            ),
        ],
    );
}

#[test]
fn the_world_outside_and_endless_code() {
    check(
        "outside",
        &[
            ("test_secret", "environment-variable", "`APP_SECRET_NAME` is not set", "src/app/io.py:5"),
            (
                "test_load_rel",
                "environment-file",
                "the file is at `tests/data/items.csv`",
                "tests/test_io.py:7",
            ),
            (
                "test_load_near",
                "environment-file",
                "the nearest name that exists is `tests/data/items.csv`",
                "tests/test_io.py:8",
            ),
            (
                "test_load_tmp",
                "environment-file",
                "nothing has written it into the test's temporary folder",
                "src/app/io.py:9",
            ),
            ("test_refused", "connection-refused", "was refused a connection", "src/app/io.py:14"),
            ("test_dns", "connection-name", "cannot be resolved", "src/app/io.py:14"),
            (
                "test_prog",
                "environment-program",
                "`definitely-not-a-program` is not installed",
                "src/app/io.py:18",
            ),
            ("test_mean", "arithmetic-division", "`values` is empty", "src/app/io.py:22"),
            (
                "test_pairs",
                "replayed",
                "off by one; with `for i in range(len(items) - 1):`",
                "src/app/io.py:27",
            ),
            ("test_total", "arithmetic-index", "runs one step too far", "src/app/io.py:34"),
            ("test_fact", "arithmetic-recursion", "has no case in which it does not", "src/app/io.py:40"),
            ("test_walk", "arithmetic-recursion", "with unchanged arguments", "src/app/io.py:46"),
            ("test_conf", "arithmetic-recursion", "a property that reads itself", "src/app/io.py:56"),
            (
                "test_mock",
                "mock-arguments",
                "`subject` = `'hi'` where `'hello'` is expected",
                "src/app/io.py:50",
            ),
            (
                "test_not_called",
                "mock-not-called",
                "which replaces `app.io.fetch`, was never called",
                "tests/test_io.py:26",
            ),
            ("test_wait", "timeout", "inside the loop `n > 0`", "src/app/io.py:60"),
            ("test_port", "environment-port", "is already in use", "tests/test_io.py:31"),
            ("test_decode", "encoding", "are in another encoding (byte 0xff)", "src/app/io.py:10"),
            ("test_perm", "environment-permission", "`/etc/shadow`", "tests/test_io.py:35"),
        ],
    );
}

#[test]
fn categories_come_from_the_exception() {
    let rows = [
        ("outside", "test_secret", "env_issue"),
        ("outside", "test_refused", "connection_error"),
        ("outside", "test_wait", "timeout"),
        ("outside", "test_perm", "permission_error"),
        ("outside", "test_decode", "data_issue"),
        ("values", "test_float", "assertion_failure"),
        ("values", "test_port", "env_issue"),
    ];
    for (project, test, category) in rows {
        assert_eq!(cluster(&analysis(project), test).diagnosis.category.name(), category, "{test}");
    }
}

#[test]
fn a_comparison_of_floats_is_mended_by_approx() {
    let analysis = analysis("values");
    let fix = &cluster(&analysis, "test_float").fixes[0];
    assert_eq!(fix.title.as_str(), "compare with pytest.approx(0.3) (tests/test_users.py:47)");
    assert_eq!(fix.edits.len(), 1, "pytest is imported already");
    assert_eq!(fix.edits[0].new_text, "pytest.approx(0.3)");
}
