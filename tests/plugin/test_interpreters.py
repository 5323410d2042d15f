"""``failscope run`` runs the tests with the project's own Python, wherever the project's tools keep it."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from support import clean_environment, environment, events, program

PYTEST = "pytest==9.2.0"
TOOLS = ["uv==0.13.9", "poetry==2.5.1"]


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "w"
    (folder / ".git").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "w"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = []\n'
        "[tool.poetry]\npackage-mode = false\n"
    )
    (folder / "test_it.py").write_text(
        "import json, sys\n\ndef test_where():\n    total = 3\n"
        "    open('where', 'w').write(json.dumps([sys.prefix, sys.executable]))\n    assert total == 4\n"
    )
    return folder


@pytest.fixture(scope="module")
def tools():
    """The folder of uv and poetry."""
    return pathlib.Path(environment("tools", TOOLS)).parent


def install(python):
    """pytest into the environment of ``python``: from one where it has been installed."""
    own, there = (
        subprocess.run(
            [str(where), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True, stdout=subprocess.PIPE
        ).stdout.decode().strip()
        for where in (python, environment("only-pytest", [PYTEST]))
    )
    pathlib.Path(own, "pytest.pth").write_text(there + "\n")


def made(folder, *options):
    """A new environment with pytest."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", *options, str(folder)], check=True)
    python = folder / "bin" / "python"
    install(python)
    return python


def with_tools(tools, tmp_path):
    """Only these tools and what they need are there, and what they keep goes to ``tmp_path``."""
    kept = clean_environment()
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH"):
        kept.pop(name, None)
    path = tmp_path / "path"
    path.mkdir()
    for name in ("uv", "poetry"):
        if tools is not None:
            (path / name).symlink_to(tools / name)
    # Python as the last resort has no pytest: it must not be what is found.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    kept.update(
        PATH=os.pathsep.join([str(path), str(tmp_path / "bare" / "bin"), "/usr/bin", "/bin"]),
        HOME=str(tmp_path / "home"),
        UV_PYTHON_DOWNLOADS="never",
        UV_PYTHON=sys.executable,
        UV_PROJECT_ENVIRONMENT=str(tmp_path / "kept by uv"),
        POETRY_VIRTUALENVS_PATH=str(tmp_path / "kept by poetry"),
        POETRY_VIRTUALENVS_IN_PROJECT="false",
        POETRY_VIRTUALENVS_CREATE="true",
    )
    (tmp_path / "home").mkdir()
    return kept


def ran_with(folder, env, *args):
    """The prefix of the Python that ``failscope run`` has run the test with; what it has recorded is looked at."""
    done = subprocess.run(
        [program(), "run", *args], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=300,
    )
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 1, said
    (stream,) = (folder / ".failscope" / "runs").glob("*.jsonl")
    (failure,) = [event["failure"] for event in events(stream) if "failure" in event]
    assert ["total", "3", "int"] in failure["exceptions"][-1]["frames"][-1]["locals"]
    prefix, executable = json.loads((folder / "where").read_text())
    return prefix


def test_a_virtual_environment_of_the_project(project, tmp_path):
    made(project / ".venv")
    assert ran_with(project, with_tools(None, tmp_path)) == str(project / ".venv")


def test_the_active_virtual_environment(project, tmp_path):
    made(tmp_path / "active")
    made_here = project / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made_here)], check=True)
    env = {**with_tools(None, tmp_path), "VIRTUAL_ENV": str(tmp_path / "active")}
    assert ran_with(project, env) == str(tmp_path / "active")


def test_uv(project, tools, tmp_path):
    env = with_tools(tools, tmp_path)
    subprocess.run(["uv", "sync", "--offline", "-q"], cwd=project, env=env, check=True)
    install(tmp_path / "kept by uv" / "bin" / "python")
    assert (project / "uv.lock").exists() and not (project / ".venv").exists()
    assert ran_with(project, env) == str(tmp_path / "kept by uv")


def test_poetry(project, tools, tmp_path):
    env = with_tools(tools, tmp_path)
    subprocess.run(["poetry", "lock", "-q"], cwd=project, env=env, check=True)
    found = subprocess.run(
        ["poetry", "run", "python", "-c", "import sys; print(sys.executable)"],
        cwd=project, env=env, check=True, stdout=subprocess.PIPE,
    )
    python = found.stdout.decode().splitlines()[-1]
    install(python)
    assert (project / "poetry.lock").exists()
    assert ran_with(project, env).startswith(str(tmp_path / "kept by poetry"))


def test_the_active_conda_environment(project, tmp_path):
    # The layout of a conda environment, which no registry that is reached from everywhere can give whole.
    python = made(tmp_path / "miniconda" / "envs" / "w", "--copies")
    (python.parent.parent / "conda-meta").mkdir()
    (python.parent.parent / "conda-meta" / "history").write_text("")
    env = {**with_tools(None, tmp_path), "CONDA_PREFIX": str(python.parent.parent), "CONDA_DEFAULT_ENV": "w"}
    assert ran_with(project, env) == str(python.parent.parent)


def test_the_default_interpreter_of_vs_code(project, tmp_path):
    made(tmp_path / "chosen")
    (project / ".vscode").mkdir()
    (project / ".vscode" / "settings.json").write_text(
        '{\n  // where the tests run\n  "python.defaultInterpreterPath": "${workspaceFolder}/../chosen/bin/python",\n}\n'
    )
    assert pathlib.Path(ran_with(project, with_tools(None, tmp_path))) == tmp_path / "chosen"


def test_the_setting(project, tmp_path):
    made(tmp_path / "set")
    with open(project / "pyproject.toml", "a") as file:
        file.write('[tool.failscope]\npython = "../set/bin/python"\n')
    assert pathlib.Path(ran_with(project, with_tools(None, tmp_path))) == tmp_path / "set"


def test_nothing_but_a_python_on_the_path(project, tmp_path):
    env = with_tools(None, tmp_path)
    install(tmp_path / "bare" / "bin" / "python")
    assert pathlib.Path(ran_with(project, env)) == tmp_path / "bare"


def test_a_python_without_pytest_is_told(project, tmp_path):
    done = subprocess.run(
        [program(), "run"], cwd=project, env=with_tools(None, tmp_path), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
    )
    assert done.returncode == 3 and "No module named pytest" in done.stdout.decode()
