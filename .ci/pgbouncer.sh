#!/usr/bin/env bash
# PgBouncer, behind which the tests put servers: Debian 12's own (1.18) where the machine has none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
[[ -x /usr/sbin/pgbouncer || -n $(type -P pgbouncer) ]] && exit 0
need_root 'installing pgbouncer'
apt_update
apt_install pgbouncer
