#!/usr/bin/env python3
"""From a failure in a run to its diagnostic in the editor, while the run goes on.

usage: python3 benches/live.py [--python PYTHON] [--binary FAILSCOPE] [--files N] [--each SECONDS]

Starts the language server on a project, and pytest with the plugin beside it as in a terminal: first in one process,
then with two workers of xdist. In each file ten tests pass and one fails. A plugin writes down the time at which
pytest reports each failure, which is before Failscope's plugin has written its event; that is compared with the time
at which the diagnostic for that test's line arrives. All the while a hover is asked for every 20 ms; how long the
answers take is compared with the same before the run. PYTHON needs pytest and pytest-xdist.
"""

import argparse
import json
import os
import pathlib
import queue
import statistics
import subprocess
import sys
import tempfile
import time

from editor import Server, initialise

TOP = pathlib.Path(__file__).resolve().parent.parent

CLOCK = '''
import json, os, time
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report):
    if report.outcome == "failed" and "PYTEST_XDIST_WORKER" not in os.environ:
        with open(os.environ["CLOCK"], "a") as file:
            file.write(json.dumps([report.nodeid, time.time()]) + "\\n")

def pytest_sessionfinish(session):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with open(os.environ["CLOCK"], "a") as file:
            file.write(json.dumps(["", time.time()]) + "\\n")
'''


def make(root, files, each):
    (root / "shop").mkdir()
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    lines = {}
    for n in range(files):
        (root / "shop" / ("mod%d.py" % n)).write_text("def total(prices):\n    return sum(prices) + %d\n" % n)
        text = "import time\nfrom shop.mod%d import total\n" % n
        for t in range(11):
            text += "\n\ndef test_%d():\n    time.sleep(%g)\n    bill = total([1, 2])\n" % (t, each)
            text += "    assert bill == %d\n" % (n + 4 if t == 5 else n + 3)
            if t == 5:
                lines["tests/test_mod%d.py::test_5" % n] = text.count("\n") - 1
        (root / "tests").mkdir(exist_ok=True)
        (root / "tests" / ("test_mod%d.py" % n)).write_text(text)
    return lines


def measure(python, binary, args, files, each):
    """Milliseconds from each failure's report to its diagnostic, and how many came before the session's end."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve() / "w"
        root.mkdir()
        lines = make(root, files, each)
        (root.parent / "clock.py").write_text(CLOCK)
        clock = root.parent / "clock"
        server = Server(binary, root)
        offset = time.time() - time.perf_counter()
        server.request("initialize", initialise(root))
        server.send({"method": "initialized", "params": {}})
        server.request("workspace/executeCommand", {"command": "failscope.analyze", "arguments": []})
        hover = {
            "textDocument": {"uri": (root / "tests" / "test_mod0.py").as_uri()}, "position": {"line": 6, "character": 9},
        }
        idle, busy, asked = [], [], {}
        for _ in range(100):
            time.sleep(0.005)
            idle.append(server.request("textDocument/hover", hover)[0] * 1e3)
        run = subprocess.Popen(
            [python, "-m", "pytest", "-q", "-p", "failscope", "-p", "clock", "--failscope", "--fs-offline", *args],
            cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, PYTHONPATH="%s%s%s" % (TOP / "python", os.pathsep, root.parent), CLOCK=str(clock), FAILSCOPE_BIN=str(binary)),
        )
        shown = {}
        deadline = time.monotonic() + 120
        while len(shown) < files and time.monotonic() < deadline:
            if not asked or time.perf_counter() - max(asked.values()) > 0.02:
                server.next_id += 1
                asked[server.next_id] = time.perf_counter()
                server.send({"id": server.next_id, "method": "textDocument/hover", "params": hover})
            try:
                at, message = server.inbox.get(timeout=0.02)
            except queue.Empty:
                continue
            if "method" not in message and message.get("id") in asked:
                busy.append((at - asked[message["id"]]) * 1e3)
                continue
            server.answer(message)
            if message.get("method") != "textDocument/publishDiagnostics":
                continue
            path = "tests/" + message["params"]["uri"].rsplit("/", 1)[1]
            for diagnostic in message["params"]["diagnostics"]:
                for nodeid, line in lines.items():
                    if nodeid.startswith(path + "::") and diagnostic["range"]["start"]["line"] == line:
                        shown.setdefault(nodeid, at + offset)
        run.wait()
        server.stop()
        told = dict(json.loads(line) for line in clock.read_text().splitlines())
    end = told.pop("")
    missing = set(told) - set(shown)
    if missing or len(told) != files:
        sys.exit("%d of %d failures were shown" % (len(shown), files))
    waited = sorted((shown[test] - at) * 1e3 for test, at in told.items())
    return waited, sum(at < end for at in shown.values()), sorted(idle), sorted(busy)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--binary", type=pathlib.Path, default=TOP / "target" / "release" / "failscope")
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--each", type=float, default=0.02)
    options = parser.parse_args()
    for name, args in (("one process", ["-p", "no:xdist"]), ("xdist -n2", ["-n2"])):
        waited, before, idle, busy = measure(options.python, options.binary, args, options.files, options.each)
        print(
            "%-12s %d failures, %d shown before the end; ms to the diagnostic: median %.1f, 95th %.1f, most %.1f (target 50)"
            % (name, len(waited), before, statistics.median(waited), waited[int(len(waited) * 0.95)], waited[-1])
        )
        middle, most = len(busy) // 2, int(len(busy) * 0.95)
        print(
            "%-12s hover: median %.2f ms before the run, %.2f ms during it (%d asked), 95th %.2f and %.2f ms (target: 5 ms added)"
            % ("", statistics.median(idle), busy[middle], len(busy), idle[int(len(idle) * 0.95)], busy[most])
        )


if __name__ == "__main__":
    main()
