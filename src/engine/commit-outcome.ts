import { Failure } from '../core/failure.ts';
import type { Revision } from '../core/revision.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import type { TargetSession } from './target-session.ts';

/** How long the old backend may take to end before the outcome counts as unknown, in ms. */
const OLD_BACKEND_DEADLINE = 10_000;
const PAUSE = 100;

/**
 * Commits and makes sure of the outcome. A connection that ends during COMMIT says nothing about it (V5), and reading
 * the ledger at once may answer wrongly, because the old backend may still be committing (V6): so the old backend's end
 * is awaited first.
 * @param backend the process id of the session that commits
 * @throws Failure `connection-lost` (not done), `outcome-unknown`, `revision-code-failed` (the server answered ROLLBACK)
 */
export async function settleCommit(
  run: Run,
  target: TargetSession,
  revision: Revision,
  backend: number,
  commit: () => Promise<boolean>,
  wanted: 'applied' | 'reverted' = 'applied',
): Promise<void> {
  const place = { service: target.service.name, database: target.service.database };
  try {
    if (await commit()) return;
  } catch (error) {
    if (!(error instanceof DatabaseError && error.connection)) throw error;
    await settleLostCommit(run, target, revision, { oldBackend: backend, wanted, error });
    return;
  }
  // Only code can go on after an error of the server; after that the transaction can do nothing but end (V12).
  const message = 'an error of the database was caught and passed over: PostgreSQL then commits nothing';
  const { file } = (wanted === 'reverted' ? revision.down : undefined) ?? revision.up;
  const direction = wanted === 'applied' ? 'up' : 'down';
  const details = { ...place, revision: revision.name, direction, message } as const;
  throw new Failure('revision-code-failed', details, { at: { file, line: undefined, column: undefined } });
}

async function settleLostCommit(
  run: Run,
  target: TargetSession,
  revision: Revision,
  lost: { readonly oldBackend: number; readonly wanted: 'applied' | 'reverted'; readonly error: DatabaseError },
): Promise<void> {
  const { oldBackend, wanted, error } = lost;
  const place = { service: target.service.name, database: target.service.database };
  const applied = await askAgain(run, target, revision, oldBackend);
  if (applied === undefined) {
    const details = { ...place, revision: revision.name, reason: error.message };
    throw new Failure('outcome-unknown', details, { cause: error });
  }
  if (applied === (wanted === 'applied')) return;
  const during = `committing ${revision.name}`;
  throw new Failure('connection-lost', { ...place, during, reason: error.message }, { cause: error });
}

/** True: applied; false: not applied; undefined: nobody can tell yet. */
async function askAgain(
  run: Run,
  target: TargetSession,
  revision: Revision,
  oldBackend: number,
): Promise<boolean | undefined> {
  const { clock, database, ledger } = run.ports;
  const deadline = clock.now() + OLD_BACKEND_DEADLINE;
  while (clock.now() < deadline) {
    const session = await database.connect(target.location, 'verdict').catch(() => undefined);
    try {
      if (session !== undefined && !(await isAlive(session, oldBackend)))
        return await ledger.isApplied(session, revision);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
    } finally {
      await session?.close();
    }
    // Not the run's own signal: an interrupt must not leave the outcome unknown.
    await clock.sleep(PAUSE, new AbortController().signal);
  }
  return undefined;
}

async function isAlive(session: Session, backend: number): Promise<boolean> {
  if (session.pid === backend) return false;
  const { rows } = await session.query('SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = $1', [backend]);
  return rows.length > 0;
}
