//! From runs to grades, by the program.

use crate::suite::Suite;

/// Imports runs in which the tests named by letters ended as the strings say, one character a run.
fn imported(tests: &[(&str, &str)]) -> Suite {
    let suite = Suite::new();
    let runs = tests.iter().map(|(_, ends)| ends.len()).max().unwrap();
    for run in 0..runs {
        let mut line = String::new();
        for (name, ends) in tests {
            if let Some(end) = ends.chars().nth(run) {
                let sign = match end {
                    'P' => '+',
                    'F' => '-',
                    'S' => 's',
                    _ => 'x',
                };
                line.push_str(&format!("{sign}{name} "));
            }
        }
        suite.junit(&format!("old/{run:03}.xml"), run as u32 * 60, &line);
    }
    suite.run(&["history", "import", "old"], 0);
    suite
}

#[test]
fn grades_verdicts_and_numbers() {
    let suite = imported(&[
        ("always", "PPPPPPPPPPPPPPPPPPPP"),
        ("never", "FFFFFFFFFFFFFFFFFFFF"),
        ("flaky", "PFPPPPFPPFPPPPFPPFPP"),
        ("broke", "PPPPPPPPPPPPPPFFFFFF"),
        ("skipped", "SSSSSSSSSSSSSSSSSSSS"),
        ("expected", "XXXXXXXXXXXXXXXXXXXX"),
        ("young", "PPPP"),
    ]);
    let report = suite.stability();
    let schema: serde_json::Value = serde_json::from_str(failscope::report::stability::SCHEMA).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    let check = |name: &str, grade: &str, verdict: &str, rate: Option<&str>| {
        let tests = report["tests"].as_array().unwrap();
        let id = format!("tests/test_a.py::{name}");
        let test = tests.iter().find(|test| test["test_name"] == id.as_str()).unwrap();
        assert_eq!(
            (test["grade"].as_str(), test["verdict"].as_str(), test["pass_rate"].as_str()),
            (Some(grade), Some(verdict), rate),
            "{test}"
        );
    };
    check("always", "A", "Stable", Some("100.0%"));
    check("never", "F", "Broken", Some("0.0%"));
    check("flaky", "C", "Flaky", Some("75.0%"));
    check("broke", "C", "Broken", Some("70.0%"));
    check("skipped", "UNGRADED", "Skipped", None);
    check("expected", "UNGRADED", "Expected Failure", None);
    check("young", "UNGRADED", "Unknown", Some("100.0%"));
    assert_eq!(report["summary"]["flaky_tests"], serde_json::json!(["tests/test_a.py::flaky"]));
    assert_eq!(report["summary"]["total_tests"], 7);
    assert_eq!(report["summary"]["grades"]["UNGRADED"], 3);
    let shown = suite.run(&["history"], 0);
    assert!(shown.contains("7 tests: A 1 · C 2 · F 1 · ungraded 3"), "{shown}");
    // Of few runs an interval is shown, of many the number as well.
    let young = suite.run(&["history", "young"], 0);
    assert!(
        young.contains(", passes in 56 to 100 % of runs, likely") && !young.contains("100.0 %"),
        "{young}"
    );
    assert!(young.contains("flakiness 0 of 100, trend"), "{young}");
    let flaky = suite.run(&["history", "::flaky"], 0);
    assert!(flaky.contains("passes in 75.0 % (likely between 54 % and 90 %)"), "{flaky}");
}

