#!/bin/sh
# nft 1.0.6 with -j does not load rules in nft's own words that come on a pipe, and says so by nothing: `nft -j -f -`
# ends with 0 and prints nothing, and no table is there. The same text loads from a file with -j, and from the pipe
# without it; JSON loads from the pipe with -j. (-j is meant for what is printed; with -e it is how to get the handles
# of what one loads.) Who feeds rules by stdin has to leave -j out, or go by a file.
#
# Takes Debian 12's packages apart in a folder of its own; installs nothing. Works in a network namespace of its own,
# which an ordinary user can make, too. Fails if that changes.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in nftables=1.0.6-2+deb12u2 libnftables1=1.0.6-2+deb12u2 libjansson4 libnftnl11 libmnl0 libxtables12 libgmp10 libedit2 libbsd0 libmd0 libtinfo6; do
  apt-get download -qq "$package" > /dev/null 2>&1 || { echo "cannot be had: $package"; exit 4; }
done
for file in *.deb; do dpkg -x "$file" .; done
export LD_LIBRARY_PATH="$work/usr/lib/$(uname -m)-linux-gnu:$work/lib/$(uname -m)-linux-gnu"

printf 'table ip t {\n}\n' > text.nft
printf '{"nftables":[{"add":{"table":{"family":"ip","name":"t"}}}]}' > text.json
cat > try.sh <<'TRY'
nft=./usr/sbin/nft
$nft --version
told() { code=$?; echo "$1: code $code, tables $($nft list tables | wc -l)"; $nft flush ruleset; }
cat text.nft | $nft -j -f -; told 'text on a pipe, -j'
cat text.nft | $nft -f -; told 'text on a pipe'
$nft -j -f text.nft; told 'text in a file, -j'
cat text.json | $nft -j -f -; told 'JSON on a pipe, -j'
TRY
unshare --user --map-root-user --net sh try.sh > out 2>&1 || { cat out; echo 'no namespace can be made here'; exit 4; }
cat out
cat > expected <<'OUT'
text on a pipe, -j: code 0, tables 0
text on a pipe: code 0, tables 1
text in a file, -j: code 0, tables 1
JSON on a pipe, -j: code 0, tables 1
OUT
sed 1d out | cmp -s - expected || { echo 'this has changed'; exit 1; }
