"""From results to figures."""

import re
from collections import defaultdict
from pathlib import Path

#: Features of what trying edits has shown.
EDITS = {"Mended", "MendedUnchecked", "MendedShare", "MendedCost", "Healed", "InVain"}


def weights():
    """The weights as they are, by feature."""
    text = (Path(__file__).resolve().parents[2] / "src/diagnose/localise/weights.rs").read_text()
    return {name: float(weight) for name, weight in re.findall(r"\(Feature::(\w+), (-?[\d.]+)\)", text)}


WEIGHTS = weights()
CUTS = (1, 3, 5, 10)


def hits(fault, candidate):
    file, line, end_line = candidate[0], candidate[1], candidate[2]
    return any(line <= truth <= end_line for truth in fault["truths"].get(file, ()))


def same_function(fault, candidate):
    return candidate[0] in fault["truths"] and (candidate[3] or "<module>") in fault["functions"]


def expected_rank(scored):
    """Expected rank of the first right one among (score, is right), with ties in random order."""
    right = [score for score, is_right in scored if is_right]
    if not right:
        return float("inf")
    best = max(right)
    better = sum(score > best for score, _ in scored)
    tied = sum(score == best for score, _ in scored)
    right_tied = sum(score == best for score in right)
    return better + (tied + 1) / (right_tied + 1)


def rankings(names):
    """Ways to score a candidate."""
    index = {name: at for at, name in enumerate(names)}

    def feature(candidate, name):
        return candidate[5][index[name]]

    others = [(at, WEIGHTS[name]) for name, at in index.items() if name in WEIGHTS and name not in EDITS]

    def in_test(candidate):
        return feature(candidate, "InTest") > 0

    return {
        "deepest frame": lambda c: (feature(c, "FrameDeepest"), not in_test(c)),
        "Ochiai": lambda c: (not in_test(c), feature(c, "Ochiai")),
        "traceback, then Ochiai": lambda c: (not in_test(c), feature(c, "Frame"), feature(c, "Ochiai")),
        "Failscope, no edits tried": lambda c: sum(weight * c[5][at] for at, weight in others),
        "Failscope": lambda c: c[4],
    }


def table(title, rows):
    print("\n" + title)
    print("%-28s %6s  %s" % ("", "faults", "  ".join("E@%-4d" % n for n in CUTS)))
    for name, ranks in rows.items():
        shares = ["%5.1f%%" % (100 * sum(r <= n for r in ranks) / max(1, len(ranks))) for n in CUTS]
        print("%-28s %6d  %s" % (name, len(ranks), "  ".join(shares)))


def ranks(results, cluster_of, by_function):
    rows = defaultdict(list)
    for mutant in results:
        if not mutant["killed"]:
            continue
        names = mutant.get("found", {}).get("names", [])
        cluster = cluster_of(mutant)
        ways = rankings(names) if names else dict.fromkeys(
            ["deepest frame", "Ochiai", "traceback, then Ochiai", "Failscope, no edits tried", "Failscope"])
        for way, key in ways.items():
            if cluster is None or key is None:
                rows[way].append(float("inf"))
                continue
            if by_function:
                best = {}
                for c in cluster["candidates"]:
                    name = (c[0], c[3])
                    if name not in best or key(c) > key(best[name]):
                        best[name] = c
                scored = [(key(c), same_function(mutant, c)) for c in best.values()]
            else:
                scored = [(key(c), hits(mutant, c)) for c in cluster["candidates"]]
            rows[way].append(expected_rank(scored))
    return rows


def pooled(mutant):
    return next((c for c in mutant.get("found", {}).get("clusters", []) if c["fingerprint"] == "all"), None)


def largest(mutant):
    clusters = [c for c in mutant.get("found", {}).get("clusters", []) if c["fingerprint"] != "all"]
    return max(clusters, key=lambda c: len(c["tests"]), default=None)


def b_cubed(pairs):
    """Precision, recall and F1 over (cluster, truth) of each item."""
    clusters, truths, both = defaultdict(int), defaultdict(int), defaultdict(int)
    for cluster, truth in pairs:
        clusters[cluster] += 1
        truths[truth] += 1
        both[cluster, truth] += 1
    count = max(1, len(pairs))
    precision = sum(both[c, t] / clusters[c] for c, t in pairs) / count
    recall = sum(both[c, t] / truths[t] for c, t in pairs) / count
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def groups(result):
    """Of one run: fingerprint by test, and cause by test, which is the least fingerprint of those joined; tests
    that are in several clusters belong to the first."""
    fingerprint, cause = {}, {}
    for one in result.get("causes", ()):
        name = min([one["fingerprint"]] + one["also"])
        for test in one["tests"]:
            fingerprint.setdefault(test, one["fingerprint"])
            cause.setdefault(test, (name, one["file"], one["line"]))
    return fingerprint, cause


