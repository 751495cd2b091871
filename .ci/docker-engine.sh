# Sourced by .ci/run: a container engine for the Docker tests, with both kinds of Compose.
# An engine that is there is used. Where none runs, Debian's is installed and started with data and
# sockets of its own, no bridge and no firewall rules; stop_engine ends it. Its data are kept as a
# cache: images are named by their content, so nothing stale is ever taken.

engine_data="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ftp-firewall-lab"
engine_run=
engine_pid=

start_engine() {
  install_engine || return 1
  if docker version > /dev/null 2>&1; then
    echo "using the engine that is there: $(docker version --format '{{.Server.Version}}')"
    return 0
  fi
  # Short, because paths of sockets must be.
  engine_run=$(mktemp -d /tmp/lab-engine.XXXXXX)
  mkdir -p "$engine_data/docker"
  # With mounts of its own: what it leaves mounted goes with it.
  unshare --mount dockerd --data-root "$engine_data/docker" --exec-root "$engine_run/exec" --pidfile "$engine_run/pid" \
    --host "unix://$engine_run/docker.sock" --bridge=none --iptables=false > "$engine_run/log" 2>&1 &
  engine_pid=$!
  export DOCKER_HOST="unix://$engine_run/docker.sock"
  for _ in $(seq 300); do
    if docker version > /dev/null 2>&1; then
      echo "started an engine: $(docker version --format '{{.Server.Version}}')"
      return 0
    fi
    kill -0 "$engine_pid" 2> /dev/null || break
    sleep 0.1
  done
  echo "dockerd did not start:"
  tail -20 "$engine_run/log"
  return 1
}

stop_engine() {
  [ -n "$engine_pid" ] || return 0
  kill "$engine_pid" 2> /dev/null && wait "$engine_pid"
  rm -rf "$engine_run"
  engine_pid=
}

install_engine() {
  local missing=
  for pair in docker:docker.io dockerd:docker.io debootstrap:debootstrap docker-compose:docker-compose; do
    command -v "${pair%%:*}" > /dev/null || missing="$missing ${pair#*:}"
  done
  if [ -n "$missing" ]; then
    echo "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # The engine is started here and not by the package, which would take the machine's own places.
    local policy=/usr/sbin/policy-rc.d laid=
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod +x "$policy" && laid=$policy
    fi
    # shellcheck disable=SC2086 # a list of packages
    apt-get install -y -qq --no-install-recommends $missing > /dev/null 2>&1 ||
      { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing > /dev/null; }
    local installed=$?
    [ -z "$laid" ] || rm "$laid"
    [ "$installed" -eq 0 ] || return 1
  fi
  docker compose version > /dev/null 2>&1 || install_compose
}

# Compose v2 comes with Debian from the next release on. Its one program is taken out of that package,
# into a folder of our own: nothing of the machine's is mixed with another release.
install_compose() {
  local plugins="$engine_data/docker-config/cli-plugins"
  export DOCKER_CONFIG="$engine_data/docker-config"
  docker compose version > /dev/null 2>&1 && return 0
  local work
  work=$(mktemp -d)
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$plugins"
  echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' > "$work/sources.list"
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
  (cd "$work" && "${apt[@]}" update && "${apt[@]}" download docker-compose > /dev/null &&
    dpkg -x docker-compose_*.deb unpacked && cp unpacked/usr/libexec/docker/cli-plugins/docker-compose "$plugins/")
  local fetched=$?
  rm -rf "$work"
  return "$fetched"
}
