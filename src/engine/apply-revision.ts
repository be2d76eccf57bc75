import { Failure, isFailure } from '../core/failure.ts';
import type { StepOf } from '../core/plan.ts';
import type { CodeText, SqlText } from '../core/revision.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import { TRANSACTION_LOCK_BUSY, type TransactionSettings } from '../ports/ledger.ts';
import type { Run } from '../ports/run.ts';
import { applyOutsideTransaction } from './apply-outside-transaction.ts';
import { settleCommit } from './commit-outcome.ts';
import { type Try, tryForLocks } from './lock-tries.ts';
import { NoticeLog } from './notice-log.ts';
import { revisionFailure } from './revision-failure.ts';
import { runCode } from './run-code.ts';
import { databaseErrorOf, runScript } from './run-script.ts';
import { cancelOnInterrupt, throwIfStopped } from './stop.ts';
import type { TargetSession } from './target-session.ts';
import { findNotWritable } from './writable.ts';

type ApplyStep = StepOf<'apply-revision'>;
/** A step that runs a text of a revision, one way or the other. */
type TextStep = StepOf<'apply-revision' | 'revert-revision'>;

/**
 * Applies one revision and records it, in one transaction, or outside any where the revision asks for that.
 * @returns a note such as `outside a transaction`; undefined: nothing worth saying
 * @throws Failure `sql-failed`, `revision-code-failed`, `revision-blocked`, `connection-lost`, `outcome-unknown`,
 * `statement-unclear`, `interrupted`
 */
export async function applyRevision(run: Run, target: TargetSession, step: ApplyStep): Promise<string | undefined> {
  if (step.unclear !== undefined) throw step.unclear;
  if (step.revision.up.transaction === 'none') return await applyOnce(run, target, step, undefined);
  return await tryForLocks({ run, target, step, undoes: 'all' }, (attempt) => applyOnce(run, target, step, attempt));
}

/** @param attempt undefined: outside a transaction, where each statement is tried by itself */
async function applyOnce(
  run: Run,
  target: TargetSession,
  step: ApplyStep,
  attempt: Try | undefined,
): Promise<string | undefined> {
  const worker = await target.worker();
  const notices = new NoticeLog(run, step.subject, worker);
  const stopWatching = cancelOnInterrupt(run, target);
  const { up } = step.revision;
  try {
    if (attempt === undefined) {
      return await applyOutsideTransaction(run, target, step, worker, up, notices);
    }
    attempt.watch(worker);
    await applyInTransaction(run, target, { step, worker, notices, settings: attempt.settings });
    return up.language === 'sql' && up.wrapped ? 'in our transaction instead of its own BEGIN … COMMIT' : undefined;
  } finally {
    stopWatching();
    notices.stop();
  }
}

interface Application {
  readonly step: ApplyStep;
  readonly worker: Session;
  readonly notices: NoticeLog;
  readonly settings: TransactionSettings;
}

async function applyInTransaction(run: Run, target: TargetSession, application: Application): Promise<void> {
  const { step, worker, notices } = application;
  const { ledger, clock } = run.ports;
  const { revision } = step;
  const began = clock.now();
  target.requireLock();
  try {
    await beginAndRun(run, target, application);
    throwIfStopped(run, target);
    const commit = (): Promise<boolean> => {
      const committing = ledger.commit(worker, revision, run.writer, clock.now() - began, notices.kept);
      // Right behind it: in a transaction that could not be committed it is refused, and the session is given up.
      target.resetWorkerBehind(committing);
      return committing;
    };
    await settleCommit(run, target, { revision, worker, wanted: 'applied', commit });
  } catch (error) {
    throw await rollBack(run, target, step, worker, error, clock.now() - began, notices);
  }
}

/** The text's first message goes with BEGIN and the ledger's row, so that it cannot run where those fail. */
async function beginAndRun(run: Run, target: TargetSession, application: Application): Promise<void> {
  const { step, worker, notices } = application;
  const { up } = step.revision;
  let begun = false;
  const begin = async (message?: string): Promise<void> => {
    begun = true;
    const refused = await beginRevision(run, target, application, message);
    if (refused !== undefined) throw refused;
  };
  const check = (): void => throwIfStopped(run, target);
  if (up.language === 'sql') await runScript(worker, up, { begin, check });
  if (!begun) await begin();
  if (up.language === 'typescript') await runText(run, target, step, worker, up, notices);
}

