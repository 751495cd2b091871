#!/bin/sh
# mount(8) of util-linux 2.38.1 makes the folder /run/mount before it mounts, whatever it mounts and for whichever
# namespace: a root who makes a mount namespace of his own and lays a tmpfs over /run with mount(8) leaves /run/mount
# on the machine outside, where that was not. libmount keeps its table of user options there (utab), though a tmpfs
# has none. `--no-mtab` (-n) does without, and so does mount(2).
#
# Takes Debian 12's package apart in a folder of its own and runs it in namespaces of its own; installs nothing. Fails if
# that changes.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in mount=2.38.1-5+deb12u3 libmount1=2.38.1-5+deb12u3; do
  apt-get download -qq "$package" > /dev/null 2>&1 || { echo "cannot be had: $package"; exit 4; }
done
for file in *.deb; do dpkg -x "$file" .; done
LD_LIBRARY_PATH=$(dirname "$work"/usr/lib/*/libmount.so.1)
export LD_LIBRARY_PATH

# Two mount namespaces, one in the other: the outer stands for the machine, with an empty /run that both share.
try() {
  unshare --user --map-root-user --mount sh -c '
    "$1" --no-mtab -t tmpfs machine /run
    mkdir /run/work
    unshare --mount sh -c "$2 -t tmpfs own /run" sh
    ls /run | tr "\n" " "' sh "$work/bin/mount" "$work/bin/mount $1"
}
as_usual=$(try '')
without=$(try --no-mtab)
echo "in the machine's /run after mount -t tmpfs own /run:           $as_usual"
echo "in the machine's /run after mount --no-mtab -t tmpfs own /run: $without"

[ "$as_usual" = 'mount work ' ] && [ "$without" = 'work ' ] || { echo 'this has changed'; exit 1; }
