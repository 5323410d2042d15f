"""A terminal program as a person sees it: tmux runs it, keys go in, the screen comes out as text or as a picture.

Standard library only; needs `tmux`, and `chromium` for pictures.
"""

import collections
import html
import os
import re
import shlex
import struct
import subprocess
import tempfile
import time
import uuid
import zlib

# xterm's 16 colours on a dark ground, as close as most themes are to them.
BASIC = [
    "#1e1e1e", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#d4d4d4",
    "#7f7f7f", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
]  # fmt: skip


class Missing(AssertionError):
    """What was waited for has not come."""


class Screen:
    """One program in a tmux server of its own, which ends with the `with` block."""

    def __init__(self, arguments, *, cwd, env=None, columns=110, rows=30, limit=30):
        self.limit = limit
        self.socket = "failscope-" + uuid.uuid4().hex[:12]
        variables = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        command = ["env", *(f"{name}={value}" for name, value in variables.items()), *map(str, arguments)]
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(cwd),
            shlex.join(command), check=True,
        )  # fmt: skip
        self._tmux("set-option", "-g", "status", "off")
        # After Escape nothing is waited for: a key that follows is no Alt.
        self._tmux("set-option", "-sg", "escape-time", "0")

    def _tmux(self, *arguments, check=False):
        done = subprocess.run(
            ["tmux", "-u", "-L", self.socket, *arguments], capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(f"tmux could not be started: {done.stderr}")
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._tmux("kill-server")

    def text(self):
        """What is on the screen."""
        return self._tmux("capture-pane", "-p")

    def keys(self, *keys):
        """Presses keys by tmux's names (`Enter`, `C-x`)."""
        self._tmux("send-keys", *keys)

    def type(self, text):
        """Types `text` as it is."""
        self._tmux("send-keys", "-l", text)

    def wait(self, what, *, gone=False):
        """Waits until the pattern `what` is on the screen (or no longer is); gives the screen."""
        end = time.monotonic() + self.limit
        while True:
            text = self.text()
            if bool(re.search(what, text)) != gone:
                return text
            if time.monotonic() > end:
                raise Missing(f"{'still' if gone else 'no'} {what!r} on the screen:\n{text}")
            time.sleep(0.05)

    def settle(self, seconds=0.5):
        """Waits until nothing has changed for a moment, as a person reads before answering."""
        end, seen, since = time.monotonic() + self.limit, self.text(), time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(0.05)
            now = self.text()
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() > end:
                raise Missing(f"the screen does not come to rest:\n{seen}")
        return seen

    def ended(self):
        """Waits until the program has ended."""
        end = time.monotonic() + self.limit
        arguments = ["tmux", "-L", self.socket, "has-session"]
        while subprocess.run(arguments, capture_output=True).returncode == 0:
            if time.monotonic() > end:
                raise Missing(f"the program does not end:\n{self.text()}")
            time.sleep(0.05)

    def picture(self, path):
        """Writes the screen as a PNG."""
        text = self._tmux("capture-pane", "-p", "-e")
        lines = text.rstrip("\n").split("\n")
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "screen.html")
            with open(page, "w", encoding="utf-8") as file:
                file.write(page_of(lines))
            width, height = self._width() * 8 + 24, len(lines) * 17 + 24
            subprocess.run(
                [
                    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                    f"--user-data-dir={folder}/profile", "--force-device-scale-factor=1",
                    # The window is higher than the page in it, by how much differs: what is too much is cut off.
                    f"--window-size={width},{height + 200}", f"--screenshot={path}", page,
                ],
                check=True, capture_output=True, timeout=120,
            )  # fmt: skip
        cut_png(path, height)

    def _width(self):
        return int(self._tmux("display-message", "-p", "#{pane_width}").strip())


def cut_png(path, height):
    """Keeps the first `height` rows of a PNG that is not interlaced (https://www.w3.org/TR/png-3/)."""
    with open(path, "rb") as file:
        data = file.read()
    chunks, at = [], 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        chunks.append((kind, data[at + 8 : at + 8 + size]))
        at += size + 12
    head = dict(chunks)[b"IHDR"]
    _, rows = struct.unpack(">II", head[:8])
    pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    kept = pixels[: len(pixels) // rows * min(height, rows)]
    head = head[:4] + struct.pack(">I", min(height, rows)) + head[8:]
    with open(path, "wb") as file:
        file.write(data[:8])
        for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(kept, 9)), (b"IEND", b"")):
            sum_ = zlib.crc32(kind + body)
            file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", sum_))


def page_of(lines):
    """A page that shows lines with ANSI's SGR sequences (ECMA-48, 8.3.117)."""
    body, state, grounds = [], {}, collections.Counter()
    for line in lines:
        text, state = line_of(line, state, grounds)
        body.append(text)
    # Cells that were never drawn are as most others are.
    ground = grounds.most_common(1)[0][0] if grounds else None
    style = (
        f"body{{margin:0;padding:12px;background:{ground or '#1e1e1e'};color:#d4d4d4}}"
        "pre{margin:0;font:13.28px/17px 'DejaVu Sans Mono',monospace}"
        "span{padding:1px 0}"
    )
    return f"<!doctype html><meta charset=utf-8><style>{style}</style><pre>" + "\n".join(body) + "</pre>"


def line_of(line, state, grounds):
    """A line as HTML, and the state that the next one begins in."""
    parts = []
    for piece in re.split(r"(\x1b\[[0-9;:]*m)", line):
        if piece.startswith("\x1b["):
            state = changed(state, piece[2:-1])
        elif piece:
            grounds[state.get("bg")] += len(piece)
            parts.append(f'<span style="{css(state)}">{html.escape(piece)}</span>')
    return "".join(parts), state


def changed(state, codes):
    state = dict(state)
    numbers = [int(part.split(":")[0] or 0) for part in codes.split(";")]
    while numbers:
        code = numbers.pop(0)
        if code == 0:
            state = {}
        elif code in (1, 2, 3, 4, 7):
            state[code] = True
        elif code == 22:
            state.pop(1, None), state.pop(2, None)
        elif code in (23, 24, 27):
            state.pop(code - 20, None)
        elif code in (38, 48):
            name = "fg" if code == 38 else "bg"
            kind = numbers.pop(0) if numbers else 0
            if kind == 5:
                state[name] = indexed(numbers.pop(0))
            elif kind == 2:
                state[name] = "#%02x%02x%02x" % tuple(numbers[:3])
                del numbers[:3]
        elif code in (39, 49):
            state.pop("fg" if code == 39 else "bg", None)
        else:
            for first, name, base in ((30, "fg", 0), (40, "bg", 0), (90, "fg", 8), (100, "bg", 8)):
                if first <= code <= first + 7:
                    state[name] = BASIC[base + code - first]
    return state


def indexed(number):
    if number < 16:
        return BASIC[number]
    if number >= 232:
        grey = 8 + (number - 232) * 10
        return f"rgb({grey},{grey},{grey})"
    steps = (0, 95, 135, 175, 215, 255)
    number -= 16
    return f"rgb({steps[number // 36]},{steps[number // 6 % 6]},{steps[number % 6]})"


def css(state):
    fore, back = state.get("fg", "#d4d4d4"), state.get("bg")
    if 7 in state:
        fore, back = back or "#1e1e1e", fore
    rules = [f"color:{fore}"]
    if back:
        rules.append(f"background:{back}")
    if 1 in state:
        rules.append("font-weight:bold")
    if 2 in state:
        rules.append("opacity:.7")
    if 3 in state:
        rules.append("font-style:italic")
    if 4 in state:
        rules.append("text-decoration:underline")
    return ";".join(rules)
