//! `failscope trace` with a real pytest, on projects whose traceback ends in the test's own `assert`: the function
//! that made the wrong value has returned long before.

#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

#[path = "support/python.rs"]
mod python;

#[path = "support/traced.rs"]
mod traced;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use traced::{Project, marked, running};

const LEDGER: &str = "\
class Account:
    def __init__(self, owner):
        self.owner = owner
        self.entries = []
        self.limit = 100

    def deposit(self, amount):
        self.entries.append(amount)

    def withdraw(self, amount):
        self.entries.append(amount)  # here

    def balance(self):
        total = 0
        for entry in self.entries:
            total += entry
        return total

    def statement(self):
        return '%s: %d' % (self.owner, self.balance())
";
const LEDGER_TEST: &str = "\
from ledger import Account

def test_deposit():
    account = Account('ann')
    account.deposit(5)
    assert account.balance() == 5

def test_statement():
    account = Account('ann')
    account.deposit(7)
    assert account.statement() == 'ann: 7'

def test_withdraw():
    account = Account('bob')
    account.deposit(50)
    account.withdraw(20)
    assert account.balance() == 30
";

const SHIPPING: &str = "\
FREE_FROM = 50

def weight_fee(grams):
    if grams > 1000:
        return 7
    return 4

def is_free(total):
    return total > FREE_FROM  # here

def fee(total, grams):
    if is_free(total):
        return 0
    return weight_fee(grams)

def invoice(total, grams):
    lines = {'goods': total, 'shipping': fee(total, grams)}
    lines['sum'] = lines['goods'] + lines['shipping']
    return lines
";
const SHIPPING_TEST: &str = "\
from shipping import fee, invoice, weight_fee

def test_heavy():
    assert weight_fee(1500) == 7

def test_light():
    assert fee(20, 500) == 4

def test_large_order():
    assert fee(80, 500) == 0

def test_invoice_at_the_limit():
    assert invoice(50, 500)['sum'] == 50

def test_at_the_limit():
    assert fee(50, 200) == 0
";

const WORDS: &str = "\
import re

def words(text):
    return [part for part in re.split(r'[^a-z0-9]+', text) if part]

def joined(parts, sep):
    return sep.join(parts)

def shortened(slug, most):
    if most and len(slug) > most:
        return slug[: most - 1]  # here
    return slug

def slug(text, sep='-', most=0):
    return shortened(joined(words(text.lower()), sep), most)
";
const WORDS_TEST: &str = "\
from words import slug

def test_plain():
    assert slug('Hello World') == 'hello-world'

def test_separator():
    assert slug('a  b', sep='_') == 'a_b'

def test_shortened():
    assert slug('hello world', most=5) == 'hello'

def test_short_enough():
    assert slug('abc', most=5) == 'abc'
";

const QUEUE: &str = "\
import asyncio

class Worker:
    def __init__(self):
        self.done = []
        self.failed = []

    async def run(self, jobs):
        for name, job in jobs:
            await self.one(name, job)
        return self.report()

    async def one(self, name, job):
        try:
            value = await job()
        except ValueError:
            self.done.append(name)  # here
            return
        self.done.append((name, value))

    def report(self):
        return {'done': len(self.done), 'failed': len(self.failed)}
";
const QUEUE_TEST: &str = "\
import asyncio
from jobs import Worker

async def good():
    return 1

async def bad():
    raise ValueError('no')

def run(*jobs):
    return asyncio.run(Worker().run(jobs))

def test_good():
    assert run(('a', good), ('b', good)) == {'done': 2, 'failed': 0}

def test_nothing():
    assert run() == {'done': 0, 'failed': 0}

def test_bad():
    assert run(('a', good), ('b', bad)) == {'done': 1, 'failed': 1}
";

#[test]
fn the_statement_that_made_the_value_is_among_the_first() {
    let rows = [
        ("ledger.py", LEDGER, LEDGER_TEST, 1),
        // A condition at its boundary: nothing but the branch that was not taken tells.
        ("shipping.py", SHIPPING, SHIPPING_TEST, 5),
        ("words.py", WORDS, WORDS_TEST, 3),
        ("jobs.py", QUEUE, QUEUE_TEST, 3),
    ];
    for (name, code, test, first) in rows {
        let project = Project::new(&[(name, code), ("tests/test_it.py", test)]);
        let report = project.traced("0");
        let finding = &report["analyses"][0];
        let culprits = finding["culprits"].as_array().unwrap();
        let places: Vec<(&str, u64)> =
            culprits.iter().map(|c| (c["file"].as_str().unwrap(), c["line"].as_u64().unwrap())).collect();
        assert!(
            places.iter().take(first).any(|place| *place == (name, marked(code))),
            "{name}: {culprits:#?}"
        );
        let right = culprits.iter().find(|c| c["line"] == marked(code)).unwrap();
        let reasons = right["reasons"].to_string();
        assert!(reasons.contains("failing") && reasons.contains("passing tests"), "{name}: {reasons}");
        assert_eq!(finding["affected_line"], culprits[0]["line"]);
        assert_eq!(project.left(), [""; 0]);
    }
}

