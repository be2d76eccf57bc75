#!/usr/bin/env bash
# `docker compose up` on the sample, with nothing else, brings the three services up; a second `up` changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export COMPOSE_PROJECT_NAME=orch-ci-compose-up
trap 'docker compose --file compose/compose.yaml down --volumes --timeout 5' EXIT
docker compose --file compose/compose.yaml up --detach
.ci/expect-services.sh 60
docker compose --file compose/compose.yaml logs --no-color orchestrator
