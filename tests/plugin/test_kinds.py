"""What is recorded is what failed, one by one, for every pytest, with and without workers."""

import os
import shutil
from collections import Counter

import pytest
from support import HERE, SUITES, VERSIONS, against_truth, pytest_of, run

WAYS = {
    "plain": [],
    "xdist": ["-n2"],
    "loadgroup": ["-n2", "--dist=loadgroup"],
    "forked": ["--forked"],
    "reruns": ["--reruns=1"],
    "no tracebacks": ["--tb=no"],
    "native tracebacks": ["--tb=native"],
    "first": ["-x"],
}


def project(tmp_path, suite):
    folder = tmp_path / suite
    shutil.copytree(SUITES / suite, folder)
    shutil.copy(HERE / "oracle.py", folder)
    return folder


def told(python, folder, *args, **environment):
    truth = folder / "truth.json"
    path = [str(HERE.parent.parent / "python"), str(folder)]
    ran = run(
        python, folder, "--failscope", "-p", "oracle", "-q", *args,
        TRUTH=str(truth), PYTHONPATH=":".join(path), FAILSCOPE_BIN="/nowhere", **environment,
    )
    missing, extra, known = against_truth(ran, truth)
    assert not missing and not extra, "not recorded: %s\nnot true: %s\n%s" % (missing, extra, ran.output[-3000:])
    return ran, known


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_kind_of_failure(version, way, tmp_path):
    python = pytest_of(version)
    folder = project(tmp_path, "kinds")
    args = ["tests", "tests_broken", "--doctest-glob=guide*.txt", "--continue-on-collection-errors", *WAYS[way]]
    if version == "pytest7":
        # There an error in a conftest below ends the whole session.
        args.append("--ignore=tests_broken/shelved")
    ran, known = told(python, folder, *args)
    failures = ran.failures()
    assert all("note" not in failure for failure in failures)
    last = ran.events[-1]["finish"]
    assert last["exit"] == ran.exit
    # The exception that pytest saw is the last of the chain, unless it only wraps another.
    types = {(i, p): t for i, p, s, t in known["failed"] if s is None}
    wrappers = ("CollectError", "ConftestImportFailure", "FixtureLookupError", "DocTestFailure", "UnexpectedException")
    for failure in failures:
        expected = types.get((failure["id"], failure["phase"]))
        if "subtest" in failure or expected is None or expected in wrappers or failure["kind"] != "exception":
            continue
        exceptions = failure.get("exceptions")
        assert exceptions, failure["id"]
        assert exceptions[-1]["type"].rsplit(".")[-1] == expected
    # Every test that ended without failing is told too, with its outcome.
    ends = {end["id"]: end["outcome"] for end in ran.of_kind("end")}
    assert len(ends) == len(ran.of_kind("end"))
    assert set(known["ended"]) <= set(ends)
    for nodeid, outcomes in known["ended"].items():
        if any(nodeid == failed[0] for failed in known["failed"]) or "rerun" in outcomes:
            continue
        want = {"xskipped": "xfailed", "xpassed": "xpassed", "skipped": "skipped"}
        expected = next((want[o] for o in outcomes if o in want), "passed")
        assert ends[nodeid] == expected, (nodeid, outcomes)


@pytest.mark.parametrize("dist", ["loadscope", "loadfile", "worksteal", "each"])
def test_every_way_to_share_tests_out(dist, tmp_path):
    folder = project(tmp_path, "kinds")
    ran, known = told(pytest_of("pytest9"), folder, "tests/unit", "--dist=" + dist, "-n2" if dist != "each" else "--tx=2*popen")
    times = 2 if dist == "each" else 1
    ends = Counter(end["id"] for end in ran.of_kind("end"))
    assert set(known["ended"]) <= set(ends) and set(ends.values()) == {times}, ends
    assert {failure["worker"] for failure in ran.failures()} == {"gw0", "gw1"}
    assert ran.events[-1]["finish"]["exit"] == ran.exit == 1


def test_a_test_that_two_workers_run_at_a_time_ends_for_each(tmp_path):
    # The second worker is in the first test until the other one has ended it.
    os.mkfifo(tmp_path / "there")
    (tmp_path / "test_it.py").write_text(
        "import os\n\nFIRST = os.environ['PYTEST_XDIST_WORKER'] == 'gw0'\n\n"
        "def test_a():\n    assert FIRST or open('there').read()\n\n"
        "def test_b():\n    if FIRST:\n        open('there', 'w').close()\n"
    )
    ran = run(pytest_of("pytest9"), tmp_path, "--failscope", "--dist=each", "--tx=2*popen", FAILSCOPE_BIN="/nowhere")
    ends = sorted((end["id"], end["worker"], end["outcome"]) for end in ran.of_kind("end"))
    assert ends == [
        ("test_it.py::test_a", "gw0", "passed"), ("test_it.py::test_a", "gw1", "failed"),
        ("test_it.py::test_b", "gw0", "passed"), ("test_it.py::test_b", "gw1", "passed"),
    ]
    assert all(end["seconds"][0] > 0 for end in ran.of_kind("end"))


def test_a_timeout_that_ends_python(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import time, pytest\n\ndef test_bad():\n    assert 0\n\n"
        "@pytest.mark.timeout(0.3, method='thread')\ndef test_slow():\n    time.sleep(60)\n"
    )
    ran = run(pytest_of("pytest9"), tmp_path, "--failscope", FAILSCOPE_BIN="/nowhere")
    assert ran.exit == 1
    assert [failure["id"] for failure in ran.failures()] == ["test_it.py::test_bad"]
    # Which test was running is known; there is no end of it, nor of the run.
    assert [begin["id"] for begin in ran.of_kind("begin")][-1] == "test_it.py::test_slow"
    assert [end["id"] for end in ran.of_kind("end")] == ["test_it.py::test_bad"] and not ran.of_kind("finish")


