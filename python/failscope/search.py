"""The worker of the search for a fix: a pytest session that has collected its tests, and forks for each candidate.

Requests come as lines of JSON on standard input, answers go as lines of JSON to what was standard output. A child
puts the candidate in place in memory, runs the tests that it is asked for, and ends; nothing of it stays.
"""

import gc
import importlib.machinery
import json
import os
import select
import signal
import sys
import time
import types
import warnings

import pytest

from . import confine

#: All functions that there are when the tests have been collected.
_functions = []
#: Most bytes of one answer.
_MAX_ANSWER = 1 << 22


class Server:
    """Reads candidates and has them tried."""

    def __init__(self):
        # Before pytest captures what is printed.
        self._requests = os.dup(0)
        self._answers = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nothing, fd)
        os.close(nothing)
        self._waiting = b""
        self._args = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config):
        # One process that forks by itself.
        for name, value in (("numprocesses", None), ("dist", "no"), ("tx", [])):
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        self._args = [str(arg) for arg in config.invocation_params.args]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        items = {item.nodeid: item for item in session.items}
        contained = confine.at_start()
        # Nobody reads how a test fails.
        session.config.option.tbstyle = "no"
        gc.collect()
        _functions.extend(one for one in gc.get_objects() if type(one) is types.FunctionType)
        # What is never looked at is never copied.
        gc.freeze()
        self._say({"tests": sorted(items), "contained": contained})
        while True:
            line = self._read()
            if line is None:
                # Nobody will ever read what else pytest would do.
                os._exit(0)
            answer = self._tried(json.loads(line), items)
            answer["used"] = _used()
            self._say(answer)

    def _say(self, answer):
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[os.write(self._answers, data) :]

    def _read(self):
        while b"\n" not in self._waiting:
            more = os.read(self._requests, 1 << 16)
            if not more:
                return None
            self._waiting += more
        line, self._waiting = self._waiting.split(b"\n", 1)
        return line

    def _tried(self, request, items):
        out, into = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            os.close(out)
            answer = {"ended": "broke"}
            try:
                os.setpgid(0, 0)
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                os.close(self._requests)
                os.close(self._answers)
                confine.in_child(request.get("processor") or request["seconds"], os.getppid())
                answer = _in_child(request, items, self._args)
            except SyntaxError:
                answer = {"ended": "invalid"}
            except BaseException as error:  # the candidate may do anything
                answer = {"ended": "broke", "error": repr(error)[:200]}
            finally:
                try:
                    os.write(into, json.dumps(answer).encode()[:_MAX_ANSWER])
                finally:
                    os._exit(0)
        os.close(into)
        try:
            os.setpgid(child, child)
        except OSError:
            pass  # it has done so itself, or has ended
        return self._wait(child, out, request["seconds"])

    def _wait(self, child, out, seconds):
        end = time.monotonic() + seconds
        data, over = b"", None
        while over is None:
            left = end - time.monotonic()
            ready = select.select([out, self._requests], [], [], max(left, 0))[0]
            if out in ready:
                more = os.read(out, 1 << 16)
                data += more
                if not more or len(data) > _MAX_ANSWER:
                    over = "died"
            elif self._requests in ready:
                # Nothing is asked while an answer is awaited: the other side has gone.
                over = "gone"
            elif left <= 0:
                over = "timeout"
            if over is None and _is_whole(data):
                over = "answered"
        # Whatever the child has started ends with it.
        try:
            os.killpg(child, signal.SIGKILL)
        except OSError:
            pass
        os.waitpid(child, 0)
        os.close(out)
        confine.end_orphans()
        if over == "gone":
            os._exit(0)
        if _is_whole(data):
            return json.loads(data)
        return {"ended": over}


