"""Kate with editors/kate/lspclient.json, on the X display that this is started on.  usage: story.py BINARY VENV

What Kate shows is seen in pictures of the screen, by the colour of marked lines; what it was told, in the
recorded messages.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from stage import SCREENSHOTS, TOP, Stage

binary, venv = sys.argv[1:]
LIMIT = 60


def pixels():
    """The screen as (width, rows of RGB bytes)."""
    data = subprocess.run(["import", "-window", "root", "-depth", "8", "ppm:-"], capture_output=True, check=True).stdout
    magic, width, height, depth, rest = data.split(maxsplit=4) if data[:2] == b"P6" else (0, 0, 0, 0, b"")
    body = data[len(data) - int(width) * int(height) * 3 :]
    return int(width), body


def marked():
    """The middle of the line that is marked as an error, if there is one: rows that are pale red from end to end."""
    width, body = pixels()
    rows = []
    for y in range(100, len(body) // (width * 3)):
        row = body[y * width * 3 : (y + 1) * width * 3]
        pale = sum(1 for x in range(0, width, 4) if row[x * 3] > 230 and 180 < row[x * 3 + 1] < 235 and 180 < row[x * 3 + 2] < 235)
        if pale > 50:
            rows.append(y)
    return rows and sum(rows) // len(rows)


def until(what, condition):
    end = time.monotonic() + LIMIT
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"{what} does not come")
        time.sleep(0.2)


with Stage("Kate", binary, venv) as stage:
    # Where no project is, Kate starts no server; it knows one by its version control.
    subprocess.run(["git", "init", "-q", stage.project], check=True)
    config = stage.home / ".config"
    (config / "kate/lspclient").mkdir(parents=True)
    shutil.copy(TOP / "editors/kate/lspclient.json", config / "kate/lspclient/settings.json")
    # The plugin is switched on, and the question answered whether the program may be started.
    (config / "katerc").write_text(
        f"[Kate Plugins]\nlspclientplugin=true\n\n[lspclient]\nAllowedServerCommandLines={stage.work}/bin/failscope lsp\n"
    )
    runtime = stage.work / "run"
    runtime.mkdir(mode=0o700)
    import os

    env = {**os.environ, **stage.env, "XDG_RUNTIME_DIR": str(runtime), "QT_QPA_PLATFORM": "xcb", "LANG": "C.UTF-8"}

    def messages():
        lines = stage.log.read_text().splitlines() if stage.log.exists() else []
        return [json.loads(line) for line in lines]

    def said(direction, *parts):
        texts = (json.dumps(m["message"]) for m in messages() if m["direction"] == direction)
        return any(all(part in text for part in parts) for text in texts)

    kate = subprocess.Popen(
        ["kate", "--startanon", "-n", "shop/basket.py", "-l", "13", "-c", "4"], cwd=stage.project, env=env,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        stage.does("the server is started", lambda: until("the server", lambda: said("in", '"initialize"')))
        stage.does("the culprit's diagnostic comes", lambda: until("a diagnostic", lambda: said("out", "publishDiagnostics", "basket.py", "is probably meant")))
        at = stage.does("and the line is marked", lambda: until("a marked line", marked))
        if at:
            columns = iter(range(200, 500, 20))

            def hovered():
                """Rests the mouse on one place of the line after the other, until one of them is the underlined word."""
                subprocess.run(["xdotool", "mousemove", str(next(columns, 280)), str(at)], check=True)
                time.sleep(1)
                return said("out", "Values at the failure")

            stage.does("hover gives cause and values", lambda: until("a hover", hovered))
            time.sleep(1)
            subprocess.run(["import", "-window", "root", "-trim", str(SCREENSHOTS / "kate.png")], check=True)
        # Mended on disk; Kate asks whether to read the file again, and the results say that all passes.
        source = stage.project / "shop/basket.py"
        source.write_text(source.read_text().replace("subtotl", "subtotal"))
        stage.check("the tests pass", stage.pytest() == 0)
        stage.does("no diagnostic is left", lambda: until("an empty list", lambda: said("out", "publishDiagnostics", "basket.py", '"diagnostics": []')))
        subprocess.run(["xdotool", "mousemove", "600", "700"], check=True)
        stage.does("and no line is marked", lambda: until("a text without marks", lambda: not marked()))
    finally:
        kate.terminate()
        kate.wait(LIMIT)
