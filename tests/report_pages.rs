//! Writes the pages that the browser tests in `tests/html/` open, and what the schemas there are held against.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/nasty.rs"]
mod nasty;
#[path = "support/sample.rs"]
mod sample;

use std::path::Path;

use failscope::report::{Editor, Meta, ctrf, document, html, sarif};
use nasty::{PLACES, nasty};
use proptest::collection::vec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

/// Analyses with arbitrary texts that are held against the schemas.
const ARBITRARY: usize = 100;
/// Most bytes of a page beside its findings.
const MAX_FRAME: usize = 300 << 10;

#[test]
fn pages_for_the_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    for (n, log) in [(0, 0), (1, 2000), (35, 2000), (5000, 4000)] {
        let mut meta = Meta::new(1_795_350_100, "/home/dev/trips".into());
        meta.editor = (n == 35).then_some(Editor::Vscode);
        let analysis = sample::analysis(n, log);
        if n <= 35 {
            let sarif = serde_json::to_vec(&sarif::log(&analysis, &meta)).unwrap();
            std::fs::write(folder.join(format!("{n}.sarif")), sarif).unwrap();
            let ctrf = serde_json::to_vec(&ctrf::report(&analysis, &meta)).unwrap();
            std::fs::write(folder.join(format!("{n}.ctrf.json")), ctrf).unwrap();
            let json = document::Document::new(&analysis, &meta).to_json().unwrap();
            std::fs::write(folder.join(format!("{n}.json")), json).unwrap();
        }
        let page = html::render(&analysis, &meta).unwrap();
        // The JSON report holds the same data, less the markup around them.
        let json = document::Document::new(&analysis, &meta).to_json().unwrap();
        let logs: usize = analysis.clusters.iter().map(|c| c.failures[0].log.as_str().len()).sum();
        let data = if n == 0 { 0 } else { 2 * (json.len() + logs) };
        assert!(page.len() < MAX_FRAME + data, "{n} findings make {} bytes of {data}", page.len());
        std::fs::write(folder.join(format!("{n}.html")), page).unwrap();
    }
}

/// One document a line, each of an analysis with other texts.
#[test]
fn documents_of_arbitrary_texts() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    let meta = Meta::new(1_795_350_100, "/home/dev/trips".into());
    let mut runner = TestRunner::deterministic();
    let (mut logs, mut reports) = (String::new(), String::new());
    for _ in 0..ARBITRARY {
        let texts = vec(nasty(), PLACES).new_tree(&mut runner).unwrap().current();
        let analysis = nasty::analysis(&texts, false);
        logs.push_str(&format!("{}\n", sarif::log(&analysis, &meta)));
        reports.push_str(&format!("{}\n", ctrf::report(&analysis, &meta)));
    }
    std::fs::write(folder.join("arbitrary.sarif.jsonl"), logs).unwrap();
    std::fs::write(folder.join("arbitrary.ctrf.jsonl"), reports).unwrap();
}
