#!/bin/sh
# nft 1.0.6 makes one comparison of two "not equal" to neighbouring fields of a header: `tcp sport != 21 tcp dport != 22`
# becomes one of both ports at once, so the rule matches unless BOTH are as named, where it says neither may be. It
# happens with another match between the two as well (nft moves them together), and `nft list ruleset` shows the rule as it
# was written. With "equal" the same joining is right. Two rules, one for each field, mean what they say, and so do sets of
# several: `tcp sport != { 20, 21 } tcp dport != { 22, 23 }` (a set of one is made a value, and joined).
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

cat > try.sh <<'TRY'
nft=./usr/sbin/nft
$nft --version
told() {
  printf 'table ip t {\n chain c {\n  %s accept\n }\n}\n' "$1" > rules.nft
  echo "$1: $($nft --debug=netlink -f rules.nft | grep -c -e 'payload load .b @ transport') look at the ports"
  $nft flush ruleset
}
told 'tcp sport != 21 tcp dport != 22'
told 'tcp sport != 21 ip daddr 10.0.0.1 tcp dport != 22'
told 'tcp sport != { 20, 21 } tcp dport != { 22, 23 }'
TRY
unshare --user --map-root-user --net sh try.sh > out 2>&1 || { cat out; echo 'no namespace can be made here'; exit 4; }
cat out
cat > expected <<'OUT'
tcp sport != 21 tcp dport != 22: 1 look at the ports
tcp sport != 21 ip daddr 10.0.0.1 tcp dport != 22: 1 look at the ports
tcp sport != { 20, 21 } tcp dport != { 22, 23 }: 2 look at the ports
OUT
sed 1d out | cmp -s - expected || { echo 'this has changed'; exit 1; }
