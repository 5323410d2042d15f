#!/usr/bin/env bash
# Drives a real Vim with ALE in a terminal.  usage: run.sh BINARY VENV
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
. "$top/tests/support/apt.sh"
. "$top/tests/support/chromium.sh"
installed tmux tmux
installed vim vim
[ -d /usr/share/vim-ale ] || install_packages vim-ale
vim --version | head -1
python3 "$here/story.py" "$1" "$2" /usr/share/vim-ale
