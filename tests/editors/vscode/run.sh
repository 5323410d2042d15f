#!/usr/bin/env bash
# Packages the extension with the binary inside and drives it in a real VS Code (code-server in Chromium).
# usage: run.sh BINARY VENV   Installs Chromium by package name if there is none. Screenshots: target/screenshots/
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
binary=$(realpath "$1") venv=$(realpath "$2")
twice() { "$@" || { echo "again: $*" >&2; sleep 5; "$@"; }; }
npm_ci() { twice npm ci --ignore-scripts --no-audit --no-fund --silent; }

. "$top/tests/support/chromium.sh"

cd "$here"
if [ ! -d node_modules/code-server/lib/vscode/node_modules/vscode-textmate ]; then
  npm_ci
  # code-server's own shrinkwrap is out of step, so its editor is installed from its package file.
  (cd node_modules/code-server/lib/vscode && twice npm install --omit=dev --ignore-scripts --no-audit --no-fund --silent)
fi
# Its logs are written by a native module that is not compiled here.
logger=node_modules/code-server/lib/vscode/node_modules/@vscode/spdlog
[ -e "$logger/build/Release/spdlog.node" ] || cp spdlog.cjs "$logger/index.js"
cd "$top/editors/vscode"
[ -d node_modules ] || npm_ci
npx --no-install tsc --noEmit
python3 "$here/targets.py"
node package.mjs "$binary" linux-x64 >/dev/null
cd "$here"
export FAILSCOPE_TEST_BINARY=$binary
failed=0
for story in story keys python; do
  echo "-- $story"
  node $story.mjs "$top/editors/vscode/failscope.vsix" "$venv/bin/python" "$top/target/screenshots" || failed=1
done
exit $failed