def grouping(results):
    """Rows of (name, precision, recall, F1)."""
    single = [r for r in results if r["killed"] and not r.get("session") and r.get("causes")]
    together = [r for r in results if r["killed"] and r.get("session") and r.get("causes")]
    pooled = {"fingerprint": [], "traced": []}
    for result in single:
        project, truth = result["project"], result["stem"]
        fingerprint, cause = groups(result)
        # Joined ones of one run are one; ones of different runs are one if they share the fingerprint and the place.
        for test in fingerprint:
            pooled["fingerprint"].append(((project, fingerprint[test]), truth))
            pooled["traced"].append(((project,) + cause[test], truth))
    sessions = {"fingerprint": [], "traced": []}
    for result in together:
        fingerprint, cause = groups(result)
        for test, owner in result["owner"].items():
            if test in fingerprint:
                run, truth = result["stem"], (result["stem"], owner)
                sessions["fingerprint"].append(((run, fingerprint[test]), truth))
                sessions["traced"].append(((run, cause[test][0]), truth))
    rows = []
    for what, found in (("pooled single mutants", pooled), ("sessions of three mutants", sessions)):
        for way, pairs in found.items():
            rows.append((what + ", by " + way, len(pairs)) + b_cubed(pairs))
    return rows


def verified(result):
    return [fix for fix in result.get("fixes", ()) if fix[0] == "verified"]


def middle(numbers, share=0.5):
    numbers = sorted(numbers)
    return numbers[min(len(numbers) - 1, int(len(numbers) * share))] if numbers else float("nan")


def lines(results):
    """The figures of each fault, without its code."""
    for result in results:
        if not result["killed"]:
            continue
        line = {key: result[key] for key in ("project", "half", "operator", "failing")}
        if result.get("session"):
            line["session"] = True
        else:
            found = [result]
            for name, cluster, by_function in (
                ("statement", pooled, False), ("function", pooled, True), ("ochiai", pooled, False)):
                way = "Ochiai" if name == "ochiai" else "Failscope"
                rank = ranks(found, cluster, by_function)[way][0]
                line[name] = None if rank == float("inf") else round(rank, 2)
            line["clusters"] = len(result.get("causes", ()))
            if "cpu" in result:
                line["cpu"] = round(result["cpu"], 2)
            if "fixes" in result:
                line["mended"] = bool(verified(result))
        yield line


def report(everything):
    results = [r for r in everything if not r.get("session")]
    killed = [r for r in results if r["killed"]]
    print("%d mutants tried, %d killed, %d not traced" % (
        len(results), len(killed), sum("found" not in r for r in killed)))
    used = [r["cpu"] for r in killed if "cpu" in r]
    print("tracing and ranking took %.1f s of processor time (median), %.1f s (90 %%), with the tests' own" % (
        middle(used), middle(used, 0.9)))
    table("by statement, all failing tests of the fault", ranks(results, pooled, False))
    table("by function, all failing tests of the fault", ranks(results, pooled, True))
    table("by statement, the largest cluster", {"Failscope": ranks(results, largest, False)["Failscope"]})
    table("by function, the largest cluster", {"Failscope": ranks(results, largest, True)["Failscope"]})
    operators = defaultdict(list)
    for mutant in killed:
        operators[mutant["operator"]].append(ranks([mutant], pooled, False)["Failscope"][0])
    print("\nby kind of fault: faults, E@1, E@5")
    for name, several in sorted(operators.items(), key=lambda item: -len(item[1])):
        print("%-24s %3d  %4.0f%%  %4.0f%%" % (
            name, len(several), 100 * sum(r <= 1 for r in several) / len(several),
            100 * sum(r <= 5 for r in several) / len(several)))
    searched = [r for r in killed if "fixes" in r]
    if searched:
        right = [r for r in searched if any(
            any(line in r["truths"].get(file, ()) for file, line in fix[2]) for fix in verified(r))]
        print("\nmended with a verified fix: %d of %d (%.0f %%), of them on the faulty lines: %d; %.0f s (median)" % (
            sum(bool(verified(r)) for r in searched), len(searched),
            100 * sum(bool(verified(r)) for r in searched) / len(searched), len(right),
            middle([r["fix_seconds"] for r in searched if "fix_seconds" in r])))
    print("\ngrouping (B-cubed)                              failures  precision  recall     F1")
    for name, count, precision, recall, f1 in grouping(everything):
        print("%-46s %9d  %9.2f  %6.2f  %5.2f" % (name, count, precision, recall, f1))
