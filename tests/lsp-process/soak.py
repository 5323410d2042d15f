"""Three clients at once, each a process with a server process of its own on the same project, send thousands of random
edits and requests while the result file changes.

usage: soak.py BINARY [MESSAGES] [SEED] [--strict]    MESSAGES: of all clients together (default 3000)

It fails if a request is not answered or answered with an internal error, if a server dies, if the server's text has
drifted from the client's (hovers and code actions follow the text), or if a server's memory grows by more than 10 % in the
second half. Half as many messages come before, with which it warms up. What is freed the allocator keeps for a second, in
which thousands of messages are sent here; so that it is not counted, it is told to give memory back at once. With
--strict, for an optimised build on a machine that does nothing else, it is not, and it also fails if one of a hundred hovers
takes more than 5 ms. How busy a machine is shows in what requests take that ask for nothing.
"""

import collections
import json
import multiprocessing
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

LIMIT = 60
CLIENTS = 3
# Times that the result file changes while messages count, and that memory is looked at.
CHANGES, MARKS = 12, 10
# A request that no server knows: it is refused at once, so how long that takes is not the server's doing.
NOTHING = "nothing"
# Milliseconds.
HOVER_P99 = 5
SOURCE = "".join(f"def part_{n}(items):\n    amount_{n} = sum(items)\n    return amount_x{n}\n\n\n" for n in range(40))
TEST = "from shop import *\n\n\n" + "".join(
    f"def test_{n}():\n    values = [{n}, 'ä𝒳']\n    assert part_{n}([1]) == 1\n\n\n" for n in range(40)
)
# Internal error, and the library's own faults: never an answer to what is sent here.
FAULTS = {-32603, -32700, -32600, -32601, -32602}


def result_file(rng):
    """JUnit XML of a run in which some tests failed: each at its line of `shop.py`."""
    cases = []
    for n in range(40):
        if rng.random() < 0.5:
            text = (
                f"def test_{n}():\n        values = [{n}, 'x']\n&gt;       assert part_{n}([1]) == 1\n\n"
                f"test_shop.py:{6 + 5 * n}: \n_ _ _ _ _\n\nitems = [1]\n\n    def part_{n}(items):\n"
                f"        amount_{n} = sum(items)\n&gt;       return amount_x{n}\n"
                f"E       NameError: name 'amount_x{n}' is not defined\n\nshop.py:{3 + 5 * n}: NameError"
            )
            failure = f"<failure message=\"NameError: name 'amount_x{n}' is not defined\">{text}</failure>"
        else:
            failure = ""
        cases.append(f'<testcase classname="test_shop" name="test_{n}" time="0.001">{failure}</testcase>')
    return f'<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="40">{"".join(cases)}</testsuite></testsuites>'


