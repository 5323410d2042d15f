"""A language server that is killed while it runs tests leaves nothing behind that the next one stumbles over."""

import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from support import TREE, clean_environment, events, program, pytest_of

SLOW = (
    "import time, pytest\n\n@pytest.mark.parametrize('n', range(150))\ndef test_n(n):\n    time.sleep(0.005)\n"
    "    assert n % 3\n"
)


class Server:
    """A language server on standard input and output, told and asked as an editor would."""

    def __init__(self, folder, python):
        self.process = subprocess.Popen(
            [program(), "lsp"], cwd=folder, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.notifications = []
        self._id = 0
        self._roots = folder.as_uri()
        self.request("initialize", {
            "processId": os.getpid(), "rootUri": self._roots, "capabilities": {},
            "workspaceFolders": [{"uri": self._roots, "name": "project"}],
            "initializationOptions": {"python": python},
        })
        self.send({"method": "initialized", "params": {}})

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def ask(self, method, params):
        self._id += 1
        self.send({"id": self._id, "method": method, "params": params})
        return self._id

    def request(self, method, params):
        number = self.ask(method, params)
        while True:
            message = self.read()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def read(self):
        """The next message; what the server asks of its client is answered with null."""
        length = 0
        while True:
            line = self.process.stdout.readline()
            assert line, "the server has ended"
            if line == b"\r\n":
                break
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message = json.loads(self.process.stdout.read(length))
        if "method" in message and "id" in message:
            self.send({"id": message["id"], "result": None})
        elif "method" in message:
            self.notifications.append(message)
        return message

    def diagnostics(self, at_least):
        """Waits until the project's file has so many diagnostics."""
        while True:
            message = self.read()
            if message.get("method") == "textDocument/publishDiagnostics":
                if len(message["params"]["diagnostics"]) >= at_least:
                    return message["params"]["diagnostics"]

    def stop(self):
        self.request("shutdown", None)
        self.send({"method": "exit"})
        return self.process.wait(30)


def running_below(folder):
    """Processes whose working folder is ``folder``."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.readlink("/proc/%s/cwd" % entry) == str(folder):
                    found.append(int(entry))
            except OSError:
                pass
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
def test_the_next_server_starts_clean(tmp_path):
    python = pytest_of("pytest9")
    (tmp_path / "test_it.py").write_text(SLOW)
    rounds = int(os.environ.get("FAILSCOPE_KILLS", "3"))
    for _ in range(rounds):
        # Results of the round before would be shown before this one begins.
        for folder in (".failscope", ".pytest_cache"):
            shutil.rmtree(tmp_path / folder, ignore_errors=True)
        server = Server(tmp_path, python)
        server.ask("workspace/executeCommand", {"command": "failscope.runTest", "arguments": [{"tests": ["test_it.py"]}]})
        server.diagnostics(1)
        time.sleep(random.random() * 0.8)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        (stream,) = (tmp_path / ".failscope" / "runs").glob("*.jsonl")
        # Nobody is left to want the run: it ends, or comes to its own end, before its time is over.
        deadline = time.monotonic() + 60
        while running_below(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not running_below(tmp_path)
        recorded = [event["failure"]["id"] for event in events(stream, killed=True) if "failure" in event]
        assert recorded

        reports = [tmp_path / ".failscope" / name for name in ("rca_report.json", "rca_report.html")]
        for report in reports:
            report.unlink(missing_ok=True)
        after = Server(tmp_path, python)
        shown = after.diagnostics(1)
        assert {d["source"] for d in shown} == {"failscope"}
        deadline = time.monotonic() + 60
        while not all(report.exists() for report in reports) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert after.stop() == 0
        complaints = [m for m in after.notifications if m["method"] == "window/showMessage" and m["params"]["type"] == 1]
        assert not complaints
        leftovers = {path.name for path in (tmp_path / ".failscope").iterdir()} - {
            "runs", "rca_report.json", "rca_report.html", ".gitignore", "cache",
        }
        assert not {name for name in leftovers if not name.startswith("history.db")}, leftovers
