//! A run that somebody starts in a terminal is followed while it goes on.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use failscope::engine::tools::Pipeline;
use serde_json::Value as Json;

use crate::client::{Client, Setup, lines};
use crate::fake::Project;
use crate::run::python;

/// The last test ends when the file `go` is there, and never before: what is shown until then is shown during
/// the run.
const TESTS: &str = "\
import os
import time

from shop import total


def test_wrong():
    bill = total([1, 2])
    assert bill == 3

def test_mended():
    assert os.path.exists('mended')

def test_last():
    while not os.path.exists('go') and os.path.exists('pyproject.toml'):
        time.sleep(0.01)
";

/// A `pytest` in a terminal, with the plugin as if it were installed, and ended with the test.
struct Terminal(Child);

impl Terminal {
    #[expect(clippy::disallowed_methods, reason = "the run is somebody else's")]
    fn start(project: &Project, args: &[&str]) -> Self {
        let command = Command::new(python())
            .args(["-m", "pytest", "-p", "failscope", "--failscope", "--fs-offline"])
            .args(args)
            .current_dir(project.root())
            .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/python"))
            .env("FAILSCOPE_BIN", env!("CARGO_BIN_EXE_failscope"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Self(command.unwrap())
    }

    fn is_going(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    async fn end(mut self) -> Option<i32> {
        tokio::task::spawn_blocking(move || self.0.wait().unwrap().code()).await.unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the line, from 1, has a diagnostic.
fn is_marked(diagnostics: &[Json], line: u64) -> bool {
    lines(diagnostics).iter().any(|(at, _)| at + 1 == line)
}

/// Whether the cause of what fails at the line, from 1, was found by a replay.
fn is_replayed(diagnostics: &[Json], line: u64) -> bool {
    lines(diagnostics).iter().any(|(at, message)| at + 1 == line && message.contains("in a replay"))
}

/// Waits until diagnostics fit.
async fn until(client: &mut Client, path: &Path, fits: impl Fn(&[Json]) -> bool) {
    while !fits(&client.diagnostics(path).await) {}
}

async fn followed(args: &[&str]) {
    let project = Project::empty();
    project.write("pyproject.toml", "[tool.pytest.ini_options]\n");
    project.write("shop.py", "def total(prices):\n    return sum(prices) - 1\n");
    project.write("test_shop.py", TESTS);
    let path = project.path("test_shop.py");
    let mut client =
        Client::start(Setup::new(project.root(), Arc::new(Pipeline::default())).watching()).await;
    client.analyze().await;

    let mut run = Terminal::start(&project, args);
    // In any order, for workers are at it. What takes long waits for the end of the run.
    until(&mut client, &path, |shown| {
        assert!(!is_replayed(shown, 9));
        is_marked(shown, 9) && is_marked(shown, 12)
    })
    .await;
    assert!(run.is_going());
    project.write("go", "");
    assert_eq!(run.end().await, Some(1));
    until(&mut client, &path, |shown| is_replayed(shown, 9)).await;
    project.remove("go");

    // The second run passes what the first did not, and says so while it goes on.
    project.write("mended", "");
    let mut run = Terminal::start(&project, args);
    until(&mut client, &path, |shown| is_marked(shown, 9) && !is_marked(shown, 12)).await;
    assert!(run.is_going());
    project.write("go", "");
    assert_eq!(run.end().await, Some(1));
    client.analyze().await;
    client.discard();
    client.close().await;
}

#[tokio::test]
#[cfg(unix)]
async fn a_run_in_a_terminal_is_shown_while_it_goes_on() {
    followed(&["-p", "no:xdist"]).await;
}

#[tokio::test]
#[cfg(unix)]
async fn a_run_with_workers_is_shown_while_it_goes_on() {
    followed(&["-n2"]).await;
}
