import type { ObservedDatabase, RecordedTexts } from '../../core/observed.ts';
import type { Link } from '../../core/plan.ts';
import type { Service } from '../../core/project.ts';
import type { Revision } from '../../core/revision.ts';
import type { ScriptPart } from '../../core/sql/script-parts.ts';
import { DatabaseError, type Notice, type QueryResult, type Session } from '../../ports/database.ts';
import type {
  AcceptChange,
  Announced,
  CursorName,
  CursorPosition,
  Ledger,
  LogEntry,
  Recorded,
  StampChange,
  TransactionSettings,
  Writer,
} from '../../ports/ledger.ts';
import { BATCH_ROW, beginBatchSql, dropCursorsSql, moveCursorSql, openCursorSql, readCursorSql } from './cursor-sql.ts';
import {
  acceptSql,
  beginRevertSql,
  commitRevertSql,
  finishRevertSql,
  relinkSql,
  stampSql,
  startRevertSql,
} from './ledger-change-sql.ts';
import { observeDatabase } from './ledger-observation.ts';
import { AWAIT_CREATORS, ledgerSchemaSql } from './ledger-schema.ts';
import {
  BEGIN_STATEMENTS,
  beginSql,
  commitSql,
  finishSql,
  isRow,
  logSql,
  noticesSql,
  OVERSTEPPED,
  progressSql,
  REVISION_OVERSTEPPED,
  startSql,
  type TransactionIdentity,
} from './ledger-sql.ts';
import { readRecorded } from './recorded-texts.ts';
import { announceSql, recordSql, runRecorded } from './statement-record.ts';
import { TAKE_TRANSACTION_LOCK, withBusyLock } from './transaction-lock.ts';

/** The ledger in schema `orch`; speaks SQL only through `Session`, so it serves PGlite as well. */
export class PostgresLedger implements Ledger {
  readonly #begun = new WeakMap<Session, TransactionIdentity>();

  async observe(session: Session, service: Service): Promise<ObservedDatabase> {
    return await observeDatabase(session, service);
  }

  async create(session: Session, _service: Service, writer: Writer): Promise<void> {
    const entry = { action: 'create-ledger', outcome: 'succeeded', duration: 0 } as const;
    const logged = logSql({ ...entry, revision: undefined, sqlstate: undefined, message: undefined }, writer);
    // Behind the queue: whoever created it before has let go of the lock then.
    const sql = `${AWAIT_CREATORS};\n${TAKE_TRANSACTION_LOCK};\n${ledgerSchemaSql()}${logged}`;
    await locking(() => session.run(sql));
  }

  async begin(
    session: Session,
    revision: Revision,
    writer: Writer,
    settings: TransactionSettings,
    text?: string,
  ): Promise<DatabaseError | undefined> {
    const head = `${beginSql(revision, writer, settings)};\n`;
    try {
      const { rows } = await session.run(`${head}${text ?? ''}`, { rowsOf: BEGIN_STATEMENTS - 1 });
      // `run` cannot know the columns; `beginSql` ends with the statement that returns exactly these.
      this.#begun.set(session, rows[0] as unknown as TransactionIdentity);
      return undefined;
    } catch (error) {
      const ofText = error instanceof DatabaseError ? errorOfText(error, head) : undefined;
      if (ofText === undefined) throw withBusyLock(error);
      return ofText;
    }
  }

  async commit(
    session: Session,
    revision: Revision,
    writer: Writer,
    duration: number,
    notices?: readonly Notice[],
  ): Promise<boolean> {
    const begun = this.#begun.get(session);
    if (begun === undefined) throw new TypeError('commit without begin');
    this.#begun.delete(session);
    return await commitWith(session, commitSql(revision, writer, duration, begun, notices));
  }

  async beginRevert(
    session: Session,
    revision: Revision,
    _writer: Writer,
    settings: TransactionSettings,
  ): Promise<void> {
    const { rows, rowCount } = await locking(() => session.run(beginRevertSql(revision, settings)));
    requireRow(revision, { rowCount });
    // `run` cannot know the columns; `beginRevertSql` ends with the statement that returns exactly these.
    this.#begun.set(session, rows[0] as unknown as TransactionIdentity);
  }

