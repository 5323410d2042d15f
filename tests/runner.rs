//! Running pytest from the editor: the plugin comes along though it is not installed, events come while the run
//! goes on, one run at a time, and a cancelled run leaves no process behind.

#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

#[path = "support/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::time::Duration;

use failscope::ingest::ReadOptions;
use failscope::ingest::events::Assembler;
use failscope::model::{Detail, Exit, FailureKind, Phase};
use failscope::pytest::events::Event;
use failscope::pytest::runner::{Progress, Request, RunError, Runner};
use failscope::system::System;

use python::python;

struct Project {
    folder: tempfile::TempDir,
    system: System,
}

impl Project {
    fn new(test: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("w")).unwrap();
        std::fs::write(folder.path().join("w/test_it.py"), test).unwrap();
        let home = folder.path().display().to_string();
        let system =
            System::fixed(std::time::UNIX_EPOCH, [("HOME".to_owned(), home)], folder.path().to_owned());
        Self { folder, system }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("w")
    }

    fn request(&self, args: &[&str]) -> Request {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Request::new(self.root(), &args, Some(&python()), &self.system).unwrap()
    }
}

fn is_running(pid: i32) -> bool {
    // A process that has ended and that nobody has waited for is still listed.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn written(path: &Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

#[tokio::test]
async fn events_and_output_come_from_a_project_without_the_plugin() {
    let project = Project::new(
        "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_n(n):\n    twice = 2 * n\n    assert twice == 2\n",
    );
    let runner = Runner::default();
    let mut run = runner.start(project.request(&[])).unwrap();
    assert!(matches!(runner.start(project.request(&[])), Err(RunError::Busy)));
    let mut assembler = Assembler::new("run", ReadOptions::default());
    let mut printed = String::new();
    let mut collected = None;
    while let Some(progress) = run.next().await {
        match progress {
            Progress::Event(event) => {
                if let Event::Collected(all) = &*event {
                    collected = Some(all.count);
                }
                assembler.push(*event);
            }
            Progress::Output(text) => printed += &text,
        }
    }
    let finished = run.wait().await.unwrap();
    assert_eq!((finished.exit, finished.cancelled, collected), (Some(1), false, Some(2)));
    assert_eq!(printed, finished.output);
    assert!(printed.contains("1 failed, 1 passed"), "{printed}");
    assert!(!runner.is_busy());

    let run = assembler.finish(None);
    assert_eq!(run.exit, Exit::Code(1));
    assert_eq!((run.counts.passed, run.counts.failed), (1, 1));
    assert!(run.outcomes.contains("test_it.py::test_n[1]"));
    let [failure] = &run.failures[..] else { panic!("{:?}", run.failures) };
    assert_eq!((failure.test.as_str(), failure.phase), ("test_it.py::test_n[2]", Phase::Call));
    assert_eq!(failure.detail, Detail::Values);
    assert_eq!(failure.params, [("n".to_owned(), "2".to_owned())]);
    let [exception] = &failure.exceptions[..] else { panic!("{:?}", failure.exceptions) };
    let frame = exception.frames.last().unwrap();
    assert_eq!((frame.path.as_str(), frame.line), ("test_it.py", 6));
    let locals: Vec<_> = frame.locals.iter().map(|l| (l.name.as_str(), l.repr.as_str())).collect();
    assert_eq!(locals, [("n", "2"), ("twice", "4")]);
    let assertion = exception.assertion.as_ref().unwrap();
    assert_eq!((assertion.left.as_str(), assertion.right.as_deref()), ("4", Some("2")));

    let beside: Vec<_> = std::fs::read_dir(project.root())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in &beside {
        let known = ["test_it.py", ".failscope", ".pytest_cache", "__pycache__"];
        assert!(known.contains(&name.as_str()), "the project has got a new {name}");
    }
}

#[tokio::test]
async fn cancelling_ends_all_that_pytest_has_started() {
    // A test that ignores Ctrl-C, and a process of it that ignores it as well.
    let project = Project::new(
        "import os, signal, subprocess, sys, time\n\
         def test_hangs():\n    \
             signal.signal(signal.SIGINT, signal.SIG_IGN)\n    \
             child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n    \
             open('pids', 'w').write(f'{os.getpid()} {child.pid}\\n')\n    \
             time.sleep(600)\n",
    );
    let runner = Runner::default();
    let run = runner.start(project.request(&[])).unwrap();
    let pids = written(&project.root().join("pids")).await;
    let pids: Vec<i32> = pids.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_running(*pid)));
    run.canceller().cancel();
    let finished = run.wait().await.unwrap();
    assert!(finished.cancelled);
    while pids.iter().any(|pid| is_running(*pid)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!runner.is_busy());
}

#[tokio::test]
async fn a_cancelled_test_is_torn_down() {
    let project = Project::new(
        "import pytest, time\n\n@pytest.fixture\ndef thing():\n    yield\n    open('torn', 'w').write('down\\n')\n\n\
         def test_waits(thing):\n    open('ready', 'w').write('yes\\n')\n    time.sleep(600)\n",
    );
    let run = Runner::default().start(project.request(&[])).unwrap();
    written(&project.root().join("ready")).await;
    run.canceller().cancel();
    let finished = run.wait().await.unwrap();
    assert_eq!((finished.exit, finished.cancelled), (Some(2), true), "{}", finished.output);
    assert_eq!(written(&project.root().join("torn")).await, "down\n");
    let run = failscope::ingest::events::read(
        std::fs::File::open(&finished.stream).unwrap(),
        "run",
        None,
        &ReadOptions::default(),
    )
    .unwrap();
    assert_eq!((run.exit, run.failures.len(), run.problems.len()), (Exit::Interrupted, 0, 0));
}

#[tokio::test]
async fn a_test_that_kills_python_is_named() {
    let project = Project::new("import os\ndef test_ok(): pass\ndef test_dies(): os._exit(9)\n");
    let mut run = Runner::default().start(project.request(&[])).unwrap();
    let mut assembler = Assembler::new("run", ReadOptions::default());
    while let Some(progress) = run.next().await {
        if let Progress::Event(event) = progress {
            assembler.push(*event);
        }
    }
    assert_eq!(run.wait().await.unwrap().exit, Some(9));
    assert_eq!(assembler.running().collect::<Vec<_>>(), ["test_it.py::test_dies"]);
    assembler.process_is_gone();
    let run = assembler.finish(None);
    assert_eq!(run.exit, Exit::Unfinished);
    let [failure] = &run.failures[..] else { panic!("{:?}", run.failures) };
    assert_eq!((failure.test.as_str(), failure.kind), ("test_it.py::test_dies", FailureKind::Crash));
    assert_eq!((run.counts.passed, run.counts.failed), (1, 1));
}
