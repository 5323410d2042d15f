"""Asks the real model about real failures, and checks what is shown. See run.sh."""

import contextlib
import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import claims

ROOT = claims.ROOT
RESULTS = ROOT / "fixtures/results/pytest9/kinds"
RECORDED = ROOT / "fixtures/models"
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
# Against hanging for ever; what is measured is `--patience`.
STUCK = 1500
tally = {True: 0, False: 0}


def check(what, faults):
    faults = [faults] if isinstance(faults, str) else list(faults)
    tally[not faults] += 1
    print(("ok    " if not faults else "FAIL  ") + what, *faults[:5], sep="\n        " if faults else "", flush=True)


@contextlib.contextmanager
def server(work, *options):
    command = ["node", str(work / "node/server.mjs"), str(work / MODEL), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        try:
            yield json.loads(node.stdout.readline())["address"]
        finally:
            node.stdin.close()


class Project:
    """A copy of the suite `kinds`, with settings."""

    def __init__(self, work, name, program, settings=""):
        self.root, self.program = work / "work" / name, program
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(ROOT / "fixtures/suites/kinds", self.root, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        with (self.root / "pyproject.toml").open("a") as file:
            file.write(f"\n[tool.failscope]\nhistory = \"off\"\nmodel = \"{MODEL.removesuffix('.gguf')}\"\n{settings}\n")

    def failscope(self, address, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), "OPENAI_BASE_URL": address}
        began = time.monotonic()
        command = [str(self.program), *map(str, arguments), "--root", str(self.root)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=STUCK)
        return done, time.monotonic() - began

    def analysed(self, address, results, *arguments):
        """The report, and how long it took; what is wrong already is a check that fails."""
        done, seconds = self.failscope(address, "analyze", results, "--format", "json", *arguments)
        crashed = [] if done.returncode in (0, 1) and "panicked" not in done.stderr else [done.stderr[-2000:]]
        check(f"{self.root.name}: analyze ends well (in {seconds:.0f} s)", crashed)
        return json.loads(done.stdout), seconds

    def material(self, results, report, address):
        prompts = [
            self.failscope(address, "explain", one["failures"][0]["test"], results, "--show-prompt")[0].stdout
            for one in report["analyses"]
        ]
        # What the rules know stays beside what a model cites.
        offline = json.loads(self.failscope(address, "analyze", results, "--offline", "--format", "json")[0].stdout)
        rules = [text for one in offline["analyses"] for text in one["evidence"]]
        assert all("=== material ===" in prompt for prompt in prompts), "explain --show-prompt has failed"
        return claims.Material(self.root, results.read_text("utf-8"), [*prompts, *rules])


def asked(work, program):
    for name, results, settings, options, calls in [
        # One cause, an analyzer and a critic, a server that obeys the JSON schema.
        ("schema", "first.reportlog.jsonl", "", ("--answer", "200"), 2),
        # Seven causes and five calls, a server that ignores the form that it is asked for: two causes are asked about.
        ("free", "collect.json-report.json", "aiBudgetCalls = 5", ("--answer", "150", "--no-grammar"), 4),
    ]:
        results = RESULTS / results
        project = Project(work, name, program, settings)
        with server(work, *options) as address:
            report, _ = project.analysed(address, results)
            material = project.material(results, report, address)
        model = report["run"]["model"]
        check(f"{name}: nothing is shown that is not there", claims.of_report(report, material))
        numbers = {key: model[key] for key in ("calls", "input_tokens", "output_tokens", "answered", "kept", "failed")}
        check(f"{name}: the model was asked {numbers}", [] if model["calls"] == calls and model["output_tokens"] else "wrong")
        heard = model["answered"] + model["kept"] + model["failed"]
        check(f"{name}: every cause is accounted for", [] if heard == len(report["analyses"]) else str(model))
        if name == "free":
            spent = [one for one in report["analyses"] if any("budget of 5 calls" in note for note in one["notes"])]
            check("free: the causes beyond the budget say so", [] if len(spent) == 5 else f"{len(spent)} of 5")
        if name == "schema":
            controls(report, material)


def controls(report, material):
    """Reports with faults put in: each must be found."""

    def of_model(one):
        one.update(source="model:openai/x", evidence=[], notes=[])

    def invented(**fields):
        def change(report):
            of_model(report["analyses"][0])
            report["run"]["model"]["answered"] = 1
            report["analyses"][0].update(fields)
        return change

    def place(report):
        report["analyses"][0]["culprits"][0].update(line=99_999, end_line=99_999)

    rows = {
        "a name": invented(root_cause="`frobnicate_twice` is called too often"),
        "a file": invented(root_cause="src/depot/frobnicate.py is wrong"),
        "a line": invented(fix_suggestion="Look at src/depot/pricing.py:9999"),
        "a link": invented(fix_suggestion="See https://example.com/fix"),
        "evidence": invented(evidence=["assert 12345 == 54321"]),
        "a place": place,
        "no diagnosis": lambda report: report["analyses"][0].update(root_cause=" "),
        "no field": lambda report: report["analyses"][0].pop("severity"),
        "no cause": lambda report: report["analyses"].clear(),
        "no reason": lambda report: (of_model(report["analyses"][0]), report["analyses"][0].update(source="rule:x"),
                                     report["run"]["model"].update(state="complete", calls=2, answered=0)),
    }
    for name, change in rows.items():
        changed = copy.deepcopy(report)
        change(changed)
        more = set(claims.of_report(changed, material)) - set(claims.of_report(report, material))
        check(f"control: {name}, put in, is found", [] if more else "it is not")


def bounded(work, program):
    results = RESULTS / "collect.json-report.json"
    project = Project(work, "patience", program)
    with server(work) as address:
        report, seconds = project.analysed(address, results, "--patience", "2")
        material = project.material(results, report, address)
    model = report["run"]["model"]
    check("patience: what was not heard in time says so", [] if "took too long" in model["reason"] else str(model))
    check("patience: the rules' diagnoses stand", claims.of_report(report, material))
    # The asking alone would take the model a minute; the rest of the time is the program's, on a busy machine.
    check("patience: the time is kept to", [] if seconds < 2 + 20 else f"{seconds:.1f} s instead of 2 and a little")
    # The server has gone with the end of the block.
    project = Project(work, "gone", program)
    report, _ = project.analysed(address, results)
    model = report["run"]["model"]
    check("gone: the reason is in the report", [] if model["state"] == "unavailable" and model["reason"] else str(model))
    check("gone: the rules' diagnoses stand", claims.of_report(report, material))


def record(work, program):
    """What the model answers as both agents about three causes, in the form asked for and without."""
    RECORDED.mkdir(exist_ok=True)
    for form, options in ("schema", ()), ("free", ("--no-grammar",)):
        fresh = work / f"{form}.jsonl"
        fresh.unlink(missing_ok=True)
        project = Project(work, f"record-{form}", program, "aiBudgetCalls = 6")
        with server(work, "--answer", "300", "--record", str(fresh), *options) as address:
            project.analysed(address, RESULTS / "collect.json-report.json")
        text = fresh.read_text("utf-8").replace(str(project.root), "/home/dev/kinds")
        assert str(ROOT) not in text and text.count("\n") == 6, "not what was expected; look at " + str(fresh)
        (RECORDED / f"smollm2-135m-instruct.{form}.jsonl").write_text(text, "utf-8")


def main():
    work, *rest = sys.argv[1:]
    work, recording = pathlib.Path(work), rest == ["--record"]
    program = pathlib.Path(rest[0] if rest and not recording else ROOT / "target/debug/failscope").resolve()
    if recording:
        record(work, program)
    else:
        asked(work, program)
        bounded(work, program)
    print(f"{tally[True]} passed, {tally[False]} failed")
    sys.exit(1 if tally[False] else 0)


main()
