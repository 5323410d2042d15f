//! Which result files are meant, and reading them into one run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::project::Project;
use crate::front;
use crate::history::recording::Recording;
use crate::history::target::Target;
use crate::ingest::{self, IngestError, ReadOptions};
use crate::model::{Problem, Run};
use crate::system::System;
use crate::workspace::discovery;

/// Where results come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Input {
    /// A file the user named, by itself or by a pattern.
    Named(PathBuf),
    /// A file found in a folder: it may be something else altogether.
    Found(PathBuf),
    /// Standard input.
    Stdin,
}

/// What was read.
#[derive(Debug)]
pub struct Results {
    /// All runs merged; what could not be read is among its problems.
    pub run: Run,
    /// Number of inputs that held results.
    pub readable: usize,
    /// Number of inputs that were tried.
    pub tried: usize,
    /// What the history gets of each file, if it was read for it.
    pub recordings: Vec<Recording>,
}

/// Largest number of files looked at in one folder.
const MAX_FILES: usize = 20_000;

/// Reads what `paths` name (files, folders, patterns, `-`), or the workspace's own results if there are none.
pub fn read(paths: &[String], project: &Project, system: &System) -> Results {
    read_with(paths, project, system, false)
}

/// As [`read`], for the history too unless it is off.
pub fn read_for_history(paths: &[String], project: &Project, system: &System) -> Results {
    let target = Target::of(&project.root, &project.config, system);
    read_with(paths, project, system, target != Target::Off)
}

fn read_with(paths: &[String], project: &Project, system: &System, for_history: bool) -> Results {
    let mut problems = Vec::new();
    let inputs = if paths.is_empty() {
        discovery::find(&project.root, &project.config).into_iter().map(Input::Found).collect()
    } else {
        expand(paths, project, system, &mut problems)
    };
    let tried = inputs.len();
    let options = if for_history {
        front::read_options_for_history(&project.root)
    } else {
        front::read_options(&project.root)
    };
    let results = read_all(&inputs, &project.root, &options);
    let mut runs = Vec::new();
    let mut recordings = Vec::new();
    for (input, result) in inputs.iter().zip(results) {
        match (input, result) {
            (_, Ok(mut run)) => {
                if for_history {
                    recordings.extend(Recording::take(&mut run, system.now(), false));
                }
                runs.push(run);
            }
            // A folder holds other files too.
            (Input::Found(_), Err(IngestError::Unknown { .. })) => {}
            (_, Err(error)) => problems.push(front::problem(&error)),
        }
    }
    let readable = runs.len();
    Results { run: front::gather(runs, problems), readable, tried, recordings }
}

/// The files that `paths` mean, and whether the user named each of them.
#[derive(Debug)]
pub struct Files {
    /// The files.
    pub files: Vec<(PathBuf, bool)>,
    /// What `paths` means nothing.
    pub problems: Vec<Problem>,
}

/// The files that `paths` (files, folders, patterns) mean.
pub fn files(paths: &[String], project: &Project, system: &System) -> Files {
    let mut problems = Vec::new();
    let files = expand(paths, project, system, &mut problems)
        .into_iter()
        .filter_map(|input| match input {
            Input::Named(path) => Some((path, true)),
            Input::Found(path) => Some((path, false)),
            Input::Stdin => None,
        })
        .collect();
    Files { files, problems }
}

/// The result of each input, in their order; files are read side by side.
fn read_all(inputs: &[Input], root: &Path, options: &ReadOptions) -> Vec<Result<Run, IngestError>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(inputs.len()).min(8);
    if workers < 2 {
        return inputs.iter().map(|input| read_one(input, root, options)).collect();
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut results: Vec<(usize, Result<Run, IngestError>)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(input) = inputs.get(index) else { return mine };
                        mine.push((index, read_one(input, root, options)));
                    }
                })
            })
            .collect();
        handles.into_iter().filter_map(|handle| handle.join().ok()).flatten().collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Reads one input, which is called by its path from the workspace's folder where it lies in it.
fn read_one(input: &Input, root: &Path, options: &ReadOptions) -> Result<Run, IngestError> {
    match input {
        Input::Named(path) | Input::Found(path) => front::read_with(root, path, options),
        Input::Stdin => ingest::read(std::io::stdin().lock(), "-", None, options),
    }
}

