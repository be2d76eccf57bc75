#!/usr/bin/env bash
# Does what users and tests rely on in the official image's entrypoint: the same
# environment variables, the same order, and the same window during the first
# start in which the server answers on its Unix socket but not yet on TCP.
set -Eeuo pipefail
shopt -s nullglob

die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# NAME or the content of the file named by NAME_FILE (Docker secrets).
from_env() {
  local name=$1 default=${2:-} file_var=${1}_FILE
  if [[ -n ${!name:-} && -n ${!file_var:-} ]]; then
    die "both $name and $file_var are set (but are exclusive)"
  fi
  if [[ -n ${!file_var:-} ]]; then
    printf -v "$name" '%s' "$(<"${!file_var}")"
  else
    printf -v "$name" '%s' "${!name:-$default}"
  fi
  export "${name?}"
  unset "$file_var"
}

# Options that print something and end: nothing is to be initialised for them.
wants_help() {
  local arg
  for arg; do
    case $arg in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

initialise() {
  if [[ -z $POSTGRES_PASSWORD && $POSTGRES_HOST_AUTH_METHOD != trust ]]; then
    cat >&2 <<'TEXT'
Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".

       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all
       connections without a password. This is *not* recommended.
TEXT
    exit 1
  fi
  # Word splitting is meant here: the variable holds several options.
  # shellcheck disable=SC2086
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") $POSTGRES_INITDB_ARGS
  printf '\nhost all all all %s\n' \
    "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "${@:2}")}" >>"$PGDATA/pg_hba.conf"
}

sql() {
  PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password \
    --username "$POSTGRES_USER" "$@"
}

# As in the official image: a script that is not executable is sourced.
run_or_source() {
  # shellcheck source=/dev/null
  if [[ -x $1 ]]; then "$1"; else . "$1"; fi
}

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    printf '%s: %s\n' "$0" "running $file"
    case $file in
      *.sh) run_or_source "$file" ;;
      *.sql) sql --dbname "$POSTGRES_DB" -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | sql --dbname "$POSTGRES_DB" ;;
      *.sql.xz) xzcat "$file" | sql --dbname "$POSTGRES_DB" ;;
      *) printf '%s: %s\n' "$0" "ignoring $file" ;;
    esac
    printf '\n'
  done
}

main() {
  # Options alone mean `postgres` with these options.
  if [[ ${1:-} == -* ]]; then set -- postgres "$@"; fi

  if [[ ${1:-} != postgres ]] || wants_help "$@"; then exec "$@"; fi

  mkdir -p "$PGDATA"
  if [[ $(id -u) -eq 0 ]]; then
    chmod 0700 "$PGDATA"
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    exec setpriv --reuid=postgres --regid=postgres --init-groups \
      env HOME=/var/lib/postgresql "${BASH_SOURCE[0]}" "$@"
  fi
  chmod 0700 "$PGDATA"

  from_env POSTGRES_PASSWORD
  from_env POSTGRES_USER postgres
  from_env POSTGRES_DB "$POSTGRES_USER"
  from_env POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=}"

  if [[ -s $PGDATA/PG_VERSION ]]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  else
    initialise "$@"
    # For the passwordless logins below and in init scripts.
    export PGPASSWORD=${PGPASSWORD-$POSTGRES_PASSWORD}
    # The temporary server gets the caller's own options too, so that what an
    # init script sees is what runs later, but no TCP address.
    (
      # The notification of an init system concerns the real server only.
      unset NOTIFY_SOCKET
      pg_ctl -D "$PGDATA" -w start \
        -o "$(printf '%q ' "${@:2}" -c listen_addresses='' -p "${PGPORT:-5432}")"
    )
    if [[ $POSTGRES_DB != postgres ]]; then
      sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
    fi
    run_init_files
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
  fi
  exec "$@"
}

main "$@"
