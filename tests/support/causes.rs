//! The bundles of `fixtures/causes`: labelled programs, and what pytest said about them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Alternatives, one of which must be there.
pub type AnyOf = Vec<String>;

/// A program with its labels.
pub struct Program {
    pub family: String,
    pub name: String,
    /// Path and text.
    pub files: BTreeMap<String, String>,
    /// `path:line` of the true place and of the places that are as good.
    pub places: Vec<String>,
    /// Each group must be met by the root cause.
    pub cause: Vec<AnyOf>,
    /// None of these may be said (near misses).
    pub not: AnyOf,
    pub fix: Wanted,
}

/// Which fix counts.
#[derive(PartialEq)]
pub enum Wanted {
    /// An edit of files that are not tests.
    Code,
    /// An edit of tests.
    Test,
    /// Any edit.
    Either,
    /// A command or an instruction that says one of these.
    Do(AnyOf),
}

/// The folder.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/causes")
}

/// All programs.
pub fn programs() -> Vec<Program> {
    let mut bundles: Vec<PathBuf> =
        std::fs::read_dir(folder().join("programs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    bundles.sort();
    let mut found = Vec::new();
    for bundle in bundles {
        let family = bundle.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&bundle).unwrap();
        let parts = format!("\n{text}");
        found.extend(parts.split("\n### ").skip(1).map(|part| program(&family, part)));
    }
    found
}

fn program(family: &str, text: &str) -> Program {
    let mut sections = text.split("\n--- ");
    let mut head = sections.next().unwrap().lines();
    let name = head.next().unwrap().trim().to_owned();
    let labels: BTreeMap<&str, &str> =
        head.filter_map(|line| line.split_once(':')).map(|(k, v)| (k.trim(), v.trim())).collect();
    let label = |key: &str| labels.get(key).copied().unwrap_or_default();
    let mut places = Vec::new();
    let mut files = BTreeMap::new();
    for section in sections {
        let (path, body) = section.split_once('\n').unwrap_or((section, ""));
        let body = body.trim_end();
        let mut text = String::new();
        for (number, line) in body.lines().enumerate() {
            let (line, mark) = unmarked(line);
            if mark {
                places.push(format!("{}:{}", path.trim(), number + 1));
            }
            text.push_str(line);
            text.push('\n');
        }
        files.insert(path.trim().to_owned(), text);
    }
    let fix = match label("fix").split_once(':') {
        Some((_, words)) => Wanted::Do(alternatives(words)),
        None => match label("fix") {
            "test" => Wanted::Test,
            "either" => Wanted::Either,
            _ => Wanted::Code,
        },
    };
    Program {
        family: family.to_owned(),
        name,
        files,
        places,
        cause: label("cause").split(';').map(alternatives).filter(|group| !group.is_empty()).collect(),
        not: alternatives(label("not")),
        fix,
    }
}

/// `a|b`; blanks around do not count.
fn alternatives(text: &str) -> AnyOf {
    text.split('|').map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect()
}

/// The line without its mark, and whether it had one: `#!`, `#?`, `#!= accepted line`, `#?= accepted line`.
fn unmarked(line: &str) -> (&str, bool) {
    for mark in ["#!=", "#?="] {
        if let Some((line, _)) = line.split_once(mark) {
            return (line.trim_end_matches(' '), true);
        }
    }
    match line.strip_suffix("#!").or_else(|| line.strip_suffix("#?")) {
        Some(line) => (line.trim_end_matches(' '), true),
        None => (line, false),
    }
}

/// What was captured in one form, by program.
pub fn captured(kind: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("captured").join(format!("{kind}.txt"))).unwrap();
    format!("\n{text}")
        .split("\n### ")
        .skip(1)
        .map(|part| part.split_once('\n').unwrap_or((part, "")))
        .map(|(name, body)| (name.to_owned(), format!("{body}\n")))
        .collect()
}

impl Program {
    /// Whether rules may be tuned on it; the other half is for measuring only.
    pub fn development(&self) -> bool {
        let hash = self
            .name
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        (hash >> 4) & 1 == 0
    }

    /// Whether it is a near miss.
    pub fn near(&self) -> bool {
        self.family == "near"
    }

    /// Writes its files below `root`.
    pub fn write(&self, root: &Path) {
        for (path, text) in &self.files {
            let target = root.join(path);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, text).unwrap();
        }
    }
}
