"""From a failing phase to its record. Runs where the test runs: in the session, an xdist worker, a fork.

Where the test runs in another process, the record travels on the report, as a string of JSON in an attribute:
xdist and pytest-forked carry attributes of built-in types over. :mod:`.session` takes it off before anyone else
sees it.
"""

import functools
from time import perf_counter

import pytest

from .frames import Describer
from .stream import dumps
from .text import rendered
from .values import Shower, cut, type_name

ATTRIBUTE = "_failscope"
#: Characters kept of the failure's text and of one captured section.
TEXT_LENGTH = 200_000
SECTION_LENGTH = 200_000
SECTIONS = 20
#: Characters of an operand of a comparison, of a parameter, and comparisons that are remembered of one test.
OPERAND_LENGTH = 8000
PARAMETER_LENGTH = 1000
COMPARISONS = 200


class Maker:
    """Hooks that make the records of failing phases."""

    def __init__(self, config):
        self.describer = Describer(str(config.rootpath), Shower())
        self._shower = Shower()
        self._comparison = None
        self._comparisons = 0
        self._fixtures = {}
        self._calls = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        # Only kept, for :meth:`record` to look at when the report has failed: this is called for every phase of
        # every test. Other plugins may still put an exception into the call.
        self._calls[call.when] = (item, call)

    def record(self, report):
        """The record of a report that was just made in this process, or ``None`` if that was elsewhere."""
        item, call = self._calls.pop(report.when, (None, None))
        if item is None or item.nodeid != report.nodeid:
            return None
        return self._made(report, call.excinfo, item)

    def forget(self, when):
        """What the exception of a phase refers to must not live longer for our sake."""
        self._calls.pop(when, None)
        if when == "teardown":
            self.rest()

    def rest(self):
        """A test is over."""
        self._calls.clear()
        self._comparison = None
        self._comparisons = 0

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector):
        outcome = yield
        if outcome.excinfo is not None:
            return
        report = outcome.get_result()
        if report.outcome == "failed":
            call = getattr(report, "call", None)
            setattr(report, ATTRIBUTE, self._made(report, getattr(call, "excinfo", None), None))

    @pytest.hookimpl(tryfirst=True)
    def pytest_assertrepr_compare(self, op, left, right):
        # Shown at once, since keeping the operands would change when they are freed. The last one counts.
        self._comparisons += 1
        if self._comparisons <= COMPARISONS:
            deadline = perf_counter() + 0.5
            self._comparison = {
                "op": op,
                "left": self._shower.show(left, OPERAND_LENGTH, deadline),
                "right": self._shower.show(right, OPERAND_LENGTH, deadline),
                "left_type": type_name(type(left)),
                "right_type": type_name(type(right)),
            }
        else:
            self._comparison = None

    def _made(self, report, excinfo, item):
        try:
            record = self._record(report, excinfo, item)
        except Exception as error:
            # A fault here must cost no more than the details.
            record = described(report)
            record["note"] = "details are missing: %s: %s" % (type(error).__name__, cut(str(error), 300))
        return dumps(record)

    def _record(self, report, excinfo, item):
        record = described(report)
        if excinfo is not None:
            error = _reported(excinfo.value)
            if error is not None:
                record["exceptions"] = exceptions = self.describer.chain(error)
                last = exceptions[-1]
                if item is None and not any(self.describer.is_project(frame["path"]) for frame in last["frames"]):
                    # pytest or a plugin objects to a file without running it: where it does so says nothing.
                    last["frames"] = []
                comparison = self._comparison
                if comparison and isinstance(error, AssertionError) and _tells_of(last["message"], comparison):
                    last["operands"] = comparison
        if item is not None:
            record["marks"] = list(dict.fromkeys(mark.name for mark in item.iter_markers()))
            callspec = getattr(item, "callspec", None)
            if callspec is not None:
                record["params"] = [
                    [name, self._shower.show(value, PARAMETER_LENGTH)] for name, value in callspec.params.items()
                ]
            record["fixtures"] = self._used_fixtures(item)
        return record

    def _used_fixtures(self, item):
        known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", None) or {}
        definitions = {name: found[-1] for name, found in known.items() if found}
        # Those that were asked for by name while the test ran, by a plugin for a mark for instance.
        active = getattr(getattr(item, "_request", None), "_fixture_defs", None) or {}
        definitions.update((name, found) for name, found in active.items() if hasattr(found, "func"))
        used = []
        for name, definition in definitions.items():
            if name == "request":
                continue
            found = self._fixtures.get(id(definition))
            # The definition is kept with what was found, so that its id cannot come to mean another.
            if found is None:
                shown = [name, str(definition.scope)]
                code = _code(definition.func)
                if code is not None:
                    shown += [self.describer.place(code.co_filename), code.co_firstlineno]
                found = self._fixtures[id(definition)] = (definition, shown)
            used.append(found[1])
        return used


