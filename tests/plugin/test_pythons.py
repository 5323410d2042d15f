"""Every Python from 3.9 on that is on this machine records the same failures."""

import glob
import json
import os
import shutil
import subprocess
import sys

import pytest
from support import TREE, environment, events, pytest_of, run
from test_kinds import project, told


def interpreter(version):
    """A Python of ``version``: on ``PATH``, or among pyenv's."""
    candidates = [shutil.which("python" + version)]
    candidates += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/%s.*/bin/python" % version)))
    for python in filter(None, candidates):
        if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    return None


def python_with_pytest(version):
    base = interpreter(version)
    if base is None:
        pytest.skip("there is no Python %s on this machine" % version)
    packages = ["pytest==8.4.2", "pytest-xdist==3.8.0", "pytest-subtests==0.14.2"]
    if tuple(map(int, version.split("."))) == sys.version_info[:2]:
        return pytest_of("pytest8")
    return environment("python" + version, packages, base)


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_python(version, tmp_path):
    python = python_with_pytest(version)
    folder = project(tmp_path, "kinds")
    args = ["tests", "tests_broken", "--doctest-glob=guide*.txt", "--continue-on-collection-errors"]
    ran, _ = told(python, folder, *args)
    frames = [
        frame for failure in ran.failures() for error in failure.get("exceptions", ()) for frame in error["frames"]
    ]
    assert any(frame.get("locals") for frame in frames)
    # From 3.11 on Python knows what was being evaluated.
    assert any(frame.get("span") for frame in frames if not frame["path"].endswith("test_syntax.py")) == (
        tuple(map(int, version.split("."))) >= (3, 11)
    )


TRACED = """
def part(prices):
    total = 0
    for price in prices:
        total += price
    return total


def halves(prices):
    yield from (price // 2 for price in prices)


def bill(prices, fail=False):
    if fail:
        raise KeyError("never")
    return part(halves(prices)) + 1
"""


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_python_traces(version, tmp_path):
    """Before 3.12 by a trace function, from then on by `sys.monitoring`: with the same outcome."""
    python = python_with_pytest(version)
    (tmp_path / "shop.py").write_text(TRACED)
    (tmp_path / "test_it.py").write_text(
        "from shop import bill\n\ndef test_bad():\n    got = bill([2, 4])\n    assert got == 3\n\n"
        "def test_good():\n    assert bill([]) == 1\n"
    )
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"version": 1, "closely": ["test_it.py::test_bad"], "seconds": 60}))
    stream = tmp_path / "run.jsonl"
    ran = run(python, tmp_path, FAILSCOPE_STREAM=str(stream), FAILSCOPE_TRACE=str(plan), PYTHONPATH=":".join([str(TREE / "python"), str(tmp_path)]))
    assert ran.exit == 1, ran.output
    seen = events(stream)
    traces = {event["trace"]["id"]: event["trace"] for event in seen if "trace" in event}
    lines = {test: dict(trace["files"]) for test, trace in traces.items()}
    # What both run is what `bill` does without failing; only one has prices to add.
    assert lines["test_it.py::test_bad"]["shop.py"] == "3-6,10,14,16"
    assert lines["test_it.py::test_good"]["shop.py"] == "3-4,6,10,14,16"
    bad = traces["test_it.py::test_bad"]
    assert "codes" not in traces["test_it.py::test_good"]
    names = [code["name"].rsplit(".", 1)[-1] for code in bad["codes"]]
    assert {"test_bad", "bill", "part", "halves"} <= set(names)
    steps = [step for event in seen if "steps" in event for step in event["steps"]["steps"]]
    returned = set()
    at = 0
    while at < len(steps):
        if steps[at] == -1:
            at += 3 + steps[at + 2]
        elif steps[at] in (-2, -3):
            returned.add(bad["values"][steps[at + 1] - 1] if steps[at + 1] else None)
            at += 2
        else:
            at += 3 if steps[at] == -4 else 1
    # `part` returns 3, `bill` 4; the halves that were handed over between them.
    assert {"1", "2", "3", "4"} <= returned
