"""Asks a fake provider about many causes: time against the limit's ideal, peak memory, and what a Ctrl-C leaves.

usage: python3 benches/models.py [FAILSCOPE] [--python PYTHON] [--rate CALLS_A_SECOND] [--burst CALLS] [--causes N ...]
The server takes 200 ms for an answer and no more than so many calls a second (a token bucket of BURST calls, 1 if it is
not given, refusing with 429 and Retry-After). PYTHON is one with pytest; it makes the failures. Prints a line for each run.
"""

import argparse
import asyncio
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LATENCY = 0.2


class Server:
    """Counts what it is sent, and when; refuses what comes too fast."""

    def __init__(self, rate, burst):
        self.rate, self.burst, self.tokens, self.filled = rate, burst, float(burst), time.monotonic()
        self.taken, self.refused, self.arrivals = 0, 0, []
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self.run, args=(ready,), daemon=True).start()
        ready.wait()

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"content-length: (\d+)", head, re.I)
                body = await reader.readexactly(int(length[1])) if length else b""
                writer.write(await self.answer(head, body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, head, body):
        if head.startswith("GET"):
            return reply(404, {"error": {"message": "no list"}})
        now = time.monotonic()
        self.arrivals.append(now)
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            self.refused += 1
            wait = (1 - self.tokens) / self.rate
            return reply(429, {"error": {"message": "slower"}}, f"retry-after-ms: {wait * 1000:.0f}\r\n")
        self.tokens -= 1
        self.taken += 1
        await asyncio.sleep(LATENCY)
        return reply(200, completion(json.loads(body)))


def completion(asked):
    user = asked["messages"][-1]["content"]
    place = re.search(r"source of (\S+), lines (\d+) to", user)
    answer = {
        "root_cause": f"`{place[1]}` asks for a name that is not there" if place else "the name is not there",
        "category": "data_issue", "severity": "medium", "confidence": 0.7,
        "affected_file": place[1] if place else "", "affected_line": int(place[2]) if place else 0,
        "affected_function": "", "fix_suggestion": "Use a name that is there.",
        "evidence": [{"id": "E1", "quote": "KeyError"}], "edits": [], "missing": "",
    }
    usage = {"prompt_tokens": len(user) // 4, "completion_tokens": 120}
    message = {"role": "assistant", "content": json.dumps(answer)}
    return {"model": asked["model"], "choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


def reply(status, body, headers=""):
    text = json.dumps(body).encode()
    return f"HTTP/1.1 {status} x\r\n{headers}content-length: {len(text)}\r\n\r\n".encode() + text


def project(folder, causes, python):
    """A project with so many causes, each in a function of its own, and the results of its tests."""
    per_file = 50
    for start in range(0, causes, per_file):
        numbers = range(start, min(start + per_file, causes))
        name = f"part{start // per_file}"
        source = "".join(
            f"def step_{n}(table):\n    rows = sorted(table)\n    first = rows[0]\n"
            f"    return table['missing_{n}'] + len(first)\n\n\n" for n in numbers)
        tests = f"from {name} import *\n\n\n" + "".join(
            f"def test_step_{n}():\n    assert step_{n}({{'present_{n}': {n}}}) == {n}\n\n\n" for n in numbers)
        (folder / f"{name}.py").write_text(source)
        (folder / f"test_{name}.py").write_text(tests)
    (folder / "pyproject.toml").write_text("[tool.failscope]\nhistory = \"off\"\n")
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--junitxml=results.xml"]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    return folder / "results.xml"


def run(program, folder, results, environment, stop_after=None, *more):
    """The report, seconds on the wall, seconds on the processor and peak memory in MB; when it was told to stop."""
    command = [program, "analyze", str(results), "--root", str(folder), "--format", "json", *more]
    inherited = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
    with open(folder / "out.json", "w") as out, open(folder / "err.txt", "w") as err:
        began = time.monotonic()
        process = subprocess.Popen(command, env={**inherited, **environment}, stdout=out, stderr=err)
        stopped = None
        if stop_after:
            time.sleep(stop_after)
            stopped = time.monotonic()
            process.send_signal(signal.SIGINT)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        wall = time.monotonic() - began
    report = json.loads((folder / "out.json").read_text())
    return report, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, stopped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("failscope", nargs="?", default=str(ROOT / "target/release/failscope"))
    parser.add_argument("--python", default=str(ROOT / "target/venv/bin/python"))
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--burst", type=int, default=1)
    parser.add_argument("--causes", type=int, nargs="+", default=[100, 1000])
    options = parser.parse_args()
    print(f"{LATENCY * 1000:.0f} ms an answer, {options.rate:g} calls a second, {options.burst} at once")
    for causes in options.causes:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            results = project(folder, causes, options.python)
            _, plain, cpu, memory, _ = run(options.failscope, folder, results, {}, None, "--offline")
            print(f"{causes} causes offline: {plain:.1f} s, {cpu:.1f} s of processor, {memory:.0f} MB at most")
            for variable, path, extra in [("GROQ_BASE_URL", "", {"GROQ_API_KEY": "k-for-benchmarks"}),
                                          ("OPENAI_BASE_URL", "/v1", {})]:
                server = Server(options.rate, options.burst)
                environment = {variable: f"http://127.0.0.1:{server.port}{path}", **extra}
                report, wall, cpu, memory, _ = run(options.failscope, folder, results, environment)
                model = report["run"]["model"]
                ideal = (2 * len(report["analyses"]) - options.burst) / options.rate + LATENCY
                heard = model["answered"] + model["kept"]
                print(f"{causes} causes ({len(report['analyses'])} told apart, {heard} heard) by {variable}: "
                      f"{wall:.1f} s; without the offline part {wall - plain:.1f} s of {ideal:.1f}, "
                      f"{(wall - plain) / ideal:.2f} times; {server.refused} refused, "
                      f"{cpu:.1f} s of processor, {memory:.0f} MB at most", flush=True)
                for entry in (folder / ".failscope/cache").glob("*.json"):
                    entry.unlink()
            server = Server(options.rate, options.burst)
            environment = {"GROQ_BASE_URL": f"http://127.0.0.1:{server.port}", "GROQ_API_KEY": "k-for-benchmarks"}
            _, wall, _, _, stopped = run(options.failscope, folder, results, environment, plain + 1)
            # What was under way when it was told is let go; nothing new comes.
            late = sum(at > stopped + 0.05 for at in server.arrivals)
            print(f"{causes} causes, Ctrl-C after {plain + 1:.1f} s: {len(server.arrivals) - late} calls before, {late} "
                  f"after, ended in {wall - plain - 1:.2f} s", flush=True)


main()
sys.stdout.flush()
