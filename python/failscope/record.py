"""From a failing phase to its record. Runs where the test runs: in the session, an xdist worker, a fork.

A record is the fields of a JSON object, without its braces. Where the test runs in another process, it travels on
the report, as a string in an attribute: xdist and pytest-forked carry attributes of built-in types over.
:mod:`.session` takes it off before anyone else sees it.
"""

import functools

import pytest

from .frames import Describer
from .stream import Clock, quote
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
_PHASES = {"setup", "call", "teardown"}


class Maker:
    """Makes the records of failing phases."""

    def __init__(self, config):
        self.describer = Describer(str(config.rootpath), Shower())
        self._shower = Shower()
        self._comparison = None
        self.comparisons = 0
        self._fixtures = {}

    def rest(self):
        """A test is over."""
        self._comparison = None
        self.comparisons = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_assertrepr_compare(self, op, left, right):
        # Shown at once, since keeping the operands would change when they are freed. The last one counts.
        self.comparisons += 1
        if self.comparisons <= COMPARISONS:
            deadline = Clock.now() + 0.5
            self._comparison = (
                op,
                self._shower.show(left, OPERAND_LENGTH, deadline),
                self._shower.show(right, OPERAND_LENGTH, deadline),
                type_name(type(left)),
                type_name(type(right)),
            )
        else:
            self._comparison = None

    def made(self, report, excinfo, node):
        """The record of ``report``, of a phase of the test ``node`` or of a collector."""
        try:
            return described(report) + self._details(excinfo, node if isinstance(node, pytest.Item) else None)
        except Exception as error:
            # A fault here must cost no more than the details.
            note = "details are missing: %s: %s" % (type(error).__name__, cut(str(error), 300))
            return '%s,"note":%s' % (described(report), quote(note))

    def _details(self, excinfo, item):
        """What the live objects tell: fields of a record, each with a comma before it."""
        details = ""
        error = None if excinfo is None else _reported(excinfo.value)
        if error is not None:
            # pytest or a plugin may object to a file without running it: where it does so says nothing.
            details = ',"exceptions":' + self.describer.chain(error, self._operands, project_only=item is None)
        if item is not None:
            marks = {}
            node = item
            while node is not None:
                for mark in node.own_markers:
                    marks[mark.name] = None
                node = node.parent
            details += ',"marks":[%s]' % ",".join(map(quote, marks))
            callspec = getattr(item, "callspec", None)
            if callspec is not None:
                details += ',"params":[%s]' % ",".join(
                    "[%s,%s]" % (quote(str(name)), quote(self._shower.show(value, PARAMETER_LENGTH)))
                    for name, value in callspec.params.items()
                )
            details += ',"fixtures":[%s]' % ",".join(self._used_fixtures(item))
        return details

    def _operands(self, error, message):
        """The comparison that ``message`` explains, as JSON, or ``None``."""
        comparison = self._comparison
        if comparison is None or not isinstance(error, AssertionError) or not _tells_of(message, comparison[0]):
            return None
        return '{"op":%s,"left":%s,"right":%s,"left_type":%s,"right_type":%s}' % tuple(map(quote, comparison))

    def _used_fixtures(self, item):
        known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", None) or {}
        definitions = {name: found[-1] for name, found in known.items() if found}
        # Those that were asked for by name while the test ran, by a plugin for a mark for instance.
        active = getattr(getattr(item, "_request", None), "_fixture_defs", None) or {}
        for name, found in active.items():
            if hasattr(found, "func"):
                definitions[name] = found
        definitions.pop("request", None)
        used = []
        for name, definition in definitions.items():
            found = self._fixtures.get(id(definition))
            if found is None:
                shown = "[%s,%s" % (quote(name), quote(str(definition.scope)))
                code = _code(definition.func)
                if code is not None:
                    shown += ",%s,%d" % (quote(self.describer.place(code.co_filename)), code.co_firstlineno)
                # The definition is kept with what was found, so that its id cannot come to mean another.
                found = self._fixtures[id(definition)] = (definition, shown + "]")
            used.append(found[1])
        return used


