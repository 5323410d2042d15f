"""Virtual environments with given packages, and running pytest in them with the plugin."""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections import Counter

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent
SUITES = TREE / "fixtures" / "suites"
VENVS = TREE / "target" / "plugin-venvs"

PLUGINS = ["pytest-xdist==3.8.0", "pytest-timeout==2.4.0", "pytest-forked==1.7.5", "pytest-reportlog==1.0.0"]
#: Environments by name: packages for the Python that runs these tests.
VERSIONS = {
    "pytest7": ["pytest==7.4.4", "pytest-subtests==0.13.1", "pytest-asyncio==0.23.8", "pytest-rerunfailures==14.0"],
    "pytest8": [
        "pytest==8.4.2", "pytest-subtests==0.14.2", "pytest-asyncio==1.2.0", "pytest-rerunfailures==16.1",
        "anyio==4.11.0", "trio==0.31.0",
    ],
    "pytest9": ["pytest==9.2.0", "pytest-asyncio==1.3.0", "pytest-rerunfailures==16.1", "pytest-django==4.14.0", "django==5.2.19"],
}


@contextlib.contextmanager
def alone(name):
    """Keeps other test workers from making the same thing at the same time."""
    VENVS.mkdir(parents=True, exist_ok=True)
    with open(VENVS / (name + ".lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def environment(name, packages, python=sys.executable):
    """The interpreter of a virtual environment with ``packages``, made once."""
    with alone(name):
        return _environment(VENVS / name, packages, python)


def _environment(folder, packages, python):
    stamp = folder / "packages"
    want = hashlib.sha256(json.dumps([str(python), packages]).encode()).hexdigest()
    interpreter = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != want:
        shutil.rmtree(folder, ignore_errors=True)
        # The pip that is there already installs into all of them: making one for each takes longer than the rest.
        subprocess.run([str(python), "-m", "venv", "--without-pip", str(folder)], check=True)
        install = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "-q"]
        install += ["--disable-pip-version-check", *packages]
        # A registry that does not answer the first time is asked once more.
        if subprocess.run(install).returncode != 0:
            subprocess.run(install, check=True)
        stamp.write_text(want)
    return str(interpreter)


def pytest_of(name):
    """The interpreter with one of :data:`VERSIONS`."""
    return environment(name, [*VERSIONS[name], *PLUGINS])


def program():
    """The ``failscope`` program under test."""
    return os.environ.get("FAILSCOPE_TEST_PROGRAM") or str(TREE / "target" / "debug" / "failscope")


def clean_environment(**more):
    """This process's environment without what would reach into the run under test."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "FAILSCOPE", "COV_")) and k != "PYTHONPATH"}
    return {**kept, "PYTHONPATH": str(TREE / "python"), "PYTHONDONTWRITEBYTECODE": "1", **more}


class Ran:
    """A run of pytest that has ended."""

    def __init__(self, done, folder, streams):
        self.exit = done.returncode
        self.output = done.stdout.decode("utf-8", "replace")
        self.folder = folder
        self.streams = streams

    @property
    def events(self):
        assert len(self.streams) == 1, (self.streams, self.output)
        return events(self.streams[0])

    def of_kind(self, kind):
        return [event[kind] for event in self.events if kind in event]

    def failures(self):
        return [failure for failure in self.of_kind("failure") if failure["outcome"] == "failed"]


def events(path, killed=False):
    """The events of a stream. Where its writer was ``killed``, the last line may have no end: a kill ends a write
    between two pages of the file."""
    lines = pathlib.Path(path).read_text("ascii").split("\n")
    rest = lines.pop()
    assert killed or not rest, rest
    return [json.loads(line) for line in lines]


def run(python, folder, *args, plugin=True, timeout=300, **environment):
    """Runs pytest in ``folder``; with ``plugin`` it is there to be switched on, as if it were installed."""
    command = [python, "-m", "pytest", *(["-p", "failscope"] if plugin else []), *args]
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment(**{"FAILSCOPE_BIN": program(), **environment}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
    )
    return Ran(done, folder, sorted(pathlib.Path(folder).glob(".failscope/runs/*.jsonl")))


def subtest_text(subtest):
    """How pytest describes the subtest that the oracle saw."""
    message, values = subtest
    parts = ["[%s]" % message] if message is not None else []
    if values:
        parts.append("(%s)" % ", ".join("%s=%s" % pair for pair in values.items()))
    return " ".join(parts) or "(<subtest>)"


def against_truth(ran, truth):
    """What the stream lists and the oracle does not, and the other way round."""
    told = json.loads(pathlib.Path(truth).read_text("utf-8"))
    real = Counter((i, p, None if s is None else subtest_text(s)) for i, p, s, _ in told["failed"])
    recorded = Counter((f["id"], f["phase"], f.get("subtest")) for f in ran.failures())
    return real - recorded, recorded - real, told