def test_reruns_count_the_last_execution(tmp_path):
    folder = project(tmp_path, "ids")
    ran, _ = told(pytest_of("pytest9"), folder, "tests/test_flaky.py", "--reruns=2")
    reruns = [f for f in ran.of_kind("failure") if f["outcome"] == "rerun"]
    assert reruns and all(f["exceptions"] for f in reruns)
    assert {failure.get("reruns") for failure in ran.failures()} == {2}


@pytest.mark.parametrize("version", ["pytest7", "pytest9"])
def test_a_worker_that_dies(version, tmp_path):
    folder = project(tmp_path, "crash")
    ran, _ = told(pytest_of(version), folder, "-n2")
    crashed = [f for f in ran.failures() if f["kind"] == "crash"]
    assert len(crashed) == 1 and "crashed" in crashed[0]["headline"]


def test_an_internal_error(tmp_path):
    folder = project(tmp_path, "internal")
    ran = run(pytest_of("pytest9"), folder, "--failscope", FAILSCOPE_BIN="/nowhere")
    assert ran.exit == 3
    (internal,) = [f for f in ran.failures() if f["kind"] == "internal"]
    assert internal["id"].endswith("::test_two") and "the reporter broke" in internal["text"]


def test_an_interrupted_run(tmp_path):
    folder = project(tmp_path, "stop")
    ran = run(pytest_of("pytest9"), folder, "--failscope", STOP="interrupt", FAILSCOPE_BIN="/nowhere")
    assert ran.exit == 2
    assert len(ran.of_kind("interrupted")) == 1


def test_asynchronous_and_timed_out_tests(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import asyncio, time, pytest\n\n"
        "async def fetch(n):\n    await asyncio.sleep(0)\n    return {'n': n}\n\n"
        "@pytest.mark.asyncio\nasync def test_fetch():\n    got = await fetch(3)\n    assert got['n'] == 4\n\n"
        "@pytest.mark.timeout(0.3, method='signal')\ndef test_slow():\n    step = 7\n    while True:\n        time.sleep(0.01)\n"
    )
    ran = run(pytest_of("pytest8"), tmp_path, "--failscope", FAILSCOPE_BIN="/nowhere")
    fetch, slow = ran.failures()
    frame = fetch["exceptions"][-1]["frames"][-1]
    assert (frame["path"], frame["line"]) == ("test_it.py", 10)
    assert ["got", "{'n': 3}", "dict"] in frame["locals"]
    assert fetch["exceptions"][-1]["operands"]["left"] == "3"
    assert slow["exceptions"][-1]["type"] == "Failed"
    frame = [f for f in slow["exceptions"][-1]["frames"] if f["path"] == "test_it.py"][-1]
    assert ["step", "7", "int"] in frame["locals"]


@pytest.mark.parametrize("args", [[], ["-n2"]], ids=["alone", "workers"])
def test_anyio(args, tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import anyio, pytest\n\npytestmark = pytest.mark.anyio\n\n"
        "@pytest.fixture\nasync def stock():\n    await anyio.sleep(0)\n    yield {'apples': 3}\n\n"
        "async def test_stock(stock):\n    left = stock['apples'] - 1\n    assert left == 1\n\n"
        "async def test_many():\n    async with anyio.create_task_group() as group:\n"
        "        group.start_soon(fail)\n\n"
        "async def fail():\n    raise KeyError('pears')\n"
    )
    ran = run(pytest_of("pytest8"), tmp_path, "--failscope", *args, FAILSCOPE_BIN="/nowhere")
    failures = {failure["id"]: failure for failure in ran.failures()}
    assert sorted(failures) == [
        "test_it.py::%s[%s]" % (test, backend) for test in ("test_many", "test_stock") for backend in ("asyncio", "trio")
    ], ran.output
    for backend in ("asyncio", "trio"):
        stock = failures["test_it.py::test_stock[%s]" % backend]
        assert ["left", "2", "int"] in stock["exceptions"][-1]["frames"][-1]["locals"]
        assert "stock" in [fixture[0] for fixture in stock["fixtures"]]
        (member,) = failures["test_it.py::test_many[%s]" % backend]["exceptions"][-1]["group"]
        assert member[-1]["type"] == "KeyError" and member[-1]["frames"][-1]["function"] == "fail"


def test_django(tmp_path):
    (tmp_path / "settings.py").write_text(
        "SECRET_KEY = 'x'\nINSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth']\n"
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}\nUSE_TZ = True\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = settings\npythonpath = .\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\nfrom django.test import TestCase\n\n"
        "@pytest.mark.django_db\ndef test_users():\n    from django.contrib.auth.models import User\n"
        "    User.objects.create(username='ada')\n    count = User.objects.count()\n    assert count == 2\n\n"
        "def test_without_database():\n    from django.contrib.auth.models import User\n    User.objects.count()\n\n"
        "class Case(TestCase):\n    def test_it(self):\n        self.assertEqual(1, 2)\n"
    )
    ran = run(pytest_of("pytest9"), tmp_path, "--failscope", FAILSCOPE_BIN="/nowhere")
    assert sorted(f["id"] for f in ran.failures()) == [
        "test_it.py::Case::test_it", "test_it.py::test_users", "test_it.py::test_without_database",
    ], ran.output
    users = next(f for f in ran.failures() if f["id"].endswith("users"))
    assert users["exceptions"][-1]["operands"]["right"] == "2"
    assert any("django_db" in fixture[0] for fixture in users["fixtures"])
