//! Fixes tried on a throw-away copy, with a real pytest: what is said of them, and that the workspace stays as it is.

#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

#[path = "support/python.rs"]
mod python;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use failscope::evidence::redact::Redactor;
use failscope::fix::change::Change;
use failscope::fix::verify::{Setting, Test, VerifyRequest, try_fix};
use failscope::model::{RelPath, Verification, VerificationState as State};
use failscope::system::System;
use failscope::workspace::Config;
use tokio_util::sync::CancellationToken;

use python::python;

const SHOP: &str = "def total(prices):\n    return sum(prices) + 1\n\n\ndef mean(prices):\n    return (total(prices) - 1) / len(prices)\n";

const TESTS: &str = "from shop import mean, total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n\n\ndef test_empty():\n    assert total([]) == 0\n\n\ndef test_type():\n    assert isinstance(total([1]), int)\n";

const OTHER: &str = "import shop\n\n\ndef test_mean():\n    assert shop.mean([1, 3]) == 2\n";

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn shop() -> Self {
        Self::new(&[
            ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['.']\n"),
            ("shop.py", SHOP),
            ("tests/test_total.py", TESTS),
            ("tests/test_other.py", OTHER),
        ])
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("w")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn setting(&self) -> Setting {
        let home = self.folder.path().join("home").display().to_string();
        let environment = [("XDG_CACHE_HOME".to_owned(), home)];
        let system = System::fixed(std::time::UNIX_EPOCH, environment, self.root());
        let config = Config { python: Some(python()), ..Config::default() };
        Setting::new(&self.root(), &config, &system)
    }

    /// Tries to replace `old`, which stands once in `path`, and makes sure that nothing else has changed.
    async fn replaced(&self, path: &str, old: &str, new: &str, tests: &[&str]) -> Verification {
        self.tried(self.setting(), &[(path, old, new)], tests).await
    }

    async fn tried(&self, setting: Setting, edits: &[(&str, &str, &str)], tests: &[&str]) -> Verification {
        let edits = edits
            .iter()
            .map(|(path, old, new)| {
                let relative = RelPath::new(path).unwrap();
                let unsaved = setting.unsaved.get(&relative).map(ToString::to_string);
                let text =
                    unsaved.unwrap_or_else(|| std::fs::read_to_string(self.root().join(path)).unwrap());
                change(&text, relative, old, new)
            })
            .collect();
        let redactor = Redactor::default();
        let tests = tests
            .iter()
            .map(|id| Test {
                id: (*id).to_owned(),
                arg: (*id).to_owned(),
                shown: redactor.text(id),
                exception: "AssertionError".to_owned(),
            })
            .collect();
        let before = tree(&self.root());
        let request = VerifyRequest { setting, edits, tests };
        let verification = try_fix(&request, &CancellationToken::new()).await;
        assert!(tree(&self.root()) == before, "the workspace is never written");
        let copies = self.folder.path().join("home/failscope/copies");
        assert_eq!(std::fs::read_dir(copies).unwrap().count(), 0, "nothing is left behind");
        verification
    }
}

fn change(text: &str, path: RelPath, old: &str, new: &str) -> Change {
    assert_eq!(text.matches(old).count(), 1, "{old:?}");
    let at = text.find(old).unwrap();
    let position = |at: usize| {
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        (text[..at].matches('\n').count() as u32 + 1, text[start..at].chars().count() as u32 + 1)
    };
    Change {
        path,
        start: position(at),
        end: position(at + old.len()),
        new_text: new.to_owned(),
        digest: None,
    }
}

/// All of a folder: paths, bytes, links and times of change.
fn tree(root: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let entries = ignore::WalkBuilder::new(root).standard_filters(false).build().map(Result::unwrap);
    entries
        .map(|entry| {
            let modified = entry.metadata().unwrap().modified().unwrap();
            (entry.path().to_owned(), (std::fs::read(entry.path()).unwrap_or_default(), modified))
        })
        .collect()
}

fn texts(of: &[failscope::model::Redacted]) -> Vec<&str> {
    of.iter().map(failscope::model::Redacted::as_str).collect()
}

const FAILING: [&str; 2] = ["tests/test_total.py::test_empty", "tests/test_total.py::test_total"];

