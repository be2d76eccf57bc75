import { Failure } from '../core/failure.ts';
import type { StepOf } from '../core/plan.ts';
import type { RevisionText } from '../core/revision.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { TransactionSettings } from '../ports/ledger.ts';
import type { Run } from '../ports/run.ts';
import { rollBack, runText } from './apply-revision.ts';
import { settleCommit } from './commit-outcome.ts';
import { onceOthersAreDone, type Try, tryForLocks } from './lock-tries.ts';
import { NoticeLog } from './notice-log.ts';
import { runOutside } from './run-outside.ts';
import { databaseErrorOf } from './run-script.ts';
import { cancelOnInterrupt, inLockSession, throwIfStopped } from './stop.ts';
import type { TargetSession } from './target-session.ts';

type RevertStep = StepOf<'revert-revision'>;

/**
 * Runs one revision's down text and takes its row out of the ledger, in one transaction; a text outside any runs
 * statement by statement, and its progress is recorded after each.
 * @returns a note such as `as recorded`; undefined: nothing worth saying
 * @throws Failure `sql-failed`, `revision-code-failed`, `revision-blocked`, `connection-lost`, `outcome-unknown`, `interrupted`
 */
export async function revertRevision(run: Run, target: TargetSession, step: RevertStep): Promise<string | undefined> {
  if (step.unclear !== undefined) throw step.unclear;
  if (step.revision.down?.transaction === 'none') await revertOnce(run, target, step, undefined);
  else {
    const tries = { run, target, step, undoes: 'all' } as const;
    await tryForLocks(tries, (attempt) => revertOnce(run, target, step, attempt));
  }
  return step.origin === 'recorded' ? 'with the down text that was recorded' : undefined;
}

/** @param attempt undefined: outside a transaction, where each statement is tried by itself */
async function revertOnce(run: Run, target: TargetSession, step: RevertStep, attempt: Try | undefined): Promise<void> {
  const worker = await target.worker();
  const notices = new NoticeLog(run, step.subject, worker);
  const stopWatching = cancelOnInterrupt(run, target);
  const { down } = step.revision;
  try {
    if (down !== undefined && attempt === undefined) {
      await revertOutside(run, target, step, worker, down, notices);
    } else if (attempt !== undefined) {
      attempt.watch(worker);
      await revertInTransaction(run, target, { step, worker, notices, settings: attempt.settings });
    }
  } finally {
    stopWatching();
    notices.stop();
  }
}

interface Reversion {
  readonly step: RevertStep;
  readonly worker: Session;
  readonly notices: NoticeLog;
  readonly settings: TransactionSettings;
}

async function revertInTransaction(run: Run, target: TargetSession, reversion: Reversion): Promise<void> {
  const { step, worker, notices } = reversion;
  const { ledger, clock } = run.ports;
  const { revision } = step;
  const began = clock.now();
  target.requireLock();
  await beginRevert(run, target, reversion);
  try {
    if (revision.down !== undefined) await runText(run, target, step, worker, revision.down, notices);
    throwIfStopped(run, target);
    const commit = (): Promise<boolean> =>
      ledger.commitRevert(worker, revision, run.writer, clock.now() - began, notices.kept);
    await settleCommit(run, target, { revision, worker, wanted: 'reverted', commit });
  } catch (error) {
    throw await rollBack(run, target, step, worker, error, clock.now() - began, notices);
  }
  target.resetWorker();
}

async function beginRevert(run: Run, target: TargetSession, { worker, step, settings }: Reversion): Promise<void> {
  try {
    await run.ports.ledger.beginRevert(worker, step.revision, run.writer, settings);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.connection) throw error;
    await worker.run('ROLLBACK');
    throw staleOr(error, target);
  }
}

/** The row is gone: another orch has reverted the revision in spite of the lock. */
function staleOr(error: DatabaseError, target: TargetSession): Error {
  return error.sqlstate === 'P0002' ? new Failure('observed-changed', { service: target.service.name }) : error;
}

async function revertOutside(
  run: Run,
  target: TargetSession,
  step: RevertStep,
  worker: Session,
  down: RevisionText,
  notices: NoticeLog,
): Promise<void> {
  const { ledger, clock } = run.ports;
  const { revision } = step;
  // In the keeper's session, which no SET of the file reaches.
  const began = clock.now();
  await onceOthersAreDone(run, target, () =>
    inLockSession(target, (keeper) => ledger.startRevert(keeper, revision)),
  ).catch((error: unknown) => {
    throw error instanceof DatabaseError ? staleOr(error, target) : error;
  });
  try {
    await runOutside(run, target, { step, text: down, worker, notices });
  } catch (error) {
    await logFailed(run, target, revision.name, error, clock.now() - began, notices);
    throw error;
  }
  const duration = clock.now() - began;
  await inLockSession(target, (keeper) => ledger.finishRevert(keeper, revision, run.writer, duration, notices.kept));
  target.resetWorker();
}

async function logFailed(
  run: Run,
  target: TargetSession,
  revision: string,
  error: unknown,
  duration: number,
  notices: NoticeLog,
): Promise<void> {
  const said = databaseErrorOf((error as Error).cause) ?? databaseErrorOf(error);
  if (said === undefined || said.connection || target.lost.aborted) return;
  const { sqlstate, message } = said;
  const entry = { action: 'revert', outcome: 'failed', revision, duration, sqlstate, message } as const;
  await inLockSession(target, (keeper) => run.ports.ledger.log(keeper, entry, run.writer, notices.kept));
}
