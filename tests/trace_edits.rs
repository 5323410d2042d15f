//! Small edits as evidence of `failscope trace`, with a real pytest: they put the statement first that one of them
//! mends, join what one of them does away with, and say nothing where an edit only fits one test.

#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

#[path = "support/python.rs"]
mod python;
#[path = "support/traced.rs"]
mod traced;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use traced::{Project, marked, running};

/// Seconds of processor time that no search here comes near.
const ENOUGH: &str = "600";
/// What is said of a statement that an edit mends.
const MENDS: &str = "what fails passes, and no other fails";

/// The first suspect of the first finding: its file, line and reasons.
fn first(report: &Json) -> (&str, u64, String) {
    let culprit = &report["analyses"][0]["culprits"][0];
    // What a rule said for the place and the ranking repeats is told once.
    let reasons = culprit["reasons"].as_array().unwrap();
    let different: HashSet<_> = reasons.iter().map(Json::to_string).collect();
    assert_eq!(different.len(), reasons.len(), "{reasons:#?}");
    (culprit["file"].as_str().unwrap(), culprit["line"].as_u64().unwrap(), culprit["reasons"].to_string())
}

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
from it import fee, invoice, weight_fee

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

const ROMAN: &str = "\
VALUES = {'I': 1, 'V': 5, 'X': 10, 'L': 50, 'C': 100}

def digits(text):
    return [VALUES[letter] for letter in text.upper()]

def number(text):
    total = 0
    found = digits(text)
    for at, value in enumerate(found):
        following = found[at + 1] if at + 1 < len(found) else 0
        if value <= following:  # here
            total -= value
        else:
            total += value
    return total
";
const ROMAN_TEST: &str = "\
from it import number

def test_one():
    assert number('x') == 10

def test_less():
    assert number('iv') == 4

def test_more():
    assert number('XVI') == 16

def test_digits():
    assert number('cxv') == 115

def test_thrice():
    assert number('iii') == 3
";

const CACHE: &str = "\
class Cache:
    def __init__(self, size):
        self.size = size
        self.kept = {}
        self.order = []

    def put(self, key, value):
        if key in self.kept:
            self.order.remove(key)
        self.kept[key] = value
        self.order.append(key)
        self.shrink()

    def shrink(self):
        while len(self.order) > self.size:
            oldest = self.order.pop()  # here
            del self.kept[oldest]

    def get(self, key):
        return self.kept.get(key)
";
const CACHE_TEST: &str = "\
from it import Cache

def test_get():
    cache = Cache(2)
    cache.put('a', 1)
    assert cache.get('a') == 1

def test_again():
    cache = Cache(2)
    cache.put('a', 1)
    cache.put('a', 2)
    assert cache.get('a') == 2

def test_nothing_is_kept():
    cache = Cache(0)
    cache.put('a', 1)
    assert cache.get('a') is None

def test_oldest_goes():
    cache = Cache(1)
    cache.put('a', 1)
    cache.put('b', 2)
    assert cache.get('b') == 2
    assert cache.get('a') is None
";

const TABLE: &str = "\
def widths(rows):
    found = [0] * len(rows[0])
    for row in rows:
        for at, cell in enumerate(row):
            found[at] = min(found[at], len(str(cell)))  # here
    return found

def line(row, sizes, sep):
    cells = [str(cell).ljust(size) for cell, size in zip(row, sizes)]
    return sep.join(cells).rstrip()

def table(rows, sep=' | '):
    sizes = widths(rows)
    return '\\n'.join(line(row, sizes, sep) for row in rows)
";
const TABLE_TEST: &str = "\
from it import line, table

def test_line():
    assert line(['a', 1], [3, 1], ' ') == 'a   1'

def test_even():
    assert table([['', '']]) == ' |'

def test_table():
    assert table([['a', 'bcd'], ['long', 'x']]) == 'a    | bcd\\nlong | x'
";

#[test]
fn a_statement_that_an_edit_mends_comes_first() {
    let rows = [
        (SHIPPING, SHIPPING_TEST, "`>=` in place of `>`"),
        (ROMAN, ROMAN_TEST, "`<` in place of `<=`"),
        (CACHE, CACHE_TEST, ""),
        (TABLE, TABLE_TEST, "`max` in place of `min`"),
    ];
    for (code, test, edit) in rows {
        let project = Project::new(&[("it.py", code), ("tests/test_it.py", test)]);
        let report = project.traced(ENOUGH);
        let (file, line, reasons) = first(&report);
        assert_eq!((file, line), ("it.py", marked(code)), "{report:#}");
        assert!(reasons.contains(MENDS) && reasons.contains(edit), "{edit}: {reasons}");
        assert_eq!(std::fs::read_to_string(project.root().join("it.py")).unwrap(), code);
        assert_eq!(project.left(), [""; 0]);
    }
}

