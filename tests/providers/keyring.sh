#!/usr/bin/env bash
# A key in a real key ring of the operating system: GNOME's, on a session bus of its own.
#
# usage: tests/providers/keyring.sh [FAILSCOPE]      [default: target/debug/failscope]
# Needs Debian's dbus-daemon, gnome-keyring and libsecret-tools, which root installs if they are missing. Touches no
# key ring but its own, in a temporary folder. Prints one line per check and in the end 'N passed, M failed'.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:-$here/../../target/debug/failscope}")
# shellcheck source=tests/support/apt.sh
. "$here/../support/apt.sh"
installed dbus-run-session dbus-daemon
installed dbus-send dbus-bin
installed gnome-keyring-daemon gnome-keyring
installed secret-tool libsecret-tools

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/home" "$folder/run" "$folder/workspace"
chmod 700 "$folder/run"
cat >"$folder/inside.sh" <<'INSIDE'
set -euo pipefail
program=$1 folder=$2 key=gsk-from-the-key-ring-0451
passed=0 failed=0
export HOME=$folder/home XDG_RUNTIME_DIR=$folder/run XDG_DATA_HOME=$folder/home/data

# What doctor says of the model, with nothing in the environment that says more.
model() {
  env -i PATH="$PATH" HOME="$HOME" DBUS_SESSION_BUS_ADDRESS="$DBUS_SESSION_BUS_ADDRESS" env "$@" \
    "$program" doctor --json --root "$folder/workspace" 2>&1 |
    tee -a "$folder/said" | python3 -c 'import json, sys; print(json.load(sys.stdin)["model"]["why"])'
}
check() {
  if [[ $3 == *"$2"* ]]; then echo "ok    $1"; passed=$((passed + 1))
  else echo "FAIL  $1: $3"; failed=$((failed + 1)); fi
}

check "without a session bus there is no key" "there is no key" "$(model -u DBUS_SESSION_BUS_ADDRESS)"
# Before anything else asks: the bus would start one of its own, locked. It ends with the bus.
printf pass |
  gnome-keyring-daemon --daemonize --unlock --components=secrets --control-directory="$folder/run" >/dev/null 2>&1
check "an empty key ring holds none" "there is no key" "$(model)"
printf %s "$key" | secret-tool store --label=Groq service failscope username groq
check "a key is found" "its key is in the key ring (failscope/groq)" "$(model)"
check "the environment comes before it" "OPENAI_API_KEY is set" "$(model OPENAI_API_KEY=sk-of-the-environment)"
printf 'two words' | secret-tool store --label=Groq service failscope username groq
check "what is no key is named" "the key ring's entry failscope/groq is no key" "$(model)"
printf %s "$key" | secret-tool store --label=Groq service failscope username groq
dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
  org.freedesktop.Secret.Service.Lock array:objpath:/org/freedesktop/secrets/collection/login >/dev/null
began=$SECONDS
check "a locked one is not waited for" "there is no key" "$(model)"
check "… for long" yes "$([ $((SECONDS - began)) -lt 20 ] && echo yes || echo "$((SECONDS - began)) s")"
check "the key is printed nowhere" 0 "$(grep -c "$key" "$folder/said" || true)"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
INSIDE
dbus-run-session -- bash "$folder/inside.sh" "$program" "$folder" 2> >(grep "^FAIL\|panicked" >&2)
