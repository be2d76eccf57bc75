import type { EventEmitter } from 'node:events';
import process from 'node:process';
import type pg from 'pg';
import {
  DatabaseError,
  type Notice,
  type QueryResult,
  type RunOptions,
  type Session,
  type TransactionState,
} from '../../ports/database.ts';
import { writeRows } from './copy-stream.ts';
import { translateError } from './driver-error.ts';
import { Message } from './message.ts';
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
  #gathering = false;
  /** While a COPY takes its data, nothing else may be written. */
  #copy: Promise<unknown> | undefined;

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

  get transaction(): TransactionState {
    const status = (this.#client as pg.Client & { getTransactionStatus(): string | null }).getTransactionStatus();
    if (status === 'E') return 'failed';
    return status === 'T' ? 'open' : 'none';
  }

  async run(sql: string, options: RunOptions = {}): Promise<QueryResult> {
    return resultOf(await this.#send(() => this.#client.query(new Message(sql, options)).answer));
  }

  async copyIn(sql: string, rows: Iterable<string>): Promise<QueryResult> {
    const copying = this.#send(() => this.#copyIn(sql, rows));
    const copy = copying.catch(() => undefined);
    this.#copy = copy;
    try {
      return await copying;
    } finally {
      if (this.#copy === copy) this.#copy = undefined;
    }
  }

  async #copyIn(sql: string, rows: Iterable<string>): Promise<QueryResult> {
    let written: Promise<void> | undefined;
    let isRefused = false;
    const message = new Message(sql, {}, (connection) => {
      written = writeRows(this.#stream.stream, rows, () => isRefused);
      // What the rows' source throws ends the COPY, and is thrown on below.
      written.catch((error: unknown) => connection.sendCopyFail(String(error)));
    });
    try {
      const answer = await this.#client.query(message).answer;
      await written;
      return resultOf(answer);
    } catch (error) {
      isRefused = true;
      await written;
      throw error;
    }
  }

  async query<Row = Record<string, unknown>>(
    sql: string,
    parameters: readonly unknown[] = [],
  ): Promise<QueryResult<Row>> {
    // Without the mode, `pg` takes the simple protocol where there are no parameters, which allows several statements.
    const config = { text: sql, values: [...parameters], queryMode: 'extended' };
    return resultOf(
      await this.#send(async () => {
        try {
          return await this.#client.query<Row & pg.QueryResultRow>(config);
        } catch (error) {
          await this.#untilReady(error);
          throw error;
        }
      }),
    );
  }

  /** `pg` gives an error up as soon as it arrives; the state of the transaction comes behind it, with ReadyForQuery. */
  async #untilReady(error: unknown): Promise<void> {
    const client = this.#client as pg.Client & { readonly readyForQuery: boolean; readonly connection: EventEmitter };
    const isServers =
      error instanceof Error && 'severity' in error && !/^(?:FATAL|PANIC)$/.test(String(error.severity));
    if (!isServers || client.readyForQuery || this.#lost !== undefined) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        client.connection.off('readyForQuery', settle);
        client.connection.off('end', settle);
        resolve();
      };
      client.connection.once('readyForQuery', settle);
      client.connection.once('end', settle);
    });
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

  async #send<Result>(send: () => Promise<Result>): Promise<Result> {
    try {
      // Without a COPY under way there is no pause here: messages go out in the order of the calls.
      while (this.#copy !== undefined) await this.#copy;
      if (this.#lost !== undefined) throw this.#lost;
      this.#gather();
      return await send();
    } catch (error) {
      const translated = translateError(error, 'open');
      if (translated instanceof DatabaseError && translated.connection) this.#lastFatal ??= translated;
      throw translated;
    }
  }

  /** What is sent before the next turn of the event loop goes in one packet: each write wakes the server. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    const { stream } = this.#stream;
    stream.cork();
    process.nextTick(() => {
      this.#gathering = false;
      stream.uncork();
    });
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

function resultOf<Row>(result: { rows: Row[]; command: string; rowCount: number | null }): QueryResult<Row> {
  return { rows: result.rows, command: result.command, rowCount: result.rowCount ?? 0 };
}
