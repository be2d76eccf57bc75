#!/usr/bin/env bash
# Fails where something listens already on the sample's ports: its answers would be taken for the sample's.
set -euo pipefail
for port in "${API_AUTH_PORT:-8001}" "${API_USER_PORT:-8002}" "${API_ADMIN_PORT:-8003}" "${ORCH_POSTGRES_PORT:-54329}"; do
  if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    printf 'port %s is taken already\n' "$port" >&2
    exit 1
  fi
done
