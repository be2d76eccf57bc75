import type { EventEmitter } from 'node:events';
import type pg from 'pg';
import { DatabaseError, type Notice, type QueryResult, type Session } from '../../ports/database.ts';
import { translateError } from './driver-error.ts';
import type { OpenStream } from './stream.ts';

/** How long a server may take to say goodbye, in ms; then the socket is closed from here. */
const CLOSE_DEADLINE = 1_000;

/** A session over one `pg` client. Never emits: an `error` event that nobody hears would end the process. */
export class PgSession implements Session {
  readonly #client: pg.Client;
  readonly #stream: OpenStream;
  readonly #lostListeners: ((error: DatabaseError) => void)[] = [];
  #lost: DatabaseError | undefined;
  #lastFatal: DatabaseError | undefined;
  #closed: Promise<void> | undefined;
  #opened = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client, stream: OpenStream) {
    this.#client = client;
    this.#stream = stream;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('Connection terminated unexpectedly')));
  }

  /** @throws DatabaseError with `connection` true; the signal's reason when it is aborted */
  async open(signal: AbortSignal): Promise<this> {
    const abort = (): void => this.#stream.destroy(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      await this.#client.connect();
      this.#opened = true;
      return this;
    } catch (error) {
      this.#stream.destroy();
      signal.throwIfAborted();
      throw translateError(error, 'opening');
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  get pid(): number {
    return (this.#client as pg.Client & { readonly processID: number | null }).processID ?? 0;
  }

  async run(sql: string): Promise<QueryResult> {
    // The server ends each statement of a message with CommandComplete, and says nothing of how far it came in its error.
    const { connection } = this.#client as pg.Client & { readonly connection: EventEmitter };
    let done = 0;
    const count = (): void => {
      done += 1;
    };
    const send = async (): Promise<unknown> => {
      connection.on('commandComplete', count);
      try {
        return await this.#client.query(sql);
      } finally {
        connection.off('commandComplete', count);
      }
    };
    // `pg` gives an array for several statements, which its types do not say.
    const results = (await this.#send(send, () => done)) as pg.QueryResult | pg.QueryResult[];
    return resultOf(Array.isArray(results) ? results.at(-1) : results);
  }

  async query<Row = Record<string, unknown>>(
    sql: string,
    parameters: readonly unknown[] = [],
  ): Promise<QueryResult<Row>> {
    // Without the mode, `pg` takes the simple protocol where there are no parameters, which allows several statements.
    const config = { text: sql, values: [...parameters], queryMode: 'extended' };
    return resultOf(await this.#send(() => this.#client.query<Row & pg.QueryResultRow>(config)));
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    const hear = (notice: { severity?: string | undefined; message?: string | undefined }): void =>
      listener({ severity: notice.severity ?? 'NOTICE', message: notice.message ?? '' });
    this.#client.on('notice', hear);
    return () => void this.#client.off('notice', hear);
  }

  onLost(listener: (error: DatabaseError) => void): void {
    if (this.#lost === undefined) this.#lostListeners.push(listener);
    else listener(this.#lost);
  }

  /** Ends the session within a second, also where the server does not answer; a statement that runs is abandoned. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    const timer = setTimeout(() => this.#stream.destroy(), CLOSE_DEADLINE);
    try {
      await this.#client.end();
    } finally {
      clearTimeout(timer);
      this.#stream.destroy();
    }
  }

  /** One after another: `pg` deprecates queries that queue up inside it. */
  async #send<Result>(send: () => Promise<Result>, statementsDone?: () => number): Promise<Result> {
    const result = this.#tail.then(async () => {
      if (this.#lost !== undefined) throw this.#lost;
      return send();
    });
    this.#tail = result.catch(() => undefined);
    try {
      return await result;
    } catch (error) {
      const translated = translateError(error, 'open', statementsDone?.());
      if (translated instanceof DatabaseError && translated.connection) this.#lastFatal ??= translated;
      throw translated;
    }
  }

  /** The server's own words (57P01 …) come first where there were any; the end of the socket follows them. */
  #lose(error: unknown): void {
    if (!this.#opened || this.#closed !== undefined || this.#lost !== undefined) return;
    const translated = translateError(error, 'open');
    const lost = this.#lastFatal ?? (translated instanceof DatabaseError ? translated : gone(translated));
    this.#lost = lost;
    for (const listener of this.#lostListeners.splice(0)) listener(lost);
  }
}

function gone(cause: unknown): DatabaseError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new DatabaseError(message, { sqlstate: '08006', connection: true, cause });
}

function resultOf<Row>(
  result: { rows: Row[]; command: string; rowCount: number | null } | undefined,
): QueryResult<Row> {
  if (result === undefined) return { rows: [], command: '', rowCount: 0 };
  return { rows: result.rows, command: result.command, rowCount: result.rowCount ?? 0 };
}
