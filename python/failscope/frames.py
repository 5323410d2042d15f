"""Exceptions as JSON, from the live objects: the chain, the frames, the values of the project's own frames."""

import linecache
import os
import sys
from itertools import islice

from .stream import Clock, quote
from .values import cut, type_name

#: Frames kept of one exception: the outermost and the innermost.
OUTER_FRAMES = 10
INNER_FRAMES = 50
#: Project frames, from the innermost, whose values are kept, values of one frame, and characters of a value.
VALUE_FRAMES = 8
VALUES = 40
VALUE_LENGTH = 1000
#: Characters of values of one failure, and seconds spent on them.
ALL_VALUES_LENGTH = 100_000
SECONDS = 0.5
#: Exceptions in one chain, members of one group, and levels of groups.
CHAIN = 20
MEMBERS = 20
GROUPS = 4
MESSAGE_LENGTH = 50_000

#: `@py_assert1` and the like are pytest's own.
_NOT_THEIRS = ("@", "__")
_HIDDEN_TYPES = (type(sys), type, type(lambda: 0), type(len))


class Describer:
    """Describes exceptions. ``root`` is the folder whose code is the project's own."""

    def __init__(self, root, shower):
        self._root = os.path.join(os.path.realpath(root), "")
        self._given_root = os.path.join(root, "")
        self._shower = shower
        self._files = {}
        self._tools = _tool_folders()

    def chain(self, error, operands=None, project_only=False):
        """The exceptions that led to ``error``, first cause first, as JSON: see ``Exception`` in the schema.

        ``operands`` is asked for the comparison that the message of ``error`` tells of. With ``project_only`` the
        frames of ``error`` are left out if none of them is of the project.
        """
        return self._chain(error, _Budget(), 0, set(), operands, project_only)

    # JSON is put together piece by piece, here and in :mod:`.record`: objects that a serialiser would have to walk
    # once more cost as much again, and count towards the next garbage collection.

    def _chain(self, error, budget, level, seen, operands=None, project_only=False):
        links = []
        link = "last"
        while error is not None and id(error) not in seen and len(links) < CHAIN:
            seen.add(id(error))
            links.append((error, link))
            if error.__cause__ is not None:
                error, link = error.__cause__, "cause"
            elif error.__context__ is not None and not error.__suppress_context__:
                error, link = error.__context__, "context"
            else:
                error = None
        # The last exception is described first: the budget for values is best spent on it.
        found = []
        for error, link in links:
            found.append(self._exception(error, link, budget, level, seen, operands, project_only))
            operands = None
            project_only = False
        found.reverse()
        return "[%s]" % ",".join(found)

    def _exception(self, error, link, budget, level, seen, operands, project_only):
        message = self._message(error)
        frames, of_project = self._frames(error.__traceback__, budget)
        if isinstance(error, SyntaxError) and error.filename:
            # Below the import it is the compiler that speaks.
            file = self._file(error.filename)
            del frames[of_project:]
            frames.append(self._syntax_frame(error, file))
            of_project = of_project or file.in_project
            message = cut(str(error.msg), MESSAGE_LENGTH)
        described = '{"type":%s,"message":%s,"link":"%s","frames":[%s]' % (
            quote(qualified_name(type(error))),
            quote(message),
            link,
            "" if project_only and not of_project else ",".join(frames),
        )
        if operands is not None:
            comparison = operands(error, message)
            if comparison is not None:
                described += ',"operands":' + comparison
        notes = error.__dict__.get("__notes__")
        if isinstance(notes, list):
            notes = [quote(cut(note, 5000)) for note in notes[:20] if isinstance(note, str)]
            described += ',"notes":[%s]' % ",".join(notes)
        members = _members(error)
        if members and level < GROUPS:
            described += ',"group":[%s]' % ",".join(
                self._chain(member, budget, level + 1, seen)
                for member in members[:MEMBERS]
                if isinstance(member, BaseException)
            )
        return described + "}"

    def _message(self, error):
        try:
            return cut(str(error), MESSAGE_LENGTH)
        except BaseException as problem:
            return "<%s in the str of %s>" % (type(problem).__name__, type_name(type(error)))

    def _frames(self, traceback, budget):
        """The frames, and how many there are up to the last one of the project."""
        entries = []
        files = self._files
        first = None
        while traceback is not None:
            frame = traceback.tb_frame
            file = files.get(frame.f_code.co_filename) or self._file(frame.f_code.co_filename)
            if not file.hidden and not _hides_itself(frame):
                if first is None and file.in_project:
                    first = len(entries)
                entries.append((traceback, frame, file))
            traceback = traceback.tb_next
        # What lies before the project's first frame is how pytest and its plugins got there.
        if first:
            del entries[:first]
        if len(entries) > OUTER_FRAMES + INNER_FRAMES:
            entries = entries[:OUTER_FRAMES] + entries[-INNER_FRAMES:]
        described = []
        of_project = 0
        with_values = VALUE_FRAMES
        for traceback, frame, file in reversed(entries):
            shown = self._frame(traceback, frame, file)
            if file.in_project:
                of_project = of_project or len(entries) - len(described)
                if with_values:
                    with_values -= 1
                    values = self._values(frame, budget)
                    if values:
                        shown += ',"locals":[%s]' % ",".join(values)
            described.append(shown + "}")
        described.reverse()
        return described, of_project

    def _frame(self, traceback, frame, file):
        """Without the brace at the end."""
        code = frame.f_code
        line = traceback.tb_lineno or 0
        shown = '{"path":%s,"line":%d,"function":%s' % (file.quoted, line, quote(getattr(code, "co_qualname", code.co_name)))
        source = linecache.getline(code.co_filename, line) if line else ""
        if source:
            shown += ',"source":' + quote(cut(source.strip(), 1000))
            span = _span(code, traceback.tb_lasti, line, source)
            if span:
                shown += ',"span":[%d,%d,%d]' % span
        return shown

    def _syntax_frame(self, error, file):
        line = error.lineno or 0
        shown = '{"path":%s,"line":%d' % (file.quoted, line)
        if isinstance(error.text, str) and error.text.strip():
            shown += ',"source":' + quote(cut(error.text.strip(), 1000))
        column, end_line, end = error.offset, getattr(error, "end_lineno", None), getattr(error, "end_offset", None)
        if column and column > 0 and end_line and end and (end_line > line or end > column):
            shown += ',"span":[%d,%d,%d]' % (end_line, column, end)
        return shown + "}"

    def _values(self, frame, budget):
        shown = []
        scope = frame.f_locals
        show = self._shower.show
        at_module_level = frame.f_code.co_name == "<module>"
        for name, value in islice(list(scope.items()), 400):
            if type(name) is not str or name.startswith(_NOT_THEIRS):
                continue
            kind = type(value)
            if kind in _HIDDEN_TYPES or (at_module_level and issubclass(kind, type)):
                continue
            if len(shown) == VALUES or budget.room <= 0 or Clock.now() > budget.deadline:
                break
            text = show(value, VALUE_LENGTH, budget.deadline)
            budget.room -= len(text)
            shown.append("[%s,%s,%s]" % (quote(name), quote(text), quote(type_name(kind))))
        return shown

    def place(self, filename):
        """The path as it is recorded: relative to the root where it is below it, ``/``-separated."""
        return self._file(filename).shown

    def wanted(self, filename):
        """Whether the code of this file is the project's own."""
        return self._file(filename).in_project

    def _file(self, filename):
        known = self._files.get(filename)
        if known is None:
            known = self._files[filename] = self._look_up(filename)
        return known

    def _look_up(self, filename):
        if filename.startswith("<"):
            return _File(filename, False, filename.startswith("<frozen importlib"))
        path = os.path.abspath(filename)
        relative = None
        for root in (self._given_root, self._root):
            if path.startswith(root):
                relative = path[len(root) :]
        hidden = any(path.startswith(folder) for folder in self._tools)
        if relative is None:
            return _File(path.replace(os.sep, "/"), False, hidden)
        parts = relative.split(os.sep)
        installed = (
            "site-packages" in parts
            or "dist-packages" in parts
            or ".tox" in parts
            or ".nox" in parts
            or (path.startswith(os.path.join(sys.prefix, "")) and sys.prefix != self._given_root.rstrip(os.sep))
        )
        return _File("/".join(parts), not installed, hidden)


