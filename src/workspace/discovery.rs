//! Where a workspace's results lie: default globs for the usual places, `resultGlobs` instead of them, and the
//! plugin's event streams. Git-ignored folders are searched; virtual environments and `node_modules` are not.

use std::cmp::Reverse;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::{Config, paths};

/// Deepest folder that is entered.
const MAX_DEPTH: usize = 10;
/// Most folder entries that are looked at in one search.
const MAX_ENTRIES: usize = 500_000;
/// Most result files, the newest of those found.
const MAX_RESULTS: usize = 512;
/// Most event streams of the plugin: each is a run of its own, and history has the older ones.
const MAX_STREAMS: usize = 16;
/// pytest writes its cache a moment after the reports of the same run.
const SAME_RUN: Duration = Duration::from_secs(2);

/// Names of result files, in any folder, without case.
const FILES: &[&str] = &[
    "*junit*.xml",
    "report.xml",
    "results.xml",
    "*xunit*.xml",
    "nosetests.xml",
    "pytest*.xml",
    "*pytest.xml",
    "test{s,}.xml",
    "TEST-*.xml",
    "*test{-,_,}result{s,}*.xml",
    "*test{-,_,}report{s,}*.xml",
    "{.,}report.json",
    "*pytest*report*.json",
    "*test{-,_,}report{s,}*.json",
    "*test{-,_,}result{s,}*.json",
    "*reportlog*.{json,jsonl,log}",
    "*report{-,_}log*.{json,jsonl,log}",
    "pytest*.jsonl",
    "*ctrf*.json",
    "pytest*.{log,txt}",
    "*pytest{-,_}{output,log,console,run}*",
    "test{s,}{-,_}{output,log,console}*.{log,txt}",
];

/// Folders whose files may be results whatever they are called; a leading dot is allowed.
const FOLDERS: &str = "{,.}{test,tests,pytest,junit,ctrf,ci}{-,_,}{results,reports,report,output,artifacts}";
/// More such folders.
const MORE_FOLDERS: &str = "{,.}{reports,artifacts,junit,ctrf,surefire-reports}";

/// What lies in the same places and is no result.
const NEVER: &[&str] =
    &["**/rca_report.json", "**/stability_report.json", "**/*coverage*", "**/package*.json"];

/// The last run's failures as pytest itself remembers them.
const LAST_FAILED: &str = "**/.pytest_cache/v/cache/lastfailed";

/// The result files under `root` (and where `resultGlobs` points outside of it), newest first. pytest's own
/// `lastfailed` is among them only if nothing else is as new.
pub fn find(root: &Path, config: &Config) -> Vec<PathBuf> {
    let places = Places::new(root, config);
    let mut found: Vec<(SystemTime, PathBuf, Kind)> = Vec::new();
    let mut left = MAX_ENTRIES;
    for (base, is_default) in &places.bases {
        for entry in walk(base, *is_default) {
            left = left.saturating_sub(1);
            if left == 0 {
                tracing::warn!(root = %root.display(), "too many files: not all folders were searched for results");
                break;
            }
            if entry.file_type().is_some_and(|t| t.is_dir()) {
                continue;
            }
            let Some(kind) = places.kind(root, entry.path()) else { continue };
            // Follows symbolic links; what is a folder, a pipe or gone is no result.
            let Ok(meta) = std::fs::metadata(entry.path()) else { continue };
            if meta.is_file() && meta.len() > 0 {
                let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                found.push((modified, entry.into_path(), kind));
            }
        }
    }
    select(found)
}

/// What a file is found as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Result,
    Stream,
    LastFailed,
}

/// Newest first, each file once, within bounds.
fn select(mut found: Vec<(SystemTime, PathBuf, Kind)>) -> Vec<PathBuf> {
    let newest = found.iter().filter(|(_, _, kind)| *kind != Kind::LastFailed).map(|&(time, ..)| time).max();
    found.retain(|(time, _, kind)| {
        *kind != Kind::LastFailed || newest.is_none_or(|newest| newest + SAME_RUN < *time)
    });
    found.sort_by(|a, b| (Reverse(a.0), &a.1).cmp(&(Reverse(b.0), &b.1)));
    found.dedup_by(|a, b| a.1 == b.1);
    let mut streams = 0;
    found.retain(|(_, _, kind)| {
        streams += usize::from(*kind == Kind::Stream);
        *kind != Kind::Stream || streams <= MAX_STREAMS
    });
    found.truncate(MAX_RESULTS);
    found.into_iter().map(|(_, path, _)| path).collect()
}

