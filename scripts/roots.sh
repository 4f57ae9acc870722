# shellcheck shell=bash
# Sourced by what installs packages: systems of their own to install them into, and words for what was looked at.
#
# Each thing that is looked at counts. The last line is the sum, as scripts/parts.sh has it.

[ "$(id -u)" = 0 ] || die "only root can install packages into a system of their own"

passed=0 skipped=0
ok() { echo "ok: $*"; passed=$((passed + 1)); }
skip() { echo "skipped: $*"; skipped=$((skipped + 1)); }
# expect WHAT COMMAND…
expect() { local what=$1; shift; "$@" || die "not so: $what"; ok "$what"; }
expect_not() { local what=$1; shift; if "$@"; then die "not so: $what"; fi; ok "$what"; }
# wait_until WHAT COMMAND…: asks again until it is so.
wait_until() {
  local what=$1 end=$((SECONDS + ${wait_time:-120})); shift
  until "$@"; do [ "$SECONDS" -lt "$end" ] || die "it did not come about: $what"; sleep 0.2; done
  ok "$what"
}

# sum: to be called as the script ends. Whatever ended it before its end is one failure.
sum() {
  local ended=$?
  clean || true
  echo "$passed passed, $((ended != 0)) failed, $skipped skipped"
  exit "$ended"
}
trap sum EXIT

# base_system [PACKAGE…]: sets $base to the folder of a fresh Debian with these packages, which is made once.
base_system() {
  local release mirror
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $release" | head -n1)
  base="$target/base-$release$(printf -- '-%s' "$@")"
  [ ! -e "$base" ] || return 0
  say "making a fresh $release"
  rm -rf "$base.new"
  debootstrap --variant=minbase ${1:+--include="$(IFS=,; echo "$*")"} "$release" "$base.new" "${mirror:-http://deb.debian.org/debian}"
  chroot "$base.new" apt-get update -q
  mv "$base.new" "$base"
}

# new_root FOLDER: a copy of $base, in which no service is started as its package is installed, unless the system itself runs.
new_root() {
  rm -rf --one-file-system "$1"
  cp -a "$base" "$1"
  cp /etc/resolv.conf "$1/etc/resolv.conf"
  mkdir "$1/packages"
}

# in_root FOLDER COMMAND…: runs it in a system that does not run.
in_root() {
  local root=$1; shift
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

# without_services FOLDER COMMAND…: the same, so that the services of packages that it installs are not started.
without_services() {
  local policy="$1/usr/sbin/policy-rc.d"
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  local status=0
  in_root "$@" || status=$?
  rm "$policy"
  return "$status"
}