#[tokio::test]
async fn what_a_fix_does_is_told() {
    let project = Project::shop();
    // The mean depends on what is wrong in the total.
    let found = project.replaced("shop.py", "sum(prices) + 1", "sum(prices)", &FAILING).await;
    assert_eq!(found.state, State::Breaks, "{found:?}");
    assert_eq!(texts(&found.broken), ["tests/test_other.py::test_mean"]);
    assert_eq!(found.summary().unwrap(), "breaks test_mean");
    let both =
        [("shop.py", "sum(prices) + 1", "sum(prices)"), ("shop.py", "(total(prices) - 1)", "total(prices)")];
    let found = project.tried(project.setting(), &both, &FAILING).await;
    assert_eq!((found.state, texts(&found.passed)), (State::Verified, FAILING.to_vec()), "{found:?}");
    assert_eq!(found.summary().unwrap(), "verified: 2 tests pass, none newly fail");
    let found = project.replaced("shop.py", "sum(prices) + 1", "sum(prices) + 2", &FAILING).await;
    assert_eq!(found.state, State::NoHelp, "{found:?}");
    assert!(found.reason.as_ref().unwrap().as_str().contains("assert 2 == 0"), "{found:?}");
    let found = project.replaced("shop.py", "sum(prices) + 1", "len(prices) and 3", &FAILING).await;
    assert_eq!((found.state, found.passed.len()), (State::Breaks, 2), "{found:?}");
    let found = project.replaced("shop.py", "return sum(prices) + 1", "return (", &FAILING).await;
    assert_eq!(found.state, State::NoHelp, "{found:?}");
}

#[tokio::test]
async fn a_fix_that_makes_a_test_loop_runs_out_of_time() {
    let project = Project::shop();
    let mut setting = project.setting();
    setting.limits.time = Duration::from_secs(3);
    let edits = [("shop.py", "return sum(prices) + 1", "while True: pass")];
    let found = project.tried(setting, &edits, &FAILING).await;
    assert_eq!((found.state, found.passed.len()), (State::TimedOut, 0), "{found:?}");
}

#[tokio::test]
async fn what_fails_in_a_loop_without_the_fix_is_mended() {
    let project = Project::shop();
    project.write("shop.py", &SHOP.replace("return sum(prices) + 1", "while True: pass"));
    let mut setting = project.setting();
    setting.limits.time = Duration::from_secs(3);
    let edits = [("shop.py", "while True: pass", "return sum(prices)")];
    let found = project.tried(setting, &edits, &FAILING[..1]).await;
    assert_eq!(found.state, State::Verified, "{found:?}");
}

#[tokio::test]
async fn unsaved_text_counts() {
    let project = Project::shop();
    project.write("tests/test_other.py", "");
    let mut setting = project.setting();
    let text =
        format!("# grüße\r\n{}", SHOP.replace('\n', "\r\n").replace("sum(prices) + 1", "sum(prices) - 1"));
    setting.unsaved.insert(RelPath::new("shop.py").unwrap(), text.into());
    let edits = [("shop.py", "sum(prices) - 1", "sum(prices)")];
    let found = project.tried(setting, &edits, &FAILING).await;
    assert_eq!(found.state, State::Verified, "{found:?}");
}

#[tokio::test]
async fn what_cannot_be_tried_says_why() {
    let project = Project::shop();
    let edit = ("shop.py", "sum(prices) + 1", "sum(prices)");
    for (test, expected) in [
        ("tests/test_total.py::test_type", "passes without the fix"),
        ("tests/test_total.py::test_gone", "does not find"),
        ("tests/test_gone.py::test_gone", "does not find"),
    ] {
        let found = project.tried(project.setting(), &[edit], &[test]).await;
        assert_eq!(found.state, State::NotRun, "{test}: {found:?}");
        assert!(found.reason.as_ref().unwrap().as_str().contains(expected), "{test}: {found:?}");
    }
    let mut setting = project.setting();
    setting.config.python = Some("no/such/python".to_owned());
    let found = project.tried(setting, &[edit], &FAILING).await;
    assert!(found.reason.unwrap().as_str().contains("no/such/python"));
    // A test that needs what is not copied fails in another way on the copy.
    project.write(".gitignore", "*.bin\n");
    project.write("big.bin", &"x".repeat(3 << 20));
    project.write(
        "tests/test_total.py",
        "from shop import total\ndef test():\n    assert total([len(open('big.bin').read())]) == 3 << 20\n",
    );
    let found =
        project.replaced("shop.py", "sum(prices) + 1", "sum(prices)", &["tests/test_total.py::test"]).await;
    assert_eq!(found.state, State::NotRun, "{found:?}");
    assert!(found.reason.unwrap().as_str().contains("big.bin"));
}