class Client:
    def __init__(self, binary, root, seed, *arguments, **environment):
        self.rng = random.Random(seed)
        self.root, self.next, self.pending, self.answers = root, 0, {}, {}
        self.times, self.faults = collections.defaultdict(list), []
        self.process = subprocess.Popen(
            [binary, "lsp", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        self.texts = {name: (root / name).read_text() for name in ("shop.py", "test_shop.py")}
        self.versions = dict.fromkeys(self.texts, 0)
        folder = {"uri": root.as_uri(), "name": "soak"}
        capabilities = {
            "general": {"positionEncodings": ["utf-16"]},
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}},
                "publishDiagnostics": {"relatedInformation": True, "versionSupport": True},
            },
        }
        params = {"processId": os.getpid(), "rootUri": None, "workspaceFolders": [folder], "capabilities": capabilities}
        self.answered(self.request("initialize", params))
        self.send({"method": "initialized", "params": {}})
        for name, text in self.texts.items():
            self.notify("textDocument/didOpen", name, languageId="python", version=0, text=text)

    def uri(self, name):
        return (self.root / name).as_uri()

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def notify(self, method, name, rest=None, **document):
        self.send({"method": method, "params": {"textDocument": {"uri": self.uri(name), **document}, **(rest or {})}})

    def request(self, method, params):
        self.next += 1
        self.pending[self.next] = (method, time.monotonic())
        self.send({"id": self.next, "method": method, "params": params})
        return self.next

    def read(self):
        """Takes one message of the server."""
        stream, size = self.process.stdout, 0
        while (line := stream.readline()) not in (b"\r\n", b""):
            size = int(line.split(b":")[1])
        if not line:
            raise EOFError(f"the server has ended; not answered: {list(self.pending.values())[:5]}")
        message = json.loads(stream.read(size))
        if "method" in message:
            self.heard(message)
            if "id" in message:
                self.send({"id": message["id"], "result": None})
            return
        method, began = self.pending.pop(message["id"])
        self.times[method].append(time.monotonic() - began)
        error = message.get("error")
        if method.endswith(NOTHING):
            error = None if error["code"] == -32601 else error
        if error and error["code"] in FAULTS:
            self.faults.append((method, error))
        self.answers[message["id"]] = message

    def heard(self, message):
        """A notification or request of the server: of no interest here."""

    def answered(self, wanted):
        """Waits for the answer to one request; others may come before."""
        while wanted in self.pending:
            self.read()
        return self.answers.pop(wanted)

    def all_answered(self):
        while self.pending:
            self.read()
        self.answers.clear()

    def edit(self, name):
        """A random change: a piece goes, another comes, anywhere, in UTF-16 columns."""
        text, rng = self.texts[name], self.rng
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([0, 0, 0, 1, 3, 40]))
        new = rng.choice(["x", "\n", "    ", "# 𝒳ä\n", "def f():\n    return 1\n", "", "\r\n"])
        if text[start - 1 : start + 1] == "\r\n" or text[end - 1 : end + 1] == "\r\n":
            return
        if len(text) > 40_000:
            start, end, new = 0, len(text), SOURCE if name == "shop.py" else TEST
        self.versions[name] += 1
        change = {"range": {"start": position(text, start), "end": position(text, end)}, "text": new}
        self.notify("textDocument/didChange", name, {"contentChanges": [change]}, version=self.versions[name])
        self.texts[name] = text[:start] + new + text[end:]

    def ask(self):
        rng = self.rng
        name = rng.choice(list(self.texts))
        text = self.texts[name]
        at = position(text, rng.randrange(len(text) + 1))
        document = {"textDocument": {"uri": self.uri(name)}}
        method = rng.choice(["hover", "hover", "codeAction", "codeLens", "inlayHint", NOTHING])
        params = {
            "hover": {"position": at},
            "codeAction": {"range": {"start": at, "end": at}, "context": {"diagnostics": []}},
            "codeLens": {},
            "inlayHint": {"range": {"start": {"line": 0, "character": 0}, "end": at}},
            NOTHING: {},
        }[method]
        number = self.request(f"textDocument/{method}", {**document, **params})
        if rng.random() < 0.05:
            self.send({"method": "$/cancelRequest", "params": {"id": number}})

    def drift(self):
        """What differs between the two sides: a fresh copy of the original text must again have its findings where
        the results say, which it has only if the server took every change in at its place."""
        found = []
        for name, text in self.texts.items():
            # One edit that mends the whole by its own range: if the server's text were another, its end would be too.
            original = SOURCE if name == "shop.py" else TEST
            self.versions[name] += 1
            change = {"range": {"start": position(text, 0), "end": position(text, len(text))}, "text": original}
            self.notify("textDocument/didChange", name, {"contentChanges": [change]}, version=self.versions[name])
            self.texts[name] = original
        number = self.request("workspace/executeCommand", {"command": "failscope.analyze", "arguments": []})
        self.answered(number)
        number = self.request("workspace/executeCommand", {"command": "failscope.findings", "arguments": []})
        report = self.answered(number)["result"][0]
        if report["stale"]:
            found.append(f"stale: {report['stale']}")
        for finding in report["report"]["analyses"]:
            line = finding["affected_line"] - 1
            at = {"line": line, "character": 12}
            params = {"textDocument": {"uri": self.uri(finding["affected_file"])}, "position": at}
            hover = self.answered(self.request("textDocument/hover", params))["result"]
            if finding["root_cause"].split("`")[1] not in json.dumps(hover):
                found.append(f"no hover at line {line + 1}: {finding['root_cause']}")
        return found, len(report["report"]["analyses"])

    def memory(self):
        """Resident memory in MB (Linux)."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    def processor(self):
        """Seconds of processor time that the server has taken (Linux)."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.answered(self.request("shutdown", None))
        self.send({"method": "exit"})
        return self.process.wait(timeout=LIMIT)


