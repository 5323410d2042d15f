"""Every Python from 3.9 on that is on this machine records the same failures."""

import glob
import os
import shutil
import subprocess
import sys

import pytest
from support import environment, pytest_of
from test_kinds import project, told


def interpreter(version):
    """A Python of ``version``: on ``PATH``, or among pyenv's."""
    candidates = [shutil.which("python" + version)]
    candidates += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/%s.*/bin/python" % version)))
    for python in filter(None, candidates):
        if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    return None


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_python(version, tmp_path):
    base = interpreter(version)
    if base is None:
        pytest.skip("there is no Python %s on this machine" % version)
    packages = ["pytest==8.4.2", "pytest-xdist==3.8.0", "pytest-subtests==0.14.2"]
    if tuple(map(int, version.split("."))) == sys.version_info[:2]:
        python = pytest_of("pytest8")
    else:
        python = environment("python" + version, packages, base)
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
