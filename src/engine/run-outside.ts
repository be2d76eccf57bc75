import type { RevisionText } from '../core/revision.ts';
import type { Run } from '../ports/run.ts';
import type { NoticeLog } from './notice-log.ts';
import { revisionFailure } from './revision-failure.ts';
import { runCode } from './run-code.ts';
import { type OutsideRun, runOutsideTransaction } from './run-outside-transaction.ts';
import { throwIfStopped } from './stop.ts';
import type { TargetSession } from './target-session.ts';

/**
 * Runs a text outside any transaction: SQL statement by statement, code with a transaction of its own for each batch.
 * @throws Failure `sql-failed` or `revision-code-failed` with `partial` true where earlier parts stay
 */
export async function runOutside(
  run: Run,
  target: TargetSession,
  outside: Omit<OutsideRun, 'text'> & { readonly text: RevisionText; readonly notices: NoticeLog },
): Promise<void> {
  const { text, step, worker, notices } = outside;
  if (text.language === 'sql') return await runOutsideTransaction(run, target, { ...outside, text });
  try {
    await runCode(run, target, { step, code: text, worker, notices, check: () => throwIfStopped(run, target) });
  } catch (error) {
    if (run.signal.aborted) throw run.signal.reason;
    target.requireLock();
    throw revisionFailure(target.service, step, error, { partial: true, done: 0 });
  }
}
