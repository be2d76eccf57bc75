#!/usr/bin/env bash
# A Docker engine with Compose and buildx on a bare Debian 12 machine.
#
#   .ci/engine.sh [start]   use the engine that answers, or install and start one
#   .ci/engine.sh stop      stop the engine that `start` started, and only that
#   .ci/engine.sh status    say what there is
#   .ci/engine.sh env       print what tests need set for an engine `start` started:
#                           eval "$(.ci/engine.sh env)"
#
# Debian 12 has engine 20.10 only; the engine comes from Debian 13, which runs on
# the libraries of Debian 12.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

STATE=${ORCH_CI_STATE:-/run/orch-ci}
PIDFILE=$STATE/dockerd.pid
LOG=$STATE/dockerd.log
START_SECONDS=60
STOP_SECONDS=60

# The process id of the engine that `start` started, if it still runs. The pid
# file alone does not prove it (pids are used again); its own command line does.
our_pid() {
  local pid
  [[ -r $PIDFILE ]] || return 1
  pid=$(<"$PIDFILE")
  [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" | grep -Fxq -- "--pidfile=$PIDFILE" || return 1
  printf '%s\n' "$pid"
}

install_engine() {
  need_root 'installing the engine'
  say 'installing the engine'
  apt_update
  local packages=(docker.io) files=() package
  # Debian 13 has the client in a package of its own; the machine's own client,
  # if there is one, is left as it is.
  [[ -n $(type -P docker) ]] || packages+=(docker-cli)
  fetch_debs trixie "${packages[@]}"
  for package in "${packages[@]}"; do files+=("$(deb_file trixie "$package")"); done
  # Everything these need is in Debian 12, so apt may resolve it there.
  apt_install "${files[@]}" iptables ca-certificates
}

# install_plugin NAME RELEASE: puts the plugin `docker NAME` where every client
# looks. Only the one file: the package wants the newer release's docker-cli.
install_plugin() {
  local name=$1 release=$2 package="docker-$1" target unpacked file
  docker "$name" version >/dev/null 2>&1 && return 0
  fetch_debs "$release" "$package"
  if [[ $(id -u) -eq 0 ]]; then
    target=/usr/local/lib/docker/cli-plugins
  else
    target=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
  fi
  unpacked=$(mktemp -d)
  dpkg -x "$(deb_file "$release" "$package")" "$unpacked"
  file=$(find "$unpacked" -type f -path "*/cli-plugins/$package" | head -n 1)
  [[ -n $file ]] || die "no plugin in the package $package"
  mkdir -p "$target"
  install -m 0755 "$file" "$target/$package"
  rm -rf "$unpacked"
  docker "$name" version >/dev/null 2>&1 || die "docker $name does not run"
}

start_engine() {
  need_root 'starting the engine'
  mkdir -p "$STATE"
  say "starting the engine (log: $LOG)"
  # A session of its own, so that it outlives this shell. Ports that do not name
  # an address are published on loopback only: this is a test machine, nothing
  # on it is for the network.
  setsid dockerd --pidfile="$PIDFILE" --ip=127.0.0.1 \
    --default-network-opt=bridge=com.docker.network.bridge.host_binding_ipv4=127.0.0.1 \
    </dev/null >"$LOG" 2>&1 9>&- &
  local child=$! deadline=$((SECONDS + START_SECONDS))
  until engine_answers; do
    if ! kill -0 "$child" 2>/dev/null; then
      tail -n 20 "$LOG" >&2
      die 'the engine ended at once'
    fi
    if ((SECONDS >= deadline)); then
      tail -n 20 "$LOG" >&2
      kill -TERM "$child"
      die "the engine does not answer after $START_SECONDS s"
    fi
    sleep 0.2
  done
}

start() {
  take_turns
  if engine_answers; then
    say 'an engine answers already: using it'
  else
    # Compared with Debian 12's own 20.10, which may have been installed before.
    local version
    version=$(dockerd --version 2>/dev/null | grep -oE -m 1 '[0-9]+\.[0-9]+' || true)
    if [[ -z $version ]] || dpkg --compare-versions "$version" lt 26; then install_engine; fi
    # Where the machine has an init system, the package itself starts the engine.
    engine_answers || start_engine
  fi
  install_plugin compose testing
  # Compose builds with buildx 0.17 and newer only; Debian 13 has 0.13.
  install_plugin buildx testing
  status
}

status() {
  engine_answers || { say 'no engine answers'; return 1; }
  docker info --format 'engine {{.ServerVersion}}, storage {{.Driver}}, cgroup v{{.CgroupVersion}}'
  docker compose version
  docker buildx version
  local pid
  if pid=$(our_pid); then echo "started by this script, pid $pid"; fi
}

# For testcontainers. An engine that was there before needs none of this.
env_settings() {
  our_pid >/dev/null || return 0
  # Its reaper is an image from a registry, and none is reachable here; the tests
  # remove what they start.
  echo 'export TESTCONTAINERS_RYUK_DISABLED=true'
  # Where /.dockerenv exists it looks for ports at the bridge's gateway, but they
  # are published on loopback only.
  echo 'export TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1'
}

stop() {
  local pid deadline
  if ! pid=$(our_pid); then
    say 'no engine of ours runs'
    return 0
  fi
  kill -TERM "$pid"
  deadline=$((SECONDS + STOP_SECONDS))
  while kill -0 "$pid" 2>/dev/null; do
    ((SECONDS < deadline)) || die "the engine (pid $pid) still runs after $STOP_SECONDS s"
    sleep 0.2
  done
  say 'engine stopped'
}

case ${1:-start} in
  start) start ;;
  stop) stop ;;
  status) status ;;
  env) env_settings ;;
  *) die 'usage: engine.sh [start|stop|status|env]' ;;
esac
