"""The run as it goes: hooks of the process that reports (with xdist: the controller, which alone writes)."""

import os
import platform
import sys
import tempfile
import time

import pytest

from . import handover
from .record import ATTRIBUTE, described, has_exception
from .stream import BRIEF_BYTES, VERSION, Clock, Stream, dumps, prepare, quote
from .values import cut

_FAILED, _ERROR = "failed", "error"
#: Integers of microseconds: they are written in two thirds of the time that fractions take.
_PASSED_AND_NEXT = '{"end":{"id":%s,"outcome":"passed","seconds":[%de-6,%de-6,%de-6]}}\n{"begin":{"id":%s}}\n'


class Session:
    """Writes the event stream and hands it over at the end. This one is for tests that run one after the other in this
    process; see :class:`Several`."""

    #: Whether a test has ended when the next begins.
    one_by_one = True

    def __init__(self, config, settings, maker):
        self._config = config
        self._settings = settings
        self._maker = maker
        #: Reports of phases that have passed and that nobody has looked at yet.
        self._passed = []
        self._tests = {}
        #: The test that began last, and its name in JSON.
        self._current = None
        self._name = ""
        #: A report that has failed and whose exception is about to come, with its test.
        self._waiting = None
        #: Reports and their records, by the report's id, until the report is looked at.
        self.taken = {}
        self._begun = Clock.now()
        self._failures = 0
        self._deselected = 0
        self._collected = 0
        self._ended = False
        self._handed_over = False
        self._lost = None
        self._stream = self._open()

    def _open(self):
        named = self._settings.stream
        try:
            if named is not None:
                return Stream(named)
            return Stream(prepare(self._settings.output))
        except OSError as error:
            self._lost = "failscope: cannot record to %s: %s" % (named or self._settings.output, error.strerror)
        if named is None:
            # The project may be read-only; the analysis of this run still works.
            try:
                return Stream(os.path.join(tempfile.mkdtemp(prefix="failscope-"), "run.jsonl"))
            except OSError:
                pass
        return Stream(None)

    def write(self, line):
        self._stream.append(line + "\n")

    # How the run begins.

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session):
        config = self._config
        # Not `platform.platform()`, which starts a process to find the processor.
        self.write(
            dumps(
                {
                    "session": {
                        "version": VERSION,
                        "pid": os.getpid(),
                        "host": os.uname().nodename if hasattr(os, "uname") else "",
                        "time": time.time(),
                        "root": str(config.rootpath),
                        "cwd": str(config.invocation_params.dir),
                        "args": [str(arg) for arg in config.invocation_params.args],
                        "python": platform.python_version(),
                        "pytest": pytest.__version__,
                        "platform": sys.platform,
                        "plugins": sorted(
                            {
                                "%s-%s" % (dist.project_name, dist.version)
                                for _, dist in config.pluginmanager.list_plugin_distinfo()
                            }
                        ),
                        "tbstyle": str(config.getoption("tbstyle", "auto")),
                    }
                }
            )
        )

    def pytest_deselected(self, items):
        self._deselected += len(items)

    def pytest_collection_finish(self, session):
        if not hasattr(self._config, "workerinput") and session.items:
            self._write_collected(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node, ids):
        self._write_collected(len(ids))

    def _write_collected(self, count):
        if count != self._collected:
            self._collected = count
            self.write('{"collected":{"count":%d,"deselected":%d}}' % (count, self._deselected))

    # One test after the other, or several at a time under xdist.

    # These two are called for every test and every phase. Of a test that simply passes nothing is looked at before
    # the next one begins: code that runs three times as often costs more than what it does.

    def pytest_runtest_logstart(self, nodeid):
        try:
            # One write for the end of the last test and the beginning of this one; nothing happens between them.
            name = quote(nodeid)
            passed = self._passed
            if (
                len(passed) == 3
                and not self._tests
                and passed[1].nodeid == self._current
                and "wasxfail" not in passed[1].__dict__
            ):
                setup, call, teardown = passed
                lines = _PASSED_AND_NEXT % (
                    self._name, setup.duration * 1e6, call.duration * 1e6, teardown.duration * 1e6, name,
                )
            else:
                lines = '%s{"begin":{"id":%s}}\n' % (self._ends(), name)
            passed.clear()
            self._stream.append(lines)
            self._current = nodeid
            self._name = name
            if self._maker.comparisons:
                self._maker.rest()
        except Exception as error:
            self._broke(error)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        if report.outcome == "passed":
            self._passed.append(report)
        else:
            self._harmless(self._has_not_passed, report)

    def _harmless(self, step, *args):
        """A fault in here ends the recording, not the run."""
        try:
            step(*args)
        except Exception as error:
            self._broke(error)

    def _broke(self, error):
        if self._lost is None:
            self._lost = "failscope: the recording broke off (%s: %s)" % (type(error).__name__, cut(str(error), 300))
        self._stream.close()

    def _look_at_passed(self):
        if self._waiting is not None:
            # Nobody has told its exception.
            report, test = self._waiting
            self._waiting = None
            self._failure(report, None, test, "failed")
        for report in self._passed:
            self._has_passed(report)
        self._passed.clear()

    def _has_not_passed(self, report):
        self._look_at_passed()
        test = self._test(report)
        record = self.taken.pop(id(report), (None, None))[1]
        verdict = self._settle(report, test)
        if verdict == _FAILED and record is None and self.one_by_one and has_exception(report):
            self._waiting = report, test
        elif verdict is not None:
            self._failure(report, record, test, verdict)
        if verdict == "rerun":
            # A plugin runs the test again; what it says in the end is what counts.
            test.reruns += 1
            test.outcome = None
        elif report.when == "???":
            # The worker died: nothing more will come for this test.
            self._end(self._key(report), test, report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_exception_interact(self, node, call, report):
        # After the report, unless another plugin collects the reports first. Collectors tell theirs before.
        self._harmless(self._exception, node, call, report)

    def _exception(self, node, call, report):
        record = self._maker.made(report, call.excinfo, node)
        if self._waiting is not None and self._waiting[0] is report:
            test = self._waiting[1]
            self._waiting = None
            self._failure(report, record, test, "failed")
        else:
            # The report is kept with it, so that its id cannot come to mean another.
            self.taken[id(report)] = report, record

    def _key(self, report):
        """What tells the test of a report from the others that are running."""
        return report.nodeid

    def _test(self, report):
        key = self._key(report)
        test = self._tests.get(key)
        if test is None:
            test = self._tests[key] = _Test(report.nodeid)
        return test

    def _has_passed(self, report):
        if hasattr(report, "context"):
            # A subtest: its test's own report is still to come.
            return
        test = self._test(report)
        test.pass_phase(report.when, report.duration)
        if report.when == "teardown":
            test.ended = True
        elif report.when == "call" and hasattr(report, "wasxfail"):
            test.settle("xpassed")
        if test.worker is None:
            test.worker = _worker(report)

    def _settle(self, report, test):
        """Notes what a report says of its test; tells how its failure counts, if it is one."""
        outcome = report.outcome
        if test.worker is None:
            test.worker = _worker(report)
        if hasattr(report, "context") and hasattr(report, "keywords"):
            # A subtest: part of the call phase, whose own report is still to come.
            if outcome != "failed":
                return None
            test.outcome = _FAILED
            return _FAILED
        when = report.when
        test.pass_phase(when, report.duration)
        if when == "teardown":
            test.ended = outcome != "rerun"
        if outcome == "failed":
            test.settle(_ERROR if when in ("setup", "teardown") else _FAILED)
            return _FAILED
        if outcome == "skipped":
            xfailed = hasattr(report, "wasxfail")
            test.settle("xfailed" if xfailed else "skipped")
            test.reason = report.wasxfail if xfailed else _skip_reason(report)
        return "rerun" if outcome == "rerun" else None

    def _ends(self):
        """The lines that say how the tests ended whose reports have come."""
        self._look_at_passed()
        self.taken.clear()
        if len(self._tests) == 1:
            test = next(iter(self._tests.values()))
            if not test.ended:
                return ""
            self._tests.clear()
            return self._end_line(test, test.worker) + "\n"
        lines = ""
        for key, test in list(self._tests.items()):
            # A plugin that runs a test again says that it begins again.
            if test.ended:
                del self._tests[key]
                lines += self._end_line(test, test.worker) + "\n"
        return lines

    def _end(self, key, test, report):
        del self._tests[key]
        self.write(self._end_line(test, test.worker if report is None else _worker(report)))

    def _end_line(self, test, worker):
        line = '{"end":{"id":%s,"outcome":"%s","seconds":[%.4g,%.4g,%.4g]' % (
            quote(test.nodeid),
            test.outcome or "passed",
            test.setup,
            test.call,
            test.teardown,
        )
        if worker is not None:
            line += ',"worker":' + quote(worker)
        if test.reruns:
            line += ',"reruns":%d' % test.reruns
        if test.reason:
            line += ',"reason":' + quote(str(test.reason)[:1000])
        return line + "}}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report):
        if report.outcome == "failed":
            self._harmless(self._not_collected, report)

    def _not_collected(self, report):
        record = _taken(report) or self.taken.pop(id(report), (None, None))[1]
        self._failure(report, record, _Test(report.nodeid), _FAILED)

    def _failure(self, report, record, test, outcome):
        if outcome == "failed":
            self._failures += 1
        size = self._stream.size
        if size > BRIEF_BYTES:
            record = described(report, 2000 if size < 2 * BRIEF_BYTES else 0, sections=0)
            record += ',"note":"the record of this run has reached its largest size: details are left out"'
        elif record is None:
            record = described(report)
        # What only this process knows is put in front.
        line = '{"failure":{"outcome":"%s","seconds":%.4g,' % (outcome, getattr(report, "duration", None) or 0.0)
        worker = _worker(report)
        if worker is not None:
            line += '"worker":%s,' % quote(worker)
        if test.reruns:
            line += '"reruns":%d,' % test.reruns
        self._stream.append("%s%s}}\n" % (line, record))

    # How it ends.

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr):
        self._failures += 1
        self._harmless(self._look_at_passed)
        running = [test.nodeid for test in self._tests.values() if not test.ended]
        self.write(
            dumps(
                {
                    "failure": {
                        "id": running[-1] if len(running) == 1 else "",
                        "phase": "call",
                        "kind": "internal",
                        "outcome": "failed",
                        "text": str(excrepr)[-200_000:],
                    }
                }
            )
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo):
        self.write(dumps({"interrupted": {"reason": str(excinfo.value)[:1000] or type(excinfo.value).__name__}}))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if self._ended:
            return
        self._ended = True
        self._harmless(self._look_at_passed)
        for key, test in list(self._tests.items()):
            # A test that was interrupted before it said anything has no outcome to tell.
            if test.ended or test.outcome is not None:
                self._end(key, test, None)
        self.write('{"finish":{"exit":%d,"seconds":%.3f}}' % (int(exitstatus), Clock.now() - self._begun))
        self._stream.end()

    def pytest_terminal_summary(self, terminalreporter):
        writer = terminalreporter._tw
        section, problems = self._analysis(writer.hasmarkup, writer.fullwidth)
        if section:
            terminalreporter.ensure_newline()
            terminalreporter.section("failscope", sep="=", bold=True)
            writer.write(section if section.endswith("\n") else section + "\n")
        for problem in problems:
            terminalreporter.ensure_newline()
            terminalreporter.write_line(problem, yellow=True)

    def pytest_unconfigure(self, config):
        # Without a terminal reporter nobody has asked for the analysis yet; the reports are written all the same.
        if self._ended:
            self._analysis(False, 80)
        self._stream.end()

    def _analysis(self, color, width):
        """The section for the terminal, and lines about what went wrong or is not done."""
        if self._handed_over or self._settings.stream is not None:
            return None, []
        self._handed_over = True
        problems = [self._lost] if self._lost else []
        if self._stream.path is None:
            return None, problems
        if self._stream.error is not None:
            problems = ["failscope: " + self._stream.error]
        if self._stream.size == 0:
            return None, problems
        try:
            section, remarks = handover.analyze(
                self._stream.path, self._settings, str(self._config.rootpath), color, width
            )
            return section, problems + remarks
        except handover.HandoverError as error:
            problem = str(error)
        except KeyboardInterrupt:
            problem = "failscope: the analysis was interrupted"
        except Exception as error:
            problem = "failscope: the analysis failed: %s: %s" % (type(error).__name__, error)
        return None, problems + [problem]


