# Sourced: sees to it that a Chromium is on PATH, installing Debian's by name if there is none. An installation
# can die midway; it is mended and tried once more.
if ! command -v chromium >/dev/null; then
  install_chromium() {
    apt-get update -qq &&
      apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 chromium >/dev/null
  }
  export DEBIAN_FRONTEND=noninteractive
  install_chromium || { dpkg --configure -a && apt-get -f install -y -qq && install_chromium; }
fi
