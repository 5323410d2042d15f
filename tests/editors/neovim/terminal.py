"""Neovim in a terminal, with the keys that its manual names; leaves a picture.

usage: terminal.py NVIM PLUGIN BINARY PROJECT PICTURE
"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from screen import Screen
from stage import TOP

nvim, plugin, binary, project, picture = sys.argv[1:]
log = TOP / "target/lsp-messages/neovim-terminal.jsonl"
log.unlink(missing_ok=True)
config = pathlib.Path(project).parent / "init.lua"
config.write_text(
    f"""
vim.opt.runtimepath:prepend('{plugin}')
vim.o.swapfile, vim.o.termguicolors, vim.o.ruler, vim.o.cmdheight = false, true, false, 1
vim.o.winborder = 'rounded'
vim.diagnostic.config({{ virtual_text = true }})
require('failscope').setup({{ cmd = {{ '{binary}', 'lsp', '--log-messages', '{log}' }} }})
vim.o.laststatus, vim.o.statusline = 2, "%f %m%=%{{v:lua.require'failscope'.status()}} "
"""
)
with Screen([nvim, "--clean", "-u", config, "shop/basket.py"], cwd=project, columns=120, rows=36) as screen:
    screen.wait("2 failures, 1 cause")
    screen.wait(r"round\(subtotl, 2\).*■.*subtotl")
    screen.settle()
    screen.type("G0fb2l")  # onto `subtotl`
    screen.type("K")
    screen.wait("Values at the failure")
    screen.settle()
    screen.picture(picture)
    screen.type("h")  # closes the hover
    screen.type(":Failscope\r")
    screen.wait(r"1: shop/basket.py:13[^$]*Type number")
    screen.settle()
    screen.type("1")
    screen.wait(r"cancels\): 1")
    screen.keys("Enter")
    screen.settle()
    screen.type("gra")  # Neovim's own keys for code actions
    screen.wait(r"1: .*subtotal[^$]*Type number")
    screen.settle()
    screen.type("1")
    screen.wait(r"cancels\): 1")
    screen.keys("Enter")
    screen.wait(r"round\(subtotal, 2\)")
    screen.type(":w\r")
    screen.wait("written")
    text = (pathlib.Path(project) / "shop/basket.py").read_text()
    assert "return round(subtotal, 2)" in text, text
    # The tests are run again elsewhere, and the editor hears of it.
    python = pathlib.Path(nvim).parent / "python"
    again = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=report.xml"]
    subprocess.run(again, cwd=project, check=True, capture_output=True)
    screen.wait("2 failures, 1 cause", gone=True)
    screen.wait("■", gone=True)
    screen.type(":checkhealth failscope\r")
    screen.wait("known: no failures")
    screen.type(":qa!\r")
    screen.ended()
print("Neovim in a terminal: 1 passed, 0 failed")
