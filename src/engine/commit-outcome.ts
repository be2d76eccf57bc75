import { Failure } from '../core/failure.ts';
import type { Revision } from '../core/revision.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import type { TargetSession } from './target-session.ts';

/** How long the outcome may stay open before it counts as unknown, in ms. */
const DEADLINE = 10_000;
const PAUSE = 100;

export interface Committing {
  readonly revision: Revision;
  readonly worker: Session;
  readonly wanted: 'applied' | 'reverted';
  /** Sends COMMIT. @returns false: the server answered ROLLBACK */
  readonly commit: () => Promise<boolean>;
}

/**
 * Commits and makes sure of the outcome. A connection that ends during COMMIT says nothing about it (V5), and reading
 * the ledger at once may answer wrongly, because the old backend may still be committing (V6): so its end is awaited
 * first, or the end of its transaction. Then the ledger's row counts; where it cannot be read, `pg_xact_status` does.
 * @throws Failure `connection-lost` (not done), `outcome-unknown`, `revision-code-failed` (the server answered ROLLBACK)
 */
export async function settleCommit(run: Run, target: TargetSession, committing: Committing): Promise<void> {
  const { revision, worker, wanted, commit } = committing;
  const place = { service: target.service.name, database: target.service.database };
  const old = { backend: worker.pid, transaction: run.ports.ledger.transactionOf(worker) };
  try {
    if (await commit()) return;
  } catch (error) {
    if (!(error instanceof DatabaseError && error.connection)) throw error;
    await settleLostCommit(run, target, { ...old, revision, wanted, error });
    return;
  }
  // Only code can go on after an error of the server; after that the transaction can do nothing but end (V12).
  const message = 'an error of the database was caught and passed over: PostgreSQL then commits nothing';
  const { file } = (wanted === 'reverted' ? revision.down : undefined) ?? revision.up;
  const direction = wanted === 'applied' ? 'up' : 'down';
  const details = { ...place, revision: revision.name, direction, message } as const;
  throw new Failure('revision-code-failed', details, { at: { file, line: undefined, column: undefined } });
}

/** A transaction whose COMMIT had no answer. */
interface LostCommit {
  readonly revision: Revision;
  readonly wanted: Committing['wanted'];
  /** Process id of the session that committed. */
  readonly backend: number;
  /** Its full transaction id; undefined: not known. */
  readonly transaction: string | undefined;
  readonly error: DatabaseError;
}

async function settleLostCommit(run: Run, target: TargetSession, lost: LostCommit): Promise<void> {
  const { revision, wanted, error } = lost;
  const place = { service: target.service.name, database: target.service.database };
  const { isDone, backend } = await askAgain(run, target, lost);
  if (isDone === undefined) {
    const details = { ...place, revision: revision.name, reason: error.message, wanted, backend };
    throw new Failure('outcome-unknown', details, { cause: error });
  }
  if (isDone) return;
  const during = `${wanted === 'applied' ? 'committing' : 'committing the downgrade of'} ${revision.name}`;
  throw new Failure('connection-lost', { ...place, during, reason: error.message }, { cause: error });
}

interface Answer {
  /** True: committed; false: rolled back; undefined: nobody can tell yet. */
  readonly isDone: boolean | undefined;
  /** The old backend, where it is still there. */
  readonly backend: number | undefined;
}

async function askAgain(run: Run, target: TargetSession, lost: LostCommit): Promise<Answer> {
  const { clock, database } = run.ports;
  const deadline = clock.now() + DEADLINE;
  let last: Answer = { isDone: undefined, backend: undefined };
  while (clock.now() < deadline) {
    const session = await database.connect(target.location, 'verdict').catch(() => undefined);
    try {
      if (session !== undefined) last = await ask(run, target, session, lost);
      if (last.isDone !== undefined) return last;
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
    } finally {
      await session?.close();
    }
    // Not the run's own signal: an interrupt must not leave the outcome unknown.
    await clock.sleep(PAUSE, new AbortController().signal);
  }
  return last;
}

async function ask(run: Run, target: TargetSession, session: Session, lost: LostCommit): Promise<Answer> {
  const { ledger } = run.ports;
  const { revision, wanted, transaction } = lost;
  // Whatever the old backend has locked, the answer must come.
  if (target.location.sessions === 'many') await session.run('SET lock_timeout = 1000; SET statement_timeout = 5000');
  const { isStandby, isAlive } = await lookAround(session, lost.backend);
  const backend = isAlive ? lost.backend : undefined;
  // A standby may not have heard of it yet.
  if (isStandby) return { isDone: undefined, backend };
  const status = transaction === undefined ? undefined : await answerOf(ledger.statusOf(session, transaction));
  if (isAlive && status !== 'committed' && status !== 'aborted') return { isDone: undefined, backend };
  const isApplied = await answerOf(ledger.isApplied(session, revision));
  if (isApplied !== undefined) return { isDone: isApplied === (wanted === 'applied'), backend };
  return { isDone: status === 'committed' ? true : status === 'aborted' ? false : undefined, backend };
}

async function lookAround(
  session: Session,
  backend: number,
): Promise<{ readonly isStandby: boolean; readonly isAlive: boolean }> {
  const { rows } = await session.query<{ readonly standby: boolean; readonly alive: boolean }>(
    `SELECT pg_catalog.pg_is_in_recovery() AS standby,
       EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = $1) AS alive`,
    [backend],
  );
  const [row] = rows;
  // The old backend's number may have been given to this very session.
  return { isStandby: row?.standby === true, isAlive: row?.alive === true && session.pid !== backend };
}

/** Undefined: the server refused to say: the ledger is locked, gone or not ours to read; the transaction is from elsewhere. */
async function answerOf<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof DatabaseError && !error.connection) return undefined;
    throw error;
  }
}
