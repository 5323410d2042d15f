"""A fresh copy of the failing project for one editor, and what its story has shown."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
TOP = HERE.parent.parent
SCREENSHOTS = TOP / "target/screenshots"


class Stage:
    """usage: with Stage("Helix", binary, venv) as stage: …; ends the process with 1 if a check failed."""

    def __init__(self, name, binary, venv):
        self.name = name
        self.binary, self.venv = pathlib.Path(binary).resolve(), pathlib.Path(venv).resolve()
        self.passed = self.failed = 0
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="failscope-editor."))
        self.project = self.work / "shop"
        shutil.copytree(HERE / "project", self.project)
        self.home = self.work / "home"
        self.home.mkdir()
        # The binary as a user has it: on PATH, under its name.
        (self.work / "bin").mkdir()
        slug = name.split()[0].lower()
        self.log = TOP / f"target/lsp-messages/{slug}.jsonl"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        launcher = self.work / "bin/failscope"
        launcher.write_text(f'#!/bin/sh\nexec "{self.binary}" "$@" --log-messages "{self.log}"\n')
        launcher.chmod(0o755)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        assert self.pytest() == 1, "the project must fail first"

    @property
    def env(self):
        import os

        return {
            "PATH": f"{self.work}/bin:{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_DATA_HOME": str(self.home / ".local"),
            "XDG_STATE_HOME": str(self.home / ".state"),
            "VIRTUAL_ENV": str(self.venv),
        }

    def pytest(self):
        command = [self.venv / "bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=report.xml"]
        return subprocess.run(command, cwd=self.project, capture_output=True).returncode

    def source(self):
        """The text on disk; nothing while an editor that replaces the file has moved the old one away."""
        try:
            return (self.project / "shop/basket.py").read_text()
        except FileNotFoundError:
            return ""

    def saved(self, part, limit=20):
        """Waits until the source on disk holds `part`."""
        end = time.monotonic() + limit
        while part not in self.source():
            if time.monotonic() > end:
                raise AssertionError(f"no {part!r} on disk:\n{self.source()}")
            time.sleep(0.05)

    def check(self, what, ok, seen=""):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {self.name}: {what}; seen: {seen}")

    def does(self, what, act):
        """A check that `act` does not raise; gives what it gives."""
        try:
            result = act()
        except AssertionError as error:
            self.check(what, False, error)
            return None
        self.check(what, True)
        return result

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if kind:
            self.check("the story comes to its end", False, repr(error))
        print(f"{self.name}: {self.passed} passed, {self.failed} failed", flush=True)
        shutil.rmtree(self.work, ignore_errors=True)
        sys.exit(1 if self.failed else 0)
