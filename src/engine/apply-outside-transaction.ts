import type { StepOf } from '../core/plan.ts';
import type { RevisionText } from '../core/revision.ts';
import type { Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import { onceOthersAreDone } from './lock-tries.ts';
import type { NoticeLog } from './notice-log.ts';
import { runOutside } from './run-outside.ts';
import { databaseErrorOf } from './run-script.ts';
import { inLockSession } from './stop.ts';
import type { TargetSession } from './target-session.ts';

/**
 * Applies a revision outside any transaction. The ledger is written in the keeper's session, which no SET of the file
 * reaches: a role, a time-out or `default_transaction_read_only` would keep its row from being written (V11).
 * @returns the note `outside a transaction`
 * @throws Failure `sql-failed` with `partial` true where earlier statements stay
 */
export async function applyOutsideTransaction(
  run: Run,
  target: TargetSession,
  step: StepOf<'apply-revision'>,
  worker: Session,
  text: RevisionText,
  notices: NoticeLog,
): Promise<string> {
  const { ledger, clock } = run.ports;
  const { revision } = step;
  const began = clock.now();
  await onceOthersAreDone(run, target, () =>
    inLockSession(target, (keeper) => ledger.start(keeper, revision, run.writer)),
  );
  try {
    await runOutside(run, target, { step, text, worker, notices });
  } catch (error) {
    const said = databaseErrorOf(error) ?? databaseErrorOf((error as Error).cause);
    if (said?.connection !== true && error instanceof Error && !target.lost.aborted) {
      const { message } = said ?? error;
      const failed = { action: 'apply', outcome: 'failed', revision: revision.name, message } as const;
      const entry = { ...failed, duration: clock.now() - began, sqlstate: said?.sqlstate };
      await inLockSession(target, (keeper) => ledger.log(keeper, entry, run.writer, notices.kept));
    }
    throw error;
  }
  const duration = clock.now() - began;
  await inLockSession(target, (keeper) => ledger.finish(keeper, revision, run.writer, duration, notices.kept));
  target.resetWorker();
  return 'outside a transaction';
}
