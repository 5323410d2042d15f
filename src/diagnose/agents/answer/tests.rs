#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

fn good() -> Json {
    json!({
        "root_cause": "`total` forgets the tax",
        "category": "assertion_failure",
        "severity": "high",
        "confidence": 0.8,
        "affected_file": "shop/cart.py",
        "affected_line": 12,
        "affected_function": "Cart.total",
        "fix_suggestion": "Add the tax.",
        "evidence": [{ "id": "E1", "quote": "assert 100 == 119" }],
        "edits": [{ "file": "shop/cart.py", "search": "return net", "replace": "return net + tax" }],
        "missing": "",
    })
}

fn expected() -> Answer {
    Answer {
        root_cause: "`total` forgets the tax".to_owned(),
        category: Some(Category::AssertionFailure),
        severity: Some(Severity::High),
        confidence: Some(0.8),
        suggestion: "Add the tax.".to_owned(),
        file: Some("shop/cart.py".to_owned()),
        line: Some(12),
        function: Some("Cart.total".to_owned()),
        evidence: vec![Citation { id: Some("E1".to_owned()), quote: "assert 100 == 119".to_owned() }],
        edits: vec![Replacement {
            file: "shop/cart.py".to_owned(),
            search: "return net".to_owned(),
            replace: "return net + tax".to_owned(),
        }],
        missing: String::new(),
        oddities: Vec::new(),
    }
}

#[test]
fn what_was_asked_for_is_read() {
    assert_eq!(read(&good().to_string()), Some(expected()));
    let wrapped = json!({ "analysis": { "result": good() }, "was_override": true });
    assert_eq!(read(&format!("Here you are:\n```json\n{wrapped:#}\n```")), Some(expected()));
    assert_eq!(read(&json!([good()]).to_string()), Some(expected()));
    // The template first, then the answer.
    let template = json!({ "root_cause": "...", "category": "a|b" });
    assert_eq!(read(&format!("{template}\n{}", good())), Some(expected()));
}

fn strict(schema: &Json) {
    if schema["type"] == "object" {
        let mut required: Vec<&str> =
            schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        required.sort_unstable();
        let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(required, names);
        assert_eq!(schema["additionalProperties"], json!(false));
        schema["properties"].as_object().unwrap().values().for_each(strict);
    }
    if schema["type"] == "array" {
        strict(&schema["items"]);
    }
}

#[test]
fn the_schema_is_strict_and_fits_what_is_read() {
    let schema: Json = serde_json::from_str(&schema().json.to_string()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&good()));
    strict(&schema);
    for name in schema["properties"].as_object().unwrap().keys() {
        assert!(field(name).is_some(), "{name}");
    }
}

#[test]
fn one_odd_field_leaves_the_others() {
    let odd = [
        json!(null),
        json!([]),
        json!({}),
        json!(true),
        json!(-1),
        json!(1e300),
        json!("…"),
        json!(["x", 7]),
        json!({ "a": { "b": [] } }),
        json!("a|b|c"),
        json!("NaN"),
        json!(""),
    ];
    let names: Vec<String> = good().as_object().unwrap().keys().cloned().collect();
    for name in &names {
        for value in &odd {
            let mut answer = good();
            answer[name] = value.clone();
            let Some(read) = read(&answer.to_string()) else {
                assert_eq!(name, "root_cause", "{value}");
                continue;
            };
            let whole = expected();
            let kept = [
                name == "root_cause" || read.root_cause == whole.root_cause,
                name == "category" || read.category == whole.category,
                name == "severity" || read.severity == whole.severity,
                name == "confidence" || read.confidence == whole.confidence,
                name == "affected_file" || read.file == whole.file,
                name == "affected_line" || read.line == whole.line,
                name == "affected_function" || read.function == whole.function,
                name == "fix_suggestion" || read.suggestion == whole.suggestion,
                name == "evidence" || read.evidence == whole.evidence,
                name == "edits" || read.edits == whole.edits,
            ];
            assert!(kept.iter().all(|kept| *kept), "{name} = {value}: {read:?}");
        }
    }
}

