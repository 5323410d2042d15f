#!/usr/bin/env bash
# Sets up what the tests need (a Python virtual environment and Node packages, all pinned, under target/) and
# runs every test. Needs Rust, Python 3.10 or newer with venv, and Node 20.
set -euo pipefail
cd "$(dirname "$0")/.."

# A registry that does not answer the first time is asked once more.
twice() { "$@" || { echo "again: $*" >&2; sleep 5; "$@"; }; }

# Makes the virtual environment $1 with the packages of $2, unless it is there already.
environment() {
  local stamp=$1/requirements.sha256 want
  want=$(sha256sum "$2" | cut -d' ' -f1)
  if [ "$(cat "$stamp" 2>/dev/null || true)" != "$want" ]; then
    python3 -m venv --clear "$1"
    twice "$1/bin/pip" install --quiet --disable-pip-version-check -r "$2"
    echo "$want" >"$stamp"
  fi
}

venv=$PWD/target/venv
environment "$venv" tests/requirements.txt
# Apart, since some of these bring plugins for pytest.
environment "$PWD/target/venv-providers" tests/providers/requirements.txt
export FAILSCOPE_TEST_SDK_PYTHON=$PWD/target/venv-providers/bin/python
export FAILSCOPE_TEST_PYTHON=$venv/bin/python
# Tests change files within a second, and Python tells whether a compiled one is old by second and size.
export PYTHONDONTWRITEBYTECODE=1

rm -rf target/lsp-messages
echo "== cargo test"
cargo test --locked --quiet --no-fail-fast

echo "== a real key ring"
tests/providers/keyring.sh target/debug/failscope

echo "== a real small model behind a real server"
tests/providers/real_model/run.sh target/debug/failscope

echo "== the pytest plugin"
"$venv/bin/python" -m pytest -q -p no:cacheprovider -n2 --dist=worksteal --durations=15 tests/plugin

echo "== Neovim"
tests/editors/neovim/run.sh target/debug/failscope "$venv"

for editor in helix emacs vim kate; do
  echo "== $editor"
  tests/editors/$editor/run.sh target/debug/failscope "$venv"
done
"$venv/bin/python" tests/editors/configs.py
"$venv/bin/python" tests/editors/readme.py

echo "== soak of the language server"
python3 tests/lsp-process/soak.py target/debug/failscope 3000
timeout 120 python3 tests/lsp-process/poll.py target/debug/failscope

echo "== VS Code"
tests/editors/vscode/run.sh target/debug/failscope "$venv"

echo "== reports in a browser and against schemas"
tests/html/run.sh

echo "== recorded language-server messages against the LSP 3.17 types"
(cd tests/lsp-messages && { [ -d node_modules ] || twice npm ci --ignore-scripts --no-audit --no-fund --silent; })
node tests/lsp-messages/check.mjs target/lsp-messages
