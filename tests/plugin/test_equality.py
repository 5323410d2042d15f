"""The plugin changes nothing: the suites of real projects end the same with it and without it."""

import json
import shutil
import subprocess
import tarfile

import pytest
from support import HERE, TREE, VENVS, alone, environment, program, run

#: Project: its source distribution and where its tests are.
PROJECTS = {
    "more-itertools": ("more-itertools==10.8.0", "tests"),
    "toolz": ("toolz==1.0.0", "toolz"),
    "itsdangerous": ("itsdangerous==2.2.0", "tests"),
}
#: What all of them need, and what their source distributions are built with: pip asks those for their metadata.
PACKAGES = [
    "pytest==9.0.2", "pytest-xdist==3.8.0", "freezegun==1.5.5", *(requirement for requirement, _ in PROJECTS.values()),
    "pip", "setuptools", "wheel", "flit_core<4", "setuptools_scm",
]


def sources(name, requirement):
    """The unpacked source distribution, fetched once."""
    folder = VENVS.parent / "plugin-sources" / name
    with alone("sources-" + name):
        _fetched(folder, name, requirement)
    return folder


def _fetched(folder, name, requirement):
    if not folder.exists():
        fetched = folder.with_name(name + ".fetched")
        shutil.rmtree(fetched, ignore_errors=True)
        python = environment("projects", PACKAGES)
        subprocess.run(
            [python, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
             "--no-binary=:all:", "--no-build-isolation", "-d", str(fetched), requirement],
            check=True,
        )
        archive = next(fetched.glob("*.tar.gz"))
        with tarfile.open(archive) as tar:
            tar.extractall(fetched)
        next(path for path in fetched.iterdir() if path.is_dir()).rename(folder)


@pytest.mark.parametrize("name", PROJECTS)
def test_the_same_outcomes(name, tmp_path):
    requirement, tests = PROJECTS[name]
    python = environment("projects", PACKAGES)
    seen = {}
    for way, args in {"without": [], "with": ["--failscope", "--fs-offline"]}.items():
        folder = tmp_path / way
        shutil.copytree(sources(name, requirement), folder)
        shutil.copy(HERE / "oracle.py", folder)
        truth = folder / "truth.json"
        # A test that fails besides those that pass.
        (folder / tests / "test_of_failscope.py").write_text("def test_bad():\n    left = [1]\n    assert left == [2]\n")
        ran = run(
            python, folder, "-p", "oracle", "-q", tests, *args, plugin=way == "with",
            TRUTH=str(truth), PYTHONPATH=":".join([str(TREE / "python"), str(folder)]), FAILSCOPE_BIN=program(),
        )
        told = json.loads(truth.read_text())
        seen[way] = (ran.exit, told["failed"], told["ended"])
        assert len(told["ended"]) > 10, ran.output
    assert seen["with"] == seen["without"]
    assert seen["with"][0] == 1
    recorded = {(f["id"], f["phase"]) for f in ran.failures()}
    assert recorded == {(nodeid, phase) for nodeid, phase, _, _ in seen["with"][1]}
    ends = {end["id"] for end in ran.of_kind("end")}
    assert ends == set(seen["with"][2]) | {failed[0] for failed in seen["with"][1]}
