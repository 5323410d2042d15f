"""The event stream: a file of JSON lines, one write to the operating system per line.

The schema is documented in ``src/pytest/events.rs``. A reader may follow the file while it grows; a process
that is killed leaves at most its last line half-written.
"""

import errno
import json
import os
import time
import weakref
from json.encoder import encode_basestring_ascii as quote

try:
    import fcntl
    import resource
except ImportError:  # Windows
    fcntl = resource = None

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

__all__ = ["Clock", "Stream", "quote", "dumps", "VERSION", "BRIEF_BYTES"]

# ASCII, so that lone surrogates and every code page survive; no check for cycles, the values are ours.
dumps = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class Clock:
    """Seconds that pass whatever the tests do to clocks: what freezes time replaces the functions of :mod:`time` in
    every module, but not in classes."""

    now = staticmethod(time.perf_counter)


#: As they were before any test could replace them.
_open, _write, _close = os.open, os.write, os.close


class Stream:
    """A stream that is being written, or one that keeps nothing if ``path`` is ``None``. After an error it writes no
    more; :attr:`error` says what happened."""

    def __init__(self, path):
        self.path = path and os.path.abspath(path)
        self.size = 0
        self.error = None
        self._fd = None
        if path is not None:
            self._fd = self._open(os.O_CREAT)
            _OPEN.add(self)

    def _open(self, more=0):
        flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | more
        fd = _open(self.path, flags, 0o600)
        if fcntl is None:
            return fd
        # A number that no file of the tests gets: one that closes what it did not open must not make these lines go
        # into a file that it opens next.
        try:
            most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, (most if 0 < most < 1024 else 1024) * 7 // 8)
        except (OSError, ValueError):
            return fd
        _close(fd)
        return high

    def append(self, lines):
        """Appends ``lines`` (ASCII, each with its newline) by one write to the operating system."""
        fd = self._fd
        if fd is None:
            return
        data = lines.encode("ascii")
        try:
            try:
                written = _write(fd, data)
            except OSError as error:
                if error.errno != errno.EBADF:
                    raise
                # A test has closed it.
                fd = self._fd = self._open()
                written = _write(fd, data)
            self.size += written
            while written < len(data):
                data = data[written:]
                written = _write(fd, data)
                self.size += written
        except OSError as error:
            self.error = "cannot write %s: %s" % (self.path, error.strerror)
            self.close()

    def end(self):
        """Closes the stream. If a test has removed its file, it is there again afterwards."""
        fd = self._fd
        try:
            if fd is not None and not os.path.exists(self.path):
                os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
                with os.fdopen(_open(self.path, flags, 0o600), "wb") as file:
                    os.lseek(fd, 0, os.SEEK_SET)
                    while True:
                        part = os.read(fd, 1 << 20)
                        if not part:
                            break
                        file.write(part)
        except OSError as error:
            self.error = "%s was removed by the tests and cannot be written again: %s" % (self.path, error.strerror)
        self.close()

    def close(self):
        fd, self._fd = self._fd, None
        if fd is not None:
            try:
                _close(fd)
            except OSError:
                pass


#: The streams that are being written.
_OPEN = weakref.WeakSet()


def _in_child():
    # A test that forks and lets the child run on must not record everything twice, nor hand it over.
    for stream in list(_OPEN):
        stream.close()
        stream.path = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def prepare(output):
    """Makes ``output/runs``, removes old streams, and gives the path of a new one."""
    runs = os.path.join(output, "runs")
    os.makedirs(runs, exist_ok=True)
    try:
        # Streams hold what tests compared and printed, secrets too: they are their owner's.
        os.chmod(runs, 0o700)
    except OSError:
        pass  # The folder is somebody else's; the files in it are not.
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
