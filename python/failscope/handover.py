"""Handing a recorded run over to the ``failscope`` program."""

import os
import shutil
import subprocess
import sysconfig

MISSING = (
    "failscope: the failscope program was not found (set FAILSCOPE_BIN or put it on PATH); "
    "the run is recorded, nothing was analysed"
)
#: Seconds the program may take, unless ``FAILSCOPE_TIMEOUT`` says otherwise.
TIME_LIMIT = 300.0


class HandoverError(Exception):
    """Why there is no analysis, in one line."""


def find_binary():
    """The program: ``FAILSCOPE_BIN``, beside this interpreter (where the wheel puts it), or on ``PATH``."""
    named = os.environ.get("FAILSCOPE_BIN")
    if named:
        return named if os.path.isfile(named) else None
    name = "failscope.exe" if os.name == "nt" else "failscope"
    for scheme in (None, "%s_user" % os.name):
        try:
            folder = sysconfig.get_path("scripts") if scheme is None else sysconfig.get_path("scripts", scheme)
        except KeyError:
            continue
        path = os.path.join(folder or "", name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return shutil.which("failscope")


def command_line(binary, stream, settings, color, width, limit):
    """The command that analyses ``stream`` and prints the section for the terminal."""
    command = [binary, "analyze", stream, "--format", "pytest", "--output", settings.output]
    if settings.offline:
        command.append("--offline")
    if settings.report:
        command.append("--report")
    if settings.provider is not None:
        command += ["--provider", settings.provider]
    if settings.model is not None:
        command += ["--model", settings.model]
    if settings.max_log_size is not None:
        command += ["--max-log-size", str(settings.max_log_size)]
    if not color:
        command.append("--no-color")
    # A model that takes its time must not cost the causes that are known without it.
    command += ["--patience", str(max(int(limit * 0.8), 1))]
    return command + ["--width", str(width)]


def analyze(stream, settings, root, color, width):
    """Runs the program on ``stream``; gives its section and its remarks. Raises :class:`HandoverError`."""
    binary = find_binary()
    if binary is None:
        raise HandoverError(MISSING)
    try:
        limit = float(os.environ.get("FAILSCOPE_TIMEOUT") or TIME_LIMIT)
    except ValueError:
        limit = TIME_LIMIT
    try:
        done = subprocess.run(
            command_line(binary, stream, settings, color, max(width, 40), limit),
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HandoverError("failscope: the analysis took longer than %g s and was stopped" % limit) from None
    except (OSError, ValueError) as error:
        raise HandoverError("failscope: %s could not be started: %s" % (binary, error)) from None
    if done.returncode not in (0, 1):
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[-1] if said else "exit code %d and no message" % done.returncode
        if not reason.startswith("failscope: "):
            reason = "failscope: the analysis failed: " + reason
        raise HandoverError(reason[:500])
    remarks = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return done.stdout.decode("utf-8", "replace"), remarks[:5]
