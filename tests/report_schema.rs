//! `rca_report.json` and its published schema fit each other: every document is valid, and the schema describes
//! nothing that is not written.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/sample.rs"]
mod sample;

use std::collections::BTreeSet;

use failscope::model::Analysis;
use failscope::report::Meta;
use failscope::report::document::{Document, SCHEMA, SCHEMA_VERSION};
use serde_json::Value;

fn document(analysis: &Analysis) -> Value {
    let meta = Meta::new(1_795_350_100, "/home/dev/trips".into());
    serde_json::from_slice(&Document::new(analysis, &meta).to_json().unwrap()).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

#[test]
fn documents_are_valid() {
    jsonschema::meta::validate(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut strange = sample::analysis(3, 0);
    strange.run.duration = Some(f64::NAN);
    strange.clusters[0].diagnosis.confidence = f64::INFINITY;
    strange.clusters[1].culprits.clear();
    strange.clusters[2].failures.clear();
    for analysis in [Analysis::default(), sample::analysis(1, 0), sample::analysis(100, 100), strange] {
        let document = document(&analysis);
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_not_a_report() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let good = document(&sample::analysis(2, 0));
    let check = |change: &dyn Fn(&mut Value)| {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(!validator.is_valid(&bad), "{bad:.200}");
    };
    check(&|d| d["schema_version"] = 2.into());
    check(&|d| d["new_field"] = 1.into());
    check(&|d| d["analyses"][0]["confidence"] = 1.5.into());
    check(&|d| d["analyses"][0]["category"] = "assert".into());
    check(&|d| d["analyses"][0]["affected_line"] = "12".into());
    check(&|d| drop(d["analyses"][0].as_object_mut().unwrap().remove("evidence")));
}

#[test]
fn the_schema_describes_what_is_written_and_no_more() {
    let mut written = BTreeSet::new();
    names(&document(&sample::analysis(100, 0)), &mut written);
    let mut described = BTreeSet::new();
    properties(&schema(), &mut described);
    // The kinds of secrets are names too, but not of the document's making.
    written.remove("api_key");
    written.remove("password");
    assert_eq!(written, described);
    assert_eq!(schema()["properties"]["schema_version"]["const"], SCHEMA_VERSION);
}

#[test]
fn the_documented_fields_keep_their_names_and_types() {
    let document = document(&sample::analysis(1, 0));
    let finding = &document["analyses"][0];
    assert!(finding["root_cause"].is_string());
    assert!(finding["category"].is_string());
    assert!(finding["severity"].is_string());
    assert!(finding["fix_suggestion"].is_string());
    assert!(finding["confidence"].is_f64());
    assert!(finding["was_critic_override"].is_boolean());
    assert!(finding["affected_tests"][0].is_string());
    assert_eq!(finding["occurrence_count"], 21);
    assert_eq!(document["total_failures"], 21);
    assert_eq!(document["unique_root_causes"], 1);
    assert_eq!(finding["affected_file"], "src/trips/route_0.py");
}

/// All names of objects in `value`.
fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            into.insert(name.clone());
            names(value, into);
        }),
        Value::Array(items) => items.iter().for_each(|item| names(item, into)),
        _ => {}
    }
}

/// All names that stand under `properties` in a schema.
fn properties(schema: &Value, into: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (name, value) in map {
                if name == "properties" {
                    into.extend(value.as_object().unwrap().keys().cloned());
                    value.as_object().unwrap().values().for_each(|v| properties(v, into));
                } else {
                    properties(value, into);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, into)),
        _ => {}
    }
}