/// The inputs that `paths` mean, each once, in their order. Paths are relative to the working directory.
fn expand(paths: &[String], project: &Project, system: &System, problems: &mut Vec<Problem>) -> Vec<Input> {
    let mut seen = BTreeSet::new();
    let mut inputs = Vec::new();
    let mut add = |input: Input| {
        let key = match &input {
            Input::Named(path) | Input::Found(path) => path.clone(),
            Input::Stdin => PathBuf::from("-"),
        };
        if seen.insert(key) {
            inputs.push(input);
        }
    };
    for given in paths {
        if given == "-" {
            add(Input::Stdin);
            continue;
        }
        let path = system.current_dir().join(given);
        if path.is_dir() {
            let usual = discovery::find(&path, &project.config);
            let found = if usual.is_empty() { files_under(&path) } else { usual };
            if found.is_empty() {
                problems.push(Problem {
                    file: given.clone(),
                    offset: None,
                    message: "the folder holds no files that could be test results".to_owned(),
                });
            }
            for file in found {
                add(Input::Found(file));
            }
        } else if path.exists() || !has_wildcard(given) {
            add(Input::Named(path));
        } else {
            let matched = matching(given, system.current_dir());
            if matched.is_empty() {
                problems.push(Problem {
                    file: given.clone(),
                    offset: None,
                    message: "no file matches this pattern".to_owned(),
                });
            }
            for file in matched {
                add(Input::Named(file));
            }
        }
    }
    inputs
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Files under `folder` whose ending is one that results have.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walk(folder)
        .filter(|path| {
            path.file_name().is_some_and(|name| name == "lastfailed")
                || path.extension().and_then(|e| e.to_str()).is_some_and(|ending| {
                    matches!(ending, "xml" | "json" | "jsonl" | "ndjson" | "log" | "txt" | "out")
                })
        })
        .collect();
    files.sort();
    files
}

/// Files that match the pattern `given`, which is relative to `base` or absolute.
fn matching(given: &str, base: &Path) -> Vec<PathBuf> {
    let given = given.replace('\\', "/");
    let Ok(glob) = globset::GlobBuilder::new(given.trim_start_matches("./")).literal_separator(true).build()
    else {
        return Vec::new();
    };
    let matcher = glob.compile_matcher();
    let fixed: PathBuf =
        given.split('/').take_while(|part| !has_wildcard(part)).collect::<Vec<_>>().join("/").into();
    let fixed = if given.starts_with('/') { Path::new("/").join(fixed) } else { base.join(fixed) };
    let mut files: Vec<PathBuf> = walk(&fixed)
        .filter(|path| matcher.is_match(path) || path.strip_prefix(base).is_ok_and(|p| matcher.is_match(p)))
        .collect();
    files.sort();
    files
}

fn walk(folder: &Path) -> impl Iterator<Item = PathBuf> {
    ignore::WalkBuilder::new(folder)
        .standard_filters(false)
        .filter_entry(|entry| {
            let name = entry.file_name();
            name != "node_modules" && name != ".git" && name != ".venv" && name != "site-packages"
        })
        .build()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .take(MAX_FILES)
        .map(ignore::DirEntry::into_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_files_below_their_fixed_part() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        for name in ["a/one.xml", "a/b/two.xml", "a/b/three.json", "other.xml"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(dir.path()))?;
            std::fs::write(path, "")?;
        }
        let check = |pattern: &str, expected: &[&str]| {
            let found: Vec<String> = matching(pattern, dir.path())
                .iter()
                .map(|p| p.strip_prefix(dir.path()).unwrap_or(p).display().to_string())
                .collect();
            assert_eq!(found, expected, "{pattern}");
        };
        check("a/**/*.xml", &["a/b/two.xml", "a/one.xml"]);
        check("./*.xml", &["other.xml"]);
        check("a/b/*.{xml,json}", &["a/b/three.json", "a/b/two.xml"]);
        check("nothing/*.xml", &[]);
        check("[", &[]);
        let absolute = format!("{}/a/*.xml", dir.path().display());
        check(&absolute, &["a/one.xml"]);
        Ok(())
    }
}
