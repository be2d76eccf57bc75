import { batchQuery, countQuery, KEY_TEXT, planBatches } from '../core/batch-query.ts';
import { classifyStatement } from '../core/sql/classify.ts';
import { formatFragment, identifier, type SqlFragment, sql } from '../core/sql/fragment.ts';
import type { Session } from '../ports/database.ts';
import type {
  Batch,
  BatchSource,
  HandleResult,
  RevisionConfig,
  RevisionHandle,
  RevisionLog,
} from '../ports/revision-handle.ts';

/** Where a walk over batches stands. */
export interface BatchPosition {
  /** The last key that is done, as text; undefined: none is. */
  readonly key: string | undefined;
  /** Rows done. */
  readonly rows: number;
  readonly finished: boolean;
}

/** What a batch is bracketed by: nothing in the revision's one transaction, else a transaction each and a cursor. */
export interface BatchFrame {
  /** Where the walk of that name stands: from earlier runs too. */
  open(name: string): Promise<BatchPosition>;
  /** Runs `work` with the position that holds now, and keeps the position that it gives. */
  step(name: string, work: (from: BatchPosition) => Promise<BatchPosition>): Promise<BatchPosition>;
}

export interface HandleParts {
  readonly session: Session;
  readonly config: RevisionConfig;
  readonly log: RevisionLog;
  readonly progress: (done: number, total: number | undefined) => void;
  readonly frame: BatchFrame;
  /** Sends a statement: once it may be sent, and again where that is safe; undefined: an earlier run has done it. */
  readonly send: <Result>(text: string, send: () => Promise<Result>) => Promise<Result | undefined>;
  /** `single`: all that the code does is one transaction, which it must not end. */
  readonly transaction: 'single' | 'none';
}

/** The handle of a TypeScript revision over one session. */
export function createHandle(parts: HandleParts): RevisionHandle {
  const { session, config, log, frame } = parts;
  let walks = 0;
  const query = async <Row = Record<string, unknown>>(
    statement: string | SqlFragment,
    parameters: readonly unknown[] = [],
  ): Promise<HandleResult<Row>> => {
    const { text, parameters: values } =
      typeof statement === 'string' ? { text: statement, parameters } : formatFragment(statement);
    if (parts.transaction === 'single') refuseControl(text);
    const result = await parts.send(text, () => session.query<Row>(text, values));
    return { rows: result?.rows ?? [], rowCount: result?.rowCount ?? 0 };
  };
  return {
    query,
    sql,
    identifier,
    batches: (source, work) => {
      walks += 1;
      return walk(parts, query, { source, name: source.name ?? String(walks), frame }, work);
    },
    progress: (done, total) => parts.progress(done, total),
    config,
    log,
  };
}

/** A COMMIT in the code would keep half a revision. The files of SQL revisions are checked before anything runs. */
function refuseControl(text: string): void {
  const { class: found, name } = classifyStatement(text, 0, text.length);
  if (found === 'control') throw new Error(`${name} would end or begin the transaction that the revision runs in`);
}

interface Walk {
  readonly source: BatchSource;
  readonly name: string;
  readonly frame: BatchFrame;
}

async function walk<Row>(
  parts: HandleParts,
  query: RevisionHandle['query'],
  { source, name, frame }: Walk,
  work: (batch: Batch<Row>) => Promise<unknown>,
): Promise<{ readonly rows: number }> {
  const plan = planBatches(source);
  let at = await frame.open(name);
  if (at.finished) return { rows: at.rows };
  const total = source.count === false ? undefined : at.rows + (await countRows(query, countQuery(plan, at.key)));
  while (!at.finished) {
    at = await frame.step(name, async (from) => {
      if (from.finished) return from;
      const found = await query<Row & { readonly [KEY_TEXT]: string | null }>(batchQuery(plan, from.key));
      if (found.rows.length === 0) return { ...from, finished: true };
      const batch = batchOf(found.rows, plan.key);
      await work(batch as Batch<Row>);
      return { key: batch.last, rows: from.rows + batch.keys.length, finished: false };
    });
    if (!at.finished) parts.progress(at.rows, total);
  }
  return { rows: at.rows };
}

async function countRows(query: RevisionHandle['query'], counting: SqlFragment): Promise<number> {
  const { rows } = await query<{ total: number }>(counting);
  return rows[0]?.total ?? 0;
}

function batchOf<Row>(
  found: readonly (Row & { readonly [KEY_TEXT]: string | null })[],
  key: string,
): Batch<Omit<Row, typeof KEY_TEXT>> {
  const keys = found.map((row) => row[KEY_TEXT]).filter((text) => text !== null);
  if (keys.length < found.length)
    throw new Error(`batches: the key ${key} is NULL in some rows, which have no place in its order`);
  const rows = found.map(({ [KEY_TEXT]: _, ...row }) => row);
  return { keys, first: keys[0] ?? '', last: keys.at(-1) ?? '', rows };
}
