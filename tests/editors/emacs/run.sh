#!/usr/bin/env bash
# Drives a real Emacs in a terminal, with Eglot and with lsp-mode.  usage: run.sh BINARY VENV
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
. "$top/tests/support/apt.sh"
. "$top/tests/support/chromium.sh"
installed tmux tmux
installed git git
installed emacs emacs-nox elpa-eglot elpa-lsp-mode
emacs --version | head -1
# Warnings of the byte compiler are errors. It replaces what it writes to, so that is a file of our own.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$top/editors/emacs/failscope.el" "$work"
emacs --batch -Q --eval '(setq byte-compile-error-on-warn t)' -f batch-byte-compile "$work/failscope.el"
python3 "$here/story.py" "$1" "$2" eglot
python3 "$here/story.py" "$1" "$2" lsp-mode
