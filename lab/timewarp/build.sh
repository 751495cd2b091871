#!/bin/sh
# Builds the kernel of the timewarp engine: User Mode Linux with time travel, from the distribution's own
# kernel source. Does nothing when this very kernel has been built already.
set -eu
cd "$(dirname "$0")"

help() {
  cat << END
Usage: npm run timewarp:build [-- [--kernel 6.1] [--in-container] [--force] [--into DIR]]

Builds a Linux whose clock jumps when everything in it sleeps, for runs with --engine timewarp.
Takes three to ten minutes on two processors, and 2 GB of disk while it lasts.

  --kernel VERSION   which of Debian's kernel sources: 6.1 (default), or another linux-source-VERSION;
                     several are kept side by side, and chosen between by the run's own --kernel
  --in-container     in a container (needs Docker and the lab's base image), so nothing is installed here
  --force            build anew what is built already
  --into DIR         where kernels are kept (default: \$LAB_CACHE, or
                     ~/.cache/ftp-firewall-lab, each with its folder timewarp/)

Root is needed for nothing but the installation of missing packages.
Exit codes: 0 the kernel is there, 2 wrong arguments, 3 it could not be built, 4 something is missing here.
END
}

say() { printf '%s\n' "$*"; }
fail() {
  code=$1
  shift
  say "$*" >&2
  exit "$code"
}

version=6.1
force=
container=
into=${LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/ftp-firewall-lab}/timewarp
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) help && exit ;;
    --force) force=yes ;;
    --in-container) container=yes ;;
    --kernel | --into)
      [ $# -gt 1 ] || fail 2 "$1 needs a value; see --help"
      if [ "$1" = --kernel ]; then version=$2; else into=$2; fi
      shift
      ;;
    *) fail 2 "$1 is no argument of timewarp:build; see --help" ;;
  esac
  shift
done
case $version in
  '' | *[!0-9.]*) fail 2 "\"$version\" is no kernel version; allowed: two numbers, as in 6.1" ;;
esac
# A user's PATH on Debian leaves out some of these tools.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
LC_ALL=C
export PATH LC_ALL
mkdir -p "$into" 2> /dev/null || fail 3 "$into cannot be made; choose another place with --into"
into=$(cd "$into" && pwd)
[ -w "$into" ] || fail 3 "$into cannot be written to; choose another place with --into"
kernel=$into/$version

if [ -n "$container" ]; then
  . ./build-in-container.sh
  exit
fi

# --- what it takes -------------------------------------------------------------------------------

package=linux-source-$version
tarball=/usr/src/$package.tar.xz
# tool:package, as Debian names them
missing=
for pair in gcc:gcc make:make bc:bc flex:flex bison:bison patch:patch xz:xz-utils depmod:kmod strip:binutils; do
  command -v "${pair%%:*}" > /dev/null || missing="$missing ${pair#*:}"
done
echo '#include <gelf.h>' | gcc -E - > /dev/null 2>&1 || missing="$missing libelf-dev"
echo '#include <stdio.h>' | gcc -E - > /dev/null 2>&1 || missing="$missing libc6-dev"
if [ -n "$missing" ] || [ ! -e "$tarball" ]; then
  command -v apt-get > /dev/null || fail 4 "Missing, in packages (Debian's names):$missing $package"
fi

as_root=none
if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
  as_root=sudo
fi
install() {
  say installing "$@"
  run="env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
  # The package list may be old or absent; it is fetched only when it does not do.
  # shellcheck disable=SC2086 # words are wanted: an optional sudo, and a command
  $as_root $run "$@" > /dev/null 2>&1 || { $as_root apt-get update -qq && $as_root $run "$@" > /dev/null; }
}
if [ -n "$missing" ]; then
  [ "$as_root" != none ] ||
    fail 4 "Missing packages; they need root: sudo apt-get install -y --no-install-recommends$missing"
  # shellcheck disable=SC2086 # a list
  install $missing || fail 4 "These packages cannot be installed:$missing"
fi