/// Whether a file at `path` (absolute, or relative to `root`) would be taken for results if it existed. Does
/// not touch the disk.
pub fn is_candidate(root: &Path, config: &Config, path: &Path) -> bool {
    Places::new(root, config).kind(root, &root.join(path)).is_some()
}

/// The folders in and below which results may appear: the root, and what `resultGlobs` and `output` name
/// outside of it.
pub fn watch_roots(root: &Path, config: &Config) -> Vec<PathBuf> {
    Places::new(root, config).bases.into_iter().map(|(base, _)| base).collect()
}

/// [`is_candidate`] for many paths: the globs are compiled once.
#[derive(Debug)]
pub struct Places {
    /// Folders to walk, and whether it is the root with its default rules.
    bases: Vec<(PathBuf, bool)>,
    results: GlobSet,
    /// Globs of absolute paths outside of the root.
    outside: GlobSet,
    never: GlobSet,
    streams: PathBuf,
    last_failed: GlobSet,
    is_default: bool,
}

impl Places {
    /// The places that `config` names for the workspace at `root`.
    pub fn new(root: &Path, config: &Config) -> Self {
        let is_default = config.result_globs.is_empty();
        let streams = normal(&root.join(&config.output).join("runs"));
        let mut bases = vec![(root.to_path_buf(), true)];
        let mut inside: Vec<String> = Vec::new();
        let mut outside: Vec<String> = Vec::new();
        if is_default {
            inside.extend(FILES.iter().map(|name| format!("**/{name}")));
            for folder in [FOLDERS, MORE_FOLDERS] {
                inside.push(format!("**/{folder}/**/*.{{xml,json,jsonl}}"));
                inside.push(format!("**/{folder}/**/*{{test,console,output}}*.{{log,txt}}"));
            }
        }
        for glob in &config.result_globs {
            let glob = if cfg!(windows) { glob.replace('\\', "/") } else { glob.clone() };
            let (literal, rest) = split_literal(&glob);
            let base = normal(&root.join(literal));
            if let Some(below) = base.strip_prefix(root).ok().and_then(Path::to_str) {
                let below = below.replace('\\', "/");
                // A hidden folder that is named is searched.
                if !below.is_empty() {
                    bases.push((base.clone(), false));
                }
                inside.push([&*below, rest].join("/").trim_matches('/').to_owned());
            } else {
                let folder = globset::escape(&base.to_string_lossy().replace('\\', "/"));
                outside.push([folder.trim_end_matches('/'), rest].join("/").trim_end_matches('/').to_owned());
                let folder = if rest.is_empty() { base.parent().unwrap_or(&base) } else { &base };
                bases.push((folder.to_path_buf(), false));
            }
        }
        if streams.strip_prefix(root).is_err() || is_hidden(&streams, root) {
            bases.push((streams.clone(), false));
        }
        Self {
            bases,
            results: globs(&inside, is_default),
            outside: globs(&outside, false),
            never: globs(&NEVER.iter().map(|&glob| glob.to_owned()).collect::<Vec<_>>(), true),
            streams,
            last_failed: globs(&[LAST_FAILED.to_owned()], false),
            is_default,
        }
    }

    /// Whether a file at `path` (absolute) would be taken for results if it existed.
    pub fn is_candidate(&self, root: &Path, path: &Path) -> bool {
        self.kind(root, path).is_some()
    }

    fn kind(&self, root: &Path, path: &Path) -> Option<Kind> {
        if path.parent() == Some(&self.streams) {
            return path.extension().is_some_and(|e| e == "jsonl").then_some(Kind::Stream);
        }
        let Ok(below) = path.strip_prefix(root) else {
            return self.outside.is_match(path).then_some(Kind::Result);
        };
        if self.is_default && self.last_failed.is_match(below) {
            return Some(Kind::LastFailed);
        }
        let is_result = self.results.is_match(below)
            && !(self.is_default && (self.never.is_match(below) || is_left_out(below)));
        is_result.then_some(Kind::Result)
    }
}

/// The set of those patterns that are valid; [`Config`] has reported the others.
fn globs(patterns: &[String], ignore_case: bool) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    let build = |pattern: &str| -> Result<Glob, globset::Error> {
        GlobBuilder::new(pattern)
            .case_insensitive(ignore_case)
            .literal_separator(true)
            .empty_alternates(true)
            .build()
    };
    for glob in patterns.iter().filter_map(|pattern| build(pattern).ok()) {
        set.add(glob);
    }
    set.build().unwrap_or_default()
}

