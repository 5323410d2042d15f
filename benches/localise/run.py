#!/usr/bin/env python3
"""How often the culprit is among the first N places, how well failures are grouped and how many faults are mended, on
mutants of real projects.

    python3 benches/localise/run.py --half dev --mutants 20
    python3 benches/localise/run.py --half test --mutants 20 --sessions 8 --fix 5

Fetches the sdists through pip, makes mutants of the lines that their suites run from a seed, runs the tests that reach
them with the plugin, traces what fails, and prints E@1/3/5/10 (expected rank under ties) by statement and by function,
B-cubed figures of the grouping, and the share mended. Everything lies below `target/localise/`: one file of results per
mutant, so that a run can be continued, and what was recorded of it, so that it can be ranked again (`--again`) without
being run again.
"""

import argparse
import difflib
import gzip
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import measure
import mutate
from projects import PROJECTS

TREE = Path(__file__).resolve().parents[2]
#: A mutant that most tests fail on is no puzzle, and one whose suite hangs takes too long.
MOST_FAILING = 0.6
SUITE_SECONDS = 90
#: Files that may hold settings of pytest.
CONFIGS = {"pytest.ini": "", "pyproject.toml": "[tool.pytest", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]"}
#: Candidates that are kept of each ranking.
CANDIDATES = 400


def fetch(work, python, name, version):
    """The unpacked sdist."""
    wanted = name if version is None else "%s==%s" % (name, version)
    folder = work / "clean" / wanted.replace("==", "-")
    if folder.exists():
        return bounded(folder)
    sources = work / "sdists"
    sources.mkdir(parents=True, exist_ok=True)
    stem = name.replace("-", "_") + "-" + (version or "")

    def found():
        return [p for p in sources.glob("*.tar.gz") if p.name.replace("-", "_").startswith(stem.replace("-", "_"))]

    if not found():
        subprocess.run(
            [python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(sources), wanted],
            check=True,
        )
    archive = found()[0]
    with tarfile.open(archive) as tar:
        tar.extractall(work / "unpacked", filter="data")
    folder.parent.mkdir(parents=True, exist_ok=True)
    (work / "unpacked" / archive.name[: -len(".tar.gz")]).rename(folder)
    return bounded(folder)


def bounded(folder):
    """Sees to it that pytest takes the folder for its root, and none above it."""
    if not any((folder / name).exists() and text in (folder / name).read_text() for name, text in CONFIGS.items()):
        (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


def environment(python, folder, paths):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("FAILSCOPE", "PYTEST", "PYTHON"))}
    env["PATH"] = str(Path(python).parent) + os.pathsep + env["PATH"]
    env["VIRTUAL_ENV"] = str(Path(python).parent.parent)
    env["PYTHONPATH"] = os.pathsep.join(str(folder / path) for path in paths)
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env["PYTHONHASHSEED"] = "0"
    # Options of the project may need plugins that are not installed here.
    env["PYTEST_ADDOPTS"] = "-o addopts="
    return env


