import type { Revision } from '../core/revision.ts';
import type { Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import type { BatchFrame, BatchPosition } from './revision-handle.ts';

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
  readonly revision: Revision;
  readonly direction: 'up' | 'down';
  /** In ms. */
  readonly lockTimeout: number;
  readonly statementTimeout: number;
  /** Throws where the run must not go on. */
  readonly check: () => void;
}

/**
 * A transaction a batch, in which the cursor moves on with it. The cursor's row is locked first: where the backend of a
 * killed orch is still committing a batch, its end is awaited, and the position is read anew.
 */
export function framesOfTheirOwn(run: Run, own: OwnTransactions): BatchFrame {
  const { ledger } = run.ports;
  const { session, revision, direction } = own;
  return {
    open: (name) => ledger.openCursor(session, revision, { direction, name }),
    async step(name, work) {
      own.check();
      const cursor = { direction, name };
      const from = await ledger.beginBatch(session, revision, cursor, own);
      try {
        const reached = await work(from);
        if (session.transaction !== 'open') throw new Error(TRANSACTION_GONE);
        own.check();
        await ledger.commitBatch(session, revision, cursor, reached);
        return reached;
      } catch (error) {
        if (session.transaction !== 'none') await session.run('ROLLBACK');
        throw error;
      }
    },
  };
}

const TRANSACTION_GONE =
  'the transaction of the batch is over: an error in it was caught, or it was ended by COMMIT or ROLLBACK';
