"""What must hold of a report whatever a model has said. Knows nothing of how Failscope looks things up."""

import json
import pathlib
import re

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "src/report/rca_report.schema.json").read_text("utf-8"))
# Notes that tell what a model says start so; what follows is the model's.
SAID = re.compile(r"^The offline diagnosis stands: openai/\S+ [^:]*: (.*)$", re.S)
FILE = re.compile(r"[\w./-]+\.(?:pyi?|toml|cfg|ini|json|txt)\b")
LINE = re.compile(r"([\w./-]+\.py):(\d+)")
LINK = re.compile(r"[a-z][a-z+.-]*://|\bwww\.", re.I)
SPOKEN = re.compile(r"``?([^`]+)``?")
NAME = re.compile(r"\b[A-Za-z]\w*_\w+\b|\b\w+(?=\(\))")


def squeezed(text):
    return " ".join(text.split())


class Material:
    """What may be claimed: the workspace, the results and what a model is told."""

    def __init__(self, workspace, results, prompts):
        self.root = workspace
        files = [path for path in sorted(workspace.rglob("*")) if path.suffix in (".py", ".toml", ".txt")]
        self.lines = {path.relative_to(workspace).as_posix(): path.read_text("utf-8").splitlines() for path in files}
        sources = ["\n".join(lines) for lines in self.lines.values()]
        # Lines of source are sent with their numbers.
        bare = [re.sub(r"(?m)^\s*\d+\| ?", "", prompt) for prompt in prompts]
        self.text = squeezed("\n".join([*sources, results, *prompts, *bare, *self.lines]))
        self.words = set(re.findall(r"\w+", self.text))


def of_report(report, material):
    """The faults of `report`, a sentence each."""
    faults = [f"schema: {fault.json_path}: {fault.message}" for fault in jsonschema.Draft202012Validator(SCHEMA).iter_errors(report)]
    if faults:
        return faults
    model = report["run"]["model"]
    if not report["analyses"] or len(report["analyses"]) != report["unique_root_causes"]:
        faults.append("causes are missing")
    if model["state"] != "complete" and not model["reason"]:
        faults.append("no reason why there is no model analysis of every cause")
    if model["answered"] != sum(one["source"].startswith("model:") for one in report["analyses"]):
        faults.append("the number of causes that the model has diagnosed is wrong")
    for one in report["analyses"]:
        faults += [f"{one['affected_tests'][:1]}: {fault}" for fault in of_analysis(one, model, material)]
    return faults


def of_analysis(one, model, material):
    if not one["root_cause"].strip() or one["source"] == "none":
        yield "no diagnosis"
    is_model = one["source"].startswith("model:")
    told = [note for note in one["notes"] if note.startswith(("The offline diagnosis stands:", "No model analysis:"))]
    if model["calls"] and not is_model and not told and model["state"] == "complete":
        yield "nothing says why the model's answer is not shown"
    said = [match[1] for match in map(SAID.match, one["notes"]) if match]
    if is_model:
        said += [one["root_cause"]]
        for quote in one["evidence"]:
            # The place that follows a quotation is the program's.
            if squeezed(re.sub(r" \([^()]*:\d+\)$", "", quote)) not in material.text:
                yield f"evidence that is nowhere: {quote}"
    for text in said:
        yield from of_claims(text, material, strict=True)
    if is_model:
        yield from of_claims(one["fix_suggestion"], material, strict=False)
    for culprit in one["culprits"]:
        lines = material.lines.get(culprit["file"])
        if lines is None or not 1 <= culprit["line"] <= max(culprit["end_line"], culprit["line"]) <= max(len(lines), 1):
            yield f"a place that is not there: {culprit['file']}:{culprit['line']}"
    for fix in one["fixes"]:
        if fix["proposed_by"] and fix["command"]:
            yield f"a command by a model: {fix['command']}"
        for edit in fix["edits"]:
            lines = material.lines.get(edit["file"])
            if fix["proposed_by"] and (lines is None or edit["end_line"] > len(lines) + 1):
                yield f"a change of what is not there: {edit['file']}:{edit['end_line']}"


def of_claims(text, material, strict):
    if LINK.search(text):
        yield f"a link: {text}"
    for file in FILE.findall(text):
        if file not in material.text:
            yield f"a file that is nowhere: {file}"
    for file, line in LINE.findall(text):
        if any(int(line) > len(lines) for path, lines in material.lines.items() if path.endswith(file)):
            yield f"a line that is not there: {file}:{line}"
    if strict:
        spoken = [word for quote in SPOKEN.findall(text) for word in re.findall(r"[A-Za-z_]\w*", quote)]
        for name in [*spoken, *NAME.findall(text)]:
            if name not in material.words and name.lower() not in material.text.lower():
                yield f"a name that is nowhere: {name}"
