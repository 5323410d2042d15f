"""The stream as a file: whole lines at every moment, whoever is killed, and never too many files."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from support import TREE, clean_environment, events, program, pytest_of, run

SLOW = (
    "import time, pytest\n\n@pytest.mark.parametrize('n', range(400))\ndef test_n(n):\n    time.sleep(0.002)\n"
    "    assert n % 3\n"
)


def killed(python, folder, args, victim, delay):
    """Starts a run, kills ``victim`` (``pytest`` or a worker) some time after its first failure; gives the stream."""
    stream = folder / "run.jsonl"
    stream.unlink(missing_ok=True)
    process = subprocess.Popen(
        [python, "-m", "pytest", "-p", "failscope", "-q", *args],
        cwd=folder,
        env=clean_environment(FAILSCOPE_STREAM=str(stream)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None and (not stream.exists() or b'"failure"' not in stream.read_bytes()):
            time.sleep(0.005)
        time.sleep(delay)
        if process.poll() is None:
            target = process.pid
            if victim == "worker":
                children = subprocess.run(
                    ["ps", "-o", "pid=", "--ppid", str(process.pid)], stdout=subprocess.PIPE
                ).stdout.split()
                target = int(random.choice(children)) if children else process.pid
            os.kill(target, signal.SIGKILL)
        process.wait(60)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    return stream


@pytest.mark.parametrize("victim, args", [("pytest", []), ("pytest", ["-n2"]), ("worker", ["-n2"])])
def test_what_was_recorded_survives_a_kill(victim, args, tmp_path):
    (tmp_path / "test_it.py").write_text(SLOW)
    python = pytest_of("pytest9")
    rounds = int(os.environ.get("FAILSCOPE_KILLS", "4"))
    for _ in range(rounds):
        stream = killed(python, tmp_path, args, victim, random.random() * 0.5)
        seen = events(stream, killed=True)
        assert "session" in seen[0]
        failed = [e["failure"] for e in seen if "failure" in e]
        assert failed and all(f["exceptions"] or f["kind"] == "crash" for f in failed if f["kind"] != "crash")
        if victim == "worker" and any(f["kind"] == "crash" for f in failed):
            # The controller has gone on to the end.
            assert "finish" in seen[-1]
        assert reported(stream) == told(stream)


def told(stream):
    """How many failures a stream tells of that breaks off: those recorded, and the tests that were running."""
    seen = events(stream, killed=True)
    names = {kind: [e[kind]["id"] for e in seen if kind in e] for kind in ("begin", "end", "failure")}
    running = set() if "finish" in seen[-1] else set(names["begin"]) - set(names["end"]) - set(names["failure"])
    return len(names["failure"]) + len(running)


def reported(stream):
    """How many failures the program finds in a stream."""
    command = [program(), "analyze", "--offline", "--format", "json", "--output", "reports", str(stream)]
    done = subprocess.run(command, cwd=stream.parent, env=clean_environment(), stdout=subprocess.PIPE, timeout=120)
    assert done.returncode == 1
    return json.loads(done.stdout)["total_failures"]


def test_a_line_that_was_cut_costs_no_other(tmp_path):
    (tmp_path / "test_it.py").write_text(SLOW)
    stream = tmp_path / "run.jsonl"
    run(pytest_of("pytest9"), tmp_path, "-q", FAILSCOPE_STREAM=str(stream))
    data = stream.read_bytes()
    last = data.rindex(b'{"failure"')
    whole = data.index(b"\n", last) + 1 - last
    for length in (1, 12, 500, whole):
        stream.write_bytes(data[: last + length])
        assert reported(stream) == told(stream) > 1


def test_old_streams_go(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_ok(): pass\n")
    runs = tmp_path / ".failscope" / "runs"
    runs.mkdir(parents=True)
    old = time.time() - 7200
    for number in range(40):
        path = runs / ("old-%02d.jsonl" % number)
        path.write_text("{}\n")
        os.utime(path, (old - number, old - number))
    young = runs / "young.jsonl"
    young.write_text("{}\n")
    (runs / "notes.txt").write_text("mine")
    run(pytest_of("pytest9"), tmp_path, "--failscope", FAILSCOPE_BIN="/nowhere")
    left = sorted(path.name for path in runs.iterdir())
    assert "notes.txt" in left and "young.jsonl" in left and "old-00.jsonl" in left and "old-39.jsonl" not in left
    assert len(left) == 20 + 1


def test_a_stream_stays_below_its_bound(tmp_path):
    sys.path.insert(0, str(TREE / "python"))
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('n', range(60))\ndef test_n(n):\n    print('x' * 150_000)\n    assert n < 0\n"
    )
    (tmp_path / "conftest.py").write_text(
        "import failscope.session\nfailscope.session.BRIEF_BYTES = 1_000_000\n"
    )
    ran = run(pytest_of("pytest9"), tmp_path, "--failscope", FAILSCOPE_BIN="/nowhere")
    assert len(ran.failures()) == 60 and len(ran.of_kind("end")) == 60
    assert ran.streams[0].stat().st_size < 2_500_000
    assert "largest size" in ran.failures()[-1]["note"]
