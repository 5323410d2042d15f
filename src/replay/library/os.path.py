# What the replay knows of `os.path`.
import pathlib

sep = "/"


def join(first, *parts):
    made = str(first)
    for part in parts:
        part = str(part)
        if part.startswith("/"):
            made = part
        elif not made or made.endswith("/"):
            made += part
        else:
            made += "/" + part
    return made


def split(path):
    head, found, tail = str(path).rpartition("/")
    return head or found, tail


def basename(path):
    return str(path).rpartition("/")[2]


def dirname(path):
    return split(path)[0]


def splitext(path):
    path = str(path)
    at = path.rfind(".")
    start = path.rfind("/") + 1
    if at <= start or not path[start:at].strip("."):
        return path, ""
    return path[:at], path[at:]


def isabs(path):
    return str(path).startswith("/")


def normpath(path):
    path = str(path)
    root = "/" if path.startswith("/") else ""
    made = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and made and made[-1] != "..":
            made.pop()
        elif part != ".." or not root:
            made.append(part)
    return root + "/".join(made) or "."


def exists(path):
    return pathlib.Path(path).exists()


def isfile(path):
    return pathlib.Path(path).is_file()


def isdir(path):
    return pathlib.Path(path).is_dir()


def getsize(path):
    return len(pathlib.Path(path).read_bytes())
