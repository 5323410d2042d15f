"""The event stream: a file of JSON lines, one write to the operating system per line.

The schema is documented in ``src/pytest/events.rs``. A reader may follow the file while it grows; a process
that is killed leaves at most its last line half-written.
"""

import json
import os
import time
import weakref
from json.encoder import encode_basestring_ascii as quote

#: Version of the schema, in the first line of every stream.
VERSION = 1
#: Streams kept in the folder, and their bytes together.
KEEP_FILES = 20
KEEP_BYTES = 256 << 20
#: A stream of this size gets failures without values and captured output; one of twice the size gets their
#: names only. The end of every test is always written.
BRIEF_BYTES = 64 << 20
#: Another run's stream is not removed while it may still be written.
YOUNG_SECONDS = 3600

__all__ = ["Stream", "quote", "dumps", "VERSION", "BRIEF_BYTES"]

# ASCII, so that lone surrogates and every code page survive; no check for cycles, the values are ours.
dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class Stream:
    """A stream that is being written. After an error it writes no more; :attr:`error` says what happened."""

    def __init__(self, path):
        self.path = path
        self.size = 0
        self.error = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._fd = os.open(path, flags, 0o600)
        _OPEN.add(self)

    def write(self, line):
        """Appends ``line`` (ASCII, without a newline)."""
        self.append(line + "\n")

    def append(self, lines):
        """Appends ``lines`` (ASCII, each with its newline) by one write to the operating system."""
        if self._fd is None:
            return
        data = lines.encode("ascii")
        try:
            written = os.write(self._fd, data)
            self.size += written
            while written < len(data):
                data = data[written:]
                written = os.write(self._fd, data)
                self.size += written
        except OSError as error:
            self.error = "cannot write %s: %s" % (self.path, error.strerror)
            self.close()

    def close(self):
        if self._fd is not None:
            fd, self._fd = self._fd, None
            try:
                os.close(fd)
            except OSError:
                pass


#: The streams that are being written.
_OPEN = weakref.WeakSet()


def _in_child():
    # A test that forks and lets the child run on must not record everything twice.
    for stream in list(_OPEN):
        stream.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def prepare(output):
    """Makes ``output/runs``, removes old streams, and gives the path of a new one."""
    runs = os.path.join(output, "runs")
    os.makedirs(runs, exist_ok=True)
    ignore = os.path.join(output, ".gitignore")
    if not os.path.exists(ignore):
        with open(ignore, "w", encoding="ascii") as file:
            file.write("*\n")
    _rotate(runs)
    now = time.time()
    name = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    return os.path.join(runs, "%s.%03d-%d.jsonl" % (name, now * 1000 % 1000, os.getpid()))


def _rotate(runs):
    known = []
    with os.scandir(runs) as entries:
        for entry in entries:
            if entry.name.endswith(".jsonl"):
                try:
                    status = entry.stat()
                except OSError:
                    continue
                known.append((status.st_mtime, status.st_size, entry.path))
    known.sort(reverse=True)
    kept = 0
    now = time.time()
    for index, (modified, size, path) in enumerate(known):
        kept += size
        # One place is for the stream that is about to be written.
        if (index + 1 >= KEEP_FILES or kept > KEEP_BYTES) and now - modified > YOUNG_SECONDS:
            try:
                os.remove(path)
            except OSError:
                pass
