"""Values as text, whatever they are: bounded in length, depth and time, and never raising.

Built-in containers are walked here, so that one bad element does not hide the others. Code of the project is
only run as ``repr`` would run it, and stopped when it takes too long.
"""

import signal
import sys
from collections import deque
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

from .stream import Clock

#: Elements shown of one container, and levels of nesting.
ELEMENTS = 30
#: More characters than this leave room for more elements.
ROOMY = 1000
DEPTH = 5
#: Seconds that one user-defined ``__repr__`` may take.
PATIENCE = 0.1
#: An integer of more bits is not written out: the conversion takes quadratic time.
INTEGER_BITS = 8192

#: Types whose `repr` is short and runs no code.
_PLAIN = {type(None), bool, float}
#: So are those of integers below this.
_SMALL = 1 << 60
_BRACKETS = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    deque: ("deque([", "])"),
}


class _TooSlow(BaseException):
    """Raised inside a ``__repr__`` that ran out of time; no ``except Exception`` catches it."""


class Shower:
    """Shows values. Types whose ``repr`` was too slow once are not asked again."""

    def __init__(self):
        self._slow = set()
        self._elements = ELEMENTS

    def show(self, value, limit, deadline=None):
        """``repr(value)``, with ``…`` where something was left out, in at most ``limit`` characters or so."""
        kind = type(value)
        if kind in _PLAIN or (kind is int and -_SMALL < value < _SMALL):
            return repr(value)
        if deadline is None:
            deadline = Clock.now() + 1.0
        # Where there is much room, what makes two long values differ shall have its place.
        self._elements = max(ELEMENTS, limit // 4 if limit > ROOMY else 0)
        try:
            text = self._show(value, kind, limit, DEPTH, deadline)
        except RecursionError:
            text = "<nested too deeply>"
        except Exception as error:
            # Metaclasses may answer what is asked of their classes with anything.
            text = "<%s while showing %s>" % (type(error).__name__, type_name(kind))
        return text if len(text) <= limit else cut(text, limit)

    def _show(self, value, kind, room, depth, deadline):
        if kind in _PLAIN:
            return repr(value)
        if kind is str or kind is bytes:
            if len(value) <= room:
                return repr(value)
            return repr(value[: room // 2]) + "…" + repr(value[-(room // 4) :])
        if kind is int:
            bits = value.bit_length()
            return repr(value) if bits <= INTEGER_BITS else "<int of %d bits>" % bits
        if kind in _BRACKETS:
            opening, closing = _BRACKETS[kind]
            if not value and kind in (set, frozenset):
                return kind.__name__ + "()"
            if depth == 0:
                return opening + "…" + closing
            if kind in (set, frozenset):
                return self._set(value, room, depth, deadline, opening, closing)
            parts = self._parts(value, len(value), room, depth, deadline)
            if kind is tuple and len(value) == 1:
                closing = "," + closing
            return opening + parts + closing
        if kind is dict:
            if depth == 0:
                return "{…}"
            return "{" + self._parts(value.items(), len(value), room, depth, deadline, pairs=True) + "}"
        if kind in (FunctionType, BuiltinFunctionType, MethodType):
            # Without the address that `repr` shows: it differs in every run.
            return "<%s %s>" % (kind.__name__, getattr(value, "__qualname__", "?"))
        return self._object(value, kind, room, depth, deadline)

    def _parts(self, items, count, room, depth, deadline, pairs=False):
        parts = []
        depth -= 1
        # Copied, since a `repr` may change the container.
        for item in tuple(islice(items, self._elements)):
            text = ""
            if pairs:
                key, item = item
                text = self._show(key, type(key), min(room, 200), depth, deadline) + ": "
            kind = type(item)
            if kind in _PLAIN or (kind is int and -_SMALL < item < _SMALL):
                text += repr(item)
            else:
                text += self._show(item, kind, room, depth, deadline)
            parts.append(text)
            room -= len(text) + 2
            if room <= 0:
                break
        if len(parts) < count:
            parts.append("… %d more" % (count - len(parts)))
        return ", ".join(parts)

    def _set(self, value, room, depth, deadline, opening, closing):
        # The order of a set differs from run to run; text that does would hide that two failures are one.
        parts = sorted(
            self._show(item, type(item), 200, depth - 1, deadline) for item in tuple(islice(value, 4 * self._elements))
        )
        kept = []
        for text in parts[: self._elements]:
            kept.append(text)
            room -= len(text) + 2
            if room <= 0:
                break
        if len(kept) < len(value):
            kept.append("… %d more" % (len(value) - len(kept)))
        return opening + ", ".join(kept) + closing

    def _object(self, value, kind, room, depth, deadline):
        name = type_name(kind)
        if kind in self._slow:
            return "<%s: its repr is too slow>" % name
        if issubclass(kind, (type, ModuleType)):
            return self._guarded(value, kind, name, deadline)
        method = getattr(kind, "__repr__", None)
        if method is object.__repr__:
            fields = _instance_dict(value)
            if not fields or depth == 0:
                return "<%s object>" % name
            shown = self._fields(islice(fields.items(), ELEMENTS), room, depth, deadline)
            return "<%s object: %s>" % (name, shown)
        if "__dataclass_fields__" in kind.__dict__ and hasattr(method, "__wrapped__") and depth > 0:
            # The generated repr would call the fields' own reprs without any limit.
            fields = _instance_dict(value)
            if fields is not None:
                names = (
                    field.name for field in kind.__dataclass_fields__.values() if field.repr and field.name in fields
                )
                shown = self._fields(((field, fields[field]) for field in names), room, depth, deadline)
                return "%s(%s)" % (kind.__qualname__, shown)
        return self._guarded(value, kind, name, deadline)

    def _fields(self, items, room, depth, deadline):
        parts = []
        for key, item in items:
            text = "%s=%s" % (key, self._show(item, type(item), room, depth - 1, deadline))
            parts.append(text)
            room -= len(text) + 2
            if room <= 0:
                parts.append("…")
                break
        return ", ".join(parts)

    def _guarded(self, value, kind, name, deadline):
        """``repr(value)``, ended by a trace function when it has run for too long in Python code."""
        start = Clock.now()
        if start >= deadline:
            return "<%s: not shown, out of time>" % name
        end = min(deadline, start + PATIENCE)
        steps = 0

        def trace(frame, event, argument):
            nonlocal steps
            steps += 1
            if steps & 15 == 0 and Clock.now() > end:
                raise _TooSlow
            return trace

        # A debugger must keep its own trace function.
        watched = "pydevd" not in sys.modules
        previous = sys.gettrace() if watched else None
        alarm = _Alarm(PATIENCE * 1.5)
        try:
            try:
                if watched:
                    sys.settrace(trace)
                text = repr(value)
            finally:
                if watched:
                    sys.settrace(previous)
                alarm.off()
        except _TooSlow:
            alarm.off()  # It may have rung just before it was put off.
            self._slow.add(kind)
            return "<%s: its repr is too slow>" % name
        except BaseException as error:  # Whatever a repr raises belongs to it, not to the run.
            return "<%s in the repr of %s>" % (type(error).__name__, name)
        if Clock.now() - start > PATIENCE:
            self._slow.add(kind)
        return text


class _Alarm:
    """Raises :class:`_TooSlow` in a ``repr`` that waits outside of Python code, for a lock for instance: where there is
    such a signal, in the main thread, and unless somebody else uses it."""

    def __init__(self, seconds):
        self._on = False
        try:
            if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL and not signal.getitimer(signal.ITIMER_REAL)[0]:
                signal.signal(signal.SIGALRM, self._ring)
                self._on = True
                signal.setitimer(signal.ITIMER_REAL, seconds)
        except (AttributeError, ValueError):
            pass

    def _ring(self, number, frame):
        if self._on:
            raise _TooSlow

    def off(self):
        if self._on:
            self._on = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)


def cut(text, limit):
    """``text`` in at most ``limit`` characters: the beginning and the end."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return text[: limit - tail - 1] + "…" + text[-tail:]


def type_name(kind):
    """The name of a type, without its module."""
    try:
        return str(type.__getattribute__(kind, "__qualname__"))
    except Exception:
        return "?"


def _instance_dict(value):
    """The instance's own attributes, without running any code of its class."""
    try:
        fields = object.__getattribute__(value, "__dict__")
    except Exception:
        return None
    return fields if type(fields) is dict else None
