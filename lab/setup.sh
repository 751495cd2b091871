#!/bin/sh
# Makes a fresh checkout ready: packages, build, and the system tools a run needs.
# Does nothing that is done already. Ends with 4 when something is missing that it may not install.
set -eu
cd "$(dirname "$0")/.."
# A user's PATH on Debian leaves out where these tools are.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say() { printf '%s\n' "$*"; }

if ! command -v node > /dev/null || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
  say "Node.js 20 or newer is needed; found: $(node --version 2> /dev/null || echo none). See https://nodejs.org/en/download"
  exit 4
fi

# npm ci only when the lock file is not the one installed last.
stamp=node_modules/.installed-lock
if ! cmp -s package-lock.json "$stamp"; then
  say "installing packages (npm ci)"
  npm ci --no-fund --no-audit --loglevel=error
  cp package-lock.json "$stamp"
fi

# Builds only what is not built yet from these sources.
node lab/build.mjs

if [ "$(uname -s)" != Linux ]; then
  # Namespaces are Linux's; there is nothing to install for containers but their engine.
  say "This is $(uname -s), so runs need containers: start Docker, then npm run images."
  say "ready: npm run lab -- passive-nat"
  exit 0
fi

# tool:package, as Debian and Ubuntu name them
missing=
for pair in ip:iproute2 nft:nftables iptables:iptables conntrack:conntrack tcpdump:tcpdump ethtool:ethtool \
  unshare:util-linux nsenter:util-linux setpriv:util-linux mount:mount; do
  command -v "${pair%%:*}" > /dev/null || missing="$missing ${pair#*:}"
done

if [ -n "$missing" ]; then
  if ! command -v apt-get > /dev/null; then
    say "Missing system tools, in packages (Debian's names):$missing"
    say "setup installs them on Debian and Ubuntu; here, install them with your system's package manager."
    exit 4
  fi
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
    as_root=sudo
  else
    say "Missing system tools. They need root; run this line, then npm run setup again:"
    say "  sudo apt-get update && sudo apt-get install -y$missing"
    exit 4
  fi
  say "installing system tools:$missing"
  # The package list may be old or absent; it is fetched only when it does not do.
  install="env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
  # shellcheck disable=SC2086 # words are wanted: an optional sudo, and a list of packages
  $as_root $install $missing > /dev/null 2>&1 || { $as_root apt-get update -qq && $as_root $install $missing > /dev/null; }
fi

say "ready: npm run lab -- passive-nat"