  async commitRevert(
    session: Session,
    revision: Revision,
    writer: Writer,
    duration: number,
    notices?: readonly Notice[],
  ): Promise<boolean> {
    const begun = this.#begun.get(session);
    if (begun === undefined) throw new TypeError('commit without begin');
    this.#begun.delete(session);
    return await commitWith(session, commitRevertSql(revision, writer, duration, begun, notices));
  }

  async startRevert(session: Session, revision: Revision): Promise<void> {
    const sql = `${TAKE_TRANSACTION_LOCK};\n${startRevertSql(revision)}`;
    requireRow(revision, await locking(() => session.run(sql)));
  }

  async finishRevert(
    session: Session,
    revision: Revision,
    writer: Writer,
    duration: number,
    notices?: readonly Notice[],
  ): Promise<void> {
    await commitRow(session, revision.name, finishRevertSql(revision, writer, duration, notices));
  }

  async stamp(session: Session, change: StampChange, writer: Writer): Promise<void> {
    await inTransaction(session, () => session.run(stampSql(change, writer)));
  }

  async accept(session: Session, change: AcceptChange, writer: Writer): Promise<void> {
    await commitRow(session, change.name, acceptSql(change, writer));
  }

  async relink(session: Session, links: readonly Link[], writer: Writer): Promise<void> {
    await inTransaction(session, () => session.run(relinkSql(links, writer)));
  }

  async recorded(session: Session, names: readonly string[]): Promise<ReadonlyMap<string, RecordedTexts>> {
    return await readRecorded(session, names);
  }

  async start(session: Session, revision: Revision, writer: Writer): Promise<void> {
    const sql = `${TAKE_TRANSACTION_LOCK};\n${startSql(revision, writer)}`;
    const { rowCount } = await locking(() => session.run(sql));
    if (rowCount === 1) return;
    throw new DatabaseError(`${revision.name} stands as applied in the ledger`, {
      sqlstate: '23505',
      connection: false,
    });
  }

  async progress(session: Session, revision: Revision, statementsDone: number): Promise<void> {
    requireRow(revision, await session.run(progressSql(revision, statementsDone)));
  }

  async runRecorded(
    session: Session,
    statement: Pick<ScriptPart, 'text' | 'rows'>,
    revision: Revision,
    statementsDone: number,
  ): Promise<Recorded> {
    return await runRecorded(session, statement, recordSql(revision, statementsDone));
  }

  async announce(session: Session, statement: Announced, writer: Writer): Promise<void> {
    await session.run(announceSql(statement, 'announced', writer));
  }

  async withdraw(session: Session, statement: Announced, writer: Writer): Promise<void> {
    await session.run(announceSql(statement, 'withdrawn', writer));
  }

  async finish(
    session: Session,
    revision: Revision,
    writer: Writer,
    duration: number,
    notices: readonly Notice[] = [],
  ): Promise<void> {
    const said = noticesSql(revision.name, writer, notices);
    const cursors = revision.up.language === 'typescript' ? `${dropCursorsSql(revision)};\n` : '';
    requireRow(revision, await session.run(`${said}${cursors}${finishSql(revision, writer, duration)}`));
  }

  async log(session: Session, entry: LogEntry, writer: Writer, notices: readonly Notice[] = []): Promise<void> {
    const said = entry.revision === undefined ? '' : noticesSql(entry.revision, writer, notices);
    await session.run(`${said}${logSql(entry, writer)}`);
  }

  async openCursor(session: Session, revision: Revision, cursor: CursorName): Promise<CursorPosition> {
    await session.run(openCursorSql(revision, cursor));
    return positionOf(await session.run(readCursorSql(revision, cursor)));
  }

  async beginBatch(
    session: Session,
    revision: Revision,
    cursor: CursorName,
    settings: TransactionSettings,
  ): Promise<CursorPosition> {
    const sql = beginBatchSql(revision, cursor, settings);
    return positionOf(await locking(() => session.run(sql, { rowsOf: BATCH_ROW })));
  }

  async commitBatch(session: Session, revision: Revision, cursor: CursorName, at: CursorPosition): Promise<void> {
    await session.run(moveCursorSql(revision, cursor, at));
    const { command } = await session.run('COMMIT');
    if (command === 'COMMIT') return;
    throw new DatabaseError('the server answered ROLLBACK', { sqlstate: '25P02', connection: false });
  }

