# shellcheck shell=bash
# Shared by the scripts of this folder; meant to be sourced, not run.

say() { printf '[ci] %s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Downloads that a second run can use again. A fresh machine starts without it.
if [[ -z ${ORCH_CI_CACHE:-} ]]; then
  if [[ $(id -u) -eq 0 ]]; then
    ORCH_CI_CACHE=/var/cache/orch-ci
  else
    ORCH_CI_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/orch-ci
  fi
fi

engine_answers() { docker info >/dev/null 2>&1; }

need_root() { [[ $(id -u) -eq 0 ]] || die "$1 needs root"; }

# One run at a time: several people and jobs may share the machine. The lock goes
# with the process; what is meant to outlive it has to close descriptor 9.
take_turns() {
  mkdir -p "$ORCH_CI_CACHE"
  exec 9>"$ORCH_CI_CACHE/lock"
  flock 9
}

# A source of the machine that is out of order is none of our business as long as
# Debian's own answers; where it does not, the install that follows fails.
apt_update() { apt-get update -qq >&2 || say 'apt-get update had errors; going on'; }

# apt_install ARG...: quiet unless it fails; then everything it said.
apt_install() {
  local log
  log=$(mktemp)
  if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
    >"$log" 2>&1 9>&-; then
    cat "$log" >&2
    rm -f "$log"
    die "could not install $*"
  fi
  rm -f "$log"
}

# The Debian archives in apt's sources (security and third-party archives have
# other labels). Empty as long as no index has been fetched.
debian_archives() {
  # shellcheck disable=SC2016 # apt's own placeholder
  apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian'
}

# The mirror apt on this machine is set to. Everything from newer Debian releases
# comes from there too, so a machine behind a private mirror stays on it.
debian_mirror() {
  local uri
  uri=$(debian_archives | head -n 1)
  if [[ -z $uri ]]; then
    need_root 'the first apt-get update'
    apt_update
    uri=$(debian_archives | head -n 1)
  fi
  [[ -n $uri ]] || die 'no Debian archive in the apt sources'
  printf '%s\n' "${uri%/}"
}

# fetch_debs RELEASE PACKAGE...: leaves PACKAGE_*.deb of that Debian release in
# $ORCH_CI_CACHE/debs-RELEASE. Done by apt itself, with a source list and an
# index folder of its own: signatures and checksums are verified as always, and
# the machine's own sources never see the newer release.
fetch_debs() {
  local release=$1 root="$ORCH_CI_CACHE/apt-$1" debs="$ORCH_CI_CACHE/debs-$1"
  shift
  local missing=() package
  for package; do
    compgen -G "$debs/${package}_*.deb" >/dev/null || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  say "fetching ${missing[*]} of Debian $release"
  mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$debs"
  printf 'deb [signed-by=%s] %s %s main\n' \
    /usr/share/keyrings/debian-archive-keyring.gpg "$(debian_mirror)" "$release" \
    >"$root/sources.list"
  # Translations and the like are of no use here, only the package index is.
  local apt=(apt-get -qq
    -o "Dir::Etc::SourceList=$root/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$root/lists" -o "Dir::Cache=$root/cache"
    -o Acquire::Languages=none -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2
  (cd "$debs" && "${apt[@]}" download "${missing[@]}" >&2)
}

# deb_file RELEASE PACKAGE: the file that fetch_debs left.
deb_file() { compgen -G "$ORCH_CI_CACHE/debs-$1/$2_*.deb" | tail -n 1; }
