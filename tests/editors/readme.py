"""Every command and every file that the README's section on editors names is used by a test: the table says where.

usage: readme.py
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
TESTS = "tests/editors/"
# What stands in the README: the test's file, and what it says there.
ROWS = {
    "failscope lsp": (TESTS + "neovim/support.lua", "'lsp', '--log-messages'"),
    "failscope.runOutput": ("tests/lsp_server/run.rs", '"failscope.runOutput"'),
    "--poll SECONDS": ("tests/lsp-process/poll.py", '"--poll", "1"'),
    "cd editors/vscode && npm ci && node package.mjs": (TESTS + "vscode/run.sh", "node package.mjs"),
    "failscope.vsix": (TESTS + "vscode/run.sh", "editors/vscode/failscope.vsix"),
    "code --install-extension failscope.vsix": (TESTS + "vscode/code.mjs", "'--install-extension'"),
    "node package.mjs BINARY [TARGET]": (TESTS + "vscode/targets.py", '"package.mjs", binary'),
    "editors/neovim": (TESTS + "neovim/run.sh", "editors/neovim"),
    "vim.opt.runtimepath:prepend(FOLDER)": (TESTS + "neovim/support.lua", "vim.opt.runtimepath:prepend("),
    "source": (TESTS + "vim/story.py", "source {TOP}/editors/vim/ale.vim"),
    "vim.lsp.enable('failscope')": (TESTS + "neovim/story.lua", "vim.lsp.enable('failscope')"),
    "require('failscope').setup()": (TESTS + "neovim/terminal.py", "require('failscope').setup("),
    ":Failscope": (TESTS + "neovim/module.lua", "vim.cmd('Failscope')"),
    ":help failscope": (TESTS + "neovim/module.lua", "'help :Failscope-'"),
    ":checkhealth failscope": (TESTS + "neovim/module.lua", "checkhealth failscope"),
    "setup()": (TESTS + "neovim/old.lua", "require('failscope').setup("),
    ":help failscope-older": (TESTS + "neovim/old.lua", "failscope-older"),
    "editors/helix/languages.toml": (TESTS + "helix/story.py", "editors/helix/languages.toml"),
    "~/.config/helix/languages.toml": (TESTS + "helix/story.py", ".config/helix"),
    "editors/emacs/failscope.el": (TESTS + "emacs/run.sh", "editors/emacs/failscope.el"),
    "failscope-report": (TESTS + "emacs/story.py", 'command("failscope-report")'),
    "failscope-run-failed": (TESTS + "emacs/story.py", 'command("failscope-run-failed")'),
    "failscope-analyze": (TESTS + "emacs/story.py", 'command("failscope-analyze")'),
    "failscope-clear": (TESTS + "emacs/story.py", 'command("failscope-clear")'),
    "editors/vim/ale.vim": (TESTS + "vim/story.py", "editors/vim/ale.vim"),
    "editors/kate/lspclient.json": (TESTS + "kate/story.py", "editors/kate/lspclient.json"),
    "editors/sublime/LSP.sublime-settings": (TESTS + "configs.py", "sublime/LSP.sublime-settings"),
    "editors/zed": (TESTS + "configs.py", "zed/Cargo.toml"),
    "editors/README.md": ("editors/README.md", "run.sh BINARY VENV"),
}

readme = (TOP / "README.md").read_text()
section = re.search(r"^## Editors\n(.*?)^## ", readme, re.S | re.M)[1]
named = {" ".join(text.split()) for text in re.findall(r"`([^`]+)`", section)}
failures = [f"{text} is named in the README, and no test is known for it" for text in sorted(named - ROWS.keys())]
failures += [f"{text} is no longer in the README" for text in sorted(ROWS.keys() - named)]
for text, (file, part) in ROWS.items():
    path = TOP / file
    if not path.is_file() or part not in path.read_text():
        failures.append(f"{text}: {file} does not hold {part}")
for picture in re.findall(r"\]\((editors/images/[^)]+)\)", section):
    if not (TOP / picture).is_file():
        failures.append(f"{picture} is not there")
for failure in failures:
    print("FAILED", failure)
print(f"README, editors: {len(ROWS) - len(failures)} passed, {len(failures)} failed")
sys.exit(1 if failures else 0)