  async reset(session: Session): Promise<void> {
    // DISCARD ALL goes in no message with another statement (25001); RESET ROLE behind it goes back to the role that the
    // session was started with (V11).
    await Promise.all([session.run('DISCARD ALL'), session.run('RESET ROLE')]);
  }

  transactionOf(session: Session): string | undefined {
    return this.#begun.get(session)?.transaction;
  }

  async statusOf(session: Session, transaction: string): Promise<'committed' | 'aborted' | 'in progress' | undefined> {
    const { rows } = await session.query<{ status: 'committed' | 'aborted' | 'in progress' | null }>(
      'SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8) AS status',
      [transaction],
    );
    return rows[0]?.status ?? undefined;
  }

  async isApplied(session: Session, revision: Revision): Promise<boolean> {
    const { rowCount } = await session.query(
      `SELECT FROM orch.ledger AS l WHERE ${isRow(revision, 'l')} AND l.state OPERATOR(pg_catalog.=) 'applied'`,
    );
    return rowCount === 1;
  }
}

function positionOf({ rows: [row] }: QueryResult): CursorPosition {
  // `run` cannot know the columns: those of `readCursorSql`.
  const { position, rows_done, finished } = (row ?? {}) as Record<string, unknown>;
  if (typeof rows_done !== 'number') {
    throw new DatabaseError('the row of the cursor is gone', { sqlstate: 'P0002', connection: false });
  }
  return { key: typeof position === 'string' ? position : undefined, rows: rows_done, finished: finished === true };
}

/** The error as if the text behind `head` had been sent alone; undefined: it is the head's own. */
function errorOfText(error: DatabaseError, head: string): DatabaseError | undefined {
  const { sqlstate, detail, serverHint, where, connection, cause } = error;
  // PostgreSQL counts code points. A text that it cannot read at all is refused before the head has run.
  const length = error.position === undefined ? 0 : [...head].length;
  const position = error.position === undefined ? undefined : error.position - length;
  const done = error.statementsDone ?? 0;
  const isOfText = position === undefined ? done >= BEGIN_STATEMENTS : position > 0;
  if (connection || !isOfText) return undefined;
  const statementsDone = done >= BEGIN_STATEMENTS ? done - BEGIN_STATEMENTS : undefined;
  return new DatabaseError(error.message, {
    ...{ sqlstate, detail, serverHint, where, connection, cause },
    position,
    statementsDone,
  });
}

async function commitWith(session: Session, sql: string): Promise<boolean> {
  try {
    const { command } = await session.run(sql);
    // COMMIT of a transaction that has failed answers ROLLBACK, without an error (V12).
    return command === 'COMMIT';
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.connection) throw error;
    // COMMIT itself, such as on a deferred constraint, ends the transaction also where it fails.
    if (session.transaction !== 'none') await session.run('ROLLBACK');
    // 25P02: an error before, which a TypeScript revision caught and went on from.
    if (error.sqlstate === '25P02') return false;
    throw overstepped(error) ?? error;
  }
}

/** The error of a failed check as what it means. */
function overstepped(cause: DatabaseError): DatabaseError | undefined {
  const said = cause.sqlstate === '22P02' ? new RegExp(`${OVERSTEPPED} [a-z ]+`).exec(cause.message) : null;
  return said === null
    ? undefined
    : new DatabaseError(said[0], { sqlstate: REVISION_OVERSTEPPED, connection: false, cause });
}

/** For a message that takes the transaction's lock. @throws DatabaseError with `TRANSACTION_LOCK_BUSY` */
async function locking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withBusyLock(error);
  }
}

/** For a message that begins a transaction: an error within it leaves it open. */
async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await locking(work);
  } catch (error) {
    if (error instanceof DatabaseError && !error.connection) await session.run('ROLLBACK');
    throw error;
  }
}

/** Runs a message that begins a transaction and ends with a statement on the row of that name, and commits it. */
async function commitRow(session: Session, name: string, sql: string): Promise<void> {
  await inTransaction(session, async () => {
    requireRow({ name }, await session.run(sql));
    await session.run('COMMIT');
  });
}

function requireRow(revision: Pick<Revision, 'name'>, result: { readonly rowCount: number }): void {
  if (result.rowCount === 1) return;
  throw new DatabaseError(`the row of ${revision.name} is gone from the ledger`, {
    sqlstate: 'P0002',
    connection: false,
  });
}
