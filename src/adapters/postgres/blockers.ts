import type { Blocker } from '../../core/observed.ts';
import type { Blockers } from '../../ports/blockers.ts';
import { HOLDER_COLUMNS, type HolderRow, holderOf } from './lock-holder.ts';
import { findHolder } from './polled-lock.ts';
import { TRANSACTION_LOCK_KEY } from './transaction-lock.ts';

interface BlockerRow extends HolderRow {
  readonly transaction_since: string | null;
  readonly state: string | null;
  readonly query: string | null;
}

/** Longer queries are cut, in characters. */
const LONGEST_QUERY = 200;

const COLUMNS = `${HOLDER_COLUMNS}, a.state,
    pg_catalog.to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS transaction_since,
    NULLIF(pg_catalog."left"(a.query, 2000), '<insufficient privilege>') AS query`;

/**
 * `pg_blocking_pids` stops the server's lock manager for a moment: it is asked only where the backend waits for a lock,
 * or where its state is not ours to see. A prepared transaction blocks as pid 0, a parallel query with its leader's pid.
 * `<insufficient privilege>` is what a role without `pg_read_all_stats` reads as another role's query (V27).
 */
const BLOCKERS = `
  SELECT ${COLUMNS.replace('a.pid,', 'b.pid,')}
  FROM pg_catalog.pg_stat_activity AS w
  CROSS JOIN LATERAL (
    SELECT DISTINCT p.pid FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS p (pid)
  ) AS b
  LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid
  WHERE w.pid = $1 AND (w.state IS NULL OR w.wait_event_type = 'Lock')
  ORDER BY a.xact_start NULLS LAST, b.pid`;

/** Asks the server's own views. */
export const postgresBlockers: Blockers = {
  async of(session, pid) {
    const { rows } = await session.query<BlockerRow>(BLOCKERS, [pid]);
    return rows.map(blockerOf);
  },
  async describe(session, blockers) {
    const pids = blockers.map(({ pid }) => pid);
    const { rows } = await session.query<BlockerRow>(
      `SELECT ${COLUMNS} FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = ANY ($1::pg_catalog.int4[])`,
      [pids],
    );
    const seen = new Map(rows.map((row) => [row.pid, blockerOf(row)]));
    return blockers.map((blocker) => seen.get(blocker.pid) ?? blocker);
  },
  holder: (session) => findHolder(session, TRANSACTION_LOCK_KEY),
};

function blockerOf(row: BlockerRow): Blocker {
  const query = row.query?.replaceAll(/\s+/g, ' ').trim() ?? '';
  return {
    ...holderOf(row),
    // What counts is since when its transaction is open: until its end it keeps its locks.
    since: row.transaction_since ?? row.since ?? '',
    state: row.state ?? undefined,
    query: query === '' ? undefined : query.length > LONGEST_QUERY ? `${query.slice(0, LONGEST_QUERY)} …` : query,
  };
}
