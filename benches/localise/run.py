#!/usr/bin/env python3
"""How often the culprit is among the first N places, on mutants of real projects.

    python3 benches/localise/run.py --half dev --mutants 20
    python3 benches/localise/run.py --half test --mutants 20

Fetches the sdists through pip, makes mutants from a seed, runs each mutant's tests with the plugin, traces what
fails, and prints E@1/3/5/10 (expected rank under ties) by statement and by function. Everything lies below
`target/localise/`, one file of results per mutant, so that a run can be continued.
"""

import argparse
import json
import os
import random
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
SUITE_SECONDS = 60


def fetch(work, python, name, version):
    """The unpacked sdist."""
    wanted = name if version is None else "%s==%s" % (name, version)
    sources = work / "sdists"
    sources.mkdir(parents=True, exist_ok=True)
    stems = {name, name.replace("-", "_")}

    def found():
        return [p for p in sources.glob("*.tar.gz") if any(p.name.startswith(s + "-") for s in stems)]

    if not found():
        subprocess.run(
            [python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(sources), wanted],
            check=True,
        )
    archive = found()[0]
    folder = work / "clean" / name
    if not folder.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(work / "unpacked", filter="data")
        folder.parent.mkdir(parents=True, exist_ok=True)
        (work / "unpacked" / archive.name[: -len(".tar.gz")]).rename(folder)
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


def run_tests(options, folder, env, tests, stream):
    """Runs the suite with the plugin; gives outcomes by test, or ``None`` if it took too long."""
    env = dict(env, FAILSCOPE_STREAM=str(stream))
    env["PYTHONPATH"] = str(TREE / "python") + os.pathsep + env["PYTHONPATH"]
    command = [options.python, "-m", "pytest", "-q", "-p", "failscope", "-p", "no:cacheprovider", "-p", "no:xdist"]
    try:
        subprocess.run(
            command + ["--tb=short"] + tests, cwd=folder, env=env, timeout=SUITE_SECONDS,
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


def candidates(options, half):
    """All mutants that are to be tried, in an order that does not depend on how many are asked for."""
    for name, version, targets, tests, paths, of in PROJECTS:
        if of != half or (options.only and name not in options.only):
            continue
        clean = fetch(options.work, options.python, name, version)
        files = []
        for target in targets:
            path = clean / target
            inside = sorted(path.rglob("*.py")) if path.is_dir() else [path]
            files += [p for p in inside if "test" not in p.name and "tests" not in p.relative_to(clean).parts]
        sizes = [p.stat().st_size for p in files]
        several = []
        for file, size in zip(files, sizes):
            text = file.read_text()
            count = max(2, round(options.mutants * 4 * size / sum(sizes)))
            for number, mutant in enumerate(mutate.mutants(text, "%d %s" % (options.seed, file.name), count)):
                several.append((name, file.relative_to(clean), number, mutant, tests, paths))
        random.Random("%d %s" % (options.seed, name)).shuffle(several)
        yield name, clean, several


def one(options, clean, mutant, baseline):
    """Runs and traces one mutant; gives its results, which are kept."""
    name, path, number, mutated, tests, paths = mutant
    kept = options.work / "results" / ("%s-%s-%d.json" % (name, str(path).replace("/", "_"), number))
    if kept.exists():
        result = json.loads(kept.read_text())
        if not (options.again and result["killed"]):
            return result
    folder = options.work / "work" / ("%s-%d" % (name, os.getpid())) / kept.stem
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(clean, folder)
    result = {"project": name, "file": path.as_posix(), "operator": mutated.operator, "truth": mutated.truth,
              "function": mutated.function, "killed": False}
    try:
        (folder / path).write_text(mutated.text)
        env = environment(options.python, folder, paths)
        stream = folder / ".failscope-run.jsonl"
        outcomes = run_tests(options, folder, env, tests, stream)
        bad = ("failed", "error")
        failing = [t for t, o in (outcomes or {}).items() if o in bad and baseline.get(t) not in bad]
        known_bad = any(o in bad for o in baseline.values())
        if outcomes and failing and len(failing) <= MOST_FAILING * len(baseline) and not known_bad:
            result["killed"] = True
            result["failing"] = len(failing)
            features = folder / ".features.json"
            command = [options.failscope, "trace", "--root", str(folder), "--results", str(stream), "--no-color",
                       "--budget", "30", "--features", str(features)]
            if options.all_tests:
                command.append("--all-tests")
            begun = time.monotonic()
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=240)
            result["seconds"] = time.monotonic() - begun
            if features.exists():
                found = json.loads(features.read_text())
                for cluster in found["clusters"]:
                    cluster["candidates"] = cluster["candidates"][:400]
                result["found"] = found
                if not found["clusters"]:
                    result["error"] = (done.stdout + done.stderr)[-2000:]
            else:
                result["error"] = (done.stdout + done.stderr)[-2000:]
    except subprocess.TimeoutExpired:
        result["error"] = "tracing took too long"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(result))
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--failscope", default=str(TREE / "target/debug/failscope"))
    parser.add_argument("--python", default=str(TREE / "target/venv/bin/python"))
    parser.add_argument("--work", type=Path, default=TREE / "target/localise")
    parser.add_argument("--half", choices=["dev", "test"], default="dev")
    parser.add_argument("--mutants", type=int, default=20, help="killed mutants of each project")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--again", action="store_true", help="trace again what has been traced")
    parser.add_argument("--all-tests", action="store_true")
    parser.add_argument("--print", action="store_true", dest="only_print", help="print what has been measured")
    options = parser.parse_args()
    results = []
    if options.only_print:
        names = {p[0] for p in PROJECTS if p[5] == options.half and (not options.only or p[0] in options.only)}
        for kept in sorted((options.work / "results").glob("*.json")):
            result = json.loads(kept.read_text())
            if result["project"] in names:
                results.append(result)
        measure.report(results)
        return
    for name, clean, several in candidates(options, options.half):
        stream = options.work / ("baseline-%s.jsonl" % name)
        stream.unlink(missing_ok=True)
        tests, paths = several[0][4], several[0][5]
        baseline = run_tests(options, clean, environment(options.python, clean, paths), tests, stream) or {}
        if not baseline:
            print("%s: its suite does not run here; left out" % name, file=sys.stderr)
            continue
        killed = 0
        with ThreadPoolExecutor(options.jobs) as pool:
            for start in range(0, len(several), options.jobs):
                batch = several[start : start + options.jobs]
                for result in pool.map(lambda mutant: one(options, clean, mutant, baseline), batch):
                    results.append(result)
                    killed += result["killed"]
                if killed >= options.mutants:
                    break
        print("%s: %d tests, %d mutants killed" % (name, len(baseline), killed), file=sys.stderr, flush=True)
    measure.report(results)


if __name__ == "__main__":
    main()