def _used():
    """Processor time of this process and of the children that have ended, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _is_whole(data):
    try:
        json.loads(data)
        return True
    except ValueError:
        return False


def _in_child(request, items, args):
    path = request.get("path")
    mode = "as it is"
    if path is not None:
        path = os.path.realpath(path)
        mode = "swapped" if _swap(path, request["source"]) else "anew"
    if mode == "anew":
        return _anew(path, request["source"], args, request)
    passed, failed = [], []
    wanted = [(name, True) for name in request["first"]] + [(name, False) for name in request["then"]]
    chosen = [(items[name], first) for name, first in wanted if name in items]
    if len(chosen) < len(wanted):
        return {"ended": "missing", "mode": mode}
    for at, (item, first) in enumerate(chosen):
        following = chosen[at + 1][0] if at + 1 < len(chosen) else None
        good = _run(item, following)
        (passed if good else failed).append(item.nodeid)
        if not good and not request["all"]:
            break
    return {"ended": "done", "mode": mode, "passed": passed, "failed": failed}


def _run(item, following):
    from _pytest.runner import runtestprotocol

    reports = runtestprotocol(item, nextitem=following, log=False)
    called = [report for report in reports if report.when == "call"]
    return bool(called) and all(report.passed for report in reports)


class _Watch:
    """Takes the results of a session that is run anew."""

    def __init__(self, request):
        self._request = request
        self.failed = []
        self.passed = []
        self._open = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session, items):
        order = self._request["first"] + self._request["then"]
        there = {item.nodeid: item for item in items}
        items[:] = [there[name] for name in order if name in there]

    def pytest_runtest_logreport(self, report):
        good, called = self._open.get(report.nodeid, (True, False))
        self._open[report.nodeid] = (good and report.passed, called or report.when == "call")

    def pytest_runtest_logfinish(self, nodeid):
        good, called = self._open.pop(nodeid, (False, False))
        (self.passed if good and called else self.failed).append(nodeid)

    @pytest.hookimpl(wrapper=False, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        if self.failed and not self._request["all"]:
            raise pytest.exit.Exception("enough is known")


def _anew(path, source, args, request):
    """Imports the project anew, with the candidate's text for the file, and runs the tests."""
    data = source.encode()
    loader = importlib.machinery.SourceFileLoader
    get_data = loader.get_data

    def changed(self, name):
        return data if os.path.realpath(name) == path else get_data(self, name)

    loader.get_data = changed
    root = os.path.realpath(os.environ["FAILSCOPE_COPY"]) + os.sep
    for name, module in list(sys.modules.items()):
        if os.path.realpath(getattr(module, "__file__", None) or "/").startswith(root):
            del sys.modules[name]
    importlib.invalidate_caches()
    watch = _Watch(request)
    plain = [arg for at, arg in enumerate(args) if not _names_search(args, at)]
    pytest.main(plain, plugins=[watch])
    order = request["first"] + request["then"]
    known = set(watch.passed) | set(watch.failed)
    if not watch.failed and not known.issuperset(order):
        return {"ended": "missing", "mode": "anew"}
    return {"ended": "done", "mode": "anew", "passed": watch.passed, "failed": watch.failed}


def _names_search(args, at):
    return args[at] == "failscope.search" or (at + 1 < len(args) and args[at : at + 2] == ["-p", "failscope.search"])


def _swap(path, source):
    """Gives the functions of a file that has been imported their new code, where only functions have changed."""
    new = compile(source, path, "exec", dont_inherit=True)
    with open(path, "rb") as file:
        old = compile(file.read(), path, "exec", dont_inherit=True)
    changed = []
    if not _compare(old, new, changed):
        return False
    wanted = {(code.co_name, code.co_firstlineno): replacement for code, replacement in changed}
    found = set()
    for function in _functions:
        code = function.__code__
        key = (code.co_name, code.co_firstlineno)
        if key in wanted and os.path.realpath(code.co_filename) == path:
            replacement = wanted[key]
            if len(replacement.co_freevars) != len(code.co_freevars):
                return False
            function.__code__ = replacement
            found.add(key)
    # A function inside another comes with it, as do those that are made when they are called.
    return bool(found)


def _codes(code):
    return [const for const in code.co_consts if isinstance(const, types.CodeType)]


def _own(code):
    values = [(type(const), const) for const in code.co_consts if not isinstance(const, types.CodeType)]
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, repr(values))


def _compare(old, new, changed):
    """Notes which functions differ; ``False`` if anything else does."""
    before, after = _codes(old), _codes(new)
    is_function = bool(old.co_flags & 0x2)  # CO_NEWLOCALS: of functions, not of modules; classes lack CO_OPTIMIZED
    is_function = is_function and bool(old.co_flags & 0x1)
    if is_function:
        if old != new:
            if old.co_varnames[: old.co_argcount + old.co_kwonlyargcount] != (
                new.co_varnames[: new.co_argcount + new.co_kwonlyargcount]
            ):
                return False
            changed.append((old, new))
            if len(before) == len(after):
                for one, other in zip(before, after):
                    _compare(one, other, changed)
        return True
    if len(before) != len(after) or _own(old) != _own(new):
        return False
    return all(_compare(one, other, changed) for one, other in zip(before, after))


_server = Server()


def pytest_configure(config):
    config.pluginmanager.register(_server, "failscope-search-server")