def run_tests(options, folder, env, tests, stream, plan=None):
    """Runs tests with the plugin; gives outcomes by test, or ``None`` if it took too long."""
    env = dict(env, FAILSCOPE_STREAM=str(stream))
    env["PYTHONPATH"] = str(TREE / "python") + os.pathsep + env["PYTHONPATH"]
    if plan is not None:
        path = folder / ".plan.json"
        path.write_text(json.dumps(plan))
        env["FAILSCOPE_TRACE"] = str(path)
    command = [options.python, "-m", "pytest", "-q", "-p", "failscope", "-p", "no:cacheprovider", "-p", "no:xdist"]
    # What an earlier run has left is not this one's.
    stream.unlink(missing_ok=True)
    # There may be more than a command line holds.
    names = folder / ".tests.txt"
    names.write_text("\n".join(tests))
    try:
        subprocess.run(
            command + ["--tb=short", "@%s" % names], cwd=folder, env=env, timeout=SUITE_SECONDS,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    outcomes = {}
    collected = True
    try:
        for line in stream.read_text().splitlines():
            event = json.loads(line)
            if "end" in event:
                outcomes[event["end"]["id"]] = event["end"]["outcome"]
            elif "failure" in event and event["failure"]["phase"] == "collect":
                collected = False
    except (OSError, ValueError):
        return None
    return outcomes if collected else {}


def covering(stream, clean):
    """Tests by file and line that they run."""
    found = {}
    for line in stream.read_text().splitlines():
        trace = json.loads(line).get("trace")
        for name, ranges in (trace or {}).get("files", []):
            path = os.path.relpath(os.path.join(clean, name), clean)
            lines = found.setdefault(path, {})
            for part in ranges.split(","):
                first, _, last = part.partition("-")
                for number in range(int(first), int(last or first) + 1):
                    lines.setdefault(number, []).append(trace["id"])
    return found


class Sdist:
    """A project with the results of its own suite."""

    def __init__(self, options, row):
        self.name, self.version, self.targets, self.tests, self.paths, _ = row
        self.clean = fetch(options.work, options.python, self.name, self.version).resolve()
        stream = options.work / ("baseline-%s.jsonl" % self.name)
        plan = {"version": 1, "closely": [], "seconds": 600}
        if not stream.exists():
            run_tests(options, self.clean, self.env(options, self.clean), self.tests, stream, plan)
        self.baseline = {}
        for line in stream.read_text().splitlines() if stream.exists() else ():
            end = json.loads(line).get("end")
            if end:
                self.baseline[end["id"]] = end["outcome"]
        self.lines = covering(stream, self.clean) if self.baseline else {}

    def env(self, options, folder):
        return environment(options.python, folder, self.paths)

    def mutants(self, options):
        """All that are to be tried, in an order that does not depend on how many are asked for."""
        files = []
        for target in self.targets:
            path = self.clean / target
            inside = sorted(path.rglob("*.py")) if path.is_dir() else [path]
            files += [p for p in inside if "test" not in p.name and "tests" not in p.relative_to(self.clean).parts]
        total = sum(p.stat().st_size for p in files)
        several = []
        for file in files:
            count = max(2, round(options.pool * file.stat().st_size / total))
            path = file.relative_to(self.clean)
            made = mutate.mutants(file.read_text(), "%d %s" % (options.seed, file.name), count)
            several += [(path, number, mutant) for number, mutant in enumerate(made)]
        random.Random("%d %s" % (options.seed, self.name)).shuffle(several)
        return several

    def reaching(self, path, mutant):
        """The tests that may notice: those that run the statement; all of them for what runs on import."""
        if mutant.function == "<module>" or mutant.operator == "default":
            return self.tests
        lines = self.lines.get(path.as_posix(), {})
        found = set(itertools.chain.from_iterable(lines.get(line, ()) for line in mutant.origin))
        return sorted(found)


def kept(options, stem, what):
    return options.work / "kept" / (stem + what)


def pack(path, to):
    to.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(to, "wb", 3) as file:
        file.write(path.read_bytes())


def try_mutant(options, sdist, path, number, mutant):
    """Whether the suite kills it; keeps the results."""
    stem = "%s-%s-%d" % (sdist.name, str(path).replace("/", "_"), number)
    known = options.work / "results" / (stem + ".json")
    if known.exists():
        return json.loads(known.read_text())
    result = {"project": sdist.name, "half": options.half, "stem": stem, "file": path.as_posix(),
              "operator": mutant.operator, "truths": {path.as_posix(): mutant.truth}, "functions": [mutant.function],
              "killed": False}
    tests = sdist.reaching(path, mutant)
    if tests:
        run(options, sdist, result, {path.as_posix(): mutant.text}, tests)
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(json.dumps(result))
    return result


def folder_of(options, sdist, stem, texts):
    folder = (options.work / "work" / stem).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sdist.clean, folder)
    for path, text in texts.items():
        (folder / path).write_text(text)
    return folder


