"""``python -m failscope`` is the same as ``failscope``."""

import os
import subprocess
import sys

from .handover import MISSING, find_binary


def main():
    binary = find_binary()
    if binary is None:
        sys.stderr.write(MISSING + "\n")
        return 3
    command = [binary, *sys.argv[1:]]
    if os.name == "posix":
        os.execv(binary, command)
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
