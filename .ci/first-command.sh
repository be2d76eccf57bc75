#!/usr/bin/env bash
# Follows the README's first command in a clean clone, without Docker, and checks that the three services answer
# and that all of it ends on Ctrl-C.
#   .ci/first-command.sh REPOSITORY FOLDER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/ports-free.sh"
git clone --quiet "$1" "$2"
cd "$2"
# No engine is to be found: the sample runs embedded.
export DOCKER_HOST=unix:///nonexistent/docker.sock
began=$(date +%s%N)
npm ci
# In a process group of its own, so that the interrupt reaches orch as Ctrl-C on a terminal would.
setsid npm start >start.log 2>&1 &
leader=$!
trap 'kill -KILL -- "-$leader" 2>/dev/null || true' EXIT
if ! "$here/expect-services.sh" 120; then
  cat start.log >&2
  exit 1
fi
printf 'npm ci && npm start to all healthy: %s ms\n' "$((($(date +%s%N) - began) / 1000000))"
kill -INT -- "-$leader"
wait "$leader" || true
cat start.log
"$here/ports-free.sh" # no service is left
