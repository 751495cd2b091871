#!/bin/sh
# Wires the containers of docker-compose.yml, as the lab does: links made straight into their network
# namespaces by one short-lived container that sees their processes. Can be run again at any time.
set -eu

# All containers of this compose project, and no others, have its volume at /wires.
volume_of() { awk '$5 == "/wires" { print $3, $4 }' "$1" 2> /dev/null || true; }
mine=$(volume_of /proc/self/mountinfo)

pid_of() {
  for mounts in $(grep -ls ' /wires ' /proc/[0-9]*/mountinfo); do
    process=${mounts%/mountinfo}
    if [ "$(volume_of "$mounts")" = "$mine" ] && tr '\0' '\n' < "$process/environ" | grep -qx "LAB_HOST=$1"; then
      echo "${process#/proc/}"
      return
    fi
  done
  echo "no $1 container is running in this project; start it: docker compose up" >&2
  return 1
}

mkdir -p /run/netns
for host in client firewall server; do
  pid=$(pid_of "$host")
  ln -sfn "/proc/$pid/ns/net" "/run/netns/$host"
done

# Links of an earlier wiring go first. With one end the other goes too.
for device in inside outside; do
  ip -netns firewall link delete "$device" 2> /dev/null || true
done
ip link add inside netns firewall type veth peer name eth0 netns client
ip link add outside netns firewall type veth peer name eth0 netns server

up() {
  # With offloads a capture shows 64 KiB segments and checksums no one computed.
  nsenter --net="/run/netns/$1" ethtool -K "$2" tx off tso off gso off gro off > /dev/null
  ip -netns "$1" address add "$3/24" dev "$2"
  ip -netns "$1" link set "$2" up
}
up firewall inside 10.0.0.1
up firewall outside 203.0.113.1
up client eth0 10.0.0.10
up server eth0 203.0.113.20
# The server gets no route to the inside: what reaches it was translated.
ip -netns client route add 203.0.113.0/24 via 10.0.0.1
echo 'wired: client 10.0.0.10 — 10.0.0.1 firewall 203.0.113.1 — 203.0.113.20 server'
