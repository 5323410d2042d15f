"""From results to figures."""

from collections import defaultdict

CUTS = (1, 3, 5, 10)


def hits(mutant, candidate):
    file, line, end_line = candidate[0], candidate[1], candidate[2]
    return file == mutant["file"] and any(line <= truth <= end_line for truth in mutant["truth"])


def same_function(mutant, candidate):
    function = candidate[3] or "<module>"
    return candidate[0] == mutant["file"] and function == mutant["function"]


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

    def in_test(candidate):
        return feature(candidate, "InTest") > 0

    return {
        "deepest frame": lambda c: (feature(c, "FrameDeepest"), not in_test(c)),
        "Ochiai": lambda c: (not in_test(c), feature(c, "Ochiai")),
        "traceback, then Ochiai": lambda c: (not in_test(c), feature(c, "Frame"), feature(c, "Ochiai")),
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
            ["deepest frame", "Ochiai", "traceback, then Ochiai", "Failscope"])
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


def report(results):
    killed = [r for r in results if r["killed"]]
    print("%d mutants tried, %d killed, %d not traced" % (
        len(results), len(killed), sum("found" not in r for r in killed)))
    seconds = sorted(r["seconds"] for r in killed if "seconds" in r)
    if seconds:
        print("tracing and ranking took %.1f s (median), %.1f s (90 %%)" % (
            seconds[len(seconds) // 2], seconds[len(seconds) * 9 // 10]))
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
