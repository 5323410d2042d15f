//! What every subcommand needs first: the workspace's folder and its settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::system::System;
use crate::workspace::config::ConfigProblem;
use crate::workspace::{Config, Workspace};

/// Files that mark the root of a Python project, and the folder of a git checkout.
const MARKERS: [&str; 7] =
    ["pyproject.toml", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", ".failscope", ".git"];

/// A workspace as the command line sees it.
#[derive(Debug)]
pub struct Project {
    /// Its folder.
    pub root: PathBuf,
    /// Its settings.
    pub config: Config,
    /// Settings that could not be used.
    pub problems: Vec<ConfigProblem>,
}

impl Project {
    /// The workspace at `root`, or else the one around the working directory.
    pub fn open(root: Option<&Path>, system: &System) -> anyhow::Result<Self> {
        let root = match root {
            Some(given) => {
                let path = system.current_dir().join(given);
                anyhow::ensure!(
                    path.is_dir(),
                    "there is no folder {}; give --root the folder that holds the project",
                    path.display()
                );
                path
            }
            None => around(system.current_dir()),
        };
        let (config, problems) = match std::fs::read_to_string(root.join("pyproject.toml")) {
            Ok(text) => Config::from_pyproject(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Config::default(), Vec::new()),
            Err(error) => {
                let message = format!("cannot be read ({error}); the default settings are used");
                (Config::default(), vec![ConfigProblem { line: None, message }])
            }
        };
        Ok(Self { root, config, problems })
    }

    /// The folder of the reports.
    pub fn output(&self) -> PathBuf {
        self.root.join(&self.config.output)
    }

    /// A snapshot of the workspace.
    pub fn workspace(&self) -> Workspace {
        Workspace::new(self.root.clone(), Arc::new(self.config.clone()))
    }

    /// The problems of the settings, one line each.
    pub fn problem_lines(&self) -> Vec<String> {
        self.problems
            .iter()
            .map(|problem| match problem.line {
                Some(line) => format!("pyproject.toml:{line}: {}", problem.message),
                None => format!("pyproject.toml: {}", problem.message),
            })
            .collect()
    }
}

/// The nearest folder at or above `start` with a marker, but not above a git checkout; else `start`.
fn around(start: &Path) -> PathBuf {
    for folder in start.ancestors() {
        if MARKERS.iter().any(|marker| folder.join(marker).exists()) {
            return folder.to_owned();
        }
    }
    start.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_nearest_marked_folder() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let deep = dir.path().join("repo/pkg/tests/unit");
        std::fs::create_dir_all(&deep)?;
        std::fs::create_dir(dir.path().join("repo/.git"))?;
        assert_eq!(around(&deep), dir.path().join("repo"));
        std::fs::write(dir.path().join("repo/pkg/pyproject.toml"), "")?;
        assert_eq!(around(&deep), dir.path().join("repo/pkg"));
        Ok(())
    }
}