work=
finish() {
  [ -z "$work" ] || rm -rf "$work"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
# What a build that was killed left behind.
for old in "$into"/.build-*; do
  [ -e "$old" ] && [ ! -d "/proc/${old##*-}" ] && rm -rf "$old"
done
work=$into/.build-$$
mkdir "$work"

# --- the source, as the distribution signed it -----------------------------------------------------

known() { apt-cache show "$package" > /dev/null 2>&1; }
if [ ! -e "$tarball" ]; then
  # The newest there is: kernels of one version differ in what a firewall does, too.
  [ "$as_root" = none ] || $as_root apt-get update -qq || true
  known || fail 4 "This system has no package $package. It has: $(apt-cache search --names-only '^linux-source-[0-9.]+$' |
    sed 's/^linux-source-\([0-9.]*\) .*/\1/' | tr '\n' ' ')"
  if [ "$as_root" != none ]; then
    install "$package" || fail 4 "$package cannot be installed"
  else
    # Without root it is fetched, and checked against the signed list, but not installed.
    say "fetching $package"
    (cd "$work" && apt-get download -qq "$package" && dpkg-deb -x ./*.deb . && dpkg-deb -e ./*.deb DEBIAN && rm ./*.deb) ||
      fail 4 "$package cannot be fetched"
    tarball=$work$tarball
  fi
fi
# The package's own list of sums.
if [ -d "$work/DEBIAN" ]; then
  sums=$work/DEBIAN/md5sums
  source_version=$(sed -n 's/^Version: //p' "$work/DEBIAN/control")
else
  sums=$(dpkg-query --control-path "$package" md5sums 2> /dev/null) || fail 3 "$tarball belongs to no installed package $package"
  # shellcheck disable=SC2016 # dpkg-query's own variable
  source_version=$(dpkg-query --show --showformat '${Version}' "$package")
fi
expected=$(sed -n "s| *usr/src/$package.tar.xz\$||p" "$sums")

digest=$({
  cat kernel.config ./*.patch
  say "$package $source_version $expected"
  gcc --version | head -n 1
  uname -m
} | sha256sum | cut -c 1-64)
if [ -z "$force" ] && [ "$(cat "$kernel/built-from" 2> /dev/null)" = "$digest" ]; then
  say "Linux $version for time travel is built already: $kernel"
  exit
fi

free=$(df -Pk "$into" | awk 'END { print int($4 / 1024) }')
[ "$free" -ge 2000 ] || fail 3 "Building needs 2000 MB free in $into, which has $free; choose another place with --into"
[ "$(md5sum < "$tarball" | cut -d ' ' -f 1)" = "$expected" ] ||
  fail 3 "$tarball is not what its package holds; install it again: sudo apt-get install --reinstall $package"

# --- the build -----------------------------------------------------------------------------------

step() {
  "$@" > "$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    fail 3 "Linux $version was not built: see above"
  }
}
# Counts what make says it has done; about as many files every time.
progress() {
  done=0
  while read -r line; do
    done=$((done + 1))
    [ $((done % 50)) -eq 0 ] || continue
    if [ -t 1 ]; then
      printf '\r  %s of about 1300 files compiled' "$done"
    elif [ $((done % 250)) -eq 0 ]; then
      say "  $done of about 1300 files compiled"
    fi
  done
  [ ! -t 1 ] || printf '\r\033[K'
}
say "unpacking $package $source_version"
step tar -xf "$tarball" -C "$work"
source=$work/$package
# They are written for 6.1. One is needed; without the others a machine is slower.
apply() { patch -d "$source" -p1 --force -i "$change" "$@"; }
for change in "$PWD"/*.patch; do
  if [ "${change##*/}" = hear-after-throttle.patch ] || apply --dry-run > /dev/null 2>&1; then
    step apply
  else
    say "left out ${change##*/}: Linux $version is not as it expects"
  fi
done
step make -C "$source" ARCH=um defconfig
step sh -c "cd '$source' && sh scripts/kconfig/merge_config.sh -m .config '$PWD/kernel.config'"
step make -C "$source" ARCH=um olddefconfig
# What was asked for and is not there would be found out by a run, much later. What a version has no setting for
# has become part of something else.
lacking=
for setting in $(grep -E '^CONFIG_[A-Z0-9_]+=' kernel.config | grep -vxFf "$source/.config"); do
  name=${setting%%=*}
  ! grep -rqxE "[[:space:]]*(menu)?config ${name#CONFIG_}" --include='Kconfig*' "$source" || lacking="$lacking $setting"
done
[ -z "$lacking" ] || fail 3 "The source of Linux $version does not take these settings:$lacking"
say "compiling Linux $version on $(nproc) processors"
{
  make -C "$source" ARCH=um -j"$(nproc)" linux modules 2> "$work/errors" || : > "$work/failed"
} | progress
if [ -e "$work/failed" ]; then
  grep -E 'error|Error' "$work/errors" | head -n 20 >&2
  fail 3 "Linux $version was not built: see above"
fi

new=$work/kernel
release=$(cat "$source/include/config/kernel.release")
mkdir -p "$new/lib/modules/$release"
strip -o "$new/linux" "$source/linux"
strip --strip-debug "$source"/net/netfilter/nf_*_ftp.ko
cp "$source"/net/netfilter/nf_*_ftp.ko "$source/modules.builtin" "$source/modules.order" "$new/lib/modules/$release/"
step depmod -b "$new" "$release"
say "$digest" > "$new/built-from"
rm -rf "$kernel"
mv "$new" "$kernel"
say "built $kernel ($(($(stat -c %s "$kernel/linux") / 1000)) kB). Now: npm run lab -- passive-nat --engine timewarp"
