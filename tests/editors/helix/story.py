"""Helix with editors/helix/languages.toml, by its own keys.  usage: story.py BINARY VENV HX…"""

import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from screen import Screen
from stage import SCREENSHOTS, TOP, Stage

binary, venv, *helix = sys.argv[1:]
with Stage("Helix", binary, venv) as stage:
    config = stage.home / ".config/helix"
    config.mkdir(parents=True)
    shutil.copy(TOP / "editors/helix/languages.toml", config)
    (config / "config.toml").write_text('theme = "dark_plus"\n[editor]\nend-of-line-diagnostics = "hint"\n')
    health = subprocess.run([*helix, "--health", "python"], env={**stage.env, "TERM": "xterm"}, capture_output=True, text=True)
    stage.check("hx --health sees the server", "failscope" in health.stdout and "✓" in health.stdout, health.stdout)
    with Screen([*helix, "shop/basket.py:13:22"], cwd=stage.project, env=stage.env, columns=120, rows=30) as screen:
        stage.does("the culprit line has a diagnostic", lambda: screen.wait(r"round\(subtotl, 2\).*subtotl"))
        screen.settle()
        screen.type(" k")
        stage.does("hover gives cause and values", lambda: screen.wait("Values at the failure"))
        screen.settle()
        screen.picture(SCREENSHOTS / "helix.png")
        screen.keys("Escape")
        screen.type(" D")
        stage.does("the picker of the workspace lists the tests", lambda: screen.wait("test_basket.py"))
        screen.settle()
        screen.keys("Escape")
        screen.settle()
        screen.type(" a")
        stage.does("the fix is offered", lambda: screen.wait("Change `subtotl` to `subtotal`"))
        screen.settle()
        screen.keys("Enter")
        screen.settle()
        screen.keys("Enter")
        stage.does("and applied", lambda: screen.wait(r"round\(subtotal, 2\)"))
        screen.settle()
        screen.type(":w\r")
        stage.does("and saved", lambda: stage.saved("return round(subtotal, 2)"))
        stage.check("the tests pass", stage.pytest() == 0)
        screen.type(" D")
        stage.does("no diagnostic is left", lambda: screen.wait("0/0"))
        screen.keys("Escape")
        screen.type(":q!\r")
        stage.does("it ends", screen.ended)
