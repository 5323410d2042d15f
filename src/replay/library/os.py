# What the replay knows of `os` beyond what is built in.
import os.path as path
import pathlib

sep = "/"
linesep = "\n"


def fspath(given):
    return str(given)


def listdir(folder):
    return [entry.name for entry in pathlib.Path(folder).iterdir()]


def makedirs(folder, mode=511, exist_ok=False):
    pathlib.Path(folder).mkdir(parents=True, exist_ok=exist_ok)


def mkdir(folder, mode=511):
    pathlib.Path(folder).mkdir()


def remove(file):
    pathlib.Path(file).unlink()


unlink = remove


def rename(old, new):
    pathlib.Path(old).rename(new)


replace = rename
