import type { LockHolder } from '../../core/observed.ts';

/** A row of `pg_stat_activity` as `HOLDER_COLUMNS` gives it. */
export interface HolderRow {
  readonly pid: number;
  readonly application: string | null;
  readonly client: string | null;
  readonly role: string | null;
  readonly since: string | null;
  /** In ms. */
  readonly silent: number | null;
}

/**
 * Columns over `pg_catalog.pg_stat_activity AS a`. A role without `pg_read_all_stats` sees only pid, role and
 * application of others' sessions; the address is absent over a Unix socket too.
 * `since` is the session's begin: an orch that is alive says something in its lock's session now and then.
 */
export const HOLDER_COLUMNS = `
  a.pid, a.application_name AS application, a.usename AS role,
  CASE WHEN a.client_addr IS NOT NULL THEN pg_catalog.host(a.client_addr) || ':' || a.client_port
       WHEN a.backend_start IS NOT NULL THEN 'local' END AS client,
  pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS since,
  CASE WHEN a.state LIKE 'idle%' THEN
    pg_catalog.round(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.state_change) * 1000) END AS silent`;

/** @returns `client` is `unknown` and `since` empty where the role may not see them */
export function holderOf(row: HolderRow): LockHolder {
  return {
    pid: row.pid,
    application: row.application ?? '',
    client: row.client ?? 'unknown',
    role: row.role ?? 'unknown',
    since: row.since ?? '',
    ...(row.silent === null ? {} : { silent: row.silent }),
  };
}
