#!/bin/sh
# dash 0.5.12 takes `trap '' CHLD` without a word, and does not ignore SIGCHLD: a program it becomes by `exec` gets the
# signal's default action, so children that program never waits for stay zombies. Other signals are ignored as asked,
# and bash 5.2 ignores SIGCHLD, too. POSIX has a signal that a shell ignores stay ignored in what it executes
# (Shell Command Language, 2.12). What does it from any shell: `env --ignore-signal=CHLD program`, of coreutils.
#
# Takes Debian 12's packages of both shells apart in a folder of its own; installs nothing. Fails if that changes.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in dash=0.5.12-2 bash; do
  apt-get download -qq "$package" > /dev/null 2>&1 || { echo "cannot be had: $package"; exit 4; }
done
for file in *.deb; do dpkg -x "$file" .; done

# Bits of /proc/PID/status, SigIgn: signal N is bit N-1. SIGUSR1 is 10, SIGCHLD 17.
ignored() { "$@" -c "trap '' USR1 CHLD; exec sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status"; }
in_dash=$(ignored ./bin/dash)
in_bash=$(ignored ./bin/bash)
by_env=$(./bin/dash -c "exec env --ignore-signal=CHLD sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status")
printf 'after trap "" USR1 CHLD, dash ignores %s\n' "$in_dash"
printf 'after trap "" USR1 CHLD, bash ignores %s\n' "$in_bash"
printf 'by env --ignore-signal=CHLD, from dash: %s\n' "$by_env"

[ "$in_dash" = 0000000000000200 ] && [ "$in_bash" = 0000000000010200 ] && [ "$by_env" = 0000000000010000 ] ||
  { echo 'this has changed'; exit 1; }