def run(options, sdist, result, texts, tests):
    """Runs the tests of a faulty copy; keeps its texts and its stream if any of them fails that did not before."""
    stem = result["stem"]
    folder = folder_of(options, sdist, stem, texts)
    try:
        stream = folder / ".failscope-run.jsonl"
        outcomes = run_tests(options, folder, sdist.env(options, folder), tests, stream)
        bad = ("failed", "error")
        failing = [t for t, o in (outcomes or {}).items() if o in bad and sdist.baseline.get(t) not in bad]
        known_bad = any(o in bad for t, o in sdist.baseline.items() if t in (outcomes or {}))
        if failing and len(failing) <= MOST_FAILING * len(sdist.baseline) and not known_bad:
            result.update(killed=True, failing=len(failing), failures=sorted(failing))
            pack(stream, kept(options, stem, ".run.gz"))
            kept(options, stem, ".texts.json").write_text(json.dumps(texts))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def trace(options, sdist, result, fix=False):
    """Traces and ranks what was killed, or ranks again what was traced."""
    stem = result["stem"]
    texts = json.loads(kept(options, stem, ".texts.json").read_text())
    folder = folder_of(options, sdist, stem, texts)
    recorded = kept(options, stem, ".trace.gz")
    try:
        stream, features = folder / ".failscope-run.jsonl", folder / ".features.json"
        stream.write_bytes(gzip.decompress(kept(options, stem, ".run.gz").read_bytes()))
        events = folder / ".recorded.jsonl"
        command = [options.failscope, "trace", "--root", str(folder), "--results", str(stream), "--no-color", "--json"]
        if fix:
            command += ["--fix", "--budget", str(options.budget), "--edits", str(options.edits)]
        else:
            command += ["--features", str(features), "--budget", "30", "--edits", str(options.edits)]
        if recorded.exists():
            events.write_bytes(gzip.decompress(recorded.read_bytes()))
            command += ["--recorded", str(events)]
        else:
            command += ["--keep", str(events)]
        begun, used = time.monotonic(), cpu()
        done = subprocess.run(
            command, cwd=folder, env=sdist.env(options, folder), capture_output=True, text=True, timeout=400)
        if fix:
            result["fix_seconds"] = time.monotonic() - begun
        elif not recorded.exists():
            result["seconds"], result["cpu"] = time.monotonic() - begun, cpu() - used
        document = json.loads(done.stdout)
        if fix:
            result["fixes"] = [
                [f["verification"]["state"], f["kind"], [[e["file"], e["start_line"]] for e in f.get("edits", [])]]
                for a in document["analyses"] for f in a["fixes"]]
            return
        if not recorded.exists() and events.exists():
            pack(events, recorded)
        result["found"] = json.loads(features.read_text())
        for cluster in result["found"]["clusters"]:
            cluster["candidates"] = cluster["candidates"][:CANDIDATES]
        result["causes"] = [
            {"fingerprint": a["fingerprint_hash"], "tests": a["affected_tests"],
             "also": [also["fingerprint_hash"] for also in a["also_explains"]], "file": a["affected_file"],
             "line": a["affected_line"], "function": a["affected_function"]}
            for a in document["analyses"]]
        result.pop("error", None)
    except (subprocess.TimeoutExpired, ValueError, OSError, KeyError) as error:
        result["error"] = repr(error)[:300]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        (options.work / "results" / (stem + ".json")).write_text(json.dumps(result))


def merged(clean, texts):
    """One text with the changes of all ``texts``, or ``None`` if they are in the same place."""
    lines = clean.splitlines(keepends=True)
    hunks = []
    for text in texts:
        matcher = difflib.SequenceMatcher(None, lines, text.splitlines(keepends=True), autojunk=False)
        other = text.splitlines(keepends=True)
        hunks += [(a, b, other[c:d]) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]
    hunks.sort(key=lambda hunk: hunk[:2])
    if any(one[1] + 1 >= other[0] for one, other in zip(hunks, hunks[1:])):
        return None
    for first, last, new in reversed(hunks):
        lines[first:last] = new
    return "".join(lines)


