#!/usr/bin/env bash
# Opens reports in Chromium and holds the other formats against their schemas.
#
# usage: tests/html/run.sh        needs Node 20 and npm; Chromium is $CHROMIUM, the one on PATH, or is installed
# Prints one line per check and in the end 'N passed, M failed'. Screenshots go to target/html/.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/target/html
mkdir -p "$work"
[ -n "${CHROMIUM:-}" ] || . "$root/tests/support/chromium.sh"

cargo test --quiet --manifest-path "$root/Cargo.toml" --test report_pages >"$work/pages.log" 2>&1 || { cat "$work/pages.log"; exit 1; }

cp "$here"/*.mjs "$here"/package.json "$here"/package-lock.json "$work/"
if ! cmp -s "$here/package-lock.json" "$work/node_modules/.installed"; then
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2
  cp "$here/package-lock.json" "$work/node_modules/.installed"
fi
PAGES=$root/target/tmp/pages exec node "$work/main.mjs"
