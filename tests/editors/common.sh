# Sourced by NAME/run.sh with BINARY and VENV as arguments: the folders, both arguments as absolute paths, and what every
# story in a terminal needs (tmux, and Chromium for pictures).
here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
top=$(cd "$here/../../.." && pwd)
binary=$(realpath "$1") venv=$(realpath "$2")
. "$top/tests/support/apt.sh"
. "$top/tests/support/chromium.sh"
installed tmux tmux
