import { Failure, isFailure } from '../core/failure.ts';
import type { StepOf } from '../core/plan.ts';
import type { CodeText, Revision, SqlText } from '../core/revision.ts';
import { classifyStatement } from '../core/sql/classify.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import { RevisionCodeError } from '../ports/revision-store.ts';
import type { Run } from '../ports/run.ts';
import { applyOutsideTransaction } from './apply-outside-transaction.ts';
import { settleCommit } from './commit-outcome.ts';
import { revisionFailure } from './revision-failure.ts';
import type { TargetSession } from './target-session.ts';

type ApplyStep = StepOf<'apply-revision'>;

/**
 * Applies one revision and records it, in one transaction, or outside any where the revision asks for that.
 * @returns a note such as `outside a transaction`; undefined: nothing worth saying
 * @throws Failure `sql-failed`, `revision-code-failed`, `connection-lost`, `outcome-unknown`, `interrupted`
 */
export async function applyRevision(run: Run, target: TargetSession, step: ApplyStep): Promise<string | undefined> {
  const worker = await target.worker();
  const stopListening = worker.onNotice((notice) =>
    run.ports.emit({ type: 'notice-received', subject: step.subject, ...notice }),
  );
  const stopWatching = cancelOnInterrupt(run, target);
  try {
    if (step.revision.up.transaction === 'none') return await applyOutsideTransaction(run, target, step, worker);
    await applyInTransaction(run, target, step, worker);
    return undefined;
  } finally {
    stopWatching();
    stopListening();
  }
}

/** An interrupt, or the loss of the lock's session, cancels the statement that runs. */
function cancelOnInterrupt(run: Run, target: TargetSession): () => void {
  const cancel = (): void => {
    // A cancel that cannot be sent leaves the statement to end by itself; its result is judged all the same.
    target.cancelWorker().catch(() => undefined);
  };
  const signals = [run.signal, target.lost];
  for (const signal of signals) signal.addEventListener('abort', cancel, { once: true });
  return () => {
    for (const signal of signals) signal.removeEventListener('abort', cancel);
  };
}

/** Whose statements failed: the revision's own, orch's commit, or none. */
type Phase = 'own' | 'between' | 'commit';

async function applyInTransaction(run: Run, target: TargetSession, step: ApplyStep, worker: Session): Promise<void> {
  const { ledger, clock } = run.ports;
  const { revision } = step;
  const began = clock.now();
  let phase: Phase = 'own';
  let isKept = true;
  target.requireLock();
  await beginRevision(run, target, worker, revision);
  try {
    await runText(run, step, worker, revision.up);
    phase = 'between';
    // A run that was interrupted, or that lost its lock, must not commit.
    run.signal.throwIfAborted();
    target.requireLock();
    phase = 'commit';
    isKept = await settleCommit(run, target, revision, worker.pid, () =>
      ledger.commit(worker, revision, run.writer, clock.now() - began),
    );
  } catch (error) {
    throw await rollBack(run, target, step, worker, { error, phase, duration: clock.now() - began });
  }
  if (isKept && target.location.sessions === 'many') await ledger.reset(worker);
}

async function beginRevision(run: Run, target: TargetSession, worker: Session, revision: Revision): Promise<void> {
  const { policies } = run.project;
  try {
    await run.ports.ledger.begin(worker, revision, run.writer, {
      lockTimeout: revision.lockTimeout ?? policies.lockTimeout,
      statementTimeout: revision.statementTimeout ?? policies.statementTimeout,
    });
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.connection) throw error;
    await worker.run('ROLLBACK');
    // The row is there already: another orch has applied the revision in spite of the lock (V7).
    throw error.sqlstate === '23505' ? staleFor(target, error) : error;
  }
}

function staleFor({ service }: TargetSession, cause: DatabaseError): Failure<'observed-changed'> {
  return new Failure('observed-changed', { service: service.name }, { cause });
}

async function runText(run: Run, step: ApplyStep, worker: Session, text: SqlText | CodeText): Promise<void> {
  if (text.language === 'sql') {
    // A text without any statement is a revision like any other.
    if (text.text.trim() !== '') await worker.run(text.text);
    return;
  }
  const code = await run.ports.revisions.loadCode(text);
  await code({
    query: async (sql, parameters) => {
      refuseControl(sql);
      return await worker.query(sql, parameters);
    },
    progress: (done, total) => run.ports.emit({ type: 'step-progressed', step, done, total, unit: 'rows' }),
    service: { name: step.subject.service, database: step.subject.database },
  });
}

/** A COMMIT in the code would keep half a revision. The files of SQL revisions are checked before anything runs. */
function refuseControl(sql: string): void {
  const { class: found, name } = classifyStatement(sql, 0, sql.length);
  if (found === 'control') throw new Error(`${name} would end or begin the transaction that the revision runs in`);
}

/** Rolls back, records the failed attempt and gives the failure to throw. */
async function rollBack(
  run: Run,
  target: TargetSession,
  step: ApplyStep,
  worker: Session,
  { error, phase, duration }: { readonly error: unknown; readonly phase: Phase; readonly duration: number },
): Promise<unknown> {
  const reached = { partial: false, done: 0, own: phase === 'own' };
  const failure = interruptedOr(run, target, revisionFailure(target.service, step, error, reached));
  const thrown = error instanceof RevisionCodeError ? error.cause : error;
  if (isSessionGone(thrown)) return failure;
  // A commit that fails leaves no transaction: another ROLLBACK would make the server warn.
  if (phase !== 'commit') await worker.run('ROLLBACK');
  await run.ports.ledger.log(worker, logEntry(step, thrown, duration), run.writer);
  return failure;
}

function isSessionGone(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.connection;
  return isFailure(error, 'connection-lost') || isFailure(error, 'outcome-unknown');
}

function interruptedOr(run: Run, target: TargetSession, failure: unknown): unknown {
  if (isFailure(failure, 'outcome-unknown')) return failure;
  if (run.signal.aborted) return run.signal.reason;
  if (!target.lost.aborted) return failure;
  const { name, database } = target.service;
  return new Failure('lock-lost', { service: name, database }, { cause: failure });
}

function logEntry(step: ApplyStep, error: unknown, duration: number): Parameters<Run['ports']['ledger']['log']>[1] {
  const isDatabase = error instanceof DatabaseError;
  return {
    action: 'apply',
    outcome: 'failed',
    revision: step.revision.name,
    duration,
    sqlstate: isDatabase ? error.sqlstate : undefined,
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
