"""Running the tests of a throw-away copy of a project: what would come from the original comes from the copy.

A project that is installed in editable mode is found through a ``.pth`` file or an import finder that names the
original's folder. Here such places are replaced by the copy's, and whatever is imported from the original all the
same is reported, so that nobody takes a test of the original for a test of the copy.
"""

import atexit
import importlib.machinery
import importlib.util
import json
import os
import sys
import threading
import time

_busy = threading.local()


def _is_below(path, folder):
    return path == folder or path.startswith(folder + os.sep)


class Places:
    """The two folders, and what is where in them."""

    def __init__(self, original, copy):
        self._originals = sorted({os.path.abspath(original), os.path.realpath(original)})
        self._copy = os.path.realpath(copy)

    def counterpart(self, path):
        """The path in the copy of a path in the original that was copied; ``None`` for any other path."""
        if not isinstance(path, str) or not path:
            return None
        path = os.path.abspath(path)
        if _is_below(path, self._copy):
            return None
        for original in self._originals:
            if _is_below(path, original):
                found = self._copy + path[len(original) :]
                # What was not copied (a virtual environment) is not the project's code.
                return found if os.path.exists(found) else None
        real = os.path.realpath(path)
        return self.counterpart(real) if real != path else None

    def replaced(self, paths):
        return [self.counterpart(path) or path for path in paths]


class Finder:
    """Finds modules as the other finders do, in the copy wherever they find them in the original."""

    def __init__(self, places):
        self._places = places

    def find_spec(self, name, path=None, target=None):
        if getattr(_busy, "on", False):
            return None
        _busy.on = True
        try:
            for finder in list(sys.meta_path):
                find = getattr(finder, "find_spec", None)
                spec = find(name, path, target) if find is not None and finder is not self else None
                if spec is not None:
                    return self._moved(name, spec)
        finally:
            _busy.on = False
        return None

    def _moved(self, name, spec):
        locations = spec.submodule_search_locations
        origin = self._places.counterpart(spec.origin) if spec.has_location else None
        if origin is not None:
            moved = None if locations is None else self._places.replaced(locations)
            return importlib.util.spec_from_file_location(name, origin, submodule_search_locations=moved)
        if locations is not None and not spec.has_location:
            there = list(locations)
            moved = self._places.replaced(there)
            if moved != there:
                package = importlib.machinery.ModuleSpec(name, None, is_package=True)
                package.submodule_search_locations = moved
                return package
        return spec


class Checker:
    """Says at the end which modules came from the original after all."""

    def __init__(self, places, report):
        self._places = places
        self._report = report

    def pytest_sessionfinish(self):
        foreign = []
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if self._places.counterpart(path) is not None:
                foreign.append(name)
        with open(self._report, "a", encoding="utf-8") as file:
            file.write(json.dumps(sorted(foreign)) + "\n")


_checker = None


def begin(environment):
    """Puts the copy in the original's place; gives the plugin that checks it, or ``None`` if this is no copy."""
    global _checker
    _end_with(environment.pop("FAILSCOPE_PARENT", None))
    original, copy = environment.get("FAILSCOPE_ORIGINAL"), environment.get("FAILSCOPE_COPY")
    report = environment.get("FAILSCOPE_COPY_REPORT")
    if _checker is not None or not original or not copy or not report:
        return _checker
    _confine(environment)
    places = Places(original, copy)
    sys.path[:] = places.replaced(sys.path)
    sys.meta_path.insert(0, Finder(places))
    _checker = Checker(places, report)
    return _checker


def _confine(environment):
    """Gives up writing outside of the copy, for this process and all that it starts."""
    if environment.pop("FAILSCOPE_COPY_CONFINE", None):
        from . import confine

        confine.without_writing()


def in_program(path):
    """Called as ``sitecustomize`` in every Python that a test run starts. The environment's own comes after it."""
    checker = begin(os.environ)
    if checker is not None:
        atexit.register(checker.pytest_sessionfinish)
    folder = os.path.dirname(os.path.abspath(path))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != folder]
    sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        pass


def _end_with(parent):
    """Ends this process group when the program that started it is gone, however it ended."""
    if not parent or not hasattr(os, "killpg"):
        return

    def watch():
        while os.getppid() == int(parent):
            time.sleep(0.5)
        import signal

        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="failscope-parent").start()