def position(text, offset):
    before = text[:offset]
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return {"line": len(lines) - 1, "character": len(lines[-1].encode("utf-16-le")) // 2}


def drive(number, binary, root, seed, count, strict, start, results):
    """One client's part. The first one changes the result file."""
    client = Client(binary, root, seed, **({} if strict else {"MIMALLOC_PURGE_DELAY": "0"}))
    start.wait(LIMIT)
    marks, changed = [], 0
    # What comes before the first mark is to warm up.
    sent = -(count // 2)
    while sent < count:
        rng = client.rng
        if rng.random() < 0.5:
            client.edit(rng.choice(["shop.py", "test_shop.py"]))
            sent += 1
        else:
            # As editors do: one by one, or several kinds at once after an edit. The next waits for their answers.
            several = rng.choice([1, 1, 1, 2, 4])
            for _ in range(several):
                client.ask()
            sent += several
            client.all_answered()
        if number == 0 and (sent + count // 2) * CHANGES >= changed * count + count // 2:
            changed += 1
            (root / "report.new").write_text(result_file(rng))
            (root / "report.new").rename(root / "report.xml")
        if sent * MARKS >= (len(marks) + 1) * count:
            client.all_answered()
            marks.append(client.memory())
    spent = client.processor()
    times = dict(client.times)
    # Everybody's last look comes after the file's last change.
    start.wait(LIMIT)
    drift, causes = client.drift()
    client.all_answered()
    faults = client.faults
    results.put((number, times, marks, spent, drift, causes, faults, client.end()))


def said(what, times):
    """Prints how long they took; gives the 99th percentile, in milliseconds."""
    times = sorted(seconds * 1000 for seconds in times)
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    print(f"{len(times)} {what}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, longest {times[-1]:.2f} ms")
    return p99


def main():
    strict = "--strict" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--strict"]
    binary = pathlib.Path(arguments[0]).resolve()
    count = int(arguments[1]) if len(arguments) > 1 else 3000
    seed = int(arguments[2]) if len(arguments) > 2 else random.randrange(1 << 30)
    print(f"soak: {count} messages after {count // 2}, seed {seed}, load {os.getloadavg()[0]:.1f}", flush=True)
    failures, hovers, nothings, all_spent = [], [], [], 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="failscope-soak.") as folder:
        root = pathlib.Path(folder)
        (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
        (root / "shop.py").write_text(SOURCE)
        (root / "test_shop.py").write_text(TEST)
        (root / "report.xml").write_text(result_file(random.Random(seed)))
        start, results = multiprocessing.Barrier(CLIENTS), multiprocessing.Queue()
        clients = [
            multiprocessing.Process(target=drive, args=(n, binary, root, seed + n, count // CLIENTS, strict, start, results))
            for n in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        for _ in clients:
            number, times, marks, spent, drift, causes, faults, code = results.get(timeout=600)
            failures += [f"client {number}: {what}" for what in drift + faults[:5]]
            if causes < 5:
                failures.append(f"client {number}: only {causes} findings")
            if code != 0:
                failures.append(f"client {number}: the server ended with {code}")
            before, after = sum(marks[3:6]) / 3, sum(marks[7:10]) / 3
            print(f"client {number}: {' '.join(f'{mark:.1f}' for mark in marks)} MB; {causes} findings; {spent:.2f} s of processor")
            if after > before * 1.1:
                failures.append(f"client {number}: memory grew from {before:.1f} to {after:.1f} MB in the second half")
            hovers += times["textDocument/hover"]
            nothings += times[f"textDocument/{NOTHING}"]
            all_spent += spent
        for client in clients:
            client.join(LIMIT)
    p99 = said("hovers", hovers)
    said("requests for nothing", nothings)
    print(f"servers' processor time {all_spent:.2f} s, {all_spent / (count + count // 2) * 1000:.3f} ms a message; {time.monotonic() - began:.1f} s on the wall")
    if strict and p99 > HOVER_P99:
        failures.append(f"p99 of hover is {p99:.2f} ms, more than {HOVER_P99} ms")
    for failure in failures:
        print("FAILED", failure)
    print(f"{0 if failures else 1} passed, {1 if failures else 0} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
