"""Three clients at once, each with a server process of its own on the same project, send thousands of random edits and
requests while the result file changes.

usage: soak.py BINARY [MESSAGES] [SEED]    MESSAGES: of all clients together (default 3000)

It fails if a request is not answered or answered with an internal error, if a server dies, if the server's text has
drifted from the client's (hovers and code actions follow the text), or if memory grows by more than 10 % in the second
half. Latencies are printed, not judged: how busy the machine is decides them.
"""

import json
import os
import pathlib
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time

LIMIT = 60
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
    def __init__(self, binary, root, seed):
        self.rng = random.Random(seed)
        self.root, self.next, self.pending, self.answers = root, 0, {}, queue.Queue()
        self.times, self.faults = [], []
        self.process = subprocess.Popen([binary, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.lock = threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()
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
        with self.lock:
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
        stream = self.process.stdout
        while True:
            size = 0
            while (line := stream.readline().strip()) != b"":
                size = int(line.split(b":")[1])
            if not size:
                return
            message = json.loads(stream.read(size))
            if "method" in message:
                if "id" in message:
                    self.send({"id": message["id"], "result": None})
                continue
            method, began = self.pending.pop(message["id"])
            self.times.append((method, time.monotonic() - began))
            error = message.get("error")
            if error and error["code"] in FAULTS:
                self.faults.append((method, error))
            self.answers.put(message)

    def answered(self, wanted):
        """Waits for the answer to one request; those before it have been sent, and may come after it."""
        while True:
            message = self.answers.get(timeout=LIMIT)
            if message["id"] == wanted:
                return message

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
        method = rng.choice(["hover", "hover", "codeAction", "codeLens", "inlayHint"])
        params = {
            "hover": {"position": at},
            "codeAction": {"range": {"start": at, "end": at}, "context": {"diagnostics": []}},
            "codeLens": {},
            "inlayHint": {"range": {"start": {"line": 0, "character": 0}, "end": at}},
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
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    def end(self):
        self.answered(self.request("shutdown", None))
        self.send({"method": "exit"})
        return self.process.wait(timeout=LIMIT)


def position(text, offset):
    before = text[:offset]
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return {"line": len(lines) - 1, "character": len(lines[-1].encode("utf-16-le")) // 2}


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    print(f"soak: {count} messages, seed {seed}", flush=True)
    failures = []
    with tempfile.TemporaryDirectory(prefix="failscope-soak.") as folder:
        root = pathlib.Path(folder)
        (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
        (root / "shop.py").write_text(SOURCE)
        (root / "test_shop.py").write_text(TEST)
        rng = random.Random(seed)
        (root / "report.xml").write_text(result_file(rng))
        clients = [Client(binary, root, seed + n) for n in range(3)]
        half = []
        for n in range(count):
            client = clients[n % 3]
            if rng.random() < 0.5:
                client.edit(rng.choice(["shop.py", "test_shop.py"]))
            else:
                client.ask()
            if n % (count // 12) == count // 24:
                (root / "report.new").write_text(result_file(rng))
                (root / "report.new").rename(root / "report.xml")
            if n % 64 == 0:
                # A person waits for answers too: what is asked never grows without bound.
                number = client.request("textDocument/codeLens", {"textDocument": {"uri": client.uri("shop.py")}})
                client.answered(number)
            if n == count // 2:
                for client in clients:
                    client.answered(client.request("workspace/executeCommand", {"command": "failscope.findings"}))
                half = [client.memory() for client in clients]
        for n, client in enumerate(clients):
            found, causes = client.drift()
            failures += [f"client {n}: {what}" for what in found]
            if causes < 5:
                failures.append(f"client {n}: only {causes} findings")
            # Whatever is still asked is answered by now or soon.
            end = time.monotonic() + LIMIT
            while client.pending and time.monotonic() < end:
                time.sleep(0.01)
            if client.pending:
                failures.append(f"client {n}: not answered: {list(client.pending.values())[:5]}")
            failures += [f"client {n}: {fault}" for fault in client.faults[:5]]
            now = client.memory()
            print(f"client {n}: {half[n]:.1f} MB at half, {now:.1f} MB at the end; {causes} findings")
            if now > half[n] * 1.1 + 2:
                failures.append(f"client {n}: memory grew from {half[n]:.1f} to {now:.1f} MB")
            hovers = sorted(t for method, t in client.times if method == "textDocument/hover")
            if hovers:
                print(f"client {n}: hover p50 {hovers[len(hovers) // 2] * 1000:.1f} ms, p99 {hovers[len(hovers) * 99 // 100] * 1000:.1f} ms")
            code = client.end()
            if code != 0:
                failures.append(f"client {n}: the server ended with {code}")
    for failure in failures:
        print("FAILED", failure)
    print(f"{0 if failures else 1} passed, {1 if failures else 0} failed")
    sys.exit(1 if failures else 0)


main()
