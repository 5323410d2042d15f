//! The search for a fix, with a real pytest: what is found in unlike projects, where it must stay silent, and that
//! whatever a candidate does stays in the copy.

#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

#[path = "support/python.rs"]
mod python;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use failscope::analysis::{Options, analyze};
use failscope::fix::search::{Found, Wish, search, suspects};
use failscope::fix::verify::Setting;
use failscope::ingest::{self, ReadOptions};
use failscope::model::{Analysis, Place, RelPath};
use failscope::pytest::runner::{Request, Runner};
use failscope::system::System;
use failscope::workspace::{Config, Workspace};
use tokio_util::sync::CancellationToken;

use python::python;

struct Project {
    folder: tempfile::TempDir,
    config: Config,
    system: System,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("w");
        // Some projects make errors of warnings: none may come from how edits are tried.
        let text = "[tool.pytest.ini_options]\npythonpath = ['.']\nfilterwarnings = ['error']\n";
        let settings = ("pyproject.toml", text);
        for (path, text) in files.iter().chain([&settings]) {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let home = folder.path().join("home").display().to_string();
        let environment = [("XDG_CACHE_HOME".to_owned(), home)];
        let system = System::fixed(std::time::UNIX_EPOCH, environment, root);
        let config = Config { python: Some(python()), ..Config::default() };
        Self { folder, config, system }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("w")
    }

    fn workspace(&self) -> Workspace {
        Workspace::new(self.root(), Arc::new(self.config.clone()))
    }

    /// The analysis of a run of all tests.
    async fn analysis(&self) -> Analysis {
        let args = ["-p".to_owned(), "no:cacheprovider".to_owned()];
        let mut request = Request::new(self.root(), &args, Some(&python()), &self.system).unwrap();
        request.stream = self.folder.path().join("run.jsonl");
        request.environment.push(("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()));
        let finished = Runner::default().start(request).unwrap().wait().await.unwrap();
        let run = ingest::read_file(&finished.stream, &ReadOptions::default()).unwrap();
        analyze(run, &self.workspace(), &Options::default())
    }

    /// Searches a fix of the one cause, first in the places given as (file, line).
    async fn search(&self, places: &[(&str, u32)], seconds: u64) -> Found {
        let analysis = self.analysis().await;
        let cluster = analysis.clusters.first().unwrap();
        let given = places.iter().map(|(path, line)| Place::line(RelPath::new(path).unwrap(), *line));
        let places: Vec<Place> = given.chain(suspects(cluster)).collect();
        let workspace = self.workspace();
        let wish = Wish {
            setting: Setting::new(&self.root(), &self.config, &self.system),
            workspace: &workspace,
            options: &Options::default(),
            budget: Duration::from_secs(seconds),
        };
        let before = self.files();
        let found = search(&places, cluster, &wish, &CancellationToken::new(), &|_, _| {}).await;
        assert!(self.files() == before, "the workspace is never written");
        let copies = self.folder.path().join("home/failscope/copies");
        assert_eq!(std::fs::read_dir(copies).unwrap().count(), 0, "nothing is left behind");
        found
    }

    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = ignore::WalkBuilder::new(self.root()).standard_filters(false).build();
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().into_path())
            .map(|path| (path.clone(), std::fs::read(path).unwrap_or_default()))
            .collect();
        files.sort();
        files
    }
}

fn titles(found: &Found) -> Vec<&str> {
    found.fixes.iter().map(|fix| fix.title.as_str()).collect()
}

/// (module, its text, its tests, suspected line, what the best fix is titled)
type Row = (&'static str, &'static str, &'static str, u32, &'static str);