/// The folders that a glob names literally, and the rest.
fn split_literal(glob: &str) -> (&str, &str) {
    let wild = glob.find(['*', '?', '[', '{']).unwrap_or(glob.len());
    match glob[..wild].rfind('/') {
        _ if wild == glob.len() => (glob, ""),
        Some(0) => ("/", &glob[1..]),
        Some(slash) => (&glob[..slash], &glob[slash + 1..]),
        None => ("", glob),
    }
}

/// The path without `.` and `..`, by its names alone.
fn normal(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            part => result.push(part),
        }
    }
    result
}

/// Whether a folder on the way from `root` to `path` is hidden.
fn is_hidden(path: &Path, root: &Path) -> bool {
    path.strip_prefix(root)
        .is_ok_and(|below| below.iter().any(|part| part.to_str().is_some_and(|part| part.starts_with('.'))))
}

/// Whether the default search does not enter a folder on the way to `below`, as far as names tell.
fn is_left_out(below: &Path) -> bool {
    below.parent().is_some_and(|folder| {
        folder
            .iter()
            .filter_map(|part| part.to_str())
            .any(|name| paths::is_foreign_name(name) || (name.starts_with('.') && !is_result_folder(name)))
    })
}

/// Whether a hidden folder is called as one for results.
fn is_result_folder(name: &str) -> bool {
    let name = name.trim_start_matches('.').to_lowercase();
    ["result", "report", "artifact", "junit", "ctrf"].iter().any(|word| name.contains(word))
}

