"""One wheel: the program, ``python -m failscope`` and the plugin, in a fresh virtual environment."""

import json
import shutil
import subprocess
import sys
import zipfile

from support import SUITES, TREE, VENVS, clean_environment, environment
from test_equality import PROJECTS, sources


def test_the_wheel(tmp_path):
    tools = environment("maturin", ["maturin==1.16.0"])
    wheels = VENVS.parent / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    # The development profile: the same wheel with a slower program, built in a fraction of the time.
    subprocess.run([tools, "-m", "maturin", "build", "--profile", "dev", "--out", str(wheels)], cwd=TREE, check=True)
    (wheel,) = wheels.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests", "fixtures"))]
    assert {name for name in names if name.startswith("failscope/")} == {
        "failscope/" + path.name for path in (TREE / "python" / "failscope").glob("*.py")
    }

    fresh = VENVS / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(fresh)], check=True)
    python = str(fresh / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "pytest==9.0.2", str(wheel)], check=True)
    env = clean_environment()
    del env["PYTHONPATH"]

    def said(*command):
        return subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout

    assert said(python, "-m", "failscope", "--version") == said(str(fresh / "bin" / "failscope"), "--version")
    def report_of(folder, tests):
        done = subprocess.run(
            [python, "-m", "pytest", "--failscope", "--fs-offline", "--fs-report", tests],
            cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        text = done.stdout.decode()
        assert done.returncode == 1 and "root cause" in text and "report: .failscope/rca_report.html" in text, text
        assert (folder / ".failscope" / "stability_report.json").exists(), text
        return json.loads((folder / ".failscope" / "rca_report.json").read_text())

    shutil.copytree(SUITES / "kinds", tmp_path / "kinds")
    report = report_of(tmp_path / "kinds", "tests/unit")
    assert report["unique_root_causes"] == len(report["analyses"]) > 5

    # A project of others, with one test that fails.
    shutil.copytree(sources("toolz", PROJECTS["toolz"][0]), tmp_path / "toolz")
    (tmp_path / "toolz" / "toolz" / "tests" / "test_of_failscope.py").write_text(
        "from toolz import first\n\n\ndef test_bad():\n    got = first([2, 3])\n    assert got == 3\n"
    )
    report = report_of(tmp_path / "toolz", "toolz")
    assert report["total_failures"] == 1
    assert report["analyses"][0]["affected_tests"] == ["toolz/tests/test_of_failscope.py::test_bad"]