class _File:
    __slots__ = ("shown", "quoted", "in_project", "hidden")

    def __init__(self, shown, in_project, hidden):
        self.shown = shown
        self.quoted = quote(shown)
        self.in_project = in_project and not hidden
        self.hidden = hidden


class _Budget:
    __slots__ = ("room", "deadline")

    def __init__(self):
        self.room = ALL_VALUES_LENGTH
        self.deadline = Clock.now() + SECONDS


def qualified_name(kind):
    """The name of an exception's type as Python prints it: with its module unless that is built in."""
    module = getattr(kind, "__module__", None)
    name = type_name(kind)
    if not isinstance(module, str) or module in ("builtins", "__main__"):
        return name
    return module + "." + name


def _members(error):
    """The members of an exception group, of Python's or the back-port's."""
    kind = type(error)
    if kind.__module__ == "builtins" and not kind.__name__.endswith("Group"):
        return ()
    if not any(base.__name__ == "BaseExceptionGroup" for base in kind.__mro__):
        return ()
    members = getattr(error, "exceptions", ())
    return members if isinstance(members, (tuple, list)) else ()


def _hides_itself(frame):
    """Whether the frame asks test runners to leave it out (``__tracebackhide__``, ``__unittest``)."""
    if "__unittest" in frame.f_globals:
        return True
    return "__tracebackhide__" in frame.f_code.co_varnames and frame.f_locals.get("__tracebackhide__") is True


def _span(code, last_instruction, line, source):
    """Last line, first column and end column of what was being evaluated; Python 3.11 and later know."""
    positions = getattr(code, "co_positions", None)
    if positions is None or last_instruction < 0:
        return None
    found = next(islice(positions(), last_instruction // 2, None), None)
    if found is None or None in found or found[0] != line:
        return None
    _, end_line, start, end = found
    last = source if end_line == line else linecache.getline(code.co_filename, end_line)
    if source.isascii() and last.isascii():
        return end_line, start + 1, end + 1
    # Python counts bytes of UTF-8.
    first_column = len(source.encode()[:start].decode("utf-8", "replace")) + 1
    end_column = len(last.encode()[:end].decode("utf-8", "replace")) + 1
    return end_line, first_column, end_column


def _tool_folders():
    """Folders of code that every traceback goes through and none is about."""
    folders = []
    for name in ("_pytest", "pluggy", "importlib"):
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if file:
            folders.append(os.path.join(os.path.dirname(os.path.abspath(file)), ""))
    folders.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ""))
    return tuple(folders)