#[test]
fn fields_in_other_words() {
    let check = |name: &str, value: Json, same: &dyn Fn(&Answer) -> bool| {
        let mut answer = json!({ "root_cause": "x" });
        answer[name] = value;
        let read = read(&answer.to_string()).unwrap();
        assert!(same(&read), "{answer}: {read:?}");
    };
    for (value, share) in [
        (json!(87), Some(0.87)),
        (json!("87%"), Some(0.87)),
        (json!("0.87"), Some(0.87)),
        (json!("0,5"), Some(0.5)),
        (json!("9/10"), Some(0.9)),
        (json!("4 out of 5"), Some(0.8)),
        (json!("High"), Some(0.8)),
        (json!(1.0), Some(1.0)),
        (json!(["0.4"]), Some(0.4)),
        (json!("90 percent"), Some(0.9)),
        (json!("1.0 (certain)"), Some(1.0)),
        (json!(7), None),
        (json!(-0.2), None),
        (json!(101), None),
        (json!("NaN"), None),
        (json!("very"), None),
        (json!(true), None),
    ] {
        check("confidence", value, &|a| {
            a.confidence.map(|c| (c * 1000.0).round()) == share.map(|c| (c * 1000.0_f64).round())
        });
    }
    for (value, category) in [
        (json!("Assertion Failure"), Some(Category::AssertionFailure)),
        (json!("DATA_ISSUE"), Some(Category::DataIssue)),
        (json!("AssertionError"), Some(Category::AssertionFailure)),
        (json!("Category: timeout (slow)"), Some(Category::Timeout)),
        (json!("assertion_failure|timeout|connection_error"), None),
        (json!("banana"), None),
        (json!(["import_error"]), Some(Category::ImportError)),
        (json!("environment"), Some(Category::EnvIssue)),
    ] {
        check("category", value, &|a| a.category == category);
    }
    for (value, severity) in [
        (json!("HIGH"), Some(Severity::High)),
        (json!("Severity: critical!"), Some(Severity::Critical)),
        (json!("low|medium|high|critical"), None),
        (json!("catastrophic"), None),
        (json!("moderate"), Some(Severity::Medium)),
        (json!("highly"), None),
    ] {
        check("severity", value, &|a| a.severity == severity);
    }
    for (value, line) in [
        (json!("57"), Some(57)),
        (json!("line 57"), Some(57)),
        (json!("57-60"), Some(57)),
        (json!([57, 60]), Some(57)),
        (json!(57.0), Some(57)),
        (json!(0), None),
        (json!(-3), None),
        (json!("-3"), None),
        (json!("none"), None),
    ] {
        check("affected_line", value, &|a| a.line == line);
    }
    for (value, file, line) in [
        (json!("src/a.py:57"), "src/a.py", Some(57)),
        (json!("`src/a.py`"), "src/a.py", None),
        (json!("src/a.py, line 9"), "src/a.py", Some(9)),
        (json!(["src/a.py", "b.py"]), "src/a.py", None),
    ] {
        check("file", value, &|a| a.file.as_deref() == Some(file) && a.line == line);
    }
    let cited =
        |id: Option<&str>, quote: &str| Citation { id: id.map(str::to_owned), quote: quote.to_owned() };
    for (value, expected) in [
        (json!("[E2] x == 1"), vec![cited(Some("E2"), "x == 1")]),
        (json!("- E2: x\n- E10 – y"), vec![cited(Some("E2"), "x"), cited(Some("E10"), "y")]),
        (json!(["E1", 2, "plain"]), vec![cited(Some("E1"), ""), cited(Some("E2"), ""), cited(None, "plain")]),
        (json!({ "E3": "z" }), vec![cited(Some("E3"), "z")]),
        (json!([{ "source": "E4", "text": "q" }]), vec![cited(Some("E4"), "q")]),
        (json!("E2E tests fail"), vec![cited(None, "E2E tests fail")]),
    ] {
        check("evidence", value, &|a| a.evidence == expected);
    }
    check("fix", json!({ "description": "do it", "file": "a.py", "search": "x", "replace": "y" }), &|a| {
        a.suggestion == "do it" && a.edits.len() == 1
    });
    check("Fix Suggestion", json!(["Do this.", "Then that."]), &|a| a.suggestion == "Do this. Then that.");
    check("edits", json!([{ "path": "a.py", "old": ["x", "y"], "new": "z" }]), &|a| {
        a.edits[0].search == "x\ny" && a.edits[0].replace == "z"
    });
}

#[test]
fn of_a_field_that_occurs_twice_what_says_something_counts() {
    for text in [
        r#"{"root_cause": "`total` forgets the tax", "root_cause": ""}"#,
        r#"{"root_cause": null, "root_cause": "`total` forgets the tax"}"#,
        // Not quite JSON.
        r#"{"root_cause": "`total` forgets the tax", "root_cause": "", }"#,
    ] {
        assert_eq!(read(text).unwrap().root_cause, "`total` forgets the tax", "{text}");
    }
}

#[test]
fn prose_with_labels_is_read() {
    let markdown = "## Analysis\n\n**Root Cause:** `total` forgets the tax\n**Category**: assertion_failure\n\
                    - Severity: High\n- Confidence: 80%\n**Evidence:**\n- E1: assert 100 == 119\n";
    let read = read(markdown).unwrap();
    assert_eq!(read.root_cause, "`total` forgets the tax");
    assert_eq!((read.category, read.severity), (Some(Category::AssertionFailure), Some(Severity::High)));
    assert_eq!(read.confidence, Some(0.8));
    assert_eq!(read.evidence[0].id.as_deref(), Some("E1"));
}

#[test]
fn what_says_nothing_is_no_answer() {
    for text in [
        "",
        "I'm sorry, I can't help.",
        "{}",
        "{\"category\": \"timeout\"}",
        "{\"root_cause\": null}",
        "null",
        "[1,2,3]",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
        let _ = read(&text);
    }

    #[test]
    fn a_cut_answer_keeps_its_cause(part in 0.0..1.0f64) {
        let text = "{\"root_cause\":\"`total` forgets the tax\",".to_owned() + &good().to_string()[1..];
        let start = text.find("tax\",").unwrap() + 5;
        let end = start + ((text.len() - start) as f64 * part) as usize;
        prop_assert_eq!(read(&text[..end]).unwrap().root_cause, expected().root_cause);
    }
}