def sessions(options, sdist, killed):
    """Runs and traces triples of mutants at once."""
    rng = random.Random("%d sessions %s" % (options.seed, sdist.name))
    done = []
    for number in range(options.sessions * 4):
        if len(done) >= options.sessions or len(killed) < 3:
            break
        three = rng.sample(sorted(killed, key=lambda r: r["stem"]), 3)
        stem = "session-%s-%d" % (sdist.name, number)
        known = options.work / "results" / (stem + ".json")
        if known.exists():
            result = json.loads(known.read_text())
        else:
            texts = {}
            for one in three:
                for path, text in json.loads(kept(options, one["stem"], ".texts.json").read_text()).items():
                    texts.setdefault(path, []).append(text)
            whole = {path: merged((sdist.clean / path).read_text(), several) for path, several in texts.items()}
            owners = {}
            for index, one in enumerate(three):
                for test in one["failures"]:
                    owners.setdefault(test, []).append(index)
            result = {"project": sdist.name, "half": options.half, "stem": stem, "session": True, "killed": False,
                      "of": [one["stem"] for one in three], "truths": {}, "functions": [], "operator": "session",
                      # Which of several faults a test shows is not known: it is not counted.
                      "owner": {test: of[0] for test, of in owners.items() if len(of) == 1}}
            if all(text is not None for text in whole.values()):
                run(options, sdist, result, whole, sdist.tests)
            known.write_text(json.dumps(result))
        if result["killed"]:
            if "causes" not in result or options.again:
                trace(options, sdist, result)
            done.append(result)
    return done


def one_project(options, row):
    sdist = Sdist(options, row)
    if not sdist.baseline:
        print("%s: its suite does not run here; left out" % sdist.name, file=sys.stderr)
        return []
    results, killed = [], []
    for path, number, mutant in sdist.mutants(options):
        if len(killed) >= options.mutants:
            break
        result = try_mutant(options, sdist, path, number, mutant)
        results.append(result)
        if result["killed"]:
            if options.again or "found" not in result:
                trace(options, sdist, result)
            killed.append(result)
    rng = random.Random("%d fix %s" % (options.seed, sdist.name))
    for result in rng.sample(killed, min(options.fix, len(killed))):
        if "fixes" not in result or options.again_fix:
            trace(options, sdist, result, fix=True)
    several = sessions(options, sdist, killed) if options.sessions else []
    print("%s: %d tests, %d mutants tried, %d killed, %d sessions" % (
        sdist.name, len(sdist.baseline), len(results), len(killed), len(several)), file=sys.stderr, flush=True)
    return results + several


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failscope", default=str(TREE / "target/debug/failscope"))
    parser.add_argument("--python", default=str(TREE / "target/venv/bin/python"))
    parser.add_argument("--work", type=Path, default=TREE / "target/localise")
    parser.add_argument("--half", choices=["dev", "test"], default="dev")
    parser.add_argument("--mutants", type=int, default=20, help="killed mutants of each project")
    parser.add_argument("--pool", type=int, default=80, help="mutants of each project that are drawn from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--again", action="store_true", help="rank again what has been traced")
    parser.add_argument("--sessions", type=int, default=0, help="triples of mutants at once, of each project")
    parser.add_argument("--fix", type=int, default=0, help="mutants of each project for which a fix is searched")
    parser.add_argument("--again-fix", action="store_true", help="search again")
    parser.add_argument("--edits", type=float, default=4, help="seconds for edits that are tried as evidence")
    parser.add_argument("--budget", type=float, default=20, help="seconds of each search")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print what has been measured")
    parser.add_argument("--numbers", type=Path, help="write one line of JSON with the figures of each mutant")
    options = parser.parse_args()
    rows = [p for p in PROJECTS if p[5] == options.half and (not options.only or p[0] in options.only)]
    results = []
    if options.only_print:
        names = {row[0] for row in rows}
        for path in sorted((options.work / "results").glob("*.json")):
            result = json.loads(path.read_text())
            if result["project"] in names:
                results.append(result)
    else:
        with ThreadPoolExecutor(options.jobs) as pool:
            for several in pool.map(lambda row: one_project(options, row), rows):
                results += several
    measure.report(results)
    if options.numbers:
        options.numbers.write_text("".join(json.dumps(line) + "\n" for line in measure.lines(results)))


if __name__ == "__main__":
    main()
