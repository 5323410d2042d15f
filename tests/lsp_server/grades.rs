//! What the history says of a test, in the editor: grade, strip and verdict in lens and hover; a flaky failure's
//! diagnostic says so and weighs less.

use std::sync::Arc;

use failscope::engine::tools::Pipeline;
use serde_json::Value as Json;

use crate::client::{Client, Setup, whole};
use crate::suite::Suite;

const SOURCE: &str = "def test_flaky():\n    assert 1 == 2\n\n\ndef test_broken():\n    assert 'a' == 'b'\n\n\ndef test_ok():\n    pass\n";

/// The newest results: both fail, for causes of their own.
const RESULTS: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" timestamp="2026-03-02T12:00:00.000000+00:00">
<testcase classname="tests.test_a" name="test_flaky" time="0.01"><failure message="assert 1 == 2">def test_flaky():
&gt;       assert 1 == 2
E       assert 1 == 2

tests/test_a.py:2: AssertionError</failure></testcase>
<testcase classname="tests.test_a" name="test_broken" time="0.01"><failure message="AssertionError: assert 'a' == 'b'">def test_broken():
&gt;       assert 'a' == 'b'
E       AssertionError: assert 'a' == 'b'

tests/test_a.py:6: AssertionError</failure></testcase>
<testcase classname="tests.test_a" name="test_ok" time="0.01"/>
</testsuite></testsuites>"#;

#[tokio::test]
async fn a_flaky_failure_says_so_and_weighs_less() {
    let suite = Suite::new();
    for run in 0..20 {
        let flaky = if run % 6 == 2 { '-' } else { '+' };
        let tests = format!("{flaky}test_flaky -test_broken +test_ok");
        suite.junit(&format!("artifacts/{run}.xml"), run * 60, &tests);
    }
    assert_eq!(suite.run(&["history", "import", "artifacts/*.xml"], 0), "imported 20 runs\n");
    std::fs::remove_dir_all(suite.path("artifacts")).unwrap();
    let test = suite.path("tests/test_a.py");
    std::fs::create_dir_all(suite.path("tests")).unwrap();
    std::fs::write(&test, SOURCE).unwrap();
    std::fs::write(suite.path("results.xml"), RESULTS).unwrap();

    let mut client = Client::start(Setup::new(suite.folder.path(), Arc::new(Pipeline::default()))).await;
    client.analyze().await;
    client.open(&test, SOURCE).await;
    // What the history says may come after the findings: the last word counts.
    let at = |all: &[Json], line: u64| {
        all.iter()
            .find(|d| d["range"]["start"]["line"] == line)
            .unwrap_or_else(|| panic!("{line}: {all:#?}"))
            .clone()
    };
    let all = loop {
        let all = client.diagnostics(&test).await;
        if at(&all, 1)["message"].as_str().unwrap().contains("flaky") {
            break all;
        }
    };
    let (flaky, broken) = (at(&all, 1), at(&all, 5));
    let message = flaky["message"].as_str().unwrap();
    assert!(message.contains("\nflaky: failed in 4 of the last 20 runs"), "{message}");
    assert!(!broken["message"].as_str().unwrap().contains("flaky"), "{broken}");
    assert_eq!(broken["severity"], 1);
    assert_eq!(flaky["severity"], 2);

    let lenses = client.request("textDocument/codeLens", whole(&test)).await.unwrap();
    let title = |line: u64| {
        let lens = lenses.as_array().unwrap().iter().find(|lens| lens["range"]["start"]["line"] == line);
        lens.unwrap()["command"]["title"].as_str().unwrap().to_owned()
    };
    assert!(title(0).contains('✗') && title(0).contains('✓') && title(0).contains("Flaky"), "{}", title(0));
    assert!(title(4).contains("F ✗✗✗✗✗✗✗✗✗✗ Broken"), "{}", title(4));
    assert!(title(8).starts_with("✓ passed · A ✓✓✓"), "{}", title(8));

    let hover = client.hover(&test, 1, 6).await.to_string();
    assert!(hover.contains("History:") && hover.contains("grade") && hover.contains("Flaky"), "{hover}");
    let hover = client.hover(&test, 5, 6).await.to_string();
    assert!(hover.contains("grade F, Broken"), "{hover}");

    let findings = client.execute("failscope.findings", serde_json::json!({})).await.unwrap();
    let of = |test: &str| -> &Json {
        let all = findings[0]["report"]["analyses"].as_array().unwrap();
        let finding = all.iter().find(|finding| finding["affected_tests"][0] == test);
        &finding.unwrap_or_else(|| panic!("{test}: {findings:#}"))["stability"]
    };
    assert_eq!(of("tests/test_a.py::test_flaky")["verdict"], "Flaky");
    assert_eq!(of("tests/test_a.py::test_broken")["grade"], "F");
    client.discard();
    client.close().await;
}
