#!/usr/bin/env bash
# Drives a real Neovim 0.11 through tests/editors/neovim/story.lua.
# usage: run.sh BINARY VENV   (VENV has pytest and Neovim: tests/requirements.txt)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
binary=$(realpath "$1") venv=$(realpath "$2")
work=$(mktemp -d "${TMPDIR:-/tmp}/failscope-nvim.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -r "$here/../project" "$work/shop project"
cd "$work/shop project"
rerun="'$venv/bin/python' -m pytest -q -p no:cacheprovider --junitxml=report.xml"
if sh -c "$rerun" >"$work/pytest.txt" 2>&1; then
  echo "FAILED the project's tests pass, but they should fail"; exit 1
fi
mkdir -p "$top/target/lsp-messages"
log="$top/target/lsp-messages/neovim.jsonl"
rm -f "$log"
FS_WORKSPACE="$PWD" FS_CONFIG="$top/editors/neovim" FS_BIN="$binary" FS_LOG="$log" FS_RERUN="$rerun" \
  XDG_STATE_HOME="$work/state" XDG_DATA_HOME="$work/data" XDG_CACHE_HOME="$work/cache" XDG_CONFIG_HOME="$work/config" \
  timeout 180 "$venv/bin/nvim" --clean --headless -c "luafile $here/story.lua"