/// A virtual environment in which the project is installed in editable mode, in the ways of several tools.
fn installed(project: &Project, how: &str) -> String {
    let environment = project.folder.path().join(format!("env-{how}"));
    #[expect(clippy::disallowed_methods, reason = "tests make what they need")]
    let run = |args: &[&str]| std::process::Command::new(python()).args(args).output().unwrap();
    let made = run(&["-m", "venv", "--without-pip", &environment.display().to_string()]);
    assert!(made.status.success(), "{made:?}");
    let asked = run(&["-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]);
    let packages = String::from_utf8(asked.stdout).unwrap();
    let python = environment.join("bin/python");
    let below = Path::new(packages.trim())
        .strip_prefix(Path::new(&self::python()).parent().unwrap().parent().unwrap());
    let own = environment.join(below.unwrap());
    std::fs::write(own.join("pytest.pth"), packages).unwrap();
    let source = project.root().join("src").display().to_string();
    if how == "pth" {
        std::fs::write(own.join("shop.pth"), &source).unwrap();
    } else {
        let finder = format!(
            "import sys\nfrom importlib.util import spec_from_file_location\n\nMAPPING = {{'shop': '{source}/shop'}}\n\n\nclass Finder:\n    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n        if name in MAPPING:\n            return spec_from_file_location(name, MAPPING[name] + '/__init__.py', submodule_search_locations=[MAPPING[name]])\n\n\nsys.meta_path.append(Finder)\n"
        );
        std::fs::write(own.join("editable_finder.py"), finder).unwrap();
        std::fs::write(own.join("shop.pth"), "import editable_finder\n").unwrap();
    }
    python.display().to_string()
}

#[tokio::test]
async fn the_copys_code_is_tested_where_the_original_is_installed() {
    let project = Project::new(&[
        ("pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("src/shop/__init__.py", "from .sums import total\n"),
        ("src/shop/sums.py", "def total(prices):\n    return sum(prices) + 1\n"),
        ("src/shop/__main__.py", "import shop\n\nprint(shop.total([1, 2]))\n"),
        (
            "tests/test_total.py",
            "import subprocess, sys\n\nimport shop\n\n\ndef test_total():\n    assert shop.total([1, 2]) == 3\n\n\ndef test_program():\n    assert subprocess.check_output([sys.executable, '-m', 'shop']) == b'3\\n'\n",
        ),
    ]);
    let tests = ["tests/test_total.py::test_program", "tests/test_total.py::test_total"];
    for how in ["pth", "finder"] {
        let mut setting = project.setting();
        setting.config.python = Some(installed(&project, how));
        let found = project.tried(setting, &[("src/shop/sums.py", " + 1", "")], &tests).await;
        assert_eq!(found.state, State::Verified, "{how}: {found:?}");
    }
    // A file that is loaded by its absolute path cannot be moved: nothing is claimed.
    let source = project.root().join("src/shop/sums.py").display().to_string();
    project.write(
        "conftest.py",
        &format!(
            "import importlib.util, sys\nspec = importlib.util.spec_from_file_location('sums', '{source}')\nsums = importlib.util.module_from_spec(spec)\nsys.modules['sums'] = sums\nspec.loader.exec_module(sums)\n"
        ),
    );
    let mut setting = project.setting();
    setting.config.python = Some(installed(&project, "pth"));
    let found = project.tried(setting, &[("src/shop/sums.py", " + 1", "")], &tests).await;
    assert_eq!(found.state, State::NotRun, "{found:?}");
    assert!(found.reason.unwrap().as_str().contains("import sums from the project itself"));
}

/// Whether this kernel lets a process give up writing (Landlock: version 1 or later answers the call 444).
fn can_confine() -> bool {
    #[expect(clippy::disallowed_methods, reason = "tests ask what there is")]
    let asked = std::process::Command::new(python())
        .args(["-c", "import ctypes, sys\nsys.exit(0 if sys.platform == 'linux' and ctypes.CDLL(None).syscall(444, None, 0, 1) >= 1 else 1)"])
        .status();
    asked.unwrap().success()
}

#[tokio::test]
async fn a_test_that_writes_to_the_project_by_its_absolute_path_cannot() {
    let project = Project::shop();
    for (path, text) in [
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".failscope/rca_report.json", "{}"),
        (".pytest_cache/README.md", "cache"),
        ("__pycache__/shop.cpython-311.pyc", "code"),
    ] {
        project.write(path, text);
    }
    let root = project.root().display().to_string();
    let home = project.folder.path().join("elsewhere.txt").display().to_string();
    let code = format!(
        "import os, subprocess, sys\nfrom shop import total\n\nFILES = [{root:?} + name for name in ('/new.txt', '/shop.py', '/.git/HEAD', '/.failscope/rca_report.json', '/.pytest_cache/README.md', '/__pycache__/new.pyc')] + [{home:?}]\n\n\ndef test_total():\n    denied = 0\n    for path in FILES:\n        try:\n            open(path, 'a').write('x')\n        except OSError:\n            denied += 1\n    code = f'open({{FILES[1]!r}}, \"a\").write(\"y\")'\n    denied += subprocess.run([sys.executable, '-S', '-c', code], stderr=subprocess.DEVNULL).returncode != 0\n    try:\n        os.remove(FILES[2])\n    except OSError:\n        denied += 1\n    assert total([1, 2]) == 3\n    assert denied == len(FILES) + 2\n    open('made.txt', 'w').write('in the copy')\n"
    );
    project.write("tests/test_total.py", &code);
    if !can_confine() {
        return;
    }
    let both =
        [("shop.py", "sum(prices) + 1", "sum(prices)"), ("shop.py", "(total(prices) - 1)", "total(prices)")];
    let found = project.tried(project.setting(), &both, &["tests/test_total.py::test_total"]).await;
    assert_eq!(found.state, State::Verified, "{found:?}");
    assert!(!Path::new(&home).exists());
}

fn is_running(pid: &str) -> bool {
    // A process that has ended and that nobody has waited for is still listed.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits for what no event tells; the bound ends a broken run.
fn wait_for(what: impl Fn() -> bool) {
    for _ in 0..3000 {
        if what() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it does not come");
}

#[test]
fn a_killed_trial_leaves_the_workspace_as_it_was_and_no_process() {
    let project = Project::new(&[
        ("pyproject.toml", "[tool.pytest.ini_options]\npythonpath = ['.']\n"),
        (
            "shop.py",
            "class Shop:\n    def __init__(self):\n        self.items = [1]\n\n    def total(self):\n        return sum(self.itms)\n",
        ),
    ]);
    project.write(
        "test_shop.py",
        "import os, time\n\nfrom shop import Shop\n\n\ndef test_total():\n    assert Shop().total() == 1\n    open('started', 'w').write(str(os.getpid()) + '\\n')\n    time.sleep(600)\n",
    );
    let home = project.folder.path().join("home");
    let failscope = |args: &[&str]| {
        #[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_failscope"));
        command
            .args(args)
            .current_dir(project.root())
            .env("XDG_CACHE_HOME", &home)
            .env("VIRTUAL_ENV", Path::new(&python()).parent().unwrap().parent().unwrap())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command
    };
    project.write(".git/HEAD", "ref: refs/heads/main\n");
    failscope(&["run"]).status().unwrap();
    // Its own reports, which it writes whether or not anything is tried, go elsewhere here.
    let reports = project.folder.path().join("reports").display().to_string();
    let before = tree(&project.root());
    assert!(
        [".failscope", ".pytest_cache", ".git"]
            .iter()
            .all(|name| before.contains_key(&project.root().join(name)))
    );
    let runs = project.root().join(".failscope/runs");
    let run = std::fs::read_dir(runs).unwrap().next().unwrap().unwrap().path().display().to_string();
    let mut child = failscope(&["analyze", &run, "--verify", "--output", &reports]).spawn().unwrap();
    // The test can write in its copy only.
    let told = || {
        let all = ignore::WalkBuilder::new(home.join("failscope/copies")).standard_filters(false).build();
        let started = all.filter_map(Result::ok).find(|entry| entry.file_name() == "started")?;
        std::fs::read_to_string(started.path()).ok().filter(|text| text.ends_with('\n'))
    };
    wait_for(|| told().is_some());
    let pid = told().unwrap().trim().to_owned();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for(|| !is_running(&pid));
    assert!(tree(&project.root()) == before, "the workspace is never written");
    // What was left in the cache goes with the next trial.
    let copies = home.join("failscope/copies");
    assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 1);
    project.write(
        "test_shop.py",
        "from shop import Shop\n\n\ndef test_total():\n    assert Shop().total() == 1\n",
    );
    failscope(&["run", "--verify"]).status().unwrap();
    assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 0);
    let report = std::fs::read_to_string(project.root().join(".failscope/rca_report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let verification = &report["analyses"][0]["fixes"][0]["verification"];
    assert_eq!(verification["state"], "verified");
    assert_eq!(verification["passed"], serde_json::json!(["test_shop.py::test_total"]));
}
