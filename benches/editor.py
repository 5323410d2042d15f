#!/usr/bin/env python3
"""The language server as an editor feels it: start, memory, results → diagnostics, hover.

usage: python3 benches/editor.py [--tests N] [--failing N] [--runs N]

Speaks the protocol over the server's standard streams. Wall milliseconds (medians); the same run also times a
bare parse of the result file by Python's `iterparse`, so that machines can be compared by ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import threading
import time
import queue
import xml.etree.ElementTree as ET
from pathlib import Path

import workload

TOP = Path(__file__).resolve().parent.parent


class Server:
    """`failscope lsp` and the messages it has sent, in order of arrival with their time."""

    def __init__(self, binary: Path, root: Path) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen([binary, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
        self.inbox: queue.Queue = queue.Queue()
        self.next_id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        stream = self.process.stdout
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            body = stream.read(length)
            self.inbox.put((time.perf_counter(), json.loads(body)))

    def send(self, message: dict) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def request(self, method: str, params: object) -> tuple[float, object]:
        """Seconds from sending to the answer, and its result; answers the server's own requests meanwhile."""
        self.next_id += 1
        start = time.perf_counter()
        self.send({"id": self.next_id, "method": method, "params": params})
        while True:
            at, message = self.inbox.get(timeout=60)
            if message.get("id") == self.next_id and "method" not in message:
                if "error" in message:
                    raise RuntimeError(message["error"])
                return at - start, message["result"]
            self.answer(message)

    def answer(self, message: dict) -> None:
        if "method" in message and "id" in message:
            result = [None] if message["method"] == "workspace/configuration" else None
            self.send({"id": message["id"], "result": result})

    def diagnostics(self, files: int) -> tuple[float, float]:
        """When the first and when the last of `files` files got non-empty diagnostics."""
        seen: set[str] = set()
        first = 0.0
        while len(seen) < files:
            at, message = self.inbox.get(timeout=120)
            self.answer(message)
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["diagnostics"]:
                first = first or at
                seen.add(message["params"]["uri"])
        return first, at

    def resident(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def stop(self) -> None:
        self.request("shutdown", None)
        self.send({"method": "exit"})
        self.process.wait(timeout=20)


def initialise(root: Path) -> dict:
    return {
        "processId": None,
        "rootUri": root.as_uri(),
        "workspaceFolders": [{"uri": root.as_uri(), "name": "bench"}],
        "capabilities": {
            "general": {"positionEncodings": ["utf-16"]},
            "textDocument": {"hover": {"contentFormat": ["markdown"]}, "publishDiagnostics": {"relatedInformation": True}},
        },
    }


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--tests", type=int, default=10_000)
    options.add_argument("--failing", type=int, default=500)
    options.add_argument("--runs", type=int, default=5)
    options = options.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=TOP, check=True)
    binary = TOP / "target" / "release" / "failscope"
    files = max(1, options.tests // 100)
    start_ms, idle_mb, busy_mb, first_ms, all_ms, hover_ms, parse_ms = [], [], [], [], [], [], []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            workload.make_project(root, files, 100)
            server = Server(binary, root)
            _, result = server.request("initialize", initialise(root))
            start_ms.append((time.perf_counter() - server.started) * 1e3)
            server.send({"method": "initialized", "params": {}})
            server.request("textDocument/hover", {"textDocument": {"uri": (root / "tests/test_mod0.py").as_uri()}, "position": {"line": 0, "character": 0}})
            idle_mb.append(server.resident())
            whole = root / "report.part"
            workload.junit(whole, files, 100, options.failing)
            with_failures = min(files, options.failing)
            written = time.perf_counter()
            whole.rename(root / "report.xml")
            first, last = server.diagnostics(with_failures)
            first_ms.append((first - written) * 1e3)
            all_ms.append((last - written) * 1e3)
            line = 3 + 0 * 5 + 2
            for n in range(200):
                uri = (root / f"tests/test_mod{n % files}.py").as_uri()
                seconds, hover = server.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": line, "character": 8}})
                assert hover, f"no hover at tests/test_mod{n % files}.py:{line + 1}"
                hover_ms.append(seconds * 1e3)
            busy_mb.append(server.resident())
            server.stop()
            parse = time.perf_counter()
            for _ in ET.iterparse(root / "report.xml"):
                pass
            parse_ms.append((time.perf_counter() - parse) * 1e3)
    mid = statistics.median
    hover_ms.sort()
    print(f"{files * 100} tests, {options.failing} failing, {options.runs} runs; wall milliseconds, medians")
    print(f"process start → initialize answered     {mid(start_ms):8.1f} ms  (target 20)")
    print(f"resident when idle                      {mid(idle_mb):8.1f} MB  (target 25)")
    print(f"file whole → first diagnostics          {mid(first_ms):8.1f} ms  (target 50)")
    print(f"file whole → all diagnostics            {mid(all_ms):8.1f} ms")
    print(f"hover, median / 99th percentile         {mid(hover_ms):8.2f} / {hover_ms[int(len(hover_ms) * 0.99)]:.2f} ms  (target 2)")
    print(f"resident with findings                  {mid(busy_mb):8.1f} MB")
    print(f"Python iterparse of the same file       {mid(parse_ms):8.1f} ms; all diagnostics take {mid(all_ms) / mid(parse_ms):.2f} times that")


if __name__ == "__main__":
    main()
