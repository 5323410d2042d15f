//! Each row: the exception, a function, a text that one of the candidates makes of it, and words of its reason.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use super::candidates::{Candidate, Hints, of_file};
use super::edited;
use crate::model::RelPath;
use crate::workspace::SourceFile;
use crate::workspace::python::Module;

fn hints(exception: &str) -> Hints {
    let (exception, message) = exception.split_once(": ").unwrap_or((exception, ""));
    Hints {
        exception: exception.to_owned(),
        message: message.to_owned(),
        fallbacks: vec!["0".to_owned(), "[]".to_owned()],
        generators: ["walk".to_owned()].into(),
        swapped: Some(("5".to_owned(), "05".to_owned())),
        ..Hints::default()
    }
}

fn made(exception: &str, text: &str) -> Vec<(String, Candidate)> {
    let source = Arc::new(SourceFile::new(RelPath::new("a.py").unwrap(), text.into()));
    let lines = (1..=text.lines().count() as u32).collect();
    let candidates = of_file(&source, &lines, &hints(exception));
    candidates.into_iter().filter_map(|c| Some((edited(text, &c.edits)?, c))).collect()
}

#[test]
fn slips_and_what_mends_them() {
    for (exception, before, after, why) in [
        // What is left after a loop.
        (
            "AssertionError",
            "def f(rows, n):\n    part = []\n    for row in rows:\n        part.append(row)\n        if len(part) == n:\n            yield part\n            part = []\n",
            "            part = []\n    if part:\n        yield part\n",
            "left in `part`",
        ),
        (
            "AssertionError",
            "def f(lines):\n    found, now = [], None\n    for line in lines:\n        if line[0] == '[':\n            found.append(now)\n            now = [line]\n    return found\n",
            "            now = [line]\n    if now:\n        found.append(now)\n    return found\n",
            "left in `now`",
        ),
        // Steps in a loop or after it.
        (
            "AssertionError",
            "def f(rows):\n    n = 0\n    for row in rows:\n        x = row * 2\n    n += x\n    return n\n",
            "        x = row * 2\n        n += x\n    return n\n",
            "after the loop",
        ),
        (
            "AssertionError",
            "def f(rows):\n    n = 0\n    for row in rows:\n        n += row\n        n *= 2\n    return n\n",
            "        n += row\n    n *= 2\n    return n\n",
            "in the loop",
        ),
        (
            "AssertionError",
            "def f(rows):\n    for row in rows:\n        if row > 3:\n            return True\n        else:\n            return False\n",
            "            return True\n    return False\n",
            "first item",
        ),
        // Conditions.
        (
            "AssertionError",
            "def f(n):\n    if n >= 50:\n        return 'c'\n    elif n >= 90:\n        return 'a'\n    return ''\n",
            "    if n >= 90:\n        return 'a'\n    elif n >= 50:\n        return 'c'\n",
            "is asked before",
        ),
        (
            "AssertionError",
            "def f(n):\n    if n > 1:\n        return 1\n    if n > 5:\n        return 5\n    return 0\n",
            "    if n > 5:\n        return 5\n    if n > 1:\n        return 1\n",
            "wrong order",
        ),
        (
            "AssertionError",
            "def f(n):\n    if n > 1:\n        n -= 1\n    if n > 5:\n        n += 5\n    return n\n",
            "    elif n > 5:\n",
            "`elif`",
        ),
        (
            "AssertionError",
            "def f(n=None):\n    if n:\n        return n\n    return 9\n",
            "if n is not None:",
            "zero",
        ),
        ("AssertionError", "def f(n=None):\n    return n or 9\n", "return (9 if n is None else n)", "zero"),
        (
            "AssertionError",
            "def f(n):\n    return n == 'a' or 'b'\n",
            "return n in ('a', 'b')",
            "always true",
        ),
        (
            "AssertionError",
            "def f(a, b, c):\n    return a and b or c\n",
            "return a and (b or c)",
            "parentheses are missing",
        ),
        // What is noted, kept and thrown away.
        (
            "RecursionError",
            "def f(node, seen):\n    for other in node:\n        if other not in seen:\n            f(other, seen)\n",
            "        if other not in seen:\n            seen.add(other)\n            f(other, seen)\n",
            "never put into `seen`",
        ),
        (
            "RecursionError",
            "def f(n):\n    return n + f(n - 1)\n",
            "    if not n:\n        return 0\n    return n + f(n - 1)\n",
            "without end",
        ),
        (
            "AssertionError",
            "class Box:\n    def __init__(self):\n        self.items = []\n\n    def take(self):\n        return list(self.items)\n",
            "        result = list(self.items)\n        self.items = []\n        return result\n",
            "not emptied",
        ),
        (
            "AssertionError",
            "class Box:\n    def __init__(self):\n        self.n = 0\n        self.items = []\n\n    def reset(self):\n        self.items.clear()\n",
            "        self.items.clear()\n        self.n = 0\n",
            "not emptied",
        ),
        (
            "AssertionError",
            "def walk(node):\n    yield node\n    for part in node:\n        walk(part)\n",
            "        yield from walk(part)",
            "without `yield from`",
        ),
        (
            "AssertionError",
            "def f(node):\n    found = [node]\n    for part in node:\n        f(part)\n    return found\n",
            "        found += f(part)",
            "thrown away",
        ),
        ("AssertionError", "def f(self):\n    self.n == 0\n", "self.n = 0", "assignment"),
        // What is caught.
        (
            "ValueError",
            "def f(x):\n    try:\n        return int(x)\n    except TypeError:\n        return 0\n",
            "except (TypeError, ValueError):",
            "does not catch",
        ),
        (
            "KeyError",
            "def f(x):\n    try:\n        return x['a']\n    except (TypeError, ValueError):\n        return 0\n",
            "except (TypeError, ValueError, KeyError):",
            "does not catch",
        ),
        (
            "Failed",
            "def f(x):\n    try:\n        return int(x)\n    except Exception:\n        return None\n",
            "except Exception:\n        raise\n",
            "swallows",
        ),
        // Decorators.
        (
            "AssertionError",
            "class A:\n    @cached_property\n    def area(self):\n        return self.a\n",
            "    @property\n",
            "computed once",
        ),
        (
            "AssertionError",
            "def count(function):\n    def inner(*args):\n        return function(*args)\n    return inner\n",
            "from functools import wraps\ndef count(function):\n    @wraps(function)\n    def inner(*args):",
            "wraps",
        ),
        // The library.
        (
            "AssertionError",
            "def f(p):\n    with open(p, \"w\") as out:\n        out.write(p)\n",
            "open(p, \"a\")",
            "empties the file",
        ),
        (
            "AssertionError",
            "def f(p):\n    with p.open(mode='wt') as out:\n        out.write(p)\n",
            "open(mode='at')",
            "empties the file",
        ),
        (
            "AssertionError",
            "def f(x):\n    return int(x * 100)\n",
            "return round(x * 100)",
            "`round` is meant",
        ),
        ("AssertionError", "def f(a, b):\n    return a // b\n", "return -(-a // b)", "rounds down"),
        ("AssertionError", "def f(a):\n    return list(enumerate(a))\n", "enumerate(a, 1)", "from 0"),
        ("AssertionError", "def f(a, b):\n    return {**a, **b}\n", "{**b, **a}", "comes last"),
        ("AssertionError", "def f(h, m):\n    return f'{h}:{m}'\n", "f'{h}:{m:02}'", "leading zeros"),
        (
            "ValueError: day is out of range for month",
            "def f(day, n):\n    return day.replace(month=n)\n",
            "day.replace(month=n, day=min(day.day, monthrange(day.year, n)[1]))",
            "shorter",
        ),
        (
            "ValueError: day is out of range for month",
            "from datetime import date\n\ndef f(y, m, d):\n    return date(y, m, d)\n",
            "date(y, m, min(d, monthrange(y, m)[1]))",
            "shorter",
        ),
        (
            "TypeError",
            "def f(options):\n    options.add_argument('--n', default=3)\n",
            "options.add_argument('--n', default=3, type=int)",
            "stays a `str`",
        ),
        (
            "UnboundLocalError: cannot access local variable 'n' where it is not associated with a value",
            "def f():\n    n = 0\n    def more():\n        n += 1\n        return n\n    return more\n",
            "        nonlocal n\n        n += 1\n",
            "`nonlocal n` is missing",
        ),
    ] {
        let all = made(exception, before);
        let found = all.iter().find(|(text, c)| text.contains(after) && c.why.contains(why));
        let (text, _) = found.unwrap_or_else(|| {
            let shown: Vec<_> = all.iter().map(|(text, c)| format!("{}\n{text}", c.why)).collect();
            panic!("{after:?} ({why}) is not among\n{}", shown.join("\n---\n"))
        });
        assert!(Module::parse(text).errors().is_empty(), "{text}");
    }
}

