#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::{Program, Verdict};
use crate::model::RelPath;
use crate::workspace::Workspace;

fn verdict(code: &str) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let body = code.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n") + "\n";
    std::fs::write(folder.path().join("test_it.py"), format!("import pytest\ndef test_it():\n{body}"))
        .unwrap();
    let workspace = Workspace::new(folder.path(), Arc::default());
    let program = Program::load(&workspace, &RelPath::new("test_it.py").unwrap()).unwrap();
    let results = program.run("test_it", 100_000);
    results.of("test_it").unwrap().clone()
}

#[test]
fn python_is_replayed_as_it_runs() {
    for code in [
        "assert [x * 2 for x in range(3) if x] == [2, 4]",
        "assert 7 // 2 == 3 and -7 // 2 == -4 and -7 % 3 == 2 and 7 / 2 == 3.5",
        "assert f'{3.14159:.2f}|{5:>4}|{\"a\":<3}|{1000000:,}|{0.256:.1%}' == '3.14|   5|a  |1,000,000|25.6%'",
        "assert str(1e16) == '1e+16' and str(0.1 + 0.2) == '0.30000000000000004' and repr(1.0) == '1.0'",
        "a, *b = 'x y z'.split()\nassert b == ['y', 'z'] and a == 'x'",
        "d = {'a': 1}\nd.setdefault('b', []).append(2)\nassert d == {'b': [2], 'a': 1} and list(d) == ['a', 'b']",
        "assert sorted('bca', reverse=True) == ['c', 'b', 'a'] and max([1, 5, 3], key=lambda v: -v) == 1",
        "assert [1, 2, 3][-2:] == [2, 3] and 'abc'[::-1] == 'cba' and (1, 2) < (1, 3)",
        "class A:\n    n = 0\n    def __init__(self, v):\n        self.v = v\n    def __eq__(self, o):\n        return self.v == o.v\nassert A(1) == A(1) and A(1) != A(2)",
        "class A:\n    def f(self):\n        return 1\nclass B(A):\n    def f(self):\n        return super().f() + 1\nassert B().f() == 2",
        "def f(x, xs=[]):\n    xs.append(x)\n    return xs\nf(1)\nassert f(2) == [1, 2]",
        "fs = [lambda: i for i in range(3)]\nassert [f() for f in fs] == [2, 2, 2]",
        "with pytest.raises(KeyError):\n    {}['x']",
        "try:\n    int('x')\nexcept ValueError as e:\n    assert 'invalid literal' in str(e)\nelse:\n    assert False",
        "def g():\n    yield 1\n    yield 2\nassert list(g()) == [1, 2]",
        "assert 'a-b'.partition('-') == ('a', '-', 'b') and '%s:%03d' % ('x', 7) == 'x:007'",
        "n = 0\nwhile True:\n    n += 1\n    if n > 3:\n        break\nassert n == 4",
        "assert 0.1 + 0.2 == pytest.approx(0.3) and round(2.5) == 2 and round(1.005, 2) == 1.0",
        "assert {1, 2} | {3} == {3, 2, 1} and dict(a=1) == {'a': 1} and bool([]) is False",
        "x = 1\ndef f():\n    nonlocal x\n    x += 1\nf()\nassert x == 2",
    ] {
        assert_eq!(verdict(code), Verdict::Pass, "{code}");
    }
}

#[test]
fn what_python_raises_is_raised() {
    for (code, exception) in [
        ("None.x", "AttributeError"),
        ("'a' + 1", "TypeError"),
        ("[][0]", "IndexError"),
        ("{}['a']", "KeyError"),
        ("a, b = [1, 2, 3]", "ValueError"),
        ("1 / 0", "ZeroDivisionError"),
        ("def f(n):\n    return f(n)\nf(1)", "RecursionError"),
        ("d = {1: 1}\nfor k in d:\n    d[k + 1] = 1", "RuntimeError"),
        ("undefined", "NameError"),
        ("print(x)\nx = 1", "UnboundLocalError"),
        ("len(3)", "TypeError"),
        ("max([])", "ValueError"),
        ("assert 1 == 2", "AssertionError"),
    ] {
        match verdict(code) {
            Verdict::Fail(report) => assert_eq!(report.exception, exception, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn what_is_not_known_is_not_guessed() {
    for code in
        ["open('x')", "import time\ntime.time()", "import os\nos.listdir('.')", "while True:\n    pass"]
    {
        assert!(matches!(verdict(code), Verdict::Unknown(_)), "{code}");
    }
}
