//! Writes the pages that the browser tests in `tests/html/` open, and what the schemas there are held against.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/sample.rs"]
mod sample;

use std::path::Path;

use failscope::report::{Editor, Meta, ctrf, document, html, sarif};

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
        assert!(n > 100 || page.len() < 1_000_000, "{n} findings make {} bytes", page.len());
        std::fs::write(folder.join(format!("{n}.html")), page).unwrap();
    }
}
