#!/usr/bin/env python3
"""The same as run.py on real bugs: the tests of a release on the release before.

    python3 benches/localise/real.py

A pair is a release and the next one, whose changelog names a mended fault. The tests of the later one run on both; what
fails on the earlier one only is traced there. The right places are the lines that the later release changes (where it
only adds, those around): as several things change with a release, this is generous to every way to rank, and a pair
whose tests fail on collection (a new function is imported) is left out.
"""

import argparse
import difflib
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import measure
import mutate
import run
from run import TREE

#: name, earlier, later, packages or modules, tests, path entries
PAIRS = [
    ("parse", "1.12.0", "1.12.1", ["parse.py"], ["test_parse.py"], ["."]),
    ("parse", "1.13.0", "1.13.1", ["parse.py"], ["test_parse.py"], ["."]),
    ("parse", "1.17.0", "1.18.0", ["parse.py"], ["test_parse.py"], ["."]),
    ("parse", "1.20.0", "1.20.1", ["parse.py"], ["tests"], ["."]),
    ("sqlparse", "0.4.3", "0.4.4", ["sqlparse"], ["tests"], ["."]),
    ("sqlparse", "0.5.2", "0.5.3", ["sqlparse"], ["tests"], ["."]),
    ("tabulate", "0.8.5", "0.8.6", ["tabulate.py"], ["test"], ["."]),
    ("tabulate", "0.8.8", "0.8.9", ["tabulate.py"], ["test"], ["."]),
    ("semver", "2.9.0", "2.9.1", ["semver.py"], ["test_semver.py"], ["."]),
    ("toolz", "0.11.1", "0.11.2", ["toolz"], ["toolz/tests"], ["."]),
    ("isodate", "0.6.0", "0.6.1", ["src/isodate"], ["src/isodate/tests"], ["src"]),
    ("boltons", "20.2.0", "20.2.1", ["boltons"], ["tests"], ["."]),
    ("schema", "0.7.3", "0.7.4", ["schema.py"], ["test_schema.py"], ["."]),
    ("texttable", "1.6.3", "1.6.4", ["texttable.py"], ["tests.py"], ["."]),
    ("cachetools", "4.2.0", "4.2.1", ["src/cachetools"], ["tests"], ["src"]),
    ("rfc3986", "1.3.1", "1.3.2", ["src/rfc3986"], ["tests"], ["src"]),
]


class Pair:
    """An earlier release with the tests of the later one."""

    def __init__(self, options, row):
        self.name, self.earlier, self.later, self.targets, self.tests, self.paths = row
        self.fixed = run.fetch(options.work, options.python, self.name, self.later)
        before = run.fetch(options.work, options.python, self.name, self.earlier)
        self.clean = options.work / "pairs" / ("%s-%s" % (self.name, self.earlier))
        shutil.rmtree(self.clean, ignore_errors=True)
        shutil.copytree(before, self.clean)
        for test in self.tests:
            shutil.rmtree(self.clean / test, ignore_errors=True)
            (self.clean / test).unlink(missing_ok=True)
            source = self.fixed / test
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.clean / test)
        self.baseline = {}

    def env(self, options, folder):
        return run.environment(options.python, folder, self.paths)

    def truths(self):
        """The changed lines of the earlier release and the functions around them."""
        lines, functions = {}, set()
        for target in self.targets:
            path = self.clean / target
            for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                name = file.relative_to(self.clean)
                if "tests" in name.parts or not (self.fixed / name).exists():
                    continue
                old, new = file.read_text(), (self.fixed / name).read_text()
                changed = set()
                matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
                for tag, first, last, _, _ in matcher.get_opcodes():
                    if tag == "insert":
                        changed |= {first, first + 1}
                    elif tag != "equal":
                        changed |= set(range(first + 1, last + 1))
                if changed:
                    lines[name.as_posix()] = sorted(changed)
                    functions |= around(old, changed)
        return lines, sorted(functions)


def around(text, lines):
    """The functions, by qualified name, that the lines stand in."""
    import ast

    source = mutate.Source(text)
    found = set()
    for line in lines:
        inner = None
        for node in ast.walk(source.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno <= line <= node.end_lineno:
                if inner is None or node.lineno >= inner.lineno:
                    inner = node
        found.add(source.function(inner) if inner is not None else "<module>")
    return found


def one(options, row):
    pair = Pair(options, row)
    stem = "real-%s-%s" % (pair.name, pair.earlier)
    known = options.work / "results" / (stem + ".json")
    result = json.loads(known.read_text()) if known.exists() else None
    if result is None:
        stream = options.work / (stem + ".jsonl")
        pair.baseline = run.run_tests(options, pair.fixed, pair.env(options, pair.fixed), pair.tests, stream) or {}
        truths, functions = pair.truths()
        result = {"project": pair.name, "half": "real", "stem": stem, "operator": "real bug", "truths": truths,
                  "functions": functions, "killed": False}
        good = [t for t, outcome in pair.baseline.items() if outcome not in ("failed", "error")]
        if good and truths:
            pair.baseline = dict.fromkeys(good, "passed")
            run.run(options, pair, result, {}, good)
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps(result))
    if result["killed"] and (options.again or "found" not in result):
        run.trace(options, pair, result)
    if result["killed"] and options.fix and "fixes" not in result:
        run.trace(options, pair, result, fix=True)
    print("%s %s: %s" % (pair.name, pair.earlier, (
        "%d tests fail" % result["failing"] if result["killed"] else "no test tells it from the next")),
        file=sys.stderr, flush=True)
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failscope", default=str(TREE / "target/debug/failscope"))
    parser.add_argument("--python", default=str(TREE / "target/venv/bin/python"))
    parser.add_argument("--work", type=Path, default=TREE / "target/localise")
    parser.add_argument("--again", action="store_true", help="rank again what has been traced")
    parser.add_argument("--fix", action="store_true", help="search fixes as well")
    parser.add_argument("--edits", type=float, default=4, help="seconds for edits that are tried as evidence")
    parser.add_argument("--budget", type=float, default=20, help="seconds of each search")
    parser.add_argument("--numbers", type=Path, help="write one line of JSON with the figures of each bug")
    options = parser.parse_args()
    results = []
    for row in PAIRS:
        try:
            results.append(one(options, row))
        except (OSError, IndexError, SyntaxError, run.subprocess.CalledProcessError) as error:
            print("%s %s: left out: %r" % (row[0], row[1], error), file=sys.stderr)
    measure.report(results)
    if options.numbers:
        options.numbers.write_text("".join(json.dumps(line) + "\n" for line in measure.lines(results)))


if __name__ == "__main__":
    main()
