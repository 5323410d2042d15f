#!/usr/bin/env python3
"""What recording costs: CPU time of each plugin's hooks, measured in one and the same run of pytest.

    python3 benches/plugin.py [--python PYTHON] [--tests 1000] [--rounds 5]

Makes a suite in which every twentieth test fails, runs it with Failscope, ``--junitxml``, a minimal plugin that
writes one JSON line per test and (where installed) ``--report-log`` switched on together, with a timer around every
hook of theirs (``time.thread_time``; its own cost, that of hooks that do nothing in the same run, is taken off), and prints the medians
over the rounds, the growth from the given number of tests to ten times as many, and peak memory with and without
Failscope alone. Then what the plugin costs a run that does not switch it on: the CPU time of whole runs of pytest with it
loaded and without it, in turn, over the same suite (medians, and the spread of those without it). PYTHON needs pytest.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent / "python"

TIMER = '''
import json, os, time, types
import pytest

SPENT = {}
CALLS = {}
clock = time.thread_time_ns

def timed(name, function):
    def call(*args):
        start = clock()
        try:
            result = function(*args)
        finally:
            SPENT[name] += clock() - start
            CALLS[name] += 1
        return result
    return call

def timed_wrapper(name, function):
    def call(*args):
        start = clock()
        steps = function(*args)
        steps.send(None)
        SPENT[name] += clock() - start
        outcome = yield
        start = clock()
        try:
            steps.send(outcome)
        except StopIteration:
            pass
        finally:
            SPENT[name] += clock() - start
    return call

class Minimal:
    """What any recording costs at least: one line of JSON and one write for each test."""

    def __init__(self):
        self.fd = os.open(os.environ["SPENT"] + ".minimal", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            line = {"id": report.nodeid, "outcome": report.outcome, "seconds": report.duration}
            if report.failed:
                line["text"] = report.longreprtext
            os.write(self.fd, json.dumps(line).encode() + b"\\n")

class Nothing:
    """Hooks that do nothing: what the timer itself costs, with the caches as they are between tests."""

    def pytest_runtest_logstart(self, nodeid):
        pass

    def pytest_runtest_logreport(self, report):
        pass

class Timer:
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session):
        manager = session.config.pluginmanager
        for hook in vars(manager.hook).values():
            for impl in getattr(hook, "get_hookimpls", list)():
                module = type(impl.plugin).__module__
                name = {"failscope": "failscope", "_pytest.junitxml": "junitxml"}.get(
                    module if module.startswith("_pytest") else module.split(".")[0]
                )
                if isinstance(impl.plugin, (Minimal, Nothing)):
                    name = type(impl.plugin).__name__.lower()
                if name is None and "reportlog" in module:
                    name = "reportlog"
                if name is None:
                    continue
                SPENT.setdefault(name, 0)
                CALLS.setdefault(name, 0)
                wrap = timed_wrapper if impl.hookwrapper else timed
                assert not getattr(impl, "wrapper", False)
                impl.function = wrap(name, impl.function)

def pytest_configure(config):
    config.pluginmanager.register(Minimal(), "minimal-hooks")
    config.pluginmanager.register(Nothing(), "nothing-hooks")
    config.pluginmanager.register(Timer(), "timer-hooks")

def pytest_unconfigure(config):
    own = SPENT.pop("nothing") / CALLS["nothing"]
    for name in SPENT:
        SPENT[name] -= own * CALLS[name]
    with open(os.environ["SPENT"], "w") as file:
        json.dump(SPENT, file)
'''

HELPER = '''
class Order:
    def __init__(self, lines, customer):
        self.lines = lines
        self.customer = customer

    def total(self):
        return sum(price * count for price, count in self.lines)


def invoice(order, rate):
    net = order.total()
    tax = round(net * rate)
    return {"customer": order.customer, "net": net, "tax": tax, "gross": net + tax}
'''

TEST = '''
def test_{n}(order):
    expected = {expected}
    bill = invoice(order, 0.19)
    assert bill["gross"] == expected
'''


def make(folder, tests):
    """A suite of ``tests`` tests in files of 100; every twentieth fails."""
    (folder / "shop.py").write_text(HELPER)
    (folder / "conftest.py").write_text(
        "import pytest\nfrom shop import Order\n\n@pytest.fixture\ndef order():\n"
        "    return Order([(100, 2), (250, 1), (999, 3)], 'Ada')\n"
    )
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    for start in range(0, tests, 100):
        text = "from shop import invoice\n"
        for n in range(start, min(start + 100, tests)):
            text += TEST.format(n=n, expected=4101 if n % 20 == 7 else 4102)
        (folder / ("test_%05d.py" % start)).write_text(text)


def measure(python, folder):
    """Milliseconds of CPU by plugin in one run."""
    spent = folder / "spent.json"
    stream = folder / "run.jsonl"
    if stream.exists():
        stream.unlink()
    env = dict(
        os.environ,
        PYTHONPATH="%s%s%s" % (SOURCE, os.pathsep, folder),
        SPENT=str(spent),
        FAILSCOPE_STREAM=str(stream),
    )
    command = [python, "-m", "pytest", "-q", "-p", "failscope", "-p", "timer", "--tb=auto", "-p", "no:cacheprovider"]
    command += ["--junitxml=" + str(folder / "junit.xml")]
    if subprocess.run([python, "-c", "import pytest_reportlog"], capture_output=True).returncode == 0:
        command += ["--report-log=" + str(folder / "reportlog.jsonl")]
    done = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 1:
        sys.exit(done.stdout.decode())
    result = json.loads(spent.read_text())
    return {name: value / 1e6 for name, value in result.items()}


def peak(python, folder, args):
    """Peak resident memory of a run, in KiB."""
    env = dict(os.environ, PYTHONPATH="%s%s%s" % (SOURCE, os.pathsep, folder))
    stream = folder / "memory.jsonl"
    if args:
        env["FAILSCOPE_STREAM"] = str(stream)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args]
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    stream.unlink(missing_ok=True)
    return usage.ru_maxrss


def whole(python, folder, args):
    """Milliseconds of CPU of a whole run, user and system."""
    env = dict(os.environ, PYTHONPATH="%s%s%s" % (SOURCE, os.pathsep, folder))
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args]
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return 1e3 * (usage.ru_utime + usage.ru_stime)


def switched_off(python, folder, rounds):
    """Prints what a run costs with the plugin loaded, but not switched on, and without it."""
    spent = {"loaded": [], "absent": []}
    for _ in range(rounds):
        for way, args in {"loaded": ["-p", "failscope", "-o", "failscope="], "absent": []}.items():
            spent[way].append(whole(python, folder, args))
    loaded, absent = (statistics.median(spent[way]) for way in ("loaded", "absent"))
    low, _, high = statistics.quantiles(spent["absent"], n=4)
    print("switched off: %.1f ms CPU a run, without the plugin %.1f (half of them %.1f to %.1f)" % (loaded, absent, low, high))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    medians = {}
    for tests in (arguments.tests, 10 * arguments.tests):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            make(folder, tests)
            (folder / "timer.py").write_text(TIMER)
            rounds = [measure(arguments.python, folder) for _ in range(arguments.rounds)]
            without, recorded = (
                statistics.median(peak(arguments.python, folder, args) for _ in range(3))
                for args in ([], ["-p", "failscope"])
            )
        print("%6d tests  peak memory %+.1f %% of %.1f MB" % (tests, 100 * (recorded / without - 1), without / 1024))
        medians[tests] = {plugin: statistics.median(r[plugin] for r in rounds) for plugin in rounds[0]}
        for plugin, value in sorted(medians[tests].items(), key=lambda pair: pair[1]):
            print("%6d tests  %-10s %8.1f ms CPU" % (tests, plugin, value))
    few, many = medians[arguments.tests], medians[10 * arguments.tests]
    for plugin in few:
        print("growth x10     %-10s %8.1f x" % (plugin, many[plugin] / few[plugin]))
    print("failscope / junitxml  %.2f" % (few["failscope"] / few["junitxml"]))
    with tempfile.TemporaryDirectory() as name:
        make(pathlib.Path(name), arguments.tests)
        switched_off(arguments.python, pathlib.Path(name), 5 * arguments.rounds)


if __name__ == "__main__":
    main()