/** @returns the error of the message that was sent with it */
async function beginRevision(
  run: Run,
  target: TargetSession,
  { worker, step, settings }: Application,
  message: string | undefined,
): Promise<DatabaseError | undefined> {
  try {
    return await run.ports.ledger.begin(worker, step.revision, run.writer, settings, message);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.connection) throw error;
    throw refusalOf(error, target);
  }
}

function refusalOf(cause: DatabaseError, target: TargetSession): Error {
  // The row is there already: another orch has applied the revision in spite of the lock (V7).
  if (cause.sqlstate === '23505') return new Failure('observed-changed', { service: target.service.name }, { cause });
  return new LedgerError(cause.message, { cause });
}

/** The ledger's own part of a transaction failed: no fault of the revision's text. */
class LedgerError extends Error {}

/** Runs one direction of a revision in the transaction that is open. */
export async function runText(
  run: Run,
  target: TargetSession,
  step: TextStep,
  worker: Session,
  text: SqlText | CodeText,
  notices: NoticeLog,
): Promise<void> {
  const check = (): void => throwIfStopped(run, target);
  if (text.language === 'sql') return await runScript(worker, text, { check });
  await runCode(run, target, { step, code: text, worker, notices, check });
}

/** Rolls back, records the failed attempt and gives the failure to throw. */
export async function rollBack(
  run: Run,
  target: TargetSession,
  step: TextStep,
  worker: Session,
  error: unknown,
  duration: number,
  notices?: NoticeLog,
): Promise<unknown> {
  if (isSessionGone(error)) return interruptedOr(run, target, failureOf(target, step, error));
  // After an error in the first message there may be no transaction to roll back.
  if (worker.transaction !== 'none') await worker.run('ROLLBACK');
  if (isFailure(error, 'observed-changed')) return error;
  const during = `${step.kind === 'apply-revision' ? 'applying' : 'reverting'} ${step.revision.name}`;
  const notWritable = await findNotWritable(target, worker, databaseErrorOf(error), during);
  // Nor could the log be written.
  if (notWritable !== undefined) return notWritable;
  const failure = interruptedOr(run, target, failureOf(target, step, error));
  // Nothing was tried yet.
  if (databaseErrorOf(error)?.sqlstate === TRANSACTION_LOCK_BUSY) return failure;
  await run.ports.ledger.log(worker, logEntry(step, error, duration), run.writer, notices?.kept);
  return failure;
}

function failureOf(target: TargetSession, step: TextStep, error: unknown): unknown {
  if (error instanceof LedgerError) return error.cause;
  return revisionFailure(target.service, step, error, { partial: false, done: 0 });
}

function isSessionGone(error: unknown): boolean {
  if (databaseErrorOf(error)?.connection === true) return true;
  return isFailure(error, 'connection-lost') || isFailure(error, 'outcome-unknown');
}

function interruptedOr(run: Run, target: TargetSession, failure: unknown): unknown {
  if (isFailure(failure, 'outcome-unknown')) return failure;
  if (run.signal.aborted) return run.signal.reason;
  if (!target.lost.aborted) return failure;
  const { name, database } = target.service;
  return new Failure('lock-lost', { service: name, database, ...target.lossReason }, { cause: failure });
}

function logEntry(step: TextStep, error: unknown, duration: number): Parameters<Run['ports']['ledger']['log']>[1] {
  const said = databaseErrorOf(error);
  return {
    action: step.kind === 'apply-revision' ? 'apply' : 'revert',
    outcome: 'failed',
    revision: step.revision.name,
    duration,
    sqlstate: said?.sqlstate,
    message: wordsOf(error),
  };
}

/** For the log. A failure's own message is no more than its code. */
function wordsOf(error: unknown): string {
  if (isFailure(error, 'revision-code-failed')) return error.details.message;
  if (isFailure(error, 'revision-invalid')) {
    return error.details.faults
      .map(({ file, line, message }) => `${file}${line === undefined ? '' : `:${line}`} ${message}`)
      .join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
