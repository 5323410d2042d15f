//! The edits that are proposed for the labelled programs: what they lead to parses, undoing them gives the same bytes,
//! and they keep the file's line ends, tabs, other scripts and a missing last line end.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/causes.rs"]
#[expect(dead_code, reason = "the labels are for the score")]
mod causes;

use std::collections::BTreeMap;
use std::sync::Arc;

use causes::Program;
use failscope::analysis::{Options, analyze};
use failscope::fix::change::{self, Change};
use failscope::ingest;
use failscope::model::{FixKind, FixTarget, RelPath};
use failscope::workspace::Workspace;
use failscope::workspace::python::Module;

/// A way in which the same file may be written.
struct Variant {
    name: &'static str,
    change: fn(&str) -> String,
}

const VARIANTS: [Variant; 4] = [
    Variant { name: "CRLF", change: |text| text.replace('\n', "\r\n") },
    Variant { name: "tabs", change: tabs },
    Variant { name: "other scripts", change: other_scripts },
    Variant { name: "no final newline", change: |text| text.trim_end_matches('\n').to_owned() },
];

/// Four blanks of indentation are a tab.
fn tabs(text: &str) -> String {
    let line = |line: &str| {
        let body = line.trim_start_matches(' ');
        let blanks = line.len() - body.len();
        format!("{}{}{body}", "\t".repeat(blanks / 4), " ".repeat(blanks % 4))
    };
    text.lines().map(|l| line(l) + "\n").collect()
}

/// A comment in other scripts at the end of each line that is a whole statement.
fn other_scripts(text: &str) -> String {
    let module = Module::parse(text);
    let whole = |number: u32| {
        module.statement(number).is_some_and(|stmt| stmt.start_line == number && stmt.end_line == number)
    };
    let mut all = String::new();
    for (index, line) in text.lines().enumerate() {
        all.push_str(line);
        if whole(index as u32 + 1) && !line.contains(['#', '\\']) {
            all.push_str("  # größer, 値, 🎉");
        }
        all.push('\n');
    }
    all
}

/// How many things are wrong with a text, by the kind of its file.
fn faults(path: &str, text: &str) -> usize {
    match path.rsplit('.').next() {
        Some("py") => Module::parse(text).errors().len(),
        Some("toml") => usize::from(toml::from_str::<toml::Table>(text).is_err()),
        Some("json") => usize::from(serde_json::from_str::<serde_json::Value>(text).is_err()),
        _ => 0,
    }
}

/// The changes that take back `changes` of `text`.
fn inverse(path: &RelPath, text: &str, changes: &[&Change]) -> Vec<Change> {
    let source = failscope::workspace::SourceFile::new(path.clone(), text.into());
    let offset = |(line, column): (u32, u32)| {
        let length = source.line(line).unwrap().chars().count() as u32;
        source.offset(line, column.min(length + 1)).unwrap() as usize
    };
    let mut spans: Vec<(usize, usize, &str)> =
        changes.iter().map(|c| (offset(c.start), offset(c.end), c.new_text.as_str())).collect();
    spans.sort_by_key(|&(start, end, _)| (start, end));
    let after = change::apply(path, &text.into(), changes).unwrap();
    let new = failscope::workspace::SourceFile::new(path.clone(), after.as_str().into());
    let mut grown = 0_isize;
    spans
        .into_iter()
        .map(|(start, end, new_text)| {
            let from = (start as isize + grown) as u32;
            grown += new_text.len() as isize - (end - start) as isize;
            Change {
                path: path.clone(),
                start: new.position(from),
                end: new.position(from + new_text.len() as u32),
                new_text: text[start..end].to_owned(),
                digest: Some(change::digest(&after)),
            }
        })
        .collect()
}

fn results(program: &Program, captured: &BTreeMap<String, String>) -> Option<failscope::model::Run> {
    let text = captured.get(&program.name).filter(|text| text.trim().len() > 1)?;
    ingest::read(text.as_bytes(), "results", None, &ingest::ReadOptions::default()).ok()
}

