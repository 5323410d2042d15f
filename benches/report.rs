//! What each report costs by itself: 5,000 failures of 4 KB, analysed once, then written in each format.
//! `cargo bench --bench report`. Milliseconds, the least of ten.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

#[path = "../tests/support/sample.rs"]
mod sample;

use std::hint::black_box;
use std::time::Instant;

use failscope::report::document::Document;
use failscope::report::{Meta, ctrf, github, html, human, markdown, sarif};

/// What prints one format, and gives how many bytes that made.
type Print<'a> = Box<dyn Fn() -> usize + 'a>;

fn main() {
    let analysis = sample::analysis(5_000, 4_000);
    let meta = Meta::new(1_795_350_100, "/home/dev/trips".into());
    let layout = || human::Layout { width: 100, link_root: None, full: true };
    let formats: Vec<(&str, Print<'_>)> = vec![
        ("JSON", Box::new(|| Document::new(&analysis, &meta).to_json().unwrap().len())),
        ("HTML", Box::new(|| html::render(&analysis, &meta).unwrap().len())),
        ("Markdown", Box::new(|| markdown::render(&analysis, &meta).len())),
        ("SARIF", Box::new(|| serde_json::to_vec(&sarif::log(&analysis, &meta)).unwrap().len())),
        ("CTRF", Box::new(|| serde_json::to_vec(&ctrf::report(&analysis, &meta)).unwrap().len())),
        (
            "annotations",
            Box::new(|| {
                let mut out = Vec::new();
                github::write(&mut out, &analysis, &meta).unwrap();
                out.len()
            }),
        ),
        (
            "terminal, in full",
            Box::new(|| {
                let mut out = Vec::new();
                human::write(&mut out, &analysis, &meta, layout()).unwrap();
                out.len()
            }),
        ),
    ];
    for (name, print) in &formats {
        let mut least = f64::MAX;
        let mut bytes = 0;
        for _ in 0..10 {
            let begun = Instant::now();
            bytes = black_box(print());
            least = least.min(begun.elapsed().as_secs_f64());
        }
        println!("{name}: {:.1} ms for {:.1} MB", least * 1e3, bytes as f64 / 1e6);
    }
}
