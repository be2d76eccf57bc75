#!/usr/bin/env bash
# Fails unless the three services answer as healthy; waits for them at most so many seconds.
#   .ci/expect-services.sh SECONDS
set -euo pipefail
deadline=$((SECONDS + $1))
for port in "${API_AUTH_PORT:-8001}" "${API_USER_PORT:-8002}" "${API_ADMIN_PORT:-8003}"; do
  until answer=$(curl --fail --silent --max-time 5 "http://127.0.0.1:$port/health"); do
    if ((SECONDS > deadline)); then
      printf 'nothing healthy at port %s after %s s\n' "$port" "$1" >&2
      exit 1
    fi
    sleep 0.2
  done
  printf '%s\n' "$answer"
done
