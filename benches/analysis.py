#!/usr/bin/env python3
"""Analysing failures: Failscope against the Python package of the same name (0.3.0), in one run.

usage: python3 benches/analysis.py [--failures N] [--size BYTES] [--runs N] [--causes N]

Two workloads: every failure with a cause of its own (another assertion of another function), and failures of N causes
(200), as a run has in which that many functions are broken. Both programs get the same failures and write their JSON
and HTML reports, offline. Failscope also parses the JUnit file,
reads the sources and replaces secrets; the Python package is handed its texts ready in memory and is measured
twice: as it works offline, without replacing any secret, and with its own `sanitize` over each text. CPU seconds,
user + system, the least of the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import workload

TOP = Path(__file__).resolve().parent.parent
BASELINE = """
import json, random, sys, time
sys.path.insert(0, sys.argv[2])
import workload
from failscope.preprocessor import preprocess
from failscope.rca_engine import OfflineRCA
from failscope.reporter import generate_html_report
from failscope.sanitizer import sanitize
spec = json.loads(sys.argv[1])
rng = random.Random(1)
texts = [
    (f"tests/test_mod{f}.py::test_compute_{t}", f"tests/test_mod{f}.py", workload.failure_text(
        f, t, spec["size"], rng, (f * spec["tests"] + t) % spec["causes"] if spec["causes"] else None))
    for f in range(spec["files"]) for t in range(spec["tests"])
]
start = time.process_time()
fingerprints, unique = {}, {}
for name, path, text in texts:
    done = preprocess(raw_log=text, test_name=name, file_path=path, line_number=1, max_chars=80000)
    if spec["redact"]:
        sanitize(done.processed_text)
    fingerprints.setdefault(done.fingerprint.hash, done.fingerprint)
    unique.setdefault(done.fingerprint.hash, {"preprocessed": done, "context": {"test_name": name}, "fingerprint_hash": done.fingerprint.hash})
results = OfflineRCA().analyze_all(unique)
report = {"timestamp": 0, "total_failures": len(texts), "unique_root_causes": len(results), "analyses": [
    {"fingerprint_hash": h, "root_cause": r.root_cause, "category": r.category, "severity": r.severity.value,
     "fix_suggestion": r.fix_suggestion, "affected_file": r.affected_file, "affected_line": r.affected_line,
     "confidence": r.confidence, "evidence": r.evidence, "was_critic_override": r.was_critic_override,
     "affected_tests": fingerprints[h].test_names, "occurrence_count": fingerprints[h].count} for h, r in results.items()]}
text = json.dumps(report, indent=2)
html = generate_html_report(report, fingerprints, None)
print(time.process_time() - start)
"""


def cpu_of(command: list[str], cwd: Path) -> tuple[float, str]:
    """CPU seconds of a finished child, and its standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit(f"{command[0]} ended with {done.returncode}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def baseline_python() -> Path:
    """A virtual environment with the Python package, made once under target/."""
    venv = TOP / "target" / "bench-venv"
    if not (venv / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "failscope==0.3.0", "pytest==8.4.2"], check=True)
    return venv / "bin" / "python"


def measure(options: argparse.Namespace, causes: int, binary: Path, python: Path) -> None:
    """Measures one workload and prints what came of it."""
    files, tests = max(1, options.failures // 100), min(100, options.failures)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        workload.make_project(root, files, tests, causes)
        workload.junit(root / "report.xml", files, tests, files * tests, options.size, causes=causes)
        ours, theirs, redacting = [], [], []
        for _ in range(options.runs):
            ours.append(cpu_of([str(binary), "analyze", "report.xml", "--offline", "--format", "json"], root)[0])
            for redact, times in ((False, theirs), (True, redacting)):
                spec = {"files": files, "tests": tests, "size": options.size, "redact": redact, "causes": causes}
                out = cpu_of([str(python), "-c", BASELINE, json.dumps(spec), str(TOP / "benches")], root)[1]
                times.append(float(out.split()[-1]))
        count = files * tests
        report = json.loads((root / ".failscope" / "rca_report.json").read_text())
        assert report["total_failures"] == count, report["total_failures"]
        a, b, c = min(ours), min(theirs), min(redacting)
        size = (root / "report.xml").stat().st_size / 1e6
        print(f"{count} failures of {options.size} bytes, {report['unique_root_causes']} causes, JUnit file {size:.1f} MB, ", end="")
        print(f"least of {options.runs} runs, CPU seconds")
        print(f"failscope analyze (read, analyse, write reports): {a:.3f} s, {count / a:,.0f} failures a second")
        print(f"Python failscope 0.3.0 (texts in memory, offline): {b:.3f} s, {count / b:,.0f} failures a second")
        print(f"the same with its redaction: {c:.3f} s, {count / c:,.0f} failures a second")
        print(f"ratio: {b / a:.1f} and {c / a:.1f} times its rate (target 50)")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--failures", type=int, default=10_000)
    options.add_argument("--size", type=int, default=2_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--causes", type=int, default=200)
    options = options.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=TOP, check=True)
    binary, python = TOP / "target" / "release" / "failscope", baseline_python()
    for causes in (0, options.causes):
        measure(options, causes, binary, python)


if __name__ == "__main__":
    os.environ.pop("FAILSCOPE_LOG", None)
    main()
