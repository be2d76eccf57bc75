#!/usr/bin/env bash
# psql, which some tests compare with: Debian 12's own (15) where the machine has none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
[[ -n $(type -P psql) ]] && exit 0
need_root 'installing psql'
apt_update
apt_install postgresql-client