class Several(Session):
    """For tests that other processes run, several at once perhaps."""

    one_by_one = False

    def pytest_runtest_logstart(self, nodeid):
        self.write('{"begin":{"id":%s}}' % quote(nodeid))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        self._harmless(self._has_passed if report.outcome == "passed" else self._has_not_passed, report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_exception_interact(self, node, call, report):
        # A collector here, or a test in a child of pytest-forked: the record travels on the report.
        setattr(report, ATTRIBUTE, self._maker.made(report, call.excinfo, node))

    def pytest_runtest_logfinish(self, nodeid):
        for key, test in list(self._tests.items()):
            if test.nodeid == nodeid and test.ended:
                self._end(key, test, None)

    def _key(self, report):
        # With `--dist=each` every worker runs every test, and their reports come mixed.
        return report.nodeid, _worker(report)


class Taker:
    """Takes records off the reports that come from other processes before other plugins write the reports down."""

    def __init__(self, session):
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        record = _taken(report)
        if record is not None:
            self._session.taken[id(report)] = report, record


class _Test:
    """What is known of a test that is running."""

    __slots__ = ("nodeid", "outcome", "setup", "call", "teardown", "worker", "reruns", "reason", "ended")

    # An error in teardown does not hide that the test itself failed, and the like.
    _RANK = {None: 0, "skipped": 1, "xfailed": 2, "xpassed": 2, _ERROR: 3, _FAILED: 4}

    def __init__(self, nodeid):
        self.nodeid = nodeid
        self.outcome = None
        self.setup = self.call = self.teardown = 0.0
        self.worker = None
        self.reruns = 0
        self.reason = None
        #: Whether the report of its teardown has come, which is always the last.
        self.ended = False

    def pass_phase(self, when, seconds):
        if when == "setup":
            self.setup = seconds
        elif when == "call":
            self.call = seconds
        else:
            self.teardown = seconds

    def settle(self, outcome):
        if self._RANK[outcome] > self._RANK[self.outcome]:
            self.outcome = outcome


def _taken(report):
    """The record that came with the report, which is taken off it."""
    record = getattr(report, ATTRIBUTE, None)
    if record is not None:
        delattr(report, ATTRIBUTE)
    return record


def _worker(report):
    """The xdist worker that a report came from."""
    node = getattr(report, "node", None)
    if node is None:
        return None
    return getattr(getattr(node, "gateway", None), "id", None) or getattr(report, "worker_id", None)



def _skip_reason(report):
    longrepr = report.longrepr
    if isinstance(longrepr, tuple) and len(longrepr) == 3:
        reason = str(longrepr[2])
        return reason[9:] if reason.startswith("Skipped: ") else reason
    return str(longrepr)[:1000] if longrepr else None
