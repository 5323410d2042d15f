//! Projects whose failing tests are traced, with a real pytest.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value as Json;

use super::python::python;

/// A project in a temporary folder.
pub struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!(
            "[tool.failscope]\npython = \"{}\"\n[tool.pytest.ini_options]\npythonpath = [\".\"]\n",
            python()
        );
        std::fs::create_dir_all(folder.path().join("w")).unwrap();
        std::fs::create_dir_all(folder.path().join("tmp")).unwrap();
        let project = Self { folder };
        project.write("pyproject.toml", &settings);
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    /// The project's folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("w")
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// `failscope trace` with `args`.
    pub fn command(&self, args: &[&str]) -> Command {
        self.failscope("trace", args)
    }

    /// A subcommand of the program with `args`.
    pub fn failscope(&self, subcommand: &str, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("failscope").unwrap();
        command
            .current_dir(self.root())
            .env_clear()
            .env("HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("home"))
            .env("TMPDIR", self.folder.path().join("tmp"))
            .env("PATH", "/usr/bin:/bin")
            // Files change within a second here, and Python tells whether a compiled one is old by second and size.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(subcommand)
            .args(args);
        command
    }

    /// The report of tracing all that fails, with so many seconds of processor time for edits.
    pub fn traced(&self, edits: &str) -> Json {
        let output = self.command(&["--json", "--edits", edits]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// A path beside the project's folder.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is left in the folder for temporary files.
    pub fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("tmp")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("failscope")).collect()
    }
}

/// The number of the line of `text` that holds the comment `# here`.
pub fn marked(text: &str) -> u64 {
    1 + text.lines().position(|line| line.contains("# here")).unwrap() as u64
}

/// The processes that run somewhere below `folder`.
pub fn running(folder: &Path) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    let is_there =
        |process: &PathBuf| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    processes.filter(is_there).collect()
}
