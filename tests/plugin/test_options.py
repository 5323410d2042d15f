"""Switching on and off, every flag, the section of the summary, and what happens when the program does not help."""

import json
import pathlib
import stat
import subprocess

import pytest
from support import TREE, clean_environment, program, pytest_of, run

TESTS = "def test_ok(): pass\ndef test_bad():\n    total = 3\n    assert total == 4\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


@pytest.fixture
def python():
    return pytest_of("pytest9")


def fake_program(folder, script):
    """A program that stands in for failscope."""
    path = folder / "fake-failscope"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def arguments_of(folder):
    return (folder / "arguments").read_text().splitlines()


REMEMBER = 'for a in "$@"; do echo "$a"; done > arguments\necho THE SECTION\nexit 1\n'


def test_without_the_flag_nothing_is_registered(project, python):
    (project / "conftest.py").write_text(
        "def pytest_sessionfinish(session):\n"
        "    names = [n for n, p in session.config.pluginmanager.list_name_plugin() if p and 'failscope' in n]\n"
        "    import sys\n"
        "    loaded = sorted(m for m in sys.modules if m.startswith('failscope'))\n"
        "    print('NAMES', names, loaded)\n"
    )
    ran = run(python, project, "-s")
    assert "NAMES ['failscope'] ['failscope', 'failscope.plugin']" in ran.output
    assert not (project / ".failscope").exists()


@pytest.mark.parametrize(
    "args, environment, ini",
    [
        (["--failscope"], {}, ""),
        ([], {"FAILSCOPE": "1"}, ""),
        ([], {}, "failscope = true"),
        (["--failscope"], {"FAILSCOPE": "0"}, "failscope = false"),
        (["-o", "failscope=yes"], {}, ""),
    ],
)
def test_ways_to_switch_on(args, environment, ini, project, python):
    (project / "pytest.ini").write_text("[pytest]\n" + ini + "\n")
    ran = run(python, project, *args, FAILSCOPE_BIN=fake_program(project, REMEMBER), **environment)
    assert "THE SECTION" in ran.output, ran.output
    assert len(ran.streams) == 1


@pytest.mark.parametrize(
    "environment, ini", [({}, ""), ({"FAILSCOPE": "off"}, "failscope = true"), ({}, "failscope = 0")]
)
def test_ways_to_stay_off(environment, ini, project, python):
    (project / "pytest.ini").write_text("[pytest]\n" + ini + "\n")
    assert run(python, project, **environment).streams == []


@pytest.mark.parametrize(
    "args, environment, ini, expected",
    [
        ([], {}, "", []),
        (["--fs-offline"], {}, "", ["--offline"]),
        (["--fs-report"], {}, "", ["--report"]),
        (["--fs-provider=groq"], {}, "", ["--provider", "groq"]),
        (["--fs-model=llama3.1:8b"], {}, "", ["--model", "llama3.1:8b"]),
        (["--fs-max-log-size=5000"], {}, "", ["--max-log-size", "5000"]),
        ([], {"FAILSCOPE_OFFLINE": "1", "FAILSCOPE_MODEL": "m"}, "", ["--offline", "--model", "m"]),
        ([], {}, "fs_offline = true\nfs_provider = ollama\nfs_max_log_size = 900",
         ["--offline", "--provider", "ollama", "--max-log-size", "900"]),
        ([], {"FAILSCOPE_REPORT": "yes", "FAILSCOPE_PROVIDER": "openai", "FAILSCOPE_MAX_LOG_SIZE": "7"}, "",
         ["--report", "--provider", "openai", "--max-log-size", "7"]),
        ([], {}, "fs_report = on", ["--report"]),
        (["--fs-offline"], {"FAILSCOPE_OFFLINE": "0"}, "fs_offline = false", ["--offline"]),
        (["--fs-model=a"], {"FAILSCOPE_MODEL": "b"}, "fs_model = c", ["--model", "a"]),
        ([], {"FAILSCOPE_MODEL": "b"}, "fs_model = c", ["--model", "b"]),
    ],
)
def test_settings_reach_the_program(args, environment, ini, expected, project, python):
    (project / "pytest.ini").write_text("[pytest]\n" + ini + "\n")
    ran = run(python, project, "--failscope", *args, FAILSCOPE_BIN=fake_program(project, REMEMBER), **environment)
    got = arguments_of(project)
    at = got.index("--output")
    assert got[:2] == ["analyze", str(ran.streams[0])]
    assert got[at + 1] == str(project / ".failscope")
    assert got[at + 2 : got.index("--no-color")] == expected


