import { DatabaseError } from '../../ports/database.ts';
import { TRANSACTION_LOCK_BUSY } from '../../ports/ledger.ts';
import { lockKey } from './polled-lock.ts';

/**
 * The second lock: taken by each transaction that runs a revision or changes the ledger, besides the session's lock that
 * another session of orch holds. No statement of a revision can give it back, neither `pg_advisory_unlock_all` nor
 * DISCARD ALL (V10), and while the backend of a killed orch still works or commits, it keeps the next orch out (V6).
 * What is done outside a transaction is recorded without it: the session that writes it holds the database's lock itself.
 */
export const TRANSACTION_LOCK_KEY = lockKey('revision');

const BUSY = 'another transaction of orch is open';

/** Whether the lock is granted, as a condition. */
export const TRANSACTION_LOCK_GRANTED = `pg_catalog.pg_try_advisory_xact_lock(${TRANSACTION_LOCK_KEY})`;

/** Fails at once where the lock is taken: with 22P02, as `identityCheckSql` does, because a DO block takes longer. */
export const TAKE_TRANSACTION_LOCK = `SELECT (CASE WHEN ${TRANSACTION_LOCK_GRANTED} THEN '1' ELSE '${BUSY}' END)::pg_catalog.int8`;

/** The error of a lock that is taken as what it means; any other as it is. */
export function withBusyLock(error: unknown): unknown {
  if (!(error instanceof DatabaseError) || error.sqlstate !== '22P02' || !error.message.includes(BUSY)) return error;
  return new DatabaseError(BUSY, { sqlstate: TRANSACTION_LOCK_BUSY, connection: false, cause: error });
}
