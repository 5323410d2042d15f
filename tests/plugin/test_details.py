"""What is recorded of one failure, to the last detail."""

import sys

import pytest
from support import pytest_of, run

CONFTEST = """
import failscope.frames
import pytest

# A machine that is busy must not leave too little time for values.
failscope.frames.SECONDS = 60


@pytest.fixture(scope="module")
def stock():
    return {"apples": 3}


@pytest.fixture
def order(stock):
    yield [("apples", 2)]
    print("order is closed")
"""
TEST = """
import sys

import pytest


class Loops:
    def __repr__(self):
        while True:
            pass


class Raises:
    def __repr__(self):
        raise SystemExit(9)


class Huge:
    def __repr__(self):
        return "h" * 9_000_000


def bill(order, prices):
    loops, raises, huge = Loops(), Raises(), Huge()
    return sum(prices[name] * count for name, count in order)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.5])
def test_bill(order, rate, request):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    try:
        bill(order, {})
    except KeyError as error:
        raise ValueError("no price") from error


def test_long():
    left = list(range(900))
    right = list(range(900)); right[700] = -1
    assert left == right


def test_fine():
    pass
"""


def line_of(text):
    """The line, from 1, that begins with ``text``."""
    return next(n for n, line in enumerate(TEST.splitlines(), 1) if line.strip().startswith(text))


# pytest-forked 1.7.5 ends every test of pytest 9 with an error, with or without Failscope.
@pytest.fixture(
    scope="module",
    params=[("pytest9", []), ("pytest9", ["-n2"]), ("pytest8", ["--forked"])],
    ids=["alone", "workers", "forked"],
)
def failures(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("details")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(TEST)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    version, args = request.param
    ran = run(pytest_of(version), folder, "--failscope", *args, FAILSCOPE_BIN="/nowhere")
    assert ran.exit == 1 and len(ran.failures()) == 2, ran.output
    return {failure["id"]: failure for failure in ran.failures()}


def test_a_chain_with_everything(failures):
    failure = failures["test_it.py::test_bill[0.5]"]
    assert (failure["phase"], failure["kind"], failure["headline"]) == ("call", "exception", "ValueError: no price")
    assert failure["marks"] == ["parametrize", "slow"]
    assert failure["params"] == [["rate", "0.5"]]
    # Plugins that are installed bring fixtures as well.
    assert sorted(fixture for fixture in failure["fixtures"] if fixture[2:3] == ["conftest.py"]) == [
        ["order", "function", "conftest.py", 14], ["stock", "module", "conftest.py", 9],
    ]
    assert failure["location"] == ["test_it.py", line_of("@pytest.mark.slow")]
    assert ["Captured stdout call", "to stdout\n"] in failure["sections"]
    assert ["Captured stderr call", "to stderr\n"] in failure["sections"]
    assert 0 < failure["seconds"] < 60
    cause, last = failure["exceptions"]
    assert [(e["type"], e["message"], e["link"]) for e in (cause, last)] == [
        ("KeyError", "'apples'", "cause"), ("ValueError", "no price", "last"),
    ]
    assert [(frame["path"], frame["line"]) for frame in cause["frames"][:2]] == [
        ("test_it.py", line_of("bill(order, {})")), ("test_it.py", line_of("return sum")),
    ]
    # Nothing that a `__repr__` does gets out, or takes long.
    values = {name: value for name, value, _ in cause["frames"][1]["locals"]}
    assert values["order"] == "[('apples', 2)]" and values["prices"] == "{}"
    assert values["loops"] == "<Loops: its repr is too slow>"
    assert values["raises"] == "<SystemExit in the repr of Raises>"
    assert len(values["huge"]) <= 1000
    (raising,) = last["frames"]
    assert raising["source"] == 'raise ValueError("no price") from error'


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.11 and later know what was being evaluated")
def test_the_expression_that_failed(failures):
    cause = failures["test_it.py::test_bill[0.5]"]["exceptions"][0]
    source = TEST.splitlines()[cause["frames"][-1]["line"] - 1]
    end_line, start, end = cause["frames"][-1]["span"]
    assert end_line == cause["frames"][-1]["line"]
    assert source[start - 1 : end - 1] == "prices[name]"


def test_operands_before_they_are_cut(failures):
    (error,) = failures["test_it.py::test_long"]["exceptions"]
    # pytest's own words leave the middle out.
    assert "699, 700" not in error["message"]
    operands = error["operands"]
    assert (operands["op"], operands["left_type"], operands["right_type"]) == ("==", "list", "list")
    assert operands["left"].startswith("[0, 1, 2") and operands["left"] != operands["right"], operands
