#!/usr/bin/env bash
# Drives a real Emacs in a terminal, with Eglot and with lsp-mode.  usage: run.sh BINARY VENV
set -euo pipefail
. "$(dirname "$0")/../common.sh"
installed git git
installed emacs emacs-nox elpa-eglot elpa-lsp-mode
emacs --version | head -1
# Warnings of the byte compiler are errors. It replaces what it writes to, so that is a file of our own.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$top/editors/emacs/failscope.el" "$work"
emacs --batch -Q --eval '(setq byte-compile-error-on-warn t)' -f batch-byte-compile "$work/failscope.el"
python3 "$here/story.py" "$binary" "$venv" eglot
python3 "$here/story.py" "$binary" "$venv" lsp-mode
