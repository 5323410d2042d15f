//! A small project in a temporary folder, and the program run in it.

use std::path::Path;

use assert_cmd::Command;

/// A copy of the `kinds` suite, with the results of a real run at `results.xml`.
pub struct Project {
    folder: tempfile::TempDir,
}

/// A result file under `fixtures/results/pytest9/kinds`.
fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/results/pytest9/kinds").join(name)
}

impl Project {
    /// The project without results.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/suites/kinds"), folder.path());
        Self { folder }
    }

    /// The project with the results of its whole run.
    pub fn with_results() -> Self {
        let project = Self::empty();
        project.add("main.xml", "results.xml");
        project
    }

    /// Copies a fixture's result file into the project.
    pub fn add(&self, fixture_name: &str, to: &str) {
        std::fs::copy(fixture(fixture_name), self.path(to)).unwrap();
    }

    /// A path in the project.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The text of a file of the project.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `rca_report.json`, parsed.
    pub fn report(&self) -> serde_json::Value {
        serde_json::from_str(&self.read(".failscope/rca_report.json")).unwrap()
    }

    /// `failscope` with these arguments, in the project's folder, at a fixed time, without the environment of
    /// whoever runs the tests.
    pub fn failscope(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("failscope").unwrap();
        command.current_dir(self.folder.path()).env_clear().env("SOURCE_DATE_EPOCH", "1795350100").args(args);
        command
    }
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // Left behind by whoever ran Failscope on the suite itself, as the README's first command does.
        if entry.file_name() == ".failscope" {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
