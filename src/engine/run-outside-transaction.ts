import { Failure, isFailure } from '../core/failure.ts';
import type { StepOf } from '../core/plan.ts';
import type { SqlText } from '../core/revision.ts';
import { classifyStatement } from '../core/sql/classify.ts';
import { placeOf } from '../core/sql/position.ts';
import { chains, endsBlock, setsSession } from '../core/sql/record-way.ts';
import { type ScriptPart, scriptParts } from '../core/sql/script-parts.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import { OutsideStatements } from './outside-statements.ts';
import { revisionFailure } from './revision-failure.ts';
import { ScriptError, sendPart } from './run-script.ts';
import { StatementRecord } from './statement-record.ts';
import type { TargetSession } from './target-session.ts';

export interface OutsideRun {
  readonly step: StepOf<'apply-revision' | 'revert-revision'>;
  readonly text: SqlText;
  readonly worker: Session;
}

/**
 * Runs a text's statements one by one, each its own message: CREATE INDEX CONCURRENTLY is refused in a transaction and in
 * any message with more than one statement (25001, V15). The text's own BEGIN and COMMIT count: what is done is recorded
 * with the COMMIT. Begins at `resumeAt`; settings that earlier statements made are made again.
 * @throws Failure `sql-failed` with `partial` true: earlier statements stay, and the ledger has the revision as begun
 */
export async function runOutsideTransaction(run: Run, target: TargetSession, outside: OutsideRun): Promise<void> {
  const { step, text, worker } = outside;
  const total = text.statements.length;
  const statements = new OutsideStatements(run, target, outside);
  const record = new StatementRecord(run, target, outside);
  await statements.begin();
  let isChained = false;
  for (const part of scriptParts(text)) {
    if (part.statementsBefore < step.resumeAt) {
      isChained = chains(part.text) || (isChained && !endsBlock(part.text));
      if (setsSession(part.text))
        await runPart(run, target, { ...outside, record }, part, () => sendPart(worker, part));
      else passRows(part);
      continue;
    }
    // The transaction that it began went with the session that was in it.
    if (isChained) await worker.run('BEGIN');
    isChained = false;
    const before = record.done;
    await runPart(run, target, { ...outside, record }, part, (wrap) =>
      statements.send(part.text, () => wrap(record.send(part))),
    );
    // An earlier run has done it, and could not record it.
    await record.record(part);
    if (record.done > before)
      run.ports.emit({ type: 'step-progressed', step, done: record.done, total, unit: 'statements' });
  }
  if (worker.transaction !== 'none') throw await leftOpen(target, outside, record.done);
}

function passRows({ rows }: ScriptPart): void {
  for (const _ of rows ?? []);
}

interface PartRun extends OutsideRun {
  readonly record: StatementRecord;
}

type Wrap = <Result>(sent: Promise<Result>) => Promise<Result>;

/** @param send sends the part; `wrap` gives a refusal of the server's its place in the file */
async function runPart(
  run: Run,
  target: TargetSession,
  outside: PartRun,
  part: ScriptPart,
  send: (wrap: Wrap) => Promise<unknown>,
): Promise<void> {
  const wrap: Wrap = (sent) =>
    sent.catch(async (error: unknown) => {
      throw await failureOf(run, target, outside, part, error);
    });
  await wrap(send(wrap));
}

async function failureOf(
  run: Run,
  target: TargetSession,
  { step, worker, text, record }: PartRun,
  part: ScriptPart,
  error: unknown,
): Promise<unknown> {
  if (isFailure(error, 'index-invalid')) {
    const { line, column } = placeOf(text.text, part.start);
    return new Failure('index-invalid', error.details, { at: { file: text.file, line, column } });
  }
  if (error instanceof Failure) return error;
  const isKnown = error instanceof DatabaseError;
  if (isKnown && !error.connection && worker.transaction !== 'none') await worker.run('ROLLBACK');
  if (run.signal.aborted) return run.signal.reason;
  target.requireLock();
  // Partial even where it is the first: the ledger has the revision as begun, and some leave an invalid index behind (V14).
  const reached = { partial: true, done: record.done };
  return revisionFailure(target.service, step, isKnown ? new ScriptError(part, error) : error, reached);
}

async function leftOpen(target: TargetSession, { step, text, worker }: OutsideRun, done: number): Promise<Failure> {
  await worker.run('ROLLBACK');
  const last = text.statements.findLast(
    ({ start, end }) => classifyStatement(text.text, start, end).class === 'control',
  );
  return new Failure(
    'sql-failed',
    {
      service: target.service.name,
      database: target.service.database,
      revision: step.revision.name,
      direction: step.kind === 'apply-revision' ? 'up' : 'down',
      sqlstate: '25000',
      message: 'the file ends inside a transaction that it began',
      detail: undefined,
      serverHint: 'end it with COMMIT',
      where: undefined,
      statement: undefined,
      source: undefined,
      partial: true,
      statementsDone: done,
    },
    { at: { file: text.file, line: last?.line, column: last?.column } },
  );
}
