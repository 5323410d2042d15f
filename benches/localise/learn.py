#!/usr/bin/env python3
"""Learns the weights of `src/diagnose/localise/weights.rs` from the results of `run.py --half dev`.

Maximises, over the mutants, the probability that a softmax over the candidates' scores gives to the right ones, less
a penalty on weights that are far from what was set by hand: there are few mutants for so many weights. Prints the table, and how well weights learned without a project do on that project.
"""

import argparse
import json
import math
import random
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import measure
from projects import PROJECTS

TREE = Path(__file__).resolve().parents[2]
#: Not learned: mutants are never in tests and never in a checkout with a history.
FIXED = {"InTest": -6.0, "Changed": 1.0}
#: Set by hand before anything was learned.
PRIOR = {
    "Ochiai": 3, "Slice": 2, "SliceOchiai": 2, "FrameDeepest": 1, "MadeReturn": 1, "Guarded": 1.5, "Literal": 0.2,
    "Size": 0.3, "Rule": 0.6, "IsDef": -1, "IsOther": -1, "Omitted": 0.5,
}
#: Chosen by the figures of `--cross` among 0.3, 0.1, 0.03, 0.01 and 0.003.
PENALTY = 0.03
EPOCHS = 60
RATE = 0.03


def examples(results):
    found = []
    for mutant in results:
        if not mutant["killed"] or "found" not in mutant:
            continue
        seen = [c for c in (measure.pooled(mutant), measure.largest(mutant)) if c is not None]
        for cluster in seen:
            rows = []
            for candidate in cluster["candidates"]:
                vector = [(i, v) for i, v in enumerate(candidate[5]) if v]
                rows.append((vector, measure.hits(mutant, candidate)))
            if any(right for _, right in rows):
                found.append((rows, 1 / len(seen)))
    return found


def learn(names, found, seed=1):
    count = len(names)
    fixed = {names.index(n): w for n, w in FIXED.items()}
    prior = [fixed.get(i, PRIOR.get(name, 0.0)) for i, name in enumerate(names)]
    weights = list(prior)
    mean, square = [0.0] * count, [0.0] * count
    rng = random.Random(seed)
    step = 0
    for epoch in range(EPOCHS):
        rng.shuffle(found)
        rate = RATE * (1 - epoch / EPOCHS)
        for rows, share in found:
            scores = [sum(weights[i] * v for i, v in vector) for vector, _ in rows]
            top = max(scores)
            exps = [math.exp(s - top) for s in scores]
            total = sum(exps)
            right = sum(e for e, (_, r) in zip(exps, rows) if r)
            gradient = defaultdict(float)
            for e, (vector, is_right) in zip(exps, rows):
                force = (e / right if is_right else 0.0) - e / total
                if abs(force) > 1e-6:
                    for i, v in vector:
                        gradient[i] += force * v * share
            step += 1
            for i in range(count):
                if i in fixed:
                    continue
                g = gradient.get(i, 0.0) - PENALTY * (weights[i] - prior[i])
                mean[i] = 0.9 * mean[i] + 0.1 * g
                square[i] = 0.999 * square[i] + 0.001 * g * g
                weights[i] += rate * (mean[i] / (1 - 0.9**step)) / (math.sqrt(square[i] / (1 - 0.999**step)) + 1e-8)
    return weights


def rescored(results, weights):
    for mutant in results:
        for cluster in mutant.get("found", {}).get("clusters", []):
            for candidate in cluster["candidates"]:
                candidate[4] = sum(w * v for w, v in zip(weights, candidate[5]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, default=TREE / "target/localise")
    parser.add_argument("--cross", action="store_true")
    options = parser.parse_args()
    dev = {p[0] for p in PROJECTS if p[5] == "dev"}
    results = [json.loads(p.read_text()) for p in sorted((options.work / "results").glob("*.json"))]
    results = [r for r in results if r["project"] in dev and r["killed"] and r.get("found", {}).get("clusters")]
    names = results[0]["found"]["names"]
    if options.cross:
        for project in sorted({r["project"] for r in results}):
            held = [r for r in results if r["project"] == project]
            rescored(held, learn(names, examples([r for r in results if r["project"] != project])))
        print("each project with weights learned from the others:")
        measure.report(results)
    weights = learn(names, examples(results))
    for name, weight in zip(names, weights):
        if abs(weight) >= 0.02:
            print("    (Feature::%s, %.2f)," % (name, weight))


if __name__ == "__main__":
    main()
