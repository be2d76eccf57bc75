import pg from 'pg';
import type { RunOptions } from '../../ports/database.ts';

/** What `pg` calls on the query that is answered; its types leave these out. */
interface QueryHandlers {
  callback: (error: Error | undefined, result: pg.QueryResult | readonly pg.QueryResult[] | undefined) => void;
  submit(connection: pg.Connection): Error | null;
  handleRowDescription(message: unknown): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: { readonly text?: string }, connection: WireConnection): void;
  handleCopyInResponse(connection: WireConnection): void;
  handleError(error: Error, connection: WireConnection): void;
}

/** The part of `pg`'s connection that is used here. */
export interface WireConnection {
  once(event: string, listener: () => void): void;
  off(event: string, listener: () => void): void;
  sendCopyFail(message: string): void;
}

const Query = pg.Query as unknown as new (config: { readonly text: string }) => QueryHandlers;

/** In UTF-16 units. */
const LONG = 16 * 1024;

/** What a message answered. */
export interface Answer {
  readonly rows: pg.QueryResultRow[];
  readonly command: string;
  readonly rowCount: number | null;
}

/** Thrown with what `pg` threw: how many statements of the message were done. */
export class MessageError extends Error {
  readonly statementsDone: number;

  constructor(cause: Error, statementsDone: number) {
    super(cause.message, { cause });
    this.statementsDone = statementsDone;
  }
}

/**
 * One message of the simple protocol. Counts its statements as they are done, keeps only the rows that are wanted, and
 * settles when the server is ready for the next one: only then is the state of the transaction known.
 */
export class Message extends Query {
  readonly answer: Promise<Answer>;
  readonly #options: RunOptions;
  readonly #onCopyIn: ((connection: WireConnection) => void) | undefined;
  #sql: string;
  #done = 0;
  #reject: (error: Error) => void = () => undefined;

  constructor(sql: string, options: RunOptions, onCopyIn?: (connection: WireConnection) => void) {
    // A long text is not kept: messages that were promoted before they were garbage would hold megabytes of it.
    super({ text: sql.length < LONG ? sql : '' });
    this.#sql = sql;
    this.#options = options;
    this.#onCopyIn = onCopyIn;
    this.answer = new Promise((resolve, reject) => {
      this.#reject = reject;
      this.callback = (error, result) => {
        if (error !== undefined && error !== null) reject(new MessageError(error, this.#done));
        else resolve(this.#chosen(result));
      };
    });
  }

  /** A long text is written as it is: `pg` would make a buffer of twice its length for each, faster than they are freed. */
  override submit(connection: pg.Connection): Error | null {
    const sql = this.#sql;
    if (sql.length < LONG) return super.submit(connection);
    const head = Buffer.alloc(5, 'Q');
    head.writeInt32BE(4 + Buffer.byteLength(sql) + 1, 1);
    this.#sql = '';
    const { stream } = connection;
    stream.cork();
    stream.write(head);
    stream.write(sql, 'utf8');
    stream.write('\0');
    stream.uncork();
    return null;
  }

  override handleRowDescription(message: unknown): void {
    if (this.#wanted) super.handleRowDescription(message);
  }

  override handleDataRow(message: unknown): void {
    if (this.#wanted) super.handleDataRow(message);
  }

  override handleCommandComplete(message: { readonly text?: string }, connection: WireConnection): void {
    // A result for each of the thousands of INSERTs of a group would be garbage.
    if (this.#wanted) super.handleCommandComplete(message, connection);
    this.#done += 1;
  }

  get #wanted(): boolean {
    const { rowsOf } = this.#options;
    return rowsOf === undefined || rowsOf === this.#done;
  }

  override handleCopyInResponse(connection: WireConnection): void {
    if (this.#onCopyIn === undefined) connection.sendCopyFail('there is no data for it');
    else this.#onCopyIn(connection);
  }

  override handleError(error: Error, connection: WireConnection): void {
    const failed = new MessageError(error, this.#done);
    const isFatal = !(error instanceof pg.DatabaseError) || /^(?:FATAL|PANIC)$/.test(error.severity ?? '');
    if (isFatal) {
      this.#reject(failed);
      return;
    }
    const settle = (): void => {
      connection.off('readyForQuery', settle);
      connection.off('end', settle);
      this.#reject(failed);
    };
    connection.once('readyForQuery', settle);
    connection.once('end', settle);
  }

  #chosen(result: pg.QueryResult | readonly pg.QueryResult[] | undefined): Answer {
    const last: pg.QueryResult | undefined = Array.isArray(result)
      ? result.at(-1)
      : (result as pg.QueryResult | undefined);
    return { rows: last?.rows ?? [], command: last?.command ?? '', rowCount: last?.rowCount ?? 0 };
  }
}
