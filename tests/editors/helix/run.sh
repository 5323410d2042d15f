#!/usr/bin/env bash
# Drives a real Helix (Debian 13's) in a terminal.  usage: run.sh BINARY VENV
set -euo pipefail
. "$(dirname "$0")/../common.sh"
. "$top/tests/support/debian13.sh"
debian13 hx libc6 libgcc-s1
export HELIX_RUNTIME=$debian13_root/usr/lib/hx/runtime
in13 usr/lib/hx/hx --version
launcher=$top/target/debian13/hx
{ echo '#!/usr/bin/env bash'; echo "top='$top'"; cat "$top/tests/support/debian13.sh"; echo 'in13 usr/lib/hx/hx "$@"'; } >"$launcher"
chmod +x "$launcher"
python3 "$here/story.py" "$binary" "$venv" env HELIX_RUNTIME="$HELIX_RUNTIME" "$launcher"
