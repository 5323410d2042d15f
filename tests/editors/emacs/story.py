"""Emacs in a terminal with editors/emacs/failscope.el.  usage: story.py BINARY VENV eglot|lsp-mode"""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from screen import Screen
from stage import SCREENSHOTS, TOP, Stage

binary, venv, client = sys.argv[1:]
START = {"eglot": "(require 'eglot) (add-hook 'python-mode-hook #'eglot-ensure)",
         "lsp-mode": """(require 'lsp-mode) (setq lsp-auto-guess-root t lsp-warn-no-matched-clients nil
                        lsp-headerline-breadcrumb-enable nil lsp-enable-file-watchers nil
                        lsp-diagnostics-provider :flymake lsp-disabled-clients '(pyls pylsp ruff-lsp semgrep-ls))
                        (add-hook 'python-mode-hook #'lsp)
                        (defun fs-say () (message "basket.py: %d diagnostics"
                          (length (gethash buffer-file-name (lsp-diagnostics)))))
                        (defun fs-diagnostics () "Say the number, now and whenever it changes." (interactive)
                          (fs-say) (add-hook 'lsp-diagnostics-updated-hook #'fs-say nil t))"""}  # fmt: skip
with Stage(f"Emacs-{client}", binary, venv) as stage:
    # Both find a project's folder by its version control.
    subprocess.run(["git", "init", "-q", stage.project], check=True)
    init = stage.home / "init.el"
    init.write_text(
        f"""
(setq native-comp-deferred-compilation nil native-comp-async-report-warnings-errors nil warning-minimum-level :error
      inhibit-startup-screen t make-backup-files nil auto-save-default nil create-lockfiles nil
      browse-url-browser-function (lambda (url &rest _) (message "browsing %s" url)))
(menu-bar-mode -1) (load-theme 'tango-dark)
(add-to-list 'load-path "{TOP}/editors/emacs")
(require 'failscope)
{START[client]}
"""
    )
    arguments = ["emacs", "-nw", "-q", "-l", init, "+13:22", "shop/basket.py"]

    def command(name):
        screen.keys("C-g")
        screen.settle(0.3)
        screen.keys("M-x")
        screen.wait("(?m)^M-x")
        screen.type(name)
        screen.wait("(?m)^M-x " + name)
        screen.keys("Enter")
        screen.wait("(?m)^M-x", gone=True)

    with Screen(arguments, cwd=stage.project, env=stage.env, columns=120, rows=32) as screen:
        stage.does("it starts", lambda: screen.wait("eglot:shop" if client == "eglot" else "LSP.failscope"))
        if client == "eglot":
            command("flymake-show-buffer-diagnostics")
            diagnostic = r"13 +\d+ error.*Basket\.total.*subtotl"
        else:
            command("fs-diagnostics")
            diagnostic = "basket.py: 1 diagnostics"
        stage.does("the culprit line has a diagnostic", lambda: screen.wait(diagnostic))
        if client == "eglot":
            command("delete-other-windows")
            command("eldoc")
        else:
            command("lsp-describe-thing-at-point")
        stage.does("hover gives cause and values", lambda: screen.wait("Values at the failure"))
        if client == "eglot":
            stage.does("hover is plain text", lambda: screen.wait(r"\*\*", gone=True))
        screen.settle()
        if client == "eglot":
            screen.picture(SCREENSHOTS / "emacs.png")
        command("delete-other-windows")
        command("failscope-report")
        if client == "eglot":
            stage.does("the report is browsed", lambda: screen.wait("browsing file:.*rca_report.html"))
        if client == "eglot":
            command("failscope-clear")
            stage.does("clear hides everything", lambda: screen.wait("Flymake.0 0"))
            command("failscope-analyze")
            stage.does("analyze shows it again", lambda: screen.wait("Flymake.1 0"))
            command("failscope-run-failed")
            stage.does("what failed is run again", lambda: screen.wait("Failscope has run what failed"))
        command("eglot-code-actions" if client == "eglot" else "lsp-execute-code-action")
        stage.does("the fix is offered", lambda: screen.wait("Change|[Ss]elect"))
        screen.settle()
        screen.type("Change\t\r")
        stage.does("and applied", lambda: screen.wait(r"round\(subtotal, 2\)"))
        screen.settle()
        screen.keys("C-x", "C-s")
        stage.does("and saved", lambda: stage.saved("return round(subtotal, 2)"))
        stage.check("the tests pass", stage.pytest() == 0)
        gone = "Flymake.0 0" if client == "eglot" else "basket.py: 0 diagnostics"
        if client != "eglot":
            command("fs-diagnostics")
        stage.does("no diagnostic is left", lambda: screen.wait(gone))
        screen.keys("C-x", "C-c")
        stage.does("it ends", screen.ended)
