# What the replay knows of `tempfile`: folders below the one of the test.
import pathlib

_MADE = []


def mkdtemp(suffix=None, prefix=None, dir=None):
    _MADE.append(None)
    path = "/tmp/pytest/tmp" + str(len(_MADE))
    pathlib._FOLDERS.append(path)
    return path


class TemporaryDirectory:
    def __init__(self, suffix=None, prefix=None, dir=None):
        self.name = mkdtemp()

    def cleanup(self):
        pass

    def __enter__(self):
        return self.name

    def __exit__(self, *exc):
        pass
