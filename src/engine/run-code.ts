import type { StepOf } from '../core/plan.ts';
import type { CodeText } from '../core/revision.ts';
import type { Session } from '../ports/database.ts';
import type { RevisionConfig } from '../ports/revision-handle.ts';
import type { Run } from '../ports/run.ts';
import { framesInTransaction, framesOfTheirOwn } from './batch-frames.ts';
import type { NoticeLog } from './notice-log.ts';
import { OutsideStatements } from './outside-statements.ts';
import { revisionConfig } from './revision-config.ts';
import { type BatchFrame, createHandle } from './revision-handle.ts';
import type { TargetSession } from './target-session.ts';

export interface CodeRun {
  readonly step: StepOf<'apply-revision' | 'revert-revision'>;
  readonly code: CodeText;
  readonly worker: Session;
  readonly notices: NoticeLog;
  /** Throws where the run must not go on: interrupted, or the lock lost. */
  readonly check: () => void;
}

/**
 * Runs one direction of a TypeScript revision: in the transaction that is open, or, where the file says so, outside any.
 * @throws what the code throws; DatabaseError; Failure `revision-invalid`
 */
export async function runCode(
  run: Run,
  target: TargetSession,
  { step, code, worker, notices, check }: CodeRun,
): Promise<void> {
  const work = await run.ports.revisions.loadCode(code);
  const { revision } = step;
  let frame: BatchFrame = framesInTransaction(check);
  let statements: OutsideStatements | undefined;
  if (code.transaction === 'none') {
    const { direction } = code;
    frame = framesOfTheirOwn(run, target, { step, session: worker, direction, check });
    statements = new OutsideStatements(run, target, { step, worker });
    // A setting of PGlite's one session would be its services' too.
    if (target.location.sessions === 'many') await statements.begin();
  }
  const config: RevisionConfig = revisionConfig(run.project, target.service, revision);
  await work(
    createHandle({
      session: worker,
      config,
      log: {
        info: (message) => notices.add({ severity: 'INFO', message }),
        warn: (message) => notices.add({ severity: 'WARNING', message }),
      },
      progress: (done, total) => run.ports.emit({ type: 'step-progressed', step, done, total, unit: 'rows' }),
      frame,
      send: async (text, send) => {
        check();
        return statements === undefined ? await send() : await statements.send(text, send);
      },
      transaction: code.transaction === 'none' ? 'none' : 'single',
    }),
  );
  if (code.transaction === 'none' && worker.transaction !== 'none') {
    await worker.run('ROLLBACK');
    throw new Error('it ends inside a transaction that it began');
  }
}
