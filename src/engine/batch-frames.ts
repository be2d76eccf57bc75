import type { StepOf } from '../core/plan.ts';
import type { Session } from '../ports/database.ts';
import type { CursorName, TransactionSettings } from '../ports/ledger.ts';
import type { Run } from '../ports/run.ts';
import { tryForLocks } from './lock-tries.ts';
import type { BatchFrame, BatchPosition } from './revision-handle.ts';
import type { TargetSession } from './target-session.ts';

/** Batches within the revision's one transaction: they are only smaller statements, and end with it. */
export function framesInTransaction(check: () => void): BatchFrame {
  const start: BatchPosition = { key: undefined, rows: 0, finished: false };
  const at = new Map<string, BatchPosition>();
  return {
    open: async () => start,
    async step(name, work) {
      check();
      const reached = await work(at.get(name) ?? start);
      at.set(name, reached);
      return reached;
    },
  };
}

export interface OwnTransactions {
  readonly session: Session;
  readonly step: StepOf<'apply-revision' | 'revert-revision'>;
  readonly direction: 'up' | 'down';
  /** Throws where the run must not go on. */
  readonly check: () => void;
}

/**
 * A transaction a batch, in which the cursor moves on with it. The cursor's row is locked first: where the backend of a
 * killed orch is still committing a batch, its end is awaited, and the position is read anew. A batch that cannot have a
 * lock is rolled back and done anew.
 */
export function framesOfTheirOwn(run: Run, target: TargetSession, own: OwnTransactions): BatchFrame {
  const { session, step, direction } = own;
  return {
    open: (name) => run.ports.ledger.openCursor(session, step.revision, { direction, name }),
    step: (name, work) =>
      tryForLocks({ run, target, step, undoes: 'statement' }, async ({ settings, watch }) => {
        own.check();
        watch(session);
        return await doBatch(run, own, { direction, name }, settings, work);
      }),
  };
}

async function doBatch(
  run: Run,
  { session, step: { revision }, check }: OwnTransactions,
  cursor: CursorName,
  settings: TransactionSettings,
  work: (from: BatchPosition) => Promise<BatchPosition>,
): Promise<BatchPosition> {
  const { ledger } = run.ports;
  try {
    const reached = await work(await ledger.beginBatch(session, revision, cursor, settings));
    if (session.transaction !== 'open') throw new Error(TRANSACTION_GONE);
    check();
    await ledger.commitBatch(session, revision, cursor, reached);
    return reached;
  } catch (error) {
    if (session.transaction !== 'none') await session.run('ROLLBACK');
    throw error;
  }
}

const TRANSACTION_GONE =
  'the transaction of the batch is over: an error in it was caught, or it was ended by COMMIT or ROLLBACK';
