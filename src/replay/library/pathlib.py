# What the replay knows of `pathlib`: paths, and files that the test itself has written.
_FILES = {}
_FOLDERS = []


def _known():
    _FILES.clear()
    _FOLDERS.clear()


class PurePath:
    def __init__(self, *parts):
        text = "/".join(str(part).rstrip("/") if str(part) != "/" else "" for part in parts)
        names = [name for name in text.split("/") if name and name != "."]
        self._root = "/" if text.startswith("/") or text == "" and parts else ""
        self._names = names

    def __str__(self):
        return self._root + "/".join(self._names) or "."

    def __fspath__(self):
        return str(self)

    def __repr__(self):
        return "PosixPath(" + repr(str(self)) + ")"

    def __eq__(self, other):
        return isinstance(other, PurePath) and str(self) == str(other)

    def __lt__(self, other):
        return self._names < other._names

    def __hash__(self):
        return hash(str(self))

    def __truediv__(self, other):
        other = str(other)
        return Path(other) if other.startswith("/") else Path(str(self), other)

    @property
    def name(self):
        return self._names[-1] if self._names else ""

    @property
    def suffix(self):
        at = self.name.rfind(".")
        return self.name[at:] if 0 < at < len(self.name) - 1 else ""

    @property
    def stem(self):
        return self.name[: len(self.name) - len(self.suffix)]

    @property
    def parent(self):
        return Path(self._root + "/".join(self._names[:-1]))

    @property
    def parts(self):
        return tuple(([self._root] if self._root else []) + self._names)

    def joinpath(self, *parts):
        path = self
        for part in parts:
            path = path / part
        return path

    def with_suffix(self, suffix):
        return self.parent / (self.stem + suffix)

    def with_name(self, name):
        return self.parent / name

    def as_posix(self):
        return str(self)

    def relative_to(self, other):
        own, start = str(self), str(other).rstrip("/") + "/"
        if not own.startswith(start):
            raise ValueError(repr(own) + " is not in the subpath of " + repr(str(other)))
        return Path(own[len(start) :])

    def is_absolute(self):
        return self._root == "/"


class Path(PurePath):
    def _ours(self):
        # Only below `tmp_path` it is known what there is.
        if not str(self).startswith("/tmp/pytest/"):
            __unknown__()

    def exists(self):
        self._ours()
        return str(self) in _FILES or self.is_dir()

    def is_file(self):
        self._ours()
        return str(self) in _FILES

    def is_dir(self):
        self._ours()
        return str(self) in _FOLDERS

    def mkdir(self, mode=511, parents=False, exist_ok=False):
        if self.exists():
            if exist_ok and self.is_dir():
                return
            raise FileExistsError("[Errno 17] File exists: " + repr(str(self)))
        if not self.parent.is_dir():
            if not parents:
                raise FileNotFoundError("[Errno 2] No such file or directory: " + repr(str(self)))
            self.parent.mkdir(parents=True, exist_ok=True)
        _FOLDERS.append(str(self))

    def read_text(self, encoding=None, errors=None):
        self._ours()
        if self.is_dir():
            raise IsADirectoryError("[Errno 21] Is a directory: " + repr(str(self)))
        if str(self) not in _FILES:
            raise FileNotFoundError("[Errno 2] No such file or directory: " + repr(str(self)))
        text = _FILES[str(self)]
        if not isinstance(text, str):
            __unknown__()
        return text

    def read_bytes(self):
        self._ours()
        if str(self) not in _FILES:
            raise FileNotFoundError("[Errno 2] No such file or directory: " + repr(str(self)))
        data = _FILES[str(self)]
        return data.encode() if isinstance(data, str) else data

    def write_text(self, text, encoding=None, errors=None, newline=None):
        if encoding not in (None, "utf-8", "utf8"):
            __unknown__()
        if not isinstance(text, str):
            raise TypeError("data must be str")
        self._put(text)
        return len(text)

    def write_bytes(self, data):
        self._put(data)
        return len(data)

    def _put(self, data):
        self._ours()
        if not self.parent.is_dir():
            raise FileNotFoundError("[Errno 2] No such file or directory: " + repr(str(self)))
        _FILES[str(self)] = data

    def touch(self, exist_ok=True):
        if not self.exists():
            self._put("")

    def unlink(self, missing_ok=False):
        if not self.is_file():
            if missing_ok:
                return
            raise FileNotFoundError("[Errno 2] No such file or directory: " + repr(str(self)))
        del _FILES[str(self)]

    def iterdir(self):
        self._ours()
        return iter([Path(path) for path in list(_FILES) + _FOLDERS if str(Path(path).parent) == str(self)])

    def glob(self, pattern):
        if not pattern.startswith("*") or "*" in pattern[1:] or "/" in pattern or "?" in pattern:
            __unknown__()
        return iter([path for path in self.iterdir() if path.name.endswith(pattern[1:])])

    def rglob(self, pattern):
        self._ours()
        if not pattern.startswith("*") or "*" in pattern[1:] or "/" in pattern or "?" in pattern:
            __unknown__()
        below = str(self) + "/"
        return iter([Path(path) for path in list(_FILES) + _FOLDERS
                     if path.startswith(below) and path.endswith(pattern[1:])])

    def rename(self, target):
        _FILES[str(target)] = _FILES.pop(str(self))
        return Path(target)

    def resolve(self, strict=False):
        self._ours()
        return self

    def open(self, mode="r", buffering=-1, encoding=None, errors=None, newline=None):
        if "b" in mode or encoding not in (None, "utf-8", "utf8"):
            __unknown__()
        if "r" in mode and "+" not in mode:
            return _File(self, self.read_text(), False)
        if "a" in mode:
            old = self.read_text() if self.exists() else ""
            return _File(self, old, True)
        if "w" in mode:
            self._put("")
            return _File(self, "", True)
        __unknown__()


class _File:
    def __init__(self, path, text, writes):
        self._path = path
        self._at = 0
        self._text = text
        self._writes = writes
        self.closed = False

    def _open(self):
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def write(self, text):
        self._open()
        if not self._writes:
            __unknown__()
        if not isinstance(text, str):
            raise TypeError("write() argument must be str")
        self._text += text
        _FILES[str(self._path)] = self._text
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def read(self):
        self._open()
        text = self._text[self._at :]
        self._at = len(self._text)
        return text

    def readline(self):
        self._open()
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end + 1
        line = self._text[self._at : end]
        self._at = end
        return line

    def readlines(self):
        lines = []
        line = self.readline()
        while line:
            lines.append(line)
            line = self.readline()
        return lines

    def __iter__(self):
        return iter(self.readlines())

    def close(self):
        self.closed = True

    def flush(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.closed = True
        return False


PosixPath = Path
PurePosixPath = PurePath


def _folder():
    # Where each test has a folder of its own.
    _known()
    _FOLDERS.append("/tmp/pytest/here")
    return Path("/tmp/pytest/here")


def _opened(path, mode="r", buffering=-1, encoding=None, errors=None, newline=None):
    return Path(path).open(mode, buffering, encoding, errors, newline)
