"""Watching what the project's code does while one test runs: which lines, and for tests that are to be followed
closely every step with its values. Two ways with one result: ``sys.monitoring`` from Python 3.12 on, a trace
function that is installed in the project's frames only before.
"""

import dis
import sys
import threading
from collections import deque
from threading import get_ident

from .stream import Clock
from .values import Shower, type_name

#: Numbers in one part of the steps, and parts that are kept: the last ones, which lead to the failure.
PART = 20_000
PARTS = 15
#: Values of one test, characters of one, and seconds spent on showing them.
VALUES = 20_000
VALUE_LENGTH = 160
SECONDS = 1.0
#: Arguments shown of one call.
ARGUMENTS = 8

#: What negative numbers among the steps mean; a positive one is a line of the function that runs.
CALL, RETURN, YIELD, RESUME, UNWIND = -1, -2, -3, -4, -5

# CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR
_PAUSES = 0x20 | 0x80 | 0x200


class Brief(Shower):
    """Shows values without running any code of the project: that could change what is being watched."""

    def _guarded(self, value, kind, name, deadline):
        return "<%s>" % name


class Steps:
    """The steps of one test, in parts of which the last are kept."""

    def __init__(self, codes):
        self._codes = codes
        self._shower = Brief()
        self._deadline = None
        self._known = {}
        self.values = []
        self.parts = deque(maxlen=PARTS)
        self.cut = False
        self.frames = 0
        #: Frames that run: (number, index of the code, code).
        self.stack = []
        #: Frames that have paused, by the identity of the frame object.
        self.paused = {}
        self.busy = False
        self.ints = []
        self.thread = get_ident()
        self.begin_part()

    def begin_part(self):
        if len(self.parts) == PARTS:
            self.cut = True
        self.ints = []
        self.parts.append(
            {"next": self.frames, "stack": [[number, code] for number, code, _ in self.stack], "steps": self.ints}
        )

    def call(self, code, index, frame):
        if len(self.ints) > PART:
            self.begin_part()
        self.stack.append((self.frames, index, code))
        self.frames += 1
        count = min(code.co_argcount + code.co_kwonlyargcount, ARGUMENTS)
        self.ints += (CALL, index, count)
        if count:
            scope = frame.f_locals
            for name in code.co_varnames[:count]:
                self.ints.append(self.value(scope.get(name)))

    def line(self, code, number):
        stack = self.stack
        if not stack or stack[-1][2] is not code:
            self.enter(code)
        if len(self.ints) > PART:
            self.begin_part()
        self.ints.append(number)

    def enter(self, code):
        """A frame goes on whose beginning was not seen, or others have ended unseen."""
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth][2] is code:
                while len(self.stack) > depth + 1:
                    self.stack.pop()
                    self.ints.append(UNWIND)
                return
        index = self._codes(code)
        self.stack.append((self.frames, index, code))
        self.frames += 1
        self.ints += (CALL, index, 0)

    def leave(self, code, value):
        if self.stack and self.stack[-1][2] is code:
            self.stack.pop()
            self.ints += (RETURN, self.value(value))

    def unwind(self, code):
        if self.stack and self.stack[-1][2] is code:
            self.stack.pop()
            self.ints.append(UNWIND)

    def pause(self, code, frame, value):
        if self.stack and self.stack[-1][2] is code:
            number, index, _ = self.stack.pop()
            self.paused[id(frame)] = (number, index)
            self.ints += (YIELD, self.value(value))

    def resume(self, code, frame):
        known = self.paused.pop(id(frame), None)
        if known is None:
            number, index = self.frames, self._codes(code)
            self.frames += 1
        else:
            number, index = known
        if len(self.ints) > PART:
            self.begin_part()
        self.stack.append((number, index, code))
        self.ints += (RESUME, number, index)

    def value(self, value):
        """The number of a value's text; 0 if there is none."""
        if value is None:
            text = "None"
        elif len(self.values) >= VALUES:
            return 0
        else:
            now = Clock.now()
            if self._deadline is None:
                self._deadline = now + SECONDS
            elif now > self._deadline:
                return 0
            self.busy = True
            try:
                text = self._shower.show(value, VALUE_LENGTH, self._deadline)
            except Exception:
                text = "<%s>" % type_name(type(value))
            finally:
                self.busy = False
        known = self._known.get(text)
        if known is None:
            self.values.append(text)
            known = self._known[text] = len(self.values)
        return known