#[test]
fn failures_with_one_cause_are_said_to_be_so() {
    let test = "\
from ledger import Account

def test_withdraw():
    account = Account('bob')
    account.withdraw(20)
    assert account.balance() == -20

def test_words():
    account = Account('bob')
    account.withdraw(3)
    assert account.statement() == 'bob: -3'

def test_deposit():
    account = Account('ann')
    account.deposit(5)
    assert account.statement() == 'ann: 5'
";
    let project = Project::new(&[("ledger.py", LEDGER), ("tests/test_it.py", test)]);
    let report = project.traced("0");
    let findings = report["analyses"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{report:#}");
    for (one, other) in [(0, 1), (1, 0)] {
        let also = &findings[one]["also_explains"][0];
        assert_eq!(also["fingerprint_hash"], findings[other]["fingerprint_hash"], "{report:#}");
        assert_eq!(also["tests"], 1);
        assert!(also["reason"].as_str().unwrap().contains("ledger.py:"), "{also}");
    }
}

#[test]
fn two_faults_are_not_taken_for_one() {
    let other = SHIPPING.replace("return 4", "return 3");
    let test = "\
from ledger import Account
from shipping import weight_fee

def test_withdraw():
    account = Account('bob')
    account.withdraw(20)
    assert account.balance() == -20

def test_light():
    assert weight_fee(500) == 4
";
    let files = [("ledger.py", LEDGER), ("shipping.py", other.as_str()), ("tests/test_it.py", test)];
    let report = Project::new(&files).traced("0");
    for finding in report["analyses"].as_array().unwrap() {
        assert_eq!(finding["also_explains"], serde_json::json!([]), "{finding:#}");
    }
}

/// One parametrised test whose parameters go through different functions, of which two are wrong: the failures have one
/// fingerprint, and nothing but the trace tells that there are two causes.
#[test]
fn a_cluster_whose_members_part_ways_is_said_to_be_several() {
    let code = "\
def widths(rows):
    return [max(len(cell) for cell in column) for column in zip(*rows)]

def plain(rows):
    return '|'.join(rows[0][1:])

def padded(rows):
    sizes = widths(rows)
    return '|'.join(cell.rjust(size) for cell, size in zip(rows[0], sizes))

def upper(rows):
    return '|'.join(cell.upper() for cell in rows[0])

STYLES = {'plain': plain, 'padded': padded, 'upper': upper}

def render(rows, style):
    return STYLES[style](rows)
";
    let test = "\
import pytest
from table import render

CASES = [
    ('plain', [['a', 'b']], 'a|b'),
    ('plain', [['c', 'd', 'e']], 'c|d|e'),
    ('padded', [['a', 'b'], ['xx', 'y']], 'a |b'),
    ('padded', [['a', 'b'], ['x', 'yyy']], 'a|b  '),
    ('upper', [['a', 'b']], 'A|B'),
    ('upper', [['c']], 'C'),
]

@pytest.mark.parametrize('style, rows, expected', CASES)
def test_render(style, rows, expected):
    assert render(rows, style) == expected
";
    let project = Project::new(&[("table.py", code), ("tests/test_it.py", test)]);
    let report = project.traced("0");
    let findings = report["analyses"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{report:#}");
    let parts = findings[0]["parts"].as_array().unwrap();
    let mut places: Vec<(u64, usize)> = parts
        .iter()
        .map(|part| (part["line"].as_u64().unwrap(), part["tests"].as_array().unwrap().len()))
        .collect();
    places.sort_unstable();
    assert!(matches!(places.as_slice(), [(5, 2), (8..=9, 2)]), "{parts:#?}");
    let text = String::from_utf8(project.command(&[]).output().unwrap().stdout).unwrap();
    assert!(text.contains("these may be several causes"), "{text}");

    // One fault: all point to it.
    let code = code.replace("rows[0][1:]", "rows[0]");
    let report = Project::new(&[("table.py", &code), ("tests/test_it.py", test)]).traced("0");
    assert_eq!(report["analyses"][0]["parts"], serde_json::json!([]), "{report:#}");
}

#[test]
fn what_has_changed_since_the_test_passed_is_said() {
    const GOOD: &str = "def half(n):\n    return n / 2\n\n\ndef double(n):\n    return n * 2\n";
    let test = "from sums import double\n\n\ndef test_double():\n    assert double(4) == 8\n";
    let project = Project::new(&[("sums.py", GOOD), ("tests/test_it.py", test)]);
    let git = |args: &[&str]| {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
        let mut command = Command::new("git");
        command.current_dir(project.root()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.args(identity).args(args).assert().success();
    };
    let said = |commits: &[&str]| {
        git(&["add", "sums.py", "tests"]);
        for commit in commits {
            git(&["commit", "-q", "--allow-empty", "-m", commit]);
        }
        let report = project.traced("0");
        let since = report["analyses"][0]["changed_since"].clone();
        (since, String::from_utf8(project.command(&[]).output().unwrap().stdout).unwrap())
    };
    git(&["init", "-q", "-b", "trunk", "."]);
    git(&["add", "sums.py", "tests"]);
    git(&["commit", "-q", "-m", "one"]);
    project.failscope("run", &[]).assert().code(0);
    project.write("sums.py", &GOOD.replace("n * 2", "n * 3"));
    project.failscope("run", &[]).assert().code(1);
    let (since, text) = said(&[]);
    assert_eq!(since, "passed at this commit; sums.py:6 changed since", "{text}");
    assert!(text.contains("sums.py:6 changed since"), "{text}");
    let (since, _) = said(&["two", "three"]);
    assert_eq!(since, "passed 2 commits ago; sums.py:6 changed since");
}

#[test]
fn what_fails_on_collection_is_not_run_and_what_passes_again_is_said() {
    let project = Project::new(&[("tests/test_it.py", "import missing_module\n")]);
    let output = project.command(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("nothing to trace"), "{text}");

    let flaky = "import os\n\ndef test_once():\n    first = not os.path.exists('seen')\n    open('seen', 'w').close()\n    assert not first\n";
    let project = Project::new(&[("tests/test_it.py", flaky)]);
    let output = project.command(&[]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("did not fail when they were traced"), "{text}");
}

/// Every edit that changes what the function gives makes the test wait for ever, and says so by a file.
#[test]
fn ctrl_c_ends_a_search_and_leaves_nothing_behind() {
    let code = "def total(n):\n    return n.bit_length() * 3 - 4\n";
    let test = "import time\n\nfrom it import total\n\n\ndef test_total():\n    value = total(2)\n    if value != 2:\n        open('here', 'w').close()\n        time.sleep(600)\n    assert value == 300\n";
    let project = Project::new(&[("it.py", code), ("test_it.py", test)]);
    let cache = project.outside("cache");
    let program = assert_cmd::cargo::cargo_bin("failscope");
    #[expect(clippy::disallowed_methods, reason = "the program is started beside the test to be ended")]
    let child = std::process::Command::new(program)
        .current_dir(project.root())
        .env("HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("home"))
        .env("XDG_CACHE_HOME", &cache)
        .env("TMPDIR", project.outside("tmp"))
        .args(["trace", "--no-color", "--edits", "0", "--fix", "--budget", "600"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let copies = cache.join("failscope/copies");
    let is_here = || {
        let files = ignore::WalkBuilder::new(&copies).standard_filters(false).build();
        files.flatten().any(|entry| entry.file_name() == "here")
    };
    while !is_here() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // What was found before is shown.
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("it.py:2"), "{text}");
    assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 0);
    assert_eq!(running(&copies), [""; 0].map(PathBuf::from));
    assert_eq!(project.left(), [""; 0]);
    assert_eq!(std::fs::read_to_string(project.root().join("it.py")).unwrap(), code);
}

#[test]
fn a_program_that_is_ended_leaves_nothing_behind() {
    let test = "import os, time\n\ndef test_slow():\n    if os.environ.get('FAILSCOPE_TRACE'):\n        open('pid', 'w').write('%d\\n' % os.getpid())\n        time.sleep(600)\n    assert 1 == 2\n";
    let project = Project::new(&[("tests/test_it.py", test)]);
    let program = assert_cmd::cargo::cargo_bin("failscope");
    #[expect(clippy::disallowed_methods, reason = "the program is started beside the test to be ended")]
    let mut child = std::process::Command::new(program)
        .current_dir(project.root())
        .env("HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("home"))
        .env("TMPDIR", project.outside("tmp"))
        .args(["trace", "--no-color"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = loop {
        match std::fs::read_to_string(project.root().join("pid")) {
            Ok(text) if text.ends_with('\n') => break text.trim().parse::<i32>().unwrap(),
            _ => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    };
    assert_ne!(project.left(), [""; 0]);
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(project.left(), [""; 0]);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    assert!(!stat.is_ok_and(|stat| !stat.contains(") Z ")), "pytest is still running");
}