/// Checks all edits of one program in one variant; gives how many fixes there were.
fn check(program: &Program, variant: &Variant, captured: &BTreeMap<String, String>) -> usize {
    let Some(run) = results(program, captured) else { return 0 };
    let root = tempfile::tempdir().unwrap();
    let mut files = BTreeMap::new();
    for (path, text) in &program.files {
        let text = if path.rsplit('.').next() == Some("py") { (variant.change)(text) } else { text.clone() };
        let target = root.path().join(path);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(target, &text).unwrap();
        files.insert(path.clone(), text);
    }
    let analysis = analyze(run, &Workspace::new(root.path(), Arc::default()), &Options::default());
    let mut tried = 0;
    for fix in analysis.clusters.iter().flat_map(|cluster| &cluster.fixes) {
        if fix.kind != FixKind::Edit {
            continue;
        }
        tried += 1;
        let here = format!("{}, {}: {}", program.name, variant.name, fix.title);
        let changes: Vec<Change> = fix.edits.iter().map(Into::into).collect();
        assert!(!changes.is_empty(), "{here}: no edit");
        for (path, of_file) in change::by_file(&changes) {
            let before = files.get(path.as_str()).unwrap_or_else(|| panic!("{here}: {}", path.as_str()));
            let after = change::apply(path, &before.as_str().into(), &of_file)
                .unwrap_or_else(|| panic!("{here}: does not apply"));
            assert_ne!(after, *before, "{here}: changes nothing");
            let was = faults(path.as_str(), before);
            let is = faults(path.as_str(), &after);
            // Of a file that does not parse only the one mistake has to go.
            assert!(is <= was && (is == 0 || was > 0), "{here}: does not parse:\n{after}");
            if before.contains("\r\n") {
                assert_eq!(
                    after.matches('\n').count(),
                    after.matches("\r\n").count(),
                    "{here}: a bare line feed"
                );
            }
            let inverse = inverse(path, before, &of_file);
            let inverse: Vec<&Change> = inverse.iter().collect();
            let undone = change::apply(path, &after.as_str().into(), &inverse);
            assert_eq!(undone.as_deref(), Some(before.as_str()), "{here}: undone");
        }
    }
    tried
}

/// Checks the edits of all programs in one variant.
fn check_all(variant: &Variant) {
    let (events, console) = (causes::captured("events"), causes::captured("console"));
    let programs = causes::programs();
    let tried: usize = programs
        .iter()
        .map(|program| {
            let given = events.get(&program.name).is_some_and(|text| text.trim().len() > 1);
            check(program, variant, if given { &events } else { &console })
        })
        .sum();
    assert!(
        tried > programs.len() / 2,
        "{}: only {tried} edits of {} programs",
        variant.name,
        programs.len()
    );
}

#[test]
fn edits_keep_carriage_returns() {
    check_all(&VARIANTS[0]);
}

#[test]
fn edits_keep_tabs() {
    check_all(&VARIANTS[1]);
}

#[test]
fn edits_keep_other_scripts() {
    check_all(&VARIANTS[2]);
}

#[test]
fn edits_keep_a_missing_last_line_end() {
    check_all(&VARIANTS[3]);
}

#[test]
fn an_expectation_is_changed_last_and_said_to_be_one() {
    let events = causes::captured("events");
    let mut both = 0;
    for program in causes::programs() {
        let Some(run) = results(&program, &events) else { continue };
        let root = tempfile::tempdir().unwrap();
        program.write(root.path());
        let analysis = analyze(run, &Workspace::new(root.path(), Arc::default()), &Options::default());
        for cluster in &analysis.clusters {
            let is_expectation = |title: &str| title.starts_with("expect ") || title.starts_with("Expect ");
            let first = cluster.fixes.iter().position(|fix| is_expectation(fix.title.as_str()));
            let Some(first) = first else { continue };
            assert_eq!(cluster.fixes[first].target, FixTarget::Test, "{}", cluster.fixes[first].title);
            let code_after = cluster.fixes[first..]
                .iter()
                .find(|f| f.target == FixTarget::Code && f.kind == FixKind::Edit);
            assert!(
                code_after.is_none(),
                "{}: {} comes after the expectation",
                program.name,
                code_after.unwrap().title
            );
            both += usize::from(cluster.fixes[..first].iter().any(|fix| fix.target == FixTarget::Code));
        }
    }
    assert!(both > 5, "only {both} failures offer both");
}
