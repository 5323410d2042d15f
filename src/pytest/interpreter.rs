//! Which Python a project's tests are run with.

use std::path::{Path, PathBuf};

use crate::system::System;

/// How to start a Python, and why this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The program and the arguments before Python's own: `["/w/.venv/bin/python"]`, `["uv", "run", "python"]`.
    pub command: Vec<String>,
    /// Where it was found, for people: ``the virtual environment .venv``.
    pub why: String,
}

/// Names of virtual environments that are looked for in the project's folder and above it.
const FOLDERS: [&str; 3] = [".venv", "venv", "env"];

/// Finds the interpreter of the project at `root`: `configured` (the setting `python`: a path, relative to the
/// root, or a name on `PATH`), the active virtual environment, one in the project's folder or above it up to its
/// checkout, the environment of uv, poetry or conda, and in the end `python3` of `PATH`. `None` if there is
/// no Python at all.
pub fn find(root: &Path, configured: Option<&str>, system: &System) -> Option<Interpreter> {
    let found = |command: Vec<String>, why: &str| Some(Interpreter { command, why: why.to_owned() });
    if let Some(python) = configured.filter(|python| !python.is_empty()) {
        let is_path = python.contains(['/', '\\']);
        let command = match (is_path, home(python, system)) {
            (_, Some(path)) => path.display().to_string(),
            (true, None) => root.join(python).display().to_string(),
            (false, None) => python.to_owned(),
        };
        return found(vec![command], "the setting `python`");
    }
    if let Some(python) = system.env("VIRTUAL_ENV").and_then(|folder| in_environment(Path::new(folder))) {
        return found(vec![python], "the active virtual environment (VIRTUAL_ENV)");
    }
    for folder in root.ancestors() {
        for name in FOLDERS {
            if let Some(python) = in_environment(&folder.join(name)) {
                return found(
                    vec![python],
                    &format!("the virtual environment {}", folder.join(name).display()),
                );
            }
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    let run = |tool: &str| vec![tool.to_owned(), "run".to_owned(), "python".to_owned()];
    for (file, tool) in [("uv.lock", "uv"), ("poetry.lock", "poetry"), ("pdm.lock", "pdm")] {
        if root.join(file).is_file() && on_path(tool, system).is_some() {
            return found(run(tool), &format!("{file} is in the project's folder"));
        }
    }
    if let Some(python) = system.env("CONDA_PREFIX").and_then(|folder| in_environment(Path::new(folder))) {
        return found(vec![python], "the active conda environment (CONDA_PREFIX)");
    }
    let names: &[&str] = if cfg!(windows) { &["python", "py"] } else { &["python3", "python"] };
    let python = names.iter().find_map(|name| on_path(name, system))?;
    found(vec![python.display().to_string()], "the first Python of PATH")
}

/// The interpreter of a virtual or conda environment.
fn in_environment(folder: &Path) -> Option<String> {
    let places: &[&str] =
        if cfg!(windows) { &["Scripts/python.exe", "python.exe"] } else { &["bin/python", "bin/python3"] };
    places
        .iter()
        .map(|place| folder.join(place))
        .find(|path| path.is_file())
        .map(|path| path.display().to_string())
}

/// The program `name` on `PATH`.
fn on_path(name: &str, system: &System) -> Option<PathBuf> {
    let file = if cfg!(windows) { format!("{name}.exe") } else { name.to_owned() };
    std::env::split_paths(system.env("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// `~/…` with the user's home folder.
fn home(path: &str, system: &System) -> Option<PathBuf> {
    let rest = path.strip_prefix("~/")?;
    Some(Path::new(system.env("HOME").or_else(|| system.env("USERPROFILE"))?).join(rest))
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Files that exist below a project `w`, variables, the setting; what is started.
    #[test]
    fn the_nearest_hint_wins() {
        type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], Option<&'a str>, &'a [&'a str]);
        let rows: &[Row<'_>] = &[
            (&["bin/python3"], &[], None, &["@/bin/python3"]),
            (&["bin/python3"], &[], Some("python3.12"), &["python3.12"]),
            (&["bin/python3"], &[], Some("tools/py"), &["@/repo/w/tools/py"]),
            (&["bin/python3"], &[("HOME", "@/home")], Some("~/py"), &["@/home/py"]),
            (
                &["v/bin/python", "repo/w/.venv/bin/python"],
                &[("VIRTUAL_ENV", "@/v")],
                None,
                &["@/v/bin/python"],
            ),
            (
                &["repo/w/.venv/bin/python"],
                &[("VIRTUAL_ENV", "@/gone")],
                None,
                &["@/repo/w/.venv/bin/python"],
            ),
            (&["repo/.venv/bin/python", "bin/python3"], &[], None, &["@/repo/.venv/bin/python"]),
            (&[".venv/bin/python", "bin/python3"], &[], None, &["@/bin/python3"]),
            (&["repo/w/uv.lock", "bin/uv", "bin/python3"], &[], None, &["uv", "run", "python"]),
            (&["repo/w/uv.lock", "bin/python3"], &[], None, &["@/bin/python3"]),
            (&["repo/w/poetry.lock", "bin/poetry"], &[], None, &["poetry", "run", "python"]),
            (&["c/bin/python", "bin/python3"], &[("CONDA_PREFIX", "@/c")], None, &["@/c/bin/python"]),
            (&["bin/python"], &[], None, &["@/bin/python"]),
        ];
        for (files, variables, configured, expected) in rows {
            let dir = tempfile::tempdir().unwrap();
            let base = dir.path().display().to_string();
            let place = |text: &str| text.replace('@', &base);
            std::fs::create_dir_all(dir.path().join("repo/.git")).unwrap();
            std::fs::create_dir_all(dir.path().join("repo/w")).unwrap();
            for file in *files {
                let path = dir.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            let environment = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), place(value)))
                .chain([("PATH".to_owned(), place("@/bin"))]);
            let system = System::fixed(std::time::UNIX_EPOCH, environment, dir.path().to_owned());
            let found = find(&dir.path().join("repo/w"), *configured, &system).map(|found| found.command);
            let expected: Vec<String> = expected.iter().map(|part| place(part)).collect();
            assert_eq!(found, Some(expected), "{files:?} {variables:?} {configured:?}");
        }
        let nothing = System::fixed(std::time::UNIX_EPOCH, [], PathBuf::from("/"));
        assert_eq!(find(Path::new("/nowhere"), None, &nothing), None);
    }
}