class Watch:
    """What both ways share. ``wanted`` says of a file whether it is the project's."""

    def __init__(self, wanted):
        self._wanted = wanted
        self._files = {}
        #: Lines seen of each code, by its identity: (code, lines or ``None`` if it is not the project's).
        self.seen = {}
        self.codes = []
        self._indices = {}
        self.steps = None
        #: What runs now is pytest's doing and no part of the test.
        self.quiet = False

    def begin(self, closely):
        self.quiet = False
        self.seen = {}
        self.codes = []
        self._indices = {}
        self.steps = Steps(self.index) if closely else None
        self.start(closely)

    def end(self):
        self.stop()

    def hold(self, quiet=True):
        """What follows does not lead to the failure: its phase is over, or pytest describes it."""
        self.quiet = quiet
        if self.steps is not None:
            self.steps.busy = quiet

    def look(self, code):
        filename = code.co_filename
        known = self._files.get(filename)
        if known is None:
            known = self._files[filename] = self._wanted(filename)
        lines = set() if known else None
        self.seen[id(code)] = (code, lines)
        return lines

    def index(self, code):
        known = self._indices.get(id(code))
        if known is None:
            known = self._indices[id(code)] = len(self.codes)
            self.codes.append(code)
        return known

    def lines(self):
        """Lines by file."""
        found = {}
        for code, lines in self.seen.values():
            if lines:
                found.setdefault(code.co_filename, set()).update(lines)
        return found


class Monitoring(Watch):
    """By ``sys.monitoring``. A line that was seen is not reported again during the same test, unless every step
    is wanted."""

    def __init__(self, wanted):
        super().__init__(wanted)
        monitoring = self._monitoring = sys.monitoring
        events = monitoring.events
        self._tool = next(number for number in (4, 3, 0, 2, 5) if monitoring.get_tool(number) is None)
        self._lines = events.LINE
        self._all = (
            events.LINE | events.PY_START | events.PY_RETURN | events.PY_YIELD | events.PY_RESUME | events.PY_UNWIND
        )
        if hasattr(events, "PY_THROW"):
            self._all |= events.PY_THROW

    def start(self, closely):
        monitoring, events, tool = self._monitoring, self._monitoring.events, self._tool
        monitoring.use_tool_id(tool, "failscope")
        disable = monitoring.DISABLE
        seen, look, steps = self.seen, self.look, self.steps

        def lines_of(code):
            known = seen.get(id(code))
            return look(code) if known is None else known[1]

        def line(code, number):
            known = seen.get(id(code))
            lines = look(code) if known is None else known[1]
            if lines is not None:
                if self.quiet:
                    return None
                lines.add(number)
            return disable

        def step(code, number):
            known = seen.get(id(code))
            lines = look(code) if known is None else known[1]
            if lines is None:
                return disable
            if not steps.busy and get_ident() == steps.thread:
                lines.add(number)
                steps.line(code, number)

        def begin(code, offset):
            if lines_of(code) is None:
                return disable
            if not steps.busy and get_ident() == steps.thread:
                steps.call(code, self.index(code), sys._getframe(1))

        def leave(code, offset, value):
            if lines_of(code) is None:
                return disable
            if not steps.busy and get_ident() == steps.thread:
                steps.leave(code, value)

        def pause(code, offset, value):
            if lines_of(code) is None:
                return disable
            if not steps.busy and get_ident() == steps.thread:
                steps.pause(code, sys._getframe(1), value)

        def resume(code, offset):
            if lines_of(code) is None:
                return disable
            if not steps.busy and get_ident() == steps.thread:
                steps.resume(code, sys._getframe(1))

        def throw(code, offset, error):
            if lines_of(code) is not None and not steps.busy and get_ident() == steps.thread:
                steps.resume(code, sys._getframe(1))

        def unwind(code, offset, error):
            if lines_of(code) is not None and not steps.busy and get_ident() == steps.thread:
                steps.unwind(code)

        callbacks = (
            {
                events.LINE: step,
                events.PY_START: begin,
                events.PY_RETURN: leave,
                events.PY_YIELD: pause,
                events.PY_RESUME: resume,
                events.PY_THROW: throw,
                events.PY_UNWIND: unwind,
            }
            if closely
            else {events.LINE: line}
        )
        for event, callback in callbacks.items():
            monitoring.register_callback(tool, event, callback)
        self._events = tuple(callbacks)
        # What an earlier test has seen is to be seen again.
        monitoring.restart_events()
        monitoring.set_events(tool, self._all if closely else self._lines)

    def stop(self):
        monitoring, tool = self._monitoring, self._tool
        monitoring.set_events(tool, 0)
        for event in self._events:
            monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)


