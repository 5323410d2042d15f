#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use std::collections::BTreeSet;

pub(super) type Key = (String, String, Option<String>);
pub(super) fn fixtures() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/results")
}
pub(super) fn subtest(v: &serde_json::Value) -> Option<String> {
    let o = v.as_object()?;
    let mut parts = vec![];
    if let Some(m) = o["msg"].as_str() {
        parts.push(format!("[{m}]"));
    }
    let kw: Vec<String> =
        o["kwargs"].as_object().unwrap().iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap())).collect();
    if !kw.is_empty() {
        parts.push(format!("({})", kw.join(", ")));
    }
    if parts.is_empty() {
        parts.push("(<subtest>)".to_owned());
    }
    Some(parts.join(" "))
}
#[test]
fn dev() {
    for (v, s, r) in [
        (9, "ids", "main"), (9, "kinds", "main"), (9, "kinds", "short"), (9, "kinds", "long"), (9, "kinds", "line"), (9, "kinds", "native"), (9, "kinds", "no"),
        (9, "kinds", "quiet"), (9, "kinds", "qq"), (9, "kinds", "locals"), (9, "kinds", "color"), (9, "kinds", "color-short"), (9, "kinds", "xdist"), (9, "kinds", "xdist-quiet"), (9, "kinds", "no-summary"),
        (8, "kinds", "main"), (8, "kinds", "short"), (8, "kinds", "line"), (8, "kinds", "no"), (8, "kinds", "quiet"), (8, "kinds", "color"),
        (7, "kinds", "main"), (7, "kinds", "short"), (7, "kinds", "line"), (7, "kinds", "no"), (7, "kinds", "quiet"), (7, "kinds", "color"),
    ] {
        let dir = fixtures().join(format!("pytest{v}/{s}"));
        let truth: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(dir.join("truth.json")).unwrap()).unwrap();
        let truth: Vec<(Key, String)> = truth.as_array().unwrap().iter().map(|t| {
            ((t["id"].as_str().unwrap().to_owned(), t["phase"].as_str().unwrap().to_owned(), subtest(&t["subtest"])), t["exception"].as_str().unwrap_or("-").to_owned())
        }).collect();
        let bytes = std::fs::read(dir.join(format!("{r}.console.txt"))).unwrap();
        assert!(looks_like(&bytes[..bytes.len().min(8192)]));
        let run = read(&bytes[..], r, None, &ReadOptions::default()).unwrap();
        let key = |f: &Failure| (f.test.as_str().to_owned(), format!("{:?}", f.phase).to_lowercase(), f.subtest.clone());
        let got: BTreeSet<Key> = run.failures.iter().map(key).collect();
        let want: BTreeSet<Key> = truth.iter().map(|t| t.0.clone()).collect();
        println!("== {v} {s} {r}: {} failures of {}, {:?} {:?} {:?}", run.failures.len(), truth.len(), run.exit, run.counts, run.problems);
        for m in want.difference(&got) { println!("  MISSING {m:?}"); }
        for m in got.difference(&want) { println!("  EXTRA {m:?}"); }
        for f in &run.failures {
            let t = truth.iter().find(|t| t.0 == key(f));
            let p = crate::evidence::traceback::parse(&f.text);
            let ty = p.exceptions.last().map_or(String::new(), |e| e.type_name.clone());
            if let Some(t) = t && !ty.ends_with(&t.1) || ty.is_empty() {
                println!("  TYPE {:?} {ty} vs {:?} {:?}", key(f), t.map(|t| &t.1), f.detail);
            }
        }
    }
}
