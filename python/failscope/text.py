"""A failure as pytest prints it, without pytest's cost of asking for the terminal's size, colours and width of
every character each time (two thirds of ``longreprtext``)."""

try:
    from _pytest._io import TerminalWriter
except ImportError:  # a pytest that keeps it elsewhere
    TerminalWriter = None

#: Characters of a separating line. Fixed, so that the text does not depend on where pytest runs.
WIDTH = 80


def rendered(report):
    """The text of ``report.longrepr``, the same as ``report.longreprtext`` in a terminal of :data:`WIDTH`."""
    longrepr = report.longrepr
    if TerminalWriter is None or hasattr(report, "node") or not hasattr(longrepr, "toterminal"):
        return report.longreprtext
    writer = _Writer()
    longrepr.toterminal(writer)
    return "".join(writer.parts).strip()


if TerminalWriter is not None:

    class _Writer(TerminalWriter):
        """Keeps what is written."""

        hasmarkup = False
        code_highlight = False
        fullwidth = WIDTH
        _current_line = ""

        def __init__(self):
            self.parts = []

        def write(self, msg, *, flush=False, **markup):
            self.parts.append(msg)

        def line(self, s="", **markup):
            self.parts.append(s)
            self.parts.append("\n")

        def write_raw(self, msg, *, flush=False):
            self.parts.append(msg)
