#!/usr/bin/env bash
# Drives real Neovims, 0.11 and the distribution's (0.7 on Debian 12), through the stories beside this file.
# usage: run.sh BINARY VENV   (VENV has pytest and Neovim 0.11: tests/requirements.txt)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
binary=$(realpath "$1") venv=$(realpath "$2")
. "$top/tests/support/apt.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/failscope-nvim.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$top/target/lsp-messages"
# Help tags are written beside the help: into a copy.
cp -r "$top/editors/neovim" "$work/plugin"

rerun="'$venv/bin/python' -m pytest -q -p no:cacheprovider --junitxml=report.xml"
export XDG_STATE_HOME="$work/state" XDG_DATA_HOME="$work/data" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config"

# project NAME   Gives a fresh copy of the failing project, with results in it.
project() {
  local folder="$work/$1/shop project"
  mkdir -p "$work/$1"
  cp -r "$here/../project" "$folder"
  if (cd "$folder" && sh -c "$rerun" >"$work/pytest.txt" 2>&1); then
    echo "FAILED the project's tests pass, but they should fail" >&2; exit 1
  fi
  echo "$folder"
}

# story NAME NVIM FILE [SHAPE]
story() {
  local project
  project=$(project "$1")
  local log="$top/target/lsp-messages/neovim-$1.jsonl"
  rm -f "$log"
  echo "-- $1: $("$2" --version | head -1)"
  (cd "$project" && FS_WORKSPACE="$project" FS_CONFIG="$work/plugin" FS_STORIES="$here" FS_BIN="$binary" FS_LOG="$log" \
    FS_RERUN="$rerun" FS_SHAPE="${4-}" VIRTUAL_ENV="$venv" \
    timeout 180 "$2" --clean --headless -c "luafile $here/$3")
}

story bare "$venv/bin/nvim" story.lua
story module "$venv/bin/nvim" module.lua
installed nvim neovim
old=/usr/bin/nvim
story old-setup "$old" old.lua setup
story old-lspconfig "$old" old.lua lspconfig

installed tmux tmux
. "$top/tests/support/chromium.sh"
mkdir -p "$top/target/screenshots"
terminal=$(project terminal)
python3 "$here/terminal.py" "$venv/bin/nvim" "$work/plugin" "$binary" "$terminal" "$top/target/screenshots/neovim.png"
