#!/usr/bin/env bash
# Drives a real Kate on a screen of its own (Xvfb).  usage: run.sh BINARY VENV
set -euo pipefail
. "$(dirname "$0")/../common.sh"
installed kate kate breeze-icon-theme
installed Xvfb xvfb xauth
installed xdotool xdotool
installed import imagemagick
installed dbus-run-session dbus-daemon
installed git git
xvfb-run -a -s "-screen 0 1200x800x24" dbus-run-session -- python3 "$here/story.py" "$binary" "$venv"
