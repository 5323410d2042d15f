# Sourced: sees to it that a Chromium is on PATH.
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"
installed chromium chromium
