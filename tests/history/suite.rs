//! A project whose runs are told by JUnit files of our making.

use std::fmt::Write as _;
use std::path::PathBuf;

use assert_cmd::Command;

/// A project without code, in a folder of its own.
pub struct Suite {
    /// Where it is.
    pub folder: tempfile::TempDir,
    /// Where its history is, if not in its own folder.
    pub history: Option<String>,
}

impl Suite {
    /// An empty project.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pyproject.toml"), "[project]\nname = \"suite\"\n").unwrap();
        Self { folder, history: None }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `failscope` in it, without the environment of whoever runs the tests.
    pub fn failscope(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("failscope").unwrap();
        command.current_dir(self.folder.path()).env_clear().env("HOSTNAME", "here").args(args);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        if let Some(history) = &self.history {
            command.env("FAILSCOPE_HISTORY", history);
        }
        command
    }

    /// Runs `failscope` and gives its standard output; it must end with `code` and say nothing on standard error.
    pub fn run(&self, args: &[&str], code: i32) -> String {
        let output = self.failscope(args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), error.as_str()), (Some(code), ""), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The stability report, parsed.
    pub fn stability(&self) -> serde_json::Value {
        serde_json::from_str(&self.run(&["history", "--format", "json"], 0)).unwrap()
    }

    /// What the stability report says of a test.
    pub fn test(&self, name: &str) -> serde_json::Value {
        let report = self.stability();
        let tests = report["tests"].as_array().unwrap();
        let found = tests.iter().find(|test| test["test_name"] == name);
        found.unwrap_or_else(|| panic!("{name} in {report}")).clone()
    }

    /// Writes a JUnit file of a run that began at `start` (minutes of 2026-03-01) from a short form: names with `+`
    /// passed, `-` failed, `s` skipped, `x` failed as expected in front.
    pub fn junit(&self, name: &str, start: u32, tests: &str) -> PathBuf {
        let mut cases = String::new();
        for (index, test) in tests.split_whitespace().enumerate() {
            let (kind, test) = test.split_at(1);
            let seconds = f64::from(start % 7 + 1) / 1000.0 + index as f64 / 500.0;
            let inner = match kind {
                "-" => {
                    "<failure message=\"assert 1 == 2\">def test():\n&gt;   assert 1 == 2\nE   assert 1 == 2\n\ntests/test_a.py:2: AssertionError</failure>"
                }
                "s" => {
                    "<skipped type=\"pytest.skip\" message=\"not now\">tests/test_a.py:1: not now</skipped>"
                }
                "x" => "<skipped type=\"pytest.xfail\" message=\"\" />",
                _ => "",
            };
            let _ = write!(
                cases,
                "<testcase classname=\"tests.test_a\" name=\"{test}\" time=\"{seconds:.3}\">{inner}</testcase>"
            );
        }
        let (hour, minute) = (start / 60, start % 60);
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites name=\"pytest tests\"><testsuite name=\"pytest\" time=\"9.0\" timestamp=\"2026-03-{day:02}T{hour:02}:{minute:02}:00.000000+00:00\" hostname=\"ci\">{cases}</testsuite></testsuites>",
            day = 1 + hour / 24,
            hour = hour % 24,
        );
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}
