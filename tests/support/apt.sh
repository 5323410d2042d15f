# Sourced: `installed COMMAND PACKAGE…` sees to it that COMMAND is there, installing Debian's packages by name if it is
# not. An installation can die midway; it is mended and tried once more.
installed() {
  local command=$1
  shift
  if command -v "$command" >/dev/null; then return; fi
  export DEBIAN_FRONTEND=noninteractive
  install_packages "$@" || { dpkg --configure -a && apt-get -f install -y -qq && install_packages "$@"; }
}

install_packages() {
  apt-get update -qq &&
    apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}
