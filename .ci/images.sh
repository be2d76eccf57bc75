#!/usr/bin/env bash
# The base images that this project's Dockerfile and compose files name, for a
# machine that reaches package archives but no container registry. They get the
# names users pull, so that nothing of the project has to know about this.
#
#   .ci/images.sh            build what is absent
#   .ci/images.sh --rebuild  build all anew
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"

DEBIAN=debian:trixie-slim
PGVECTOR=pgvector/pgvector:pg17
NODE=node:24-trixie-slim
ROOTFS=orch-ci/rootfs:trixie
CA_IN_IMAGE=/usr/local/share/ca-certificates/orch-ci-extra.crt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

have() { docker image inspect "$1" >/dev/null 2>&1; }

# build LABEL ARG...: quiet unless it fails; then everything it said.
build() {
  local label=$1 log="$work/${1//[:\/]/_}.log"
  shift
  say "building $label"
  docker build --progress=plain --tag "$label" "$@" >"$log" 2>&1 ||
    { cat "$log" >&2; die "building $label failed"; }
}

build_debian() {
  local context="$work/debian" mirror
  mirror=$(debian_mirror)
  if [[ -z $(type -P mmdebstrap) ]]; then
    need_root 'installing mmdebstrap'
    apt_update
    apt_install mmdebstrap
  fi
  say "making a root tree of Debian 13 from $mirror"
  # The path excludes are those of the official slim images.
  mmdebstrap --quiet --variant=minbase --include=ca-certificates \
    --dpkgopt='path-exclude /usr/share/doc/*' --dpkgopt='path-include /usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude /usr/share/man/*' --dpkgopt='path-exclude /usr/share/info/*' \
    --dpkgopt='path-exclude /usr/share/locale/*' \
    --dpkgopt='path-include /usr/share/locale/locale.alias' \
    trixie - "$mirror" | docker import - "$ROOTFS" >/dev/null

  mkdir -p "$context/etc/apt/apt.conf.d"
  # What apt needs on this machine to reach the archive, it needs in a build too.
  apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-Date|Check-Valid-Until)\b' \
    >"$context/etc/apt/apt.conf.d/90orch-ci" || true
  if [[ -s ${NODE_EXTRA_CA_CERTS:-} ]]; then
    install -D -m 0644 "$NODE_EXTRA_CA_CERTS" "$context$CA_IN_IMAGE"
  fi
  build "$DEBIAN" --build-arg "ROOTFS=$ROOTFS" -f "$here/images/debian/Dockerfile" "$context"
}

# npm_package SPEC DIR: unpacks a package of the npm registry. Its install script
# does not run: the platform's package of `node` holds the plain binary.
npm_package() {
  local spec=$1 dir=$2 file
  mkdir -p "$dir"
  file=$(cd "$work" && npm pack --silent "$spec" | tail -n 1)
  tar -xzf "$work/$file" -C "$dir" --strip-components=1 --no-same-owner
}

build_node() {
  local context="$work/node" arch args=()
  case $(dpkg --print-architecture) in
    amd64) arch=x64 ;;
    arm64) arch=arm64 ;;
    *) die 'no node binary for this architecture' ;;
  esac
  [[ -n $(type -P npm) ]] || die 'npm is needed to fetch node from the npm registry'
  npm_package npm@11 "$context/npm"
  npm_package "node-linux-$arch@24" "$context/node"
  cp "$here/images/node/docker-entrypoint.sh" "$context/"
  if [[ -s ${NODE_EXTRA_CA_CERTS:-} ]]; then args+=(--build-arg "EXTRA_CA_CERTS=$CA_IN_IMAGE"); fi
  build "$NODE" "${args[@]}" -f "$here/images/node/Dockerfile" "$context"
}

wanted() { [[ $rebuild == yes ]] || ! have "$1"; }

case ${1:-} in
  '') rebuild=no ;;
  --rebuild) rebuild=yes ;;
  *) die 'usage: images.sh [--rebuild]' ;;
esac
engine_answers || die 'no engine answers: run .ci/engine.sh first'
take_turns

if ! wanted "$PGVECTOR" && ! wanted "$NODE"; then
  say "$PGVECTOR and $NODE are there already"
  exit 0
fi
if wanted "$DEBIAN"; then build_debian; fi

# Side by side: one mostly unpacks packages, the other copies files.
# Each is waited for, so that no failure leaves the other half working on.
jobs=() failed=no
if wanted "$NODE"; then build_node & jobs+=("$!"); fi
if wanted "$PGVECTOR"; then build "$PGVECTOR" "$here/images/pgvector" & jobs+=("$!"); fi
for job in "${jobs[@]}"; do wait "$job" || failed=yes; done
[[ $failed == no ]] || die 'not all images could be built'
for image in "$DEBIAN" "$PGVECTOR" "$NODE"; do
  say "have $(docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' "$image")"
done
