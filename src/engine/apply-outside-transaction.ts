import type { StepOf } from '../core/plan.ts';
import type { Statement } from '../core/revision.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import { revisionFailure } from './revision-failure.ts';
import type { TargetSession } from './target-session.ts';

/**
 * Runs a revision's statements one by one, each its own message: CREATE INDEX CONCURRENTLY is refused in a transaction
 * and in any message with more than one statement (25001, V15). Progress is recorded after each, and taken up again at `resumeAt`.
 * @returns the note `outside a transaction`
 * @throws Failure `sql-failed` with `partial` true: earlier statements stay, and the ledger has the revision as begun
 */
export async function applyOutsideTransaction(
  run: Run,
  target: TargetSession,
  step: StepOf<'apply-revision'>,
  worker: Session,
): Promise<string> {
  const { ledger, clock } = run.ports;
  const { revision } = step;
  const statements = revision.up.language === 'sql' ? revision.up.statements : [];
  const began = clock.now();
  const { policies } = run.project;
  await ledger.start(worker, revision, run.writer, {
    lockTimeout: revision.lockTimeout ?? policies.lockTimeout,
    statementTimeout: revision.statementTimeout ?? policies.statementTimeout,
  });
  for (const [index, statement] of statements.entries()) {
    if (index < step.resumeAt) continue;
    run.signal.throwIfAborted();
    target.requireLock();
    await runStatement(run, target, step, worker, statement, index, clock.now() - began);
    await ledger.progress(worker, revision, index + 1);
    run.ports.emit({ type: 'step-progressed', step, done: index + 1, total: statements.length, unit: 'statements' });
  }
  await ledger.finish(worker, revision, run.writer, clock.now() - began);
  if (target.location.sessions === 'many') await ledger.reset(worker);
  return 'outside a transaction';
}

async function runStatement(
  run: Run,
  target: TargetSession,
  step: StepOf<'apply-revision'>,
  worker: Session,
  statement: Statement,
  done: number,
  duration: number,
): Promise<void> {
  if (step.revision.up.language !== 'sql') throw new TypeError('only SQL runs outside a transaction');
  try {
    await worker.run(step.revision.up.text.slice(statement.start, statement.end));
  } catch (error) {
    if (error instanceof DatabaseError && !error.connection) {
      const { sqlstate, message } = error;
      const entry = {
        action: 'apply',
        outcome: 'failed',
        revision: step.revision.name,
        duration,
        sqlstate,
        message,
      } as const;
      await run.ports.ledger.log(worker, entry, run.writer);
    }
    if (run.signal.aborted) throw run.signal.reason;
    target.requireLock();
    // Partial even where it is the first: the ledger has the revision as begun, and some leave an invalid index behind (V14).
    throw revisionFailure(target.service, step, error, { partial: true, done, own: true, statement });
  }
}
