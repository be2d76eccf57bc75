#!/usr/bin/env bash
# The README's test command as a user without Docker and without root has it: nothing may fail, and what needs Docker
# says that it was skipped.
#   .ci/without-docker.sh REPOSITORY
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet "$1" "$folder/clone"
chmod 755 "$folder"
chown -R nobody: "$folder"
cd "$folder/clone"
run() {
  setpriv --reuid=nobody --regid=nogroup --clear-groups \
    env HOME="$folder" DOCKER_HOST=unix:///nonexistent/docker.sock "$@"
}
run npm ci
run npm test
