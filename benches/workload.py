"""Workloads for the benchmarks: a project with many tests and pytest's results of it, made from a seed.

The result files have the shape that pytest writes; the failures differ in file, function, values and length,
so that neither grouping nor caching is flattered.
"""

from __future__ import annotations

import random
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr


def make_project(root: Path, files: int, tests_per_file: int) -> None:
    """Writes `files` test modules and one source module each, with `tests_per_file` tests."""
    (root / "tests").mkdir(parents=True, exist_ok=True)
    (root / "src" / "app").mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text("[project]\nname = 'app'\nversion = '0'\n")
    for f in range(files):
        source = [f'"""Module {f}."""', ""]
        tests = [f"from app.mod{f} import *", ""]
        for t in range(tests_per_file):
            source += ["", f"def compute_{t}(value):", f"    scaled = value * {t + 1}", "    return scaled - 1", ""]
            tests += ["", f"def test_compute_{t}():", f"    result = compute_{t}({t})", f"    assert result == {t * (t + 1)}", ""]
        (root / "src" / "app" / f"mod{f}.py").write_text("\n".join(source))
        (root / "tests" / f"test_mod{f}.py").write_text("\n".join(tests))


def failure_text(f: int, t: int, size: int, rng: random.Random) -> str:
    """The long representation of one failed assertion, padded with captured output to about `size` bytes."""
    line = 3 + t * 5 + 3
    wrong = t * (t + 1) - 1
    text = (
        f"    def test_compute_{t}():\n        result = compute_{t}({t})\n>       assert result == {t * (t + 1)}\n"
        f"E       assert {wrong} == {t * (t + 1)}\n\ntests/test_mod{f}.py:{line}: AssertionError\n"
    )
    if len(text) < size:
        text += "----------------------------- Captured stdout call -----------------------------\n"
        words = "connecting retry payload order 0x7f3c ready worker accepted ms status 200 cache miss".split()
        while len(text) < size:
            text += f"2026-01-01 10:{t % 60:02}:{rng.randrange(60):02} INFO {' '.join(rng.choices(words, k=8))}\n"
    return text


def junit(path: Path, files: int, tests_per_file: int, failing: int, size: int = 400, seed: int = 1) -> None:
    """Writes JUnit XML (xunit1) in which `failing` tests, spread evenly, have failed."""
    rng = random.Random(seed)
    total = files * tests_per_file
    every = max(1, total // failing) if failing else 0
    with path.open("w", encoding="utf-8") as out:
        out.write(
            '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" '
            f'errors="0" failures="{failing}" skipped="0" tests="{total}" time="60.0" '
            'timestamp="2026-01-01T10:00:00.000000+00:00" hostname="ci">'
        )
        done = 0
        for f in range(files):
            for t in range(tests_per_file):
                case = (
                    f'<testcase classname="tests.test_mod{f}" name="test_compute_{t}" file="tests/test_mod{f}.py" '
                    f'line="{3 + t * 5}" time="{rng.random() / 100:.4f}"'
                )
                if failing and (f * tests_per_file + t) % every == 0 and done < failing:
                    done += 1
                    text = failure_text(f, t, size, rng)
                    message = f"assert {t * (t + 1) - 1} == {t * (t + 1)}"
                    out.write(f"{case}><failure message={quoteattr(message)}>{escape(text)}</failure></testcase>")
                else:
                    out.write(f"{case} />")
        out.write("</testsuite></testsuites>")