class Attacher:
    """Puts the record on the report, in an xdist worker."""

    def __init__(self, maker):
        self._maker = maker

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        if report.outcome in ("failed", "rerun"):
            record = self._maker.record(report)
            if record is not None:
                setattr(report, ATTRIBUTE, record)
        self._maker.forget(report.when)


class ForkAttacher:
    """Puts the record on the report in a child of pytest-forked, which makes reports and reports nothing."""

    def __init__(self, maker):
        self._maker = maker

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        if outcome.excinfo is None:
            report = outcome.get_result()
            if report.outcome == "failed":
                record = self._maker.record(report)
                if record is not None:
                    setattr(report, ATTRIBUTE, record)


def described(report):
    """What a report itself says of a failure."""
    longrepr = report.longrepr
    # Of a text the report's own rendering would put the worker's name in front.
    text = longrepr if isinstance(longrepr, str) else rendered(report) if longrepr is not None else ""
    kind = "exception"
    if isinstance(longrepr, str) and text.startswith(("[XPASS(strict)]", "Unexpected success")):
        kind = "strict_xpass"
    elif report.when == "???":
        kind = "crash"
    crash = getattr(longrepr, "reprcrash", None)
    headline = getattr(crash, "message", None) or text
    record = {
        "id": report.nodeid,
        "phase": {"setup": "setup", "teardown": "teardown", "collect": "collect"}.get(report.when, "call"),
        "kind": kind,
        "headline": cut(headline.split("\n", 1)[0], 1000),
        "text": cut(text, TEXT_LENGTH),
    }
    if hasattr(report, "context") and hasattr(report, "keywords"):
        # Told where the test runs: on its way from an xdist worker pytest 9.2 puts quotes around the values.
        record["subtest"] = _subtest(report)
    location = getattr(report, "location", None)
    if location and location[0]:
        line = location[1]
        record["location"] = [location[0].replace("\\", "/"), None if line is None else line + 1]
    sections = [[name, cut(text, SECTION_LENGTH)] for name, text in report.sections[-SECTIONS:] if text]
    if sections:
        record["sections"] = sections
    return record


def _subtest(report):
    """How a subtest describes itself: ``[message] (i=1)``."""
    for name in ("_sub_test_description", "sub_test_description"):
        method = getattr(report, name, None)
        if method is not None:
            try:
                return str(method())
            except Exception:
                break
    context = report.context
    parts = []
    if getattr(context, "msg", None) is not None:
        parts.append("[%s]" % (context.msg,))
    values = getattr(context, "kwargs", None) or {}
    if values:
        parts.append("(%s)" % ", ".join("%s=%r" % pair for pair in values.items()))
    return " ".join(parts) or "(<subtest>)"


#: Exceptions that wrap another one, or whose `str` is not what pytest shows.
_WRAPPERS = {
    ("_pytest", "CollectError"),
    ("_pytest", "ConftestImportFailure"),
    ("_pytest", "FixtureLookupError"),
    ("_pytest", "MultipleDoctestFailures"),
    ("doctest", "DocTestFailure"),
    ("doctest", "UnexpectedException"),
}


def _reported(error):
    """The exception that tells what is wrong, or ``None`` if only pytest's own text does."""
    kind = type(error)
    if (str(kind.__module__).split(".")[0], kind.__name__) in _WRAPPERS:
        # pytest wraps what a file's import raised in an error of its own, with the traceback as a message.
        return error.__cause__
    return error


def _tells_of(message, comparison):
    """Whether ``message`` is pytest's explanation of ``comparison`` (it may begin with the user's own words)."""
    operator = " %s " % comparison["op"]
    return any(line.startswith("assert ") and operator in line for line in message.splitlines()[:50])


def _code(function):
    """The code of a function under its decorators."""
    for _ in range(20):
        code = getattr(function, "__code__", None)
        inner = getattr(function, "__wrapped__", None)
        if inner is None and isinstance(function, functools.partial):
            inner = function.func
        if inner is None:
            return code
        function = inner
    return None