const ROWS: &[Row] = &[
    (
        "pages",
        "def page(items, number, size):\n    start = (number - 1) * size\n    return items[start:start + size - 1]\n\n\ndef count(items, size):\n    return (len(items) + size - 1) // size\n",
        "from pages import count, page\n\n\ndef test_first():\n    assert page([1, 2, 3, 4], 1, 2) == [1, 2]\n\n\ndef test_second():\n    assert page([1, 2, 3, 4], 2, 2) == [3, 4]\n\n\ndef test_count():\n    assert count([1, 2, 3], 2) == 2\n",
        3,
        "Change `return items[start:start + size - 1]` to `return items[start:start + size]` (pages.py:3)",
    ),
    (
        "words",
        "import re\n\nWORD = re.compile(r'[a-z]+')\n\n\nclass Counter:\n    def __init__(self):\n        self.counts = {}\n        self.total = 0\n\n    def feed(self, text):\n        for word in WORD.findall(text.upper()):\n            self.counts[word] = self.counts.get(word, 0) + 1\n            self.total += 1\n",
        "from words import Counter\n\n\ndef test_counts():\n    counter = Counter()\n    counter.feed('A b a')\n    assert counter.counts == {'a': 2, 'b': 1}\n\n\ndef test_empty():\n    counter = Counter()\n    counter.feed('')\n    assert counter.total == 0\n",
        12,
        "Change `for word in WORD.findall(text.upper()):` to `for word in WORD.findall(text.lower()):` (words.py:12)",
    ),
    (
        "graph",
        "def reachable(edges, start):\n    seen = set()\n    todo = [start]\n    while todo:\n        node = todo.pop()\n        if node not in seen:\n            continue\n        seen.add(node)\n        todo.extend(edges.get(node, ()))\n    return seen\n",
        "import pytest\n\nfrom graph import reachable\n\n\n@pytest.mark.parametrize('start, expected', [('a', {'a', 'b', 'c'}), ('c', {'c'})])\ndef test_reachable(start, expected):\n    assert reachable({'a': ['b'], 'b': ['c']}, start) == expected\n",
        6,
        "Change `if node not in seen:` to `if node in seen:` (graph.py:6)",
    ),
    (
        "clock",
        "def parts(seconds):\n    minutes, seconds = divmod(seconds, 60)\n    hours, minutes = divmod(minutes, 60)\n    return hours, minutes, seconds\n\n\ndef show(seconds):\n    hours, minutes, rest = parts(seconds)\n    text = f'{minutes:02}:{rest:02}'\n    if hours:\n        text = f'{hours}:' + text\n",
        "from clock import parts, show\n\n\ndef test_parts():\n    assert parts(3661) == (1, 1, 1)\n\n\ndef test_show():\n    assert show(65) == '01:05'\n\n\ndef test_hours():\n    assert show(3600) == '1:00:00'\n",
        10,
        "Add `return text` (clock.py:11)",
    ),
    (
        "stock",
        "LIMIT = 3\n\n\nclass Stock:\n    def __init__(self, items=()):\n        self.items = list(items)\n\n    def is_low(self):\n        return len(self.items) < LIMIT\n\n    def snapshot(self):\n        return self.items\n",
        "from stock import Stock\n\n\ndef test_snapshot():\n    stock = Stock([1])\n    before = stock.snapshot()\n    stock.items.append(2)\n    assert before == [1]\n\n\ndef test_low():\n    assert Stock().is_low()\n    assert not Stock([1, 2, 3]).is_low()\n",
        12,
        "Change `return self.items` to `return self.items.copy()` (stock.py:12)",
    ),
    (
        "levels",
        "LEVELS = {'low': 1, 'high': 2}\nDEFAULT = 2\n\n\ndef level(name, default=DEFAULT):\n    return LEVELS.get(name, default)\n",
        "from levels import level\n\n\ndef test_known():\n    assert level('high') == 2\n\n\ndef test_default():\n    assert level('what') == 1\n",
        2,
        "Change `DEFAULT = 2` to `DEFAULT = 1` (levels.py:2)",
    ),
];

#[tokio::test]
async fn bugs_of_unlike_projects_are_mended() {
    for (name, text, tests, line, expected) in ROWS {
        let path = format!("{name}.py");
        let project = Project::new(&[(&path, text), (&format!("test_{name}.py"), tests)]);
        let found = project.search(&[(&path, *line)], 30).await;
        assert_eq!(titles(&found).first(), Some(expected), "{name}: {:?}", titles(&found));
        let best = &found.fixes[0];
        assert_eq!(best.verification.state, failscope::model::VerificationState::Verified);
        assert!(best.rationale.as_str().contains("small edits"), "{}", best.rationale);
    }
}