class Tracing(Watch):
    """By a trace function. For lines alone, what repeats itself is not watched for ever: a function all of whose lines
    have been seen; one that has shown no new line for ``ENOUGH`` calls of the same test, but for the 128th, 256th, …;
    and what follows in a call after ``LINES`` lines that are not new."""

    ENOUGH, LINES = 64, 500

    def __init__(self, wanted):
        super().__init__(wanted)
        #: By the identity of a code: (code, the number of its lines).
        self._totals = {}

    def _total(self, code):
        known = self._totals.get(id(code))
        if known is None:
            lines = {line for _, line in dis.findlinestarts(code) if line}
            if len(lines) > 1:
                # That of `def` is never reported.
                lines.discard(code.co_firstlineno)
            known = self._totals[id(code)] = (code, len(lines))
        return known[1]

    def start(self, closely):
        self._before = sys.gettrace()
        trace = self._closely() if closely else self._lines()
        threading.settrace(trace)
        sys.settrace(trace)

    def stop(self):
        sys.settrace(self._before)
        threading.settrace(self._before)

    def _lines(self):
        look, total = self.look, self._total
        enough, many = self.ENOUGH, self.LINES
        #: By the identity of a code, ``None`` if it is not followed (any more): [calls until it is followed again, its
        #: lines so far, the number of all, the function to trace it with, how many it had when a call last showed a
        #: new one, how many calls have shown none since, how many lines of this call were not new].
        ways = {}

        def follow(code):
            lines = look(code)
            if lines is None:
                return None
            way = [1, lines, total(code), None, 0, 0, 0]

            def step(frame, event, argument):
                if event == "line":
                    number = frame.f_lineno
                    if number in lines:
                        way[6] += 1
                        if way[6] > many:
                            frame.f_trace_lines = False
                    elif not self.quiet:
                        lines.add(number)
                        way[6] = 0
                return step

            way[3] = step
            return way

        def begin(frame, event, argument):
            # For each call of any function: as little as can be.
            try:
                way = ways[id(frame.f_code)]
            except KeyError:
                way = ways[id(frame.f_code)] = follow(frame.f_code)
            if way is None:
                return None
            left = way[0] - 1
            if left:
                way[0] = left
                return None
            known = len(way[1])
            if known >= way[2]:
                ways[id(frame.f_code)] = None
                return None
            if known != way[4]:
                way[4], way[5] = known, 0
            else:
                way[5] += 1
                if way[5] >= enough:
                    # Again when there have been twice as many.
                    way[0], way[5] = way[5], 2 * way[5] - 1
            way[6] = 0
            frame.f_trace_lines = True
            return way[3]

        return begin

    def _closely(self):
        seen, look, steps, index = self.seen, self.look, self.steps, self.index
        raised = [None]

        def begin(frame, event, argument):
            code = frame.f_code
            known = seen.get(id(code))
            lines = look(code) if known is None else known[1]
            if lines is None or steps.busy or get_ident() != steps.thread:
                return None
            if code.co_flags & _PAUSES and id(frame) in steps.paused:
                steps.resume(code, frame)
            else:
                steps.call(code, index(code), frame)
            return step

        def step(frame, event, argument):
            if steps.busy:
                return step
            code = frame.f_code
            if event == "line":
                raised[0] = None
                number = frame.f_lineno
                seen[id(code)][1].add(number)
                steps.line(code, number)
            elif event == "exception":
                raised[0] = frame
            elif event == "return":
                if argument is None and raised[0] is frame:
                    # Left by the exception: its caller sees an event of its own.
                    raised[0] = None
                    steps.unwind(code)
                elif code.co_flags & _PAUSES and _pauses(frame):
                    steps.pause(code, frame, argument)
                else:
                    steps.leave(code, argument)
            return step

        return begin


def _pauses(frame):
    """Whether a generator or coroutine that gives back control will go on: it stands at a ``yield``."""
    import opcode

    code, last = frame.f_code.co_code, frame.f_lasti
    if not 0 <= last < len(code):
        return False
    return opcode.opname[code[last]] not in ("RETURN_VALUE", "RETURN_CONST")


def watch(wanted):
    """The way that fits this Python."""
    return Monitoring(wanted) if hasattr(sys, "monitoring") else Tracing(wanted)