@pytest.mark.parametrize(
    "args, ini, environment",
    [(["--fs-output=out"], "", {}), ([], "fs_output = out", {}), ([], "", {"FAILSCOPE_OUTPUT": "out"})],
)
def test_the_output_folder(args, ini, environment, project, python):
    (project / "pytest.ini").write_text("[pytest]\n" + ini + "\n")
    run(python, project, "--failscope", *args, **environment, FAILSCOPE_BIN=fake_program(project, REMEMBER))
    got = arguments_of(project)
    assert got[got.index("--output") + 1] == str(project / "out")
    assert list((project / "out" / "runs").glob("*.jsonl")) and not (project / ".failscope").exists()


@pytest.mark.parametrize(
    "file, text",
    [
        ("pytest.ini", "[pytest]\n# quiet\naddopts = -q\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\n# no option yet\naddopts = '-q'\n"),
        ("tox.ini", "[testenv]\ndeps = pytest\n[pytest]\naddopts = -q\n"),
        ("setup.cfg", "[metadata]\nname = w\n[tool:pytest]\naddopts = -q\n"),
    ],
)
def test_setup_switches_every_run_on_and_off_again(file, text, tmp_path, python):
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / file).write_text(text)

    def setup(*args):
        done = subprocess.run(
            [program(), "setup", *args], cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, done.stdout
        return done.stdout.decode()

    assert run(python, tmp_path, FAILSCOPE_BIN="/nowhere").streams == []
    assert file in setup()
    ran = run(python, tmp_path, FAILSCOPE_BIN="/nowhere")
    assert ran.exit == 1 and [failure["id"] for failure in ran.failures()] == ["test_it.py::test_bad"]
    assert file in setup("--undo")
    assert (tmp_path / file).read_text() == text
    assert run(python, tmp_path, FAILSCOPE_BIN="/nowhere").streams == ran.streams


@pytest.mark.parametrize(
    "args, environment, ini, line",
    [
        ([], {"FAILSCOPE_OFFLINE": "perhaps"}, "", "FAILSCOPE_OFFLINE must be true or false, not 'perhaps'"),
        ([], {}, "fs_report = often", "fs_report must be true or false, not 'often'"),
        ([], {"FAILSCOPE_MAX_LOG_SIZE": "many"}, "", "FAILSCOPE_MAX_LOG_SIZE must be a number, not 'many'"),
        (["--fs-max-log-size=0"], {}, "", "the log size must be a positive number of characters"),
        (["--fs-max-log-size=many"], {}, "", "invalid int value: 'many'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_a_usage_error(args, environment, ini, line, project, python):
    (project / "pytest.ini").write_text("[pytest]\n" + ini + "\n")
    ran = run(python, project, "--failscope", *args, **environment)
    assert ran.exit == 4 and line in ran.output


@pytest.mark.parametrize(
    "binary, line",
    [
        (None, "failscope: the failscope program was not found"),
        ("exit 3\n", "failscope: the analysis failed: exit code 3 and no message"),
        ("echo 'failscope: no space left' >&2; exit 3\n", "failscope: no space left"),
        ("kill -9 $$\n", "failscope: the analysis failed: exit code -9 and no message"),
        ("sleep 60\n", "failscope: the analysis took longer than 0.5 s and was stopped"),
    ],
)
def test_a_program_that_does_not_help(binary, line, project, python):
    path = "/nowhere/failscope" if binary is None else fake_program(project, binary)
    ran = run(python, project, "--failscope", FAILSCOPE_BIN=path, FAILSCOPE_TIMEOUT="0.5")
    assert ran.exit == 1
    assert [text for text in ran.output.splitlines() if text.startswith("failscope:")][0].startswith(line)
    assert "1 failed, 1 passed" in ran.output


def test_the_section(project, python):
    (project / "test_it.py").write_text(
        TESTS + "def test_secret():\n    password = 'hunter2-Tr0ub4dor'\n    assert password == ''\n"
    )
    ran = run(python, project, "--failscope", "--fs-offline", "--fs-report")
    assert ran.exit == 1
    section = ran.output.split(" failscope ", 1)[1].split(" short test summary ", 1)[0]
    assert "assertion_failure" in section and "% sure" in section and "fix" in section
    assert "test_it.py::test_bad" in section
    assert "2 failures → 2 root causes" in section
    assert "report: .failscope/rca_report.html" in section
    assert "redacted" in section and "hunter2" not in section
    report = json.loads((project / ".failscope" / "rca_report.json").read_text())
    assert report["total_failures"] == 2
    assert (project / ".failscope" / "rca_report.html").exists()


@pytest.mark.parametrize("args", [["-p", "no:terminal"], ["--tb=no"], ["-x"], ["--lf"], ["-n2"], ["-qq"]])
def test_options_of_pytest(args, project, python):
    ran = run(python, project, "--failscope", "--fs-offline", *args)
    assert ran.exit == 1
    report = json.loads((project / ".failscope" / "rca_report.json").read_text())
    assert report["total_failures"] == 1
    assert report["analyses"][0]["affected_tests"] == ["test_it.py::test_bad"]


def test_a_pytest_inside_a_test_is_not_a_run_of_its_own(tmp_path, python):
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['pytester']\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('how', ['runpytest_inprocess', 'runpytest_subprocess'])\n"
        "def test_inner(pytester, how):\n"
        "    pytester.makepyfile('def test_fails(): assert 0')\n"
        "    result = getattr(pytester, how)('-p', 'failscope')\n"
        "    result.assert_outcomes(failed=1)\n"
        "    assert 'failscope' not in [line.strip('= ') for line in result.outlines]\n"
        "    assert not (pytester.path / '.failscope').exists()\n"
    )
    ran = run(python, tmp_path, FAILSCOPE="1", FAILSCOPE_BIN=fake_program(tmp_path, REMEMBER))
    assert ran.exit == 0, ran.output
    assert {end["id"] for end in ran.of_kind("end")} == {
        "test_it.py::test_inner[runpytest_inprocess]", "test_it.py::test_inner[runpytest_subprocess]",
    }
    assert ran.of_kind("failure") == []


def test_a_project_that_cannot_be_written(tmp_path, python):
    (tmp_path / "test_it.py").write_text(TESTS)
    # A file where the folder should be: also root cannot write there.
    (tmp_path / ".failscope").write_text("")
    ran = run(python, tmp_path, "--failscope", FAILSCOPE_BIN=fake_program(tmp_path, REMEMBER))
    assert ran.exit == 1 and "THE SECTION" in ran.output
    assert "failscope: cannot record to" in ran.output


def test_a_disk_that_is_full(project, python):
    # No file may grow beyond this: what the record says first still fits.
    (project / "conftest.py").write_text(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1100, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\n"
    )
    ran = run(python, project, "--failscope", FAILSCOPE_BIN=fake_program(project, "echo THE SECTION\nexit 1\n"))
    assert ran.exit == 1 and "1 failed, 1 passed" in ran.output and "THE SECTION" in ran.output
    assert "failscope: cannot write %s: File too large" % ran.streams[0] in ran.output
    whole = ran.streams[0].read_text("ascii").splitlines()[:-1]
    assert [list(json.loads(line)) for line in whole][:2] == [["session"], ["collected"]]


def test_without_a_home(project, python):
    kept = clean_environment(FAILSCOPE_BIN=program())
    kept = {name: value for name, value in kept.items() if not name.startswith(("HOME", "XDG"))}
    done = subprocess.run(
        [python, "-m", "pytest", "-p", "failscope", "--failscope", "--fs-offline"],
        cwd=project, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    assert done.returncode == 1 and b"1 root cause" in done.stdout, done.stdout.decode()


def test_the_program_is_called_as_it_understands(project, python):
    """No fake: the real program takes all the flags that the plugin can pass on."""
    ran = run(python, project, "--failscope", "--fs-offline", "--fs-report", "--fs-provider=ollama", "--fs-model=m",
              "--fs-max-log-size=2000", "--fs-output=deep/er", "--color=yes")
    assert "analysis failed" not in ran.output and "root cause" in ran.output, ran.output
    # What is asked for and not done is told.
    assert (project / "deep" / "er" / "stability_report.json").exists() or "stability grades are not" in ran.output
    assert (project / "deep" / "er" / "rca_report.json").exists()
    assert pathlib.Path(program()).is_relative_to(TREE) or program()