class Attacher:
    """Puts the records on the reports, in an xdist worker."""

    def __init__(self, maker):
        self._maker = maker
        self._raised = None

    # Not `tryfirst`: pytest itself puts the exceptions of unittest's tests into the call before.
    def pytest_runtest_makereport(self, item, call):
        # What was raised is only kept, for when the report has failed: it is sent before pytest tells of its exception.
        self._raised = None if call.excinfo is None else (item, call)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        raised, self._raised = self._raised, None
        if report.outcome == "failed" and raised is not None:
            item, call = raised
            if call.when == report.when and item.nodeid == report.nodeid:
                self._attach(item, call, report)
        if report.when == "teardown" and self._maker.comparisons:
            self._maker.rest()

    @pytest.hookimpl(tryfirst=True)
    def pytest_exception_interact(self, node, call, report):
        # Collectors, and tests whose reports another plugin collects first, or whose process is a fork.
        self._raised = None
        self._attach(node, call, report)

    def _attach(self, node, call, report):
        if not hasattr(report, ATTRIBUTE):
            setattr(report, ATTRIBUTE, self._maker.made(report, call.excinfo, node))


def is_strict_xpass(report):
    """Whether a test has passed that had to fail."""
    longrepr = report.longrepr
    return isinstance(longrepr, str) and longrepr.startswith(("[XPASS(strict)]", "Unexpected success"))


def has_exception(report):
    """Whether pytest will tell the exception behind a report that has failed here, as far as is known."""
    return report.when != "???" and not is_strict_xpass(report)


def described(report, length=TEXT_LENGTH, sections=SECTIONS):
    """What a report itself says of a failure: fields of a record, as JSON without braces. At most the last
    ``length`` characters of its text and the last ``sections`` of what was captured."""
    longrepr = report.longrepr
    # Of a text the report's own rendering would put the worker's name in front.
    text = longrepr if isinstance(longrepr, str) else rendered(report) if longrepr is not None else ""
    when = report.when
    kind = "exception"
    if is_strict_xpass(report):
        kind = "strict_xpass"
    elif when == "???":
        kind = "crash"
    headline = getattr(getattr(longrepr, "reprcrash", None), "message", None) or text
    fields = '"id":%s,"phase":"%s","kind":"%s","headline":%s,"text":%s' % (
        quote(report.nodeid),
        when if when in _PHASES or when == "collect" else "call",
        kind,
        quote(cut(headline.split("\n", 1)[0], 1000)),
        quote(cut(text, TEXT_LENGTH) if length == TEXT_LENGTH else text[max(len(text) - length, 0) :]),
    )
    if hasattr(report, "context") and hasattr(report, "keywords"):
        # Told where the test runs: on its way from an xdist worker pytest 9.2 puts quotes around the values.
        fields += ',"subtest":' + quote(_subtest(report))
    location = getattr(report, "location", None)
    if location and location[0]:
        line = location[1]
        place = quote(location[0].replace("\\", "/"))
        fields += ',"location":[%s,null]' % place if line is None else ',"location":[%s,%d]' % (place, line + 1)
    if sections and report.sections:
        captured = [
            "[%s,%s]" % (quote(name), quote(cut(text, SECTION_LENGTH)))
            for name, text in report.sections[-sections:]
            if text
        ]
        if captured:
            fields += ',"sections":[%s]' % ",".join(captured)
    return fields


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
    "CollectError": "_pytest",
    "ConftestImportFailure": "_pytest",
    "FixtureLookupError": "_pytest",
    "MultipleDoctestFailures": "_pytest",
    "DocTestFailure": "doctest",
    "UnexpectedException": "doctest",
}


def _reported(error):
    """The exception that tells what is wrong, or ``None`` if only pytest's own text does."""
    kind = type(error)
    if kind.__name__ in _WRAPPERS and str(kind.__module__).split(".")[0] == _WRAPPERS[kind.__name__]:
        # pytest wraps what a file's import raised in an error of its own, with the traceback as a message.
        return error.__cause__
    return error


def _tells_of(message, operator):
    """Whether ``message`` is pytest's explanation of a comparison (it may begin with the user's own words)."""
    operator = " %s " % operator
    if operator not in message:
        return False
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
