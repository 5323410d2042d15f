#!/usr/bin/env python3
"""Learns the weights of `src/diagnose/localise/weights.rs` from the results of `run.py --half dev`.

    python3 -m venv target/learn && target/learn/bin/pip install numpy
    target/learn/bin/python benches/localise/learn.py --cross
    target/learn/bin/python benches/localise/learn.py --write

Maximises, over the mutants, the probability that a softmax over the candidates' scores gives to the right ones, less
a penalty on weights that are far from those of the table (set by hand at first): there are few mutants for so many
weights. Needs numpy.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import measure
from projects import PROJECTS

TREE = Path(__file__).resolve().parents[2]
#: Not learned: mutants are never in tests and never in a checkout with a history.
FIXED = {"InTest": -6.0, "Changed": 1.0}


#: What is learned stays near it: the weights of the table, to which more projects and features are added.
PRIOR = measure.WEIGHTS
#: Chosen by the figures of `--cross` among 0.1, 0.03 and 0.01.
PENALTY = 0.1
EPOCHS = 60
RATE = 0.03


def examples(results):
    """For each ranking that holds a right statement: features, which are right, and the weight of the example."""
    found = []
    for mutant in results:
        seen = [c for c in (measure.pooled(mutant), measure.largest(mutant)) if c is not None]
        for cluster in seen:
            right = np.array([measure.hits(mutant, candidate) for candidate in cluster["candidates"]])
            if right.any():
                features = np.array([candidate[5] for candidate in cluster["candidates"]], dtype=float)
                found.append((features, right, 1 / len(seen)))
    return found


def learn(names, found, penalty, seed=1):
    fixed = np.array([name in FIXED for name in names])
    prior = np.array([FIXED.get(name, PRIOR.get(name, 0.0)) for name in names], dtype=float)
    weights = prior.copy()
    mean, square = np.zeros(len(names)), np.zeros(len(names))
    rng = random.Random(seed)
    found = list(found)
    step = 0
    for epoch in range(EPOCHS):
        rng.shuffle(found)
        rate = RATE * (1 - epoch / EPOCHS)
        for features, right, share in found:
            scores = features @ weights
            shares = np.exp(scores - scores.max())
            force = np.where(right, shares / max(shares[right].sum(), 1e-300), 0.0) - shares / shares.sum()
            step += 1
            gradient = share * (force @ features) - penalty * (weights - prior)
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            change = rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            weights = np.where(fixed, prior, weights + change)
    return weights


def rescored(results, weights):
    for mutant in results:
        for cluster in mutant["found"]["clusters"]:
            for candidate in cluster["candidates"]:
                candidate[4] = float(np.dot(weights, candidate[5]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, default=TREE / "target/localise")
    parser.add_argument("--cross", action="store_true", help="how well weights do on a project not learned from")
    parser.add_argument("--penalty", type=float, nargs="+", default=[PENALTY])
    parser.add_argument("--write", action="store_true", help="put the weights into weights.rs")
    options = parser.parse_args()
    dev = {p[0] for p in PROJECTS if p[5] == "dev"}
    results = [json.loads(p.read_text()) for p in sorted((options.work / "results").glob("*.json"))]
    results = [r for r in results if r["project"] in dev and r["killed"] and not r.get("session")]
    results = [r for r in results if r["half"] == "dev" and r.get("found", {}).get("clusters")]
    names = max((r["found"]["names"] for r in results), key=len)
    for candidate in (c for r in results for cluster in r["found"]["clusters"] for c in cluster["candidates"]):
        # What was ranked before a feature was known says nothing of it.
        candidate[5] += [0.0] * (len(names) - len(candidate[5]))
    projects = sorted({r["project"] for r in results})
    for penalty in options.penalty if options.cross else []:
        for project in projects:
            held = [r for r in results if r["project"] == project]
            rescored(held, learn(names, examples([r for r in results if r["project"] != project]), penalty))
        print("penalty %g: each project with weights learned from the others:" % penalty)
        for by_function in (False, True):
            ranks = measure.ranks(results, measure.pooled, by_function)["Failscope"]
            shares = ["E@%d %.1f" % (n, 100 * sum(r <= n for r in ranks) / len(ranks)) for n in measure.CUTS]
            print("  %s: %s" % ("function" if by_function else "statement", ", ".join(shares)))
    if options.cross and not options.write:
        return
    weights = learn(names, examples(results), options.penalty[0])
    table = "".join("    (Feature::%s, %.2f),\n" % (n, w) for n, w in zip(names, weights) if abs(w) >= 0.02)
    print("%d mutants of %s" % (len(results), ", ".join(projects)))
    if not options.write:
        print(table, end="")
        return
    path = TREE / "src/diagnose/localise/weights.rs"
    text = path.read_text()
    begin = text.index("&[\n", text.index("const WEIGHTS")) + 3
    path.write_text(text[:begin] + table + text[text.index("];", begin) :])


if __name__ == "__main__":
    main()
