"""Tests that do to Python and the system what they like: the run ends as it would without the plugin, and what failed is
recorded."""

import json
import shutil
import stat

import pytest
from support import HERE, TREE, environment, run, against_truth

#: What the tests do: the files of the project, arguments of pytest, and a variable name with its value that the last
#: failure must show (none if there are no values to see).
HOSTILE = {
    "close every descriptor": (
        """
import os

FILES = []

def test_closes():
    os.closerange(3, 4096)

def test_opens():
    FILES.extend(open("mine-%d" % n, "w+") for n in range(30))
    seen = len(FILES)
    assert seen == 0

def test_nothing_was_written_there():
    texts = [file.seek(0) or file.read() for file in FILES]
    assert "".join(texts) == "something"
""",
        ["--capture=sys", "-p", "no:faulthandler"],
        ["texts", "['', '', ''"],
    ),
    "remove the record": (
        """
import shutil

def test_bad_before():
    assert 1 == 2

def test_removes():
    shutil.rmtree(".failscope", ignore_errors=True)

def test_bad_after():
    total = 3
    assert total == 4
""",
        [],
        ["total", "3"],
    ),
    "fork and let the child run on": (
        """
import os

def test_forks():
    child = os.fork()
    if child:
        os.waitpid(child, 0)

def test_bad():
    total = 3
    assert total == 4
""",
        [],
        ["total", "3"],
    ),
    "leave for a folder that goes away": (
        """
import os

def test_leaves(tmp_path):
    os.chdir(tmp_path)
    tmp_path.rmdir()
    total = 3
    assert total == 4
""",
        [],
        ["total", "3"],
    ),
    "replace standard output": (
        """
import sys

def test_replaces():
    sys.stdout = sys.stderr = sys.__stdout__ = None
    total = 3
    assert total == 4
""",
        [],
        ["total", "3"],
    ),
    "replace functions": (
        """
import builtins, io, json, os, time

def never(*args, **keywords):
    raise RuntimeError("not in a test")

def test_replaces(monkeypatch):
    for module, name in [
        (os, "write"), (os, "open"), (os, "close"), (os, "getpid"), (io, "open"), (builtins, "open"), (json, "dumps"),
        (json, "loads"), (time, "time"), (time, "perf_counter"), (time, "monotonic"),
    ]:
        monkeypatch.setattr(module, name, never)
    total = 3
    assert total == 4

def test_after():
    total = 5
    assert total == 6
""",
        [],
        ["total", "5"],
    ),
    "freeze time around a repr that never ends": (
        """
import freezegun

class Endless:
    def __repr__(self):
        while True:
            pass

@freezegun.freeze_time("2020-02-02")
def test_frozen():
    endless = Endless()
    assert endless is None
""",
        ["--tb=native", "--assert=plain"],
        ["endless", "<Endless: its repr is too slow>"],
    ),
    "have gevent replace the standard library": (
        """
from gevent import monkey

monkey.patch_all()

import time

def test_waits():
    time.sleep(0.01)
    total = 3
    assert total == 4
""",
        [],
        ["total", "3"],
    ),
    "wait for ever in a repr": (
        """
import threading

class Locked:
    lock = threading.Lock()

    def __repr__(self):
        with self.lock:
            return "Locked"

def test_locked():
    locked = Locked()
    locked.lock.acquire()
    raise ValueError("never given back")
""",
        ["--assert=plain"],
        ["locked", "<Locked: its repr is too slow>"],
    ),
    "raise what cannot be told": (
        """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")

def test_mute():
    raise Mute(1)

def test_circle():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__context__ = second, first
    raise first
""",
        ["--tb=native"],
        None,
    ),
    "nest groups of exceptions deep": (
        """
import sys

def test_deep():
    total = 3
    error = ValueError("innermost")
    for _ in range(200 if sys.version_info >= (3, 11) else 0):
        error = ExceptionGroup("level", [error])
    raise error
""",
        ["--tb=short"],
        ["total", "3"],
    ),
    "compare a hundred megabytes": (
        """
def test_large():
    left, right = b"x" * 100_000_000, b"x" * 99_999_999 + b"y"
    assert left == right
""",
        [],
        ["right", "b'xxx"],
    ),
    "use up all descriptors": (
        """
import resource

FILES = []

def test_opens():
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    try:
        while True:
            FILES.append(open("/dev/null"))
    except OSError:
        pass
    total = 3
    assert total == 4

def test_closes():
    while FILES:
        FILES.pop().close()
    total = 5
    assert total == 6
""",
        [],
        ["total", "5"],
    ),
    "have names of several lines": (
        """
import pytest

@pytest.mark.parametrize("n", [pytest.param(1, id="two\\nlines"), pytest.param(2, id="half \\ud800 a pair")])
def test_names(n):
    text = "\\udce9 \\ud83d\\ude00 \\n"
    assert n == text
""",
        [],
        ["text", "'\\udce9"],
    ),
    "have classes that lie": (
        """
class Meta(type):
    def __getattribute__(cls, name):
        raise LookupError(name)

class Lying(metaclass=Meta):
    pass

class Array:
    def __bool__(self):
        raise ValueError("the truth value is ambiguous")
    def __eq__(self, other):
        raise ValueError("not comparable")
    __len__ = __iter__ = __hash__ = __getattr__ = __bool__

class Other:
    __class__ = property(lambda self: 1 / 0)
    __dict__ = property(lambda self: 1 / 0)

def test_lies():
    lying, array, other = Lying(), Array(), Other()
    total = 3
    raise KeyError(total)
""",
        ["--tb=native"],
        ["total", "3"],
    ),
}


@pytest.fixture(scope="module")
def python():
    return environment("hostile", ["pytest==9.2.0", "freezegun==1.5.5", "gevent==25.9.1"])


def failing_program(folder):
    """A program that notes each time that it is asked."""
    path = folder / "fake-failscope"
    path.write_text("#!/bin/sh\necho asked >> asked\nexit 1\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize("name", HOSTILE)
def test_tests_that(name, python, tmp_path):
    source, args, value = HOSTILE[name]
    seen = {}
    for way in ("without", "with"):
        folder = tmp_path / way
        folder.mkdir()
        (folder / "pytest.ini").write_text("[pytest]\n")
        # A machine that is busy must not leave too little time for values.
        (folder / "conftest.py").write_text("import failscope.frames\nfailscope.frames.SECONDS = 60\n")
        (folder / "test_it.py").write_text(source)
        shutil.copy(HERE / "oracle.py", folder)
        truth = folder / "truth.json"
        ran = run(
            python, folder, "-p", "oracle", *args, *(["--failscope"] if way == "with" else []), plugin=way == "with",
            TRUTH=str(truth), PYTHONPATH=":".join([str(TREE / "python"), str(folder)]),
            FAILSCOPE_BIN=failing_program(folder),
        )
        told = json.loads(truth.read_text())
        seen[way] = ran.exit, told["failed"], told["ended"]
    assert seen["with"] == seen["without"]
    assert seen["with"][0] == 1 and seen["with"][1], ran.output
    missing, extra, _ = against_truth(ran, truth)
    assert not missing and not extra, ran.output
    failures = ran.failures()
    assert ran.events[-1]["finish"]["exit"] == 1 and len(ran.of_kind("finish")) == 1
    assert (folder / "asked").read_text() == "asked\n", ran.output
    assert "failscope: " not in ran.output, ran.output
    if value is not None:
        frames = failures[-1]["exceptions"][-1]["frames"]
        values = {name: text for frame in frames for name, text, _ in frame.get("locals", ())}
        assert values[value[0]].startswith(value[1]), values
