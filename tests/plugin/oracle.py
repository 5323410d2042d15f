"""A pytest plugin that lists what failed, from pytest's hooks and knowing nothing of Failscope: the truth that
recorded streams are compared with. Writes to the file that ``TRUTH`` names."""

import json
import os

import pytest

FAILED = []
ENDED = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.excinfo is not None:
        outcome.get_result().oracle_type = call.excinfo.typename


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    outcome = yield
    report = outcome.get_result()
    call = getattr(report, "call", None)
    if call is not None and call.excinfo is not None:
        report.oracle_type = call.excinfo.typename


def pytest_runtest_logreport(report):
    context = getattr(report, "context", None)
    subtest = None
    if context is not None:
        subtest = [context.msg, {name: str(value).strip("'") for name, value in dict(context.kwargs).items()}]
    if report.outcome == "failed":
        phase = "call" if report.when not in ("setup", "teardown") else report.when
        FAILED.append([report.nodeid, phase, subtest, getattr(report, "oracle_type", None)])
    elif subtest is None:
        outcomes = ENDED.setdefault(report.nodeid, [])
        outcomes.append(("x" if hasattr(report, "wasxfail") else "") + report.outcome)


def pytest_collectreport(report):
    if report.outcome == "failed":
        FAILED.append([report.nodeid, "collect", None, getattr(report, "oracle_type", None)])


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        with open(os.environ["TRUTH"], "w", encoding="utf-8") as file:
            json.dump({"failed": FAILED, "ended": ENDED}, file)
