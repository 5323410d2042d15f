"""Values as text: whatever a repr does, nothing worse happens than a placeholder."""

import dataclasses
import gc
import sys
import weakref

import pytest
from support import TREE

sys.path.insert(0, str(TREE / "python"))

from failscope.values import Shower  # noqa: E402


class Raises:
    def __repr__(self):
        raise RuntimeError("no")


class Exits:
    def __repr__(self):
        raise SystemExit(3)


class Loops:
    asked = 0

    def __repr__(self):
        Loops.asked += 1
        while True:
            try:
                for _ in range(10):
                    pass
            except Exception:
                pass


class Huge:
    def __repr__(self):
        return "h" * 50_000_000


class NotText:
    def __repr__(self):
        return 7


class Plain:
    def __init__(self):
        self.a = 1
        self.bad = Raises()


class Slots:
    __slots__ = ("a",)


class Watching:
    """Notices every attribute that is looked up."""

    seen = []

    def __getattribute__(self, name):
        Watching.seen.append(name)
        return object.__getattribute__(self, name)


@dataclasses.dataclass
class Point:
    x: int
    y: object
    secret: str = dataclasses.field(default="s", repr=False)


class Lying:
    @property
    def __class__(self):
        raise RuntimeError("no class")


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


RECURSIVE = [1]
RECURSIVE.append(RECURSIVE)

ROWS = [
    (None, "None"),
    (3, "3"),
    (1.5, "1.5"),
    ("a'b", '"a\'b"'),
    ((1,), "(1,)"),
    ((), "()"),
    (set(), "set()"),
    ({"b", "a"}, "{'a', 'b'}"),
    (frozenset({2, 1}), "frozenset({1, 2})"),
    ({"k": [1, (2, 3)]}, "{'k': [1, (2, 3)]}"),
    (Raises(), "<RuntimeError in the repr of Raises>"),
    ([1, Raises(), 2], "[1, <RuntimeError in the repr of Raises>, 2]"),
    (Exits(), "<SystemExit in the repr of Exits>"),
    (NotText(), "<TypeError in the repr of NotText>"),
    (Plain(), "<Plain object: a=1, bad=<RuntimeError in the repr of Raises>>"),
    (Slots(), "<Slots object>"),
    (Point(1, [2]), "Point(x=1, y=[2])"),
    (10**5000, "<int of 16610 bits>"),
    (list(range(100)), "[" + ", ".join(map(str, range(30))) + ", … 70 more]"),
    (nested(9), "[[[[[[…]]]]]]"),
    (len, "<builtin_function_or_method len>"),
]


@pytest.mark.parametrize("value, expected", ROWS, ids=lambda value: "")
def test_shown(value, expected):
    assert Shower().show(value, 1000) == expected


@pytest.mark.parametrize("value", [Huge(), "x" * 10**7, b"y" * 10**7, ["z" * 1000] * 1000, RECURSIVE, nested(100_000)])
def test_bounded(value):
    assert len(Shower().show(value, 500)) <= 500


def test_a_repr_that_never_ends_is_ended_and_not_asked_again():
    shower = Shower()
    before = sys.gettrace()
    assert shower.show(Loops(), 100) == "<Loops: its repr is too slow>"
    assert shower.show([Loops()] * 20, 10_000).count("too slow") == 20
    assert Loops.asked == 1
    assert sys.gettrace() is before


def test_no_attribute_is_looked_up():
    value = Watching()
    Watching.seen.clear()
    assert Shower().show(value, 100) == "<Watching object>"
    assert Watching.seen == []
    assert Shower().show(Lying(), 100) == "<Lying object>"


def test_nothing_is_kept_alive():
    value = Point(1, 2)
    reference = weakref.ref(value)
    Shower().show(value, 100)
    del value
    gc.collect()
    assert reference() is None
