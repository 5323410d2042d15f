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
fn the_library_is_replayed_as_it_is() {
    for code in [
        "from datetime import date, timedelta\nd = date(2024, 2, 28) + timedelta(days=2)\nassert d == date(2024, 3, 1) and d.weekday() == 4 and (d - date(2024, 1, 1)).days == 60",
        "from datetime import date\nassert f'{date(2024, 3, 9):%d.%m.%Y}' == '09.03.2024' and str(date(1999, 12, 31)) == '1999-12-31' and repr(date(2024, 3, 9)) == 'datetime.date(2024, 3, 9)'",
        "from datetime import datetime, timezone, timedelta\na = datetime(2024, 1, 1, 23, 30) + timedelta(hours=1)\nassert a.isoformat() == '2024-01-02T00:30:00' and a.replace(tzinfo=timezone.utc).isoformat() == '2024-01-02T00:30:00+00:00'",
        "from datetime import datetime\nassert datetime.strptime('01/02/2024 10:05', '%d/%m/%Y %H:%M') == datetime(2024, 2, 1, 10, 5)\nwith pytest.raises(ValueError):\n    datetime.strptime('2024-01-01', '%d/%m/%Y')",
        "from datetime import timedelta\nt = timedelta(days=1, hours=2)\nassert t.seconds == 7200 and t.total_seconds() == 93600.0 and str(t) == '1 day, 2:00:00' and timedelta(minutes=90) < t",
        "import datetime\nwith pytest.raises(ValueError):\n    datetime.date(2023, 2, 29)\nassert datetime.date.fromisoformat('2020-05-06').isocalendar()[1] == 19",
        "from decimal import Decimal, ROUND_HALF_UP\nx = Decimal('1.005').quantize(Decimal('0.01'), rounding=ROUND_HALF_UP)\nassert str(x) == '1.01' and x + 1 == Decimal('2.01') and sum([x, x]) == Decimal('2.02') and f'{x:.1f}' == '1.0'",
        "from decimal import Decimal\nwith pytest.raises(TypeError):\n    Decimal('1') * 0.5\nassert str(Decimal('10') / Decimal('4')) == '2.5' and str(Decimal('1.10') * 3) == '3.30' and int(Decimal('7.9')) == 7",
        "import heapq\nh = []\nfor n in [5, 1, 4, 2]:\n    heapq.heappush(h, n)\nassert [heapq.heappop(h) for _ in range(4)] == [1, 2, 4, 5] and heapq.nlargest(2, [3, 9, 4]) == [9, 4]",
        "import itertools\nassert list(itertools.islice(itertools.count(5), 2)) == [5, 6] and list(itertools.combinations('abc', 2)) == [('a', 'b'), ('a', 'c'), ('b', 'c')]",
        "from itertools import groupby, chain\nassert [(k, list(g)) for k, g in groupby('aab')] == [('a', ['a', 'a']), ('b', ['b'])] and list(chain.from_iterable([[1], [2]])) == [1, 2]",
        "from collections import deque, Counter, defaultdict\nd = deque([1, 2, 3], maxlen=2)\nd.appendleft(9)\nassert list(d) == [9, 2] and Counter('aab') + Counter('b') == {'a': 2, 'b': 2}\nx = defaultdict(list)\nx['k'].append(1)\nassert x == {'k': [1]} and 'z' not in x and dict(x) == {'k': [1]}",
        "import csv, io\nrows = list(csv.DictReader(io.StringIO('a,b\\n1,\"x,y\"\\n')))\nassert rows == [{'a': '1', 'b': 'x,y'}]\nout = io.StringIO()\ncsv.writer(out).writerow([1, 'p,q'])\nassert out.getvalue() == '1,\"p,q\"\\r\\n'",
        "import json\nassert json.loads('{\"b\": [1, 2.5, null], \"a\": true}') == {'b': [1, 2.5, None], 'a': True}\nassert json.dumps({'b': 1, 'a': [True, None, 'ü']}, sort_keys=True) == '{\"a\": [true, null, \"\\\\u00fc\"], \"b\": 1}'",
        "import json\nwith pytest.raises(TypeError):\n    json.dumps({1, 2})\nassert json.dumps([1, {}], indent=2) == '[\\n  1,\\n  {}\\n]'",
        "from contextlib import contextmanager\nlog = []\n@contextmanager\ndef step(name):\n    log.append('in ' + name)\n    try:\n        yield name\n    finally:\n        log.append('out ' + name)\nwith step('a') as a, step('b'):\n    log.append(a)\nassert log == ['in a', 'in b', 'a', 'out b', 'out a']",
        "from contextlib import contextmanager\n@contextmanager\ndef quiet():\n    try:\n        yield\n    except KeyError:\n        pass\ndef f():\n    with quiet():\n        {}['x']\n    return 1\nassert f() == 1",
        "from dataclasses import dataclass, field, replace, asdict\n@dataclass(order=True)\nclass P:\n    x: int\n    tags: list = field(default_factory=list, compare=False)\nassert P(1) < P(2) and replace(P(1), x=3).x == 3 and asdict(P(1, ['a'])) == {'x': 1, 'tags': ['a']} and P(1, ['b']) == P(1)",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P:\n    x: int\nwith pytest.raises(AttributeError):\n    P(1).x = 2\nassert repr(P(1)).endswith('P(x=1)')",
        "from enum import Enum, IntEnum, auto\nclass A(Enum):\n    X = auto()\n    Y = 'y'\nclass B(IntEnum):\n    LOW = 1\n    HIGH = 2\nassert A('y') is A.Y and A.X.value == 1 and B.LOW < B.HIGH and B.HIGH + 1 == 3 and [b.name for b in B] == ['LOW', 'HIGH']",
        "class D(dict):\n    def __missing__(self, key):\n        return key * 2\nd = D(a=1)\nd['b'] = 2\nassert d['a'] == 1 and d['z'] == 'zz' and len(d) == 2 and 'z' not in d and d == {'a': 1, 'b': 2} and isinstance(d, dict)",
        "class L(list):\n    def first(self):\n        return self[0]\nx = L([3, 4])\nx.append(5)\nassert x.first() == 3 and list(x) == [3, 4, 5] and sum(x) == 12",
        "import re\nassert re.sub(r'(\\w+)@(\\w+)', r'\\2 at \\1', 'a@b') == 'b at a' and re.findall(r'(\\d)(\\w)', '1a2b') == [('1', 'a'), ('2', 'b')] and re.search('B', 'ab', re.I).start() == 1",
        "import re\np = re.compile(r'\\d+')\nassert p.match('ab12', 2).span() == (2, 4) and p.search('é1 22', 2).start() == 3 and p.match('é', 9) is None",
        "import copy\nclass N:\n    def __init__(self):\n        self.xs = [1]\na = N()\nb, c = copy.copy(a), copy.deepcopy(a)\na.xs.append(2)\nassert b.xs == [1, 2] and c.xs == [1]",
        "from functools import lru_cache, total_ordering, reduce\n@lru_cache(maxsize=None)\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nassert fib(12) == 144\n@total_ordering\nclass V:\n    def __init__(self, n):\n        self.n = n\n    def __eq__(self, o):\n        return self.n == o.n\n    def __lt__(self, o):\n        return self.n < o.n\nassert V(2) >= V(1) and V(1) <= V(1)",
        "s = {1, 2}\ns |= {3}\ns -= {1}\nassert s == {2, 3} and {'a': 1}.keys() - {'b'} == {'a'} and {'a': 1}.keys() & {'a': 2}.keys() == {'a'}",
        "class T:\n    def __init__(self, n):\n        self.n = n\n    def __iadd__(self, o):\n        self.n += o\n        return self\n    def __neg__(self):\n        return T(-self.n)\nt = T(1)\nu = t\nt += 2\nassert u.n == 3 and (-t).n == -3",
        "from bisect import bisect_left, insort\nxs = [1, 3, 5]\ninsort(xs, 4)\nassert xs == [1, 3, 4, 5] and bisect_left(xs, 3) == 1",
        "from calendar import monthrange, isleap\nassert monthrange(2023, 2) == (2, 28) and monthrange(2024, 2)[1] == 29 and isleap(2000)",
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('n', type=int)\np.add_argument('-o', '--out-file', default='x')\np.add_argument('--tag', action='append')\np.add_argument('-v', action='count', default=0)\na = p.parse_args(['5', '--out-file=y', '--tag', 'a', '--tag', 'b', '-v'])\nassert (a.n, a.out_file, a.tag, a.v) == (5, 'y', ['a', 'b'], 1)\nwith pytest.raises(SystemExit):\n    p.parse_args(['x'])",
        "import argparse\np = argparse.ArgumentParser()\ns = p.add_subparsers(dest='cmd')\ns.add_parser('add').add_argument('name')\na = p.parse_args(['add', 'z'])\nassert (a.cmd, a.name) == ('add', 'z')",
        "import configparser\nc = configparser.ConfigParser()\nc.read_string('[a]\\nX = 1\\ny: two\\n')\nassert c['a']['x'] == '1' and c.getint('a', 'X') == 1 and c.get('a', 'z', fallback='no') == 'no' and c.sections() == ['a']",
        "import threading, queue\nq = queue.Queue()\nts = [threading.Thread(target=q.put, args=(i,)) for i in range(3)]\nfor t in ts:\n    t.start()\nfor t in ts:\n    t.join()\nassert [q.get() for _ in range(3)] == [0, 1, 2] and q.empty()",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool:\n    assert list(pool.map(lambda x: x * 2, [1, 2])) == [2, 4] and pool.submit(max, 1, 2).result() == 2",
        "import textwrap\nassert textwrap.dedent('  a\\n    b\\n') == 'a\\n  b\\n' and textwrap.wrap('aa bb cc', 5) == ['aa bb', 'cc']",
        "import urllib.parse\nfrom urllib.parse import urlsplit, parse_qs, quote\nu = urlsplit('https://me@host:81/p?q=1#x')\nassert (u.scheme, u.hostname, u.port, u.path, u.query, u.fragment) == ('https', 'host', 81, '/p', 'q=1', 'x')\nassert parse_qs('a=1&a=b+c') == {'a': ['1', 'b c']} and quote('a b/ü') == 'a%20b/%C3%BC' and urllib.parse.urlencode({'a': 'b c'}) == 'a=b+c'",
        "import shlex\nassert shlex.split('a \"b c\" d') == ['a', 'b c', 'd'] and shlex.quote('a b') == \"'a b'\"",
        "import os.path\nfrom os.path import splitext\nimport os\nassert os.path.join('a', 'b.txt') == 'a/b.txt' and splitext('x/y.tar.gz') == ('x/y.tar', '.gz') and os.path.basename('a/b') == 'b' and os.path.normpath('a/../b') == 'b'",
        "from fractions import Fraction\nassert Fraction(1, 3) + Fraction(1, 6) == Fraction(1, 2) and str(Fraction(2, 4)) == '1/2' and Fraction(1, 2) < 1",
        "import string, html\nassert string.Template('$a ${b}$$').substitute(a=1, b=2) == '1 2$' and string.capwords('a bc') == 'A Bc' and html.escape('<a&b>') == '&lt;a&amp;b&gt;'",
        "from collections import ChainMap, UserDict, namedtuple\nclass U(UserDict):\n    def __setitem__(self, key, value):\n        super().__setitem__(key.lower(), value)\nu = U()\nu['A'] = 1\nP = namedtuple('P', 'x y', defaults=[0])\nassert u['a'] == 1 and ChainMap({'a': 1}, {'b': 2})['b'] == 2 and P(1) == (1, 0)",
        "from contextlib import ExitStack\nlog = []\nwith ExitStack() as stack:\n    stack.callback(log.append, 1)\n    stack.callback(log.append, 2)\nassert log == [2, 1]",
        "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def inner(*a):\n        inner.calls += 1\n        return f(*a)\n    inner.calls = 0\n    return inner\n@twice\ndef g(x):\n    return x\ng(1)\nassert g.__name__ == 'g' and g.calls == 1 and g.__wrapped__(3) == 3",
        "from functools import cached_property\nclass A:\n    n = 0\n    @cached_property\n    def x(self):\n        self.n += 1\n        return self.n\na = A()\nassert a.x == a.x == 1\ndel a.x\nassert a.x == 2",
        "def fib():\n    a, b = 0, 1\n    while True:\n        yield a\n        a, b = b, a + b\nout = []\nfor x in fib():\n    if x > 10:\n        break\n    out.append(x)\nassert out[-1] == 8",
        "class Base:\n    known = []\n    def __init_subclass__(cls, tag='', **kw):\n        super().__init_subclass__(**kw)\n        Base.known.append((cls.__name__, tag))\nclass A(Base, tag='x'):\n    pass\nassert Base.known == [('A', 'x')]",
        "assert 'abc'.translate(str.maketrans('ab', 'xy', 'c')) == 'xy' and '%(a)s-%(b)03d' % {'a': 1, 'b': 7} == '1-007' and 'abca'.rindex('a') == 3 and round(1250, -2) == 1200 and bin(5) + hex(255) == '0b1010xff'",
        "assert type(3).__name__ == 'int' and 'a'.__class__.__name__ == 'str' and pow(3, 4, 5) == 1 and dict.fromkeys('ab', 0) == {'a': 0, 'b': 0} and {1}.isdisjoint({2})\nmissing = object()\nassert {}.get('a', missing) is missing",
        "class C:\n    def __init__(self, n):\n        self.n = n\n    def __lt__(self, other):\n        return self.n < other.n\nassert max(C(1), C(3)).n == 3 and sorted([C(2), C(1)])[0].n == 1",
        "import warnings\nwith warnings.catch_warnings(record=True) as seen:\n    warnings.warn('old', DeprecationWarning)\nassert len(seen) == 1 and seen[0].category is DeprecationWarning",
        "assert list(zip([1], [2], strict=True)) == [(1, 2)]\nwith pytest.raises(ValueError):\n    list(zip([1, 2], [1], strict=True))",
        "import statistics\nassert statistics.mean([1, 2, 3]) == 2 and statistics.median([1, 2, 3, 10]) == 2.5",
    ] {
        assert_eq!(verdict(code), Verdict::Pass, "{code}");
    }
}

#[test]
fn a_fixture_is_left_at_its_yield_and_the_next_test_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let code = "import pytest\nSEEN = []\n@pytest.fixture\ndef box():\n    SEEN.append(1)\n    yield SEEN\n    SEEN.clear()\ndef test_a(box):\n    assert box == [1]\ndef test_b(box):\n    assert box == [1]\n";
    std::fs::write(folder.path().join("test_it.py"), code).unwrap();
    let workspace = Workspace::new(folder.path(), Arc::default());
    let program = Program::load(&workspace, &RelPath::new("test_it.py").unwrap()).unwrap();
    let results = program.run("test_b", 100_000);
    assert_eq!(
        results.tests.iter().map(|(_, verdict)| verdict.clone()).collect::<Vec<_>>(),
        [Verdict::Pass, Verdict::Pass]
    );
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
    for code in [
        "import re\nassert re.compile(r'\\bb').search('ab', 1) is None",
        "open('x')",
        "import time\ntime.time()",
        "import os\nos.listdir('.')",
        "while True:\n    pass",
        "from datetime import datetime\ndatetime.now()",
    ] {
        assert!(matches!(verdict(code), Verdict::Unknown(_)), "{code}");
    }
}
