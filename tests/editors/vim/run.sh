#!/usr/bin/env bash
# Drives a real Vim with ALE in a terminal.  usage: run.sh BINARY VENV
set -euo pipefail
. "$(dirname "$0")/../common.sh"
installed vim vim
[ -d /usr/share/vim-ale ] || install_packages vim-ale
vim --version | head -1
python3 "$here/story.py" "$binary" "$venv" /usr/share/vim-ale
