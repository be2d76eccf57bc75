import { createHash } from 'node:crypto';
import type { LockHolder } from '../../core/observed.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Session } from '../../ports/database.ts';
import { HOLDER_COLUMNS, type HolderRow, holderOf } from './lock-holder.ts';

/** How a lock is polled for, in ms. */
export interface Polling {
  readonly wait: number;
  readonly firstPause: number;
  readonly longestPause: number;
  readonly signal: AbortSignal;
  readonly onWait: (holder: LockHolder | undefined, waited: number) => void;
}

/** A key of 64 bits, as the text of a signed bigint: 32 bits (CRC32) would collide at 1 000 keys once in 8 000 times. */
export function lockKey(...parts: readonly string[]): string {
  // The parts are joined by a character that no PostgreSQL name can have.
  const hash = createHash('sha256')
    .update(['orch', ...parts].join('\0'))
    .digest();
  return hash.readBigInt64BE(0).toString();
}

/**
 * Tries until the advisory lock is granted. Each try is a statement and a transaction of its own: a blocking wait
 * would hold a snapshot, which deadlocks with CREATE INDEX CONCURRENTLY (40P01, V15).
 * @returns the last known holder and the time waited where `wait` has passed; undefined: granted
 * @throws the signal's reason when it is aborted
 */
export async function pollLock(
  session: Session,
  key: string,
  clock: Clock,
  polling: Polling,
): Promise<{ readonly holder: LockHolder | undefined; readonly waited: number } | undefined> {
  const began = clock.now();
  let told = { pid: -1, at: -Infinity };
  for (let pause = polling.firstPause; ; pause = Math.min(pause * 1.5, polling.longestPause)) {
    polling.signal.throwIfAborted();
    if (await tryLock(session, key)) return undefined;
    const holder = await findHolder(session, key);
    const waited = clock.now() - began;
    if (waited >= polling.wait) return { holder, waited };
    if (holder?.pid !== told.pid || waited - told.at >= RETELL) {
      told = { pid: holder?.pid ?? 0, at: waited };
      polling.onWait(holder, waited);
    }
    // Jitter, so that 50 waiters do not ask in step.
    await clock.sleep(Math.min(pause * (0.5 + Math.random()), polling.wait - waited), polling.signal);
  }
}

/** A holder that stays the same is named again after so many ms. */
const RETELL = 1_000;

/** In the statements of who polls for a lock: `pg_locks` knows no more of it. */
export const AWAITS_LOCK = '/* orch: waits for the lock */';

/** @returns false: the session did not hold the lock */
export async function unlock(session: Session, key: string): Promise<boolean> {
  const { rows } = await session.query<{ released: boolean }>(
    'SELECT pg_catalog.pg_advisory_unlock($1::pg_catalog.int8) AS released',
    [key],
  );
  return rows[0]?.released === true;
}

async function tryLock(session: Session, key: string): Promise<boolean> {
  const { rows } = await session.query<{ granted: boolean }>(
    `SELECT ${AWAITS_LOCK} pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8) AS granted`,
    [key],
  );
  return rows[0]?.granted === true;
}

/**
 * Who holds the advisory lock now, in the session's own database or in another of its server. A bigint key stands in
 * `pg_locks` in two halves, with `objsubid` 1; two `int` keys would have 2.
 */
export async function findHolder(session: Session, key: string, database?: string): Promise<LockHolder | undefined> {
  const { rows } = await session.query<HolderRow & WorkerRow>(
    `SELECT ${AWAITS_LOCK} ${HOLDER_COLUMNS}, ${WORKER_COLUMNS}
     FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
     LEFT JOIN pg_catalog.pg_stat_activity AS k
       ON k.datname = a.datname AND k.application_name = pg_catalog.replace(a.application_name, 'orch worker ', 'orch lock ')
         AND a.application_name LIKE 'orch worker %'
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = COALESCE($2, pg_catalog.current_database()))
       AND l.classid = (($1::pg_catalog.int8 >> 32) & 4294967295)::pg_catalog.oid
       AND l.objid = ($1::pg_catalog.int8 & 4294967295)::pg_catalog.oid`,
    [key, database ?? null],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return row.works
    ? { ...holderOf({ ...row, silent: row.keeper_silent }), orphaned: row.keeper === null }
    : holderOf(row);
}

interface WorkerRow {
  readonly works: boolean;
  readonly keeper: number | null;
  readonly keeper_silent: number | null;
}

/** A session that runs revisions may be silent as long as they take: its orch speaks in the one with the lock. */
const WORKER_COLUMNS = `COALESCE(a.application_name LIKE 'orch worker %', false) AS works, k.pid AS keeper,
       pg_catalog.round(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - k.state_change) * 1000) AS keeper_silent`;
