#!/usr/bin/env python3
"""What tracing costs: processor time of traced runs over that of the same tests without the plugin.

    python3 benches/localise/cost.py --python target/venv/bin/python target/venv313/bin/python

Each interpreter needs pytest. For three projects: every tenth test followed step by step with values, the same with
lines only, and the whole suite with lines. The least of several rounds, the ways taken in turn; the time of the whole
process, and that without the start of pytest, which is what a run of no test takes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from projects import PROJECTS
from run import TREE, environment, fetch

NAMES = ["toolz", "sqlparse", "boltons"]


def spent(command, folder, env):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Way:
    """One way to run tests; the plan is ``None`` without the plugin."""

    def __init__(self, options, python, folder, paths, tests, plan, temporary):
        self.env = environment(python, folder, paths)
        self.folder = folder
        names = temporary / ("%d.txt" % id(self))
        names.write_text("\n".join(tests))
        self.command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        if plan is None:
            self.command += ["-p", "no:failscope"]
        else:
            self.env["PYTHONPATH"] = str(TREE / "python") + os.pathsep + self.env["PYTHONPATH"]
            self.env["FAILSCOPE_STREAM"] = str(temporary / "stream.jsonl")
            path = temporary / ("%d.json" % id(self))
            path.write_text(json.dumps(plan))
            self.env["FAILSCOPE_TRACE"] = str(path)
            self.command += ["-p", "failscope"]
        self.command.append("@%s" % names)
        self.least = float("inf")

    def run(self):
        self.least = min(self.least, spent(self.command, self.folder, self.env))


def collected(python, folder, paths, tests):
    command = [python, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "-p", "no:xdist"] + tests
    done = subprocess.run(
        command, cwd=folder, env=environment(python, folder, paths), capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if "::" in line and " " not in line]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", nargs="+", default=[str(TREE / "target/venv/bin/python")])
    parser.add_argument("--work", type=Path, default=TREE / "target/localise")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("%-10s %-10s %6s  %8s  %-16s %-16s %-16s" % (
        "Python", "project", "tests", "plain", "lines (1.5)", "values (4)", "suite, lines (2)"))
    for python in options.python:
        python = os.path.abspath(python)
        version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
        for name, release, _, tests, paths, _ in PROJECTS:
            if name not in NAMES:
                continue
            folder = fetch(options.work, options.python[0], name, release)
            all_tests = collected(python, folder, paths, tests)
            some = all_tests[::10]
            if not some:
                print("%-10s %-10s its suite does not run here" % (version, name))
                continue
            with tempfile.TemporaryDirectory() as temporary:
                temporary = Path(temporary)
                lines = {"version": 1, "closely": [], "seconds": 600}
                values = dict(lines, closely=some)

                def way(of, plan):
                    return Way(options, python, folder, paths, of, plan, temporary)

                ways = {
                    "none": way([some[0], "--deselect", some[0]], None), "plain": way(some, None),
                    "lines": way(some, lines), "values": way(some, values), "suite": way(all_tests, None),
                    "suite lines": way(all_tests, lines),
                }
                for _ in range(options.rounds):
                    for one in ways.values():
                        one.run()
                least = {key: one.least for key, one in ways.items()}

            def ratio(traced, plain):
                own = least[plain] - least["none"]
                tests_only = (least[traced] - least["none"]) / own if own > 0.02 else float("nan")
                return "%.2f (%.2f)" % (least[traced] / least[plain], tests_only)

            print("%-10s %-10s %6d  %6.2f s  %-16s %-16s %-16s" % (
                version, name, len(all_tests), least["plain"], ratio("lines", "plain"), ratio("values", "plain"),
                ratio("suite lines", "suite")), flush=True)


if __name__ == "__main__":
    main()