/// Walks a base folder (or gives a base that is a file); the default search leaves hidden folders out.
fn walk(base: &Path, is_default: bool) -> impl Iterator<Item = ignore::DirEntry> {
    ignore::WalkBuilder::new(base)
        .standard_filters(false)
        .max_depth(Some(MAX_DEPTH))
        .filter_entry(move |entry| {
            if entry.depth() == 0 || !entry.file_type().is_some_and(|t| t.is_dir()) {
                return true;
            }
            let name = entry.file_name().to_str().unwrap_or("");
            if name == ".pytest_cache" {
                return true;
            }
            let is_hidden = is_default && name.starts_with('.') && !is_result_folder(name);
            !is_hidden && !paths::is_foreign_name(name) && !paths::is_virtual_environment(entry.path())
        })
        .build()
        .filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn config(globs: &[&str]) -> Config {
        Config { result_globs: globs.iter().map(|&g| g.to_owned()).collect(), ..Config::default() }
    }

    /// Writes the files with times one minute apart, the first the oldest.
    fn tree(root: &Path, files: &[&str]) {
        for (age, file) in files.iter().enumerate() {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "x").unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 60 * age as u64);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
    }

    fn check(files: &[&str], config: &Config, expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        tree(&root, files);
        let found: Vec<String> = find(&root, config)
            .iter()
            .map(|path| match path.strip_prefix(&root) {
                Ok(below) => below.to_str().unwrap().to_owned(),
                Err(_) => format!("../{}", path.strip_prefix(folder.path()).unwrap().display()),
            })
            .collect();
        assert_eq!(found, expected);
        for file in files {
            let is_found = expected.contains(file);
            assert!(!is_found || is_candidate(&root, config, &normal(&root.join(file))), "{file}");
        }
    }

    #[test]
    fn usual_places_newest_first() {
        check(
            &[
                ".gitignore",
                "junit.xml",
                "backend/reports/unit/py311.xml",
                "build/test-results/test/TEST-a.xml",
                ".report.json",
                "ctrf/ctrf-report.json",
                "reportlog.jsonl",
                "out/pytest-output.txt",
                "artifacts/shard-1/console.log",
                ".test-results/x.xml",
                ".failscope/runs/1.jsonl",
                "Report.XML",
                // None of these.
                ".failscope/rca_report.json",
                ".failscope/history.db",
                "pom.xml",
                "reports/coverage.xml",
                "package.json",
                "src/data/report.csv",
                "node_modules/x/junit.xml",
                "venv/pyvenv.cfg",
                "venv/junit.xml",
                ".tox/py/junit.xml",
                ".git/junit.xml",
                "artifacts/readme.txt",
            ],
            &config(&[]),
            &[
                "Report.XML",
                ".failscope/runs/1.jsonl",
                ".test-results/x.xml",
                "artifacts/shard-1/console.log",
                "out/pytest-output.txt",
                "reportlog.jsonl",
                "ctrf/ctrf-report.json",
                ".report.json",
                "build/test-results/test/TEST-a.xml",
                "backend/reports/unit/py311.xml",
                "junit.xml",
            ],
        );
    }

    #[test]
    fn git_ignored_folders_are_searched() {
        let folder = tempfile::tempdir().unwrap();
        tree(folder.path(), &[".git/HEAD", "build/junit.xml"]);
        std::fs::write(folder.path().join(".gitignore"), "build/\n*.xml\n").unwrap();
        assert_eq!(find(folder.path(), &config(&[])), [folder.path().join("build/junit.xml")]);
    }

    #[test]
    fn the_cache_counts_only_when_nothing_is_as_new() {
        let cache = ".pytest_cache/v/cache/lastfailed";
        check(&[cache], &config(&[]), &[cache]);
        check(&[cache, "junit.xml"], &config(&[]), &["junit.xml"]);
        check(&["junit.xml", cache], &config(&[]), &[cache, "junit.xml"]);
        check(
            &["sub/.pytest_cache/v/cache/lastfailed", ".pytest_cache/v/cache/nodeids"],
            &config(&[]),
            &["sub/.pytest_cache/v/cache/lastfailed"],
        );
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let both = vec![
            (time + Duration::from_millis(300), PathBuf::from(cache), Kind::LastFailed),
            (time, PathBuf::from("junit.xml"), Kind::Result),
        ];
        assert_eq!(select(both), [PathBuf::from("junit.xml")]);
    }

    #[test]
    fn globs_replace_the_usual_places() {
        check(
            &[
                "junit.xml",
                "out/a.xml",
                "out/b/c.xml",
                "../ci/r.json",
                ".hidden/r.xml",
                ".failscope/runs/2.jsonl",
            ],
            &config(&["out/*.xml", "../ci/*.json", ".hidden/*", "[", "none/*.xml"]),
            &[".failscope/runs/2.jsonl", ".hidden/r.xml", "../ci/r.json", "out/a.xml"],
        );
        check(&["a.xml", "out/b.xml"], &config(&["out/b.xml"]), &["out/b.xml"]);
        check(&["../ci/x.xml", "../ci/y.xml"], &config(&["../ci/x.xml"]), &["../ci/x.xml"]);
        check(&["a/b/c/d.xml", "e.xml"], &config(&["**/*.xml"]), &["e.xml", "a/b/c/d.xml"]);
    }

    #[test]
    fn streams_are_bounded_and_follow_the_output_folder() {
        let files: Vec<String> = (0..40).map(|i| format!("out/.fs/runs/{i:02}.jsonl")).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let expected: Vec<&str> = files.iter().rev().copied().take(MAX_STREAMS).collect();
        let config = Config { output: "out/.fs".to_owned(), ..Config::default() };
        check(&files, &config, &expected);
    }

    #[test]
    fn candidates_without_touching_the_disk() {
        let root = Path::new("/no/such/root");
        for (globs, path, expected) in [
            (&[][..], "junit.xml", true),
            (&[], "/no/such/root/a/b/junit.xml", true),
            (&[], "/other/junit.xml", false),
            (&[], ".failscope/runs/7.jsonl", true),
            (&[], ".failscope/rca_report.json", false),
            (&[], ".pytest_cache/v/cache/lastfailed", true),
            (&[], ".pytest_cache/v/cache/nodeids", false),
            (&[], "src/a.py", false),
            (&[], "node_modules/a/junit.xml", false),
            (&["x/*.xml"], "junit.xml", false),
            (&["x/*.xml"], "x/y.xml", true),
            (&["x/*.xml"], "x/y/z.xml", false),
            (&["/tmp/r/*.xml"], "/tmp/r/a.xml", true),
            (&["/tmp/r/*.xml"], "/tmp/r/a.json", false),
            (&["x/*.xml"], ".failscope/runs/7.jsonl", true),
        ] {
            assert_eq!(is_candidate(root, &config(globs), Path::new(path)), expected, "{globs:?} {path}");
        }
    }

    #[test]
    fn roots_to_watch() {
        let roots = watch_roots(Path::new("/ws"), &config(&["../ci/*.xml", "out/*.xml"]));
        assert!(roots.contains(&PathBuf::from("/ws")) && roots.contains(&PathBuf::from("/ci")), "{roots:?}");
    }
}
