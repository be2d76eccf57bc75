#!/usr/bin/env bash
# `docker compose up` on the sample, with nothing else, brings the three services up; a second `up` touches none of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Names of its own: whatever else of the sample is on the machine stays as it is.
export COMPOSE_PROJECT_NAME=orch-ci-compose-up ORCH_IMAGE=orch-ci-compose-up
compose() { docker compose --file compose/compose.yaml "$@"; }
services() { compose ps --quiet --no-trunc api-auth api-user api-admin | sort; }

.ci/ports-free.sh
trap 'compose down --volumes --rmi local --timeout 5' EXIT
began=$(date +%s%N)
compose up --detach
.ci/expect-services.sh 60
printf 'docker compose up to all healthy: %s ms\n' "$((($(date +%s%N) - began) / 1000000))"
before=$(services)
compose up --detach
compose logs --no-color orchestrator
if [[ -z $before || $(services) != "$before" ]]; then
  echo 'the second up touched a service' >&2
  exit 1
fi
