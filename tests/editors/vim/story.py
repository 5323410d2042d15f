"""Vim with ALE and editors/vim/ale.vim.  usage: story.py BINARY VENV ALE-FOLDER"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from screen import Screen
from stage import SCREENSHOTS, TOP, Stage

binary, venv, ale = sys.argv[1:]
with Stage("Vim", binary, venv) as stage:
    vimrc = stage.home / "vimrc"
    vimrc.write_text(
        f"""
set nocompatible noswapfile mouse= background=dark termguicolors
filetype plugin on | syntax on
set runtimepath^={ale}
let g:ale_linters = {{'python': ['failscope']}}
let g:ale_virtualtext_cursor = 1
let g:ale_hover_to_preview = 1
runtime plugin/ale.vim
source {TOP}/editors/vim/ale.vim
"""
    )
    with Screen(["vim", "-u", vimrc, "+13", "shop/basket.py"], cwd=stage.project, env=stage.env, columns=120) as screen:
        stage.does("the culprit line has a diagnostic", lambda: screen.wait(r"round\(subtotl, 2\).*Basket\.total"))
        screen.settle()
        screen.type("0fb2l:ALEHover\r")
        stage.does("hover gives cause and values", lambda: screen.wait("Values at the failure"))
        screen.settle()
        screen.picture(SCREENSHOTS / "vim.png")
        screen.type(":ALECodeAction\r")
        stage.does("the fix is offered", lambda: screen.wait("Change `subtotl` to `subtotal`[^$]*Enter"))
        screen.settle()
        screen.type("1\r")
        stage.does("and applied", lambda: screen.wait(r"round\(subtotal, 2\)"))
        screen.settle()
        screen.type(":w\r")
        stage.does("and saved", lambda: stage.saved("return round(subtotal, 2)"))
        stage.check("the tests pass", stage.pytest() == 0)
        stage.does("no diagnostic is left", lambda: screen.wait(r"round\(subtotal, 2\) +\S", gone=True))
        screen.type(":qa!\r")
        stage.does("it ends", screen.ended)

    # The plugins that cannot be had here: that Vim takes the files, and hands over what their manuals ask for.
    stubs = stage.work / "stubs"
    (stubs / "autoload/lsp").mkdir(parents=True)
    (stubs / "autoload/lsp.vim").write_text("function! lsp#register_server(s)\n  let g:server = a:s\nendfunction\n")
    seen = stage.work / "seen.json"
    source = f"set runtimepath^={stubs} | source {TOP}/editors/vim"
    write = f"call writefile([json_encode(g:seen)], '{seen}')"
    arguments = ["vim", "-es", "-N", "-u", "NONE"]
    script = [f"{source}/vim-lsp.vim", "doautocmd User lsp_setup",
              "let g:seen = [g:server.name, call(g:server.cmd, [{}]), g:server.allowlist, type(g:server.root_uri) == v:t_func]", write]  # fmt: skip
    subprocess.run([*arguments, *[f"+{line}" for line in script], "+qa!"], stdin=subprocess.DEVNULL, timeout=30)
    stage.check("vim-lsp", seen.exists() and json.loads(seen.read_text()) == ["failscope", ["failscope", "lsp"], ["python"], True], seen)
    seen.unlink(missing_ok=True)
    script = ["exe \"function! LspAddServer(s)\\nlet g:seen = a:s\\nendfunction\"",
              f"{source}/lsp.vim", "doautocmd User LspSetup", write]  # fmt: skip
    subprocess.run([*arguments, *[f"+{line}" for line in script], "+qa!"], stdin=subprocess.DEVNULL, timeout=30)
    servers = json.loads(seen.read_text()) if seen.exists() else [{}]
    stage.check("lsp", servers[0].get("path") == "failscope" and servers[0]["args"] == ["lsp"], servers)
