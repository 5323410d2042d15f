# Sourced: `debian13 PACKAGE…` unpacks packages of Debian 13 into target/debian13, for editors that Debian 12 does not
# have; nothing of the system is changed. `in13 PROGRAM ARGS…` runs a program from there, with its own C library.
debian13_root=$top/target/debian13/root

debian13() {
  local state=$top/target/debian13/apt package
  for package in "$@"; do
    if [ ! -e "$debian13_root/usr/share/doc/$package" ]; then
      fetch13 "$state" "$@" || { sleep 5; fetch13 "$state" "$@"; }
      return
    fi
  done
}

fetch13() {
  local state=$1 deb
  shift
  mkdir -p "$state"/{state/lists/partial,cache/archives/partial,sources,debs} "$debian13_root"
  local mirror key=/usr/share/keyrings/debian-archive-keyring.gpg
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep '/debian/*$' | head -1)
  printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' "$mirror" "$key" >"$state/sources/trixie.sources"
  local options=(-qq -o APT::Sandbox::User=root -o "Dir::State=$state/state" -o "Dir::Cache=$state/cache" -o Dir::State::status=/dev/null
    -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$state/sources")
  apt-get "${options[@]}" update && (cd "$state/debs" && apt-get "${options[@]}" download "$@") || return 1
  for deb in "$state"/debs/*.deb; do dpkg -x "$deb" "$debian13_root"; done
}

in13() {
  local program=$1 library=$debian13_root/usr/lib/x86_64-linux-gnu
  shift
  "$library/ld-linux-x86-64.so.2" --library-path "$library" "$debian13_root/$program" "$@"
}
