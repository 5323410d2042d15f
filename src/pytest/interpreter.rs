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

/// Environments that are looked for in the project's folder and above it: of venv, virtualenv, uv, conda and pixi.
const FOLDERS: [&str; 5] = [".venv", "venv", "env", ".conda", ".pixi/envs/default"];
/// Tools that know a project's environment wherever it is, by the file that they leave in its folder.
const TOOLS: [(&str, &str); 4] =
    [("uv.lock", "uv"), ("poetry.lock", "poetry"), ("pdm.lock", "pdm"), ("Pipfile.lock", "pipenv")];

/// Finds the interpreter of the project at `root`: `configured` (the setting `python`: a path, relative to the
/// root, or a name on `PATH`), the active virtual environment, `python.defaultInterpreterPath` of the project's
/// settings of VS Code, an environment in the project's folder or above it up to its checkout, or that of uv,
/// poetry, pdm or pipenv, the active conda environment, and in the end `python3` of `PATH`. `None` if there is no
/// Python at all.
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
    if let Some(python) = default_of_editor(root, system) {
        return found(vec![python], "python.defaultInterpreterPath in .vscode/settings.json");
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
        for (file, tool) in TOOLS {
            if folder.join(file).is_file() && on_path(tool, system).is_some() {
                let command = vec![tool.to_owned(), "run".to_owned(), "python".to_owned()];
                return found(
                    command,
                    &format!("`{tool} run`, for there is {}", folder.join(file).display()),
                );
            }
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    if let Some(python) = system.env("CONDA_PREFIX").and_then(|folder| in_environment(Path::new(folder))) {
        return found(vec![python], "the active conda environment (CONDA_PREFIX)");
    }
    let names: &[&str] = if cfg!(windows) { &["python", "py"] } else { &["python3", "python"] };
    let python = names.iter().find_map(|name| on_path(name, system))?;
    found(vec![python.display().to_string()], "the first Python of PATH")
}

/// `python.defaultInterpreterPath` of the settings that VS Code keeps in the project, if there is such a program:
/// a path (`${workspaceFolder}`, `${env:NAME}` and `~/` are understood), the folder of an environment, or a name on
/// `PATH`.
fn default_of_editor(root: &Path, system: &System) -> Option<String> {
    let text = std::fs::read_to_string(root.join(".vscode/settings.json")).ok()?;
    let settings: serde_json::Value = serde_json::from_str(&without_comments(&text)).ok()?;
    let named = settings.get("python.defaultInterpreterPath")?.as_str()?;
    let mut path = String::new();
    let mut rest = named;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        path += before;
        match name.strip_prefix("env:") {
            Some(variable) => path += system.env(variable)?,
            None if name == "workspaceFolder" => path += &root.display().to_string(),
            None => return None,
        }
        rest = after;
    }
    path += rest;
    let is_name = !path.contains(['/', '\\']);
    let name = path;
    let path = home(&name, system).unwrap_or_else(|| root.join(&name));
    if is_name && !path.is_dir() {
        return on_path(&name, system).map(|path| path.display().to_string());
    }
    if path.is_dir() { in_environment(&path) } else { path.is_file().then(|| path.display().to_string()) }
}

/// JSON as VS Code writes its settings, without comments and without commas after the last element.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // Where a comma was written that nothing but white space has followed.
    let mut comma = None;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            let length = if first == '"' { string_length(rest) } else { first.len_utf8() };
            match (first, comma) {
                ('}' | ']', Some(at)) => {
                    plain.remove(at);
                    comma = None;
                }
                (',', _) => comma = Some(plain.len()),
                _ if !first.is_whitespace() => comma = None,
                _ => {}
            }
            plain.push_str(&rest[..length]);
            length
        };
        rest = &rest[length..];
    }
    plain
}

/// Bytes of the JSON string at the beginning of `text`, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
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
            (&["repo/uv.lock", "bin/uv", "bin/python3"], &[], None, &["uv", "run", "python"]),
            (&["repo/w/Pipfile.lock", "bin/pipenv"], &[], None, &["pipenv", "run", "python"]),
            (
                &["repo/w/uv.lock", "bin/uv", "repo/w/.venv/bin/python"],
                &[],
                None,
                &["@/repo/w/.venv/bin/python"],
            ),
            (&["repo/w/.conda/bin/python"], &[], None, &["@/repo/w/.conda/bin/python"]),
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
    }

    #[test]
    fn no_python_is_none() {
        let nothing = System::fixed(std::time::UNIX_EPOCH, [], PathBuf::from("/"));
        assert_eq!(find(Path::new("/nowhere"), None, &nothing), None);
    }

    /// What is in `.vscode/settings.json` below `w`, and what is started.
    #[test]
    fn the_editors_default_interpreter() {
        let rows = [
            (r#"{"python.defaultInterpreterPath": "@/tools/python"}"#, "@/tools/python"),
            (r#"{"python.defaultInterpreterPath": "${workspaceFolder}/in/bin/python"}"#, "@/w/in/bin/python"),
            (r#"{"python.defaultInterpreterPath": "in"}"#, "@/w/in/bin/python"),
            (r#"{"python.defaultInterpreterPath": "~/tools/python"}"#, "@/tools/python"),
            (r#"{"python.defaultInterpreterPath": "${env:TOOLS}/python"}"#, "@/tools/python"),
            (r#"{"python.defaultInterpreterPath": "special"}"#, "@/bin/special"),
            (
                "{\n  // \"python.defaultInterpreterPath\": \"no\",\n  \"a\": \"// \\\" , }\", /* x */\n  \
                 \"python.defaultInterpreterPath\": \"@/tools/python\", // why\n  \"b\": [1, 2, ],\n}\n",
                "@/tools/python",
            ),
            // What is not there, or cannot be read, says nothing.
            (r#"{"python.defaultInterpreterPath": "@/tools/gone"}"#, "@/bin/python3"),
            (r#"{"python.defaultInterpreterPath": "${env:GONE}/python"}"#, "@/bin/python3"),
            (r#"{"python.defaultInterpreterPath": 3}"#, "@/bin/python3"),
            (r#"{"python.defaultInterpreterPath": "@/tools/python"#, "@/bin/python3"),
            ("/*", "@/bin/python3"),
            ("", "@/bin/python3"),
        ];
        for (settings, expected) in rows {
            let dir = tempfile::tempdir().unwrap();
            let base = dir.path().display().to_string();
            let place = |text: &str| text.replace('@', &base);
            for file in
                ["tools/python", "w/in/bin/python", "bin/python3", "bin/special", "w/.vscode/settings.json"]
            {
                let path = dir.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            std::fs::create_dir_all(dir.path().join("w/.git")).unwrap();
            std::fs::write(dir.path().join("w/.vscode/settings.json"), place(settings)).unwrap();
            let environment = [("PATH", "@/bin"), ("HOME", "@"), ("TOOLS", "@/tools")]
                .map(|(name, value)| (name.to_owned(), place(value)));
            let system = System::fixed(std::time::UNIX_EPOCH, environment, dir.path().to_owned());
            let found = find(&dir.path().join("w"), None, &system).map(|found| found.command);
            assert_eq!(found, Some(vec![place(expected)]), "{settings}");
        }
    }
}