#[tokio::test]
async fn nothing_is_found_where_no_small_edit_mends() {
    let rows = [
        // What is missing is more than an edit.
        (
            "def parse(text):\n    return text.split(',')\n",
            "from it import parse\n\n\ndef test_quotes():\n    assert parse('a,\"b,c\"') == ['a', 'b,c']\n\n\ndef test_plain():\n    assert parse('a,b') == ['a', 'b']\n",
        ),
        // Only a change that breaks another test would do.
        (
            "def double(n):\n    return n * 2\n",
            "from it import double\n\n\ndef test_wrong():\n    assert double(3) == 9\n\n\ndef test_right():\n    assert double(3) == 6\n",
        ),
    ];
    for (text, tests) in rows {
        let project = Project::new(&[("it.py", text), ("test_it.py", tests)]);
        let found = project.search(&[("it.py", 2)], 20).await;
        assert!(found.fixes.is_empty(), "{:?}", titles(&found));
        assert!(found.tried > 0 && found.note.is_none(), "{found:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_searched_says_why() {
    let rows = [
        ("x = (\n", "import it\n\n\ndef test():\n    assert it\n", "before any test runs"),
        ("x = 1\n", "def test():\n    assert 1 == 2\n", "no suspected statement"),
    ];
    for (text, tests, expected) in rows {
        let project = Project::new(&[("it.py", text), ("test_it.py", tests)]);
        let analysis = project.analysis().await;
        let workspace = project.workspace();
        let wish = Wish {
            setting: Setting::new(&project.root(), &project.config, &project.system),
            workspace: &workspace,
            options: &Options::default(),
            budget: Duration::from_secs(5),
        };
        let cluster = &analysis.clusters[0];
        let found = search(&suspects(cluster), cluster, &wish, &CancellationToken::new(), &|_, _| {}).await;
        assert!(found.note.as_ref().is_some_and(|note| note.contains(expected)), "{found:?}");
    }
}

/// The processes that run somewhere below `folder`.
fn running(folder: &std::path::Path) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    let is_there =
        |process: &PathBuf| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    processes.filter(is_there).collect()
}

/// A project in which every edit that changes what the function gives makes the test wait for ever, and says so by a file.
const WAITS: [(&str, &str); 2] = [
    ("it.py", "def total(n):\n    return n.bit_length() * 3 - 4\n"),
    (
        "test_it.py",
        "import time\n\nfrom it import total\n\n\ndef test_total():\n    value = total(2)\n    if value != 2:\n        open('here', 'w').close()\n        time.sleep(600)\n    assert value == 300\n",
    ),
];

#[tokio::test]
async fn a_search_that_is_cancelled_leaves_no_process_and_no_file() {
    let project = Project::new(&WAITS);
    let analysis = project.analysis().await;
    let cluster = analysis.clusters.first().unwrap();
    let workspace = project.workspace();
    let setting = Setting::new(&project.root(), &project.config, &project.system);
    let wish = Wish {
        setting,
        workspace: &workspace,
        options: &Options::default(),
        budget: Duration::from_mins(10),
    };
    let places = [Place::line(RelPath::new("it.py").unwrap(), 2)];
    let cancel = CancellationToken::new();
    let copies = project.folder.path().join("home/failscope/copies");
    let waits = async {
        let is_here = || {
            let files = ignore::WalkBuilder::new(&copies).standard_filters(false).build();
            files.flatten().any(|entry| entry.file_name() == "here")
        };
        while !is_here() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_ne!(running(&copies), [""; 0].map(PathBuf::from));
        cancel.cancel();
    };
    let (found, ()) = tokio::join!(search(&places, cluster, &wish, &cancel, &|_, _| {}), waits);
    assert!(found.fixes.is_empty(), "{found:?}");
    assert_eq!(found.note.as_deref(), Some("cancelled"));
    assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 0, "nothing is left behind");
    assert_eq!(running(&copies), [""; 0].map(PathBuf::from));
}

