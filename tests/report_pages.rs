//! Writes the pages that the browser tests in `tests/html/` open.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/sample.rs"]
mod sample;

use std::path::Path;

use failscope::report::{Editor, Meta, html};

#[test]
fn pages_for_the_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    for (n, log) in [(0, 0), (1, 2000), (35, 2000), (5000, 4000)] {
        let mut meta = Meta::new(1_795_350_100, "/home/dev/trips".into());
        meta.editor = (n == 35).then_some(Editor::Vscode);
        let page = html::render(&sample::analysis(n, log), &meta).unwrap();
        assert!(n > 100 || page.len() < 1_000_000, "{n} findings make {} bytes", page.len());
        std::fs::write(folder.join(format!("{n}.html")), page).unwrap();
    }
}
