"""Workloads for the benchmarks: a project with many tests and pytest's results of it, made from a seed.

The result files have the shape that pytest writes; the failures differ in file, function, values and length,
so that neither grouping nor caching is flattered.
"""

from __future__ import annotations

import random
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr


def make_project(root: Path, files: int, tests_per_file: int, causes: int = 0) -> None:
    """Writes `files` test modules and one source module each, with `tests_per_file` tests.

    With `causes`, so many functions of the project are broken, and every test calls one of them; else each test
    tests a function of its own.
    """
    (root / "tests").mkdir(parents=True, exist_ok=True)
    (root / "src" / "app").mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text("[project]\nname = 'app'\nversion = '0'\n")
    for f in range(files):
        source = [f'"""Module {f}."""', ""]
        tests = ["import app", ""] if causes else [f"from app.mod{f} import *", ""]
        for t in range(tests_per_file):
            if causes:
                c = (f * tests_per_file + t) % causes
                tests += ["", f"def test_compute_{t}():", f"    result = app.part{c}.convert_{c}({t})", f"    assert result == {t * 2}", ""]
                continue
            source += ["", f"def compute_{t}(value):", f"    scaled = value * {t + 1}", "    return scaled - 1", ""]
            tests += ["", f"def test_compute_{t}():", f"    result = compute_{t}({t})", f"    assert result == {t * (t + 1)}", ""]
        (root / "src" / "app" / f"mod{f}.py").write_text("\n".join(source))
        (root / "tests" / f"test_mod{f}.py").write_text("\n".join(tests))
    for c in range(causes):
        part = f'"""Part {c}."""\n\nSCALES = [3, 5, 8, 12]\n\n\n{broken(c)}\n'
        (root / "src" / "app" / f"part{c}.py").write_text(part)


def broken(c: int) -> str:
    """The function that is broken for cause `c`."""
    return f'def convert_{c}(value):\n    scale = SCALES[value % 4]\n    raise ValueError(f"cannot convert {{value}} with scale {{scale}}")'


def headline(t: int, causes: int) -> str:
    """What went wrong with test `t` of a file, on one line."""
    if causes:
        return f"ValueError: cannot convert {t} with scale {[3, 5, 8, 12][t % 4]}"
    return f"assert {t * (t + 1) - 1} == {t * (t + 1)}"


def failure_text(f: int, t: int, size: int, rng: random.Random, cause: int | None = None) -> str:
    """The long representation of one failure, padded with captured output to about `size` bytes: an assertion, or an
    exception out of the function that is broken for `cause`."""
    if cause is None:
        text = (
            f"    def test_compute_{t}():\n        result = compute_{t}({t})\n>       assert result == {t * (t + 1)}\n"
            f"E       {headline(t, 0)}\n\ntests/test_mod{f}.py:{3 + t * 5 + 3}: AssertionError\n"
        )
    else:
        shown = [f"    {line}" for line in broken(cause).splitlines()]
        text = (
            f"    def test_compute_{t}():\n>       result = app.part{cause}.convert_{cause}({t})\n\n"
            f"tests/test_mod{f}.py:{3 + t * 5 + 2}: \n{'_ ' * 40}\n\nvalue = {t}\n\n{shown[0]}\n{shown[1]}\n>{shown[2][1:]}\n"
            f"E       {headline(t, 1)}\n\nsrc/app/part{cause}.py:8: ValueError\n"
        )
    if len(text) < size:
        text += "----------------------------- Captured stdout call -----------------------------\n"
        words = "connecting retry payload order 0x7f3c ready worker accepted ms status 200 cache miss".split()
        while len(text) < size:
            text += f"2026-01-01 10:{t % 60:02}:{rng.randrange(60):02} INFO {' '.join(rng.choices(words, k=8))}\n"
    return text


def junit(path: Path, files: int, tests_per_file: int, failing: int, size: int = 400, seed: int = 1, causes: int = 0) -> None:
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
                    cause = (f * tests_per_file + t) % causes if causes else None
                    text = failure_text(f, t, size, rng, cause)
                    out.write(f"{case}><failure message={quoteattr(headline(t, causes))}>{escape(text)}</failure></testcase>")
                else:
                    out.write(f"{case} />")
        out.write("</testsuite></testsuites>")
