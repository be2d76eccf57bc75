import type { DatabaseSession, OrchLock } from '../../core/observed.ts';
import type { Sessions } from '../../ports/sessions.ts';
import { databaseKey } from './advisory-lock.ts';
import { PREPARATION_KEY } from './cluster-lock.ts';
import { HOLDER_COLUMNS, type HolderRow, holderOf } from './lock-holder.ts';
import { AWAITS_LOCK } from './polled-lock.ts';
import { TRANSACTION_LOCK_KEY } from './transaction-lock.ts';

interface SessionRow extends HolderRow {
  readonly began: string | null;
  readonly duration: number | null;
  readonly state: string | null;
  readonly query: string | null;
  readonly polls: boolean | null;
  readonly holds: readonly OrchLock[];
  readonly waits_for: string | null;
  readonly blocked_by: readonly number[];
}

/** Longer queries are cut, in characters. */
const LONGEST_QUERY = 500;
const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;

/**
 * A key of 64 bits stands in `pg_locks` in two halves. Blockers are asked only for those that wait or hide their state:
 * the answer stops the lock manager for a moment. `began` counts for a statement that runs from its start, else from the
 * last change of state.
 */
const SESSIONS = `
  WITH advisory AS MATERIALIZED (
    SELECT l.pid, (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8 AS key
    FROM pg_catalog.pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
  ), shown AS (
    SELECT *, CASE WHEN s.state = 'active' THEN s.query_start ELSE s.state_change END AS began_at
    FROM pg_catalog.pg_stat_activity AS s
    WHERE s.datname = pg_catalog.current_database() AND s.pid <> pg_catalog.pg_backend_pid()
  )
  SELECT ${HOLDER_COLUMNS}, a.state,
    pg_catalog.to_char(a.began_at AT TIME ZONE 'UTC', ${TIME}) AS began,
    pg_catalog.round(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.began_at) * 1000) AS duration,
    NULLIF(pg_catalog."left"(a.query, ${LONGEST_QUERY}), '<insufficient privilege>') AS query,
    a.query LIKE '%${AWAITS_LOCK}%' AS polls,
    ARRAY(SELECT k.name FROM advisory AS l JOIN (VALUES ($1::pg_catalog.int8, 'database'), ($2, 'transaction'),
      ($3, 'preparation')) AS k (key, name) ON k.key = l.key WHERE l.pid = a.pid ORDER BY 1) AS holds,
    (SELECT pg_catalog.concat_ws(' ', l.locktype, l.relation::pg_catalog.regclass, '(' || l.mode || ')')
     FROM pg_catalog.pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1) AS waits_for,
    CASE WHEN a.state IS NULL OR a.wait_event_type = 'Lock'
      THEN ARRAY(SELECT DISTINCT b.pid FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS b (pid) ORDER BY 1)
      ELSE '{}' END AS blocked_by
  FROM shown AS a ORDER BY a.began_at NULLS LAST, a.pid`;

/** No database has this key: PostgreSQL compares it with every lock all the same. */
const NO_KEY = '0';

/** Asks the server's own views. */
export const postgresSessions: Sessions = {
  async list(session, service) {
    const key = service === undefined ? NO_KEY : databaseKey(service);
    const { rows } = await session.query<SessionRow>(SESSIONS, [key, TRANSACTION_LOCK_KEY, PREPARATION_KEY]);
    return rows.map(sessionOf);
  },

  async end(session, found, action) {
    const { rows } = await session.query<{ done: boolean }>(
      `SELECT pg_catalog.pg_${action}_backend(a.pid) AS done FROM pg_catalog.pg_stat_activity AS a
       WHERE a.pid = $1 AND a.datname = pg_catalog.current_database()
         AND COALESCE(pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', ${TIME}), '') = $2`,
      [found.pid, found.since],
    );
    return rows[0]?.done === true;
  },
};

/** The message that begins a revision: its ledger row comes before its text, which the server's view then cuts off. */
const BEGINS_REVISION = /^BEGIN;.*INSERT INTO orch\.ledger.* VALUES \('\w+', '[^']*', '([^']+)'/;

function sessionOf(row: SessionRow): DatabaseSession {
  const shown = row.query?.replaceAll(/\s+/g, ' ').trim() ?? '';
  const revision = /^orch worker /.test(row.application ?? '') ? BEGINS_REVISION.exec(shown)?.[1] : undefined;
  const query = revision === undefined ? shown : `applies ${revision}`;
  const { pid, application, client, role, since } = holderOf(row);
  return {
    ...{ pid, application, client, role, since },
    began: row.began ?? undefined,
    duration: row.duration ?? undefined,
    state: row.state ?? undefined,
    query: query === '' ? undefined : query,
    holds: row.holds,
    awaits: row.polls === true ? awaited(row) : undefined,
    waitsFor: row.waits_for ?? undefined,
    blockedBy: row.blocked_by,
  };
}

/** Its last statement asked for a lock that it has not got. */
function awaited({ application, holds }: SessionRow): OrchLock | undefined {
  const lock = /^orch lock /.test(application ?? '') ? 'database' : 'preparation';
  return holds.includes(lock) ? undefined : lock;
}