#[test]
fn slow_tests_are_named() {
    // Seconds of five tests: long by themselves, or beside the others of the suite.
    let check = |seconds: &[f64], expected: &[&str]| {
        let suite = Suite::new();
        let case = |(at, time): (usize, &f64)| {
            format!("<testcase classname=\"tests.test_a\" name=\"t{at}\" time=\"{time}\"/>")
        };
        let cases = seconds.iter().enumerate().map(case).collect::<Vec<String>>().concat();
        let text = format!(
            "<testsuites><testsuite name=\"pytest\" time=\"99\" timestamp=\"2026-03-01T00:00:00.000000+00:00\">{cases}</testsuite></testsuites>"
        );
        std::fs::write(suite.path("junit.xml"), text).unwrap();
        suite.run(&["analyze", "junit.xml"], 0);
        let expected: Vec<String> = expected.iter().map(|name| format!("tests/test_a.py::{name}")).collect();
        assert_eq!(suite.stability()["summary"]["slow_tests"], serde_json::json!(expected), "{seconds:?}");
        for name in expected {
            assert_eq!(suite.test(&name)["slow"], true);
            assert!(suite.run(&["history"], 0).contains(&name));
        }
    };
    check(&[0.01, 0.01, 0.02, 0.9, 0.01], &[]);
    check(&[0.01, 0.01, 0.02, 1.2, 0.01], &["t3"]);
    check(&[1.1, 1.2, 1.3, 3.0, 1.2], &[]);
    check(&[1.1, 4.0, 1.3, 9.0, 1.2], &["t3", "t1"]);
    check(&[11.0, 12.0, 13.0, 11.5, 11.0], &["t2", "t1", "t3", "t0", "t4"]);
}

#[test]
fn the_report_of_a_run_shows_what_is_known_of_its_tests() {
    let suite = imported(&[("flaky", "PFPPPPFPPPPPPPFPPPPP"), ("fine", "PPPPPPPPPPPPPPPPPPPP")]);
    suite.junit("junit.xml", 3000, "-flaky +fine");
    suite.run(&["analyze", "junit.xml", "--report"], 1);
    let read = |name: &str| std::fs::read_to_string(suite.path(name)).unwrap();
    let report: serde_json::Value = serde_json::from_str(&read(".failscope/rca_report.json")).unwrap();
    let stability = &report["analyses"][0]["stability"];
    assert_eq!((stability["verdict"].as_str(), stability["grade"].as_str()), (Some("Flaky"), Some("B")));
    let page = read(".failscope/rca_report.html");
    assert!(
        page.contains("Tests by grade") && !page.contains("tests are graded from"),
        "two tests have a grade"
    );
    assert!(page.contains("Pass rate over runs") && page.contains("data-state=\"flaky\""));
    assert!(read(".failscope/stability_report.json").contains("tests/test_a.py::flaky"));
}

#[test]
fn before_there_are_grades_the_page_says_when_there_will_be() {
    let suite = Suite::new();
    suite.junit("junit.xml", 1, "+a -b x_c");
    suite.run(&["analyze", "junit.xml"], 1);
    let page = std::fs::read_to_string(suite.path(".failscope/rca_report.html")).unwrap();
    assert!(page.contains("tests are graded from their 5th run on") && !page.contains("Tests by grade"));
    assert!(page.contains("<strong>1</strong> expected failure<"), "one of them is no plural");
}

/// Runs pytest itself: a test that another one breaks, alone and in the suite.
#[test]
fn dependence_on_the_order_is_named() {
    let python = crate::python::python();
    let suite = Suite::new();
    let settings = format!("[tool.failscope]\npython = '{python}'\n");
    std::fs::write(suite.path("pyproject.toml"), settings).unwrap();
    let code =
        "seen = []\n\ndef test_first():\n    seen.append(1)\n\ndef test_second():\n    assert seen == []\n";
    std::fs::write(suite.path("test_order.py"), code).unwrap();
    let run = |args: &[&str], code: i32| {
        let output = suite.failscope(&[&["run", "-p", "no:cacheprovider"], args].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&[], 1);
    assert_eq!(suite.test("test_order.py::test_second")["verdict"], "Unknown");
    run(&["test_order.py::test_second"], 0);
    let test = suite.test("test_order.py::test_second");
    assert_eq!(test["verdict"], "Order Dependent", "{test}");
    assert!(test["explanation"].as_str().unwrap().contains("passes alone"), "{test}");
    assert_eq!(suite.test("test_order.py::test_first")["verdict"], "Unknown");
    // Once the code has changed, what was seen before says nothing.
    std::fs::write(suite.path("test_order.py"), code.replace("== []", "== [1]")).unwrap();
    run(&[], 0);
    assert_ne!(suite.test("test_order.py::test_second")["verdict"], "Order Dependent");
}
