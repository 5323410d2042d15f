"""Tracing of a run that the program has asked for: which lines each test runs, and every step of the tests that
are to be followed closely. Written into the event stream as ``trace`` and ``steps``.

The plan is a file of JSON whose path is in ``FAILSCOPE_TRACE``: ``version``, ``closely`` (test ids) and
``seconds`` (time after which no more of the other tests are begun, from the first of them on).
"""

import functools
import json
import os
import shutil

import pytest

from .stream import Clock, dumps
from .watch import watch

#: Version of the plan that is understood.
PLAN = 1


class Tracer:
    """Hooks that trace each test."""

    def __init__(self, path, describer, write):
        with open(path, encoding="utf-8") as file:
            plan = json.load(file)
        if plan.get("version") != PLAN:
            raise ValueError("the plan %s is of version %r" % (path, plan.get("version")))
        self._closely = set(plan["closely"])
        self._seconds = float(plan["seconds"])
        self._describer = describer
        self._write = write
        self._watch = watch(describer.wanted)
        self._begun = None
        self._folder = os.path.dirname(os.path.abspath(path))
        self._parent = os.getppid()
        self._leave_out_descriptions()

    def _leave_out_descriptions(self):
        """When an assertion fails, pytest shows its operands, and for that calls code of the project that has
        nothing to do with the failure: the ``__repr__`` of its classes."""
        from _pytest.assertion import rewrite

        for name in ("_saferepr", "_call_reprcompare", "_format_assertmsg"):
            function = getattr(rewrite, name, None)
            if function is not None:
                setattr(rewrite, name, self._quietly(function))

    def _quietly(self, function):
        watched = self._watch

        @functools.wraps(function)
        def quietly(*args, **keywords):
            if watched.quiet:
                return function(*args, **keywords)
            watched.hold()
            try:
                return function(*args, **keywords)
            finally:
                watched.hold(False)

        return quietly

    @staticmethod
    def in_one_process(config):
        """What is traced runs here: workers of xdist are not started. Before xdist looks at its options."""
        for name, value in (("numprocesses", None), ("dist", "no"), ("tx", []), ("maxprocesses", None)):
            if hasattr(config.option, name):
                setattr(config.option, name, value)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        # Those that matter most come first, in case time runs out; then those that are likely to be most like them.
        files = {name.partition("::")[0] for name in self._closely}
        items.sort(key=lambda item: (item.nodeid not in self._closely, item.nodeid.partition("::")[0] not in files))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        closely = item.nodeid in self._closely
        if self._is_orphan():
            item.session.shouldstop = "failscope: the program that has asked for this run is gone"
        if not closely:
            if self._begun is None:
                self._begun = Clock.now()
            elif Clock.now() - self._begun > self._seconds:
                item.session.shouldstop = "failscope: the time for tracing is over"
        self._watch.begin(closely)
        try:
            yield
        finally:
            self._watch.end()
        self._record(item.nodeid)

    def _is_orphan(self):
        return os.getppid() != self._parent

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self):
        # Otherwise the program removes it when it has read what is in it.
        if self._is_orphan() and os.path.basename(self._folder).startswith("failscope-trace-"):
            shutil.rmtree(self._folder, ignore_errors=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call):
        if call.excinfo is not None:
            self._watch.hold()

    def _record(self, nodeid):
        watched = self._watch
        place = self._describer.place
        found = watched.lines()
        files = sorted(found)
        record = {"id": nodeid, "files": [[place(name), _ranges(found[name])] for name in files]}
        steps = watched.steps
        if steps is None:
            self._write(dumps({"trace": record}))
            return
        record["codes"] = [
            {
                "file": place(code.co_filename),
                "line": code.co_firstlineno,
                "name": getattr(code, "co_qualname", code.co_name),
                "args": list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]),
            }
            for code in watched.codes
        ]
        record["values"] = steps.values
        record["cut"] = steps.cut
        self._write(dumps({"trace": record}))
        for part in steps.parts:
            part["id"] = nodeid
            self._write(dumps({"steps": part}))


def _ranges(lines):
    """``1-3,7`` for the lines 1, 2, 3 and 7."""
    texts = []
    first = last = None
    for line in sorted(line for line in lines if line):
        if last is not None and line == last + 1:
            last = line
            continue
        if first is not None:
            texts.append("%d-%d" % (first, last) if last > first else str(first))
        first = last = line
    if first is not None:
        texts.append("%d-%d" % (first, last) if last > first else str(first))
    return ",".join(texts)