#[test]
fn what_is_in_order_is_left_alone() {
    for (exception, text, why) in [
        (
            "AssertionError",
            "def f(rows):\n    part = []\n    for row in rows:\n        if row:\n            yield part\n            part = []\n    yield part\n",
            "left in",
        ),
        ("AssertionError", "def f(p):\n    with open(p) as text:\n        return text.read()\n", "the mode"),
        ("AssertionError", "def f(p):\n    with open('w') as text:\n        return text\n", "keeps what was"),
        (
            "ValueError",
            "def f(x):\n    try:\n        return int(x)\n    except ValueError:\n        return 0\n",
            "does not catch",
        ),
        (
            "AssertionError",
            "def f(x):\n    try:\n        return int(x)\n    except ValueError:\n        return 0\n",
            "swallows",
        ),
        ("ValueError: bad", "def f(day, n):\n    return day.replace(month=n)\n", "shorter"),
        ("AssertionError", "def f(o):\n    o.add_argument('--v', action='store_true')\n", "stays a `str`"),
        (
            "RecursionError",
            "def f(node, seen):\n    seen.add(node)\n    for other in node:\n        if other not in seen:\n            f(other, seen)\n",
            "never put into",
        ),
        (
            "AssertionError",
            "class Box:\n    def __init__(self):\n        self.items = []\n\n    def add(self, item):\n        self.items.append(item)\n",
            "not emptied",
        ),
    ] {
        let all = made(exception, text);
        assert!(!all.iter().any(|(_, c)| c.why.contains(why)), "{why}: {text}");
    }
}