#[test]
fn an_edit_that_only_fits_the_tested_value_says_nothing() {
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
        // Another number does for the failing test, and for no other that runs the statement.
        (
            "def fee(days):\n    base = 3\n    return base + days * 2\n",
            "import pytest\n\nfrom it import fee\n\n\n@pytest.mark.parametrize('days, expected', [(0, 3), (1, 5), (2, 7)])\ndef test_short(days, expected):\n    assert fee(days) == expected\n\n\ndef test_long():\n    assert fee(10) == 24\n",
        ),
        // What is missing is more than an edit.
        (
            "def parse(text):\n    return text.split(',')\n",
            "from it import parse\n\n\ndef test_quotes():\n    assert parse('a,\"b,c\"') == ['a', 'b,c']\n\n\ndef test_plain():\n    assert parse('a,b') == ['a', 'b']\n",
        ),
    ];
    for (code, test) in rows {
        let project = Project::new(&[("it.py", code), ("tests/test_it.py", test)]);
        let report = project.traced(ENOUGH);
        assert!(!report.to_string().contains(MENDS), "{report:#}");
    }
}

/// Each finding suspects its own function more, which no passing test runs.
const SHARED: &str = "\
def clean(text):
    return text.strip()[1:]  # here

def parse(text):
    found = {}
    rest = clean(text)
    for part in rest.split(','):
        key, sign, value = part.partition('=')
        if sign:
            found[key + sign] = value
    return found

def shout(text):
    words = clean(text).split(' ')
    words = [word.upper() + '!' for word in words]
    words.reverse()
    last = words.pop()
    return last + ' '.join(words)
";
const SHARED_TEST: &str = "\
import pytest

from it import clean, parse, shout

@pytest.mark.parametrize('text', ['', ' ', '\\t', '\\n', '  ', '\\r'])
def test_clean(text):
    assert clean(text) == ''

def test_parse():
    assert parse('ab=1,c=2')['ab='] == '1'

def test_shout():
    assert shout('go on') == 'GO!ON!'
";

#[test]
fn findings_that_one_edit_does_away_with_are_joined() {
    let project = Project::new(&[("it.py", SHARED), ("tests/test_it.py", SHARED_TEST)]);
    for (edits, expected) in [("0", 0), (ENOUGH, 1)] {
        let report = project.traced(edits);
        let findings = report["analyses"].as_array().unwrap();
        assert_eq!(findings.len(), 2, "{report:#}");
        for finding in findings {
            let also = finding["also_explains"].as_array().unwrap();
            assert_eq!(also.len(), expected, "{report:#}");
            let said = also
                .iter()
                .all(|also| also["reason"].as_str().unwrap().contains("one small edit of it.py:2"));
            assert!(said, "{report:#}");
        }
        let (_, line, reasons) = first(&report);
        assert_eq!(
            (line == marked(SHARED), reasons.contains(MENDS)),
            (expected == 1, expected == 1),
            "{report:#}"
        );
    }
}

#[test]
fn no_edits_are_tried_where_none_are_wanted() {
    let off = |key: &str| format!("{key} = \"off\"\n");
    let rows = [
        (vec!["--edits", "0"], String::new(), false),
        (Vec::new(), off("search"), false),
        (Vec::new(), off("verify"), false),
        (vec!["--edits", ENOUGH], off("search"), true),
    ];
    for (args, settings, expected) in rows {
        let project = Project::new(&[("it.py", SHIPPING), ("tests/test_it.py", SHIPPING_TEST)]);
        let text = std::fs::read_to_string(project.root().join("pyproject.toml")).unwrap();
        project.write(
            "pyproject.toml",
            &text.replace("[tool.failscope]\n", &format!("[tool.failscope]\n{settings}")),
        );
        let output = project.command(&args).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("traced 2 failing tests"), "{text}");
        assert_eq!(text.contains(", tried "), expected, "{settings}{text}");
        assert_eq!(text.contains("what fails passes"), expected, "{settings}{text}");
    }
}

/// Every edit that changes what the function gives makes the test wait for ever, and says so by a file.
#[test]
fn ctrl_c_ends_the_edits_and_leaves_nothing_behind() {
    let code = "def total(n):\n    return n.bit_length() * 3 - 4\n";
    let test = "import time\n\nfrom it import total\n\n\ndef test_total():\n    value = total(2)\n    if value != 2:\n        open('here', 'w').close()\n        time.sleep(600)\n    assert value == 300\n";
    let project = Project::new(&[("it.py", code), ("test_it.py", test)]);
    let cache = project.outside("cache");
    let program = assert_cmd::cargo::cargo_bin("failscope");
    #[expect(clippy::disallowed_methods, reason = "the program is started beside the test to be ended")]
    let mut child = std::process::Command::new(program)
        .current_dir(project.root())
        .env("HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("home"))
        .env("XDG_CACHE_HOME", &cache)
        .env("TMPDIR", project.outside("tmp"))
        .args(["trace", "--no-color", "--edits", ENOUGH])
        .stdout(std::process::Stdio::null())
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
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(&copies).unwrap().count(), 0);
    assert_eq!(running(&copies), [""; 0].map(PathBuf::from));
    assert_eq!(project.left(), [""; 0]);
    assert_eq!(std::fs::read_to_string(project.root().join("it.py")).unwrap(), code);
}