/// Edits that make the failing test pass by knowing its values are no fixes.
#[tokio::test]
async fn what_knows_the_tested_values_is_not_offered() {
    let rows = [
        // A table that lacks an entry: only a special case for 7 would do.
        (
            "def name(n):\n    if n == 1:\n        return 'one'\n    return 'many'\n",
            "from it import name\n\n\ndef test_one():\n    assert name(1) == 'one'\n\n\ndef test_many():\n    assert name(2) == 'many'\n\n\ndef test_seven():\n    assert name(7) == 'seven'\n",
        ),
        // A constant is returned: the number that one test expects is no better.
        (
            "def weight(parcel):\n    return 4\n",
            "from it import weight\n\n\ndef test_weight():\n    assert weight('heavy') == 40\n",
        ),
        // Right by chance for the tested argument, wrong for others that pass.
        (
            "def area(a, b):\n    return a * b * b\n",
            "import pytest\n\nfrom it import area\n\n\n@pytest.mark.parametrize('a, b, expected', [(3, 1, 3), (1, 1, 1), (5, 1, 5)])\ndef test_flat(a, b, expected):\n    assert area(a, b) == expected\n\n\ndef test_high():\n    assert area(2, 3) == 77\n",
        ),
    ];
    for (text, tests) in rows {
        let project = Project::new(&[("it.py", text), ("test_it.py", tests)]);
        let lines: Vec<(&str, u32)> = (1..=text.lines().count()).map(|n| ("it.py", n as u32)).collect();
        let found = project.search(&lines, 60).await;
        assert!(found.fixes.is_empty(), "{:?}", titles(&found));
        assert!(found.tried > 0 && found.note.is_none(), "{found:?}");
    }
}

/// A candidate that negates the guard connects to a server outside, forks what goes on for ever, takes memory, starts a
/// program in a session of its own and deletes what it must not; another loops.
#[tokio::test]
async fn what_candidates_do_stays_in_the_copy() {
    let precious = tempfile::tempdir().unwrap();
    let file = precious.path().join("precious.txt");
    std::fs::write(&file, "precious").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let marker = precious.path().display().to_string();
    let text = format!(
        "import os\nimport shutil\nimport socket\nimport subprocess\nimport sys\nimport time\n\n\ndef misuse():\n    try:\n        socket.create_connection(('127.0.0.1', {port}), 1)\n    except OSError:\n        pass\n    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600) # {marker}'], start_new_session=True)\n    if os.fork() == 0:\n        os.setsid()\n        os.chdir({marker:?})\n        time.sleep(600)\n    shutil.rmtree({marker:?}, ignore_errors=True)\n    bytearray(64 << 30)\n\n\ndef clean(really, n):\n    if really:\n        misuse()\n    while n > 1:\n        n -= 1\n    return n + 1\n",
        port = listener.local_addr().unwrap().port(),
    );
    let tests = "from it import clean\n\n\ndef test_clean():\n    assert clean(False, 5) == 1\n";
    let project = Project::new(&[("it.py", &text), ("test_it.py", tests)]);
    let places = [("it.py", 24), ("it.py", 26), ("it.py", 27), ("it.py", 28)];
    let found = project.search(&places, 60).await;
    assert!(!found.fixes.is_empty() && found.tried > 2, "{found:#?}");
    let is_kept_from = |what: &str| found.contained.iter().any(|known| known == what);
    if is_kept_from("files") {
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    }
    if is_kept_from("network") {
        assert!(listener.accept().is_err(), "a candidate has reached a server");
    }
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let is_its = String::from_utf8_lossy(&command).contains(&format!("# {marker}"));
        let folder = std::fs::read_link(process.path().join("cwd")).unwrap_or_default();
        let is_there = folder.to_string_lossy().starts_with(&marker);
        assert!(!is_its && !is_there, "a candidate's process goes on: {:?}", process.path());
    }
}
