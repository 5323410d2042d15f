#!/usr/bin/env python3
"""What recording costs: CPU time of each plugin's hooks, measured in one and the same run of pytest.

    python3 benches/plugin.py [--python PYTHON] [--tests 1000] [--rounds 5]

Makes a suite in which every twentieth test fails, runs it with Failscope, ``--junitxml`` and (where installed)
``--report-log`` switched on together, with a timer around every hook of theirs (``time.thread_time``; its own cost is in all the numbers), and
prints the medians over the rounds and the growth from the given number of tests to ten times as many.
PYTHON needs pytest.
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
clock = time.thread_time_ns

def timed(name, function):
    def call(*args):
        start = clock()
        try:
            result = function(*args)
        finally:
            SPENT[name] += clock() - start
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
                if name is None and "reportlog" in module:
                    name = "reportlog"
                if name is None:
                    continue
                SPENT.setdefault(name, 0)
                wrap = timed_wrapper if impl.hookwrapper else timed
                assert not getattr(impl, "wrapper", False)
                impl.function = wrap(name, impl.function)

def pytest_configure(config):
    config.pluginmanager.register(Timer(), "timer-hooks")

def pytest_unconfigure(config):
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
        medians[tests] = {plugin: statistics.median(r[plugin] for r in rounds) for plugin in rounds[0]}
        for plugin, value in sorted(medians[tests].items(), key=lambda pair: pair[1]):
            print("%6d tests  %-10s %8.1f ms CPU" % (tests, plugin, value))
    few, many = medians[arguments.tests], medians[10 * arguments.tests]
    for plugin in few:
        print("growth x10     %-10s %8.1f x" % (plugin, many[plugin] / few[plugin]))
    print("failscope / junitxml  %.2f" % (few["failscope"] / few["junitxml"]))


if __name__ == "__main__":
    main()
